"""What runs live: which sources give a ticker, where it is recorded, and what to do where another process does that."""

import logging
import threading
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from gextui.config import Settings, Storage, TickerChoice, database_path
from gextui.market.ticker import Kind, Ticker
from gextui.route import Route
from gextui.secrets import SecretName
from gextui.store.lock import holder_of

if TYPE_CHECKING:
    from gextui.desk import Desk
    from gextui.exposure.board import Board
    from gextui.exposure.filters import Filters
    from gextui.market.chain import OptionChain
    from gextui.store.retention import Retention

_LOOK_EVERY = 0.02
"""Seconds between looks at whether what was asked for has come."""
_FAILING_FOR = 5.0
"""Seconds: a source that fails after so many is not waited for."""
_IMPLIED_WITHIN = 10.0
"""Seconds that a coin ETF's implied book is waited for: it needs the coin's price."""
RECORDER = "recorder"
"""The source of what another process records."""
_COINS = ("deribit", "bybit")
_SHARES = ("tradier", "cboe", "yahoo")
"""The sources of everything else, the best first."""


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
    return Route(_SHARES if settings.secrets.configure(SecretName.TRADIER_TOKEN) else _SHARES[1:])


def routes_of(settings: Settings, tickers: Iterable[Ticker]) -> dict[Ticker, Route]:
    """Whose chains each of the tickers gets."""
    return {ticker: route_for(settings, ticker) for ticker in tickers}


def live_desk(settings: Settings, tickers: Sequence[Ticker], *, record: bool = True) -> "Desk":
    """A desk of these tickers, not yet started. It records; but what another process records it follows.

    Then it only reads, so that the other may start again at any time, and asks the venues for the rest alone. Without
    ``record`` it only reads in any case.
    """
    from gextui.desk import Desk
    from gextui.following import FollowingSource, open_to_follow
    from gextui.live_sources import LiveSources
    from gextui.store.store import Store

    path = database_path(settings)
    holder = holder_of(path)
    followed = [ticker for ticker in tickers if holder is not None and ticker.symbol in holder.symbols]
    routes = routes_of(settings, tickers) | {ticker: Route((RECORDER,)) for ticker in followed}
    make = LiveSources(settings)
    if followed or not record:
        sources = [FollowingSource(path, followed)] if followed else []
        open_history = partial(open_to_follow, path) if path.exists() else None
        return Desk(sources, open_history, routes=routes, make=make, beside=make.keep, etfs=make.etfs, record=False)
    open_store = partial(Store.open, path, tickers=tickers, retention=retention_of(settings.storage))
    return Desk([], open_store, routes=routes, make=make, beside=make.keep, etfs=make.etfs)


def live_boards(
    settings: Settings, tickers: Sequence[Ticker], filters: "Filters", *, within: float = 60.0
) -> "tuple[list[Board], list[str]]":
    """One fresh board a ticker, and a sentence for each ticker of which none came within so many seconds."""
    logging.getLogger("gextui").addHandler(logging.NullHandler())  # what goes wrong is said in the end, once
    desk = live_desk(settings, tickers, record=False)
    for ticker in tickers:
        desk.watch(ticker, filters)
    desk.start()
    try:
        begun, pause, waiting = time.monotonic(), threading.Event(), set(tickers)
        while waiting:
            pause.wait(_LOOK_EVERY)
            waited = time.monotonic() - begun
            waiting = {ticker for ticker in waiting if waited < within and _may_come(desk, ticker, waited)}
        found = [(ticker, desk.view(ticker), desk.health(ticker)) for ticker in tickers]
        boards = [view.board for _, view, health in found if view is not None and not health.stale]
        missing = [
            f"{ticker.symbol}: {health.status.detail or f'{health.status.name} gave no chain in time'}"
            for ticker, view, health in found
            if view is None or health.stale
        ]
        return boards, missing
    finally:
        desk.stop()


def _may_come(desk: "Desk", ticker: Ticker, waited: float) -> bool:
    """Whether a fresh board of the ticker is still to be hoped for."""
    from gextui.sources.source import SourceState

    health = desk.health(ticker)
    if health.status.state is SourceState.DISABLED:
        return False
    if health.status.state is SourceState.BACKOFF and waited > _FAILING_FOR:
        return False
    view = desk.view(ticker)
    if view is None or health.stale or view.board.chain.partial:
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
