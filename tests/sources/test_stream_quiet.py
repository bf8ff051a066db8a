"""A supervised stream of a venue that answers no pings of the protocol, and of channels that may be quiet."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from websockets.asyncio.server import ServerConnection, serve
from websockets.frames import Frame, Opcode
from websockets.protocol import Event

from gextui.sources.pacing import Backoff, Limiter
from gextui.sources.session import Channel, KeepAlive
from gextui.sources.stream import Stream, StreamState
from tests.sources.test_stream import LineSession, Venue, hear, live, turn
from tests.support.clock import FakeClock
from tests.support.waiting import eventually

QUIET, OTHER = Channel("quiet"), Channel("other")


class ListeningVenue(Venue):
    """Says when it was pinged, and whether by a message."""

    def __init__(self, now: Callable[[], float]) -> None:
        super().__init__()
        self.pinged: list[float] = []
        self.answers = True
        self._now = now

    async def handle(self, connection: ServerConnection) -> None:
        self.connections.append(connection)
        async for text in connection:
            message = json.loads(text)
            self.asked.append(message)
            if "ping" in message:
                self.pinged.append(self._now())
                if self.answers:
                    await connection.send('{"pong":1}')
            elif "sub" in message:
                await connection.send(json.dumps({"ok": message["sub"]}))


@asynccontextmanager
async def kept_alive(
    *channels: Channel, cadence: float | None = None, excuse: Callable[[], str] = str, silence: float | None = None
) -> AsyncIterator[tuple[Stream, ListeningVenue, FakeClock]]:
    clock = FakeClock()
    venue = ListeningVenue(clock.seconds)
    async with serve(venue.handle, "127.0.0.1", 0, ping_interval=None, close_timeout=0.1) as venue.server:
        stream = Stream(
            venue.url,
            LineSession,
            clock=clock,
            limiter=Limiter(clock, rate=1000.0, burst=1000),
            backoff=Backoff(clock, uniform=lambda low, high: high),
            keep_alive=KeepAlive(b'{"ping":1}', every=20.0, silence=silence),
            cadence=cadence,
            excuse=excuse,
        )
        stream.want(channels)
        running = asyncio.create_task(stream.run())
        try:
            yield stream, venue, clock
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


async def test_the_venues_own_ping_is_sent_in_time_and_no_other() -> None:
    async with kept_alive(QUIET) as (stream, venue, clock):
        await live(stream)
        began = clock.seconds()
        opcodes = []
        process = venue.connections[0].process_event

        def watch(event: Event) -> None:
            assert isinstance(event, Frame)
            opcodes.append(event.opcode)
            process(event)

        venue.connections[0].process_event = watch  # type: ignore[method-assign]
        await turn(clock, stream, 75.0)
        assert [at - began for at in venue.pinged] == [10.0, 30.0, 50.0, 70.0]
        assert (stream.state, len(venue.connections)) == (StreamState.LIVE, 1)
        assert opcodes == [Opcode.TEXT] * 4


async def test_a_ping_that_nothing_answers_ends_the_connection() -> None:
    async with kept_alive(QUIET) as (stream, venue, clock):
        await live(stream)
        venue.answers = False
        await turn(clock, stream, 21.0, until=lambda: stream.state is StreamState.BACKOFF)
        assert stream.stats.losses == {"127.0.0.1 answers no ping": 1}


async def test_any_message_answers_a_ping() -> None:
    async with kept_alive(QUIET) as (stream, venue, clock):
        await live(stream)
        venue.answers = False
        for _ in range(12):
            await turn(clock, stream, 5.0)
            await venue.say(other=1)
        assert len(venue.connections) == 1


async def test_a_venue_that_answers_no_message_is_told_that_we_are_there_and_pinged_as_usual() -> None:
    async with kept_alive(QUIET, silence=60.0) as (stream, venue, clock):
        venue.answers = False
        await live(stream)
        began = clock.seconds()
        for _ in range(3):
            await turn(clock, stream, 25.0)
            await venue.say(other=1)
        assert [at - began for at in venue.pinged] == [20.0, 40.0, 60.0]
        assert (stream.state, len(venue.connections)) == (StreamState.LIVE, 1)
        # Pongs come, and nothing else: it is no more.
        await turn(clock, stream, 90.0, until=lambda: stream.state is StreamState.BACKOFF)
        assert stream.stats.losses == {"127.0.0.1 has said nothing for 80 s": 1}


async def test_a_venue_that_answers_no_ping_is_noticed_at_once_all_the_same() -> None:
    async with kept_alive(QUIET, silence=60.0) as (stream, venue, clock):
        await live(stream)
        venue.connections[0].transport.pause_reading()
        await turn(clock, stream, 11.0, until=lambda: stream.state is StreamState.BACKOFF)
        assert stream.stats.losses == {"127.0.0.1 answers no ping": 1}


async def test_pongs_are_no_data() -> None:
    """`idle_timeout_fires_when_only_pongs_received`."""
    async with kept_alive(QUIET, OTHER, cadence=1.0) as (stream, venue, clock):
        await live(stream)
        for _ in range(12):
            await hear(stream, venue, "quiet")
            await turn(clock, stream, 5.0)
        assert len(venue.connections) == 1
        await turn(clock, stream, 12.0, until=lambda: len(venue.connections) == 2)
        assert stream.stats.losses == {"connected, but no data": 1}


async def test_an_excuse_from_elsewhere_keeps_a_silent_connection() -> None:
    excuse = ["venue maintenance"]
    async with kept_alive(QUIET, cadence=1.0, excuse=lambda: excuse[0]) as (stream, venue, clock):
        await turn(clock, stream, 40.0)
        assert (len(venue.connections), stream.state) == (1, StreamState.DEGRADED)
        assert stream.trouble == stream.detail == "venue maintenance"
        excuse[0] = ""
        await turn(clock, stream, 3.0, until=lambda: len(venue.connections) == 2)


async def test_channels_that_never_spoke_are_known_and_can_be_asked_for_again() -> None:
    async with kept_alive(QUIET, OTHER) as (stream, venue, clock):
        await live(stream)
        await hear(stream, venue, "other")
        await turn(clock, stream, 9.0)
        assert stream.unheard(9.5) == []
        await turn(clock, stream, 1.0)
        assert stream.unheard(9.5) == ["quiet"]
        stream.ask_again(["quiet"])
        await eventually(lambda: venue.subscriptions() == [["quiet", "other"], ["quiet"]], "the second subscription")
        await eventually(lambda: stream.subscribed == (2, 2), "the answer")
        assert stream.unheard(9.5) == []


async def test_it_tells_how_it_fares() -> None:
    async with kept_alive(QUIET, OTHER) as (stream, venue, clock):
        await live(stream)
        await hear(stream, venue, "other")
        await venue.connections[0].send("no json")
        await eventually(lambda: bool(stream.stats.rejected), "the reject")
        await turn(clock, stream, 2.0)
        status = stream.status("one")
        assert (status.name, status.state, status.detail, status.subscribed) == ("one", "live", "", (2, 2))
        assert (status.last_message_age, status.messages, status.reconnects) == (2.0, 1, 0)
        assert (dict(status.rejected), status.next_try_in) == ({"json": 1}, None)
        venue.connections[0].transport.abort()
        await eventually(lambda: stream.state is StreamState.BACKOFF, "the loss")
        assert stream.status("one").next_try_in == 0.25


async def test_a_channel_that_makes_no_sense_is_subscribed_once_more_and_named_until_it_does() -> None:
    async with kept_alive(QUIET, OTHER) as (stream, venue, _):
        await live(stream)
        await venue.say(again=["quiet"])
        await eventually(lambda: venue.subscriptions() == [["quiet", "other"], ["quiet"]], "the second subscription")
        await eventually(lambda: stream.subscribed == (2, 2), "the answer")
        assert (stream.state, stream.detail) == (StreamState.DEGRADED, "no data from quiet")
        await hear(stream, venue, "quiet")
        assert stream.state is StreamState.LIVE
