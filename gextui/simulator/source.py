"""The simulated market as a source, and its past as a history."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

from gextui.exposure.board import Board
from gextui.market.chain import OptionChain
from gextui.market.ticker import Ticker
from gextui.simulator.listing import UNDERLYINGS
from gextui.simulator.market import SOURCE, SimulatedMarket
from gextui.sources.recorded import RecordedHistory
from gextui.sources.source import SourceState, SourceStatus

LEAD = timedelta(minutes=31)
"""How much of the past is there from the first screen on; a little more than the longest window of change."""
_KEEP_EVERY = timedelta(seconds=20)
_KEEP_ALL_FOR = timedelta(hours=1)


TO_THE_EXPIRY = timedelta(minutes=20)


def before_the_expiry(day: datetime) -> datetime:
    """A good instant to start at: coins' options expire `TO_THE_EXPIRY` later."""
    return day.astimezone(UTC).replace(hour=8, minute=0, second=0, microsecond=0) - TO_THE_EXPIRY


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
        """Prepare a market; it is made in the core thread, and a day of it passes before ``start``.

        Args:
            seed: What happens.
            tickers: Some of those `SimulatedMarket` knows; all where None.
            start: The simulated instant of the first chain; `before_the_expiry` of today where None.
            interval: Seconds between chains.
            speed: Simulated seconds a second.
        """
        self.tickers = tuple(known.ticker for known in UNDERLYINGS.values()) if tickers is None else tuple(tickers)
        self._seed = seed
        self._start = before_the_expiry(datetime.now(UTC)) if start is None else start.replace(microsecond=0)
        self.interval = interval
        self.speed = speed
        self._made: tuple[SimulatedMarket, RecordedHistory] | None = None

    def status(self, ticker: Ticker) -> SourceStatus:
        """Simulated, whatever happens."""
        return SourceStatus(SOURCE, SourceState.SIMULATED, self.interval)

    async def open_history(self) -> RecordedHistory:
        """The market's own past, in memory; to be given to the desk that runs this source."""
        return self.made()[1]

    def recorded(self, chain: OptionChain) -> OptionChain:
        """The chain as whoever recorded the past would have seen it."""
        return chain

    async def chains(self) -> AsyncIterator[OptionChain]:
        """Yield every ticker's chain each interval, for ever."""
        market, _ = self.made()
        while True:
            for ticker in self.tickers:
                yield market.chain(ticker)
            await asyncio.sleep(self.interval)
            market.step(self.interval * self.speed)

    def made(self) -> tuple[SimulatedMarket, RecordedHistory]:
        """The market, made when first asked for, and its past: yesterday, and the last half hour before the start."""
        if self._made is None:
            market = SimulatedMarket(self._seed, self._start - timedelta(days=1) - LEAD, self.tickers)
            history = _SimulatedHistory(self.recorded(market.chain(ticker)) for ticker in self.tickers)
            market.leap(86400)
            while market.now < self._start:
                for ticker in self.tickers:
                    history.add(self.recorded(market.chain(ticker)))
                market.step(min(_KEEP_EVERY, self._start - market.now).total_seconds())
            self._made = market, history
        return self._made


class _SimulatedHistory(RecordedHistory):
    """A history that goes on, thinned, for as long as the demo runs."""

    async def record(self, board: Board) -> None:
        """Remember the chain, unless one was remembered a moment ago."""
        last = await self.latest(board.ticker)
        if last is None or board.as_of - last.as_of >= _KEEP_EVERY:
            self.add(board.chain)
            self.thin(board.ticker, board.as_of - _KEEP_ALL_FOR)
