"""Routes: whose chains a ticker gets."""

from dataclasses import dataclass

RECORDER = "recorder"
"""The source of what another process records."""


@dataclass(frozen=True, slots=True)
class Route:
    """Whose chains a ticker gets."""

    sources: tuple[str, ...]
    """Names, the preferred one first; the next ones are asked while those before them do not deliver."""
    combine: bool = False
    """Whether the book is the sum of all of them instead."""
