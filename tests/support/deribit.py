"""The live source against a simulated Deribit over real sockets, on one clock that a test turns."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from gextui.market.ticker import Ticker
from gextui.simulator.deribit import DeribitVenue
from gextui.simulator.deribit_limits import UNLIMITED, Limits
from gextui.simulator.http_venue import Market
from gextui.simulator.market import SimulatedMarket
from gextui.sources.deribit import DeribitSource
from tests.support.clock import FakeClock
from tests.support.proxy import Door
from tests.support.rig import BTC, NOON, SourceRig, Watched, longest_pauses
from tests.support.waiting import eventually


class WatchedVenue(Watched, DeribitVenue):
    """Counts every request and handshake."""


@dataclass(eq=False)
class Rig(SourceRig):
    """A venue, the source that reads it, and every chain that it yielded."""

    source: DeribitSource
    venue: WatchedVenue

    @property
    def lost(self) -> dict[str, int]:
        """Connections of the stream lost, by reason."""
        return dict(self.source._stream.stats.losses)

    def notify(self, channel: str, data: Any) -> None:
        """Have the venue send this, whatever it is."""
        params = {"channel": channel, "data": data}
        self.venue.say(json.dumps({"jsonrpc": "2.0", "method": "subscription", "params": params}).encode())

    async def settled(self) -> None:
        """Return once BTC is live and everything is subscribed."""
        await self.live()
        await self.turn(3.0)

    async def counted(self, reason: str, at_least: int = 1) -> None:
        """Return once so many were rejected for that reason."""
        await eventually(lambda: self.rejected().get(reason, 0) >= at_least, f"{at_least} rejected for {reason}")

    async def calls(self, method: str, count: int) -> None:
        """Return once the venue was called so often."""
        await eventually(lambda: self.venue.calls[f"public/{method}"] >= count, f"{count} calls of {method}")


@asynccontextmanager
async def rigged(
    *tickers: Ticker,
    market: Market | Sequence[Ticker] | None = None,
    start: datetime = NOON,
    limits: Limits = UNLIMITED,
    cache_dir: Path | None = None,
    door: Door | None = None,
    seed: int = 3,
    started: bool = True,
) -> AsyncIterator[Rig]:
    """A simulated Deribit, and a source of the tickers (BTC) that runs.

    ``market`` is what the venue trades: tickers of a simulated market (the source's), or a market. With a ``door``
    the source goes through it.
    """
    chosen = tickers or (BTC,)
    clock = FakeClock(now=start.timestamp())
    if market is None or isinstance(market, Sequence):
        market = SimulatedMarket(seed, start, market or chosen)
    async with WatchedVenue(market, clock=clock, limits=limits) as venue:
        rest_url, ws_url = (url if door is None else door.url(url) for url in (venue.rest_url, venue.ws_url))
        source = DeribitSource(chosen, rest_url=rest_url, ws_url=ws_url, clock=clock, cache_dir=cache_dir)
        source._stream._backoff = longest_pauses(clock)
        rig = Rig(source, clock, venue)
        async with rig.run(started=started):
            yield rig
