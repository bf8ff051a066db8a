"""Prices and candles at Yahoo, recorded and simulated, and the interest rate made of one of them."""

import asyncio
import json
import math
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest

from gextui.simulator.yahoo import TREASURY
from gextui.sources.failure import Failure, FetchError
from gextui.sources.treasury import REFRESH_EVERY, TOO_OLD, TreasuryRate, continuous_rate
from gextui.sources.yahoo_quotes import YahooQuotes
from gextui.sources.yahoo_rest import SECONDS_A_CALL
from tests.support.clock import FakeClock
from tests.support.http_server import plain, serving
from tests.support.waiting import eventually
from tests.support.yahoo import SPX, SPY, TEN, WatchedVenue, still

_T = TypeVar("_T")


@asynccontextmanager
async def quoted() -> AsyncIterator[tuple[WatchedVenue, YahooQuotes, FakeClock]]:
    clock = FakeClock(now=TEN.timestamp())
    async with (
        WatchedVenue(still(SPY, SPX), clock=clock) as venue,
        YahooQuotes(venue.rest_url, clock=clock) as quotes,
    ):
        yield venue, quotes, clock


async def in_turn(clock: FakeClock, asking: Coroutine[Any, Any, _T]) -> _T:
    """What comes of it once its turn has come."""
    await clock.advance(SECONDS_A_CALL)
    return await asking


def recorded(shared: Path, name: str) -> tuple[bytes, dict[str, Any]]:
    """A recorded chart, as it was sent and as it reads."""
    body = json.loads((shared / f"wire/samples/yahoo/chart-{name}.json").read_text())["response"]["bodyJson"]
    return json.dumps(body).encode(), body["chart"]["result"][0]


class TestQuotes:
    async def test_coins_shares_and_indices(self) -> None:
        async with quoted() as (venue, quotes, clock):
            coin = await quotes.quote("BTC-USD")
            assert (coin.symbol, coin.price, coin.at) == ("BTC-USD", 98_000.0, TEN)
            assert (await in_turn(clock, quotes.quote("ETH-USD"))).price == 3_150.0
            assert (await in_turn(clock, quotes.quote("SPY"))).price == venue.market.chain(SPY).spot
            # Neither cookie nor crumb was asked for.
            assert dict(venue.calls) == {"v8/finance/chart": 3}

    async def test_candles_with_a_hole(self) -> None:
        async with quoted() as (_, quotes, _):
            candles = await quotes.candles("BTC-USD", interval="5m", span="1d")
        assert np.diff(candles.at).tolist() == [300.0] * 4
        assert np.isnan(candles.close).tolist() == [False, True, False, False, False]
        assert candles.close[-1] == 98_000.0

    async def test_an_unknown_symbol(self) -> None:
        async with quoted() as (_, quotes, _):
            with pytest.raises(FetchError) as caught:
                await quotes.quote("NOSUCH")
        assert caught.value.failure is Failure.CONTENT
        assert str(caught.value) == "Yahoo charts no NOSUCH: No data found, symbol may be delisted"

    @pytest.mark.parametrize(
        ("name", "symbol", "price", "at"),
        [
            ("BTC-USD-2020-01-01-to-2020-01-03", "BTC-USD", 97208.17, 1740051840),
            ("QQQ-2020-01-01-to-2020-01-03", "QQQ", 539.52, 1739998800),
            ("AAPL-2020-08-31-to-2020-11-07", "AAPL", 244.87, 1739998801),
            ("AAPL-2025-02-01-to-2025-02-02-includePrePost-false-interval-1m", "AAPL", 244.87, 1739998801),
        ],
    )
    async def test_recorded_charts(self, shared: Path, name: str, symbol: str, price: float, at: int) -> None:
        body, result = recorded(shared, name)
        clock = FakeClock()
        async with serving(plain(body=body)) as server, YahooQuotes(server.url, clock=clock) as quotes:
            quote = await quotes.quote(symbol)
            candles = await in_turn(clock, quotes.candles(symbol))
        assert (quote.price, quote.at.timestamp()) == (price, at)
        times, [columns] = result.get("timestamp", []), result["indicators"]["quote"]
        assert candles.at.tolist() == times
        for column in ("open", "high", "low", "close", "volume"):
            assert getattr(candles, column).tolist() == columns.get(column, [])

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"null",
            b"[]",
            b'{"chart":{"result":[],"error":null}}',
            b'{"chart":{"result":[{"meta":{"symbol":"SPY"}}]}}',
            b'{"chart":{"result":[{"meta":{"symbol":"SPY","regularMarketPrice":0,"regularMarketTime":1739998801}}]}}',
            b'{"chart":{"result":[{"meta":{"symbol":"SPY","regularMarketPrice":"N/A","regularMarketTime":1}}]}}',
            b'{"chart":{"result":[{"meta":{"symbol":"QQQ","regularMarketPrice":1,"regularMarketTime":1739998801}}]}}',
        ],
    )
    async def test_what_is_no_price(self, body: bytes) -> None:
        async with serving(plain(body=body)) as server, YahooQuotes(server.url) as quotes:
            with pytest.raises(FetchError) as caught:
                await quotes.quote("SPY")
        assert caught.value.failure is Failure.CONTENT


class TestTreasuryRate:
    @pytest.mark.parametrize("percent", [0.03, 1.5, 3.85, 4.3, 5.35, 15.0])
    def test_is_the_continuous_yield_of_a_bill(self, percent: float) -> None:
        discount = percent / 100.0
        bond_equivalent = 365.0 * discount / (360.0 - 91.0 * discount)
        expected = math.log(1.0 + bond_equivalent * 91.0 / 365.0) * 365.0 / 91.0
        assert continuous_rate(discount) == pytest.approx(expected, rel=1e-13)

    def test_to_the_digit(self) -> None:
        # Computed at 50 digits: -ln(1 - 0.043 * 91 / 360) * 365 / 91.
        assert continuous_rate(0.043) == pytest.approx(0.04383589206272091, rel=1e-15)

    async def test_is_the_fallback_until_it_is_known_and_then_asked_for_hourly(self) -> None:
        async with quoted() as (venue, quotes, clock):
            rate = TreasuryRate(quotes, fallback=0.041, clock=clock)
            assert (rate(), rate.age, rate.reading) == (0.041, None, None)
            assert rate.words == "4.10% from the configuration"
            keeping = asyncio.create_task(rate.keep())
            await eventually(lambda: rate.reading is not None)
            assert rate() == continuous_rate(0.0385)
            assert rate.words == "3.92% from ^IRX of 2026-11-20 15:00 UTC"
            assert rate.age == 0.0
            venue.prices[TREASURY] = 4.0
            await clock.advance(REFRESH_EVERY - 1.0)
            assert venue.calls["v8/finance/chart"] == 1
            assert rate.age == REFRESH_EVERY - 1.0
            await clock.advance(2.0)
            await eventually(lambda: rate() == continuous_rate(0.04))
            keeping.cancel()

    async def test_what_no_bill_yields_is_not_believed(self) -> None:
        async with quoted() as (venue, quotes, clock):
            venue.prices[TREASURY] = 385.0
            rate = TreasuryRate(quotes, fallback=0.041, clock=clock)
            keeping = asyncio.create_task(rate.keep())
            await eventually(lambda: bool(rate.status().detail))
            assert rate() == 0.041
            assert rate.words == "4.10% from the configuration (Yahoo gives 385 % for ^IRX, which no bill yields)"
            keeping.cancel()

    async def test_an_old_reading_gives_way_to_the_fallback(self) -> None:
        async with quoted() as (_, quotes, clock):
            rate = TreasuryRate(quotes, fallback=0.041, clock=clock)
            keeping = asyncio.create_task(rate.keep())
            await eventually(lambda: rate.reading is not None)
            keeping.cancel()
            at = datetime.fromtimestamp(clock.now(), UTC)
            clock.step_wall(TOO_OLD)
            assert rate() == continuous_rate(0.0385)
            clock.step_wall(1.0)
            assert rate() == 0.041
            assert rate.reading is not None
            assert rate.reading.at - at == timedelta(0)
