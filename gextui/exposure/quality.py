"""Whether a chain can be read at all: what its source wiped, and what a reader must be told."""

import numpy as np

from gextui.exposure.book import Book
from gextui.market.chain import Booleans, Integers, OptionChain
from gextui.pricing.smile import ForwardFrom, Smile

FEWEST_CONTRACTS = 50
"""Smaller chains are not judged by their statistics."""
LEAST_HELD = 0.02
"""A living chain has open interest in more than this share of its contracts."""
LEAST_TO_VOLUME = 0.1
"""A living chain's open interest is more than this multiple of the day's volume."""
LEAST_PRICED = 0.25
"""A living chain has an IV of its own at more than this share of its strikes."""
PARTIAL = 0.95
"""Coverage below which the reader is warned."""
STALE_SPOT_TODAY, STALE_SPOT = 0.002, 0.006
"""A spot this far, as a fraction, from what the nearest options imply is from another time than their quotes. Until
today's expiry no dividend can explain it; later one can explain some of it."""
NEAREST = 14 * 86400.0
"""Seconds: options that live longer do not say what spot is."""
TODAY = 12 * 3600.0


def wiped(chain: OptionChain, smile: Smile, alive: Booleans) -> str | None:
    """Why the chain must not be drawn: one sentence when its source has wiped open interest or IVs, else None.

    ``alive`` are the contracts (N,) that have not expired. Vendors serve such chains overnight (wire/us 4.3).
    """
    if np.count_nonzero(alive) < FEWEST_CONTRACTS:
        return None
    open_interest = chain.open_interest[alive]
    known = open_interest[np.isfinite(open_interest)]
    if not len(known):
        return "the source gives no open interest: no levels"
    if not known.any():
        return "no open interest yet: every contract's is 0, so there are no levels"
    volume = float(np.nansum(chain.volume[alive]))
    held = np.count_nonzero(known > 0) / len(open_interest)
    if held < LEAST_HELD or float(known.sum()) < LEAST_TO_VOLUME * volume:
        return (
            f"the source has wiped open interest (only {known.sum():,.0f} contracts in the whole chain): no levels; "
            "read it again during market hours"
        )
    nodes = np.unique(smile.node[alive])
    if smile.node_own[nodes].mean() < LEAST_PRICED:
        return "the source has wiped the implied volatilities of most strikes: no levels; read it again in market hours"
    return None


def doubts(chain: OptionChain, smile: Smile, book: Book, coverage: float | None) -> tuple[str, ...]:
    """Plain sentences on why to trust the numbers less."""
    found = []
    if coverage is not None and coverage < PARTIAL:
        found.append(f"partial: only {coverage:.1%} of open interest has an IV of its own strike")
    selected = np.unique(chain.expiry[book.used])
    carried = int(np.count_nonzero(smile.forward_from[selected] == ForwardFrom.CARRY))
    if carried:
        found.append(
            f"{carried} of {len(selected)} expiries have no forward of their own: spot grown at "
            f"{chain.rate:.2%}, dividends unknown"
        )
    if stale := _stale_spot(chain, smile, selected):
        found.append(stale)
    return (*found, *chain.notes)


def _stale_spot(chain: OptionChain, smile: Smile, selected: Integers) -> str | None:
    """A sentence when put-call parity of the nearest expiry contradicts the spot given."""
    if not len(selected) or chain.expiries[selected[0]] - chain.as_of_seconds > NEAREST:
        return None
    front = selected[0]
    allowed = STALE_SPOT_TODAY if chain.expiries[front] - chain.as_of_seconds < TODAY else STALE_SPOT
    implied = float(smile.forward[front] / smile.carried_forward[front]) * chain.spot
    if smile.forward_from[front] != ForwardFrom.PARITY or abs(implied / chain.spot - 1.0) <= allowed:
        return None
    return (
        f"spot {chain.spot:,.2f} is {100 * (chain.spot / implied - 1):+.2f} % from the {implied:,.2f} that the nearest "
        "options imply: it may be of another time than their quotes"
    )
