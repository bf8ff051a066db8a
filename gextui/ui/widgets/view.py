"""BoardView: what the app asks of every view of a board."""

from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

from textual.widget import Widget

from gextui.exposure.board import Board
from gextui.ui.format import Unit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gextui.exposure.explain import Explanation
    from gextui.exposure.series import Series
    from gextui.market.ticker import Ticker
    from gextui.ui.scene import Standing


class BoardView(Widget):
    """One view of the ticker's board. The app calls it; it never asks the desk, posts no message and owns no timer.

    A view paints through the component classes below, so that themes reach every cell. Their styles change with the
    theme: read them when drawing, and forget cached strips in ``notify_style_update``.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "board--call",
        "board--put",
        "board--spot",
        "board--zero",
        "board--pain",
        "board--move",
        "board--call-wall",
        "board--put-wall",
        "board--rank",
        "board--heading",
        "board--label",
        "board--value",
        "board--dim",
        "board--grid",
        "board--cursor",
        "board--chosen",
        "board--stale",
        "board--warning",
    }

    DEFAULT_CSS = """
    BoardView {
        width: 1fr;
        height: 1fr;
        background: $background;
        color: $value;
        .board--call { color: $call; }
        .board--put { color: $put; }
        .board--spot { color: $spot; text-style: bold; }
        .board--zero { color: $zero; text-style: bold; }
        .board--pain { color: $pain; }
        .board--move { color: $move; }
        .board--call-wall { color: $call; text-style: bold; }
        .board--put-wall { color: $put; text-style: bold; }
        .board--rank { color: $muted; text-style: $muted-style; }
        .board--heading { color: $heading; text-style: bold; }
        .board--label { color: $muted; text-style: $muted-style; }
        .board--value { color: $value; }
        .board--dim { color: $faint; text-style: $faint-style; }
        .board--grid { color: $faint; text-style: $faint-style; }
        .board--cursor { color: $value; background: $cursor; text-style: $cursor-style; }
        .board--chosen { color: $chosen-text; background: $chosen; text-style: $chosen-style; }
        .board--stale { color: $stale; text-style: $stale-style; }
        .board--warning { color: $caution; text-style: bold; }
    }
    """

    TABLE: ClassVar[bool] = False
    """Whether its columns are worth more than levels beside it, where there is not room for both."""

    EITHER_AXIS: ClassVar[bool] = False
    """Whether a coin ETF's prices are drawn on the axis chosen; else always as they are listed."""

    clock: float | None = None
    """The time to the minute, epoch seconds, where it is later than the board's own; set before `show`."""

    def time_of(self, board: Board) -> float:
        """The instant from which time left is told, epoch seconds: quotes may be older than the clock."""
        as_of = board.chain.as_of_seconds
        return as_of if self.clock is None else max(as_of, self.clock)

    def show(self, board: Board, *, unit: Unit, stale: bool = False) -> None:
        """Show this board, GEX in this unit; repaint only lines that differ. ``stale`` dims every value."""
        raise NotImplementedError

    @property
    def span(self) -> timedelta | None:
        """How much of the past the view draws beside the board; None for one that draws no past."""
        return None

    def show_series(self, series: "Series | None") -> None:
        """Show these levels over `span`, of the ticker shown; None while they are being fetched."""

    def show_many(self, standings: "Sequence[Standing]", chosen: "Ticker", *, unit: Unit) -> None:
        """Show every ticker, ``chosen`` under the cursor; in place of `show`, in the view of many alone."""

    def chosen_ticker(self) -> "Ticker | None":
        """The ticker under the cursor; None where rows are no tickers."""
        return None

    @property
    def heading(self) -> str:
        """What is drawn, in plain words, for the frame around the view: ``GEX by strike``."""
        return ""

    def selected_strike(self) -> float | None:
        """The strike under the cursor; None while the view follows spot."""
        return None

    def explanation(self) -> "Explanation | None":
        """What Enter explains: the number under the cursor; None when there is none."""
        return None

    def move(self, rows: int) -> None:
        """Move the cursor down (positive) or up by so many rows."""

    def shift(self, columns: int) -> None:
        """Move sideways: the expiries of a heat map, the columns of a chain."""

    def turn(self, steps: int) -> None:
        """Show a later expiry (positive) or an earlier one."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The ids of the columns that were chosen; empty where the view's own choice is shown."""
        return ()

    def choose_columns(self, ids: "Sequence[str]") -> None:
        """Show these columns; none of them stands for the view's own choice."""

    def table_lines(self) -> "Iterator[str]":
        """The whole table as lines of tab-separated text, the columns' names first; none where there is no table."""
        return iter(())

    def page(self, direction: int) -> None:
        """Move the cursor a page down (1) or up (-1)."""

    def zoom(self, step: int) -> None:
        """Show fewer rows a price (1, in) or more (-1, out)."""

    @property
    def zoom_level(self) -> int:
        """Steps zoomed in (positive) or out of the view's own choice; 0 at the start. What `zoom` added up to."""
        return 0

    def once_more(self) -> None:
        """Show what the view's key leads to where it is shown already."""

    def alternate(self) -> None:
        """Show the next variant of the view: a chain's both sides, calls alone, puts alone."""

    def sort(self) -> None:
        """Sort the rows by the column under the cursor; once more, the other way round."""

    def recentre(self) -> None:
        """Put spot in the middle and let the view follow it again."""

    def go_to(self, strike: float) -> bool:
        """Put the cursor on the listed strike nearest this price; False when nothing is listed."""
        return False
