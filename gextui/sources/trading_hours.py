"""When New York trades, for a source that keeps to its hours: as the venue's calendar says, else as ours does."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta

from gextui.market.calendar import NEW_YORK, trading_hours

_LONGEST_BREAK = 30
"""Days within which New York opens again, whatever happens."""


class TradingHours:
    """The sessions of New York: instants are epoch seconds."""

    def __init__(self) -> None:
        self._told: dict[date, tuple[time, time] | None] = {}

    def learn(self, days: Mapping[date, tuple[time, time] | None]) -> None:
        """Take the venue's word for these days: when they open and close, local time, or None where they do not."""
        # A new dictionary, because another thread may be reading.
        self._told = self._told | dict(days)

    def session(self, day: date) -> tuple[float, float] | None:
        """When that day opens and closes; None where it does not trade."""
        hours = self._told[day] if day in self._told else trading_hours(day)
        if hours is None:
            return None
        opens, closes = (datetime.combine(day, at, NEW_YORK).timestamp() for at in hours)
        return opens, closes

    def session_at(self, now: float) -> tuple[float, float] | None:
        """The session that is under way; None while it is closed."""
        session = self.session(self.today(now))
        return session if session is not None and session[0] <= now < session[1] else None

    def next_open(self, now: float) -> float:
        """When it opens next, after now."""
        return next(opens for opens, _ in self._sessions(self.today(now), 1) if opens > now)

    def last_close(self, now: float) -> float:
        """When it last closed, now or before."""
        return next(closes for _, closes in self._sessions(self.today(now), -1) if closes <= now)

    @staticmethod
    def today(now: float) -> date:
        """The calendar day in New York."""
        return datetime.fromtimestamp(now, NEW_YORK).date()

    def _sessions(self, day: date, step: int) -> Iterator[tuple[float, float]]:
        """The sessions from that day on, or back."""
        days = (day + timedelta(days=step * number) for number in range(_LONGEST_BREAK))
        return (session for each in days if (session := self.session(each)) is not None)


def on_the_day(at: float, now: float) -> str:
    """An instant as words by New York's clock: ``09:30 New York``, ``09:30 New York on Monday``."""
    then = datetime.fromtimestamp(at, NEW_YORK)
    days = (then.date() - datetime.fromtimestamp(now, NEW_YORK).date()).days
    on = "" if days == 0 else f" on {then:%A}" if 0 < days < 7 else f" on {then:%Y-%m-%d}"
    return f"{then:%H:%M} New York{on}"
