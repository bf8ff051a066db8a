"""What is forgotten is exactly what was said, in short transactions, and nothing else is lost with it."""

import asyncio
import sqlite3
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gextui.config import Storage
from gextui.store import retention as retention_module
from gextui.store import store as store_module
from gextui.store.codec import microseconds
from gextui.store.retention import Pruned, Retention, prune
from gextui.store.store import Store
from tests.store.market import BTC, NOON, SPY, after, board_at

NOW = NOON + timedelta(days=100)
KEPT = Retention()


async def fill(store: Store, start: datetime, count: int, every: float, ticker: Any = BTC) -> None:
    """So many readings, by copying the first: a million boards would take an hour."""
    await store.record(board_at(start, ticker=ticker))

    def copy(connection: sqlite3.Connection) -> None:
        first = microseconds(start)
        (ticker_id,) = connection.execute("SELECT id FROM ticker WHERE symbol = ?", (ticker.symbol,)).fetchone()
        for table in ("level", "snapshot"):
            names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})") if row[1] not in ("id", "ts")]
            copied = ", ".join(names)
            connection.executemany(
                f"INSERT INTO {table} (ts, {copied}) SELECT ?, {copied} FROM {table} WHERE ticker_id = ? AND ts = ?",
                [(first + int(number * every * 1e6), ticker_id, first) for number in range(1, count)],
            )

    await store._hop(lambda connection: in_one(connection, copy))


def in_one(connection: sqlite3.Connection, work: Any) -> None:
    connection.execute("BEGIN IMMEDIATE")
    work(connection)
    connection.execute("COMMIT")


async def times(store: Store, table: str, ticker: Any = BTC) -> list[float]:
    """Seconds since noon of every row."""
    rows = await store._hop(
        lambda connection: connection.execute(
            f"SELECT ts FROM {table} WHERE ticker_id = (SELECT id FROM ticker WHERE symbol = ?) ORDER BY ts",
            (ticker.symbol,),
        ).fetchall()
    )
    return [row[0] / 1e6 - NOON.timestamp() for row in rows]


async def counts(store: Store) -> list[int]:
    """Rows of levels, chains, key frames and layouts."""
    tables = ("level", "snapshot", "key_frame", "layout")
    counted = ", ".join(f"(SELECT count(*) FROM {table})" for table in tables)
    return list(await store._hop(lambda connection: connection.execute(f"SELECT {counted}").fetchone()))


def test_the_defaults_are_those_of_the_configuration() -> None:
    settings = Storage()
    assert Retention(settings.levels_days, settings.chains_hours, settings.chains_days, settings.max_gb) == KEPT


async def test_the_last_hour_is_kept_as_it_came(store: Store) -> None:
    await fill(store, NOON, 3600, 1)
    assert await store.prune(KEPT, after(3600)) == Pruned(0, 0)
    assert await store.prune(KEPT, after(3620)) == Pruned(18, 18)
    assert (await times(store, "level"))[:4] == [9, 19, 20, 21]
    assert await times(store, "level") == await times(store, "snapshot")


async def test_after_an_hour_one_reading_in_ten_seconds_stays(store: Store) -> None:
    await fill(store, NOON, 7200, 1)
    gone = await store.prune(KEPT, after(3600 + 7200))
    assert gone == Pruned(7200 - 720, 7200 - 720)
    assert await times(store, "level") == [9.0 + 10 * number for number in range(720)]


async def test_after_two_days_one_chain_a_minute_stays_and_all_levels(store: Store) -> None:
    await fill(store, NOON, 720, 10)
    gone = await store.prune(KEPT, NOON + timedelta(hours=48 + 2))
    assert gone == Pruned(0, 720 - 120)
    assert await times(store, "snapshot") == [50.0 + 60 * number for number in range(120)]


async def test_after_thirty_days_one_level_a_minute_stays_and_no_chain(store: Store) -> None:
    await fill(store, NOON, 720, 10)
    gone = await store.prune(KEPT, NOON + timedelta(days=30, hours=2))
    assert gone == Pruned(720 - 120, 720)
    assert await times(store, "level") == [50.0 + 60 * number for number in range(120)]
    assert await counts(store) == [120, 0, 0, 0]


async def test_levels_stay_for_ever(store: Store) -> None:
    await fill(store, NOON, 100, 60)
    assert (await store.prune(KEPT, NOON + timedelta(days=3650))).levels == 0
    assert len(await times(store, "level")) == 100


async def test_pruning_often_or_once_leaves_the_same(path: Path) -> None:
    left = []
    for name, hours in (("often.db", range(0, 24 * 34, 5)), ("once.db", [24 * 34 - 4])):
        store = await Store.open(path.with_name(name))
        for ticker in (BTC, SPY):
            await fill(store, after(3), 3000, 7.3, ticker)
            await fill(store, after(86400 * 32), 3000, 7.3, ticker)
        for hour in hours:
            await store.prune(KEPT, NOON + timedelta(hours=hour))
        left.append([await times(store, table, ticker) for table in ("level", "snapshot") for ticker in (BTC, SPY)])
        await store.close()
    often, once = left
    assert often == once
    assert [len(rows) for rows in once] == [365 + 2190] * 2 + [2190] * 2


async def test_tickers_are_pruned_apart(store: Store) -> None:
    await fill(store, NOON, 100, 1)
    await fill(store, NOW, 100, 1, SPY)
    gone = await store.prune(KEPT, NOW + timedelta(minutes=30))
    assert gone == Pruned(100 - 2, 100)
    assert (len(await times(store, "level", SPY)), len(await times(store, "snapshot", SPY))) == (100, 100)


async def test_what_is_left_is_whole_and_recording_goes_on(store: Store) -> None:
    for number in range(0, 700, 7):
        await store.record(board_at(after(number)))
    gone = await store.prune(KEPT, NOON + timedelta(hours=49))
    assert gone.chains == 100 - 12
    checked = await store.check()
    assert (checked.chains, checked.damaged, checked.problems) == (12, 0, ())
    await store.prune(KEPT, NOON + timedelta(days=31))
    assert await counts(store) == [12, 0, 0, 0]
    await store.record(board_at(after(707)))  # its key frame is gone, as are its layout's bytes
    assert store.recording == "recording"
    assert (await store.check()).damaged == 0
    assert await counts(store) == [13, 1, 1, 1]


async def test_above_the_cap_the_oldest_chains_go_and_no_level(store: Store) -> None:
    for hour in range(6):
        await fill(store, NOON + timedelta(hours=hour), 60, 60)
        await fill(store, NOON + timedelta(hours=hour), 60, 60, SPY)

    async def used() -> int:
        return await store._hop(retention_module._bytes_used)

    before = await used()
    levels = len(await times(store, "level"))
    one = Retention(max_gb=(before - 1) / 1e9)
    gone = await store.prune(one, NOON + timedelta(hours=7))
    assert gone == Pruned(0, 2 * 60), "an hour of both"
    assert await used() < before
    for ticker in (BTC, SPY):
        assert (await times(store, "snapshot", ticker))[0] == 3600
    gone = await store.prune(Retention(max_gb=0.0), NOON + timedelta(hours=7))
    assert gone == Pruned(0, 2 * 5 * 60)
    assert len(await times(store, "level")) == levels


async def test_the_file_shrinks(store: Store) -> None:
    await fill(store, NOON, 3000, 60)
    pages = "PRAGMA page_count"
    before = (await store._hop(lambda connection: connection.execute(pages).fetchone()))[0]
    await store.prune(KEPT, NOON + timedelta(days=60))
    after_it = (await store._hop(lambda connection: connection.execute(pages).fetchone()))[0]
    free = (await store._hop(lambda connection: connection.execute("PRAGMA freelist_count").fetchone()))[0]
    assert (free, after_it < 0.75 * before) == (0, True)


async def test_no_transaction_changes_more_than_two_thousand_rows(store: Store) -> None:
    await fill(store, NOON, 9000, 1)

    def largest(connection: sqlite3.Connection) -> list[int]:
        changed = []
        before = connection.total_changes
        for batch in prune(connection, KEPT, microseconds(NOON + timedelta(days=60))):
            assert not connection.in_transaction
            changed.append(connection.total_changes - before)
            before = connection.total_changes
            assert batch.levels + batch.chains <= 2000
        return changed

    changed = await store._hop(largest)
    assert 1500 < max(changed) <= 2001, "and a note of how far it came"


async def test_others_have_their_turn_between_the_batches(store: Store) -> None:
    await fill(store, NOON, 9000, 1)
    pruning = asyncio.create_task(store.prune(KEPT, NOON + timedelta(hours=20)))
    recorded = 0
    while not pruning.done():
        await store.record(board_at(NOON + timedelta(hours=20, seconds=recorded)))
        recorded += 1
    assert recorded > 5
    assert (await pruning).levels == 9000 - 900


@pytest.mark.parametrize(("clock", "left"), [(timedelta(days=4000), 11), (timedelta(days=-4000), 101)])
async def test_a_store_forgets_by_itself_and_never_ahead_of_its_readings(
    path: Path, monkeypatch: pytest.MonkeyPatch, clock: timedelta, left: int
) -> None:
    monkeypatch.setattr(store_module, "PRUNE_AFTER", 0.0)
    monkeypatch.setattr(store_module, "PRUNE_EVERY", 0.0)
    store = await Store.open(path, retention=KEPT, now=(NOON + clock).timestamp)
    await fill(store, NOON, 100, 1)
    await store.record(board_at(NOON + timedelta(days=20)))  # one level in ten seconds is due by it, not one a minute
    for _ in range(100):
        await store.latest(BTC)
    assert len(await times(store, "level")) == left
    await store.close()


async def test_without_retention_nothing_is_forgotten(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "PRUNE_AFTER", 0.0)
    await fill(store, NOON, 100, 1)
    await store.record(board_at(NOON + timedelta(days=200)))
    for _ in range(100):
        await store.latest(BTC)
    assert len(await times(store, "level")) == 101


async def test_a_store_that_only_reads_prunes_nothing(store: Store, path: Path) -> None:
    await fill(store, NOON, 100, 1)
    reader = await Store.open(path, read_only=True)
    assert await reader.prune(KEPT, NOW) == Pruned(0, 0)
    await reader.close()
    assert len(await times(store, "level")) == 100
