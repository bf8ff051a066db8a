"""IV rank: where the volatility of 30 days stands among the days on record, and the days themselves."""

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from gextui.exposure.board import Board
from gextui.exposure.explain import Explanation
from gextui.exposure.filters import expiry_date
from gextui.exposure.series import Gap, Series
from gextui.exposure.surface import explain_rank
from gextui.exposure.volatility import FEWEST_DAYS, Rank, daily_closes, rank_among
from gextui.ui import format as fmt
from gextui.ui.format import Unit
from gextui.ui.levels import volatility_index
from gextui.ui.widgets.lines import Line, line
from gextui.ui.widgets.plot_view import PlotView
from gextui.ui.widgets.scene_line import Fact, facts_line

if TYPE_CHECKING:
    from gextui.ui.widgets.panes import Name

_YEAR = timedelta(days=365)
_DAY = 86400.0
_SPANS = (30, 90, 180, 365)
"""Days; the shortest that holds the record is drawn."""
_LEAST_WIDTH, _LEAST_HEIGHT = 24, 9
_LINES_ABOVE, _LINES_BELOW = 2, 1
_GAP_DAYS = 5
"""More days without a close than a long weekend are a gap."""
_COLUMN = "iv"


class IvRank(PlotView):
    """The numbers above, the closes of a year at most below; it draws what is recorded, not the board alone."""

    def __init__(self, *, ascii_only: bool = False) -> None:
        super().__init__(ascii_only=ascii_only)
        self.board: Board | None = None
        self._series: Series | None = None
        self._closes: dict[date, float] = {}

    def show(self, board: Board, *, unit: Unit, stale: bool = False) -> None:
        """Show this board's ticker."""
        del unit
        if self.board is not None and self.board.ticker != board.ticker:
            self._series, self._closes = None, {}
        self.board = board
        self.redraw(stale=stale)

    def show_series(self, series: Series | None) -> None:
        """Rank among these readings of the last year; None leaves what is shown."""
        if series is None or series is self._series or self.board is None:
            return
        self._series = series
        self._closes = daily_closes(series.times, series.columns["iv_30d"], self.board.ticker.session)
        self.redraw()

    @property
    def span(self) -> timedelta:
        """How much of the past is asked for."""
        return _YEAR

    @property
    def heading(self) -> str:
        """What is drawn."""
        return "IV of 30 days, rank on our own record"

    def explanation(self) -> Explanation | None:
        """The rank."""
        return None if self.board is None else explain_rank(self.board, self._rank(self.board))

    def _before(self, board: Board) -> dict[date, float]:
        """The closes of the days before the board's."""
        today = expiry_date(board.chain.as_of_seconds, board.ticker.session)
        return {day: close for day, close in self._closes.items() if today - _YEAR < day < today}

    def _rank(self, board: Board) -> Rank:
        return rank_among(list(self._before(board).values()), board.levels.iv_30d)

    def compose_lines(self, width: int, height: int) -> list[Line]:
        """Today's volatility, its rank, and how much it rests on; then the canvas."""
        board = self.board
        if board is None:
            return []
        rank, before = self._rank(board), self._before(board)
        above = [_standing(board, rank, width), _record(rank, width)]
        words = self._nothing_to_draw(rank, width, height)
        self.plot.display = words is None
        if words is not None:
            return [*above, *self.centred(words, width, height - len(above))][:height]
        if self.must_draw(board.chain.as_of.date(), board.levels.iv_30d, self._series):
            self._draw(board, before, width, height - _LINES_ABOVE - _LINES_BELOW)
        note = "" if rank.rank is not None else f" a rank needs {FEWEST_DAYS} days that are not all the same"
        blank = [line([], width)] * (height - _LINES_ABOVE - _LINES_BELOW)
        return [*above, *blank, line([(fmt.clip(note, width), "warning")], width)]

    def _nothing_to_draw(self, rank: Rank, width: int, height: int) -> str | None:
        if width < _LEAST_WIDTH or height < _LEAST_HEIGHT:
            return "no room for a chart"
        if rank.days < 2:
            return "fewer than two days recorded yet: the rank grows from what is recorded each day"
        return None

    def _draw(self, board: Board, before: dict[date, float], width: int, rows: int) -> None:
        from gextui.ui.widgets.panes import AXIS_ROWS, Axis, Frame, Name, Pane

        closes = dict(before)
        if board.levels.iv_30d is not None:
            closes[expiry_date(board.chain.as_of_seconds, board.ticker.session)] = board.levels.iv_30d
        series = _series_of(closes)
        values = series.columns[_COLUMN]
        index = board.chain.volatility_index
        axis = Axis.fit([values, *([np.array([index])] if index is not None else [])], rows - AXIS_ROWS)
        names = [Name(float(values[-1]), f"IV {values[-1]:.1f}", self.colour("stale" if self.stale else "spot"))]
        named = volatility_index(board)
        if index is not None and named is not None:
            names.append(Name(index, " ".join(named), self.colour("stale" if self.stale else "zero")))
        labels = [f"{tick:g}%" for tick in axis.ticks]
        left = max(map(len, labels))
        days = (series.times[-1] - series.times[0]) / _DAY
        span = next((each for each in _SPANS if days <= each), _SPANS[-1])
        frame = Frame.until(float(series.times[-1]), span * _DAY, width - left - 1, 2 + _widest(names))
        self.plot.styles.margin = (_LINES_ABOVE, 0, _LINES_BELOW, 0)
        self.plot.styles.height = rows
        pane = Pane(self.plot, frame, axis, labels, axis_of_time=True)
        pane.curve(series, values, self.colour("spot"), in_ascii="*")
        pane.gaps(series, self.colour("warning"))
        pane.names(names)


def _widest(names: "list[Name]") -> int:
    return max(len(name.text) for name in names)


def _standing(board: Board, rank: Rank, width: int) -> Line:
    index = volatility_index(board)
    facts = [
        Fact("IV 30d ", fmt.volatility(board.levels.iv_30d), "spot"),
        Fact("rank ", fmt.percent(rank.rank, 0, signed=False)),
        Fact("percentile ", fmt.percent(rank.percentile, 0, signed=False)),
    ]
    if index is not None:
        facts.append(Fact(f"{index[0]} ", index[1], "zero"))
    return facts_line(facts, width)


def _record(rank: Rank, width: int) -> Line:
    days = "1 day of history" if rank.days == 1 else f"{rank.days} days of history"
    facts = [Fact("", days), Fact("lowest ", fmt.volatility(rank.low)), Fact("highest ", fmt.volatility(rank.high))]
    return facts_line(facts, width)


def _series_of(closes: dict[date, float]) -> Series:
    """The closes at noon of their days, in percent; more days without any than a long weekend are a gap."""
    times = np.array([datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp() for day in closes])
    apart = np.flatnonzero(np.diff(times) > _GAP_DAYS * _DAY).tolist()
    gaps = tuple(Gap(float(times[at]), float(times[at + 1]), "not recorded") for at in apart)
    return Series(times, {_COLUMN: 100.0 * np.array(list(closes.values()))}, gaps)
