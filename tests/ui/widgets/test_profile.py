"""The gamma profile: what is marked, and that the same board is drawn once."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from rich.color import Color

from gextui.exposure.board import Board
from gextui.exposure.curve import GammaCurve
from gextui.ui.format import Unit
from gextui.ui.widgets.plot import Plot, plot_colour, round_ticks
from gextui.ui.widgets.profile import Profile
from tests.ui.boards import strikes_board, with_levels
from tests.ui.widgets.showing import screen_text, showing

STRIKES = [float(strike) for strike in range(80, 121)]


def board(roots: tuple[float, ...] = (98.0,)) -> Board:
    spots = np.geomspace(75.0, 125.0, 121)
    gex = np.ones(121) * 50e6
    for root in roots:
        gex *= np.tanh((spots - root) / 4)
    plain = with_levels(
        strikes_board(STRIKES, spot=100.0),
        call_walls=(104.0,),
        put_walls=(95.0,),
        zero_gamma=roots[0] if roots else None,
    )
    return replace(plain, curve=GammaCurve(spots, gex, roots))


async def test_levels_are_marked_and_named() -> None:
    view = Profile()
    async with showing(view, (82, 30)) as pilot:
        view.show(board(), unit=Unit.PERCENT_MOVE)
        await pilot.pause()
        text = "\n".join(screen_text(pilot))
        for name in ("CALL WALL 104", "PUT WALL 95", "ZERO γ 98.00", "SPOT 100.00", "+40M", "-40M"):
            assert name in text
        assert view.heading == "Gamma profile, spot ±15%"
        assert "0├" in text


async def test_the_curve_crosses_zero_at_the_root() -> None:
    view = Profile()
    async with showing(view, (82, 30)) as pilot:
        view.show(board(), unit=Unit.PERCENT_MOVE)
        await pilot.pause()
        lines = screen_text(pilot)
        zero = next(number for number, text in enumerate(lines) if text.lstrip().startswith("0├"))
        quadrants = "▘▝▀▖▌▞▛▗▚▐▜▄▙▟█"
        below = [text.find(next((c for c in text if c in quadrants), "?")) for text in lines[zero + 1 :]]
        above = [text.find(next((c for c in text if c in quadrants), "?")) for text in lines[:zero]]
        root = next(text for text in lines if "ZERO γ" in text).index("ZERO γ") - 1
        assert all(at < root + 1 for at in below)
        assert all(at >= root - 1 for at in above if at >= 0)


async def test_every_root_is_marked() -> None:
    view = Profile()
    async with showing(view, (82, 30)) as pilot:
        view.show(board((98.0, 103.0)), unit=Unit.PERCENT_MOVE)
        await pilot.pause()
        text = "\n".join(screen_text(pilot))
        assert "ZERO γ 98.00" in text
        assert "zero γ 103.00" in text


async def test_the_same_board_is_drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    view = Profile()
    drawn = []
    async with showing(view, (60, 17)) as pilot:
        original = view._draw

        def counting(board: Board, plot: Plot, width: int, height: int) -> None:
            drawn.append(board)
            original(board, plot, width, height)

        monkeypatch.setattr(view, "_draw", counting)
        shown = board()
        for _ in range(3):
            view.show(shown, unit=Unit.PERCENT_MOVE)
            await pilot.pause()
        assert len(drawn) == 1
        view.show(board(), unit=Unit.PERCENT_MOVE)
        view.show(shown, unit=Unit.UNDERLYING)
        assert len(drawn) == 3


async def test_zoom_looks_closer_and_the_scale_follows() -> None:
    view = Profile()
    async with showing(view, (60, 17)) as pilot:
        view.show(board(), unit=Unit.PERCENT_MOVE)
        view.zoom(9)
        await pilot.pause()
        assert view.heading == "Gamma profile, spot ±3%"
        assert view.zoom_level == 3
        assert "SPOT 100.00" in "\n".join(screen_text(pilot))
        view.zoom(-9)
        assert view.heading == "Gamma profile, spot ±25%"
        view.recentre()
        assert view.zoom_level == 0


@pytest.mark.parametrize("size", [(84, 33), (80, 22), (60, 17), (40, 10), (12, 3)])
@pytest.mark.parametrize("ascii_only", [False, True])
async def test_every_size_and_ascii(size: tuple[int, int], ascii_only: bool) -> None:
    view = Profile(ascii_only=ascii_only)
    async with showing(view, size) as pilot:
        view.show(board(), unit=Unit.SHARE, stale=True)
        await pilot.pause()
        assert "".join(screen_text(pilot)).isascii() or not ascii_only


@pytest.mark.parametrize("theme", ["dark", "light", "ansi"])
async def test_colours_come_from_the_theme(theme: str) -> None:
    view = Profile()
    async with showing(view, (60, 17), theme) as pilot:
        view.show(board(), unit=Unit.PERCENT_MOVE)
        await pilot.pause()
        strips = pilot.app.screen._compositor.render_strips()
        colours = {
            segment.style.color for strip in strips for segment in strip if segment.style and segment.text.strip()
        }
        assert view.style_named("call").color in colours
        assert view.style_named("put").color in colours


async def test_without_roots_and_without_anything() -> None:
    view = Profile()
    async with showing(view, (60, 17)) as pilot:
        view.show(board(()), unit=Unit.PERCENT_MOVE)
        await pilot.pause()
        assert "ZERO" not in "\n".join(screen_text(pilot))
        view.show(strikes_board([90.0, 110.0], spot=100.0, open_interest=0.0), unit=Unit.PERCENT_MOVE)
        await pilot.pause()
        assert [text.strip() for text in screen_text(pilot) if text] == ["no open interest yet"]
        explained = view.explanation()
        assert explained is not None
        assert explained.title == "Zero gamma"


def test_ticks_are_round_and_within_bounds() -> None:
    assert round_ticks(-100.0, 400.0, 6) == [-100.0, 0.0, 100.0, 200.0, 300.0, 400.0]
    assert round_ticks(4365.0, 4635.0, 6) == [4400.0, 4450.0, 4500.0, 4550.0, 4600.0]
    assert round_ticks(3.0, 3.0, 5) == [3.0]


def test_colours_for_plotext() -> None:
    assert plot_colour(None) == "default"
    assert plot_colour(Color.default()) == "default"
    assert plot_colour(Color.parse("#102030")) == (16, 32, 48)
    assert plot_colour(Color.from_ansi(2)) == 2


def test_plotext_is_imported_only_when_a_profile_is_shown() -> None:
    code = (
        "import sys, gextui.ui.widgets.profile; sys.exit('plotext' in sys.modules or 'textual_plotext' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
