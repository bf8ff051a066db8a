"""The simulated market as a source, and its past as a history."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

from gextui.exposure.board import Board
from gextui.market.chain import OptionChain
from gextui.market.ticker import Ticker
from gextui.simulator.market import SOURCE, SimulatedMarket
from gextui.sources.recorded import RecordedHistory
from gextui.sources.source import SourceState, SourceStatus

LEAD = timedelta(minutes=31)
"""How much of the past is there from the first screen on; a little more than the longest window of change."""
_KEEP_EVERY = timedelta(seconds=20)
_KEEP_ALL_FOR = timedelta(hours=1)


def before_the_expiry(day: datetime) -> datetime:
    """A good instant to start at: coins' options expire 20 minutes later."""
    return day.astimezone(UTC).replace(hour=7, minute=40, second=0, microsecond=0)


class SimulatedSource:
    """A source of simulated chains, whose clock runs ``speed`` times as fast as the wall's."""

    name = SOURCE

    def __init__(
        self,
        seed: int,
        tickers: Sequence[Ticker] | None = None,
        *,
        start: datetime | None = None,
        interval: float = 1.0,
        speed: float = 10.0,
    ) -> None:
        """Prepare a market; a day of it passes before ``start``, so that there is a yesterday and a last half hour.

        Args:
            seed: What happens.
            tickers: Some of those `SimulatedMarket` knows; all where None.
            start: The simulated instant of the first chain; `before_the_expiry` of today where None.
            interval: Seconds between chains.
            speed: Simulated seconds a second.
        """
        self._start = before_the_expiry(datetime.now(UTC)) if start is None else start.replace(microsecond=0)
        self._market = SimulatedMarket(seed, self._start - timedelta(days=1) - LEAD, tickers)
        self._interval = interval
        self._speed = speed
        self._history: _SimulatedHistory | None = None
        self.tickers = self._market.tickers

    def status(self, ticker: Ticker) -> SourceStatus:
        """Simulated, whatever happens."""
        return SourceStatus(SOURCE, SourceState.SIMULATED, self._interval)

    async def open_history(self) -> RecordedHistory:
        """The market's own past, in memory; to be given to the desk that runs this source."""
        return self._past()

    async def chains(self) -> AsyncIterator[OptionChain]:
        """Yield every ticker's chain each interval, for ever."""
        self._past()
        while True:
            for ticker in self.tickers:
                yield self._market.chain(ticker)
            await asyncio.sleep(self._interval)
            self._market.step(self._interval * self._speed)

    def _past(self) -> "_SimulatedHistory":
        """Bring the market to its start, once."""
        if self._history is None:
            self._history = _SimulatedHistory(self._market.chain(ticker) for ticker in self.tickers)
            self._market.leap(86400)
            while self._market.now < self._start:
                for ticker in self.tickers:
                    self._history.add(self._market.chain(ticker))
                self._market.step(min(_KEEP_EVERY, self._start - self._market.now).total_seconds())
        return self._history


class _SimulatedHistory(RecordedHistory):
    """A history that goes on, thinned, for as long as the demo runs."""

    async def record(self, board: Board) -> None:
        """Remember the chain, unless one was remembered a moment ago."""
        last = await self.latest(board.ticker)
        if last is None or board.as_of - last.as_of >= _KEEP_EVERY:
            self.add(board.chain)
            self.thin(board.ticker, board.as_of - _KEEP_ALL_FOR)
