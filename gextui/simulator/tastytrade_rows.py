"""What a simulated Tastytrade answers over REST, made of a market's chains: nested chains, prices and sessions."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

import numpy as np

from gextui.market.calendar import (
    NEW_YORK,
    MarketState,
    closes_early,
    closing_time,
    holiday,
    is_monthly,
    is_trading_day,
    market_state,
    next_opening,
    opening,
    previous_trading_day,
    settlement_of,
    trading_day_at,
)
from gextui.market.chain import OptionChain
from gextui.market.ticker import Kind, Session

Row = dict[str, Any]
"""A JSON object."""

_CONTRACT = re.compile(r"\.([A-Z0-9]+?)\d{6}[CP][\d.]+$")
_TICKS = {Kind.INDEX: [{"threshold": "3.0", "value": "0.05"}, {"value": "0.1"}]}
_STATES = {
    MarketState.PRE: "Pre-market",
    MarketState.OPEN: "Open",
    MarketState.POST: "Extended",
    MarketState.CLOSED: "Closed",
}
_STARTS_BEFORE = timedelta(minutes=75)
_EXTENDED = timedelta(hours=4)


def streamer_symbols(chain: OptionChain) -> list[str]:
    """What the feed calls each row: ``.SPXW261120C6700``."""
    days = [f"{_day(instant):%y%m%d}" for instant in chain.expiries.tolist()]
    return [
        f".{chain.roots[root]}{days[expiry]}{'C' if is_call else 'P'}{f'{strike:.3f}'.rstrip('0').rstrip('.')}"
        for root, expiry, is_call, strike in zip(
            chain.root.tolist(), chain.expiry.tolist(), chain.is_call.tolist(), chain.strike.tolist(), strict=True
        )
    ]


@lru_cache(maxsize=65536)
def root_of(symbol: str) -> str:
    """The root of what the feed calls a contract; an underlying's own symbol as it is."""
    found = _CONTRACT.match(symbol)
    return symbol if found is None else found[1]


def nested_chain(chain: OptionChain) -> list[Row]:
    """An item a root, with its expirations and their strikes."""
    symbols = np.array(streamer_symbols(chain), dtype=object)
    return [_item(chain, place, symbols) for place in range(len(chain.roots)) if np.any(chain.root == place)]


def _item(chain: OptionChain, root: int, symbols: np.ndarray[Any, Any]) -> Row:
    name, kind, of_root = chain.roots[root], chain.ticker.kind, chain.root == root
    item: Row = {
        "underlying-symbol": chain.ticker.symbol,
        "root-symbol": name,
        "option-chain-type": "Standard",
        "shares-per-contract": int(chain.multiplier[of_root][0]),
        "tick-sizes": _TICKS.get(kind, [{"value": "0.01"}]),
        "expirations": [
            _expiration(chain, root, place, of_root & (chain.expiry == place), symbols)
            for place in np.unique(chain.expiry[of_root]).tolist()
        ],
    }
    if kind is not Kind.INDEX:
        item["deliverables"] = [_shares(chain.ticker.symbol, name, item["shares-per-contract"])]
    return item


def _shares(symbol: str, root: str, count: int) -> Row:
    return {
        "id": 313656,
        "root-symbol": root,
        "deliverable-type": "Shares",
        "description": f"{count} shares of {symbol}",
        "amount": f"{count:.1f}",
        "symbol": symbol,
        "instrument-type": "Equity",
        "percent": "100",
    }


def _expiration(chain: OptionChain, root: int, place: int, rows: Any, symbols: np.ndarray[Any, Any]) -> Row:
    name, day = chain.roots[root], _day(float(chain.expiries[place]))
    strikes: dict[float, Row] = {}
    for row in np.flatnonzero(rows).tolist():
        strike, side = float(chain.strike[row]), "call" if chain.is_call[row] else "put"
        entry = strikes.setdefault(strike, {"strike-price": str(strike)})
        entry[side] = f"{name:<6}{day:%y%m%d}{side[0].upper()}{round(strike * 1000):08d}"
        entry[f"{side}-streamer-symbol"] = symbols[row]
    return {
        "expiration-type": "Regular" if is_monthly(day, chain.ticker) else "Weekly",
        "expiration-date": day.isoformat(),
        "days-to-expiration": (day - chain.as_of.astimezone(NEW_YORK).date()).days,
        "settlement-type": settlement_of(name).value,
        "strikes": [strikes[strike] for strike in sorted(strikes)],
    }


def adjusted(item: Row) -> Row:
    """The root's adjusted namesake (SPY1), of the same terms on another deliverable."""
    root = item["root-symbol"]

    def renamed(text: str) -> str:
        padded = f"{root:<6}"
        return f"{f'{root}1':<6}{text[len(padded) :]}" if text.startswith(padded) else text.replace(root, f"{root}1", 1)

    expirations = [
        expiration
        | {
            "strikes": [
                {key: text if key == "strike-price" else renamed(text) for key, text in strike.items()}
                for strike in expiration["strikes"]
            ]
        }
        for expiration in item["expirations"]
    ]
    return item | {"root-symbol": f"{root}1", "option-chain-type": "Non-standard", "expirations": expirations}


def market_data(chain: OptionChain, *, halted: bool) -> Row:
    """The price of an underlying."""
    spot, close = str(chain.spot), chain.previous_close
    row: Row = {
        "symbol": chain.ticker.symbol,
        "instrument-type": "Index" if chain.ticker.kind is Kind.INDEX else "Equity",
        "updated-at": _instant(chain.as_of, "Z"),
        "bid": spot,
        "ask": spot,
        "mid": spot,
        "mark": spot,
        "last": spot,
        "last-mkt": spot,
        "is-trading-halted": halted,
        "halt-start-time": -1,
        "halt-end-time": -1,
        "summary-date": chain.as_of.astimezone(NEW_YORK).date().isoformat(),
    }
    return row if close is None else row | {"prev-close": str(close), "prev-close-price-type": "Final"}


def session(now: float, collection: str) -> Row:
    """What the market does now, its session of today or the next one, and those about it."""
    at = datetime.fromtimestamp(now, UTC)
    today = trading_day_at(at)
    return {
        **_session(today, collection),
        "state": _STATES[market_state(Session.NEW_YORK, at)],
        "next-session": _dated(next_opening(at).date(), collection),
        "previous-session": _dated(previous_trading_day(today), collection),
    }


def _dated(day: date, collection: str) -> Row:
    return {**_session(day, collection), "session-date": day.isoformat()}


def _session(day: date, collection: str) -> Row:
    closes = datetime.combine(day, closing_time(day), NEW_YORK)
    return {
        "instrument-collection": collection,
        "start-at": _instant(opening(day) - _STARTS_BEFORE),
        "open-at": _instant(opening(day)),
        "close-at": _instant(closes),
        "close-at-ext": _instant(closes + _EXTENDED),
    }


def holidays(year: int) -> Row:
    """The days on which New York does not trade, and those on which it closes early, of a year and the next."""
    first, last = date(year, 1, 1), date(year + 1, 12, 31)
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return {
        "market-holidays": [day.isoformat() for day in days if holiday(day)],
        "market-half-days": [day.isoformat() for day in days if is_trading_day(day) and closes_early(day)],
    }


def error(code: str, message: str, errors: Sequence[Row] = ()) -> Row:
    """The envelope of what went wrong."""
    inner: Row = {"code": code, "message": message}
    return {"error": inner | {"errors": list(errors)} if errors else inner}


def _day(instant: float) -> date:
    return datetime.fromtimestamp(instant, NEW_YORK).date()


def _instant(at: datetime, zone: str = "+00:00") -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000{zone}"
