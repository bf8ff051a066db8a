"""What a venue's own protocol tells the stream that carries it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Channel:
    """One subscription."""

    name: str
    cadence: float | None = None
    """Seconds between its messages when all is well; None for one that speaks only when something happens."""


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """A message that tells the venue we are there, for one that does not heed the protocol's pings."""

    frame: bytes
    every: float
    """Seconds."""
    silence: float | None = None
    """For a venue that does not answer it: the seconds within which it says anything at all, and answers pings too."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one frame meant, beyond data of a single channel."""

    data: tuple[str, ...] = ()
    """Channels whose application data arrived."""
    accepted: tuple[str, ...] = ()
    """Channels that are now subscribed."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """Channels asked for but not subscribed, and why."""
    again: tuple[str, ...] = ()
    """Channels that make no sense until they are subscribed once more."""
    replies: tuple[bytes, ...] = ()
    """Frames to answer with, at once."""
    ready: bool = False
    """The session is authenticated, or needs no authentication."""
    trouble: str | None = None
    """What the venue says is wrong with it, e.g. maintenance; an empty text that it is over."""
    leave: str | None = None
    """The venue is about to close: reconnect now, for this reason."""
    disabled: str | None = None
    """Trying again is useless until the user changes something, for this reason."""


class RejectedError(Exception):
    """A frame that cannot be read; the message is the reason it is counted under."""


class Session(Protocol):
    """A venue's own protocol on one connection. A new one is made for every connection."""

    def greet(self) -> Sequence[bytes]:
        """Frames to send first; a session that needs no answer to them is `ready` at once."""
        ...

    @property
    def ready(self) -> bool:
        """Whether subscriptions may be sent without waiting for a reading that says so."""
        ...

    def subscribe(self, channels: Sequence[str]) -> Sequence[bytes]:
        """Frames that subscribe to these channels, within the venue's limits a frame."""
        ...

    def unsubscribe(self, channels: Sequence[str]) -> Sequence[bytes]:
        """Frames that end these subscriptions."""
        ...

    def read(self, frame: bytes) -> str | Reading | None:
        """Take one frame in: the channel's name if it was its data, a `Reading`, or None for nothing of note.

        Raises:
            RejectedError: the frame cannot be read.
        """
        ...
