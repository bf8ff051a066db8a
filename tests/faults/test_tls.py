"""The faults of TLS and of addresses, by their ids, with real servers on loopback, over HTTP and WebSocket alike."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from gextui.sources.failure import TLS_SECONDS, Failure, FetchError
from gextui.sources.http import HttpClient
from gextui.sources.pacing import Backoff, Limiter
from gextui.sources.stream import Stream, StreamState
from tests.sources.test_stream import LineSession
from tests.support.certificates import Authority, SecureServer, authority_in, old_tls, serving_securely
from tests.support.clock import FakeClock
from tests.support.http_server import Client, plain, serving
from tests.support.waiting import eventually

_UNSAFE_ADVICE = re.compile(r"verif|insecure|disable|ignore|trust_env", re.IGNORECASE)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority_in(tmp_path_factory.mktemp("authority"))


Make = Callable[[Authority], ssl.SSLContext]
_CLOCK = r"; check the system clock, which says \d{4}-\d\d-\d\d \d\d:\d\d UTC"
REFUSED: dict[str, tuple[Make, str]] = {
    "self-signed": (lambda ca: ca.self_signed(), "TLS to 127.0.0.1 refused: its certificate is self-signed"),
    "expired": (
        lambda ca: ca.server(last="20210101000000Z"),
        f"TLS to 127.0.0.1 refused: its certificate has expired{_CLOCK}",
    ),
    "not yet valid": (
        lambda ca: ca.server(first="20470101000000Z"),
        f"TLS to 127.0.0.1 refused: its certificate is not yet valid{_CLOCK}",
    ),
    "wrong host": (
        lambda ca: ca.server(name="DNS:other.example"),
        "TLS to 127.0.0.1 refused: its certificate is for another host",
    ),
    "sha-1": (
        lambda ca: ca.server(digest="sha1"),
        "TLS to 127.0.0.1 refused: CA signature digest algorithm too weak",
    ),
}


@asynccontextmanager
async def stream_to(url: str) -> AsyncIterator[tuple[Stream, FakeClock]]:
    clock = FakeClock()
    shortest = Backoff(clock, uniform=lambda low, high: low)
    stream = Stream(url, LineSession, clock=clock, limiter=Limiter(clock, rate=1000.0, burst=1000), backoff=shortest)
    running = asyncio.create_task(stream.run())
    try:
        yield stream, clock
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def lost(stream: Stream) -> str:
    """Why the stream lost its connection."""
    await eventually(lambda: stream.state is StreamState.BACKOFF, "the refusal")
    return stream.detail


async def test_a_good_certificate_is_taken(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    context = authority.server()
    authority.trust(monkeypatch)
    async with serving_securely(context) as server, Client(f"https://127.0.0.1:{server.port}") as client:
        assert (await client.http.get("/")).body == b"{}"


@pytest.mark.parametrize("kind", REFUSED)
async def test_n18_n20_a_wrong_certificate_is_refused(
    kind: str, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, words = REFUSED[kind]
    context = make(authority)
    authority.trust(monkeypatch)
    async with serving_securely(context) as server:
        async with Client(f"https://127.0.0.1:{server.port}") as client:
            error = await client.refused()
            await refuses_for_a_minute(client.http, client, server)
        async with stream_to(f"wss://127.0.0.1:{server.port}") as (stream, clock):
            said = await lost(stream)
            assert stream.next_try_in == pytest.approx(TLS_SECONDS)
            connections = server.connections
            await clock.advance(TLS_SECONDS - 1.0)
            assert server.connections == connections
        assert server.heads == []
    assert error.failure is Failure.TLS
    for message in (str(error), said):
        assert re.fullmatch(words, message), message
        assert not _UNSAFE_ADVICE.search(message)


async def refuses_for_a_minute(http: HttpClient, client: Client, server: SecureServer) -> None:
    """Nothing is asked within a minute, then it is."""
    assert client.limiter.closed_for == pytest.approx(TLS_SECONDS)
    again = asyncio.create_task(http.get("/"))
    connections = server.connections
    await client.clock.advance(TLS_SECONDS - 1.0)
    assert server.connections == connections
    assert not again.done()
    await client.clock.advance(1.0)
    with pytest.raises(FetchError, match="TLS to 127"):
        await again


async def test_n18_versions_that_are_no_longer_safe(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    context = old_tls(authority.server())
    authority.trust(monkeypatch)
    async with serving_securely(context) as server, Client(f"https://127.0.0.1:{server.port}") as client:
        error = await client.refused()
        assert server.heads == []
    # What is heard of the alert depends on how fast the server hangs up after it.
    assert error.failure in (Failure.TLS, Failure.BROKEN)
    assert str(error).startswith(("TLS to 127.0.0.1 failed: it ", "127.0.0.1 hung up"))


async def test_n19_tls_to_a_port_that_speaks_plain_text() -> None:
    words = "TLS to 127.0.0.1 failed: that port does not speak TLS; check its address in config.toml"
    async with serving_securely(None) as server:
        async with Client(f"https://127.0.0.1:{server.port}") as client:
            assert str(await client.refused()) == words
            assert client.limiter.closed_for == pytest.approx(TLS_SECONDS)
        async with stream_to(f"wss://127.0.0.1:{server.port}") as (stream, _):
            assert await lost(stream) == words
            assert stream.next_try_in == pytest.approx(TLS_SECONDS)


async def test_n19_plain_text_to_a_port_that_speaks_tls(authority: Authority) -> None:
    async with serving_securely(authority.server()) as server:
        async with Client(f"http://127.0.0.1:{server.port}") as client:
            error = await client.refused()
            assert error.failure is Failure.BROKEN
            assert str(error).endswith("; does that port speak TLS? Then its address begins with https://")
        async with stream_to(f"ws://127.0.0.1:{server.port}") as (stream, _):
            assert await lost(stream) == (
                "127.0.0.1 does not answer as a WebSocket does; does that port speak TLS? "
                "Then its address begins with wss://"
            )
        assert server.heads == []


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        ("200 OK", b"<html>Please log in</html>", "unexpected content (text/html)"),
        ("302 Found", b"<html>Log in</html>", "redirects elsewhere (HTTP 302); not followed"),
    ],
)
async def test_n21_a_captive_portal(status: str, body: bytes, words: str) -> None:
    async with serving(plain()) as login:
        portal = plain(status, body, content_type="text/html", location=f"{login.url}/login")
        async with serving(portal) as server, Client(server.url) as client:
            error = await client.refused()
        assert words in str(error)
        assert login.heads == []


@pytest.mark.parametrize("status", ["301 Moved Permanently", "302 Found", "307 Temporary Redirect"])
async def test_n22_no_redirect_is_followed_and_no_token_travels(status: str) -> None:
    async with serving(plain()) as elsewhere:
        async with serving(plain(status, b"", location=f"{elsewhere.url}/")) as server:
            async with Client(server.url) as client:
                error = await client.refused(headers={"authorization": "Bearer canary"})
                assert error.failure is Failure.REDIRECT
                assert "canary" not in str(error)
            server.respond = plain(status, b"", location=f"ws://127.0.0.1:{elsewhere.port}/")
            async with stream_to(f"ws://127.0.0.1:{server.port}") as (stream, _):
                assert await lost(stream) == f"127.0.0.1 redirects elsewhere (HTTP {status[:3]}); not followed"
        assert elsewhere.heads == []


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        ("403 Forbidden", {}, 60.0),
        ("429 Too Many Requests", {}, 60.0),
        ("429 Too Many Requests", {"retry_after": "7"}, 60.0),
        ("429 Too Many Requests", {"retry_after": "120"}, 120.0),
        ("418 I'm a teapot", {}, 60.0),
    ],
)
async def test_n11_a_ban_page_is_a_block_and_no_answer(status: str, headers: dict[str, str], seconds: float) -> None:
    page = plain(status, b"<html>error code: 1015</html>", content_type="text/html; charset=UTF-8", **headers)
    async with serving(page) as server, Client(server.url) as client:
        error = await client.refused(may_be_unknown=True)
        assert error.failure is Failure.BLOCKED
        assert client.limiter.closed_for == pytest.approx(seconds)
