"""Keeper: what the desk remembers. It opens the history, has boards recorded, and asks without waiting for a disk."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from gextui.exposure.board import Board
from gextui.exposure.change import WINDOWS, Past
from gextui.exposure.series import Series
from gextui.market.chain import OptionChain
from gextui.market.ticker import Ticker
from gextui.route import Recorded
from gextui.sources.pacing import Clock
from gextui.sources.trouble import Trouble, settled

_T = TypeVar("_T")

_PATIENCE = 1.0
"""Seconds that the live view waits for the history."""


class History(Protocol):
    """What is remembered: the store's database, or the opened files in memory. All calls run in the core thread."""

    @property
    def recording(self) -> str:
        """``recording``, ``not recorded`` or a plain sentence on why recording failed; read from any thread."""
        ...

    @property
    def notice(self) -> str:
        """Plain sentences on what was not as it should be; empty when all is well; read from any thread."""
        ...

    async def announce(self, recorded: Mapping[Ticker, Recorded]) -> None:
        """Tell others which tickers are recorded from now on, and how that stands."""
        ...

    async def record(self, board: Board) -> None:
        """Remember the board; when it returns the row survives kill -9."""
        ...

    async def past(self, ticker: Ticker, at: datetime, minutes: Sequence[int]) -> Past:
        """What a board at ``at`` is compared with: one chain a window (absent over a gap), and yesterday's."""
        ...

    async def step(self, ticker: Ticker, at: datetime, steps: int) -> OptionChain | None:
        """The chain recorded ``steps`` before (negative) or after ``at``; None beyond either end."""
        ...

    async def latest(self, ticker: Ticker) -> OptionChain | None:
        """The newest recorded chain."""
        ...

    async def range(self, ticker: Ticker, start: datetime, end: datetime, *, at_most: int) -> Series:
        """The levels from ``start`` to ``end``, in at most so many rows."""
        ...

    async def close(self) -> None:
        """Flush and close."""
        ...


class Keeper:
    """Runs in the core thread; `recording` and `notice` may be read from any."""

    def __init__(self, open_history: Callable[[], Awaitable[History]] | None, clock: Clock, *, record: bool) -> None:
        """Prepare to open the history, and to record to it."""
        self.history: History | None = None
        """None until it is open, and where it cannot be opened."""
        self._open_history = open_history
        self._records = record and open_history is not None
        self._writing = Trouble("recording", clock)
        self._reading = Trouble("the history", clock)
        self._unrecorded: dict[Ticker, Board] = {}
        self._to_record = asyncio.Event()
        self._behind = False
        self._ending = False
        self._announced: dict[Ticker, Recorded] = {}

    @property
    def recording(self) -> str:
        """``recording``, ``not recorded`` or a plain sentence on why recording failed."""
        if self._writing.sentence or self.history is None:
            return self._writing.sentence or "not recorded"
        if self._reading.sentence:
            return f"the history cannot be read: {self._reading.sentence}"
        if not self._records:
            return "not recorded"
        return "recording is slow: some readings are skipped" if self._behind else self.history.recording

    @property
    def notice(self) -> str:
        """What else is to be known of the history; empty when all is well."""
        return "" if self.history is None else self.history.notice

    @property
    def unread(self) -> bool:
        """Whether the last question failed."""
        return bool(self._reading.sentence)

    async def open(self) -> History | None:
        """Open the history; None where there is none, or it cannot be opened."""
        if self._open_history is None:
            return None
        history = await settled(self._open_history())
        if isinstance(history, BaseException):
            self._records = False
            self._writing.report(history)
            return None
        self.history = history
        return history

    async def announce(self, recorded: Mapping[Ticker, Recorded]) -> None:
        """Tell others which tickers are recorded and how that stands, where it has changed."""
        if self._records and self.history is not None and recorded != self._announced:
            outcome = await settled(self.history.announce(recorded))
            self._report(outcome)
            if outcome is None:
                self._announced = dict(recorded)

    async def ask(self, question: Awaitable[_T], patience: float | None = None) -> _T | None:
        """The history's answer; None where it fails or is slow, because the live view does not wait for a disk."""
        # A task at once: were this cancelled before it begins, the question itself would never be awaited.
        answer = await settled(asyncio.wait_for(asyncio.ensure_future(question), patience or _PATIENCE))
        if isinstance(answer, BaseException):
            self._reading.report(answer)
            return None
        self._reading.clear()
        return answer

    async def past(self, chain: OptionChain) -> Past | None:
        """What the chain's board is compared with; None where nothing is remembered."""
        return None if self.history is None else await self.ask(self.history.past(chain.ticker, chain.as_of, WINDOWS))

    async def recorded(self, ticker: Ticker, at: datetime) -> OptionChain | None:
        """The newest chain recorded up to an instant."""
        return None if self.history is None else await self.ask(self.history.step(ticker, at, 0))

    def keep(self, board: Board) -> None:
        """Have the board recorded, unless nothing in it could be read, or not all of it yet."""
        if self._records and board.used and not board.chain.partial:
            self._behind |= self.history is not None and board.ticker in self._unrecorded
            self._unrecorded[board.ticker] = board
            self._to_record.set()

    def forget(self, ticker: Ticker) -> None:
        """Leave what is not yet recorded of the ticker."""
        self._unrecorded.pop(ticker, None)

    async def run(self) -> None:
        """Record boards as they come, until `end`."""
        while True:
            await self._to_record.wait()
            self._to_record.clear()
            while self._unrecorded and self.history is not None:
                # The newest a ticker: a disk that is slower than the market thins the record, it does not fill memory.
                board = self._unrecorded.pop(next(iter(self._unrecorded)))
                outcome = await settled(self.history.record(board))
                self._report(outcome)
                if not isinstance(outcome, BaseException):
                    self._writing.clear()
            self._behind = False
            if self._ending:
                return

    def end(self) -> None:
        """Have `run` return once everything is recorded."""
        self._ending = True
        self._to_record.set()

    async def close(self) -> None:
        """Flush and close the history."""
        if self.history is not None:
            self._report(await settled(self.history.close()))

    def _report(self, outcome: BaseException | None) -> None:
        if outcome is not None:
            self._writing.report(outcome)
