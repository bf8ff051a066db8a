"""The desk when sources, boards or the history fail, and how it ends."""

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator

import pytest

from gextui.desk import Desk
from gextui.exposure.board import Board, build_board
from gextui.exposure.change import Past
from gextui.exposure.filters import EVERYTHING, Filters
from gextui.keeper import History
from gextui.market.chain import OptionChain
from gextui.sources.source import BadInputError, SourceState
from tests.support.clock import FakeClock
from tests.support.desk import (
    BTC,
    ETH,
    NOON,
    Diary,
    FedSource,
    chain_at,
    running,
    shown,
    until,
    until_shown,
)


class TestSources:
    def test_one_that_crashes_is_shown_logged_and_started_again(self, caplog: pytest.LogCaptureFixture) -> None:
        clock, source, other = FakeClock(), FedSource(BTC), FedSource(ETH, name="other")
        with running(Desk([source, other], clock=clock)) as desk:
            source.feed(chain_at(0, 100.0))
            until_shown(desk, 100.0)
            source.feed(KeyError("surprise"))
            until(lambda: desk.health(BTC).status.state is SourceState.BACKOFF)
            assert desk.health(BTC).status.detail == (
                "fed failed on an unexpected KeyError; the log has the details; next try in 0 s"
            )
            assert shown(desk) == 100.0
            other.feed(chain_at(0, 50.0, ticker=ETH))
            until_shown(desk, 50.0, ETH)
            assert desk.health(ETH).status.state is SourceState.LIVE
            source.pass_time(clock, 0.25)
            until(lambda: source.runs == 2)
            source.feed(chain_at(1, 101.0))
            until_shown(desk, 101.0)
            assert desk.health(BTC).status.state is SourceState.LIVE
            assert desk.health(BTC).status.detail == ""
        [record] = [record for record in caplog.records if record.name.startswith("gextui")]
        assert record.levelno == logging.ERROR
        assert record.exc_info is not None
        assert isinstance(record.exc_info[1], KeyError)

    def test_what_was_foreseen_is_told_in_its_own_words_cleaned(self, caplog: pytest.LogCaptureFixture) -> None:
        clock, source = FakeClock(), FedSource()
        with running(Desk([source], clock=clock)) as desk:
            source.feed(BadInputError("no \x1b]52;;x\x07 chain"))
            until(lambda: desk.health(BTC).status.state is SourceState.BACKOFF)
            assert desk.health(BTC).status.detail == "no �]52;;x� chain; next try in 0 s"
        assert [record.levelno for record in caplog.records if record.name.startswith("gextui")] == [logging.WARNING]

    def test_one_that_ends_is_started_again(self) -> None:
        clock, source = FakeClock(), FedSource()
        with running(Desk([source], clock=clock)) as desk:
            source.feed(None)
            until(lambda: desk.health(BTC).status.detail == "fed ended; next try in 0 s")
            source.pass_time(clock, 0.25)
            until(lambda: source.runs == 2)

    def test_pauses_grow_and_are_forgotten_after_a_minute_of_data(self) -> None:
        clock, source = FakeClock(), FedSource()
        with running(Desk([source], clock=clock)) as desk:

            def fail_and_wait(longest: float) -> float:
                source.feed(OSError("gone"))
                until(lambda: desk.health(BTC).status.state is SourceState.BACKOFF)
                until(lambda: clock.next_wake is not None and clock.next_wake <= longest)
                pause = clock.next_wake
                assert pause is not None
                runs = source.runs
                source.pass_time(clock, pause)
                until(lambda: source.runs == runs + 1)
                return pause

            for longest in (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0):
                fail_and_wait(longest)
            source.feed(chain_at(0))
            until(lambda: desk.view(BTC) is not None)
            source.pass_time(clock, 60.0)
            assert fail_and_wait(0.25) <= 0.25

    def test_refresh_ends_the_wait_and_is_passed_on(self) -> None:
        clock, source = FakeClock(), FedSource()
        with running(Desk([source], clock=clock)) as desk:
            source.feed(OSError("gone"))
            until(lambda: desk.health(BTC).status.state is SourceState.BACKOFF)
            desk.refresh(BTC)
            until(lambda: source.runs == 2)
            assert source.refreshed == [BTC]

    def test_a_chain_of_somebody_elses_ticker_is_an_error(self) -> None:
        clock, source = FakeClock(), FedSource(BTC)
        with running(Desk([source], clock=clock)) as desk:
            source.feed(chain_at(0, ticker=ETH))
            until(lambda: "KeyError" in desk.health(BTC).status.detail)

    def test_a_chain_that_cannot_be_computed_is_shown_and_the_next_one_is_computed(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def refusing(chain: OptionChain, past: Past | None = None, filters: Filters = EVERYTHING) -> Board:
            if chain.spot == 101.0:
                raise ZeroDivisionError
            return build_board(chain, past, filters)

        monkeypatch.setattr("gextui.lane.build_board", refusing)
        source = FedSource()
        with running(Desk([source])) as desk:
            source.feed(chain_at(0, 100.0))
            until_shown(desk, 100.0)
            source.feed(chain_at(1, 101.0))
            until(lambda: desk.health(BTC).status.detail)
            assert desk.health(BTC).status.detail == (
                "BTC failed on an unexpected ZeroDivisionError; the log has the details"
            )
            assert desk.health(BTC).status.state is SourceState.DEGRADED
            assert shown(desk) == 100.0
            source.feed(chain_at(2, 102.0))
            until_shown(desk, 102.0)
            assert desk.health(BTC).status.detail == ""
        assert [record.levelno for record in caplog.records if record.name.startswith("gextui")] == [logging.ERROR]


class TestHistory:
    def test_what_is_stored_is_the_first_screen_marked_by_its_age(self) -> None:
        clock = FakeClock(now=NOON.timestamp() + 3600.0)
        source = FedSource(state=SourceState.CONNECTING, interval=1.0)
        with running(Desk([source], Diary(chain_at(-60, 98.0), chain_at(0, 99.0)).open, clock=clock)) as desk:
            until_shown(desk, 99.0)
            health = desk.health(BTC)
            assert (health.age, health.stale) == (3600.0, True)
            source.feed(chain_at(3600, 100.0))
            until_shown(desk, 100.0)
            assert (desk.health(BTC).age, desk.health(BTC).stale) == (0.0, False)

    def test_a_board_from_before_it_opened_is_built_again_with_its_past(self) -> None:
        diary, source = Diary(chain_at(-60)), FedSource()
        diary.may_open.clear()
        with running(Desk([source], diary.open)) as desk:
            source.feed(chain_at(0))
            until(lambda: desk.view(BTC) is not None)
            view = desk.view(BTC)
            assert view is not None
            assert view.board.changes == ()
            source.loop.call_soon_threadsafe(diary.may_open.set)
            until(lambda: (view := desk.view(BTC)) is not None and view.board.changes)
            until(lambda: diary.boards)
            assert desk.health(BTC).age is not None
            assert desk.health(BTC).recording == "recording"
        assert [board.as_of for board in diary.boards] == [NOON]

    def test_what_it_notices_is_handed_on(self) -> None:
        diary, source = Diary(), FedSource()
        with running(Desk([source], diary.open)) as desk:
            source.feed(chain_at(0))
            until(lambda: diary.boards)
            assert desk.health(BTC).notice == ""
            diary.notice = "gextui.db was damaged and is kept under another name"
            assert desk.health(BTC).notice == diary.notice
        assert Desk([FedSource()]).health(BTC).notice == ""

    def test_one_that_cannot_be_opened_is_said_and_the_rest_runs(self) -> None:
        async def locked() -> History:
            raise BadInputError("the database is held by process 7: this one only looks on")

        source = FedSource()
        with running(Desk([source], locked)) as desk:
            source.feed(chain_at(0))
            until(lambda: desk.view(BTC) is not None)
            until(lambda: desk.health(BTC).recording != "not recorded")
            assert desk.health(BTC).recording == "the database is held by process 7: this one only looks on"

    def test_slow_reading_costs_the_past_and_not_the_present(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("gextui.keeper._PATIENCE", 0.02)
        diary, source = Diary(), FedSource()
        with running(Desk([source], diary.open)) as desk:
            source.feed(chain_at(0, 100.0))
            until(lambda: diary.boards)
            source.loop.call_soon_threadsafe(diary.may_read.clear)
            source.feed(chain_at(1, 101.0))
            until_shown(desk, 101.0)
            view = desk.view(BTC)
            assert view is not None
            assert view.board.changes == ()
            assert desk.health(BTC).recording == "the history cannot be read: the history did not answer in time"
            source.loop.call_soon_threadsafe(diary.may_read.set)
            source.feed(chain_at(2, 102.0))
            until_shown(desk, 102.0)
            until(lambda: desk.health(BTC).recording == "recording")

    def test_slow_writing_thins_the_record_and_holds_nobody_up(self) -> None:
        diary, source = Diary(), FedSource()
        diary.may_write.clear()
        with running(Desk([source], diary.open)) as desk:
            for second in range(5):
                source.feed(chain_at(second, 100.0 + second))
                until_shown(desk, 100.0 + second)
            assert desk.health(BTC).recording == "recording is slow: some readings are skipped"
            source.loop.call_soon_threadsafe(diary.may_write.set)
            until(lambda: desk.health(BTC).recording == "recording")
        assert [board.spot for board in diary.boards] == [100.0, 104.0]

    def test_failed_writing_is_said_and_resumes_by_itself(self) -> None:
        diary, source = Diary(), FedSource()
        with running(Desk([source], diary.open)) as desk:
            source.feed(chain_at(0, 100.0))
            until(lambda: diary.boards)
            diary.failure = OSError("not recording: the disk is full")
            source.feed(chain_at(1, 101.0))
            until_shown(desk, 101.0)
            until(lambda: desk.health(BTC).recording == "not recording: the disk is full")
            diary.failure = None
            source.feed(chain_at(2, 102.0))
            until(lambda: desk.health(BTC).recording == "recording")
        assert [board.spot for board in diary.boards] == [100.0, 102.0]

    def test_a_chain_that_its_source_has_wiped_is_shown_and_not_recorded(self) -> None:
        diary, source = Diary(), FedSource()
        with running(Desk([source], diary.open)) as desk:
            source.feed(chain_at(0, 100.0, open_interest=float("nan")))
            until_shown(desk, 100.0)
            source.feed(chain_at(1, 101.0))
            until(lambda: diary.boards)
        assert [board.spot for board in diary.boards] == [101.0]

    def test_without_recording_it_is_only_read(self) -> None:
        diary, source = Diary(chain_at(-60)), FedSource()
        with running(Desk([source], diary.open, record=False)) as desk:
            source.feed(chain_at(0))
            until(lambda: (view := desk.view(BTC)) is not None and view.board.as_of == NOON and view.board.changes)
            assert desk.health(BTC).recording == "not recorded"
        assert diary.boards == []
        assert diary.closed


class TestStepping:
    def diary(self) -> Diary:
        return Diary(*(chain_at(-60.0 * minutes, 100.0 - minutes) for minutes in (3, 2, 1)))

    def test_back_and_forward_to_the_live_view(self) -> None:
        source = FedSource()
        with running(Desk([source], self.diary().open)) as desk:
            source.feed(chain_at(0, 100.0))
            until_shown(desk, 100.0)
            for steps, spot in ((-1, 99.0), (-1, 98.0), (1, 99.0), (-7, 97.0), (-1, 97.0), (2, 99.0), (50, 100.0)):
                desk.step(BTC, steps)
                until_shown(desk, spot)
                view = desk.view(BTC)
                assert view is not None
                assert view.replay is (spot != 100.0)

    @pytest.mark.parametrize("remembering", [True, False])
    def test_a_step_before_the_first_says_so(self, remembering: bool) -> None:
        source = FedSource()

        def at_start() -> bool:
            view = desk.view(BTC)
            return view is not None and view.at_start

        with running(Desk([source], self.diary().open if remembering else None)) as desk:
            source.feed(chain_at(0, 100.0))
            until_shown(desk, 100.0)
            if remembering:
                desk.step(BTC, -3)
                until_shown(desk, 97.0)
            assert not at_start()
            desk.step(BTC, -1)
            until(at_start)

    def test_many_presses_add_up(self) -> None:
        source = FedSource()
        with running(Desk([source], self.diary().open)) as desk:
            source.feed(chain_at(0, 100.0))
            until_shown(desk, 100.0)
            for _ in range(3):
                desk.step(BTC, -1)
            until_shown(desk, 97.0)

    def test_the_present_is_recorded_meanwhile_and_one_key_away(self) -> None:
        source, diary = FedSource(), self.diary()
        with running(Desk([source], diary.open)) as desk:
            source.feed(chain_at(0, 100.0))
            until_shown(desk, 100.0)
            desk.step(BTC, -1)
            until_shown(desk, 99.0)
            source.feed(chain_at(1, 100.1))
            until(lambda: diary.boards and diary.boards[-1].spot == 100.1)
            assert shown(desk) == 99.0
            desk.watch(BTC, Filters(expiry="front"))
            until(lambda: (view := desk.view(BTC)) is not None and view.board.filters.expiry == "front")
            assert shown(desk) == 99.0
            desk.live(BTC)
            until_shown(desk, 100.1)

    def test_a_replayed_board_has_its_own_past(self) -> None:
        source = FedSource()
        with running(Desk([source], self.diary().open)) as desk:
            source.feed(chain_at(0, 100.0))
            until_shown(desk, 100.0)
            desk.step(BTC, -1)
            until_shown(desk, 99.0)
            view = desk.view(BTC)
            assert view is not None
            assert view.board.changes[0].since == chain_at(-120).as_of

    def test_without_a_history_nothing_moves(self) -> None:
        source = FedSource()
        with running(Desk([source])) as desk:
            source.feed(chain_at(0, 100.0))
            until_shown(desk, 100.0)
            desk.step(BTC, -1)
            source.feed(chain_at(1, 101.0))
            until_shown(desk, 101.0)


class Tidy(FedSource):
    """Takes a moment to end, as one does that closes a file in another thread."""

    tidied = False

    async def chains(self) -> AsyncIterator[OptionChain]:
        try:
            async for chain in super().chains():
                yield chain
        finally:
            await asyncio.sleep(0.05)
            self.tidied = True


class Stubborn(FedSource):
    """Swallows its cancellation."""

    ends = False

    async def chains(self) -> AsyncIterator[OptionChain]:
        self._loop = asyncio.get_running_loop()
        self._running.set()
        while not self.ends:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                continue
        yield chain_at(0)


class Blocking(FedSource):
    """Blocks the whole loop until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.let_go = threading.Event()
        self.blocks = threading.Event()

    async def chains(self) -> AsyncIterator[OptionChain]:
        self.blocks.set()
        self.let_go.wait(20.0)
        yield chain_at(0)


class TestStop:
    def test_it_flushes_and_closes(self) -> None:
        source, diary = FedSource(), Diary()
        diary.may_write.clear()
        desk = Desk([source], diary.open)
        desk.start()
        source.feed(chain_at(0, 100.0))
        until_shown(desk, 100.0)
        source.feed(chain_at(1, 101.0))
        until_shown(desk, 101.0)
        source.loop.call_soon_threadsafe(lambda: asyncio.get_running_loop().call_later(0.05, diary.may_write.set))
        assert desk.stop()
        assert [board.spot for board in diary.boards] == [100.0, 101.0]
        assert diary.closed

    def test_it_may_be_called_before_the_start_and_again(self) -> None:
        assert Desk([FedSource()]).stop()
        desk = Desk([FedSource()])
        desk.start()
        assert desk.stop()
        assert desk.stop()
        with pytest.raises(RuntimeError, match="started once"):
            desk.start()

    def test_it_may_be_called_from_several_threads(self) -> None:
        desk = Desk([FedSource()])
        desk.start()
        done: list[bool] = []
        threads = [threading.Thread(target=lambda: done.append(desk.stop())) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(5.0)
        assert done == [True] * 4

    def test_commands_after_it_do_nothing(self) -> None:
        source = FedSource()
        desk = Desk([source])
        with running(desk):
            source.feed(chain_at(0, 100.0))
            until_shown(desk, 100.0)
        desk.watch(BTC, Filters(expiry="front"))
        desk.step(BTC, -1)
        desk.live(BTC)
        desk.refresh(BTC)
        assert shown(desk) == 100.0

    def test_a_source_is_given_time_to_let_go_of_what_it_holds(self) -> None:
        source = Tidy()
        with running(Desk([source])) as desk:
            source.feed(chain_at(0))
            until(lambda: desk.view(BTC) is not None)
        assert source.tidied

    def test_a_source_that_will_not_end_is_left_behind(self) -> None:
        source, diary = Stubborn(), Diary()
        desk = Desk([source], diary.open)
        desk.start()
        assert source.loop.is_running()
        began = time.monotonic()
        assert desk.stop()
        assert time.monotonic() - began < 2.0
        assert diary.closed

    def test_a_history_that_will_not_flush_is_left_behind(self) -> None:
        source, diary = FedSource(), Diary()
        diary.may_write.clear()
        desk = Desk([source], diary.open)
        desk.start()
        source.feed(chain_at(0, 100.0))
        until_shown(desk, 100.0)
        assert desk.stop()
        assert diary.boards == []
        assert diary.closed

    def test_a_blocked_loop_is_reported_in_time(self) -> None:
        source = Blocking()
        desk = Desk([source])
        desk.start()
        assert source.blocks.wait(5.0)
        began = time.monotonic()
        assert not desk.stop(0.2)
        assert time.monotonic() - began < 1.0
        source.let_go.set()
        assert desk.stop()

    def test_the_core_thread_never_keeps_the_process_alive(self) -> None:
        with running(Desk([FedSource()])):
            [core] = [thread for thread in threading.enumerate() if thread.name == "gextui-core"]
            assert core.daemon
