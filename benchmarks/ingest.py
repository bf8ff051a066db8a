"""Ingest over loopback: Deribit's source, the dashboard and the recorder on a simulated Deribit that floods them.

A message is a ``ticker`` notification of one contract, as the venue writes it. Messages a second are per second of this
process's own processor time, which is what one core would do; the yardstick is the same library on the same line that
does nothing with what it receives, in turns with the source.
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from websockets.asyncio.client import connect

from benchmarks.flood import RAW, SIX
from benchmarks.paint import GEXTUI, key_delays, percentile, rates, started
from gextui.sources.deribit import DeribitSource
from gextui.sources.frames import LARGEST_MESSAGE
from gextui.sources.source import SourceState

ROUNDS = 3
WATCHED = 2.0
"""Seconds of each, after a tenth of that to warm up."""
PACE = 10_000
"""Messages a second."""
PACED = 6.0
"""Seconds."""
SYMBOLS = tuple(ticker.symbol for ticker in SIX)


class Flood:
    """The venue, in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._orders = process.stdin
        self.rest_url, self.ws_url = process.stdout.readline().split()

    def order(self, words: str) -> None:
        """Tell it what to send, see `benchmarks.flood`."""
        self._orders.write(f"{words}\n")
        self._orders.flush()

    def write_settings(self, folder: Path) -> Path:
        """A config.toml that points at it."""
        path = folder / "config.toml"
        path.write_text(f'[sources.deribit]\nrest_url = "{self.rest_url}"\nws_url = "{self.ws_url}"\n')
        return path


def run() -> dict[str, float]:
    """Messages a second, their ratio, percent of a core, milliseconds and megabytes, as the names say."""
    with flooding() as flood:
        figures = asyncio.run(_source(flood))
        with TemporaryDirectory() as folder:
            settings = str(flood.write_settings(Path(folder)))
            with started((GEXTUI, *SYMBOLS, "--config", settings), "SPOT", folder) as pty:
                pty.read(3.0)
                flood.order(f"pace {PACE}")
                dashboard = rates(pty)
                delays = key_delays(pty)
                flood.order("stop")
        with TemporaryDirectory() as folder:
            settings = str(flood.write_settings(Path(folder)))
            with started((GEXTUI, "record", *SYMBOLS, "--config", settings), "deribit live", folder) as pty:
                pty.read(3.0)
                flood.order(f"pace {PACE}")
                recorder = rates(pty)
                flood.order("stop")
    return figures | {
        f"dashboard_percent_of_a_core_at_{PACE}_per_second": dashboard["% of a core"],
        f"recorder_percent_of_a_core_at_{PACE}_per_second": recorder["% of a core"],
        "key_to_paint_p50_ms": 1e3 * percentile(delays, 50),
        "key_to_paint_p95_ms": 1e3 * percentile(delays, 95),
        "dashboard_resident_mb": dashboard["resident MB"],
        "recorder_resident_mb": recorder["resident MB"],
    }


@contextmanager
def flooding() -> Iterator[Flood]:
    """A flood that waits for orders, until the block ends."""
    command = [sys.executable, "-m", "benchmarks.flood"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Flood(process)


async def _source(flood: Flood) -> dict[str, float]:
    source = DeribitSource(SIX, rest_url=flood.rest_url, ws_url=flood.ws_url)
    live = asyncio.Event()
    reading = asyncio.create_task(_read(source, live))
    await live.wait()

    def messages() -> int:
        return source.status(SIX[0]).connections[0].messages

    received, stored = [], []
    for _ in range(ROUNDS):
        received.append(await _receive_only(flood))
        flood.order("flood")
        count, seconds, _ = await _count(messages, WATCHED)
        stored.append(count / seconds)
        flood.order("stop")
        await _rest(messages)
    flood.order(f"pace {PACE}")
    count, seconds, elapsed = await _count(messages, PACED)
    flood.order("stop")
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    return {
        "messages_per_second": median(stored),
        "receive_only_per_second": median(received),
        "ratio_to_receive_only": median(stored) / median(received),
        f"percent_of_a_core_at_{PACE}_per_second": 100.0 * seconds / elapsed,
        "of_which_were_sent_per_second": count / elapsed,
    }


async def _read(source: DeribitSource, live: asyncio.Event) -> None:
    async for _ in source.chains():
        if all(source.status(ticker).state is SourceState.LIVE for ticker in SIX):
            live.set()


async def _receive_only(flood: Flood) -> float:
    count = 0

    async def receive() -> None:
        nonlocal count
        while True:
            await socket.recv(decode=False)
            count += 1

    async with connect(f"{flood.ws_url}{RAW}", proxy=None, ping_interval=None, max_size=LARGEST_MESSAGE) as socket:
        receiving = asyncio.create_task(receive())
        flood.order("flood raw")
        messages, seconds, _ = await _count(lambda: count, WATCHED)
        flood.order("stop")
        receiving.cancel()
        socket.transport.abort()
    return messages / seconds


async def _rest(messages: Callable[[], int]) -> None:
    """Wait until what was under way has arrived."""
    before = -1
    while messages() > before + PACE // 100:
        before = messages()
        await asyncio.sleep(0.2)


async def _count(messages: Callable[[], int], watched: float) -> tuple[int, float, float]:
    """How many messages came while it was watched, the seconds computed, and the seconds passed."""
    await asyncio.sleep(watched / 10.0)
    before, computed, start = messages(), time.process_time(), time.perf_counter()
    await asyncio.sleep(watched)
    return messages() - before, time.process_time() - computed, time.perf_counter() - start
