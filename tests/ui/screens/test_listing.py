"""The option chain's dialogs and what its own keys do, in the whole dashboard."""

import base64
from pathlib import Path

import pytest
from textual.widgets import OptionList

from gextui.ui.app import GextuiApp
from gextui.ui.copying import MOST_BYTES, table_text
from gextui.ui.screens.listing import ColumnsDialog, find_listed
from gextui.ui.state import State, load_state, save_state
from gextui.ui.widgets.chain import Chain
from gextui.ui.widgets.chain_columns import EVERY_COLUMN, Rights, Stop
from gextui.ui.widgets.chain_table import Listed, Order
from tests.ui.desk import MemoryDesk
from tests.ui.running import running, settled, text_shown
from tests.ui.test_app import board_of


def chain_of(app: GextuiApp) -> Chain:
    view = board_of(app).view
    assert isinstance(view, Chain)
    return view


@pytest.mark.parametrize(
    ("text", "label", "listed"),
    [
        ("15", "15 strikes around the money", Listed(around=15, held=True)),
        ("90k-110k", "strikes from 90,000 to 110,000", Listed(low=90e3, high=110e3, held=True)),
        ("90,000 - 110,000", "strikes from 90,000 to 110,000", Listed(low=90e3, high=110e3, held=True)),
        ("47.5-", "strikes from 47.5", Listed(low=47.5, held=True)),
        ("-110k", "strikes up to 110,000", Listed(high=110e3, held=True)),
        ("every", "every strike", Listed(held=True)),
        ("open", "also those without open interest", Listed(held=False)),
    ],
)
def test_what_is_typed_is_understood(text: str, label: str, listed: Listed) -> None:
    found = find_listed(Listed(held=True), text)
    assert (found[0].label, found[0].value) == (label, listed)


@pytest.mark.parametrize("text", ["110k-90k", "-", "a-b", "501", "90k-x", "1-2-3"])
def test_what_makes_no_sense_finds_nothing(text: str) -> None:
    assert find_listed(Listed(), text) == []


def test_a_range_leaves_the_other_choices_alone() -> None:
    listed = Listed(Rights.PUTS, around=20, held=True)
    assert find_listed(listed, "90-110")[0].value == Listed(Rights.PUTS, 20, 90.0, 110.0, True)
    every = find_listed(Listed(Rights.PUTS, 20, 90.0, 110.0), "")[0].value
    assert every == Listed(Rights.PUTS)


async def test_contracts_are_chosen_by_what_is_typed() -> None:
    async with running(MemoryDesk("BTC")) as (app, pilot):
        await pilot.press("c", "F", *"95k-105k", "enter")
        await pilot.pause()
        assert chain_of(app).listed == Listed(low=95e3, high=105e3)
        assert "Option chain, strikes from 95,000 to 105,000" in text_shown(app)
        await pilot.press("F", "q", "escape", "escape")
        assert chain_of(app).listed == Listed(low=95e3, high=105e3)
        await pilot.press("F", "enter")
        assert chain_of(app).listed == Listed()


async def test_columns_are_turned_at_once_and_kept_for_next_time(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    async with running(MemoryDesk("BTC"), state_path=path) as (app, pilot):
        await pilot.press("c", "W", "space", "j", "enter", "j", "space")
        assert isinstance(app.screen, ColumnsDialog)
        shown = [name for name in EVERY_COLUMN if name not in ("gex", "open_interest", "bid")]
        assert chain_of(app).columns == tuple(shown)
        first = app.screen.query_one(OptionList).get_option_at_index(0)
        assert str(first.prompt).startswith("□ GEX")
        await pilot.press("space", "W")
        await pilot.pause()
        assert chain_of(app).columns == ("bid", *shown)
        assert "GEX" not in text_shown(app).split("\n")[5]
    assert load_state(path)[0].columns == {"chain": ("bid", *shown)}
    async with running(MemoryDesk("BTC"), state_path=path) as (app, pilot):
        await pilot.press("g")
        await settled(pilot)
    assert load_state(path)[0].columns == {"chain": ("bid", *shown)}


async def test_the_last_column_stays_and_columns_of_another_version_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    save_state(path, State(view="chain", columns={"chain": ("rho", "gex"), "candles": ("open",)}))
    async with running(MemoryDesk("BTC"), state_path=path) as (app, pilot):
        assert chain_of(app).columns == ("gex",)
        await pilot.press("W", "space", "escape")
        assert chain_of(app).columns == ("gex",)
    assert load_state(path)[0].columns == {"chain": ("gex",), "candles": ("open",)}


async def test_tabs_sides_and_the_order_by_their_keys() -> None:
    async with running(MemoryDesk("BTC")) as (app, pilot):
        await pilot.press("c", ">", ">", "<", "l", "O")
        assert chain_of(app).tab is not None
        assert chain_of(app).order == Order(Stop(Rights.PUTS, "gex"))
        assert "29NOV" not in text_shown(app).split("\n")[4]
        await pilot.press("O", "<", "<")
        assert chain_of(app).order == Order(Stop(Rights.PUTS, "gex"), descending=False)
        assert chain_of(app).all
        await pilot.press("g", "O")
        await pilot.pause()
        assert "only the option chain and the many tickers can be sorted" in text_shown(app)


async def test_the_table_is_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TMUX", raising=False)
    written: list[str] = []
    async with running(MemoryDesk("BTC")) as (app, pilot):
        assert app._driver is not None
        await pilot.press("c", "F", *"95k-105k", "enter")
        monkeypatch.setattr(app._driver, "write", written.append)
        await pilot.press("Y")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert "11 rows handed to the terminal's clipboard" in text_shown(app)
    copied = next(text for text in written if text.startswith("\x1b]52;c;"))
    lines = base64.b64decode(copied[7:-1]).decode().splitlines()
    assert [line.split("\t")[3] for line in lines] == ["strike", *(f"{105 - at}000" for at in range(11))]
    assert {line.count("\t") for line in lines} == {3 + 2 * len(EVERY_COLUMN)}


def test_no_more_is_copied_than_a_terminal_takes() -> None:
    text, what = table_text(f"{at:099d}" for at in range(10_000))
    assert len(text) == MOST_BYTES // 100 * 100
    assert what == f"the first {len(text) // 100 - 1:,} rows"
    assert table_text(["names", "row"]) == ("names\nrow\n", "1 row")
    assert table_text([]) == ("", "0 rows")
