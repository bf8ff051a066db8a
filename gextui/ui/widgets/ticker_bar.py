"""TickerBar: the tickers with their numbers, the source's state and the reading's time."""

from gextui.market.text import clean_symbol, clean_text
from gextui.ui.scene import Scene, Spans, badge_spans, state_spans, time_spans
from gextui.ui.widgets.lines import Line
from gextui.ui.widgets.scene_line import Piece, SceneLine, both_ends, cells, fit_pieces, joined

_NUMBERED = 9


class TickerBar(SceneLine):
    """The top line."""

    def compose_line(self, scene: Scene, width: int) -> Line:
        """Tickers at the left as room allows, the shown one always; state and time at the right."""
        name = clean_text(scene.health.status.name if scene.board is None else scene.board.chain.source)
        sign = state_spans(scene)
        right = [*badge_spans(scene), (f"{name} ", "label"), *sign, ("  ", ""), *time_spans(scene)]
        if cells(right) > width // 2:
            right = [*badge_spans(scene), *sign, ("  ", ""), *time_spans(scene)]
        shown = scene.tickers.index(scene.ticker) if scene.ticker in scene.tickers else 0
        pieces = [Piece(1, ([("gextui", "heading")],))]
        for index, ticker in enumerate(scene.tickers):
            number = f"{index + 1} " if index < _NUMBERED else ""
            text = f" {number}{clean_symbol(ticker.symbol)} "
            chosen = index == shown
            spans: Spans = [(text, "chosen" if chosen else "label")]
            pieces.append(Piece(0 if chosen else 2 + abs(index - shown), (spans,)))
        fitting = fit_pieces(pieces, max(width - 4 - cells(right), 0), gap=1)
        left = joined([spans for _, spans in fitting], gap=1)
        hidden = len(pieces) - len(fitting) - (0 if fitting and fitting[0][0] == 0 else 1)
        if hidden > 0:
            left.append((" …", "dim"))
        return both_ends(left, right, width)
