"""The public methods of a simulated Deribit: parameters in, results out."""

from collections.abc import Callable, Mapping
from typing import Any

from gextui.simulator.deribit_exchange import VOLATILITY_INDICES, Exchange
from gextui.simulator.deribit_rows import Row

CURRENCIES = ("BTC", "ETH", "USDC", "USDT", "EURR", "any")

_KINDS = ("option", "future", "spot", "future_combo", "option_combo", "combo", "any")
_CHART_RESOLUTIONS = {str(minutes): 60 * minutes for minutes in (1, 3, 5, 10, 15, 30, 60, 120, 180, 360, 720)} | {
    "1D": 86400
}
_VOLATILITY_RESOLUTIONS = {"1": 1, "60": 60, "3600": 3600, "43200": 43200, "1D": 86400}


class DeribitError(Exception):
    """An error of the venue's, as JSON-RPC says it."""

    def __init__(self, code: int, message: str, data: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.data = data


def methods(exchange: Exchange) -> dict[str, Callable[[Row], Any]]:
    """The methods that answer from the exchange alone, by name."""
    market_data = _MarketData(exchange)
    return {
        "public/get_instruments": market_data.get_instruments,
        "public/get_book_summary_by_currency": market_data.get_book_summary_by_currency,
        "public/get_index_price": market_data.get_index_price,
        "public/ticker": market_data.ticker,
        "public/get_volatility_index_data": market_data.get_volatility_index_data,
        "public/get_historical_volatility": market_data.get_historical_volatility,
        "public/get_tradingview_chart_data": market_data.get_tradingview_chart_data,
        "public/get_last_trades_by_currency": market_data.get_last_trades_by_currency,
        "public/get_expirations": market_data.get_expirations,
    }


class _MarketData:
    """Each takes its parameters, texts over REST, and raises `DeribitError` for those it cannot use."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def get_instruments(self, params: Row) -> list[Row]:
        currency, kind = _one_of(params, "currency", CURRENCIES), _one_of(params, "kind", _KINDS, "any")
        expired = str(params.get("expired", False)).lower() == "true"
        return self._exchange.instruments(currency, expired=expired) if kind in ("option", "any") else []

    def get_book_summary_by_currency(self, params: Row) -> list[Row]:
        currency, kind = _one_of(params, "currency", CURRENCIES), _one_of(params, "kind", _KINDS, "any")
        return self._exchange.summaries(currency) if kind in ("option", "any") else []

    def get_index_price(self, params: Row) -> Row:
        book = self._exchange.by_index(str(params.get("index_name")))
        if book is None:
            raise invalid("index_name", "invalid value")
        return {"index_price": book.index_price, "estimated_delivery_price": book.index_price}

    def ticker(self, params: Row) -> Row:
        ticker = self._exchange.ticker(str(params.get("instrument_name")))
        if ticker is None:
            raise DeribitError(13020, "not_found")
        return ticker

    def get_volatility_index_data(self, params: Row) -> Row:
        currency = _one_of(params, "currency", self._with_volatility_index())
        resolution = _one_of(params, "resolution", tuple(_VOLATILITY_RESOLUTIONS))
        start, end = integer(params, "start_timestamp"), integer(params, "end_timestamp")
        return self._exchange.volatility_index(currency, start, end, _VOLATILITY_RESOLUTIONS[resolution])

    def get_historical_volatility(self, params: Row) -> list[list[float]]:
        currency = _one_of(params, "currency", self._with_volatility_index())
        return self._exchange.historical_volatility(currency)

    def _with_volatility_index(self) -> tuple[str, ...]:
        books = self._exchange.books.values()
        return tuple(book.series.root for book in books if book.series.index in VOLATILITY_INDICES)

    def get_tradingview_chart_data(self, params: Row) -> Row:
        root = str(params.get("instrument_name")).removesuffix("-PERPETUAL")
        if root not in self._exchange.books:
            raise DeribitError(13020, "not_found")
        resolution = _one_of(params, "resolution", tuple(_CHART_RESOLUTIONS))
        start, end = integer(params, "start_timestamp"), integer(params, "end_timestamp")
        return self._exchange.chart(root, start, end, _CHART_RESOLUTIONS[resolution])

    def get_last_trades_by_currency(self, params: Row) -> Row:
        count = integer(params, "count") if "count" in params else 10
        return self._exchange.last_trades(_one_of(params, "currency", CURRENCIES), count)

    def get_expirations(self, params: Row) -> Row:
        currency, kind = _one_of(params, "currency", CURRENCIES), _one_of(params, "kind", _KINDS)
        days = self._exchange.expirations(currency)
        listed = {"option": days, "future": [*days, "PERPETUAL"]}
        of_kind = listed if kind == "any" else {kind: listed.get(kind, [])}
        return of_kind if currency == "any" else {currency.lower(): of_kind}


def invalid(parameter: str, reason: str) -> DeribitError:
    """What a parameter that cannot be used is answered with."""
    return DeribitError(-32602, "Invalid params", {"reason": reason, "param": parameter})


def _one_of(params: Row, name: str, allowed: tuple[str, ...], otherwise: str | None = None) -> str:
    value = params.get(name, otherwise)
    if value not in allowed:
        raise invalid(name, "invalid value")
    return str(value)


def integer(params: Row, name: str) -> int:
    """A parameter that must be a whole number.

    Raises:
        DeribitError: it is not.
    """
    try:
        return int(params[name])
    except (KeyError, TypeError, ValueError):
        raise invalid(name, "value must be an integer") from None


def channels(params: Row) -> list[str]:
    """The parameter of a subscribe.

    Raises:
        DeribitError: it is not a list.
    """
    names = params.get("channels")
    if not isinstance(names, list):
        raise invalid("channels", "value must be a list")
    return [str(name) for name in names]
