"""Small chains made by hand for the tests of exposures."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from gextui.market.chain import OptionChain
from gextui.market.ticker import Kind, Ticker, ticker_for
from gextui.pricing.black import black76

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
YEAR = 365.0 * 86400.0
COIN = ticker_for("BTC", Kind.COIN)


@dataclass(frozen=True)
class Contract:
    """One row; what is not said is missing."""

    strike: float
    right: str
    years: float = 0.1
    iv: float = 0.2
    open_interest: float = float("nan")
    volume: float = float("nan")
    bid: float = float("nan")
    ask: float = float("nan")
    root: str = "BTC"


def chain_of(
    contracts: Sequence[Contract],
    *,
    spot: float = 100.0,
    rate: float = 0.0,
    carry: float | None = None,
    forwards: dict[float, float] | None = None,
    multiplier: float = 1.0,
    ticker: Ticker = COIN,
    as_of: datetime = NOW,
    source: str = "test",
    total: int | None = None,
) -> OptionChain:
    """A chain of these contracts; ``carry`` gives every expiry the forward spot * e^(carry T)."""
    instants = [as_of.timestamp() + contract.years * YEAR for contract in contracts]
    if carry is not None:
        forwards = {at: spot * np.exp(carry * c.years) for at, c in zip(instants, contracts, strict=True)}
    return OptionChain.from_rows(
        ticker=ticker,
        source=source,
        as_of=as_of,
        spot=spot,
        rate=rate,
        root=[contract.root for contract in contracts],
        expiry=instants,
        strike=[contract.strike for contract in contracts],
        is_call=[contract.right == "C" for contract in contracts],
        iv=[contract.iv for contract in contracts],
        open_interest=[contract.open_interest for contract in contracts],
        volume=[contract.volume for contract in contracts],
        bid=[contract.bid for contract in contracts],
        ask=[contract.ask for contract in contracts],
        multiplier=[multiplier] * len(contracts),
        forwards=forwards,
        total=total,
    )


def random_chain(seed: int, *, strikes: int = 31, expiries: int = 5, rate: float = 0.0) -> OptionChain:
    """A believable chain: a smile, open interest around the money, quotes around Black-76, some IVs missing."""
    rng = np.random.default_rng(seed)
    spot = 100.0
    lives = np.sort(rng.uniform(0.01, 1.0, expiries))
    rows = []
    for years in lives:
        forward = spot * np.exp(0.03 * years)
        for strike in np.round(np.linspace(70, 135, strikes), 1):
            x = np.log(strike / forward)
            iv = 0.5 - 0.3 * x + 0.8 * x * x
            for right in "CP":
                value = float(black76(forward, strike, years, iv, right == "C", rate).value)
                given = np.nan if rng.random() < 0.1 else iv * (1 + 0.01 * rng.standard_normal())
                rows.append(
                    Contract(
                        strike=float(strike),
                        right=right,
                        years=float(years),
                        iv=float(given),
                        open_interest=float(np.round(rng.gamma(1.0, 300.0) * np.exp(-4 * x * x))),
                        volume=float(np.round(rng.gamma(0.5, 50.0))),
                        bid=value * 0.99,
                        ask=value * 1.01,
                    )
                )
    return chain_of(rows, spot=spot, rate=rate)
