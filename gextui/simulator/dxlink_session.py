"""One client of a simulated dxLink feed: its handshake, its channels and what it is sent on them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from gextui.simulator.dxlink_events import FIELDS, Table
from gextui.simulator.faults import Wire

Message = dict[str, Any]
Item = tuple[str, str]
"""Type and symbol."""
Part = tuple[str, list[tuple[Any, ...]]]
"""A type and events of it."""
Arrange = Callable[[str, Sequence[str]], Sequence[str]]
"""Which fields events of a type have, and in which order, where a client asked for these."""

VERSION = "0.1-simulated"
_SPOKEN = "0.1"
_EVENTS_A_FRAME = 1000
_NEVER = -1


class OverError(Exception):
    """The server ends the connection, with this code."""

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(reason)
        self.code = code


@dataclass(slots=True)
class Habits:
    """How the server says things, which clients must not depend on.

    Attributes:
        arrange: The fields of its events.
        layout: How COMPACT data are laid out: ``one`` type a frame, ``many``, or ``listed`` as old servers did.
        data_format: The format of its data whatever was asked for; None for that.
        repeats_config: Whether FEED_CONFIG comes before all FEED_DATA, not only where it says something new.
        config_by_type: Whether FEED_CONFIG lists but the types of the data that follow.
        config_late: Whether FEED_CONFIG comes after the data that it is about.
        miscounts: Whether COMPACT data lack their last value.
        instead: What some fields hold whatever is true, ``"NaN"`` or ``"Infinity"``.
    """

    arrange: Arrange = lambda kind, asked: asked
    layout: str = "one"
    data_format: str | None = None
    repeats_config: bool = False
    config_by_type: bool = False
    config_late: bool = False
    miscounts: bool = False
    instead: Mapping[str, Any] = field(default_factory=dict)


class Feed(Protocol):
    """What all clients have in common."""

    habits: Habits
    keepalive_timeout: float

    def takes(self, token: str) -> bool:
        """Whether a quote token is good."""
        ...

    def table(self, kind: str, symbol: str) -> Table | None:
        """The events of a type that hold the symbol's."""
        ...

    def is_muted(self, symbol: str) -> bool:
        """Whether nothing is said of a symbol."""
        ...

    def seconds(self) -> float:
        """The clock's."""
        ...

    def tell(self, channel: str, message: bytes, wires: Sequence[Wire], *, first: bool = False) -> None:
        """Send data."""
        ...


class _Subscription(msgspec.Struct):
    type: str
    symbol: str


class _Frame(msgspec.Struct, rename="camel"):
    type: str
    channel: int
    version: str = ""
    keepalive_timeout: float = 60.0
    token: str = ""
    service: str = ""
    parameters: dict[str, Any] = {}
    accept_aggregation_period: float | None = None
    accept_data_format: str | None = None
    accept_event_fields: dict[str, list[str]] | None = None
    add: list[_Subscription] = []
    remove: list[_Subscription] = []
    reset: bool = False


class Session:
    """The protocol of one connection.

    Attributes:
        token: The quote token that it is authorised by; None while it is not.
        channels: The open ones.
        heard_at: When the client last said anything, by the clock's seconds.
        client_timeout: Seconds of silence after which the client gives the server up.
    """

    def __init__(self, feed: Feed, wire: Wire, number: int) -> None:
        self.wire = wire
        self.token: str | None = None
        self.channels: dict[int, FeedChannel] = {}
        self.heard_at = feed.seconds()
        self.client_timeout: float | None = None
        self._feed = feed
        self._number = number

    def take(self, text: str | bytes) -> _Frame | None:
        """Do what a frame asks for; the frame, or None for one that says nothing.

        Raises:
            OverError: it ends the connection.
        """
        self.heard_at = self._feed.seconds()
        try:
            frame = msgspec.json.decode(text, type=_Frame)
        except msgspec.DecodeError:
            self.fail(0, "INVALID_MESSAGE", "The message is not valid JSON.")
            return None
        if frame.type != "SETUP" and self.client_timeout is None:
            self.fail(0, "BAD_ACTION", "Protocol violation: SETUP is expected first.")
            raise OverError(1002)
        match frame.type:
            case "SETUP":
                self._set_up(frame)
            case "AUTH":
                self._authorise(frame.token)
            case "KEEPALIVE":
                pass
            case _ if self.token is None:
                self.fail(frame.channel, "UNAUTHORIZED", "The connection is not authorized.")
            case "CHANNEL_REQUEST":
                self._open(frame)
            case _:
                self._take_on_channel(frame)
        return frame

    def _set_up(self, frame: _Frame) -> None:
        if self.client_timeout is not None:
            self.fail(0, "BAD_ACTION", "Protocol violation: SETUP was sent before.")
            return
        if frame.version.partition("-")[0] != _SPOKEN:
            self.fail(0, "UNSUPPORTED_PROTOCOL", f"The protocol version is not supported; {_SPOKEN} is.")
            raise OverError(1002)
        self.client_timeout = frame.keepalive_timeout
        ours = self._feed.keepalive_timeout
        self.send(0, "SETUP", version=VERSION, keepaliveTimeout=ours, acceptKeepaliveTimeout=ours)
        self.send(0, "AUTH_STATE", state="UNAUTHORIZED")

    def _authorise(self, token: str) -> None:
        if not self._feed.takes(token):
            self.unauthorise()
            raise OverError(1008)
        self.token = token
        self.send(0, "AUTH_STATE", state="AUTHORIZED", userId="simulated")

    def unauthorise(self) -> None:
        """Tell the client that its token is good no more; nothing is sent until it brings another."""
        self.token = None
        self.send(0, "AUTH_STATE", state="UNAUTHORIZED")

    def _open(self, frame: _Frame) -> None:
        number = frame.channel
        if number % 2 == 0:
            self.fail(0, "BAD_ACTION", "Protocol violation with an even channel usage.")
        elif number in self.channels:
            self.fail(number, "BAD_ACTION", "Protocol violation: the channel is open.")
        elif frame.service != "FEED":
            self.fail(number, "BAD_ACTION", "There is no such service.")
        else:
            parameters = {"contract": "AUTO"} | frame.parameters
            self.channels[number] = FeedChannel(self._feed, self, number, f"{self._number}/{number}")
            self.send(number, "CHANNEL_OPENED", service="FEED", parameters=parameters)

    def _take_on_channel(self, frame: _Frame) -> None:
        channel = self.channels.get(frame.channel)
        if channel is None:
            self.fail(frame.channel, "BAD_ACTION", "Protocol violation: the channel is not open.")
            return
        match frame.type:
            case "CHANNEL_CANCEL":
                self.close_channel(frame.channel)
            case "FEED_SETUP":
                channel.set_up(frame)
            case "FEED_SUBSCRIPTION":
                channel.subscribe(frame)
            case _:
                self.fail(frame.channel, "INVALID_MESSAGE", "The message type is not known.")

    def close_channel(self, number: int) -> None:
        """Close a channel and forget what it carried."""
        del self.channels[number]
        self.send(number, "CHANNEL_CLOSED")

    def fail(self, channel: int, error: str, message: str) -> None:
        """Tell of an error, which ends nothing by itself."""
        self.send(channel, "ERROR", error=error, message=message)

    def send(self, channel: int, kind: str, **more: Any) -> None:
        """Send a message that is no data."""
        self.wire.push(msgspec.json.encode({"type": kind, "channel": channel, **more}))

    def publish(self) -> None:
        """Send what has changed on every channel, where the token is still good."""
        if self.token is not None and not self._feed.takes(self.token):
            self.unauthorise()
        if self.token is not None:
            for channel in self.channels.values():
                channel.publish()


class FeedChannel:
    """A channel of the FEED service.

    Attributes:
        subscriptions: What it carries, and in which step of the market each was last told of.
        period: Seconds for which events of a symbol are gathered into the newest.
    """

    def __init__(self, feed: Feed, session: Session, number: int, name: str) -> None:
        self.subscriptions: dict[Item, int] = {}
        self.period = 0.1
        self._format = "FULL"
        self._asked: dict[str, list[str]] | None = None
        self._told: dict[str, list[str]] = {}
        """The fields that FEED_CONFIG has said since the client's wishes came."""
        self._manner: Message = {}
        """What else it said."""
        self._next_at = 0.0
        self._feed = feed
        self._session = session
        self._number = number
        self._name = name

    def set_up(self, frame: _Frame) -> None:
        """Take the client's wishes; they are answered with the next data."""
        self.period = self.period if frame.accept_aggregation_period is None else frame.accept_aggregation_period
        self._format = frame.accept_data_format or self._format
        self._asked = frame.accept_event_fields or self._asked
        self._told, self._manner = {}, {}

    def subscribe(self, frame: _Frame) -> None:
        """Carry more or less, and tell at once what is true of what is new."""
        if frame.reset:
            self.subscriptions.clear()
        for item in frame.remove:
            self.subscriptions.pop((item.type, item.symbol), None)
        added = {(item.type, item.symbol): _NEVER for item in frame.add if item.type in FIELDS}
        self.subscriptions |= added
        self._send(added, first=True)

    def publish(self) -> None:
        """Send what has changed, unless data were sent a moment ago."""
        now = self._feed.seconds()
        if now >= self._next_at and self._send(self.subscriptions):
            self._next_at = now + self.period

    def _send(self, items: Mapping[Item, int], *, first: bool = False) -> bool:
        """Send the newest event of each of these that has changed since it was told; whether there was any."""
        due: dict[tuple[str, int], tuple[Table, list[int]]] = {}
        for (kind, symbol), told in items.items():
            table = None if self._feed.is_muted(symbol) else self._feed.table(kind, symbol)
            if table is None:
                continue
            row = table.row_of[symbol]
            if table.step[row] > told and not table.silent[row]:
                due.setdefault((kind, id(table)), (table, []))[1].append(row)
                self.subscriptions[kind, symbol] = int(table.step[row])
        parts = list(self._parts(due))
        for some in [parts] if self._feed.habits.layout == "many" and parts else [[part] for part in parts]:
            self._write(some, first)
        return bool(parts)

    def _parts(self, due: Mapping[tuple[str, int], tuple[Table, list[int]]]) -> Iterator[Part]:
        for (kind, _), (table, rows) in due.items():
            for start in range(0, len(rows), _EVENTS_A_FRAME):
                some = rows[start : start + _EVENTS_A_FRAME]
                yield kind, table.values(some, self._fields(kind), self._feed.habits.instead)

    def _fields(self, kind: str) -> list[str]:
        """The fields of a type's events now."""
        asked = FIELDS[kind] if self._asked is None else self._asked.get(kind, FIELDS[kind])
        return list(self._feed.habits.arrange(kind, [name for name in asked if name in FIELDS[kind]]))

    def _write(self, parts: Sequence[Part], first: bool) -> None:
        habits = self._feed.habits
        data_format = habits.data_format or self._format
        kinds = [kind for kind, _ in parts]
        write = self._compact if data_format == "COMPACT" else self._full
        message = msgspec.json.encode({"type": "FEED_DATA", "channel": self._number, "data": write(parts)})
        if not habits.config_late:
            self._configure(kinds, data_format)
        self._feed.tell(self._name, message, [self._session.wire], first=first)
        if habits.config_late:
            self._configure(kinds, data_format)

    def _configure(self, kinds: Sequence[str], data_format: str) -> None:
        """Say how data of these types are written, where that has not been said."""
        habits = self._feed.habits
        listed = kinds if habits.config_by_type or self._asked is None else [*self._asked, *kinds]
        fields = {kind: self._fields(kind) for kind in listed if kind in FIELDS}
        manner = {"aggregationPeriod": self.period, "dataFormat": data_format}
        if habits.repeats_config or manner != self._manner or self._told | fields != self._told:
            self._manner = manner
            self._told |= fields
            self._session.send(self._number, "FEED_CONFIG", **manner, eventFields=fields)

    def _compact(self, parts: Sequence[Part]) -> list[Any]:
        habits, data = self._feed.habits, []
        for kind, events in parts:
            values = [value for event in events for value in event]
            data.append([kind, self._fields(kind)] if habits.layout == "listed" else kind)
            data.append(values[:-1] if habits.miscounts else values)
        return data

    def _full(self, parts: Sequence[Part]) -> list[Message]:
        return [
            {"eventType": kind, **dict(zip(self._fields(kind), event, strict=True))}
            for kind, events in parts
            for event in events
        ]
