"""A clock that a test turns itself."""

import asyncio
import heapq
from itertools import count

_ROUNDS_AT_REST = 3
"""Rounds in which the loop has nothing to do: by then what was written to a socket has been read."""


class FakeClock:
    """Implements `gextui.sources.pacing.Clock`: time moves only by `advance`, and sleepers wake in order."""

    def __init__(self, now: float = 1_780_000_000.0) -> None:
        self._wall = now
        self._seconds = 1000.0
        self._slept = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = count()

    def now(self) -> float:
        return self._wall

    def seconds(self) -> float:
        return self._seconds

    def slept(self) -> float:
        return self._slept

    def suspend(self, seconds: float) -> None:
        """Let the machine sleep: time passes, nothing runs."""
        self._slept += seconds
        self._move(self._seconds + seconds)

    async def sleep(self, seconds: float) -> None:
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._seconds + seconds, next(self._order), woken))
        await woken

    def step_wall(self, seconds: float) -> None:
        """Set the wall clock without time passing, as NTP does."""
        self._wall += seconds

    @property
    def next_wake(self) -> float | None:
        """Seconds until the earliest sleeper wakes; None when nobody sleeps."""
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)
        return self._sleepers[0][0] - self._seconds if self._sleepers else None

    async def advance(self, seconds: float) -> None:
        """Let so many seconds pass, waking sleepers on the way and letting each run until it waits again."""
        end = self._seconds + seconds
        await settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            at, _, woken = heapq.heappop(self._sleepers)
            self._move(max(at, self._seconds))
            if not woken.done():
                woken.set_result(None)
            await settle()
        self._move(end)
        await settle()

    def _move(self, to: float) -> None:
        self._wall += to - self._seconds
        self._seconds = to


async def settle(rounds: int = 20) -> None:
    """Let every task that can run do so, and what crosses a socket on loopback arrive; at most so many rounds."""
    loop = asyncio.get_running_loop()
    at_rest = 0
    while rounds and at_rest < _ROUNDS_AT_REST:
        await asyncio.sleep(0)
        at_rest = 0 if loop._ready else at_rest + 1  # type: ignore[attr-defined]
        rounds -= 1
