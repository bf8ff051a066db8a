"""Which contracts are subscribed to when: the first sweep, those kept live, the rest in turn; all within bounds."""

import numpy as np

from gextui.sources.tastytrade_coverage import (
    GIVEN_UP,
    GREEKS,
    KINDS,
    MOST_TRIES,
    NO_MORE,
    QUOTE,
    ROTATE_EVERY,
    SUM_EVERY,
    SUMMARY,
    TRADE,
    Coverage,
    shared,
)

ALL = np.arange(len(KINDS))
MANY = 10_000
YESTERDAY = -1e6
"""When open interest was counted last, before everything here."""


class Turned:
    """A coverage that is stepped, and a venue that answers for some of its contracts."""

    def __init__(self, contracts: int, *, room: int = MANY, most: int = MANY) -> None:
        self.coverage = Coverage([f".X{number}" for number in range(contracts)])
        self.coverage.start_over()
        self.room, self.most = room, most
        self.now = 1000.0
        self.subscribed: set[tuple[str, str]] = set()
        self.largest = 0

    def step(self, seconds: float = 0.25, *, counted_at: float = YESTERDAY, rotating: bool = False) -> int:
        """How many subscriptions changed."""
        self.now += seconds
        add, remove = self.coverage.step(
            self.now, room=self.room, most=self.most, counted_at=counted_at, rotating=rotating
        )
        assert len(add) + len(remove) <= self.most
        assert self.subscribed >= set(remove)
        assert not self.subscribed & set(add)
        self.subscribed = (self.subscribed - set(remove)) | set(add)
        assert len(self.subscribed) == self.coverage.items <= self.room
        self.largest = max(self.largest, len(self.subscribed))
        return len(add) + len(remove)

    def answer(self, *silent: int, kinds: tuple[int, ...] = (SUMMARY, GREEKS, QUOTE, TRADE)) -> None:
        """Tell of everything that is subscribed to, but of those rows."""
        for kind in kinds:
            rows = np.array(
                [int(symbol[2:]) for name, symbol in self.subscribed if name == KINDS[kind]], dtype=np.int64
            )
            rows = rows[~np.isin(rows, silent)]
            self.coverage.hear(rows, kind)
            if kind == SUMMARY:
                self.coverage.summed_at[rows] = self.now

    def sweep(self, *silent: int, within: int = 400) -> int:
        """Step until the book is whole; the steps that took."""
        for steps in range(within):
            if self.coverage.is_whole:
                return steps
            self.step()
            self.answer(*silent)
        raise AssertionError("it is never whole")


class TestFirstSweep:
    def test_every_contract_is_asked_about_and_let_go_within_the_room(self) -> None:
        turned = Turned(1000, room=400, most=100)
        turned.sweep()
        assert turned.coverage.read == 1000
        assert turned.largest <= 400
        turned.step()
        turned.step()
        turned.step()
        turned.step()
        assert turned.subscribed == set()

    def test_it_is_not_whole_before_the_last_contract_has_answered(self) -> None:
        turned = Turned(1000, room=400, most=200)
        while turned.coverage.read < 990:
            assert not turned.coverage.is_whole
            turned.step()
            turned.answer()
        turned.sweep()

    def test_the_nearest_come_first(self) -> None:
        turned = Turned(1000, room=400)
        turned.step()
        assert turned.subscribed == {(kind, f".X{row}") for row in range(100) for kind in KINDS}

    def test_one_that_never_traded_is_waited_for_no_longer_than_this(self) -> None:
        turned = Turned(10)
        turned.step()
        turned.answer(kinds=(SUMMARY, GREEKS, QUOTE))
        turned.step(NO_MORE)
        assert not turned.coverage.is_whole
        turned.step(0.25)
        assert turned.coverage.is_whole

    def test_one_that_never_answers_is_tried_three_times_and_then_given_up(self) -> None:
        turned = Turned(10)
        began = turned.now
        asked = 0
        while not turned.coverage.is_whole:
            before = turned.subscribed
            turned.step()
            asked += ("Summary", ".X3") in turned.subscribed and ("Summary", ".X3") not in before
            turned.answer(3)
            assert turned.now - began < 60.0
        assert asked == MOST_TRIES
        assert turned.now - began > MOST_TRIES * GIVEN_UP
        assert np.isinf(turned.coverage.summed_at[3])

    def test_a_channel_opened_anew_asks_again_for_what_was_under_way_and_for_nothing_else(self) -> None:
        turned = Turned(100, room=200)
        turned.step()
        turned.answer()
        turned.step()  # the first fifty are done
        turned.coverage.start_over()
        turned.subscribed = set()
        turned.step()
        assert turned.subscribed == {(kind, f".X{row}") for row in range(50, 100) for kind in KINDS}

    def test_what_has_expired_is_neither_asked_about_nor_waited_for(self) -> None:
        turned = Turned(10)
        turned.step()
        turned.coverage.drop(np.arange(10) < 4)
        turned.step()
        assert {symbol for _, symbol in turned.subscribed} == {f".X{row}" for row in range(4, 10)}
        turned.answer()
        turned.step()
        assert turned.coverage.is_whole


class TestLive:
    def test_the_heaviest_stay_and_leave_room_for_the_others_turns(self) -> None:
        turned = Turned(1000, room=1000)
        turned.sweep()
        turned.coverage.choose(np.arange(1000.0), 1000, turned.now)
        while turned.step():
            pass
        # 800 of 1000 subscriptions are for three types of event of each.
        kept = {f".X{row}" for row in range(734, 1000)}
        assert turned.subscribed == {(kind, symbol) for symbol in kept for kind in ("Greeks", "Quote", "Trade")}

    def test_what_weighs_nothing_is_not_kept(self) -> None:
        turned = Turned(100, room=200)
        turned.sweep()
        turned.coverage.choose(np.where(np.arange(100) < 7, 1.0, 0.0), 200, turned.now)
        assert np.flatnonzero(turned.coverage.live).tolist() == list(range(7))

    def test_a_small_book_is_live_as_a_whole(self) -> None:
        turned = Turned(100)
        assert turned.coverage.fits(400)
        assert not turned.coverage.fits(320)
        turned.coverage.choose(np.zeros(100), MANY, turned.now)
        turned.sweep()
        while turned.step():
            pass
        assert len(turned.subscribed) == 300
        assert "Summary" not in {kind for kind, _ in turned.subscribed}

    def test_only_what_came_after_the_subscription_is_news(self) -> None:
        turned = Turned(3)
        turned.step()
        assert turned.coverage.hear(np.array([0, 1]), QUOTE).tolist() == [False, False]
        assert turned.coverage.hear(np.array([1, 2]), QUOTE).tolist() == [True, False]


class TestTurns:
    def test_the_others_are_read_again_after_a_while_where_the_market_moves(self) -> None:
        turned = Turned(100)
        turned.sweep()
        while turned.step():
            pass
        turned.step(ROTATE_EVERY)
        assert turned.subscribed == set()  # it does not
        turned.step(rotating=True)
        assert len(turned.subscribed) == 400
        turned.answer()
        turned.step(rotating=True)
        assert turned.subscribed == set()

    def test_a_new_count_is_asked_for_of_all_the_live_ones_too(self) -> None:
        turned = Turned(100)
        turned.coverage.choose(np.zeros(100), MANY, turned.now)
        turned.sweep()
        while turned.step():
            pass
        turned.step(ROTATE_EVERY)
        turned.step(counted_at=turned.now)
        assert {symbol for kind, symbol in turned.subscribed if kind == "Summary"} == set(turned.coverage.symbols)
        turned.answer()
        turned.step(counted_at=turned.now - 1.0)
        assert len(turned.subscribed) == 300

    def test_live_ones_tell_their_open_interest_every_half_hour(self) -> None:
        turned = Turned(10)
        turned.coverage.choose(np.zeros(10), MANY, turned.now)
        turned.sweep()
        while turned.step():
            pass
        turned.step(SUM_EVERY, rotating=True)
        assert len(turned.subscribed) == 40
        turned.answer()
        turned.step(rotating=True)
        assert len(turned.subscribed) == 30

    def test_who_asks_has_every_contract_read_at_any_time(self) -> None:
        turned = Turned(10)
        turned.sweep()
        while turned.step():
            pass
        turned.coverage.sweep_all()
        turned.step()
        assert len(turned.subscribed) == 40

    def test_another_listing_keeps_what_is_known(self) -> None:
        turned = Turned(4)
        turned.sweep()
        after = Coverage([".X2", ".NEW", ".X0"])
        after.inherit(turned.coverage, np.array([2, -1, 0]))
        after.start_over()
        assert after.read == 2
        add, _ = after.step(turned.now, room=MANY, most=MANY, counted_at=YESTERDAY, rotating=False)
        assert {symbol for _, symbol in add} == {".NEW"}


def test_room_is_shared_so_that_none_is_idle() -> None:
    assert shared(10_000, [100_000, 400, 30_000]) == [4800, 400, 4800]
    assert shared(10_000, [100, 200]) == [100, 200]
    assert shared(10_000, []) == []
