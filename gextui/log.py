"""The log: what went wrong behind the screen, in a private file, with no secret in it."""

import logging
import os
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from gextui.market.text import clean_text
from gextui.secrets import redact

LARGEST = 10_000_000
"""Bytes; then the file is kept under another name and a new one started."""
KEPT = 5
_LONGEST_LINE = 2000


def start_log(path: Path) -> str:
    """Send every warning of the program to ``path``, and nothing to the terminal; why not, where that fails."""
    root = logging.getLogger()
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handler: logging.Handler = _PrivateFile(path, maxBytes=LARGEST, backupCount=KEPT, encoding="utf-8")
    except OSError as error:
        root.addHandler(logging.NullHandler())
        return f"{path} cannot be written: {(error.strerror or str(error)).lower()}"
    handler.setFormatter(PlainFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root.addHandler(handler)
    logging.raiseExceptions = False  # a full disk must not be told on the terminal, which the screen owns
    return ""


class _PrivateFile(RotatingFileHandler):
    """Every file of it can be read by its owner alone."""

    def _open(self) -> TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        return TextIOWrapper(os.fdopen(descriptor, "ab"), encoding=self.encoding, errors="backslashreplace")


class PlainFormatter(logging.Formatter):
    """Without secrets, and without anything that a terminal would act on when the log is read there."""

    def format(self, record: logging.LogRecord) -> str:
        """The record's lines."""
        return "\n".join(clean_text(line, _LONGEST_LINE) for line in redact(super().format(record)).splitlines())
