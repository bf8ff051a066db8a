"""What a simulated Yahoo answers, made of a market's chains: option documents, quotes and charts."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import numpy as np

from gextui.market.calendar import NEW_YORK, MarketState, last_close, market_state
from gextui.market.chain import Booleans, OptionChain
from gextui.market.ticker import Kind, Ticker

Fields = dict[str, Any]

_TYPES = {Kind.INDEX: "INDEX", Kind.ETF: "ETF", Kind.STOCK: "EQUITY", Kind.COIN: "CRYPTOCURRENCY"}
_STATES = {
    MarketState.PRE: "PRE",
    MarketState.OPEN: "REGULAR",
    MarketState.POST: "POST",
    MarketState.CLOSED: "CLOSED",
}
NO_IV = 1.0000000000000003e-05
FIRST_GUESSES = (NO_IV, 0.500005, 0.2500075, 0.12500875, 0.062509375)
"""What Yahoo's solver leaves where there is no price to solve."""


def yahoos_name(ticker: Ticker) -> str:
    """What Yahoo calls the ticker."""
    if ticker.kind is Kind.COIN:
        return f"{ticker.symbol}-USD"
    return f"^{ticker.symbol}" if ticker.kind is Kind.INDEX else ticker.symbol


def days_of(chain: OptionChain) -> list[date]:
    """The days on which the chain's options expire, ascending."""
    return sorted({_day(instant) for instant in chain.expiries[np.unique(chain.expiry)].tolist()})


def quote(chain: OptionChain, now: float, delay: float) -> Fields:
    """The underlying: prices stand still while New York is closed."""
    at = datetime.fromtimestamp(now, NEW_YORK)
    state = market_state(chain.ticker.session, at)
    priced_at = at if state is MarketState.OPEN else last_close(at)
    return {
        "symbol": yahoos_name(chain.ticker),
        "quoteType": _TYPES[chain.ticker.kind],
        "regularMarketPrice": chain.spot,
        "regularMarketPreviousClose": chain.previous_close,
        "regularMarketTime": int(priced_at.timestamp() - (delay if state is MarketState.OPEN else 0.0)),
        "marketState": _STATES[state],
        "exchangeDataDelayedBy": round(delay / 60.0),
    }


def options(chain: OptionChain, day: date, wiped_interest: bool, wiped_quotes: bool) -> Fields:
    """The contracts that expire on ``day``."""
    rows = np.array([_day(instant) == day for instant in chain.expiries.tolist()], dtype=np.bool_)[chain.expiry]
    sides = {
        name: _contracts(chain, rows & side, day, wiped_interest, wiped_quotes)
        for name, side in (("calls", chain.is_call), ("puts", ~chain.is_call))
    }
    return {"expirationDate": _midnight(day), "hasMiniOptions": False, **sides}


def result(symbol: str, days: Sequence[date], quote: Fields, options: Sequence[Fields]) -> Fields:
    """One answer on a symbol."""
    strikes = {contract["strike"] for expiry in options for side in ("calls", "puts") for contract in expiry[side]}
    return {
        "underlyingSymbol": symbol,
        "expirationDates": [_midnight(day) for day in days],
        "strikes": sorted(strikes),
        "hasMiniOptions": False,
        "quote": quote,
        "options": list(options),
    }


def chart(symbol: str, price: float, now: float, interval: str) -> Fields:
    """A price now and five candles that end with it, one of them a hole."""
    step = 86400 if interval == "1d" else 300
    times = [int(now // step) * step - step * back for back in range(4, -1, -1)]
    closes: list[float | None] = [round(price * (1.0 - 0.002 * back), 6) for back in range(4, -1, -1)]
    closes[1] = None
    column = {"open": closes, "high": closes, "low": closes, "close": closes, "volume": [0, None, 0, 0, 0]}
    meta = {
        "symbol": symbol,
        "currency": "USD",
        "regularMarketPrice": price,
        "regularMarketTime": int(now),
        "chartPreviousClose": closes[0],
        "dataGranularity": interval,
    }
    return {"meta": meta, "timestamp": times, "indicators": {"quote": [column]}}


def _contracts(chain: OptionChain, rows: Booleans, day: date, wiped_interest: bool, wiped_quotes: bool) -> list[Fields]:
    columns: Mapping[str, Any] = {
        name: getattr(chain, name)[rows].tolist()
        for name in ("root", "strike", "is_call", "iv", "open_interest", "volume", "bid", "ask")
    }
    contracts = []
    for number, (root, strike, is_call, iv, interest, volume, bid, ask) in enumerate(
        zip(*columns.values(), strict=True)
    ):
        contract: Fields = {
            "contractSymbol": f"{chain.roots[root]}{day:%y%m%d}{'C' if is_call else 'P'}{round(strike * 1000):08d}",
            "strike": strike,
            "currency": "USD",
            "contractSize": "REGULAR",
            "expiration": _midnight(day),
            "openInterest": 0 if wiped_interest else interest,
            "bid": 0 if wiped_quotes or np.isnan(bid) else bid,
            "ask": 0 if wiped_quotes or np.isnan(ask) else ask,
            "impliedVolatility": NO_IV if np.isnan(iv) else iv,
        }
        if wiped_quotes:
            contract["impliedVolatility"] = FIRST_GUESSES[number % len(FIRST_GUESSES)]
        if np.isnan(interest):
            del contract["openInterest"]
        if volume > 0:
            contract["volume"] = volume
        contracts.append(contract)
    return contracts


def _day(instant: float) -> date:
    return datetime.fromtimestamp(instant, NEW_YORK).date()


def _midnight(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
