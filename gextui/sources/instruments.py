"""What a venue lists, kept on disk: a restart need not ask for it again within a day."""

import asyncio
import hashlib
from collections.abc import Sequence
from pathlib import Path

import msgspec

from gextui.sources.kept import write_kept

LASTS = 86400.0
"""Seconds."""


class _Listing(msgspec.Struct):
    venue: str
    taken_at: float
    names: list[str]


class InstrumentCache:
    """Lists of instrument names in one folder. What cannot be read or written is as if it were not there."""

    def __init__(self, folder: Path | None, venue: str) -> None:
        """Keep the lists of one venue at one address, which ``venue`` names; without a folder nothing is kept."""
        self._folder = folder
        self._venue = venue

    async def read(self, what: str, now: float) -> tuple[list[str], float]:
        """The names kept of ``what`` and when they were taken, epoch seconds; none, at 0, where they are a day old."""
        if self._folder is None:
            return [], 0.0
        return await asyncio.to_thread(self._read, self._path(self._folder, what), now)

    async def write(self, what: str, names: Sequence[str], now: float) -> None:
        """Keep the names."""
        if self._folder is not None:
            await asyncio.to_thread(self._write, self._path(self._folder, what), names, now)

    def _path(self, folder: Path, what: str) -> Path:
        # One venue at another address (a test network, a simulator) is another venue.
        digest = hashlib.sha256(f"{self._venue}\n{what}".encode()).hexdigest()[:16]
        return folder / f"instruments-{digest}.json"

    def _read(self, path: Path, now: float) -> tuple[list[str], float]:
        try:
            listing = msgspec.json.decode(path.read_bytes(), type=_Listing)
        except (OSError, msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            return [], 0.0
        fresh = listing.venue == self._venue and 0.0 <= now - listing.taken_at < LASTS
        return (listing.names, listing.taken_at) if fresh else ([], 0.0)

    def _write(self, path: Path, names: Sequence[str], now: float) -> None:
        write_kept(path, msgspec.json.encode(_Listing(self._venue, now, list(names))), "instruments")
