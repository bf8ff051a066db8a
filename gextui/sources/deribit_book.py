"""One coin's options on Deribit: the newest that was heard of each contract, and the chain that makes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from gextui.market.chain import Booleans, Floats, OptionChain
from gextui.market.ticker import Ticker
from gextui.sources.book import ColumnBook
from gextui.sources.deribit_messages import IndexPrice, Mark, Quote, Summary, VolatilityIndex, quoted_in_coins
from gextui.sources.rows import LARGEST, numbers, positive
from gextui.sources.symbols import Contracts

INVERSE = ("BTC", "ETH")
"""Coins whose options settle in the coin itself; all others settle in USDC."""
_DAY = 86400.0
_VOLATILITY_LASTS = 600.0
"""Seconds after which the venue's volatility index says nothing of now."""


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


class Book(ColumnBook):
    """What is known of one coin on Deribit."""

    source = "deribit"
    iv_unit = 100.0
    has_index_channel = True
    waits_for_listing = True

    def __init__(self, ticker: Ticker, on_change: Callable[[], object] = lambda: None) -> None:
        """An empty book; see `ColumnBook`."""
        self.market = market_of(ticker.symbol)
        self.marked_at = -np.inf
        """When the mark prices were last known to be true, if only because nothing was said to have changed."""
        self.priced_at = -np.inf
        """Likewise the index, by its own channel; `indexed_at` is by summaries too."""
        self.volatility_index: float | None = None
        self._past: tuple[Floats, Floats] = np.empty(0), np.empty(0)
        self.recall_at = -np.inf
        """When that is to be asked for again."""
        self._newest_mark = -np.inf
        self._volatility_at = -np.inf
        self._chosen: set[str] = set()
        """Those `at_the_money`."""
        super().__init__(ticker, on_change)

    def is_mine(self, name: str) -> bool:
        """Whether the name is that of an option on this coin."""
        return name.startswith(self.market.prefix)

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
        stamps = [summary.creation_timestamp for summary in mine]
        return self._take_whole(
            [summary.instrument_name for summary in mine],
            at=[now if stamp is None else stamp for stamp in stamps],
            iv=numbers([summary.mark_iv for summary in mine]) / 100.0,
            open_interest=numbers([summary.open_interest for summary in mine]),
            volume=numbers([summary.volume for summary in mine]),
            bid=numbers([summary.bid_price for summary in mine]),
            ask=numbers([summary.ask_price for summary in mine]),
            forward=numbers([summary.underlying_price for summary in mine]),
            index=numbers([summary.estimated_delivery_price for summary in mine]),
            now=now,
        )

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
        self._newest_mark = max(self._newest_mark, float(at[good].max()))
        self.marked_at = max(self.marked_at, self._newest_mark)
        # Of several values for one contract the newest counts, whatever their order.
        order = np.flatnonzero(good)[np.argsort(at[good], kind="stable")]
        rows, at, iv = rows[order], at[order], iv[order]
        newer = at > self._columns["iv_at"][rows]
        if newer.any():
            self._columns["iv"][rows[newer]] = iv[newer]
            self._columns["iv_at"][rows[newer]] = at[newer]
            self._change()
        return True

    def take_quote(self, quote: Quote, now: float) -> bool:
        """Take one contract's ``ticker`` in, whatever it lacks; whether it could be used."""
        self._write()
        self._look_at(now)
        row = self._row.get(quote.instrument_name) if isinstance(quote.instrument_name, str) else None
        if row is None or quote.state != "open":
            return True  # of a contract that is gone, or is going: its zeros mean nothing
        at = self._moment(quote.timestamp, now)
        if at is None:
            return False
        columns = self._columns
        if at <= columns["quoted_at"][row]:
            return True
        self._take_row(row, at)
        self._put(row, "open_interest", quote.open_interest)
        self._put(row, "volume", None if quote.stats is None else quote.stats.volume)
        self._put(row, "bid", quote.best_bid_price)
        self._put(row, "ask", quote.best_ask_price)
        if at > columns["iv_at"][row] and self._put(row, "iv", quote.mark_iv, unit=self.iv_unit):
            columns["iv_at"][row] = at
        forward, index = positive(quote.underlying_price), positive(quote.index_price)
        if forward is not None and index is not None:
            self._take_forward(float(self._expiries[self._expiry[row]]), forward, index, at)
        return True

    def take_past(self, begin: Floats, price: Floats) -> None:
        """Take yesterday's candles in: when each begins, and its opening price."""
        self._past = begin, price
        self._change()

    def take_index(self, index: IndexPrice, now: float) -> bool:
        """Take the index in; whether it could be used."""
        at, price = self._moment(index.timestamp, now), self._positive("index", index.price)
        if price is None or at is None:
            return False
        self.priced_at = max(self.priced_at, at)
        self._take_spot(price, at)
        return True

    def take_volatility_index(self, index: VolatilityIndex, now: float) -> bool:
        """Take DVOL in; whether it could be used."""
        at, points = self._moment(index.timestamp, now), self._positive("volatility index", index.volatility)
        if points is None or at is None:
            return False
        if at > self._volatility_at:
            self.volatility_index, self._volatility_at = points, at
            self._change()
        return True

    # What it makes.

    def in_coins(self, contracts: Contracts) -> Booleans:
        """Which contracts are quoted in coins."""
        return quoted_in_coins(contracts)

    def chain(self, now: float, *, simulated: bool, notes: Sequence[str] = ()) -> OptionChain | None:
        """The chain of what lives at ``now``, where there is one; see `ColumnBook`."""
        self._write()
        at = max(self.indexed_at, self._newest_mark, self.summed_at)
        lately = now - self._volatility_at < _VOLATILITY_LASTS
        return self._chain(
            now,
            at,
            simulated=simulated,
            notes=notes,
            previous_close=self._yesterday(min(at, now)),
            volatility_index=self.volatility_index if lately else None,
        )

    def _yesterday(self, at: float) -> float | None:
        """The price 24 hours before ``at``; None where the candles do not reach it."""
        begin, price = self._past
        row = int(np.searchsorted(begin, at - _DAY, side="right")) - 1
        return positive(float(price[row])) if row >= 0 and at - _DAY - begin[row] < _DAY / 24 else None
