"""The levels a trader acts on, each with its distance from spot."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from gextui.exposure.book import DAYS_A_YEAR, Book, ByStrike, lead_expiries, summed
from gextui.exposure.filters import Filters, selected_expiries
from gextui.exposure.volatility import iv_30d
from gextui.exposure.zero_gamma import OtherRule, ZeroGamma
from gextui.market.chain import Floats, OptionChain
from gextui.pricing.smile import Smile, mid_quotes

RANKED_WALLS = 3


@dataclass(frozen=True, slots=True)
class Distance:
    """How far a price is from spot."""

    percent: float
    """(price / spot - 1) * 100."""
    sigmas: float | None
    """In moves of one day and one standard deviation, from the front expiry's at-the-money IV."""


@dataclass(frozen=True, slots=True)
class Wall:
    """A strike that holds much of the book's gamma."""

    price: float
    gex: float
    """That side's GEX at the strike (both sides' absolute GEX for the absolute-gamma strike), USD per 1 %."""
    share: float
    """Its part of the whole side, a fraction."""


@dataclass(frozen=True, slots=True)
class MaxPain:
    """The strike at which one expiry's open interest pays out least."""

    price: float
    expiry: float
    """Instant, epoch seconds UTC."""


class MoveMethod(StrEnum):
    """How an expected move was measured."""

    STRADDLE = "straddle"
    """The price of the straddle at the forward, from quotes."""
    ONE_SIGMA = "one_sigma"
    """forward * IV at the money * sqrt(T)."""


@dataclass(frozen=True, slots=True)
class ExpectedMove:
    """What the options price as the move until one expiry."""

    move: float
    """USD, either way."""
    low: float
    """spot - move."""
    high: float
    expiry: float
    """Instant, epoch seconds UTC."""
    method: MoveMethod
    venue: str = ""
    """Whose options say so, where several venues make the chain."""


@dataclass(frozen=True, slots=True)
class Levels:
    """Every named level. What cannot be computed is None or empty."""

    spot: float
    call_walls: tuple[Wall, ...]
    """Ranked 1 to 3; the first is the call wall."""
    put_walls: tuple[Wall, ...]
    absolute_gamma: Wall | None
    """The strike with the most gamma of either sign."""
    zero_gamma: ZeroGamma
    other_rules: tuple[OtherRule, ...]
    max_pain: MaxPain | None
    expected_move: ExpectedMove | None
    """By the straddle where it is quoted, else one sigma."""
    one_sigma: ExpectedMove | None
    daily_sigma: float | None
    """One day's standard deviation as a fraction of spot: the at-the-money IV of the nearest expiry that has a day or
    more to live."""

    iv_30d: float | None
    """The at-the-money IV of 30 days, a fraction, between the expiries around them."""

    @property
    def call_wall(self) -> Wall | None:
        """The strike with the largest call GEX."""
        return self.call_walls[0] if self.call_walls else None

    @property
    def put_wall(self) -> Wall | None:
        """The strike with the most negative put GEX."""
        return self.put_walls[0] if self.put_walls else None

    def distance(self, price: float) -> Distance:
        """How far a price is from spot."""
        move = price / self.spot - 1.0
        return Distance(100.0 * move, move / self.daily_sigma if self.daily_sigma else None)


def find_levels(
    chain: OptionChain,
    smile: Smile,
    book: Book,
    by_strike: ByStrike,
    filters: Filters,
    zero_gamma: ZeroGamma,
    other_rules: tuple[OtherRule, ...],
) -> Levels:
    """Name the levels; max pain and the expected move are of the nearest selected expiry. Nothing used, no levels.

    Where several venues list that expiry, max pain is of their sum, and the move is the leading venue's, or the next
    one's whose straddle is quoted.
    """
    strike, spot = by_strike.strike, chain.spot
    believed = np.bincount(chain.expiry[book.refused], minlength=len(chain.expiries)) == 0
    leads = lead_expiries(chain, smile, np.flatnonzero(selected_expiries(chain, filters) & believed))
    front = int(leads[0]) if len(leads) and book.used.any() else None
    one_sigma = None if front is None else _one_sigma(chain, smile, front)
    straddle = None if front is None else _quoted_straddle(chain, smile, front)
    both_sides = np.abs(by_strike.call_gex) + np.abs(by_strike.put_gex)
    absolute = rank_walls(strike, both_sides, spot)
    return Levels(
        spot=spot,
        call_walls=rank_walls(strike, by_strike.call_gex, spot),
        put_walls=rank_walls(strike, by_strike.put_gex, spot),
        absolute_gamma=absolute[0] if absolute else None,
        zero_gamma=zero_gamma,
        other_rules=other_rules,
        max_pain=None if front is None else _max_pain(chain, book, float(chain.expiries[front])),
        expected_move=straddle or one_sigma,
        one_sigma=one_sigma,
        daily_sigma=_daily_sigma(chain, smile),
        iv_30d=iv_30d(chain, smile),
    )


def rank_walls(strike: Floats, gex: Floats, spot: float) -> tuple[Wall, ...]:
    """The strikes with the largest |GEX| of one side, ties to the one nearest spot, then the lower."""
    size = np.abs(gex)
    whole = float(size.sum())
    order = np.lexsort((strike, np.abs(strike - spot), -size))[:RANKED_WALLS]
    return tuple(
        Wall(float(strike[at]), float(gex[at]), float(size[at]) / whole) for at in order.tolist() if size[at] > 0
    )


def max_pain(strike: Floats, call_open_interest: Floats, put_open_interest: Floats, spot: float) -> float | None:
    """The listed strike at which the holders of all these options are paid least; None without open interest.

    Strikes ascending; prefix sums over calls and suffix sums over puts (quant/formulas 8). Ties go to the strike
    nearest spot, then the lower.
    """
    if not (call_open_interest.any() or put_open_interest.any()):
        return None
    calls, call_value = call_open_interest.cumsum(), (call_open_interest * strike).cumsum()
    puts, put_value = put_open_interest[::-1].cumsum()[::-1], (put_open_interest * strike)[::-1].cumsum()[::-1]
    pain = strike * calls - call_value + put_value - strike * puts
    lowest = np.flatnonzero(pain <= pain.min() + 1e-9 * np.abs(pain).max())
    return float(min(strike[lowest].tolist(), key=lambda price: (abs(price - spot), price)))


def _max_pain(chain: OptionChain, book: Book, instant: float) -> MaxPain | None:
    held = np.isfinite(chain.open_interest) & ~book.refused
    rows = np.flatnonzero((chain.expiries == instant)[chain.expiry] & held)
    strike, strike_of = np.unique(chain.strike[rows], return_inverse=True)
    units = chain.open_interest[rows] * chain.multiplier[rows]
    calls = chain.is_call[rows]
    sums = summed(strike_of * 2 + calls, units, 2 * len(strike))
    price = max_pain(strike, sums[1::2], sums[0::2], chain.spot)
    return None if price is None else MaxPain(price, instant)


def _daily_sigma(chain: OptionChain, smile: Smile) -> float | None:
    leads = lead_expiries(chain, smile, np.arange(len(smile.years)))
    believable = leads[np.isfinite(smile.atm_iv[leads]) & (smile.years[leads] > 0)]
    longer = believable[smile.years[believable] >= 1.0 / DAYS_A_YEAR]
    if not len(believable):
        return None
    at = longer[0] if len(longer) else believable[-1]
    return float(smile.atm_iv[at] / np.sqrt(DAYS_A_YEAR))


def _one_sigma(chain: OptionChain, smile: Smile, front: int) -> ExpectedMove | None:
    move = float(smile.forward[front] * smile.atm_iv[front] * smile.years[front] ** 0.5)
    return _expected_move(chain, front, move, MoveMethod.ONE_SIGMA)


def _quoted_straddle(chain: OptionChain, smile: Smile, front: int) -> ExpectedMove | None:
    """The straddle of the leading venue, else of the first other that lists the expiry and is no staler."""
    straddle = _straddle(chain, smile, front)
    if straddle is not None or not chain.parts:
        return straddle
    stale = [part.stale for part in chain.parts]
    others = np.flatnonzero(chain.expiries == chain.expiries[front]).tolist()
    fresh = (at for at in others if stale[chain.part[at]] <= stale[chain.part[front]])
    return next((move for at in fresh if (move := _straddle(chain, smile, at)) is not None), None)


def _straddle(chain: OptionChain, smile: Smile, front: int) -> ExpectedMove | None:
    """The straddle struck at the forward: both legs linear in strike between the two listed strikes around it.

    The in-the-money leg at each strike comes from the quoted out-of-the-money one through parity.
    """
    forward = float(smile.forward[front])
    discount = float(np.exp(-chain.rates[front] * smile.years[front]))
    rows = chain.expiry == front
    mid = mid_quotes(chain.bid, chain.ask)
    puts = np.flatnonzero(rows & ~chain.is_call & (chain.strike < forward))
    calls = np.flatnonzero(rows & chain.is_call & (chain.strike >= forward))
    if not len(puts) or not len(calls):
        return None
    below, above = puts[-1], calls[0]
    straddle_below = 2.0 * mid[below] + discount * (forward - chain.strike[below])
    straddle_above = 2.0 * mid[above] + discount * (chain.strike[above] - forward)
    share = (forward - chain.strike[below]) / (chain.strike[above] - chain.strike[below])
    move = straddle_below + share * (straddle_above - straddle_below)
    return _expected_move(chain, front, float(move), MoveMethod.STRADDLE)


def _expected_move(chain: OptionChain, front: int, move: float, method: MoveMethod) -> ExpectedMove | None:
    if not np.isfinite(move):
        return None
    venue = chain.parts[chain.part[front]].name if chain.parts else ""
    return ExpectedMove(move, chain.spot - move, chain.spot + move, float(chain.expiries[front]), method, venue)
