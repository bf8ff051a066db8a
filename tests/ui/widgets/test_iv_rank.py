"""IV rank: the numbers, on how many days they rest, and the days drawn."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from gextui.exposure.board import Board
from gextui.exposure.series import Series
from gextui.ui.format import Unit
from gextui.ui.widgets.iv_rank import IvRank
from gextui.ui.widgets.panes import Pane
from tests.ui.desk import NOW, MemoryDesk
from tests.ui.series import year_of_iv
from tests.ui.widgets.showing import screen_text, seen, showing


@pytest.fixture(scope="module")
def board() -> Board:
    desk = MemoryDesk("BTC")
    return desk.views[desk.tickers[0]].board


def at(board: Board, iv: float | None, index: float | None = None) -> Board:
    """The board with another volatility of 30 days, and an index."""
    return replace(
        board,
        levels=replace(board.levels, iv_30d=iv),
        chain=replace(board.chain, volatility_index=index),
    )


def closes(*values: float) -> Series:
    """These, one a day, the last one yesterday's."""
    series = year_of_iv(len(values), end=NOW - timedelta(days=1))
    return replace(series, columns={**series.columns, "iv_30d": np.array(values)})


async def test_rank_percentile_and_the_days_they_rest_on(board: Board) -> None:
    view = IvRank()
    async with showing(view, (79, 24)) as pilot:
        view.show(at(board, 35 / 64, 49.1), unit=Unit.PERCENT_MOVE)
        view.show_series(closes(*(day / 64 for day in range(20, 41))))
        await pilot.pause()
        lines = screen_text(pilot)
        assert lines[0] == " IV 30d 54.7%  rank 75%  percentile 68%  DVOL 49.1"
        assert lines[1] == " 22 days of history  lowest 31.2%  highest 62.5%"
        assert lines[-1] == ""
        explained = view.explanation()
        assert explained is not None
        assert explained.value == pytest.approx(75.0)


async def test_too_few_days_are_counted_and_give_a_dash(board: Board) -> None:
    view = IvRank()
    async with showing(view, (79, 24)) as pilot:
        view.show(at(board, 0.45), unit=Unit.PERCENT_MOVE)
        view.show_series(closes(*[0.4, 0.5] * 6))
        await pilot.pause()
        lines = screen_text(pilot)
        assert lines[0] == " IV 30d 45.0%  rank –  percentile –"
        assert lines[1].startswith(" 13 days of history")
        assert lines[-1] == " a rank needs 20 days that are not all the same"


async def test_without_a_record_it_says_so(board: Board) -> None:
    view = IvRank()
    async with showing(view, (79, 24)) as pilot:
        view.show(at(board, 0.45), unit=Unit.PERCENT_MOVE)
        view.show_series(None)
        await pilot.pause()
        assert seen(view)[1] == " 1 day of history  lowest 45.0%  highest 45.0%"
        assert "fewer than two days recorded yet" in "\n".join(seen(view))
        view.show(at(board, None), unit=Unit.PERCENT_MOVE)
        assert seen(view)[0] == " IV 30d –  rank –  percentile –"
        assert seen(view)[1] == " 0 days of history  lowest –  highest –"


async def test_todays_own_readings_and_later_ones_are_no_history_of_a_replay(board: Board) -> None:
    view = IvRank()
    async with showing(view, (79, 24)):
        view.show(at(board, 0.45), unit=Unit.PERCENT_MOVE)
        view.show_series(year_of_iv(30))
        assert seen(view)[1].startswith(" 30 days of history")
        earlier = at(board, 0.45)
        earlier = replace(earlier, chain=replace(earlier.chain, as_of=NOW - timedelta(days=10)))
        view.show(earlier, unit=Unit.PERCENT_MOVE)
        assert seen(view)[1].startswith(" 20 days of history")


async def test_no_more_than_a_year_counts(board: Board) -> None:
    view = IvRank()
    async with showing(view, (79, 24)):
        view.show(at(board, 0.45), unit=Unit.PERCENT_MOVE)
        view.show_series(year_of_iv(500))
        assert seen(view)[1].startswith(" 365 days of history")


async def test_the_days_are_drawn_and_the_newest_and_the_index_named(board: Board) -> None:
    view = IvRank()
    async with showing(view, (79, 24)) as pilot:
        view.show(at(board, 0.44, 52.0), unit=Unit.PERCENT_MOVE)
        view.show_series(year_of_iv())
        await pilot.pause()
        lines = screen_text(pilot)
        named = {name: y for y, text in enumerate(lines) for name in ("IV 44.0", "DVOL 52.0") if text.endswith(name)}
        assert named["DVOL 52.0"] < named["IV 44.0"]
        assert any("08MAR" in text for text in lines)
        assert any(text.startswith("55%┤") for text in lines)


async def test_weeks_that_were_not_recorded_are_a_gap(board: Board) -> None:
    series = year_of_iv(60)
    kept = (np.arange(60) < 20) | (np.arange(60) > 40)
    series = Series(series.times[kept], {name: each[kept] for name, each in series.columns.items()}, ())
    view = IvRank()
    async with showing(view, (79, 24)) as pilot:
        view.show(at(board, 0.44), unit=Unit.PERCENT_MOVE)
        view.show_series(series)
        await pilot.pause()
        assert any(" gap " in text for text in screen_text(pilot)[2:-1])


async def test_another_ticker_begins_anew(board: Board) -> None:
    view = IvRank()
    async with showing(view, (79, 24)):
        view.show(board, unit=Unit.PERCENT_MOVE)
        view.show_series(year_of_iv())
        other = MemoryDesk("SPX")
        view.show(other.views[other.tickers[0]].board, unit=Unit.PERCENT_MOVE)
        assert seen(view)[1].startswith(" 1 day of history")


async def test_new_york_counts_its_trading_days() -> None:
    desk = MemoryDesk("SPX")
    view = IvRank()
    async with showing(view, (79, 24)):
        view.show(desk.views[desk.tickers[0]].board, unit=Unit.PERCENT_MOVE)
        view.show_series(year_of_iv(29))  # four weeks and a day until a Friday
        assert seen(view)[1].startswith(" 21 days of history")


async def test_a_tick_that_changes_nothing_is_not_drawn(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []
    monkeypatch.setattr(Pane, "names", lambda *_: drawn.append(1))
    view = IvRank()
    async with showing(view, (79, 24)) as pilot:
        series = year_of_iv()
        for _ in range(3):
            view.show(at(board, 0.44), unit=Unit.PERCENT_MOVE)
            view.show_series(series)
            await pilot.pause()
        assert len(drawn) == 1


@pytest.mark.parametrize("size", [(120, 33), (79, 18), (60, 16), (24, 9), (12, 3), (1, 1)])
@pytest.mark.parametrize("ascii_only", [False, True])
async def test_every_size_and_ascii(board: Board, size: tuple[int, int], ascii_only: bool) -> None:
    view = IvRank(ascii_only=ascii_only)
    async with showing(view, size) as pilot:
        view.show(at(board, 0.44, 52.0), unit=Unit.PERCENT_MOVE)
        view.show_series(year_of_iv())
        await pilot.pause()
        lines = screen_text(pilot)
        assert len(lines) == size[1]
        assert all(len(text) <= size[0] for text in lines)
        assert "".join(lines).isascii() or not ascii_only
