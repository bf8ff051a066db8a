"""The heat map: cells, shades, totals, and both ways of scrolling."""

from dataclasses import replace

import numpy as np
import pytest

from gextui.exposure.board import Board, build_board
from gextui.market.ticker import ticker_for
from gextui.ui.format import Unit
from gextui.ui.widgets.heatmap import HeatMap
from tests.exposure.chains import YEAR, Contract, chain_of
from tests.support.tradier import new_york
from tests.ui.boards import DAY, strikes_board, with_levels
from tests.ui.widgets.showing import painted_lines, seen, showing

STRIKES = [98.0, 99.0, 100.0, 101.0, 102.0]


def board(cells: list[list[float]], days: int = 3) -> Board:
    """Cells by strike (ascending) and expiry."""
    plain = with_levels(strikes_board(STRIKES, spot=100.4, years=[(each + 1) * 7 * DAY for each in range(days)]))
    gex = np.array(cells)
    net = np.nansum(gex, axis=1)
    by_expiry = replace(plain.by_expiry, strike_gex=gex, net_gex=np.nansum(gex, axis=0))
    return replace(
        plain,
        by_expiry=by_expiry,
        by_strike=replace(plain.by_strike, net_gex=net),
        totals=replace(plain.totals, net_gex=float(net.sum()), gross_gex=1e9),
    )


CELLS = [
    [1e6, np.nan, -3e6],
    [0.0, 2e6, 2e6],
    [-100e6, 12e6, np.nan],
    [40e6, 25e6, 3e6],
    [1e6, 1e6, -1e6],
]


async def test_cells_totals_and_headings() -> None:
    view = HeatMap()
    async with showing(view, (60, 17)):
        view.show(board(CELLS), unit=Unit.PERCENT_MOVE)
        lines = seen(view)
        assert lines[0].split() == ["STRIKE", "09MAR", "16MAR", "23MAR", "TOTAL"]
        assert lines[1].split() == ["7d", "14d", "21d"]
        assert lines[2].split() == ["all", "-58M", "+40M", "+1.0M", "-17.0M"]
        assert [text.split() for text in lines[3:5]] == [
            ["102", "+1.0M", "+1.0M", "-1.0M", "+1.0M"],
            ["101", "+40M", "+25M", "+3.0M", "+68.0M"],
        ]
        assert lines[5].split()[0] == "100.40"
        assert lines[5].endswith("SPOT")
        assert lines[6].split() == ["100", "-100M", "+12M", "-88.0M"]
        assert lines[7].split() == ["99", "·", "+2.0M", "+2.0M", "+4.0M"]


async def test_shades_follow_size_and_side() -> None:
    view = HeatMap()
    async with showing(view, (60, 17)):
        view.show(board(CELLS), unit=Unit.PERCENT_MOVE)
        cells = [(text.split(), names) for spans in view.lines[3:] for text, names in spans if "graph" in names]
        assert cells[2] == (["+40M", "+25M"], "call-3 graph")
        assert cells[3] == (["+3.0M"], "call-1 graph")
        assert cells[4:6] == [(["-100M"], "put-4 graph"), (["+12M"], "call-2 graph")]
        assert cells[7] == (["·"], "dim graph")


@pytest.mark.parametrize("theme", ["dark", "light", "ansi"])
async def test_neighbouring_shades_look_different(theme: str) -> None:
    view = HeatMap()
    async with showing(view, (60, 17), theme):
        for side in ("call", "put"):
            styles = [view.style_named(f"{side}-{shade} graph") for shade in range(1, 5)]
            assert len(set(styles)) == 4
        assert (
            view.style_named("call-2").color != view.style_named("put-2").color
            or view.style_named("call-2").bgcolor != view.style_named("put-2").bgcolor
        )


async def test_shift_scrolls_the_expiries_and_stops_at_the_ends() -> None:
    rng = np.random.default_rng(1)
    view = HeatMap()
    async with showing(view, (56, 17)):
        view.show(board(rng.normal(0, 1e6, (5, 12)).tolist(), days=12), unit=Unit.PERCENT_MOVE)
        assert view.heading == "Net GEX by strike and expiry, expiries 1 to 5 of 12"
        view.shift(2)
        assert seen(view)[0].split()[1] == "23MAR"
        view.shift(99)
        assert view.heading.endswith("expiries 8 to 12 of 12")
        view.shift(-99)
        assert view.first == 0
        view.shift(3)
        view.recentre()
        assert view.first == 0


async def test_rows_share_the_ladders_cursor_and_zoom() -> None:
    view = HeatMap()
    async with showing(view, (60, 17)):
        view.show(board(CELLS), unit=Unit.PERCENT_MOVE)
        view.move(1)
        assert view.selected_strike() == 100.0
        assert seen(view)[6].startswith("▸")
        explained = view.explanation()
        assert explained is not None
        assert explained.title == "GEX at 100"
        assert view.zoom_level == 0


async def test_only_rows_that_differ_are_painted(monkeypatch: pytest.MonkeyPatch) -> None:
    view = HeatMap()
    async with showing(view, (60, 17)) as pilot:
        view.show(board(CELLS), unit=Unit.PERCENT_MOVE)
        await pilot.pause()
        painted = painted_lines(monkeypatch)
        cells = [list(each) for each in CELLS]
        cells[3][1] = 26e6
        view.show(board(cells), unit=Unit.PERCENT_MOVE)
        await pilot.pause()
        assert sorted(painted) == [2, 4]


async def test_one_cell_wide_and_empty() -> None:
    view = HeatMap()
    async with showing(view, (24, 6)):
        view.show(board(CELLS), unit=Unit.PERCENT_MOVE)
        assert len(view.lines) == 6
        view.show(strikes_board(STRIKES, spot=100.4, open_interest=0.0), unit=Unit.PERCENT_MOVE)
        assert "no open interest yet" in " ".join(" ".join(seen(view)).split())


async def test_a_day_that_settles_twice_is_two_columns_with_roots_and_halves() -> None:
    when = new_york("2026-11-19", "10:00")
    settles = [("SPX", "2026-11-20", "09:30"), ("SPXW", "2026-11-20", "16:00"), ("SPXW", "2026-11-23", "16:00")]
    rows = [
        Contract(strike, right, years=(new_york(day, at) - when).total_seconds() / YEAR, root=root, open_interest=1.0)
        for root, day, at in settles
        for strike in (99.0, 100.0, 101.0)
        for right in "CP"
    ]
    chain = chain_of(rows, spot=100.2, ticker=ticker_for("SPX"), as_of=when)
    view = HeatMap()
    async with showing(view, (60, 20)):
        view.show(build_board(chain), unit=Unit.PERCENT_MOVE)
        days, settled = seen(view)[:2]
    assert days.split()[:4] == ["STRIKE", "20NOV", "20NOV", "23NOV"]
    assert settled.split() == ["SPX", "AM", "SPXW", "PM", "4d"]
