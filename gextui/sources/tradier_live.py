"""Tradier, live, with a token: whole chains every ten minutes while New York trades."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

from gextui.market.calendar import trading_hours
from gextui.market.chain import OptionChain
from gextui.market.ticker import Ticker
from gextui.secrets import Secret
from gextui.sources.book import EARLY
from gextui.sources.failure import Failure, FetchError
from gextui.sources.http import LOOPBACK, refuse_plain_url
from gextui.sources.instruments import InstrumentCache
from gextui.sources.pacing import Clock, SystemClock, ended_within
from gextui.sources.polling import Poll, in_seconds
from gextui.sources.source import ConnectionStatus, SourceState, SourceStatus
from gextui.sources.stream import StreamState
from gextui.sources.tradier import MarketClock, Quote, local_time, read_day
from gextui.sources.tradier_book import EMPTY, NAME, Book
from gextui.sources.tradier_rest import REFUSED, TradierRest
from gextui.sources.trading_hours import TradingHours, on_the_day
from gextui.sources.trouble import Trouble
from gextui.sources.venue_time import VenueTime
from gextui.sources.workers import Workers

EVERY = 600.0
"""Seconds between two rounds."""
SANDBOX_DELAY = 900.0
"""Seconds by which the sandbox's quotes lag the market."""
NO_TOKEN = "no Tradier token; set GEXTUI_TRADIER_TOKEN, or tradier_token_command or tradier_token_file in config.toml"
_TOO_OLD = 2
"""Rounds after which what is known is not current."""
_IN_A_ROW = 3
"""So many expiries that fail one after the other interrupt a round: it is not they that are broken."""
_LOOK_AGAIN = 60.0
"""Seconds after which it is asked anew what is due: the machine may have slept."""
_CALENDAR_AHEAD = timedelta(days=7)


class TradierSource:
    """The options of shares and indices, from Tradier. Implements `Source`, `Refreshable` and `Adjustable`.

    What is due is read ticker by ticker, one call after the other: every expiry of it, then a chain of them all.
    """

    name = NAME

    def __init__(
        self,
        tickers: Sequence[Ticker],
        *,
        rest_url: str,
        token: Secret | None,
        rate: Callable[[], float],
        every: float = EVERY,
        clock: Clock | None = None,
        cache_dir: Path | None = None,
    ) -> None:
        """Prepare to read ``tickers``.

        Args:
            tickers: Shares and indices; one that the venue does not list is told so in its status.
            rest_url: The venue's methods; the only address that the token is sent to.
            token: What the venue knows the user by; without one nothing is asked.
            rate: The interest rate a year, continuously compounded, whenever a chain is made.
            every: Seconds between two rounds while New York trades.
            clock: The machine's where None.
            cache_dir: Where the listed expiries are kept for a day; nowhere where None.

        Raises:
            ValueError: the address is not one that may be asked.
        """
        refuse_plain_url(rest_url)
        host = urlsplit(rest_url).hostname or ""
        self._clock = clock = SystemClock() if clock is None else clock
        self._rest_url = rest_url
        self._loopback = host in LOOPBACK
        self._delay = SANDBOX_DELAY if host.startswith("sandbox.") else 0.0
        self._token = token
        self._rate = rate
        self._every = every
        self._time = VenueTime(clock)
        self._hours = TradingHours()
        self._cache = InstrumentCache(cache_dir, f"{NAME} {rest_url}")
        self._beat = Poll(f"{NAME} clock", clock, every)
        self._beat_at: float | None = None
        self._calendar_read_on: date | None = None
        self._calendar = Trouble(f"{NAME} calendar", clock)
        self._rest: TradierRest | None = None
        self._books: dict[Ticker, Book] = {}
        self._ready: dict[Ticker, OptionChain] = {}
        self._news, self._wake = asyncio.Event(), asyncio.Event()
        self.tickers: tuple[Ticker, ...] = ()
        self.carry(tickers)

    def carry(self, tickers: Sequence[Ticker]) -> None:
        """From now on read these; see `Adjustable`."""
        # A new dictionary, because another thread may be reading.
        books = self._books
        self._books = {ticker: books.get(ticker) or Book(ticker, self._clock, self._every) for ticker in tickers}
        self.tickers = tuple(self._books)
        self._wake.set()

    def refresh(self, ticker: Ticker) -> None:
        """Read the ticker as soon as the limits allow, at any time; a refused token is tried once more."""
        if (book := self._books.get(ticker)) is not None:
            book.wanted = True
            if self._rest is not None and self._rest.is_refused:
                self._rest.try_once_more()
            self._wake.set()

    async def chains(self) -> AsyncIterator[OptionChain]:
        """Yield a ticker's chain whenever a round of it has ended; see `Source`."""
        if self._token is None:
            await asyncio.Event().wait()
            return
        async with (
            TradierRest(self._rest_url, self._token, clock=self._clock, time=self._time) as rest,
            Workers(self._news) as workers,
        ):
            self._rest = rest
            workers.start(self._keep(rest))
            while True:
                await self._news.wait()
                self._news.clear()
                workers.check()
                while self._ready:
                    yield self._ready.pop(next(iter(self._ready)))

    # What is asked for, and when.

    async def _keep(self, rest: TradierRest) -> None:
        """Do whatever is due, for ever."""
        while True:
            self._wake.clear()
            if rest.is_refused:
                await self._wake.wait()
            elif (wait := self._beat_due()) <= 0:
                await self._ask(self._beat, self._ask_clock(rest))
            else:
                book = min(self._books.values(), key=lambda book: (not book.wanted, self._due(book)), default=None)
                if book is not None and self._due(book) <= 0:
                    await self._ask(book.poll, self._round(book, rest))
                    continue
                wait = min([wait, _LOOK_AGAIN, *map(self._due, self._books.values())])
                await ended_within(self._clock, wait, self._wake.wait())

    async def _ask(self, poll: Poll, work: Awaitable[None]) -> None:
        try:
            await work
            poll.went_well()
        except FetchError as error:
            poll.went_wrong(error)

    def _beat_due(self) -> float:
        """Seconds until the venue's clock is asked: the heartbeat, in and out of hours."""
        if (retry := self._beat.retry_in) is not None:
            return retry
        return 0.0 if self._beat_at is None else self._beat_at + self._every - self._clock.seconds()

    def _due(self, book: Book) -> float:
        """Seconds until a round of that ticker."""
        if book.wanted:
            return 0.0
        if (retry := book.poll.retry_in) is not None:
            return retry
        return self._next_round(book) - self._time.now()

    def _next_round(self, book: Book) -> float:
        """When the ticker is read next: at first at once; then while New York trades, and once as it has closed."""
        now, began = self._time.now(), book.began_at
        if began is None or began < self._hours.last_close(now):
            return now
        session = self._hours.session_at(now)
        if session is None:
            return self._hours.next_open(now)
        return now if began < session[0] else min(began + self._every, session[1])

    async def _ask_clock(self, rest: TradierRest) -> None:
        clock = await rest.clock()
        self._beat_at = self._clock.seconds()
        self._beat.answered()
        today = self._hours.today(self._time.now())
        if self._calendar_read_on != today:
            try:
                for day in {each.replace(day=1): each for each in (today, today + _CALENDAR_AHEAD)}.values():
                    self._hours.learn(dict(await rest.calendar(day.year, day.month)))
                self._calendar_read_on = today
                self._calendar.clear()
            except FetchError as error:  # our own calendar serves until the next heartbeat
                self._calendar.report(error)
        self._learn(clock)

    def _learn(self, clock: MarketClock) -> None:
        """Believe the venue where it says that today is not as its calendar has it."""
        now = self._time.now()
        today, closes = self._hours.today(now), local_time(clock.next_change)
        if read_day(clock.date) != today or self._hours.session_at(now) is None:
            return
        if clock.state == "open" and closes is not None and (hours := trading_hours(today)) is not None:
            self._hours.learn({today: (hours[0], closes)})
        elif clock.state == "closed":
            self._hours.learn({today: None})

    async def _round(self, book: Book, rest: TradierRest) -> None:
        """Read a ticker, or go on where a failure interrupted that.

        Raises:
            FetchError: it was interrupted.
        """
        now, wanted = self._time.now(), book.wanted
        book.wanted = False
        today = self._hours.today(now)
        if book.listed_on != today or (wanted and book.is_unknown):
            book.relist(await self._expirations(book, rest, today), self._time.now())
        if wanted or not book.unread:
            book.begin(now)
        # The price also tells whether the venue answers at all, before expiries are blamed.
        if book.unread:
            quote = await rest.quote(book.symbol) or Quote()
            if not book.price(quote, self._time.now() - self._delay):
                raise FetchError(Failure.CONTENT, f"Tradier gives no price of {book.ticker.symbol}")
        in_a_row = 0
        while book.unread and self._books.get(book.ticker) is book:
            expiry = book.unread[0]
            try:
                options = await rest.chain(book.symbol, expiry)
                if not options:
                    raise FetchError(Failure.CONTENT, EMPTY)
                book.take(expiry, options, self._time.now())
                in_a_row = 0
            except FetchError as error:
                in_a_row += 1
                book.fail(expiry, str(error))
                if error.status == HTTPStatus.UNAUTHORIZED or (book.unread and in_a_row >= _IN_A_ROW):
                    raise
        book.poll.answered()
        if book.has_read:
            chain = await asyncio.to_thread(book.chain_of(), self._rate(), self._time.now())
            if chain is not None and self._books.get(book.ticker) is book:
                simulated = rest.simulated and self._loopback
                self._ready[book.ticker] = replace(chain, delay=self._delay, simulated=simulated)
                self._news.set()
        book.end()  # not before there is a chain: what has none connects, though the market may be closed

    async def _expirations(self, book: Book, rest: TradierRest, today: date) -> list[date]:
        """What the venue lists today, from what was kept today where there is that."""
        kept, at = await self._cache.read(book.symbol, self._time.now())
        if kept and self._hours.today(at) == today:
            return [day for day in map(read_day, kept) if day is not None]
        expiries = await rest.expirations(book.symbol)
        await self._cache.write(book.symbol, [day.isoformat() for day in expiries], self._time.now())
        return expiries

    # What is said of it; from any thread.

    def status(self, ticker: Ticker) -> SourceStatus:
        """The health of the ticker's data; see `Source`."""
        book = self._books.get(ticker)
        if book is None:
            return SourceStatus(NAME, SourceState.DISABLED, self._every, f"{ticker.symbol} is not read from Tradier")
        state, detail = self._judge(book)
        return SourceStatus(NAME, state, self._every, detail, () if self._token is None else self._connections(book))

    def _judge(self, book: Book) -> tuple[SourceState, str]:
        """The state and the words for it, gravest first."""
        if self._token is None:
            return SourceState.DISABLED, NO_TOKEN
        if self._rest is not None and self._rest.is_refused:
            return SourceState.DISABLED, REFUSED
        if book.is_unknown:
            return SourceState.DISABLED, f"Tradier lists no options on {book.ticker.symbol}"
        now, trouble = self._time.now(), book.poll.trouble.sentence
        began, (read, listed) = book.began_at, book.read
        if trouble:
            fresh = began is not None and now - began < _TOO_OLD * self._every
            again = f"{trouble}; next try in {in_seconds(book.poll.retry_in)}"
            return (SourceState.DEGRADED if fresh else SourceState.BACKOFF), again
        if began is None:
            return SourceState.CONNECTING, f"{read} of {listed} expiries read" if listed else ""
        session = self._hours.session_at(now)
        if session is None:
            return SourceState.CLOSED, f"market closed; {self._waiting(book)}"
        if began < session[0] and now - session[0] < self._every:
            # What is shown is of the last session, and a moment old at that.
            return SourceState.CLOSED, f"the market has just opened; {read} of {listed} expiries read"
        if book.missing:
            return SourceState.DEGRADED, f"Tradier gave {book.missing}"
        if abs(self._time.ahead) > EARLY:
            return SourceState.DEGRADED, f"this machine's clock is off by {in_seconds(abs(self._time.ahead))}"
        return (SourceState.DELAYED if self._delay else SourceState.LIVE), self._waiting(book)

    def _waiting(self, book: Book) -> str:
        """``next fetch 09:30 New York on Monday``."""
        now = self._time.now()
        return f"next fetch {on_the_day(max(self._next_round(book), now), now)}"

    def _connections(self, book: Book) -> tuple[ConnectionStatus, ConnectionStatus]:
        """The heartbeat, which all tickers share, and the ticker's rounds."""
        beat, rounds = self._beat.status("clock"), book.status(self._waiting(book))
        if self._rest is not None and self._rest.is_refused:
            disabled = str(StreamState.DISABLED)
            beat, rounds = (replace(each, state=disabled, detail=REFUSED, next_try_in=None) for each in (beat, rounds))
            return beat, rounds
        now = self._time.now()
        session = self._hours.session_at(now)
        until = self._hours.next_open(now) if session is None else session[1]
        said = f"{'closed' if session is None else 'open'} until {on_the_day(until, now)}"
        return replace(beat, detail="; ".join(filter(None, (beat.detail, self._calendar.sentence, said)))), rounds
