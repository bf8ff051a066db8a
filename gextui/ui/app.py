"""GextuiApp: pulls the newest board from the desk, draws it, and turns keys into what the user wants to see."""

import contextlib
import gc
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from msgspec import structs
from textual.binding import BindingType
from textual.screen import Screen

from gextui.market.coin import PriceAxis
from gextui.market.ticker import Ticker
from gextui.ui.actions import ACTIONS, BY_ID, MANY, read_keymap, run_bindings, shown_keys, textual_keymap
from gextui.ui.editing import Editing
from gextui.ui.scene import Scene
from gextui.ui.screens.dashboard import Dashboard
from gextui.ui.state import State, load_state, save_state
from gextui.ui.terminal.capabilities import Capabilities, detect
from gextui.ui.terminal.display import DeltaApp
from gextui.ui.themes import THEMES, ThemedApp
from gextui.ui.views import ONCE_MORE, VIEWS
from gextui.ui.watch import Watch, WatchedDesk
from gextui.ui.watchlist import Editable

_PULL_EVERY = 0.25
_REMEMBER_EVERY = 2.0
"""Seconds after which a change of what is looked at is saved."""
_REROUTE_EVERY = 2.0
"""Seconds between looks at who records, where another process did."""
_SLOW_LINE_PAUSE = 3
"""Pulls left out after the line was too slow for a frame."""
_MESSAGE_FOR = 4.0
"""Seconds that the answer to a key stays."""


class GextuiApp(ThemedApp, DeltaApp[None], inherit_bindings=False):
    """The dashboard.

    Args:
        desk: Where boards come from; started and stopped by whoever made it.
        state_path: The file that remembers where the user left off; None remembers nothing.
        ticker: The symbol to begin with, whatever was shown last.
        keymap: Keys by action id, as in the config's ``[keys]``.
        theme: A theme's name; None takes what was chosen last, else what suits the terminal.
        capabilities: What the terminal can do; None asks the environment.
        ascii_only: Whether to draw with ASCII alone, whatever the locale says.
        delta_display: Whether to write only the cells that changed.
        now: The clock that tells today's readings from another day's.
        editable: The list of the desk's tickers, which the user may change; None where it is what it is.
    """

    TITLE = "gextui"
    CSS_PATH = Path(__file__).with_name("app.tcss")
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [*run_bindings(everywhere=True)]

    def __init__(
        self,
        desk: WatchedDesk,
        *,
        state_path: Path | None = None,
        ticker: str | None = None,
        keymap: Mapping[str, str] | None = None,
        theme: str | None = None,
        capabilities: Capabilities | None = None,
        ascii_only: bool = False,
        delta_display: bool = True,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        editable: Editable | None = None,
    ) -> None:
        terminal = capabilities or detect(os.environ, ascii_only=True if ascii_only else None)
        self._state_path = state_path
        self._saved, trouble = load_state(state_path)
        self._remembered = self._saved
        self._chosen_theme = self._saved.theme
        wanted = theme or self._saved.theme or ("ansi" if terminal.own_palette else "dark")
        if wanted not in THEMES:
            trouble = f"no theme is called {wanted}; there are {', '.join(THEMES)}"
            wanted = "ansi" if terminal.own_palette else "dark"
        super().__init__(theme=wanted, capabilities=terminal, plain_display=not delta_display)
        self.animation_level = "none"
        self._keys, wrong = read_keymap(keymap or {})
        self.set_keymap(textual_keymap(self._keys))
        begin = self._saved if ticker is None else structs.replace(self._saved, ticker=ticker)
        self._watch = Watch(desk, begin, now, editable)
        self._editing = None if editable is None else Editing(self, self._watch, editable, self._keys)
        self._shifts = editable is not None and editable.catalogue.shifts
        if self._watch.view not in VIEWS:
            self._watch.view = VIEWS[0]
        self._dashboard = Dashboard(keys=self._keys, ascii_only=terminal.ascii, saved=self._saved)
        self._scene: Scene | None = None
        self._frames_lost = 0
        self._pause = 0
        self._message_number = 0
        self._first_message = "; ".join([trouble, *wrong] if trouble else wrong)
        self.crash: BaseException | None = None
        """The bug that ended the app, if one did."""

    def get_default_screen(self) -> Screen[Any]:
        """The dashboard is the one screen; dialogs come over it."""
        return self._dashboard

    def on_mount(self) -> None:
        """Begin to pull."""
        if self._first_message:
            self.say(self._first_message)
        self.pull()
        self.set_interval(_PULL_EVERY, self._tick)
        self.set_interval(_REMEMBER_EVERY, self._remember_changes)
        if self._shifts:
            self._reroute()
            self.set_interval(_REROUTE_EVERY, self._reroute)

    def on_ready(self) -> None:
        """What is alive now lives until the end: the collector need not look at it again."""
        gc.freeze()
        gc.enable()

    def on_unmount(self) -> None:
        """The end."""
        self.remember()

    def remember(self) -> None:
        """Save where the user left off; may be called from any thread, e.g. when a signal ends the process."""
        if self._state_path is None:
            return
        self._remembered = self._state
        with contextlib.suppress(OSError):  # no place to write is no reason to fail on the way out
            save_state(self._state_path, self._remembered)

    @property
    def _state(self) -> State:
        return self._watch.state(self._chosen_theme, self._dashboard.zoom, self._dashboard.columns)

    def _remember_changes(self) -> None:
        """For the day when the process is killed; in a thread, because a disk may be slow."""
        if self._state != self._remembered:
            self.run_worker(self.remember, thread=True, exclusive=True, group="remember")

    def _reroute(self) -> None:
        """Whoever records may have ended or begun; in a thread, because a disk may be slow."""

        def look() -> None:
            self.call_from_thread(self._watch.reroute, self._watch.routing())

        self.run_worker(look, thread=True, exclusive=True, group="reroute")

    def _tick(self) -> None:
        if self.frames_dropped != self._frames_lost:
            self._frames_lost = self.frames_dropped
            self._pause = _SLOW_LINE_PAUSE
        elif self._pause:
            self._pause -= 1
            return
        self.pull()

    def pull(self) -> None:
        """Draw what is new."""
        scene = self._watch.pull()
        if self._watch.reached_start():
            self.say("nothing older is recorded")
            return
        if scene != self._scene:
            self._scene = scene
            self._dashboard.show(scene)
        else:
            self._dashboard.settle()
        view = self._dashboard.view
        if view is not None and view.span is not None:
            view.show_series(self._watch.series(view.span))

    def say(self, message: str, seconds: float = _MESSAGE_FOR) -> None:
        """Answer a key in one plain sentence, for a few seconds."""
        self._message_number += 1
        number = self._message_number

        def forget() -> None:
            if number == self._message_number:
                self._watch.message = ""
                self.pull()

        self._watch.message = message
        self.pull()
        self.set_timer(seconds, forget)

    async def action_run(self, action_id: str) -> None:
        """Do what an action of the registry says, or say why not."""
        action = BY_ID[action_id]
        hindrance = action.hindrance(self._watch.situation)
        if hindrance:
            self.say(hindrance)
            return
        name, _, word = action.does.partition(":")
        method = getattr(self, f"do_{name}")
        if word:
            method(word)
        else:
            method()

    def do_ticker(self, number: str) -> None:
        """Show a ticker by its number."""
        self._show_ticker(self._watch.tickers[int(number) - 1])

    def do_turn(self, steps: str) -> None:
        """Show the next ticker to one side."""
        self._show_ticker(self._watch.turn(int(steps)))

    def _show_ticker(self, ticker: Ticker) -> None:
        self._watch.choose_ticker(ticker)
        self.pull()

    def do_edit(self, word: str) -> None:
        """Change the watchlist at the ticker shown."""
        if self._editing is not None:
            self._editing.do(word, self._watch.ticker.symbol)

    def do_view(self, view: str) -> None:
        """Show another view; its key pressed once more may lead on to a related one."""
        self._dashboard.enter_levels(False)
        if view == self._watch.view == MANY:
            self._watch.leave_many()
        elif view == self._watch.view and view not in ONCE_MORE:
            if self._dashboard.view is not None:
                self._dashboard.view.once_more()
        else:
            self._watch.show_view(ONCE_MORE.get(view, view) if view == self._watch.view else view)
        self.pull()

    def do_choose(self, what: str) -> None:
        """Open the picker of a filter, the unit or the theme."""
        from gextui.ui.screens.choosing import picker_for

        board = None if self._scene is None else self._scene.drawn
        current = {"unit": self._watch.unit, "theme": self.theme}.get(what)

        def chosen(value: Any) -> None:
            if value is None:
                return
            if isinstance(value, PriceAxis):
                self._watch.axis = value
            elif what == "unit":
                self._watch.unit = value
            elif what == "theme":
                self.theme = self._chosen_theme = value
            else:
                self._watch.choose_filters(**{what: value.setting})
            self.pull()

        self.push_screen(picker_for(what, board, self._watch.filters, current), chosen)

    def do_find(self) -> None:
        """Look for a strike or a ticker."""
        from gextui.ui.screens.search import Search, find_target

        def found(target: float | Ticker | None) -> None:
            if isinstance(target, Ticker) and target in self._watch.tickers:
                self._show_ticker(target)
            elif isinstance(target, Ticker):
                if self._editing is not None:
                    self._editing.add(target)
            elif target is not None:
                drawn = None if self._scene is None else self._scene.drawn
                self._go_to(target if drawn is None else target * drawn.scale)

        tickers = self._watch.tickers
        off = [entry.ticker for entry in self._watch.watchlist.entries if not entry.on]
        self.push_screen(Search("Find", "a strike or a ticker", lambda text: find_target(tickers, text, off)), found)

    def _go_to(self, strike: float) -> None:
        view = self._dashboard.view
        self._dashboard.enter_levels(False)
        if view is None or not view.go_to(strike):
            self.say("this view has no strikes to go to")

    def do_commands(self) -> None:
        """Look for an action."""
        from gextui.ui.screens.search import Search, find_action

        listed = [
            (action, shown_keys(action, self._keys))
            for action in ACTIONS
            # Tickers are found by name, see `do_find`.
            if not (action.hindrance(self._watch.situation) or action.does.startswith("ticker:"))
        ]

        async def found(action_id: str | None) -> None:
            if action_id is not None:
                await self.action_run(action_id)

        self.push_screen(Search("Commands", "what do you want to do?", lambda text: find_action(listed, text)), found)

    def do_move(self, rows: str) -> None:
        """Move the cursor."""
        if self._dashboard.target is not None:
            self._dashboard.target.move(int(rows))
            self._follow_cursor()

    def _follow_cursor(self) -> None:
        """Where the rows are tickers, what is under the cursor is what every key is about."""
        ticker = None if self._dashboard.target is None else self._dashboard.target.chosen_ticker()
        if ticker is not None and ticker != self._watch.ticker:
            self._show_ticker(ticker)

    def do_shift(self, columns: str) -> None:
        """Move sideways."""
        if self._dashboard.target is not None:
            self._dashboard.target.shift(int(columns))
            self.pull()

    def do_page(self, direction: str) -> None:
        """Move a page."""
        if self._dashboard.target is not None:
            self._dashboard.target.page(int(direction))
            self._follow_cursor()

    def do_zoom(self, step: str) -> None:
        """Show strikes closer together or further apart."""
        if self._dashboard.view is not None:
            self._dashboard.view.zoom(int(step))
            self._dashboard.settle()

    def do_alternate(self) -> None:
        """The view's next variant."""
        if self._dashboard.view is not None:
            self._dashboard.view.alternate()
            self._dashboard.settle()

    def do_tab(self, steps: str) -> None:
        """Show another of the view's expiries."""
        if self._dashboard.view is not None:
            self._dashboard.view.turn(int(steps))
            self._dashboard.settle()

    def do_sort(self) -> None:
        """Sort by the column under the cursor."""
        if self._dashboard.view is not None:
            self._dashboard.view.sort()
            self._dashboard.settle()

    def do_table(self, what: str) -> None:
        """Choose which contracts, or which columns, the option chain lists."""
        from gextui.ui.screens.listing import ask
        from gextui.ui.widgets.chain import Chain

        if isinstance(self._dashboard.view, Chain):
            ask(self, self._dashboard.view, what, self._dashboard.settle)

    def do_recentre(self) -> None:
        """Follow spot again."""
        if self._dashboard.view is not None:
            self._dashboard.view.recentre()

    def do_levels(self) -> None:
        """To the levels and back."""
        self._dashboard.enter_levels(not self._dashboard.in_levels)

    def do_explain(self) -> None:
        """Explain the number under the cursor; where that is on a ticker, go to it."""
        if self._watch.view == MANY and not self._dashboard.in_levels:
            self._watch.leave_many()
            self.pull()
            return
        from gextui.ui.screens.dialog import Reading
        from gextui.ui.screens.pages import explanation_page

        explanation = self._dashboard.explanation()
        if explanation is None:
            self.say("put the cursor on a number first: j and k, or Tab for the levels")
        else:
            self.push_screen(Reading(explanation.title, explanation_page(explanation)))

    def do_reading(self) -> None:
        """Say where the numbers come from."""
        from gextui.ui.screens.dialog import Reading
        from gextui.ui.screens.pages import reading_page

        if self._scene is not None and self._scene.board is not None:
            self.push_screen(Reading("About this reading", reading_page(self._scene.board, self._scene.health)))

    def do_sources(self) -> None:
        """Say how every source and connection fares, and go on saying it."""
        from gextui.ui.screens.sources import Sources

        self.push_screen(Sources(self._watch.standings, self._watch.now))

    def do_help(self) -> None:
        """Every key."""
        from gextui.ui.screens.help import Help

        self.push_screen(Help(self._keys))

    def do_freeze(self) -> None:
        """Hold the screen still, or let it go on."""
        self._watch.freeze()
        self.pull()

    def do_step(self, steps: str) -> None:
        """Move through history."""
        self._watch.step(int(steps))
        self.pull()

    def do_live(self) -> None:
        """Leave history."""
        self._watch.live()
        self.pull()

    def do_ask(self) -> None:
        """Ask the source for a new chain."""
        self._watch.refresh()
        self.say(f"asked for {self._watch.ticker.symbol} anew")

    def do_copy(self, what: str) -> None:
        """Copy the levels, or the view's table."""
        from gextui.ui.copying import levels_text, table_text

        board, view = None if self._scene is None else self._scene.board, self._dashboard.view
        if board is not None and view is not None:
            text, name = table_text(view.table_lines()) if what == "table" else (levels_text(board), what)
            self.run_worker(self._copy(text, name), exclusive=True)

    async def _copy(self, text: str, what: str) -> None:
        from gextui.ui.terminal.clipboard import copy

        if self._driver is not None:
            way = await copy(text, self._driver.write)
            self.say(f"{what} copied, through tmux" if way == "tmux" else f"{what} handed to the terminal's clipboard")

    def do_repaint(self) -> None:
        """Write the whole screen again."""
        self.repaint()

    def do_suspend(self) -> None:
        """Go to the shell; nothing is recorded meanwhile, and what is shown after it is stale until it is not."""
        self.action_suspend_process()

    def do_back(self) -> None:
        """Leave the levels, else the history, else the freeze, else the view of many, else the cursor."""
        if self._dashboard.in_levels:
            self._dashboard.enter_levels(False)
        elif self._watch.situation.replay:
            self.do_live()
        elif self._watch.frozen:
            self.do_freeze()
        elif self._watch.view == MANY:
            self.do_view(MANY)
        elif self._dashboard.view is not None:
            self._dashboard.view.recentre()

    def do_quit(self) -> None:
        """Leave."""
        self.leave()

    def _fatal_error(self) -> None:
        """End on a bug: where it is, without the values that were about, which may be secret."""
        self.crash = self._exception
        self._close_messages_no_wait()
