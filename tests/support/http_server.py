"""A bare HTTP server on loopback whose every byte a test writes, and a client of it."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gextui.sources.failure import FetchError
from gextui.sources.http import HttpClient
from gextui.sources.pacing import Limiter
from tests.support.clock import FakeClock

Handler = Callable[[asyncio.StreamWriter], Awaitable[None]]


class Server:
    """Hands each request's head to a test, which writes whatever it likes."""

    def __init__(self, respond: Handler) -> None:
        self.respond = respond
        self.heads: list[str] = []
        self.port = 0
        self.handling: set[asyncio.Task[None]] = set()

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.handling.add(asyncio.create_task(self.handle(reader, writer)))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                self.heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
                await self.respond(writer)
                await writer.drain()
        finally:
            writer.close()


@asynccontextmanager
async def serving(respond: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    server = Server(respond)
    listening = await asyncio.start_server(server.accept, "127.0.0.1", 0, ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for task in server.handling:
            task.cancel()
        await asyncio.gather(*server.handling, return_exceptions=True)
        await listening.wait_closed()


def plain(status: str = "200 OK", body: bytes = b"{}", **headers: str) -> Handler:
    """Answers so, with a length and as JSON unless told otherwise."""
    sent = {"content_type": "application/json", "content_length": str(len(body))} | headers

    async def respond(writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status}", *(f"{name.replace('_', '-')}: {value}" for name, value in sent.items() if value)]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    return respond


class Client:
    """A client of one server, and the clock and limiter it lives by."""

    def __init__(
        self, url: str, *, total: float = 5.0, rate: float = 1000.0, burst: float = 1000.0, **settings: Any
    ) -> None:
        self.clock = FakeClock()
        self.limiter = Limiter(self.clock, rate=rate, burst=burst)
        self.http = HttpClient(url, self.limiter, clock=self.clock, total_seconds=total, **settings)

    async def refused(self, **asked: object) -> FetchError:
        with pytest.raises(FetchError) as caught:
            await self.http.get("/", **asked)  # type: ignore[arg-type]
        return caught.value

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.close()
