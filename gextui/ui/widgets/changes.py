"""Change over time: what moved in the last minutes, and at which strikes."""

import numpy as np

from gextui.exposure.board import Board
from gextui.exposure.change import WINDOWS, Change, ChangeState
from gextui.market.chain import Floats
from gextui.ui import format as fmt
from gextui.ui.widgets.ladder import Bars, Column, Ladder
from gextui.ui.widgets.lines import Line, Span, line
from gextui.ui.widgets.words import nothing_to_draw

_PREFERRED = (5, 1, 10, 15, 30)
_WIDE = 66
_WITH_STATE = 58
"""Cells from which the state of a comparison has a column of its own; below it takes the cause's place."""
_CAUSE_WIDTH = 10
_STATES = {ChangeState.OK: "", ChangeState.GAP: "gap", ChangeState.EXPIRY: "expiry", ChangeState.SOURCE: "source"}


class Changes(Ladder):
    """A line a window, and below them the ladder of net GEX changes over the chosen one."""

    def __init__(self, *, ascii_only: bool = False) -> None:
        super().__init__(ascii_only=ascii_only)
        self._chosen: int | None = None

    @property
    def minutes(self) -> int:
        """The window shown: the chosen one, else the first of `_PREFERRED` that can be compared."""
        if self._chosen is not None:
            return self._chosen
        changes = () if self.board is None else self.board.changes
        comparable = [change.minutes for change in changes if change.total is not None]
        return next((minutes for minutes in _PREFERRED if minutes in comparable), _PREFERRED[0])

    @property
    def heading(self) -> str:
        """What is drawn, over which window."""
        return f"Change of net GEX over {self.minutes} min" + self._step_in_words()

    def shift(self, columns: int) -> None:
        """Choose a longer window (positive) or a shorter one."""
        at = WINDOWS.index(self.minutes) + columns
        self._chosen = WINDOWS[max(0, min(at, len(WINDOWS) - 1))]
        self.redraw()

    def compose_lines(self, width: int, height: int) -> list[Line]:
        """The panel of windows, then the ladder of the chosen one."""
        board = self.board
        if board is None:
            return []
        if board.chain.implied_from is not None:
            return self.centred("implied: nobody trades, so nothing changes", width, height)
        if not board.changes:
            return self.centred(nothing_to_draw(board) or "nothing recorded to compare with yet", width, height)
        panel = [self._panel_header(width), *(self._panel_line(board, each, width) for each in board.changes)]
        panel.append(line([], width))
        rest = height - len(panel)
        change = next(each for each in board.changes if each.minutes == self.minutes)
        self.fit(board, change.strikes, rest - self._header_height(rest))
        words = _nothing_to_compare(change)
        if words is not None:
            return panel + self.centred(words, width, rest)
        return panel + self.ladder_lines(board, self._changes(board, change, wide=width >= _WIDE), width, rest)

    def _changes(self, board: Board, change: Change, *, wide: bool) -> Bars:
        factor = self.unit.factor(board)
        moved = Column("CHANGE", change.net_gex, lambda gex: self.unit.amount(gex, board), True)
        now = Column("NET", _at(board, change.strikes), lambda gex: self.unit.amount(gex, board), True)
        less = np.minimum(change.net_gex, 0.0) * factor
        more = np.maximum(change.net_gex, 0.0) * factor
        return Bars("LESS", "MORE", less, more, -1.0, 1.0, (moved, now) if wide else (moved,))

    def _panel_header(self, width: int) -> Line:
        since = fmt.left("SINCE", 9) if width >= _WIDE else ""
        state = "STATE" if width >= _WITH_STATE else ""
        names = (
            f"  WINDOW  {since}{'LARGEST AT':>12}{'CHANGE':>9}{'TOTAL':>9}  {fmt.left('CAUSE', _CAUSE_WIDTH)}{state}"
        )
        return line([(names, "label")], width)

    def _panel_line(self, board: Board, change: Change, width: int) -> Line:
        chosen = change.minutes == self.minutes
        since = "–" if change.since is None else f"{change.since:%H:%M:%S}"
        at, amount = change.largest or (None, None)
        cause = "" if change.cause is None else change.cause.value
        state = _STATES[change.state]
        beside = not state or width >= _WITH_STATE
        spans: list[Span] = [
            ("▸ " if chosen else "  ", "value"),
            (f"{change.minutes:>2} min  ", "value"),
            (fmt.left(since, 9) if width >= _WIDE else "", "label"),
            (fmt.right(fmt.strike(at), 12), "value" if amount else "dim"),
            self._amount(board, amount),
            self._amount(board, change.total),
            ("  " + (fmt.left(cause, _CAUSE_WIDTH) if beside else ""), "label"),
            (state, "warning"),
        ]
        if change.state is ChangeState.EXPIRY and width >= _WIDE:
            spans.append((f" {self.unit.amount(change.expired_gex, board)}", "label"))
        return line(spans, width, "cursor" if chosen else "")

    def _amount(self, board: Board, gex: float | None) -> Span:
        style = "dim" if fmt.missing(gex) or not gex else "call" if gex > 0 else "put"
        return fmt.right(self.unit.amount(gex, board), 9), style


def _at(board: Board, strikes: Floats) -> Floats:
    """Net GEX now at these strikes; NaN where none is listed any more."""
    listed = board.by_strike.strike
    if not len(listed):
        return np.full(len(strikes), np.nan)
    at = np.minimum(np.searchsorted(listed, strikes), len(listed) - 1)
    return np.where(listed[at] == strikes, board.by_strike.net_gex[at], np.nan)


def _nothing_to_compare(change: Change) -> str | None:
    if change.state is ChangeState.GAP:
        return f"gap: nothing was recorded {change.minutes} min ago"
    if change.state is ChangeState.SOURCE:
        return "source: another one then, so no change of the market can be told"
    return None if change.largest else f"nothing changed in {change.minutes} min"
