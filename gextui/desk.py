"""Desk: runs sources, builds boards, records them, hands the newest to whoever watches."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gextui.exposure.board import Board
from gextui.exposure.change import Past
from gextui.exposure.filters import EVERYTHING, Filters
from gextui.market.chain import OptionChain
from gextui.market.ticker import Ticker
from gextui.sources.source import Source, SourceStatus


class History(Protocol):
    """What is remembered: the store's database, or the opened files in memory. All calls run in the core thread."""

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

    async def close(self) -> None:
        """Flush and close."""
        ...


@dataclass(frozen=True, slots=True)
class Health:
    """How far a ticker's board can be trusted right now."""

    status: SourceStatus
    age: float | None
    """Seconds since the newest chain arrived; None before the first."""
    stale: bool
    """Older than three intervals while the market is open."""
    recording: str
    """``recording``, ``not recorded`` or a plain sentence on why recording failed."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What a watcher finds in a ticker's slot."""

    board: Board
    replay: bool
    """Whether a past instant is shown (stepped to), not the newest."""


class Desk:
    """The core: its own asyncio loop in its own thread, so that a terminal that stops reading stops nothing else."""

    def __init__(self, sources: Sequence[Source], history: History | None, *, filters: Filters = EVERYTHING) -> None:
        raise NotImplementedError

    @property
    def tickers(self) -> tuple[Ticker, ...]:
        """Every ticker of every source, in order."""
        raise NotImplementedError

    def start(self) -> None:
        """Start the core thread; returns at once."""
        raise NotImplementedError

    def stop(self, timeout: float = 2.0) -> bool:
        """Flush, close and join; whether that took no longer than ``timeout`` seconds."""
        raise NotImplementedError

    def view(self, ticker: Ticker) -> View | None:
        """The newest view of the ticker; costs a dictionary look-up. None before its first board."""
        raise NotImplementedError

    def health(self, ticker: Ticker) -> Health:
        """The ticker's source, age and recording state."""
        raise NotImplementedError

    def watch(self, ticker: Ticker, filters: Filters) -> None:
        """Show this ticker through these filters: its view is rebuilt at once. Records stay unfiltered."""
        raise NotImplementedError

    def step(self, ticker: Ticker, steps: int) -> None:
        """Move the ticker's view back (negative) or forward through what was recorded."""
        raise NotImplementedError

    def live(self, ticker: Ticker) -> None:
        """Return the ticker's view to the newest board."""
        raise NotImplementedError

    def refresh(self, ticker: Ticker) -> None:
        """Ask its source for a new chain now."""
        raise NotImplementedError
