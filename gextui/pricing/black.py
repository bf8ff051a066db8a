"""Black-76 and Black-Scholes-Merton: value and Greeks, vectorised over a chain.

Formulas, units and signs follow Haug, The Complete Guide to Option Pricing Formulas, 2nd ed., chapter 2. One
exponential serves density and distribution: N(-z) = phi(z) * mills(z).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from gextui.market.chain import Booleans, Floats

_ROOT_TWO_PI = 2.5066282746310002
_FARTHEST = 37.4
"""Deviations beyond this count as this: the density there is e^-700, and exp is slow where its result underflows."""
_LEAST_DEVIATION = 1e-8
"""Floor of sigma * sqrt(years), so that a volatility of zero gives a step and not a division by zero."""

# Minimax fit of N(-z) / phi(z), relative error 4.7e-15 on [0, 60]. Every coefficient is positive: no cancellation.
_MILLS_ABOVE = (
    1.25331413731550605,
    1.81972015457935113,
    1.3016447807851839,
    0.584857908238959839,
    0.178813257102932796,
    0.037990453651474375,
    0.005491999600105097,
    0.000498110829926463666,
    0.0000221024960201756281,
)
_MILLS_BELOW = (
    1.0,
    2.24981117712428991,
    2.33365187716732794,
    1.46968983023909345,
    0.621852423110346486,
    0.184261040467585278,
    0.0384885647949012469,
    0.00551410209040859743,
    0.000498110829986838137,
    0.0000221024960198988944,
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
        state = _state(is_call, *_floats(spot, strike, years, sigma, rate, dividend))
        greeks = _exposure_greeks(state)
        bond = state.strike * np.exp(-state.rate * state.years)
        bond_tail = state.asset_density * mills(np.minimum(np.abs(state.d2), _FARTHEST))
        bond_leg = np.where(state.sign * state.d2 < 0.0, bond_tail, bond - bond_tail)
        asset_leg = state.sign * state.spot * greeks.delta
        value = state.sign * (asset_leg - bond_leg)
        vega = state.asset_density * np.sqrt(state.years)
        decay = -state.asset_density * state.deviation / (2.0 * state.years)
        theta = decay + state.sign * (state.dividend * asset_leg - state.rate * bond_leg)
        if state.expired.any():
            value = np.where(state.expired, np.maximum(state.sign * (state.spot - state.strike), 0.0), value)
            vega = np.where(state.expired, 0.0, vega)
            theta = np.where(state.expired, 0.0, theta)
    return Greeks(value, greeks.delta, greeks.gamma, vega, theta, greeks.vanna, greeks.charm)


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
        return _exposure_greeks(_state(is_call, *_floats(forward, strike, years, sigma, rate, rate)))


def mills(z: Floats) -> Floats:
    """Mills ratio N(-z) / phi(z) of the normal distribution for ``z`` in [0, 60], to 4.7e-15 relative."""
    return _polynomial(_MILLS_ABOVE, z) / _polynomial(_MILLS_BELOW, z)


def _polynomial(coefficients: tuple[float, ...], z: Floats) -> Floats:
    total = np.full_like(z, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        total = total * z + coefficient
    return total


@dataclass(frozen=True, slots=True, eq=False)
class _State:
    """What every Greek is made of. An expired option has a year to live here, so that nothing divides by zero."""

    spot: Floats
    strike: Floats
    years: Floats
    rate: Floats
    dividend: Floats
    expired: Booleans
    sign: Floats
    """+1 call, -1 put."""
    deviation: Floats
    """sigma * sqrt(years)."""
    d1: Floats
    """NaN where an input makes no sense, and with it all that is made from it."""
    d2: Floats
    growth: Floats
    """e^(-dividend * years)."""
    density: Floats
    """growth * phi(d1)."""
    asset_density: Floats
    """spot * growth * phi(d1), the same as strike * e^(-rate * years) * phi(d2)."""


def _floats(*columns: ArrayLike) -> tuple[Floats, ...]:
    return tuple(np.asarray(column, dtype=np.float64) for column in columns)


def _state(
    is_call: ArrayLike,
    spot: Floats,
    strike: Floats,
    years: Floats,
    sigma: Floats,
    rate: Floats,
    dividend: Floats,
) -> _State:
    expired = years <= 0.0
    years = np.where(expired, 1.0, years)
    # ln(spot / strike) by the difference, which is exact near the money, over the lesser: neither tail cancels.
    lesser = np.minimum(spot, strike)
    excess = (spot - strike) / lesser
    moneyness = np.copysign(np.log1p(np.abs(excess)), excess)
    deviation = np.maximum(sigma * np.sqrt(years), _LEAST_DEVIATION)
    d1 = (moneyness + (rate - dividend) * years) / deviation + 0.5 * deviation
    sound = (np.minimum(lesser, sigma) >= 0.0) & np.isfinite(d1)
    d1 = np.where(sound, d1, np.nan)
    z = np.minimum(np.abs(d1), _FARTHEST)
    growth = np.exp(-dividend * years)
    density = growth * np.exp(-0.5 * z * z) / _ROOT_TWO_PI
    return _State(
        spot=spot,
        strike=strike,
        years=years,
        rate=rate,
        dividend=dividend,
        expired=expired & sound,
        sign=np.where(np.asarray(is_call, dtype=np.bool_), 1.0, -1.0),
        deviation=deviation,
        d1=d1,
        d2=d1 - deviation,
        growth=growth,
        density=density,
        asset_density=spot * density,
    )


def _exposure_greeks(state: _State) -> ExposureGreeks:
    tail = state.density * mills(np.minimum(np.abs(state.d1), _FARTHEST))
    in_the_money = np.where(state.sign * state.d1 < 0.0, tail, state.growth - tail)
    delta = state.sign * in_the_money
    gamma = state.density / (state.spot * state.deviation)
    vanna = -state.density * state.d2 * np.sqrt(state.years) / state.deviation
    drift = (state.rate - state.dividend) / state.deviation - state.d2 / (2.0 * state.years)
    charm = state.dividend * delta - state.density * drift
    if state.expired.any():
        step = np.heaviside(state.sign * (state.spot - state.strike), 0.5)
        delta = np.where(state.expired, state.sign * step, delta)
        gamma = np.where(state.expired, 0.0, gamma)
        vanna = np.where(state.expired, 0.0, vanna)
        charm = np.where(state.expired, 0.0, charm)
    return ExposureGreeks(delta, gamma, vanna, charm)
