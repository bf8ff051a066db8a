"""Explanations add up to the number they explain."""

import pytest

from gextui.exposure.board import build_board
from gextui.exposure.explain import EXPLAINED, explain, explain_expiry, explain_strike
from tests.exposure.chains import Contract, chain_of, random_chain

BOARD = build_board(random_chain(12))


@pytest.mark.parametrize("name", EXPLAINED)
def test_everything_named_is_explained(name: str) -> None:
    explanation = explain(BOARD, name)
    assert explanation.value is not None
    assert explanation.formula
    assert explanation.inputs
    assert len(explanation.contracts) <= 10
    shares = [contract.share for contract in explanation.contracts]
    assert shares == sorted(shares, reverse=True)
    assert explanation.heaviest_share == pytest.approx(sum(shares))


def test_a_small_book_is_explained_whole() -> None:
    board = build_board(
        chain_of([Contract(95, "P", open_interest=100), Contract(105, "C", open_interest=100)], carry=0.0)
    )
    net = explain(board, "net_gex")
    assert net.value == pytest.approx(sum(contract.amount for contract in net.contracts))
    assert net.heaviest_share == pytest.approx(1.0)
    assert [contract.name for contract in explain_strike(board, 105.0).contracts] == ["BTC 08APR26 105 C"]
    zero = explain(board, "zero_gamma")
    # At its own zero gamma the book's long and short gamma cancel.
    assert sum(contract.amount for contract in zero.contracts) == pytest.approx(
        0.0, abs=1e-6 * max(abs(contract.amount) for contract in zero.contracts)
    )


def test_a_strike_and_an_expiry_add_up_to_what_the_views_show() -> None:
    by_strike, by_expiry = BOARD.by_strike, BOARD.by_expiry
    for row, strike in enumerate(by_strike.strike.tolist()):
        assert explain_strike(BOARD, strike).value == pytest.approx(by_strike.net_gex[row], rel=1e-9)
        for at, expiry in enumerate(by_expiry.expiry.tolist()):
            explained = explain_strike(BOARD, strike, expiry)
            if explained.value is not None:
                assert explained.value == pytest.approx(by_expiry.strike_gex[row, at], rel=1e-9)
    for at, expiry in enumerate(by_expiry.expiry.tolist()):
        assert explain_expiry(BOARD, expiry).value == pytest.approx(by_expiry.net_gex[at], rel=1e-9)
    named = explain_strike(BOARD, 100.0, float(by_expiry.expiry[0]))
    assert named.title.startswith("GEX at 100, ")
    assert named.unit == "USD per 1%"
    assert explain(BOARD, "call_wall").unit == "USD"


def test_a_strike_of_seven_digits_is_written_in_full() -> None:
    board = build_board(chain_of([Contract(1_250_000, "C", open_interest=100)], spot=1_200_000.0, carry=0.0))
    explained = explain_strike(board, 1_250_000.0)
    assert explained.title == "GEX at 1,250,000"
    assert [contract.name.split()[2] for contract in explained.contracts] == ["1250000"]


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match="there are zero_gamma, call_wall, put_wall"):
        explain(BOARD, "gamma_flip")


def test_a_board_without_levels_is_explained_without_numbers() -> None:
    empty = build_board(chain_of([]))
    for name in EXPLAINED:
        explanation = explain(empty, name)
        assert explanation.value is None
        assert explanation.contracts == ()
