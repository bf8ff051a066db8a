"""Cboe's delayed quotes: the free, unofficial JSON document of one underlying's whole chain."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import msgspec
import numpy as np

from gextui.market.calendar import NEW_YORK
from gextui.market.ticker import Kind, ticker_for
from gextui.sources.rows import Capture, Rows, Scalar, before_change, decode_json, instant, positive
from gextui.sources.source import BadInputError
from gextui.sources.symbols import parse_names

DELAY = 900.0
"""Seconds by which the quotes lag the document's timestamp."""


class _Option(msgspec.Struct, gc=False):
    option: Scalar = None
    bid: Scalar = None
    ask: Scalar = None
    iv: Scalar = None
    open_interest: Scalar = None
    volume: Scalar = None
    last_trade_time: Scalar = None


class _Data(msgspec.Struct):
    options: list[_Option]
    symbol: Scalar = None
    security_type: Scalar = None
    current_price: Scalar = None
    close: Scalar = None
    price_change: Scalar = None
    last_trade_time: Scalar = None


class _Document(msgspec.Struct):
    data: _Data
    timestamp: Scalar = None
    symbol: Scalar = None


def decode_delayed_quotes(data: bytes) -> Capture:
    """Decode a delayed-quotes document. IVs are fractions, open interest is last night's, quotes are 15 min old.

    Raises:
        BadInputError: it is not such a document.
    """
    document = decode_json(data, _Document)
    quotes = document.data
    symbol = quotes.symbol if isinstance(quotes.symbol, str) else document.symbol
    if not isinstance(symbol, str) or not symbol.strip("_^ "):
        raise BadInputError("names no underlying: expected Cboe's delayed quotes of one symbol")
    options = quotes.options
    spot = positive(quotes.current_price)
    if spot is None:
        spot = positive(quotes.close)
    as_of, notes = _as_of(document)
    rows = Rows.read(
        parse_names([row.option for row in options]),
        iv=[row.iv for row in options],
        open_interest=[row.open_interest for row in options],
        volume=[row.volume for row in options],
        bid=[row.bid for row in options],
        ask=[row.ask for row in options],
    )
    return Capture(
        ticker=ticker_for(symbol.strip("_^ "), Kind.INDEX if quotes.security_type == "index" else Kind.STOCK),
        rows=rows,
        as_of=as_of,
        spot=spot,
        previous_close=before_change(spot, quotes.price_change),
        delay=DELAY,
        notes=notes,
    )


def _as_of(document: _Document) -> tuple[datetime | None, tuple[str, ...]]:
    """The document's instant; from a time without a date, the first such time after the newest trade."""
    stamp = instant(document.timestamp)
    if np.isfinite(stamp):
        return datetime.fromtimestamp(stamp, UTC), ()
    newest = _newest_trade(document.data)
    try:
        at = time.fromisoformat(document.timestamp) if isinstance(document.timestamp, str) else None
    except ValueError:
        at = None
    if at is None or newest is None:
        return None, ()
    as_of = datetime.combine(newest.date(), at.replace(tzinfo=UTC))
    if as_of < newest:
        as_of += timedelta(days=1)
    return as_of, (
        f"The file's timestamp has no date: taken as {as_of:%Y-%m-%d}, the first after its newest trade; "
        "--as-of overrides it.",
    )


def _newest_trade(data: _Data) -> datetime | None:
    """When anything in the document last traded: naive New York texts, in which the greatest is the newest."""
    texts: list[Any] = [row.last_trade_time for row in data.options]
    newest = max((text for text in [*texts, data.last_trade_time] if isinstance(text, str)), default="")
    try:
        return datetime.fromisoformat(newest).replace(tzinfo=NEW_YORK).astimezone(UTC)
    except ValueError:
        return None
