"""What expires leaves the screen at its instant by the clock, though its source says nothing new; records keep it."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from gextui.desk import Desk
from gextui.exposure.filters import Filters
from gextui.market.chain import OptionChain
from gextui.market.ticker import KNOWN_TICKERS, Ticker
from gextui.simulator.market import SimulatedMarket
from gextui.sources.source import SourceState
from tests.support.clock import FakeClock
from tests.support.desk import Diary, FedSource, running, until
from tests.support.tradier import new_york

SPX, BTC = KNOWN_TICKERS["SPX"], KNOWN_TICKERS["BTC"]


def real(chain: OptionChain, delay: float = 900.0) -> OptionChain:
    """A simulated chain as a venue would give it."""
    from dataclasses import replace

    return replace(chain, simulated=False, source="fed", delay=delay)


def at(when: datetime, ticker: Ticker = SPX) -> OptionChain:
    return real(SimulatedMarket(7, when, [ticker]).chain(ticker))


def shown_expiries(desk: Desk, ticker: Ticker = SPX) -> list[float]:
    view = desk.view(ticker)
    return [] if view is None else view.board.by_expiry.expiry.tolist()


@pytest.mark.parametrize(
    ("day", "closes"),
    [("2026-11-20", "16:00"), ("2026-11-27", "13:00")],
    ids=["a Friday", "the half day"],
)
def test_k6_the_close_of_new_york(day: str, closes: str) -> None:
    close = new_york(day, closes)
    hour, minute = close.hour - 1, 45
    chain = at(new_york(day, f"{hour}:{minute}"))
    clock = FakeClock(close.timestamp() - 30.0)
    source, diary = FedSource(SPX, interval=60.0, state=SourceState.DELAYED), Diary()
    with running(Desk([source], diary.open, clock=clock)) as desk:
        source.feed(chain)
        until(lambda: desk.view(SPX))
        assert shown_expiries(desk)[0] == close.timestamp()
        before = desk.view(SPX)
        assert before is not None
        source.pass_time(clock, 29.0)
        assert shown_expiries(desk)[0] == close.timestamp()
        source.pass_time(clock, 1.0)
        until(lambda: shown_expiries(desk)[0] > close.timestamp())
        view = desk.view(SPX)
        assert view is not None
        assert close.timestamp() not in view.board.chain.expiries
        gone = int((chain.expiries[chain.expiry] == close.timestamp()).sum())
        assert view.board.dropped["expired"] >= gone > 0
        assert view.board.chain.total == chain.total
        # The next expiry is the front one now, of the levels too.
        assert view.board.levels.max_pain is not None
        assert view.board.levels.max_pain.expiry == shown_expiries(desk)[0]
        assert view.board.totals.net_gex is not None
        assert np.isfinite(view.board.totals.net_gex)
        until(lambda: diary.boards)
    # What is recorded is what the market was at the chain's own instant.
    assert [close.timestamp() in board.chain.expiries for board in diary.boards] == [True]


def test_k7_the_mornings_settlement_leaves_before_the_afternoons() -> None:
    morning, afternoon = new_york("2026-11-20", "09:30"), new_york("2026-11-20", "16:00")
    chain = at(new_york("2026-11-20", "09:10"))
    clock = FakeClock(morning.timestamp() - 10.0)
    source = FedSource(SPX, interval=60.0, state=SourceState.DELAYED)
    with running(Desk([source], clock=clock)) as desk:
        source.feed(chain)
        until(lambda: desk.view(SPX))
        view = desk.view(SPX)
        assert view is not None
        assert dict(zip(view.board.by_expiry.expiry.tolist(), view.board.by_expiry.roots, strict=True)) | {
            morning.timestamp(): "SPX",
            afternoon.timestamp(): "SPXW",
        } == dict(zip(view.board.by_expiry.expiry.tolist(), view.board.by_expiry.roots, strict=True))
        assert "SPX of 20 Nov trades no more and counts until it settles at 09:30 New York" in view.board.warnings
        source.pass_time(clock, 10.0)
        until(lambda: shown_expiries(desk)[0] == afternoon.timestamp())
        assert not any("trades no more" in warning for warning in desk.view(SPX).board.warnings)  # type: ignore[union-attr]


def test_a_filter_chosen_afterwards_brings_nothing_back() -> None:
    close = new_york("2026-11-20", "16:00")
    clock = FakeClock(close.timestamp() + 60.0)
    source = FedSource(SPX, interval=60.0, state=SourceState.DELAYED)
    with running(Desk([source], clock=clock)) as desk:
        source.feed(at(new_york("2026-11-20", "15:46")))
        until(lambda: desk.view(SPX))
        front = shown_expiries(desk)[0]
        assert front > close.timestamp()
        for expiry, expected in (("front", [front]), ("0dte", [])):
            desk.watch(SPX, Filters(expiry=expiry))
            until(lambda expiry=expiry: (view := desk.view(SPX)) is not None and view.board.filters.expiry == expiry)  # type: ignore[misc]
            assert shown_expiries(desk) == expected


def test_a_later_chain_is_shown_whole_and_expires_in_its_turn() -> None:
    eight = datetime(2026, 11, 21, 8, tzinfo=UTC)
    clock = FakeClock(eight.timestamp() - 100.0)
    source = FedSource(BTC, interval=10.0)
    with running(Desk([source], clock=clock)) as desk:
        source.feed(at(datetime(2026, 11, 21, 7, 50, tzinfo=UTC), BTC))
        until(lambda: desk.view(BTC))
        assert shown_expiries(desk, BTC)[0] == eight.timestamp()
        source.pass_time(clock, 100.0)
        until(lambda: shown_expiries(desk, BTC)[0] > eight.timestamp())


class TestWhatKeepsItsOwnTime:
    """There the clock on the wall says nothing of what has expired."""

    @pytest.mark.parametrize("interval", [0.0, 1.0])
    def test_what_is_recorded_or_simulated(self, interval: float) -> None:
        when = new_york("2026-11-20", "15:45")
        chain = SimulatedMarket(7, when, [SPX]).chain(SPX)
        chain = chain if interval else real(chain)
        clock = FakeClock(when.timestamp() + 3600.0)
        source = FedSource(SPX, interval=interval)
        with running(Desk([source], clock=clock)) as desk:
            source.feed(chain)
            until(lambda: desk.view(SPX))
            assert shown_expiries(desk)[0] == new_york("2026-11-20", "16:00").timestamp()

    def test_what_is_stepped_back_to(self) -> None:
        first, last = new_york("2026-11-20", "15:30"), new_york("2026-11-20", "15:45")
        clock = FakeClock(new_york("2026-11-20", "16:05").timestamp())
        diary, source = Diary(at(first)), FedSource(SPX, interval=60.0)
        with running(Desk([source], diary.open, clock=clock)) as desk:
            source.feed(replace(at(first), as_of=last))
            until(lambda: (view := desk.view(SPX)) is not None and view.board.as_of == last)
            assert shown_expiries(desk)[0] > clock.now()
            desk.step(SPX, -1)
            until(lambda: (view := desk.view(SPX)) is not None and view.replay)
            assert shown_expiries(desk)[0] == new_york("2026-11-20", "16:00").timestamp()

    def test_a_chain_older_than_the_longest_weekend_is_shown_as_it_was(self) -> None:
        when = new_york("2026-11-20", "15:45")
        for days, cut in ((3.9, True), (4.1, False)):
            clock = FakeClock(when.timestamp() + days * 86400.0)
            source = FedSource(SPX, interval=60.0)
            with running(Desk([source], clock=clock)) as desk:
                source.feed(at(when))
                until(lambda desk=desk: desk.view(SPX))  # type: ignore[misc]
                assert (shown_expiries(desk)[0] > clock.now()) == cut
