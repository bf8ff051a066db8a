"""How often a delayed file is worth asking for."""

import pytest

from gextui.market.ticker import KNOWN_TICKERS, Ticker
from gextui.sources.cboe_hours import EVERY, Phase, pace, phase_of
from tests.support.cboe import IBIT, NDX, SPX, SPY, new_york

RUT = KNOWN_TICKERS["RUT"]


@pytest.mark.parametrize(
    ("local", "index", "etf", "share"),
    [
        ("2026-11-19 09:29", Phase.NIGHT, Phase.EXTENDED, Phase.EXTENDED),
        ("2026-11-19 09:30", Phase.REGULAR, Phase.REGULAR, Phase.REGULAR),
        ("2026-11-19 16:10", Phase.REGULAR, Phase.REGULAR, Phase.REGULAR),
        ("2026-11-19 16:16", Phase.REGULAR, Phase.REGULAR, Phase.EXTENDED),
        ("2026-11-19 16:30", Phase.REGULAR, Phase.REGULAR, Phase.EXTENDED),
        ("2026-11-19 16:31", Phase.NIGHT, Phase.EXTENDED, Phase.EXTENDED),  # the curb session
        ("2026-11-19 17:15", Phase.SHUT, Phase.EXTENDED, Phase.EXTENDED),
        ("2026-11-19 20:29", Phase.SHUT, Phase.SHUT, Phase.SHUT),
        ("2026-11-19 20:30", Phase.NIGHT, Phase.SHUT, Phase.SHUT),
        ("2026-11-20 06:19", Phase.NIGHT, Phase.EXTENDED, Phase.EXTENDED),
        ("2026-11-21 12:00", Phase.SHUT, Phase.SHUT, Phase.SHUT),
        ("2026-11-27 12:59", Phase.REGULAR, Phase.REGULAR, Phase.REGULAR),
        ("2026-11-27 13:30", Phase.REGULAR, Phase.REGULAR, Phase.EXTENDED),
        ("2026-11-27 13:31", Phase.SHUT, Phase.EXTENDED, Phase.EXTENDED),
    ],
)
def test_phases(local: str, index: Phase, etf: Phase, share: Phase) -> None:
    now = new_york(local)
    assert (phase_of(SPX, now), phase_of(SPY, now), phase_of(IBIT, now)) == (index, etf, share)


@pytest.mark.parametrize(
    ("ticker", "local", "seconds"),
    [
        (SPX, "2026-11-19 11:00", EVERY),
        (SPX, "2026-11-20 02:00", 120.0),
        (SPY, "2026-11-20 05:00", 300.0),
        (SPY, "2026-11-21 12:00", 900.0),
        (SPY, "2026-11-20 09:28", 120.0),  # two minutes before the opening
        (SPY, "2026-11-20 09:29:30", EVERY),  # and never sooner than politeness allows
    ],
)
def test_paces(ticker: Ticker, local: str, seconds: float) -> None:
    assert pace(ticker, new_york(local)) == seconds


@pytest.mark.parametrize("local", ["2026-11-19 16:31", "2026-11-19 20:50", "2026-11-20 06:19", "2026-11-20 09:29"])
def test_an_index_without_a_night_is_shut(local: str) -> None:
    assert (phase_of(NDX, new_york(local)), phase_of(RUT, new_york(local))) == (Phase.SHUT, Phase.NIGHT)
