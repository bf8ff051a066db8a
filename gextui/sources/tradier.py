"""Tradier's answers, decoded: chains, expirations, quotes, clock, calendar; their collections of one are not lists."""

from collections.abc import Sequence
from datetime import date, time
from typing import NamedTuple, TypeVar

import msgspec
import numpy as np
from msgspec import UNSET, UnsetType

from gextui.market.chain import Floats
from gextui.market.ticker import ticker_for
from gextui.sources.rows import (
    Capture,
    Rows,
    Scalar,
    by_underlying,
    decode_json,
    instants,
    newest,
    numbers,
    positive,
)
from gextui.sources.source import BadInputError
from gextui.sources.symbols import parse_names

HIGHEST_IV = 10.0
"""What the venue writes for a mid price that no volatility explains."""

_Kind = TypeVar("_Kind")


class Greeks(msgspec.Struct, gc=False):
    """What the venue computes once an hour."""

    mid_iv: Scalar = None
    smv_vol: Scalar = None
    updated_at: Scalar = None


class Option(msgspec.Struct, gc=False):
    """One contract of a chain."""

    symbol: Scalar = None
    bid: Scalar = None
    ask: Scalar = None
    bid_date: Scalar = None
    ask_date: Scalar = None
    trade_date: Scalar = None
    volume: Scalar = None
    open_interest: Scalar = None
    contract_size: Scalar = None
    greeks: Greeks | Scalar = None


class Quote(msgspec.Struct):
    """The price of an underlying."""

    symbol: Scalar = None
    last: Scalar = None
    bid: Scalar = None
    ask: Scalar = None
    bid_date: Scalar = None
    ask_date: Scalar = None
    trade_date: Scalar = None
    prevclose: Scalar = None

    @property
    def price(self) -> float | None:
        """The last one, else the middle of bid and ask; None where there is neither."""
        bid, ask = positive(self.bid), positive(self.ask)
        middle = None if bid is None or ask is None or bid > ask else 0.5 * (bid + ask)
        return positive(self.last) or middle


class MarketClock(msgspec.Struct):
    """What the market does now."""

    date: Scalar = None
    state: Scalar = None
    next_change: Scalar = None


class TradingDay(NamedTuple):
    """One day of the venue's calendar."""

    day: date
    hours: tuple[time, time] | None
    """When New York opens and closes, local time; None where it does not."""


class _Options(msgspec.Struct):
    option: list[Option | Scalar] | Option | Scalar = None


class _Chain(msgspec.Struct):
    options: _Options | Scalar | UnsetType = UNSET


class _Expiration(msgspec.Struct):
    date: Scalar = None


class _Expirations(msgspec.Struct):
    date: list[Scalar] | Scalar = None
    expiration: list[_Expiration | Scalar] | _Expiration | Scalar = None


class _Expiring(msgspec.Struct):
    expirations: _Expirations | Scalar | UnsetType = UNSET


class _Quotes(msgspec.Struct):
    quote: list[Quote | Scalar] | Quote | Scalar = None


class _Quoted(msgspec.Struct):
    quotes: _Quotes | Scalar | UnsetType = UNSET


class _Clocked(msgspec.Struct):
    clock: MarketClock | UnsetType = UNSET


class _Window(msgspec.Struct):
    start: Scalar = None
    end: Scalar = None


class _Day(msgspec.Struct):
    date: Scalar = None
    status: Scalar = None
    open: _Window | Scalar = None


class _Days(msgspec.Struct):
    day: list[_Day | Scalar] | _Day | Scalar = None


class _Month(msgspec.Struct):
    days: _Days | Scalar = None


class _Calendar(msgspec.Struct):
    calendar: _Month | Scalar | UnsetType = UNSET


def members(collection: object, kind: type[_Kind]) -> list[_Kind]:
    """A collection's members: it is a list, its only member itself, or null or the text "null" where it has none."""
    return [each for each in (collection if isinstance(collection, list) else [collection]) if isinstance(each, kind)]


def decode_chains(data: bytes) -> list[Capture]:
    """Decode one chain or a list of them (one an expiry); one capture an underlying, in order of symbol.

    Raises:
        BadInputError: it is not such an answer, or holds no options.
    """
    is_list = data.lstrip()[:1] == b"["
    documents = decode_json(data, list[_Chain]) if is_list else [decode_json(data, _Chain)]
    options = [option for document in documents for option in _options(document)]
    rows, quoted = rows_of(options)
    return [
        Capture(ticker=ticker_for(symbol), rows=rows.take(mine), as_of=newest(quoted[mine].ravel()), spot=None)
        for symbol, mine in by_underlying(rows.contracts)
    ]


def decode_chain(data: bytes) -> list[Option]:
    """The contracts of one expiry, in no order; none where the venue has none.

    Raises:
        BadInputError: it is not such an answer; so for every decoder here.
    """
    document = decode_json(data, _Chain)
    _present(document.options, "a chain")
    return _options(document)


def rows_of(options: Sequence[Option]) -> tuple[Rows, Floats]:
    """Contracts as rows, and when each was quoted: bid, ask, last trade, epoch seconds or NaN; shape (N, 3).

    A contract's IV is that of its mid price, or where there is none the smoothed one. A chain names no price of its
    underlying.
    """
    nothing = Greeks()
    greeks = [option.greeks if isinstance(option.greeks, Greeks) else nothing for option in options]
    mid = numbers([greek.mid_iv for greek in greeks])
    smoothed = numbers([greek.smv_vol for greek in greeks])
    rows = Rows.read(
        parse_names([option.symbol for option in options]),
        iv=np.where((mid > 0) & (mid < HIGHEST_IV) | ~(smoothed > 0), mid, smoothed).tolist(),
        open_interest=[option.open_interest for option in options],
        volume=[option.volume for option in options],
        bid=[option.bid for option in options],
        ask=[option.ask for option in options],
        multiplier=[option.contract_size for option in options],
    )
    quoted = instants([at for option in options for at in (option.bid_date, option.ask_date, option.trade_date)])
    return rows, quoted.reshape(-1, 3)


def decode_expirations(data: bytes) -> list[date]:
    """The expiry dates of a symbol's options, ascending; none where the venue lists none."""
    document = decode_json(data, _Expiring)
    _present(document.expirations, "expirations")
    [listed] = members(document.expirations, _Expirations) or [_Expirations()]
    texts = members(listed.date, str)
    texts += [text for each in members(listed.expiration, _Expiration) for text in members(each.date, str)]
    return sorted({day for day in map(read_day, texts) if day is not None})


def decode_quotes(data: bytes) -> dict[str, Quote]:
    """Quotes by symbol; a symbol that the venue does not know has none."""
    document = decode_json(data, _Quoted)
    _present(document.quotes, "quotes")
    [listed] = members(document.quotes, _Quotes) or [_Quotes()]
    return {quote.symbol: quote for quote in members(listed.quote, Quote) if isinstance(quote.symbol, str)}


def decode_clock(data: bytes) -> MarketClock:
    """What the market does now."""
    clock = decode_json(data, _Clocked).clock
    if isinstance(clock, UnsetType):
        raise BadInputError("holds no clock: is it what Tradier sent?")
    return clock


def decode_calendar(data: bytes) -> list[TradingDay]:
    """The days of a month; one that cannot be read is left out."""
    document = decode_json(data, _Calendar)
    _present(document.calendar, "a calendar")
    days = [
        day
        for month in members(document.calendar, _Month)
        for listed in members(month.days, _Days)
        for day in members(listed.day, _Day)
    ]
    return [read for read in map(_trading_day, days) if read is not None]


def _options(document: _Chain) -> list[Option]:
    """A chain's contracts; what stands among them and is none becomes one that cannot be read, and is counted."""
    [listed] = members(document.options, _Options) or [_Options()]
    options = listed.option
    if isinstance(options, list):
        return [option if isinstance(option, Option) else Option() for option in options]
    return members(options, Option)


def _present(value: object, what: str) -> None:
    if isinstance(value, UnsetType):
        raise BadInputError(f"holds no {what.removeprefix('a ')}: is it what Tradier sent?")


def _trading_day(day: _Day) -> TradingDay | None:
    at = read_day(day.date)
    if at is None:
        return None
    if day.status == "closed":
        return TradingDay(at, None)
    if day.status != "open" or not isinstance(day.open, _Window):
        return None
    opens, closes = local_time(day.open.start), local_time(day.open.end)
    if opens is None or closes is None or opens >= closes:
        return None
    return TradingDay(at, (opens, closes))


def local_time(text: Scalar) -> time | None:
    """A time of day as the venue writes it, ``16:00``; None where it is none."""
    try:
        at = time.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return None if at is None or at.tzinfo is not None else at


def read_day(text: Scalar) -> date | None:
    """A day as the venue writes it, ``2026-11-20``; None where it is none."""
    try:
        return date.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
