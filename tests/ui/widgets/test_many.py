"""The view of many tickers: a row each, sorted by any column, in whatever room there is."""

from dataclasses import replace
from typing import Any

import pytest
from rich.cells import cell_len

from gextui.desk import Health, View
from gextui.exposure.board import Board, build_board
from gextui.exposure.filters import Filters
from gextui.exposure.zero_gamma import Side
from gextui.market.ticker import Ticker, ticker_for
from gextui.sources.source import SourceState, SourceStatus
from gextui.ui.format import Unit
from gextui.ui.scene import Standing
from gextui.ui.widgets.many import Many
from gextui.ui.widgets.many_columns import COLUMNS
from tests.ui.boards import strikes_board, with_levels
from tests.ui.desk import made_up_chain
from tests.ui.widgets.showing import painted_lines, seen, showing

WELL = Health(SourceStatus("deribit", SourceState.LIVE, 1.0), 0.0, False, "recording")
HEADINGS = [column.heading for column in COLUMNS]


def board(
    spot: float = 100.0,
    *,
    net: float | None = 5e6,
    day: float | None = 0.01,
    zero: float | None = 98.0,
    call: float = 110.0,
    put: float = 90.0,
    move: float | None = 3.0,
) -> Board:
    plain = strikes_board([80.0, 90.0, 100.0, 110.0, 120.0], spot=spot)
    plain = with_levels(plain, call_walls=[call], put_walls=[put], zero_gamma=zero, move=move)
    return replace(plain, spot_change=day, totals=replace(plain.totals, net_gex=net))


def standing(symbol: str, shown: Board | None = None, *, replay: bool = False, **changes: Any) -> Standing:
    health = {name: changes.pop(name) for name in ("age", "stale") if name in changes}
    view = None if shown is None else View(shown, replay)
    return Standing(ticker_for(symbol), replace(WELL, status=replace(WELL.status, **changes), **health), view)


def show(view: Many, *standings: Standing, chosen: Ticker | None = None, unit: Unit = Unit.PERCENT_MOVE) -> list[str]:
    view.show_many(standings, chosen or standings[0].ticker, unit=unit)
    return seen(view)


def symbols(view: Many) -> list[str]:
    return [text[2:].split()[0] for text in seen(view)[1:]]


def sort_by(view: Many, heading: str) -> list[str]:
    view.shift(HEADINGS.index(heading) - COLUMNS.index(view.column))
    view.sort()
    return symbols(view)


async def test_every_column_of_a_reading() -> None:
    view = Many()
    async with showing(view, (130, 5)):
        lines = show(view, standing("BTC", board(), age=2.0))
        assert lines[0].split() == HEADINGS
        assert lines[1].split() == [
            "▸●", "BTC", "100.00", "+1.00%", "γ?", "+5.0M", "98.00", "-2.0%", "110", "+10.0%", "90", "-10.0%",
            "±3.00", "±3.0%", "2", "s", "live",
        ]  # fmt: skip
        assert view.heading == "All tickers by your order"


async def test_what_is_missing_is_a_dash_and_a_book_without_zero_gamma_says_its_side() -> None:
    view = Many()
    async with showing(view, (130, 5)):
        empty = board(net=None, day=None, zero=None, move=None)
        long = replace(empty, levels=replace(empty.levels, zero_gamma=replace(empty.levels.zero_gamma, side=Side.LONG)))
        lines = show(view, standing("BTC", empty), standing("ETH", long))
        assert lines[1].split()[3:8] == ["–", "γ?", "–", "–", "–"]
        assert lines[1].split()[12:14] == ["–", "–"]
        assert lines[2].split()[6:8] == ["none", "long"]


@pytest.mark.parametrize(
    ("width", "last"), [(130, "STATE"), (118, "STATE"), (80, "AGE"), (60, "AGE"), (40, "ZG"), (24, "SPOT")]
)
async def test_columns_give_way_by_rank(width: int, last: str) -> None:
    view = Many()
    async with showing(view, (width, 8)):
        rows = [standing(symbol, build_board(made_up_chain(symbol))) for symbol in ("BTC", "SPX", "IBIT", "XRP")]
        lines = show(view, *rows)
        assert lines[0].split()[-1] == last
        assert {cell_len("".join(text for text, _ in spans)) for spans in view.lines} == {width}
        assert not any("…" in text for text in lines)


async def test_columns_are_as_wide_as_what_they_held_and_do_not_shrink() -> None:
    view = Many()
    async with showing(view, (60, 5)):
        before = show(view, standing("BTC", board(net=5e6)))[0]
        wider = show(view, standing("BTC", board(net=-555.5e6)))[0]
        assert before != wider
        assert show(view, standing("BTC", board(net=5e6)))[0] == wider
        assert show(view, standing("BTC", board(net=5e6)), unit=Unit.SHARE)[0] != wider


async def test_the_chosen_column_and_the_one_sorted_by_are_shown_however_little_room_there_is() -> None:
    view = Many()
    async with showing(view, (60, 5)):
        show(view, standing("BTC", board()))
        assert "EM%" not in seen(view)[0]
        view.shift(HEADINGS.index("EM%"))
        assert ("EM%", "chosen") in view.lines[0]
        view.sort()
        assert ("EM%▼", "chosen") in view.lines[0]
        view.shift(-2)
        assert ("PW%", "chosen") in view.lines[0]
        assert ("EM%▼", "heading") in view.lines[0]


ROWS = (
    standing("BTC", board(100.0, net=1e6, day=0.02, zero=99.0, call=110.0, put=95.0, move=2.0), age=3.0),
    standing("ETH", board(110.0, net=-9e6, day=None, zero=None, call=111.0, put=80.0, move=None), age=9.0),
    standing("SOL", None, state=SourceState.CONNECTING, age=None),
    standing("AVAX", board(90.0, net=5e6, day=-0.03, zero=80.0, call=120.0, put=89.0, move=4.0), age=1.0),
)


@pytest.mark.parametrize(
    ("heading", "known", "missing"),
    [
        ("TICKER", "AVAX BTC ETH", "SOL"),
        ("SPOT", "ETH BTC AVAX", "SOL"),
        ("DAY", "BTC AVAX", "ETH SOL"),
        ("NET", "AVAX BTC ETH", "SOL"),
        ("ZG", "BTC AVAX", "ETH SOL"),
        ("ZG%", "BTC AVAX", "ETH SOL"),
        ("CW", "AVAX ETH BTC", "SOL"),
        ("CW%", "ETH BTC AVAX", "SOL"),
        ("PW", "BTC AVAX ETH", "SOL"),
        ("PW%", "AVAX BTC ETH", "SOL"),
        ("EM", "AVAX BTC", "ETH SOL"),
        ("EM%", "AVAX BTC", "ETH SOL"),
        ("AGE", "ETH BTC AVAX", "SOL"),
    ],
)
async def test_it_sorts_by_every_column_and_what_is_missing_stays_last(heading: str, known: str, missing: str) -> None:
    view = Many()
    column = COLUMNS[HEADINGS.index(heading)]
    async with showing(view, (100, 8)):
        show(view, *ROWS)
        assert symbols(view) == ["BTC", "ETH", "SOL", "AVAX"]
        assert sort_by(view, heading) == [*known.split(), *missing.split()]
        assert view.heading == f"All tickers by {column.words}"
        assert f"{heading}{'▲' if column.rising else '▼'}" in seen(view)[0]
        view.sort()
        assert symbols(view) == [*known.split()[::-1], *missing.split()]
        assert view.heading == f"All tickers by {column.words}, reversed"
        assert f"{heading}{'▼' if column.rising else '▲'}" in seen(view)[0]
        view.sort()
        assert symbols(view) == ["BTC", "ETH", "SOL", "AVAX"]
        assert view.heading == "All tickers by your order"


async def test_equals_keep_the_users_order_and_columns_go_round() -> None:
    view = Many()
    async with showing(view, (130, 8)):
        show(view, *(standing(symbol, board()) for symbol in ("ETH", "BTC", "SOL")))
        assert sort_by(view, "NET") == ["ETH", "BTC", "SOL"]
        assert sort_by(view, "STATE") == ["ETH", "BTC", "SOL"]
        view.shift(1)
        assert (view.column, view.sorted_by) == (COLUMNS[0], COLUMNS[-1])
        view.sort()
        assert (view.sorted_by, view.reversed) == (COLUMNS[0], False)
        assert symbols(view) == ["BTC", "ETH", "SOL"]


async def test_a_sort_by_net_is_by_the_number_that_is_shown() -> None:
    view = Many()
    async with showing(view, (100, 8)):
        large, small = board(100.0, net=9e6), board(10.0, net=5e6)
        show(view, standing("BTC", large), standing("ETH", small))
        assert sort_by(view, "NET") == ["BTC", "ETH"]
        show(view, standing("BTC", large), standing("ETH", small), unit=Unit.UNDERLYING)
        assert symbols(view) == ["ETH", "BTC"]


async def test_the_cursor_follows_its_ticker_and_scrolls() -> None:
    view = Many()
    names = [f"T{number:02d}" for number in range(50)]
    async with showing(view, (60, 11)):
        rows = [standing(name, board(net=float(number))) for number, name in enumerate(names)]
        show(view, *rows)
        view.move(1)
        assert view.chosen_ticker() == rows[1].ticker
        view.page(1)
        assert view.chosen_ticker() == rows[10].ticker
        assert symbols(view) == names[1:11]
        view.page(99)
        assert view.chosen_ticker() == rows[49].ticker
        assert symbols(view) == names[40:]
        assert sort_by(view, "NET")[0] == "T49"
        assert seen(view)[1].startswith("▸● T49")
        view.move(-1)
        assert view.chosen_ticker() == rows[49].ticker
        view.sort()
        view.sort()
        show(view, *rows, chosen=rows[20].ticker)
        assert [text for text in seen(view) if "▸" in text] == [text for text in seen(view) if "T20" in text]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"state": SourceState.CONNECTING}, "▸○ SOL     connecting: no reading from deribit yet"),
        ({"state": SourceState.BACKOFF, "detail": "HTTP 503; next try in 3 s"},
         "▸! SOL     reconnecting: HTTP 503; next try in 3 s"),
        ({"state": SourceState.DISABLED, "detail": "deribit lists no options on SOL"},
         "▸! SOL     off: deribit lists no options on SOL"),
        ({"state": SourceState.CLOSED}, "▸○ SOL     market closed: no reading from deribit yet"),
    ],
)  # fmt: skip
async def test_without_a_reading_the_row_says_how_it_stands(given: dict[str, Any], said: str) -> None:
    view = Many()
    async with showing(view, (80, 4)):
        assert show(view, standing("SOL", None, age=None, **given))[1] == said


@pytest.mark.parametrize(
    ("row", "sign", "words"),
    [
        (standing("BTC", board(), age=42.0, stale=True), "!", "42 s stale"),
        (standing("BTC", board(), age=42.0, stale=True, replay=True), "○", "42 s replay"),
        (standing("BTC", board(), age=3.0, state=SourceState.DEGRADED), "!", "3 s degraded"),
        (standing("BTC", build_board(made_up_chain(delay=900.0)), age=7.0, state=SourceState.DELAYED), "●",
         "7 s delayed 15 min"),
        (standing("BTC", board(), age=7200.0, state=SourceState.CLOSED), "○", "2 h market closed"),
        (standing("BTC", board(), age=None, state=SourceState.REPLAY), "○", "– recorded"),
    ],
)  # fmt: skip
async def test_a_reading_says_its_age_and_state(row: Standing, sign: str, words: str) -> None:
    view = Many()
    async with showing(view, (130, 4)):
        text = show(view, row)[1]
        assert text[1] == sign
        assert text.endswith(words)


async def test_a_stale_row_is_dimmed_and_the_others_are_not() -> None:
    view = Many()
    async with showing(view, (100, 4)):
        show(view, standing("BTC", board(), age=42.0, stale=True), standing("ETH", board()))
        styles = [{name for text, name in spans if text.strip()} for spans in view.lines[1:]]
        assert styles[0] == {"cursor value", "cursor warning", "cursor stale"}
        assert "stale" not in " ".join(styles[1])
        assert {"call", "zero", "call-wall", "put-wall"} <= styles[1]


async def test_filters_of_a_tickers_own_are_marked_and_the_mark_is_told() -> None:
    view = Many()
    async with showing(view, (100, 4)):
        lines = show(view, standing("BTC", replace(board(), filters=Filters(expiry="0dte"))), standing("ETH", board()))
        assert [text.split()[1] for text in lines[1:]] == ["BTC*", "ETH"]
        assert view.heading == "All tickers by your order, * has filters"


async def test_only_lines_that_differ_are_painted(monkeypatch: pytest.MonkeyPatch) -> None:
    view = Many()
    async with showing(view, (100, 6)) as pilot:
        rows = [standing(symbol, board()) for symbol in ("BTC", "ETH", "SOL")]
        show(view, *rows)
        await pilot.pause()
        painted = painted_lines(monkeypatch)
        show(view, *rows)
        await pilot.pause()
        assert painted == []
        show(view, rows[0], standing("ETH", board(day=0.02)), rows[2])
        await pilot.pause()
        assert set(painted) == {2}


async def test_ascii_alone() -> None:
    view = Many(ascii_only=True)
    async with showing(view, (100, 5)) as pilot:
        show(view, standing("BTC", board()), standing("ETH", None, age=None))
        view.sort()
        await pilot.pause()
        assert all(strip.text.isascii() for strip in map(view.render_line, range(5)))
