"""Search: type to narrow a list, Enter takes what is under the cursor. Find and the command palette are searches."""

from collections.abc import Callable, Sequence
from typing import ClassVar, Generic

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.events import Key
from textual.fuzzy import Matcher
from textual.widgets import Input, OptionList

from gextui.market.ticker import Ticker
from gextui.ui import format as fmt
from gextui.ui.actions import Action
from gextui.ui.screens.dialog import Dialog
from gextui.ui.screens.picker import Choice, Choices, Value, options

_MULTIPLES = {"k": 1e3, "m": 1e6}


class SearchInput(Input):
    """Closes its dialog by Backspace once it is empty, so that Esc is not the only way out."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("backspace", "back", show=False)]

    DEFAULT_CSS = """
    SearchInput {
        height: 1;
        border: none;
        padding: 0 1;
        background: $background;
        color: $value;
        &:focus { border: none; background-tint: $background 0%; }
    }
    """

    def action_back(self) -> None:
        """Delete to the left, or close."""
        if self.value:
            self.action_delete_left()
        else:
            self.screen.dismiss(None)


class Search(Dialog[Value], Generic[Value]):
    """Gives the value found, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "cursor('cursor_down')", show=False),
        Binding("up", "cursor('cursor_up')", show=False),
        Binding("pagedown", "cursor('page_down')", show=False),
        Binding("pageup", "cursor('page_up')", show=False),
    ]

    def __init__(self, title: str, hint: str, find: Callable[[str], Sequence[Choice[Value]]]) -> None:
        super().__init__(title)
        self._hint = hint
        self._find = find
        self._found: list[Choice[Value]] = []

    def compose_body(self) -> ComposeResult:
        """A line to type in, and what it finds."""
        field = SearchInput(placeholder=self._hint, max_length=64)
        field.cursor_blink = False
        yield field
        rows = Choices()
        rows.can_focus = False
        yield rows

    def on_mount(self) -> None:
        """Everything is found by nothing typed."""
        self._narrow("")

    def on_key(self, event: Key) -> None:
        """What was typed before the line had the focus, for it takes such keys itself."""
        if event.is_printable and event.character is not None:
            event.stop()
            self.query_one(SearchInput).insert_text_at_cursor(event.character)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrow to what is typed."""
        self._narrow(event.value)

    def on_input_submitted(self) -> None:
        """Take what is under the cursor."""
        at = self.query_one(Choices).highlighted
        self.dismiss(None if at is None else self._found[at].value)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """A click."""
        self.dismiss(self._found[event.option_index].value)

    def action_cursor(self, action: str) -> None:
        """Move the cursor."""
        getattr(self.query_one(Choices), f"action_{action}")()

    def _narrow(self, text: str) -> None:
        self._found = list(self._find(text.strip()))
        rows = self.query_one(Choices)
        rows.clear_options()
        rows.add_options(options(self._found, numbered=False))
        rows.highlighted = 0 if self._found else None


def parse_price(text: str) -> float | None:
    """A price as typed: ``105000``, ``105,000``, ``105k``, ``47.5``; None for anything else."""
    digits = text.replace(",", "").replace("_", "").lower()
    times = _MULTIPLES.get(digits[-1:], 1.0)
    try:
        price = float(digits[:-1] if times > 1 else digits) * times
    except ValueError:
        return None
    return price if 0 < price < 1e12 else None


def find_target(tickers: Sequence[Ticker], text: str, off: Sequence[Ticker] = ()) -> list[Choice[float | Ticker]]:
    """What a user may mean: a number is a strike, letters are a ticker's symbol or name, even if it is ``off``."""
    price = parse_price(text)
    if price is not None:
        return [Choice(price, f"strike {fmt.strike(price)}")]
    matches = rank(text, [*tickers, *off], lambda ticker: f"{ticker.symbol} {ticker.name}")
    return [Choice(ticker, ticker.symbol, ticker.name + (", off" if ticker in off else "")) for ticker in matches]


def find_action(actions: Sequence[tuple[Action, str]], text: str) -> list[Choice[str]]:
    """Actions, each with its keys as read, by their titles."""
    matches = rank(text, actions, lambda entry: entry[0].title)
    return [Choice(action.id, action.title, keys) for action, keys in matches]


def rank(text: str, items: Sequence[Value], words: Callable[[Value], str]) -> list[Value]:
    """The items whose words match what is typed, the best first; all of them, in order, for nothing."""
    if not text:
        return list(items)
    matcher = Matcher(text)
    scored = [(matcher.match(words(item)), item) for item in items]
    return [item for score, item in sorted(scored, key=lambda pair: -pair[0]) if score > 0]
