"""What is copied to the clipboard, as text."""

from collections.abc import Iterable

from click import unstyle

from gextui.exposure.board import Board
from gextui.report.page import level_lines, title

MOST_BYTES = 74_000
"""What terminals take at once by OSC 52: 100,000 bytes of base64."""


def levels_text(board: Board) -> str:
    """Ticker, instant and every level, one a line."""
    return unstyle("\n".join((title(board), *level_lines(board)))) + "\n"


def table_text(lines: Iterable[str]) -> tuple[str, str]:
    """A table's names and as many rows as a terminal takes, and what that is: ``42 rows``, ``the first 400 rows``."""
    taken: list[str] = []
    size = 0
    for line in lines:
        size += len(line.encode()) + 1
        if size > MOST_BYTES:
            return "".join(taken), f"the first {len(taken) - 1:,} rows"
        taken.append(line + "\n")
    rows = max(len(taken) - 1, 0)
    return "".join(taken), "1 row" if rows == 1 else f"{rows:,} rows"
