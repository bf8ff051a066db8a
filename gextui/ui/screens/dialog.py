"""Dialog: a box over the dashboard, closed by Esc or q, moved through with the same keys as everything else."""

from collections.abc import Callable
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.screen import ModalScreen

from gextui.ui.actions import bindings
from gextui.ui.widgets.lines import Line, LineView

Result = TypeVar("Result")


class Dialog(ModalScreen[Result | None]):
    """A titled box. A subclass fills it in `compose_body`."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings({"back": "close", "quit": "close"})]

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title

    def compose(self) -> ComposeResult:
        """The box."""
        with Vertical(id="box") as box:
            box.border_title = Content(self._title)
            yield from self.compose_body()

    def compose_body(self) -> ComposeResult:
        """What is in the box."""
        raise NotImplementedError

    def action_close(self) -> None:
        """Close without a choice."""
        self.dismiss(None)


class Lines(LineView):
    """Lines as tall as they are many, made anew for every width."""

    DEFAULT_CSS = """
    Lines { height: auto; }
    """

    def __init__(self, make: Callable[[int], list[Line]]) -> None:
        super().__init__()
        self._make = make

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many as there are."""
        return len(self._make(width))

    def compose_lines(self, width: int, height: int) -> list[Line]:
        """All of them."""
        return self._make(width)


class Reading(Dialog[None]):
    """A page of text to read and scroll."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(
            {
                "down": "scroll(1)",
                "up": "scroll(-1)",
                "page_down": "page(1)",
                "page_up": "page(-1)",
                "recentre": "top",
                "explain": "close",
            }
        )
    ]

    def __init__(self, title: str, make: Callable[[int], list[Line]]) -> None:
        super().__init__(title)
        self._make = make

    def compose_body(self) -> ComposeResult:
        """The text, in what room there is."""
        with VerticalScroll(id="page", can_focus=False):
            yield Lines(self._make)

    def action_scroll(self, rows: int) -> None:
        """Scroll down or up."""
        self.query_one("#page").scroll_relative(y=rows, animate=False)

    def action_page(self, direction: int) -> None:
        """Scroll a page."""
        page = self.query_one("#page")
        page.scroll_relative(y=direction * max(page.size.height - 1, 1), animate=False)

    def action_top(self) -> None:
        """Scroll to the top."""
        self.query_one("#page").scroll_home(animate=False)
