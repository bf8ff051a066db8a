"""The option chain as exchanges show it: an expiry's contracts, calls left of their strike and puts right of it.

A grid of lines, not Textual's DataTable, which renders every visible cell anew when one of them changes: only rows in
view are composed, and only those that differ are painted.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from rich.cells import cell_len

from gextui.exposure.board import Board
from gextui.exposure.contracts import explain_contract
from gextui.exposure.explain import Explanation, explain_strike
from gextui.market.chain import Integers
from gextui.market.text import clean_symbol
from gextui.ui import format as fmt
from gextui.ui.format import Unit
from gextui.ui.widgets.chain_columns import (
    COLUMNS,
    EVERY_COLUMN,
    EXPIRY,
    STRIKE,
    Rights,
    Sideways,
    Stop,
    chosen_groups,
)
from gextui.ui.widgets.chain_table import NONE, Key, Listed, Order, Table, make_table
from gextui.ui.widgets.chain_text import table_lines
from gextui.ui.widgets.lines import Line, LineView, Span, line
from gextui.ui.widgets.listing import Listing
from gextui.ui.widgets.tabs import Tab, origin, tab_line, tabs_of
from gextui.ui.widgets.words import no_contracts, settlement

AROUND = (None, 40, 20, 10, 6)
"""How many strikes around the money are shown, by zoom."""
_DETAILS_FROM_HEIGHT = 14
_SPOT_FROM_WIDTH = 8
"""Cells of puts from which the spot line is named."""
_DAY_WIDTH = 9
_SHARED_NAMES = {STRIKE: "STRIKE", EXPIRY: "EXPIRY"}
_INTERPOLATED = ("iv", "clean_iv", "mark")
"""Columns that are marked where the IV is none of the strike's own."""


class Chain(LineView):
    """One tab at a time: an expiry, or all of them."""

    TABLE = True

    def __init__(self, *, ascii_only: bool = False) -> None:
        super().__init__(ascii_only=ascii_only)
        self.board: Board | None = None
        self.unit = Unit.PERCENT_MOVE
        self.tab: Tab | None = None
        """The chosen expiry; None before the first board, and where all are shown."""
        self.all = False
        """Whether every expiry is shown."""
        self.listed = Listed()
        self.order = Order()
        self._rows: Listing[Key] = Listing()
        self._sideways = Sideways()
        self._ids = EVERY_COLUMN
        self._tabs: list[Tab] = []
        self._table: Table | None = None
        self._table_of: tuple[object, ...] = ()
        self._decimals = 0

    def show(self, board: Board, *, unit: Unit, stale: bool = False) -> None:
        """Show this board; lines that say the same are left alone."""
        if self.board is not None and self.board.ticker != board.ticker:
            self.tab, self.all = None, False
            self.listed = replace(self.listed, low=None, high=None)
            self._rows.recentre()
        if board is not self.board:
            self._tabs = tabs_of(board)
        self.board, self.unit = board, unit
        self.redraw(stale=stale)

    @property
    def heading(self) -> str:
        """What is drawn, and of which strikes."""
        listed = self.listed
        parts = ["Option chain"]
        if listed.rights is not Rights.BOTH:
            parts.append(listed.rights.value)
        if listed.around is not None:
            parts.append(f"{listed.around} strikes around the money")
        if listed.low is not None or listed.high is not None:
            parts.append(strikes_between(listed.low, listed.high))
        if listed.held:
            parts.append("with open interest")
        return ", ".join(parts)

    def turn(self, steps: int) -> None:
        """Show a later expiry (positive) or an earlier one; before the first are all."""
        if self._tabs:
            at = max(-1, min((-1 if self.all else self._at) + steps, len(self._tabs) - 1))
            self.all = at < 0
            self.tab = self.tab if at < 0 else self._tabs[at]
            self.redraw()

    def shift(self, columns: int) -> None:
        """Move the cursor to a column further right (positive) or left."""
        self._sideways.shift(columns)
        self.redraw()

    def sort(self) -> None:
        """Sort by the column under the cursor, the largest first; the other way round; by strike again."""
        by = self._sideways.stop
        first, then = Order(by, by != EXPIRY), Order(by, by == EXPIRY)
        self.order = {first: then, then: Order()}.get(self.order, first)
        self._rows.recentre()
        self.redraw()

    def zoom(self, step: int) -> None:
        """Show fewer strikes around the money (1) or more (-1)."""
        level = max(0, min(self.zoom_level + step, len(AROUND) - 1))
        self.list_only(replace(self.listed, around=AROUND[level]))

    @property
    def zoom_level(self) -> int:
        """Steps away from every strike."""
        around = self.listed.around
        return 0 if around is None else sum(each is not None and each >= around for each in AROUND)

    def alternate(self) -> None:
        """Show calls and puts, calls alone, puts alone, in turn."""
        rights = list(Rights)
        chosen = rights[(rights.index(self.listed.rights) + 1) % len(rights)]
        if self.order.by.side not in (Rights.BOTH, chosen) and chosen is not Rights.BOTH:
            self.order = Order()
        self.list_only(replace(self.listed, rights=chosen))

    def list_only(self, listed: Listed) -> None:
        """List only these contracts."""
        self.listed = listed
        self.redraw()

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the user chose."""
        return () if self._ids == EVERY_COLUMN else self._ids

    def choose_columns(self, ids: Sequence[str]) -> None:
        """Show these columns; those that are not known are left out, and where none is known all are shown."""
        self._ids = tuple(name for name in EVERY_COLUMN if name in ids) or EVERY_COLUMN
        if self.order.by.side is not Rights.BOTH and self.order.by.column not in self._ids:
            self.order = Order()
        self.redraw()

    def move(self, rows: int) -> None:
        """Move the cursor."""
        self._rows.move(rows)
        self.redraw()

    def page(self, direction: int) -> None:
        """Move the cursor by a page."""
        self._rows.page(direction)
        self.redraw()

    def recentre(self) -> None:
        """Back to the strikes around spot."""
        self._rows.recentre()
        self._sideways.home()
        self.redraw()

    def selected_strike(self) -> float | None:
        """The listed strike under the cursor; None while the view follows spot."""
        row = self._rows.cursor_row
        return None if row is None or self._table is None else float(self._table.strike[row])

    def go_to(self, strike: float) -> bool:
        """Put the cursor on the listed strike nearest this price."""
        found = self._rows.go_to(Key(strike, self.tab or Tab(0.0, "")))
        self.redraw()
        return found

    def explanation(self) -> Explanation | None:
        """The number under the cursor; on the strike itself its net GEX in that expiry."""
        board, table, row = self.board, self._table, self._rows.cursor_row
        if board is None or table is None or row is None:
            return None
        stop = self._sideways.stop
        if stop.side is Rights.BOTH:
            strike, tab = table.key(row)
            return explain_strike(board, strike, tab.expiry)
        contract = int(table.contracts(stop.side)[row])
        return None if contract == NONE else explain_contract(board, contract, stop.column)

    def table_lines(self) -> Iterator[str]:
        """The whole table as lines of tab-separated text, the columns' names first."""
        board, table = self.board, self._current_table()
        if board is None or table is None:
            return iter(())
        columns = [column for group in chosen_groups(self._ids) for column in group]
        return table_lines(board, table, columns, self.listed.rights, self.unit)

    @property
    def _at(self) -> int:
        """The chosen tab's place; where it has expired, that of the next expiry."""
        if self.tab in self._tabs:
            return self._tabs.index(self.tab)
        later = (at for at, tab in enumerate(self._tabs) if self.tab is None or tab.expiry >= self.tab.expiry)
        return next(later, len(self._tabs) - 1)

    def _current_table(self) -> Table | None:
        """The rows of now; None where the board has no tab."""
        board = self.board
        if board is None or not self._tabs:
            return None
        tab = self.tab = self._tabs[self._at]
        made_of = (board, self.all, tab, self.listed, self.order)
        if self._table is None or made_of != self._table_of:
            self._table = make_table(board, None if self.all else tab, self.listed, self.order)
            self._table_of = made_of
            self._decimals = fmt.strike_decimals(tuple(np.unique(self._table.strike).tolist()))
        return self._table

    def compose_lines(self, width: int, height: int) -> list[Line]:
        """Tabs, what the chosen one is, column names, and the strikes in view."""
        board, table = self.board, self._current_table()
        if board is None:
            return []
        if table is None:
            return self.centred(no_contracts(board), width, height)
        at = None if self.all else self._at
        lines = [tab_line(self._tabs, at, self.time_of(board), board.ticker.session, width)]
        if height >= _DETAILS_FROM_HEIGHT:
            lines.append(self._details(board, table, width))
        widths = self._fit_columns(board, table, width)
        lines.append(self._names(widths, width))
        self._rows.fit(table, height - len(lines))
        if not len(table):
            return [*lines, *self.centred("no contract is listed under these choices", width, height - len(lines))]
        shown = self._rows.visible()
        rows = np.array([row for row in shown if row is not None], dtype=np.int64)
        cells = [self._cells(board, table, rows, stop, wide) for stop, wide in widths.items()]
        spans_of = dict(zip(rows.tolist(), zip(*cells, strict=True), strict=True))
        chosen = self._rows.cursor_row
        under = list(widths).index(self._sideways.stop)
        for row in shown:
            if row is None:
                lines.append(_spot_line(board, widths, width))
                continue
            spans = list(spans_of[row])
            if row == chosen:
                spans[under] = (spans[under][0], f"{spans[under][1]} reversed")
            mark = "▸" if row == chosen else " "
            lines.append(line([(mark, "value"), *spans], width, "cursor" if row == chosen else ""))
        return lines

    def _fit_columns(self, board: Board, table: Table, width: int) -> dict[Stop, int]:
        """What is in view from left to right, with its cells."""
        ends = (table.strike.min(), table.strike.max()) if len(table) else ()
        strikes = [fmt.strike(float(strike), self._decimals) for strike in ends]
        shared = {STRIKE: max(map(len, [*strikes, fmt.level(board.spot), _SHARED_NAMES[STRIKE] + "▼"])) + 2}
        if self.all:
            shared = {EXPIRY: _DAY_WIDTH + max(cell_len(self._origin(tab)) for tab in self._tabs)} | shared
        rights = self.listed.rights
        # A cell at either end is left for the row's mark and for an arrow where there are more columns.
        room = (width - 2 - sum(shared.values())) // (2 if rights is Rights.BOTH else 1)
        self._sideways.fit(chosen_groups(self._ids), rights, tuple(shared), room)
        return {stop: shared.get(stop) or COLUMNS[stop.column].width for stop in self._sideways.visible}

    def _cells(self, board: Board, table: Table, rows: Integers, stop: Stop, width: int) -> list[Span]:
        """One column of these rows."""
        if stop == STRIKE:
            strikes = [fmt.strike(strike, self._decimals) for strike in table.strike[rows].tolist()]
            return [(f"{text:^{width}}", "value") for text in strikes]
        if stop == EXPIRY:
            tabs = [table.key(row).tab for row in rows.tolist()]
            return [(fmt.left(f" {fmt.day(tab.expiry)}{self._origin(tab)}", width), "label") for tab in tabs]
        contracts, above = table.contracts(stop.side)[rows], table.strike[rows] - board.spot
        inside = above < 0 if stop.side is Rights.CALLS else above > 0
        values = table.numbers(board, stop, rows)
        every = zip(contracts.tolist(), values.tolist(), inside.tolist(), strict=True)
        return [
            (" " * width, "") if contract == NONE else self._cell(board, stop.column, contract, value, inside, width)
            for contract, value, inside in every
        ]

    def _origin(self, tab: Tab) -> str:
        """What tells the contracts of a tab from others in the table of all."""
        words = origin(tab, self._tabs)
        return words and f" {words}"

    def _cell(self, board: Board, name: str, contract: int, value: float, inside: bool, width: int) -> Span:
        """A number of one contract; ``inside`` the money it is quieter."""
        text = COLUMNS[name].text(value, board, self.unit)
        if not math.isfinite(value) or not value:
            style = "dim"
        elif name == "gex":
            style = "call" if value > 0 else "put"
        else:
            style = "label" if inside else "value"
        if name in _INTERPOLATED and not board.book.own_iv[contract] and math.isfinite(value):
            text = "~" + text
        return fmt.right(text, width), style

    def _details(self, board: Board, table: Table, width: int) -> Line:
        """The sides, and between them what is known of the tab."""
        rights = self.listed.rights
        calls, puts = "" if rights is Rights.PUTS else "CALLS", "" if rights is Rights.CALLS else "PUTS"
        parts = _facts(board, table, None if self.all else self.tab, self.time_of(board))
        room = width - len(calls) - len(puts) - 4
        while len(" · ".join(parts)) > room and len(parts) > 1:
            parts.pop()
        text = " · ".join(parts)
        margin = max((width - len(text)) // 2 - len(calls) - 1, 1)
        spans: list[Span] = [(f" {calls}", "call"), (" " * margin, ""), (text, "heading")]
        used = 1 + len(calls) + margin + len(text)
        return line([*spans, (" " * max(width - used - len(puts) - 1, 1), ""), (puts, "put")], width)

    def _names(self, widths: dict[Stop, int], width: int) -> Line:
        """The columns' names; the one under the cursor is marked, and an arrow shows by which the rows are sorted."""
        nearer, beyond = self._sideways.more
        both = self.listed.rights is Rights.BOTH
        spans: list[Span] = [("◂" if (beyond if both else nearer) else " ", "label")]
        for stop, wide in widths.items():
            name = _SHARED_NAMES.get(stop) or COLUMNS[stop.column].heading
            if stop == self.order.by:
                name += "▼" if self.order.descending else "▲"
            if stop == STRIKE:
                name = f"{name:^{wide}}"
            text = f" {name}".ljust(wide) if stop == EXPIRY else name.rjust(wide)
            spans.append((text, "chosen" if stop == self._sideways.stop else "label"))
        used = 1 + sum(widths.values())
        return line([*spans, (" " * max(width - used - 1, 0), ""), ("▸" if beyond else " ", "label")], width)


def strikes_between(low: float | None, high: float | None) -> str:
    """A range of strikes in words."""
    if low is None:
        return f"strikes up to {fmt.strike(high)}"
    return f"strikes from {fmt.strike(low)}" + ("" if high is None else f" to {fmt.strike(high)}")


def _facts(board: Board, table: Table, tab: Tab | None, now: float) -> list[str]:
    """What is known of a tab at the instant ``now``, the most telling first."""
    if tab is None:
        contracts = int(np.count_nonzero(np.concatenate((table.calls, table.puts)) != NONE))
        return ["all expiries", f"{contracts:,} contracts"]
    facts = [
        fmt.day(tab.expiry),
        fmt.countdown(tab.expiry, now),
        " ".join(clean_symbol(name) for name in (tab.root, tab.venue) if name),
        settlement(tab.expiry, board.ticker.session),
    ]
    if len(table):
        at = int(table.expiry[0])
        facts += [
            f"forward {fmt.level(float(board.smile.forward[at]))}",
            f"IV {fmt.volatility(float(board.smile.atm_iv[at]))}",
        ]
    return facts


def _spot_line(board: Board, widths: dict[Stop, int], width: int) -> Line:
    before = 1
    for stop, wide in widths.items():
        if stop == STRIKE:
            break
        before += wide
    text = f"{' ' + fmt.level(board.spot) + ' ':─^{widths[STRIKE]}}"
    after = 1 + sum(widths.values()) - before - widths[STRIKE]
    name = " SPOT" if after >= _SPOT_FROM_WIDTH else ""
    return line([("─" * before + text + "─" * (after - len(name)) + name, "spot")], width)
