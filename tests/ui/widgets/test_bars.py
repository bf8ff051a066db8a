"""Bars and their scale."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gextui.ui.widgets.bars import Scale, Stretch, bar_left, bar_right, nice_ceiling, stretched, trim_zeros


@pytest.mark.parametrize(
    ("value", "nice"), [(1.0, 1.0), (1.01, 1.5), (182.4e6, 200e6), (81e6, 100e6), (0.06, 0.06), (6.5, 8.0)]
)
def test_nice_ceiling(value: float, nice: float) -> None:
    assert nice_ceiling(value) == pytest.approx(nice)


@given(st.floats(1e-9, 1e15))
def test_nice_ceiling_is_never_below_and_never_far_above(value: float) -> None:
    nice = nice_ceiling(value)
    assert value * (1 - 1e-9) <= nice <= value * 1.6


def test_scale_grows_at_once_and_shrinks_late() -> None:
    scale = Scale()
    assert scale.fit(48.0) == 50.0
    assert scale.fit(50.1) == 60.0
    assert [scale.fit(peak) for peak in (48.0, 59.0, 34.0, 60.0)] == [60.0] * 4
    assert scale.fit(32.9) == 40.0
    scale.reset()
    assert scale.fit(3.0) == 3.0


@pytest.mark.parametrize("peak", [0.0, math.nan, math.inf, -1.0])
def test_scale_keeps_what_it_had_when_there_is_no_peak(peak: float) -> None:
    scale = Scale()
    assert scale.fit(peak) == 0.0
    assert scale.eighths(5.0, 10) == 0
    scale.fit(5.0)
    assert scale.fit(peak) == 5.0


def test_lengths() -> None:
    scale = Scale()
    scale.fit(10.0)
    assert [scale.eighths(value, 4) for value in (10.0, -5.0, 2.5, 0.0, math.nan, 40.0)] == [32, 16, 8, 0, 0, 32]
    assert scale.text() == "10"
    scale.fit(20e9)
    assert scale.text() == "20B"
    assert Scale().text() == ""


def test_trim_zeros() -> None:
    assert [trim_zeros(text) for text in ("20.00B", "1.50B", "100.0M", "+400.0M", "100", "0")] == [
        "20B", "1.5B", "100M", "+400M", "100", "0",
    ]  # fmt: skip


def test_bars_grow_from_the_axis() -> None:
    assert bar_right(19, 4, "call") == [("██▍", "call"), (" ", "graph")]
    assert bar_left(19, 4, "put") == [(" ", "graph"), ("▋", "put reversed"), ("██", "put")]
    assert bar_left(16, 4, "put") == [("  ", "graph"), ("██", "put")]


@given(st.integers(1, 60), st.data())
def test_bars_are_exactly_as_wide_as_their_cells(cells: int, data: st.DataObject) -> None:
    eighths = data.draw(st.integers(0, cells * 8))
    for draw in (bar_left, bar_right):
        assert sum(len(text) for text, _ in draw(eighths, cells, "call")) == cells


def parts(*values: float) -> list[Stretch]:
    return [Stretch(value, glyph, glyph) for value, glyph in zip(values, "█▓▒", strict=False)]


@pytest.mark.parametrize(
    ("eighths", "values", "drawn"),
    [
        (80, (3.0, 1.0, 1.0), "██████▓▓▒▒"),
        (80, (-3.0, -2.0), "██████▓▓▓▓"),
        (84, (1.0, 1.0), "█████▓▓▓▓▓"),
        (80, (0.0, 1.0), "▓▓▓▓▓▓▓▓▓▓"),
        (12, (1.0, 3.0), "▓▓"),
        (3, (1.0, 3.0), ""),
        (16, (1.0, math.nan), "██"),
        (0, (1.0, 1.0), ""),
        (16, (0.0, 0.0), ""),
    ],
)
def test_a_bar_in_stretches(eighths: int, values: tuple[float, ...], drawn: str) -> None:
    spans = stretched(eighths, parts(*values))
    assert "".join(text for text, _ in spans) == drawn
    assert all(set(text) == {names} for text, names in spans)
