"""The dashboard on boards that change each second, to be run on a pty by the benchmarks of painting and start-up.

``python -m benchmarks.dashboard delta|plain [FILE]``: with FILE the event loop beats, and how late each beat was, in
seconds, is appended to it.
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
BOARDS = 12


class ChangingDesk(MemoryDesk):
    """Each second another board of a few: spot, and with it most numbers, moves a little. Nothing is computed then."""

    def __init__(self) -> None:
        super().__init__("BTC")
        (ticker,) = self.tickers
        self._boards = [View(self.put(ticker, shift=number * 2e-5), replay=False) for number in range(BOARDS)]

    def view(self, ticker: Ticker) -> View | None:
        """The board of this second."""
        return self._boards[int(time.time()) % BOARDS]


async def note_lateness(file: Path) -> None:
    """Beat for ever."""
    while True:
        late = []
        for _ in range(round(0.5 / BEAT)):
            start = time.perf_counter()
            await asyncio.sleep(BEAT)
            late.append(time.perf_counter() - start - BEAT)
        with file.open("a", encoding="utf-8") as stream:
            stream.writelines(f"{seconds:.6f}\n" for seconds in late)


class Dashboard(GextuiApp):
    """The dashboard, beating if there is a file to note it in."""

    def __init__(self, *, delta_display: bool, file: Path | None) -> None:
        super().__init__(ChangingDesk(), theme="dark", delta_display=delta_display)
        self._file = file

    def on_mount(self) -> None:
        """Start to beat."""
        if self._file is not None:
            self.run_worker(note_lateness(self._file))


if __name__ == "__main__":
    display, *files = sys.argv[1:]
    Dashboard(delta_display=display == "delta", file=Path(files[0]) if files else None).run(mouse=False)
