"""What coins cost by a simulated Deribit's index, and by a simulated Yahoo where that fails."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from gextui.sources.coin_index import coin_index
from gextui.sources.failure import FetchError
from gextui.sources.yahoo_rest import SECONDS_A_CALL
from tests.support.deribit import Rig, rigged
from tests.support.rig import BTC
from tests.support.yahoo import SPY, TEN, WatchedVenue, still

Ask = Callable[[str], Awaitable[tuple[float, float]]]


@asynccontextmanager
async def asking(behind: float = 0.0) -> AsyncIterator[tuple[Ask, Rig, WatchedVenue]]:
    """Both venues; Yahoo's last price is so many seconds old."""
    async with (
        rigged(BTC, start=TEN, started=False) as deribit,
        WatchedVenue(still(SPY, start=TEN - timedelta(seconds=behind)), clock=deribit.clock) as yahoo,
        coin_index(deribit.venue.rest_url, yahoo.rest_url, deribit.clock) as ask,
    ):
        yield ask, deribit, yahoo


async def test_deribit_is_asked_and_yahoo_left_alone() -> None:
    async with asking() as (ask, deribit, yahoo):
        assert await ask("BTC") == (TEN.timestamp(), deribit.venue.exchange.books["BTC"].index_price)
        assert dict(yahoo.calls) == {}


async def test_yahoo_stands_in_where_deribit_fails_or_has_no_such_index() -> None:
    async with asking() as (ask, deribit, yahoo):
        assert await ask("ETH") == (TEN.timestamp(), 3_150.0)
        deribit.venue.answer_with(503, b"", {})
        asked = asyncio.ensure_future(ask("BTC"))
        await deribit.turn(2 * SECONDS_A_CALL, asked.done)
        assert asked.result() == (deribit.clock.now(), 98_000.0)
        assert yahoo.calls["v8/finance/chart"] == 2


@pytest.mark.parametrize(("coin", "behind"), [("DOGE", 0.0), ("BTC", 61.0)])
async def test_where_neither_has_a_price_of_now_deribits_excuse_is_given(coin: str, behind: float) -> None:
    async with asking(behind) as (ask, deribit, _):
        deribit.venue.answer_with(503, b"", {})
        with pytest.raises(FetchError, match="503"):
            await ask(coin)
