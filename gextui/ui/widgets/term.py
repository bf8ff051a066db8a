"""The term structure: implied volatility at the money and at 25 delta by expiry, drawn and as numbers."""

import numpy as np

from gextui.exposure.board import Board
from gextui.exposure.explain import Explanation
from gextui.exposure.surface import explain_skew, leads_of
from gextui.exposure.volatility import Skew, find_skew
from gextui.market.chain import Floats
from gextui.ui import format as fmt
from gextui.ui.format import Unit
from gextui.ui.widgets.expiry_view import MARGIN, Column, ExpiryView, heading_line, that_fit
from gextui.ui.widgets.lines import Line, line
from gextui.ui.widgets.plot_view import PlotView
from gextui.ui.widgets.words import no_contracts

_DAY = 86400.0
_CHART_FROM_WIDTH, _CHART_FROM_HEIGHT = 24, 14
_LEAST_ROWS = 4
"""Lines of the table that a chart leaves: its heading and three expiries."""
_LEAST_CHART = 7
_TICKS = (1, 2, 7, 14, 30, 60, 90, 180, 365, 730, 1825)
"""Days to expiry that are named under the chart."""
_TICK_CELLS = 6


class Term(ExpiryView, PlotView):
    """A chart over the square root of time, which gives near expiries room, and a row an expiry."""

    def __init__(self, *, ascii_only: bool = False) -> None:
        super().__init__(ascii_only=ascii_only)
        self._skew: Skew | None = None

    def show(self, board: Board, *, unit: Unit, stale: bool = False) -> None:
        """Show this board; the same one is not drawn again."""
        if board is not self.board:
            self._skew = find_skew(board.chain, board.smile, leads_of(board).tolist())
        super().show(board, unit=unit, stale=stale)

    @property
    def heading(self) -> str:
        """What is drawn."""
        return "IV by expiry, at the money and at 25 delta"

    def explanation(self) -> Explanation | None:
        """The risk reversal of the expiry under the cursor."""
        board, row = self.board, self.chosen_row
        return None if board is None or row is None else explain_skew(board, int(leads_of(board)[row]))

    def compose_lines(self, width: int, height: int) -> list[Line]:
        """The canvas where there is room for one, then a heading and a row an expiry."""
        board, skew = self.board, self._skew
        if board is None or skew is None:
            return []
        rows = self._chart_rows(skew, width, height)
        self.plot.display = rows > 0
        if not np.isfinite(skew.atm_iv).any():
            words = "no implied volatility is known" if len(skew.atm_iv) else no_contracts(board)
            return self.centred(words, width, height)
        if rows and self.must_draw(board, self.cursor):
            self._draw(board, skew, width, rows)
        columns = _columns(board, skew, width - MARGIN)
        return [
            *[line([], width)] * rows,
            heading_line([], columns, width),
            *(self._line(board, at, columns, width) for at in self.in_view(height - rows - 1)),
        ]

    def _line(self, board: Board, at: int, columns: list[Column], width: int) -> Line:
        cells = [(fmt.right(texts[at], size), _style(name, texts[at])) for name, size, texts in columns]
        return self.row_line(board, at, cells, width)

    def _chart_rows(self, skew: Skew, width: int, height: int) -> int:
        """Lines for the chart: what the table leaves, within bounds; none without two expiries to join."""
        if width < _CHART_FROM_WIDTH or height < _CHART_FROM_HEIGHT or np.count_nonzero(np.isfinite(skew.atm_iv)) < 2:
            return 0
        left = height - 1 - len(skew.atm_iv)
        return max(_LEAST_CHART, min(max(left, height // 2), height - _LEAST_ROWS))

    def _draw(self, board: Board, skew: Skew, width: int, rows: int) -> None:
        from gextui.ui.widgets.panes import AXIS_ROWS, Axis
        from gextui.ui.widgets.plot import Side

        days = (board.by_expiry.expiry - board.chain.as_of_seconds) / _DAY
        at = np.sqrt(np.maximum(days, 0.0))
        series: list[tuple[Floats, str, str]] = [
            (100.0 * skew.atm_iv, "spot", ""), (100.0 * skew.put_iv, "put", "p"), (100.0 * skew.call_iv, "call", "c"),
        ]  # fmt: skip
        axis = Axis.fit([values for values, _, _ in series], rows - AXIS_ROWS)
        plot = self.plot
        plot.styles.height = rows
        labels = {tick: f"{tick:g}%" for tick in axis.ticks}
        ticks = _day_ticks(float(days.max()), width - max(map(len, labels.values())) - 2)
        by_time = Side(0.0, float(at.max()), {tick**0.5: f"{tick}d" for tick in ticks})
        plot.begin(by_time, Side(axis.low, axis.high, labels))
        row = self.chosen_row
        if row is not None:
            plot.plt.vline(float(at[row]), color=self.colour("pain"))
        for values, style, sign in series:
            known = np.isfinite(values)
            x, y = at[known].tolist(), values[known].tolist()
            if sign:
                plot.marks(x, y, self.colour(style), sign)
            else:
                plot.curve(x, y, self.colour(style))


def _day_ticks(longest: float, cells: int) -> list[int]:
    """The days that are named, so far apart that their names do not touch."""
    ticks: list[int] = []
    for day in _TICKS:
        place = (day / longest) ** 0.5 * cells
        before = (ticks[-1] / longest) ** 0.5 * cells if ticks else -_TICK_CELLS
        if day <= longest and place - before >= _TICK_CELLS:
            ticks.append(day)
    return ticks


def _columns(board: Board, skew: Skew, room: int) -> list[Column]:
    """The columns that fit, the most telling kept longest."""
    by_expiry = board.by_expiry
    wanted: list[Column] = [
        Column("ATM IV", 8, [fmt.volatility(float(iv)) for iv in skew.atm_iv]),
        Column("RR25", 7, [fmt.vol_points(float(points)) for points in skew.risk_reversal]),
        Column("BF25", 7, [fmt.vol_points(float(points)) for points in skew.butterfly]),
        Column("p 25Δ", 8, [fmt.volatility(float(iv)) for iv in skew.put_iv]),
        Column("c 25Δ", 8, [fmt.volatility(float(iv)) for iv in skew.call_iv]),
        Column("FORWARD", 11, [fmt.level(float(forward)) for forward in by_expiry.forward]),
        Column("P/C OI", 8, _ratios(by_expiry.put_open_interest, by_expiry.call_open_interest)),
        Column("P/C VOL", 8, _ratios(by_expiry.put_volume, by_expiry.call_volume)),
    ]
    return that_fit(wanted, room)


def _ratios(puts: Floats, calls: Floats) -> list[str]:
    pairs = zip(puts.tolist(), calls.tolist(), strict=True)
    return [fmt.ratio(put / call if call else None) for put, call in pairs]


def _style(name: str, text: str) -> str:
    if text == fmt.DASH:
        return "dim"
    if name == "RR25":
        return "put" if text.startswith("-") else "call" if text.startswith("+") else "value"
    return "value" if name == "ATM IV" else "label"
