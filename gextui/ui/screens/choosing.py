"""What there is to choose: expiries, weight, strike range, sign, unit, theme."""

from dataclasses import dataclass
from typing import Any

from gextui.exposure.board import Board
from gextui.exposure.filters import Filters, Sign, Weight, expiry_date
from gextui.market.coin import PriceAxis
from gextui.market.ticker import Session
from gextui.ui import format as fmt
from gextui.ui.coin_words import other_unit
from gextui.ui.format import Unit
from gextui.ui.screens.picker import Choice, Picker
from gextui.ui.themes import THEMES

_RANGES = (2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 50.0)


@dataclass(frozen=True, slots=True)
class Setting:
    """A filter's value; None is a value too (no limit)."""

    setting: Any


def picker_for(what: str, board: Board | None, filters: Filters, current: object) -> Picker[Any]:
    """The picker of a filter (its field's name), of the unit (and a coin ETF's axis) or of the theme.

    Raises:
        KeyError: there is nothing to choose by that name.
    """
    if what == "unit":
        units = [Choice(unit, unit.label("units" if board is None else board.unit)) for unit in Unit]
        return Picker("Unit of GEX", [*units, *_other_axis(board)], current)
    if what == "theme":
        notes = {"dark": "gextui's own, dark", "light": "gextui's own, light", "ansi": "the terminal's colours"}
        return Picker("Theme", [Choice(name, name, notes.get(name, "")) for name in THEMES], current)
    title, choices = {
        "expiry": ("Expiries", _expiries(board)),
        "weight": ("Weight", _WEIGHTS),
        "strike_range": ("Strikes", _STRIKES),
        "sign": ("Sign convention", _SIGNS),
    }[what]
    return Picker(title, choices, Setting(getattr(filters, what)))


def _other_axis(board: Board | None) -> list[Choice[Any]]:
    """For a coin ETF, to tell prices in the coin, or in the share again."""
    if board is None or not other_unit(board):
        return []
    axis = PriceAxis.COIN if board.axis is PriceAxis.SHARE else PriceAxis.SHARE
    return [Choice(axis, f"prices in {other_unit(board)}", f"not in {board.unit}")]


_WEIGHTS = [
    Choice(Setting(Weight.OPEN_INTEREST), "open interest", "every contract that is held"),
    Choice(Setting(Weight.VOLUME), "volume", "what was traded today"),
    Choice(Setting(Weight.ACTIVE), "new open interest", "its change since yesterday"),
]
_STRIKES = [
    Choice(Setting(None), "all"),
    *(Choice(Setting(percent), f"within {percent:g}%", "of spot") for percent in _RANGES),
]
_SIGNS = [
    Choice(Setting(Sign.DEALER_LONG_CALLS), "dealers long calls, short puts", "calls +, puts -"),
    Choice(Setting(Sign.DEALER_SHORT_BOTH), "dealers short both", "calls -, puts -"),
    Choice(Setting(Sign.CUSTOMER), "customers' side", "calls -, puts +"),
]


def _monthlies(board: Board | None) -> str:
    if board is not None and board.ticker.symbol == "VIX":
        return "30 days before the next month's third Friday"
    last = board is not None and board.ticker.session is Session.UTC
    return f"{'last' if last else 'third'} Fridays of a month"


def _expiries(board: Board | None) -> list[Choice[Setting]]:
    choices = [
        Choice(Setting("all"), "all", "every living expiry"),
        Choice(Setting("front"), "front", "the nearest"),
        Choice(Setting("0dte"), "0DTE", "expiring today"),
        Choice(Setting("week"), "week", "expiring this week"),
        Choice(Setting("monthly"), "monthly", _monthlies(board)),
        Choice(Setting("7d"), "7d", "within a week"),
        Choice(Setting("30d"), "30d", "within 30 days"),
    ]
    if board is None:
        return choices
    now = board.chain.as_of_seconds
    for instant in board.chain.expiries.tolist():
        day = expiry_date(instant, board.ticker.session).isoformat()
        choice = Choice(Setting(day), fmt.day(instant), fmt.until(instant, now))
        if instant > now and choice.value not in [known.value for known in choices]:
            choices.append(choice)
    return choices
