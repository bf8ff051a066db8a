"""Panes: charts of recorded values over one axis of time, with names at the right. Nothing is drawn across a gap."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from gextui.exposure.series import Series
from gextui.market.chain import Floats
from gextui.ui.widgets.plot import Plot, PlotColour, Side, round_step
from gextui.ui.widgets.timeline import by_column, time_ticks, unbroken

AXIS_ROWS = 2
"""Rows that the labelled axis of time takes."""
_TICK_CELLS = 9
_SUBCELLS = 2
"""A cell of a curve holds two by two points."""
_GAP = "gap"
_GAP_CELLS = len(_GAP) + 2


class Axis(NamedTuple):
    """An axis of values: round bounds, so that it holds still, and ticks within them."""

    low: float
    high: float
    ticks: tuple[float, ...]
    rows: int

    @classmethod
    def fit(cls, values: Iterable[Floats], rows: int) -> "Axis":
        """The narrowest axis that holds every finite value."""
        together = np.concatenate([each[np.isfinite(each)] for each in values])
        low, high = (float(together.min()), float(together.max())) if len(together) else (0.0, 0.0)
        if not high > low:
            room = abs(low) * 0.01 or 1.0
            low, high = low - room, high + room
        step = round_step(high - low, max(rows // 3, 1))
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        ticks = tuple(round(number * step, 12) for number in range(first, last + 1))
        return cls(ticks[0], ticks[-1], ticks, rows)

    def row(self, value: float) -> int:
        """The row of a value, the lowest being 0."""
        return self._at(value, self.rows)

    def value(self, row: int) -> float:
        """The value in the middle of a row."""
        return self.low + row / max(self.rows - 1, 1) * (self.high - self.low)

    def halves(self, low: float, high: float) -> list[float]:
        """The values of all half rows between two values, both included."""
        halves = self.rows * _SUBCELLS
        first, last = self._at(low, halves), self._at(high, halves)
        return [self.low + half / (halves - 1) * (self.high - self.low) for half in range(first, last + 1)]

    def _at(self, value: float, rows: int) -> int:
        return math.floor(0.5 + (rows - 1) * (value - self.low) / (self.high - self.low))


class Frame(NamedTuple):
    """How columns stand for time."""

    columns: int
    """Of a canvas, the room for names at the right included."""
    start: float
    """Epoch seconds in the middle of the first column."""
    step: float
    """Seconds a column."""
    drawn: int
    """Columns that stand for recorded time."""

    @classmethod
    def until(cls, end: float, seconds: float, columns: int, names: int) -> "Frame":
        """The ``seconds`` before ``end``; columns begin at round instants, so that what is past holds still."""
        drawn = max(columns - names, 2)
        step = seconds / (drawn - 1)
        return cls(columns, (math.ceil(end / step) - drawn + 1) * step, step, drawn)

    @property
    def end(self) -> float:
        """The middle of the last column of recorded time."""
        return self.start + (self.drawn - 1) * self.step

    @property
    def limit(self) -> float:
        """The middle of the last column."""
        return self.start + (self.columns - 1) * self.step

    def grid(self, parts: int = 1) -> Floats:
        """The middles of the columns, each divided in so many."""
        return np.linspace(self.start, self.limit, self.columns * parts)

    def sample(self, series: Series, values: Floats, parts: int = 1) -> Floats:
        """The values at `grid`."""
        grid = self.grid(parts)
        half = (grid[1] - grid[0]) / 2
        return by_column(series, values, np.append(grid - half, grid[-1] + half))


@dataclass(frozen=True, slots=True)
class Name:
    """What stands beside the end of a curve."""

    value: float
    text: str
    colour: PlotColour


class Pane:
    """One canvas over a frame of time. What is drawn later lies above."""

    def __init__(self, plot: Plot, frame: Frame, axis: Axis, tick_labels: Sequence[str], *, axis_of_time: bool) -> None:
        """Clear the canvas and draw the axes."""
        self._plot, self._frame, self._axis = plot, frame, axis
        times = time_ticks(frame.start, frame.end, frame.drawn // _TICK_CELLS) if axis_of_time else []
        plot.begin(
            Side(frame.start, frame.limit, dict(times)),
            Side(axis.low, axis.high, dict(zip(axis.ticks, tick_labels, strict=True))),
            x_axis=axis_of_time,
        )

    def baseline(self, value: float, colour: PlotColour) -> None:
        """A line across."""
        self._plot.plt.hline(value, color=colour)

    def instant(self, time: float, colour: PlotColour) -> None:
        """A line upward."""
        self._plot.plt.vline(time, color=colour)

    def curve(self, series: Series, values: Floats, colour: PlotColour, *, in_ascii: str) -> None:
        """A line from reading to reading."""
        for run in unbroken(series, values):
            self._plot.curve(series.times[run].tolist(), values[run].tolist(), colour, in_ascii=in_ascii)

    def steps(self, series: Series, values: Floats, colour: PlotColour) -> None:
        """A level that holds until the next reading."""
        held = self._frame.sample(series, values)
        known = np.isfinite(held)
        self._plot.marks(self._frame.grid()[known].tolist(), held[known].tolist(), colour, "─")

    def band(self, series: Series, low: Floats, high: Floats, colour: PlotColour) -> None:
        """The room between two values."""
        ends = zip(self._frame.grid(), self._frame.sample(series, low), self._frame.sample(series, high), strict=True)
        points = [
            (float(time), self._axis.value(row))
            for time, bottom, top in ends
            if math.isfinite(bottom) and math.isfinite(top)
            for row in range(max(self._axis.row(bottom), 0), min(self._axis.row(top), self._axis.rows - 1) + 1)
        ]
        self._plot.marks([time for time, _ in points], [value for _, value in points], colour, "·")

    def bars(self, series: Series, values: Floats, above: PlotColour, below: PlotColour) -> None:
        """A bar from zero to the value in every half column."""
        sampled = self._frame.sample(series, values, _SUBCELLS)
        for colour, wanted in ((above, sampled > 0), (below, sampled < 0)):
            points = [
                (float(time), height)
                for time, value in zip(self._frame.grid(_SUBCELLS)[wanted], sampled[wanted], strict=True)
                for height in self._axis.halves(min(value, 0.0), max(value, 0.0))
            ]
            self._plot.marks([time for time, _ in points], [height for _, height in points], colour)

    def gaps(self, series: Series, colour: PlotColour) -> None:
        """The word in every gap that is wide enough."""
        frame, middle = self._frame, self._axis.value(self._axis.rows // 2)
        for gap in series.gaps:
            start, end = max(gap.start, frame.start), min(gap.end, frame.end)
            if (end - start) / frame.step >= _GAP_CELLS:
                self._plot.write(_GAP, (start + end) / 2 - frame.step, middle, colour)

    def names(self, names: Sequence[Name]) -> None:
        """Names at the right, each beside its value, in rows of their own; one beyond the axis says on which side."""
        axis, at = self._axis, self._frame.end + 2 * self._frame.step
        known = sorted((name for name in names if math.isfinite(name.value)), key=lambda name: -name.value)
        wanted = [min(max(axis.row(name.value), 0), axis.rows - 1) for name in known]
        for name, row in zip(known, apart(wanted, axis.rows), strict=True):
            side = "▲" if name.value > axis.high else "▼" if name.value < axis.low else " "
            self._plot.write(side + name.text, at - self._frame.step, axis.value(row), name.colour)


def apart(rows: Sequence[int], height: int) -> list[int]:
    """Rows of ``height``, highest first, moved as little as makes them differ; those without room lie at the bottom."""
    placed: list[int] = []
    for number, row in enumerate(rows):
        left = len(rows) - number - 1
        highest = placed[-1] - 1 if placed else height - 1
        placed.append(max(min(max(row, left), highest), 0))
    return placed
