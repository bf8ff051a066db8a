"""What a reading is of: which expiries and strikes, weighed by what, under which sign convention."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

import numpy as np

from gextui.market.calendar import NEW_YORK, is_monthly, trading_day_at
from gextui.market.chain import Booleans, OptionChain
from gextui.market.ticker import Session

_DAY = 86400.0
NAMED = ("all", "front", "0dte", "week", "monthly")
"""Expiry filters by name: every expiry, the nearest, today's, this week's (on a weekend the next one's), monthlies."""
_WITHIN_DAYS = re.compile(r"(\d{1,4})d")


class Weight(StrEnum):
    """How many contracts count at a strike."""

    OPEN_INTEREST = "open_interest"
    VOLUME = "volume"
    ACTIVE = "active"
    """Contracts opened since yesterday: the growth of each contract's open interest, closings not counted."""


class Sign(StrEnum):
    """Who is assumed to hold what. Nobody publishes it; the convention decides the sign of every number."""

    DEALER_LONG_CALLS = "dealer_long_calls"
    """Dealers bought the calls and sold the puts: calls count +, puts count -."""
    DEALER_SHORT_BOTH = "dealer_short_both"
    """Dealers sold both: calls and puts count -."""
    CUSTOMER = "customer"
    """The other side of the default, customers' own gamma: calls count -, puts count +."""

    @property
    def of_call(self) -> float:
        """+1 or -1 for a call."""
        return 1.0 if self is Sign.DEALER_LONG_CALLS else -1.0

    @property
    def of_put(self) -> float:
        """+1 or -1 for a put."""
        return 1.0 if self is Sign.CUSTOMER else -1.0


@dataclass(frozen=True, slots=True)
class Filters:
    """What a reading is of."""

    expiry: str = "all"
    """One of `NAMED`, ``7d`` (within so many days), or dates ``2026-11-20[,2026-11-27 ...]``."""
    weight: Weight = Weight.OPEN_INTEREST
    sign: Sign = Sign.DEALER_LONG_CALLS
    strike_range: float | None = None
    """Only strikes within so many percent of spot; None for all."""
    max_dte: float | None = None
    """Only expiries within so many days; None for all."""

    def __post_init__(self) -> None:
        parse_expiry(self.expiry)
        for name, value in (("strike range", self.strike_range), ("longest time to expiry", self.max_dte)):
            if value is not None and not value > 0:
                raise ValueError(f"the {name} must be above 0, not {value:g}")


def parse_expiry(spec: str) -> str | float | frozenset[date]:
    """An expiry filter: one of `NAMED` as it is, ``7d`` as days, dates as a set.

    Raises:
        ValueError: it is none of these; the message says what is accepted.
    """
    if spec in NAMED:
        return spec
    if within := _WITHIN_DAYS.fullmatch(spec):
        return float(within[1])
    try:
        return frozenset(date.fromisoformat(part.strip()) for part in spec.split(","))
    except ValueError:
        raise ValueError(
            f"expiry {spec!r} is not {', '.join(NAMED)}, a number of days like 7d, or dates like 2026-11-20"
        ) from None


EVERYTHING = Filters()
"""The reading that is recorded: every expiry and strike, by open interest, under the default convention."""


def expiry_date(instant: float, session: Session) -> date:
    """The calendar day on which an expiry falls, by the clock of its market."""
    zone = UTC if session is Session.UTC else NEW_YORK
    return datetime.fromtimestamp(instant, zone).date()


def _span(named: str, now: datetime, session: Session) -> tuple[date, date]:
    """The first and the last day of ``0dte`` or ``week``."""
    today = expiry_date(now.timestamp(), session)
    if named == "0dte":
        return today, today
    if session is Session.NEW_YORK:
        today = trading_day_at(now)
    monday = today - timedelta(days=today.weekday())
    return monday, monday + timedelta(days=6)


def selected_expiries(chain: OptionChain, filters: Filters) -> Booleans:
    """Which expiries of the chain are alive and pass the filter; shape (E,)."""
    now = chain.as_of_seconds
    chosen: Booleans = chain.expiries > now
    if filters.max_dte is not None:
        chosen &= chain.expiries <= now + filters.max_dte * _DAY
    wanted = parse_expiry(filters.expiry)
    if wanted == "front":
        chosen &= chain.expiries == chain.expiries[chosen.argmax()] if chosen.any() else False
    elif isinstance(wanted, float):
        chosen &= chain.expiries <= now + wanted * _DAY
    elif wanted != "all":
        session = chain.ticker.session
        days = [expiry_date(instant, session) for instant in chain.expiries]
        if wanted == "monthly":
            passing = [is_monthly(day, chain.ticker) for day in days]
        elif isinstance(wanted, str):
            first, last = _span(wanted, chain.as_of, session)
            passing = [first <= day <= last for day in days]
        else:
            passing = [day in wanted for day in days]
        chosen &= np.array(passing, dtype=np.bool_)
    return chosen


def selected_strikes(chain: OptionChain, filters: Filters) -> Booleans:
    """Which contracts' strikes pass the filter; shape (N,)."""
    if filters.strike_range is None:
        return np.ones(len(chain), dtype=np.bool_)
    reach = chain.spot * filters.strike_range / 100.0
    within: Booleans = np.abs(chain.strike - chain.spot) <= reach
    return within
