"""Rungs: the strikes of a chain gathered into the rows of one price axis."""

from dataclasses import dataclass

import numpy as np

from gextui.market.chain import Floats, Integers

EVERY_STRIKE = 0.0
"""The step that gathers nothing."""

_NEAR = 0.1
_FEWEST_RUNGS = 6
_STEPS_A_DECADE = ((1.0,), (2.0, 2.5), (5.0,))


@dataclass(frozen=True, slots=True, eq=False)
class Rungs:
    """Rows of a price axis, R of them, prices descending; each holds at least one of the K listed strikes."""

    step: float
    """Distance between rows; `EVERY_STRIKE` where every listed strike is its own."""
    strikes: Floats
    """The listed strikes, ascending; shape (K,)."""
    prices: Floats
    """The price that names each row, descending; shape (R,)."""
    row: Integers
    """The row of each strike; shape (K,)."""

    def __len__(self) -> int:
        return len(self.prices)

    def sums(self, values: Floats) -> Floats:
        """Sum a number a strike (K) to one a row (R): NaN counts nothing, and a row of NaN alone is NaN."""
        known = np.isfinite(values)
        total = np.bincount(self.row, np.where(known, values, 0.0), minlength=len(self)).astype(np.float64)
        total[np.bincount(self.row, known, minlength=len(self)) == 0] = np.nan
        return total

    def above(self, price: float) -> int:
        """How many rows are named by a higher price."""
        return int(np.count_nonzero(self.prices > price))

    def nearest(self, price: float) -> int:
        """The row of the listed strike nearest ``price``."""
        return int(self.row[int(np.abs(self.strikes - price).argmin())])

    def listed(self, row: int) -> float:
        """The listed strike of a row that is nearest the price that names it."""
        strikes = self.strikes[self.row == row]
        return float(strikes[int(np.abs(strikes - self.prices[row]).argmin())])

    def row_of_level(self, price: float, spot: float) -> int | None:
        """The row on which a level is named: the nearest on the level's own side of spot, None when it is off the axis.

        A level may lie between two rows; naming it on the far side of the spot line would turn its meaning round.
        """
        above = self.above(spot)
        rows = np.arange(above) if price > spot else np.arange(above, len(self))
        if not len(rows):
            rows = np.arange(len(self))
        if not len(rows):
            return None
        gaps = np.abs(self.prices - price)
        row = int(rows[int(gaps[rows].argmin())])
        top, bottom = self.prices[0], self.prices[-1]
        reach = (top - bottom) / max(len(self) - 1, 1)
        return row if bottom - reach <= price <= top + reach else None


def gather(strikes: Floats, step: float) -> Rungs:
    """Gather ascending ``strikes`` into rows at multiples of ``step``, each holding what is within half a step."""
    count = len(strikes)
    if step == EVERY_STRIKE or not count:
        return Rungs(EVERY_STRIKE, strikes, strikes[::-1], np.arange(count, dtype=np.int64)[::-1])
    # Rounded, so that strikes on another axis fall where they do on their own.
    multiples, row = np.unique(np.floor(np.round(strikes / step, 9) + 0.5), return_inverse=True)
    # Half-open buckets of binary fractions: 12 digits hide their noise and show every real strike.
    prices = np.round(multiples * step, 12)
    return Rungs(step, strikes, prices[::-1], (len(multiples) - 1 - row).astype(np.int64))


def spacing(strikes: Floats, spot: float) -> float:
    """The usual distance of neighbouring strikes within 10 % of spot (of all of them where fewer than 3 are near)."""
    near = strikes[np.abs(strikes - spot) <= _NEAR * spot]
    gaps = np.diff(near if len(near) > 2 else strikes)
    return float(np.median(gaps)) if len(gaps) else 0.0


def steps_for(strikes: Floats, spot: float) -> tuple[float, ...]:
    """The steps worth offering, ascending: every strike, then 1-2-5 times powers of ten wider than the spacing.

    2.5 takes the place of 2 where the listed strikes are rather multiples of it (SPX: 25, not 20).
    """
    usual = spacing(strikes, spot)
    if not usual:
        return (EVERY_STRIKE,)
    reach = float(strikes[-1] - strikes[0])
    steps = [EVERY_STRIKE]
    power = 10.0 ** np.floor(np.log10(usual))
    while power * 1.0 <= reach / _FEWEST_RUNGS:
        for choices in _STEPS_A_DECADE:
            step = float(max((choice * power for choice in choices), key=lambda one: _multiples(strikes, one)))
            if usual * 1.01 < step <= reach / _FEWEST_RUNGS:
                steps.append(step)
        power *= 10.0
    return tuple(steps)


def _multiples(strikes: Floats, step: float) -> int:
    quotients = strikes / step
    return int(np.count_nonzero(np.abs(quotients - np.round(quotients)) < 1e-9))


def step_to_show(strikes: Floats, steps: tuple[float, ...], spot: float, rows: int, reach: float) -> int:
    """Which of ``steps`` to begin with: the finest whose ``rows`` around spot span ``reach`` to both sides.

    A side on which the chain ends sooner asks no more than its end.
    """
    half = max(rows // 2, 1)
    for index, step in enumerate(steps):
        prices = gather(strikes, step).prices
        above = int(np.count_nonzero(prices > spot))
        top, bottom = max(above - half, 0), min(above + half, len(prices)) - 1
        high_enough = top == 0 or prices[top] >= spot + reach
        low_enough = bottom >= len(prices) - 1 or prices[bottom] <= spot - reach
        if high_enough and low_enough:
            return index
    return len(steps) - 1
