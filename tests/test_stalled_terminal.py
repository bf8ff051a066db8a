"""A terminal that stops reading stops no recording: the promise of the core's own thread, in real time."""

import asyncio
import fcntl
import sys
import termios
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from gextui.market.chain import Floats
from gextui.market.ticker import KNOWN_TICKERS
from gextui.store.store import Store
from tests.support.recording import MAIN, homes, readings
from tests.support.venue import RunningVenue, running_venue
from tests.ui.terminal.pty_harness import Terminal

STALLED = 20.0
"""Seconds."""
GAP = 3.0
"""Seconds: so many intervals without a reading are one; a busy machine may skip a reading."""
VIEWS = "xgcgpgogvg" * 4
"""More than a terminal takes in that nobody reads."""


@pytest.fixture
def venue() -> Iterator[RunningVenue]:
    with running_venue("BTC", "ETH") as running:
        yield running


def recorded(database: Path, symbol: str) -> Floats:
    """The instants of a ticker's readings, epoch seconds."""

    async def ask() -> Floats:
        store = await Store.open(database, read_only=True)
        now = datetime.now(UTC)
        series = await store.range(KNOWN_TICKERS[symbol], now - timedelta(hours=1), now + timedelta(hours=1))
        await store.close()
        return series.times

    return asyncio.run(ask())


def unread(shown: Terminal) -> int:
    """Bytes that the terminal holds and nobody has read."""
    held = fcntl.ioctl(shown.master, termios.FIONREAD, bytes(4))
    return int.from_bytes(held, sys.byteorder)


def wait_for_more(shown: Terminal, database: Path, count: int) -> None:
    """Read the terminal until so many readings more are recorded."""
    before = readings(database)
    shown.wait_for(lambda: readings(database) >= before + count)


def test_twenty_seconds_without_a_reader_leave_no_gap_in_what_is_recorded(venue: RunningVenue, tmp_path: Path) -> None:
    """Of the delta display, which leaves frames out, and of Textual's own, which waits for the terminal."""
    databases: list[Path] = []
    with ExitStack() as stack:
        dashboards = []
        for display in ((), ("--plain-display",)):
            home = tmp_path / f"home{len(databases)}"
            home.mkdir()
            settings = venue.write_settings(home)
            databases.append(settings.with_name("gextui.db"))
            command = [sys.executable, "-c", MAIN, "BTC", "ETH", *display, "--config", str(settings)]
            dashboards.append(stack.enter_context(Terminal(command, 120, 36, environment=homes(home))))
        for shown, database in zip(dashboards, databases, strict=True):
            shown.wait_for("Call wall")
            wait_for_more(shown, database, 2)
        begun = datetime.now(UTC).timestamp()
        for view in VIEWS:
            dashboards[0].wait_unread(STALLED / len(VIEWS))
            for shown in dashboards:
                shown.send(view)
        over = datetime.now(UTC).timestamp()
        assert all(unread(shown) > 1000 for shown in dashboards)
        for shown, database in zip(dashboards, databases, strict=True):
            wait_for_more(shown, database, 3)
            shown.wait_for("Call wall")
            shown.send("q")
            shown.settle()
            assert shown.exit_code() == 0
    for database in databases:
        for symbol in ("BTC", "ETH"):
            instants = recorded(database, symbol)
            assert instants[0] < begun < over < instants[-1]
            assert np.diff(instants).max() < GAP
