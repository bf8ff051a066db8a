"""A WebSocket that hands over all messages that have come at once, instead of each through a turn of the loop."""

import asyncio
import logging
import ssl
from collections.abc import Mapping
from functools import cache
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.frames import DATA_OPCODES, CloseCode, Frame, Opcode
from websockets.protocol import Event, State

LARGEST_MESSAGE = 16 * 1024 * 1024
_WAITING = 4 * 1024 * 1024
"""Bytes of messages that wait to be taken from which on nothing more is read."""
_REST = 0.005
"""Seconds in which a busy line is not read, so that one read brings much."""
_BUSY = 20
"""Reads in a row, each within a rest of the one before, from which on a line is busy."""
_MUCH = 65536
"""Bytes; after a read of so many more is waiting."""
_logger = logging.getLogger(__name__)
_logger.setLevel(logging.INFO)  # the library would write down every frame, and what is sent may hold a token
_END_OF_HEAD = b"\r\n\r\n"
"""Of the handshake's answer."""
_TEXT = 0x81
"""The first byte of a frame that is a whole text message, and not compressed."""


class FrameSocket(ClientConnection):
    """A connection whose messages are taken with `messages`.

    Frames are cut out of what was read here, and those that are a whole plain text, as nearly all are, are messages as
    they stand: that takes a tenth of what the library's parser does. All other frames go through that parser.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """See `ClientConnection`."""
        super().__init__(*args, **kwargs)
        self._messages: list[bytes] = []
        self._waiting = 0
        self._arrived: asyncio.Future[None] | None = None
        self._over = False
        self._fragments: bytearray | None = None
        self._fragmented = Opcode.TEXT
        """What they are fragments of."""
        self._beginning = bytearray()
        """Of a message whose end has not come."""
        self._missing = 0
        """Bytes that it lacks at the least."""
        self._read_at = 0.0
        self._reads = 0

    async def messages(self) -> list[bytes]:
        """All messages since the last call, at least one.

        Raises:
            ConnectionClosed: there are no more.
        """
        while not self._messages:
            if self._over:
                raise self.protocol.close_exc
            self._arrived = self.loop.create_future()
            await self._arrived
        taken, self._messages, self._waiting = self._messages, [], 0
        if self._reads < _BUSY and not self._over:
            self.transport.resume_reading()
        return taken

    # What the transport and the library call.

    def data_received(self, data: bytes) -> None:
        """Bytes from the venue."""
        if self.response is None:
            head, end, data = data.partition(_END_OF_HEAD)
            super().data_received(head + end)
        if self.response is None or self.protocol.state is not State.OPEN:
            super().data_received(data)
        else:
            self._cut(data)
        if self.protocol.state is State.CLOSING:
            self.transport.close()  # both have said why: who would wait for the venue's end may wait for ever
        if self._messages:
            self._wake()
            self._pause(len(data), self.loop.time())

    def process_event(self, event: Event) -> None:
        """What the library's parser made of bytes."""
        if not isinstance(event, Frame) or event.opcode not in DATA_OPCODES:
            super().process_event(event)
            return
        if self._fragments is None:
            self._fragments, self._fragmented = bytearray(), event.opcode
        self._fragments += event.data
        if event.fin:
            message, self._fragments = bytes(self._fragments), None
            if self._fragmented is not Opcode.TEXT or self._is_text(message):
                self._messages.append(message)
                self._waiting += len(message)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        super().connection_lost(exc)
        self._over = True
        self._wake()

    def _wake(self) -> None:
        if self._arrived is not None and not self._arrived.done():
            self._arrived.set_result(None)

    def _pause(self, read: int, now: float) -> None:
        """Read nothing for a while where many reads bring little each, or where nobody takes what was read."""
        self._reads = self._reads + 1 if read < _MUCH and now - self._read_at < _REST else 0
        self._read_at = now
        if self._reads >= _BUSY:
            self.transport.pause_reading()
            self.loop.call_later(_REST, self._rested)
        elif self._waiting > _WAITING:
            self.transport.pause_reading()

    def _rested(self) -> None:
        # The first read after a rest comes late: it must not end the run.
        self._read_at, self._reads = self.loop.time(), _BUSY - 1
        if self._waiting <= _WAITING and not self._over:
            self.transport.resume_reading()

    def _is_text(self, message: bytes) -> bool:
        """Whether the message is UTF-8, which RFC 6455 8.1 asks of every text: one that is not ends the connection."""
        if message.isascii():
            return True
        try:
            message.decode()
        except UnicodeDecodeError:
            self.protocol.fail(CloseCode.INVALID_DATA, "invalid UTF-8")
            self.send_data()
            return False
        return True

    def _cut(self, data: bytes) -> None:
        """Cut out what has come whole, and keep the beginning of the frame that has not."""
        if self._beginning:
            self._beginning += data
            self._missing -= len(data)
            if self._missing > 0:
                return
            data = bytes(self._beginning)
            self._beginning.clear()
        at, end, messages = 0, len(data), self._messages
        while at < end:
            start = at + 2
            length = data[at + 1] if start <= end else 0
            if length == 126:
                start = at + 4
                length = int.from_bytes(data[at + 2 : start])
            elif length == 127:
                start = at + 10
                length = int.from_bytes(data[at + 2 : start])
            elif length > 127:
                break  # masked, which no server may do
            if start <= end and length > LARGEST_MESSAGE:
                break
            stop = start + length
            if stop > end:
                self._beginning += data[at:]
                self._missing = max(start, stop if start <= end else 0) - end
                return
            if data[at] == _TEXT and self._fragments is None:
                message = data[start:stop]
                if not self._is_text(message):
                    return
                messages.append(message)
                self._waiting += length
            else:
                super().data_received(data[at:stop])
                if self.protocol.state is not State.OPEN:
                    return
            at = stop
        if at < end:
            super().data_received(data[at:])  # which ends the connection


class _Connect(connect):
    """A connection that never follows a redirect: a token must not travel to another host."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


@cache
def _trusting(paths: ssl.DefaultVerifyPaths) -> ssl.SSLContext:
    """Whom this machine trusts, read once for all connections: it is a megabyte."""
    return ssl.create_default_context()


async def open_socket(url: str, headers: Mapping[str, str]) -> FrameSocket:
    """Connect, with these headers in the handshake; nothing here ends an attempt that takes too long.

    Raises:
        OSError: there is no connection; or EOFError, or InvalidHandshake, where it was refused later.
    """
    trusted: dict[str, Any] = {"ssl": _trusting(ssl.get_default_verify_paths())} if url.startswith("wss:") else {}
    socket = await _Connect(
        url,
        create_connection=FrameSocket,
        additional_headers=headers,
        compression=None,  # which costs more of the processor than it saves of a line
        proxy=None,
        open_timeout=None,
        ping_interval=None,
        close_timeout=1.0,
        max_size=LARGEST_MESSAGE,
        logger=_logger,
        **trusted,
    )
    assert isinstance(socket, FrameSocket)
    return socket
