"""Charts over time: an axis that holds still, names in rows of their own."""

import math

import numpy as np
import pytest

from gextui.ui.widgets.panes import Axis, Frame, apart

_CASES = [
    (10, [9, 5, 2], [9, 5, 2]),
    (10, [5, 5, 5], [5, 4, 3]),
    (10, [9, 9, 0, 0], [9, 8, 1, 0]),
    (3, [0, 0, 0], [2, 1, 0]),
    (2, [1, 1, 1], [1, 0, 0]),
    (1, [0], [0]),
    (4, [], []),
]


def test_an_axis_has_round_bounds_that_hold_every_value() -> None:
    axis = Axis.fit([np.array([91_200.0, math.nan]), np.array([109_400.0])], 20)
    assert (axis.low, axis.high) == (90_000.0, 110_000.0)
    assert axis.ticks == (90_000.0, 95_000.0, 100_000.0, 105_000.0, 110_000.0)
    assert axis.row(90_000.0) == 0
    assert axis.row(110_000.0) == 19
    assert [axis.row(axis.value(row)) for row in range(20)] == list(range(20))


def test_an_axis_of_one_value_or_none_is_still_an_axis() -> None:
    flat = Axis.fit([np.array([98_000.0])], 10)
    assert flat.low < 98_000.0 < flat.high
    for values in ([math.nan], []):
        empty = Axis.fit([np.array(values)], 10)
        assert empty.low < 0.0 < empty.high


def test_bars_are_as_high_as_their_value() -> None:
    axis = Axis.fit([np.array([0.0, 8.0])], 9)
    assert (axis.low, axis.high) == (0.0, 10.0)
    assert axis.halves(0.0, 0.0) == [0.0]
    heights = axis.halves(0.0, 10.0)
    assert len(heights) == 18
    assert heights == sorted(heights)
    assert (heights[0], heights[-1]) == (0.0, 10.0)


def test_columns_begin_at_round_instants_so_that_the_past_holds_still() -> None:
    one = Frame.until(100_003.0, 3_600.0, 70, 10)
    assert one.drawn == 60
    assert one.step == pytest.approx(3_600.0 / 59)
    assert one.end - one.step < 100_003.0 <= one.end
    assert one.limit == pytest.approx(one.end + 10 * one.step)
    later = Frame.until(one.end, 3_600.0, 70, 10)
    assert later.start == pytest.approx(one.start)
    assert Frame.until(one.end + 1.0, 3_600.0, 70, 10).start == pytest.approx(one.start + one.step)


@pytest.mark.parametrize(("height", "rows", "placed"), _CASES)
def test_names_are_moved_apart(height: int, rows: list[int], placed: list[int]) -> None:
    assert apart(rows, height) == placed
