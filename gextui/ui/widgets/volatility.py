"""Volatility: the smile, the term structure, the rank, and puts against calls; one of them at a time."""

from datetime import timedelta

from textual.app import ComposeResult

from gextui.exposure.board import Board
from gextui.exposure.explain import Explanation
from gextui.exposure.series import Series
from gextui.ui.format import Unit
from gextui.ui.widgets.iv_rank import IvRank
from gextui.ui.widgets.lines import Line, LineView, Span, line
from gextui.ui.widgets.put_call import PutCall
from gextui.ui.widgets.smile import Smile
from gextui.ui.widgets.term import Term
from gextui.ui.widgets.view import BoardView


class _Choice(LineView):
    """The variants, the shown one marked."""

    DEFAULT_CSS = """
    _Choice { height: 1; }
    """

    names: tuple[str, ...] = ()
    chosen = 0

    def compose_lines(self, width: int, height: int) -> list[Line]:
        """One line."""
        del height
        spans: list[Span] = [
            (f" {name} ", "chosen" if at == self.chosen else "label") for at, name in enumerate(self.names)
        ]
        return [line(spans, width)]


class Volatility(BoardView, can_focus=False):
    """A line of variants, and below it the chosen one, which everything else is passed on to."""

    TABLE = True

    def __init__(self, *, ascii_only: bool = False) -> None:
        super().__init__()
        self._variants: tuple[LineView, ...] = (
            Smile(ascii_only=ascii_only),
            Term(ascii_only=ascii_only),
            IvRank(ascii_only=ascii_only),
            PutCall(ascii_only=ascii_only),
        )
        self._choice = _Choice(ascii_only=ascii_only)
        self._choice.names = ("smile", "term", "rank", "put/call")
        self._at = 0
        self._shown: tuple[Board, Unit, bool] | None = None
        for variant in self._variants[1:]:
            variant.display = False

    def compose(self) -> ComposeResult:
        """The line, and all variants, of which one is displayed."""
        yield self._choice
        yield from self._variants

    @property
    def variant(self) -> LineView:
        """The one that is displayed."""
        return self._variants[self._at]

    def show(self, board: Board, *, unit: Unit, stale: bool = False) -> None:
        """Show this board."""
        self._shown = board, unit, stale
        self._choice.redraw(stale=stale)
        self.variant.clock = self.clock
        self.variant.show(board, unit=unit, stale=stale)

    @property
    def span(self) -> timedelta | None:
        """How much of the past the variant draws."""
        return self.variant.span

    def show_series(self, series: Series | None) -> None:
        """Show these levels."""
        self.variant.show_series(series)

    @property
    def heading(self) -> str:
        """What is drawn."""
        return self.variant.heading

    def selected_strike(self) -> float | None:
        """The strike under the cursor."""
        return self.variant.selected_strike()

    def explanation(self) -> Explanation | None:
        """The number under the cursor."""
        return self.variant.explanation()

    def shift(self, columns: int) -> None:
        """Show a variant further right (positive) or left."""
        self._choose(max(0, min(self._at + columns, len(self._variants) - 1)))

    def once_more(self) -> None:
        """Show the next variant, after the last one the first."""
        self._choose((self._at + 1) % len(self._variants))

    def _choose(self, at: int) -> None:
        self._at = self._choice.chosen = at
        for number, variant in enumerate(self._variants):
            variant.display = number == at
        if self._shown is not None:
            board, unit, stale = self._shown
            self.show(board, unit=unit, stale=stale)

    def turn(self, steps: int) -> None:
        """Show a later expiry (positive) or an earlier one."""
        self.variant.turn(steps)

    def move(self, rows: int) -> None:
        """Move the cursor."""
        self.variant.move(rows)

    def page(self, direction: int) -> None:
        """Move the cursor a page."""
        self.variant.page(direction)

    def zoom(self, step: int) -> None:
        """Look closer (1) or further (-1)."""
        self.variant.zoom(step)

    @property
    def zoom_level(self) -> int:
        """Steps away from the smile's own choice, which is what the view begins with."""
        return self._variants[0].zoom_level

    def recentre(self) -> None:
        """Drop the cursor."""
        self.variant.recentre()

    def go_to(self, strike: float) -> bool:
        """Put the cursor on the listed strike nearest this price."""
        return self.variant.go_to(strike)
