"""dxLink's messages (protocol 1.0): the frames that are sent, and events decoded by the fields that the venue names."""

import json
import math
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from gextui.market.chain import Floats
from gextui.sources.decoding import UNREADABLE
from gextui.sources.rows import Scalar, numbers
from gextui.sources.session import RejectedError

VERSION = "0.1-DXF-JS/0.3.0"
"""The protocol's, as its own client gives it."""
KEEP_ALIVE_SECONDS = 60
"""Within which each side must hear something from the other."""
ITEMS_A_FRAME = 200
CHARACTERS_A_FRAME = 8000
"""The protocol's own client sends no longer subscriptions; a venue closes the connection on one that is too long."""
SYMBOL = "eventSymbol"
_ITEM_EXTRA = len('{"type":"","symbol":""},')
_SPECIAL = {"NaN": math.nan, "Infinity": math.nan, "-Infinity": math.nan}
"""How doubles are written that are no number: they are missing."""

Item = tuple[str, str]
"""A type of event, and the symbol that it is of."""


class Frame(msgspec.Struct, rename="camel", gc=False):
    """Any message of the venue's."""

    type: Scalar = None
    channel: int | Scalar = None
    state: Scalar = None
    error: Scalar = None
    message: Scalar = None
    event_fields: msgspec.Raw = msgspec.Raw()
    data: msgspec.Raw = msgspec.Raw()


@dataclass(frozen=True, slots=True)
class Events:
    """Events of one type from one frame, N of them."""

    type: str
    symbols: Sequence[Scalar]
    columns: Mapping[str, Sequence[object]]
    """By field, those that the venue sends, each of N values."""

    def numbers(self, field: str) -> Floats | None:
        """A field's values: NaN where there is none, an infinity where it is no number; None where it is not sent."""
        values = self.columns.get(field)
        if values is None:
            return None
        return numbers([_SPECIAL.get(value, value) if isinstance(value, str) else value for value in values])


# What is sent.


def setup() -> bytes:
    """Open the connection."""
    return _frame(
        "SETUP", 0, version=VERSION, keepaliveTimeout=KEEP_ALIVE_SECONDS, acceptKeepaliveTimeout=KEEP_ALIVE_SECONDS
    )


def auth(token: str) -> bytes:
    """Say who asks."""
    return _frame("AUTH", 0, token=token)


def open_channel(channel: int) -> bytes:
    """Ask for a channel of market data; clients' have odd numbers."""
    return _frame("CHANNEL_REQUEST", channel, service="FEED", parameters={"contract": "AUTO"})


def close_channel(channel: int) -> bytes:
    """Give a channel up."""
    return _frame("CHANNEL_CANCEL", channel)


def set_up_feed(channel: int, fields: Mapping[str, Sequence[str]], period: float) -> bytes:
    """Ask for these fields of each type of event, at most once in so many seconds for each symbol."""
    return _frame(
        "FEED_SETUP",
        channel,
        acceptAggregationPeriod=period,
        acceptDataFormat="COMPACT",
        acceptEventFields={kind: list(names) for kind, names in fields.items()},
    )


def subscriptions(channel: int, add: Iterable[Item], remove: Iterable[Item], *, reset: bool = False) -> list[bytes]:
    """Frames that end these subscriptions and begin those, none longer than the venue takes; the first may end all."""
    frames: list[bytes] = []
    pieces: dict[str, list[dict[str, str]]] = {}
    length = count = 0

    def cut() -> None:
        nonlocal length, count, pieces
        ends_all = {"reset": True} if reset and not frames else {}
        frames.append(_frame("FEED_SUBSCRIPTION", channel, **ends_all, **pieces))
        pieces, length, count = {}, 0, 0

    for what, items in (("remove", remove), ("add", add)):
        for kind, symbol in items:
            size = len(kind) + len(symbol) + _ITEM_EXTRA
            if count == ITEMS_A_FRAME or length + size > CHARACTERS_A_FRAME:
                cut()
            pieces.setdefault(what, []).append({"type": kind, "symbol": symbol})
            length += size
            count += 1
    if count:
        cut()
    return frames


def _frame(kind: str, channel: int, **rest: object) -> bytes:
    return json.dumps({"type": kind, "channel": channel, **rest}, separators=(",", ":")).encode()


KEEP_ALIVE = _frame("KEEPALIVE", 0)


# What comes.

_FRAME = msgspec.json.Decoder(Frame)


def decode_frame(frame: bytes) -> Frame:
    """Decode a message's envelope.

    Raises:
        RejectedError: it is no message of this protocol.
    """
    try:
        return _FRAME.decode(frame)
    except msgspec.ValidationError:
        raise RejectedError("schema") from None
    except UNREADABLE:
        raise RejectedError("json") from None


class UntoldFieldsError(RejectedError):
    """The venue has not said what is in events of this type."""


class Fields:
    """The fields of each type of event as a channel sends them, learnt from what the venue says, never from hope."""

    def __init__(self, wanted: Container[str]) -> None:
        """Learn those of the ``wanted`` types; events of others are read as empty."""
        self._wanted = wanted
        self._fields: dict[str, tuple[str, ...]] = {}

    def learn(self, raw: msgspec.Raw) -> None:
        """Take a configuration in; it may name some types alone, and the others stay as they were.

        Raises:
            RejectedError: it is not of that shape.
        """
        if not len(raw):
            return
        found = _generic(raw)
        if not isinstance(found, dict):
            raise RejectedError("schema")
        for kind, names in found.items():
            if isinstance(names, list) and all(isinstance(name, str) for name in names):
                self._fields[kind] = tuple(names)
            else:
                raise RejectedError("schema")

    def read(self, raw: msgspec.Raw) -> Iterator[Events]:
        """The events of a frame in either format: flat arrays of values, or objects.

        Raises:
            UntoldFieldsError: the venue has not told a type's fields yet.
            RejectedError: it is not of that shape, or its values are no whole events.
        """
        data = _generic(raw)
        if not isinstance(data, list):
            raise RejectedError("schema")
        if data and all(isinstance(piece, dict) for piece in data):
            yield from _objects(data)
            return
        for head, values in zip(data[::2], data[1::2], strict=False):
            kind = head
            if isinstance(head, list) and len(head) == 2 and isinstance(head[1], list):
                # An older way to write it: the fields are told with the type.
                kind = head[0]
                if not all(isinstance(name, str) for name in head[1]):
                    raise RejectedError("schema")
                if isinstance(kind, str):
                    self._fields[kind] = tuple(head[1])
            if not isinstance(kind, str) or not isinstance(values, list):
                raise RejectedError("schema")
            yield self._compact(kind, values)
        if len(data) % 2:
            raise RejectedError("schema")

    def _compact(self, kind: str, values: list[object]) -> Events:
        if kind not in self._wanted:
            return Events(kind, (), {})
        names = self._fields.get(kind)
        if names is None:
            raise UntoldFieldsError("before its fields")
        if SYMBOL not in names or len(values) % len(names):
            raise RejectedError("schema")
        columns = {name: values[place :: len(names)] for place, name in enumerate(names)}
        return Events(kind, _symbols(columns[SYMBOL]), columns)


def _objects(data: Sequence[Mapping[str, object]]) -> Iterator[Events]:
    """Events as objects, from which what is empty is left out."""
    by_kind: dict[str, list[Mapping[str, object]]] = {}
    for event in data:
        if not isinstance(kind := event.get("eventType"), str):
            raise RejectedError("schema")
        by_kind.setdefault(kind, []).append(event)
    for kind, events in by_kind.items():
        names = dict.fromkeys(name for event in events for name in event)
        columns = {name: [event.get(name) for event in events] for name in names}
        yield Events(kind, _symbols(columns.get(SYMBOL, [None] * len(events))), columns)


def _symbols(values: Sequence[object]) -> list[Scalar]:
    return [value if isinstance(value, str) else None for value in values]


def _generic(raw: msgspec.Raw) -> object:
    try:
        return msgspec.json.decode(raw)
    except UNREADABLE:
        raise RejectedError("schema") from None
