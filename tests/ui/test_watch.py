"""What is being looked at, pulled from the desk."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gextui.exposure.filters import EVERYTHING, Filters, Weight
from gextui.ui.format import Unit
from gextui.ui.scene import Scene
from gextui.ui.state import State
from gextui.ui.watch import Watch
from tests.ui.desk import NOW, MemoryDesk


def watching(desk: MemoryDesk, state: State | None = None) -> Watch:
    return Watch(desk, state or State(), lambda: NOW)


def test_a_scene_is_equal_while_nothing_changes() -> None:
    desk = MemoryDesk()
    watch = watching(desk)
    first = watch.pull()
    desk.age = 2.9
    assert watch.pull() == first
    desk.put(desk.tickers[0])
    assert watch.pull() != first


def test_a_stale_age_changes_in_steps() -> None:
    desk = MemoryDesk()
    watch = Watch(desk, State(), lambda: NOW + timedelta(seconds=desk.age if desk.age is not None else 0.0))
    watch.pull()
    desk.stale = True

    def at(age: float) -> Scene:
        desk.age = age
        return watch.pull()

    assert at(41.0) == at(49.9) != at(50.1)
    assert at(41.0).health.age == 40.0
    assert at(125.0).health.age == 120.0


def test_before_the_first_board_there_is_none() -> None:
    watch = watching(MemoryDesk(empty=True))
    scene = watch.pull()
    assert scene.board is None
    assert not watch.situation.board
    assert watch.filters == EVERYTHING


def test_a_frozen_screen_counts_what_it_does_not_show() -> None:
    desk = MemoryDesk()
    watch = watching(desk)
    held = watch.pull().board
    watch.freeze()
    assert watch.pull().missed == 0
    newest = held
    for _ in range(3):
        newest = desk.put(desk.tickers[0])
        watch.pull()
    scene = watch.pull()
    assert (scene.missed, scene.board) == (3, held)
    watch.freeze()
    scene = watch.pull()
    assert (scene.missed, scene.board) == (None, newest)


def test_another_ticker_shows_its_last_board_even_when_frozen() -> None:
    desk = MemoryDesk("BTC", "SPX")
    watch = watching(desk)
    watch.pull()
    watch.freeze()
    desk.put(desk.tickers[0])
    watch.pull()
    watch.choose_ticker(desk.tickers[1])
    scene = watch.pull()
    assert scene.board is not None
    assert (scene.board.ticker.symbol, scene.missed) == ("SPX", 0)


def test_turning_goes_round_the_ends() -> None:
    desk = MemoryDesk("BTC", "SPX", "IBIT")
    watch = watching(desk)
    assert watch.turn(1).symbol == "SPX"
    assert watch.turn(-1).symbol == "IBIT"
    watch.choose_ticker(desk.tickers[2])
    assert watch.turn(1).symbol == "BTC"


def test_filters_are_of_one_ticker_and_go_to_the_desk_once() -> None:
    desk = MemoryDesk("BTC", "SPX")
    watch = watching(desk)
    watch.pull()
    watch.choose_filters(expiry="7d")
    watch.choose_filters(expiry="7d")
    watch.choose_filters(weight=Weight.VOLUME)
    assert desk.calls == [
        ("watch", "BTC", Filters(expiry="7d")),
        ("watch", "BTC", Filters(expiry="7d", weight=Weight.VOLUME)),
    ]
    watch.choose_ticker(desk.tickers[1])
    assert watch.filters == EVERYTHING


def test_what_the_desk_was_started_with_is_not_taken_for_a_choice() -> None:
    desk = MemoryDesk("BTC")
    desk.filters[desk.tickers[0]] = Filters(expiry="30d")
    desk.put(desk.tickers[0])
    watch = watching(desk)
    watch.pull()
    assert watch.filters == Filters(expiry="30d")
    assert watch.state("dark", {}, {}).filters == {}
    watch.choose_filters(weight=Weight.VOLUME)
    assert watch.filters == Filters(expiry="30d", weight=Weight.VOLUME)


@pytest.mark.parametrize("act", ["step", "live", "filters"])
def test_asking_for_another_reading_thaws(act: str) -> None:
    desk = MemoryDesk()
    watch = watching(desk)
    watch.pull()
    watch.freeze()
    if act == "step":
        watch.step(-1)
    elif act == "live":
        watch.live()
    else:
        watch.choose_filters(expiry="front")
    assert watch.pull().missed is None


def test_history_is_left_by_live() -> None:
    desk = MemoryDesk()
    watch = watching(desk)
    watch.pull()
    watch.step(-1)
    scene = watch.pull()
    assert scene.board is not None
    assert (scene.replay, scene.board.as_of) == (True, NOW - timedelta(minutes=5))
    assert watch.situation.replay
    watch.live()
    assert not watch.pull().replay


def test_what_was_saved_is_restored() -> None:
    saved = State("SPX", "heatmap", Unit.SHARE, "", {"SPX": Filters("2026-11-19,2026-11-27"), "ETH": Filters("7d")})
    desk = MemoryDesk("BTC", "SPX")
    watch = watching(desk, saved)
    assert (watch.ticker.symbol, watch.view, watch.unit) == ("SPX", "heatmap", Unit.SHARE)
    assert desk.calls == [("watch", "SPX", Filters("2026-11-27"))]
    # What was chosen for a ticker that is not shown this time is kept for the next.
    filters = {"SPX": Filters("2026-11-27"), "ETH": Filters("7d")}
    state = watch.state("dark", {"gex": 1}, {"chain": ("iv",)})
    assert state == State("SPX", "heatmap", Unit.SHARE, "dark", filters, {"gex": 1}, {"chain": ("iv",)})


def test_a_ticker_that_is_gone_gives_way_to_the_first() -> None:
    assert watching(MemoryDesk("BTC", "SPX"), State(ticker="XYZ")).ticker.symbol == "BTC"


def test_a_stale_replay_is_not_dimmed() -> None:
    desk = MemoryDesk()
    desk.stale, desk.age = True, 60.0
    scene = watching(desk).pull()
    assert scene.stale
    assert not replace(scene, replay=True).stale


class TestClock:
    """By which a live view, whose quotes may be old, is told the time."""

    def test_is_of_the_minute_and_stands_still_with_the_screen(self) -> None:
        desk, passed = MemoryDesk("SPX"), timedelta()
        watch = Watch(desk, State(), lambda: NOW + passed)
        minute = NOW.timestamp() - 10.0
        first = watch.pull()
        assert first.clock == minute
        passed = timedelta(seconds=49)
        assert watch.pull() == first
        passed = timedelta(seconds=50)
        assert watch.pull().clock == minute + 60.0
        watch.freeze()
        passed = timedelta(seconds=500)
        assert watch.pull().clock == minute + 60.0
        watch.freeze()
        assert watch.pull().clock == minute + 480.0

    def test_the_past_files_and_what_is_made_up_keep_their_own(self) -> None:
        desk = MemoryDesk("SPX")
        view = desk.views[desk.tickers[0]]
        assert watching(desk).pull().clock is not None
        for kept in (
            replace(view, replay=True),
            replace(view, board=replace(view.board, chain=replace(view.board.chain, simulated=True))),
        ):
            desk.views[desk.tickers[0]] = kept
            assert watching(desk).pull().clock is None
