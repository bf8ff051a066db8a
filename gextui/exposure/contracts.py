"""Contracts one by one: what each is quoted at, its implied volatilities, its greeks, and how each number is made."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from gextui.exposure.board import Board
from gextui.exposure.book import DAYS_A_YEAR, ONE_VOL_POINT
from gextui.exposure.explain import EXPOSURE, PRICE, Explanation, Input, contract_name
from gextui.market.chain import Floats, Integers
from gextui.pricing.black import Greeks, black76
from gextui.pricing.implied import implied_volatility
from gextui.pricing.smile import ForwardFrom, mid_quotes, usable_iv

_PERCENT, _CONTRACTS = "%", "contracts"
_FORWARD_FROM = {
    ForwardFrom.SOURCE: "the source's own",
    ForwardFrom.PARITY: "put-call parity",
    ForwardFrom.CARRY: "spot grown at the rate",
}


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number that every contract has. Prices and greeks are those of one unit of the underlying."""

    title: str
    unit: str
    formula: str
    of: Callable[[Board, Integers], Floats]
    """Its values for these rows of the chain, NaN where there is none; a volatility as a fraction."""


def explain_contract(board: Board, row: int, name: str) -> Explanation:
    """Explain one of `QUANTITIES` of the contract in that row of the chain.

    Raises:
        KeyError: no quantity has that name.
    """
    quantity, rows = QUANTITIES[name], np.array([row])

    def value(name: str) -> float:
        found = float(QUANTITIES[name].of(board, rows)[0])
        return found * 100.0 if QUANTITIES[name].unit == _PERCENT else found

    chain, smile = board.chain, board.smile
    expiry = int(chain.expiry[row])
    own = "a strike's own" if board.book.own_iv[row] else "interpolated"
    return Explanation(
        title=quantity.title,
        value=value(name),
        unit=unit_of(board, name),
        formula=quantity.formula,
        inputs=(
            Input("contract", contract_name(board, row)),
            Input("multiplier", float(chain.multiplier[row]), "units a contract"),
            Input("bid", value("bid"), PRICE),
            Input("ask", value("ask"), PRICE),
            Input("forward", float(smile.forward[expiry]), PRICE),
            Input("forward from", _FORWARD_FROM[ForwardFrom(int(smile.forward_from[expiry]))]),
            Input("T", float(smile.years[expiry]) * DAYS_A_YEAR, "days"),
            Input("rate", float(chain.rates[expiry]) * 100.0, _PERCENT),
            Input("clean IV", value("clean_iv"), f"%, {own}"),
            Input("open interest", value("open_interest"), chain.counted_in),
        ),
        contracts=(),
        amount_unit=EXPOSURE,
        heaviest_share=0.0,
    )


def _clean_iv(board: Board, rows: Integers) -> Floats:
    return np.where(board.book.refused[rows], np.nan, board.smile.iv[rows])


def unit_of(board: Board, name: str) -> str:
    """What a quantity is counted in on this board."""
    unit = QUANTITIES[name].unit
    return board.chain.counted_in if unit == _CONTRACTS else unit


def _iv(board: Board, rows: Integers) -> Floats:
    clean, own = _clean_iv(board, rows), board.smile.leg_iv[rows]
    return np.where(np.isnan(own) | board.book.refused[rows], clean, own)


def _priced(board: Board, rows: Integers, iv: Floats) -> Greeks:
    chain, smile = board.chain, board.smile
    at = chain.expiry[rows]
    return black76(smile.forward[at], chain.strike[rows], smile.years[at], iv, chain.is_call[rows], chain.rates[at])


def _greeks(board: Board, rows: Integers) -> Greeks:
    return _priced(board, rows, _clean_iv(board, rows))


def _solved(price: Floats, board: Board, rows: Integers) -> Floats:
    chain, smile = board.chain, board.smile
    at = chain.expiry[rows]
    solved = implied_volatility(
        price[rows], smile.forward[at], chain.strike[rows], smile.years[at], chain.is_call[rows], chain.rates[at]
    )
    return usable_iv(solved, chain.ticker.highest_iv)


def _theta(board: Board, rows: Integers) -> Floats:
    """A day's decay; inside the last day, what is left to decay until settlement at today's forward."""
    greeks = _greeks(board, rows)
    at, strike = board.chain.expiry[rows], board.chain.strike[rows]
    ahead = board.smile.forward[at] - strike
    settles = np.maximum(np.where(board.chain.is_call[rows], ahead, -ahead), 0.0)
    last_day = board.smile.years[at] < 1.0 / DAYS_A_YEAR
    return np.where(last_day, settles - greeks.value, greeks.theta / DAYS_A_YEAR)


_SOLVED = "the volatility at which Black-76 on the expiry's forward gives the {0}; none where that is below exercise"
_GREEK = " of Black-76 on the expiry's forward at the clean IV, one unit of the underlying"

QUANTITIES: Mapping[str, Quantity] = {
    "bid": Quantity(
        "Bid", PRICE, "as the source gives it, a unit of the underlying", lambda board, rows: board.chain.bid[rows]
    ),
    "ask": Quantity(
        "Ask", PRICE, "as the source gives it, a unit of the underlying", lambda board, rows: board.chain.ask[rows]
    ),
    "mid": Quantity(
        "Mid",
        PRICE,
        "(bid + ask) / 2 of a two-sided quote",
        lambda board, rows: mid_quotes(board.chain.bid[rows], board.chain.ask[rows]),
    ),
    "mark": Quantity(
        "Mark",
        PRICE,
        "Black-76 on the expiry's forward at the contract's own IV, else at the clean one",
        lambda board, rows: _priced(board, rows, _iv(board, rows)).value,
    ),
    "iv": Quantity("IV", _PERCENT, "as the source gives it for this very contract, else the clean IV", _iv),
    "bid_iv": Quantity(
        "Bid IV", _PERCENT, _SOLVED.format("bid"), lambda board, rows: _solved(board.chain.bid, board, rows)
    ),
    "ask_iv": Quantity(
        "Ask IV", _PERCENT, _SOLVED.format("ask"), lambda board, rows: _solved(board.chain.ask, board, rows)
    ),
    "clean_iv": Quantity(
        "Clean IV",
        _PERCENT,
        "one a strike and expiry: the out-of-the-money side's IV, else the other's, else solved from its mid quote, "
        "else interpolated in log-moneyness; it prices both legs and their GEX",
        _clean_iv,
    ),
    "delta": Quantity("Delta", "USD per USD of forward", "delta" + _GREEK, lambda *given: _greeks(*given).delta),
    "gamma": Quantity("Gamma", "delta per USD", "gamma" + _GREEK, lambda *given: _greeks(*given).gamma),
    "vega": Quantity(
        "Vega", "USD a vol point", "0.01 * vega" + _GREEK, lambda *given: _greeks(*given).vega * ONE_VOL_POINT
    ),
    "theta": Quantity(
        "Theta",
        "USD a day",
        "theta / 365" + _GREEK + "; in the last day all the time value that is left",
        _theta,
    ),
    "open_interest": Quantity(
        "Open interest", _CONTRACTS, "as the source gives it", lambda board, rows: board.chain.open_interest[rows]
    ),
    "volume": Quantity(
        "Volume",
        _CONTRACTS,
        "the day's, as the source gives it",
        lambda board, rows: board.chain.volume[rows],
    ),
    "gex": Quantity(
        "GEX",
        EXPOSURE,
        "sign * gamma_F * F^2 * 0.01 * contracts * multiplier",
        lambda board, rows: board.book.gex[rows],
    ),
}
"""By name."""
