"""Text from outside is drawn as it is: no markup, no control bytes, no wide glyph that breaks a column."""

import re
from dataclasses import replace

import pytest
from rich.cells import cell_len

from gextui.desk import View
from gextui.exposure.board import build_board
from gextui.market.ticker import Kind, Ticker
from gextui.sources.source import SourceState, SourceStatus
from gextui.ui.views import VIEWS
from tests.ui.desk import MemoryDesk, made_up_chain, made_up_past
from tests.ui.running import running, shown, text_shown

MARKUP = [
    "[red]SPY[/red]",
    "SPY[/]",
    "[/SPY",
    "[/SPY]",
    "[0] SPY",
    "[b + [#888888]x[/#888888]",
    "[@click=app.quit]SPY[/]",
    "[link=http://x]SPY[/link]",
    "[$nosuch]SPY",
    "[data: /m?x=bb-609b-]SPY",
]
ESCAPES = [
    "\x1b]0;title\x07SPY",
    "\x1b]52;c;aGk=\x07SPY",
    "\x1b]8;;http://x\x1b\\SPY\x1b]8;;\x1b\\",
    "\x1b[2JSPY",
    "\x1bPq#0\x1b\\SPY",
    "\x9b2JSPY",
    "SPY\x07\x08\r\n\t",
    "\u202eYPS\u202c",
]
WIDE = ["日経平均株価", "e\u0301e\u0301e\u0301", "🇯🇵🚀", "אבג", "ﷺ", "\u200bSPY\u200b", "a" * 500]
UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b-\u200f]")
KEYS = [*"gxctdm", "g", "tab", "/", "escape", "!", "escape", "e", "escape", ":", "escape", "?", "escape"]


def named(text: str) -> Ticker:
    """A ticker that nobody has cleaned."""
    return Ticker(text, text, Kind.COIN, text)


def desk_of(texts: list[str]) -> MemoryDesk:
    desk = MemoryDesk(tickers=tuple(named(text) for text in texts), empty=True)
    past = made_up_past("BTC")
    for ticker in desk.tickers:
        chain = replace(
            made_up_chain("BTC"), ticker=ticker, source=ticker.symbol, roots=(ticker.symbol,), notes=(ticker.symbol,)
        )
        board = replace(build_board(chain, past), warnings=(ticker.symbol, ticker.symbol))
        desk.views[ticker] = View(board, False)
    return desk


@pytest.mark.parametrize(
    ("texts", "size"),
    [(MARKUP, (80, 24)), (ESCAPES, (80, 24)), (WIDE, (60, 20))],
    ids=["markup", "escapes", "wide"],
)
async def test_it_is_plain_text_everywhere(texts: list[str], size: tuple[int, int]) -> None:
    desk = desk_of(texts)
    async with running(desk, size=size) as (app, pilot):
        for number, text in enumerate(texts):
            desk.status = SourceStatus(text, SourceState.BACKOFF, 1.0, text)
            desk.recording = text
            await pilot.press("]" if number else "1", KEYS[number % len(VIEWS) % 5])
            lines = shown(app)
            if texts is MARKUP and size[0] == 80:
                assert text in lines[0]
            assert UNSEEN.search("\n".join(lines).replace("\n", "")) is None
            assert {cell_len(line) for line in lines} == {size[0]}
        for key in KEYS:
            await pilot.press(key)
            lines = shown(app)
            assert UNSEEN.search("".join(lines)) is None
            assert {cell_len(line) for line in lines} == {size[0]}
        assert app.is_running
        assert app._exception is None


async def test_a_search_shows_names_as_they_are() -> None:
    async with running(desk_of(MARKUP)) as (app, pilot):
        await pilot.press("/")
        await pilot.pause()
        text = text_shown(app)
        for markup in MARKUP:
            assert f"{markup}" in text


async def test_what_a_waiting_screen_says_is_plain_too() -> None:
    for text in (MARKUP[6], ESCAPES[1]):
        desk = MemoryDesk(tickers=(named(text),), empty=True)
        desk.status = SourceStatus(text, SourceState.CONNECTING, 1.0, text)
        async with running(desk) as (app, _):
            assert "waiting for" in text_shown(app)
            assert UNSEEN.search("".join(shown(app))) is None
