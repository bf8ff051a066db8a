"""Retention: what is forgotten, and when."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from gextui.store.database import transaction
from gextui.store.writing import SECOND

_BATCH = 2000
"""Rows a transaction looks at: a reading that waits for one is not late."""
_PAGES = 1000
"""Pages a transaction gives back to the file system."""
_HOUR = 3600 * SECOND
_DAY = 24 * _HOUR
_BEGINNING = -(1 << 62)


@dataclass(frozen=True, slots=True)
class Retention:
    """How long what is kept; whatever is older than an hour is thinned to a reading every ten seconds."""

    levels_days: float = 30
    """Levels every ten seconds; then one a minute for ever."""
    chains_hours: float = 48
    """Whole chains every ten seconds."""
    chains_days: float = 30
    """Whole chains one a minute; then they go."""
    max_gb: float = 10.0
    """Above this many gigabytes the oldest chains go first; levels never."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many rows are gone."""

    levels: int = 0
    chains: int = 0


def prune(connection: sqlite3.Connection, retention: Retention, now: int) -> Iterator[Pruned]:
    """Forget what ``retention`` says, as of the ts ``now``; one short transaction for each that is yielded.

    Of the readings that share ten seconds or a minute the last is kept.
    """
    tens = now - _HOUR
    minutes = now - int(retention.levels_days * _DAY)
    chain_minutes = now - int(retention.chains_hours * _HOUR)
    last = now - int(retention.chains_days * _DAY)
    for ticker_id in [row[0] for row in connection.execute("SELECT id FROM ticker").fetchall()]:
        for count in _thin(connection, "level", ticker_id, 10, tens):
            yield Pruned(levels=count)
        for count in _thin(connection, "level", ticker_id, 60, minutes):
            yield Pruned(levels=count)
        for count in _drop(connection, ticker_id, last):
            yield Pruned(chains=count)
        for count in _thin(connection, "snapshot", ticker_id, 10, tens):
            yield Pruned(chains=count)
        for count in _thin(connection, "snapshot", ticker_id, 60, chain_minutes):
            yield Pruned(chains=count)
    yield from _drop_unused(connection)
    yield from _cap(connection, int(retention.max_gb * 1e9))
    yield from _shrink(connection)


def _thin(
    connection: sqlite3.Connection, table: Literal["level", "snapshot"], ticker_id: int, seconds: int, before: int
) -> Iterator[int]:
    """Keep the last row of every so many seconds, from where the pass before came to."""
    tier = f"{table} {seconds}"
    stretch = seconds * SECOND
    while True:
        found = connection.execute(
            "SELECT until FROM thinned WHERE ticker_id = ? AND tier = ?", (ticker_id, tier)
        ).fetchone()
        rows = connection.execute(
            f"SELECT ts FROM {table} WHERE ticker_id = ? AND ts >= ? AND ts < ? ORDER BY ts LIMIT ?",
            (ticker_id, found[0] if found is not None else _BEGINNING, before, _BATCH),
        ).fetchall()
        if len(rows) < 2:
            return
        times = [row[0] for row in rows]
        doomed = [earlier for earlier, later in pairwise(times) if earlier // stretch == later // stretch]
        with transaction(connection):
            connection.executemany(
                f"DELETE FROM {table} WHERE ticker_id = ? AND ts = ?", [(ticker_id, ts) for ts in doomed]
            )
            connection.execute("INSERT OR REPLACE INTO thinned VALUES (?, ?, ?)", (ticker_id, tier, times[-1]))
        yield len(doomed)


def _drop(connection: sqlite3.Connection, ticker_id: int, before: int) -> Iterator[int]:
    """Delete the chains of a ticker from before a ts."""
    count = _BATCH
    while count == _BATCH:
        with transaction(connection):
            count = connection.execute(
                "DELETE FROM snapshot WHERE id IN "
                "(SELECT id FROM snapshot WHERE ticker_id = ? AND ts < ? ORDER BY ts LIMIT ?)",
                (ticker_id, before, _BATCH),
            ).rowcount
        yield count


def _drop_unused(connection: sqlite3.Connection) -> Iterator[Pruned]:
    """Delete the key frames and layouts that no chain needs any more."""
    for table, user, reference in (
        ("key_frame", "snapshot", "key_frame_id"),
        ("layout", "key_frame", "layout_id"),
    ):
        with transaction(connection):
            connection.execute(
                f"DELETE FROM {table} WHERE NOT EXISTS (SELECT 1 FROM {user} WHERE {reference} = {table}.id)"
            )
        yield Pruned()


def _cap(connection: sqlite3.Connection, most: int) -> Iterator[Pruned]:
    """Delete the oldest chains, an hour of all tickers at a time, until what is left fits into ``most`` bytes."""
    while _bytes_used(connection) > most:
        firsts = connection.execute(
            "SELECT id, (SELECT min(ts) FROM snapshot WHERE ticker_id = ticker.id) AS first FROM ticker "
            "WHERE first IS NOT NULL ORDER BY first"
        ).fetchall()
        if not firsts:
            return
        horizon = firsts[0][1] + _HOUR
        for ticker_id, _ in firsts:
            for count in _drop(connection, ticker_id, horizon):
                yield Pruned(chains=count)
        yield from _drop_unused(connection)


def _bytes_used(connection: sqlite3.Connection) -> int:
    pages, free, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


def _shrink(connection: sqlite3.Connection) -> Iterator[Pruned]:
    """Give free pages back to the file system."""
    free = _free_pages(connection)
    while free:
        connection.execute(f"PRAGMA incremental_vacuum({_PAGES})").fetchall()
        before, free = free, _free_pages(connection)
        if free >= before:  # made by other hands, without auto_vacuum
            return
        yield Pruned()


def _free_pages(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA freelist_count").fetchone()[0])
