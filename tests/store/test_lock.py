"""Who holds the lock: asked without taking it, and told even by a file that says nonsense."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gextui.route import Recorded
from gextui.store.lock import Holder, Lock, LockedError, holder_of, lock_of
from gextui.store.store import Store
from tests.store.market import BTC, SPY

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def held_elsewhere(database: Path, *symbols: str) -> Iterator[subprocess.Popen[str]]:
    """The lock, held by another process until the block ends."""
    program = (
        "import sys\nfrom pathlib import Path\nfrom gextui.store.lock import Lock\n"
        "lock = Lock.acquire(Path(sys.argv[1]), sys.argv[2:])\nprint('held', flush=True)\nsys.stdin.read()"
    )
    command = [sys.executable, "-c", program, str(lock_of(database)), *symbols]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process


def test_nobody_holds_what_is_not_there_or_was_let_go(tmp_path: Path) -> None:
    database = tmp_path / "gextui.db"
    assert holder_of(database) is None
    lock = Lock.acquire(lock_of(database))
    lock.release()
    assert holder_of(database) is None


def test_the_holder_is_named_with_what_it_records_and_keeps_its_lock(tmp_path: Path) -> None:
    database = tmp_path / "gextui.db"
    with held_elsewhere(database, "BTC", "BRK B") as other:
        holder = holder_of(database)
        assert holder == Holder(other.pid, socket.gethostname(), {"BTC": Recorded(), "BRK B": Recorded()})
        assert str(holder) == f"process {other.pid} on {socket.gethostname()}"
        with pytest.raises(LockedError, match=f"process {other.pid} on"):
            Lock.acquire(lock_of(database))


def test_a_killed_holder_is_none_at_once(tmp_path: Path) -> None:
    database = tmp_path / "gextui.db"
    with held_elsewhere(database, "BTC") as other:
        other.send_signal(signal.SIGKILL)
        other.wait(10)
        assert holder_of(database) is None
        Lock.acquire(lock_of(database)).release()


def test_a_process_that_took_over_the_number_of_a_dead_holder_is_none(tmp_path: Path) -> None:
    database = tmp_path / "gextui.db"
    lock_of(database).write_text(f"{os.getpid()} {socket.gethostname()}\nBTC\n")
    assert holder_of(database) is None


@pytest.mark.parametrize(
    ("written", "holder"),
    [
        (b"", Holder()),
        (b"\xff\x00 not a number\n", Holder()),
        (b"12 elsewhere", Holder(12, "elsewhere")),
        (
            b"12 else\x1bwhere\nBTC\t60\tslow\x1b\nE\x1bTH\t1\t\nSPY\t-5\t\tx\nSOL\n\nXRP\t1\tleft of a longer text",
            Holder(
                12,
                "else\ufffdwhere",
                {"BTC": Recorded("slow\ufffd", 60.0), "SPY": Recorded("\ufffdx"), "SOL": Recorded()},
            ),
        ),
    ],
)
def test_a_file_that_says_anything(tmp_path: Path, written: bytes, holder: Holder) -> None:
    database = tmp_path / "gextui.db"
    lock = Lock.acquire(lock_of(database))
    lock_of(database).write_bytes(written)
    assert holder_of(database) == holder
    lock.release()
    assert holder_of(database) is None


def test_a_link_to_a_database_has_the_database_s_lock(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link.db").symlink_to(tmp_path / "real" / "gextui.db")
    assert lock_of(tmp_path / "link.db") == tmp_path / "real" / "gextui.db.lock"


async def test_a_store_tells_what_it_records_for_as_long_as_it_is_open(tmp_path: Path) -> None:
    database = tmp_path / "gextui.db"
    store = await Store.open(database, tickers=[BTC, SPY])
    assert holder_of(database) == Holder(os.getpid(), socket.gethostname(), {"BTC": Recorded(), "SPY": Recorded()})
    second = await Store.open(database, tickers=[BTC])
    assert second.refused is not None
    holder = holder_of(database)
    assert holder is not None
    assert list(holder.recorded) == ["BTC", "SPY"]
    await second.close()
    await store.close()
    assert holder_of(database) is None


def test_what_is_recorded_may_change(tmp_path: Path) -> None:
    database = tmp_path / "gextui.db"
    lock = Lock.acquire(lock_of(database), ["BTC", "ETH", "SPX"])
    told = {"SOL": Recorded("deribit degraded: slow", 1.0), "SPY": Recorded("", 1800.0)}
    lock.announce(told)
    holder = holder_of(database)
    lock.release()
    assert holder is not None
    assert (holder.process, holder.recorded) == (os.getpid(), told)
