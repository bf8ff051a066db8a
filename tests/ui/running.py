"""Runs the dashboard without a terminal and reads what it shows."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from textual.pilot import Pilot

from gextui.ui.app import GextuiApp
from gextui.ui.terminal.capabilities import Capabilities, detect
from tests.ui.desk import NOW, MemoryDesk

SIZES = [(120, 36), (80, 24), (60, 20)]
TRUECOLOUR = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}


def terminal(**environment: str) -> Capabilities:
    """What a terminal with this environment can do."""
    return detect({**TRUECOLOUR, **environment})


def dashboard(desk: MemoryDesk | None = None, **options: Any) -> GextuiApp:
    """The app on fixed boards, in a terminal that is always the same."""
    given: dict[str, Any] = {"capabilities": terminal(), "theme": "dark", "now": lambda: NOW} | options
    return GextuiApp(desk or MemoryDesk(), **given)


@asynccontextmanager
async def running(
    desk: MemoryDesk | None = None, size: tuple[int, int] = (120, 36), **options: Any
) -> AsyncIterator[tuple[GextuiApp, Pilot[None]]]:
    """The app, running, its first board painted."""
    app = dashboard(desk, **options)
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        yield app, pilot


def shown(app: GextuiApp) -> list[str]:
    """The lines of the topmost screen, as text."""
    return [strip.text for strip in app.screen._compositor.render_strips()]


def text_shown(app: GextuiApp) -> str:
    """The same as one text."""
    return "\n".join(shown(app))


async def settled(pilot: Pilot[None]) -> str:
    """What is shown once the app has pulled again, as its timer does four times a second."""
    app = pilot.app
    assert isinstance(app, GextuiApp)
    await pilot.pause()
    app.pull()
    await pilot.pause()
    return text_shown(app)
