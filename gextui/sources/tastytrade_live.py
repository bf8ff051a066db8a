"""Tastytrade, live, with an account: every listed US option over dxLink, the contracts that matter second by second."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

from gextui.market.calendar import MarketState, market_state, new_york
from gextui.market.chain import OptionChain
from gextui.market.option_hours import options_trade, quotes_until
from gextui.market.ticker import Kind, Ticker
from gextui.secrets import Secret
from gextui.sources.book import EARLY, NEARLY_ALL
from gextui.sources.dxlink import Events, subscriptions
from gextui.sources.dxlink_session import KEPT_ALIVE, DxLinkSession
from gextui.sources.http import LOOPBACK, refuse_plain_url
from gextui.sources.instruments import InstrumentCache
from gextui.sources.pacing import Clock, Limiter, SystemClock
from gextui.sources.polling import in_seconds
from gextui.sources.session import Channel
from gextui.sources.source import ConnectionStatus, SourceState, SourceStatus
from gextui.sources.stream import Stream, StreamState
from gextui.sources.subscriptions import longest_silence
from gextui.sources.tastytrade import QuoteToken
from gextui.sources.tastytrade_book import FIELDS, NAME, Book
from gextui.sources.tastytrade_coverage import ROTATE_EVERY, shared
from gextui.sources.tastytrade_lane import Lane
from gextui.sources.tastytrade_rest import TastytradeRest
from gextui.sources.venue_time import VenueTime
from gextui.sources.workers import Workers

DELAY = 900.0
"""Seconds by which a delayed stream's quotes are late."""
ROOM = 10_000
"""Subscriptions at once, of all tickers together; the venue publishes no number, and five times as many never came."""
NO_ACCOUNT = (
    "no Tastytrade account; set GEXTUI_TASTYTRADE_CLIENT_SECRET and GEXTUI_TASTYTRADE_REFRESH_TOKEN, or their "
    "commands or files in config.toml"
)
_INTERVAL = 2.0
_PERIOD = 1.0
"""Seconds between two events of a symbol, at the least."""
_STEP = 0.25
"""Seconds between looks at what is to be subscribed to."""
_FRAMES = (20.0, 1.0)
"""Frames of subscriptions a second, and at once."""
_MOST_UNSENT = 4
_CADENCE = 5.0
"""Seconds within which something of a ticker moves while it trades."""
_QUIET = 10.0
"""Likewise at night."""


class TastytradeSource:
    """The options of shares and indices, from Tastytrade. Implements `Source`, `Refreshable` and `Adjustable`."""

    name = NAME

    def __init__(
        self,
        tickers: Sequence[Ticker],
        *,
        rest_url: str,
        client_secret: Secret | None,
        refresh_token: Secret | None,
        rate: Callable[[], float],
        interval: float = _INTERVAL,
        room: int = ROOM,
        clock: Clock | None = None,
        cache_dir: Path | None = None,
    ) -> None:
        """Prepare to read ``tickers``.

        Args:
            tickers: Shares and indices; one that the venue does not list is told so in its status.
            rest_url: The venue's methods; the only address that the credentials are sent to.
            client_secret: The user's application's; without it and a refresh token nothing is asked.
            refresh_token: The user's.
            rate: The interest rate a year, continuously compounded, whenever a chain is made.
            interval: Seconds between two chains of a ticker, at the least.
            room: Subscriptions at once, of all tickers together.
            clock: The machine's where None.
            cache_dir: Where what is listed is kept for a day; nowhere where None.

        Raises:
            ValueError: the address is not one that may be asked.
        """
        refuse_plain_url(rest_url)
        self.tickers: tuple[Ticker, ...] = ()
        self.rejected: Counter[str] = Counter()
        """What made no sense in the stream, by reason."""
        self._rest_url = rest_url
        self._loopback = urlsplit(rest_url).hostname in LOOPBACK
        self._account = None if client_secret is None or refresh_token is None else (client_secret, refresh_token)
        self._rate = rate
        self._interval = interval
        self._room = room
        self._clock = clock = SystemClock() if clock is None else clock
        self._time = VenueTime(clock)
        self._cache = InstrumentCache(cache_dir, f"{NAME} {rest_url}")
        self._stream = Stream(
            self._find_stream,
            self._new_session,
            clock=clock,
            limiter=Limiter(clock, rate=_FRAMES[0], burst=_FRAMES[1]),
            keep_alive=KEPT_ALIVE,
        )
        self._token: QuoteToken | None = None
        self._lanes: dict[Ticker, Lane] = {}
        self._by_symbol: dict[str, Lane] = {}
        self._wanted: tuple[Channel, ...] = ()
        self._news, self._retry = asyncio.Event(), asyncio.Event()
        self._running: tuple[TastytradeRest, Workers] | None = None
        """While `chains` runs with an account."""
        self._streaming: asyncio.Task[Any] | None = None
        self.carry(tickers)

    def carry(self, tickers: Sequence[Ticker]) -> None:
        """Give these tickers from now on, and let go of the others; see `Adjustable`."""
        # New dictionaries, because another thread may be reading.
        before = self._lanes
        self._lanes = {ticker: before.get(ticker) or Lane(ticker, self._clock, self._news.set) for ticker in tickers}
        self._by_symbol = {lane.book.symbol: lane for lane in self._lanes.values()}
        self.tickers = tuple(self._lanes)
        if self._running is not None:
            rest, workers = self._running
            for ticker in before.keys() - self._lanes.keys():
                if (listing := before[ticker].listing) is not None:
                    workers.end(listing)
            self._work(rest, workers)

    def _work(self, rest: TastytradeRest, workers: Workers) -> None:
        """List and stream what is carried now, and nothing else."""
        for lane in self._lanes.values():
            if lane.listing is None and lane.book.ticker.kind is not Kind.COIN:
                lane.listing = workers.start(lane.poll.keep(partial(self._list, lane, rest)))
        self._want()
        if self._lanes and self._streaming is None:
            self._streaming = workers.start(self._stream.run())
        elif not self._lanes and self._streaming is not None:
            workers.end(self._streaming)
            self._streaming = None

    async def chains(self) -> AsyncIterator[OptionChain]:
        """Yield a ticker's chain whenever it changed, at most once an interval; see `Source`."""
        if self._account is None:
            await asyncio.Event().wait()
            return
        async with (
            TastytradeRest(self._rest_url, *self._account, clock=self._clock, time=self._time) as rest,
            Workers(self._news) as workers,
        ):
            self._running = rest, workers
            try:
                self._work(rest, workers)
                workers.start(self._drive())
                while True:
                    await self._news.wait()
                    self._news.clear()
                    workers.check()
                    yielded = False
                    for lane in tuple(self._lanes.values()):
                        chain = await self._chain(lane.book) if lane.book.changed else None
                        if chain is not None and self._lanes.get(lane.book.ticker) is lane:
                            yield chain
                            yielded = True
                    if yielded:
                        await self._clock.sleep(self._interval)
            finally:
                self._running = self._streaming = None
                for lane in self._lanes.values():
                    lane.listing = None

    def refresh(self, ticker: Ticker) -> None:
        """Read what is listed and every contract once more; after a refusal also try the account once more."""
        if (lane := self._lanes.get(ticker)) is None:
            return
        if self._running is not None:
            self._running[0].try_once_more()
            self._retry.set()
        lane.begin_anew()

    async def _chain(self, book: Book) -> OptionChain | None:
        simulated = self._loopback and self._token is not None and self._token.simulated
        make = book.chain_of(self._time.now(), simulated=simulated)
        # An index has tens of thousands of contracts.
        return None if make is None else await asyncio.to_thread(make, self._rate())

    # What is asked for.

    async def _list(self, lane: Lane, rest: TastytradeRest) -> None:
        """Learn what is listed today."""
        had = lane.channel is not None
        if await lane.relist(rest, self._cache, self._time, self._clock.seconds()) and had:
            # Other contracts need other subscriptions: the channel begins anew.
            self._stream.ask_again([lane.book.symbol])
        self._want()

    def _want(self) -> None:
        """Have a channel for each ticker that has contracts."""
        wanted = tuple(
            Channel(symbol, cadence=_CADENCE if self._moves(lane.book) else None)
            for symbol, lane in self._by_symbol.items()
            if len(lane.book)
        )
        if wanted != self._wanted:
            self._wanted = wanted
            self._stream.want(wanted)

    def _moves(self, book: Book) -> bool:
        """Whether something of it should move now."""
        state = market_state(book.ticker.session, self._quoted_at())
        return state is MarketState.OPEN and book.underlying.halted_at is None

    async def _drive(self) -> NoReturn:
        """Subscribe to what is due and let go of the rest, a little at a time."""
        turn = 0
        while True:
            await self._clock.sleep(_STEP)
            self._want()
            lanes = [lane for lane in self._lanes.values() if len(lane.book)]
            rooms = shared(self._room, [lane.need for lane in lanes])
            work = deque(zip(lanes, rooms, strict=True))
            turn += 1
            work.rotate(turn)  # each is the first in turn
            for lane, room in work:
                self._advance(lane, room)

    def _advance(self, lane: Lane, room: int) -> None:
        book = lane.book
        book.expire(self._time.now())
        book.assess(self._time.now())
        if lane.channel is not None and self._stream.unsent <= _MOST_UNSENT:
            rotating = self._trades(book) or self._trades(book, ROTATE_EVERY)
            self._stream.say(lane.advance(self._clock.seconds(), self._time.now(), room, rotating=rotating))
        if book.coverage.is_whole and not book.whole:
            book.touch()
        if lane.channel is not None and book.underlying.halted_at is not None and self._trades(book):
            book.stand_still(self._time.now())

    def _quoted_at(self, before: float = 0.0) -> datetime:
        late = DELAY if self._is_delayed else 0.0
        return datetime.fromtimestamp(self._time.now() - late - before, UTC)

    def _trades(self, book: Book, before: float = 0.0) -> bool:
        """Whether the ticker's options trade, or did so many seconds ago."""
        return options_trade(book.ticker, self._quoted_at(before))

    # The stream; it implements `Listener` by these.

    @property
    def _is_delayed(self) -> bool:
        return self._token is not None and self._token.delayed

    async def _find_stream(self) -> str:
        """Where the stream is, once we may ask; the one before it is gone."""
        assert self._running is not None
        for symbol in self._by_symbol:
            self.closed(symbol)
        rest = self._running[0]
        while rest.refused:
            self._retry.clear()
            await self._retry.wait()
        self._token = await rest.quote_token()
        for lane in self._lanes.values():
            lane.book.delay = DELAY if self._token.delayed else 0.0
        return self._token.url

    def _new_session(self) -> DxLinkSession:
        assert self._token is not None
        return DxLinkSession(self._token.token, FIELDS, _PERIOD, self, clock=self._clock)

    def authorized(self, accepted: bool) -> None:
        """The stream took the token, or not; see `Listener`."""
        if self._running is not None:
            self._running[0].quote_token_used(accepted=accepted)

    def opened(self, name: str, channel: int) -> None:
        """A ticker's channel is open."""
        if (lane := self._by_symbol.get(name)) is not None:
            lane.channel = channel
            lane.book.delay = DELAY if self._is_delayed else 0.0
            lane.book.coverage.start_over()
            self._stream.say(subscriptions(channel, lane.book.watched, (), reset=True))

    def closed(self, name: str) -> None:
        """A ticker's channel is no more."""
        if (lane := self._by_symbol.get(name)) is not None:
            lane.channel = None
            lane.book.coverage.start_over()

    def hear(self, name: str, events: Events) -> bool:
        """Take a ticker's events in."""
        lane = self._by_symbol.get(name)
        return lane is not None and lane.book.hear(events, self._time.now())

    # What is said of it; from any thread.

    def status(self, ticker: Ticker) -> SourceStatus:
        """The health of the ticker's data; see `Source`."""
        lane = self._lanes.get(ticker)
        if lane is None:
            return SourceStatus(NAME, SourceState.DISABLED, self._interval, f"{ticker.symbol} is not read here")
        state, detail = self._judge(lane)
        moving = market_state(ticker.session, self._quoted_at()) is MarketState.OPEN
        interval = self._interval if moving else max(self._interval, _QUIET)
        connections = () if self._account is None else self._connections(lane)
        return SourceStatus(NAME, state, interval, detail, connections)

    def _judge(self, lane: Lane) -> tuple[SourceState, str]:
        """The state and the words for it, gravest first."""
        book, symbol = lane.book, lane.book.ticker.symbol
        if self._account is None:
            return SourceState.DISABLED, NO_ACCOUNT
        if book.ticker.kind is Kind.COIN:
            return SourceState.DISABLED, f"Tastytrade has no options on coins such as {symbol}"
        if self._running is None:
            return SourceState.CONNECTING, ""
        if refused := self._refused(lane):
            return SourceState.DISABLED, refused
        if lane.is_unknown:
            return SourceState.DISABLED, f"Tastytrade lists no options on {symbol}"
        trouble = lane.poll.trouble.sentence
        if not len(book):
            return (SourceState.BACKOFF, self._again(lane)) if trouble else (SourceState.CONNECTING, "")
        if self._stream.state is StreamState.BACKOFF:
            return SourceState.BACKOFF, f"{self._stream.detail}; next try in {in_seconds(self._stream.next_try_in)}"
        if (why := self._stream.missing.get(book.symbol)) is not None:
            return SourceState.DEGRADED, why
        read, now = book.coverage.read, self._time.now()
        if not book.whole:
            return SourceState.CONNECTING, f"{read:,} of {len(book):,} contracts read" if read else ""
        if book.spot(now) is None:
            return SourceState.DEGRADED, f"Tastytrade gives no price of {symbol} yet"
        if book.without_interest:
            return SourceState.DEGRADED, "Tastytrade gives no open interest yet"
        if not self._trades(book):
            at = quotes_until(book.ticker, datetime.fromtimestamp(book.as_of(now), UTC))
            return SourceState.CLOSED, f"market closed, as of {new_york(at, datetime.fromtimestamp(now, UTC))}"
        if self._stream.state is StreamState.CONNECTING or lane.channel is None:
            return SourceState.CONNECTING, ""
        return self._judge_data(lane, now)

    def _judge_data(self, lane: Lane, now: float) -> tuple[SourceState, str]:
        """The state of what comes while the options trade."""
        book, symbol = lane.book, lane.book.ticker.symbol
        if self._moves(book) and now - book.heard_at > longest_silence(_CADENCE):
            return SourceState.DEGRADED, f"nothing of {symbol} for {in_seconds(now - book.heard_at)}"
        if book.unsummed > (1.0 - NEARLY_ALL) * len(book):
            return SourceState.DEGRADED, f"no open interest came of {book.unsummed:,} of {len(book):,} contracts"
        if book.old_interest:
            return SourceState.DEGRADED, book.old_interest
        if lane.poll.trouble.sentence:
            return SourceState.DEGRADED, self._again(lane)
        if abs(self._time.ahead) > EARLY:
            return SourceState.DEGRADED, f"this machine's clock is off by {in_seconds(abs(self._time.ahead))}"
        halted = book.underlying.halted_at
        said = "" if halted is None else f"trading in {symbol} is halted"
        if self._is_delayed:
            return SourceState.DELAYED, f"{said}; delayed {DELAY / 60:.0f} min".removeprefix("; ")
        return SourceState.LIVE, said

    def _again(self, lane: Lane) -> str:
        return f"{lane.poll.trouble.sentence}; next try in {in_seconds(lane.poll.retry_in)}"

    def _connections(self, lane: Lane) -> tuple[ConnectionStatus, ...]:
        """The stream, which all tickers share, the ticker's contracts on it, and what is listed."""
        stream = self._stream.status("stream")
        stream = replace(stream, rejected=dict(Counter(stream.rejected) + self.rejected.copy()))
        state = stream.state if lane.channel is not None else str(StreamState.CONNECTING)
        contracts = lane.status(state, self._time.now())
        listing = lane.poll.status(f"{lane.book.ticker.symbol} listing")
        if not (refused := self._refused(lane)):
            return stream, contracts, listing
        off = str(StreamState.DISABLED)
        return tuple(
            replace(each, state=off, detail=refused, next_try_in=None) for each in (stream, contracts, listing)
        )

    def _refused(self, lane: Lane) -> str:
        """Why nothing comes of the ticker any more; empty where something does, though nothing more may be asked."""
        return self._running[0].refused if self._running is not None and lane.channel is None else ""
