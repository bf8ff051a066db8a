"""Cboe's delayed quotes: the free, unofficial JSON document of one underlying's whole chain."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

import msgspec
import numpy as np

from gextui.market.calendar import NEW_YORK
from gextui.market.chain import Halt
from gextui.market.halts import concluded_halt
from gextui.market.option_hours import options_trade
from gextui.market.ticker import Kind, Ticker, ticker_for
from gextui.sources.rows import Capture, Rows, Scalar, before_change, decode_json, instant, positive
from gextui.sources.source import BadInputError
from gextui.sources.symbols import parse_names

DELAY = 900.0
"""Seconds by which the quotes lag the document's timestamp."""
EARLY = timedelta(minutes=5)
"""No document is of an instant later than this after it was sent, nor older than a trade in it by as much."""


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """What a delayed-quotes document says."""

    capture: Capture
    """Its price is of when the underlying itself last traded, or the index was last computed."""
    simulated: bool
    """Whether it says so."""


class _Option(msgspec.Struct, gc=False):
    option: Scalar = None
    bid: Scalar = None
    ask: Scalar = None
    iv: Scalar = None
    open_interest: Scalar = None
    volume: Scalar = None


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
    simulated: Scalar = None


class _Trade(msgspec.Struct, gc=False):
    last_trade_time: Scalar = None


class _Trades(msgspec.Struct):
    options: list[_Trade]


class _Traded(msgspec.Struct):
    data: _Trades


def decode_delayed_quotes(data: bytes) -> Capture:
    """Decode a delayed-quotes document. IVs are fractions, open interest is last night's, quotes are 15 min old.

    Raises:
        BadInputError: it is not such a document.
    """
    return read_document(data).capture


def read_document(data: bytes, sent: datetime | None = None) -> Document:
    """Read a delayed-quotes document, which was ``sent`` at that instant where that is known.

    It may hold 30,000 contracts in 13 MB: of each only what is needed is kept, and let go as soon as it is a column.

    Raises:
        BadInputError: it is not such a document.
    """
    document = decode_json(data, _Document)
    quotes = document.data
    symbol = quotes.symbol if isinstance(quotes.symbol, str) else document.symbol
    if not isinstance(symbol, str) or not symbol.strip("_^ "):
        raise BadInputError("names no underlying: expected Cboe's delayed quotes of one symbol")
    close = positive(quotes.close)
    price = positive(quotes.current_price) or close
    traded_at = _newest([quotes.last_trade_time])
    as_of, notes = _as_of(document.timestamp, data, traded_at, sent)
    options, quotes.options = quotes.options, []
    columns = {
        name: [getattr(option, name) for option in options]
        for name in ("option", "iv", "open_interest", "volume", "bid", "ask")
    }
    del options
    rows = Rows.read(parse_names(columns.pop("option")), **columns)
    ticker = ticker_for(symbol.strip("_^ "), Kind.INDEX if quotes.security_type == "index" else Kind.STOCK)
    spot = price
    if price and close and price != close and _outlived(ticker, as_of):
        # The options' quotes and IVs are of the close: another spot would move every level that is measured from it.
        spot = close
        notes = (*notes, f"spot is the close, of which the options are; after hours it went on to {price:,.2f}")
    capture = Capture(
        ticker=ticker,
        rows=rows,
        as_of=as_of,
        spot=spot,
        previous_close=before_change(price, quotes.price_change),
        delay=DELAY,
        notes=notes,
        spot_at=traded_at,
        halt=_halt(ticker, traded_at, as_of, data),
    )
    return Document(capture, document.simulated is True)


def _outlived(ticker: Ticker, as_of: datetime | None) -> bool:
    """Whether the price is of an instant at which the options no longer trade: that of a share or ETF goes on."""
    if as_of is None or ticker.kind is Kind.INDEX:
        return False
    return not options_trade(ticker, as_of - timedelta(seconds=DELAY))


def _halt(ticker: Ticker, traded_at: datetime | None, as_of: datetime | None, data: bytes) -> Halt | None:
    """Whether the underlying seems halted. Its options are looked at only where it has not traded itself."""
    if as_of is None:
        return None
    quoted_at = as_of - timedelta(seconds=DELAY)
    if concluded_halt(ticker, traded_at, quoted_at) is None:
        return None
    return concluded_halt(ticker, _newest_trade(data, traded_at), quoted_at)


def _as_of(
    timestamp: Scalar, data: bytes, traded_at: datetime | None, sent: datetime | None
) -> tuple[datetime | None, tuple[str, ...]]:
    """The document's instant, which it gives in UTC, and what had to be assumed."""
    stamp = instant(timestamp)
    if np.isfinite(stamp):
        as_of = datetime.fromtimestamp(stamp, UTC)
        if traded_at is None or as_of > traded_at - EARLY:
            return as_of, ()
        # Older than what it holds: the page that embeds the same document gives New York's time.
        local = as_of.replace(tzinfo=NEW_YORK).astimezone(UTC)
        if local < traded_at - EARLY:
            return as_of, ()
        return local, ("The file's timestamp is older than its newest trade: taken as New York's time, not UTC.",)
    try:
        at = time.fromisoformat(timestamp).replace(tzinfo=UTC) if isinstance(timestamp, str) else None
    except ValueError:
        at = None
    if at is None:
        return None, ()
    if sent is not None:
        as_of = datetime.combine((sent + EARLY).date(), at)
        if as_of > sent + EARLY:
            as_of -= timedelta(days=1)
        return as_of, ("The file's timestamp has no date: taken as the last such time before it was sent.",)
    newest = _newest_trade(data, traded_at)
    if newest is None:
        return None, ()
    as_of = datetime.combine(newest.date(), at)
    if as_of < newest:
        as_of += timedelta(days=1)
    return as_of, (
        f"The file's timestamp has no date: taken as {as_of:%Y-%m-%d}, the first after its newest trade; "
        "--as-of overrides it.",
    )


def _newest_trade(data: bytes, traded_at: datetime | None) -> datetime | None:
    """When anything in the document last traded. Read anew, because few documents need it and all have the room."""
    newest = _newest(trade.last_trade_time for trade in decode_json(data, _Traded).data.options)
    return max((at for at in (newest, traded_at) if at is not None), default=None)


def _newest(trades: Iterable[Scalar]) -> datetime | None:
    """The newest of naive New York texts, in which the greatest is the newest."""
    newest = max((text for text in trades if isinstance(text, str)), default="")
    try:
        return datetime.fromisoformat(newest).replace(tzinfo=NEW_YORK).astimezone(UTC)
    except ValueError:
        return None
