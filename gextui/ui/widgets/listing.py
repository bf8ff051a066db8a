"""Listing: which rows of a table are in view, and where the cursor is, while rows come, go and change places."""

from typing import Generic, Protocol, TypeVar

Key = TypeVar("Key")


class Keyed(Protocol[Key]):
    """Rows in their order, each with a key of its own that it keeps."""

    @property
    def line(self) -> int | None:
        """Before which row a line stands that the view follows until there is a cursor; None for no such line."""
        ...

    def __len__(self) -> int: ...

    def key(self, row: int) -> Key:
        """The row's key."""
        ...

    def find(self, key: Key) -> int:
        """The row of a key, or the one that comes nearest to it; there must be a row."""
        ...


class Listing(Generic[Key]):
    """The cursor stays on its row and where it is on the screen; without one the view follows the line, or the top."""

    def __init__(self) -> None:
        self.cursor: Key | None = None
        self._rows: Keyed[Key] | None = None
        self._height = 0
        self._top = 0
        self._offset = 0
        """Lines from the top of the view to the cursor."""
        self._anchor: Key | None = None
        """The first row in view."""

    def fit(self, rows: Keyed[Key], height: int) -> None:
        """Take in the rows there are and the lines there is room for."""
        self._rows, self._height = rows, max(height, 0)
        cursor = self.cursor_row
        if not len(rows):
            self._top = 0
            return
        if cursor is not None:
            self._offset = max(0, min(self._offset, self._height - 1))
            top = self._position(cursor) - self._offset
        elif rows.line is None:
            top = 0
        else:
            middle = self._height // 2
            top = rows.line - middle if self._anchor is None else self._position(rows.find(self._anchor))
            if abs(rows.line - top - middle) > max(1, self._height // 6):
                top = rows.line - middle
        self._top = self._clamp(top)
        if cursor is not None:
            self._offset = self._position(cursor) - self._top
        first = next((row for row in self.visible() if row is not None), None)
        self._anchor = None if first is None else rows.key(first)

    @property
    def cursor_row(self) -> int | None:
        """The row under the cursor."""
        rows = self._rows
        return None if self.cursor is None or rows is None or not len(rows) else rows.find(self.cursor)

    def visible(self) -> list[int | None]:
        """The rows in view from the top; None stands for the line."""
        rows = self._rows
        if rows is None or not len(rows):
            return []
        line = rows.line
        positions = range(self._top, min(self._top + self._height, self._count))
        return [at if line is None or at < line else None if at == line else at - 1 for at in positions]

    @property
    def _count(self) -> int:
        rows = self._rows
        return 0 if rows is None or not len(rows) else len(rows) + (rows.line is not None)

    def _position(self, row: int) -> int:
        """Where a row is, the line counted."""
        line = None if self._rows is None else self._rows.line
        return row + (line is not None and row >= line)

    def _clamp(self, top: int) -> int:
        return max(0, min(top, self._count - self._height))

    def move(self, rows: int) -> None:
        """Move the cursor down (positive) or up; the first step leaves from the line, or from the top."""
        row = self.cursor_row
        if row is not None:
            self._put(row + rows)
        elif self._rows is not None:
            line = self._rows.line
            self._put((0 if line is None else line) + rows - (rows > 0))

    def page(self, direction: int) -> None:
        """Move the cursor by a page; once it is there, the view moves with it."""
        step = direction * max(self._height - 2, 1)
        row = self.cursor_row
        if row is None:
            self.move(step)
        elif self._rows is not None and len(self._rows):
            self.cursor = self._rows.key(max(0, min(row + step, len(self._rows) - 1)))

    def go_to(self, key: Key) -> bool:
        """Put the cursor on that row, or the one nearest to it; False where there are none."""
        rows = self._rows
        if rows is None or not len(rows):
            return False
        row = rows.find(key)
        in_view = row in self.visible()
        self._put(row)
        if not in_view:
            self._offset = self._height // 2
        return True

    def recentre(self) -> None:
        """Drop the cursor."""
        self.cursor = self._anchor = None

    def _put(self, row: int) -> None:
        rows = self._rows
        if rows is None or not len(rows):
            return
        row = max(0, min(row, len(rows) - 1))
        self.cursor = rows.key(row)
        self._offset = max(0, min(self._position(row) - self._top, self._height - 1))
