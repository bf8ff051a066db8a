"""The term structure: the numbers by expiry, the chart above them, and the cursor between both."""

import pytest

from gextui.exposure.board import build_board
from gextui.exposure.surface import skew_by_expiry
from gextui.market.ticker import ticker_for
from gextui.ui import format as fmt
from gextui.ui.format import Unit
from gextui.ui.widgets.plot import Plot
from gextui.ui.widgets.term import Term
from tests.exposure.chains import Contract, chain_of
from tests.ui.boards import DAY, strikes_board
from tests.ui.widgets.showing import counted, screen_text, seen, showing
from tests.ui.widgets.test_smile import skewed

LIVES = [7 * DAY, 30 * DAY, 90 * DAY, 200 * DAY]


async def test_every_expiry_has_its_numbers() -> None:
    board = skewed(*LIVES)
    skew = skew_by_expiry(board)
    view = Term()
    async with showing(view, (79, 30)) as pilot:
        view.show(board, unit=Unit.PERCENT_MOVE)
        await pilot.pause()
        lines = screen_text(pilot)
        assert lines[-5].split("  ")[0] == " EXPIRY"
        assert lines[-5].split() == [
            "EXPIRY",
            "LEFT",
            "ATM",
            "IV",
            "RR25",
            "BF25",
            "p",
            "25Δ",
            "c",
            "25Δ",
            "FORWARD",
            "P/C",
            "OI",
        ]
        for at, (text, day) in enumerate(zip(lines[-4:], ("09MAR26", "01APR26", "31MAY26", "18SEP26"), strict=True)):
            assert text.split() == [
                day, fmt.until(board.by_expiry.expiry[at], board.chain.as_of_seconds),
                fmt.volatility(skew.atm_iv[at]), fmt.vol_points(skew.risk_reversal[at]),
                fmt.vol_points(skew.butterfly[at]), fmt.volatility(skew.put_iv[at]), fmt.volatility(skew.call_iv[at]),
                fmt.level(float(board.by_expiry.forward[at])), "1.00",
            ]  # fmt: skip
        assert fmt.vol_points(skew.risk_reversal[1]).startswith("-")


async def test_the_chart_names_its_days_and_marks_both_wings() -> None:
    view = Term()
    async with showing(view, (79, 30)) as pilot:
        view.show(skewed(*LIVES), unit=Unit.PERCENT_MOVE)
        await pilot.pause()
        lines = screen_text(pilot)
        axis = next(text for text in lines if text.split()[:1] == ["1d"])
        assert axis.split() == ["1d", "7d", "30d", "60d", "90d", "180d"]
        canvas = "\n".join(lines[: lines.index(axis)])
        assert canvas.count("p") == 4
        assert canvas.count("c") == 3  # no call of the last one is so far out
        assert canvas.count("%┤") >= 3


async def test_a_low_view_keeps_the_table_and_a_narrow_one_its_first_columns() -> None:
    view = Term()
    async with showing(view, (40, 10)) as pilot:
        view.show(skewed(*LIVES), unit=Unit.PERCENT_MOVE)
        await pilot.pause()
        assert seen(view)[0].split() == ["EXPIRY", "LEFT", "ATM", "IV", "RR25", "BF25"]
        assert len(seen(view)) == 5


async def test_the_cursor_moves_explains_and_is_drawn() -> None:
    board = skewed(*LIVES)
    view = Term()
    async with showing(view, (79, 30)) as pilot:
        view.show(board, unit=Unit.PERCENT_MOVE)
        assert view.explanation() is None
        view.move(1)
        view.move(1)
        await pilot.pause()
        assert seen(view)[-3].startswith("▸01APR26")
        explained = view.explanation()
        assert explained is not None
        assert explained.title == "Risk reversal"
        assert explained.value == pytest.approx(100 * skew_by_expiry(board).risk_reversal[1])
        view.page(1)
        assert view.cursor == board.by_expiry.expiry[-1]
        # By its instant, not by its row: an expiry before it has gone.
        view.show(skewed(*LIVES[1:]), unit=Unit.PERCENT_MOVE)
        assert seen(view)[-1].startswith("▸18SEP26")
        view.recentre()
        assert view.explanation() is None


async def test_many_expiries_scroll_with_the_cursor() -> None:
    view = Term()
    async with showing(view, (79, 18)):
        view.show(
            strikes_board([95.0, 100.0, 105.0], spot=100.0, years=[(n + 1) * DAY for n in range(40)]), unit=Unit.SHARE
        )
        for _ in range(40):
            view.move(1)
            assert sum(text.startswith("▸") for text in seen(view)) == 1
        assert "11APR26" in seen(view)[-1]


async def test_what_cannot_be_measured_is_a_dash() -> None:
    rows = [Contract(100.0, right, years=years, iv=0.4, open_interest=1.0) for right in "CP" for years in LIVES[:2]]
    rows.append(Contract(100.0, "C", years=LIVES[2], iv=float("nan")))
    view = Term()
    async with showing(view, (79, 20)):
        view.show(build_board(chain_of(rows, spot=100.0)), unit=Unit.PERCENT_MOVE)
        assert seen(view)[-3].split()[2:7] == ["40.0%", "–", "–", "–", "–"]
        assert seen(view)[-1].split()[2:7] == ["–"] * 5


async def test_a_morning_settlement_is_named() -> None:
    spx = ticker_for("SPX")
    half_past_nine = (3 * 86400 - 0.5 * 3600) / (365 * 86400)
    rows = [Contract(strike, "C", years=half_past_nine, iv=0.4, root="SPX") for strike in (99.0, 101.0)]
    view = Term()
    async with showing(view, (60, 8)):
        view.show(build_board(chain_of(rows, spot=100.0, ticker=spx)), unit=Unit.PERCENT_MOVE)
        assert "3d AM" in seen(view)[-1]


async def test_the_same_board_is_drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    curves = counted(monkeypatch, Plot, "curve")
    board = skewed(*LIVES)
    view = Term()
    async with showing(view, (79, 30)) as pilot:
        for _ in range(3):
            view.show(board, unit=Unit.PERCENT_MOVE)
            await pilot.pause()
        assert len(curves) == 1


@pytest.mark.parametrize("size", [(120, 33), (79, 18), (60, 16), (40, 9), (24, 14), (10, 3), (1, 1)])
@pytest.mark.parametrize("ascii_only", [False, True])
async def test_every_size_and_ascii(size: tuple[int, int], ascii_only: bool) -> None:
    view = Term(ascii_only=ascii_only)
    async with showing(view, size) as pilot:
        view.show(skewed(*LIVES), unit=Unit.PERCENT_MOVE)
        view.move(1)
        await pilot.pause()
        lines = screen_text(pilot)
        assert len(lines) == size[1]
        assert all(len(text) <= size[0] for text in lines)
        assert "".join(lines).isascii() or not ascii_only
