"""Opening a database: whose it is, whether it is whole, and who may write to it."""

import errno
import os
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from gextui.market.text import clean_text
from gextui.store import migrations
from gextui.store.database import (
    APPLICATION_ID,
    Mode,
    StoreError,
    connect,
    copy_to,
    explain,
    is_damage,
    is_marked,
    is_on_network,
    make_private,
    mark,
    sync,
)
from gextui.store.lock import Lock, LockedError, lock_of

_MAGIC = b"SQLite format 3\0"
_LOG = ("-wal", "-shm")
"""The write-ahead log, and its memory that all who use it share."""
_FILES = (*_LOG, "-journal", "")
"""All that SQLite writes under a database's name, the database last."""
_QUICK_TO_CHECK = 1 << 30
"""Bytes: a check of that much takes about a second; a larger database is checked by hand."""
_BACKUPS = 2
_OLDEST_SQLITE = (3, 37, 0)
"""The first with STRICT tables."""
_FIRST_WRITER_TAKES = 2.0
"""Seconds a reader waits for the instance that holds the lock to make the file."""


Identity = tuple[int, int] | None
"""A file's device and inode; None for no file."""


class _DamagedFileError(Exception):
    """The file is broken; the message says how."""


@dataclass(slots=True)
class Opened:
    """A database ready for use."""

    path: Path
    """With every link resolved."""
    connection: sqlite3.Connection
    mode: Mode
    lock: Lock | None = None
    """Held while writing."""
    refused: StoreError | None = None
    """Why it is only read although it was to be written."""
    notices: list[str] = field(default_factory=list)
    """Plain sentences on what was not as it should be."""
    identity: Identity = None
    log_identity: Identity = None
    """Of the write-ahead log beside it."""


def open_database(
    path: Path,
    *,
    read_only: bool,
    now: Callable[[], float],
    symbols: Sequence[str] = (),
    damage: str = "",
    before: Opened | None = None,
) -> Opened:
    """Open, and where it is missing make, the database at ``path``; run in the thread that will use it.

    A damaged file is kept under another name and a new one started, with a notice. Where another instance writes, or
    nothing can be written, the database is opened to be read.

    Args:
        path: The file.
        read_only: Only read, whoever else writes.
        now: Epoch seconds; they name what is kept.
        symbols: The tickers that are to be recorded, for others to know.
        damage: What is known to be wrong with the file, e.g. from having used it.
        before: What was open here until its file was moved away. A log that it left would be replayed into any other
            database put in its place, so it is set aside.

    Raises:
        StoreError: it cannot be used: another program's, a newer version's, out of reach.
    """
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        needed = ".".join(map(str, _OLDEST_SQLITE))
        raise StoreError(f"SQLite {sqlite3.sqlite_version} is too old: {needed} is needed", os.EX_UNAVAILABLE)
    with _plain_errors(path):
        path = _usable(path)
        if read_only:
            return _open_to_read(path, None)
        try:
            lock = _lock(path, symbols)
        except LockedError as error:
            sentence = f"{error} already records to {path}; this one only reads"
            return _open_to_read(path, StoreError(sentence, os.EX_TEMPFAIL))
        except OSError as error:
            return _open_to_read(path, _unwritable(path, error))
        opened = None
        try:
            if before is not None and before.log_identity and before.log_identity == identity_of(_log(path)):
                _set_aside(path, now(), _LOG)
            opened = _open_to_write(path, lock, now, damage)
        finally:
            if opened is None:
                lock.release()
        return opened


def _usable(path: Path) -> Path:
    if path.is_symlink() and not path.exists():
        raise StoreError(f"{path} is a link to a file that is not there; remove the link", os.EX_CANTCREAT)
    path = path.absolute().resolve()
    if path.is_dir():
        raise StoreError(f"{path} is a folder; name a file in it", os.EX_CANTCREAT)
    if path.parent.exists() and not path.parent.is_dir():
        raise StoreError(f"{path} cannot be made: {path.parent} is not a folder", os.EX_CANTCREAT)
    return path


@contextmanager
def _plain_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(f"{path} cannot be used: {explain(error)}", os.EX_IOERR) from None
    except OSError as error:
        raise _unwritable(path, error, "used") from None


def _unwritable(path: Path, error: OSError, verb: str = "written") -> StoreError:
    denied = error.errno in (errno.EACCES, errno.EPERM, errno.EROFS)
    reason = os.strerror(error.errno).lower() if error.errno else "an unknown error"
    return StoreError(f"{path} cannot be {verb}: {reason}", os.EX_NOPERM if denied else os.EX_CANTCREAT)


def _lock(path: Path, symbols: Sequence[str]) -> Lock:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.exists() and not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, "")
    return Lock.acquire(lock_of(path), symbols)


def _open_to_write(path: Path, lock: Lock, now: Callable[[], float], damage: str) -> Opened:
    notices = _close_to_others(path)
    connection = None
    if path.exists() and not damage:
        damage = _damage_in_header(path)
        if not damage:
            try:
                connection = _connect_checked(path, notices)
            except _DamagedFileError as error:
                damage = str(error)
    if connection is None:
        if kept := _set_aside(path, now()):
            what = damage or "its main file is missing"
            notices.append(f"{path.name} was damaged ({what}): it is kept as {kept} and a new one was started")
        _create(path)
        connection = connect(path, "write")
    with suppress(sqlite3.OperationalError):  # a full disk: the first reading that cannot be recorded tells
        mark(connection, "in use")
        # The main file shall say so too, and of which version it is, in case its log gets lost.
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    if is_on_network(path):
        notices.append(f"{path} is on a network's file system, where another machine's writes can damage it")
    return Opened(
        path,
        connection,
        "write",
        lock=lock,
        notices=notices,
        identity=identity_of(path),
        log_identity=identity_of(_log(path)),
    )


def _connect_checked(path: Path, notices: list[str]) -> sqlite3.Connection:
    """A connection to an existing database of the newest schema.

    Raises:
        _DamagedFileError: the file is broken.
    """
    log_is_there = _log(path).exists()
    connection = None
    try:
        connection = connect(path, "write")
        _bring_up_to_date(connection, path, notices)
        _refuse_other_tables(connection, path)
        if not is_marked(connection, "closed"):
            if path.stat().st_size <= _QUICK_TO_CHECK:
                _quick_check(connection)
            if not log_is_there and not is_on_network(path):
                notices.append(f"{path.name}-wal is missing: the newest readings may be lost")
    except (sqlite3.Error, StoreError, _DamagedFileError) as error:
        if connection is not None:
            connection.close()
        if isinstance(error, sqlite3.Error) and is_damage(error):
            raise _DamagedFileError(clean_text(str(error))) from None
        raise
    return connection


def _refuse_other_tables(connection: sqlite3.Connection, path: Path) -> None:
    """Tables of other types would give values of other types; a trigger or a view is somebody's code."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as model:
        migrations.create(model)
        missing = _columns(model) - _columns(connection)
    code = connection.execute("SELECT name FROM sqlite_schema WHERE type IN ('trigger', 'view')").fetchall()
    if missing or code:
        raise StoreError(f"{path} does not have gextui's tables; name another file", os.EX_CONFIG)


def _columns(connection: sqlite3.Connection) -> set[tuple[object, ...]]:
    rows = connection.execute(
        'SELECT t.name, t.type, t.wr, t.strict, c.name, c.type, c."notnull", c.dflt_value, c.pk, c.hidden '
        "FROM pragma_table_list AS t JOIN pragma_table_xinfo(t.name) AS c "
        "WHERE t.schema = 'main' AND t.name NOT LIKE 'sqlite_%'"
    )
    return set(rows)


def _bring_up_to_date(connection: sqlite3.Connection, path: Path, notices: list[str]) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    _refuse_newer(version, path)
    if version < 1:
        raise _DamagedFileError("it has no schema")
    if version < migrations.newest_version():
        backup = path.with_name(f"{path.name}.v{version}.backup")
        copy_to(connection, backup)
        migrations.migrate(connection)
        notices.append(f"{path.name} was brought up to date; as it was before it is kept as {backup.name}")
        backups = sorted(_siblings(path, ".v", ".backup"), key=lambda sibling: sibling.stat().st_mtime)
        for sibling in backups[:-_BACKUPS]:
            sibling.unlink()


def _quick_check(connection: sqlite3.Connection) -> None:
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise _DamagedFileError(clean_text(found.splitlines()[-1]))


def _create(path: Path) -> None:
    """Make a new database, under another name until it is whole."""
    fresh = path.with_name(f"{path.name}.new")
    for suffix in _FILES:
        fresh.with_name(fresh.name + suffix).unlink(missing_ok=True)
    make_private(fresh)
    connection = sqlite3.connect(fresh, isolation_level=None)
    try:
        migrations.create(connection)
    finally:
        connection.close()
    fresh.replace(path)
    sync(path.parent)


def _set_aside(path: Path, now: float, files: Sequence[str] = _FILES) -> str:
    """Rename what there is of the database; its new name, or nothing where there was nothing."""
    kept = f"{path.name}.corrupt-{_stamp(now)}"
    count = 1
    while list(_siblings(path, kept.removeprefix(path.name), "")):
        count += 1
        kept = f"{path.name}.corrupt-{_stamp(now)}-{count}"
    # The log goes first: left beside a new database it would be taken for that one's.
    found = [suffix for suffix in files if path.with_name(path.name + suffix).exists()]
    for suffix in found:
        path.with_name(path.name + suffix).rename(path.with_name(kept + suffix))
    sync(path.parent)
    return kept if found else ""


def identity_of(path: Path) -> Identity:
    """Which file is now at ``path``."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _log(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def _open_to_read(path: Path, refused: StoreError | None) -> Opened:
    if refused is not None and refused.exit_code == os.EX_TEMPFAIL:
        _wait_for(path)
    if not path.exists():
        raise refused or StoreError(f"{path} does not exist: nothing has been recorded yet", os.EX_NOINPUT)
    if damage := _damage_in_header(path):
        raise StoreError(f"{path} is damaged ({damage})", os.EX_IOERR)
    mode: Mode = "read"
    try:
        connection = _connect_current(path, mode)
    except sqlite3.OperationalError:
        if os.access(path.parent, os.W_OK):
            raise
        # Where the folder cannot be written, a log's shared memory may be out of reach: only the file is read then.
        mode = "immutable"
        connection = _connect_current(path, mode)
    notices = [str(refused)] if refused is not None else []
    return Opened(path, connection, mode, refused=refused, notices=notices, identity=identity_of(path))


def _connect_current(path: Path, mode: Mode) -> sqlite3.Connection:
    """A connection to read a database of the newest schema, which only a writer can give it."""
    connection = connect(path, mode)
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version != migrations.newest_version():
            _refuse_newer(version, path)
            raise StoreError(f"{path} was made by an older gextui; run gextui record once to update it", os.EX_CONFIG)
        _refuse_other_tables(connection, path)
    except (sqlite3.Error, StoreError):
        connection.close()
        raise
    return connection


def _wait_for(path: Path) -> None:
    """Give the instance that has just taken the lock the time to make the file."""
    until = time.monotonic() + _FIRST_WRITER_TAKES
    while not path.exists() and time.monotonic() < until:
        time.sleep(0.02)


def _damage_in_header(path: Path) -> str:
    """What is wrong with the file's first bytes, or nothing. Read without SQLite, which might leave traces.

    Raises:
        StoreError: it is another program's database, or a newer version's.
    """
    with path.open("rb") as file:
        header = file.read(100)
    if not header:
        return "it was empty"
    if len(header) < 100 or not header.startswith(_MAGIC):
        return "it is no database"
    if int.from_bytes(header[68:72], "big") != APPLICATION_ID:
        sentence = f"{path} is another program's database; name another file under [storage] path"
        raise StoreError(sentence, os.EX_CONFIG)
    _refuse_newer(int.from_bytes(header[60:64], "big"), path)
    return ""


def _refuse_newer(version: int, path: Path) -> None:
    known = migrations.newest_version()
    if version > known:
        sentence = f"{path} was made by a newer gextui (schema {version}, this one knows {known}); run that one"
        raise StoreError(sentence, os.EX_CONFIG)


def _close_to_others(path: Path) -> list[str]:
    """Take from others the right to read what there is."""
    opened = []
    for suffix in _FILES:
        file = path.with_name(path.name + suffix)
        if file.exists() and file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            file.chmod(0o600)
            opened.append(file.name)
    return [f"{', '.join(opened)} could be read by others; only you can now"] if opened else []


def _siblings(path: Path, middle: str, end: str) -> Iterator[Path]:
    start = path.name + middle
    return (file for file in path.parent.iterdir() if file.name.startswith(start) and file.name.endswith(end))


def _stamp(now: float) -> str:
    return datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
