"""A simulated Deribit in a thread of its own, for programs in other processes to read."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from gextui.market.ticker import KNOWN_TICKERS
from gextui.simulator.deribit import DeribitVenue
from gextui.simulator.market import SimulatedMarket

_WITHIN = 30.0


class RunningVenue:
    """The venue; do to it with `do` whatever tests do to one."""

    def __init__(self, *symbols: str) -> None:
        self._symbols = symbols
        self._loop = asyncio.new_event_loop()
        self._up, self._over = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),), daemon=True)
        self.rest_url = self.ws_url = ""

    def start(self) -> None:
        self._thread.start()
        assert self._up.wait(_WITHIN)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(_WITHIN)
        self._loop.close()

    def do(self, deed: Callable[[DeribitVenue], object]) -> None:
        """Have ``deed`` done in the venue's thread."""
        self._loop.call_soon_threadsafe(deed, self._venue)

    @property
    def connects(self) -> int:
        """WebSocket connections so far."""
        return self._venue.connects

    def write_settings(self, folder: Path) -> Path:
        """A config.toml that points at this venue, and at a database beside it."""
        path = folder / "config.toml"
        path.write_text(
            f'[storage]\npath = "{folder / "gextui.db"}"\n'
            f'[sources.deribit]\nrest_url = "{self.rest_url}"\nws_url = "{self.ws_url}"\n'
        )
        return path

    async def _serve(self) -> None:
        market = SimulatedMarket(1, datetime.now(UTC), [KNOWN_TICKERS[symbol] for symbol in self._symbols])
        async with DeribitVenue(market) as self._venue:
            self.rest_url, self.ws_url = self._venue.rest_url, self._venue.ws_url
            self._up.set()
            await self._over.wait()


@contextmanager
def running_venue(*symbols: str) -> Iterator[RunningVenue]:
    """A venue that lists these coins, until the block ends."""
    venue = RunningVenue(*symbols)
    venue.start()
    try:
        yield venue
    finally:
        venue.stop()
