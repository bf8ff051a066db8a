"""A command run on a pty of its own and watched through a terminal emulator: what a user would see and send.

The command gets a controlling terminal, so resizes, Ctrl-C and a hang-up reach it as they would from a real one.
Nothing is read between calls: not calling anything *is* a terminal that has stopped reading.
"""

import contextlib
import fcntl
import os
import select
import signal
import struct
import subprocess
import termios
import time
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import pyte

_QUIET = {"PYTHONWARNINGS": "ignore", "TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
_OTHERS = (
    "NO_COLOR",
    "TMUX",
    "SSH_CONNECTION",
    "SSH_TTY",
    "LC_ALL",
    "LC_CTYPE",
    "TEXTUAL_COLOR_SYSTEM",
    "TERM_PROGRAM",
)
"""Variables of the machine the tests run on which would change what a program draws."""


class Screen(pyte.Screen):
    """pyte's screen, with two things terminals do: dim text (kept as blink), and blanks for halved wide characters."""

    def select_graphic_rendition(self, *attributes: int) -> None:
        super().select_graphic_rendition(*_dim_as_blink(attributes))

    def cells(self) -> list[list[Any]]:
        """Every cell, row by row: ``pyte.screens.Char`` with data, fg, bg, bold, reverse and so on."""
        return [
            [self._whole(row, column) for column in range(self.columns)]
            for row in (self.buffer[number] for number in range(self.lines))
        ]

    @property
    def text(self) -> str:
        """The characters alone, one line a row."""
        return "\n".join("".join(cell.data for cell in row) for row in self.cells())

    def _whole(self, row: Any, column: int) -> Any:
        cell = row[column]
        if cell.data == "":
            return cell if column and _is_wide(row[column - 1].data) else cell._replace(data=" ")
        halved = _is_wide(cell.data) and (column + 1 == self.columns or row[column + 1].data)
        return cell._replace(data=" ") if halved else cell


def _is_wide(character: str) -> bool:
    return character != "" and unicodedata.east_asian_width(character[0]) in "WF"


def _dim_as_blink(attributes: Sequence[int]) -> Iterator[int]:
    codes = iter(attributes)
    for code in codes:
        if code in (38, 48):
            kind = next(codes, 5)
            yield from (code, kind, *(next(codes, 0) for _ in range(3 if kind == 2 else 1)))
        elif code == 22:
            yield from (22, 25)
        else:
            yield 5 if code == 2 else code


class Terminal:
    """One command on one pty. Use it as a context manager: leaving it kills the command.

    Args:
        command: What to run.
        columns: Width of the terminal.
        rows: Height of the terminal.
        environment: What differs from the environment of the tests.
        watched: Whether to keep the screen; without, which is faster, there is only the output.
    """

    def __init__(
        self,
        command: Sequence[str],
        columns: int = 80,
        rows: int = 24,
        environment: Mapping[str, str] | None = None,
        *,
        watched: bool = True,
    ) -> None:
        self.screen = Screen(columns, rows)
        self.output = bytearray()
        """Every byte the command has written and this side has read."""
        self._stream = pyte.ByteStream(self.screen) if watched else None
        self.master, slave = os.openpty()
        self.resize(columns, rows)
        kept = {name: value for name, value in os.environ.items() if name not in _OTHERS}
        # The shell opens the pty as a session leader, which makes it the command's controlling terminal.
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", 'exec "$@" <>"$0" >&0 2>&1', os.ttyname(slave), *command],
            env={**kept, **_QUIET, **(environment or {})},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        # Held until the command speaks: reading a pty that nobody has opened yet is an error.
        self._slave: int | None = slave

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.hang_up()

    @property
    def text(self) -> str:
        """What the screen shows, one line a row."""
        return self.screen.text

    def read(self, seconds: float, bytes_per_second: float | None = None) -> bytes:
        """Read for so long (a slow line if a rate is given), show it on the screen, and return it."""
        start = time.monotonic()
        taken = bytearray()
        while (left := start + seconds - time.monotonic()) > 0:
            if bytes_per_second is None:
                chunk = self.read_once(left)
            else:
                allowed = int((time.monotonic() - start) * bytes_per_second) - len(taken)
                chunk = self.read_once(0.0, allowed) if allowed > 0 else b""
                select.select([], [], [], min(left, 0.01))
            taken += chunk
            if not chunk and self._ended():
                break
        return bytes(taken)

    def read_once(self, seconds: float, size: int = 65536) -> bytes:
        """What comes first within so many seconds; empty if nothing does."""
        if self.master < 0 or not select.select([self.master], [], [], seconds)[0]:
            return b""
        try:
            chunk = os.read(self.master, size)
        except OSError:  # EIO: the last program on the pty has closed it
            return b""
        if self._slave is not None:
            os.close(self._slave)
            self._slave = None
        self.output += chunk
        if self._stream is not None:
            self._stream.feed(chunk)
        return chunk

    def wait_for(self, condition: str | Callable[[], bool], seconds: float = 15.0) -> None:
        """Read until the screen shows this text, or the condition holds; AssertionError with the screen otherwise."""
        shown = condition if callable(condition) else lambda: condition in self.text
        deadline = time.monotonic() + seconds
        while not shown():
            if not self.read_once(min(0.05, max(0.0, deadline - time.monotonic()))) and (
                self._ended() or time.monotonic() >= deadline
            ):
                if shown():
                    return
                seen = self.text if self._stream is not None else self.output[-2000:].decode(errors="replace")
                raise AssertionError(f"{condition!r} did not come; exit {self.process.poll()}; seen:\n{seen}")

    def wait_unread(self, seconds: float) -> None:
        """Let time pass and read nothing, as a terminal that has stopped does."""
        select.select([], [], [], seconds)

    def settle(self, quiet: float = 0.2, seconds: float = 15.0) -> bytes:
        """Read until nothing has come for ``quiet`` seconds; what came."""
        taken = bytearray()
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and (chunk := self.read_once(quiet)):
            taken += chunk
        return bytes(taken)

    def send(self, keys: str) -> None:
        """Type these characters."""
        os.write(self.master, keys.encode())

    def resize(self, columns: int, rows: int) -> None:
        """Change the size of the window; the command gets SIGWINCH."""
        self.screen.resize(rows, columns)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def hang_up(self) -> None:
        """Close the terminal, as a dropped ssh does: the command gets SIGHUP, and then errors from the pty."""
        for descriptor in (self.master, self._slave):
            if descriptor is not None:
                with contextlib.suppress(OSError):
                    os.close(descriptor)
        self.master, self._slave = -1, None

    def signal(self, number: signal.Signals) -> None:
        """Send the command a signal."""
        os.kill(self.process.pid, number)

    def exit_code(self, seconds: float = 10.0) -> int:
        """Wait for the command to end, reading nothing; its exit code (negative: killed by that signal)."""
        return self.process.wait(seconds)

    def _ended(self) -> bool:
        return self.master < 0 or self.process.poll() is not None
