"""One bad tick must not move the levels; a true move must get through."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from gextui.market.chain import OptionChain
from gextui.market.ticker import KNOWN_TICKERS
from gextui.simulator.altered import rows_of
from gextui.simulator.market import SimulatedMarket
from gextui.sources.doubt import Doubts, losses
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


class TestLosses:
    """What US vendors wipe overnight."""

    @pytest.fixture(scope="class")
    def good(self) -> OptionChain:
        return SimulatedMarket(1, NOON, [SPY]).chain(SPY)

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
