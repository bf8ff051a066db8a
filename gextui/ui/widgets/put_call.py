"""Puts against calls: open interest and the day's volume by strike, side by side, with their ratios."""

from typing import NamedTuple

import numpy as np

from gextui.exposure.board import Board
from gextui.exposure.explain import Explanation
from gextui.exposure.surface import explain_put_call
from gextui.market.chain import Floats
from gextui.ui import format as fmt
from gextui.ui.widgets.bars import Scale, bar_left, bar_right
from gextui.ui.widgets.lines import Line, Span, line
from gextui.ui.widgets.strike_view import StrikeView
from gextui.ui.widgets.words import no_contracts

_NUMBER, _RATIO = 7, 7
_LEAST_BAR = 3


class _Half(NamedTuple):
    """One of the two measures, summed to the rows of the axis (R)."""

    name: str
    puts: Floats
    calls: Floats
    scale: Scale
    total: tuple[float | None, float | None]
    """Of puts and of calls; None where the source gives none."""


class PutCall(StrikeView):
    """A row a strike: open interest left, volume right, puts left and calls right of each middle."""

    def __init__(self, *, ascii_only: bool = False) -> None:
        super().__init__(ascii_only=ascii_only)
        self._scales = (Scale(), Scale())
        self._scale_of: object = None

    @property
    def heading(self) -> str:
        """What is drawn."""
        step = self.axis.rungs.step
        return "Puts and calls by strike" + (f" in steps of {fmt.strike(step)}" if step else "")

    def explanation(self) -> Explanation | None:
        """The ratio of the strike under the cursor."""
        strike = self.axis.cursor_strike
        return None if self.board is None or strike is None else explain_put_call(self.board, strike)

    def compose_lines(self, width: int, height: int) -> list[Line]:
        """Headings, the whole, and the rows in view."""
        board = self.board
        if board is None:
            return []
        if not len(board.by_strike.strike):
            return self.centred(no_contracts(board), width, height)
        self.fit(board, board.by_strike.strike, height - 3)
        rungs, rows = self.axis.rungs, self.axis.visible()
        shown = [row for row in rows if row is not None]
        halves = self._halves(board, shown)
        decimals = fmt.strike_decimals(tuple(rungs.prices[shown].tolist())) if shown else 0
        texts = {row: fmt.strike(float(rungs.prices[row]), decimals) for row in shown}
        spot = fmt.level(board.spot)
        strike_width = max(len(text) for text in (*texts.values(), spot, "STRIKE"))
        room = max((width - strike_width - 2) // 2, 0)
        lines = [self._names(halves, strike_width, room, width), self._columns(strike_width, room, width)]
        lines.append(self._whole(halves, strike_width, room, width))
        chosen = self.axis.cursor_row
        for row in rows:
            if row is None:
                rule = "─" * max(width - strike_width - 8, 0)
                lines.append(line([(f" {fmt.right(spot, strike_width)} {rule} SPOT", "spot")], width))
                continue
            spans: list[Span] = [
                ("▸" if row == chosen else " ", "value"),
                (fmt.right(texts[row], strike_width) + " ", "value"),
            ]
            for half in halves:
                spans += _cells(float(half.puts[row]), float(half.calls[row]), half.scale, room)
            lines.append(line(spans, width, "cursor" if row == chosen else ""))
        return lines[:height]

    def _halves(self, board: Board, shown: list[int]) -> list[_Half]:
        by_strike, totals, rungs = board.by_strike, board.totals, self.axis.rungs
        scale_of = (board.ticker, board.filters, rungs.step)
        if scale_of != self._scale_of:
            self._scale_of = scale_of
            for scale in self._scales:
                scale.reset()
        given = (
            ("OPEN INTEREST", by_strike.put_open_interest, by_strike.call_open_interest,
             (totals.put_open_interest, totals.call_open_interest)),
            ("VOLUME", by_strike.put_volume, by_strike.call_volume, (totals.put_volume, totals.call_volume)),
        )  # fmt: skip
        halves = []
        for (name, puts, calls, total), scale in zip(given, self._scales, strict=True):
            # What the source does not give is missing, though its sums are 0.
            left, right = (
                np.full(len(rungs), np.nan) if whole is None else rungs.sums(values)
                for values, whole in zip((puts, calls), total, strict=True)
            )
            sizes = np.concatenate((left[shown], right[shown]))
            scale.fit(float(np.max(sizes, initial=0.0, where=np.isfinite(sizes))))
            halves.append(_Half(name, left, right, scale, total))
        return halves

    def _names(self, halves: list[_Half], strike_width: int, room: int, width: int) -> Line:
        spans: list[Span] = [(" " * (strike_width + 2), "")]
        spans += [(f"{half.name:^{room}}", "heading") for half in halves]
        return line(spans, width)

    def _columns(self, strike_width: int, room: int, width: int) -> Line:
        bar = _bar_width(room)
        names = (
            fmt.right("PUTS", _NUMBER) + " " * (2 * bar + 1) + fmt.right("CALLS", _NUMBER) + fmt.right("P/C", _RATIO)
        )
        half = fmt.left(names, room)
        return line([(f" {fmt.right('STRIKE', strike_width)} ", "label"), (half, "label"), (half, "label")], width)

    def _whole(self, halves: list[_Half], strike_width: int, room: int, width: int) -> Line:
        spans: list[Span] = [(f" {fmt.right('all', strike_width)} ", "label")]
        for half in halves:
            puts, calls = (np.nan if total is None else total for total in half.total)
            spans += _cells(puts, calls, None, room)
        return line(spans, width)


def _bar_width(room: int) -> int:
    """Cells of a bar to either side of the middle; 0 where they would say nothing."""
    bar = (room - 2 * _NUMBER - _RATIO - 2) // 2
    return bar if bar >= _LEAST_BAR else 0


def _cells(puts: float, calls: float, scale: Scale | None, room: int) -> list[Span]:
    """One measure of a row, ``room`` cells wide; without a scale, without bars."""
    bar = _bar_width(room)
    if scale is None:
        bars: list[Span] = [(" " * (2 * bar + 1), "")]
    else:
        bars = [
            *bar_left(scale.eighths(puts, bar), bar, "put graph"),
            ("│", "grid graph"),
            *bar_right(scale.eighths(calls, bar), bar, "call graph"),
        ]
    ratio = puts / calls if calls else None
    used = 2 * _NUMBER + 2 * bar + 1 + _RATIO
    return [
        (fmt.right(fmt.count(puts), _NUMBER), "value" if puts else "dim"),
        *bars,
        (fmt.right(fmt.count(calls), _NUMBER), "value" if calls else "dim"),
        (fmt.right(fmt.ratio(ratio), _RATIO), "label"),
        (" " * max(room - used, 0), ""),
    ]
