"""Editing: changes of the watchlist, from the list itself or from anywhere else."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from gextui.market.text import clean_symbol
from gextui.market.ticker import Ticker, UnknownTickerError
from gextui.ui.actions import Keys
from gextui.ui.watch import Watch
from gextui.ui.watchlist import Editable, ListError, Watchlist

if TYPE_CHECKING:
    from gextui.ui.app import GextuiApp

_ASKING_FOR = 60.0
"""Seconds that the user is told of a question, unless it is answered."""


class Editing:
    """What the actions of the watchlist do."""

    def __init__(self, app: "GextuiApp", watch: Watch, editable: Editable, keys: Keys) -> None:
        """Edit what ``watch`` watches, in the name of ``app``."""
        self._app = app
        self._watch = watch
        self._catalogue = editable.catalogue
        self._after = "" if editable.kept else ", for this run"
        self._keys = keys

    def do(self, word: str, symbol: str) -> None:
        """Do to a ticker of the list what a word says."""
        getattr(self, f"do_{word}")(symbol)

    def do_open(self, symbol: str) -> None:
        """Show the list."""
        from gextui.ui.screens.watchlist import ListDialog

        watch = self._watch
        self._app.push_screen(
            ListDialog(lambda: watch.watchlist, self._catalogue, self.do, lambda: watch.message, self._keys, symbol)
        )

    def do_add(self, symbol: str) -> None:
        """Ask for a name, and add what it means."""
        from gextui.ui.screens.search import Search
        from gextui.ui.screens.watchlist import find_new

        del symbol
        known = self._catalogue.known
        find = Search("Add a ticker", "a symbol or a name", lambda text: find_new(self._watch.watchlist, known, text))
        self._app.push_screen(find, self._found)

    def _found(self, found: Ticker | str | None) -> None:
        if isinstance(found, Ticker):
            self.add(found)
        elif found is not None:
            self._app.say(f"asking who lists options on {clean_symbol(found)}", _ASKING_FOR)
            self._app.run_worker(self._look_up(found), exclusive=True, group="look up")

    async def _look_up(self, name: str) -> None:
        try:
            ticker = await asyncio.wrap_future(self._watch.ask(lambda: self._catalogue.find(name)))
        except UnknownTickerError as error:
            from gextui.ui.screens.watchlist import Unknown

            self._app.say("")
            near = [symbol for symbol in error.near if symbol not in [ticker.symbol for ticker in self._watch.tickers]]
            self._app.push_screen(Unknown(name, str(error), near), self._found)
        else:
            self.add(ticker)

    def add(self, ticker: Ticker) -> None:
        """Watch this ticker too, and show it unless something else is open."""
        self._change(lambda watchlist: watchlist.added(ticker), f"{clean_symbol(ticker.symbol)} is in the list")
        if len(self._app.screen_stack) == 1 and ticker in self._watch.tickers:
            self._watch.choose_ticker(ticker)
            self._app.pull()

    def do_remove(self, symbol: str) -> None:
        """Watch it no more."""
        self._change(lambda watchlist: watchlist.without(symbol), f"{clean_symbol(symbol)} is not in the list any more")

    def do_switch(self, symbol: str) -> None:
        """Read it no more, or again."""
        entry = self._watch.watchlist.get(symbol)
        on = entry is not None and not entry.on
        words = f"{clean_symbol(symbol)} is {'on' if on else 'off: neither read nor recorded'}"
        self._change(lambda watchlist: watchlist.switched(symbol, on=on), words)

    def do_left(self, symbol: str) -> None:
        """Put it before the one to its left that is on."""
        self._change(lambda watchlist: watchlist.moved_past(symbol, -1))

    def do_right(self, symbol: str) -> None:
        """Put it after the one to its right that is on."""
        self._change(lambda watchlist: watchlist.moved_past(symbol, 1))

    def do_up(self, symbol: str) -> None:
        """One place towards the beginning."""
        self._change(lambda watchlist: watchlist.moved(symbol, -1))

    def do_down(self, symbol: str) -> None:
        """One place towards the end."""
        self._change(lambda watchlist: watchlist.moved(symbol, 1))

    def do_sources(self, symbol: str) -> None:
        """Choose where it is read from."""
        from gextui.ui.screens.choosing import Setting
        from gextui.ui.screens.picker import Picker
        from gextui.ui.screens.watchlist import route_words, source_choices

        entry = self._watch.watchlist.get(symbol)
        if entry is None:
            return
        ticker = entry.ticker
        fixed = self._catalogue.fixed(ticker)
        if fixed:
            self._app.say(fixed)
            return

        def chosen(setting: Setting | None) -> None:
            if setting is not None:
                route = self._catalogue.route(ticker, setting.setting)
                words = f"{clean_symbol(symbol)} is read from {route_words(route)}"
                self._change(lambda watchlist: watchlist.routed(symbol, setting.setting), words)

        usual = self._catalogue.route(ticker, None)
        choices = list(source_choices(self._catalogue.sources_of(ticker), ticker.kind, usual))
        self._app.push_screen(Picker(f"Sources of {clean_symbol(symbol)}", choices, Setting(entry.chosen)), chosen)

    def _change(self, change: Callable[[Watchlist], Watchlist], words: str = "") -> None:
        """Change the list, and say what that did or why it cannot be."""
        try:
            self._watch.edit(change(self._watch.watchlist))
        except ListError as error:
            words = str(error)
        else:
            words = words and words + self._after
        if words:
            self._app.say(words)
        else:
            self._app.pull()
