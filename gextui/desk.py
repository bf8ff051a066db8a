"""Desk: runs sources, builds boards, records them, hands the newest to whoever watches."""

import asyncio
import contextlib
import math
import threading
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, NoReturn, TypeVar

from gextui.choice import Arrival, stale_after
from gextui.coin_etfs import CoinEtfs
from gextui.exposure.board import Board
from gextui.exposure.change import Past
from gextui.exposure.filters import EVERYTHING, Filters
from gextui.exposure.series import Series
from gextui.intake import Intake
from gextui.keeper import History, Keeper
from gextui.lane import Chart, Lane, Reading
from gextui.market.calendar import last_close
from gextui.market.chain import OptionChain
from gextui.market.ticker import Ticker
from gextui.rewind import Rewind
from gextui.route import Recorded, Route
from gextui.sources.pacing import Clock, SystemClock, ended_within
from gextui.sources.source import Source, SourceState, SourceStatus
from gextui.sources.trouble import Trouble, settled

_T = TypeVar("_T")

CHART_EVERY = 10.0
"""Seconds before levels over time are fetched anew."""
_AFTER_A_BUG = 1.0
"""Seconds before the intake is run again."""
IMPLY_EVERY = 5.0
"""Seconds between two repricings of a shut coin ETF."""
_ANNOUNCE_EVERY = 1.0
"""Seconds until others may know what is wrong with a source."""
_LOOK_AGAIN = 60.0
"""Seconds after which it is looked anew what has expired: the machine may have slept."""
_HISTORY_AFTER = 4 * 86400.0
"""Seconds, the longest weekend: an older chain is shown as it was, with what has expired since."""
# Seconds at the end, within the two that `stop` promises: for the last records, for the database, for everything.
_FLUSH_WITHIN = 1.0
_CLOSE_WITHIN = 0.4
_END_WITHIN = 1.7


@dataclass(frozen=True, slots=True)
class Health:
    """How far a ticker's board can be trusted right now."""

    status: SourceStatus
    age: float | None
    """Seconds since the newest board's chain arrived; None before the first."""
    stale: bool
    """Older than three intervals (and than 10 s) while the market is open; a recorded chain never is."""
    recording: str
    """``recording``, ``not recorded`` or a plain sentence on why recording failed."""
    notice: str = ""
    """What else is to be known of the history, e.g. that a damaged database was put aside; empty when all is well."""
    recalled: bool = False
    """Whether what is shown was recorded by another run, because nothing came in this one yet."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What a watcher finds in a ticker's slot."""

    board: Board
    replay: bool
    """Whether a past instant is shown (stepped to), not the newest."""
    at_start: bool = False
    """Whether a step back has just found nothing older."""


class Desk:
    """The core: its own asyncio loop in its own thread, so that a terminal that stops reading stops nothing else.

    Every public method may be called from any thread. A source's `status` is read from the watcher's thread.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        open_history: Callable[[], Awaitable[History]] | None = None,
        *,
        routes: Mapping[Ticker, Route] | None = None,
        make: Callable[[str], Source] | None = None,
        beside: Callable[[], Awaitable[None]] | None = None,
        etfs: CoinEtfs | None = None,
        filters: Filters = EVERYTHING,
        record: bool = True,
        needs_history: bool = False,
        clock: Clock | None = None,
    ) -> None:
        """Prepare to run ``sources``.

        Args:
            sources: Those there are from the start.
            open_history: Opens what is remembered, in the core thread. Where it fails the desk runs without.
            routes: Whose chains each ticker gets, in the tickers' order; where None, each source's tickers are its own.
            make: Makes the source of a name that ``sources`` lacks, in the core thread, when it is first needed.
            beside: What else sources need, run in the core thread for ever, e.g. keeping an interest rate current.
            etfs: What is known of coin ETFs, and who tells the coins' prices; only watched coins do where None.
            filters: What views are built with until `watch` says otherwise.
            record: Whether boards are recorded; without it the history is only read.
            needs_history: Whether sources begin once the history is open, and never where it cannot be opened.
            clock: The machine's where None.

        Raises:
            ValueError: no routes are given, and two sources give the same ticker.
        """
        self._clock = clock = SystemClock() if clock is None else clock
        self._keeper = Keeper(open_history, clock, record=record)
        self._rewind = Rewind(self._keeper, self._show)
        self._needs_history = needs_history
        self._intake = Intake(sources, clock, routes=routes, make=make)
        self._beside = beside
        self._etfs = CoinEtfs(clock) if etfs is None else etfs
        self._etfs.carry(self._intake.routes)
        self._filters = filters
        self._lanes = {ticker: self._new_lane(ticker) for ticker in self._intake.routes}
        self._views: dict[Ticker, View] = {}
        self._routing = Trouble("the intake", clock)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._closing = asyncio.Event()
        self._expires_next = math.inf
        """When something in any view expires, epoch seconds."""
        self._expires_sooner = asyncio.Event()
        self._commands: set[asyncio.Task[None]] = set()
        self._tended: dict[Ticker, asyncio.Task[NoReturn]] = {}
        """Each lane's work."""

    @property
    def tickers(self) -> tuple[Ticker, ...]:
        """Every ticker, in order."""
        return tuple(self._lanes)

    @property
    def running(self) -> bool:
        """Whether the core thread is at work: from `start` until it has stopped, for whatever reason."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Start the core thread; returns at once. A desk is started once."""
        if self._thread is not None:
            raise RuntimeError("a desk is started once")
        self._loop = asyncio.new_event_loop()
        # A daemon: a source that hangs in a system call must not keep the process alive.
        self._thread = threading.Thread(target=self._run, args=(self._loop,), name="gextui-core", daemon=True)
        self._thread.start()

    def stop(self, timeout: float = 2.0) -> bool:
        """Flush, close and join; whether that took no longer than ``timeout`` seconds. May be called again."""
        if self._thread is None:
            return True
        self._call(self._closing.set)
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def choose(self, routes: Mapping[Ticker, Route]) -> None:
        """Give these tickers, in this order and by these routes, from now on; `tickers` says so at once."""
        self._lanes = {ticker: self._lanes.get(ticker) or self._new_lane(ticker) for ticker in routes}
        self._call(lambda: self._rearrange(dict(routes)))

    def _new_lane(self, ticker: Ticker) -> Lane:
        return Lane(ticker, self._filters, Trouble(ticker.symbol, self._clock))

    def view(self, ticker: Ticker) -> View | None:
        """The newest view of the ticker; costs a dictionary look-up. None before its first board."""
        return self._views.get(ticker)

    def health(self, ticker: Ticker) -> Health:
        """The ticker's source, age and recording state."""
        return self._health(self._lanes[ticker])

    def _health(self, lane: Lane) -> Health:
        status = self._intake.status(lane.ticker)
        trouble = self._routing.sentence or lane.trouble.sentence
        if trouble and status.state not in (SourceState.BACKOFF, SourceState.DEGRADED):
            doubted = status.state in (SourceState.LIVE, SourceState.DELAYED)
            status = replace(status, state=SourceState.DEGRADED if doubted else status.state, detail=trouble)
        age = None if lane.arrived is None else max(0.0, self._clock.seconds() - lane.arrived)
        recorded = status.interval == 0 or status.state is SourceState.CLOSED
        stale = age is not None and not recorded and age > stale_after(max(status.interval, lane.shown_interval))
        return Health(status, age, stale, self._keeper.recording, self._keeper.notice, lane.recalled)

    def watch(self, ticker: Ticker, filters: Filters) -> None:
        """Show this ticker through these filters: its view is rebuilt at once. Records stay unfiltered."""
        lane = self._lanes[ticker]
        lane.filters = filters
        self._command(lane, lambda: self._show(lane))

    def step(self, ticker: Ticker, steps: int) -> None:
        """Move the ticker's view back (negative) or forward through what was recorded; past the newest it is live."""
        lane = self._lanes[ticker]
        self._command(lane, lambda: self._rewind.step(lane, steps))

    def live(self, ticker: Ticker) -> None:
        """Return the ticker's view to the newest board."""
        lane = self._lanes[ticker]
        self._command(lane, lambda: self._rewind.end(lane))

    def chart(self, ticker: Ticker, span: timedelta) -> Series | None:
        """The levels over the last ``span``; None while they are being fetched. Ask again and they stay fresh."""
        lane = self._lanes[ticker]
        chart = lane.chart
        due = chart is None or chart.span != span or self._clock.seconds() - chart.asked >= CHART_EVERY
        if due:
            kept = chart.series if chart is not None and chart.span == span else None
            lane.chart = Chart(span, self._clock.seconds(), kept)
            self._command(lane, lambda: self._rewind.fetch_chart(lane, span))
        return None if lane.chart is None else lane.chart.series

    def refresh(self, ticker: Ticker) -> None:
        """Ask its source for a new chain now; one that failed and waits is started again."""
        lane = self._lanes[ticker]
        self._command(lane, lambda: self._refresh(lane))

    def ask(self, question: Callable[[], Coroutine[Any, Any, _T]]) -> Future[_T]:
        """Have a question answered in the core thread; it is cancelled when that ends."""
        answer = question()
        try:
            if self._loop is not None:
                return asyncio.run_coroutine_threadsafe(answer, self._loop)
        except RuntimeError:  # the loop is closed: the desk has stopped
            pass
        answer.close()
        nobody: Future[_T] = Future()
        nobody.cancel()
        return nobody

    def _command(self, lane: Lane, work: Callable[[], Coroutine[None, None, None]]) -> None:
        """Run ``work`` in the core thread, while there is one; whatever it raises is the lane's trouble."""
        self._call(lambda: self._begin(lane, work))

    def _call(self, function: Callable[[], object]) -> None:
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: the desk has stopped
                self._loop.call_soon_threadsafe(function)

    # Everything below runs in the core thread.

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(self._work())
        finally:
            loop.close()

    async def _work(self) -> None:
        start = asyncio.create_task
        remembering = start(self._remember())
        workers = [remembering, start(self._run_intake(remembering)), start(self._expire())]
        workers += [start(self._run_beside(work)) for work in (self._beside, self._etfs.keep) if work is not None]
        workers += [start(self._imply()), start(self._run_beside(self._announce))]
        self._tend_lanes()
        recorder = start(self._keeper.run())
        await self._closing.wait()
        loop = asyncio.get_running_loop()
        end = loop.time() + _END_WITHIN
        for worker in (*workers, *self._tended.values(), *self._commands):
            worker.cancel()
        self._keeper.end()
        await asyncio.wait({recorder}, timeout=_FLUSH_WITHIN)
        workers.append(start(self._keeper.close()))
        # Sources let go of what they hold meanwhile: who is cancelled twice leaves it open.
        await asyncio.wait(workers, timeout=_CLOSE_WITHIN)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=end - loop.time())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(loop.shutdown_asyncgens(), max(0.0, end - loop.time()))

    def _begin(self, lane: Lane, work: Callable[[], Coroutine[None, None, None]]) -> None:
        self._spawn(self._guarded(lane.trouble, work()))

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._commands.add(task)
        task.add_done_callback(self._commands.discard)

    async def _guarded(self, trouble: Trouble, work: Awaitable[None]) -> None:
        outcome = await settled(work)
        if isinstance(outcome, BaseException):
            trouble.report(outcome)

    async def _remember(self) -> None:
        """Open the history and show what it holds, until a source delivers."""
        history = await self._keeper.open()
        if history is None:
            return
        for lane in self._lanes.values():
            if lane.arrived is None:
                await self._guarded(lane.trouble, self._recall(lane, history))
            elif lane.newest is not None and lane.pending is None:
                # Built before there was a past to compare it with.
                lane.offer(lane.newest.board.chain)

    async def _recall(self, lane: Lane, history: History) -> None:
        chain = await self._keeper.ask(history.latest(lane.ticker))
        if chain is None:
            return
        if lane.ticker.coin is not None:
            closed = last_close(datetime.fromtimestamp(self._clock.now(), UTC)) + timedelta(seconds=chain.delay)
            self._etfs.recall(chain, await self._keeper.recorded(lane.ticker, closed))
        reading = Reading.of(chain, await self._keeper.past(chain))
        if lane.arrived is None:
            lane.arrived = self._clock.seconds() - max(0.0, self._clock.now() - chain.as_of_seconds)
            self._intake.believe(chain)
            lane.newest, lane.recalled = reading, True
            await self._show(lane)

    async def _run_intake(self, remembering: asyncio.Task[None]) -> None:
        if self._needs_history:
            await asyncio.wait({remembering})
            if self._keeper.history is None:
                return
        while True:
            self._routing.report(await settled(self._intake.run(self._take)))
            await self._clock.sleep(_AFTER_A_BUG)

    async def _run_beside(self, work: Callable[[], Awaitable[None]]) -> None:
        trouble = Trouble("what sources need beside", self._clock)
        while True:
            trouble.report(await settled(work()))
            await self._clock.sleep(_AFTER_A_BUG)

    def _take(self, chain: OptionChain, interval: float, arrival: Arrival) -> None:
        """Have a board made of the chain."""
        lane = self._lanes.get(chain.ticker)
        if lane is None:
            return
        lane.interval = interval
        self._etfs.hear(chain.ticker, interval)
        if arrival.renews:
            lane.heard = self._clock.seconds()
        if not arrival.again:
            lane.offer(self._etfs.take(chain))
        elif lane.pending is None:
            lane.arrived = lane.heard

    def _rearrange(self, routes: Mapping[Ticker, Route]) -> None:
        """Let go of what is no longer wanted, and begin with what is new."""
        self._intake.choose(routes)
        self._etfs.carry(routes)
        for ticker in [ticker for ticker in self._tended if ticker not in routes]:
            self._tended.pop(ticker).cancel()
            self._views.pop(ticker, None)
            self._keeper.forget(ticker)
        history = self._keeper.history
        for lane in self._tend_lanes():
            if history is not None:
                self._begin(lane, partial(self._recall, lane, history))
        self._spawn(self._keeper.announce(self._recorded()))

    def _tend_lanes(self) -> list[Lane]:
        """Begin to work on the lanes that nobody works on; those."""
        begun = [lane for ticker, lane in self._lanes.items() if ticker not in self._tended]
        for lane in begun:
            self._tended[lane.ticker] = asyncio.create_task(self._run_lane(lane))
        return begun

    async def _run_lane(self, lane: Lane) -> NoReturn:
        while True:
            outcome = await settled(self._tend(lane))
            lane.trouble.report(outcome)  # and on with the next chain

    async def _tend(self, lane: Lane) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            await lane.wake.wait()
            await asyncio.sleep(lane.due - clock())
            lane.wake.clear()
            chain, lane.pending, heard, interval = lane.pending, None, lane.heard, lane.interval
            if chain is None:
                continue
            # From when it came, not from now: a board that was late once must not make every later one late.
            lane.due = lane.offered + lane.pace
            lane.newest = Reading.of(chain, await self._keeper.past(chain))
            lane.arrived, lane.shown_interval, lane.recalled = heard, interval, False
            self._keeper.keep(lane.newest.board)
            lane.implied = self._implied(lane)
            await self._show(lane)
            lane.trouble.clear()

    async def _announce(self) -> NoReturn:
        """Tell who follows what is recorded, and whether that is to be trusted."""
        while True:
            await self._keeper.announce(self._recorded())
            await asyncio.sleep(_ANNOUNCE_EVERY)

    def _recorded(self) -> dict[Ticker, Recorded]:
        # Of one and the same dictionary: `choose` puts another in its place from another thread.
        statuses = {ticker: self._health(lane).status for ticker, lane in self._lanes.items()}
        return {ticker: Recorded(status.doubt, status.interval) for ticker, status in statuses.items()}

    async def _imply(self) -> NoReturn:
        """Tell coin ETFs in their coins as soon as that can be done, and reprice those that are shut."""
        while True:
            await self._etfs.watched.wait()
            await self._clock.sleep(IMPLY_EVERY)
            for lane in list(self._lanes.values()):
                if lane.ticker.coin is not None:
                    await self._guarded(lane.trouble, self._look_after(lane))

    async def _look_after(self, lane: Lane) -> None:
        if lane.newest is not None and lane.pending is None:
            told = await self._etfs.completed(lane.newest.board.chain, self._keeper.recorded)
            if told is not None:
                lane.offer(told)
        before, lane.implied = lane.implied, self._implied(lane)
        if lane.implied is not before:
            await self._show(lane)

    def _implied(self, lane: Lane) -> Reading | None:
        """The reading of a shut coin ETF at the coin's price now; None where there is none. It is never recorded."""
        chain = self._etfs.implied(lane.ticker)
        if chain is None:
            return None
        past = Past() if lane.newest is None or lane.newest.past is None else replace(lane.newest.past, windows={})
        return Reading.of(chain, past)

    async def _show(self, lane: Lane, *, at_start: bool = False) -> None:
        reading = lane.replay or lane.live
        if reading is not None:
            now = self._expired_by(lane, reading.board.chain)
            board = reading.through(lane.filters, now)
            ahead = board.chain.expiries[board.chain.expiries > now]
            lane.expires = float(ahead[0]) if now > -math.inf and len(ahead) else math.inf
            self._views[lane.ticker] = View(board, lane.replay is not None, at_start)
            if lane.expires < self._expires_next:
                self._expires_sooner.set()

    def _expired_by(self, lane: Lane, chain: OptionChain) -> float:
        """The instant up to which the view shows nothing that has expired, where the chain may be older than that.

        A market's time is the clock's, save where it is simulated or past.
        """
        now = self._clock.now()
        lives = lane.replay is None and lane.pace > 0 and not chain.simulated
        return now if lives and now - chain.as_of_seconds < _HISTORY_AFTER else -math.inf

    async def _expire(self) -> NoReturn:
        """Show a view anew when something in it expires, though no new chain comes."""
        while True:
            self._expires_sooner.clear()
            now = self._clock.now()
            for lane in self._lanes.values():
                if lane.expires <= now:
                    lane.expires = math.inf
                    await self._guarded(lane.trouble, self._show(lane))
            self._expires_next = min((lane.expires for lane in self._lanes.values()), default=math.inf)
            if self._expires_next == math.inf:
                await self._expires_sooner.wait()
            else:
                wait = min(max(self._expires_next - now, 0.0), _LOOK_AGAIN)
                await ended_within(self._clock, wait, self._expires_sooner.wait())

    async def _refresh(self, lane: Lane) -> None:
        self._intake.refresh(lane.ticker)
