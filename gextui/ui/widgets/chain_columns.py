"""The columns of the option chain: what each says of a contract, in which order, and which of them are in view."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import NamedTuple

from gextui.exposure.board import Board
from gextui.exposure.contracts import QUANTITIES, unit_of
from gextui.market.chain import Floats, Integers
from gextui.market.text import clean_symbol
from gextui.ui import format as fmt
from gextui.ui.format import Unit

_DEAR = 10.0
"""USD of spot below which a price of an option needs more decimals."""


class Rights(StrEnum):
    """Which side of the chain is shown."""

    BOTH = "both"
    CALLS = "calls"
    PUTS = "puts"


class Column(NamedTuple):
    """A quantity as a column."""

    id: str
    """Its name in `QUANTITIES`."""
    heading: str
    width: int
    text: Callable[[float, Board, Unit], str]

    @property
    def title(self) -> str:
        """In words."""
        return QUANTITIES[self.id].title

    def numbers(self, board: Board, rows: Integers) -> Floats:
        """Its values for these rows of the chain."""
        return QUANTITIES[self.id].of(board, rows)

    def plain(self, value: float, board: Board, unit: Unit) -> str:
        """A number in full, without separators, for a spreadsheet; empty where there is none."""
        if fmt.missing(value):
            return ""
        if self.id == "gex":
            value *= unit.factor(board)
        return f"{100.0 * value:.6g}" if QUANTITIES[self.id].unit == "%" else f"{value:.10g}"

    def unit(self, board: Board, unit: Unit) -> str:
        """What its plain numbers are in."""
        return unit.label(clean_symbol(board.ticker.symbol)) if self.id == "gex" else unit_of(board, self.id)


def _price(value: float, board: Board, _: Unit) -> str:
    if fmt.missing(value):
        return fmt.DASH
    return f"{value:,.{1 if value >= 10_000 else 2 if board.spot >= _DEAR else 4}f}"


def _volatility(value: float, _: Board, __: Unit) -> str:
    return fmt.volatility(value)


def _count(value: float, _: Board, __: Unit) -> str:
    return fmt.count(value)


def _delta(value: float, _: Board, __: Unit) -> str:
    return fmt.DASH if fmt.missing(value) else f"{value:+.2f}"


def _greek(value: float, _: Board, __: Unit) -> str:
    return fmt.greek(value)


def _gex(value: float, board: Board, unit: Unit) -> str:
    return unit.amount(value, board)


GROUPS = (
    (Column("gex", "GEX", 8, _gex),),
    (Column("open_interest", "OI", 7, _count),),
    (Column("bid", "BID", 9, _price), Column("ask", "ASK", 9, _price)),
    (Column("iv", "IV", 7, _volatility),),
    (Column("delta", "DELTA", 7, _delta),),
    (Column("volume", "VOL", 7, _count),),
    (Column("bid_iv", "BID IV", 8, _volatility), Column("ask_iv", "ASK IV", 8, _volatility)),
    (Column("mark", "MARK", 9, _price),),
    (Column("gamma", "GAMMA", 8, _greek),),
    (Column("vega", "VEGA", 8, _greek),),
    (Column("theta", "THETA", 8, _greek),),
    (Column("mid", "MID", 9, _price),),
    (Column("clean_iv", "CLEAN", 7, _volatility),),
)
"""Every column, from the strike outward; those of a group stand in this order on either side of it."""

Groups = Sequence[tuple[Column, ...]]

COLUMNS = {column.id: column for group in GROUPS for column in group}
EVERY_COLUMN = tuple(COLUMNS)


def chosen_groups(ids: Sequence[str]) -> Groups:
    """The groups of these columns alone."""
    groups = (tuple(column for column in group if column.id in ids) for group in GROUPS)
    return [group for group in groups if group]


class Stop(NamedTuple):
    """Where the cursor may stand in a row."""

    side: Rights
    """`Rights.BOTH` for what both sides share."""
    column: str
    """A column's id, ``expiry`` or ``strike``."""


STRIKE = Stop(Rights.BOTH, "strike")
EXPIRY = Stop(Rights.BOTH, "expiry")


class Sideways:
    """Which columns are in view and on which of them the cursor stands; both sides move together, the strike stays."""

    def __init__(self) -> None:
        self.stop = STRIKE
        self._first = 0
        self._groups: Groups = GROUPS
        self._rights = Rights.BOTH
        self._shared: tuple[Stop, ...] = (STRIKE,)
        self._room = 0

    def fit(self, groups: Groups, rights: Rights, shared: Sequence[Stop], room: int) -> None:
        """Take in the columns there are, what both sides share, and the cells that there are for each side."""
        self._groups, self._rights, self._shared, self._room = groups, rights, tuple(shared), room
        self._first = max(0, min(self._first, len(groups) - 1))
        if self.stop not in self.stops:
            self.stop = STRIKE
        self._reveal()

    @property
    def stops(self) -> list[Stop]:
        """Everything the cursor may stand on, from left to right."""
        return self._stops_of(self._groups)

    def _stops_of(self, groups: Groups) -> list[Stop]:
        outward = [column.id for group in groups for column in group]
        if self._rights is not Rights.BOTH:
            return [*self._shared, *(Stop(self._rights, name) for name in outward)]
        leftward = [column.id for group in reversed(groups) for column in group]
        return [
            *(Stop(Rights.CALLS, name) for name in leftward),
            *self._shared,
            *(Stop(Rights.PUTS, name) for name in outward),
        ]

    def shift(self, columns: int) -> None:
        """Move the cursor to the right (positive) or to the left; the columns follow."""
        stops = self.stops
        at = stops.index(self.stop) + columns
        self.stop = stops[max(0, min(at, len(stops) - 1))]
        self._reveal()

    def home(self) -> None:
        """Back to the strike and the columns beside it."""
        self.stop, self._first = STRIKE, 0

    @property
    def in_view(self) -> Groups:
        """The groups that fit, from the first one shown; one that does not fit gives way to those after it."""
        room, shown = self._room, []
        for group in self._groups[self._first :]:
            width = sum(column.width for column in group)
            if width <= room:
                shown.append(group)
                room -= width
        return shown or self._groups[self._first : self._first + 1]

    @property
    def visible(self) -> list[Stop]:
        """What is in view, from left to right."""
        return self._stops_of(self.in_view)

    @property
    def more(self) -> tuple[bool, bool]:
        """Whether there are columns nearer to the strike than those in view, and columns beyond."""
        shown = self.in_view
        return self._first > 0, not shown or shown[-1] is not self._groups[-1]

    def _reveal(self) -> None:
        ids = [[column.id for column in group] for group in self._groups]
        at = next((number for number, group in enumerate(ids) if self.stop.column in group), None)
        if self.stop.side is Rights.BOTH or at is None:
            return
        self._first = min(self._first, at)
        while self._groups[at] not in self.in_view:
            self._first += 1
