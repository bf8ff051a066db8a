"""A coin ETF's prices in words on either axis. Pure."""

from gextui.exposure.board import Board
from gextui.exposure.coin_terms import no_ratio
from gextui.market.calendar import NEW_YORK
from gextui.market.coin import CoinRatio, PriceAxis, RatioSource
from gextui.market.text import clean_symbol
from gextui.ui import format as fmt

_OLD = 60.0
"""Seconds from which the age of a ratio is worth a word."""


def on_other_axis(board: Board, price: float, near: float | None = None) -> str:
    """A price of a coin ETF's board on its other axis: 60.00 as 106,195, and back; a distance as one ``near`` a price.

    Empty where no other axis is known.
    """
    ratio = board.chain.coin_ratio
    if ratio is None:
        return ""
    told = ratio.in_coin if board.axis is PriceAxis.SHARE else ratio.in_share
    return fmt.level(told(price), None if near is None else told(near))


def other_unit(board: Board) -> str:
    """What the other axis' prices are of: ``BTC`` beside ``IBIT``, and back; empty where there is none."""
    coin = board.ticker.coin
    if board.chain.coin_ratio is None or coin is None:
        return ""
    return clean_symbol(coin if board.axis is PriceAxis.SHARE else board.ticker.symbol)


def ratio_words(board: Board) -> str:
    """How many coins a share stands for, how that is known and since when; empty for what is no coin ETF.

    ``0.00056619 BTC a share, spots 20NOV 15:59 New York, 44 h old``; without a ratio, why there is none.
    """
    ratio, coin = board.chain.coin_ratio, board.ticker.coin
    if ratio is None or coin is None:
        return no_ratio(board.chain)
    age = _age(board, ratio)
    known = [f"{ratio.coins_per_share:.5g} {clean_symbol(coin)} a share", f"{ratio.source} {_when(board, ratio)}"]
    return ", ".join([*known, f"{age} old"] if age else known)


def ratio_in_short(board: Board) -> str:
    """How the ratio is known and since when, in at most 26 cells: ``spots 20NOV 15:59 NY, 44 h``."""
    ratio = board.chain.coin_ratio
    if ratio is None:
        return ""
    age = _age(board, ratio)
    words = f"{ratio.source} {_when(board, ratio).replace('New York', 'NY')}"
    return f"{words}, {age}" if age else words


def _when(board: Board, ratio: CoinRatio) -> str:
    if ratio.as_of is None:
        return "of no known day"
    at, now = ratio.as_of.astimezone(NEW_YORK), board.as_of.astimezone(NEW_YORK)
    if ratio.source is RatioSource.HOLDINGS:
        return f"{at:%Y-%m-%d}"
    day = "" if at.date() == now.date() else f"{fmt.short_day(ratio.as_of.timestamp())} "
    return f"{day}{at:%H:%M} New York"


def _age(board: Board, ratio: CoinRatio) -> str:
    """How old it is, where that is worth a word."""
    age = ratio.age(board.as_of)
    return "" if age is None or age < _OLD else fmt.age(age)
