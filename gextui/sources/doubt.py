"""Whether a chain is believable after the one before it: one bad tick must not move the levels, nor a wiped file."""

from datetime import date, datetime

import numpy as np

from gextui.exposure.book import match_rows
from gextui.exposure.change import lies_before_a_break
from gextui.market.calendar import NEW_YORK, MarketState, market_state
from gextui.market.chain import Booleans, OptionChain
from gextui.market.ticker import Session
from gextui.pricing.parity import PRICED_BY_FUTURES, implied_spot
from gextui.pricing.smile import usable_iv

LARGEST_STEP = 0.2
"""A spot that moves by a larger fraction from one chain to the next is doubted."""
CONVINCING = 3
"""So many doubtful chains in a row, if they agree with each other, are believed."""
CONTRADICTED = 0.05
"""A spot further than this fraction from what its own chain's options imply is contradicted by them."""
LEAST_KEPT = 0.6
"""What keeps a smaller share of the contracts, open interest or IVs of the chain before it has lost them."""
_ONE_STEP = 3600.0
"""Seconds: between chains further apart any move is possible."""
_REMEMBERED = 4 * 86400.0
"""Seconds for which a chain says what the next ones must hold: the longest weekend."""
_CLOCKS_DIFFER = 60.0
"""Seconds by which the clock that an expiry left by may be ahead of ours."""
_FEWEST = 50
"""Smaller chains are not judged by their sums."""
_SHARE_OF_NOTE = 0.02
"""An expiry with more of the open interest than this does not vanish before its time."""
_OVERNIGHT, _WITHIN_A_DAY = 0.5, 0.8
"""What most contracts keep of their open interest at the least, from one day to the next and within one."""
_HELD = 10.0
"""A contract with less open interest may lose it on any day."""
_FEWEST_HELD = 10
"""Fewer contracts with more say nothing of the calls, the puts or an expiry that they are."""


class Doubts:
    """One ticker's chains in the order they come, and which of them are believed."""

    def __init__(self) -> None:
        self.believed: OptionChain | None = None
        """The newest that was."""
        self._doubted: list[OptionChain] = []

    def about(self, chain: OptionChain, now: float | None = None) -> str:
        """Why this chain, seen at ``now`` (epoch seconds), is not believed, in a sentence; empty where it is."""
        if self.believed is not None and (lost := losses(self.believed, chain, now)):
            return f"{lost}; what it had before is kept"  # however often it is repeated
        if self.believed is not None and (words := _contradiction(self.believed, chain)):
            return f"{words}; what it had before is kept"  # a stuck file repeats itself
        reason = "" if self.believed is None else _oddity(self.believed, chain)
        if reason:
            if self._doubted and _oddity(self._doubted[-1], chain):
                self._doubted.clear()
            self._doubted.append(chain)
            if len(self._doubted) < CONVINCING:
                return reason
        self._doubted.clear()
        self.believed = chain
        return ""


def losses(before: OptionChain, chain: OptionChain, now: float | None = None) -> str:
    """What a chain of US options has lost since ``before``, in words; empty for nothing.

    What has expired by ``now`` is not lost: it leaves at its instant, and a delayed chain is of a little before that.
    Vendors wipe open interest and IVs overnight and serve half a chain while they build the next day's. The numbers
    are the clearing house's whoever passes them on, so the source does not matter; coins' differ from venue to venue.
    """
    passed = chain.as_of_seconds - before.as_of_seconds
    if chain.ticker.session is not Session.NEW_YORK or not 0.0 <= passed <= _REMEMBERED:
        return ""
    if passed >= _ONE_STEP and lies_before_a_break(before, chain):
        return ""  # a split lists other contracts
    rolled = chain.as_of_seconds if now is None else max(chain.as_of_seconds, now + _CLOCKS_DIFFER)
    had = before.expiries[before.expiry] > rolled
    has = np.isin(chain.expiries, before.expiries)[chain.expiry] & (chain.expiries[chain.expiry] > chain.as_of_seconds)
    contracts, left = int(np.count_nonzero(had)), int(np.count_nonzero(has))
    if contracts < _FEWEST:
        return ""
    if left < LEAST_KEPT * contracts:
        return f"{chain.source} lists only {left:,} of {contracts:,} contracts"
    listed = np.isin(before.expiries, chain.expiries[chain.expiry])
    if chain.partial:  # what is not read yet is not lost
        had &= listed[before.expiry]
    held, kept = (float(np.nansum(each.open_interest[rows])) for each, rows in ((before, had), (chain, has)))
    if kept < LEAST_KEPT * held:
        return f"{chain.source} has wiped open interest: {kept:,.0f} of {held:,.0f} contracts are left"
    for expiry in np.unique(before.expiry[had & ~listed[before.expiry]]):
        if np.nansum(before.open_interest[before.expiry == expiry]) > _SHARE_OF_NOTE * held:
            return f"{chain.source} has wiped the open interest of {_day(before.expiries[expiry])}"
    if changed := _changed(before, chain, has):
        return f"{chain.source} has {changed}"
    priced, still_priced = _priced(before, had), _priced(chain, has)
    if still_priced < LEAST_KEPT * priced:
        return f"{chain.source} has wiped implied volatilities: {still_priced:,} of {priced:,} are left"
    return ""


def _changed(before: OptionChain, chain: OptionChain, rows: Booleans) -> str:
    """Which part of the open interest of these rows was wiped or multiplied, in words; empty for none.

    A day's trading closes a few contracts, a fault takes from most; it is counted overnight, so within a day nothing
    changes but what was missing and comes.
    """
    then = match_rows(chain, before)
    rows = rows & (then >= 0)
    was = np.where(rows, np.nan_to_num(before.open_interest[then]), 0.0)
    now = np.nan_to_num(chain.open_interest)
    same_day = _is_one_day(before, chain)
    kept = now >= (_WITHIN_A_DAY if same_day else _OVERNIGHT) * was
    held = was >= _HELD
    for side, part in (("calls", held & chain.is_call), ("puts", held & ~chain.is_call)):
        if np.count_nonzero(part) < _FEWEST_HELD:
            continue
        before_sum, sum_now = float(was[part].sum()), float(now[part].sum())
        if kept[part].mean() < LEAST_KEPT or (same_day and sum_now < LEAST_KEPT * before_sum):
            return f"wiped the open interest of {side}: {sum_now:,.0f} of {before_sum:,.0f} contracts are left"
        if same_day and before_sum < LEAST_KEPT * sum_now:
            return f"multiplied the open interest of {side}: {sum_now:,.0f} contracts instead of {before_sum:,.0f}"
    for expiry in np.unique(chain.expiry[held]).tolist():
        part = held & (chain.expiry == expiry)
        if np.count_nonzero(part) >= _FEWEST_HELD and kept[part].mean() < LEAST_KEPT:
            return f"wiped the open interest of {_day(chain.expiries[expiry])}"
    return ""


def _day(expiry: float) -> date:
    return datetime.fromtimestamp(expiry, NEW_YORK).date()


def _is_one_day(before: OptionChain, chain: OptionChain) -> bool:
    """Whether both tell of one night's count: one vendor's, of one day between the opening and the evening."""
    states = {market_state(chain.ticker.session, each.as_of) for each in (before, chain)}
    first, last = (each.as_of.astimezone(NEW_YORK).date() for each in (before, chain))
    return before.source == chain.source and first == last and states <= {MarketState.OPEN, MarketState.POST}


def _priced(chain: OptionChain, rows: Booleans) -> int:
    return int(np.isfinite(usable_iv(chain.iv[rows], chain.ticker.highest_iv)).sum())


def _contradiction(before: OptionChain, chain: OptionChain) -> str:
    """How a chain's options contradict that spot moved since ``before``, in words; empty where they do not.

    What they have always been off by (dividends, the cost of borrowing a share) says nothing; nor do coins, whose
    quotes are converted at spot, and out of hours small moves, while the quotes stand still.
    """
    ticker = chain.ticker
    if chain.source != before.source or ticker.session is not Session.NEW_YORK or ticker.symbol in PRICED_BY_FUTURES:
        return ""
    quoted = market_state(ticker.session, chain.quoted_at) is MarketState.OPEN
    if _apart(chain.spot, before.spot) <= (CONTRADICTED if quoted else LARGEST_STEP):
        return ""
    now, then = (implied_spot(each, agreement=CONTRADICTED, widest=CONTRADICTED) for each in (chain, before))
    if now is None or _apart(chain.spot, now[0]) <= CONTRADICTED:
        return ""
    if then is not None and _apart(chain.spot / before.spot, now[0] / then[0]) <= CONTRADICTED:
        return ""
    return f"spot jumped {chain.spot / before.spot - 1.0:+.0%} to {chain.spot:,.2f}, its options imply {now[0]:,.2f}"


def _apart(price: float, other: float) -> float:
    return abs(price / other - 1.0)


def _oddity(before: OptionChain, chain: OptionChain) -> str:
    """What is odd about a chain that follows ``before``; empty for nothing, and from another source."""
    if chain.source != before.source:
        return ""
    seconds = chain.as_of_seconds - before.as_of_seconds
    if seconds < 0:
        return f"a chain of {chain.as_of:%H:%M:%S} UTC came after one of {before.as_of:%H:%M:%S}"
    move = chain.spot / before.spot - 1.0
    if abs(move) > LARGEST_STEP and seconds < _ONE_STEP:
        return f"spot jumped {move:+.0%} to {chain.spot:,.2f}; waiting for {CONVINCING} chains to agree"
    return ""
