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
    if not book.used.any():
        nothing = np.empty(0)
        return GammaCurve(nothing, nothing, ()), NOTHING, ()
    sign = np.where(chain.is_call, filters.sign.of_call, filters.sign.of_put) * chain.multiplier
    held = np.where(book.used, sign * np.where(book.used, book.weight, 0.0), 0.0)
    by_volume = np.where(book.used & np.isfinite(chain.volume), sign * chain.volume, 0.0)
    front = (chain.expiries == chain.expiries[chain.expiry[book.used.argmax()]])[chain.expiry]

    # Four books over the same strikes share one pass of exp.
    repricer = _Repricer(chain, smile, book)
    whole, in_front = repricer.merged(held), repricer.merged(np.where(front, held, 0.0))
    own_only = whole * smile.node_own[repricer.nodes]
    books = np.stack((whole, repricer.merged(by_volume), in_front, own_only))
    values = curve_values(repricer.bumps, books, repricer.grid)
    roots = repricer.roots(whole, values[0])
    curve = GammaCurve(chain.spot * np.exp(repricer.grid), values[0], roots)

    estimate = _nearest(roots, chain.spot)
    ways = [
        estimate,
        repricer.nearest_by_leg_ivs(held, estimate, values[0]),
        repricer.nearest_by_carried_forwards(whole, estimate, values[0]),
        estimate if repricer.all_own else repricer.nearest(own_only, values[3]),
    ]
    cumulated = by_strike.net_gex.cumsum()
    rules = {
        "strike sign change": _nearest(_sign_changes(by_strike.strike, by_strike.net_gex), chain.spot),
        "cumulative sum": _nearest(_sign_changes(by_strike.strike, cumulated), chain.spot),
        "volume-weighted": repricer.nearest(books[1], values[1]),
        "front expiry": repricer.nearest(in_front, values[2]),
        "without front": repricer.nearest(whole - in_front, values[0] - values[2]),
    }
    other_rules = tuple(OtherRule(name, price) for name, price in rules.items())
    return curve, _zero_gamma(curve, estimate, ways), other_rules


class _Repricer:
    """The used contracts of a chain as Gaussians in log-spot, under one choice of IV and forward or another."""

    def __init__(self, chain: OptionChain, smile: Smile, book: Book) -> None:
        self.chain, self.smile, self.book = chain, smile, book
        self.rows = np.flatnonzero(book.used)
        # Calls and puts of a strike share one IV, so they are one Gaussian: half the work.
        self.nodes = np.unique(smile.node[self.rows])
        self.first_row = np.searchsorted(smile.node, self.nodes)
        self.bumps = self._bumps(self.first_row, smile.node_iv[self.nodes], smile.forward)
        self.grid = spot_grid(self.bumps)
        self.all_own = bool(smile.node_own[self.nodes].all())

    def merged(self, held: Floats) -> Floats:
        """Signed units a contract, summed by strike and expiry."""
        return summed(self.smile.node, held, len(self.smile.node_iv))[self.nodes]

    def roots(self, held: Floats, values: Floats) -> tuple[float, ...]:
        """Every spot at which a book over the merged strikes, whose curve is known, crosses zero."""
        return self._prices(zero_crossings(self.bumps, held, self.grid, values))

    def nearest(self, held: Floats, values: Floats) -> float | None:
        """The root nearest spot of a book over the merged strikes, whose curve is known."""
        found = zero_crossings(self.bumps, held, self.grid, values, around_spot=True)
        return _nearest(self._prices(found), self.chain.spot)

    def nearest_by_leg_ivs(self, held: Floats, estimate: float | None, curve: Floats) -> float | None:
        """The nearest root when every leg keeps the IV given for it; ``held`` is by contract."""
        own = self.smile.leg_iv[self.rows]
        iv = np.where(np.isfinite(own), own, self.book.iv[self.rows])
        return self._nearest_root(self._bumps(self.rows, iv, self.smile.forward), held[self.rows], estimate, curve)

    def nearest_by_carried_forwards(self, held: Floats, estimate: float | None, curve: Floats) -> float | None:
        """The nearest root when forwards are spot grown at the rate; ``held`` is by merged strike."""
        if np.array_equal(self.smile.forward, self.smile.carried_forward):
            return estimate
        bumps = self._bumps(self.first_row, self.smile.node_iv[self.nodes], self.smile.carried_forward)
        return self._nearest_root(bumps, held, estimate, curve)

    def _nearest_root(self, bumps: Bumps, held: Floats, estimate: float | None, curve: Floats) -> float | None:
        """Searched around the estimate first, and over the whole range only where that finds nothing."""
        largest = float(np.abs(curve).max())
        reach = _MARGIN + (abs(float(np.log(estimate / self.chain.spot))) if estimate is not None else np.inf)
        for grid in (self.grid[np.abs(self.grid) <= reach], self.grid):
            values = curve_values(bumps, held[np.newaxis], grid)[0]
            if found := zero_crossings(bumps, held, grid, values, largest=largest, around_spot=True):
                return _nearest(self._prices(found), self.chain.spot)
        return None

    def _bumps(self, rows: Integers, iv: Floats, forward: Floats) -> Bumps:
        expiry = self.chain.expiry[rows]
        years, rate = self.smile.years[expiry], self.chain.rates[expiry]
        return Bumps.of(forward[expiry], self.chain.strike[rows], years, iv, rate)

    def _prices(self, log_spots: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(self.chain.spot * float(np.exp(y)) for y in log_spots)


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


def _zero_gamma(curve: GammaCurve, estimate: float | None, ways: list[float | None]) -> ZeroGamma:
    found = [root for root in ways if root is not None]
    side = None
    if estimate is None and curve.gex.any():
        loudest = curve.gex[np.abs(curve.gex).argmax()]
        side = Side.LONG if loudest > 0 else Side.SHORT
    return ZeroGamma(
        price=estimate,
        roots=curve.roots,
        band=(min(found), max(found)) if found else None,
        side=side,
        missing_from_band=len(ways) - len(found) if found else 0,
    )
