"""Processes that die in the middle of things; run as a program by `test_crash`, which must not fork itself.

``record PATH TIMES`` forks so many recorders, one after the other, kills each at a random moment and prints the numbers
of all readings that they had been told are recorded. ``migrate PATH POINT`` migrates with `STEPS` and kills itself at
that point; at none, where it is 0.
"""

import asyncio
import os
import random
import select
import signal
import sqlite3
import sys
from itertools import count
from pathlib import Path

from gextui.store import migrations, opening
from gextui.store.database import Mode, connect
from gextui.store.store import Store
from tests.store.market import after, board_at

STEPS = (
    "SELECT crash(1); CREATE TABLE one (id INTEGER PRIMARY KEY) STRICT; SELECT crash(2); "
    "INSERT INTO one SELECT id FROM snapshot; SELECT crash(3);",
    "SELECT crash(4); CREATE TABLE two (id INTEGER PRIMARY KEY) STRICT; SELECT crash(5); "
    "INSERT INTO two SELECT id FROM one; DROP TABLE one; SELECT crash(6);",
)
POINTS = 6


async def record_for_ever(path: Path, first: int, told: int) -> None:
    store = await Store.open(path)
    for number in count(first):
        await store.record(board_at(after(number)))
        if store.recording == "recording":
            os.write(told, f"{number}\n".encode())


def kill_recorders(path: Path, times: int) -> None:
    chance = random.Random(1)
    first = 0
    for _ in range(times):
        listen, tell = os.pipe()
        process = os.fork()
        if process == 0:
            asyncio.run(record_for_ever(path, first, tell))
        os.close(tell)
        # A first word, so that it is not killed before it has opened the database more often than not.
        told = os.read(listen, 65536) if chance.random() < 0.8 else b""
        select.select([], [], [], chance.uniform(0.0, 0.03))
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        while more := os.read(listen, 65536):
            told += more
        os.close(listen)
        numbers = [int(line) for line in told.split()]
        first = max(numbers, default=first) + 1
        sys.stdout.write("".join(f"{number}\n" for number in numbers))


def migrate(path: Path, point: int) -> None:
    def crash(here: int) -> int:
        if here == point:
            os.kill(os.getpid(), signal.SIGKILL)
        return 0

    def connect_with_crash(path: Path, mode: Mode) -> sqlite3.Connection:
        connection = connect(path, mode)
        connection.create_function("crash", 1, crash)
        return connection

    migrations.STEPS = STEPS
    opening.connect = connect_with_crash  # type: ignore[attr-defined]

    async def open_and_close() -> None:
        store = await Store.open(path)
        sys.stdout.write(store.notice)
        await store.close()

    asyncio.run(open_and_close())


if __name__ == "__main__":
    action, path, number = sys.argv[1:]
    {"record": kill_recorders, "migrate": migrate}[action](Path(path), int(number))
