"""What a simulated Deribit lists, quotes, trades and settles, from one step of its market to the next."""

import random
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gextui.market.chain import OptionChain
from gextui.market.ticker import Kind
from gextui.simulator.altered import Alterations, rows_of
from gextui.simulator.deribit_names import day_name
from gextui.simulator.deribit_rows import Book, Row, closed
from gextui.simulator.http_venue import Market
from gextui.simulator.past import Past

VOLATILITY_INDICES = ("btc_usd", "eth_usd")

_CLOSED_FOR = 10.0
"""Seconds for which an expired contract is still known, closed."""
_TRADES_KEPT = 1000
_VOLATILITY_ROWS = 1000
"""The most rows of one answer of the volatility index's history."""
_CANDLES = 5000
"""The most candles of one answer."""
_REALISED_OVER = 15 * 24
"""Hours of returns in one value of the historical volatility."""
_HOURS_A_YEAR = 365 * 24
_VOLATILITY_OF_VOLATILITY = 0.8


@dataclass(frozen=True, slots=True)
class _Closed:
    """A contract that has expired."""

    currency: str
    until: float
    """When it is forgotten."""
    instrument: Row
    summary: Row
    ticker: Row


class Exchange:
    """The books of every root (``BTC``, ``SOL_USDC``) and what follows from them.

    Attributes:
        books: By root, as of the last refresh.
        previous: As of the one before.
        events: What happened at the last refresh: channels and their data.
        index_frozen: Whether index prices stay where they are.
    """

    def __init__(self, market: Market, seed: int) -> None:
        self.books: dict[str, Book] = {}
        self.previous: dict[str, Book] = {}
        self.events: list[tuple[str, Any]] = []
        self.index_frozen = False
        self._market = market
        self._now = market.now.timestamp()
        self._random = random.Random(seed)
        self._prices: dict[str, Past] = {}
        self._volatilities: dict[str, Past] = {}
        self._listed: dict[str, int] = {}
        """When each instrument was listed, in milliseconds."""
        self._closed: dict[str, _Closed] = {}
        self._trades: dict[str, deque[Row]] = {}
        self._trade_number = 445_682_190
        self._alterations = Alterations()

    # From one step to the next.

    def refresh(self, now: float, timestamp: int) -> None:
        """Take the market's chains as of ``now``, which the venue calls ``timestamp`` (milliseconds)."""
        self._now = now
        self.previous, self.books, self.events = self.books, {}, []
        for ticker in self._market.tickers:
            if ticker.kind is Kind.COIN:
                for chain in _by_root(self._market.chain(ticker)):
                    self._take(self._alterations.applied(chain), now, timestamp)
        self._closed = {name: known for name, known in self._closed.items() if known.until > now}

    def _take(self, chain: OptionChain, now: float, timestamp: int) -> None:
        root = chain.roots[0]
        before = self.previous.get(root)
        book = Book(chain, timestamp, before, before.index_price if before and self.index_frozen else None)
        self.books[root] = book
        if before is None:
            seed = zlib.crc32(root.encode())
            self._prices[root] = Past(seed, book.volatility_index / 100.0)
            self._volatilities[root] = Past(seed + 1, _VOLATILITY_OF_VOLATILITY)
            self._trades[root] = deque(maxlen=_TRADES_KEPT)
            month = 30 * 86_400_000
            for name, expiry in zip(book.names, book.expiry.tolist(), strict=True):
                self._listed[name] = min(timestamp, int(expiry * 1000)) - month
        else:
            self._announce(before, book)
            self._trade(before, book)
        self._prices[root].record(now, book.index_price)
        self._volatilities[root].record(now, book.volatility_index)

    def _announce(self, before: Book, book: Book) -> None:
        """Close what is gone and open what is new."""
        if book.names is before.names:
            return
        gone = [name for name in before.names if name not in book.row_of]
        summaries = {row["instrument_name"]: row for row in before.summaries()} if gone else {}
        for name in gone:
            row = before.row_of[name]
            instrument = before.instrument(row, self._listed.pop(name), "closed")
            summary = summaries[name] | {"estimated_delivery_price": "expired"}
            ticker = closed(before.ticker(row)) | {"timestamp": book.timestamp}
            self._closed[name] = _Closed(book.series.currency, self._now + _CLOSED_FOR, instrument, summary, ticker)
            self._say_state(book, name, "closed")
        for name in book.names:
            if name not in before.row_of:
                self._listed[name] = book.timestamp
                self._say_state(book, name, "open")

    def _say_state(self, book: Book, name: str, state: str) -> None:
        data = {"timestamp": book.timestamp, "state": state, "instrument_name": name}
        for currency in (book.series.currency, "any"):
            self.events.append((f"instrument.state.option.{currency}", data))

    def _trade(self, before: Book, book: Book) -> None:
        trades = []
        for trade in book.trades_since(before):
            self._trade_number += 1
            nanoseconds = book.timestamp * 1_000_000 + self._random.randrange(1_000_000)
            trades.append(
                trade
                | {
                    "direction": self._random.choice(("buy", "sell")),
                    "trade_seq": self._trade_number - 445_682_000,
                    "tick_direction": self._random.randrange(4),
                    "starbase_match_id": nanoseconds // 8,
                    "trade_id": str(self._trade_number),
                    "starbase_timestamp": nanoseconds,
                }
            )
        if trades:
            self._trades[book.series.root].extend(trades)
            for currency in (book.series.currency, "any"):
                self.events.append((f"trades.option.{currency}.100ms", trades))

    # What a test makes happen.

    def settle_next(self, root: str) -> None:
        """Let the nearest living expiry of a root expire at the next refresh, before its time. KeyError for no root."""
        self._alterations.settle_next(self.books[root].chain)

    def list_strike(self, root: str) -> None:
        """List a strike beyond the highest of the nearest expiry at the next refresh. KeyError for no root."""
        self._alterations.list_strike(self.books[root].chain)

    # What it answers.

    def of_currency(self, currency: str) -> Iterator[Book]:
        """The books of a currency, or of ``any``."""
        return (book for book in self.books.values() if currency in ("any", book.series.currency))

    def by_index(self, index: str) -> Book | None:
        """The book of a price index, or None."""
        return next((book for book in self.books.values() if book.series.index == index), None)

    def instruments(self, currency: str, *, expired: bool) -> list[Row]:
        """What is listed, or has just expired, in random order."""
        gone = [known.instrument for known in self._closed.values() if currency in ("any", known.currency)]
        if expired:
            return gone
        rows = [
            book.instrument(row, self._listed[name])
            for book in self.of_currency(currency)
            for row, name in enumerate(book.names)
        ]
        return self._shuffled(rows + gone)

    def summaries(self, currency: str) -> list[Row]:
        """The book summary, in random order."""
        gone = [known.summary for known in self._closed.values() if currency in ("any", known.currency)]
        return self._shuffled([row for book in self.of_currency(currency) for row in book.summaries()] + gone)

    def ticker(self, name: str) -> Row | None:
        """An instrument's ticker, closed where it has just expired; None where it is unknown."""
        for book in self.books.values():
            if (row := book.row_of.get(name)) is not None:
                return book.ticker(row)
        return self._closed[name].ticker if name in self._closed else None

    def expirations(self, currency: str) -> list[str]:
        """The days on which options of a currency expire, ascending."""
        instants = {instant for book in self.of_currency(currency) for instant in book.expiry.tolist()}
        return [day_name(instant) for instant in sorted(instants)]

    def last_trades(self, currency: str, count: int) -> Row:
        """The newest trades, newest first."""
        roots = [book.series.root for book in self.of_currency(currency)]
        trades = sorted((trade for root in roots for trade in self._trades[root]), key=_number, reverse=True)
        return {"trades": trades[:count], "has_more": len(trades) > count}

    def volatility_index(self, currency: str, start: int, end: int, seconds: int) -> Row:
        """The history of a currency's volatility index between two milliseconds."""
        last = min(end / 1000, self._now)
        first = max(start / 1000, last - (_VOLATILITY_ROWS + 1) * seconds)
        candles = self._volatilities[currency].candles(first, last, seconds)
        columns = (candles.open, candles.high, candles.low, candles.close)
        rows = [
            [int(at * 1000), *(round(value, 2) for value in values)]
            for at, *values in zip(candles.at.tolist(), *(column.tolist() for column in columns), strict=True)
        ]
        more = len(rows) > _VOLATILITY_ROWS
        rows = rows[-_VOLATILITY_ROWS:]
        return {"data": rows, "continuation": rows[0][0] - 1000 * seconds if more else None}

    def historical_volatility(self, currency: str) -> list[list[float]]:
        """Realised volatility over 15 days at each hour of the last 15; the first row comes twice, as it does there."""
        candles = self._prices[currency].candles(self._now - 2 * 3600 * _REALISED_OVER, self._now, 3600)
        squares = np.cumsum(np.diff(np.log(candles.close)) ** 2)
        realised = 100.0 * np.sqrt(
            (squares[_REALISED_OVER:] - squares[:-_REALISED_OVER]) / _REALISED_OVER * _HOURS_A_YEAR
        )
        at = candles.at[_REALISED_OVER + 1 :]
        rows = [[int(hour * 1000), value] for hour, value in zip(at.tolist(), realised.tolist(), strict=True)]
        return rows[:1] + rows

    def chart(self, root: str, start: int, end: int, seconds: int) -> Row:
        """Candles of a root's perpetual between two milliseconds, as columns."""
        last = min(end / 1000, self._now)
        candles = self._prices[root].candles(max(start / 1000, last - _CANDLES * seconds), last, seconds)
        prices = {name: getattr(candles, name) for name in ("open", "high", "low", "close")}
        # Busy where the price moved; invented as all the rest.
        volume = np.round(5.0 + 1e4 * (candles.high - candles.low) / candles.close, 8)
        decimals = self.books[root].decimals
        return {
            "status": "ok" if len(candles.at) else "no_data",
            "ticks": (candles.at * 1000).astype(int).tolist(),
            **{name: np.round(column, decimals).tolist() for name, column in prices.items()},
            "volume": volume.tolist(),
            "cost": np.round(volume * candles.close, 2).tolist(),
        }

    def _shuffled(self, rows: list[Row]) -> list[Row]:
        self._random.shuffle(rows)
        return rows


def _number(trade: Row) -> int:
    return int(trade["trade_id"])


def _by_root(chain: OptionChain) -> Iterable[OptionChain]:
    """A chain a root: Deribit keeps inverse and linear options of one coin apart."""
    if len(chain.roots) == 1:
        return [chain]
    return [
        replace(
            rows_of(chain, chain.root == index),
            root=np.zeros(np.count_nonzero(chain.root == index), np.int64),
            roots=(root,),
        )
        for index, root in enumerate(chain.roots)
    ]
