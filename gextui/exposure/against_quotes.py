"""What a chain's own quotes say against its spot and its implied volatilities, in sentences."""

from datetime import UTC, datetime

import numpy as np

from gextui.market.calendar import NEW_YORK, years_to_expiry
from gextui.market.chain import OptionChain
from gextui.market.option_hours import quotes_until
from gextui.market.ticker import Session
from gextui.pricing.smile import ForwardFrom, Smile, mid_quotes

STALE_SPOT_TODAY, STALE_SPOT = 0.002, 0.006
"""A spot this far, as a fraction, from what the nearest options imply is from another time than their quotes. Until
today's expiry no dividend can explain it; later one can explain some of it."""
NEAREST = 14 * 86400.0
"""Seconds: options that live longer do not say what spot is."""
TODAY = 12 * 3600.0
OTHER_PRICE = 1.7
"""IVs that price the options near the money at so many times their quotes, or so many times less, are of other options.
The middle one of 1,473 recorded expiries with a day or more to live is at 0.65 to 1.40 times."""
_DAY = 1.0 / 365.0
"""Years: of options that live shorter the hour of an IV matters more than the IV."""
_NEAR = 0.5
"""Sigmas from the forward: further out small differences of price are large ones of volatility."""
_NARROW = 0.2
"""The largest width of a quote, as a fraction of its middle."""
_AT_THE_MONEY = 1.0 / (2.0 * np.pi) ** 0.5
_FEWEST = 2
"""Fewer quotes of an expiry say nothing."""


def stale_spot(chain: OptionChain, smile: Smile, front: int) -> str | None:
    """A sentence when put-call parity of a source's nearest expiry contradicts the spot that it gives."""
    if chain.expiries[front] - chain.as_of_seconds > NEAREST:
        return None
    spot = float(chain.spots[front])
    allowed = STALE_SPOT_TODAY if chain.expiries[front] - chain.as_of_seconds < TODAY else STALE_SPOT
    implied = float(smile.forward[front] / smile.carried_forward[front]) * spot
    if smile.forward_from[front] != ForwardFrom.PARITY or abs(implied / spot - 1.0) <= allowed:
        return None
    return (
        f"spot {spot:,.2f} is {100 * (spot / implied - 1):+.2f} % from the {implied:,.2f} that the nearest "
        "options imply: it may be of another time than their quotes"
    )


def other_iv(chain: OptionChain, smile: Smile) -> str | None:
    """A sentence when most IVs near the money of an expiry price their options far from their own quotes."""
    # Some vendors' IVs know of the time that was left when quotes were made, others' of what is left now.
    left = smile.years
    life = years_to_expiry(quotes_until(chain.ticker, chain.quoted_at).timestamp(), chain.expiries)
    reach = np.where(left > _DAY, smile.forward * _NEAR * smile.atm_iv * np.sqrt(life), np.nan)
    rows = np.flatnonzero(np.abs(chain.strike - smile.forward[chain.expiry]) <= reach[chain.expiry])
    expiry, ahead = chain.expiry[rows], chain.strike[rows] - smile.forward[chain.expiry[rows]]
    mid, width = mid_quotes(chain.bid[rows], chain.ask[rows]), chain.ask[rows] - chain.bid[rows]
    quoted = np.where((width <= _NARROW * mid) & (chain.is_call[rows] == (ahead >= 0)), mid, np.nan)
    # So near the money the normal model's price, expanded to the second order, is within a percent of Black's.
    sigma = smile.forward[expiry] * smile.leg_iv[rows] * np.sqrt(life[expiry])
    away = np.abs(ahead) / sigma
    priced = sigma * (_AT_THE_MONEY * (1.0 + 0.5 * away * away) - 0.5 * away)
    times = priced * np.exp(-chain.rates[expiry] * life[expiry]) / quoted
    other = (times * np.sqrt(left[expiry] / life[expiry]) > OTHER_PRICE) | (times < 1.0 / OTHER_PRICE)
    known, contradicted = (
        np.bincount(expiry, weights=counted, minlength=len(chain.expiries)) for counted in (np.isfinite(times), other)
    )
    found = np.flatnonzero((known >= _FEWEST) & (contradicted > 0.5 * known))
    if not len(found):
        return None
    zone = UTC if chain.ticker.session is Session.UTC else NEW_YORK
    first, last = (datetime.fromtimestamp(chain.expiries[at], zone).date() for at in found[[0, -1]])
    typical = float(np.median(times[other & np.isin(expiry, found)]))
    return (
        f"the implied volatilities of {len(found)} expiries ({first if first == last else f'{first} to {last}'}) price "
        f"options at {typical:.2g} times their own quotes: gamma and levels there are of other options"
    )
