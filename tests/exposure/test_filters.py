"""Filters: which expiries and strikes a reading is of."""

from datetime import UTC, datetime

import pytest

from gextui.exposure.filters import Filters, selected_expiries, selected_strikes
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


def test_strikes_within_percent_of_spot() -> None:
    chain = chain_of([Contract(strike, "C", open_interest=1.0) for strike in (89.9, 90.0, 100.0, 110.0, 110.1)])
    assert selected_strikes(chain, Filters(strike_range=10.0)).tolist() == [False, True, True, True, False]


@pytest.mark.parametrize("spec", ["", "tomorrow", "7", "-3d", "2026-13-01", "2026-01-01,", "7d,front", "all "])
def test_what_is_not_an_expiry_says_what_is(spec: str) -> None:
    with pytest.raises(ValueError, match="is not all, front, 0dte, a number of days like 7d, or dates like"):
        Filters(expiry=spec)


@pytest.mark.parametrize("value", [0.0, -5.0, float("nan")])
def test_ranges_are_above_zero(value: float) -> None:
    with pytest.raises(ValueError, match="must be above 0"):
        Filters(strike_range=value)
    with pytest.raises(ValueError, match="must be above 0"):
        Filters(max_dte=value)
