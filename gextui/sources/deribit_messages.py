"""Deribit: `public/get_book_summary_by_currency`, the whole chain of a currency in one answer."""

from dataclasses import replace

import msgspec

from gextui.market.chain import Booleans
from gextui.market.text import clean_text
from gextui.market.ticker import Kind, ticker_for
from gextui.sources.rows import Capture, Rows, Scalar, by_underlying, decode_json, instants, median, newest, numbers
from gextui.sources.source import BadInputError
from gextui.sources.symbols import Contracts, parse_names


class _Summary(msgspec.Struct, gc=False):
    instrument_name: Scalar = None
    mark_iv: Scalar = None
    open_interest: Scalar = None
    volume: Scalar = None
    bid_price: Scalar = None
    ask_price: Scalar = None
    underlying_price: Scalar = None
    estimated_delivery_price: Scalar = None
    creation_timestamp: Scalar = None


class _Error(msgspec.Struct):
    message: Scalar = None


class _Envelope(msgspec.Struct):
    result: list[_Summary] | None = None
    error: _Error | None = None


def decode_book_summary(data: bytes) -> list[Capture]:
    """Decode the answer, in its JSON-RPC envelope or as the bare list; one capture a coin, in order of symbol.

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


def _summaries(data: bytes) -> list[_Summary]:
    if data.lstrip()[:1] == b"[":
        return decode_json(data, list[_Summary])
    envelope = decode_json(data, _Envelope)
    if envelope.result is None:
        problem = "nothing" if envelope.error is None else clean_text(str(envelope.error.message))
        raise BadInputError(f"holds an error of Deribit's instead of a chain: {problem}")
    return envelope.result


def quoted_in_coins(contracts: Contracts) -> Booleans:
    """Whether Deribit quotes each contract in coins: inverse ones (BTC) it does, linear ones (SOL_USDC) not."""
    inverse: Booleans = contracts.is_coin & (contracts.root == contracts.underlying)
    return inverse
