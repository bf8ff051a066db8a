"""The regime: whether dealers' hedging damps the market or drives it, and when nobody can say."""

from dataclasses import dataclass
from enum import StrEnum

from gextui.exposure.book import Totals
from gextui.exposure.zero_gamma import ZeroGamma

BALANCED = 0.01
"""Below this share of gross, net GEX has no sign to speak of."""


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


def find_regime(totals: Totals, zero_gamma: ZeroGamma, spot: float) -> Regime:
    """Positive or negative by the sign of net GEX; undetermined where the chain cannot decide it."""
    if totals.net_gex is None or not totals.gross_gex:
        return Regime(State.UNDETERMINED, "there is no gamma to measure", None)
    share = totals.net_gex / totals.gross_gex
    if abs(share) < BALANCED:
        return Regime(State.UNDETERMINED, "net GEX is below 1 % of gross", share)
    band = zero_gamma.band
    if band is not None and band[0] <= spot <= band[1]:
        return Regime(State.UNDETERMINED, "spot is inside the band of zero gamma", share)
    if totals.net_gex > 0:
        return Regime(State.POSITIVE, "dealers are long gamma: hedging damps moves", share)
    return Regime(State.NEGATIVE, "dealers are short gamma: hedging drives moves", share)
