"""The past in the dashboard: the chart of levels by its keys, and a source that has fallen silent."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gextui.exposure.change import Cause, Change, ChangeState
from gextui.exposure.filters import Filters
from gextui.exposure.series import Gap
from gextui.sources.source import SourceState, SourceStatus
from gextui.ui.widgets.history import History
from gextui.ui.widgets.lines import text_of
from gextui.ui.widgets.timeline import SPANS
from tests.ui.desk import NOW, MemoryDesk, made_up_chain
from tests.ui.running import SIZES, running, settled, shown
from tests.ui.series import made_up_series
from tests.ui.test_app import board_of


@pytest.fixture
def desk() -> MemoryDesk:
    """One that has recorded a month with a gap."""
    desk = MemoryDesk("BTC", "SPX")
    for span in SPANS:
        last = NOW.timestamp()
        gap = Gap(last - span.seconds / 2, last - span.seconds / 3, "restart")
        desk.series[span.time] = made_up_series(span.time, gaps=[gap])
    return desk


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_t_leads_from_the_changes_to_the_levels_and_back(desk: MemoryDesk, size: tuple[int, int]) -> None:
    async with running(desk, size=size) as (app, pilot):
        await pilot.press("t")
        assert "WINDOW" in await settled(pilot)
        await pilot.press("t")
        await settled(pilot)
        text = await settled(pilot)
        assert isinstance(board_of(app).view, History)
        for words in ("1 h  4 h", "SPOT", "CW", "PW", "Net", "gap 14:02–14:12 (restart)"):
            assert words in text
        if size[0] > 60:
            assert "Levels over 1 h, UTC" in text
        await pilot.press("t")
        assert "WINDOW" in await settled(pilot)
        await pilot.press("H")
        assert "SPOT" in await settled(pilot)


async def test_h_and_l_look_back_less_and_more(desk: MemoryDesk) -> None:
    async with running(desk) as (_, pilot):
        await pilot.press("H")
        await settled(pilot)
        for key, label in (
            ("l", "4 h"),
            ("l", "1 d"),
            ("right", "7 d"),
            ("l", "30 d"),
            ("l", "30 d"),
            ("h", "7 d"),
            ("left", "1 d"),
        ):
            await pilot.press(key)
            await settled(pilot)
            assert f"Levels over {label}, UTC" in await settled(pilot)


async def test_a_span_that_is_not_there_yet_leaves_the_old_picture(desk: MemoryDesk) -> None:
    del desk.series[timedelta(hours=4)]
    async with running(desk) as (app, pilot):
        await pilot.press("H")
        await settled(pilot)
        before = await settled(pilot)
        await pilot.press("l")
        after = (await settled(pilot)).split("\n")
        assert "reading 4 h ..." in after[3]
        assert after[4:] == before.split("\n")[4:]
        desk.series[timedelta(hours=4)] = made_up_series(timedelta(hours=4))
        await settled(pilot)
        assert "Levels over 4 h, UTC" in await settled(pilot)
        assert isinstance(app.screen, type(board_of(app)))


async def test_the_title_does_not_claim_a_filter_for_what_is_recorded_without_one(desk: MemoryDesk) -> None:
    desk.filters[desk.tickers[0]] = Filters(expiry="front")
    desk.put(desk.tickers[0])
    async with running(desk) as (_, pilot):
        assert "by OI · front" in await settled(pilot)
        await pilot.press("H")
        await settled(pilot)
        assert "Levels over 1 h, UTC · by OI · all expiries · USD per 1%" in await settled(pilot)


async def test_a_frozen_chart_holds_still_and_one_opened_while_frozen_is_drawn(desk: MemoryDesk) -> None:
    async with running(desk) as (app, pilot):
        await pilot.press("space", "H")
        await settled(pilot)
        held = (await settled(pilot)).split("\n")[2:-1]
        assert "SPOT 98,412" in "\n".join(held)
        desk.series[timedelta(hours=1)] = made_up_series(scale=1.1)
        assert (await settled(pilot)).split("\n")[2:-1] == held
        await pilot.press("space")
        assert "SPOT 108,254" in await settled(pilot)
        assert app.is_running


async def test_nothing_is_painted_while_the_chart_stays_the_same(
    desk: MemoryDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(desk) as (app, pilot):
        await pilot.press("H")
        for _ in range(3):
            await settled(pilot)
        painted: list[object] = []
        monkeypatch.setattr(app, "_display", lambda *given: painted.append(given))
        for _ in range(10):
            app._tick()
            await pilot.pause()
        assert painted == []


async def test_another_ticker_never_shows_the_first_ones_levels(desk: MemoryDesk) -> None:
    async with running(desk) as (_, pilot):
        await pilot.press("H")
        await settled(pilot)
        desk.series.clear()
        await pilot.press("2")
        text = await settled(pilot)
        assert "no levels over time yet" in text
        assert "SPOT 98,412" not in text


@pytest.mark.parametrize(
    ("width", "said"),
    [
        (120, "deribit ● no data since 14:31:28 UTC (40 s)"),
        (80, "● no data since 14:31:28 UTC (40 s)"),
        (60, "● stale 40 s"),
    ],
)
async def test_no_data_since_is_said_at_every_width(width: int, said: str) -> None:
    desk = MemoryDesk()
    async with running(desk, size=(width, 24)) as (app, pilot):
        desk.stale, desk.age = True, 42.0
        await settled(pilot)
        assert said in shown(app)[0]


@pytest.mark.parametrize("width", [120, 80, 76])
async def test_whatever_else_must_be_said_no_data_stays(width: int) -> None:
    desk = MemoryDesk()
    desk.stale, desk.age = True, 42.0
    desk.put_chain(made_up_chain(simulated=True))
    desk.status = SourceStatus("a source with a rather long name", SourceState.BACKOFF, 1.0)
    async with running(desk, size=(width, 24)) as (app, pilot):
        await pilot.press("space", ",")
        await settled(pilot)
        desk.put(desk.tickers[0], replay=True)
        await settled(pilot)
        first = shown(app)[0]
        assert "● no data since" in first or "● stale 40 s" in first
        assert "1 BTC" in first


async def test_a_replay_hides_no_trouble_of_the_source_and_is_not_dimmed() -> None:
    desk = MemoryDesk("BTC")
    desk.stale, desk.age = True, 42.0
    async with running(desk) as (app, pilot):
        await pilot.press(",")
        text = await settled(pilot)
        assert " REPLAY " in text
        assert "no data since 14:31:28 UTC (40 s)" in text
        view = board_of(app).view
        assert view is not None
        assert not getattr(view, "stale", True)


async def test_dvol_stands_beside_the_expected_move_and_iv() -> None:
    desk = MemoryDesk("BTC")
    async with running(desk) as (app, pilot):
        assert "DVOL" not in await settled(pilot)
        desk.put_chain(replace(made_up_chain("BTC"), volatility_index=45.34))
        text = await settled(pilot)
        assert "EM ±1,862  DVOL 45.3" in shown(app)[1]
        assert "ATM IV          42.4% DVOL 45.3" in text
        await pilot.resize_terminal(80, 24)
        assert "ATM IV     42.4% DVOL 45.3" in await settled(pilot)
        desk.put_chain(replace(made_up_chain("BTC"), volatility_index=float("nan")))
        assert "DVOL" not in await settled(pilot)


async def test_another_venues_index_is_not_called_dvol() -> None:
    desk = MemoryDesk("SPX")
    desk.put_chain(replace(made_up_chain("SPX"), volatility_index=17.25))
    async with running(desk) as (_, pilot):
        text = await settled(pilot)
        assert "DVOL" not in text
        assert "IV index 17.2" in text


@pytest.mark.parametrize(("width", "words"), [(120, ["flow", "repricing", "expiry"]), (80, ["flow", "repr", "exp."])])
async def test_the_largest_changes_say_what_moved_them(width: int, words: list[str]) -> None:
    desk = MemoryDesk("BTC")
    board = desk.views[desk.tickers[0]].board
    base = board.changes[0]
    nothing, all_of_it = base.net_gex * 0.0, base.net_gex
    changes = (
        replace(base, minutes=1, flow=all_of_it, repricing=nothing),
        replace(base, minutes=5, flow=nothing, repricing=all_of_it),
        replace(base, minutes=10, state=ChangeState.EXPIRY),
        Change(15, ChangeState.GAP),
        Change(30, ChangeState.SOURCE),
    )
    assert [change.cause for change in changes[:2]] == [Cause.FLOW, Cause.REPRICING]
    desk.change_board(desk.tickers[0], changes=changes)
    async with running(desk, size=(width, 24 if width == 80 else 36)) as (app, pilot):
        await settled(pilot)
        rows = [text.split() for text in text_of(board_of(app).sidebar.lines)]
        assert [row[-1] for row in rows if row and row[0] in ("1m", "5m", "10m", "15m", "30m")] == [
            *words,
            "gap",
            "source",
        ]
