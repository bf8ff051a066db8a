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
    power = 10.0**-12
    while True:
        for step in (power, 2 * power, 5 * power):
            if span / step <= most:
                first = math.ceil(low / step - 1e-9)
                count = int((high - first * step) / step + 1e-9) + 1
                return [round((first + index) * step, 12) for index in range(count)]
        power *= 10.0


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
