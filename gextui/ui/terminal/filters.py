"""Filters on everything an app draws, for terminals that lack colour or Unicode."""

from functools import lru_cache

from rich.cells import get_character_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

from gextui.ui.format import plain

_INSTEAD = {
    "#": "▀▄▌▐▅▆▇▊▋▉█▓",
    ":": "░▒",
    "_": "▁▂▃",
    "|": "▍▎▏▕║╎┆┊",
    "=": "═",
    "-": "╴╶╸╺┄┈╍",
    "'": "▔‘’′",
    '"': "“”″",
    "*": "•◆◇★☆✓" + "".join(map(chr, range(0x2801, 0x2900))),  # braille dots draw curves
    " ": "\u00a0\u2800",
}
_PLAIN = str.maketrans({glyph: instead for instead, glyphs in _INSTEAD.items() for glyph in glyphs})


class WithoutColour(LineFilter):
    """Removes every colour and keeps bold, dim, reverse and underline.

    It has to come before Textual's own filters: they turn dim into a darker colour, and NO_COLOR into shades of grey.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The segments without colours."""
        return [Segment(text, style and _without_colour(style), control) for text, style, control in segments]


class AsciiOnly(LineFilter):
    """Replaces each character beyond ASCII by one that looks alike, or by ``?``, cell for cell."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The segments in ASCII."""
        return [Segment(to_ascii(text), style, control) for text, style, control in segments]


def to_ascii(text: str) -> str:
    """The text in ASCII, as many cells wide."""
    if text.isascii():
        return text
    return "".join(
        character if character.isascii() else "?" * get_character_cell_size(character)
        for character in plain(text).translate(_PLAIN)
    )


@lru_cache(maxsize=1024)
def _without_colour(style: Style) -> Style:
    # Rich drops what Textual keeps with a style, such as where a click leads.
    return style.without_color + Style.from_meta(style.meta) if style.meta else style.without_color
