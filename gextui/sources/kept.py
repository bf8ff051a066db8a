"""Files that spare a venue a question: private, whole or not there, and never missed."""

import contextlib
import logging
import os
import tempfile
from pathlib import Path

_logger = logging.getLogger(__name__)


def write_kept(path: Path, data: bytes, what: str) -> None:
    """Keep ``data``; a reader finds the old file or the new one. Where it cannot be written the log says so."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, written = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    except OSError as error:
        _logger.info("%s are not kept: %s", what, error)
        return
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        Path(written).replace(path)
    except OSError as error:
        _logger.info("%s are not kept: %s", what, error)
        with contextlib.suppress(OSError):
            Path(written).unlink()
