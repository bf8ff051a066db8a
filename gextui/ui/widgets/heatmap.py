"""The heat map: net GEX by strike and expiry."""

import math
from typing import ClassVar

import numpy as np

from gextui.exposure.board import Board
from gextui.market.chain import Floats
from gextui.market.text import clean_symbol
from gextui.ui import format as fmt
from gextui.ui.format import Unit
from gextui.ui.widgets.bars import Scale
from gextui.ui.widgets.lines import Line, Span, line
from gextui.ui.widgets.strike_view import StrikeView
from gextui.ui.widgets.words import nothing_to_draw, settled_twice, settlement, time_left

_CELL_WIDTH = 7
_TOTAL_WIDTH = 8
_SHADES = (0.06, 0.2, 0.45)
"""Shares of the largest cell in view from which a cell is shaded darker; the lightest shade begins above nothing."""


class HeatMap(StrikeView):
    """Strikes descend, expiries run to the right; every cell says its amount, its shade how much of the most it is."""

    TABLE = True
    EITHER_AXIS = True

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"board--{side}-{shade}" for side in ("call", "put") for shade in range(1, 5)
    }

    DEFAULT_CSS = """
    HeatMap {
        .board--call-1 { color: $value; background: $call 12%; }
        .board--call-2 { color: $value; background: $call 28%; }
        .board--call-3 { color: $value; background: $call 48%; }
        .board--call-4 { color: $background; background: $call; text-style: bold; }
        .board--put-1 { color: $value; background: $put 12%; }
        .board--put-2 { color: $value; background: $put 28%; }
        .board--put-3 { color: $value; background: $put 48%; }
        .board--put-4 { color: $background; background: $put; text-style: bold; }
        &:ansi {
            .board--call-1 { color: $call; background: $background; text-style: dim; }
            .board--call-2 { color: $call; background: $background; }
            .board--call-3 { color: $call; background: $background; text-style: bold; }
            .board--call-4 { color: $call; background: $background; text-style: reverse; }
            .board--put-1 { color: $put; background: $background; text-style: dim; }
            .board--put-2 { color: $put; background: $background; }
            .board--put-3 { color: $put; background: $background; text-style: bold; }
            .board--put-4 { color: $put; background: $background; text-style: reverse; }
        }
    }
    """

    def __init__(self, *, ascii_only: bool = False) -> None:
        super().__init__(ascii_only=ascii_only)
        self.scale = Scale()
        self.first = 0
        """The first expiry in view."""
        self._scale_of: object = None
        self._columns = 0

    def show(self, board: Board, *, unit: Unit, stale: bool = False) -> None:
        """Show this board; lines that say the same are left alone."""
        if self.board is None or self.board.ticker != board.ticker:
            self.first = 0
        super().show(board, unit=unit, stale=stale)

    @property
    def heading(self) -> str:
        """What is drawn, and which of the expiries are in view."""
        heading = "Net GEX by strike and expiry"
        count = 0 if self.board is None else len(self.board.by_expiry.expiry)
        if self._columns < count:
            heading += f", expiries {self.first + 1} to {self.first + self._columns} of {count}"
        return heading

    def shift(self, columns: int) -> None:
        """Show later expiries (positive) or earlier ones."""
        self.first += columns
        self.redraw()

    def recentre(self) -> None:
        """Follow spot again, from the first expiry."""
        self.first = 0
        super().recentre()

    def compose_lines(self, width: int, height: int) -> list[Line]:
        """Headings of the expiries, then the rows in view."""
        board = self.board
        if board is None:
            return []
        words = nothing_to_draw(board)
        if words is not None:
            return self.centred(words, width, height)
        headings = 3 if height >= 16 else 2
        self.fit(board, board.by_strike.strike, height - headings)
        rungs = self.axis.rungs
        rows = self.axis.visible()
        shown = [row for row in rows if row is not None]
        decimals = fmt.strike_decimals(tuple(rungs.prices[shown].tolist())) if shown else 0
        texts = {row: fmt.strike(float(rungs.prices[row]), decimals) for row in shown}
        spot = fmt.level(board.spot)
        strike_width = max(len(text) for text in (*texts.values(), spot))
        margin = strike_width + 3
        in_view = self._in_view(len(board.by_expiry.expiry), width - margin - _TOTAL_WIDTH - 1)
        cells = np.column_stack([rungs.sums(board.by_expiry.strike_gex[:, at]) for at in in_view])
        totals = rungs.sums(board.by_strike.net_gex)
        self._fit_scale(board, cells[shown])

        lines = self._headings(board, in_view, margin, width)[:headings]
        cursor = self.axis.cursor_row
        for row in rows:
            if row is None:
                rule = "─" * (_CELL_WIDTH * len(in_view) + 2)
                lines.append(line([(f" {fmt.right(spot, strike_width)} {rule} SPOT", "spot")], width))
                continue
            chosen = row == cursor
            spans: list[Span] = [
                ("▸" if chosen else " ", "value"),
                (fmt.right(texts[row], strike_width) + "  ", "value" if chosen else "label"),
                *(self._cell(board, float(gex)) for gex in cells[row]),
                (" ", ""),
                (fmt.right(self.unit.amount(float(totals[row]), board), _TOTAL_WIDTH), _sign(float(totals[row]))),
            ]
            lines.append(line(spans, width, "cursor" if chosen else ""))
        return lines

    def _in_view(self, count: int, room: int) -> range:
        self._columns = max(1, min(count, room // _CELL_WIDTH))
        self.first = max(0, min(self.first, count - self._columns))
        return range(self.first, self.first + self._columns)

    def _fit_scale(self, board: Board, cells: Floats) -> None:
        scale_of = (board.ticker, board.filters, self.axis.rungs.step)
        if scale_of != self._scale_of:
            self._scale_of = scale_of
            self.scale.reset()
        self.scale.fit(float(np.max(np.abs(cells), initial=0.0, where=np.isfinite(cells))))

    def _cell(self, board: Board, gex: float) -> Span:
        if not math.isfinite(gex):
            return " " * _CELL_WIDTH, "graph"
        text = fmt.brief(gex * self.unit.factor(board))
        if not gex or text in ("0", "0.0"):
            return fmt.right("· ", _CELL_WIDTH), "dim graph"
        share = abs(gex) / self.scale.full
        shade = 1 + sum(share >= least for least in _SHADES)
        return fmt.right(f"{text} ", _CELL_WIDTH), f"{'call' if gex > 0 else 'put'}-{shade} graph"

    def _left(self, board: Board, instant: float, *, twice: bool = False) -> str:
        return time_left(instant, self.time_of(board), board.ticker.session, twice=twice)

    def _named(self, board: Board, at: int) -> str:
        """What tells an expiry from another of its day: ``SPX AM``; where that is too long, ``5d AM``."""
        instant = float(board.by_expiry.expiry[at])
        name = f"{clean_symbol(board.by_expiry.roots[at])} {settlement(instant, board.ticker.session)[:2]}"
        return name if len(name) <= _CELL_WIDTH else self._left(board, instant, twice=True)

    def _headings(self, board: Board, in_view: range, margin: int, width: int) -> list[Line]:
        expiries = board.by_expiry.expiry.tolist()
        twice = settled_twice(expiries, board.ticker.session)
        days = [fmt.right(fmt.short_day(expiries[at]) + " ", _CELL_WIDTH) for at in in_view]
        lives = [
            f"{self._named(board, at) if expiries[at] in twice else self._left(board, expiries[at])} " for at in in_view
        ]
        lives = [life[:_CELL_WIDTH].rjust(_CELL_WIDTH) for life in lives]
        factor = self.unit.factor(board)
        nets = [float(board.by_expiry.net_gex[at]) for at in in_view]
        sums = [(fmt.right(fmt.brief(net * factor) + " ", _CELL_WIDTH), _sign(net)) for net in nets]
        net = board.totals.net_gex
        total = (fmt.right(self.unit.amount(net, board), _TOTAL_WIDTH), _sign(math.nan if net is None else net))
        named = fmt.right("TOTAL", _TOTAL_WIDTH + 1)
        return [
            line([(fmt.left(" STRIKE", margin), "label"), ("".join(days), "heading"), (named, "label")], width),
            line([(" " * margin, ""), ("".join(lives), "label")], width),
            line([(fmt.left(" all", margin), "label"), *sums, (" ", ""), total], width),
        ]


def _sign(gex: float) -> str:
    return "call" if gex > 0 else "put" if gex < 0 else "dim"
