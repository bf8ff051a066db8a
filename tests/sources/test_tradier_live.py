"""The live Tradier source against a simulated Tradier: its chains are the venue's market, and it keeps to hours."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest

from gextui.market.chain import OptionChain
from gextui.market.ticker import Ticker, ticker_for
from gextui.secrets import Secret
from gextui.simulator.http_venue import RecordedMarket
from gextui.sources.source import Adjustable, Refreshable, SourceState
from gextui.sources.tradier_live import NO_TOKEN, TradierSource
from tests.support.clock import FakeClock
from tests.support.rig import FewExpiries, still_market
from tests.support.tradier import SPX, SPY, THURSDAY, new_york, rigged

State = SourceState
NOPE = ticker_for("NOPE")


still = partial(still_market, start=THURSDAY)


def small(*tickers: Ticker, start: object = THURSDAY) -> FewExpiries:
    """Two expiries, for tests that turn for long."""
    return FewExpiries(3, start, tickers)  # type: ignore[arg-type]


def same_numbers(chain: OptionChain, truth: OptionChain) -> None:
    for column in ("expiries", "strike", "is_call", "root", "expiry", "multiplier", "volume"):
        np.testing.assert_array_equal(getattr(chain, column), getattr(truth, column), err_msg=column)
    for column in ("iv", "bid", "ask"):
        np.testing.assert_allclose(getattr(chain, column), getattr(truth, column), rtol=1e-12, err_msg=column)
    np.testing.assert_array_equal(chain.open_interest, np.floor(truth.open_interest))


class TestFirstRound:
    async def test_connects_until_there_is_a_chain_though_the_market_is_closed(self) -> None:
        made = asyncio.Event()

        async def slowly(work: Callable[..., Any], *arguments: Any) -> Any:
            await made.wait()
            return work(*arguments)

        saturday = new_york("2026-11-21", "12:00")
        async with rigged(SPX, SPY, market=small(SPX, SPY, start=saturday), start=saturday) as rig:
            with patch("asyncio.to_thread", slowly):
                await rig.turn(30.0)
                book = rig.source._books[SPX]
                assert (book.unread, book.read) == ((), (2, 2))
                assert [rig.said(ticker)[0] for ticker in (SPX, SPY)] == [State.CONNECTING] * 2
                assert not rig.chains[SPX]
                made.set()
                await rig.turn(30.0, lambda: rig.chains[SPY])
            assert [rig.said(ticker)[0] for ticker in (SPX, SPY)] == [State.CLOSED] * 2


class TestChains:
    @pytest.mark.parametrize("ticker", [SPX, SPY], ids=lambda ticker: ticker.symbol)
    async def test_are_the_venues_market(self, ticker: Ticker) -> None:
        market = still(ticker)
        async with rigged(ticker, market=market) as rig:
            await rig.read()
            chain, truth = rig.newest(ticker), market.chain(ticker)
        assert (chain.ticker, chain.source, chain.rate, chain.delay) == (ticker, "tradier", 0.04, 0.0)
        assert chain.roots == truth.roots
        assert chain.total == len(chain) == len(truth)
        assert (chain.spot, chain.previous_close) == (truth.spot, truth.previous_close)
        assert chain.as_of == THURSDAY
        assert (dict(chain.dropped), chain.notes) == ({}, ())
        same_numbers(chain, truth)

    async def test_am_and_pm_of_one_day_come_in_one_answer_and_are_two_expiries(self) -> None:
        async with rigged(SPX) as rig:
            await rig.read()
            chain = rig.newest(SPX)
        morning, afternoon = (new_york("2026-11-20", at).timestamp() for at in ("09:30", "16:00"))
        for instant, root in ((morning, "SPX"), (afternoon, "SPXW")):
            rows = chain.expiries[chain.expiry] == instant
            assert rows.any()
            assert {chain.roots[each] for each in chain.root[rows]} == {root}

    async def test_are_marked_as_simulated_on_loopback(self) -> None:
        async with rigged() as rig:
            await rig.read()
            assert rig.newest(SPY).simulated

    def test_the_sandbox_is_delayed(self) -> None:
        for host, delay in (("sandbox.tradier.com", 900.0), ("api.tradier.com", 0.0)):
            source = TradierSource([SPY], rest_url=f"https://{host}/v1", token=Secret("a-token"), rate=lambda: 0.0)
            assert source._delay == delay


class TestSchedule:
    async def test_a_round_every_ten_minutes_and_one_at_the_close(self) -> None:
        start = new_york("2026-11-19", "15:20")
        async with rigged(market=small(SPY, start=start), start=start) as rig:
            await rig.until("2026-11-19", "15:35")
            assert rig.rounds() == 2
            assert rig.said() == (State.LIVE, "next fetch 15:40 New York")
            await rig.until("2026-11-19", "15:59:50")
            assert rig.rounds() == 4
            await rig.until("2026-11-19", "16:05")
            assert rig.rounds() == 5
            assert rig.newest(SPY).as_of == new_york("2026-11-19", "16:00")
            assert rig.said() == (State.CLOSED, "market closed; next fetch 09:30 New York on Friday")
            calls = rig.venue.calls["options/chains"]
            await rig.until("2026-11-20", "09:29")
            assert rig.venue.calls["options/chains"] == calls
            assert rig.said() == (State.CLOSED, "market closed; next fetch 09:30 New York")
            await rig.until("2026-11-20", "09:30:10")
            assert rig.rounds() == 6
            assert rig.said()[0] is State.LIVE

    async def test_k6_the_half_day_ends_at_one(self) -> None:
        start = new_york("2026-11-27", "12:48")
        async with rigged(market=small(SPY, start=start), start=start) as rig:
            await rig.until("2026-11-27", "13:05")
            assert rig.rounds() == 3
            assert rig.said() == (State.CLOSED, "market closed; next fetch 09:30 New York on Monday")

    async def test_k8_a_weekend_of_sixty_hours(self) -> None:
        start = new_york("2026-11-20", "15:55")
        market = RecordedMarket(small(SPY, start=start).chain(SPY))  # one that moves takes longer
        async with rigged(market=market, start=start, every=3600.0) as rig:
            await rig.until("2026-11-20", "16:10")
            rounds, chains = rig.rounds(), rig.venue.calls["options/chains"]
            await rig.until("2026-11-23", "09:29")
            assert rig.rounds() == rounds == 2
            assert rig.venue.calls["options/chains"] == chains
            # The heartbeat goes on, and is all that does.
            assert rig.venue.calls["clock"] == 66
            assert rig.said() == (State.CLOSED, "market closed; next fetch 09:30 New York")
            beat, _ = rig.status().connections
            assert (beat.name, beat.state, beat.detail) == ("clock", "live", "closed until 09:30 New York")
            assert beat.last_message_age is not None
            assert beat.last_message_age <= 3600.0

    async def test_out_of_hours_the_last_session_is_read_once(self) -> None:
        saturday = new_york("2026-11-21", "12:00")
        async with rigged(market=small(SPY, start=saturday), start=saturday) as rig:
            await rig.read()
            await rig.turn(7200.0)
            assert rig.rounds() == 1
            assert rig.newest(SPY).as_of == new_york("2026-11-20", "16:00")

    async def test_a_refresh_is_heeded_at_any_time(self) -> None:
        saturday = new_york("2026-11-21", "12:00")
        async with rigged(SPY, SPX, market=small(SPY, SPX, start=saturday), start=saturday) as rig:
            assert isinstance(rig.source, Refreshable)
            assert isinstance(rig.source, Adjustable)
            await rig.read(SPY, SPX)
            rig.source.refresh(SPX)
            await rig.turn(10.0)
            assert (rig.rounds(SPY), rig.rounds(SPX)) == (1, 2)
            assert rig.newest(SPX).as_of == rig.chains[SPX][0].as_of  # a reading of the same instant is recorded once

    async def test_the_venue_says_that_it_does_not_open(self) -> None:
        async with rigged(market=small(SPY), started=False) as rig:
            rig.venue.closed_today = True
            rig.start()
            await rig.turn(60.0)
            assert rig.said() == (State.CLOSED, "market closed; next fetch 09:30 New York on Friday")

    async def test_without_the_venues_calendar_ours_serves(self) -> None:
        async with rigged(market=small(SPY), started=False) as rig:
            document = rig.venue._document

            def without_a_calendar(method: str, query: dict[str, str]) -> object:
                return {} if method == "calendar" else document(method, query)

            rig.venue._document = without_a_calendar  # type: ignore[method-assign,assignment]
            rig.start()
            await rig.read()
            assert rig.said()[0] is State.LIVE
            assert rig.status().connections[0].detail == (
                "Tradier's answer holds no calendar: is it what Tradier sent?; open until 16:00 New York"
            )
            await rig.turn(1200.0)
            assert rig.venue.calls["calendar"] == rig.venue.calls["clock"] == 3

    async def test_a_machine_that_slept_reads_when_it_wakes(self) -> None:
        async with rigged(market=small(SPY)) as rig:
            await rig.read()
            await rig.turn(30.0)
            rig.clock.suspend(7200.0)
            await rig.turn(70.0)
            assert rig.rounds() == 2

    async def test_expirations_are_asked_for_once_a_day(self, tmp_path: Path) -> None:
        start = new_york("2026-11-19", "15:30")
        async with rigged(market=small(SPY, start=start), start=start, cache_dir=tmp_path) as rig:
            await rig.until("2026-11-19", "16:10")
            assert rig.venue.calls["options/expirations"] == 1
            again = TradierSource([SPY], rest_url=rig.venue.rest_url, token=Secret(rig.venue.token), rate=lambda: 0.0,
                                  clock=rig.clock, cache_dir=tmp_path)  # fmt: skip
            await rig.stop()
            rig.source = again
            rig.start()
            await rig.turn(30.0)
            assert (rig.rounds(), rig.venue.calls["options/expirations"]) == (5, 1)
            await rig.until("2026-11-20", "09:35")
            assert rig.venue.calls["options/expirations"] == 2


class TestTickers:
    async def test_one_that_is_not_listed_is_told_so(self) -> None:
        async with rigged(NOPE, SPY, market=small(SPY)) as rig:
            await rig.read(SPY)
            assert rig.said(NOPE) == (State.DISABLED, "Tradier lists no options on NOPE")
            await rig.turn(1800.0)
            assert rig.venue.calls["options/expirations"] == 2

    async def test_carry_takes_up_and_lets_go_without_disturbing(self) -> None:
        async with rigged(SPY, market=small(SPY, SPX)) as rig:
            await rig.read(SPY)
            assert rig.said(SPX) == (State.DISABLED, "SPX is not read from Tradier")
            rig.source.carry([SPX, SPY])
            assert rig.source.tickers == (SPX, SPY)
            await rig.turn(20.0)
            assert (rig.rounds(SPX), rig.rounds(SPY)) == (1, 1)
            rig.source.carry([SPX])
            await rig.turn(700.0)
            assert (rig.rounds(SPX), rig.rounds(SPY)) == (2, 1)
            assert rig.said(SPY)[0] is State.DISABLED

    async def test_one_let_go_in_the_middle_of_its_round_gives_no_chain(self) -> None:
        async with rigged(SPX) as rig:
            await rig.turn(30.0, lambda: rig.venue.calls["options/chains"] >= 3)
            rig.source.carry([])
            await rig.turn(30.0)
            assert rig.rounds(SPX) == 0
            assert rig.venue.calls["options/chains"] <= 5

    async def test_none_is_valid(self) -> None:
        async with rigged(SPY, market=small(SPY), started=False) as rig:
            rig.source.carry([])
            rig.start()
            await rig.turn(60.0)
            rig.source.carry([SPY])
            await rig.read(SPY)


class TestStatus:
    async def test_tells_how_far_the_first_round_is(self) -> None:
        async with rigged(SPX, started=False) as rig:
            assert rig.said() == (State.CONNECTING, "")
            rig.start()
            await rig.turn(30.0, lambda: rig.venue.calls["options/chains"] == 5)
            state, detail = rig.said()
            assert (state, detail.split(" of ")[1]) == (State.CONNECTING, "14 expiries read")

    async def test_tells_of_heartbeat_and_rounds(self) -> None:
        async with rigged(SPY, SPX, market=small(SPY, SPX)) as rig:
            await rig.read(SPY, SPX)
            await rig.turn(100.0)
            beat, rounds = rig.status(SPX).connections
            assert rig.status(SPX).interval == 600.0
        assert (beat.name, beat.state, beat.messages, beat.detail) == ("clock", "live", 1, "open until 16:00 New York")
        assert (rounds.name, rounds.state, rounds.subscribed, rounds.messages) == ("SPX chains", "live", (2, 2), 1)
        assert rounds.detail == "next fetch 10:10 New York; volatilities of 10:00 New York"
        assert rounds.next_try_in is None

    async def test_just_opened_nothing_is_stale(self) -> None:
        start = new_york("2026-11-19", "15:58")
        async with rigged(SPX, start=start) as rig:
            await rig.until("2026-11-20", "09:30:02")
            state, detail = rig.said()
            assert state is State.CLOSED
            assert detail.startswith("the market has just opened; ")
            await rig.turn(60.0)
            assert rig.said()[0] is State.LIVE

    async def test_k2_a_clock_that_is_off(self) -> None:
        async with rigged(market=small(SPY), started=False) as rig:
            rig.venue.skew(90.0)
            rig.start()
            await rig.read()
            assert rig.said() == (State.DEGRADED, "this machine's clock is off by 90 s")


class TestToken:
    async def test_without_one_nothing_is_asked(self) -> None:
        async with rigged(token=None) as rig:
            await rig.turn(1200.0)
            assert rig.said() == (State.DISABLED, NO_TOKEN)
            assert "GEXTUI_TRADIER_TOKEN" in NO_TOKEN
            assert rig.status().connections == ()
            assert rig.venue.calls.total() == 0
            rig.source.refresh(SPY)
            await rig.turn(10.0)
            assert rig.venue.calls.total() == 0

    def test_an_address_in_plain_text_is_refused(self) -> None:
        with pytest.raises(ValueError, match="must start with"):
            TradierSource([SPY], rest_url="http://example.com", token=Secret("a-token"), rate=lambda: 0.0)


async def test_a_chain_is_whole_and_immutable() -> None:
    async with rigged(market=small(SPY)) as rig:
        await rig.read()
        await rig.turn(700.0)
        first, last = rig.chains[SPY]
        assert first is not last
        assert not first.iv.flags.writeable
        assert replace(last).as_of > first.as_of


def test_it_may_be_made_outside_of_a_loop() -> None:
    TradierSource([SPY], rest_url="https://api.tradier.com/v1", token=None, rate=lambda: 0.0, clock=FakeClock())
