"""Load: 10,000 messages a second of more than 2,000 Bybit symbols, to a dashboard and a recorder side by side.

A third process reads the same and builds the boards, for the lag from a message to the board it is in. What a process
has grown by is measured from a tenth of the time on, when caches are full.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.paint import GEXTUI, key_delays, percentile, processor_seconds, resident_memory, started
from benchmarks.venue import COINS, VenueProcess, running

PACE = 10_000
"""Messages a second to each."""
SECONDS = 30.0
_SYMBOLS = tuple(coin.symbol for coin in COINS)


def run(seconds: float = SECONDS) -> dict[str, float]:
    """Messages a second, percent of a core, milliseconds and megabytes, as the names say."""
    with (
        running("bybit") as venue,
        TemporaryDirectory() as home,
        TemporaryDirectory() as other_home,
        measuring(venue) as lag,
    ):
        settings = [venue.write_settings(Path(folder), _SYMBOLS) for folder in (home, other_home)]
        with (
            started((GEXTUI, *_SYMBOLS, "--config", settings[0]), "SPOT", home) as dashboard,
            started((GEXTUI, "record", *_SYMBOLS, "--config", settings[1]), "bybit live", other_home) as recorder,
        ):
            venue.order(f"pace {PACE}")
            dashboard.read(max(seconds / 10.0, 10.0))
            recorder.read(0.1)
            lag.order("begin")
            ptys = {"dashboard": dashboard, "recorder": recorder}
            began = {name: (processor_seconds(pty), resident_memory(pty)) for name, pty in ptys.items()}
            start, delays = time.monotonic(), []
            while time.monotonic() < start + seconds:
                delays += key_delays(dashboard)
                dashboard.read(1.0)
                recorder.read(0.1)
            elapsed = time.monotonic() - start
            figures = lag.figures()
            for name, pty in ptys.items():
                computed, held = began[name]
                figures[f"{name}_percent_of_a_core"] = 100.0 * (processor_seconds(pty) - computed) / elapsed
                figures[f"{name}_resident_mb"] = resident_memory(pty)
                figures[f"{name}_grown_by_mb"] = resident_memory(pty) - held
    return {
        "seconds": elapsed,
        **figures,
        "key_to_paint_p50_ms": 1e3 * percentile(delays, 50),
        "key_to_paint_p95_ms": 1e3 * percentile(delays, 95),
    }


class LagProcess:
    """See `benchmarks.lag`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._orders, self._said = process.stdin, process.stdout
        assert self._said.readline() == "live\n"

    def order(self, words: str) -> None:
        """Tell it what to do."""
        self._orders.write(f"{words}\n")
        self._orders.flush()

    def figures(self) -> dict[str, float]:
        """What it has measured."""
        self.order("end")
        found: dict[str, Any] = json.loads(self._said.readline())
        return found


@contextmanager
def measuring(venue: VenueProcess) -> Iterator[LagProcess]:
    """The process that measures the lag, live, until the block ends."""
    command = [sys.executable, "-m", "benchmarks.lag", venue.rest_url, venue.ws_url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield LagProcess(process)
