"""Copying: through tmux where there is one, else by the terminal's own sequence."""

import base64
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gextui.ui.terminal import clipboard
from gextui.ui.terminal.clipboard import copy

TEXT = "Call wall 110,000\nZero γ 96,850\n"
OSC_52 = f"\x1b]52;c;{base64.b64encode(TEXT.encode()).decode()}\x07"


@pytest.fixture
def written() -> list[str]:
    return []


def fake_tmux(folder: Path, program: str) -> dict[str, str]:
    """An environment in which ``tmux`` is this Python program."""
    command = folder / "tmux"
    command.write_text(f"#!{sys.executable}\nimport sys, time\n{program}\n", encoding="utf-8")
    command.chmod(0o700)
    return {"TMUX": "/tmp/tmux,1,0", "PATH": str(folder)}


async def test_outside_tmux_the_terminal_is_asked(written: list[str]) -> None:
    assert await copy(TEXT, written.append, {"PATH": os.environ["PATH"]}) == "terminal"
    assert written == [OSC_52]


async def test_inside_tmux_its_buffer_is_loaded(
    tmp_path: Path, written: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = fake_tmux(tmp_path, f"open({str(tmp_path / 'got')!r}, 'wb').write(sys.stdin.buffer.read())")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert await copy(TEXT, written.append, environment) == "tmux"
    assert written == []
    assert (tmp_path / "got").read_text(encoding="utf-8") == TEXT


async def test_text_reaches_no_shell(tmp_path: Path, written: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    environment = fake_tmux(tmp_path, f"open({str(tmp_path / 'argv')!r}, 'w').write(' '.join(sys.argv[1:]))")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert await copy("; touch /tmp/x `id`", written.append, environment) == "tmux"
    assert (tmp_path / "argv").read_text(encoding="utf-8") == "load-buffer -w -"


@pytest.mark.parametrize("program", ["sys.exit(1)", "time.sleep(60)", None], ids=["fails", "hangs", "is absent"])
async def test_a_tmux_that_does_not_help_leaves_it_to_the_terminal(
    program: str | None, tmp_path: Path, written: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clipboard, "TIME_LIMIT", 0.5)
    monkeypatch.setenv("PATH", str(tmp_path))
    environment = {"TMUX": "/tmp/tmux,1,0", "PATH": str(tmp_path)}
    if program is not None:
        fake_tmux(tmp_path, program)
    assert await copy(TEXT, written.append, environment) == "terminal"
    assert written == [OSC_52]


@pytest.fixture
def real_tmux(tmp_path: Path) -> Iterator[dict[str, str]]:
    if shutil.which("tmux") is None:
        pytest.skip("there is no tmux here")
    environment = {
        "PATH": os.environ["PATH"],
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "TMUX_TMPDIR": str(tmp_path),
    }
    subprocess.run(["tmux", "-f", "/dev/null", "new-session", "-d"], env=environment, check=True, timeout=10)
    shown = subprocess.run(
        ["tmux", "display-message", "-p", "#{socket_path},#{pid},0"], env=environment, capture_output=True, check=True
    )
    yield {**environment, "TMUX": shown.stdout.decode().strip()}
    subprocess.run(["tmux", "kill-server"], env=environment, check=True, timeout=10)


def tmux_buffer(environment: dict[str, str]) -> str:
    shown = subprocess.run(["tmux", "show-buffer"], env=environment, capture_output=True, check=True, timeout=10)
    return shown.stdout.decode()


async def test_a_real_tmux_has_it_in_its_buffer(real_tmux: dict[str, str], written: list[str]) -> None:
    assert await copy(TEXT, written.append, real_tmux) == "tmux"
    assert tmux_buffer(real_tmux) == TEXT
    assert written == []
