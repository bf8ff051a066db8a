"""The house's HTTP policy holds where curl asks in Python's place."""

import asyncio
import gzip
import resource
import socket
import ssl
import time
import zlib
from pathlib import Path

import pytest

from gextui.sources.curl import CurlTransport, can_impersonate
from gextui.sources.failure import Failure
from gextui.sources.http import LARGEST_BODY
from tests.support.http_server import Client, plain, serving
from tests.support.waiting import eventually

pytestmark = pytest.mark.skipif(not can_impersonate(), reason="the extra yahoo (curl_cffi) is not installed")


def asking(url: str, *, total: float = 5.0, largest: int = LARGEST_BODY) -> Client:
    transport = CurlTransport(seconds=total, largest_body=largest)
    return Client(url, total=total, transport=transport, largest_body=largest)


async def test_looks_like_a_browser_and_gets_the_body() -> None:
    body = gzip.compress(b'{"a":1}' * 1000)
    async with (
        serving(plain(body=body, content_encoding="gzip", X_Thing="yes")) as server,
        asking(server.url) as client,
    ):
        fetched = await client.http.get("/path", {"symbol": "^IRX", "crumb": "a/b"}, headers={"cookie": "A3=one"})
        assert fetched.body == b'{"a":1}' * 1000
        assert fetched.headers["x-thing"] == "yes"
    [head] = server.heads
    assert head.startswith("GET /path?symbol=%5EIRX&crumb=a%2Fb HTTP/1.1\r\n")
    assert "accept-encoding: gzip\r\n" in head.lower()
    assert "cookie: a3=one\r\n" in head.lower()
    assert "Chrome/" in head


async def test_keeps_no_cookies_of_its_own() -> None:
    async with serving(plain(set_cookie="A3=one; Path=/")) as server, asking(server.url) as client:
        await client.http.get("/")
        await client.http.get("/")
        assert "cookie" not in server.heads[1].lower()


async def test_follows_no_redirect() -> None:
    async with serving(plain()) as elsewhere:
        async with (
            serving(plain("302 Found", b"", location=f"{elsewhere.url}/steal")) as server,
            asking(server.url) as client,
        ):
            assert (await client.refused()).failure is Failure.REDIRECT
        assert elsewhere.heads == []


async def test_a_limit_closes_the_limiter() -> None:
    limited = plain("429 Too Many Requests", b"", retry_after="7")
    async with serving(limited) as server, asking(server.url) as client:
        assert (await client.refused()).failure is Failure.LIMITED
        assert client.limiter.closed_for == pytest.approx(7.0)


async def test_a_gzip_bomb_is_given_up_before_it_fills_memory() -> None:
    squeeze = zlib.compressobj(9, wbits=31)
    bomb = b"".join(squeeze.compress(bytes(1 << 20)) for _ in range(300)) + squeeze.flush()
    async with serving(plain(body=bomb, content_encoding="gzip")) as server, asking(server.url) as client:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        error = await client.refused()
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024
    assert str(error) == "127.0.0.1 sent more than 32 MB; body dropped"


async def test_a_large_body_ends_the_transfer() -> None:
    sent = 0

    async def flood(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000000000\r\n\r\n")
        for _ in range(1000):
            writer.write(b" " * 1_000_000)
            await writer.drain()
            sent += 1

    async with serving(flood) as server, asking(server.url, largest=2 * 2**20) as client:
        error = await client.refused()
        assert error.failure is Failure.TOO_LARGE
        assert str(error) == "127.0.0.1 sent more than 2 MB; body dropped"
        await eventually(lambda: all(task.done() for task in server.handling), "the end of the transfer")
    assert sent < 100


async def test_a_body_that_drips_is_given_up() -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n")
        for _ in range(1000):
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.02)

    async with serving(drip) as server, asking(server.url, total=0.3) as client:
        began = time.monotonic()
        assert (await client.refused()).failure is Failure.TIMEOUT
        assert time.monotonic() - began < 2.0


async def test_a_truncated_body_is_an_error() -> None:
    async with serving(plain(body=b'{"a":1', content_length="100")) as server, asking(server.url) as client:
        assert (await client.refused()).failure is Failure.BROKEN


async def test_a_refused_connection() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        async with asking(f"http://127.0.0.1:{free.getsockname()[1]}") as client:
            error = await client.refused()
    assert (error.failure, str(error)) == (Failure.REFUSED, "127.0.0.1 refuses the connection")


async def test_a_certificate_nobody_vouches_for(certificate: Path) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    async with serving(plain(), tls) as server, asking(f"https://127.0.0.1:{server.port}") as client:
        error = await client.refused()
        assert server.heads == []
    assert error.failure is Failure.TLS
    assert "certificate" in str(error).lower()


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(plain(body=b"[0]")) as proxy, serving(plain(body=b"[1]")) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        async with asking(server.url) as client:
            assert (await client.http.get("/")).body == b"[1]"
        assert proxy.heads == []


async def test_many_at_once_and_a_request_that_is_given_up() -> None:
    closing = plain(connection="close")
    async with serving(closing) as server, asking(server.url) as client:
        await asyncio.gather(*(client.http.get(f"/{number}") for number in range(30)))
        silent = asyncio.Event()

        async def say_nothing(_: asyncio.StreamWriter) -> None:
            await silent.wait()

        server.respond = say_nothing
        asked = asyncio.create_task(client.http.get("/"))
        await eventually(lambda: len(server.heads) == 31, "the request")
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        silent.set()
        server.respond = plain(body=b"[2]", connection="close")
        assert (await client.http.get("/")).body == b"[2]"
