import math

import numpy as np
import pytest

from benchmarks import engine
from gextui.exposure.board import build_board
from gextui.exposure.curve import GRID_POINTS, REACH
from gextui.pricing.smile import fit_smile

CLAIMED = {
    "full_recompute_25k_over_exp",
    "gamma_curve_25k_over_exp",
    "greeks_25k_over_exp",
    "implied_20k_over_ndtr",
    "board_1k_ms",
    "board_5k_ms",
    "quantlib_over_ours",
    "scipy_stats_curve_over_ours",
}


def test_it_prints_what_is_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "CONTRACTS", 800)
    monkeypatch.setattr(engine, "QUOTES", 500)
    monkeypatch.setattr(engine, "_boards", lambda: {"board_1k_ms": 1.0, "board_5k_ms": 4.0})
    figures = engine.run()
    assert figures.keys() >= CLAIMED
    assert all(math.isfinite(value) and value > 0 for value in figures.values())
    assert figures["implied_20k_worst_relative_error"] < 1e-12


def test_the_chain_is_of_the_size_asked_for_and_has_one_flip() -> None:
    chain = engine.make_chain(5_000, 20)
    assert len(chain) == 5_000
    board = build_board(chain)
    assert board.used == 5_000
    assert board.coverage == 1.0
    assert len(board.curve.roots) == 1


def test_the_naive_curve_that_ours_is_measured_against_is_the_same_curve() -> None:
    chain = engine.make_chain(1_000, 10)
    smile = fit_smile(chain)
    ours, naive = engine._curve(chain, smile), engine._curve_by_scipy_stats(chain, smile)
    even = chain.spot * np.exp(np.linspace(math.log1p(-REACH), math.log1p(REACH), GRID_POINTS))
    shared = np.abs(ours.spot[:, np.newaxis] / even - 1.0).argmin(axis=0)
    np.testing.assert_allclose(ours.spot[shared], even, rtol=1e-14)
    np.testing.assert_allclose(ours.gex[shared], naive, rtol=1e-9, atol=1e-9 * np.abs(naive).max())
