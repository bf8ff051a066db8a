"""Leaving: what was gathered is flushed, the terminal restored, and the process ends, whatever hangs.

Signals are handled by ``signal.signal``: handlers of an event loop never run while a terminal that has stopped reading
stalls it. A handler does no more than wake a thread that has waited since the start, which does the rest:

1. run ``flush`` in one more thread, for at most ``grace`` seconds; a second signal ends the wait at once;
2. restore the terminal, if it is still there and takes bytes;
3. ``os._exit``, since an orderly exit would wait for whatever is stuck.
"""

import contextlib
import os
import select
import signal
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

GRACE = 1.75
"""Seconds for flushing, so that everything has ended after two."""
SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)
RESTORE = "".join(
    (
        "\x1b[?2026l",  # end a synchronised update
        "\x1b[0m\x1b[<u",  # plain pen; keys as they were before kitty's protocol
        "\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1015l\x1b[?1016l",  # no mouse
        "\x1b[?2004l\x1b[?1004l\x1b[?2048l",  # no bracketed paste, no reports of focus and size
        "\x1b[?7h\x1b[?1049l\x1b[?25h",  # wrapped lines, the screen of before, a cursor
    )
).encode()
"""Undoes what Textual's driver has done to the terminal."""
_ECHO = 0.3
"""Seconds within which a second signal is but the first once more: some senders signal a process and its group."""
_AT_ONCE, _FLUSHED, _STAY = b"\xfd", b"\xfe", b"\xff"


@contextmanager
def leaving_on_signals(
    flush: Callable[[], object], *, grace: float = GRACE, exit_code: int | None = None
) -> Iterator["Leaving"]:
    """While the block runs, leave on SIGTERM, SIGHUP, SIGINT or SIGQUIT. Enter it before the app starts.

    A SIGHUP that is ignored, as under nohup, stays ignored.

    Args:
        flush: Stores what must not be lost; called once, in a thread of its own.
        grace: Seconds that it may take.
        exit_code: The process's exit code; by default 128 plus the signal's number, so 143 after SIGTERM.
    """
    leaving = Leaving(flush, grace, exit_code)
    handlers = {}
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            handlers[number] = signal.signal(number, leaving.on_signal)
    try:
        yield leaving
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        leaving.stay()


class Leaving:
    """The thread that waits to end the process. Made by `leaving_on_signals`."""

    def __init__(self, flush: Callable[[], object], grace: float, exit_code: int | None) -> None:
        self._flush = flush
        self._grace = grace
        self._exit_code = exit_code
        self._under_way = False
        self._modes = _terminal_modes()
        self._reader, self._writer = os.pipe()
        self._thread = threading.Thread(target=self._wait, name="leaving", daemon=True)
        self._thread.start()

    def leave(self, exit_code: int = 0) -> None:
        """Leave as on a signal: for an app that is told to quit while its terminal may hang, or has gone."""
        if not self._under_way:
            self._under_way = True
            os.write(self._writer, bytes([exit_code]))

    def on_signal(self, number: int, frame: FrameType | None) -> None:
        """Leave; what `signal.signal` calls."""
        if not self._under_way:
            self.leave(128 + number if self._exit_code is None else self._exit_code)
        elif number != signal.SIGHUP:
            # Kernel and shell may each send a SIGHUP for one terminal that closes.
            os.write(self._writer, _AT_ONCE)

    def stay(self) -> None:
        """Stop waiting. Where the process is being left already, this does not return."""
        os.write(self._writer, _STAY)
        self._thread.join()
        os.close(self._reader)
        os.close(self._writer)

    def _wait(self) -> None:
        exit_code = os.read(self._reader, 1)
        if exit_code == _STAY:
            return
        threading.Thread(target=self._run_flush, name="flush", daemon=True).start()
        start = time.monotonic()
        deadline = start + self._grace
        while select.select([self._reader], [], [], max(0.0, deadline - time.monotonic()))[0]:
            told = os.read(self._reader, 1)
            if told == _AT_ONCE and time.monotonic() > start + _ECHO:
                deadline = time.monotonic()
            elif told == _FLUSHED:
                break
        restore_terminal(self._modes, deadline)
        os._exit(exit_code[0])

    def _run_flush(self) -> None:
        try:
            self._flush()
        finally:
            os.write(self._writer, _FLUSHED)


def restore_terminal(modes: list[Any] | None, deadline: float) -> None:
    """Put the terminal back as a shell expects it; this process can write no more to it.

    Args:
        modes: What `termios.tcgetattr` gave before the app started; None where there was no terminal.
        deadline: Until when to wait for a terminal that takes no bytes, by `time.monotonic`.
    """
    if modes is None:
        return
    # A process in the background would be stopped for touching the terminal.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTTOU])
    with contextlib.suppress(OSError, termios.error):
        # Opened anew: never to block is a property that the inherited files share with the shell.
        terminal = os.open("/dev/tty", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for output in (1, 2):
            os.dup2(nowhere, output)  # the frame under way may end, none may follow
        termios.tcsetattr(terminal, termios.TCSANOW, modes)
        left = RESTORE
        while left:
            try:
                left = left[os.write(terminal, left) :]
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    break
                time.sleep(0.02)
        termios.tcflush(terminal, termios.TCIFLUSH)


def _terminal_modes() -> list[Any] | None:
    try:
        return termios.tcgetattr(0)
    except termios.error:
        return None
