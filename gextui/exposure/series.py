"""Levels over time: what a chart of the past is drawn from."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from gextui.exposure.board import Board
from gextui.market.chain import Floats

LEVELS = (
    *("spot", "net_gex", "call_gex", "put_gex", "gross_gex", "net_dex", "net_vanna", "net_charm"),
    *("call_open_interest", "put_open_interest", "call_volume", "put_volume"),
    *("zero_gamma", "zero_gamma_low", "zero_gamma_high", "call_wall", "put_wall", "max_pain", "expected_move"),
    *("daily_sigma", "iv_30d", "coverage", "contracts"),
)
"""The numbers of a reading that are kept for as long as anything is kept."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A time without readings, in epoch seconds: from the last one before to the first one after."""

    start: float
    end: float
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Levels over time, one row a reading or, where there were more than asked for, the last of each stretch."""

    times: Floats
    """Epoch seconds UTC, ascending; shape (T,)."""
    columns: Mapping[str, Floats]
    """By the names of `LEVELS`; NaN where a reading has none; each of shape (T,)."""
    gaps: tuple[Gap, ...]
    """Where a line between two readings would claim what nobody saw."""


def level_values(board: Board) -> tuple[float | int | None, ...]:
    """The values of `LEVELS`, in their order, as plain numbers; None where the reading has none."""
    totals, levels = board.totals, board.levels
    low, high = levels.zero_gamma.band or (None, None)
    numbers = (
        *(board.spot, totals.net_gex, totals.call_gex, totals.put_gex, totals.gross_gex),
        *(totals.net_dex, totals.net_vanna, totals.net_charm),
        *(totals.call_open_interest, totals.put_open_interest, totals.call_volume, totals.put_volume),
        *(levels.zero_gamma.price, low, high),
        levels.call_wall.price if levels.call_wall is not None else None,
        levels.put_wall.price if levels.put_wall is not None else None,
        levels.max_pain.price if levels.max_pain is not None else None,
        levels.expected_move.move if levels.expected_move is not None else None,
        *(levels.daily_sigma, levels.iv_30d, board.coverage),
    )
    return (*(_number(value) for value in numbers), int(board.used))


def _number(value: float | None) -> float | None:
    """A plain float: numpy's own would be stored as bytes, and NaN would be taken for missing without saying so."""
    return float(value) if value is not None and math.isfinite(value) else None
