"""TickerBar: the tickers with their numbers, the source's state and the reading's time."""

from collections.abc import Sequence

from rich.cells import cell_len

from gextui.market.text import clean_symbol, clean_text
from gextui.sources.source import SourceState
from gextui.ui.scene import Scene, Spans, badge_spans, state_spans, time_spans
from gextui.ui.widgets.lines import Line
from gextui.ui.widgets.scene_line import SceneLine, both_ends, cells

_NUMBERED = 9
_FOR_TICKERS = 16
"""Cells that are left to them when there is no data, which must be said."""
_NAME = "gextui"
_ARROWS = 4
"""Cells of the arrows at both ends, each with a blank."""


class TickerBar(SceneLine):
    """The top line."""

    def compose_line(self, scene: Scene, width: int) -> Line:
        """Tickers at the left as room allows, the shown one always; state and time at the right."""
        right = _right(scene, width)
        room = max(width - 3 - cells(right), 0)
        shown = scene.tickers.index(scene.ticker) if scene.ticker in scene.tickers else 0
        names = [
            f" {f'{index} ' if index <= _NUMBERED else ''}{clean_symbol(ticker.symbol)} "
            for index, ticker in enumerate(scene.tickers, 1)
        ]
        spans: Spans = []
        all_of_them = sum(cell_len(name) + 1 for name in names) - 1
        if len(_NAME) + 1 + all_of_them <= room:
            spans += [(_NAME, "heading"), (" ", "")]
        window = range(len(names)) if all_of_them <= room else _window(names, shown, room - _ARROWS)
        for index in window:
            if index > window.start:
                spans.append((" ", ""))
            spans.append((names[index], "chosen" if index == shown else "label"))
        if len(window) < len(names):
            spans.insert(0, ("◂ " if window.start else "  ", "label"))
            spans.append((" ▸" if window.stop < len(names) else "", "label"))
        return both_ends(spans, right, width)


def _window(names: Sequence[str], shown: int, room: int) -> range:
    """The neighbours on both sides of the shown one that fit, without a hole between them."""
    first = last = shown
    room -= cell_len(names[shown])
    grown = True
    while grown:
        grown = False
        for candidate in (last + 1, first - 1):
            if 0 <= candidate < len(names) and cell_len(names[candidate]) + 1 <= room:
                room -= cell_len(names[candidate]) + 1
                first, last = min(first, candidate), max(last, candidate)
                grown = True
    return range(first, last + 1)


def _right(scene: Scene, width: int) -> Spans:
    """The source's name, its state, the market's and the reading's time; the fuller the more room there is."""
    source = scene.health.status.name if scene.board is None else scene.board.chain.source
    named: Spans = [(f"{clean_text(source)} ", "label")]
    room = width - _FOR_TICKERS if scene.health.stale else width // 2
    market = scene.market
    # Where the source only waits for the market, the market's words are the state.
    waits = bool(market.short) and not market.trades and scene.health.status.state is SourceState.CLOSED
    state = state_spans(scene, words=not waits, since=True)
    gap = " " if waits else "  "
    full, short = ([(gap, ""), (words, "label")] if words else [] for words in (market.full, market.short))
    forms = [[*named, *state, *full], [*named, *state, *short], [*state, *short], state]
    if waits:
        forms.insert(1, [*state, *full])
    for form in forms:
        right = [*badge_spans(scene), *form, ("  ", ""), *time_spans(scene)]
        if cells(right) <= room:
            return right
    return [*badge_spans(scene), *state_spans(scene), ("  ", ""), *time_spans(scene)]
