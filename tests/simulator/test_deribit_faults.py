"""The limits of a simulated Deribit, its heartbeat, and every switch that breaks it."""

import asyncio
from dataclasses import replace

import httpx
import msgspec
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, InvalidMessage, InvalidStatus

from gextui.simulator.deribit_limits import PUBLISHED, UNLIMITED
from gextui.simulator.faults import MALFORMED
from tests.simulator.talking import SIX, START, Client, connected, get, open_venue, result
from tests.support.waiting import eventually

NOW = int(START.timestamp() * 1000)
INDEX = "deribit_price_index.btc_usd"


async def closing(client: Client) -> ConnectionClosed:
    """How the connection ends, after whatever still comes."""
    while True:
        try:
            await client.read()
        except ConnectionClosed as closed:
            return closed


async def silence(client: Client) -> None:
    """Nothing comes for a moment."""
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(client.socket.recv(), 0.05)


class TestLimits:
    async def test_the_thirty_third_connection_is_refused_whatever_it_wants(self) -> None:
        async with open_venue() as (venue, _):
            sockets = [await connect(venue.ws_url, proxy=None, close_timeout=0.2) for _ in range(32)]
            with pytest.raises(InvalidStatus) as refused:
                await connect(venue.ws_url, proxy=None)
            assert refused.value.response.status_code == 429
            assert (await get(venue, "test")).status_code == 429
            await sockets.pop().close()
            await eventually(lambda: len(venue.network.open) == 31, "the connection to be gone")
            assert (await get(venue, "test")).status_code == 200
            assert venue.network.most_open == 33
            for socket in sockets:
                await socket.close()

    async def test_the_eleventh_subscribe_at_once_ends_the_session(self) -> None:
        async with open_venue() as (venue, clock):
            async with connected(venue) as client:
                for _ in range(10):
                    assert await client.subscribe("platform_state") == ["platform_state"]
                answer = await client.call("subscribe", channels=["platform_state"])
                assert (answer["error"]["code"], answer["error"]["message"]) == (10028, "too_many_requests")
                assert (await closing(client)).rcvd is not None
            await clock.advance(0.5)
            async with connected(venue) as client:
                assert await client.subscribe("platform_state") == ["platform_state"]

    async def test_other_calls_have_credits_of_their_own(self) -> None:
        async with open_venue(limits=replace(PUBLISHED, calling=(3.0, 1.0))) as (venue, clock):
            codes = [(await get(venue, "test")).status_code for _ in range(4)]
            assert codes == [200, 200, 200, 429]
            assert len(await result(venue, "get_instruments", currency="BTC")) > 100
            await clock.advance(1.0)
            assert (await get(venue, "test")).status_code == 200

    async def test_each_can_be_switched_off(self) -> None:
        async with open_venue(limits=UNLIMITED) as (venue, _), connected(venue) as client:
            for _ in range(200):
                assert await client.subscribe("platform_state") == ["platform_state"]
            assert await client.subscribe(*(f"ticker.X{n}.agg2" for n in range(1000))) == []

    async def test_calls_are_counted(self) -> None:
        async with open_venue() as (venue, _), connected(venue) as client:
            await client.subscribe(*SIX)
            await client.call("unsubscribe_all")
            await get(venue, "test")
            assert dict(venue.calls) == {"public/subscribe": 1, "public/unsubscribe_all": 1, "public/test": 1}
            assert (venue.connects, venue.network.accepted) == (1, 2)


class TestHeartbeat:
    async def test_a_client_that_answers_stays(self) -> None:
        async with open_venue() as (venue, clock), connected(venue) as client:
            await client.call("set_heartbeat", interval=10)
            for _ in range(3):
                await clock.advance(10.0)
                beats = [(await client.read())["params"]["type"] for _ in range(2)]
                assert beats == ["heartbeat", "test_request"]
                await client.call("test")
            assert len(venue.sessions) == 1

    async def test_one_that_does_not_is_closed(self) -> None:
        async with open_venue() as (venue, clock), connected(venue) as client:
            await client.call("set_heartbeat", interval=10)
            await clock.advance(10.0)
            await clock.advance(9.9)
            assert len(venue.sessions) == 1
            await clock.advance(0.1)
            assert (await closing(client)).rcvd is not None
            await eventually(lambda: not venue.sessions, "the session to end")

    async def test_without_one_nobody_asks(self) -> None:
        async with open_venue() as (venue, clock), connected(venue) as client:
            await client.call("set_heartbeat", interval=10)
            await client.call("disable_heartbeat")
            await clock.advance(60.0)
            assert await client.everything() == {}
            assert client.came == []


class TestConnections:
    async def test_drop_says_goodbye(self) -> None:
        async with open_venue() as (venue, _), connected(venue) as client:
            await client.call("test")
            await venue.drop(1012, "service restart")
            closed = await closing(client)
            assert closed.rcvd is not None
            assert (closed.rcvd.code, closed.rcvd.reason) == (1012, "service restart")

    async def test_reset_does_not(self) -> None:
        async with open_venue() as (venue, _), connected(venue) as client:
            await client.call("test")
            venue.reset()
            closed = await closing(client)
            assert closed.rcvd is None
            assert isinstance(closed.__cause__, ConnectionResetError)

    async def test_a_hole_swallows_everything_and_stays_open(self) -> None:
        async with open_venue() as (venue, clock), connected(venue) as client:
            await client.call("set_heartbeat", interval=10)
            await client.subscribe(INDEX)
            await client.everything()
            venue.hole()
            pong = asyncio.ensure_future(await client.socket.ping())
            await clock.advance(60.0)
            await silence(client)
            assert not pong.done()
            assert len(venue.network.open) == 1
            async with connected(venue) as other:
                assert await other.subscribe(INDEX) == [INDEX]

    async def test_a_hole_for_new_connections_accepts_and_never_answers(self) -> None:
        async with open_venue() as (venue, _):
            venue.hole(new=True)
            with pytest.raises(TimeoutError):
                await connect(venue.ws_url, proxy=None, open_timeout=0.1)
            with pytest.raises(httpx.ReadTimeout):
                async with httpx.AsyncClient(trust_env=False, timeout=0.1) as client:
                    await client.get(f"{venue.rest_url}/public/test")
            assert venue.network.accepted == 2
            venue.heal()
            assert (await get(venue, "test")).status_code == 200

    async def test_muted_it_answers_but_brings_no_data(self) -> None:
        async with open_venue() as (venue, clock), connected(venue) as client:
            await client.subscribe(*SIX)
            venue.mute(INDEX)
            await client.everything()
            await clock.advance(2.0)
            said = await client.everything()
            assert INDEX not in said
            assert len(said["markprice.options.btc_usd"]) == 2
            venue.mute()
            await clock.advance(2.0)
            await (await client.socket.ping())
            assert await client.everything() == {}
            assert await client.subscribe(INDEX) == [INDEX]
            assert await client.everything() == {}
            venue.heal()
            await clock.advance(1.0)
            assert INDEX in await client.everything()

    async def test_slow_drips_at_the_rate_it_is_told(self) -> None:
        async with open_venue() as (venue, clock):
            venue.slow(20.0)
            asked = asyncio.create_task(get(venue, "test"))
            await eventually(lambda: clock.next_wake is not None and bool(venue.network.open), "the request")
            await eventually(lambda: any(wire.unsent for wire in venue.network.open), "the answer to begin")
            size = sum(wire.unsent for wire in venue.network.open)
            assert size > 200
            await clock.advance(5.0)
            left = sum(wire.unsent for wire in venue.network.open)
            assert size - left == pytest.approx(100, abs=2)
            assert not asked.done()
            await clock.advance(60.0)
            assert (await asked).json()["result"] == {"version": "1.2.26"}

    async def test_a_client_that_does_not_read_is_cut_off(self) -> None:
        async with open_venue() as (venue, clock), connected(venue) as client:
            await client.call("test")
            venue.slow(1.0)
            venue.say(b" " * (17 * 2**20))
            await clock.advance(1.0)
            assert (await closing(client)).rcvd is None

    async def test_each_connection_can_be_cut_after_some_messages(self) -> None:
        async with open_venue() as (venue, _):
            venue.drop_each_after(2)
            for _ in range(2):
                async with connected(venue) as client:
                    await client.subscribe(INDEX, "platform_state")
                    await client.next(INDEX)
                    closed = await closing(client)
                    assert closed.rcvd is not None
                    assert closed.rcvd.code == 1001

    async def test_frames_can_break_the_protocol(self) -> None:
        async with open_venue() as (venue, _), connected(venue) as client:
            await client.call("test")
            venue.say_raw(b"\xf1\x00")
            with pytest.raises(ConnectionClosedError) as closed:
                await client.read()
            assert closed.value.sent is not None
            assert closed.value.sent.code == 1002


class TestHttp:
    @pytest.mark.parametrize("retry_after", ["7", "Fri, 20 Nov 2026 12:00:00 GMT", "soon", None])
    async def test_limited_requests_and_handshakes(self, retry_after: str | None) -> None:
        async with open_venue() as (venue, _):
            venue.limit(retry_after)
            response = await get(venue, "test")
            assert (response.status_code, response.headers.get("Retry-After")) == (429, retry_after)
            with pytest.raises(InvalidStatus) as refused:
                await connect(venue.ws_url, proxy=None)
            assert refused.value.response.status_code == 429
            assert refused.value.response.headers.get("Retry-After") == retry_after
            assert venue.calls.total() == venue.connects == 0
            venue.heal()
            assert (await get(venue, "test")).status_code == 200

    async def test_any_page_instead(self) -> None:
        async with open_venue() as (venue, _):
            venue.answer_with(302, b"", {"Location": "https://login.example/"})
            response = await get(venue, "test")
            assert (response.status_code, response.headers["Location"]) == (302, "https://login.example/")
            venue.answer_with(200, b"<html>Log in</html>")
            assert (await get(venue, "test")).headers["Content-Type"] == "text/html"
            venue.answer_with(200, b"{}", {"Content-Length": "100"})
            with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
                await get(venue, "test")
            venue.answer_with(200, b"hello")
            with pytest.raises((InvalidStatus, InvalidMessage)):
                await connect(venue.ws_url, proxy=None)


class TestMalformed:
    @pytest.mark.parametrize("kind", MALFORMED)
    async def test_bodies_and_notifications_alike(self, kind: str) -> None:
        async with open_venue() as (venue, clock), connected(venue) as client:
            await client.subscribe(INDEX)
            await client.next()
            clean = (await get(venue, "get_index_price", index_name="btc_usd")).content
            venue.malform(kind)
            assert (
                (await get(venue, "get_index_price", index_name="btc_usd")).content == MALFORMED[kind](clean) != clean
            )
            await clock.advance(1.0)
            if kind == "utf8":
                with pytest.raises(ConnectionClosedError) as closed:
                    await client.socket.recv()
                assert closed.value.sent is not None
                assert closed.value.sent.code == 1007
                return
            damaged = await client.socket.recv()
            # A call is still answered as it should be.
            await client.call("test")
            venue.heal()
            await clock.advance(1.0)
            assert damaged != await client.socket.recv()
            assert (await get(venue, "get_index_price", index_name="btc_usd")).json()["testnet"] is True

    @pytest.mark.parametrize(
        ("kind", "damaged"),
        [
            ("nan", b'{"a":NaN,"b":[NaN,NaN],"c":"1,2","d-1":"x"}'),
            ("strings", b'{"a":"1","b":["-2.5","3e-08"],"c":"1,2","d-1":"x"}'),
            ("zero", b'{"a":0,"b":[0,0],"c":"1,2","d-1":"x"}'),
        ],
    )
    def test_numbers_are_replaced_and_texts_are_not(self, kind: str, damaged: bytes) -> None:
        assert MALFORMED[kind](b'{"a":1,"b":[-2.5,3e-08],"c":"1,2","d-1":"x"}') == damaged

    def test_there_is_no_other_kind(self) -> None:
        assert {"empty", "null", "list", "nan", "huge", "nested", "utf8", "types", "truncated"} <= set(MALFORMED)
        with pytest.raises(msgspec.DecodeError):
            msgspec.json.decode(MALFORMED["truncated"](b'{"a":1}'))

    async def test_any_bytes_can_be_said(self) -> None:
        async with open_venue() as (venue, _), connected(venue) as client:
            await client.call("test")
            venue.say(b"hello")
            assert await client.socket.recv() == "hello"


class TestTheVenuesOwn:
    async def test_too_many_requests(self) -> None:
        async with open_venue() as (venue, _), connected(venue) as client:
            venue.too_many(2)
            response = await get(venue, "test")
            assert (response.status_code, response.json()["error"]["code"]) == (429, 10028)
            assert (await client.call("test"))["error"]["code"] == 10028
            assert (await closing(client)).rcvd is not None
            assert (await get(venue, "test")).status_code == 200

    async def test_maintenance(self) -> None:
        async with open_venue() as (venue, _), connected(venue) as client:
            await client.subscribe("platform_state")
            assert await client.next("platform_state") == {"maintenance": False}
            venue.maintenance(True)
            assert await client.next("platform_state") == {"maintenance": True}
            error = (await get(venue, "get_book_summary_by_currency", currency="BTC")).json()["error"]
            assert (error["code"], error["message"]) == (11051, "system_maintenance")
            assert (await client.call("subscribe", channels=[INDEX]))["error"]["code"] == 11051
            assert (await client.call("test"))["result"] == {"version": "1.2.26"}
            assert await result(venue, "status") == {"locked": "true"}
            venue.heal()
            assert await client.next("platform_state") == {"maintenance": False}
            assert await client.subscribe(INDEX) == [INDEX]

    async def test_a_locked_index(self) -> None:
        async with open_venue() as (venue, _), connected(venue) as client:
            await client.subscribe("platform_state")
            await client.next()
            venue.lock("btc_usd", True)
            assert await client.next() == {"price_index": "btc_usd", "locked": True}

    async def test_refused_channels_are_left_out(self) -> None:
        async with open_venue() as (venue, _), connected(venue) as client:
            venue.refuse(INDEX, "platform_state")
            assert sorted(await client.subscribe(*SIX)) == sorted(set(SIX) - {INDEX, "platform_state"})
            venue.heal()
            assert len(await client.subscribe(*SIX)) == len(SIX)

    async def test_skew_shifts_all_that_the_venue_says(self) -> None:
        async with open_venue() as (venue, clock), connected(venue) as client:
            venue.skew(90.0)
            assert await result(venue, "get_time") == NOW + 90_000
            response = await get(venue, "test")
            assert response.json()["usIn"] == (NOW + 90_000) * 1000
            assert response.headers["Date"] == "Fri, 20 Nov 2026 07:41:30 GMT"
            await client.subscribe(INDEX)
            await client.next()
            await clock.advance(1.0)
            assert (await client.next())["timestamp"] == NOW + 91_000

    async def test_a_frozen_index_stays_while_options_go_on(self) -> None:
        async with open_venue() as (venue, clock), connected(venue) as client:
            await client.subscribe(INDEX, "markprice.options.btc_usd")
            before = (await client.next(INDEX))["price"]
            venue.freeze_index()
            await clock.advance(30.0)
            said = await client.everything()
            assert {data["price"] for data in said[INDEX]} == {before}
            assert all(said["markprice.options.btc_usd"])
            venue.heal()
            await clock.advance(1.0)
            assert (await client.next(INDEX))["price"] != before

    async def test_a_frozen_market_repeats_itself_with_the_old_time_and_then_catches_up(self) -> None:
        async with open_venue() as (venue, clock), connected(venue) as client:
            await client.subscribe(INDEX)
            before = await client.next()
            venue.freeze()
            await clock.advance(30.0)
            assert (await client.everything())[INDEX] == [before] * 30
            assert await result(venue, "get_time") == NOW + 30_000
            venue.heal()
            await clock.advance(1.0)
            assert (await client.next())["timestamp"] == NOW + 31_000
            assert (venue.market.now - START).total_seconds() == 31

    async def test_duplicates(self) -> None:
        async with open_venue() as (venue, clock), connected(venue) as client:
            await client.subscribe(INDEX)
            await client.next()
            venue.duplicate()
            await clock.advance(2.0)
            at = [data["timestamp"] for data in (await client.everything())[INDEX]]
            assert at == [NOW + 1000, NOW + 1000, NOW + 2000, NOW + 2000]

    async def test_out_of_order(self) -> None:
        async with open_venue() as (venue, clock), connected(venue) as client:
            await client.subscribe(INDEX)
            await client.next()
            venue.shuffle()
            await clock.advance(4.0)
            at = [data["timestamp"] for data in (await client.everything())[INDEX]]
            assert at == [NOW + 2000, NOW + 1000, NOW + 4000, NOW + 3000]

    async def test_hostile_error_texts(self) -> None:
        async with open_venue() as (venue, _), connected(venue) as client:
            venue.error_text = "\x1b]52;c;eA==\x07[red]x" * 500
            assert (await get(venue, "get_instruments")).json()["error"]["message"] == venue.error_text
            assert (await client.call("subscribe", channels="x"))["error"]["message"] == venue.error_text
            venue.heal()
            assert (await client.call("subscribe", channels="x"))["error"]["message"] == "Invalid params"
