"""Boards for the tests of the screen: built from small chains, numbers put in by hand where a test counts cells."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from gextui.exposure.board import Board, build_board
from gextui.exposure.change import Change, ChangeState, Past
from gextui.exposure.filters import EVERYTHING, Filters
from gextui.exposure.levels import ExpectedMove, MaxPain, MoveMethod, Wall
from gextui.exposure.zero_gamma import ZeroGamma
from gextui.market.chain import OptionChain
from gextui.market.ticker import Ticker
from tests.exposure.chains import COIN, Contract, chain_of

DAY = 1.0 / 365.0


def strikes_chain(
    strikes: Sequence[float],
    *,
    spot: float,
    years: Sequence[float] = (7 * DAY,),
    open_interest: float = 10.0,
    volume: float = 3.0,
    iv: float = 0.4,
    roots: Sequence[str] = ("BTC",),
    ticker: Ticker = COIN,
) -> OptionChain:
    """A call and a put at every strike, expiry and root, all alike."""
    contracts = [
        Contract(strike, right, years=life, iv=iv, open_interest=open_interest, volume=volume, root=root)
        for root in roots
        for life in years
        for strike in strikes
        for right in "CP"
    ]
    return chain_of(contracts, spot=spot, ticker=ticker)


def strikes_board(
    strikes: Sequence[float],
    *,
    spot: float,
    filters: Filters = EVERYTHING,
    past: Past | None = None,
    years: Sequence[float] = (7 * DAY,),
    open_interest: float = 10.0,
    iv: float = 0.4,
) -> Board:
    """The board of `strikes_chain`."""
    chain = strikes_chain(strikes, spot=spot, years=years, open_interest=open_interest, iv=iv)
    return build_board(chain, past, filters)


def with_gex(board: Board, gex: Mapping[float, tuple[float, float]]) -> Board:
    """The board with call and put GEX of its strikes replaced, 0 where not given; totals follow."""
    strike = board.by_strike.strike
    calls = np.array([gex.get(float(price), (0.0, 0.0))[0] for price in strike])
    puts = np.array([gex.get(float(price), (0.0, 0.0))[1] for price in strike])
    by_strike = replace(board.by_strike, call_gex=calls, put_gex=puts, net_gex=calls + puts)
    known = [float(each[np.isfinite(each)].sum()) for each in (calls, puts)]
    totals = replace(
        board.totals,
        net_gex=sum(known),
        call_gex=known[0],
        put_gex=known[1],
        gross_gex=float(np.nansum(np.abs(calls)) + np.nansum(np.abs(puts))),
    )
    return replace(board, by_strike=by_strike, totals=totals)


def with_levels(
    board: Board,
    *,
    call_walls: Sequence[float] = (),
    put_walls: Sequence[float] = (),
    absolute_gamma: float | None = None,
    zero_gamma: float | None = None,
    max_pain: float | None = None,
    move: float | None = None,
) -> Board:
    """The board with only these levels."""

    def wall(price: float) -> Wall:
        return Wall(price, 1.0, 0.5)

    expiry = float(board.chain.expiries[0])
    spot = board.spot
    expected = None if move is None else ExpectedMove(move, spot - move, spot + move, expiry, MoveMethod.STRADDLE)
    levels = replace(
        board.levels,
        call_walls=tuple(map(wall, call_walls)),
        put_walls=tuple(map(wall, put_walls)),
        absolute_gamma=None if absolute_gamma is None else wall(absolute_gamma),
        zero_gamma=ZeroGamma(zero_gamma, () if zero_gamma is None else (zero_gamma,), None, None),
        max_pain=None if max_pain is None else MaxPain(max_pain, expiry),
        expected_move=expected,
    )
    return replace(board, levels=levels)


def with_changes(board: Board, *changes: Change) -> Board:
    """The board with these changes and a gap in every other window."""
    given = {change.minutes: change for change in changes}
    windows = (1, 5, 10, 15, 30)
    return replace(board, changes=tuple(given.get(minutes, Change(minutes, ChangeState.GAP)) for minutes in windows))
