"""Whether a chain can be read at all: what its source wiped, and what a reader must be told."""

import numpy as np

from gextui.exposure.book import Book
from gextui.market.chain import Booleans, OptionChain
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
    return (*found, *chain.notes)
