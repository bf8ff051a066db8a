"""The book repriced over spot: the gamma curve and where it crosses zero.

Under sticky strikes a contract's dollar gamma is a Gaussian in y = ln(S / S0):
gex(y) = 0.01 * e^(-rT) F S/S0 / (sigma sqrt T) * phi(a y + b), a = 1 / (sigma sqrt T), b = d1 at S0.
The exponent over a grid of spots is a rank-3 matrix product, so the whole curve costs one exp a cell.
"""

from dataclasses import dataclass

import numpy as np

from gextui.market.chain import Booleans, Floats

REACH = 0.25
"""The curve spans spot +-25 %."""
GRID_POINTS = 121
ROOT_TOLERANCE = 1e-9
"""In log-spot, well inside the 1e-6 relative that is promised."""
DUST = 1e-6
"""A stretch of the curve that stays below this share of the largest |G| is rounding in the tail: it has no sign."""
NARROW_STRIKES = 100
"""So many strikes nearest spot join the grid in an expiry's last hours, when their peaks fall between its points."""
_CHUNK = 256
_DUST_DEVIATIONS = 12.0
"""A Gaussian so many deviations away adds 1e-31 of its peak."""
_SMALLEST_EXPONENT = -700.0
_SQRT_TWO_PI = float(np.sqrt(2.0 * np.pi))


@dataclass(frozen=True, slots=True, eq=False)
class GammaCurve:
    """Net GEX of the whole book if spot were elsewhere: sticky-strike IVs, forwards scaled with spot."""

    spot: Floats
    """Ascending, log-spaced over +-25 % of spot; shape (G,)."""
    gex: Floats
    """USD per 1 % move at each of those spots; shape (G,)."""
    roots: tuple[float, ...]
    """Every spot at which it crosses zero, ascending, to 1e-6 relative."""


@dataclass(frozen=True, slots=True, eq=False)
class Bumps:
    """M priced strikes as Gaussians in log-spot; calls and puts that share forward, IV and expiry are one."""

    inverse_width: Floats
    """a = 1 / (sigma sqrt T)."""
    offset: Floats
    """b = d1 at today's spot."""
    height: Floats
    """USD per 1 % move at the peak, for one unit of the underlying held long."""

    @classmethod
    def of(cls, forward: Floats, strike: Floats, years: Floats, iv: Floats, rate: Floats | float) -> "Bumps":
        """Gaussians of M strikes, from parallel columns of shape (M,)."""
        width = iv * np.sqrt(years)
        return cls(
            inverse_width=1.0 / width,
            offset=np.log1p((forward - strike) / strike) / width + 0.5 * width,
            height=0.01 * np.exp(-rate * years) * forward / (width * _SQRT_TWO_PI),
        )


def spot_grid(bumps: Bumps) -> Floats:
    """Log-spots to evaluate: an even grid over +-25 %, and the peaks too narrow for it with the points between them."""
    even = np.linspace(np.log1p(-REACH), np.log1p(REACH), GRID_POINTS)
    narrow = bumps.inverse_width * (even[1] - even[0]) > 1.0
    if not narrow.any():
        return even
    peaks = (-bumps.offset / bumps.inverse_width)[narrow]
    peaks = peaks[(peaks > even[0]) & (peaks < even[-1])]
    peaks = np.sort(peaks[np.argsort(np.abs(peaks), kind="stable")[:NARROW_STRIKES]])
    return np.unique(np.concatenate((even, peaks, 0.5 * (peaks[1:] + peaks[:-1]))))


def curve_values(bumps: Bumps, held: Floats, grid: Floats) -> Floats:
    """GEX of W books at once over a grid of log-spots; ``held`` is (W, M) signed units; returns (W, G)."""
    powers = np.stack((grid * grid, grid, np.ones_like(grid)))
    a, b = bumps.inverse_width, bumps.offset
    factors = np.stack((-0.5 * a * a, -a * b, -0.5 * b * b), axis=1)
    amounts = held * bumps.height
    total = np.zeros((len(held), len(grid)))
    floor = np.full((min(_CHUNK, len(a)), len(grid)), _SMALLEST_EXPONENT)
    for start in range(0, len(a), _CHUNK):
        cells = factors[start : start + _CHUNK] @ powers
        # An array operand and a floor: exp of what underflows is many times slower than exp of the rest.
        np.maximum(cells, floor[: len(cells)], out=cells)
        np.exp(cells, out=cells)
        total += amounts[:, start : start + _CHUNK] @ cells
    return total * np.exp(grid)


def zero_crossings(
    bumps: Bumps,
    held: Floats,
    grid: Floats,
    values: Floats,
    *,
    largest: float | None = None,
    around_spot: bool = False,
) -> tuple[float, ...]:
    """Log-spots at which one book's curve (held (M,), values (G,)) changes sign, each bracket refined by Newton.

    Args:
        bumps: The M priced strikes.
        held: Signed units of the underlying.
        grid: Log-spots, ascending.
        values: The curve there.
        largest: The curve's largest |G| where ``grid`` is only a part of it.
        around_spot: Only the nearest crossing on either side of today's spot.
    """
    if largest is None:
        largest = float(np.max(np.abs(values), initial=0.0))
    signed = np.flatnonzero(values)
    if not len(signed):
        return ()
    grid, values = grid[signed], values[signed]
    turns = np.flatnonzero(np.sign(values[:-1]) != np.sign(values[1:]))
    loudness = np.maximum.reduceat(np.abs(values), np.concatenate(([0], turns + 1)))
    # By whole stretches, not by the crossing's neighbours: those are small at every root of a fine grid.
    real = np.minimum(loudness[:-1], loudness[1:]) > DUST * largest
    turns = turns[real]
    if around_spot:
        above = int(np.searchsorted(grid[turns], 0.0))
        turns = turns[max(above - 1, 0) : above + 1]
    return tuple(_refine(bumps, held, grid[at], grid[at + 1], values[at], values[at + 1]) for at in turns.tolist())


def _refine(bumps: Bumps, held: Floats, low: float, high: float, at_low: float, at_high: float) -> float:
    """The root between two log-spots: Newton from the secant, bisecting whenever it would leave the bracket."""
    near = _matters(bumps, held, low, high)
    a, b = bumps.inverse_width[near], bumps.offset[near]
    amount = held[near] * bumps.height[near]
    rising = at_low < 0
    y = low - at_low * (high - low) / (at_high - at_low)
    for _ in range(60):
        z = a * y + b
        density = amount * np.exp(-0.5 * z * z)
        value = float(density.sum())
        slope = -float((a * z) @ density)
        if (value < 0) == rising:
            low = y
        else:
            high = y
        following = y - value / slope if slope else low
        if not low < following < high:
            following = 0.5 * (low + high)
        if abs(following - y) < ROOT_TOLERANCE:
            return float(following)
        y = following
    return float(y)


def _matters(bumps: Bumps, held: Floats, low: float, high: float) -> Booleans:
    """Which bumps are more than dust somewhere in the bracket."""
    a, b = bumps.inverse_width, bumps.offset
    nearest = np.minimum(np.abs(a * low + b), np.abs(a * high + b))
    peak_inside = (a * low + b) * (a * high + b) < 0
    matters: Booleans = ((nearest < _DUST_DEVIATIONS) | peak_inside) & (held != 0)
    return matters


def gamma_curve(bumps: Bumps, held: Floats, spot: float) -> GammaCurve:
    """The curve of one book and all its roots; ``held`` is (M,) signed units of the underlying."""
    grid = spot_grid(bumps)
    values = curve_values(bumps, held[np.newaxis], grid)[0]
    roots = zero_crossings(bumps, held, grid, values)
    return GammaCurve(spot * np.exp(grid), values, tuple(spot * float(np.exp(root)) for root in roots))
