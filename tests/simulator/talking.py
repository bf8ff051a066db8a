"""A bare client of a simulated Deribit, and a venue on a clock that the test turns."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import count
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect

from gextui.market.ticker import KNOWN_TICKERS
from gextui.simulator.deribit import DeribitVenue
from gextui.simulator.deribit_limits import PUBLISHED, Limits
from gextui.simulator.http_venue import Market
from gextui.simulator.market import SimulatedMarket
from tests.support.clock import FakeClock

START = datetime(2026, 11, 20, 7, 40, tzinfo=UTC)
"""A Friday, twenty minutes before an expiry."""
SIX = [
    "markprice.options.btc_usd",
    "deribit_price_index.btc_usd",
    "deribit_volatility_index.btc_usd",
    "trades.option.BTC.100ms",
    "instrument.state.option.BTC",
    "platform_state",
]
_WITHIN = 10.0
"""Seconds a test waits for what must come; reached only where it fails."""

Message = dict[str, Any]


class Client:
    """Calls methods and keeps what comes in between."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.came: list[Message] = []
        """Notifications not yet asked for."""
        self._ids = count(1)

    async def read(self) -> Message:
        """The next message."""
        async with asyncio.timeout(_WITHIN):
            message: Message = json.loads(await self.socket.recv())
        return message

    async def call(self, method: str, **params: object) -> Message:
        """The answer to a call."""
        number = next(self._ids)
        request = {"jsonrpc": "2.0", "id": number, "method": f"public/{method}", "params": params}
        await self.socket.send(json.dumps(request))
        while (message := await self.read()).get("id") != number:
            self.came.append(message)
        return message

    async def subscribe(self, *channels: str) -> list[str]:
        """The channels that were accepted."""
        accepted: list[str] = (await self.call("subscribe", channels=list(channels)))["result"]
        return accepted

    async def next(self, channel: str | None = None) -> Any:
        """The next data of a channel, or of any."""
        while True:
            message = self.came.pop(0) if self.came else await self.read()
            if message["method"] == "subscription" and channel in (None, message["params"]["channel"]):
                return message["params"]["data"]

    async def everything(self) -> dict[str, list[Any]]:
        """What each channel has said and nobody asked for, up to the answer to a call made now."""
        await self.call("test")
        said: dict[str, list[Any]] = {}
        for message in self.came:
            if message["method"] == "subscription":
                said.setdefault(message["params"]["channel"], []).append(message["params"]["data"])
        self.came.clear()
        return said


@asynccontextmanager
async def open_venue(
    *symbols: str, limits: Limits = PUBLISHED, start: datetime = START, market: Market | None = None
) -> AsyncIterator[tuple[DeribitVenue, FakeClock]]:
    """A venue of these coins, BTC where none is named."""
    market = market or SimulatedMarket(7, start, [KNOWN_TICKERS[symbol] for symbol in symbols or ("BTC",)])
    clock = FakeClock(now=market.now.timestamp())
    async with DeribitVenue(market, clock=clock, limits=limits) as venue:
        yield venue, clock


@asynccontextmanager
async def connected(venue: DeribitVenue) -> AsyncIterator[Client]:
    """A client on the venue's WebSocket."""
    async with connect(venue.ws_url, proxy=None, ping_interval=None, close_timeout=0.2, max_size=2**26) as socket:
        yield Client(socket)


async def get(venue: DeribitVenue, method: str, **params: str | int) -> httpx.Response:
    """A method over REST."""
    async with httpx.AsyncClient(trust_env=False, timeout=_WITHIN) as client:
        return await client.get(f"{venue.rest_url}/public/{method}", params=params)


async def result(venue: DeribitVenue, method: str, **params: str | int) -> Any:
    """Its result."""
    response = await get(venue, method, **params)
    assert response.status_code == 200
    return response.json()["result"]
