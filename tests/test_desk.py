"""The desk with its real thread: what is shown, what is believed, how old it is."""

import asyncio
import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from gextui.desk import Desk
from gextui.exposure.board import Board, build_board
from gextui.exposure.change import Past
from gextui.exposure.filters import EVERYTHING, Filters, Weight
from gextui.market.chain import OptionChain
from gextui.market.ticker import UnknownTickerError
from gextui.sources.recorded import RecordedHistory, RecordedSource
from gextui.sources.source import SourceState
from tests.support.clock import FakeClock
from tests.support.desk import BTC, ETH, NOON, Diary, FedSource, chain_at, running, shown, until, until_shown

FRONT = Filters(expiry="front")


class TestView:
    def test_there_is_none_before_the_first_chain(self) -> None:
        with running(Desk([FedSource()])) as desk:
            assert desk.view(BTC) is None
            assert desk.health(BTC).age is None
            assert not desk.health(BTC).stale

    def test_the_newest_board_replaces_the_one_before(self) -> None:
        source = FedSource()
        with running(Desk([source])) as desk:
            for second, spot in enumerate((100.0, 101.0, 102.0)):
                source.feed(chain_at(second, spot))
                until_shown(desk, spot)
            view = desk.view(BTC)
            assert view is not None
            assert not view.replay
            assert view.board.filters == EVERYTHING
            assert view.board.used == 12

    def test_each_ticker_has_its_own(self) -> None:
        source, other = FedSource(BTC), FedSource(ETH, name="other")
        with running(Desk([source, other])) as desk:
            assert desk.tickers == (BTC, ETH)
            source.feed(chain_at(0, 100.0))
            other.feed(chain_at(0, 50.0, ticker=ETH))
            until(lambda: (shown(desk, BTC), shown(desk, ETH)) == (100.0, 50.0))

    def test_two_sources_of_one_ticker_are_refused(self) -> None:
        with pytest.raises(ValueError, match="BTC is given by two sources"):
            Desk([FedSource(BTC), FedSource(BTC, name="other")])

    def test_chains_that_come_faster_than_boards_are_conflated(self, monkeypatch: pytest.MonkeyPatch) -> None:
        built: list[float] = []

        def counting(chain: OptionChain, past: Past | None = None, filters: Filters = EVERYTHING) -> Board:
            built.append(chain.spot)
            return build_board(chain, past, filters)

        monkeypatch.setattr("gextui.lane.build_board", counting)
        source = FedSource(interval=0.2)
        with running(Desk([source])) as desk:
            source.feed(*(chain_at(second, 100.0 + second / 1000) for second in range(2000)))
            until_shown(desk, 101.999)
        assert built == sorted(built)
        assert len(built) < 20

    def test_a_board_that_had_to_wait_does_not_make_the_next_one_wait(self) -> None:
        source = FedSource(interval=0.5)
        with running(Desk([source])) as desk:
            source.feed(chain_at(0, 100.0))
            until_shown(desk, 100.0)
            source.feed(chain_at(1, 101.0))
            until_shown(desk, 101.0)
            fed = source.loop.time()
            source.feed(chain_at(2, 102.0))
            until_shown(desk, 102.0)
            assert source.loop.time() - fed < 0.25


class TestFilters:
    def test_a_view_is_rebuilt_at_once_and_records_stay_unfiltered(self) -> None:
        source, diary = FedSource(), Diary()
        with running(Desk([source], diary.open)) as desk:
            source.feed(chain_at(0))
            until(lambda: diary.boards)
            desk.watch(BTC, FRONT)
            until(lambda: (view := desk.view(BTC)) is not None and view.board.filters == FRONT)
            view = desk.view(BTC)
            assert view is not None
            assert view.board.used == 6
            source.feed(chain_at(1))
            until(lambda: len(diary.boards) == 2)
            until(lambda: (view := desk.view(BTC)) is not None and view.board.as_of > NOON)
            view = desk.view(BTC)
            assert view is not None
            assert view.board.filters == FRONT
        assert [board.filters for board in diary.boards] == [EVERYTHING, EVERYTHING]

    def test_what_is_not_whole_yet_is_shown_and_not_recorded(self) -> None:
        source, diary = FedSource(), Diary()
        with running(Desk([source], diary.open)) as desk:
            source.feed(replace(chain_at(0, 100.0), partial=True))
            until_shown(desk, 100.0)
            source.feed(chain_at(1, 101.0))
            until_shown(desk, 101.0)
            until(lambda: diary.boards)
        assert [board.spot for board in diary.boards] == [101.0]

    def test_they_can_be_set_before_the_start(self) -> None:
        source = FedSource(BTC, ETH)
        desk = Desk([source], filters=FRONT)
        by_volume = Filters(weight=Weight.VOLUME)
        desk.watch(ETH, by_volume)
        with running(desk):
            source.feed(chain_at(0), chain_at(0, ticker=ETH))
            until(lambda: desk.view(BTC) is not None and desk.view(ETH) is not None)
            assert [view.board.filters for ticker in desk.tickers if (view := desk.view(ticker))] == [FRONT, by_volume]

    def test_a_slow_history_does_not_hold_them_up(self) -> None:
        source, diary = FedSource(), Diary()
        with running(Desk([source], diary.open)) as desk:
            source.feed(chain_at(0))
            until(lambda: desk.view(BTC) is not None)
            source.loop.call_soon_threadsafe(diary.may_read.clear)
            source.feed(chain_at(1, 101.0))
            desk.watch(BTC, FRONT)
            until(lambda: (view := desk.view(BTC)) is not None and view.board.filters == FRONT)
            assert shown(desk) == 100.0


class TestDoubt:
    def test_a_spot_that_jumps_is_believed_the_third_time(self) -> None:
        source = FedSource()
        with running(Desk([source])) as desk:
            source.feed(chain_at(0, 100.0))
            until_shown(desk, 100.0)
            source.feed(chain_at(1, 1000.0))
            until(lambda: desk.health(BTC).status.detail)
            status = desk.health(BTC).status
            assert status.detail == "spot jumped +900% to 1,000.00; waiting for 3 chains to agree"
            assert status.state is SourceState.DEGRADED
            source.feed(chain_at(2, 1001.0))
            source.feed(chain_at(3, 1002.0))
            until_shown(desk, 1002.0)
            assert desk.health(BTC).status.detail == ""
            assert desk.health(BTC).status.state is SourceState.LIVE

    def test_one_bad_tick_is_never_shown(self) -> None:
        source, diary = FedSource(), Diary()
        with running(Desk([source], diary.open)) as desk:
            for second, spot in enumerate((100.0, 10.0, 101.0)):
                source.feed(chain_at(second, spot))
            until_shown(desk, 101.0)
            until(lambda: diary.boards and diary.boards[-1].spot == 101.0)
            assert desk.health(BTC).status.detail == ""
        assert 10.0 not in [board.spot for board in diary.boards]

    def test_a_recorded_chain_is_believed(self) -> None:
        source = FedSource(interval=0.0, state=SourceState.REPLAY)
        with running(Desk([source])) as desk:
            source.feed(chain_at(0, 100.0))
            until_shown(desk, 100.0)
            source.feed(chain_at(-60, 300.0))
            until_shown(desk, 300.0)


class TestAge:
    def test_it_runs_from_the_arrival_and_grows_stale(self) -> None:
        clock, source = FakeClock(), FedSource(interval=5.0)
        with running(Desk([source], clock=clock)) as desk:
            source.feed(chain_at(0))
            until(lambda: desk.view(BTC) is not None)
            assert desk.health(BTC).age == 0.0
            source.pass_time(clock, 15.0)
            assert (desk.health(BTC).age, desk.health(BTC).stale) == (15.0, False)
            source.pass_time(clock, 0.5)
            assert (desk.health(BTC).age, desk.health(BTC).stale) == (15.5, True)
            source.feed(chain_at(5, 100.1))
            until_shown(desk, 100.1)
            assert (desk.health(BTC).age, desk.health(BTC).stale) == (0.0, False)

    def test_nothing_is_stale_within_ten_seconds(self) -> None:
        clock, source = FakeClock(), FedSource(interval=0.01)
        with running(Desk([source], clock=clock)) as desk:
            source.feed(chain_at(0))
            until(lambda: desk.view(BTC) is not None)
            source.pass_time(clock, 10.0)
            assert not desk.health(BTC).stale
            source.pass_time(clock, 0.1)
            assert desk.health(BTC).stale

    @pytest.mark.parametrize(
        ("state", "interval"), [(SourceState.REPLAY, 0.0), (SourceState.CLOSED, 1.0), (SourceState.CLOSED, 60.0)]
    )
    def test_what_is_recorded_or_closed_is_never_stale(self, state: SourceState, interval: float) -> None:
        clock, source = FakeClock(), FedSource(interval=interval, state=state)
        with running(Desk([source], clock=clock)) as desk:
            source.feed(chain_at(0))
            until(lambda: desk.view(BTC) is not None)
            source.pass_time(clock, 60 * 3600.0)
            assert not desk.health(BTC).stale

    def test_the_wall_clock_has_no_part_in_it(self) -> None:
        clock, source = FakeClock(), FedSource(interval=5.0)
        with running(Desk([source], clock=clock)) as desk:
            source.feed(chain_at(0))
            until(lambda: desk.view(BTC) is not None)
            clock.step_wall(3600.0)
            assert desk.health(BTC).age == 0.0
            clock.step_wall(-7200.0)
            assert desk.health(BTC).age == 0.0

    @pytest.mark.parametrize(("delay", "age"), [(0.0, 7.0), (900.0, 0.0)])
    def test_an_instant_told_twice_is_news_only_from_a_delayed_source(self, delay: float, age: float) -> None:
        clock, source = FakeClock(), FedSource(interval=5.0)
        with running(Desk([source], clock=clock)) as desk:
            source.feed(chain_at(0, 100.0, delay=delay))
            until_shown(desk, 100.0)
            source.pass_time(clock, 7.0)
            source.feed(chain_at(0, 100.5, delay=delay))
            until_shown(desk, 100.5)
            assert desk.health(BTC).age == age

    def test_the_same_chain_again_is_a_sign_of_life_and_no_reading(self) -> None:
        clock, source, diary = FakeClock(), FedSource(interval=5.0, state=SourceState.DELAYED), Diary()
        with running(Desk([source], diary.open, clock=clock)) as desk:
            chain = chain_at(0, 100.0, delay=900.0)
            source.feed(chain)
            until(lambda: len(diary.boards) == 1)
            source.pass_time(clock, 16.0)
            assert desk.health(BTC).stale
            source.feed(chain)
            until(lambda: desk.health(BTC).age == 0.0)
            assert not desk.health(BTC).stale
            source.feed(chain_at(60, 101.0, delay=900.0))
            until(lambda: len(diary.boards) == 2)
            assert [board.spot for board in diary.boards] == [100.0, 101.0]

    def test_what_a_delayed_source_says_is_doubted_too(self) -> None:
        source = FedSource(state=SourceState.DELAYED)
        with running(Desk([source])) as desk:
            source.feed(chain_at(0, 100.0, delay=900.0), chain_at(60, 1000.0, delay=900.0))
            until(lambda: desk.health(BTC).status.state is SourceState.DEGRADED)
            assert desk.health(BTC).status.detail.startswith("spot jumped +900%")


class TestQuestions:
    def test_they_are_answered_in_the_core_thread(self) -> None:
        async def who() -> str:
            await asyncio.sleep(0)
            return threading.current_thread().name

        with running(Desk([FedSource()])) as desk:
            assert desk.ask(who).result(10.0) == "gextui-core"

    def test_what_they_raise_is_the_askers(self) -> None:
        async def fail() -> None:
            raise UnknownTickerError("nobody knows it", ["BTC"])

        with running(Desk([FedSource()])) as desk, pytest.raises(UnknownTickerError, match="nobody knows it"):
            desk.ask(fail).result(10.0)

    def test_the_end_does_not_wait_for_them(self) -> None:
        async def never() -> None:
            await asyncio.Event().wait()

        with running(Desk([FedSource()])) as desk:
            open_question = desk.ask(never)
            assert desk.stop()
            assert open_question.cancelled()
            assert desk.ask(never).cancelled()
        assert Desk([FedSource()]).ask(never).cancelled()


class TestFiles:
    def test_the_newest_is_shown_and_the_others_stepped_to(self) -> None:
        chains = [chain_at(second, 100.0 + second, source="file:test") for second in (0, 3600, 7200)]
        diary = Diary(*chains)
        source = RecordedSource(chains)
        with running(Desk([source], diary.open, record=False)) as desk:
            until_shown(desk, 7300.0)
            assert desk.health(BTC).status.state is SourceState.REPLAY
            assert desk.health(BTC).recording == "not recorded"
            desk.step(BTC, -1)
            until_shown(desk, 3700.0)
            desk.step(BTC, 1)
            until_shown(desk, 7300.0)
        assert diary.boards == []

    def test_levels_over_time_arrive_when_they_were_asked_for(self) -> None:
        chains = [chain_at(60.0 * minute, spot=100.0 + minute / 10) for minute in range(5)]

        async def history() -> RecordedHistory:
            return RecordedHistory(chains)

        with running(Desk([RecordedSource(chains)], history)) as desk:
            until_shown(desk, 100.4)
            hour = timedelta(hours=1)
            until(lambda: desk.chart(BTC, hour) is not None)
            series = desk.chart(BTC, hour)
            assert series is not None
            assert series.columns["spot"].tolist() == [chain.spot for chain in chains]
            # Another span is another question: nothing of the old answer is shown for it.
            assert desk.chart(BTC, timedelta(minutes=2)) is None
            until(lambda: desk.chart(BTC, timedelta(minutes=2)) is not None)

    def test_a_year_is_a_reading_a_day_the_last(self) -> None:
        # NOON and each day before it, every six hours.
        chains = [chain_at(3600.0 * hours, spot=10_000.0 + hours) for hours in range(-24 * 99, 1, 6)]

        async def history() -> RecordedHistory:
            return RecordedHistory(chains)

        with running(Desk([RecordedSource(chains)], history)) as desk:
            until_shown(desk, 10_000.0)
            span = timedelta(days=90)
            until(lambda: desk.chart(BTC, span) is not None)
            series = desk.chart(BTC, span)
            assert series is not None
            # Days end at midnight, UTC: six hours after their last reading at 18:00; today's is at noon.
            hours = [*range(-24 * 89 + 6, 0, 24), 0]
            assert series.columns["spot"].tolist() == [10_000.0 + each for each in hours]


def test_what_was_recorded_is_shown_with_its_age_until_the_board_of_what_came_is_there() -> None:
    clock = FakeClock((NOON + timedelta(hours=1)).timestamp())
    diary, source = Diary(chain_at(0, 100.0)), FedSource()
    with running(Desk([source], diary.open, clock=clock)) as desk:
        until_shown(desk, 100.0)
        assert desk.health(BTC).recalled
        source.loop.call_soon_threadsafe(diary.may_read.clear)
        source.feed(chain_at(3600, 110.0))
        until(lambda: desk._lanes[BTC].heard is not None)
        health = desk.health(BTC)
        assert (health.age, health.stale, health.recalled) == (3600.0, True, True), "the old board is on the screen"
        source.loop.call_soon_threadsafe(diary.may_read.set)
        until_shown(desk, 110.0)
        until(lambda: not desk.health(BTC).recalled)
        assert not desk.health(BTC).stale
