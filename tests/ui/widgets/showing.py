"""One view in an app of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual.app import ComposeResult
from textual.pilot import Pilot
from textual.strip import Strip

from gextui.ui.themes import ThemedApp
from gextui.ui.widgets.lines import LineView, text_of
from gextui.ui.widgets.view import BoardView


class OneView(ThemedApp):
    """Nothing but the view."""

    def __init__(self, view: BoardView, theme: str = "dark") -> None:
        super().__init__(theme=theme)
        self.view = view

    def compose(self) -> ComposeResult:
        yield self.view


@asynccontextmanager
async def showing(view: BoardView, size: tuple[int, int] = (82, 33), theme: str = "dark") -> AsyncIterator[Pilot[None]]:
    """The view mounted at that size."""
    async with OneView(view, theme).run_test(size=size) as pilot:
        yield pilot


def seen(view: LineView) -> list[str]:
    """What the view's lines say, without the blanks at their ends."""
    return [text.rstrip() for text in text_of(view.lines)]


def painted_lines(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A list that grows by the number of every line that a view is asked for from now on."""
    lines: list[int] = []
    render_line = LineView.render_line

    def counting(self: LineView, y: int) -> Strip:
        lines.append(y)
        return render_line(self, y)

    monkeypatch.setattr(LineView, "render_line", counting)
    return lines


def screen_text(pilot: Pilot[None]) -> list[str]:
    """The whole screen, row by row."""
    return [strip.text.rstrip() for strip in pilot.app.screen._compositor.render_strips()]


def counted(monkeypatch: pytest.MonkeyPatch, owner: type, name: str) -> list[int]:
    """A list that grows by one with every call of that method from now on."""
    calls: list[int] = []
    method = getattr(owner, name)

    def counting(*given: object, **named: object) -> object:
        calls.append(1)
        return method(*given, **named)

    monkeypatch.setattr(owner, name, counting)
    return calls
