"""Filters: which expiries and strikes a reading is of."""

from datetime import UTC, datetime

import pytest

from gextui.exposure.filters import Filters, selected_expiries, selected_strikes
from gextui.market.chain import OptionChain
from gextui.market.ticker import ticker_for
from tests.exposure.chains import YEAR, Contract, chain_of

# A Friday; New York is on winter time.
AS_OF = datetime(2026, 1, 16, 15, 0, tzinfo=UTC)
INSTANTS = [
    datetime(2026, 1, 16, 14, 30, tzinfo=UTC),
    datetime(2026, 1, 16, 21, 0, tzinfo=UTC),
    datetime(2026, 1, 20, 21, 0, tzinfo=UTC),
    datetime(2026, 1, 23, 21, 0, tzinfo=UTC),
    datetime(2026, 2, 20, 14, 30, tzinfo=UTC),
]
ROWS = [Contract(100.0, "C", years=(at - AS_OF).total_seconds() / YEAR, open_interest=1.0) for at in INSTANTS]
CHAIN = chain_of(ROWS, ticker=ticker_for("SPX"), as_of=AS_OF)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(), [False, True, True, True, True]),
        (Filters(expiry="front"), [False, True, False, False, False]),
        (Filters(expiry="0dte"), [False, True, False, False, False]),
        (Filters(expiry="7d"), [False, True, True, False, False]),
        (Filters(expiry="8d"), [False, True, True, True, False]),
        (Filters(expiry="2026-01-23"), [False, False, False, True, False]),
        (Filters(expiry="2026-01-20, 2026-02-20"), [False, False, True, False, True]),
        (Filters(expiry="2026-01-16"), [False, True, False, False, False]),
        (Filters(expiry="week"), [False, True, False, False, False]),
        (Filters(expiry="monthly"), [False, True, False, False, True]),
        (Filters(expiry="monthly", max_dte=30), [False, True, False, False, False]),
        (Filters(max_dte=5), [False, True, True, False, False]),
        (Filters(expiry="front", max_dte=0.1), [False, False, False, False, False]),
    ],
)
def test_expiries(filters: Filters, expected: list[bool]) -> None:
    assert selected_expiries(CHAIN, filters).tolist() == expected


def test_an_evening_expiry_in_utc_is_of_new_yorks_day() -> None:
    # 20:00 in New York on the 16th is the 17th in UTC.
    late = chain_of(ROWS[3:], ticker=ticker_for("SPX"), as_of=datetime(2026, 1, 24, 1, 0, tzinfo=UTC))
    assert selected_expiries(late, Filters(expiry="0dte")).tolist() == [False, False]


def expiring(as_of: datetime, *instants: datetime, ticker: str) -> OptionChain:
    rows = [Contract(100.0, "C", years=(at - as_of).total_seconds() / YEAR, open_interest=1.0) for at in instants]
    return chain_of(rows, ticker=ticker_for(ticker), as_of=as_of)


class TestWeek:
    """November 2026: Thanksgiving on Thursday the 26th, a half day after it."""

    FRIDAY = datetime(2026, 11, 27, 18, 0, tzinfo=UTC)
    MONDAY = datetime(2026, 11, 30, 21, 0, tzinfo=UTC)
    NEXT_FRIDAY = datetime(2026, 12, 4, 21, 0, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("now", "expected"),
        [
            (datetime(2026, 11, 23, 15, 0, tzinfo=UTC), [True, False, False]),
            (datetime(2026, 11, 26, 15, 0, tzinfo=UTC), [True, False, False]),
            (datetime(2026, 11, 27, 17, 59, tzinfo=UTC), [True, False, False]),
            # Trading is over for the week: the coming one is meant.
            (datetime(2026, 11, 27, 18, 0, tzinfo=UTC), [False, True, True]),
            (datetime(2026, 11, 28, 15, 0, tzinfo=UTC), [False, True, True]),
            (datetime(2026, 11, 30, 4, 30, tzinfo=UTC), [False, True, True]),
        ],
    )
    def test_of_new_york(self, now: datetime, expected: list[bool]) -> None:
        chain = expiring(now, self.FRIDAY, self.MONDAY, self.NEXT_FRIDAY, ticker="SPX")
        assert selected_expiries(chain, Filters(expiry="week")).tolist() == expected

    def test_of_coins_ends_on_sunday(self) -> None:
        saturday = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
        sunday, monday = saturday.replace(day=29, hour=8), saturday.replace(day=30, hour=8)
        chain = expiring(saturday, sunday, monday, ticker="BTC")
        assert selected_expiries(chain, Filters(expiry="week")).tolist() == [True, False]


class TestMonthly:
    def test_of_new_york_where_the_third_friday_is_a_holiday(self) -> None:
        # Juneteenth 2026 is the third Friday: monthlies expire on the Thursday.
        days = [datetime(2026, 6, day, 20, 0, tzinfo=UTC) for day in (12, 18, 26)]
        chain = expiring(datetime(2026, 6, 1, 15, 0, tzinfo=UTC), *days, ticker="SPY")
        assert selected_expiries(chain, Filters(expiry="monthly")).tolist() == [False, True, False]

    def test_are_the_mornings_and_the_afternoons(self) -> None:
        days = [datetime(2026, 11, 20, hour, 30 * (hour == 14), tzinfo=UTC) for hour in (14, 21)]
        chain = expiring(datetime(2026, 11, 19, 15, 0, tzinfo=UTC), *days, ticker="SPX")
        assert selected_expiries(chain, Filters(expiry="monthly")).tolist() == [True, True]

    def test_of_coins_are_last_fridays(self) -> None:
        days = [datetime(2026, 11, day, 8, 0, tzinfo=UTC) for day in (20, 27)]
        days.append(datetime(2026, 12, 25, 8, 0, tzinfo=UTC))
        chain = expiring(datetime(2026, 11, 1, 15, 0, tzinfo=UTC), *days, ticker="BTC")
        assert selected_expiries(chain, Filters(expiry="monthly")).tolist() == [False, True, True]


def test_strikes_within_percent_of_spot() -> None:
    chain = chain_of([Contract(strike, "C", open_interest=1.0) for strike in (89.9, 90.0, 100.0, 110.0, 110.1)])
    assert selected_strikes(chain, Filters(strike_range=10.0)).tolist() == [False, True, True, True, False]


@pytest.mark.parametrize("spec", ["", "tomorrow", "7", "-3d", "2026-13-01", "2026-01-01,", "7d,front", "all "])
def test_what_is_not_an_expiry_says_what_is(spec: str) -> None:
    with pytest.raises(ValueError, match="is not all, front, 0dte, week, monthly, a number of days like 7d, or"):
        Filters(expiry=spec)


@pytest.mark.parametrize("value", [0.0, -5.0, float("nan")])
def test_ranges_are_above_zero(value: float) -> None:
    with pytest.raises(ValueError, match="must be above 0"):
        Filters(strike_range=value)
    with pytest.raises(ValueError, match="must be above 0"):
        Filters(max_dte=value)
