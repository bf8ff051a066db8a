"""A desk in memory with fixed chains: no thread, no clock, no chance."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Future
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import numpy as np

from gextui.desk import Health, View
from gextui.exposure.board import Board, build_board
from gextui.exposure.change import Past
from gextui.exposure.filters import EVERYTHING, Filters
from gextui.exposure.series import Series
from gextui.market.chain import OptionChain
from gextui.market.combined import combine
from gextui.market.ticker import Ticker, ticker_for
from gextui.route import Route
from gextui.sources.source import SourceState, SourceStatus
from gextui.ui.watch import Answer

NOW = datetime(2026, 11, 20, 14, 32, 10, tzinfo=UTC)
_DAY = 86400.0
_SPOTS = {"BTC": 98_412.5, "SPX": 6_712.4, "IBIT": 56.32, "XRP": 2.2413}
_STEPS = {"BTC": 1_000.0, "SPX": 25.0, "IBIT": 1.0, "XRP": 0.05}
_DAYS_TO_EXPIRY = (1, 8, 22, 43, 106, 218)


@lru_cache(256)
def made_up_chain(
    symbol: str = "BTC",
    *,
    as_of: datetime = NOW,
    shift: float = 0.0,
    ticker: Ticker | None = None,
    delay: float = 0.0,
    simulated: bool = False,
) -> OptionChain:
    """The same chain every time; ``shift`` moves spot by a fraction and open interest a little."""
    random = np.random.RandomState([ord(letter) for letter in symbol])
    step = _STEPS.get(symbol, 1_000.0)
    spot = _SPOTS.get(symbol, 98_412.5)
    first = datetime(2026, 11, 20, 8, tzinfo=UTC).timestamp()
    low, high = np.ceil(spot * 0.7 / step), np.floor(spot * 1.3 / step)
    strikes = np.arange(low, high + 1) * step
    rows: dict[str, list[np.ndarray]] = {name: [] for name in ("expiry", "strike", "is_call", "iv", "oi", "volume")}
    for days in _DAYS_TO_EXPIRY:
        for is_call in (True, False):
            away = np.log(strikes / spot)
            width = 0.05 + 0.011 * np.sqrt(days)
            centre = 0.06 if is_call else -0.05
            round_ones = np.where(np.isclose(strikes % (5 * step), 0), 3.0, 1.0)
            held = round_ones * np.exp(-(((away - centre) / width) ** 2)) * random.uniform(0.6, 1.4, len(strikes))
            rows["expiry"].append(np.full(len(strikes), first + days * _DAY))
            rows["strike"].append(strikes)
            rows["is_call"].append(np.full(len(strikes), is_call))
            rows["iv"].append(0.42 + 0.6 * away**2 - 0.12 * away + 0.02 * np.sqrt(days / 30))
            rows["oi"].append(np.floor(2_000 * held * (1.0 + shift)))
            rows["volume"].append(np.floor(400 * held * random.uniform(0.2, 1.8, len(strikes))))
    columns = {name: np.concatenate(parts) for name, parts in rows.items()}
    size = len(columns["strike"])
    return OptionChain.from_rows(
        ticker=ticker or ticker_for(symbol),
        source="deribit",
        as_of=as_of,
        spot=spot * (1.0 + shift),
        root=[symbol] * size,
        expiry=columns["expiry"],
        strike=columns["strike"],
        is_call=columns["is_call"],
        iv=columns["iv"],
        open_interest=columns["oi"],
        volume=columns["volume"],
        bid=np.full(size, np.nan),
        ask=np.full(size, np.nan),
        multiplier=np.ones(size),
        forwards={
            first + days * _DAY: spot * (1.0 + shift) * float(np.exp(0.05 * days / 365)) for days in _DAYS_TO_EXPIRY
        },
        previous_close=spot / 1.0124,
        delay=delay,
        simulated=simulated,
    )


def two_venues_chain(*, stale: str = "") -> OptionChain:
    """BTC at Deribit and, not much less than half as much, at Bybit, which may be stale since 42 s."""
    deribit = made_up_chain()
    bybit = replace(
        made_up_chain(shift=-0.001, as_of=NOW - timedelta(seconds=42 if stale else 0)),
        source="bybit",
        roots=("BTC-USDT",),
        open_interest=np.floor(deribit.open_interest * np.where(deribit.is_call, 0.3, 0.6)),
        volume=np.floor(deribit.volume * 0.25),
    )
    return combine(deribit.ticker, [deribit, bybit], stale={"bybit": stale} if stale else {})


def made_up_past(symbol: str, ticker: Ticker | None = None) -> Past:
    """Chains 1 and 10 minutes before, a gap at 5, 15 and 30, and yesterday's."""

    def before(minutes: int, shift: float) -> OptionChain:
        return made_up_chain(symbol, as_of=NOW - timedelta(minutes=minutes), shift=shift, ticker=ticker)

    return Past({1: before(1, 0.0004), 10: before(10, -0.002)}, before(1_440, -0.01))


class MemoryDesk:
    """What the app asks of a desk; a test puts boards, ages and states. One reading of the past is recorded."""

    def __init__(self, *symbols: str, tickers: tuple[Ticker, ...] = (), empty: bool = False) -> None:
        self.tickers = tickers or tuple(ticker_for(symbol) for symbol in symbols or ("BTC", "SPX", "IBIT"))
        self.filters = dict.fromkeys(self.tickers, EVERYTHING)
        self.calls: list[tuple[object, ...]] = []
        self.status = SourceStatus("deribit", SourceState.LIVE, 1.0)
        self.age: float | None = 0.4
        self.stale = False
        self.recording = "recording"
        self.views: dict[Ticker, View] = {}
        self.series: dict[timedelta, Series] = {}
        self.routes: dict[Ticker, Route] = {}
        """As last chosen."""
        if not empty:
            for ticker in self.tickers:
                self.put(ticker)

    def put(self, ticker: Ticker, *, shift: float = 0.0, as_of: datetime = NOW, replay: bool = False) -> Board:
        """A new board in the ticker's slot."""
        chain = made_up_chain(ticker.symbol, shift=shift, as_of=as_of, ticker=ticker)
        return self.put_chain(chain, replay=replay)

    def put_chain(self, chain: OptionChain, *, replay: bool = False) -> Board:
        """A board of this chain in its ticker's slot."""
        past = made_up_past(chain.ticker.symbol, chain.ticker)
        board = build_board(chain, past, self.filters[chain.ticker])
        self.views[chain.ticker] = View(board, replay)
        return board

    def change_board(self, ticker: Ticker, **changes: Any) -> None:
        """The ticker's board with some of its fields replaced."""
        self.views[ticker] = View(replace(self.views[ticker].board, **changes), False)

    def view(self, ticker: Ticker) -> View | None:
        return self.views.get(ticker)

    def health(self, ticker: Ticker) -> Health:
        return Health(self.status, self.age, self.stale, self.recording)

    def watch(self, ticker: Ticker, filters: Filters) -> None:
        self.calls.append(("watch", ticker.symbol, filters))
        self.filters[ticker] = filters
        shown = self.views.get(ticker)
        if shown is not None:
            self.put_chain(shown.board.chain, replay=shown.replay)

    def step(self, ticker: Ticker, steps: int) -> None:
        self.calls.append(("step", ticker.symbol, steps))
        shown = self.views.get(ticker)
        if shown is not None and shown.replay and steps < 0:
            self.views[ticker] = View(shown.board, True, at_start=True)
            return
        minutes = 5 if steps < 0 else 0
        self.put(ticker, as_of=NOW - timedelta(minutes=minutes), replay=steps < 0)

    def live(self, ticker: Ticker) -> None:
        self.calls.append(("live", ticker.symbol))
        self.put(ticker)

    def chart(self, ticker: Ticker, span: timedelta) -> Series | None:
        return self.series.get(span)

    def refresh(self, ticker: Ticker) -> None:
        self.calls.append(("refresh", ticker.symbol))

    def choose(self, routes: Mapping[Ticker, Route]) -> None:
        self.routes = dict(routes)
        self.tickers = tuple(routes)
        self.filters = {ticker: self.filters.get(ticker, EVERYTHING) for ticker in routes}

    def ask(self, question: Callable[[], Coroutine[Any, Any, Answer]]) -> Future[Answer]:
        return asyncio.run_coroutine_threadsafe(question(), asyncio.get_running_loop())
