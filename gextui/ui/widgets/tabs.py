"""Tabs: the expiries of a board to choose from, one a root, all of them before the first."""

from typing import NamedTuple

import numpy as np
from rich.cells import cell_len

from gextui.exposure.board import Board
from gextui.exposure.filters import selected_expiries, selected_strikes
from gextui.market.text import clean_symbol
from gextui.ui import format as fmt
from gextui.ui.widgets.lines import Line, Span, line

_YEAR = 365 * 86400.0
"""Seconds from which a day needs its year."""


class Tab(NamedTuple):
    """An expiry of one root."""

    expiry: float
    """Instant, epoch seconds UTC."""
    root: str


def tabs_of(board: Board) -> list[Tab]:
    """Every living, selected expiry and root, the nearest first."""
    chain = board.chain
    shown = selected_expiries(chain, board.filters)[chain.expiry] & selected_strikes(chain, board.filters)
    roots = len(chain.roots)
    codes = np.flatnonzero(np.bincount((chain.expiry * roots + chain.root)[shown], minlength=1))
    return list(
        dict.fromkeys(Tab(float(chain.expiries[code // roots]), chain.roots[code % roots]) for code in codes.tolist())
    )


def tab_line(tabs: list[Tab], chosen: int | None, as_of: float, width: int) -> Line:
    """All, and the expiries around the chosen one; an arrow where there are more."""
    days = [fmt.day(tab.expiry) if tab.expiry - as_of > _YEAR else fmt.short_day(tab.expiry) for tab in tabs]
    roots = [f" {clean_symbol(tab.root)}" if days.count(day) > 1 else "" for day, tab in zip(days, tabs, strict=True)]
    lives = [f" {fmt.until(tab.expiry, as_of)}" for tab in tabs]
    names = [" all ", *(f" {day}{root}{life} " for day, root, life in zip(days, roots, lives, strict=True))]
    at = first = last = 0 if chosen is None else chosen + 1
    room = width - 4 - cell_len(names[at])
    while True:
        grown = False
        for candidate in (last + 1, first - 1):
            if 0 <= candidate < len(names) and cell_len(names[candidate]) <= room:
                room -= cell_len(names[candidate])
                first, last = min(first, candidate), max(last, candidate)
                grown = True
        if not grown:
            break
    spans: list[Span] = [("◂ " if first else "  ", "label")]
    spans += [(names[tab], "chosen" if tab == at else "label") for tab in range(first, last + 1)]
    spans.append((" ▸" if last < len(names) - 1 else "", "label"))
    return line(spans, width)
