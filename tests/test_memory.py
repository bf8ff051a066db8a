"""What a long-running process gives back of its memory, and what it must keep."""

import subprocess
import sys
from pathlib import Path

import pytest

from gextui import memory
from gextui.memory import as_on_disk

LINUX = Path("/proc/self/smaps")


def mapping(rights: str, name: str, *, anonymous: int = 0, swap: int = 0, start: int = 0x7F0000000000) -> str:
    """One of /proc/self/smaps, as Linux 6 writes it."""
    sizes = {"Size": 16, "KernelPageSize": 4, "Rss": 12, "Private_Dirty": 0, "Anonymous": anonymous, "Swap": swap}
    lines = [f"{start:x}-{start + 0x4000:x} {rights} 00001000 fe:01 131 {name:>40}".rstrip()]
    lines += [f"{size + ':':<16}{kilobytes:>8} kB" for size, kilobytes in sizes.items()]
    return "\n".join([*lines, "VmFlags: rd ex mr mw me", ""])


def test_code_and_constants_of_files_are_as_on_disk() -> None:
    first, second = 0x7F0000000000, 0x7F0000008000
    maps = mapping("r-xp", "/usr/lib/libc.so.6", start=first) + mapping("r--p", "/a path/numpy.so", start=second)
    assert list(as_on_disk(maps)) == [(first, 0x4000), (second, 0x4000)]


@pytest.mark.parametrize(
    "kept",
    [
        mapping("rw-p", "/usr/lib/libc.so.6"),
        mapping("r--p", "/usr/lib/libc.so.6", anonymous=4),
        mapping("r--p", "/usr/lib/libc.so.6", swap=4),
        mapping("r--s", "/home/me/gextui.db-shm"),
        mapping("rw-p", "[heap]"),
        mapping("r-xp", "[vdso]"),
        mapping("rw-p", ""),
    ],
)
def test_whatever_may_differ_from_the_disk_is_kept(kept: str) -> None:
    assert list(as_on_disk(kept)) == []
    alone = mapping("r-xp", "/usr/lib/libm.so.6", start=0x7E0000000000)
    assert list(as_on_disk(alone + kept + alone)) == [(0x7E0000000000, 0x4000)] * 2


@pytest.mark.skipif(not LINUX.exists(), reason="only Linux tells what is mapped")
def test_a_process_that_gave_back_goes_on_with_less() -> None:
    program = """
import hashlib, sqlite3, numpy
from pathlib import Path
from gextui.memory import give_back, hold_little

def held():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssFile"))

hold_little()
before = held()
for _ in range(3):
    give_back()
    assert numpy.linalg.inv(numpy.eye(3)).trace() == 3.0
    assert sqlite3.connect(":memory:").execute("SELECT 6 * 7").fetchone() == (42,)
    assert hashlib.sha256(b"").hexdigest().startswith("e3b0c442")
print(held() < 0.8 * before)
"""
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (said.returncode, said.stdout, said.stderr) == (0, "True\n", "")


def test_where_nothing_can_be_given_back_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:

    class Library:
        """A C library that knows none of it."""

    monkeypatch.setattr("ctypes.CDLL", lambda name: Library())
    memory.hold_little()
    memory.give_back()
