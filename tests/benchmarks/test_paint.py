"""The benchmarks of painting: what they run starts, and what they read of a process is plausible."""

from pathlib import Path

from benchmarks.paint import HELLO, processor_seconds, resident_memory, started


def test_the_yardstick_starts_and_is_measured(tmp_path: Path) -> None:
    with started(HELLO, "hello, world", str(tmp_path)) as pty:
        assert 10 < resident_memory(pty) < 200
        assert 0.02 < processor_seconds(pty) < 20


def test_a_process_that_has_ended_has_no_figures(tmp_path: Path) -> None:
    with started(HELLO, "hello, world", str(tmp_path)) as pty:
        pty.send("\x11")
        assert pty.exit_code() == 0
    assert resident_memory(pty) != resident_memory(pty)
    assert processor_seconds(pty) != processor_seconds(pty)
