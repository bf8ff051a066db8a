"""What the terminal shows and what it should show, cell by cell, kept from what Textual's compositor hands out."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain

from rich.cells import split_graphemes
from rich.color import ColorSystem
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from gextui.ui.terminal.encoder import PLAIN, Pen, Row, encode

_NARROW = frozenset(map(chr, (*range(0x20, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x300), *range(0x2500, 0x25FD))))
"""Characters that surely take one cell: Latin, lines, blocks and shapes. The others are measured."""
_UNSAFE = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0))) | dict.fromkeys(range(0xD800, 0xE000), "\ufffd")
"""Control characters never reach the terminal, whatever a widget drew; half a surrogate pair cannot be encoded."""


class Shadow:
    """The screen as it should be and as the terminal has it."""

    def __init__(self) -> None:
        self._target: list[Row] = []
        self._shown: list[Row | None] = []

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows; zeros before the first full screen."""
        return (len(self._target[0].characters) if self._target else 0, len(self._target))

    def paint_screen(self, lines: Sequence[Iterable[Strip]], width: int, colours: ColorSystem) -> None:
        """Take a full screen: for each row its strips from left to right (``LayoutUpdate.strips``)."""
        if self.size != (width, len(lines)):
            self._target = [Row([" "] * width, [PLAIN] * width)] * len(lines)
            self._shown = [None] * len(lines)
        for number, line in enumerate(lines):
            self._put(number, [(0, cells_of(chain.from_iterable(line), colours))])

    def paint_spans(
        self,
        chops: Sequence[Mapping[int, Strip | None]],
        chop_ends: Sequence[Sequence[int]],
        spans: Iterable[tuple[int, int, int]],
        colours: ColorSystem,
    ) -> None:
        """Take the parts of lines that a ``ChopsUpdate`` would write: the very same, by the rules of its renderer."""
        for number, first, last in spans:
            pieces = []
            for end, (column, strip) in zip(chop_ends[number], chops[number].items(), strict=False):
                if strip is None or column > last or end <= first:
                    continue
                whole = first <= column < last and end <= last
                pieces.append((column, cells_of(strip if whole else strip.crop(0, min(end, last) - column), colours)))
            self._put(number, pieces)

    def forget(self) -> None:
        """The terminal may show anything now: write every cell next time."""
        self._shown = [None] * len(self._shown)

    def take_difference(self) -> str:
        """What is to be written, which then counts as shown; empty if nothing differs."""
        difference = encode(self._shown, self._target)
        self._shown = list(self._target)
        return difference

    def _put(self, number: int, pieces: Iterable[tuple[int, Row]]) -> None:
        old = self._target[number]
        characters, pens = old.characters.copy(), old.pens.copy()
        width = len(characters)
        for start, piece in pieces:
            stop = min(width, start + len(piece.characters))
            # Half a wide character is overwritten: a terminal blanks the other half.
            if characters[start : start + 1] == [""] and start:
                characters[start - 1] = " "
            if characters[stop : stop + 1] == [""]:
                characters[stop] = " "
            characters[start:stop] = piece.characters[: stop - start]
            pens[start:stop] = piece.pens[: stop - start]
        new = Row(characters, pens)
        if new != old:
            self._target[number] = new


def cells_of(segments: Iterable[Segment], colours: ColorSystem) -> Row:
    """The cells that these segments fill."""
    characters: list[str] = []
    pens: list[Pen] = []
    for text, style, _ in segments:
        if _NARROW.issuperset(text):
            characters.extend(text)
        else:
            characters.extend(_cells(text))
        pen = PLAIN if style is None else _pen(style, colours)
        pens.extend([pen] * (len(characters) - len(pens)))
    return Row(characters, pens)


@lru_cache(maxsize=4096)
def _cells(text: str) -> tuple[str, ...]:
    """The text's characters with their combining marks, an empty string after each wide one."""
    text = text.translate(_UNSAFE)
    clusters, _ = split_graphemes(text)
    cells: list[str] = []
    for start, end, width in clusters:
        # A mark with nothing before it to sit on has no cell.
        cells.extend((text[start:end], "")[:width])
    return tuple(cells)


@lru_cache(maxsize=8192)
def _pen(style: Style, colours: ColorSystem) -> Pen:
    """The pen for a style: the very parameters Textual would write."""
    link = f"id={style.link_id};{style.link}" if style.link else ""
    return Pen.parse(Strip.render_ansi(style, colours), link)
