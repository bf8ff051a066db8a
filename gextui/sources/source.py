"""The Source interface: what the desk needs to know of any venue, vendor or file."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from gextui.market.chain import OptionChain
from gextui.market.ticker import Ticker


class SourceState(StrEnum):
    """What a source is doing, as the screen shows it."""

    CONNECTING = "connecting"
    LIVE = "live"
    DELAYED = "delayed"
    DEGRADED = "degraded"
    BACKOFF = "backoff"
    CLOSED = "closed"
    """The market is."""
    DISABLED = "disabled"
    REPLAY = "replay"
    """A recorded chain."""
    SIMULATED = "simulated"


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """One source's health at one instant."""

    name: str
    state: SourceState
    interval: float
    """Seconds between chains when all is well; older than three of them is stale. 0 for a recorded chain."""
    detail: str = ""
    """A few plain words, e.g. why it is degraded."""


class Source(Protocol):
    """One source of one or more tickers' chains."""

    name: str
    tickers: tuple[Ticker, ...]

    def status(self, ticker: Ticker) -> SourceStatus:
        """The health of that ticker's data."""
        ...

    def chains(self) -> AsyncIterator[OptionChain]:
        """Yield whole immutable chains of any of the tickers for ever; runs in the core thread's loop."""
        ...


class BadInputError(Exception):
    """Input that cannot be read. The message is one plain sentence: what is wrong and what to do."""
