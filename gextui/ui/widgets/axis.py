"""The price axis of one view: which step, which rows, and where the cursor is."""

from collections.abc import Hashable

import numpy as np

from gextui.market.chain import Floats
from gextui.ui.widgets.rungs import EVERY_STRIKE, Rungs, gather, step_to_show, steps_for

_NOTHING = np.empty(0, dtype=np.float64)
_REACH_IN_DAILY_SIGMAS = 2.5
"""With steps of 1-2-5 the view then ends between two daily and two weekly moves from spot."""
_LIKELY_DAILY_SIGMA = 0.015
_SIGMA_BOUNDS = (0.003, 0.15)
_NOISE = 1e-12
"""By how much a price may differ from itself after another scale."""


class Axis:
    """Strikes descending with the spot line between its two; follows spot until the cursor is moved.

    The view stands still while spot stays near the middle, so that rows do not wander with every tick.
    """

    def __init__(self, *, gathers: bool = True) -> None:
        self._gathers = gathers
        """Whether strikes may share a row; else each has its own."""
        self.rungs: Rungs = gather(_NOTHING, EVERY_STRIKE)
        self.cursor: float | None = None
        """The listed strike that was chosen; None while the view follows spot."""
        self.zoom_level = 0
        self._subject: Hashable = None
        self._home_of: Hashable = None
        self._home = EVERY_STRIKE
        self._steps: tuple[float, ...] = (EVERY_STRIKE,)
        self._spot = 0.0
        self._scale = 1.0
        self._height = 0
        self._anchor: float | None = None
        """The price that names the first row in view."""

    def fit(
        self,
        strikes: Floats,
        spot: float,
        height: int,
        *,
        daily_sigma: float | None = None,
        subject: Hashable = None,
        selection: Hashable = None,
        scale: float = 1.0,
    ) -> None:
        """Take in the listed strikes (ascending), spot and the number of rows there is room for.

        A new ``subject`` (a ticker) starts afresh; a new ``selection`` (its filters) chooses a new step unless the
        user has zoomed. ``daily_sigma`` is a fraction of spot. ``scale`` is what prices are multiplied by to be those
        that are listed; another one leaves every row where it is.
        """
        self._rescale(scale)
        if subject != self._subject:
            self._subject = subject
            self._home_of = None
            self.zoom_level = 0
            self.recentre()
        listed = self.rungs.strikes
        relisted = not np.array_equal(strikes, listed)
        if relisted and self._gathers:
            listed_steps = steps_for(np.round(strikes * scale, 9), spot * scale)
            self._steps = tuple(step / scale for step in listed_steps)
        self._spot, self._height = spot, max(height, 0)
        home_of = (selection, height, daily_sigma is None)
        if home_of != self._home_of and not self.zoom_level:
            self._home_of = home_of
            self._home = self._choose_step(strikes, daily_sigma)
            self._anchor = None if self.cursor is None else self._anchor
        if relisted or self.step != self.rungs.step:
            self.rungs = gather(strikes, self.step)

    def _rescale(self, scale: float) -> None:
        change, self._scale = self._scale / scale, scale
        if change != 1.0:
            self._home *= change
            self.cursor = None if self.cursor is None else self.cursor * change
            self._anchor = None if self._anchor is None else self._anchor * change

    def _choose_step(self, strikes: Floats, daily_sigma: float | None) -> float:
        lowest, highest = _SIGMA_BOUNDS
        sigma = _LIKELY_DAILY_SIGMA if daily_sigma is None else min(max(daily_sigma, lowest), highest)
        reach = self._spot * sigma * _REACH_IN_DAILY_SIGMAS
        return self._steps[step_to_show(strikes, self._steps, self._spot, self._height - 1, reach)]

    @property
    def step(self) -> float:
        """The distance between rows; `EVERY_STRIKE` for none."""
        home = min(range(len(self._steps)), key=lambda index: abs(self._steps[index] - self._home))
        return self._steps[min(max(home - self.zoom_level, 0), len(self._steps) - 1)]

    def visible(self) -> list[int | None]:
        """The rows in view from the top, as indices into ``rungs``; None stands for the spot line."""
        if not len(self.rungs):
            return []
        top = self._top()
        above = self.rungs.above(self._spot)
        bottom = min(top + self._height, len(self.rungs) + 1)
        rows = [None if at == above else at - (at > above) for at in range(top, bottom)]
        first = next((row for row in rows if row is not None), None)
        self._anchor = None if first is None else float(self.rungs.prices[first])
        return rows

    def _top(self) -> int:
        above, middle = self.rungs.above(self._spot), self._height // 2
        top = None if self._anchor is None else self._position(self._row_at(self._anchor))
        if self.cursor is None and (top is None or abs(above - top - middle) > max(1, self._height // 6)):
            top = above - middle
        return self._clamp(above - middle if top is None else top)

    def _clamp(self, top: int) -> int:
        return max(0, min(top, len(self.rungs) + 1 - self._height))

    def _row_at(self, price: float) -> int:
        """The first row at or below a price."""
        return min(int(np.count_nonzero(self.rungs.prices > price * (1.0 + _NOISE))), len(self.rungs) - 1)

    def _position(self, row: int) -> int:
        """Where a row is on the whole axis, the spot line counted."""
        return row + (row >= self.rungs.above(self._spot))

    @property
    def cursor_strike(self) -> float | None:
        """The listed strike under the cursor, to the last digit; None while the view follows spot."""
        strikes = self.rungs.strikes
        if self.cursor is None or not len(strikes):
            return None
        return float(strikes[int(np.abs(strikes - self.cursor).argmin())])

    @property
    def cursor_row(self) -> int | None:
        """The row under the cursor."""
        return None if self.cursor is None or not len(self.rungs) else self.rungs.nearest(self.cursor)

    def move(self, rows: int) -> None:
        """Move the cursor down (positive) or up; the first step leaves from the spot line."""
        self._put_cursor(rows)
        self._reveal()

    def page(self, direction: int) -> None:
        """Move the view and the cursor by a page, down (1) or up (-1)."""
        if not len(self.rungs):
            return
        rows = direction * max(self._height - 2, 1)
        top = self._clamp(self._top() + rows)
        self._put_cursor(rows)
        self._anchor_at(top)
        self._reveal()

    def _put_cursor(self, rows: int) -> None:
        if not len(self.rungs) or not rows:
            return
        row = self.cursor_row
        if row is None:
            above = self.rungs.above(self._spot)
            self._anchor_at(self._top())
            target = above + rows - (rows > 0)
        else:
            target = row + rows
        self.cursor = self.rungs.listed(max(0, min(target, len(self.rungs) - 1)))

    def _anchor_at(self, top: int) -> None:
        above = self.rungs.above(self._spot)
        row = min(top - (top > above), len(self.rungs) - 1)
        self._anchor = float(self.rungs.prices[row])

    def _reveal(self, *, centred: bool = False) -> None:
        row = self.cursor_row
        if row is None:
            return
        position, top = self._position(row), self._top()
        if top <= position < top + self._height:
            return
        nearest = position if position < top else position - self._height + 1
        self._anchor_at(self._clamp(position - self._height // 2 if centred else nearest))

    def zoom(self, step: int) -> None:
        """Take finer steps (positive) or wider ones; spot, or the row under the cursor, stays where it is."""
        position = None if (row := self.cursor_row) is None else self._position(row) - self._top()
        for _ in range(abs(step)):
            before = self.step
            self.zoom_level += 1 if step > 0 else -1
            if self.step == before:
                self.zoom_level -= 1 if step > 0 else -1
                return
            self.rungs = gather(self.rungs.strikes, self.step)
            self._anchor = None
            if position is not None and (row := self.cursor_row) is not None:
                self._anchor_at(self._clamp(self._position(row) - position))

    def recentre(self) -> None:
        """Drop the cursor and follow spot again."""
        self.cursor = None
        self._anchor = None

    def go_to(self, strike: float) -> bool:
        """Put the cursor on the listed strike nearest a price; False when nothing is listed."""
        strikes = self.rungs.strikes
        if not len(strikes):
            return False
        if self.cursor is None:
            self._anchor_at(self._top())
        self.cursor = float(strikes[int(np.abs(strikes - strike).argmin())])
        self._reveal(centred=True)
        return True
