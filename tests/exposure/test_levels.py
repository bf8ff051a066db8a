"""Walls, max pain and expected moves."""

import json
from pathlib import Path

import numpy as np
import pytest

from gextui.exposure.board import build_board
from gextui.exposure.filters import Filters
from gextui.exposure.levels import MoveMethod, max_pain, rank_walls
from gextui.pricing.black import black76
from tests.exposure.chains import YEAR, Contract, chain_of

AUX = json.loads((Path(__file__).parents[1] / "pricing" / "aux_cases.json").read_text())


def test_walls_are_ranked_with_their_share_of_the_side() -> None:
    walls = rank_walls(np.array([90.0, 95.0, 100.0, 105.0]), np.array([1.0, 4.0, 2.0, 3.0]), 100.0)
    assert [(wall.price, wall.share) for wall in walls] == [(95.0, 0.4), (105.0, 0.3), (100.0, 0.2)]


def test_tied_walls_go_to_the_strike_nearest_spot_then_the_lower() -> None:
    strikes = np.array([90.0, 96.0, 104.0, 110.0])
    assert rank_walls(strikes, np.full(4, -5.0), 101.0)[0].price == 104.0
    assert rank_walls(strikes, np.full(4, -5.0), 100.0)[0].price == 96.0


def test_a_side_without_gamma_has_no_wall() -> None:
    assert rank_walls(np.array([90.0, 95.0]), np.zeros(2), 100.0) == ()
    board = build_board(chain_of([Contract(100.0, "C", open_interest=10.0)]))
    assert board.levels.put_wall is None
    assert board.levels.call_wall is not None
    assert board.levels.call_wall.share == 1.0


@pytest.mark.parametrize("spot", [99.0, 104.0])
def test_max_pain_of_the_published_case(spot: float) -> None:
    case = AUX["max_pain"][0]
    strikes, calls, puts = (np.array(case[name], dtype=np.float64) for name in ("strikes", "call_oi", "put_oi"))
    assert max_pain(strikes, calls, puts, spot) == case["max_pain"]


@pytest.mark.parametrize(("spot", "expected"), [(100.0, 100.0), (108.0, 110.0), (95.0, 90.0), (105.0, 100.0)])
def test_max_pain_ties_go_to_the_strike_nearest_spot_then_the_lower(spot: float, expected: float) -> None:
    case = AUX["max_pain"][1]
    strikes, calls, puts = (np.array(case[name], dtype=np.float64) for name in ("strikes", "call_oi", "put_oi"))
    assert max_pain(strikes, calls, puts, spot) == expected


def test_max_pain_agrees_with_brute_force() -> None:
    rng = np.random.default_rng(20261120)
    for _ in range(50):
        strikes = np.sort(rng.choice(np.arange(50.0, 150.0, 0.5), 25, replace=False))
        calls, puts = rng.integers(0, 1000, (2, 25)).astype(np.float64)
        paid = [
            float((calls * np.maximum(s - strikes, 0)).sum() + (puts * np.maximum(strikes - s, 0)).sum())
            for s in strikes
        ]
        found = max_pain(strikes, calls, puts, 100.0)
        assert found is not None
        assert paid[strikes.tolist().index(found)] == min(paid)


def test_max_pain_is_of_the_nearest_living_expiry_unless_another_is_chosen() -> None:
    rows = [
        Contract(80.0, "C", years=-0.01, open_interest=1e6),
        Contract(100.0, "C", years=0.02, open_interest=10.0),
        Contract(110.0, "P", years=0.02, open_interest=10.0),
        Contract(120.0, "C", years=0.9, open_interest=10.0),
    ]
    chain = chain_of(rows)
    pain = build_board(chain).levels.max_pain
    assert pain is not None
    assert pain.expiry == chain.expiries[1]
    assert pain.price in (100.0, 110.0)
    far = str(np.datetime64(int(chain.expiries[2]), "s").astype("datetime64[D]"))
    chosen = build_board(chain, filters=Filters(expiry=far)).levels.max_pain
    assert chosen is not None
    assert (chosen.price, chosen.expiry) == (120.0, chain.expiries[2])


def quoted(strike: float, right: str, years: float, iv: float, forward: float) -> Contract:
    value = float(black76(forward, strike, years, iv, right == "C").value)
    return Contract(strike, right, years=years, iv=iv, open_interest=10.0, bid=value - 0.01, ask=value + 0.01)


@pytest.mark.parametrize("case", AUX["expected_move"]["cases"])
def test_expected_moves_of_the_published_cases(case: dict[str, float]) -> None:
    forward, years, iv = case["F"], case["T"], case["sigma"]
    rows = [quoted(strike, right, years, iv, forward) for strike in (forward - 50, forward) for right in "CP"]
    levels = build_board(chain_of(rows, spot=forward)).levels
    assert levels.expected_move is not None
    assert levels.one_sigma is not None
    assert levels.expected_move.method is MoveMethod.STRADDLE
    assert levels.expected_move.move == pytest.approx(case["atm_straddle"], rel=1e-9)
    assert levels.one_sigma.move == pytest.approx(case["one_sigma"], rel=1e-9)
    assert levels.expected_move.low == pytest.approx(forward - case["atm_straddle"])


def test_the_straddle_is_interpolated_between_the_strikes_around_the_forward() -> None:
    years, iv, forward = 0.02, 0.5, 102.5
    rows = [quoted(strike, right, years, iv, forward) for strike in (100.0, 105.0) for right in "CP"]
    instant = chain_of(rows).expiries[0]
    move = build_board(chain_of(rows, forwards={float(instant): forward})).levels.expected_move
    assert move is not None
    ends = [
        float(black76(forward, k, years, iv, True).value + black76(forward, k, years, iv, False).value)
        for k in (100.0, 105.0)
    ]
    assert move.move == pytest.approx(sum(ends) / 2, rel=1e-12)


def test_without_quotes_the_move_is_one_sigma_and_says_so() -> None:
    levels = build_board(chain_of([Contract(100.0, "C", years=0.25, iv=0.2, open_interest=1.0)], carry=0.0)).levels
    assert levels.expected_move is not None
    assert levels.expected_move.method is MoveMethod.ONE_SIGMA
    assert levels.expected_move.move == pytest.approx(100 * 0.2 * 0.5)


def test_distances_are_in_percent_and_in_daily_sigmas() -> None:
    levels = build_board(chain_of([Contract(100.0, "C", years=0.25, iv=0.365**0.5, open_interest=1.0)])).levels
    away = levels.distance(110.0)
    assert away.percent == pytest.approx(10.0)
    assert away.sigmas == pytest.approx(0.1 / (0.365 / 365) ** 0.5)


def test_the_daily_sigma_comes_from_an_expiry_with_a_day_to_live() -> None:
    rows = [
        Contract(100.0, "C", years=3600 / YEAR, iv=3.0, open_interest=1.0),
        Contract(100.0, "C", years=0.1, iv=0.4, open_interest=1.0),
    ]
    assert build_board(chain_of(rows)).levels.daily_sigma == pytest.approx(0.4 / 365**0.5)
