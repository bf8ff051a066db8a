"""Tastytrade's answers, decoded: access tokens, quote tokens, and what options it lists."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple, Self, TypeVar

import msgspec
import numpy as np

from gextui.market.calendar import Settlement, expiry_instant, settlement_of
from gextui.market.chain import Floats
from gextui.market.text import clean_symbol
from gextui.market.ticker import Session, Ticker
from gextui.secrets import Secret
from gextui.sources.rows import Scalar, decode_json, number
from gextui.sources.source import BadInputError
from gextui.sources.symbols import Contracts, parse_names

TERMINAL = frozenset({"invalid_grant", "invalid_client", "unauthorized_client"})
"""Errors of OAuth that will be the same until the user changes something."""
_ACCESS_SECONDS, _LONGEST_ACCESS = 900.0, 86400.0
_STANDARD = "Standard"
_Kind = TypeVar("_Kind")


class _Access(msgspec.Struct):
    access_token: Scalar = None
    expires_in: Scalar = None
    refresh_token: Scalar = None


class _Failed(msgspec.Struct):
    error: object = None


class _QuoteToken(msgspec.Struct, rename="kebab"):
    token: Scalar = None
    dxlink_url: Scalar = None
    level: Scalar = None
    simulated: Scalar = None


class _Strike(msgspec.Struct, rename="kebab", gc=False):
    call: Scalar = None
    put: Scalar = None
    call_streamer_symbol: Scalar = None
    put_streamer_symbol: Scalar = None


class _Expiration(msgspec.Struct, rename="kebab"):
    strikes: list[_Strike]
    expiration_date: Scalar = None
    settlement_type: Scalar = None


class _Root(msgspec.Struct, rename="kebab"):
    expirations: list[_Expiration]
    root_symbol: Scalar = None
    option_chain_type: Scalar = None
    shares_per_contract: Scalar = None


class _Roots(msgspec.Struct):
    items: list[_Root]


class _Enveloped(msgspec.Struct):
    data: msgspec.Raw


@dataclass(frozen=True, slots=True)
class Access:
    """What opens the venue for a while."""

    token: Secret
    seconds: float
    """For which it lasts."""
    refresh_token: Secret | None
    """What to renew it with from now on, where that has changed."""


@dataclass(frozen=True, slots=True)
class QuoteToken:
    """What opens the stream for a day."""

    token: Secret
    url: str
    delayed: bool
    """Whether its quotes are 15 minutes late."""
    simulated: bool = False
    """Whether the venue says that it is one of ours."""


class Listed(NamedTuple):
    """One contract as the venue lists it."""

    name: str
    """OCC's."""
    streamer: str
    """The stream's name of it."""
    settlement: str
    """AM or PM; empty where the venue does not say."""
    shares: float

    @property
    def kept(self) -> str:
        """As one text."""
        return f"{self.name}|{self.streamer}|{self.settlement}|{self.shares:g}"

    @classmethod
    def read(cls, kept: str) -> "Self | None":
        """Back from that text; None where it is another."""
        pieces = kept.split("|")
        if len(pieces) != 4:
            return None
        return cls(pieces[0], pieces[1], pieces[2], number(pieces[3]))


def _decode(body: bytes, kind: type[_Kind]) -> _Kind:
    """What stands in the envelope ``data``, or without one.

    Raises:
        BadInputError: it is not of that shape.
    """
    try:
        enveloped = decode_json(body, _Enveloped)
    except BadInputError:
        return decode_json(body, kind)
    return decode_json(bytes(enveloped.data), kind)


def decode_access(body: bytes) -> Access:
    """Decode an access token.

    Raises:
        BadInputError: it is none; the message holds nothing of the body.
    """
    found = _decode(body, _Access)
    if not isinstance(found.access_token, str) or not found.access_token:
        raise BadInputError("holds no access token")
    seconds = number(found.expires_in)
    lasts = min(max(seconds, 0.0), _LONGEST_ACCESS) if np.isfinite(seconds) else _ACCESS_SECONDS
    renewed = found.refresh_token if isinstance(found.refresh_token, str) and found.refresh_token else None
    return Access(Secret(found.access_token), lasts, None if renewed is None else Secret(renewed))


def error_code(body: bytes) -> str:
    """The code of an error, whichever way it is written; empty where there is none."""
    try:
        error = decode_json(body, _Failed).error
    except BadInputError:
        return ""
    if isinstance(error, dict):
        error = error.get("code")
    return error if isinstance(error, str) else ""


def decode_quote_token(body: bytes) -> QuoteToken:
    """Decode a quote token.

    Raises:
        BadInputError: it is none; the message holds nothing of the body.
    """
    found = _decode(body, _QuoteToken)
    if not isinstance(found.token, str) or not isinstance(found.dxlink_url, str) or not found.token:
        raise BadInputError("holds no quote token")
    delayed = found.level == "demo" or "/delayed" in found.dxlink_url
    return QuoteToken(Secret(found.token), found.dxlink_url, delayed, found.simulated is True)


def decode_listing(body: bytes, rejected: Counter[str]) -> list[Listed]:
    """Decode a nested chain: its standard contracts; the others are counted.

    Raises:
        BadInputError: it is none.
    """
    listed: list[Listed] = []
    for root in _decode(body, _Roots).items:
        contracts = list(_contracts_of(root))
        if root.option_chain_type in (_STANDARD, None):
            listed += contracts
        else:
            rejected["not standard"] += len(contracts)
    return listed


def _contracts_of(root: _Root) -> Iterator[Listed]:
    shares = number(root.shares_per_contract)
    for expiration in root.expirations:
        told = expiration.settlement_type
        settlement = told if isinstance(told, str) and told in tuple(Settlement) else ""
        for strike in expiration.strikes:
            sides = (strike.call, strike.call_streamer_symbol), (strike.put, strike.put_streamer_symbol)
            for name, streamer in sides:
                if isinstance(name, str) and isinstance(streamer, str) and streamer and "|" not in name + streamer:
                    yield Listed(name, streamer, settlement, 100.0 if np.isnan(shares) else shares)


def contracts_of(ticker: Ticker, listed: Sequence[Listed]) -> tuple[Contracts, Floats]:
    """The contracts and their multipliers, (N,): as OCC's names say, save that the venue says how each settles."""
    contracts = parse_names([each.name for each in listed])
    expiry = contracts.expiry.copy()
    roots, readable = contracts.root.tolist(), (contracts.reason == "").tolist()
    for row, each in enumerate(listed):
        if each.settlement and readable[row] and each.settlement != settlement_of(roots[row]):
            expiry[row] = _expires(each.name, Settlement(each.settlement))
    underlying = np.full(len(listed), clean_symbol(ticker.symbol))
    named = Contracts(
        underlying=underlying,
        root=contracts.root,
        expiry=expiry,
        strike=contracts.strike,
        is_call=contracts.is_call,
        is_coin=contracts.is_coin,
        reason=contracts.reason,
    )
    return named, np.array([each.shares for each in listed], dtype=np.float64)


def _expires(name: str, settlement: Settlement) -> float:
    digits = name.strip()[-15:-9]
    day = date(2000 + int(digits[:2]), int(digits[2:4]), int(digits[4:]))
    return expiry_instant(day, Session.NEW_YORK, settlement)
