"""A plotext canvas in the theme's own colours. Import it where it is used: plotext takes a tenth of a second."""

import math
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from rich.color import Color
from rich.text import Text
from textual_plotext import PlotextPlot

from gextui.ui import format as fmt
from gextui.ui.format import Unit, plain
from gextui.ui.widgets.bars import trim_zeros

PRICE_CELLS = 13
"""Between two prices on an x axis: plotext moves labels that come near each other, in an order that differs by run."""

PlotColour = str | int | tuple[int, int, int]

_QUARTERS = "hd"
_QUADRANTS = str.maketrans("▘▝▀▖▌▞▛▗▚▐▜▄▙▟", "'''." + "*" * 10)


def plot_colour(colour: Color | None) -> PlotColour:
    """A style's colour as plotext wants it; the terminal's own palette stays the terminal's."""
    if colour is None or colour.is_default:
        return "default"
    if colour.triplet is not None:
        red, green, blue = colour.triplet
        return red, green, blue
    return "default" if colour.number is None else colour.number


def round_step(span: float, most: int) -> float:
    """The smallest 1, 2 or 5 times a power of ten of which at most ``most`` fill a positive ``span``."""
    exponent = math.floor(math.log10(span / most))
    return next(
        factor * 10.0**power
        for power in (exponent, exponent + 1)
        for factor in (1, 2, 5)
        if span / (factor * 10.0**power) <= most
    )


def round_ticks(low: float, high: float, most: int) -> list[float]:
    """At most ``most`` multiples of 1, 2 or 5 times a power of ten within the bounds."""
    span = high - low
    if not span > 0:
        return [low]
    step = round_step(span, most)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(index * step, 12) for index in range(first, last + 1)]


def gex_label(value: float, unit: Unit) -> str:
    """A round GEX in this unit beside an axis: +40M, -5%, 0."""
    return f"{value:+g}%" if unit is Unit.SHARE and value else trim_zeros(fmt.compact(value))


class Side(NamedTuple):
    """What a canvas holds in one direction, and the labels of values on its axis."""

    low: float
    high: float
    labels: Mapping[float, str]


class Plot(PlotextPlot):
    """Axes and ticks take the widget's own colour; without block glyphs the curve is drawn in ASCII."""

    DEFAULT_CSS = """
    Plot {
        color: $muted;
        background: $background;
    }
    """

    def __init__(self, *, ascii_only: bool = False, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.theme = "clear"
        self.ascii_only = ascii_only

    def begin(self, x: Side, y: Side, *, x_axis: bool = True) -> None:
        """Clear the canvas and draw the axis at its left, labels aligned, and the ``x_axis`` below it."""
        figure = self.plt
        figure.clear_figure()
        figure.xaxes(x_axis, False)
        figure.yaxes(True, False)
        figure.xlim(x.low, x.high)
        figure.ylim(y.low, y.high)
        figure.xticks(list(x.labels), list(x.labels.values()))
        widest = max(map(len, y.labels.values()), default=0)
        figure.yticks(list(y.labels), [fmt.right(label, widest) for label in y.labels.values()])
        self.refresh()

    def curve(self, x: Sequence[float], y: Sequence[float], colour: PlotColour, *, in_ascii: str = "*") -> None:
        """Draw one connected piece of a curve with quarter blocks, or with an ASCII character."""
        self.plt.plot(list(x), list(y), marker=in_ascii if self.ascii_only else _QUARTERS, color=colour)

    def marks(self, x: Sequence[float], y: Sequence[float], colour: PlotColour, glyph: str = "") -> None:
        """Draw single points, by default as those of curves."""
        self.plt.scatter(list(x), list(y), marker=glyph or ("*" if self.ascii_only else _QUARTERS), color=colour)

    def write(self, text: str, x: float, y: float, colour: PlotColour, *, leftward: bool = False) -> None:
        """Write a text that begins (or, ``leftward``, ends) at a point."""
        alignment: Literal["left", "right"] = "right" if leftward else "left"
        self.plt.text(text, x, y, color=colour, background="default", alignment=alignment)

    def render(self) -> Text:
        """The figure as text."""
        text = super().render()
        assert isinstance(text, Text)
        if self.ascii_only:
            text.plain = plain(text.plain).translate(_QUADRANTS)
        return text
