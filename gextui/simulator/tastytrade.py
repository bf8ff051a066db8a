"""A simulated Tastytrade: OAuth, option chains and quote tokens over REST, and the dxLink feed those lead to."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from http import HTTPStatus
from itertools import count
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec

from gextui.market.calendar import NEW_YORK
from gextui.market.chain import OptionChain
from gextui.market.ticker import Session
from gextui.simulator.dxlink import PATHS, DxLink
from gextui.simulator.faults import Wire
from gextui.simulator.http_venue import Answer, Asked, Market
from gextui.simulator.tastytrade_rows import Row, adjusted, error, holidays, market_data, nested_chain, session
from gextui.simulator.venue import Venue
from gextui.sources.pacing import Clock

CLIENT_SECRET = "a-simulated-client-secret-Kd4"
REFRESH_TOKEN = "a-simulated-refresh-token-Ws9"
"""What it knows its user by."""
LIVES = 900
"""Seconds for which an access token is good."""


class _RefusalError(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, document: Row) -> None:
        super().__init__(status)
        self.status = status
        self.document = document


def _refusal(status: int, code: str, message: str) -> _RefusalError:
    return _RefusalError(status, error(code, message))


class SimulatedTastytrade(Venue):
    """Tastytrade on loopback. Everything it serves is simulated: ``data.simulated`` of a quote token says so.

    Attributes:
        feed: Its dxLink.
        client_secret: The one that it takes.
        refresh_token: The one that it takes.
        expires_in: What it says of an access token's life, in seconds; None where it does not say.
        calls: How often each method was asked for, refusals too.
        refused: How often a login or an access token was not taken.
        rotates: Whether each login gives a new refresh token, which alone is taken from then on.
        echo: Whether a refusal of a login repeats what came.
        failing: HTTP statuses with which the chains of these symbols are refused.
        adjusted: Whether contracts of an adjusted root (SPY1) are listed.
        alter: What becomes of each strike of a chain.
        customer: Whether its user may have quotes.
    """

    rest_path = ws_path = ""

    def __init__(self, market: Market, *, clock: Clock | None = None, speed: float = 1.0) -> None:
        """Serve the US tickers of ``market``, whose time runs ``speed`` times as fast as the clock."""
        super().__init__(market, clock=clock, speed=speed)
        self.feed = DxLink(self)
        self.client_secret, self.refresh_token = CLIENT_SECRET, REFRESH_TOKEN
        self.calls: Counter[str] = Counter()
        self.refused = 0
        self._access: dict[str, float] = {}
        """Until when each access token is good, epoch seconds."""
        self._numbers = count(1)
        self._failing: list[_RefusalError] = []
        self._behave()

    def _behave(self) -> None:
        self.expires_in: int | None = LIVES
        self.rotates = self.echo = self.adjusted = False
        self.customer = True
        self.failing: dict[str, int] = {}
        self.alter: Callable[[Row], Row] = lambda strike: strike

    @property
    def ws_url(self) -> str:
        """Where the feed of its level is."""
        return f"{super().ws_url}{PATHS[self.feed.level]}"

    def _upgrades(self, path: str) -> bool:
        return path in PATHS.values()

    # REST.

    def answer(self, asked: Asked) -> Answer:
        """A login, or a GET by whoever has logged in."""
        self.calls[asked.path] += 1
        try:
            self._check_agent(asked.headers)
            if self._failing:
                raise self._failing.pop(0)
            if asked.path == "oauth/token":
                return _json(self._log_in(asked))
            self._check_bearer(asked.headers)
            return _json({"data": self._data(asked), "context": f"/{asked.path}"})
        except _RefusalError as refusal:
            return _json(refusal.document, refusal.status)

    def _check_agent(self, headers: Mapping[str, str]) -> None:
        agent = headers.get("User-Agent", "")
        if "/" not in agent or agent.startswith("Mozilla/"):
            raise _refusal(
                HTTPStatus.UNAUTHORIZED, "unauthorized", "A User-Agent of the form product/version is required."
            )

    def _log_in(self, asked: Asked) -> Row:
        sent = _parameters(asked)
        known = (sent.get("client_secret"), sent.get("refresh_token")) == (self.client_secret, self.refresh_token)
        if asked.method != "POST" or sent.get("grant_type") != "refresh_token" or not known:
            self.refused += 1
            words = f"The refresh token is not valid{f': {sent}' if self.echo else ''}"
            raise _RefusalError(HTTPStatus.BAD_REQUEST, {"error": "invalid_grant", "error_description": words})
        number = next(self._numbers)
        token = f"a-simulated-access-token-{number}"
        self._access[token] = self.now() + LIVES
        answer: Row = {"access_token": token, "token_type": "Bearer"}
        if self.expires_in is not None:
            answer["expires_in"] = self.expires_in
        if self.rotates:
            answer["refresh_token"] = self.refresh_token = f"{REFRESH_TOKEN}-{number}"
        return answer

    def _check_bearer(self, headers: Mapping[str, str]) -> None:
        token = headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in self._access:
            self.refused += 1
            raise _refusal(HTTPStatus.UNAUTHORIZED, "token_invalid", "This token is invalid")
        if self._access[token] <= self.now():
            self.refused += 1
            raise _refusal(HTTPStatus.UNAUTHORIZED, "token_expired", "This token has expired")

    def _data(self, asked: Asked) -> Row:
        match asked.path.split("/"):
            case ["api-quote-tokens"]:
                return self._quote_token()
            case ["option-chains", symbol, "nested"]:
                return {"items": self._nested(unquote(symbol))}
            case ["market-data", "by-type"] if self.feed.level != "demo":
                return {"items": self._prices(asked.query)}
            case ["market-time", "sessions", "current"]:
                collection = asked.query.get("instrument-collections[]", "Equity")
                return {"items": [session(self.now(), collection)]}
            case ["market-time", "equities", "holidays"]:
                return holidays(datetime.fromtimestamp(self.now(), NEW_YORK).year)
        # What the sandbox does not serve is not found behind its door.
        status = HTTPStatus.BAD_GATEWAY if self.feed.level == "demo" else HTTPStatus.NOT_FOUND
        raise _refusal(status, "not_found", "There is no such route")

    def _quote_token(self) -> Row:
        if not self.customer:
            code = "quote_streamer.customer_not_found_error"
            raise _refusal(HTTPStatus.NOT_FOUND, code, "You must be a customer to access a quote stream.")
        return {"token": self.feed.issue(), "dxlink-url": self.ws_url, "level": self.feed.level, "simulated": True}

    def _nested(self, symbol: str) -> list[Row]:
        if symbol in self.failing:
            raise _refusal(self.failing[symbol], "internal_error", "The chain cannot be read")
        chain = self._chain(symbol)
        if chain is None:
            raise _refusal(HTTPStatus.NOT_FOUND, "record_not_found", f"Couldn't find {symbol}")
        items = nested_chain(chain)
        for item in items:
            for expiration in item["expirations"]:
                expiration["strikes"] = [self.alter(strike) for strike in expiration["strikes"]]
        return items + [adjusted(item) for item in items[:1] if self.adjusted]

    def _prices(self, query: Mapping[str, str]) -> list[Row]:
        symbols = [symbol for kind in ("index", "equity") for symbol in query.get(kind, "").split(",")]
        chains = [self._chain(symbol) for symbol in symbols]
        return [market_data(chain, halted=self.feed.is_halted(chain.ticker)) for chain in chains if chain is not None]

    def _chain(self, symbol: str) -> OptionChain | None:
        for ticker in self.market.tickers:
            if ticker.symbol == symbol and ticker.session is Session.NEW_YORK:
                return self.market.chain(ticker)
        return None

    # The feed.

    async def converse(self, wire: Wire) -> None:
        """Speak dxLink."""
        await self.feed.converse(wire)

    def publish(self) -> None:
        """Tell subscribers what has changed."""
        self.feed.publish()

    # Faults of this venue's own.

    def fail_next(self, status: int, code: str = "internal_error", message: str = "", calls: int = 1) -> None:
        """Answer the next so many calls with this error."""
        self._failing += [_refusal(status, code, message)] * calls

    def expire_access(self) -> None:
        """Let every access token given so far be too old."""
        self._access = dict.fromkeys(self._access, 0.0)

    def heal(self) -> None:
        """End every fault; connections in a hole stay there."""
        super().heal()
        self._failing.clear()
        self.feed.heal()
        self._behave()


def _parameters(asked: Asked) -> Mapping[str, Any]:
    """What a body holds, JSON or a form; nothing where it cannot be read."""
    if "json" not in asked.headers.get("Content-Type", ""):
        return dict(parse_qsl(asked.body.decode(errors="replace")))
    try:
        return msgspec.json.decode(asked.body, type=dict[str, Any])
    except msgspec.DecodeError:
        return {}


def _json(document: Row, status: int = HTTPStatus.OK) -> Answer:
    return Answer(msgspec.json.encode(document), status)
