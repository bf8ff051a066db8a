"""Start-up, through a pty of 120 x 36: from the command to the first paint and to the first board.

The yardstick is an app of one line of text, in turns with the others.
"""

import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.paint import DEMO, GEXTUI, HELLO, resident_memory, started
from gextui.sources.export import HEADING, csv_rows
from tests.ui.desk import made_up_chain

ROUNDS = 5


def run() -> dict[str, float]:
    """Milliseconds (medians), ratios to the empty app, and resident megabytes."""
    with TemporaryDirectory() as folder:
        chain = Path(folder) / "chain.csv"
        chain.write_text(HEADING + csv_rows(made_up_chain()), encoding="utf-8")
        opened = (GEXTUI, "open", str(chain))
        starts = {
            "empty app": (HELLO, "hello, world"),
            "open, first paint": (opened, "gextui"),
            "open, first board": (opened, "SPOT"),
            "demo, first paint": (DEMO, "gextui"),
            "demo, first board": (DEMO, "SPOT"),
        }
        seconds: dict[str, list[float]] = {name: [] for name in starts}
        megabytes: dict[str, list[float]] = {name: [] for name in starts}
        for _ in range(ROUNDS):
            for name, (command, marker) in starts.items():
                start = time.perf_counter()
                with started(command, marker, folder) as pty:
                    seconds[name].append(time.perf_counter() - start)
                    megabytes[name].append(resident_memory(pty))
    empty = median(seconds["empty app"])
    return {
        **{f"{name}: ms": 1e3 * median(values) for name, values in seconds.items()},
        **{f"{name}: times the empty app": median(values) / empty for name, values in seconds.items()},
        **{f"{name}: resident MB": median(values) for name, values in megabytes.items()},
    }
