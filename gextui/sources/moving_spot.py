"""Spot where an index stands still and its options trade on: what they imply."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

import numpy as np

from gextui.market.calendar import NEW_YORK, new_york, years_to_expiry
from gextui.market.chain import OptionChain
from gextui.market.option_hours import quotes_until, regular_until
from gextui.market.ticker import Kind
from gextui.pricing.parity import PRICED_BY_FUTURES, implied_spot, waiting_to_settle

FROZEN_AFTER = timedelta(minutes=10)
"""An index that was computed longer than this before the options' quotes stands still."""


def with_a_moving_spot(chain: OptionChain, traded_at: datetime | None) -> OptionChain:
    """The chain of an index that stood still while its options traded gets the spot that they imply.

    Args:
        chain: The chain, whose spot is the index as it stands.
        traded_at: When that was computed; None where nobody says.
    """
    if (still := _stands_still(chain, traded_at)) is None:
        return chain
    if still.implied is None:
        note = f"{still.words}, and the options' quotes do not agree on another price: it stands for spot."
        return replace(chain, notes=(*chain.notes, note))
    spot, expiry = still.implied
    note = f"{still.words}: spot {spot:,.2f} is implied by the options of {_day(expiry)} (put-call parity)."
    slept = traded_at is None or trading_day(traded_at) < trading_day(still.quoted_at)
    moved = replace(
        chain,
        spot=spot,
        # Overnight the change is measured from the close, which is where the index stands.
        previous_close=chain.spot if slept else chain.previous_close,
        notes=(*chain.notes, note),
    )
    return _without_last_quotes(moved)


def with_a_standing_spot(chain: OptionChain, traded_at: datetime) -> OptionChain:
    """A recorded chain of such an index keeps the spot that its file gives; a sentence says what its options imply."""
    still = _stands_still(chain, traded_at)
    if still is None or still.implied is None:
        return chain
    spot, expiry = still.implied
    note = f"{still.words}; the options of {_day(expiry)} imply {spot:,.2f}: --spot {spot:.2f} reads the file so."
    return replace(chain, notes=(*chain.notes, note))


class _Still(NamedTuple):
    """An index that stands still."""

    quoted_at: datetime
    """Of when its options' quotes are."""
    words: str
    implied: tuple[float, float] | None
    """What `implied_spot` finds in them."""


def _stands_still(chain: OptionChain, traded_at: datetime | None) -> _Still | None:
    """Whether the chain's underlying is an index that was computed well before its options were quoted."""
    ticker = chain.ticker
    if chain.halt is not None or ticker.kind is not Kind.INDEX or ticker.symbol in PRICED_BY_FUTURES:
        return None
    quoted_at = quotes_until(ticker, chain.quoted_at)
    if quoted_at - (traded_at or regular_until(ticker, quoted_at)) <= FROZEN_AFTER:
        return None
    since = "" if traded_at is None else f" since {new_york(traded_at, chain.as_of)}"
    # At the quotes' own instant: as long as they stay the same, so does what they imply.
    found = implied_spot(replace(chain, as_of=quoted_at.astimezone(UTC)))
    return _Still(quoted_at, f"The index has stood still at {chain.spot:,.2f}{since}", found)


def _day(expiry: float) -> date:
    return datetime.fromtimestamp(expiry, NEW_YORK).date()


def _without_last_quotes(chain: OptionChain) -> OptionChain:
    """What trades no more and waits to settle has forwards of spot as it is now: its quotes are of the last close."""
    waiting = np.zeros(len(chain.expiries), dtype=np.bool_)
    waiting[waiting_to_settle(chain)] = True
    if not waiting.any():
        return chain
    years = years_to_expiry(chain.as_of_seconds, chain.expiries)
    rows = waiting[chain.expiry]
    return replace(
        chain,
        forwards=np.where(waiting, chain.spot * np.exp(chain.rate * years), chain.forwards),
        bid=np.where(rows, np.nan, chain.bid),
        ask=np.where(rows, np.nan, chain.ask),
    )


def trading_day(at: datetime) -> date:
    """The day that a night session belongs to: from 20:15 on the next one."""
    return (at.astimezone(NEW_YORK) + timedelta(hours=4)).date()
