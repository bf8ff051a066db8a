"""What a network and a careless venue do to messages: connections that hang, drip or break, and bodies that lie."""

import asyncio
import re
import socket
import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

from websockets.asyncio.server import ServerConnection
from websockets.protocol import State

from gextui.sources.pacing import Clock

_DRIP_EVERY = 0.05
"""Seconds between the pieces of a slow line."""
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)
_NUMBER = re.compile(rb"(?<=[:,\[])-?\d[\d.eE+-]*(?=[,}\]])")


def _numbers_as(text: bytes) -> Callable[[bytes], bytes]:
    return lambda body: _NUMBER.sub(text, body)


MALFORMED: dict[str, Callable[[bytes], bytes]] = {
    "truncated": lambda body: body[: len(body) // 2],
    "trailing": lambda body: body + b" and more",
    "empty": lambda body: b"",
    "null": lambda body: b"null",
    "list": lambda body: b"[]",
    "html": lambda body: b"<html><body>Please log in</body></html>",
    "nested": lambda body: b'{"jsonrpc":"2.0","result":' + b"[" * 100_000,
    "utf8": lambda body: body.replace(b'"', b'"\xff\xfe', 3),
    "strings": lambda body: _NUMBER.sub(lambda found: b'"' + found[0] + b'"', body),
    "types": _numbers_as(b'{"value":true}'),
    "words": _numbers_as(b'"N/A"'),
    "nan": _numbers_as(b"NaN"),
    "infinite": _numbers_as(b"1e999"),
    "huge": _numbers_as(b"9" * 400),
    "negative": _numbers_as(b"-1.5"),
    "zero": _numbers_as(b"0"),
}
"""What becomes of a message, by kind of damage."""


@dataclass(slots=True)
class Network:
    """What a venue's connections have in common."""

    clock: Clock
    open: "set[Wire]" = field(default_factory=set)
    accepted: int = 0
    """TCP connections so far."""
    most_open: int = 0
    """The most that ever were open at once."""
    bytes_a_second: float | None = None
    """How fast any connection is written to; None for as fast as it takes."""
    messages_each: int | None = None
    """After so many messages each connection is closed; None for never."""
    swallows: bool = False
    """Whether new connections are accepted and then neither read nor answered."""


class Wire(ServerConnection):
    """A connection of the venue's, HTTP or WebSocket, that can be made to fail as networks do."""

    network: ClassVar[Network]

    held = False
    """TCP stays open, nothing is read, nothing is written."""
    method = "GET"
    """Of the request."""
    body = b""
    """Of the request; empty for none."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client connected."""
        self._unsent: deque[bytes] = deque()
        self._dripping: asyncio.Task[None] | None = None
        self._pushed = 0
        self._asked: bytes | None = b""
        self.held = self.network.swallows
        self.network.accepted += 1
        self.network.open.add(self)
        self.network.most_open = max(self.network.most_open, len(self.network.open))
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self.network.open.discard(self)
        if self._dripping is not None:
            self._dripping.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes from the client; a held connection loses them."""
        if self.held:
            return
        if self._asked is not None:
            data = self._request(self._asked + data)
        if data:
            super().data_received(data)

    def _request(self, asked: bytes) -> bytes:
        """A request once all of it is there, as the library reads it, which takes only a GET and no body."""
        head, ended, body = asked.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        size = 0 if length is None else int(length[1])
        if not ended or len(body) < size:
            self._asked = asked
            return b""
        self._asked = None
        method, _, rest = _LENGTH.sub(b"", head).partition(b" ")
        self.method, self.body = method.decode(errors="replace"), body[:size]
        return b"GET " + rest + ended + body[size:]

    def send_data(self) -> None:
        """Write what the protocol has to say, at the network's speed."""
        if self.held:
            self.protocol.data_to_send()
        elif self.network.bytes_a_second is None and not self._unsent:
            super().send_data()
        else:
            self._unsent.extend(self.protocol.data_to_send())
            # Patience: the library would otherwise cut the line while the answer drips.
            self.close_timeout = None
            if self._dripping is None or self._dripping.done():
                self._dripping = self.loop.create_task(self._drip())

    async def _drip(self) -> None:
        while self._unsent:
            if not (piece := self._unsent.popleft()):
                self.transport.write_eof()
                continue
            if (rate := self.network.bytes_a_second) is not None:
                size = max(1, int(rate * _DRIP_EVERY))
                if len(piece) > size:
                    self._unsent.appendleft(piece[size:])
                    piece = piece[:size]
                await self.network.clock.sleep(len(piece) / rate)
            if not self.held:
                self.transport.write(piece)

    @property
    def unsent(self) -> int:
        """Bytes that the client has not taken yet."""
        return self.transport.get_write_buffer_size() + sum(map(len, self._unsent))

    def push(self, message: bytes) -> None:
        """Send a text frame, however full the line is and whatever the bytes are."""
        if self.protocol.state is not State.OPEN:
            return
        self.protocol.send_text(message)
        self._pushed += 1
        if self.network.messages_each is not None and self._pushed >= self.network.messages_each:
            self.protocol.send_close(1001)
        self.send_data()

    def reset(self) -> None:
        """Break the connection with a TCP RST."""
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()
