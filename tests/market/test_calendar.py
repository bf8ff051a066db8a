"""The calendar: expiry instants, New York's closures and half days, sessions."""

import csv
import subprocess
import sys
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gextui.market.calendar import (
    NEW_YORK,
    MarketState,
    Settlement,
    closes_early,
    end_of_day,
    expiry_instant,
    index_options_close,
    index_options_trade,
    is_monthly,
    is_trading_day,
    market_state,
    monthly_expiry,
    next_opening,
    previous_trading_day,
    settlement_of,
    trading_day_at,
    years_to_expiry,
)
from gextui.market.ticker import KNOWN_TICKERS, Session

# (closures, half days) as New York published them, month-day.
TABLE = {
    2025: (
        "01-01 01-09 01-20 02-17 04-18 05-26 06-19 07-04 09-01 11-27 12-25",
        "07-03 11-28 12-24",
    ),
    2026: (
        "01-01 01-19 02-16 04-03 05-25 06-19 07-03 09-07 11-26 12-25",
        "11-27 12-24",
    ),
    2027: (
        "01-01 01-18 02-15 03-26 05-31 06-18 07-05 09-06 11-25 12-24",
        "11-26",
    ),
}


def days_of(year: int) -> list[date]:
    first = date(year, 1, 1)
    return [first + timedelta(days=n) for n in range((date(year + 1, 1, 1) - first).days)]


def utc(instant: float) -> str:
    return datetime.fromtimestamp(instant, UTC).strftime("%Y-%m-%d %H:%M:%S")


@pytest.mark.parametrize("year", TABLE)
def test_every_day_of_three_years_is_open_closed_or_half_as_published(year: int) -> None:
    closures, half_days = ({date.fromisoformat(f"{year}-{day}") for day in days.split()} for days in TABLE[year])
    weekdays = [day for day in days_of(year) if day.weekday() < 5]
    assert {day for day in weekdays if not is_trading_day(day)} == closures
    assert {day for day in days_of(year) if closes_early(day)} == half_days
    assert not any(is_trading_day(day) for day in days_of(year) if day.weekday() >= 5)


def test_agrees_with_the_options_exchange_s_own_table(shared: Path) -> None:
    text = (shared / "wire/samples/cboe/cboe_us_options_holidays_2026.csv").read_text().split("##\n")[1]
    rows = list(csv.DictReader(text.splitlines()))
    closures = {date.fromisoformat(row["Date"]) for row in rows if row["Regular Trading Hours"] == "None"}
    half_days = {date.fromisoformat(row["Date"]) for row in rows} - closures
    assert len(closures) == 10
    assert len(half_days) == 2
    assert {day for day in days_of(2026) if day.weekday() < 5 and not is_trading_day(day)} == closures
    assert {day for day in days_of(2026) if closes_early(day)} == half_days


@pytest.mark.parametrize(
    ("day", "session", "settlement", "expected"),
    [
        ("2026-11-20", Session.UTC, Settlement.PM, "2026-11-20 08:00:00"),
        ("2026-11-20", Session.NEW_YORK, Settlement.PM, "2026-11-20 21:00:00"),
        ("2026-11-20", Session.NEW_YORK, Settlement.AM, "2026-11-20 14:30:00"),
        # The week the clocks change, both sides, both times a year.
        ("2026-10-30", Session.NEW_YORK, Settlement.PM, "2026-10-30 20:00:00"),
        ("2026-11-02", Session.NEW_YORK, Settlement.PM, "2026-11-02 21:00:00"),
        ("2027-03-12", Session.NEW_YORK, Settlement.PM, "2027-03-12 21:00:00"),
        ("2027-03-15", Session.NEW_YORK, Settlement.PM, "2027-03-15 20:00:00"),
        ("2027-03-19", Session.NEW_YORK, Settlement.AM, "2027-03-19 13:30:00"),
        # Half days close at 13:00; an AM settlement is at the open all the same.
        ("2026-11-27", Session.NEW_YORK, Settlement.PM, "2026-11-27 18:00:00"),
        ("2026-12-24", Session.NEW_YORK, Settlement.PM, "2026-12-24 18:00:00"),
        ("2026-11-27", Session.NEW_YORK, Settlement.AM, "2026-11-27 14:30:00"),
        # Juneteenth and a Saturday of the old symbols: the last trading day before.
        ("2026-06-19", Session.NEW_YORK, Settlement.AM, "2026-06-18 13:30:00"),
        ("2026-06-20", Session.NEW_YORK, Settlement.PM, "2026-06-18 20:00:00"),
    ],
)
def test_expiry_instants(day: str, session: Session, settlement: Settlement, expected: str) -> None:
    assert utc(expiry_instant(date.fromisoformat(day), session, settlement)) == expected


@given(st.dates(date(2015, 1, 1), date(2045, 12, 31)), st.sampled_from(Settlement))
def test_no_expiry_is_at_midnight_and_every_one_is_on_a_trading_day(day: date, settlement: Settlement) -> None:
    local = datetime.fromtimestamp(expiry_instant(day, Session.NEW_YORK, settlement), NEW_YORK)
    assert is_trading_day(local.date())
    assert local.date() <= day
    assert local.time() in ({time(9, 30)} if settlement is Settlement.AM else {time(13), time(16)})
    assert (local.time() == time(13)) == (settlement is Settlement.PM and closes_early(local.date()))


def test_roots_settle_as_listed() -> None:
    am = {"SPX", "NDX", "RUT", "VIX", "VIXW", "DJX"}
    pm = {"SPXW", "NDXP", "RUTW", "XSP", "SPY", "QQQ", "IBIT", "AAPL"}
    assert {root for root in am | pm if settlement_of(root) is Settlement.AM} == am


@pytest.mark.parametrize(
    ("year", "month", "expected"),
    [
        (2025, 4, date(2025, 4, 17)),
        (2026, 6, date(2026, 6, 18)),
        (2026, 11, date(2026, 11, 20)),
        (2027, 1, date(2027, 1, 15)),
        (2027, 6, date(2027, 6, 17)),
    ],
)
def test_monthly_expiry_moves_to_thursday_on_a_holiday(year: int, month: int, expected: date) -> None:
    assert monthly_expiry(year, month) == expected


def test_previous_trading_day_skips_weekends_and_holidays() -> None:
    assert previous_trading_day(date(2026, 11, 20)) == date(2026, 11, 19)
    assert previous_trading_day(date(2026, 11, 23)) == date(2026, 11, 20)
    assert previous_trading_day(date(2026, 11, 27)) == date(2026, 11, 25)
    assert previous_trading_day(date(2027, 1, 4)) == date(2026, 12, 31)


@pytest.mark.parametrize(
    ("local", "state"),
    [
        ("2026-11-20 03:59:59", MarketState.CLOSED),
        ("2026-11-20 04:00:00", MarketState.PRE),
        ("2026-11-20 09:29:59", MarketState.PRE),
        ("2026-11-20 09:30:00", MarketState.OPEN),
        ("2026-11-20 15:59:59", MarketState.OPEN),
        ("2026-11-20 16:00:00", MarketState.POST),
        ("2026-11-20 19:59:59", MarketState.POST),
        ("2026-11-20 20:00:00", MarketState.CLOSED),
        ("2026-11-21 12:00:00", MarketState.CLOSED),
        ("2026-11-26 12:00:00", MarketState.CLOSED),
        ("2026-11-27 12:59:59", MarketState.OPEN),
        ("2026-11-27 13:00:00", MarketState.POST),
        ("2026-11-27 17:00:00", MarketState.CLOSED),
        # The Monday after the clocks changed.
        ("2026-11-02 09:30:00", MarketState.OPEN),
        ("2027-03-15 09:30:00", MarketState.OPEN),
    ],
)
def test_new_york_s_day(local: str, state: MarketState) -> None:
    now = datetime.fromisoformat(local).replace(tzinfo=NEW_YORK)
    assert market_state(Session.NEW_YORK, now) is state
    assert market_state(Session.NEW_YORK, now.astimezone(UTC)) is state
    assert market_state(Session.UTC, now) is MarketState.OPEN


def test_years_to_expiry_are_seconds_with_a_floor_until_expiry() -> None:
    as_of = datetime(2026, 11, 20, 15, tzinfo=UTC).timestamp()
    ahead = np.array([365 * 86400.0, 3600.0, 60.0, 59.0, 1.0, 0.0, -1.0])
    years = years_to_expiry(as_of, as_of + ahead) * 365 * 86400
    assert np.allclose(years, [365 * 86400.0, 3600.0, 60.0, 60.0, 60.0, 0.0, 0.0], rtol=1e-12, atol=0)


def test_coins_need_no_holidays() -> None:
    code = (
        "import sys; from datetime import date; from gextui.market.calendar import expiry_instant; "
        "from gextui.market.ticker import Session; expiry_instant(date(2026, 11, 20), Session.UTC); "
        "sys.exit('holidays' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class TestNights:
    """Index options trade while New York sleeps."""

    @pytest.mark.parametrize(
        ("local", "trade"),
        [
            ("2026-11-19 11:00", True),
            ("2026-11-19 16:30", True),  # curb
            ("2026-11-19 17:00", False),
            ("2026-11-19 20:14", False),
            ("2026-11-19 20:15", True),
            ("2026-11-20 06:19", True),
            ("2026-11-20 09:27", True),
            ("2026-11-20 20:30", False),  # into a weekend
            ("2026-11-21 11:00", False),
            ("2026-11-22 20:15", True),  # Sunday
            ("2026-11-25 20:15", True),  # into Thanksgiving
            ("2026-11-26 11:29", True),
            ("2026-11-26 11:30", False),
            ("2026-11-26 20:15", True),  # into the half day
            ("2026-11-27 13:10", True),
            ("2026-11-27 13:15", False),
            ("2026-11-27 16:30", False),
            ("2026-04-02 20:30", False),  # into Good Friday
            ("2026-04-03 10:00", False),
            ("2026-12-24 20:30", False),
            ("2026-12-31 20:30", False),
        ],
    )
    def test_when_index_options_trade(self, local: str, trade: bool) -> None:
        at = datetime.fromisoformat(local).replace(tzinfo=NEW_YORK)
        assert index_options_trade(at) is trade
        assert index_options_trade(at.astimezone(UTC)) is trade

    def test_holidays_have_the_nights_that_cboe_lists(self, shared: Path) -> None:
        lines = (shared / "wire/samples/cboe/cboe_us_options_holidays_2026.csv").read_text().splitlines()
        rows = list(csv.DictReader(lines[lines.index("##") + 1 :]))
        assert len(rows) == 12
        for row in rows:
            day = date.fromisoformat(row["Date"])
            if row["Regular Trading Hours"] == "None":
                morning = datetime.combine(day, time(11), NEW_YORK)
                assert index_options_trade(morning) is ("11:30 AM" in row["Global Trading Hours"]), row

    def test_the_next_opening(self) -> None:
        def after(text: str) -> str:
            at = next_opening(datetime.fromisoformat(text).replace(tzinfo=NEW_YORK))
            return f"{at:%Y-%m-%d %H:%M}"

        assert after("2026-11-20 09:29") == "2026-11-20 09:30"
        assert after("2026-11-20 09:30") == "2026-11-23 09:30"
        assert after("2026-11-25 18:00") == "2026-11-27 09:30"

    def test_index_options_close_later_on_half_days_too(self) -> None:
        assert f"{index_options_close(date(2026, 11, 20)):%H:%M}" == "16:15"
        assert f"{index_options_close(date(2026, 11, 27)):%H:%M}" == "13:15"


@pytest.mark.parametrize(
    ("now", "day"),
    [
        (datetime(2026, 11, 25, 20, 59, tzinfo=UTC), date(2026, 11, 25)),
        (datetime(2026, 11, 25, 21, 0, tzinfo=UTC), date(2026, 11, 27)),
        (datetime(2026, 11, 26, 15, 0, tzinfo=UTC), date(2026, 11, 27)),
        (datetime(2026, 11, 27, 18, 0, tzinfo=UTC), date(2026, 11, 30)),
        (datetime(2026, 11, 30, 5, 30, tzinfo=UTC), date(2026, 11, 30)),
    ],
)
def test_the_day_that_trades_or_trades_next(now: datetime, day: date) -> None:
    assert trading_day_at(now) == day


def test_monthlies() -> None:
    days = [date(2026, 1, 1) + timedelta(days=number) for number in range(365)]
    shares = [day for day in days if is_monthly(day, KNOWN_TICKERS["SPY"])]
    assert len(shares) == 12
    assert [day for day in shares if day.weekday() != 4] == [date(2026, 6, 18)]
    coins = [day for day in days if is_monthly(day, KNOWN_TICKERS["BTC"])]
    assert len(coins) == 12
    assert all(day.weekday() == 4 and day.day > 24 - 3 for day in coins)
    assert date(2026, 12, 25) in coins


def test_monthlies_of_vix_expire_thirty_days_before_those_of_spx() -> None:
    days = [date(2026, 1, 1) + timedelta(days=number) for number in range(365)]
    found = [f"{day:%m-%d}" for day in days if is_monthly(day, KNOWN_TICKERS["VIX"])]
    # A Tuesday in May, because Juneteenth is a third Friday.
    assert " ".join(found) == "01-21 02-18 03-18 04-15 05-19 06-17 07-22 08-19 09-16 10-21 11-18 12-16"


@pytest.mark.parametrize(
    ("at", "session", "midnight"),
    [
        (datetime(2026, 11, 20, 12, tzinfo=UTC), Session.UTC, datetime(2026, 11, 21, tzinfo=UTC)),
        (datetime(2026, 11, 20, 0, tzinfo=UTC), Session.UTC, datetime(2026, 11, 21, tzinfo=UTC)),
        (datetime(2026, 11, 20, 3, tzinfo=UTC), Session.NEW_YORK, datetime(2026, 11, 20, 5, tzinfo=UTC)),
        (datetime(2026, 7, 1, 12, tzinfo=UTC), Session.NEW_YORK, datetime(2026, 7, 2, 4, tzinfo=UTC)),
        (datetime(2026, 11, 1, 12, tzinfo=UTC), Session.NEW_YORK, datetime(2026, 11, 2, 5, tzinfo=UTC)),
    ],
)
def test_a_day_ends_at_midnight_by_the_clock_of_its_market(at: datetime, session: Session, midnight: datetime) -> None:
    assert end_of_day(at, session) == midnight
