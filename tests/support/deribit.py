"""The live source against a simulated Deribit over real sockets, on one clock that a test turns."""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from gextui.market.chain import OptionChain
from gextui.market.ticker import KNOWN_TICKERS, Ticker
from gextui.simulator.deribit import DeribitVenue
from gextui.simulator.deribit_limits import UNLIMITED, Limits
from gextui.simulator.http_venue import Market
from gextui.simulator.market import SimulatedMarket
from gextui.sources.deribit import DeribitSource
from gextui.sources.pacing import Backoff
from gextui.sources.source import SourceState, SourceStatus
from tests.support.clock import FakeClock, settle
from tests.support.proxy import Door
from tests.support.waiting import eventually

BTC, ETH, SOL = (KNOWN_TICKERS[symbol] for symbol in ("BTC", "ETH", "SOL"))
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
_STEP = 0.25


class WatchedVenue(DeribitVenue):
    """Counts every request and handshake, answered or not, by the clock's seconds."""

    def __init__(self, market: Market, *, clock: FakeClock, limits: Limits) -> None:
        super().__init__(market, clock=clock, limits=limits)
        self.asked: list[tuple[float, str]] = []

    def _process_request(self, wire: ServerConnection, request: Request) -> Response | None:
        path = request.path.partition("?")[0]
        self.asked.append((self.clock.seconds(), path.rpartition("/")[2] if path != self.ws_path else "ws"))
        return super()._process_request(wire, request)

    def asked_since(self, seconds: float, what: str | None = None) -> list[float]:
        """When something was asked for after that."""
        return [at for at, name in self.asked if at > seconds and what in (None, name)]


@dataclass(eq=False)
class Rig:
    """A venue, the source that reads it, and every chain that it yielded."""

    venue: WatchedVenue
    source: DeribitSource
    clock: FakeClock
    chains: dict[Ticker, list[OptionChain]] = field(default_factory=lambda: defaultdict(list))
    running: asyncio.Task[None] | None = None

    async def collect(self) -> None:
        async for chain in self.source.chains():
            self.chains[chain.ticker].append(chain)

    def start(self) -> None:
        self.running = asyncio.create_task(self.collect())

    async def stop(self) -> None:
        if self.running is not None:
            self.running.cancel()
            await asyncio.gather(self.running, return_exceptions=True)

    async def turn(self, seconds: float, until: Callable[[], object] | None = None) -> float:
        """Let so much time pass, giving sockets their turn; stop when ``until`` holds. The seconds that passed."""
        began = self.clock.seconds()
        while self.clock.seconds() - began < seconds - 1e-9:
            await self.clock.advance(_STEP)
            # What crosses a socket on loopback needs turns of the loop, what a thread does needs a moment.
            await settle()
            await asyncio.sleep(0.001)
            if self.running is not None and self.running.done():
                self.running.result()
            if until is not None and until():
                return self.clock.seconds() - began
        assert until is None or until(), f"not within {seconds:g} s; {self.status().state} {self.status().detail}"
        return self.clock.seconds() - began

    async def live(self, *tickers: Ticker) -> None:
        """Return once the tickers (BTC) are live and have a chain."""
        for ticker in tickers or (BTC,):
            await self.turn(20.0, lambda ticker=ticker: self.is_live(ticker) and self.chains[ticker])  # type: ignore[misc]

    def is_live(self, ticker: Ticker = BTC) -> bool:
        return self.status(ticker).state is SourceState.LIVE

    def status(self, ticker: Ticker | None = None) -> SourceStatus:
        return self.source.status(self.source.tickers[0] if ticker is None else ticker)

    def newest(self, ticker: Ticker = BTC) -> OptionChain:
        return self.chains[ticker][-1]

    def rejected(self, ticker: Ticker = BTC) -> dict[str, int]:
        return dict(self.status(ticker).connections[0].rejected)

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

    async def quiesce(self) -> None:
        """Let what is on its way arrive, without time passing."""
        for _ in range(20):
            await asyncio.sleep(0.001)

    async def calls(self, method: str, count: int) -> None:
        """Return once the venue was called so often."""
        await eventually(lambda: self.venue.calls[f"public/{method}"] >= count, f"{count} calls of {method}")


def sane(chain: OptionChain) -> None:
    """BTC's chain holds no number that a market could not have, and none has become zero."""
    for column in (chain.iv, chain.open_interest, chain.volume, chain.bid, chain.ask):
        assert np.isfinite(column[~np.isnan(column)]).all()
    assert np.nansum(chain.open_interest) > 100_000.0
    assert (chain.iv[~np.isnan(chain.iv)] > 0).all()
    assert 50_000.0 < chain.spot < 200_000.0


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
        source._stream._backoff = Backoff(clock, uniform=lambda least, most: most)  # the longest pauses, no chance
        rig = Rig(venue, source, clock)
        if started:
            rig.start()
        try:
            yield rig
        finally:
            await rig.stop()
