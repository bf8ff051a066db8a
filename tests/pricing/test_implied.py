import itertools
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gextui.pricing.black import black76
from gextui.pricing.implied import implied_volatility
from tests.pricing import exact

AUX = json.loads((Path(__file__).parent / "aux_cases.json").read_text())["iv_black76_undiscounted"]
SOLVABLE: list[dict[str, Any]] = [case for case in AUX if case["sigma"] is not None]
UNSOLVABLE: list[dict[str, Any]] = [case for case in AUX if case["sigma"] is None]


@pytest.mark.parametrize("case", SOLVABLE, ids=lambda case: f"{case['F']:.4g}-{case['K']:.4g}-{case['T']:.3g}")
def test_every_reference_case_holds(case: dict[str, Any]) -> None:
    solved = float(implied_volatility(case["price"], case["F"], case["K"], case["T"], case["type"] == "call"))
    # One ulp of the price is worth `attainable_relerr`; parity and the logarithm cost a few.
    allowed = max(100.0 * case["attainable_relerr"], 1e-13)
    if allowed < 1.0:
        assert solved == pytest.approx(case["sigma"], rel=allowed)
    else:
        # Rounding ate the time value of a price so deep in the money: no number at all beats a wrong one.
        assert math.isnan(solved)


@pytest.mark.parametrize("case", UNSOLVABLE, ids=lambda case: case["why"])
def test_a_price_without_a_volatility_gives_none(case: dict[str, Any]) -> None:
    assert math.isnan(implied_volatility(case["price"], case["F"], case["K"], case["T"], case["type"] == "call"))


def test_the_cases_are_all_there() -> None:
    assert (len(SOLVABLE), len(UNSOLVABLE)) == (57, 6)


@pytest.mark.parametrize("deviation", [1e-5, 1e-3, 0.01, 0.0399, 0.0401, 0.1, 0.3, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0])
def test_the_wings_keep_their_digits(deviation: float) -> None:
    """Out of the money up to 20 deviations, where prices are 1e-90 of the forward."""
    years, forward = 0.25, 100.0
    sigma = deviation / math.sqrt(years)
    strike = forward * np.exp(deviation * np.array([0.0, 1e-6, 0.1, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 12.0, 20.0]))
    price = [exact.black_scholes(forward, k, years, sigma, True)["value"] for k in strike.tolist()]
    assert implied_volatility(price, forward, strike, years, True) == pytest.approx(sigma, rel=2e-13)
    mirrored = forward**2 / strike
    price = [exact.black_scholes(forward, k, years, sigma, False)["value"] for k in mirrored.tolist()]
    assert implied_volatility(price, forward, mirrored, years, False) == pytest.approx(sigma, rel=2e-13)


def test_a_chain_of_the_size_of_spx_comes_back() -> None:
    rng = np.random.default_rng(8)
    count = 20_000
    years = rng.uniform(0.001, 2.0, count)
    sigma = rng.uniform(0.05, 2.0, count)
    forward = 6000.0 * np.exp(0.03 * years)
    strike = forward * np.exp(rng.uniform(-6.0, 6.0, count) * sigma * np.sqrt(years))
    is_call = strike >= forward
    price = black76(forward, strike, years, sigma, is_call, 0.04).value
    solved = implied_volatility(price, forward, strike, years, is_call, 0.04)
    assert np.max(np.abs(solved / sigma - 1.0)) < 1e-12


def test_the_other_right_gives_the_same_as_long_as_its_price_can_tell() -> None:
    strike = np.array([80.0, 95.0, 100.0, 105.0, 130.0])
    for is_call in (True, False):
        price = black76(100.0, strike, 0.5, 0.3, is_call, 0.05).value
        assert implied_volatility(price, 100.0, strike, 0.5, is_call, 0.05) == pytest.approx(0.3, rel=1e-12)


def test_a_price_deep_in_the_money_says_nothing() -> None:
    price = black76(100.0, 20.0, 0.02, 0.2, True).value
    assert price == 80.0
    for rounding in (-1e-14, 0.0, 1e-14):
        assert math.isnan(implied_volatility(price + rounding, 100.0, 20.0, 0.02, True))


def test_the_bounds_of_arbitrage() -> None:
    below, above = np.nextafter(100.0, 0.0), np.nextafter(100.0, 200.0)
    price = [-1.0, 0.0, 5e-324, 100.0, above, below]
    solved = implied_volatility(price, 100.0, 120.0, 1.0, True)
    assert np.isnan(solved).tolist() == [True, True, True, True, True, True]
    assert implied_volatility(99.9999, 100.0, 120.0, 1.0, True) > 8.0


def test_shapes_follow_broadcasting() -> None:
    assert implied_volatility(5.0, 100.0, [100.0, 101.0, 102.0], [[0.1], [0.2]], True).shape == (2, 3)
    assert implied_volatility(5.0, 100.0, 101.0, 0.2, True).shape == ()
    assert implied_volatility([], [], [], [], []).shape == (0,)


def test_rows_without_a_solution_do_not_touch_the_others() -> None:
    price = float(black76(100.0, 110.0, 0.5, 0.4, True).value)
    solved = implied_volatility([price, math.nan, price, 500.0, price], 100.0, 110.0, [0.5, 0.5, 0.0, 0.5, 0.5], True)
    assert np.isnan(solved).tolist() == [False, True, True, True, False]
    assert solved[[0, 4]] == pytest.approx(0.4, rel=1e-14)


@pytest.mark.parametrize(
    ("place", "bad"), [*itertools.product(range(4), [math.nan, math.inf, -math.inf, 0.0, -1.0]), (5, math.nan)]
)
def test_what_makes_no_sense_gives_none(place: int, bad: float) -> None:
    arguments: list[Any] = [5.0, 100.0, 101.0, 0.5, True, 0.01]
    assert math.isfinite(implied_volatility(*arguments))
    arguments[place] = bad
    assert math.isnan(implied_volatility(*arguments))


anything = st.floats(allow_nan=True, allow_infinity=True, width=64)


@given(price=anything, forward=anything, strike=anything, years=anything, is_call=st.booleans(), rate=anything)
def test_no_input_raises(price: float, forward: float, strike: float, years: float, is_call: bool, rate: float) -> None:
    solved = float(implied_volatility(price, forward, strike, years, is_call, rate))
    assert math.isnan(solved) or solved >= 0


@given(
    forward=st.floats(1e-3, 1e6),
    deviation=st.floats(1e-4, 6.0),
    away=st.floats(-15.0, 15.0),
    years=st.floats(1e-6, 10.0),
    rate=st.floats(-0.05, 0.2),
)
def test_a_price_out_of_the_money_comes_back(
    forward: float, deviation: float, away: float, years: float, rate: float
) -> None:
    assume(abs(away * deviation) < 50)
    strike = forward * math.exp(away * deviation)
    is_call = strike >= forward
    sigma = deviation / math.sqrt(years)
    price = float(black76(forward, strike, years, sigma, is_call, rate).value)
    solved = float(implied_volatility(price, forward, strike, years, is_call, rate))
    assert solved == pytest.approx(sigma, rel=1e-9)


@given(share=st.floats(1e-250, 1.0, exclude_max=True), moneyness=st.floats(-20.0, 20.0), years=st.floats(1e-6, 10.0))
def test_any_price_inside_its_bounds_is_met(share: float, moneyness: float, years: float) -> None:
    """Prices that no market makes: what comes back prices to what went in, or nothing comes back."""
    strike = 100.0 * math.exp(moneyness)
    is_call = strike >= 100.0
    most = 100.0 if is_call else strike
    solved = float(implied_volatility(share * most, 100.0, strike, years, is_call))
    if math.isnan(solved):
        assert 1.0 - share < 1e-14
    elif solved * math.sqrt(years) > 1e-7:
        again = black76(100.0, strike, years, solved, is_call)
        assert float(again.value) == pytest.approx(share * most, rel=1e-9, abs=1e-15 * most)
