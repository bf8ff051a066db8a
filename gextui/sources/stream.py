"""One supervised WebSocket: reconnect, liveness, resubscribe. It knows sockets, time and channels; never a venue."""

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NoReturn
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage, InvalidStatus

from gextui.market.text import clean_text
from gextui.sources.failure import TLS_SECONDS, Failure, FetchError, not_connected
from gextui.sources.frames import FrameSocket, open_socket
from gextui.sources.http import refuse_plain_url
from gextui.sources.pacing import Backoff, Clock, Limiter, ended_within, retry_after, within
from gextui.sources.session import Channel, KeepAlive, Reading, RejectedError, Session
from gextui.sources.source import ConnectionStatus
from gextui.sources.subscriptions import Subscriptions, longest_silence

CONNECT_SECONDS = 5.0
READY_WITHIN = 10.0
"""Seconds after connecting within which the venue must have let us in."""
PING_EVERY = PONG_WITHIN = 5.0
KEPT_ALIVE_WITHIN = 10.0
"""Seconds after a `KeepAlive` in which any message at all must come."""
REJECTS_A_MINUTE = 20
"""Unreadable frames in a minute after which the connection itself is suspect."""
_LATE = 1.0
"""Seconds: a timer that fires later than this says that our own loop was blocked, so silence proves nothing."""


class StreamState(StrEnum):
    """What a stream is doing."""

    CONNECTING = "connecting"
    AUTHENTICATING = "authenticating"
    SUBSCRIBING = "subscribing"
    LIVE = "live"
    DEGRADED = "degraded"
    BACKOFF = "backoff"
    DISABLED = "disabled"


class _LostError(Exception):
    """The connection is of no more use; the message says why."""

    def __init__(self, reason: str, *, wait: float | None = None, final: bool = False) -> None:
        super().__init__(clean_text(reason))
        self.wait = wait
        self.final = final


@dataclass(slots=True)
class StreamStats:
    """What the sources panel shows of a stream."""

    connects: int = 0
    messages: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    """Frames that could not be read, by reason."""
    losses: Counter[str] = field(default_factory=Counter)
    """Connections lost, by reason."""
    last_message: float | None = None
    """On the clock's seconds; application data only."""
    next_try: float | None = None
    """On the clock's seconds, while it waits to reconnect."""


class Stream:
    """A connection that is always being kept up. Run it with `run`; change what it carries with `want`."""

    def __init__(
        self,
        url: str | Callable[[], Awaitable[str]],
        make_session: Callable[[], Session],
        *,
        clock: Clock,
        limiter: Limiter,
        connections: Limiter | None = None,
        backoff: Backoff | None = None,
        headers: Mapping[str, str] | None = None,
        keep_alive: KeepAlive | None = None,
        cadence: float | None = None,
        excuse: Callable[[], str] = str,
    ) -> None:
        """Prepare a stream of ``url``.

        Args:
            url: wss, or ws on loopback; or what finds that out before each connection, and may raise `FetchError`.
            make_session: Makes the venue's protocol for each new connection.
            clock: Time.
            limiter: What the venue meters subscriptions by.
            connections: What the venue meters new connections by; shared by all its streams.
            backoff: Pauses between attempts.
            headers: Sent with the handshake.
            keep_alive: Sent instead of the protocol's pings.
            cadence: Seconds between messages of whatever channel when all is well; None where only channels are judged.
            excuse: What the venue says elsewhere is wrong with it, which excuses its silence; empty for nothing.

        Raises:
            ValueError: the address is not one that may be asked.
        """
        self.url, self._host, self._plain = "", "", False
        if isinstance(url, str):
            self._reach(url)
        self._find_url = None if isinstance(url, str) else url
        self.state = StreamState.CONNECTING
        self.detail = ""
        self.stats = StreamStats()
        self._make_session = make_session
        self._clock = clock
        self._limiter = limiter
        self._connections = connections
        self._backoff = backoff or Backoff(clock)
        self._headers = dict(headers or {})
        self._keep_alive = keep_alive
        self._cadence = cadence
        self._excuse = excuse
        self._channels = Subscriptions(clock)
        self._changed = asyncio.Event()
        self._outgoing: deque[bytes] = deque()
        self._reset()

    def _reach(self, url: str) -> None:
        refuse_plain_url(url)
        parts = urlsplit(url)
        self.url, self._host, self._plain = url, parts.hostname or "", parts.scheme == "ws"

    def _reset(self) -> None:
        self._outgoing.clear()
        self._channels.start_over()
        self._resubscribed: set[str] = set()
        self._told_silent: frozenset[str] = frozenset()
        self._rejected_at: deque[float] = deque(maxlen=REJECTS_A_MINUTE + 1)
        self._frames = 0
        self._trouble = ""
        self._ready = False

    # What callers see and say.

    def want(self, channels: Iterable[Channel]) -> None:
        """Carry exactly these channels from now on, over every reconnect."""
        self._channels.want(channels)
        self._changed.set()

    def ask_again(self, names: Iterable[str]) -> None:
        """Subscribe to these once more."""
        self._channels.ask_again(names)
        self._changed.set()

    def say(self, frames: Iterable[bytes]) -> None:
        """Send these as the limiter lets them through; those that are not sent when the connection is lost are gone."""
        self._outgoing.extend(frames)
        self._changed.set()

    @property
    def unsent(self) -> int:
        """How many frames wait for the limiter."""
        return len(self._outgoing)

    @property
    def subscribed(self) -> tuple[int, int]:
        """How many of the wanted channels are subscribed, and how many are wanted."""
        return self._channels.counts

    @property
    def missing(self) -> dict[str, str]:
        """Wanted channels that the venue refused or left out, and why; may be asked from any thread."""
        return self._channels.missing

    @property
    def trouble(self) -> str:
        """What the venue says is wrong with itself, in plain words; empty where it says nothing."""
        return self._trouble or self._excuse()

    def age(self, name: str) -> float | None:
        """Seconds since the channel's last data on this connection; None before the first."""
        return self._channels.age(name)

    def unheard(self, seconds: float) -> list[str]:
        """Channels that were subscribed longer ago than that and have never said anything on this connection."""
        return self._channels.unheard(seconds)

    @property
    def next_try_in(self) -> float | None:
        """Seconds, while it waits to reconnect; may be asked from any thread."""
        at = self.stats.next_try
        return None if at is None else max(0.0, at - self._clock.seconds())

    def status(self, name: str) -> ConnectionStatus:
        """How it fares, for a panel of sources; may be asked from any thread."""
        stats, now = self.stats, self._clock.seconds()
        last = stats.last_message
        return ConnectionStatus(
            name=name,
            state=str(self.state),
            detail=self.detail,
            subscribed=self.subscribed,
            last_message_age=None if last is None else max(0.0, now - last),
            reconnects=max(0, stats.connects - 1),
            messages=stats.messages,
            rejected=dict(stats.rejected),
            next_try_in=self.next_try_in,
        )

    async def run(self) -> None:
        """Keep the connection up until cancelled; returns only when the venue says that trying again is useless."""
        while True:
            self._enter(StreamState.CONNECTING)
            self._reset()
            try:
                await self._live_once()
            except _LostError as lost:
                self.stats.losses[str(lost)] += 1
                if lost.final:
                    self._enter(StreamState.DISABLED, str(lost))
                    return
                wait = self._backoff.pause() if lost.wait is None else lost.wait
                self.stats.next_try = self._clock.seconds() + wait
                self._enter(StreamState.BACKOFF, str(lost))
                await self._clock.sleep(wait)
                self.stats.next_try = None

    # One connection.

    async def _live_once(self) -> NoReturn:
        if self._connections is not None:
            await self._connections.acquire()
        if self._find_url is not None:
            try:
                self._reach(await self._find_url())
            except (FetchError, ValueError) as error:
                raise _LostError(str(error)) from None
        socket = await self._open()
        self.stats.connects += 1
        session = self._make_session()
        jobs: list[Coroutine[Any, Any, NoReturn]] = [
            self._receive(socket, session),
            self._subscribe(socket, session),
            self._watch(),
        ]
        if (alive := self._keep_alive) is None or alive.silence is not None:
            jobs.append(self._ping(socket))
        if alive is not None:
            jobs.append(self._stay_alive(socket, alive) if alive.silence is None else self._tell_alive(socket, alive))
        tasks = [asyncio.create_task(job) for job in jobs]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            raise _LostError("ended without a reason")
        except ConnectionClosed as closed:
            raise _LostError(_closing_words(closed)) from None
        finally:
            # First, for the rest may be cancelled again. Not close(): a peer that is gone would make us wait for its
            # goodbye.
            socket.transport.abort()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _open(self) -> FrameSocket:
        try:
            return await within(self._clock, CONNECT_SECONDS, open_socket(self.url, self._headers))
        except TimeoutError:
            raise _LostError(f"{self._host} did not answer the handshake within {CONNECT_SECONDS:g} s") from None
        except InvalidStatus as refused:
            status = refused.response.status_code
            if 300 <= status < 400:
                raise _LostError(f"{self._host} redirects elsewhere (HTTP {status}); not followed") from None
            wait = retry_after(refused.response.headers.get("Retry-After"), self._clock.now())
            raise _LostError(f"{self._host} answered the handshake with HTTP {status}", wait=wait) from None
        except InvalidMessage:
            hint = "; does that port speak TLS? Then its address begins with wss://" if self._plain else ""
            raise _LostError(f"{self._host} does not answer as a WebSocket does{hint}") from None
        except (OSError, InvalidHandshake, EOFError) as error:
            failure = not_connected(error, self._host)
            wait = TLS_SECONDS if failure.failure is Failure.TLS else None
            raise _LostError(str(failure), wait=wait) from None

    async def _receive(self, socket: FrameSocket, session: Session) -> NoReturn:
        for frame in session.greet():
            await socket.send(frame, text=True)
        self._ready = session.ready
        self._enter(StreamState.SUBSCRIBING if self._ready else StreamState.AUTHENTICATING)
        self._changed.set()
        while True:
            frames = await socket.messages()
            self._frames += len(frames)
            heard = []
            for frame in frames:
                try:
                    reading = session.read(frame)
                except RejectedError as rejected:
                    self._reject(str(rejected))
                    continue
                if isinstance(reading, str):
                    heard.append(reading)
                elif reading is not None:
                    await self._take(reading, socket)
            self._hear(heard)

    def _hear(self, names: Sequence[str]) -> None:
        if not names:
            return
        now = self._clock.seconds()
        self._channels.hear(names, now)
        self.stats.last_message = now
        self.stats.messages += len(names)
        self._backoff.data()
        if not self._told_silent.isdisjoint(names):
            self._resubscribed.difference_update(names)
            self._assess()

    async def _take(self, reading: Reading, socket: FrameSocket) -> None:
        for reply in reading.replies:
            await socket.send(reply, text=True)
        self._hear(reading.data)
        self._channels.take(reading.accepted, reading.refused)
        if reading.again:
            self._resubscribed.update(reading.again)
            self.ask_again(reading.again)
        if reading.trouble is not None:
            self._trouble = clean_text(reading.trouble)
        if reading.leave is not None:
            raise _LostError(reading.leave)
        if reading.disabled is not None:
            raise _LostError(reading.disabled, final=True)
        if reading.ready:
            self._ready = True
            self._changed.set()
        self._assess()

    async def _subscribe(self, socket: FrameSocket, session: Session) -> NoReturn:
        """Send what is wanted and not yet subscribed, whenever that changes and once a second."""
        while True:
            self._changed.clear()
            if self._ready:
                unwanted = self._channels.drop_unwanted()
                for frame in session.unsubscribe(unwanted) if unwanted else ():
                    await self._limiter.acquire()
                    await socket.send(frame, text=True)
                due = self._channels.due
                # Asked from the moment it waits for its turn, or a slow limiter would ask twice.
                self._channels.ask(due)
                for frame in session.subscribe(due) if due else ():
                    await self._limiter.acquire()
                    await socket.send(frame, text=True)
                self._channels.ask(self._channels.still_asked(due))
                self._assess()
            while self._outgoing:
                await self._limiter.acquire()
                if self._outgoing:
                    await socket.send(self._outgoing.popleft(), text=True)
            await ended_within(self._clock, 1.0, self._changed.wait())

    async def _ping(self, socket: FrameSocket) -> NoReturn:
        """A peer that is gone without a word answers no ping; the library's own would take 50 s to say so."""
        while True:
            await self._clock.sleep(PING_EVERY)
            sent = self._clock.seconds()
            pong = await socket.ping()
            answered = await ended_within(self._clock, PONG_WITHIN, _awaited(pong))
            if not answered and self._clock.seconds() - sent > PONG_WITHIN + _LATE:
                # Our own loop was blocked: the pong may be waiting to be read.
                answered = await ended_within(self._clock, PONG_WITHIN, _awaited(pong))
            if not answered:
                raise _LostError(f"{self._host} answers no ping")

    async def _stay_alive(self, socket: FrameSocket, keep_alive: KeepAlive) -> NoReturn:
        """Likewise with a message of the venue's own, which any message may answer."""
        while True:
            await self._clock.sleep(max(0.0, keep_alive.every - KEPT_ALIVE_WITHIN))
            sent, came = self._clock.seconds(), self._frames
            await socket.send(keep_alive.frame, text=True)
            await self._clock.sleep(KEPT_ALIVE_WITHIN)
            if self._frames == came and self._clock.seconds() - sent > KEPT_ALIVE_WITHIN + _LATE:
                await self._clock.sleep(KEPT_ALIVE_WITHIN)
            if self._frames == came:
                raise _LostError(f"{self._host} answers no ping")

    async def _tell_alive(self, socket: FrameSocket, keep_alive: KeepAlive) -> NoReturn:
        """Likewise where the venue does not answer, but says something now and then of its own accord."""
        assert keep_alive.silence is not None
        heard, came = self._clock.seconds(), self._frames
        while True:
            before = self._clock.seconds()
            await self._clock.sleep(keep_alive.every)
            await socket.send(keep_alive.frame, text=True)
            now = self._clock.seconds()
            if self._frames != came or now - before > keep_alive.every + _LATE:
                heard, came = now, self._frames
            elif now - heard > keep_alive.silence:
                raise _LostError(f"{self._host} has said nothing for {now - heard:.0f} s")

    async def _watch(self) -> NoReturn:
        """Once a second: the age of each channel's data. Pings prove nothing about it."""
        slept, began = self._clock.slept(), self._clock.seconds()
        while True:
            before = self._clock.seconds()
            await self._clock.sleep(1.0)
            if self._clock.slept() - slept > 2.0:
                raise _LostError("the machine slept")
            if self._clock.seconds() - before > 1.0 + _LATE:
                continue
            if not self._ready and self._clock.seconds() - began > READY_WITHIN:
                # Whoever keeps the connection alive and lets nobody in would be waited for in vain.
                raise _LostError(f"{self._host} did not let us in within {READY_WITHIN:g} s")
            self._judge_silence()
            self._assess()

    def _judge_silence(self) -> None:
        if self.trouble:
            return  # the venue said why it is silent; a new connection would not make it speak
        silent = self._channels.silent()
        again = [name for name in silent if name not in self._resubscribed]
        deaf = self._cadence is not None and self._channels.quiet_for > longest_silence(self._cadence)
        if deaf or (silent and not again and len(silent) == len(self._channels.speaking)):
            raise _LostError("connected, but no data")
        self._resubscribed.update(again)
        if again:
            self.ask_again(again)
        for name in silent:
            if name not in again:
                # One silent channel among others that speak: asked for again and again, the rest left alone.
                self._resubscribed.discard(name)

    def _reject(self, reason: str) -> None:
        now = self._clock.seconds()
        self.stats.rejected[reason] += 1
        self._rejected_at.append(now)
        if len(self._rejected_at) > REJECTS_A_MINUTE and now - self._rejected_at[0] < 60.0:
            raise _LostError(f"more than {REJECTS_A_MINUTE} unreadable messages in a minute")

    def _assess(self) -> None:
        """Name the state from what is subscribed, missing, silent or wrong."""
        if not self._ready:
            return
        have, want = self.subscribed
        silent = [*self._channels.silent(), *self._resubscribed]
        self._told_silent = frozenset(silent)
        if trouble := self.trouble:
            self._enter(StreamState.DEGRADED, trouble)
        elif silent:
            self._enter(StreamState.DEGRADED, f"no data from {_named(silent)}")
        elif self.missing:
            self._enter(StreamState.DEGRADED, f"not subscribed: {_named(list(self.missing))}")
        elif have < want:
            self._enter(StreamState.SUBSCRIBING, f"{have}/{want}")
        else:
            self._enter(StreamState.LIVE)

    def _enter(self, state: StreamState, detail: str = "") -> None:
        self.state, self.detail = state, detail


async def _awaited(waiter: Any) -> None:
    # The library's future must outlive a wait that is given up.
    await asyncio.shield(waiter)


def _closing_words(closed: ConnectionClosed) -> str:
    """Why a connection closed: the venue's code and words, or ours when the venue broke the protocol."""
    if closed.sent is not None and not closed.rcvd_then_sent:
        return f"closed by us: {closed.sent.code} {closed.sent.reason}".rstrip()
    if closed.rcvd is not None:
        return f"closed by the venue: {closed.rcvd.code} {closed.rcvd.reason}".rstrip()
    return "the connection broke"


def _named(names: Sequence[str]) -> str:
    first = ", ".join(clean_text(name, 64) for name in names[:2])
    return first if len(names) <= 2 else f"{first} and {len(names) - 2} more"
