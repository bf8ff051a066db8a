"""Time: expiry instants, sessions, holidays, half days, year fractions."""

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from gextui.market.chain import Floats
from gextui.market.ticker import Session, Ticker

NEW_YORK = ZoneInfo("America/New_York")

SECONDS_A_YEAR = 365.0 * 86400.0
SHORTEST_LIFE = 60.0
"""Seconds: a living contract is never priced with less, so that one expiring strike cannot dominate."""

_COINS_SETTLE = time(8)
"""UTC."""
_PRE_OPENS = time(4)
_OPENS = time(9, 30)
_CLOSES = time(16)
_CLOSES_EARLY = time(13)
_POST_LASTS = timedelta(hours=4)
_NIGHT_BEGINS = time(20, 15)
_HOLIDAY_NIGHT_ENDS = time(11, 30)
_CURB_ENDS = time(17)
_INDEX_OPTIONS_LAST = timedelta(minutes=15)
"""So much longer than the shares."""


class Settlement(StrEnum):
    """Which price a US option settles to: the opening one (AM) or the closing one (PM) of its expiry day."""

    AM = "AM"
    PM = "PM"


class MarketState(StrEnum):
    """What the market of an underlying is doing."""

    PRE = "pre"
    OPEN = "open"
    POST = "post"
    CLOSED = "closed"


AM_SETTLED_ROOTS = frozenset({"SPX", "NDX", "RUT", "DJX", "VIX", "VIXW"})
"""Index roots whose series settle at the open; SPXW, NDXP, RUTW, XSP and everything on shares settle at the close."""


def years_to_expiry(as_of: float, expiries: Floats) -> Floats:
    """Year fractions from ``as_of`` to each expiry, ACT/365 from seconds, with a floor of 60 s; 0 once expired."""
    seconds = expiries - as_of
    years: Floats = np.where(seconds > 0, np.maximum(seconds, SHORTEST_LIFE), 0.0) / SECONDS_A_YEAR
    return years


def end_of_day(at: datetime, session: Session) -> datetime:
    """The midnight that ends the day of an aware instant, by the clock of its market."""
    there = at.astimezone(UTC if session is Session.UTC else NEW_YORK)
    return datetime.combine(there.date() + timedelta(days=1), time(), there.tzinfo).astimezone(UTC)


def settlement_of(root: str) -> Settlement:
    """How a US option root settles, where the source does not say."""
    return Settlement.AM if root in AM_SETTLED_ROOTS else Settlement.PM


@lru_cache(maxsize=4096)
def expiry_instant(day: date, session: Session, settlement: Settlement = Settlement.PM) -> float:
    """The instant at which options of expiry date ``day`` expire, in epoch seconds.

    Coins expire at 08:00 UTC; US options at 16:00 New York (13:00 on a half day), AM-settled ones at 09:30. A date
    on which New York does not trade (a holiday, the Saturdays of old symbols) means the last trading day before it.
    """
    if session is Session.UTC:
        return datetime.combine(day, _COINS_SETTLE, UTC).timestamp()
    if not is_trading_day(day):
        day = previous_trading_day(day)
    at = _OPENS if settlement is Settlement.AM else closing_time(day)
    return datetime.combine(day, at, NEW_YORK).timestamp()


def is_trading_day(day: date) -> bool:
    """Whether New York trades on ``day``."""
    return day.weekday() < 5 and day not in _closures(day.year)


def closes_early(day: date) -> bool:
    """Whether ``day`` is a half day in New York."""
    return day in _half_days(day.year)


def closing_time(day: date) -> time:
    """When New York closes on the trading day ``day``, local time."""
    return _CLOSES_EARLY if closes_early(day) else _CLOSES


def trading_hours(day: date) -> tuple[time, time] | None:
    """When New York opens and closes on ``day``, local time; None where it does not trade."""
    return (_OPENS, closing_time(day)) if is_trading_day(day) else None


def previous_trading_day(day: date) -> date:
    """The last New York trading day before ``day``."""
    day -= timedelta(days=1)
    while not is_trading_day(day):
        day -= timedelta(days=1)
    return day


def new_york(at: datetime, today: datetime | None = None) -> str:
    """An instant as ``16:15 New York``, with the day where that is not ``today``'s: ``16:15 New York Fri``."""
    local = (at + timedelta(seconds=30)).astimezone(NEW_YORK)  # 16:14:59 is 16:15 to anybody
    words = f"{local:%H:%M} New York"
    if today is None or (days := (today.astimezone(NEW_YORK).date() - local.date()).days) == 0:
        return words
    return f"{words} {local:%a}" if 0 < days < 7 else f"{words} on {local:%Y-%m-%d}"


def last_close(now: datetime) -> datetime:
    """When New York last stopped trading, at the aware instant ``now`` or before it."""
    local = now.astimezone(NEW_YORK)
    day = local.date()
    if not is_trading_day(day) or local.time() < closing_time(day):
        day = previous_trading_day(day)
    return datetime.combine(day, closing_time(day), NEW_YORK)


def opening(day: date) -> datetime:
    """When New York opens on the trading day ``day``."""
    return datetime.combine(day, _OPENS, NEW_YORK)


def next_opening(at: datetime) -> datetime:
    """When New York opens next, after the aware instant ``at``."""
    day = at.astimezone(NEW_YORK).date()
    while not (is_trading_day(day) and opening(day) > at):
        day += timedelta(days=1)
    return opening(day)


def trading_day_at(now: datetime) -> date:
    """The day on which New York trades at the aware instant ``now``, or next where that day's trading is over."""
    local = now.astimezone(NEW_YORK)
    day = local.date()
    trades = is_trading_day(day) and local.time() < closing_time(day)
    return day if trades else next_opening(now).date()


def is_monthly(day: date, ticker: Ticker) -> bool:
    """Whether monthly options expire on ``day``: those of coins on the last Friday of a month.

    Those on VIX expire 30 days before the third Friday of the next month, or the trading day before where New York does
    not trade then (Cboe's contract specifications).
    """
    if ticker.session is Session.UTC:
        return day.weekday() == 4 and (day + timedelta(days=7)).month != day.month
    if ticker.symbol == "VIX":
        after = day.replace(day=1) + timedelta(days=31)
        expires = monthly_expiry(after.year, after.month) - timedelta(days=30)
        return day == (expires if is_trading_day(expires) else previous_trading_day(expires))
    return day == monthly_expiry(day.year, day.month)


def monthly_expiry(year: int, month: int) -> date:
    """The day US monthly options expire: the third Friday, or the Thursday before where that is a holiday."""
    first = date(year, month, 1)
    third_friday = first + timedelta(days=(4 - first.weekday()) % 7 + 14)
    return third_friday if is_trading_day(third_friday) else previous_trading_day(third_friday)


def market_state(session: Session, now: datetime) -> MarketState:
    """What the market is doing at the aware instant ``now``; coins are always open.

    New York trades 09:30 to 16:00 (13:00 on a half day), before it from 04:00 and after it for four hours.
    """
    if session is Session.UTC:
        return MarketState.OPEN
    local = now.astimezone(NEW_YORK)
    if not is_trading_day(local.date()):
        return MarketState.CLOSED
    at = local.time()
    closes = closing_time(local.date())
    post_ends = (datetime.combine(local.date(), closes) + _POST_LASTS).time()
    if _OPENS <= at < closes:
        return MarketState.OPEN
    if _PRE_OPENS <= at < _OPENS:
        return MarketState.PRE
    return MarketState.POST if closes <= at < post_ends else MarketState.CLOSED


def index_options_close(day: date) -> datetime:
    """When the options on indices and the largest ETFs stop trading in regular hours on the trading day ``day``."""
    return datetime.combine(day, closing_time(day), NEW_YORK) + _INDEX_OPTIONS_LAST


def index_options_trade(at: datetime) -> bool:
    """Whether Cboe trades the options on its indices at the aware instant ``at``, in whatever session.

    A night begins at 20:15 and goes on until New York opens (11:30 on a holiday); after the regular session a curb
    session lasts until 17:00, but not on half days. Source: Cboe's hours and its list of holidays.
    """
    local = at.astimezone(NEW_YORK)
    day, clock = local.date(), local.time()
    if clock >= _NIGHT_BEGINS:
        return _has_a_night(day + timedelta(days=1))
    if not is_trading_day(day):
        return _has_a_night(day) and clock < _HOLIDAY_NIGHT_ENDS
    return clock < _CURB_ENDS if not closes_early(day) else local < index_options_close(day)


def index_options_stopped(at: datetime) -> datetime:
    """When Cboe last stopped trading the options on its indices, at the aware instant ``at`` or before it."""
    day = at.astimezone(NEW_YORK).date()
    while True:
        stopped = _last_stop(day)
        if stopped is not None and stopped <= at:
            return stopped
        day -= timedelta(days=1)


def _last_stop(day: date) -> datetime | None:
    """When that trading ends for the last time on ``day`` but for a night that begins; None where there is none."""
    if not is_trading_day(day):
        return datetime.combine(day, _HOLIDAY_NIGHT_ENDS, NEW_YORK) if _has_a_night(day) else None
    return index_options_close(day) if closes_early(day) else datetime.combine(day, _CURB_ENDS, NEW_YORK)


def _has_a_night(day: date) -> bool:
    """Whether a night session leads into ``day``: all weekdays but New Year, Good Friday and Christmas."""
    if day.weekday() >= 5:
        return False
    silent = (day.month, day.day) in ((1, 1), (1, 2)) or day.month in (3, 4, 12)
    return is_trading_day(day) or not silent


def holiday(day: date) -> str:
    """The holiday for which New York does not trade on ``day``, e.g. ``Thanksgiving Day``; empty for none."""
    return _closures(day.year).get(day, "")


@lru_cache(maxsize=256)
def _closures(year: int) -> dict[date, str]:
    from holidays import financial_holidays  # 0.1 s with the first year, and coins need none of it

    return dict(financial_holidays("NYSE", years=year))


@lru_cache(maxsize=256)
def _half_days(year: int) -> frozenset[date]:
    from holidays import financial_holidays

    return frozenset(financial_holidays("NYSE", years=year, categories="half_day"))
