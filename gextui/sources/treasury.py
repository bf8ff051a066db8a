"""The interest rate of US tickers: Yahoo's ``^IRX``, the discount rate of 13-week Treasury bills, converted."""

import math
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn

from gextui.sources.failure import Failure, FetchError
from gextui.sources.pacing import Clock, SystemClock
from gextui.sources.polling import Poll
from gextui.sources.source import ConnectionStatus
from gextui.sources.yahoo_quotes import YahooQuotes

SYMBOL = "^IRX"
REFRESH_EVERY = 3600.0
"""Seconds between two readings."""
TOO_OLD = 7 * 86400.0
"""Seconds after which a price of bills says nothing of today's rate; the longest weekend is shorter."""
HIGHEST = 25.0
"""Percent; bills have never yielded more."""
_BILL_DAYS = 91.0


@dataclass(frozen=True, slots=True)
class BillRate:
    """What bills yield."""

    rate: float
    """Continuously compounded, a fraction a year."""
    percent: float
    """As quoted: the discount rate, percent."""
    at: datetime
    """When bills were priced so, aware, UTC."""


def continuous_rate(discount: float) -> float:
    """The continuously compounded rate of a 91-day bill at a bank discount rate, both fractions a year.

    A bill of face value 1 costs P = 1 - d * 91 / 360 (31 CFR 356, appendix B), and r = -ln(P) * 365 / 91. That is
    ln(1 + y * 91 / 365) * 365 / 91 of its bond-equivalent yield y = 365 d / (360 - 91 d), see wire/us 4.4.
    """
    return -math.log1p(-discount * _BILL_DAYS / 360.0) * 365.0 / _BILL_DAYS


class TreasuryRate:
    """The rate now: call it. `keep` must run for it to be more than the fallback; any thread may call."""

    def __init__(self, quotes: YahooQuotes, *, fallback: float, clock: Clock | None = None) -> None:
        """Prepare to ask ``quotes``; until it answers, and when it is too old, the rate is ``fallback``."""
        self.fallback = fallback
        self.reading: BillRate | None = None
        """The newest; None before the first."""
        self._quotes = quotes
        self._clock = SystemClock() if clock is None else clock
        self._poll = Poll(SYMBOL, self._clock, REFRESH_EVERY)

    def __call__(self) -> float:
        """The continuously compounded rate a year, a fraction."""
        reading = self._believed()
        return self.fallback if reading is None else reading.rate

    @property
    def age(self) -> float | None:
        """Seconds since bills were priced so; None before the first reading."""
        reading = self.reading
        return None if reading is None else max(0.0, self._clock.now() - reading.at.timestamp())

    @property
    def words(self) -> str:
        """The rate and where it comes from."""
        reading, trouble = self._believed(), self._poll.trouble.sentence
        if reading is not None:
            return f"{reading.rate:.2%} from {SYMBOL} of {reading.at:%Y-%m-%d %H:%M} UTC"
        return f"{self.fallback:.2%} from the configuration" + (f" ({trouble})" if trouble else "")

    def status(self) -> ConnectionStatus:
        """How the readings fare, for a panel of sources."""
        return self._poll.status(SYMBOL)

    async def keep(self) -> NoReturn:
        """Read it now and then hourly, until cancelled."""
        await self._poll.keep(self._ask)

    async def _ask(self) -> None:
        quote = await self._quotes.quote(SYMBOL)
        if quote.price > HIGHEST:
            raise FetchError(Failure.CONTENT, f"Yahoo gives {quote.price:g} % for {SYMBOL}, which no bill yields")
        self._poll.answered()
        self.reading = BillRate(continuous_rate(quote.price / 100.0), quote.price, quote.at)

    def _believed(self) -> BillRate | None:
        reading, age = self.reading, self.age
        return reading if age is not None and age <= TOO_OLD else None
