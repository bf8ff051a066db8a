"""A coin ETF in its coin's own book, through the desk: told in the coin, implied while it is shut."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from gextui.coin_etfs import CoinEtfs
from gextui.desk import Desk
from gextui.etf_source import LOOK_EVERY, EtfSource
from gextui.exposure.board import Board, build_board
from gextui.market.chain import OptionChain
from gextui.market.coin import CoinRatio, RatioSource
from gextui.market.combined import combine
from gextui.market.ticker import Ticker, ticker_for
from gextui.route import Route
from gextui.sources.source import Source, SourceState
from tests.support.clock import FakeClock
from tests.support.desk import BTC, ETH, NOON, FedSource, chain_at, running, until

IBIT = ticker_for("IBIT")
CLOSE = datetime(2026, 11, 20, 20, 59, tzinfo=UTC)
SATURDAY = datetime(2026, 11, 21, 15, 0, tzinfo=UTC)


def chain(at: datetime, spot: float, ticker: Ticker = BTC) -> OptionChain:
    return chain_at((at - NOON).total_seconds(), spot, ticker=ticker)


class Book:
    """BTC as the sum of one venue and IBIT, on a clock that a test turns."""

    def __init__(self, *, watch_etf: bool = True) -> None:
        self.clock = FakeClock(CLOSE.timestamp())
        self.etfs = CoinEtfs(self.clock, holdings={"IBIT": CoinRatio(0.001, RatioSource.HOLDINGS)})
        self.coins, self.shares = (
            FedSource(BTC, name="coins", interval=30.0),
            FedSource(IBIT, name="shares", interval=30.0),
        )
        self.part = EtfSource(IBIT, self.etfs, self.clock)
        routes = {BTC: Route(("coins", "IBIT"), combine=True)}
        if watch_etf:
            routes[IBIT] = Route(("shares",))
        sources: list[Source] = [self.coins, self.part, *([self.shares] if watch_etf else [])]
        self.desk = Desk(sources, routes=routes, clock=self.clock, etfs=self.etfs)

    @property
    def board(self) -> Board | None:
        view = self.desk.view(BTC)
        return None if view is None else view.board

    def parts(self) -> dict[str, float]:
        """What is in the sum, and at which spot."""
        return {} if self.board is None else {part.name: round(part.spot, 6) for part in self.board.chain.parts}

    def leap(self, when: datetime) -> None:
        """Pass over the hours as a machine that sleeps does: nobody looks every second meanwhile."""
        self.coins.loop.call_soon_threadsafe(self.clock.suspend, when.timestamp() - self.clock.now())
        until(lambda: self.clock.now() >= when.timestamp())

    def turn_until(self, wanted: dict[str, float], *, coin: float = 0.0) -> None:
        for _ in range(10):
            if coin:
                self.coins.feed(chain(datetime.fromtimestamp(self.clock.now(), UTC), coin))
            self.coins.pass_time(self.clock, LOOK_EVERY)
            try:
                return until(lambda: self.parts() == wanted, within=1.5)
            except AssertionError:
                continue
        raise AssertionError(self.parts())


def test_the_sum_is_the_venues_book_and_the_etfs_in_the_coin() -> None:
    book = Book()
    # A share at 0.1 is the coin at 100: strikes of 0.09 to 0.11 are those of the coin.
    etf = chain_at((CLOSE - NOON).total_seconds(), 0.1, ticker=IBIT, open_interest=40.0)
    etf = OptionChain.from_rows(
        ticker=IBIT,
        source="shares",
        as_of=CLOSE,
        spot=0.1,
        root=["IBIT"] * len(etf),
        expiry=etf.expiries[etf.expiry],
        strike=etf.strike / 1000.0,
        is_call=etf.is_call,
        iv=etf.iv,
        open_interest=etf.open_interest,
        volume=etf.volume,
        bid=etf.bid * np.nan,
        ask=etf.ask * np.nan,
        multiplier=np.full(len(etf), 100.0),
    )
    with running(book.desk):
        book.coins.feed(chain(CLOSE, 100.0))
        book.shares.feed(etf)
        book.turn_until({"fed": 100.0, "IBIT": 100.0})
        board = book.board
        assert board is not None
        venue = build_board(chain(CLOSE, 100.0))
        share = build_board(etf)
        assert venue.totals.net_gex is not None
        assert share.totals.net_gex is not None
        assert board.totals.gross_gex == pytest.approx(
            (venue.totals.gross_gex or 0) + (share.totals.gross_gex or 0), rel=1e-3
        )
        # 40 contracts of 100 shares at 0.001 coins are 4 coins beside the venue's 10.
        assert board.by_strike.strike.tolist() == [90.0, 100.0, 110.0]
        assert board.by_strike.call_open_interest.tolist() == [28.0, 28.0, 28.0]


def test_while_it_is_shut_its_part_follows_the_coin() -> None:
    book = Book()
    with running(book.desk):
        book.coins.feed(chain(CLOSE, 100.0))
        book.shares.feed(chain(CLOSE, 0.1, IBIT))
        book.turn_until({"fed": 100.0, "IBIT": 100.0})
        book.leap(SATURDAY)
        book.turn_until({"fed": 102.0, "IBIT": 102.0}, coin=102.0)
        board = book.board
        assert board is not None
        assert any(note.startswith("IBIT: implied: repriced with BTC at 102.00") for note in board.chain.notes)


def test_without_the_etf_among_the_tickers_it_is_said() -> None:
    book = Book(watch_etf=False)
    with running(book.desk):
        book.coins.feed(chain(CLOSE, 100.0))
        book.turn_until({"fed": 100.0}, coin=100.0)
        board = book.board
        assert board is not None
        assert "IBIT is not in the sum: IBIT is not watched; add it to the tickers" in board.chain.notes


def test_the_coin_alone_is_what_it_is_a_part_of() -> None:
    etfs = CoinEtfs(FakeClock(CLOSE.timestamp()))
    part = EtfSource(IBIT, etfs, FakeClock(CLOSE.timestamp()))
    part.carry([BTC, ETH])
    assert part.status(ETH).state is SourceState.DISABLED
    assert part.status(ETH).detail == "IBIT holds no ETH"
    etfs.carry([IBIT])
    assert part.status(BTC).state is SourceState.CONNECTING


def test_its_strikes_rest_while_the_ratio_trembles() -> None:
    part = EtfSource(IBIT, CoinEtfs(FakeClock(CLOSE.timestamp())), FakeClock(CLOSE.timestamp()))
    rested = [part._rested(coins) for coins in (0.00056712, 0.00056745, 0.00056655, 0.000569, 0.00057)]
    assert rested == [0.000567, 0.000567, 0.000567, 0.000567, 0.00057]


@pytest.mark.parametrize(("stale", "told"), [({}, 100.0), ({"fed": "no data for 42 s"}, None)])
def test_what_an_etf_says_of_its_coin_is_no_price_of_the_coin(stale: dict[str, str], told: float | None) -> None:
    """Else what is implied by the coin's price would imply that price."""
    etfs = CoinEtfs(FakeClock(CLOSE.timestamp()))
    part = replace(chain(CLOSE, 103.0), source="IBIT")
    book = combine(BTC, [chain(CLOSE, 100.0), part], stale=stale)
    assert book.spot == (103.0 if stale else 100.0)
    etfs.take(book)
    assert etfs.prices.at("BTC", CLOSE.timestamp()) == told
