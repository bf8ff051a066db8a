"""What a command line names: tickers, recorded chains, readings. What is heavy is imported where it is used."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gextui.console import Exit, Stop, read_settings, tell

if TYPE_CHECKING:
    from datetime import datetime

    from gextui.config import Settings
    from gextui.exposure.board import Board
    from gextui.exposure.filters import Filters
    from gextui.market.chain import OptionChain
    from gextui.market.ticker import Ticker


def wanted_tickers(symbols: Iterable[str]) -> tuple[str, ...]:
    """Ticker symbols as given, checked; a mistyped command is told from a ticker."""
    from difflib import get_close_matches

    from gextui.config import plain_tickers

    group = click.get_current_context().find_root().command
    commands = group.commands if isinstance(group, click.Group) else {}
    for symbol in symbols:
        if symbol in commands:
            raise Stop(Exit.USAGE, f"{symbol!r} is a command and comes first: gextui {symbol} ...")
        near = get_close_matches(symbol, commands, n=1, cutoff=0.75)
        if near and symbol.islower():
            raise Stop(Exit.USAGE, f"{symbol!r} is not a command; did you mean `gextui {near[0]}`?")
    try:
        return plain_tickers(symbols)
    except ValueError as error:
        raise Stop(Exit.USAGE, str(error)) from None


def live_tickers(settings: "Settings", symbols: Sequence[str]) -> "list[Ticker]":
    """The tickers that are named, or else those of the settings; who lists an unknown one is asked."""
    import asyncio

    from gextui.config import cache_path
    from gextui.directory import Directory
    from gextui.market.ticker import UnknownTickerError

    directory = Directory(settings.sources, cache_dir=cache_path())
    named = wanted_tickers(symbols)

    async def found() -> "list[Ticker]":
        return list(await asyncio.gather(*map(directory.find, named or settings.general.tickers)))

    try:
        return asyncio.run(found())
    except UnknownTickerError as error:
        raise Stop(Exit.UNAVAILABLE, str(error)) from None


def chosen_filters(**choice: Any) -> "Filters":
    """The filters that the options name, or a usage error that says what is accepted."""
    from gextui.exposure.filters import Filters, Sign, Weight

    choice |= {"weight": Weight(choice["weight"]), "sign": Sign(choice["sign"])}
    try:
        return Filters(**choice)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def read_files(
    settings: "Settings",
    files: Sequence[Path],
    tickers: Sequence[str],
    as_of: "datetime | None",
    spot: float | None,
    rate: float | None,
) -> "list[OptionChain]":
    """Every chain in the files; only ``tickers`` where any are named, and in their order."""
    from gextui.coin_etfs import told_in_coins
    from gextui.live_sources import holdings_of
    from gextui.sources.files import read_chains
    from gextui.sources.source import BadInputError

    # Of several files each need not hold every ticker.
    only = tickers if tickers and len(files) == 1 else None
    us_rate = settings.rates.usd
    chains: list[OptionChain] = []
    for file in files:
        try:
            chains += read_chains(file, as_of=as_of, spot=spot, rate=rate, us_rate=us_rate, tickers=only)
        except FileNotFoundError:
            raise Stop(Exit.NO_INPUT, f"{file} does not exist") from None
        except BadInputError as error:
            raise Stop(Exit.BAD_INPUT, str(error)) from None
    held = {chain.ticker.symbol for chain in chains}
    for symbol in tickers:
        if symbol not in held:
            raise Stop(
                Exit.BAD_INPUT, f"the files hold {', '.join(sorted(held))}, not {symbol}; name a ticker they hold"
            )
    chains = told_in_coins(chains, holdings_of(settings))
    return [chain for symbol in tickers for chain in chains if chain.ticker.symbol == symbol] if tickers else chains


def read_boards(
    config: Path | None,
    tickers: Sequence[str],
    files: Sequence[Path],
    as_of: "datetime | None",
    spot: float | None,
    rate: float | None,
    **choice: Any,
) -> "list[Board]":
    """The newest board of each ticker in the files, compared with what else they hold of it."""
    import asyncio

    from gextui.exposure.board import build_board
    from gextui.exposure.change import WINDOWS
    from gextui.sources.recorded import RecordedHistory

    settings = read_settings(config)
    wanted = wanted_tickers(tickers)
    filters = chosen_filters(**choice)
    if not files:
        if as_of is not None or spot is not None or rate is not None:
            raise click.UsageError("--as-of, --spot and --rate are for a recorded chain; name one with --file FILE")
        return read_live(settings, wanted, filters)
    chains = read_files(settings, files, wanted, as_of, spot, rate)
    history = RecordedHistory(chains)

    async def newest() -> "list[Board]":
        found = [await history.latest(ticker) for ticker in dict.fromkeys(chain.ticker for chain in chains)]
        kept = [chain for chain in found if chain is not None]
        return [build_board(chain, await history.past(chain.ticker, chain.as_of, WINDOWS), filters) for chain in kept]

    return asyncio.run(newest())


def read_live(settings: "Settings", symbols: Sequence[str], filters: "Filters") -> "list[Board]":
    """The newest board of each ticker from its live source, or from who records it; what is missing is said."""
    from gextui.live import live_boards

    boards, missing = live_boards(settings, live_tickers(settings, symbols), filters)
    for sentence in missing[0 if boards else 1 :]:
        tell(sentence)
    if not boards:
        raise Stop(Exit.UNAVAILABLE, missing[0])
    return boards
