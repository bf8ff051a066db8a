"""CSV of ``snapshot --csv``: one row a strike."""

import csv
import io
import math
from collections.abc import Sequence

from gextui.exposure.board import Board
from gextui.report.document import EXPOSURES, HOLDINGS, instant, strike_rows

COLUMNS = ("ticker", "source", "as_of", "spot", "strike", *EXPOSURES, *HOLDINGS)
_FORMULA = ("=", "+", "-", "@", "|")


def csv_text(boards: Sequence[Board]) -> str:
    """A header, then every strike of every board, ascending; a blank is missing."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for board in boards:
        start = [_text(board.ticker.symbol), _text(board.chain.source), instant(board.as_of), board.spot]
        writer.writerows([*start, *map(_number, row.values())] for row in strike_rows(board))
    return text.getvalue()


def _text(value: str) -> str:
    """A spreadsheet runs a cell that starts like a formula; a quote in front makes it text."""
    return f"'{value}" if value.startswith(_FORMULA) else value


def _number(value: object) -> object:
    return "" if value is None or (isinstance(value, float) and math.isnan(value)) else value
