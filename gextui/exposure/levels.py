"""The levels a trader acts on, each with its distance from spot."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Distance:
    """How far a price is from spot."""

    percent: float
    """(price / spot - 1) * 100."""
    sigmas: float | None
    """In moves of one day and one standard deviation, from the front expiry's at-the-money IV."""


@dataclass(frozen=True, slots=True)
class Wall:
    """A strike that holds much of the book's gamma."""

    price: float
    gex: float
    """That side's GEX at the strike (both sides' absolute GEX for the absolute-gamma strike), USD per 1 %."""
    share: float
    """Its part of the whole side, a fraction."""
    distance: Distance


class Side(StrEnum):
    """The sign of a book that has no zero gamma in range."""

    LONG = "long"
    SHORT = "short"


@dataclass(frozen=True, slots=True)
class ZeroGamma:
    """The spot at which the repriced book has no gamma."""

    price: float | None
    """The root nearest spot; None when there is none within 25 %."""
    roots: tuple[float, ...]
    """All of them, ascending."""
    band: tuple[float, float] | None
    """Lowest and highest nearest root over four ways to price the same chain: how sure it is."""
    side: Side | None
    """Without a root: long or short gamma throughout. None where there is a root, or nothing to measure."""
    distance: Distance | None
    missing_from_band: int = 0
    """How many of the four ways found no root; above 0 the band understates the doubt."""


@dataclass(frozen=True, slots=True)
class OtherRule:
    """A zero gamma by another tool's rule, under that rule's own name."""

    name: str
    price: float | None
    distance: Distance | None


@dataclass(frozen=True, slots=True)
class MaxPain:
    """The strike at which one expiry's open interest pays out least."""

    price: float
    expiry: float
    """Instant, epoch seconds UTC."""
    distance: Distance


class MoveMethod(StrEnum):
    """How an expected move was measured."""

    STRADDLE = "straddle"
    """The price of the straddle at the forward, from quotes."""
    ONE_SIGMA = "one_sigma"
    """forward * IV at the money * sqrt(T)."""


@dataclass(frozen=True, slots=True)
class ExpectedMove:
    """What the options price as the move until one expiry."""

    move: float
    """USD, either way."""
    low: float
    """spot - move."""
    high: float
    expiry: float
    """Instant, epoch seconds UTC."""
    method: MoveMethod


@dataclass(frozen=True, slots=True)
class Levels:
    """Every named level. What cannot be computed is None or empty."""

    call_walls: tuple[Wall, ...]
    """Ranked 1 to 3; the first is the call wall."""
    put_walls: tuple[Wall, ...]
    absolute_gamma: Wall | None
    """The strike with the most gamma of either sign."""
    zero_gamma: ZeroGamma
    other_rules: tuple[OtherRule, ...]
    max_pain: MaxPain | None
    expected_move: ExpectedMove | None
    """By the straddle where it is quoted, else one sigma."""
    one_sigma: ExpectedMove | None
    daily_sigma: float | None
    """One day's standard deviation as a fraction of spot, from the front at-the-money IV."""

    @property
    def call_wall(self) -> Wall | None:
        """The strike with the largest call GEX."""
        return self.call_walls[0] if self.call_walls else None

    @property
    def put_wall(self) -> Wall | None:
        """The strike with the most negative put GEX."""
        return self.put_walls[0] if self.put_walls else None
