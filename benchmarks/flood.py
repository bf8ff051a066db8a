"""A simulated Deribit of six coins that sends as many messages as it is told to, for the benchmark of ingest.

``python -m benchmarks.flood`` prints its two addresses and then obeys lines on standard input: ``flood`` (as fast as
the clients take it), ``flood raw`` (likewise, but to the clients whose address ends in ``?raw``, which get nothing
otherwise), ``pace 10000`` (so many messages a second to each), ``stop``.
"""

import asyncio
import math
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from itertools import cycle
from typing import Any

import msgspec
import numpy as np

from gextui.market.chain import OptionChain
from gextui.market.ticker import KNOWN_TICKERS, Ticker
from gextui.simulator.deribit import DeribitVenue
from gextui.simulator.deribit_limits import UNLIMITED
from gextui.simulator.faults import Wire
from gextui.simulator.market import SimulatedMarket

COINS = tuple(KNOWN_TICKERS[symbol] for symbol in ("BTC", "ETH", "SOL", "XRP"))
MADE_UP = {
    KNOWN_TICKERS["AVAX"]: KNOWN_TICKERS["SOL"],
    KNOWN_TICKERS["TRX"]: KNOWN_TICKERS["XRP"],
}
"""Coins whose options are those of another coin, to make six."""
SIX = (*COINS, *MADE_UP)
RAW = "?raw"
_TOGETHER = 100
"""Messages that are written at once."""
_AHEAD = 1 << 20
"""Bytes that may wait for the client."""
_DIGITS = 13
"""Of a time in epoch milliseconds."""


class SixCoins:
    """Implements `gextui.simulator.venue.Market`."""

    tickers = SIX

    def __init__(self) -> None:
        self._market = SimulatedMarket(1, datetime.now(UTC), COINS)

    @property
    def now(self) -> datetime:
        """The market's instant."""
        return self._market.now

    def step(self, seconds: float) -> None:
        """Let time pass."""
        self._market.step(seconds)

    def chain(self, ticker: Ticker) -> OptionChain:
        """The ticker's chain now."""
        if ticker not in MADE_UP:
            return self._market.chain(ticker)
        return replace(self._market.chain(MADE_UP[ticker]), ticker=ticker, roots=(f"{ticker.symbol}_USDC",))


class Batch:
    """So many ``ticker`` notifications as they go over the wire, all of one time, which can be set."""

    def __init__(self, tickers: list[dict[str, Any]]) -> None:
        at = 1_000_000_000_000
        frames = [_frame(ticker | {"timestamp": at}) for ticker in tickers]
        starts = np.cumsum([0, *map(len, frames[:-1])])
        where = [frame.index(str(at).encode()) for frame in frames]
        self._bytes = bytearray(b"".join(frames))
        self._digits = np.frombuffer(self._bytes, np.uint8)
        self._at = (starts + where)[:, None] + np.arange(_DIGITS)

    def of(self, milliseconds: int) -> bytes:
        """The frames, as of that time."""
        self._digits[self._at] = np.frombuffer(str(milliseconds).encode(), np.uint8)
        return bytes(self._bytes)


def _frame(ticker: dict[str, Any]) -> bytes:
    """A WebSocket text frame from a server."""
    channel = f"ticker.{ticker['instrument_name']}.agg2"
    params = {"channel": channel, "data": ticker}
    text = msgspec.json.encode({"jsonrpc": "2.0", "method": "subscription", "params": params})
    assert 126 <= len(text) < 65536
    return bytes((0x81, 126)) + len(text).to_bytes(2, "big") + text


class Flood:
    """Sends what it is told to."""

    def __init__(self, venue: DeribitVenue) -> None:
        self._venue = venue
        names = [name for book in venue.exchange.books.values() for name in book.names]
        tickers = [ticker for name in names if (ticker := venue.exchange.ticker(name)) is not None]
        whole = len(tickers) // _TOGETHER * _TOGETHER
        self._batches = cycle([Batch(tickers[start : start + _TOGETHER]) for start in range(0, whole, _TOGETHER)])
        self.obey("stop")

    def obey(self, order: str) -> None:
        """Do as a line of standard input says."""
        words = order.split()
        self._raw = words[1:] == ["raw"]
        self._rate = math.inf if words[0] == "flood" else float(words[1]) if words[0] == "pace" else 0.0
        self._since, self._sent = time.monotonic(), 0

    async def run(self) -> None:
        """Send for ever."""
        while True:
            clients = [wire for wire in self._venue.sockets if _is_raw(wire) == self._raw]
            if self._rate == math.inf:
                for wire in clients:
                    while wire.unsent < _AHEAD and not wire.transport.is_closing():
                        wire.transport.write(self._next())
                await asyncio.sleep(0.0)
                continue
            while self._sent + _TOGETHER <= (time.monotonic() - self._since) * self._rate:
                frames = self._next()
                self._sent += _TOGETHER
                for wire in clients:
                    wire.transport.write(frames)
            await asyncio.sleep(0.01)

    def _next(self) -> bytes:
        return next(self._batches).of(int(self._venue.now() * 1000))


def _is_raw(wire: Wire) -> bool:
    return wire.request is not None and wire.request.path.endswith(RAW)


async def main() -> None:
    """Serve until standard input ends."""
    loop = asyncio.get_running_loop()
    async with DeribitVenue(SixCoins(), limits=UNLIMITED) as venue:
        flood = Flood(venue)
        running = asyncio.create_task(flood.run())
        print(venue.rest_url, venue.ws_url, flush=True)
        while order := await loop.run_in_executor(None, sys.stdin.readline):
            flood.obey(order)
        running.cancel()


if __name__ == "__main__":
    asyncio.run(main())
