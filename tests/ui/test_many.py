"""The view of many tickers in the dashboard: its cursor is the chosen ticker, Enter goes there, Esc goes back."""

from datetime import timedelta

import pytest
from textual.widget import Widget

from gextui.exposure.filters import Filters
from gextui.ui.actions import MANY
from gextui.ui.app import GextuiApp
from gextui.ui.screens.dashboard import Dashboard
from gextui.ui.state import State
from gextui.ui.watch import Watch
from gextui.ui.widgets.heatmap import HeatMap
from gextui.ui.widgets.profile import Profile
from gextui.ui.widgets.view import BoardView
from tests.ui.desk import NOW, MemoryDesk
from tests.ui.running import SIZES, running, settled, shown, text_shown
from tests.ui.widgets.showing import painted_lines


def displayed(app: GextuiApp, name: str) -> bool:
    return bool(app.screen_stack[0].query_one(name, Widget).display)


def view_of(app: GextuiApp) -> BoardView | None:
    dashboard = app.screen_stack[0]
    assert isinstance(dashboard, Dashboard)
    return dashboard.view


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_it_has_the_whole_width_and_tab_brings_the_levels(size: tuple[int, int]) -> None:
    async with running(size=size) as (app, pilot):
        await pilot.press("m")
        text = await settled(pilot)
        assert "ZG%" in text
        assert not displayed(app, "#side")
        assert not displayed(app, "#level-line")
        view = view_of(app)
        assert view is not None
        assert view.size.width >= size[0] - 2
        await pilot.press("tab")
        assert "Put wall" in await settled(pilot)
        await pilot.press("tab")
        assert "Put wall" not in await settled(pilot)


async def test_the_cursor_chooses_the_ticker_and_enter_goes_to_it() -> None:
    async with running(MemoryDesk("BTC", "SPX", "IBIT")) as (app, pilot):
        await pilot.press("p", "m")
        assert "All tickers by your order" in await settled(pilot)
        await pilot.press("j")
        await settled(pilot)
        assert shown(app)[1].startswith(" SPX 6,712.4")
        assert any("▸● SPX" in " ".join(line.split()) for line in shown(app))
        await pilot.press("3")
        await settled(pilot)
        assert any("▸● IBIT" in " ".join(line.split()) for line in shown(app))
        await pilot.press("k", "enter")
        await settled(pilot)
        assert isinstance(view_of(app), Profile)
        assert shown(app)[1].startswith(" SPX")


@pytest.mark.parametrize("key", ["m", "escape"])
async def test_the_view_before_it_comes_back(key: str) -> None:
    async with running() as (app, pilot):
        await pilot.press("x", "m", "m", "m")
        assert "All tickers" in await settled(pilot)
        await pilot.press(key)
        await settled(pilot)
        assert isinstance(view_of(app), HeatMap)


async def test_keys_choose_a_column_and_sort() -> None:
    async with running(MemoryDesk("BTC", "SPX", "IBIT")) as (app, pilot):
        await pilot.press("m", "O")
        assert "All tickers by name ·" in await settled(pilot)
        for key in ("l Column", "O Sort", "Enter Open"):
            assert key in shown(app)[-1]
        await pilot.press("O")
        assert "TICKER▼" in await settled(pilot)
        await pilot.press("h", "O")
        assert "STATE▲" in await settled(pilot)
        await pilot.press("O", "O")
        assert "All tickers by your order" in await settled(pilot)
        await pilot.press("g", "O")
        assert "only the option chain and the many tickers can be sorted" in await settled(pilot)


async def test_filters_and_unit_of_the_row_under_the_cursor() -> None:
    desk = MemoryDesk("BTC", "SPX")
    async with running(desk) as (_, pilot):
        await pilot.press("m", "j", "e", "2")
        assert "SPX*" in await settled(pilot)
        assert desk.calls == [("watch", "SPX", Filters(expiry="front"))]
        await pilot.press("u", "4")
        assert "% of gross" in await settled(pilot)


async def test_tickers_without_a_reading_are_listed_and_can_be_gone_to() -> None:
    desk = MemoryDesk("BTC", "SPX", empty=True)
    async with running(desk) as (app, pilot):
        await pilot.press("m")
        assert (await settled(pilot)).count("live: no reading from deribit yet") == 2
        await pilot.press("j", "enter")
        assert "waiting for SPX from deribit" in await settled(pilot)
        await pilot.press("m")
        desk.put(desk.tickers[1])
        assert "6,712.4" in await settled(pilot)
        await pilot.press("enter")
        assert "waiting" not in await settled(pilot)
        assert shown(app)[1].startswith(" SPX 6,712.4")


async def test_a_ticker_without_a_reading_leaves_no_other_tickers_numbers_on_the_screen() -> None:
    desk = MemoryDesk("BTC", "SPX", empty=True)
    desk.put(desk.tickers[0])
    async with running(desk) as (app, pilot):
        assert "98,412" in text_shown(app)
        await pilot.press("2")
        text = await settled(pilot)
        assert "waiting for SPX from deribit" in text
        assert "98,412" not in text
        assert "Call wall" not in text
        await pilot.press("1")
        assert "98,412" in await settled(pilot)
        assert "Call wall" in text_shown(app)


async def test_a_frozen_screen_holds_every_row() -> None:
    desk = MemoryDesk("BTC", "SPX")
    async with running(desk) as (_, pilot):
        await pilot.press("m", "space")
        held = await settled(pilot)
        for ticker in desk.tickers:
            desk.put(ticker, shift=0.05)
        after = await settled(pilot)
        assert after.split("\n")[3:8] == held.split("\n")[3:8]
        assert "FROZEN +1" in after
        await pilot.press("space")
        assert "103,333.1" in await settled(pilot)


async def test_nothing_is_painted_while_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = MemoryDesk("BTC", "SPX", "IBIT")
    async with running(desk) as (app, pilot):
        await pilot.press("m")
        await settled(pilot)
        painted = painted_lines(monkeypatch)
        for age in (0.5, 0.9, 0.1):
            desk.age = age
            await settled(pilot)
        assert painted == []
        desk.put(desk.tickers[1], shift=0.01)
        await settled(pilot)
        assert painted == [2]
        assert "6,779.5" in text_shown(app)


def test_the_scene_has_every_ticker_only_while_they_are_shown_and_changes_once_a_second() -> None:
    desk = MemoryDesk("BTC", "SPX")
    watch = Watch(desk, State(), lambda: NOW)
    assert watch.pull().many == ()
    watch.show_view(MANY)
    desk.age = 3.1
    first = watch.pull()
    assert [standing.health.age for standing in first.many] == [3.0, 3.0]
    desk.age = 3.9
    assert watch.pull() == first
    desk.age = 4.0
    assert watch.pull() != first
    desk.age = 150.0
    assert watch.pull().many[0].health.age == timedelta(minutes=2).total_seconds()
