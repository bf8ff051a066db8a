"""dxLink on one WebSocket: authentication, a channel for each subject, and what to do about those that break."""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from gextui.market.text import clean_text
from gextui.secrets import Secret
from gextui.sources.dxlink import (
    KEEP_ALIVE,
    KEEP_ALIVE_SECONDS,
    Events,
    Fields,
    Frame,
    UntoldFieldsError,
    auth,
    close_channel,
    decode_frame,
    open_channel,
    set_up_feed,
    setup,
)
from gextui.sources.pacing import Clock
from gextui.sources.rows import Scalar
from gextui.sources.session import KeepAlive, Reading, RejectedError

KEPT_ALIVE = KeepAlive(KEEP_ALIVE, every=20.0, silence=KEEP_ALIVE_SECONDS)
TOKEN_REFUSED = "dxLink does not accept the quote token"
_HELD = 64
"""Frames of data that are kept until the venue says what is in them."""
_MOST_BAD = 20
"""Frames in a row that make no sense, after which their channel is opened anew."""
_SOON = 10.0
"""Seconds; a channel that breaks sooner may do so every time, for what is subscribed to on it."""
_MOST_SOON = 3
"""Times in a row that it does so before it has to wait."""
_CONNECTION = 0
"""The number of the channel that is the connection itself."""


class Listener(Protocol):
    """Who hears what comes."""

    rejected: Counter[str]
    """Where what makes no sense is counted, by reason."""

    def authorized(self, accepted: bool) -> None:
        """The token was accepted, or refused."""
        ...

    def opened(self, name: str, channel: int) -> None:
        """A subject's channel is open under that number, and nothing is subscribed on it."""
        ...

    def closed(self, name: str) -> None:
        """A subject's channel is no more."""
        ...

    def hear(self, name: str, events: Events) -> bool:
        """Take in events of a subject; whether any could be used."""
        ...


@dataclass(slots=True)
class _Channel:
    """One subject's channel."""

    name: str
    fields: Fields
    asked_at: float
    """By the clock's seconds."""
    held: deque[msgspec.Raw] = field(default_factory=deque)
    """Data that came before its fields were told."""
    spoke: bool = False
    """Whether any of its data could be used."""
    asked_anew: bool = False
    """Whether its feed was set up once more, because its data made no sense."""
    bad: int = 0
    """Frames in a row that made none."""


class DxLinkSession:
    """Implements `gextui.sources.session.Session`; its channels are subjects, each with many symbols."""

    ready = False

    def __init__(
        self, token: Secret, fields: Mapping[str, Sequence[str]], period: float, listener: Listener, *, clock: Clock
    ) -> None:
        """Start a new connection's protocol.

        Args:
            token: What the venue knows us by.
            fields: What is wanted of each type of event.
            period: Seconds between two events of a symbol, at the least.
            listener: Who hears what comes.
            clock: Time.
        """
        self._token = token
        self._fields = fields
        self._period = period
        self._listener = listener
        self._clock = clock
        self._refusals = 0
        self._authorized = False
        self._last = -1
        self._numbers: dict[str, int] = {}
        self._soon: Counter[str] = Counter()
        """How often in a row each channel broke soon after it was asked for."""
        self._channels: dict[int, _Channel] = {}
        """Those that are asked for or open, by number."""

    def greet(self) -> Sequence[bytes]:
        """Open the connection and say who asks."""
        return [setup(), auth(self._token.reveal())]

    def subscribe(self, channels: Sequence[str]) -> Sequence[bytes]:
        """Open channels, each under a new number; one that is open already is given up first."""
        frames = list(self.unsubscribe([name for name in channels if name in self._numbers]))
        for name in channels:
            self._last += 2
            self._numbers[name] = self._last
            self._channels[self._last] = _Channel(name, Fields(self._fields), self._clock.seconds())
            frames.append(open_channel(self._last))
        return frames

    def unsubscribe(self, channels: Sequence[str]) -> Sequence[bytes]:
        """Give channels up."""
        frames = []
        for name in channels:
            if (number := self._numbers.pop(name, None)) is not None:
                del self._channels[number]
                self._listener.closed(name)
                frames.append(close_channel(number))
        return frames

    def read(self, frame: bytes) -> str | Reading | None:
        """Take one frame in; see `gextui.sources.session.Session`."""
        message = decode_frame(frame)
        match message.type:
            case "FEED_DATA":
                return self._data(message)
            case "KEEPALIVE" | "SETUP":
                return None
            case "AUTH_STATE":
                return self._auth_state(message)
            case "FEED_CONFIG":
                return self._configured(message)
            case "CHANNEL_OPENED":
                return self._opened(message)
            case "CHANNEL_CLOSED":
                return self._broken(message, "the venue closed the channel")
            case "ERROR":
                return self._error(message)
        self._listener.rejected["unknown message"] += 1
        return None

    def _auth_state(self, message: Frame) -> Reading | None:
        """The first UNAUTHORIZED is how the venue greets; any other is a refusal, and so is one after AUTHORIZED."""
        if message.state == "AUTHORIZED":
            self._authorized = True
            self._listener.authorized(True)
            return Reading(ready=True)
        if message.state != "UNAUTHORIZED":
            self._listener.rejected["unknown message"] += 1
            return None
        self._refusals += 1
        if self._refusals == 1 and not self._authorized:
            return None
        self._listener.authorized(False)
        return Reading(leave=TOKEN_REFUSED)

    def _channel(self, message: Frame) -> _Channel | None:
        """The channel that a message is about; None for one that was given up. One that never was is counted."""
        number = message.channel
        if not isinstance(number, int) or not 0 < number <= self._last:
            self._listener.rejected["unknown channel"] += 1
            return None
        return self._channels.get(number)

    def _opened(self, message: Frame) -> Reading | None:
        channel = self._channel(message)
        if channel is None or not isinstance(message.channel, int):
            return None
        self._listener.opened(channel.name, message.channel)
        return Reading(accepted=(channel.name,), replies=(self._set_up(message.channel),))

    def _set_up(self, number: int) -> bytes:
        return set_up_feed(number, self._fields, self._period)

    def _configured(self, message: Frame) -> Reading | None:
        channel = self._channel(message)
        if channel is None:
            return None
        channel.fields.learn(message.event_fields)
        channel.asked_anew = False
        held, channel.held = channel.held, deque()
        replies: list[bytes] = []
        used = False
        for raw in held:
            used |= self._take(channel, raw, message.channel, replies)
        return Reading(data=(channel.name,) if used else (), replies=tuple(replies)) if held else None

    def _data(self, message: Frame) -> str | Reading | None:
        channel = self._channel(message)
        if channel is None:
            return None  # was under way as the channel was given up
        replies: list[bytes] = []
        used = self._take(channel, message.data, message.channel, replies)
        if channel.bad > _MOST_BAD:
            return self._broken(message, "what comes on the channel makes no sense")
        if replies:
            return Reading(data=(channel.name,) if used else (), replies=tuple(replies))
        return channel.name if used else None

    def _take(self, channel: _Channel, raw: msgspec.Raw, number: Scalar, replies: list[bytes]) -> bool:
        """Take a frame's events in; whether any could be used."""
        used = False
        try:
            for events in channel.fields.read(raw):
                if events.type in self._fields:
                    used |= self._listener.hear(channel.name, events)
                else:
                    self._listener.rejected["unknown type"] += 1
        except UntoldFieldsError:
            self._hold(channel, raw)
        except RejectedError as rejected:
            self._listener.rejected[str(rejected)] += 1
            channel.bad += 1
            if not channel.asked_anew and isinstance(number, int):
                channel.asked_anew = True
                replies.append(self._set_up(number))
        else:
            channel.asked_anew, channel.bad = channel.asked_anew and not used, 0
        channel.spoke |= used
        return used

    def _hold(self, channel: _Channel, raw: msgspec.Raw) -> None:
        """Keep data until the venue says what is in it."""
        channel.held.append(raw.copy())
        if len(channel.held) > _HELD:
            channel.held.popleft()
            self._listener.rejected["before its fields"] += 1

    def _error(self, message: Frame) -> Reading | None:
        kind = clean_text(message.error, 40) if isinstance(message.error, str) else "UNKNOWN"
        said = f": {clean_text(message.message, 120)}" if isinstance(message.message, str) and message.message else ""
        self._listener.rejected[f"error {kind}"] += 1
        if message.channel != _CONNECTION:
            return self._broken(message, f"dxLink says {kind}{said}")
        if kind == "UNAUTHORIZED":
            self._listener.authorized(False)
            return Reading(leave=TOKEN_REFUSED)
        # The venue closes the connection after this one; it goes on after the others.
        return Reading(leave=f"dxLink says {kind}{said}") if kind == "TIMEOUT" else None

    def _broken(self, message: Frame, reason: str) -> Reading | None:
        """One channel is of no more use: it alone is opened anew, at once if it worked and does not always break."""
        channel = self._channel(message)
        if channel is None:
            return None
        closed = message.type == "CHANNEL_CLOSED"
        replies = tuple(self.unsubscribe([channel.name]))
        if closed:
            replies = ()
        soon = self._clock.seconds() - channel.asked_at < _SOON
        self._soon[channel.name] = self._soon[channel.name] + 1 if soon else 0
        if channel.spoke and self._soon[channel.name] < _MOST_SOON:
            return Reading(again=(channel.name,), replies=replies)
        return Reading(refused={channel.name: reason}, replies=replies)
