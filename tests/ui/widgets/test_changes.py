"""The change panel and its ladder."""

from datetime import timedelta

import numpy as np

from gextui.exposure.board import Board
from gextui.exposure.change import Change, ChangeState
from gextui.ui.format import Unit
from gextui.ui.widgets.changes import Changes
from tests.exposure.chains import NOW
from tests.ui.boards import strikes_board, with_changes, with_gex, with_levels
from tests.ui.widgets.showing import screen_text, seen, showing

STRIKES = [float(strike) for strike in range(96, 106)]


def change(
    minutes: int, moved: dict[float, float], state: ChangeState = ChangeState.OK, expired: float = 0.0
) -> Change:
    flow = np.array([moved.get(strike, 0.0) for strike in STRIKES])
    since = NOW - timedelta(minutes=minutes)
    return Change(minutes, state, since, np.array(STRIKES), flow, np.zeros(len(STRIKES)), expired)


def board(*changes: Change) -> Board:
    plain = with_gex(with_levels(strikes_board(STRIKES, spot=100.4)), {103.0: (40e6, -5e6), 97.0: (0.0, -9e6)})
    return with_changes(plain, *changes)


async def test_a_line_a_window_and_the_ladder_of_the_chosen_one() -> None:
    view = Changes()
    shown = board(
        change(1, {103.0: 1.2e6}), change(5, {97.0: -3.4e6, 103.0: 1e6}),
        change(15, {99.0: 5e6}, ChangeState.EXPIRY, -9.8e6),
    )  # fmt: skip
    async with showing(view, (82, 24)):
        view.show(shown, unit=Unit.PERCENT_MOVE)
        lines = seen(view)
        assert lines[0].split() == ["WINDOW", "SINCE", "LARGEST", "AT", "CHANGE", "TOTAL", "CAUSE", "STATE"]
        assert lines[1].split() == ["1", "min", "14:59:00", "103", "+1.2M", "+1.2M", "flow"]
        assert lines[2].split() == ["▸", "5", "min", "14:55:00", "97", "-3.4M", "-2.4M", "flow"]
        assert lines[3].split() == ["10", "min", "–", "–", "–", "–", "gap"]
        assert " ".join(lines[4].split()) == "15 min 14:45:00 99 +5.0M +5.0M flow expiry -9.8M"
        assert lines[5].split() == ["30", "min", "–", "–", "–", "–", "gap"]
        ladder = {text.split()[0]: text for text in lines[7:]}
        assert ladder["97"].split()[-2:] == ["-3.4M", "-9.0M"]
        assert ladder["103"].split()[-2:] == ["+1.0M", "+35.0M"]
        axis = ladder["105"].index("│")
        assert "█" in ladder["97"][:axis]
        assert "█" not in ladder["97"][axis:]
        assert "█" in ladder["103"][axis:]


async def test_where_there_is_little_room_the_state_takes_the_place_of_the_cause() -> None:
    view = Changes()
    async with showing(view, (51, 20)):
        view.show(board(change(1, {103.0: 1.2e6}), change(5, {99.0: 5e6}, ChangeState.EXPIRY)), unit=Unit.PERCENT_MOVE)
        lines = seen(view)
        assert lines[0].split()[-1] == "CAUSE"
        assert [text.split()[-1] for text in lines[1:4]] == ["flow", "expiry", "gap"]


async def test_shift_chooses_the_window_and_stops_at_the_ends() -> None:
    view = Changes()
    async with showing(view, (60, 17)):
        view.show(board(change(5, {97.0: -3.4e6})), unit=Unit.PERCENT_MOVE)
        assert view.heading == "Change of net GEX over 5 min"
        view.shift(1)
        assert view.minutes == 10
        assert "gap: nothing was recorded 10 min ago" in "\n".join(seen(view))
        view.shift(9)
        assert view.minutes == 30
        view.shift(-9)
        assert view.minutes == 1


async def test_a_window_that_can_be_compared_comes_first_until_one_is_chosen() -> None:
    view = Changes()
    async with showing(view, (60, 17)):
        view.show(board(change(1, {97.0: 1e6}), change(10, {97.0: 1e6})), unit=Unit.PERCENT_MOVE)
        assert view.minutes == 1
        view.show(board(change(10, {97.0: 1e6})), unit=Unit.PERCENT_MOVE)
        assert view.minutes == 10
        view.shift(-1)
        assert view.minutes == 5
        view.show(board(change(1, {97.0: 1e6})), unit=Unit.PERCENT_MOVE)
        assert view.minutes == 5


async def test_the_states_that_cannot_be_compared_are_said_in_words() -> None:
    view = Changes()
    other_source = Change(5, ChangeState.SOURCE, NOW - timedelta(minutes=5))
    async with showing(view, (60, 17)):
        view.show(board(other_source), unit=Unit.PERCENT_MOVE)
        text = "\n".join(seen(view))
        assert "source: another one then" in text
        assert "│" not in text
        view.show(board(change(5, {})), unit=Unit.PERCENT_MOVE)
        assert "nothing changed in 5 min" in "\n".join(seen(view))


async def test_without_a_past_there_is_nothing_to_compare_with() -> None:
    view = Changes()
    async with showing(view, (60, 17)) as pilot:
        view.show(strikes_board(STRIKES, spot=100.4), unit=Unit.PERCENT_MOVE)
        await pilot.pause()
        assert [text.strip() for text in screen_text(pilot) if text] == ["nothing recorded to compare with yet"]


async def test_expiry_fits_a_narrow_pane() -> None:
    view = Changes()
    async with showing(view, (60, 17)):
        view.show(board(change(5, {99.0: 5e6}, ChangeState.EXPIRY, -9.8e6)), unit=Unit.PERCENT_MOVE)
        assert seen(view)[2].split() == ["▸", "5", "min", "99", "+5.0M", "+5.0M", "flow", "expiry"]
        view.go_to(99.0)
        assert view.selected_strike() == 99.0
