"""The dashboard itself looks the same on the delta display as on stock Textual, view by view, key by key."""

from typing import Any

import pytest

from gextui.ui.actions import ACTIONS
from tests.ui.desk import MemoryDesk
from tests.ui.running import dashboard
from tests.ui.terminal.rig import running

VIEWS = [action.keys[0] for action in ACTIONS if action.id.startswith("view_")]
KEYS = [*VIEWS, "j", "j", "enter", "escape", "e", "escape", "question_mark", "escape", "tab", "k", "space", "f12"]


async def pictures(size: tuple[int, int], theme: str, keys: list[str], *, delta_display: bool) -> list[list[list[Any]]]:
    desk = MemoryDesk("BTC", "SPX")
    app = dashboard(desk, theme=theme, delta_display=delta_display)
    seen = []
    async with running(app, *size) as session:
        await session.settle()
        for number, key in enumerate(keys):
            if number % 4 == 1:
                desk.put(desk.tickers[0], shift=number * 1e-4)
                app.pull()
            await session.press(key)
            app.pull()  # as its timer does: titles follow a moment after their view
            await session.settle()
            seen.append(session.screen.cells())
        assert app.plain_display_reason == ("" if delta_display else "asked for")
    return seen


@pytest.mark.parametrize(
    ("size", "theme", "keys"),
    [((120, 36), "dark", KEYS), ((80, 24), "ansi", VIEWS[::2]), ((60, 20), "light", VIEWS[1::2])],
    ids=["dark", "ansi", "light"],
)
async def test_the_dashboard_looks_as_on_stock_textual(size: tuple[int, int], theme: str, keys: list[str]) -> None:
    stock = await pictures(size, theme, keys, delta_display=False)
    delta = await pictures(size, theme, keys, delta_display=True)
    for key, expected, shown in zip(keys, stock, delta, strict=True):
        assert shown == expected, f"after {key}"
    assert len({str(picture) for picture in stock}) >= len(keys) / 2
