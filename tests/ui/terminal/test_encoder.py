"""Bytes for the difference between two screens: replayed in an emulator they give the second screen, and are few."""

import unicodedata

import pyte
from hypothesis import given, settings
from hypothesis import strategies as st

from gextui.ui.terminal.encoder import PLAIN, Pen, Row, encode, pen_change
from tests.ui.terminal.pty_harness import Screen

RED = Pen.parse("31")
PENS = [
    PLAIN,
    RED,
    *map(Pen.parse, ("1;38;2;10;20;30;48;2;0;0;0", "2;38;5;40", "7", "4;91;104", "1;2;3;4;9", "48;2;0;0;0", "39;49")),
]
CHARACTERS = ["a", "b", "7", " ", " ", "█", "│", "漢", "字", "e\u0301", "–"]


def row(text: str, pen: Pen = PLAIN) -> Row:
    return Row(list(text), [pen] * len(text))


@st.composite
def frames(draw: st.DrawFn) -> list[list[Row]]:
    """A few screens of one size, each made of the one before by changing some cells."""
    width, height = draw(st.integers(1, 24)), draw(st.integers(1, 4))
    screens = [[row(" " * width)] * height]
    for _ in range(draw(st.integers(1, 4))):
        rows = [Row(list(characters), list(pens)) for characters, pens in screens[-1]]
        for _ in range(draw(st.integers(0, 12))):
            target = rows[draw(st.integers(0, height - 1))]
            start = draw(st.integers(0, width - 1))
            pen = draw(st.sampled_from(PENS))
            put(target, start, draw(st.lists(st.sampled_from(CHARACTERS), min_size=1, max_size=8)), pen)
        screens.append([old if old == new else new for old, new in zip(screens[-1], rows, strict=True)])
    return screens


def put(target: Row, column: int, characters: list[str], pen: Pen) -> None:
    """Write as a terminal does: what loses half of itself becomes blank."""
    for character in characters:
        wide = unicodedata.east_asian_width(character[0]) == "W"
        if column + wide >= len(target.characters):
            return
        for cell, content in zip(range(column, column + 2), (character, "") if wide else (character,), strict=False):
            if target.characters[cell] == "":
                target.characters[cell - 1] = " "
            if target.characters[cell + 1 : cell + 2] == [""]:
                target.characters[cell + 1] = " "
            target.characters[cell], target.pens[cell] = content, pen
        column += 1 + wide


def shown(frame: list[Row]) -> list[list[object]]:
    """What an emulator shows when every cell is written on its own."""
    screen = Screen(len(frame[0].characters), len(frame))
    stream = pyte.Stream(screen)
    stream.feed("\x1b[?7l")
    for number, (characters, pens) in enumerate(frame):
        for column, (character, pen) in enumerate(zip(characters, pens, strict=True)):
            if character:
                codes = ";".join(code for code in ("0", *pen.attributes, pen.foreground, pen.background) if code)
                stream.feed(f"\x1b[{number + 1};{column + 1}H\x1b[{codes}m{character}")
    return screen.cells()


@settings(deadline=None, max_examples=150)
@given(frames())
def test_replayed_differences_give_every_frame(screens: list[list[Row]]) -> None:
    first = screens[0]
    screen = Screen(len(first[0].characters), len(first))
    stream = pyte.Stream(screen)
    stream.feed("\x1b[?7l\x1b[7m" + "\r\n".join("Z" * screen.columns for _ in first) + "\x1b[0m")
    before: list[Row | None] = [None] * len(first)
    for frame in screens:
        stream.feed(encode(before, frame))
        assert screen.cells() == shown(frame)
        assert screen.cursor.attrs == screen.default_char
        assert encode(frame, frame) == ""
        assert encode([Row(list(line.characters), list(line.pens)) for line in frame], frame) == ""
        before = list(frame)


@settings(deadline=None, max_examples=100)
@given(st.sampled_from(PENS), st.sampled_from(PENS))
def test_a_pen_change_leads_from_any_pen_to_any_other(old: Pen, new: Pen) -> None:
    screen = Screen(4, 1)
    pyte.Stream(screen).feed(pen_change(PLAIN, old) + "a" + pen_change(old, new) + "b" + pen_change(new, PLAIN) + "c")
    assert screen.cells() == shown([Row(list("abc "), [old, new, PLAIN, PLAIN])])


def test_only_what_changed_is_written() -> None:
    before, after = row("price 98,412.5 BTC"), row("price 98,413.5 BTC")
    assert encode([row("title"), before], [row("title"), after]) == "\x1b[2;12H3"


def test_a_short_gap_is_written_over_and_a_long_one_jumped() -> None:
    assert encode([row("1-2-----3")], [row("4-5-----6")]) == "\x1b[1H4-5\x1b[5C6"


def test_a_gap_in_another_pen_is_jumped() -> None:
    before = Row(list("1-2"), [PLAIN, RED, PLAIN])
    assert encode([before], [Row(list("4-5"), before.pens)]) == "\x1b[1H4\x1b[C5"


def test_neighbouring_runs_of_one_pen_share_its_sequence() -> None:
    before = [row("aaaaaaaaaaaaaaaa", RED), row("bb", RED)]
    after = [row("xaaaaaaaaaaaaaax", RED), row("xb", RED)]
    assert encode(before, after) == "\x1b[1H\x1b[31mx\x1b[14Cx\r\nx\x1b[m"


def test_the_cursor_goes_down_and_back_where_that_is_shorter() -> None:
    before, after = row("." * 40), row("." * 30 + "ab" + "." * 8)
    assert encode([before, before], [after, after]) == "\x1b[1;31Hab\x1b[B\b\bab"


def test_blank_ends_of_lines_are_erased_with_a_plain_pen_alone() -> None:
    assert encode([None], [row("ab" + " " * 30)]) == "\x1b[1Hab\x1b[K"
    ground = Pen.parse("44")
    assert encode([None], [row("ab" + " " * 8, ground)]) == "\x1b[1H\x1b[44mab" + " " * 8 + "\x1b[m"


def test_after_a_cluster_the_cursor_is_placed_anew() -> None:
    before, after = row("abcd"), Row(["a", "e\u0301", "x", "d"], [PLAIN] * 4)
    assert encode([before], [after]) == "\x1b[1;2He\u0301\x1b[1;3Hx"


def test_pens_are_read_from_the_parameters_textual_writes() -> None:
    assert Pen.parse("1;4;38;2;1;2;3;48;5;17") == Pen(("1", "4"), "38;2;1;2;3", "48;5;17")
    assert Pen.parse("39;49") == Pen.parse("") == PLAIN
    assert Pen.parse("21;91;107") == Pen(("21",), "91", "107")


def test_a_pen_change_says_only_what_differs() -> None:
    dark = Pen.parse("38;2;1;2;3;48;2;4;5;6")
    assert pen_change(dark, dark._replace(foreground="38;2;9;9;9")) == "\x1b[38;2;9;9;9m"
    assert pen_change(dark, dark._replace(attributes=("1",))) == "\x1b[1m"
    assert pen_change(dark._replace(attributes=("1",)), dark) == "\x1b[22m"
    assert pen_change(dark._replace(attributes=("1", "2")), dark._replace(attributes=("2", "4"))) == "\x1b[22;2;4m"
    assert pen_change(dark._replace(attributes=("1", "7")), Pen.parse("31")) == "\x1b[0;31m"
    assert pen_change(dark, dark._replace(foreground="")) == "\x1b[39m"
    assert pen_change(dark, PLAIN) == "\x1b[m"


def test_links_open_and_close_around_their_cells() -> None:
    linked = PLAIN._replace(link="id=1;https://x.example")
    frame = Row(list("abc"), [PLAIN, linked, PLAIN])
    assert encode([None], [frame]) == "\x1b[1Ha\x1b]8;id=1;https://x.example\x1b\\b\x1b]8;;\x1b\\c"
