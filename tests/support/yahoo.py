"""The live source against a simulated Yahoo over real sockets, on one clock that a test turns."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from unittest.mock import patch

from gextui.market.chain import OptionChain
from gextui.market.ticker import KNOWN_TICKERS, Ticker
from gextui.simulator.http_venue import RecordedMarket
from gextui.simulator.yahoo import YahooVenue
from gextui.sources import polling
from gextui.sources.yahoo_live import YahooSource
from tests.support.clock import FakeClock
from tests.support.proxy import Door
from tests.support.rig import SourceRig, Watched, longest_pauses, still_market
from tests.support.waiting import eventually

SPX, SPY = KNOWN_TICKERS["SPX"], KNOWN_TICKERS["SPY"]
TEN = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
"""In New York, on the third Friday of the month."""
RATE = 0.04
OPTIONS = "v7/finance/options"
still = partial(still_market, start=TEN)
"""A market that does not move."""


class WatchedVenue(Watched, YahooVenue):
    """Counts every request. Its market stands still, so that hours can pass quickly."""

    async def _run(self) -> None:
        await asyncio.Event().wait()


@dataclass(eq=False)
class Rig(SourceRig):
    """A venue, the source that reads it, and every chain that it yielded."""

    source: YahooSource
    venue: WatchedVenue

    @property
    def asked(self) -> int:
        """How often options were asked for."""
        return self.venue.calls[OPTIONS]

    async def whole(self, ticker: Ticker = SPY, within: float = 60.0) -> None:
        """Return once every expiry is in the newest chain."""
        await self.turn(within, lambda: self.chains[ticker] and not self.unread(ticker))

    def newest(self, ticker: Ticker = SPY) -> OptionChain:
        return super().newest(ticker)

    def rejected(self, ticker: Ticker = SPY) -> dict[str, int]:
        return super().rejected(ticker)

    @property
    def is_asking(self) -> bool:
        return bool(self.venue.network.open)

    def unread(self, ticker: Ticker = SPY) -> bool:
        """Whether the newest chain says that expiries are not read yet."""
        return any(note.startswith("Not read yet") for note in self.newest(ticker).notes)

    async def leap(self, seconds: float) -> None:
        """Let much time pass, in steps of the source's looks."""
        for _ in range(round(seconds / 10.0)):
            await self.clock.advance(10.0)
            await eventually(lambda: not self.venue.network.open, "the end of the requests")


def at(hour: float, day: int = 20) -> datetime:
    """An hour of November 2026 in New York."""
    return datetime(2026, 11, day, tzinfo=UTC) + timedelta(hours=hour + 5)


@asynccontextmanager
async def rigged(
    *tickers: Ticker,
    market: RecordedMarket | Sequence[Ticker] | None = None,
    start: datetime = TEN,
    cache_dir: Path | None = None,
    door: Door | None = None,
    started: bool = True,
) -> AsyncIterator[Rig]:
    """A simulated Yahoo, and a source of the tickers (SPY) that runs.

    ``market`` is what the venue trades: tickers of a market that stands still (the source's), or recorded chains. With
    a ``door`` the source goes through it.
    """
    chosen = tickers or (SPY,)
    clock = FakeClock(now=start.timestamp())
    if market is None or isinstance(market, Sequence):
        market = still(*(market or chosen), start=start)
    async with WatchedVenue(market, clock=clock) as venue:
        with patch.object(polling, "Backoff", longest_pauses):
            source = YahooSource(
                chosen,
                rest_url=venue.rest_url if door is None else door.url(venue.rest_url),
                cookie_url=venue.cookie_url if door is None else door.url(venue.cookie_url),
                rate=lambda: RATE,
                clock=clock,
                cache_dir=cache_dir,
            )
            rig = Rig(source, clock, venue, at_hand=door is None and cache_dir is None)
            async with rig.run(started=started):
                yield rig
