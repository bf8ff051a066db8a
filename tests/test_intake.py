"""Sources that start, stand in for each other and are let go."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from gextui.choice import FIRST_CHAIN_WITHIN, STEADY_AFTER
from gextui.desk import Desk
from gextui.market.ticker import Ticker
from gextui.route import Route
from gextui.sources.source import Source, SourceState, SourceStatus
from tests.support.clock import FakeClock
from tests.support.desk import BTC, ETH, FedSource, chain_at, running, shown, until, until_shown


class Venue(FedSource):
    """A source whose tickers can be changed."""

    def __init__(self, name: str) -> None:
        super().__init__(name=name)
        self.tickers = ()
        self.carried: list[tuple[Ticker, ...]] = []

    def carry(self, tickers: Sequence[Ticker]) -> None:
        self.tickers = tuple(tickers)
        self.carried.append(self.tickers)

    def status(self, ticker: Ticker) -> SourceStatus:
        if ticker not in self.tickers:
            return SourceStatus(self.name, SourceState.DISABLED, self.interval)
        return super().status(ticker)


class Venues:
    """Makes venues, and says which were made."""

    def __init__(self) -> None:
        self.made: dict[str, Venue] = {}

    def __call__(self, name: str) -> Source:
        self.made[name] = Venue(name)
        return self.made[name]

    def of(self, name: str) -> Venue:
        until(lambda: name in self.made)
        return self.made[name]


def turn(clock: FakeClock, venue: Venue, seconds: float) -> None:
    """Let seconds pass, one by one."""
    for _ in range(int(seconds)):
        venue.pass_time(clock, 1.0)


def test_a_source_is_made_when_it_is_needed_and_not_before() -> None:
    clock, venues = FakeClock(), Venues()
    with running(Desk([], routes={BTC: Route(("a", "b"))}, make=venues, clock=clock)) as desk:
        first = venues.of("a")
        first.feed(chain_at(0, 100.0, source="a"))
        until_shown(desk, 100.0)
        assert first.carried == [(BTC,)]
        assert desk.health(BTC).status.name == "a"
        assert list(venues.made) == ["a"]


def test_before_any_has_delivered_the_one_that_still_may_is_shown() -> None:
    clock, venues = FakeClock(), Venues()
    with running(Desk([], routes={BTC: Route(("a", "b"))}, make=venues, clock=clock)) as desk:
        first = venues.of("a")
        first.state = SourceState.CONNECTING
        turn(clock, first, FIRST_CHAIN_WITHIN + 2.0)
        second = venues.of("b")
        until(lambda: second.tickers == (BTC,))
        second.state = SourceState.BACKOFF
        status = desk.health(BTC).status
        assert (status.name, status.state, status.instead_of) == ("a", SourceState.CONNECTING, "")
        first.state = SourceState.BACKOFF
        status = desk.health(BTC).status
        assert (status.name, status.instead_of) == ("b", "a: no chain yet")


def test_the_next_source_stands_in_is_named_and_is_let_go_again() -> None:
    clock, venues = FakeClock(), Venues()
    with running(Desk([], routes={BTC: Route(("a", "b"))}, make=venues, clock=clock)) as desk:
        first = venues.of("a")
        turn(clock, first, FIRST_CHAIN_WITHIN + 2.0)
        second = venues.of("b")
        until(lambda: second.tickers == (BTC,))
        second.feed(chain_at(0, 101.0, source="b"))
        until_shown(desk, 101.0)
        status = desk.health(BTC).status
        assert (status.name, status.instead_of) == ("b", "a: no chain yet")
        first.feed(chain_at(0, 100.0, source="a"))
        for second_number in range(1, int(STEADY_AFTER) + 3):
            turn(clock, first, 1.0)
            second.feed(chain_at(second_number, 101.0, source="b"))
            first.feed(chain_at(second_number, 100.0, source="a"))
        until_shown(desk, 100.0)
        turn(clock, first, 2.0)
        until(lambda: second.tickers == ())
        assert desk.health(BTC).status.instead_of == ""


def test_the_preferred_source_is_returned_to_though_the_market_is_closed() -> None:
    """Its only chain came when the next source stood in already, and no second one follows."""
    clock, venues = FakeClock(), Venues()
    with running(Desk([], routes={BTC: Route(("a", "b"))}, make=venues, clock=clock)) as desk:
        first = venues.of("a")
        first.state, first.interval = SourceState.CONNECTING, 600.0
        turn(clock, first, FIRST_CHAIN_WITHIN + 2.0)
        second = venues.of("b")
        until(lambda: second.tickers == (BTC,))
        second.state, second.interval = SourceState.CLOSED, 600.0
        second.feed(chain_at(0, 101.0, source="b"))
        until_shown(desk, 101.0)
        first.state = SourceState.CLOSED
        first.feed(chain_at(-60, 100.0, source="a"))
        turn(clock, first, STEADY_AFTER - 2.0)
        assert shown(desk) == 101.0
        assert desk.health(BTC).status.instead_of == "a: not steady yet"
        turn(clock, first, 5.0)
        until_shown(desk, 100.0)
        until(lambda: second.tickers == ())
        assert (desk.health(BTC).status.name, desk.health(BTC).status.instead_of) == ("a", "")


def test_a_part_of_a_chain_does_not_stand_in_for_a_whole_one() -> None:
    clock, venues = FakeClock(), Venues()
    with running(Desk([], routes={BTC: Route(("a", "b"))}, make=venues, clock=clock)) as desk:
        first = venues.of("a")
        first.feed(chain_at(0, 100.0, source="a"))
        until_shown(desk, 100.0)
        turn(clock, first, FIRST_CHAIN_WITHIN + 2.0)
        second = venues.of("b")
        until(lambda: second.tickers == (BTC,))
        second.feed(replace(chain_at(0, 101.0, source="b"), partial=True))
        turn(clock, second, 2.0)
        assert shown(desk) == 100.0
        second.feed(chain_at(1, 102.0, source="b"))
        until_shown(desk, 102.0)


def test_venues_are_summed_and_one_that_falls_silent_stays_in_the_sum() -> None:
    clock, venues = FakeClock(), Venues()
    with running(Desk([], routes={BTC: Route(("a", "b"), combine=True)}, make=venues, clock=clock)) as desk:
        first, second = venues.of("a"), venues.of("b")
        first.feed(chain_at(0, 100.0, source="a"))
        second.feed(chain_at(0, 100.5, source="b", open_interest=30.0))
        until_shown(desk, 100.0)
        view = desk.view(BTC)
        assert view is not None
        assert view.board.totals.call_open_interest == 6 * 10.0 + 6 * 30.0
        assert desk.health(BTC).status.name == "a+b"
        assert desk.health(BTC).status.state is SourceState.LIVE
        turn(clock, first, 12.0)
        first.feed(chain_at(12, 101.0, source="a"))
        until_shown(desk, 101.0)
        view = desk.view(BTC)
        assert view is not None
        assert [part.stale for part in view.board.chain.parts] == [False, True]
        assert view.board.totals.call_open_interest == 6 * 10.0 + 6 * 30.0
        status = desk.health(BTC).status
        assert (status.state, status.detail) == (SourceState.DEGRADED, "b: nothing new for 12 s")


def test_a_venue_of_the_sum_that_is_worse_for_wear_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, venues = FakeClock(), Venues()
    with running(Desk([], routes={BTC: Route(("a", "b"), combine=True)}, make=venues, clock=clock)) as desk:
        first, second = venues.of("a"), venues.of("b")
        worse = SourceStatus("b", SourceState.DEGRADED, 0.01, "tickers 21 s old")
        monkeypatch.setattr(second, "status", lambda ticker: worse)
        first.feed(chain_at(0, 100.0, source="a"))
        second.feed(chain_at(0, 100.5, source="b"))
        until_shown(desk, 100.0)
        status = desk.health(BTC).status
        assert (status.state, status.detail) == (SourceState.DEGRADED, "b: tickers 21 s old")


def test_a_ticker_chosen_a_moment_ago_can_be_asked_about() -> None:
    desk = Desk([], routes={BTC: Route(("a",))}, make=Venues())
    desk.choose({ETH: Route(("b",)), BTC: Route(("a",))})
    status = desk.health(ETH).status
    assert (status.state, status.name) == (SourceState.CONNECTING, "")
    assert desk.health(BTC).status.name == "a"


def test_tickers_come_and_go_while_the_others_stay() -> None:
    clock, venues = FakeClock(), Venues()
    with running(Desk([], routes={BTC: Route(("a",))}, make=venues, clock=clock)) as desk:
        venue = venues.of("a")
        venue.feed(chain_at(0, 100.0))
        until_shown(desk, 100.0)
        desk.choose({ETH: Route(("a",)), BTC: Route(("a",))})
        assert desk.tickers == (ETH, BTC)
        until(lambda: venue.tickers == (ETH, BTC))
        assert shown(desk) == 100.0
        venue.feed(chain_at(1, 50.0, ticker=ETH))
        until_shown(desk, 50.0, ETH)
        desk.choose({ETH: Route(("a",))})
        until(lambda: venue.tickers == (ETH,))
        venue.feed(chain_at(2, 102.0), chain_at(2, 52.0, ticker=ETH))
        until_shown(desk, 52.0, ETH)
        assert desk.view(BTC) is None
        assert venue.runs == 1


def test_a_route_to_nowhere_is_said() -> None:
    def refusing(name: str) -> Source:
        raise ValueError(f"no source is called {name}")

    with running(Desk([], routes={BTC: Route(("x",))}, make=refusing, clock=FakeClock())) as desk:
        until(lambda: "ValueError" in desk.health(BTC).status.detail)
