"""The dashboard on boards that change, to be run on a pty by the benchmark of painting.

``python -m benchmarks.dashboard delta|plain RATE [FILE]``: RATE boards a second. With FILE the event loop beats, and
how late each beat was, in seconds, is appended to it.
"""

import asyncio
import sys
import time
from pathlib import Path

from gextui.desk import View
from gextui.market.ticker import Ticker
from gextui.ui.app import GextuiApp
from tests.ui.desk import MemoryDesk

BEAT = 0.02
"""Seconds from one beat of the event loop to the next."""
NOTED_EVERY = 0.5
BOARDS = 12


class ChangingDesk(MemoryDesk):
    """Again and again another board of a few: spot, and with it most numbers, moves. Nothing is computed then."""

    def __init__(self, rate: float) -> None:
        super().__init__("BTC")
        self._rate = rate
        (ticker,) = self.tickers
        self._boards = [View(self.put(ticker, shift=number * 3e-4), replay=False) for number in range(BOARDS)]

    def view(self, ticker: Ticker) -> View | None:
        """The board of this moment."""
        return self._boards[int(time.monotonic() * self._rate) % BOARDS]


async def note_lateness(file: Path) -> None:
    """Beat for ever."""
    while True:
        late = []
        for _ in range(round(NOTED_EVERY / BEAT)):
            start = time.perf_counter()
            await asyncio.sleep(BEAT)
            late.append(time.perf_counter() - start - BEAT)
        with file.open("a", encoding="utf-8") as stream:
            stream.writelines(f"{seconds:.6f}\n" for seconds in late)


class Dashboard(GextuiApp):
    """The dashboard, beating if there is a file to note it in."""

    def __init__(self, rate: float, *, delta_display: bool, file: Path | None) -> None:
        super().__init__(ChangingDesk(rate), theme="dark", delta_display=delta_display)
        self._file = file

    def on_mount(self) -> None:
        """Start to beat."""
        if self._file is not None:
            self.run_worker(note_lateness(self._file))


if __name__ == "__main__":
    display, rate, *files = sys.argv[1:]
    Dashboard(float(rate), delta_display=display == "delta", file=Path(files[0]) if files else None).run(mouse=False)
