"""A supervised stream over a real socket on loopback, on a clock that tests turn."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.server import Server, ServerConnection, serve

from gextui.sources.failure import Failure, FetchError
from gextui.sources.pacing import Backoff, Limiter
from gextui.sources.session import Channel, Reading, RejectedError
from gextui.sources.stream import Stream, StreamState
from tests.support.clock import FakeClock
from tests.support.waiting import eventually

Handler = Callable[[ServerConnection], Awaitable[None]]


class LineSession:
    """The smallest protocol: {"sub": [names]} is answered by {"ok": [...], "no": {...}}; {"data": name} is data."""

    ready = True

    def greet(self) -> Sequence[bytes]:
        return [b'{"hello":1}']

    def subscribe(self, channels: Sequence[str]) -> Sequence[bytes]:
        return [json.dumps({"sub": list(channels)}).encode()]

    def unsubscribe(self, channels: Sequence[str]) -> Sequence[bytes]:
        return [json.dumps({"unsub": list(channels)}).encode()]

    def read(self, frame: bytes) -> str | Reading | None:
        try:
            message = json.loads(frame)
        except ValueError:
            raise RejectedError("json") from None
        if "data" in message:
            return str(message["data"])
        return Reading(
            accepted=tuple(message.get("ok", ())),
            refused=message.get("no", {}),
            trouble=message.get("trouble"),
            leave=message.get("leave"),
            disabled=message.get("disabled"),
            again=tuple(message.get("again", ())),
        )


class Venue:
    """A loopback venue whose connections a test drives by hand."""

    def __init__(self) -> None:
        self.connections: list[ServerConnection] = []
        self.asked: list[dict[str, object]] = []
        self.accept = True
        self.server: Server | None = None

    @property
    def url(self) -> str:
        assert self.server is not None
        return f"ws://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"

    async def handle(self, connection: ServerConnection) -> None:
        self.connections.append(connection)
        async for text in connection:
            message = json.loads(text)
            self.asked.append(message)
            if "sub" in message and self.accept:
                await connection.send(json.dumps({"ok": message["sub"]}))

    async def say(self, **message: object) -> None:
        await self.connections[-1].send(json.dumps(message))

    def subscriptions(self) -> list[object]:
        return [message["sub"] for message in self.asked if "sub" in message]


@asynccontextmanager
async def streaming(
    channels: Sequence[Channel], venue: Venue | None = None
) -> AsyncIterator[tuple[Stream, Venue, FakeClock]]:
    venue = venue or Venue()
    clock = FakeClock()
    async with serve(venue.handle, "127.0.0.1", 0, ping_interval=None, close_timeout=0.1) as venue.server:
        backoff = Backoff(clock, uniform=lambda low, high: high)
        limiter = Limiter(clock, rate=1000.0, burst=1000)
        stream = Stream(venue.url, LineSession, clock=clock, limiter=limiter, backoff=backoff)
        stream.want(channels)
        running = asyncio.create_task(stream.run())
        try:
            yield stream, venue, clock
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


A, B = Channel("a", cadence=1.0), Channel("b", cadence=1.0)
RARE = Channel("rare")


async def live(stream: Stream) -> None:
    await eventually(lambda: stream.state is StreamState.LIVE, "the stream to be live")


async def hear(stream: Stream, venue: Venue, name: str) -> None:
    before = stream.stats.messages
    await venue.say(data=name)
    await eventually(lambda: stream.stats.messages > before, "the message")


async def test_goes_live_once_everything_is_subscribed() -> None:
    async with streaming([A, RARE]) as (stream, venue, _):
        await live(stream)
        assert venue.asked[0] == {"hello": 1}
        assert stream.subscribed == (2, 2)
        await hear(stream, venue, "a")
        assert stream.age("a") == 0.0
        assert stream.age("rare") is None


async def test_a_dropped_connection_is_replaced_at_once_and_its_subscriptions_replayed() -> None:
    async with streaming([A, RARE]) as (stream, venue, clock):
        await live(stream)
        venue.connections[0].transport.abort()
        await eventually(lambda: stream.state is StreamState.BACKOFF, "the loss")
        await clock.advance(0.25)
        await eventually(lambda: len(venue.connections) == 2, "the second connection")
        await live(stream)
        assert venue.subscriptions() == [["a", "rare"], ["a", "rare"]]
        assert stream.stats.connects == 2


async def test_silent_but_ponging_is_noticed_resubscribed_once_then_reconnected() -> None:
    async with streaming([A, B]) as (stream, venue, clock):
        await live(stream)
        await hear(stream, venue, "a")
        await turn(clock, stream, 11.5, until=lambda: len(venue.subscriptions()) == 2)
        assert stream.state is StreamState.DEGRADED
        assert "no data from" in stream.detail
        assert len(venue.connections) == 1
        await turn(clock, stream, 13.0, until=lambda: len(venue.connections) == 2)
        assert stream.stats.losses["connected, but no data"] == 1


async def test_one_silent_channel_is_asked_for_again_and_the_others_are_left_alone() -> None:
    async with streaming([A, B]) as (stream, venue, clock):
        await live(stream)
        for _ in range(26):
            await hear(stream, venue, "a")
            await turn(clock, stream, 1.0)
        assert len(venue.connections) == 1
        assert venue.subscriptions()[0] == ["a", "b"]
        assert venue.subscriptions()[1:] == [["b"]] * len(venue.subscriptions()[1:])
        assert len(venue.subscriptions()) >= 2
        assert stream.state is StreamState.DEGRADED
        assert stream.detail == "no data from b"


async def test_a_channel_that_speaks_only_of_events_is_never_silent() -> None:
    async with streaming([A, RARE]) as (stream, venue, clock):
        await live(stream)
        for _ in range(30):
            await hear(stream, venue, "a")
            await turn(clock, stream, 1.0)
        assert stream.state is StreamState.LIVE
        assert len(venue.subscriptions()) == 1


async def test_what_the_venue_left_out_is_named_and_asked_for_again() -> None:
    venue = Venue()
    venue.accept = False
    async with streaming([A, B], venue) as (stream, _, clock):
        await eventually(lambda: bool(venue.subscriptions()), "the subscription")
        await venue.say(ok=["a"], no={"b": "unknown channel"})
        await eventually(lambda: stream.state is StreamState.DEGRADED, "the missing channel")
        assert stream.detail == "not subscribed: b"
        assert stream.missing == {"b": "unknown channel"}
        assert stream.subscribed == (1, 2)
        await hear(stream, venue, "a")
        await turn(clock, stream, 9.0)
        await hear(stream, venue, "a")
        await turn(clock, stream, 2.0, until=lambda: len(venue.subscriptions()) == 2)
        assert venue.subscriptions()[1] == ["b"]


async def test_a_black_hole_is_noticed_within_twelve_seconds() -> None:
    async with streaming([RARE]) as (stream, venue, clock):
        await live(stream)
        # The venue's kernel still takes our bytes, but nobody reads them: pings go unanswered.
        venue.connections[0].transport.pause_reading()
        venue.connections[0].protocol.receive_data = lambda data: None  # type: ignore[method-assign]
        started = clock.seconds()
        await turn(clock, stream, 12.0, until=lambda: stream.state is not StreamState.LIVE)
        assert clock.seconds() - started <= 12.0
        assert stream.stats.losses == {"127.0.0.1 answers no ping": 1}


async def test_a_venue_that_talks_and_lets_nobody_in_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LineSession, "ready", False)
    async with streaming([RARE]) as (stream, venue, clock):
        await eventually(lambda: venue.asked == [{"hello": 1}], "the greeting")
        for second in range(10):
            await venue.say(trouble="")
            await turn(clock, stream, 1.0)
            assert stream.state is StreamState.AUTHENTICATING, second
        await turn(clock, stream, 2.0, until=lambda: stream.stats.connects == 2)
        assert stream.stats.losses == {"127.0.0.1 did not let us in within 10 s": 1}


async def test_after_the_machine_slept_every_connection_is_made_anew_at_once() -> None:
    async with streaming([RARE]) as (stream, venue, clock):
        await live(stream)
        clock.suspend(7200.0)
        await turn(clock, stream, 2.0, until=lambda: len(venue.connections) == 2)
        assert stream.stats.losses == {"the machine slept": 1}


async def test_our_own_blocked_loop_is_not_taken_for_a_silent_venue() -> None:
    async with streaming([A]) as (stream, venue, clock):
        await live(stream)
        await hear(stream, venue, "a")
        # The loop is blocked: 9 s pass at once between one tick of the watch and the next.
        for _ in range(4):
            await clock.advance(0.0)
            clock._move(clock.seconds() + 9.0)
            await hear(stream, venue, "a")
        await clock.advance(1.0)
        assert len(venue.connections) == 1
        assert stream.state is StreamState.LIVE


async def test_unreadable_frames_are_counted_and_too_many_end_the_connection() -> None:
    async with streaming([RARE]) as (stream, venue, _):
        await live(stream)
        for _ in range(20):
            await venue.connections[0].send("not json")
        await eventually(lambda: stream.stats.rejected["json"] == 20, "the rejects")
        assert stream.state is StreamState.LIVE
        await venue.connections[0].send("not json")
        await eventually(lambda: stream.state is StreamState.BACKOFF, "the loss")
        assert "unreadable" in stream.detail


async def test_accept_then_drop_cannot_cause_a_storm() -> None:
    connects = []

    async def drop(connection: ServerConnection) -> None:
        connects.append(1)
        await connection.send(json.dumps({"data": "a"}))
        await connection.close()

    venue = Venue()
    venue.handle = drop  # type: ignore[method-assign]
    async with streaming([A], venue) as (stream, _, clock):
        for _ in range(120):
            await eventually(lambda: stream.state is StreamState.BACKOFF, "the loss")
            before = len(connects)
            wake = clock.next_wake
            assert wake is not None
            if clock.seconds() - 1000.0 + wake > 60.0:
                break
            await clock.advance(wake)
            await eventually(lambda before=before: len(connects) > before, "the next connect")  # type: ignore[misc]
        assert len(connects) <= 3 + 12


@pytest.mark.parametrize(
    ("message", "state", "detail"),
    [
        ({"trouble": "maintenance"}, StreamState.DEGRADED, "maintenance"),
        ({"leave": "going away"}, StreamState.BACKOFF, "going away"),
        ({"disabled": "the token was refused"}, StreamState.DISABLED, "the token was refused"),
    ],
)
async def test_what_the_venue_says_of_itself_is_shown(
    message: dict[str, object], state: StreamState, detail: str
) -> None:
    async with streaming([RARE]) as (stream, venue, _):
        await live(stream)
        await venue.say(**message)
        await eventually(lambda: stream.state is state, str(state))
        assert stream.detail == detail


async def test_channels_come_and_go_without_a_new_connection() -> None:
    async with streaming([A]) as (stream, venue, _):
        await live(stream)
        stream.want([A, B])
        await eventually(lambda: stream.subscribed == (2, 2), "the new channel")
        stream.want([B])
        await eventually(lambda: {"unsub": ["a"]} in venue.asked, "the unsubscription")
        assert venue.subscriptions() == [["a"], ["b"]]
        assert len(venue.connections) == 1


async def test_a_refused_connection_is_tried_again_for_ever() -> None:
    clock = FakeClock()
    backoff = Backoff(clock, uniform=lambda low, high: high)
    stream = Stream(
        "ws://127.0.0.1:9", LineSession, clock=clock, limiter=Limiter(clock, rate=1, burst=1), backoff=backoff
    )
    running = asyncio.create_task(stream.run())
    await turn(clock, stream, 600.0, until=lambda: stream.stats.losses["127.0.0.1 refuses the connection"] >= 12)
    await eventually(lambda: stream.state is StreamState.BACKOFF, "the next pause")
    assert set(stream.stats.losses) == {"127.0.0.1 refuses the connection"}
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_redirect_is_not_followed() -> None:
    elsewhere = Venue()

    async def redirect(connection: ServerConnection, request: object) -> object:
        response = connection.respond(302, "")
        response.headers["Location"] = elsewhere.url
        return response

    clock = FakeClock()
    async with (
        serve(elsewhere.handle, "127.0.0.1", 0) as elsewhere.server,
        serve(elsewhere.handle, "127.0.0.1", 0, process_request=redirect) as door,  # type: ignore[arg-type]
    ):
        url = f"ws://127.0.0.1:{door.sockets[0].getsockname()[1]}"
        stream = Stream(url, LineSession, clock=clock, limiter=Limiter(clock, rate=1, burst=1))
        running = asyncio.create_task(stream.run())
        await eventually(lambda: stream.state is StreamState.BACKOFF, "the refusal")
        assert "302" in stream.detail
        assert not elsewhere.connections
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize("url", ["ws://example.com", "wss://user:pass@example.com", "file:///x"])
async def test_only_tls_or_loopback(url: str) -> None:
    clock = FakeClock()
    with pytest.raises(ValueError, match="must"):
        Stream(url, LineSession, clock=clock, limiter=Limiter(clock, rate=1, burst=1))


async def test_an_address_is_found_out_before_each_connection() -> None:
    venue, clock = Venue(), FakeClock()
    async with serve(venue.handle, "127.0.0.1", 0, ping_interval=None, close_timeout=0.1) as venue.server:
        answers: list[str | FetchError] = [
            FetchError(Failure.STATUS, "the venue refuses us"),
            "ws://example.com/elsewhere",
            venue.url,
            venue.url,
        ]

        async def find() -> str:
            answer = answers.pop(0)
            if isinstance(answer, FetchError):
                raise answer
            return answer

        backoff = Backoff(clock, uniform=lambda low, high: high)
        limiter = Limiter(clock, rate=1000.0, burst=1000)
        stream = Stream(find, LineSession, clock=clock, limiter=limiter, backoff=backoff)
        stream.want([RARE])
        running = asyncio.create_task(stream.run())
        await eventually(lambda: stream.detail == "the venue refuses us", "the refusal")
        await turn(clock, stream, 5.0, until=lambda: stream.state is StreamState.LIVE)
        assert any("plain http and ws are for loopback only" in reason for reason in stream.stats.losses)
        venue.connections[0].transport.abort()
        await turn(clock, stream, 5.0, until=lambda: len(venue.connections) == 2)
        assert answers == []
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_what_is_said_waits_its_turn_and_is_not_said_on_another_connection() -> None:
    async with streaming([RARE]) as (stream, venue, clock):
        await live(stream)
        stream._limiter = Limiter(clock, rate=1.0, burst=1)
        stream.say(json.dumps({"say": number}).encode() for number in range(5))
        assert stream.unsent == 5
        await turn(clock, stream, 2.0)
        said = [message["say"] for message in venue.asked if "say" in message]
        assert (said, stream.unsent) == ([0, 1, 2], 2)
        venue.connections[0].transport.abort()
        await turn(clock, stream, 5.0)
        assert stream.unsent == 0
        assert [message["say"] for message in venue.asked if "say" in message] == said
        assert len(venue.connections) == 2


async def turn(clock: FakeClock, stream: Stream, seconds: float, until: Callable[[], bool] | None = None) -> None:
    """Let time pass a quarter of a second at a time, giving sockets their turn; stop early when ``until`` holds."""
    end = clock.seconds() + seconds
    while clock.seconds() < end:
        await clock.advance(0.25)
        for _ in range(3):
            await asyncio.sleep(0.001)
        if until is not None and until():
            return
    assert until is None or until(), f"not within {seconds:g} s; {stream.state} {stream.detail}"
