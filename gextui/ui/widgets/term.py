"""The term structure: implied volatility at the money and at 25 delta by expiry, drawn and as numbers."""

from typing import TYPE_CHECKING

import numpy as np
from textual.app import ComposeResult

from gextui.exposure.board import Board
from gextui.exposure.explain import Explanation
from gextui.exposure.surface import explain_skew, leads_of
from gextui.exposure.volatility import Skew, find_skew
from gextui.market.chain import Floats
from gextui.ui import format as fmt
from gextui.ui.format import Unit
from gextui.ui.widgets.lines import Line, LineView, Span, line
from gextui.ui.widgets.words import settled_twice, time_left

if TYPE_CHECKING:
    from gextui.ui.widgets.plot import Plot, PlotColour

_DAY = 86400.0
_CHART_FROM_WIDTH, _CHART_FROM_HEIGHT = 24, 14
_LEAST_ROWS = 4
"""Lines of the table that a chart leaves: its heading and three expiries."""
_LEAST_CHART = 7
_LEFT_WIDTH = 7
_MARGIN = 1 + 8 + _LEFT_WIDTH
"""Cursor, day, time left."""
_TICKS = (1, 2, 7, 14, 30, 60, 90, 180, 365, 730, 1825)
"""Days to expiry that are named under the chart."""
_TICK_CELLS = 6

_Column = tuple[str, int, list[str]]
"""Heading, width, and a text an expiry."""


class Term(LineView):
    """A chart over the square root of time, which gives near expiries room, and a row an expiry."""

    def __init__(self, *, ascii_only: bool = False) -> None:
        super().__init__(ascii_only=ascii_only)
        self.board: Board | None = None
        self.cursor: float | None = None
        """The chosen expiry's instant; None before any was."""
        self._first = 0
        self._room = 1
        self._plot: Plot | None = None
        self._skew: Skew | None = None
        self._drawn: object = None

    def compose(self) -> ComposeResult:
        """The canvas."""
        from gextui.ui.widgets.plot import Plot

        self._plot = Plot(ascii_only=self.ascii_only)
        self._plot.display = False
        yield self._plot

    def show(self, board: Board, *, unit: Unit, stale: bool = False) -> None:
        """Show this board; the same one is not drawn again."""
        del unit
        if self.board is not None and self.board.ticker != board.ticker:
            self.cursor, self._first = None, 0
        if board is not self.board:
            self._skew = find_skew(board.chain, board.smile, leads_of(board).tolist())
        self.board = board
        self.redraw(stale=stale)

    @property
    def heading(self) -> str:
        """What is drawn."""
        return "IV by expiry, at the money and at 25 delta"

    def move(self, rows: int) -> None:
        """Move the cursor; the first step puts it on the first expiry in view."""
        if self.board is None or not len(self.board.by_expiry.expiry):
            return
        expiries = self.board.by_expiry.expiry
        row = self._row()
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

    def explanation(self) -> Explanation | None:
        """The risk reversal of the expiry under the cursor."""
        board, row = self.board, self._row()
        return None if board is None or row is None else explain_skew(board, int(leads_of(board)[row]))

    def _row(self) -> int | None:
        if self.cursor is None or self.board is None or not len(self.board.by_expiry.expiry):
            return None
        return int(np.abs(self.board.by_expiry.expiry - self.cursor).argmin())

    def compose_lines(self, width: int, height: int) -> list[Line]:
        """The canvas where there is room for one, then a heading and a row an expiry."""
        board, plot, skew = self.board, self._plot, self._skew
        if board is None or plot is None or skew is None:
            return []
        count = len(board.by_expiry.expiry)
        rows = self._chart_rows(skew, width, height)
        plot.display = rows > 0
        if not np.isfinite(skew.atm_iv).any():
            words = "no implied volatility is known" if count else "no contract passes the filters"
            return self.centred(words if len(board.chain) else "no contracts listed", width, height)
        drawn = (board, width, rows, self.cursor, self.stale, self.app.theme)
        if rows and drawn != self._drawn:
            self._drawn = drawn
            self._draw(board, skew, plot, width, rows)
        self._room = max(height - rows - 1, 1)
        self._first = max(0, min(self._first, count - self._room))
        columns = _columns(board, skew, width - _MARGIN)
        chosen = self._row()
        return [
            *[line([], width)] * rows,
            _header(columns, width),
            *(
                self._line(board, at, columns, width, chosen=at == chosen)
                for at in range(self._first, min(self._first + self._room, count))
            ),
        ]

    def notify_style_update(self) -> None:
        """The theme changed: draw in its colours."""
        super().notify_style_update()
        self._drawn = None
        if self.is_mounted:
            self.redraw()

    def _chart_rows(self, skew: Skew, width: int, height: int) -> int:
        """Lines for the chart: what the table leaves, within bounds; none without two expiries to join."""
        if width < _CHART_FROM_WIDTH or height < _CHART_FROM_HEIGHT or np.count_nonzero(np.isfinite(skew.atm_iv)) < 2:
            return 0
        left = height - 1 - len(skew.atm_iv)
        return max(_LEAST_CHART, min(max(left, height // 2), height - _LEAST_ROWS))

    def _draw(self, board: Board, skew: Skew, plot: "Plot", width: int, rows: int) -> None:
        from gextui.ui.widgets.panes import AXIS_ROWS, Axis

        days = (board.by_expiry.expiry - board.chain.as_of_seconds) / _DAY
        at = np.sqrt(np.maximum(days, 0.0))
        series: list[tuple[Floats, str, str]] = [
            (100.0 * skew.atm_iv, "spot", ""), (100.0 * skew.put_iv, "put", "p"), (100.0 * skew.call_iv, "call", "c"),
        ]  # fmt: skip
        axis = Axis.fit([values for values, _, _ in series], rows - AXIS_ROWS)
        figure = plot.plt
        figure.clear_figure()
        plot.styles.height = rows
        labels = [f"{tick:g}%" for tick in axis.ticks]
        figure.xaxes(True, False)
        figure.yaxes(True, False)
        figure.xlim(0.0, float(at.max()))
        figure.ylim(axis.low, axis.high)
        figure.yticks(list(axis.ticks), [fmt.right(label, max(map(len, labels))) for label in labels])
        ticks = _day_ticks(float(days.max()), width - max(map(len, labels)) - 2)
        figure.xticks([tick**0.5 for tick in ticks], [f"{tick}d" for tick in ticks])
        row = self._row()
        if row is not None:
            figure.vline(float(at[row]), color=self._colour("pain"))
        for values, style, sign in series:
            known = np.isfinite(values)
            x, y = at[known].tolist(), values[known].tolist()
            if sign:
                plot.marks(x, y, self._colour(style), sign)
            else:
                plot.curve(x, y, self._colour(style))
        plot.refresh()

    def _line(self, board: Board, at: int, columns: list[_Column], width: int, *, chosen: bool) -> Line:
        expiries, session = board.by_expiry.expiry.tolist(), board.ticker.session
        instant = expiries[at]
        twice = instant in settled_twice(expiries, session)
        spans: list[Span] = [
            ("▸" if chosen else " ", "value"),
            (fmt.left(fmt.day(instant), 8), "value"),
            (fmt.left(time_left(instant, self.time_of(board), session, twice=twice), _LEFT_WIDTH), "label"),
            *((fmt.right(texts[at], size), _style(name, texts[at])) for name, size, texts in columns),
        ]
        return line(spans, width, "cursor" if chosen else "")

    def _colour(self, name: str) -> "PlotColour":
        from gextui.ui.widgets.plot import plot_colour

        return plot_colour(self.style_named(name).color)


def _day_ticks(longest: float, cells: int) -> list[int]:
    """The days that are named, so far apart that their names do not touch."""
    ticks: list[int] = []
    for day in _TICKS:
        place = (day / longest) ** 0.5 * cells
        before = (ticks[-1] / longest) ** 0.5 * cells if ticks else -_TICK_CELLS
        if day <= longest and place - before >= _TICK_CELLS:
            ticks.append(day)
    return ticks


def _columns(board: Board, skew: Skew, room: int) -> list[_Column]:
    """The columns that fit, the most telling kept longest."""
    by_expiry = board.by_expiry
    wanted: list[_Column] = [
        ("ATM IV", 8, [fmt.volatility(float(iv)) for iv in skew.atm_iv]),
        ("RR25", 7, [fmt.vol_points(float(points)) for points in skew.risk_reversal]),
        ("BF25", 7, [fmt.vol_points(float(points)) for points in skew.butterfly]),
        ("p 25Δ", 8, [fmt.volatility(float(iv)) for iv in skew.put_iv]),
        ("c 25Δ", 8, [fmt.volatility(float(iv)) for iv in skew.call_iv]),
        ("FORWARD", 11, [fmt.level(float(forward)) for forward in by_expiry.forward]),
        ("P/C OI", 8, _ratios(by_expiry.put_open_interest, by_expiry.call_open_interest)),
        ("P/C VOL", 8, _ratios(by_expiry.put_volume, by_expiry.call_volume)),
    ]
    columns: list[_Column] = []
    for column in wanted:
        if column[1] > room:
            break
        columns.append(column)
        room -= column[1]
    return columns


def _ratios(puts: Floats, calls: Floats) -> list[str]:
    pairs = zip(puts.tolist(), calls.tolist(), strict=True)
    return [fmt.ratio(put / call if call else None) for put, call in pairs]


def _header(columns: list[_Column], width: int) -> Line:
    spans: list[Span] = [(fmt.left(" EXPIRY", 9) + fmt.left("LEFT", _LEFT_WIDTH), "label")]
    return line([*spans, *((name.rjust(size), "label") for name, size, _ in columns)], width)


def _style(name: str, text: str) -> str:
    if text == fmt.DASH:
        return "dim"
    if name == "RR25":
        return "put" if text.startswith("-") else "call" if text.startswith("+") else "value"
    return "value" if name == "ATM IV" else "label"
