"""Deribit's public REST methods, typed; each call passes one limiter and tells the venue's clock."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Self, TypeVar

import msgspec
import numpy as np

from gextui.market.chain import Floats
from gextui.sources.decoding import Items, decode, texts
from gextui.sources.deribit_messages import (
    MAINTENANCE,
    TOO_MANY_REQUESTS,
    Candles,
    Error,
    Frame,
    History,
    Instrument,
    Summary,
    decode_frame,
)
from gextui.sources.deribit_session import IN_MAINTENANCE, error_words
from gextui.sources.failure import Failure, FetchError
from gextui.sources.http import HttpClient
from gextui.sources.pacing import RETRY_AFTER_DEFAULT, Clock, Limiter
from gextui.sources.rows import Scalar, instants, numbers, positive
from gextui.sources.session import RejectedError

CALLS_A_SECOND = 2.0
"""Far below what the venue allows an address (20, and 1 for instruments); a minute needs about six a currency."""
_CALLS_AT_ONCE = 6
_SPEAKING = (HTTPStatus.OK, HTTPStatus.BAD_REQUEST)
"""Statuses whose body is an answer."""

_T = TypeVar("_T")
_SUMMARIES = Items(Summary)
_INSTRUMENTS = Items(Instrument)


class DeribitRest:
    """An asynchronous context manager around one HTTP client."""

    def __init__(self, rest_url: str, *, clock: Clock, answered: Callable[[Frame], None]) -> None:
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

    async def instruments(self, currency: str) -> list[str]:
        """The names of the living options of a currency (BTC, ETH; USDC for all that settle in it).

        Raises:
            FetchError: there is no usable answer; so for every method here.
        """
        result = await self._call("get_instruments", currency=currency, kind="option", expired="false")
        rows, _ = self._usable(lambda: _INSTRUMENTS.decode(result))
        return texts(row.instrument_name for row in rows if row.is_active is not False)

    async def book_summary(self, currency: str) -> tuple[list[Summary], int]:
        """The whole chain of a currency, and how many of its rows could not be read."""
        result = await self._call("get_book_summary_by_currency", currency=currency, kind="option")
        return self._usable(lambda: _SUMMARIES.decode(result))

    async def index_price(self, index_name: str) -> float | None:
        """The price of an index now; None where there is none to believe."""
        result = await self._call("get_index_price", index_name=index_name)
        return positive(self._usable(lambda: decode(result, dict[str, Scalar])).get("index_price"))

    async def candles(self, instrument: str, start: float, end: float, minutes: int) -> tuple[Floats, Floats]:
        """When each candle between two instants (epoch seconds) begins, and its opening price; shapes (N,)."""
        result = await self._call(
            "get_tradingview_chart_data",
            instrument_name=instrument,
            start_timestamp=int(start * 1000),
            end_timestamp=int(end * 1000),
            resolution=minutes,
        )
        candles = self._usable(lambda: decode(result, Candles))
        count = min(len(candles.ticks), len(candles.open))
        return instants(candles.ticks[:count]), numbers(candles.open[:count])

    async def volatility_index(
        self, currency: str, start: float, end: float, seconds: int = 3600
    ) -> tuple[Floats, Floats]:
        """DVOL of BTC or ETH: when each interval begins, ascending, and its closing vol points; shapes (N,)."""
        rows: list[list[Scalar]] = []
        until: int | None = int(end * 1000)
        while until is not None:
            result = await self._call(
                "get_volatility_index_data",
                currency=currency,
                start_timestamp=int(start * 1000),
                end_timestamp=until,
                resolution=seconds,
            )
            page = self._usable(lambda answer=result: decode(answer, History))  # type: ignore[misc]
            rows = page.data + rows
            older = page.continuation
            until = older if older is not None and page.data and older < until else None
        return _series(rows, column=4)

    async def historical_volatility(self, currency: str) -> tuple[Floats, Floats]:
        """Realised volatility: hourly instants, ascending, and vol points; shapes (N,)."""
        result = await self._call("get_historical_volatility", currency=currency)
        return _series(self._usable(lambda: decode(result, list[list[Scalar]])), column=1)

    async def _call(self, method: str, **params: str | int) -> msgspec.Raw:
        fetched = await self._http.get(f"/public/{method}", params, statuses=_SPEAKING)
        frame = self._usable(lambda: decode_frame(fetched.body))
        self._answered(frame)
        if frame.error is not None:
            raise self._failure(frame.error)
        return frame.result

    def _failure(self, error: Error) -> FetchError:
        if error.code == TOO_MANY_REQUESTS:
            self._limiter.close(RETRY_AFTER_DEFAULT)
            return FetchError(Failure.LIMITED, f"Deribit limits us: {error_words(error)}")
        if error.code in MAINTENANCE:
            return FetchError(Failure.STATUS, IN_MAINTENANCE)
        return FetchError(Failure.STATUS, f"Deribit answered {error_words(error)}")

    def _usable(self, read: Callable[[], _T]) -> _T:
        try:
            return read()
        except RejectedError as rejected:
            raise FetchError(
                Failure.CONTENT, f"Deribit's answer cannot be read ({rejected}); the last one is kept"
            ) from None


def _series(rows: list[list[Scalar]], column: int) -> tuple[Floats, Floats]:
    """Rows of time and numbers as ascending columns, each instant once and only where both are known."""
    whole = [row for row in rows if len(row) > column]
    at, values = instants([row[0] for row in whole]), numbers([row[column] for row in whole])
    at, first = np.unique(np.where(np.isfinite(values) & (values >= 0), at, np.nan), return_index=True)
    known = np.isfinite(at)
    return at[known], values[first[known]]
