"""The one registry of actions: keys, footer, help, command palette and docs/keys.md all derive from it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

from textual.binding import Binding

from gextui.ui.keys import UNBOUND, parse_keys, shown_key

MANY = "many"
"""The view of every ticker at once; it needs no reading of the one that is chosen."""

Keys = Mapping[str, tuple[str, ...]]
"""Every action's keys by its id, Textual's names."""


class Group(StrEnum):
    """Chapters of the help."""

    TICKERS = "Tickers"
    VIEWS = "Views"
    READING = "What is read"
    MOVING = "Moving"
    TIME = "Time"
    PROGRAM = "Program"


@dataclass(frozen=True, slots=True)
class Situation:
    """What decides whether an action applies."""

    board: bool = False
    """Whether there is a reading."""
    tickers: int = 1
    replay: bool = False
    recorded: bool = False
    """Whether the source is a file."""
    fixed: bool = False
    """Whether the tickers are what they are."""
    view: str = ""


Hindrance = Callable[[Situation], str]
"""Why an action does not apply, in plain words; empty when it does."""


def _none(_: Situation) -> str:
    return ""


def _no_board(situation: Situation) -> str:
    return "" if situation.board else "there is no reading yet"


def _one_ticker(situation: Situation) -> str:
    return "" if situation.tickers > 1 else "there is only one ticker"


def _is_live(situation: Situation) -> str:
    return "" if situation.replay else "this is the newest reading already"


def _is_recorded(situation: Situation) -> str:
    return "this is a recorded chain: there is nobody to ask for a newer one" if situation.recorded else ""


def _nothing_to_explain(situation: Situation) -> str:
    return "" if situation.view == MANY else _no_board(situation)


def _no_columns(situation: Situation) -> str:
    return "" if situation.view in (MANY, "chain") else "only the option chain and the many tickers can be sorted"


def _no_tabs(situation: Situation) -> str:
    shown = situation.view in ("chain", "volatility")
    return "" if shown else "only the option chain and the smile show one expiry at a time"


def _only_the_chain(has: str) -> Hindrance:
    return lambda situation: "" if situation.view == "chain" else f"only the option chain has {has}"


def _is_fixed(situation: Situation) -> str:
    return "these are recorded chains: the tickers are those that they hold" if situation.fixed else ""


def _fewer_than(number: int) -> Hindrance:
    return lambda situation: "" if situation.tickers >= number else f"there is no ticker {number}"


@dataclass(frozen=True, slots=True)
class Action:
    """Something a user can do."""

    group: Group
    id: str
    """What the config's ``[keys]`` calls it."""
    default_keys: str
    """Separated by spaces, see `parse_keys`."""
    does: str
    """The app's method, without ``action_``, and after a colon the word it is given."""
    title: str
    """A few words: the palette's line."""
    help: str
    """One sentence."""
    footer: str = ""
    """One word for the footer; empty keeps it out."""
    rank: int = 9
    """How soon the footer gives it up when there is no room: high first."""
    hindrance: Hindrance = _none
    everywhere: bool = False
    """Works inside every dialog too."""

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that run it unless the config gives others."""
        return parse_keys(self.default_keys)


_VIEWS = (
    ("g", "gex", "GEX ladder", "Gamma exposure by strike, puts left and calls right.", "GEX", 1),
    ("o", "open_interest", "Open interest ladder", "Open interest by strike, puts left and calls right.", "OI", 2),
    ("v", "volume", "Volume ladder", "The day's volume by strike, puts left and calls right.", "Vol", 3),
    ("p", "profile", "Gamma profile", "The whole book's gamma if spot were elsewhere.", "Profile", 4),
    ("x", "heatmap", "Heat map", "Net GEX by strike and expiry.", "Heat", 4),
    (
        "c",
        "chain",
        "Option chain",
        "Contracts by expiry: quotes, implied volatilities, greeks, open interest, volume and GEX.",
        "Chain",
        3,
    ),
    (
        "t",
        "changes",
        "Change over time",
        "What changed by strike over 1 to 30 minutes; once more for levels over time.",
        "Change",
        3,
    ),
    (
        "H",
        "history",
        "Levels over time",
        "Spot, zero gamma, walls and net GEX over the last hour to the last month.",
        "History",
        6,
    ),
    ("d", "expiries", "By expiry", "GEX, forward and IV of each expiry.", "Dates", 5),
    (
        "i",
        "volatility",
        "Implied volatility",
        "The smile; left and right, or once more, for the term structure with 25-delta skew, the IV rank, and puts "
        "against calls.",
        "IV",
        4,
    ),
    (
        "m",
        MANY,
        "Many tickers",
        "A row a ticker, in your order or sorted; Enter goes to one, once more goes back.",
        "Many",
        4,
    ),
)

_T, _R, _M, _H, _P = Group.TICKERS, Group.READING, Group.MOVING, Group.TIME, Group.PROGRAM

ACTIONS: tuple[Action, ...] = (
    *(
        Action(_T, f"ticker_{n}", str(n), f"ticker:{n}", "Ticker by number", "Show the ticker with that number.",
               hindrance=_fewer_than(n))
        for n in range(1, 10)
    ),
    Action(_T, "previous_ticker", "[", "turn:-1", "Previous ticker", "Show the ticker to the left.",
           hindrance=_one_ticker),
    Action(_T, "next_ticker", "]", "turn:1", "Next ticker", "Show the ticker to the right.", hindrance=_one_ticker),
    Action(_T, "watchlist", "M", "edit:open", "Edit the watchlist",
           "Add, remove, move and switch tickers, and choose their sources; kept for next time.", "List", 7, _is_fixed),
    Action(_T, "add_ticker", "A", "edit:add", "Add a ticker",
           "Watch another ticker; whoever lists options is asked for a name that is not known here.",
           hindrance=_is_fixed),
    Action(_T, "remove_ticker", "delete", "edit:remove", "Remove this ticker", "Watch this ticker no more.",
           hindrance=_is_fixed),
    Action(_T, "move_left", "{", "edit:left", "Move this ticker left", "Put it before the one to its left.",
           hindrance=_is_fixed),
    Action(_T, "move_right", "}", "edit:right", "Move this ticker right", "Put it after the one to its right.",
           hindrance=_is_fixed),
    Action(_T, "switch_ticker", "X", "edit:switch", "Switch this ticker off",
           "Keep it in the list, but neither read nor record it; in the list, on again.", hindrance=_is_fixed),
    Action(_T, "ticker_sources", "Z", "edit:sources", "Choose this ticker's sources",
           "One source, several in the order in which they stand in for each other, or the sum of several.",
           hindrance=_is_fixed),
    *(
        Action(Group.VIEWS, f"view_{view}", key, f"view:{view}", title, text, footer, rank)
        for key, view, title, text, footer, rank in _VIEWS
    ),
    Action(_R, "expiry", "e", "choose:expiry", "Choose expiries",
           "Read all expiries, the nearest, today's, this week's, monthlies, those within some days, or single dates.",
           "Expiry", 2, _no_board),
    Action(_R, "weight", "w", "choose:weight", "Choose the weight",
           "Weigh contracts by open interest, by the day's volume, or by the open interest that is new.", "Weight", 4,
           _no_board),
    Action(_R, "unit", "u", "choose:unit", "Choose the unit",
           "Show GEX in USD per 1% or per 1 USD move, in units of the underlying, or as a share of gross; "
           "a coin ETF's prices in the coin.", "Unit", 6,
           _no_board),
    Action(_R, "strike_range", "s", "choose:strike_range", "Choose the strike range",
           "Read only strikes within so many percent of spot.", "Range", 4, _no_board),
    Action(_R, "sign", "S", "choose:sign", "Choose the sign convention",
           "Say who is assumed to hold what; nobody publishes it, and it decides the sign of every number.",
           hindrance=_no_board),
    Action(_M, "find", "/", "find", "Find a strike or a ticker", "A number goes to that strike, letters to a ticker.",
           "Find", 2),
    Action(_M, "down", "j down", "move:1", "Down", "Move the cursor down a row."),
    Action(_M, "up", "k up", "move:-1", "Up", "Move the cursor up a row."),
    Action(_M, "left", "h left", "shift:-1", "Left", "Move sideways: earlier expiries, columns leftward, less time."),
    Action(_M, "right", "l right", "shift:1", "Right", "Move sideways: later expiries, columns rightward, more time."),
    Action(_M, "page_down", "pagedown J", "page:1", "Page down", "Move the cursor down a page."),
    Action(_M, "page_up", "pageup K", "page:-1", "Page up", "Move the cursor up a page."),
    Action(_M, "levels", "tab", "levels", "To the levels and back",
           "Put the cursor among the levels; where they have no room beside the view, show them in its place.",
           "Levels", 5, _no_board),
    Action(_M, "explain", "enter", "explain", "Explain",
           "Explain the number under the cursor: formula, inputs, and the contracts that weigh most.", "Explain", 6,
           _nothing_to_explain),
    Action(_M, "zoom_in", "+ =", "zoom:1", "Zoom in", "Show strikes closer together."),
    Action(_M, "zoom_out", "-", "zoom:-1", "Zoom out", "Show strikes further apart."),
    Action(_M, "sides", "C", "alternate", "Calls, puts or both", "In the option chain: both sides, calls, or puts.",
           hindrance=_only_the_chain("sides to choose from")),
    Action(_M, "earlier_expiry", "<", "tab:-1", "Earlier expiry",
           "In the option chain and the smile: the tab to the left; leftmost are all expiries, or several smiles.",
           hindrance=_no_tabs),
    Action(_M, "later_expiry", ">", "tab:1", "Later expiry", "In the option chain and the smile: the tab to the right.",
           hindrance=_no_tabs),
    Action(_M, "sort", "O", "sort", "Sort by this column",
           "In the option chain and the view of many tickers: by the column under the cursor, once more the other way "
           "round, then in the usual order again.",
           hindrance=_no_columns),
    Action(_M, "listed", "F", "table:listed", "Choose the contracts listed",
           "In the option chain: strikes around the money, a range of strikes, or only with open interest.",
           hindrance=_only_the_chain("contracts to choose from")),
    Action(_M, "columns", "W", "table:columns", "Choose the columns",
           "In the option chain: which columns are shown; kept for next time.",
           hindrance=_only_the_chain("columns to choose from")),
    Action(_M, "recentre", "0 home", "recentre", "Back to spot", "Put spot in the middle and follow it."),
    Action(_H, "freeze", "space", "freeze", "Freeze the screen",
           "Hold the screen still while data keeps arriving and is counted; once more to go on.", "Freeze", 7,
           _no_board),
    Action(_H, "step_back", ",", "step:-1", "Step back in history", "Show the reading recorded before this one.",
           "Back", 8, _no_board),
    Action(_H, "step_forward", ".", "step:1", "Step forward in history", "Show the reading recorded after this one.",
           "Forward", 9, _is_live),
    Action(_H, "live", "L", "live", "Back to live", "Leave history and show the newest reading.", "Live", 9,
           _is_live),
    Action(_H, "refresh", "r", "ask", "Refresh", "Ask the source for a new chain now.",
           hindrance=_is_recorded),
    Action(_P, "reading", "!", "reading", "About this reading",
           "Source, time, filters, what was left out of the numbers, and why to doubt them.", hindrance=_no_board),
    Action(_P, "sources", "z", "sources", "Sources",
           "Every source and connection: state, age, subscriptions, reconnects, rejects by reason; and the database.",
           "Sources", 8),
    Action(_P, "copy", "y", "copy:levels", "Copy the levels", "Copy every level as text; works over ssh and in tmux.",
           "Copy", 8, _no_board),
    Action(_P, "copy_table", "Y", "copy:table", "Copy the table",
           "Copy the option chain as listed: all its columns and rows, tab-separated, numbers in full.",
           hindrance=_only_the_chain("rows to copy")),
    Action(_P, "commands", ":", "commands", "All commands", "Find any action by its name."),
    Action(_P, "theme", "T", "choose:theme", "Choose the theme", "Dark, light, or the terminal's own colours."),
    Action(_P, "repaint", "R ctrl+l", "repaint", "Repaint", "Draw the screen anew, should the terminal garble it."),
    Action(_P, "suspend", "ctrl+z", "suspend", "Suspend", "Go to the shell; `fg` comes back.", everywhere=True),
    Action(_P, "back", "escape", "back", "Back", "Close a dialog; leave the levels, the history or the freeze."),
    Action(_P, "help", "?", "help", "Help", "Show every key, and what the screen means.", "Help", 0),
    Action(_P, "quit", "q", "quit", "Quit", "Close a dialog, or leave gextui.", "Quit", 7),
    Action(_P, "quit_now", "ctrl+c", "quit", "Quit from anywhere", "Leave gextui, whatever is open.", everywhere=True),
)  # fmt: skip

BY_ID: Mapping[str, Action] = {action.id: action for action in ACTIONS}
DEFAULT_KEYS: Keys = {action.id: action.keys for action in ACTIONS}


def read_keymap(keymap: Mapping[str, str]) -> tuple[Keys, list[str]]:
    """Every action's keys under the config's ``[keys]``, and what is wrong with it, one plain sentence each.

    A key that the config gives to one action is taken from the action that has it by default. An entry that is wrong
    is left out.
    """
    given: dict[str, tuple[str, ...]] = {}
    owner: dict[str, str] = {}
    wrong = []
    for name, text in keymap.items():
        if name not in BY_ID:
            near = get_close_matches(name, BY_ID, 1)
            wrong.append(f"keys.{name}: no action is called that" + (f"; do you mean {near[0]}?" if near else ""))
            continue
        try:
            keys = parse_keys(text)
        except ValueError as error:
            wrong.append(f"keys.{name}: {error}")
            continue
        twice = [key for key in keys if key in owner]
        if twice or not keys:
            wrong.append(f"keys.{name}: " + (f"{shown_key(twice[0])} is {owner[twice[0]]}'s" if twice else "no key"))
            continue
        given[name] = keys
        owner.update(dict.fromkeys(keys, name))
    return {
        action.id: given.get(action.id) or tuple(key for key in action.keys if key not in owner) for action in ACTIONS
    }, wrong


def textual_keymap(keys: Keys) -> dict[str, str]:
    """What `App.set_keymap` takes."""
    return {name: ",".join(own) or UNBOUND for name, own in keys.items() if own != DEFAULT_KEYS[name]}


def bindings(calls: Mapping[str, str], *, at_once: bool = False) -> list[Binding]:
    """Bindings under the actions' rebindable ids: a dialog's, from action ids to the dialog's own actions.

    ``at_once`` has a key acted on before the next is looked at, so that of ``A`` and a name typed in one breath, as
    they come over a slow line, the name goes into the dialog that ``A`` opens.
    """
    return [
        Binding(",".join(BY_ID[name].keys), call, BY_ID[name].title, id=name, show=False, priority=at_once)
        for name, call in calls.items()
    ]


def run_bindings(*, everywhere: bool) -> list[Binding]:
    """The app's bindings to run every action: those that work everywhere, or those of the dashboard alone."""
    wanted = [action.id for action in ACTIONS if action.everywhere is everywhere]
    calls = {name: f"app.run('{name}')" for name in wanted}
    # Not at once where the key went to a dialog that has closed meanwhile.
    return [*bindings(calls, at_once=True), *bindings(calls)]


def shown_keys(action: Action, keys: Keys) -> str:
    """An action's keys as a user reads them: ``j ↓``."""
    return " ".join(shown_key(key) for key in keys[action.id])


def entries(keys: Keys, actions: Iterable[Action] = ACTIONS) -> list[tuple[Action, str]]:
    """The actions, each with its keys as read; neighbours of one title (the nine tickers) are one entry."""
    found: list[tuple[Action, str]] = []
    for action in actions:
        shown = shown_keys(action, keys)
        if found and found[-1][0].title == action.title:
            found[-1] = (found[-1][0], f"{found[-1][1].partition('–')[0]}–{shown}")
        else:
            found.append((action, shown))
    return found


def keys_page() -> str:
    """The text of docs/keys.md."""
    lines = [
        "# Keys",
        "",
        "Every key can be changed: in the `[keys]` table of `config.toml` name the action's id and its keys, separated",
        'by spaces: `freeze = "space F"`. A character stands for itself; other keys go by name (`space`, `tab`, `f5`,',
        "`pageup`, `ctrl+r`). Inside the dashboard `?` shows this list with your own keys, and `:` finds any action by",
        "its name.",
    ]
    for group in Group:
        lines += ["", f"## {group}", "", "| keys | what it does | id |", "|---|---|---|"]
        for action, keys in entries(DEFAULT_KEYS, (action for action in ACTIONS if action.group is group)):
            name = f"`{action.id}` to `ticker_9`" if "–" in keys else f"`{action.id}`"
            shown = " ".join(f"`{key}`" for key in keys.split())
            lines.append(f"| {shown} | **{action.title}**: {action.help} | {name} |")
    return "\n".join(lines) + "\n"
