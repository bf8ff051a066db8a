"""How a browser asks: curl with Chrome's TLS, for venues that refuse Python's. Needs the extra ``yahoo``."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gextui.sources.failure import Failure, FetchError, too_large
from gextui.sources.transport import Reply

if TYPE_CHECKING:
    from curl_cffi.requests import AsyncSession, Response
    from curl_cffi.requests.exceptions import RequestException

_STOP = 0xFFFFFFFF
"""What a write callback returns to end a transfer (CURL_WRITEFUNC_ERROR)."""
_REASON = re.compile(r"curl: \(\d+\) (.+?)(?:\. See https?://|$)", re.DOTALL)


def can_impersonate() -> bool:
    """Whether the extra is installed; it is not imported yet."""
    return find_spec("curl_cffi") is not None


class CurlTransport:
    """Asks as Chrome does. A body is read whole before it is handed on; one that is too large ends the transfer."""

    def __init__(self, *, seconds: float, largest_body: int) -> None:
        """Prepare to ask, each request within so many seconds and for so many bytes as sent."""
        self._seconds = seconds
        self._largest_body = largest_body
        self._session: AsyncSession[Response] | None = None

    @asynccontextmanager
    async def ask(self, url: str, headers: Mapping[str, str], body: bytes | None = None) -> AsyncIterator[Reply]:
        """GET ``url``, or POST a body there; see `Transport`."""
        from curl_cffi.requests.exceptions import RequestException

        if self._session is None:
            self._session = _new_session(self._seconds)
        answer = bytearray()

        def take(piece: bytes) -> int:
            if len(answer) + len(piece) > self._largest_body:
                return _STOP
            answer.extend(piece)
            return len(piece)

        host = urlsplit(url).hostname or ""
        try:
            method = "GET" if body is None else "POST"
            response = await self._session.request(
                method, url, headers=dict(headers), data=body, accept_encoding=None, content_callback=take
            )
        except RequestException as error:
            raise self._failed(error, host) from None
        yield Reply(
            response.status_code,
            {name.lower(): value for name, value in response.headers.items() if value is not None},
            _once(bytes(answer)),
        )

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _failed(self, error: "RequestException", host: str) -> FetchError:
        """What curl's error code means, in the house's words."""
        from curl_cffi.const import CurlECode

        match error.code:
            case CurlECode.COULDNT_RESOLVE_HOST:
                return FetchError(Failure.DNS, f"cannot resolve host {host}; check the network")
            case CurlECode.COULDNT_CONNECT:
                return FetchError(Failure.REFUSED, f"{host} refuses the connection")
            case CurlECode.OPERATION_TIMEDOUT:
                return FetchError(Failure.TIMEOUT, f"{host} did not answer in time")
            case CurlECode.WRITE_ERROR:
                return too_large(host, self._largest_body)
            case CurlECode.SSL_CONNECT_ERROR | CurlECode.PEER_FAILED_VERIFICATION:
                found = _REASON.search(str(error))
                return FetchError(Failure.TLS, f"TLS to {host} failed: {found[1] if found else 'handshake'}")
        return FetchError(Failure.BROKEN, f"the connection to {host} broke (curl error {int(error.code)})")


def _new_session(seconds: float) -> "AsyncSession[Response]":
    from curl_cffi.const import CurlOpt
    from curl_cffi.requests import AsyncSession

    return AsyncSession(
        impersonate="chrome",
        allow_redirects=False,
        discard_cookies=True,
        timeout=seconds,
        # The body is inflated by whoever caps it, and no proxy of the environment is asked.
        curl_options={CurlOpt.HTTP_CONTENT_DECODING: 0, CurlOpt.NOPROXY: "*"},
    )


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body
