"""What New York's market does, in words, around every change of its state."""

import pytest

from gextui.market.ticker import Session
from gextui.ui.market_words import MarketWords, market_words
from tests.support.tradier import new_york

CASES = [
    ("2026-11-19 03:59", "closed", "closed, opens 09:30 NY"),
    ("2026-11-19 04:00", "pre-market", "pre-market, opens in 5h30m"),
    ("2026-11-19 09:29", "pre-market", "pre-market, opens in 1m"),
    ("2026-11-19 09:30", "open", "open, closes in 6h30m"),
    ("2026-11-19 13:47", "open", "open, closes in 2h13m"),
    ("2026-11-19 15:59", "open", "open, closes in 1m"),
    ("2026-11-19 16:00", "after hours", "after hours, opens Fri 09:30 NY"),
    ("2026-11-19 20:00", "closed", "closed, opens Fri 09:30 NY"),
    ("2026-11-20 20:00", "closed", "closed, opens Mon 09:30 NY"),
    ("2026-11-21 12:00", "closed", "closed, opens Mon 09:30 NY"),
    ("2026-11-25 21:00", "closed", "closed, opens Fri 09:30 NY"),
    ("2026-11-26 12:00", "holiday", "Thanksgiving Day, opens Fri 09:30 NY"),
    ("2026-11-27 12:30", "half day", "half day, closes in 30m"),
    ("2026-11-27 13:00", "after hours", "after hours, opens Mon 09:30 NY"),
    ("2026-12-25 12:00", "holiday", "Christmas Day, opens Mon 09:30 NY"),
]


@pytest.mark.parametrize(("when", "short", "full"), CASES)
def test_of_new_york(when: str, short: str, full: str) -> None:
    day, at = when.split()
    words = market_words(Session.NEW_YORK, new_york(day, at).timestamp())
    assert (words.short, words.full) == (short, full)
    assert words.trades == (short in ("open", "half day"))


def test_coins_never_close() -> None:
    assert market_words(Session.UTC, new_york("2026-12-25", "12:00").timestamp()) == MarketWords()


@pytest.mark.parametrize(("day", "hour"), [("2026-11-01", 1), ("2026-03-08", 3)])
def test_k3_the_hour_that_comes_twice_and_the_one_that_is_left_out(day: str, hour: int) -> None:
    at = new_york(day, f"0{hour}:30").timestamp()
    assert market_words(Session.NEW_YORK, at).full == "closed, opens Mon 09:30 NY"
