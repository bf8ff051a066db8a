"""The page on a reading: a combined book's venues are listed with where each stands."""

from gextui.desk import Health
from gextui.exposure.board import build_board
from gextui.sources.source import SourceState, SourceStatus
from gextui.ui.screens.pages import reading_page
from gextui.ui.widgets.lines import text_of
from tests.ui.desk import made_up_chain, two_venues_chain

HEALTH = Health(SourceStatus("deribit+bybit", SourceState.LIVE, 1.0), 0.4, False, "recording")


def test_the_venues_of_a_combined_book_are_listed() -> None:
    board = build_board(two_venues_chain(stale="no data since 14:31:28"))
    for width in (110, 56):
        text = " ".join(" ".join(text_of(reading_page(board, HEALTH)(width))).split())
        assert "Venues, in coins" in text
        first, second = (f"{part.share:.1%} of gross GEX" for part in board.parts)
        used = "708 of 708 contracts in the numbers"
        assert f"deribit {first}, spot 98,412.5, as of 14:32:10 UTC, {used} bybit" in text
        assert f"bybit {second}, spot 98,314.1, as of 14:31:28 UTC, {used}, stale 42 s: no data since 14:31:28" in text


def test_a_single_source_lists_none() -> None:
    assert "Venues" not in " ".join(text_of(reading_page(build_board(made_up_chain()), HEALTH)(80)))
