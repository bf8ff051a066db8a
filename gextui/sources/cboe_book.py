"""One ticker's delayed quotes: what a document says after the one before it, and the chain that makes."""

from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from gextui.market.calendar import new_york
from gextui.market.chain import OptionChain
from gextui.market.ticker import Ticker
from gextui.sources.cboe import EARLY, Document, read_document
from gextui.sources.doubt import losses
from gextui.sources.failure import Failure, FetchError
from gextui.sources.moving_spot import with_a_moving_spot
from gextui.sources.source import BadInputError

SOURCE = "cboe"
_RELIC = 4 * 86400.0
"""Seconds after which a document is history: it is shown as it was, and nothing leaves it any more."""
_COLUMNS = ("root", "expiry", "strike", "is_call", "iv", "open_interest", "volume", "bid", "ask", "multiplier")
_BEGUN = 0.1
"""Open interest that differs in a larger share of the contracts has been counted anew."""


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What a document says."""

    stamp: datetime
    """When it was made."""
    chain: OptionChain
    """The very one before where it says nothing new."""
    counted_anew: bool = False
    """Whether open interest is another night's than in the chain before."""


def read_quotes(
    body: bytes,
    ticker: Ticker,
    before: OptionChain | None,
    *,
    rate: float,
    sent: datetime | None,
    on_loopback: bool,
    trading: bool,
) -> Reading:
    """Read a document; slow, so it is called off the event loop.

    Args:
        body: The document.
        ticker: Whose it should be.
        before: The newest good chain.
        rate: The interest rate a year, continuously compounded.
        sent: When the venue sent it.
        on_loopback: Whether it may call itself simulated.
        trading: Whether the market is open: then a chain of a later instant is a new one, though nothing has moved.

    Raises:
        FetchError: it cannot be used; what was known before is worth more.
    """
    try:
        document = read_document(body, sent)
        document = replace(document, capture=replace(document.capture, ticker=_asked_for(document, ticker)))
        chain = document.capture.chain(SOURCE, rate=rate)
    except BadInputError as error:
        raise FetchError(Failure.CONTENT, f"Cboe's file of {ticker.symbol} {error}") from None
    if not len(chain):
        raise FetchError(Failure.CONTENT, f"Cboe's file of {ticker.symbol} lists no options that can be read")
    if sent is not None and chain.as_of > sent + EARLY:
        note = f"The file's timestamp, {new_york(chain.as_of)}, is in the future: taken as of when it was sent."
        chain = replace(chain, as_of=sent, notes=(*chain.notes, note))
    stamp = chain.as_of
    moving = with_a_moving_spot(chain, document.capture.spot_at)
    chain = replace(moving, simulated=document.simulated and on_loopback)
    if before is None:
        return Reading(stamp, chain)
    if stamp < before.as_of:
        words = f"Cboe's file of {ticker.symbol} is of {new_york(stamp, before.as_of)}, older than the one before it"
        raise FetchError(Failure.CONTENT, words)
    if lost := losses(before, chain):
        raise FetchError(Failure.CONTENT, f"{lost}; the chain of {new_york(before.as_of)} is kept")
    if (not trading or stamp == before.as_of) and _same(before, chain):
        return Reading(stamp, before)
    return Reading(stamp, chain, _counted_anew(before, chain))


def _asked_for(document: Document, ticker: Ticker) -> Ticker:
    symbol = document.capture.ticker.symbol
    if symbol != ticker.symbol:
        raise BadInputError(f"is of {symbol}: is the address right?")
    return ticker


def _same(before: OptionChain, chain: OptionChain) -> bool:
    """Whether nothing differs but the time and the words."""
    return (
        (before.spot, before.previous_close, before.rate, before.roots, before.simulated)
        == (chain.spot, chain.previous_close, chain.rate, chain.roots, chain.simulated)
        and dict(before.dropped) == dict(chain.dropped)
        and np.array_equal(before.expiries, chain.expiries)
        and all(
            np.array_equal(getattr(before, name), getattr(chain, name), equal_nan=name not in ("root", "is_call"))
            for name in _COLUMNS
        )
    )


def _counted_anew(before: OptionChain, chain: OptionChain) -> bool:
    """Whether the open interest of many contracts differs; of the same contracts, as lists change overnight too."""
    if len(before) != len(chain) or not np.array_equal(before.strike, chain.strike):
        return False
    return bool((before.open_interest != chain.open_interest).mean() > _BEGUN)


def still_living(chain: OptionChain, now: float) -> OptionChain:
    """The chain without what has expired since it was made; itself where nothing has, or where it is history."""
    return chain if now - chain.as_of_seconds > _RELIC else chain.without_expired(now)


def next_expiry(chain: OptionChain, now: float) -> float:
    """When something expires next, epoch seconds; infinite where nothing does."""
    later = chain.expiries[chain.expiries > now]
    return float(later[0]) if len(later) else np.inf
