"""An option chain in Deribit's own terms: names, units, null rules and the keys of each kind of row."""

import math
import zlib
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np

from gextui.market.calendar import years_to_expiry
from gextui.market.chain import Floats, Integers, OptionChain
from gextui.pricing.black import black76
from gextui.pricing.implied import implied_volatility
from gextui.simulator.deribit_names import (
    Series,
    currency_uuid,
    instrument_name,
    settlement_period,
    underlying_index,
)

Row = dict[str, Any]
"""A JSON object."""

_HIGHEST_IV = 500.0
"""What the venue says where no volatility explains an ask."""
_A_MONTH = 30.0 / 365.0


class Book:
    """One chain as the venue shows it at one instant; columns of N rows in the chain's order.

    Attributes:
        names: Instrument names.
        mark: Mark prices in coins (USDC in linear books), 8 decimals.
        index_price: Of the underlying.
        timestamp: Milliseconds.
    """

    def __init__(
        self, chain: OptionChain, timestamp: int, before: "Book | None" = None, index_price: float | None = None
    ) -> None:
        """Price the chain; the names of ``before`` are used again where the listing is the same."""
        self.chain = chain
        self.timestamp = timestamp
        self.series = Series(chain.roots[0])
        self.decimals = 2 if chain.spot > 10.0 else 4
        self.index_price = round(chain.spot, self.decimals) if index_price is None else index_price
        self.names: list[str]
        self.row_of: dict[str, int]
        if before is not None and self._lists_the_same_as(before):
            self.names, self.row_of = before.names, before.row_of
        else:
            columns = zip(self.expiry.tolist(), chain.strike.tolist(), chain.is_call.tolist(), strict=True)
            self.names = [instrument_name(self.series.root, *key) for key in columns]
            self.row_of = {name: row for row, name in enumerate(self.names)}
        forwards = np.where(np.isfinite(chain.forwards), chain.forwards, chain.spot)
        self.forward = np.round(forwards, self.decimals)[chain.expiry]
        years = years_to_expiry(chain.as_of_seconds, chain.expiries)
        self.years = years[chain.expiry]
        self._unit = self.forward if self.series.inverse else np.ones(len(self.names))
        self._greeks = black76(self.forward, chain.strike, self.years, chain.iv, chain.is_call)
        self.mark = np.round(self._greeks.value / self._unit, 8)

    def _lists_the_same_as(self, other: "Book") -> bool:
        return np.array_equal(self.chain.strike, other.chain.strike) and np.array_equal(self.expiry, other.expiry)

    @cached_property
    def expiry(self) -> Floats:
        """Instants, epoch seconds; (N,)."""
        return self.chain.expiries[self.chain.expiry]

    @cached_property
    def rough_mark(self) -> Floats:
        """Mark prices with the 4 decimals that tickers and mark prices have; (N,)."""
        return np.round(self.mark, 4)

    @cached_property
    def at_tick(self) -> Floats:
        """Prices at which a trade near the mark could be; (N,)."""
        return np.round(np.maximum(np.round(self.mark / self.series.tick), 1.0) * self.series.tick, 4)

    @cached_property
    def last(self) -> Floats:
        """What the last trade was at, NaN where nobody ever traded; (N,)."""
        return np.where((self.volume > 0.0) | (self.open_interest > 0.0), self.at_tick, np.nan)

    @cached_property
    def bid(self) -> Floats:
        """In the book's currency, NaN for none; (N,)."""
        return np.round(self.chain.bid / self._unit, 4)

    @cached_property
    def ask(self) -> Floats:
        """In the book's currency, NaN for none; (N,)."""
        return np.round(self.chain.ask / self._unit, 4)

    @cached_property
    def open_interest(self) -> Floats:
        """In coins; (N,)."""
        return self.chain.open_interest * self.chain.multiplier

    @cached_property
    def volume(self) -> Floats:
        """The day's, in coins; (N,)."""
        return self.chain.volume * self.chain.multiplier

    @cached_property
    def volatility_index(self) -> float:
        """IV at the money of an expiry in 30 days, in percent; NaN in a book without any."""
        years = years_to_expiry(self.chain.as_of_seconds, self.chain.expiries)
        at_money = []
        for index in range(len(years)):
            rows = np.flatnonzero((self.chain.expiry == index) & np.isfinite(self.chain.iv))
            nearest = rows[np.argmin(np.abs(self.chain.strike[rows] - self.forward[rows]))] if len(rows) else None
            at_money.append(math.nan if nearest is None else float(self.chain.iv[nearest]))
        known = np.isfinite(at_money)
        if not known.any():
            return math.nan
        return round(100.0 * float(np.interp(_A_MONTH, years[known], np.array(at_money)[known])), 2)

    def instrument(self, row: int, listed: int, state: str = "open") -> Row:
        """A row of ``get_instruments``, listed at that millisecond."""
        series, name = self.series, self.names[row]
        quote, least = series.currency, series.least_trade
        return {
            "state": state,
            "price_index": series.index,
            "kind": "option",
            "instrument_name": name,
            "maker_commission": 0.0003,
            "taker_commission": 0.0003,
            "instrument_type": "reversed" if series.inverse else "linear",
            "underlying_type": "crypto",
            "expiration_timestamp": int(self.expiry[row] * 1000),
            "instrument_id": zlib.crc32(name.encode()) % 1_000_000,
            "product_group": series.base if series.inverse else "TIER_2",
            "creation_timestamp": listed,
            "is_active": state == "open",
            "contract_size": series.contract_size,
            "tick_size": series.tick,
            "strike": float(self.chain.strike[row]),
            "counter_currency": "USD" if series.inverse else quote,
            "option_type": "call" if self.chain.is_call[row] else "put",
            "min_trade_amount": least,
            "block_trade_commission": 0.0003,
            "block_trade_min_trade_amount": 25 if series.inverse else 75 * least,
            "block_trade_tick_size": series.tick,
            "settlement_currency": quote,
            "settlement_period": settlement_period(self.expiry[row]),
            "base_currency": series.base,
            "index_id": zlib.crc32(series.index.encode()) % 10_000_000,
            "quote_currency": quote,
            "tick_size_steps": [{"tick_size": 0.0005, "above_price": 0.005}] if series.inverse else [],
            "lot_size": 1 if series.inverse else 10 * least,
            "base_currency_uuid": currency_uuid(series.base),
            "quote_currency_uuid": currency_uuid(quote),
        }

    def summaries(self) -> Iterator[Row]:
        """The rows of ``get_book_summary_by_currency``."""
        series, chain = self.series, self.chain
        in_dollars = self.mark * (self.index_price if series.inverse else 1.0)
        columns = zip(
            self.names,
            _nulls(np.where(self.volume > 0.0, self.last, np.nan)),
            _nulls(self.last),
            _nulls(self.bid),
            _nulls(self.ask),
            _nulls(np.round(0.5 * (self.bid + self.ask), 5)),
            _nulls(self.open_interest),
            _nulls(self.mark),
            _nulls(self.volume),
            _nulls(np.round(self.volume * in_dollars, 2)),
            _nulls(np.round(100.0 * chain.iv, 2)),
            self.forward.tolist(),
            self.expiry.tolist(),
            strict=True,
        )
        for name, at, last_price, bid, ask, mid, interest, mark, volume, premium, iv, forward, expiry in columns:
            row = {
                "high": at,
                "low": at,
                "last": last_price,
                "instrument_name": name,
                "bid_price": bid,
                "ask_price": ask,
                "open_interest": interest,
                "mark_price": mark,
                "interest_rate": 0.0,
                "creation_timestamp": self.timestamp,
                "estimated_delivery_price": self.index_price,
                "price_change": None if at is None else 0.0,
                "volume": volume,
                "mark_iv": iv,
                "underlying_price": forward,
                "underlying_index": underlying_index(series.root, expiry),
                "base_currency": series.base,
                "quote_currency": series.currency,
                "volume_usd": premium,
                "mid_price": mid,
            }
            if not series.inverse and volume is not None:
                row["volume_notional"] = round(volume * self.index_price, 2)
            yield row

    def mark_prices(self, rows: Integers | None = None) -> list[Row]:
        """What ``markprice.options`` says of all rows, or of some: IV here is a fraction."""
        chosen = np.arange(len(self.names)) if rows is None else rows
        columns = zip(
            chosen.tolist(), _nulls(np.round(self.chain.iv[chosen], 4)), _nulls(self.rough_mark[chosen]), strict=True
        )
        return [
            {"timestamp": self.timestamp, "iv": iv, "instrument_name": self.names[row], "mark_price": mark}
            for row, iv, mark in columns
        ]

    def changed_since(self, before: "Book") -> Integers:
        """Rows whose mark price or IV is not what it was, and new ones; a row without a mark has not changed."""
        if self.names is before.names:
            was_mark, was_iv = before.rough_mark, before.chain.iv
        else:
            came_from = np.array([before.row_of.get(name, -1) for name in self.names])
            was_mark, was_iv = (np.append(column, np.nan)[came_from] for column in (before.rough_mark, before.chain.iv))
        return np.flatnonzero(np.isfinite(self.mark) & ((self.rough_mark != was_mark) | (self.chain.iv != was_iv)))

    def ticker(self, row: int) -> Row:
        """A contract's ticker, where zero and not null says that there is no quote."""
        chain, series, greeks = self.chain, self.series, self._greeks
        forward, years = float(self.forward[row]), float(self.years[row])
        bid, ask = _zero(self.bid[row]), _zero(self.ask[row])
        volume = _zero(self.volume[row])
        mark = _none(self.rough_mark[row])
        traded = _none(self.last[row]) if volume > 0.0 else None
        lowest, highest = _limits(mark, series.tick)
        delta, value = float(greeks.delta[row]), float(greeks.value[row])
        stats = {
            "high": traded,
            "low": traded,
            "price_change": None if volume == 0.0 else 0.0,
            "volume": volume,
            "volume_usd": round(volume * _zero(self.mark[row]) * (self.index_price if series.inverse else 1.0), 2),
        }
        if not series.inverse:
            stats["volume_notional"] = round(volume * self.index_price, 2)
        return {
            "timestamp": self.timestamp,
            "state": "open",
            "stats": stats,
            "greeks": {
                "delta": _rounded(delta),
                "gamma": _rounded(greeks.gamma[row]),
                "vega": _rounded(greeks.vega[row] / 100.0),
                "theta": _rounded(greeks.theta[row] / 365.0),
                "rho": _rounded(years * (forward * delta - value) / 100.0),
            },
            "index_price": self.index_price,
            "instrument_name": self.names[row],
            "last_price": _none(self.last[row]),
            "settlement_price": _none(self.mark[row]),
            "min_price": lowest,
            "max_price": highest,
            "open_interest": _zero(self.open_interest[row]),
            "mark_price": mark,
            "interest_rate": 0.0,
            "estimated_delivery_price": self.index_price,
            "best_ask_price": ask,
            "best_bid_price": bid,
            "mark_iv": _none(round(100.0 * float(chain.iv[row]), 2)),
            "bid_iv": float(self.bid_iv[row]),
            "ask_iv": float(self.ask_iv[row]),
            "underlying_price": forward,
            "underlying_index": underlying_index(series.root, self.expiry[row]),
            "best_ask_amount": 0.0 if ask == 0.0 else 10.0 * series.contract_size,
            "best_bid_amount": 0.0 if bid == 0.0 else 10.0 * series.contract_size,
        }

    @cached_property
    def bid_iv(self) -> Floats:
        """In percent; 0 where there is no bid, or no volatility that explains it; (N,)."""
        return np.nan_to_num(self._percent(self.bid))

    @cached_property
    def ask_iv(self) -> Floats:
        """In percent; 0 where there is no ask, the venue's highest where no volatility explains it; (N,)."""
        return np.where(np.isfinite(self.ask), np.nan_to_num(self._percent(self.ask), nan=_HIGHEST_IV), 0.0)

    def _percent(self, price: Floats) -> Floats:
        chain = self.chain
        iv = implied_volatility(price * self._unit, self.forward, chain.strike, self.years, chain.is_call)
        percent = np.round(100.0 * iv, 2)
        return np.where(percent <= _HIGHEST_IV, percent, np.nan)

    def trades_since(self, before: "Book") -> Iterator[Row]:
        """One trade at the mark for each row whose volume has grown, without the keys that number it."""
        was = dict(zip(before.names, before.volume.tolist(), strict=True))
        for row, (name, volume) in enumerate(zip(self.names, self.volume.tolist(), strict=True)):
            amount = round(volume - was.get(name, 0.0), 4)
            if amount > 0.0:
                yield {
                    "timestamp": self.timestamp,
                    "iv": _none(round(100.0 * float(self.chain.iv[row]), 2)),
                    "price": float(self.at_tick[row]),
                    "amount": amount,
                    "index_price": self.index_price,
                    "instrument_name": name,
                    "mark_price": _none(self.mark[row]),
                    "contracts": round(amount / self.series.contract_size, 4),
                }


def closed(ticker: Row) -> Row:
    """The last ticker of a contract that has just expired: state closed, no greeks, no quotes, "expired"."""
    return ticker | {
        "state": "closed",
        "greeks": dict.fromkeys(ticker["greeks"], 0.0),
        "estimated_delivery_price": "expired",
        "delivery_price": ticker["index_price"],
        "open_interest": 0.0,
        "mark_price": 0.0,
        "best_bid_price": 0.0,
        "best_bid_amount": 0.0,
        "best_ask_price": 0.0,
        "best_ask_amount": 0.0,
        "bid_iv": 0.0,
        "ask_iv": _HIGHEST_IV,
    }


def _limits(mark: float | None, tick: float) -> tuple[float, float]:
    """Between which prices orders are taken."""
    price = 0.0 if mark is None else mark
    return round(max(tick, 0.7 * price), 4), round(max(20 * tick, 1.3 * price), 4)


def _nulls(column: Floats) -> list[float | None]:
    return [None if value != value else value for value in column.tolist()]


def _none(value: float) -> float | None:
    return None if value != value else float(value)


def _zero(value: float) -> float:
    return 0.0 if value != value else float(value)


def _rounded(value: float) -> float:
    return round(_zero(value), 5)
