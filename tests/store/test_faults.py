"""A disk that fails, fills up or goes away raises nothing, says so, and recording resumes by itself."""

import asyncio
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gextui.exposure.series import Gap
from gextui.store import opening
from gextui.store import store as store_module
from gextui.store.database import Worker
from gextui.store.store import Store
from tests.store.market import BTC, SPY, after, board_at, chain_at


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing waits for a later try or look."""
    monkeypatch.setattr(store_module, "RETRY_AFTER", 0.0)
    monkeypatch.setattr(store_module, "LOOK_EVERY", 0.0)


async def execute(store: Store, sql: str) -> Any:
    return await store._hop(lambda connection: connection.execute(sql).fetchone())


async def count(store: Store) -> int:
    return int((await execute(store, "SELECT count(*) FROM snapshot"))[0])


# A full disk.


@pytest.mark.usefixtures("at_once")
async def test_a_full_disk_loses_nothing_and_is_told_and_recording_resumes(store: Store) -> None:
    pages = (await execute(store, "PRAGMA page_count"))[0]
    await execute(store, f"PRAGMA max_page_count = {pages + 5}")
    number = 0
    while store.recording == "recording":
        await store.record(board_at(after(number), ticker=(BTC, SPY)[number % 2]))
        number += 1
    assert store.recording == "not recording: the disk is full"
    recorded = await count(store)
    assert recorded == number - 1 > 0
    assert await store.as_of(BTC, after(0)) is not None, "what is there is still read"
    for later in range(number, number + 5):
        await store.record(board_at(after(later)))
    assert await count(store) == recorded
    await execute(store, f"PRAGMA max_page_count = {pages + 1000}")
    await store.record(board_at(after(200)))
    assert store.recording == "recording"
    assert await count(store) == recorded + 1
    await store.record(board_at(after(400)))
    gaps = (await store.range(BTC, after(0), after(400))).gaps
    assert [(gap.end - after(0).timestamp(), gap.reason) for gap in gaps] == [
        (200.0, "the disk is full"),
        (400.0, "no data"),
    ]
    assert (await store.check()).problems == ()


async def test_after_a_failure_a_while_passes_before_the_next_try(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.record(board_at(after(0)))
    tries = []

    async def fail(_: Worker, work: Callable[[sqlite3.Connection], object]) -> object:
        tries.append(work)
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as patched:
        patched.setattr(Worker, "run", fail)
        for number in range(1, 10):
            await store.record(board_at(after(number)))
    assert len(tries) == 1
    assert store.recording == "not recording: disk I/O error"
    await store.record(board_at(after(10)))
    assert await count(store) == 1
    monkeypatch.setattr(store, "_retry_at", 0.0)
    await store.record(board_at(after(11)))
    assert (await count(store), store.recording) == (2, "recording")


LIMITED = """
import asyncio, resource, sys
from pathlib import Path
import gextui.store.store as module
from tests.store.market import after, board_at

async def main():
    module.RETRY_AFTER = 0.0
    path = Path(sys.argv[1])
    store = await module.Store.open(path)
    await store.record(board_at(after(0)))
    recorded, said, number = 1, set(), 0
    log = Path(f"{path}-wal").stat().st_size
    for more in range(0, 40_000, 1024):  # a limit in the middle of every page that the log may come to
        resource.setrlimit(resource.RLIMIT_FSIZE, (log + more, resource.RLIM_INFINITY))
        for _ in range(3):
            number += 1
            await store.record(board_at(after(number)))
            said.add(store.recording)
            recorded += store.recording == "recording"
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await store.record(board_at(after(number + 1)))
    checked = await store.check()
    await store.close()
    print(sorted(said), checked.chains == recorded + 1, checked.damaged, checked.problems)

asyncio.run(main())
"""


def run(program: str, path: Path) -> subprocess.CompletedProcess[str]:
    arguments = [sys.executable, "-c", program, str(path)]
    return subprocess.run(
        arguments, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False, timeout=20
    )


def test_a_write_that_fails_at_any_byte_is_rolled_back_and_tried_again(path: Path) -> None:
    child = run(LIMITED, path)
    assert child.stderr == ""
    assert child.stdout == "['not recording: the disk reports an error', 'recording'] True 0 ()\n"


# Other programs.


@pytest.mark.usefixtures("at_once")
async def test_a_program_that_holds_the_database_is_waited_for_and_told(store: Store, path: Path) -> None:
    await store.record(board_at(after(0)))
    await execute(store, "PRAGMA busy_timeout = 20")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        await store.record(board_at(after(1)))
        assert store.recording == "not recording: another program holds the database"
        assert await store.as_of(BTC, after(1)) is not None
        other.execute("ROLLBACK")
    await store.record(board_at(after(2)))
    assert (store.recording, await count(store), store.notice) == ("recording", 2, "")


async def test_a_program_that_reads_for_hours_stops_nothing(store: Store, path: Path) -> None:
    await store.record(board_at(after(0)))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM level").fetchone()
        for number in range(1, 20):
            await store.record(board_at(after(number)))
        assert other.execute("SELECT count(*) FROM level").fetchone() == (1,)
    assert (store.recording, await count(store)) == ("recording", 20)


# A file that goes away.


def remove(path: Path) -> None:
    path.unlink()


def move(path: Path, target: Path) -> None:
    path.rename(target)


@pytest.mark.usefixtures("at_once")
async def test_a_deleted_database_is_noticed_and_another_one_started(store: Store, path: Path) -> None:
    await store.record(board_at(after(0)))
    remove(path)
    await store.record(board_at(after(1)))
    assert store.recording == "recording"
    assert store.notice == f"{path} was deleted or moved while it was open"
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM snapshot").fetchone() == (1,)


@pytest.mark.usefixtures("at_once")
async def test_a_database_moved_away_keeps_what_it_held(store: Store, path: Path) -> None:
    await store.record(board_at(after(0)))
    await execute(store, "PRAGMA wal_checkpoint(TRUNCATE)")
    move(path, path.with_name("old.db"))
    await store.record(board_at(after(1)))
    await store.record(board_at(after(2)))
    assert (store.recording, await count(store)) == ("recording", 2)
    old = await Store.open(path.with_name("old.db"))
    assert await count(old) == 1
    await old.close()


@pytest.mark.usefixtures("at_once")
async def test_a_database_put_back_is_not_given_the_other_ones_log(store: Store, path: Path) -> None:
    await store.record(board_at(after(0)))
    await execute(store, "PRAGMA wal_checkpoint(TRUNCATE)")
    away = path.with_name("old.db")
    move(path, away)
    await store.record(board_at(after(100)))
    move(away, path)
    await store.record(board_at(after(200)))
    gaps = (await store.range(BTC, after(0), after(300))).gaps
    assert gaps == (Gap(after(0).timestamp(), after(200).timestamp(), "restart"),)


async def test_where_the_file_lies_is_looked_at_once_a_minute(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = []

    def look(path: Path) -> opening.Identity:
        looks.append(path)
        return opening.identity_of(path)

    monkeypatch.setattr(store_module, "identity_of", look)
    for number in range(10):
        await store.record(board_at(after(number)))
    assert looks == []
    monkeypatch.setattr(store, "_look_at", asyncio.get_running_loop().time())
    for number in range(10):
        await store.record(board_at(after(number)))
    assert len(looks) == 1


@pytest.mark.usefixtures("at_once")
async def test_a_folder_that_goes_away_is_told_and_recording_resumes(path: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    store = await Store.open(folder / "gextui.db")
    await store.record(board_at(after(0)))
    elsewhere = tmp_path / "elsewhere"
    move(folder, elsewhere)
    folder.touch()
    await store.record(board_at(after(1)))
    said = store.recording
    await store.record(board_at(after(2)))
    assert await store.latest(BTC) is None
    remove(folder)
    await store.record(board_at(after(3)))
    assert (store.recording, await count(store)) == ("recording", 1)
    await store.close()
    assert said == f"not recording: {folder}/gextui.db cannot be made: {folder} is not a folder"


# A file that breaks.


def spoil(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(path.stat().st_size - 4096))


async def fill_and_spoil(store: Store, path: Path) -> None:
    await store.record(board_at(after(0)))
    await execute(store, "PRAGMA wal_checkpoint(TRUNCATE)")
    await execute(store, "PRAGMA shrink_memory")
    spoil(path)
    # Another connection's commit makes this one forget the pages that it still has in memory.
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA user_version = 1")


@pytest.mark.parametrize("read_first", [False, True])
async def test_a_database_that_breaks_while_open_is_set_aside(store: Store, path: Path, read_first: bool) -> None:
    await fill_and_spoil(store, path)
    if read_first:
        assert await store.latest(BTC) is None
    else:
        await store.record(board_at(after(1)))
        assert store.recording.startswith("not recording: ")
    kept = [file.name for file in path.parent.iterdir() if re.fullmatch(r"gextui\.db\.corrupt-\d{8}T\d{6}Z", file.name)]
    assert len(kept) == 1
    assert f"it is kept as {kept[0]} and a new one was started" in store.notice
    await store.record(board_at(after(2)))
    latest = await store.latest(BTC)
    assert latest is not None
    assert (latest.as_of, store.recording) == (after(2), "recording")


async def test_a_reader_leaves_a_broken_database_where_it_is(store: Store, path: Path) -> None:
    reader = await Store.open(path, read_only=True)
    await fill_and_spoil(store, path)
    assert await reader.latest(BTC) is None
    await reader.close()
    assert reader.notice == "the database cannot be read: the database is damaged"
    assert not list(path.parent.glob("*.corrupt-*"))


# Ends.


ENDS = """
import asyncio, sys
from pathlib import Path
from gextui.store.store import Store
from gextui.store.database import StoreError
from tests.store.market import after, board_at

async def main():
    store = await Store.open(Path(sys.argv[1]))
    await store.record(board_at(after(0)))
    {then}
try:
    asyncio.run(main())
except (StoreError, ZeroDivisionError) as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("then", "said"),
    [
        ("pass", ""),
        ("1 / 0", "division by zero\n"),
        ("await Store.open(Path('/dev/null/x'))", "/dev/null/x cannot be made: /dev/null is not a folder\n"),
    ],
)
def test_a_process_that_forgets_to_close_still_ends(path: Path, then: str, said: str) -> None:
    child = run(ENDS.format(then=then), path)
    assert (child.returncode, child.stdout, child.stderr) == (0, said, "")


async def test_a_caller_that_gives_up_leaves_nothing_half_done(store: Store) -> None:
    await store.record(board_at(after(0)))
    for number in range(1, 30):
        record = asyncio.create_task(store.record(board_at(after(number))))
        await asyncio.sleep(0)
        record.cancel()
        await asyncio.wait({record})
    assert store.recording == "recording"
    await store.record(board_at(after(60)))
    checked = await store.check()
    assert checked.chains == await count(store) >= 2
    assert (checked.damaged, checked.problems) == (0, ())


async def test_everybody_may_ask_at_once(store: Store) -> None:
    async def one(number: int) -> None:
        await store.record(board_at(after(number)))
        await store.past(BTC, after(number), (1, 5))
        await store.step(BTC, after(number), -1)

    await asyncio.gather(*(one(number) for number in range(30)))
    assert await count(store) == 30
    assert (await store.check()).damaged == 0
    assert chain_at(after(0)).as_of == after(0)
