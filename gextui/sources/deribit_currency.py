"""What Deribit tells of all coins that settle in one currency, asked for every ten seconds."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NoReturn

from gextui.sources.deribit_book import INVERSE, Book, market_of
from gextui.sources.deribit_messages import VolatilityIndex
from gextui.sources.deribit_rest import DeribitRest
from gextui.sources.failure import FetchError
from gextui.sources.instruments import InstrumentCache
from gextui.sources.pacing import Clock, SystemClock
from gextui.sources.polling import Poll
from gextui.sources.trouble import Trouble
from gextui.sources.venue_time import VenueTime

POLL_EVERY = 10.0
"""Seconds between two summaries: open interest, volume, quotes and forwards."""
TOO_OLD = 3 * POLL_EVERY
"""Seconds after which they are not current."""
RELIST_EVERY = 3600.0
"""Seconds after which instruments are read again, whatever the venue announced."""
_RECALL_EVERY = 3600.0
_RECALL_AGAIN = 60.0
_DAY = 86400.0
_CANDLE_MINUTES = 5


class Currency:
    """One currency's books, kept current by polls.

    Attributes:
        name: As calls name it.
        books: Of the coins that are read.
        listed: Every instrument, of coins that nobody asked for too.
        relist: Whether the venue has announced that the listing changed.
        poll: For the summary of them all.
    """

    def __init__(self, name: str, clock: Clock, venue_time: VenueTime, cache: InstrumentCache) -> None:
        """Prepare to keep books, whose instruments may be in ``cache``."""
        self.name = name
        self.books: Sequence[Book] = ()
        self.listed: list[str] = []
        self.relist = False
        self.poll = Poll(f"deribit {name}", clock, POLL_EVERY)
        self._clock = clock
        self._time = venue_time
        self._cache = cache
        self._recalling = Trouble(f"deribit {name} candles", clock)
        self._listed_at: float | None = None
        """By the clock's seconds."""

    def carry(self, books: Sequence[Book]) -> None:
        """Keep these books from now on; one that is new is asked for at once."""
        added = [book for book in books if book not in self.books]
        self.books = books
        for book in added:
            book.relist(self.listed, self._time.now())
        if added:
            self.poll_again()

    def knows_nothing_of(self, book: Book) -> bool:
        """Whether the venue lists no options on that coin."""
        return bool(self.listed and self.poll.answers) and not len(book)

    def poll_again(self) -> None:
        """Ask as soon as the limits allow, unless the first answer is still to come."""
        if self.poll.answers:
            self.poll.wake()

    async def keep(self, rest: DeribitRest, changed: Callable[[], None], *, first_pause: float) -> NoReturn:
        """Poll for ever; ``changed`` is called whenever something may have. ``first_pause`` follows the first poll."""
        listed, _ = await self._cache.read(self.name, self._clock.now())
        if listed:
            self._list(listed)
        await self.poll.keep(partial(self._poll, rest, changed), first_pause)

    async def _poll(self, rest: DeribitRest, changed: Callable[[], None]) -> None:
        summaries, unreadable = await rest.book_summary(self.name)
        now = self._time.now()
        for book in self.books:
            book.rejected["schema"] += unreadable
            book.unconfirmed = False
            book.take_summary(summaries, now)
        self.poll.answered()
        changed()
        for book in self.books:
            if len(book) and (book.spot is None or now - book.indexed_at > TOO_OLD):
                price = await rest.index_price(book.market.index)
                if price is not None:
                    book.take_spot(price, self._time.now())
        due = self._listed_at is None or self._clock.seconds() - self._listed_at >= RELIST_EVERY
        if due or self.relist or any(book.unconfirmed for book in self.books):
            self.relist = False
            listed = await rest.instruments(self.name)
            self._list(listed)
            await self._cache.write(self.name, listed, self._clock.now())
            changed()
        for book in self.books:
            if len(book) and self._clock.seconds() >= book.recall_at:
                await self._recall(book, rest)
                changed()

    def _list(self, listed: list[str]) -> None:
        self.listed = listed
        self._listed_at = self._clock.seconds()
        for book in self.books:
            book.relist(listed, self._time.now())

    async def _recall(self, book: Book, rest: DeribitRest) -> None:
        """Fetch yesterday's prices, from which the change on the day is measured, and DVOL as it stood."""
        try:
            await self._fetch_past(book, rest)
            self._recalling.clear()
            book.recall_at = self._clock.seconds() + _RECALL_EVERY
        except FetchError as error:
            self._recalling.report(error)
            book.recall_at = self._clock.seconds() + _RECALL_AGAIN

    async def _fetch_past(self, book: Book, rest: DeribitRest) -> None:
        market, now = book.market, self._time.now()
        start = now - _DAY - 2 * 60 * _CANDLE_MINUTES
        end = now - _DAY + _RECALL_EVERY + _RECALL_AGAIN
        book.take_past(*await rest.candles(market.perpetual, start, end, _CANDLE_MINUTES))
        if market.has_volatility_index and book.volatility_index is None:
            at, points = await rest.volatility_index(market.currency, now - 600.0, now, seconds=60)
            if len(at):
                book.take_volatility_index(VolatilityIndex(float(points[-1]), float(at[-1])), self._time.now())


def kept_instruments(rest_url: str, folder: Path | None) -> InstrumentCache:
    """The instruments of the Deribit at that address, kept in ``folder``."""
    return InstrumentCache(folder, f"deribit {rest_url}")


async def listed_coins(rest_url: str, *, cache_dir: Path | None = None, clock: Clock | None = None) -> list[str]:
    """The coins that Deribit lists options on; what was kept within the day needs no call.

    Raises:
        FetchError: it cannot be asked.
    """
    clock = SystemClock() if clock is None else clock
    cache = kept_instruments(rest_url, cache_dir)
    instruments, _ = await cache.read("USDC", clock.now())
    if not instruments:
        async with DeribitRest(rest_url, clock=clock, answered=lambda _: None) as rest:
            instruments = await rest.instruments("USDC")
        await cache.write("USDC", instruments, clock.now())
    return coins_of(instruments)


def coins_of(instruments: Sequence[str]) -> list[str]:
    """The coins that Deribit lists options on, by the names of those that settle in USDC."""
    roots = {name.partition("-")[0] for name in instruments}
    symbols = {root.removesuffix("_USDC") for root in roots}
    return sorted({symbol for symbol in symbols if market_of(symbol).root in roots} | set(INVERSE))
