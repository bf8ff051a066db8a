"""Spot as options imply it, and when they imply none."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from gextui.market.chain import OptionChain
from gextui.market.ticker import KNOWN_TICKERS
from gextui.pricing.parity import implied_spot

SPX = KNOWN_TICKERS["SPX"]
SIX_NINETEEN = datetime(2026, 11, 20, 11, 19, tzinfo=UTC)
"""New York's morning of a third Friday."""
SETTLES_AM = datetime(2026, 11, 20, 14, 30, tzinfo=UTC).timestamp()
TODAY = datetime(2026, 11, 20, 21, 0, tzinfo=UTC).timestamp()
MONDAY = TODAY + 3 * 86400
RATE = 0.04


def quoted(
    spot: float,
    *,
    expiry: float = TODAY,
    root: str = "SPXW",
    width: float = 0.4,
    strikes: tuple[float, ...] = tuple(np.arange(6550.0, 6655.0, 5.0).tolist()),
    shift: tuple[float, ...] = (),
) -> list[tuple[str, float, float, bool, float, float]]:
    """Rows of calls and puts that imply ``spot``, each strike's calls dearer by its ``shift``."""
    years = (expiry - SIX_NINETEEN.timestamp()) / (365 * 86400)
    rows = []
    for place, strike in enumerate(strikes):
        put = 40.0 + max(strike - spot, 0.0)
        call = put + spot - strike * np.exp(-RATE * years) + (shift[place] if place < len(shift) else 0.0)
        for is_call, mid in ((True, call), (False, put)):
            rows.append((root, expiry, strike, is_call, mid - width / 2, mid + width / 2))
    return rows


def chain_of(*groups: list[tuple[str, float, float, bool, float, float]], spot: float = 6600.0) -> OptionChain:
    rows = [row for group in groups for row in group]
    root, expiry, strike, is_call, bid, ask = zip(*rows, strict=True)
    nothing = [0.0] * len(rows)
    return OptionChain.from_rows(
        ticker=SPX, source="test", as_of=SIX_NINETEEN, spot=spot, rate=RATE, root=root, expiry=expiry, strike=strike,
        is_call=is_call, iv=nothing, open_interest=nothing, volume=nothing, bid=bid, ask=ask,
        multiplier=[100.0] * len(rows),
    )  # fmt: skip


def found_in(chain: OptionChain) -> tuple[float, float]:
    """The implied spot, of which there is one, and the expiry that implies it."""
    found = implied_spot(chain)
    assert found is not None
    return found


def test_the_nearest_expiry_says_what_spot_is() -> None:
    spot, expiry = found_in(chain_of(quoted(6612.5), quoted(6700.0, expiry=MONDAY)))
    assert (round(spot, 9), expiry) == (6612.5, TODAY)


def test_where_it_stood_before_does_not_matter() -> None:
    for spot in (6000.0, 7000.0):
        assert found_in(chain_of(quoted(6612.5), spot=spot))[0] == pytest.approx(6612.5, abs=1e-9)


def test_what_settles_this_morning_no_longer_trades() -> None:
    """Its quotes are yesterday's, and agree with each other."""
    spot, expiry = found_in(chain_of(quoted(6500.0, expiry=SETTLES_AM, root="SPX"), quoted(6612.5)))
    assert (round(spot, 9), expiry) == (6612.5, TODAY)


def test_one_bad_strike_is_outvoted() -> None:
    assert found_in(chain_of(quoted(6612.5, shift=(0.0,) * 12 + (3.0,))))[0] == pytest.approx(6612.5, abs=0.5)


def test_strikes_that_disagree_say_nothing() -> None:
    disagreeing = quoted(6612.5, shift=tuple(8.0 * (-1) ** place for place in range(21)))
    assert implied_spot(chain_of(disagreeing)) is None
    spot, expiry = found_in(chain_of(disagreeing, quoted(6613.0, expiry=MONDAY)))
    assert (round(spot, 9), expiry) == (6613.0, MONDAY)


def test_few_wide_or_one_sided_quotes_say_nothing() -> None:
    assert implied_spot(chain_of(quoted(6612.5, strikes=(6600.0, 6605.0, 6610.0)))) is None
    assert implied_spot(chain_of(quoted(6612.5, width=40.0))) is None
    one_sided = [(*row[:4], np.nan, row[5]) for row in quoted(6612.5)]
    assert implied_spot(chain_of(one_sided)) is None
    calls_alone = [row for row in quoted(6612.5) if row[3]]
    assert implied_spot(chain_of(calls_alone)) is None


def test_what_has_expired_says_nothing() -> None:
    yesterday = (SIX_NINETEEN - timedelta(days=1)).timestamp()
    assert implied_spot(chain_of(quoted(6612.5, expiry=yesterday))) is None
