"""How expiries settle, in words."""

from gextui.market.ticker import Session
from gextui.ui.widgets.words import settled_twice, settlement, time_left

MORNING, AFTERNOON = 1_773_408_600.0, 1_773_435_600.0
DAY = 86400.0


def test_settlement() -> None:
    assert settlement(1_772_640_000.0, Session.UTC) == "16:00 UTC"
    assert settlement(AFTERNOON, Session.NEW_YORK) == "PM 17:00 New York"
    assert settlement(MORNING, Session.NEW_YORK) == "AM 09:30 New York"


def test_time_left_says_am_in_at_most_seven_cells() -> None:
    assert time_left(AFTERNOON, AFTERNOON - 5 * DAY, Session.NEW_YORK) == "5d"
    assert time_left(MORNING, MORNING - 5 * DAY, Session.NEW_YORK) == "5d AM"
    assert time_left(MORNING, MORNING - 125 * DAY, Session.NEW_YORK) == "125d AM"
    assert time_left(MORNING, MORNING - 1120 * DAY, Session.NEW_YORK) == "1120dAM"
    assert time_left(MORNING, MORNING - 5 * DAY, Session.UTC) == "5d"
    assert time_left(MORNING, MORNING - 17.7 * 3600, Session.NEW_YORK) == "17h AM"
    assert time_left(MORNING, MORNING - 5.2 * 3600, Session.NEW_YORK) == "5h12mAM"
    assert time_left(MORNING, MORNING - 45 * 60, Session.NEW_YORK) == "45m AM"
    assert time_left(AFTERNOON, AFTERNOON - 5.2 * 3600, Session.NEW_YORK) == "5h12m"


def test_time_left_says_pm_where_the_day_settles_twice() -> None:
    assert time_left(AFTERNOON, AFTERNOON - 5 * DAY, Session.NEW_YORK, twice=True) == "5d PM"
    assert time_left(AFTERNOON, AFTERNOON - 5 * DAY, Session.UTC, twice=True) == "5d"


def test_which_expiries_share_a_day() -> None:
    expiries = [MORNING, AFTERNOON, AFTERNOON + DAY]
    assert settled_twice(expiries, Session.NEW_YORK) == {MORNING, AFTERNOON}
    assert settled_twice([], Session.NEW_YORK) == frozenset()
