"""What the simulated exchange lists: its underlyings, their expiries and their strikes."""

import math
from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Self

import numpy as np

from gextui.market.calendar import (
    NEW_YORK,
    Settlement,
    expiry_instant,
    is_trading_day,
    monthly_expiry,
    settlement_of,
    years_to_expiry,
)
from gextui.market.chain import Booleans, Floats, Integers
from gextui.market.ticker import KNOWN_TICKERS, Kind, Session, Ticker

_STRIKE_STEPS = (1, 2, 5, 10, 20, 50, 100, 200)
_STRIKES_NEAR = 32
_SECONDS_A_DAY = 86400.0
_LISTED_AHEAD = 2.5
"""Days before its expiry at which even a daily has its strikes listed."""
_QUARTER_ENDS = (3, 6, 9, 12)


@dataclass(frozen=True, slots=True, kw_only=True)
class Underlying:
    """One simulated underlying: where it starts and what its options are like."""

    ticker: Ticker
    spot: float
    """At the start, USD."""
    decimals: int = 2
    """Of the published spot."""
    strike_step: float
    """The finest distance between strikes, USD."""
    price_step: float
    """The finest distance between option prices: in coins where they are quoted in coins, else USD."""
    in_coins: bool = False
    gives_forward: bool = False
    """Whether the venue publishes each expiry's forward, as coin venues do."""
    roots: tuple[str, ...]
    lot: float = 1.0
    """The least amount of a trade, in contracts."""
    multiplier: float = 1.0
    open_interest: float
    """All of it at the start, in contracts."""
    call_share: float
    """Calls' part of it."""
    trade: float
    """The mean size of a trade, in contracts."""
    front_iv: float
    """At the money, as the time to expiry goes to zero."""
    far_iv: float
    skew: float
    """Slope of the smile in standard deviations, relative to at-the-money IV."""
    curvature: float
    rate: float = 0.0
    carry: float
    """Growth of the forward a year."""
    to_level: float
    """Correlation of returns with changes of IV."""
    to_market: float
    """Correlation of returns with those of the other coins, or the other shares."""
    coins_per_share: float | None = None
    """For a coin ETF, how many coins a share stands for: its price follows the coin's."""

    @property
    def is_coin(self) -> bool:
        """Whether it trades on a coin venue's calendar."""
        return self.ticker.kind is Kind.COIN


UNDERLYINGS: dict[str, Underlying] = {
    underlying.ticker.symbol: underlying
    for underlying in (
        Underlying(
            ticker=KNOWN_TICKERS["BTC"],
            spot=98_000.0,
            strike_step=500.0,
            price_step=0.0001,
            in_coins=True,
            gives_forward=True,
            roots=("BTC",),
            lot=0.1,
            open_interest=380_000.0,
            call_share=0.55,
            trade=2.5,
            front_iv=0.44,
            far_iv=0.54,
            skew=-0.035,
            curvature=0.13,
            carry=0.055,
            to_level=-0.35,
            to_market=0.9,
        ),
        Underlying(
            ticker=KNOWN_TICKERS["ETH"],
            spot=3_150.0,
            strike_step=25.0,
            price_step=0.0001,
            in_coins=True,
            gives_forward=True,
            roots=("ETH",),
            open_interest=2_600_000.0,
            call_share=0.56,
            trade=30.0,
            front_iv=0.62,
            far_iv=0.68,
            skew=-0.02,
            curvature=0.12,
            carry=0.045,
            to_level=-0.3,
            to_market=0.92,
        ),
        Underlying(
            ticker=KNOWN_TICKERS["SOL"],
            spot=142.0,
            strike_step=1.0,
            price_step=0.05,
            gives_forward=True,
            roots=("SOL_USDC",),
            lot=10.0,
            open_interest=1_400_000.0,
            call_share=0.54,
            trade=15.0,
            front_iv=0.74,
            far_iv=0.8,
            skew=-0.01,
            curvature=0.12,
            carry=0.06,
            to_level=-0.25,
            to_market=0.85,
        ),
        Underlying(
            ticker=KNOWN_TICKERS["SPX"],
            spot=6_640.0,
            strike_step=5.0,
            price_step=0.05,
            roots=("SPX", "SPXW"),
            multiplier=100.0,
            open_interest=1_500_000.0,
            call_share=0.52,
            trade=15.0,
            front_iv=0.125,
            far_iv=0.19,
            skew=-0.13,
            curvature=0.09,
            rate=0.039,
            carry=0.026,
            to_level=-0.75,
            to_market=0.999,
        ),
        Underlying(
            ticker=KNOWN_TICKERS["SPY"],
            spot=662.0,
            strike_step=1.0,
            price_step=0.01,
            roots=("SPY",),
            multiplier=100.0,
            open_interest=1_500_000.0,
            call_share=0.5,
            trade=20.0,
            front_iv=0.125,
            far_iv=0.19,
            skew=-0.13,
            curvature=0.09,
            rate=0.039,
            carry=0.027,
            to_level=-0.75,
            to_market=0.999,
        ),
        Underlying(
            ticker=KNOWN_TICKERS["IBIT"],
            spot=98_000.0 * 0.000567,
            strike_step=0.5,
            price_step=0.01,
            roots=("IBIT",),
            multiplier=100.0,
            open_interest=6_500_000.0,
            call_share=0.62,
            trade=30.0,
            front_iv=0.45,
            far_iv=0.54,
            skew=-0.03,
            curvature=0.12,
            rate=0.039,
            carry=0.039,
            to_level=-0.35,
            to_market=0.9,
            coins_per_share=0.000567,
        ),
        Underlying(
            ticker=KNOWN_TICKERS["XRP"],
            spot=2.15,
            decimals=4,
            strike_step=0.01,
            price_step=0.0005,
            gives_forward=True,
            roots=("XRP_USDC",),
            lot=1000.0,
            open_interest=60_000_000.0,
            call_share=0.57,
            trade=8_000.0,
            front_iv=0.8,
            far_iv=0.86,
            skew=0.0,
            curvature=0.12,
            carry=0.05,
            to_level=-0.2,
            to_market=0.8,
        ),
    )
}
"""By symbol. They resemble their namesakes; every number is invented."""


def _date(underlying: Underlying, now: float) -> date:
    """The calendar day at the instant ``now`` (epoch seconds) by the clock of the underlying's market."""
    return datetime.fromtimestamp(now, UTC if underlying.ticker.session is Session.UTC else NEW_YORK).date()


def next_midnight(underlying: Underlying, now: float) -> float:
    """When that day ends, epoch seconds."""
    zone = UTC if underlying.ticker.session is Session.UTC else NEW_YORK
    day = _date(underlying, now) + timedelta(days=1)
    return datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()


def listed_expiries(underlying: Underlying, now: float) -> list[tuple[str, float, float]]:
    """What is listed at the instant ``now``: root, expiry instant and the expiry's share of interest, unscaled.

    Coins have dailies, weeklies, monthlies and quarterlies; the others dailies, weeklies and monthlies, the SPX root's
    settled at the open.
    """
    today = _date(underlying, now)
    days = [today + timedelta(days=ahead) for ahead in range(400)]
    if underlying.is_coin:
        return _living(now, underlying.roots[0], _coin_days(days, now), underlying.ticker.session)
    monthlies = {monthly_expiry(day.year, day.month) for day in days if day.day == 1 or day == today}
    monthly_shares = {day: 1.0 if day.month in _QUARTER_ENDS else 0.6 for day in sorted(monthlies)[:6]}
    trading = [day for day in days[:60] if is_trading_day(day)]
    shares = dict.fromkeys(trading[:5], 0.04) | {day: 0.15 for day in trading if day.weekday() == 4}
    if len(underlying.roots) == 1:
        return _living(now, underlying.roots[0], shares | monthly_shares, Session.NEW_YORK)
    at_open, at_close = underlying.roots
    return sorted(
        _living(now, at_open, monthly_shares, Session.NEW_YORK) + _living(now, at_close, shares, Session.NEW_YORK),
        key=lambda listed: listed[1],
    )


def _coin_days(days: list[date], now: float) -> dict[date, float]:
    alive = [day for day in days if expiry_instant(day, Session.UTC) > now]
    fridays = [day for day in alive if day.weekday() == 4]
    last_fridays = [day for day in fridays if (day + timedelta(days=7)).month != day.month]
    quarterlies = [day for day in last_fridays if day.month in _QUARTER_ENDS]
    return (
        dict.fromkeys(alive[:4], 0.02)
        | dict.fromkeys(fridays[:4], 0.1)
        | dict.fromkeys(last_fridays[:3], 0.6)
        | dict.fromkeys(quarterlies[:4], 1.0)
    )


def _living(now: float, root: str, shares: dict[date, float], session: Session) -> list[tuple[str, float, float]]:
    settlement = settlement_of(root) if session is Session.NEW_YORK else Settlement.PM
    at = [(root, expiry_instant(day, session, settlement), shares[day]) for day in sorted(shares)]
    return [listed for listed in at if listed[1] > now]


def listed_strikes(underlying: Underlying, spot: float, now: float, expiry: float) -> Floats:
    """Strikes of a new expiry, ascending: fine steps within two standard deviations, coarse ones to five."""
    sigma = underlying.far_iv * math.sqrt(max((expiry - now) / _SECONDS_A_DAY, _LISTED_AHEAD) / 365.0)
    near, far = min(max(2.0 * sigma, 0.02), 0.35), min(max(5.0 * sigma, 0.05), 0.9)
    wanted = spot * 2.0 * near / _STRIKES_NEAR
    fine = bisect_left(_STRIKE_STEPS, wanted / underlying.strike_step)
    grids = [
        _multiples(underlying.strike_step * _STRIKE_STEPS[min(index, len(_STRIKE_STEPS) - 1)], spot, reach)
        for index, reach in ((fine, near), (fine + 2, far))
    ]
    return np.unique(np.concatenate(grids))


def _multiples(step: float, spot: float, reach: float) -> Floats:
    lowest, highest = math.ceil(spot * math.exp(-reach) / step), math.floor(spot * math.exp(reach) / step)
    return np.round(np.arange(max(lowest, 1), highest + 1, dtype=np.float64) * step, 6)


@dataclass(frozen=True, slots=True, eq=False)
class Contracts:
    """What is listed, N rows sorted by expiry, strike, calls before puts, root."""

    root: Integers
    """Index into the underlying's roots."""
    expiry: Floats
    """Instants, epoch seconds UTC."""
    strike: Floats
    is_call: Booleans
    share: Floats
    """How much of all interest the contract draws; sums to 1."""

    @classmethod
    def none(cls) -> Self:
        """Before the first listing."""
        return cls(np.empty(0, np.int64), np.empty(0), np.empty(0), np.empty(0, np.bool_), np.empty(0))

    def rows(self) -> list[tuple[float, float, bool, int]]:
        """What each row is known by, in order: expiry, strike, whether a put, root."""
        columns = (self.expiry, self.strike, ~self.is_call, self.root)
        return list(zip(*(column.tolist() for column in columns), strict=True))


def list_contracts(
    underlying: Underlying, spot: float, now: float, before: Contracts | None = None
) -> tuple[Contracts, Integers]:
    """What is listed at the instant ``now`` with ``spot`` where it is, and the row of ``before`` each comes from.

    What is listed stays so until it expires. A row that is new comes from row -1.
    """
    before = Contracts.none() if before is None else before
    held = {key: row for row, key in enumerate(before.rows()) if key[0] > now}
    keys = set(held)
    weights = {}
    for root, instant, weight in listed_expiries(underlying, now):
        index = underlying.roots.index(root)
        weights[instant, index] = weight
        for price in listed_strikes(underlying, spot, now, instant).tolist():
            keys |= {(instant, price, False, index), (instant, price, True, index)}
    ordered = sorted(keys)
    columns = zip(*ordered, strict=True)
    expiry, strike = np.array(next(columns)), np.array(next(columns))
    is_put, root_index = np.array(next(columns), dtype=np.bool_), np.array(next(columns), dtype=np.int64)
    weight_of_row = np.array([weights[instant, index] for instant, _, _, index in ordered])
    share = weight_of_row * _interest(underlying, spot, now, expiry, strike, is_put, root_index)
    contracts = Contracts(root_index, expiry, strike, ~is_put, share / share.sum())
    return contracts, np.array([held.get(key, -1) for key in ordered])


def _interest(
    underlying: Underlying, spot: float, now: float, expiry: Floats, strike: Floats, is_put: Booleans, root: Integers
) -> Floats:
    """Each row's part of the interest in its series, which sums to 1: round strikes out of the money draw the most."""
    sigma = underlying.far_iv * np.sqrt(np.maximum(years_to_expiry(now, expiry), 1 / 365))
    deviations = np.log(strike / spot) / sigma
    steps = np.round(strike / underlying.strike_step)
    roundness = np.select([steps % 20 == 0, steps % 10 == 0, steps % 5 == 0, steps % 2 == 0], [6.0, 3.5, 2.0, 1.2], 0.5)
    away = np.where(is_put, -1.0, 0.9)
    drawn = roundness * np.exp(-0.5 * ((deviations - away) / 1.25) ** 2)
    _, side = np.unique(np.stack((expiry, root, is_put)), axis=1, return_inverse=True)
    part = np.where(is_put, 1.0 - underlying.call_share, underlying.call_share)
    shares: Floats = part * drawn / np.bincount(side, weights=drawn)[side]
    return shares
