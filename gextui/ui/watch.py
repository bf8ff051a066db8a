"""Watch: what is being looked at, pulled from the desk. No Textual: the app asks it for a scene and draws that."""

from collections.abc import Callable, Coroutine, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, Protocol, TypeVar

from gextui.desk import Health, View
from gextui.exposure.board import Board
from gextui.exposure.coin_axis import on_coin_axis
from gextui.exposure.filters import EVERYTHING, Filters
from gextui.exposure.series import Series
from gextui.market.coin import PriceAxis
from gextui.market.ticker import Ticker
from gextui.route import Route
from gextui.sources.source import SourceState, SourceStatus
from gextui.ui.actions import MANY, Situation
from gextui.ui.scene import Scene, Standing, today
from gextui.ui.state import State, without_past_dates
from gextui.ui.watchlist import Editable, Watchlist

Answer = TypeVar("Answer")

_OFF = Health(SourceStatus("", SourceState.DISABLED, 0.0), None, False, "not recorded")
_SAME_INSTANT = timedelta(seconds=2)
"""How far apart two tellings of one instant may be, by clocks that are read one after the other."""


class WatchedDesk(Protocol):
    """What the screen asks of `gextui.desk.Desk`."""

    @property
    def tickers(self) -> tuple[Ticker, ...]:
        """Every ticker, in order; at least one."""
        ...

    def view(self, ticker: Ticker) -> View | None:
        """The newest view."""
        ...

    def health(self, ticker: Ticker) -> Health:
        """How far it can be trusted."""
        ...

    def watch(self, ticker: Ticker, filters: Filters) -> None:
        """Build its views through these filters."""
        ...

    def step(self, ticker: Ticker, steps: int) -> None:
        """Move through history."""
        ...

    def live(self, ticker: Ticker) -> None:
        """Return to the newest."""
        ...

    def chart(self, ticker: Ticker, span: timedelta) -> Series | None:
        """The levels over the last ``span``; None while they are being fetched."""
        ...

    def refresh(self, ticker: Ticker) -> None:
        """Ask the source now."""
        ...

    def choose(self, routes: Mapping[Ticker, Route]) -> None:
        """Give these tickers from now on, in this order."""
        ...

    def ask(self, question: Callable[[], Coroutine[Any, Any, Answer]]) -> Future[Answer]:
        """Have a question answered in the core thread."""
        ...


class Routing(NamedTuple):
    """Where the tickers of a list are to be read from, and what is to be known of that."""

    watchlist: Watchlist
    routes: Mapping[Ticker, Route]
    remark: str


class Watch:
    """What the user looks at and how: ticker, view, unit, filters, frozen or not.

    Args:
        desk: Where boards come from.
        state: Where the user left off.
        now: The clock.
        editable: The list of the desk's tickers, and of those that are off; None where it is what it is.
    """

    def __init__(
        self,
        desk: WatchedDesk,
        state: State,
        now: Callable[[], datetime],
        editable: Editable | None = None,
    ) -> None:
        self._desk = desk
        self.now = now
        self.tickers = desk.tickers
        self._editable = editable
        self.watchlist = Watchlist.of(self.tickers) if editable is None else editable.watchlist
        self._saved_list = state.watchlist
        self._routes: list[tuple[Ticker, Route]] = []
        """As the desk was last given them here, in order."""
        self._remark = ""
        symbols = [ticker.symbol for ticker in self.tickers]
        self.ticker = self.tickers[symbols.index(state.ticker) if state.ticker in symbols else 0]
        self.view = state.view
        self._before_many = "gex"
        self.unit = state.unit
        self.axis = state.axis
        self.message = ""
        self._view: View | None = None
        """What is shown."""
        self._seen: View | None = None
        """The newest, which is not shown while frozen."""
        self._missed: int | None = None
        self._held: dict[Ticker, View | None] = {}
        """What the view of many shows, while frozen too."""
        self._at_start = False
        self._minute = 0.0
        """The last that was shown, epoch seconds."""
        self._stale_since: dict[Ticker, datetime] = {}
        self._series: Series | None = None
        self._asked_series: tuple[Ticker, timedelta] | None = None
        self._chosen: dict[Ticker, Filters] = {}
        self._drawn: tuple[Board, Board] | None = None
        """The last board that was put on the coin's axis, and what came of it."""
        self._others = dict(state.filters)
        """Of tickers that are not shown, by symbol."""
        self._read_as_before(self.tickers)

    def pull(self) -> Scene:
        """What is to be shown now; equal to the last scene where nothing has changed."""
        newest = self._desk.view(self.ticker)
        if newest is not self._seen:
            if self._missed is not None and self._seen is not None:
                self._missed += 1
            self._seen = newest
            self._at_start = newest is not None and newest.at_start
        if self._missed is None:
            self._view = newest
        health = self._desk.health(self.ticker)
        board = None if self._view is None else self._view.board
        return Scene(
            tickers=self.tickers,
            ticker=self.ticker,
            board=board,
            health=_settled(health),
            view=self.view,
            unit=self.unit,
            today=today(self.now()),
            clock=self._clock(health),
            replay=self._view is not None and self._view.replay,
            since=self._no_data_since(health),
            missed=self._missed,
            message=self.message,
            on_axis=self._on_axis(board),
            remark=self._remark,
            many=self._many() if self.view == MANY else (),
        )

    def _clock(self, health: Health) -> float | None:
        """The minute; None where what is shown keeps a time of its own: it is past, opened from a file, or made up."""
        shown = self._view
        own = shown is not None and (shown.replay or shown.board.chain.simulated)
        own = own or health.status.state is SourceState.REPLAY
        if not self.frozen:
            self._minute = self.now().timestamp() // 60 * 60
        return None if own else self._minute

    def _many(self) -> tuple[Standing, ...]:
        """Every ticker, its age in whole seconds; the chosen one's reading is the one that is shown."""
        if self._missed is None or not self._held:
            self._held = {ticker: self._desk.view(ticker) for ticker in self.tickers}
        views = self._held | {self.ticker: self._view}
        standings = {
            ticker.symbol: Standing(ticker, _settled(self._desk.health(ticker), whole_seconds=True), views.get(ticker))
            for ticker in self.tickers
        }
        off = (entry.ticker for entry in self.watchlist.entries if not entry.on)
        standings |= {ticker.symbol: Standing(ticker, _OFF, on=False) for ticker in off}
        return tuple(standings[entry.symbol] for entry in self.watchlist.entries)

    def _on_axis(self, board: Board | None) -> Board | None:
        """The board on the coin's axis, the same one for the same; None where its own is shown."""
        if board is None or self.axis is PriceAxis.SHARE or board.chain.coin_ratio is None:
            return None
        if self._drawn is None or self._drawn[0] is not board:
            self._drawn = board, on_coin_axis(board)
        return self._drawn[1]

    @property
    def situation(self) -> Situation:
        """What decides which actions apply."""
        return Situation(
            board=self._view is not None,
            tickers=len(self.tickers),
            replay=self._view is not None and self._view.replay,
            recorded=self._desk.health(self.ticker).status.state is SourceState.REPLAY,
            fixed=self._editable is None,
            view=self.view,
        )

    @property
    def filters(self) -> Filters:
        """What the shown ticker is read through."""
        given = EVERYTHING if self._view is None else self._view.board.filters
        return self._chosen.get(self.ticker, given)

    @property
    def frozen(self) -> bool:
        """Whether the screen stands still."""
        return self._missed is not None

    def choose_ticker(self, ticker: Ticker) -> None:
        """Show another ticker, its last board at once."""
        self.ticker = ticker
        self._view = self._seen = self._desk.view(ticker)
        if self._missed is not None:
            self._missed = 0

    def edit(self, watchlist: Watchlist) -> None:
        """Watch these tickers from now on."""
        before, at = self.tickers, self.tickers.index(self.ticker)
        self.watchlist, self.tickers = watchlist, watchlist.tickers
        if self._editable is not None and self._editable.kept:
            self._saved_list = watchlist.entries
        for ticker in before:
            if ticker not in self.tickers and ticker in self._chosen:
                self._others[ticker.symbol] = self._chosen.pop(ticker)
        self.reroute(self.routing())
        self._read_as_before(ticker for ticker in self.tickers if ticker not in before)
        if self.ticker not in self.tickers:
            self.choose_ticker(self.tickers[min(at, len(self.tickers) - 1)])

    def routing(self) -> "Routing":
        """Where every ticker is to be read from now; looks at a file, and may be called in any thread."""
        if self._editable is None:
            return Routing(self.watchlist, {}, "")
        catalogue = self._editable.catalogue
        return Routing(self.watchlist, self.watchlist.routes(catalogue), catalogue.remark)

    def reroute(self, routing: "Routing") -> None:
        """Have every ticker read from where it is to be read now, unless the list has changed meanwhile."""
        if routing.watchlist is not self.watchlist:
            return
        self._remark = routing.remark
        routes = list(routing.routes.items())
        if routes != self._routes:
            self._routes = routes
            self._desk.choose(routing.routes)

    def _read_as_before(self, tickers: Iterable[Ticker]) -> None:
        """Read these tickers through the filters that were last chosen for them."""
        for ticker in tickers:
            filters = self._others.pop(ticker.symbol, None)
            if filters is not None:
                filters = without_past_dates(filters, self.now().astimezone(UTC).date())
                self._chosen[ticker] = filters
                self._desk.watch(ticker, filters)

    def ask(self, question: Callable[[], Coroutine[Any, Any, Answer]]) -> Future[Answer]:
        """Have a question answered in the core thread."""
        return self._desk.ask(question)

    def turn(self, steps: int) -> Ticker:
        """The ticker so many to the right (or left) of the shown one, round the ends."""
        return self.tickers[(self.tickers.index(self.ticker) + steps) % len(self.tickers)]

    def show_view(self, view: str) -> None:
        """Show another view."""
        if view == MANY != self.view:
            self._before_many = self.view
        self.view = view

    def leave_many(self) -> None:
        """Show the chosen ticker by itself again, as before the view of many."""
        self.view = self._before_many

    def choose_filters(self, **changes: Any) -> None:
        """Read the shown ticker through other filters."""
        filters = replace(self.filters, **changes)
        if filters != self.filters:
            self._thaw()
            self._chosen[self.ticker] = filters
            self._desk.watch(self.ticker, filters)

    def freeze(self) -> None:
        """Hold the screen still, or let it go on."""
        self._missed = 0 if self._missed is None else None
        self._held = {}

    def step(self, steps: int) -> None:
        """Move back (negative) or forward in what was recorded."""
        self._thaw()
        self._desk.step(self.ticker, steps)

    def reached_start(self) -> bool:
        """Whether a step back has just found nothing older; says so once."""
        reached, self._at_start = self._at_start, False
        return reached

    def live(self) -> None:
        """Leave history."""
        self._thaw()
        self._desk.live(self.ticker)

    def series(self, span: timedelta) -> Series | None:
        """The shown ticker's levels over the last ``span``, while frozen the same; None while they are fetched."""
        asked = (self.ticker, span)
        if not self.frozen or self._series is None or self._asked_series != asked:
            self._asked_series, self._series = asked, self._desk.chart(*asked)
        return self._series

    def standings(self) -> list[Standing]:
        """How every ticker's data stands, to the second."""
        return [Standing(ticker, self._desk.health(ticker), self._desk.view(ticker)) for ticker in self.tickers]

    def refresh(self) -> None:
        """Ask the source for a new chain."""
        self._desk.refresh(self.ticker)

    def state(self, theme: str, zoom: dict[str, int], columns: dict[str, tuple[str, ...]]) -> State:
        """What to remember."""
        filters = self._others | {ticker.symbol: filters for ticker, filters in self._chosen.items()}
        return State(
            self.ticker.symbol, self.view, self.unit, theme, filters, zoom, columns, self.axis, self._saved_list
        )

    def _no_data_since(self, health: Health) -> datetime | None:
        """When the newest data came, to the second and always the same second; None while all is well."""
        if not health.stale or health.age is None:
            self._stale_since.pop(self.ticker, None)
            return None
        since = self.now() - timedelta(seconds=health.age)
        known = self._stale_since.get(self.ticker)
        if known is None or abs(since - known) > _SAME_INSTANT:
            self._stale_since[self.ticker] = known = since.replace(microsecond=0)
        return known

    def _thaw(self) -> None:
        self._missed = None


def _settled(health: Health, *, whole_seconds: bool = False) -> Health:
    """The same without what changes by itself: no age while all is well, else one that changes rarely."""
    status = replace(health.status, connections=())
    age = health.age if health.stale or whole_seconds else None
    if age is not None:
        grain = 60.0 if age >= 99.5 else 1.0 if whole_seconds else 10.0
        age = age // grain * grain
    return replace(health, status=status, age=age)
