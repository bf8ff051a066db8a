"""Levels over time for the tests of the chart: the same walk every time, with gaps where a test wants them."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np

from gextui.exposure.series import LEVELS, Gap, Series
from tests.ui.desk import NOW


def made_up_series(
    span: timedelta = timedelta(hours=1),
    *,
    end: datetime = NOW,
    recorded: timedelta | None = None,
    gaps: Sequence[Gap] = (),
    readings: int = 600,
    scale: float = 1.0,
) -> Series:
    """A walk of BTC over the last ``recorded`` (default all) of ``span``; no readings lie in the gaps."""
    random = np.random.RandomState(5)
    last = end.timestamp()
    times = np.linspace(last - (recorded or span).total_seconds(), last, readings)
    seen = np.ones(readings, dtype=np.bool_)
    for gap in gaps:
        seen &= (times <= gap.start) | (times >= gap.end)
    way = np.cumsum(random.normal(0.0, 1.0, readings)) * 2_500.0 / np.sqrt(readings)
    columns = {name: np.full(readings, np.nan) for name in LEVELS}
    columns["spot"] = 98_412.5 + way - way[-1]
    columns["zero_gamma"] = 96_850.0 + 0.4 * (way - way[-1]) + np.linspace(-300.0, 0.0, readings)
    columns["zero_gamma_low"] = columns["zero_gamma"] - 250.0
    columns["zero_gamma_high"] = columns["zero_gamma"] + 400.0
    columns["call_wall"] = np.where(np.arange(readings) < readings * 0.6, 105_000.0, 110_000.0)
    columns["put_wall"] = np.full(readings, 90_000.0)
    columns["net_gex"] = (columns["spot"] - columns["zero_gamma"]) * 1.2e5
    columns["gross_gex"] = np.full(readings, 1.56e9)
    prices = ("spot", "zero_gamma", "zero_gamma_low", "zero_gamma_high", "call_wall", "put_wall")
    return Series(
        times[seen],
        {name: values[seen] * (scale if name in prices else 1.0) for name, values in columns.items()},
        tuple(gaps),
    )


def year_of_iv(days: int = 200, *, end: datetime = NOW, scale: float = 1.0) -> Series:
    """The volatility of 30 days at the end of each of so many days, a wave around 45 %, the last one today's."""
    times = np.array(end.timestamp() - 86_400.0 * np.arange(days)[::-1])
    columns = {name: np.full(days, np.nan) for name in LEVELS}
    columns["iv_30d"] = scale * (0.45 + 0.1 * np.sin(np.arange(days) / 25.0))
    return Series(times, columns, ())
