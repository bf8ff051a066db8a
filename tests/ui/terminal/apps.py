"""Small deterministic apps to paint: each key changes the screen in one way, the same in every run.

``python -m tests.ui.terminal.apps NAME [plain]`` runs one on a terminal.
"""

import random
import sys
from typing import Any, ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, HorizontalScroll, VerticalScroll
from textual.geometry import Region
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import DataTable, Footer, Header, Input, Label, Static

from gextui.ui.terminal.display import DeltaApp


class Keyed(DeltaApp[None]):
    """What the apps share: no palette, no footer noise, ``q`` quits."""

    ENABLE_COMMAND_PALETTE = False
    AUTO_FOCUS = None
    BINDINGS: ClassVar[list[BindingType]] = [Binding("q", "quit", priority=True)]


class Numbers(Widget):
    """A grid of signed numbers drawn line by line; only lines that changed are refreshed."""

    ROWS, COLUMNS = 40, 12

    def __init__(self) -> None:
        super().__init__()
        self.random = random.Random(7)
        self.values = [[self.random.uniform(-99, 99) for _ in range(self.COLUMNS)] for _ in range(self.ROWS)]

    def change(self, share: float) -> None:
        """Move this share of the cells a little."""
        cells = [(row, column) for row in range(self.ROWS) for column in range(self.COLUMNS)]
        changed = self.random.sample(cells, round(share * len(cells)))
        for row, column in changed:
            self.values[row][column] += self.random.gauss(0, 2)
        for row in {row for row, _ in changed}:
            self.refresh(Region(0, row, self.size.width, 1))

    def render_line(self, y: int) -> Strip:
        base = self.rich_style
        if y >= self.ROWS:
            return Strip.blank(self.size.width, base)
        segments = [Segment(f"{100_000 - 500 * y:>8,}", base)]
        for value in self.values[y]:
            colour = Style.parse("bold green" if value > 50 else "green" if value > 0 else "red")
            segments.append(Segment(f"{value:>+7.1f}", base + colour))
        return Strip(segments).adjust_cell_length(self.size.width, base)


class Grid(Keyed):
    """``n`` changes a tenth of the cells, ``a`` all, ``i`` none."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("n", "change(0.1)"),
        ("a", "change(1.0)"),
        ("i", "change(0.0)"),
        ("r", "repaint"),
    ]

    def compose(self) -> ComposeResult:
        yield Numbers()

    def action_change(self, share: float) -> None:
        self.query_one(Numbers).change(share)


class Mixed(Widget):
    """Lines of narrow, wide and marked characters that all change, of which only a part is refreshed."""

    CLUSTERS = (*"a漢b字字c ", "e\u0301", *"█期权dd")

    def __init__(self) -> None:
        super().__init__()
        self.turn = 0

    def render_line(self, y: int) -> Strip:
        words = "".join((*self.CLUSTERS[(self.turn + y) % 11 :], str(self.turn), *self.CLUSTERS * 9))
        style = Style(bold=bool((self.turn + y) % 2))
        return Strip([Segment(words, self.rich_style + style)]).adjust_cell_length(self.size.width)


class Parts(Keyed):
    """``n`` refreshes odd parts of a panel beside another, ``m`` moves a panel over both."""

    CSS = """
    Screen { layers: below above; }
    Mixed { width: 1fr; }
    Static { layer: above; width: 9; height: 3; background: $error; offset: 8 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [("n", "refresh"), ("m", "move")]

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Mixed()
            yield Mixed()
        yield Static("漢字漢字 x", markup=False)

    def on_mount(self) -> None:
        self.random = random.Random(11)

    def action_refresh(self) -> None:
        for mixed in self.query(Mixed):
            mixed.turn += 1
            for _ in range(3):
                x, y, width, height = (self.random.randrange(1, limit) for limit in (12, 8, 9, 4))
                mixed.refresh(Region(x, y, width, height))

    def action_move(self) -> None:
        self.query_one(Static).styles.offset = (self.random.randrange(25), self.random.randrange(7))


class Table(Keyed):
    """A DataTable with a cursor; ``n`` changes cells, ``+`` adds rows, ``s`` sorts, ``c`` clears."""

    BINDINGS: ClassVar[list[BindingType]] = [("n", "change"), ("plus", "add"), ("s", "sort"), ("c", "clear")]

    def compose(self) -> ComposeResult:
        yield Header()
        yield DataTable(cursor_type="row", zebra_stripes=True, fixed_columns=1)
        yield Footer()

    def on_mount(self) -> None:
        self.random = random.Random(3)
        self.table = self.query_one(DataTable)
        for name in ("strike", "bid", "ask", "iv", "delta", "gamma", "open interest", "volume"):
            self.table.add_column(name, key=name)
        self.action_add()

    def action_add(self) -> None:
        for number in range(self.table.row_count, self.table.row_count + 30):
            numbers = [Text(f"{self.random.gauss(0, 50):.2f}", justify="right") for _ in range(7)]
            self.table.add_row(f"{4000 + 5 * number}", *numbers, key=str(number))

    def action_change(self) -> None:
        for _ in range(8):
            value = Text(f"{self.random.gauss(0, 50):.2f}", style="bold red", justify="right")
            self.table.update_cell(str(self.random.randrange(20)), "iv", value)

    def action_sort(self) -> None:
        self.table.sort("strike", reverse=True)

    def action_clear(self) -> None:
        self.table.clear()


class Scrolls(Keyed):
    """Panels with borders, one scrolling down and one sideways, over Latin, wide and combining text."""

    CSS = """
    VerticalScroll { border: round $primary; width: 1fr; }
    HorizontalScroll { border: heavy $secondary; width: 1fr; }
    HorizontalScroll Static { width: 120; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        ("down", "move(0, 1)"),
        ("up", "move(0, -1)"),
        ("right", "move(1, 0)"),
        ("left", "move(-1, 0)"),
        ("pagedown", "move(0, 9)"),
        ("t", "toggle_dark"),
    ]
    WORDS = (
        "put wall",
        "期权市场",
        "café au lait",
        "cafe\u0301 e\u0301te\u0301",
        "naïve ±12.5",
        "한국어 텍스트",
        "█▌▎ 日本",
    )

    def compose(self) -> ComposeResult:
        lines = [f"{number:>3} {' '.join(self.WORDS[number % 3 :])}" for number in range(60)]
        with Horizontal():
            yield VerticalScroll(*(Static(line, markup=False) for line in lines[:30]))
            yield HorizontalScroll(Static("\n".join(lines), markup=False))

    def action_move(self, x: int, y: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=y, animate=False)
        self.query_one(HorizontalScroll).scroll_relative(x=x, animate=False)

    def action_toggle_dark(self) -> None:
        self.theme = "textual-light" if self.theme == "textual-dark" else "textual-dark"


class Question(ModalScreen[None]):
    """A box over a dimmed screen."""

    CSS = """
    Question { align: center middle; background: $background 60%; }
    #box { width: 21; height: 5; border: thick $error; background: $surface; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [("escape", "dismiss")]

    def compose(self) -> ComposeResult:
        yield Label("漢字 really? 漢字", id="box", markup=False)


class Modal(Keyed):
    """``m`` asks a question over a changing screen, ``o`` shows a toast, ``/`` an input."""

    CSS = "Input { display: none; dock: bottom; } Input.shown { display: block; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        ("m", "ask"),
        ("n", "change"),
        ("o", "toast"),
        ("slash", "type"),
        Binding("escape", "hide", priority=True),
    ]

    def compose(self) -> ComposeResult:
        for number in range(20):
            yield Static(
                f"{number} 期权 [b]bold[/b] [dim]dim[/dim] [u]under[/u] [r]back[/r] [link='https://x.example']link[/]"
            )
        entry = Input(placeholder="ticker")
        entry.cursor_blink = False  # two runs must look alike at any instant
        yield entry

    def on_mount(self) -> None:
        self.count = 0

    def action_ask(self) -> None:
        self.push_screen(Question())

    def action_hide(self) -> None:
        if isinstance(self.screen, Question):
            self.screen.dismiss()
        else:
            self.query_one(Input).remove_class("shown")
            self.screen.set_focus(None)

    def action_change(self) -> None:
        self.count += 1
        for static in list(self.screen_stack[0].query(Static))[:20:3]:
            static.update(f"changed 日本 {self.count}")

    def action_toast(self) -> None:
        self.notify("copied 5 levels", timeout=600)

    def action_type(self) -> None:
        self.query_one(Input).add_class("shown").focus()


class Styles(Keyed):
    """Every attribute and many colours on lines of text that change places."""

    BINDINGS: ClassVar[list[BindingType]] = [("n", "rotate"), ("t", "theme_ansi")]
    MARKS = ("bold", "dim", "italic", "underline", "reverse", "strike", "bold underline", "dim italic", "not bold")

    def compose(self) -> ComposeResult:
        yield Static()

    def on_mount(self) -> None:
        self.turn = 0
        self.action_rotate()

    def action_rotate(self) -> None:
        self.turn += 1
        text = Text(f"turn {self.turn} ")
        for number in range(60):
            mark = self.MARKS[(number + self.turn) % len(self.MARKS)]
            colour = f"rgb({number * 4},{255 - number * 3},{self.turn * 20 % 256})" if number % 3 else "bright_blue"
            ground = " on dark_red" if (number + self.turn) % 5 == 0 else ""
            text.append(f"{mark:<9.9} " if number % 2 else "▁▂▃ γ ", style=f"{mark} {colour}{ground}")
        self.query_one(Static).update(text)

    def action_theme_ansi(self) -> None:
        self.theme = "textual-dark" if self.theme == "ansi-dark" else "ansi-dark"


APPS: dict[str, type[Keyed]] = {app.__name__: app for app in (Grid, Parts, Table, Scrolls, Modal, Styles)}


def main(name: str, *words: str, **options: Any) -> None:
    """Run an app on this terminal."""
    APPS[name](plain_display="plain" in words, **options).run(mouse=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
