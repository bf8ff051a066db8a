"""Painting, through a pty of 120 x 36: what a dashboard whose numbers mostly change each second costs.

On the slow line they change four times a second. Compared are the delta display and stock Textual; the yardstick of
memory is an app of one line of text.
"""

import math
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

from benchmarks.dashboard import NOTED_EVERY
from tests.ui.terminal.pty_harness import Terminal

SIZE = (120, 36)
WATCHED = 5.0
"""Seconds over which rates are taken."""
SLOW_LINE = 3000.0
"""Bytes a second."""
SLOW_WATCHED = 12.0
"""Seconds on the slow line: stock Textual queues thirty writes before its event loop stops."""
KEYS = 40
HELLO = (sys.executable, "-m", "benchmarks.hello")
GEXTUI = str(Path(sys.executable).with_name("gextui"))
DEMO = (GEXTUI, "demo")
MEGA = 1e6


def run() -> dict[str, float]:
    """Percent, bytes a second, milliseconds and megabytes, as the names say; nan where the system does not tell."""
    with TemporaryDirectory() as folder:
        delta, stock = _dashboard(Path(folder), "delta"), _dashboard(Path(folder), "plain")
        with started(HELLO, "hello, world", folder) as pty:
            hello = resident_memory(pty)
        with started(DEMO, "SPOT", folder) as pty:
            demo = rates(pty)
    return {
        **{f"dashboard: {name}": value for name, value in delta.items()},
        **{f"stock display: {name}": value for name, value in stock.items()},
        "bytes/s, delta over stock": delta["bytes/s"] / stock["bytes/s"],
        **{f"demo, market and all: {name}": value for name, value in demo.items()},
        "empty app: resident MB": hello,
    }


def _dashboard(folder: Path, display: str) -> dict[str, float]:
    command = (sys.executable, "-m", "benchmarks.dashboard", display)
    with started((*command, "1"), "SPOT", str(folder)) as pty:
        figures = rates(pty)
        delays = key_delays(pty)
    beats = folder / display
    with started((*command, "4", str(beats)), "SPOT", str(folder)) as pty:
        pty.read(2.0, SLOW_LINE)
        beats.unlink()
        pty.read(SLOW_WATCHED, SLOW_LINE)
        late = [float(line) for line in beats.read_text(encoding="utf-8").split()] if beats.exists() else []
        # A loop that has stopped notes nothing.
        late.append(time.time() - beats.stat().st_mtime - NOTED_EVERY if late else SLOW_WATCHED)
    return {
        **figures,
        "key to first byte, median ms": 1e3 * median(delays),
        "key to first byte, p95 ms": 1e3 * percentile(delays, 95),
        "loop late on 3 kB/s, p99 ms": 1e3 * percentile(late, 99),
        "loop late on 3 kB/s, at most ms": 1e3 * max(late),
    }


def rates(pty: Terminal) -> dict[str, float]:
    """What the command takes of the processor, the line and the memory, over `WATCHED` seconds."""
    pty.read(2.0)
    before, start = processor_seconds(pty), time.monotonic()
    taken = len(pty.read(WATCHED))
    elapsed = time.monotonic() - start
    return {
        "% of a core": 100.0 * (processor_seconds(pty) - before) / elapsed,
        "bytes/s": taken / elapsed,
        "resident MB": resident_memory(pty),
    }


def key_delays(pty: Terminal) -> list[float]:
    """Seconds from a key that moves the cursor to the first byte of the answer."""
    delays = []
    for number in range(KEYS):
        pty.read(0.06)
        start = time.perf_counter()
        pty.send("jk"[number // 5 % 2])
        if pty.read_once(2.0):
            delays.append(time.perf_counter() - start)
    return delays


@contextmanager
def started(command: tuple[str, ...], marker: str, home: str, *, size: tuple[int, int] = SIZE) -> Iterator[Terminal]:
    """The command on a pty, once it shows ``marker``; with files of its own instead of the user's."""
    homes = dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"), home)
    with Terminal(command, *size, homes, watched=False) as pty:
        pty.wait_for(lambda: marker.encode() in pty.output)
        yield pty


def processor_seconds(pty: Terminal) -> float:
    """Seconds that the command has computed (Linux)."""
    try:
        fields = Path(f"/proc/{pty.process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return math.nan
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_memory(pty: Terminal) -> float:
    """Megabytes of the command's resident memory (Linux)."""
    try:
        pages = int(Path(f"/proc/{pty.process.pid}/statm").read_text(encoding="utf-8").split()[1])
    except OSError:
        return math.nan
    return pages * os.sysconf("SC_PAGE_SIZE") / MEGA


def percentile(values: list[float], percent: int) -> float:
    """The value that so many percent of them do not exceed."""
    return values[0] if len(values) == 1 else quantiles(values, n=100, method="inclusive")[percent - 1]
