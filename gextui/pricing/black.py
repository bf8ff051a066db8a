"""Black-76 and Black-Scholes-Merton: value and Greeks, vectorised over a chain.

Formulas, units and signs follow Haug, The Complete Guide to Option Pricing Formulas, 2nd ed., chapter 2. One
exponential serves density and distribution alike: N(-z) = phi(z) * mills(z).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from gextui.market.chain import Booleans, Floats

NARROW = 0.02
"""Half a deviation below which `mills_gap` serves."""

_ROOT_TWO_PI = 2.5066282746310002
_FARTHEST = 37.4
"""Standard deviations beyond this count as this: phi is e^-700 there, and exp is slow where its result underflows."""
_LEAST_DEVIATION = 1e-8
"""Floor of sigma * sqrt(years), so that a volatility of zero gives a step and not a division by zero."""

# N(-z) / phi(z) as a ratio of polynomials, minimax, relative error 4.7e-15 on [0, 60]. A row holds the numerator's and
# the denominator's coefficient of one power of z, ascending. All are positive: nothing cancels.
_MILLS = np.array(
    [
        [1.25331413731550605, 1.0],
        [1.81972015457935113, 2.24981117712428991],
        [1.3016447807851839, 2.33365187716732794],
        [0.584857908238959839, 1.46968983023909345],
        [0.178813257102932796, 0.621852423110346486],
        [0.037990453651474375, 0.184261040467585278],
        [0.005491999600105097, 0.0384885647949012469],
        [0.000498110829926463666, 0.00551410209040859743],
        [0.0000221024960201756281, 0.000498110829986838137],
        [0.0, 0.0000221024960198988944],
    ]
)


@dataclass(frozen=True, slots=True, eq=False)
class Greeks:
    """Value and Greeks of an option on one unit of the underlying; fields have the broadcast shape of the inputs."""

    value: Floats
    """In the currency of the strike."""
    delta: Floats
    """Change of value for a unit of spot (of the forward in Black-76)."""
    gamma: Floats
    """Change of delta for a unit of spot (of the forward in Black-76)."""
    vega: Floats
    """Change of value for 1.00 of volatility."""
    theta: Floats
    """Change of value a year as the calendar runs forward; normally negative."""
    vanna: Floats
    """Change of delta for 1.00 of volatility."""
    charm: Floats
    """Change of delta a year as the calendar runs forward."""


@dataclass(frozen=True, slots=True, eq=False)
class ExposureGreeks:
    """The Greeks that a book of exposures is made of; shapes, units and signs as in `Greeks`."""

    delta: Floats
    gamma: Floats
    vanna: Floats
    charm: Floats


def black76(
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    sigma: ArrayLike,
    is_call: ArrayLike,
    rate: ArrayLike = 0.0,
) -> Greeks:
    """Value and Greeks of options on a forward (Black 1976), discounted at ``rate``; theta and charm hold it fixed.

    This is `black_scholes` on an asset that yields the rate, with the same edges.
    """
    return black_scholes(forward, strike, years, sigma, is_call, rate, rate)


def black_scholes(
    spot: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    sigma: ArrayLike,
    is_call: ArrayLike,
    rate: ArrayLike = 0.0,
    dividend: ArrayLike = 0.0,
) -> Greeks:
    """Value and Greeks of European options (Merton 1973) with a continuous ``rate`` and ``dividend`` yield.

    An expired option (``years`` <= 0) is worth what it pays, its delta is a step (half at the strike) and its other
    Greeks are 0. A volatility of 0 gives the limit. Where an input is not finite, a price is not positive or a
    volatility is negative, every result is NaN.
    """
    # What makes no sense is NaN in the result; numpy's warnings on the way there would only repeat it.
    with np.errstate(all="ignore"):
        terms = _terms(spot, strike, years, sigma, is_call, rate, dividend)
        delta, gamma, vanna, charm = _exposure_greeks(terms)

        asset_density = terms.spot * terms.density
        bond = terms.strike * np.exp(-terms.rate * terms.years)
        bond_tail = asset_density * mills(np.minimum(np.abs(terms.d2), _FARTHEST))
        value = _intrinsic(terms, bond) + _time_value(terms, asset_density, bond, bond_tail)
        vega = asset_density * terms.root_years
        theta = terms.rate * value + (terms.dividend - terms.rate) * terms.spot * delta
        theta -= 0.5 * asset_density * terms.deviation / terms.years
        if terms.expired.any():
            pays = np.maximum(_sign(terms.is_call) * (terms.spot - terms.strike), 0.0)
            value, vega, theta = (
                np.where(terms.expired, settled, greek) for settled, greek in ((pays, value), (0.0, vega), (0.0, theta))
            )
    return Greeks(value, delta, gamma, vega, theta, vanna, charm)


def exposure_greeks(
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    sigma: ArrayLike,
    is_call: ArrayLike,
    rate: ArrayLike = 0.0,
) -> ExposureGreeks:
    """The Greeks of `black76` that exposures are made of, without the cost of the others."""
    with np.errstate(all="ignore"):
        return ExposureGreeks(*_exposure_greeks(_terms(forward, strike, years, sigma, is_call, rate, rate)))


def mills(z: Floats) -> Floats:
    """Mills ratio N(-z) / phi(z) of the normal distribution for ``z`` in [0, 60], to 4.7e-15 relative."""
    powers = _MILLS.reshape(*_MILLS.shape, *(1 for _ in z.shape))
    fraction = np.empty((2, *z.shape))
    fraction[...] = powers[-1]
    for coefficients in powers[-2::-1]:
        fraction *= z
        fraction += coefficients
    ratio: Floats = fraction[0] / fraction[1]
    return ratio


def mills_gap(z: Floats, step: Floats) -> Floats:
    """mills(z - step) - mills(z + step) for ``step`` up to `NARROW`, where the plain difference would cancel.

    Taylor series about ``z`` up to the fifth derivative, to 1e-12 relative.
    """
    square = step * step
    first = 1.0 - z * mills(z)
    third = 1.0 - (z * z + 3.0) * first
    fifth = (z * z + 7.0) * third + 6.0 * first
    gap: Floats = 2.0 * step * (first - square * (third / 6.0 + square * fifth / 120.0))
    return gap


@dataclass(frozen=True, slots=True, eq=False)
class _Terms:
    """What every Greek is made of. An expired option has a year to live here, so that nothing divides by zero."""

    spot: Floats
    strike: Floats
    years: Floats
    rate: Floats
    dividend: Floats
    is_call: Booleans
    expired: Booleans
    root_years: Floats
    deviation: Floats
    """sigma * sqrt(years)."""
    d1: Floats
    """NaN where an input makes no sense, and with it all that is made from it."""
    d2: Floats
    growth: Floats
    """e^(-dividend * years)."""
    density: Floats
    """growth * phi(d1); times spot it is also strike * e^(-rate * years) * phi(d2)."""
    tail: Floats
    """growth * N(-|d1|)."""


def _terms(
    spot: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    sigma: ArrayLike,
    is_call: ArrayLike,
    rate: ArrayLike,
    dividend: ArrayLike,
) -> _Terms:
    s, k, t, sigma, r, q = (np.asarray(given, np.float64) for given in (spot, strike, years, sigma, rate, dividend))
    call = np.asarray(is_call, np.bool_)
    expired = t <= 0.0
    if expired.any():
        expired = np.isfinite(t) & expired
        t = np.where(expired, 1.0, t)
    shape = np.broadcast_shapes(s.shape, k.shape, t.shape, sigma.shape, call.shape, r.shape, q.shape)
    root_years, deviation, d1, d2, growth, density, tail, work, limit = _rows(9, shape)

    # ln(spot / strike) from the difference, which is exact near the money, over the lesser: neither tail cancels.
    np.minimum(s, k, out=work)
    sensible = (work >= 0.0) & (sigma >= 0.0)
    np.subtract(s, k, out=d2)
    d2 /= work
    np.log1p(np.abs(d2, out=d1), out=d1)
    np.copysign(d1, d2, out=d1)
    d1 += np.multiply(r - q, t, out=work)

    np.multiply(sigma, np.sqrt(t, out=root_years), out=deviation)
    limit.fill(_LEAST_DEVIATION)
    np.maximum(deviation, limit, out=deviation)
    d1 /= deviation
    d1 += np.multiply(deviation, 0.5, out=work)
    sensible &= np.isfinite(d1)
    if not sensible.all():
        np.copyto(d1, np.nan, where=~sensible)
        expired = expired & sensible
    np.subtract(d1, deviation, out=d2)

    np.exp(np.multiply(-q, t, out=growth), out=growth)
    limit.fill(_FARTHEST)
    np.minimum(np.abs(d1, out=work), limit, out=work)
    np.multiply(work, work, out=density)
    density *= -0.5
    np.exp(density, out=density)
    density *= growth
    density /= _ROOT_TWO_PI
    np.multiply(density, mills(work), out=tail)
    return _Terms(s, k, t, r, q, call, expired, root_years, deviation, d1, d2, growth, density, tail)


def _exposure_greeks(terms: _Terms) -> tuple[Floats, Floats, Floats, Floats]:
    delta, gamma, vanna, charm, work = _rows(5, terms.d1.shape)
    # growth * N(d1) for a call, -growth * N(-d1) for a put, as arithmetic: np.where mispredicts on every other row.
    np.multiply(terms.growth, np.subtract(terms.d1 >= 0.0, ~terms.is_call, dtype=np.int8), out=delta)
    delta -= np.copysign(terms.tail, terms.d1, out=work)

    np.divide(terms.density, terms.deviation, out=gamma)
    np.multiply(terms.density, terms.d2, out=work)
    np.divide(work, terms.years, out=charm)
    charm *= 0.5
    charm -= np.multiply(terms.rate - terms.dividend, gamma, out=vanna)
    charm += np.multiply(terms.dividend, delta, out=vanna)
    np.multiply(work, terms.root_years, out=vanna)
    vanna /= terms.deviation
    np.negative(vanna, out=vanna)
    gamma /= terms.spot
    if terms.expired.any():
        sign = _sign(terms.is_call)
        np.copyto(delta, sign * np.heaviside(sign * (terms.spot - terms.strike), 0.5), where=terms.expired)
        for greek in (gamma, vanna, charm):
            np.copyto(greek, 0.0, where=terms.expired)
    return delta, gamma, vanna, charm


def _intrinsic(terms: _Terms, bond: Floats) -> Floats:
    """What exercise at the forward is worth today; the difference of its legs would leave no digits near the money."""
    carried = bond * np.expm1((terms.rate - terms.dividend) * terms.years)
    ahead = terms.growth * (terms.spot - terms.strike) + carried
    return np.maximum(_sign(terms.is_call) * ahead, 0.0)


def _time_value(terms: _Terms, asset_density: Floats, bond: Floats, bond_tail: Floats) -> Floats:
    """What the out-of-the-money side of the same strike is worth."""
    asset_tail = terms.spot * terms.tail
    lesser = np.minimum(terms.spot * terms.growth, bond)
    value = np.where(terms.d1 * terms.d2 < 0.0, lesser - asset_tail - bond_tail, np.abs(asset_tail - bond_tail))
    middle = np.minimum(0.5 * np.abs(terms.d1 + terms.d2), _FARTHEST)
    step = 0.5 * terms.deviation
    return np.where(step < NARROW, asset_density * mills_gap(middle, step), value)


def _sign(is_call: Booleans) -> Floats:
    return np.where(is_call, 1.0, -1.0)


def _rows(count: int, shape: tuple[int, ...]) -> Iterator[Floats]:
    """So many uninitialised arrays, from one allocation; fresh ones cost more than the arithmetic done in them."""
    block = np.empty((count, *shape))
    return (block[row, ...] for row in range(count))
