"""Watch: what is being looked at, pulled from the desk. No Textual: the app asks it for a scene and draws that."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Protocol

from gextui.desk import Health, View
from gextui.exposure.filters import EVERYTHING, Filters
from gextui.market.ticker import Ticker
from gextui.ui.actions import Situation
from gextui.ui.scene import Scene, today
from gextui.ui.state import State, without_past_dates


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

    def refresh(self, ticker: Ticker) -> None:
        """Ask the source now."""
        ...


class Watch:
    """What the user looks at and how: ticker, view, unit, filters, frozen or not."""

    def __init__(self, desk: WatchedDesk, state: State, now: Callable[[], datetime]) -> None:
        self._desk = desk
        self._now = now
        self.tickers = desk.tickers
        symbols = [ticker.symbol for ticker in self.tickers]
        self.ticker = self.tickers[symbols.index(state.ticker) if state.ticker in symbols else 0]
        self.view = state.view
        self.unit = state.unit
        self.message = ""
        self._view: View | None = None
        """What is shown."""
        self._seen: View | None = None
        """The newest, which is not shown while frozen."""
        self._missed: int | None = None
        self._chosen: dict[Ticker, Filters] = {}
        for ticker in self.tickers:
            if ticker.symbol in state.filters:
                filters = without_past_dates(state.filters[ticker.symbol], now().astimezone(UTC).date())
                self._chosen[ticker] = filters
                desk.watch(ticker, filters)

    def pull(self) -> Scene:
        """What is to be shown now; equal to the last scene where nothing has changed."""
        newest = self._desk.view(self.ticker)
        if newest is not self._seen:
            if self._missed is not None and self._seen is not None:
                self._missed += 1
            self._seen = newest
        if self._missed is None:
            self._view = newest
        return Scene(
            tickers=self.tickers,
            ticker=self.ticker,
            board=None if self._view is None else self._view.board,
            health=_settled(self._desk.health(self.ticker)),
            view=self.view,
            unit=self.unit,
            today=today(self._now()),
            replay=self._view is not None and self._view.replay,
            missed=self._missed,
            message=self.message,
        )

    @property
    def situation(self) -> Situation:
        """What decides which actions apply."""
        return Situation(
            board=self._view is not None,
            tickers=len(self.tickers),
            replay=self._view is not None and self._view.replay,
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

    def turn(self, steps: int) -> Ticker:
        """The ticker so many to the right (or left) of the shown one, round the ends."""
        return self.tickers[(self.tickers.index(self.ticker) + steps) % len(self.tickers)]

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

    def step(self, steps: int) -> None:
        """Move back (negative) or forward in what was recorded."""
        self._thaw()
        self._desk.step(self.ticker, steps)

    def live(self) -> None:
        """Leave history."""
        self._thaw()
        self._desk.live(self.ticker)

    def refresh(self) -> None:
        """Ask the source for a new chain."""
        self._desk.refresh(self.ticker)

    def state(self, theme: str, zoom: dict[str, int]) -> State:
        """What to remember."""
        filters = {ticker.symbol: filters for ticker, filters in self._chosen.items()}
        return State(self.ticker.symbol, self.view, self.unit, theme, filters, zoom)

    def _thaw(self) -> None:
        self._missed = None


def _settled(health: Health) -> Health:
    """The same without what changes by itself: no age while all is well, else one that changes rarely."""
    if not health.stale or health.age is None:
        return replace(health, age=None)
    grain = 10.0 if health.age < 99.5 else 60.0
    return replace(health, age=health.age // grain * grain)
