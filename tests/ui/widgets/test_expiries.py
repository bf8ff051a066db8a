"""The expiries: one row each, the nearest first."""

from dataclasses import replace

import numpy as np
import pytest

from gextui.exposure.board import Board, build_board
from gextui.market.ticker import ticker_for
from gextui.ui.format import Unit
from gextui.ui.widgets.expiries import Expiries
from tests.exposure.chains import Contract, chain_of
from tests.support.tradier import new_york
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


class TestNewYork:
    """The monthly day of November 2026, whose SPX settles in the morning and SPXW in the afternoon."""

    @staticmethod
    def board(at: str = "10:00", day: str = "2026-11-19") -> Board:
        when = new_york(day, at)
        settles = [("SPX", "2026-11-20", "09:30"), ("SPXW", "2026-11-20", "16:00"), ("SPXW", "2026-11-27", "13:00")]
        rows = [
            Contract(strike, right, years=life / (365 * 86400.0), root=root, open_interest=1.0)
            for root, expires, time in settles
            if (life := (new_york(expires, time) - when).total_seconds()) > 0
            for strike in (99.0, 100.0, 101.0)
            for right in "CP"
        ]
        return build_board(chain_of(rows, spot=100.2, ticker=ticker_for("SPX"), as_of=when))

    @pytest.mark.parametrize("width", [120, 80, 60])
    async def test_a_day_that_settles_twice_is_two_rows_with_roots_and_halves(self, width: int) -> None:
        view = Expiries()
        async with showing(view, (width, 14)):
            view.show(self.board(), unit=Unit.PERCENT_MOVE)
            first, second, third = seen(view)[1:4]
        assert first.split()[:3] == ["20NOV26", "23h", "AM"]
        assert second.split()[:3] == ["20NOV26", "30h", "PM"]
        assert third.split()[:2] == ["27NOV26", "8d"]
        assert "SPX AM 09:30" in first
        assert "SPXW PM 16:00" in second
        assert "SPXW PM 13:00" in third

    async def test_where_no_day_settles_twice_how_it_does_gives_way_first(self) -> None:
        for width, there in ((120, True), (60, False)):
            view = Expiries()
            async with showing(view, (width, 14)):
                view.show(self.board("09:31", "2026-11-20"), unit=Unit.PERCENT_MOVE)
                assert ("SPXW PM 16:00" in seen(view)[1]) == there
                assert seen(view)[1].split()[:2] == ["20NOV26", "6h29m"]

    async def test_time_left_is_told_by_the_clock_where_the_quotes_are_old(self) -> None:
        view = Expiries()
        async with showing(view, (120, 14)):
            board = self.board("15:40", "2026-11-20")
            for clock, left in ((None, "20m"), ("15:39", "20m"), ("15:55", "5m"), ("16:00", "expired")):
                view.clock = None if clock is None else new_york("2026-11-20", clock).timestamp()
                view.show(board, unit=Unit.PERCENT_MOVE)
                assert seen(view)[1].split()[1] == left
