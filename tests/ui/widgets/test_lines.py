"""Line views repaint what differs and nothing else."""

import pytest
from rich.style import Style
from textual.strip import Strip

from gextui.ui.format import Unit
from gextui.ui.widgets.lines import Line, LineView, line, text_of
from tests.ui.boards import strikes_board
from tests.ui.widgets.showing import painted_lines, showing


class Words(LineView):
    """A view that shows the words it was given."""

    def __init__(self, *words: str, ascii_only: bool = False) -> None:
        super().__init__(ascii_only=ascii_only)
        self.words = list(words)

    def compose_lines(self, width: int, height: int) -> list[Line]:
        return [line([(word, "value")], width) for word in self.words]


def _first_style(strip: Strip) -> Style:
    style = next(iter(strip)).style
    assert style is not None
    return style


def test_line_is_as_wide_as_asked_and_merges_equal_neighbours() -> None:
    assert line([("ab", "call"), ("c", "call"), ("d", "put")], 6) == (("abc", "call"), ("d", "put"), ("  ", ""))
    assert line([("abcdef", "call"), ("gh", "put")], 4) == (("abcd", "call"),)
    assert line([("a", ""), ("b", "put")], 4, "cursor") == (("a", "cursor"), ("b", "cursor put"), ("  ", "cursor"))
    assert line([], 3) == (("   ", ""),)


def test_line_counts_cells_not_characters() -> None:
    assert line([("日本", "call")], 5) == (("日本", "call"), (" ", ""))
    assert text_of([line([("日本日", "call")], 5)]) == ["日本 "]


async def test_only_lines_that_differ_are_painted(monkeypatch: pytest.MonkeyPatch) -> None:
    view = Words(*"abcdefgh")
    async with showing(view, (20, 8)) as pilot:
        await pilot.pause()
        painted = painted_lines(monkeypatch)
        view.words = list("aXcdefYZ")
        view.redraw()
        await pilot.pause()
        assert sorted(painted) == [1, 6, 7]
        painted.clear()
        view.redraw()
        await pilot.pause()
        assert painted == []


async def test_lines_that_vanish_are_painted_over(monkeypatch: pytest.MonkeyPatch) -> None:
    view = Words(*"abcd")
    async with showing(view, (20, 8)) as pilot:
        await pilot.pause()
        painted = painted_lines(monkeypatch)
        view.words = ["a"]
        view.redraw()
        await pilot.pause()
        assert sorted(painted) == [1, 2, 3]
        assert view.render_line(2).text == " " * 20


async def test_an_unchanged_line_is_the_same_strip() -> None:
    view = Words("a", "b")
    async with showing(view, (20, 8)) as pilot:
        await pilot.pause()
        before = view.render_line(0)
        view.words = ["a", "c"]
        view.redraw()
        assert view.render_line(0) is before
        view.words = ["c", "a"]
        view.redraw()
        assert view.render_line(1) is before


async def test_equal_styles_make_one_segment() -> None:
    class Twice(LineView):
        def compose_lines(self, width: int, height: int) -> list[Line]:
            return [line([("a", "dim"), ("b", "grid"), ("c", "call")], width)]

    view = Twice()
    async with showing(view, (20, 2)) as pilot:
        await pilot.pause()
        assert [segment.text.rstrip() for segment in view.render_line(0)] == ["ab", "c", ""]


async def test_a_theme_repaints_in_its_colours() -> None:
    view = Words("a")
    async with showing(view, (20, 2)) as pilot:
        await pilot.pause()
        dark = view.render_line(0)
        pilot.app.theme = "light"
        await pilot.pause()
        light = view.render_line(0)
        assert light.text == dark.text
        assert _first_style(light) != _first_style(dark)


async def test_stale_dims_every_line() -> None:
    view = Words("a", "b")
    async with showing(view, (20, 2)) as pilot:
        await pilot.pause()
        view.redraw(stale=True)
        colours = [_first_style(view.render_line(y)).color for y in range(2)]
        assert colours == [view.style_named("stale").color] * 2


async def test_a_cursor_keeps_its_background_under_other_colours() -> None:
    view = Words("a")
    async with showing(view) as pilot:
        await pilot.pause()
        both = view.style_named("cursor call")
        assert both.bgcolor == view.style_named("cursor").bgcolor
        assert both.color == view.style_named("call").color


async def test_a_cursor_that_reverses_leaves_graphs_alone() -> None:
    view = Words("a")
    async with showing(view, theme="ansi") as pilot:
        await pilot.pause()
        assert view.style_named("cursor call").reverse
        assert not view.style_named("cursor call graph").reverse
        assert view.style_named("cursor put graph reversed").reverse


async def test_plain_glyphs_keep_every_cell_in_place() -> None:
    class Glyphs(LineView):
        def compose_lines(self, width: int, height: int) -> list[Line]:
            return [
                line([("γ±│ ", "value"), ("▍", "put graph reversed"), ("██▌▎", "put graph"), ("▸", "value")], width)
            ]

    view = Glyphs(ascii_only=True)
    async with showing(view, (12, 2)) as pilot:
        await pilot.pause()
        strip = view.render_line(0)
        assert strip.text == "g~| ####" + " >" + "  "
        assert strip.text.isascii()
        assert not any(isinstance(segment.style, Style) and segment.style.reverse for segment in strip)


async def test_words_too_long_for_a_line_are_wrapped_in_the_middle() -> None:
    view = Words()
    async with showing(view, (20, 8)):
        lines = text_of(view.centred("no open interest yet in this chain", 20, 8))
        assert [text.strip() for text in lines] == ["", "", "no open interest", "yet in this", "chain"]
        assert all(len(text) == 20 for text in lines)


async def test_a_view_without_a_size_draws_nothing() -> None:
    view = Words("a")
    view.redraw()
    assert view.lines == ()
    with pytest.raises(NotImplementedError):
        LineView().compose_lines(1, 1)
    with pytest.raises(NotImplementedError):
        view.show(strikes_board([90, 100, 110], spot=101), unit=Unit.PERCENT_MOVE)
