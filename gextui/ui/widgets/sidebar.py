"""Sidebar: the levels, the regime, the totals and what changed, beside the view; the least needed gives way."""

import textwrap
from dataclasses import dataclass
from itertools import pairwise

from gextui.exposure.board import Board
from gextui.exposure.change import Change, ChangeState
from gextui.exposure.explain import Explanation, explain
from gextui.market.text import clean_symbol
from gextui.ui import format as fmt
from gextui.ui import venues
from gextui.ui.coin_words import other_unit, ratio_in_short, ratio_words
from gextui.ui.format import Unit
from gextui.ui.levels import (
    ONE_SIGMA,
    LevelRow,
    absolute_gamma,
    band,
    main_levels,
    other_rules,
    ranked_walls,
    volatility_index,
)
from gextui.ui.scene import REGIME_MARKS, Spans
from gextui.ui.widgets.lines import Line, LineView, line

_WITH_SIGMAS = 35
"""Cells from which the distance in daily sigmas has room."""
_WITH_BOTH = 45
"""Cells from which it has room beside a coin ETF's prices on both axes."""
_BEFORE_BREAKS = 6
"""Blocks up to this rank are worth more than empty lines between sections."""
_SHORT_CAUSE = 4
"""Letters of ``flow`` or ``repricing`` where there is little room."""
_SHORTER = {"strike sign change": "sign change"}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the sidebar."""

    spans: Spans
    name: str = ""
    """What `explain` calls the number; empty where the cursor does not stop."""


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that stand or give way together."""

    rank: int
    """How soon it gives way: high first."""
    rows: list[Row]
    section: int
    """Between two sections stands an empty line where there is room."""
    least: int = 0
    """How many of its rows, the first ones, stand without the others; 0 where all or none do."""


def fit_blocks(blocks: list[Block], height: int) -> list[Row]:
    """The rows that fit ``height`` lines, in order; empty lines between sections stand before blocks of high rank."""

    def breaks(kept: set[int]) -> int:
        return sum(blocks[one].section != blocks[other].section for one, other in pairwise(sorted(kept)))

    kept: dict[int, list[Row]] = {}
    used = 0
    for index in sorted(range(len(blocks)), key=lambda index: blocks[index].rank):
        rows = blocks[index].rows
        room = height - used - (breaks({*kept, index}) if blocks[index].rank > _BEFORE_BREAKS else 0)
        if rows and (blocks[index].least or len(rows)) <= room:
            kept[index] = rows[:room]
            used += len(kept[index])
    spaced = used + breaks({*kept}) <= height
    fitting: list[Row] = []
    section = -1
    for index in sorted(kept):
        if spaced and fitting and blocks[index].section != section:
            fitting.append(Row([]))
        section = blocks[index].section
        fitting += kept[index]
    return fitting


class Sidebar(LineView):
    """The levels and what goes with them."""

    def __init__(self, *, ascii_only: bool = False, id: str | None = None) -> None:  # noqa: A002
        super().__init__(ascii_only=ascii_only, id=id)
        self.board: Board | None = None
        self.unit = Unit.PERCENT_MOVE
        self.active = False
        self._cursor = "zero_gamma"
        self._names: list[str] = []

    def show(self, board: Board | None, *, unit: Unit, stale: bool = False) -> None:
        """Show this board's levels; without one, nothing."""
        self.board, self.unit = board, unit
        self.redraw(stale=stale)

    def activate(self, active: bool) -> None:
        """Whether the cursor is here."""
        self.active = active
        self.redraw()

    def move(self, rows: int) -> None:
        """Move the cursor among the numbers that can be explained."""
        if self._names:
            at = self._names.index(self._cursor) if self._cursor in self._names else 0
            self._cursor = self._names[max(0, min(at + rows, len(self._names) - 1))]
            self.redraw()

    def page(self, direction: int) -> None:
        """To the first or the last of them."""
        self.move(direction * len(self._names))

    def explanation(self) -> Explanation | None:
        """The number under the cursor."""
        return None if self.board is None else explain(self.board, self._cursor)

    def compose_lines(self, width: int, height: int) -> list[Line]:
        """The rows that fit."""
        board = self.board
        if board is None:
            return []
        rows = fit_blocks(sidebar_blocks(board, self.unit, width), height)
        self._names = [row.name for row in rows if row.name]
        cursor = self._cursor if self.active else ""
        return [line(row.spans, width, "cursor" if row.name and row.name == cursor else "") for row in rows]


def sidebar_blocks(board: Board, unit: Unit, width: int) -> list[Block]:
    """Everything there is to say, in order, in rows of at most ``width`` cells."""
    call, zero, put, pain, move = main_levels(board)
    sure = band(board)
    ratio = ratio_in_short(board) if width < _WITH_SIGMAS else ""
    coins = [Row([(text, "label")]) for text in textwrap.wrap(ratio or ratio_words(board), width)]
    regime, paint = REGIME_MARKS[board.regime.state]
    reason = textwrap.wrap(board.regime.reason, width)
    changes = [Row([("Largest change", "heading")]), *(_change(change, unit, board, width) for change in board.changes)]
    rules = [Row([("Zero gamma by other rules", "heading")]), *(_level(row, width) for row in other_rules(board))]
    return [
        Block(3, _axes(board, width), 0),
        Block(0, [_level(call, width), _level(zero, width)], 0),
        Block(4, [Row([("  band ", "label"), (sure, "label")])] if sure else [], 0),
        Block(0, [_level(put, width), _level(pain, width), _level(move, width)], 0),
        Block(7 if board.chain.coin_ratio is None else 4, coins, 0),
        Block(6, _volatility(board, width), 0),
        Block(6, [_walls(*walls, width) for walls in ranked_walls(board) if walls[2]], 0),
        Block(7, [_level(absolute_gamma(board), width)], 0),
        Block(1, [Row([(f" {regime} {board.regime.state.upper()} ", f"{paint} reversed"), *_share(board, width)])], 1),
        Block(5, [Row([(text, "label")]) for text in reason], 1),
        Block(1, [_net(board, unit, width)], 1),
        Block(2, _venues(board, unit, width), 1),
        Block(2, _exposures(board, width), 1),
        Block(6, [_put_call(board, width)], 1),
        Block(8, [_coverage(board, width)], 1),
        Block(3, changes if board.changes else [], 2),
        Block(9, rules, 3, 4),
    ]


def _columns(width: int) -> tuple[int, int, int]:
    """Widths of label, price and percent."""
    return (11, 10, 7) if width >= _WITH_SIGMAS else (10, max(width - 17, 8), 7)


def _columns_of_both(width: int) -> tuple[int, int, int, int, int]:
    """Widths of label, price, percent, sigmas and the price on the other axis, for a coin ETF."""
    if width >= _WITH_BOTH:
        return 11, 10, 7, 7, 10
    return (11, width - 27, 7, 0, 9) if width >= _WITH_SIGMAS else (3, max(width - 18, 7), 7, 0, 8)


def _axes(board: Board, width: int) -> list[Row]:
    """What a coin ETF's two columns of prices are of."""
    if not other_unit(board):
        return []
    label, price, percent, sigmas, other = _columns_of_both(width)
    units = fmt.right(clean_symbol(board.unit), label + price), fmt.right(other_unit(board), percent + sigmas + other)
    return [Row([("".join(units), "label")])]


def _level_on_both(row: LevelRow, width: int) -> Row:
    """A level of a coin ETF, with its price on the other axis at the end."""
    label, price, percent, sigmas, other = _columns_of_both(width)
    full, short = ("1σ move", "1σ") if row.note == ONE_SIGMA else (row.label, row.short)
    spans: Spans = [
        (fmt.left(full if label >= len(full) else short, label), row.paint),
        (fmt.right(row.text, price), "value"),
        (fmt.right(row.percent, percent), "label"),
        (fmt.right(row.sigmas, sigmas) if sigmas else "", "label"),
        (fmt.right(row.other, other), "value"),
    ]
    return Row(spans, row.name)


def _level(row: LevelRow, width: int) -> Row:
    if row.name and row.other:
        return _level_on_both(row, width)
    label, price, percent = _columns(width)
    named = bool(row.name)
    name = "1σ move" if row.note == ONE_SIGMA else row.label
    if not named:
        label, price = 18, 9
        if width < _WITH_SIGMAS:
            label, price, name = 16, width - 16, _SHORTER.get(name, name)
    spans: Spans = [
        (fmt.left(name, label), row.paint if named else "label"),
        (fmt.right(row.text, price), "value" if row.text != fmt.DASH else "dim"),
    ]
    if named or width >= _WITH_SIGMAS:
        spans.append((fmt.right(row.percent, percent), "label"))
    if named and width >= _WITH_SIGMAS:
        spans.append((fmt.right(row.sigmas, 7), "label"))
    return Row(spans, row.name)


def _volatility(board: Board, width: int) -> list[Row]:
    """IV at the money of the nearest expiry, and the venue's own index beside it."""
    atm_iv = next((float(iv) for iv in board.by_expiry.atm_iv), None)
    index = " ".join(volatility_index(board) or ())
    if fmt.missing(atm_iv) and not index:
        return []
    first, price, _ = _columns(width)
    room = min(price, width - first - 1 - len(index))
    spans: Spans = [(fmt.left("ATM IV", first), "label"), (fmt.right(fmt.volatility(atm_iv), room), "value")]
    return [Row([*spans, (f" {index}", "label")])]


def _walls(label: str, paint: str, prices: list[float], width: int) -> Row:
    first, price, _ = (8, 9, 0) if width < _WITH_SIGMAS else _columns(width)
    return Row([(fmt.left(label, first), paint), *((fmt.right(fmt.strike(at), price), "label") for at in prices)])


def _amount(label: str, text: str, after: str, width: int, name: str = "") -> Row:
    first, price, _ = _columns(width)
    style = "call" if text.startswith("+") else "put" if text.startswith("-") else "value"
    known = text != fmt.DASH
    spans: Spans = [(fmt.left(label, first), "label"), (fmt.right(text, price), style if known else "dim")]
    return Row([*spans, (f" {after}", "label")] if known else spans, name)


def _share(board: Board, width: int) -> Spans:
    """Net as a share of gross: how one-sided the book is."""
    share = fmt.percent(board.regime.net_of_gross, 0)
    return [(f"  {share} of gross" if width >= _WITH_SIGMAS else f"  {share} net", "label")]


def _net(board: Board, unit: Unit, width: int) -> Row:
    first, price, _ = _columns(width)
    suffix = unit.suffix(clean_symbol(board.unit)).strip()
    if first + price + 1 + len(suffix) > width:  # the frame's title says per what
        suffix = suffix.partition("/")[0]
    return _amount("Net GEX", unit.amount(board.totals.net_gex, board), suffix, width, "net_gex")


def _venues(board: Board, unit: Unit, width: int) -> list[Row]:
    """Each venue's net GEX and share of gross, where several make the book; a stale one says so."""
    rows = []
    for part in board.parts:
        share = f"{venues.share_text(part)} of gross" if width >= _WITH_SIGMAS else venues.share_text(part)
        rows.append(_amount(venues.name(part), unit.amount(part.net_gex, board), share, width))
        if stale := venues.stale_words(board, part):
            rows.append(Row([(f"  {stale}", "warning")]))
    return rows


def _exposures(board: Board, width: int) -> list[Row]:
    totals = board.totals
    return [
        _amount("Net DEX", fmt.compact(totals.net_dex), "USD", width),
        _amount("Vanna", fmt.compact(totals.net_vanna), "/vol pt" if width >= _WITH_SIGMAS else "/vol", width),
        _amount("Charm", fmt.compact(totals.net_charm), "/day", width),
    ]


def _put_call(board: Board, width: int) -> Row:
    first, price, _ = _columns(width)
    spans: Spans = [
        (fmt.left("P/C OI", first), "label"),
        (fmt.right(fmt.ratio(board.totals.put_call_open_interest), price), "value"),
    ]
    if width >= _WITH_SIGMAS:
        spans += [(" vol ", "label"), (fmt.ratio(board.totals.put_call_volume), "value")]
    return Row(spans)


def _coverage(board: Board, width: int) -> Row:
    first, price, _ = _columns(width)
    between = f" +{fmt.percent(board.interpolated, 1, signed=False)}"
    words = " interp."
    return Row(
        [
            (fmt.left("Own IV", first), "label"),
            (fmt.right(fmt.percent(board.coverage, 1, signed=False), price), "value"),
            (between + (words if first + price + len(between + words) <= width else ""), "label"),
        ]
    )


def _change(change: Change, unit: Unit, board: Board, width: int) -> Row:
    """The largest change over one window, and what moved it."""
    wide = width >= _WITH_SIGMAS
    window = (f"{change.minutes:>3}m ", "label")
    largest = change.largest
    if largest is None:
        why = change.state.value if change.state in (ChangeState.GAP, ChangeState.SOURCE) else "none"
        return Row([window, (fmt.right(why, 10 if wide else 8), "dim")])
    strike, amount = largest
    cause = "" if change.cause is None else change.cause.value
    if change.state is ChangeState.EXPIRY:
        cause = "expiry" if wide else "exp."
    elif not wide:
        cause = cause[:_SHORT_CAUSE]
    return Row(
        [
            window,
            (fmt.right(fmt.strike(strike), 10 if wide else 8), "value"),
            (fmt.right(unit.amount(amount, board), 10 if wide else 8), "call" if amount > 0 else "put"),
            (f" {cause}", "label"),
        ]
    )
