"""Black-76 and Black-Scholes-Merton: value and Greeks, vectorised over a chain.

Formulas, units and signs follow Haug, The Complete Guide to Option Pricing Formulas, 2nd ed., chapter 2. One
exponential serves density and distribution alike: N(-z) = phi(z) * mills(z).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from gextui.market.chain import Booleans, Floats
from gextui.pricing.normal import FARTHEST, NARROW, ROOT_TWO_PI, mills, mills_gap

_PEAK = 1.0 / ROOT_TWO_PI
"""phi(0)."""
_LEAST_DEVIATION = 1e-8
"""Floor of sigma * sqrt(years), so that a volatility of zero gives a step and not a division by zero."""


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
        bond_tail = asset_density * mills(np.minimum(np.abs(terms.d2), FARTHEST))
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
    r, q = np.asarray(rate, np.float64), np.asarray(dividend, np.float64)
    given = (np.asarray(column, np.float64) for column in (spot, strike, years, sigma))
    s, k, t, sigma, call = np.broadcast_arrays(*given, np.asarray(is_call, np.bool_))
    expired = t <= 0.0
    if expired.any():
        expired = np.isfinite(t) & expired
        t = np.where(expired, 1.0, t)

    # ln(spot / strike) from the difference, which is exact near the money, over the lesser: neither tail cancels.
    lesser = np.minimum(s, k)
    excess = s - k
    excess /= lesser
    d1 = np.copysign(np.log1p(np.abs(excess)), excess)
    carry = r - q
    if carry.any():
        d1 = d1 + carry * t
    root_years = np.sqrt(t)
    deviation = np.maximum(sigma * root_years, _LEAST_DEVIATION)
    d1 /= deviation
    d1 += 0.5 * deviation
    sensible = (lesser >= 0.0) & (sigma >= 0.0) & np.isfinite(d1)
    if not sensible.all():
        d1 = np.where(sensible, d1, np.nan)
        expired = expired & sensible

    z = np.minimum(np.abs(d1), FARTHEST)
    growth = np.exp(-q * t)
    density = np.exp(-0.5 * z * z) * growth
    density *= _PEAK
    return _Terms(
        spot=s,
        strike=k,
        years=t,
        rate=r,
        dividend=q,
        is_call=call,
        expired=expired,
        root_years=root_years,
        deviation=deviation,
        d1=d1,
        d2=d1 - deviation,
        growth=growth,
        density=density,
        tail=density * mills(z),
    )


def _exposure_greeks(terms: _Terms) -> tuple[Floats, Floats, Floats, Floats]:
    # growth * N(d1) for a call, -growth * N(-d1) for a put, as arithmetic: np.where mispredicts on every other row.
    step = np.subtract(terms.d1 >= 0.0, ~terms.is_call, dtype=np.int8)
    delta = step * terms.growth - np.copysign(terms.tail, terms.d1)
    density_per_deviation = terms.density / terms.deviation
    gamma = density_per_deviation / terms.spot
    vanna = terms.d2 * density_per_deviation
    vanna *= -terms.root_years
    charm = terms.d2 * terms.density
    charm /= 2.0 * terms.years
    charm += terms.dividend * delta
    carry = terms.rate - terms.dividend
    if carry.any():
        charm -= carry * density_per_deviation
    if terms.expired.any():
        sign = _sign(terms.is_call)
        settled = sign * np.heaviside(sign * (terms.spot - terms.strike), 0.5)
        delta = np.where(terms.expired, settled, delta)
        gamma, vanna, charm = (np.where(terms.expired, 0.0, greek) for greek in (gamma, vanna, charm))
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
    between = np.maximum(lesser - asset_tail - bond_tail, 0.0)
    value = np.where(terms.d1 * terms.d2 < 0.0, between, np.abs(asset_tail - bond_tail))
    middle = np.minimum(0.5 * np.abs(terms.d1 + terms.d2), FARTHEST)
    step = 0.5 * terms.deviation
    return np.where(step < NARROW, asset_density * mills_gap(middle, step), value)


def _sign(is_call: Booleans) -> Floats:
    return np.where(is_call, 1.0, -1.0)
