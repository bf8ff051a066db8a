"""The smile: both legs' own IVs, the clean line, what is marked, and where the cursor is."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import numpy as np
import pytest
from textual.pilot import Pilot

from gextui.exposure.board import Board, build_board
from gextui.exposure.filters import Filters
from gextui.market.combined import combine
from gextui.ui.format import Unit
from gextui.ui.widgets.plot import Plot
from gextui.ui.widgets.smile import Smile
from tests.exposure.chains import COIN, Contract, chain_of
from tests.ui.boards import DAY, strikes_board
from tests.ui.widgets.showing import counted, screen_text, seen, showing

SIZE = (77, 24)
STRIKES = [float(strike) for strike in range(60, 141, 5)]


def skewed(*lives: float, call_over_put: float = 0.0) -> Board:
    """Expiries whose IV falls from 62 % at 60 to 50 % at 100 and rises to 54 % at 140; calls' own may be dearer."""
    rows = []
    for years in lives or (30 * DAY,):
        for strike in STRIKES:
            away = strike - 100.0
            iv = 0.5 + (-0.003 * away if away < 0 else 0.001 * away)
            rows.append(
                Contract(strike, "C", years=years, iv=iv + (call_over_put if away < 0 else 0.0), open_interest=1.0)
            )
            rows.append(Contract(strike, "P", years=years, iv=iv, open_interest=1.0))
    return build_board(chain_of(rows, spot=100.4, carry=0.06))


@asynccontextmanager
async def drawn(
    board: Board, size: tuple[int, int] = SIZE, view: Smile | None = None
) -> AsyncIterator[tuple[Smile, Pilot[None]]]:
    view = view or Smile()
    async with showing(view, size) as pilot:
        view.show(board, unit=Unit.PERCENT_MOVE)
        await pilot.pause()
        yield view, pilot


async def test_the_expiry_its_skew_and_its_forward_are_said() -> None:
    async with drawn(skewed()) as (view, pilot):
        lines = screen_text(pilot)
        assert lines[0] == "   several  01APR 30d"
        facts = lines[1].split("  ")
        assert facts[0] == " ATM 50.1%"
        assert facts[1].startswith("RR25 -")
        assert facts[2].startswith("BF25 ")
        assert facts[3:] == ["30d 00:00:00", "F 100.90"]
        assert lines[-1] == " ▀ clean IV  c call's own  p put's own  o both's own"
        assert view.heading == "IV smile, ±4σ"


async def test_both_legs_are_one_sign_where_they_agree_and_two_where_they_do_not() -> None:
    async with drawn(skewed(call_over_put=0.04)) as (_, pilot):
        canvas = screen_text(pilot)[2:-3]
        spot = next(text.index("│", 10) for text in canvas if "│" in text[10:])
        left, right = ("".join(text[:spot] for text in canvas), "".join(text[spot:] for text in canvas))
        assert left.count("c") == left.count("p") > 3
        assert "o" not in left.replace("SPOT", "")
        assert right.count("o") > 3
        assert "c" not in right


async def test_spot_and_the_forward_are_named() -> None:
    async with drawn(skewed(300 * DAY)) as (_, pilot):
        top = screen_text(pilot)[2]
        assert "SPOT│" in top
        assert "│F" in top


async def test_the_clean_line_falls_and_rises_with_the_smile() -> None:
    async with drawn(skewed()) as (_, pilot):
        canvas = screen_text(pilot)[2:-3]

        def height(at: int) -> int:
            """The first row in which the line is seen within a few columns."""
            return next(y for y, text in enumerate(canvas) if set(text[at : at + 4]) & set("▘▝▀▖▌▞▛▗▚▐▜▄▙▟█o"))

        assert height(5) < height(20) < height(34) > height(72)


async def test_a_leg_that_is_far_off_does_not_flatten_the_smile() -> None:
    board = skewed()
    wild = replace(board, smile=replace(board.smile, leg_iv=np.where(board.chain.is_call, 4.0, board.smile.leg_iv)))
    async with drawn(wild) as (_, pilot):
        text = "\n".join(screen_text(pilot))
        assert "400%" not in text
        assert "50%┤" in text


async def test_expiries_are_turned_and_several_are_drawn_together_by_name() -> None:
    async with drawn(skewed(7 * DAY, 30 * DAY, 90 * DAY)) as (view, pilot):
        view.turn(1)
        await pilot.pause()
        assert "30d 00:00:00" in screen_text(pilot)[1]
        view.turn(-9)
        await pilot.pause()
        lines = screen_text(pilot)
        assert lines[1] == " the clean smiles of the nearest 3 of 3 expiries"
        assert view.heading == "IV smiles, ±4σ"
        canvas = "\n".join(lines[2:-1])
        for day in ("09MAR", "01APR", "31MAY"):
            assert day in canvas
        assert lines[-1] == " ▀ clean IV"


async def test_it_begins_with_an_expiry_that_has_a_day_to_live() -> None:
    async with drawn(skewed(0.4 * DAY, 3 * DAY)) as (view, pilot):
        assert "3d 00:00:00" in screen_text(pilot)[1]
        view.turn(-1)
        await pilot.pause()
        assert "09:36:00" in screen_text(pilot)[1]


async def test_an_expired_tab_gives_way_to_the_next() -> None:
    async with drawn(skewed(7 * DAY, 30 * DAY, 90 * DAY)) as (view, pilot):
        view.show(skewed(30 * DAY, 90 * DAY), unit=Unit.PERCENT_MOVE)
        await pilot.pause()
        assert "30d 00:00:00" in screen_text(pilot)[1]


async def test_the_cursor_walks_the_strikes_and_is_read_out_and_explained() -> None:
    async with drawn(skewed(call_over_put=0.04)) as (view, pilot):
        view.move(1)
        assert view.selected_strike() == 100.0
        view.move(2)
        assert view.selected_strike() == 90.0
        assert seen(view)[-1] == " 90  clean 53.0%  call 57.0%  put 53.0%"
        explained = view.explanation()
        assert explained is not None
        assert explained.title == "Clean IV"
        assert explained.value == pytest.approx(53.0)
        view.move(-99)
        assert view.selected_strike() == 140.0
        view.page(1)
        assert view.selected_strike() == 135.0
        assert view.go_to(71.0)
        assert view.selected_strike() == 70.0
        view.recentre()
        assert view.selected_strike() is None
        await pilot.pause()
        assert "c call's own" in screen_text(pilot)[-1]


async def test_an_interpolated_iv_is_marked() -> None:
    rows = [Contract(strike, "C", iv=0.4, open_interest=1.0) for strike in (90.0, 110.0)]
    rows.append(Contract(100.0, "C", open_interest=1.0, iv=float("nan")))
    async with drawn(build_board(chain_of(rows, spot=100.0))) as (view, _):
        view.go_to(100.0)
        assert seen(view)[-1] == " 100  clean ~40.0%  call –  put –"


async def test_zoom_looks_closer() -> None:
    async with drawn(skewed()) as (view, pilot):
        wide = screen_text(pilot)[-2]
        view.zoom(2)
        await pilot.pause()
        assert view.heading == "IV smile, ±2σ"
        assert screen_text(pilot)[-2] != wide
        assert view.zoom_level == 2
        view.zoom(-9)
        assert view.heading == "IV smile, ±10σ"
        view.recentre()
        assert view.zoom_level == 0


async def test_the_same_board_is_drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    curves = counted(monkeypatch, Plot, "curve")
    board = skewed()
    async with drawn(board) as (view, pilot):
        assert len(curves) == 1
        view.show(board, unit=Unit.SHARE)
        await pilot.pause()
        assert len(curves) == 1
        view.show(skewed(), unit=Unit.SHARE)
        assert len(curves) == 2


async def test_venues_are_told_apart() -> None:
    chain = skewed().chain
    board = build_board(combine(COIN, [replace(chain, source=source) for source in ("deribit", "bybit")]))
    async with drawn(board) as (view, pilot):
        assert "01APR deribit 30d  01APR bybit 30d" in screen_text(pilot)[0]
        view.turn(1)
        assert view.tab is not None
        assert view.tab.venue == "bybit"


async def test_without_volatilities_it_says_so() -> None:
    nan = float("nan")
    for board, words in (
        (build_board(chain_of([], spot=100.0)), "no contracts listed"),
        (strikes_board([90.0, 110.0], spot=100.0, filters=Filters(strike_range=1.0)), "no contract passes the filters"),
        (build_board(chain_of([Contract(100.0, "C", iv=nan)])), "no implied volatility is known"),
        (strikes_board([100.0], spot=100.0), "fewer than two strikes within reach"),
    ):
        async with drawn(board) as (view, pilot):
            assert words in "\n".join(screen_text(pilot))
            view.move(1)
            view.turn(1)
            view.turn(-1)


@pytest.mark.parametrize("size", [(120, 33), (79, 18), (60, 16), (40, 9), (24, 9), (20, 5), (1, 1)])
@pytest.mark.parametrize("ascii_only", [False, True])
async def test_every_size_and_ascii(size: tuple[int, int], ascii_only: bool) -> None:
    async with drawn(skewed(7 * DAY, 30 * DAY), size, Smile(ascii_only=ascii_only)) as (view, pilot):
        for _ in range(2):
            lines = screen_text(pilot)
            assert len(lines) == size[1]
            assert all(len(text) <= size[0] for text in lines)
            assert "".join(lines).isascii() or not ascii_only
            view.turn(-9)
            await pilot.pause()
