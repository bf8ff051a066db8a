"""The option chain as tab-separated text, numbers in full, for a spreadsheet. Pure."""

from collections.abc import Iterator, Sequence

import numpy as np

from gextui.exposure.board import Board
from gextui.market.text import clean_symbol
from gextui.ui import format as fmt
from gextui.ui.format import Unit
from gextui.ui.widgets.chain_columns import Column, Rights, Stop
from gextui.ui.widgets.chain_table import Table

_AT_ONCE = 256
"""Rows computed together: who reads a few of a long table does not pay for all."""


def table_lines(board: Board, table: Table, columns: Sequence[Column], rights: Rights, unit: Unit) -> Iterator[str]:
    """The columns' names, then a line a row in the table's order; what is missing is empty."""
    sides = [side for side in (Rights.CALLS, Rights.PUTS) if rights in (side, Rights.BOTH)]
    names = [f"{side.value}: {column.title}, {column.unit(board, unit)}" for side in sides for column in columns]
    yield "\t".join(("expiry", "root", "venue", "strike", *names))
    for start in range(0, len(table), _AT_ONCE):
        rows = np.arange(start, min(start + _AT_ONCE, len(table)))
        cells = [
            [column.plain(value, board, unit) for value in table.numbers(board, Stop(side, column.id), rows).tolist()]
            for side in sides
            for column in columns
        ]
        for row, texts in zip(rows.tolist(), zip(*cells, strict=True), strict=True):
            strike, tab = table.key(row)
            named = (fmt.day(tab.expiry), clean_symbol(tab.root), clean_symbol(tab.venue or board.chain.source))
            yield "\t".join((*named, f"{strike:.10g}", *texts))
