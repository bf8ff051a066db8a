"""Time: expiry instants, sessions, holidays, half days, year fractions."""

import numpy as np

from gextui.market.chain import Floats

SECONDS_A_YEAR = 365.0 * 86400.0
SHORTEST_LIFE = 60.0
"""Seconds: a living contract is never priced with less, so that one expiring strike cannot dominate."""


def years_to_expiry(as_of: float, expiries: Floats) -> Floats:
    """Year fractions from ``as_of`` to each expiry, ACT/365 from seconds, with a floor of 60 s; 0 once expired."""
    seconds = expiries - as_of
    years: Floats = np.where(seconds > 0, np.maximum(seconds, SHORTEST_LIFE), 0.0) / SECONDS_A_YEAR
    return years
