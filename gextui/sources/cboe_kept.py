"""Cboe's newest files, kept on disk: programs that follow each other ask for them no more often than one would."""

import asyncio
import contextlib
import hashlib
import os
import zlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from gextui.sources.http import LARGEST_BODY
from gextui.sources.kept import write_kept


class _Header(msgspec.Struct):
    url: str
    etag: str
    sent: datetime | None


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file as the venue sent it."""

    etag: str
    """By which the venue can be asked whether it has changed; empty where it gave none."""
    sent: datetime | None
    """When the venue sent it."""
    at: float
    """When it was the newest there was, epoch seconds of the machine's clock."""
    packed: bytes
    """Compressed: the largest is 13 MB, and most are never looked at again."""

    def unpack(self) -> bytes:
        """The document; takes a while.

        Raises:
            ValueError: it is damaged.
        """
        inflater = zlib.decompressobj()
        try:
            body = inflater.decompress(self.packed, LARGEST_BODY)
        except zlib.error as error:
            raise ValueError(str(error)) from None
        if not inflater.eof:
            raise ValueError("it is cut short")
        return body


class KeptFiles:
    """Files in one folder. What cannot be read or written is as if it were not there."""

    def __init__(self, folder: Path | None, url: str) -> None:
        """Keep the files of the venue at ``url``; without a folder nothing is kept."""
        self._folder = folder
        self._url = url

    async def read(self, symbol: str) -> KeptFile | None:
        """The file that was kept of a symbol."""
        return None if self._folder is None else await asyncio.to_thread(self._read, self._path(self._folder, symbol))

    async def write(self, symbol: str, body: bytes, etag: str, sent: datetime | None, now: float) -> None:
        """Keep a file in place of the last."""
        if self._folder is not None:
            header = _Header(self._url, etag, sent)
            await asyncio.to_thread(self._write, self._path(self._folder, symbol), body, header, now)

    async def is_still_newest(self, symbol: str, now: float) -> None:
        """Note that the venue has said so of the file that is kept."""
        if self._folder is not None:
            await asyncio.to_thread(_date, self._path(self._folder, symbol), now)

    def _path(self, folder: Path, symbol: str) -> Path:
        # A venue at another address (a simulator) is another venue.
        digest = hashlib.sha256(f"{self._url}\n{symbol}".encode()).hexdigest()[:16]
        return folder / f"cboe-{digest}.kept"

    def _read(self, path: Path) -> KeptFile | None:
        try:
            status = path.stat()
            if status.st_size > LARGEST_BODY:
                return None
            line, _, packed = path.read_bytes().partition(b"\n")
            header = msgspec.json.decode(line, type=_Header)
            kept = KeptFile(header.etag, header.sent, status.st_mtime, packed)
            kept.unpack()
        except (OSError, ValueError):
            return None
        return kept if header.url == self._url else None

    def _write(self, path: Path, body: bytes, header: _Header, now: float) -> None:
        write_kept(path, msgspec.json.encode(header) + b"\n" + zlib.compress(body, 1), "Cboe's files")
        _date(path, now)


def _date(path: Path, at: float) -> None:
    with contextlib.suppress(OSError):
        os.utime(path, (at, at))
