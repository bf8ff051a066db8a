"""Prices at Yahoo: what something costs now, and candles. They need neither cookie nor crumb."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self
from urllib.parse import quote

import msgspec
import numpy as np

from gextui.market.chain import Floats
from gextui.market.text import clean_text
from gextui.sources.failure import Failure, FetchError
from gextui.sources.pacing import Clock, Limiter, SystemClock
from gextui.sources.rows import Scalar, absent, decode_json, instant, instants, numbers, positive
from gextui.sources.source import BadInputError
from gextui.sources.yahoo_http import YahooHttp
from gextui.sources.yahoo_rest import SECONDS_A_CALL

_COLUMNS = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True, slots=True)
class Quote:
    """What one thing costs."""

    symbol: str
    """By Yahoo's name: ``BTC-USD``, ``^IRX``, ``IBIT``."""
    price: float
    at: datetime
    """When it was paid, aware, UTC."""
    previous_close: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Candles:
    """N candles in order of time; every column has shape (N,), NaN where Yahoo has a hole."""

    at: Floats
    """When each begins, epoch seconds UTC."""
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats


class _Meta(msgspec.Struct, rename="camel"):
    symbol: Scalar = None
    regular_market_price: Scalar = None
    regular_market_time: Scalar = None
    previous_close: Scalar = None
    chart_previous_close: Scalar = None


class _Columns(msgspec.Struct):
    open: list[Scalar] = []
    high: list[Scalar] = []
    low: list[Scalar] = []
    close: list[Scalar] = []
    volume: list[Scalar] = []


class _Indicators(msgspec.Struct):
    quote: list[_Columns] = []


class _Result(msgspec.Struct):
    meta: _Meta = msgspec.field(default_factory=_Meta)
    timestamp: list[Scalar] = []
    indicators: _Indicators = msgspec.field(default_factory=_Indicators)


class _Error(msgspec.Struct):
    description: Scalar = None


class _Answer(msgspec.Struct):
    result: list[_Result] | None = None
    error: _Error | None = None


class _Document(msgspec.Struct):
    chart: _Answer | None = None
    finance: _Answer | None = None


class YahooQuotes:
    """An asynchronous context manager around one HTTP client."""

    def __init__(self, rest_url: str, *, clock: Clock | None = None) -> None:
        """Prepare to ask ``rest_url``.

        Raises:
            ValueError: the address is not one that may be asked.
        """
        clock = SystemClock() if clock is None else clock
        self._http = YahooHttp(rest_url, Limiter(clock, rate=1.0 / SECONDS_A_CALL, burst=1), clock=clock)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.__aexit__()

    async def quote(self, symbol: str) -> Quote:
        """What ``symbol`` costs.

        Raises:
            FetchError: there is no usable answer; so for every method here.
        """
        meta = (await self._chart(symbol, "1d", "1d")).meta
        price, at = positive(meta.regular_market_price), instant(meta.regular_market_time)
        if price is None or np.isnan(at):
            raise FetchError(Failure.CONTENT, f"Yahoo gives no price of {clean_text(symbol)}")
        before = positive(meta.previous_close) or positive(meta.chart_previous_close)
        return Quote(symbol, price, datetime.fromtimestamp(at, UTC), before)

    async def candles(self, symbol: str, *, interval: str = "1d", span: str = "1mo") -> Candles:
        """Candles of ``interval`` (``1m`` to ``1mo``) over the last ``span`` (``1d`` to ``max``)."""
        result = await self._chart(symbol, interval, span)
        at, columns = instants(result.timestamp), (result.indicators.quote or [_Columns()])[0]
        series = {name: _as_long(numbers(getattr(columns, name)), len(at)) for name in _COLUMNS}
        order = np.argsort(at, kind="stable")
        order = order[np.isfinite(at[order])]
        return Candles(at[order], **{name: values[order] for name, values in series.items()})

    async def _chart(self, symbol: str, interval: str, span: str) -> _Result:
        path = f"/v8/finance/chart/{quote(symbol, safe='')}"
        fetched = await self._http.get(path, {"interval": interval, "range": span, "includePrePost": "false"})
        try:
            document = decode_json(fetched.body, _Document)
        except BadInputError as error:
            raise FetchError(Failure.CONTENT, f"Yahoo's answer {error}") from None
        answer = document.chart or document.finance or _Answer()
        if not answer.result:
            problem = "nothing" if answer.error is None else str(answer.error.description)
            raise FetchError(Failure.CONTENT, f"Yahoo charts no {symbol}: {problem}")
        result = answer.result[0]
        if str(result.meta.symbol).strip("^") != symbol.strip("^"):
            raise FetchError(Failure.CONTENT, f"Yahoo was asked for {symbol} and answered for {result.meta.symbol}")
        return result


def _as_long(values: Floats, count: int) -> Floats:
    """So many values: a column that Yahoo leaves out or cuts short is filled up with NaN; what is no price is one."""
    padded = np.concatenate((values[:count], absent(max(0, count - len(values)))))
    return np.where((padded >= 0) & np.isfinite(padded), padded, np.nan)
