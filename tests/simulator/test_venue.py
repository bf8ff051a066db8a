"""What every simulated venue shares: its clock, and recorded chains instead of a made-up market."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from gextui.market.chain import OptionChain
from gextui.market.ticker import KNOWN_TICKERS
from gextui.simulator.deribit import DeribitVenue
from gextui.simulator.http_venue import RecordedMarket, SimulatedClock
from gextui.sources.deribit_messages import decode_book_summary
from gextui.sources.files import read_chains
from tests.simulator.talking import START, get, open_venue, result
from tests.support.clock import FakeClock

NOW = int(START.timestamp() * 1000)


class TestClock:
    async def test_time_runs_as_fast_as_it_is_told(self) -> None:
        clock = FakeClock(now=0.0)
        simulated = SimulatedClock(clock, START.timestamp(), 10.0)
        await clock.advance(6.0)
        assert (simulated.now(), simulated.seconds()) == (START.timestamp() + 60.0, clock.seconds())

    async def test_a_fast_venue_steps_its_market_and_says_so(self) -> None:
        market = RecordedMarket(a_chain())
        clock = FakeClock()
        async with DeribitVenue(market, clock=clock, speed=60.0) as venue:
            await clock.advance(2.0)
            assert await result(venue, "get_time") == NOW + 120_000

    async def test_what_goes_wrong_in_the_market_is_not_swallowed(self) -> None:
        class Broken(RecordedMarket):
            def step(self, seconds: float) -> None:
                raise ArithmeticError("no such price")

        with pytest.raises(ArithmeticError, match="no such price"):
            async with open_venue(market=Broken(a_chain())) as (_, clock):
                await clock.advance(1.0)


def a_chain() -> OptionChain:
    """A recorded chain with an inverse and a linear root, and gaps."""
    return OptionChain.from_rows(
        ticker=KNOWN_TICKERS["BTC"],
        source="recorded",
        as_of=START,
        spot=98_000.0,
        root=["BTC", "BTC", "BTC_USDC", "BTC_USDC"],
        expiry=[datetime(2026, 12, 25, 8, tzinfo=UTC).timestamp()] * 4,
        strike=[100_000.0, 100_000.0, 100_000.0, 100_000.0],
        is_call=[True, False, True, False],
        iv=[0.5, 0.51, 0.5, np.nan],
        open_interest=[10.0, 20.0, 30.0, np.nan],
        volume=[1.0, 0.0, 2.0, np.nan],
        bid=[4900.0, np.nan, 5000.0, np.nan],
        ask=[5100.0, 7000.0, 5200.0, np.nan],
        multiplier=[1.0] * 4,
    )


class TestRecorded:
    async def test_a_recorded_chain_is_served_each_root_in_its_currency(self) -> None:
        async with open_venue(market=RecordedMarket(a_chain())) as (venue, clock):
            await clock.advance(5.0)
            inverse = await result(venue, "get_book_summary_by_currency", currency="BTC", kind="option")
            assert {row["instrument_name"]: row["bid_price"] for row in inverse} == {
                "BTC-25DEC26-100000-C": 0.05,
                "BTC-25DEC26-100000-P": None,
            }
            linear = {
                row["instrument_name"]: row
                for row in await result(venue, "get_book_summary_by_currency", currency="USDC", kind="option")
            }
            assert linear["BTC_USDC-25DEC26-100000-C"]["bid_price"] == 5000.0
            bare = linear["BTC_USDC-25DEC26-100000-P"]
            assert [bare[key] for key in ("mark_iv", "mark_price", "open_interest", "ask_price")] == [None] * 4
            assert venue.connects == 0

    async def test_a_chain_of_the_collectors_survives_the_journey(self, shared: Path) -> None:
        newest = max((shared / "data" / "deribit" / "snapshots").glob("deribit_options_*.csv"))
        chain = read_chains(newest, tickers=["BTC"])[-1]
        async with open_venue(market=RecordedMarket(chain)) as (venue, _):
            body = (await get(venue, "get_book_summary_by_currency", currency="BTC", kind="option")).content
            (capture,) = decode_book_summary(body)
            assert len(capture.rows) == np.count_nonzero(chain.root == chain.roots.index("BTC"))
            assert np.nansum(capture.rows.open_interest) == pytest.approx(np.nansum(chain.open_interest))
