"""One coin's options on Bybit: the newest ticker of each contract, and the chain that makes."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

import numpy as np

from gextui.market.chain import Floats, Integers, OptionChain
from gextui.market.ticker import Ticker as MarketTicker
from gextui.sources.book import ColumnBook, reason
from gextui.sources.bybit_messages import Data, Ticker, Trade, canonical
from gextui.sources.rows import LARGEST, SMALLEST, number, numbers, positive

_HOUR = 3600.0
_HOURS = 24
_TRADES_KNOWN = 4096
"""Trades whose numbers are remembered, so that none counts twice."""
_NUMBERS = (
    ("open_interest", "open_interest", True),
    ("volume", "volume24h", False),
    ("bid", "bid_price", False),
    ("ask", "ask_price", False),
)
"""Columns, where a push has them, and whether it must."""


class Book(ColumnBook):
    """What is known of one coin on Bybit. Rows are named by the `canonical` form of their symbols."""

    source = "bybit"

    def __init__(self, ticker: MarketTicker, on_change: Callable[[], object] = lambda: None) -> None:
        """An empty book; see `ColumnBook`."""
        self.previous_close: float | None = None
        """What the coin cost a day ago."""
        self.recall_at = -np.inf
        """When that is to be asked for again, by the clock's seconds."""
        self._listed_as: dict[str, str] = {}
        self._told_of: set[str] = set()
        """Every contract in the newest whole chain."""
        self._untraded: set[str] = set()
        """Those of them that the listing does not have, e.g. before their launch."""
        self._untold: set[str] = set()
        """Those of the listing that the whole chain does not have."""
        self._traded = _Traded()
        super().__init__(ticker, on_change)

    # What is listed.

    def is_mine(self, name: str) -> bool:
        """Whether the name is that of an option on this coin."""
        return name.startswith(f"{self.ticker.symbol}-")

    def relist_symbols(self, symbols: Iterable[str], now: float) -> bool:
        """Hold exactly the contracts of this coin among ``symbols``, however they are written; see `relist`."""
        listed_as = {canonical(symbol): symbol for symbol in symbols}
        changed = self.relist(listed_as, now)
        # The listing has answered for these: it need not be asked again about them.
        self._untraded, self._untold = self._told_of - self._row.keys(), self._row.keys() - self._told_of
        before, self._listed_as = self._listed_as, {name: listed_as[name] for name in self._row if name in listed_as}
        return changed or before != self._listed_as

    def symbols(self) -> list[str]:
        """The contracts as the venue lists them."""
        return [self._listed_as.get(name, name) for name in self._row]

    def _hold(self, names: Sequence[str]) -> None:
        came_from = np.array([self._row.get(name, -1) for name in names], dtype=np.int64)
        super()._hold(names)
        self._expiry_of: list[float] = self._contracts.expiry.tolist()
        self._traded.hold(came_from)

    # What is heard.

    def take_tickers(self, tickers: Sequence[Ticker], at: float, now: float) -> bool:
        """Take the whole chain in, true at ``at``; False where none of its open interest can be used."""
        named = [(canonical(ticker.symbol) if isinstance(ticker.symbol, str) else None, ticker) for ticker in tickers]
        self._told_of = {name for name, _ in named if name is not None}
        self.unconfirmed |= not self._row.keys() - self._told_of <= self._untold
        names = [name for name, _ in named if name not in self._untraded]
        tickers = [ticker for name, ticker in named if name not in self._untraded]
        return self._take_whole(
            names,
            at=[at] * len(tickers),
            iv=numbers([ticker.mark_iv for ticker in tickers]),
            open_interest=numbers([ticker.open_interest for ticker in tickers]),
            volume=numbers([ticker.volume24h for ticker in tickers]),
            bid=numbers([ticker.bid1_price for ticker in tickers]),
            ask=numbers([ticker.ask1_price for ticker in tickers]),
            forward=numbers([ticker.underlying_price for ticker in tickers]),
            index=numbers([ticker.index_price for ticker in tickers]),
            now=now,
        )

    def take(self, symbol: str, data: Data, sent: int | None, now: float, *, whole: bool = True) -> bool:
        """Take one contract's push in, whatever it lacks; whether it has an IV, and is not known to be old.

        What it lacks stays as it was; one that is not ``whole`` tells only what has changed.
        """
        self._write()
        self._look_at(now)
        row = self._row.get(symbol)
        if row is None and (row := self._row.get(canonical(symbol))) is None:
            return True  # of a contract that is gone
        at = self._moment(sent, now)
        columns = self._columns
        if at is None or at <= (known := columns["quoted_at"][row]):
            return at is not None and at == known
        index = data.index_price
        if index is None or not SMALLEST <= index <= LARGEST:
            if whole or index is not None:
                self._positive("index", index)
                return False
        else:
            self._take_spot(index, at)
            if (forward := self._forward(data, whole=whole)) is not None:
                self._take_forward(self._expiry_of[row], forward, index, at)
        for column, field, required in _NUMBERS:
            value = getattr(data, field)
            if value is not None and 0.0 <= value <= LARGEST:
                columns[column][row] = value
            elif value is not None or (required and whole):
                self.rejected[f"{column}: {reason(number(value))}"] += 1
        self._take_row(row, at)
        iv = data.mark_price_iv
        if iv is not None and 0.0 <= iv <= LARGEST:
            columns["iv"][row], columns["iv_at"][row] = iv, at
        elif whole or iv is not None:
            self.rejected[f"iv: {reason(number(iv))}"] += 1
            return False
        self.heard_at = max(self.heard_at, at)
        return True

    def _forward(self, data: Data, *, whole: bool) -> float | None:
        forward = data.underlying_price
        if forward is not None and SMALLEST <= forward <= LARGEST:
            return forward
        return self._positive("forward", forward) if whole else None

    def take_trades(self, trades: Sequence[Trade], now: float) -> None:
        """Take trades in, which stand for the day's volume where tickers do not tell it."""
        for trade in trades:
            row = None if trade.symbol is None else self._row.get(canonical(trade.symbol))
            size, at = positive(trade.size), self._moment(trade.at, now)
            if row is not None and size is not None and at is not None:
                self._traded.take(row, size, at, trade.number)

    # What it makes.

    def chain(self, now: float, *, simulated: bool, notes: Sequence[str] = ()) -> OptionChain | None:
        """The chain of what lives at ``now``, where there is one; see `ColumnBook`."""
        self._write()
        volume, traded = self._columns["volume"], self._traded.total(len(self))
        told_by_trades = np.isnan(volume) & (traded > 0.0)
        if told_by_trades.any():
            since = datetime.fromtimestamp(self._traded.since, UTC)
            notes = (*notes, f"Where Bybit tells no volume it is of the trades since {since:%H:%M} UTC.")
        return self._chain(
            now,
            max(self.heard_at, self.summed_at),
            simulated=simulated,
            notes=notes,
            previous_close=self.previous_close,
            volume=np.where(told_by_trades, traded, volume),
        )


class _Traded:
    """What was traded of each contract in the last 24 hours of which we heard, by the hour."""

    def __init__(self) -> None:
        self.since = np.inf
        """When the first of these trades was made."""
        self._coins: dict[int, dict[int, float]] = {}
        """By hour and row."""
        self._known: dict[str, None] = {}

    def hold(self, came_from: Integers) -> None:
        """Have these rows, each from the row it was before, or -1 for a new one."""
        now = {before: row for row, before in enumerate(came_from.tolist()) if before >= 0}
        for hour, coins in self._coins.items():
            self._coins[hour] = {now[row]: size for row, size in coins.items() if row in now}

    def take(self, row: int, size: float, at: float, number: str | None) -> None:
        """Count one trade, once."""
        if number is not None:
            if number in self._known:
                return
            self._known[number] = None
            if len(self._known) > _TRADES_KNOWN:
                del self._known[next(iter(self._known))]
        hour = int(at // _HOUR)
        first = max([hour, *self._coins]) - _HOURS + 1
        self._coins = {each: coins for each, coins in self._coins.items() if each >= first}
        if hour >= first:
            coins = self._coins.setdefault(hour, {})
            coins[row] = coins.get(row, 0.0) + size
            self.since = max(min(self.since, at), first * _HOUR)

    def total(self, rows: int) -> Floats:
        """In coins; (rows,)."""
        total = np.zeros(rows)
        for coins in self._coins.values():
            total[list(coins)] += list(coins.values())
        return total
