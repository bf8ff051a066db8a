"""The demo: coins through Deribit's wire format and the real source, the rest straight from the same market."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from gextui.market.chain import OptionChain
from gextui.market.ticker import Kind, Ticker
from gextui.route import Route
from gextui.simulator.deribit import DeribitVenue
from gextui.simulator.source import TO_THE_EXPIRY, SimulatedSource, before_the_expiry
from gextui.sources.deribit import DeribitSource
from gextui.sources.recorded import RecordedHistory
from gextui.sources.source import Source, SourceState, SourceStatus

BEFORE_THE_EXPIRY = timedelta(minutes=3)
"""How soon the demo's first expiry comes."""


class Demo:
    """Two sources of one simulated market, and its past; what they give goes into one desk."""

    def __init__(self, seed: int, *, start: datetime | None = None) -> None:
        """Prepare a market; it is made in the core thread, and its time is as fast as any: the real source measures it.

        Args:
            seed: What happens.
            start: The simulated instant of the first screen; `BEFORE_THE_EXPIRY` today's coin expiry where None.
        """
        start = start or before_the_expiry(datetime.now(UTC)) + TO_THE_EXPIRY - BEFORE_THE_EXPIRY
        market = _RecordedByDeribit(seed, start=start, speed=1.0)
        coins, others = _Coins(market), _Others(market)
        self.sources: tuple[Source, ...] = (coins, others)
        self.routes = {ticker: Route((coins.name if _is_coin(ticker) else others.name,)) for ticker in market.tickers}
        """In the market's own order."""
        self.market = market

    async def open_history(self) -> RecordedHistory:
        """The market's own past, in memory."""
        return await self.market.open_history()


class _RecordedByDeribit(SimulatedSource):
    """A past that the demo's own source might have recorded, so that now and then can be compared."""

    def recorded(self, chain: OptionChain) -> OptionChain:
        return replace(chain, source=DeribitSource.name) if _is_coin(chain.ticker) else chain


class _Coins:
    """Deribit's source against a simulated Deribit on loopback."""

    name = DeribitSource.name

    def __init__(self, market: SimulatedSource) -> None:
        self.tickers = tuple(filter(_is_coin, market.tickers))
        self._market = market
        self._deribit: DeribitSource | None = None

    def status(self, ticker: Ticker) -> SourceStatus:
        """As the real source says it."""
        if self._deribit is None:
            return SourceStatus(self.name, SourceState.CONNECTING, self._market.interval)
        return self._deribit.status(ticker)

    def refresh(self, ticker: Ticker) -> None:
        """Ask the venue now."""
        if self._deribit is not None:
            self._deribit.refresh(ticker)

    async def chains(self) -> AsyncIterator[OptionChain]:
        """Open the venue, which from then on moves the market, and read it."""
        market, _ = self._market.made()
        async with DeribitVenue(market) as venue:
            self._deribit = DeribitSource(
                self.tickers,
                rest_url=venue.rest_url,
                ws_url=venue.ws_url,
                interval=self._market.interval,
                clock=venue.clock,
            )
            async for chain in self._deribit.chains():
                yield chain


class _Others:
    """What Deribit does not list, read off the market as the venue moves it."""

    def __init__(self, market: SimulatedSource) -> None:
        self.name = market.name
        self.tickers = tuple(ticker for ticker in market.tickers if not _is_coin(ticker))
        self._market = market

    def status(self, ticker: Ticker) -> SourceStatus:
        """Simulated, whatever happens."""
        return self._market.status(ticker)

    async def chains(self) -> AsyncIterator[OptionChain]:
        """Yield every ticker's chain each interval, for ever."""
        market, _ = self._market.made()
        while True:
            for ticker in self.tickers:
                yield market.chain(ticker)
            await asyncio.sleep(self._market.interval)


def _is_coin(ticker: Ticker) -> bool:
    return ticker.kind is Kind.COIN
