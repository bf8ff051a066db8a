"""Limiter, backoff and Retry-After: their properties on a clock that tests turn."""

import asyncio
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gextui.sources.pacing import Backoff, Limiter, SystemClock, retry_after
from tests.support.clock import FakeClock


@given(
    rate=st.floats(0.1, 50.0),
    burst=st.integers(1, 20),
    gaps=st.lists(st.floats(0.0, 5.0), min_size=1, max_size=40),
)
def test_never_more_than_the_burst_and_the_rate(rate: float, burst: int, gaps: list[float]) -> None:
    async def run() -> list[float]:
        clock = FakeClock()
        limiter = Limiter(clock, rate=rate, burst=burst)
        passed: list[float] = []

        async def ask() -> None:
            await limiter.acquire()
            passed.append(clock.seconds())

        tasks = []
        for gap in gaps:
            tasks.append(asyncio.create_task(ask()))
            await clock.advance(gap)
        for _ in range(10 * len(gaps)):
            await clock.advance(1.0 / rate)
        assert all(task.done() for task in tasks)
        return passed

    passed = asyncio.run(run())
    assert len(passed) == len(gaps)
    assert passed == sorted(passed)
    for start in range(len(passed)):
        for end in range(start, len(passed)):
            assert end - start + 1 <= burst + rate * (passed[end] - passed[start]) + 1e-6


async def test_a_closed_limiter_lets_nobody_pass_until_then() -> None:
    clock = FakeClock()
    limiter = Limiter(clock, rate=100.0, burst=10)
    limiter.close(7.0)
    limiter.close(2.0)
    asked = asyncio.create_task(limiter.acquire())
    await clock.advance(6.9)
    assert not asked.done()
    assert limiter.closed_for == pytest.approx(0.1)
    await clock.advance(0.2)
    assert asked.done()


async def test_a_limiter_closed_while_somebody_waits_holds_him_too() -> None:
    clock = FakeClock()
    limiter = Limiter(clock, rate=1.0, burst=1)
    await limiter.acquire()
    asked = asyncio.create_task(limiter.acquire())
    await clock.advance(0.5)
    limiter.close(10.0)
    await clock.advance(9.0)
    assert not asked.done()
    await clock.advance(1.1)
    assert asked.done()


async def test_a_cost_that_never_fits_is_an_error() -> None:
    with pytest.raises(ValueError, match="never fits"):
        await Limiter(FakeClock(), rate=1.0, burst=5).acquire(6)


@given(failures=st.integers(1, 200))
def test_backoff_never_gives_up_and_never_waits_longer_than_its_cap(failures: int) -> None:
    backoff = Backoff(FakeClock())
    pauses = [backoff.pause() for _ in range(failures)]
    assert all(0 <= pause <= Backoff.LONGEST for pause in pauses)
    assert pauses[0] <= 0.25


def test_backoff_doubles_up_to_its_cap() -> None:
    backoff = Backoff(FakeClock(), uniform=lambda low, high: high)
    assert [backoff.pause() for _ in range(10)] == [0.25, 0.5, 1, 2, 4, 8, 16, 30, 30, 30]


async def test_only_a_minute_of_data_forgives() -> None:
    clock = FakeClock()
    backoff = Backoff(clock, uniform=lambda low, high: high)
    for _ in range(5):
        backoff.pause()
        backoff.data()
        await clock.advance(59.0)
    assert backoff.failures == 5
    backoff.pause()
    backoff.data()
    await clock.advance(60.0)
    assert backoff.pause() == 0.25
    assert backoff.failures == 1


NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        (" 30 ", 30.0),
        ("0", 1.0),
        ("1000000000", 900.0),
        ("9" * 400, 900.0),
        (format_datetime(NOW.replace(minute=2), usegmt=True), 120.0),
        (format_datetime(NOW.replace(hour=11), usegmt=True), 1.0),
        ("soon", None),
        ("-5", None),
        ("7.5", None),
        ("", None),
    ],
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, NOW.timestamp()) == seconds


@given(st.text(max_size=60))
def test_retry_after_survives_anything(header: str) -> None:
    wait = retry_after(header, NOW.timestamp())
    assert wait is None or 1.0 <= wait <= 900.0


async def test_the_systems_clock_runs() -> None:
    clock = SystemClock()
    before = clock.seconds()
    await clock.sleep(0.0)
    assert clock.seconds() >= before
    assert abs(clock.now() - datetime.now(UTC).timestamp()) < 60.0
