"""Headline: what a trader must know before anything else, the most telling first as the terminal narrows."""

from gextui.exposure.board import Board
from gextui.exposure.filters import Filters, Sign, Weight
from gextui.market.text import clean_symbol
from gextui.ui import format as fmt
from gextui.ui import venues
from gextui.ui.levels import LevelRow, expiry_words, main_levels, volatility_index
from gextui.ui.scene import REGIME_MARKS, Scene, Spans, badge_spans, state_spans, time_spans
from gextui.ui.widgets.lines import Line
from gextui.ui.widgets.scene_line import NARROW_BELOW, Piece, SceneLine, both_ends, cells, fit_pieces, joined

_CHOSEN = 4
"""The rank of a filter that is not the usual one."""
_WITH_MARKET = 56
"""Cells from which it has room for what the market does."""
_WITH_TIME = 50
"""Cells from which a line that stands alone has room for the time."""
WEIGHTS = {Weight.OPEN_INTEREST: "OI", Weight.VOLUME: "volume", Weight.ACTIVE: "new OI"}
SIGNS = {
    Sign.DEALER_LONG_CALLS: "dealers +C -P",
    Sign.DEALER_SHORT_BOTH: "dealers -C -P",
    Sign.CUSTOMER: "customers -C +P",
}


class Headline(SceneLine):
    """The line under the tickers; in a narrow terminal the only one, and then it also says the source's state."""

    def compose_line(self, scene: Scene, width: int) -> Line:
        """Spot, regime, net GEX, zero gamma, expected move, filters, coverage."""
        right: Spans = []
        alone = width < NARROW_BELOW
        if alone:
            right = [*badge_spans(scene), *state_spans(scene, words=False)]
            if width >= _WITH_MARKET and scene.market.short:
                right += [(f" {scene.market.short}", "label")]
            if width >= _WITH_TIME:
                right += [(" ", ""), *time_spans(scene, short=True)]
        room = width - 2 - (cells(right) + 1 if right else 0)
        pieces = [_symbol(scene)] if scene.drawn is None else _pieces(scene, scene.drawn, alone)
        spans = joined([spans for _, spans in fit_pieces(pieces, room, strict=True)])
        if scene.stale:
            spans = [(text, "stale" if text.strip() else "") for text, _ in spans]
        return both_ends(spans, right, width)


def _symbol(scene: Scene) -> Piece:
    return Piece(0, ([(clean_symbol(scene.ticker.symbol), "spot")],))


def _pieces(scene: Scene, board: Board, alone: bool) -> list[Piece]:
    change = fmt.percent(board.spot_change, 2)
    mark, paint = REGIME_MARKS[board.regime.state]
    net = scene.unit.amount(board.totals.net_gex, board)
    if net != fmt.DASH:
        net += scene.unit.suffix(clean_symbol(board.unit))
    side = "call" if net.startswith("+") else "put" if net.startswith("-") else "value"
    _, zero, _, _, move = main_levels(board)
    spot: Spans = [(f"{clean_symbol(board.ticker.symbol)} {fmt.price(board.spot * board.scale)}", "spot")]
    moved: Spans = [(f" {change}", "call" if change.startswith("+") else "put" if change.startswith("-") else "label")]
    pieces = [
        Piece(0, (spot + moved if board.spot_change is not None else spot,)),
        Piece(1, ([(mark, f"{paint} reversed")], [(f" {mark} {board.regime.state.upper()} ", f"{paint} reversed")])),
        Piece(2, ([(net, side)], [("Net ", "label"), (net, side)])),
    ]
    if board.chain.coin_ratio is not None and board.ticker.coin is not None:
        coin_spot = fmt.price(board.chain.coin_ratio.in_coin(board.spot * board.scale))
        pieces.insert(1, Piece(3, ([(f"= {clean_symbol(board.ticker.coin)} {coin_spot}", "spot")],)))
    if stale := venues.stale_forms(board):
        pieces.append(Piece(2, stale))
    if not alone:
        pieces += [
            Piece(3, ([("0γ ", "label"), (zero.text, zero.paint)], _labelled("Zero γ", zero))),
            Piece(6, ([("EM ", "label"), (move.text, move.paint)], _labelled("EM", move))),
        ]
        index = volatility_index(board)
        if index is not None:
            pieces.append(Piece(7, ([(f"{index[0]} ", "label"), (index[1], "value")],)))
        pieces += _filters(board.filters)
    partial = board.coverage is not None and board.coverage < 0.95
    coverage = fmt.percent(board.coverage, 0, signed=False)
    pieces.append(Piece(5 if partial else 7, ([("cov ", "label"), (coverage, "warning" if partial else "value")],)))
    return pieces


def _labelled(label: str, row: LevelRow) -> Spans:
    spans: Spans = [(f"{label} ", "label"), (row.text, row.paint)]
    return spans if row.text == fmt.DASH else [*spans, (f" {row.percent}", "label")]


def _filters(filters: Filters) -> list[Piece]:
    """What is read; what the user chose matters more than what is usual."""
    chosen = filters.expiry != "all" or filters.max_dte is not None
    days = "" if filters.max_dte is None else f" <{filters.max_dte:g}d"
    weighed = filters.weight is not Weight.OPEN_INTEREST
    pieces = [
        Piece(_CHOSEN if chosen else 8, (_filter("exp", expiry_words(filters.expiry) + days, chosen),)),
        Piece(_CHOSEN if weighed else 9, (_filter("by", WEIGHTS[filters.weight], weighed),)),
    ]
    if filters.strike_range is not None:
        pieces.append(Piece(_CHOSEN, (_filter("K", f"±{filters.strike_range:g}%", True),)))
    if filters.sign is not Sign.DEALER_LONG_CALLS:
        # It turns the sign of every number, so it gives way last.
        pieces.append(Piece(_CHOSEN - 1, (_filter("", SIGNS[filters.sign], True),)))
    return pieces


def _filter(label: str, text: str, chosen: bool) -> Spans:
    spans: Spans = [(f"{label} ", "label")] if label else []
    return [*spans, (text, "heading" if chosen else "value")]


def _on_axes(row: LevelRow) -> tuple[Spans, ...]:
    own: Spans = [(f"{row.short} ", "label"), (row.text, row.paint)]
    return (own, [*own, (f"={row.other}", "label")]) if row.other else (own,)


class LevelLine(SceneLine):
    """The levels in one line, for a terminal with no room beside the view."""

    def compose_line(self, scene: Scene, width: int) -> Line:
        """``CW 110,000  ZG 96,850 ...``: as many as fit; after what the headline above has no room to say.

        A coin ETF's are said on both axes where there is room: ``CW 60.00=106,195``.
        """
        if scene.drawn is None:
            return both_ends([], [], width)
        ranks = {"ZG": 1, "CW": 2, "PW": 3, "EM": 4, "MP": 5}
        rows = main_levels(scene.drawn)
        pieces = [Piece(ranks[row.short], _on_axes(row)) for row in rows]
        if scene.implied:
            pieces.insert(0, Piece(0, ([("implied", "warning")],)))
        if width < NARROW_BELOW:
            chosen = [piece for piece in _filters(scene.drawn.filters) if piece.rank <= _CHOSEN]
            pieces = [*(Piece(0, piece.forms) for piece in chosen), *pieces]
        spans = joined([spans for _, spans in fit_pieces(pieces, width - 2, strict=True)])
        if scene.stale:
            spans = [(text, "stale" if text.strip() else "") for text, _ in spans]
        return both_ends(spans, [], width)
