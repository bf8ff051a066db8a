"""What one reading becomes in the database."""

import sqlite3
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from gextui.exposure.board import Board
from gextui.exposure.series import LEVELS, level_values
from gextui.store import codec
from gextui.store.database import transaction

SECOND = 1_000_000
"""In the database's microseconds."""
SOURCE_CHANGED = "source changed"
"""The reason of a gap between two readings that another source gave: nothing is missing, nothing can be compared."""
_SHORTEST_GAP = 60 * SECOND
_GAP_INTERVALS = 3
_KEY_FRAME_SERVES = 30
"""Snapshots, and at least so long: a thinned history still shares its key frames."""
_KEY_FRAME_LIVES = 300 * SECOND

_INSERT_LEVEL = (
    f"INSERT OR REPLACE INTO level (ticker_id, ts, source, {', '.join(LEVELS)}) VALUES (?, ?, ?{', ?' * len(LEVELS)})"
)
_INSERT_SNAPSHOT = "INSERT OR REPLACE INTO snapshot (ticker_id, ts, key_frame_id, crc, payload) VALUES (?, ?, ?, ?, ?)"


@dataclass(frozen=True, slots=True, eq=False)
class _KeyFrame:
    id: int
    ts: int
    digest: bytes
    """The layout's."""
    numbers: codec.Numbers
    served: int


class Writer:
    """Writes readings; knows the key frame in use of every ticker. One a connection, used in its thread."""

    def __init__(self) -> None:
        self._key_frames: dict[int, _KeyFrame] = {}
        self._seen: set[int] = set()

    def record(self, connection: sqlite3.Connection, board: Board, trouble: str) -> None:
        """Record ``board`` in one transaction; a reading of the same ticker and instant is replaced.

        Args:
            connection: Open to write.
            board: Built without a filter.
            trouble: Why readings before this one could not be recorded, if they could not.
        """
        chain = board.chain
        ts = codec.microseconds(chain.as_of)
        layout = codec.describe_layout(chain)
        numbers = codec.numbers_of(chain)
        with transaction(connection):
            ticker_id = _ticker_id(connection, chain.ticker.symbol)
            self._record_gap(connection, ticker_id, ts, chain.source, trouble)
            connection.execute(_INSERT_LEVEL, (ticker_id, ts, chain.source, *level_values(board)))
            key_frame = self._key_frame(connection, ticker_id, ts, layout, numbers)
            payload, crc = codec.pack_snapshot(chain, key_frame.digest, numbers, key_frame.numbers)
            connection.execute(_INSERT_SNAPSHOT, (ticker_id, ts, key_frame.id, crc, payload))
        self._key_frames[ticker_id] = key_frame
        self._seen.add(ticker_id)

    def _record_gap(self, connection: sqlite3.Connection, ticker_id: int, ts: int, source: str, trouble: str) -> None:
        before, longest = last_before(connection, ticker_id, ts)
        if before is None:
            return
        if ts - before > longest:
            reason = trouble or ("no data" if ticker_id in self._seen else "restart")
        elif _source_of(connection, ticker_id, before) != source:
            reason = SOURCE_CHANGED
        else:
            return
        connection.execute("INSERT OR REPLACE INTO gap VALUES (?, ?, ?, ?)", (ticker_id, before, ts, reason))

    def _key_frame(
        self, connection: sqlite3.Connection, ticker_id: int, ts: int, layout: bytes, numbers: codec.Numbers
    ) -> _KeyFrame:
        """The key frame in use, or a new one where it has served or the layout has changed."""
        digest = codec.digest_of(layout)
        current = self._key_frames.get(ticker_id)
        if current is not None and current.digest == digest and _is_kept(connection, current):
            fresh = abs(ts - current.ts) < _KEY_FRAME_LIVES
            if fresh or current.served < _KEY_FRAME_SERVES:
                return replace(current, served=current.served + 1)
        found = connection.execute("SELECT id FROM layout WHERE digest = ?", (digest,)).fetchone()
        layout_id = found[0] if found is not None else _insert_layout(connection, digest, layout)
        cursor = connection.execute(
            "INSERT INTO key_frame (layout_id, payload) VALUES (?, ?)", (layout_id, codec.pack_key_frame(numbers))
        )
        return _KeyFrame(_new_id(cursor), ts, digest, numbers, served=1)


def last_before(connection: sqlite3.Connection, ticker_id: int, ts: int) -> tuple[int | None, int]:
    """The last reading before ``ts``, and how much later the next may come without leaving a gap.

    That is three times the usual interval of the readings before, and at least a minute.
    """
    rows = connection.execute(
        "SELECT ts FROM level WHERE ticker_id = ? AND ts < ? ORDER BY ts DESC LIMIT 10", (ticker_id, ts)
    ).fetchall()
    times = [row[0] for row in rows]
    intervals = [later - earlier for later, earlier in pairwise(times)]
    usual = median(intervals) if intervals else 0
    return (times[0] if times else None), max(_SHORTEST_GAP, int(_GAP_INTERVALS * usual))


def _source_of(connection: sqlite3.Connection, ticker_id: int, ts: int) -> str:
    (source,) = connection.execute(
        "SELECT source FROM level WHERE ticker_id = ? AND ts = ?", (ticker_id, ts)
    ).fetchone()
    return str(source)


def _ticker_id(connection: sqlite3.Connection, symbol: str) -> int:
    found = connection.execute("SELECT id FROM ticker WHERE symbol = ?", (symbol,)).fetchone()
    if found is not None:
        return int(found[0])
    return _new_id(connection.execute("INSERT INTO ticker (symbol) VALUES (?)", (symbol,)))


def _is_kept(connection: sqlite3.Connection, key_frame: _KeyFrame) -> bool:
    """Whether retention has spared it."""
    return connection.execute("SELECT 1 FROM key_frame WHERE id = ?", (key_frame.id,)).fetchone() is not None


def _insert_layout(connection: sqlite3.Connection, digest: bytes, layout: bytes) -> int:
    cursor = connection.execute("INSERT INTO layout (digest, payload) VALUES (?, ?)", (digest, codec.compress(layout)))
    return _new_id(cursor)


def _new_id(cursor: sqlite3.Cursor) -> int:
    assert cursor.lastrowid is not None
    return cursor.lastrowid
