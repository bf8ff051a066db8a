"""The option chain: one expiry's contracts, calls left of their strike and puts right of it.

A grid of lines, not Textual's DataTable, which renders every visible cell anew when one of them changes: only rows in
view are composed, and only those that differ are painted.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from gextui.exposure.board import Board
from gextui.exposure.explain import Explanation, explain_strike
from gextui.exposure.filters import selected_strikes
from gextui.market.chain import Floats, Integers
from gextui.market.text import clean_symbol
from gextui.ui import format as fmt
from gextui.ui.format import Unit
from gextui.ui.widgets.axis import Axis
from gextui.ui.widgets.lines import Line, Span, line
from gextui.ui.widgets.strike_view import StrikeView
from gextui.ui.widgets.words import settlement

_AROUND = (None, 40, 20, 10, 6)
"""How many strikes around the money are shown, by zoom."""
_DETAILS_FROM_HEIGHT = 14
_NONE = -1
_YEAR = 365 * 86400.0
"""Seconds from which a day needs its year."""


class Rights(StrEnum):
    """Which side of the chain is shown."""

    BOTH = "both"
    CALLS = "calls"
    PUTS = "puts"


class Series(NamedTuple):
    """What one tab shows: an expiry of one root."""

    expiry: float
    """Instant, epoch seconds UTC."""
    root: str


@dataclass(frozen=True, slots=True, eq=False)
class _Contracts:
    """The rows of the chain's columns that belong to one series; aligned with ``strikes``, -1 for none."""

    strikes: Floats
    calls: Integers
    puts: Integers


class _Column(NamedTuple):
    heading: str
    width: int
    number: Callable[[Board, int], float]
    """The number of one of the chain's rows."""
    text: Callable[[float], str]


def _quote(value: float) -> str:
    return fmt.DASH if fmt.missing(value) else f"{value:,.{1 if value >= 10_000 else 2}f}"


def _iv(board: Board, row: int) -> float:
    """The contract's own IV where the source gives one, else the clean one that prices it."""
    own = float(board.smile.leg_iv[row])
    return float(board.book.iv[row]) if fmt.missing(own) else own


def _delta(value: float) -> str:
    return fmt.DASH if fmt.missing(value) else f"{value:+.2f}"


def _gamma(value: float) -> str:
    return fmt.DASH if fmt.missing(value) else f"{value:.4f}" if value >= 1e-3 or not value else f"{value:.1e}"


_GEX = _Column("GEX", 9, lambda board, row: float(board.book.gex[row]), fmt.compact)
_OPEN_INTEREST = _Column("OI", 7, lambda board, row: float(board.chain.open_interest[row]), fmt.count)
_IV = _Column("IV", 7, _iv, fmt.volatility)
_VOLUME = _Column("VOL", 7, lambda board, row: float(board.chain.volume[row]), fmt.count)
_DELTA = _Column("DELTA", 6, lambda board, row: float(board.book.delta[row]), _delta)
_GAMMA = _Column("GAMMA", 8, lambda board, row: float(board.book.gamma[row]), _gamma)
_BID = _Column("BID", 9, lambda board, row: float(board.chain.bid[row]), _quote)
_ASK = _Column("ASK", 9, lambda board, row: float(board.chain.ask[row]), _quote)

_BY_IMPORTANCE = ((_GEX,), (_OPEN_INTEREST,), (_IV,), (_VOLUME,), (_DELTA,), (_BID, _ASK), (_GAMMA,))
_CALLS_ORDER = (_BID, _ASK, _GAMMA, _DELTA, _VOLUME, _IV, _OPEN_INTEREST, _GEX)
_PUTS_ORDER = (_GEX, _OPEN_INTEREST, _IV, _VOLUME, _DELTA, _GAMMA, _BID, _ASK)


class Chain(StrikeView):
    """One series at a time; `shift` takes the next expiry, `zoom` fewer or more strikes around the money."""

    TABLE = True

    def __init__(self, *, ascii_only: bool = False) -> None:
        super().__init__(ascii_only=ascii_only)
        self.axis = Axis(gathers=False)
        self.series: Series | None = None
        """The chosen tab; None before the first board."""
        self.rights = Rights.BOTH
        self._around = 0

    def show(self, board: Board, *, unit: Unit, stale: bool = False) -> None:
        """Show this board; lines that say the same are left alone."""
        if self.board is not None and self.board.ticker != board.ticker:
            self.series, self._around = None, 0
        super().show(board, unit=unit, stale=stale)

    @property
    def heading(self) -> str:
        """What is drawn, and of which strikes."""
        around = _AROUND[self._around]
        shown = "" if self.rights is Rights.BOTH else f", {self.rights.value}"
        return "Option chain" + shown + ("" if around is None else f", {around} strikes around the money")

    def shift(self, columns: int) -> None:
        """Show a later expiry (positive) or an earlier one."""
        tabs = [] if self.board is None else series_of(self.board)
        if tabs:
            at = self._at(tabs) + columns
            self.series = tabs[max(0, min(at, len(tabs) - 1))]
            self.redraw()

    def zoom(self, step: int) -> None:
        """Show fewer strikes around the money (1) or more (-1)."""
        self._around = max(0, min(self._around + step, len(_AROUND) - 1))
        self.redraw()

    @property
    def zoom_level(self) -> int:
        """Steps away from every strike."""
        return self._around

    def alternate(self) -> None:
        """Show calls and puts, calls alone, puts alone, in turn."""
        rights = list(Rights)
        self.rights = rights[(rights.index(self.rights) + 1) % len(rights)]
        self.redraw()

    def explanation(self) -> Explanation | None:
        """The net GEX of the strike under the cursor, in the expiry shown."""
        if self.board is None or self.axis.cursor is None or self.series is None:
            return None
        return explain_strike(self.board, self.axis.cursor, self.series.expiry)

    def _at(self, tabs: list[Series]) -> int:
        """The chosen tab's place; where it has expired, that of the next expiry."""
        if self.series in tabs:
            return tabs.index(self.series)
        later = (at for at, tab in enumerate(tabs) if self.series is None or tab.expiry >= self.series.expiry)
        return next(later, len(tabs) - 1)

    def compose_lines(self, width: int, height: int) -> list[Line]:
        """Tabs, what the chosen one is, column names, and the strikes in view."""
        board = self.board
        if board is None:
            return []
        tabs = series_of(board)
        if not tabs:
            words = "no contracts listed" if not len(board.chain) else "no contract passes the filters"
            return self.centred(words, width, height)
        at = self._at(tabs)
        self.series = tabs[at]
        contracts = _contracts(board, self.series, _AROUND[self._around])
        decimals = fmt.strike_decimals(tuple(contracts.strikes.tolist()))
        spot = fmt.level(board.spot)
        strikes = [fmt.strike(float(strike), decimals) for strike in contracts.strikes]
        strike_width = max(len(text) for text in (*strikes, spot)) + 2
        sides = _columns(width - strike_width - 1, self.rights)

        lines = [_tab_line(tabs, at, board.chain.as_of_seconds, width)]
        if height >= _DETAILS_FROM_HEIGHT:
            lines.append(_details(board, self.series, sides, width))
        lines.append(_names(sides, strike_width, width))
        self.fit(board, contracts.strikes, height - len(lines))
        rungs = self.axis.rungs
        for row in self.axis.visible():
            if row is None:
                lines.append(_spot_line(spot, sides, strike_width, width))
                continue
            index = len(rungs) - 1 - row
            chosen = row == self.axis.cursor_row
            spans = self._spans(board, contracts, index, sides, chosen=chosen)
            spans.insert(1 + len(sides.calls), (f"{strikes[index]:^{strike_width}}", "value"))
            lines.append(line(spans, width, "cursor" if chosen else ""))
        return lines

    def _spans(self, board: Board, contracts: _Contracts, index: int, sides: "_Sides", *, chosen: bool) -> list[Span]:
        """The cells of one strike, all but the strike itself."""
        price = float(contracts.strikes[index])
        call, put = int(contracts.calls[index]), int(contracts.puts[index])
        return [
            ("▸" if chosen else " ", "value"),
            *(self._cell(board, column, call, price < board.spot) for column in sides.calls),
            *(self._cell(board, column, put, price > board.spot) for column in sides.puts),
        ]

    def _cell(self, board: Board, column: _Column, row: int, in_the_money: bool) -> Span:
        if row == _NONE:
            return " " * column.width, ""
        value = column.number(board, row)
        text = self.unit.amount(value, board) if column is _GEX else column.text(value)
        if column is _IV and not board.book.own_iv[row]:
            text = "~" + text
        if not math.isfinite(value) or not value:
            style = "dim"
        elif column is _GEX:
            style = "call" if value > 0 else "put"
        else:
            style = "label" if in_the_money else "value"
        return fmt.right(text, column.width), style


class _Sides(NamedTuple):
    calls: tuple[_Column, ...]
    puts: tuple[_Column, ...]

    @property
    def widths(self) -> tuple[int, int]:
        """Cells of the calls' and of the puts' columns."""
        return sum(column.width for column in self.calls), sum(column.width for column in self.puts)


def series_of(board: Board) -> list[Series]:
    """Every living, selected expiry and root of the board, the nearest first."""
    chain = board.chain
    roots = len(chain.roots)
    pairs = [divmod(code, roots) for code in np.unique(chain.expiry * roots + chain.root).tolist()]
    selected = set(board.by_expiry.expiry.tolist())
    every = [Series(float(chain.expiries[expiry]), chain.roots[root]) for expiry, root in pairs]
    return [series for series in every if series.expiry in selected]


def _contracts(board: Board, series: Series, around: int | None) -> _Contracts:
    chain = board.chain
    chosen = (chain.expiries[chain.expiry] == series.expiry) & (chain.root == chain.roots.index(series.root))
    rows = np.flatnonzero(chosen & selected_strikes(chain, board.filters))
    strikes, at = np.unique(chain.strike[rows], return_inverse=True)
    calls, puts = np.full(len(strikes), _NONE, dtype=np.int64), np.full(len(strikes), _NONE, dtype=np.int64)
    is_call = chain.is_call[rows]
    calls[at[is_call]] = rows[is_call]
    puts[at[~is_call]] = rows[~is_call]
    if around is not None and len(strikes) > around:
        kept = np.sort(np.argsort(np.abs(strikes - board.spot), kind="stable")[:around])
        return _Contracts(strikes[kept], calls[kept], puts[kept])
    return _Contracts(strikes, calls, puts)


def _columns(room: int, rights: Rights) -> _Sides:
    """The columns that fit, the most telling kept longest."""
    room = room // 2 if rights is Rights.BOTH else room
    kept: list[_Column] = []
    for group in _BY_IMPORTANCE:
        if sum(column.width for column in (*kept, *group)) > room:
            break
        kept += group
    kept = kept or [_GEX]
    calls = tuple(column for column in _CALLS_ORDER if column in kept)
    puts = tuple(column for column in _PUTS_ORDER if column in kept)
    return _Sides(calls if rights is not Rights.PUTS else (), puts if rights is not Rights.CALLS else ())


def _tab_line(tabs: list[Series], at: int, as_of: float, width: int) -> Line:
    """The tabs around the chosen one; an arrow where there are more."""
    days = [fmt.day(tab.expiry) if tab.expiry - as_of > _YEAR else fmt.short_day(tab.expiry) for tab in tabs]
    roots = [f" {clean_symbol(tab.root)}" if days.count(day) > 1 else "" for day, tab in zip(days, tabs, strict=True)]
    names = [f" {day}{root} " for day, root in zip(days, roots, strict=True)]
    first = last = at
    room = width - 4 - len(names[at])
    while True:
        grown = False
        for candidate in (last + 1, first - 1):
            if 0 <= candidate < len(tabs) and len(names[candidate]) <= room:
                room -= len(names[candidate])
                first, last = min(first, candidate), max(last, candidate)
                grown = True
        if not grown:
            break
    spans: list[Span] = [("◂ " if first else "  ", "label")]
    spans += [(names[tab], "chosen" if tab == at else "label") for tab in range(first, last + 1)]
    spans.append((" ▸" if last < len(tabs) - 1 else "", "label"))
    return line(spans, width)


def _details(board: Board, series: Series, sides: _Sides, width: int) -> Line:
    at = int(np.flatnonzero(board.by_expiry.expiry == series.expiry)[0])
    parts = [
        fmt.day(series.expiry),
        fmt.until(series.expiry, board.chain.as_of_seconds),
        clean_symbol(series.root),
        settlement(series.expiry, board.ticker.session),
        f"forward {fmt.level(float(board.by_expiry.forward[at]))}",
        f"IV {fmt.volatility(float(board.by_expiry.atm_iv[at]))}",
    ]
    calls, puts = "CALLS" if sides.calls else "", "PUTS" if sides.puts else ""
    room = width - len(calls) - len(puts) - 4
    while len(" · ".join(parts)) > room and len(parts) > 1:
        parts.pop()
    text = " · ".join(parts)
    margin = max((width - len(text)) // 2 - len(calls) - 1, 1)
    spans: list[Span] = [(f" {calls}", "call"), (" " * margin, ""), (text, "heading")]
    used = 1 + len(calls) + margin + len(text)
    return line([*spans, (" " * max(width - used - len(puts) - 1, 1), ""), (puts, "put")], width)


def _names(sides: _Sides, strike_width: int, width: int) -> Line:
    spans: list[Span] = [(" ", "")]
    spans += [(column.heading.rjust(column.width), "label") for column in sides.calls]
    spans.append((f"{'STRIKE':^{strike_width}}", "label"))
    spans += [(column.heading.rjust(column.width), "label") for column in sides.puts]
    return line(spans, width)


def _spot_line(spot: str, sides: _Sides, strike_width: int, width: int) -> Line:
    calls, puts = sides.widths
    text = f"{' ' + spot + ' ':─^{strike_width}}"
    right = " SPOT" if puts >= 8 else ""
    return line([("─" * (calls + 1) + text + "─" * (puts - len(right)) + right, "spot")], width)
