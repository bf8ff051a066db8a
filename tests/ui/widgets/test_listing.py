"""Rows in view: the cursor keeps its row and its place on the screen while rows come, go and change places."""

from dataclasses import dataclass

import pytest

from gextui.ui.widgets.listing import Listing


@dataclass
class Letters:
    """Rows named by letters, in any order."""

    letters: str
    line: int | None = None

    def __len__(self) -> int:
        return len(self.letters)

    def key(self, row: int) -> str:
        return self.letters[row]

    def find(self, key: str) -> int:
        return min(range(len(self.letters)), key=lambda row: abs(ord(self.letters[row]) - ord(key)))


def seen(listing: Listing[str], rows: Letters) -> str:
    return "".join("-" if row is None else rows.letters[row] for row in listing.visible())


def test_without_a_cursor_the_line_is_in_the_middle_or_the_top_is_shown() -> None:
    listing: Listing[str] = Listing()
    rows = Letters("abcdefghij", line=5)
    listing.fit(rows, 5)
    assert seen(listing, rows) == "de-fg"
    listing.fit(Letters("abcdefghij"), 5)
    assert listing.visible() == [0, 1, 2, 3, 4]


def test_the_view_stands_still_while_the_line_stays_near_the_middle() -> None:
    listing: Listing[str] = Listing()
    listing.fit(Letters("abcdefghijklmnop", line=8), 9)
    for line, first in ((9, "e"), (7, "e"), (10, "g")):
        rows = Letters("abcdefghijklmnop", line=line)
        listing.fit(rows, 9)
        assert seen(listing, rows)[0] == first


def test_the_first_step_leaves_from_the_line_or_the_top() -> None:
    for step, under in ((1, "f"), (-1, "e"), (3, "h")):
        listing: Listing[str] = Listing()
        listing.fit(Letters("abcdefghij", line=5), 5)
        listing.move(step)
        assert listing.cursor == under
    listing = Listing()
    listing.fit(Letters("abcdefghij"), 5)
    listing.move(1)
    assert listing.cursor == "a"


def test_the_cursor_stays_on_its_key_and_its_line_of_the_screen() -> None:
    listing: Listing[str] = Listing()
    rows = Letters("abcdefghij")
    listing.fit(rows, 4)
    for _ in range(6):
        listing.move(1)
        listing.fit(rows, 4)
    assert seen(listing, rows) == "cdef"
    turned = Letters("fjabcdeghi")
    listing.fit(turned, 4)
    assert turned.letters[listing.cursor_row or 0] == "f"
    longer = Letters("xyzabcdefghij")
    listing.fit(longer, 4)
    assert seen(listing, longer) == "fghi"


def test_a_row_that_is_gone_gives_way_to_the_nearest_and_comes_back() -> None:
    listing: Listing[str] = Listing()
    listing.fit(Letters("abcde"), 5)
    listing.go_to("d")
    listing.fit(Letters("abe"), 5)
    assert listing.cursor_row == 2
    listing.fit(Letters("abcde"), 5)
    assert listing.cursor_row == 3


def test_a_page_moves_the_view_with_the_cursor() -> None:
    listing: Listing[str] = Listing()
    rows = Letters("abcdefghijklmnopqrst")
    listing.fit(rows, 6)
    listing.move(2)
    listing.fit(rows, 6)
    listing.page(1)
    listing.fit(rows, 6)
    assert (listing.cursor, seen(listing, rows)) == ("f", "efghij")
    for _ in range(9):
        listing.page(1)
        listing.fit(rows, 6)
    assert (listing.cursor, seen(listing, rows)) == ("t", "opqrst")
    listing.page(-1)
    listing.fit(rows, 6)
    assert listing.cursor == "p"


def test_what_is_gone_to_is_in_the_middle_unless_it_is_in_view() -> None:
    listing: Listing[str] = Listing()
    rows = Letters("abcdefghijklmnopqrst")
    listing.fit(rows, 5)
    assert listing.go_to("c")
    listing.fit(rows, 5)
    assert seen(listing, rows) == "abcde"
    listing.go_to("m")
    listing.fit(rows, 5)
    assert seen(listing, rows) == "klmno"
    listing.recentre()
    listing.fit(rows, 5)
    assert listing.cursor_row is None
    assert seen(listing, rows) == "abcde"


@pytest.mark.parametrize("height", [0, 1, 3])
def test_no_rows_and_no_room(height: int) -> None:
    listing: Listing[str] = Listing()
    assert listing.visible() == []
    listing.move(1)
    listing.page(1)
    assert not listing.go_to("a")
    listing.fit(Letters("", line=0), height)
    assert listing.visible() == []
    listing.move(1)
    listing.page(-1)
    assert listing.cursor_row is None
    listing.fit(Letters("abc", line=1), height)
    listing.move(2)
    listing.fit(Letters("abc", line=1), height)
    assert len(listing.visible()) == height
