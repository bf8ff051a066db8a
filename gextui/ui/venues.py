"""The venues of a combined book in words: whose share is how large, and who is stale. Pure."""

from gextui.exposure.board import Board
from gextui.exposure.parts import PartOfBook
from gextui.market.text import clean_text
from gextui.ui import format as fmt
from gextui.ui.measure import Measure
from gextui.ui.scene import Spans

SHADES = "█▓▒░"
"""What the venues' stretches of a bar are made of, in their order; those after the last are like it."""


def shade(at: int) -> str:
    """What the stretches of the venue at that place are made of."""
    return SHADES[min(at, len(SHADES) - 1)]


def name(part: PartOfBook) -> str:
    """What the venue is called."""
    return clean_text(part.part.name)


def stale_words(board: Board, part: PartOfBook) -> str:
    """``stale 42 s``, by how much older its data is than the newest; empty where it is not stale."""
    if not part.part.stale:
        return ""
    behind = (board.as_of - part.part.as_of).total_seconds()
    return f"stale {fmt.age(behind)}" if behind > 0 else "stale"


def share_text(part: PartOfBook) -> str:
    """Its share of the book's gross GEX: ``31%``."""
    return fmt.percent(part.share, 0, signed=False)


def stale_forms(board: Board) -> tuple[Spans, ...]:
    """Who is stale, and how much of the book that is, from the shortest form to the longest; empty where none is."""
    stale = [part for part in board.parts if part.part.stale]
    if not stale:
        return ()
    short = ", ".join(f"{name(part)} stale {share_text(part)}" for part in stale)
    long = ", ".join(f"{name(part)} {stale_words(board, part)}, {share_text(part)} of gross" for part in stale)
    return [(short, "warning")], [(long, "warning")]


def shares(board: Board, measure: Measure) -> list[float | None]:
    """Each venue's share of what a ladder measures: of gross GEX, of open interest, of volume."""
    if measure is Measure.GEX:
        return [part.share for part in board.parts]
    held = [
        float((getattr(sums, f"call_{measure}") + getattr(sums, f"put_{measure}")).sum())
        for sums in (part.by_strike for part in board.parts)
    ]
    whole = sum(held)
    return [each / whole if whole else None for each in held]
