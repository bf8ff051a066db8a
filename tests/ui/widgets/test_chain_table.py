"""Which contracts the option chain lists, in which order and columns, and what is copied of it."""

from dataclasses import replace

import numpy as np
import pytest

from gextui.exposure.board import Board, build_board
from gextui.exposure.filters import Filters
from gextui.market.chain import Floats, Integers
from gextui.market.combined import combine
from gextui.ui.format import Unit
from gextui.ui.widgets.chain_columns import (
    EVERY_COLUMN,
    EXPIRY,
    GROUPS,
    STRIKE,
    Rights,
    Sideways,
    Stop,
    chosen_groups,
)
from gextui.ui.widgets.chain_table import NONE, Key, Listed, Order, Table, make_table
from gextui.ui.widgets.chain_text import table_lines
from gextui.ui.widgets.tabs import Tab, origin, tabs_of
from tests.exposure.chains import Contract, chain_of
from tests.ui.boards import DAY, strikes_board

NAN = float("nan")
STRIKES = [float(strike) for strike in range(90, 111)]


def two_weeks() -> Board:
    """Strikes 90, 100, 110 in one week; 100 alone, without its put, in two."""
    rows = [
        Contract(strike, right, years=7 * DAY, iv=0.4, open_interest=held, volume=strike + (right == "P"))
        for strike, held in ((90.0, 0.0), (100.0, 5.0), (110.0, NAN))
        for right in "CP"
    ]
    rows.append(Contract(100.0, "C", years=14 * DAY, iv=0.4, open_interest=1.0, volume=NAN))
    return build_board(chain_of(rows, spot=101.0))


def rows_of(table: Table) -> list[tuple[float, int]]:
    return list(zip(table.strike.tolist(), table.expiry.tolist(), strict=True))


def test_a_tab_lists_its_strikes_downward_with_the_spot_line_between() -> None:
    board = two_weeks()
    table = make_table(board, tabs_of(board)[0], Listed(), Order())
    assert rows_of(table) == [(110.0, 0), (100.0, 0), (90.0, 0)]
    assert table.line == 1
    assert board.chain.is_call[table.calls].all()
    assert not board.chain.is_call[table.puts].any()
    upward = make_table(board, tabs_of(board)[0], Listed(), Order(descending=False))
    assert rows_of(upward) == rows_of(table)[::-1]
    assert upward.line == 2


def test_all_expiries_in_one_table_the_same_strike_by_date() -> None:
    board = two_weeks()
    table = make_table(board, None, Listed(), Order())
    assert rows_of(table) == [(110.0, 0), (100.0, 0), (100.0, 1), (90.0, 0)]
    assert table.puts[2] == NONE
    by_date = make_table(board, None, Listed(), Order(EXPIRY, descending=False))
    assert rows_of(by_date) == [(110.0, 0), (100.0, 0), (90.0, 0), (100.0, 1)]
    assert by_date.line is None


@pytest.mark.parametrize(
    ("listed", "strikes"),
    [
        (Listed(held=True), [100.0, 100.0]),
        (Listed(held=True, rights=Rights.PUTS), [100.0]),
        (Listed(around=1), [100.0, 100.0]),
        (Listed(around=2), [110.0, 100.0, 100.0]),
        (Listed(low=95.0), [110.0, 100.0, 100.0]),
        (Listed(high=100.0), [100.0, 100.0, 90.0]),
        (Listed(low=91.0, high=99.0), []),
        (Listed(low=95.0, high=105.0, held=True, around=20), [100.0, 100.0]),
    ],
)
def test_contracts_are_listed_as_chosen(listed: Listed, strikes: list[float]) -> None:
    assert make_table(two_weeks(), None, listed, Order()).strike.tolist() == strikes


def test_strikes_around_the_money_are_those_of_each_expiry() -> None:
    board = strikes_board(STRIKES, spot=100.4, years=[7 * DAY, 14 * DAY])
    table = make_table(board, None, Listed(around=4), Order())
    for expiry in (0, 1):
        assert table.strike[table.expiry == expiry].tolist() == [102.0, 101.0, 100.0, 99.0]


def test_one_side_alone_has_no_contracts_of_the_other() -> None:
    table = make_table(two_weeks(), None, Listed(rights=Rights.CALLS), Order())
    assert len(table) == 4
    assert set(table.puts.tolist()) == {NONE}


def test_the_boards_own_filters_hold() -> None:
    board = strikes_board(STRIKES, spot=100.4, filters=Filters(strike_range=2.0), years=[7 * DAY, 40 * DAY])
    assert make_table(board, None, Listed(), Order(EXPIRY)).strike.tolist() == [102.0, 101.0, 100.0, 99.0] * 2
    board = strikes_board(STRIKES, spot=100.4, filters=Filters("front"), years=[7 * DAY, 40 * DAY])
    assert [tab.expiry for tab in tabs_of(board)] == [board.chain.expiries[0]]


@pytest.mark.parametrize("descending", [True, False])
def test_what_is_missing_comes_last_either_way(descending: bool) -> None:
    by_volume = Stop(Rights.PUTS, "volume")
    table = make_table(two_weeks(), None, Listed(), Order(by_volume, descending))
    strikes = [110.0, 100.0, 90.0]
    assert table.strike.tolist() == [*(strikes if descending else strikes[::-1]), 100.0]
    assert table.line is None
    by_volume = Stop(Rights.CALLS, "volume")
    table = make_table(two_weeks(), None, Listed(), Order(by_volume, descending))
    assert rows_of(table)[-1] == (100.0, 1)


@pytest.mark.parametrize("side", [Rights.CALLS, Rights.PUTS])
@pytest.mark.parametrize("name", EVERY_COLUMN)
def test_every_column_sorts_by_size(name: str, side: Rights) -> None:
    board = strikes_board(STRIKES, spot=100.4, years=[7 * DAY, 14 * DAY])
    stop = Stop(side, name)
    for descending in (True, False):
        table = make_table(board, None, Listed(), Order(stop, descending))
        assert len(table) == 42
        numbers = np.abs(table.numbers(board, stop, np.arange(42)))
        known = numbers[np.isfinite(numbers)]
        assert np.isnan(numbers[len(known) :]).all()
        assert (np.diff(known) * (-1 if descending else 1) >= 0).all()


def test_roots_that_share_an_instant_are_apart() -> None:
    rows = [
        Contract(strike, right, open_interest=1.0, root=root) for root in ("A", "B") for strike in (99.0, 101.0)
        for right in "CP"
    ]  # fmt: skip
    board = build_board(chain_of(rows, spot=100.0))
    assert [tab.root for tab in tabs_of(board)] == ["A", "B"]
    for tab in tabs_of(board):
        table = make_table(board, tab, Listed(), Order())
        assert len(table) == 2
        assert {board.chain.roots[root] for root in board.chain.root[[*table.calls, *table.puts]]} == {tab.root}
    table = make_table(board, None, Listed(), Order())
    assert [table.key(row).tab.root for row in range(4)] == ["A", "B", "A", "B"]
    assert [table.find(table.key(row)) for row in range(4)] == [0, 1, 2, 3]


def of_two_venues() -> Board:
    chain = chain_of(
        [Contract(strike, right, open_interest=1.0, iv=0.4) for strike in (99.0, 101.0) for right in "CP"], spot=100.0
    )
    return build_board(combine(chain.ticker, [replace(chain, source=venue) for venue in ("deribit", "bybit")]))


def test_venues_that_share_an_instant_are_apart() -> None:
    board = of_two_venues()
    assert [(tab.root, tab.venue) for tab in tabs_of(board)] == [("BTC", "deribit"), ("BTC", "bybit")]
    for at, tab in enumerate(tabs_of(board)):
        table = make_table(board, tab, Listed(), Order())
        assert len(table) == 2
        assert set(board.chain.expiry[[*table.calls, *table.puts]].tolist()) == {at}
    table = make_table(board, None, Listed(around=1), Order())
    assert [table.key(row).tab.venue for row in range(2)] == ["deribit", "bybit"]
    table = make_table(board, None, Listed(), Order())
    assert [table.find(table.key(row)) for row in range(4)] == [0, 1, 2, 3]
    lines = table_lines(board, table, list(GROUPS[0]), Rights.BOTH, Unit.PERCENT_MOVE)
    assert [line.split("\t")[2] for line in lines] == ["venue", "deribit", "bybit", "deribit", "bybit"]


@pytest.mark.parametrize(
    ("tab", "among", "words"),
    [
        (Tab(1.0, "SPX"), [Tab(1.0, "SPX"), Tab(2.0, "SPX")], ""),
        (Tab(1.0, "SPX"), [Tab(1.0, "SPX"), Tab(1.0, "SPXW")], "SPX"),
        (Tab(1.0, "BTC", "bybit"), [Tab(1.0, "BTC", "bybit"), Tab(1.0, "BTC", "deribit")], "bybit"),
        (Tab(1.0, "A", "bybit"), [Tab(1.0, "A", "bybit"), Tab(1.0, "B", "deribit")], "A bybit"),
    ],
)
def test_a_tab_is_told_apart_by_what_differs(tab: Tab, among: list[Tab], words: str) -> None:
    assert origin(tab, among) == words


def test_a_row_that_is_not_listed_is_the_nearest_strike_of_the_nearest_expiry() -> None:
    board = two_weeks()
    table = make_table(board, None, Listed(), Order())
    late = float(board.chain.expiries[1])
    assert table.find(Key(100.0, Tab(late, "BTC"))) == 2
    assert table.find(Key(101.0, Tab(late + 9.0, "gone"))) == 2
    assert table.find(Key(97.0, Tab(0.0, ""))) == 1
    assert table.find(Key(0.0, Tab(0.0, ""))) == 3


def test_an_expired_chain_has_no_tab() -> None:
    assert tabs_of(build_board(chain_of([Contract(100.0, "C", years=-0.1)]))) == []
    assert tabs_of(build_board(chain_of([]))) == []
    assert isinstance(tabs_of(two_weeks())[0], Tab)


def names(sideways: Sideways) -> str:
    return " ".join(stop.column for stop in sideways.visible)


def test_columns_follow_the_cursor_on_both_sides_and_the_strike_stays() -> None:
    sideways = Sideways()
    groups = chosen_groups(("gex", "open_interest", "bid", "ask", "iv"))
    sideways.fit(groups, Rights.BOTH, (STRIKE,), 25)
    assert names(sideways) == "iv open_interest gex strike gex open_interest iv"
    sideways.shift(3)
    assert sideways.stop == Stop(Rights.PUTS, "bid")
    assert names(sideways) == "bid ask open_interest strike open_interest bid ask"
    assert sideways.more == (True, True)
    sideways.shift(2)
    assert names(sideways) == "iv bid ask strike bid ask iv"
    assert sideways.more == (True, False)
    sideways.shift(-5)
    assert sideways.stop == STRIKE
    sideways.shift(-1)
    assert sideways.stop == Stop(Rights.CALLS, "gex")
    assert names(sideways) == "iv open_interest gex strike gex open_interest iv"
    sideways.shift(-99)
    assert sideways.stop == Stop(Rights.CALLS, "iv")
    sideways.home()
    assert sideways.stop == STRIKE


def test_one_side_stands_right_of_its_strike() -> None:
    sideways = Sideways()
    groups = chosen_groups(("gex", "open_interest"))
    sideways.fit(groups, Rights.CALLS, (EXPIRY, STRIKE), 60)
    assert names(sideways) == "expiry strike gex open_interest"
    sideways.shift(1)
    assert sideways.stop == Stop(Rights.CALLS, "gex")
    sideways.fit(groups, Rights.PUTS, (STRIKE,), 60)
    assert sideways.stop == STRIKE


def test_a_column_that_is_wider_than_the_room_is_shown_all_the_same() -> None:
    sideways = Sideways()
    sideways.fit(GROUPS, Rights.BOTH, (STRIKE,), 2)
    assert names(sideways) == "gex strike gex"


def test_what_is_copied_has_every_row_and_column_with_its_unit_and_numbers_in_full() -> None:
    board = two_weeks()
    table = make_table(board, None, Listed(), Order())
    columns = [column for group in chosen_groups(("gex", "open_interest", "iv", "delta")) for column in group]
    lines = [line.split("\t") for line in table_lines(board, table, columns, Rights.BOTH, Unit.UNDERLYING)]
    assert lines[0] == [
        "expiry", "root", "venue", "strike",
        "calls: GEX, BTC per 1%", "calls: Open interest, contracts", "calls: IV, %",
        "calls: Delta, USD per USD of forward",
        "puts: GEX, BTC per 1%", "puts: Open interest, contracts", "puts: IV, %",
        "puts: Delta, USD per USD of forward",
    ]  # fmt: skip
    assert len(lines) == 5
    first, second = lines[2:4]
    assert first[:4] == ["09MAR26", "BTC", "test", "100"]
    assert float(first[4]) == pytest.approx(board.book.gex[2] / 101.0, rel=1e-9)
    assert first[5:7] == ["5", "40"]
    assert second[:4] == ["16MAR26", "BTC", "test", "100"]
    assert second[8:] == ["", "", "", ""]
    assert lines[1][5] == ""  # open interest that nobody gives
    one_side = list(table_lines(board, table, columns, Rights.PUTS, Unit.SHARE))
    assert len(one_side[0].split("\t")) == 4 + 4


def test_a_long_table_is_copied_as_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    board = strikes_board([float(each) for each in range(1, 1001)], spot=500.4)
    table = make_table(board, None, Listed(), Order())
    asked: list[int] = []
    numbers = Table.numbers

    def noting(self: Table, of: Board, stop: Stop, rows: Integers) -> Floats:
        asked.append(len(rows))
        return numbers(self, of, stop, rows)

    monkeypatch.setattr(Table, "numbers", noting)
    columns = [column for group in chosen_groups(("gex",)) for column in group]
    lines = table_lines(board, table, columns, Rights.CALLS, Unit.PERCENT_MOVE)
    assert [next(lines).count("\t") for _ in range(10)] == [4] * 10
    assert sum(asked) < 1000
    assert len(list(lines)) == 991


def test_a_table_of_a_replaced_board_keeps_to_its_own_chain() -> None:
    board = two_weeks()
    table = make_table(board, None, Listed(), Order())
    assert table.chain is board.chain
    assert make_table(replace(board), None, Listed(), Order()).chain is board.chain
