"""The volatility view: its variants, by their keys, in the whole dashboard."""

from datetime import timedelta

import pytest

from gextui.ui.app import GextuiApp
from gextui.ui.format import Unit
from gextui.ui.widgets.iv_rank import IvRank
from gextui.ui.widgets.put_call import PutCall
from gextui.ui.widgets.smile import Smile
from gextui.ui.widgets.term import Term
from gextui.ui.widgets.volatility import Volatility
from tests.ui.desk import MemoryDesk
from tests.ui.running import SIZES, running, settled, text_shown
from tests.ui.series import year_of_iv
from tests.ui.test_app import board_of
from tests.ui.widgets.showing import screen_text, showing


def volatility_of(app: GextuiApp) -> Volatility:
    view = board_of(app).view
    assert isinstance(view, Volatility)
    return view


async def test_the_key_once_more_leads_round_and_h_and_l_to_either_side() -> None:
    async with running() as (app, pilot):
        await pilot.press("i")
        kinds = []
        for key in ("i", "i", "i", "i", "l", "l", "l", "l", "h"):
            kinds.append(type(volatility_of(app).variant))
            await pilot.press(key)
        assert kinds == [Smile, Term, IvRank, PutCall, Smile, Term, IvRank, PutCall, PutCall]
        assert isinstance(volatility_of(app).variant, IvRank)


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_each_variant_says_what_it_is_and_draws_only_itself(size: tuple[int, int]) -> None:
    desk = MemoryDesk("BTC")
    desk.series = {timedelta(days=365): year_of_iv()}
    async with running(desk, size) as (app, pilot):
        for key, words in (("i", "ATM "), ("l", "RR25"), ("l", "200 days of history"), ("l", "OPEN INTEREST")):
            await pilot.press(key)
            text = await settled(pilot)
            assert words in text
            assert [variant.display for variant in volatility_of(app)._variants].count(True) == 1
            assert "smile  term  rank  put/call" in text


async def test_the_frame_names_the_variant_and_only_what_it_depends_on() -> None:
    async with running() as (_, pilot):
        await pilot.press("e", "2", "i")
        text = await settled(pilot)
        assert "IV smile, ±4σ · front" in text
        await pilot.press("l", "l")
        assert "IV of 30 days, rank on our own record · all expiries" in await settled(pilot)


async def test_a_strike_found_elsewhere_is_under_the_cursor() -> None:
    async with running() as (app, pilot):
        await pilot.press("/", *"90k", "enter", "i")
        await settled(pilot)
        assert volatility_of(app).selected_strike() == 90_000.0
        await pilot.press("enter")
        await pilot.pause()
        assert "Clean IV" in text_shown(app)


async def test_tabs_turn_the_smile_and_zoom_is_remembered() -> None:
    async with running() as (app, pilot):
        await pilot.press("i", ">", "+")
        smile = volatility_of(app).variant
        assert isinstance(smile, Smile)
        assert smile.tab is not None
        assert board_of(app).zoom == {"volatility": 1}


async def test_nothing_is_drawn_of_a_variant_that_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[type] = []
    for kind in (Smile, Term, IvRank, PutCall):
        monkeypatch.setattr(kind, "show", lambda self, *_, **__: shown.append(type(self)))
    desk = MemoryDesk("BTC")
    async with running(desk) as (_, pilot):
        await pilot.press("i", "l")
        shown.clear()
        desk.put(desk.tickers[0], shift=0.001)
        await settled(pilot)
        assert set(shown) == {Term}


async def test_time_left_is_told_by_the_clock_where_quotes_are_older() -> None:
    desk = MemoryDesk("BTC")
    board = desk.views[desk.tickers[0]].board
    view = Volatility()
    async with showing(view, (80, 24)) as pilot:
        view.clock = board.chain.as_of_seconds + 3600.0
        view.show(board, unit=Unit.PERCENT_MOVE)
        await pilot.pause()
        assert "7d 16:27:50" in screen_text(pilot)[2]
