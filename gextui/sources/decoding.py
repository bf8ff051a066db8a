"""Decoding what a live venue sends: what cannot be read is rejected, and one bad item of a list costs no other."""

from collections.abc import Iterable
from typing import Annotated, Generic, TypeVar

import msgspec

from gextui.sources.rows import LARGEST, SMALLEST, Scalar
from gextui.sources.session import RejectedError

UNREADABLE = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)
"""What decoding may raise, whatever it is given."""

Amount = Annotated[float, msgspec.Meta(ge=0.0, le=LARGEST)]
"""A number of a contract that some market could have; decoding refuses any other."""
Price = Annotated[float, msgspec.Meta(ge=SMALLEST, le=LARGEST)]
"""Likewise a price of the underlying."""

_Kind = TypeVar("_Kind")


class Items(Generic[_Kind]):
    """A decoder of a list, one bad item of which costs no other."""

    def __init__(self, kind: type[_Kind]) -> None:
        self._all = msgspec.json.Decoder(list[kind])  # type: ignore[valid-type]
        self._one = msgspec.json.Decoder(kind)

    def decode(self, data: msgspec.Raw) -> tuple[list[_Kind], int]:
        """The items, and how many could not be read.

        Raises:
            RejectedError: it is no list.
        """
        try:
            return self._all.decode(data), 0
        except UNREADABLE:
            pieces = decode(data, list[msgspec.Raw])
        items = []
        for piece in pieces:
            try:
                items.append(self._one.decode(piece))
            except UNREADABLE:
                continue
        return items, len(pieces) - len(items)


def decode(data: msgspec.Raw, kind: type[_Kind]) -> _Kind:
    """Decode a payload.

    Raises:
        RejectedError: it is not of that shape.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except UNREADABLE:
        raise RejectedError("schema") from None


def texts(values: Iterable[Scalar]) -> list[str]:
    """Those of the values that are texts."""
    return [value for value in values if isinstance(value, str)]
