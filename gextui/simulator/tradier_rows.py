"""What a simulated Tradier answers, made of a market's chains: contracts, quotes, the clock and the calendar."""

import calendar
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np

from gextui.market.calendar import (
    NEW_YORK,
    MarketState,
    closes_early,
    last_close,
    market_state,
    settlement_of,
    trading_hours,
)
from gextui.market.chain import OptionChain
from gextui.market.ticker import Kind, Session

Row = dict[str, Any]
"""A JSON object."""

_HIGHEST_IV = 10.0
_TYPES = {Kind.INDEX: "index", Kind.ETF: "etf"}
_STATES = {
    MarketState.PRE: "premarket",
    MarketState.OPEN: "open",
    MarketState.POST: "postmarket",
    MarketState.CLOSED: "closed",
}


def expirations(chain: OptionChain) -> list[str]:
    """The days on which something expires, whatever its root."""
    return sorted({_day(float(instant)).isoformat() for instant in chain.expiries[np.unique(chain.expiry)]})


def contracts(chain: OptionChain, expiry: str) -> list[Row]:
    """The contracts of a day under all roots, puts first: the order means nothing."""
    on_the_day = [_day(float(instant)).isoformat() == expiry for instant in chain.expiries]
    rows = np.flatnonzero(np.array(on_the_day, dtype=np.bool_)[chain.expiry])
    return [_contract(chain, row, expiry) for row in rows[np.argsort(chain.is_call[rows], kind="stable")].tolist()]


def _contract(chain: OptionChain, row: int, expiry: str) -> Row:
    root, strike, is_call = chain.roots[int(chain.root[row])], float(chain.strike[row]), bool(chain.is_call[row])
    right = "Call" if is_call else "Put"
    day = date.fromisoformat(expiry)
    quoted = _quoted_at(chain.as_of)
    bid, ask = (float(np.nan_to_num(quotes[row])) for quotes in (chain.bid, chain.ask))
    standard = settlement_of(root).value == "AM"
    return {
        "symbol": f"{root}{day:%y%m%d}{right[0]}{round(strike * 1000):08d}",
        "description": f"{root} {day:%b} {day.day} {day.year} ${strike:.2f} {right}",
        "exch": "Z",
        "type": "option",
        "last": None,
        "change": None,
        "volume": int(np.nan_to_num(chain.volume[row])),
        "open": None,
        "close": None,
        "bid": bid,
        "ask": ask,
        "underlying": chain.ticker.symbol,
        "strike": strike,
        "greeks": _greeks(chain, row),
        "trade_date": 0,
        "bidsize": 10 if bid else 0,
        "bid_date": quoted,
        "asksize": 12,
        "ask_date": quoted,
        "open_interest": int(np.nan_to_num(chain.open_interest[row])),
        "contract_size": int(chain.multiplier[row]),
        "expiration_date": expiry,
        "expiration_type": "standard" if standard else "weeklys",
        "option_type": right.lower(),
        "root_symbol": root,
    }


def _greeks(chain: OptionChain, row: int) -> Row | None:
    """Volatilities; none where the market gives none, and the cap where no mid price can be made of the quotes."""
    iv = float(chain.iv[row])
    if np.isnan(iv):
        return None
    quoted = bool(chain.bid[row] > 0)
    return {
        "delta": 0.5 if chain.is_call[row] else -0.5,
        "gamma": -3.469013874213015e-16,
        "mid_iv": iv if quoted else _HIGHEST_IV,
        "bid_iv": iv if quoted else 0.0,
        "ask_iv": iv if quoted else _HIGHEST_IV,
        "smv_vol": iv,
        "updated_at": f"{chain.as_of.replace(minute=0, second=6):%Y-%m-%d %H:%M:%S}",
    }


def quote(chain: OptionChain) -> Row:
    """The price of an underlying."""
    return {
        "symbol": chain.ticker.symbol,
        "description": chain.ticker.name,
        "exch": "Z",
        "type": _TYPES.get(chain.ticker.kind, "stock"),
        "last": chain.spot,
        "change": None,
        "volume": 0,
        "close": None,
        "bid": 0.0,
        "ask": 0.0,
        "prevclose": chain.previous_close,
        "bid_date": 0,
        "ask_date": 0,
        "trade_date": _quoted_at(chain.as_of),
        "root_symbols": ",".join(chain.roots),
    }


def market_clock(now: float) -> Row:
    """What the market does now and what it does next."""
    at = datetime.fromtimestamp(now, NEW_YORK)
    state = market_state(Session.NEW_YORK, at)
    after = at
    while (following := market_state(Session.NEW_YORK, after)) is state:
        after = after.replace(second=0, microsecond=0) + timedelta(minutes=1)
    return {
        "date": at.date().isoformat(),
        "description": f"Market is {_STATES[state]}",
        "state": _STATES[state],
        "timestamp": int(now),
        "next_change": f"{after:%H:%M}",
        "next_state": _STATES[following],
    }


def month(year: int, number: int) -> Row:
    """The days of a month."""
    last = calendar.monthrange(year, number)[1]
    days = [_trading_day(date(year, number, day)) for day in range(1, last + 1)]
    return {"month": number, "year": year, "days": {"day": days}}


def _trading_day(day: date) -> Row:
    hours = trading_hours(day)
    if hours is None:
        return {"date": day.isoformat(), "status": "closed", "description": "Market is closed"}
    opens, closes = (f"{at:%H:%M}" for at in hours)
    return {
        "date": day.isoformat(),
        "status": "open",
        "description": "Market closes early" if closes_early(day) else "Market is open",
        "premarket": {"start": "07:00", "end": "09:24"},
        "open": {"start": opens, "end": closes},
        "postmarket": {"start": closes, "end": "20:00"},
    }


def collection(name: str, rows: Sequence[Any]) -> Any:
    """Rows as the venue writes them: null where there are none, the only one without a list."""
    return None if not rows else {name: rows[0] if len(rows) == 1 else list(rows)}


def _day(instant: float) -> date:
    return datetime.fromtimestamp(instant, NEW_YORK).date()


def _quoted_at(at: datetime) -> int:
    """When New York last quoted, epoch milliseconds: it does so while it trades."""
    opened = market_state(Session.NEW_YORK, at) is MarketState.OPEN
    return int((at if opened else last_close(at)).timestamp() * 1000)
