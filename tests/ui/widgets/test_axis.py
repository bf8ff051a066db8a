"""The price axis: follows spot, stands still, scrolls, zooms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gextui.ui.widgets.axis import Axis

STRIKES = np.arange(50.0, 151.0)


def fitted(spot: float = 100.4, height: int = 21, *, sigma: float | None = 0.02) -> Axis:
    axis = Axis()
    axis.fit(STRIKES, spot, height, daily_sigma=sigma, subject="A")
    return axis


def prices(axis: Axis) -> list[float | None]:
    return [None if row is None else float(axis.rungs.prices[row]) for row in axis.visible()]


def test_the_spot_line_is_between_its_two_strikes_in_the_middle() -> None:
    rows = prices(fitted())
    assert len(rows) == 21
    assert rows[10] is None
    assert rows[9] == 101.0
    assert rows[11] == 100.0
    assert rows[0] == 110.0


def test_a_strike_that_spot_is_at_is_below_the_line() -> None:
    rows = prices(fitted(100.0))
    at = rows.index(None)
    assert rows[at - 1 : at + 2] == [101.0, None, 100.0]


def test_the_view_stands_still_while_spot_is_near_the_middle() -> None:
    axis = fitted()
    first = prices(axis)[0]
    for spot in (101.4, 102.4, 103.4, 98.4):
        axis.fit(STRIKES, spot, 21, daily_sigma=0.02, subject="A")
        assert prices(axis)[0] == first
    axis.fit(STRIKES, 105.4, 21, daily_sigma=0.02, subject="A")
    assert prices(axis).index(None) == 10


def test_the_first_move_leaves_from_the_spot_line() -> None:
    down, up = fitted(), fitted()
    down.move(1)
    up.move(-1)
    assert (down.cursor, up.cursor) == (100.0, 101.0)
    down.move(3)
    assert down.cursor == 97.0


def test_the_cursor_scrolls_the_view_and_stops_at_the_ends() -> None:
    axis = fitted()
    axis.move(15)
    assert axis.cursor == 86.0
    assert prices(axis)[-1] == 86.0
    axis.move(-500)
    assert axis.cursor == 150.0
    assert prices(axis)[0] == 150.0
    axis.move(500)
    assert axis.cursor == 50.0
    assert prices(axis)[-1] == 50.0


def test_a_scrolled_view_does_not_follow_spot() -> None:
    axis = fitted()
    axis.page(1)
    before = prices(axis)
    axis.fit(STRIKES, 101.4, 21, daily_sigma=0.02, subject="A")
    assert [price for price in prices(axis) if price is not None] == [price for price in before if price is not None]
    axis.recentre()
    assert axis.cursor is None
    assert prices(axis).index(None) == 10


def test_a_page_moves_view_and_cursor() -> None:
    axis = fitted()
    axis.page(1)
    assert axis.cursor == 82.0
    assert prices(axis)[0] == pytest.approx(91.0, abs=1.0)
    axis.page(-1)
    assert axis.cursor == 101.0


def test_go_to_finds_the_nearest_listed_strike_and_shows_it_in_the_middle() -> None:
    axis = fitted()
    assert axis.go_to(129.6)
    assert axis.cursor == 130.0
    assert prices(axis)[10] == 130.0
    assert axis.go_to(1e9)
    assert axis.cursor == 150.0
    assert not Axis().go_to(100.0)


def test_zoom_takes_the_next_step_and_keeps_spot_in_the_middle() -> None:
    axis = fitted()
    home = axis.step
    axis.zoom(-1)
    assert axis.step > home
    assert axis.zoom_level == -1
    assert prices(axis).index(None) == 10
    axis.zoom(1)
    assert (axis.step, axis.zoom_level) == (home, 0)


def test_zoom_stops_where_there_is_no_further_step() -> None:
    axis = fitted(sigma=0.001)
    assert axis.step == 0.0
    axis.zoom(1)
    assert axis.zoom_level == 0
    axis.zoom(-20)
    assert axis.step == 10.0
    assert axis.zoom_level == -3
    axis.zoom(1)
    assert axis.step == 5.0


def test_zoom_keeps_the_row_under_the_cursor_where_it_is() -> None:
    axis = fitted()
    axis.go_to(120.0)
    place = prices(axis).index(120.0)
    axis.zoom(-1)
    assert prices(axis).index(120.0) == place
    assert axis.cursor == 120.0


def test_a_new_ticker_starts_afresh_and_a_new_filter_keeps_the_cursor() -> None:
    axis = fitted()
    axis.zoom(-1)
    axis.go_to(120.0)
    axis.fit(STRIKES, 100.4, 21, daily_sigma=0.02, subject="A", selection="7d")
    assert (axis.cursor, axis.zoom_level) == (120.0, -1)
    axis.fit(STRIKES * 10, 1004.0, 21, daily_sigma=0.02, subject="B")
    assert (axis.cursor, axis.zoom_level) == (None, 0)


def test_the_step_does_not_follow_a_wavering_volatility() -> None:
    axis = fitted(sigma=0.02)
    step = axis.step
    for sigma in (0.01, 0.03, 0.05):
        axis.fit(STRIKES, 100.4, 21, daily_sigma=sigma, subject="A")
        assert axis.step == step


def test_an_axis_that_does_not_gather_shows_every_strike() -> None:
    axis = Axis(gathers=False)
    axis.fit(STRIKES, 100.4, 5, daily_sigma=0.1, subject="A")
    assert prices(axis) == [102.0, 101.0, None, 100.0, 99.0]


@pytest.mark.parametrize("strikes", [[], [100.0], [100.0, 101.0]])
@pytest.mark.parametrize("height", [0, 1, 2, 30])
def test_small_chains_and_small_rooms(strikes: list[float], height: int) -> None:
    axis = Axis()
    axis.fit(np.array(strikes), 100.5, height)
    assert len(axis.visible()) == min(height, len(strikes) + 1 if strikes else 0)
    axis.move(1)
    axis.page(-1)
    axis.zoom(-1)
    axis.fit(np.array(strikes), 100.5, height)
    assert len(axis.visible()) <= height
    assert axis.cursor in (None, *strikes)


@given(
    st.lists(st.tuples(st.sampled_from(["move", "page", "zoom", "spot", "go_to"]), st.integers(-30, 30)), max_size=25),
    st.integers(3, 40),
)
def test_whatever_is_done_the_view_is_full_and_in_order(steps: list[tuple[str, int]], height: int) -> None:
    axis = fitted(height=height)
    spot = 100.4
    for what, amount in steps:
        if what == "spot":
            spot = min(max(spot + amount / 3, 45.0), 160.0)
        elif what == "move":
            axis.move(amount)
        elif what == "page":
            axis.page(1 if amount > 0 else -1)
        elif what == "zoom":
            axis.zoom(1 if amount > 0 else -1)
        else:
            axis.go_to(100.0 + amount)
        axis.fit(STRIKES, spot, height, daily_sigma=0.02, subject="A")
        rows = axis.visible()
        assert len(rows) == min(height, len(axis.rungs) + 1)
        numbers = [row for row in rows if row is not None]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        if axis.cursor is not None and what in ("move", "page", "go_to"):
            assert axis.cursor_row in rows
        if axis.cursor is None:
            assert None in rows
        if None in rows[1:-1]:
            at = rows.index(None)
            above, below = rows[at - 1], rows[at + 1]
            assert above is not None
            assert below is not None
            assert axis.rungs.prices[above] > spot >= axis.rungs.prices[below]


COINS = 0.00056619


@pytest.mark.parametrize("zoom", [-2, -1, 0, 1])
@pytest.mark.parametrize("moves", [(), (3,), (-14, 2), (40,)])
def test_another_scale_leaves_every_row_where_it_is(zoom: int, moves: tuple[int, ...]) -> None:
    """A coin ETF's strikes as prices of the coin, at ratios that differ a little from reading to reading."""
    axis = fitted(height=11)
    axis.zoom(zoom)
    for rows in moves:
        axis.move(rows)
    before, cursor = prices(axis), axis.cursor_row
    for coins in (COINS, 0.00056623, 0.00056602, 1.0):
        axis.fit(STRIKES / coins, 100.4 / coins, 11, daily_sigma=0.02, subject="A", scale=coins)
        now = prices(axis)
        assert now == pytest.approx([None if price is None else price / coins for price in before], rel=1e-12)
        assert axis.cursor_row == cursor
        strike = axis.cursor_strike
        assert (strike is None) == (cursor is None)
        assert strike is None or strike in (STRIKES / coins).tolist()


def test_on_another_scale_it_moves_zooms_and_finds_as_on_its_own() -> None:
    own, other = fitted(), Axis()
    other.fit(STRIKES / COINS, 100.4 / COINS, 21, daily_sigma=0.02, subject="A", scale=COINS)
    for axis, scale in ((own, 1.0), (other, COINS)):
        axis.move(4)
        axis.zoom(-1)
        axis.page(1)
        assert axis.go_to(123.2 / scale)
        axis.zoom(-1)
    assert other.step * COINS == pytest.approx(own.step)
    assert other.cursor == pytest.approx(123.0 / COINS)
    shown = [None if price is None else price * COINS for price in prices(other)]
    assert shown == pytest.approx(prices(own), rel=1e-12)
