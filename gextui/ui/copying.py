"""The levels as text for the clipboard."""

from click import unstyle

from gextui.exposure.board import Board
from gextui.report.page import level_lines, title


def levels_text(board: Board) -> str:
    """Ticker, instant and every level, one a line."""
    return unstyle("\n".join((title(board), *level_lines(board)))) + "\n"
