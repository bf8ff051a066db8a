"""The coin's axis: a coin ETF's board with its prices as prices of the coin; what is USD of exposure stays as it is."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from gextui.exposure.board import Board
from gextui.exposure.levels import ExpectedMove, Levels, Wall
from gextui.exposure.zero_gamma import ZeroGamma
from gextui.market.chain import plain_strikes
from gextui.market.coin import PriceAxis
from gextui.market.combined import on_coin_axis as chain_on_coin_axis


def on_coin_axis(board: Board) -> Board:
    """The same reading with every price divided by the coins a share stands for, and contracts counted in coins.

    GEX is open interest * multiplier * F times what has no unit of price, so no exposure changes, and neither does a
    distance in percent or sigmas.

    Raises:
        ValueError: nobody knows how many coins a share stands for, or the board is on that axis already.
    """
    ratio = board.chain.coin_ratio
    if ratio is None or board.axis is PriceAxis.COIN:
        raise ValueError(f"{board.ticker.symbol} has no other axis to be put on")
    coins = ratio.coins_per_share
    smile, curve = board.smile, board.curve
    return replace(
        board,
        axis=PriceAxis.COIN,
        chain=chain_on_coin_axis(board.chain, coins),
        smile=replace(smile, forward=smile.forward / coins, carried_forward=smile.carried_forward / coins),
        book=replace(board.book, gamma=board.book.gamma * coins),
        by_strike=replace(board.by_strike, strike=plain_strikes(board.by_strike.strike / coins)),
        by_expiry=replace(board.by_expiry, forward=board.by_expiry.forward / coins),
        curve=replace(curve, spot=curve.spot / coins, roots=_all(curve.roots, coins)),
        levels=_levels(board.levels, coins),
        changes=tuple(replace(change, strikes=plain_strikes(change.strikes / coins)) for change in board.changes),
    )


def _levels(levels: Levels, coins: float) -> Levels:
    pain = levels.max_pain
    rules = levels.other_rules
    return replace(
        levels,
        spot=levels.spot / coins,
        call_walls=_walls(levels.call_walls, coins),
        put_walls=_walls(levels.put_walls, coins),
        absolute_gamma=None if levels.absolute_gamma is None else _walls([levels.absolute_gamma], coins)[0],
        zero_gamma=_zero_gamma(levels.zero_gamma, coins),
        other_rules=tuple(replace(rule, price=None if rule.price is None else rule.price / coins) for rule in rules),
        max_pain=None if pain is None else replace(pain, price=_strike(pain.price, coins)),
        expected_move=_move(levels.expected_move, coins),
        one_sigma=_move(levels.one_sigma, coins),
    )


def _walls(walls: Iterable[Wall], coins: float) -> tuple[Wall, ...]:
    return tuple(replace(wall, price=_strike(wall.price, coins)) for wall in walls)


def _strike(price: float, coins: float) -> float:
    """A listed strike, to the digit as its chain has it."""
    return float(plain_strikes(np.array([price / coins]))[0])


def _zero_gamma(zero: ZeroGamma, coins: float) -> ZeroGamma:
    return replace(
        zero,
        price=None if zero.price is None else zero.price / coins,
        roots=_all(zero.roots, coins),
        band=None if zero.band is None else (zero.band[0] / coins, zero.band[1] / coins),
    )


def _move(move: ExpectedMove | None, coins: float) -> ExpectedMove | None:
    if move is None:
        return None
    return replace(move, move=move.move / coins, low=move.low / coins, high=move.high / coins)


def _all(prices: tuple[float, ...], coins: float) -> tuple[float, ...]:
    return tuple(price / coins for price in prices)
