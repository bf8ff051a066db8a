"""Every view, whatever it is given: remote strings are drawn as they are, odd chains are survived."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from gextui.exposure.board import Board, build_board
from gextui.exposure.filters import Filters
from gextui.market.chain import OptionChain
from gextui.market.ticker import Kind, Ticker
from gextui.ui.format import Unit
from gextui.ui.measure import Measure
from gextui.ui.widgets.chain import Chain
from gextui.ui.widgets.changes import Changes
from gextui.ui.widgets.expiries import Expiries
from gextui.ui.widgets.heatmap import HeatMap
from gextui.ui.widgets.history import History
from gextui.ui.widgets.iv_rank import IvRank
from gextui.ui.widgets.ladder import Ladder
from gextui.ui.widgets.lines import LineView
from gextui.ui.widgets.profile import Profile
from gextui.ui.widgets.put_call import PutCall
from gextui.ui.widgets.smile import Smile
from gextui.ui.widgets.term import Term
from tests.exposure.chains import Contract, chain_of, random_chain
from tests.ui.boards import DAY, strikes_board, strikes_chain, with_changes, with_gex
from tests.ui.widgets.showing import screen_text, showing

VIEWS: list[Callable[[], LineView]] = [
    Ladder, lambda: Ladder(Measure.OPEN_INTEREST), lambda: Ladder(Measure.VOLUME), Changes, HeatMap, Expiries, Chain,
    Profile, History, Smile, Term, IvRank, PutCall,
]  # fmt: skip
SIZES = [(120, 33), (60, 17), (7, 3), (1, 1)]
PAYLOADS = ["[red]x[/red]", "[/SPY", "\x1b[31mred\x1b[0m", "a\x07b\x9bc", "[@click=app.quit]q[/]", "日本"]


def all_missing() -> Board:
    nan = math.nan
    return build_board(chain_of([Contract(100.0, "C", iv=nan), Contract(105.0, "P", iv=nan)], spot=101.0))


ODD: dict[str, Callable[[], Board]] = {
    "empty": lambda: build_board(chain_of([], spot=100.0)),
    "one contract": lambda: build_board(chain_of([Contract(100.0, "C", open_interest=1.0)], spot=100.0)),
    "one strike": lambda: strikes_board([100.0], spot=100.4),
    "missing": all_missing,
    "no open interest": lambda: strikes_board([90.0, 100.0, 110.0], spot=100.4, open_interest=0.0),
    "spot below all": lambda: strikes_board([200.0, 210.0], spot=100.0),
    "spot above all": lambda: strikes_board([20.0, 21.0], spot=100.0),
    "filtered out": lambda: strikes_board([90.0, 110.0], spot=100.0, filters=Filters(strike_range=1.0)),
    "fractions": lambda: strikes_board([0.05, 0.1, 0.125, 0.15], spot=0.11),
    "random": lambda: build_board(random_chain(3)),
    "some missing": lambda: with_gex(
        strikes_board([90.0, 100.0, 110.0], spot=100.4), {90.0: (math.nan, -1e6), 100.0: (math.nan, math.nan)}
    ),
    "five thousand strikes": lambda: strikes_board([float(each) for each in range(1, 5001)], spot=2500.4),
    "many expiries": lambda: strikes_board([99.0, 100.0], spot=99.5, years=[(each + 1) * DAY for each in range(60)]),
}


@pytest.fixture(scope="module")
def odd_boards() -> dict[str, Board]:
    return {name: make() for name, make in ODD.items()}


@pytest.mark.parametrize("make", VIEWS)
@pytest.mark.parametrize("size", SIZES)
async def test_odd_chains(make: Callable[[], LineView], size: tuple[int, int], odd_boards: dict[str, Board]) -> None:
    view = make()
    async with showing(view, size) as pilot:
        for name, board in odd_boards.items():
            view.show(board, unit=Unit.PERCENT_MOVE)
            for act in (view.move, view.page, view.shift, view.zoom, view.turn):
                act(1)
                act(-1)
            view.go_to(board.spot)
            view.sort()
            view.explanation()
            view.show(with_changes(board), unit=Unit.SHARE, stale=True)
            view.recentre()
            await pilot.pause()
            lines = screen_text(pilot)
            assert len(lines) == size[1], name
            assert all(len(text) <= size[0] for text in lines), name
            assert "nan" not in "".join(lines), name


def renamed(payload: str) -> Board:
    chain: OptionChain = strikes_chain(
        [99.0, 100.0, 101.0], spot=100.4, roots=(payload, "ROOT"), ticker=Ticker(payload, payload, Kind.STOCK, "x")
    )
    board = build_board(chain)
    return replace(board, warnings=(payload,), by_expiry=replace(board.by_expiry, roots=(payload,)))


@pytest.mark.parametrize("make", VIEWS)
@pytest.mark.parametrize("payload", PAYLOADS)
async def test_remote_strings_are_drawn_as_they_are(make: Callable[[], LineView], payload: str) -> None:
    view = make()
    async with showing(view, (140, 24)) as pilot:
        view.show(renamed(payload), unit=Unit.UNDERLYING)
        await pilot.pause()
        lines = screen_text(pilot)
        assert not any(ord(each) < 32 or 127 <= ord(each) < 160 for text in lines for each in text)
        assert pilot.app.is_running
        if isinstance(view, Chain) and payload.isprintable():
            assert payload in lines[0]
        if isinstance(view, Expiries) and payload == "[/SPY":
            assert payload in lines[1]


async def test_a_warning_that_explains_a_wiped_chain_is_plain_text() -> None:
    board = replace(strikes_board([99.0, 100.0], spot=99.4), wiped=True, warnings=("[red]wiped[/red] by its source",))
    view = Ladder()
    async with showing(view, (60, 9)) as pilot:
        view.show(board, unit=Unit.PERCENT_MOVE)
        await pilot.pause()
        assert [text.strip() for text in screen_text(pilot) if text] == ["[red]wiped[/red] by its source"]


async def test_no_view_draws_before_its_first_board() -> None:
    for make in VIEWS:
        view = make()
        async with showing(view, (60, 9)) as pilot:
            view.redraw()
            view.move(1)
            view.page(1)
            view.shift(1)
            view.zoom(1)
            view.recentre()
            assert view.selected_strike() is None
            assert view.explanation() is None
            await pilot.pause()
            assert not np.any([bool(text) for text in screen_text(pilot)])
