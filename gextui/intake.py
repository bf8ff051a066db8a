"""Intake: runs the sources, and hands on the chains of those that each ticker is read from."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping
from dataclasses import replace
from typing import NoReturn

from gextui.choice import Arrival, Channel, Choice
from gextui.market.chain import OptionChain
from gextui.market.combined import combine
from gextui.market.ticker import Ticker
from gextui.route import Route
from gextui.sources.pacing import Backoff, Clock
from gextui.sources.source import Adjustable, ConnectionStatus, Refreshable, Source, SourceState, SourceStatus
from gextui.sources.trouble import Trouble, settled
from gextui.sources.workers import Workers

JUDGE_EVERY = 1.0
"""Seconds between looks at how the sources of a ticker that has several deliver."""
_WELL = (SourceState.LIVE, SourceState.DELAYED, SourceState.CLOSED, SourceState.REPLAY)
_GRAVEST_FIRST = (
    SourceState.DISABLED,
    SourceState.BACKOFF,
    SourceState.CONNECTING,
    SourceState.DEGRADED,
    SourceState.DELAYED,
    SourceState.CLOSED,
    SourceState.REPLAY,
    SourceState.LIVE,
)
_USUAL_INTERVAL = 1.0
"""Seconds between chains of a source that is not made yet."""


Take = Callable[[OptionChain, float, Arrival], None]
"""What is done with a believed chain, given its source's interval and what its coming means."""


class Intake:
    """Every source and what comes of it. Runs in the core thread; `status` may be asked from any."""

    def __init__(
        self,
        sources: Iterable[Source],
        clock: Clock,
        *,
        routes: Mapping[Ticker, Route] | None = None,
        make: Callable[[str], Source] | None = None,
    ) -> None:
        """Prepare to run sources.

        Args:
            sources: Those there are from the start.
            clock: Waits, ages and pauses are by it.
            routes: Whose chains each ticker gets; where None, each source's tickers are its own.
            make: Makes the source of a name that ``sources`` lacks, in the core thread, when it is first needed.

        Raises:
            ValueError: no routes are given, and two sources give the same ticker.
        """
        self._clock = clock
        self._make = make
        self._feeds = {source.name: _Feed(source, clock) for source in sources}
        if routes is None:
            routes = _own_routes(feed.source for feed in self._feeds.values())
        self.routes = dict(routes)
        """Whose chains each ticker gets, in the tickers' order."""
        self._choices: dict[Ticker, Choice] = {}
        self._choices = self._choices_of(self.routes)
        self._changed = asyncio.Event()
        self._contested = asyncio.Event()

    def choose(self, routes: Mapping[Ticker, Route]) -> None:
        """Give these tickers by these routes from now on; the others are let go."""
        self.routes = dict(routes)
        self._changed.set()

    async def run(self, take: Take) -> NoReturn:
        """Run the sources for ever, each from when it is first needed."""
        async with Workers(self._changed) as workers:
            workers.start(self._judge(take))
            while True:
                self._changed.clear()
                workers.check()
                self._lay()
                for feed in self._feeds.values():
                    if feed.carried and not feed.runs:
                        feed.runs = True
                        workers.start(self._run(feed, take))
                await self._changed.wait()

    def believe(self, chain: OptionChain) -> None:
        """Doubt what comes next of that ticker in the light of this recorded chain."""
        choice = self._choices.get(chain.ticker)
        for channel in () if choice is None else choice.channels:
            if channel.doubts.believed is None:
                channel.doubts.believed = chain

    def refresh(self, ticker: Ticker) -> None:
        """Ask the ticker's sources for a new chain now; one that failed and waits is started again."""
        choice = self._choices.get(ticker)
        for channel in () if choice is None else choice.asked:
            feed = self._feeds[channel.name]
            if feed.nap is not None:
                feed.nap.cancel()
            if isinstance(feed.source, Refreshable):
                feed.source.refresh(ticker)

    def status(self, ticker: Ticker) -> SourceStatus:
        """The health of the ticker's data, with every connection of every source that is asked for it."""
        choice = self._choices.get(ticker)
        asked = [] if choice is None else choice.asked
        if choice is None or not asked:
            return self._not_begun(ticker)
        if len(choice.channels) == 1:
            return self._status(ticker, asked[0])
        statuses = {channel.name: self._status(ticker, channel) for channel in asked}
        if choice.route.combine:
            return _summed(choice, statuses)
        # Before any has delivered, the first that still may says more than one that has failed.
        may_deliver = [each for each in asked if statuses[each.name].state is SourceState.CONNECTING]
        channel = choice.taken or (may_deliver or asked[-1:])[0]
        shown = statuses[channel.name]
        others = [status for status in statuses.values() if status is not shown]
        instead_of = "" if channel is choice.channels[0] else choice.instead_of
        return replace(shown, connections=shown.connections + _named(others), instead_of=instead_of)

    def _not_begun(self, ticker: Ticker) -> SourceStatus:
        route = self.routes.get(ticker)
        name = "" if route is None else route.sources[0]  # no route: it was chosen a moment ago
        feed = self._feeds.get(name)
        if feed is not None and ticker in feed.source.tickers:
            return feed.source.status(ticker)
        return SourceStatus(name, SourceState.CONNECTING, _USUAL_INTERVAL)

    # Everything below runs in the core thread.

    def _status(self, ticker: Ticker, channel: Channel) -> SourceStatus:
        feed = self._feeds.get(channel.name)
        if feed is None or ticker not in feed.carried:  # is just being asked
            return SourceStatus(channel.name, SourceState.CONNECTING, _USUAL_INTERVAL)
        status, failure, retry_at = feed.source.status(ticker), feed.trouble.sentence, feed.retry_at
        if retry_at is not None:
            wait = max(0.0, retry_at - self._clock.seconds())
            return replace(status, state=SourceState.BACKOFF, detail=f"{failure}; next try in {wait:.0f} s")
        if trouble := failure or channel.doubt:
            doubted = status.state in (SourceState.LIVE, SourceState.DELAYED)
            return replace(status, state=SourceState.DEGRADED if doubted else status.state, detail=trouble)
        return status

    def _lay(self) -> None:
        """Make the channels and the sources that the routes need, keeping those there are."""
        choices = self._choices_of(self.routes)
        self._review(choices)
        if any(len(choice.channels) > 1 for choice in choices.values()):
            self._contested.set()
        else:
            self._contested.clear()

    def _choices_of(self, routes: Mapping[Ticker, Route]) -> dict[Ticker, Choice]:
        choices: dict[Ticker, Choice] = {}
        for ticker, route in routes.items():
            choice = self._choices.get(ticker)
            if choice is None or choice.route != route:
                known = {} if choice is None else {channel.name: channel for channel in choice.channels}
                channels = [known.get(name) or Channel(name) for name in route.sources]
                taken = choice.taken if choice is not None and choice.taken in channels else None
                choice = Choice(route, channels, taken)
            choices[ticker] = choice
        return choices

    def _review(self, choices: dict[Ticker, Choice]) -> None:
        """Ask each source for the tickers that need it now; one that is needed for the first time is made."""
        now = self._clock.seconds()
        wanted: dict[str, list[Ticker]] = {name: [] for name in self._feeds}
        for ticker, choice in choices.items():
            choice.review(now)
            for channel in choice.asked:
                wanted.setdefault(channel.name, []).append(ticker)
        for name, tickers in wanted.items():
            if name not in self._feeds:
                if self._make is None:
                    raise ValueError(f"no source is called {name}")
                self._feeds[name] = _Feed(self._make(name), self._clock)
            self._feeds[name].carry(tuple(tickers))
        self._choices = choices

    async def _judge(self, take: Take) -> NoReturn:
        """Look after the tickers that have several sources."""
        while True:
            await self._contested.wait()
            await self._clock.sleep(JUDGE_EVERY)
            now = self._clock.seconds()
            for ticker, choice in self._choices.items():
                if len(choice.channels) > 1:
                    for channel in choice.asked:
                        channel.judge(self._status(ticker, channel), now)
                    self._return(ticker, choice, now, take)
            self._review(self._choices)
            if any(feed.carried and not feed.runs for feed in self._feeds.values()):
                self._changed.set()

    def _return(self, ticker: Ticker, choice: Choice, now: float, take: Take) -> None:
        """Hand on what a preferred source sent while it was not steady yet: a closed market sends nothing after it."""
        channel = choice.returned(now)
        if channel is not None and channel.newest is not None:
            take(channel.newest, self._feeds[channel.name].source.status(ticker).interval, Arrival(False, False))

    async def _run(self, feed: "_Feed", take: Take) -> NoReturn:
        """Run a source, again and again."""
        while True:
            feed.trouble.report(await settled(self._read(feed, take)))
            pause = feed.backoff.pause()
            feed.retry_at = self._clock.seconds() + pause
            feed.nap = asyncio.create_task(self._clock.sleep(pause))
            await asyncio.wait({feed.nap})
            feed.retry_at = None

    async def _read(self, feed: "_Feed", take: Take) -> None:
        chains = feed.source.chains()
        try:
            await self._read_all(feed, chains, take)
        except (asyncio.CancelledError, Exception):
            # One that is left between two chains would keep its sockets and files until it is collected.
            if isinstance(chains, AsyncGenerator):
                await chains.aclose()
            raise

    async def _read_all(self, feed: "_Feed", chains: AsyncIterator[OptionChain], take: Take) -> None:
        async for chain in chains:
            feed.backoff.data()
            feed.trouble.clear()
            self._arrive(feed, chain, take)
            # A source that never waits must not keep the loop from everyone else.
            await asyncio.sleep(0)

    def _arrive(self, feed: "_Feed", chain: OptionChain, take: Take) -> None:
        choice = self._choices.get(chain.ticker)
        asked = [] if choice is None else choice.asked
        channel = next((channel for channel in asked if channel.name == feed.source.name), None)
        if choice is None or channel is None:
            if isinstance(feed.source, Adjustable):
                return  # let go a moment ago
            raise KeyError(chain.ticker.symbol)
        now = self._clock.seconds()
        interval = feed.source.status(chain.ticker).interval
        arrival = channel.arrive(chain, now, interval, self._clock.now())
        if arrival is None:
            return
        if choice.route.combine:
            channel.judge(self._status(chain.ticker, channel), now)
            if (parts := choice.parts(now)) is not None:
                chains, stale = parts
                take(combine(chain.ticker, chains, stale=stale), interval, arrival)
        elif choice.accepts(channel, now):
            take(chain, interval, arrival)


def _own_routes(sources: Iterable[Source]) -> dict[Ticker, Route]:
    routes: dict[Ticker, Route] = {}
    for source in sources:
        for ticker in source.tickers:
            if ticker in routes:
                raise ValueError(f"{ticker.symbol} is given by two sources")
            routes[ticker] = Route((source.name,))
    return routes


def _summed(choice: Choice, statuses: Mapping[str, SourceStatus]) -> SourceStatus:
    """The health of a sum: that of its parts which deliver, and in words what is wrong with the others."""
    failing = [f"{channel.name}: {channel.failure}" for channel in choice.asked if channel.failure]
    well = [statuses[channel.name] for channel in choice.asked if not channel.failure]
    each = well or list(statuses.values())
    states = {status.state for status in each}
    worst = next(state for state in _GRAVEST_FIRST if state in states)
    return SourceStatus(
        name="+".join(choice.route.sources),
        state=SourceState.DEGRADED if failing and well and worst in _WELL else worst,
        interval=min(status.interval for status in each),
        detail="; ".join(failing) or next((_said(status) for status in each if status.state is worst), ""),
        connections=_named(statuses.values()),
    )


def _said(status: SourceStatus) -> str:
    """What a source says of itself, under its name."""
    return f"{status.name}: {status.detail}" if status.detail else ""


def _named(statuses: Iterable[SourceStatus]) -> tuple[ConnectionStatus, ...]:
    """Their connections, with each source's name before its own."""
    return tuple(
        replace(connection, name=f"{status.name} {connection.name}")
        for status in statuses
        for connection in status.connections
    )


class _Feed:
    """One source and how its run goes."""

    def __init__(self, source: Source, clock: Clock) -> None:
        self.source = source
        self.trouble = Trouble(source.name, clock)
        self.backoff = Backoff(clock)
        self.runs = False
        """Whether it was started; then it runs for ever, with tickers or without."""
        self.carried: tuple[Ticker, ...] = ()
        """What it is asked for."""
        self.retry_at: float | None = None
        """While it waits to be started again."""
        self.nap: asyncio.Task[None] | None = None
        """That wait."""

    def carry(self, tickers: tuple[Ticker, ...]) -> None:
        """Have it give these tickers."""
        if tickers != self.carried:
            if isinstance(self.source, Adjustable):
                self.source.carry(tickers)
            self.carried = tickers
