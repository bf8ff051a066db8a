"""The recorder: the core without a screen; what a watcher would have noticed it says on standard error."""

import gc
import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from queue import Empty, Full, Queue
from typing import Any, NoReturn

from gextui.desk import Desk, Health
from gextui.exposure.board import Board
from gextui.exposure.change import Past
from gextui.live_sources import LiveSources
from gextui.log import PlainFormatter
from gextui.market.ticker import Ticker
from gextui.memory import give_back, hold_little
from gextui.route import Route
from gextui.sources.source import SourceState
from gextui.store.database import StoreError
from gextui.store.lock import holder_of
from gextui.store.retention import Retention
from gextui.store.store import Store
from gextui.ui.terminal.signals import leaving_on_signals

LOOK_EVERY = 1.0
"""Seconds between looks at how the sources and the database do."""
COUNT_EVERY = 60.0
"""Seconds between lines that say how much was recorded."""
AGAIN_AFTER = 60.0
"""Seconds before the same trouble is said again."""
_STARTED_AFTER = 5.0
"""Seconds after which what only starting needed is given back; and again every `COUNT_EVERY`."""
_OPENING = 0.05
"""Seconds between looks at whether the database is open."""
_MOST_LINES = 1000
"""So many wait for a reader of standard error who does not read; then lines are lost, readings never."""
_TROUBLED = (SourceState.DEGRADED, SourceState.BACKOFF, SourceState.DISABLED)
_logger = logging.getLogger(__name__)


class Recorder:
    """Records what sources give, until a signal ends the process."""

    def __init__(self, routes: Mapping[Ticker, Route], sources: LiveSources, path: Path, retention: Retention) -> None:
        """Prepare to record tickers by their routes, from these sources, in the database at ``path``."""
        self._path = path
        self._desk = desk = Desk(
            (), self._open, routes=routes, make=sources, beside=sources.keep, etfs=sources.etfs, needs_history=True
        )
        self._make = partial(_CountingStore.open, path, tickers=desk.tickers, retention=retention)
        self._opened: Future[_CountingStore] = Future()
        self._lines = _Lines()
        self._once = _Once()
        self._said: dict[str, str] = {}
        self._ending = False
        self._over = threading.Event()

    def run(self) -> NoReturn:
        """Record until SIGTERM, SIGINT or, where it is not ignored, SIGHUP: flush, and end the process with code 0.

        Raises:
            StoreError: nothing can be recorded: another process does, or the database cannot be written.
            RuntimeError: the core ended by itself, which is a bug.
        """
        gc.freeze()
        gc.enable()
        hold_little()
        if (holder := holder_of(self._path)) is not None:
            raise StoreError(f"{holder} already records to {self._path}; stop it first", os.EX_TEMPFAIL)
        _let_go_of_standard_streams()
        self._lines.start()
        with leaving_on_signals(self._end, exit_code=0):
            try:
                self._record()
                self._lines.write(0.0)
            finally:
                self._over.set()
        raise RuntimeError("the recorder's core ended by itself")

    def _record(self) -> None:
        """Record, and say what happens, for as long as the core is at work."""
        self._desk.start()
        while not self._opened.done() and self._desk.running:
            wait([self._opened], _OPENING)
        if not self._opened.done():
            return
        try:
            store = self._opened.result()
        except StoreError:
            self._desk.stop()
            raise
        tickers = ", ".join(ticker.symbol for ticker in self._desk.tickers)
        _logger.info("process %d records %s to %s", os.getpid(), tickers, self._path)
        self._said["recording"] = store.recording
        counted, count_at = Counter[str](), time.monotonic() + COUNT_EVERY
        give_back_at = time.monotonic() + _STARTED_AFTER
        while self._desk.running:
            self._lines.write(LOOK_EVERY)
            self._look()
            if time.monotonic() >= count_at:
                count_at += COUNT_EVERY
                counted = self._count(store, counted)
            if time.monotonic() >= give_back_at:
                give_back_at += COUNT_EVERY
                give_back()
        if self._ending:
            _logger.info("stopped after %s readings", f"{store.counts.total():,}")

    async def _open(self) -> Store:
        """Open the database, in the core thread; one that cannot be recorded to is none."""
        try:
            store = await self._make()
            if store.refused is not None:
                await store.close()
                raise store.refused
        except BaseException as error:
            self._opened.set_exception(error)
            raise
        self._opened.set_result(store)
        return store

    def _look(self) -> None:
        """Say what has changed since the last look."""
        changed: dict[tuple[int, str], list[str]] = {}
        health = None
        for ticker in self._desk.tickers:
            health = self._desk.health(ticker)
            words, detail = _words(health)
            if self._is_new(ticker.symbol, words):
                trouble = health.stale or health.status.state in _TROUBLED
                line = f"{words}: {detail}" if detail else words
                changed.setdefault((logging.WARNING if trouble else logging.INFO, line), []).append(ticker.symbol)
        for (level, line), symbols in changed.items():
            _logger.log(level, "%s: %s", ", ".join(symbols), line)
        # "not recorded" holds for a moment at the start, until the desk has what was opened.
        if health is not None and health.recording != "not recorded" and self._is_new("recording", health.recording):
            _logger.log(logging.INFO if health.recording == "recording" else logging.WARNING, health.recording)
        if health is not None and self._is_new("notice", health.notice) and health.notice:
            _logger.warning(health.notice)

    def _is_new(self, subject: str, words: str) -> bool:
        """Whether this is to be said of the subject now. What goes to and fro is said once in `AGAIN_AFTER`."""
        if self._said.get(subject) == words or not self._once.may((subject, words)):
            return False
        self._said[subject] = words
        return True

    def _count(self, store: "_CountingStore", before: Counter[str]) -> Counter[str]:
        """Say how much was recorded since ``before``; the counts now."""
        now = store.counts.copy()
        symbols = (ticker.symbol for ticker in self._desk.tickers)
        each = ", ".join(f"{symbol} {now[symbol] - before[symbol]:,}" for symbol in symbols)
        _logger.info("readings in %.0f s: %s", COUNT_EVERY, each)
        return now

    def _end(self) -> None:
        """Flush; run in a thread of its own when a signal has come."""
        self._ending = True
        self._desk.stop()
        self._lines.wake()
        self._over.wait()


def _words(health: Health) -> tuple[str, str]:
    """How a ticker's source does, and why."""
    status = health.status
    if health.stale:
        return f"{status.name} stale", status.detail or f"nothing new for {health.age:.0f} s"
    return f"{status.name} {status.state}", status.detail


def _let_go_of_standard_streams() -> None:
    """Read nothing from standard input, and let no file take the place of a standard stream that is closed."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    for stream in (1, 2):
        try:
            os.fstat(stream)
        except OSError:
            os.dup2(nowhere, stream)
    if nowhere > 2:
        os.close(nowhere)


class _CountingStore(Store):
    """A store that counts what it records. It tells no past: nobody is here to see what has changed since."""

    def __init__(self, path: Path, **options: Any) -> None:
        super().__init__(path, **options)
        self.counts: Counter[str] = Counter()
        """Readings by ticker."""

    async def record(self, board: Board) -> None:
        """Remember the board; see `Store.record`."""
        await super().record(board)
        if self.recording == "recording":
            self.counts[board.ticker.symbol] += 1

    async def past(self, ticker: Ticker, at: datetime, minutes: Sequence[int]) -> Past:
        """Nothing; see `Store.past`."""
        return Past()


class _Once:
    """What was said a moment ago."""

    def __init__(self) -> None:
        self._said_at: dict[Hashable, float] = {}

    def may(self, words: Hashable) -> bool:
        """Whether ``words`` have not been said in the last `AGAIN_AFTER` seconds; then they count as said."""
        now = time.monotonic()
        self._said_at = {said: at for said, at in self._said_at.items() if now - at < AGAIN_AFTER}
        if words in self._said_at:
            return False
        self._said_at[words] = now
        return True


class _Lines(logging.Handler):
    """The log's lines, for one thread to write: a terminal that stops reading stops nobody else."""

    def __init__(self) -> None:
        super().__init__()
        # systemd's journal has a clock of its own.
        at = "" if "JOURNAL_STREAM" in os.environ else "%(asctime)s "
        formatter = PlainFormatter(f"{at}%(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%SZ")
        formatter.converter = time.gmtime
        self.setFormatter(formatter)
        self._once = _Once()
        self._waiting: Queue[str] = Queue(_MOST_LINES)

    def start(self) -> None:
        """Take in what the whole program logs."""
        logging.getLogger().addHandler(self)
        _logger.setLevel(logging.INFO)
        logging.raiseExceptions = False
        threading.excepthook = self._tell_of_a_dead_thread

    def emit(self, record: logging.LogRecord) -> None:
        """Take a line in, unless it is of trouble that was told a moment ago."""
        if record.levelno < logging.WARNING or self._once.may(record.getMessage()):
            self._put(f"{self.format(record)}\n")

    def _tell_of_a_dead_thread(self, died: threading.ExceptHookArgs) -> None:
        _logger.error("a thread died of a bug", exc_info=died.exc_value)

    def wake(self) -> None:
        """Let `write` return at once."""
        self._put("")

    def write(self, seconds: float) -> None:
        """Write what waits; where that is nothing, wait so many seconds for some."""
        with suppress(Empty):
            text = self._waiting.get(timeout=seconds)
            while True:
                with suppress(OSError):  # nobody is there to read it
                    os.write(2, text.encode("utf-8", "replace"))
                text = self._waiting.get_nowait()

    def _put(self, text: str) -> None:
        with suppress(Full):
            self._waiting.put_nowait(text)
