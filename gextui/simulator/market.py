"""A made-up option market: spot, smiles, quotes and open interest that move with simulated time alone.

Everything follows from the seed and the simulated seconds that have passed, never from a wall clock.
"""

import math
import zlib
from bisect import bisect_left
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from gextui.market.calendar import SECONDS_A_YEAR, years_to_expiry
from gextui.market.chain import Floats, OptionChain
from gextui.market.ticker import Ticker
from gextui.pricing.black import black76
from gextui.simulator.listing import UNDERLYINGS, Contracts, Underlying, list_contracts, next_midnight

SOURCE = "simulator"

_HOME_WITHIN = 5 * 86400.0
"""Seconds in which spot makes up most of its distance from where it started."""
_FRONT = 30.0 / 365.0
"""Years over which at-the-money IV goes from its front value to the far one."""
_SHORTEST_SMILE = 0.5 / 365.0
"""Years: smiles do not get steeper below."""
_FARTHEST_SIGMA = 9.0
"""Standard deviations beyond which they are flat."""
_DEAL_EVERY = 10
"""Seconds."""
_TRADES_A_DAY = 12_000
_OPENING = 0.57
"""The share of trades that open a position; the others close one."""
_BLOCKS = 0.01
"""The share of trades that are larger by `_BLOCK_SIZE`."""
_BLOCK_SIZE = 40.0
_BUSY_FOR = 20 * 86400.0
"""Seconds before expiry in which most of an expiry's trades are made."""


class _Reverting:
    """A number that wanders about 0 (Ornstein-Uhlenbeck) with standard deviation ``width``, a step a second."""

    def __init__(self, width: float, half_life: float) -> None:
        self.value = 0.0
        self._keep = 0.5 ** (1.0 / half_life)
        self._noise = width * math.sqrt(1.0 - self._keep**2)

    def step(self, normal: float) -> None:
        self.value = self._keep * self.value + self._noise * normal


class SimulatedMarket:
    """Simulated underlyings and their option chains. The same seed, start and steps give the same chains."""

    def __init__(self, seed: int, start: datetime, tickers: Sequence[Ticker] | None = None) -> None:
        """A market that opens at ``start`` as if it had traded for months.

        Args:
            seed: What happens.
            start: An aware instant, taken to the whole second.
            tickers: Which of `UNDERLYINGS`; all of them where None.

        Raises:
            ValueError: ``start`` is naive, or a ticker is not simulated.
        """
        if start.tzinfo is None:
            raise ValueError("start needs a time zone")
        chosen = list(UNDERLYINGS) if tickers is None else [ticker.symbol for ticker in tickers]
        if unknown := [symbol for symbol in chosen if symbol not in UNDERLYINGS]:
            raise ValueError(f"{unknown[0]} is not simulated; there are {', '.join(UNDERLYINGS)}")
        self._seconds = int(start.timestamp())
        self._owed = 0.0
        # RandomState and not Generator: numpy promises that its streams never change.
        self._coins = np.random.RandomState([seed, 1])
        self._shares = np.random.RandomState([seed, 2])
        self._tickers = tuple(UNDERLYINGS[symbol].ticker for symbol in chosen)
        # The coins that ETFs follow come first, whether they are asked for or not.
        followed = [ticker.coin for ticker in self._tickers if ticker.coin is not None]
        self._markets: dict[Ticker, _OptionMarket] = {}
        for symbol in dict.fromkeys((*followed, *chosen)):
            ticker = UNDERLYINGS[symbol].ticker
            coin = None if ticker.coin is None else self._markets[UNDERLYINGS[ticker.coin].ticker]
            self._markets[ticker] = _OptionMarket(UNDERLYINGS[symbol], seed, self._seconds, coin)

    @property
    def now(self) -> datetime:
        """The simulated instant, UTC."""
        return datetime.fromtimestamp(self._seconds, UTC)

    @property
    def tickers(self) -> tuple[Ticker, ...]:
        """Whatever is simulated here."""
        return self._tickers

    def step(self, seconds: float) -> None:
        """Let simulated time pass; parts of a second are saved up for the next step."""
        self._owed += seconds
        ticks = int(self._owed)
        self._owed -= ticks
        coins, shares = self._moves(ticks)
        for market in self._markets.values():
            market.run(self._seconds, coins if market.of_coins else shares)
        self._seconds += ticks

    def leap(self, seconds: int) -> None:
        """Let much time pass in a stride a day: as far and as busy as many steps, but not along their path."""
        coins, shares = self._moves(seconds // 86400 + 2)
        for market in self._markets.values():
            market.leap(self._seconds, self._seconds + seconds, coins if market.of_coins else shares)
        self._seconds += seconds

    def _moves(self, count: int) -> tuple[list[float], list[float]]:
        """So many standard normals that all coins share, and as many for the shares and their indices."""
        return self._coins.standard_normal(count).tolist(), self._shares.standard_normal(count).tolist()

    def chain(self, ticker: Ticker) -> OptionChain:
        """The ticker's chain now. KeyError for one that is not simulated here."""
        return self._markets[ticker].chain(self._seconds)


class _OptionMarket:
    """One underlying, its smile and its listed contracts: columns of N rows in the order of an `OptionChain`."""

    def __init__(self, underlying: Underlying, seed: int, now: int, coin: "_OptionMarket | None" = None) -> None:
        self.underlying = underlying
        self.of_coins = underlying.is_coin or coin is not None
        """Whether it moves with the coins, not with the shares."""
        self._coin = coin
        """What its price follows; it runs first."""
        name = zlib.crc32(underlying.ticker.symbol.encode())
        self._random = np.random.RandomState([seed, name, 1])
        self._dealing = np.random.RandomState([seed, name, 2])
        self._home = underlying.spot * math.exp(0.02 * self._random.standard_normal())
        self._spot: float = self._home if coin is None else self._in_shares(coin._spot)
        self._path: list[tuple[int, float]] = [(now, self._spot)]
        """Instants of the newest run, or leap, and the spots then."""
        a_day = underlying.front_iv * math.sqrt(1 / 365)
        self._previous_close = self._spot * math.exp(0.6 * a_day * self._random.standard_normal())
        self._momentum = _Reverting(width=0.7, half_life=1800.0)
        self._level = _Reverting(width=0.07, half_life=7200.0)
        self._tilt = _Reverting(width=0.15, half_life=10800.0)
        self._midnight = next_midnight(underlying, now)
        self._contracts = Contracts.none()
        self._open = np.zeros(0)
        """Open interest as it stands."""
        self._published = np.zeros(0)
        """As it was counted overnight, which is all that US venues tell."""
        self._volume = np.zeros(0)
        self._list(now)
        self._open = self._lots(underlying.open_interest * self._contracts.share * self._noise(0.6))
        self._published = self._open.copy()
        self._volume = self._lots(0.02 * self._open * self._noise(1.0))

    def _noise(self, width: float) -> Floats:
        return np.exp(width * self._random.standard_normal(len(self._open)))

    def _lots(self, contracts: Floats) -> Floats:
        lot = self.underlying.lot
        return np.round(np.floor(contracts / lot) * lot, 1)

    def run(self, now: int, market_moves: list[float]) -> None:
        """A second for each of ``market_moves``."""
        normals: list[list[float]] = self._random.standard_normal((len(market_moves), 4)).tolist()
        self._path = []
        for move, (own, momentum, level, tilt) in zip(market_moves, normals, strict=True):
            now += 1
            self._move(move, own, momentum, level, tilt)
            self._follow(now)
            if now % _DEAL_EVERY == 0:
                self._deal(_DEAL_EVERY)
            if now >= self._midnight:
                self._open_day(now)
            elif now >= self._expiries[0]:
                self._list(now)

    def leap(self, now: int, until: int, market_moves: list[float]) -> None:
        """From ``now`` to ``until`` in strides that end at midnight, one of ``market_moves`` each."""
        self._path = [(now, self._spot)]
        for move in market_moves:
            stride = int(min(until, self._midnight)) - now
            shock = _mixed(self.underlying.to_market, move, self._random.standard_normal())
            self._spot *= math.exp(self.underlying.front_iv * math.sqrt(stride / SECONDS_A_YEAR) * shock)
            self._deal(stride)
            now += stride
            self._follow(now)
            if now >= self._midnight:
                self._open_day(now)
        self._list(now)

    def _follow(self, now: int) -> None:
        """Be where the coin is at this instant of the same run, and remember where that was."""
        if self._coin is not None:
            # In a run both are there every second; a leap's strides end at midnight, which New York's is another.
            at = bisect_left(self._coin._path, (now, 0.0))
            (before, low), (after, high) = self._coin._path[max(at - 1, 0)], self._coin._path[at]
            share = (now - before) / (after - before) if after > before else 1.0
            self._spot = self._in_shares(low + share * (high - low))
        self._path.append((now, self._spot))

    def _in_shares(self, price: float) -> float:
        coins = self.underlying.coins_per_share
        return price if coins is None else price * coins

    def _move(self, market: float, own: float, momentum: float, level: float, tilt: float) -> None:
        underlying = self.underlying
        shock = _mixed(underlying.to_market, market, own)
        self._momentum.step(momentum)
        self._level.step(_mixed(underlying.to_level, shock, level))
        self._tilt.step(tilt)
        sigma = underlying.front_iv * math.exp(self._level.value) / math.sqrt(SECONDS_A_YEAR)
        # Momentum of 1 moves spot in an hour as far as one standard deviation of chance; the way home takes days.
        drift = sigma * self._momentum.value / 60.0 - math.log(self._spot / self._home) / _HOME_WITHIN
        self._spot *= math.exp(drift + sigma * shock)

    def _open_day(self, now: int) -> None:
        self._midnight = next_midnight(self.underlying, now)
        self._previous_close = self._spot
        self._published = self._open.copy()
        self._volume[:] = 0.0
        self._list(now)

    def _deal(self, seconds: int) -> None:
        """So many seconds' trades: they add to volume, and to open interest or take from it."""
        count = self._dealing.poisson(_TRADES_A_DAY * seconds / 86400.0)
        which, size, block, opening = self._dealing.random_sample((4, count))
        rows = np.searchsorted(self._chance, which)
        lots = np.ceil(-np.log1p(-size) * self.underlying.trade / self.underlying.lot)
        contracts = lots * np.where(block < _BLOCKS, _BLOCK_SIZE, 1.0) * self.underlying.lot
        np.add.at(self._volume, rows, contracts)
        np.add.at(self._open, rows, np.where(opening < _OPENING, contracts, -contracts))
        np.maximum(self._open, 0.0, out=self._open)

    def _list(self, now: float) -> None:
        """Drop what has expired and list what is new, without open interest yet."""
        self._contracts, came_from = list_contracts(self.underlying, self._spot, now, self._contracts)
        self._open, self._published, self._volume = (
            np.append(column, 0.0)[came_from] for column in (self._open, self._published, self._volume)
        )
        self._expiries, self._expiry = np.unique(self._contracts.expiry, return_inverse=True)
        # Dealing crowds into what expires soon.
        busy = self._contracts.share * (0.2 + np.exp(-(self._contracts.expiry - now) / _BUSY_FOR))
        self._chance = np.cumsum(busy) / busy.sum()

    def chain(self, now: int) -> OptionChain:
        """The chain as a venue would send it."""
        underlying, contracts = self.underlying, self._contracts
        years = years_to_expiry(now, self._expiries)
        forwards = self._spot * np.exp(underlying.carry * years)
        forward = forwards[self._expiry]
        iv = self._smile(years, forward)
        priced = black76(forward, contracts.strike, years[self._expiry], iv, contracts.is_call, underlying.rate)
        price_step = underlying.price_step * (forward if underlying.in_coins else 1.0)
        half_spread = np.maximum(0.5 * price_step, 0.003 * priced.vega + 0.002 * priced.value)
        bid = np.floor((priced.value - half_spread) / price_step + 1e-6) * price_step
        ask = np.ceil((priced.value + half_spread) / price_step - 1e-6) * price_step
        return OptionChain(
            ticker=underlying.ticker,
            source=SOURCE,
            as_of=datetime.fromtimestamp(now, UTC),
            spot=round(self._spot, underlying.decimals),
            rate=underlying.rate,
            roots=underlying.roots,
            expiries=self._expiries,
            part=np.zeros(len(self._expiries), dtype=np.int64),
            forwards=forwards if underlying.gives_forward else np.full(len(forwards), np.nan),
            root=contracts.root,
            expiry=self._expiry,
            strike=contracts.strike,
            is_call=contracts.is_call,
            # US vendors give no IV for what is worth less than the finest price.
            iv=iv if underlying.is_coin else np.where(priced.value < price_step, np.nan, iv),
            open_interest=np.round(self._open if underlying.is_coin else self._published, 1),
            volume=np.round(self._volume, 1),
            bid=np.where(bid > 0.0, bid, np.nan),
            ask=ask,
            multiplier=np.full(len(contracts.strike), underlying.multiplier),
            total=len(contracts.strike),
            previous_close=round(self._previous_close, underlying.decimals),
            simulated=True,
        )

    def _smile(self, years: Floats, forward: Floats) -> Floats:
        """IV a row: a skewed hyperbola in standard deviations from the forward, in steps of 0.01 vol points; (N,)."""
        underlying = self.underlying
        level = math.exp(self._level.value)
        at_money = level * (underlying.far_iv + (underlying.front_iv - underlying.far_iv) * np.exp(-years / _FRONT))
        scale = at_money * np.sqrt(np.maximum(years, _SHORTEST_SMILE))
        far = _FARTHEST_SIGMA
        deviations = np.clip(np.log(self._contracts.strike / forward) / scale[self._expiry], -far, far)
        skew = underlying.skew * math.exp(self._tilt.value)
        wings = skew * deviations + underlying.curvature * (np.sqrt(1.0 + deviations**2) - 1.0)
        return np.round(at_money[self._expiry] * np.maximum(1.0 + wings, 0.5), 4)


def _mixed(correlation: float, shared: float, own: float) -> float:
    """A standard normal that correlates so with ``shared``."""
    return correlation * shared + math.sqrt(1.0 - correlation**2) * own
