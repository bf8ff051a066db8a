"""Levels over time: gaps stay gaps, names stand at their values, and nothing is drawn twice."""

import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import zip_longest

import numpy as np
import pytest
from rich.text import Text
from textual.pilot import Pilot

from gextui.exposure.board import Board
from gextui.exposure.series import Gap, Series
from gextui.ui.format import Unit
from gextui.ui.widgets.history import History
from gextui.ui.widgets.panes import Pane
from gextui.ui.widgets.plot import Plot
from tests.ui.desk import NOW, MemoryDesk
from tests.ui.series import made_up_series
from tests.ui.widgets.showing import screen_text, seen, showing

HOUR = timedelta(hours=1)
T = NOW.timestamp()
BLOCKS = "▘▝▀▖▌▞▛▗▚▐▜▄▙▟█"


@pytest.fixture(scope="module")
def board() -> Board:
    desk = MemoryDesk("BTC")
    return desk.views[desk.tickers[0]].board


@asynccontextmanager
async def charted(
    board: Board,
    series: Series | None,
    size: tuple[int, int] = (79, 31),
    view: History | None = None,
    theme: str = "dark",
) -> AsyncIterator[tuple[History, Pilot[None]]]:
    view = view or History()
    async with showing(view, size, theme) as pilot:
        view.show(board, unit=Unit.PERCENT_MOVE)
        view.show_series(series)
        await pilot.pause()
        yield view, pilot


def changed(series: Series, **columns: np.ndarray) -> Series:
    return replace(series, columns={**series.columns, **columns})


def columns_of(lines: list[str], glyphs: str) -> set[int]:
    """The columns in which any of these glyphs stands."""
    return {at for text in lines for at, each in enumerate(text) if each in glyphs}


async def test_levels_are_named_at_their_values(board: Board) -> None:
    async with charted(board, made_up_series()) as (view, pilot):
        lines = screen_text(pilot)
        rows = {name: next(y for y, text in enumerate(lines) if name in text) for name in ("CW", "SPOT", "0γ", "PW")}
        assert lines[rows["CW"]].startswith("110,000┤")
        assert lines[rows["CW"]].endswith("─  CW 110,000")
        assert lines[rows["PW"]].startswith(" 90,000┤")
        assert lines[rows["PW"]].endswith("─  PW 90,000")
        assert "SPOT 98,412" in lines[rows["SPOT"]]
        assert "0γ 96,850" in lines[rows["0γ"]]
        assert rows["CW"] < rows["SPOT"] < rows["0γ"] < rows["PW"]
        assert view.heading == "Levels over 1 h, UTC"
        assert lines[0].split("  ") == [" 1 h", "4 h", "1 d", "7 d", "30 d"]
        assert lines[-1] == " nothing missing"


async def test_net_gex_has_its_own_pane_with_a_line_at_zero(board: Board) -> None:
    series = made_up_series()
    net = np.where(np.arange(600) < 300, 200e6, -100e6)
    async with charted(board, changed(series, net_gex=net)) as (_, pilot):
        lines = screen_text(pilot)
        zero = next(y for y, text in enumerate(lines) if text.startswith("      0├"))
        above, below = columns_of(lines[zero - 3 : zero], "█"), columns_of(lines[zero + 1 : zero + 2], "█▀")
        assert max(above) <= min(below)
        assert abs(len(above) - len(below)) <= 2
        assert "Net -100.0M" in "\n".join(lines)


async def test_nothing_is_drawn_across_a_gap(board: Board) -> None:
    whole = made_up_series()
    gap = Gap(T - 1_800.0, T - 1_200.0, "restart")
    async with charted(board, made_up_series(gaps=[gap])) as (_, pilot):
        lines = screen_text(pilot)
        assert any(" gap " in text for text in lines[1:-1])
        assert lines[-1] == " gap 14:02–14:12 (restart)"
        drawn = columns_of([text[8:65] for text in lines[1:20]], BLOCKS + "─·")
        empty = set(range(max(drawn))) - drawn
        assert len(empty) == max(empty) - min(empty) + 1
        assert len(empty) == pytest.approx(57 / 6, abs=1.5)
    async with charted(board, whole) as (_, pilot):
        drawn = columns_of([text[8:65] for text in screen_text(pilot)[1:20]], BLOCKS + "─·")
        assert set(range(max(drawn) + 1)) - drawn <= {0}


async def test_missing_values_break_their_own_line_alone(board: Board) -> None:
    series = made_up_series()
    wall = series.columns["call_wall"].copy()
    wall[200:400] = np.nan
    async with charted(board, changed(series, call_wall=wall)) as (_, pilot):
        lines = screen_text(pilot)
        at = next(y for y, text in enumerate(lines) if "CW" in text)
        assert re.search("─ +─", "".join(min(pair) for pair in zip(lines[at], lines[at], strict=True))) is None
        calls = columns_of(lines[1 : at + 6], "─")
        assert len(set(range(min(calls), max(calls))) - calls) == pytest.approx(57 / 3, abs=2)
        puts = columns_of([text for text in lines if "PW" in text], "─")
        assert not set(range(min(puts), max(puts))) - puts
        assert lines[-1] == " no call wall in 200 of 600 readings"


async def test_what_was_recorded_late_is_said_at_every_width(board: Board) -> None:
    series = made_up_series(recorded=HOUR / 2, gaps=[Gap(T - 900.0, T - 600.0, "no data")])
    for width, words in (
        (79, " recorded since 14:02 UTC only  gap 14:17–14:22 (no data)"),
        (50, " recorded since 14:02 UTC only  1 gap"),
        (30, " since 14:02 UTC only  1 gap"),
    ):
        async with charted(board, series, (width, 20)) as (_, pilot):
            assert screen_text(pilot)[-1] == words


async def test_the_axis_ends_now_even_where_recording_has_stopped(board: Board) -> None:
    series = made_up_series(end=NOW - HOUR / 2)
    async with charted(board, series) as (_, pilot):
        lines = screen_text(pilot)
        assert lines[-1].startswith(" nothing recorded since 14:02 UTC")
        assert "14:30" in lines[-2]
        drawn = columns_of([text[8:65] for text in lines[1:20]], BLOCKS)
        assert max(drawn) == pytest.approx(57 / 2, abs=2)


@pytest.mark.parametrize(("unit", "said"), [
    (Unit.PERCENT_MOVE, "Net +187.5M"), (Unit.POINT_MOVE, "Net +190.5K"), (Unit.UNDERLYING, "Net +1.9K"),
    (Unit.SHARE, "Net +12.02%"),
])  # fmt: skip
async def test_every_reading_is_converted_by_its_own_spot_and_gross(board: Board, unit: Unit, said: str) -> None:
    async with charted(board, made_up_series()) as (view, pilot):
        view.show(board, unit=unit)
        await pilot.pause()
        assert said in "\n".join(screen_text(pilot))


async def test_h_and_l_choose_the_span_and_the_old_picture_stays_until_the_new_is_there(board: Board) -> None:
    async with charted(board, made_up_series()) as (view, pilot):
        before = screen_text(pilot)
        for _ in range(9):
            view.shift(1)
        assert view.span == timedelta(days=30)
        view.show_series(None)
        await pilot.pause()
        waiting = screen_text(pilot)
        assert waiting[0].endswith("reading 30 d ...")
        assert waiting[1:] == before[1:]
        assert view.heading == "Levels over 1 h, UTC"
        view.show_series(made_up_series(timedelta(days=30)))
        await pilot.pause()
        assert "reading" not in screen_text(pilot)[0]
        assert "13NOV" in screen_text(pilot)[-2]
        assert view.heading == "Levels over 30 d, UTC"
        view.shift(-9)
        assert view.span == HOUR


async def test_zoom_leaves_out_the_walls_and_says_where_they_are(board: Board) -> None:
    async with charted(board, made_up_series()) as (view, pilot):
        view.zoom(1)
        await pilot.pause()
        text = "\n".join(screen_text(pilot))
        assert "▲CW 110,000" in text
        assert "▼PW 90,000" in text
        assert "110,000┤" not in text
        view.zoom(9)
        assert view.zoom_level == 2
        await pilot.pause()
        assert "▼0γ 96,850" in "\n".join(screen_text(pilot))
        view.recentre()
        assert view.zoom_level == 0


async def test_the_same_series_is_drawn_once(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []
    rendered: list[int] = []
    render = Plot.render
    monkeypatch.setattr(Pane, "names", lambda *_: drawn.append(1))

    def counting(plot: Plot) -> Text:
        rendered.append(1)
        return render(plot)

    monkeypatch.setattr(Plot, "render", counting)
    series = made_up_series()
    async with charted(board, series) as (view, pilot):
        assert len(drawn) == 2
        rendered.clear()
        for shift in (0.001, 0.002):
            newer = MemoryDesk("BTC").put(board.ticker, shift=shift, as_of=NOW + timedelta(seconds=4))
            view.show(newer, unit=Unit.PERCENT_MOVE)
            view.show_series(series)
            await pilot.pause()
        assert len(drawn) == 2
        assert not rendered
        view.show_series(made_up_series())
        assert len(drawn) == 4


async def test_a_newer_reading_repaints_only_the_end(board: Board) -> None:
    series = made_up_series(end=NOW - timedelta(seconds=20), readings=300)
    newer = Series(
        np.append(series.times, T - 15.0),
        {name: np.append(each, each[-1] * (1.004 if name == "spot" else 1.0)) for name, each in series.columns.items()},
        (),
    )
    async with charted(board, series) as (view, pilot):
        before = screen_text(pilot)
        view.show_series(newer)
        await pilot.pause()
        pairs = zip(before, screen_text(pilot), strict=True)
        differing = {
            at for old, new in pairs for at, each in enumerate(zip_longest(old, new, fillvalue=" ")) if len({*each}) > 1
        }
        assert differing
        assert min(differing) >= 60


async def test_an_older_reading_is_marked(board: Board) -> None:
    async with charted(board, made_up_series()) as (view, pilot):
        older = MemoryDesk("BTC").put(board.ticker, as_of=NOW - HOUR / 2)
        view.show(older, unit=Unit.PERCENT_MOVE)
        await pilot.pause()
        axis = screen_text(pilot)[-3]
        at = [text.index("│", 10) for text in screen_text(pilot)[4:8] if "│" in text[10:]]
        assert len(set(at)) == 1
        assert axis[at[0]] in "┬┴┼"
        assert at[0] - 8 == pytest.approx(57 / 2, abs=2)


async def test_stale_dims_the_newest_values_and_leaves_the_past_its_colours(board: Board) -> None:
    async with charted(board, made_up_series()) as (view, pilot):

        def colours(word: str) -> set[object]:
            strips = pilot.app.screen._compositor.render_strips()
            return {
                segment.style.color
                for strip in strips
                for segment in strip
                if segment.style and any(part in segment.text for part in word.split())
            }

        assert colours("SPOT") == {view.style_named("spot").color}
        view.show(board, unit=Unit.PERCENT_MOVE, stale=True)
        await pilot.pause()
        assert colours("SPOT CW Net") == {view.style_named("stale").color}
        assert view.style_named("spot").color in colours("█ ▀ ▄ ▟")


async def test_without_readings_it_says_so(board: Board) -> None:
    async with charted(board, None) as (view, pilot):
        assert seen(view)[0] == " 1 h  4 h  1 d  7 d  30 d"
        assert "no levels over time yet: they are drawn from what is recorded" in "\n".join(seen(view))
        view.show_series(made_up_series(readings=1, recorded=timedelta()))
        await pilot.pause()
        assert "fewer than two readings recorded in the last 1 h" in "\n".join(seen(view))
        view.show_series(made_up_series())
        await pilot.pause()
        assert "SPOT" in "\n".join(screen_text(pilot))
        other = MemoryDesk("SPX")
        view.show(other.views[other.tickers[0]].board, unit=Unit.PERCENT_MOVE)
        await pilot.pause()
        assert "SPOT" not in "\n".join(screen_text(pilot))


async def test_walls_at_one_strike_are_both_named(board: Board) -> None:
    series = made_up_series()
    async with charted(board, changed(series, put_wall=series.columns["call_wall"])) as (_, pilot):
        lines = screen_text(pilot)
        at = next(y for y, text in enumerate(lines) if text.endswith("CW 110,000"))
        assert lines[at + 1].endswith("PW 110,000")


async def test_levels_that_are_all_missing_are_left_out(board: Board) -> None:
    series = made_up_series()
    nothing = np.full(600, np.nan)
    async with charted(board, changed(series, zero_gamma=nothing, call_wall=nothing, net_gex=nothing)) as (_, pilot):
        text = "\n".join(screen_text(pilot))
        assert "SPOT" in text
        for name in ("0γ", "CW", "Net", "nan"):
            assert name not in text
        assert "no call wall in 600 of 600 readings" in text


@pytest.mark.parametrize("size", [(120, 33), (79, 31), (60, 17), (51, 19), (40, 10), (24, 7), (12, 3), (1, 1)])
@pytest.mark.parametrize("ascii_only", [False, True])
async def test_every_size_and_ascii(board: Board, size: tuple[int, int], ascii_only: bool) -> None:
    gaps = [Gap(T - 1_800.0, T - 1_200.0, "[red]restart[/red]")]
    async with charted(board, made_up_series(gaps=gaps), size, History(ascii_only=ascii_only)) as (_, pilot):
        lines = screen_text(pilot)
        assert len(lines) == size[1]
        assert all(len(text) <= size[0] for text in lines)
        assert "".join(lines).isascii() or not ascii_only
        if size[0] >= 60 and not ascii_only:
            assert "([red]restart[/red])" in lines[-1]
            assert "┬" in lines[-3]
            assert re.search(r"\d\d:\d\d", lines[-2])


@pytest.mark.parametrize("theme", ["dark", "light", "ansi"])
async def test_colours_come_from_the_theme(board: Board, theme: str) -> None:
    async with charted(board, made_up_series(), theme=theme) as (view, pilot):
        strips = pilot.app.screen._compositor.render_strips()
        colours = {
            segment.style.color for strip in strips for segment in strip if segment.style and segment.text.strip()
        }
        for name in ("spot", "zero", "call", "put"):
            assert view.style_named(name).color in colours


async def test_a_small_price_keeps_its_digits(board: Board) -> None:
    async with charted(board, made_up_series(scale=2.2413 / 98_412.5)) as (_, pilot):
        text = "\n".join(screen_text(pilot))
        assert "SPOT 2.24" in text
        assert "2.50┤" in text or "2.5┤" in text


def test_plotext_is_imported_only_when_a_history_is_shown() -> None:
    code = (
        "import sys, gextui.ui.widgets.history; sys.exit('plotext' in sys.modules or 'textual_plotext' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
