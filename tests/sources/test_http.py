"""The polite HTTP client against servers on loopback that are not polite at all."""

import asyncio
import gzip
import resource
import socket
import threading
import time
import zlib
from email.utils import formatdate

import pytest

from gextui.sources.failure import Failure, FetchError
from gextui.sources.http import refuse_plain_url
from tests.support.clock import settle
from tests.support.http_server import Client, plain, serving
from tests.support.waiting import eventually


class TestAnswers:
    async def test_a_body_and_its_headers(self) -> None:
        async with serving(plain(body=b'{"a":1}', X_Thing="yes")) as server, Client(server.url) as client:
            fetched = await client.http.get("/path", {"currency": "BTC", "n": 5})
            assert fetched.body == b'{"a":1}'
            assert fetched.headers["x-thing"] == "yes"
            assert not fetched.unchanged
            assert server.heads[0].startswith("GET /path?currency=BTC&n=5 HTTP/1.1\r\n")

    async def test_gzip_is_inflated(self) -> None:
        body = gzip.compress(b'{"a":1}' * 1000)
        async with serving(plain(body=body, content_encoding="gzip")) as server, Client(server.url) as client:
            assert (await client.http.get("/")).body == b'{"a":1}' * 1000
            assert "accept-encoding: gzip\r\n" in server.heads[0].lower()

    async def test_what_has_not_changed_is_not_sent_again(self) -> None:
        async with serving(plain(body=b"[1]", etag='"one"')) as server, Client(server.url) as client:
            assert (await client.http.get("/", if_changed=True)).body == b"[1]"
            assert "if-none-match" not in server.heads[0].lower()
            server.respond = plain("304 Not Modified", b"")
            again = await client.http.get("/", if_changed=True)
            assert (again.unchanged, again.body) == (True, b"")
            assert 'if-none-match: "one"' in server.heads[1].lower()
            # Only this address is known by that tag, and only where it is asked for.
            server.respond = plain()
            await client.http.get("/other", if_changed=True)
            await client.http.get("/")
            assert not any("if-none-match" in head.lower() for head in server.heads[2:])

    async def test_headers_of_one_request(self) -> None:
        async with serving(plain()) as server, Client(server.url, headers={"x-every": "1"}) as client:
            await client.http.get("/", headers={"cookie": "A3=one"})
            await client.http.get("/")
            assert all("x-every: 1\r\n" in head for head in server.heads)
            assert "cookie: A3=one\r\n" in server.heads[0]
            assert "cookie" not in server.heads[1].lower()

    async def test_a_body_is_posted(self) -> None:
        async with serving(plain(body=b'{"a":1}')) as server, Client(server.url, headers={"x-every": "1"}) as client:
            fetched = await client.http.post("/token", b'{"b":2}', headers={"content-type": "application/json"})
            assert fetched.body == b'{"a":1}'
            assert server.heads[0].startswith("POST /token HTTP/1.1\r\n")
            for line in ("x-every: 1", "content-type: application/json", "content-length: 7"):
                assert f"{line}\r\n" in server.heads[0].lower()
            server.respond = plain("400 Bad Request", b'{"error":1}')
            assert (await client.http.post("/token", b"{}", statuses=(200, 400))).status == 400
            server.respond = plain("429 Too Many Requests", retry_after="7")
            with pytest.raises(FetchError) as caught:
                await client.http.post("/token", b"{}")
            assert caught.value.failure is Failure.LIMITED
            assert client.limiter.closed_for == pytest.approx(7.0)

    async def test_a_bad_request_can_be_read(self) -> None:
        async with serving(plain("400 Bad Request", b'{"error":1}')) as server, Client(server.url) as client:
            assert (await client.http.get("/", statuses=(200, 400))).body == b'{"error":1}'
            error = await client.refused()
            assert (error.failure, error.status) == (Failure.STATUS, 400)

    @pytest.mark.parametrize("status", ["500 Oops", "502 Bad Gateway", "503 Unavailable", "520 Unknown", "404 No"])
    async def test_a_status_is_named(self, status: str) -> None:
        async with serving(plain(status)) as server, Client(server.url) as client:
            error = await client.refused()
            assert (error.failure, error.status) == (Failure.STATUS, int(status[:3]))
            assert str(error) == f"127.0.0.1 answered HTTP {status[:3]}"
            assert client.limiter.closed_for == 0.0


class TestLimits:
    async def test_requests_wait_for_their_turn(self) -> None:
        async with serving(plain()) as server, Client(server.url, rate=1.0, burst=1.0) as client:
            asked = [asyncio.create_task(client.http.get("/")) for _ in range(3)]
            await eventually(asked[0].done)
            await settle()
            assert len(server.heads) == 1
            for count in (2, 3):
                await client.clock.advance(1.0)
                await eventually(asked[count - 1].done)
                assert len(server.heads) == count

    async def test_retry_after_is_obeyed_to_the_second(self) -> None:
        async with (
            serving(plain("429 Too Many Requests", b"", retry_after="7")) as server,
            Client(server.url) as client,
        ):
            error = await client.refused()
            assert error.failure is Failure.LIMITED
            assert str(error) == "127.0.0.1 limits us (HTTP 429): asking again in 7 s"
            server.respond = plain()
            asked = asyncio.create_task(client.http.get("/"))
            await client.clock.advance(6.5)
            await settle()
            assert len(server.heads) == 1
            await client.clock.advance(0.5)
            await eventually(asked.done)
            assert len(server.heads) == 2

    @pytest.mark.parametrize(
        ("header", "seconds"),
        [("30", 30.0), ("soon", 5.0), ("", 5.0), ("1000000000", 900.0), ("date", 120.0), ("0", 1.0)],
    )
    async def test_retry_after_in_every_form(self, header: str, seconds: float) -> None:
        async with serving(plain()) as server, Client(server.url) as client:
            if header == "date":
                header = formatdate(client.clock.now() + 120.0, usegmt=True)
            server.respond = plain("429 Too Many Requests", b"", retry_after=header)
            await client.refused()
            assert client.limiter.closed_for == pytest.approx(seconds, abs=1.0 if seconds == 120.0 else 1e-6)

    async def test_a_limit_that_says_nothing_doubles_until_it_is_over(self) -> None:
        async with serving(plain("429 Too Many Requests", b"")) as server, Client(server.url) as client:
            for seconds in (5.0, 10.0, 20.0):
                await client.refused()
                assert client.limiter.closed_for == pytest.approx(seconds)
                await client.clock.advance(seconds)
            server.respond = plain()
            await client.http.get("/")
            server.respond = plain("429 Too Many Requests", b"")
            await client.refused()
            assert client.limiter.closed_for == pytest.approx(5.0)

    @pytest.mark.parametrize("status", ["418 Teapot", "503 Unavailable"])
    async def test_other_statuses_limit_too(self, status: str) -> None:
        async with serving(plain(status, b"", retry_after="20")) as server, Client(server.url) as client:
            assert (await client.refused()).failure is Failure.LIMITED
            assert client.limiter.closed_for == pytest.approx(20.0)

    async def test_a_venue_may_be_left_alone_for_longer_than_it_asks(self) -> None:
        limited = plain("429 Too Many Requests", b"")
        async with serving(limited) as server, Client(server.url, least_pause=60.0) as client:
            for seconds in (60.0, 120.0, 240.0):
                await client.refused()
                assert client.limiter.closed_for == pytest.approx(seconds)
                await client.clock.advance(seconds)
            server.respond = plain("429 Too Many Requests", b"", retry_after="7")
            assert str(await client.refused()).endswith("asking again in 60 s")
            assert client.limiter.closed_for == pytest.approx(60.0)

    @pytest.mark.parametrize("status", ["200 OK", "404 Not Found"])
    async def test_a_limit_may_come_under_another_status(self, status: str) -> None:
        excuse = plain(status, b"Too Many Requests\r\n", content_type="text/plain")
        async with (
            serving(excuse) as server,
            Client(server.url, least_pause=60.0, limit_words=b"Too Many Requests") as client,
        ):
            for seconds in (60.0, 120.0):
                error = await client.refused(content=None, statuses=(200, 404))
                assert error.failure is Failure.LIMITED
                assert client.limiter.closed_for == pytest.approx(seconds)
                await client.clock.advance(seconds)
            # A long body that quotes the words is an answer.
            server.respond = plain(body=b'{"headline":"Too Many Requests"}' + b" " * 1024)
            await client.http.get("/")
            assert client.limiter.closed_for == 0.0

    async def test_a_ban_page_is_no_answer_and_closes_for_a_minute(self) -> None:
        page = plain("403 Forbidden", b"<html>error 1015</html>", content_type="text/html")
        async with serving(page) as server, Client(server.url) as client:
            error = await client.refused()
            assert (error.failure, error.status) == (Failure.BLOCKED, 403)
            assert "refuses us (HTTP 403)" in str(error)
            assert client.limiter.closed_for >= 60.0

    async def test_an_address_that_nobody_knows_is_no_reason_to_wait(self) -> None:
        denied = plain("403 Forbidden", b"<Error><Code>AccessDenied</Code></Error>", content_type="application/xml")
        async with serving(denied) as server, Client(server.url) as client:
            assert (await client.refused(may_be_unknown=True)).failure is Failure.BLOCKED
            assert client.limiter.closed_for == 0.0
            await client.refused()
            assert client.limiter.closed_for >= 60.0


class TestBodies:
    async def test_a_login_page_is_not_data(self) -> None:
        async with serving(plain(body=b"<html>", content_type="text/html")) as server, Client(server.url) as client:
            error = await client.refused()
            assert error.failure is Failure.CONTENT
            assert str(error) == "127.0.0.1 sent unexpected content (text/html); is a login page in between?"
            assert (await client.http.get("/", content=None)).body == b"<html>"

    @pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
    async def test_a_redirect_is_not_followed(self, status: str) -> None:
        async with serving(plain()) as elsewhere:
            location = f"{elsewhere.url}/steal"
            async with serving(plain(status, b"", location=location)) as server, Client(server.url) as client:
                error = await client.refused()
                assert error.failure is Failure.REDIRECT
                assert "not followed" in str(error)
            assert elsewhere.heads == []

    async def test_a_truncated_body_is_an_error(self) -> None:
        async with serving(plain(body=b'{"a":1', content_length="100")) as server, Client(server.url) as client:
            error = await client.refused()
            assert error.failure is Failure.BROKEN
            assert "broke" in str(error)

    @pytest.mark.parametrize("keep", [10, -4], ids=["in the middle", "at the end"])
    async def test_truncated_gzip_is_an_error(self, keep: int) -> None:
        body = gzip.compress(b"1234567890" * 100)[:keep]
        async with serving(plain(body=body, content_encoding="gzip")) as server, Client(server.url) as client:
            error = await client.refused()
            assert error.failure is Failure.BROKEN
            assert str(error) == "127.0.0.1 sent a body that was cut short"

    async def test_what_only_claims_to_be_gzip_is_an_error(self) -> None:
        async with serving(plain(body=b"hello", content_encoding="gzip")) as server, Client(server.url) as client:
            error = await client.refused()
            assert str(error) == "127.0.0.1 sent a body that cannot be decompressed"

    async def test_a_gzip_bomb_is_given_up_before_it_fills_memory(self) -> None:
        squeeze = zlib.compressobj(9, wbits=31)
        bomb = b"".join(squeeze.compress(bytes(1 << 20)) for _ in range(300)) + squeeze.flush()
        assert len(bomb) < 1_000_000
        async with serving(plain(body=bomb, content_encoding="gzip")) as server, Client(server.url) as client:
            before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
            error = await client.refused()
            rise = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
            assert time.monotonic() - began < 2.0
        assert error.failure is Failure.TOO_LARGE
        assert str(error) == "127.0.0.1 sent more than 32 MB; body dropped"
        assert rise < 64 * 1024

    async def test_a_body_that_drips_is_given_up(self) -> None:
        async def drip(writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n")
            for _ in range(1000):
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.02)

        async with serving(drip) as server, Client(server.url, total=0.3) as client:
            began = time.monotonic()
            error = await client.refused()
            assert time.monotonic() - began < 1.0
            assert error.failure is Failure.TIMEOUT
            assert str(error) == "127.0.0.1 did not answer in full within 0.3 s"

    async def test_a_large_body_may_take_longer_while_it_comes(self) -> None:
        async def pour(writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n")
            for _ in range(10):
                writer.write(b" " * 100)
                await writer.drain()
                await asyncio.sleep(0.05)

        async with serving(pour) as server, Client(server.url, total=0.2) as client:
            assert (await client.refused()).failure is Failure.TIMEOUT
        async with serving(pour) as server, Client(server.url, total=0.2, slowest=1000.0) as client:
            assert len((await client.http.get("/")).body) == 1000
        async with serving(pour) as server, Client(server.url, total=0.2, slowest=10_000.0) as client:
            assert (await client.refused()).failure is Failure.TIMEOUT

    async def test_silence_is_given_up(self) -> None:
        silent = asyncio.Event()

        async def say_nothing(writer: asyncio.StreamWriter) -> None:
            await silent.wait()

        async with serving(say_nothing) as server, Client(server.url, total=0.2) as client:
            assert (await client.refused()).failure is Failure.TIMEOUT
            silent.set()

    async def test_a_connection_that_is_cut_is_an_error(self) -> None:
        async def cut(writer: asyncio.StreamWriter) -> None:
            writer.transport.abort()

        async with serving(cut) as server, Client(server.url) as client:
            assert (await client.refused()).failure is Failure.BROKEN


class TestConnecting:
    async def test_refused(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            async with Client(f"http://127.0.0.1:{free.getsockname()[1]}") as client:
                error = await client.refused()
        assert (error.failure, str(error)) == (Failure.REFUSED, "127.0.0.1 refuses the connection")

    async def test_a_name_that_does_not_resolve(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*_: object, **__: object) -> None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", fail)
        async with Client("https://venue.example") as client:
            error = await client.refused()
        assert error.failure is Failure.DNS
        assert str(error) == "cannot resolve host venue.example; check the network"

    async def test_a_name_server_that_hangs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        answer = threading.Event()

        def hang(*_: object, **__: object) -> None:
            answer.wait(10.0)
            raise socket.gaierror(socket.EAI_AGAIN, "too late")

        monkeypatch.setattr(socket, "getaddrinfo", hang)
        try:
            async with Client("https://venue.example", total=0.2) as client:
                began = time.monotonic()
                error = await client.refused()
                assert time.monotonic() - began < 1.0
        finally:
            answer.set()
        assert error.failure is Failure.TIMEOUT

    async def test_proxies_of_the_environment_are_not_used(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async with serving(plain(body=b"[0]")) as proxy, serving(plain(body=b"[1]")) as server:
            for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
                monkeypatch.setenv(name, proxy.url)
            async with Client(server.url) as client:
                assert (await client.http.get("/")).body == b"[1]"
            assert proxy.heads == []

    @pytest.mark.parametrize(
        "url",
        [
            "http://venue.example",
            "ftp://127.0.0.1",
            "https://me:secret@venue.example",
            "http://127.0.0.1.nip.io",
            "ws://venue.example",
            "",
        ],
    )
    def test_only_tls_or_loopback(self, url: str) -> None:
        with pytest.raises(ValueError, match="must") as caught:
            refuse_plain_url(url)
        assert "secret" not in str(caught.value)

    @pytest.mark.parametrize(
        "url", ["https://venue.example", "wss://venue.example", "http://localhost:1", "ws://[::1]:1"]
    )
    def test_tls_anywhere_and_plain_text_on_loopback(self, url: str) -> None:
        refuse_plain_url(url)

    async def test_a_hostile_name_is_cleaned(self) -> None:
        error = FetchError(Failure.STATUS, "said \x1b]52;c;x\x07 and [bold]")
        assert "\x1b" not in str(error)
        assert "\x07" not in str(error)
