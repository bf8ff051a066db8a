"""Tradier's market data methods, typed; every call carries the token and keeps within the quota that answers tell."""

from collections.abc import Callable, Mapping
from datetime import date
from http import HTTPStatus
from typing import Self, TypeVar

from gextui.secrets import Secret
from gextui.sources.failure import Failure, FetchError
from gextui.sources.http import HttpClient
from gextui.sources.pacing import RETRY_AFTER_RANGE, Clock, Limiter, http_date
from gextui.sources.rows import instant, number
from gextui.sources.source import BadInputError
from gextui.sources.tradier import (
    MarketClock,
    Option,
    Quote,
    TradingDay,
    decode_calendar,
    decode_chain,
    decode_clock,
    decode_expirations,
    decode_quotes,
)
from gextui.sources.venue_time import VenueTime

CALLS_A_SECOND = 1.5
_CALLS_AT_ONCE = 30
"""Together what the venue allows a token in its first minute; its sandbox allows half, and its answers say so."""
_IN_RESERVE = 5
"""Calls of the quota that are left to whoever else uses the token."""
MOST_REFUSALS = 3
"""So often in a row a token may be refused before nothing more is asked with it."""
REFUSED = "Tradier refuses the token (HTTP 401): set a valid one in GEXTUI_TRADIER_TOKEN and start again"

_T = TypeVar("_T")


class TradierRest:
    """An asynchronous context manager around one HTTP client."""

    def __init__(self, rest_url: str, token: Secret, *, clock: Clock, time: VenueTime) -> None:
        """Prepare to ask ``rest_url``; ``time`` is told the venue's.

        Raises:
            ValueError: the address is not one that may be asked.
        """
        self._refusals = 0
        self.simulated = False
        """Whether the venue says that it is one of ours."""
        self._time = time
        self._limiter = Limiter(clock, rate=CALLS_A_SECOND, burst=_CALLS_AT_ONCE)
        self._http = HttpClient(
            rest_url,
            self._limiter,
            headers={"authorization": f"Bearer {token.reveal()}", "accept": "application/json"},
            clock=clock,
            answered=self._answered,
        )

    @property
    def is_refused(self) -> bool:
        """Whether nothing is asked any more, because the token was refused too often."""
        return self._refusals >= MOST_REFUSALS

    def try_once_more(self) -> None:
        """Let the next call pass, whatever the token was worth before."""
        self._refusals = min(self._refusals, MOST_REFUSALS - 1)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()

    async def expirations(self, symbol: str) -> list[date]:
        """The expiry dates of a symbol's options under all roots, ascending; none where the venue lists none.

        Raises:
            FetchError: there is no usable answer; so for every method here.
        """
        params = {"symbol": symbol, "includeAllRoots": "true"}
        return await self._call("options/expirations", decode_expirations, params)

    async def chain(self, symbol: str, expiry: date) -> list[Option]:
        """The contracts of one expiry; none where the venue has none."""
        params = {"symbol": symbol, "expiration": expiry.isoformat(), "greeks": "true"}
        return await self._call("options/chains", decode_chain, params)

    async def quote(self, symbol: str) -> Quote | None:
        """The price of an underlying; None where the venue does not know it."""
        params = {"symbols": symbol, "greeks": "false"}
        return (await self._call("quotes", decode_quotes, params)).get(symbol)

    async def clock(self) -> MarketClock:
        """What the market does now."""
        return await self._call("clock", decode_clock)

    async def calendar(self, year: int, month: int) -> list[TradingDay]:
        """The days of a month."""
        return await self._call("calendar", decode_calendar, {"year": year, "month": month})

    async def _call(
        self, path: str, decoded: Callable[[bytes], _T], params: Mapping[str, str | int] | None = None
    ) -> _T:
        if self.is_refused:
            raise FetchError(Failure.STATUS, REFUSED, status=HTTPStatus.UNAUTHORIZED)
        try:
            # The body of a refusal is not read: it may repeat the token.
            fetched = await self._http.get(f"/markets/{path}", params)
        except FetchError as error:
            if error.status == HTTPStatus.UNAUTHORIZED:
                self._refusals += 1
                raise FetchError(Failure.STATUS, REFUSED, status=HTTPStatus.UNAUTHORIZED) from None
            raise
        self._refusals = 0
        try:
            return decoded(fetched.body)
        except BadInputError as error:
            raise FetchError(Failure.CONTENT, f"Tradier's answer {error}") from None

    def _answered(self, headers: Mapping[str, str]) -> None:
        """Take the venue's time, and slow down before its quota of calls is spent."""
        sent = http_date(headers.get("date", ""))
        # It is of whole seconds: one that agrees with what is known tells nothing new.
        if sent is not None and abs(sent + 0.5 - self._time.now()) > 1.0:
            self._time.heard(sent + 0.5)
        self.simulated = "x-simulated" in headers
        available, allowed = (number(headers.get(f"x-ratelimit-{what}")) for what in ("available", "allowed"))
        left = instant(headers.get("x-ratelimit-expiry")) - self._time.now()
        if not (available < 0.5 * allowed and left > 0):
            return
        spare = available - _IN_RESERVE
        self._limiter.close(min(left / spare if spare >= 1 else left, RETRY_AFTER_RANGE[1]))
