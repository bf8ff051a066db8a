"""Tradier: `/v1/markets/options/chains`, one expiry's contracts, whose collections of one are not lists."""

import msgspec
import numpy as np

from gextui.market.ticker import ticker_for
from gextui.sources.rows import Capture, Rows, Scalar, by_underlying, decode_json, instants, newest, numbers
from gextui.sources.symbols import parse_names

HIGHEST_IV = 10.0
"""What the venue writes for a mid price that no volatility explains."""


class _Greeks(msgspec.Struct, gc=False):
    mid_iv: Scalar = None
    smv_vol: Scalar = None


class _Option(msgspec.Struct, gc=False):
    symbol: Scalar = None
    bid: Scalar = None
    ask: Scalar = None
    bid_date: Scalar = None
    ask_date: Scalar = None
    trade_date: Scalar = None
    volume: Scalar = None
    open_interest: Scalar = None
    contract_size: Scalar = None
    greeks: _Greeks | None = None


class _Options(msgspec.Struct):
    option: list[_Option] | _Option | str | None = None


class _Document(msgspec.Struct):
    options: _Options | str | None = None


def decode_chains(data: bytes) -> list[Capture]:
    """Decode one chain or a list of them (one an expiry); one capture an underlying, in order of symbol.

    A chain names no price of its underlying. Its IV is that of the mid price, or where there is none the smoothed one.

    Raises:
        BadInputError: it is not such an answer, or holds no options.
    """
    is_list = data.lstrip()[:1] == b"["
    documents = decode_json(data, list[_Document]) if is_list else [decode_json(data, _Document)]
    rows = [row for document in documents for row in _options(document)]
    greeks = [row.greeks if row.greeks is not None else _Greeks() for row in rows]
    mid = numbers([greek.mid_iv for greek in greeks])
    smoothed = numbers([greek.smv_vol for greek in greeks])
    columns = Rows.read(
        parse_names([row.symbol for row in rows]),
        iv=np.where((mid > 0) & (mid < HIGHEST_IV) | ~(smoothed > 0), mid, smoothed).tolist(),
        open_interest=[row.open_interest for row in rows],
        volume=[row.volume for row in rows],
        bid=[row.bid for row in rows],
        ask=[row.ask for row in rows],
        multiplier=[row.contract_size for row in rows],
    )
    quoted = instants([time for row in rows for time in (row.bid_date, row.ask_date, row.trade_date)]).reshape(-1, 3)
    return [
        Capture(ticker=ticker_for(symbol), rows=columns.take(mine), as_of=newest(quoted[mine].ravel()), spot=None)
        for symbol, mine in by_underlying(columns.contracts)
    ]


def _options(document: _Document) -> list[_Option]:
    collection = document.options
    if not isinstance(collection, _Options):
        return []
    if isinstance(collection.option, _Option):
        return [collection.option]
    return collection.option if isinstance(collection.option, list) else []
