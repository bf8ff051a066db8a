"""Contracts' names: OCC symbols and the coin venues' instrument names, read into root, expiry, strike and right."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Self

import numpy as np
from numpy.typing import NDArray

from gextui.market.calendar import expiry_instant, settlement_of
from gextui.market.chain import Booleans, Floats, Integers
from gextui.market.text import clean_symbol
from gextui.market.ticker import Session

Texts = NDArray[np.str_]

OKX_NAME = re.compile(r"[A-Z0-9]+-[A-Z]+-\d{6}-\d+(?:\.\d+)?-[CP]", re.ASCII)

_COIN_NAME = re.compile(
    r"(?P<root>[A-Z0-9]+(?:_[A-Z]+)?)-(?P<day>\d{1,2}[A-Z]{3}\d{2})-(?P<strike>\d+(?:[d.]\d+)?)-(?P<right>[CP])"
    r"(?:-(?P<settled>[A-Z]+))?",
    re.ASCII,
)
_COMBO_NAME = re.compile(r"[A-Z0-9]+(?:_[A-Z]+)?-[A-Z][A-Z0-9]*-\d.*", re.ASCII)
_COIN_DAY = re.compile(r"(\d{1,2})([A-Z]{3})(\d{2})", re.ASCII)
_ROOT = re.compile(r"[A-Z0-9.^/]{1,6}")
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_UNDERLYINGS = {
    "SPXW": "SPX",
    "SPXPM": "SPX",
    "SPXQ": "SPX",
    "NDXP": "NDX",
    "RUTW": "RUT",
    "VIXW": "VIX",
}


@dataclass(frozen=True, slots=True, eq=False)
class Contracts:
    """What N contracts' names say. Where one could not be read, ``reason`` says why and the rest means nothing."""

    underlying: Texts
    """The symbol of what it is an option on: SPX for SPXW, BTC for BTC_USDC; a guess, or empty, with a reason."""
    root: Texts
    expiry: Floats
    """Epoch seconds."""
    strike: Floats
    is_call: Booleans
    is_coin: Booleans
    reason: Texts
    """``bad_symbol``, ``adjusted`` (not 100 plain shares), ``combo``; empty where the name was read."""

    def __len__(self) -> int:
        return len(self.strike)

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """All rows of the parts, of which there is at least one."""
        return cls(
            **{column.name: np.concatenate([getattr(part, column.name) for part in parts]) for column in fields(cls)}
        )

    def take(self, chosen: Booleans | Integers) -> Self:
        """The chosen rows."""
        return type(self)(
            underlying=self.underlying[chosen],
            root=self.root[chosen],
            expiry=self.expiry[chosen],
            strike=self.strike[chosen],
            is_call=self.is_call[chosen],
            is_coin=self.is_coin[chosen],
            reason=self.reason[chosen],
        )


def underlying_of(root: str) -> str:
    """The symbol of what a root's options are on: SPXW -> SPX, BTC_USDC -> BTC, BTC-USDT -> BTC."""
    return _UNDERLYINGS.get(root, re.split("[_-]", root, maxsplit=1)[0])


def parse_names(names: Sequence[object]) -> Contracts:
    """Read contract names: OCC's (``SPXW  260318C05700000``, unpadded too), Deribit's, Bybit's and OKX's."""
    heads: dict[str, _Head] = {}
    rows = [_parse(name, heads) for name in names]
    underlying, root, expiry, strike, is_call, is_coin, reason = zip(*rows, strict=True) if rows else ((),) * 7
    return Contracts(
        underlying=np.array(underlying, dtype=np.str_),
        root=np.array(root, dtype=np.str_),
        expiry=np.array(expiry, dtype=np.float64),
        strike=np.array(strike, dtype=np.float64),
        is_call=np.array(is_call, dtype=np.bool_),
        is_coin=np.array(is_coin, dtype=np.bool_),
        reason=np.array(reason, dtype=np.str_),
    )


_Row = tuple[str, str, float, float, bool, bool, str]
_Head = tuple[str, str, float, str]
"""What the contracts of one root and expiry share: underlying, root, expiry, reason."""


def _parse(name: object, heads: dict[str, _Head]) -> _Row:
    if not isinstance(name, str):
        return "", "", np.nan, np.nan, False, False, "bad_symbol"
    if "-" in name:
        return _parse_coin(name.strip(), heads)
    name = name.strip()
    head, right, digits = name[:-9], name[-9:-8], name[-8:]
    if right not in ("C", "P") or not (len(digits) == 8 and digits.isascii() and digits.isdigit()):
        return "", "", np.nan, np.nan, False, False, "bad_symbol"
    shared = heads.get(head)
    if shared is None:
        shared = heads[head] = _parse_occ_head(head)
    underlying, root, expiry, reason = shared
    return underlying, root, expiry, int(digits) / 1000.0, right == "C", False, reason


def _parse_occ_head(head: str) -> _Head:
    root, day = head[:-6].rstrip(), head[-6:]
    if _ROOT.fullmatch(root) is None:
        return "", "", np.nan, "bad_symbol"
    if any(character.isdigit() for character in root):
        return root.rstrip("0123456789"), root, np.nan, "adjusted"
    root = root.lstrip("^")
    expires = _six_digit_day(day)
    if expires is None:
        return underlying_of(root), root, np.nan, "bad_symbol"
    return underlying_of(root), root, expiry_instant(expires, Session.NEW_YORK, settlement_of(root)), ""


def _parse_coin(name: str, heads: dict[str, _Head]) -> _Row:
    if found := _COIN_NAME.fullmatch(name):
        root = found["root"] if found["settled"] is None else f"{found['root']}-{found['settled']}"
        head, strike, right = f"{root}-{found['day']}", found["strike"], found["right"]
        day = found["day"]
    elif OKX_NAME.fullmatch(name):
        head, strike, right = name.rsplit("-", 2)
        root, day = head.rsplit("-", 1)
    else:
        combo = _COMBO_NAME.fullmatch(name)
        underlying = clean_symbol(underlying_of(name[:64]))
        return underlying, "", np.nan, np.nan, False, True, "bad_symbol" if combo is None else "combo"
    shared = heads.get(head)
    if shared is None:
        expires = _six_digit_day(day) if day.isdigit() else _coin_day(day)
        instant = np.nan if expires is None else expiry_instant(expires, Session.UTC)
        shared = heads[head] = (
            clean_symbol(underlying_of(root)),
            clean_symbol(root),
            instant,
            "bad_symbol" if expires is None else "",
        )
    underlying, root, expiry, reason = shared
    return underlying, root, expiry, float(strike.replace("d", ".")), right == "C", True, reason


def _six_digit_day(text: str) -> date | None:
    if not (len(text) == 6 and text.isascii() and text.isdigit()):
        return None
    return _day(2000 + int(text[:2]), int(text[2:4]), int(text[4:]))


def _coin_day(text: str) -> date | None:
    found = _COIN_DAY.fullmatch(text)
    if found is None or found[2] not in MONTHS:
        return None
    return _day(2000 + int(found[3]), MONTHS.index(found[2]) + 1, int(found[1]))


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
