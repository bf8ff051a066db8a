"""Zero gamma: the spot at which the repriced book has no gamma, how sure that is, and what other tools would say."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from gextui.exposure.book import Book, ByStrike, summed
from gextui.exposure.curve import Bumps, GammaCurve, curve_values, spot_grid, zero_crossings
from gextui.exposure.filters import Filters
from gextui.market.chain import Booleans, Floats, Integers, OptionChain
from gextui.pricing.smile import Smile

_MARGIN = 0.015
"""Log-spot beyond the estimate in which the band's other pricings are first searched."""


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
    missing_from_band: int = 0
    """How many of the four ways found no root although another did; above 0 the band understates the doubt."""


@dataclass(frozen=True, slots=True)
class OtherRule:
    """A zero gamma by another tool's rule, under that rule's own name."""

    name: str
    price: float | None


NOTHING = ZeroGamma(price=None, roots=(), band=None, side=None)


def find_zero_gamma(
    chain: OptionChain, smile: Smile, book: Book, filters: Filters, by_strike: ByStrike
) -> tuple[GammaCurve, ZeroGamma, tuple[OtherRule, ...]]:
    """The gamma curve of the used contracts, its zero gamma with a band, and the other tools' rules."""
    rows = np.flatnonzero(book.used)
    nothing = np.empty(0)
    if not len(rows):
        return GammaCurve(nothing, nothing, ()), NOTHING, ()
    sign = np.where(chain.is_call, filters.sign.of_call, filters.sign.of_put) * chain.multiplier
    held = np.where(book.used, sign * np.where(book.used, book.weight, 0.0), 0.0)
    by_volume = np.where(book.used & np.isfinite(chain.volume), sign * chain.volume, 0.0)
    in_front = chain.expiry == chain.expiry[rows[0]]

    # Calls and puts of a strike share one IV, so they are one bump: half the work.
    nodes = np.unique(smile.node[rows])
    first_row = np.searchsorted(smile.node, nodes)

    def merged(amount: Floats) -> Floats:
        return summed(smile.node, amount, len(smile.node_iv))[nodes]

    whole = merged(held)
    pricing = _Pricing(chain, smile)
    bumps = pricing.bumps(first_row, smile.node_iv[nodes])
    books = np.stack((whole, merged(by_volume), merged(np.where(in_front, held, 0.0)), whole * smile.node_own[nodes]))
    grid = spot_grid(bumps, whole)
    values = curve_values(bumps, books, grid)

    def roots_of(amount: Floats, of_values: Floats) -> tuple[float, ...]:
        return tuple(chain.spot * float(np.exp(y)) for y in zero_crossings(bumps, amount, grid, of_values))

    roots = roots_of(whole, values[0])
    estimate = _nearest(roots, chain.spot)
    curve = GammaCurve(chain.spot * np.exp(grid), values[0], roots)
    largest = float(np.abs(values[0]).max())

    def nearest_root(other: Bumps, amount: Floats) -> float | None:
        """Searched around the estimate first, and over the whole range only where that finds nothing."""
        if estimate is not None:
            reach = abs(float(np.log(estimate / chain.spot))) + _MARGIN
            near = grid[np.abs(grid) <= reach]
            found = zero_crossings(other, amount, near, curve_values(other, amount[np.newaxis], near)[0], largest)
            if found:
                return _nearest(tuple(chain.spot * float(np.exp(y)) for y in found), chain.spot)
        everywhere = zero_crossings(other, amount, grid, curve_values(other, amount[np.newaxis], grid)[0])
        return _nearest(tuple(chain.spot * float(np.exp(y)) for y in everywhere), chain.spot)

    leg_iv = np.where(np.isfinite(smile.leg_iv), smile.leg_iv, book.iv)[rows]
    ways = [estimate, nearest_root(pricing.bumps(rows, leg_iv), held[rows])]
    if np.array_equal(smile.forward, smile.carried_forward):
        ways.append(estimate)
    else:
        carried = pricing.bumps(first_row, smile.node_iv[nodes], carried=True)
        ways.append(nearest_root(carried, whole))
    all_own = bool(smile.node_own[nodes].all())
    ways.append(estimate if all_own else _nearest(roots_of(books[3], values[3]), chain.spot))

    rules = (
        OtherRule("strike sign change", _nearest(_sign_changes(by_strike.strike, by_strike.net_gex), chain.spot)),
        OtherRule("cumulative sum", _nearest(_sign_changes(by_strike.strike, by_strike.net_gex.cumsum()), chain.spot)),
        OtherRule("volume-weighted", _nearest(roots_of(books[1], values[1]), chain.spot)),
        OtherRule("front expiry", _nearest(roots_of(books[2], values[2]), chain.spot)),
        OtherRule("without front", _nearest(roots_of(whole - books[2], values[0] - values[2]), chain.spot)),
    )
    return curve, _with_band(curve, roots, estimate, ways), rules


class _Pricing:
    """The chain's rows as Gaussians under one choice of forward and IV."""

    def __init__(self, chain: OptionChain, smile: Smile) -> None:
        self.chain, self.smile = chain, smile

    def bumps(self, rows: Integers, iv: Floats, *, carried: bool = False) -> Bumps:
        expiry = self.chain.expiry[rows]
        forward = self.smile.carried_forward if carried else self.smile.forward
        return Bumps.of(forward[expiry], self.chain.strike[rows], self.smile.years[expiry], iv, self.chain.rate)


def _nearest(prices: tuple[float, ...], spot: float) -> float | None:
    return min(prices, key=lambda price: abs(price - spot)) if prices else None


def _sign_changes(strike: Floats, values: Floats) -> tuple[float, ...]:
    """Prices at which a strike series changes sign, linear between neighbours; strikes that hold nothing are passed."""
    held: Booleans = values != 0
    strike, values = strike[held], values[held]
    at = np.flatnonzero(np.sign(values[:-1]) != np.sign(values[1:]))
    share = values[at] / (values[at] - values[at + 1])
    crossings: Floats = strike[at] + share * (strike[at + 1] - strike[at])
    return tuple(crossings.tolist())


def _with_band(
    curve: GammaCurve, roots: tuple[float, ...], estimate: float | None, ways: list[float | None]
) -> ZeroGamma:
    found = [root for root in ways if root is not None]
    side = None
    if estimate is None and curve.gex.any():
        loudest = curve.gex[np.abs(curve.gex).argmax()]
        side = Side.LONG if loudest > 0 else Side.SHORT
    return ZeroGamma(
        price=estimate,
        roots=roots,
        band=(min(found), max(found)) if found else None,
        side=side,
        missing_from_band=len(ways) - len(found) if found else 0,
    )
