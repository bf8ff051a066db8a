"""What a simulated Bybit lists, quotes and trades, and what it answers over REST."""

import zlib
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import parse_qsl, quote

from gextui.market.ticker import Kind
from gextui.simulator.altered import Alterations
from gextui.simulator.bybit_rows import Book, Row, display_name
from gextui.simulator.deribit_names import day_name
from gextui.simulator.http_venue import Market
from gextui.simulator.past import Past

BAD_PARAMETER = 10001
NO_SUCH_ROUTE = 10017

_LONGEST_PAGE = 1000
_PAGE = 500
_DELIVERING_FOR = 10.0
"""Seconds for which an expired contract is still listed, delivering."""
_A_DAY = 86400.0
_A_MONTH = 30 * 86_400_000
_VOLATILITY = 0.5
"""Of the made-up past."""

Query = Mapping[str, str]


class BybitError(Exception):
    """A ``retCode`` other than 0, and its words."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Exchange:
    """The books of every coin, and the REST methods that answer from them.

    Attributes:
        books: By coin, as of the last refresh.
        steps: How often it was refreshed.
        trades: By coin, of the last refresh alone.
        names_as_displayed: Whether instruments are listed under the names that people are shown.
        lacking: Keys that tickers lack.
    """

    def __init__(self, market: Market) -> None:
        self.books: dict[str, Book] = {}
        self.steps = 0
        self.trades: dict[str, list[Row]] = {}
        self.names_as_displayed = False
        self.lacking: set[str] = set()
        self._market = market
        self._alterations = Alterations()
        self._launched: dict[str, int] = {}
        self._delivering: dict[str, tuple[float, Row]] = {}
        """Rows of what has just expired, and until when they are shown."""
        self._prices: dict[str, Past] = {}
        self._now = 0.0
        self.methods: dict[str, Callable[[Query], Row]] = {
            "v5/market/instruments-info": self.instruments_info,
            "v5/market/tickers": self.tickers,
            "v5/market/time": lambda _: {"timeSecond": str(int(self._now)), "timeNano": str(int(self._now * 1e9))},
        }

    # From one step to the next.

    def refresh(self, now: float, timestamp: int) -> None:
        """Take the market's chains as of ``now``, which the venue calls ``timestamp`` (milliseconds)."""
        self._now = now
        self.steps += 1
        self._delivering = {symbol: known for symbol, known in self._delivering.items() if known[0] > now}
        for ticker in self._market.tickers:
            if ticker.kind is Kind.COIN:
                coin, before = ticker.symbol, self.books.get(ticker.symbol)
                chain = self._alterations.applied(self._market.chain(ticker))
                book = self.books[coin] = Book(chain, timestamp, before)
                if before is None:
                    self._prices[coin] = Past(zlib.crc32(coin.encode()), _VOLATILITY)
                    listed = min(timestamp - _A_MONTH, int(book.expiry.min() * 1000) - _A_MONTH)
                    self._launched.update(dict.fromkeys(book.symbols, listed))
                    self.trades[coin] = []
                else:
                    self._deliver(before, book)
                    self.trades[coin] = list(book.trades_since(before))
                self._prices[coin].record(now, book.index_price)

    def _deliver(self, before: Book, book: Book) -> None:
        if book.symbols is before.symbols:
            return
        for row, symbol in enumerate(before.symbols):
            if symbol not in book.row_of:
                delivering = before.instrument(row, self._launched.pop(symbol)) | {"status": "Delivering"}
                self._delivering[symbol] = self._now + _DELIVERING_FOR, delivering
        for symbol in book.symbols:
            self._launched.setdefault(symbol, book.timestamp)

    def settle_next(self, coin: str) -> None:
        """Let the nearest living expiry of a coin expire at the next refresh, before its time."""
        self._alterations.settle_next(self.books[coin].chain)

    def list_strike(self, coin: str) -> None:
        """List a strike beyond the highest of the nearest expiry at the next refresh."""
        self._alterations.list_strike(self.books[coin].chain)

    # Symbols.

    def find(self, symbol: str) -> tuple[Book, int] | None:
        """The book that lists a symbol, and its row; None where none does."""
        book = self.books.get(symbol.partition("-")[0])
        row = None if book is None else book.row_of.get(symbol)
        return None if book is None or row is None else (book, row)

    def is_displayed(self, name: str) -> bool:
        """Whether people are shown a contract by that name."""
        return any(display_name(symbol) == name for book in self.books.values() for symbol in book.symbols)

    def pushed(self, symbol: str) -> Row | None:
        """A symbol's ticker as the WebSocket gives it."""
        found = self.find(symbol)
        return None if found is None else self._without(found[0].pushed(found[1]))

    def _without(self, ticker: Row) -> Row:
        return {key: text for key, text in ticker.items() if key not in self.lacking} if self.lacking else ticker

    # REST.

    def instruments_info(self, query: Query) -> Row:
        """Pages of what is listed, and of what is being delivered."""
        _only_options(query)
        limit = _whole(query, "limit", _PAGE)
        if not 0 < limit <= _LONGEST_PAGE:
            raise BybitError(BAD_PARAMETER, "Illegal limit")
        coin = query.get("baseCoin", "BTC")
        rows = list(self._listed(coin))
        start = self._after(query["cursor"]) if query.get("cursor") else 0
        end = start + limit
        cursor = quote(f"lastid={end}&lasttime={int(self._now * 1e6)}", safe="") if end < len(rows) else ""
        return {"category": "option", "nextPageCursor": cursor, "list": rows[start:end]}

    def _listed(self, coin: str) -> Iterator[Row]:
        book = self.books.get(coin)
        rows = [] if book is None else [book.instrument(row, self._launched[name]) for name, row in book.row_of.items()]
        rows += [row for _, row in self._delivering.values() if row["baseCoin"] == coin]
        for row in rows:
            yield row | {"symbol": row["displayName"]} if self.names_as_displayed else row

    @staticmethod
    def _after(cursor: str) -> int:
        """Where the page of a cursor begins; one that was encoded once too often is none."""
        last = dict(parse_qsl(cursor)).get("lastid", "")
        if not last.isdigit():
            raise BybitError(BAD_PARAMETER, "Illegal cursor")
        return int(last)

    def tickers(self, query: Query) -> Row:
        """A coin's whole chain, one expiry of it or one contract; or a perpetual."""
        if query.get("category") == "linear":
            return {"category": "linear", "list": [self._perpetual(query.get("symbol", ""))]}
        _only_options(query)
        if "symbol" in query:
            found = self.find(query["symbol"])
            if found is None:
                raise BybitError(BAD_PARAMETER, "params error: symbol invalid")
            rows = [found[0].tickers()[found[1]]]
        elif "baseCoin" in query:
            book = self.books.get(query["baseCoin"])
            rows = [] if book is None else book.tickers()
            if book is not None and "expDate" in query:
                days = [day_name(instant) for instant in book.expiry.tolist()]
                rows = [row for row, day in zip(rows, days, strict=True) if day == query["expDate"]]
        else:
            raise BybitError(BAD_PARAMETER, "params error: symbol or baseCoin is mandatory")
        return {"category": "option", "list": [self._without(row) for row in rows]}

    def _perpetual(self, symbol: str) -> Row:
        book = self.books.get(symbol.removesuffix("USDT"))
        if book is None:
            raise BybitError(BAD_PARAMETER, "params error: symbol invalid")
        candles = self._prices[book.coin].candles(self._now - _A_DAY, self._now - _A_DAY + 60.0, 60)
        return book.perpetual(round(float(candles.open[0]), 8))


def _only_options(query: Query) -> None:
    if query.get("category") != "option":
        raise BybitError(BAD_PARAMETER, "Illegal category")


def _whole(query: Query, name: str, otherwise: int) -> int:
    try:
        return int(query.get(name, otherwise))
    except ValueError:
        raise BybitError(BAD_PARAMETER, f"Illegal {name}") from None
