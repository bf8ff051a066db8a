"""The recorder as a process: it records, it says what happens, it ends in time, and it is the only one."""

import contextlib
import logging
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import gextui.recorder as recorder_module
from gextui.secrets import Secret
from tests.cli import run
from tests.support.desk import until
from tests.support.recording import ENDS_WITHIN, MAIN, homes, readings, recording, rows
from tests.support.venue import RunningVenue, running_venue
from tests.ui.terminal.pty_harness import Terminal

IGNORING_HANG_UP = ("/bin/sh", "-c", 'trap "" HUP; exec "$@"', "sh")
WITHOUT_STREAMS = ("/bin/sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh")
ON_A_SMALL_DISK = ("/bin/sh", "-c", 'ulimit -f 200; exec "$@"', "sh")


@pytest.fixture(scope="module")
def venue() -> Iterator[RunningVenue]:
    with running_venue("BTC", "ETH") as running:
        yield running


@pytest.fixture
def settings(venue: RunningVenue, tmp_path: Path) -> Path:
    return venue.write_settings(tmp_path)


@pytest.fixture
def database(settings: Path) -> Path:
    return settings.with_name("gextui.db")


def is_closed(database: Path) -> bool:
    """Whether the last writer has closed the database in order."""
    return rows(database, "SELECT value FROM meta WHERE key = 'state'") == [("closed",)]


class TestRecords:
    def test_every_reading_is_counted_and_is_in_the_database(self, settings: Path, database: Path) -> None:
        with recording(settings, "BTC", "ETH") as recorder:
            recorder.until_it_says(f"process {recorder.process.pid} records BTC, ETH to {database}")
            recorder.until_it_says("deribit live")
            until(lambda: readings(database) >= 2 and readings(database, "ETH") >= 2)
            assert recorder.end(signal.SIGTERM) == 0
            total = readings(database) + readings(database, "ETH")
            assert recorder.said.endswith(f"INFO stopped after {total} readings\n")
            stamps = [line.split(" ", 2)[:2] for line in recorder.said.splitlines()]
        assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", at) and level == "INFO" for at, level in stamps)
        assert is_closed(database)
        assert database.stat().st_mode & 0o777 == 0o600

    def test_without_any_standard_stream(self, settings: Path, database: Path) -> None:
        with recording(settings, "BTC", before=WITHOUT_STREAMS) as recorder:
            until(lambda: readings(database) >= 2)
            assert recorder.end(signal.SIGTERM) == 0
        assert is_closed(database)

    def test_nobody_who_reads_what_it_says_stops_it(self, settings: Path, database: Path) -> None:
        unread, full = os.pipe()
        os.set_blocking(full, False)
        with contextlib.suppress(BlockingIOError):
            while os.write(full, bytes(65536)):
                pass
        os.set_blocking(full, True)
        with recording(settings, "BTC", stderr=full) as recorder:
            until(lambda: readings(database) >= 2)
            assert recorder.end(signal.SIGTERM) == 0
        assert is_closed(database)
        os.close(unread)
        os.close(full)

    def test_a_full_disk_is_said_and_stops_nothing_else(self, settings: Path) -> None:
        with recording(settings, "BTC", "ETH", before=ON_A_SMALL_DISK) as recorder:
            recorder.until_it_says("WARNING not recording: the disk reports an error")
            assert recorder.end(signal.SIGTERM) == 0

    def test_what_happens_to_the_source_is_said(self, tmp_path: Path) -> None:
        with running_venue("BTC") as venue, recording(venue.write_settings(tmp_path), "BTC") as recorder:
            recorder.until_it_says("BTC: deribit live")
            venue.do(lambda running: running.maintenance(True))
            recorder.until_it_says("WARNING BTC: deribit degraded: venue maintenance")
            venue.do(lambda running: running.heal())
            until(lambda: recorder.said.count("BTC: deribit live") == 1)
            assert recorder.end(signal.SIGTERM) == 0


class TestEnds:
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
    def test_a_signal_flushes_and_ends_it_with_nought(
        self, settings: Path, database: Path, number: signal.Signals
    ) -> None:
        with recording(settings, "BTC") as recorder:
            until(lambda: readings(database))
            assert recorder.end(number) == 0
            assert "stopped after" in recorder.said
        assert is_closed(database)

    def test_under_nohup_it_outlives_its_terminal(self, settings: Path, database: Path) -> None:
        command = [*IGNORING_HANG_UP, sys.executable, "-c", MAIN, "record", "BTC", "--config", str(settings)]
        with Terminal(command, environment=homes(settings.parent)) as shown:
            shown.wait_for("records BTC")
            until(lambda: readings(database))
            shown.hang_up()
            before = readings(database)
            until(lambda: readings(database) > before)
            shown.signal(signal.SIGTERM)
            assert shown.exit_code() == 0
        assert is_closed(database)

    def test_a_store_that_hangs_is_left_behind_in_time(self, settings: Path) -> None:
        program = (
            "import threading, gextui.store.store as store\n"
            "async def close(self):\n"
            "    threading.Event().wait()\n"
            f"store.Store.close = close\n{MAIN}"
        )
        with recording(settings, "BTC", program=program) as recorder:
            recorder.until_it_says("records BTC")
            assert recorder.end(signal.SIGTERM) == 0

    def test_a_second_signal_waits_for_nothing(self, settings: Path) -> None:
        program = (
            "import threading, gextui.store.store as store, gextui.ui.terminal.signals as signals\n"
            "def hang(*_):\n"
            "    threading.Event().wait()\n"
            "store.Store.close = hang\n"
            f"signals.leaving_on_signals.__wrapped__.__kwdefaults__['grace'] = 60.0\n{MAIN}"
        )
        with recording(settings, "BTC", program=program) as recorder:
            recorder.until_it_says("records BTC")

            def ended_by_another() -> bool:
                recorder.process.send_signal(signal.SIGTERM)
                return recorder.process.poll() is not None

            until(ended_by_another)
            assert recorder.process.wait(ENDS_WITHIN) == 0

    def test_a_core_that_dies_is_a_bug_and_no_silence(self, settings: Path) -> None:
        program = (
            "import gextui.desk as desk\n"
            "async def work(self):\n"
            "    raise ZeroDivisionError('deep inside')\n"
            f"desk.Desk._work = work\n{MAIN}"
        )
        with recording(settings, "BTC", program=program) as recorder:
            assert recorder.process.wait(ENDS_WITHIN) == 70
            assert "ERROR a thread died of a bug\n" in recorder.said
            assert "ZeroDivisionError: deep inside" in recorder.said
            assert (
                "gextui: this is a bug in gextui (RuntimeError: the recorder's core ended by itself)" in recorder.said
            )


class TestOneWriter:
    def test_a_second_recorder_names_the_first_and_asks_no_venue(self, venue: RunningVenue, settings: Path) -> None:
        with recording(settings, "BTC") as recorder:
            recorder.until_it_says("deribit live")
            connects = venue.connects
            second = run("record", "ETH", "--config", settings, environment=homes(settings.parent))
            assert (second.returncode, second.stdout) == (75, "")
            assert second.stderr.startswith(f"gextui: process {recorder.process.pid} on ")
            assert second.stderr.endswith("gextui.db; stop it first\n")
            assert venue.connects == connects
            assert recorder.process.poll() is None

    def test_killed_it_leaves_no_lock_no_damage_and_nothing_lost(self, settings: Path, database: Path) -> None:
        with recording(settings, "BTC") as recorder:
            until(lambda: readings(database))
            before = readings(database)
            recorder.process.kill()
            recorder.process.wait()
        assert readings(database) >= before
        with recording(settings, "BTC") as recorder:
            kept = readings(database)
            until(lambda: readings(database) > kept)
            assert recorder.end(signal.SIGTERM) == 0
        checked = run("db", "check", "--config", settings, environment=homes(settings.parent))
        assert (checked.returncode, checked.stdout) == (0, f"{readings(database):,} chains, 0 damaged\n")

    @pytest.mark.parametrize("number", [13, 30], ids=["permission", "read-only disk"])
    def test_where_nothing_may_be_written_it_ends(self, settings: Path, database: Path, number: int) -> None:
        with recording(settings, "BTC") as first:
            until(lambda: readings(database))
            first.end(signal.SIGTERM)
        program = (
            "from gextui.store.lock import Lock\n"
            "def refuse(*_):\n"
            f"    raise OSError({number}, 'no')\n"
            f"Lock.acquire = refuse\n{MAIN}"
        )
        with recording(settings, "BTC", program=program) as recorder:
            assert recorder.process.wait(ENDS_WITHIN) == 77
            assert recorder.said.startswith(f"gextui: {database} cannot be written: ")
            assert recorder.said.count("\n") == 1

    def test_another_program_s_database_is_left_alone(self, settings: Path, database: Path) -> None:
        database.write_bytes(b"SQLite format 3\0".ljust(100, b"\0"))
        with recording(settings, "BTC") as recorder:
            assert recorder.process.wait(ENDS_WITHIN) == 78
            assert "is another program's database" in recorder.said


class TestBesideADashboard:
    def dashboard(self, settings: Path, *tickers: str) -> Terminal:
        command = [sys.executable, "-c", MAIN, *tickers, "--config", str(settings)]
        return Terminal(command, 120, 36, environment=homes(settings.parent))

    def test_it_shows_what_the_recorder_records_and_asks_no_venue(
        self, venue: RunningVenue, settings: Path, database: Path
    ) -> None:
        with recording(settings, "BTC", "ETH") as recorder:
            recorder.until_it_says("deribit live")
            connects = venue.connects
            with self.dashboard(settings, "ETH", "BTC") as shown:
                shown.wait_for("Call wall")
                assert "1 ETH   2 BTC" in shown.text
                before = set(instants(shown))
                shown.wait_for(lambda: len(before | set(instants(shown))) > len(before))
                shown.send("!")
                shown.wait_for(f"recorded by process {recorder.process.pid}")
                shown.send("q")
                shown.send(",")
                shown.wait_for("REPLAY")
                shown.send("L")
                shown.wait_for(lambda: "REPLAY" not in shown.text)
                assert venue.connects == connects

                recorder.process.kill()
                shown.wait_for("nobody records now: tickers are read from the venues")
                shown.wait_for("deribit ● live")
                assert venue.connects == connects + 1
                with recording(settings, "BTC", "ETH") as next_one:
                    shown.wait_for(lambda: "nobody records" not in shown.text)
                    kept = readings(database)
                    until(lambda: readings(database) > kept)
                    shown.send("!")
                    shown.wait_for(f"recorded by process {next_one.process.pid}")
                shown.send("q")
                shown.send("q")
                shown.settle()
                assert shown.exit_code() == 0

    def test_what_the_recorder_does_not_record_is_read_live(self, venue: RunningVenue, settings: Path) -> None:
        with recording(settings, "BTC") as recorder:
            recorder.until_it_says("deribit live")
            connects = venue.connects
            with self.dashboard(settings, "ETH", "BTC") as shown:
                shown.wait_for("Call wall")
                shown.send("!")
                shown.wait_for("not recorded")
                assert "recorded by process" not in shown.text
                assert venue.connects == connects + 1

    def test_a_dashboard_alone_records_and_keeps_a_recorder_out(self, settings: Path, database: Path) -> None:
        with self.dashboard(settings, "BTC") as shown:
            shown.wait_for("Call wall")
            shown.wait_for(lambda: readings(database) >= 2)
            second = run("record", "BTC", "--config", settings, environment=homes(settings.parent))
            assert second.returncode == 75
            shown.send("q")
            shown.settle()
            assert shown.exit_code() == 0
        assert is_closed(database)


def instants(shown: Terminal) -> list[str]:
    """The times on the screen's first line."""
    return [word for word in shown.text.splitlines()[0].split() if word.count(":") == 2]


class TestLog:
    @pytest.fixture
    def lines(self) -> Iterator[Callable[[], list[str]]]:
        """What the handler would write, formatted."""
        handler = recorder_module._Lines()
        logger = logging.getLogger("tests.recorder")
        logger.addHandler(handler)
        logger.propagate = False
        yield lambda: [handler._waiting.get_nowait() for _ in range(handler._waiting.qsize())]
        logger.removeHandler(handler)

    def test_the_same_trouble_is_told_once_in_a_while(
        self, lines: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        now = 100.0
        monkeypatch.setattr("gextui.recorder.time.monotonic", lambda: now)
        logger = logging.getLogger("tests.recorder")
        for now in (100.0, 110.0, 159.9, 160.0, 161.0):
            logger.warning("the venue is %s", "gone")
            logger.warning("at %.1f", now)
        told = [line.split("WARNING ")[1] for line in lines()]
        assert told.count("the venue is gone\n") == 2
        assert len(told) == 7

    def test_no_secret_and_nothing_a_terminal_would_act_on(self, lines: Callable[[], list[str]]) -> None:
        token = Secret("canary-8642").reveal()
        logging.getLogger("tests.recorder").warning("GET /?token=%s \x1b]0;hello\x07\nnext", token)
        [text] = lines()
        assert "canary" not in text
        assert "\x1b" not in text
        assert "token=*** " in text

    def test_lines_that_nobody_takes_are_lost_in_the_end(self, lines: Callable[[], list[str]]) -> None:
        for number in range(recorder_module._MOST_LINES + 10):
            logging.getLogger("tests.recorder").warning("line %d", number)
        assert len(lines()) == recorder_module._MOST_LINES
