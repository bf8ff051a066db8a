"""The lines of the frame: what gives way, and what never does."""

from dataclasses import replace
from typing import Any

import pytest
from rich.cells import cell_len

from gextui.exposure.filters import Filters, Sign, Weight
from gextui.market.ticker import Kind, ticker_for
from gextui.sources.source import SourceState, SourceStatus
from gextui.ui.format import Unit
from gextui.ui.scene import Scene
from gextui.ui.state import State
from gextui.ui.watch import Watch
from gextui.ui.widgets.footer import KeyLine, NoticeLine
from gextui.ui.widgets.headline import Headline, LevelLine
from gextui.ui.widgets.lines import Line, text_of
from gextui.ui.widgets.scene_line import Piece, SceneLine, fit_pieces
from gextui.ui.widgets.sidebar import Block, Row, fit_blocks, sidebar_blocks
from gextui.ui.widgets.ticker_bar import TickerBar
from tests.support.tradier import new_york
from tests.ui.desk import NOW, MemoryDesk, two_venues_chain


def scene_of(desk: MemoryDesk, **state: Any) -> Scene:
    return replace(Watch(desk, State(), lambda: NOW).pull(), **state)


def said(widget: SceneLine, scene: Scene, width: int) -> str:
    made: Line = widget.compose_line(scene, width)
    (text,) = text_of([made])
    assert cell_len(text) == width
    return text


def pieces(*texts: str) -> list[Piece]:
    """Pieces whose first letter is their rank, the rest what they say."""
    return [Piece(int(text[0]), ([(text[1:], "")],)) for text in texts]


def fitted(given: list[Piece], room: int, *, strict: bool = False) -> list[str]:
    return ["".join(text for text, _ in spans) for _, spans in fit_pieces(given, room, strict=strict)]


def test_pieces_give_way_by_rank_and_keep_their_order() -> None:
    given = pieces("2aaaa", "0bbbb", "1cccc")
    assert fitted(given, 16) == ["aaaa", "bbbb", "cccc"]
    assert fitted(given, 15) == ["bbbb", "cccc"]
    assert fitted(given, 9) == ["bbbb"]
    assert fitted(given, 3) == []


def test_a_shorter_piece_may_stay_where_a_longer_one_does_not_fit() -> None:
    given = pieces("0aaaa", "1bbbbbbbb", "2c")
    assert fitted(given, 8) == ["aaaa", "c"]
    assert fitted(given, 8, strict=True) == ["aaaa"]


def test_forms_grow_by_rank_while_there_is_room() -> None:
    given = [Piece(1, ([("a", "")], [("aaaa", "")])), Piece(0, ([("b", "")], [("bbbb", "")]))]
    assert fitted(given, 4) == ["a", "b"]
    assert fitted(given, 7) == ["a", "bbbb"]
    assert fitted(given, 10) == ["aaaa", "bbbb"]


@pytest.mark.parametrize(
    ("height", "rows"),
    [
        (7, ["a", "a", "", "b", "", "c", "c"]),
        (6, ["a", "a", "", "b", "", "c"]),
        (5, ["a", "a", "", "b"]),
        (3, ["a", "a", "b"]),
        (1, ["b"]),
        (0, []),
    ],
)
def test_blocks_stand_whole_or_as_far_as_they_may(height: int, rows: list[str]) -> None:
    def block(rank: int, name: str, count: int, section: int, least: int = 0) -> Block:
        return Block(rank, [Row([(name, "")])] * count, section, least)

    blocks = [block(1, "a", 2, 0), block(0, "b", 1, 1), block(9, "c", 2, 2, 1)]
    assert ["".join(text for text, _ in row.spans) for row in fit_blocks(blocks, height)] == rows


def test_the_headline_says_the_most_telling_first() -> None:
    scene = scene_of(MemoryDesk())
    headline = Headline()
    wide = said(headline, scene, 120)
    for words in ("BTC 98,412.5 +1.24%", " γ+ POSITIVE ", "Net +45.2M/1%", "Zero γ 98,080 -0.3%", "EM ±1,862 ±1.9%"):
        assert words in wide
    assert "exp all  by OI  cov 100%" in wide
    assert said(headline, scene, 40).strip() == "BTC 98,412.5 +1.24%  γ+  +45.2M/1%   ●"
    assert said(headline, scene, 60) == " BTC 98,412.5 +1.24%  γ+  Net +45.2M/1%  cov 100%   ● 14:32 "


def test_chosen_filters_are_said_before_what_is_usual() -> None:
    desk = MemoryDesk()
    desk.filters[desk.tickers[0]] = Filters("0dte", Weight.VOLUME, Sign.CUSTOMER, 5.0, 30.0)
    desk.put(desk.tickers[0])
    text = said(Headline(), scene_of(desk), 100)
    for words in ("exp 0DTE <30d", "by volume", "K ±5%", "customers -C +P"):
        assert words in text
    assert "customers -C +P" in said(Headline(), scene_of(desk), 80)


def test_where_the_view_stands_alone_the_level_line_says_what_is_read() -> None:
    desk = MemoryDesk()
    desk.filters[desk.tickers[0]] = Filters("7d", strike_range=10.0)
    desk.put(desk.tickers[0])
    scene = scene_of(desk)
    assert "exp 7d" not in said(Headline(), scene, 60)
    text = said(LevelLine(), scene, 60)
    assert text.startswith(" exp 7d  K ±10%  CW ")
    assert "ZG " in text
    # With a headline of its own above, it says the levels alone.
    assert "exp 7d" in said(Headline(), scene, 80)
    assert "exp 7d" not in said(LevelLine(), scene, 80)


def test_a_board_without_numbers_says_dashes() -> None:
    desk = MemoryDesk()
    board = desk.views[desk.tickers[0]].board
    nothing = dict.fromkeys(("net_gex", "call_gex", "put_gex", "gross_gex"))
    desk.change_board(desk.tickers[0], totals=replace(board.totals, **nothing), coverage=None, spot_change=None)
    text = said(Headline(), scene_of(desk), 120)
    assert "BTC 98,412.5  " in text
    assert "Net –  " in text
    assert "cov –" in text
    assert "–/1%" not in text


def test_the_level_line_keeps_zero_gamma_longest() -> None:
    scene = scene_of(MemoryDesk())
    assert said(LevelLine(), scene, 60).strip() == "CW 100,000  ZG 98,080  PW 95,000  MP 99,000  EM ±1,862"
    assert said(LevelLine(), scene, 40).strip() == "CW 100,000  ZG 98,080  PW 95,000"
    assert said(LevelLine(), scene, 12).strip() == "ZG 98,080"


def test_the_shown_ticker_is_always_named() -> None:
    desk = MemoryDesk(*(f"TICKER{number}" for number in range(30)), empty=True)
    scene = scene_of(desk, ticker=desk.tickers[20])
    for width in (40, 60, 80, 120):
        text = said(TickerBar(), scene, width)
        assert " TICKER20 " in text
        assert "live" in text
    many = scene_of(MemoryDesk("BTC", "ETH", "SOL", "SPX", "SPY", "XRP", empty=True))
    assert said(TickerBar(), many, 67).startswith("  1 BTC   2 ETH   3 SOL   4 SPX   5 SPY   6 XRP  ")
    assert said(TickerBar(), scene_of(MemoryDesk("BTC")), 80).startswith(" gextui  1 BTC  ")


@pytest.mark.parametrize(
    ("shown", "begins"),
    [
        (0, "    1 T0   2 T1   3 T2   4 T3   5 T4   6 T5   7 T6   8 T7  ▸   deribit "),
        (8, " ◂  5 T4   6 T5   7 T6   8 T7   9 T8   T9   T10   T11   T12  ▸ deribit "),
        (25, " ◂  T21   T22   T23   T24   T25   T26   T27   T28   T29  ▸     deribit "),
        (49, " ◂  T41   T42   T43   T44   T45   T46   T47   T48   T49        deribit "),
    ],
)
def test_the_tickers_scroll_round_the_shown_one_and_arrows_say_where_there_are_more(shown: int, begins: str) -> None:
    desk = MemoryDesk(tickers=tuple(ticker_for(f"T{number}", Kind.COIN) for number in range(50)), empty=True)
    scene = scene_of(desk, ticker=desk.tickers[shown])
    assert said(TickerBar(), scene, 80).startswith(begins)


@pytest.mark.parametrize("kind", [Kind.COIN, Kind.STOCK])
def test_the_shown_one_of_fifty_is_named_at_every_width_beside_new_yorks_clock_too(kind: Kind) -> None:
    desk = MemoryDesk(tickers=tuple(ticker_for(f"T{number}", kind) for number in range(50)), empty=True)
    scene = scene_of(desk)
    for width in (40, 60, 80, 120):
        for ticker in desk.tickers:
            assert f" {ticker.symbol} " in said(TickerBar(), replace(scene, ticker=ticker), width)


def test_the_keys_lead_out_of_history_and_freeze() -> None:
    scene = scene_of(MemoryDesk())
    assert "Live" not in said(KeyLine(), scene, 60)
    assert "L Live" in said(KeyLine(), replace(scene, replay=True), 60)
    assert "Space Freeze" in said(KeyLine(), replace(scene, missed=0), 60)
    for width in (40, 60, 80, 120):
        assert "? Help" in said(KeyLine(), scene, width)
        assert " g GEX " in said(KeyLine(), scene, width)
    assert said(KeyLine(), replace(scene, message="levels copied"), 60).strip() == "levels copied"


def test_the_notice_is_cut_at_a_word() -> None:
    desk = MemoryDesk()
    desk.status = SourceStatus("deribit", SourceState.BACKOFF, 1.0, "HTTP 503; next try in 3 s")
    assert said(NoticeLine(), scene_of(desk), 60).strip() == "! deribit: HTTP 503; next try in 3 s"
    assert said(NoticeLine(), scene_of(desk), 30).strip() == "! deribit: HTTP 503; next…"


@pytest.mark.parametrize("width", [26, 35])
@pytest.mark.parametrize("symbol", ["BTC", "SPX", "IBIT", "XRP"])
@pytest.mark.parametrize("unit", Unit)
def test_no_row_of_the_sidebar_is_cut(symbol: str, width: int, unit: Unit) -> None:
    desk = MemoryDesk(symbol)
    board = desk.views[desk.tickers[0]].board
    for block in sidebar_blocks(board, unit, width):
        for row in block.rows:
            text = "".join(text for text, _ in row.spans)
            assert cell_len(text) <= width, text
            assert "…" not in text


def test_the_sidebar_says_what_cannot_be_computed_with_a_dash() -> None:
    desk = MemoryDesk("BTC")
    desk.filters[desk.tickers[0]] = Filters(expiry="2030-01-01")
    board = desk.put(desk.tickers[0])
    rows = [
        "".join(text for text, _ in row.spans)
        for block in sidebar_blocks(board, Unit.PERCENT_MOVE, 35)
        for row in block.rows
    ]
    assert "Call wall           –      –      –" in rows
    assert "Zero gamma          –      –      –" in rows
    assert "Net GEX             –" in rows
    assert " γ? UNDETERMINED   – of gross" in rows


def two_venues(stale: str = "") -> Scene:
    desk = MemoryDesk("BTC")
    desk.put_chain(two_venues_chain(stale=stale))
    return scene_of(desk)


def test_the_frame_names_the_venues_and_the_stale_one() -> None:
    scene = two_venues("no data since 14:31:28")
    assert scene.board is not None
    share = f"{scene.board.parts[1].share:.0%}"
    assert "deribit+bybit ● live" in said(TickerBar(), scene, 120)
    assert f"bybit stale {share}  0γ" in said(Headline(), scene, 80)
    assert f"bybit stale 42 s, {share} of gross" in said(Headline(), scene, 160)
    assert said(NoticeLine(), scene, 100).startswith(" ! bybit is stale (no data since 14:31:28): ")
    assert "stale" not in said(Headline(), two_venues(), 160)


@pytest.mark.parametrize("width", [27, 35])
def test_the_sidebar_lists_the_venues(width: int) -> None:
    scene = two_venues("is down")
    assert scene.board is not None
    rows = [row for block in sidebar_blocks(scene.board, Unit.PERCENT_MOVE, width) for row in block.rows]
    texts = ["".join(text for text, _ in row.spans).rstrip() for row in rows]
    at = next(at for at, text in enumerate(texts) if text.startswith("deribit"))
    deribit, bybit = (f"{part.share:.0%}" for part in scene.board.parts)
    assert texts[at].split()[2] == deribit
    assert texts[at + 1].split()[:3:2] == ["bybit", bybit]
    assert texts[at + 2] == "  stale 42 s"
    assert all(cell_len(text) <= width for text in texts[at : at + 3])
    alone = scene_of(MemoryDesk("BTC")).board
    assert alone is not None
    shown = [row.spans[0][0] for block in sidebar_blocks(alone, Unit.PERCENT_MOVE, width) for row in block.rows]
    assert not any(text.startswith("deribit") for text in shown)


class TestMarket:
    """NOW is 09:32 in New York on a Friday."""

    @staticmethod
    def scene(**state: Any) -> Scene:
        return scene_of(MemoryDesk("SPX", "BTC"), **state)

    @staticmethod
    def closed(at: str) -> Scene:
        scene = scene_of(MemoryDesk("SPX"), clock=new_york("2026-11-26", at).timestamp())
        status = replace(scene.health.status, state=SourceState.CLOSED, detail="market closed; next fetch 09:30")
        return replace(scene, health=replace(scene.health, status=status))

    def test_the_clock_of_new_york_is_in_the_top_line_as_room_allows(self) -> None:
        for width, words in ((140, "open, closes in 6h28m"), (80, "● live  open"), (76, "● live  open")):
            assert words in said(TickerBar(), self.scene(), width)
        assert "closes" not in said(TickerBar(), self.scene(), 80)

    def test_coins_have_none(self) -> None:
        assert "open" not in said(TickerBar(), scene_of(MemoryDesk("BTC")), 160)

    def test_where_the_view_stands_alone_it_is_beside_the_state(self) -> None:
        assert "● open" in said(Headline(), self.scene(), 60)
        assert "open" not in said(Headline(), self.scene(), 52)

    def test_a_source_that_waits_for_the_market_says_what_that_does(self) -> None:
        assert "○ Thanksgiving Day, opens Fri 09:30 NY  " in said(TickerBar(), self.closed("12:00"), 140)
        assert "○ holiday  " in said(TickerBar(), self.closed("12:00"), 80)
        assert "market closed" not in said(TickerBar(), self.closed("12:00"), 140)

    def test_one_that_is_closed_while_the_market_trades_says_both(self) -> None:
        scene = replace(self.closed("12:00"), clock=NOW.timestamp())
        assert "○ market closed  open" in said(TickerBar(), scene, 140)

    def test_the_past_is_told_by_its_own_time(self) -> None:
        scene = self.scene(clock=None, replay=True)
        assert "open, closes in 6h28m" in said(TickerBar(), scene, 160)
