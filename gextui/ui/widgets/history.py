"""History: spot, zero gamma, the walls and net GEX over the last hour to the last month, as recorded."""

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from textual.app import ComposeResult

from gextui.exposure.board import Board
from gextui.exposure.series import Series
from gextui.market.chain import Floats
from gextui.ui import format as fmt
from gextui.ui.format import Unit
from gextui.ui.widgets.lines import Line, Span, line
from gextui.ui.widgets.plot_view import PlotView
from gextui.ui.widgets.scene_line import Piece, fit_pieces, joined
from gextui.ui.widgets.timeline import SPANS, find_missing

if TYPE_CHECKING:
    from gextui.ui.widgets.panes import Axis, Name
    from gextui.ui.widgets.plot import Plot


class _Curve(NamedTuple):
    column: str
    name: str
    words: str
    style: str


_SPOT = _Curve("spot", "SPOT", "spot", "spot")
_ZERO_GAMMA = _Curve("zero_gamma", "0γ", "zero gamma", "zero")
_CALL_WALL = _Curve("call_wall", "CW", "call wall", "call")
_PUT_WALL = _Curve("put_wall", "PW", "put wall", "put")
_PRICES = (_CALL_WALL, _PUT_WALL, _ZERO_GAMMA, _SPOT)
_FITS = (_PRICES, (_ZERO_GAMMA, _SPOT), (_SPOT,))
"""What the axis of prices must hold, by zoom."""

_LEAST_WIDTH, _LEAST_HEIGHT = 24, 7
_BOTH_FROM_HEIGHT = 13
"""Lines from which net GEX has a pane of its own."""
_VALUES_FROM_WIDTH = 56
"""Cells from which the names at the right have their values beside them."""
_VALUES_WIDTH = 12
"""What a name and its value take at least, so that the chart does not move when a value gets a digit more."""
_APART_FROM_HEIGHT = 20
"""Lines from which an empty one stands between the panes."""
_MARKED_FROM = 50
"""A reading older than this part of the span is marked: it is not the newest."""


class History(PlotView):
    """Two panes over one axis of time: prices above, net GEX below; the newest values are named at the right."""

    def __init__(self, *, ascii_only: bool = False) -> None:
        from gextui.ui.widgets.plot import Plot

        super().__init__(ascii_only=ascii_only)
        self.board: Board | None = None
        self.unit = Unit.PERCENT_MOVE
        self._series: Series | None = None
        self._end = 0.0
        self._chosen = self._shown = SPANS[0]
        self._old = False
        self._zoom = 0
        self._gex = Plot(ascii_only=ascii_only)
        self._gex.display = False

    def compose(self) -> ComposeResult:
        """The canvas of prices, and below it that of net GEX."""
        yield self.plot
        yield self._gex

    def show(self, board: Board, *, unit: Unit, stale: bool = False) -> None:
        """Show this board's ticker. When stale the newest values are dimmed; the past is as true as it was."""
        if self.board is not None and self.board.ticker != board.ticker:
            self._series = None
        self.board, self.unit, self._old = board, unit, stale
        self.redraw()

    def show_series(self, series: Series | None) -> None:
        """Show these levels over `span`; None leaves what is shown."""
        if series is None or series is self._series or self.board is None:
            return
        self._series, self._shown = series, self._chosen
        self._end = max([self.board.chain.as_of_seconds, *series.times[-1:].tolist()])
        self.redraw()

    @property
    def span(self) -> timedelta:
        """How much of the past is asked for."""
        return self._chosen.time

    @property
    def heading(self) -> str:
        """What is drawn."""
        return f"Levels over {self._shown.label}, UTC"

    def shift(self, columns: int) -> None:
        """Look back further (positive) or less far."""
        at = SPANS.index(self._chosen) + columns
        self._chosen = SPANS[max(0, min(at, len(SPANS) - 1))]
        self.redraw()

    def zoom(self, step: int) -> None:
        """Fit the prices to all levels, to zero gamma and spot, or to spot alone."""
        self._zoom = max(0, min(self._zoom + step, len(_FITS) - 1))
        self.redraw()

    @property
    def zoom_level(self) -> int:
        """Steps away from all levels."""
        return self._zoom

    def recentre(self) -> None:
        """All levels again."""
        self._zoom = 0
        self.redraw()

    def compose_lines(self, width: int, height: int) -> list[Line]:
        """The spans to choose from, the canvases, and what is missing; or words where there is nothing to draw."""
        if self.board is None:
            return []
        series = self._series
        words = self._nothing_to_draw(width, height)
        self.plot.display = words is None
        self._gex.display = words is None and height >= _BOTH_FROM_HEIGHT
        if series is None or words is not None:
            return [self._choice(width), *self.centred(words or "", width, height - 1)][:height]
        at = self.board.chain.as_of_seconds
        mark = at if at < self._end - self._shown.seconds / _MARKED_FROM else None
        if self.must_draw(series, self._end, self.unit, self._old, self._zoom, mark):
            self._draw(series, self._gex if self._gex.display else None, mark, width, height - 2)
        return [self._choice(width), *[line([], width)] * (height - 2), self._missing(series, width)]

    def _nothing_to_draw(self, width: int, height: int) -> str | None:
        if width < _LEAST_WIDTH or height < _LEAST_HEIGHT:
            return "no room for a chart"
        if self._series is None:
            return "no levels over time yet: they are drawn from what is recorded"
        if len(self._series.times) < 2:
            return f"fewer than two readings recorded in the last {self._shown.label}"
        return None

    def _choice(self, width: int) -> Line:
        spans: list[Span] = [(f" {span.label} ", "chosen" if span is self._chosen else "label") for span in SPANS]
        if self._series is not None and self._chosen is not self._shown:
            spans.append((f"  reading {self._chosen.label} ...", "label"))
        return line(spans, width)

    def _missing(self, series: Series, width: int) -> Line:
        """What was not recorded, as much of it as fits."""
        levels = {curve.column: curve.words for curve in _PRICES}
        missing = find_missing(series, self._end - self._shown.seconds, self._end, levels)
        if not missing:
            return line([(" nothing missing", "label")], width)
        pieces = []
        for rank, each in enumerate(missing):
            style = "warning" if each.urgent else "label"
            pieces.append(Piece(rank, ([(each.short, style)], [(each.words, style)])))
        return line([(" ", ""), *joined([spans for _, spans in fit_pieces(pieces, width - 2)])], width)

    def _draw(self, series: Series, gex: "Plot | None", mark: float | None, width: int, height: int) -> None:
        from gextui.ui.widgets.panes import AXIS_ROWS, Axis, Frame, Pane
        from gextui.ui.widgets.plot import gex_label

        below = 0 if gex is None else max(height // 3, AXIS_ROWS + 3)
        between = 1 if gex is not None and height >= _APART_FROM_HEIGHT else 0
        above = height - below - between
        self.plot.styles.margin = (1, 0, between, 0)
        net = self._in_unit(series)
        upper = Axis.fit(
            [series.columns[curve.column] for curve in _FITS[self._zoom]], above - (AXIS_ROWS if gex is None else 0)
        )
        lower = Axis.fit([net, np.zeros(1)], below - AXIS_ROWS)
        with_values = width >= _VALUES_FROM_WIDTH
        names, names_below = self._names(series, net, with_values=with_values)
        decimals = fmt.strike_decimals(upper.ticks)
        labels = [fmt.strike(price, decimals) for price in upper.ticks]
        labels_below = [gex_label(amount, self.unit) for amount in lower.ticks]
        left = max(map(len, labels + labels_below))
        right = 2 + max(_VALUES_WIDTH if with_values else 0, *(len(name.text) for name in names + names_below))
        frame = Frame.until(self._end, self._shown.seconds, width - left - 1, right)

        def begin(plot: "Plot", axis: "Axis", ticks: list[str], rows: int, *, axis_of_time: bool) -> Pane:
            plot.styles.height = rows
            pane = Pane(plot, frame, axis, [fmt.right(tick, left) for tick in ticks], axis_of_time=axis_of_time)
            if mark is not None:
                pane.instant(mark, self.colour("pain"))
            return pane

        pane = begin(self.plot, upper, labels, above, axis_of_time=gex is None)
        column = series.columns
        pane.band(series, column["zero_gamma_low"], column["zero_gamma_high"], self.colour("dim"))
        for wall in (_CALL_WALL, _PUT_WALL):
            pane.steps(series, column[wall.column], self.colour(wall.style))
        for curve, letter in ((_ZERO_GAMMA, "o"), (_SPOT, "*")):
            pane.curve(series, column[curve.column], self.colour(curve.style), in_ascii=letter)
        pane.gaps(series, self.colour("warning"))
        pane.names(names)
        if gex is not None:
            pane = begin(gex, lower, labels_below, below, axis_of_time=True)
            pane.baseline(0.0, self.colour("label"))
            pane.bars(series, net, self.colour("call"), self.colour("put"))
            pane.names(names_below)

    def _names(self, series: Series, net: Floats, *, with_values: bool) -> tuple[list["Name"], list["Name"]]:
        from gextui.ui.widgets.panes import Name

        def name(value: float, text: str, amount: str, style: str) -> Name:
            return Name(
                value, f"{text} {amount}" if with_values else text, self.colour("stale" if self._old else style)
            )

        last = [(curve, _newest(series.columns[curve.column])) for curve in (_CALL_WALL, _SPOT, _ZERO_GAMMA, _PUT_WALL)]
        total = _newest(net)
        above = [name(price, curve.name, fmt.level(price), curve.style) for curve, price in last]
        return above, [name(total, "Net", self.unit.text(total), "call" if total > 0 else "put")]

    def _in_unit(self, series: Series) -> Floats:
        """Net GEX in the chosen unit, each reading by its own spot and gross exposure."""
        column = series.columns
        factors = [
            self.unit.factor_at(spot, gross) for spot, gross in zip(column["spot"], column["gross_gex"], strict=True)
        ]
        return np.asarray(column["net_gex"] * np.array(factors))


def _newest(values: Floats) -> float:
    """The newest reading's value, NaN where it has none."""
    return float(values[-1])
