"""Tabs: the expiries of a board to choose from, each of one root and venue, all of them before the first."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from rich.cells import cell_len

from gextui.exposure.board import Board
from gextui.exposure.filters import selected_expiries, selected_strikes
from gextui.market.chain import OptionChain
from gextui.market.text import clean_symbol
from gextui.market.ticker import Session
from gextui.ui import format as fmt
from gextui.ui.widgets.lines import Line, Span, line
from gextui.ui.widgets.words import settled_twice, time_left

_YEAR = 365 * 86400.0
"""Seconds from which a day needs its year."""


class Tab(NamedTuple):
    """An expiry of one root at one venue."""

    expiry: float
    """Instant, epoch seconds UTC."""
    root: str
    venue: str = ""
    """Where several make the chain."""


def tab_of(chain: OptionChain, expiry: int, root: int) -> Tab:
    """The tab of a contract, by its indices into the chain's expiries and roots."""
    venue = chain.parts[chain.part[expiry]].name if chain.parts else ""
    return Tab(float(chain.expiries[expiry]), chain.roots[root], venue)


def expiry_of(chain: OptionChain, tab: Tab) -> int:
    """The tab's index into the chain's expiries.

    Raises:
        StopIteration: the chain has no such tab.
    """
    found = np.flatnonzero(chain.expiries == tab.expiry).tolist()
    return next(at for at in found if not chain.parts or chain.parts[chain.part[at]].name == tab.venue)


def tabs_of(board: Board) -> list[Tab]:
    """Every living, selected expiry and root, the nearest first."""
    chain = board.chain
    shown = selected_expiries(chain, board.filters)[chain.expiry] & selected_strikes(chain, board.filters)
    codes = np.flatnonzero(np.bincount((chain.expiry * len(chain.roots) + chain.root)[shown], minlength=1))
    return [tab_of(chain, *divmod(code, len(chain.roots))) for code in codes.tolist()] if shown.any() else []


def origin(tab: Tab, among: Sequence[Tab]) -> str:
    """What tells a tab from others of its day: its root, its venue, or both; empty where nothing does."""
    roots, venues = ({getattr(other, name) for other in among} for name in ("root", "venue"))
    words = (tab.root if len(roots) > 1 else "", tab.venue if len(venues) > 1 else "")
    return " ".join(clean_symbol(word) for word in words if word)


def tab_line(
    tabs: Sequence[Tab], chosen: int | None, as_of: float, session: Session, width: int, first: str = "all"
) -> Line:
    """What is shown of all, and the expiries around the chosen one; an arrow where there are more."""
    days = [fmt.day(tab.expiry) if tab.expiry - as_of > _YEAR else fmt.short_day(tab.expiry) for tab in tabs]
    together: dict[str, list[Tab]] = {}
    for day, tab in zip(days, tabs, strict=True):
        together.setdefault(day, []).append(tab)
    twice = settled_twice(sorted({tab.expiry for tab in tabs}), session)
    words = [
        (day, origin(tab, together[day]), time_left(tab.expiry, as_of, session, twice=tab.expiry in twice))
        for day, tab in zip(days, tabs, strict=True)
    ]
    names = [f" {first} ", *(f" {' '.join(filter(None, parts))} " for parts in words)]
    at = begin = last = 0 if chosen is None else chosen + 1
    room = width - 4 - cell_len(names[at])
    while True:
        grown = False
        for candidate in (last + 1, begin - 1):
            if 0 <= candidate < len(names) and cell_len(names[candidate]) <= room:
                room -= cell_len(names[candidate])
                begin, last = min(begin, candidate), max(last, candidate)
                grown = True
        if not grown:
            break
    spans: list[Span] = [("◂ " if begin else "  ", "label")]
    spans += [(names[tab], "chosen" if tab == at else "label") for tab in range(begin, last + 1)]
    spans.append((" ▸" if last < len(names) - 1 else "", "label"))
    return line(spans, width)
