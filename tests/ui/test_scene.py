"""The words of the frame."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gextui.market.chain import Halt
from gextui.sources.source import SourceState, SourceStatus
from gextui.ui.scene import Scene, badge_spans, notice, state_spans, time_spans
from gextui.ui.state import State
from gextui.ui.watch import Watch
from tests.ui.desk import NOW, MemoryDesk, made_up_chain


def scene_of(desk: MemoryDesk) -> Scene:
    return Watch(desk, State(), lambda: NOW).pull()


def words(spans: list[tuple[str, str]]) -> str:
    return "".join(text for text, _ in spans).strip()


@pytest.mark.parametrize(
    ("state", "said", "short"),
    [
        (SourceState.LIVE, "● live", "●"),
        (SourceState.CONNECTING, "○ connecting", "○"),
        (SourceState.BACKOFF, "○ reconnecting", "○ reconnecting"),
        (SourceState.DEGRADED, "● degraded", "● degraded"),
        (SourceState.CLOSED, "○ market closed", "○"),
        (SourceState.DISABLED, "○ off", "○ off"),
        (SourceState.REPLAY, "○ recorded", "○"),
        (SourceState.DELAYED, "● delayed", "●"),
    ],
)
def test_every_state_has_its_word(state: SourceState, said: str, short: str) -> None:
    desk = MemoryDesk()
    desk.status = SourceStatus("cboe", state, 60.0)
    assert words(state_spans(scene_of(desk))) == said
    assert words(state_spans(scene_of(desk), words=False)) == short


def test_a_delay_and_an_age_are_said() -> None:
    desk = MemoryDesk("SPX")
    desk.status = SourceStatus("cboe", SourceState.DELAYED, 60.0)
    desk.put_chain(made_up_chain("SPX", delay=900.0))
    assert words(state_spans(scene_of(desk))) == "● delayed 15 min"
    desk.stale, desk.age = True, 47.0
    assert words(state_spans(scene_of(desk))) == "● stale 40 s"
    desk.age = 3_700.0
    assert words(state_spans(scene_of(desk), words=False)) == "● stale 61 min"


def test_badges_say_what_must_not_be_overlooked() -> None:
    desk = MemoryDesk()
    scene = scene_of(desk)
    assert badge_spans(scene) == []
    desk.put_chain(made_up_chain(desk.tickers[0].symbol, simulated=True))
    assert words(badge_spans(scene_of(desk))) == "SIMULATED"
    assert words(badge_spans(replace(scene, replay=True))) == "REPLAY"
    for halt, badge in ((Halt(NOW, stated=True), "HALTED"), (Halt(NOW, stated=False), "HALTED?")):
        desk.put_chain(replace(made_up_chain(desk.tickers[0].symbol), halt=halt))
        assert words(badge_spans(scene_of(desk))) == badge
    assert words(badge_spans(replace(scene, missed=0))) == "FROZEN"
    assert words(badge_spans(replace(scene, missed=12, replay=True))) == "REPLAY   FROZEN +12"


def test_a_chain_that_is_made_up_is_simulated_whatever_its_source_says() -> None:
    desk = MemoryDesk()
    desk.put_chain(made_up_chain(simulated=True))
    assert words(badge_spans(scene_of(desk))) == "SIMULATED"


def test_the_time_is_the_boards_and_says_its_day_when_that_is_another() -> None:
    desk = MemoryDesk()
    assert words(time_spans(scene_of(desk))) == "14:32:10 UTC"
    assert words(time_spans(scene_of(desk), short=True)) == "14:32"
    desk.put(desk.tickers[0], as_of=NOW - timedelta(days=1))
    assert words(time_spans(scene_of(desk))) == "19 NOV 26 14:32 UTC"
    assert words(time_spans(scene_of(desk), short=True)) == "19 NOV 26 14:32"
    assert time_spans(scene_of(MemoryDesk(empty=True))) == []


def test_while_the_market_is_closed_the_time_is_the_quotes() -> None:
    desk = MemoryDesk("SPY")
    desk.status = SourceStatus("cboe", SourceState.CLOSED, 900.0)
    # The Saturday after Thanksgiving, a half day; the venue makes its file anew all the same.
    saturday = datetime(2026, 11, 28, 22, 50, tzinfo=UTC)
    desk.put_chain(made_up_chain("SPY", as_of=saturday, delay=900.0))
    scene = replace(scene_of(desk), clock=saturday.timestamp())
    assert words(time_spans(scene)) == "as of 13:15 New York Fri"
    assert words(time_spans(scene, short=True)) == "13:15 NY Fri"
    assert words(time_spans(replace(scene, replay=True))) == "28 NOV 26 22:50 UTC"
    desk.status = SourceStatus("cboe", SourceState.DELAYED, 60.0)
    assert words(time_spans(scene_of(desk))) == "28 NOV 26 22:50 UTC"


def test_the_gravest_notice_comes_first() -> None:
    desk = MemoryDesk()
    assert notice(scene_of(desk)) == ""
    desk.change_board(desk.tickers[0], warnings=("first", "second"))
    assert notice(scene_of(desk)) == "first  (and 1 more: !)"
    desk.status = SourceStatus("cboe", SourceState.DELAYED, 60.0, instead_of="tradier: no token")
    assert notice(scene_of(desk)) == "cboe instead of tradier: no token  (and 2 more: !)"
    desk.status = SourceStatus("deribit", SourceState.BACKOFF, 1.0, "HTTP 503; next try in 3 s")
    assert notice(scene_of(desk)) == "deribit: HTTP 503; next try in 3 s  (and 2 more: !)"
    desk.recording = "the disk is full: not recording"
    assert notice(scene_of(desk)) == "the disk is full: not recording  (and 3 more: !)"


def test_what_the_state_says_already_is_not_said_again() -> None:
    desk = MemoryDesk()
    desk.stale, desk.age = True, 60.0
    assert notice(scene_of(desk)) == ""
    desk.status = SourceStatus("deribit", SourceState.LIVE, 1.0, "no trades for a minute")
    assert notice(scene_of(desk)) == "deribit: no trades for a minute"
