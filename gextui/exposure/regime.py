"""The regime: whether dealers' hedging damps the market or drives it, and when nobody can say."""

from dataclasses import dataclass
from enum import StrEnum

from gextui.exposure.book import Totals
from gextui.exposure.filters import Sign
from gextui.exposure.zero_gamma import ZeroGamma

BALANCED = 0.01
"""Below this share of gross, net GEX has no sign to speak of."""


class State(StrEnum):
    """The sign of net GEX at spot: dealers' gamma, under the customers' sign their customers'."""

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


_REASONS = {
    (False, True): "dealers are long gamma: hedging damps moves",
    (False, False): "dealers are short gamma: hedging drives moves",
    (True, True): "customers are long gamma, dealers short: hedging drives moves",
    (True, False): "customers are short gamma, dealers long: hedging damps moves",
}
"""By whether the numbers are the customers' and whether net GEX is positive."""


def find_regime(totals: Totals, zero_gamma: ZeroGamma, spot: float, sign: Sign) -> Regime:
    """Positive or negative by the sign of net GEX; undetermined where the chain cannot decide it."""
    if totals.net_gex is None or not totals.gross_gex:
        return Regime(State.UNDETERMINED, "there is no gamma to measure", None)
    share = totals.net_gex / totals.gross_gex
    if abs(share) < BALANCED:
        return Regime(State.UNDETERMINED, "net GEX is below 1 % of gross", share)
    band = zero_gamma.band
    if band is not None and band[0] <= spot <= band[1]:
        return Regime(State.UNDETERMINED, "spot is inside the band of zero gamma", share)
    positive = totals.net_gex > 0
    return Regime(State.POSITIVE if positive else State.NEGATIVE, _REASONS[sign is Sign.CUSTOMER, positive], share)
