"""When to ask again: clocks, rate limits a venue meters, backoff that never gives up, and what Retry-After says."""

import asyncio
import random
import time
from collections.abc import Callable, Coroutine
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any, Protocol, TypeVar

T = TypeVar("T")

RETRY_AFTER_RANGE = (1.0, 900.0)
"""Seconds: a venue's Retry-After is obeyed within these bounds."""
RETRY_AFTER_DEFAULT = 5.0
"""Seconds after a limit that says nothing; doubled each time it says nothing again."""

_ROUNDING = 1e-6
_since_boot = partial(time.clock_gettime, time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic


class Clock(Protocol):
    """Time as sources need it; tests inject one that they turn themselves."""

    def now(self) -> float:
        """Wall clock, epoch seconds UTC."""
        ...

    def seconds(self) -> float:
        """Seconds on a clock that never steps back and goes on while the machine sleeps."""
        ...

    def slept(self) -> float:
        """Seconds that the machine itself has slept, in all."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait so many seconds."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> float:
        """Wall clock, epoch seconds UTC."""
        return time.time()

    def seconds(self) -> float:
        """CLOCK_BOOTTIME where there is one, else the monotonic clock."""
        return _since_boot()

    def slept(self) -> float:
        """Seconds that the machine itself has slept, in all."""
        return self.seconds() - time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait so many seconds."""
        await asyncio.sleep(seconds)


class Backoff:
    """Pauses before trying again: 0, 0.5, 1, 2, 4 ... 30 s with full jitter, for ever.

    It starts over only after a minute of data, so a server that accepts and drops cannot cause a storm of connects.
    """

    FIRST = 0.5
    LONGEST = 30.0
    FORGIVEN_AFTER = 60.0
    """Seconds of data after which earlier failures are forgotten."""

    def __init__(self, clock: Clock, uniform: Callable[[float, float], float] = random.uniform) -> None:
        self._clock = clock
        self._uniform = uniform
        self._failures = 0
        self._data_since: float | None = None

    @property
    def failures(self) -> int:
        """Failures in a row that are not forgiven yet."""
        return self._failures

    def pause(self) -> float:
        """Seconds to wait now that it failed once more; up to a quarter of a second the first time."""
        since = self._data_since
        if since is not None and self._clock.seconds() - since >= self.FORGIVEN_AFTER - _ROUNDING:
            self._failures = 0
        self._data_since = None
        self._failures += 1
        if self._failures == 1:
            return self._uniform(0.0, 0.25)
        return self._uniform(0.0, min(self.LONGEST, self.FIRST * 2.0 ** min(self._failures - 2, 10)))

    def data(self) -> None:
        """Say that data arrives."""
        if self._data_since is None:
            self._data_since = self._clock.seconds()


class Limiter:
    """A token bucket over what one venue meters together; callers are served in the order they came."""

    def __init__(self, clock: Clock, *, rate: float, burst: float) -> None:
        """Allow ``rate`` units a second on average and ``burst`` at once."""
        self._clock = clock
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._filled_at = clock.seconds()
        self._closed_until = 0.0
        self._turn = asyncio.Lock()

    @property
    def closed_for(self) -> float:
        """Seconds until the venue may be asked again after it said so; 0 when it may."""
        left = self._closed_until - self._clock.seconds()
        return left if left > _ROUNDING else 0.0

    async def acquire(self, cost: float = 1.0) -> None:
        """Wait until ``cost`` units may be spent.

        Raises:
            ValueError: ``cost`` is more than the bucket ever holds.
        """
        if cost > self._burst:
            raise ValueError(f"a cost of {cost:g} never fits a burst of {self._burst:g}")
        async with self._turn:
            while (wait := max(self.closed_for, self._short_of(cost))) > 0:
                await self._clock.sleep(wait)
            self._tokens -= cost

    def close(self, seconds: float) -> None:
        """Let nobody pass for so many seconds: the venue said that it is enough."""
        self._closed_until = max(self._closed_until, self._clock.seconds() + seconds)

    def _short_of(self, cost: float) -> float:
        """Seconds until the bucket holds ``cost``, filled up to now."""
        now = self._clock.seconds()
        self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
        # A token less a rounding error is a token, or a waiter would spin.
        short = (cost - self._tokens) / self._rate
        return short if short > _ROUNDING else 0.0


def http_date(header: str) -> float | None:
    """The instant that an HTTP date names, epoch seconds; None where it is unreadable."""
    try:
        at = parsedate_to_datetime(header)
    except (ValueError, TypeError, IndexError):
        return None
    return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp()


def retry_after(header: str | None, now: float) -> float | None:
    """Seconds to wait by a Retry-After header (seconds or an HTTP date), clamped; None when absent or unreadable."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        seconds = float(text[:12])
    else:
        at = http_date(text)
        if at is None:
            return None
        seconds = at - now
    shortest, longest = RETRY_AFTER_RANGE
    return min(max(seconds, shortest), longest)


async def within(clock: Clock, seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """The result of ``work``; it is cancelled after so many seconds of that clock.

    Raises:
        TimeoutError: it had not ended by then.
    """
    task = asyncio.create_task(work)
    timer = asyncio.create_task(clock.sleep(seconds))
    try:
        await asyncio.wait((task, timer), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise TimeoutError
        return task.result()
    finally:
        task.cancel()
        timer.cancel()
        await asyncio.gather(task, timer, return_exceptions=True)


async def ended_within(clock: Clock, seconds: float, work: Coroutine[Any, Any, object]) -> bool:
    """Whether ``work`` ended within so many seconds of that clock."""
    try:
        await within(clock, seconds, work)
    except TimeoutError:
        return False
    return True
