"""Many: every ticker in a row, sorted by whatever column one likes."""

from collections.abc import Sequence

from rich.cells import cell_len

from gextui.exposure.board import Board
from gextui.exposure.filters import EVERYTHING
from gextui.market.text import clean_symbol, clean_text
from gextui.market.ticker import Ticker
from gextui.ui import format as fmt
from gextui.ui.format import Unit
from gextui.ui.scene import Spans, Standing
from gextui.ui.widgets.lines import Line, LineView, Span, line
from gextui.ui.widgets.many_columns import COLUMNS, Column, Key, Reading, sign_and_words

_MARGIN = 2
"""The cursor and the sign of the state."""
_RISING, _FALLING = "▲", "▼"


class _Row:
    """One ticker, its cells and what it is sorted by; neither before its first reading."""

    def __init__(self, standing: Standing, unit: Unit) -> None:
        self.standing = standing
        reading = Reading.of(standing, unit)
        self.cells: list[Span] = [] if reading is None else [column.cell(reading) for column in COLUMNS]
        self.keys: list[Key] = [] if reading is None else [column.key(reading) for column in COLUMNS]


class Many(LineView):
    """A row a ticker; the cursor is on the ticker that every other key is about.

    `shift` chooses a column, which is then shown however little room there is, and `sort` sorts by it.
    """

    def __init__(self, *, ascii_only: bool = False) -> None:
        super().__init__(ascii_only=ascii_only)
        self.unit = Unit.PERCENT_MOVE
        self.column = COLUMNS[0]
        """The one under the cursor."""
        self.sorted_by: Column | None = None
        """None is the user's own order."""
        self.reversed = False
        self._standings: Sequence[Standing] = ()
        self._chosen: Ticker | None = None
        self._order: list[Ticker] = []
        """As shown; the cursor does not stop at tickers that are off."""
        self._widths = [0] * len(COLUMNS)
        """Of every column with the blank before it; they grow with what they hold, and hold still when it shrinks."""
        self._first = 0
        self._room = 1

    def show(self, board: Board, *, unit: Unit, stale: bool = False) -> None:
        """Nothing: the reading of one ticker is not what is shown here."""

    def show_many(self, standings: Sequence[Standing], chosen: Ticker, *, unit: Unit) -> None:
        """Show every ticker; lines that say the same are left alone."""
        if unit is not self.unit or len(standings) != len(self._standings):
            self._widths = [0] * len(COLUMNS)
        self._standings, self._chosen, self.unit = standings, chosen, unit
        self.redraw()

    @property
    def heading(self) -> str:
        """What is drawn, in which order, and what a star means."""
        words = "your order" if self.sorted_by is None else self.sorted_by.words
        filters = [standing.board.filters for standing in self._standings if standing.board is not None]
        starred = "" if all(each == EVERYTHING for each in filters) else ", * has filters"
        return f"All tickers by {words}{', reversed' if self.reversed else ''}{starred}"

    def chosen_ticker(self) -> Ticker | None:
        """The ticker under the cursor."""
        return self._chosen

    def move(self, rows: int) -> None:
        """Move the cursor; the app then chooses that ticker."""
        if self._chosen in self._order:
            at = self._order.index(self._chosen) + rows
            self._chosen = self._order[max(0, min(at, len(self._order) - 1))]
            self.redraw()

    def page(self, direction: int) -> None:
        """Move the cursor by a page."""
        self.move(direction * max(self._room - 1, 1))

    def shift(self, columns: int) -> None:
        """Choose a column to the right or to the left, round the ends."""
        self.column = COLUMNS[(COLUMNS.index(self.column) + columns) % len(COLUMNS)]
        self.redraw()

    def sort(self) -> None:
        """Sort by the chosen column, then the other way round, then by the user's order again."""
        if self.sorted_by is not self.column:
            self.sorted_by, self.reversed = self.column, False
        elif not self.reversed:
            self.reversed = True
        else:
            self.sorted_by, self.reversed = None, False
        self.redraw()

    def compose_lines(self, width: int, height: int) -> list[Line]:
        """The columns' names, and the rows in view."""
        rows = self._sorted([_Row(standing, self.unit) for standing in self._standings])
        tickers = [row.standing.ticker for row in rows]
        self._order = [row.standing.ticker for row in rows if row.standing.on]
        self._room = max(height - 1, 1)
        at = tickers.index(self._chosen) if self._chosen in tickers else 0
        self._first = max(0, min(self._first, at, len(rows) - self._room), at - self._room + 1)
        shown = rows[self._first : self._first + self._room]
        widths = self._fit(rows, width - _MARGIN)
        return [
            self._names(widths, width),
            *(self._line(row, widths, width, chosen=row.standing.ticker == self._chosen) for row in shown),
        ]

    def _sorted(self, rows: list[_Row]) -> list[_Row]:
        """In the order asked for; where there is nothing to sort by, last and in the user's order."""
        if self.sorted_by is None:
            return rows
        column = COLUMNS.index(self.sorted_by)
        keyed = [(row.keys[column] if row.keys else None, row) for row in rows]
        known = [(key, row) for key, row in keyed if key is not None]
        known.sort(key=lambda pair: pair[0], reverse=self._falling)
        return [row for _, row in known] + [row for key, row in keyed if key is None]

    @property
    def _falling(self) -> bool:
        return self.sorted_by is not None and self.sorted_by.rising == self.reversed

    def _fit(self, rows: list[_Row], room: int) -> dict[int, int]:
        """The columns that fit, by number, with their widths; the chosen one always, the most telling go last."""
        for index, column in enumerate(COLUMNS):
            texts = [cell_len(row.cells[index][0]) for row in rows if row.cells] or [0]
            if column.rank == 0:
                texts += [cell_len(clean_symbol(row.standing.ticker.symbol)) for row in rows]
            self._widths[index] = max(self._widths[index], 1 + max(len(column.heading) + 1, *texts))

        def rank(index: int) -> float:
            chosen = COLUMNS[index] in (self.column, self.sorted_by)
            return min(COLUMNS[index].rank, 0.5) if chosen else COLUMNS[index].rank

        kept = []
        for index in sorted(range(len(COLUMNS)), key=rank):
            if self._widths[index] > room:
                break
            room -= self._widths[index]
            kept.append(index)
        apart = 1 if room >= len(kept) else 0
        return {index: self._widths[index] + apart for index in sorted(kept)}

    def _names(self, widths: dict[int, int], width: int) -> Line:
        spans: Spans = [(" " * _MARGIN, "")]
        for index, own in widths.items():
            column = COLUMNS[index]
            mark = "" if column is not self.sorted_by else _FALLING if self._falling else _RISING
            style = "chosen" if column is self.column else "heading" if mark else "label"
            spans += _padded(column, (column.heading + mark, style), own)
        return line(spans, width)

    def _line(self, row: _Row, widths: dict[int, int], width: int, *, chosen: bool) -> Line:
        """One ticker: its numbers, or before there are any how it stands."""
        standing = row.standing
        sign, words, style = sign_and_words(standing)
        spans: Spans = [("▸" if chosen else " ", "value"), (sign, style)]
        if row.cells:
            numbers = [span for at, own in widths.items() for span in _padded(COLUMNS[at], row.cells[at], own)]
            spans += [(text, "stale" if text.strip() else "") for text, _ in numbers] if standing.stale else numbers
        else:
            symbol = clean_symbol(standing.ticker.symbol)
            spans += [*_padded(COLUMNS[0], (symbol, "value"), self._widths[0]), (f" {words}: {_why(standing)}", style)]
        return line(spans, width, "cursor" if chosen else "")


def _why(standing: Standing) -> str:
    """Why there is no reading."""
    if not standing.on:
        return "neither read nor recorded"
    status = standing.health.status
    return clean_text(status.detail or f"no reading from {status.name} yet")


def _padded(column: Column, cell: Span, width: int) -> Spans:
    """A cell in its column; only the text itself has its style."""
    text, style = cell
    text = text if cell_len(text) < width else fmt.left(text, width - 1)
    blank = " " * (width - 1 - cell_len(text))
    return [(" ", ""), (text, style), (blank, "")] if column.at_left else [(f" {blank}", ""), (text, style)]
