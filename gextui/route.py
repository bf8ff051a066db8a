"""Routes: whose chains a ticker gets, and what a recorder tells of one that it records."""

from dataclasses import dataclass
from typing import NamedTuple

RECORDER = "recorder"
"""The source of what another process records."""


@dataclass(frozen=True, slots=True)
class Route:
    """Whose chains a ticker gets."""

    sources: tuple[str, ...]
    """Names, the preferred one first; the next ones are asked while those before them do not deliver."""
    combine: bool = False
    """Whether the book is the sum of all of them instead."""


class Recorded(NamedTuple):
    """What a recorder tells others of a ticker that it records."""

    doubt: str = ""
    """What is wrong with the ticker's source; empty where nothing is."""
    interval: float = 0.0
    """Seconds between that source's chains when all is well; 0 where it is not known."""
