"""The delta display shows exactly what stock Textual would, cell by cell."""

import pytest

from tests.ui.terminal.apps import APPS
from tests.ui.terminal.rig import running

SCRIPTS = [
    ("Grid", (100, 45), "n n a n i n"),
    ("Grid", (60, 20), "n 40x10 n 100x45 n 60x20 a"),
    ("Table", (80, 24), "n down down n pagedown right right n s n plus end c plus 50x12 n"),
    ("Scrolls", (61, 21), "down down pagedown right right right t down left up 33x11 right 80x24 down t"),
    ("Modal", (80, 24), "n m escape o n m n escape slash B T C left X escape n 44x12 m n"),
    ("Styles", (80, 24), "n n t n n t n 31x9 n"),
]


async def _screens(name: str, size: tuple[int, int], script: str, *, plain_display: bool) -> list[list[list[object]]]:
    screens = []
    async with running(APPS[name], *size, plain_display=plain_display) as session:
        await session.settle()
        screens.append(session.screen.cells())
        for step in script.split():
            if "x" in step and step[0].isdigit():
                columns, rows = map(int, step.split("x"))
                await session.resize(columns, rows)
            else:
                await session.press(step)
            screens.append(session.screen.cells())
        assert session.app.plain_display_reason == ("asked for" if plain_display else "")
    return screens


@pytest.mark.parametrize(("name", "size", "script"), SCRIPTS)
async def test_shows_what_stock_textual_shows(name: str, size: tuple[int, int], script: str) -> None:
    stock = await _screens(name, size, script, plain_display=True)
    delta = await _screens(name, size, script, plain_display=False)
    for step, before, after in zip(["start", *script.split()], stock, delta, strict=True):
        assert after == before, f"after {step}"
