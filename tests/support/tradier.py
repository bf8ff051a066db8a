"""The live Tradier source against a simulated Tradier over real sockets, on one clock that a test turns."""

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

from gextui.market.calendar import NEW_YORK
from gextui.market.ticker import KNOWN_TICKERS, Ticker
from gextui.secrets import Secret
from gextui.simulator import http_venue
from gextui.simulator.http_venue import Market
from gextui.simulator.market import SimulatedMarket
from gextui.simulator.tradier import TOKEN, TradierVenue
from gextui.sources import polling, tradier_rest
from gextui.sources.source import SourceState
from gextui.sources.tradier_live import EVERY, TradierSource
from tests.support.clock import FakeClock, settle
from tests.support.proxy import Door
from tests.support.rig import SourceRig, Watched, longest_pauses
from tests.support.waiting import eventually

SPX, SPY = KNOWN_TICKERS["SPX"], KNOWN_TICKERS["SPY"]
_STEP = 0.25
_TICK = 60.0
"""Seconds between the market's steps: rounds are ten minutes apart, and tests turn the clock for days."""


def new_york(day: str, at: str) -> datetime:
    """An instant by New York's clock."""
    return datetime.fromisoformat(f"{day}T{at}").replace(tzinfo=NEW_YORK)


THURSDAY = new_york("2026-11-19", "10:00")
"""The day before the monthly expiry, while New York trades."""


class WatchedVenue(Watched, TradierVenue):
    """Counts every request, answered or not."""


@dataclass(eq=False)
class Rig(SourceRig):
    """A venue, the source that reads it, and every chain that it yielded."""

    source: TradierSource
    venue: WatchedVenue

    async def turn(self, seconds: float, until: Callable[[], object] | None = None) -> float:
        """Let so much time pass, fast while the source waits; stop when ``until`` holds. The seconds that passed."""
        began = self.clock.seconds()
        while (left := seconds - (self.clock.seconds() - began)) > 1e-9:
            await self._arrive()
            if self.running is not None and self.running.done():
                self.running.result()
            if until is not None and until():
                return self.clock.seconds() - began
            await self.clock.advance(min(left, max(self._quiet_for(), _STEP)))
        await self._arrive()
        assert until is None or until(), f"not within {seconds:g} s; {self.status().state} {self.status().detail}"
        return seconds

    def _quiet_for(self) -> float:
        """Seconds in which the source asks for nothing; 0 while it asks."""
        source = self.source
        if source._rest is None or source._rest.is_refused:
            return math.inf
        return min([source._beat_due(), *map(source._due, source._books.values())]) if source._wake._waiters else 0.0

    async def _arrive(self) -> None:
        """Let what is on its way arrive, save from where nothing comes."""
        await settle()
        network = self.venue.network
        if not self.at_hand or network.open:
            await asyncio.sleep(0.001)
        await eventually(lambda: all(wire.held for wire in network.open) or network.bytes_a_second is not None)

    async def read(self, *tickers: Ticker) -> None:
        """Return once each ticker (the first) has a chain."""
        for ticker in tickers or self.source.tickers[:1]:
            await self.turn(120.0, lambda ticker=ticker: self.chains[ticker])  # type: ignore[misc]

    def rounds(self, ticker: Ticker | None = None) -> int:
        """How many chains of a ticker (the first) came."""
        return len(self.chains[self.source.tickers[0] if ticker is None else ticker])

    async def until(self, day: str, at: str) -> None:
        """Let time pass until it is then in New York."""
        await self.turn(new_york(day, at).timestamp() - self.clock.now())

    def said(self, ticker: Ticker | None = None) -> tuple[SourceState, str]:
        """State and detail of a ticker (the first)."""
        status = self.status(ticker)
        return status.state, status.detail


async def _here(work: Callable[..., Any], *arguments: Any) -> Any:
    return work(*arguments)


@asynccontextmanager
async def rigged(
    *tickers: Ticker,
    market: Market | Sequence[Ticker] | None = None,
    start: datetime = THURSDAY,
    token: str | None = TOKEN,
    quota: int = 120,
    every: float = EVERY,
    cache_dir: Path | None = None,
    door: Door | None = None,
    started: bool = True,
) -> AsyncIterator[Rig]:
    """A simulated Tradier, and a source of the tickers (SPY) that runs with a token.

    ``market`` is what the venue trades: tickers of a simulated market (the source's), or a market.
    """
    chosen = tickers or (SPY,)
    clock = FakeClock(now=start.timestamp())
    if market is None or isinstance(market, Sequence):
        market = SimulatedMarket(3, start, market or chosen)
    with (
        patch.object(http_venue, "_TICK", _TICK),
        patch.object(polling, "Backoff", longest_pauses),
        patch.object(tradier_rest, "_CALLS_AT_ONCE", 6),  # a round takes a while
        patch("asyncio.to_thread", _here),  # a thread's end is by no clock that a test turns
    ):
        async with WatchedVenue(market, clock=clock, quota=quota) as venue:
            source = TradierSource(
                chosen,
                rest_url=venue.rest_url if door is None else door.url(venue.rest_url),
                token=None if token is None else Secret(token),
                rate=lambda: 0.04,
                every=every,
                clock=clock,
                cache_dir=cache_dir,
            )
            rig = Rig(source, clock, venue, at_hand=door is None)
            async with rig.run(started=started):
                yield rig
