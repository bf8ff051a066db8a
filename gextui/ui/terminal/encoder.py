"""The difference between two screens, in as few bytes as a terminal needs. Pure: no terminal, no Textual."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import groupby, islice, pairwise
from typing import NamedTuple

_FOREGROUNDS = frozenset(map(str, (*range(30, 40), *range(90, 98))))
_BACKGROUNDS = frozenset(map(str, (*range(40, 50), *range(100, 108))))
_ENDED_BY = {
    "22": "1 2",
    "23": "3",
    "24": "4 21",
    "25": "5 6",
    "27": "7",
    "28": "8",
    "29": "9",
    "54": "51 52",
    "55": "53",
}
_END = {code: end for end, codes in _ENDED_BY.items() for code in codes.split()}
"""What ends each attribute."""
_LONGEST_GAP = 5
"""No run of unchanged cells longer than this is cheaper to rewrite than to jump."""


class Pen(NamedTuple):
    """How a cell is drawn, in parameters of SGR, "select graphic rendition" (ECMA-48, 8.3.117)."""

    attributes: tuple[str, ...] = ()
    """``1`` bold, ``2`` dim, ``4`` underlined, ``7`` reversed and so on."""
    foreground: str = ""
    """Such as ``31`` or ``38;2;255;0;0``; empty for the terminal's own."""
    background: str = ""
    link: str = ""
    """``id=...;address`` of a hyperlink (OSC 8); empty for none."""

    @classmethod
    def parse(cls, parameters: str, link: str = "") -> "Pen":
        """The pen that SGR parameters such as ``1;38;2;0;0;0;49`` make of a plain one."""
        attributes: list[str] = []
        foreground = background = ""
        codes = iter(parameters.split(";") if parameters else ())
        for code in codes:
            colour = code
            if code in ("38", "48"):
                kind = next(codes)
                colour = ";".join((code, kind, *islice(codes, 3 if kind == "2" else 1)))
            elif code in ("39", "49"):
                colour = ""
            if code in _FOREGROUNDS:
                foreground = colour
            elif code in _BACKGROUNDS:
                background = colour
            else:
                attributes.append(code)
        return cls(tuple(attributes), foreground, background, link)


PLAIN = Pen()
"""The terminal's own colours, no attribute: how every frame begins and ends."""


class Row(NamedTuple):
    """One line of a screen, an entry a cell. Never changed in place, so that ``is`` tells an untouched row."""

    characters: list[str]
    """A character with its combining marks; empty in the right half of a wide one."""
    pens: list[Pen]


def encode(shown: Sequence[Row | None], target: Sequence[Row]) -> str:
    """What makes a terminal that shows ``shown`` (None: an unknown row) show ``target``; empty if it does already.

    Only cells that differ are written, and short gaps between them where that is cheaper than moving the cursor. The
    pen is plain before and after; the cursor may be anywhere before and is left anywhere.
    """
    writer = _Writer()
    for number, (before, after) in enumerate(zip(shown, target, strict=True)):
        if before is not after:
            for start, stop in _spans(before, after):
                writer.write(number, start, stop, after)
    return writer.finish()


@lru_cache(maxsize=8192)
def pen_change(old: Pen, new: Pen) -> str:
    """The shortest sequence that turns one pen into another."""
    link = "" if old.link == new.link else f"\x1b]8;{new.link or ';'}\x1b\\"
    if old[:3] == new[:3]:
        return link
    afresh = [code for code in (*new.attributes, new.foreground, new.background) if code]
    start_over = ";".join(["0", *afresh]) if afresh else ""
    ended = dict.fromkeys(_END[code] for code in old.attributes if code not in new.attributes)
    onward = [*ended, *(code for code in new.attributes if code not in old.attributes or _END[code] in ended)]
    if old.foreground != new.foreground:
        onward.append(new.foreground or "39")
    if old.background != new.background:
        onward.append(new.background or "49")
    return f"{link}\x1b[{min(start_over, ';'.join(onward), key=len)}m"


class _Writer:
    """Collects what is written and knows where it leaves the cursor and the pen."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._pen = PLAIN
        self._row = -2
        self._column: int | None = None

    def write(self, number: int, start: int, stop: int, row: Row) -> None:
        """Write the cells ``start`` to ``stop`` of ``row`` into line ``number``."""
        width = len(row.characters)
        self._parts.append(_move(self._row, self._column, number, start))
        column = start
        for pen, run in groupby(row.pens[start:stop]):
            end = column + len(list(run))
            text = "".join(row.characters[column:end])
            self._parts.append(pen_change(self._pen, pen))
            self._pen = pen
            blanks = len(text) - len(text.rstrip(" "))
            # With any other pen terminals differ on the background that erasing leaves.
            if pen == PLAIN and end == width and blanks > len("\x1b[K"):
                self._parts.append(text[: len(text) - blanks] + "\x1b[K")
                column = end - blanks
            else:
                self._parts.append(text)
                column = end
        self._row = number
        # A terminal that has filled the last column may or may not have moved on.
        self._column = None if column == width or _is_doubtful(row, stop) else column

    def finish(self) -> str:
        """Everything written, with the pen plain again."""
        self._parts.append(pen_change(self._pen, PLAIN))
        return "".join(self._parts)


def _move(from_row: int, from_column: int | None, row: int, column: int) -> str:
    """The shortest way there; ``from_column`` None: unknown. Only sequences that every terminal knows."""
    ways = [f"\x1b[{row + 1};{column + 1}H" if column else f"\x1b[{row + 1}H"]
    if row == from_row and from_column is not None and column >= from_column:
        ways.append(_forward(column - from_column))
    elif row == from_row + 1:
        ways.append("\r\n" + _forward(column))
        if from_column is not None and column <= from_column:
            ways.append("\x1b[B" + "\b" * (from_column - column))
    return min(ways, key=len)


def _forward(columns: int) -> str:
    return "" if columns == 0 else "\x1b[C" if columns == 1 else f"\x1b[{columns}C"


def _spans(before: Row | None, after: Row) -> Iterator[tuple[int, int]]:
    """The ranges of columns to write; a range never splits a wide character."""
    if before is None and max(map(len, after.characters)) == 1:
        yield 0, len(after.characters)
        return
    start = stop = -1
    for column in _changed(before, after):
        if column < stop:
            continue  # the right half of a wide character that is in the range
        if stop < 0:
            start = column
        elif not _continues(after, stop, column):
            yield start, stop
            start = column
        stop = column + (2 if after.characters[column + 1 : column + 2] == [""] else 1)
    if stop >= 0:
        yield start, stop


def _changed(before: Row | None, after: Row) -> Sequence[int]:
    if before is None:
        return range(len(after.characters))
    cells = zip(before.characters, after.characters, before.pens, after.pens, strict=True)
    return [column for column, (old, new, old_pen, new_pen) in enumerate(cells) if old != new or old_pen != new_pen]


def _continues(row: Row, stop: int, column: int) -> bool:
    """Whether writing on from ``stop`` to ``column`` costs less than moving there."""
    if _is_doubtful(row, stop) or column - stop > _LONGEST_GAP:
        return False
    if column == stop:
        return True
    gap = row.characters[stop:column]
    if max(map(len, gap)) > 1:
        return False
    pens = row.pens[stop - 1 : column + 1]
    changes = sum(len(pen_change(old, new)) for old, new in pairwise(pens)) - len(pen_change(pens[0], pens[-1]))
    return len("".join(gap).encode()) + changes <= len(_forward(column - stop))


def _is_doubtful(row: Row, stop: int) -> bool:
    """Whether terminals may differ on where the cursor is after ``stop``: they disagree on the width of clusters."""
    return max(map(len, row.characters[max(0, stop - 2) : stop])) > 1
