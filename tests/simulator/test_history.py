"""The simulated market's past, as the demo shows it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from gextui.exposure.board import build_board
from gextui.exposure.change import WINDOWS, ChangeState
from gextui.exposure.filters import Filters, Weight
from gextui.market.ticker import KNOWN_TICKERS
from gextui.simulator.history import market_with_past

BTC, SPX = KNOWN_TICKERS["BTC"], KNOWN_TICKERS["SPX"]
MONDAY = datetime(2026, 11, 23, 20, 57, tzinfo=UTC)


async def test_from_the_first_chain_on_there_is_a_past() -> None:
    market, history = market_with_past(7, MONDAY)
    assert market.now == MONDAY
    for ticker in (BTC, SPX):
        past = await history.past(ticker, MONDAY, WINDOWS)
        assert [past.windows[minutes].as_of for minutes in WINDOWS] == [
            MONDAY - timedelta(minutes=minutes) for minutes in WINDOWS
        ]
        board = build_board(market.chain(ticker), past, Filters(weight=Weight.ACTIVE))
        assert board.used > 100
        assert board.spot_change is not None
        assert [change.state for change in board.changes] == [ChangeState.OK] * 5
    friday = (await history.past(SPX, MONDAY, WINDOWS)).yesterday
    assert friday is not None
    assert friday.as_of.date().isoformat() == "2026-11-20"
    sunday = (await history.past(BTC, MONDAY, WINDOWS)).yesterday
    assert sunday is not None
    assert sunday.as_of.date().isoformat() == "2026-11-22"


async def test_what_was_not_seen_is_not_remembered() -> None:
    _, history = market_with_past(7, MONDAY, lambda chain: chain if chain.ticker is BTC else None)
    assert await history.latest(BTC) is not None
    assert await history.latest(SPX) is None


async def test_it_goes_on_thinned() -> None:
    market, history = market_with_past(7, MONDAY)
    board = build_board(market.chain(BTC))
    for _ in range(721):
        await history.record(replace(board, chain=market.chain(BTC)))
        market.step(10.0)
    latest = await history.latest(BTC)
    assert latest is not None
    assert latest.as_of == MONDAY + timedelta(hours=2)
    before = await history.step(BTC, latest.as_of, -1)
    assert before is not None
    assert before.as_of == latest.as_of - timedelta(seconds=20)
    # An hour of three a minute, one of each hour before that, and the days' before.
    assert await history.step(BTC, latest.as_of, -180) is not None
    assert await history.step(BTC, latest.as_of, -190) is None
