"""What changed: the board against past chains of the same ticker."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from gextui.market.chain import Floats, OptionChain

WINDOWS = (1, 5, 10, 15, 30)
"""Minutes over which changes are shown."""


class ChangeState(StrEnum):
    """Whether two instants can be compared."""

    OK = "ok"
    GAP = "gap"
    """Nothing was recorded near the earlier instant."""
    EXPIRY = "expiry"
    """An expiry lies between: its contracts left both sides of the comparison."""
    SOURCE = "source"
    """The source differs: not a change of the market."""


@dataclass(frozen=True, slots=True)
class Past:
    """What a board is compared with."""

    windows: Mapping[int, OptionChain] = field(default_factory=dict)
    """The chain recorded so many minutes before, by minutes; absent where nothing was recorded (a gap)."""
    yesterday: OptionChain | None = None
    """The last chain of the previous trading day: its open interest makes the weight ``active``, its spot the change on
    the day where the source gives no previous close."""


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """Net GEX now less net GEX ``minutes`` ago, by strike, USD per 1 %."""

    minutes: int
    state: ChangeState
    since: datetime | None
    """The earlier chain's instant; None for a gap."""
    strikes: Floats
    """Ascending; empty unless comparable."""
    net_gex: Floats
    """Change by strike; expired contracts are left out of it."""
    total: float | None
    """Sum of it."""
    expired_gex: float
    """Net GEX that left with contracts that expired in between."""

    @property
    def largest(self) -> tuple[float, float] | None:
        """Strike and amount of the largest change by size; None when nothing changed or it cannot be compared."""
        if not len(self.strikes):
            return None
        at = int(abs(self.net_gex).argmax())
        amount = float(self.net_gex[at])
        return (float(self.strikes[at]), amount) if amount else None
