"""Expiries: where along time the book's gamma sits."""

import math

import numpy as np

from gextui.exposure.board import Board
from gextui.exposure.explain import Explanation, explain_expiry
from gextui.market.text import clean_symbol
from gextui.market.ticker import Session
from gextui.ui import format as fmt
from gextui.ui.format import Unit
from gextui.ui.widgets.bars import Scale, bar_left, bar_right
from gextui.ui.widgets.expiry_view import MARGIN, Column, ExpiryView, heading_line, that_fit
from gextui.ui.widgets.lines import Line, Span, line
from gextui.ui.widgets.words import nothing_to_draw, settlement

_NET_WIDTH = 8
_LEAST_HALF = 6
_ROOT, _SETTLES = "  ROOT", "  SETTLES"
"""Headings of a column that begins at the left."""


class Expiries(ExpiryView):
    """A row an expiry, the nearest first: net GEX to either side, its share, open interest, forward, IV."""

    TABLE = True

    def __init__(self, *, ascii_only: bool = False) -> None:
        super().__init__(ascii_only=ascii_only)
        self.scale = Scale()
        self._scale_of: object = None

    @property
    def heading(self) -> str:
        """What is drawn."""
        return "Net GEX by expiry"

    def explanation(self) -> Explanation | None:
        """The net GEX of the expiry under the cursor."""
        board, row = self.board, self.chosen_row
        return None if board is None or row is None else explain_expiry(board, float(board.by_expiry.expiry[row]))

    def compose_lines(self, width: int, height: int) -> list[Line]:
        """A heading, a row an expiry, and the total."""
        board = self.board
        if board is None:
            return []
        words = nothing_to_draw(board)
        if words is not None:
            return self.centred(words, width, height)
        columns = _columns(board, width, first=bool(self.twice))
        half = (width - MARGIN - 1 - _NET_WIDTH - sum(size for _, size, _ in columns)) // 2
        net = board.by_expiry.net_gex * self.unit.factor(board)
        self._fit_scale(board, float(np.max(np.abs(net), initial=0.0, where=np.isfinite(net))))
        return [
            self._header(columns, half, width),
            *(self._line(board, at, float(net[at]), columns, half, width) for at in self.in_view(height - 2)),
            self._total(board, columns, half, width),
        ]

    def _fit_scale(self, board: Board, peak: float) -> None:
        scale_of = (board.ticker, board.filters, self.unit)
        if scale_of != self._scale_of:
            self._scale_of = scale_of
            self.scale.reset()
        self.scale.fit(peak)

    def _header(self, columns: list[Column], half: int, width: int) -> Line:
        full = self.scale.text("%" if self.unit is Unit.SHARE else "")
        named = (" ◂ SHORT ", " LONG ▸ ")
        sides = named if max(map(len, named)) + len(full) <= half else ("", "")
        spans: list[Span] = [
            (fmt.left(full, half - len(sides[0])), "dim"),
            (sides[0], "label"),
            ("│", "grid"),
            (sides[1], "label"),
            (fmt.right(full, half - len(sides[1])), "dim"),
            (fmt.right("NET", _NET_WIDTH), "label"),
        ]
        return heading_line(spans, columns, width)

    def _line(self, board: Board, at: int, net: float, columns: list[Column], half: int, width: int) -> Line:
        eighths = self.scale.eighths(net, half)
        cells: list[Span] = [
            *bar_left(eighths if net < 0 else 0, half, "put graph"),
            ("│", "grid graph"),
            *bar_right(eighths if net > 0 else 0, half, "call graph"),
            (fmt.right(self.unit.amount(float(board.by_expiry.net_gex[at]), board), _NET_WIDTH), _sign(net)),
            *((fmt.right(texts[at], size), "value" if name == "GROSS" else "label") for name, size, texts in columns),
        ]
        return self.row_line(board, at, cells, width)

    def _total(self, board: Board, columns: list[Column], half: int, width: int) -> Line:
        net = board.totals.net_gex
        sums = {"GROSS": "100%", "OPEN INT": fmt.count(_open_interest(board))}
        spans: list[Span] = [
            (fmt.left(" all", MARGIN), "label"),
            (" " * half + " " + " " * half, ""),
            (fmt.right(self.unit.amount(net, board), _NET_WIDTH), _sign(math.nan if net is None else net)),
            *((fmt.right(sums.get(name, ""), size), "value") for name, size, _ in columns),
        ]
        return line(spans, width)


def _columns(board: Board, width: int, *, first: bool) -> list[Column]:
    """The columns beside the net that leave room for bars, the most telling kept longest.

    How an expiry settles stands ``first`` where that tells two of one day apart.
    """
    by_expiry, gross = board.by_expiry, board.totals.gross_gex
    sizes = np.abs(by_expiry.call_gex) + np.abs(by_expiry.put_gex)
    shares = sizes / gross if gross else np.full(len(sizes), np.nan)
    open_interest = np.nan_to_num(by_expiry.call_open_interest) + np.nan_to_num(by_expiry.put_open_interest)
    wanted: list[Column] = [
        Column("GROSS", 7, [fmt.percent(float(share), signed=False) for share in shares]),
        Column("ATM IV", 8, [fmt.volatility(float(iv)) for iv in by_expiry.atm_iv]),
        Column("OPEN INT", 10, [fmt.count(float(held)) for held in open_interest]),
        Column("FORWARD", 11, [fmt.level(float(forward)) for forward in by_expiry.forward]),
    ]
    settles = _settles(board)
    wanted.insert(0 if first else len(wanted), settles)
    return that_fit(wanted, width - MARGIN - 1 - _NET_WIDTH - 2 * _LEAST_HALF)


def _settles(board: Board) -> Column:
    """The roots of each expiry, and in New York how they settle: ``SPXW PM 16:00``."""
    by_expiry = board.by_expiry
    roots = [f"  {clean_symbol(roots)}" for roots in by_expiry.roots]
    if board.ticker.session is Session.UTC:
        return Column(_ROOT, 12, [fmt.left(each, 12) for each in roots])
    hows = [settlement(instant, Session.NEW_YORK)[: len("PM 16:00")] for instant in by_expiry.expiry.tolist()]
    return Column(_SETTLES, 16, [fmt.left(f"{each} {how}", 16) for each, how in zip(roots, hows, strict=True)])


def _open_interest(board: Board) -> float | None:
    known = [each for each in (board.totals.call_open_interest, board.totals.put_open_interest) if each is not None]
    return sum(known) if known else None


def _sign(gex: float) -> str:
    return "call" if gex > 0 else "put" if gex < 0 else "dim"
