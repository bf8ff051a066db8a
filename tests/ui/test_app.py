"""The dashboard, driven by its keys."""

import gc
from pathlib import Path

import pytest
from textual.events import Paste, Resize
from textual.geometry import Size
from textual.widgets import Input, OptionList

from gextui.exposure.filters import Filters, Sign, Weight
from gextui.ui.actions import ACTIONS, BY_ID
from gextui.ui.app import GextuiApp
from gextui.ui.format import Unit
from gextui.ui.screens.dashboard import Dashboard
from gextui.ui.state import State, load_state, save_state
from gextui.ui.views import VIEWS
from gextui.ui.widgets.lines import LineView
from tests.ui.desk import NOW, MemoryDesk
from tests.ui.running import SIZES, dashboard, running, settled, shown, terminal, text_shown


def board_of(app: GextuiApp) -> Dashboard:
    screen = app.screen_stack[0]
    assert isinstance(screen, Dashboard)
    return screen


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_every_key_does_what_its_action_says(size: tuple[int, int]) -> None:
    ran: list[str] = []

    class Listening(GextuiApp):
        async def action_run(self, action_id: str) -> None:
            ran.append(action_id)
            await super().action_run(action_id)

    app = Listening(MemoryDesk("BTC", "SPX", "IBIT"), capabilities=terminal(), now=lambda: NOW)
    async with app.run_test(size=size) as pilot:
        for action in ACTIONS:
            if action.does == "quit":
                continue
            for key in action.keys:
                ran.clear()
                await pilot.press(key)
                assert ran == [action.id], key
                if len(app.screen_stack) > 1:
                    await app.pop_screen()
        await pilot.press("q")
    assert app.return_code == 0


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_every_view_shows_at_every_size(size: tuple[int, int]) -> None:
    async with running(size=size) as (app, pilot):
        for view in VIEWS:
            await pilot.press(BY_ID[f"view_{view}"].keys[0])
            lines = (await settled(pilot)).split("\n")
            assert [len(line) for line in lines] == [size[0]] * size[1], view
            widget = board_of(app).view
            assert widget is not None
            assert widget.display
            assert widget.size.width >= 40
            assert "98,412" in lines[0] + lines[1]


async def test_the_layouts_differ_by_size_and_say_what_matters() -> None:
    async with running(size=(120, 36)) as (app, pilot):
        wide = await settled(pilot)
        assert "gextui  1 BTC   2 SPX   3 IBIT" in wide
        assert "╭─ Levels ─" in wide
        await pilot.resize_terminal(80, 24)
        normal = await settled(pilot)
        assert "┌─ Levels ─" in normal
        assert "╭" not in normal
        await pilot.resize_terminal(60, 20)
        await pilot.pause()
        lines = shown(app)
        assert lines[0].startswith(" BTC 98,412.5 +1.24%  γ+  Net +45.2M/1%")
        assert lines[0].endswith("● 14:32 ")
        assert lines[1].startswith(" CW 100,000  ZG 98,080  PW 95,000  MP 99,000  EM ±1,862 ")
        assert "Levels ─" not in "\n".join(lines)
        await pilot.resize_terminal(39, 20)
        await pilot.pause()
        assert text_shown(app).strip() == "needs 40x12, is 39x20"
        await pilot.resize_terminal(120, 11)
        await pilot.pause()
        assert text_shown(app).strip() == "needs 40x12, is 120x11"
        await pilot.resize_terminal(120, 36)
        assert await settled(pilot) == wide


@pytest.mark.parametrize("key", ["x", "c", "d"])
async def test_a_table_takes_the_whole_width_at_the_middle_size(key: str) -> None:
    async with running(size=(80, 24)) as (app, pilot):
        assert "Levels" in await settled(pilot)
        await pilot.press(key)
        table = await settled(pilot)
        assert "Levels" not in table
        assert shown(app)[2].startswith(" CW 100,000  ZG 98,080  PW 95,000  MP 99,000  EM ±1,862 ")
        view = board_of(app).view
        assert view is not None
        assert view.size.width == 80
        await pilot.press("tab")
        assert "┌─ Levels ─" in await settled(pilot)
        assert not shown(app)[2].startswith(" CW ")
        await pilot.press("tab")
        assert await settled(pilot) == table
        await pilot.press("g")
        assert "Levels" in await settled(pilot)


@pytest.mark.parametrize("view", ["gex", "profile"])
async def test_no_size_is_too_odd(view: str, tmp_path: Path) -> None:
    save_state(tmp_path / "state.json", State(view=view))
    sizes = [(1, 1), (10, 3), (500, 200), (40, 12), (3, 60), (76, 24), (75, 24)]
    async with running(size=(80, 24), state_path=tmp_path / "state.json") as (app, pilot):
        for size in sizes:
            await pilot.resize_terminal(*size)
            assert [len(line) for line in shown(app)] == [size[0]] * size[1]


async def test_a_storm_of_sizes_ends_in_the_last() -> None:
    async with running(size=(80, 24)) as (app, pilot):
        for number in range(1_000):
            size = Size(20 + number % 100, 5 + number % 40)
            app.post_message(Resize(size, size))
        await pilot.resize_terminal(120, 36)
        assert "╭─ Levels ─" in await settled(pilot)


async def test_numbers_brackets_and_find_choose_the_ticker() -> None:
    async with running(MemoryDesk("BTC", "SPX", "IBIT")) as (app, pilot):
        for key, symbol in (("2", "SPX"), ("]", "IBIT"), ("]", "BTC"), ("[", "IBIT"), ("1", "BTC")):
            await pilot.press(key)
            await pilot.pause()
            assert shown(app)[1].startswith(f" {symbol} ")
        await pilot.press("7")
        await pilot.pause()
        assert "there is no ticker 7" in text_shown(app)
        await pilot.press("/", "i", "b", "enter")
        await pilot.pause()
        assert shown(app)[1].startswith(" IBIT 56.32")


async def test_find_goes_to_a_strike_and_the_cursor_follows_to_other_views() -> None:
    async with running() as (app, pilot):
        await pilot.press("/", *"105k", "enter")
        await pilot.pause()
        view = board_of(app).view
        assert view is not None
        assert view.selected_strike() == 105_000.0
        await pilot.press("o")
        await settled(pilot)
        other = board_of(app).view
        assert other is not None
        assert other is not view
        assert other.selected_strike() == 105_000.0
        await pilot.press("0")
        assert other.selected_strike() is None


async def test_enter_explains_the_row_and_tab_the_levels() -> None:
    async with running() as (app, pilot):
        await pilot.press("enter")
        await pilot.pause()
        assert "put the cursor on a number first" in text_shown(app)
        await pilot.press("/", *"100000", "enter", "enter")
        await pilot.pause()
        assert "GEX at 100,000" in text_shown(app)
        assert "The 10 contracts that weigh most" in text_shown(app)
        await pilot.press("q", "tab", "k", "enter")
        await pilot.pause()
        assert "the strike with the largest sum of call GEX over expiries" in text_shown(app)
        await pilot.press("escape", "escape")
        await pilot.pause()
        assert not board_of(app).in_levels


async def test_the_levels_take_the_place_of_the_view_where_there_is_no_room() -> None:
    async with running(size=(60, 20)) as (app, pilot):
        assert "Put wall" not in text_shown(app)
        await pilot.press("tab")
        await pilot.pause()
        assert "Put wall" in text_shown(app)
        assert "SPOT" not in text_shown(app)
        await pilot.press("tab")
        await pilot.pause()
        assert "SPOT" in text_shown(app)


@pytest.mark.parametrize(
    ("keys", "filters"),
    [
        ("e2", Filters(expiry="front")),
        ("ejj enter", Filters(expiry="0dte")),
        ("e4", Filters(expiry="week")),
        ("e5", Filters(expiry="monthly")),
        ("e9", Filters(expiry="2026-11-28")),
        ("e13", Filters(expiry="2027-06-26")),
        ("w2", Filters(weight=Weight.VOLUME)),
        ("s4", Filters(strike_range=10.0)),
        ("S3", Filters(sign=Sign.CUSTOMER)),
    ],
)
async def test_pickers_choose_by_number_and_by_moving(keys: str, filters: Filters) -> None:
    desk = MemoryDesk("BTC")
    async with running(desk) as (app, pilot):
        first, _, last = keys.partition(" ")
        await pilot.press(*first, *([last] if last else []))
        await pilot.pause()
        assert len(app.screen_stack) == 1
        assert desk.calls == [("watch", "BTC", filters)]


async def test_a_number_waits_while_it_may_become_another() -> None:
    desk = MemoryDesk("BTC")
    async with running(desk) as (app, pilot):
        await pilot.press("e", "1")
        await pilot.pause()
        assert app.screen.query_one(OptionList).highlighted == 0
        await pilot.press("2")
        await pilot.pause()
        assert desk.calls == [("watch", "BTC", Filters(expiry="2027-03-06"))]


async def test_a_picker_begins_at_the_current_choice_and_q_leaves_it() -> None:
    desk = MemoryDesk("BTC")
    async with running(desk) as (app, pilot):
        await pilot.press("s", "4")
        await pilot.pause()
        assert "K ±10%" in shown(app)[1]
        await pilot.press("s")
        await pilot.pause()
        assert app.screen.query_one(OptionList).highlighted == 3
        await pilot.press("q")
        await pilot.pause()
        assert app.is_running
        assert len(desk.calls) == 1


async def test_the_unit_and_the_theme_are_chosen() -> None:
    async with running() as (app, pilot):
        await pilot.press("u", "4")
        await pilot.pause()
        assert "Net +2.90%" in shown(app)[1]
        assert "% of gross" in text_shown(app)
        await pilot.press("T", "2")
        await pilot.pause()
        assert app.theme == "light"


async def test_space_freezes_and_counts() -> None:
    desk = MemoryDesk()
    async with running(desk) as (app, pilot):
        await pilot.press("space")
        before = text_shown(app)
        assert " FROZEN " in before
        assert "Space Freeze" in before
        for _ in range(2):
            desk.put(desk.tickers[0], shift=0.05)
            app.pull()
        await pilot.pause()
        assert " FROZEN +2 " in text_shown(app)
        assert shown(app)[2:-1] == before.split("\n")[2:-1]
        await pilot.press("space")
        await pilot.pause()
        assert "FROZEN" not in text_shown(app)
        assert "103,333.1" in shown(app)[1]


async def test_history_shows_its_instant_and_is_left_by_capital_l_or_esc() -> None:
    desk = MemoryDesk("BTC")
    async with running(desk) as (app, pilot):
        for leave in ("L", "escape"):
            await pilot.press(",")
            await pilot.pause()
            assert " REPLAY " in text_shown(app)
            assert "14:27:10 UTC" in shown(app)[0]
            await pilot.press(leave)
            await pilot.pause()
            assert "REPLAY" not in text_shown(app)
        await pilot.press("L")
        await pilot.pause()
        assert "this is the newest reading already" in text_shown(app)


async def test_a_step_beyond_either_end_of_what_is_recorded_is_answered() -> None:
    async with running(MemoryDesk("BTC")) as (app, pilot):
        await pilot.press(".")
        assert "this is the newest reading already" in await settled(pilot)
        await pilot.press(",")
        assert "nothing older" not in await settled(pilot)
        for _ in range(2):
            await pilot.press(",")
            assert shown(app)[-1].strip() == "nothing older is recorded"
            app._watch.message = ""
            assert "nothing older" not in await settled(pilot)


async def test_stale_values_stay_and_are_dimmed() -> None:
    desk = MemoryDesk()
    async with running(desk) as (app, pilot):
        before = shown(app)
        desk.stale, desk.age = True, 42.0
        app.pull()
        await pilot.pause()
        assert "deribit ● no data since 14:31:28 UTC (40 s)" in shown(app)[0]
        assert "98,412.5" in shown(app)[1]
        view = board_of(app).view
        assert isinstance(view, LineView)
        assert view.stale
        assert board_of(app).sidebar.stale
        assert shown(app)[3:30] == before[3:30]


async def test_without_a_board_it_says_what_it_waits_for_and_every_key_is_harmless() -> None:
    desk = MemoryDesk("BTC", empty=True)
    async with running(desk) as (app, pilot):
        assert "waiting for BTC from deribit" in text_shown(app)
        for action in ACTIONS:
            if action.does != "quit":
                await pilot.press(action.keys[0])
                if len(app.screen_stack) > 1:
                    await app.pop_screen()
        desk.put(desk.tickers[0])
        app.pull()
        await pilot.pause()
        assert "waiting" not in text_shown(app)
        assert "98,412" in text_shown(app)


async def test_nothing_is_painted_while_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = MemoryDesk()
    async with running(desk) as (app, pilot):
        await pilot.pause()
        painted: list[object] = []
        monkeypatch.setattr(app, "_display", lambda *given: painted.append(given))
        for _ in range(20):
            desk.age = 0.5
            app._tick()
            await pilot.pause()
        assert painted == []
        desk.put(desk.tickers[0], shift=0.001)
        app._tick()
        await pilot.pause()
        assert painted


async def test_a_slow_line_is_pulled_for_less_often() -> None:
    desk = MemoryDesk()
    async with running(desk) as (app, _):
        pulls: list[int] = []
        original = app.pull
        app.pull = lambda: (pulls.append(1), original())[1]  # type: ignore[method-assign, func-returns-value]
        app.frames_dropped += 1
        for _ in range(8):
            app._tick()
        assert len(pulls) == 5


async def test_help_lists_every_action_with_the_users_keys_and_narrows() -> None:
    async with running(keymap={"freeze": "z"}, size=(120, 120)) as (app, pilot):
        await pilot.press("?")
        await pilot.pause()
        text = text_shown(app)
        for action in ACTIONS:
            assert action.title in text
        assert "z          Freeze the screen" in text
        await pilot.press("/", *"freeze")
        await pilot.pause()
        narrowed = text_shown(app)
        assert "Freeze the screen" in narrowed
        assert "Ticker by number" not in narrowed
        await pilot.press("enter", "q")
        await pilot.pause()
        assert len(app.screen_stack) == 1


async def test_a_page_scrolls_by_the_moving_keys() -> None:
    async with running(size=(60, 20)) as (app, pilot):
        await pilot.press("?")
        await pilot.pause()

        def page() -> list[str]:
            return [line[:56] for line in shown(app)]  # without the scroll bar

        top = page()
        assert " Tickers " in top[1]
        await pilot.press("j", "j")
        await pilot.pause()
        assert page()[1:5] == top[3:7]
        await pilot.press("J")
        await pilot.pause()
        assert top[1] not in page()
        await pilot.press("home")
        await pilot.pause()
        assert page() == top


async def test_the_palette_runs_what_is_found() -> None:
    async with running() as (app, pilot):
        await pilot.press(":", *"heat", "enter")
        await settled(pilot)
        assert "x Heat" in shown(app)[-1]
        assert "Net GEX by strike and expiry" in text_shown(app)


async def test_backspace_on_nothing_closes_a_search() -> None:
    async with running() as (app, pilot):
        await pilot.press("/", "a", "backspace")
        await pilot.pause()
        assert isinstance(app.focused, Input)
        await pilot.press("backspace")
        await pilot.pause()
        assert len(app.screen_stack) == 1


async def test_a_huge_paste_is_harmless() -> None:
    async with running() as (app, pilot):
        app.post_message(Paste("x" * 1_000_000))
        await pilot.press("/")
        await pilot.pause()
        app.screen.query_one(Input).post_message(Paste("105,000\n" + "y" * 1_000_000))
        await pilot.pause()
        assert app.screen.query_one(Input).value == "105,000"


async def test_rebound_keys_work_and_a_wrong_keymap_is_said() -> None:
    async with running(keymap={"view_heatmap": "Z", "nonsense": "p", "down": "n"}) as (app, pilot):
        assert shown(app)[-1].strip() == "keys.nonsense: no action is called that"
        await pilot.press("Z")
        await settled(pilot)
        assert "Net GEX by strike and expiry" in text_shown(app)
        await pilot.press("e", "n", "enter")
        await pilot.pause()
        assert "exp front" in shown(app)[1]


async def test_where_the_user_left_off_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    async with running(MemoryDesk("BTC", "SPX"), state_path=path, theme=None) as (app, pilot):
        await pilot.press("2", "o", "u", "2", "e", "2", "-", "T", "2")
        await pilot.pause()
    saved, trouble = load_state(path)
    assert not trouble
    assert saved == State(
        "SPX", "open_interest", Unit.POINT_MOVE, "light", {"SPX": Filters("front")}, {"open_interest": -1}
    )
    async with running(MemoryDesk("BTC", "SPX"), state_path=path, theme=None) as (app, pilot):
        await settled(pilot)
        assert shown(app)[1].startswith(" SPX ")
        assert app.theme == "light"
        assert "exp front" in shown(app)[1]
        view = board_of(app).view
        assert view is not None
        assert view.zoom_level == -1


async def test_a_killed_process_has_kept_what_was_chosen_a_moment_before(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    others = State("ETH", filters={"ETH": Filters("front")})
    save_state(path, others)
    async with running(MemoryDesk("BTC", "SPX"), state_path=path, theme="light") as (app, pilot):
        await pilot.press("2", "x", "s", "3")
        app._remember_changes()
        await app.workers.wait_for_complete()
        kept, _ = load_state(path)
        # Neither the theme that the command line asked for, nor what was chosen for tickers that are not here, is lost.
        assert kept == State("SPX", "heatmap", filters={"ETH": Filters("front"), "SPX": Filters(strike_range=5.0)})
        written = path.stat().st_mtime_ns
        app._remember_changes()
        await app.workers.wait_for_complete()
        assert path.stat().st_mtime_ns == written


async def test_a_broken_state_is_said_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_text("{", encoding="utf-8")
    async with running(state_path=path) as (app, _):
        assert "state.json is damaged; starting afresh" in text_shown(app)
    assert load_state(path)[1] == ""


async def test_a_view_of_another_version_gives_way_to_the_ladder(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    save_state(path, State(view="candles"))
    async with running(state_path=path) as (app, _):
        assert "GEX by strike" in text_shown(app)


async def test_the_command_line_says_which_ticker_comes_first(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    save_state(path, State(ticker="BTC"))
    async with running(MemoryDesk("BTC", "SPX"), state_path=path, ticker="SPX") as (app, _):
        assert shown(app)[1].startswith(" SPX ")


async def test_levels_are_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TMUX", raising=False)
    written: list[str] = []
    async with running() as (app, pilot):
        assert app._driver is not None
        monkeypatch.setattr(app._driver, "write", written.append)
        await pilot.press("y")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert "levels handed to the terminal's clipboard" in text_shown(app)
    assert [text for text in written if text.startswith("\x1b]52;c;")]


async def test_a_bug_ends_the_app_without_showing_values(capsys: pytest.CaptureFixture[str]) -> None:
    app = dashboard()

    def broken(secret: str = "canary-5f2c") -> None:
        raise RuntimeError("broken")

    async def run() -> None:
        async with app.run_test() as pilot:
            app.call_later(broken)
            await pilot.pause()

    with pytest.raises(RuntimeError, match="broken"):
        await run()
    assert isinstance(app.crash, RuntimeError)
    assert app.return_code == 1
    out, err = capsys.readouterr()
    assert "canary" not in out + err


@pytest.mark.parametrize(
    ("environment", "theme"),
    [
        ({}, "dark"),
        ({"COLORTERM": "", "TERM": "xterm"}, "ansi"),
        ({"NO_COLOR": "1"}, "ansi"),
        ({"SSH_CONNECTION": "1 2 3 4"}, "ansi"),
    ],
)
async def test_the_theme_suits_the_terminal(environment: dict[str, str], theme: str) -> None:
    async with running(theme=None, capabilities=terminal(**environment)) as (app, _):
        assert app.theme == theme


async def test_an_unknown_theme_is_said() -> None:
    async with running(theme="mauve") as (app, _):
        assert "no theme is called mauve; there are dark, light, ansi" in text_shown(app)


async def test_ascii_is_all_that_a_plain_terminal_gets() -> None:
    async with running(capabilities=terminal(LANG="C")) as (app, pilot):
        for key in "gxtd":
            await pilot.press(key)
            await pilot.pause()
            svg_text = [
                segment.text
                for line in app.screen._compositor.render_strips()
                for segment in line.apply_filter(app.get_line_filters()[0], app.screen.styles.background)
            ]
            assert "".join(svg_text).isascii(), key


async def test_the_collector_leaves_alone_what_lives_to_the_end() -> None:
    async with running():
        assert gc.get_freeze_count() > 0
    gc.unfreeze()
