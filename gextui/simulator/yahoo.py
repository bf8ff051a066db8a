"""A simulated Yahoo: options behind a cookie and a crumb, charts without, and its own ways to refuse and to forget."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from http import HTTPStatus
from urllib.parse import unquote

import msgspec

from gextui.market.ticker import Kind
from gextui.simulator.http_venue import Answer, Asked, HttpVenue, Market
from gextui.simulator.yahoo_rows import Fields, chart, days_of, options, quote, result, yahoos_name
from gextui.sources.pacing import Clock

TREASURY = "^IRX"
_TEXT = {"Content-Type": "text/plain;charset=utf-8"}
_JSON = {"Content-Type": "application/json;charset=utf-8"}
_PAGE = {"Content-Type": "text/html; charset=utf-8"}
_CONSENT = b'<!DOCTYPE html><html><form action="/v2/collectConsent">We value your privacy: consent</form></html>'


class YahooVenue(HttpVenue):
    """Yahoo on loopback. Everything it serves is simulated, and a header of every document says so.

    Attributes:
        calls: How often each method was called.
        crumbs: Every crumb given so far.
        delay: Seconds by which it states that its quotes are late.
        prices: What it charts besides the market's tickers, by symbol.
        without_options: Symbols that it knows and lists no options on.
        says_so: Whether its answers say that they are simulated.
        bodies: Recorded answers on options by symbol and day, None for any day; they go before the market's.
    """

    rest_path = ""

    def __init__(self, market: Market, *, clock: Clock | None = None, speed: float = 1.0) -> None:
        """A venue that trades ``market``."""
        super().__init__(market, clock=clock, speed=speed)
        self.calls: Counter[str] = Counter()
        self.crumbs: list[str] = []
        self.delay = 0.0
        self.says_so = True
        self.prices = {TREASURY: 3.85, "BTC-USD": 98_000.0, "ETH-USD": 3_150.0}
        self.without_options = {"BTC-USD", "ETH-USD", TREASURY}
        self.bodies: dict[tuple[str, date | None], bytes] = {}
        self._behave()

    def _behave(self) -> None:
        self._refusals = self._excuses = 0
        self._consent = ""
        self._crumbless = self._cookieless = False
        self._knows_nothing = False
        self.wiped_interest: Callable[[date], bool] = lambda day: False
        self.wiped_quotes: Callable[[date], bool] = lambda day: False
        self.alter: Callable[[Fields], Fields] = lambda document: document

    @property
    def cookie_url(self) -> str:
        """Where a first visit is given cookies."""
        return f"{self.rest_url}/cookie"

    def answer(self, asked: Asked) -> Answer:
        """A GET of any of Yahoo's hosts."""
        answer = self._answer(asked)
        return replace(answer, headers={**answer.headers, "X-Simulated": "true"}) if self.says_so else answer

    def _answer(self, asked: Asked) -> Answer:
        method, _, symbol = asked.path.rpartition("/")
        symbol = unquote(symbol)
        self.calls[symbol if method in ("", "v1/test") else method] += 1
        if self._excuses:
            self._excuses -= 1
            return Answer(b"Too Many Requests\r\n", headers=_TEXT)
        if self._consent == "redirect":
            location = "https://guce.yahoo.com/consent?brandType=nonEu"
            return Answer(b"", HTTPStatus.TEMPORARY_REDIRECT, {"Location": location, **_PAGE})
        if self._consent == "page":
            return Answer(_CONSENT, headers=_PAGE)
        match method, symbol:
            case "", "cookie":
                return self._cookie()
            case "v1/test", "getcrumb":
                return self._crumb(asked)
            case "v7/finance/options", _:
                return self._options(symbol, asked)
            case "v8/finance/chart", _:
                return self._chart(symbol, asked)
        return Answer(b"not found", HTTPStatus.NOT_FOUND, _TEXT)

    def _cookie(self) -> Answer:
        headers = dict(_PAGE)
        if not self._cookieless:
            attributes = (
                "Expires=Sat, 20 Nov 2027 12:00:00 GMT; Domain=.yahoo.com; Path=/; SameSite=None; Secure; HttpOnly"
            )
            headers["Set-Cookie"] = f"A3=d=AQABB{len(self.crumbs)}&S=AQAAA; {attributes}"
        return Answer(b"<html>Not Found on Accelerator</html>", HTTPStatus.NOT_FOUND, headers)

    def _crumb(self, asked: Asked) -> Answer:
        if not asked.headers.get("Cookie", "").startswith("A3="):
            return _error("finance", HTTPStatus.UNAUTHORIZED, "Unauthorized", "Invalid Cookie")
        if self._crumbless:
            return Answer(b"", headers=_TEXT)
        self.crumbs.append(f"aB3/dEf.{len(self.crumbs):03d}")
        return Answer(self.crumbs[-1].encode(), headers=_TEXT)

    def _options(self, symbol: str, asked: Asked) -> Answer:
        if self._refusals or not self.crumbs or asked.query.get("crumb") != self.crumbs[-1]:
            self._refusals = max(0, self._refusals - 1)
            return _error("finance", HTTPStatus.UNAUTHORIZED, "Unauthorized", "Invalid Crumb")
        epoch = asked.query.get("date")
        day = None if epoch is None else datetime.fromtimestamp(int(epoch), UTC).date()
        if (recorded := self.bodies.get((symbol, day))) is not None:
            return Answer(recorded, headers=_JSON)
        return _document("optionChain", self._found(symbol, day))

    def _found(self, symbol: str, day: date | None) -> list[Fields]:
        ticker = next((ticker for ticker in self.market.tickers if yahoos_name(ticker) == symbol), None)
        if self._knows_nothing:
            return []
        if symbol in self.without_options:
            return [result(symbol, [], {"symbol": symbol, "quoteType": "CRYPTOCURRENCY"}, [])]
        if ticker is None or ticker.kind is Kind.COIN:
            return []
        chain = self.market.chain(ticker)
        days = days_of(chain)
        wanted = days[0] if day is None else day
        found = options(chain, wanted, self.wiped_interest(wanted), self.wiped_quotes(wanted))
        return [self.alter(result(symbol, days, quote(chain, self.now(), self.delay), [found]))]

    def _chart(self, symbol: str, asked: Asked) -> Answer:
        ticker = next((ticker for ticker in self.market.tickers if yahoos_name(ticker) == symbol), None)
        price = self.prices.get(symbol) if ticker is None else self.market.chain(ticker).spot
        if price is None or self._knows_nothing:
            return _error("chart", HTTPStatus.NOT_FOUND, "Not Found", "No data found, symbol may be delisted")
        return _document("chart", [self.alter(chart(symbol, price, self.now(), asked.query.get("interval", "1d")))])

    # Faults that tests switch; all end with `heal`.

    def refuse_crumbs(self, times: int) -> None:
        """Refuse the crumb, however new, so many times."""
        self._refusals = times

    def forget_crumbs(self) -> None:
        """Know none of the crumbs given so far."""
        self.crumbs.append("forgotten")

    def excuse(self, times: int) -> None:
        """Answer "Too Many Requests" with status 200 so many times."""
        self._excuses = times

    def ask_consent(self, how: str) -> None:
        """Want consent to cookies first: by a ``redirect`` or a ``page``."""
        self._consent = how

    def give_no_cookie(self) -> None:
        """Give no cookie."""
        self._cookieless = True

    def give_no_crumb(self) -> None:
        """Give an empty crumb."""
        self._crumbless = True

    def know_nothing(self) -> None:
        """Answer with no result at all."""
        self._knows_nothing = True

    def wipe(
        self, days: Callable[[date], bool] = lambda day: True, *, interest: bool = True, quotes: bool = True
    ) -> None:
        """Reset open interest, and quotes and IVs, of some expiries, as happens overnight."""
        if interest:
            self.wiped_interest = days
        if quotes:
            self.wiped_quotes = days

    def heal(self) -> None:
        """End every fault."""
        super().heal()
        self._behave()


def _document(kind: str, found: list[Fields]) -> Answer:
    return Answer(msgspec.json.encode({kind: {"result": found, "error": None}}), headers=_JSON)


def _error(kind: str, status: HTTPStatus, code: str, description: str) -> Answer:
    error = {"code": code, "description": description}
    return Answer(msgspec.json.encode({kind: {"result": None, "error": error}}), status, _JSON)
