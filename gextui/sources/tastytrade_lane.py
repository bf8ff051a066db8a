"""One ticker on Tastytrade: what is listed of it day by day, and the subscriptions that come of that."""

import asyncio
import math
from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np

from gextui.market.ticker import Ticker
from gextui.sources.dxlink import subscriptions
from gextui.sources.failure import Failure, FetchError
from gextui.sources.instruments import InstrumentCache
from gextui.sources.pacing import Clock
from gextui.sources.polling import Poll
from gextui.sources.source import ConnectionStatus
from gextui.sources.tastytrade import Listed, contracts_of
from gextui.sources.tastytrade_book import NAME, Book, last_count
from gextui.sources.tastytrade_coverage import KINDS, ROTATE_EVERY
from gextui.sources.tastytrade_rest import TastytradeRest
from gextui.sources.trading_hours import TradingHours
from gextui.sources.venue_time import VenueTime

LIST_EVERY = 60.0
"""Seconds between looks at whether a new day has begun, on which other contracts are listed."""
_EMPTY = 2
"""So many answers in a row that list nothing, and the venue does not know the ticker."""
_ASK_AGAIN_AFTER = 3600.0
"""Seconds until such a ticker is asked for once more."""
_CHOOSE_EVERY = 30.0
"""Seconds between two choices of the contracts that are kept live."""
_CHANGES = 800
"""Subscriptions that change in a step, at the most: as many as the frames hold that may be sent until the next."""


class Lane:
    """One ticker.

    Attributes:
        book: What is known of it.
        poll: How its listing fares.
        listing: What keeps that current, while it runs.
        listed_on: The day in New York of which the listing is; None before the first, and where it is wanted anew.
        is_unknown: Whether the venue lists no options on it.
        channel: The number of its channel; None while it has none.
    """

    def __init__(self, ticker: Ticker, clock: Clock, on_change: Callable[[], object]) -> None:
        """A lane of which nothing is known; ``on_change`` is called when a chain may be made."""
        self.book = Book(ticker, on_change)
        self.poll = Poll(f"{NAME} {ticker.symbol}", clock, LIST_EVERY)
        self.listing: asyncio.Task[Any] | None = None
        self.listed_on: date | None = None
        self.is_unknown = False
        self._empty, self._ask_again_at = 0, -math.inf
        """How many answers in a row listed nothing, and when it is asked again then, by the clock's seconds."""
        self.channel: int | None = None
        self._chosen_at = -math.inf
        self._room = 0
        """What there was then."""

    @property
    def need(self) -> int:
        """How many subscriptions it could use."""
        return len(self.book) * len(KINDS) + len(self.book.watched)

    def begin_anew(self) -> None:
        """Somebody wants what is listed, and every contract, read once more."""
        self.listed_on, self._ask_again_at = None, -math.inf
        self.book.coverage.sweep_all()
        self.poll.wake()

    async def relist(self, rest: TastytradeRest, cache: InstrumentCache, time: VenueTime, seconds: float) -> bool:
        """Learn what is listed today, from what was kept today where there is that; whether the contracts changed.

        A ticker without options is asked for once more before it counts as unknown, and then once an hour.

        Raises:
            FetchError: it cannot be learnt.
        """
        book, now = self.book, time.now()
        today = TradingHours.today(now)
        if self.listed_on == today or seconds < self._ask_again_at:
            return False
        wanted_anew = self.poll.answers > 0 and self.listed_on is None
        kept, at = await cache.read(book.symbol, now)
        listed: list[Listed] | None = []
        if not wanted_anew and TradingHours.today(at) == today:
            listed = [each for each in map(Listed.read, kept) if each is not None]
        if not listed:
            listed = await rest.listing(book.symbol, book.rejected)
            if not listed and len(book):
                words = f"Tastytrade lists no options on {book.symbol} any more; those it had are kept"
                raise FetchError(Failure.CONTENT, words)
            now = time.now()  # the answer may have told it
            if listed:
                await cache.write(book.symbol, [each.kept for each in listed], now)
        by_symbol = {each.streamer: each for each in listed or ()}
        contracts, multiplier = await asyncio.to_thread(contracts_of, book.ticker, [*by_symbol.values()])
        changed = book.hold([*by_symbol], contracts, multiplier, now)
        if changed:
            self.channel, self._chosen_at = None, -math.inf
        self._empty = 0 if len(book) else _EMPTY if listed is None else self._empty + 1
        self.is_unknown = self._empty >= _EMPTY
        if len(book):
            self.listed_on = TradingHours.today(now)
        elif self.is_unknown:
            self._ask_again_at = seconds + _ASK_AGAIN_AFTER
        self.poll.answered()
        return changed

    def advance(self, seconds: float, now: float, room: int, *, rotating: bool) -> list[bytes]:
        """Frames that subscribe to what is due now and let go of the rest, a little at a time.

        Args:
            seconds: By the clock.
            now: By the venue's, epoch seconds.
            room: How many subscriptions it may have.
            rotating: Whether what was read long ago is to be read again.
        """
        assert self.channel is not None
        coverage = self.book.coverage
        room -= len(self.book.watched)
        due = seconds - self._chosen_at >= _CHOOSE_EVERY or room != self._room
        if due and (coverage.is_whole or coverage.fits(room) or coverage.live.any()):
            coverage.choose(self.book.weigh(now), room, seconds)
            self._chosen_at, self._room = seconds, room
        add, remove = coverage.step(seconds, room=room, most=_CHANGES, counted_at=last_count(now), rotating=rotating)
        return subscriptions(self.channel, add, remove)

    def status(self, state: str, now: float) -> ConnectionStatus:
        """How its contracts fare, for a panel of sources; ``state`` is the stream's."""
        book, coverage = self.book, self.book.coverage
        live, listed = int(np.count_nonzero(coverage.live)), len(book)
        turns = f"the others every {ROTATE_EVERY / 60:.0f} min" if live < listed else ""
        halted = f"halted: {book.underlying.why_halted}" if book.underlying.why_halted else ""
        return ConnectionStatus(
            name=f"{book.ticker.symbol} contracts",
            state=state,
            detail="; ".join(filter(None, (turns if coverage.is_whole else "reading them all", halted))),
            subscribed=(live if coverage.is_whole else coverage.read, listed),
            last_message_age=max(0.0, now - book.heard_at) if np.isfinite(book.heard_at) else None,
            messages=book.events,
            rejected=dict(+book.rejected.copy()),
            conflated=book.conflated,
        )
