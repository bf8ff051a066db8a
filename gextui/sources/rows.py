"""Rows of options as a source gave them: numbers read, checked and counted, then made into an OptionChain."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Self, TypeVar

import msgspec
import numpy as np

from gextui.market.chain import Booleans, Floats, Halt, Integers, OptionChain
from gextui.market.ticker import Ticker
from gextui.sources.source import BadInputError
from gextui.sources.symbols import Contracts, Texts

Scalar = float | str | bool | None
"""What may stand where a venue's document promises a number or a text."""

LARGEST = 1e18
SMALLEST = 1e-9
"""No market's number is beyond these; a price, strike or multiplier below the smallest is none."""

_MISSING = frozenset({"", "-", "--", "–", "nan", "na", "n/a", "#n/a", "null", "none"})
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d*)?", re.ASCII)
_EPOCH_UNITS = (1.0, 1e3, 1e6, 1e9)
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC).timestamp()
_LATEST = datetime(2100, 1, 1, tzinfo=UTC).timestamp()

_Kind = TypeVar("_Kind")


def decode_json(data: bytes, kind: type[_Kind]) -> _Kind:
    """Decode a JSON document into ``kind``.

    The NaN and Infinity that Python writes are let in: a NaN as missing, an Infinity as a number that no check passes.

    Raises:
        BadInputError: it is cut short, not JSON, or has another shape.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError as error:
        raise BadInputError(f"has an unexpected shape ({error}): is it what the venue sent?") from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        problem = error
    try:
        lenient = json.loads(data, parse_constant=_constant, parse_float=_finite)
        return msgspec.json.decode(msgspec.json.encode(lenient), type=kind)
    except (ValueError, RecursionError, msgspec.DecodeError):
        raise BadInputError(f"is cut short or not valid JSON ({problem}): get it again") from None


def _constant(name: str) -> str | None:
    return None if name == "NaN" else name


def _finite(text: str) -> float | str:
    value = float(text)
    return value if np.isfinite(value) else text


def number(value: object) -> float:
    """A source's number: NaN where there is none, an infinity where what stands there is not a number."""
    if isinstance(value, float):
        return value
    if value is None:
        return np.nan
    if isinstance(value, bool) or not isinstance(value, int | str):
        return np.inf
    text = value.strip() if isinstance(value, str) else value
    if isinstance(text, str):
        if text.lower() in _MISSING:
            return np.nan
        if _GROUPED.fullmatch(text):
            text = text.replace(",", "")
    try:
        return float(text)
    except (ValueError, OverflowError):
        return np.inf


def numbers(values: Sequence[object]) -> Floats:
    """A column of `number`."""
    if set(map(type, values)) <= {float, type(None)}:
        return np.array(values, dtype=np.float64)
    return np.array([number(value) for value in values], dtype=np.float64)


def absent(rows: int) -> Floats:
    """A column that the source does not have."""
    return np.full(rows, np.nan)


def positive(value: object) -> float | None:
    """A price of the underlying, or None where there is none to believe."""
    price = number(value)
    return price if SMALLEST <= price <= LARGEST else None


def before_change(price: float | None, change: object) -> float | None:
    """The price that a change on the day is measured from; None where either is missing."""
    return None if price is None else positive(round(price - number(change), 6))


def instant(value: object) -> float:
    """An instant in epoch seconds from an ISO text (UTC where it names no zone) or an epoch in s, ms, us or ns; or NaN.

    A date alone is no instant.
    """
    if isinstance(value, str) and re.match(r"\d{4}-", text := value.strip()):
        if len(text) <= 10:
            return np.nan
        try:
            read = datetime.fromisoformat(re.sub(r"\s*(?:UTC|GMT)$", "+00:00", text))
        except ValueError:
            return np.nan
        seconds = (read if read.tzinfo is not None else read.replace(tzinfo=UTC)).timestamp()
        return seconds if _EARLIEST < seconds < _LATEST else np.nan
    epoch = number(value)
    return next((epoch / unit for unit in _EPOCH_UNITS if _EARLIEST < epoch / unit < _LATEST), np.nan)


def instants(values: Sequence[object]) -> Floats:
    """A column of `instant`; equal texts are read once."""
    known = {value: instant(value) for value in set(values)}
    return np.array([known[value] for value in values], dtype=np.float64)


def newest(times: Floats) -> datetime | None:
    """The newest of the instants, or None where there is none."""
    known = times[np.isfinite(times)]
    return datetime.fromtimestamp(float(known.max()), UTC) if len(known) else None


def believable(prices: Floats) -> Booleans:
    """Which prices, strikes or multipliers some market could have."""
    within: Booleans = (prices >= SMALLEST) & (prices <= LARGEST)
    return within


def median(values: Floats) -> float | None:
    """The median of the believable prices among ``values``, or None."""
    known = values[believable(values)]
    return _middle(known) if len(known) else None


def _middle(values: Floats) -> float:
    """The median of at least one number; np.median would bring in a package of its own, of which it needs one check."""
    ordered = np.sort(values)
    return float(0.5 * (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]))


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Rows:
    """N option rows, decoded but not yet checked; columns have shape (N,), NaN where the source gives nothing."""

    contracts: Contracts
    iv: Floats
    """A fraction."""
    open_interest: Floats
    volume: Floats
    bid: Floats
    """In USD a unit of the underlying save where `in_coins`; 0 is no quote."""
    ask: Floats
    multiplier: Floats
    forward: Floats
    """The source's own forward price of the row's expiry."""
    in_coins: Booleans
    """Whether the row's quotes are in coins."""

    @classmethod
    def read(
        cls,
        contracts: Contracts,
        *,
        iv: Sequence[object],
        open_interest: Sequence[object],
        volume: Sequence[object],
        bid: Sequence[object],
        ask: Sequence[object],
        multiplier: Sequence[object] | None = None,
        forward: Sequence[object] | None = None,
    ) -> Self:
        """Read columns of a source's numbers; quotes are taken to be in USD.

        Without a multiplier a contract is for one coin or a hundred shares.
        """
        standard = np.where(contracts.is_coin, 1.0, 100.0)
        given = absent(len(contracts)) if multiplier is None else numbers(multiplier)
        return cls(
            contracts=contracts,
            iv=numbers(iv),
            open_interest=numbers(open_interest),
            volume=numbers(volume),
            bid=numbers(bid),
            ask=numbers(ask),
            multiplier=np.where(np.isnan(given), standard, given),
            forward=absent(len(contracts)) if forward is None else numbers(forward),
            in_coins=np.zeros(len(contracts), dtype=np.bool_),
        )

    def __len__(self) -> int:
        return len(self.contracts)

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """All rows of the parts, of which there is at least one."""
        columns = {
            column.name: np.concatenate([getattr(part, column.name) for part in parts])
            for column in fields(cls)
            if column.name != "contracts"
        }
        return cls(contracts=Contracts.joined([part.contracts for part in parts]), **columns)

    def take(self, chosen: Booleans | Integers) -> Self:
        """The chosen rows."""
        return type(self)(
            contracts=self.contracts.take(chosen),
            iv=self.iv[chosen],
            open_interest=self.open_interest[chosen],
            volume=self.volume[chosen],
            bid=self.bid[chosen],
            ask=self.ask[chosen],
            multiplier=self.multiplier[chosen],
            forward=self.forward[chosen],
            in_coins=self.in_coins[chosen],
        )

    def unusable(self) -> Texts:
        """Why each row cannot be used; empty where it can."""
        reason = self.contracts.reason.astype("U16")
        reason[(reason == "") & ~believable(self.contracts.strike)] = "bad_strike"
        bad = ~believable(self.multiplier)
        for column in (self.iv, self.open_interest, self.volume, self.bid, self.ask):
            bad |= (column < 0) | (column > LARGEST)
        reason[(reason == "") & bad] = "bad_number"
        return reason


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Capture:
    """One ticker's rows at one instant, as a source gave them."""

    ticker: Ticker
    rows: Rows
    as_of: datetime | None
    spot: float | None
    previous_close: float | None = None
    delay: float = 0.0
    notes: tuple[str, ...] = ()
    """Plain sentences on how the instant was found."""
    spot_at: datetime | None = None
    """When spot was made, where the source says so: an index stands still while its options are quoted on."""
    halt: Halt | None = None
    """Set where the underlying does not trade."""
    venue: str = ""
    """Whose book it is, where several make the ticker's."""

    def chain(self, source: str, *, rate: float = 0.0) -> OptionChain:
        """Check every row, count what cannot be used, and make the chain of the rest (which may be empty).

        Raises:
            BadInputError: it lacks an instant or a spot price.
        """
        if self.as_of is None:
            and_spot = " and --spot" if self.spot is None else ""
            raise BadInputError(
                f"does not say when it was taken: give --as-of{and_spot}, e.g. --as-of 2026-11-20T14:30Z"
            )
        unusable = self.rows.unusable()
        rows = self.rows.take(unusable == "")
        forwards = _forwards(rows.contracts.expiry, rows.forward)
        spot, notes = self.spot, [*self.notes, *_lacking(rows)]
        if spot is None and (front := _front(forwards, self.as_of)) is not None:
            spot = forwards[front]
            day = datetime.fromtimestamp(front, UTC).date()
            notes.append(f"The source gives no spot price: the forward of the front expiry, {day}, stands for it.")
        if spot is None:
            raise BadInputError(f"gives no price of {self.ticker.symbol}: give --spot")
        unit = np.where(rows.in_coins, np.where(believable(rows.forward), rows.forward, spot), 1.0)
        return OptionChain.from_rows(
            ticker=self.ticker,
            source=source,
            as_of=self.as_of,
            spot=spot,
            rate=rate,
            root=rows.contracts.root.tolist(),
            expiry=rows.contracts.expiry,
            strike=rows.contracts.strike,
            is_call=rows.contracts.is_call,
            iv=rows.iv,
            open_interest=rows.open_interest,
            volume=rows.volume,
            bid=np.where(rows.bid > 0, rows.bid, np.nan) * unit,
            ask=np.where(rows.ask > 0, rows.ask, np.nan) * unit,
            multiplier=rows.multiplier,
            forwards=forwards,
            total=len(unusable),
            dropped=Counter(unusable[unusable != ""].tolist()),
            notes=notes,
            previous_close=self.previous_close,
            delay=self.delay,
            halt=self.halt,
        )


def by_underlying(contracts: Contracts) -> list[tuple[str, Booleans]]:
    """Which rows are whose, in order of symbol; rows whose name says too little count with the commonest.

    Raises:
        BadInputError: no row's name can be read.
    """
    named = contracts.underlying[contracts.reason == ""]
    if not len(named):
        found = ", ".join(f"{count} {reason}" for reason, count in Counter(contracts.reason.tolist()).items())
        raise BadInputError(f"holds no option rows that can be read{f' ({found})' if found else ''}")
    symbols, counts = np.unique(named, return_counts=True)
    commonest = symbols[counts.argmax()]
    owner = np.where(np.isin(contracts.underlying, symbols), contracts.underlying, commonest)
    return [(str(symbol), owner == symbol) for symbol in symbols]


def _lacking(rows: Rows) -> list[str]:
    """Sentences on whole columns that are missing."""
    lacking = []
    if len(rows) and np.isnan(rows.iv).all():
        lacking.append("The source gives no implied volatilities.")
    if len(rows) and np.isnan(rows.open_interest).all():
        lacking.append("The source gives no open interest.")
    if rows.in_coins.any() and not believable(rows.forward[rows.in_coins]).any():
        lacking.append("The source gives no forward prices: quotes in coins are converted at spot.")
    return lacking


def _forwards(expiry: Floats, forward: Floats) -> dict[float, float]:
    """One forward an expiry: the median of its rows'."""
    known = believable(forward)
    expiry, forward = expiry[known], forward[known]
    return {float(at): _middle(forward[expiry == at]) for at in np.unique(expiry)}


def _front(forwards: dict[float, float], as_of: datetime) -> float | None:
    """The nearest living expiry with a forward."""
    return min((expiry for expiry in forwards if expiry > as_of.timestamp()), default=None)
