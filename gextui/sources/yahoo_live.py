"""Yahoo, live and without an account: every expiry of a US ticker, the nearest first, twice an hour."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from urllib.parse import urlsplit

from gextui.market.calendar import NEW_YORK, MarketState, market_state, new_york
from gextui.market.chain import OptionChain
from gextui.market.ticker import Kind, Ticker
from gextui.sources.failure import Failure, FetchError
from gextui.sources.http import LOOPBACK, refuse_plain_url
from gextui.sources.pacing import Clock, SystemClock
from gextui.sources.polling import Poll
from gextui.sources.source import BadInputError, SourceState, SourceStatus
from gextui.sources.workers import Workers
from gextui.sources.yahoo import decode_listing
from gextui.sources.yahoo_book import RECHECK_EVERY, SOURCE, Book
from gextui.sources.yahoo_cache import AnswerCache, Kept
from gextui.sources.yahoo_http import python_warning
from gextui.sources.yahoo_rest import YahooRest

LOOK_EVERY = 10.0
"""Seconds between looks at what is due."""


@dataclass(eq=False)
class _Reader:
    """One ticker and what keeps its book current."""

    book: Book
    poll: Poll
    task: asyncio.Task[None] | None = field(default=None, init=False)
    restored: bool = field(default=False, init=False)
    """Whether the disk was looked at."""
    begin_at: float = field(default=0.0, init=False)
    """The clock's seconds before which a ticker without expiries is not asked for again."""
    ready: bool = field(default=False, init=False)
    """Whether a window is complete that no chain was made of yet."""
    delivered: bool = field(default=False, init=False)


class YahooSource:
    """The options of US tickers at Yahoo. Implements `Source`, `Refreshable` and `Adjustable`."""

    name = SOURCE

    def __init__(
        self,
        tickers: Sequence[Ticker],
        *,
        rest_url: str,
        cookie_url: str,
        rate: Callable[[], float],
        clock: Clock | None = None,
        cache_dir: Path | None = None,
    ) -> None:
        """Prepare to read ``tickers``.

        Args:
            tickers: One without options is told so in its status.
            rest_url: The host of Yahoo's methods.
            cookie_url: The page that gives the cookies they need.
            rate: The interest rate of US tickers now, continuously compounded.
            clock: The machine's where None.
            cache_dir: Where the newest good answers are kept; nowhere where None.

        Raises:
            ValueError: an address is not one that may be asked.
        """
        refuse_plain_url(rest_url)
        refuse_plain_url(cookie_url)
        self.tickers: tuple[Ticker, ...] = ()
        self._rest_url = rest_url
        self._cookie_url = cookie_url
        self._rate = rate
        self._clock = SystemClock() if clock is None else clock
        self._loopback = {urlsplit(url).hostname for url in (rest_url, cookie_url)} <= LOOPBACK
        self._warning = python_warning(rest_url)
        self._cache = AnswerCache(cache_dir, rest_url)
        self._readers: dict[Ticker, _Reader] = {}
        self._running: tuple[YahooRest, Workers] | None = None
        self._news = asyncio.Event()
        self.carry(tickers)

    def carry(self, tickers: Sequence[Ticker]) -> None:
        """Read these tickers from now on; see `Adjustable`."""
        held = self._readers
        self._readers = {
            ticker: held.get(ticker) or _Reader(Book(ticker), Poll(f"yahoo {ticker.symbol}", self._clock, LOOK_EVERY))
            for ticker in tickers
        }
        self.tickers = tuple(self._readers)
        if self._running is not None:
            rest, workers = self._running
            for ticker, reader in held.items():
                if ticker not in self._readers and reader.task is not None:
                    workers.end(reader.task)
            self._start(rest, workers)

    async def chains(self) -> AsyncIterator[OptionChain]:
        """Yield a ticker's chain whenever a window of its expiries has been read; see `Source`."""
        async with (
            YahooRest(self._rest_url, self._cookie_url, clock=self._clock) as rest,
            Workers(self._news) as workers,
        ):
            self._running = rest, workers
            try:
                self._start(rest, workers)
                while True:
                    await self._news.wait()
                    self._news.clear()
                    workers.check()
                    for reader in tuple(self._readers.values()):
                        if reader.ready and (chain := self._chain(reader, rest)) is not None:
                            yield chain
            finally:
                self._running = None
                for reader in self._readers.values():
                    reader.task = None

    def refresh(self, ticker: Ticker) -> None:
        """Ask for the ticker's expiries as soon as the limits allow, but for those that came within a minute."""
        reader = self._readers[ticker]
        reader.book.hurry(self._clock.seconds())
        reader.begin_at = 0.0
        reader.poll.wake()

    def _start(self, rest: YahooRest, workers: Workers) -> None:
        for ticker, reader in self._readers.items():
            if reader.task is None and ticker.kind is not Kind.COIN:
                reader.task = workers.start(reader.poll.keep(lambda reader=reader: self._read(reader, rest)))  # type: ignore[misc]

    async def _read(self, reader: _Reader, rest: YahooRest) -> None:
        """Read whatever is due, window by window."""
        book, clock = reader.book, self._clock
        if not reader.restored:
            await self._restore(reader)
        book.expire(clock.now())
        if not book.days and clock.seconds() >= reader.begin_at:
            await self._ask(reader, rest, None)
            reader.begin_at = clock.seconds() + RECHECK_EVERY
        for window in book.plan(clock.now(), clock.seconds()):
            for day in window:
                await self._ask(reader, rest, day)
            self._complete(reader)
        self._complete(reader)

    async def _restore(self, reader: _Reader) -> None:
        """Take in what was kept of an earlier run."""
        book, clock = reader.book, self._clock
        for kept in await self._cache.read(book.ticker.symbol, clock.now()):
            age = clock.now() - kept.read_at
            with suppress(BadInputError):
                listing = decode_listing(kept.body)
                book.restore(listing, asked=kept.day, now=kept.read_at, seconds=clock.seconds() - age)
        reader.restored = True
        book.expire(clock.now())
        self._complete(reader)

    async def _ask(self, reader: _Reader, rest: YahooRest, day: date | None) -> None:
        book, clock = reader.book, self._clock
        try:
            listing, body = await rest.options(_yahoos_name(book.ticker), day)
        except FetchError as error:
            if error.failure is Failure.CONTENT:
                book.rejected["unreadable"] += 1
                if day is not None:
                    book.put_off(day, clock.seconds())
            raise
        reader.poll.answered()
        now, day = clock.now(), listing.day or day
        if book.take(listing, asked=day, now=now, seconds=clock.seconds()) and day is not None and not rest.simulated:
            await self._cache.write(book.ticker.symbol, Kept(day, now, body))

    def _complete(self, reader: _Reader) -> None:
        """Let a chain be made of what is known now."""
        if reader.book.changed:
            reader.ready = True
            self._news.set()

    def _chain(self, reader: _Reader, rest: YahooRest) -> OptionChain | None:
        reader.ready = False
        now, seconds = self._clock.now(), self._clock.seconds()
        simulated = self._loopback and rest.simulated
        chain = reader.book.chain(rate=self._rate(), simulated=simulated, now=now, seconds=seconds)
        reader.delivered |= chain is not None
        return chain

    # What is said of it; from any thread.

    def status(self, ticker: Ticker) -> SourceStatus:
        """The health of the ticker's data; see `Source`."""
        reader = self._readers.get(ticker)
        if reader is None:
            return SourceStatus(self.name, SourceState.DISABLED, RECHECK_EVERY, f"{ticker.symbol} is not read here")
        state, detail = self._judge(reader)
        if self._warning:
            detail = f"{detail}; {self._warning}" if detail else self._warning
        polls = replace(
            reader.poll.status(f"{reader.book.ticker.symbol} polls"), rejected=dict(+reader.book.rejected.copy())
        )
        running = self._running
        if running is not None and (wait := running[0].closed_for):
            polls = replace(polls, next_try_in=wait)
        return SourceStatus(self.name, state, RECHECK_EVERY, detail, (polls,))

    def _judge(self, reader: _Reader) -> tuple[SourceState, str]:
        """The state and the words for it, gravest first."""
        book, trouble = reader.book, reader.poll.trouble.sentence
        symbol = book.ticker.symbol
        if book.ticker.kind is Kind.COIN:
            return SourceState.DISABLED, f"Yahoo has no options on coins such as {symbol}"
        if book.is_over and not trouble:
            return (
                SourceState.BACKOFF,
                f"all that Yahoo lists of {symbol} has expired; is this machine's clock right?",
            )
        if book.answered and not book.days and not trouble:
            return SourceState.DISABLED, f"Yahoo lists no options on {symbol}"
        if trouble:
            return SourceState.DEGRADED if reader.delivered else SourceState.BACKOFF, trouble
        if book.trouble:
            return SourceState.DEGRADED, book.trouble
        read = f"{book.known} of {len(book.days)} expiries"
        if book.is_beginning(self._clock.now(), self._clock.seconds()) or not reader.delivered:
            done = book.read(self._clock.now(), self._clock.seconds())
            return SourceState.CONNECTING, f"{done} of {len(book.days)} expiries read" if book.days else ""
        if book.known < len(book.days):
            return SourceState.DEGRADED, f"{read} can be used; Yahoo has reset the others, or they cannot be read"
        now, as_of = (datetime.fromtimestamp(seconds, NEW_YORK) for seconds in (self._clock.now(), book.as_of))
        if market_state(book.ticker.session, now) is not MarketState.OPEN:
            return SourceState.CLOSED, f"market closed, as of {new_york(as_of, now)}"
        delay = f"a delay of {book.delay / 60:.0f} min" if book.delay else "no delay"
        return SourceState.DELAYED, f"read every {RECHECK_EVERY / 60:.0f} min; Yahoo states {delay}"


def _yahoos_name(ticker: Ticker) -> str:
    return f"^{ticker.symbol}" if ticker.kind is Kind.INDEX else ticker.symbol
