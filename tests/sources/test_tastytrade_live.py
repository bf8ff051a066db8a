"""The live Tastytrade source against a simulated Tastytrade over real sockets, seconds by a clock that a test turns."""

from pathlib import Path

import numpy as np
import pytest

from gextui.market.ticker import KNOWN_TICKERS, ticker_for
from gextui.simulator.http_venue import Answer
from gextui.sources.source import SourceState
from gextui.sources.tastytrade_coverage import KINDS, ROTATE_EVERY
from gextui.sources.tastytrade_lane import LIST_EVERY
from gextui.sources.tastytrade_live import NO_ACCOUNT
from tests.support.tastytrade import FIRST_CHAIN, SPX, SPY, rigged, same_numbers
from tests.support.tradier import new_york

State = SourceState


class TestChains:
    async def test_what_comes_is_the_market_itself(self) -> None:
        async with rigged(SPX, SPY) as rig:
            rig.venue.freeze()
            await rig.read(SPX, SPY)
            await rig.turn(5.0)
            for ticker in (SPX, SPY):
                chain, true = rig.newest(ticker), rig.venue.market.chain(ticker)
                same_numbers(chain, true)
                assert np.array_equal(np.isnan(chain.iv), np.isnan(true.iv))
                assert chain.roots == true.roots
                assert (chain.source, chain.rate, chain.simulated) == ("tastytrade", 0.04, True)
                assert chain.spot == pytest.approx(true.spot, abs=0.011)
                assert chain.multiplier.tolist() == [100.0] * len(true)
                assert not chain.partial
                assert rig.said(ticker) == (State.LIVE, "")
            # One login, one listing each, one token, one connection.
            assert dict(rig.venue.calls) == {
                "oauth/token": 1,
                "api-quote-tokens": 1,
                "option-chains/SPX/nested": 1,
                "option-chains/SPY/nested": 1,
            }
            assert rig.venue.connects == 1

    async def test_it_moves_with_the_market_no_oftener_than_every_two_seconds(self) -> None:
        async with rigged() as rig:
            await rig.read()
            before = rig.chains[SPY][-1]
            await rig.turn(20.0)
            assert 9 <= len(rig.chains[SPY]) - 1 <= 11
            after = rig.chains[SPY][-1]
            assert 15.0 < (after.as_of - before.as_of).total_seconds() < 22.0
            assert (after.iv != before.iv).any()

    async def test_the_feed_s_frames_are_small_and_its_subscriptions_paced(self) -> None:
        async with rigged(market=[SPY, SPX]) as rig:
            await rig.read()
            feed = rig.venue.feed
            assert feed.longest < 8200
            # Twenty frames a second, whatever is to be said.
            assert feed.heard["FEED_SUBSCRIPTION"] <= 20 * (rig.clock.seconds() - 1000.0) + 1
            asked = {item for items in feed.subscribed for item in items}
            listed = {(kind, each) for kind in KINDS for each in rig.source._lanes[SPY].book.coverage.symbols}
            assert asked >= listed

    async def test_within_little_room_all_is_still_read_and_the_heaviest_is_live(self) -> None:
        async with rigged(room=164) as rig:
            await rig.turn(60.0, lambda: rig.chains[SPY])
            chain = rig.chains[SPY][0]
            assert not np.isnan(chain.open_interest).any()
            most = 0
            for _ in range(20):
                await rig.turn(1.0)
                [session] = rig.venue.feed.sessions
                most = max(most, *(len(channel.subscriptions) for channel in session.channels.values()))
            assert 100 < most <= 164
            live = rig.source._lanes[SPY].book.coverage.live
            assert int(np.count_nonzero(live)) == 42  # (164 - 4 of SPY itself - 32 for turns) / 3
            assert "42 of 108 contracts are live, the others read every 5 minutes." in rig.newest(SPY).notes
            contracts = rig.status().connections[1]
            assert (contracts.subscribed, contracts.detail) == ((42, 108), "the others every 5 min")
            # Those that are not are true as of their last turn.
            before, rig.step = rig.newest(SPY), 1.0
            await rig.turn(ROTATE_EVERY + 60.0)
            after = rig.newest(SPY)
            quoted = ~np.isnan(before.bid)
            moved = (before.iv != after.iv) | (before.bid != after.bid) | (before.ask != after.ask)
            assert quoted.sum() > 60
            assert moved[quoted].mean() > 0.95

    async def test_a_listing_is_kept_for_the_day_and_read_anew_on_the_next(self, tmp_path: Path) -> None:
        async with rigged(cache_dir=tmp_path, start=new_york("2026-11-18", "23:58")) as rig:
            await rig.read()
            await rig.restart()
            await rig.read()
            assert rig.venue.calls["option-chains/SPY/nested"] == 1
            rig.step = 1.0
            await rig.turn(200.0)
            assert rig.venue.calls["option-chains/SPY/nested"] == 2
            await rig.restart()
            await rig.read()
            assert rig.venue.calls["option-chains/SPY/nested"] == 2

    async def test_who_asks_has_everything_read_anew(self) -> None:
        async with rigged() as rig:
            await rig.read()
            await rig.turn(10.0)
            before = len(rig.venue.feed.subscribed)
            rig.source.refresh(SPY)
            await rig.turn(10.0)
            assert rig.venue.calls["option-chains/SPY/nested"] == 2
            again = {item for items in rig.venue.feed.subscribed[before:] for item in items}
            assert len([item for item in again if item[0] == "Summary"]) == 108

    async def test_tickers_come_and_go(self) -> None:
        async with rigged(SPY, market=[SPX, SPY]) as rig:
            await rig.read()
            rig.source.carry([SPX])
            await rig.turn(FIRST_CHAIN, lambda: rig.chains[SPX])
            count = len(rig.chains[SPY])
            await rig.turn(5.0)
            assert len(rig.chains[SPY]) == count
            [session] = rig.venue.feed.sessions
            assert [channel.subscriptions.keys() & {("Trade", "SPY")} for channel in session.channels.values()] == [
                set()
            ]
            assert rig.source.status(SPY).state is State.DISABLED
            rig.source.carry([])
            await rig.turn(2.0)
            assert rig.venue.feed.sessions == []
            assert rig.venue.connects == 1

    async def test_the_venue_s_clock_says_what_still_lives(self) -> None:
        async with rigged(started=False) as rig:
            rig.clock.step_wall(10 * 86400.0)
            rig.start()
            await rig.read()
            assert len(rig.newest(SPY)) == 108
            assert rig.said() == (State.DEGRADED, "this machine's clock is off by 864000 s")


class TestWhatIsSaid:
    async def test_without_an_account_nothing_is_asked(self) -> None:
        async with rigged(account=False) as rig:
            await rig.turn(20.0)
            assert rig.said() == (State.DISABLED, NO_ACCOUNT)
            assert "GEXTUI_TASTYTRADE_CLIENT_SECRET" in NO_ACCOUNT
            assert rig.venue.calls.total() == rig.venue.connects == 0

    async def test_what_it_does_until_the_first_chain(self) -> None:
        async with rigged(room=100) as rig:
            said = []
            await rig.turn(60.0, lambda: said.append(rig.said()) or rig.chains[SPY])  # type: ignore[func-returns-value]
            assert {state for state, _ in said[:-1]} <= {State.CONNECTING, State.LIVE}
            assert (State.CONNECTING, "") in said
            told = [int(words.split()[0]) for _, words in said if words.endswith("of 108 contracts read")]
            assert told == sorted(told)
            assert len(set(told)) > 3

    async def test_what_is_not_listed(self) -> None:
        nobody = ticker_for("NOBODY")
        async with rigged(nobody, KNOWN_TICKERS["BTC"], market=[SPY]) as rig:
            await rig.turn(5.0)
            assert rig.said() == (State.DISABLED, "Tastytrade lists no options on NOBODY")
            words = "Tastytrade has no options on coins such as BTC"
            assert rig.said(KNOWN_TICKERS["BTC"]) == (State.DISABLED, words)

    async def test_one_listing_without_anything_is_not_believed(self) -> None:
        async with rigged(started=False) as rig:
            answered = rig.venue.answer
            rig.venue.answer = lambda asked: (  # type: ignore[method-assign]
                Answer(b'{"data":{"items":[]}}') if asked.path.endswith("/nested") else answered(asked)
            )
            rig.start()
            await rig.turn(10.0)
            assert rig.said() == (State.CONNECTING, "")
            await rig.turn(LIST_EVERY)
            assert rig.said() == (State.DISABLED, "Tastytrade lists no options on SPY")
            rig.venue.answer = answered  # type: ignore[method-assign]
            await rig.turn(LIST_EVERY)
            assert rig.said()[0] is State.DISABLED
            rig.source.refresh(SPY)
            await rig.read()

    async def test_the_sandbox_is_delayed(self) -> None:
        async with rigged(started=False) as rig:
            rig.venue.feed.level = "demo"
            rig.start()
            await rig.read()
            assert rig.said() == (State.DELAYED, "delayed 15 min")
            chain = rig.newest(SPY)
            assert chain.delay == 900.0
            assert 0.0 <= rig.clock.now() - chain.as_of_seconds < 5.0

    async def test_a_halt_is_told_while_it_lasts_and_what_is_halted_is_not_stale(self) -> None:
        async with rigged(SPY, SPX) as rig:
            await rig.read(SPY, SPX)
            rig.venue.feed.halt(SPY)
            await rig.turn(60.0)
            assert rig.said() == (State.LIVE, "trading in SPY is halted")
            halted = rig.newest(SPY)
            assert halted.halt is not None
            assert halted.halt.stated
            assert 55.0 < (halted.as_of - halted.halt.since).total_seconds() < 65.0
            assert rig.newest(SPX).halt is None
            assert "halted: T1" in rig.status().connections[1].detail
            assert rig.venue.connects == 1
            rig.venue.feed.resume(SPY)
            await rig.turn(5.0)
            assert rig.said() == (State.LIVE, "")
            assert rig.newest(SPY).halt is None


class TestHours:
    async def test_after_the_close_the_book_of_the_close_is_read_and_left_alone(self) -> None:
        async with rigged(start=new_york("2026-11-18", "18:00")) as rig:
            await rig.read()
            assert rig.said() == (State.CLOSED, "market closed, as of 16:15 New York")
            await rig.turn(120.0)
            assert rig.venue.connects == 1  # silence is no fault now
            assert rig.said() == (State.CLOSED, "market closed, as of 16:15 New York")
            chain = rig.newest(SPY)
            assert chain.as_of <= new_york("2026-11-18", "16:15")

    async def test_at_night_the_index_moves_with_its_options(self) -> None:
        async with rigged(SPX, start=new_york("2026-11-19", "03:00")) as rig:
            await rig.read()
            await rig.turn(5.0)
            assert rig.said() == (State.LIVE, "")
            chain, true = rig.newest(SPX), rig.venue.market.chain(SPX)
            assert chain.spot == pytest.approx(true.spot, rel=2e-3)
            assert any("put-call parity" in note for note in chain.notes)
            assert chain.previous_close is not None

    async def test_what_expires_leaves_at_its_instant(self) -> None:
        async with rigged(start=new_york("2026-11-19", "15:59:30")) as rig:
            await rig.read()
            front = new_york("2026-11-19", "16:00").timestamp()
            assert rig.newest(SPY).expiries[0] == front
            await rig.turn(45.0)
            assert rig.newest(SPY).expiries[0] > front
