"""Whatever the terminal does, a signal ends the process in time, flushed, with the terminal as it was."""

import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gextui.ui.terminal.signals import RESTORE, leaving_on_signals
from tests.ui.terminal.pty_harness import Terminal

GRACE = 0.8
LIMIT = GRACE + 1.0
"""Seconds after which the process must be gone, whatever hangs; the waits below fail beyond it."""
IGNORING_HANG_UP = ("/bin/sh", "-c", 'trap "" HUP; exec "$@"', "sh")


@contextmanager
def leaver(how: str, flushed: Path, *before: str, grace: float = GRACE) -> Iterator[Terminal]:
    command = [*before, sys.executable, "-m", "tests.ui.terminal.leaver", how, str(flushed), str(grace)]
    with Terminal(command, 100, 45, watched=False) as pty:
        pty.wait_for(lambda: b"100,000" in pty.output)
        yield pty


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129), (signal.SIGQUIT, 131)]
)
def test_a_signal_flushes_and_gives_the_terminal_back(number: signal.Signals, code: int, tmp_path: Path) -> None:
    with leaver("quick", tmp_path / "flushed") as pty:
        raw = termios.tcgetattr(pty.master)
        pty.signal(number)
        pty.read(LIMIT)
        assert pty.exit_code(LIMIT) == code
        assert (tmp_path / "flushed").read_text() == "flushed"
        assert bytes(pty.output).endswith(RESTORE)
        cooked = termios.tcgetattr(pty.master)
    assert raw[3] & (termios.ECHO | termios.ICANON | termios.ISIG) == 0
    assert cooked[3] & (termios.ECHO | termios.ICANON | termios.ISIG) == termios.ECHO | termios.ICANON | termios.ISIG


def test_leaving_undoes_what_textual_does_to_a_terminal(tmp_path: Path) -> None:
    with leaver("quick", tmp_path / "flushed") as pty:
        switched_on = {mode for mode in (b"?1049", b"?1004", b"?2004") if mode + b"h" in pty.output}
        switched_off = {mode for mode in (b"?25", b"?7") if mode + b"l" in pty.output}
    assert switched_on == {b"?1049", b"?1004", b"?2004"}
    assert switched_off == {b"?25", b"?7"}
    assert all(b"\x1b[" + mode + b"l" in RESTORE for mode in switched_on)
    assert all(b"\x1b[" + mode + b"h" in RESTORE for mode in switched_off)


@pytest.mark.parametrize("how", ["quick", "hangs"])
def test_a_stalled_terminal_delays_no_exit(how: str, tmp_path: Path) -> None:
    with leaver(how, tmp_path / "flushed") as pty:
        pty.wait_unread(0.5)  # the pty is full: writers block
        pty.signal(signal.SIGTERM)
        assert pty.exit_code(LIMIT) == 143
        assert (tmp_path / "flushed").exists()


def test_a_closed_terminal_ends_the_process_and_still_waits_for_the_flush(tmp_path: Path) -> None:
    with leaver("hangs", tmp_path / "flushed") as pty:
        start = time.monotonic()
        pty.hang_up()
        assert pty.exit_code(LIMIT) == 129
        # The kernel's SIGHUP, and then the app that finds its terminal gone, count as one.
        assert time.monotonic() - start >= GRACE - 0.1
        assert (tmp_path / "flushed").exists()


def test_a_closed_terminal_is_noticed_where_hang_ups_are_ignored(tmp_path: Path) -> None:
    with leaver("quick", tmp_path / "flushed", *IGNORING_HANG_UP) as pty:
        pty.hang_up()
        assert pty.exit_code(LIMIT) == 129
        assert (tmp_path / "flushed").exists()


def test_a_second_signal_waits_for_nothing(tmp_path: Path) -> None:
    with leaver("hangs", tmp_path / "flushed", grace=30.0) as pty:
        pty.signal(signal.SIGTERM)
        pty.signal(signal.SIGTERM)  # as `timeout` does: to the process and to its group
        pty.read(0.5)
        assert pty.process.poll() is None
        pty.signal(signal.SIGTERM)
        pty.read(LIMIT)
        assert pty.exit_code(LIMIT) == 143
        assert bytes(pty.output).endswith(RESTORE)


def test_an_app_can_leave_by_itself_from_a_stalled_terminal(tmp_path: Path) -> None:
    with leaver("quick", tmp_path / "flushed") as pty:
        pty.wait_unread(0.5)
        pty.send("q")
        assert pty.exit_code(LIMIT) == 0
        assert (tmp_path / "flushed").exists()


def test_without_a_signal_nothing_is_flushed_and_the_handlers_return() -> None:
    flushed: list[bool] = []
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)]
    with leaving_on_signals(lambda: flushed.append(True)) as leaving:
        assert signal.getsignal(signal.SIGTERM) == leaving.on_signal
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)] == before
    assert flushed == []


def test_a_recorder_may_exit_with_nought_and_needs_no_terminal(tmp_path: Path) -> None:
    program = (
        "import signal, os, sys\n"
        "from pathlib import Path\n"
        "from gextui.ui.terminal.signals import leaving_on_signals\n"
        "with leaving_on_signals(lambda: Path(sys.argv[1]).write_text('x'), exit_code=0):\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    signal.pause()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "flushed")],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert (tmp_path / "flushed").exists()
