"""Pictures of every view and dialog, at the three designed sizes.

A picture that changed on purpose is taken anew with ``pytest tests/snapshots --snapshot-update``; look at it first.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from textual.pilot import Pilot

from gextui.route import Route
from gextui.sources.source import SourceState, SourceStatus
from gextui.ui.actions import BY_ID
from gextui.ui.views import VIEWS
from gextui.ui.watchlist import Editable
from tests.ui.catalogue import MemoryCatalogue, editable
from tests.ui.desk import MemoryDesk, two_venues_chain
from tests.ui.running import SIZES, dashboard, settled, terminal
from tests.ui.series import made_up_series, year_of_iv
from tests.ui.test_coin_etf import SUNDAY, coin_desk

Compare = Callable[..., bool]


def pressing(*keys: str) -> Callable[[Pilot[None]], Any]:
    """Press these keys once the first board is painted, and wait for what they show."""

    async def run(pilot: Pilot[None]) -> None:
        await settled(pilot)
        for key in keys:
            await pilot.press(key)
        await settled(pilot)

    return run


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("view", VIEWS)
def test_view(snap_compare: Compare, view: str, size: tuple[int, int]) -> None:
    desk = MemoryDesk("BTC", "SPX", "IBIT")
    desk.series = {timedelta(hours=1): made_up_series()}
    app = dashboard(desk)
    assert snap_compare(app, run_before=pressing(BY_ID[f"view_{view}"].keys[0]), terminal_size=size)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_help(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(dashboard(), run_before=pressing("?"), terminal_size=size)


def test_picker(snap_compare: Compare) -> None:
    assert snap_compare(dashboard(), run_before=pressing("e", "j"), terminal_size=(80, 24))


def test_find(snap_compare: Compare) -> None:
    assert snap_compare(dashboard(), run_before=pressing("/", "s", "p"), terminal_size=(60, 20))


def test_explanation(snap_compare: Compare) -> None:
    assert snap_compare(dashboard(), run_before=pressing("tab", "enter"), terminal_size=(120, 36))


def test_levels_in_place_of_the_view(snap_compare: Compare) -> None:
    assert snap_compare(dashboard(), run_before=pressing("tab", "j"), terminal_size=(60, 20))


def troubled() -> MemoryDesk:
    """Simulated, stale, reconnecting, with two warnings."""
    desk = MemoryDesk("BTC", "SPX")
    desk.status = SourceStatus("deribit", SourceState.BACKOFF, 1.0, "HTTP 503; next try in 3 s")
    desk.stale, desk.age = True, 47.0
    return desk


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_stale_and_frozen(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(dashboard(troubled()), run_before=pressing("space"), terminal_size=size)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_coin_etf(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(dashboard(coin_desk()), run_before=pressing(), terminal_size=size)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_implied_on_the_coins_axis(snap_compare: Compare, size: tuple[int, int]) -> None:
    app = dashboard(coin_desk(implied=True), now=lambda: SUNDAY)
    assert snap_compare(app, run_before=pressing("u", "5"), terminal_size=size)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_two_venues_one_stale(snap_compare: Compare, size: tuple[int, int]) -> None:
    desk = MemoryDesk("BTC", "SPX")
    desk.put_chain(two_venues_chain(stale="nothing new for 42 s"))
    assert snap_compare(dashboard(desk), run_before=pressing(), terminal_size=size)


def test_the_venues_of_a_reading(snap_compare: Compare) -> None:
    desk = MemoryDesk("BTC", "SPX")
    desk.put_chain(two_venues_chain(stale="nothing new for 42 s"))
    assert snap_compare(dashboard(desk), run_before=pressing("!"), terminal_size=(80, 24))


@pytest.mark.parametrize("theme", ["light", "ansi"])
def test_theme(snap_compare: Compare, theme: str) -> None:
    assert snap_compare(dashboard(theme=theme), run_before=pressing(), terminal_size=(80, 24))


def test_ascii_without_colour(snap_compare: Compare) -> None:
    plain = terminal(LANG="C", NO_COLOR="1")
    app = dashboard(theme=None, capabilities=plain)
    assert snap_compare(app, run_before=pressing(), terminal_size=(80, 24))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_chain_of_all_expiries_sorted(snap_compare: Compare, size: tuple[int, int]) -> None:
    keys = ("c", "<", "l", "l", "O", "j", "j")
    assert snap_compare(dashboard(), run_before=pressing(*keys), terminal_size=size)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_columns_of_the_chain(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(dashboard(), run_before=pressing("c", "W", "j", "space"), terminal_size=size)


def listed() -> tuple[MemoryDesk, Editable]:
    """Three tickers that are on, one that is off, and one that is read from a choice of sources."""
    desk = MemoryDesk("BTC", "SPX", "IBIT")
    given = editable(desk, MemoryCatalogue(), off=["XRP"])
    both = Route(("deribit", "bybit"), combine=True)
    return desk, replace(given, watchlist=given.watchlist.routed("BTC", both))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_watchlist(snap_compare: Compare, size: tuple[int, int]) -> None:
    desk, given = listed()
    assert snap_compare(dashboard(desk, editable=given), run_before=pressing("M", "j"), terminal_size=size)


def test_sources_of_a_ticker(snap_compare: Compare) -> None:
    desk, given = listed()
    assert snap_compare(dashboard(desk, editable=given), run_before=pressing("Z"), terminal_size=(60, 20))


def test_adding_a_ticker(snap_compare: Compare) -> None:
    desk, given = listed()
    assert snap_compare(dashboard(desk, editable=given), run_before=pressing("A", "s", "p"), terminal_size=(80, 24))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_many_in_every_state(snap_compare: Compare, size: tuple[int, int]) -> None:
    desk = MemoryDesk("BTC", "SPX", "IBIT", "SOL")
    del desk.views[desk.tickers[3]]
    desk.status = SourceStatus("deribit", SourceState.BACKOFF, 1.0, "HTTP 503; next try in 3 s")
    desk.stale, desk.age = True, 47.0
    app = dashboard(desk, editable=editable(desk, off=["XRP"]))
    assert snap_compare(app, run_before=pressing("m", "l", "l", "l", "l", "O", "j"), terminal_size=size)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("variant", ["several", "term", "rank", "put_call"])
def test_volatility(snap_compare: Compare, variant: str, size: tuple[int, int]) -> None:
    keys = {"several": "<<", "term": "ljj", "rank": "ll", "put_call": "lllj"}[variant]
    desk = MemoryDesk("BTC", "SPX")
    desk.series = {timedelta(days=365): year_of_iv()}
    assert snap_compare(dashboard(desk), run_before=pressing("i", *keys), terminal_size=size)
