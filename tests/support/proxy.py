"""A TCP door in front of a server on loopback, which a test shuts, opens elsewhere, or slows down."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit


class Door:
    """A port that is refused until `open` says where it leads."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.delay = 0.0
        """Real seconds by which each direction is late."""
        self._server: asyncio.Server | None = None
        self._pipes: set[asyncio.Task[None]] = set()

    def url(self, target: str) -> str:
        """The address of ``target``, through the door."""
        parts = urlsplit(target)
        return parts._replace(netloc=f"127.0.0.1:{self.port}").geturl()

    async def open(self, target: str) -> None:
        """Let connections through to where ``target`` is."""
        port = urlsplit(target).port

        async def through(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
            for source, sink in ((reader, far_writer), (far_reader, writer)):
                self._pipes.add(asyncio.create_task(self._pipe(source, sink)))

        self._server = await asyncio.start_server(through, "127.0.0.1", self.port)

    async def _pipe(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(ConnectionError):
                while data := await source.read(1 << 16):
                    if self.delay:
                        await asyncio.sleep(self.delay)
                    sink.write(data)
                    await sink.drain()
        finally:
            sink.close()

    async def shut(self) -> None:
        """Refuse new connections and cut those there are."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for pipe in self._pipes:
            pipe.cancel()
        await asyncio.gather(*self._pipes, return_exceptions=True)
        self._pipes.clear()


@asynccontextmanager
async def a_door() -> AsyncIterator[Door]:
    """A door that is shut in the end."""
    door = Door()
    try:
        yield door
    finally:
        await door.shut()
