"""Bars: eighth-block glyphs, and a scale that does not jitter."""

import math
import re
from collections.abc import Sequence
from typing import NamedTuple

from gextui.ui.format import count
from gextui.ui.widgets.lines import Span

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_NICE = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
_SHRINK_BELOW = 0.55
_TRAILING_ZEROS = re.compile(r"\.0+(?=\D|$)|(?<=\.[1-9])0+(?=\D|$)")


def trim_zeros(text: str) -> str:
    """A round number without the decimals that say nothing: 20.00B as 20B, 1.50B as 1.5B."""
    return _TRAILING_ZEROS.sub("", text)


def nice_ceiling(value: float) -> float:
    """The smallest round number (1, 1.5, 2, 3, 4, 5, 6, 8 times a power of ten) at or above a positive ``value``."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in _NICE if step * power >= value * (1 - 1e-12))


class Scale:
    """What a full bar stands for: a round number that grows at once and shrinks late, so that bars hold still."""

    def __init__(self) -> None:
        self.full = 0.0
        """0 before the first positive peak."""

    def fit(self, peak: float) -> float:
        """Adapt to the largest bar to be seen and say what a full bar stands for."""
        if math.isfinite(peak) and peak > 0 and not _SHRINK_BELOW * self.full <= peak <= self.full:
            self.full = nice_ceiling(peak)
        return self.full

    def reset(self) -> None:
        """Forget: what is drawn next is another thing altogether."""
        self.full = 0.0

    def text(self, suffix: str = "") -> str:
        """The round number itself: 1.5M, 20B; empty before the first peak."""
        if not self.full:
            return ""
        return f"{self.full:g}{suffix}" if suffix else trim_zeros(count(self.full))

    def eighths(self, value: float, cells: int) -> int:
        """The length of a bar in eighths of a cell, at most ``cells`` cells; 0 for NaN."""
        if not (self.full > 0 and math.isfinite(value)):
            return 0
        return min(round(abs(value) / self.full * cells * 8), cells * 8)


class Stretch(NamedTuple):
    """One of several parts of a bar."""

    value: float
    glyph: str
    """What fills it, one cell."""
    names: str
    """Of its style."""


def stretched(eighths: int, stretches: Sequence[Stretch]) -> list[Span]:
    """A bar of so many eighths in parts, from its base outward, in whole cells."""
    sizes = [abs(stretch.value) if math.isfinite(stretch.value) else 0.0 for stretch in stretches]
    whole = sum(sizes)
    if not (eighths and whole):
        return []
    length = round(eighths / 8)
    spans: list[Span] = []
    so_far, filled = 0.0, 0
    for size, stretch in zip(sizes, stretches, strict=True):
        so_far += size
        until = round(length * so_far / whole)
        spans.append((stretch.glyph * (until - filled), stretch.names))
        filled = until
    return [span for span in spans if span[0]]


def bar_right(eighths: int, cells: int, names: str) -> list[Span]:
    """A bar that grows right from its left end, ``cells`` wide."""
    full, part = divmod(eighths, 8)
    text = "█" * full + (_EIGHTHS[part] if part else "")
    return [(text, names), (" " * (cells - len(text)), "graph")]


def bar_left(eighths: int, cells: int, names: str) -> list[Span]:
    """A bar that grows left from its right end, ``cells`` wide.

    There is no glyph for the right part of a cell, so the tip is the glyph of the left part, reversed.
    """
    full, part = divmod(eighths, 8)
    tip = [(_EIGHTHS[8 - part], f"{names} reversed")] if part else []
    return [(" " * (cells - full - len(tip)), "graph"), *tip, ("█" * full, names)]
