"""The book: every contract's greeks and exposures, and their sums by strike, by expiry and in total."""

from dataclasses import dataclass

from gextui.market.chain import Booleans, Floats, Integers


@dataclass(frozen=True, slots=True, eq=False)
class Book:
    """One row a contract, aligned with the chain's rows (N). What was not used is NaN."""

    used: Booleans
    """Alive, inside the filter, priced and weighed."""
    own_iv: Booleans
    """Priced with an IV of its own strike (either side's), not an interpolated one."""
    iv: Floats
    """The clean IV that prices the contract, a fraction."""
    weight: Floats
    """Contracts that count: open interest, volume or the change since yesterday; signed for the last."""
    delta: Floats
    """Units of the underlying a unit of option, forward delta."""
    gamma: Floats
    """Delta a USD move of the forward."""
    gex: Floats
    """Signed, USD per 1 % move."""
    dex: Floats
    """Delta times weight, calls + and puts -, whatever the sign convention; USD."""
    vanna: Floats
    """Signed, USD of delta per vol point."""
    charm: Floats
    """Signed, USD of delta per day."""


@dataclass(frozen=True, slots=True, eq=False)
class ByStrike:
    """Sums over the selected expiries and all roots, one row a listed strike (K), ascending."""

    strike: Floats
    call_gex: Floats
    put_gex: Floats
    """Negative under the default convention."""
    net_gex: Floats
    net_dex: Floats
    net_vanna: Floats
    net_charm: Floats
    call_open_interest: Floats
    put_open_interest: Floats
    call_volume: Floats
    put_volume: Floats


@dataclass(frozen=True, slots=True, eq=False)
class ByExpiry:
    """Sums over the selected strikes, one row a selected expiry (E'), ascending."""

    expiry: Floats
    """Instants, epoch seconds UTC."""
    roots: tuple[str, ...]
    """The roots that settle then, e.g. ``SPX`` or ``SPXW``, joined by ``+``."""
    forward: Floats
    atm_iv: Floats
    """The clean smile at the forward, a fraction; NaN where there is none."""
    call_gex: Floats
    put_gex: Floats
    net_gex: Floats
    net_dex: Floats
    net_vanna: Floats
    net_charm: Floats
    call_open_interest: Floats
    put_open_interest: Floats
    call_volume: Floats
    put_volume: Floats
    strike_gex: Floats
    """Net GEX by strike and expiry, shape (K, E'), the heat map; NaN where no contract is listed."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over everything used. Volumes and open interest are in contracts times multiplier."""

    net_gex: float
    call_gex: float
    put_gex: float
    gross_gex: float
    """Sum of the absolute GEX of every contract; what net is measured against."""
    net_dex: float
    net_vanna: float
    net_charm: float
    call_open_interest: float
    put_open_interest: float
    call_volume: float | None
    put_volume: float | None
    put_call_open_interest: float | None
    put_call_volume: float | None


__all__ = ["Book", "ByExpiry", "ByStrike", "Integers", "Totals"]
