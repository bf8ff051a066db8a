"""`gextui record` in a process of its own, as systemd or a user starts it."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from tests.support.desk import until

MAIN = "from gextui.cli import main; main()"
ENDS_WITHIN = 5.0
"""Seconds; the promise is two, and a busy machine is not what is tested."""


def homes(home: Path) -> dict[str, str]:
    """Variables that keep a program's files in ``home``."""
    return {f"XDG_{name}_HOME": str(home / name.lower()) for name in ("CONFIG", "DATA", "STATE", "CACHE")}


class Recording:
    """A running recorder, and what it says."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self._log = log

    @property
    def said(self) -> str:
        """All it has written to standard error."""
        return self._log.read_text()

    def until_it_says(self, words: str) -> None:
        """Wait for these words."""
        until(lambda: words in self.said or self.process.poll() is not None)
        assert words in self.said, self.said

    def end(self, number: signal.Signals) -> int:
        """Send a signal and wait for the end; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(ENDS_WITHIN)


@contextmanager
def recording(
    settings: Path,
    *tickers: str,
    before: tuple[str, ...] = (),
    program: str = MAIN,
    environment: Mapping[str, str] | None = None,
    stderr: int | None = None,
) -> Iterator[Recording]:
    """A recorder with these settings, killed at the end of the block where it still runs.

    Args:
        settings: Its config.toml; its files are kept beside that.
        tickers: What to record.
        before: A command in front of it, such as nohup.
        program: What Python runs.
        environment: Variables besides.
        stderr: Where it writes; a file where None.
    """
    log = settings.with_name("record.log")
    command = [*before, sys.executable, "-c", program, "record", *tickers, "--config", str(settings)]
    variables = {**os.environ, "PYTHONWARNINGS": "error", **homes(settings.parent), **(environment or {})}
    variables.pop("JOURNAL_STREAM", None)
    with log.open("wb") as file:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=file if stderr is None else stderr,
            env=variables,
        )
    try:
        yield Recording(process, log)
    finally:
        process.kill()
        process.wait()


def rows(database: Path, query: str) -> list[Any]:
    """What a query finds in a database that another process writes; nothing where there is none yet."""
    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
            return connection.execute(query).fetchall()
    except sqlite3.OperationalError:
        return []


def readings(database: Path, symbol: str = "BTC") -> int:
    """How many readings of a ticker are recorded."""
    counted = rows(
        database, f"SELECT count(*) FROM level JOIN ticker ON ticker.id = ticker_id WHERE symbol = '{symbol}'"
    )
    return int(counted[0][0]) if counted else 0
