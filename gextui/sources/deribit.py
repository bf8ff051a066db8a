"""Deribit, live and without a key: one stream for all coins, and one call a currency every ten seconds."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

import msgspec
import numpy as np

from gextui.market.chain import OptionChain
from gextui.market.ticker import Ticker
from gextui.sources.book import EARLY
from gextui.sources.decoding import Items, decode
from gextui.sources.deribit_book import Book
from gextui.sources.deribit_currency import POLL_EVERY, TOO_OLD, Currency, coins_of, kept_instruments
from gextui.sources.deribit_messages import (
    TOO_MANY_REQUESTS,
    Frame,
    IndexPrice,
    Mark,
    PlatformState,
    Quote,
    Tick,
    VolatilityIndex,
)
from gextui.sources.deribit_rest import DeribitRest
from gextui.sources.deribit_session import PLATFORM_STATE, DeribitSession
from gextui.sources.http import LOOPBACK
from gextui.sources.pacing import RETRY_AFTER_DEFAULT, Clock, Limiter, SystemClock
from gextui.sources.polling import in_seconds, pace
from gextui.sources.session import Channel
from gextui.sources.source import ConnectionStatus, SourceState, SourceStatus
from gextui.sources.stream import Stream, StreamState
from gextui.sources.subscriptions import SILENT_AFTER
from gextui.sources.venue_time import VenueTime
from gextui.sources.workers import Workers

BETWEEN_SUBSCRIBES = 0.35
"""Seconds; the venue allows three a second."""
_MARKS = Items(Mark)


class DeribitSource:
    """The options of coins on Deribit. Implements `Source`, `Refreshable` and `Adjustable`."""

    name = "deribit"

    def __init__(
        self,
        tickers: Sequence[Ticker],
        *,
        rest_url: str,
        ws_url: str,
        interval: float = 1.0,
        clock: Clock | None = None,
        cache_dir: Path | None = None,
    ) -> None:
        """Prepare to read ``tickers``.

        Args:
            tickers: Coins; one that the venue does not list is told so in its status.
            rest_url: The venue's REST methods.
            ws_url: Its WebSocket.
            interval: Seconds between two chains of a ticker, at the least.
            clock: The machine's where None.
            cache_dir: Where instruments are kept for a day; nowhere where None.

        Raises:
            ValueError: an address is not one that may be asked.
        """
        self.tickers: tuple[Ticker, ...] = ()
        self._interval = interval
        self._clock = clock = SystemClock() if clock is None else clock
        self._rest_url = rest_url
        self._loopback = {urlsplit(rest_url).hostname, urlsplit(ws_url).hostname} <= LOOPBACK
        self._time = VenueTime(clock)
        self._subscribing = Limiter(clock, rate=1.0 / BETWEEN_SUBSCRIBES, burst=1)
        self._stream = Stream(ws_url, self._new_session, clock=clock, limiter=self._subscribing)
        self._cache = kept_instruments(rest_url, cache_dir)
        self._books: dict[Ticker, Book] = {}
        self._by_index: dict[str, Book] = {}
        self._by_root: dict[str, Book] = {}
        self._currencies: dict[str, Currency] = {}
        self._locked: set[str] = set()
        self._testnet = False
        self._unknown: Counter[str] = Counter()
        self._since_chains: set[str] = set()
        """Channels of many contracts heard since the last chains; what is heard of one twice is conflated."""
        self._conflated = 0
        self._news = asyncio.Event()
        self._running: tuple[DeribitRest, Workers] | None = None
        """While `chains` runs."""
        self._streaming: asyncio.Task[Any] | None = None
        self._polling: dict[Currency, asyncio.Task[Any]] = {}
        self.carry(tickers)

    def carry(self, tickers: Sequence[Ticker]) -> None:
        """Give these tickers from now on, and let go of the others; see `Adjustable`."""
        self.tickers = tuple(tickers)
        books = {ticker: self._books.get(ticker) or Book(ticker, self._news.set) for ticker in self.tickers}
        self._by_index = {book.market.index: book for book in books.values()}
        self._by_root = {book.market.root: book for book in books.values()}
        currencies = {}
        for name in dict.fromkeys(book.market.currency for book in books.values()):
            known = self._currencies.get(name)
            currencies[name] = Currency(name, self._clock, self._time, self._cache) if known is None else known
            currencies[name].carry([book for book in books.values() if book.market.currency == name])
        self._books, self._currencies = books, currencies
        if self._running is not None:
            self._work(*self._running)

    def _work(self, rest: DeribitRest, workers: Workers) -> None:
        """Stream and poll for what is carried now, and for nothing else."""
        for book in self._books.values():
            if book.read_since is None:
                book.read_since = self._clock.seconds()
        self._want()
        if self._books and self._streaming is None:
            self._streaming = workers.start(self._stream.run())
        elif not self._books and self._streaming is not None:
            workers.end(self._streaming)
            self._streaming = None
        for currency in [each for each in self._polling if each.name not in self._currencies]:
            workers.end(self._polling.pop(currency))
        for place, currency in enumerate(self._currencies.values(), start=1):
            if currency not in self._polling:
                # Later polls are spread over the interval, the first are not.
                pause = POLL_EVERY * place / len(self._currencies)
                self._polling[currency] = workers.start(currency.keep(rest, self._want, first_pause=pause))

    async def chains(self) -> AsyncIterator[OptionChain]:
        """Yield a ticker's chain whenever it changed, at most once an interval; see `Source`."""
        async with (
            DeribitRest(self._rest_url, clock=self._clock, answered=self._answered) as rest,
            Workers(self._news) as workers,
        ):
            self._running = rest, workers
            try:
                self._work(rest, workers)
                workers.start(self._roll())
                while True:
                    await self._news.wait()
                    self._news.clear()
                    workers.check()
                    yielded = False
                    for book in tuple(self._books.values()):
                        carried = self._books.get(book.ticker) is book
                        if carried and book.changed and (chain := self._chain(book)) is not None:
                            yield chain
                            yielded = True
                    if yielded:
                        self._since_chains.clear()
                        await self._clock.sleep(self._interval)
            finally:
                self._running = self._streaming = None
                self._polling.clear()
                for book in self._books.values():
                    book.read_since = None

    def refresh(self, ticker: Ticker) -> None:
        """Ask for the ticker's open interest and quotes as soon as the limits allow."""
        if (book := self._books.get(ticker)) is not None:
            self._currencies[book.market.currency].poll.wake()

    def _chain(self, book: Book) -> OptionChain | None:
        simulated = self._testnet and self._loopback
        notes = ("This is Deribit's test network, not the market.",) if self._testnet and not simulated else ()
        return book.chain(self._time.now(), simulated=simulated, notes=notes)

    # What the venue sends.

    def _new_session(self) -> DeribitSession:
        self._locked = set()
        for currency in self._currencies.values():
            currency.poll_again()  # what happened meanwhile is in the next summary
        return DeribitSession(self._hear, self._take, self._answered)

    def _answered(self, frame: Frame) -> None:
        if frame.id is None and frame.error is None and frame.sent is None:
            self._unknown["unknown message"] += 1
            return
        self._time.heard(frame.sent)
        self._testnet = frame.testnet is True
        if frame.error is not None and frame.error.code == TOO_MANY_REQUESTS:
            self._subscribing.close(RETRY_AFTER_DEFAULT)

    def _hear(self, channel: str, tick: Tick) -> bool:
        """Take in a ticker as it should be; whether it needs no closer look than this."""
        book = self._by_root.get(tick.name.partition("-")[0])
        return book is not None and tick.name in channel and book.hear(tick.name, tick, tick.at) is not None

    def _take(self, channel: str, data: msgspec.Raw) -> bool:
        """Take one channel's data in; whether any of it could be used."""
        kind, _, subject = channel.partition(".")
        now = self._time.now()
        used = True
        match kind:
            case "ticker" if (book := self._by_root.get(subject.partition("-")[0])) is not None:
                return book.take_quote(decode(data, Quote), now)
            case "markprice" if (book := self._by_index.get(subject.removeprefix("options."))) is not None:
                marks, unreadable = _MARKS.decode(data)
                book.rejected["schema"] += unreadable
                used = not (unreadable and not marks) and book.take_marks(marks, now)
            case "deribit_price_index" if (book := self._by_index.get(subject)) is not None:
                used = book.take_index(decode(data, IndexPrice), now)
            case "deribit_volatility_index" if (book := self._by_index.get(subject)) is not None:
                used = book.take_volatility_index(decode(data, VolatilityIndex), now)
            case "instrument" if (currency := self._currencies.get(subject.rpartition(".")[2])) is not None:
                currency.relist = True
            case _ if channel == PLATFORM_STATE:
                self._lock(decode(data, PlatformState))
            case _:
                self._unknown["unknown channel"] += 1
                return False
        self._conflated += channel in self._since_chains
        self._since_chains.add(channel)
        return used

    def _lock(self, state: PlatformState) -> None:
        if isinstance(state.price_index, str) and isinstance(state.locked, bool):
            self._locked = (self._locked | {state.price_index}) if state.locked else self._locked - {state.price_index}

    # What is asked for.

    def _want(self) -> None:
        """Subscribe to what the books need now."""
        channels = [Channel(PLATFORM_STATE)]
        channels += [Channel(f"instrument.state.option.{name}") for name in self._currencies]
        for book in self._books.values():
            if self._currencies[book.market.currency].knows_nothing_of(book):
                continue
            index = book.market.index
            channels += [
                Channel(f"markprice.options.{index}", cadence=1.0),
                Channel(f"deribit_price_index.{index}", cadence=1.0),
            ]
            if book.market.has_volatility_index:
                channels.append(Channel(f"deribit_volatility_index.{index}"))
            channels += [Channel(f"ticker.{name}.agg2") for name in book.at_the_money()]
        self._stream.want(channels)

    async def _roll(self) -> NoReturn:
        """Drop what expires at its instant, and stop listening to it."""
        while True:
            now = self._time.now()
            expired = [book for book in self._books.values() if book.expire(now)]
            if expired:
                self._want()
            for book in expired:
                self._currencies[book.market.currency].relist = True
            soonest = min((book.next_expiry for book in self._books.values()), default=np.inf)
            await self._clock.sleep(min(max(soonest - self._time.now(), 0.01), 1.0))

    # What is said of it; from any thread.

    def status(self, ticker: Ticker) -> SourceStatus:
        """The health of the ticker's data; see `Source`."""
        book = self._books.get(ticker)
        currency = None if book is None else self._currencies.get(book.market.currency)
        if book is None or currency is None:
            return SourceStatus(self.name, SourceState.DISABLED, self._interval, f"{ticker.symbol} is not read here")
        state, detail = self._judge(book, currency)
        streaming = self._stream.state in (StreamState.LIVE, StreamState.DEGRADED)
        since_poll = self._time.now() - book.summed_at
        interval = pace(self._interval, POLL_EVERY, since_poll, streaming=streaming)
        connections = self._stream_status(book), currency.poll.status(f"{currency.name} polls")
        return SourceStatus(self.name, state, interval, detail, connections)

    def _judge(self, book: Book, currency: Currency) -> tuple[SourceState, str]:
        """The state and the words for it, gravest first."""
        now = self._time.now()
        since = book.read_since
        if since is None:
            return SourceState.CONNECTING, ""
        if currency.knows_nothing_of(book):
            coins = ", ".join(coins_of(currency.listed))
            return SourceState.DISABLED, f"Deribit lists no options on {book.ticker.symbol}; it lists {coins}"
        trouble = currency.poll.trouble.sentence
        if self._stream.trouble:
            return SourceState.DEGRADED, self._stream.trouble
        if book.market.index in self._locked:
            return SourceState.DEGRADED, f"the venue has locked {book.market.index}"
        polled = now - book.summed_at <= TOO_OLD
        if self._stream.state is StreamState.BACKOFF:
            stream = self._stream.status("stream")
            lost = f"{stream.detail}; next try in {in_seconds(stream.next_try_in)}"
            if polled:
                return SourceState.DEGRADED, f"no stream, read every {POLL_EVERY:g} s: {lost}"
            return SourceState.BACKOFF, lost
        if self._stream.state is StreamState.CONNECTING:
            return SourceState.CONNECTING, ""
        if book.without_interest:
            kept = "no open interest yet" if book.summed_at == -np.inf else "no open interest; the last is kept"
            return SourceState.DEGRADED, f"Deribit gives {kept}"
        if not book.whole or book.summed_at == -np.inf:
            return (SourceState.BACKOFF, trouble) if trouble else (SourceState.CONNECTING, "")
        if (silence := self._silence(book, now, self._clock.seconds() - since)) is not None:
            return silence
        if not polled:
            age = f"open interest is {in_seconds(now - book.summed_at)} old"
            return SourceState.DEGRADED, f"{age}: {trouble}" if trouble else age
        if book.old_interest:
            return SourceState.DEGRADED, book.old_interest
        if abs(self._time.ahead) > EARLY:
            return SourceState.DEGRADED, f"this machine's clock is off by {in_seconds(abs(self._time.ahead))}"
        return SourceState.LIVE, ""

    def _silence(self, book: Book, now: float, running: float) -> tuple[SourceState, str] | None:
        """What the stream does not tell of this coin."""
        missing = self._stream.missing
        for channel, what, at in (
            (f"markprice.options.{book.market.index}", "mark prices", book.marked_at),
            (f"deribit_price_index.{book.market.index}", "index", book.priced_at),
        ):
            heard = self._stream.age(channel) is not None
            if channel in missing:
                return SourceState.DEGRADED, f"not subscribed to {channel}: {missing[channel]}"
            if not heard and (limited := self._subscribing.closed_for):
                return SourceState.DEGRADED, f"the venue limits subscriptions; next try in {in_seconds(limited)}"
            if now - at > SILENT_AFTER and at > -np.inf:
                return SourceState.DEGRADED, f"{what} {in_seconds(now - at)} old"
            if at == -np.inf and running > SILENT_AFTER:
                return SourceState.DEGRADED, f"no {what} yet"
            if at == -np.inf or not heard:
                return SourceState.CONNECTING, ""
        return None

    def _stream_status(self, book: Book) -> ConnectionStatus:
        status = self._stream.status("stream")
        rejected = Counter(status.rejected)
        for more in (self._unknown, book.rejected):
            rejected.update(more.copy())
        conflated = self._conflated + sum(each.conflated for each in tuple(self._books.values()))
        return replace(status, conflated=conflated, rejected=dict(+rejected))
