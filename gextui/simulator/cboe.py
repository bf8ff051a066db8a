"""A simulated Cboe: delayed-quotes files made anew each minute, with the venue's quirks and its own ways to fail."""

import gzip
import hashlib
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from email.utils import formatdate

import msgspec

from gextui.market.calendar import (
    NEW_YORK,
    MarketState,
    index_options_close,
    is_trading_day,
    market_state,
    opening,
    previous_trading_day,
)
from gextui.market.chain import OptionChain
from gextui.market.option_hours import options_trade
from gextui.market.ticker import Kind, Session, Ticker
from gextui.simulator.cboe_rows import Row, options, symbol_of, underlying
from gextui.simulator.http_venue import Answer, Asked, HttpVenue, Market
from gextui.sources.pacing import Clock

REBUILT_EVERY = 60.0
DELAY = 900.0
"""Seconds by which quotes are late."""
_ROLLS_AT = time(20, 45)
"""New York's time at which the previous close becomes today's."""
_ADJUSTED = 4
"""So many contracts of an adjusted root are listed."""
_DENIED = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>'
)


@dataclass(frozen=True, slots=True)
class _File:
    """A file as it lies on the venue's disk."""

    made_at: float
    body: bytes

    @property
    def etag(self) -> str:
        return f'W/"{hashlib.md5(self.body, usedforsecurity=False).hexdigest()}"'


@dataclass(eq=False)
class _Book:
    """What the venue knows of one ticker."""

    past: deque[OptionChain] = field(default_factory=deque)
    """Chains of the last quarter of an hour, one a minute, the newest last."""
    quoted: OptionChain | None = None
    """The newest of which there are quotes: options do not trade round the clock."""
    expired: OptionChain | None = None
    """The newest in which there was what has expired since."""
    rows: list[Row] = field(default_factory=list)
    """What files list until the quotes, or the day, are others."""
    rows_of: tuple[OptionChain, str] | None = None
    price: float = 0.0
    traded_at: datetime | None = None
    file: _File | None = None


class CboeVenue(HttpVenue):
    """Cboe's delayed quotes on loopback. Everything it makes is simulated, and every file says so.

    Attributes:
        calls: How often each file was asked for.
        unchanged: How often the answer was that it has not changed.
        recorded: Bodies that are served as they are, by the venue's symbol; they say of themselves what they say.
        adjusted: Whether contracts of an adjusted root (SPY1) are listed.
        without_dates: Whether timestamps are times alone.
    """

    rest_path = "/api/global/delayed_quotes"

    def __init__(self, market: Market, *, clock: Clock | None = None, speed: float = 1.0, delay: float = DELAY) -> None:
        """Serve the US tickers of ``market``, quotes ``delay`` seconds late; the first until so much has passed."""
        super().__init__(market, clock=clock, speed=speed)
        self.calls: Counter[str] = Counter()
        self.unchanged = 0
        self.recorded: dict[str, bytes] = {}
        self.adjusted = self.without_dates = False
        self._delay = delay
        self._wiped: frozenset[str] = frozenset()
        self._halved = self._stalled = self._cut = False
        self._books = {ticker: _Book() for ticker in market.tickers if ticker.session is Session.NEW_YORK}
        self._remember()

    # Files.

    def answer(self, asked: Asked) -> Answer:
        """A file, or the word that it has not changed; 403 where there is none, as its store says it."""
        kind, _, name = asked.path.partition("/")
        symbol = name.removesuffix(".json")
        self.calls[symbol] += 1
        file = self._file(symbol) if kind == "options" and name.endswith(".json") else None
        if file is None:
            return Answer(_DENIED, 403, {"Content-Type": "application/xml"})
        headers = {
            "Content-Type": "application/json",
            "Cache-Control": "max-age=0, s-maxage=5",
            "ETag": file.etag,
            "Last-Modified": formatdate(file.made_at, usegmt=True),
        }
        if asked.headers.get("If-None-Match") == file.etag:
            self.unchanged += 1
            return Answer(b"", 304, headers)
        body = super().damaged(file.body)
        if "gzip" in asked.headers.get("Accept-Encoding", ""):
            body, headers["Content-Encoding"] = gzip.compress(body, 1, mtime=0), "gzip"
        return Answer(body[: len(body) // 2] if self._cut else body, 200, headers)

    def damaged(self, body: bytes) -> bytes:
        """The body as it is: what is damaged was so before it was compressed."""
        return body

    def _file(self, symbol: str) -> _File | None:
        if symbol in self.recorded:
            return _File(self.now(), self.recorded[symbol])
        for ticker, book in self._books.items():
            if book.past and symbol == symbol_of(book.past[-1]):
                due = self.now() // REBUILT_EVERY * REBUILT_EVERY
                if book.file is None or (book.file.made_at < due and not self._stalled):
                    book.file = _File(due, self._made(ticker, book, datetime.fromtimestamp(due, UTC)))
                return book.file
        return None

    def _made(self, ticker: Ticker, book: _Book, at: datetime) -> bytes:
        """The file as of that minute."""
        self._advance(ticker, book)
        chain, traded_at = book.quoted, book.traded_at
        assert chain is not None
        assert traded_at is not None
        rows = [dict(row) for row in _listed(book, chain, f"{at.astimezone(NEW_YORK):%y%m%d}")]
        if self._halved:
            rows = rows[: len(rows) // 2]
        if self.adjusted:
            rows += [row | {"option": _adjusted(row["option"])} for row in rows[:_ADJUSTED]]
        for row in rows if self._wiped else ():
            row.update(dict.fromkeys(self._wiped, 0.0))
        rolled = at.astimezone(NEW_YORK).time() >= _ROLLS_AT
        about = underlying(chain, price=book.price, traded_at=traded_at, rolled=rolled)
        timestamp = f"{at:%H:%M:%S}" if self.without_dates else f"{at:%Y-%m-%d %H:%M:%S}"
        data = {"options": rows, **about}
        return msgspec.json.encode(
            {"timestamp": timestamp, "data": data, "symbol": symbol_of(chain), "simulated": True}
        )

    def _advance(self, ticker: Ticker, book: _Book) -> None:
        """Bring quotes and price to where they were a quarter of an hour before, where anything traded then."""
        quoted_at = datetime.fromtimestamp(self._ticked_at - self._delay, UTC)
        chain = next((chain for chain in reversed(book.past) if chain.as_of <= quoted_at), book.past[0])
        is_index, before = ticker.kind is Kind.INDEX, book.quoted
        regular = _in_regular_hours(quoted_at)
        if before is None or regular or (is_index and options_trade(ticker, quoted_at)):
            if before is not None and before.expiries[0] < chain.expiries[0]:
                book.expired = before
            book.quoted = chain
        if before is None or regular or not (is_index or market_state(ticker.session, quoted_at) is MarketState.CLOSED):
            book.price = chain.spot
        if before is None or regular:
            book.traded_at = quoted_at if regular else _last_tick(quoted_at)

    def tick(self) -> None:
        """Bring the market to this instant, and remember it once a minute."""
        super().tick()
        self._remember()

    def _remember(self) -> None:
        for ticker, book in self._books.items():
            now = self.market.now
            if book.past and (now - book.past[-1].as_of).total_seconds() < REBUILT_EVERY:
                continue
            book.past.append(self.market.chain(ticker))
            oldest = now - timedelta(seconds=self._delay)
            while len(book.past) > 1 and book.past[1].as_of <= oldest:
                book.past.popleft()
            self._advance(ticker, book)

    # Faults of this venue's own.

    def stall(self) -> None:
        """Make no file anew, until `heal`."""
        self._stalled = True

    def wipe(self, *columns: str) -> None:
        """Write 0 into these columns of every contract (``open_interest``, ``iv``), from the next file until `heal`."""
        self._wiped = frozenset(columns)

    def halve(self) -> None:
        """List half of the contracts, from the next file until `heal`."""
        self._halved = True

    def cut_short(self) -> None:
        """Send half of each body as if it were all, until `heal`."""
        self._cut = True

    def ban(self) -> None:
        """Answer everything with the page of those who block an address, until `heal`."""
        self.answer_with(
            403, b"<html><title>Access denied</title>error code: 1015</html>", {"Content-Type": "text/html"}
        )

    def redirect(self, url: str) -> None:
        """Send everybody elsewhere, until `heal`."""
        self.answer_with(302, b"", {"Content-Type": "text/html", "Location": url})

    def heal(self) -> None:
        """End every fault; connections in a hole stay there."""
        super().heal()
        self._wiped = frozenset()
        self._halved = self._stalled = self._cut = False


def _listed(book: _Book, chain: OptionChain, today: str) -> list[Row]:
    """The rows of a file; what expired today (``yymmdd``) stays until tomorrow."""
    if book.rows_of is None or book.rows_of[0] is not chain or book.rows_of[1] != today:
        rows = {row["option"]: row for row in options(chain)}
        for row in () if book.expired is None else options(book.expired):
            if row["option"][-15:-9] == today:
                rows.setdefault(row["option"], row)
        book.rows, book.rows_of = list(rows.values()), (chain, today)
    return book.rows


def _adjusted(name: str) -> str:
    """The contract of the same terms on an adjusted deliverable: SPY261120C00660000 to SPY1261120C00660000."""
    return f"{name[:-15]}1{name[-15:]}"


def _in_regular_hours(at: datetime) -> bool:
    """Whether options trade in New York's regular hours; those on indices and large ETFs, which trade longest."""
    day = at.astimezone(NEW_YORK).date()
    return is_trading_day(day) and opening(day) <= at < index_options_close(day)


def _last_tick(at: datetime) -> datetime:
    """A second before regular hours ended last."""
    day = at.astimezone(NEW_YORK).date()
    if not is_trading_day(day) or at < index_options_close(day):
        day = previous_trading_day(day)
    return index_options_close(day) - timedelta(seconds=1)
