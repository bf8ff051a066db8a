"""The memory of a process that runs for weeks: it gives back what only starting needed, where the system lets it."""

import ctypes
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_ARENA_MAX, _MMAP_THRESHOLD = -8, -3
"""M_ARENA_MAX and M_MMAP_THRESHOLD of glibc's malloc.h."""
_LARGE = 65536
"""Bytes: a block of so many goes back to the system as soon as it is free."""
_DONTNEED = 4
"""MADV_DONTNEED of Linux."""
_MAPS = Path("/proc/self/smaps")
_MAPPING = re.compile(
    r"^(?P<start>[0-9a-f]+)-(?P<end>[0-9a-f]+) r-[x-]p [0-9a-f]+ \S+ \d+ +/.*(?P<sizes>(?:\n[A-Z].*)+)", re.MULTILINE
)


def hold_little() -> None:
    """Have all threads share one heap, and no large block stay in it; to be called before there are many."""
    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_ARENA_MAX, 1)
        mallopt(_MMAP_THRESHOLD, _LARGE)


def give_back() -> None:
    """Return free memory, and what of libraries is as on disk, of which starting needs most; the rest is read again."""
    with suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.malloc_trim(0)
        madvise = library.madvise
        madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
        for start, length in as_on_disk(_MAPS.read_text(encoding="utf-8")):
            madvise(start, length, _DONTNEED)


def as_on_disk(maps: str) -> Iterator[tuple[int, int]]:
    """Where files are mapped that nobody can write there, and no page of which differs: each start and its length.

    Args:
        maps: What /proc/self/smaps says.
    """
    for mapping in _MAPPING.finditer(maps):
        if "\nAnonymous:             0 kB" in mapping["sizes"] and "\nSwap:                  0 kB" in mapping["sizes"]:
            start = int(mapping["start"], 16)
            yield start, int(mapping["end"], 16) - start
