"""What a live source asks for again and again."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NoReturn

from gextui.sources.failure import FetchError
from gextui.sources.pacing import Backoff, Clock, ended_within
from gextui.sources.source import ConnectionStatus
from gextui.sources.stream import StreamState
from gextui.sources.trouble import Trouble

OVERDUE = 1.5
"""Of its pauses: what has not been answered for so many fails."""


class Poll:
    """One thing that is asked for again and again, for ever; sooner when it failed, at once when somebody wants it."""

    def __init__(self, name: str, clock: Clock, every: float) -> None:
        """Prepare to ask for ``name`` every so many seconds."""
        self.trouble = Trouble(name, clock)
        self.answers = 0
        self._clock = clock
        self._every = every
        self._backoff = Backoff(clock)
        self._wake = asyncio.Event()
        self._answered_at: float | None = None
        self._next: float | None = None

    async def keep(self, ask: Callable[[], Awaitable[None]], first_pause: float | None = None) -> NoReturn:
        """Ask until cancelled; ``first_pause`` seconds after the first time, so that several are spread over time."""
        pause = self._every if first_pause is None else first_pause
        while True:
            try:
                await ask()
                self.went_well()
            except FetchError as error:
                pause = self.went_wrong(error)
            self._next = self._clock.seconds() + pause
            await ended_within(self._clock, pause, self._wake.wait())
            self._wake.clear()
            self._next = None
            pause = self._every

    def went_well(self) -> None:
        """It came to something."""
        self.trouble.clear()
        self._backoff.data()
        self._next = None

    def went_wrong(self, error: FetchError) -> float:
        """It came to nothing; seconds after which to ask again."""
        self.trouble.report(error)
        pause = min(self._every, self._backoff.pause())
        self._next = self._clock.seconds() + pause
        return pause

    @property
    def retry_in(self) -> float | None:
        """Seconds until it is asked again after it came to nothing; None where all is well."""
        after = self._next
        return max(0.0, after - self._clock.seconds()) if self.trouble.sentence and after is not None else None

    def wake(self) -> None:
        """Ask as soon as the limits allow."""
        self._wake.set()

    def answered(self) -> None:
        """It was answered just now."""
        self.answers += 1
        self._answered_at = self._clock.seconds()

    def status(self, name: str) -> ConnectionStatus:
        """How it fares, for a panel of sources; may be asked from any thread."""
        now, trouble = self._clock.seconds(), self.trouble.sentence
        answered = self._answered_at
        waiting = StreamState.LIVE if self.answers else StreamState.CONNECTING
        return ConnectionStatus(
            name=name,
            state=str(StreamState.BACKOFF if trouble else waiting),
            detail=trouble,
            last_message_age=None if answered is None else max(0.0, now - answered),
            messages=self.answers,
            next_try_in=self.retry_in,
        )


def pace(interval: float, every: float, since_poll: float, *, streaming: bool) -> float:
    """Seconds between chains to expect: ``interval`` but where polls alone, ``every`` so many seconds, bring them.

    Where polls are overdue too nothing does, and what is shown is soon stale.
    """
    return max(interval, every) if not streaming and since_poll <= OVERDUE * every else interval


def in_seconds(seconds: float | None) -> str:
    """``12 s``, or a moment where it is not known."""
    return "a moment" if seconds is None else f"{seconds:.0f} s"
