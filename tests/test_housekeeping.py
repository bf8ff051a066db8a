"""doctor's checks and the db commands."""

import asyncio
import shutil
import sqlite3
import sys
from collections import namedtuple
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gextui import doctor
from gextui.cli import commands
from gextui.config import Storage
from gextui.doctor import Verdict
from gextui.exposure.board import build_board
from gextui.market.chain import OptionChain
from gextui.sources.export import HEADING, csv_rows
from gextui.sources.files import read_chains
from gextui.store.lock import Lock
from gextui.store.retention import Retention
from gextui.store.store import Store
from tests.exposure.chains import random_chain


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A database with one reading, where the settings look for it."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    path = tmp_path / "gextui" / "gextui.db"

    record(path, random_chain(1))
    return path


def record(path: Path, chain: OptionChain) -> None:
    async def write() -> None:
        store = await Store.open(path)
        await store.record(build_board(chain))
        assert store.recording == "recording"
        await store.close()

    asyncio.run(write())


def invoke(*arguments: str | Path) -> Result:
    return CliRunner().invoke(commands, [str(argument) for argument in arguments])


def count(path: Path, table: str) -> int:
    connection = sqlite3.connect(path)
    try:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
    finally:
        connection.close()


class TestDatabase:
    def test_check(self, database: Path) -> None:
        result = invoke("db", "check")
        assert (result.exit_code, result.stdout) == (0, "1 chains, 0 damaged\n")

    def test_check_finds_a_chain_that_is_not_what_was_written(self, database: Path) -> None:
        connection = sqlite3.connect(database)
        connection.execute("UPDATE snapshot SET crc = crc + 1")
        connection.commit()
        connection.close()
        result = invoke("db", "check")
        assert (result.exit_code, result.stdout) == (65, "1 chains, 1 damaged\n")

    def test_backup(self, database: Path, tmp_path: Path) -> None:
        copy = tmp_path / "copy.db"
        assert invoke("db", "backup", copy).stdout == f"{copy}\n"
        assert count(copy, "level") == 1
        again = invoke("db", "backup", copy)
        assert again.exit_code == 73
        assert "exists already" in again.stderr

    def test_export_is_what_open_reads(self, database: Path, tmp_path: Path) -> None:
        later = replace(random_chain(2), as_of=random_chain(1).as_of + timedelta(minutes=1))
        record(database, later)
        result = invoke("db", "export", later.ticker.symbol.lower())
        assert result.exit_code == 0
        file = tmp_path / "all.csv"
        file.write_text(result.stdout)
        assert [chain.as_of for chain in read_chains(file)] == [random_chain(1).as_of, later.as_of]
        one = invoke("db", "export", later.ticker.symbol, "--since", later.as_of.isoformat()).stdout
        assert one == HEADING + csv_rows(later)
        early = invoke("db", "export", later.ticker.symbol, "--until", "2020-01-01T00:00Z")
        assert (early.exit_code, early.stdout) == (66, "")
        assert early.stderr == f"gextui: nothing is recorded of {later.ticker.symbol} then\n"

    def test_prune_forgets_by_the_settings(self, database: Path, tmp_path: Path) -> None:
        # The reading is of 2026-03-02, months before the day on which this test runs.
        (tmp_path / "gextui" / "config.toml").write_text("[storage]\nchains_days = 1\n")
        result = invoke("db", "prune")
        assert (result.exit_code, result.stdout) == (0, "1 chains and 0 levels are gone\n")
        assert (count(database, "snapshot"), count(database, "level")) == (0, 1)

    def test_a_damaged_file_is_not_put_aside_in_silence(self, database: Path) -> None:
        for beside in database.parent.glob(f"{database.name}-*"):
            beside.unlink()
        database.write_text("no database", encoding="utf-8")
        result = invoke("db", "prune")
        (kept,) = database.parent.glob(f"{database.name}.corrupt-*")
        assert kept.read_text(encoding="utf-8") == "no database"
        assert kept.name in result.stderr

    def test_prune_waits_for_nobody(self, database: Path) -> None:
        lock = Lock.acquire(database.with_name("gextui.db.lock"))
        try:
            result = invoke("db", "prune")
        finally:
            lock.release()
        assert result.exit_code == 75
        assert "already records" in result.stderr

    @pytest.mark.parametrize("command", [("check",), ("backup", "x.db"), ("export", "BTC"), ("prune",)])
    def test_nothing_recorded_yet(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
    ) -> None:
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
        result = invoke("db", *command)
        assert result.exit_code == 66
        assert "nothing has been recorded yet" in result.stderr
        assert list(tmp_path.iterdir()) == []

    def test_another_programs_file(self, database: Path) -> None:
        database.unlink()
        connection = sqlite3.connect(database)
        connection.execute("CREATE TABLE mine (x)")
        connection.commit()
        connection.close()
        assert invoke("db", "check").exit_code in (73, 78)
        assert count(database, "mine") == 0

    def test_the_settings_default_to_the_stores_own(self) -> None:
        ours, its = Storage(), Retention()
        assert (ours.levels_days, ours.chains_hours, ours.chains_days, ours.max_gb) == (
            its.levels_days,
            its.chains_hours,
            its.chains_days,
            its.max_gb,
        )


class TestDoctor:
    def test_the_database_and_who_writes_to_it(self, database: Path) -> None:
        lock = Lock.acquire(database.with_name("gextui.db.lock"))
        try:
            found = invoke("doctor").stdout
        finally:
            lock.release()
        assert f"{database}, 0.1 MB, process " in found
        assert "records to it" in found
        assert "records to it" not in invoke("doctor").stdout

    @pytest.mark.parametrize(
        ("version", "verdict"),
        [((3, 36, 0), Verdict.FAIL), ((3, 40, 1), Verdict.WARN), ((3, 51, 2), Verdict.WARN), ((3, 51, 3), Verdict.OK)],
    )
    def test_sqlite(self, monkeypatch: pytest.MonkeyPatch, version: tuple[int, int, int], verdict: Verdict) -> None:
        monkeypatch.setattr(sqlite3, "sqlite_version_info", version)
        finding = doctor._sqlite()
        assert finding.verdict is verdict
        assert finding.code == (69 if verdict is Verdict.FAIL else 0)

    def test_old_python(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "version_info", (3, 10, 4))
        assert doctor._python().code == 69

    def test_a_clock_in_the_past(self) -> None:
        assert doctor._clock(datetime(2020, 1, 1, tzinfo=UTC)).verdict is Verdict.WARN
        assert doctor._clock(doctor.EARLIEST + timedelta(days=1)).verdict is Verdict.OK

    def test_little_room(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        usage = namedtuple("usage", "total used free")
        monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(1e12, 1e12 - 5e8, 5e8))
        disk = list(doctor._database(tmp_path / "x.db"))[-1]
        assert (disk.verdict, disk.text.startswith("0.5 GB free")) == (Verdict.WARN, True)

    @pytest.mark.parametrize(
        ("term", "tty", "verdict"),
        [("dumb", True, Verdict.FAIL), ("xterm-256color", True, Verdict.OK), ("xterm", False, Verdict.WARN)],
    )
    def test_terminal(self, monkeypatch: pytest.MonkeyPatch, term: str, tty: bool, verdict: Verdict) -> None:
        monkeypatch.setenv("TERM", term)
        monkeypatch.setattr(sys.stdout, "isatty", lambda: tty)
        finding = next(finding for finding in doctor._terminal() if finding.subject == "Terminal")
        assert finding.verdict is verdict

    def test_no_utf8(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("LC_ALL", "LC_CTYPE", "LANG"):
            monkeypatch.setenv(name, "C")
        assert next(iter(doctor._terminal())).verdict is Verdict.WARN
