"""The log: private, bounded, without secrets, and never on the terminal."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from gextui import log
from gextui.secrets import Secret


@pytest.fixture(autouse=True)
def _root_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, raises = root.handlers[:], logging.raiseExceptions
    root.handlers.clear()
    yield
    for handler in root.handlers:
        handler.close()
    root.handlers[:], logging.raiseExceptions = handlers, raises


def test_a_warning_and_its_traceback_go_to_a_private_file(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "state" / "gextui.log"
    assert log.start_log(path) == ""
    try:
        raise ValueError("the reason")
    except ValueError as error:
        logging.getLogger("gextui.desk").error("a feed failed", exc_info=error)
    text = path.read_text()
    assert "ERROR gextui.desk: a feed failed" in text
    assert "ValueError: the reason" in text
    assert path.stat().st_mode & 0o777 == 0o600
    assert capfd.readouterr() == ("", "")


def test_no_secret_and_no_escape_sequence(tmp_path: Path) -> None:
    secret = Secret("canary-9753").reveal()
    log.start_log(tmp_path / "gextui.log")
    logging.getLogger("gextui").warning("GET /x?token=%s gave \x1b]52;c;aGk=\x07", secret)
    text = (tmp_path / "gextui.log").read_text()
    assert "token=*** gave" in text
    assert "canary" not in text
    assert "\x1b" not in text


def test_it_is_bounded_and_every_file_of_it_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "LARGEST", 2000)
    log.start_log(tmp_path / "gextui.log")
    for number in range(400):
        logging.getLogger("gextui").warning("line %d %s", number, "x" * 80)
    files = list(tmp_path.iterdir())
    assert len(files) == log.KEPT + 1
    assert all(file.stat().st_size <= 2000 and file.stat().st_mode & 0o777 == 0o600 for file in files)


def test_where_it_cannot_be_written_the_terminal_stays_clean(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "state").write_text("a file where the folder should be")
    assert "cannot be written" in log.start_log(tmp_path / "state" / "gextui.log")
    logging.getLogger("gextui").error("nobody hears this")
    assert capfd.readouterr() == ("", "")
