"""Help: every key and what it does, narrowed by typing."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Input

from gextui.ui.actions import BY_ID, Keys, bindings, shown_keys
from gextui.ui.screens.dialog import Lines, Reading
from gextui.ui.screens.pages import help_page
from gextui.ui.screens.search import SearchInput
from gextui.ui.widgets.lines import Line, text_of


class Help(Reading):
    """The help; ``/`` narrows it to the lines that hold what is typed."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings({"find": "narrow", "help": "close"})]
    AUTO_FOCUS = ""

    def __init__(self, keys: Keys) -> None:
        self._page = help_page(keys)
        self._wanted = ""
        narrow, close = (shown_keys(BY_ID[name], keys) for name in ("find", "quit"))
        super().__init__(f"Help   {narrow} narrows   {close} closes", self._narrowed)

    def compose_body(self) -> ComposeResult:
        """The text, and a line to type in once it is asked for."""
        yield from super().compose_body()
        field = SearchInput(placeholder="narrow to ...", max_length=40)
        field.cursor_blink = False
        field.display = False
        yield field

    def action_narrow(self) -> None:
        """Ask for the words."""
        field = self.query_one(SearchInput)
        field.display = True
        field.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrow to what is typed."""
        self._wanted = event.value.strip().lower()
        self.query_one(Lines).refresh(layout=True)
        self.query_one(Lines).redraw()

    def on_input_submitted(self) -> None:
        """Back to reading."""
        self.set_focus(None)

    def _narrowed(self, width: int) -> list[Line]:
        lines = self._page(width)
        if not self._wanted:
            return lines
        return [spans for spans, text in zip(lines, text_of(lines), strict=True) if self._wanted in text.lower()]
