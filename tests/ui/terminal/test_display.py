"""The delta display shows what stock Textual would, in few bytes, and holds no one up."""

import os
import re
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyte
import pytest
import textual
from textual import events
from textual._compositor import LayoutUpdate
from textual.drivers._writer_thread import WriterThread
from textual.geometry import Region

from gextui.ui.terminal.capabilities import Capabilities, detect
from gextui.ui.terminal.display import unsupported
from gextui.ui.terminal.shadow import Shadow
from tests.ui.terminal.apps import APPS, Grid, Modal, Numbers, Scrolls, Styles, Table
from tests.ui.terminal.pty_harness import Screen, Terminal
from tests.ui.terminal.rig import TRUECOLOUR, Session, running

Picture = tuple[list[list[object]], tuple[int, int]]
SCRIPTS = [
    ("Grid", (100, 45), "n n a n i n"),
    ("Grid", (60, 20), "n 40x10 n 100x45 n 60x20 a"),
    ("Parts", (41, 11), "n n n n n m n m n 37x9 n m n"),
    ("Table", (80, 24), "tab n down n pagedown right right n s n plus end c plus 50x12 n"),
    ("Scrolls", (61, 21), "down pagedown right right right t down left up 33x11 right 80x24 down t"),
    ("Modal", (80, 24), "n m escape o n m n escape slash B left X escape n 44x12 m n"),
    ("Styles", (80, 24), "n n t n n t n 31x9 n"),
]
NO_COLOUR = detect({"TERM": "xterm-256color", "NO_COLOR": "1", "LANG": "C.UTF-8"})
ASCII = detect({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, ascii_only=True)


def picture(session: Session) -> Picture:
    """The cells, and the cursor where the app has placed it."""
    cursor = session.screen.cursor if session.app.cursor_position else SimpleNamespace(x=0, y=0)
    return session.screen.cells(), (cursor.x, cursor.y)


async def act(session: Session, script: str) -> list[Picture]:
    """Press the keys, or resize to WxH; what is seen at the start and after each."""
    await session.settle()
    pictures = [picture(session)]
    for step in script.split():
        if size := re.fullmatch(r"(\d+)x(\d+)", step):
            await session.resize(int(size[1]), int(size[2]))
        else:
            await session.press(step)
        pictures.append(picture(session))
    return pictures


async def stock_and_delta(
    name: str, size: tuple[int, int], script: str, capabilities: Capabilities = TRUECOLOUR
) -> list[list[Picture]]:
    results = []
    for plain_display in (True, False):
        async with running(APPS[name](capabilities, plain_display=plain_display), *size) as session:
            results.append(await act(session, script))
            assert session.app.plain_display_reason == ("asked for" if plain_display else "")
    return results


@pytest.mark.parametrize(("name", "size", "script"), SCRIPTS)
async def test_shows_what_stock_textual_shows(name: str, size: tuple[int, int], script: str) -> None:
    stock, delta = await stock_and_delta(name, size, script)
    for step, expected, seen in zip(["start", *script.split()], stock, delta, strict=True):
        assert seen == expected, f"after {step}"
    changes = sum(before != after for before, after in pairwise(stock))
    assert changes >= len(script.split()) - 4


async def test_without_colour_it_shows_what_stock_textual_shows_and_no_colour_is_sent() -> None:
    stock, delta = await stock_and_delta("Styles", (80, 24), "n n t", NO_COLOUR)
    assert delta == stock
    async with running(Styles(NO_COLOUR), 80, 24) as session:
        sent = await session.settle() + await session.press("n") + await session.press("t")
        marks = {mark for line in session.screen.cells() for cell in line for mark in cell._asdict().items()}
    assert set(re.findall(rb"\x1b\[([\d;]*)m", sent)) <= {
        b";".join(codes) for codes in _all_of(b"0", b"1", b"2", b"3", b"4", b"7", b"9")
    }
    assert {("bold", True), ("blink", True), ("reverse", True), ("underscore", True), ("strikethrough", True)} <= marks
    assert {value for name, value in marks if name in ("fg", "bg")} == {"default"}


def _all_of(*codes: bytes) -> Sequence[tuple[bytes, ...]]:
    """Every sequence of these codes in ascending order, and the empty one."""
    chosen: list[tuple[bytes, ...]] = [()]
    for code in codes:
        chosen += [(*others, code) for others in chosen]
    return chosen


async def test_in_ascii_no_other_byte_is_sent() -> None:
    async with running(Scrolls(ASCII), 60, 20) as session:
        sent = await session.settle() + await session.press("down") + await session.press("right")
        assert sent.isascii()
        assert "put wall" in session.screen.text


@pytest.mark.parametrize(("size", "budget"), [((100, 45), 1500), ((60, 20), 400)])
async def test_a_tick_of_a_tenth_of_the_cells_costs_few_bytes(size: tuple[int, int], budget: int) -> None:
    async with running(Grid(TRUECOLOUR), *size) as session:
        whole = len(await session.settle())
        ticks = [len(await session.press("n")) for _ in range(8)]
    assert max(ticks) <= budget
    assert min(ticks) > 0
    assert whole > 2 * budget


async def test_idle_writes_nothing() -> None:
    async with running(Grid(TRUECOLOUR), 100, 45) as session:
        await session.settle()
        assert await session.press("i") == b""
        assert await session.press("f12") == b""
        session.app.refresh(layout=True)
        assert await session.settle() == b""


async def test_a_line_that_takes_nothing_gets_few_frames_and_then_the_newest() -> None:
    async with running(Grid(TRUECOLOUR), 100, 45) as session:
        await session.settle()
        written = session.app.frames_written
        for _ in range(40):
            # Were a frame queued each time, the queue of thirty would be full and this would never return.
            session.app.query_one(Numbers).change(1.0)
            await session.pilot.pause(0.02)
        assert session.writer._queue.qsize() <= 1
        assert session.app.frames_written - written <= 2
        assert session.app.frames_dropped >= 30
        for _ in range(100):
            session.app.bell()
        await session.settle()
        seen = picture(session)
        assert session.app._next_look is None
    async with running(Grid(TRUECOLOUR), 100, 45) as reference:
        await reference.settle()
        for _ in range(40):
            reference.app.query_one(Numbers).change(1.0)
        await reference.settle()
        assert seen == picture(reference)


async def test_a_garbled_screen_is_repainted() -> None:
    async with running(Table(TRUECOLOUR), 80, 24) as session:
        await session.settle()
        clean = picture(session)

        async def garbled() -> None:
            session.screen.reset()
            session.screen.draw("broadcast message")
            assert picture(session) != clean
            await session.settle()
            assert picture(session) == clean

        session.app.action_repaint()
        await garbled()
        session.app.post_message(events.AppFocus())
        await garbled()
        await session.pilot.resize_terminal(80, 24)
        await garbled()


async def test_coming_back_from_a_suspension_paints_everything() -> None:
    async with running(Grid(TRUECOLOUR), 60, 20) as session:
        await session.settle()
        clean = picture(session)
        session.writer.stop()
        session.driver._writer_thread = WriterThread(session.driver._file)
        session.writer.start()
        session.screen.reset()
        await session.press("i")
        session.app.query_one(Numbers).refresh(Region(0, 0, 1, 1))
        await session.settle()
        assert picture(session) == clean


async def test_the_hook_for_tests_is_called_after_each_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[None] = []
    monkeypatch.setattr(Grid, "post_display_hook", lambda self: calls.append(None))
    async with running(Grid(TRUECOLOUR), 60, 20) as session:
        await session.settle()
        before = len(calls)
        await session.press("n")
    assert len(calls) > before > 0


async def test_after_a_resize_nothing_of_the_old_size_is_written() -> None:
    async with running(Grid(TRUECOLOUR), 100, 45) as session:
        await session.settle()
        sent = await session.resize(40, 10)
        assert sent.startswith(b"\x1b[1H")
        assert sent.count(b"\r\n") == 9
        assert b"H" not in sent[4:]


async def test_large_frames_are_synchronised_where_that_helps() -> None:
    async with running(Grid(TRUECOLOUR), 100, 45) as session:
        await session.settle()
        assert not (await session.press("a")).startswith(b"\x1b[?2026h")
        session.app._sync_available = True
        large = await session.press("a")
        assert large.startswith(b"\x1b[?2026h")
        assert large.endswith(b"\x1b[?2026l")
        assert large.count(b"\x1b[?2026") == 2
    affected = detect({"TMUX": "/s,1,0", "TERM_PROGRAM": "tmux", "TERM_PROGRAM_VERSION": "3.7b", "LANG": "C.UTF-8"})
    async with running(Grid(affected), 60, 20) as session:
        await session.settle()
        session.app._sync_available = True
        assert b"2026" not in await session.press("a", "n")


async def test_small_frames_are_not_synchronised() -> None:
    async with running(Grid(TRUECOLOUR), 60, 20) as session:
        session.app._sync_available = True
        await session.settle()
        assert b"2026" not in await session.press("n")


@pytest.mark.parametrize("broken", ["paint_screen", "paint_spans", "take_difference"])
async def test_a_surprise_inside_leaves_painting_to_stock_textual(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(Modal(TRUECOLOUR, plain_display=True), 80, 24) as session:
        expected = await act(session, "n m n")
    async with running(Modal(TRUECOLOUR), 80, 24) as session:
        await session.settle()

        def surprise(*_: object) -> None:
            raise IndexError("list index out of range")

        monkeypatch.setattr(Shadow, broken, surprise)
        if broken == "paint_screen":
            session.app.refresh(layout=True)
        assert (await act(session, "n m n"))[1:] == expected[1:]
        assert session.app.plain_display_reason == "IndexError: list index out of range"
        assert session.writer._queue.maxsize == 30


async def test_an_unknown_textual_is_left_to_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    assert unsupported() == ""
    monkeypatch.setattr(LayoutUpdate, "__init__", lambda self, strips, region, layers: None)
    assert "takes other arguments" in unsupported()


def test_a_textual_without_an_inner_part_is_left_to_itself() -> None:
    program = """if True:
        import textual.app
        import textual.drivers._writer_thread as writer_thread
        del writer_thread.MAX_QUEUED_WRITES
        from gextui.ui.terminal.display import DeltaApp
        assert "MAX_QUEUED_WRITES" in DeltaApp().plain_display_reason
        """
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)


async def test_a_textual_of_another_version_is_left_to_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(textual, "__version__", "9.0.0rc1", raising=False)
    async with running(Grid(TRUECOLOUR), 60, 20) as session:
        await session.settle()
        assert "not for 9.0.0rc1" in session.app.plain_display_reason
        before = picture(session)
        await session.press("a")
        assert picture(session) != before


@pytest.mark.parametrize(
    "environment",
    [{"COLORTERM": ""}, {"TERM": "xterm", "COLORTERM": ""}, {"NO_COLOR": "1"}],
    ids=["256 colours", "16 colours", "no colour"],
)
def test_on_a_pty_it_shows_what_stock_textual_shows(environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "tests.ui.terminal.apps", "Styles"]
    with Terminal([*command, "plain"], 80, 24, environment) as stock, Terminal(command, 80, 24, environment) as delta:
        for turn, keys in (("turn 1", ""), ("turn 2", "n"), ("turn 3", "tn")):
            stock.send(keys)
            stock.wait_for(turn)
            stock.settle()
            delta.send(keys)
            delta.wait_for(lambda: delta.screen.cells() == stock.screen.cells())
        delta.send("q")
        assert delta.exit_code() == 0
    assert len(delta.output) < len(stock.output)


def test_on_a_pty_a_stall_ends_in_the_newest_state_and_idle_is_silent() -> None:
    command = [sys.executable, "-m", "tests.ui.terminal.apps", "Grid"]
    with Terminal(command, 100, 45) as read, Terminal(command, 100, 45) as stalled:
        stalled.wait_for("100,000")
        for _ in range(20):
            stalled.send("a")
            stalled.wait_unread(0.02)
        read.wait_for("100,000")
        read.send("a" * 20)
        read.settle(0.4)
        stalled.wait_for(lambda: stalled.screen.cells() == read.screen.cells())
        assert stalled.read(0.3) == read.read(0.3) == b""


def test_on_a_pty_the_screen_comes_back_after_ctrl_z() -> None:
    with Terminal([sys.executable, "-m", "tests.ui.terminal.apps", "Grid"], 100, 45) as pty:
        pty.wait_for("100,000")
        pty.settle()
        clean = pty.screen.cells()
        pty.signal(signal.SIGTSTP)
        pty.wait_for(lambda: b"\x1b[?1049l" in pty.output)
        pty.settle()
        pty.screen.reset()
        pty.screen.draw("a shell's prompt")
        pty.signal(signal.SIGCONT)
        pty.wait_for(lambda: pty.screen.cells() == clean)


def test_on_a_pty_a_storm_of_resizes_ends_in_the_right_picture() -> None:
    command = [sys.executable, "-m", "tests.ui.terminal.apps", "Parts"]
    with Terminal(command, 61, 17) as calm, Terminal(command, 61, 17) as tossed:
        tossed.wait_for("漢")
        for size in [(1, 1), (10, 3), (500, 200), (2, 1), (1, 30), (120, 40)] * 20:
            tossed.resize(*size)
            tossed.read(0.002)
        tossed.resize(61, 17)
        calm.wait_for("漢")
        calm.settle()
        tossed.wait_for(lambda: tossed.screen.cells() == calm.screen.cells())


@pytest.mark.skipif(shutil.which("tmux") is None, reason="there is no tmux here")
def test_in_tmux_it_shows_what_stock_textual_shows(tmp_path: Path) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "TMUX_TMPDIR": str(tmp_path),
    }

    def tmux(*words: str) -> str:
        command = ["tmux", "-f", "/dev/null", *words]
        return subprocess.run(command, env=environment, check=True, timeout=20, capture_output=True, text=True).stdout

    def cells(pane: str) -> list[list[Any]]:
        screen = Screen(80, 24)
        pyte.Stream(screen).feed(tmux("capture-pane", "-p", "-e", "-t", pane).rstrip("\n").replace("\n", "\r\n"))
        return screen.cells()

    def is_shown(pane: str, text: str) -> bool:
        return text in tmux("capture-pane", "-p", "-t", pane)

    def wait_until(condition: Callable[[], bool]) -> None:
        for _ in range(150):
            if condition():
                return
            select.select([], [], [], 0.1)
        raise AssertionError("it did not come about")

    for name in ("plain", "delta"):
        app = f"cd {Path.cwd()} && {sys.executable} -m tests.ui.terminal.apps Styles {name}"
        tmux("new-session", "-d", "-s", name, "-x", "80", "-y", "24", app)
    try:
        for turn, keys in (("turn 1", ""), ("turn 3", "ntn")):
            for name in ("plain", "delta"):
                tmux("send-keys", "-t", name, *keys)
                wait_until(partial(is_shown, name, turn))
            wait_until(lambda: cells("delta") == cells("plain"))
        assert any(cell.bold for line in cells("delta") for cell in line)
    finally:
        tmux("kill-server")
