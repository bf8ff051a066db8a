"""One bad tick must not move the levels; a true move must get through."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from gextui.market.calendar import NEW_YORK
from gextui.market.chain import OptionChain
from gextui.market.ticker import KNOWN_TICKERS, ticker_for
from gextui.simulator.altered import rows_of
from gextui.simulator.market import SimulatedMarket
from gextui.sources.doubt import Doubts, losses
from gextui.sources.files import read_chains
from tests.support.desk import NOON, chain_at

BTC, SPY = KNOWN_TICKERS["BTC"], KNOWN_TICKERS["SPY"]


def believed(*chains: tuple[float, float]) -> list[bool]:
    """Which of the chains, each of so many seconds and such a spot, are believed."""
    doubts = Doubts()
    return [not doubts.about(chain_at(second, spot)) for second, spot in chains]


@pytest.mark.parametrize(("spot", "expected"), [(120.0, True), (80.0, True), (120.1, False), (79.9, False)])
def test_a_step_of_a_fifth_is_believed_and_no_more(spot: float, expected: bool) -> None:
    assert believed((0, 100.0), (1, spot)) == [True, expected]


def test_the_first_chain_is_believed() -> None:
    assert believed((0, 100.0)) == [True]


def test_three_that_agree_are() -> None:
    assert believed((0, 100.0), (1, 1000.0), (2, 1001.0), (3, 1002.0), (4, 1003.0)) == [True, False, False, True, True]


def test_three_that_contradict_each_other_are_not() -> None:
    assert believed((0, 100.0), (1, 1000.0), (2, 10.0), (3, 1000.0), (4, 10.0)) == [True] + [False] * 4


def test_a_good_one_between_starts_the_count_again() -> None:
    ticks = ((0, 100.0), (1, 1000.0), (2, 1000.0), (3, 100.0), (4, 1000.0), (5, 1000.0), (6, 1000.0))
    assert believed(*ticks) == [True, False, False, True, False, False, True]


def test_over_an_hour_any_move_is_possible() -> None:
    assert believed((0, 100.0), (3599, 300.0)) == [True, False]
    assert believed((0, 100.0), (3600, 300.0)) == [True, True]


def test_an_older_chain_is_not_believed_until_three_insist() -> None:
    assert believed((0, 100.0), (-5, 100.0), (1, 100.0)) == [True, False, True]
    assert believed((0, 100.0), (-5, 100.0), (-4, 100.0), (-3, 100.0)) == [True, False, False, True]


def test_another_source_is_another_story() -> None:
    doubts = Doubts()
    assert doubts.about(chain_at(0, 100.0, source="deribit")) == ""
    assert doubts.about(chain_at(-900, 300.0, source="cboe", delay=900.0)) == ""


def test_the_reason_is_a_sentence() -> None:
    doubts = Doubts()
    doubts.about(chain_at(0, 100.0))
    assert doubts.about(chain_at(1, 50.0)) == "spot jumped -50% to 50.00; waiting for 3 chains to agree"
    assert doubts.about(chain_at(-1, 100.0)) == "a chain of 11:59:59 UTC came after one of 12:00:00"


class TestParity:
    """A spot that the chain's own options contradict is not believed however often it is repeated."""

    @pytest.fixture(scope="class")
    def good(self) -> OptionChain:
        return SimulatedMarket(1, NOON + timedelta(hours=4), [SPY]).chain(SPY)

    @staticmethod
    def later(chain: OptionChain, minutes: float, **changed: object) -> OptionChain:
        return replace(chain, as_of=chain.as_of + timedelta(minutes=minutes), **changed)  # type: ignore[arg-type]

    @staticmethod
    def implying(chain: OptionChain, factor: float) -> OptionChain:
        """The chain with puts that cost so much more, or less, that its options imply spot times the factor."""
        more = np.where(chain.is_call, 0.0, (1.0 - factor) * chain.spot)
        return replace(chain, bid=chain.bid + more, ask=chain.ask + more)

    @pytest.mark.parametrize("factor", [0.1, 0.8, 0.94, 1.06, 1.25, 10.0])
    def test_a_spot_that_is_stuck(self, factor: float, good: OptionChain) -> None:
        doubts = Doubts()
        assert doubts.about(good) == ""
        for minutes in (1, 2, 3, 4, 70, 100):
            words = doubts.about(self.later(good, minutes, spot=good.spot * factor))
            assert words.startswith(f"spot jumped {factor - 1:+.0%} to {good.spot * factor:,.2f}, its options imply 6")
        assert doubts.believed is good
        assert doubts.about(self.later(good, 101)) == ""

    def test_a_true_move_takes_the_options_along(self, good: OptionChain) -> None:
        for factor, believed in ((0.85, [True] * 3), (0.7, [False, False, True])):
            moved = replace(self.implying(good, factor), spot=factor * good.spot)
            doubts = Doubts()
            assert doubts.about(good) == ""
            assert [not doubts.about(self.later(moved, minute)) for minute in (1, 2, 3)] == believed

    @pytest.mark.parametrize("factor", [0.1, 10.0])
    def test_a_split_is_believed_at_once(self, factor: float, good: OptionChain) -> None:
        split = {name: factor * getattr(good, name) for name in ("spot", "strike", "bid", "ask")}
        unquoted = {**split, "bid": np.full(len(good), np.nan)}
        for changed in (split, unquoted):
            doubts = Doubts()
            assert doubts.about(good) == ""
            assert doubts.about(self.later(good, 17.5 * 60, **changed)) == ""

    def test_a_bad_first_one_does_not_keep_out_the_good(self, good: OptionChain) -> None:
        doubts = Doubts()
        assert doubts.about(replace(good, spot=good.spot * 1.15)) == ""
        assert doubts.about(self.later(good, 1)) == ""

    def test_what_options_were_always_off_by_is_no_contradiction(self, good: OptionChain) -> None:
        """Who borrows the share pays for it: options imply less than it costs."""
        doubts = Doubts()
        assert doubts.about(self.implying(good, 0.92)) == ""
        moved = replace(self.implying(good, 0.92 * 1.08), spot=1.08 * good.spot)
        assert doubts.about(self.later(moved, 30)) == ""

    def test_out_of_hours_the_quotes_stand_still(self, good: OptionChain) -> None:
        """A share that jumps after its earnings is believed, one at a tenth of its price is not."""
        for factor, believed in ((0.85, True), (0.1, False)):
            doubts = Doubts()
            assert doubts.about(good) == ""
            words = doubts.about(self.later(good, 7 * 60, spot=factor * good.spot))
            assert (words == "") == believed

    def test_an_index_of_volatility_is_not_what_its_options_are_priced_by(self, good: OptionChain) -> None:
        doubts, vix = Doubts(), replace(good, ticker=ticker_for("VIX"))
        assert doubts.about(vix) == ""
        assert doubts.about(self.later(vix, 5, spot=1.15 * good.spot)) == ""


class TestLosses:
    """What US vendors wipe overnight."""

    @pytest.fixture(scope="class")
    def good(self) -> OptionChain:
        return SimulatedMarket(1, NOON, [SPY]).chain(SPY)

    @pytest.fixture(scope="class")
    def in_session(self) -> OptionChain:
        return SimulatedMarket(1, NOON + timedelta(hours=4), [SPY]).chain(SPY)

    @staticmethod
    def later(chain: OptionChain, hours: float = 9.0, **changed: object) -> OptionChain:
        return replace(chain, as_of=chain.as_of + timedelta(hours=hours), **changed)  # type: ignore[arg-type]

    def test_a_chain_that_only_grows_older_has_lost_nothing(self, good: OptionChain) -> None:
        assert losses(good, self.later(good)) == ""
        assert losses(good, self.later(good, source="yahoo")) == ""

    def test_wiped_open_interest(self, good: OptionChain) -> None:
        held = np.nansum(good.open_interest[good.expiries[good.expiry] > good.as_of_seconds + 9 * 3600])
        for wiped in (np.zeros(len(good)), np.full(len(good), np.nan)):
            words = losses(good, self.later(good, open_interest=wiped))
            assert words == f"simulator has wiped open interest: 0 of {held:,.0f} contracts are left"
        assert losses(good, self.later(good, open_interest=good.open_interest * 0.61)) == ""
        assert "wiped open interest" in losses(good, self.later(good, open_interest=good.open_interest * 0.59))

    def test_wiped_open_interest_of_one_expiry(self, good: OptionChain) -> None:
        interest = good.open_interest.copy()
        biggest = int(np.bincount(good.expiry, weights=interest).argmax())
        interest[good.expiry == biggest] = 0.0
        assert losses(good, self.later(good, open_interest=interest)).startswith(
            "simulator has wiped the open interest of 202"
        )

    @pytest.mark.parametrize("hours", [1.0, 23.0], ids=["within a day", "overnight"])
    @pytest.mark.parametrize("wiped", [0.0, np.nan, 0.01])
    def test_calls_alone(self, wiped: float, hours: float, in_session: OptionChain) -> None:
        """Puts are most of what is open, as on SPY, so that the sum is not cut by much."""
        interest = np.where(in_session.is_call, 1.0, 3.0) * in_session.open_interest
        before = replace(in_session, open_interest=interest)
        after = np.where(in_session.is_call, wiped * interest, interest)
        words = losses(before, self.later(before, hours, open_interest=after))
        assert words.startswith("simulator has wiped the open interest of calls: ")

    @pytest.mark.parametrize("hours", [1.0, 23.0], ids=["within a day", "overnight"])
    def test_an_expiry_that_is_left_a_hundredth(self, hours: float, in_session: OptionChain) -> None:
        alive = in_session.expiries[in_session.expiry] > in_session.as_of_seconds + 86400.0
        for expiry in np.unique(in_session.expiry[alive])[:3]:
            interest = np.where(in_session.expiry == expiry, 0.01, 1.0) * in_session.open_interest
            words = losses(in_session, self.later(in_session, hours, open_interest=np.round(interest)))
            day = datetime.fromtimestamp(in_session.expiries[expiry], NEW_YORK).date()
            assert words == f"simulator has wiped the open interest of {day}"

    def test_within_a_day_nothing_grows(self, in_session: OptionChain) -> None:
        tenfold = in_session.open_interest * 10.0
        words = losses(in_session, self.later(in_session, 1.0, open_interest=tenfold))
        assert words.startswith("simulator has multiplied the open interest of calls: ")
        one_side = np.where(in_session.is_call, in_session.open_interest, tenfold)
        words = losses(in_session, self.later(in_session, 1.0, open_interest=one_side))
        assert words.startswith("simulator has multiplied the open interest of puts: ")
        assert losses(in_session, self.later(in_session, 23.0, open_interest=tenfold)) == "", "overnight it may"
        assert losses(in_session, self.later(in_session, 1.0, open_interest=tenfold, source="yahoo")) == ""

    @pytest.mark.parametrize("wiped", [0.0, np.nan, 0.01])
    def test_what_was_missing_may_come(self, wiped: float, in_session: OptionChain) -> None:
        """The first chain of the day may have been a wiped one."""
        front = in_session.expiry == in_session.expiry.min()
        for missing in (front, in_session.is_call) if wiped != 0.01 else (front,):
            interest = np.where(missing, in_session.open_interest * wiped, in_session.open_interest)
            assert losses(replace(in_session, open_interest=interest), self.later(in_session, 1.0)) == ""

    @pytest.mark.parametrize("hours", [1.0, 23.0], ids=["counted late", "overnight"])
    def test_another_nights_count(self, hours: float, in_session: OptionChain) -> None:
        """Most contracts keep most of theirs, the front ones double, and a block is closed."""
        chance = np.random.default_rng(7)
        interest = in_session.open_interest * chance.lognormal(0.0, 0.15, len(in_session))
        interest[in_session.expiry == in_session.expiry.min()] *= 2.0
        interest[interest.argmax()] = 0.0
        assert losses(in_session, self.later(in_session, hours, open_interest=np.round(interest))) == ""

    def test_blocks_of_a_thin_ticker_come_and_go(self, in_session: OptionChain) -> None:
        interest = np.full(len(in_session), 2.0)
        blocks = np.flatnonzero(in_session.expiry == in_session.expiry.max())[:8]
        interest[blocks] = 500.0
        thin = replace(in_session, open_interest=interest)
        closed = interest.copy()
        closed[blocks[:3]] = 0.0
        assert losses(thin, self.later(in_session, 23.0, open_interest=closed)) == ""
        assert losses(replace(thin, open_interest=closed), self.later(in_session, 23.0, open_interest=interest)) == ""

    def test_what_is_not_read_yet_is_not_lost(self, in_session: OptionChain) -> None:
        heavy = int(np.bincount(in_session.expiry, weights=in_session.open_interest).argmax())
        interest = np.where(in_session.expiry == heavy, 20.0, 1.0) * in_session.open_interest
        whole = replace(in_session, open_interest=interest)
        part = rows_of(self.later(whole, 1.0), in_session.expiry != heavy)
        assert losses(whole, part).startswith("simulator has wiped open interest: ")
        assert losses(whole, replace(part, partial=True)) == ""
        assert losses(replace(part, partial=True), self.later(whole, 2.0)) == ""
        wiped = np.where(part.is_call, 0.0, part.open_interest)
        assert "wiped" in losses(whole, replace(part, partial=True, open_interest=wiped))

    def test_what_expired_since_a_delayed_chain_was_made_is_not_lost(self, in_session: OptionChain) -> None:
        """At its instant an expiry leaves a chain whose own instant is a minute before (fault K6)."""
        instant = float(in_session.expiries[0])
        shares = np.bincount(in_session.expiry, weights=in_session.open_interest)
        before = self.later(in_session, (instant - 65.0 - in_session.as_of_seconds) / 3600.0)
        rolled = before.without_expired(instant)
        assert shares[0] > 0.02 * shares.sum()
        assert (rolled.as_of, rolled.expiries[0]) == (before.as_of, in_session.expiries[1])
        assert losses(before, rolled, instant) == ""
        day = datetime.fromtimestamp(instant, NEW_YORK).date()
        assert losses(before, rolled, instant - 120.0) == f"simulator has wiped the open interest of {day}"

    @pytest.mark.parametrize("symbol", ["SPY", "QQQ", "IWM"])
    def test_recorded_days_are_believed(self, symbol: str, shared: Path) -> None:
        days = [shared / f"data/yahoo/eod/2026-08-{day}/{symbol}.csv.gz" for day in (12, 13, 14)]
        for before, after in pairwise(read_chains(day)[0] for day in days):
            assert losses(before, after) == ""
            lasting = rows_of(before, np.isin(before.expiries, after.expiries)[before.expiry])
            assert losses(lasting, replace(after, as_of=before.as_of + timedelta(hours=1))) == "", "counted late"

    def test_a_recorded_fault_is_not(self, shared: Path) -> None:
        names = ("QQQ_2026-07-09_good", "QQQ_2026-07-10_BROKEN_OI_IV", "QQQ_2026-07-12")
        good, broken, after = (read_chains(shared / f"data/yahoo/merged/{name}.json")[0] for name in names)
        assert "has wiped open interest: 131 of" in losses(good, broken)
        assert losses(good, after) == ""
        assert losses(broken, after) == ""

    def test_wiped_volatilities(self, good: OptionChain) -> None:
        words = losses(good, self.later(good, iv=np.full(len(good), 1e-5)))
        assert words.startswith("simulator has wiped implied volatilities: 0 of ")

    def test_half_a_document(self, good: OptionChain) -> None:
        half = rows_of(self.later(good), np.arange(len(good)) % 2 == 0)
        assert losses(good, half).startswith("simulator lists only ")

    def test_what_expires_is_not_lost(self, good: OptionChain) -> None:
        days = (good.expiries[len(good.expiries) // 2] - good.as_of_seconds) / 86400.0
        expiries = good.expiries[good.expiry]
        for hours in (days * 24.0, 95.0):
            left = rows_of(self.later(good, hours), expiries > good.as_of_seconds + hours * 3600.0)
            assert losses(good, left) == ""

    def test_four_days_later_anything_is_possible(self, good: OptionChain) -> None:
        wiped = np.zeros(len(good))
        assert losses(good, self.later(good, 95.0, open_interest=wiped))
        assert losses(good, self.later(good, 97.0, open_interest=wiped)) == ""

    def test_small_chains_and_coins_are_not_judged(self) -> None:
        small = chain_at(0, ticker=SPY)
        assert losses(small, chain_at(60, ticker=SPY, open_interest=0.0)) == ""
        coin = SimulatedMarket(1, NOON, [BTC]).chain(BTC)
        assert losses(coin, self.later(coin, 1.0, open_interest=np.zeros(len(coin)))) == ""

    def test_are_never_believed_however_often_repeated(self, good: OptionChain) -> None:
        doubts = Doubts()
        assert doubts.about(good) == ""
        for minute in range(1, 6):
            wiped = self.later(good, minute / 60.0, open_interest=np.zeros(len(good)))
            assert doubts.about(wiped).endswith("; what it had before is kept")
        assert doubts.believed is good
        assert doubts.about(self.later(good)) == ""
