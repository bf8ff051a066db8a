"""Cboe's delayed quotes, live and without an account: a whole file a ticker, about once a minute, one at a time."""

import asyncio
import math
import random
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

from gextui.market.chain import OptionChain
from gextui.market.ticker import Kind, Ticker
from gextui.sources.cboe_book import SOURCE, next_expiry, read_quotes, still_living
from gextui.sources.cboe_hours import EVERY, Phase, pace, phase_of
from gextui.sources.cboe_kept import KeptFiles
from gextui.sources.cboe_lane import Lane
from gextui.sources.cboe_rest import CboeRest, sent_at
from gextui.sources.failure import Failure, FetchError
from gextui.sources.http import LOOPBACK, Fetched, refuse_plain_url
from gextui.sources.instruments import InstrumentCache
from gextui.sources.pacing import Backoff, Clock, SystemClock, ended_within
from gextui.sources.source import SourceState, SourceStatus
from gextui.sources.trouble import Trouble
from gextui.sources.venue_time import VenueTime
from gextui.sources.workers import Workers

ASK_AGAIN_AFTER = 3600.0
"""Seconds until a ticker that the venue does not know is asked for once more."""
KEEP_EVERY = 900.0
"""Seconds after which a ticker's file is kept on disk once more."""
_JITTER = 0.1
"""The part of a pause by which it may be longer, so that nobody asks in step."""
_UNSERVED = frozenset({Failure.DNS, Failure.REFUSED, Failure.LIMITED, Failure.TLS})
"""What cost the venue nothing, or what it says itself how long to wait after."""
_LOOK_EVERY = 60.0
"""Seconds after which it is asked anew what expires when."""
_AGREES = 2.0
"""Seconds: an answer's own time is no more exact, so that a machine's clock which agrees with it is believed."""


class CboeSource:
    """The options of US indices, ETFs and shares, from Cboe. Implements `Source`, `Refreshable` and `Adjustable`."""

    name = SOURCE

    def __init__(
        self,
        tickers: Sequence[Ticker],
        *,
        rest_url: str,
        rate: Callable[[], float],
        clock: Clock | None = None,
        cache_dir: Path | None = None,
    ) -> None:
        """Prepare to read ``tickers``.

        Args:
            tickers: Indices, ETFs and shares; one that the venue does not know is told so in its status.
            rest_url: Where its delayed quotes are.
            rate: The interest rate a year, continuously compounded, whenever a chain is made.
            clock: The machine's where None.
            cache_dir: Where its files are kept, and for a day which tickers it knows; nowhere where None.

        Raises:
            ValueError: the address is not one that may be asked.
        """
        refuse_plain_url(rest_url)
        self.tickers: tuple[Ticker, ...] = ()
        self._rest_url = rest_url
        self._on_loopback = urlsplit(rest_url).hostname in LOOPBACK
        self._rate = rate
        self._clock = clock = SystemClock() if clock is None else clock
        self._time = VenueTime(clock)
        self._cache = InstrumentCache(cache_dir, f"{SOURCE} {rest_url}")
        self._files = KeptFiles(cache_dir, rest_url)
        self._lanes: dict[Ticker, Lane] = {}
        self._known: set[str] = set()
        """Symbols that the venue ever gave."""
        self._asked_at: dict[Ticker, float] = {}
        """By the clock's seconds; of tickers that were let go as well, should they come again."""
        self._turn = asyncio.Lock()
        """Held by the one request in flight, until what came of it is read: no two bodies are held at once."""
        self._news, self._renewed = asyncio.Event(), asyncio.Event()
        self._running: tuple[CboeRest, Workers] | None = None
        """While `chains` runs."""
        self.carry(tickers)

    def carry(self, tickers: Sequence[Ticker]) -> None:
        """Give these tickers from now on, and let go of the others; see `Adjustable`."""
        # A new dictionary, because another thread may be reading.
        before = self._lanes
        self._lanes = {ticker: before.get(ticker) or self._new_lane(ticker) for ticker in tickers}
        self.tickers = tuple(self._lanes)
        if self._running is not None:
            rest, workers = self._running
            for ticker in before.keys() - self._lanes.keys():
                if (polling := before[ticker].polling) is not None:
                    workers.end(polling)
            self._start(rest, workers)

    def _new_lane(self, ticker: Ticker) -> Lane:
        trouble = Trouble(f"{SOURCE} {ticker.symbol}", self._clock)
        lane = Lane(ticker, trouble, Backoff(self._clock), self._known)
        lane.due = self._earliest(ticker)
        return lane

    def _earliest(self, ticker: Ticker) -> float:
        """When the ticker may be asked for again."""
        asked_at = self._asked_at.get(ticker)
        return 0.0 if asked_at is None else asked_at + EVERY

    def _start(self, rest: CboeRest, workers: Workers) -> None:
        """Ask for the tickers for which nothing does so yet."""
        for lane in self._lanes.values():
            if lane.polling is None and lane.ticker.kind is not Kind.COIN:
                lane.polling = workers.start(self._keep(lane, rest))

    async def chains(self) -> AsyncIterator[OptionChain]:
        """Yield a ticker's chain whenever its file has changed, and again where it has not; see `Source`."""
        async with CboeRest(self._rest_url, clock=self._clock) as rest, Workers(self._news) as workers:
            self._running = rest, workers
            try:
                await self._recall()
                self._start(rest, workers)
                workers.start(self._roll())
                while True:
                    await self._news.wait()
                    self._news.clear()
                    workers.check()
                    for lane in tuple(self._lanes.values()):
                        if lane.unsaid and lane.chain is not None and self._lanes.get(lane.ticker) is lane:
                            lane.unsaid = False
                            yield lane.chain
            finally:
                self._running = None
                for lane in self._lanes.values():
                    lane.polling = None

    def refresh(self, ticker: Ticker) -> None:
        """Ask for the ticker's file as soon as it may be asked for again."""
        if (lane := self._lanes.get(ticker)) is not None:
            lane.due = min(lane.due, self._earliest(ticker))
            lane.hurried.set()

    # What is asked for.

    async def _recall(self) -> None:
        """Learn which tickers the venue gave within the day."""
        known, _ = await self._cache.read("known", self._clock.now())
        self._known.update(known)

    async def _keep(self, lane: Lane, rest: CboeRest) -> NoReturn:
        """Ask for a ticker's file for ever."""
        await self._take_up(lane)
        while True:
            while (left := lane.due - self._clock.seconds()) > 0:
                lane.hurried.clear()
                await ended_within(self._clock, left, lane.hurried.wait())
            try:
                await self._ask(lane, rest)
                lane.trouble.clear()
                lane.backoff.data()
                pause = self._pause(lane)
            except FetchError as error:
                lane.trouble.report(error)
                served = error.failure not in _UNSERVED
                pause = self._pause(lane) if served else lane.backoff.pause()
            lane.due = self._clock.seconds() + pause
            self._news.set()

    def _pause(self, lane: Lane) -> float:
        if lane.seems_unknown:
            seconds = ASK_AGAIN_AFTER
        elif lane.chain is None:
            seconds = EVERY  # whatever the market does, somebody waits for the first
        else:
            seconds = pace(lane.ticker, self._now())
        return seconds * random.uniform(1.0, 1.0 + _JITTER)

    async def _take_up(self, lane: Lane) -> None:
        """Go on where an earlier program left off: what it has just read is not asked for again."""
        async with self._turn:
            kept = None if lane.chain is not None else await self._files.read(lane.ticker.symbol)
            age = math.inf if kept is None else self._clock.now() - kept.at
            if kept is None or not 0.0 <= age < EVERY:
                return
            try:
                await self._read(lane, await asyncio.to_thread(kept.unpack), kept.sent)
            except FetchError as error:
                lane.trouble.report(error)
                return
        lane.answered_at = lane.heard_at = at = self._clock.seconds() - age
        self._asked_at[lane.ticker] = max(at, self._asked_at.get(lane.ticker, at))
        lane.due = self._earliest(lane.ticker)
        lane.unsaid = True
        self._news.set()

    async def _ask(self, lane: Lane, rest: CboeRest) -> None:
        symbol, before = lane.ticker.symbol, lane.chain
        async with self._turn:
            # One that could not be used is wanted whole again, whatever its tag.
            usable = not lane.trouble.sentence
            kept = await self._files.read(symbol) if before is None and usable else None
            try:
                fetched = await rest.options(
                    lane.ticker,
                    known=lane.is_known,
                    if_changed=before is not None and usable,
                    etag="" if kept is None else kept.etag,
                )
            except FetchError as error:
                raise self._refused(lane, error) from None
            finally:
                self._asked_at[lane.ticker] = self._clock.seconds()
            lane.heard_at = self._clock.seconds()
            sent = sent_at(fetched)
            if sent is not None:
                self._hear(sent)
            if not fetched.unchanged:
                await self._read(lane, fetched.body, sent)
                await self._keep_file(lane, fetched, sent)
            elif kept is not None:
                await self._read(lane, await asyncio.to_thread(kept.unpack), kept.sent)
                await self._files.is_still_newest(symbol, self._clock.now())
        lane.answers += 1
        lane.answered_at = self._clock.seconds()
        lane.denials, lane.blocked = 0, False
        lane.unsaid |= lane.chain is not before or not lane.is_overdue(self._now())
        if not lane.is_known:
            self._known.add(symbol)
            await self._cache.write("known", sorted(self._known), self._clock.now())

    async def _read(self, lane: Lane, body: bytes, sent: datetime | None) -> None:
        try:
            reading = await asyncio.to_thread(
                read_quotes,
                body,
                lane.ticker,
                lane.chain,
                rate=self._rate(),
                sent=sent,
                on_loopback=self._on_loopback,
                trading=phase_of(lane.ticker, self._now()) is Phase.REGULAR,
            )
        except FetchError:
            lane.rejected["file"] += 1
            raise
        if reading.counted_anew:
            lane.counted_at = reading.stamp
        lane.stamp = reading.stamp
        # What has expired since the file was made is gone, though it is listed.
        lane.chain = still_living(reading.chain, self._time.now())
        self._renewed.set()

    async def _keep_file(self, lane: Lane, fetched: Fetched, sent: datetime | None) -> None:
        """Spare the next program the file; now and then, for it is large."""
        assert lane.chain is not None
        now = self._clock.seconds()
        if not lane.chain.simulated and now - lane.kept_at >= KEEP_EVERY:
            lane.kept_at = now
            etag = fetched.headers.get("etag", "")
            await self._files.write(lane.ticker.symbol, fetched.body, etag, sent, self._clock.now())

    def _refused(self, lane: Lane, error: FetchError) -> FetchError:
        """What it means for this ticker that there is no answer."""
        lane.blocked = error.failure is Failure.BLOCKED
        if error.status != HTTPStatus.FORBIDDEN:
            return error
        lane.denials += 1
        return FetchError(
            Failure.BLOCKED, "Cboe blocks us (HTTP 403)" if lane.is_known else lane.denied, status=error.status
        )

    def _hear(self, sent: datetime) -> None:
        at = sent.timestamp()
        agrees = abs(at - self._clock.now()) <= _AGREES
        self._time.heard(self._clock.now() if agrees else at)

    async def _roll(self) -> NoReturn:
        """Let what expires leave at its instant."""
        while True:
            self._renewed.clear()
            now, soonest = self._time.now(), math.inf
            for lane in self._lanes.values():
                if lane.chain is None:
                    continue
                chain = still_living(lane.chain, now)
                if chain is not lane.chain:
                    lane.chain, lane.unsaid = chain, True
                    self._news.set()
                soonest = min(soonest, next_expiry(chain, now))
            # The venue's clock may turn out to be another than it seemed.
            wait = min(max(soonest - now, 0.01), _LOOK_EVERY)
            await ended_within(self._clock, wait, self._renewed.wait())

    # What is said of it; from any thread.

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._time.now(), UTC)

    def status(self, ticker: Ticker) -> SourceStatus:
        """The health of the ticker's data; see `Source`."""
        lane = self._lanes.get(ticker)
        if lane is None:
            return SourceStatus(SOURCE, SourceState.DISABLED, EVERY, f"{ticker.symbol} is not read here")
        seconds, next_try = self._clock.seconds(), self._next_try(lane)
        state, detail = lane.judge(self._now(), seconds, next_try=next_try, clock_off=self._time.ahead)
        connections = (lane.polls(seconds, next_try),)
        return SourceStatus(SOURCE, state, pace(ticker, self._now()), detail, connections)

    def _next_try(self, lane: Lane) -> float:
        closed = 0.0 if self._running is None else self._running[0].limiter.closed_for
        return max(lane.due - self._clock.seconds(), closed, 0.0)
