"""What runs live: which source gives a ticker, where it is recorded, and what to do where another process does that."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from gextui.config import Settings, Storage, cache_path, database_path
from gextui.market.ticker import Kind, Ticker, ticker_for
from gextui.store.lock import holder_of

if TYPE_CHECKING:
    from gextui.desk import Desk
    from gextui.sources.source import Source
    from gextui.store.retention import Retention

_KNOWN = ("deribit",)
"""The sources there are, as tickers name them."""


def without_a_source(tickers: Iterable[Ticker]) -> list[Ticker]:
    """Those of the tickers that no source gives."""
    return [ticker for ticker in tickers if ticker.source not in _KNOWN]


def coins_among(settings: Settings, symbols: Sequence[str]) -> tuple[list[Ticker], list[str]]:
    """Those of the symbols that are coins on Deribit, and all coins that it lists; it is asked at most once a day.

    Raises:
        FetchError: it cannot be asked.
    """
    import asyncio

    from gextui.sources.deribit_currency import listed_coins

    listed = asyncio.run(listed_coins(settings.sources.deribit.rest_url, cache_dir=cache_path()))
    return [ticker_for(symbol, Kind.COIN) for symbol in symbols if symbol in listed], listed


def live_sources(settings: Settings, tickers: Sequence[Ticker]) -> "list[Source]":
    """One source a venue, each of its own of these tickers; not yet running."""
    from gextui.sources.deribit import DeribitSource

    coins = [ticker for ticker in tickers if ticker.source == "deribit"]
    deribit = settings.sources.deribit
    made = partial(DeribitSource, rest_url=deribit.rest_url, ws_url=deribit.ws_url, cache_dir=cache_path())
    return [made(coins)] if coins else []


def live_desk(settings: Settings, tickers: Sequence[Ticker]) -> "Desk":
    """A desk of these tickers, not yet started. It records; but what another process records it follows.

    Then it only reads, so that the other may start again at any time, and asks the venues for the rest alone.
    """
    from gextui.desk import Desk
    from gextui.following import FollowingSource, open_to_follow
    from gextui.store.store import Store

    path = database_path(settings)
    holder = holder_of(path)
    followed = [ticker for ticker in tickers if holder is not None and ticker.symbol in holder.symbols]
    sources = live_sources(settings, [ticker for ticker in tickers if ticker not in followed])
    if followed:
        sources.append(FollowingSource(path, followed))
        return Desk(sources, partial(open_to_follow, path), order=tickers, record=False)
    open_store = partial(Store.open, path, tickers=tickers, retention=retention_of(settings.storage))
    return Desk(sources, open_store, order=tickers)


def retention_of(storage: Storage) -> "Retention":
    """How long the database remembers, as the settings say."""
    from gextui.store.retention import Retention

    return Retention(
        levels_days=storage.levels_days,
        chains_hours=storage.chains_hours,
        chains_days=storage.chains_days,
        max_gb=storage.max_gb,
    )
