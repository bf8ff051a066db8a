"""The regime: whether dealers' hedging damps the market or drives it, and when nobody can say."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """Dealers' gamma at spot."""

    POSITIVE = "positive"
    NEGATIVE = "negative"
    UNDETERMINED = "undetermined"


@dataclass(frozen=True, slots=True)
class Regime:
    """The state and the plain reason for it."""

    state: State
    reason: str
    net_of_gross: float | None
    """Net GEX as a share of gross, a fraction with sign; None when gross is 0."""
