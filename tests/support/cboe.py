"""The live source against a simulated Cboe over real sockets, on one clock that a test turns."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

from gextui.market.calendar import NEW_YORK
from gextui.market.chain import OptionChain
from gextui.market.ticker import KNOWN_TICKERS, Ticker
from gextui.simulator import http_venue
from gextui.simulator.cboe import CboeVenue
from gextui.simulator.http_venue import Market
from gextui.simulator.market import SimulatedMarket
from gextui.sources import cboe_live
from gextui.sources.cboe_live import CboeSource
from tests.support.clock import FakeClock, settle
from tests.support.proxy import Door
from tests.support.rig import SourceRig, Watched, longest_pauses

SPX, SPY, NDX, IBIT = (KNOWN_TICKERS[symbol] for symbol in ("SPX", "SPY", "NDX", "IBIT"))
RATE = 0.04
_STEP = 2.0
_PATIENCE = 1000


def new_york(text: str) -> datetime:
    """An instant from New York's time: ``2026-11-20 15:59``."""
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).astimezone(UTC)


IN_SESSION = new_york("2026-11-19 11:00")
"""A Thursday."""


class WatchedVenue(Watched, CboeVenue):
    """Counts every request."""


@dataclass(eq=False)
class Rig(SourceRig):
    """A venue, the source that reads it, and every chain that it yielded."""

    source: CboeSource
    venue: WatchedVenue

    async def first(self, *tickers: Ticker) -> None:
        """Return once the tickers (the source's) have a chain."""
        for ticker in tickers or self.source.tickers:
            await self.turn(60.0, lambda ticker=ticker: self.chains[ticker])  # type: ignore[misc]

    async def still(self) -> None:
        """Let time stand still while a file is on its way and read, unless the clock itself is waited for."""
        for waited in range(_PATIENCE):
            if not self.source._turn.locked() or self.is_waiting:
                if waited:
                    await settle()
                break
            await asyncio.sleep(0.002)

    @property
    def is_asking(self) -> bool:
        return self.source._turn.locked() or bool(self.venue.network.open)

    @property
    def is_waiting(self) -> bool:
        """Whether the next request waits for its turn by the clock, or its answer for the venue's."""
        running = self.source._running
        return self.venue.network.bytes_a_second is not None or (
            running is not None and running[0].limiter._turn.locked()
        )

    def readings(self, ticker: Ticker = SPY) -> list[OptionChain]:
        """The chains without those that only say that there is nothing newer."""
        chains = self.chains[ticker]
        return [chain for place, chain in enumerate(chains) if not place or chain is not chains[place - 1]]

    def spoken(self, ticker: Ticker | None = None) -> str:
        """The state and the words for it."""
        status = self.status(ticker)
        return f"{status.state}: {status.detail}"

    async def until(self, instant: datetime) -> None:
        """Let time pass until then, a little at a time."""
        await self.turn(instant.timestamp() - self.clock.now())


@asynccontextmanager
async def rigged(
    *tickers: Ticker,
    market: Market | Sequence[Ticker] | None = None,
    start: datetime = IN_SESSION,
    cache_dir: Path | None = None,
    door: Door | None = None,
    seed: int = 3,
    started: bool = True,
    tick: float = 5.0,
) -> AsyncIterator[Rig]:
    """A simulated Cboe, and a source of the tickers (SPY) that runs.

    ``market`` is what the venue trades: tickers of a simulated market (the source's), or a market. With a ``door``
    the source goes through it. The venue looks at its clock every ``tick`` seconds.
    """
    chosen = tickers or (SPY,)
    clock = FakeClock(now=start.timestamp())
    if market is None or isinstance(market, Sequence):
        market = SimulatedMarket(seed, start, market or chosen)
    async with WatchedVenue(market, clock=clock) as venue:
        rest_url = venue.rest_url if door is None else door.url(venue.rest_url)
        with patch.object(cboe_live, "Backoff", longest_pauses), patch.object(http_venue, "_TICK", tick):
            source = CboeSource(chosen, rest_url=rest_url, rate=lambda: RATE, clock=clock, cache_dir=cache_dir)
            rig = Rig(source, clock, venue, step=_STEP, at_hand=door is None and cache_dir is None)
            async with rig.run(started=started):
                yield rig
