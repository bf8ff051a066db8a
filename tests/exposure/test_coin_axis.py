from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from gextui.exposure.board import Board, build_board
from gextui.exposure.change import Past
from gextui.exposure.coin_axis import on_coin_axis
from gextui.exposure.explain import EXPLAINED, contract_name, explain, explain_strike
from gextui.exposure.filters import Filters
from gextui.market.coin import CoinRatio, PriceAxis, RatioSource
from gextui.market.ticker import ticker_for
from gextui.sources.files import read_chains
from tests.exposure.chains import Contract, chain_of, random_chain

AT = datetime(2026, 11, 20, 20, 59, tzinfo=UTC)
IBIT = ticker_for("IBIT")
RATIO = CoinRatio(0.0006, RatioSource.SPOTS, AT)


def small_board() -> Board:
    sides = (
        *(("C", 55.0, 100.0), ("P", 55.0, 900.0)),
        *(("C", 60.0, 500.0), ("P", 60.0, 400.0)),
        *(("C", 66.0, 900.0), ("P", 66.0, 50.0)),
    )
    contracts = [Contract(strike, right, iv=0.5, open_interest=held, root="IBIT") for right, strike, held in sides]
    chain = chain_of(contracts, spot=60.0, multiplier=100.0, ticker=IBIT, as_of=AT)
    return build_board(replace(chain, coin_ratio=RATIO, previous_close=57.0))


def test_by_hand() -> None:
    board, coin = small_board(), on_coin_axis(small_board())
    assert (board.unit, coin.unit) == ("IBIT", "BTC")
    assert coin.spot == pytest.approx(100_000.0)
    assert coin.by_strike.strike == pytest.approx([91_666.666667, 100_000.0, 110_000.0])
    assert coin.levels.call_wall is not None
    assert coin.levels.put_wall is not None
    assert coin.levels.expected_move is not None
    assert coin.levels.call_wall.price == pytest.approx(110_000.0)
    assert coin.levels.put_wall.price == pytest.approx(91_666.666667)
    assert coin.levels.distance(coin.levels.call_wall.price).percent == pytest.approx(10.0)
    # One sigma of 60 * 0.5 * sqrt(0.1) USD a share.
    assert coin.levels.expected_move.move == pytest.approx(15_811.388301)
    # 100 shares a contract are 0.06 coins.
    assert coin.chain.multiplier == pytest.approx([0.06] * 6)
    assert coin.spot_change == board.spot_change == pytest.approx(60.0 / 57.0 - 1.0)


def test_no_exposure_changes_and_no_distance() -> None:
    chain = replace(random_chain(11, rate=0.04), ticker=IBIT, coin_ratio=RATIO)
    earlier = replace(random_chain(11, rate=0.04), ticker=IBIT, spot=99.0, as_of=chain.as_of - timedelta(minutes=5))
    board = build_board(chain, Past({5: earlier}, earlier), Filters(strike_range=25.0))
    coin = on_coin_axis(board)
    assert coin.totals == board.totals
    assert coin.regime == board.regime
    for name in ("call_gex", "put_gex", "net_gex", "net_dex", "net_vanna", "net_charm"):
        np.testing.assert_array_equal(getattr(coin.by_strike, name), getattr(board.by_strike, name))
        np.testing.assert_array_equal(getattr(coin.by_expiry, name), getattr(board.by_expiry, name))
    np.testing.assert_array_equal(coin.curve.gex, board.curve.gex)
    assert [change.total for change in coin.changes] == [change.total for change in board.changes]
    for here, there in zip(prices(board), prices(coin), strict=True):
        assert there == pytest.approx(here / 0.0006, rel=1e-12)
        ours, theirs = board.levels.distance(here), coin.levels.distance(there)
        assert theirs.percent == pytest.approx(ours.percent, abs=1e-9)
        assert theirs.sigmas == pytest.approx(ours.sigmas, abs=1e-9)


def prices(board: Board) -> list[float]:
    """Every price of the levels, in one order."""
    levels, zero = board.levels, board.levels.zero_gamma
    assert levels.absolute_gamma is not None
    assert levels.max_pain is not None
    assert levels.expected_move is not None
    assert zero.price is not None
    assert zero.band is not None
    moved = [strike for change in board.changes for strike in change.strikes.tolist()]
    assert moved
    return [
        *(wall.price for wall in (*levels.call_walls, *levels.put_walls, levels.absolute_gamma)),
        *(zero.price, *zero.roots, *zero.band, *board.curve.roots),
        *(rule.price for rule in levels.other_rules if rule.price is not None),
        *(levels.max_pain.price, levels.expected_move.low, levels.expected_move.high),
        *board.curve.spot.tolist(),
        *board.smile.forward.tolist(),
        *board.by_expiry.forward.tolist(),
        *moved,
    ]


def test_it_is_the_board_of_the_chain_on_that_axis() -> None:
    """What is converted is what the converted chain's own board would be."""
    chain = replace(random_chain(10, rate=0.04), ticker=IBIT, coin_ratio=RATIO)
    coin = on_coin_axis(build_board(chain))
    built = build_board(coin.chain)
    assert built.totals.net_gex == pytest.approx(coin.totals.net_gex, rel=1e-9)
    np.testing.assert_allclose(built.book.gamma, coin.book.gamma, rtol=1e-9)
    np.testing.assert_allclose(built.smile.forward, coin.smile.forward, rtol=1e-12)
    assert built.levels.zero_gamma.price == pytest.approx(coin.levels.zero_gamma.price, rel=1e-9)
    assert built.levels.max_pain == pytest.approx(coin.levels.max_pain)
    assert built.levels.expected_move is not None
    assert coin.levels.expected_move is not None
    assert built.levels.expected_move.move == pytest.approx(coin.levels.expected_move.move, rel=1e-9)


def test_what_is_explained_names_contracts_as_they_are_listed() -> None:
    board, coin = small_board(), on_coin_axis(small_board())
    assert [contract_name(coin, row) for row in range(6)] == [contract_name(board, row) for row in range(6)]
    ours, theirs = explain_strike(board, 66.0), explain_strike(coin, float(coin.by_strike.strike[2]))
    assert (ours.title, theirs.title) == ("GEX at 66", "GEX at 110,000")
    assert (theirs.value, theirs.contracts) == (ours.value, ours.contracts)
    for name in EXPLAINED:
        ours, theirs = explain(board, name), explain(coin, name)
        assert [contract.name for contract in theirs.contracts] == [contract.name for contract in ours.contracts]
        assert theirs.heaviest_share == pytest.approx(ours.heaviest_share)


def test_there_is_one_other_axis_where_a_ratio_is_known() -> None:
    with pytest.raises(ValueError, match="no other axis"):
        on_coin_axis(on_coin_axis(small_board()))
    with pytest.raises(ValueError, match="no other axis"):
        on_coin_axis(build_board(chain_of([Contract(100.0, "C", open_interest=1.0)])))
    assert small_board().axis is PriceAxis.SHARE


@pytest.mark.parametrize("symbol", ["IBIT", "ETHA"])
def test_recorded(shared: Path, symbol: str) -> None:
    (chain,) = read_chains(shared / "data/yahoo/merged" / f"{symbol}_2026-07-12.json", rate=0.04)
    board = build_board(replace(chain, coin_ratio=RATIO))
    coin = on_coin_axis(board)
    built = build_board(coin.chain)
    for name in ("net_gex", "gross_gex", "net_dex", "net_vanna"):
        assert getattr(built.totals, name) == pytest.approx(getattr(board.totals, name), rel=1e-9)
    assert board.levels.call_wall is not None
    assert built.levels.call_wall is not None
    assert built.levels.call_wall.price == pytest.approx(board.levels.call_wall.price / 0.0006, rel=1e-12)
    assert (built.regime.state, coin.regime.state) == (board.regime.state, board.regime.state)
