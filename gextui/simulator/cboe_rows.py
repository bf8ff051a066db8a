"""What a simulated Cboe writes into its files: an underlying and the rows of its options, in the venue's own shape."""

from datetime import datetime
from typing import Any

import numpy as np

from gextui.market.calendar import NEW_YORK, years_to_expiry
from gextui.market.chain import Floats, OptionChain
from gextui.market.ticker import Kind
from gextui.pricing.black import black_scholes

Row = dict[str, Any]
"""A JSON object."""

_DECIMALS = 4
"""Of IVs and Greeks."""


def symbol_of(chain: OptionChain) -> str:
    """How the venue names a ticker's files."""
    return f"_{chain.ticker.symbol}" if chain.ticker.kind is Kind.INDEX else chain.ticker.symbol


def options(chain: OptionChain) -> list[Row]:
    """A row a contract, calls and puts by root, expiry and strike as the venue orders them."""
    years = years_to_expiry(chain.as_of_seconds, chain.expiries)[chain.expiry]
    greeks = black_scholes(chain.spot, chain.strike, years, np.nan_to_num(chain.iv), chain.is_call, chain.rate)
    rho = years * (chain.spot * greeks.delta - greeks.value) / 100.0
    mid = np.nan_to_num(0.5 * (np.nan_to_num(chain.bid) + chain.ask))
    traded = _local(chain.as_of)
    columns = {
        "bid": _known(chain.bid),
        "ask": _known(chain.ask),
        "iv": _rounded(chain.iv),
        "open_interest": _known(chain.open_interest),
        "volume": _known(chain.volume),
        "delta": _rounded(greeks.delta),
        "gamma": _rounded(greeks.gamma),
        "vega": _rounded(greeks.vega / 100.0),
        "theta": _rounded(greeks.theta / 365.0),
        "rho": _rounded(rho),
        "theo": _rounded(greeks.value),
        "last_trade_price": np.round(mid, 2).tolist(),
    }
    rows = []
    for place, name in enumerate(names(chain)):
        row: Row = {"option": name, "bid_size": 5.0, "ask_size": 5.0, "change": 0.0, "open": 0.0, "high": 0.0}
        row |= {"low": 0.0, "tick": "no_change", "percent_change": 0.0, "prev_day_close": columns["theo"][place]}
        row |= {column: values[place] for column, values in columns.items()}
        rows.append(row | {"last_trade_time": traded if row["volume"] else None})
    return rows


def names(chain: OptionChain) -> list[str]:
    """OCC symbols without padding, one a row."""
    days = [f"{datetime.fromtimestamp(instant, NEW_YORK):%y%m%d}" for instant in chain.expiries.tolist()]
    return [
        f"{chain.roots[root]}{days[expiry]}{'C' if is_call else 'P'}{round(strike * 1000):08d}"
        for root, expiry, is_call, strike in zip(
            chain.root.tolist(), chain.expiry.tolist(), chain.is_call.tolist(), chain.strike.tolist(), strict=True
        )
    ]


def underlying(chain: OptionChain, *, price: float, traded_at: datetime, rolled: bool) -> Row:
    """What a file says of the underlying itself; once ``rolled`` the previous close is today's."""
    close = price if chain.previous_close is None else chain.previous_close
    index = chain.ticker.kind is Kind.INDEX
    return {
        "symbol": f"^{chain.ticker.symbol}" if index else chain.ticker.symbol,
        "security_type": "index" if index else "stock",
        "exchange_id": 5 if index else 2,
        "current_price": round(price, 4),
        "price_change": round(price - close, 4),
        "price_change_percent": round(100.0 * (price / close - 1.0), 4),
        # Of an index they mean nothing.
        "bid": round(price * 0.994, 4),
        "ask": round(price * 1.004, 4),
        "bid_size": 1,
        "ask_size": 1,
        "open": round(close, 4),
        "high": round(max(price, close), 4),
        "low": round(min(price, close), 4),
        # A share's price goes on after hours, when its options are quoted no more.
        "close": round(price if index else chain.spot, 4),
        "prev_day_close": round(price if rolled else close, 4),
        "volume": 0,
        "iv30": 15.0,
        "iv30_change": 0.0,
        "iv30_change_percent": 0.0,
        "seqno": 0,
        "last_trade_time": _local(traded_at),
        "tick": "up",
    }


def _local(at: datetime) -> str:
    """New York's time, as texts without a zone."""
    return f"{at.astimezone(NEW_YORK):%Y-%m-%dT%H:%M:%S}"


def _known(values: Floats) -> list[float]:
    """0.0 stands for what there is none of."""
    known: list[float] = np.nan_to_num(values).tolist()
    return known


def _rounded(values: Floats) -> list[float]:
    rounded: list[float] = np.round(np.nan_to_num(values), _DECIMALS).tolist()
    return rounded
