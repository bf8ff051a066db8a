"""One ticker's options on Tastytrade: the newest that the stream told of each contract, and the chain that makes."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import numpy as np

from gextui.market.calendar import NEW_YORK, is_trading_day, previous_trading_day, years_to_expiry
from gextui.market.chain import Booleans, Floats, Integers, OptionChain
from gextui.market.option_hours import options_trade
from gextui.market.ticker import Ticker
from gextui.pricing.black import exposure_greeks
from gextui.sources.book import EARLY, NEARLY_ALL, reason
from gextui.sources.doubt import LEAST_KEPT
from gextui.sources.dxlink import Events, Item
from gextui.sources.moving_spot import with_a_moving_spot
from gextui.sources.rows import LARGEST, Capture, Rows, Scalar, absent, instants
from gextui.sources.symbols import Contracts, parse_names
from gextui.sources.tastytrade_coverage import GREEKS, QUOTE, ROTATE_EVERY, SUMMARY, TRADE, Coverage
from gextui.sources.tastytrade_underlying import WATCHED, Underlying

NAME = "tastytrade"
FIELDS = {
    "Greeks": ("eventSymbol", "time", "volatility"),
    "Summary": ("eventSymbol", "openInterest", "dayClosePrice", "prevDayClosePrice"),
    "Trade": ("eventSymbol", "time", "price", "dayVolume"),
    "Quote": ("eventSymbol", "bidPrice", "askPrice"),
    "Profile": ("eventSymbol", "tradingStatus", "statusReason"),
}
"""What is asked for of each type of event."""
_COUNTED = time(9)
"""New York's time by which the clearing house's count of the night is with every vendor."""
_RECOUNTED_WITHIN = 2 * ROTATE_EVERY
_USUAL_IV = 0.2
"""Stands for a volatility that is not known, to weigh a contract by."""
_EVENING = timedelta(hours=4)
"""A night session, from 20:15 on, belongs to the next day."""
_DAY = 86400.0
_COLUMNS = ("iv", "iv_at", "open_interest", "volume", "traded_at", "bid", "ask")


class Book:
    """What is known of one ticker. ``now`` is the venue's time, epoch seconds."""

    def __init__(self, ticker: Ticker, on_change: Callable[[], object] = lambda: None) -> None:
        """An empty book; ``on_change`` is called at the first change after each chain."""
        self.ticker = ticker
        self.symbol = ticker.symbol.replace(".", "/")
        """As the venue writes it."""
        self.underlying = Underlying()
        self.changed = False
        self.whole = False
        """Whether every contract was asked about; before, a part would pass for the whole book."""
        self.heard_at = -np.inf
        """When anything was heard last."""
        self.told_at = -np.inf
        """When what was told last was true."""
        self.without_interest = True
        """Whether no living contract has any open interest."""
        self.unsummed = 0
        """How many living contracts never told their open interest."""
        self.old_interest = ""
        """What open interest is shown as it last was, in words; empty where that is next to none."""
        self.events = 0
        """How many were heard."""
        self.conflated = 0
        """Events that a later one replaced before a chain was made of them."""
        self.rejected: Counter[str] = Counter()
        self.delay = 0.0
        """Seconds by which the venue's quotes are late."""
        self._on_change = on_change
        self._columns: dict[str, Floats] = {name: np.empty(0) for name in _COLUMNS}
        self._kept: Booleans = np.empty(0, dtype=np.bool_)
        self._row: dict[str, int] = {}
        self._contracts, self._multiplier = parse_names([]), np.empty(0)
        self._since_chain: Booleans = np.empty(0, dtype=np.bool_)
        self.coverage = Coverage([])

    def __len__(self) -> int:
        return len(self._row)

    # What is listed.

    def hold(self, symbols: Sequence[str], contracts: Contracts, multiplier: Floats, now: float) -> bool:
        """Hold exactly these contracts, so far as they live, keeping what is known; whether that changed anything."""
        self.rejected.update(contracts.reason[contracts.reason != ""].tolist())
        usable = np.flatnonzero((contracts.reason == "") & (contracts.expiry > now))
        usable = usable[np.lexsort((contracts.strike[usable], contracts.expiry[usable]))]
        names = [symbols[row] for row in usable.tolist()]
        if names == list(self._row):
            return False
        came_from = np.array([self._row.get(name, -1) for name in names], dtype=np.int64)
        known = came_from >= 0
        self.whole = self.whole and 2 * int(np.count_nonzero(known)) >= len(names)
        # A row that is new takes what stands behind the last: nothing is known of it.
        self._columns = {
            name: np.append(values, -np.inf if name.endswith("_at") else np.nan)[came_from]
            for name, values in self._columns.items()
        }
        self._kept = np.append(self._kept, False)[came_from]
        coverage = Coverage(names)
        coverage.inherit(self.coverage, came_from)
        self.coverage = coverage
        self._row = {name: row for row, name in enumerate(names)}
        self._contracts, self._multiplier = contracts.take(usable), multiplier[usable]
        self._since_chain = np.zeros(len(names), dtype=np.bool_)
        self.touch()
        return True

    def expire(self, now: float) -> None:
        """Let what has expired go."""
        self.coverage.drop(self._contracts.expiry <= now)

    @property
    def watched(self) -> list[Item]:
        """What is subscribed to of the underlying."""
        return [(kind, self.symbol) for kind in WATCHED]

    def weigh(self, now: float) -> Floats:
        """How much each contract matters to the book: its gamma at spot for each contract held or traded; (N,)."""
        spot = self.spot(now)
        if spot is None:
            return np.zeros(len(self))
        columns = self._columns
        contracts = self._contracts
        iv = np.where(columns["iv"] > 0, columns["iv"], _USUAL_IV)
        years = np.maximum(years_to_expiry(now, contracts.expiry), 1.0 / 365.0 / 24.0)
        gamma = exposure_greeks(spot, contracts.strike, years, iv, contracts.is_call).gamma
        held = 1.0 + np.nan_to_num(columns["open_interest"]) + np.nan_to_num(columns["volume"])
        return np.where(contracts.expiry > now, np.nan_to_num(gamma) * held, 0.0)

    def touch(self) -> None:
        """A chain may be made, or another than the last."""
        if not self.changed:
            self.changed = True
            self._on_change()

    # What is heard.

    def stand_still(self, now: float) -> None:
        """Nothing trades while it is halted: what is known is true now."""
        self.told_at = max(self.told_at, now - self.delay)
        self.touch()

    def hear(self, events: Events, now: float) -> bool:
        """Take events in; whether any could be used."""
        rows = np.array([self._row.get(name, -1) if isinstance(name, str) else -1 for name in events.symbols])
        of_options = np.flatnonzero(rows >= 0)
        mine = [place for place, name in enumerate(events.symbols) if name == self.symbol]
        self.rejected["unknown symbol"] += len(rows) - len(of_options) - len(mine)
        for place in mine:
            self._hear_underlying(events, place, now)
        if len(of_options):
            self._hear_options(events, of_options, rows[of_options], now)
        if not mine and not len(of_options):
            return False
        self.events += len(mine) + len(of_options)
        self.heard_at = max(self.heard_at, now)
        self.touch()
        return True

    def _hear_underlying(self, events: Events, place: int, now: float) -> None:
        at = float(self._times(events, np.array([place]), now)[0])
        self.underlying.hear(events, place, None if np.isnan(at) else at, now)

    def _hear_options(self, events: Events, places: Integers, rows: Integers, now: float) -> None:
        self.conflated += int(np.count_nonzero(self._since_chain[rows]))
        self._since_chain[rows] = True
        match events.type:
            case "Greeks":
                self.coverage.hear(rows, GREEKS)
                at = self._times(events, places, now)
                self._put("iv", rows, self._column(events, "volatility", places), "iv_at", at)
            case "Trade":
                self.coverage.hear(rows, TRADE)
                at = self._times(events, places, now)
                self._put("volume", rows, self._column(events, "dayVolume", places), "traded_at", at)
            case "Quote":
                quoted = self.coverage.hear(rows, QUOTE)
                for name, field in (("bid", "bidPrice"), ("ask", "askPrice")):
                    if (values := self._column(events, field, places)) is None:
                        continue
                    values = self._believed(name, values)
                    # The first quote after a subscription may be of any age; one that changes is of now.
                    if (quoted & (values != self._columns[name][rows]) & ~np.isnan(values)).any():
                        self.told_at = max(self.told_at, now - self.delay)
                    self._columns[name][rows] = values
            case "Summary" if (values := self._column(events, "openInterest", places)) is not None:
                self._sum(rows, values, now)

    def _sum(self, rows: Integers, values: Floats, now: float) -> None:
        """Take open interest in; what lacks it keeps what it had, and that is told."""
        self.coverage.hear(rows, SUMMARY)
        told = self._believed("open_interest", values)
        self.rejected["open_interest: missing"] += int(np.count_nonzero(np.isnan(values)))
        good = ~np.isnan(told)
        self._columns["open_interest"][rows[good]] = told[good]
        self.coverage.summed_at[rows[good]] = now
        self._kept[rows] = ~good & ~np.isnan(self._columns["open_interest"][rows])

    def _column(self, events: Events, field: str, places: Integers) -> Floats | None:
        values = events.numbers(field)
        return None if values is None else values[places]

    def _put(self, name: str, rows: Integers, values: Floats | None, at_name: str, at: Floats) -> None:
        """Take numbers in that have a time, unless they are older than what is known, or none."""
        if values is None:
            return
        told = self._believed(name, values)
        newer = ~np.isnan(told) & (np.isnan(at) | (at >= self._columns[at_name][rows]))
        self._columns[name][rows[newer]] = told[newer]
        timed = newer & ~np.isnan(at)
        self._columns[at_name][rows[timed]] = at[timed]

    def _believed(self, name: str, values: Floats) -> Floats:
        """The numbers that some market could have, the others NaN and counted."""
        bad = (values < 0.0) | (values > LARGEST)
        for value in values[bad].tolist():
            self.rejected[f"{name}: {reason(value)}"] += 1
        return np.where(bad, np.nan, values)

    def _times(self, events: Events, places: Integers, now: float) -> Floats:
        """When each event was, NaN where nobody says; what has not happened yet happened now."""
        given = events.columns.get("time")
        if given is None:
            return absent(len(places))
        at = instants([_scalar(given[place]) for place in places.tolist()])
        early = at > now + EARLY
        self.rejected["early"] += int(np.count_nonzero(early))
        at = np.where(early, now, at)
        if not np.isnan(at).all():
            self.told_at = max(self.told_at, float(np.nanmax(at)))
        return at

    # What it makes.

    def spot(self, now: float) -> float | None:
        """What the underlying costs where its options' quotes are of."""
        return self.underlying.spot(self.ticker, datetime.fromtimestamp(now - self.delay, UTC))

    def as_of(self, now: float) -> float:
        """The market's instant of the newest that was told."""
        told = self.told_at + self.delay if self.told_at > -np.inf else self.heard_at
        return min(told, now)

    def assess(self, now: float) -> None:
        """Take stock of open interest, so that any thread can say how it stands."""
        alive = self._contracts.expiry > now
        known = alive & ~np.isnan(self._columns["open_interest"])
        self.without_interest = not (self._columns["open_interest"][known] > 0).any()
        self.unsummed = int(np.count_nonzero(alive & ~known))
        counted_at = last_count(now)
        late = (self.coverage.summed_at < counted_at) & (now - counted_at > _RECOUNTED_WITHIN)
        old = int(np.count_nonzero(known & (late | self._kept)))
        few = old <= (1.0 - NEARLY_ALL) * np.count_nonzero(known)
        words = f"open interest of {old:,} of {len(self):,} contracts is not told of late; the last is kept"
        self.old_interest = "" if few else words

    def chain_of(self, now: float, *, simulated: bool) -> Callable[[float], OptionChain] | None:
        """What makes the chain given the rate, and may run in another thread; None before there is a whole book."""
        self.changed = False
        self.assess(now)
        self.whole = self.whole or (len(self) > 0 and self.coverage.is_whole)
        spot = self.spot(now)
        if not self.whole or spot is None or self.without_interest:
            return None
        alive = self._contracts.expiry > now
        columns = {name: values[alive] for name, values in self._columns.items()}
        self._since_chain[:] = False
        as_of = datetime.fromtimestamp(self.as_of(now), UTC)
        rows = Rows(
            contracts=self._contracts.take(alive),
            iv=columns["iv"],
            open_interest=columns["open_interest"],
            volume=_of_the_day(columns["volume"], columns["traded_at"], as_of),
            bid=columns["bid"],
            ask=columns["ask"],
            multiplier=self._multiplier[alive],
            forward=absent(int(np.count_nonzero(alive))),
            in_coins=np.zeros(int(np.count_nonzero(alive)), dtype=np.bool_),
        )
        of = replace(self.underlying)
        capture = Capture(
            ticker=self.ticker,
            rows=rows,
            as_of=as_of,
            spot=spot,
            previous_close=of.previous_close,
            delay=self.delay,
            halt=of.halt(self.ticker, datetime.fromtimestamp(now - self.delay, UTC)),
            notes=tuple(self._notes(alive, now)),
        )
        traded_at = None if of.traded_at is None else datetime.fromtimestamp(of.traded_at, UTC)
        partial = len(rows) - self.unsummed < LEAST_KEPT * len(rows)

        def make(rate: float) -> OptionChain:
            chain = replace(capture.chain(NAME, rate=rate), simulated=simulated, partial=partial)
            return with_a_moving_spot(chain, traded_at)

        return make

    def _notes(self, alive: Booleans, now: float) -> list[str]:
        notes = []
        listed, live = int(np.count_nonzero(alive)), int(np.count_nonzero(self.coverage.live & alive))
        if self.unsummed:
            notes.append(
                f"No open interest came of {self.unsummed:,} of {listed:,} contracts: it is missing, not zero."
            )
        if old := self.old_interest:
            notes.append(f"{old[0].upper()}{old[1:]}.")
        trade = options_trade(self.ticker, datetime.fromtimestamp(now - self.delay, UTC))
        if trade and 0 < live < listed:  # before the first choice all were read a moment ago
            every = ROTATE_EVERY / 60.0
            notes.append(f"{live:,} of {listed:,} contracts are live, the others read every {every:.0f} minutes.")
        return notes


def last_count(now: float) -> float:
    """When New York's open interest was last counted anew and told to all, epoch seconds."""
    local = datetime.fromtimestamp(now, NEW_YORK)
    day = local.date()
    if not is_trading_day(day) or local.time() < _COUNTED:
        day = previous_trading_day(day)
    return datetime.combine(day, _COUNTED, NEW_YORK).timestamp()


def _of_the_day(volume: Floats, traded_at: Floats, as_of: datetime) -> Floats:
    """The day's volume: what was last traded on an earlier day has traded none on this one; (N,)."""
    local = as_of.astimezone(NEW_YORK)
    offset = local.utcoffset() or timedelta()
    shift = (offset + _EVENING).total_seconds()
    today = np.floor((as_of.timestamp() + shift) / _DAY)
    earlier = np.isfinite(traded_at) & (np.floor((traded_at + shift) / _DAY) < today)
    return np.where(earlier, 0.0, volume)


def _scalar(value: object) -> Scalar:
    return value if isinstance(value, int | float | str) else None
