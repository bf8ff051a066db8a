"""Text from outside comes out fit to draw."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gextui.market.text import SYMBOL_LIMIT, TEXT_LIMIT, clean_symbol, clean_text, is_symbol

ESCAPES = (
    "\x1b]0;title\x07", "\x1b]52;c;aGk=\x07", "\x1b[2J", "\x1b]8;;http://x\x1b\\", "\x1bP+q\x1b\\", "\x9b2J", "\x07",
    "\x08", "\x0c", "\r", "\n", "\x00", "\x7f", "\u202e", "\u2066", "\u200b", "\u200f", "\ufeff", "\u2028",
    "\U000e0041", "\ud83d",
)  # fmt: skip
MARKUP = (
    "[red]SPY[/red]", "SPY[/]", "[/SPY", "[/SPY]", "[0] SPY", "[b + [#888888]x[/#888888]", "[@click=app.quit]SPY[/]",
    "[link=http://x]SPY[/link]", "[$nosuch]SPY", "[data: /m?x=bb-609b-]SPY",
)  # fmt: skip


@pytest.mark.parametrize("escape", ESCAPES, ids=repr)
def test_nothing_a_terminal_acts_on_is_left(escape: str) -> None:
    cleaned = clean_text(f"SPY{escape}X")
    assert cleaned.startswith("SPY�")
    assert cleaned.endswith("X")
    assert not any(unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp") for letter in cleaned)


@pytest.mark.parametrize("markup", MARKUP)
def test_markup_is_kept_as_the_text_it_is(markup: str) -> None:
    assert clean_text(markup) == markup


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_becomes_one_short_printable_line(text: str) -> None:
    for cleaned, limit in ((clean_text(text), TEXT_LIMIT), (clean_symbol(text), SYMBOL_LIMIT)):
        assert len(cleaned) <= limit
        assert not any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in cleaned)
        cleaned.encode()


@given(st.text(st.characters(exclude_categories=())))
def test_cleaning_twice_changes_nothing(text: str) -> None:
    assert clean_text(clean_text(text)) == clean_text(text)


def test_ten_megabytes_become_a_line() -> None:
    assert clean_text("x" * 10_000_000) == "x" * (TEXT_LIMIT - 1) + "…"


@pytest.mark.parametrize("symbol", ["SPX", "BRK.B", "^IRX", "BTC-USD", "SOL_USDC", "ES/U26", "a" * 32])
def test_symbols(symbol: str) -> None:
    assert is_symbol(symbol)
    assert clean_symbol(f" {symbol} ") == symbol


@pytest.mark.parametrize("symbol", ["", "a" * 33, "[red]", "SPY\n", "SPY\x1b", "SPÝ", "=1+1"])
def test_what_no_market_lists(symbol: str) -> None:
    assert not is_symbol(symbol)
