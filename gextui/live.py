"""What runs live: which sources give a ticker, where it is recorded, and what to do where another process does that."""

import logging
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from gextui.config import Settings, Storage, TickerChoice, cache_path, database_path
from gextui.market.ticker import Kind, Ticker
from gextui.route import RECORDER, Route
from gextui.secrets import SecretName
from gextui.store.lock import Holder, holder_of

if TYPE_CHECKING:
    from gextui.desk import Desk, Health
    from gextui.exposure.board import Board
    from gextui.exposure.filters import Filters
    from gextui.market.chain import OptionChain
    from gextui.store.retention import Retention

_LOOK_EVERY = 0.02
"""Seconds between looks at whether what was asked for has come."""
_FAILING_FOR = 5.0
"""Seconds: a source that fails after so many is not waited for."""
_NEXT_WITHIN = 2.5
"""Seconds more for each where there are several, until the next is asked."""
_IMPLIED_WITHIN = 10.0
"""Seconds that a coin ETF's implied book is waited for: it needs the coin's price."""
_PROGRESS_WITHIN = 10.0
"""Seconds within which a first chain that takes longer must be seen to come nearer."""
_COINS = ("deribit", "bybit")
_SHARES = ("tastytrade", "tradier", "cboe", "yahoo")
"""The sources of everything else, the best first."""
_ACCOUNTS = {
    "tastytrade": (SecretName.TASTYTRADE_CLIENT_SECRET, SecretName.TASTYTRADE_REFRESH_TOKEN),
    "tradier": (SecretName.TRADIER_TOKEN,),
}
"""The credentials without which a source gives nothing."""


def sources_of(ticker: Ticker) -> tuple[str, ...]:
    """The sources that can give the ticker, the best first."""
    return _COINS if ticker.kind is Kind.COIN else _SHARES


def route_for(settings: Settings, ticker: Ticker) -> Route:
    """Whose chains the ticker gets: as the settings say, else the best that needs no account that is not there."""
    choice = settings.tickers.get(ticker.symbol, TickerChoice())
    if choice.sources:
        return Route(choice.sources, choice.combine)
    if ticker.kind is Kind.COIN:
        return Route((ticker.source,))
    return Route(tuple(_usable(settings, _SHARES)))


def _usable(settings: Settings, sources: Iterable[str]) -> list[str]:
    """Those of the sources that need no account, or for which there is one."""
    return [name for name in sources if all(map(settings.secrets.configure, _ACCOUNTS.get(name, ())))]


def routes_of(settings: Settings, tickers: Iterable[Ticker]) -> dict[Ticker, Route]:
    """Whose chains each of the tickers gets."""
    return {ticker: route_for(settings, ticker) for ticker in tickers}


class LiveCatalogue:
    """What there is to watch live, for the screen's list. What another process records is read from there."""

    def __init__(self, settings: Settings) -> None:
        """Look tickers up, and choose their sources, as the settings say."""
        from gextui.directory import Directory

        self._settings = settings
        self._path = database_path(settings)
        self._beside = holder_of(self._path) is not None
        """Whether another process records; then this one does not."""
        self._directory = Directory(settings.sources, cache_dir=cache_path())

    @property
    def known(self) -> Sequence[Ticker]:
        """The tickers that can be named without asking anybody."""
        return self._directory.tickers

    def sources_of(self, ticker: Ticker) -> Sequence[str]:
        """The sources that can give the ticker, the best first; not those for which there is no account."""
        return _usable(self._settings, sources_of(ticker))

    def route(self, ticker: Ticker, chosen: Route | None = None) -> Route:
        """Whose chains the ticker gets, where the user has chosen this."""
        if self._recorded_by_another(ticker) is not None:
            return Route((RECORDER,))
        if chosen is None or not set(chosen.sources) <= set(sources_of(ticker)):
            return route_for(self._settings, ticker)
        # A list that was saved may say anything.
        return Route(chosen.sources, chosen.combine and ticker.kind is Kind.COIN and len(chosen.sources) > 1)

    def fixed(self, ticker: Ticker) -> str:
        """Why its sources cannot be chosen; empty where they can."""
        holder = self._recorded_by_another(ticker)
        return "" if holder is None else f"{holder} records {ticker.symbol}, and decides from which sources"

    @property
    def shifts(self) -> bool:
        """Whether routes may become others: when the process that records ends, or another begins."""
        return self._beside

    @property
    def remark(self) -> str:
        """That nobody records any more, if so."""
        gone = self._beside and holder_of(self._path) is None
        return "nobody records now: tickers are read from the venues; start gextui anew to record them" if gone else ""

    async def find(self, symbol: str) -> Ticker:
        """The ticker that a name means; see `Directory.find`."""
        return await self._directory.find(symbol)

    def _recorded_by_another(self, ticker: Ticker) -> Holder | None:
        holder = holder_of(self._path) if self._beside else None
        return holder if holder is not None and ticker.symbol in holder.recorded else None


def live_desk(settings: Settings, routes: Mapping[Ticker, Route], *, record: bool = True) -> "Desk":
    """A desk of these tickers, not yet started. It records; but what another process records it follows.

    Then it only reads, so that the other may start again at any time, and asks the venues for the rest alone. Without
    ``record`` it only reads in any case.
    """
    from gextui.desk import Desk
    from gextui.following import open_to_follow
    from gextui.live_sources import LiveSources
    from gextui.store.store import Store

    path = database_path(settings)
    make = LiveSources(settings)
    follows = any(RECORDER in route.sources for route in routes.values())
    if follows or not record:
        open_history = partial(open_to_follow, path) if follows or path.exists() else None
        return Desk([], open_history, routes=routes, make=make, beside=make.keep, etfs=make.etfs, record=False)
    open_store = partial(Store.open, path, tickers=list(routes), retention=retention_of(settings.storage))
    return Desk([], open_store, routes=routes, make=make, beside=make.keep, etfs=make.etfs)


def live_boards(
    settings: Settings, tickers: Sequence[Ticker], filters: "Filters", *, within: float = 60.0
) -> "tuple[list[Board], list[str]]":
    """One fresh board a ticker, and a sentence for each ticker of which none came within so many seconds."""
    logging.getLogger("gextui").addHandler(logging.NullHandler())  # what goes wrong is said in the end, once
    catalogue = LiveCatalogue(settings)
    routes = {ticker: catalogue.route(ticker) for ticker in tickers}
    desk = live_desk(settings, routes, record=False)
    for ticker in tickers:
        desk.watch(ticker, filters)
    desk.start()
    try:
        begun, pause, waiting = time.monotonic(), threading.Event(), set(tickers)
        progress = dict.fromkeys(tickers, ("", 0.0))
        while waiting:
            pause.wait(_LOOK_EVERY)
            waited = time.monotonic() - begun
            for ticker in waiting:
                if (said := _progress(desk, ticker)) != progress[ticker][0]:
                    progress[ticker] = said, waited
            waiting = {
                ticker
                for ticker in waiting
                if waited < max(within, progress[ticker][1] + _PROGRESS_WITHIN)
                and _may_come(desk, ticker, routes[ticker], waited)
            }
        boards, missing = [], []
        for ticker in tickers:
            health = desk.health(ticker)
            view = desk.view(ticker) if _is_current(health, routes[ticker]) else None
            if view is not None:
                of_source = filter(None, (health.status.doubt, health.status.substitution))
                boards.append(replace(view.board, warnings=(*of_source, *view.board.warnings)))
            else:
                # Nobody waits for the next try.
                said = health.status.detail.partition("; next try in ")[0]
                words = said or f"{health.status.name} gave no chain in time"
                if health.stale and health.age is not None:
                    words = f"nothing new for {health.age:.0f} s: {words}"
                instead = f" ({health.status.substitution})" if health.status.substitution else ""
                missing.append(f"{ticker.symbol}: {words}{instead}")
        return boards, missing
    finally:
        desk.stop()


def _is_current(health: "Health", route: Route) -> bool:
    """Whether what is shown is what the ticker's source, or who records it, gives now."""
    return not health.stale and (not health.recalled or RECORDER in route.sources)


def _progress(desk: "Desk", ticker: Ticker) -> str:
    """How far the reading of a first chain has come, in words; empty where nothing says so."""
    from gextui.sources.source import SourceState

    status = desk.health(ticker).status
    return status.detail if status.state is SourceState.CONNECTING else ""


def _may_come(desk: "Desk", ticker: Ticker, route: Route, waited: float) -> bool:
    """Whether a fresh board of the ticker is still to be hoped for."""
    from gextui.sources.source import SourceState

    health = desk.health(ticker)
    others = len(route.sources) > 1
    patience = (_FAILING_FOR + _NEXT_WITHIN) * len(route.sources) if others else _FAILING_FOR
    if health.status.state is SourceState.DISABLED and not (others and waited < patience):
        return False
    if health.status.state is SourceState.BACKOFF and waited > patience:
        return False
    view = desk.view(ticker)
    if view is None or not _is_current(health, route) or view.board.chain.partial:
        return True
    return waited < _IMPLIED_WITHIN and _may_be_implied(view.board.chain)


def _may_be_implied(chain: "OptionChain") -> bool:
    """Whether this is the quoted book of a coin ETF that is shut, which is soon told at the coin's price."""
    from gextui.market.calendar import MarketState, market_state

    now = datetime.now(UTC) - timedelta(seconds=chain.delay)
    known = chain.coin_ratio is not None and chain.implied_from is None
    return known and market_state(chain.ticker.session, now) is not MarketState.OPEN


def retention_of(storage: Storage) -> "Retention":
    """How long the database remembers, as the settings say."""
    from gextui.store.retention import Retention

    return Retention(
        levels_days=storage.levels_days,
        chains_hours=storage.chains_hours,
        chains_days=storage.chains_days,
        max_gb=storage.max_gb,
    )
