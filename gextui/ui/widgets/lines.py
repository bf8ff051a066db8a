"""Line views: drawn from plain spans of text and style names, repainted only where a line differs."""

from collections.abc import Iterable, Sequence
from textwrap import wrap

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.cache import LRUCache
from textual.geometry import Region, Size
from textual.strip import Strip

from gextui.market.text import clean_text
from gextui.ui.format import plain
from gextui.ui.widgets.view import BoardView

Span = tuple[str, str]
"""Text and the space-separated names of its styles: component classes without their ``board--``, later ones over
earlier ones. Two names are not classes: ``reversed`` swaps text and background, and ``graph`` marks cells whose shape
is the message, so that a cursor drawn by reversing leaves them alone."""

Line = tuple[Span, ...]
"""One line, as wide as its widget."""

_REVERSED = Style(reverse=True)
_UPRIGHT = Style(reverse=False)
_KEPT_STRIPS = 512

# Without the glyphs a cell of a bar is full or empty; a reversed one shows the other part of its cell.
_BLOCKS = "▏▎▍▌▋▊▉█"
_PLAIN_BARS = str.maketrans(f"{_BLOCKS}▓▒░", "   #####=-.")
_PLAIN_MARKS = str.maketrans("◂▸", "<>")
_PLAIN_REVERSED_BARS = str.maketrans(_BLOCKS, "####    ")


def line(spans: Iterable[Span], width: int, base: str = "") -> Line:
    """Make a line of ``width`` cells: cut or padded, equal neighbours merged, ``base`` styles under all of it."""
    merged: list[Span] = []
    room = width
    for text, names in spans:
        if room <= 0:
            break
        if not text.isprintable():
            # Cleaned at the door already; a name that slips through must not reach the terminal as a command.
            text = clean_text(text, len(text))
        size = cell_len(text)
        if size > room:
            text, size = set_cell_size(text, room), room
        if not size:
            continue
        room -= size
        names = f"{base} {names}" if base and names else base or names
        if merged and merged[-1][1] == names:
            merged[-1] = (merged[-1][0] + text, names)
        else:
            merged.append((text, names))
    if room > 0:
        blank = " " * room
        if merged and merged[-1][1] == base:
            merged[-1] = (merged[-1][0] + blank, base)
        else:
            merged.append((blank, base))
    return tuple(merged)


def text_of(lines: Iterable[Line]) -> list[str]:
    """The lines without their styles."""
    return ["".join(text for text, _ in spans) for spans in lines]


class LineView(BoardView, can_focus=False):
    """A view of a board made of lines. A subclass says what they are in `compose_lines`; the rest happens here."""

    def __init__(
        self,
        *,
        ascii_only: bool = False,
        name: str | None = None,
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self.ascii_only = ascii_only
        self.stale = False
        self._lines: tuple[Line, ...] = ()
        self._composed_for = Size(0, 0)
        self._strips: LRUCache[Line, Strip] = LRUCache(_KEPT_STRIPS)
        self._styles_by_names: dict[str, Style] = {}

    def compose_lines(self, width: int, height: int) -> list[Line]:
        """What is to be seen, at most ``height`` lines of ``width`` cells."""
        raise NotImplementedError

    def centred(self, words: str, width: int, height: int) -> list[Line]:
        """A few plain words in the middle of an otherwise empty view."""
        wrapped = wrap(words, max(width - 4, 8))[:height]
        return [
            *[line([], width)] * ((height - len(wrapped)) // 2),
            *(line([(f"{text:^{width}}", "label")], width) for text in wrapped),
        ]

    @property
    def lines(self) -> tuple[Line, ...]:
        """What is shown now."""
        return self._lines

    def redraw(self, *, stale: bool | None = None) -> None:
        """Compose again and repaint the lines that differ; ``stale`` changes them all."""
        if stale is not None and stale != self.stale:
            self.stale = stale
            self._forget()
        self.set_lines(self._composed())

    def _composed(self) -> list[Line]:
        width, height = self._composed_for = self.size
        return self.compose_lines(width, height) if width and height else []

    def set_lines(self, lines: Sequence[Line]) -> None:
        """Show these lines; neighbours that differ are repainted together."""
        old, self._lines = self._lines, tuple(lines)
        width = self.size.width
        first: int | None = None
        for y in range(max(len(old), len(lines)) + 1):
            same = y >= max(len(old), len(lines)) or old[y : y + 1] == self._lines[y : y + 1]
            if not same and first is None:
                first = y
            elif same and first is not None:
                self.refresh(Region(0, first, width, y - first))
                first = None

    def render_line(self, y: int) -> Strip:
        """One line of the widget; the same object as long as the line is the same."""
        if self._composed_for != self.size:
            # The layout is ahead of its resize event: drawn for the old size, all would be painted twice.
            self._lines = tuple(self._composed())
        if y >= len(self._lines):
            return Strip.blank(self.size.width, self.rich_style)
        spans = self._lines[y]
        strip = self._strips.get(spans)
        if strip is None:
            strip = self._strip(spans)
            self._strips.set(spans, strip)
        return strip

    def _strip(self, spans: Line) -> Strip:
        segments: list[Segment] = []
        width = 0
        for text, names in spans:
            width += cell_len(text)
            if self.ascii_only:
                if "graph" in names:
                    text = text.translate(_PLAIN_REVERSED_BARS if "reversed" in names else _PLAIN_BARS)
                text = plain(text).translate(_PLAIN_MARKS)
            style = self.style_named(names)
            if segments and segments[-1].style == style:
                segments[-1] = Segment(segments[-1].text + text, style)
            else:
                segments.append(Segment(text, style))
        return Strip(segments, width)

    def style_named(self, names: str) -> Style:
        """The style of a span of these names, in the theme of now."""
        known = self._styles_by_names.get(names)
        if known is None:
            known = self._styles_by_names[names] = self._resolve(names.split())
        return known

    def _resolve(self, names: list[str]) -> Style:
        classes = [f"board--{name}" for name in names if name not in ("reversed", "graph")]
        if self.stale:
            classes.append("board--stale")
        if "graph" in names and "board--cursor" in classes:
            classes = [name for name in classes if name != "board--cursor" or not self._cursor_reverses()]
        style = self.rich_style
        for name in classes:
            own = self.get_component_rich_style(name, partial=True)
            style += own
            if own.bgcolor is not None:
                # Only the whole style has a translucent background laid over the widget's.
                style += Style(bgcolor=self.get_component_rich_style(name).bgcolor)
        if "reversed" in names and not self.ascii_only:
            style += _UPRIGHT if style.reverse else _REVERSED
        return style

    def _cursor_reverses(self) -> bool:
        return bool(self.get_component_rich_style("board--cursor").reverse)

    def _forget(self) -> None:
        self._strips.clear()
        self._styles_by_names.clear()
        self.refresh()

    def notify_style_update(self) -> None:
        """The theme changed: every colour with it."""
        super().notify_style_update()
        self._forget()

    def on_resize(self, event: events.Resize) -> None:
        """Compose for the new size."""
        del event
        self.redraw()
