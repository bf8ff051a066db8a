"""A simulated Tradier: market data over REST behind a token, a quota a minute, and its own ways to fail."""

from collections import Counter
from collections.abc import Callable
from http import HTTPStatus

import msgspec

from gextui.market.chain import OptionChain
from gextui.simulator.http_venue import Answer, Asked, HttpVenue, Market
from gextui.simulator.tradier_rows import Row, collection, contracts, expirations, market_clock, month, quote
from gextui.sources.pacing import Clock

TOKEN = "a-simulated-token-Bq7"
"""What it knows its user by."""
_WINDOW = 60.0
"""Seconds from the first call of a quota until there is a new one."""
_TEXT = {"Content-Type": "text/plain"}


class _RefusalError(Exception):
    """An answer that is no document; the message is its body."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


class TradierVenue(HttpVenue):
    """Tradier on loopback. Everything it serves is simulated, and a header of every document says so.

    Attributes:
        token: The one that it takes.
        quota: Calls a minute.
        calls: How often each method was asked for, refusals too.
        refused: How often a token was not taken.
        echo: Whether a refusal repeats the token that came.
        failing: HTTP statuses with which the chains of these expiries are refused.
        empty: Expiries that are listed and of which there is no chain.
        alone: Whether a chain is its first contract alone, which then is no list.
        alter: What becomes of each row of a chain or of quotes.
        added: Rows that stand in every chain besides.
        closed_today: Whether the market does not open, whatever the calendar says.
    """

    rest_path = "/v1"

    def __init__(
        self, market: Market, *, clock: Clock | None = None, speed: float = 1.0, token: str = TOKEN, quota: int = 120
    ) -> None:
        """Serve ``market``, whose time starts when this is made and runs ``speed`` times as fast as the clock."""
        super().__init__(market, clock=clock, speed=speed)
        self.token = token
        self.quota = quota
        self.calls: Counter[str] = Counter()
        self.refused = 0
        self._used = 0
        self._window_ends = 0.0
        self._failing: list[int] = []
        self._behave()

    def _behave(self) -> None:
        self.echo = self.alone = self.closed_today = False
        self.failing: dict[str, int] = {}
        self.empty: set[str] = set()
        self.alter: Callable[[Row], Row] = lambda row: row
        self.added: list[Row] = []

    def answer(self, asked: Asked) -> Answer:
        """A GET of a market data method."""
        method = asked.path.removeprefix("markets/")
        self.calls[method] += 1
        sent = asked.headers.get("Authorization", "").removeprefix("Bearer ")
        headers = _TEXT
        try:
            if sent != self.token:
                self.refused += 1
                raise _RefusalError(HTTPStatus.UNAUTHORIZED, "Invalid Access Token")
            headers = _TEXT | self._meter()
            if self._used > self.quota:
                raise _RefusalError(HTTPStatus.TOO_MANY_REQUESTS, "Quota Violation")
            if self._failing:
                raise _RefusalError(self._failing.pop(0), "upstream error")
            document = self._document(method, dict(asked.query))
        except _RefusalError as refusal:
            return Answer(f"{refusal}{f': {sent}' if self.echo else ''}".encode(), refusal.status, headers)
        if "json" not in asked.headers.get("Accept", ""):
            return Answer(b"<xml/>", headers=headers | {"Content-Type": "application/xml"})
        says = {"Content-Type": "application/json;charset=UTF-8", "X-Simulated": "true"}
        return Answer(msgspec.json.encode(document), headers=headers | says)

    def _meter(self) -> Row:
        """Count a call; what is left of the quota, as headers."""
        now = self.now()
        if now >= self._window_ends:
            self._used, self._window_ends = 0, now + _WINDOW
        self._used += 1
        return {
            "X-Ratelimit-Allowed": str(self.quota),
            "X-Ratelimit-Used": str(self._used),
            "X-Ratelimit-Available": str(max(self.quota - self._used, 0)),
            "X-Ratelimit-Expiry": str(int(self._window_ends * 1000)),
        }

    def _document(self, method: str, query: dict[str, str]) -> Row:
        match method:
            case "options/expirations":
                chain = self._chain(query.get("symbol", ""))
                return {"expirations": collection("date", [] if chain is None else expirations(chain))}
            case "options/chains":
                return {"options": collection("option", self._contracts(query))}
            case "quotes":
                return {"quotes": self._quotes(query.get("symbols", "").split(","))}
            case "clock":
                return {"clock": self._clock()}
            case "calendar":
                return {"calendar": month(int(query.get("year", "")), int(query.get("month", "")))}
        raise _RefusalError(HTTPStatus.NOT_FOUND, "Not found")

    def _chain(self, symbol: str) -> OptionChain | None:
        found = [ticker for ticker in self.market.tickers if ticker.symbol == symbol.replace("/", ".")]
        return self.market.chain(found[0]) if found else None

    def _contracts(self, query: dict[str, str]) -> list[Row]:
        expiry = query.get("expiration", "")
        if len(expiry) != len("2026-11-20"):
            raise _RefusalError(HTTPStatus.BAD_REQUEST, "Invalid parameter, expiration: a date is required.")
        if expiry in self.failing:
            raise _RefusalError(self.failing[expiry], "no such expiration")
        chain = self._chain(query.get("symbol", ""))
        if chain is None or expiry in self.empty:
            return []
        rows = [self.alter(row) for row in contracts(chain, expiry)][: 1 if self.alone else None] + self.added
        if query.get("greeks") != "true":
            rows = [{name: value for name, value in row.items() if name != "greeks"} for row in rows]
        return rows

    def _quotes(self, symbols: list[str]) -> Row:
        chains = {symbol: self._chain(symbol) for symbol in symbols}
        known = [self.alter(quote(chain)) for chain in chains.values() if chain is not None]
        unknown = [symbol for symbol, chain in chains.items() if chain is None]
        unmatched = {"unmatched_symbols": collection("symbol", unknown)} if unknown else {}
        return (collection("quote", known) or {}) | unmatched

    def _clock(self) -> Row:
        clock = market_clock(self.now())
        return clock | {"state": "closed", "next_change": "07:00"} if self.closed_today else clock

    # Faults of this venue's own.

    def fail_next(self, status: int, calls: int = 1) -> None:
        """Answer the next so many calls with this status."""
        self._failing += [status] * calls

    def heal(self) -> None:
        """End every fault; connections in a hole stay there."""
        super().heal()
        self._failing.clear()
        self._behave()
