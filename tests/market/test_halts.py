"""When a share that does not trade is halted, and when New York merely sleeps."""

from datetime import datetime

import pytest

from gextui.market.chain import Halt
from gextui.market.halts import concluded_halt
from gextui.market.ticker import KNOWN_TICKERS
from tests.support.cboe import new_york

BTC, IBIT, SPX = (KNOWN_TICKERS[symbol] for symbol in ("BTC", "IBIT", "SPX"))


@pytest.mark.parametrize(
    ("traded", "at"),
    [
        ("2026-11-19 11:32", "2026-11-19 11:42"),  # quiet for ten minutes is not yet halted
        ("2026-11-18 16:00", "2026-11-19 09:40"),  # nor is one that has just opened
        ("2026-11-18 16:00", "2026-11-19 09:00"),
        ("2026-11-19 15:55", "2026-11-19 16:20"),
        ("2026-11-27 12:55", "2026-11-27 13:30"),  # a half day
        ("2026-11-25 15:59", "2026-11-26 12:00"),  # Thanksgiving
        ("2026-11-20 15:59", "2026-11-21 12:00"),
    ],
)
def test_nothing_is_concluded(traded: str, at: str) -> None:
    for ticker in (IBIT, SPX):
        assert concluded_halt(ticker, new_york(traded), new_york(at)) is None


@pytest.mark.parametrize(
    ("traded", "at", "since"),
    [
        ("2026-11-19 11:32", "2026-11-19 11:43", "2026-11-19 11:32"),
        ("2026-11-18 16:00", "2026-11-19 09:41", "2026-11-19 09:30"),  # it never opened
        ("2026-10-30 16:00", "2026-11-02 10:00", "2026-11-02 09:30"),  # over a change of clocks
        ("2026-11-27 12:30", "2026-11-27 12:59", "2026-11-27 12:30"),
    ],
)
def test_without_a_trade_in_an_open_market_it_seems_halted(traded: str, at: str, since: str) -> None:
    for ticker in (IBIT, SPX):
        assert concluded_halt(ticker, new_york(traded), new_york(at)) == Halt(new_york(since), stated=False)


def test_of_one_that_nobody_saw_trade_or_that_never_closes_nothing_is_known() -> None:
    at: datetime = new_york("2026-11-19 11:43")
    assert concluded_halt(IBIT, None, at) is None
    assert concluded_halt(BTC, new_york("2026-11-19 09:00"), at) is None
