"""A source and a history that do what a test tells them, and a desk that runs them."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from gextui.desk import Desk
from gextui.exposure.board import Board
from gextui.exposure.change import Past
from gextui.keeper import History
from gextui.market.chain import OptionChain
from gextui.market.ticker import KNOWN_TICKERS, Ticker
from gextui.sources.recorded import RecordedHistory
from gextui.sources.source import SourceState, SourceStatus
from tests.support.clock import FakeClock

BTC = KNOWN_TICKERS["BTC"]
ETH = KNOWN_TICKERS["ETH"]
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
_WITHIN = 10.0
"""Seconds a test waits for what must happen; reached only where it fails."""


def chain_at(
    seconds: float,
    spot: float = 100.0,
    *,
    ticker: Ticker = BTC,
    source: str = "fed",
    open_interest: float = 10.0,
    delay: float = 0.0,
) -> OptionChain:
    """Two expiries of three strikes, so many seconds after noon."""
    expiries = [(NOON + timedelta(days=days)).timestamp() for days in (7, 28) for _ in range(6)]
    return OptionChain.from_rows(
        ticker=ticker,
        source=source,
        as_of=NOON + timedelta(seconds=seconds),
        spot=spot,
        root=[ticker.symbol] * 12,
        expiry=expiries,
        strike=[90.0, 90.0, 100.0, 100.0, 110.0, 110.0] * 2,
        is_call=[True, False] * 6,
        iv=[0.5] * 12,
        open_interest=[open_interest] * 12,
        volume=[1.0] * 12,
        bid=[1.0] * 12,
        ask=[1.1] * 12,
        multiplier=[1.0] * 12,
        delay=delay,
    )


def until(happened: Callable[[], object], within: float = _WITHIN) -> None:
    """Return as soon as ``happened`` is true."""
    pause = threading.Event()
    for _ in range(int(within / 0.002)):
        if happened():
            return
        pause.wait(0.002)
    raise AssertionError("it did not happen in time")


class FedSource:
    """Yields each chain that a test feeds it, and raises each exception; None ends it."""

    def __init__(
        self,
        *tickers: Ticker,
        name: str = "fed",
        interval: float = 0.01,
        state: SourceState = SourceState.LIVE,
    ) -> None:
        self.tickers = tickers or (BTC,)
        self.name = name
        self.interval = interval
        self.state = state
        self.runs = 0
        self.refreshed: list[Ticker] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._food: asyncio.Queue[OptionChain | Exception | None] = asyncio.Queue()
        self._running = threading.Event()

    def status(self, ticker: Ticker) -> SourceStatus:
        return SourceStatus(self.name, self.state, self.interval)

    def refresh(self, ticker: Ticker) -> None:
        self.refreshed.append(ticker)

    async def chains(self) -> AsyncIterator[OptionChain]:
        self._loop = asyncio.get_running_loop()
        self.runs += 1
        self._running.set()
        while (item := await self._food.get()) is not None:
            if isinstance(item, Exception):
                raise item
            yield item

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The core thread's, once the desk runs this source."""
        assert self._running.wait(_WITHIN)
        assert self._loop is not None
        return self._loop

    def feed(self, *items: OptionChain | Exception | None) -> None:
        """Hand over items."""
        for item in items:
            self.loop.call_soon_threadsafe(self._food.put_nowait, item)

    def pass_time(self, clock: FakeClock, seconds: float) -> None:
        """Turn the desk's clock, in the thread whose sleepers it wakes."""
        asyncio.run_coroutine_threadsafe(clock.advance(seconds), self.loop).result(_WITHIN)


class Diary(RecordedHistory):
    """A history in memory that can be slow, and can fail."""

    recording = "recording"

    def __init__(self, *chains: OptionChain) -> None:
        super().__init__(chains)
        self.boards: list[Board] = []
        self.failure: Exception | None = None
        self.closed = False
        self.may_open, self.may_read, self.may_write = asyncio.Event(), asyncio.Event(), asyncio.Event()
        for gate in (self.may_open, self.may_read, self.may_write):
            gate.set()

    async def open(self) -> History:
        await self.may_open.wait()
        return self

    async def record(self, board: Board) -> None:
        await self.may_write.wait()
        if self.failure is not None:
            raise self.failure
        self.boards.append(board)
        self.add(board.chain)

    async def past(self, ticker: Ticker, at: datetime, minutes: Sequence[int]) -> Past:
        await self.may_read.wait()
        if self.failure is not None:
            raise self.failure
        return await super().past(ticker, at, minutes)

    async def close(self) -> None:
        self.closed = True


@contextmanager
def running(desk: Desk) -> Iterator[Desk]:
    """The desk, started; stopped in the end, however the test went."""
    desk.start()
    try:
        yield desk
    finally:
        desk.stop(5.0)


def shown(desk: Desk, ticker: Ticker = BTC) -> float | None:
    """The spot on the ticker's screen."""
    view = desk.view(ticker)
    return None if view is None else view.board.spot


def until_shown(desk: Desk, spot: float, ticker: Ticker = BTC) -> None:
    """Return as soon as that spot is on the ticker's screen."""
    until(lambda: shown(desk, ticker) == spot)
