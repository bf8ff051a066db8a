"""Whether a chain can be read at all: what its source wiped, and what a reader must be told."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import numpy as np

from gextui.exposure.against_quotes import other_iv, stale_spot
from gextui.exposure.book import Book
from gextui.exposure.parts import PartOfBook
from gextui.market.calendar import NEW_YORK, SHORTEST_LIFE, new_york
from gextui.market.chain import Booleans, Floats, OptionChain
from gextui.market.ticker import Kind, Session
from gextui.pricing.parity import waiting_to_settle
from gextui.pricing.smile import ForwardFrom, Smile

FEWEST_CONTRACTS = 50
"""Smaller chains are not judged by their statistics."""
LEAST_HELD = 0.02
"""A living chain has open interest in more than this share of its contracts."""
LEAST_TO_VOLUME = 0.02
"""A living chain's open interest is more than this multiple of the day's volume: SPY's last day alone had 0.07, wiped
chains have 0.001 at the most."""
LEAST_OF_A_SIDE = 0.02
"""Of US options calls have more than this fraction of the puts' open interest, and the other way round: recorded chains
have 0.34 at the least."""
LEAST_PRICED = 0.25
"""A living chain has an IV of its own at more than this share of its strikes."""
MOST_GUESSED = 0.5
"""A smaller share of a living chain's IVs are a solver's first guesses: recorded ones have 3 %, wiped ones 99 %."""
_LOWEST_GUESS = 1e-5
PARTIAL = 0.95
"""Coverage below which the reader is warned."""
MOST_BLANK = 0.02
"""US vendors leave open interest blank in contracts that nobody holds: recorded healthy chains in 1.3 % at the most.
Coins' venues say 0, and leave none blank."""
TRADED_WHEN_LISTED = 0.05
"""Expiries that were just listed make less than this fraction of the day's volume."""
SHORT_LIVED = 4.0
"""With fewer delays left to live, gamma at an IV of before is overstated by more than a tenth."""
FAR_APART = 0.01
"""Two venues' prices of one underlying that differ by more, as a fraction, are of different times, or one is wrong."""


def refused(chain: OptionChain, smile: Smile) -> tuple[Booleans, tuple[str, ...]]:
    """Which contracts must not be counted since their source has wiped them, and a sentence for each such source.

    Vendors serve such chains overnight (wire/us 4.3). Of several venues each is judged by itself; (N,).
    """
    wiped = np.zeros(len(chain), dtype=np.bool_)
    reasons = []
    for name, expiries in _venues(chain):
        rows = expiries[chain.expiry]
        reason = _wiped(chain, smile, rows & (smile.years[chain.expiry] > 0))
        if reason is not None:
            wiped |= rows
            reasons.append(name + reason)
    return wiped, tuple(reasons)


def _venues(chain: OptionChain) -> Iterator[tuple[str, Booleans]]:
    """What a sentence on each venue begins with, and which expiries are its; of a single source nothing, and all."""
    if not chain.parts:
        yield "", np.ones(len(chain.expiries), dtype=np.bool_)
    for at, part in enumerate(chain.parts):
        yield f"{part.name}: ", chain.part == at


def _wiped(chain: OptionChain, smile: Smile, alive: Booleans) -> str | None:
    """Why those contracts must not be drawn: one sentence when their open interest or IVs are wiped, else None."""
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
    if (side := _wiped_side(chain, alive)) is not None:
        return f"the source has wiped the open interest of {side}: no levels; read it again during market hours"
    nodes = np.unique(smile.node[alive])
    given = smile.leg_iv[alive & np.isfinite(smile.leg_iv)]
    guessed = bool(len(given)) and _is_first_guess(given).mean() > MOST_GUESSED
    if guessed or smile.node_own[nodes].mean() < LEAST_PRICED:
        return "the source has wiped the implied volatilities of most strikes: no levels; read it again in market hours"
    return None


def _wiped_side(chain: OptionChain, alive: Booleans) -> str | None:
    """``calls`` or ``puts`` where those of US options hold next to nothing; the clearing house counts both at once."""
    sides = {"calls": alive & chain.is_call, "puts": alive & ~chain.is_call}
    if chain.ticker.session is not Session.NEW_YORK or min(map(np.count_nonzero, sides.values())) < FEWEST_CONTRACTS:
        return None
    held = {side: float(np.nansum(chain.open_interest[rows])) for side, rows in sides.items()}
    least = min(held, key=lambda side: held[side])
    return least if held[least] < LEAST_OF_A_SIDE * max(held.values()) else None


def _is_first_guess(iv: Floats) -> Booleans:
    """Which IVs are what halving [1e-5, 1] stops at where there is no price to solve: 0.500005, 0.2500075 ...

    Yahoo serves them for contracts without quotes, which at night are all of them.
    """
    half, _ = np.frexp((iv - _LOWEST_GUESS) / (1.0 - _LOWEST_GUESS))
    guessed: Booleans = (np.abs(half - 0.5) < 1e-9) | (np.abs(half - 1.0) < 1e-9)
    return guessed


def doubts(
    chain: OptionChain, smile: Smile, book: Book, coverage: float | None, parts: Sequence[PartOfBook]
) -> tuple[str, ...]:
    """Plain sentences on why to trust the numbers less."""
    found = [*_halted(chain), *_stale_parts(parts), *_apart(chain)]
    if coverage is not None and coverage < PARTIAL:
        found.append(f"partial: only {coverage:.1%} of open interest has an IV of its own strike")
    if bad := chain.dropped.get("bad_number"):
        found.append(
            f"partial: {bad:,} of {chain.total:,} contracts are left out since a number of theirs is negative or "
            "infinite; what is held there is missing from every level"
        )
    found += _blank(chain, smile, book)
    found += _unheld(chain, smile, book)
    selected = np.bincount(chain.expiry[book.used], minlength=len(chain.expiries)) > 0
    waiting = waiting_to_settle(chain)
    found += [_settling(chain, expiry) for expiry in waiting if selected[expiry]]
    for name, expiries in _venues(chain):
        of = np.flatnonzero(selected & expiries)
        if not len(of):
            continue
        carried = int(np.count_nonzero(smile.forward_from[of] == ForwardFrom.CARRY))
        if carried:
            found.append(
                f"{name}{carried} of {len(of)} expiries have no forward of their own: spot grown at "
                f"{chain.rates[of[0]]:.2%}, dividends unknown"
            )
        trading = [expiry for expiry in of.tolist() if expiry not in waiting]
        if not trading:
            continue
        found += _late(chain, trading[0])
        if stale := stale_spot(chain, smile, trading[0]):
            found.append(name + stale)
    if other := other_iv(chain, smile):
        found.append(other)
    return (*found, *chain.notes)


def _halted(chain: OptionChain) -> Iterator[str]:
    """A sentence when the underlying does not trade: its quotes are of before."""
    if (halt := chain.halt) is not None:
        symbol, since = chain.ticker.symbol, new_york(halt.since, chain.as_of)
        if halt.stated:
            yield f"trading in {symbol} is halted since {since}: quotes and levels are of before"
        else:
            yield (
                f"{symbol} seems halted: neither it nor its options have traded since {since} though New York is "
                "open; quotes and levels are of before"
            )


def _settling(chain: OptionChain, expiry: int) -> str:
    """A sentence on options that are counted though nobody can trade them any more."""
    root = chain.roots[chain.root[np.argmax(chain.expiry == expiry)]]
    day = datetime.fromtimestamp(chain.expiries[expiry], NEW_YORK)
    return f"{root} of {day:%d %b} trades no more and counts until it settles at {day:%H:%M} New York"


def _blank(chain: OptionChain, smile: Smile, book: Book) -> Iterator[str]:
    """Which venues do not tell the open interest of contracts that somebody may hold."""
    living = (smile.years[chain.expiry] > 0) & ~book.refused
    for at, (name, expiries) in enumerate(_venues(chain)):
        rows = living & expiries[chain.expiry]
        contracts, blank = np.count_nonzero(rows), np.count_nonzero(rows & np.isnan(chain.open_interest))
        coins = chain.ticker.kind is Kind.COIN and not (chain.parts and chain.parts[at].of_another)
        if (0 if coins else MOST_BLANK * contracts) < blank < contracts:
            yield (
                f"{name}partial: {blank:,} of {contracts:,} contracts have no open interest: just listed, or the "
                "source left it out; what is held there is missing from every level"
            )


def _unheld(chain: OptionChain, smile: Smile, book: Book) -> Iterator[str]:
    """Which expiries of US options trade much though their source says that nobody holds any."""
    if chain.ticker.session is not Session.NEW_YORK:
        return
    counted = (smile.years[chain.expiry] > 0) & ~book.refused
    contracts, held, traded = (
        np.bincount(chain.expiry[counted], weights=np.nan_to_num(column[counted]), minlength=len(chain.expiries))
        for column in (np.ones(len(chain)), chain.open_interest, chain.volume)
    )
    unheld = np.flatnonzero((contracts >= FEWEST_CONTRACTS) & (held == 0) & (traded > 0))
    if traded[unheld].sum() > TRADED_WHEN_LISTED * traded.sum():
        first, last = (datetime.fromtimestamp(chain.expiries[at], NEW_YORK).date() for at in unheld[[0, -1]])
        days = f"{first}" if first == last else f"{first} to {last}"
        yield (
            f"partial: {len(unheld)} of {np.count_nonzero(contracts)} expiries trade and have no open interest "
            f"({days}): the source left it out, and what is held there is missing from every level"
        )


def _late(chain: OptionChain, front: int) -> Iterator[str]:
    """A sentence when quotes are so late that an expiry lives much shorter than they knew."""
    left = chain.expiries[front] - chain.as_of_seconds
    if chain.delay > 0 and left < SHORT_LIVED * chain.delay:
        times = ((left + chain.delay) / max(left, SHORTEST_LIFE)) ** 0.5
        yield (
            f"the nearest expiry has {left / 60:.0f} min left and its quotes are {chain.delay / 60:.0f} min old: they "
            f"know of more time, so its gamma near the money is up to {times:.1f} times too high"
        )


def _stale_parts(parts: Sequence[PartOfBook]) -> Iterator[str]:
    """Which venues are shown as they last were, and how much of the book that is."""
    for each in parts:
        if each.part.stale:
            share = "none" if each.share is None else f"{each.share:.1%}"
            why = f" ({each.part.detail})" if each.part.detail else ""
            yield f"{each.part.name} is stale{why}: {share} of gross GEX is shown as stale"


def _apart(chain: OptionChain) -> Iterator[str]:
    """A sentence when two venues' prices of the underlying differ by more than can be."""
    if chain.parts:
        low, high = (pick(chain.parts, key=lambda part: part.spot) for pick in (min, max))
        if high.spot / low.spot - 1.0 > FAR_APART:
            yield (
                f"sources differ: {high.name}'s spot {high.spot:,.2f} is {high.spot / low.spot - 1.0:.1%} above "
                f"{low.name}'s {low.spot:,.2f}; one of them is of another time, or wrong"
            )
