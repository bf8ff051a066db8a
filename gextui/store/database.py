"""Connections: the one place that opens them, sets them up, runs transactions and says what went wrong."""

import os
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Literal, TypeVar

import aiosqlite

from gextui.market.text import clean_text

APPLICATION_ID = 0x47455831
_LONGEST_VALUE = 32 << 20
"""Bytes: no text or blob of ours comes near, and a file from elsewhere cannot fill the memory with one."""
_NETWORK_FILE_SYSTEMS = frozenset(
    {"9p", "afs", "ceph", "cifs", "davfs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs", "glusterfs", "ncpfs", "nfs"}
    | {"nfs4", "smb2", "smb3", "smbfs"}
)

Mode = Literal["write", "read", "immutable"]
State = Literal["in use", "closed"]

_T = TypeVar("_T")


class StoreError(Exception):
    """The database cannot be used. The message is one plain sentence: what failed and what to do."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code
        """As in sysexits."""


class Worker(aiosqlite.Connection):
    """aiosqlite's connection and thread, with one thing more: a function of several statements in a single hop."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(connect, iter_chunk_size=64)
        # A hung disk must not keep the process alive; to the database that is one more kill -9.
        self._thread.daemon = True

    async def run(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """What ``work`` returns or raises, run in the connection's thread; it is finished even if the caller is not."""
        hop: Callable[..., Awaitable[_T]] = self._execute
        return await hop(work, self._conn)

    async def start(self) -> None:
        """Open the connection, in the thread; where that fails, the thread has ended when this raises."""
        try:
            await self
        except (sqlite3.Error, OSError, StoreError):
            self._thread.join()  # which is a matter of microseconds: aiosqlite has told it to stop
            raise


async def start_worker(connect: Callable[[], sqlite3.Connection]) -> Worker:
    """A worker on the connection that ``connect`` opens in the worker's thread."""
    worker = Worker(connect)
    await worker.start()
    return worker


def connect(path: Path, mode: Mode) -> sqlite3.Connection:
    """Open and set up a connection for use in this thread.

    ``immutable`` reads a file in a folder where nothing can be written: it sees what the last checkpoint left.

    Raises:
        sqlite3.Error: it is no database, or damaged, or out of reach.
    """
    query = {"write": "mode=rw", "read": "mode=ro", "immutable": "mode=ro&immutable=1"}[mode]
    # Without isolation_level=None the sqlite3 module begins deferred transactions of its own.
    connection = sqlite3.connect(f"{path.as_uri()}?{query}", uri=True, isolation_level=None)
    try:
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)
        connection.execute("PRAGMA busy_timeout = 5000")
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA cell_size_check = ON")
        connection.execute("PRAGMA mmap_size = 0")
        if mode == "write":
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA journal_size_limit = 67108864")
            # A write-ahead log needs memory that all of its users share: a network's file system has none.
            journal = "TRUNCATE" if is_on_network(path) else "WAL"
            connection.execute(f"PRAGMA journal_mode = {journal}").fetchone()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit what the block did, or leave nothing of it.

    IMMEDIATE, because a transaction that reads first and then writes fails at once, however long it might wait, when
    another connection wrote in between.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk has already rolled it back
            connection.execute("ROLLBACK")
        raise


def mark(connection: sqlite3.Connection, state: State) -> None:
    """Say whether a writer has the database open: one found open was not closed in order, and is checked."""
    with transaction(connection):
        connection.execute("INSERT OR REPLACE INTO meta VALUES ('state', ?)", (state,))


def is_marked(connection: sqlite3.Connection, state: State) -> bool:
    """Whether the database is in that state."""
    return bool(connection.execute("SELECT value FROM meta WHERE key = 'state'").fetchone() == (state,))


def copy_to(connection: sqlite3.Connection, target: Path) -> None:
    """Write a consistent copy of the database to the new file ``target``, while others go on writing.

    Raises:
        sqlite3.Error: reading or writing failed; there is no ``target``.
        OSError: ``target`` cannot be made.
    """
    part = target.with_name(f"{target.name}.part")
    part.unlink(missing_ok=True)
    make_private(part)
    try:
        connection.execute("VACUUM INTO ?", (str(part),))
        with closing(sqlite3.connect(part, isolation_level=None)) as copy:
            mark(copy, "closed")
        sync(part)
        part.replace(target)
    except (sqlite3.Error, OSError):
        part.unlink(missing_ok=True)
        raise
    sync(target.parent)


def make_private(path: Path) -> None:
    """Make the new, empty file ``path`` that only its owner may read, whatever the umask."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def sync(path: Path) -> None:
    """Make a file's content, or the names in a folder, survive a loss of power."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_on_network(path: Path, mounts: Path = Path("/proc/self/mounts")) -> bool:
    """Whether the file system of ``path`` is a network's, as far as this system tells."""
    try:
        lines = mounts.read_text("utf-8", "replace").splitlines()
    except OSError:
        return False
    kinds = {fields[1].replace("\\040", " "): fields[2] for line in lines if len(fields := line.split()) > 2}
    nearest = next((str(folder) for folder in path.parents if str(folder) in kinds), "")
    return kinds.get(nearest) in _NETWORK_FILE_SYSTEMS


def is_damage(error: sqlite3.Error) -> bool:
    """Whether ``error`` says that the file itself is broken."""
    return _code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def explain(error: sqlite3.Error) -> str:
    """What went wrong, in a few plain words."""
    return _PLAIN.get(_code(error)) or clean_text(str(error))


def _code(error: sqlite3.Error) -> int:
    # Errors that the sqlite3 module itself raises carry no code; extended codes hold more in the upper bytes.
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


_PLAIN = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_IOERR: "the disk reports an error",
    sqlite3.SQLITE_BUSY: "another program holds the database",
    sqlite3.SQLITE_LOCKED: "another program holds the database",
    sqlite3.SQLITE_READONLY: "the database cannot be written",
    sqlite3.SQLITE_CANTOPEN: "the database cannot be opened",
    sqlite3.SQLITE_CORRUPT: "the database is damaged",
    sqlite3.SQLITE_NOTADB: "the database is damaged",
}
