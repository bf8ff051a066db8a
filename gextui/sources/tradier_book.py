"""What Tradier last told of one ticker: an answer an expiry, the price of the underlying, and the chain they make."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import numpy as np

from gextui.market.calendar import NEW_YORK, expiry_instant
from gextui.market.chain import OptionChain
from gextui.market.halts import concluded_halt
from gextui.market.ticker import Session, Ticker
from gextui.sources.pacing import Clock
from gextui.sources.polling import Poll
from gextui.sources.rows import Capture, instants, newest, positive
from gextui.sources.source import ConnectionStatus
from gextui.sources.stream import StreamState
from gextui.sources.tradier import Greeks, Option, Quote, rows_of
from gextui.sources.trading_hours import TradingHours

NAME = "tradier"
EMPTY = "it is listed, but holds no contract"
_MOST_TRIES = 2
"""Of an expiry in one round."""


@dataclass(frozen=True, slots=True)
class _Told:
    """The contracts of one expiry."""

    options: Sequence[Option]
    at: float
    """When they were read, epoch seconds."""

    @property
    def computed_at(self) -> datetime | None:
        """When the venue computed its volatilities."""
        greeks = [option.greeks for option in self.options]
        return newest(instants([each.updated_at for each in greeks if isinstance(each, Greeks)]))


class Book:
    """One ticker, read in rounds: every expiry once, the nearest first. Times are epoch seconds of the venue's clock.

    Attributes:
        symbol: The ticker's, as the venue writes it.
        poll: How its rounds go.
        expiries: Dates that the venue lists and that have not expired, ascending.
        listed_on: The New York day on which the venue was last asked for them.
        unread: Those of the round under way that have not been read yet.
        failed: Why those that came to nothing did, by expiry.
        wanted: Whether somebody asked for a round now.
        has_read: Whether anything was read in the round under way, or the last.
        began_at: When the last round that was ended had begun.
    """

    def __init__(self, ticker: Ticker, clock: Clock, every: float) -> None:
        """A book that holds nothing yet, of which a round is due every so many seconds."""
        self.ticker = ticker
        self.symbol = ticker.symbol.replace(".", "/")
        self.poll = Poll(f"{NAME} {ticker.symbol}", clock, every)
        self.expiries: tuple[date, ...] = ()
        self.listed_on: date | None = None
        self.unread: tuple[date, ...] = ()
        self.failed: Mapping[date, str] = {}
        self.wanted = False
        self.began_at: float | None = None
        self.has_read = False
        self._begins_at = 0.0
        self._tries: dict[date, int] = {}
        self._told: Mapping[date, _Told] = {}
        self._quote, self._priced_at = Quote(), 0.0

    @property
    def is_unknown(self) -> bool:
        """Whether the venue was asked and lists no options on it."""
        return self.listed_on is not None and not self.expiries

    @property
    def read(self) -> tuple[int, int]:
        """How many expiries were read in this round or the last, of how many."""
        return len(self.expiries) - len({*self.unread, *self.failed}), len(self.expiries)

    def relist(self, expiries: Sequence[date], now: float) -> None:
        """Take what the venue lists; what has expired is forgotten, by the afternoon's settlement."""
        self.listed_on = TradingHours.today(now)
        self.expiries = tuple(day for day in expiries if expiry_instant(day, Session.NEW_YORK) > now)
        self._told = {day: told for day, told in self._told.items() if day in self.expiries}

    def begin(self, now: float) -> None:
        """Begin a round: every expiry is to be read."""
        self.relist(self.expiries, now)
        self.unread, self.failed = self.expiries, {}
        self._tries = {}
        self._begins_at, self.has_read = now, False

    def price(self, quote: Quote, at: float) -> bool:
        """Take the price of the underlying at that instant; whether one is known.

        One without a price costs nothing of what is.
        """
        if quote.price is not None:
            self._quote, self._priced_at = quote, at
        return self._quote.price is not None

    def take(self, expiry: date, options: Sequence[Option], now: float) -> None:
        """Take the contracts of an expiry."""
        self.unread = tuple(day for day in self.unread if day != expiry)
        self.failed = {day: why for day, why in self.failed.items() if day != expiry}
        self._told = {**self._told, expiry: _Told(options, now)}
        self.has_read = True

    def fail(self, expiry: date, why: str) -> None:
        """An expiry came to nothing: it is the last to be tried again, once; what was read of it before is kept."""
        self.failed = {**self.failed, expiry: why}
        others = tuple(day for day in self.unread if day != expiry)
        self._tries[expiry] = self._tries.get(expiry, 0) + 1
        self.unread = others if self._tries[expiry] >= _MOST_TRIES else (*others, expiry)

    def end(self) -> None:
        """End the round."""
        self.began_at = self._begins_at

    def chain_of(self) -> Callable[[float, float], OptionChain | None]:
        """What makes a chain of what is known now, given the rate and the time; it may run in another thread."""
        told, failed, quote, priced_at = self._told, self.failed, self._quote, self._priced_at
        return lambda rate, now: _chain(self.ticker, told, failed, quote, priced_at, rate, now)

    @property
    def missing(self) -> str:
        """Which expiries came to nothing and why, in a sentence; empty for none."""
        return "" if self.unread else _missing(self.failed, self._told)

    def status(self, waiting: str) -> ConnectionStatus:
        """How its rounds fare; ``waiting`` says what it waits for where all is well."""
        status = self.poll.status(f"{self.ticker.symbol} chains")
        known = next(iter(self._told.values()), None)
        at = None if known is None else known.computed_at
        computed = "" if at is None else f"volatilities of {at.astimezone(NEW_YORK):%H:%M} New York"
        degraded = self.missing and not status.detail
        return replace(
            status,
            state=str(StreamState.DEGRADED) if degraded else status.state,
            detail="; ".join(filter(None, (status.detail or self.missing or waiting, computed))),
            subscribed=self.read,
        )


def _missing(failed: Mapping[date, str], told: Mapping[date, _Told]) -> str:
    if not failed:
        return ""
    first, why = min(failed.items())
    more = f" and {len(failed) - 1} more" if len(failed) > 1 else ""
    kept = [told[day].at for day in failed if day in told]
    instead = "not in these numbers"
    if kept:
        since = datetime.fromtimestamp(min(kept), NEW_YORK)
        instead = f"{len(kept)} kept as read at {since:%H:%M} New York"
    return f"no chain of {first}{more}, {instead}: {why}"


def _chain(
    ticker: Ticker,
    told: Mapping[date, _Told],
    failed: Mapping[date, str],
    quote: Quote,
    priced_at: float,
    rate: float,
    now: float,
) -> OptionChain | None:
    """The chain of all that is known; None without a contract or a price."""
    options = [option for each in told.values() for option in each.options]
    if not options or quote.price is None:
        return None
    rows, quoted = rows_of(options)
    times = np.append(quoted.ravel(), instants([quote.bid_date, quote.ask_date, quote.trade_date]))
    at = newest(np.minimum(times, now))
    traded = newest(np.append(quoted[:, 2], instants([quote.trade_date])))
    missing = _missing(failed, told)
    capture = Capture(
        ticker=ticker,
        rows=rows,
        as_of=datetime.fromtimestamp(now, UTC) if at is None else at,
        spot=quote.price,
        previous_close=positive(quote.prevclose),
        notes=(f"Tradier gave {missing}",) if missing else (),
        halt=concluded_halt(ticker, traded, datetime.fromtimestamp(priced_at, UTC)),
    )
    unread = any(day not in told and why != EMPTY for day, why in failed.items())
    return replace(capture.chain(NAME, rate=rate), partial=unread)
