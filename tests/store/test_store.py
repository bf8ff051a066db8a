"""What is recorded is found again: by instant, by window, by step, as a series."""

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from gextui.exposure.board import build_board
from gextui.exposure.change import WINDOWS, ChangeState
from gextui.exposure.levels import Levels
from gextui.exposure.series import LEVELS, Gap
from gextui.keeper import History
from gextui.market.ticker import KNOWN_TICKERS
from gextui.store.database import Worker
from gextui.store.store import Store
from tests.store.market import BTC, NOON, SPY, after, board_at, chain_at, same_bits


def rows(path: Path, sql: str) -> list[Any]:
    """What another program sees."""
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def as_history(store: Store) -> History:
    """Holds for mypy alone: a store is what the desk asks for."""
    return store


async def test_a_recorded_chain_comes_back_as_it_was(store: Store) -> None:
    board = board_at(NOON)
    await store.record(board)
    latest = await store.latest(BTC)
    assert latest is not None
    assert same_bits(latest, board.chain)
    assert (store.recording, store.notice, store.damaged) == ("recording", "", 0)


async def test_the_board_rebuilt_from_it_has_the_same_numbers(store: Store) -> None:
    board = board_at(NOON)
    await store.record(board)
    latest = await store.latest(BTC)
    assert latest is not None
    rebuilt = build_board(latest)
    assert rebuilt.totals == board.totals
    assert rebuilt.levels == board.levels


async def test_nothing_is_known_of_what_was_never_recorded(store: Store) -> None:
    assert await store.latest(BTC) is None
    assert await store.as_of(BTC, NOON) is None
    assert await store.step(BTC, NOON, -1) is None
    past = await store.past(BTC, NOON, WINDOWS)
    assert (dict(past.windows), past.yesterday) == ({}, None)
    series = await store.range(BTC, NOON, after(60))
    assert (len(series.times), series.gaps, set(series.columns)) == (0, (), set(LEVELS))


async def test_as_of_gives_the_newest_chain_up_to_an_instant(store: Store) -> None:
    for second in (0, 10, 20):
        await store.record(board_at(after(second)))
    for at, found in ((9.999999, 0), (10, 10), (19, 10), (1000, 20)):
        chain = await store.as_of(BTC, after(at))
        assert chain is not None
        assert chain.as_of == after(found)
    assert await store.as_of(BTC, after(-0.000001)) is None


async def test_the_newest_chain_is_given_where_it_is_newer_than_what_is_known(store: Store) -> None:
    await store.record(board_at(after(1)))
    await store.record(board_at(after(2)))
    known = [after(0), after(1.999999), after(2), after(3)]
    found = [await store.latest(BTC, after=at) for at in known]
    assert [None if chain is None else chain.as_of for chain in found] == [after(2), after(2), None, None]
    assert await store.latest(SPY, after=NOON) is None


async def test_steps_go_through_every_recorded_chain_and_no_further(store: Store) -> None:
    for second in range(5):
        await store.record(board_at(after(second)))
    found = {}
    for steps in (-3, -2, -1, 0, 1, 2, 3):
        chain = await store.step(BTC, after(2), steps)
        found[steps] = None if chain is None else (chain.as_of - NOON).total_seconds()
    assert found == {-3: None, -2: 0, -1: 1, 0: 2, 1: 3, 2: 4, 3: None}


async def test_tickers_are_kept_apart(store: Store) -> None:
    await store.record(board_at(NOON))
    await store.record(board_at(NOON, ticker=SPY, source="cboe"))
    spy, btc = await store.latest(SPY), await store.latest(BTC)
    assert spy is not None
    assert btc is not None
    assert (spy.ticker, spy.source, btc.ticker, btc.source) == (SPY, "cboe", BTC, "deribit")


async def test_a_second_reading_of_the_same_instant_replaces_the_first(store: Store, path: Path) -> None:
    await store.record(board_at(NOON, open_interest=1.0))
    newer = board_at(NOON, open_interest=2.0)
    await store.record(newer)
    latest = await store.latest(BTC)
    assert latest is not None
    assert same_bits(latest, newer.chain)
    assert rows(path, "SELECT count(*) FROM level") == rows(path, "SELECT count(*) FROM snapshot") == [(1,)]


async def test_a_clock_that_goes_back_loses_nothing(store: Store, path: Path) -> None:
    for second in (3600, 3610, 0, 10, 3605, 3600):
        await store.record(board_at(after(second)))
    assert store.recording == "recording"
    assert rows(path, "SELECT count(*) FROM snapshot") == [(5,)]
    assert rows(path, "SELECT to_ts - from_ts, reason FROM gap") == [(3590 * 10**6, "no data")]
    chain = await store.as_of(BTC, after(20))
    assert chain is not None
    assert chain.as_of == after(10)


async def test_what_rarely_changes_is_stored_once(store: Store, path: Path) -> None:
    for second in range(40):
        await store.record(board_at(after(second)))
    counts = "SELECT (SELECT count(*) FROM layout), (SELECT count(*) FROM key_frame), (SELECT count(*) FROM snapshot)"
    assert rows(path, counts) == [(1, 1, 40)]
    await store.record(build_board(chain_at(after(40), strikes=11)))
    assert rows(path, counts) == [(2, 2, 41)]
    await store.record(board_at(after(301)))
    await store.record(board_at(after(302)))
    assert rows(path, counts) == [(2, 3, 43)]


async def test_a_key_frame_serves_thirty_readings_and_five_minutes(store: Store, path: Path) -> None:
    for minute in range(32):
        await store.record(board_at(after(60 * minute)))
    served = "SELECT count(*) FROM snapshot GROUP BY key_frame_id"
    assert rows(path, served) == [(30,), (2,)]


# Levels.


async def test_every_level_has_its_number(store: Store) -> None:
    board = board_at(NOON)
    await store.record(board)
    series = await store.range(BTC, NOON, NOON)
    assert series.times.tolist() == [NOON.timestamp()]
    found = {name: column[0] for name, column in series.columns.items()}
    totals, levels = board.totals, board.levels
    assert levels.call_wall is not None
    assert levels.put_wall is not None
    assert levels.max_pain is not None
    assert levels.expected_move is not None
    expected: dict[str, float | None] = {
        "spot": board.spot,
        **{name: getattr(totals, name) for name in LEVELS if hasattr(totals, name)},
        "zero_gamma": levels.zero_gamma.price,
        "zero_gamma_low": levels.zero_gamma.band and levels.zero_gamma.band[0],
        "zero_gamma_high": levels.zero_gamma.band and levels.zero_gamma.band[1],
        "call_wall": levels.call_wall.price,
        "put_wall": levels.put_wall.price,
        "max_pain": levels.max_pain.price,
        "expected_move": levels.expected_move.move,
        "daily_sigma": levels.daily_sigma,
        "iv_30d": levels.iv_30d,
        "coverage": board.coverage,
        "contracts": board.used,
    }
    assert found == pytest.approx(
        {name: np.nan if value is None else value for name, value in expected.items()}, nan_ok=True, rel=0, abs=0
    )


async def test_what_a_reading_lacks_is_null_and_comes_back_missing(store: Store, path: Path) -> None:
    board = board_at(NOON)
    nothing = Levels(
        spot=board.spot,
        call_walls=(),
        put_walls=(),
        absolute_gamma=None,
        zero_gamma=replace(board.levels.zero_gamma, price=None, band=None),
        other_rules=(),
        max_pain=None,
        expected_move=None,
        one_sigma=None,
        daily_sigma=None,
        iv_30d=None,
    )
    totals = replace(board.totals, net_gex=None, call_volume=float("nan"), put_volume=float("inf"))
    await store.record(replace(board, levels=nothing, totals=totals, coverage=None))
    missing = (
        "net_gex",
        "call_volume",
        "put_volume",
        "zero_gamma",
        "zero_gamma_low",
        "call_wall",
        "max_pain",
        "iv_30d",
        "coverage",
    )
    assert rows(path, f"SELECT {', '.join(missing)} FROM level") == [(None,) * len(missing)]
    series = await store.range(BTC, NOON, NOON)
    assert all(np.isnan(series.columns[name][0]) for name in missing)


async def test_numpys_numbers_are_stored_as_numbers(store: Store, path: Path) -> None:
    board = board_at(NOON)
    totals = replace(board.totals, net_gex=np.float64(2**53 + 2), call_gex=cast(float, np.float32(1.5)), net_dex=1e18)
    await store.record(replace(board, totals=totals, used=cast(int, np.int64(36))))
    assert store.recording == "recording"
    kinds = {
        table: rows(path, f"SELECT DISTINCT {', '.join(f'typeof({name})' for name in names)} FROM {table}")
        for table, names in {
            "level": ("ticker_id", "ts", "source", *LEVELS),
            "snapshot": ("ticker_id", "ts", "key_frame_id", "crc", "payload"),
        }.items()
    }
    assert kinds["snapshot"] == [("integer", "integer", "integer", "integer", "blob")]
    assert "blob" not in kinds["level"][0]
    assert kinds["level"][0][-1] == "integer"
    assert rows(path, "SELECT net_gex, call_gex, contracts FROM level") == [(2.0**53 + 2, 1.5, 36)]


async def test_a_long_range_gives_the_last_reading_of_each_stretch(store: Store) -> None:
    for second in range(100):
        await store.record(board_at(after(second)))
    series = await store.range(BTC, NOON, after(99.999999), at_most=10)
    assert (series.times - NOON.timestamp()).tolist() == [9, 19, 29, 39, 49, 59, 69, 79, 89, 99]
    assert (series.columns["spot"] - 90_000).tolist() == [9, 19, 29, 39, 49, 59, 9, 19, 29, 39]
    assert len((await store.range(BTC, NOON, after(99), at_most=100)).times) == 100
    assert len((await store.range(BTC, after(50), after(59))).times) == 10


# Gaps.


async def test_a_pause_is_a_gap_with_its_reason(store: Store) -> None:
    for second in (0, 10, 20, 80, 141):
        await store.record(board_at(after(second)))
    series = await store.range(BTC, NOON, after(1000))
    assert series.gaps == (Gap(after(80).timestamp(), after(141).timestamp(), "no data"),)
    assert (await store.range(BTC, NOON, after(79))).gaps == ()
    assert len((await store.range(BTC, after(100), after(110))).gaps) == 1


async def test_a_change_of_source_breaks_the_line_and_is_no_pause(store: Store) -> None:
    await store.record(board_at(NOON))
    await store.record(board_at(after(60), source="bybit"))
    await store.record(board_at(after(120), source="bybit"))
    series = await store.range(BTC, NOON, after(200))
    assert series.gaps == (Gap(NOON.timestamp(), after(60).timestamp(), "source changed"),)
    past = await store.past(BTC, after(120), (1, 2))
    assert {minutes: chain.source for minutes, chain in past.windows.items()} == {1: "bybit", 2: "deribit"}
    changes = build_board(chain_at(after(120), source="bybit"), past).changes
    assert [change.state for change in changes[:1]] == [ChangeState.OK]


async def test_a_slow_source_leaves_no_gaps(store: Store) -> None:
    for second in (0, 300, 600, 900, 1799, 2699):
        await store.record(board_at(after(second)))
    series = await store.range(BTC, NOON, after(3000))
    # The very first pause is longer than anything known yet; from then on three intervals are allowed.
    assert [gap.start - NOON.timestamp() for gap in series.gaps] == [0]


async def test_a_restart_is_a_gap_of_its_own(path: Path) -> None:
    for second in (0, 10, 200, 210):
        store = await Store.open(path)
        await store.record(board_at(after(second)))
        gaps = (await store.range(BTC, NOON, after(1000))).gaps
        await store.close()
    assert gaps == (Gap(after(10).timestamp(), after(200).timestamp(), "restart"),)


# The past.


async def windows_at(store: Store, at: datetime) -> dict[int, float]:
    past = await store.past(BTC, at, WINDOWS)
    return {minutes: (at - chain.as_of).total_seconds() for minutes, chain in past.windows.items()}


async def test_every_window_has_its_chain_in_one_hop(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for second in range(0, 1860, 30):
        await store.record(board_at(after(second)))
    hops = []
    run = Worker.run

    async def counted(self: Worker, work: Any) -> Any:
        hops.append(work)
        return await run(self, work)

    monkeypatch.setattr(Worker, "run", counted)
    assert await windows_at(store, after(1835)) == {1: 65, 5: 305, 10: 605, 15: 905, 30: 1805}
    assert len(hops) == 1


@pytest.mark.parametrize(("minutes", "tolerance"), [(1, 30.0), (5, 75.0), (10, 150.0), (15, 225.0), (30, 450.0)])
async def test_a_window_takes_no_older_chain_than_a_quarter_of_it(store: Store, minutes: int, tolerance: float) -> None:
    await store.record(board_at(NOON))
    at = timedelta(seconds=minutes * 60 + tolerance)
    # Levels at a slow pace, so that only the tolerance decides.
    for part in (0.25, 0.5, 0.75):
        await store.record(board_at(NOON + part * at))
    await store._hop(lambda connection: connection.execute(f"DELETE FROM snapshot WHERE ts > {NOON.timestamp() * 1e6}"))
    await store._hop(lambda connection: connection.execute("DELETE FROM gap"))
    exact = await store.past(BTC, NOON + at, [minutes])
    late = await store.past(BTC, NOON + at + timedelta(microseconds=1), [minutes])
    assert (list(exact.windows), list(late.windows)) == ([minutes], [])


async def test_no_window_reaches_across_a_gap(store: Store) -> None:
    for second in (*range(0, 600, 10), *range(720, 1000, 10)):
        await store.record(board_at(after(second)))
    assert await windows_at(store, after(990)) == {1: 60}
    assert set(await windows_at(store, after(1020))) == {1, 5}, "the first reading after the gap may be compared with"
    assert await windows_at(store, after(590)) == {1: 60, 5: 300}, "what came before the gap is not cut off by it"


async def test_there_is_no_window_when_recording_has_stopped(store: Store) -> None:
    for second in range(0, 600, 10):
        await store.record(board_at(after(second)))
    assert set(await windows_at(store, after(650))) == {1, 5, 10}
    assert await windows_at(store, after(651)) == {}


async def test_a_change_of_venue_is_seen(store: Store, path: Path) -> None:
    for second in range(0, 70, 10):
        await store.record(board_at(after(second)))
    for second in range(70, 130, 10):
        await store.record(board_at(after(second), source="bybit"))
    now = chain_at(after(120), source="bybit")
    past = await store.past(BTC, after(120), WINDOWS)
    states = {change.minutes: change.state for change in build_board(now, past).changes}
    assert states == {1: ChangeState.SOURCE, **dict.fromkeys((5, 10, 15, 30), ChangeState.GAP)}
    assert rows(path, "SELECT source, count(*) FROM level GROUP BY source ORDER BY source") == [
        ("bybit", 6),
        ("deribit", 7),
    ]


async def test_a_coins_yesterday_is_a_day_ago(store: Store) -> None:
    day = timedelta(hours=24)
    for before in (timedelta(hours=12), timedelta(hours=2), -timedelta(minutes=30), -timedelta(minutes=30, seconds=1)):
        await store.record(board_at(NOON - day - before))
    assert await yesterday(store, NOON) == NOON - day + timedelta(minutes=30)
    assert await yesterday(store, NOON - timedelta(seconds=1)) == NOON - day - timedelta(hours=2)
    assert await yesterday(store, NOON - timedelta(hours=3)) == NOON - day - timedelta(hours=12)
    assert await yesterday(store, NOON + timedelta(hours=13)) is None


async def yesterday(store: Store, at: datetime) -> datetime | None:
    chain = (await store.past(BTC, at, ())).yesterday
    return None if chain is None else chain.as_of


async def test_new_yorks_yesterday_is_its_last_trading_day(store: Store) -> None:
    def utc(day: int, hour: int, minute: int = 0) -> datetime:
        return datetime(2026, 11, day, hour, minute, tzinfo=UTC)

    # Wednesday, Friday evening, Saturday (New York's Friday still), Monday; Thanksgiving is the 26th.
    for at in (utc(18, 20), utc(20, 20), utc(21, 1), utc(23, 15), utc(23, 15, 30), utc(25, 20)):
        await store.record(board_at(at, ticker=SPY, source="cboe"))
    found = {}
    for at in (utc(19, 15), utc(20, 15), utc(23, 15), utc(23, 15, 40), utc(24, 4), utc(24, 15), utc(27, 15)):
        chain = (await store.past(SPY, at, ())).yesterday
        found[at] = None if chain is None else chain.as_of
    assert found == {
        utc(19, 15): utc(18, 20),
        utc(20, 15): None,
        utc(23, 15): utc(21, 1),
        utc(23, 15, 40): utc(21, 1),
        utc(24, 4): utc(21, 1),
        utc(24, 15): utc(23, 15, 30),
        utc(27, 15): utc(25, 20),
    }


# Copies and checks.


async def test_a_backup_is_whole_private_and_taken_while_recording(store: Store, path: Path) -> None:
    for second in range(3):
        await store.record(board_at(after(second)))
    target = path.with_name("copy.db")
    await store.backup(target)
    await store.record(board_at(after(3)))
    assert target.stat().st_mode & 0o777 == 0o600
    assert rows(target, "PRAGMA integrity_check") == [("ok",)]
    copy = await Store.open(target)
    latest = await copy.latest(BTC)
    await copy.close()
    assert latest is not None
    assert same_bits(latest, chain_at(after(2)))
    assert copy.notice == ""
    assert not path.with_name("copy.db.part").exists()


async def test_a_check_counts_what_is_damaged(store: Store) -> None:
    for second in range(5):
        await store.record(board_at(after(second)))
    checked = await store.check()
    assert (checked.chains, checked.damaged, checked.problems) == (5, 0, ())
    await store._hop(lambda connection: connection.execute("UPDATE snapshot SET crc = crc + 1 WHERE id IN (2, 5)"))
    checked = await store.check()
    assert (checked.chains, checked.damaged, checked.problems) == (5, 2, ())
    latest = await store.latest(BTC)
    assert latest is not None
    assert (latest.as_of, store.damaged) == (after(3), 1)
    stepped = await store.step(BTC, after(2), -1)
    assert stepped is not None
    assert stepped.as_of == NOON


async def test_a_closed_store_answers_nothing_and_raises_nothing(path: Path) -> None:
    store = await Store.open(path)
    await store.record(board_at(NOON))
    await store.close()
    await store.close()
    await store.record(board_at(after(1)))
    assert store.recording == "not recorded"
    assert await store.latest(BTC) is None
    assert rows(path, "SELECT count(*) FROM level") == [(1,)]


@pytest.mark.parametrize("symbol", ["'; DROP TABLE level; --", "SPY[/]", "", "ζ"])
async def test_a_tickers_name_is_only_ever_a_value(store: Store, path: Path, symbol: str) -> None:
    ticker = replace(KNOWN_TICKERS["SPY"], symbol=symbol)
    await store.record(build_board(replace(chain_at(NOON), ticker=ticker)))
    latest = await store.latest(ticker)
    assert latest is not None
    assert latest.ticker == ticker
    assert rows(path, "SELECT symbol FROM ticker") == [(symbol,)]
