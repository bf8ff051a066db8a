"""The engine: whole recomputes, gamma curves, Greeks and implied volatilities against one pass of np.exp or ndtr.

The yardstick of the recompute and the curve is np.exp over 25,000 x 121 cells, the least that a naive curve costs; that
of the Greeks is np.exp over 25,000 numbers, that of the implied volatilities scipy.special.ndtr over 20,000.
"""

import math
from datetime import UTC, datetime

import numpy as np
import QuantLib
from scipy.special import ndtr
from scipy.stats import norm

from benchmarks.timing import medians
from gextui.exposure.board import build_board
from gextui.exposure.book import price_book, sum_book, summed
from gextui.exposure.curve import GRID_POINTS, REACH, Bumps, GammaCurve, gamma_curve
from gextui.exposure.filters import EVERYTHING
from gextui.exposure.levels import max_pain
from gextui.market.chain import Floats, OptionChain
from gextui.market.ticker import ticker_for
from gextui.pricing.black import black76, exposure_greeks
from gextui.pricing.implied import implied_volatility
from gextui.pricing.smile import Smile, fit_smile

CONTRACTS = 25_000
QUOTES = 20_000
SPOT = 6000.0
RATE = 0.04
AS_OF = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)


def run() -> dict[str, float]:
    """Ratios of medians; milliseconds where the name says so."""
    return {**_recompute(), **_greeks(), **_implied(), **_boards()}


def make_chain(contracts: int, expiries: int) -> OptionChain:
    """A made-up index chain: expiries from tonight to two years out, a skewed smile, interest out of the money."""
    rng = np.random.default_rng(20261120)
    days = np.geomspace(0.25, 730.0, expiries)
    listed = SPOT * np.linspace(0.7, 1.25, contracts // (2 * expiries))
    days_left = np.repeat(days, 2 * len(listed))
    strike = np.tile(np.repeat(listed.round(1), 2), expiries)
    is_call = np.arange(len(strike)) % 2 == 0
    years = days_left / 365.0
    forward = SPOT * np.exp(RATE * years)
    away = np.log(strike / forward) / np.sqrt(years)
    iv = np.clip(0.15 - 0.08 * away + 0.03 * away**2, 0.08, 1.5) * (1.0 + 0.002 * rng.normal(size=len(strike)))
    value = black76(forward, strike, years, iv, is_call, RATE).value
    # Calls are held above the money and puts below it, most of them at round strikes.
    favour = np.where(is_call, away - 0.1, -away - 0.2)
    interest = np.exp(
        6.0 - 2.0 * favour**2 + np.where(strike % 50.0 < 5.0, 1.5, 0.0) + 0.7 * rng.normal(size=len(strike))
    )
    return OptionChain.from_rows(
        ticker=ticker_for("SPX"),
        source="benchmark",
        as_of=AS_OF,
        spot=SPOT,
        rate=RATE,
        root=["SPXW"] * len(strike),
        expiry=AS_OF.timestamp() + 86400.0 * days_left,
        strike=strike,
        is_call=is_call,
        iv=iv,
        open_interest=interest.round(),
        volume=(0.2 * interest * rng.random(len(strike))).round(),
        bid=np.maximum(value - 0.05, 0.0),
        ask=value + 0.05,
        multiplier=np.full(len(strike), 100.0),
    )


def _recompute() -> dict[str, float]:
    chain = make_chain(CONTRACTS, 40)
    smile = fit_smile(chain)
    numbers = np.random.default_rng(1).uniform(-20.0, 0.0, (CONTRACTS, GRID_POINTS))
    room = np.empty_like(numbers)

    def everything() -> None:
        smile = fit_smile(chain)
        book = price_book(chain, smile, EVERYTHING)
        by_strike, _, _ = sum_book(chain, smile, book, EVERYTHING)
        _curve(chain, smile)
        max_pain(by_strike.strike, by_strike.call_open_interest, by_strike.put_open_interest, chain.spot)

    passes = medians(
        {
            "exp": lambda: np.exp(numbers, out=room),
            "everything": everything,
            "curve": lambda: _curve(chain, smile),
        },
        rounds=40,
    )
    curves = medians(
        {"ours": lambda: _curve(chain, smile), "scipy": lambda: _curve_by_scipy_stats(chain, smile)}, rounds=7
    )
    return {
        "full_recompute_25k_ms": 1e3 * passes["everything"],
        "full_recompute_25k_over_exp": passes["everything"] / passes["exp"],
        "gamma_curve_25k_over_exp": passes["curve"] / passes["exp"],
        "scipy_stats_curve_over_ours": curves["scipy"] / curves["ours"],
    }


def _curve(chain: OptionChain, smile: Smile) -> GammaCurve:
    """The curve of every contract and all its roots; calls and puts of a strike are one bump."""
    row = np.searchsorted(smile.node, np.arange(len(smile.node_iv)))
    expiry = chain.expiry[row]
    bumps = Bumps.of(smile.forward[expiry], chain.strike[row], smile.years[expiry], smile.node_iv, chain.rate)
    return gamma_curve(bumps, summed(smile.node, _held(chain), len(smile.node_iv)), chain.spot)


def _held(chain: OptionChain) -> Floats:
    """Units of the underlying that dealers hold, by contract."""
    return np.where(chain.is_call, 1.0, -1.0) * chain.open_interest * chain.multiplier


def _curve_by_scipy_stats(chain: OptionChain, smile: Smile) -> Floats:
    """The same curve, less its roots, as one would write it first: every contract at every spot."""
    years, forward, strike = smile.years[chain.expiry], smile.forward[chain.expiry], chain.strike
    deviation = smile.iv * np.sqrt(years)
    spot = chain.spot * np.exp(np.linspace(math.log1p(-REACH), math.log1p(REACH), GRID_POINTS))
    moved = forward * spot[:, np.newaxis] / chain.spot
    d1 = np.log(moved / strike) / deviation + 0.5 * deviation
    gamma = np.exp(-chain.rate * years) * norm.pdf(d1) / (moved * deviation)
    curve: Floats = (0.01 * gamma * moved**2) @ _held(chain)
    return curve


def _greeks() -> dict[str, float]:
    chain = make_chain(CONTRACTS, 40)
    smile = fit_smile(chain)
    years, forward, iv = smile.years[chain.expiry], smile.forward[chain.expiry], smile.iv
    numbers = np.random.default_rng(1).uniform(-20.0, 0.0, CONTRACTS)
    columns = (forward, chain.strike, years, iv, chain.is_call)
    options = list(zip(*(column.tolist() for column in columns), strict=True))

    def quantlib() -> None:
        for f, k, t, sigma, is_call in options:
            payoff = QuantLib.PlainVanillaPayoff(QuantLib.Option.Call if is_call else QuantLib.Option.Put, k)
            option = QuantLib.BlackCalculator(payoff, f, sigma * math.sqrt(t), math.exp(-RATE * t))
            option.delta(f)
            option.gamma(f)
            option.vanna(f, t)
            option.theta(f, t)  # It has no charm.

    def ours() -> object:
        return exposure_greeks(*columns, chain.rate)

    passes = medians({"exp": lambda: np.exp(numbers), "ours": ours}, rounds=200)
    # A run of calls, because one alone after a tenth of a second of Python measures cold caches.
    loops = medians({"quantlib": quantlib, "ours": lambda: [ours() for _ in range(20)]}, rounds=7)
    return {
        "greeks_25k_ms": 1e3 * passes["ours"],
        "greeks_25k_over_exp": passes["ours"] / passes["exp"],
        "quantlib_over_ours": loops["quantlib"] / (loops["ours"] / 20),
    }


def _implied() -> dict[str, float]:
    """Quotes up to four deviations out of the money, four hours to two years to live."""
    rng = np.random.default_rng(2)
    years = np.exp(rng.uniform(math.log(5e-4), math.log(2.0), QUOTES))
    sigma = rng.uniform(0.08, 0.8, QUOTES)
    forward = SPOT * np.exp(RATE * years)
    strike = forward * np.exp(rng.uniform(-4.0, 4.0, QUOTES) * sigma * np.sqrt(years))
    is_call = strike >= forward
    price = black76(forward, strike, years, sigma, is_call, RATE).value
    numbers = rng.normal(size=QUOTES)

    def ours() -> Floats:
        return implied_volatility(price, forward, strike, years, is_call, RATE)

    passes = medians({"ndtr": lambda: ndtr(numbers), "ours": ours}, rounds=100)
    return {
        "implied_20k_ms": 1e3 * passes["ours"],
        "implied_20k_over_ndtr": passes["ours"] / passes["ndtr"],
        "implied_20k_worst_relative_error": float(np.max(np.abs(ours() / sigma - 1.0))),
    }


def _boards() -> dict[str, float]:
    small, large = make_chain(1_000, 10), make_chain(5_000, 20)
    passes = medians({"1k": lambda: build_board(small), "5k": lambda: build_board(large)}, rounds=60)
    return {f"board_{size}_ms": 1e3 * seconds for size, seconds in passes.items()}
