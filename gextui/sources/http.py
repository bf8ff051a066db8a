"""One polite HTTP client: limits, Retry-After, total time, size caps, and errors that say what happened."""

import asyncio
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import NoReturn, Self
from urllib.parse import urlsplit

from gextui.market.text import clean_text
from gextui.sources.failure import TLS_SECONDS, Failure, FetchError, too_large
from gextui.sources.pacing import RETRY_AFTER_DEFAULT, RETRY_AFTER_RANGE, Clock, Limiter, SystemClock, retry_after
from gextui.sources.transport import HttpxTransport, Reply, Transport, address

TOTAL_SECONDS = 10.0
LARGEST_BODY = 32 * 1024 * 1024
"""Bytes after decompression."""
BANNED_SECONDS = 60.0
"""Pause after a ban page, at the least."""
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_PIECE = 256 * 1024
_LONGEST_EXCUSE = 1024
"""Bytes; a longer body is not a limit in disguise."""
_LIMITED = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.IM_A_TEAPOT})


@dataclass(frozen=True, slots=True)
class Fetched:
    """A body, or the word that it has not changed."""

    body: bytes
    """Empty when `unchanged`."""
    headers: Mapping[str, str]
    """Names in lower case."""
    status: int = HTTPStatus.OK
    unchanged: bool = False
    """The venue answered 304 to our ETag."""


def refuse_plain_url(url: str) -> None:
    """Plain http and ws are for loopback only.

    Raises:
        ValueError: the address is neither https/wss nor on loopback, or carries a user name or password.
    """
    parts = urlsplit(url)
    if parts.username is not None or parts.password is not None:
        raise ValueError(f"the address of {clean_text(parts.hostname or '?')} must not carry a user name or password")
    if parts.scheme in ("https", "wss") or (parts.scheme in ("http", "ws") and parts.hostname in LOOPBACK):
        return
    raise ValueError(f"{clean_text(url)} must start with https:// or wss://; plain http and ws are for loopback only")


class HttpClient:
    """Asks one venue under one limiter. Redirects are never followed, TLS is always verified."""

    def __init__(
        self,
        base_url: str,
        limiter: Limiter,
        *,
        headers: Mapping[str, str] | None = None,
        clock: Clock | None = None,
        total_seconds: float = TOTAL_SECONDS,
        largest_body: int = LARGEST_BODY,
        transport: Transport | None = None,
        least_pause: float = 0.0,
        limit_words: bytes = b"",
        slowest: float | None = None,
        answered: Callable[[Mapping[str, str]], None] | None = None,
    ) -> None:
        """Prepare a client of ``base_url``.

        Args:
            base_url: What every path is appended to.
            limiter: What the venue meters together.
            headers: Sent with every request.
            clock: The machine's where None.
            total_seconds: A request that is not answered in full by then is given up.
            largest_body: Bytes after decompression.
            transport: How to ask, where not as Python does; closed with the client.
            least_pause: Seconds to stay away after a limit, at the least.
            limit_words: What a short body says that stands for a 429, whatever its status.
            slowest: Bytes a second, as sent; a body that comes no slower may take longer than ``total_seconds``.
            answered: Told the headers of every answer, whatever its status.

        Raises:
            ValueError: the address is not one that may be asked.
        """
        refuse_plain_url(base_url)
        self._base_url = base_url.rstrip("/")
        self._host = urlsplit(base_url).hostname or ""
        self._limiter = limiter
        self._clock = clock or SystemClock()
        self._total_seconds = total_seconds
        self._largest_body = largest_body
        self._etags: dict[str, str] = {}
        self._least_pause = least_pause
        self._limit_words = limit_words
        self._slowest = slowest
        self._silent_limits = 0
        self._answered = answered
        self._headers = {"accept-encoding": "gzip", **(headers or {})}
        self._transport = transport or HttpxTransport(seconds=total_seconds)

    async def close(self) -> None:
        """Close every connection."""
        await self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def get(
        self,
        path: str,
        params: Mapping[str, str | int] | None = None,
        *,
        cost: float = 1.0,
        content: str | None = "json",
        statuses: Collection[int] = (HTTPStatus.OK,),
        if_changed: bool = False,
        may_be_unknown: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> Fetched:
        """GET one body under the limiter.

        Args:
            path: Appended to the base address.
            params: The query.
            cost: Units of the limiter.
            content: What the content type must contain; None for anything.
            statuses: Those whose body is wanted; some venues say what is wrong in the body of a 400.
            if_changed: Send the ETag of the last body of this address.
            may_be_unknown: A 403 may say that there is nothing at this address; only a ban page closes the limiter.
            headers: Besides those that every request has.

        Raises:
            FetchError: there is no usable body; the limiter is already closed where the venue asked for it.
        """
        await self._limiter.acquire(cost)
        key = address(f"{self._base_url}{path}", params or {})
        sent = {**self._headers, **(headers or {})}
        if if_changed and key in self._etags:
            sent["if-none-match"] = self._etags[key]
        return await self._ask(key, sent, None, content, statuses, may_be_unknown)

    async def post(
        self,
        path: str,
        body: bytes,
        *,
        statuses: Collection[int] = (HTTPStatus.OK,),
        headers: Mapping[str, str] | None = None,
    ) -> Fetched:
        """POST a body under the limiter, for one of JSON; see `get`.

        Raises:
            FetchError: likewise.
        """
        await self._limiter.acquire()
        key = address(f"{self._base_url}{path}", {})
        return await self._ask(key, {**self._headers, **(headers or {})}, body, "json", statuses, False)

    async def _ask(
        self,
        key: str,
        sent: Mapping[str, str],
        body: bytes | None,
        content: str | None,
        statuses: Collection[int],
        may_be_unknown: bool,
    ) -> Fetched:
        try:
            async with asyncio.timeout(self._total_seconds) as limit, self._transport.ask(key, sent, body) as reply:
                return await self._read(reply, key, content, statuses, may_be_unknown, limit)
        except TimeoutError:
            raise FetchError(
                Failure.TIMEOUT, f"{self._host} did not answer in full within {self._total_seconds:g} s"
            ) from None
        except FetchError as error:
            if error.failure is Failure.TLS:
                self._limiter.close(TLS_SECONDS)
            raise

    async def _read(
        self,
        reply: Reply,
        key: str,
        content: str | None,
        statuses: Collection[int],
        may_be_unknown: bool,
        limit: asyncio.Timeout,
    ) -> Fetched:
        headers = reply.headers
        if self._answered is not None:
            self._answered(headers)
        if reply.status == HTTPStatus.NOT_MODIFIED:
            return Fetched(b"", headers, reply.status, unchanged=True)
        if reply.status not in statuses:
            self._refuse_status(reply.status, headers, may_be_unknown)
        kind = headers.get("content-type", "")
        if content is not None and kind and content not in kind:
            raise FetchError(
                Failure.CONTENT, f"{self._host} sent unexpected content ({kind}); is a login page in between?"
            )
        body = await self._body(reply, limit)
        if self._limit_words and len(body) <= _LONGEST_EXCUSE and self._limit_words in body:
            self._stay_away(reply.status, headers)
        if "etag" in headers:
            self._etags[key] = headers["etag"]
        self._silent_limits = 0
        return Fetched(body, headers, reply.status)

    async def _body(self, reply: Reply, limit: asyncio.Timeout) -> bytes:
        """The decompressed body, inflated here so that a small body cannot become a large one unseen."""
        inflater = zlib.decompressobj(wbits=47) if reply.headers.get("content-encoding") == "gzip" else None
        body, received, first_limit = bytearray(), 0, limit.when()
        try:
            async for raw in reply.pieces:
                received += len(raw)
                if self._slowest is not None and first_limit is not None:
                    limit.reschedule(first_limit + received / self._slowest)
                for piece in (raw,) if inflater is None else _inflated(inflater, raw):
                    body += piece
                    if len(body) > self._largest_body:
                        raise too_large(self._host, self._largest_body)
        except zlib.error:
            raise FetchError(Failure.BROKEN, f"{self._host} sent a body that cannot be decompressed") from None
        if inflater is not None and not inflater.eof:
            raise FetchError(Failure.BROKEN, f"{self._host} sent a body that was cut short")
        return bytes(body)

    def _refuse_status(self, status: int, headers: Mapping[str, str], may_be_unknown: bool) -> NoReturn:
        if status in _LIMITED or (status == HTTPStatus.SERVICE_UNAVAILABLE and "retry-after" in headers):
            self._stay_away(status, headers)
        if status == HTTPStatus.FORBIDDEN:
            if not may_be_unknown or _is_page(headers):
                self._limiter.close(BANNED_SECONDS)
            raise FetchError(
                Failure.BLOCKED,
                f"{self._host} refuses us (HTTP 403): unknown, blocked, or too many requests",
                status=403,
            )
        if 300 <= status < 400:
            raise FetchError(Failure.REDIRECT, f"{self._host} redirects elsewhere (HTTP {status}); not followed")
        raise FetchError(Failure.STATUS, f"{self._host} answered HTTP {status}", status=status)

    def _stay_away(self, status: int, headers: Mapping[str, str]) -> NoReturn:
        """Close the limiter: the venue said that it is enough."""
        wait = retry_after(headers.get("retry-after"), self._clock.now())
        banned = _is_page(headers) or (wait is None and status == HTTPStatus.IM_A_TEAPOT)
        if wait is None:
            first = max(RETRY_AFTER_DEFAULT, self._least_pause)
            wait = min(first * 2.0 ** min(self._silent_limits, 10), RETRY_AFTER_RANGE[1])
            self._silent_limits += 1
        wait = max(wait, self._least_pause, BANNED_SECONDS if banned else 0.0)
        self._limiter.close(wait)
        if banned:
            words = f"{self._host} blocks us (HTTP {status}): asking again in {wait:.0f} s"
            raise FetchError(Failure.BLOCKED, words, status=status)
        raise FetchError(Failure.LIMITED, f"{self._host} limits us (HTTP {status}): asking again in {wait:.0f} s")


def _is_page(headers: Mapping[str, str]) -> bool:
    """Whether what refuses us is a page for people, as those who ban put up."""
    return "text/html" in headers.get("content-type", "")


def _inflated(inflater: "zlib._Decompress", raw: bytes) -> Iterator[bytes]:
    """What compressed bytes hold, in small pieces."""
    piece = inflater.decompress(raw, _PIECE)
    while piece:
        yield piece
        piece = inflater.decompress(inflater.unconsumed_tail, _PIECE)
