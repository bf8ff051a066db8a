"""The live Cboe source against a simulated Cboe: its chains are the venue's files, its requests few and polite."""

import gzip
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest

from gextui.desk import Desk
from gextui.exposure.board import build_board
from gextui.market.chain import OptionChain
from gextui.market.ticker import KNOWN_TICKERS, Kind, Ticker, ticker_for
from gextui.simulator.cboe import CboeVenue
from gextui.simulator.http_venue import Answer, Asked, RecordedMarket
from gextui.simulator.market import SimulatedMarket
from gextui.sources.cboe_hours import EVERY
from gextui.sources.cboe_live import CboeSource
from gextui.sources.cboe_rest import symbol_of
from gextui.sources.files import read_chains
from gextui.sources.source import Adjustable, Refreshable, SourceState
from tests.support.cboe import IN_SESSION, NDX, RATE, SPX, SPY, Rig, new_york, rigged

AAPL = ticker_for("AAPL")
NOBODY = ticker_for("NOBODY")
FOUR = new_york("2026-11-20 16:00")
"""A third Friday: SPXW, SPY and the rest expire; SPX has settled in the morning."""
_COLUMNS = ("expiries", "root", "expiry", "strike", "is_call", "iv", "open_interest", "volume", "bid", "ask")


def same_rows(chain: OptionChain, other: OptionChain) -> None:
    assert (chain.roots, chain.total, dict(chain.dropped)) == (other.roots, other.total, dict(other.dropped))
    for name in (*_COLUMNS, "multiplier", "forwards"):
        np.testing.assert_array_equal(getattr(chain, name), getattr(other, name), err_msg=name)


class TestChains:
    @pytest.mark.parametrize("ticker", [SPX, SPY], ids=lambda ticker: ticker.symbol)
    async def test_are_the_venues_market(self, ticker: Ticker) -> None:
        truth = SimulatedMarket(5, IN_SESSION, [ticker]).chain(ticker)
        async with rigged(ticker, market=RecordedMarket(truth)) as rig:
            await rig.first()
            chain = rig.newest(ticker)
        assert (chain.ticker, chain.source, chain.rate, chain.delay) == (ticker, "cboe", RATE, 900.0)
        assert chain.spot == truth.spot
        assert chain.previous_close == pytest.approx(truth.previous_close)
        assert chain.as_of == IN_SESSION
        assert chain.simulated
        same_rows(replace(chain, iv=truth.iv), truth)
        np.testing.assert_allclose(chain.iv, np.nan_to_num(truth.iv), rtol=1e-12)

    async def test_follow_the_market_a_quarter_of_an_hour_late(self) -> None:
        async with rigged(SPY) as rig:
            await rig.turn(1300.0)
            spots = {chain.as_of: chain.spot for chain in rig.chains[SPY]}
            assert len(spots) >= 18
            assert len(set(spots.values())) >= 4
            instants = list(spots)
            assert instants == sorted(instants)
            past = rig.venue._books[SPY].past
            assert rig.newest(SPY).spot in [chain.spot for chain in past]
            assert rig.newest(SPY).spot != past[-1].spot

    async def test_indices_have_a_leading_underscore(self) -> None:
        assert [symbol_of(ticker) for ticker in (SPX, NDX, SPY, AAPL)] == ["_SPX", "_NDX", "SPY", "AAPL"]
        assert symbol_of(ticker_for("OEX")) == "_OEX", "an index nobody told us of"
        async with rigged(SPX, SPY) as rig:
            await rig.first()
            assert dict(rig.venue.calls) == {"_SPX": 1, "SPY": 1}

    async def test_go_through_a_desk(self) -> None:
        async with rigged(SPY) as rig:
            assert isinstance(rig.source, Refreshable)
            assert isinstance(rig.source, Adjustable)
            await rig.first()
            board = build_board(rig.newest(SPY))
            assert board.coverage is not None
            assert board.coverage > 0.95
            Desk([rig.source])

    async def test_adjusted_contracts_are_left_out_and_counted(self) -> None:
        async with rigged(SPY) as rig:
            rig.venue.adjusted = True
            await rig.first()
            assert dict(rig.newest(SPY).dropped) == {"adjusted": 4}

    async def test_times_without_a_date_are_dated_by_the_answer(self) -> None:
        async with rigged(SPY) as rig:
            rig.venue.without_dates = True
            await rig.first()
            assert rig.newest(SPY).as_of == IN_SESSION


class TestRecorded:
    """Recorded bodies served by a loopback server, against the same bytes read as files."""

    async def served(self, ticker: Ticker, body: bytes, now: datetime) -> tuple[OptionChain, str]:
        async with rigged(ticker, market=a_market(now), start=now) as rig:
            rig.venue.recorded[symbol_of(ticker)] = body
            await rig.first()
            return rig.newest(ticker), rig.spoken(ticker)

    def as_a_file(self, tmp_path: Path, body: bytes) -> OptionChain:
        path = tmp_path / "body.json"
        path.write_bytes(body)
        (chain,) = read_chains(path, rate=RATE)
        return chain

    async def test_aapl_late_on_a_friday(self, shared: Path, tmp_path: Path) -> None:
        body = (shared / "wire/samples/cboe/options_AAPL_2026-07-25T034438Z.json").read_bytes()
        chain, spoken = await self.served(AAPL, body, datetime(2026, 7, 25, 3, 45, tzinfo=UTC))
        offline = self.as_a_file(tmp_path, body)
        same_rows(chain, offline)
        assert (len(chain), chain.spot, chain.previous_close) == (3_576, 333.02, 322.44), "333.80 is of after hours"
        assert chain.as_of == offline.as_of == datetime(2026, 7, 25, 3, 44, 38, tzinfo=UTC)
        assert not chain.simulated, "a recorded body says nothing of a simulation"
        assert spoken == "closed: market closed, as of 16:00 New York"
        board, expected = build_board(chain), build_board(offline)
        assert board.totals == expected.totals
        assert dict(board.dropped) == dict(expected.dropped)
        assert board.levels.zero_gamma.price == expected.levels.zero_gamma.price

    async def test_aapl_over_the_weekend_and_when_it_is_served_months_later(self, shared: Path) -> None:
        body = (shared / "wire/samples/cboe/options_AAPL_2026-07-25T034438Z.json").read_bytes()
        chain, spoken = await self.served(AAPL, body, datetime(2026, 7, 26, 18, 0, tzinfo=UTC))
        assert spoken == "closed: market closed, as of 16:00 New York Fri"
        assert len(chain) == 3_576
        chain, spoken = await self.served(AAPL, body, new_york("2026-11-19 11:00"))
        assert spoken == "degraded: Cboe has not made its file anew since 23:45 New York on 2026-07-24"
        assert len(chain) == 3_576, "it is shown as it was"

    async def test_spx_on_a_holiday(self, shared: Path, tmp_path: Path) -> None:
        """The index stands still since Friday; its options' quotes are of Labor Day's night session, which is over."""
        body = gzip.decompress((shared / "wire/samples/cboe/_SPX_derived_from_csv_2023-09-04.json.gz").read_bytes())
        chain, spoken = await self.served(SPX, body, datetime(2023, 9, 4, 18, 57, tzinfo=UTC))
        offline = self.as_a_file(tmp_path, body)
        same_rows(chain, offline)
        assert (len(chain), offline.spot) == (19_158, 4515.77)
        assert chain.spot == pytest.approx(4510.61, abs=0.01)
        assert chain.notes == (
            "The index has stood still at 4,515.77 since 16:15 New York Fri: spot 4,510.61 is implied by the options "
            "of 2023-09-05 (put-call parity).",
        )
        assert (chain.as_of, chain.previous_close) == (offline.as_of, 4515.77)
        assert spoken == "closed: market closed, as of 11:30 New York"

    async def test_spx_in_the_night_says_that_its_index_stands_still(self, shared: Path) -> None:
        """One contract of a real evening's file: too few to imply anything."""
        body = (shared / "wire/samples/cboe/SPX_excerpt_2024-11-21T015250Z.json").read_bytes()
        chain, spoken = await self.served(SPX, body, datetime(2024, 11, 21, 1, 53, tzinfo=UTC))
        assert chain.spot == 5917.1099
        assert chain.notes[0].startswith("The index has stood still at 5,917.11 since 16:15 New York, and the options'")
        assert spoken == "delayed: night session, delayed 15 min, as of 20:53 New York"

    async def test_an_old_files_time_without_a_date(self, shared: Path) -> None:
        """It was made on a Monday at 14:47 in New York, and holds Friday's trades."""
        body = (shared / "wire/samples/cboe/QQQ_excerpt_2023-05-22_time-only-timestamp.json").read_bytes()
        chain, _ = await self.served(KNOWN_TICKERS["QQQ"], body, datetime(2023, 5, 22, 18, 48, tzinfo=UTC))
        assert chain.as_of == datetime(2023, 5, 22, 18, 47, 30, tzinfo=UTC)

    async def test_three_files_of_a_morning(self, shared: Path) -> None:
        """06:19, 06:24 and 06:28 in New York: SPX options trade, the index stands still, ETFs do not move at all."""
        pulls = [
            (json.loads(gzip.decompress(path.read_bytes())), new_york(f"2026-06-04 {clock}"))
            for path, clock in (
                (shared / f"wire/samples/cboe/sequence/matrix-gex_{commit}.json.gz", clock)
                for commit, clock in (("61130814", "06:19"), ("840f1267", "06:24"), ("6c5b5bde", "06:28"))
            )
        ]
        start = pulls[0][1]
        async with rigged(SPX, SPY, market=a_market(start), start=start) as rig:
            for document, at in pulls:
                for ticker in (SPX, SPY):
                    rig.venue.recorded[symbol_of(ticker)] = body_of(document[ticker.symbol], ticker, at)
                await rig.until(at + timedelta(minutes=2, seconds=30))
            await rig.turn(330.0)
            spx, spy = rig.readings(SPX), rig.readings(SPY)
            for chain, (document, at) in zip(spx, pulls, strict=True):
                reduced = document["SPX"]["opts"]
                assert chain.as_of == at
                assert chain.total == len(reduced)
                assert np.nansum(chain.open_interest) == sum(option["oi"] for option in reduced)
                assert np.nansum(chain.iv) == pytest.approx(sum(option["iv"] for option in reduced))
                assert chain.spot == document["SPX"]["spot"] == 7553.68
                assert "has stood still at 7,553.68 since 16:15 New York Wed" in chain.notes[0]
            changed = [np.count_nonzero(one.iv != other.iv) for one, other in pairwise(spx)]
            assert changed == [15_490, 12_642]
            spots = [document["SPY"]["spot"] for document, _ in pulls]
            assert len(spy) == len(dict.fromkeys(spots)), "a file in which nothing has moved is no new chain"
            assert rig.spoken(SPX).startswith("delayed: night session, delayed 15 min, as of 06:28 New York")
            assert rig.spoken(SPY) == "closed: market closed, as of 16:15 New York Wed"


def readdress(folder: Path, url: str, rig: Rig) -> None:
    """Have what was kept of the venue at one address be that of the venue at another."""
    (kept,) = folder.iterdir()
    kept.write_text(kept.read_text().replace(url, rig.venue.rest_url))
    kept.rename(kept.with_name(rig.source._cache._path(folder, "known").name))


def a_market(now: datetime) -> RecordedMarket:
    """Something for the venue to trade; what is tested is what it recorded."""
    return RecordedMarket(SimulatedMarket(1, now, [SPY]).chain(SPY))


def body_of(reduced: Any, ticker: Ticker, at: datetime) -> bytes:
    """A collector's reduced copy of a file, in the venue's shape again.

    It lacks the root: what it holds twice is SPX and SPXW.
    """
    index = ticker.kind is Kind.INDEX
    options, seen = [], set()
    for option in reduced["opts"]:
        rest = f"{option['exp'][2:].replace('-', '')}{option['t']}{round(option['k'] * 1000):08d}"
        root = ticker.symbol if not index or rest in seen else "SPXW"
        seen.add(rest)
        row = {"option": root + rest, "iv": option["iv"], "open_interest": option["oi"], "volume": option["vol"]}
        options.append(row)
    data = {
        "symbol": f"^{ticker.symbol}" if index else ticker.symbol,
        "security_type": "index" if index else "stock",
        "current_price": reduced["spot"],
        "last_trade_time": reduced["asof"],
        "options": options,
    }
    return json.dumps({"timestamp": f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}", "data": data}).encode()


class TestPoliteness:
    async def test_a_minute_passes_between_two_requests_for_a_ticker(self) -> None:
        async with rigged(SPX, SPY) as rig:
            await rig.turn(1200.0)
            asked = rig.venue.asked
            for name in ("_SPX.json", "SPY.json"):
                pauses = [later - earlier for earlier, later in pairwise(at for at, what in asked if what == name)]
                assert 15 <= len(pauses) <= 20
                assert min(pauses) >= EVERY
                assert len({round(pause, 1) for pause in pauses}) > 10, "nobody asks in step"
            assert min(later - earlier for earlier, later in pairwise(sorted(at for at, _ in asked))) >= 2.0

    async def test_one_request_is_in_flight(self) -> None:
        async with rigged(SPX, SPY, tick=1.0) as rig:
            rig.venue.slow(20_000.0)
            unsent: list[int] = []

            def answer(asked: Asked) -> Answer:
                unsent.append(sum(wire.unsent for wire in rig.venue.network.open))
                return CboeVenue.answer(rig.venue, asked)

            with patch.object(rig.venue, "answer", answer):
                await rig.turn(200.0)
            assert len(unsent) >= 4
            assert set(unsent) == {0}

    async def test_what_has_not_changed_is_not_sent_again_and_is_a_sign_of_life(self) -> None:
        async with rigged(SPY) as rig:
            await rig.first()
            rig.venue.stall()
            await rig.turn(300.0)
            assert rig.venue.unchanged >= 3
            assert len(rig.readings(SPY)) <= 2
            assert len(rig.chains[SPY]) - len(rig.readings(SPY)) == rig.venue.unchanged
            assert rig.status().state is SourceState.DELAYED
            assert rig.status().connections[0].messages == rig.venue.calls["SPY"]

    async def test_a_refresh_is_never_sooner_than_a_minute_after(self) -> None:
        async with rigged(SPY, start=new_york("2026-11-21 12:00")) as rig:
            await rig.first()
            first = rig.venue.asked[0][0]
            await rig.turn(20.0)
            for _ in range(3):
                rig.source.refresh(SPY)
                await rig.turn(4.0)
            assert len(rig.venue.asked) == 1
            await rig.turn(40.0, lambda: len(rig.venue.asked) == 2)
            assert EVERY <= rig.venue.asked[1][0] - first <= EVERY + 4.0
            await rig.turn(300.0)
            assert len(rig.venue.asked) == 2, "on a weekend a quarter of an hour passes"
            rig.source.refresh(SPY)
            await rig.turn(4.0)
            assert len(rig.venue.asked) == 3, "where a minute has passed it is asked at once"
            rig.source.refresh(SPX)  # not carried

    @pytest.mark.parametrize(
        ("ticker", "start", "requests"),
        [
            (SPY, "2026-11-19 11:00", (24, 30)),
            (SPX, "2026-11-20 02:00", (13, 16)),
            (SPY, "2026-11-20 05:00", (5, 7)),
            (SPY, "2026-11-21 12:00", (2, 3)),
        ],
    )
    async def test_the_pace_is_the_markets(self, ticker: Ticker, start: str, requests: tuple[int, int]) -> None:
        async with rigged(ticker, start=new_york(start), tick=30.0) as rig:
            rig.step = 4.0
            await rig.turn(1800.0)
            assert requests[0] <= len(rig.venue.asked) <= requests[1]

    async def test_the_opening_is_not_slept_through(self) -> None:
        async with rigged(SPY, start=new_york("2026-11-20 09:10")) as rig:
            await rig.turn(1500.0)
            opens = rig.clock.seconds() - (rig.clock.now() - new_york("2026-11-20 09:30").timestamp())
            assert [at for at, _ in rig.venue.asked if opens <= at <= opens + 70.0]


class TestCarrying:
    async def test_tickers_come_and_go_without_disturbing_the_others(self) -> None:
        async with rigged(SPY, market=[SPX, SPY]) as rig:
            await rig.first()
            rig.source.carry([SPX, SPY])
            assert rig.source.tickers == (SPX, SPY)
            assert rig.status(SPX).state is SourceState.CONNECTING
            await rig.first(SPX)
            chains = len(rig.chains[SPY])
            rig.source.carry([SPX])
            assert (rig.status(SPY).state, rig.status(SPY).detail) == (SourceState.DISABLED, "SPY is not read here")
            await rig.turn(200.0)
            assert len(rig.chains[SPY]) == chains
            assert rig.venue.calls["SPY"] <= 2
            assert rig.venue.calls["_SPX"] >= 3

    async def test_who_comes_back_is_still_not_asked_for_within_a_minute(self) -> None:
        async with rigged(SPY) as rig:
            await rig.first()
            for _ in range(5):
                rig.source.carry([])
                await rig.turn(4.0)
                rig.source.carry([SPY])
                await rig.turn(4.0)
            assert rig.venue.calls["SPY"] == 1
            await rig.turn(40.0, lambda: rig.venue.calls["SPY"] == 2)

    async def test_without_tickers_it_idles_and_coins_are_not_its_business(self) -> None:
        coin = KNOWN_TICKERS["BTC"]
        async with rigged(SPY, started=False) as rig:
            rig.source.carry([coin])
            rig.start()
            await rig.turn(120.0)
            assert rig.venue.asked == []
            assert rig.spoken(coin) == "disabled: Cboe has no options on coins such as BTC"

    async def test_it_runs_again_after_it_was_stopped(self) -> None:
        async with rigged(SPY) as rig:
            await rig.first()
            await rig.stop()
            rig.start()
            await rig.turn(80.0, lambda: rig.venue.calls["SPY"] == 2)
            assert rig.status().state is SourceState.DELAYED


class TestEvenings:
    async def test_an_expiry_leaves_at_its_instant(self) -> None:
        """SPXW and SPY of the day stop at 16:00, while files are a quarter of an hour behind and list them on."""
        async with rigged(SPX, SPY, start=FOUR - timedelta(minutes=25)) as rig:
            await rig.first()
            await rig.until(FOUR - timedelta(seconds=4))
            before = {ticker: rig.newest(ticker) for ticker in (SPX, SPY)}
            for chain in before.values():
                assert (chain.expiries[chain.expiry] == FOUR.timestamp()).sum() > 20
            await rig.until(FOUR + timedelta(seconds=1))
            for ticker, chain in before.items():
                after = rig.newest(ticker)
                gone = int((chain.expiries[chain.expiry] <= FOUR.timestamp()).sum())
                assert after.expiries.min() > FOUR.timestamp()
                assert (len(after), after.dropped["expired"]) == (len(chain) - gone, gone)
                assert after.as_of == chain.as_of
            for _ in range(8):
                await rig.turn(60.0)
            for ticker in (SPX, SPY):
                chain = rig.newest(ticker)
                assert chain.as_of > FOUR
                board = build_board(chain)
                listed = chain.expiries[chain.expiry]
                assert board.dropped["expired"] == np.count_nonzero(listed <= chain.as_of_seconds) > 0

    async def test_on_a_half_day_it_leaves_at_one(self) -> None:
        one = new_york("2026-11-27 13:00")
        async with rigged(SPX, start=one - timedelta(minutes=4)) as rig:
            await rig.first()
            await rig.until(one - timedelta(seconds=4))
            assert one.timestamp() in rig.newest(SPX).expiries
            await rig.until(one + timedelta(seconds=1))
            assert rig.newest(SPX).expiries.min() > one.timestamp()
            assert rig.newest(SPX).dropped["expired"] > 0
            assert rig.status().state is SourceState.DELAYED
            await rig.until(one + timedelta(minutes=32))
            assert rig.spoken() == "closed: market closed, as of 13:15 New York"

    async def test_from_the_close_into_the_evening(self) -> None:
        async with rigged(SPX, SPY, start=new_york("2026-11-19 16:10"), tick=30.0) as rig:
            await rig.first()
            assert rig.spoken(SPX) == "delayed: delayed 15 min, as of 16:10 New York"
            await rig.until(new_york("2026-11-19 16:34"))
            assert rig.spoken(SPY) == "closed: market closed, as of 16:15 New York"
            assert rig.spoken(SPX).startswith("delayed: night session, delayed 15 min, as of 16:3")
            await rig.until(new_york("2026-11-19 17:20"))
            assert rig.spoken(SPX) == "closed: market closed, as of 17:00 New York"
            curb = len(rig.readings(SPX))
            await rig.until(new_york("2026-11-19 17:55"))
            assert len(rig.readings(SPX)) <= curb + 1, "nothing trades any more"
            assert rig.spoken(SPX) == "closed: market closed, as of 17:00 New York"

    async def test_from_the_evening_into_the_night(self) -> None:
        async with rigged(SPX, start=new_york("2026-11-19 20:12"), tick=30.0) as rig:
            await rig.first()
            close = rig.venue._books[SPX].price
            assert (
                rig.newest(SPX).notes[0].startswith(f"The index has stood still at {close:,.2f} since 16:15 New York")
            )
            assert rig.spoken() == "closed: market closed, as of 17:00 New York"
            await rig.until(new_york("2026-11-19 21:00"))
            assert rig.spoken().startswith("delayed: night session, delayed 15 min, as of 20:5")
            night = rig.newest(SPX)
            (note,) = night.notes
            assert note.startswith(f"The index has stood still at {close:,.2f} since 16:15 New York: spot ")
            assert note.endswith("is implied by the options of 2026-11-20 (put-call parity).")
            quoted = [chain.spot for chain in rig.venue._books[SPX].past if chain.as_of <= night.as_of]
            assert min(quoted) * 0.9999 <= night.spot <= max(quoted) * 1.0001
            assert night.spot != close == night.previous_close

    async def test_a_weekend_is_no_alarm(self) -> None:
        friday = new_york("2026-11-20 18:00")
        market = RecordedMarket(SimulatedMarket(2, friday, [SPY]).chain(SPY))
        async with rigged(SPY, market=market, start=friday, tick=60.0) as rig:
            await rig.first()
            rig.step = 60.0
            for hour in range(20):
                await rig.turn(3600.0)
                assert rig.status().state is SourceState.CLOSED, hour
            assert rig.spoken() == "closed: market closed, as of 16:15 New York Fri"
            assert len(rig.readings(SPY)) == 1, "files are made anew all weekend, and say nothing new"
            assert len(rig.chains[SPY]) == rig.venue.calls["SPY"]
            assert 70 <= rig.venue.calls["SPY"] <= 120


class TestKnowledge:
    async def test_an_unknown_ticker_is_told_so_and_seldom_asked_for_again(self) -> None:
        async with rigged(NOBODY, SPY, market=[SPY], tick=30.0) as rig:
            await rig.first(SPY)
            rig.step = 4.0
            assert rig.status(NOBODY).state is SourceState.BACKOFF
            await rig.turn(80.0)
            assert rig.spoken(NOBODY) == "disabled: Cboe does not know NOBODY, or blocks us (HTTP 403)"
            assert rig.status(NOBODY).connections[0].state == "disabled"
            asked = rig.venue.calls["NOBODY"]
            assert asked == 2
            await rig.turn(3000.0)
            assert rig.venue.calls["NOBODY"] == asked
            assert rig.venue.calls["SPY"] >= 40, "nobody else waits for it"
            await rig.turn(1100.0)
            assert rig.venue.calls["NOBODY"] == asked + 1

    async def test_nobody_waits_a_quarter_of_an_hour_for_the_first_file(self) -> None:
        async with rigged(NOBODY, market=[SPY], start=new_york("2026-11-21 12:00")) as rig:
            await rig.turn(80.0)
            assert rig.status().state is SourceState.DISABLED
            assert rig.venue.calls["NOBODY"] == 2

    async def test_who_was_known_within_the_day_is_blocked_and_not_unknown(self, tmp_path: Path) -> None:
        async with rigged(SPY, cache_dir=tmp_path) as rig:
            await rig.first()
            await rig.turn(4.0)
            url = rig.source._rest_url
        async with rigged(SPY, cache_dir=tmp_path, start=IN_SESSION + timedelta(hours=1), started=False) as rig:
            readdress(tmp_path, url, rig)
            rig.venue.ban()
            rig.start()
            await rig.turn(300.0)
            assert rig.spoken().startswith("backoff: Cboe blocks us (HTTP 403); next try in ")

    async def test_the_rate_is_asked_for_whenever_a_chain_is_made(self) -> None:
        async with rigged(SPY) as rig:
            await rig.first()
            rig.source._rate = lambda: 0.05
            await rig.turn(140.0)
            assert [chain.rate for chain in rig.readings(SPY)][:2] == [RATE, 0.05]

    @pytest.mark.parametrize("url", ["http://cdn.example", "ftp://127.0.0.1"])
    def test_an_address_that_may_not_be_asked(self, url: str) -> None:
        with pytest.raises(ValueError, match="must start with https"):
            CboeSource([SPY], rest_url=url, rate=lambda: 0.0)
