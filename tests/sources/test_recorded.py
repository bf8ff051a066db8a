"""Opened files as a source and as a history."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from gextui.exposure.board import build_board
from gextui.exposure.change import WINDOWS, ChangeState
from gextui.market.chain import OptionChain
from gextui.market.ticker import KNOWN_TICKERS, Ticker
from gextui.sources.recorded import RecordedHistory, RecordedSource
from gextui.sources.source import SourceState
from tests.support.desk import BTC, ETH, NOON, chain_at

SPY = KNOWN_TICKERS["SPY"]


def chain_on(at: datetime, ticker: Ticker = BTC) -> OptionChain:
    return chain_at((at - NOON).total_seconds(), ticker=ticker)


class TestSource:
    async def test_it_gives_the_newest_of_each_ticker_and_waits(self) -> None:
        files = [chain_at(60), chain_at(0), chain_at(30, ticker=ETH, source="file:other")]
        source = RecordedSource(files)
        assert source.tickers == (BTC, ETH)
        assert source.name == "fed, file:other"
        chains = aiter(source.chains())
        assert [await anext(chains), await anext(chains)] == [files[0], files[2]]
        third = asyncio.ensure_future(anext(chains))
        await asyncio.wait({third}, timeout=0.01)
        assert not third.done()
        third.cancel()

    def test_it_is_a_replay(self) -> None:
        status = RecordedSource([chain_at(0)]).status(BTC)
        assert (status.state, status.interval, status.name) == (SourceState.REPLAY, 0.0, "fed")


class TestStep:
    @pytest.mark.parametrize(
        ("at", "steps", "second"),
        [
            (60, -1, 0),
            (60, 1, 120),
            (60, -2, None),
            (60, 2, None),
            (60, 0, 60),
            (90, -1, 60),
            (90, 1, 120),
            (500, -1, 120),
            (500, -3, 0),
            (-1, 1, 0),
            (-1, 3, 120),
            (-1, -1, None),
            (120, 1, None),
        ],
    )
    async def test_it_goes_by_instants(self, at: float, steps: int, second: float | None) -> None:
        history = RecordedHistory([chain_at(120), chain_at(0), chain_at(60)])
        chain = await history.step(BTC, NOON + timedelta(seconds=at), steps)
        assert (None if chain is None else (chain.as_of - NOON).total_seconds()) == second

    async def test_a_ticker_without_files_has_nothing(self) -> None:
        history = RecordedHistory([chain_at(0)])
        assert await history.step(ETH, NOON, -1) is None
        assert await history.latest(ETH) is None
        assert (await history.past(ETH, NOON, WINDOWS)).windows == {}

    async def test_the_latest_is_by_instant_and_a_second_file_of_it_replaces_the_first(self) -> None:
        again = chain_at(60, 101.0)
        history = RecordedHistory([chain_at(60), chain_at(0), again])
        assert await history.latest(BTC) is again
        assert await history.step(BTC, NOON, 2) is None

    async def test_what_is_recorded_is_not_kept(self) -> None:
        history = RecordedHistory([chain_at(0)])
        await history.record(build_board(chain_at(60)))
        await history.close()
        latest = await history.latest(BTC)
        assert latest is not None
        assert latest.as_of == NOON
        assert history.recording == "not recorded"


class TestPast:
    @pytest.mark.parametrize(
        ("minutes", "seconds_before", "found"),
        [
            (1, 59.9, False),
            (1, 60.0, True),
            (1, 90.0, True),
            (1, 90.1, False),
            (5, 300.0, True),
            (5, 375.0, True),
            (5, 375.1, False),
            (30, 1799.0, False),
            (30, 2250.0, True),
            (30, 2251.0, False),
        ],
    )
    async def test_a_window_takes_what_is_near_enough_before_it(
        self, minutes: int, seconds_before: float, found: bool
    ) -> None:
        past = await RecordedHistory([chain_at(-seconds_before)]).past(BTC, NOON, [minutes])
        assert (minutes in past.windows) is found

    async def test_the_nearest_of_several(self) -> None:
        history = RecordedHistory(chain_at(-second) for second in (300, 310, 290, 370))
        past = await history.past(BTC, NOON, WINDOWS)
        assert list(past.windows) == [5]
        assert past.windows[5].as_of == NOON - timedelta(seconds=300)

    async def test_a_gap_and_an_expiry_are_said_by_the_board(self) -> None:
        expiry = datetime.fromtimestamp(chain_at(0).expiries[0], UTC)
        after = chain_on(expiry + timedelta(minutes=2))
        history = RecordedHistory([chain_on(expiry - timedelta(minutes=3)), chain_on(expiry + timedelta(minutes=1))])
        board = build_board(after, await history.past(BTC, after.as_of, WINDOWS))
        states = {change.minutes: change.state for change in board.changes}
        assert states == {
            1: ChangeState.OK,
            5: ChangeState.EXPIRY,
            10: ChangeState.GAP,
            15: ChangeState.GAP,
            30: ChangeState.GAP,
        }

    @pytest.mark.parametrize(
        ("ticker", "recorded", "at", "found"),
        [
            # A coin's is a day ago; a daily file may be half an hour early, or skip half a day.
            (BTC, "2026-11-19T12:30:00Z", "2026-11-20T12:00:00Z", True),
            (BTC, "2026-11-19T00:00:00Z", "2026-11-20T12:00:00Z", True),
            (BTC, "2026-11-18T23:59:59Z", "2026-11-20T12:00:00Z", False),
            (BTC, "2026-11-19T12:30:01Z", "2026-11-20T12:00:00Z", False),
            # Friday's close and Monday's open in New York; then Thanksgiving between Wednesday and Friday.
            (SPY, "2026-11-20T21:15:00Z", "2026-11-23T15:00:00Z", True),
            (SPY, "2026-11-19T21:15:00Z", "2026-11-23T15:00:00Z", False),
            (SPY, "2026-11-25T21:15:00Z", "2026-11-27T15:00:00Z", True),
            # 03:00 UTC is still the evening before in New York.
            (SPY, "2026-11-20T03:00:00Z", "2026-11-20T15:00:00Z", True),
            (SPY, "2026-11-20T05:00:00Z", "2026-11-20T15:00:00Z", False),
        ],
    )
    async def test_yesterday_is_the_trading_day_before(
        self, ticker: Ticker, recorded: str, at: str, found: bool
    ) -> None:
        history = RecordedHistory([chain_on(datetime.fromisoformat(recorded), ticker)])
        past = await history.past(ticker, datetime.fromisoformat(at), [])
        assert (past.yesterday is not None) is found

    async def test_yesterday_is_the_last_chain_of_it(self) -> None:
        day = timedelta(days=1)
        history = RecordedHistory(chain_on(NOON - day + timedelta(hours=hours)) for hours in (-5, 0, 5, 11, 13))
        yesterday = (await history.past(BTC, NOON, [])).yesterday
        assert yesterday is not None
        assert yesterday.as_of == NOON - day


async def test_thinning_keeps_one_chain_an_hour() -> None:
    history = RecordedHistory(chain_at(60.0 * minute) for minute in range(-150, 1))
    history.thin(BTC, NOON - timedelta(minutes=5))
    first = await history.step(BTC, NOON, -100)
    assert first is None
    left = []
    at = NOON
    while (chain := await history.step(BTC, at, -1)) is not None:
        at = chain.as_of
        left.append(round((NOON - at).total_seconds() / 60))
    assert left == [1, 2, 3, 4, 5, 6, 61, 121]


async def test_levels_over_time_are_those_of_the_chains_in_between() -> None:
    history = RecordedHistory(chain_at(60.0 * minute, spot=100.0 + minute) for minute in range(4))
    series = await history.range(BTC, NOON + timedelta(minutes=1), NOON + timedelta(minutes=3), at_most=2)
    assert [(time - NOON.timestamp()) / 60 for time in series.times] == [1.0, 3.0]
    assert series.columns["spot"].tolist() == [101.0, 103.0]
    assert series.columns["net_gex"][1] == build_board(chain_at(180.0, spot=103.0)).totals.net_gex
    nothing = await history.range(ETH, NOON, NOON, at_most=2)
    assert (len(nothing.times), len(nothing.columns["spot"])) == (0, 0)
