"""Implied volatility by strike and expiry, at the money and at 25 delta, and today's against the days on record."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from gextui.exposure.book import DAYS_A_YEAR, lead_expiries
from gextui.exposure.filters import expiry_date
from gextui.market.calendar import is_trading_day
from gextui.market.chain import Booleans, Floats, OptionChain
from gextui.market.ticker import Session
from gextui.pricing.black import exposure_greeks
from gextui.pricing.smile import Smile

QUARTER = 0.25
"""The delta whose options skew is measured by."""
CONSTANT_DAYS = 30.0
"""Days to expiry of the volatility that is recorded and ranked."""
FEWEST_DAYS = 20
"""Below so many days of history there is no rank."""


@dataclass(frozen=True, slots=True, eq=False)
class ExpirySmile:
    """One expiry's volatilities by strike (K), ascending; NaN where there is none."""

    strike: Floats
    call_iv: Floats
    """As the source gives it for the very call, like ``put_iv`` for the put."""
    put_iv: Floats
    clean_iv: Floats
    """The one that prices both."""
    own: Booleans
    """Whether that is the strike's own, not interpolated."""


@dataclass(frozen=True, slots=True, eq=False)
class Skew:
    """At the money and at 25 delta, one row an expiry asked for; NaN where there is none."""

    atm_iv: Floats
    """The clean smile at the forward."""
    call_iv: Floats
    """Of the call whose forward delta is 0.25, linear in delta between the out-of-the-money strikes around it."""
    put_iv: Floats
    """Of the put whose delta is -0.25."""

    @property
    def risk_reversal(self) -> Floats:
        """25 delta call less put; below 0 where puts are dearer. What is called skew is often its negative."""
        return self.call_iv - self.put_iv

    @property
    def butterfly(self) -> Floats:
        """The mean of both less the one at the money: how much dearer the wings are."""
        return 0.5 * (self.call_iv + self.put_iv) - self.atm_iv


@dataclass(frozen=True, slots=True)
class Rank:
    """Where a volatility stands among the closes of the days before and itself."""

    days: int
    """How many there are."""
    rank: float | None
    """(IV - lowest) / (highest - lowest); None for fewer than `FEWEST_DAYS`, or where all are the same."""
    percentile: float | None
    """The share of days strictly below it."""
    low: float | None
    high: float | None


def smile_of(chain: OptionChain, smile: Smile, expiry: int) -> ExpirySmile:
    """The smile of an expiry, by its index in the chain."""
    rows = np.arange(*np.searchsorted(chain.expiry, (expiry, expiry + 1)))
    nodes, first, at = np.unique(smile.node[rows], return_index=True, return_inverse=True)
    legs = np.full((2, len(nodes)), np.nan)
    given = np.isfinite(smile.leg_iv[rows])[::-1]
    # Backwards, so that of several roots the first that has an IV is seen last.
    backwards = rows[::-1][given]
    legs[(~chain.is_call[backwards]).astype(np.int64), at[::-1][given]] = smile.leg_iv[backwards]
    refused = np.isnan(smile.atm_iv[expiry])
    return ExpirySmile(
        strike=chain.strike[rows[first]],
        call_iv=np.where(refused, np.nan, legs[0]),
        put_iv=np.where(refused, np.nan, legs[1]),
        clean_iv=np.where(refused, np.nan, smile.node_iv[nodes]),
        own=smile.node_own[nodes],
    )


def find_skew(chain: OptionChain, smile: Smile, expiries: Sequence[int]) -> Skew:
    """The skew of these expiries, by their indices in the chain (quant/formulas 11).

    Deltas are of the forward and undiscounted, N(d1); a strike without an IV of its own is passed over.
    """
    first = np.flatnonzero(np.diff(smile.node, prepend=-1))
    expiry, strike, iv = chain.expiry[first], chain.strike[first], smile.node_iv
    above = strike >= smile.forward[expiry]
    delta = np.abs(exposure_greeks(smile.forward[expiry], strike, smile.years[expiry], iv, above).delta)
    usable = smile.node_own & np.isfinite(iv) & np.isfinite(smile.atm_iv[expiry])
    call_iv, put_iv = (np.full(len(expiries), np.nan) for _ in range(2))
    for number, at in enumerate(expiries):
        nodes = np.arange(*np.searchsorted(expiry, (at, at + 1)))
        nodes = nodes[usable[nodes]]
        calls, puts = nodes[above[nodes]], nodes[~above[nodes]][::-1]  # outward from the money
        call_iv[number] = _at_quarter(delta[calls], iv[calls])
        put_iv[number] = _at_quarter(delta[puts], iv[puts])
    return Skew(smile.atm_iv[np.asarray(expiries, dtype=np.int64)], call_iv, put_iv)


def _at_quarter(delta: Floats, iv: Floats) -> float:
    """The IV at a delta of 0.25, at the first of the strikes, outward, between which it lies; NaN where it does not."""
    around = np.flatnonzero((delta[:-1] >= QUARTER) & (delta[1:] < QUARTER))
    if not len(around):
        return float(iv[-1]) if len(delta) and delta[-1] == QUARTER else np.nan
    near, far = around[0], around[0] + 1
    share = (delta[near] - QUARTER) / (delta[near] - delta[far])
    return float(iv[near] + share * (iv[far] - iv[near]))


def constant_maturity(years: Floats, iv: Floats, days: float = CONSTANT_DAYS) -> float | None:
    """The volatility of so many days, total variance linear in time between the expiries around them.

    None where no expiry is as early, or none as late: nothing is said beyond the ends.
    """
    known = np.isfinite(iv) & (years > 0)
    order = np.argsort(years[known], kind="stable")
    ends, variance = years[known][order], (iv[known] ** 2 * years[known])[order]
    target = days / DAYS_A_YEAR
    if not len(ends) or not ends[0] <= target <= ends[-1]:
        return None
    return float(np.sqrt(np.interp(target, ends, variance) / target))


def iv_30d(chain: OptionChain, smile: Smile) -> float | None:
    """The volatility at the money of 30 days, over every living expiry."""
    leads = lead_expiries(chain, smile, np.arange(len(smile.years)))
    return constant_maturity(smile.years[leads], smile.atm_iv[leads])


def daily_closes(times: Floats, values: Floats, session: Session) -> dict[date, float]:
    """The last value of each day by the market's clock, in order; New York's days without trading are left out.

    Args:
        times: Instants, epoch seconds UTC, ascending.
        values: NaN where there is none; as many.
        session: Whose clock it is.
    """
    known = np.isfinite(values)
    closes = {
        expiry_date(time, session): value
        for time, value in zip(times[known].tolist(), values[known].tolist(), strict=True)
    }
    if session is Session.UTC:
        return closes
    return {day: value for day, value in closes.items() if is_trading_day(day)}


def rank_among(before: Sequence[float], now: float | None) -> Rank:
    """The rank of today's volatility among the closes of the days before and itself (quant/formulas 11)."""
    every = np.array([*before, now] if now is not None else before, dtype=np.float64)
    low, high = (float(every.min()), float(every.max())) if len(every) else (None, None)
    if now is None or low is None or high is None or len(every) < FEWEST_DAYS or low == high:
        return Rank(len(every), None, None, low, high)
    return Rank(len(every), (now - low) / (high - low), float(np.count_nonzero(every < now)) / len(every), low, high)
