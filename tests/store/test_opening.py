"""Whatever lies at the database's path, it is kept, the sentence is plain, and there is something to work with."""

import hashlib
import os
import re
import shutil
import socket
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from gextui.store import database, migrations, opening
from gextui.store.lock import Lock, LockedError
from gextui.store.store import Store
from tests.store.market import BTC, NOON, SPY, after, board_at, same_bits

NOW = 1_795_000_000.0
STAMP = "20261118T110640Z"


def now() -> float:
    return NOW


async def fill(path: Path, count: int = 5) -> None:
    """A database of so many readings, closed in order."""
    store = await Store.open(path)
    for second in range(count):
        await store.record(board_at(after(second)))
    await store.close()


def leave_open(path: Path) -> None:
    """Make it look as if its writer had been killed."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE meta SET value = 'in use' WHERE key = 'state'")
        connection.commit()


def readings(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT count(*) FROM snapshot").fetchone()[0])


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def names(path: Path) -> list[str]:
    return sorted(file.name for file in path.parent.iterdir())


# A new database.


async def test_a_new_database_is_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        path = tmp_path / "a" / "data" / "gextui.db"
        store = await Store.open(path)
        await store.record(board_at(NOON))
        found = {file.name: mode_of(file) for file in path.parent.iterdir()}
        await store.close()
    finally:
        os.umask(before)
    assert found == dict.fromkeys(("gextui.db", "gextui.db-wal", "gextui.db-shm", "gextui.db.lock"), 0o600)
    assert mode_of(path.parent) == 0o700
    assert names(path) == ["gextui.db", "gextui.db.lock"]


async def test_a_new_database_is_set_up_as_promised(store: Store) -> None:
    def pragmas(connection: sqlite3.Connection) -> dict[str, object]:
        wanted = (
            *("application_id", "user_version", "journal_mode", "synchronous", "busy_timeout", "foreign_keys"),
            *("trusted_schema", "auto_vacuum", "mmap_size", "cell_size_check"),
        )
        return {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in wanted}

    assert await store._hop(pragmas) == {
        "application_id": 0x47455831,
        "user_version": migrations.newest_version(),
        "journal_mode": "wal",
        "synchronous": 2,
        "busy_timeout": 5000,
        "foreign_keys": 1,
        "trusted_schema": 0,
        "auto_vacuum": 2,
        "mmap_size": 0,
        "cell_size_check": 1,
    }
    tables = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND NOT strict AND name NOT LIKE 'sqlite_%'"
    assert await store._hop(lambda connection: connection.execute(tables).fetchall()) == []


async def test_files_that_others_could_read_are_closed_to_them(path: Path) -> None:
    await fill(path)
    set_mode(path, 0o644)
    store = await Store.open(path)
    await store.close()
    assert mode_of(path) == 0o600
    assert store.notice == "gextui.db could be read by others; only you can now"


def set_mode(path: Path, mode: int) -> None:
    path.chmod(mode)


async def test_a_link_leads_to_the_database_and_its_lock(path: Path) -> None:
    await fill(path)
    link = path.with_name("link.db")
    link.symlink_to(path)
    one = await Store.open(link)
    other = await Store.open(path)
    await other.close()
    await one.close()
    assert other.refused is not None


# What is broken is kept, and a new one started.


def text(path: Path) -> None:
    path.write_text("not a database, but something that somebody wrote\n" * 10)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def zero_header(path: Path) -> None:
    overwrite(path, 0, bytes(100))


def short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:50])


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-4096])


def half_a_page(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:6000])


def garbage_page(path: Path) -> None:
    leave_open(path)
    overwrite(path, 4096 * 3, bytes(range(256)) * 16)


def no_schema(path: Path) -> None:
    overwrite(path, 60, bytes(4))


def overwrite(path: Path, at: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(data)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (text, "it is no database"),
        (empty, "it was empty"),
        (zero_header, "it is no database"),
        (short, "it is no database"),
        (truncated, "database disk image is malformed"),
        (half_a_page, "database disk image is malformed"),
        (garbage_page, ".+"),
        (no_schema, "it has no schema"),
    ],
)
async def test_a_broken_file_is_kept_and_a_new_one_started(
    path: Path, spoil: Callable[[Path], None], reason: str
) -> None:
    await fill(path)
    spoil(path)
    broken = digest(path)
    store = await Store.open(path, now=now)
    assert await store.latest(BTC) is None
    await store.record(board_at(NOON))
    await store.close()
    kept = path.with_name(f"gextui.db.corrupt-{STAMP}")
    assert digest(kept) == broken
    assert re.fullmatch(
        rf"gextui\.db was damaged \({reason}\): it is kept as {kept.name} and a new one was started", store.notice
    )
    assert (store.recording, store.refused, readings(path)) == ("not recorded", None, 1)
    assert mode_of(path) == mode_of(kept) == 0o600


def replace_by(path: Path, content: str) -> None:
    path.write_text(content)


async def test_nothing_that_was_kept_is_ever_overwritten(path: Path) -> None:
    for content in ("one", "two", "three"):
        replace_by(path, content)
        store = await Store.open(path, now=now)
        await store.close()
    kept = sorted(path.parent.glob("*.corrupt-*"))
    assert [file.name.removeprefix(f"gextui.db.corrupt-{STAMP}") for file in kept] == ["", "-2", "-3"]
    assert [file.read_text() for file in kept] == ["one", "two", "three"]


async def test_a_broken_files_log_is_kept_with_it(path: Path) -> None:
    await fill(path)
    wal = path.with_name("gextui.db-wal")
    wal.write_bytes(b"the newest readings")
    zero_header(path)
    store = await Store.open(path, now=now)
    await store.record(board_at(NOON))
    await store.close()
    assert path.with_name(f"gextui.db.corrupt-{STAMP}-wal").read_bytes() == b"the newest readings"
    assert readings(path) == 1


async def test_a_log_without_its_database_is_kept_and_not_replayed(path: Path) -> None:
    path.with_name("gextui.db-wal").write_bytes(b"of a database that was deleted")
    store = await Store.open(path, now=now)
    await store.record(board_at(NOON))
    await store.close()
    assert path.with_name(f"gextui.db.corrupt-{STAMP}-wal").read_bytes() == b"of a database that was deleted"
    assert "its main file is missing" in store.notice
    assert readings(path) == 1


async def test_garbage_for_a_log_costs_only_what_was_in_the_log(path: Path) -> None:
    await fill(path)
    wal = path.with_name("gextui.db-wal")
    wal.write_bytes(os.urandom(20_000))
    set_mode(wal, 0o600)
    store = await Store.open(path)
    checked = await store.check()
    await store.close()
    assert (checked.chains, checked.damaged, checked.problems, store.notice) == (5, 0, (), "")


async def test_a_missing_log_is_told(path: Path) -> None:
    await fill(path)
    leave_open(path)
    store = await Store.open(path)
    checked = await store.check()
    await store.close()
    assert (checked.chains, checked.problems) == (5, ())
    assert store.notice == "gextui.db-wal is missing: the newest readings may be lost"


def flip_a_byte(path: Path, within: bytes) -> None:
    content = path.read_bytes()
    at = content.index(within) + len(within) // 2
    overwrite(path, at, bytes([content[at] ^ 1]))


async def test_a_log_lost_to_a_kill_is_told(store: Store, path: Path) -> None:
    await store.record(board_at(NOON))
    copy = path.with_name("copy.db")
    shutil.copy(path, copy)  # as a kill leaves it, but without its log
    other = await Store.open(copy)
    assert await other.latest(BTC) is None
    await other.close()
    assert other.notice == "copy.db-wal is missing: the newest readings may be lost"


async def test_one_flipped_byte_costs_one_reading(path: Path) -> None:
    await fill(path, count=30)
    with closing(sqlite3.connect(path)) as connection:
        payload = connection.execute("SELECT payload FROM snapshot WHERE id = 17").fetchone()[0]
    flip_a_byte(path, payload)
    store = await Store.open(path)
    checked = await store.check()
    before = await store.as_of(BTC, after(16.5))
    series = await store.range(BTC, NOON, after(60))
    await store.close()
    assert (checked.chains, checked.damaged, checked.problems) == (30, 1, ())
    assert before is not None
    assert before.as_of == after(15), "the reading that is damaged is absent"
    assert len(series.times) == 30
    assert store.notice == ""


async def test_an_interrupted_creation_is_done_again(path: Path) -> None:
    path.with_name("gextui.db.new").write_bytes(b"half a database")
    path.with_name("gextui.db.new-journal").write_bytes(b"its journal")
    await fill(path)
    assert readings(path) == 5
    assert names(path) == ["gextui.db", "gextui.db.lock"]


# What is not ours is left alone.


def foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE photos (id INTEGER PRIMARY KEY)")


def foreign_with_log(path: Path) -> None:
    foreign(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")


def newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        migrations.create(connection)
        connection.execute("PRAGMA user_version = 99")


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (foreign, "is another program's database; name another file under [storage] path"),
        (foreign_with_log, "is another program's database; name another file under [storage] path"),
        (newer, "was made by a newer gextui (schema 99, this one knows 1); run that one"),
    ],
)
async def test_what_is_not_ours_is_not_touched(
    path: Path, make: Callable[[Path], None], sentence: str, read_only: bool
) -> None:
    make(path)
    untouched = digest(path)
    with pytest.raises(database.StoreError) as error:
        await Store.open(path, read_only=read_only)
    assert str(error.value) == f"{path} {sentence}"
    assert error.value.exit_code == os.EX_CONFIG == 78
    assert digest(path) == untouched
    assert names(path) == (["gextui.db"] if read_only else ["gextui.db", "gextui.db.lock"])


async def test_a_newer_version_that_only_the_log_knows_is_refused(path: Path) -> None:
    await fill(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
        copy = path.with_name("copy.db")  # because closing the connection brings the log into the file
        shutil.copy(path, copy)
        shutil.copy(f"{path}-wal", f"{copy}-wal")
    with pytest.raises(database.StoreError, match="newer gextui"):
        await Store.open(copy)


@pytest.mark.parametrize(
    "spoil",
    [
        "CREATE TRIGGER evil AFTER INSERT ON level BEGIN DELETE FROM snapshot; END",
        "CREATE VIEW evil AS SELECT 1",
        "DROP TABLE gap",
        "ALTER TABLE level RENAME COLUMN spot TO price",
        "DROP TABLE level; CREATE TABLE level (ticker_id, ts, source, spot)",
    ],
)
@pytest.mark.parametrize("read_only", [False, True])
async def test_tables_that_are_not_gextuis_are_refused(path: Path, spoil: str, read_only: bool) -> None:
    await fill(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(spoil)
    with pytest.raises(database.StoreError, match="does not have gextui's tables") as error:
        await Store.open(path, read_only=read_only)
    assert error.value.exit_code == os.EX_CONFIG


async def test_a_value_too_large_to_be_ours_is_damage_and_fills_no_memory(path: Path) -> None:
    await fill(path, count=3)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE snapshot SET payload = zeroblob(?) WHERE id = 3", (100 << 20,))
        connection.commit()
    store = await Store.open(path, read_only=True)
    latest = await store.latest(BTC)
    await store.close()
    assert latest is not None
    assert (latest.as_of, store.damaged) == (after(1), 1)


# Paths that lead nowhere.


@pytest.mark.parametrize(
    ("make", "sentence", "exit_code"),
    [
        (lambda folder: folder, "{path} is a folder; name a file in it", os.EX_CANTCREAT),
        (lambda folder: dangling(folder), "{path} is a link to a file that is not there; remove the link", 73),
        (lambda _: Path("/dev/null/gextui.db"), "{path} cannot be made: /dev/null is not a folder", 73),
        (lambda _: Path("/proc/gextui/gextui.db"), "{path} cannot be written: no such file or directory", 73),
        (lambda _: Path("/proc/gextui.db"), "{path} cannot be written: no such file or directory", 73),
    ],
)
async def test_a_path_that_leads_nowhere_is_named(
    tmp_path: Path, make: Callable[[Path], Path], sentence: str, exit_code: int
) -> None:
    path = make(tmp_path)
    with pytest.raises(database.StoreError) as error:
        await Store.open(path)
    assert str(error.value) == sentence.format(path=path)
    assert error.value.exit_code == exit_code


def dangling(folder: Path) -> Path:
    link = folder / "gextui.db"
    link.symlink_to(folder / "gone.db")
    return link


async def test_there_is_nothing_to_read_before_anything_was_recorded(path: Path) -> None:
    with pytest.raises(database.StoreError, match="nothing has been recorded yet") as error:
        await Store.open(path, read_only=True)
    assert error.value.exit_code == os.EX_NOINPUT
    assert names(path) == []


async def test_an_old_sqlite_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 36, 0))
    with pytest.raises(database.StoreError, match=r"is too old: 3\.37\.0 is needed") as error:
        await Store.open(path)
    assert error.value.exit_code == os.EX_UNAVAILABLE


# Reading only.


async def test_a_second_instance_reads_and_says_who_records(path: Path) -> None:
    one = await Store.open(path)
    await one.record(board_at(NOON))
    other = await Store.open(path)
    sentence = f"process {os.getpid()} on {socket.gethostname()} already records to {path}; this one only reads"
    assert (other.notice, other.recording, str(other.refused)) == (sentence,) * 3
    assert other.refused is not None
    assert other.refused.exit_code == os.EX_TEMPFAIL == 75
    await other.record(board_at(after(1)))
    await one.record(board_at(after(2), ticker=SPY))
    assert [await store.latest(SPY) is not None for store in (one, other)] == [True, True]
    latest = await other.latest(BTC)
    assert latest is not None
    assert same_bits(latest, board_at(NOON).chain)
    await one.close()
    await other.close()
    third = await Store.open(path)
    await third.close()
    assert third.refused is None


async def test_a_reader_asked_for_does_not_even_try_the_lock(path: Path) -> None:
    await fill(path)
    reader = await Store.open(path, read_only=True)
    writer = await Store.open(path)
    await writer.record(board_at(after(9)))
    latest = await reader.latest(BTC)
    assert latest is not None
    assert latest.as_of == after(9)
    await reader.record(board_at(after(10)))
    await reader.close()
    await writer.close()
    assert (reader.refused, writer.refused, readings(path)) == (None, None, 6)
    assert (reader.recording, reader.notice) == ("not recorded", "")


def test_the_lock_names_nobody_when_its_file_is_garbage(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    lock = Lock.acquire(path)
    path.write_bytes(b"\x1b]0;evil\x07")
    with pytest.raises(LockedError, match=r"^another process$"):
        Lock.acquire(path)
    lock.release()
    Lock.acquire(path).release()


READ_ONLY_FOLDER = """
import asyncio, os, sys
from pathlib import Path
from gextui.store.store import Store
from gextui.store.database import StoreError
from tests.store.market import BTC, NOON
os.setgroups([])
os.setgid(65534)
os.setuid(65534)  # after the imports: an interpreter may lie in a folder that is closed to others
async def main():
    try:
        store = await Store.open(Path(sys.argv[1]))
    except StoreError as error:
        print(error.exit_code, error)
        return
    chain = await store.latest(BTC)
    await store.close()
    print(store.refused.exit_code, chain.as_of == NOON, store.notice)
asyncio.run(main())
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize(
    ("folder_mode", "file_mode", "printed"),
    [
        (0o755, 0o644, "77 True {path} cannot be written: permission denied\n"),
        (0o777, 0o444, "77 True {path} cannot be written: permission denied\n"),
        (0o755, 0o600, "77 {path} cannot be used: permission denied\n"),
        (0o700, 0o600, "77 {path} cannot be used: permission denied\n"),
    ],
)
async def test_where_nothing_can_be_written_it_is_read(
    tmp_path: Path, folder_mode: int, file_mode: int, printed: str
) -> None:
    with tempfile.TemporaryDirectory() as folder:  # pytest's own folders are closed to others
        set_mode(Path(folder), 0o755)
        path = Path(folder) / "data" / "gextui.db"
        await fill(path, count=1)
        set_mode(path, file_mode)
        set_mode(path.parent, folder_mode)
        before = digest(path)
        child = run(READ_ONLY_FOLDER, path)
        assert (child.stdout, child.stderr) == (printed.format(path=path), "")
        assert digest(path) == before


def run(program: str, path: Path) -> subprocess.CompletedProcess[str]:
    arguments = [sys.executable, "-c", program, str(path)]
    return subprocess.run(arguments, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False)


async def test_an_unwritable_path_with_nothing_to_read_says_why(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> Lock:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Lock, "acquire", refuse)
    with pytest.raises(database.StoreError, match="cannot be written: permission denied") as error:
        await Store.open(path)
    assert error.value.exit_code == os.EX_NOPERM


# File systems.


@pytest.mark.parametrize(
    ("mounts", "on_network"),
    [
        ("/dev/sda1 / ext4 rw 0 0\n", False),
        ("/dev/sda1 / ext4 rw 0 0\nserver:/home /home nfs4 rw 0 0\n", True),
        ("/dev/sda1 / ext4 rw 0 0\nserver:/home /home nfs4 rw 0 0\n/dev/sdb /home/me ext4 rw 0 0\n", False),
        ("overlay / overlay rw 0 0\n", False),
        ("//server/x /home/me/a\\040b cifs rw 0 0\n", False),
        ("", False),
    ],
)
def test_a_networks_file_system_is_recognised(tmp_path: Path, mounts: str, on_network: bool) -> None:
    table = tmp_path / "mounts"
    table.write_text(mounts)
    assert database.is_on_network(Path("/home/me/data/gextui.db"), table) is on_network
    assert database.is_on_network(Path("/home/me/data/gextui.db"), tmp_path / "none") is False


async def test_on_a_network_there_is_no_log_and_a_warning(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "is_on_network", lambda _: True)
    monkeypatch.setattr(opening, "is_on_network", lambda _: True)
    await fill(path)
    leave_open(path)
    store = await Store.open(path)
    await store.record(board_at(NOON))
    assert names(path) == ["gextui.db", "gextui.db-journal", "gextui.db.lock"]
    assert store.notice == f"{path} is on a network's file system, where another machine's writes can damage it"
    latest = await store.latest(BTC)
    await store.close()
    assert latest is not None
