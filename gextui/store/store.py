"""Store: what gextui remembers of every ticker, in one SQLite file."""

import asyncio
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Self, TypeVar

import numpy as np

from gextui.exposure.board import Board
from gextui.exposure.change import Past
from gextui.exposure.series import LEVELS, Series
from gextui.market.chain import OptionChain
from gextui.market.text import clean_text
from gextui.market.ticker import Ticker
from gextui.route import Recorded
from gextui.store.codec import microseconds
from gextui.store.columns import DamagedError
from gextui.store.database import Mode, StoreError, Worker, connect, copy_to, explain, is_damage, mark, start_worker
from gextui.store.opening import Opened, identity_of, open_database
from gextui.store.reading import Reader
from gextui.store.retention import Pruned, Retention, prune
from gextui.store.writing import Writer

RETRY_AFTER = 5.0
"""Seconds after a failed write before the next is tried; the readings in between are not recorded."""
LOOK_EVERY = 60.0
"""Seconds between looks at whether the file is still where it was opened."""
PRUNE_AFTER = 60.0
"""Seconds from the start to the first pruning, which leaves the first minute to the screen."""
PRUNE_EVERY = 3600.0
_RECORDING = "recording"
_EVER = 1 << 62
"""Microseconds that no chain is of."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found."""

    chains: int
    damaged: int
    """Chains that are not what was written; they count as absent."""
    problems: tuple[str, ...]
    """What SQLite finds wrong with the file."""


class Store:
    """The database of one user. All calls run in one event loop; `open` it, and `close` it.

    A disk that fails raises nothing here: `recording` and `notice` tell, the live view goes on, and recording resumes
    by itself. What could not be recorded is a gap; nothing is queued.
    """

    def __init__(self, path: Path, *, read_only: bool, symbols: Sequence[str], now: Callable[[], float]) -> None:
        self._path = path
        self._read_only = read_only
        self._symbols = symbols
        self._now = now
        self._busy = asyncio.Lock()
        self._worker: Worker | None = None
        self._opened: Opened | None = None
        self._writer = Writer()
        self._reader = Reader()
        self.refused: StoreError | None = None
        """Why nothing is recorded although the store was opened to record: another instance does, or it may not."""
        self._notices: list[str] = []
        self._recording = _RECORDING
        self._trouble = ""
        self._unread = ""
        self._closed = False
        self._newest: datetime | None = None
        self._forgetting: asyncio.Task[None] | None = None
        self._retry_at = 0.0
        self._look_at = 0.0

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        read_only: bool = False,
        tickers: Sequence[Ticker] = (),
        retention: Retention | None = None,
        now: Callable[[], float] = time.time,
    ) -> Self:
        """Open, and where it is missing make, the database at ``path``.

        Where another instance records, or nothing can be written, it is opened to be read: see `refused`. A damaged
        file is kept under another name and a new one started: see `notice`.

        Args:
            path: The file.
            read_only: Never write, not even where nobody else does.
            tickers: What will be recorded; others who want to record learn it from `gextui.store.lock.holder_of`.
            retention: What to forget, every hour in which something is recorded; None forgets nothing by itself.
            now: The clock, in epoch seconds.

        Raises:
            StoreError: there is nothing to be had: another program's file, a newer version's, a folder out of reach.
        """
        store = cls(path, read_only=read_only, symbols=[ticker.symbol for ticker in tickers], now=now)
        await store._connect()
        if retention is not None:
            store._forgetting = asyncio.create_task(store._forget(retention))
        return store

    @property
    def recording(self) -> str:
        """``recording``, or a plain sentence on why not; may be read from any thread."""
        return self._recording

    @property
    def notice(self) -> str:
        """Plain sentences on what was not as it should be; empty when all is well."""
        return "; ".join(filter(None, (*self._notices, self._unread)))

    @property
    def damaged(self) -> int:
        """Recorded chains that were met and are not what was written."""
        return self._reader.damaged

    async def announce(self, recorded: Mapping[Ticker, Recorded]) -> None:
        """Tell others which tickers are recorded from now on, and how that stands."""
        by_symbol = {ticker.symbol: told for ticker, told in recorded.items()}
        self._symbols = [*by_symbol]
        async with self._busy:
            if self._opened is not None and self._opened.lock is not None:
                await asyncio.to_thread(self._opened.lock.announce, by_symbol)

    async def record(self, board: Board) -> None:
        """Remember an unfiltered board; when this returns and `recording` says so, the reading survives kill -9.

        A reading of the same ticker and instant is replaced. A store that only reads records nothing.
        """
        async with self._busy:
            try:
                if await self._may_write():
                    await self._hop(partial(self._writer.record, board=board, trouble=self._trouble))
                    self._recording, self._trouble = _RECORDING, ""
                    self._newest = board.as_of
            except (sqlite3.Error, StoreError) as error:
                self._trouble = _reason(error)
                self._recording = f"not recording: {self._trouble}"
                self._retry_at = asyncio.get_running_loop().time() + RETRY_AFTER
                await self._start_over_if_damaged(error)

    async def past(self, ticker: Ticker, at: datetime, minutes: Sequence[int]) -> Past:
        """What a board at ``at`` is compared with: a chain for each of so many ``minutes`` before, and yesterday's.

        Each is the newest in its `window_span` or `yesterday_span`. A window is absent where there is none, or where a
        gap lies between it and ``at``.
        """
        work = partial(self._reader.past, ticker=ticker, at=at, minutes=minutes)
        return await self._ask(work, Past())

    async def as_of(self, ticker: Ticker, at: datetime) -> OptionChain | None:
        """The newest chain recorded at or before ``at``."""
        return await self._ask(partial(self._reader.as_of, ticker=ticker, latest=microseconds(at)), None)

    async def latest(self, ticker: Ticker, *, after: datetime | None = None) -> OptionChain | None:
        """The newest recorded chain; None where none is newer than ``after``, which costs one look at the index."""
        if after is None:
            return await self._ask(partial(self._reader.as_of, ticker=ticker), None)
        newer = partial(self._reader.as_of, ticker=ticker, earliest=microseconds(after) + 1)
        return await self._ask(newer, None)

    async def step(self, ticker: Ticker, at: datetime, steps: int) -> OptionChain | None:
        """The chain recorded ``steps`` before (negative) or after ``at``; None beyond either end."""
        return await self._ask(partial(self._reader.step, ticker=ticker, at=microseconds(at), steps=steps), None)

    async def recorded(
        self, ticker: Ticker, since: datetime | None = None, until: datetime | None = None
    ) -> AsyncIterator[OptionChain]:
        """Every chain recorded from ``since`` to ``until``, both included, the oldest first.

        Raises:
            StoreError: the database cannot be read any further.
        """
        at = -_EVER if since is None else microseconds(since) - 1
        last = _EVER if until is None else microseconds(until)
        while True:
            chain = await self._ask(partial(self._reader.step, ticker=ticker, at=at, steps=1), None)
            if self._unread:
                raise StoreError(self._unread, os.EX_IOERR)
            if chain is None or (at := microseconds(chain.as_of)) > last:
                return
            yield chain

    async def range(self, ticker: Ticker, start: datetime, end: datetime, *, at_most: int = 2000) -> Series:
        """The levels from ``start`` to ``end``, both included.

        Where there are more than ``at_most`` readings, the time is divided into so many stretches and each gives its
        last reading.
        """
        work = partial(self._reader.series, ticker=ticker, start=start, end=end, at_most=at_most)
        nothing = Series(np.empty(0), {name: np.empty(0) for name in LEVELS}, ())
        return await self._ask(work, nothing)

    async def prune(self, retention: Retention, now: datetime) -> Pruned:
        """Forget what ``retention`` says, as of ``now``, in short transactions between which others have their turn."""
        if self._opened is None or self._opened.mode != "write":
            return Pruned()
        batches = await self._ask(partial(prune, retention=retention, now=microseconds(now)), None)
        gone = Pruned()
        while batches is not None and (batch := await self._ask(lambda _: next(batches, None), None)) is not None:
            gone = Pruned(gone.levels + batch.levels, gone.chains + batch.chains)
        return gone

    async def backup(self, target: Path) -> None:
        """Write a copy of the database to the new file ``target``; recording goes on meanwhile.

        Raises:
            StoreError: there is such a file already, or it cannot be written.
        """
        await self._beside(partial(_back_up, target=target))

    async def check(self) -> Checked:
        """Check the file and every chain in it; recording goes on meanwhile.

        Raises:
            StoreError: the file cannot be read.
        """
        return await self._beside(_check)

    async def close(self) -> None:
        """Close the database; nothing can be asked of it afterwards."""
        if self._forgetting is not None:
            self._forgetting.cancel()
        async with self._busy:
            if self._opened is not None and self._opened.mode == "write" and self._worker is not None:
                with suppress(sqlite3.Error):
                    await self._worker.run(partial(mark, state="closed"))
            await self._disconnect()
            self._closed = True
            self._recording = "not recorded"

    async def _may_write(self) -> bool:
        """Whether now is a time to write; what was lost is opened again."""
        clock = asyncio.get_running_loop().time()
        if self._closed or clock < self._retry_at:
            return False
        if self._opened is None:
            await self._connect()
        elif self._opened.mode == "write" and clock >= self._look_at:
            self._look_at = clock + LOOK_EVERY
            if identity_of(self._opened.path) != self._opened.identity:
                before = await self._disconnect()
                self._notices.append(f"{self._path} was deleted or moved while it was open")
                await self._connect(before=before)
        return self._opened is not None and self._opened.mode == "write"

    async def _forget(self, retention: Retention) -> None:
        """Prune now and then, as of what was last recorded: a wrong clock of this machine must not cost the history."""
        await asyncio.sleep(PRUNE_AFTER)
        while True:
            if self._newest is not None:
                await self.prune(retention, min(self._newest, datetime.fromtimestamp(self._now(), UTC)))
            await asyncio.sleep(PRUNE_EVERY)

    async def _connect(self, damage: str = "", before: Opened | None = None) -> None:
        def connect_it() -> sqlite3.Connection:
            self._opened = open_database(
                self._path,
                read_only=self._read_only,
                now=self._now,
                symbols=self._symbols,
                damage=damage,
                before=before,
            )
            return self._opened.connection

        self._worker = await start_worker(connect_it)
        self._writer, self._reader = Writer(), Reader()
        self._look_at = asyncio.get_running_loop().time() + LOOK_EVERY
        if self._opened is not None:
            self._notices += self._opened.notices
            self.refused = self._opened.refused
            if self._opened.mode != "write":
                self._recording = "not recorded" if self.refused is None else str(self.refused)

    async def _disconnect(self) -> Opened | None:
        worker, self._worker = self._worker, None
        opened, self._opened = self._opened, None
        if worker is not None:
            with suppress(sqlite3.Error):
                await worker.close()
        if opened is not None and opened.lock is not None:
            opened.lock.release()
        return opened

    async def _start_over_if_damaged(self, error: Exception) -> None:
        """Put aside a file that turns out to be broken, and start a new one."""
        mine = self._opened is not None and self._opened.mode == "write"
        if mine and isinstance(error, sqlite3.Error) and is_damage(error):
            self._retry_at = 0.0
            await self._disconnect()
            try:
                await self._connect(damage=clean_text(str(error)))
            except StoreError as failure:
                self._notices.append(str(failure))

    async def _hop(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        if self._worker is None:
            raise StoreError("the database is not open", os.EX_IOERR)
        return await self._worker.run(work)

    async def _ask(self, work: Callable[[sqlite3.Connection], _T], otherwise: _T) -> _T:
        """What ``work`` answers in one hop; ``otherwise`` where the database cannot be read, which `notice` tells."""
        async with self._busy:
            try:
                answer = await self._hop(work)
            except (sqlite3.Error, StoreError, DamagedError) as error:
                self._unread = f"the database cannot be read: {_reason(error)}"
                await self._start_over_if_damaged(error)
                return otherwise
            self._unread = ""
            return answer

    async def _beside(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Run long ``work`` over a connection of its own, so that recording does not wait for it."""
        if self._opened is None:
            raise StoreError("the database is not open", os.EX_IOERR)
        mode: Mode = "immutable" if self._opened.mode == "immutable" else "read"
        try:
            worker = await start_worker(partial(connect, self._opened.path, mode))
            try:
                return await worker.run(work)
            finally:
                await worker.close()
        except (sqlite3.Error, OSError) as error:
            raise StoreError(
                f"{self._path} cannot be read, or its copy not be written: {_reason(error)}", os.EX_IOERR
            ) from None


def _back_up(connection: sqlite3.Connection, target: Path) -> None:
    if target.exists():
        raise StoreError(f"{target} exists already; name a new file", os.EX_CANTCREAT)
    copy_to(connection, target)


def _check(connection: sqlite3.Connection) -> Checked:
    reader = Reader()
    chains = 0
    problems = []
    try:
        rows = connection.execute("PRAGMA quick_check(10)").fetchall()
        problems = [clean_text(row[0]) for row in rows if row[0] != "ok"]
        for (snapshot_id,) in connection.execute("SELECT id FROM snapshot ORDER BY ticker_id, ts").fetchall():
            chains += 1
            reader.load(connection, snapshot_id)
    except sqlite3.Error as error:
        if not is_damage(error):
            raise
        problems.append(explain(error))
    return Checked(chains, reader.damaged, tuple(problems))


def _reason(error: Exception) -> str:
    return explain(error) if isinstance(error, sqlite3.Error) else clean_text(str(error))
