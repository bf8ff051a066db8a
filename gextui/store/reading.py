"""What the database answers: chains as they were, and the levels over time."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

import numpy as np

from gextui.exposure.change import Past, window_span, yesterday_span
from gextui.exposure.series import LEVELS, Gap, Series
from gextui.market.chain import OptionChain
from gextui.market.text import clean_text
from gextui.market.ticker import Ticker
from gextui.store import codec
from gextui.store.codec import Layout, microseconds
from gextui.store.columns import DamagedError
from gextui.store.writing import SECOND, SOURCE_CHANGED, last_before

_ALWAYS = 1 << 62
_PATIENCE = 16
"""Damaged snapshots that are passed over in search of a whole one."""
_KEPT = 16
"""Layouts and key frames kept unpacked."""

_T = TypeVar("_T")


class Reader:
    """Reads chains and levels. One a connection, used in its thread; damaged snapshots count as absent."""

    def __init__(self) -> None:
        self.damaged = 0
        """Snapshots met that were not what was written."""
        self._layouts: dict[int, Layout] = {}
        self._key_frames: dict[int, tuple[Layout, codec.Numbers]] = {}

    def as_of(
        self, connection: sqlite3.Connection, ticker: Ticker, latest: int = _ALWAYS, earliest: int = -_ALWAYS
    ) -> OptionChain | None:
        """The newest chain from ``earliest`` to ``latest``, both included."""
        found = connection.execute(
            f"{_SNAPSHOTS_OF} AND ts BETWEEN ? AND ? ORDER BY ts DESC LIMIT ?",
            (ticker.symbol, earliest, latest, _PATIENCE),
        )
        return self._first_whole(connection, found.fetchall())

    def step(self, connection: sqlite3.Connection, ticker: Ticker, at: int, steps: int) -> OptionChain | None:
        """The chain ``steps`` after ``at``, before it where negative; the newest up to ``at`` for 0."""
        if steps == 0:
            return self.as_of(connection, ticker, at)
        side = "ts > ? ORDER BY ts" if steps > 0 else "ts < ? ORDER BY ts DESC"
        found = connection.execute(
            f"{_SNAPSHOTS_OF} AND {side} LIMIT ? OFFSET ?", (ticker.symbol, at, _PATIENCE, abs(steps) - 1)
        )
        return self._first_whole(connection, found.fetchall())

    def past(self, connection: sqlite3.Connection, ticker: Ticker, at: datetime, minutes: Sequence[int]) -> Past:
        """What a reading at ``at`` is compared with, see `Store.past`."""
        now = microseconds(at)
        since = _unbroken_since(connection, ticker, now)
        windows = {}
        for window in minutes:
            earliest, latest = map(microseconds, window_span(at, window))
            chain = self.as_of(connection, ticker, latest, max(earliest, since))
            if chain is not None:
                windows[window] = chain
        earliest, latest = map(microseconds, yesterday_span(ticker, at))
        return Past(windows, self.as_of(connection, ticker, latest, earliest))

    def series(
        self, connection: sqlite3.Connection, ticker: Ticker, start: datetime, end: datetime, at_most: int
    ) -> Series:
        """The levels from ``start`` to ``end``, both included, in at most so many rows.

        Raises:
            DamagedError: what is stored are no numbers.
        """
        first, last = microseconds(start), microseconds(end)
        where = "WHERE ticker_id = (SELECT id FROM ticker WHERE symbol = ?) AND ts BETWEEN ? AND ?"
        (count,) = connection.execute(f"SELECT count(*) FROM level {where}", (ticker.symbol, first, last)).fetchone()
        stretch = 1 if count <= at_most else -((first - last - 1) // at_most)
        # Beside a lone max(), SQLite takes the other columns from the row that has it.
        rows = connection.execute(
            f"SELECT max(ts), {', '.join(LEVELS)} FROM level {where} GROUP BY (ts - ?) / ? ORDER BY 1",
            (ticker.symbol, first, last, first, stretch),
        ).fetchall()
        gaps = connection.execute(
            "SELECT from_ts, to_ts, reason FROM gap WHERE ticker_id = (SELECT id FROM ticker WHERE symbol = ?) "
            "AND to_ts >= ? AND from_ts <= ? ORDER BY from_ts",
            (ticker.symbol, first, last),
        )
        try:
            table = np.array(rows, dtype=np.float64).reshape(len(rows), 1 + len(LEVELS)).T
            return Series(
                times=table[0] / SECOND,
                columns=dict(zip(LEVELS, table[1:], strict=True)),
                gaps=tuple(Gap(begun / SECOND, over / SECOND, clean_text(reason)) for begun, over, reason in gaps),
            )
        except (TypeError, ValueError):
            raise DamagedError("the levels are no numbers") from None

    def load(self, connection: sqlite3.Connection, snapshot_id: int) -> OptionChain | None:
        """One chain by its snapshot's id; None, and counted, where it is damaged."""
        try:
            row = connection.execute(
                "SELECT ts, key_frame_id, crc, payload FROM snapshot WHERE id = ?", (snapshot_id,)
            ).fetchone()
            if row is None:
                return None
            ts, key_frame_id, crc, payload = row
            layout, key_frame = self._key_frame(connection, key_frame_id)
            return codec.read_snapshot(payload, crc, ts, layout, key_frame)
        except (DamagedError, sqlite3.DataError):  # the latter: a value too large to be ours
            self.damaged += 1
            return None

    def _first_whole(self, connection: sqlite3.Connection, found: Sequence[tuple[int]]) -> OptionChain | None:
        for (snapshot_id,) in found:
            chain = self.load(connection, snapshot_id)
            if chain is not None:
                return chain
        return None

    def _key_frame(self, connection: sqlite3.Connection, key_frame_id: int) -> tuple[Layout, codec.Numbers]:
        kept = self._key_frames.get(key_frame_id)
        if kept is not None:
            return kept
        row = connection.execute("SELECT layout_id, payload FROM key_frame WHERE id = ?", (key_frame_id,)).fetchone()
        if row is None:
            raise DamagedError("the key frame is missing")
        layout = self._layout(connection, row[0])
        found = layout, codec.read_key_frame(row[1], layout)
        _keep(self._key_frames, key_frame_id, found)
        return found

    def _layout(self, connection: sqlite3.Connection, layout_id: int) -> Layout:
        kept = self._layouts.get(layout_id)
        if kept is not None:
            return kept
        row = connection.execute("SELECT digest, payload FROM layout WHERE id = ?", (layout_id,)).fetchone()
        if row is None:
            raise DamagedError("the layout is missing")
        layout = codec.read_layout(row[1], row[0])
        _keep(self._layouts, layout_id, layout)
        return layout


_SNAPSHOTS_OF = "SELECT id FROM snapshot WHERE ticker_id = (SELECT id FROM ticker WHERE symbol = ?)"


def _unbroken_since(connection: sqlite3.Connection, ticker: Ticker, now: int) -> int:
    """The earliest ts between which and ``now`` there is no gap."""
    found = connection.execute("SELECT id FROM ticker WHERE symbol = ?", (ticker.symbol,)).fetchone()
    if found is None:
        return now
    before, longest = last_before(connection, found[0], now + 1)
    if before is None or now - before > longest:
        return now
    (gap,) = connection.execute(
        "SELECT max(to_ts) FROM gap WHERE ticker_id = ? AND from_ts < ? AND to_ts <= ? AND reason <> ?",
        (found[0], now, now, SOURCE_CHANGED),
    ).fetchone()
    return -_ALWAYS if gap is None else int(gap)


def _keep(kept: dict[int, _T], key: int, value: _T) -> None:
    if len(kept) >= _KEPT:
        del kept[next(iter(kept))]
    kept[key] = value
