"""Tastytrade's REST methods, typed: access by OAuth, the stream's quote token, and what is listed."""

import asyncio
import json
import logging
import random
from collections import Counter
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Self, TypeVar
from urllib.parse import quote

from gextui import __version__
from gextui.secrets import Secret
from gextui.sources.failure import Failure, FetchError
from gextui.sources.http import Fetched, HttpClient
from gextui.sources.pacing import Clock, Limiter, http_date
from gextui.sources.source import BadInputError
from gextui.sources.tastytrade import (
    TERMINAL,
    Access,
    Listed,
    QuoteToken,
    decode_access,
    decode_listing,
    decode_quote_token,
    error_code,
)
from gextui.sources.venue_time import VenueTime

MOST_REFUSALS = 3
"""So often in a row we may be refused before nothing more is asked: the venue blocks addresses for hours that go on."""
RENEW_BEFORE = 60.0
"""Seconds of its life with which access is renewed."""
LOGIN_PAUSES = 1.0, 60.0
"""Seconds after the first login that fails, and at the most: each doubles the pause."""
QUOTE_TOKEN_LASTS = 23 * 3600.0
"""Seconds; the venue lets it live for an hour more."""
SLOWEST = 32 * 1024.0
"""Bytes a second: the list of a large index is several MB, and a slow line should get it too."""
_CALLS = (2.0, 5.0)
"""Calls a second, and at once; the venue publishes no limit."""
_CREDENTIALS = "the client secret and refresh token"
_ACCESS, _STREAM = "access", "stream"
"""What we may be refused."""
_DENIED = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED)

_T = TypeVar("_T")
_logger = logging.getLogger(__name__)


class TastytradeRest:
    """An asynchronous context manager around one HTTP client."""

    def __init__(
        self, rest_url: str, client_secret: Secret, refresh_token: Secret, *, clock: Clock, time: VenueTime
    ) -> None:
        """Prepare to ask ``rest_url``, the only address that the credentials are sent to; ``time`` is told the venue's.

        Raises:
            ValueError: the address is not one that may be asked.
        """
        self.refused = ""
        """Why nothing is asked any more, in a sentence; empty while it is."""
        self._client_secret = client_secret
        self._refresh_token = refresh_token
        self._clock = clock
        self._time = time
        self._refusals: Counter[str] = Counter()
        """In a row, of what."""
        self._renewing = asyncio.Lock()
        self._access: Access | None = None
        self._access_until = 0.0
        self._failed: FetchError | None = None
        """The last login, where it came to nothing."""
        self._failures, self._login_due = 0, 0.0
        self._quote_token: QuoteToken | None = None
        self._quote_token_until = 0.0
        self._http = HttpClient(
            rest_url,
            Limiter(clock, rate=_CALLS[0], burst=_CALLS[1]),
            headers={"user-agent": f"gextui/{__version__}", "accept": "application/json"},
            clock=clock,
            slowest=SLOWEST,
            answered=self._answered,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()

    def try_once_more(self) -> None:
        """Let one more attempt pass, whatever was refused before."""
        self._login_due = 0.0
        if self.refused:
            self.refused, self._refusals = "", Counter(dict.fromkeys((_ACCESS, _STREAM), MOST_REFUSALS - 1))

    # What is asked.

    async def listing(self, symbol: str, rejected: Counter[str]) -> list[Listed] | None:
        """Every standard contract on a symbol; None where the venue says that it does not know it.

        Raises:
            FetchError: there is no usable answer; so for every method here.
        """
        try:
            fetched = await self._get(f"/option-chains/{quote(symbol, safe='')}/nested")
        except FetchError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise
        return await asyncio.to_thread(_decoded, fetched.body, lambda body: decode_listing(body, rejected))

    async def quote_token(self) -> QuoteToken:
        """What opens the stream: the newest that is not known to be worthless."""
        if self._quote_token is None or self._clock.seconds() >= self._quote_token_until:
            try:
                fetched = await self._get("/api-quote-tokens")
            except FetchError as error:
                if error.status in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND):
                    words = f"Tastytrade gives this login no stream (HTTP {error.status:d}): only a customer has one"
                    raise self._refuse(_STREAM, words) from None
                raise
            self._quote_token = _decoded(fetched.body, decode_quote_token)
            self._quote_token_until = self._clock.seconds() + QUOTE_TOKEN_LASTS
        return self._quote_token

    def quote_token_used(self, *, accepted: bool) -> None:
        """Learn whether the stream took the token; the next one is another where it did not."""
        if accepted:
            self._refusals[_STREAM] = 0
            return
        if self._quote_token is not None:
            self._quote_token.token.expire()
        self._quote_token = None
        self._refuse(_STREAM, "dxLink does not accept Tastytrade's quote tokens")

    # Access.

    async def _get(self, path: str) -> Fetched:
        """GET with access; once more, with new access, where the venue says that it has run out."""
        access = await self._current()
        try:
            return await self._get_with(access, path)
        except FetchError as error:
            if error.status != HTTPStatus.UNAUTHORIZED:
                raise
        if self._access is access:  # nobody else has renewed it meanwhile
            access.token.expire()
            self._access = None
        access = await self._current()
        try:
            return await self._get_with(access, path)
        except FetchError as error:
            if error.status == HTTPStatus.UNAUTHORIZED:
                words = "Tastytrade refuses the access that it has just given (HTTP 401)"
                raise self._refuse(_ACCESS, words) from None
            raise

    async def _get_with(self, access: Access, path: str) -> Fetched:
        headers = {"authorization": f"Bearer {access.token.reveal()}"}
        fetched = await self._http.get(path, headers=headers, may_be_unknown=True)
        self._refusals[_ACCESS] = 0
        return fetched

    async def _current(self) -> Access:
        """Access with some life left. Whoever needs it while it is renewed waits for that one renewal."""
        async with self._renewing:
            if self.refused:
                raise FetchError(Failure.STATUS, self.refused, status=HTTPStatus.UNAUTHORIZED)
            if self._access is None or self._clock.seconds() >= self._access_until - RENEW_BEFORE:
                self._take(await self._login())
            assert self._access is not None
            return self._access

    async def _login(self) -> Access:
        """New access; after a failure only once a pause is over, however many ask: the credentials are sent each time.

        Raises:
            FetchError: there is none, or the last attempt came to nothing a moment ago.
        """
        if self._failed is not None and self._clock.seconds() < self._login_due:
            raise FetchError(self._failed.failure, str(self._failed), status=self._failed.status)
        try:
            access = await self._renewed()
        except FetchError as error:
            self._failed = error
            self._failures += 1
            longest = min(LOGIN_PAUSES[0] * 2.0 ** (self._failures - 1), LOGIN_PAUSES[1])
            self._login_due = self._clock.seconds() + longest * random.uniform(1.0, 1.25)
            raise
        self._failed, self._failures = None, 0
        return access

    def _take(self, access: Access) -> None:
        if self._access is not None:
            self._access.token.expire()
        self._access = access
        # One that lives for less than that serves until it ends: it was asked for just now.
        self._access_until = self._clock.seconds() + max(access.seconds, RENEW_BEFORE + 1.0)
        if access.refresh_token is not None:
            self._refresh_token = access.refresh_token
            _logger.warning(
                "Tastytrade has replaced the refresh token. The new one lives in this program alone, for gextui writes "
                "no secret to a file: make another grant before the next start"
            )

    async def _renewed(self) -> Access:
        """New access. Neither what is sent nor what is answered is ever part of an error."""
        body = {
            "grant_type": "refresh_token",
            "client_secret": self._client_secret.reveal(),
            "refresh_token": self._refresh_token.reveal(),
        }
        sent = {"content-type": "application/json"}
        try:
            fetched = await self._http.post(
                "/oauth/token", json.dumps(body).encode(), headers=sent, statuses=(HTTPStatus.OK, *_DENIED)
            )
        except FetchError as error:
            if error.status == HTTPStatus.FORBIDDEN:
                raise self._refuse(_ACCESS, f"Tastytrade refuses {_CREDENTIALS} (HTTP 403)", final=True) from None
            raise
        if fetched.status == HTTPStatus.OK:
            return _decoded(fetched.body, decode_access)
        code = error_code(fetched.body)
        known = code if code in TERMINAL else f"HTTP {fetched.status}"
        final = code in TERMINAL or fetched.status == HTTPStatus.UNAUTHORIZED
        raise self._refuse(_ACCESS, f"Tastytrade refuses {_CREDENTIALS} ({known})", final=final)

    def _refuse(self, what: str, words: str, *, final: bool = False) -> FetchError:
        """Count a refusal; nothing more is asked after a ``final`` one, or several in a row."""
        self._refusals[what] += 1
        if final or self._refusals[what] >= MOST_REFUSALS:
            self.refused = f"{words}; set valid ones and start again, or press r to try once more"
        return FetchError(Failure.STATUS, self.refused or words, status=HTTPStatus.UNAUTHORIZED)

    def _answered(self, headers: Mapping[str, str]) -> None:
        """Take the venue's time, which is of whole seconds: one that agrees with what is known tells nothing new."""
        sent = http_date(headers.get("date", ""))
        if sent is not None and abs(sent + 0.5 - self._time.now()) > 1.0:
            self._time.heard(sent + 0.5)


def _decoded(body: bytes, decode: Callable[[bytes], _T]) -> _T:
    try:
        return decode(body)
    except BadInputError as error:
        raise FetchError(Failure.CONTENT, f"Tastytrade's answer {error}") from None
