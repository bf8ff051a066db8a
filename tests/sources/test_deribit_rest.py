"""Deribit's REST calls against a simulated Deribit, and recorded answers of the real one."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gextui.simulator.http_venue import Answer
from gextui.sources.deribit_messages import Frame
from gextui.sources.deribit_rest import DeribitRest
from gextui.sources.failure import Failure, FetchError
from tests.support.deribit import Rig, rigged
from tests.support.rig import BTC, SOL


@asynccontextmanager
async def asking() -> AsyncIterator[tuple[DeribitRest, Rig, list[Frame]]]:
    frames: list[Frame] = []
    async with (
        rigged(BTC, SOL, started=False) as rig,
        DeribitRest(rig.venue.rest_url, clock=rig.clock, answered=frames.append) as rest,
    ):
        yield rest, rig, frames


def answer(rig: Rig, result: Any) -> None:
    """Have the venue answer everything so."""
    rig.venue.answer_with(200, json.dumps({"result": result}).encode(), {"Content-Type": "application/json"})


async def test_every_answer_tells_the_venues_time() -> None:
    async with asking() as (rest, rig, frames):
        await rest.instruments("BTC")
        [frame] = frames
        assert frame.sent == int(rig.clock.now() * 1e6)
        assert frame.testnet is True


async def test_instruments_and_summaries_are_of_one_currency() -> None:
    async with asking() as (rest, rig, _):
        names = await rest.instruments("USDC")
        assert sorted(names) == sorted(rig.venue.exchange.books["SOL_USDC"].names)
        summaries, unreadable = await rest.book_summary("USDC")
        assert {summary.instrument_name for summary in summaries} == set(names)
        assert unreadable == 0


async def test_index_price() -> None:
    async with asking() as (rest, rig, _):
        assert await rest.index_price("btc_usd") == rig.venue.exchange.books["BTC"].index_price
        answer(rig, {"index_price": "expired"})
        assert await rest.index_price("btc_usd") is None


async def test_volatility_index_is_fetched_page_by_page() -> None:
    async with asking() as (rest, rig, _):
        now = rig.clock.now()
        at, points = await rest.volatility_index("BTC", now - 2500 * 60, now, seconds=60)
        assert rig.venue.calls["public/get_volatility_index_data"] == 3
        assert 2500 <= len(at) <= 2501
        np.testing.assert_allclose(np.diff(at), 60.0)
        assert (points > 0).all()


async def test_pages_that_lead_nowhere_end() -> None:
    async with asking() as (rest, rig, _):
        later = int(rig.clock.now() * 1000) * 2
        answer(rig, {"data": [[int(rig.clock.now() * 1000), 1, 1, 1, 40.5]], "continuation": later})
        _, points = await rest.volatility_index("BTC", 0.0, rig.clock.now())
        assert points.tolist() == [40.5]


async def test_historical_volatility() -> None:
    async with asking() as (rest, _, _):
        at, points = await rest.historical_volatility("BTC")
        assert (np.diff(at) > 0).all()
        assert ((points > 0) & (points < 500)).all()


async def test_recorded_histories(shared: Path) -> None:
    samples = shared / "wire" / "samples" / "deribit"
    async with asking() as (rest, rig, _):
        answer(rig, json.loads((samples / "openbb_historical_volatility_result.json").read_bytes()))
        at, points = await rest.historical_volatility("BTC")
        # The first instant stands there twice.
        assert len(at) == 59
        assert (np.diff(at) == 3600.0).all()
        assert points[0] == pytest.approx(45.882391305049836)
        answer(rig, json.loads((samples / "openbb_volatility_index_data_BTC_43200_result.json").read_bytes()))
        at, points = await rest.volatility_index("BTC", 0.0, rig.clock.now(), 43200)
        assert (at[0], points[0]) == (1789300800.0, 38.89)
        assert (np.diff(at) == 43200.0).all()
        chart = json.loads((samples / "nautilus_http_get_tradingview_chart_data.json").read_bytes())
        answer(rig, chart["result"])
        at, price = await rest.candles("BTC-PERPETUAL", 0.0, 1.0, 1)
        assert (at[0], price[0], len(price)) == (1766483460.0, 87451.0, 5)


@pytest.mark.parametrize(
    ("result", "candles"),
    [({"status": "no_data"}, 0), ({"ticks": [1766483460000, 1766483520000], "open": [5.0]}, 1)],
)
async def test_candles_that_are_not_whole(result: Any, candles: int) -> None:
    async with asking() as (rest, rig, _):
        answer(rig, result)
        at, price = await rest.candles("BTC-PERPETUAL", 0.0, 1.0, 1)
        assert len(at) == len(price) == candles


@pytest.mark.parametrize("result", [None, [], 5, "text", {"ticks": 5}, {"ticks": [[]]}])
async def test_an_answer_of_another_shape_is_a_plain_sentence(result: Any) -> None:
    async with asking() as (rest, rig, _):
        answer(rig, result)
        with pytest.raises(FetchError, match="cannot be read") as caught:
            await rest.candles("BTC-PERPETUAL", 0.0, 1.0, 1)
        assert caught.value.failure is Failure.CONTENT


async def test_errors_are_read_whatever_the_status() -> None:
    async with asking() as (rest, rig, _):
        with pytest.raises(FetchError, match=r"Deribit answered not_found \(13020\)"):
            await rest.candles("NOPE-PERPETUAL", 0.0, 1.0, 1)
        rig.venue.maintenance(True)
        with pytest.raises(FetchError, match=r"^venue maintenance$"):
            await rest.instruments("BTC")


async def test_too_many_requests_closes_the_limiter(monkeypatch: pytest.MonkeyPatch) -> None:
    async with asking() as (rest, rig, _):
        error = b'{"error":{"code":10028,"message":"too_many_requests"}}'
        monkeypatch.setattr(rig.venue, "answer", lambda asked: Answer(error, 400))
        with pytest.raises(FetchError, match="limits us") as caught:
            await rest.instruments("BTC")
        assert caught.value.failure is Failure.LIMITED
        assert rest._limiter.closed_for == pytest.approx(5.0)
