"""Time as an axis: round ticks, lines that end at gaps, and words for what is missing."""

import math
from datetime import UTC, datetime

import numpy as np
import pytest

from gextui.exposure.series import Gap, Series
from gextui.market.chain import Floats
from gextui.ui.widgets.timeline import SPANS, by_column, find_missing, time_ticks, unbroken

T0 = datetime(2026, 11, 20, 12, 0, tzinfo=UTC).timestamp()


def series(times: list[float], *gaps: Gap, **columns: list[float]) -> Series:
    return Series(T0 + np.array(times), {name: np.array(values) for name, values in columns.items()}, gaps)


def gap(start: float, end: float, reason: str = "restart") -> Gap:
    return Gap(T0 + start, T0 + end, reason)


def values(*given: float) -> Floats:
    return np.array(given)


def test_spans_run_from_an_hour_to_a_month() -> None:
    assert [(span.label, span.seconds / 3600) for span in SPANS] == [
        ("1 h", 1), ("4 h", 4), ("1 d", 24), ("7 d", 168), ("30 d", 720),
    ]  # fmt: skip


def test_ticks_are_round_instants_utc() -> None:
    assert time_ticks(T0 + 60, T0 + 3660, 6) == [
        (T0 + 600 * number, f"{12 + number // 6}:{number % 6}0") for number in range(1, 7)
    ]
    labels = [label for _, label in time_ticks(T0 - 20 * 3600, T0 + 4 * 3600, 6)]
    assert labels == ["16:00", "20:00", "20NOV", "04:00", "08:00", "12:00"]
    assert [label for _, label in time_ticks(T0 - 30 * 86400, T0, 4)] == ["22OCT", "05NOV", "19NOV"]


@pytest.mark.parametrize("span", SPANS)
@pytest.mark.parametrize("most", [1, 2, 3, 5, 9])
def test_ticks_are_never_too_many(span: object, most: int) -> None:
    seconds = next(each.seconds for each in SPANS if each is span)
    for offset in (0.0, 17.0, 5_555.5):
        ticks = time_ticks(T0 + offset - seconds, T0 + offset, most)
        assert len(ticks) <= most
        assert all(T0 + offset - seconds <= time <= T0 + offset for time, _ in ticks)


def test_a_line_ends_at_a_gap_and_at_missing_values() -> None:
    shown = series([0, 10, 20, 90, 100], gap(20, 90))
    assert [run.tolist() for run in unbroken(shown, values(1, 2, 3, 4, 5))] == [[0, 1, 2], [3, 4]]
    assert [run.tolist() for run in unbroken(shown, values(1, math.nan, 3, 4, math.nan))] == [[0], [2], [3]]
    assert unbroken(shown, values(*[math.nan] * 5)) == []


def test_a_gap_within_thinned_readings_still_breaks_the_line() -> None:
    # Of the stretch that ends at 20 the reading at 22, after which the gap begins, was left out.
    shown = series([0, 10, 20, 90, 100], gap(22, 88))
    assert [run.tolist() for run in unbroken(shown, values(1, 2, 3, 4, 5))] == [[0, 1, 2], [3, 4]]
    # A gap that ends at the first reading, and one after the last, break nothing.
    shown = series([0, 10, 20], gap(-50, 0), gap(20, 80))
    assert [run.tolist() for run in unbroken(shown, values(1, 2, 3))] == [[0, 1, 2]]


def test_a_column_shows_the_last_value_at_its_end_and_nothing_in_a_gap() -> None:
    shown = series([5, 15, 18, 52, 65], gap(18, 52))
    edges = T0 + np.arange(-10.0, 100.0, 10.0)
    sampled = by_column(shown, values(1, 2, 3, 4, 5), edges)
    expected = [math.nan, 1, 3, math.nan, math.nan, math.nan, 4, 5, math.nan, math.nan]
    np.testing.assert_array_equal(sampled, expected)


def test_a_value_holds_between_readings_that_no_gap_parts() -> None:
    sampled = by_column(series([0, 40]), values(1, 2), T0 + np.arange(-5.0, 60.0, 10.0))
    np.testing.assert_array_equal(sampled, [1, 1, 1, 1, 2, math.nan])
    assert np.isnan(by_column(series([]), values(), T0 + np.arange(3.0))).all()


def words(shown: Series, start: float, end: float) -> list[str]:
    return [each.words for each in find_missing(shown, T0 + start, T0 + end, {"zero_gamma": "zero gamma"})]


def test_nothing_is_missing() -> None:
    times = [float(time) for time in range(0, 3601, 10)]
    assert words(series(times, zero_gamma=[1.0] * len(times)), 0, 3600) == []


def test_what_is_missing_is_said_the_gravest_first() -> None:
    times = [*range(240, 1200, 10), *range(1920, 3000, 10)]
    zero = [math.nan] * 14 + [1.0] * (len(times) - 14)
    shown = series([float(time) for time in times], gap(1190, 1920, "no data"), zero_gamma=zero)
    assert words(shown, 0, 3600) == [
        "nothing recorded since 12:49 UTC",
        "recorded since 12:04 UTC only",
        "gap 12:19–12:32 (no data)",
        f"no zero gamma in 14 of {len(times)} readings",
    ]
    short = [(each.short, each.urgent) for each in find_missing(shown, T0, T0 + 3600, {"zero_gamma": "zero gamma"})]
    assert short == [
        ("nothing since 12:49 UTC", True),
        ("since 12:04 UTC only", True),
        ("1 gap", True),
        ("no zero gamma in 14", False),
    ]


def test_another_day_is_named_and_the_longest_gap_of_many() -> None:
    times = [float(time) for time in range(-86_400, 1, 600)]
    shown = series(times, gap(-50_000, -43_000, "restart"), gap(-9_000, -7_000), zero_gamma=[1.0] * len(times))
    assert words(shown, -7 * 86_400, 0) == [
        "recorded since 19NOV 12:00 UTC only",
        "2 gaps, the longest 19NOV 22:06–20NOV 00:03 (restart)",
    ]


def test_gaps_outside_the_axis_are_not_said() -> None:
    times = [float(time) for time in range(0, 3601, 10)]
    shown = series(times, gap(-900, -600), zero_gamma=[1.0] * len(times))
    assert words(shown, 0, 3600) == []
