"""The WebSocket that hands over messages in batches: what it reads is what the library would have read."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode
from websockets.server import ServerProtocol
from websockets.uri import parse_uri

from gextui.sources import frames
from gextui.sources.frames import LARGEST_MESSAGE, FrameSocket


class Line:
    """A transport that keeps what it is told, and a clock that a test sets."""

    def __init__(self) -> None:
        self.written = bytearray()
        self._reading = True
        self.now = 100.0
        self.later: list[Callable[[], object]] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    def pause_reading(self) -> None:
        self._reading = False

    def resume_reading(self) -> None:
        self._reading = True

    def is_reading(self) -> bool:
        return self._reading

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Nothing here is ever full."""

    def time(self) -> float:
        return self.now

    def call_later(self, seconds: float, call: Callable[[], object]) -> None:
        self.later.append(call)


def opened(line: Line, *, with_the_answer: bytes = b"") -> FrameSocket:
    """A socket after its handshake; the first bytes may come with the handshake's answer."""
    client = ClientProtocol(parse_uri("ws://127.0.0.1/"), max_size=LARGEST_MESSAGE)
    socket = FrameSocket(client)
    socket.connection_made(cast(asyncio.Transport, line))
    client.send_request(client.connect())
    server = ServerProtocol()
    server.receive_data(b"".join(client.data_to_send()))
    [request] = server.events_received()
    server.send_response(server.accept(cast(Any, request)))
    socket.loop = cast(asyncio.AbstractEventLoop, line)
    socket.data_received(b"".join(server.data_to_send()) + with_the_answer)
    return socket


def frame(opcode: Opcode, data: bytes, *, fin: bool = True) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=False)


def text(data: bytes) -> bytes:
    return frame(Opcode.TEXT, data)


sizes = st.sampled_from([bytes(125), bytes(126), bytes(65_535), bytes(65_536)])
contents = st.one_of(
    st.tuples(st.just(Opcode.TEXT), st.one_of(st.text(max_size=20).map(str.encode), sizes)),
    st.tuples(st.just(Opcode.BINARY), st.one_of(st.binary(max_size=20), sizes)),
)
messages = st.tuples(contents, st.integers(1, 4), st.booleans())


@given(st.lists(messages, max_size=8), st.lists(st.integers(1, 70_000), max_size=12), st.booleans())
async def test_whatever_the_pieces_the_messages_are_the_same(
    sent: list[tuple[tuple[Opcode, bytes], int, bool]], cuts: list[int], with_the_answer: bool
) -> None:
    stream = bytearray()
    for (opcode, data), parts, pinged in sent:
        size = len(data) // parts + 1
        pieces = [data[start : start + size] for start in range(0, len(data), size)] or [b""]
        for number, piece in enumerate(pieces):
            stream += frame(opcode if number == 0 else Opcode.CONT, piece, fin=number == len(pieces) - 1)
            if pinged:
                stream += frame(Opcode.PING, b"there?")
    line = Line()
    first = bytes(stream[: cuts[0]]) if with_the_answer and cuts else b""
    socket = opened(line, with_the_answer=first)
    line.written.clear()
    at = len(first)
    for cut in [*cuts, len(stream)]:
        if at < len(stream):
            socket.data_received(bytes(stream[at : at + cut]))
            at += cut
    assert socket._messages == [data for (_, data), _, _ in sent]
    assert socket.protocol.close_code is None


async def test_all_that_has_come_is_taken_at_once_and_then_waited_for() -> None:
    socket = opened(Line())
    socket.data_received(text(b"one") + text(b"two")[:4])
    assert await socket.messages() == [b"one"]
    waiting = asyncio.ensure_future(_on_the_loop(socket).messages())
    await asyncio.sleep(0)
    assert not waiting.done()
    socket.data_received(text(b"two")[4:] + text(b"three"))
    assert await waiting == [b"two", b"three"]


async def test_what_came_before_the_end_is_taken_first() -> None:
    socket = opened(Line())
    socket.data_received(text(b"last") + frame(Opcode.CLOSE, b"\x03\xe8enough") + text(b"never"))
    socket.connection_lost(None)
    assert await socket.messages() == [b"last"]
    with pytest.raises(ConnectionClosed, match=r"1000.*enough"):
        await socket.messages()


async def test_the_end_is_heard_by_who_waits() -> None:
    socket = _on_the_loop(opened(Line()))
    waiting = asyncio.ensure_future(socket.messages())
    await asyncio.sleep(0)
    socket.connection_lost(ConnectionResetError())
    with pytest.raises(ConnectionClosed):
        await waiting


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (b"\x81" + bytes([127]) + (LARGEST_MESSAGE + 1).to_bytes(8, "big"), 1009),
        (Frame(Opcode.TEXT, b"masked").serialize(mask=True), 1002),
        (bytes([0xC1, 10]) + b"compressed", 1002),
        (bytes([0x83, 0]), 1002),
        (frame(Opcode.CONT, b"of nothing"), 1002),
        (frame(Opcode.TEXT, b"a", fin=False) + text(b"b"), 1002),
        (text(b"{\xff}"), 1007),
        (frame(Opcode.TEXT, b"\xc3", fin=False) + frame(Opcode.CONT, b"}"), 1007),
    ],
    ids=[
        "too_large",
        "masked",
        "compressed",
        "unknown_opcode",
        "a_continuation_of_nothing",
        "two_at_once",
        "not_utf8",
        "not_utf8_in_parts",
    ],
)
@pytest.mark.parametrize("size", [1, 1000])
async def test_what_no_server_may_send_ends_the_connection(damage: bytes, code: int, size: int) -> None:
    line = Line()
    socket = opened(line)
    data = text(b"good") + damage + text(b"never")
    for start in range(0, len(data), size):
        socket.data_received(data[start : start + size])
    assert socket._messages == [b"good"]
    assert socket.protocol.close_sent is not None
    assert socket.protocol.close_sent.code == code
    assert line.closed, "whatever the venue does"


async def test_a_line_that_brings_little_often_is_read_less_often() -> None:
    line = Line()
    socket = opened(line)
    for _ in range(200):
        if line.is_reading():
            socket.data_received(text(b"x"))
        else:
            break
        line.now += 0.001
    assert len(await socket.messages()) == frames._BUSY + 1
    assert not line.is_reading(), "it rests, whoever takes what came"
    [rested] = line.later
    line.now += frames._REST + 0.001
    rested()
    assert line.is_reading()
    # The next read brings what came meanwhile, and the line rests again; a pause of the venue ends that.
    socket.data_received(text(b"x") * 5)
    assert not line.is_reading()
    line.later.pop()()
    line.now += 1.0
    socket.data_received(text(b"x"))
    assert line.is_reading()


async def test_a_line_that_brings_much_is_read_on() -> None:
    line = Line()
    socket = opened(line)
    for _ in range(100):
        socket.data_received(text(bytes(frames._MUCH)))
        await socket.messages()
        assert line.is_reading()


async def test_nothing_is_read_while_nobody_takes_what_came() -> None:
    line = Line()
    socket = opened(line)
    large = text(bytes(frames._MUCH))
    while line.is_reading():
        socket.data_received(large)
        assert len(socket._messages) < 100
    assert socket._waiting > frames._WAITING
    await socket.messages()
    assert line.is_reading()


def _on_the_loop(socket: FrameSocket) -> FrameSocket:
    socket.loop = asyncio.get_running_loop()
    return socket
