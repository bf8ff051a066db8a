"""Instruments kept on disk, and the venue's time."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gextui.sources.instruments import LASTS, InstrumentCache
from gextui.sources.venue_time import VenueTime
from tests.support.clock import FakeClock

NOW = 1_780_000_000.0
NAMES = ["BTC-27NOV26-90000-C", "BTC-27NOV26-90000-P"]


def only_file(folder: Path) -> Path:
    [path] = folder.iterdir()
    return path


async def test_what_is_written_is_read_for_a_day(tmp_path: Path) -> None:
    cache = InstrumentCache(tmp_path / "new" / "folder", "deribit")
    await cache.write("BTC", NAMES, NOW)
    assert await cache.read("BTC", NOW + LASTS - 1.0) == (NAMES, NOW)
    assert await cache.read("BTC", NOW + LASTS) == ([], 0.0)
    # Of a clock that was set back nothing is known.
    assert await cache.read("BTC", NOW - 1.0) == ([], 0.0)
    assert await cache.read("ETH", NOW) == ([], 0.0)
    assert await InstrumentCache(tmp_path / "new" / "folder", "another").read("BTC", NOW) == ([], 0.0)


async def test_the_newest_replaces_the_last_and_leaves_nothing_behind(tmp_path: Path) -> None:
    cache = InstrumentCache(tmp_path, "deribit")
    await cache.write("BTC", NAMES, NOW)
    await cache.write("BTC", NAMES[:1], NOW + 1.0)
    assert await cache.read("BTC", NOW + 2.0) == (NAMES[:1], NOW + 1.0)
    assert only_file(tmp_path).suffix == ".json"


async def test_without_a_folder_nothing_is_kept() -> None:
    cache = InstrumentCache(None, "deribit")
    await cache.write("BTC", NAMES, NOW)
    assert await cache.read("BTC", NOW) == ([], 0.0)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff", b'{"venue":1}', b"[" * 100_000])
async def test_a_broken_file_is_as_if_it_were_not_there(content: bytes, tmp_path: Path) -> None:
    cache = InstrumentCache(tmp_path, "deribit")
    await cache.write("BTC", NAMES, NOW)
    only_file(tmp_path).write_bytes(content)
    assert await cache.read("BTC", NOW) == ([], 0.0)
    await cache.write("BTC", NAMES, NOW)
    assert await cache.read("BTC", NOW) == (NAMES, NOW)


async def test_a_folder_that_cannot_be_is_no_error(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.touch()
    cache = InstrumentCache(in_the_way / "folder", "deribit")
    await cache.write("BTC", NAMES, NOW)
    assert await cache.read("BTC", NOW) == ([], 0.0)


def test_the_venues_time_goes_on_by_our_seconds() -> None:
    clock = FakeClock(now=NOW)
    venue = VenueTime(clock)
    assert venue.now() == NOW
    venue.heard(int((NOW + 90.0) * 1e6))
    assert venue.now() == pytest.approx(NOW + 90.0)
    assert venue.ahead == pytest.approx(90.0)
    clock.step_wall(-3600.0)
    clock._move(clock.seconds() + 10.0)
    assert venue.now() == pytest.approx(NOW + 100.0)
    assert venue.ahead == pytest.approx(3690.0)


def test_an_answer_that_was_long_under_way_does_not_turn_it_back() -> None:
    clock = FakeClock(now=NOW)
    venue = VenueTime(clock)
    venue.heard(NOW)
    clock._move(clock.seconds() + 7.0)
    venue.heard(NOW + 1.0)  # six seconds late
    assert venue.now() == pytest.approx(NOW + 7.0)
    venue.heard(NOW + 7.5)
    assert venue.now() == pytest.approx(NOW + 7.5), "a quicker one is believed"
    venue.heard(NOW - 60.0)
    assert venue.now() == pytest.approx(NOW - 60.0), "nothing is late by so much: its clock was set"
    clock._move(clock.seconds() + 301.0)
    venue.heard(NOW + 240.0)
    assert venue.now() == pytest.approx(NOW + 240.0), "what was quick once holds for minutes, not for ever"


@given(st.one_of(st.none(), st.booleans(), st.text(max_size=20), st.floats(), st.integers(-(2**70), 2**70)))
def test_no_answer_sets_the_venues_clock_to_nonsense(sent: float | str | bool | None) -> None:
    venue = VenueTime(FakeClock(now=NOW))
    venue.heard(sent)
    assert 600_000_000.0 < venue.now() < 4_200_000_000.0
