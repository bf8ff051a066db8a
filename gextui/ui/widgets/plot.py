"""A plotext canvas in the theme's own colours. Import it where it is used: plotext takes a tenth of a second."""

import math
from collections.abc import Sequence
from typing import Literal

from rich.color import Color
from rich.text import Text
from textual_plotext import PlotextPlot

from gextui.ui.format import plain

PlotColour = str | int | tuple[int, int, int]

_QUADRANTS = str.maketrans("▘▝▀▖▌▞▛▗▚▐▜▄▙▟", "'''." + "*" * 10)


def plot_colour(colour: Color | None) -> PlotColour:
    """A style's colour as plotext wants it; the terminal's own palette stays the terminal's."""
    if colour is None or colour.is_default:
        return "default"
    if colour.triplet is not None:
        red, green, blue = colour.triplet
        return red, green, blue
    return "default" if colour.number is None else colour.number


def round_ticks(low: float, high: float, most: int) -> list[float]:
    """At most ``most`` multiples of 1, 2 or 5 times a power of ten within the bounds."""
    span = high - low
    if not span > 0:
        return [low]
    exponent = math.floor(math.log10(span / most))
    step = next(
        factor * 10.0**power
        for power in (exponent, exponent + 1)
        for factor in (1, 2, 5)
        if span / (factor * 10.0**power) <= most
    )
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(index * step, 12) for index in range(first, last + 1)]


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

    @property
    def marker(self) -> str:
        """What curves are drawn with: quarter blocks, or stars."""
        return "*" if self.ascii_only else "hd"

    def curve(self, x: Sequence[float], y: Sequence[float], colour: PlotColour) -> None:
        """Draw one connected piece of a curve."""
        self.plt.plot(list(x), list(y), marker=self.marker, color=colour)

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
