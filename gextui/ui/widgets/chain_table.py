"""The rows of the option chain: which strikes of which expiries are listed, and in which order. Pure."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from gextui.exposure.board import Board
from gextui.exposure.filters import selected_expiries, selected_strikes
from gextui.market.chain import Booleans, Floats, Integers, OptionChain
from gextui.ui.widgets.chain_columns import COLUMNS, EXPIRY, STRIKE, Rights, Stop
from gextui.ui.widgets.tabs import Tab, tab_of

NONE = -1
"""In place of a row of the chain: no such contract."""


class Key(NamedTuple):
    """What a row is of, whatever its number."""

    strike: float
    tab: Tab


@dataclass(frozen=True, slots=True)
class Listed:
    """Which contracts of a tab are listed."""

    rights: Rights = Rights.BOTH
    around: int | None = None
    """Only so many strikes of an expiry, those nearest to spot."""
    low: float | None = None
    """Only strikes from here, USD."""
    high: float | None = None
    held: bool = False
    """Only those with open interest."""


class Order(NamedTuple):
    """By what the rows are sorted; what is missing comes last, and equals by strike."""

    by: Stop = STRIKE
    descending: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """R rows in their order, each a strike of one tab."""

    chain: OptionChain
    line: int | None
    """Before which row the spot line stands; None where rows are not sorted by strike."""
    strike: Floats
    expiry: Integers
    """Index into the chain's expiries, like ``root`` into its roots."""
    root: Integers
    calls: Integers
    """The row of the chain that is the strike's call, `NONE` where none is listed."""
    puts: Integers

    def __len__(self) -> int:
        return len(self.strike)

    def key(self, row: int) -> Key:
        """The row's key."""
        return Key(float(self.strike[row]), tab_of(self.chain, int(self.expiry[row]), int(self.root[row])))

    def contracts(self, side: Rights) -> Integers:
        """The rows of the chain that are one side's."""
        return self.calls if side is Rights.CALLS else self.puts

    def numbers(self, board: Board, stop: Stop, rows: Integers) -> Floats:
        """A column of one side for these rows; NaN where it has none, or no contract is listed."""
        contracts = self.contracts(stop.side)[rows]
        known = contracts != NONE
        numbers = np.full(len(rows), np.nan)
        numbers[known] = COLUMNS[stop.column].numbers(board, contracts[known])
        return numbers

    def arranged(self, rows: Integers, line: int | None = None) -> "Table":
        """These rows, in this order."""
        return Table(
            self.chain,
            line,
            strike=self.strike[rows],
            expiry=self.expiry[rows],
            root=self.root[rows],
            calls=self.calls[rows],
            puts=self.puts[rows],
        )

    def find(self, key: Key) -> int:
        """The row of a key; where it is not listed, the nearest strike's, of the nearest expiry."""
        away = np.abs(self.strike - key.strike)
        near = np.flatnonzero(away == away.min())
        late = np.abs(self.chain.expiries[self.expiry[near]] - key.tab.expiry)
        rows = near[late == late.min()].tolist()
        return int(next((row for row in rows if self.key(row).tab == key.tab), rows[0]))


def make_table(board: Board, tab: Tab | None, listed: Listed, order: Order) -> Table:
    """The rows of a tab, or of all (None), under the board's filters and these."""
    chain = board.chain
    rows = np.flatnonzero(_within(board, tab, listed))
    expiry, root, strike = chain.expiry[rows], chain.root[rows], chain.strike[rows]
    if len(chain.roots) > 1:
        # Calls and puts of a strike stand side by side in a chain, but roots do too.
        together = np.lexsort((strike, root, expiry))
        rows, expiry, root, strike = rows[together], expiry[together], root[together], strike[together]
    first = np.ones(len(rows), dtype=np.bool_)
    first[1:] = (expiry[1:] != expiry[:-1]) | (root[1:] != root[:-1]) | (strike[1:] != strike[:-1])
    sides = np.full((2, int(np.count_nonzero(first))), NONE)
    sides[(~chain.is_call[rows]).astype(np.int64), np.cumsum(first) - 1] = rows
    table = Table(chain, None, strike[first], expiry[first], root[first], calls=sides[0], puts=sides[1])
    return _sorted(board, table.arranged(_kept(board, table, listed)), order)


def _within(board: Board, tab: Tab | None, listed: Listed) -> Booleans:
    """Which of the chain's rows are of the tab, the side and the strikes that are asked for."""
    chain = board.chain
    within = selected_expiries(chain, board.filters)[chain.expiry] & selected_strikes(chain, board.filters)
    if tab is not None:
        roots, expiries = range(len(chain.roots)), range(len(chain.expiries))
        of_tab = [[tab_of(chain, expiry, root) == tab for root in roots] for expiry in expiries]
        within &= np.array(of_tab, dtype=np.bool_)[chain.expiry, chain.root]
    if listed.rights is not Rights.BOTH:
        within &= chain.is_call == (listed.rights is Rights.CALLS)
    if listed.low is not None:
        within &= chain.strike >= listed.low
    if listed.high is not None:
        within &= chain.strike <= listed.high
    return within


def _kept(board: Board, table: Table, listed: Listed) -> Integers:
    """The rows that pass what only whole rows can: open interest on a side, and nearness to spot."""
    kept = np.arange(len(table))
    if listed.held:
        interest = np.append(np.nan_to_num(board.chain.open_interest), 0.0)
        kept = np.flatnonzero(interest[table.calls] + interest[table.puts] > 0)
    if listed.around is None or not len(kept):
        return kept
    tab = table.expiry[kept] * len(board.chain.roots) + table.root[kept]
    nearest = np.lexsort((np.abs(table.strike[kept] - board.spot), tab))
    rank = np.arange(len(kept)) - np.searchsorted(tab[nearest], tab[nearest])
    return kept[np.sort(nearest[rank < listed.around])]


def _sorted(board: Board, table: Table, order: Order) -> Table:
    strike, expiry = table.strike, table.expiry
    sign = -1.0 if order.descending else 1.0
    if order.by == STRIKE:
        before = strike > board.spot if order.descending else strike <= board.spot
        return table.arranged(np.lexsort((table.root, expiry, sign * strike)), int(np.count_nonzero(before)))
    if order.by == EXPIRY:
        return table.arranged(np.lexsort((-strike, table.root, sign * expiry)))
    # By size: a put's GEX, delta and theta are the larger the further below zero they are.
    numbers = np.abs(table.numbers(board, order.by, np.arange(len(table))))
    return table.arranged(np.lexsort((expiry, -strike, sign * numbers, np.isnan(numbers))))
