"""What a simulated price did before anybody watched, and has done since: candles of any length."""

import math
from collections import deque
from dataclasses import dataclass

import numpy as np

from gextui.market.calendar import SECONDS_A_YEAR
from gextui.market.chain import Floats

_MINUTE = 60
_REMEMBERED = 10_000
"""Minutes that are kept as they were; what lies further back is made up."""
_PERIODS = 60.0 * 2.0 ** np.arange(21)
"""Seconds: from a minute to two years."""
_SAMPLES = 16
"""Points of the made-up path a candle is made of."""


@dataclass(frozen=True, slots=True, eq=False)
class Candles:
    """Columns of N candles, ascending; ``at`` is each one's first second, epoch seconds."""

    at: Floats
    open: Floats
    high: Floats
    low: Floats
    close: Floats


class Past:
    """One price's history. What was not recorded is a function of time alone, so it is the same whenever asked."""

    def __init__(self, seed: int, sigma: float) -> None:
        """A path that is made up from ``seed`` with volatility ``sigma`` a year."""
        self._phases = np.random.RandomState(seed).uniform(0.0, 2.0 * math.pi, len(_PERIODS))
        # The Weierstrass function with periods in octaves whose increments have a Brownian motion's variance:
        # the sum of A^2 (1 - cos(2 pi h / P)) with A^2 = c P is c h pi^2 / ln 2.
        self._amplitudes = sigma / math.pi * np.sqrt(math.log(2.0) * _PERIODS / SECONDS_A_YEAR)
        self._minutes: deque[list[float]] = deque(maxlen=_REMEMBERED)

    def record(self, now: float, price: float) -> None:
        """Remember the price at an instant; instants ascend."""
        minute = now // _MINUTE * _MINUTE
        if not self._minutes or self._minutes[-1][0] < minute:
            self._minutes.append([minute, price, price, price, price])
        else:
            last = self._minutes[-1]
            last[2], last[3], last[4] = max(last[2], price), min(last[3], price), price

    def candles(self, start: float, end: float, seconds: int) -> Candles:
        """Candles of so many seconds that begin in [start, end] and not after the last recorded price.

        Raises:
            ValueError: nothing is recorded yet.
        """
        if not self._minutes:
            raise ValueError("a past needs a present")
        recorded = np.array(self._minutes)
        first = math.ceil(start / seconds)
        at = np.arange(first, int(min(end, recorded[-1, 0]) // seconds) + 1, dtype=np.float64) * seconds
        before = at[at + seconds <= recorded[0, 0]]
        after = at[len(before) :]
        grid = before[:, None] + np.linspace(0.0, seconds, _SAMPLES)
        path = recorded[0, 1] * np.exp(self._log_path(grid) - self._log_path(recorded[:1, 0]))
        made_up = np.stack((path[:, 0], path.max(axis=1), path.min(axis=1), path[:, -1])) if len(before) else _NONE
        edges = np.searchsorted(recorded[:, 0], (after, after + seconds)).T.tolist()
        lived = [
            (rows[0, 1], rows[:, 2].max(), rows[:, 3].min(), rows[-1, 4])
            if len(rows := recorded[low:high])
            else (math.nan,) * 4
            for low, high in edges
        ]
        columns = np.concatenate((made_up, np.array(lived).T if lived else _NONE), axis=1)
        some = np.isfinite(columns[0])
        return Candles(at[some], *columns[:, some])

    def _log_path(self, at: Floats) -> Floats:
        """The made-up path's logarithm at these instants, in their shape."""
        angles = 2.0 * math.pi * at[..., None] / _PERIODS + self._phases
        path: Floats = np.sin(angles) @ self._amplitudes
        return path


_NONE = np.empty((4, 0))
