"""The simulated market as the demo runs it."""

from datetime import UTC, datetime, timedelta

from gextui.desk import Desk
from gextui.exposure.board import build_board
from gextui.exposure.change import WINDOWS, ChangeState
from gextui.exposure.filters import Filters, Weight
from gextui.market.ticker import KNOWN_TICKERS
from gextui.simulator.source import SimulatedSource, before_the_expiry
from gextui.sources.source import SourceState
from tests.support.desk import running, until

BTC, SPX = KNOWN_TICKERS["BTC"], KNOWN_TICKERS["SPX"]
START = datetime(2026, 11, 20, 7, 40, tzinfo=UTC)


def test_the_clock_runs_faster_than_the_walls() -> None:
    source = SimulatedSource(7, [BTC, SPX], start=START, interval=0.5, speed=20.0)
    assert source.tickers == (BTC, SPX)
    assert source.status(BTC).state is SourceState.SIMULATED
    assert source.status(BTC).interval == 0.5


async def test_every_ticker_comes_each_interval() -> None:
    source = SimulatedSource(7, [BTC, SPX], start=START, interval=0.001, speed=10_000.0)
    chains = aiter(source.chains())
    came = [await anext(chains) for _ in range(6)]
    assert [chain.ticker for chain in came] == [BTC, SPX] * 3
    assert [(chain.as_of - START).total_seconds() for chain in came] == [0, 0, 10, 10, 20, 20]


async def test_from_the_first_chain_on_there_is_a_past() -> None:
    source = SimulatedSource(7, [BTC, SPX], start=START)
    history = await source.open_history()
    for ticker in source.tickers:
        chain = await anext(aiter(source.chains()))
        past = await history.past(ticker, START, WINDOWS)
        assert [past.windows[minutes].as_of for minutes in WINDOWS] == [
            START - timedelta(minutes=minutes) for minutes in WINDOWS
        ]
        assert past.yesterday is not None
    chain = await anext(aiter(source.chains()))
    board = build_board(chain, await history.past(BTC, START, WINDOWS), Filters(weight=Weight.ACTIVE))
    assert board.used > 100
    assert [change.state for change in board.changes] == [ChangeState.OK] * 5


async def test_its_history_goes_on_thinned() -> None:
    source = SimulatedSource(7, [BTC], start=START, interval=0.001, speed=10_000.0)
    history = await source.open_history()
    chains = aiter(source.chains())
    for _ in range(721):
        await history.record(build_board(await anext(chains)))
    latest = await history.latest(BTC)
    assert latest is not None
    assert latest.as_of == START + timedelta(hours=2)
    before = await history.step(BTC, latest.as_of, -1)
    assert before is not None
    assert before.as_of == latest.as_of - timedelta(seconds=20)
    # An hour of three a minute, one of each hour before that, and yesterday's.
    assert await history.step(BTC, latest.as_of, -180) is not None
    assert await history.step(BTC, latest.as_of, -190) is None


def test_the_demo_starts_shortly_before_an_expiry() -> None:
    start = before_the_expiry(datetime(2026, 11, 20, 23, 30, tzinfo=UTC))
    assert start == START


def test_the_desk_runs_it_over_an_expiry() -> None:
    source = SimulatedSource(7, [BTC], start=START + timedelta(minutes=19), interval=0.01, speed=1000.0)
    with running(Desk([source], source.open_history)) as desk:
        until(lambda: (view := desk.view(BTC)) is not None and view.board.changes)
        view = desk.view(BTC)
        assert view is not None
        assert view.board.chain.simulated
        assert desk.health(BTC).recording == "not recorded"
        until(
            lambda: (
                (view := desk.view(BTC)) is not None
                and [change.state for change in view.board.changes] == [ChangeState.OK] + [ChangeState.EXPIRY] * 4
            )
        )
        view = desk.view(BTC)
        assert view is not None
        assert view.board.chain.expiries.min() > view.board.as_of.timestamp()
        assert view.board.changes[-1].expired_gex != 0.0
