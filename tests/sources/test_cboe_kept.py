"""Programs that follow each other, as in a status bar, ask Cboe no more often than one that runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from gextui.simulator.market import SimulatedMarket
from gextui.sources.cboe_hours import EVERY
from gextui.sources.cboe_live import CboeSource
from tests.sources.test_cboe_book import file_of
from tests.support.cboe import IN_SESSION, RATE, SPY, Rig, rigged

BODY = file_of(SimulatedMarket(3, IN_SESSION, [SPY]).chain(SPY), IN_SESSION)
LATER = file_of(SimulatedMarket(4, IN_SESSION, [SPY]).chain(SPY), IN_SESSION + timedelta(minutes=1))


@asynccontextmanager
async def venue(folder: Path) -> AsyncIterator[Rig]:
    """A venue whose file does not call itself simulated, and a source that has not begun."""
    async with rigged(SPY, cache_dir=folder, started=False) as rig:
        rig.venue.recorded["SPY"] = BODY
        yield rig


async def run(rig: Rig, folder: Path) -> Rig:
    """A program that ends with the first chain."""
    source = CboeSource([SPY], rest_url=rig.venue.rest_url, rate=lambda: RATE, clock=rig.clock, cache_dir=folder)
    program = Rig(source, rig.clock, rig.venue, step=2.0)
    program.start()
    await program.first()
    await program.stop()
    return program


def kept(folder: Path) -> list[Path]:
    return list(folder.glob("*.kept"))


def asked(rig: Rig) -> tuple[int, int]:
    """How often the file was asked for, and how often it had not changed."""
    return rig.venue.calls["SPY"], rig.venue.unchanged


async def test_what_was_read_within_a_minute_is_not_asked_for(tmp_path: Path) -> None:
    async with venue(tmp_path) as rig:
        first = await run(rig, tmp_path)
        await rig.turn(20.0)
        second = await run(rig, tmp_path)
        assert asked(rig) == (1, 0)
        assert second.newest(SPY).as_of == first.newest(SPY).as_of == IN_SESSION
        assert second.newest(SPY).spot == first.newest(SPY).spot
        [path] = kept(tmp_path)
        assert path.stat().st_mode & 0o077 == 0


async def test_what_is_older_is_not_sent_again_where_it_is_still_the_newest(tmp_path: Path) -> None:
    async with venue(tmp_path) as rig:
        await run(rig, tmp_path)
        await rig.turn(70.0)
        again = await run(rig, tmp_path)
        assert asked(rig) == (2, 1)
        assert again.newest(SPY).as_of == IN_SESSION
        await rig.turn(20.0)
        await run(rig, tmp_path)
        assert asked(rig) == (2, 1), "that it has not changed was heard a moment ago"
        rig.venue.recorded["SPY"] = LATER
        await rig.turn(70.0)
        last = await run(rig, tmp_path)
        assert asked(rig) == (3, 1)
        assert last.newest(SPY).as_of == IN_SESSION + timedelta(minutes=1)


async def test_a_program_that_goes_on_asks_a_minute_after_the_one_before(tmp_path: Path) -> None:
    async with venue(tmp_path) as rig:
        await run(rig, tmp_path)
        await rig.turn(20.0)
        rig.start()
        await rig.first()
        assert asked(rig) == (1, 0)
        assert rig.status().state == "delayed"
        await rig.turn(80.0)
        assert asked(rig)[0] == 2
        (first, _), (second, _) = rig.venue.asked
        assert second - first >= EVERY


@pytest.mark.parametrize("damage", [b"", b"{}\n", b"not json\nnothing", None], ids=["empty", "lacks", "odd", "cut"])
async def test_what_is_damaged_is_asked_for(damage: bytes | None, tmp_path: Path) -> None:
    async with venue(tmp_path) as rig:
        await run(rig, tmp_path)
        [path] = kept(tmp_path)
        path.write_bytes(path.read_bytes()[:-100] if damage is None else damage)
        await rig.turn(70.0)
        again = await run(rig, tmp_path)
        assert again.newest(SPY).as_of == IN_SESSION


async def test_what_is_simulated_is_not_kept(tmp_path: Path) -> None:
    async with rigged(SPY, cache_dir=tmp_path, started=False) as rig:
        await run(rig, tmp_path)
        assert kept(tmp_path) == []
