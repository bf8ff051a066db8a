"""Charts: a canvas follows the theme at once, in the colours of the new one."""

import pytest
from rich.style import Style
from textual.pilot import Pilot

from gextui.ui.format import Unit
from gextui.ui.widgets.plot_view import PlotView
from gextui.ui.widgets.profile import Profile
from gextui.ui.widgets.smile import Smile
from gextui.ui.widgets.term import Term
from tests.ui.boards import DAY
from tests.ui.widgets.showing import showing
from tests.ui.widgets.test_smile import skewed


def painted(pilot: Pilot[None]) -> list[tuple[str, Style | None]]:
    """Every piece of the screen with its style."""
    return [(piece.text, piece.style) for strip in pilot.app.screen._compositor.render_strips() for piece in strip]


@pytest.mark.parametrize("make", [Profile, Smile, Term])
async def test_the_same_board_is_in_the_colours_of_another_theme(make: type[PlotView]) -> None:
    board = skewed(7 * DAY, 30 * DAY)
    screens = []
    for theme in ("dark", "light"):
        view = make()
        async with showing(view, (80, 24), theme) as pilot:
            view.show(board, unit=Unit.PERCENT_MOVE)
            await pilot.pause()
            pilot.app.theme = "light"
            await pilot.pause()
            screens.append(painted(pilot))
    assert screens[0] == screens[1]
