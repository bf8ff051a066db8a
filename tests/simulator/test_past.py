"""A simulated price's history, lived and made up."""

import numpy as np
import pytest

from gextui.simulator.past import Past

NOW = 1_795_161_600.0
"""On the hour."""
DAY = 86400.0


def lived(seed: int = 1, *prices: float) -> Past:
    """A past whose prices came a second apart from `NOW` on."""
    past = Past(seed, 0.5)
    for second, price in enumerate(prices or (100.0,)):
        past.record(NOW + second, price)
    return past


def test_minutes_that_were_lived_are_kept_as_they_were() -> None:
    past = lived(1, *(100.0 + second % 60 for second in range(90)))
    minutes = past.candles(NOW, NOW + 600, 60)
    assert minutes.at.tolist() == [NOW, NOW + 60]
    assert np.stack((minutes.open, minutes.high, minutes.low, minutes.close)).T.tolist() == [
        [100.0, 159.0, 100.0, 159.0],
        [100.0, 129.0, 100.0, 129.0],
    ]
    (hour,) = past.candles(NOW, NOW + 600, 3600).close
    assert hour == 129.0


def test_what_is_made_up_ends_where_life_begins() -> None:
    past = lived()
    minutes = past.candles(NOW - DAY, NOW, 60)
    assert len(minutes.at) == 1441
    assert minutes.close[-2] == pytest.approx(100.0)
    # Each begins where the last one ended, whatever their length.
    assert np.allclose(minutes.open[1:], minutes.close[:-1])
    hours = past.candles(NOW - DAY, NOW, 3600)
    assert np.allclose(hours.open, minutes.open[::60])
    for candles in (minutes, hours):
        assert np.all(candles.low <= np.minimum(candles.open, candles.close))
        assert np.all(candles.high >= np.maximum(candles.open, candles.close))


def test_it_is_the_same_whenever_it_is_asked_for() -> None:
    early, late = lived(3), lived(3, *[100.0] * 600)
    for one, other in zip(
        (getattr(early.candles(NOW - DAY, NOW - 3600, 300), name) for name in ("at", "open", "high", "low", "close")),
        (getattr(late.candles(NOW - DAY, NOW - 3600, 300), name) for name in ("at", "open", "high", "low", "close")),
        strict=True,
    ):
        assert np.array_equal(one, other)
    assert not np.array_equal(early.candles(0.0, NOW, 86400).open, lived(4).candles(0.0, NOW, 86400).open)


@pytest.mark.parametrize(("days", "seconds"), [(300, 86400), (60, 3600), (2, 300)])
def test_its_volatility_is_as_ordered_at_every_scale(days: int, seconds: int) -> None:
    realised = []
    for seed in range(20):
        close = lived(seed).candles(NOW - days * DAY, NOW, seconds).close
        realised.append(np.std(np.diff(np.log(close))) * np.sqrt(365 * DAY / seconds))
    assert np.mean(realised) == pytest.approx(0.5, rel=0.1)


def test_a_year_of_minutes_is_forgotten_but_for_the_last_week() -> None:
    past = Past(1, 0.5)
    for minute in range(30_000):
        past.record(NOW + 60.0 * minute, 100.0)
    known = past.candles(NOW, NOW + 60.0 * 30_000, 60)
    assert np.count_nonzero(known.high > known.low) == 20_000
    assert np.all(known.close[20_000:] == 100.0)


def test_nothing_is_made_up_before_there_is_a_price() -> None:
    with pytest.raises(ValueError, match="present"):
        Past(1, 0.5).candles(NOW - DAY, NOW, 60)
