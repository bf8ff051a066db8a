"""SceneLine: one line of the frame around a view, made of pieces that give way as the terminal narrows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rich.cells import cell_len

from gextui.ui.scene import Scene, Spans
from gextui.ui.widgets.lines import Line, LineView, line

NARROW_BELOW = 76
"""Cells of terminal below which the view stands alone: no ticker bar, no sidebar."""
GAP = 2
"""Cells between two pieces."""


def cells(spans: Spans) -> int:
    """How wide these spans are."""
    return sum(cell_len(text) for text, _ in spans)


@dataclass(frozen=True, slots=True)
class Piece:
    """Something a line says: whole or not at all, in one of its forms."""

    rank: int
    """How soon it gives way: high first."""
    forms: tuple[Spans, ...]
    """From the shortest to the longest."""


def fit_pieces(pieces: Sequence[Piece], room: int, gap: int = GAP, *, strict: bool = False) -> list[tuple[int, Spans]]:
    """The pieces that fit ``room`` cells, in order: index and form; each is made longer while there is room.

    Where one does not fit, those that matter less may still; unless ``strict``.
    """
    chosen: dict[int, int] = {}
    used = -gap
    by_rank = sorted(range(len(pieces)), key=lambda index: pieces[index].rank)
    for index in by_rank:
        width = cells(pieces[index].forms[0])
        if width and used + gap + width <= room:
            chosen[index] = 0
            used += gap + width
        elif strict:
            break
    for index in by_rank:
        forms = pieces[index].forms
        while index in chosen and chosen[index] + 1 < len(forms):
            more = cells(forms[chosen[index] + 1]) - cells(forms[chosen[index]])
            if used + more > room:
                break
            chosen[index] += 1
            used += more
    return [(index, pieces[index].forms[chosen[index]]) for index in sorted(chosen)]


def joined(parts: Sequence[Spans], gap: int = GAP) -> Spans:
    """Parts with a gap between them."""
    spans: Spans = []
    for part in parts:
        if spans:
            spans.append((" " * gap, ""))
        spans += part
    return spans


class Fact(NamedTuple):
    """A label and what it is, for a line of facts."""

    label: str
    text: str
    style: str = "value"


def facts_line(facts: Sequence[Fact], width: int) -> Line:
    """Facts side by side, one cell from the left; the later give way as room gets less."""
    pieces = [Piece(rank, ([(label, "label"), (text, style)],)) for rank, (label, text, style) in enumerate(facts)]
    return line([(" ", ""), *joined([spans for _, spans in fit_pieces(pieces, width - 2)])], width)


def both_ends(left: Spans, right: Spans, width: int) -> Line:
    """A line with something at either end, one cell from it; ``left`` gives way."""
    room = max(width - 2 - cells(right), 0)
    left_line = line([(" ", ""), *left], room + 1)
    return line([*left_line, *right, (" ", "")], width)


class SceneLine(LineView):
    """One line of the frame."""

    DEFAULT_CSS = """
    SceneLine {
        width: 1fr;
        height: 1;
    }
    """

    scene: Scene | None = None

    def show_scene(self, scene: Scene) -> None:
        """Say what this scene has to say; nothing is painted where it says the same."""
        self.scene = scene
        self.redraw()

    def compose_lines(self, width: int, height: int) -> list[Line]:
        """The line, once there is something to say."""
        del height
        return [] if self.scene is None else [self.compose_line(self.scene, width)]

    def compose_line(self, scene: Scene, width: int) -> Line:
        """The line, ``width`` cells wide."""
        raise NotImplementedError
