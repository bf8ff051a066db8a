"""Deribit's messages, typed: JSON-RPC frames, the channels' data, and the whole chain of a currency in one answer."""

from dataclasses import replace
from typing import Literal

import msgspec

from gextui.market.chain import Booleans
from gextui.market.text import clean_text
from gextui.market.ticker import Kind, ticker_for
from gextui.sources.decoding import UNREADABLE, Amount, Price
from gextui.sources.rows import Capture, Rows, Scalar, by_underlying, decode_json, instants, median, newest, numbers
from gextui.sources.session import RejectedError
from gextui.sources.source import BadInputError
from gextui.sources.symbols import Contracts, parse_names

TOO_MANY_REQUESTS = 10028
MAINTENANCE = frozenset({11050, 11051})


class Summary(msgspec.Struct, gc=False):
    """One option in ``get_book_summary_by_currency``: IV in percent, open interest and volume in coins."""

    instrument_name: Scalar = None
    mark_iv: Scalar = None
    open_interest: Scalar = None
    volume: Scalar = None
    bid_price: Scalar = None
    ask_price: Scalar = None
    underlying_price: Scalar = None
    """The forward of its expiry."""
    estimated_delivery_price: Scalar = None
    """The index, or a text once expired."""
    creation_timestamp: Scalar = None
    """When the row was true."""


class Mark(msgspec.Struct, gc=False):
    """One option in ``markprice.options``; here IV is a fraction."""

    instrument_name: Scalar = None
    iv: Scalar = None
    timestamp: Scalar = None


class Stats(msgspec.Struct, gc=False):
    """The last 24 hours in a `Quote`."""

    volume: Scalar = None


class _TickStats(msgspec.Struct, gc=False):
    volume: Amount | None = None


_IN_TICKERS = {
    "name": "instrument_name",
    "at": "timestamp",
    "iv": "mark_iv",
    "bid": "best_bid_price",
    "ask": "best_ask_price",
    "forward": "underlying_price",
    "index": "index_price",
}


class Tick(msgspec.Struct, rename=_IN_TICKERS, gc=False):
    """One option's ``ticker`` as it should be; implements `gextui.sources.book.Tick`."""

    name: str
    at: int
    """Epoch milliseconds."""
    state: Literal["open"]
    stats: _TickStats
    open_interest: Amount
    iv: Amount
    """In percent."""
    forward: Price
    index: Price
    bid: Amount | None = None
    ask: Amount | None = None

    @property
    def volume(self) -> float | None:
        """In coins, of the last 24 hours."""
        return self.stats.volume


class _TickParams(msgspec.Struct, gc=False):
    channel: str
    data: Tick


class _Ticking(msgspec.Struct, gc=False):
    method: Literal["subscription"]
    params: _TickParams


class Quote(msgspec.Struct, gc=False):
    """One option in ``ticker``, whatever it holds: IV in percent, a missing quote 0."""

    instrument_name: Scalar = None
    timestamp: Scalar = None
    state: Scalar = None
    stats: Stats | None = None
    open_interest: Scalar = None
    mark_iv: Scalar = None
    best_bid_price: Scalar = None
    best_ask_price: Scalar = None
    underlying_price: Scalar = None
    index_price: Scalar = None


class IndexPrice(msgspec.Struct, gc=False):
    """``deribit_price_index``."""

    price: Scalar = None
    timestamp: Scalar = None


class VolatilityIndex(msgspec.Struct, gc=False):
    """``deribit_volatility_index``: DVOL in vol points."""

    volatility: Scalar = None
    timestamp: Scalar = None


class PlatformState(msgspec.Struct, gc=False):
    """``platform_state``: maintenance, or one index locked."""

    price_index: Scalar = None
    locked: Scalar = None
    maintenance: Scalar = None


class Instrument(msgspec.Struct, gc=False):
    """One option in ``get_instruments``; the name says the rest."""

    instrument_name: Scalar = None
    is_active: Scalar = None


class Candles(msgspec.Struct, gc=False):
    """``get_tradingview_chart_data``: columns, ascending."""

    ticks: list[Scalar] = []
    """When each candle begins, epoch milliseconds."""
    open: list[Scalar] = []


class History(msgspec.Struct, gc=False):
    """``get_volatility_index_data``: rows of time, open, high, low, close."""

    data: list[list[Scalar]] = []
    continuation: int | None = None
    """The end of the page before this one, or None for the first."""


class Error(msgspec.Struct, gc=False):
    """Why a call failed."""

    code: Scalar = None
    message: Scalar = None


class Params(msgspec.Struct, gc=False):
    """What a notification carries."""

    channel: Scalar = None
    type: Scalar = None
    data: msgspec.Raw = msgspec.Raw()


class Frame(msgspec.Struct, gc=False):
    """Any JSON-RPC message of Deribit's, its payload not yet decoded."""

    id: Scalar = None
    method: Scalar = None
    params: Params | None = None
    result: msgspec.Raw = msgspec.Raw()
    error: Error | None = None
    sent: Scalar = msgspec.field(default=None, name="usOut")
    """When the venue answered, epoch microseconds."""
    testnet: Scalar = None


_TICKING = msgspec.json.Decoder(_Ticking)
_FRAMES = msgspec.json.Decoder(Frame)


def decode_tick(data: bytes) -> tuple[str, Tick] | None:
    """A channel and one option's ticker in it; None where the frame is another one, or not as it should be."""
    try:
        params = _TICKING.decode(data).params
    except UNREADABLE:
        return None
    return params.channel, params.data


def decode_frame(data: bytes) -> Frame:
    """Decode a frame or an answer.

    Raises:
        RejectedError: it is not JSON, or not of this shape.
    """
    try:
        return _FRAMES.decode(data)
    except msgspec.ValidationError:
        raise RejectedError("schema") from None
    except UNREADABLE:
        raise RejectedError("json") from None


class _Answer(msgspec.Struct):
    result: list[Summary] | None = None
    error: Error | None = None


def decode_book_summary(data: bytes) -> list[Capture]:
    """Decode a recorded answer, in its envelope or as the bare list; one capture a coin, in order of symbol.

    The venue's IVs are percent and its open interest is in coins, whatever an instrument's contract size.

    Raises:
        BadInputError: it is not such an answer, or holds no options.
    """
    rows = _summaries(data)
    read = Rows.read(
        parse_names([row.instrument_name for row in rows]),
        iv=[row.mark_iv for row in rows],
        open_interest=[row.open_interest for row in rows],
        volume=[row.volume for row in rows],
        bid=[row.bid_price for row in rows],
        ask=[row.ask_price for row in rows],
        forward=[row.underlying_price for row in rows],
    )
    columns = replace(read, iv=read.iv / 100.0, in_coins=quoted_in_coins(read.contracts))
    index = numbers([row.estimated_delivery_price for row in rows])
    taken = instants([row.creation_timestamp for row in rows])
    return [
        Capture(
            ticker=ticker_for(symbol, Kind.COIN),
            rows=columns.take(mine),
            as_of=newest(taken[mine]),
            spot=median(index[mine]),
        )
        for symbol, mine in by_underlying(columns.contracts)
    ]


def _summaries(data: bytes) -> list[Summary]:
    if data.lstrip()[:1] == b"[":
        return decode_json(data, list[Summary])
    answer = decode_json(data, _Answer)
    if answer.result is None:
        problem = "nothing" if answer.error is None else clean_text(str(answer.error.message))
        raise BadInputError(f"holds an error of Deribit's instead of a chain: {problem}")
    return answer.result


def quoted_in_coins(contracts: Contracts) -> Booleans:
    """Whether Deribit quotes each contract in coins: inverse ones (BTC) it does, linear ones (SOL_USDC) not."""
    inverse: Booleans = contracts.is_coin & (contracts.root == contracts.underlying)
    return inverse
