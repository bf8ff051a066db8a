"""When New York trades: our calendar, the venue's word over it, and what a reader is told."""

from datetime import date, time

import pytest

from gextui.sources.trading_hours import TradingHours, on_the_day
from tests.support.tradier import new_york


def at(day: str, clock: str) -> float:
    return new_york(day, clock).timestamp()


class TestSessions:
    @pytest.mark.parametrize(
        ("day", "clock", "closes"),
        [
            ("2026-11-20", "09:29:59", None),
            ("2026-11-20", "09:30", "16:00"),
            ("2026-11-20", "15:59:59", "16:00"),
            ("2026-11-20", "16:00", None),
            ("2026-11-21", "12:00", None),
            ("2026-11-26", "12:00", None),
            ("2026-11-27", "12:59:59", "13:00"),
            ("2026-11-27", "13:00", None),
        ],
    )
    def test_under_way(self, day: str, clock: str, closes: str | None) -> None:
        session = TradingHours().session_at(at(day, clock))
        assert session == (None if closes is None else (at(day, "09:30"), at(day, closes)))

    def test_next_and_last(self) -> None:
        hours = TradingHours()
        thanksgiving = at("2026-11-26", "12:00")
        assert hours.next_open(thanksgiving) == at("2026-11-27", "09:30")
        assert hours.last_close(thanksgiving) == at("2026-11-25", "16:00")
        assert hours.next_open(at("2026-11-27", "09:30")) == at("2026-11-30", "09:30")
        assert hours.last_close(at("2026-11-27", "13:00")) == at("2026-11-27", "13:00")

    def test_k3_the_clocks_of_new_york_are_put_forward_and_back(self) -> None:
        hours = TradingHours()
        for friday, monday in (("2026-10-30", "2026-11-02"), ("2027-03-12", "2027-03-15")):
            opens = hours.next_open(at(friday, "17:00"))
            assert opens == at(monday, "09:30")
        assert hours.next_open(at("2026-10-30", "17:00")) - at("2026-10-30", "09:30") == 3 * 86400 + 3600
        assert hours.next_open(at("2027-03-12", "17:00")) - at("2027-03-12", "09:30") == 3 * 86400 - 3600

    def test_the_venue_knows_better(self) -> None:
        hours = TradingHours()
        hours.learn({date(2026, 11, 20): None, date(2026, 11, 23): (time(9, 30), time(12))})
        assert hours.session_at(at("2026-11-20", "12:00")) is None
        assert hours.next_open(at("2026-11-19", "17:00")) == at("2026-11-23", "09:30")
        assert hours.last_close(at("2026-11-23", "12:00")) == at("2026-11-23", "12:00")
        assert hours.session_at(at("2026-11-24", "15:59")) is not None


@pytest.mark.parametrize(
    ("then", "words"),
    [
        (("2026-11-20", "10:40"), "10:40 New York"),
        (("2026-11-23", "09:30"), "09:30 New York on Monday"),
        (("2026-11-26", "09:30"), "09:30 New York on Thursday"),
        (("2026-11-27", "09:30"), "09:30 New York on 2026-11-27"),
    ],
)
def test_in_words(then: tuple[str, str], words: str) -> None:
    assert on_the_day(at(*then), at("2026-11-20", "10:30")) == words
