"""A live source on one clock that a test turns, and every chain that it yielded."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from gextui.market.chain import OptionChain
from gextui.market.ticker import KNOWN_TICKERS, Ticker
from gextui.simulator.altered import rows_of
from gextui.simulator.http_venue import HttpVenue, RecordedMarket
from gextui.simulator.market import SimulatedMarket
from gextui.sources.pacing import Backoff
from gextui.sources.source import Source, SourceState, SourceStatus
from tests.support.clock import FakeClock, settle

BTC, ETH, SOL, XRP = (KNOWN_TICKERS[symbol] for symbol in ("BTC", "ETH", "SOL", "XRP"))
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
_STEP = 0.25

longest_pauses = partial(Backoff, uniform=lambda least, most: most)
"""A back-off without chance."""


class FewExpiries(SimulatedMarket):
    """A simulated market that lists its nearest two expiries alone: a small one, for tests that turn for long."""

    def chain(self, ticker: Ticker) -> OptionChain:
        chain = super().chain(ticker)
        return rows_of(chain, chain.expiry < 2)


def still_market(*tickers: Ticker, start: datetime = NOON) -> RecordedMarket:
    """A market that does not move."""
    market = SimulatedMarket(5, start, tickers)
    return RecordedMarket(*(market.chain(ticker) for ticker in tickers))


def files_in(folder: Path) -> list[Path]:
    """What a source has kept there."""
    return sorted(folder.iterdir())


class Watched(HttpVenue):
    """A venue that counts every request and handshake, answered or not, by the clock's seconds."""

    _asked: list[tuple[float, str]] | None = None

    @property
    def asked(self) -> list[tuple[float, str]]:
        """When what was asked for."""
        if self._asked is None:
            self._asked = []
        return self._asked

    def _process_request(self, wire: ServerConnection, request: Request) -> Response | Awaitable[Response] | None:
        path = request.path.partition("?")[0]
        self.asked.append((self.clock.seconds(), "ws" if self._upgrades(path) else path.rpartition("/")[2]))
        return super()._process_request(wire, request)

    def asked_since(self, seconds: float, what: str | None = None) -> list[float]:
        """When something was asked for after that."""
        return [at for at, name in self.asked if at > seconds and what in (None, name)]


@dataclass(eq=False)
class SourceRig:
    """The source runs from `start` to `stop`, in the test's own loop."""

    source: Source
    clock: FakeClock
    chains: dict[Ticker, list[OptionChain]] = field(default_factory=lambda: defaultdict(list), kw_only=True)
    running: asyncio.Task[None] | None = field(default=None, kw_only=True)
    step: float = field(default=_STEP, kw_only=True)
    """Seconds after which sockets get their turn."""
    at_hand: bool = field(default=False, kw_only=True)
    """Whether all that may be on its way is on the venue's connections: no thread has it, and no door."""

    async def collect(self) -> None:
        async for chain in self.source.chains():
            self.chains[chain.ticker].append(chain)

    def start(self) -> None:
        self.running = asyncio.create_task(self.collect())

    async def stop(self) -> None:
        if self.running is not None:
            self.running.cancel()
            await asyncio.gather(self.running, return_exceptions=True)

    @asynccontextmanager
    async def run(self, *, started: bool) -> AsyncIterator[None]:
        """Start, now if ``started`` or else when the block does so, and stop when the block ends."""
        if started:
            self.start()
        try:
            yield
        finally:
            await self.stop()

    async def turn(self, seconds: float, until: Callable[[], object] | None = None) -> float:
        """Let so much time pass, giving sockets their turn; stop when ``until`` holds. The seconds that passed."""
        began = self.clock.seconds()
        while self.clock.seconds() - began < seconds - 1e-9:
            await self.clock.advance(min(self.step, seconds))
            # What crosses a socket on loopback needs turns of the loop, what a thread does needs a moment.
            await settle()
            if not self.at_hand or self.is_asking:
                await asyncio.sleep(0.001)
            await self.still()
            if self.running is not None and self.running.done():
                self.running.result()
            if until is not None and until():
                return self.clock.seconds() - began
        assert until is None or until(), f"not within {seconds:g} s; {self.status().state} {self.status().detail}"
        return self.clock.seconds() - began

    @property
    def is_asking(self) -> bool:
        """Whether a request is on its way."""
        return True

    async def still(self) -> None:
        """Let time stand still for what takes longer than a moment."""

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

    async def quiesce(self) -> None:
        """Let what is on its way arrive, without time passing."""
        for _ in range(20):
            await asyncio.sleep(0.001)


def sane(chain: OptionChain) -> None:
    """BTC's chain holds no number that a market could not have, and none has become zero."""
    for column in (chain.iv, chain.open_interest, chain.volume, chain.bid, chain.ask):
        assert np.isfinite(column[~np.isnan(column)]).all()
    assert np.nansum(chain.open_interest) > 100_000.0
    assert (chain.iv[~np.isnan(chain.iv)] > 0).all()
    assert 50_000.0 < chain.spot < 200_000.0
