"""The book repriced over spot: the gamma curve and where it crosses zero."""

from dataclasses import dataclass

from gextui.market.chain import Floats


@dataclass(frozen=True, slots=True, eq=False)
class GammaCurve:
    """Net GEX of the whole book if spot were elsewhere: sticky-strike IVs, forwards scaled with spot."""

    spot: Floats
    """Ascending, log-spaced over +-25 % of spot; shape (G,)."""
    gex: Floats
    """USD per 1 % move at each of those spots; shape (G,)."""
    roots: tuple[float, ...]
    """Every spot at which it crosses zero, ascending, to 1e-6 relative."""
