"""OptionChain: every listed contract of one ticker at one instant, as columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from gextui.market.coin import CoinRatio
from gextui.market.ticker import Ticker

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

_NUMBERS = ("iv", "open_interest", "volume", "bid", "ask")
_STRIKE_DECIMALS = 9
_EXACT_BELOW = 1e6
"""Rounding to so many decimals is exact below it, and no strike above it has any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One venue's book in a chain that several venues make, see `gextui.market.combined`."""

    name: str
    """The venue, e.g. ``deribit``; no other part of the chain has it."""
    as_of: datetime
    spot: float
    """Its own price of the underlying."""
    rate: float = 0.0
    delay: float = 0.0
    stale: bool = False
    """Whether it is shown as it last was: no newer data came."""
    detail: str = ""
    """Why it is stale, in plain words."""

    @property
    def of_another(self) -> bool:
        """Whether it is the book of another ticker (an ETF's), which its name then ends with."""
        return " " in self.name


@dataclass(frozen=True, slots=True)
class Halt:
    """That the underlying does not trade though its market is open."""

    since: datetime
    """When it last traded, or the market opened after that; aware."""
    stated: bool
    """Whether the venue says so; otherwise it is concluded from the times of trades, see `gextui.market.halts`."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class OptionChain:
    """An immutable option chain: N contracts over E expiries and R roots.

    One row a contract, keyed by part, root, expiry instant, strike and right; rows are sorted by expiry, strike, calls
    before puts, root. A number that the source does not give is NaN, never zero. Build one with `from_rows`.

    Where several venues make the chain, each keeps its own forwards and smiles: an expiry belongs to one part, and
    several may share an instant.
    """

    ticker: Ticker
    source: str
    """Where it comes from, e.g. ``deribit`` or ``file:cboe-csv``."""
    as_of: datetime
    """The market's instant, aware, UTC."""
    spot: float
    """Price of the underlying, in USD (or the quote currency)."""
    rate: float
    """Continuously compounded interest rate a year, a fraction."""
    parts: tuple[Part, ...] = ()
    """The venues' books that make it, P of them; empty where there is but one source."""

    roots: tuple[str, ...]
    """The option roots, R of them: SPX and SPXW are two."""
    expiries: Floats
    """Expiry instants, epoch seconds UTC, ascending, equal ones by part; shape (E,)."""
    part: Integers
    """Index into `parts` of each expiry, 0 without parts; shape (E,)."""
    forwards: Floats
    """The source's own forward price an expiry, NaN where it gives none; shape (E,)."""

    root: Integers
    """Index into `roots`; shape (N,)."""
    expiry: Integers
    """Index into `expiries`; shape (N,)."""
    strike: Floats
    is_call: Booleans
    iv: Floats
    """Implied volatility a year as a fraction, exactly as the source gave it; the smile decides what it believes."""
    open_interest: Floats
    """In contracts."""
    volume: Floats
    """The day's volume, in contracts."""
    bid: Floats
    """In USD a unit of the underlying (a venue's coin prices are converted); NaN when there is none."""
    ask: Floats
    multiplier: Floats
    """Units of the underlying a contract."""

    total: int
    """Rows the source listed for this ticker, those dropped included."""
    dropped: Mapping[str, int] = field(default_factory=dict)
    """Rows the source could not use, by reason, e.g. ``bad_strike``."""
    notes: tuple[str, ...] = ()
    """Plain sentences on what the source could not give or had to assume."""
    previous_close: float | None = None
    """The price that a change on the day is measured from."""
    volatility_index: float | None = None
    """The venue's own index of implied volatility (DVOL), in vol points."""
    delay: float = 0.0
    """Seconds by which the source's quotes lag the market; 0 for live ones."""
    simulated: bool = False
    partial: bool = False
    """Whether some expiries are still to be read: such a chain is shown, but neither recorded nor compared."""
    coin_ratio: CoinRatio | None = None
    """For a coin ETF, how many coins a share stands for; None where nobody knows."""
    halt: Halt | None = None
    """Set where trading in the underlying has stopped."""
    implied_from: datetime | None = None
    """Set where no market quoted this chain: of when the quotes are that were repriced at the coin's price."""

    def __post_init__(self) -> None:
        for name in ("expiries", "part", "forwards", "root", "expiry", "strike", "is_call", *_NUMBERS, "multiplier"):
            getattr(self, name).setflags(write=False)
        object.__setattr__(self, "dropped", MappingProxyType(dict(self.dropped)))

    def __len__(self) -> int:
        return len(self.strike)

    @property
    def as_of_seconds(self) -> float:
        """`as_of` in epoch seconds."""
        return self.as_of.timestamp()

    @property
    def quoted_at(self) -> datetime:
        """The instant of its prices: a delayed source tells at `as_of` what they were `delay` seconds before."""
        return self.as_of - timedelta(seconds=self.delay)

    @property
    def spots(self) -> Floats:
        """The price of the underlying where each expiry is listed; shape (E,)."""
        return self._by_expiry([part.spot for part in self.parts] or [self.spot])

    @property
    def rates(self) -> Floats:
        """The interest rate of each expiry; shape (E,)."""
        return self._by_expiry([part.rate for part in self.parts] or [self.rate])

    @property
    def counted_in(self) -> str:
        """What open interest and volume count: of several venues, whose contracts are of different size, coins."""
        return "coins" if self.parts else "contracts"

    def _by_expiry(self, values: list[float]) -> Floats:
        return np.array(values, dtype=np.float64)[self.part]

    def without_expired(self, now: float) -> Self:
        """The same chain less what has expired since its instant, up to ``now`` (epoch seconds), which is counted."""
        gone = int(np.searchsorted(self.expiries, now, side="right"))
        if now <= self.as_of_seconds or not gone or self.expiries[gone - 1] <= self.as_of_seconds:
            return self
        alive = self.expiry >= gone
        rows = {name: getattr(self, name)[alive] for name in ("root", "strike", "is_call", *_NUMBERS, "multiplier")}
        expired = int(np.count_nonzero(~alive))
        return replace(
            self,
            expiries=self.expiries[gone:],
            part=self.part[gone:],
            forwards=self.forwards[gone:],
            expiry=self.expiry[alive] - gone,
            dropped={**self.dropped, "expired": self.dropped.get("expired", 0) + expired},
            **rows,
        )

    @classmethod
    def from_rows(
        cls,
        *,
        ticker: Ticker,
        source: str,
        as_of: datetime,
        spot: float,
        root: Sequence[str],
        expiry: Sequence[float] | Floats,
        strike: Sequence[float] | Floats,
        is_call: Sequence[bool] | Booleans,
        iv: Sequence[float] | Floats,
        open_interest: Sequence[float] | Floats,
        volume: Sequence[float] | Floats,
        bid: Sequence[float] | Floats,
        ask: Sequence[float] | Floats,
        multiplier: Sequence[float] | Floats,
        forwards: Mapping[float, float] | None = None,
        rate: float = 0.0,
        total: int | None = None,
        dropped: Mapping[str, int] | None = None,
        notes: Sequence[str] = (),
        previous_close: float | None = None,
        volatility_index: float | None = None,
        delay: float = 0.0,
        simulated: bool = False,
        halt: Halt | None = None,
    ) -> Self:
        """Sort N parallel columns into a chain; ``expiry`` holds each row's instant in epoch seconds.

        A contract listed twice keeps its last row and the others count as ``duplicate``; a strike that arithmetic made
        0.30000000000000004 is 0.3. ``forwards`` maps expiry instants to the source's own forward prices.

        Raises:
            ValueError: ``as_of`` is naive, or ``spot`` is not a positive finite number.
        """
        if as_of.tzinfo is None:
            raise ValueError("as_of needs a time zone")
        if not (np.isfinite(spot) and spot > 0):
            raise ValueError(f"spot must be a positive number, not {spot}")
        roots, root_index = np.unique(np.asarray(root, dtype=np.str_), return_inverse=True)
        expiries, expiry_index = np.unique(np.asarray(expiry, dtype=np.float64), return_inverse=True)
        strikes = plain_strikes(np.asarray(strike, dtype=np.float64))
        calls = np.asarray(is_call, dtype=np.bool_)
        order = np.lexsort((root_index, ~calls, strikes, expiry_index))
        counted = dict(dropped or {})
        if len(order):
            keys = np.stack((expiry_index[order], strikes[order], ~calls[order], root_index[order]))
            last = np.append(np.any(keys[:, 1:] != keys[:, :-1], axis=0), True)
            if not last.all():
                counted["duplicate"] = counted.get("duplicate", 0) + int(np.count_nonzero(~last))
                order = order[last]

        def column(values: Sequence[float] | Floats) -> Floats:
            return np.asarray(values, dtype=np.float64)[order]

        given = forwards or {}
        return cls(
            ticker=ticker,
            source=source,
            as_of=as_of.astimezone(UTC),
            spot=float(spot),
            rate=float(rate),
            roots=tuple(str(name) for name in roots),
            expiries=expiries,
            part=np.zeros(len(expiries), dtype=np.int64),
            forwards=np.array([given.get(float(instant), np.nan) for instant in expiries], dtype=np.float64),
            root=root_index.astype(np.int64)[order],
            expiry=expiry_index.astype(np.int64)[order],
            strike=strikes[order],
            is_call=calls[order],
            iv=column(iv),
            open_interest=column(open_interest),
            volume=column(volume),
            bid=column(bid),
            ask=column(ask),
            multiplier=column(multiplier),
            total=len(root) if total is None else total,
            dropped=counted,
            notes=tuple(notes),
            previous_close=previous_close,
            volatility_index=volatility_index,
            delay=delay,
            simulated=simulated,
            halt=halt,
        )


def plain_strikes(strikes: Floats) -> Floats:
    """Strikes as the decimals that they stand for, so that equal ones have one key."""
    small = np.abs(strikes) < _EXACT_BELOW
    return np.where(small, np.round(np.where(small, strikes, 0.0), _STRIKE_DECIMALS), strikes)
