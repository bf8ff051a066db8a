"""The ladder: one price axis, calls to the right, puts to the left, levels named on their rows."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from gextui.exposure.board import Board
from gextui.exposure.explain import Explanation, Input
from gextui.market.chain import Floats
from gextui.ui import format as fmt
from gextui.ui import venues
from gextui.ui.format import Unit
from gextui.ui.measure import Measure
from gextui.ui.widgets.bars import Scale, Stretch, bar_left, bar_right, stretched
from gextui.ui.widgets.lines import Line, Span, line
from gextui.ui.widgets.scene_line import Piece, fit_pieces, joined
from gextui.ui.widgets.strike_view import StrikeView
from gextui.ui.widgets.words import fitting, level_labels, nothing_to_draw

_NUMBER_WIDTH = 8
_HEADER_FROM_HEIGHT = 18
_LEGEND_FROM_HEIGHT = 9
_ROWS_A_BRIGHT_ONE = 5


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """A column of numbers beside the bars."""

    heading: str
    values: Floats
    """One a listed strike (K)."""
    text: Callable[[float], str]
    signed: bool


@dataclass(frozen=True, slots=True, eq=False)
class Venue:
    """What of the bars is one venue's, as in `Bars`."""

    left: Floats
    right: Floats
    stale: bool


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """What the bars stand for, one a listed strike (K) and side, in the unit shown."""

    left_heading: str
    right_heading: str
    left: Floats
    right: Floats
    left_sign: float
    """The sign that this side's numbers have, which colours it; 0 where they have none."""
    right_sign: float
    columns: tuple[Column, ...]
    venues: tuple[Venue, ...] = ()
    """Where several make the book; they add up to the whole."""


@dataclass(frozen=True, slots=True)
class _Widths:
    strike: int
    half: int
    """Cells of the bars on either side."""
    numbers: int
    label: int

    @classmethod
    def of(cls, width: int, strike: int, numbers: int) -> "_Widths":
        label = 18 if width >= 100 else 13 if width >= 70 else 9 if width >= 50 else 5
        room = width - (strike + 4) - 1 - numbers * _NUMBER_WIDTH - 2
        if room - label < 8:
            label = 0
        return cls(strike, max((room - label) // 2, 1), numbers, label)


class Ladder(StrikeView):
    """GEX, open interest or volume by strike on one price axis."""

    EITHER_AXIS = True

    def __init__(self, measure: Measure = Measure.GEX, *, ascii_only: bool = False) -> None:
        super().__init__(ascii_only=ascii_only)
        self.scale = Scale()
        self.measure = measure
        self._scale_of: object = None

    @property
    def heading(self) -> str:
        """What is drawn, and the step between rows where strikes are gathered."""
        names = {"gex": "GEX by strike", "open_interest": "Open interest by strike", "volume": "Volume by strike"}
        return names[self.measure] + self._step_in_words()

    def _step_in_words(self) -> str:
        step = self.axis.rungs.step
        return f" in steps of {fmt.strike(step)}" if step else ""

    def explanation(self) -> Explanation | None:
        """The strike under the cursor; where a row gathers several, what they come to together is said too."""
        explained = super().explanation()
        rungs = self.axis.rungs
        if explained is None or self.board is None or self.axis.cursor_row is None:
            return explained
        strikes = rungs.strikes[rungs.row == self.axis.cursor_row]
        if len(strikes) < 2 or not np.array_equal(rungs.strikes, self.board.by_strike.strike):
            return explained
        together = float(rungs.sums(self.board.by_strike.net_gex)[self.axis.cursor_row])
        span = f"row of {len(strikes)} strikes, {fmt.strike(float(strikes[0]))} to {fmt.strike(float(strikes[-1]))}"
        return replace(explained, inputs=(Input(span, together, "USD per 1%"), *explained.inputs))

    def compose_lines(self, width: int, height: int) -> list[Line]:
        """The header where there is room, then the rows in view."""
        board = self.board
        if board is None:
            return []
        legend = self._legend(board, width, height)
        height -= len(legend)
        self.fit(board, board.by_strike.strike, height - self._header_height(height))
        words = nothing_to_draw(board, self.measure)
        if words is not None:
            return self.centred(words, width, height)
        return [*self.ladder_lines(board, self._bars(board, wide=width >= 70), width, height), *legend]

    def _legend(self, board: Board, width: int, height: int) -> list[Line]:
        """Whose stretches of the bars are whose, with each venue's share of the whole; none for a single source."""
        if len(board.parts) < 2 or height < _LEGEND_FROM_HEIGHT:
            return []
        pieces = []
        for at, (part, share) in enumerate(zip(board.parts, venues.shares(board, self.measure), strict=True)):
            stale = part.part.stale
            short: list[Span] = [
                (venues.shade(at), "stale graph" if stale else "value graph"),
                (f" {venues.name(part)} {fmt.percent(share, 0, signed=False)}", "warning" if stale else "label"),
            ]
            words = f" {venues.stale_words(board, part)}" if stale else ""
            pieces.append(Piece(at, ([*short, ("!" if stale else "", "warning")], [*short, (words, "warning")])))
        spans = joined([spans for _, spans in fit_pieces(pieces, width - 2)])
        return [line([(" ", ""), *spans], width)]

    def _header_height(self, height: int) -> int:
        return 1 if height >= _HEADER_FROM_HEIGHT else 0

    def _bars(self, board: Board, *, wide: bool) -> Bars:
        by_strike = board.by_strike
        if self.measure is Measure.GEX:
            sign = board.filters.sign
            factor = self.unit.factor(board)
            net = Column("NET", by_strike.net_gex, lambda gex: self.unit.amount(gex, board), True)
            puts, calls = by_strike.put_gex * factor, by_strike.call_gex * factor
            split = tuple(
                Venue(each.by_strike.put_gex * factor, each.by_strike.call_gex * factor, each.part.stale)
                for each in board.parts
            )
            return Bars("PUTS", "CALLS", puts, calls, sign.of_put, sign.of_call, (net,), split)
        if self.measure is Measure.OPEN_INTEREST:
            puts, calls = by_strike.put_open_interest, by_strike.call_open_interest
        else:
            puts, calls = by_strike.put_volume, by_strike.call_volume
        split = tuple(
            Venue(
                getattr(each.by_strike, f"put_{self.measure}"),
                getattr(each.by_strike, f"call_{self.measure}"),
                each.part.stale,
            )
            for each in board.parts
        )
        columns: tuple[Column, ...] = (Column("PUTS", puts, fmt.count, False), Column("CALLS", calls, fmt.count, False))
        if not wide:
            known = np.isfinite(puts) | np.isfinite(calls)
            total = np.where(known, np.nan_to_num(puts) + np.nan_to_num(calls), np.nan)
            columns = (Column("TOTAL", total, fmt.count, False),)
        return Bars("PUTS", "CALLS", puts, calls, 0.0, 0.0, columns, split)

    def ladder_lines(self, board: Board, bars: Bars, width: int, height: int) -> list[Line]:
        """Draw ``bars`` over the rows in view; the axis has been fitted to the strikes they are of."""
        rungs = self.axis.rungs
        rows = self.axis.visible()
        shown = [row for row in rows if row is not None]
        left, right = rungs.sums(bars.left), rungs.sums(bars.right)
        self._fit_scale(board, left, right, shown)
        numbers = [(column, rungs.sums(column.values)) for column in bars.columns]
        split = [(rungs.sums(each.left), rungs.sums(each.right)) for each in bars.venues]
        decimals = fmt.strike_decimals(tuple(rungs.prices[shown].tolist())) if shown else 0
        texts = {row: fmt.strike(float(rungs.prices[row]), decimals) for row in shown}
        spot = fmt.level(board.spot)
        extremes = [fmt.strike(float(price), decimals) for price in rungs.prices[[0, -1]]]
        widths = _Widths.of(width, max(len(text) for text in (*texts.values(), *extremes, spot)), len(numbers))
        labels = level_labels(board, rungs)
        bright = self._round_prices(shown)
        cursor = self.axis.cursor_row
        brackets = self._brackets(board, rows)

        lines = [self._header(bars, widths, width)] if self._header_height(height) else []
        for row, bracket in zip(rows, brackets, strict=True):
            if row is None:
                lines.append(self._spot_line(spot, bracket, widths, width))
                continue
            chosen = row == cursor
            named = labels.get(row, [])
            spans: list[Span] = [
                ("▸" if chosen else " ", "value"),
                (fmt.right(texts[row], widths.strike), "value" if named or row in bright else "label"),
                (" ", ""),
                (bracket, "move graph"),
                (" ", ""),
                *self._bar(bars, 0, float(left[row]), [float(each[0][row]) for each in split], widths.half),
                ("│", "grid graph"),
                *self._bar(bars, 1, float(right[row]), [float(each[1][row]) for each in split], widths.half),
                *(self._number(column, float(sums[row])) for column, sums in numbers),
                ("  ", ""),
                *fitting(named, widths.label),
            ]
            lines.append(line(spans, width, "cursor" if chosen else ""))
        return lines

    def _fit_scale(self, board: Board, left: Floats, right: Floats, shown: list[int]) -> None:
        scale_of = (board.ticker, board.filters, self.measure, self.unit, self.axis.rungs.step)
        if scale_of != self._scale_of:
            self._scale_of = scale_of
            self.scale.reset()
        sizes = np.abs(np.concatenate((left[shown], right[shown])))
        self.scale.fit(float(np.max(sizes, initial=0.0, where=np.isfinite(sizes))))

    def _bar(self, bars: Bars, side: int, value: float, split: list[float], cells: int) -> list[Span]:
        """One side's bar, 0 the left one; in stretches where several venues have a part in it and it has the room."""
        sign = (bars.left_sign, bars.right_sign)[side]
        colour = ("put", "call")[side] if not sign else "call" if sign > 0 else "put"
        eighths = self.scale.eighths(value, cells)
        stretches = [
            Stretch(part, venues.shade(at), f"{'stale' if venue.stale else colour} graph")
            for at, (part, venue) in enumerate(zip(split, bars.venues, strict=True))
        ]
        if eighths < 8 or not any(split[1:]):
            names = max(stretches, key=lambda stretch: abs(stretch.value)).names if stretches else f"{colour} graph"
            return (bar_left, bar_right)[side](eighths, cells, names)
        spans = stretched(eighths, stretches)
        room = (" " * (cells - sum(len(text) for text, _ in spans)), "graph")
        return [*spans, room] if side else [room, *reversed(spans)]

    def _number(self, column: Column, value: float) -> Span:
        style = "value"
        if not math.isfinite(value) or not value:
            style = "dim"
        elif column.signed:
            style = "call" if value > 0 else "put"
        return fmt.right(column.text(value), _NUMBER_WIDTH), style

    def _round_prices(self, rows: list[int]) -> set[int]:
        """The rows whose price is a rounder one, drawn brighter so that the eye can count."""
        rungs = self.axis.rungs
        if len(rungs) < 2:
            return set(rows)
        usual = rungs.step or abs(float(np.median(np.diff(rungs.prices))))
        multiples = rungs.prices[rows] / (usual * _ROWS_A_BRIGHT_ONE)
        return {row for row, multiple in zip(rows, multiples, strict=True) if abs(multiple - round(multiple)) < 1e-9}

    def _brackets(self, board: Board, rows: list[int | None]) -> list[str]:
        """A thin bracket beside the expected move, from the row that names its high to the one that names its low."""
        move = board.levels.expected_move
        if move is None:
            return [" "] * len(rows)
        rungs = self.axis.rungs
        high, low = (rungs.row_of_level(price, board.spot) for price in (move.high, move.low))
        marks = []
        for row in rows:
            if row is None:
                marks.append("├")
            elif (high is not None and row < high) or (low is not None and row > low):
                marks.append(" ")
            else:
                marks.append("┐" if row == high else "┘" if row == low else "│")
        return marks

    def _spot_line(self, spot: str, bracket: str, widths: _Widths, width: int) -> Line:
        cells = 1 + widths.half * 2 + 1 + widths.numbers * _NUMBER_WIDTH + 1
        spans = [
            (" " + fmt.right(spot, widths.strike) + " ", "spot"),
            (bracket if bracket != " " else "─", "spot"),
            ("─" * cells, "spot"),
            (" SPOT", "spot"),
        ]
        return line(spans, width)

    def _header(self, bars: Bars, widths: _Widths, width: int) -> Line:
        full = self.scale.text("%" if self.unit is Unit.SHARE and self.measure is Measure.GEX else "")
        named = (f"◂ {bars.left_heading} ", f" {bars.right_heading} ▸")
        sides = named if max(map(len, named)) <= widths.half else ("", "")
        room = widths.half - len(sides[0])
        margin = full if len(full) < room else ""
        spans = [
            (fmt.left(" " + "STRIKE".rjust(widths.strike), widths.strike + 4), "label"),
            (fmt.left(margin, room), "dim"),
            (sides[0], "label"),
            ("│", "grid"),
            (sides[1], "label"),
            (fmt.right(margin, widths.half - len(sides[1])), "dim"),
            *((fmt.right(column.heading, _NUMBER_WIDTH), "label") for column in bars.columns),
            ("  ", ""),
            ("LEVEL" if widths.label else "", "label"),
        ]
        return line(spans, width)
