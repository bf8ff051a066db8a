"""Contracts one by one: quotes, volatilities and greeks, and how they are explained."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gextui.exposure.board import Board, build_board
from gextui.exposure.contracts import QUANTITIES, explain_contract
from gextui.pricing.black import black76
from tests.exposure.chains import YEAR, Contract, chain_of

F, T, RATE = 101.0, 0.25, 0.03
NAN = float("nan")


def values(board: Board, name: str) -> list[float]:
    found: list[float] = QUANTITIES[name].of(board, np.arange(len(board.chain))).tolist()
    return found


def quoted_board(**changes: Any) -> Board:
    """A call and a put at 105, worth Black-76 at 40 % and 44 %, quoted 1 % either side of it."""
    rows = []
    for right, iv in (("C", 0.40), ("P", 0.44)):
        value = float(black76(F, 105.0, T, iv, right == "C", RATE).value)
        row = Contract(105.0, right, T, iv, open_interest=10.0, volume=3.0, bid=value * 0.99, ask=value * 1.01)
        rows.append(replace(row, **changes))
    instant = float(chain_of(rows).expiries[0])
    return build_board(chain_of(rows, spot=100.0, rate=RATE, forwards={instant: F}, multiplier=100.0))


def test_bid_and_ask_ivs_give_bid_and_ask_back() -> None:
    board = quoted_board()
    chain = board.chain
    for side, quotes in (("bid_iv", chain.bid), ("ask_iv", chain.ask)):
        ivs = values(board, side)
        again = black76(F, chain.strike, T, ivs, chain.is_call, RATE).value
        assert again == pytest.approx(quotes, rel=1e-12)
    bid, own, ask = (values(board, name)[0] for name in ("bid_iv", "iv", "ask_iv"))
    assert bid < own < ask


def test_each_leg_has_its_own_iv_and_mark_and_both_the_clean_one() -> None:
    board = quoted_board()
    assert values(board, "iv") == [0.40, 0.44]
    assert values(board, "clean_iv") == [0.40, 0.40]  # the call is out of the money
    marks = [float(black76(F, 105.0, T, iv, call, RATE).value) for iv, call in ((0.40, True), (0.44, False))]
    assert values(board, "mark") == pytest.approx(marks, rel=1e-14)
    assert values(board, "mid") == pytest.approx(marks, rel=1e-14)


def test_greeks_are_those_of_the_clean_iv_in_the_units_that_are_said() -> None:
    board = quoted_board()
    greeks = black76(F, 105.0, T, 0.40, np.array([True, False]), RATE)
    assert values(board, "delta") == pytest.approx(greeks.delta)
    assert values(board, "gamma") == pytest.approx(greeks.gamma)
    assert values(board, "vega") == pytest.approx(greeks.vega * 0.01)
    assert values(board, "theta") == pytest.approx(greeks.theta / 365.0)
    assert values(board, "delta") == pytest.approx(board.book.delta)
    bumped = black76(F, 105.0, T, 0.41, np.array([True, False]), RATE).value - greeks.value
    assert values(board, "vega") == pytest.approx(bumped, rel=1e-3)


def test_the_theta_of_the_last_day_is_the_time_value_that_is_left() -> None:
    years = 3600.0 / YEAR
    rows = [Contract(100.0, right, years=years, iv=0.5, open_interest=1.0) for right in "CP"]
    board = build_board(chain_of(rows, spot=100.3, carry=0.0))
    worth = black76(100.3, 100.0, years, 0.5, np.array([True, False])).value
    assert values(board, "theta") == pytest.approx([0.3 - worth[0], 0.0 - worth[1]])
    assert all(-worth[at] <= theta < 0 for at, theta in enumerate(values(board, "theta")))


def test_without_open_interest_there_are_greeks_all_the_same() -> None:
    board = quoted_board(open_interest=NAN)
    assert np.isnan(board.book.delta).all()
    assert np.isfinite(values(board, "delta")).all()


@pytest.mark.parametrize(
    ("bid", "ask"), [(NAN, 5.0), (0.0, 5.0), (-1.0, 5.0), (6.0, 5.0)], ids=["none", "zero", "negative", "crossed"]
)
def test_what_no_quote_gives_is_missing(bid: float, ask: float) -> None:
    board = quoted_board(bid=bid, ask=ask)
    assert np.isnan(values(board, "mid")).all()
    assert np.isnan(values(board, "bid_iv")[0]) == (not bid > 0)
    assert np.isfinite(values(board, "ask_iv")[0])


def test_a_bid_below_exercise_has_no_iv() -> None:
    rows = [Contract(50.0, "C", years=T, iv=0.4, open_interest=1.0, bid=49.0, ask=51.0)]
    board = build_board(chain_of(rows, spot=100.0, carry=0.0))
    assert np.isnan(values(board, "bid_iv")).all()
    assert values(board, "ask_iv")[0] > 0.4


def test_a_missing_own_iv_is_the_clean_one() -> None:
    rows = [Contract(strike, "C", years=T, iv=0.4, open_interest=1.0) for strike in (90.0, 110.0)]
    rows += [Contract(100.0, "C", years=T, iv=NAN, open_interest=1.0)]
    board = build_board(chain_of(rows, spot=99.0))
    assert values(board, "iv")[1] == values(board, "clean_iv")[1] == pytest.approx(0.4)
    assert not board.book.own_iv[1]


def test_a_wiped_chain_has_quotes_and_no_volatilities() -> None:
    rows = [
        Contract(100.0 + at, right, years=T, iv=0.004, open_interest=0.0, bid=1.0, ask=1.2)
        for at in range(60)
        for right in "CP"
    ]
    board = build_board(chain_of(rows, spot=130.0))
    assert board.wiped
    assert set(values(board, "bid")) == {1.0}
    for name in ("iv", "clean_iv", "mark", "delta", "gamma", "vega", "theta"):
        assert np.isnan(values(board, name)).all(), name


def test_no_rows_are_no_values() -> None:
    board = quoted_board()
    for quantity in QUANTITIES.values():
        assert len(quantity.of(board, np.empty(0, dtype=np.int64))) == 0


@pytest.mark.parametrize("name", QUANTITIES)
def test_every_number_is_explained(name: str) -> None:
    board = quoted_board()
    explanation = explain_contract(board, 1, name)
    percent = 100.0 if explanation.unit == "%" else 1.0
    assert explanation.value == pytest.approx(values(board, name)[1] * percent)
    assert explanation.formula
    assert explanation.unit
    inputs = {given.name: given.value for given in explanation.inputs}
    assert inputs["contract"] == "BTC 01JUN26 105 P"
    assert inputs["multiplier"] == 100.0
    assert inputs["forward"] == F
    assert inputs["forward from"] == "the source's own"
    assert inputs["T"] == pytest.approx(91.25)
    assert inputs["clean IV"] == pytest.approx(40.0)
