"""Bybit v5, live and without a key: a topic a contract over several streams, and one call a coin every ten seconds."""

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

import numpy as np

from gextui.market.chain import OptionChain
from gextui.market.ticker import Ticker
from gextui.sources.book import EARLY
from gextui.sources.bybit_book import Book
from gextui.sources.bybit_lines import TICKERS, Line, Lines
from gextui.sources.bybit_messages import Answer, Data, Push, Ticking, canonical
from gextui.sources.bybit_rest import BANNED_SECONDS, BybitRest
from gextui.sources.bybit_session import KEEP_ALIVE, BybitSession
from gextui.sources.failure import Failure, FetchError
from gextui.sources.http import LOOPBACK, refuse_plain_url
from gextui.sources.instruments import InstrumentCache
from gextui.sources.pacing import Clock, Limiter, SystemClock
from gextui.sources.polling import Poll, in_seconds, pace
from gextui.sources.source import SourceState, SourceStatus
from gextui.sources.stream import Stream
from gextui.sources.subscriptions import SILENT_AFTER
from gextui.sources.venue_time import VenueTime
from gextui.sources.workers import Workers

POLL_EVERY = 10.0
"""Seconds between two calls for a coin's whole chain, which also tell of what is newly listed."""
RELIST_EVERY = 600.0
"""Seconds after which instruments are read again, whatever the chain told."""
STATUS_EVERY = 15.0
"""Seconds between two looks at what the venue says of itself."""
IN_MAINTENANCE = "venue maintenance"
_SUBSCRIBES = (20.0, 10.0)
"""Requests a second, and at once; the venue publishes no limit."""
_CONNECTS = (1.0, 10.0)
"""New connections a second, and at once: the venue allows an address 500 in five minutes."""
_STREAM_CADENCE = 3.0
"""Seconds within which one of a few hundred contracts should speak."""
_RECALL_EVERY = 300.0
_TOO_OLD = 3 * POLL_EVERY
_MANY = 0.05
"""The share of contracts without data from which on the whole chain counts as degraded."""


@dataclass(eq=False)
class _Coin:
    """One coin: what is known of it, and what brings it."""

    book: Book
    poll: Poll
    lines: Lines | None = None
    """While it runs."""
    polling: asyncio.Task[Any] | None = None
    """Likewise."""
    listed: bool = False
    """Whether the venue was asked what it lists."""
    listed_at: float = -math.inf
    """By `Clock.seconds`."""
    relist: bool = False
    """Whether the listing has changed since."""

    @property
    def symbol(self) -> str:
        return self.book.ticker.symbol

    @property
    def unknown(self) -> bool:
        """Whether the venue lists no options on it."""
        return self.listed and self.poll.answers > 0 and not len(self.book)


class BybitSource:
    """The options of coins on Bybit. Implements `Source`, `Refreshable` and `Adjustable`."""

    name = "bybit"

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
            rest_url: The venue's host, to which the paths of its methods are added.
            ws_url: Likewise of its WebSockets.
            interval: Seconds between two chains of a ticker, at the least.
            clock: The machine's where None.
            cache_dir: Where instruments are kept for a day; nowhere where None.

        Raises:
            ValueError: an address is not one that may be asked.
        """
        refuse_plain_url(rest_url)
        refuse_plain_url(ws_url)
        self.tickers: tuple[Ticker, ...] = ()
        self._interval = interval
        self._clock = clock = SystemClock() if clock is None else clock
        self._rest_url = rest_url.rstrip("/")
        self._ws_url = f"{ws_url.rstrip('/')}/v5/public/option"
        hosts = {urlsplit(url).hostname for url in (rest_url, ws_url)}
        self._loopback = hosts <= LOOPBACK
        self._testnet = any(host is not None and "testnet" in host for host in hosts)
        self._cache = InstrumentCache(cache_dir, f"bybit {rest_url}")
        self._time = VenueTime(clock)
        self._subscribing = Limiter(clock, rate=_SUBSCRIBES[0], burst=_SUBSCRIBES[1])
        self._connecting = Limiter(clock, rate=_CONNECTS[0], burst=_CONNECTS[1])
        self._coins: dict[Ticker, _Coin] = {}
        self._announcements = Poll("bybit's announcements", clock, STATUS_EVERY)
        self._in_maintenance = False
        self._simulated = False
        self._news = asyncio.Event()
        self._running: tuple[BybitRest, Workers] | None = None
        """While `chains` runs."""
        self.carry(tickers)

    def carry(self, tickers: Sequence[Ticker]) -> None:
        """Give these tickers from now on, and let go of the others; see `Adjustable`."""
        before, self.tickers = self._coins, tuple(tickers)
        self._coins = {ticker: before.get(ticker) or self._new_coin(ticker) for ticker in self.tickers}
        if self._running is not None:
            rest, workers = self._running
            for ticker in before.keys() - self._coins.keys():
                self._end(before[ticker], workers)
            self._start(rest, workers)

    def _new_coin(self, ticker: Ticker) -> _Coin:
        return _Coin(Book(ticker, self._news.set), Poll(f"bybit {ticker.symbol}", self._clock, POLL_EVERY))

    def _start(self, rest: BybitRest, workers: Workers) -> None:
        """Stream and poll for the coins for which nothing does so yet."""
        for number, coin in enumerate(self._coins.values(), start=1):
            if coin.lines is None:
                coin.book.read_since = self._clock.seconds()
                make = partial(self._stream, coin)
                coin.lines = Lines(make, start=lambda stream: workers.start(stream.run()), end=workers.end)
                # Later polls are spread over the interval, the first are not.
                coin.polling = workers.start(self._keep(coin, rest, POLL_EVERY * number / len(self._coins)))

    def _end(self, coin: _Coin, workers: Workers) -> None:
        if coin.polling is not None:
            workers.end(coin.polling)
        if coin.lines is not None:
            coin.lines.want([], [])
        coin.lines, coin.polling = None, None

    async def chains(self) -> AsyncIterator[OptionChain]:
        """Yield a ticker's chain whenever it changed, at most once an interval; see `Source`."""
        async with (
            BybitRest(self._rest_url, clock=self._clock, answered=self._answered) as rest,
            Workers(self._news) as workers,
        ):
            self._running = rest, workers
            try:
                self._start(rest, workers)
                workers.start(self._announcements.keep(partial(self._listen, rest)))
                workers.start(self._attend())
                while True:
                    await self._news.wait()
                    self._news.clear()
                    workers.check()
                    yielded = False
                    for ticker, coin in tuple(self._coins.items()):
                        carried = self._coins.get(ticker) is coin
                        if carried and coin.book.changed and (chain := self._chain(coin.book)) is not None:
                            yield chain
                            yielded = True
                    if yielded:
                        await self._clock.sleep(self._interval)
            finally:
                self._running = None
                for coin in self._coins.values():
                    self._end(coin, workers)

    def refresh(self, ticker: Ticker) -> None:
        """Ask for the ticker's whole chain as soon as the limits allow."""
        if (coin := self._coins.get(ticker)) is not None:
            coin.poll.wake()

    def _chain(self, book: Book) -> OptionChain | None:
        notes = ("This is Bybit's test network, not the market.",) if self._testnet else ()
        return book.chain(self._time.now(), simulated=self._simulated and self._loopback, notes=notes)

    # What the venue sends.

    def _stream(self, coin: _Coin, line: Line) -> Stream:
        return Stream(
            self._ws_url,
            lambda: self._new_session(coin, line),
            clock=self._clock,
            limiter=self._subscribing,
            connections=self._connecting,
            keep_alive=KEEP_ALIVE,
            cadence=_STREAM_CADENCE,
            excuse=lambda: IN_MAINTENANCE if self._in_maintenance else "",
        )

    def _new_session(self, coin: _Coin, line: Line) -> BybitSession:
        if line.stream.stats.connects > 1:
            coin.poll.wake()  # what happened meanwhile is in the next answer
        return BybitSession(partial(_hear, coin.book, line), partial(self._take, coin.book, line), coin.book.rejected)

    def _take(self, book: Book, line: Line, topic: str, push: Push) -> bool:
        """Take one push in; whether it says anything new."""
        kind, _, subject = topic.partition(".")
        if kind == "tickers" and isinstance(push.data, Data):
            said = push.data.symbol
            if said is not None and said != subject and canonical(said) != canonical(subject):
                book.rejected["symbol"] += 1
                return False
            before = book.conflated
            used = book.take(subject, push.data, push.ts, self._time.now(), whole=push.type != "delta")
            line.conflated += book.conflated - before
            return used
        if kind == "publicTrade" and isinstance(push.data, list):
            book.take_trades(push.data, self._time.now())
            return True
        book.rejected["unknown topic"] += 1
        return False

    def _answered(self, answer: Answer) -> None:
        self._time.heard(answer.time)
        self._simulated = answer.ret_ext_info is not None and answer.ret_ext_info.simulated is True

    # What is asked for.

    async def _listen(self, rest: BybitRest) -> None:
        """Hear whether the venue is at work on itself."""
        if self._coins:
            self._in_maintenance = await rest.in_maintenance()
            self._announcements.answered()

    async def _keep(self, coin: _Coin, rest: BybitRest, first_pause: float) -> NoReturn:
        """Keep one coin's listing and whole chain current."""
        symbols, _ = await self._cache.read(coin.symbol, self._clock.now())
        if symbols:
            coin.book.relist_symbols(symbols, self._time.now())
            self._want(coin)
        await coin.poll.keep(partial(self._poll, coin, rest), first_pause)

    async def _poll(self, coin: _Coin, rest: BybitRest) -> None:
        book = coin.book
        try:
            tickers, unreadable, sent = await rest.tickers(coin.symbol)
        except FetchError as error:
            if error.failure is Failure.BLOCKED:
                self._connecting.close(BANNED_SECONDS)
            raise
        now = self._time.now()
        book.rejected["schema"] += unreadable
        book.unconfirmed = False
        book.take_tickers(tickers, sent if math.isfinite(sent) else now, now)
        coin.poll.answered()
        if book.unconfirmed or coin.relist or self._clock.seconds() - coin.listed_at >= RELIST_EVERY:
            symbols = await rest.instruments(coin.symbol)
            book.relist_symbols(symbols, self._time.now())
            coin.listed, coin.relist, coin.listed_at = True, False, self._clock.seconds()
            await self._cache.write(coin.symbol, symbols, self._clock.now())
        self._want(coin)
        if len(book) and self._clock.seconds() >= book.recall_at:
            book.recall_at = self._clock.seconds() + _RECALL_EVERY
            book.previous_close = await rest.price_a_day_ago(coin.symbol)

    def _want(self, coin: _Coin) -> None:
        """Subscribe to what the book holds now."""
        if coin.lines is not None:
            symbols = coin.book.symbols()
            coin.lines.want(symbols, [f"publicTrade.{coin.symbol}"] if symbols else [])

    async def _attend(self) -> NoReturn:
        """Drop what expires at its instant, and look after topics that never speak."""
        while True:
            now = self._time.now()
            for coin in self._coins.values():
                expired = coin.book.expire(now)
                silent = coin.lines is not None and coin.lines.attend()
                coin.relist |= expired
                if expired or silent:
                    self._want(coin)
            soonest = min((coin.book.next_expiry for coin in self._coins.values()), default=math.inf)
            await self._clock.sleep(min(max(soonest - self._time.now(), 0.01), 1.0))

    # What is said of it; from any thread.

    def status(self, ticker: Ticker) -> SourceStatus:
        """The health of the ticker's data; see `Source`."""
        coin = self._coins.get(ticker)
        if coin is None:
            return SourceStatus(self.name, SourceState.DISABLED, self._interval, f"{ticker.symbol} is not read here")
        state, detail = self._judge(coin)
        now = self._time.now()
        streaming = now - coin.book.heard_at <= SILENT_AFTER
        interval = pace(self._interval, POLL_EVERY, now - coin.book.summed_at, streaming=streaming)
        rejected = coin.book.rejected.copy()
        connections = [] if coin.lines is None else coin.lines.statuses(coin.symbol, rejected)
        connections.append(coin.poll.status(f"{coin.symbol} polls"))
        return SourceStatus(self.name, state, interval, detail, tuple(connections))

    def _judge(self, coin: _Coin) -> tuple[SourceState, str]:
        """The state and the words for it, gravest first."""
        if coin.lines is None:
            return SourceState.CONNECTING, ""
        if coin.unknown:
            return SourceState.DISABLED, f"Bybit lists no options on {coin.symbol}"
        if self._in_maintenance:
            return SourceState.DEGRADED, IN_MAINTENANCE
        book, lines, now = coin.book, coin.lines, self._time.now()
        trouble, lost = coin.poll.trouble.sentence, coin.lines.lost
        polled = now - book.summed_at <= _TOO_OLD
        if lost and len(lost) == len(lines.lines):
            words = f"{lost[0].detail}; next try in {in_seconds(lost[0].next_try_in)}"
            if polled:
                return SourceState.DEGRADED, f"no stream, read every {POLL_EVERY:g} s: {words}"
            return SourceState.BACKOFF, words
        if book.without_interest:
            kept = "no open interest yet" if book.summed_at == -np.inf else "no open interest; the last is kept"
            return SourceState.DEGRADED, f"Bybit gives {kept}"
        if not book.whole:
            return (SourceState.BACKOFF, trouble) if trouble else (SourceState.CONNECTING, "")
        if book.spot is None:
            return SourceState.DEGRADED, f"Bybit's tickers give no price of {coin.symbol}"
        if (silence := self._silence(book, lines, now)) is not None:
            return silence
        if not polled and trouble:
            since = "yet" if book.summed_at == -np.inf else f"for {in_seconds(now - book.summed_at)}"
            return SourceState.DEGRADED, f"not polled {since}: {trouble}"
        if book.old_interest:
            return SourceState.DEGRADED, book.old_interest
        if abs(self._time.ahead) > EARLY:
            return SourceState.DEGRADED, f"this machine's clock is off by {in_seconds(abs(self._time.ahead))}"
        return SourceState.LIVE, ""

    def _silence(self, book: Book, lines: Lines, now: float) -> tuple[SourceState, str] | None:
        """What the streams do not tell of this coin."""
        if book.heard_at == -np.inf:
            waited = book.read_since is not None and self._clock.seconds() - book.read_since > SILENT_AFTER
            return (SourceState.DEGRADED, "no tickers yet") if waited else (SourceState.CONNECTING, "")
        if now - book.heard_at > SILENT_AFTER:
            return SourceState.DEGRADED, f"tickers {in_seconds(now - book.heard_at)} old"
        if lost := lines.lost:
            return SourceState.DEGRADED, f"{len(lost)} of {len(lines.lines)} streams lost: {lost[0].detail}"
        have, want = lines.subscribed
        if lines.without_data > _MANY * want:
            return SourceState.DEGRADED, f"no data from {lines.without_data} of {want} contracts"
        if want - have > _MANY * want:
            return SourceState.CONNECTING, f"subscribed to {have} of {want} contracts"
        return None


def _hear(book: Book, line: Line, ticking: Ticking) -> bool | None:
    """Take in a push as it should be; None where it needs a closer look than this."""
    symbol, before = ticking.data.symbol, book.conflated
    if ticking.topic != TICKERS + symbol:
        return None
    new = book.hear(symbol, ticking.data, ticking.ts)
    line.conflated += book.conflated - before
    return new
