"""Zero gamma: published cases, the honest none, the band, the other tools' rules."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gextui.exposure.board import build_board
from gextui.exposure.curve import Bumps, curve_values, gamma_curve
from gextui.exposure.zero_gamma import Side
from tests.exposure.chains import Contract, chain_of, random_chain
from tests.exposure.reference import read

AUX: dict[str, Any] = json.loads((Path(__file__).parents[1] / "pricing" / "aux_cases.json").read_text())
CASES = AUX["zero_gamma"]


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_published_roots(case: dict[str, Any]) -> None:
    contracts = [
        Contract(
            strike=row["K"],
            right="C" if row["type"] == "call" else "P",
            years=row["T"],
            iv=row["sigma"],
            open_interest=float(row["oi"]),
        )
        for row in case["contracts"]
    ]
    rate, dividend = float(case["r"]), float(case["q"])
    board = build_board(chain_of(contracts, rate=rate, carry=rate - dividend, multiplier=100.0))
    low, high = case["grid"]
    inside = [root for root in board.levels.zero_gamma.roots if low <= root <= high]
    assert inside == pytest.approx(case["roots"], rel=1e-6)
    assert board.totals.net_gex == pytest.approx(case["net_gex_usd_per_1pct_at_100"], rel=1e-9)


def test_a_book_of_calls_has_none_and_says_its_side() -> None:
    board = build_board(chain_of([Contract(100.0, "C", open_interest=10.0)]))
    zero = board.levels.zero_gamma
    assert (zero.price, zero.roots, zero.band, zero.side) == (None, (), None, Side.LONG)


def test_no_open_interest_has_neither_root_nor_side() -> None:
    zero = build_board(chain_of([Contract(100.0, "C", open_interest=0.0)])).levels.zero_gamma
    assert (zero.price, zero.side) == (None, None)


def test_d11_a_root_beyond_the_range_is_none() -> None:
    rows = [Contract(100.0, "P", open_interest=100.0), Contract(180.0, "C", open_interest=1000.0)]
    at_spot, nearer = (build_board(chain_of(rows, spot=spot)).levels.zero_gamma for spot in (100.0, 140.0))
    assert (at_spot.price, at_spot.roots, at_spot.band, at_spot.side) == (None, (), None, Side.SHORT)
    [root] = nearer.roots
    assert root > 125.0, "it is there, beyond the 25 % that spot is moved"


def test_the_nearest_root_is_the_zero_gamma() -> None:
    rows = [
        Contract(90, "C", years=0.02, open_interest=1000),
        Contract(97, "P", years=0.02, open_interest=1500),
        Contract(103, "C", years=0.02, open_interest=1500),
        Contract(110, "P", years=0.02, open_interest=1000),
    ]
    for spot in (94.0, 100.0, 106.5):
        zero = build_board(chain_of(rows, spot=spot)).levels.zero_gamma
        assert len(zero.roots) == 3
        assert zero.price == min(zero.roots, key=lambda root: abs(root - spot))


def test_the_last_hours_are_seen_between_the_grid_points() -> None:
    # Ten minutes to live at 10 % vol: a strike is 0.04 % wide, a tenth of the even grid's step.
    rows = [
        Contract(strike, right, years=10 / (365 * 24 * 60), iv=0.1, open_interest=oi)
        for strike, right, oi in ((99.9, "P", 900.0), (100.0, "C", 900.0), (100.1, "P", 900.0), (100.2, "C", 900.0))
    ]
    chain = chain_of(rows, spot=100.05)
    zero = build_board(chain).levels.zero_gamma
    slow = read(chain, points=60001)
    assert list(zero.roots) == pytest.approx(slow.roots, rel=1e-7)
    assert len(zero.roots) == 3


def test_the_curve_at_spot_is_net_gex() -> None:
    chain = random_chain(11)
    board = build_board(chain)
    rows = np.flatnonzero(board.book.used)
    expiry = chain.expiry[rows]
    bumps = Bumps.of(
        board.smile.forward[expiry], chain.strike[rows], board.smile.years[expiry], board.book.iv[rows], chain.rate
    )
    held = np.where(chain.is_call, 1.0, -1.0)[rows] * board.book.weight[rows]
    at_spot = curve_values(bumps, held[np.newaxis], np.zeros(1))[0, 0]
    assert at_spot == pytest.approx(board.totals.net_gex, rel=1e-9)
    whole = gamma_curve(bumps, held, chain.spot)
    assert whole.roots == pytest.approx(board.curve.roots, rel=1e-8)
    assert whole.gex == pytest.approx(board.curve.gex, rel=1e-6, abs=1e-6)


def test_the_curve_does_not_depend_on_where_spot_is_now() -> None:
    rows = [Contract(95, "P", open_interest=1000), Contract(105, "C", open_interest=1000)]
    forward = {chain_of(rows).expiries[0]: 0.0}
    roots = [
        build_board(chain_of(rows, spot=spot, forwards=dict.fromkeys(forward, spot))).levels.zero_gamma.price
        for spot in (97.0, 100.0, 103.0)
    ]
    assert roots == pytest.approx([roots[0]] * 3, rel=1e-8)


def test_the_band_holds_every_way_to_price_the_chain() -> None:
    chain = random_chain(12)
    zero = build_board(chain).levels.zero_gamma
    assert zero.price is not None
    assert zero.band is not None
    assert zero.band[0] <= zero.price <= zero.band[1]
    # Two IVs a strike, forwards of their own and missing IVs: none of the four ways agrees with another.
    assert zero.band[1] - zero.band[0] > 1e-4
    # One IV a strike, carried forwards and nothing missing: the four ways are one.
    rows = [Contract(95, "P", open_interest=1000), Contract(105, "C", open_interest=1000)]
    exact = build_board(chain_of(rows)).levels.zero_gamma
    assert exact.band == (exact.price, exact.price)


def test_the_other_rules_by_their_own_names() -> None:
    rows = [
        Contract(90, "P", open_interest=100, volume=10),
        Contract(100, "C", open_interest=300, volume=10),
        Contract(95, "P", years=0.4, open_interest=400, volume=10),
        Contract(110, "C", years=0.4, open_interest=50, volume=10),
    ]
    board = build_board(chain_of(rows, carry=0.0))
    rules = {rule.name: rule.price for rule in board.levels.other_rules}
    assert list(rules) == [
        "strike sign change",
        "cumulative sum",
        "volume-weighted",
        "front expiry",
        "without front",
    ]
    net = dict(zip(board.by_strike.strike.tolist(), board.by_strike.net_gex.tolist(), strict=True))
    assert rules["strike sign change"] == pytest.approx(95 + 5 * net[95.0] / (net[95.0] - net[100.0]))
    by_volume = build_board(chain_of([Contract(r.strike, r.right, r.years, open_interest=10) for r in rows], carry=0.0))
    assert rules["volume-weighted"] == pytest.approx(by_volume.levels.zero_gamma.price, rel=1e-7)
    front = build_board(chain_of(rows[:2], carry=0.0))
    assert rules["front expiry"] == pytest.approx(front.levels.zero_gamma.price, rel=1e-7)
    rest = build_board(chain_of(rows[2:], carry=0.0))
    assert rules["without front"] == pytest.approx(rest.levels.zero_gamma.price, rel=1e-7)
