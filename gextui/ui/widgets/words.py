"""Plain words: what there is to say where there is nothing to draw, how an expiry settles, and the levels' names."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from gextui.exposure.board import Board
from gextui.exposure.filters import Weight, expiry_date
from gextui.market.calendar import NEW_YORK
from gextui.market.ticker import Session
from gextui.ui import format as fmt
from gextui.ui.measure import Measure
from gextui.ui.widgets.rungs import Rungs


def nothing_to_draw(board: Board, measure: Measure = Measure.GEX) -> str | None:
    """Why no bar can be drawn, in plain words; None when some can."""
    by_strike = board.by_strike
    if not len(by_strike.strike):
        return no_contracts(board)
    if measure is Measure.VOLUME:
        return _no_volume(board)
    if board.wiped:
        return board.warnings[0]
    no_open_interest = not (by_strike.call_open_interest.sum() + by_strike.put_open_interest.sum() > 0)
    if measure is Measure.OPEN_INTEREST:
        return "no open interest yet" if no_open_interest else None
    if board.totals.gross_gex:
        return None
    if board.filters.weight is Weight.VOLUME:
        return _no_volume(board) or "no gamma exposure: no traded contract could be priced"
    if no_open_interest:
        return "no open interest yet"
    if board.filters.weight is Weight.ACTIVE and board.used:
        return "no open interest is new since yesterday"
    return board.warnings[0] if board.warnings else "no gamma exposure: no contract could be priced"


def no_contracts(board: Board) -> str:
    """Why there is not one contract to be shown."""
    return "no contract passes the filters" if len(board.chain) else "no contracts listed"


def _no_volume(board: Board) -> str | None:
    if np.isnan(board.chain.volume).all():
        return "the source gives no volume"
    traded = board.by_strike.call_volume.sum() + board.by_strike.put_volume.sum() > 0
    return None if traded else "no volume yet today"


def settlement(instant: float, session: Session) -> str:
    """When and how an expiry settles: ``PM 16:00 New York``, ``08:00 UTC``."""
    if session is Session.UTC:
        return f"{datetime.fromtimestamp(instant, UTC):%H:%M} UTC"
    at = datetime.fromtimestamp(instant, NEW_YORK)
    return f"{'AM' if at.hour < 12 else 'PM'} {at:%H:%M} New York"


def settled_twice(expiries: Sequence[float], session: Session) -> frozenset[float]:
    """Those of the expiries (instants) whose day has another: one settles in the morning, one in the afternoon."""
    days = [expiry_date(instant, session) for instant in expiries]
    return frozenset(instant for instant, day in zip(expiries, days, strict=True) if days.count(day) > 1)


def time_left(instant: float, as_of: float, session: Session, *, twice: bool = False) -> str:
    """Time left to an expiry, in at most 7 cells; one that settles in the morning says so: ``5d AM``, ``1120dAM``.

    Where its day settles ``twice``, the afternoon's says so too.
    """
    left = fmt.until(instant, as_of)
    half = settlement(instant, session)[:2]
    if session is Session.UTC or not (half == "AM" or twice):
        return left
    if left.endswith("m") and len(left) > 5:
        left = left.partition("h")[0] + "h"
    return f"{left} {half}" if len(left) < 5 else f"{left}{half}"


@dataclass(frozen=True, slots=True)
class Label:
    """A level's name on its row."""

    full: str
    short: str
    style: str


def level_labels(board: Board, rungs: Rungs) -> dict[int, list[Label]]:
    """The levels to be named, by row, the most telling first."""
    levels = board.levels
    named: dict[int, list[Label]] = {}

    def name(row: int | None, full: str, short: str, style: str) -> None:
        if row is not None:
            named.setdefault(row, []).append(Label(full, short, style))

    if not len(rungs):
        return named
    if levels.call_wall is not None:
        name(rungs.nearest(levels.call_wall.price), "CALL WALL", "CW", "call-wall")
    if levels.put_wall is not None:
        name(rungs.nearest(levels.put_wall.price), "PUT WALL", "PW", "put-wall")
    if levels.zero_gamma.price is not None:
        name(rungs.row_of_level(levels.zero_gamma.price, board.spot), "ZERO γ", "0γ", "zero")
    if levels.max_pain is not None:
        name(rungs.nearest(levels.max_pain.price), "MAX PAIN", "MP", "pain")
    if levels.absolute_gamma is not None:
        name(rungs.nearest(levels.absolute_gamma.price), "ABS γ", "Aγ", "rank")
    # Not R and S: a second call wall may well lie below spot, where it resists nothing.
    for side, walls in (("C", levels.call_walls), ("P", levels.put_walls)):
        for rank, wall in enumerate(walls[1:], start=2):
            name(rungs.nearest(wall.price), f"{side}{rank}", f"{side}{rank}", "rank")
    if levels.expected_move is not None:
        name(rungs.row_of_level(levels.expected_move.high, board.spot), "+EM", "+EM", "move")
        name(rungs.row_of_level(levels.expected_move.low, board.spot), "-EM", "-EM", "move")
    return named


def fitting(labels: list[Label], width: int) -> list[tuple[str, str]]:
    """As many of one row's labels as fit ``width`` cells, as text and style; short names before fewer names."""
    for full in range(len(labels), -1, -1):
        names = [label.full if index < full else label.short for index, label in enumerate(labels)]
        if len("·".join(names)) <= width:
            return _joined(names, labels)
    while labels and len("·".join(label.short for label in labels)) > width:
        labels = labels[:-1]
    return _joined([label.short for label in labels], labels)


def _joined(names: list[str], labels: list[Label]) -> list[tuple[str, str]]:
    spans: list[tuple[str, str]] = []
    for name, label in zip(names, labels, strict=True):
        if spans:
            spans.append(("·", "dim"))
        spans.append((name, label.style))
    return spans
