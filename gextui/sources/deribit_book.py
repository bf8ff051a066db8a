"""One coin's options on Deribit: the newest that was heard of each contract, and the chain that makes."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from gextui.market.chain import Booleans, Floats, Integers, OptionChain
from gextui.market.ticker import Ticker
from gextui.sources.deribit_messages import IndexPrice, Mark, Quote, Summary, VolatilityIndex, quoted_in_coins
from gextui.sources.rows import (
    LARGEST,
    Capture,
    Rows,
    Scalar,
    believable,
    instants,
    median,
    number,
    numbers,
    positive,
)
from gextui.sources.symbols import parse_names

INVERSE = ("BTC", "ETH")
"""Coins whose options settle in the coin itself; all others settle in USDC."""
EARLY = 5.0
"""Seconds: what happens later than this after now has a wrong time, and counts as of now."""
_DAY = 86400.0
_VOLATILITY_LASTS = 600.0
"""Seconds after which the venue's volatility index says nothing of now."""
_COLUMNS = ("iv", "iv_at", "open_interest", "volume", "bid", "ask", "quoted_at")


@dataclass(frozen=True, slots=True)
class Market:
    """Where a coin's options are found."""

    currency: str
    """As calls name it: one answer holds all options that settle in it."""
    root: str
    index: str
    """As channels name it."""

    @property
    def prefix(self) -> str:
        """What its instruments' names begin with."""
        return f"{self.root}-"

    @property
    def perpetual(self) -> str:
        """The instrument whose candles stand for the coin's past."""
        return f"{self.root}-PERPETUAL"

    @property
    def has_volatility_index(self) -> bool:
        """Whether the venue publishes a DVOL of it."""
        return self.root in INVERSE


def market_of(symbol: str) -> Market:
    """Where the options of a coin are, if the venue lists any."""
    if symbol in INVERSE:
        return Market(symbol, symbol, f"{symbol.lower()}_usd")
    return Market("USDC", f"{symbol}_USDC", f"{symbol.lower()}_usdc")


class Book:
    """What is known of one coin. Times are epoch seconds of the venue's clock; ``now`` is that clock's."""

    def __init__(self, ticker: Ticker) -> None:
        """An empty book."""
        self.ticker = ticker
        self.market = market_of(ticker.symbol)
        self.changed = False
        """Whether anything has, since the last chain."""
        self.rejected: Counter[str] = Counter()
        """Records that could not be used, by reason."""
        self.marked_at = -np.inf
        """When the mark prices were last known to be true."""
        self.indexed_at = -np.inf
        """Likewise the index."""
        self.summed_at = -np.inf
        """Likewise open interest."""
        self.without_interest = False
        """Whether the last summary held no open interest."""
        self.unconfirmed = False
        """Whether a summary held contracts that the listing did not."""
        self.next_expiry = np.inf
        self.spot: float | None = None
        self.volatility_index: float | None = None
        self.past: tuple[Floats, Floats] = np.empty(0), np.empty(0)
        """When each candle of yesterday begins, and its opening price."""
        self.recall_at = -np.inf
        """When that is to be asked for again."""
        self._volatility_at = -np.inf
        self._forwards: dict[float, tuple[float, float, float]] = {}
        """By expiry: the forward, the index it was seen with, and when."""
        self._chosen: set[str] = set()
        """Those `at_the_money`."""
        self._row: dict[str, int] = {}
        self._columns: dict[str, Floats] = {column: np.empty(0) for column in _COLUMNS}
        self._hold([])

    # What is listed.

    def relist(self, names: Iterable[str], now: float) -> bool:
        """Hold exactly the contracts of this coin among ``names`` that still live; whether that changed anything."""
        mine = [name for name in dict.fromkeys(names) if name.startswith(self.market.prefix)]
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
        return now >= self.next_expiry and self.relist(self._row, now)

    def _hold(self, names: Sequence[str]) -> None:
        """Make these the rows, keeping what is known of those that were rows before."""
        before = np.array([self._row.get(name, -1) for name in names], dtype=np.int64)
        # A row that is new takes what stands behind the last: nothing is known of it.
        self._columns = {
            column: np.append(values, -np.inf if column.endswith("_at") else np.nan)[before]
            for column, values in self._columns.items()
        }
        self._row = {name: row for row, name in enumerate(names)}
        self._contracts = parse_names(list(names))
        self._expiries, self._expiry = np.unique(self._contracts.expiry, return_inverse=True)
        self.next_expiry = float(self._expiries[0]) if len(self._expiries) else np.inf
        self.changed = True

    def __len__(self) -> int:
        return len(self._row)

    def at_the_money(self) -> list[str]:
        """The call nearest the forward of each expiry; its quotes tell the forward between two summaries.

        One that was chosen stays so until another is twice as near, so that few subscriptions come and go.
        """
        names, forwards = list(self._row), self._forwards_now()
        before, self._chosen = self._chosen, set()
        for index, expiry in enumerate(self._expiries.tolist()):
            rows = np.flatnonzero((self._expiry == index) & self._contracts.is_call)
            if (forward := forwards.get(expiry)) is not None and len(rows):
                distance = np.abs(self._contracts.strike[rows] - forward)
                held = [row for row in range(len(rows)) if names[rows[row]] in before]
                nearest = int(distance.argmin())
                stays = held and distance[held[0]] <= 2.0 * distance[nearest]
                self._chosen.add(names[rows[held[0] if stays else nearest]])
        return sorted(self._chosen)

    # What is heard.

    def take_summary(self, summaries: Sequence[Summary], now: float) -> bool:
        """Take the whole chain in; False where none of its open interest can be used, which then stays as it was."""
        mine = [summary for summary in summaries if isinstance(summary.instrument_name, str)]
        names = [str(summary.instrument_name) for summary in mine]
        if unlisted := [name for name in names if name not in self._row and name.startswith(self.market.prefix)]:
            self.unconfirmed |= self.relist([*self._row, *unlisted], now)
        rows, taken = self._rows(names)
        mine = [mine[index] for index in taken]
        open_interest = numbers([summary.open_interest for summary in mine])
        self.without_interest = not believable(open_interest).any()
        if self.without_interest:
            return False
        stamps = [summary.creation_timestamp for summary in mine]
        at = self._when([now if stamp is None else stamp for stamp in stamps], now)
        index = median(numbers([summary.estimated_delivery_price for summary in mine]))
        forward = numbers([summary.underlying_price for summary in mine])
        columns = self._columns
        self._count("open_interest", open_interest, required=True)
        newer = at >= columns["quoted_at"][rows]
        rows, at, forward = rows[newer], at[newer], forward[newer]
        if not len(rows):
            return False
        columns["quoted_at"][rows] = at
        columns["open_interest"][rows] = open_interest[newer]
        for column, values in (
            ("volume", [summary.volume for summary in mine]),
            ("bid", [summary.bid_price for summary in mine]),
            ("ask", [summary.ask_price for summary in mine]),
        ):
            columns[column][rows] = self._count(column, numbers(values))[newer]
        iv = self._count("iv", numbers([summary.mark_iv for summary in mine]) / 100.0)[newer]
        fresher = at >= columns["iv_at"][rows]
        columns["iv"][rows[fresher]] = iv[fresher]
        columns["iv_at"][rows[fresher]] = at[fresher]
        self.summed_at = max(self.summed_at, float(at.max()))
        self.changed = True
        if index is not None:
            self._take_spot(index, self.summed_at)
            for expiry in np.unique(self._expiry[rows]).tolist():
                same = median(forward[self._expiry[rows] == expiry])
                if same is not None:
                    self._take_forward(float(self._expiries[expiry]), same, index, self.summed_at)
        return True

    def take_marks(self, marks: Sequence[Mark], now: float) -> bool:
        """Take ``markprice.options`` in; whether the rows could be used. No rows say that nothing changed."""
        if not marks:
            self.marked_at = max(self.marked_at, now)
            return True
        rows, taken = self._rows([mark.instrument_name for mark in marks])
        at = self._when([marks[index].timestamp for index in taken], now)
        iv = numbers([marks[index].iv for index in taken])
        self._count("iv", iv, required=True)
        good = np.isfinite(at) & (iv >= 0) & (iv <= LARGEST)
        if not good.any():
            return not len(rows)
        self.marked_at = max(self.marked_at, float(at[good].max()))
        # Of several values for one contract the newest counts, whatever their order.
        order = np.flatnonzero(good)[np.argsort(at[good], kind="stable")]
        rows, at, iv = rows[order], at[order], iv[order]
        newer = at > self._columns["iv_at"][rows]
        if newer.any():
            self._columns["iv"][rows[newer]] = iv[newer]
            self._columns["iv_at"][rows[newer]] = at[newer]
            self.changed = True
        return True

    def take_quote(self, quote: Quote, now: float) -> bool:
        """Take one contract's ``ticker`` in; whether it could be used."""
        row = self._row.get(quote.instrument_name) if isinstance(quote.instrument_name, str) else None
        if row is None or quote.state != "open":
            return True  # of a contract that is gone, or is going: its zeros mean nothing
        at = self._moment(quote.timestamp, now)
        if at is None:
            return False
        columns = self._columns
        if at > columns["quoted_at"][row]:
            columns["quoted_at"][row] = at
            self._put(row, "open_interest", quote.open_interest)
            self._put(row, "volume", None if quote.stats is None else quote.stats.volume)
            self._put(row, "bid", quote.best_bid_price)
            self._put(row, "ask", quote.best_ask_price)
        if at > columns["iv_at"][row] and self._put(row, "iv", quote.mark_iv, unit=100.0):
            columns["iv_at"][row] = at
        forward, index = positive(quote.underlying_price), positive(quote.index_price)
        if forward is not None and index is not None:
            self._take_forward(float(self._expiries[self._expiry[row]]), forward, index, at)
        return True

    def take_index(self, index: IndexPrice, now: float) -> bool:
        """Take the index in; whether it could be used."""
        at, price = self._moment(index.timestamp, now), self._positive("index", index.price)
        if price is None or at is None:
            return False
        self._take_spot(price, at)
        return True

    def take_spot(self, price: float, now: float) -> None:
        """Take an index price that was asked for."""
        self._take_spot(price, now)

    def take_volatility_index(self, index: VolatilityIndex, now: float) -> bool:
        """Take DVOL in; whether it could be used."""
        at, points = self._moment(index.timestamp, now), self._positive("volatility index", index.volatility)
        if points is None or at is None:
            return False
        if at > self._volatility_at:
            self.volatility_index, self._volatility_at = points, at
            self.changed = True
        return True

    def _put(self, row: int, column: str, value: Scalar, *, unit: float = 1.0) -> bool:
        """Take one number in, unless it is missing or none that a market could have; whether it was taken."""
        found = number(value) / unit
        if 0.0 <= found <= LARGEST:
            self._columns[column][row] = found
            self.changed = True
            return True
        if not math.isnan(found):
            self.rejected[f"{column}: {_reason(found)}"] += 1
        return False

    def _positive(self, what: str, value: Scalar) -> float | None:
        """A price, or None and one more count of what is wrong with it."""
        price = positive(value)
        if price is None:
            self.rejected[f"{what}: {_reason(number(value))}"] += 1
        return price

    def _take_spot(self, price: float, at: float) -> None:
        if at > self.indexed_at:
            self.changed |= price != self.spot
            self.spot, self.indexed_at = price, at

    def _take_forward(self, expiry: float, forward: float, index: float, at: float) -> None:
        if at >= self._forwards.get(expiry, (0.0, 0.0, -np.inf))[2]:
            self._forwards[expiry] = forward, index, at
            self.changed = True

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
            self.rejected[f"{column}: {_reason(value)}"] += 1
        return values

    # What it makes.

    def chain(self, now: float, *, simulated: bool, notes: Sequence[str] = ()) -> OptionChain | None:
        """The chain of what lives at ``now``; None where that is nothing, or nothing with open interest."""
        alive: Booleans = self._contracts.expiry > now
        columns = self._columns
        if self.spot is None or not believable(columns["open_interest"][alive]).any():
            return None
        self.changed = False
        forwards = self._forwards_now()
        forward = np.array([forwards.get(expiry, np.nan) for expiry in self._expiries.tolist()])
        rows = Rows(
            contracts=self._contracts,
            iv=columns["iv"],
            open_interest=columns["open_interest"],
            volume=columns["volume"],
            bid=columns["bid"],
            ask=columns["ask"],
            multiplier=np.ones(len(self._row)),
            forward=forward[self._expiry],
            in_coins=quoted_in_coins(self._contracts),
        ).take(alive)
        at = min(max(self.indexed_at, self.marked_at, self.summed_at), now)
        capture = Capture(
            ticker=self.ticker,
            rows=rows,
            as_of=datetime.fromtimestamp(at, UTC),
            spot=self.spot,
            previous_close=self._yesterday(at),
            notes=tuple(notes),
        )
        volatility_index = self.volatility_index if now - self._volatility_at < _VOLATILITY_LASTS else None
        return replace(capture.chain("deribit"), volatility_index=volatility_index, simulated=simulated)

    def _forwards_now(self) -> dict[float, float]:
        """The forward of each expiry, moved with the index since it was seen."""
        if self.spot is None:
            return {}
        return {expiry: forward * (self.spot / index) for expiry, (forward, index, _) in self._forwards.items()}

    def _yesterday(self, at: float) -> float | None:
        """The price 24 hours before ``at``; None where the candles do not reach it."""
        begin, price = self.past
        row = int(np.searchsorted(begin, at - _DAY, side="right")) - 1
        return positive(float(price[row])) if row >= 0 and at - _DAY - begin[row] < _DAY / 24 else None


def _reason(value: float) -> str:
    """What is wrong with a number that cannot be used."""
    if math.isnan(value):
        return "missing"
    return "range" if math.isfinite(value) else "type"
