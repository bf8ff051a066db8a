"""How Yahoo is asked: as a browser where curl is installed, seldom, and knowing what its refusals look like."""

import re
from collections.abc import Collection, Mapping
from http import HTTPStatus
from typing import Self
from urllib.parse import urlsplit

from gextui.secrets import Secret
from gextui.sources.curl import CurlTransport, can_impersonate
from gextui.sources.failure import Failure, FetchError
from gextui.sources.http import LARGEST_BODY, LOOPBACK, TOTAL_SECONDS, Fetched, HttpClient
from gextui.sources.pacing import Clock, Limiter
from gextui.sources.transport import HttpxTransport, Transport

LEAST_PAUSE = 60.0
"""Seconds in which nothing is asked for after a limit; doubled each time."""
CONSENT_PAUSE = 900.0
"""Seconds in which nothing is asked for after a request for consent, which no machine should give."""
PLAIN = "Yahoo usually refuses plain Python TLS; install gextui[yahoo]"
_LIMIT_WORDS = b"Too Many Requests"
_SPEAKING = (HTTPStatus.OK, HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND)
"""Statuses whose body is an answer."""
_REFUSALS = (HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.IM_A_TEAPOT, HTTPStatus.SERVICE_UNAVAILABLE)
_NO_REFUSAL = tuple(status for status in HTTPStatus if status not in _REFUSALS)
"""A cookie comes with any of them, most often with a 404."""
_BROWSER = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
)
_NEXT_COOKIE = re.compile(r",(?=\s*[A-Za-z0-9_.-]+=)")


class YahooHttp:
    """An asynchronous context manager around one HTTP client of one of Yahoo's hosts."""

    def __init__(self, url: str, limiter: Limiter, *, clock: Clock) -> None:
        """Prepare to ask ``url``.

        Raises:
            ValueError: the address is not one that may be asked.
        """
        self._limiter = limiter
        self._http = HttpClient(
            url, limiter, clock=clock, transport=_transport(), least_pause=LEAST_PAUSE, limit_words=_LIMIT_WORDS
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()

    async def get(
        self,
        path: str,
        params: Mapping[str, str | int] | None = None,
        *,
        cookie: Secret | None = None,
        statuses: Collection[int] = _SPEAKING,
    ) -> Fetched:
        """GET data; a page is none.

        Raises:
            FetchError: there is no usable body.
        """
        headers = {} if cookie is None else {"cookie": cookie.reveal()}
        try:
            fetched = await self._http.get(path, params, content=None, statuses=statuses, headers=headers)
        except FetchError as error:
            if error.failure is Failure.REDIRECT:
                raise self._wants_consent() from None
            raise
        if _is_page(fetched):
            if b"consent" in fetched.body.lower():
                raise self._wants_consent()
            raise FetchError(Failure.CONTENT, "Yahoo answered with a web page instead of data")
        return fetched

    async def cookie(self) -> Secret:
        """The cookies that a first visit is given, whatever else comes with them.

        Raises:
            FetchError: there are none.
        """
        fetched = await self._http.get("", content=None, statuses=_NO_REFUSAL)
        cookies = [part.partition(";")[0].strip() for part in _NEXT_COOKIE.split(fetched.headers.get("set-cookie", ""))]
        if found := [cookie for cookie in cookies if "=" in cookie]:
            return Secret("; ".join(found))
        if 300 <= fetched.status < 400:
            raise self._wants_consent()
        raise FetchError(Failure.CONTENT, f"Yahoo gave no cookie (HTTP {fetched.status}), and gives no data without")

    def _wants_consent(self) -> FetchError:
        self._limiter.close(CONSENT_PAUSE)
        return FetchError(
            Failure.BLOCKED,
            "Yahoo asks for consent to its cookies before it gives data here, as it does in Europe; gextui does not "
            "give that for you: read another source",
        )


def python_warning(url: str) -> str:
    """Why Yahoo may refuse us, where curl is not installed; empty where it is, and on loopback."""
    return "" if can_impersonate() or urlsplit(url).hostname in LOOPBACK else PLAIN


def _transport() -> Transport:
    if can_impersonate():
        return CurlTransport(seconds=TOTAL_SECONDS, largest_body=LARGEST_BODY)
    return HttpxTransport({"user-agent": _BROWSER}, seconds=TOTAL_SECONDS)


def _is_page(fetched: Fetched) -> bool:
    return "html" in fetched.headers.get("content-type", "") or fetched.body.lstrip()[:1] == b"<"
