"""One ticker's options at Yahoo: the newest that can be believed of each expiry, and the chain that makes."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import numpy as np

from gextui.exposure.quality import refused
from gextui.market.calendar import NEW_YORK, MarketState, expiry_instant, last_close, market_state, opening
from gextui.market.chain import Floats, Integers, OptionChain
from gextui.market.halts import concluded_halt
from gextui.market.ticker import Session, Ticker
from gextui.pricing.smile import fit_smile
from gextui.sources.doubt import CONVINCING, LEAST_KEPT
from gextui.sources.rows import Capture, Rows
from gextui.sources.yahoo import Listing

SOURCE = "yahoo"
WINDOWS = (3, 7, 14, 30, 45)
"""Days. Expiries are read in these windows, the nearest first, and then the rest."""
RECHECK_EVERY = 1800.0
"""Seconds between two readings of an expiry, at the least."""
RETRY_AFTER = 60.0
"""Seconds after which an expiry is asked for again whose answer could not be used."""
SETTLED_AFTER = 1800.0
"""Seconds after the close: indices trade for a quarter of an hour longer, and quotes may be as late again."""
TRADED_AFTER = 900.0
"""Seconds after the open: until then quotes, which may be as late, are the night's."""
LEAST_QUOTED = 0.25
"""With quotes for a smaller share of its contracts an answer has been reset. Recorded answers have them for 72 % and
more; those of a night, whose IVs are the first guesses of Yahoo's solver, for 3 % at the most."""
_UNSTATED_DELAY = 900.0
"""Seconds by which prices may be late that Yahoo calls current."""
_APART = 600.0
"""Seconds between the readings of two expiries that are worth a note."""


@dataclass(frozen=True, slots=True, eq=False)
class _Expiry:
    """What is believed of one expiry; instants are epoch seconds UTC."""

    rows: Rows
    read_at: float
    """When the last answer came."""
    interest_read_at: float
    """When its open interest came; earlier where a later answer had reset it."""
    quotes_read_at: float
    """Likewise its quotes and IVs."""
    renewed_on: date
    """The day, in New York, on which open interest last changed."""
    doubted: int = 0
    """Answers in a row whose open interest was not believed."""

    @property
    def is_whole(self) -> bool:
        """Whether nothing of it is from an earlier answer."""
        return self.read_at == self.interest_read_at == self.quotes_read_at


class Book:
    """What is known of one ticker. ``now`` is epoch seconds UTC, ``seconds`` the clock's that never steps."""

    def __init__(self, ticker: Ticker) -> None:
        """An empty book."""
        self.ticker = ticker
        self.days: tuple[date, ...] = ()
        """On which options expire, ascending; those that have expired are gone."""
        self.answered = False
        """Whether Yahoo has said anything yet."""
        self.is_over = False
        """Whether every expiry that Yahoo listed last has passed."""
        self.changed = False
        """Whether a chain would differ from the last."""
        self.trouble = ""
        """Why no chain can be made of what is known; empty where one can."""
        self.as_of = -np.inf
        """The market's instant of the newest answer."""
        self.rejected: Counter[str] = Counter()
        self._expiries: dict[date, _Expiry] = {}
        self._reset: set[date] = set()
        """Days whose answers were reset, and of which nothing better is known."""
        self._restored: set[date] = set()
        """Days whose answers are from before this book was made."""
        self._wanted: set[date] = set()
        """Days that somebody wants now."""
        self._due_at: dict[date, float] = {}
        """By day: the clock's seconds before which it is not asked for again."""
        self._newest: Capture | None = None

    @property
    def known(self) -> int:
        """How many expiries are known."""
        return len(self._expiries)

    def is_beginning(self, now: float, seconds: float) -> bool:
        """Whether there are expiries still to be asked for a first time."""
        return not self.answered or self.read(now, seconds) < len(self.days)

    def read(self, now: float, seconds: float) -> int:
        """How many expiries were asked for, and are not of an earlier run and due to be asked for again."""
        return sum(
            day in self._due_at and not (day in self._restored and self._is_due(day, now, seconds)) for day in self.days
        )

    @property
    def delay(self) -> float:
        """Seconds by which quotes are late, as Yahoo states it."""
        return 0.0 if self._newest is None else self._newest.delay

    # What is asked for.

    def plan(self, now: float, seconds: float) -> list[list[date]]:
        """The days that should be asked for now, window by window; one without any is left out."""
        today = _new_york(now).date()
        windows: list[list[date]] = [[] for _ in range(len(WINDOWS) + 1)]
        for day in self.days:
            if self._is_due(day, now, seconds):
                windows[bisect_left(WINDOWS, (day - today).days)].append(day)
        return [window for window in windows if window]

    def _is_due(self, day: date, now: float, seconds: float) -> bool:
        """Not within half an hour; and while New York is closed only for what is not known yet."""
        if seconds < self._due_at.get(day, -np.inf):
            return False
        expiry, at = self._expiries.get(day), _new_york(now)
        if expiry is None or day in self._wanted:
            return True
        state = market_state(self.ticker.session, at)
        if state is MarketState.OPEN:
            return now >= opening(at.date()).timestamp() + TRADED_AFTER
        if not expiry.is_whole or expiry.read_at < last_close(at).timestamp() + SETTLED_AFTER:
            return True
        # The clearing house's count of a day is published before the next one opens.
        return state is MarketState.PRE and expiry.renewed_on < at.date()

    def hurry(self, seconds: float) -> None:
        """Let everything be due, whatever New York does, that was not asked for a moment ago."""
        for day, due_at in self._due_at.items():
            if seconds >= due_at - RECHECK_EVERY + RETRY_AFTER:
                self._due_at[day] = seconds
                self._wanted.add(day)

    def put_off(self, day: date, seconds: float) -> None:
        """Ask for a day again in a minute, after the others: its answer could not be used."""
        self._due_at[day] = seconds + RETRY_AFTER

    # What is answered.

    def restore(self, listing: Listing, *, asked: date, now: float, seconds: float) -> None:
        """Take in an answer that came then, before this book was made."""
        if self.take(listing, asked=asked, now=now, seconds=seconds):
            self._restored.add(asked)

    def take(self, listing: Listing, *, asked: date | None, now: float, seconds: float) -> bool:
        """Take in an answer, as far as it can be believed; whether all of it can.

        Args:
            listing: The answer.
            asked: The day that was asked for, None for any.
            now: When it came.
            seconds: Likewise, by the clock that never steps.
        """
        capture = listing.capture
        self.answered = True
        if capture is None or not listing.days:
            if self._expiries:
                self.rejected["no options"] += 1
            if asked is not None:
                self.put_off(asked, seconds)
            return False
        self.days = tuple(sorted(day for day in {*listing.days, *self._expiries} if _expires(day) > now))
        self.is_over = not self.days
        day = listing.day or asked
        if asked is not None and day != asked:
            self.rejected["another expiry"] += 1
            self.put_off(asked, seconds)
            return False
        if day is None or day not in self.days:
            return False
        self._due_at[day] = seconds + RECHECK_EVERY
        self._wanted.discard(day)
        self._restored.discard(day)
        if not len(capture.rows):
            # A day that is listed has contracts, and one that no longer is has none.
            if day not in listing.days and self._expiries.pop(day, None) is not None:
                self.days = tuple(left for left in self.days if left != day)
                self.changed = True
            return False
        if capture.spot is None:
            self.rejected["no price"] += 1
            self.put_off(day, seconds)
            return False
        if capture.as_of is not None:
            delay = max(capture.delay, _UNSTATED_DELAY)
            halt = concluded_halt(self.ticker, capture.as_of, datetime.fromtimestamp(now - delay, UTC))
            capture = replace(capture, halt=halt)
        self._newest = capture
        self.as_of = max(self.as_of, now if capture.as_of is None else min(capture.as_of.timestamp(), now))
        expiry = self._believed(self._expiries.get(day), capture, now)
        self.changed = True
        if expiry is None:
            self.rejected["reset"] += 1
            self._reset.add(day)
            return False
        self._reset.discard(day)
        self._expiries[day] = expiry
        self.rejected["reset"] += not expiry.is_whole
        return expiry.is_whole

    def _believed(self, before: _Expiry | None, capture: Capture, now: float) -> _Expiry | None:
        """What is known of an expiry after this answer; None where nothing is."""
        rows, at = capture.rows, _new_york(now)
        reset = float(((rows.bid > 0) | (rows.ask > 0)).mean()) < LEAST_QUOTED
        if before is None:
            return None if reset else _Expiry(rows, now, now, now, at.date())
        earlier = _places(before.rows, rows)
        quotes_read_at = interest_read_at = now
        if reset:
            iv, bid, ask = (_from(column, earlier) for column in (before.rows.iv, before.rows.bid, before.rows.ask))
            rows, quotes_read_at = replace(rows, iv=iv, bid=bid, ask=ask), before.quotes_read_at
        held = _from(before.rows.open_interest, earlier)
        lost = np.nansum(rows.open_interest) < LEAST_KEPT * np.nansum(held)
        doubted = before.doubted + 1 if lost and market_state(self.ticker.session, at) is MarketState.OPEN else 0
        renewed_on = before.renewed_on
        if lost and (doubted < CONVINCING or not np.nansum(rows.open_interest)):
            interest = np.where(np.isnan(held), rows.open_interest, held)
            rows, interest_read_at = replace(rows, open_interest=interest), before.interest_read_at
        else:
            doubted = 0
            if not np.array_equal(rows.open_interest, held, equal_nan=True):
                renewed_on = at.date()
        return _Expiry(rows, now, interest_read_at, quotes_read_at, renewed_on, doubted)

    def expire(self, now: float) -> None:
        """Drop what has expired."""
        gone = [day for day in self.days if _expires(day) <= now]
        if gone:
            self.days = tuple(day for day in self.days if day not in gone)
            self._reset.difference_update(gone)
            for day in gone:
                self._due_at.pop(day, None)
                self.changed |= self._expiries.pop(day, None) is not None

    # What it makes.

    def chain(self, *, rate: float, simulated: bool, now: float, seconds: float) -> OptionChain | None:
        """The chain of every expiry that is known; None, and `trouble`, where Yahoo has wiped it.

        It is partial while there are expiries that are to be asked for, or are reset and will come back.
        """
        self.changed = False
        newest = self._newest
        if newest is None or not self._expiries:
            self.trouble = "Yahoo has reset its quotes and implied volatilities, as it does overnight"
            return None
        days = sorted(self._expiries)
        capture = replace(
            newest,
            ticker=self.ticker,
            rows=Rows.joined([self._expiries[day].rows for day in days]),
            as_of=datetime.fromtimestamp(self.as_of, UTC),
            notes=tuple(self._notes(days)),
        )
        partial = bool(self._reset) or self.is_beginning(now, seconds)
        chain = replace(capture.chain(SOURCE, rate=rate), simulated=simulated, partial=partial)
        _, reasons = refused(chain, fit_smile(chain))
        self.trouble = "".join(reasons)
        if not self.trouble and not (chain.open_interest > 0).any():
            self.trouble = "Yahoo gives no open interest yet"
        return None if self.trouble else chain

    def _notes(self, days: Sequence[date]) -> list[str]:
        """What is missing, and what is older than the rest."""
        expiries = self._expiries
        unread = [day for day in self.days if day not in expiries and day not in self._reset]
        notes = []
        if unread:
            notes.append(f"Not read yet: {len(unread)} of {len(self.days)} expiries ({_span(unread)}).")
        if self._reset:
            reset = sorted(self._reset)
            notes.append(f"Left out, because Yahoo has reset their quotes: {len(reset)} expiries ({_span(reset)}).")
        for what, times in (
            ("Quotes and implied volatilities", {day: expiries[day].quotes_read_at for day in days}),
            ("Open interest", {day: expiries[day].interest_read_at for day in days}),
        ):
            if kept := [day for day in days if times[day] < expiries[day].read_at]:
                read = datetime.fromtimestamp(min(times[day] for day in kept), UTC)
                since = f"are as read at {read:%Y-%m-%d %H:%M} UTC: Yahoo has reset them since"
                notes.append(f"{what} of {len(kept)} expiries ({_span(kept)}) {since}.")
        if empty := [day for day in days if not np.nansum(expiries[day].rows.open_interest)]:
            notes.append(
                f"Yahoo gives no open interest for {len(empty)} expiries ({_span(empty)}): just listed, or reset."
            )
        read_at = [expiries[day].read_at for day in days]
        if (apart := max(read_at) - min(read_at)) > _APART:
            notes.append(f"Some expiries were read up to {apart / 60:.0f} minutes before the others.")
        return notes


def _new_york(now: float) -> datetime:
    return datetime.fromtimestamp(now, NEW_YORK)


def _expires(day: date) -> float:
    return expiry_instant(day, Session.NEW_YORK)


def _span(days: Sequence[date]) -> str:
    return str(days[0]) if len(days) == 1 else f"{days[0]} to {days[-1]}"


def _places(before: Rows, rows: Rows) -> Integers:
    """Where each of ``rows`` was among those before; -1 where it was not; (N,)."""
    known = {key: place for place, key in enumerate(_keys(before))}
    return np.array([known.get(key, -1) for key in _keys(rows)], dtype=np.int64)


def _keys(rows: Rows) -> list[tuple[object, ...]]:
    contracts = rows.contracts
    columns = (contracts.root, contracts.expiry, contracts.strike, contracts.is_call)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def _from(column: Floats, places: Integers) -> Floats:
    """The column's values at those places, NaN at -1."""
    return np.append(column, np.nan)[places]
