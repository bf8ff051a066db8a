"""Lanes: one ticker's way from chain to view, as the desk keeps it."""

import asyncio
import math
from dataclasses import dataclass, field
from datetime import timedelta

from gextui.exposure.board import Board, build_board
from gextui.exposure.change import Past
from gextui.exposure.filters import Filters
from gextui.exposure.series import Series
from gextui.market.chain import OptionChain
from gextui.market.ticker import Ticker
from gextui.sources.trouble import Trouble

FASTEST = 1.0
"""Seconds: boards of a ticker are built no more often than its source's interval, but never wait longer than this."""


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """A board of everything, and the past with which it is built through other filters."""

    board: Board
    past: Past | None

    @classmethod
    def of(cls, chain: OptionChain, past: Past | None) -> "Reading":
        """A chain's."""
        return cls(build_board(chain, past), past)

    def through(self, filters: Filters, now: float) -> Board:
        """The board through other filters, less what has expired by ``now``."""
        chain = self.board.chain.without_expired(now)
        as_it_is = chain is self.board.chain and filters == self.board.filters
        return self.board if as_it_is else build_board(chain, self.past, filters)


@dataclass(frozen=True, slots=True, eq=False)
class Chart:
    """Levels over time, as last asked for."""

    span: timedelta
    asked: float
    series: Series | None


@dataclass(slots=True, eq=False)
class Lane:
    """One ticker, from chain to view."""

    ticker: Ticker
    filters: Filters
    trouble: Trouble
    heard: float | None = None
    """When a chain last came that told anything new, by the clock's seconds."""
    arrived: float | None = None
    """The same of the newest board's; of a recorded one, when it was of now."""
    recalled: bool = False
    """Whether the newest board was recorded by another run."""
    pending: OptionChain | None = None
    """The newest chain without a board."""
    offered: float = 0.0
    """When that came, by the loop's clock."""
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    interval: float = FASTEST
    """Of the source of the newest chain."""
    shown_interval: float = 0.0
    """Of that of the newest board, which may be another's for a moment."""
    due: float = 0.0
    """When the next board may be built."""
    newest: Reading | None = None
    implied: Reading | None = None
    """What stands for the newest while a coin ETF is shut."""
    replay: Reading | None = None
    """The past instant that was stepped to."""
    steps: int = 0
    """Asked for and not yet taken."""
    stepping: bool = False
    chart: Chart | None = None
    expires: float = math.inf
    """When something in its view expires next, epoch seconds."""

    @property
    def pace(self) -> float:
        """Seconds between two boards."""
        return min(self.interval, FASTEST)

    @property
    def live(self) -> Reading | None:
        """What is shown while no past instant is."""
        return self.implied or self.newest

    def offer(self, chain: OptionChain) -> None:
        """Put the chain in the slot; one that still waits there is replaced."""
        self.pending = chain
        self.offered = asyncio.get_running_loop().time()
        self.wake.set()
