"""Options whose quotes stand still while the price of their underlying goes on."""

from dataclasses import replace

import numpy as np
import pytest

from gextui.exposure.board import Board, build_board
from gextui.exposure.coin_axis import on_coin_axis as board_on_coin_axis
from gextui.exposure.contracts import QUANTITIES
from gextui.market.chain import OptionChain
from gextui.market.coin import CoinRatio, RatioSource
from gextui.market.combined import combine, on_coin_axis
from gextui.market.ticker import ticker_for
from gextui.pricing.smile import ForwardFrom
from tests.exposure.chains import COIN, random_chain

MOVE = 0.0228
IBIT = ticker_for("IBIT")


def quoted() -> OptionChain:
    """As the options shut: some IVs are missing, forwards come from put-call parity."""
    return random_chain(12, rate=0.04)


def later(move: float = MOVE) -> OptionChain:
    """The same quotes, when the price has gone on."""
    chain = quoted()
    return replace(chain, spot=chain.spot * (1.0 + move), quoted_spot=chain.spot)


def book_at(board: Board, spot: float) -> float:
    """Net GEX by the gamma curve of a board."""
    return float(np.interp(spot, board.curve.spot, board.curve.gex))


@pytest.mark.parametrize("move", [-0.08, -0.0048, MOVE, 0.05])
def test_the_gamma_curve_stands_and_spot_moves_along_it(move: float) -> None:
    before, board = build_board(quoted()), build_board(later(move))
    assert set(board.smile.forward_from) == {ForwardFrom.PARITY}
    assert board.levels.zero_gamma.roots == pytest.approx(before.levels.zero_gamma.roots, rel=1e-6)
    assert board.levels.zero_gamma.band == pytest.approx(before.levels.zero_gamma.band, rel=1e-6)
    assert board.totals.net_gex == pytest.approx(book_at(before, board.spot), rel=2e-3)
    np.testing.assert_allclose(board.smile.forward, before.smile.forward * (1.0 + move), rtol=1e-15)


def test_what_the_quotes_say_is_read_where_they_were_made() -> None:
    before, board = build_board(quoted()), build_board(later())
    np.testing.assert_array_equal(board.smile.quoted_forward, before.smile.forward)
    np.testing.assert_array_equal(board.smile.node_iv, before.smile.node_iv)
    rows = np.arange(len(board.chain))
    for name in ("bid_iv", "ask_iv"):
        np.testing.assert_array_equal(QUANTITIES[name].of(board, rows), QUANTITIES[name].of(before, rows))
    move, moved = before.levels.expected_move, board.levels.expected_move
    assert move is not None
    assert moved is not None
    assert (moved.move, moved.low) == (move.move, board.spot - move.move)
    # At the money is where the forward now is.
    expiry = 2
    nodes = np.flatnonzero(np.diff(board.smile.node, prepend=-1))
    nodes = nodes[board.chain.expiry[nodes] == expiry]
    smile = np.log(board.chain.strike[nodes]), board.smile.iv[nodes]
    assert board.smile.atm_iv[expiry] == pytest.approx(np.interp(np.log(board.smile.forward[expiry]), *smile))


def test_a_reader_is_told() -> None:
    assert build_board(later(0.0009)).warnings == build_board(quoted()).warnings
    words = "spot 102.28 is of after hours, +2.28 % from the 100.00 that the options' quotes belong to"
    assert any(words in warning for warning in build_board(later()).warnings)


def test_on_the_coins_axis_and_in_a_coins_book_it_is_the_same() -> None:
    shares = replace(later(), ticker=IBIT, source="cboe", coin_ratio=CoinRatio(0.0005, RatioSource.HOLDINGS))
    board = build_board(shares)
    told = on_coin_axis(shares, 0.0005)
    assert (told.spot, told.quoted_spot) == pytest.approx((204_560.0, 200_000.0))
    coin = replace(random_chain(16), source="deribit", spot=204_560.0)
    joined = combine(COIN, [coin, replace(told, ticker=COIN)])
    (of_etf,) = (part for part in build_board(joined).parts if part.part.quoted_spot is not None)
    for other in (build_board(told), board_on_coin_axis(board)):
        assert other.totals.net_gex == pytest.approx(board.totals.net_gex, rel=1e-9)
        np.testing.assert_allclose(other.smile.quoted_forward, board.smile.quoted_forward * 2000.0, rtol=1e-12)
        roots = [root / 2000.0 for root in other.levels.zero_gamma.roots]
        assert roots == pytest.approx(board.levels.zero_gamma.roots, rel=1e-6)
    assert of_etf.net_gex == pytest.approx(board.totals.net_gex, rel=1e-9)
