"""TickerBar: the tickers with their numbers, the source's state and the reading's time."""

from gextui.market.text import clean_symbol, clean_text
from gextui.sources.source import SourceState
from gextui.ui.scene import Scene, Spans, badge_spans, state_spans, time_spans
from gextui.ui.widgets.lines import Line
from gextui.ui.widgets.scene_line import Piece, SceneLine, both_ends, cells, fit_pieces, joined

_NUMBERED = 9
_FOR_TICKERS = 16
"""Cells that are left to them when there is no data, which must be said."""


class TickerBar(SceneLine):
    """The top line."""

    def compose_line(self, scene: Scene, width: int) -> Line:
        """Tickers at the left as room allows, the shown one always; state and time at the right."""
        right = _right(scene, width)
        shown = scene.tickers.index(scene.ticker) if scene.ticker in scene.tickers else 0
        pieces = [Piece(len(scene.tickers) + 1, ([("gextui", "heading")],))]
        for index, ticker in enumerate(scene.tickers):
            number = f"{index + 1} " if index < _NUMBERED else ""
            text = f" {number}{clean_symbol(ticker.symbol)} "
            chosen = index == shown
            spans: Spans = [(text, "chosen" if chosen else "label")]
            pieces.append(Piece(abs(index - shown), (spans,)))
        fitting = fit_pieces(pieces, max(width - 4 - cells(right), 0), gap=1)
        left = joined([spans for _, spans in fitting], gap=1)
        hidden = len(pieces) - len(fitting) - (0 if fitting and fitting[0][0] == 0 else 1)
        if hidden > 0:
            left.append((" …", "dim"))
        return both_ends(left, right, width)


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
