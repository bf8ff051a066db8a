"""Choices: which of several sources a ticker is read from, decided from how each of them delivers. No I/O."""

from dataclasses import dataclass, field
from typing import NamedTuple

from gextui.market.chain import OptionChain
from gextui.route import Route
from gextui.sources.doubt import Doubts
from gextui.sources.source import SourceState, SourceStatus

STALE_INTERVALS = 3
STALE_AT_LEAST = 10.0
"""Seconds: nothing is stale before."""
FIRST_CHAIN_WITHIN = 30.0
"""Seconds that a source may take for its first chain before the next one is asked too."""
FAILING_FOR = 5.0
"""Seconds that a source which says that it fails is waited for."""
WHOLE_WITHIN = 10.0
"""Seconds that a sum waits for its last part before it is shown without."""
STEADY_AFTER = 60.0
"""Seconds that a preferred source must deliver again before a ticker returns to it."""
_RECORDED = (SourceState.CLOSED, SourceState.REPLAY)
_FAILING = (SourceState.BACKOFF, SourceState.DISABLED)


def stale_after(interval: float) -> float:
    """Seconds after which a chain of a source that should give one every ``interval`` is stale."""
    return max(STALE_INTERVALS * interval, STALE_AT_LEAST)


class Arrival(NamedTuple):
    """What the coming of a believed chain means."""

    renews: bool
    """Whether the ticker's data is as new as this."""
    again: bool
    """Whether it is the chain before once more: the venue has nothing newer."""


@dataclass(slots=True, eq=False)
class Channel:
    """One source of one ticker, and how it delivers; instants are by `Clock.seconds`."""

    name: str
    asked_at: float | None = None
    """Since when it is asked for the ticker; None while it is not."""
    newest: OptionChain | None = None
    arrived: float | None = None
    """When a chain last came that told anything new."""
    failing_since: float | None = None
    steady_since: float | None = None
    """Since when it delivers: from the first chain on, and again from when it failed last."""
    failure: str = ""
    """Why it does not deliver, in a few words; empty while it does, or may soon."""
    doubts: Doubts = field(default_factory=Doubts)
    doubt: str = ""
    """Why its last chain was not believed."""

    @property
    def source(self) -> str:
        """What its chains call their source."""
        return self.name if self.newest is None else self.newest.source

    def ask(self, now: float) -> None:
        """Ask it from now on."""
        if self.asked_at is None:
            self.asked_at = now

    def let_go(self) -> None:
        """Ask it no more."""
        self.asked_at = self.newest = self.arrived = self.failing_since = self.steady_since = None
        self.failure = self.doubt = ""

    def arrive(self, chain: OptionChain, now: float, interval: float, at: float) -> "Arrival | None":
        """Take in a chain at the instant ``at``, epoch seconds; None where it is not believed.

        A live venue that repeats an instant has sent nothing new; a delayed one keeps its own time.
        """
        before = self.doubts.believed
        again = chain is before
        self.doubt = self.doubts.about(chain, at) if interval and not again else ""
        if self.doubt:
            return None
        arrival = Arrival(before is None or chain.as_of != before.as_of or chain.delay > 0, again)
        self.newest = chain
        if arrival.renews:
            self.arrived = now
            if self.steady_since is None:
                self.steady_since = now
        return arrival

    def judge(self, status: SourceStatus, now: float) -> None:
        """Decide whether it fails, from what its source says and from when it last delivered."""
        assert self.asked_at is not None
        words, patience = _why_failing(self, status, now)
        if not words:
            self.failing_since, self.failure = None, ""
            if self.steady_since is None and self.newest is not None:
                self.steady_since = now  # while the market is closed no chain comes that would say so
            return
        if self.failing_since is None:
            self.failing_since = now
        if now - self.failing_since >= patience:
            self.failure, self.steady_since = words, None

    def steady(self, now: float) -> bool:
        """Whether it has delivered for long enough to be returned to."""
        return not self.failure and self.steady_since is not None and now - self.steady_since >= STEADY_AFTER


def _why_failing(channel: Channel, status: SourceStatus, now: float) -> tuple[str, float]:
    """Why a channel does not deliver (empty where it does), and the seconds for which that is put up with."""
    assert channel.asked_at is not None
    if status.state is SourceState.DISABLED:
        return status.detail or "not available", 0.0
    if status.state in _FAILING:
        return status.detail or str(status.state), FAILING_FOR
    if channel.arrived is None:
        if status.state is SourceState.CLOSED:
            return status.detail or "closed", FAILING_FOR
        waited = now - channel.asked_at >= FIRST_CHAIN_WITHIN
        return (status.detail or "no chain yet", 0.0) if waited else ("", 0.0)
    if status.interval and status.state not in _RECORDED and now - channel.arrived > stale_after(status.interval):
        return status.detail or f"nothing new for {now - channel.arrived:.0f} s", 0.0
    return "", 0.0


def _tells_more(channel: Channel, taken: Channel) -> bool:
    """Whether its quotes are newer than those that are shown: a delayed source stands in once the others are as old."""
    return channel.newest is None or taken.newest is None or channel.newest.quoted_at > taken.newest.quoted_at


@dataclass(slots=True, eq=False)
class Choice:
    """The channels of one route, and which of them is read."""

    route: Route
    channels: list[Channel]
    """In the route's order."""
    taken: Channel | None = None
    """Whose chain was handed on last; of no meaning where they are combined."""

    @property
    def asked(self) -> list[Channel]:
        """Those that are asked now."""
        return [channel for channel in self.channels if channel.asked_at is not None]

    def review(self, now: float) -> None:
        """Ask whom it takes: all where they are combined, else the first, and the next while those before it fail."""
        wanted = len(self.channels)
        if not self.route.combine:
            wanted = next((at for at, channel in enumerate(self.channels, 1) if not channel.failure), wanted)
        for at, channel in enumerate(self.channels):
            if at < wanted or channel is self.taken:
                channel.ask(now)
            else:
                channel.let_go()

    def accepts(self, channel: Channel, now: float) -> bool:
        """Whether a chain that has come by this channel is the ticker's; then the channel is what is read."""
        taken = self.taken
        if taken is None or taken is channel:
            accepted = True
        elif channel.newest is not None and channel.newest.partial:
            accepted = False  # the last whole chain of the one says more than a part of the other's
        elif self.channels.index(channel) < self.channels.index(taken):
            accepted = bool(taken.failure) or channel.steady(now)
        else:
            accepted = bool(taken.failure) and _tells_more(channel, taken)
        if accepted:
            self.taken = channel
        return accepted

    def returned(self, now: float) -> Channel | None:
        """The preferred channel that is read from now on though no chain comes by it: what it holds is the newest."""
        if self.route.combine or self.taken is None:
            return None
        for channel in self.channels[: self.channels.index(self.taken)]:
            if channel.newest is not None and not channel.failure and self.accepts(channel, now):
                return channel
        return None

    def parts(self, now: float) -> tuple[list[OptionChain], dict[str, str]] | None:
        """The chains that make a sum, and by source why one is stale or not in it; None while more may soon come."""
        held = [channel.newest for channel in self.channels if channel.newest is not None]
        stale = {}
        for channel in self.channels:
            if channel.failure:
                stale[channel.source] = channel.failure
            elif channel.newest is None:
                if channel.asked_at is None or now - channel.asked_at < WHOLE_WITHIN:
                    return None
                stale[channel.source] = "no chain yet"
        return held, stale

    @property
    def instead_of(self) -> str:
        """Which preferred source is not read, and why; empty where the first one is, or the only one asked."""
        first, asked = self.channels[0], self.asked
        shown = self.taken or (asked[-1] if asked else first)
        if self.route.combine or shown is first:
            return ""
        return f"{first.name}: {first.failure or 'not steady yet'}"
