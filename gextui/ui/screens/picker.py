"""Picker: choose one of a few; numbers, j and k, arrows, Enter."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from gextui.market.text import clean_text
from gextui.ui import format as fmt
from gextui.ui.actions import bindings
from gextui.ui.screens.dialog import Dialog

Value = TypeVar("Value")

_NOTE_FROM = 2


@dataclass(frozen=True, slots=True)
class Choice(Generic[Value]):
    """One thing to choose."""

    value: Value
    label: str
    note: str = ""
    """What else is known of it, in the second column."""


def options(choices: Sequence[Choice[Value]], *, numbered: bool = True) -> list[Option]:
    """Choices as plain rows: number, label, note, in columns."""
    width = max((cell_len(choice.label) for choice in choices), default=0)
    digits = len(str(len(choices)))
    rows = []
    for number, choice in enumerate(choices, start=1):
        label = clean_text(choice.label)
        label = fmt.left(label, width + _NOTE_FROM) if choice.note else label
        parts: list[Content | tuple[str, str]] = [(f"{number:>{digits}}  ", "dim")] if numbered else []
        rows.append(Option(Content.assemble(*parts, label, (clean_text(choice.note), "dim"))))
    return rows


class Choices(OptionList):
    """The rows of a picker; moved by the dialog's keys too."""

    DEFAULT_CSS = """
    Choices {
        height: auto;
        max-height: 100%;
        border: none;
        padding: 0 1;
        background: $background;
        color: $value;
        scrollbar-size-vertical: 1;
        &:focus { border: none; background-tint: $background 0%; }
        & > .option-list--option { padding: 0; }
        & > .option-list--option-highlighted { color: $chosen-text; background: $chosen; text-style: $chosen-style; }
        &:focus > .option-list--option-highlighted {
            color: $chosen-text; background: $chosen; text-style: $chosen-style;
        }
    }
    """


class Picker(Dialog[Value], Generic[Value]):
    """Gives the chosen value, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(
            {
                "down": "cursor('cursor_down')",
                "up": "cursor('cursor_up')",
                "page_down": "cursor('page_down')",
                "page_up": "cursor('page_up')",
                "explain": "cursor('select')",
            }
        )
    ]

    def __init__(self, title: str, choices: Sequence[Choice[Value]], current: Value | None = None) -> None:
        super().__init__(title)
        self._choices = list(choices)
        self._current = next((index for index, choice in enumerate(choices) if choice.value == current), 0)
        self._typed = ""

    def compose_body(self) -> ComposeResult:
        """The rows, the current one under the cursor."""
        rows = Choices(*options(self._choices))
        rows.highlighted = self._current if self._choices else None
        yield rows

    def action_cursor(self, action: str) -> None:
        """Move the cursor, or take what is under it."""
        self._typed = ""
        getattr(self.query_one(Choices), f"action_{action}")()

    def on_key(self, event: events.Key) -> None:
        """A typed number moves to that row, and takes it once no longer number could be meant."""
        if event.character is None or not event.character.isdecimal():
            return
        event.stop()
        typed = self._typed + event.character
        if not 1 <= int(typed) <= len(self._choices):
            typed = event.character
        number = int(typed)
        if not 1 <= number <= len(self._choices):
            return
        self._typed = typed
        self.query_one(Choices).highlighted = number - 1
        if number * 10 > len(self._choices):
            self.dismiss(self._choices[number - 1].value)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter."""
        self.dismiss(self._choices[event.option_index].value)
