"""What the simulated exchange lists, and when."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from gextui.market.calendar import NEW_YORK
from gextui.simulator.listing import (
    UNDERLYINGS,
    Contracts,
    list_contracts,
    listed_expiries,
    listed_strikes,
    next_midnight,
)

FRIDAY = datetime(2026, 11, 20, 7, 40, tzinfo=UTC)
"""The third of its month."""


def days_listed(symbol: str, now: datetime, root: str | None = None) -> list[str]:
    underlying = UNDERLYINGS[symbol]
    zone = UTC if underlying.is_coin else NEW_YORK
    return [
        f"{datetime.fromtimestamp(instant, zone):%m-%d %H:%M}"
        for listed_root, instant, _ in listed_expiries(underlying, now.timestamp())
        if root in (None, listed_root)
    ]


class TestExpiries:
    def test_coins_have_days_weeks_months_and_quarters(self) -> None:
        expected = ["11-20", "11-21", "11-22", "11-23", "11-27", "12-04", "12-11", "12-25", "01-29", "03-26", "06-25"]
        assert days_listed("BTC", FRIDAY) == [f"{day} 08:00" for day in (*expected, "09-24")]

    def test_at_its_instant_an_expiry_makes_room_for_the_next_day(self) -> None:
        eight = FRIDAY.replace(hour=8, minute=0)
        assert days_listed("BTC", eight - timedelta(seconds=1))[0] == "11-20 08:00"
        assert days_listed("BTC", eight)[:4] == [f"11-{day} 08:00" for day in (21, 22, 23, 24)]

    def test_the_index_has_monthlies_at_the_open_and_the_rest_at_the_close(self) -> None:
        assert days_listed("SPX", FRIDAY, "SPX")[:3] == ["11-20 09:30", "12-18 09:30", "01-15 09:30"]
        at_close = days_listed("SPX", FRIDAY, "SPXW")
        # Thursday is Thanksgiving, and the Friday after it a half day.
        assert at_close[:6] == [
            "11-20 16:00",
            "11-23 16:00",
            "11-24 16:00",
            "11-25 16:00",
            "11-27 13:00",
            "12-04 16:00",
        ]

    def test_they_are_in_order(self) -> None:
        for underlying in UNDERLYINGS.values():
            instants = [instant for _, instant, _ in listed_expiries(underlying, FRIDAY.timestamp())]
            assert instants == sorted(instants)


class TestStrikes:
    @pytest.mark.parametrize("symbol", UNDERLYINGS)
    @pytest.mark.parametrize("days", [0.01, 1, 7, 35, 300])
    def test_they_surround_spot_in_whole_steps(self, symbol: str, days: float) -> None:
        underlying = UNDERLYINGS[symbol]
        now = FRIDAY.timestamp()
        strikes = listed_strikes(underlying, underlying.spot, now, now + days * 86400)
        assert 16 <= len(strikes) <= 80
        assert np.all(np.diff(strikes) > 0)
        assert strikes[0] > 0
        assert np.count_nonzero(strikes < underlying.spot) >= 7
        assert np.count_nonzero(strikes > underlying.spot) >= 7
        steps = strikes / underlying.strike_step
        assert np.allclose(steps, np.round(steps), atol=1e-9)


class TestContracts:
    @pytest.mark.parametrize("symbol", UNDERLYINGS)
    def test_rows_are_sorted_and_shares_sum_to_one(self, symbol: str) -> None:
        contracts, came_from = list_contracts(UNDERLYINGS[symbol], UNDERLYINGS[symbol].spot, FRIDAY.timestamp())
        assert contracts.rows() == sorted(contracts.rows())
        assert contracts.share.min() > 0
        assert contracts.share.sum() == pytest.approx(1.0)
        assert np.all(came_from == -1)

    @pytest.mark.parametrize("symbol", UNDERLYINGS)
    def test_for_a_year_nothing_leaves_before_it_expires(self, symbol: str) -> None:
        underlying = UNDERLYINGS[symbol]
        before = Contracts.none()
        held = before.rows()
        for day in range(0, 366, 5):
            now = (FRIDAY + timedelta(days=day, hours=5 * (day % 4))).timestamp()
            spot = underlying.spot * (1 + 0.2 * np.sin(day / 30))
            contracts, came_from = list_contracts(underlying, spot, now, before)
            rows = contracts.rows()
            kept = {key for key in held if key[0] > now}
            assert kept <= set(rows)
            assert contracts.expiry.min() > now
            old = np.flatnonzero(came_from >= 0)
            assert [rows[row] for row in old] == [held[row] for row in came_from[old]]
            assert len(old) == len(kept)
            before, held = contracts, rows

    def test_where_spot_has_gone_strikes_are_added(self) -> None:
        bitcoin, now = UNDERLYINGS["BTC"], FRIDAY.timestamp()
        before, _ = list_contracts(bitcoin, 98_000.0, now)
        after, came_from = list_contracts(bitcoin, 108_000.0, now, before)
        assert len(after.strike) > len(before.strike)
        assert np.count_nonzero(came_from >= 0) == len(before.strike)


@pytest.mark.parametrize(
    ("symbol", "at", "midnight"),
    [
        ("BTC", "2026-11-20T07:40:00Z", "2026-11-21T00:00:00Z"),
        ("BTC", "2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z"),
        ("SPX", "2026-11-20T04:59:59Z", "2026-11-20T05:00:00Z"),
        ("SPX", "2026-11-20T05:00:00Z", "2026-11-21T05:00:00Z"),
        # The night New York's clocks go forward.
        ("SPX", "2027-03-14T06:00:00Z", "2027-03-15T04:00:00Z"),
    ],
)
def test_a_day_ends_at_its_markets_midnight(symbol: str, at: str, midnight: str) -> None:
    ends = next_midnight(UNDERLYINGS[symbol], datetime.fromisoformat(at).timestamp())
    assert ends == datetime.fromisoformat(midnight).timestamp()
