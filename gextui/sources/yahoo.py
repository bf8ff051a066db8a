"""Yahoo Finance: v7 option chains, and the normalised quotes that collectors make of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import msgspec
import numpy as np

from gextui.market.text import clean_text
from gextui.market.ticker import Kind, ticker_for
from gextui.sources.rows import (
    Capture,
    Rows,
    Scalar,
    decode_json,
    instants,
    newest,
    number,
    positive,
)
from gextui.sources.source import BadInputError
from gextui.sources.symbols import parse_names

_KINDS = {"INDEX": Kind.INDEX, "ETF": Kind.ETF}


class _Formatted(msgspec.Struct):
    raw: Scalar = None


_Number = Scalar | _Formatted
"""Yahoo gives ``{"raw": 1.5, "fmt": "1.50"}`` where formatted numbers were asked for."""


class _Option(msgspec.Struct, rename="camel", gc=False):
    contract_symbol: Scalar = None
    bid: _Number = None
    ask: _Number = None
    volume: _Number = None
    open_interest: _Number = None
    implied_volatility: _Number = None
    last_trade_date: _Number = None


class _Expiry(msgspec.Struct, rename="camel"):
    expiration_date: Scalar = None
    calls: list[_Option] = []
    puts: list[_Option] = []


class _Quote(msgspec.Struct, rename="camel"):
    symbol: Scalar = None
    quote_type: Scalar = None
    regular_market_price: _Number = None
    regular_market_previous_close: _Number = None
    regular_market_time: _Number = None
    pre_market_time: _Number = None
    post_market_time: _Number = None
    exchange_data_delayed_by: _Number = None
    """Minutes."""


class _Result(msgspec.Struct, rename="camel"):
    underlying_symbol: Scalar = None
    expiration_dates: list[Scalar] = []
    quote: _Quote = msgspec.field(default_factory=_Quote)
    options: list[_Expiry] = []


class _Error(msgspec.Struct):
    description: Scalar = None


class _Answer(msgspec.Struct):
    result: list[_Result] | None = None
    error: _Error | None = None


class _Document(msgspec.Struct, rename="camel"):
    option_chain: _Answer | None = None
    finance: _Answer | None = None
    """Where Yahoo puts its refusals."""


def decode_options(data: bytes) -> list[Capture]:
    """Decode v7 options: one answer or a list of them (one an expiry); one capture a symbol, in order of symbol.

    Raises:
        BadInputError: it is not such an answer, or Yahoo's refusal.
    """
    is_list = data.lstrip()[:1] == b"["
    documents = decode_json(data, list[_Document]) if is_list else [decode_json(data, _Document)]
    results: dict[str, list[_Result]] = {}
    for document in documents:
        for result in _results(document):
            results.setdefault(_symbol(result.underlying_symbol), []).append(result)
    expiries = [expiry for mine in results.values() for result in mine for expiry in result.options]
    if not any(expiry.calls or expiry.puts for expiry in expiries):
        raise BadInputError("holds no option rows: Yahoo had none for this symbol or expiry")
    return [_capture(symbol, mine) for symbol, mine in sorted(results.items())]


@dataclass(frozen=True, slots=True)
class Listing:
    """One answer on one symbol: the days on which its options expire, and the contracts of one of them."""

    symbol: str | None
    """By Yahoo's name; None where it knows no such symbol."""
    days: tuple[date, ...] = ()
    """Ascending; none where there are no options."""
    day: date | None = None
    """When the contracts expire; None where there are none."""
    capture: Capture | None = None
    """The contracts and their underlying."""


def decode_listing(data: bytes) -> Listing:
    """Decode the answer on one expiry of one symbol.

    Raises:
        BadInputError: it is not such an answer, or Yahoo's refusal.
    """
    results = _results(decode_json(data, _Document))
    if not results:
        return Listing(None)
    result = results[0]
    symbol = _symbol(result.underlying_symbol)
    capture = _capture(symbol, [result])
    days = _days(result.expiration_dates)
    if not len(capture.rows):
        return Listing(str(result.underlying_symbol), days, None, capture)
    [day] = _days([result.options[0].expiration_date]) or [None]
    return Listing(str(result.underlying_symbol), days, day, capture)


def _days(epochs: Sequence[Scalar]) -> tuple[date, ...]:
    """Days by their midnights in UTC, whatever the zone of the market; ascending."""
    at = instants(epochs)
    return tuple(sorted({datetime.fromtimestamp(float(known), UTC).date() for known in at[np.isfinite(at)]}))


def _results(document: _Document) -> list[_Result]:
    answer = document.option_chain or document.finance or _Answer()
    if answer.result is None:
        problem = "nothing" if answer.error is None else clean_text(str(answer.error.description))
        raise BadInputError(f"holds an error of Yahoo's instead of a chain: {problem}")
    return answer.result


def _capture(symbol: str, results: Sequence[_Result]) -> Capture:
    options = [row for result in results for expiry in result.options for row in (*expiry.calls, *expiry.puts)]
    quote = results[-1].quote
    times = [quote.regular_market_time, quote.pre_market_time, quote.post_market_time]
    delay = number(_raw(quote.exchange_data_delayed_by))
    return Capture(
        ticker=ticker_for(symbol, _KINDS.get(str(quote.quote_type), Kind.STOCK)),
        rows=Rows.read(
            parse_names([row.contract_symbol for row in options]),
            iv=[_raw(row.implied_volatility) for row in options],
            open_interest=[_raw(row.open_interest) for row in options],
            volume=[_raw(row.volume) for row in options],
            bid=[_raw(row.bid) for row in options],
            ask=[_raw(row.ask) for row in options],
        ),
        as_of=newest(instants([_raw(time) for time in (*times, *(row.last_trade_date for row in options))])),
        spot=positive(_raw(quote.regular_market_price)),
        previous_close=positive(_raw(quote.regular_market_previous_close)),
        delay=delay * 60.0 if 0 <= delay <= 1440 else 0.0,
    )


def _symbol(symbol: Scalar) -> str:
    bare = symbol.strip("^_ ") if isinstance(symbol, str) else ""
    if not bare:
        raise BadInputError("names no underlying: is it what Yahoo sent?")
    return bare


def _raw(value: _Number) -> Scalar:
    return value.raw if isinstance(value, _Formatted) else value


class _NormalQuote(msgspec.Struct, rename="camel", gc=False):
    symbol: Scalar = None
    bid: Scalar = None
    ask: Scalar = None
    volume: Scalar = None
    open_interest: Scalar = None
    iv: Scalar = None


class _NormalDocument(msgspec.Struct, rename="camel"):
    quotes: list[_NormalQuote]
    symbol: Scalar = None
    updated: Scalar = None
    underlying_price: Scalar = None


def decode_normalised(data: bytes) -> Capture:
    """Decode a collector's document: one symbol, its price and time, and a flat list of quotes.

    Raises:
        BadInputError: it is not such a document.
    """
    document = decode_json(data, _NormalDocument)
    quotes = document.quotes
    return Capture(
        ticker=ticker_for(_symbol(document.symbol)),
        rows=Rows.read(
            parse_names([row.symbol for row in quotes]),
            iv=[row.iv for row in quotes],
            open_interest=[row.open_interest for row in quotes],
            volume=[row.volume for row in quotes],
            bid=[row.bid for row in quotes],
            ask=[row.ask for row in quotes],
        ),
        as_of=newest(instants([document.updated])),
        spot=positive(document.underlying_price),
    )
