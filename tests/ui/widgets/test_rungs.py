"""Strikes gathered into rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gextui.ui.widgets.rungs import EVERY_STRIKE, gather, spacing, step_to_show, steps_for

FIVES = np.arange(3000.0, 6001.0, 5.0)
SPX = np.unique(
    np.concatenate((np.arange(4200.0, 4800.0, 5.0), np.arange(1000.0, 8001.0, 100.0), np.arange(3000.0, 6000.0, 25.0)))
)


def test_every_strike_has_its_own_row_and_prices_descend() -> None:
    rungs = gather(np.array([90.0, 92.5, 100.0]), EVERY_STRIKE)
    assert rungs.prices.tolist() == [100.0, 92.5, 90.0]
    assert rungs.sums(np.array([1.0, np.nan, 3.0])).tolist()[::2] == [3.0, 1.0]
    assert np.isnan(rungs.sums(np.array([1.0, np.nan, 3.0]))[1])


def test_rows_gather_half_a_step_to_either_side_and_none_is_invented() -> None:
    rungs = gather(np.array([84.0, 85.0, 94.9, 95.0, 100.0, 104.0, 131.0]), 10.0)
    assert rungs.prices.tolist() == [130.0, 100.0, 90.0, 80.0]
    assert rungs.sums(np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0])).tolist() == [64.0, 56.0, 6.0, 1.0]
    assert rungs.listed(1) == 100.0
    assert rungs.listed(3) == 84.0


def test_missing_counts_nothing_and_a_row_of_missing_is_missing() -> None:
    rungs = gather(np.array([95.0, 100.0, 110.0]), 10.0)
    sums = rungs.sums(np.array([np.nan, 5.0, np.nan]))
    assert np.isnan(sums[0])
    assert sums[1] == 5.0


def test_fractions_are_named_exactly() -> None:
    assert gather(np.arange(0.05, 0.5, 0.01), 0.05).prices.tolist()[-3:] == [0.15, 0.1, 0.05]


@given(
    st.lists(st.integers(1, 4000), min_size=1, max_size=80, unique=True), st.sampled_from([0.0, 1.0, 2.5, 10.0, 50.0])
)
def test_gathering_keeps_the_total_and_the_order(numbers: list[int], step: float) -> None:
    strikes = np.sort(np.array(numbers) / 2.0)
    rungs = gather(strikes, step)
    assert rungs.sums(strikes).sum() == pytest.approx(strikes.sum())
    assert (np.diff(rungs.prices) < 0).all()
    for row in range(len(rungs)):
        held = strikes[rungs.row == row]
        assert len(held)
        assert (np.abs(held - rungs.prices[row]) <= step / 2 + 1e-9).all()


def test_steps_are_round_and_wider_than_the_spacing() -> None:
    assert spacing(FIVES, 4500.0) == 5.0
    assert steps_for(FIVES, 4500.0) == (0.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0)
    assert steps_for(np.array([100.0]), 100.0) == (0.0,)
    assert steps_for(np.empty(0), 100.0) == (0.0,)


def test_steps_follow_what_the_chain_lists() -> None:
    assert steps_for(SPX, 4500.0)[:4] == (0.0, 10.0, 25.0, 50.0)


def test_first_step_spans_the_reach_to_both_sides() -> None:
    steps = steps_for(FIVES, 4500.0)
    assert steps[step_to_show(FIVES, steps, 4501.0, 30, reach=60.0)] == 0.0
    assert steps[step_to_show(FIVES, steps, 4501.0, 30, reach=125.0)] == 10.0
    assert steps[step_to_show(FIVES, steps, 4501.0, 16, reach=125.0)] == 20.0
    assert steps[step_to_show(FIVES, steps, 4501.0, 30, reach=1e6)] == 200.0


def test_a_chain_that_ends_sooner_asks_no_more() -> None:
    strikes = np.arange(90.0, 111.0)
    assert step_to_show(strikes, steps_for(strikes, 100.0), 100.0, 40, reach=50.0) == 0


def test_a_level_between_rows_is_named_on_its_own_side_of_spot() -> None:
    rungs = gather(np.array([96.0, 97.0, 98.0, 99.0, 100.0]), EVERY_STRIKE)
    assert rungs.prices[rungs.row_of_level(98.45, spot=98.4) or 0] == 99.0
    assert rungs.prices[rungs.row_of_level(98.35, spot=98.4) or 0] == 98.0
    assert rungs.row_of_level(120.0, spot=98.4) is None
    assert rungs.row_of_level(80.0, spot=98.4) is None
    assert gather(np.empty(0), EVERY_STRIKE).row_of_level(1.0, 1.0) is None
