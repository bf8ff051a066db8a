"""One bad tick must not move the levels; a true move must get through."""

import pytest

from gextui.sources.doubt import Doubts
from tests.support.desk import chain_at


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
