"""The desk with coin ETFs: their ratio, and their book while they are shut."""

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gextui.coin_etfs import Ask, CoinEtfs, told_in_coins
from gextui.desk import IMPLY_EVERY, Desk
from gextui.exposure.board import Board
from gextui.market.chain import OptionChain
from gextui.market.coin import CoinRatio, RatioSource
from gextui.market.ticker import ticker_for
from gextui.sources.failure import Failure, FetchError
from gextui.sources.source import SourceState
from tests.support.clock import FakeClock
from tests.support.desk import BTC, NOON, Diary, FedSource, chain_at, running, until, until_shown

IBIT = ticker_for("IBIT")
CLOSE = datetime(2026, 11, 20, 20, 59, tzinfo=UTC)
"""Friday, 15:59 New York."""
SATURDAY = datetime(2026, 11, 21, 15, 0, tzinfo=UTC)
MONDAY = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)
"""09:30 New York."""


def coin(at: datetime, spot: float) -> OptionChain:
    return chain_at((at - NOON).total_seconds(), spot)


def share(at: datetime, spot: float, *, delay: float = 0.0, open_interest: float = 10.0) -> OptionChain:
    return chain_at((at - NOON).total_seconds(), spot, ticker=IBIT, delay=delay, open_interest=open_interest)


def ratio_of(coins: float, at: datetime = CLOSE) -> CoinRatio:
    return CoinRatio(coins, RatioSource.SPOTS, at)


def board_of(desk: Desk) -> Board | None:
    view = desk.view(IBIT)
    return None if view is None else view.board


def ratio_shown(desk: Desk) -> CoinRatio | None:
    board = board_of(desk)
    return None if board is None else board.chain.coin_ratio


def implied_spot(desk: Desk) -> float | None:
    """Spot of the view where it is implied."""
    board = board_of(desk)
    return None if board is None or board.chain.implied_from is None else round(board.spot, 6)


class Market:
    """A desk that watches IBIT, and BTC where told so, on a clock that a test turns."""

    def __init__(self, now: datetime, *, watch_coin: bool = True, etfs: CoinEtfs | None = None, diary: Diary) -> None:
        self.clock = FakeClock(now.timestamp())
        self.coins = FedSource(BTC, name="coins", interval=1.0)
        self.shares = FedSource(IBIT, name="shares", interval=60.0, state=SourceState.CLOSED)
        self.diary = diary
        sources = [self.coins, self.shares] if watch_coin else [self.shares]
        self.desk = Desk(sources, diary.open, clock=self.clock, etfs=etfs)

    def pass_time(self, seconds: float) -> None:
        self.shares.pass_time(self.clock, seconds)

    def leap(self, when: datetime) -> None:
        """Pass over the hours as a machine that sleeps does: nobody looks every few seconds meanwhile."""
        self.shares.loop.call_soon_threadsafe(self.clock.suspend, when.timestamp() - self.clock.now())
        until(lambda: self.clock.now() >= when.timestamp())

    def turn_until(self, happened: Callable[[], object]) -> None:
        """Let time pass, less than makes a price stale, until it has happened."""
        for _ in range(8):
            self.pass_time(IMPLY_EVERY)
            with contextlib.suppress(AssertionError):
                return until(happened, within=1.5)
        raise AssertionError("it did not happen in time")


class TestRatio:
    def test_of_the_coin_that_is_watched_is_shown_and_recorded(self) -> None:
        market = Market(CLOSE, diary=Diary())
        with running(market.desk) as desk:
            market.coins.feed(coin(CLOSE - timedelta(seconds=3), 100_000.0))
            until(lambda: desk.view(BTC))
            market.shares.feed(share(CLOSE, 60.0))
            until(lambda: ratio_shown(desk))
            assert ratio_shown(desk) == ratio_of(0.0006)
            until(lambda: [board for board in market.diary.boards if board.ticker == IBIT])
            assert [board.chain.coin_ratio for board in market.diary.boards if board.ticker == IBIT] == [
                ratio_of(0.0006)
            ]

    def test_of_a_delayed_share_is_of_its_quotes_own_instant(self) -> None:
        market = Market(CLOSE, diary=Diary())
        with running(market.desk) as desk:
            for minutes, spot in ((-15, 100_000.0), (-8, 105_000.0), (0, 110_000.0)):
                market.coins.feed(coin(CLOSE + timedelta(minutes=minutes), spot))
                until_shown(desk, spot)
            market.shares.feed(share(CLOSE, 60.0, delay=900.0))
            until(lambda: ratio_shown(desk))
            assert ratio_shown(desk) == ratio_of(0.0006, CLOSE - timedelta(minutes=15))

    def test_is_none_without_a_price_near_the_instant(self) -> None:
        market = Market(CLOSE, diary=Diary())
        with running(market.desk) as desk:
            market.coins.feed(coin(CLOSE - timedelta(seconds=61), 100_000.0))
            until(lambda: desk.view(BTC))
            market.shares.feed(share(CLOSE, 60.0))
            until(lambda: board_of(desk))
            assert ratio_shown(desk) is None

    def test_that_was_not_known_comes_with_the_coins_price(self) -> None:
        market = Market(CLOSE, diary=Diary())
        with running(market.desk) as desk:
            market.shares.feed(share(CLOSE, 60.0))
            until(lambda: board_of(desk))
            assert ratio_shown(desk) is None
            market.coins.feed(coin(CLOSE + timedelta(seconds=20), 100_000.0))
            until(lambda: desk.view(BTC))
            market.turn_until(lambda: ratio_shown(desk))
            assert ratio_shown(desk) == ratio_of(0.0006)

    def test_of_before_the_start_is_looked_up_in_what_was_recorded(self) -> None:
        market = Market(CLOSE, diary=Diary(coin(CLOSE - timedelta(minutes=15, seconds=20), 100_000.0)))
        with running(market.desk) as desk:
            market.shares.feed(share(CLOSE, 60.0, delay=900.0))
            until(lambda: board_of(desk))
            market.turn_until(lambda: ratio_shown(desk))
            assert ratio_shown(desk) == ratio_of(0.0006, CLOSE - timedelta(minutes=15))

    def test_by_holdings_stands_whatever_the_prices_say(self) -> None:
        clock = FakeClock(CLOSE.timestamp())
        holdings = CoinRatio(0.0005, RatioSource.HOLDINGS)
        market = Market(CLOSE, diary=Diary(), etfs=CoinEtfs(clock, holdings={"IBIT": holdings}))
        with running(market.desk) as desk:
            market.coins.feed(coin(CLOSE, 100_000.0))
            until(lambda: desk.view(BTC))
            market.shares.feed(share(CLOSE, 60.0))
            until(lambda: ratio_shown(desk))
            board = board_of(desk)
            assert board is not None
            assert board.chain.coin_ratio == holdings
            assert any("by its holdings" in warning for warning in board.warnings)


class TestImplied:
    def test_a_shut_etf_follows_the_coin_and_is_never_recorded(self) -> None:
        market = Market(CLOSE, diary=Diary())
        with running(market.desk) as desk:
            market.coins.feed(coin(CLOSE, 100_000.0))
            until(lambda: desk.view(BTC))
            market.shares.feed(share(CLOSE, 60.0))
            until(lambda: ratio_shown(desk))
            market.pass_time(30.0)
            assert implied_spot(desk) is None
            market.leap(SATURDAY)
            market.coins.feed(coin(SATURDAY, 102_000.0))
            market.turn_until(lambda: implied_spot(desk) == 61.2)
            board = board_of(desk)
            assert board is not None
            assert SATURDAY < board.as_of <= SATURDAY + timedelta(seconds=8 * IMPLY_EVERY)
            assert board.chain.implied_from == CLOSE
            assert board.spot_change == pytest.approx(0.02)
            assert board.changes == ()
            # Another price, another book; and it is the quoted one that is stepped back to.
            market.coins.feed(coin(board.as_of + timedelta(seconds=8), 99_000.0))
            market.turn_until(lambda: implied_spot(desk) == 59.4)
            desk.step(IBIT, -1)
            until(lambda: (view := desk.view(IBIT)) is not None and view.replay)
            board = board_of(desk)
            assert board is not None
            assert (board.spot, board.as_of, board.chain.implied_from) == (60.0, CLOSE, None)
            desk.live(IBIT)
            until(lambda: implied_spot(desk) == 59.4)
        assert [board.as_of for board in market.diary.boards if board.ticker == IBIT] == [CLOSE]

    def test_a_coin_of_which_nothing_is_heard_implies_nothing(self) -> None:
        market = Market(SATURDAY, diary=Diary(replace(share(CLOSE, 60.0), coin_ratio=ratio_of(0.0006))))
        with running(market.desk) as desk:
            market.coins.feed(coin(SATURDAY, 102_000.0))
            until(lambda: desk.view(BTC))
            market.turn_until(lambda: implied_spot(desk) == 61.2)
            market.pass_time(61.0)
            until(lambda: implied_spot(desk) is None)
            board = board_of(desk)
            assert board is not None
            assert (board.spot, board.as_of) == (60.0, CLOSE)

    def test_a_restart_over_the_weekend_knows_the_session_and_what_was_counted_since(self) -> None:
        session = replace(share(CLOSE, 60.0), coin_ratio=ratio_of(0.0006))
        # Polled after hours: another spot beside Friday's quotes, and Saturday's count of open interest.
        polled = replace(share(SATURDAY - timedelta(hours=3), 63.0, open_interest=25.0), coin_ratio=ratio_of(0.0006))
        market = Market(SATURDAY, diary=Diary(session, polled))
        with running(market.desk) as desk:
            market.coins.feed(coin(SATURDAY, 102_000.0))
            until(lambda: desk.view(BTC))
            market.turn_until(lambda: implied_spot(desk) == 61.2)
            board = board_of(desk)
            assert board is not None
            assert board.chain.implied_from == CLOSE
            assert board.chain.open_interest.tolist() == [25.0] * 12
            assert board.spot_change == pytest.approx(0.02)

    def test_a_chain_of_an_earlier_session_implies_nothing(self) -> None:
        thursday = CLOSE - timedelta(days=1)
        market = Market(SATURDAY, diary=Diary(replace(share(thursday, 60.0), coin_ratio=ratio_of(0.0006, thursday))))
        with running(market.desk) as desk:
            market.coins.feed(coin(SATURDAY, 102_000.0))
            until(lambda: desk.view(BTC))
            market.pass_time(3 * IMPLY_EVERY)
            assert implied_spot(desk) is None
            assert ratio_shown(desk) == ratio_of(0.0006, thursday)

    def test_it_ends_when_the_market_opens_for_a_delayed_source_that_much_later(self) -> None:
        told = CLOSE + timedelta(minutes=15)
        session = replace(share(told, 60.0, delay=900.0), coin_ratio=ratio_of(0.0006))
        market = Market(MONDAY + timedelta(minutes=14), diary=Diary(session))
        with running(market.desk) as desk:
            market.coins.feed(coin(MONDAY + timedelta(minutes=14), 102_000.0))
            until(lambda: desk.view(BTC))
            market.turn_until(lambda: implied_spot(desk) == 61.2)
            market.pass_time(50.0)
            market.coins.feed(coin(MONDAY + timedelta(minutes=15), 103_000.0))
            market.turn_until(lambda: implied_spot(desk) is None)


class Index:
    """Tells what a coin costs, as often as it is asked."""

    def __init__(self, clock: FakeClock, price: float | FetchError) -> None:
        self.clock, self.price = clock, price
        self.asked: list[str] = []
        self.open = False

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[Ask]:
        self.open = True
        yield self.ask
        self.open = False

    async def ask(self, coin: str) -> tuple[float, float]:
        self.asked.append(coin)
        if isinstance(self.price, FetchError):
            raise self.price
        return self.clock.now(), self.price


class TestIndex:
    def test_a_coin_that_is_not_watched_is_asked_for(self) -> None:
        clock = FakeClock(SATURDAY.timestamp())
        index = Index(clock, 102_000.0)
        etfs = CoinEtfs(clock, index=index)
        diary = Diary(replace(share(CLOSE, 60.0), coin_ratio=ratio_of(0.0006)))
        market = Market(SATURDAY, watch_coin=False, etfs=etfs, diary=diary)
        market.clock = clock
        market.desk = Desk([market.shares], diary.open, clock=clock, etfs=etfs)
        with running(market.desk) as desk:
            until(lambda: index.asked)
            market.turn_until(lambda: implied_spot(desk) == 61.2)
            index.price = 103_000.0
            market.pass_time(20.0)
            until(lambda: implied_spot(desk) == 61.8)
            assert set(index.asked) == {"BTC"}

    def test_an_index_that_fails_is_asked_again_and_implies_nothing(self) -> None:
        clock = FakeClock(SATURDAY.timestamp())
        index = Index(clock, FetchError(Failure.TIMEOUT, "the index did not answer in time"))
        etfs = CoinEtfs(clock, index=index)
        diary = Diary(replace(share(CLOSE, 60.0), coin_ratio=ratio_of(0.0006)))
        market = Market(SATURDAY, watch_coin=False, diary=diary)
        market.clock = clock
        market.desk = Desk([market.shares], diary.open, clock=clock, etfs=etfs)
        with running(market.desk) as desk:
            until(lambda: index.asked)
            market.pass_time(30.0)
            assert implied_spot(desk) is None
            index.price = 102_000.0
            market.pass_time(30.0)
            until(lambda: implied_spot(desk) == 61.2)

    def test_nobody_is_asked_where_the_coin_tells_its_price_itself(self) -> None:
        clock = FakeClock(SATURDAY.timestamp())
        index = Index(clock, 1.0)
        etfs = CoinEtfs(clock, index=index)
        etfs.carry([IBIT])
        etfs.take(coin(SATURDAY, 102_000.0))
        assert etfs.coins == ("BTC",)
        assert etfs.prices.at("BTC", clock.now()) == 102_000.0
        assert index.asked == []


class TestFiles:
    def test_a_coins_recorded_chains_tell_the_ratio_of_what_is_near_them(self) -> None:
        chains = [
            share(CLOSE, 60.0),
            coin(CLOSE + timedelta(seconds=40), 100_000.0),
            share(CLOSE - timedelta(days=2), 55.0),
            coin(CLOSE - timedelta(days=2, seconds=70), 110_000.0),
            share(SATURDAY, 60.0),
        ]
        told = told_in_coins(chains)
        assert [chain.ticker for chain in told] == [chain.ticker for chain in chains]
        ratios = [chain.coin_ratio for chain in told if chain.ticker == IBIT]
        assert ratios == [ratio_of(0.0006), None, ratio_of(0.0006)]

    def test_holdings_stand_where_no_coin_is_recorded(self) -> None:
        holdings = CoinRatio(0.00055, RatioSource.HOLDINGS)
        [told] = told_in_coins([share(SATURDAY, 60.0)], {"IBIT": holdings})
        assert told.coin_ratio == holdings
