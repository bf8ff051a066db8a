"""Bybit v5: `/v5/market/tickers?category=option`, the whole chain of a coin in one answer of decimal strings."""

import msgspec

from gextui.market.text import clean_text
from gextui.market.ticker import Kind, ticker_for
from gextui.sources.rows import Capture, Rows, Scalar, by_underlying, decode_json, instants, median, newest, numbers
from gextui.sources.source import BadInputError
from gextui.sources.symbols import parse_names


class _Ticker(msgspec.Struct, rename="camel", gc=False):
    symbol: Scalar = None
    mark_iv: Scalar = None
    open_interest: Scalar = None
    volume24h: Scalar = None
    bid1_price: Scalar = None
    ask1_price: Scalar = None
    underlying_price: Scalar = None
    index_price: Scalar = None


class _Result(msgspec.Struct, rename={"rows": "list"}):
    rows: list[_Ticker] = []


class _Envelope(msgspec.Struct, rename="camel"):
    ret_code: Scalar = 0
    ret_msg: Scalar = None
    result: _Result = msgspec.field(default_factory=_Result)
    time: Scalar = None


def decode_tickers(data: bytes) -> list[Capture]:
    """Decode the answer, in its envelope or as the bare list; one capture a coin, in order of symbol.

    IVs are fractions, prices USD, and one contract is one coin.

    Raises:
        BadInputError: it is not such an answer, or holds no options.
    """
    if data.lstrip()[:1] == b"[":
        rows, sent = decode_json(data, list[_Ticker]), None
    else:
        envelope = decode_json(data, _Envelope)
        if envelope.ret_code not in (0, None):
            raise BadInputError(f"holds an error of Bybit's instead of a chain: {clean_text(str(envelope.ret_msg))}")
        rows, sent = envelope.result.rows, envelope.time
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
