"""The gamma profile: the whole book's GEX if spot were elsewhere, and where it changes sign."""

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gextui.exposure.board import Board
from gextui.exposure.explain import Explanation, explain
from gextui.market.chain import Floats
from gextui.ui import format as fmt
from gextui.ui.format import Unit
from gextui.ui.widgets.bars import Scale
from gextui.ui.widgets.lines import Line
from gextui.ui.widgets.plot_view import PlotView
from gextui.ui.widgets.words import nothing_to_draw

if TYPE_CHECKING:
    from gextui.ui.widgets.plot import Plot

_REACHES = (0.25, 0.15, 0.10, 0.06, 0.03)
"""How far the view goes to either side of spot, by zoom."""
_LEAST_SIGMAS = 6.0
_LABEL_FROM_HEIGHT = 8
_FULL_NAMES_FROM_WIDTH = 52
_TICK_WIDTH = 7


class Profile(PlotView):
    """The gamma curve over spot with its zeros, spot and the walls marked."""

    EITHER_AXIS = True

    def __init__(self, *, ascii_only: bool = False) -> None:
        super().__init__(ascii_only=ascii_only)
        self.board: Board | None = None
        self.unit = Unit.PERCENT_MOVE
        self._above, self._below = Scale(), Scale()
        self._home = 0
        self._zoom = 0
        self._scale_of: object = None

    def show(self, board: Board, *, unit: Unit, stale: bool = False) -> None:
        """Show this board; the same one is not drawn again."""
        if self.board is None or self.board.ticker != board.ticker:
            self._home, self._zoom = _home(board), 0
        self.board, self.unit = board, unit
        self.redraw(stale=stale)

    @property
    def heading(self) -> str:
        """What is drawn, and how far."""
        return f"Gamma profile, spot ±{self._reach:.0%}"

    @property
    def _reach(self) -> float:
        return _REACHES[self._home + self._zoom]

    def explanation(self) -> Explanation | None:
        """The zero gamma."""
        return None if self.board is None else explain(self.board, "zero_gamma")

    def zoom(self, step: int) -> None:
        """Look closer at spot (1) or further (-1)."""
        self._zoom = max(0, min(self._home + self._zoom + step, len(_REACHES) - 1)) - self._home
        self.redraw()

    @property
    def zoom_level(self) -> int:
        """Steps away from the view's own choice."""
        return self._zoom

    def recentre(self) -> None:
        """The view's own choice of reach again."""
        self._zoom = 0
        self.redraw()

    def compose_lines(self, width: int, height: int) -> list[Line]:
        """Words where there is nothing to draw; else the canvas covers the view."""
        board = self.board
        if board is None:
            return []
        words = nothing_to_draw(board)
        self.plot.display = words is None
        if words is not None:
            return self.centred(words, width, height)
        if self.must_draw(board, self.unit, self._reach):
            self._draw(board, self.plot, width, height)
        return []

    def _draw(self, board: Board, plot: "Plot", width: int, height: int) -> None:
        from gextui.ui.widgets.plot import PRICE_CELLS, Side, gex_label, round_ticks

        low, high = board.spot * (1 - self._reach), board.spot * (1 + self._reach)
        spots, gex = _between(board, low, high)
        gex = gex * self.unit.factor(board)
        bottom, top = self._bounds(board, gex)
        amounts = round_ticks(bottom, top, max(2, height // 4))
        prices = round_ticks(low, high, max(2, (width - _TICK_WIDTH) // PRICE_CELLS))
        plot.begin(
            Side(low, high, {price: fmt.strike(price) for price in prices}),
            Side(bottom, top, {amount: fmt.right(gex_label(amount, self.unit), _TICK_WIDTH) for amount in amounts}),
        )
        plot.plt.hline(0.0, color=self.colour("label"))
        self._mark_levels(board, plot, (low, high, bottom, top), width, height)
        for start, end in pairwise([0, *(np.flatnonzero(np.diff(np.sign(gex))) + 1), len(gex)]):
            # A piece reaches into the next, so that no gap shows where the sign changes.
            piece = slice(int(start), min(int(end) + 1, len(gex)))
            colour = "call" if gex[min(int(start) + 1, int(end) - 1)] > 0 else "put"
            plot.curve(spots[piece].tolist(), gex[piece].tolist(), self.colour(colour))

    def _bounds(self, board: Board, gex: Floats) -> tuple[float, float]:
        scale_of = (board.ticker, board.filters, self.unit, self._reach)
        if scale_of != self._scale_of:
            self._scale_of = scale_of
            self._above.reset()
            self._below.reset()
        above = self._above.fit(float(np.max(gex, initial=0.0)))
        below = self._below.fit(float(np.max(-gex, initial=0.0)))
        # Zero stays in view, with some room on the side that has no curve; calls and puts may cancel everywhere.
        room = max(above, below) * 0.1 or 1.0
        return -max(below, room), max(above, room)

    def _mark_levels(
        self, board: Board, plot: "Plot", bounds: tuple[float, float, float, float], width: int, height: int
    ) -> None:
        """A line a level, and its name beside it, each name on a line of its own."""
        low, high, bottom, top = bounds
        row = (top - bottom) / max(height - 4, 1)
        column = (high - low) / max(width - _TICK_WIDTH - 3, 1)
        y = top
        for mark in _marks(board):
            price, colour = mark.price, self.colour(mark.style)
            if not low <= price <= high:
                continue
            plot.plt.vline(price, color=colour)
            if height < _LABEL_FROM_HEIGHT:
                continue
            text = f"{mark.name if width >= _FULL_NAMES_FROM_WIDTH else mark.short} {mark.text}"
            if price + (len(text) + 2) * column < high:
                plot.write(text, price + column, y, colour)
            else:
                plot.write(text, price - column, y, colour, leftward=True)
            y -= row


class _Mark(NamedTuple):
    name: str
    short: str
    price: float
    text: str
    style: str


def _marks(board: Board) -> list[_Mark]:
    """What is marked; what is written last is seen where two are too close."""
    levels, roots = board.levels, board.curve.roots
    nearest = levels.zero_gamma.price
    marks = [_Mark("zero γ", "0γ", root, fmt.level(root), "zero") for root in roots if root != nearest]
    if levels.call_wall is not None:
        price = levels.call_wall.price
        marks.append(_Mark("CALL WALL", "CW", price, fmt.strike(price), "call-wall"))
    if levels.put_wall is not None:
        price = levels.put_wall.price
        marks.append(_Mark("PUT WALL", "PW", price, fmt.strike(price), "put-wall"))
    if nearest is not None:
        marks.append(_Mark("ZERO γ", "0γ", nearest, fmt.level(nearest), "zero"))
    return [*marks, _Mark("SPOT", "SPOT", board.spot, fmt.level(board.spot), "spot")]


def _home(board: Board) -> int:
    """The closest reach that holds the levels and a week's moves."""
    levels = board.levels
    sigma = levels.daily_sigma
    nearest = [mark for mark in _marks(board) if mark.name != "zero γ"]
    distances = [abs(mark.price / board.spot - 1) for mark in nearest]
    needed = max([*distances, sigma * _LEAST_SIGMAS if sigma is not None else 0.1]) * 1.1
    fitting = [index for index, reach in enumerate(_REACHES) if reach >= needed]
    return fitting[-1] if fitting else 0


def _between(board: Board, low: float, high: float) -> tuple[Floats, Floats]:
    """The curve within two prices, its roots and both ends put in."""
    curve = board.curve
    inside = curve.spot[(curve.spot > low) & (curve.spot < high)]
    roots = np.array([root for root in curve.roots if low < root < high], dtype=np.float64)
    spots = np.union1d(np.concatenate((inside, [max(low, curve.spot[0]), min(high, curve.spot[-1])])), roots)
    gex = np.interp(spots, curve.spot, curve.gex)
    gex[np.isin(spots, roots)] = 0.0
    return spots, gex
