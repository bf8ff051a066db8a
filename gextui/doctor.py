"""``gextui doctor``: what works here, one line a finding, with what to do about what does not."""

import os
import platform
import shutil
import sqlite3
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gextui import __version__
from gextui import config as configuration
from gextui.config import ConfigError, Settings
from gextui.console import Exit
from gextui.market.text import clean_text
from gextui.secrets import SecretError, SecretName, UnsafeSecretFileError
from gextui.store.database import is_on_network
from gextui.store.lock import holder_of
from gextui.ui.terminal.capabilities import detect

OLDEST_PYTHON = (3, 11)
OLDEST_SQLITE = (3, 37, 0)
"""The first with STRICT tables."""
SOUND_SQLITE = (3, 51, 3)
"""The first without the WAL-reset bug, which can corrupt a database that several processes write."""
LEAST_FREE = 1e9
"""Bytes."""
LEAST_COLUMNS, LEAST_LINES = 40, 12
EARLIEST = datetime(2026, 11, 1, tzinfo=UTC)
"""A clock that shows less is wrong."""


class Verdict(StrEnum):
    """How a thing stands."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's."""

    verdict: Verdict
    subject: str
    text: str
    advice: str = ""
    code: Exit = Exit.OK
    """What the doctor exits with where this fails."""

    def __str__(self) -> str:
        advice = f"; {self.advice}" if self.advice else ""
        return clean_text(f"{self.verdict:<5}{self.subject:<13}{self.text}{advice}", 400)


def examine(config: Path | None) -> Iterator[Finding]:
    """Look at everything; ``config`` is the file that ``--config`` names."""
    yield _ok("gextui", __version__)
    yield _python()
    yield _sqlite()
    yield _time_zones()
    yield _clock(datetime.now(UTC))
    yield from _terminal()
    settings, finding = _configuration(config)
    yield finding
    yield from _secrets(settings)
    yield from _database(configuration.database_path(settings))


def _ok(subject: str, text: str) -> Finding:
    return Finding(Verdict.OK, subject, text)


def _warn(subject: str, text: str, advice: str) -> Finding:
    return Finding(Verdict.WARN, subject, text, advice)


def _fail(subject: str, text: str, advice: str, code: Exit) -> Finding:
    return Finding(Verdict.FAIL, subject, text, advice, code)


def _dotted(numbers: tuple[int, ...]) -> str:
    return ".".join(map(str, numbers))


def _python() -> Finding:
    if sys.version_info < OLDEST_PYTHON:
        advice = f"install Python {_dotted(OLDEST_PYTHON)} or newer"
        return _fail("Python", platform.python_version(), advice, Exit.UNAVAILABLE)
    return _ok("Python", f"{platform.python_version()} ({sys.executable})")


def _sqlite() -> Finding:
    found = sqlite3.sqlite_version_info
    if found < OLDEST_SQLITE:
        advice = f"gextui needs SQLite {_dotted(OLDEST_SQLITE)} or newer: install a newer Python"
        return _fail("SQLite", _dotted(found), advice, Exit.UNAVAILABLE)
    if found < SOUND_SQLITE:
        text = f"{_dotted(found)} has the WAL-reset bug (mended in {_dotted(SOUND_SQLITE)})"
        return _warn(
            "SQLite", text, "gextui is safe, it lets one process write; let no other program write to its file"
        )
    return _ok("SQLite", _dotted(found))


def _time_zones() -> Finding:
    try:
        ZoneInfo("America/New_York")
        return _ok("Time zones", f"tzdata {version('tzdata')}")
    except ZoneInfoNotFoundError:
        return _fail("Time zones", "New York is unknown", "install the package tzdata", Exit.UNAVAILABLE)
    except PackageNotFoundError:
        return _ok("Time zones", "the system's")


def _clock(now: datetime) -> Finding:
    text = f"{now:%Y-%m-%d %H:%M:%S} UTC, local zone {time.strftime('%Z %z')}"
    if now < EARLIEST:
        return _warn("Clock", text, "it is in the past: set it, or every expiry is wrong")
    return _ok("Clock", text)


def _terminal() -> Iterator[Finding]:
    found = detect(os.environ)
    if not found.unicode:
        yield _warn("Locale", "it is not UTF-8, so gextui draws with ASCII alone", "set LANG=C.UTF-8")
    else:
        yield _ok("Locale", "UTF-8")
    term = os.environ.get("TERM", "")
    if not sys.stdout.isatty():
        yield _warn("Terminal", "standard output is not one", "the dashboard needs a terminal; snapshot does not")
    elif not found.usable:
        yield _fail("Terminal", f"TERM is {term!r}", "set it, e.g. TERM=xterm-256color", Exit.UNAVAILABLE)
    else:
        size = shutil.get_terminal_size()
        colours = f"{found.colours:,} colours by {found.colours_from}" if found.colours else "no colours"
        through = ", ".join(name for name, there in (("tmux", found.tmux), ("ssh", found.ssh)) if there)
        text = f"{term}, {size.columns}x{size.lines}, {colours}" + (f", through {through}" if through else "")
        roomy = size.columns >= LEAST_COLUMNS and size.lines >= LEAST_LINES
        advice = f"{LEAST_COLUMNS}x{LEAST_LINES} is the least"
        yield _ok("Terminal", text) if roomy else _warn("Terminal", text, advice)


def _configuration(config: Path | None) -> tuple[Settings, Finding]:
    path = config or configuration.config_path()
    try:
        settings = configuration.load_settings(config)
    except ConfigError as error:
        return Settings(), _fail("Config", str(error), "the findings below hold the defaults", Exit.CONFIGURATION)
    return settings, _ok("Config", str(path) if path.exists() else f"{path} is not there: every default holds")


def _secrets(settings: Settings) -> Iterator[Finding]:
    """Whether each credential can be had; never what it is."""
    for name in SecretName:
        subject = "Credential"
        try:
            found = settings.secrets.find(name)
        except UnsafeSecretFileError as error:
            yield _fail(subject, f"{name}: {error}", "", Exit.PERMISSION)
        except SecretError as error:
            yield _fail(subject, f"{name}: {error}", "", Exit.CONFIGURATION)
        else:
            yield _ok(subject, f"{name}: " + ("not given" if found is None else f"from {found[1]}"))
    halves = SecretName.TASTYTRADE_CLIENT_SECRET, SecretName.TASTYTRADE_REFRESH_TOKEN
    missing = [name for name in halves if not settings.secrets.configure(name)]
    if len(missing) == 1:
        yield _warn("Tastytrade", f"its {missing[0]} is missing", "it is read only where there are both")


def _database(path: Path) -> Iterator[Finding]:
    folder = next((parent for parent in path.parents if parent.exists()), Path("/"))
    if not os.access(folder, os.W_OK):
        yield _fail("Database", f"{folder} cannot be written to", "set storage.path in config.toml", Exit.CANNOT_CREATE)
        return
    if path.exists():
        # Asked without taking the lock: a recorder that starts in this moment must not find it taken.
        writer = "" if (holder := holder_of(path)) is None else f", {holder} records to it"
        yield _ok("Database", f"{path}, {path.stat().st_size / 1e6:,.1f} MB{writer}")
    else:
        yield _ok("Database", f"{path} is not there yet")
    if is_on_network(folder):
        yield _warn("Database", f"{folder} is on a network's file system", "set storage.path to a local disk")
    free = shutil.disk_usage(folder).free
    text = f"{free / 1e9:,.1f} GB free in {folder}"
    yield _ok("Disk", text) if free >= LEAST_FREE else _warn("Disk", text, "recording stops when it is full")
