"""One coin's options at a venue: the newest that was heard of each contract, in columns, and the chain that makes."""

import math
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from operator import attrgetter
from typing import Protocol

import numpy as np

from gextui.market.chain import Booleans, Floats, Integers, OptionChain
from gextui.market.ticker import Ticker
from gextui.sources.rows import LARGEST, Capture, Rows, Scalar, believable, instants, median, number, positive
from gextui.sources.symbols import Contracts, parse_names

EARLY = 5.0
"""Seconds: what happens later than this after now has a wrong time, and counts as of now."""
NEARLY_ALL = 0.98
"""The share of the listed contracts that is taken for a venue's whole book where it tells of no more."""
_NO_MORE = 2.0
"""Seconds after which it does not."""
_LEFT_OUT = 30.0
"""Seconds by which what is told of a contract may be older than the newest answer."""
_GIVEN_UP = 15.0
"""Seconds after which a venue that tells of fewer is believed to have no more to tell."""
_LATELY = 3600.0
"""Seconds: what is no older has a time in milliseconds for certain."""
_QUOTED = ("open_interest", "volume", "bid", "ask")
_COLUMNS = ("iv", "iv_at", *_QUOTED, "kept", "quoted_at")


class Tick(Protocol):
    """One contract's message, every number of which some market could have; a volume or a quote may be missing."""

    @property
    def iv(self) -> float:
        """In the venue's unit."""
        ...

    @property
    def open_interest(self) -> float: ...  # noqa: D102
    @property
    def volume(self) -> float | None: ...  # noqa: D102
    @property
    def bid(self) -> float | None: ...  # noqa: D102
    @property
    def ask(self) -> float | None: ...  # noqa: D102
    @property
    def forward(self) -> float: ...  # noqa: D102
    @property
    def index(self) -> float: ...  # noqa: D102


class ColumnBook(ABC):
    """What is known of one coin. Times are epoch seconds of the venue's clock; ``now`` is that clock's."""

    source: str
    """The venue, as chains name it."""
    iv_unit = 1.0
    """What an IV of one is in the venue's messages of one contract."""
    has_index_channel = False
    """Whether the venue tells the index in a channel of its own, so that no contract's message is asked for it."""
    waits_for_listing = False
    """Whether no chain is whole before the venue's listing was read: its answers may lack contracts."""

    def __init__(self, ticker: Ticker, on_change: Callable[[], object] = lambda: None) -> None:
        """An empty book; ``on_change`` is called at the first change after each attempt to make a chain."""
        self.ticker = ticker
        self.changed = False
        """Whether anything has, since the last attempt to make a chain."""
        self.heard_at = -np.inf
        """When the newest message of any one contract was sent."""
        self.conflated = 0
        """Messages that a later one replaced before a chain was made of them."""
        self.read_since: float | None = None
        """When it began to be kept current, by the clock's seconds; None while it is not."""
        self.rejected: Counter[str] = Counter()
        """Records that could not be used, by reason."""
        self.indexed_at = -np.inf
        """When the index was last known to be true."""
        self.summed_at = -np.inf
        """Likewise the whole chain's open interest."""
        self.whole = False
        """Whether the venue has told of nearly all that it lists; before, a part would pass for the whole book."""
        self._listed = not self.waits_for_listing
        """Whether what there is is known."""
        self._grown = 0, -math.inf
        """Of how many contracts it had told, and since when."""
        self.old_interest = ""
        """What open interest is shown as it last was, in words; empty where that is next to none."""
        self.without_interest = False
        """Whether the last whole chain held no open interest."""
        self.unconfirmed = False
        """Whether a whole chain held other contracts than the listing."""
        self.next_expiry = np.inf
        self.spot: float | None = None
        self._on_change = on_change
        self._lately = (math.inf, -math.inf)
        """Between which epoch milliseconds a time needs no closer look."""
        self._ticks: dict[int, Tick] = {}
        """By row: the newest, where it is not in the columns yet."""
        self._told: list[float] = []
        """When each row was last told of, epoch milliseconds."""
        self._since_chain = bytearray()
        """Whether each row was, since the last chain."""
        self._forwards: dict[float, tuple[float, float, float]] = {}
        """By expiry: the forward, the index it was seen with, and when."""
        self._row: dict[str, int] = {}
        self._columns: dict[str, Floats] = {column: np.empty(0) for column in _COLUMNS}
        self._hold([])

    # What is listed.

    @abstractmethod
    def is_mine(self, name: str) -> bool:
        """Whether the name is that of an option on this coin."""

    def relist(self, names: Iterable[str], now: float) -> bool:
        """Hold exactly the contracts of this coin among ``names`` that still live; whether that changed anything."""
        listing = list(names)
        self._listed |= bool(listing)
        return self._relist(listing, now)

    def _relist(self, names: Iterable[str], now: float) -> bool:
        mine = [name for name in dict.fromkeys(names) if self.is_mine(name)]
        contracts = parse_names(mine)
        readable = contracts.reason == ""
        self.rejected["unknown"] += int(np.count_nonzero(contracts.reason == "bad_symbol"))
        alive = readable & (contracts.expiry > now)
        listed = [name for name, keep in zip(mine, alive.tolist(), strict=True) if keep]
        if set(listed) == self._row.keys():
            return False
        self._hold(listed)
        return True

    def expire(self, now: float) -> bool:
        """Drop what has expired; whether anything had."""
        return now >= self.next_expiry and self._relist(self._row, now)

    def _hold(self, names: Sequence[str]) -> None:
        """Make these the rows, keeping what is known of those that were rows before."""
        self._write()
        before = np.array([self._row.get(name, -1) for name in names], dtype=np.int64)
        # Contracts that are newly listed hold nothing; but another listing is another book.
        self.whole = self.whole and 2 * int(np.count_nonzero(before >= 0)) >= len(names)
        # A row that is new takes what stands behind the last: nothing is known of it.
        self._columns = {
            column: np.append(values, -np.inf if column.endswith("_at") else np.nan)[before]
            for column, values in self._columns.items()
        }
        self._row = {name: row for row, name in enumerate(names)}
        self._contracts = parse_names(list(names))
        self._expiries, self._expiry = np.unique(self._contracts.expiry, return_inverse=True)
        self.next_expiry = float(self._expiries[0]) if len(self._expiries) else np.inf
        self._since_chain = bytearray(len(names))
        self._tell()
        self._change()

    def __len__(self) -> int:
        return len(self._row)

    def _change(self) -> None:
        if not self.changed:
            self.changed = True
            self._on_change()

    # What is heard.

    def hear(self, name: str, tick: Tick, sent: int) -> bool | None:
        """Keep a contract's newest message until a chain is made, for the columns are written in one go.

        Args:
            name: The contract.
            tick: What was said of it.
            sent: When, epoch milliseconds.

        Returns:
            Whether it is not known to be old; None where the contract or the time asks for a closer look than this.
        """
        row = self._row.get(name)
        earliest, latest = self._lately
        if row is None or not earliest < sent <= latest:
            return None
        told = self._told
        if sent <= told[row]:
            return sent == told[row]
        told[row] = sent
        self._ticks[row] = tick
        self.conflated += self._since_chain[row]
        self._since_chain[row] = 1
        if sent > self.heard_at * 1000.0:
            self.heard_at = sent / 1000.0
        if not self.changed:
            self._change()
        return True

    def _write(self) -> None:
        """Write what was heard into the columns."""
        if not self._ticks:
            return
        kept, self._ticks = self._ticks, {}
        # In the order of time, so that of one expiry the newest is the last.
        ordered = sorted(kept, key=self._told.__getitem__)
        rows, ticks = np.array(ordered), [kept[row] for row in ordered]
        at = np.array([self._told[row] for row in ordered]) / 1000.0
        columns = self._columns
        newer = at > columns["quoted_at"][rows]
        columns["quoted_at"][rows[newer]] = at[newer]
        for column in _QUOTED:
            values = np.array([*map(attrgetter(column), ticks)], dtype=np.float64)
            told = newer & ~np.isnan(values)
            columns[column][rows[told]] = values[told]
        newer = at > columns["iv_at"][rows]
        iv = np.array([tick.iv for tick in ticks]) / self.iv_unit
        columns["iv"][rows[newer]], columns["iv_at"][rows[newer]] = iv[newer], at[newer]
        if not self.has_index_channel:
            self._take_spot(ticks[-1].index, float(at[-1]))
        last = dict(zip(self._expiry[rows].tolist(), zip(ticks, at.tolist(), strict=True), strict=True))
        for expiry, (tick, when) in last.items():
            self._take_forward(float(self._expiries[expiry]), tick.forward, tick.index, when)

    def _tell(self) -> None:
        """The columns are what is told."""
        self._told = np.rint(self._columns["quoted_at"] * 1000.0).tolist()

    def _look_at(self, now: float) -> None:
        """Take the time."""
        self._lately = (now - _LATELY) * 1000.0, (now + EARLY) * 1000.0

    def _take_row(self, row: int, at: float) -> None:
        """A contract was told of at that time, in a message that was looked at closely."""
        self._columns["quoted_at"][row] = at
        self._told[row] = at * 1000.0
        self.conflated += self._since_chain[row]
        self._since_chain[row] = 1
        self._change()

    def take_spot(self, price: float, now: float) -> None:
        """Take an index price that was asked for."""
        self._take_spot(price, now)

    def _take_whole(
        self,
        names: Sequence[Scalar],
        *,
        at: Sequence[Scalar],
        iv: Floats,
        open_interest: Floats,
        volume: Floats,
        bid: Floats,
        ask: Floats,
        forward: Floats,
        index: Floats,
        now: float,
    ) -> bool:
        """Take a whole chain in; False where nothing in it is new, or no open interest: then that stays as it was.

        Args:
            names: The contracts; one of this coin that is not held is, from now on.
            at: When each row was true.
            iv: As fractions; (N,), as are the others.
            open_interest: In contracts.
            volume: Likewise.
            bid: In the venue's unit.
            ask: Likewise.
            forward: Each row's forward price.
            index: Each row's index price.
            now: The venue's clock.
        """
        self._write()
        self._look_at(now)
        if unlisted := [name for name in _texts(names) if name not in self._row and self.is_mine(name)]:
            self.unconfirmed |= self._relist([*self._row, *unlisted], now)
        rows, taken = self._rows(names)
        open_interest, forward = open_interest[taken], forward[taken]
        self.without_interest = not believable(open_interest).any()
        if self.without_interest:
            return False
        when = self._when([at[index] for index in taken], now)
        columns = self._columns
        self._count("open_interest", open_interest, required=True)
        if not (known := when[np.isfinite(when)]).size:
            return False
        # A row of which something newer was heard meanwhile has its open interest too.
        self.summed_at = max(self.summed_at, float(known.max()))
        newer = when >= columns["quoted_at"][rows]
        rows, when, forward = rows[newer], when[newer], forward[newer]
        columns["quoted_at"][rows] = when
        usable = ((open_interest >= 0) & (open_interest <= LARGEST))[newer]
        columns["open_interest"][rows[usable]] = open_interest[newer][usable]
        columns["kept"][rows] = ~usable
        for column, values in (("volume", volume), ("bid", bid), ("ask", ask)):
            columns[column][rows] = self._count(column, values[taken])[newer]
        fresh_iv = self._count("iv", iv[taken])[newer]
        fresher = when >= columns["iv_at"][rows]
        columns["iv"][rows[fresher]] = fresh_iv[fresher]
        columns["iv_at"][rows[fresher]] = when[fresher]
        self._tell()
        self._change()
        spot = median(index[taken])
        if spot is not None:
            self._take_spot(spot, self.summed_at)
            for expiry in np.unique(self._expiry[rows]).tolist():
                same = median(forward[self._expiry[rows] == expiry])
                if same is not None:
                    self._take_forward(float(self._expiries[expiry]), same, spot, self.summed_at)
        return bool(len(rows))

    def _put(self, row: int, column: str, value: Scalar, *, unit: float = 1.0) -> bool:
        """Take one number in, unless it is missing or none that a market could have; whether it was taken."""
        found = number(value) / unit
        if 0.0 <= found <= LARGEST:
            self._columns[column][row] = found
            if column == "open_interest":
                self._columns["kept"][row] = 0.0
            self._change()
            return True
        if not math.isnan(found):
            self.rejected[f"{column}: {reason(found)}"] += 1
        return False

    def _positive(self, what: str, value: Scalar) -> float | None:
        """A price, or None and one more count of what is wrong with it."""
        price = positive(value)
        if price is None:
            self.rejected[f"{what}: {reason(number(value))}"] += 1
        return price

    def _take_spot(self, price: float, at: float) -> None:
        if at > self.indexed_at:
            before, self.spot, self.indexed_at = self.spot, price, at
            if price != before:
                self._change()

    def _take_forward(self, expiry: float, forward: float, index: float, at: float) -> None:
        if at > self._forwards.get(expiry, (0.0, 0.0, -np.inf))[2]:
            self._forwards[expiry] = forward, index, at
            self._change()

    def _rows(self, names: Sequence[Scalar]) -> tuple[Integers, list[int]]:
        """The rows of those names that are held, and which of the names these are."""
        found = [self._row.get(name, -1) if isinstance(name, str) else -2 for name in names]
        self.rejected["name"] += found.count(-2)
        taken = [index for index, row in enumerate(found) if row >= 0]
        return np.array([found[index] for index in taken], dtype=np.int64), taken

    def _when(self, times: Sequence[Scalar], now: float) -> Floats:
        """Event times: NaN where there is none to believe, ``now`` where it has not come yet."""
        at = instants(times)
        self.rejected["time"] += int(np.count_nonzero(np.isnan(at)))
        early = at > now + EARLY
        self.rejected["early"] += int(np.count_nonzero(early))
        return np.where(early, now, at)

    def _moment(self, time: Scalar, now: float) -> float | None:
        """One event's time, likewise; None where there is none to believe."""
        at = float(self._when([time], now)[0])
        return None if math.isnan(at) else at

    def _count(self, column: str, values: Floats, *, required: bool = False) -> Floats:
        """Count what no market's number can be; what is required must also be there."""
        bad = (values < 0) | (values > LARGEST) | (np.isnan(values) if required else False)
        for value in values[bad].tolist():
            self.rejected[f"{column}: {reason(value)}"] += 1
        return values

    # What it makes.

    def in_coins(self, contracts: Contracts) -> Booleans:
        """Which contracts are quoted in coins; none, unless a venue says otherwise; (N,)."""
        return np.zeros(len(contracts), dtype=np.bool_)

    def _chain(
        self,
        now: float,
        as_of: float,
        *,
        simulated: bool,
        notes: Sequence[str] = (),
        previous_close: float | None = None,
        volatility_index: float | None = None,
        volume: Floats | None = None,
    ) -> OptionChain | None:
        """The chain of what lives at ``now``; None where that is nothing, not `whole` yet, or without open interest.

        One contract is one coin. ``volume`` stands for the column of that name where it is given.
        """
        self.changed = False
        self._look_at(now)
        alive: Booleans = self._contracts.expiry > now
        columns = self._columns
        self.whole = self.whole or self._is_whole(alive, now)
        self.old_interest = self._old_interest(alive)
        if not self.whole or self.spot is None or not believable(columns["open_interest"][alive]).any():
            return None
        self._since_chain = bytearray(len(self))
        forwards = self._forwards_now()
        forward = np.array([forwards.get(expiry, np.nan) for expiry in self._expiries.tolist()])
        rows = Rows(
            contracts=self._contracts,
            iv=columns["iv"],
            open_interest=columns["open_interest"],
            volume=columns["volume"] if volume is None else volume,
            bid=columns["bid"],
            ask=columns["ask"],
            multiplier=np.ones(len(self._row)),
            forward=forward[self._expiry],
            in_coins=self.in_coins(self._contracts),
        ).take(alive)
        capture = Capture(
            ticker=self.ticker,
            rows=rows,
            as_of=datetime.fromtimestamp(min(as_of, now), UTC),
            spot=self.spot,
            previous_close=previous_close,
            notes=tuple(notes),
        )
        return replace(capture.chain(self.source), volatility_index=volatility_index, simulated=simulated)

    def _is_whole(self, alive: Booleans, now: float) -> bool:
        """Whether all of these were told of, or nearly all and no more of late, or no more for long; (N,)."""
        told, listed = (
            int(np.count_nonzero(alive & rows)) for rows in (np.isfinite(self._columns["quoted_at"]), alive)
        )
        if told != self._grown[0]:
            self._grown = told, now
        quiet = now - self._grown[1]
        enough = told == listed or (told >= NEARLY_ALL * listed and quiet >= _NO_MORE)
        answered = self.summed_at > -np.inf
        return told > 0 and ((self._listed and enough) or (answered and quiet >= _GIVEN_UP))

    def _old_interest(self, alive: Booleans) -> str:
        """Of these contracts: the newest answers lack them, or a number of theirs that some market could have; (N,)."""
        columns = self._columns
        known = alive & np.isfinite(columns["open_interest"])
        late = columns["quoted_at"] < self.summed_at - _LEFT_OUT
        old = int(np.count_nonzero(known & (late | (columns["kept"] == 1.0))))
        if old <= (1.0 - NEARLY_ALL) * np.count_nonzero(known):
            return ""
        return f"open interest of {old:,} of {len(self):,} contracts is not told of late; the last is kept"

    def _forwards_now(self) -> dict[float, float]:
        """The forward of each expiry, moved with the index since it was seen."""
        if self.spot is None:
            return {}
        return {expiry: forward * (self.spot / index) for expiry, (forward, index, _) in self._forwards.items()}


def _texts(values: Iterable[Scalar]) -> list[str]:
    return [value for value in values if isinstance(value, str)]


def reason(value: float) -> str:
    """What is wrong with a number that cannot be used."""
    if math.isnan(value):
        return "missing"
    return "range" if math.isfinite(value) else "type"
