"""The lock that keeps every other instance from writing to the same database."""

import fcntl
import os
import re
import socket
from pathlib import Path
from typing import Self

from gextui.market.text import clean_text

_HOLDER = re.compile(r"(\d{1,10}) (\S{1,64})")


class LockedError(Exception):
    """Another process holds the lock; the message names it."""


class Lock:
    """One writer: an flock on a file beside the database, free the moment its process is gone, however it ends.

    The file holds its owner's process id and host and is never removed, because a lock on a removed file locks nobody
    out.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def acquire(cls, path: Path) -> Self:
        """Take the lock at ``path``, without waiting.

        Raises:
            LockedError: another process holds it.
            OSError: the file cannot be made, or its file system has no locks.
        """
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()} {socket.gethostname()}\n".encode(), 0)
        except BlockingIOError:
            holder = _holder(os.pread(descriptor, 128, 0))
            os.close(descriptor)
            raise LockedError(holder) from None
        except OSError:
            os.close(descriptor)
            raise
        return cls(descriptor)

    def release(self) -> None:
        """Let others write. Called once."""
        os.close(self._descriptor)


def _holder(written: bytes) -> str:
    found = _HOLDER.match(written.decode(errors="replace"))
    return f"process {found[1]} on {clean_text(found[2])}" if found else "another process"
