"""The live Yahoo source against a simulated Yahoo: its chains are the venue's market, and its calls are few."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gextui.market.chain import Halt, OptionChain
from gextui.market.ticker import KNOWN_TICKERS, Kind, Ticker
from gextui.simulator.altered import rows_of
from gextui.simulator.http_venue import RecordedMarket
from gextui.simulator.yahoo_rows import days_of
from gextui.sources.source import SourceState
from gextui.sources.yahoo_book import RECHECK_EVERY
from gextui.sources.yahoo_live import YahooSource
from tests.support.rig import BTC, files_in
from tests.support.yahoo import OPTIONS, RATE, SPX, SPY, TEN, Rig, at, rigged, still

State = SourceState
DOGE = Ticker("DOGE", "Dogecoin", Kind.STOCK, "yahoo")
ETHA = KNOWN_TICKERS["ETHA"]
FRIDAY = date(2026, 11, 20)


class TestChains:
    @pytest.mark.parametrize("ticker", [SPY, SPX], ids=lambda ticker: ticker.symbol)
    async def test_are_the_venues_market(self, ticker: Ticker) -> None:
        async with rigged(ticker) as rig:
            await rig.whole(ticker)
            chain, truth = rig.newest(ticker), rig.venue.market.chain(ticker)
        assert (chain.ticker, chain.source, chain.rate) == (ticker, "yahoo", RATE)
        assert chain.simulated
        assert chain.notes == ()
        assert (chain.roots, chain.spot, chain.previous_close) == (truth.roots, truth.spot, truth.previous_close)
        assert chain.total == len(chain) == len(truth)
        assert dict(chain.dropped) == {}
        for column in ("expiries", "root", "expiry", "strike", "is_call", "open_interest", "bid", "ask", "multiplier"):
            np.testing.assert_array_equal(getattr(chain, column), getattr(truth, column), err_msg=column)
        np.testing.assert_array_equal(chain.iv, np.where(np.isnan(truth.iv), 1.0000000000000003e-05, truth.iv))
        np.testing.assert_array_equal(np.nan_to_num(chain.volume), truth.volume)
        assert np.isnan(chain.forwards).all()
        assert timedelta(0) <= chain.as_of - TEN <= timedelta(seconds=30)

    async def test_come_window_by_window_and_say_what_is_missing(self) -> None:
        async with rigged() as rig:
            days = days_of(rig.venue.market.chain(SPY))
            await rig.turn(20.0, lambda: rig.chains[SPY])
            assert (rig.status().state, rig.status().detail) == (State.CONNECTING, f"2 of {len(days)} expiries read")
            await rig.whole()
            assert rig.status().state is State.DELAYED
            chains = rig.chains[SPY]
        reached = [max((day - FRIDAY).days for day in days_of(chain)) for chain in chains]
        assert reached == sorted(reached)
        for chain, window in zip(chains, (3, 7, 14, 45, 999), strict=True):
            assert days_of(chain) == [day for day in days if (day - FRIDAY).days <= window]
        left = len(days) - len(days_of(chains[0]))
        assert chains[0].notes == (f"Not read yet: {left} of {len(days)} expiries (2026-11-24 to 2027-04-16).",)
        assert chains[-1].notes == ()
        assert [chain.partial for chain in chains] == [True, True, True, True, False]

    async def test_state_the_delay_that_yahoo_states(self) -> None:
        async with rigged(started=False) as rig:
            rig.venue.delay = 900.0
            rig.start()
            await rig.whole()
            assert rig.newest().delay == 900.0
            assert (rig.status().state, rig.status().detail) == (
                State.DELAYED,
                "read every 30 min; Yahoo states a delay of 15 min",
            )
            assert rig.status().interval == RECHECK_EVERY
            assert timedelta(minutes=14) <= TEN - rig.newest().as_of <= timedelta(minutes=15)

    @pytest.mark.parametrize(("minutes", "halted"), [(24.0, False), (26.0, True)])
    async def test_d15_a_share_without_a_trade_seems_halted(self, minutes: float, halted: bool) -> None:
        """Ten minutes without one, and fifteen by which prices may be late though Yahoo says nothing of it."""
        since = TEN + timedelta(minutes=60 - minutes)

        def stop(document: dict[str, Any]) -> dict[str, Any]:
            return document | {"quote": document["quote"] | {"regularMarketTime": int(since.timestamp())}}

        async with rigged(market=still(SPY), start=TEN + timedelta(hours=1)) as rig:
            rig.venue.alter = stop
            await rig.whole()
            assert rig.newest().halt == (Halt(since, stated=False) if halted else None)

    async def test_two_tickers_take_turns(self) -> None:
        async with rigged(SPY, SPX) as rig:
            await rig.turn(20.0, lambda: rig.chains[SPY] and rig.chains[SPX])
            await rig.whole(SPY)
            await rig.whole(SPX)


class TestPlan:
    async def test_asks_once_a_second_and_an_expiry_once_in_half_an_hour(self) -> None:
        async with rigged() as rig:
            await rig.whole()
            count = len(rig.newest().expiries)
            asked = [moment for moment, _ in rig.venue.asked]
            assert min(np.diff(asked)) >= 1.0
            assert dict(rig.venue.calls) == {"cookie": 1, "getcrumb": 1, OPTIONS: count}
            assert rig.venue.network.most_open <= 3
            rig.venue.freeze()
            await rig.leap(RECHECK_EVERY - 120.0)
            assert rig.asked == count
            polls = rig.status().connections[0]
            assert (polls.name, polls.state, polls.messages) == ("SPY polls", "live", count)
            assert polls.last_message_age == pytest.approx(RECHECK_EVERY - 120.0, abs=20.0)
            rig.venue.heal()
            await rig.turn(180.0, lambda: rig.asked == 2 * count)
            assert rig.venue.calls["getcrumb"] == 1
            for day in days_of(rig.newest()):
                assert day
            instants = [chain.as_of for chain in rig.chains[SPY]]
            assert instants == sorted(instants)

    async def test_a_reading_half_an_hour_apart_is_told(self) -> None:
        async with rigged() as rig:
            await rig.whole()
            before = len(rig.chains[SPY])
            await rig.leap(RECHECK_EVERY - 60.0)
            await rig.turn(90.0, lambda: len(rig.chains[SPY]) > before)
            assert rig.newest().notes == ("Some expiries were read up to 30 minutes before the others.",)
            await rig.turn(60.0, lambda: rig.newest().notes == ())

    async def test_asks_nothing_more_after_the_days_last_word(self) -> None:
        async with rigged(start=at(16.0)) as rig:
            await rig.whole()
            count = len(rig.newest().expiries)
            await rig.leap(3600.0)
            # Quotes of four o'clock may be a quarter of an hour late, and indices trade for another.
            assert rig.asked == 2 * count
            before = len(rig.chains[SPY])
            await rig.leap(11.0 * 3600.0)
            assert rig.asked == 2 * count
            assert len(rig.chains[SPY]) == before
            assert rig.status().state is State.CLOSED
            assert rig.status().detail == "market closed, as of 16:00 New York Fri"

    async def test_before_the_open_asks_until_open_interest_is_new(self) -> None:
        async with rigged(start=at(23.0, 18)) as rig:
            await rig.whole()
            count = len(rig.newest().expiries)
            await rig.leap(4.9 * 3600.0)
            assert rig.asked == count
            await rig.leap(1800.0)  # past four
            assert rig.asked == 2 * count
            await rig.leap(1800.0)
            assert rig.asked == 3 * count
            market = rig.venue.market
            new = replace(market.chain(SPY), open_interest=np.round(market.chain(SPY).open_interest * 1.1))
            rig.venue.market = RecordedMarket(new)
            await rig.leap(1800.0)
            assert rig.asked == 4 * count
            np.testing.assert_array_equal(rig.newest().open_interest, new.open_interest)
            await rig.leap(2 * 1800.0)
            # An expiry whose open interest has not changed at all may still change.
            unchanged = [day for day in days_of(new) if not has_changed(market.chain(SPY), new, day)]
            assert rig.asked == 4 * count + 2 * len(unchanged)
            await rig.leap(3.5 * 3600.0)  # and past the open
            assert rig.asked >= 5 * count

    async def test_the_night_s_quotes_of_the_first_quarter_of_an_hour_are_not_asked_for(self) -> None:
        async with rigged(start=at(9.4)) as rig:
            await rig.whole()
            count = rig.asked
            await rig.leap(0.34 * 3600.0)  # to 9:44
            assert rig.asked == count
            await rig.leap(0.6 * 3600.0)
            assert rig.asked == 2 * count

    async def test_refresh_asks_at_once_but_not_for_what_has_just_come(self) -> None:
        async with rigged(start=at(20.0)) as rig:
            await rig.whole()
            count = rig.asked
            rig.source.refresh(SPY)
            await rig.turn(10.0)
            assert rig.asked == count
            await rig.turn(60.0)
            rig.source.refresh(SPY)
            await rig.turn(30.0, lambda: rig.asked == 2 * count)
            await rig.turn(60.0)
            assert rig.asked == 2 * count

    async def test_a_new_expiry_is_found(self) -> None:
        async with rigged(started=False) as rig:
            market = rig.venue.market
            whole = market.chain(SPY)
            rig.venue.market = RecordedMarket(rows_of(whole, whole.expiry != 5))
            rig.start()
            await rig.whole()
            assert len(days_of(rig.newest())) == len(whole.expiries) - 1
            rig.venue.market = market
            await rig.leap(RECHECK_EVERY)
            await rig.turn(30.0, lambda: days_of(rig.newest()) == days_of(whole))

    async def test_an_expiry_leaves_at_its_instant(self) -> None:
        async with rigged(start=at(15.95)) as rig:
            await rig.whole()
            assert rig.newest().expiries[0] == at(16.0).timestamp()
            before = len(rig.newest())
            await rig.turn(260.0, lambda: rig.newest().expiries[0] > at(16.0).timestamp())
            assert 0.0 <= rig.clock.now() - at(16.0).timestamp() <= 11.0
            assert len(rig.newest()) < before
            instants = [chain.as_of for chain in rig.chains[SPY]]
            assert instants == sorted(instants)

    async def test_an_expiry_of_the_day_that_is_still_listed_in_the_evening_is_not_read(self) -> None:
        async with rigged(start=at(17.0), market=still(SPY, start=at(15.0))) as rig:
            assert days_of(rig.venue.market.chain(SPY))[0] == FRIDAY
            await rig.whole()
            assert all(days_of(chain)[0] > FRIDAY for chain in rig.chains[SPY])


def has_changed(before: OptionChain, after: OptionChain, day: date) -> bool:
    chosen = [np.isin(chain.expiry, [days_of(chain).index(day)]) for chain in (before, after)]
    return not np.array_equal(before.open_interest[chosen[0]], after.open_interest[chosen[1]])


class TestKept:
    @staticmethod
    def again(rig: Rig, folder: Path) -> Rig:
        """Another run of the program, at the same Yahoo."""
        source = YahooSource(
            [SPY],
            rest_url=rig.venue.rest_url,
            cookie_url=rig.venue.cookie_url,
            rate=lambda: RATE,
            clock=rig.clock,
            cache_dir=folder,
        )
        return Rig(source, rig.clock, rig.venue)

    async def test_a_restart_in_the_evening_asks_nothing(self, tmp_path: Path) -> None:
        async with rigged(start=at(16.6), cache_dir=tmp_path, started=False) as rig:
            rig.venue.says_so = False
            rig.start()
            await rig.whole()
            await rig.stop()
            asked, held = rig.asked, rig.newest()
            kept = files_in(tmp_path)
            assert len(kept) == len(held.expiries)
            assert all(path.stat().st_mode & 0o077 == 0 for path in kept)
            await rig.leap(3600.0)
            second = self.again(rig, tmp_path)
            second.start()
            await second.turn(30.0)
            [chain] = second.chains[SPY]
            assert rig.asked == asked
            assert second.status().state is State.CLOSED
            assert not chain.simulated
            for column in ("expiries", "strike", "iv", "open_interest", "bid", "ask"):
                np.testing.assert_array_equal(getattr(chain, column), getattr(held, column))
            assert (chain.as_of, chain.notes) == (held.as_of, ())
            await second.stop()

    async def test_in_the_session_what_was_kept_is_a_part_until_it_is_read_again(self, tmp_path: Path) -> None:
        """A snapshot takes no part for the whole: three hours old answers are not what Yahoo says now."""
        async with rigged(start=at(9.8), cache_dir=tmp_path, started=False) as rig:
            rig.venue.says_so = False
            rig.start()
            await rig.whole()
            await rig.stop()
            held = rig.newest()
            await rig.leap(3 * 3600.0)
            second = self.again(rig, tmp_path)
            second.start()
            await second.turn(5.0, lambda: second.chains[SPY])
            first = second.chains[SPY][0]
            assert (first.as_of, first.partial) == (held.as_of, True)
            assert second.status().state is State.CONNECTING
            await second.turn(60.0, lambda: not second.newest().partial)
            assert second.newest().as_of - held.as_of >= timedelta(hours=3)
            assert second.status().state is State.DELAYED
            await second.stop()

    async def test_what_was_kept_outlives_a_night_of_resets(self, tmp_path: Path) -> None:
        async with rigged(start=at(16.6, 19), cache_dir=tmp_path, started=False) as rig:
            rig.venue.says_so = False
            rig.start()
            await rig.whole()
            await rig.stop()
            held = rig.newest()
            rig.venue.wipe()
            await rig.leap(11.7 * 3600.0)  # past four
            second = self.again(rig, tmp_path)
            second.start()
            await second.turn(5.0, lambda: second.chains[SPY])
            assert second.status().state is State.CONNECTING
            await second.turn(60.0, lambda: len(second.newest().notes) == 2)
            np.testing.assert_array_equal(second.newest().open_interest, held.open_interest)
            np.testing.assert_array_equal(second.newest().iv, held.iv)
            assert all("as read at 2026-11-19 21:36 UTC" in note for note in second.newest().notes)
            await second.stop()

    async def test_what_is_old_simulated_or_damaged_is_not_used(self, tmp_path: Path) -> None:
        async with rigged(start=at(10.0, 16), cache_dir=tmp_path) as rig:
            await rig.whole()
            assert files_in(tmp_path) == []
            rig.venue.says_so = False
            await rig.leap(RECHECK_EVERY + 60.0)
            await rig.turn(60.0)
            await rig.stop()
            kept = files_in(tmp_path)
            assert len(kept) == len(rig.newest().expiries)
            kept[0].write_bytes(b'{"optionChain"')
            kept[1].write_bytes(b"")
            second = self.again(rig, tmp_path)
            second.start()
            await second.turn(2.0, lambda: second.chains[SPY])
            assert len(second.newest().expiries) == len(kept) - 2
            await second.whole()
            await second.stop()
            rig.clock.suspend(4 * 86400.0)
            rig.venue.hole(new=True)
            third = self.again(rig, tmp_path)
            third.start()
            await third.turn(5.0)
            assert third.chains[SPY] == []
            assert files_in(tmp_path) == []
            await third.stop()

    async def test_a_folder_that_cannot_be_written_stops_nothing(self, tmp_path: Path) -> None:
        folder = tmp_path / "file"
        folder.write_text("not a folder")
        async with rigged(cache_dir=folder, started=False) as rig:
            rig.venue.says_so = False
            rig.start()
            await rig.whole()


class TestTickers:
    async def test_without_options(self) -> None:
        async with rigged(DOGE, SPY, BTC, market=(SPY,)) as rig:
            await rig.whole()
            assert (rig.status(DOGE).state, rig.status(DOGE).detail) == (
                State.DISABLED,
                "Yahoo lists no options on DOGE",
            )
            assert (rig.status(BTC).state, rig.status(BTC).detail) == (
                State.DISABLED,
                "Yahoo has no options on coins such as BTC",
            )
            assert [path for _, path in rig.venue.asked].count("DOGE") == 1
            await rig.leap(RECHECK_EVERY + 20.0)
            assert [path for _, path in rig.venue.asked].count("DOGE") == 2

    async def test_are_carried_and_let_go(self) -> None:
        async with rigged(SPY, market=(SPY, SPX)) as rig:
            await rig.whole(SPY)
            asked = rig.asked
            rig.source.carry([SPX, SPY])
            assert rig.source.tickers == (SPX, SPY)
            await rig.whole(SPX)
            assert [path for _, path in rig.venue.asked].count("SPY") == asked
            assert rig.status(SPY).state is State.DELAYED
            rig.source.carry([SPX])
            status = rig.status(SPY)
            assert (status.state, status.detail) == (State.DISABLED, "SPY is not read here")
            before = len(rig.chains[SPY])
            await rig.leap(RECHECK_EVERY + 60.0)
            assert len(rig.chains[SPY]) == before
            assert [path for _, path in rig.venue.asked].count("SPY") == asked

    async def test_none_at_all_and_later_some(self) -> None:
        async with rigged(market=(SPY,), started=False) as rig:
            rig.source.carry([])
            rig.start()
            await rig.turn(30.0)
            assert rig.venue.asked == []
            rig.source.carry([SPY])
            await rig.whole()

    async def test_a_source_that_is_run_again_goes_on(self) -> None:
        async with rigged() as rig:
            await rig.whole()
            asked = rig.asked
            await rig.stop()
            rig.start()
            await rig.leap(RECHECK_EVERY + 60.0)
            assert rig.asked == 2 * asked


def test_addresses_are_checked() -> None:
    good, bad = "https://query2.finance.yahoo.com", "http://query2.finance.yahoo.com"
    for rest_url, cookie_url in ((bad, good), (good, bad)):
        with pytest.raises(ValueError, match="must start with https"):
            YahooSource([SPY], rest_url=rest_url, cookie_url=cookie_url, rate=lambda: 0.0)


def test_python_alone_is_warned_about_elsewhere_than_on_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    from gextui.sources import yahoo_http

    url = "https://query2.finance.yahoo.com"
    monkeypatch.setattr(yahoo_http, "can_impersonate", lambda: False)
    source = YahooSource([SPY], rest_url=url, cookie_url=url, rate=lambda: 0.0)
    assert source.status(SPY).detail == "Yahoo usually refuses plain Python TLS; install gextui[yahoo]"
    local = "http://127.0.0.1:1"
    assert YahooSource([SPY], rest_url=local, cookie_url=local, rate=lambda: 0.0).status(SPY).detail == ""
    monkeypatch.setattr(yahoo_http, "can_impersonate", lambda: True)
    assert YahooSource([SPY], rest_url=url, cookie_url=url, rate=lambda: 0.0).status(SPY).detail == ""
