"""Which of several sources a ticker is read from."""

from dataclasses import replace

import pytest

from gextui.choice import FAILING_FOR, FIRST_CHAIN_WITHIN, STEADY_AFTER, WHOLE_WITHIN, Arrival, Channel, Choice
from gextui.market.chain import OptionChain
from gextui.route import Route
from gextui.sources.source import SourceState, SourceStatus
from tests.support.desk import chain_at

LIVE = SourceStatus("any", SourceState.LIVE, 1.0)


def choice_of(*names: str, combine: bool = False) -> Choice:
    choice = Choice(Route(names, combine), [Channel(name) for name in names])
    choice.review(0.0)
    return choice


def asked(choice: Choice) -> list[str]:
    return [channel.name for channel in choice.asked]


def arrive(channel: Channel, chain: OptionChain, now: float, interval: float = 1.0) -> Arrival | None:
    """A chain comes by the channel at its own instant."""
    return channel.arrive(chain, now, interval, chain.as_of_seconds)


def bring(choice: Choice, at: int, now: float, chain: OptionChain | None = None) -> bool:
    """A chain comes by that channel; whether it is the ticker's."""
    channel = choice.channels[at]
    return arrive(channel, chain or chain_at(now), now) is not None and choice.accepts(channel, now)


def judge(choice: Choice, now: float, *statuses: SourceStatus) -> list[str]:
    """What is asked once each channel's source has said so."""
    for channel, status in zip(choice.channels, statuses, strict=False):
        if channel.asked_at is not None:
            channel.judge(status, now)
    choice.review(now)
    return asked(choice)


class TestFallback:
    def test_only_the_preferred_one_is_asked_while_it_delivers(self) -> None:
        choice = choice_of("a", "b")
        assert asked(choice) == ["a"]
        assert bring(choice, 0, 1.0)
        assert judge(choice, 2.0, LIVE) == ["a"]
        assert choice.instead_of == ""

    def test_the_next_is_asked_when_no_first_chain_comes(self) -> None:
        choice = choice_of("a", "b")
        connecting = SourceStatus("a", SourceState.CONNECTING, 1.0)
        assert judge(choice, FIRST_CHAIN_WITHIN - 1.0, connecting) == ["a"]
        assert judge(choice, FIRST_CHAIN_WITHIN, connecting) == ["a", "b"]
        assert bring(choice, 1, 31.0)
        assert choice.instead_of == "a: no chain yet"

    def test_a_failure_is_waited_for_a_moment(self) -> None:
        choice = choice_of("a", "b")
        bring(choice, 0, 1.0)
        down = SourceStatus("a", SourceState.BACKOFF, 1.0, "refused")
        assert judge(choice, 2.0, down) == ["a"]
        assert judge(choice, 3.0, LIVE) == ["a"]
        assert judge(choice, 4.0, down) == ["a"]
        assert judge(choice, 4.0 + FAILING_FOR, down) == ["a", "b"]

    def test_a_late_source_stands_in_once_its_quotes_are_newer(self) -> None:
        """Until then the last good values of the preferred one stay, marked stale."""
        choice = choice_of("a", "b")
        bring(choice, 0, 1000.0)
        down = SourceStatus("a", SourceState.BACKOFF, 1.0, "refused")
        judge(choice, 1001.0, down)
        assert judge(choice, 1001.0 + FAILING_FOR, down) == ["a", "b"]
        for now, newer in ((1060.0, False), (1900.0, False), (1901.0, True)):
            assert bring(choice, 1, now, replace(chain_at(now), delay=900.0)) is newer
            assert choice.instead_of == ("a: refused" if newer else "")

    def test_what_cannot_be_had_at_all_is_not_waited_for(self) -> None:
        choice = choice_of("a", "b", "c")
        off = SourceStatus("a", SourceState.DISABLED, 1.0, "no token")
        assert judge(choice, 1.0, off) == ["a", "b"]
        assert judge(choice, 2.0, off, off) == ["a", "b", "c"]
        assert bring(choice, 2, 3.0)
        assert choice.instead_of == "a: no token"

    def test_one_that_falls_silent_fails(self) -> None:
        choice = choice_of("a", "b")
        bring(choice, 0, 1.0)
        assert judge(choice, 11.0, LIVE) == ["a"]
        assert judge(choice, 11.1, LIVE) == ["a", "b"]

    @pytest.mark.parametrize("state", [SourceState.CLOSED, SourceState.REPLAY])
    def test_a_closed_market_is_no_failure_once_it_has_shown_something(self, state: SourceState) -> None:
        choice = choice_of("a", "b")
        closed = SourceStatus("a", state, 60.0, "closed")
        bring(choice, 0, 1.0)
        assert judge(choice, 90_000.0, closed) == ["a"]

    def test_a_closed_market_that_has_shown_nothing_is_looked_for_elsewhere(self) -> None:
        choice = choice_of("a", "b")
        closed = SourceStatus("a", SourceState.CLOSED, 600.0, "next fetch on Monday")
        judge(choice, 1.0, closed)
        assert judge(choice, 1.0 + FAILING_FOR, closed) == ["a", "b"]

    def test_it_returns_once_the_preferred_one_is_steady(self) -> None:
        choice = choice_of("a", "b")
        bring(choice, 0, 1.0)
        off = SourceStatus("a", SourceState.DISABLED, 1.0, "off")
        judge(choice, 2.0, off)
        assert bring(choice, 1, 3.0)
        assert judge(choice, 4.0, LIVE, LIVE) == ["a", "b"]
        assert not bring(choice, 0, 5.0)
        assert bring(choice, 1, 6.0)
        assert choice.instead_of == "a: not steady yet"
        assert bring(choice, 0, 5.0 + STEADY_AFTER)
        assert judge(choice, 6.0 + STEADY_AFTER, LIVE, LIVE) == ["a"]
        assert choice.instead_of == ""

    def test_it_returns_to_what_it_holds_when_no_second_chain_comes(self) -> None:
        """A closed market sends one."""
        choice = choice_of("a", "b")
        closed = SourceStatus("any", SourceState.CLOSED, 600.0, "closed")
        judge(choice, FIRST_CHAIN_WITHIN, SourceStatus("a", SourceState.CONNECTING, 600.0))
        assert bring(choice, 1, 31.0)
        assert not bring(choice, 0, 40.0)
        judge(choice, 39.0 + STEADY_AFTER, closed, closed)
        assert choice.returned(39.0 + STEADY_AFTER) is None
        judge(choice, 40.0 + STEADY_AFTER, closed, closed)
        assert choice.returned(40.0 + STEADY_AFTER) is choice.channels[0]
        assert choice.returned(41.0 + STEADY_AFTER) is None, "once"
        assert judge(choice, 41.0 + STEADY_AFTER, closed, closed) == ["a"]
        assert choice.instead_of == ""

    def test_so_it_does_when_a_failure_has_passed(self) -> None:
        choice = choice_of("a", "b")
        closed, down = (SourceStatus("a", state, 600.0, "x") for state in (SourceState.CLOSED, SourceState.BACKOFF))
        bring(choice, 0, 1.0)
        judge(choice, 100.0, down)
        assert judge(choice, 100.0 + FAILING_FOR, down) == ["a", "b"]
        assert bring(choice, 1, 106.0)
        judge(choice, 200.0, closed, closed)
        assert choice.returned(199.0 + STEADY_AFTER) is None
        assert choice.returned(200.0 + STEADY_AFTER) is choice.channels[0]

    def test_a_part_of_a_chain_is_not_returned_to(self) -> None:
        choice = choice_of("a", "b")
        judge(choice, FIRST_CHAIN_WITHIN, SourceStatus("a", SourceState.CONNECTING, 600.0))
        assert bring(choice, 1, 31.0)
        assert not bring(choice, 0, 40.0, replace(chain_at(40.0), partial=True))
        assert choice.returned(40.0 + 2 * STEADY_AFTER) is None

    def test_it_returns_at_once_when_the_other_fails_too(self) -> None:
        choice = choice_of("a", "b")
        off = SourceStatus("any", SourceState.DISABLED, 1.0, "off")
        judge(choice, 1.0, off)
        assert bring(choice, 1, 2.0)
        judge(choice, 3.0, LIVE, off)
        assert bring(choice, 0, 4.0)


class TestCombined:
    def test_all_are_asked_whatever_happens(self) -> None:
        choice = choice_of("a", "b", combine=True)
        assert asked(choice) == ["a", "b"]
        assert judge(choice, 1.0, SourceStatus("a", SourceState.DISABLED, 1.0)) == ["a", "b"]

    def test_a_sum_waits_for_its_parts_but_not_for_ever(self) -> None:
        choice = choice_of("a", "b", combine=True)
        chain = chain_at(1.0, source="a")
        bring(choice, 0, 1.0, chain)
        assert choice.parts(WHOLE_WITHIN - 1.0) is None
        assert choice.parts(WHOLE_WITHIN) == ([chain], {"b": "no chain yet"})

    def test_what_has_failed_is_not_waited_for_and_what_was_read_stays(self) -> None:
        choice = choice_of("a", "b", combine=True)
        first, second = chain_at(1.0, source="a"), chain_at(1.0, source="x")
        bring(choice, 0, 1.0, first)
        judge(choice, 2.0, LIVE, SourceStatus("b", SourceState.DISABLED, 1.0, "lists no options"))
        assert choice.parts(2.0) == ([first], {"b": "lists no options"})
        bring(choice, 1, 3.0, second)
        judge(choice, 4.0, LIVE, LIVE)
        assert choice.parts(4.0) == ([first, second], {})
        judge(choice, 14.0, LIVE, LIVE)
        assert choice.parts(14.0) == ([first, second], {"a": "nothing new for 13 s", "x": "nothing new for 11 s"})


class TestArrival:
    def test_a_live_venue_that_repeats_an_instant_tells_nothing_new(self) -> None:
        channel = Channel("a", asked_at=0.0)
        assert arrive(channel, chain_at(1.0), 1.0) == (True, False)
        assert arrive(channel, chain_at(1.0), 2.0) == (False, False)
        assert channel.arrived == 1.0

    def test_a_delayed_one_keeps_its_own_time(self) -> None:
        channel = Channel("a", asked_at=0.0)
        chain = chain_at(1.0, delay=900.0)
        arrive(channel, chain, 1.0, 60.0)
        assert arrive(channel, chain, 61.0, 60.0) == (True, True)
        assert channel.arrived == 61.0

    def test_what_is_not_believed_is_not_taken(self) -> None:
        channel = Channel("a", asked_at=0.0)
        arrive(channel, chain_at(1.0, 100.0), 1.0)
        assert arrive(channel, chain_at(2.0, 1000.0), 2.0) is None
        assert "spot jumped" in channel.doubt
