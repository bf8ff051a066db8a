"""The watchlist's dialogs: the list itself, what may be added, who is not known, and a ticker's sources."""

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations, permutations
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets.option_list import Option

from gextui.market.text import clean_symbol, clean_text
from gextui.market.ticker import Kind, Ticker
from gextui.route import Route
from gextui.ui import format as fmt
from gextui.ui.actions import BY_ID, Keys, bindings, shown_keys
from gextui.ui.screens.choosing import Setting
from gextui.ui.screens.dialog import Dialog, Lines
from gextui.ui.screens.pages import paragraph
from gextui.ui.screens.picker import Choice, Choices, Picker
from gextui.ui.screens.search import rank
from gextui.ui.watchlist import Catalogue, Watchlist
from gextui.ui.widgets.lines import Line, line

_ANEW_EVERY = 0.25
_NAME_WIDTH = 24
_EDITS = {
    "add_ticker": "add",
    "remove_ticker": "remove",
    "move_left": "up",
    "move_right": "down",
    "ticker_sources": "sources",
    "explain": "switch",
    "freeze": "switch",
    "switch_ticker": "switch",
}
"""What the keys of these actions do to the ticker under the cursor."""
_HINTS = {"explain": "on/off", "add_ticker": "add", "remove_ticker": "remove", "ticker_sources": "sources"}


class ListDialog(Dialog[None]):
    """The list, each ticker with its state and its sources.

    Args:
        current: The list, now.
        catalogue: Says where each ticker is read from.
        edit: Does to a ticker what a word says, see `gextui.ui.editing`.
        message: What the last key did, in plain words, for a few seconds.
        keys: Every action's keys.
        chosen: The symbol to begin at.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(
            {
                "down": "cursor('cursor_down')",
                "up": "cursor('cursor_up')",
                "page_down": "cursor('page_down')",
                "page_up": "cursor('page_up')",
                "watchlist": "close",
                **{action: f"edit('{word}')" for action, word in _EDITS.items()},
            }
        )
    ]

    def __init__(
        self,
        current: Callable[[], Watchlist],
        catalogue: Catalogue,
        edit: Callable[[str, str], None],
        message: Callable[[], str],
        keys: Keys,
        chosen: str,
    ) -> None:
        super().__init__("Watchlist")
        self._current = current
        self._catalogue = catalogue
        self._edit = edit
        self._message = message
        self._hints = _hints(keys)
        self._begin = chosen
        self._shown: Watchlist | None = None

    def compose_body(self) -> ComposeResult:
        """The rows, and below them the keys, or what the last one did."""
        rows = Choices()
        rows.can_focus = False
        yield rows
        yield Lines(self._below)

    def on_mount(self) -> None:
        """Stay fresh: a ticker may be added long after its name was typed."""
        self.renew()
        self.set_interval(_ANEW_EVERY, self.renew)

    def renew(self) -> None:
        """Show the list as it is now."""
        watchlist = self._current()
        if watchlist is not self._shown:
            rows = self.query_one(Choices)
            at, chosen = rows.highlighted, self._chosen()  # the cursor stays with its ticker when that moves
            self._shown = watchlist
            rows.clear_options()
            rows.add_options(list_rows(watchlist, self._catalogue))
            symbols = [entry.symbol for entry in watchlist.entries]
            last = len(symbols) - 1
            rows.highlighted = symbols.index(chosen) if chosen in symbols else last if at is None else min(at, last)
        self.query_one(Lines).redraw()

    def _chosen(self) -> str:
        """The symbol under the cursor."""
        at = self.query_one(Choices).highlighted
        return self._begin if self._shown is None or at is None else self._shown.entries[at].symbol

    def action_cursor(self, action: str) -> None:
        """Move the cursor."""
        getattr(self.query_one(Choices), f"action_{action}")()

    def action_edit(self, word: str) -> None:
        """Change the list at the ticker under the cursor."""
        self._edit(word, self._chosen())
        self.renew()

    def _below(self, width: int) -> list[Line]:
        message = self._message()
        words, style = (message, "heading") if message else (self._hints, "label")
        return [line([(f" {fmt.clip(words, width - 2)}", style)], width)]


def _hints(keys: Keys) -> str:
    parts = [f"{shown_keys(BY_ID[name], keys).partition(' ')[0]} {words}" for name, words in _HINTS.items()]
    moves = " ".join(shown_keys(BY_ID[name], keys).partition(" ")[0] for name in ("move_left", "move_right"))
    return "  ".join([*parts, f"{moves} move"])


def list_rows(watchlist: Watchlist, catalogue: Catalogue) -> list[Option]:
    """A row a ticker: state, number, symbol, name, sources; plain text whatever the names are."""
    rows: list[Option] = []
    symbols = [clean_symbol(entry.symbol) for entry in watchlist.entries]
    widest = max(map(len, symbols), default=0)
    number = 0
    for entry, symbol in zip(watchlist.entries, symbols, strict=True):
        number += entry.on
        ticker = entry.ticker
        start = f"{'●' if entry.on else '○'} {number if entry.on else '':>2} {fmt.left(symbol, widest)}  "
        words = route_words(catalogue.route(ticker, entry.chosen)) if entry.on else "off"
        name = fmt.left("" if ticker.name == ticker.symbol else clean_text(ticker.name), _NAME_WIDTH)
        rows.append(Option(Content.assemble(start if entry.on else (start, "dim"), (f"{name} {words}", "dim"))))
    return rows


def route_words(route: Route) -> str:
    """Where a ticker is read from: ``deribit, then bybit``, ``deribit + bybit``."""
    return (" + " if route.combine else ", then ").join(map(clean_text, route.sources))


def find_new(watchlist: Watchlist, known: Sequence[Ticker], text: str) -> list[Choice[Ticker | str]]:
    """What a user may mean to add: a ticker that is known and not on, or a name that is to be asked about.

    One that is on comes first where it is named in full: who types it wants no other.
    """
    on = {ticker.symbol for ticker in watchlist.tickers}
    off = [entry.ticker for entry in watchlist.entries if not entry.on]
    others = [ticker for ticker in known if ticker.symbol not in on and watchlist.get(ticker.symbol) is None]
    matches = rank(text, [*off, *others], lambda ticker: f"{ticker.symbol} {ticker.name}")
    choices: list[Choice[Ticker | str]] = [
        Choice(ticker, ticker.symbol, "off" if ticker in off else ticker.name) for ticker in matches
    ]
    name = clean_text(text.upper())
    if name in on:
        listed = next(ticker for ticker in watchlist.tickers if ticker.symbol == name)
        choices.insert(0, Choice(listed, name, "is in the list"))
    elif name and name not in [ticker.symbol for ticker in matches]:
        words = [word for ticker in matches for word in (ticker.symbol, *ticker.name.upper().split())]
        begun = any(word.startswith(name) for word in words)
        choices.insert(len(choices) if begun else 0, Choice(name, name, "ask who lists options on it"))
    return choices


def source_choices(names: Sequence[str], kind: Kind, usual: Route) -> Iterator[Choice[Setting]]:
    """Every way to read a ticker from these sources; sums are for coins, whose venues hold different contracts."""
    yield Choice(Setting(None), "as the settings say", route_words(usual))
    for size in range(1, len(names) + 1):
        for order in permutations(names, size):
            yield Choice(Setting(Route(order)), route_words(Route(order)))
    for size in range(2, len(names) + 1 if kind is Kind.COIN else 2):
        for several in combinations(names, size):
            yield Choice(Setting(Route(several, True)), route_words(Route(several, True)), "one book, the sum")


class Unknown(Picker[str]):
    """Says why a name could not be added, and offers the near ones."""

    def __init__(self, name: str, sentence: str, near: Sequence[str]) -> None:
        super().__init__(f"{clean_symbol(name)} is not added", [Choice(each, f"add {each}") for each in near])
        self._sentence = clean_text(sentence)

    def compose_body(self) -> ComposeResult:
        """The sentence, and below it the names to choose from."""
        yield Lines(lambda width: paragraph(self._sentence, width, "value"))
        yield from super().compose_body()
