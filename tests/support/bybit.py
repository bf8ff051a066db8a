"""The live source against a simulated Bybit over real sockets, on one clock that a test turns."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

from gextui.market.ticker import Ticker
from gextui.simulator.bybit import PUBLISHED, BybitVenue, Limits
from gextui.simulator.http_venue import Market
from gextui.simulator.market import SimulatedMarket
from gextui.sources import stream
from gextui.sources.bybit import BybitSource
from gextui.sources.bybit_lines import Line
from tests.support.clock import FakeClock
from tests.support.rig import BTC, NOON, FewExpiries, SourceRig, Watched, longest_pauses
from tests.support.waiting import eventually


class WatchedVenue(Watched, BybitVenue):
    """Counts every request and handshake."""


@dataclass(eq=False)
class Rig(SourceRig):
    """A venue, the source that reads it, and every chain that it yielded."""

    source: BybitSource
    venue: WatchedVenue

    def lines(self, ticker: Ticker = BTC) -> tuple[Line, ...]:
        """The coin's connections."""
        lines = self.source._coins[ticker].lines
        return () if lines is None else lines.lines

    def losses(self, ticker: Ticker = BTC) -> dict[str, int]:
        """Connections lost, by reason."""
        return {why: count for line in self.lines(ticker) for why, count in line.stream.stats.losses.items()}

    def symbols(self, ticker: Ticker = BTC) -> list[str]:
        """What the venue lists."""
        return self.venue.exchange.books[ticker.symbol].symbols

    def topics(self) -> set[str]:
        """What is subscribed to, on any connection."""
        return {topic for session in self.venue.sessions for topic in session.topics}

    def push(self, symbol: str, *, at: float = 0.0, kind: str = "snapshot", **changed: Any) -> None:
        """Have the venue push a symbol's ticker as of ``at`` seconds from now, with these numbers changed."""
        data = (self.venue.exchange.pushed(symbol) or {}) | changed
        sent = int((self.clock.now() + at) * 1000)
        topic = f"tickers.{symbol}"
        self.venue.say(json.dumps({"topic": topic, "ts": sent, "type": kind, "data": data}).encode())

    async def settled(self) -> None:
        """Return once BTC is live and everything is subscribed."""
        await self.live()
        await self.turn(3.0)

    async def counted(self, reason: str, at_least: int = 1) -> None:
        """Return once so many were rejected for that reason."""
        await eventually(lambda: self.rejected().get(reason, 0) >= at_least, f"{at_least} rejected for {reason}")


@asynccontextmanager
async def rigged(
    *tickers: Ticker,
    market: Market | Sequence[Ticker] | None = None,
    start: datetime = NOON,
    limits: Limits = PUBLISHED,
    cache_dir: Path | None = None,
    seed: int = 3,
    small: bool = False,
    started: bool = True,
) -> AsyncIterator[Rig]:
    """A simulated Bybit, and a source of the tickers (BTC) that runs.

    ``market`` is what the venue trades: tickers of a simulated market (the source's), or a market. A ``small`` one is
    all on one connection.
    """
    chosen = tickers or (BTC,)
    clock = FakeClock(now=start.timestamp())
    if market is None or isinstance(market, Sequence):
        market = (FewExpiries if small else SimulatedMarket)(seed, start, market or chosen)
    async with WatchedVenue(market, clock=clock, limits=limits) as venue:
        source = BybitSource(chosen, rest_url=venue.rest_url, ws_url=venue.ws_url, clock=clock, cache_dir=cache_dir)
        rig = Rig(source, clock, venue)
        with patch.object(stream, "Backoff", longest_pauses):
            async with rig.run(started=started):
                yield rig
