"""Bybit v5's messages, typed: REST answers, pushes of the option WebSocket, and a coin's whole chain in one answer.

Numbers are decimal texts, IVs fractions, prices USD, "0" is no quote, and one contract is one coin.
"""

import math
import re
from typing import Literal

import msgspec

from gextui.market.text import clean_text
from gextui.market.ticker import Kind, ticker_for
from gextui.sources.decoding import UNREADABLE, Amount, Price, decode
from gextui.sources.rows import (
    Capture,
    Rows,
    Scalar,
    by_underlying,
    decode_json,
    instants,
    median,
    newest,
    number,
    numbers,
)
from gextui.sources.session import RejectedError
from gextui.sources.source import BadInputError
from gextui.sources.symbols import parse_names

TOO_MANY_VISITS = 10006
REGION_RESTRICTED = 10009

_DISPLAYED = re.compile(r"(?P<coin>[A-Z0-9]+)USDT(?P<rest>-\d{1,2}[A-Z]{3}\d{2}-\d+(?:\.\d+)?-[CP])", re.ASCII)


def canonical(symbol: str) -> str:
    """The symbol whose topic speaks: ``BTC-27MAR26-70000-P-USDT`` for ``BTCUSDT-27MAR26-70000-P``, which people see.

    A topic of the latter is accepted and stays silent. Any other symbol is as it should be.
    """
    displayed = _DISPLAYED.fullmatch(symbol)
    return symbol if displayed is None else f"{displayed['coin']}{displayed['rest']}-USDT"


# REST.


class Ticker(msgspec.Struct, rename="camel", gc=False):
    """One option in ``tickers``."""

    symbol: Scalar = None
    mark_iv: Scalar = None
    open_interest: Scalar = None
    volume24h: Scalar = None
    bid1_price: Scalar = None
    ask1_price: Scalar = None
    underlying_price: Scalar = None
    """The forward of its expiry."""
    index_price: Scalar = None
    price_a_day_ago: Scalar = msgspec.field(default=None, name="prevPrice24h")
    """Of a perpetual."""


class Instrument(msgspec.Struct, rename="camel", gc=False):
    """One option in ``instruments-info``; the symbol says the rest."""

    symbol: Scalar = None
    status: Scalar = None


class Maintenance(msgspec.Struct, rename="camel", gc=False):
    """One announcement in ``system/status``."""

    state: Scalar = None
    product: list[Scalar] | None = None
    """What is affected; 3 are options."""


class Note(msgspec.Struct, gc=False):
    """What an answer says beside its result."""

    simulated: Scalar = None
    """Whether it is of a simulated market; Bybit itself never says this."""


class Answer(msgspec.Struct, rename="camel", gc=False):
    """Any REST answer, its result not yet decoded."""

    ret_code: Scalar = None
    ret_msg: Scalar = None
    result: msgspec.Raw = msgspec.Raw()
    ret_ext_info: Note | None = None
    time: Scalar = None
    """When the venue answered, epoch milliseconds."""


class Listing(msgspec.Struct, rename={"rows": "list", "cursor": "nextPageCursor"}, gc=False):
    """A result that is a list, not yet decoded."""

    rows: msgspec.Raw = msgspec.Raw(b"[]")
    cursor: str | None = None
    """Of the next page, percent-encoded already; empty on the last."""


# The WebSocket.


_IN_PUSHES = {
    "iv": "markPriceIv",
    "open_interest": "openInterest",
    "volume": "volume24h",
    "bid": "bidPrice",
    "ask": "askPrice",
    "forward": "underlyingPrice",
    "index": "indexPrice",
}


class Tick(msgspec.Struct, rename=_IN_PUSHES, gc=False):
    """One option's ticker as it should be; implements `gextui.sources.book.Tick`."""

    symbol: str
    iv: Amount
    open_interest: Amount
    bid: Amount
    ask: Amount
    forward: Price
    index: Price
    volume: Amount | None = None


class Ticking(msgspec.Struct, gc=False):
    """A push of one whole ticker."""

    topic: str
    ts: int
    """When it was sent, epoch milliseconds."""
    type: Literal["snapshot"]
    data: Tick


class Data(msgspec.Struct, rename="camel", gc=False):
    """One option's ticker as it is pushed; or the topics of an acknowledgement, which has the same key."""

    symbol: str | None = None
    mark_price_iv: float | None = None
    open_interest: float | None = None
    volume24h: float | None = None
    bid_price: float | None = None
    ask_price: float | None = None
    underlying_price: float | None = None
    index_price: float | None = None
    success_topics: list[str] | None = None
    fail_topics: list[str] | None = None


class Trade(msgspec.Struct, rename={"at": "T", "symbol": "s", "size": "v", "number": "i"}, gc=False):
    """One trade in ``publicTrade``."""

    at: int | None = None
    """Epoch milliseconds."""
    symbol: str | None = None
    size: float | None = None
    """In coins."""
    number: str | None = None


class Push(msgspec.Struct, gc=False):
    """Any message of the option WebSocket."""

    topic: str | None = None
    ts: int | None = None
    """When it was sent, epoch milliseconds."""
    type: str | None = None
    data: Data | list[Trade] | None = None
    op: str | None = None
    success: bool | None = None
    ret_msg: str | None = None
    req_id: str | None = None
    args: list[str] | None = None


class _LoosePush(msgspec.Struct, gc=False):
    """A push where a number, or anything else, is not what the venue promises."""

    topic: str
    ts: Scalar = None
    type: Scalar = None
    data: msgspec.Raw = msgspec.Raw()


_TICKING = msgspec.json.Decoder(Ticking, strict=False)
_PUSHES = msgspec.json.Decoder(Push, strict=False)
_LOOSE_PUSHES = msgspec.json.Decoder(_LoosePush)
_NUMBERS = {
    field: name
    for field, name in zip(Data.__struct_fields__, Data.__struct_encode_fields__, strict=True)
    if field not in ("symbol", "success_topics", "fail_topics")
}


def decode_ticking(frame: bytes) -> Ticking | None:
    """Decode a message of the WebSocket; None where it is another one, or not as it should be."""
    try:
        return _TICKING.decode(frame)
    except UNREADABLE:
        return None


def decode_push(frame: bytes) -> Push:
    """Decode a message of the WebSocket; a ticker with a number that cannot be read has all its others.

    Raises:
        RejectedError: it is not JSON, or not of this shape.
    """
    try:
        return _PUSHES.decode(frame)
    except msgspec.ValidationError:
        return _decode_loosely(frame)
    except UNREADABLE:
        raise RejectedError("json") from None


def _decode_loosely(frame: bytes) -> Push:
    try:
        push = _LOOSE_PUSHES.decode(frame)
    except UNREADABLE:
        raise RejectedError("schema") from None
    given = decode(push.data, dict[str, Scalar | list[Scalar]])
    ticker = {field: number(given[name]) for field, name in _NUMBERS.items() if given.get(name) is not None}
    at = number(push.ts)
    return Push(
        topic=push.topic,
        ts=int(at) if math.isfinite(at) else None,
        type=push.type if isinstance(push.type, str) else None,
        data=Data(**ticker),  # type: ignore[arg-type]
    )


# Recorded answers.


class _Result(msgspec.Struct, rename={"rows": "list"}):
    rows: list[Ticker] = []


class _Recorded(msgspec.Struct, rename="camel"):
    ret_code: Scalar = 0
    ret_msg: Scalar = None
    result: _Result = msgspec.field(default_factory=_Result)
    time: Scalar = None


def decode_tickers(data: bytes) -> list[Capture]:
    """Decode a recorded ``tickers``, in its envelope or as the bare list; one capture a coin, in order of symbol.

    Raises:
        BadInputError: it is not such an answer, or holds no options.
    """
    if data.lstrip()[:1] == b"[":
        rows, sent = decode_json(data, list[Ticker]), None
    else:
        recorded = decode_json(data, _Recorded)
        if recorded.ret_code not in (0, None):
            raise BadInputError(f"holds an error of Bybit's instead of a chain: {clean_text(str(recorded.ret_msg))}")
        rows, sent = recorded.result.rows, recorded.time
    columns = Rows.read(
        parse_names([row.symbol for row in rows]),
        iv=[row.mark_iv for row in rows],
        open_interest=[row.open_interest for row in rows],
        volume=[row.volume24h for row in rows],
        bid=[row.bid1_price for row in rows],
        ask=[row.ask1_price for row in rows],
        forward=[row.underlying_price for row in rows],
    )
    index = numbers([row.index_price for row in rows])
    as_of = newest(instants([sent]))
    return [
        Capture(ticker=ticker_for(symbol, Kind.COIN), rows=columns.take(mine), as_of=as_of, spot=median(index[mine]))
        for symbol, mine in by_underlying(columns.contracts)
    ]
