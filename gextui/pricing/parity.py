"""What options say spot is, by put-call parity, where their underlying's own price stands still."""

import numpy as np

from gextui.market.calendar import Settlement, settlement_of, years_to_expiry
from gextui.market.chain import OptionChain
from gextui.pricing.smile import PARITY_STRIKES, mid_quotes

FEWEST_STRIKES = 4
"""Fewer strikes with two-sided quotes say nothing."""
AGREEMENT = 0.001
"""Strikes whose implied prices differ by more than this fraction do not agree."""
WIDEST = 0.005
"""Quotes wider than this fraction of the strike, call's and put's together, say nothing."""
PRICED_BY_FUTURES = frozenset({"VIX"})
"""Indices of which options say what their future will be, not what they are."""
_EXPIRIES = 4
"""So many of the nearest are tried."""
_LAST_NIGHT = 17.25 * 3600.0
"""Seconds from the last close, 16:15 New York, to the open at which an AM-settled expiry settles."""


def implied_spot(
    chain: OptionChain, *, agreement: float = AGREEMENT, widest: float = WIDEST
) -> tuple[float, float] | None:
    """Spot by the nearest expiry whose quotes near the money agree, and that expiry's instant; None where none does.

    S = K e^(-rT) + C - P, the median over the strikes at which calls and puts cost most nearly the same. Dividends up
    to the expiry are not known and not added.

    Args:
        chain: Whose quotes are read.
        agreement: By which fraction the strikes' prices may differ.
        widest: The fraction of the strike by which a call's and a put's quotes, together, may be wide.
    """
    years = years_to_expiry(chain.as_of_seconds, chain.expiries)
    mid, width = mid_quotes(chain.bid, chain.ask), chain.ask - chain.bid
    for expiry in _trading(chain)[:_EXPIRIES]:
        rows = np.flatnonzero((chain.expiry == expiry) & np.isfinite(mid))
        calls, puts = rows[chain.is_call[rows]], rows[~chain.is_call[rows]]
        strike, call, put = np.intersect1d(chain.strike[calls], chain.strike[puts], return_indices=True)
        call, put = calls[call], puts[put]
        narrow = width[call] + width[put] <= widest * strike
        strike, difference = strike[narrow], (mid[call] - mid[put])[narrow]
        nearest = np.argsort(np.abs(difference), kind="stable")[:PARITY_STRIKES]
        implied = strike[nearest] * np.exp(-chain.rate * years[expiry]) + difference[nearest]
        if len(implied) >= FEWEST_STRIKES and np.ptp(implied) <= agreement * np.median(implied):
            return float(np.median(implied)), float(chain.expiries[expiry])
    return None


def waiting_to_settle(chain: OptionChain) -> list[int]:
    """The expiries that trade no more and are not settled yet: those of the morning, since the afternoon before."""
    left = chain.expiries - chain.as_of_seconds
    found = []
    for expiry in np.flatnonzero((left > 0) & (left < _LAST_NIGHT)).tolist():
        of = chain.expiry == expiry
        if of.any() and settlement_of(chain.roots[chain.root[of.argmax()]]) is Settlement.AM:
            found.append(expiry)
    return found


def _trading(chain: OptionChain) -> list[int]:
    """The expiries that trade, the nearest first."""
    ahead = np.unique(chain.expiry[chain.expiries[chain.expiry] > chain.as_of_seconds])
    return sorted(set(ahead.tolist()) - set(waiting_to_settle(chain)))
