"""A board's levels as rows of text: what the sidebar and the level line show. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime

from gextui.exposure.board import Board
from gextui.exposure.levels import MaxPain, MoveMethod, Wall
from gextui.market.ticker import Kind
from gextui.ui import format as fmt
from gextui.ui.coin_words import on_other_axis


@dataclass(frozen=True, slots=True)
class LevelRow:
    """One level."""

    name: str
    """What `explain` calls it; empty where there is nothing to explain."""
    label: str
    short: str
    """For a line of levels: ``CW``."""
    text: str
    """Its price, or the dash."""
    percent: str
    sigmas: str
    paint: str
    note: str = ""
    """What else a reader must know, in a few words."""
    other: str = ""
    """For a coin ETF, the same on its other axis; empty where there is none."""


def main_levels(board: Board) -> list[LevelRow]:
    """The five levels that are always shown: walls, zero gamma, max pain, expected move."""
    levels = board.levels
    pain = levels.max_pain
    until = "" if pain is None else fmt.short_day(pain.expiry)
    return [
        _strike(board, "call_wall", "Call wall", "CW", levels.call_wall, "call-wall"),
        _zero_gamma(board),
        _strike(board, "put_wall", "Put wall", "PW", levels.put_wall, "put-wall"),
        _strike(board, "max_pain", "Max pain", "MP", pain, "pain", until),
        _expected_move(board),
    ]


def _zero_gamma(board: Board) -> LevelRow:
    zero = board.levels.zero_gamma
    if zero.price is None:
        words = (
            ("none", "±25%", "", "zero", f"{zero.side} gamma")
            if zero.side
            else (fmt.DASH, fmt.DASH, fmt.DASH, "dim", "")
        )
        return LevelRow("zero_gamma", "Zero gamma", "ZG", *words)
    return _level(board, "zero_gamma", "Zero gamma", "ZG", zero.price, fmt.level(zero.price), "zero")


ONE_SIGMA = "1 sigma"
"""The note of an expected move without a quoted straddle."""


def _expected_move(board: Board) -> LevelRow:
    move = board.levels.expected_move
    if move is None:
        return LevelRow("expected_move", "Exp. move", "EM", fmt.DASH, fmt.DASH, "", "dim")
    share = f"±{fmt.percent(move.move / board.spot, signed=False)}"
    note = ONE_SIGMA if move.method is MoveMethod.ONE_SIGMA else "straddle"
    return LevelRow(
        "expected_move",
        "Exp. move",
        "EM",
        f"±{fmt.level(move.move, board.spot)}",
        share,
        fmt.short_day(move.expiry),
        "move",
        note,
        "" if board.chain.coin_ratio is None else f"±{on_other_axis(board, move.move, board.spot)}",
    )


def volatility_index(board: Board) -> tuple[str, str] | None:
    """Name and value of the venue's own index of implied volatility: ``DVOL``, ``45.3``; None where it has none."""
    index = board.chain.volatility_index
    if index is None or fmt.missing(index):
        return None
    return ("DVOL" if board.ticker.kind is Kind.COIN else "IV index"), f"{index:.1f}"


def band(board: Board) -> str:
    """How sure zero gamma is: ``96,610 – 97,120``; empty where it has no band."""
    zero = board.levels.zero_gamma
    if zero.band is None:
        return ""
    low, high = fmt.level(zero.band[0]), fmt.level(zero.band[1])
    return f"{low} – {high}" + (" ?" if zero.missing_from_band else "")


def ranked_walls(board: Board) -> list[tuple[str, str, list[float]]]:
    """The walls after the first of each side: label, style, prices."""
    levels = board.levels
    return [
        ("Call 2,3", "call", [wall.price for wall in levels.call_walls[1:]]),
        ("Put 2,3", "put", [wall.price for wall in levels.put_walls[1:]]),
    ]


def absolute_gamma(board: Board) -> LevelRow:
    """The strike with the most gamma of either sign."""
    return _strike(board, "absolute_gamma", "Abs. gamma", "AG", board.levels.absolute_gamma, "value")


def other_rules(board: Board) -> list[LevelRow]:
    """Zero gammas by other tools' rules, under those rules' own names."""
    return [
        _level(board, "", rule.name, "", rule.price, fmt.level(rule.price), "value")
        for rule in board.levels.other_rules
    ]


def _strike(
    board: Board, name: str, label: str, short: str, at: Wall | MaxPain | None, paint: str, note: str = ""
) -> LevelRow:
    price = None if at is None else at.price
    return _level(board, name, label, short, price, fmt.strike(price), paint, note)


def _level(
    board: Board, name: str, label: str, short: str, price: float | None, text: str, paint: str, note: str = ""
) -> LevelRow:
    if price is None:
        return LevelRow(name, label, short, fmt.DASH, fmt.DASH, fmt.DASH, "dim")
    distance = board.levels.distance(price)
    words = fmt.distance(distance), fmt.sigmas(distance)
    return LevelRow(name, label, short, text, *words, paint, note, on_other_axis(board, price))


def expiry_words(expiry: str) -> str:
    """An expiry filter as a reader says it: ``all``, ``front``, ``0DTE``, ``7d``, ``28NOV26``, ``3 dates``."""
    if expiry == "0dte":
        return "0DTE"
    dates = expiry.split(",")
    if len(dates) > 1:
        return f"{len(dates)} dates"
    if expiry.count("-") < 2:
        return expiry
    return fmt.day(datetime.fromisoformat(expiry).replace(tzinfo=UTC).timestamp())
