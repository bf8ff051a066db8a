"""The lock that keeps every other instance from writing to the same database, and who holds it."""

import fcntl
import os
import re
import socket
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Self

from gextui.market.text import clean_text, is_symbol
from gextui.route import Recorded

_FIRST_LINE = re.compile(r"(\d{1,10}) (\S{1,64})")
_MOST_BYTES = 65536
_SECONDS = re.compile(r"\d{1,5}(\.\d{1,6})?", re.ASCII)
_BETWEEN = "\t"
_LONGEST_DOUBT = 200


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock, as far as the lock's file says."""

    process: int | None = None
    host: str = ""
    recorded: Mapping[str, Recorded] = field(default_factory=dict)
    """By the symbol of every ticker that it records, how that stands."""

    def __str__(self) -> str:
        return "another process" if self.process is None else f"process {self.process} on {self.host}"


class LockedError(Exception):
    """Another process holds the lock; the message names it."""


class Lock:
    """One writer: an flock on a file beside the database, free the moment its process is gone, however it ends.

    The file holds its owner's process id and host, and a line for each ticker that it records. It is never removed,
    because a lock on a removed file locks nobody out.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def acquire(cls, path: Path, symbols: Iterable[str] = ()) -> Self:
        """Take the lock at ``path``, without waiting, to record these tickers.

        Raises:
            LockedError: another process holds it.
            OSError: the file cannot be made, or its file system has no locks.
        """
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _write(descriptor, dict.fromkeys(symbols, Recorded()))
        except BlockingIOError:
            holder = _written(descriptor)
            os.close(descriptor)
            raise LockedError(str(holder)) from None
        except OSError:
            os.close(descriptor)
            raise
        return cls(descriptor)

    def announce(self, recorded: Mapping[str, Recorded]) -> None:
        """Say that these tickers are recorded from now on, and how that stands; see `Holder`.

        Raises:
            OSError: the file cannot be written.
        """
        _write(self._descriptor, recorded)

    def release(self) -> None:
        """Let others write. Called once."""
        os.close(self._descriptor)


def lock_of(database: Path) -> Path:
    """Where a database's lock is."""
    database = database.absolute().resolve()
    return database.with_name(f"{database.name}.lock")


def holder_of(database: Path) -> Holder | None:
    """Who records to a database now; None where nobody does, or that cannot be told."""
    try:
        descriptor = os.open(lock_of(database), os.O_RDONLY)
    except OSError:
        return None
    try:
        holder = _written(descriptor)
        if not _may_live(holder):
            return None
        # Only where its owner seems to live: whoever takes the lock in this moment would find it taken by us.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return holder
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return None


def _write(descriptor: int, recorded: Mapping[str, Recorded]) -> None:
    lines = [f"{os.getpid()} {socket.gethostname()}"]
    lines += [
        _BETWEEN.join((symbol, f"{told.interval:g}", clean_text(told.doubt, _LONGEST_DOUBT)))
        for symbol, told in recorded.items()
    ]
    # Ended by an empty line: the length is the last to change, and what is left of a longer text counts for nothing.
    owner = "".join(f"{line}\n" for line in [*lines, ""]).encode()
    os.pwrite(descriptor, owner, 0)
    os.ftruncate(descriptor, len(owner))


def _written(descriptor: int) -> Holder:
    """What a lock's file says; it may be anything, and it may be half written."""
    first, *lines = os.pread(descriptor, _MOST_BYTES, 0).decode(errors="replace").split("\n")
    found = _FIRST_LINE.match(first)
    if found is None:
        return Holder()
    recorded = {}
    for line in takewhile(bool, lines):
        symbol, interval, doubt, *_ = [*line.split(_BETWEEN, 2), "", ""]
        if is_symbol(symbol):
            seconds = float(interval) if _SECONDS.fullmatch(interval) else 0.0
            recorded[symbol] = Recorded(clean_text(doubt, _LONGEST_DOUBT), seconds)
    return Holder(int(found[1]), clean_text(found[2]), recorded)


def _may_live(holder: Holder) -> bool:
    if holder.process is None or holder.host != socket.gethostname():
        return True
    with suppress(PermissionError):
        try:
            os.kill(holder.process, 0)
        except (ProcessLookupError, OverflowError):
            return False
    return True
