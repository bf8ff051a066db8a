"""One polite HTTP client: limits, Retry-After, total time, size caps, and errors that say what happened."""

import asyncio
import zlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import NoReturn, Self
from urllib.parse import urlsplit

import httpx

from gextui.market.text import clean_text
from gextui.sources.failure import Failure, FetchError, not_connected
from gextui.sources.pacing import RETRY_AFTER_DEFAULT, RETRY_AFTER_RANGE, Clock, Limiter, SystemClock, retry_after

TOTAL_SECONDS = 10.0
CONNECT_SECONDS = 5.0
LARGEST_BODY = 32 * 1024 * 1024
"""Bytes after decompression."""
BANNED_SECONDS = 60.0
"""Pause after a ban page, at the least."""
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_PIECE = 256 * 1024
_LIMITED = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.IM_A_TEAPOT})


@dataclass(frozen=True, slots=True)
class Fetched:
    """A body, or the word that it has not changed."""

    body: bytes
    """Empty when `unchanged`."""
    headers: Mapping[str, str]
    """Names in lower case."""
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
    """GETs from one venue under one limiter. Redirects are never followed, TLS is always verified."""

    def __init__(
        self,
        base_url: str,
        limiter: Limiter,
        *,
        headers: Mapping[str, str] | None = None,
        clock: Clock | None = None,
        total_seconds: float = TOTAL_SECONDS,
        largest_body: int = LARGEST_BODY,
    ) -> None:
        """Prepare a client of ``base_url``.

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
        self._silent_limits = 0
        self._client = httpx.AsyncClient(
            headers={"accept-encoding": "gzip", **(headers or {})},
            follow_redirects=False,
            trust_env=False,
            timeout=httpx.Timeout(total_seconds, connect=min(CONNECT_SECONDS, total_seconds)),
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()

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
    ) -> Fetched:
        """GET one body under the limiter.

        Args:
            path: Appended to the base address.
            params: The query.
            cost: Units of the limiter.
            content: What the content type must contain; None for anything.
            statuses: Those whose body is wanted; some venues say what is wrong in the body of a 400.
            if_changed: Send the ETag of the last body of this address.

        Raises:
            FetchError: there is no usable body; the limiter is already closed where the venue asked for it.
        """
        await self._limiter.acquire(cost)
        request = self._client.build_request("GET", f"{self._base_url}{path}", params=dict(params or {}))
        key = str(request.url)
        if if_changed and key in self._etags:
            request.headers["if-none-match"] = self._etags[key]
        try:
            async with asyncio.timeout(self._total_seconds):
                response = await self._client.send(request, stream=True)
                try:
                    return await self._read(response, key, content, statuses)
                finally:
                    await response.aclose()
        except TimeoutError:
            raise FetchError(
                Failure.TIMEOUT, f"{self._host} did not answer in full within {self._total_seconds:g} s"
            ) from None
        except httpx.TimeoutException:
            raise FetchError(Failure.TIMEOUT, f"{self._host} did not answer in time") from None
        except httpx.ConnectError as error:
            raise not_connected(error, self._host) from None
        except httpx.TransportError as error:
            raise FetchError(Failure.BROKEN, f"the connection to {self._host} broke: {error}") from None

    async def _read(
        self, response: httpx.Response, key: str, content: str | None, statuses: Collection[int]
    ) -> Fetched:
        headers = {name.lower(): value for name, value in response.headers.items()}
        if response.status_code == HTTPStatus.NOT_MODIFIED:
            return Fetched(b"", headers, unchanged=True)
        if response.status_code not in statuses:
            self._refuse_status(response.status_code, headers)
        kind = headers.get("content-type", "")
        if content is not None and kind and content not in kind:
            raise FetchError(
                Failure.CONTENT, f"{self._host} sent unexpected content ({kind}); is a login page in between?"
            )
        body = await self._body(response, headers)
        if "etag" in headers:
            self._etags[key] = headers["etag"]
        self._silent_limits = 0
        return Fetched(body, headers)

    async def _body(self, response: httpx.Response, headers: Mapping[str, str]) -> bytes:
        """The decompressed body, inflated here so that a small body cannot become a large one unseen."""
        inflater = zlib.decompressobj(wbits=47) if headers.get("content-encoding") == "gzip" else None
        body = bytearray()
        try:
            async for raw in response.aiter_raw():
                for piece in (raw,) if inflater is None else _inflated(inflater, raw):
                    body += piece
                    if len(body) > self._largest_body:
                        words = f"{self._host} sent more than {self._largest_body // 2**20} MB; body dropped"
                        raise FetchError(Failure.TOO_LARGE, words)
        except zlib.error:
            raise FetchError(Failure.BROKEN, f"{self._host} sent a body that cannot be decompressed") from None
        if inflater is not None and not inflater.eof:
            raise FetchError(Failure.BROKEN, f"{self._host} sent a body that was cut short")
        return bytes(body)

    def _refuse_status(self, status: int, headers: Mapping[str, str]) -> NoReturn:
        if status in _LIMITED or (status == HTTPStatus.SERVICE_UNAVAILABLE and "retry-after" in headers):
            wait = retry_after(headers.get("retry-after"), self._clock.now())
            if wait is None:
                wait = min(RETRY_AFTER_DEFAULT * 2.0 ** min(self._silent_limits, 10), RETRY_AFTER_RANGE[1])
                self._silent_limits += 1
            self._limiter.close(wait)
            raise FetchError(Failure.LIMITED, f"{self._host} limits us (HTTP {status}): asking again in {wait:.0f} s")
        if status == HTTPStatus.FORBIDDEN:
            self._limiter.close(BANNED_SECONDS)
            raise FetchError(
                Failure.BLOCKED,
                f"{self._host} refuses us (HTTP 403): unknown, blocked, or too many requests",
                status=403,
            )
        if 300 <= status < 400:
            raise FetchError(Failure.REDIRECT, f"{self._host} redirects elsewhere (HTTP {status}); not followed")
        raise FetchError(Failure.STATUS, f"{self._host} answered HTTP {status}", status=status)


def _inflated(inflater: "zlib._Decompress", raw: bytes) -> Iterator[bytes]:
    """What compressed bytes hold, in small pieces."""
    piece = inflater.decompress(raw, _PIECE)
    while piece:
        yield piece
        piece = inflater.decompress(inflater.unconsumed_tail, _PIECE)
