"""The option chain: tabs, columns, cells, and what is painted."""

from dataclasses import replace

import numpy as np
import pytest

from gextui.exposure.board import build_board
from gextui.market.ticker import ticker_for
from gextui.ui.format import Unit
from gextui.ui.widgets.chain import Chain, Rights, series_of
from gextui.ui.widgets.lines import text_of
from tests.exposure.chains import Contract, chain_of
from tests.ui.boards import DAY, strikes_board, strikes_chain
from tests.ui.widgets.showing import painted_lines, seen, showing

STRIKES = [float(strike) for strike in range(90, 111)]
WEEKS = [(each + 1) * 7 * DAY for each in range(4)]


def columns(view: Chain) -> str:
    return " ".join(seen(view)[2].split())


async def test_calls_left_strike_in_the_middle_puts_right() -> None:
    chain = chain_of(
        [
            Contract(100.0, "C", iv=0.45, open_interest=12.0, volume=3.0, bid=5.25, ask=5.75),
            Contract(100.0, "P", iv=0.45, open_interest=7.0, volume=0.0, bid=4.75, ask=5.25),
            Contract(105.0, "C", iv=0.40, open_interest=2.0, volume=1.0, bid=2.0, ask=2.5),
        ],
        spot=101.0,
    )
    board = build_board(chain)
    view = Chain()
    async with showing(view, (140, 14)):
        view.show(board, unit=Unit.PERCENT_MOVE)
        lines = seen(view)
        assert columns(view) == "BID ASK GAMMA DELTA VOL IV OI GEX STRIKE GEX OI IV VOL DELTA GAMMA BID ASK"
        assert lines[3].split()[:2] == ["2.00", "2.50"]
        row = lines[5].split()
        call, put = 0, 1
        assert row == [
            "5.25", "5.75", f"{board.book.gamma[call]:.4f}", f"{board.book.delta[call]:+.2f}", "3", "45.0%", "12",
            Unit.PERCENT_MOVE.amount(float(board.book.gex[call]), board), "100",
            Unit.PERCENT_MOVE.amount(float(board.book.gex[put]), board), "7", "45.0%", "0",
            f"{board.book.delta[put]:+.2f}", f"{board.book.gamma[put]:.4f}", "4.75", "5.25",
        ]  # fmt: skip
        assert len(lines[3].split()) == 9
        assert lines[4].endswith("SPOT")
        assert " 101.00 " in lines[4]


async def test_columns_adapt_to_the_width() -> None:
    board = strikes_board(STRIKES, spot=100.4)
    for width, names in (
        (60, "IV OI GEX STRIKE GEX OI IV"),
        (84, "DELTA VOL IV OI GEX STRIKE GEX OI IV VOL DELTA"),
        (120, "BID ASK DELTA VOL IV OI GEX STRIKE GEX OI IV VOL DELTA BID ASK"),
        (48, "OI GEX STRIKE GEX OI"),
        (36, "GEX STRIKE GEX"),
    ):
        view = Chain()
        async with showing(view, (width, 17)):
            view.show(board, unit=Unit.PERCENT_MOVE)
            assert columns(view) == names
            assert all(len("".join(text for text, _ in spans)) == width for spans in view.lines)


async def test_one_expiry_at_a_time_by_tabs() -> None:
    view = Chain()
    async with showing(view, (60, 17)):
        view.show(strikes_board(STRIKES, spot=100.4, years=WEEKS), unit=Unit.PERCENT_MOVE)
        assert seen(view)[0].split() == ["09MAR", "16MAR", "23MAR", "30MAR"]
        assert (
            seen(view)[1].split(" · ")[:3] == [" CALLS 09MAR26", "7d", "BTC"] or "09MAR26 · 7d · BTC" in seen(view)[1]
        )
        view.shift(2)
        assert "23MAR26 · 21d · BTC · 15:00 UTC" in seen(view)[1]
        view.shift(9)
        assert "30MAR26" in seen(view)[1]
        chosen = [text for text, names in view.lines[0] if names == "chosen"]
        assert chosen == [" 30MAR "]


async def test_an_expired_tab_gives_way_to_the_next() -> None:
    view = Chain()
    async with showing(view, (60, 17)):
        view.show(strikes_board(STRIKES, spot=100.4, years=WEEKS), unit=Unit.PERCENT_MOVE)
        view.shift(1)
        view.show(strikes_board(STRIKES, spot=100.4, years=WEEKS[2:]), unit=Unit.PERCENT_MOVE)
        assert "23MAR26" in seen(view)[1]


async def test_two_roots_of_one_instant_are_two_tabs() -> None:
    board = build_board(strikes_chain(STRIKES, spot=100.4, roots=("SPX", "SPXW"), ticker=ticker_for("SPX")))
    assert [series.root for series in series_of(board)] == ["SPX", "SPXW"]
    view = Chain()
    async with showing(view, (60, 17)):
        view.show(board, unit=Unit.PERCENT_MOVE)
        assert seen(view)[0].split() == ["09MAR", "SPX", "09MAR", "SPXW"]


async def test_two_settlements_of_one_day_are_told_apart_and_a_far_day_has_its_year() -> None:
    # 09:30 and 18:00 in New York on 5 March 2026, and a day a year and two weeks later.
    lives = [(3 * 86400 - 0.5 * 3600) / (365 * 86400), (3 * 86400 + 6 * 3600) / (365 * 86400), 379.25 * DAY]
    rows = [
        Contract(100.0, right, years=life, root=root, open_interest=1.0)
        for life, root in zip(lives, ("SPX", "SPXW", "SPXW"), strict=True)
        for right in "CP"
    ]
    board = build_board(chain_of(rows, spot=100.4, ticker=ticker_for("SPX")))
    view = Chain()
    async with showing(view, (60, 17)):
        view.show(board, unit=Unit.PERCENT_MOVE)
        assert seen(view)[0].split() == ["05MAR", "SPX", "05MAR", "SPXW", "16MAR27"]


@pytest.mark.parametrize("width", range(44, 76))
async def test_the_names_of_the_sides_are_whole_at_every_width(width: int) -> None:
    view = Chain()
    async with showing(view, (width, 17)):
        view.show(strikes_board([99.0, 100.0], spot=99.4), unit=Unit.PERCENT_MOVE)
        assert view.lines[1][0][0].startswith(" CALLS")
        assert text_of(view.lines)[1].endswith(" PUTS ")


@pytest.mark.parametrize(("width", "tabs"), [(30, 3), (44, 5), (200, 12)])
async def test_the_chosen_tab_is_always_in_view(width: int, tabs: int) -> None:
    view = Chain()
    async with showing(view, (width, 17)):
        view.show(
            strikes_board([99.0, 100.0], spot=99.4, years=[(n + 1) * DAY for n in range(12)]), unit=Unit.PERCENT_MOVE
        )
        for _ in range(12):
            names = [text for text, style in view.lines[0] if style == "chosen"]
            assert len(names) == 1
            assert len(seen(view)[0].replace("◂", "").replace("▸", "").split()) == tabs
            view.shift(1)


async def test_sides_alone_and_strikes_around_the_money() -> None:
    view = Chain()
    async with showing(view, (82, 30)):
        view.show(strikes_board(STRIKES, spot=100.4), unit=Unit.PERCENT_MOVE)
        view.alternate()
        assert view.rights is Rights.CALLS
        assert columns(view) == "BID ASK GAMMA DELTA VOL IV OI GEX STRIKE"
        view.alternate()
        assert columns(view) == "STRIKE GEX OI IV VOL DELTA GAMMA BID ASK"
        view.alternate()
        assert view.heading == "Option chain"
        view.zoom(3)
        assert view.heading == "Option chain, 10 strikes around the money"
        assert len(seen(view)) == 3 + 10 + 1
        view.zoom(-9)
        assert view.zoom_level == 0
        assert len(seen(view)) == 3 + 21 + 1


async def test_an_interpolated_iv_is_marked_and_missing_is_a_dash() -> None:
    nan = float("nan")
    rows = [
        Contract(strike, right, iv=0.4, open_interest=1.0) for strike in (90.0, 95.0, 105.0, 110.0) for right in "CP"
    ]
    rows += [Contract(100.0, right, iv=nan, open_interest=1.0) for right in "CP"]
    view = Chain()
    async with showing(view, (140, 14)):
        view.show(build_board(chain_of(rows, spot=101.0)), unit=Unit.PERCENT_MOVE)
        text = next(text for text in seen(view) if " 100 " in text)
        assert text.count("~40.0%") == 2
        assert text.split()[:2] == ["–", "–"]


async def test_a_changed_cell_paints_its_line_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    board = strikes_board(STRIKES, spot=100.4)
    view = Chain()
    async with showing(view, (60, 17)) as pilot:
        view.show(board, unit=Unit.PERCENT_MOVE)
        await pilot.pause()
        painted = painted_lines(monkeypatch)
        gex = board.book.gex.copy()
        gex[np.flatnonzero(board.chain.strike == 102.0)[0]] *= 2
        gex[np.flatnonzero(board.chain.strike == 90.0)[0]] *= 2
        view.show(replace(board, book=replace(board.book, gex=gex)), unit=Unit.PERCENT_MOVE)
        await pilot.pause()
        shown = next(number for number, text in enumerate(seen(view)) if " 102 " in text)
        assert painted == [shown]


async def test_the_cursor_stays_on_its_strike_over_tabs() -> None:
    view = Chain()
    async with showing(view, (60, 17)):
        view.show(strikes_board(STRIKES, spot=100.4, years=WEEKS), unit=Unit.PERCENT_MOVE)
        view.go_to(95.0)
        view.shift(1)
        assert view.selected_strike() == 95.0
        explained = view.explanation()
        assert explained is not None
        assert explained.title == "GEX at 95, 16MAR26"
        assert next(text for text in seen(view) if text.startswith("▸")).split()[4] == "95"


async def test_an_empty_chain() -> None:
    view = Chain()
    async with showing(view, (60, 17)):
        view.show(build_board(chain_of([], spot=100.0)), unit=Unit.PERCENT_MOVE)
        assert "no contracts listed" in "".join(seen(view))
        view.shift(1)
        view.move(1)
