"""Views whose rows are expiries: one cursor, the same moves, the day and the time left before the columns."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from gextui.exposure.board import Board
from gextui.market.chain import Floats
from gextui.ui import format as fmt
from gextui.ui.format import Unit
from gextui.ui.widgets.lines import Line, LineView, Span, line
from gextui.ui.widgets.words import settled_twice, time_left

_DAY_WIDTH, _LEFT_WIDTH = 8, 7
MARGIN = 1 + _DAY_WIDTH + _LEFT_WIDTH
"""Cells before the columns: cursor, day, time left."""


class Column(NamedTuple):
    """What stands beside the expiries."""

    heading: str
    """One that begins with a blank stands at the left of its column."""
    width: int
    texts: list[str]
    """One an expiry."""


class ExpiryView(LineView):
    """A row an expiry, the nearest first."""

    def __init__(self, *, ascii_only: bool = False) -> None:
        super().__init__(ascii_only=ascii_only)
        self.board: Board | None = None
        self.unit = Unit.PERCENT_MOVE
        self.cursor: float | None = None
        """The chosen expiry's instant; None before any was."""
        self.twice: frozenset[float] = frozenset()
        """Expiries (instants) whose day has another, which settles at another time."""
        self._first = 0
        self._room = 1

    def show(self, board: Board, *, unit: Unit, stale: bool = False) -> None:
        """Show this board; lines that say the same are left alone."""
        if self.board is not None and self.board.ticker != board.ticker:
            self.cursor, self._first = None, 0
        self.board, self.unit = board, unit
        self.twice = settled_twice(self._expiries.tolist(), board.ticker.session)
        self.redraw(stale=stale)

    @property
    def _expiries(self) -> Floats:
        return np.empty(0) if self.board is None else self.board.by_expiry.expiry

    @property
    def chosen_row(self) -> int | None:
        """The row under the cursor."""
        if self.cursor is None or not len(self._expiries):
            return None
        return int(np.abs(self._expiries - self.cursor).argmin())

    def move(self, rows: int) -> None:
        """Move the cursor; the first step puts it on the first expiry in view."""
        expiries, row = self._expiries, self.chosen_row
        if not len(expiries):
            return
        target = self._first if row is None else max(0, min(row + rows, len(expiries) - 1))
        self.cursor = float(expiries[target])
        self._first = min(max(self._first, target - self._room + 1), target)
        self.redraw()

    def page(self, direction: int) -> None:
        """Move the cursor by a page."""
        self.move(direction * max(self._room - 1, 1))

    def recentre(self) -> None:
        """Back to the nearest expiry."""
        self.cursor, self._first = None, 0
        self.redraw()

    def in_view(self, room: int) -> range:
        """The rows to be seen where there is room for so many, at least for one."""
        count = len(self._expiries)
        self._room = max(room, 1)
        self._first = max(0, min(self._first, count - self._room))
        return range(self._first, min(self._first + self._room, count))

    def row_line(self, board: Board, row: int, cells: Iterable[Span], width: int) -> Line:
        """An expiry's line: its margin, then these cells."""
        instant, session = float(board.by_expiry.expiry[row]), board.ticker.session
        left = time_left(instant, self.time_of(board), session, twice=instant in self.twice)
        chosen = row == self.chosen_row
        margin: list[Span] = [
            ("▸" if chosen else " ", "value"),
            (fmt.left(fmt.day(instant), _DAY_WIDTH), "value"),
            (fmt.left(left, _LEFT_WIDTH), "label"),
        ]
        return line([*margin, *cells], width, "cursor" if chosen else "")


def heading_line(spans: Iterable[Span], columns: Sequence[Column], width: int) -> Line:
    """The headings: the margin's, these, and the columns'."""
    margin = fmt.left(" EXPIRY", 1 + _DAY_WIDTH) + fmt.left("LEFT", _LEFT_WIDTH)
    names = [name.ljust(size) if name.startswith(" ") else name.rjust(size) for name, size, _ in columns]
    return line([(margin, "label"), *spans, *((name, "label") for name in names)], width)


def that_fit(columns: Iterable[Column], room: int) -> list[Column]:
    """The first columns, as many as there is room for."""
    fitting: list[Column] = []
    for column in columns:
        room -= column.width
        if room < 0:
            break
        fitting.append(column)
    return fitting
