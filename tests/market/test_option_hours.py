"""When a ticker's options trade, and of when their quotes are."""

from datetime import datetime

import pytest

from gextui.market.calendar import NEW_YORK
from gextui.market.option_hours import options_trade, quotes_until
from gextui.market.ticker import KNOWN_TICKERS, Ticker

BTC, SPX, NDX, RUT, SPY, IBIT = (KNOWN_TICKERS[symbol] for symbol in ("BTC", "SPX", "NDX", "RUT", "SPY", "IBIT"))


def new_york(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK)


@pytest.mark.parametrize(
    ("local", "trading"),
    [
        ("2026-11-19 09:29", {BTC, SPX, RUT}),
        ("2026-11-19 09:30", {BTC, SPX, RUT, NDX, SPY, IBIT}),
        ("2026-11-19 16:00", {BTC, SPX, RUT, NDX, SPY}),
        ("2026-11-19 16:15", {BTC, SPX, RUT}),  # the curb session
        ("2026-11-19 17:00", {BTC}),
        ("2026-11-23 20:50", {BTC, SPX, RUT}),
        ("2026-11-21 12:00", {BTC}),
        ("2026-11-27 13:00", {BTC, SPX, RUT, NDX, SPY}),  # a half day
        ("2026-11-27 13:15", {BTC}),
    ],
)
def test_whose_options_trade(local: str, trading: set[Ticker]) -> None:
    at = new_york(local)
    assert {ticker for ticker in (BTC, SPX, RUT, NDX, SPY, IBIT) if options_trade(ticker, at)} == trading


@pytest.mark.parametrize(
    ("ticker", "stamp", "until"),
    [
        (SPX, "2026-11-19 11:00", "2026-11-19 11:00"),
        (SPX, "2026-11-19 16:40", "2026-11-19 16:40"),  # the curb session
        (SPX, "2026-11-19 19:00", "2026-11-19 17:00"),
        (SPX, "2026-11-19 23:44", "2026-11-19 23:44"),
        (SPX, "2026-11-21 17:02", "2026-11-20 17:00"),
        (SPX, "2026-11-26 15:00", "2026-11-26 11:30"),  # Thanksgiving
        (SPX, "2026-11-28 12:00", "2026-11-27 13:15"),
        (SPX, "2026-12-25 12:00", "2026-12-24 13:15"),
        (NDX, "2026-11-23 20:50", "2026-11-23 16:15"),
        (SPY, "2026-11-19 23:44", "2026-11-19 16:15"),
        (IBIT, "2026-11-19 23:44", "2026-11-19 16:00"),
        (SPY, "2026-11-20 06:19", "2026-11-19 16:15"),
        (SPY, "2026-11-21 17:02", "2026-11-20 16:15"),
        (SPY, "2026-11-27 18:00", "2026-11-27 13:15"),
        (IBIT, "2026-11-29 18:00", "2026-11-27 13:00"),
    ],
)
def test_of_when_quotes_are(ticker: Ticker, stamp: str, until: str) -> None:
    assert quotes_until(ticker, new_york(stamp)) == new_york(until)
