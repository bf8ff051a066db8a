"""Yahoo's option chains, with the cookie and crumb that they need. Both are kept in memory alone."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, date, datetime
from http import HTTPStatus
from typing import Self
from urllib.parse import quote

from gextui.secrets import Secret
from gextui.sources.failure import Failure, FetchError
from gextui.sources.pacing import Clock, Limiter
from gextui.sources.source import BadInputError
from gextui.sources.yahoo import Listing, decode_listing
from gextui.sources.yahoo_http import LEAST_PAUSE, YahooHttp

SECONDS_A_CALL = 1.0
"""At the least."""
_CRUMB_LENGTHS = range(3, 65)
_NO_CRUMB = frozenset(' <>{}"\t\r\n')


@dataclass(frozen=True, slots=True)
class _Pass:
    """What lets us in."""

    cookie: Secret
    crumb: Secret


class YahooRest:
    """An asynchronous context manager around the clients of two hosts under one limiter.

    Attributes:
        simulated: Whether the last answer says that it is made up.
    """

    def __init__(self, rest_url: str, cookie_url: str, *, clock: Clock) -> None:
        """Prepare to ask ``rest_url`` with the cookies of ``cookie_url``.

        Raises:
            ValueError: an address is not one that may be asked.
        """
        self._limiter = Limiter(clock, rate=1.0 / SECONDS_A_CALL, burst=1)
        self._http = YahooHttp(rest_url, self._limiter, clock=clock)
        self._cookies = YahooHttp(cookie_url, self._limiter, clock=clock)
        self.simulated = False
        self._pass: _Pass | None = None
        self._entering = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.__aexit__()
        await self._cookies.__aexit__()

    @property
    def closed_for(self) -> float:
        """Seconds until Yahoo may be asked again after it said that it is enough; 0 when it may."""
        return self._limiter.closed_for

    async def options(self, symbol: str, day: date | None = None) -> tuple[Listing, bytes]:
        """The contracts of ``symbol``, by Yahoo's name for it, that expire on ``day`` (None for the nearest), twice.

        They are given as they read and as they came.

        Raises:
            FetchError: there is no usable answer.
        """
        params: dict[str, str | int] = {"formatted": "false", "lang": "en-US", "region": "US"}
        if day is not None:
            params["date"] = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
        body = await self._with_crumb(f"/v7/finance/options/{quote(symbol, safe='')}", params)
        try:
            listing = decode_listing(body)
        except BadInputError as error:
            raise FetchError(Failure.CONTENT, f"Yahoo's answer {error}") from None
        if listing.symbol is not None and listing.symbol.strip("^") != symbol.strip("^"):
            raise FetchError(Failure.CONTENT, f"Yahoo was asked for {symbol} and answered for {listing.symbol}")
        return listing, body

    async def _with_crumb(self, path: str, params: dict[str, str | int]) -> bytes:
        """GET with cookie and crumb; with new ones, once, where Yahoo refuses those we have."""
        refused: _Pass | None = None
        for _ in range(2):
            held = await self._enter(refused)
            fetched = await self._http.get(path, {**params, "crumb": held.crumb.reveal()}, cookie=held.cookie)
            if fetched.status != HTTPStatus.UNAUTHORIZED and b"Invalid Crumb" not in fetched.body[:1024]:
                self.simulated = "x-simulated" in fetched.headers
                return fetched.body
            refused = held
        self._forget(refused)
        self._limiter.close(LEAST_PAUSE)
        raise FetchError(
            Failure.STATUS,
            f"Yahoo refuses the crumb that it has just given; asking again in {LEAST_PAUSE:g} s",
            status=HTTPStatus.UNAUTHORIZED,
        )

    async def _enter(self, refused: _Pass | None) -> _Pass:
        """The pass that we have, unless it is the one that was refused; one request for all who need a new one."""
        async with self._entering:
            self._forget(refused)
            if self._pass is None:
                cookie = await self._cookies.cookie()
                self._pass = _Pass(cookie, await self._crumb(cookie))
            return self._pass

    def _forget(self, refused: _Pass | None) -> None:
        if self._pass is refused:
            self._pass = None

    async def _crumb(self, cookie: Secret) -> Secret:
        fetched = await self._http.get("/v1/test/getcrumb", cookie=cookie)
        crumb = fetched.body.decode("utf-8", "replace").strip()
        if fetched.status != HTTPStatus.OK or len(crumb) not in _CRUMB_LENGTHS or _NO_CRUMB & set(crumb):
            raise FetchError(
                Failure.CONTENT, f"Yahoo gave no crumb (HTTP {fetched.status}), without which it gives no option chains"
            )
        return Secret(crumb)
