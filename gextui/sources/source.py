"""The Source interface: what the desk needs to know of any venue, vendor or file."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, runtime_checkable

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


@dataclass(frozen=True, slots=True)
class ConnectionStatus:
    """One connection of a source at one instant, for a panel of sources."""

    name: str
    """What it carries, e.g. ``stream``."""
    state: str
    """One word: connecting, subscribing, live, degraded, backoff, disabled."""
    detail: str = ""
    """A few plain words, e.g. why it was lost."""
    subscribed: tuple[int, int] | None = None
    """How many channels are subscribed, of how many; None where there is nothing to subscribe to."""
    last_message_age: float | None = None
    """Seconds since the last data; None before the first."""
    reconnects: int = 0
    messages: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
    """Messages and records that could not be used, by reason."""
    next_try_in: float | None = None
    """Seconds, while it waits to try again."""
    conflated: int = 0
    """Messages that a later one replaced before a chain was made of them."""


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """One source's health at one instant."""

    name: str
    state: SourceState
    interval: float
    """Seconds between chains when all is well; older than three of them is stale. 0 for a recorded chain."""
    detail: str = ""
    """A few plain words, e.g. why it is degraded."""
    connections: tuple[ConnectionStatus, ...] = ()
    instead_of: str = ""
    """Which preferred source it stands in for, and why that one is not read; empty where it is the preferred one."""

    @property
    def doubt(self) -> str:
        """What is wrong with what it gives now, in plain words: ``deribit degraded: open interest is 61 s old``."""
        if self.state in (SourceState.LIVE, SourceState.DELAYED, SourceState.CLOSED, SourceState.REPLAY):
            return ""
        return f"{self.name} {self.state}: {self.detail}" if self.detail else f"{self.name} {self.state}"

    @property
    def substitution(self) -> str:
        """Which source stands in for which, and why: ``cboe instead of tradier: HTTP 503``; empty where none does."""
        return f"{self.name} instead of {self.instead_of}" if self.instead_of else ""


class Source(Protocol):
    """One source of one or more tickers' chains."""

    name: str
    tickers: tuple[Ticker, ...]

    def status(self, ticker: Ticker) -> SourceStatus:
        """The health of that ticker's data; cheap, and called from any thread."""
        ...

    def chains(self) -> AsyncIterator[OptionChain]:
        """Yield whole immutable chains of any of the tickers for ever; runs in the core thread's loop.

        A delayed venue that was asked and has nothing newer is told of by yielding the very same chain again.
        """
        ...


@runtime_checkable
class Refreshable(Protocol):
    """A source that can be asked for a chain before its next one is due. Optional."""

    def refresh(self, ticker: Ticker) -> None:
        """Fetch that ticker as soon as the venue's limits allow; runs in the core thread."""
        ...


@runtime_checkable
class Adjustable(Protocol):
    """A source whose tickers can be changed while it runs: every live venue's. Optional."""

    def carry(self, tickers: Sequence[Ticker]) -> None:
        """Give these tickers from now on, and let go of the others; those that stay notice nothing.

        Runs in the core thread, before or while `Source.chains` runs. Without tickers a source idles.
        """
        ...


class BadInputError(Exception):
    """Input that cannot be read. The message is one plain sentence: what is wrong and what to do."""
