"""Views whose rows are strikes: one axis, one cursor, the same moves."""

from gextui.exposure.board import Board
from gextui.exposure.explain import Explanation, explain_strike
from gextui.market.chain import Floats
from gextui.ui.format import Unit
from gextui.ui.widgets.axis import Axis
from gextui.ui.widgets.lines import LineView


class StrikeView(LineView):
    """Rows of strikes, descending, around the spot line."""

    def __init__(self, *, ascii_only: bool = False) -> None:
        super().__init__(ascii_only=ascii_only)
        self.board: Board | None = None
        self.unit = Unit.PERCENT_MOVE
        self.axis = Axis()

    def show(self, board: Board, *, unit: Unit, stale: bool = False) -> None:
        """Show this board; lines that say the same are left alone."""
        self.board, self.unit = board, unit
        self.redraw(stale=stale)

    def fit(self, board: Board, strikes: Floats, rows: int) -> None:
        """Fit the axis to these strikes and so many rows."""
        self.axis.fit(
            strikes,
            board.spot,
            rows,
            daily_sigma=board.levels.daily_sigma,
            subject=board.ticker,
            selection=board.filters,
            scale=board.scale,
        )

    def selected_strike(self) -> float | None:
        """The listed strike under the cursor; None while the view follows spot."""
        return None if self.axis.cursor is None or self.board is None else self.axis.cursor * self.board.scale

    def explanation(self) -> Explanation | None:
        """The net GEX of the strike under the cursor."""
        strike = self.axis.cursor_strike
        return None if self.board is None or strike is None else explain_strike(self.board, strike)

    def move(self, rows: int) -> None:
        """Move the cursor."""
        self.axis.move(rows)
        self.redraw()

    def page(self, direction: int) -> None:
        """Move the cursor and the view by a page."""
        self.axis.page(direction)
        self.redraw()

    def zoom(self, step: int) -> None:
        """Take a finer step between rows (1) or a wider one (-1)."""
        self.axis.zoom(step)
        self.redraw()

    @property
    def zoom_level(self) -> int:
        """Steps away from the view's own choice."""
        return self.axis.zoom_level

    def recentre(self) -> None:
        """Follow spot again."""
        self.axis.recentre()
        self.redraw()

    def go_to(self, strike: float) -> bool:
        """Put the cursor on the listed strike nearest this price."""
        found = self.axis.go_to(strike / (1.0 if self.board is None else self.board.scale))
        self.redraw()
        return found
