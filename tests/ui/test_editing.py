"""The watchlist edited by keys: in its dialog, from the dashboard, and by the palette; what the desk is told of it."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from textual.events import Key
from textual.pilot import Pilot
from textual.widgets import OptionList

from gextui.exposure.filters import Filters
from gextui.market.ticker import KNOWN_TICKERS, Kind, ticker_for
from gextui.route import Route
from gextui.ui.actions import ACTIONS
from gextui.ui.app import GextuiApp
from gextui.ui.screens.picker import Picker
from gextui.ui.screens.search import Search
from gextui.ui.screens.watchlist import ListDialog, Unknown, find_new, source_choices
from gextui.ui.state import State, load_state, save_state
from gextui.ui.watchlist import Listed, Watchlist
from tests.support.waiting import eventually
from tests.ui.catalogue import MemoryCatalogue, editable
from tests.ui.desk import MemoryDesk
from tests.ui.running import SIZES, running, settled, shown, text_shown
from tests.ui.test_remote_text import UNSEEN


def chosen(desk: MemoryDesk) -> list[str]:
    """The symbols that the desk was last told to give."""
    return [ticker.symbol for ticker in desk.routes]


def in_dialog(app: GextuiApp) -> list[str]:
    """The rows of the list, each as its words."""
    rows = app.screen.query_one(OptionList)
    return [" ".join(str(rows.get_option_at_index(at).prompt).split()) for at in range(rows.option_count)]


def renew(app: GextuiApp) -> None:
    """What the dialog's own timer does four times a second."""
    assert isinstance(app.screen, ListDialog)
    app.screen.renew()


async def looked_up(pilot: Pilot[None]) -> None:
    """Wait until what was asked is answered."""
    await pilot.app.workers.wait_for_complete()
    await settled(pilot)


async def press(pilot: Pilot[None], *keys: str) -> None:
    await pilot.press(*keys)
    await settled(pilot)


@pytest.mark.parametrize("size", [*SIZES, (40, 12)], ids=str)
async def test_m_opens_the_list_and_every_way_out_closes_it(size: tuple[int, int]) -> None:
    desk = MemoryDesk("BTC", "SPX", "IBIT")
    async with running(desk, size=size, editable=editable(desk, off=["XRP"])) as (app, pilot):
        for key in ("M", "q", "escape"):
            await press(pilot, "M")
            assert isinstance(app.screen, ListDialog)
            assert in_dialog(app) == [
                "● 1 BTC Bitcoin deribit",
                "● 2 SPX S&P 500 index cboe",
                "● 3 IBIT iShares Bitcoin Trust cboe",
                "○ XRP off",
            ]
            assert "Enter on/off" in text_shown(app)
            assert [cell_len(line) for line in shown(app)] == [size[0]] * size[1]
            await press(pilot, key)
            assert len(app.screen_stack) == 1
        assert desk.routes == {}


async def test_fifty_tickers_scroll_and_the_keys_stay_in_sight() -> None:
    symbols = [f"T{number:02d}" for number in range(50)]
    desk = MemoryDesk(*symbols, empty=True)
    async with running(desk, size=(60, 20), editable=editable(desk)) as (app, pilot):
        await press(pilot, "M")
        assert "T00" in text_shown(app)
        assert "Enter on/off" in text_shown(app)
        await press(pilot, *(["J"] * 5))
        text = text_shown(app)
        assert "T49" in text
        assert "T00" not in text
        assert "Enter on/off" in text
        await press(pilot, "A", *"btc", "enter")
        renew(app)
        assert "the list is full: up to 50 tickers are watched at once" in await settled(pilot)
        assert desk.routes == {}


async def test_a_name_typed_in_one_breath_with_the_key_goes_into_the_dialog() -> None:
    desk = MemoryDesk("BTC")
    async with running(desk, editable=editable(desk)) as (app, pilot):
        # As one read of a slow line brings them: before any of them is acted upon.
        for key in ["A", *"spx", "enter"]:
            app.post_message(Key(key, key if len(key) == 1 else None))
        await eventually(lambda: chosen(desk) == ["BTC", "SPX"], "the ticker")
        await looked_up(pilot)
        assert "2 SPX" in shown(app)[0]


async def test_enter_and_space_switch_off_and_on() -> None:
    desk = MemoryDesk("BTC", "SPX", "IBIT")
    async with running(desk, editable=editable(desk)) as (app, pilot):
        await press(pilot, "M", "j", "enter")
        assert in_dialog(app)[1] == "○ SPX S&P 500 index off"
        assert in_dialog(app)[2].startswith("● 2 IBIT")
        assert "SPX is off: neither read nor recorded" in text_shown(app)
        assert chosen(desk) == ["BTC", "IBIT"]
        await press(pilot, "space")
        assert chosen(desk) == ["BTC", "SPX", "IBIT"]
        assert "SPX is on" in text_shown(app)
        await press(pilot, "q")
        assert "1 BTC   2 SPX   3 IBIT" in shown(app)[0]


async def test_a_fast_typist_hits_the_row_that_is_meant() -> None:
    desk = MemoryDesk("BTC", "SPX", "IBIT")
    async with running(desk, editable=editable(desk)) as (_, pilot):
        await pilot.press("M", "j", "j", "delete", "k", "}")
        await settled(pilot)
        assert chosen(desk) == ["SPX", "BTC"]


async def test_the_cursor_goes_with_a_moved_ticker_and_the_bar_follows() -> None:
    desk = MemoryDesk("BTC", "SPX", "IBIT")
    async with running(desk, editable=editable(desk)) as (app, pilot):
        await press(pilot, "M", "}", "}", "}")
        assert chosen(desk) == ["SPX", "IBIT", "BTC"]
        assert app.screen.query_one(OptionList).highlighted == 2
        await press(pilot, "{")
        assert chosen(desk) == ["SPX", "BTC", "IBIT"]
        await press(pilot, "q")
        assert "1 SPX   2 BTC   3 IBIT" in shown(app)[0]
        assert shown(app)[1].startswith(" BTC 98,412.5")


async def test_the_last_ticker_that_is_on_stays() -> None:
    desk = MemoryDesk("BTC", "SPX")
    async with running(desk, editable=editable(desk)) as (app, pilot):
        await press(pilot, "M", "enter", "j", "delete")
        assert "SPX is the last ticker that is on; add or switch on another first" in text_shown(app)
        assert chosen(desk) == ["SPX"]


async def test_from_the_dashboard_the_keys_are_about_the_ticker_shown() -> None:
    desk = MemoryDesk("BTC", "SPX", "IBIT")
    async with running(desk, editable=editable(desk)) as (app, pilot):
        await press(pilot, "2", "{")
        assert chosen(desk) == ["SPX", "BTC", "IBIT"]
        assert shown(app)[1].startswith(" SPX")
        await press(pilot, "}", "}")
        assert chosen(desk) == ["BTC", "IBIT", "SPX"]
        await press(pilot, "X")
        assert chosen(desk) == ["BTC", "IBIT"]
        assert shown(app)[1].startswith(" IBIT")
        assert "SPX is off: neither read nor recorded" in shown(app)[-1]
        await press(pilot, "1", "delete")
        assert chosen(desk) == ["IBIT"]
        assert "BTC is not in the list any more" in shown(app)[-1]
        await press(pilot, "X")
        assert "IBIT is the last ticker that is on" in shown(app)[-1]
        assert chosen(desk) == ["IBIT"]


async def test_moving_passes_those_that_are_off() -> None:
    desk = MemoryDesk("BTC", "IBIT")
    given = editable(desk, off=["XRP"])
    async with running(desk, editable=given) as (app, pilot):
        await press(pilot, "M", "j", "}", "q")  # BTC xrp IBIT
        await press(pilot, "}")
        assert chosen(desk) == ["IBIT", "BTC"]
        assert [entry.symbol for entry in app._watch.watchlist.entries] == ["XRP", "IBIT", "BTC"]


@pytest.mark.parametrize(
    ("words", "desk_after"),
    [
        ("remove this", ["SPX"]),
        ("switch this", ["SPX"]),
        ("ticker right", ["SPX", "BTC"]),
    ],
)
async def test_the_palette_has_them(words: str, desk_after: list[str]) -> None:
    desk = MemoryDesk("BTC", "SPX")
    async with running(desk, editable=editable(desk)) as (_, pilot):
        await press(pilot, ":", *words, "enter")
        assert chosen(desk) == desk_after


@pytest.mark.parametrize(
    ("words", "screen"),
    [("edit the", ListDialog), ("add a ticker", Search), ("ticker's sources", Picker)],
)
async def test_the_palette_has_the_dialogs(words: str, screen: type[Any]) -> None:
    desk = MemoryDesk("BTC", "SPX")
    async with running(desk, editable=editable(desk)) as (app, pilot):
        await press(pilot, ":", *words, "enter")
        assert isinstance(app.screen, screen)


async def test_a_ticker_that_is_known_is_added_at_once_and_shown() -> None:
    desk, catalogue = MemoryDesk("BTC", "SPX"), MemoryCatalogue()
    async with running(desk, editable=editable(desk, catalogue)) as (app, pilot):
        await press(pilot, "A", *"ether", "enter")
        assert chosen(desk) == ["BTC", "SPX", "ETH"]
        assert catalogue.asked == []
        assert "waiting for ETH from deribit" in text_shown(app)
        assert "ETH is in the list" in shown(app)[-1]
        assert "3 ETH" in shown(app)[0]


async def test_an_unknown_name_is_asked_about_and_the_screen_goes_on_meanwhile() -> None:
    desk, catalogue = MemoryDesk("BTC", "SPX"), MemoryCatalogue("DOGE")
    catalogue.answer.clear()
    async with running(desk, editable=editable(desk, catalogue)) as (app, pilot):
        await press(pilot, "A", *"doge", "enter")
        assert "asking who lists options on DOGE" in shown(app)[-1]
        await press(pilot, "2", "p")
        assert shown(app)[1].startswith(" SPX")
        assert desk.routes == {}
        catalogue.answer.set()
        await looked_up(pilot)
        assert catalogue.asked == ["DOGE"]
        assert desk.routes[ticker_for("DOGE", Kind.COIN)] == Route(("deribit",))
        assert chosen(desk) == ["BTC", "SPX", "DOGE"]
        assert "DOGE is in the list" in shown(app)[-1]


async def test_a_ticker_that_is_found_while_the_list_is_open_appears_in_it() -> None:
    desk, catalogue = MemoryDesk("BTC", "SPX"), MemoryCatalogue("DOGE")
    catalogue.answer.clear()
    async with running(desk, editable=editable(desk, catalogue)) as (app, pilot):
        await press(pilot, "M", "A", *"doge", "enter")
        assert isinstance(app.screen, ListDialog)
        assert len(in_dialog(app)) == 2
        catalogue.answer.set()
        await looked_up(pilot)
        renew(app)
        assert in_dialog(app)[2] == "● 3 DOGE deribit"
        assert shown(app)[1].startswith(" BTC")


async def test_a_name_that_no_source_knows_is_said_and_near_ones_are_offered() -> None:
    desk, catalogue = MemoryDesk("BTC", "SPX"), MemoryCatalogue()
    async with running(desk, editable=editable(desk, catalogue)) as (app, pilot):
        await press(pilot, "A", *"etx", "enter")
        await looked_up(pilot)
        assert isinstance(app.screen, Unknown)
        text = text_shown(app)
        assert "ETX is not added" in text
        assert "Deribit, Bybit and Cboe list no options on ETX" in text
        assert in_dialog(app) == ["1 add ETH", "2 add ETHA"]
        await press(pilot, "1")
        await looked_up(pilot)
        assert chosen(desk) == ["BTC", "SPX", "ETH"]
        assert catalogue.asked == ["ETX", "ETH"]


async def test_a_name_like_nothing_else_is_said_and_nothing_is_added() -> None:
    desk = MemoryDesk("BTC")
    async with running(desk, editable=editable(desk)) as (app, pilot):
        await press(pilot, "A", *"zzzz", "enter")
        await looked_up(pilot)
        assert "Deribit, Bybit and Cboe list no options on ZZZZ" in text_shown(app)
        assert "asking" not in text_shown(app)
        await press(pilot, "enter")
        assert isinstance(app.screen, Unknown)
        await press(pilot, "q")
        assert len(app.screen_stack) == 1
        assert desk.routes == {}


async def test_leaving_while_a_question_is_open_does_not_wait_for_it() -> None:
    desk, catalogue = MemoryDesk("BTC"), MemoryCatalogue()
    catalogue.answer.clear()
    async with running(desk, editable=editable(desk, catalogue)) as (app, pilot):
        await press(pilot, "A", *"doge", "enter")
        await asyncio.wait_for(pilot.press("q"), 5.0)
        assert app.crash is None


def names(choices: Sequence[Any]) -> list[tuple[str, str]]:
    return [(choice.label, choice.note) for choice in choices]


def test_what_may_be_added() -> None:
    listed = Watchlist.of([KNOWN_TICKERS["BTC"], KNOWN_TICKERS["SPY"]]).switched("SPY", on=False)
    known = tuple(KNOWN_TICKERS.values())
    everything = names(find_new(listed, known, ""))
    assert everything[0] == ("SPY", "off")
    assert ("BTC", "Bitcoin") not in everything
    assert len(everything) == len(known) - 1
    # A name that begins another is asked about last, one of its own first.
    assert names(find_new(listed, known, "sp"))[-1] == ("SP", "ask who lists options on it")
    assert names(find_new(listed, known, "doge"))[0] == ("DOGE", "ask who lists options on it")
    assert names(find_new(listed, known, "eth"))[0] == ("ETH", "Ether")
    assert ("ETH", "ask who lists options on it") not in names(find_new(listed, known, "eth"))
    assert names(find_new(listed, known, "ether"))[0] == ("ETH", "Ether")
    assert names(find_new(listed, known, "coin"))[0] == ("COIN", "ask who lists options on it")
    assert names(find_new(listed, known, "btc")) == [("BTC", "is in the list"), ("IBIT", "iShares Bitcoin Trust")]
    assert names(find_new(listed, known, "<b>x")) == [("<B>X", "ask who lists options on it")], "who says why not"


def test_every_way_to_read_from_two_sources_and_sums_for_coins_alone() -> None:
    usual = Route(("deribit",))
    assert names(list(source_choices(("deribit", "bybit"), Kind.COIN, usual))) == [
        ("as the settings say", "deribit"),
        ("deribit", ""),
        ("bybit", ""),
        ("deribit, then bybit", ""),
        ("bybit, then deribit", ""),
        ("deribit + bybit", "one book, the sum"),
    ]
    shares = names(list(source_choices(("tradier", "cboe", "yahoo"), Kind.INDEX, Route(("cboe", "yahoo")))))
    assert shares[0] == ("as the settings say", "cboe, then yahoo")
    assert len(shares) == 1 + 3 + 6 + 6
    assert not any("+" in label for label, _ in shares)


async def test_sources_are_chosen_and_shown_and_given_up_again() -> None:
    desk = MemoryDesk("BTC", "SPX")
    btc = desk.tickers[0]
    async with running(desk, editable=editable(desk)) as (app, pilot):
        await press(pilot, "Z", "6")
        assert desk.routes[btc] == Route(("deribit", "bybit"), combine=True)
        assert "BTC is read from deribit + bybit" in shown(app)[-1]
        await press(pilot, "M")
        await eventually(lambda: in_dialog(app)[0] == "● 1 BTC Bitcoin deribit + bybit")
        await press(pilot, "Z")
        assert app.screen.query_one(OptionList).highlighted == 5
        await press(pilot, "1")
        assert desk.routes[btc] == Route(("deribit",))
        await eventually(lambda: in_dialog(app)[0] == "● 1 BTC Bitcoin deribit")


async def test_what_another_process_records_it_decides_from_where() -> None:
    desk, catalogue = MemoryDesk("BTC", "SPX"), MemoryCatalogue()
    catalogue.recorded = {"BTC"}
    async with running(desk, editable=editable(desk, catalogue)) as (app, pilot):
        await press(pilot, "Z")
        assert "process 7 records BTC" in shown(app)[-1]
        assert len(app.screen_stack) == 1
        await press(pilot, "M")
        await eventually(lambda: in_dialog(app)[0] == "● 1 BTC Bitcoin recorder")


async def test_find_switches_on_what_is_off() -> None:
    desk = MemoryDesk("BTC", "SPX")
    async with running(desk, editable=editable(desk, off=["XRP"])) as (app, pilot):
        await press(pilot, "/", *"xrp")
        assert "XRP  XRP, off" in text_shown(app)
        await press(pilot, "enter")
        assert chosen(desk) == ["BTC", "SPX", "XRP"]
        assert "waiting for XRP from deribit" in text_shown(app)


async def test_the_view_of_many_lists_what_is_off_and_its_cursor_passes_over() -> None:
    desk = MemoryDesk("BTC", "SPX", "IBIT")
    async with running(desk, size=(80, 24), editable=editable(desk)) as (app, pilot):
        await press(pilot, "2", "X", "1", "m")
        rows = [" ".join(line.split()) for line in shown(app)[4:7]]
        assert rows[0].startswith("▸● BTC")
        assert rows[1] == "○ SPX off: neither read nor recorded"
        await press(pilot, "j")
        rows = [" ".join(line.split()) for line in shown(app)[4:7]]
        assert rows[2].startswith("▸● IBIT")
        assert shown(app)[1].startswith(" IBIT")
        await press(pilot, "j", "k")
        assert shown(app)[1].startswith(" BTC")


async def test_filters_come_back_with_their_ticker() -> None:
    desk = MemoryDesk("BTC", "SPX")
    async with running(desk, editable=editable(desk)) as (_, pilot):
        await press(pilot, "2", "e", "2", "delete")
        desk.calls.clear()
        await press(pilot, "A", *"spx", "enter")
        assert desk.calls == [("watch", "SPX", Filters(expiry="front"))]


async def test_removing_the_ticker_shown_while_frozen_and_in_history_shows_its_neighbour() -> None:
    desk = MemoryDesk("BTC", "SPX", "IBIT")
    async with running(desk, editable=editable(desk)) as (app, pilot):
        await press(pilot, "m", "space", "2", "delete")
        assert shown(app)[1].startswith(" IBIT")
        await press(pilot, "space", "escape", ",", "delete")
        assert shown(app)[1].startswith(" BTC")
        assert chosen(desk) == ["BTC"]


async def test_a_list_that_holds_for_this_run_says_so() -> None:
    desk = MemoryDesk("BTC", "SPX")
    async with running(desk, editable=editable(desk, kept=False)) as (app, pilot):
        await press(pilot, "X")
        assert "BTC is off: neither read nor recorded, for this run" in shown(app)[-1]


async def test_files_have_no_list_to_edit() -> None:
    async with running(MemoryDesk("BTC", "SPX")) as (app, pilot):
        for key in ("M", "A", "delete", "{", "}", "X", "Z"):
            await press(pilot, key)
            assert "these are recorded chains: the tickers are those that they hold" in shown(app)[-1]
            assert len(app.screen_stack) == 1


async def test_every_key_runs_while_the_list_may_be_edited() -> None:
    desk = MemoryDesk("BTC", "SPX", "IBIT")
    async with running(desk, editable=editable(desk, off=["XRP"])) as (app, pilot):
        for action in ACTIONS:
            if action.does != "quit":
                await pilot.press(action.keys[0])
                while len(app.screen_stack) > 1:
                    await app.pop_screen()
        await settled(pilot)
        assert app.is_running


async def test_hostile_names_are_plain_text_in_the_dialogs() -> None:
    desk, catalogue = MemoryDesk("BTC"), MemoryCatalogue()
    given = editable(desk, catalogue)
    async with running(desk, editable=given) as (app, pilot):
        app.push_screen(Unknown("[red]X[/]", "\x1b]0;x\x07 [bold]why[/]", ["[@click=app.quit]Y[/]"]))
        await settled(pilot)
        text = text_shown(app)
        for words in ("[red]X[/]", "[bold]why[/]", "[@click=app.quit]Y[/]"):
            assert words in text
        assert UNSEEN.search(text.replace("\n", "")) is None


class TestKept:
    """What is saved of the list, and what is not."""

    async def run(self, path: Path, keys: Sequence[str], *, kept: bool = True) -> State:
        desk = MemoryDesk("BTC", "SPX")
        async with running(desk, state_path=path, editable=editable(desk, kept=kept)) as (_, pilot):
            await press(pilot, *keys)
        state, trouble = load_state(path)
        assert trouble == ""
        return state

    async def test_nothing_until_it_is_changed(self, tmp_path: Path) -> None:
        state = await self.run(tmp_path / "state.json", ["2"])
        assert (state.ticker, state.watchlist) == ("SPX", None)

    async def test_what_it_was_changed_to(self, tmp_path: Path) -> None:
        state = await self.run(tmp_path / "state.json", ["Z", "5", "A", *"eth", "enter", "X"])
        assert state.watchlist == (
            Listed("BTC", Kind.COIN, sources=("bybit", "deribit")),
            Listed("SPX", Kind.INDEX),
            Listed("ETH", Kind.COIN, on=False),
        )

    async def test_a_run_of_named_tickers_leaves_it_as_it_was(self, tmp_path: Path) -> None:
        path, saved = tmp_path / "state.json", (Listed("SOL", Kind.COIN),)
        save_state(path, State(watchlist=saved))
        state = await self.run(path, ["X"], kept=False)
        assert state.watchlist == saved

    async def test_files_leave_it_as_it_was(self, tmp_path: Path) -> None:
        path, saved = tmp_path / "state.json", (Listed("SOL", Kind.COIN),)
        save_state(path, State(watchlist=saved))
        async with running(MemoryDesk("BTC"), state_path=path) as (_, pilot):
            await press(pilot, "p")
        assert load_state(path)[0] == State("BTC", "profile", watchlist=saved)


class TestRerouting:
    """Beside a process that records: its tickers are read from there while it does."""

    async def test_when_it_ends_the_venues_are_asked_and_that_is_said(self) -> None:
        desk, catalogue = MemoryDesk("BTC", "SPX"), MemoryCatalogue()
        catalogue.shifts, catalogue.recorded = True, {"BTC"}
        btc, spx = desk.tickers
        async with running(desk, editable=editable(desk, catalogue)) as (app, pilot):
            await looked_up(pilot)
            assert desk.routes == {btc: Route(("recorder",)), spx: Route(("cboe",))}
            assert "nobody records" not in text_shown(app)
            catalogue.recorded, catalogue.remark = set(), "nobody records now"
            app._reroute()
            await looked_up(pilot)
            assert desk.routes == {btc: Route(("deribit",)), spx: Route(("cboe",))}
            assert " ! nobody records now" in shown(app)[-2]
            catalogue.recorded, catalogue.remark = {"BTC"}, ""
            app._reroute()
            await looked_up(pilot)
            assert desk.routes[btc] == Route(("recorder",))
            assert "nobody records" not in text_shown(app)

    async def test_a_look_that_is_overtaken_by_an_edit_changes_nothing(self) -> None:
        desk, catalogue = MemoryDesk("BTC", "SPX"), MemoryCatalogue()
        async with running(desk, editable=editable(desk, catalogue)) as (app, pilot):
            before = app._watch.routing()
            await press(pilot, "X")
            app._watch.reroute(before)
            assert chosen(desk) == ["SPX"]
