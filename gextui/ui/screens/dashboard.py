"""Dashboard: the main screen, a view of the ticker's board with its frame, at three designed sizes."""

from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Horizontal
from textual.content import Content
from textual.geometry import Size
from textual.screen import Screen

from gextui.exposure.explain import Explanation
from gextui.exposure.filters import EVERYTHING
from gextui.market.coin import PriceAxis
from gextui.market.text import clean_symbol, clean_text
from gextui.ui import format as fmt
from gextui.ui.actions import MANY, Keys, run_bindings
from gextui.ui.coin_words import other_unit
from gextui.ui.levels import expiry_words
from gextui.ui.scene import Scene
from gextui.ui.state import State
from gextui.ui.views import make_view
from gextui.ui.widgets.footer import KeyLine, NoticeLine
from gextui.ui.widgets.headline import WEIGHTS, Headline, LevelLine
from gextui.ui.widgets.lines import Line
from gextui.ui.widgets.scene_line import NARROW_BELOW, SceneLine
from gextui.ui.widgets.sidebar import Sidebar
from gextui.ui.widgets.ticker_bar import TickerBar
from gextui.ui.widgets.view import BoardView

LEAST_WIDTH, LEAST_HEIGHT = 40, 12
WIDE_FROM = 100
_LAYOUTS = ("-too-small", "-narrow", "-normal", "-wide")


class Waiting(SceneLine):
    """What stands in place of the view before the first board."""

    DEFAULT_CSS = """
    Waiting { height: 1fr; }
    """

    def compose_lines(self, width: int, height: int) -> list[Line]:
        """What is waited for."""
        if self.scene is None:
            return []
        status = self.scene.health.status
        words = f"waiting for {clean_symbol(self.scene.ticker.symbol)} from {clean_text(status.name)}"
        return self.centred(words, width, height)


class TooSmall(SceneLine):
    """The one line of a terminal that has no room for more."""

    def compose_lines(self, width: int, height: int) -> list[Line]:
        """What would be enough."""
        size = self.screen.size
        return self.centred(f"needs {LEAST_WIDTH}x{LEAST_HEIGHT}, is {size.width}x{size.height}", width, height)


class Dashboard(Screen[None], inherit_bindings=False):
    """The frame and the view inside it."""

    BINDINGS: ClassVar[list[BindingType]] = [*run_bindings(everywhere=False)]

    def __init__(self, *, keys: Keys, ascii_only: bool, saved: State) -> None:
        super().__init__()
        self._ascii_only = ascii_only
        self._zoom = dict(saved.zoom)
        self._columns = dict(saved.columns)
        self._views: dict[str, BoardView] = {}
        self._scene: Scene | None = None
        self._up = False
        self._strike: float | None = None
        """Where the cursor shall be once the view has its size."""
        self._titles: dict[Container, str] = {}
        self._waiting = Waiting(id="waiting")
        self._main = Container(self._waiting, id="main")
        self.sidebar = Sidebar(id="sidebar")
        self._side = Container(self.sidebar, id="side")
        self._lines = (
            TickerBar(id="tickers"),
            Headline(id="headline"),
            LevelLine(id="level-line"),
            NoticeLine(id="notice"),
            KeyLine(keys=keys, id="keys"),
            TooSmall(id="too-small"),
        )

    def compose(self) -> ComposeResult:
        """Top to bottom."""
        tickers, headline, level_line, notice, keys, too_small = self._lines
        yield from (tickers, headline, level_line)
        yield Horizontal(self._main, self._side, id="body")
        yield from (notice, keys, too_small)

    @property
    def view(self) -> BoardView | None:
        """The view that is shown; None where there is no board for it yet."""
        scene = self._scene
        return None if scene is None or _waits(scene) else self._views.get(scene.view)

    @property
    def zoom(self) -> dict[str, int]:
        """How far each view was zoomed, where it was."""
        levels = self._zoom | {name: view.zoom_level for name, view in self._views.items()}
        return {name: level for name, level in levels.items() if level}

    @property
    def columns(self) -> dict[str, tuple[str, ...]]:
        """Which columns each view shows, where they were chosen."""
        chosen = self._columns | {name: view.columns for name, view in self._views.items()}
        return {name: ids for name, ids in chosen.items() if ids}

    def show(self, scene: Scene) -> None:
        """Draw a scene; what says the same is left alone. Before the screen is there, keep it for then."""
        before, self._scene = self._scene, scene
        if not (self._up and self.is_running):
            return
        with self.app.batch_update():
            for piece in (*self._lines, self._waiting):
                piece.show_scene(scene)
            self._arrange(scene.view == MANY, "-many")
            self._waiting.display = _waits(scene)
            self._arrange(scene.board is not None and bool(other_unit(scene.board)), "-two-axes")
            self.sidebar.show(scene.drawn, unit=scene.unit, stale=scene.stale)
            if _waits(scene):
                self._show_only(None)
            else:
                self._show_view(before, scene)
        self.call_after_refresh(self.settle)

    def on_resize(self, event: events.Resize) -> None:
        """What fits has changed."""
        self._choose_layout(event.size)
        self.call_after_refresh(self.settle)

    def _choose_layout(self, size: Size) -> None:
        """Choose among the designed layouts, before Textual lays out the old one in the new size, as breakpoints do."""
        layout = _layout_for(size)
        if not self.has_class(layout):
            self.remove_class(*_LAYOUTS, update=False).add_class(layout, update=False)
            # All that app.tcss styles by layout: the views are styled as before.
            self.app.stylesheet.update_nodes([self, *self.children, self._main, self._side])

    def _arrange(self, add: bool, name: str) -> None:
        """Add or remove a class that matters to frames and level line alone; to style the views anew takes long."""
        if self.has_class(name) != add:
            self.set_class(add, name, update=False)
            self.app.stylesheet.update_nodes([self._main, self._side, self.query_one(LevelLine)])

    def on_mount(self) -> None:
        """Draw what came before the screen was there."""
        self._choose_layout(self.app.size)
        self._up = True
        if self._scene is not None:
            self.show(self._scene)

    def _show_view(self, before: Scene | None, scene: Scene) -> None:
        view = self._ensure_view(scene.view)
        if before is not None and before.ticker != scene.ticker:
            for other in self._views.values():
                other.recentre()
        if scene.view == MANY:
            view.show_many(scene.many, scene.ticker, unit=scene.unit)
        elif scene.board is not None:
            view.clock = scene.clock
            board = scene.drawn if view.EITHER_AXIS and scene.drawn is not None else scene.board
            view.show(board, unit=scene.unit, stale=scene.stale)
        if before is not None and before.view != scene.view and before.view in self._views:
            strike = self._views[before.view].selected_strike()
            if strike is not None:
                self._strike = strike

    def _ensure_view(self, name: str) -> BoardView:
        view = self._views.get(name)
        if view is None:
            view = self._views[name] = make_view(name, ascii_only=self._ascii_only)
            view.choose_columns(self._columns.get(name, ()))
            self._main.mount(view)
        self._show_only(view)
        self._arrange(view.TABLE, "-table")
        return view

    def _show_only(self, view: BoardView | None) -> None:
        """Show this view in place of the others."""
        for other in self._views.values():
            other.display = other is view

    def _title(self) -> None:
        """In the frame: what is drawn, of what, in what unit; the least telling part gives way."""
        scene, view = self._scene, self.view
        if scene is None or view is None:
            return
        parts = _title_parts(scene, view)
        room = self._main.size.width - 4
        while len(parts) > 1 and cell_len(" · ".join(parts)) > room:
            del parts[1]
        # A box gives its title room at the ends, a corner at its own; a rule alone gives none.
        boxed = self.size.width >= WIDE_FROM
        title = fmt.clip(" · ".join(parts), room)
        self._entitle(self._main, title if boxed else f" {title} ")
        levels = "Levels, implied" if scene.implied else "Levels"
        self._entitle(self._side, levels if boxed else f"{levels} ")

    def _entitle(self, frame: Container, title: str) -> None:
        if self._titles.get(frame) != title:
            self._titles[frame] = title
            frame.border_title = Content(title)

    def settle(self) -> None:
        """Do what a view can only do, and say what it can only say, once it has its size."""
        scene, view = self._scene, self.view
        if scene is None or view is None or not view.size:
            return
        level = self._zoom.pop(scene.view, 0)
        if level:
            view.zoom(level)
        strike, self._strike = self._strike, None
        if strike is not None:
            view.go_to(strike)
        self._title()

    @property
    def in_levels(self) -> bool:
        """Whether the cursor is among the levels."""
        return self.sidebar.active

    def enter_levels(self, active: bool) -> None:
        """Put the cursor among the levels or back into the view."""
        self._arrange(active, "-levels")
        self.sidebar.activate(active)

    @property
    def target(self) -> BoardView | None:
        """What the moving keys move."""
        return self.sidebar if self.in_levels else self.view

    def explanation(self) -> Explanation | None:
        """The number under the cursor."""
        return None if self.target is None else self.target.explanation()


def _waits(scene: Scene) -> bool:
    """Whether there is nothing to show in the view yet."""
    return scene.board is None and scene.view != MANY


def _title_parts(scene: Scene, view: BoardView) -> list[str]:
    if scene.view == MANY or scene.board is None:
        return [view.heading, scene.unit.label("units")]
    # What is recorded is not filtered.
    filters = scene.board.filters if view.span is None else EVERYTHING
    expiries = "all expiries" if filters.expiry == "all" else expiry_words(filters.expiry)
    drawn = scene.drawn if view.EITHER_AXIS and scene.drawn is not None else scene.board
    heading = view.heading + (f", in {clean_symbol(drawn.unit)}" if drawn.axis is PriceAxis.COIN else "")
    if scene.view in ("open_interest", "volume", "volatility"):
        return [heading, expiries]
    return [heading, f"by {WEIGHTS[filters.weight]}", expiries, scene.unit.label(clean_symbol(drawn.unit))]


def _layout_for(size: Size) -> str:
    if size.width < LEAST_WIDTH or size.height < LEAST_HEIGHT:
        return "-too-small"
    if size.width < NARROW_BELOW:
        return "-narrow"
    return "-normal" if size.width < WIDE_FROM else "-wide"
