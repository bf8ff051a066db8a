"""The panel of sources: what it says of every state, that it stays fresh, and that nothing in it is markup."""

from dataclasses import replace
from typing import Any

import pytest
from rich.cells import cell_len
from textual.containers import VerticalScroll

from gextui.desk import Health, View
from gextui.exposure.board import build_board
from gextui.market.ticker import ticker_for
from gextui.sources.source import ConnectionStatus, SourceState, SourceStatus
from gextui.ui.scene import Standing
from gextui.ui.screens.sources import Sources, sources_page
from gextui.ui.widgets.lines import text_of
from tests.ui.desk import NOW, MemoryDesk, made_up_chain
from tests.ui.running import running, settled, shown, text_shown
from tests.ui.test_remote_text import ESCAPES, MARKUP, UNSEEN
from tests.ui.widgets.showing import painted_lines

STREAM = ConnectionStatus(
    "stream", "subscribing", "", (498, 500), 0.2, 3, 1_204_311, {"unknown_channel": 5, "bad_json": 7}
)
POLLS = ConnectionStatus("BTC polls", "backoff", "HTTP 503", None, 14.2, 0, 1, {}, 3.2)


def standing(symbol: str = "BTC", *, delay: float | None = None, **changes: Any) -> Standing:
    health = Health(SourceStatus("deribit", SourceState.LIVE, 1.0), 0.4, False, "recording")
    status = {
        name: changes.pop(name) for name in ("name", "state", "interval", "detail", "connections") if name in changes
    }
    view = None if delay is None else View(build_board(made_up_chain(symbol, delay=delay)), False)
    return Standing(ticker_for(symbol), replace(health, status=replace(health.status, **status), **changes), view)


def page(*standings: Standing, width: int = 92) -> list[str]:
    return [text.rstrip() for text in text_of(sources_page(standings, NOW)(width))]


def test_a_source_its_tickers_and_its_connections_are_told_once() -> None:
    connections = (STREAM, POLLS)
    assert page(standing(connections=connections), standing("ETH", connections=connections)) == [
        "deribit, every 1 s",
        "BTC          ● live · last reading 0.4 s ago",
        "ETH          ● live · last reading 0.4 s ago",
        "  stream     ○ subscribing 498/500",
        "             last message 0.2 s ago · 1,204,311 messages · 3 reconnects",
        "             12 rejected: 7 bad json, 5 unknown channel",
        "  BTC polls  ○ backoff · next try in 3 s · HTTP 503",
        "             last message 14 s ago · 1 message · 0 reconnects",
        "",
        "Database",
        "state        recording",
    ]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (standing(), "● live · last reading 0.4 s ago"),
        (standing(state=SourceState.DELAYED, age=12.0, delay=900.0), "● delayed 15 min · last reading 12 s ago"),
        (standing(state=SourceState.CONNECTING, age=None), "○ connecting · no reading yet"),
        (standing(stale=True, age=42.0), "● live · no data since 14:31:28 UTC (42 s)"),
        (standing(state=SourceState.BACKOFF, age=7.0), "○ reconnecting · last reading 7.0 s ago"),
        (standing(state=SourceState.DISABLED, age=None), "○ off · no reading yet"),
        (standing(state=SourceState.CLOSED, age=7200.0), "○ market closed · last reading 2 h ago"),
        (standing(state=SourceState.REPLAY), "○ recorded · last reading 0.4 s ago"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_every_state_is_told_with_its_age(given: Standing, said: str) -> None:
    assert page(given)[1] == f"BTC    {said}"


def test_what_the_state_says_already_is_not_said_again() -> None:
    delayed: dict[str, Any] = {
        "state": SourceState.DELAYED,
        "delay": 900.0,
        "detail": "delayed 15 min, as of 16:10 New York",
    }
    assert page(standing(**delayed))[2].strip() == "as of 16:10 New York"
    closed: dict[str, Any] = {"state": SourceState.CLOSED, "detail": "market closed, as of 16:15 New York Fri"}
    assert page(standing(**closed))[2].strip() == "as of 16:15 New York Fri"
    night: dict[str, Any] = {"state": SourceState.DELAYED, "delay": 900.0, "detail": "night session, delayed 15 min"}
    assert page(standing(**night))[2].strip() == "night session, delayed 15 min"


def test_why_it_is_not_well_stands_below() -> None:
    lines = page(standing(state=SourceState.DEGRADED, detail="open interest is older than 30 s"))
    assert lines[1:3] == ["BTC    ● degraded · last reading 0.4 s ago", "       open interest is older than 30 s"]


@pytest.mark.parametrize(
    ("interval", "said"), [(1.0, "every 1 s"), (0.5, "every 0.5 s"), (900.0, "every 15 min"), (0.0, "recorded")]
)
def test_the_cadence_is_told(interval: float, said: str) -> None:
    assert page(standing(interval=interval))[0] == f"deribit, {said}"


def test_a_connection_without_a_message_and_of_an_unknown_state() -> None:
    lines = page(standing(connections=(ConnectionStatus("stream", "authenticating"),)))
    assert lines[2:4] == ["  stream  ○ authenticating", "          no message yet · 0 messages · 0 reconnects"]


def test_several_sources_stand_apart_and_the_database_last() -> None:
    lines = page(
        standing("BTC", recording="the disk is full: not recording", notice="a damaged database was put aside"),
        standing("SPX", name="cboe", interval=60.0, recording="the disk is full: not recording"),
    )
    assert [text for text in lines if text and not text.startswith(("BTC", "SPX"))] == [
        "deribit, every 1 s",
        "cboe, every 60 s",
        "Database",
        "state   the disk is full: not recording",
        "notice  a damaged database was put aside",
    ]


@pytest.mark.parametrize("width", [92, 56, 38, 20, 4, 1])
@pytest.mark.parametrize("texts", [MARKUP, ESCAPES], ids=["markup", "escapes"])
def test_remote_text_is_plain_and_every_line_fits(texts: list[str], width: int) -> None:
    for text in texts:
        connection = ConnectionStatus(text, text, text, (1, 2), 1.0, 1, 1, {text: 3}, 1.0)
        lines = sources_page(
            [standing(name=text, detail=text, connections=(connection,), recording=text, notice=text)], NOW
        )(width)
        assert {cell_len(each) for each in text_of(lines)} == {width}
        assert UNSEEN.search("".join(text_of(lines))) is None


async def test_hostile_text_in_the_panel_is_drawn_as_it_is() -> None:
    desk = MemoryDesk("BTC")
    connections = tuple(ConnectionStatus(text, "live", text) for text in MARKUP + ESCAPES)
    desk.status = SourceStatus("[red]deribit[/red]", SourceState.BACKOFF, 1.0, "[/] \x1b]0;x\x07", connections)
    async with running(desk, size=(120, 90)) as (app, pilot):
        await pilot.press("z")
        await pilot.pause()
        text = text_shown(app)
        assert "[red]deribit[/red], every 1 s" in text
        for each in MARKUP:
            assert each in text
        assert UNSEEN.search("".join(shown(app))) is None


@pytest.mark.parametrize("key", ["z", "q", "escape", "enter"])
@pytest.mark.parametrize("size", [(120, 36), (80, 24), (60, 20), (40, 12)], ids=str)
async def test_z_opens_it_and_every_way_out_closes_it(key: str, size: tuple[int, int]) -> None:
    desk = MemoryDesk("BTC")
    desk.status = replace(desk.status, connections=(STREAM, POLLS))
    async with running(desk, size=size) as (app, pilot):
        await pilot.press("z")
        await pilot.pause()
        assert isinstance(app.screen, Sources)
        assert "deribit, every 1 s" in text_shown(app)
        assert [cell_len(line) for line in shown(app)] == [size[0]] * size[1]
        await pilot.press("G" if key == "z" else "j", key)
        await pilot.pause()
        assert len(app.screen_stack) == 1
        assert app.is_running


async def test_it_is_in_the_palette_and_needs_no_reading() -> None:
    async with running(MemoryDesk("BTC", empty=True)) as (app, pilot):
        await pilot.press(":", *"sources", "enter")
        await pilot.pause()
        assert isinstance(app.screen, Sources)
        assert "● live" in text_shown(app)


async def test_it_stays_fresh_and_grows_with_what_there_is_to_say() -> None:
    desk = MemoryDesk("BTC")
    async with running(desk) as (app, pilot):
        await pilot.press("z")
        await pilot.pause()
        panel = app.screen
        assert isinstance(panel, Sources)
        assert "last reading 0.4 s ago" in text_shown(app)
        desk.stale, desk.age = True, 42.0
        desk.status = replace(desk.status, connections=(STREAM, POLLS))
        panel.renew()
        await pilot.pause()
        text = text_shown(app)
        assert "no data since 14:31:28 UTC (42 s)" in text
        assert "12 rejected: 7 bad json, 5 unknown channel" in text
        assert "state        recording" in text


async def test_it_repaints_nothing_while_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(MemoryDesk("BTC")) as (app, pilot):
        await pilot.press("z")
        await pilot.pause()
        painted = painted_lines(monkeypatch)
        panel = app.screen
        assert isinstance(panel, Sources)
        for _ in range(3):
            panel.renew()
            await pilot.pause()
        assert painted == []


async def test_a_long_panel_is_scrolled_by_the_moving_keys() -> None:
    desk = MemoryDesk("BTC")
    desk.status = replace(desk.status, connections=tuple(replace(STREAM, name=f"stream {n}") for n in range(20)))
    async with running(desk, size=(60, 20)) as (app, pilot):
        await pilot.press("z")
        await pilot.pause()
        assert "state" not in text_shown(app)
        await pilot.press(*"JJJJJ")
        await pilot.pause()
        assert app.screen.query_one("#page", VerticalScroll).scroll_y > 0
        assert "recording" in text_shown(app)


async def test_a_delay_is_told_of_the_chain_that_is_shown() -> None:
    desk = MemoryDesk("SPX")
    desk.status = SourceStatus("cboe", SourceState.DELAYED, 60.0)
    desk.put_chain(made_up_chain("SPX", delay=900.0))
    async with running(desk) as (_, pilot):
        await pilot.press("z")
        assert "● delayed 15 min" in await settled(pilot)
