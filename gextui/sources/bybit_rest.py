"""Bybit's public REST methods, typed; each call passes one limiter and tells the venue's clock."""

import math
from collections.abc import Callable
from typing import Self, TypeVar
from urllib.parse import unquote

import msgspec

from gextui.market.text import clean_text
from gextui.sources.bybit_messages import (
    REGION_RESTRICTED,
    TOO_MANY_VISITS,
    Answer,
    Instrument,
    Listing,
    Maintenance,
    Ticker,
)
from gextui.sources.decoding import Items, decode
from gextui.sources.failure import Failure, FetchError
from gextui.sources.http import HttpClient
from gextui.sources.pacing import RETRY_AFTER_DEFAULT, RETRY_AFTER_RANGE, Clock, Limiter
from gextui.sources.rows import instant, positive
from gextui.sources.session import RejectedError

CALLS_A_SECOND = 10.0
"""Far below what the venue allows an address (120); a minute needs about seven a coin."""
_CALLS_AT_ONCE = 20
BANNED_SECONDS = 600.0
"""After an HTTP 403 or a refused region nothing is asked for so long."""
_PAGE = 1000
_MOST_PAGES = 20
_NOT_TRADING = frozenset({"PreLaunch", "Delivering", "Settling", "Closed"})
_OPTIONS = 3
"""The product of an announcement that concerns us."""

_T = TypeVar("_T")
_INSTRUMENTS, _TICKERS, _ANNOUNCEMENTS = Items(Instrument), Items(Ticker), Items(Maintenance)


class BybitRest:
    """An asynchronous context manager around one HTTP client."""

    def __init__(self, rest_url: str, *, clock: Clock, answered: Callable[[Answer], None]) -> None:
        """Prepare to ask ``rest_url``; ``answered`` is told of every answer.

        Raises:
            ValueError: the address is not one that may be asked.
        """
        self._limiter = Limiter(clock, rate=CALLS_A_SECOND, burst=_CALLS_AT_ONCE)
        self._http = HttpClient(rest_url, self._limiter, clock=clock)
        self._answered = answered

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()

    async def instruments(self, coin: str) -> list[str]:
        """The symbols of a coin's options that trade, from every page.

        Raises:
            FetchError: there is no usable answer; so for every method here.
        """
        symbols: list[str] = []
        cursor = ""
        for _ in range(_MOST_PAGES):
            # A cursor comes percent-encoded, as does whatever the client sends.
            more = {"cursor": unquote(cursor)} if cursor else {}
            answer = await self._call("market/instruments-info", category="option", baseCoin=coin, limit=_PAGE, **more)
            rows, _ = self._rows(answer, _INSTRUMENTS)
            symbols += [row.symbol for row in rows if isinstance(row.symbol, str) and row.status not in _NOT_TRADING]
            after = self._listing(answer).cursor
            if not after or after == cursor:
                break
            cursor = after
        return symbols

    async def lists(self, coin: str) -> bool:
        """Whether there are options on the coin."""
        answer = await self._call("market/instruments-info", category="option", baseCoin=coin, limit=1)
        return bool(self._rows(answer, _INSTRUMENTS)[0])

    async def tickers(self, coin: str) -> tuple[list[Ticker], int, float]:
        """The whole chain of a coin, how many of its rows could not be read, and when it was sent (or NaN)."""
        answer = await self._call("market/tickers", category="option", baseCoin=coin)
        rows, unreadable = self._rows(answer, _TICKERS)
        return rows, unreadable, instant(answer.time)

    async def price_a_day_ago(self, coin: str) -> float | None:
        """What the coin's perpetual cost 24 hours ago; None where there is none to believe."""
        answer = await self._call("market/tickers", category="linear", symbol=f"{coin}USDT")
        rows, _ = self._rows(answer, _TICKERS)
        return positive(rows[0].price_a_day_ago) if rows else None

    async def in_maintenance(self) -> bool:
        """Whether the venue says that it is at work on its options."""
        rows, _ = self._rows(await self._call("system/status"), _ANNOUNCEMENTS)
        return any(row.state == "ongoing" and (not row.product or _OPTIONS in row.product) for row in rows)

    def _listing(self, answer: Answer) -> Listing:
        return self._usable(lambda: decode(answer.result, Listing))

    def _rows(self, answer: Answer, items: Items[_T]) -> tuple[list[_T], int]:
        return self._usable(lambda: items.decode(decode(answer.result, Listing).rows))

    async def _call(self, path: str, **params: str | int) -> Answer:
        try:
            fetched = await self._http.get(f"/v5/{path}", params)
        except FetchError as error:
            if error.failure is Failure.BLOCKED:
                self._limiter.close(BANNED_SECONDS)
            raise
        answer = self._usable(lambda: decode(msgspec.Raw(fetched.body), Answer))
        self._answered(answer)
        if answer.ret_code != 0:
            raise self._failure(answer, fetched.headers.get("x-bapi-limit-reset-timestamp"))
        return answer

    def _failure(self, answer: Answer, reset: str | None) -> FetchError:
        code = f"{answer.ret_code:g}" if isinstance(answer.ret_code, float) else "no code"
        words = f"{clean_text(answer.ret_msg) if isinstance(answer.ret_msg, str) else 'without words'} ({code})"
        if answer.ret_code == TOO_MANY_VISITS:
            wait = instant(reset) - instant(answer.time)
            shortest, longest = RETRY_AFTER_RANGE
            self._limiter.close(min(max(wait, shortest), longest) if math.isfinite(wait) else RETRY_AFTER_DEFAULT)
            return FetchError(Failure.LIMITED, f"Bybit limits us: {words}")
        if answer.ret_code == REGION_RESTRICTED:
            self._limiter.close(BANNED_SECONDS)
            return FetchError(Failure.BLOCKED, f"Bybit does not serve this region: {words}")
        return FetchError(Failure.STATUS, f"Bybit answered {words}")

    def _usable(self, read: Callable[[], _T]) -> _T:
        try:
            return read()
        except RejectedError as rejected:
            raise FetchError(
                Failure.CONTENT, f"Bybit's answer cannot be read ({rejected}); the last one is kept"
            ) from None
