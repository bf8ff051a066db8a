"""Made-up chains and boards for the store's tests."""

from datetime import UTC, datetime, timedelta

import numpy as np

from gextui.exposure.board import Board, build_board
from gextui.market.chain import OptionChain
from gextui.market.ticker import KNOWN_TICKERS, Ticker

BTC = KNOWN_TICKERS["BTC"]
SPY = KNOWN_TICKERS["SPY"]
NOON = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
"""A Wednesday."""


def after(seconds: float) -> datetime:
    """So many seconds after noon."""
    return NOON + timedelta(seconds=seconds)


def chain_at(
    at: datetime, *, ticker: Ticker = BTC, source: str = "deribit", strikes: int = 9, open_interest: float = 100.0
) -> OptionChain:
    """Two expiries of calls and puts around a spot that depends on the second; ``versions/`` holds some of them."""
    spot = 90_000.0 + at.second + at.microsecond / 1e6
    expiries = [(NOON + timedelta(days=days)).timestamp() for days in (9, 37)]
    rows = [
        (expiry, 90_000.0 + 1000.0 * step, is_call)
        for expiry in expiries
        for step in range(-(strikes // 2), strikes // 2 + 1)
        for is_call in (True, False)
    ]
    count = len(rows)
    columns = list(zip(*rows, strict=True))
    near = np.abs(np.array(columns[1]) / spot - 1.0)
    return OptionChain.from_rows(
        ticker=ticker,
        source=source,
        as_of=at,
        spot=spot,
        root=[ticker.symbol] * count,
        expiry=columns[0],
        strike=columns[1],
        is_call=columns[2],
        iv=0.45 + near,
        open_interest=np.full(count, open_interest) + np.arange(count),
        volume=np.where(np.arange(count) % 7 == 0, np.nan, 3.0),
        bid=np.full(count, 99.5),
        ask=np.full(count, 100.5),
        multiplier=[1.0] * count,
        forwards={expiries[0]: spot + 12.25},
        dropped={"bad_strike": 2},
        notes=("expiry 27NOV26 has no forward",),
    )


def board_at(at: datetime, *, ticker: Ticker = BTC, source: str = "deribit", open_interest: float = 100.0) -> Board:
    """A board of `chain_at`."""
    return build_board(chain_at(at, ticker=ticker, source=source, open_interest=open_interest))


def same_bits(one: OptionChain, other: OptionChain) -> bool:
    """Whether two chains agree in every field, floats bit for bit."""

    def plain(chain: OptionChain) -> list[object]:
        fields = [getattr(chain, name) for name in OptionChain.__slots__]
        return [
            (str(field.dtype), field.tobytes()) if isinstance(field, np.ndarray) else field
            for field in (
                dict(field) if name == "dropped" else field
                for name, field in zip(OptionChain.__slots__, fields, strict=True)
            )
        ]

    return plain(one) == plain(other)
