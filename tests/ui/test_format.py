"""Numbers as a trader reads them."""

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from gextui.exposure.levels import Distance
from gextui.ui import format as fmt

NEXT_FRIDAY = datetime(2026, 11, 28, 8, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (98412.5, "98,412.5"),
        (4505.1, "4,505.1"),
        (512.344, "512.34"),
        (1.96131, "1.9613"),
        (0.51234, "0.5123"),
        (0.0000123, "0.000012"),
        (None, "–"),
        (math.nan, "–"),
        (math.inf, "–"),
    ],
)
def test_price(value: float | None, text: str) -> None:
    assert fmt.price(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(96850.4, "96,850"), (4472.12, "4,472.1"), (98.411, "98.41"), (0.0, "0.00"), (None, "–")]
)
def test_level(value: float | None, text: str) -> None:
    assert fmt.level(value) == text


def test_strikes_are_exact_and_a_column_shares_its_decimals() -> None:
    assert fmt.strike(110000.0) == "110,000"
    assert fmt.strike(47.5) == "47.5"
    assert fmt.strike(0.525) == "0.525"
    decimals = fmt.strike_decimals([45.0, 47.5, 50.25])
    assert [fmt.strike(value, decimals) for value in (45.0, 47.5, 50.25)] == ["45.00", "47.50", "50.25"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (182_400_000.0, "+182.4M"),
        (-1_210_000_000.0, "-1.21B"),
        (48_500.0, "+48.5K"),
        (950.0, "+950"),
        (12.3, "+12"),
        (3.14159, "+3.14"),
        (-0.001, "0.00"),
        (0.0, "0"),
        (-0.0, "0"),
        (999_960.0, "+1.0M"),
        (999_940.0, "+999.9K"),
        (999.6, "+1.0K"),
        (-999_996_000_000.0, "-1.00T"),
        (2.5e15, "+2500.00T"),
        (None, "–"),
        (math.nan, "–"),
    ],
)
def test_compact(value: float | None, text: str) -> None:
    assert fmt.compact(value) == text


@given(st.floats(min_value=-1e15, max_value=1e15))
def test_compact_is_within_half_a_last_digit_and_short(value: float) -> None:
    text = fmt.compact(value)
    assert len(text) <= 9
    scale = {"K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}.get(text[-1], 1.0)
    digits = text.rstrip("KMBT")
    step = 10.0 ** -(len(digits.partition(".")[2])) * scale
    assert abs(float(digits) * scale - value) <= step * 0.5000001


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [(0.0124, 2, "+1.24%"), (-0.016, 1, "-1.6%"), (-0.0001, 1, "0.0%"), (0.0, 2, "0.00%"), (None, 1, "–")],
)
def test_percent(value: float | None, decimals: int, text: str) -> None:
    assert fmt.percent(value, decimals) == text


def test_distances_ratios_and_volatility() -> None:
    assert fmt.distance(Distance(11.77, 2.14)) == "+11.8%"
    assert fmt.sigmas(Distance(-1.6, -0.62)) == "-0.6σ"
    assert fmt.sigmas(Distance(-1.6, None)) == "–"
    assert fmt.distance(None) == "–"
    assert fmt.ratio(0.6189) == "0.62"
    assert fmt.volatility(0.4532) == "45.3%"
    assert fmt.count(12_345.0) == "12.3K"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.8, "0.8 s"),
        (-3.0, "0.0 s"),
        (9.97, "10 s"),
        (42.0, "42 s"),
        (99.6, "2 min"),
        (3600.0, "60 min"),
        (7200.0, "2 h"),
        (86400.0 * 5, "5 d"),
        (None, "–"),
    ],
)
def test_age(seconds: float | None, text: str) -> None:
    assert fmt.age(seconds) == text


def test_dates() -> None:
    assert fmt.day(NEXT_FRIDAY) == "28NOV26"
    assert fmt.short_day(NEXT_FRIDAY) == "28NOV"
    assert fmt.moment(datetime(2026, 11, 28, 8, tzinfo=UTC)) == "28 NOV 26 08:00 UTC"
    assert fmt.clock(datetime(2026, 11, 28, 8, 1, 2, tzinfo=UTC)) == "08:01:02 UTC"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "expired"),
        (0, "expired"),
        (1, "1m"),
        (60, "1m"),
        (61, "2m"),
        (3540, "59m"),
        (3541, "1h00m"),
        (18720, "5h12m"),
        (86400, "24h00m"),
        (86401, "24h"),
        (129600, "36h"),
        (86400 * 12, "12d"),
    ],
)
def test_time_left(seconds: float, text: str) -> None:
    assert fmt.until(1e9 + seconds, 1e9) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "expired"),
        (0, "expired"),
        (0.4, "00:00:01"),
        (61, "00:01:01"),
        (86_399, "23:59:59"),
        (86_400 * 7 + 62_870, "7d 17:27:50"),
    ],
)
def test_countdown(seconds: float, text: str) -> None:
    assert fmt.countdown(1e9 + seconds, 1e9) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (6.6e-6, "6.6e-06"),
        (-9.4e-156, "-9e-156"),
        (0.0123, "0.0123"),
        (13.626, "13.63"),
        (-812.44, "-812.4"),
        (-12_345.6, "-12,346"),
        (None, "–"),
        (math.nan, "–"),
    ],
)
def test_greek(value: float | None, text: str) -> None:
    assert fmt.greek(value) == text


def test_plain_keeps_every_cell_in_its_place() -> None:
    text = "γ+ ±2,140 ● live │ – ╭─╮"
    assert fmt.plain(text) == "g+ ~2,140 # live | - +-+"
    assert cell_len(fmt.plain(text)) == cell_len(text)


@given(st.text(), st.integers(min_value=1, max_value=40))
def test_a_column_has_its_width_whatever_stands_in_it(text: str, width: int) -> None:
    assert cell_len(fmt.left(text, width)) == width
    assert cell_len(fmt.right(text, width)) == width


def test_columns_cut_with_an_ellipsis() -> None:
    assert fmt.left("Call wall", 6) == "Call …"
    assert fmt.right("+1.2%", 8) == "   +1.2%"


def test_sentences_are_cut_at_a_word() -> None:
    assert fmt.clip("the disk is full: not recording", 40) == "the disk is full: not recording"
    assert fmt.clip("the disk is full: not recording", 20) == "the disk is full…"
    assert fmt.clip("the disk", 1) == "…"
    assert fmt.clip("the disk", -3) == "…"
