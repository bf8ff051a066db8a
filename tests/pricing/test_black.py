import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import QuantLib
from hypothesis import given
from hypothesis import strategies as st

from gextui.market.chain import Floats
from gextui.pricing.black import ExposureGreeks, Greeks, black76, black_scholes, exposure_greeks
from tests.pricing import exact

NAMES = [field.name for field in dataclasses.fields(Greeks)]
PEAK = 1.0 / math.sqrt(2.0 * math.pi)
MINUTE = 60.0 / (365.0 * 86400.0)

CASES: list[dict[str, Any]] = json.loads((Path(__file__).parent / "reference_cases.json").read_text())
FIELD = {"value": "price"} | {name: name for name in NAMES[1:]}


def natural_scale(underlying: Floats, years: Floats, sigma: Floats) -> dict[str, Floats]:
    """What each number is of the order of, undiscounted and at the money; the underlying for the value, 1 for delta."""
    deviation = sigma * np.sqrt(years)
    return {
        "value": underlying,
        "delta": np.ones_like(underlying),
        "gamma": PEAK / (underlying * deviation),
        "vega": PEAK * underlying * np.sqrt(years),
        "theta": PEAK * underlying * sigma / (2.0 * np.sqrt(years)),
        "vanna": PEAK / sigma,
        "charm": PEAK / (2.0 * years),
    }


def column(name: str) -> Floats:
    return np.array([case[name] for case in CASES], dtype=np.float64)


@pytest.fixture(scope="module")
def priced() -> Greeks:
    """All the reference cases in one call."""
    forward_model = np.array([case["model"] == "B76" for case in CASES])
    rate = column("r")
    return black_scholes(
        [case["F"] if case["model"] == "B76" else case["S"] for case in CASES],
        column("K"),
        column("T"),
        column("sigma"),
        [case["type"] == "call" for case in CASES],
        rate,
        np.where(forward_model, rate, column("q")),
    )


@pytest.mark.parametrize("name", NAMES)
def test_every_reference_case_holds(priced: Greeks, name: str) -> None:
    assert len(CASES) == 290
    underlying = np.array([case["F"] if case["model"] == "B76" else case["S"] for case in CASES])
    scale = natural_scale(underlying, column("T"), column("sigma"))[name]
    expected = column(FIELD[name])
    error = np.abs(getattr(priced, name) - expected)
    assert (error <= 1e-12 * scale).all()
    telling = np.abs(expected) > 1e-12 * scale
    assert telling.any()
    assert (error[telling] <= 1e-11 * np.abs(expected[telling])).all()


def test_published_numbers_are_met_to_their_rounding(priced: Greeks) -> None:
    met = 0
    for row, case in enumerate(CASES):
        for name, number in FIELD.items():
            if number in case.get("quoted", {}):
                met += 1
                error = abs(getattr(priced, name)[row] - case["quoted"][number])
                assert error == pytest.approx(abs(case["quoted_diff"][number]), rel=1e-3, abs=1e-9), (row, name)
    assert met > 76


def test_one_option_at_a_time_gives_the_same(priced: Greeks) -> None:
    for row, case in [(row, case) for row, case in enumerate(CASES) if case["model"] == "BS"]:
        one = black_scholes(
            case["S"], case["K"], case["T"], case["sigma"], case["type"] == "call", case["r"], case["q"]
        )
        for name in NAMES:
            assert float(getattr(one, name)) == pytest.approx(float(getattr(priced, name)[row]), rel=1e-14, abs=1e-300)


def random_options(count: int, seed: int) -> dict[str, Any]:
    """Options of a minute to five years, 1 to 500 % volatility, up to 7 deviations from the money or at it."""
    rng = np.random.default_rng(seed)
    spot = np.exp(rng.uniform(-3.0, 12.0, count))
    years = np.exp(rng.uniform(math.log(MINUTE), math.log(5.0), count))
    sigma = np.exp(rng.uniform(math.log(0.01), math.log(5.0), count))
    away = rng.uniform(-7.0, 7.0, count) * sigma * np.sqrt(years)
    near = rng.random(count) < 0.2
    return {
        "spot": spot,
        "strike": spot * np.where(near, 1.0 + 1e-6 * rng.normal(size=count), np.exp(away)),
        "years": years,
        "sigma": sigma,
        "is_call": rng.random(count) < 0.5,
        "rate": rng.uniform(-0.02, 0.1, count),
        "dividend": np.where(rng.random(count) < 0.5, 0.0, rng.uniform(0.0, 0.05, count)),
    }


def test_the_digits_hold_over_all_markets() -> None:
    options = random_options(400, seed=7)
    options["dividend"][::2] = options["rate"][::2]
    ours = black_scholes(**options)
    scale = natural_scale(options["spot"], options["years"], options["sigma"])
    scale["value"] = np.maximum(options["spot"], options["strike"])
    for row in range(len(options["spot"])):
        spot, strike, years, sigma, is_call, rate, dividend = (values[row].item() for values in options.values())
        expected = exact.black_scholes(spot, strike, years, sigma, is_call, rate, dividend)
        for name in NAMES:
            error = abs(float(getattr(ours, name)[row]) - expected[name])
            assert error <= 1e-12 * scale[name][row], (row, name)
            if abs(expected[name]) > 1e-12 * scale[name][row]:
                assert error <= 1e-11 * abs(expected[name]), (row, name)


def test_quantlib_agrees() -> None:
    options = random_options(300, seed=11)
    ours = black_scholes(**options)
    scale = natural_scale(options["spot"], options["years"], options["sigma"])
    for row in range(len(options["spot"])):
        spot, strike, years, sigma, is_call, rate, dividend = (values[row].item() for values in options.values())
        payoff = QuantLib.PlainVanillaPayoff(QuantLib.Option.Call if is_call else QuantLib.Option.Put, strike)
        forward = spot * math.exp((rate - dividend) * years)
        theirs = QuantLib.BlackCalculator(payoff, forward, sigma * math.sqrt(years), math.exp(-rate * years))
        for name, number in {
            "value": theirs.value(),
            "delta": theirs.delta(spot),
            "gamma": theirs.gamma(spot),
            "vega": theirs.vega(years),
            "theta": theirs.theta(spot, years),
            "vanna": theirs.vanna(spot, years),
        }.items():
            weight = max(1.0, strike / spot)
            assert abs(float(getattr(ours, name)[row]) - number) <= 1e-10 * weight * scale[name][row], (row, name)


def test_black76_is_the_case_of_an_asset_that_yields_the_rate() -> None:
    options = random_options(200, seed=3)
    forward, strike, years, sigma, is_call, rate, _ = options.values()
    ours = black76(forward, strike, years, sigma, is_call, rate)
    general = black_scholes(forward, strike, years, sigma, is_call, rate, rate)
    for name in NAMES:
        assert np.array_equal(getattr(ours, name), getattr(general, name))


def test_the_spot_greeks_are_the_forward_greeks_by_the_chain_rule() -> None:
    options = random_options(200, seed=4)
    spot, strike, years, sigma, is_call, rate, dividend = options.values()
    growth = np.exp((rate - dividend) * years)
    forward, ours = black76(spot * growth, strike, years, sigma, is_call, rate), black_scholes(**options)
    scale = natural_scale(spot, years, sigma)
    np.testing.assert_allclose(ours.delta, forward.delta * growth, atol=1e-9, rtol=0)
    assert (np.abs(ours.gamma - forward.gamma * growth**2) <= 1e-8 * scale["gamma"]).all()
    assert (
        np.abs(ours.gamma * spot**2 - forward.gamma * (spot * growth) ** 2) <= 1e-8 * scale["gamma"] * spot**2
    ).all()


def test_the_exposure_greeks_are_those_of_black76() -> None:
    options = random_options(500, seed=5)
    arguments = [options[name] for name in ("spot", "strike", "years", "sigma", "is_call", "rate")]
    fast, full = exposure_greeks(*arguments), black76(*arguments)
    for field in dataclasses.fields(ExposureGreeks):
        assert np.array_equal(getattr(fast, field.name), getattr(full, field.name))


def test_calls_and_puts_of_a_strike_are_one_position_apart() -> None:
    options = random_options(2000, seed=6)
    spot, strike, years, sigma, _, rate, dividend = options.values()
    call = black_scholes(spot, strike, years, sigma, True, rate, dividend)
    put = black_scholes(spot, strike, years, sigma, False, rate, dividend)
    growth, discount = np.exp(-dividend * years), np.exp(-rate * years)
    scale = np.maximum(spot, strike)
    assert (np.abs(call.value - put.value - (spot * growth - strike * discount)) <= 1e-14 * scale).all()
    np.testing.assert_allclose(call.delta - put.delta, growth, rtol=1e-15)
    charms = natural_scale(spot, years, sigma)["charm"]
    assert (np.abs(call.charm - put.charm - dividend * growth) <= 1e-14 * charms).all()
    for name in ("gamma", "vega", "vanna"):
        assert np.array_equal(getattr(call, name), getattr(put, name))
    np.testing.assert_allclose(call.gamma, call.vega / (spot**2 * sigma * years), rtol=1e-13)


# Edges


def test_an_expired_option_is_worth_what_it_pays() -> None:
    for years in (0.0, -0.0, -1e-9, -5.0):
        ours = black_scholes(100.0, [90.0, 100.0, 110.0], years, 0.2, [[True], [False]], 0.05, 0.02)
        assert ours.value.tolist() == [[10.0, 0.0, 0.0], [0.0, 0.0, 10.0]]
        assert ours.delta.tolist() == [[1.0, 0.5, 0.0], [0.0, -0.5, -1.0]]
        for name in ("gamma", "vega", "theta", "vanna", "charm"):
            assert getattr(ours, name).tolist() == [[0.0] * 3] * 2


def test_expired_and_living_options_do_not_touch_each_other() -> None:
    mixed = black76(100.0, 105.0, [0.0, 0.1, -1.0], 0.2, True, 0.03)
    alone = black76(100.0, 105.0, 0.1, 0.2, True, 0.03)
    for name in NAMES:
        assert getattr(mixed, name)[1] == getattr(alone, name)


def test_a_volatility_of_zero_gives_the_limit() -> None:
    ours = black_scholes(100.0, [90.0, 110.0], 1.0, 0.0, [[True], [False]], 0.05, 0.02)
    growth, discount = math.exp(-0.02), math.exp(-0.05)
    paid = 100.0 * growth - 90.0 * discount
    assert ours.value == pytest.approx(
        np.array([[paid, 0.0], [0.0, 110.0 * discount - 100.0 * growth]]), rel=1e-14, abs=1e-290
    )
    assert ours.delta == pytest.approx(np.array([[growth, 0.0], [0.0, -growth]]), rel=1e-14, abs=1e-290)
    for name in ("gamma", "vega", "vanna"):
        assert getattr(ours, name) == pytest.approx(np.zeros((2, 2)), abs=1e-280)


@pytest.mark.parametrize("seconds", [1e-3, 1.0, 5.0, 60.0])
def test_the_last_seconds_keep_their_digits(seconds: float) -> None:
    years = seconds / (365.0 * 86400.0)
    for strike in (5999.5, 6000.0, 6000.01, 6003.0):
        ours = black76(6000.0, strike, years, 0.12, False, 0.04)
        expected = exact.black_scholes(6000.0, strike, years, 0.12, False, 0.04, 0.04)
        for name in NAMES:
            assert float(getattr(ours, name)) == pytest.approx(expected[name], rel=1e-11, abs=1e-200), name


def test_far_strikes_fade_and_are_never_negative() -> None:
    ours = black76(100.0, [1e-3, 1.0, 1e4, 1e8], 0.01, 0.2, [[True], [False]])
    assert ours.value[0] == pytest.approx(np.maximum(100.0 - np.array([1e-3, 1.0, 1e4, 1e8]), 0.0), abs=1e-290)
    assert (ours.value >= 0).all()
    assert ours.delta.round(12).tolist() == [[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, -1.0, -1.0]]
    assert (ours.gamma >= 0).all()
    assert (ours.gamma < 1e-290).all()


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("place", ["spot", "strike", "years", "sigma", "rate", "dividend"])
def test_what_is_not_finite_comes_out_as_nan(place: str, bad: float) -> None:
    sound: dict[str, float] = {
        "spot": 100.0,
        "strike": 95.0,
        "years": 0.2,
        "sigma": 0.3,
        "rate": 0.03,
        "dividend": 0.01,
    }
    for years in (0.2, -1.0):
        for is_call in (True, False):
            ours = black_scholes(**(sound | {"years": years} | {place: bad}), is_call=is_call)
            assert all(math.isnan(getattr(ours, name)) for name in NAMES)


@pytest.mark.parametrize(
    ("place", "bad"), [("spot", 0.0), ("spot", -1.0), ("strike", 0.0), ("strike", -5.0), ("sigma", -0.1)]
)
def test_what_makes_no_sense_comes_out_as_nan_beside_sound_rows(place: str, bad: float) -> None:
    columns: dict[str, Any] = {"spot": [100.0, 100.0], "strike": [95.0, 95.0], "years": 0.2, "sigma": [0.3, 0.3]}
    columns[place] = [bad, columns[place][1]]
    ours = black_scholes(**columns, is_call=True, rate=0.03)
    alone = black_scholes(100.0, 95.0, 0.2, 0.3, True, 0.03)
    for name in NAMES:
        assert math.isnan(getattr(ours, name)[0])
        assert getattr(ours, name)[1] == getattr(alone, name)


def test_shapes_follow_broadcasting() -> None:
    strikes, column = [90.0, 100.0, 110.0], [[0.1], [0.2]]
    for ours in (
        black76(100.0, strikes, column, 0.3, True),
        black76(100.0, strikes, 0.1, 0.3, [[True], [False]]),
        black76(100.0, strikes, 0.1, 0.3, True, column),
        black76(100.0, strikes, 0.0, 0.3, True, column),
        black_scholes(100.0, strikes, 0.1, 0.3, True, 0.0, column),
    ):
        assert {np.shape(getattr(ours, name)) for name in NAMES} == {(2, 3)}
    assert {np.shape(getattr(black76(100.0, 100.0, 1.0, 0.2, True), name)) for name in NAMES} == {()}
    assert {np.shape(getattr(black76([], [], [], [], []), name)) for name in NAMES} == {(0,)}


anything = st.floats(allow_nan=True, allow_infinity=True, width=64)


@given(
    spot=anything,
    strike=anything,
    years=anything,
    sigma=anything,
    is_call=st.booleans(),
    rate=anything,
    dividend=anything,
)
def test_no_input_raises_or_escapes_its_bounds(
    spot: float, strike: float, years: float, sigma: float, is_call: bool, rate: float, dividend: float
) -> None:
    ours = black_scholes(spot, strike, years, sigma, is_call, rate, dividend)
    sound = all(map(math.isfinite, (spot, strike, years, sigma, rate, dividend))) and min(spot, strike) > 0 <= sigma
    if not sound:
        assert all(math.isnan(getattr(ours, name)) for name in NAMES)
    for name in ("value", "gamma", "vega"):
        assert not getattr(ours, name) < 0


@given(
    spot=st.floats(1e-3, 1e6),
    ratio=st.floats(-4.0, 4.0),
    years=st.floats(-1.0, 0.0) | st.floats(1e-9, 1e-6) | st.floats(1e-6, 30.0),
    sigma=st.floats(0.0, 10.0) | st.floats(0.0, 1e-6),
    is_call=st.booleans(),
    rate=st.floats(-0.05, 0.2),
)
def test_any_listed_option_has_sensible_numbers(
    spot: float, ratio: float, years: float, sigma: float, is_call: bool, rate: float
) -> None:
    strike = spot * math.exp(ratio)
    ours = black76(spot, strike, years, sigma, is_call, rate)
    discount = math.exp(-rate * max(years, 0.0))
    for name in NAMES:
        assert math.isfinite(getattr(ours, name))
    intrinsic = max(spot - strike if is_call else strike - spot, 0.0)
    slack = 1e-14 * (spot + strike)
    assert intrinsic * discount - slack <= ours.value <= (spot if is_call else strike) * discount + slack
    assert 0.0 <= (ours.delta if is_call else -ours.delta) <= discount * (1.0 + 1e-15)
    assert ours.gamma >= 0
    assert ours.vega >= 0
