"""The clean smile: one forward an expiry, one implied volatility a strike, for a whole chain at once."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from gextui.market.calendar import years_to_expiry
from gextui.market.chain import Booleans, Floats, Integers, OptionChain
from gextui.pricing.implied import implied_volatility

PARITY_STRIKES = 6
"""Forwards from put-call parity are the median over at most so many strikes nearest the money."""
BELIEVABLE_PARITY = 0.25
"""A parity forward further than this fraction from the carried one comes from broken quotes and is not used."""
SMALLEST_IV = 1e-4
"""Below it a vendor means "none": Yahoo writes 1e-5."""
PLACEHOLDER_IVS = (5.0, 10.0)
"""Caps that vendors print where they have no IV: 500 % (Bybit), 10.0 (Tradier)."""


class ForwardFrom(IntEnum):
    """Where an expiry's forward comes from, best first."""

    SOURCE = 0
    PARITY = 1
    CARRY = 2
    """Spot grown at the interest rate, dividends unknown."""


@dataclass(frozen=True, slots=True, eq=False)
class Smile:
    """Forwards and clean IVs of a chain of N contracts and E expiries; calls and puts of a strike share a node (M)."""

    years: Floats
    """Year fractions, 0 once expired; shape (E,)."""
    forward: Floats
    """Shape (E,)."""
    forward_from: Integers
    """A `ForwardFrom` an expiry; shape (E,)."""
    carried_forward: Floats
    """Spot grown at the rate, whatever the source says; shape (E,)."""
    atm_iv: Floats
    """The clean smile at the forward; NaN where an expiry has no IV at all; shape (E,)."""
    node: Integers
    """Index of each contract's node, ascending by expiry, then strike; shape (N,)."""
    node_iv: Floats
    """Clean IV a node, interpolated where it has none of its own; shape (M,)."""
    node_own: Booleans
    """Whether that IV is the strike's own; shape (M,)."""
    leg_iv: Floats
    """The IV given for the very contract, NaN where it is missing; shape (N,)."""

    @property
    def iv(self) -> Floats:
        """Clean IV a contract; shape (N,)."""
        return self.node_iv[self.node]


def usable_iv(iv: Floats, highest: float) -> Floats:
    """``iv`` with what counts as missing set to NaN: not positive, a vendor's placeholder, or above ``highest``."""
    usable = (iv > SMALLEST_IV) & (iv <= highest)
    for placeholder in PLACEHOLDER_IVS:
        usable &= iv != placeholder
    return np.where(usable, iv, np.nan)


def mid_quotes(bid: Floats, ask: Floats) -> Floats:
    """The mid of two-sided quotes; NaN where a side is missing or the quote is crossed."""
    return np.where((bid > 0) & (ask >= bid), 0.5 * (bid + ask), np.nan)


def fit_smile(chain: OptionChain) -> Smile:
    """Forwards and clean IVs by the rules of the house.

    A forward is the source's own, else the median of put-call parity over the strikes nearest the money, else spot
    grown at the rate. A strike's IV is the out-of-the-money side's (call where K >= F, put below), else the other
    side's, else solved from the out-of-the-money mid, else interpolated along the smile in log-moneyness, flat beyond
    the last strike.
    """
    years = years_to_expiry(chain.as_of_seconds, chain.expiries)
    growth = np.exp(chain.rates * years)
    carried = chain.spots * growth
    new_node = np.empty(len(chain), dtype=np.bool_)
    new_node[:1] = True
    np.logical_or(np.diff(chain.expiry) != 0, np.diff(chain.strike) != 0, out=new_node[1:])
    node = np.cumsum(new_node) - 1
    expiry, strike = chain.expiry[new_node], chain.strike[new_node]

    leg_iv = usable_iv(chain.iv, chain.ticker.highest_iv)
    call_iv = _by_node(leg_iv, chain.is_call, node, len(strike))
    put_iv = _by_node(leg_iv, ~chain.is_call, node, len(strike))

    forward, forward_from = chain.forwards.copy(), np.full(len(years), int(ForwardFrom.SOURCE))
    call_mid = put_mid = None
    unknown = ~(forward > 0)
    call_is_otm = strike >= forward[expiry]
    iv = np.where(call_is_otm, call_iv, put_iv)
    if unknown.any() or np.isnan(iv).any():
        mid = mid_quotes(chain.bid, chain.ask)
        call_mid = _by_node(mid, chain.is_call, node, len(strike))
        put_mid = _by_node(mid, ~chain.is_call, node, len(strike))
    if unknown.any() and call_mid is not None and put_mid is not None:
        parity = _parity_forwards(strike, expiry, call_mid, put_mid, chain.spots, growth)
        believable = np.abs(parity / carried - 1.0) <= BELIEVABLE_PARITY
        forward = np.where(unknown, np.where(believable, parity, carried), forward)
        forward_from[unknown] = np.where(believable, int(ForwardFrom.PARITY), int(ForwardFrom.CARRY))[unknown]
        call_is_otm = strike >= forward[expiry]
        iv = np.where(call_is_otm, call_iv, put_iv)

    iv = np.where(np.isnan(iv), np.where(call_is_otm, put_iv, call_iv), iv)
    missing = np.isnan(iv) & (years[expiry] > 0)
    if missing.any() and call_mid is not None and put_mid is not None:
        price = np.where(call_is_otm, call_mid, put_mid)[missing]
        at = expiry[missing]
        rate = chain.rates[at]
        solved = implied_volatility(price, forward[at], strike[missing], years[at], call_is_otm[missing], rate)
        iv[missing] = usable_iv(solved, chain.ticker.highest_iv)
    own = np.isfinite(iv)
    moneyness = np.log(strike / forward[expiry])
    if not own.all():
        iv = _interpolate(moneyness, iv, expiry, len(years))
    return Smile(
        years=years,
        forward=forward,
        forward_from=forward_from,
        carried_forward=carried,
        atm_iv=_at_the_money(moneyness, iv, expiry, len(years)),
        node=node,
        node_iv=iv,
        node_own=own,
        leg_iv=leg_iv,
    )


def _by_node(values: Floats, rows: Booleans, node: Integers, nodes: int) -> Floats:
    """The first finite value a node among the chosen rows; NaN where there is none."""
    result = np.full(nodes, np.nan)
    chosen = np.flatnonzero(rows & np.isfinite(values))[::-1]
    result[node[chosen]] = values[chosen]
    return result


def _parity_forwards(
    strike: Floats, expiry: Integers, call_mid: Floats, put_mid: Floats, spot: Floats, growth: Floats
) -> Floats:
    """F = K + e^(rT) (C - P), the median over the quoted strikes nearest spot; NaN where none is quoted."""
    implied = strike + growth[expiry] * (call_mid - put_mid)
    quoted = np.flatnonzero(np.isfinite(implied))
    quoted = quoted[np.lexsort((np.abs(strike[quoted] - spot[expiry[quoted]]), expiry[quoted]))]
    rank = np.arange(len(quoted)) - np.searchsorted(expiry[quoted], expiry[quoted])
    near = rank < PARITY_STRIKES
    table = np.full((len(growth), PARITY_STRIKES), np.inf)
    table[expiry[quoted[near]], rank[near]] = implied[quoted[near]]
    table.sort(axis=1)
    count = np.isfinite(table).sum(axis=1)
    rows = np.arange(len(growth))
    median: Floats = 0.5 * (table[rows, np.maximum(count - 1, 0) // 2] + table[rows, count // 2])
    return np.where(count > 0, median, np.nan)


def _interpolate(moneyness: Floats, iv: Floats, expiry: Integers, expiries: int) -> Floats:
    """Fill missing node IVs linearly in log-moneyness along each expiry, flat beyond its ends."""
    filled = iv.copy()
    known = np.isfinite(iv)
    starts = np.searchsorted(expiry, np.arange(expiries + 1))
    for at in np.unique(expiry[~known]):
        nodes = slice(starts[at], starts[at + 1])
        have = known[nodes]
        if have.any():
            filled[nodes] = np.interp(moneyness[nodes], moneyness[nodes][have], iv[nodes][have])
    return filled


def _at_the_money(moneyness: Floats, iv: Floats, expiry: Integers, expiries: int) -> Floats:
    """The clean smile at log-moneyness 0, by expiry."""
    starts = np.searchsorted(expiry, np.arange(expiries))
    ends = np.searchsorted(expiry, np.arange(expiries), side="right")
    below = np.bincount(expiry, weights=moneyness < 0, minlength=expiries).astype(np.int64)
    last = np.maximum(ends - 1, starts)
    low = np.clip(starts + below - 1, starts, last)
    high = np.clip(starts + below, starts, last)
    width = moneyness[high] - moneyness[low]
    share = np.where(width > 0, -moneyness[low] / np.where(width > 0, width, 1.0), 0.0)
    at: Floats = iv[low] + share * (iv[high] - iv[low])
    return at
