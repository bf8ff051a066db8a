"""The pages one reads: help, the explanation of a number, and what is known of the reading."""

import textwrap
from collections.abc import Callable, Iterable

from rich.cells import cell_len

from gextui.desk import Health
from gextui.exposure.board import Board
from gextui.exposure.explain import Explanation
from gextui.exposure.parts import PartOfBook
from gextui.market.text import clean_text
from gextui.sources.source import SourceStatus
from gextui.ui import format as fmt
from gextui.ui import venues
from gextui.ui.actions import ACTIONS, Group, Keys, entries
from gextui.ui.coin_words import ratio_words
from gextui.ui.levels import expiry_words
from gextui.ui.scene import Spans, state_words
from gextui.ui.widgets.headline import SIGNS, WEIGHTS
from gextui.ui.widgets.lines import Line, line

Page = Callable[[int], list[Line]]

_KEYS_WIDTH = 11
_NAMES_WIDTH = (18, 24)
"""The least and the most that a column of names takes."""
_WORDS = (
    ("γ+ γ- γ?", "Dealers long gamma (hedging damps moves), short gamma (it drives them), or nobody can say."),
    ("Net", "Net GEX: what dealers trade per move of spot, calls less puts, in the chosen unit."),
    ("CW PW", "Call wall and put wall: the strikes with the largest call GEX and the most negative put GEX."),
    ("0γ ZG", "Zero gamma: the spot at which the whole repriced book has no gamma; its band says how sure that is."),
    ("MP", "Max pain: the strike at which the nearest expiry's options pay out least."),
    ("EM", "Expected move until the nearest expiry: the straddle where it is quoted, else one standard deviation."),
    ("C2 P2", "The second call and put walls; C3 and P3 the third."),
    ("+2.1σ", "Distance from spot in moves of one day and one standard deviation."),
    ("cov", "Share of open interest priced with an IV of its own strike; the rest is interpolated or left out."),
    ("= BTC", "A coin ETF's price in the coin it holds; `u` puts ladder and profile on the coin's axis."),
    ("IMPLIED", "The book of a shut ETF, repriced at the coin's price: nobody quoted it, and it is not recorded."),
    ("RR25 BF25", "25-delta risk reversal (call IV less put IV) and butterfly (their mean less the IV at the money)."),
    ("~", "In the option chain: made from an interpolated IV, because the strike has none of its own."),
    ("–", "Cannot be computed; never zero."),
)


def help_page(keys: Keys) -> Page:
    """Every key and what it does, then what the screen means."""

    def make(width: int) -> list[Line]:
        lines: list[Line] = []
        for group in Group:
            lines += heading(group, width)
            for action, shown in entries(keys, (action for action in ACTIONS if action.group is group)):
                lines += entry(shown, f"{action.title}. {action.help}", width, _KEYS_WIDTH, "heading", action.title)
        lines += heading("What the screen says", width)
        for term, text in _WORDS:
            lines += entry(term, text, width, _KEYS_WIDTH, "value")
        return lines[1:]

    return make


def explanation_page(explanation: Explanation) -> Page:
    """A number's formula, its inputs and its heaviest contracts."""

    def make(width: int) -> list[Line]:
        column = _column_for([explanation.title, *(given.name for given in explanation.inputs)])
        explained: Spans = [(fmt.quantity(explanation.value), "spot"), (f" {explanation.unit}", "label")]
        lines = [line([(fmt.left(explanation.title, column), "label"), *explained], width)]
        lines += heading("Formula", width)
        lines += paragraph(explanation.formula, width, "value")
        if explanation.inputs:
            lines += heading("From", width)
        for given in explanation.inputs:
            text = given.value if isinstance(given.value, str) else fmt.quantity(given.value)
            lines += entry(given.name, f"{clean_text(text)} {given.unit}".strip(), width, column, "label")
        if explanation.contracts:
            together = fmt.percent(explanation.heaviest_share, 0, signed=False)
            many = len(explanation.contracts)
            which = f"The {many} contracts that weigh most" if many > 1 else "The contract"
            lines += heading(f"{which}: {together} of the whole, in {explanation.amount_unit}", width)
        names = [clean_text(contract.name) for contract in explanation.contracts]
        longest = max(map(len, names), default=0) + 2
        for name, contract in zip(names, explanation.contracts, strict=True):
            amount = fmt.compact(contract.amount)
            style = "call" if contract.amount > 0 else "put"
            share = fmt.right(fmt.percent(contract.share, 1, signed=False), 8)
            lines.append(
                line([(fmt.left(name, longest), "value"), (fmt.right(amount, 10), style), (share, "label")], width)
            )
        return lines

    return make


def _state(status: SourceStatus) -> str:
    """The state and why, without saying it twice."""
    words = state_words(status)[1]
    return status.detail if status.detail.startswith(words) else ": ".join(filter(None, (words, status.detail)))


def reading_page(board: Board, health: Health) -> Page:
    """Where the numbers come from, what was read, what was left out, and why to doubt them."""
    filters = board.filters
    chain = board.chain
    strikes = "all" if filters.strike_range is None else f"within {filters.strike_range:g}% of spot"
    days = "" if filters.max_dte is None else f", within {filters.max_dte:g} days"
    facts = [
        ("ticker", f"{board.ticker.symbol}, {board.ticker.name}"),
        ("source", chain.source + (", simulated" if chain.simulated else "")),
        ("state", _state(health.status)),
        ("as of", fmt.moment(board.as_of, seconds=True)),
        ("delay", fmt.age(chain.delay) if chain.delay else "none"),
        *_coin_facts(board),
        ("recording", health.recording),
        ("expiries", expiry_words(filters.expiry) + days),
        ("strikes", strikes),
        ("weight", WEIGHTS[filters.weight]),
        ("sign", SIGNS[filters.sign]),
        ("roots", ", ".join(chain.roots)),
        ("contracts", f"{board.used:,} of {chain.total:,} in the numbers"),
        *(
            (f"  {reason.replace('_', ' ')}", f"{number:,} left out")
            for reason, number in sorted(board.dropped.items())
        ),
        ("own IV", f"{fmt.percent(board.coverage, 1, signed=False)} of open interest"),
        ("interpolated IV", f"{fmt.percent(board.interpolated, 1, signed=False)} of open interest"),
    ]

    column = _column_for([name for name, _ in facts])

    def make(width: int) -> list[Line]:
        lines: list[Line] = []
        for name, text in facts:
            lines += entry(clean_text(name), clean_text(text), width, column, "label")
        if board.parts:
            lines += heading(f"Venues, in {chain.counted_in}", width)
        for part in board.parts:
            style = "warning" if part.part.stale else "label"
            lines += entry(venues.name(part), _venue(board, part), width, column, style)
        warnings = [*filter(None, (health.status.substitution,)), *board.warnings]
        if warnings:
            lines += heading("Why to doubt it", width)
        for warning in warnings:
            lines += entry("!", clean_text(warning), width, 2, "warning")
        return lines

    return make


def _coin_facts(board: Board) -> list[tuple[str, str]]:
    """For a coin ETF, how its prices are told in the coin; and whether anybody quoted them."""
    coin, implied_from = board.ticker.coin, board.chain.implied_from
    if coin is None:
        return []
    facts = [(f"{coin} terms", ratio_words(board))]
    if implied_from is not None:
        facts.append(("implied", f"from the quotes of {fmt.moment(implied_from)}; nobody quoted these numbers"))
    return facts


def _venue(board: Board, part: PartOfBook) -> str:
    """Where one venue's book stands, and how much of the whole it is."""
    own = part.part
    why = f": {clean_text(own.detail)}" if own.detail else ""
    stale = venues.stale_words(board, part)
    return ", ".join(
        filter(
            None,
            (
                f"{fmt.percent(part.share, 1, signed=False)} of gross GEX",
                f"spot {fmt.price(own.spot)}",
                f"as of {fmt.clock(own.as_of)}",
                f"{fmt.age(own.delay)} late" if own.delay else "",
                f"{part.used:,} of {part.contracts:,} contracts in the numbers",
                f"{stale}{why}" if stale else "",
            ),
        )
    )


def _column_for(names: Iterable[str]) -> int:
    least, most = _NAMES_WIDTH
    return min(max(least, *(cell_len(name) + 2 for name in names)), most)


def heading(text: str, width: int) -> list[Line]:
    """An empty line and a chapter's name."""
    return [line([], width), line([(text, "heading")], width)]


def paragraph(text: str, width: int, style: str) -> list[Line]:
    """A text's lines, wrapped."""
    return [line([(part, style)], width) for part in textwrap.wrap(text, max(width, 1))]


def entry(name: str, text: str, width: int, column: int, style: str, title: str = "") -> list[Line]:
    """A name in its column and the text's lines beside it, wrapped; what follows its ``title`` is quieter."""
    room = max(width - column, 1)
    first, *rest = [part for each in text.splitlines() for part in textwrap.wrap(each, room)] or [""]
    after = "label" if title else "value"
    spans: Spans = [
        (fmt.left(name, column - 1) + " ", style),
        (first[: len(title)], "value"),
        (first[len(title) :], after),
    ]
    return [line(spans, width), *(line([(" " * column, ""), (part, after)], width) for part in rest)]
