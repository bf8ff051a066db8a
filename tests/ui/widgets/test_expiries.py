"""The expiries: one row each, the nearest first."""

from dataclasses import replace

import numpy as np

from gextui.exposure.board import Board
from gextui.ui.format import Unit
from gextui.ui.widgets.expiries import Expiries
from tests.ui.boards import DAY, strikes_board
from tests.ui.widgets.showing import seen, showing


def board(net: list[float], gross: float = 200e6) -> Board:
    plain = strikes_board([99.0, 100.0, 101.0], spot=100.4, years=[(each + 1) * 7 * DAY for each in range(len(net))])
    calls, puts = np.maximum(net, 0.0), np.minimum(net, 0.0)
    return replace(
        plain,
        by_expiry=replace(plain.by_expiry, net_gex=np.array(net), call_gex=calls, put_gex=puts),
        totals=replace(plain.totals, net_gex=float(np.sum(net)), gross_gex=gross),
    )


async def test_rows_bars_and_numbers() -> None:
    view = Expiries()
    async with showing(view, (82, 14)):
        view.show(board([40e6, -20e6, 0.0]), unit=Unit.PERCENT_MOVE)
        lines = seen(view)
        assert lines[0].split() == [
            "EXPIRY", "LEFT", "40M", "│", "40M", "NET", "GROSS", "ATM", "IV", "OPEN", "INT", "FORWARD",
        ]  # fmt: skip
        axis = lines[1].index("│")
        assert lines[1].split()[:2] == ["09MAR26", "7d"]
        assert lines[1].split()[-5:] == ["+40.0M", "20.0%", "40.0%", "60", "100.40"]
        assert lines[1][axis + 1 :].count("█") == axis - 16
        assert lines[2].split()[-5] == "-20.0M"
        assert lines[2][:axis].count("█") == (axis - 16) // 2
        assert "█" not in lines[2][axis:]
        assert lines[3].split()[3] == "0"
        assert lines[4].split() == ["all", "+20.0M", "100%", "180"]


async def test_a_wide_one_adds_the_roots_and_a_narrow_one_keeps_the_net() -> None:
    for width, last in ((120, "ROOT"), (60, "IV"), (40, "NET")):
        view = Expiries()
        async with showing(view, (width, 14)):
            view.show(board([40e6, -20e6]), unit=Unit.PERCENT_MOVE)
            assert seen(view)[0].split()[-1] == last
            assert all(len("".join(text for text, _ in spans)) == width for spans in view.lines)


async def test_cursor_scrolls_through_more_expiries_than_fit() -> None:
    view = Expiries()
    async with showing(view, (60, 6)):
        view.show(board([1e6 * (each + 1) for each in range(10)]), unit=Unit.PERCENT_MOVE)
        assert len(seen(view)) == 6
        view.move(1)
        assert seen(view)[1].startswith("▸09MAR26")
        view.move(5)
        assert seen(view)[4].startswith("▸13APR26")
        view.page(1)
        view.page(1)
        assert seen(view)[4].startswith("▸11MAY26")
        view.move(-99)
        assert seen(view)[1].startswith("▸09MAR26")
        explained = view.explanation()
        assert explained is not None
        assert explained.title == "GEX of 09MAR26"
        view.recentre()
        assert view.cursor is None
        assert view.explanation() is None


async def test_the_scale_holds_still_and_the_share_has_its_unit() -> None:
    view = Expiries()
    async with showing(view, (82, 14)):
        view.show(board([40e6, -20e6]), unit=Unit.PERCENT_MOVE)
        view.show(board([30e6, -20e6]), unit=Unit.PERCENT_MOVE)
        assert view.scale.full == 40e6
        view.show(board([40e6, -20e6]), unit=Unit.SHARE)
        assert "20%" in seen(view)[0].split()
        assert "+20.00%" in seen(view)[1]


async def test_nothing_in_words() -> None:
    view = Expiries()
    async with showing(view, (60, 9)):
        view.show(strikes_board([100.0], spot=100.4, open_interest=0.0), unit=Unit.PERCENT_MOVE)
        assert [text.strip() for text in seen(view) if text] == ["no open interest yet"]
        view.move(1)
