"""Ingest over loopback: Deribit's source, the dashboard and the recorder on a simulated Deribit that floods them.

A message is a ``ticker`` notification of one contract, as the venue writes it. Messages a second are per second of this
process's own processor time, which is what one core would do; the yardstick is the library on the same line that does
nothing with what it receives, in turns with the source.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from websockets.asyncio.client import connect

from benchmarks.paint import GEXTUI, key_delays, percentile, rates, started
from benchmarks.venue import RAW, SIX, VenueProcess, running
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


def run() -> dict[str, float]:
    """Messages a second, their ratio, percent of a core, milliseconds and megabytes, as the names say."""
    with running("deribit") as flood:
        figures = asyncio.run(_source(flood))
        with TemporaryDirectory() as folder:
            settings = flood.write_settings(Path(folder), SYMBOLS)
            with started((GEXTUI, *SYMBOLS, "--config", settings), "SPOT", folder) as pty:
                pty.read(3.0)
                flood.order(f"pace {PACE}")
                dashboard = rates(pty)
                delays = key_delays(pty)
                flood.order("stop")
        with TemporaryDirectory() as folder:
            settings = flood.write_settings(Path(folder), SYMBOLS)
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


async def _source(flood: VenueProcess) -> dict[str, float]:
    source = DeribitSource(SIX, rest_url=flood.rest_url, ws_url=flood.ws_url)
    live = asyncio.Event()
    reading = asyncio.create_task(_read(source, live))
    await live.wait()

    def messages() -> int:
        return source.status(SIX[0]).connections[0].messages

    received, stored = [], []
    for _ in range(ROUNDS):
        received.append((await _receive_only(flood, "flood raw", WATCHED)).a_computed_second)
        flood.order("flood")
        stored.append((await _count(messages, WATCHED)).a_computed_second)
        flood.order("stop")
        await _rest(messages)
    raw = await _receive_only(flood, f"pace {PACE} raw", PACED)
    await _rest(messages)
    flood.order(f"pace {PACE}")
    paced = await _count(messages, PACED)
    flood.order("stop")
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    return {
        "messages_per_second": median(stored),
        "receive_only_per_second": median(received),
        "ratio_to_receive_only": median(stored) / median(received),
        f"percent_of_a_core_at_{PACE}_per_second": paced.percent_of_a_core,
        f"receive_only_percent_of_a_core_at_{PACE}_per_second": raw.percent_of_a_core,
        "of_which_were_sent_per_second": paced.messages / paced.elapsed,
    }


async def _read(source: DeribitSource, live: asyncio.Event) -> None:
    async for _ in source.chains():
        if all(source.status(ticker).state is SourceState.LIVE for ticker in SIX):
            live.set()


@dataclass(frozen=True, slots=True)
class _Counted:
    """What was received in a while; seconds of the processor and of the clock."""

    messages: int
    computed: float
    elapsed: float

    @property
    def a_computed_second(self) -> float:
        """Messages."""
        return self.messages / self.computed

    @property
    def percent_of_a_core(self) -> float:
        """How busy the processor was."""
        return 100.0 * self.computed / self.elapsed


async def _receive_only(flood: VenueProcess, order: str, watched: float) -> _Counted:
    count = 0

    async def receive() -> None:
        nonlocal count
        while True:
            await socket.recv(decode=False)
            count += 1

    async with connect(f"{flood.ws_url}{RAW}", proxy=None, ping_interval=None, max_size=LARGEST_MESSAGE) as socket:
        receiving = asyncio.create_task(receive())
        flood.order(order)
        counted = await _count(lambda: count, watched)
        flood.order("stop")
        receiving.cancel()
        socket.transport.abort()
    return counted


async def _rest(messages: Callable[[], int]) -> None:
    """Wait until what was under way has arrived."""
    before = -1
    while messages() > before + PACE // 100:
        before = messages()
        await asyncio.sleep(0.2)


async def _count(messages: Callable[[], int], watched: float) -> _Counted:
    """Count what comes within so many seconds, after a tenth of them."""
    await asyncio.sleep(watched / 10.0)
    before, computed, start = messages(), time.process_time(), time.perf_counter()
    await asyncio.sleep(watched)
    return _Counted(messages() - before, time.process_time() - computed, time.perf_counter() - start)
