"""A simulated Bybit: the shapes of captures, the numbers of its market, and limits and faults of its own."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import numpy as np
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from gextui.market.ticker import KNOWN_TICKERS
from gextui.pricing.black import black76
from gextui.simulator.bybit import PUBLISHED, BybitVenue, Limits
from gextui.simulator.bybit_rows import display_name, symbol_name
from gextui.simulator.http_venue import Market, RecordedMarket
from gextui.simulator.market import SimulatedMarket
from gextui.sources.symbols import parse_names
from tests.simulator.test_deribit_shapes import assert_alike
from tests.support.clock import FakeClock
from tests.support.waiting import eventually

START = datetime(2026, 11, 20, 7, 40, tzinfo=UTC)
"""A Friday, twenty minutes before an expiry."""
SIMULATED = ("retExtInfo.simulated",)
"""What an answer of the real venue's does not say."""
_WITHIN = 10.0

Message = dict[str, Any]


class Client:
    """Sends requests and keeps what comes in between."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.came: list[Message] = []

    async def read(self) -> Message:
        async with asyncio.timeout(_WITHIN):
            message: Message = json.loads(await self.socket.recv())
        return message

    async def ask(self, op: str, *args: str) -> Message:
        """The answer to a request."""
        await self.socket.send(json.dumps({"req_id": "1", "op": op, "args": args}))
        while "topic" in (message := await self.read()):
            self.came.append(message)
        return message

    async def subscribe(self, *topics: str) -> Message:
        """Which of the topics succeeded and which failed."""
        data: Message = (await self.ask("subscribe", *topics))["data"]
        return data

    async def said(self) -> list[Message]:
        """What was pushed up to the answer to a ping sent now."""
        await self.ask("ping")
        came, self.came = self.came, []
        return came


@asynccontextmanager
async def open_venue(
    *symbols: str, market: Market | None = None, limits: Limits = PUBLISHED
) -> AsyncIterator[tuple[BybitVenue, FakeClock]]:
    market = market or SimulatedMarket(7, START, [KNOWN_TICKERS[symbol] for symbol in symbols or ("BTC",)])
    clock = FakeClock(now=market.now.timestamp())
    async with BybitVenue(market, clock=clock, limits=limits) as venue:
        yield venue, clock


@asynccontextmanager
async def connected(venue: BybitVenue) -> AsyncIterator[Client]:
    url = f"{venue.ws_url}/v5/public/option"
    async with connect(url, proxy=None, ping_interval=None, close_timeout=0.2, max_size=2**26) as socket:
        yield Client(socket)


async def get(venue: BybitVenue, path: str) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False, timeout=_WITHIN) as client:
        return await client.get(f"{venue.rest_url}/v5/{path}")


async def result(venue: BybitVenue, path: str) -> Any:
    answer = (await get(venue, path)).json()
    assert answer["retCode"] == 0, answer
    return answer["result"]


async def refusal(venue: BybitVenue, path: str) -> tuple[int, int, str]:
    response = await get(venue, path)
    answer = response.json()
    return response.status_code, answer["retCode"], answer["retMsg"]


def symbols_of(venue: BybitVenue, coin: str = "BTC") -> list[str]:
    return venue.exchange.books[coin].symbols


@pytest.fixture
def samples(shared: Path) -> Path:
    folder = shared / "wire" / "samples" / "bybit"
    if not folder.is_dir():
        pytest.skip("the captures are not here")
    return folder


def load(path: Path) -> Any:
    return json.loads(path.read_text())


class TestShapes:
    async def test_instruments(self, samples: Path) -> None:
        async with open_venue() as (venue, _):
            served = (await get(venue, "market/instruments-info?category=option&baseCoin=BTC")).json()
        assert_alike([served], [load(samples / "docs_instruments_info_option.json")], without=SIMULATED)
        rows = served["result"]["list"]
        assert_alike(rows, [load(samples / "oggregator_rest_instrument_option_USDT_row.json")])

    async def test_tickers(self, samples: Path) -> None:
        async with open_venue() as (venue, _):
            served = (await get(venue, "market/tickers?category=option&baseCoin=BTC")).json()
        assert_alike([served], [load(samples / "docs_tickers_option_rest.json")], without=SIMULATED)
        assert_alike(served["result"]["list"], [load(samples / "oggregator_rest_ticker_option_USDT_row.json")])

    async def test_pushes_answers_and_pongs(self, samples: Path) -> None:
        async with open_venue() as (venue, _), connected(venue) as client:
            answer = await client.ask("subscribe", f"tickers.{symbols_of(venue)[0]}")
            assert_alike([answer], [load(samples / "docs_ws_option_subscribe_response.json")])
            (push,) = await client.said()
            assert_alike([push], [load(samples / "oggregator_ws_ticker_option_USDT_live_2026-03-20.json")])
            assert_alike([await client.ask("ping")], [load(samples / "docs_ws_option_pong.json")])

    async def test_trades(self, samples: Path) -> None:
        captured = next(
            message
            for message in load(samples / "tardis_bybit_options_ws_messages_2023.json")
            if message["topic"].startswith("publicTrade")
        )
        async with open_venue() as (venue, clock), connected(venue) as client:
            await client.subscribe("publicTrade.BTC")
            await clock.advance(20.0)
            pushes = await client.said()
        assert_alike(pushes, [captured])
        trades = [trade for push in pushes for trade in push["data"]]
        assert_alike(trades, captured["data"])
        assert len({trade["i"] for trade in trades}) == len(trades) > 0

    async def test_maintenance(self, samples: Path) -> None:
        captured = load(samples / "docs_ws_system_status.json")["data"]
        async with open_venue() as (venue, _):
            venue.maintenance(True)
            rows = (await result(venue, "system/status"))["list"]
        assert_alike(rows, captured)


class TestRest:
    async def test_symbols_are_those_of_the_wire(self) -> None:
        at = datetime(2026, 3, 27, 8, tzinfo=UTC).timestamp()
        assert symbol_name("BTC", at, 70000.0, False) == "BTC-27MAR26-70000-P-USDT"
        assert symbol_name("XRP", at, 1.25, True) == "XRP-27MAR26-1.25-C-USDT"
        assert display_name("BTC-27MAR26-70000-P-USDT") == "BTCUSDT-27MAR26-70000-P"
        async with open_venue("XRP") as (venue, _):
            contracts = parse_names(symbols_of(venue, "XRP"))
            chain = venue.exchange.books["XRP"].chain
        assert set(contracts.reason) == {""}
        np.testing.assert_array_equal(contracts.strike, chain.strike)
        np.testing.assert_array_equal(contracts.expiry, chain.expiries[chain.expiry])
        np.testing.assert_array_equal(contracts.is_call, chain.is_call)

    async def test_instruments_come_in_pages_whose_cursors_are_encoded_already(self) -> None:
        async with open_venue() as (venue, _):
            path, seen, pages, cursor = "market/instruments-info?category=option&baseCoin=BTC&limit=300", [], 0, ""
            while True:
                page = await result(venue, path + (f"&cursor={cursor}" if cursor else ""))
                seen += [row["symbol"] for row in page["list"]]
                pages += 1
                cursor = page["nextPageCursor"]
                if not cursor:
                    break
                assert "%3D" in cursor
                assert unquote(cursor).startswith("lastid=")
                wrong = cursor.replace("%", "%25")
                assert await refusal(venue, f"{path}&cursor={wrong}") == (200, 10001, "Illegal cursor")
            assert seen == symbols_of(venue)
            assert pages == -(-len(seen) // 300)
            assert len((await result(venue, path.replace("&limit=300", "")))["list"]) == 500
            assert await refusal(venue, path.replace("300", "1001")) == (200, 10001, "Illegal limit")
            assert (await result(venue, path.replace("BTC", "DOGE")))["list"] == []

    async def test_tickers_are_the_markets(self) -> None:
        market = SimulatedMarket(7, START, [KNOWN_TICKERS["BTC"]])
        chain = market.chain(KNOWN_TICKERS["BTC"])
        async with open_venue(market=RecordedMarket(chain)) as (venue, _):
            rows = (await result(venue, "market/tickers?category=option&baseCoin=BTC"))["list"]
            one = await result(venue, f"market/tickers?category=option&symbol={rows[3]['symbol']}")
            day = rows[0]["symbol"].split("-")[1]
            front = (await result(venue, f"market/tickers?category=option&baseCoin=BTC&expDate={day}"))["list"]
            assert await refusal(venue, "market/tickers?category=option") == (
                200,
                10001,
                "params error: symbol or baseCoin is mandatory",
            )
            assert (await refusal(venue, "market/tickers?category=spot&baseCoin=BTC"))[1] == 10001
        assert one["list"] == [rows[3]]
        assert len(front) == np.count_nonzero(chain.expiry == 0)

        def column(key: str) -> Any:
            return np.array([float(row[key]) for row in rows])

        np.testing.assert_allclose(column("markIv"), chain.iv, rtol=1e-12)
        np.testing.assert_allclose(column("openInterest"), chain.open_interest, rtol=1e-12)
        np.testing.assert_allclose(column("volume24h"), chain.volume, rtol=1e-12)
        np.testing.assert_allclose(column("underlyingPrice"), chain.forwards[chain.expiry], atol=1e-8)
        assert set(column("indexPrice")) == {chain.spot}
        bid, ask = column("bid1Price"), column("ask1Price")
        quoted = np.isfinite(chain.bid) & (chain.bid >= 5.0)
        assert ((bid % 5.0 == 0) & (ask % 5.0 == 0)).all()
        assert ((bid > 0) == quoted).all()
        assert (bid[quoted] <= chain.bid[quoted] + 1e-6).all()
        assert (ask >= chain.ask - 1e-6).all()
        assert column("ask1Iv").max() <= 5.0
        assert not any("e" in text for row in rows for key, text in row.items() if key != "symbol")
        years = (chain.expiries[chain.expiry] - START.timestamp()) / (365 * 86400)
        greeks = black76(column("underlyingPrice"), chain.strike, years, column("markIv"), chain.is_call)
        np.testing.assert_allclose(column("gamma"), greeks.gamma, atol=6e-9)
        np.testing.assert_allclose(column("markPrice"), greeks.value, atol=6e-9)

    async def test_the_perpetual_tells_what_the_coin_cost_a_day_ago(self) -> None:
        async with open_venue() as (venue, clock):
            await clock.advance(60.0)
            (row,) = (await result(venue, "market/tickers?category=linear&symbol=BTCUSDT"))["list"]
            assert (await refusal(venue, "market/tickers?category=linear&symbol=NOUSDT"))[1] == 10001
        assert 0.7 < float(row["prevPrice24h"]) / float(row["indexPrice"]) < 1.4
        assert row["prevPrice24h"] != row["indexPrice"]

    async def test_what_expires_is_delivering_for_a_moment_and_then_gone(self) -> None:
        async with open_venue() as (venue, _):
            before = symbols_of(venue)
            venue.expire_next()
            gone = set(before) - set(symbols_of(venue))
            path = "market/instruments-info?category=option&baseCoin=BTC&limit=1000"
            rows = (await result(venue, path))["list"]
            assert {row["symbol"] for row in rows if row["status"] == "Delivering"} == gone
            tickers = (await result(venue, "market/tickers?category=option&baseCoin=BTC"))["list"]
            assert gone.isdisjoint(row["symbol"] for row in tickers)
            venue.list_new()
            assert len(symbols_of(venue)) == len(before) - len(gone) + 2

    async def test_errors_are_codes_in_an_envelope(self) -> None:
        async with open_venue() as (venue, _):
            assert await refusal(venue, "market/nothing") == (404, 10017, "Route not found")
            venue.fail(10006, "Too many visits!", 2)
            for _ in range(2):
                response = await get(venue, "market/tickers?category=option&baseCoin=BTC")
                assert (response.status_code, response.json()["retCode"]) == (200, 10006)
                assert int(response.headers["X-Bapi-Limit-Reset-Timestamp"]) > START.timestamp() * 1000
            assert (await get(venue, "market/time")).json()["retCode"] == 0
            venue.fail(10009, "The region is restricted")
            assert await refusal(venue, "market/time") == (200, 10009, "The region is restricted")
            assert venue.calls["v5/market/time"] == 2

    async def test_too_many_requests_are_forbidden(self) -> None:
        async with open_venue(limits=replace(PUBLISHED, visits=(2.0, 1.0))) as (venue, clock):
            statuses = [(await get(venue, "market/time")).status_code for _ in range(3)]
            assert statuses == [200, 200, 403]
            await clock.advance(1.0)
            venue.ban()
            response = await get(venue, "market/time")
            assert (response.status_code, response.text) == (403, "access too frequent")
            with pytest.raises(InvalidStatus):
                async with connected(venue):
                    pass
            venue.heal()
            assert (await get(venue, "market/time")).status_code == 200


class TestWebSocket:
    async def test_a_subscriber_is_told_at_once_and_with_each_step(self) -> None:
        async with open_venue() as (venue, clock), connected(venue) as client:
            first, second = (f"tickers.{symbol}" for symbol in symbols_of(venue)[:2])
            answer = await client.ask("subscribe", first, second, "tickers.BTC-1JAN20-1-C-USDT", "depth.BTC")
            assert answer["type"] == "COMMAND_RESP"
            assert answer["success"] is True
            assert answer["data"] == {
                "successTopics": [first, second],
                "failTopics": ["tickers.BTC-1JAN20-1-C-USDT", "depth.BTC"],
            }
            said = await client.said()
            assert [push["topic"] for push in said] == [first, second]
            assert said[0]["ts"] == int(START.timestamp() * 1000)
            await clock.advance(1.0)
            said = await client.said()
            assert [(push["topic"], push["type"]) for push in said] == [(first, "snapshot"), (second, "snapshot")]
            assert said[0]["ts"] == int(START.timestamp() * 1000) + 1000
            assert said[0]["data"] == venue.exchange.pushed(symbols_of(venue)[0])
            assert (await client.ask("unsubscribe", first, "never"))["data"] == {
                "successTopics": [first],
                "failTopics": ["never"],
            }
            await clock.advance(1.0)
            assert {push["topic"] for push in await client.said()} == {second}
            assert await client.subscribe(second) == {"successTopics": [], "failTopics": [second]}

    async def test_wrong_names_are_accepted_and_silent(self) -> None:
        async with open_venue() as (venue, clock), connected(venue) as client:
            wrong = ["tickers.BTC", f"tickers.{display_name(symbols_of(venue)[0])}"]
            assert await client.subscribe(*wrong) == {"successTopics": wrong, "failTopics": []}
            await clock.advance(3.0)
            assert await client.said() == []
            venue.exchange.names_as_displayed = True
            rows = (await result(venue, "market/instruments-info?category=option&baseCoin=BTC"))["list"]
            assert f"tickers.{rows[0]['symbol']}" == wrong[1]

    async def test_data_can_come_before_the_answer(self) -> None:
        async with open_venue() as (venue, _), connected(venue) as client:
            venue.data_first = True
            topic = f"tickers.{symbols_of(venue)[0]}"
            await client.socket.send(json.dumps({"req_id": "1", "op": "subscribe", "args": [topic]}))
            assert [(await client.read()).get("topic") for _ in range(2)] == [topic, None]

    async def test_limits_are_of_a_connection(self) -> None:
        async with open_venue("BTC", "ETH", "SOL") as (venue, _), connected(venue) as client:
            topics = [f"tickers.{symbol}" for coin in ("BTC", "ETH", "SOL") for symbol in symbols_of(venue, coin)]
            held, asked = 0, 0
            while True:
                few = topics[asked : asked + 100]
                answer = await client.ask("subscribe", *few)
                client.came.clear()
                if answer["success"] is False:
                    break
                held, asked = held + sum(map(len, few)), asked + 100
            assert answer["op"] == "subscribe"
            assert answer["ret_msg"].endswith("over limit 21000")
            assert held <= 21_000 < held + sum(map(len, few))
            assert 500 <= asked <= 700
            async with connected(venue) as other:
                answer = await other.ask("subscribe", *("t" for _ in range(2001)))
                assert answer["ret_msg"] == "args size: 2001, over limit 2000"

    async def test_without_a_ping_it_is_cut_without_a_word(self) -> None:
        async with open_venue() as (venue, clock), connected(venue) as client:
            for _ in range(3):
                await clock.advance(25.0)
                assert (await client.ask("ping"))["op"] == "pong"
            # Pings of the protocol do not count.
            await (await client.socket.ping())
            await clock.advance(29.0)
            assert len(venue.sessions) == 1
            await clock.advance(1.0)
            await eventually(lambda: not venue.sessions, "the end of the session")
            with pytest.raises(ConnectionClosed) as closed:
                await client.read()
            assert closed.value.rcvd is None
            assert venue.pings == 3

    async def test_what_it_cannot_read_is_an_error(self) -> None:
        async with open_venue() as (venue, _), connected(venue) as client:
            await client.socket.send("no json")
            assert (await client.read())["success"] is False
            assert (await client.ask("dance"))["ret_msg"] == "Params Error"


class TestFaults:
    async def test_refused_topics_fail(self) -> None:
        async with open_venue() as (venue, _), connected(venue) as client:
            topic = f"tickers.{symbols_of(venue)[0]}"
            venue.refuse(topic)
            assert await client.subscribe(topic) == {"successTopics": [], "failTopics": [topic]}
            venue.heal()
            assert await client.subscribe(topic) == {"successTopics": [topic], "failTopics": []}

    async def test_maintenance_is_silence_and_is_told_of(self) -> None:
        async with open_venue() as (venue, clock), connected(venue) as client:
            await client.subscribe(f"tickers.{symbols_of(venue)[0]}")
            await client.said()
            venue.maintenance(True)
            await clock.advance(2.0)
            assert await client.said() == []
            assert (await refusal(venue, "market/time"))[1] == 10016
            (row,) = (await result(venue, "system/status"))["list"]
            assert (row["state"], row["product"]) == ("ongoing", [3])
            venue.heal()
            (row,) = (await result(venue, "system/status"))["list"]
            assert row["state"] == "completed"
            await clock.advance(1.0)
            assert len(await client.said()) == 1

    async def test_a_replay_says_what_was_true(self) -> None:
        async with open_venue() as (venue, clock), connected(venue) as client:
            topic = f"tickers.{symbols_of(venue)[0]}"
            venue.replay()
            await clock.advance(20.0)
            await client.subscribe(topic)
            await clock.advance(1.0)
            assert {push["ts"] for push in await client.said()} == {int(START.timestamp() * 1000)}
            venue.heal()
            await clock.advance(1.0)
            assert {push["ts"] for push in await client.said()} == {int(START.timestamp() * 1000) + 22_000}

    async def test_pushes_come_twice_or_in_disorder(self) -> None:
        async with open_venue() as (venue, clock), connected(venue) as client:
            await client.subscribe(f"tickers.{symbols_of(venue)[0]}")
            await client.said()
            venue.duplicate()
            await clock.advance(1.0)
            one, two = await client.said()
            assert one == two
            venue.heal()
            venue.shuffle()
            await clock.advance(2.0)
            later, earlier = await client.said()
            assert later["ts"] == earlier["ts"] + 1000

    async def test_a_flood_keeps_its_rate_over_all_topics(self) -> None:
        async with open_venue() as (venue, clock), connected(venue) as client:
            topics = [f"tickers.{symbol}" for symbol in symbols_of(venue)[:50]]
            await client.subscribe("publicTrade.BTC", *topics)
            await client.said()
            venue.flood(1000.0)
            await clock.advance(2.0)
            said = await client.said()
            assert 1900 <= len(said) <= 2000
            counts = [sum(push["topic"] == topic for push in said) for topic in topics]
            assert max(counts) - min(counts) <= 1
            assert len({push["ts"] for push in said}) >= 90
            assert said[-1]["data"]["symbol"] == said[-1]["topic"].removeprefix("tickers.")
            venue.heal()
            await clock.advance(1.0)
            assert len([push for push in await client.said() if push["topic"] in topics]) == 50

    async def test_tickers_can_lack_a_number(self) -> None:
        async with open_venue() as (venue, _):
            venue.exchange.lacking = {"volume24h"}
            rows = (await result(venue, "market/tickers?category=option&baseCoin=BTC"))["list"]
            assert all("volume24h" not in row for row in rows)
            assert "volume24h" not in (venue.exchange.pushed(rows[0]["symbol"]) or {})
