"""Databases of every version that was ever written become the newest, and keep what they hold."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gextui.store import database, migrations
from gextui.store.store import Store
from tests.store.market import BTC, after, chain_at, same_bits

VERSIONS = sorted((Path(__file__).parent / "versions").glob("v*.sql"))
"""Dumps of databases of three readings, each written by the version that it is named for."""
NET_GEX = [-61468.523361889879, -61585.538192141643, -61585.657516485837]


def test_there_is_a_dump_of_every_version() -> None:
    assert [file.name for file in VERSIONS] == [f"v{n + 1}.sql" for n in range(migrations.newest_version())]


def load(dump: Path, path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(dump.read_text("utf-8"))


def schema(connection: sqlite3.Connection) -> list[tuple[object, ...]]:
    return connection.execute(
        "SELECT t.name, t.wr, t.strict, c.* FROM pragma_table_list AS t JOIN pragma_table_xinfo(t.name) AS c "
        "WHERE t.schema = 'main' AND t.name NOT LIKE 'sqlite_%' ORDER BY t.name, c.cid"
    ).fetchall()


@pytest.mark.parametrize("dump", VERSIONS, ids=lambda dump: dump.stem)
async def test_every_version_becomes_the_newest_and_keeps_its_readings(dump: Path, path: Path) -> None:
    load(dump, path)
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as model:
        migrations.create(model)
        newest = schema(model)
    store = await Store.open(path)
    assert await store._hop(schema) == newest
    for number in range(3):
        chain = await store.as_of(BTC, after(number))
        assert chain is not None
        assert same_bits(chain, chain_at(after(number)))
    series = await store.range(BTC, after(0), after(2))
    await store.close()
    assert series.columns["net_gex"] == pytest.approx(NET_GEX, rel=1e-14)  # SQLite reads a text to the last bit but one


async def test_a_step_that_fails_changes_nothing_and_says_so(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await (await Store.open(path)).close()
    monkeypatch.setattr(migrations, "STEPS", ["CREATE TABLE extra (x INTEGER) STRICT; INSERT INTO nowhere VALUES (1);"])
    with pytest.raises(database.StoreError, match="cannot be used: no such table: nowhere"):
        await Store.open(path)
    monkeypatch.undo()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'extra'").fetchone() == (0,)
    store = await Store.open(path)
    await store.close()
    assert store.notice == ""


async def test_only_the_last_two_backups_are_kept(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await (await Store.open(path)).close()
    for count in range(1, 5):
        monkeypatch.setattr(migrations, "STEPS", ["SELECT 1;"] * count)
        await (await Store.open(path)).close()
    assert sorted(file.name for file in path.parent.glob("*.backup")) == ["gextui.db.v3.backup", "gextui.db.v4.backup"]


async def test_a_reader_does_not_migrate(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await (await Store.open(path)).close()
    monkeypatch.setattr(migrations, "STEPS", ["SELECT 1;"])
    with pytest.raises(database.StoreError, match="older gextui; run gextui record once"):
        await Store.open(path, read_only=True)
