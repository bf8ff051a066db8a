"""Puts against calls by strike."""

import pytest

from gextui.exposure.board import build_board
from gextui.ui.format import Unit
from gextui.ui.widgets.put_call import PutCall
from tests.exposure.chains import Contract, chain_of
from tests.ui.boards import strikes_board
from tests.ui.widgets.showing import seen, showing

NAN = float("nan")
BOARD = build_board(
    chain_of(
        [
            Contract(90.0, "P", iv=0.4, open_interest=300.0, volume=40.0),
            Contract(90.0, "C", iv=0.4, open_interest=100.0, volume=0.0),
            Contract(110.0, "P", iv=0.4, open_interest=0.0, volume=10.0),
            Contract(110.0, "C", iv=0.4, open_interest=600.0, volume=20.0),
        ],
        spot=100.0,
    )
)


async def test_each_strike_has_both_sides_and_their_ratio() -> None:
    view = PutCall()
    async with showing(view, (60, 12)):
        view.show(BOARD, unit=Unit.PERCENT_MOVE)
        lines = seen(view)
        assert lines[0].split() == ["OPEN", "INTEREST", "VOLUME"]
        assert lines[1].split() == ["STRIKE", "PUTS", "CALLS", "P/C", "PUTS", "CALLS", "P/C"]
        assert lines[2].split() == ["all", "300", "700", "0.43", "50", "20", "2.50"]
        assert lines[3].replace("│", " ").split() == ["110", "0", "600", "0.00", "10", "20", "0.50"]
        assert lines[4].endswith("SPOT")
        assert lines[5].replace("│", " ").split() == ["90", "300", "100", "3.00", "40", "0", "–"]


async def test_bars_grow_from_the_middle_where_there_is_room() -> None:
    view = PutCall()
    async with showing(view, (120, 12)):
        view.show(BOARD, unit=Unit.PERCENT_MOVE)
        half = seen(view)[5][:64]
        puts, calls = half.split("│")
        assert puts.count("█") > calls.count("█") > 0


async def test_a_measure_that_the_source_does_not_give_is_a_dash() -> None:
    rows = [Contract(strike, right, iv=0.4, open_interest=5.0) for strike in (90.0, 110.0) for right in "CP"]
    view = PutCall()
    async with showing(view, (60, 12)):
        view.show(build_board(chain_of(rows, spot=100.0)), unit=Unit.PERCENT_MOVE)
        assert seen(view)[2].split() == ["all", "10", "10", "1.00", "–", "–", "–"]
        assert seen(view)[3].replace("│", " ").split() == ["110", "5", "5", "1.00", "–", "–", "–"]


async def test_the_ratio_under_the_cursor_is_explained() -> None:
    view = PutCall()
    async with showing(view, (60, 12)):
        view.show(BOARD, unit=Unit.PERCENT_MOVE)
        assert view.explanation() is None
        view.go_to(90.0)
        assert seen(view)[5].startswith("▸")
        explained = view.explanation()
        assert explained is not None
        assert (explained.title, explained.value) == ("Put/call", 3.0)


async def test_strikes_are_gathered_and_what_they_hold_is_summed() -> None:
    view = PutCall()
    async with showing(view, (60, 12)):
        view.show(strikes_board([float(each) for each in range(50, 150)], spot=100.4), unit=Unit.PERCENT_MOVE)
        assert view.heading.startswith("Puts and calls by strike in steps of ")
        held = seen(view)[3].replace("│", " ").split()
        assert held[1] == held[2] != "10"


@pytest.mark.parametrize("size", [(120, 33), (79, 18), (60, 16), (40, 9), (10, 3), (1, 1)])
async def test_every_size(size: tuple[int, int]) -> None:
    view = PutCall()
    async with showing(view, size):
        view.show(BOARD, unit=Unit.PERCENT_MOVE)
        assert len(view.lines) <= size[1]
        assert all(sum(len(text) for text, _ in spans) == size[0] for spans in view.lines)
