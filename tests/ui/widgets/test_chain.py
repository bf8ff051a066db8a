"""The option chain: tabs, columns, cells, and what is painted."""

from dataclasses import replace

import numpy as np
import pytest

from gextui.exposure.board import Board, build_board
from gextui.market.ticker import ticker_for
from gextui.ui.format import Unit
from gextui.ui.widgets.chain import Chain
from gextui.ui.widgets.chain_columns import EVERY_COLUMN, STRIKE, Rights, Stop
from gextui.ui.widgets.chain_table import Listed, Order
from gextui.ui.widgets.lines import text_of
from tests.exposure.chains import Contract, chain_of, random_chain
from tests.ui.boards import DAY, strikes_board, strikes_chain
from tests.ui.widgets.showing import painted_lines, seen, showing

STRIKES = [float(strike) for strike in range(90, 111)]
WEEKS = [(each + 1) * 7 * DAY for each in range(4)]


def columns(view: Chain) -> str:
    """The columns' names, without what marks the ends of the line."""
    named = text_of(view.lines)[2][1:-1].replace("BID IV", "BID_IV").replace("ASK IV", "ASK_IV")
    return " ".join(named.split())


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
    async with showing(view, (126, 14)):
        view.show(board, unit=Unit.PERCENT_MOVE)
        lines = seen(view)
        assert columns(view) == "VOL DELTA IV BID ASK OI GEX STRIKE▼ GEX OI BID ASK IV DELTA VOL"
        assert lines[3].split()[3:5] == ["2.00", "2.50"]
        row = lines[5].split()
        call, put = 0, 1
        assert row == [
            "3", f"{board.book.delta[call]:+.2f}", "45.0%", "5.25", "5.75", "12",
            Unit.PERCENT_MOVE.amount(float(board.book.gex[call]), board), "100",
            Unit.PERCENT_MOVE.amount(float(board.book.gex[put]), board), "7", "4.75", "5.25", "45.0%",
            f"{board.book.delta[put]:+.2f}", "0",
        ]  # fmt: skip
        assert len(lines[3].split()) == 8
        assert lines[4].endswith("SPOT")
        assert " 101.00 " in lines[4]


async def test_columns_adapt_to_the_width() -> None:
    board = strikes_board(STRIKES, spot=100.4)
    for width, names in (
        (60, "IV OI GEX STRIKE▼ GEX OI IV"),
        (84, "BID ASK OI GEX STRIKE▼ GEX OI BID ASK"),
        (120, "VOL DELTA IV BID ASK OI GEX STRIKE▼ GEX OI BID ASK IV DELTA VOL"),
        (48, "OI GEX STRIKE▼ GEX OI"),
        (30, "GEX STRIKE▼ GEX"),
    ):
        view = Chain()
        async with showing(view, (width, 17)):
            view.show(board, unit=Unit.PERCENT_MOVE)
            assert columns(view) == names
            assert all(len("".join(text for text, _ in spans)) == width for spans in view.lines)


async def test_h_and_l_bring_every_column_into_view_and_the_strike_stays() -> None:
    view = Chain()
    async with showing(view, (60, 17)):
        view.show(strikes_board(STRIKES, spot=100.4), unit=Unit.PERCENT_MOVE)
        met = set()
        for _ in range(len(EVERY_COLUMN) + 2):
            chosen = [text.strip() for text, style in view.lines[2] if style == "chosen"]
            assert len(chosen) == 1
            met.add(chosen[0].rstrip("▼"))
            assert "STRIKE" in seen(view)[2]
            view.shift(1)
        assert len(met) == len(EVERY_COLUMN) + 1
        assert text_of(view.lines)[2][-1] == " "
        assert text_of(view.lines)[2][0] == " "
        view.recentre()
        assert columns(view) == "IV OI GEX STRIKE▼ GEX OI IV"
        assert (text_of(view.lines)[2][0], text_of(view.lines)[2][-1]) == ("◂", "▸")


async def test_one_expiry_at_a_time_by_tabs() -> None:
    view = Chain()
    async with showing(view, (60, 17)):
        view.show(strikes_board(STRIKES, spot=100.4, years=WEEKS), unit=Unit.PERCENT_MOVE)
        assert seen(view)[0].split() == ["all", "09MAR", "7d", "16MAR", "14d", "23MAR", "21d", "30MAR", "28d"]
        assert "09MAR26 · 7d 00:00:00 · BTC · 15:00 UTC" in seen(view)[1]
        view.turn(2)
        assert "23MAR26 · 21d 00:00:00 · BTC · 15:00 UTC" in seen(view)[1]
        view.turn(9)
        assert "30MAR26" in seen(view)[1]
        chosen = [text for text, names in view.lines[0] if names == "chosen"]
        assert chosen == [" 30MAR 28d "]


async def test_an_expired_tab_gives_way_to_the_next() -> None:
    view = Chain()
    async with showing(view, (60, 17)):
        view.show(strikes_board(STRIKES, spot=100.4, years=WEEKS), unit=Unit.PERCENT_MOVE)
        view.turn(1)
        view.show(strikes_board(STRIKES, spot=100.4, years=WEEKS[2:]), unit=Unit.PERCENT_MOVE)
        assert "23MAR26" in seen(view)[1]


async def test_two_roots_of_one_instant_are_two_tabs() -> None:
    board = build_board(strikes_chain(STRIKES, spot=100.4, roots=("SPX", "SPXW"), ticker=ticker_for("SPX")))
    view = Chain()
    async with showing(view, (60, 17)):
        view.show(board, unit=Unit.PERCENT_MOVE)
        assert seen(view)[0].split() == ["all", "09MAR", "SPX", "7d", "AM", "09MAR", "SPXW", "7d", "AM"]


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
    async with showing(view, (68, 17)):
        view.show(board, unit=Unit.PERCENT_MOVE)
        tabs = "all  05MAR SPX 3d AM  05MAR SPXW 3d PM  16MAR27 379d"
        assert seen(view)[0].split() == tabs.split()


@pytest.mark.parametrize("width", range(44, 76))
async def test_the_names_of_the_sides_are_whole_at_every_width(width: int) -> None:
    view = Chain()
    async with showing(view, (width, 17)):
        view.show(strikes_board([99.0, 100.0], spot=99.4), unit=Unit.PERCENT_MOVE)
        assert view.lines[1][0][0].startswith(" CALLS")
        assert text_of(view.lines)[1].endswith(" PUTS ")


@pytest.mark.parametrize("width", [20, 44, 200])
async def test_the_chosen_tab_is_always_in_view(width: int) -> None:
    view = Chain()
    async with showing(view, (width, 17)):
        view.show(
            strikes_board([99.0, 100.0], spot=99.4, years=[(n + 1) * DAY for n in range(12)]), unit=Unit.PERCENT_MOVE
        )
        for _ in range(12):
            names = [text for text, style in view.lines[0] if style == "chosen"]
            assert len(names) == 1
            assert len(seen(view)[0]) <= width
            assert ("▸" in seen(view)[0]) == ("14MAR" not in seen(view)[0])
            assert ("◂" in seen(view)[0]) == ("all" not in seen(view)[0])
            view.turn(1)


async def test_all_expiries_are_the_first_tab() -> None:
    view = Chain()
    async with showing(view, (60, 30)):
        view.show(strikes_board([99.0, 100.0, 101.0], spot=100.4, years=WEEKS), unit=Unit.PERCENT_MOVE)
        view.turn(-9)
        assert [text for text, style in view.lines[0] if style == "chosen"] == [" all "]
        assert "all expiries · 24 contracts" in seen(view)[1]
        assert columns(view) == "OI GEX EXPIRY STRIKE▼ GEX OI"
        assert len(seen(view)) == 3 + 12 + 1
        assert [text.split()[2] for text in seen(view)[3:7]] == ["09MAR26", "16MAR26", "23MAR26", "30MAR26"]
        view.go_to(101.0)
        explained = view.explanation()
        assert explained is not None
        assert explained.title == "GEX at 101, 09MAR26"
        view.turn(1)
        assert "09MAR26 · 7d" in seen(view)[1]
        assert view.selected_strike() == 101.0


async def test_sides_alone_and_strikes_around_the_money() -> None:
    view = Chain()
    async with showing(view, (60, 30)):
        view.show(strikes_board(STRIKES, spot=100.4), unit=Unit.PERCENT_MOVE)
        view.alternate()
        assert view.listed.rights is Rights.CALLS
        assert columns(view) == "STRIKE▼ GEX OI BID ASK IV DELTA"
        assert "PUTS" not in seen(view)[1]
        view.alternate()
        assert columns(view) == "STRIKE▼ GEX OI BID ASK IV DELTA"
        assert "CALLS" not in seen(view)[1]
        view.alternate()
        assert view.heading == "Option chain"
        view.zoom(3)
        assert view.heading == "Option chain, 10 strikes around the money"
        assert len(seen(view)) == 3 + 10 + 1
        view.zoom(-9)
        assert view.zoom_level == 0
        assert len(seen(view)) == 3 + 21 + 1
        view.list_only(Listed(around=15))
        assert view.zoom_level == 2
        view.zoom(1)
        assert view.listed.around == 10
        view.list_only(Listed(low=95.0, high=99.0, held=True))
        assert view.heading == "Option chain, strikes from 95 to 99, with open interest"
        assert len(seen(view)) == 3 + 5 + 1
        view.list_only(Listed(low=500.0))
        assert view.heading == "Option chain, strikes from 500"
        assert "no contract is listed under these choices" in "".join(seen(view))
        view.move(1)
        assert view.selected_strike() is None
        assert view.explanation() is None


def volumes_board(*volumes: float) -> Board:
    rows = [
        Contract(strike, right, years=7 * DAY, iv=0.4, open_interest=1.0, volume=volume)
        for strike, volume in zip((90.0, 95.0, 100.0, 105.0, 110.0), volumes, strict=True)
        for right in "CP"
    ]
    return build_board(chain_of(rows, spot=101.0))


def strikes_in_view(view: Chain) -> list[str]:
    return [text.lstrip("▸").split()[3] for text in seen(view)[3:]]


async def test_rows_are_sorted_by_the_column_under_the_cursor_and_the_heading_says_so() -> None:
    view = Chain()
    async with showing(view, (60, 17)):
        view.choose_columns(["gex", "open_interest", "volume"])
        view.show(volumes_board(3.0, 9.0, 1.0, 7.0, 5.0), unit=Unit.PERCENT_MOVE)
        view.shift(3)
        view.sort()
        assert columns(view) == "VOL OI GEX STRIKE GEX OI VOL▼"
        assert strikes_in_view(view) == ["95", "105", "110", "90", "100"]
        view.sort()
        assert columns(view) == "VOL OI GEX STRIKE GEX OI VOL▲"
        assert strikes_in_view(view) == ["100", "90", "110", "105", "95"]
        view.sort()
        assert columns(view) == "VOL OI GEX STRIKE▼ GEX OI VOL"
        assert "SPOT" in "".join(seen(view))
        view.shift(-3)
        view.sort()
        assert columns(view) == "VOL OI GEX STRIKE▲ GEX OI VOL"
        assert strikes_in_view(view)[:3] == ["90", "95", "100"]
        view.sort()
        assert columns(view) == "VOL OI GEX STRIKE▼ GEX OI VOL"


async def test_the_cursor_follows_its_contract_when_the_order_changes() -> None:
    view = Chain()
    async with showing(view, (60, 17)):
        view.choose_columns(["gex", "open_interest", "volume"])
        view.order = Order(Stop(Rights.CALLS, "volume"))
        view.show(volumes_board(3.0, 9.0, 1.0, 7.0, 5.0), unit=Unit.PERCENT_MOVE)
        view.go_to(105.0)
        assert seen(view)[4].startswith("▸")
        view.show(volumes_board(30.0, 29.0, 28.0, 7.0, 5.0), unit=Unit.PERCENT_MOVE)
        assert strikes_in_view(view) == ["90", "95", "100", "105", "110"]
        assert view.selected_strike() == 105.0
        assert seen(view)[6].startswith("▸")


async def test_the_view_stays_with_the_cursor_while_contracts_come_and_go() -> None:
    view = Chain()
    async with showing(view, (60, 17)):
        strikes = [float(each) for each in range(50, 150)]
        view.show(strikes_board(strikes, spot=100.4), unit=Unit.PERCENT_MOVE)
        view.go_to(80.0)
        at = next(y for y, text in enumerate(seen(view)) if text.startswith("▸"))
        view.show(strikes_board([*strikes, 151.0, 152.0, 153.0], spot=100.4), unit=Unit.PERCENT_MOVE)
        assert seen(view)[at].startswith("▸")
        view.show(strikes_board([each for each in strikes if each != 80.0], spot=100.4), unit=Unit.PERCENT_MOVE)
        assert view.selected_strike() in (79.0, 81.0)


async def test_a_side_or_column_that_is_left_out_sorts_no_longer() -> None:
    view = Chain()
    async with showing(view, (60, 17)):
        view.show(volumes_board(3.0, 9.0, 1.0, 7.0, 5.0), unit=Unit.PERCENT_MOVE)
        view.order = Order(Stop(Rights.PUTS, "volume"))
        view.choose_columns(["gex", "volume"])
        assert view.order.by.column == "volume"
        view.alternate()
        assert view.order == Order(STRIKE)
        view.order = Order(Stop(Rights.CALLS, "volume"))
        view.choose_columns(["gex"])
        assert view.order == Order(STRIKE)


async def test_columns_are_chosen_and_what_is_not_known_is_left_out() -> None:
    view = Chain()
    async with showing(view, (120, 17)):
        view.show(strikes_board(STRIKES, spot=100.4), unit=Unit.PERCENT_MOVE)
        view.choose_columns(["theta", "iv", "rho"])
        assert columns(view) == "THETA IV STRIKE▼ IV THETA"
        chosen = [view.columns]
        for ids in (["rho"], EVERY_COLUMN):
            view.choose_columns(ids)
            chosen.append(view.columns)
        assert chosen == [("iv", "theta"), (), ()]


async def test_the_cell_under_the_cursor_is_marked_and_explained() -> None:
    view = Chain()
    async with showing(view, (84, 17)):
        view.show(strikes_board(STRIKES, spot=100.4), unit=Unit.PERCENT_MOVE)
        view.move(1)
        view.shift(-2)
        row = next(spans for spans in view.lines if spans[0][0].startswith("▸"))
        assert [text.strip() for text, names in row if "reversed" in names] == ["10"]
        explained = view.explanation()
        assert explained is not None
        assert (explained.title, explained.value, explained.unit) == ("Open interest", 10.0, "contracts")
        assert explained.inputs[0].value == "BTC 09MAR26 100 C"
        view.shift(5)
        explained = view.explanation()
        assert explained is not None
        assert explained.title == "Bid"
        assert explained.inputs[0].value == "BTC 09MAR26 100 P"


async def test_every_column_of_a_priced_chain_says_something() -> None:
    board = build_board(random_chain(7))
    view = Chain()
    async with showing(view, (300, 40)):
        view.show(board, unit=Unit.PERCENT_MOVE)
        assert len(columns(view).split()) == 2 * len(EVERY_COLUMN) + 1
        row = next(text for text in seen(view) if " 102.5 " in text)
        assert len(row.split()) == 2 * len(EVERY_COLUMN) + 1
        assert "–" not in row
        assert all(len(spans) and sum(map(len, dict(spans))) for spans in view.lines)


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
        assert text.split().count("–") == 6  # volume and quotes of both sides


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
        view.turn(1)
        assert view.selected_strike() == 95.0
        explained = view.explanation()
        assert explained is not None
        assert explained.title == "GEX at 95, 16MAR26"
        assert next(text for text in seen(view) if text.startswith("▸")).split()[4] == "95"
        view.turn(1)
        view.turn(-2)
        assert view.selected_strike() == 95.0


async def test_an_empty_chain() -> None:
    view = Chain()
    async with showing(view, (60, 17)):
        view.show(build_board(chain_of([], spot=100.0)), unit=Unit.PERCENT_MOVE)
        assert "no contracts listed" in "".join(seen(view))
        view.shift(1)
        view.turn(1)
        view.sort()
        view.move(1)
        assert list(view.table_lines()) == []
