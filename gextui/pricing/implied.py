"""Implied volatility: Black-76 inverted, vectorised over a chain."""

import numpy as np
from numpy.typing import ArrayLike

from gextui.market.chain import Floats
from gextui.pricing.black import black76

_HIGHEST_DEVIATION = 20.0
_HALVINGS = 60


def implied_volatility(
    price: ArrayLike,
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    is_call: ArrayLike,
    rate: ArrayLike = 0.0,
) -> Floats:
    """The volatility a year at which `black76` gives ``price``; NaN where none does."""
    price, forward, strike, years, is_call, rate = np.broadcast_arrays(price, forward, strike, years, is_call, rate)
    with np.errstate(all="ignore"):
        ahead = np.where(is_call, forward - strike, strike - forward)
        undiscounted = price * np.exp(rate * years) - np.maximum(ahead, 0.0)
        otm_call = forward <= strike
        highest = np.where(otm_call, forward, strike)
        solvable = (undiscounted > 0) & (undiscounted < highest) & (forward > 0) & (strike > 0) & (years > 0)
        low, high = np.zeros(price.shape), np.full(price.shape, _HIGHEST_DEVIATION)
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            above = black76(forward, strike, 1.0, middle, otm_call).value > undiscounted
            low, high = np.where(above, low, middle), np.where(above, middle, high)
        result: Floats = np.where(solvable, 0.5 * (low + high) / np.sqrt(years), np.nan)
    return result
