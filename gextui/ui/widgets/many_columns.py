"""The columns of the view of many: what each says of a reading, and what it sorts by. Pure."""

from collections.abc import Callable
from typing import NamedTuple

from gextui.exposure.board import Board
from gextui.exposure.filters import EVERYTHING
from gextui.exposure.regime import State
from gextui.market.text import clean_symbol
from gextui.ui import format as fmt
from gextui.ui.format import Unit
from gextui.ui.levels import LevelRow, main_levels
from gextui.ui.market_words import halt_word
from gextui.ui.scene import REGIME_MARKS, Standing, state_words
from gextui.ui.widgets.lines import Span

Key = tuple[float, str] | None
"""What a row is sorted by; None comes last, whichever way."""
_REGIME_ORDER = {State.POSITIVE: 1.0, State.UNDETERMINED: 0.0, State.NEGATIVE: -1.0}


class Reading(NamedTuple):
    """One ticker's row: how it stands, its board, the unit of GEX, and the main levels by their short names."""

    standing: Standing
    board: Board
    unit: Unit
    levels: dict[str, LevelRow]

    @classmethod
    def of(cls, standing: Standing, unit: Unit) -> "Reading | None":
        """The ticker's reading; None before the first."""
        board = standing.board
        return None if board is None else cls(standing, board, unit, {row.short: row for row in main_levels(board)})

    def away(self, price: float | None) -> float | None:
        """How far a price is from spot, whichever way, in percent: the nearest are the ones to look at."""
        return None if price is None else abs(self.board.levels.distance(price).percent)


class Column(NamedTuple):
    """One column."""

    heading: str
    words: str
    """For a sentence: ``by net GEX``."""
    rank: int
    """How soon it gives way: high first."""
    cell: Callable[[Reading], Span]
    value: Callable[[Reading], float | str | None]
    """What it is sorted by."""
    rising: bool = False
    """Whether it sorts the least first, until it is reversed."""
    at_left: bool = False
    """Whether it is written from the left."""

    def key(self, reading: Reading) -> Key:
        """The same, for a sort."""
        value = self.value(reading)
        if isinstance(value, str):
            return 0.0, value
        return None if value is None or fmt.missing(value) else (value, "")


def sign_and_words(standing: Standing) -> tuple[str, str, str]:
    """How a ticker stands as sign, words and style; what is wrong has a sign of its own."""
    sign, words, style = state_words(standing.health.status, standing.delay)
    if not standing.on:
        return "○", "off", "label"
    if standing.replay:
        return "○", "replay", "pain"
    if standing.stale and standing.view is not None:
        return "!", "stale", "warning"
    if standing.board is not None and standing.board.chain.implied_from is not None:
        return "~", "implied", "warning"
    if standing.board is not None and (halt := standing.board.chain.halt) is not None:
        return "!", halt_word(halt).lower(), "warning"
    return ("!" if standing.troubled else sign), words, style


def _symbol(reading: Reading) -> Span:
    """The symbol, with a star where it is read through filters of its own."""
    filtered = "" if reading.board.filters == EVERYTHING else "*"
    return clean_symbol(reading.standing.ticker.symbol) + filtered, "value"


def _state(reading: Reading) -> Span:
    _, words, style = sign_and_words(reading.standing)
    return words, style


def _regime(reading: Reading) -> Span:
    mark, paint = REGIME_MARKS[reading.board.regime.state]
    return mark, f"{paint} reversed"


def _age(reading: Reading) -> Span:
    age = reading.standing.health.age
    return (f"{age:.0f} s" if age is not None and age < 9.5 else fmt.age(age)), "label"


def _day(reading: Reading) -> Span:
    return _signed(fmt.percent(reading.board.spot_change, 2))


def _net(reading: Reading) -> Span:
    return _signed(reading.unit.amount(reading.board.totals.net_gex, reading.board))


def _net_value(reading: Reading) -> float | None:
    net = reading.board.totals.net_gex
    return None if net is None else net * reading.unit.factor(reading.board)


def _zero_gamma(reading: Reading) -> float | None:
    return reading.board.levels.zero_gamma.price


def _zero_away(reading: Reading) -> Span:
    """How far zero gamma is; without one, which gamma there is throughout."""
    return reading.board.levels.zero_gamma.side or reading.levels["ZG"].percent, "label"


def _signed(text: str) -> Span:
    return text, "call" if text.startswith("+") else "put" if text.startswith("-") else "label"


def _level(short: str) -> Callable[[Reading], Span]:
    def cell(reading: Reading) -> Span:
        row = reading.levels[short]
        return row.text, row.paint

    return cell


def _percent(short: str) -> Callable[[Reading], Span]:
    return lambda reading: (reading.levels[short].percent, "label")


def _call_wall(reading: Reading) -> float | None:
    wall = reading.board.levels.call_wall
    return None if wall is None else wall.price


def _put_wall(reading: Reading) -> float | None:
    wall = reading.board.levels.put_wall
    return None if wall is None else wall.price


def _move(reading: Reading) -> float | None:
    move = reading.board.levels.expected_move
    return None if move is None else move.move


def _move_share(reading: Reading) -> float | None:
    move = _move(reading)
    return None if move is None else move / reading.board.spot


COLUMNS = (
    Column("TICKER", "name", 0, _symbol, lambda r: r.standing.ticker.symbol, rising=True, at_left=True),
    Column("SPOT", "spot", 1, lambda r: (fmt.price(r.board.spot), "value"), lambda r: r.board.spot),
    Column("DAY", "change on the day", 5, _day, lambda r: r.board.spot_change),
    Column("γ", "regime", 3, _regime, lambda r: _REGIME_ORDER[r.board.regime.state]),
    Column("NET", "net GEX", 2, _net, _net_value),
    Column("ZG", "zero gamma", 4, _level("ZG"), _zero_gamma),
    Column("ZG%", "distance of zero gamma", 7, _zero_away, lambda r: r.away(_zero_gamma(r)), rising=True),
    Column("CW", "call wall", 8, _level("CW"), _call_wall),
    Column("CW%", "distance of the call wall", 12, _percent("CW"), lambda r: r.away(_call_wall(r)), rising=True),
    Column("PW", "put wall", 9, _level("PW"), _put_wall),
    Column("PW%", "distance of the put wall", 13, _percent("PW"), lambda r: r.away(_put_wall(r)), rising=True),
    Column("EM", "expected move", 10, _level("EM"), _move),
    Column("EM%", "expected move in percent", 14, _percent("EM"), _move_share),
    Column("AGE", "age", 6, _age, lambda r: r.standing.health.age),
    Column("STATE", "state", 11, _state, lambda r: sign_and_words(r.standing)[1], rising=True, at_left=True),
)
