"""Views with a chart: a canvas over some of their lines, drawn again only where it would show something else."""

from typing import TYPE_CHECKING

from textual.app import ComposeResult

from gextui.ui.widgets.lines import LineView

if TYPE_CHECKING:
    from gextui.ui.widgets.plot import PlotColour


class PlotView(LineView):
    """Lines and a canvas, hidden at first. To import plotext is slow: it is done where such a view is made."""

    def __init__(self, *, ascii_only: bool = False) -> None:
        from gextui.ui.widgets.plot import Plot

        super().__init__(ascii_only=ascii_only)
        self.plot = Plot(ascii_only=ascii_only)
        self.plot.display = False
        self._drawn: object = None

    def compose(self) -> ComposeResult:
        """The canvas."""
        yield self.plot

    def must_draw(self, *shown: object) -> bool:
        """Whether what is to be shown, or the size, differs from the last time; it then counts as drawn."""
        drawn = (*shown, self.stale, self.size)
        if drawn == self._drawn:
            return False
        self._drawn = drawn
        return True

    def colour(self, name: str) -> "PlotColour":
        """The colour of a style, for the canvas."""
        from gextui.ui.widgets.plot import plot_colour

        return plot_colour(self.style_named(name).color)

    def notify_style_update(self) -> None:
        """The theme changed: draw in its colours."""
        super().notify_style_update()
        self._drawn = None
        if self.is_mounted:
            # The component classes get their new styles after this call.
            self.call_later(self.redraw)
