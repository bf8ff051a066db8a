"""How a request leaves this machine. Transports hold no policy: limits, caps and refusals are `HttpClient`'s."""

import ssl
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Protocol

import certifi

# httpx imports its command line where it can, and with it more than all of gextui takes.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]

import httpx  # noqa: E402

from gextui.sources.failure import Failure, FetchError, not_connected  # noqa: E402

CONNECT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer whose body is still to be read."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    pieces: AsyncIterator[bytes]
    """The body as it was sent, compressed where the headers say so."""


class Transport(Protocol):
    """Something that can ask. It follows no redirect, verifies TLS, and uses no proxy of the environment."""

    def ask(
        self, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> AbstractAsyncContextManager[Reply]:
        """GET ``url``, or POST a body there; leaving the context ends the request.

        Raises:
            FetchError: there is no answer; likewise where its body is read.
        """
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...


def address(url: str, params: Mapping[str, str | int]) -> str:
    """``url`` with these parameters."""
    return str(httpx.URL(url).copy_merge_params(dict(params)))


@cache
def _trusting(authorities: str) -> ssl.SSLContext:
    """The authorities in this file, read once for all clients: it takes 30 ms."""
    return ssl.create_default_context(cafile=authorities)


class HttpxTransport:
    """Asks as Python does."""

    def __init__(self, headers: Mapping[str, str] | None = None, *, seconds: float) -> None:
        """Prepare to ask with these headers, each step within so many seconds."""
        self._client = httpx.AsyncClient(
            headers=dict(headers or {}),
            follow_redirects=False,
            trust_env=False,
            verify=_trusting(certifi.where()),
            timeout=httpx.Timeout(seconds, connect=min(CONNECT_SECONDS, seconds)),
        )

    @asynccontextmanager
    async def ask(self, url: str, headers: Mapping[str, str], body: bytes | None = None) -> AsyncIterator[Reply]:
        """GET ``url``, or POST a body there; see `Transport`."""
        address, answered = httpx.URL(url), False
        host = address.host
        method = "GET" if body is None else "POST"
        request = self._client.build_request(method, url, headers=dict(headers), content=body)
        try:
            response = await self._client.send(request, stream=True)
            answered = True
            try:
                names = {name.lower(): value for name, value in response.headers.items()}
                yield Reply(response.status_code, names, response.aiter_raw())
            finally:
                await response.aclose()
        except httpx.TimeoutException:
            raise FetchError(Failure.TIMEOUT, f"{host} did not answer in time") from None
        except httpx.ConnectError as error:
            raise not_connected(error, host) from None
        except httpx.TransportError as error:
            maybe = "; does that port speak TLS? Then its address begins with https://"
            hint = maybe if address.scheme == "http" and not answered else ""
            raise FetchError(Failure.BROKEN, f"the connection to {host} broke: {error}{hint}") from None

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()
