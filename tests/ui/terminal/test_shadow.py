"""Cells from what widgets draw: as wide as Rich says, and never a control character."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.color import ColorSystem
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.strip import Strip

from gextui.ui.terminal.encoder import PLAIN, Pen
from gextui.ui.terminal.filters import AsciiOnly, WithoutColour, to_ascii
from gextui.ui.terminal.shadow import Shadow, cells_of

BLACK = Color(0, 0, 0)


def cells(text: str) -> list[str]:
    return cells_of([Segment(text)], ColorSystem.TRUECOLOR).characters


def test_wide_characters_take_two_cells_and_marks_none() -> None:
    assert cells("a漢e\u0301b") == ["a", "漢", "", "e\u0301", "b"]
    assert cells("█▌─╮γ±–") == list("█▌─╮γ±–")


def test_a_mark_on_nothing_and_control_characters_have_no_cell() -> None:
    assert cells("\u0301ab") == ["a", "b"]
    assert cells("a\x1b]52;c;eA==\x07\x9b2J\rb\n\tc\x7f") == list("a]52;c;eA==2Jbc")
    assert cells("a\ud800b") == ["a", "\ufffd", "b"]


@given(st.text())
def test_any_text_takes_the_cells_that_layout_has_given_it(text: str) -> None:
    found = cells(text)
    safe = "".join("\ufffd" if unicodedata.category(c) == "Cs" else c for c in text if unicodedata.category(c) != "Cc")
    assert len(found) == cell_len(safe)
    assert not {unicodedata.category(c) for c in "".join(found)} & {"Cc", "Cs"}


def test_pens_follow_the_style_and_the_colours_there_are() -> None:
    style = Style.parse("bold dim #ff0000 on default link https://x.example")
    (pen,) = cells_of([Segment("a", style)], ColorSystem.TRUECOLOR).pens
    assert pen == Pen(("1", "2"), "38;2;255;0;0", "", f"id={style.link_id};https://x.example")
    (pen,) = cells_of([Segment("a", Style.parse("#ff0000 on #000000"))], ColorSystem.STANDARD).pens
    assert pen == Pen((), "31", "40")
    assert cells_of([Segment("ab", None)], ColorSystem.STANDARD).pens == [PLAIN, PLAIN]


def test_without_colour_a_style_keeps_its_marks_and_its_meaning() -> None:
    style = Style.parse("bold dim red on blue") + Style.from_meta({"@click": "app.quit"})
    (segment,) = WithoutColour().apply([Segment("a", style)], BLACK)
    assert segment.style is not None
    assert (segment.style.color, segment.style.bgcolor) == (None, None)
    assert (segment.style.bold, segment.style.dim) == (True, True)
    assert segment.style.meta == {"@click": "app.quit"}
    assert WithoutColour().apply([Segment("a", None)], BLACK) == [Segment("a", None)]


def test_ascii_looks_alike_and_fills_as_many_cells() -> None:
    assert to_ascii("╭─ Net ±1.2 γ–▐█▌ ░ ⣿╯") == "+- Net ~1.2 g-##| : *+"
    assert to_ascii("漢字 ok") == "???? ok"
    assert AsciiOnly().apply([Segment("│1", None)], BLACK) == [Segment("|1", None)]


@given(st.text())
def test_any_text_becomes_ascii_of_the_same_width(text: str) -> None:
    simple = "".join(c for c in text if c not in "\u200d\ufe0f" and unicodedata.category(c) not in ("Cc", "Cs"))
    converted = to_ascii(simple)
    assert converted.isascii()
    assert cell_len(converted) == cell_len(simple)


def test_overwriting_half_a_wide_character_blanks_the_other() -> None:
    shadow = Shadow()
    shadow.paint_screen([[Strip([Segment("漢字漢")])]], 6, ColorSystem.TRUECOLOR)
    assert shadow.take_difference() == "\x1b[1H漢字漢"
    shadow.paint_spans([{0: None, 1: Strip([Segment("xy")])}], [[1, 3]], [(0, 1, 3)], ColorSystem.TRUECOLOR)
    assert shadow.take_difference() == "\x1b[1H xy "


def test_only_the_part_that_textual_would_write_is_taken() -> None:
    shadow = Shadow()
    shadow.paint_screen([[Strip([Segment("abcdefgh")])]], 8, ColorSystem.TRUECOLOR)
    shadow.take_difference()
    left, right = Strip([Segment("ABCD")]), Strip([Segment("EFGH")])
    # From a part's own start, as its renderer does not crop there, up to the end of the span.
    shadow.paint_spans([{0: left, 4: right}], [[4, 8]], [(0, 2, 6)], ColorSystem.TRUECOLOR)
    assert shadow.take_difference() == "\x1b[1HABCDEF"


def test_what_reaches_beyond_the_screen_is_cut() -> None:
    shadow = Shadow()
    shadow.paint_screen([[Strip([Segment("abcdef")])]], 4, ColorSystem.TRUECOLOR)
    assert shadow.size == (4, 1)
    assert shadow.take_difference() == "\x1b[1Habcd"


def test_a_row_painted_alike_is_not_even_compared() -> None:
    shadow = Shadow()
    for _ in range(2):
        shadow.paint_screen([[Strip([Segment("ab")])], [Strip([Segment("cd")])]], 2, ColorSystem.TRUECOLOR)
        rows = list(shadow._target)
        shadow.take_difference()
    assert all(now is before for now, before in zip(shadow._target, rows, strict=True))
    assert shadow.take_difference() == ""
    shadow.forget()
    assert shadow.take_difference() == "\x1b[1Hab\r\ncd"
