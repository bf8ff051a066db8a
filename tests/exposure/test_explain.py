"""Explanations add up to the number they explain."""

import pytest

from gextui.exposure.board import build_board
from gextui.exposure.explain import EXPLAINED, explain, explain_strike
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


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match="there are zero_gamma, call_wall, put_wall"):
        explain(BOARD, "gamma_flip")


def test_a_board_without_levels_is_explained_without_numbers() -> None:
    empty = build_board(chain_of([]))
    for name in EXPLAINED:
        explanation = explain(empty, name)
        assert explanation.value is None
        assert explanation.contracts == ()
