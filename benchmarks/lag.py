"""Bybit's source and the boards of what it gives, to be run beside a dashboard by the benchmark of load.

``python -m benchmarks.lag REST_URL WS_URL`` prints ``live`` once every coin is, then obeys lines on standard input:
``begin`` forgets what was measured, ``end`` prints it as one JSON object and ends.
"""

import asyncio
import json
import sys
import time

from benchmarks.paint import percentile
from benchmarks.venue import COINS
from gextui.exposure.board import build_board
from gextui.sources.bybit import BybitSource
from gextui.sources.source import ConnectionStatus, SourceState


class Lag:
    """How much later than its newest message each board was there."""

    def __init__(self, rest_url: str, ws_url: str) -> None:
        self.source = BybitSource(COINS, rest_url=rest_url, ws_url=ws_url)
        self.live = asyncio.Event()
        """Set once every coin is."""
        self.begin()

    def begin(self) -> None:
        """Measure from now on."""
        self._late: list[float] = []
        self._before = self._connections()
        self._began, self._computed = time.perf_counter(), time.process_time()

    async def run(self) -> None:
        """Read and build for ever."""
        async for chain in self.source.chains():
            build_board(chain)
            self._late.append(time.time() - chain.as_of_seconds)
            if all(self.source.status(coin).state is SourceState.LIVE for coin in COINS):
                self.live.set()

    def figures(self) -> dict[str, float]:
        """Messages a second and milliseconds, as the names say."""
        seconds, after = time.perf_counter() - self._began, self._connections()
        messages, conflated = (
            sum(getattr(each, name) for each in after) - sum(getattr(each, name) for each in self._before)
            for name in ("messages", "conflated")
        )
        return {
            "messages_per_second": messages / seconds,
            "conflated_per_second": conflated / seconds,
            "topics": sum(each.subscribed[1] for each in after if each.subscribed is not None),
            "event_to_board_p50_ms": 1e3 * percentile(self._late, 50),
            "event_to_board_p95_ms": 1e3 * percentile(self._late, 95),
            "event_to_board_most_ms": 1e3 * max(self._late),
            "source_and_boards_percent_of_a_core": 100.0 * (time.process_time() - self._computed) / seconds,
        }

    def _connections(self) -> list[ConnectionStatus]:
        return [each for coin in COINS for each in self.source.status(coin).connections if "stream" in each.name]


async def main(rest_url: str, ws_url: str) -> None:
    """Measure until told to end."""
    lag = Lag(rest_url, ws_url)
    running = asyncio.create_task(lag.run())
    await lag.live.wait()
    print("live", flush=True)
    loop = asyncio.get_running_loop()
    while (await loop.run_in_executor(None, sys.stdin.readline)).strip() == "begin":
        lag.begin()
    print(json.dumps(lag.figures()), flush=True)
    running.cancel()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
