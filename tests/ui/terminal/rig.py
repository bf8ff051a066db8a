"""An app in this process that writes, through Textual's own writer thread, to a pipe that a test reads."""

import asyncio
import fcntl
import os
import select
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pyte
from textual import events
from textual.app import App
from textual.drivers._writer_thread import WriterThread
from textual.drivers.headless_driver import HeadlessDriver
from textual.pilot import Pilot

from gextui.ui.terminal.capabilities import detect
from gextui.ui.terminal.display import DeltaApp
from tests.ui.terminal.pty_harness import Screen

TRUECOLOUR = detect({"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"})
SMALL_PIPE = 4096


class PipeDriver(HeadlessDriver):
    """Paints into a small pipe as a terminal driver would; keys come from the pilot."""

    def __init__(self, app: App[Any], **options: Any) -> None:
        super().__init__(app, **options)
        self.reader, writer = os.pipe()
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, SMALL_PIPE)
        self._file = os.fdopen(writer, "w", encoding="utf-8", newline="")
        self._writer_thread: WriterThread | None = None

    @property
    def is_headless(self) -> bool:
        return False

    def start_application_mode(self) -> None:
        self._writer_thread = WriterThread(self._file)
        self._writer_thread.start()
        self.write("\x1b[?7l")  # no line wrapping, as the real driver asks
        super().start_application_mode()

    def write(self, data: str) -> None:
        assert self._writer_thread is not None
        self._writer_thread.write(data)

    def close(self) -> None:
        assert self._writer_thread is not None
        self._writer_thread.stop()
        self._file.close()
        os.close(self.reader)


class Session:
    """A running app, the terminal at the other end of its pipe, and the person at the keys."""

    def __init__(self, app: DeltaApp[None], pilot: Pilot[None], columns: int, rows: int) -> None:
        self.app = app
        self.pilot = pilot
        self.screen = Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        driver = app._driver
        assert isinstance(driver, PipeDriver)
        self.driver = driver

    @property
    def writer(self) -> WriterThread:
        assert self.driver._writer_thread is not None
        return self.driver._writer_thread

    async def press(self, *keys: str) -> bytes:
        """Press keys and let the app come to rest; the bytes it wrote."""
        for key in keys:
            self.app.post_message(events.Key(key, key if len(key) == 1 else None))
        return await self.settle()

    async def resize(self, columns: int, rows: int) -> bytes:
        """Change the size of the terminal."""
        self.screen.resize(rows, columns)
        await self.pilot.resize_terminal(columns, rows)
        return await self.settle()

    async def settle(self) -> bytes:
        """Read until the app has painted its newest state."""
        taken = self.drain()
        await self.pilot.pause()
        while self.app._next_look is not None or self.writer._queue.qsize():
            taken += self.drain()
            await asyncio.sleep(0.002)
        # What is behind this marker in the writer thread has been written.
        self.writer.write("\x1b]9;end\x07")
        while not taken.endswith(b"\x1b]9;end\x07"):
            taken += self.drain(5)
        return taken.removesuffix(b"\x1b]9;end\x07")

    def drain(self, seconds: float = 0) -> bytes:
        """Read what there is, waiting at most so long for something."""
        taken = bytearray()
        while select.select([self.driver.reader], [], [], 0 if taken else seconds)[0]:
            taken += os.read(self.driver.reader, SMALL_PIPE)
        self._stream.feed(bytes(taken))
        return bytes(taken)


@asynccontextmanager
async def running(app: DeltaApp[None], columns: int, rows: int) -> AsyncIterator[Session]:
    """Run the app on a terminal of this size until the block ends."""
    app.driver_class = PipeDriver
    async with app.run_test(headless=False, size=(columns, rows), notifications=True) as pilot:
        session = Session(app, pilot, columns, rows)
        yield session
        session.drain()
