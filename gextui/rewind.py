"""Rewind: a ticker's view moved back and forth through what was recorded, and its levels over time."""

from dataclasses import replace
from datetime import timedelta
from typing import Protocol

from gextui.keeper import History, Keeper
from gextui.lane import Lane, Reading
from gextui.market.calendar import end_of_day

CHART_POINTS = 600
DAILY_FROM = timedelta(days=90)
"""Over such a span the last reading of each day is fetched, by the clock of the ticker's market."""
_CHART_PATIENCE = 10.0
"""Seconds that a chart waits for the history."""


class Show(Protocol):
    """Puts what a lane shows now in its view."""

    async def __call__(self, lane: Lane, *, at_start: bool = False) -> None:
        """Show it; ``at_start`` says that nothing older was found."""
        ...


class Rewind:
    """Runs in the core thread."""

    def __init__(self, keeper: Keeper, show: Show) -> None:
        """Prepare to move views through what ``keeper`` remembers."""
        self._keeper = keeper
        self._show = show

    async def step(self, lane: Lane, steps: int) -> None:
        """Move the view back (negative) or forward; past the newest it is live.

        Steps that are asked for while one is under way are taken together with the next.
        """
        history = self._keeper.history
        if history is None:
            await self._show(lane, at_start=steps < 0)
            return
        lane.steps += steps
        if lane.stepping:
            return
        lane.stepping = True
        try:
            while lane.steps:
                steps, lane.steps = lane.steps, 0
                await self._move(lane, history, steps)
        finally:
            lane.stepping = False

    async def _move(self, lane: Lane, history: History, steps: int) -> None:
        replay = lane.replay
        shown = replay or lane.live
        if shown is None:
            return
        chain = await self._keeper.ask(history.step(lane.ticker, shown.board.as_of, steps))
        while chain is None and steps < -1 and not self._keeper.unread:  # before the first: as far as there is
            steps += 1
            chain = await self._keeper.ask(history.step(lane.ticker, shown.board.as_of, steps))
        if self._keeper.unread:
            return
        if chain is None and steps < 0:
            await self._show(lane, at_start=True)
            return
        past_end = chain is None or lane.live is None or chain.as_of >= lane.live.board.as_of
        reading = None if past_end or chain is None else Reading.of(chain, await self._keeper.past(chain))
        if lane.replay is replay:  # and nobody went back to the live view meanwhile
            lane.replay = reading
            await self._show(lane)

    async def end(self, lane: Lane) -> None:
        """Return the view to the newest board."""
        lane.replay = None
        lane.steps = 0
        await self._show(lane)

    async def fetch_chart(self, lane: Lane, span: timedelta) -> None:
        """Fetch the levels over the last ``span`` into the lane's chart, if that is still of such a span then."""
        history = self._keeper.history
        if history is None or lane.newest is None:
            return
        end, points = lane.newest.board.as_of, CHART_POINTS
        if span >= DAILY_FROM:
            end, points = end_of_day(end, lane.ticker.session), span.days
        question = history.range(lane.ticker, end - span, end, at_most=points)
        series = await self._keeper.ask(question, _CHART_PATIENCE)
        if series is not None and lane.chart is not None and lane.chart.span == span:
            lane.chart = replace(lane.chart, series=series)
