"""Implied volatility: Black-76 inverted, vectorised over a chain.

The out-of-the-money value b = value / sqrt(F K) depends on the moneyness x = |ln(F / K)| and the deviation
v = sigma * sqrt(years) alone. What the normal model would imply, corrected for lognormality, is v to 1e-5 in ordinary
markets; one Householder step of fourth order on ln b, as in Jaeckel, Let's Be Rational (2015), makes it exact.
"""

import numpy as np
from numpy.typing import ArrayLike

from gextui.market.chain import Floats
from gextui.pricing.normal import NARROW, ROOT_TWO_PI, mills, mills_gap, rational

_NOISE = 4.0 * float(np.finfo(np.float64).eps)
"""A time value below this share of the price, or as near to its upper bound, is what rounding left and says nothing."""
_SETTLED = 2e-4
"""A relative step below this was the last: what it leaves is of its fourth power."""
_MOST_STEPS = 12
_LEAST = 1e-15
"""Floor of moneyness over value, below which log1p is its argument."""

# (y / h)^2 by y = log1p(k / b), where b is the normal model's value of an option k = h deviations out of the money.
# Fitted to 4e-6 up to h = 7.5 and 2e-4 up to h = 37.
_NORMAL = np.array(
    [
        [6.28321775, 1.0],
        [1.64250693, 0.261490397],
        [0.309742642, 0.0416069393],
        [0.0369229348, 0.00406257289],
        [0.00226310372, 4.20946154e-5],
        [2.11023292e-5, 0.0],
    ]
)


def implied_volatility(
    price: ArrayLike,
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    is_call: ArrayLike,
    rate: ArrayLike = 0.0,
) -> Floats:
    """The volatility a year at which `black76` gives ``price``, in the broadcast shape of the inputs.

    NaN where there is none: a price at or outside its no-arbitrage bounds, or so deep in the money that rounding ate
    the time value; no time left; an input that is not finite or makes no sense.
    """
    given = (np.asarray(column, np.float64) for column in (price, forward, strike, years, rate))
    columns = np.broadcast_arrays(*given, np.asarray(is_call, np.bool_))
    p, f, k, t, r, call = (column.reshape(-1) for column in columns)
    # What makes no sense is NaN in the result; numpy's warnings on the way there would only repeat it.
    with np.errstate(all="ignore"):
        # The out-of-the-money side of the strike, by parity where the price is the other's.
        undiscounted = p * np.exp(r * t)
        ahead = f - k
        value = undiscounted - np.maximum(ahead * np.subtract(call, ~call, dtype=np.int8), 0.0)
        lesser = np.minimum(f, k)
        excess = np.abs(ahead) / lesser
        moneyness = np.log1p(excess)
        solvable = (value > _NOISE * undiscounted) & (value < (1.0 - _NOISE) * lesser)
        solvable &= (lesser > 0.0) & (t > 0.0) & np.isfinite(t) & np.isfinite(moneyness)
        if not solvable.all():
            value = np.where(solvable, value, np.nan)
        highest = np.exp(-0.5 * moneyness)
        deviation = _solve(value * highest / lesser, highest, excess * highest, moneyness)
        result: Floats = (deviation / np.sqrt(t)).reshape(columns[0].shape)
    return result


def _solve(value: Floats, highest: Floats, excess: Floats, moneyness: Floats) -> Floats:
    """The deviation at which an option ``moneyness`` out of the money has ``value``, which is below ``highest``."""
    deviation = _guess(value, excess, moneyness)
    step = _step(value, highest, moneyness, deviation)
    deviation += step
    rough = np.flatnonzero(np.abs(step) > _SETTLED * deviation)
    for _ in range(_MOST_STEPS):
        if not len(rough):
            break
        step = _step(value[rough], highest[rough], moneyness[rough], deviation[rough])
        deviation[rough] += step
        rough = rough[np.abs(step) > _SETTLED * deviation[rough]]
    deviation[rough] = np.nan
    return deviation


def _guess(value: Floats, excess: Floats, moneyness: Floats) -> Floats:
    """The normal model's deviation u, then v = u (1 + v^2 / 24) for lognormality, as a fraction that stays finite."""
    least = _LEAST * value
    y = np.log1p(np.maximum(excess, least) / value)
    u = np.maximum(moneyness, least) / y * np.sqrt(rational(_NORMAL, y))
    w = np.minimum(u * u / (24.0 + 0.18 * moneyness * moneyness), 0.25)
    guess: Floats = u * (1.0 - 2.0 * w) / (1.0 - 3.0 * w + w * w)
    return guess


def _step(value: Floats, highest: Floats, moneyness: Floats, deviation: Floats) -> Floats:
    """Householder's step of fourth order on ln b, or on ln(highest - b) beyond the inflection, where b flattens."""
    # Either target is phi * mass, where phi = e^(-(h^2 + t^2) / 2) / sqrt(2 pi) is also the slope of b: a log, no exp.
    h = moneyness / deviation
    t = 0.5 * deviation
    near = h - t
    side = np.copysign(1.0, near)
    mass = mills(np.abs(near)) - side * mills(h + t)
    narrow = np.flatnonzero(t < NARROW)
    if len(narrow):
        side[narrow] = 1.0
        mass[narrow] = mills_gap(h[narrow], t[narrow])

    slope = side / mass
    beyond = 0.5 * (1.0 - side)
    square = h * h
    newton = (np.log(ROOT_TWO_PI * slope * (value - beyond * highest)) + 0.5 * (square + t * t)) / slope
    square /= deviation
    second = square - 0.5 * t - slope
    third = second * (second - slope) - 3.0 * square / deviation - 0.25
    factor = (1.0 + 0.5 * newton * second) / (1.0 + newton * (second + newton * third / 6.0))
    step: Floats = np.maximum(newton * np.clip(factor, 0.5, 2.0), -0.5 * deviation)
    return step
