"""A process killed at any moment loses nothing that it was told is recorded."""

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from gextui.store import migrations
from gextui.store.store import Store
from tests.store.crash import POINTS, STEPS
from tests.store.market import BTC, after, board_at, chain_at, same_bits

KILLS = 40


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.store.crash", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False)


async def test_forty_kills_lose_no_acknowledged_reading(path: Path) -> None:
    child = run("record", str(path), str(KILLS))
    assert (child.returncode, child.stderr) == (0, "")
    told = [int(line) for line in child.stdout.split()]
    assert len(told) > KILLS, "nearly every recorder got to record something"
    store = await Store.open(path)
    checked = await store.check()
    series = await store.range(BTC, after(0), after(10**6), at_most=10**6)
    chains = {number: await store.as_of(BTC, after(number)) for number in told}
    await store.close()
    assert store.notice == ""
    assert (checked.damaged, checked.problems) == (0, ())
    assert set(told) <= {round(time - after(0).timestamp()) for time in series.times}
    for number, chain in chains.items():
        assert chain is not None
        assert same_bits(chain, chain_at(after(number)))
    assert sorted(file.name for file in path.parent.iterdir()) == ["gextui.db", "gextui.db.lock"]


def tables(path: Path) -> tuple[int, set[str], list[int]]:
    """The version, the test's own tables, and what they hold."""
    with closing(sqlite3.connect(path)) as connection:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        found = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE name IN ('one', 'two')")}
        rows = [row[0] for name in found for row in connection.execute(f"SELECT id FROM {name}")]
    return version, found, rows


WHOLE = {1: (1, set[str](), []), 2: (2, {"one"}, [1, 2, 3]), 3: (3, {"two"}, [1, 2, 3])}


@pytest.mark.parametrize("point", range(1, POINTS + 1))
async def test_a_migration_killed_at_any_step_leaves_a_whole_version_and_is_finished_later(
    path: Path, point: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await Store.open(path)
    for number in range(3):
        await store.record(board_at(after(number)))
    await store.close()
    child = run("migrate", str(path), str(point))
    assert (child.returncode, child.stderr) == (-signal.SIGKILL, "")
    assert tables(path) == WHOLE[1 if point <= POINTS // 2 else 2]
    again = run("migrate", str(path), "0")
    assert (again.returncode, again.stderr) == (0, "")
    assert "as it was before it is kept as gextui.db.v" in again.stdout
    assert tables(path) == WHOLE[3]
    backups = {file.name: tables(file) for file in path.parent.glob("*.backup")}
    assert backups == {
        f"gextui.db.v{version}.backup": WHOLE[version] for version in ([1] if point <= POINTS // 2 else [1, 2])
    }
    monkeypatch.setattr(migrations, "STEPS", STEPS)
    store = await Store.open(path)
    latest = await store.latest(BTC)
    await store.close()
    assert latest is not None
    assert same_bits(latest, chain_at(after(2)))
