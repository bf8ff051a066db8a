"""The live Tastytrade source against a simulated Tastytrade over real sockets, on one clock that a test turns."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from gextui.market.chain import OptionChain
from gextui.market.ticker import KNOWN_TICKERS, Ticker
from gextui.secrets import Secret
from gextui.simulator.http_venue import Market
from gextui.simulator.tastytrade import CLIENT_SECRET, REFRESH_TOKEN, SimulatedTastytrade
from gextui.sources import polling, stream
from gextui.sources.source import SourceState
from gextui.sources.tastytrade_live import ROOM, TastytradeSource
from tests.support.clock import FakeClock
from tests.support.rig import FewExpiries, SourceRig, longest_pauses
from tests.support.tradier import new_york

SPX, SPY = KNOWN_TICKERS["SPX"], KNOWN_TICKERS["SPY"]
THURSDAY = new_york("2026-11-19", "10:00")
"""The day before the monthly expiry, while New York trades."""
FIRST_CHAIN = 30.0
"""Seconds in which a small book is read for the first time."""


@dataclass(eq=False)
class Rig(SourceRig):
    """A venue, the source that reads it, and every chain that it yielded."""

    source: TastytradeSource
    venue: SimulatedTastytrade
    make: Callable[[], TastytradeSource]

    async def restart(self) -> None:
        """Have another source read the venue from now on, as after a new start."""
        await self.stop()
        self.source = self.make()
        self.chains.clear()
        self.start()

    async def read(self, *tickers: Ticker) -> None:
        """Return once each ticker (the first) has a chain."""
        for ticker in tickers or self.source.tickers[:1]:
            await self.turn(FIRST_CHAIN, lambda ticker=ticker: self.chains[ticker])  # type: ignore[misc]

    async def renewed(self, ticker: Ticker | None = None, within: float = 15.0) -> OptionChain:
        """The next chain of a ticker (the first)."""
        chains = self.chains[self.source.tickers[0] if ticker is None else ticker]
        before = len(chains)
        await self.turn(within, lambda: len(chains) > before)
        return chains[-1]

    async def recovers(self, seconds: float = 5.0) -> None:
        """Every ticker is live within so many seconds, and gives the market's own numbers."""
        await self.turn(seconds, lambda: all(self.is_live(ticker) for ticker in self.source.tickers))
        await self.agrees()

    async def agrees(self) -> None:
        """Let the market stand still for a moment: the newest chains are the market's. It ends every fault."""
        self.venue.freeze()
        await self.turn(5.0)
        for ticker in self.source.tickers:
            same_numbers(self.newest(ticker), self.venue.market.chain(ticker))
        self.venue.heal()

    def carried(self) -> set[tuple[str, str]]:
        """What is subscribed to, on any connection."""
        sessions = self.venue.feed.sessions
        return {item for session in sessions for channel in session.channels.values() for item in channel.subscriptions}

    def said(self, ticker: Ticker | None = None) -> tuple[SourceState, str]:
        """State and detail of a ticker (the first)."""
        status = self.status(ticker)
        return status.state, status.detail

    def counted(self) -> dict[str, int]:
        """What was rejected, of the stream and of the first ticker."""
        stream, contracts, _ = self.status().connections
        return {**stream.rejected, **contracts.rejected}


def same_numbers(chain: OptionChain, truth: OptionChain) -> None:
    """The chain is the market's to the last digit, but for what nobody is told of: what was never traded or priced."""
    assert chain.spot == truth.spot
    assert (chain.previous_close, chain.roots) == (truth.previous_close, truth.roots)
    np.testing.assert_array_equal(chain.expiries[chain.expiry], truth.expiries[truth.expiry])
    for column in ("strike", "is_call", "root", "multiplier", "open_interest", "bid", "ask"):
        np.testing.assert_array_equal(getattr(chain, column), getattr(truth, column), err_msg=column)
    np.testing.assert_array_equal(np.nan_to_num(chain.volume), truth.volume)
    priced = ~np.isnan(truth.iv)
    np.testing.assert_array_equal(chain.iv[priced], truth.iv[priced])


async def _here(work: Callable[..., Any], *arguments: Any) -> Any:
    return work(*arguments)


@asynccontextmanager
async def rigged(
    *tickers: Ticker,
    market: Market | Sequence[Ticker] | None = None,
    start: datetime = THURSDAY,
    account: bool = True,
    room: int = ROOM,
    cache_dir: Path | None = None,
    started: bool = True,
) -> AsyncIterator[Rig]:
    """A simulated Tastytrade, and a source of the tickers (SPY) that runs with an account.

    ``market`` is what the venue trades: tickers of a small simulated market (the source's), or a market.
    """
    chosen = tickers or (SPY,)
    clock = FakeClock(now=start.timestamp())
    if market is None or isinstance(market, Sequence):
        market = FewExpiries(3, start, market or chosen)
    with (
        patch.object(polling, "Backoff", longest_pauses),
        patch.object(stream, "Backoff", longest_pauses),
        patch("asyncio.to_thread", _here),  # a thread's end is by no clock that a test turns
    ):
        async with SimulatedTastytrade(market, clock=clock) as venue:
            make = partial(
                TastytradeSource,
                chosen,
                rest_url=venue.rest_url,
                client_secret=Secret(CLIENT_SECRET) if account else None,
                refresh_token=Secret(REFRESH_TOKEN),
                rate=lambda: 0.04,
                room=room,
                clock=clock,
                cache_dir=cache_dir,
            )
            rig = Rig(make(), clock, venue, make)
            async with rig.run(started=started):
                yield rig
