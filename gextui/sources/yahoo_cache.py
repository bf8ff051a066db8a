"""Yahoo's newest good answers, kept on disk: a restart in the night must not wait for the morning."""

import asyncio
import contextlib
import hashlib
import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from gextui.sources.http import LARGEST_BODY
from gextui.sources.kept import write_kept

LASTS = 4 * 86400.0
"""Seconds: the longest weekend."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One answer on one expiry."""

    day: date
    read_at: float
    """When it came, epoch seconds UTC."""
    body: bytes


class AnswerCache:
    """Answers as they came, a file each, in one folder. What cannot be read or written is as if it were not there."""

    def __init__(self, folder: Path | None, url: str) -> None:
        """Keep the answers of the Yahoo at ``url``; without a folder nothing is kept."""
        self._folder = folder
        self._url = url

    async def read(self, symbol: str, now: float) -> list[Kept]:
        """The answers kept on a symbol, the oldest first; those that are too old are deleted."""
        return [] if self._folder is None else await asyncio.to_thread(self._read, self._folder, symbol, now)

    async def write(self, symbol: str, kept: Kept) -> None:
        """Keep an answer in place of the last on that expiry."""
        if self._folder is not None:
            await asyncio.to_thread(self._write, self._folder / f"{self._name(symbol)}{kept.day}.json", kept)

    def _name(self, symbol: str) -> str:
        # One Yahoo at another address (a simulator) is another Yahoo.
        digest = hashlib.sha256(f"{self._url}\n{symbol}".encode()).hexdigest()[:16]
        return f"yahoo-{digest}-"

    def _read(self, folder: Path, symbol: str, now: float) -> list[Kept]:
        name, found = self._name(symbol), []
        for path in folder.glob(f"{name}*.json"):
            with contextlib.suppress(OSError, ValueError):
                day, status = date.fromisoformat(path.stem.removeprefix(name)), path.stat()
                if not 0.0 <= now - status.st_mtime < LASTS or status.st_size > LARGEST_BODY:
                    path.unlink()
                    continue
                found.append(Kept(day, status.st_mtime, path.read_bytes()))
        return sorted(found, key=lambda kept: kept.read_at)

    def _write(self, path: Path, kept: Kept) -> None:
        write_kept(path, kept.body, "Yahoo's answers")
        with contextlib.suppress(OSError):
            os.utime(path, (kept.read_at, kept.read_at))
