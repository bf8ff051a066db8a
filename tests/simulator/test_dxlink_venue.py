"""The simulated dxLink feed: its handshake and messages to the letter, the market's numbers, and its faults."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from gextui.market.ticker import KNOWN_TICKERS
from gextui.simulator.dxlink_events import FIELDS
from gextui.simulator.tastytrade import SimulatedTastytrade
from tests.simulator.test_deribit_shapes import assert_alike, type_of
from tests.support.clock import FakeClock
from tests.support.rig import FewExpiries
from tests.support.tradier import new_york

SPX, SPY = KNOWN_TICKERS["SPX"], KNOWN_TICKERS["SPY"]
THURSDAY = new_york("2026-11-19", "10:00")
SETUP = {
    "type": "SETUP",
    "channel": 0,
    "version": "0.1-DXF-JS/0.3.0",
    "keepaliveTimeout": 60,
    "acceptKeepaliveTimeout": 60,
}
CALL = ".SPY261119C660"
_WITHIN = 10.0

Message = dict[str, Any]


class Client:
    """Sends frames and reads them."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def send(self, kind: str, channel: int = 1, **more: Any) -> None:
        await self.socket.send(json.dumps({"type": kind, "channel": channel, **more}))

    async def read(self) -> Message:
        async with asyncio.timeout(_WITHIN):
            message: Message = json.loads(await self.socket.recv())
        return message

    async def said(self) -> list[Message]:
        """What came up to the answer to a request made now."""
        await self.send("SETUP", 0)
        came = []
        while not (message := await self.read()).get("message", "").endswith("SETUP was sent before."):
            came.append(message)
        return came

    async def closed(self) -> tuple[list[Message], int | None]:
        """What came before the connection was closed, and the code."""
        came = []
        while True:
            try:
                came.append(await self.read())
            except ConnectionClosed:
                return came, self.socket.close_code

    async def open(self, token: str) -> None:
        """Log in and open channel 1."""
        await self.socket.send(json.dumps(SETUP))
        await self.send("AUTH", 0, token=token)
        await self.send("CHANNEL_REQUEST", service="FEED", parameters={"contract": "AUTO"})
        assert [(await self.read())["type"] for _ in range(4)] == [
            "SETUP",
            "AUTH_STATE",
            "AUTH_STATE",
            "CHANNEL_OPENED",
        ]

    async def wish(self, fields: dict[str, list[str]], period: float = 1.0, data_format: str = "COMPACT") -> None:
        await self.send(
            "FEED_SETUP",
            acceptAggregationPeriod=period,
            acceptDataFormat=data_format,
            acceptEventFields=fields,
        )

    async def subscribe(self, *items: tuple[str, str], **more: Any) -> list[Message]:
        """What comes of a subscription at once."""
        await self.send("FEED_SUBSCRIPTION", add=[{"type": kind, "symbol": symbol} for kind, symbol in items], **more)
        return await self.said()


@asynccontextmanager
async def open_venue() -> AsyncIterator[tuple[SimulatedTastytrade, FakeClock]]:
    market = FewExpiries(5, THURSDAY, [SPX, SPY])
    clock = FakeClock(THURSDAY.timestamp())
    async with SimulatedTastytrade(market, clock=clock) as venue:
        yield venue, clock


@asynccontextmanager
async def bare(venue: SimulatedTastytrade) -> AsyncIterator[Client]:
    async with connect(venue.ws_url, proxy=None, ping_interval=None, close_timeout=0.2, max_size=2**26) as socket:
        yield Client(socket)


@asynccontextmanager
async def connected(venue: SimulatedTastytrade) -> AsyncIterator[Client]:
    async with bare(venue) as client:
        await client.open(venue.feed.issue())
        yield client


def data(messages: list[Message]) -> list[Any]:
    return [message["data"] for message in messages if message["type"] == "FEED_DATA"]


def configs(messages: list[Message]) -> list[dict[str, list[str]]]:
    return [message["eventFields"] for message in messages if message["type"] == "FEED_CONFIG"]


@pytest.fixture
def captured(shared: Path) -> list[Message]:
    """What real servers said."""
    path = shared / "wire" / "samples" / "dxlink" / "frames_real_and_documented.jsonl"
    if not path.is_file():
        pytest.skip("the captures are not here")
    return [line["frame"] for line in map(json.loads, path.read_text().splitlines()) if line["dir"] != "client"]


class TestHandshake:
    async def test_to_the_letter(self) -> None:
        async with open_venue() as (venue, _), bare(venue) as client:
            await client.socket.send(json.dumps(SETUP))
            assert await client.read() == {
                "type": "SETUP",
                "channel": 0,
                "version": "0.1-simulated",
                "keepaliveTimeout": 60.0,
                "acceptKeepaliveTimeout": 60.0,
            }
            assert await client.read() == {"type": "AUTH_STATE", "channel": 0, "state": "UNAUTHORIZED"}
            await client.send("CHANNEL_REQUEST", service="FEED", parameters={"contract": "AUTO"})
            assert (await client.read())["error"] == "UNAUTHORIZED"
            await client.send("AUTH", 0, token=venue.feed.issue())
            assert await client.read() == {
                "type": "AUTH_STATE",
                "channel": 0,
                "state": "AUTHORIZED",
                "userId": "simulated",
            }
            await client.send("CHANNEL_REQUEST", service="FEED", parameters={"contract": "AUTO"})
            assert await client.read() == {
                "type": "CHANNEL_OPENED",
                "channel": 1,
                "service": "FEED",
                "parameters": {"contract": "AUTO"},
            }
            await client.send("CHANNEL_CANCEL")
            assert await client.read() == {"type": "CHANNEL_CLOSED", "channel": 1}

    @pytest.mark.parametrize(
        ("frame", "error"),
        [({**SETUP, "version": "9.9-JS"}, "UNSUPPORTED_PROTOCOL"), ({"type": "AUTH", "channel": 0}, "BAD_ACTION")],
    )
    async def test_another_version_and_another_beginning_are_refused(self, frame: Message, error: str) -> None:
        async with open_venue() as (venue, _), bare(venue) as client:
            await client.socket.send(json.dumps(frame))
            came, code = await client.closed()
            assert ([message["error"] for message in came], code) == ([error], 1002)

    @pytest.mark.parametrize("refusing", [False, True])
    async def test_a_bad_token(self, refusing: bool) -> None:
        async with open_venue() as (venue, _), bare(venue) as client:
            venue.feed.refusing = refusing
            await client.socket.send(json.dumps(SETUP))
            await client.send("AUTH", 0, token=venue.feed.issue() if refusing else "another")
            came, code = await client.closed()
            assert [message.get("state") for message in came] == [None, "UNAUTHORIZED", "UNAUTHORIZED"]
            assert code == 1008

    @pytest.mark.parametrize("how", ["expired", "old"])
    async def test_a_token_that_ends_in_the_middle(self, how: str) -> None:
        async with open_venue() as (venue, clock), connected(venue) as client:
            await client.subscribe(("Quote", "SPY"))
            if how == "expired":
                venue.feed.expire_tokens()
            else:
                venue.skew(86_400.0)
                await clock.advance(1.0)
            assert (await client.read())["state"] == "UNAUTHORIZED"
            await clock.advance(3.0)
            assert [message["error"] for message in await client.subscribe(("Trade", "SPY"))] == ["UNAUTHORIZED"]
            await client.send("AUTH", 0, token=venue.feed.issue())
            assert (await client.read())["state"] == "AUTHORIZED"
            venue.skew(0.0)
            await clock.advance(1.0)
            assert [message["type"] for message in await client.said()] == ["FEED_DATA"]

    async def test_what_channels_may_not_do(self) -> None:
        async with open_venue() as (venue, _), connected(venue) as client:
            await client.send("CHANNEL_REQUEST", 2, service="FEED")
            assert await client.read() == {
                "type": "ERROR",
                "channel": 0,
                "error": "BAD_ACTION",
                "message": "Protocol violation with an even channel usage.",
            }
            for frame, channel in (("CHANNEL_REQUEST", 1), ("FEED_SETUP", 3), ("FEED_SUBSCRIPTION", 3)):
                await client.send(frame, channel, service="FEED")
                answer = await client.read()
                assert (answer["channel"], answer["error"]) == (channel, "BAD_ACTION")
            await client.socket.send("{")
            assert await client.read() == {
                "type": "ERROR",
                "channel": 0,
                "error": "INVALID_MESSAGE",
                "message": "The message is not valid JSON.",
            }
            assert data(await client.subscribe(("Quote", "SPY")))

    async def test_messages_have_the_shape_of_captured_ones(self, captured: list[Message]) -> None:
        async with open_venue() as (venue, clock), bare(venue) as client:
            await client.socket.send(json.dumps(SETUP))
            await client.send("AUTH", 0, token=venue.feed.issue())
            await client.send("CHANNEL_REQUEST", service="FEED", parameters={"contract": "AUTO"})
            await client.wish({"Quote": ["eventSymbol", "bidPrice"]})
            seen = await client.subscribe(("Quote", "SPY"))
            await client.send("CHANNEL_CANCEL")
            seen += await client.said()
            await clock.advance(61.0)
            seen += (await client.closed())[0]
        shapes, ours = (
            {message["type"]: {key: type_of(value) for key, value in message.items()} for message in messages}
            for messages in (captured, seen)
        )
        assert ours == shapes

    async def test_events_have_the_shape_of_captured_ones(self, captured: list[Message]) -> None:
        async with open_venue() as (venue, _), connected(venue) as client:
            full = [event for (event,) in data(await client.subscribe(("Quote", "SPX"), ("Greeks", CALL)))]
            await client.wish({"Trade": ["eventSymbol", "price", "size", "time"]})
            compact = data(await client.subscribe(("Trade", "SPX"), ("Trade", "SPY")))
        theirs = [event for events in data(captured) for event in events if isinstance(event, dict)]
        for kind in ("Quote", "Greeks"):
            mine, captured_too = ([event for event in of if event["eventType"] == kind] for of in (full, theirs))
            assert {tuple(event) for event in mine} == {tuple(event) for event in captured_too}
            assert_alike(mine, captured_too)
        trades = next(events[1] for events in data(captured) if events[0] == "Trade")
        assert_alike(*([{str(place % 4): value} for place, value in enumerate(of)] for of in (compact[0][1], trades)))


class TestData:
    async def test_the_market_itself_to_the_last_digit(self) -> None:
        async with open_venue() as (venue, _), connected(venue) as client:
            await client.wish(
                {
                    "Quote": ["eventSymbol", "bidPrice", "askPrice"],
                    "Trade": ["eventSymbol", "time", "price", "dayVolume"],
                    "Summary": ["eventSymbol", "openInterest", "prevDayClosePrice"],
                    "Greeks": ["eventSymbol", "time", "volatility"],
                }
            )
            chain = venue.market.chain(SPY)
            row = next(
                row
                for row in range(len(chain))
                if chain.strike[row] == 660.0 and chain.is_call[row] and chain.expiry[row] == 0
            )
            came = await client.subscribe(
                *[(kind, symbol) for kind in ("Quote", "Trade", "Summary", "Greeks") for symbol in (CALL, "SPY")]
            )
            assert came[0]["type"] == "FEED_CONFIG"
            assert (came[0]["aggregationPeriod"], came[0]["dataFormat"]) == (1.0, "COMPACT")
            now = int(THURSDAY.timestamp() * 1000)
            spot = chain.spot
            middle = round(0.5 * (float(chain.bid[row]) + float(chain.ask[row])), 4)
            assert data(came) == [
                [
                    "Quote",
                    [CALL, chain.bid[row], chain.ask[row], "SPY", round(spot - 0.005, 4), round(spot + 0.005, 4)],
                ],
                ["Trade", [CALL, now, middle, chain.volume[row], "SPY", now, spot, "NaN"]],
                ["Summary", [CALL, int(chain.open_interest[row]), "NaN", "SPY", 0, chain.previous_close]],
                ["Greeks", [CALL, now, chain.iv[row]]],
            ]

    async def test_then_what_has_changed_and_no_more(self) -> None:
        async with open_venue() as (venue, clock), connected(venue) as client:
            await client.wish({"Trade": ["eventSymbol", "time", "price"], "Summary": ["eventSymbol", "openInterest"]})
            await client.subscribe(("Trade", "SPX"), ("Summary", ".SPX261120C6600"), ("Summary", "SPX"))
            await clock.advance(1.0)
            now = int(THURSDAY.timestamp() * 1000) + 1000
            assert data(await client.said()) == [["Trade", ["SPX", now, venue.market.chain(SPX).spot]]]

    async def test_no_more_often_than_was_asked(self) -> None:
        async with open_venue() as (venue, clock), connected(venue) as client:
            await client.wish({"Trade": ["eventSymbol", "price"]}, period=5.0)
            await client.subscribe(("Trade", "SPX"))
            seen = []
            for _ in range(11):
                await clock.advance(1.0)
                seen.append(data(await client.said()))
            assert [bool(each) for each in seen] == [True, *[False] * 4, True, *[False] * 4, True]
            assert seen[10] == [["Trade", ["SPX", venue.market.chain(SPX).spot]]]

    async def test_only_what_is_subscribed_to(self) -> None:
        async with open_venue() as (venue, clock), connected(venue) as client:
            await client.wish({"Quote": ["eventSymbol"], "Trade": ["eventSymbol"]})
            await client.subscribe(("Quote", "SPX"), ("Quote", "SPY"), ("Trade", "SPY"))
            await client.send("FEED_SUBSCRIPTION", remove=[{"type": "Quote", "symbol": "SPX"}])
            await clock.advance(1.0)
            assert data(await client.said()) == [["Quote", ["SPY"]], ["Trade", ["SPY"]]]
            assert data(await client.subscribe(("Trade", "SPX"), reset=True)) == [["Trade", ["SPX"]]]
            await clock.advance(1.0)
            assert data(await client.said()) == [["Trade", ["SPX"]]]
            assert venue.feed.subscribed == [
                (("Quote", "SPX"), ("Quote", "SPY"), ("Trade", "SPY")),
                (("Trade", "SPX"),),
            ]

    async def test_full(self) -> None:
        async with open_venue() as (venue, _), connected(venue) as client:
            came = await client.subscribe(("Trade", "SPX"), ("Profile", "SPX"))
            assert came[0]["dataFormat"] == "FULL"
            (trade,), (profile,) = data(came)
            assert list(trade) == ["eventType", *FIELDS["Trade"]]
            assert (trade["eventType"], trade["size"], trade["sequence"]) == ("Trade", "NaN", 0)
            assert (profile["tradingStatus"], profile["statusReason"]) == ("ACTIVE", None)

    async def test_some_never_answer(self) -> None:
        async with open_venue() as (venue, clock), connected(venue) as client:
            venue.mute(CALL)
            assert (
                await client.subscribe(
                    ("Quote", CALL),
                    ("Quote", ".SPY261119C1"),
                    ("Quote", "NOPE"),
                    ("Greeks", "SPY"),
                    ("Candle", "SPY{=d}"),
                )
                == []
            )
            await clock.advance(2.0)
            assert await client.said() == []
            venue.heal()
            await clock.advance(1.0)
            assert data(await client.said())[0][0]["eventSymbol"] == CALL

    async def test_at_night_an_etf_stands_still_and_of_an_index_only_the_options_move(self) -> None:
        async with open_venue() as (venue, clock), connected(venue) as client:
            venue.skew(11.0 * 3600.0)
            await client.wish({"Trade": ["eventSymbol", "time"], "Quote": ["eventSymbol"]})
            spy, spx = (int(new_york("2026-11-19", at).timestamp() * 1000) for at in ("16:15", "16:00"))
            assert data(await client.subscribe(("Trade", "SPY"))) == [["Trade", ["SPY", spy]]]
            assert data(await client.subscribe(("Trade", "SPX"))) == [["Trade", ["SPX", spx]]]
            await client.subscribe(("Quote", ".SPX261120C6600"), ("Quote", "SPX"), ("Quote", CALL))
            await clock.advance(2.0)
            assert data(await client.said()) == [["Quote", [".SPX261120C6600"]]] * 2

    async def test_the_demo_level_is_late(self) -> None:
        async with open_venue() as (venue, _):
            venue.feed.level = "demo"
            async with connected(venue) as client:
                await client.wish({"Trade": ["eventSymbol", "time"]})
                late = int((THURSDAY.timestamp() - 900.0) * 1000)
                assert data(await client.subscribe(("Trade", "SPY"))) == [["Trade", ["SPY", late]]]

    async def test_a_halt(self) -> None:
        async with open_venue() as (venue, clock), connected(venue) as client:
            await client.wish({"Profile": ["eventSymbol", "tradingStatus", "statusReason"], "Quote": ["eventSymbol"]})
            came = await client.subscribe(("Profile", "SPY"), ("Quote", CALL), ("Profile", "SPX"))
            assert ["Profile", ["SPY", "ACTIVE", None]] in data(came)
            venue.feed.halt(SPY, "LUDP")
            await clock.advance(3.0)
            assert data(await client.said()) == [["Profile", ["SPY", "HALTED", "LUDP"]]]
            venue.feed.resume(SPY)
            await clock.advance(1.0)
            assert data(await client.said()) == [["Profile", ["SPY", "ACTIVE", None]], ["Quote", [CALL]]]


PRICES = {"Quote": ["eventSymbol", "bidPrice", "askPrice"], "Trade": ["eventSymbol", "price"]}


class TestHabits:
    async def test_fields_reordered_reduced_unknown(self) -> None:
        async with open_venue() as (venue, clock), connected(venue) as client:
            await client.wish(PRICES | {"Mystery": ["eventSymbol"]})
            came = await client.subscribe(("Trade", "SPX"))
            assert configs(came) == [PRICES]
            venue.feed.habits.arrange = lambda kind, asked: [*reversed(asked), "mystery"]
            await clock.advance(1.0)
            spot = venue.market.chain(SPX).spot
            config, events = await client.said()
            assert config["eventFields"]["Trade"] == ["price", "eventSymbol", "mystery"]
            assert events["data"] == ["Trade", [spot, "SPX", "NaN"]]
            venue.feed.habits.arrange = lambda kind, asked: asked[:1]
            await clock.advance(1.0)
            config, events = await client.said()
            assert (config["eventFields"]["Trade"], events["data"]) == (["eventSymbol"], ["Trade", ["SPX"]])

    async def test_config_lazy_once_repeated_and_by_type(self) -> None:
        async with open_venue() as (venue, clock), connected(venue) as client:
            await client.wish(PRICES)
            assert await client.said() == []
            await client.subscribe(("Trade", "SPX"))
            await clock.advance(1.0)
            assert configs(await client.said()) == []
            venue.feed.habits.repeats_config = True
            await clock.advance(1.0)
            assert configs(await client.said()) == [PRICES]
            venue.feed.habits.config_by_type = True
            await clock.advance(1.0)
            assert configs(await client.said()) == [{"Trade": ["eventSymbol", "price"]}]

    async def test_config_again_after_other_wishes_and_late(self) -> None:
        async with open_venue() as (venue, clock), connected(venue) as client:
            await client.wish(PRICES)
            await client.subscribe(("Trade", "SPX"))
            await client.wish({"Trade": ["price"]}, period=0.5)
            venue.feed.habits.config_late = True
            await client.said()
            await clock.advance(1.0)
            events, config = await client.said()
            assert events["data"] == ["Trade", [venue.market.chain(SPX).spot]]
            assert (config["eventFields"], config["aggregationPeriod"]) == ({"Trade": ["price"]}, 0.5)

    async def test_layouts(self) -> None:
        async with open_venue() as (venue, clock), connected(venue) as client:
            await client.wish({"Quote": ["eventSymbol"], "Trade": ["eventSymbol"]})
            venue.feed.habits.layout = "many"
            items = ("Quote", "SPX"), ("Quote", "SPY"), ("Trade", "SPX")
            assert data(await client.subscribe(*items)) == [["Quote", ["SPX"], "Quote", ["SPY"], "Trade", ["SPX"]]]
            venue.feed.habits.layout = "listed"
            (first, *_) = data(await client.subscribe(*items))
            assert first == [["Quote", ["eventSymbol"]], ["SPX"]]
            venue.feed.habits.layout = "one"
            venue.feed.habits.miscounts = True
            assert data(await client.subscribe(("Trade", "SPX"))) == [["Trade", []]]
            venue.feed.habits.miscounts = False
            venue.feed.habits.data_format = "FULL"
            assert data(await client.subscribe(("Trade", "SPX"))) == [[{"eventType": "Trade", "eventSymbol": "SPX"}]]
            venue.heal()
            await clock.advance(1.0)
            assert data(await client.said())[0] == ["Quote", ["SPX"]]

    async def test_values_that_are_none(self) -> None:
        async with open_venue() as (venue, _), connected(venue) as client:
            await client.wish(PRICES)
            venue.feed.habits.instead = {"bidPrice": "NaN", "askPrice": "Infinity"}
            assert data(await client.subscribe(("Quote", "SPX"))) == [["Quote", ["SPX", "NaN", "Infinity"]]]


class TestFaults:
    async def test_a_frame_that_is_too_big(self) -> None:
        async with open_venue() as (venue, _), connected(venue) as client:
            await client.send("KEEPALIVE", 0, padding="x" * 64_000)
            assert await client.said() == []
            await client.send("KEEPALIVE", 0, padding="x" * 65_536)
            assert await client.closed() == ([], 1009)
            assert venue.feed.longest > 65_536

    async def test_a_silent_client_is_cut_off(self) -> None:
        async with open_venue() as (venue, clock), connected(venue) as client:
            await clock.advance(50.0)
            await client.send("KEEPALIVE", 0)
            assert (await client.read()) == {"type": "KEEPALIVE", "channel": 0}
            await client.said()
            await clock.advance(59.0)
            assert all(message["type"] == "KEEPALIVE" for message in await client.said())
            await clock.advance(60.0)
            came, _ = await client.closed()
            assert came[-1] == {
                "type": "ERROR",
                "channel": 0,
                "error": "TIMEOUT",
                "message": "The timeout has been reached. The message was last received 60 seconds ago.",
            }
            assert venue.feed.heard["KEEPALIVE"] == 1

    async def test_a_server_that_forgets_to_say_anything(self) -> None:
        async with open_venue() as (venue, clock), connected(venue) as client:
            venue.feed.keeps_alive = False
            venue.mute()
            await client.subscribe(("Quote", "SPY"))
            await clock.advance(59.0)
            assert await client.said() == []

    async def test_channels_close_and_err(self) -> None:
        async with open_venue() as (venue, clock), connected(venue) as client:
            await client.wish({"Quote": ["eventSymbol"]})
            await client.subscribe(("Quote", "SPY"))
            venue.feed.fail_channels("TIMEOUT", "Too slow.")
            assert await client.read() == {"type": "ERROR", "channel": 1, "error": "TIMEOUT", "message": "Too slow."}
            await clock.advance(1.0)
            assert data(await client.said()) == [["Quote", ["SPY"]]]
            venue.feed.close_channels()
            assert await client.read() == {"type": "CHANNEL_CLOSED", "channel": 1}
            await clock.advance(1.0)
            assert await client.said() == []

    async def test_a_drop_in_the_middle_of_the_first_events(self) -> None:
        async with open_venue() as (venue, _), connected(venue) as client:
            venue.drop_each_after(7)
            await client.wish({"Quote": ["eventSymbol"], "Trade": ["eventSymbol"], "Summary": ["eventSymbol"]})
            items = [{"type": kind, "symbol": "SPY"} for kind in ("Quote", "Trade", "Summary")]
            await client.send("FEED_SUBSCRIPTION", add=items)
            came, code = await client.closed()
            assert ([message["type"] for message in came], code) == (["FEED_CONFIG", "FEED_DATA", "FEED_DATA"], 1001)
