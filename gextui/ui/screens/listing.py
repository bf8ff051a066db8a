"""Dialogs of the option chain: which contracts it lists, and in which columns."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import OptionList

from gextui.exposure.contracts import QUANTITIES
from gextui.ui.actions import bindings
from gextui.ui.screens.dialog import Dialog
from gextui.ui.screens.picker import Choice, Choices, options
from gextui.ui.screens.search import Search, parse_price, rank
from gextui.ui.widgets.chain import AROUND, Chain, strikes_between
from gextui.ui.widgets.chain_columns import COLUMNS, EVERY_COLUMN
from gextui.ui.widgets.chain_table import Listed

_MOST_AROUND = 500
"""A larger number is a strike, not how many of them."""
_RANGE = re.compile(r"([^-]*?)\s*-\s*([^-]*)")


def ask(app: App[None], view: Chain, what: str, then: Callable[[], None]) -> None:
    """Have the user choose the contracts that the chain lists, or its columns; ``then`` follows each change."""
    if what == "columns":

        def choose(ids: Sequence[str]) -> None:
            view.choose_columns(ids)
            then()

        app.push_screen(ColumnsDialog(view.columns or EVERY_COLUMN, choose))
        return

    def found(listed: Listed | None) -> None:
        if listed is not None:
            view.list_only(listed)
            then()

    hint = "20, or strikes: 90k-110k, 90k-"
    app.push_screen(Search("Contracts listed", hint, lambda text: find_listed(view.listed, text)), found)


def find_listed(listed: Listed, text: str) -> list[Choice[Listed]]:
    """What a user may mean: a number is how many strikes, two prices are a range, words are one of the choices."""
    if text.isdecimal() and 0 < int(text) <= _MOST_AROUND:
        return [_around(listed, int(text))]
    given = _RANGE.fullmatch(text)
    if given is not None:
        low, high = (parse_price(price) for price in given.groups())
        known = [price is not None or not text for price, text in zip((low, high), given.groups(), strict=True)]
        if all(known) and (low is not None or high is not None) and not (low and high and low > high):
            return [Choice(replace(listed, low=low, high=high), strikes_between(low, high))]
    held = "also those without open interest" if listed.held else "only those with open interest"
    choices = [
        Choice(replace(listed, around=None, low=None, high=None), "every strike"),
        *(_around(listed, number) for number in AROUND if number is not None),
        Choice(replace(listed, held=not listed.held), held),
    ]
    return rank(text, choices, lambda choice: choice.label)


def _around(listed: Listed, number: int) -> Choice[Listed]:
    return Choice(replace(listed, around=number), f"{number} strikes around the money", "of each expiry")


class ColumnsDialog(Dialog[None]):
    """The columns, each shown or not; what is chosen shows at once."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(
            {
                "down": "cursor('cursor_down')",
                "up": "cursor('cursor_up')",
                "page_down": "cursor('page_down')",
                "page_up": "cursor('page_up')",
                "explain": "cursor('select')",
                "columns": "close",
            }
        ),
        Binding("space", "cursor('select')", show=False),
    ]

    def __init__(self, chosen: Sequence[str], choose: Callable[[Sequence[str]], None]) -> None:
        super().__init__("Columns   Space chooses   q closes")
        self._chosen = set(chosen)
        self._choose = choose

    def compose_body(self) -> ComposeResult:
        """A row a column."""
        rows = Choices(*options(self._choices(), numbered=False))
        rows.highlighted = 0
        yield rows

    def _choices(self) -> list[Choice[str]]:
        return [
            Choice(
                name,
                f"{'■' if name in self._chosen else '□'} {COLUMNS[name].heading}",
                f"{QUANTITIES[name].title}, {QUANTITIES[name].unit}",
            )
            for name in EVERY_COLUMN
        ]

    def action_cursor(self, action: str) -> None:
        """Move the cursor, or turn what is under it."""
        getattr(self.query_one(Choices), f"action_{action}")()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Show the column, or do not; the last one stays."""
        name = EVERY_COLUMN[event.option_index]
        if self._chosen != {name}:
            self._chosen ^= {name}
            prompt = options(self._choices(), numbered=False)[event.option_index].prompt
            event.option_list.replace_option_prompt_at_index(event.option_index, prompt)
            self._choose([each for each in EVERY_COLUMN if each in self._chosen])
