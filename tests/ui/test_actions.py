"""The registry of actions, and what derives from it."""

from pathlib import Path

import pytest

from gextui.ui.actions import (
    ACTIONS,
    BY_ID,
    DEFAULT_KEYS,
    MANY,
    Group,
    Situation,
    bindings,
    entries,
    keys_page,
    read_keymap,
    run_bindings,
    shown_keys,
    textual_keymap,
)
from gextui.ui.app import GextuiApp
from gextui.ui.keys import UNBOUND, parse_keys

DESIGN = {
    "?": "help",
    "q": "quit",
    "1": "ticker_1",
    "9": "ticker_9",
    "[": "previous_ticker",
    "]": "next_ticker",
    "/": "find",
    "j": "down",
    "k": "up",
    "enter": "explain",
    "escape": "back",
    "g": "view_gex",
    "o": "view_open_interest",
    "v": "view_volume",
    "p": "view_profile",
    "x": "view_heatmap",
    "c": "view_chain",
    "t": "view_changes",
    "m": "view_many",
    "i": "view_volatility",
    "e": "expiry",
    "w": "weight",
    "u": "unit",
    "s": "strike_range",
    "r": "refresh",
    "space": "freeze",
    ",": "step_back",
    ".": "step_forward",
    "y": "copy",
    "<": "earlier_expiry",
    ">": "later_expiry",
}


def test_ids_are_unique_and_no_key_runs_two_actions() -> None:
    assert len(BY_ID) == len(ACTIONS)
    keys = [key for action in ACTIONS for key in action.keys]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize(("key", "action"), DESIGN.items())
def test_keys_are_as_designed(key: str, action: str) -> None:
    assert parse_keys(key)[0] in BY_ID[action].keys


@pytest.mark.parametrize("key", list("bfan"))
def test_keys_of_later_views_are_not_taken(key: str) -> None:
    assert not [action.id for action in ACTIONS if key in action.keys]


def test_no_ctrl_letter_is_needed() -> None:
    for action in ACTIONS:
        if action.id not in ("quit_now", "suspend"):
            assert [key for key in action.keys if not key.startswith("ctrl+")], action.id


@pytest.mark.parametrize("name", BY_ID)
def test_the_app_does_every_action(name: str) -> None:
    does = BY_ID[name].does.partition(":")[0]
    assert callable(getattr(GextuiApp, f"do_{does}"))


def test_every_action_is_explained() -> None:
    for action in ACTIONS:
        assert action.help.endswith("."), action.id
        assert len(action.title) < 30, action.id


def test_the_documented_keys_are_the_real_ones() -> None:
    page = Path(__file__).parents[2] / "docs" / "keys.md"
    assert page.read_text(encoding="utf-8") == keys_page()


def test_the_nine_tickers_are_one_entry() -> None:
    shown = {action.title: keys for action, keys in entries(DEFAULT_KEYS)}
    assert shown["Ticker by number"] == "1–9"
    assert shown["Down"] == "j ↓"
    assert shown["Page down"] == "PgDn J"


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("space", ("space",)),
        ("space,p", ("space", "p")),
        (", .", ("comma", "full_stop")),
        ("? f5  ctrl+r", ("question_mark", "f5", "ctrl+r")),
        ("", ()),
    ],
)
def test_keys_are_read_as_written(text: str, keys: tuple[str, ...]) -> None:
    assert parse_keys(text) == keys


def test_a_rebound_key_is_taken_from_the_action_that_had_it() -> None:
    keys, wrong = read_keymap({"freeze": "p space", "quit": "Q"})
    assert not wrong
    assert keys["freeze"] == ("p", "space")
    assert keys["view_profile"] == ()
    assert textual_keymap(keys) == {"freeze": "p,space", "quit": "Q", "view_profile": UNBOUND}
    assert shown_keys(BY_ID["quit"], keys) == "Q"


@pytest.mark.parametrize(
    ("keymap", "sentence"),
    [
        ({"freez": "p"}, "keys.freez: no action is called that; do you mean freeze?"),
        ({"zzzzz": "p"}, "keys.zzzzz: no action is called that"),
        ({"freeze": ""}, "keys.freeze: no key"),
        (
            {"freeze": "ctrl+"},
            "keys.freeze: 'ctrl+' is no key; give a character, or a name like space, f5, pageup or ctrl+r",
        ),
        ({"freeze": "p", "find": "f p"}, "keys.find: p is freeze's"),
    ],
)
def test_a_wrong_keymap_is_said_and_left_out(keymap: dict[str, str], sentence: str) -> None:
    keys, wrong = read_keymap(keymap)
    assert wrong == [sentence]
    name = sentence.partition(":")[0].removeprefix("keys.")
    assert keys.get(name) == DEFAULT_KEYS.get(name)


def test_bindings_carry_the_ids() -> None:
    of_the_dashboard = {binding.id: binding for binding in run_bindings(everywhere=False)}
    everywhere = {binding.id for binding in run_bindings(everywhere=True)}
    assert everywhere == {"suspend", "quit_now"}
    assert {*of_the_dashboard, *everywhere} == set(BY_ID)
    assert of_the_dashboard["down"].key == "j,down"
    assert [(one.id, one.key, one.action) for one in bindings({"back": "close"})] == [("back", "escape", "close")]


def test_hindrances_are_plain_reasons() -> None:
    nothing = Situation(board=False, tickers=1, replay=False)
    assert BY_ID["expiry"].hindrance(nothing) == "there is no reading yet"
    assert BY_ID["next_ticker"].hindrance(nothing) == "there is only one ticker"
    assert BY_ID["live"].hindrance(nothing) == "this is the newest reading already"
    assert BY_ID["ticker_3"].hindrance(nothing) == "there is no ticker 3"
    assert BY_ID["step_forward"].hindrance(nothing) == "this is the newest reading already"
    assert BY_ID["sides"].hindrance(Situation(board=True, view="gex")).startswith("only the option chain")
    assert BY_ID["sort"].hindrance(Situation(view="gex")) == "only the option chain and the many tickers can be sorted"
    assert BY_ID["refresh"].hindrance(Situation(board=True, recorded=True)).startswith("this is a recorded chain")
    assert BY_ID["explain"].hindrance(Situation(view=MANY)) == ""
    everything = Situation(board=True, tickers=9, replay=True, view="chain")
    assert [action.id for action in ACTIONS if action.hindrance(everything)] == []
    many = Situation(board=True, tickers=9, replay=True, view=MANY)
    only_the_chain = ["sides", "earlier_expiry", "later_expiry", "listed", "columns", "copy_table"]
    assert [action.id for action in ACTIONS if action.hindrance(many)] == only_the_chain


def test_every_group_has_actions() -> None:
    assert {action.group for action in ACTIONS} == set(Group)
