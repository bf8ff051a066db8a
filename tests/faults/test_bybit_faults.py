"""The faults of the catalogue, by their ids, and Bybit's own, against the live Bybit source over real sockets.

Seconds are those of the clock that a test turns, unless it says otherwise.
"""

import json
import random
import re
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial

import numpy as np
import pytest

from gextui.exposure.board import build_board
from gextui.exposure.change import ChangeState, Past
from gextui.market.chain import OptionChain
from gextui.market.ticker import Kind, Ticker
from gextui.simulator.bybit import BybitVenue
from gextui.simulator.deribit import DeribitVenue
from gextui.simulator.deribit_limits import UNLIMITED
from gextui.simulator.faults import MALFORMED
from gextui.simulator.http_venue import RecordedMarket
from gextui.simulator.market import SimulatedMarket
from gextui.sources import stream
from gextui.sources.bybit import STATUS_EVERY, BybitSource
from gextui.sources.bybit_rest import BANNED_SECONDS
from gextui.sources.deribit import DeribitSource
from gextui.sources.pacing import Backoff
from gextui.sources.source import SourceState
from tests.support.bybit import Rig, rigged
from tests.support.clock import FakeClock
from tests.support.rig import BTC, ETH, NOON, SOL, XRP, SourceRig
from tests.support.waiting import eventually

State = SourceState
SMALL = 50
"""Contracts: fewer than a small market lists."""


def sane(chain: OptionChain) -> None:
    """A small BTC chain holds no number that a market could not have, and none has become zero."""
    assert len(chain) > SMALL
    for column in (chain.iv, chain.open_interest, chain.volume, chain.bid, chain.ask):
        assert np.isfinite(column[~np.isnan(column)]).all()
    assert np.nansum(chain.open_interest) > 100.0
    assert (chain.iv[~np.isnan(chain.iv)] > 0).all()
    assert 50_000.0 < chain.spot < 200_000.0


async def back(rig: Rig, within: float) -> None:
    """Live again within so many seconds, subscribed to as much as before."""
    topics = {"publicTrade.BTC", *(f"tickers.{symbol}" for symbol in rig.symbols())}
    await rig.turn(within, rig.is_live)
    await rig.turn(3.0, lambda: rig.topics() == topics)
    sane(rig.newest())


class TestNetwork:
    async def test_n2_reset_mid_stream(self) -> None:
        async with rigged(small=True) as rig:
            await rig.settled()
            rig.venue.reset()
            assert await rig.turn(2.0, lambda: rig.venue.connects == 2) <= 1.25
            await back(rig, 2.0)

    async def test_n3_black_hole(self) -> None:
        async with rigged(small=True) as rig:
            await rig.settled()
            rig.venue.hole()
            await rig.turn(12.0, rig.losses)
            assert rig.losses() == {"connected, but no data": 1}
            assert not rig.is_live()
            await back(rig, 5.0)

    async def test_n5_p14_pongs_are_no_data(self) -> None:
        async with rigged(small=True) as rig:
            await rig.settled()
            pings = rig.venue.pings
            rig.venue.mute()
            await rig.turn(12.0, rig.losses)
            assert rig.losses() == {"connected, but no data": 1}
            assert rig.venue.pings > pings, "which were answered"
            rig.venue.heal()
            await back(rig, 5.0)

    async def test_n12_a_storm_of_disconnects(self) -> None:
        """Each connection is accepted, sends a message or two, and is closed."""
        async with rigged(small=True) as rig:
            await rig.settled()
            rig.venue.drop_each_after(3)
            began, before = rig.clock.seconds(), rig.venue.connects
            await rig.turn(60.0)
            assert rig.venue.connects - before <= 3 + 12
            assert len(rig.venue.network.open) <= 2
            # The whole chain is polled meanwhile, within its own limits.
            assert len([at for at, name in rig.venue.asked if at > began and name == "tickers"]) <= 20
            assert rig.status().state is State.DEGRADED
            sane(rig.newest())
            rig.venue.heal()
            await back(rig, 35.0)

    @pytest.mark.parametrize("code", [1001, 1012])
    async def test_n30_the_venue_goes_away_and_comes_back(self, code: int) -> None:
        async with rigged(small=True) as rig:
            await rig.settled()
            await rig.venue.drop(code, "restarting")
            assert await rig.turn(2.0, lambda: rig.venue.connects == 2 and rig.is_live()) <= 2.0
            assert rig.losses() == {f"closed by the venue: {code} restarting": 1}
            await back(rig, 2.0)

    async def test_n31_suspend_and_wake(self) -> None:
        async with rigged(small=True) as rig:
            await rig.settled()
            rig.clock.suspend(7200.0)
            assert not rig.is_live()
            await rig.turn(2.0, lambda: rig.venue.connects == 2)
            await back(rig, 5.0)
            assert rig.losses() == {"the machine slept": 1}

    async def test_n13_every_connection_drops_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        coins = (BTC, ETH, SOL, XRP)
        tickers = [*coins, *(Ticker(f"COIN{n}", "", Kind.COIN, "bybit") for n in range(46))]
        async with rigged(*tickers, market=coins, started=False) as rig:
            monkeypatch.setattr(stream, "Backoff", partial(Backoff, uniform=random.Random(5).uniform))
            rig.start()
            await rig.live(*coins)
            await rig.turn(2.0)
            before, lost_at = len(rig.venue.sessions), rig.clock.seconds()
            assert before >= 7
            rig.venue.reset()
            await rig.turn(5.0, lambda: all(map(rig.is_live, coins)))
            await rig.turn(8.0)
            again = rig.venue.asked_since(lost_at - 0.01, "ws")
            assert len(again) == before == len(rig.venue.sessions)
            assert len(set(again)) > before // 2, "spread by chance, within a quarter of a second"
            assert rig.venue.network.most_open <= 2 * before + 8
            assert rig.status(tickers[-1]).state is State.DISABLED


class TestProtocol:
    @pytest.mark.parametrize("kind", ["truncated", "trailing", "empty", "null", "list", "html", "nested", "utf8"])
    async def test_p4_p5_unreadable_messages(self, kind: str) -> None:
        assert kind in MALFORMED
        async with rigged(small=True) as rig:
            await rig.settled()
            rig.venue.malform(kind)
            await rig.turn(3.0)
            assert set(rig.rejected()) <= {"json", "schema", "unknown message"}
            assert rig.losses() or rig.rejected()
            await rig.turn(20.0)
            assert not rig.is_live()
            assert "cannot be read" in rig.status().connections[-1].detail
            for chain in rig.chains[BTC]:
                sane(chain)
            rig.venue.heal()
            await back(rig, 35.0)

    async def test_p14_answers_and_errors_among_the_data(self) -> None:
        async with rigged(small=True) as rig:
            await rig.settled()
            for said in (
                {"args": ["1672916271846"], "op": "pong"},
                {"success": True, "ret_msg": "pong", "conn_id": "x", "req_id": "", "op": "ping"},
                {"success": False, "ret_msg": "Invalid symbol :[x]", "conn_id": "x", "op": "subscribe"},
                {"success": True, "conn_id": "x", "data": {"failTopics": [], "successTopics": ["tickers.Y"]}},
            ):
                rig.venue.say(json.dumps(said).encode())
            await rig.turn(3.0)
            assert rig.rejected() == {}
            assert rig.is_live()
            assert rig.venue.connects == 1

    async def test_p15_a_change_before_its_snapshot(self) -> None:
        async with rigged(small=True, started=False) as rig:
            symbol = rig.symbols()[5]
            topic = f"tickers.{symbol}"
            rig.venue.mute(topic)
            rig.start()
            await rig.live()
            before = float(rig.newest().iv[5])
            for _ in range(3):
                rig.push(symbol, kind="delta", markPriceIv="3.3")
            await rig.turn(5.0, lambda: sum(topic in topics for topics in rig.venue.subscribed) == 2)
            assert rig.rejected() == {"change before its snapshot": 3}
            assert rig.status().connections[0].detail == f"no data from {topic}"
            assert rig.newest().iv[5] == pytest.approx(before, abs=0.01)
            rig.venue.heal()
            await rig.turn(2.0, lambda: rig.status().connections[0].state == "live")
            # Now a change makes sense.
            rig.venue.mute(topic)
            rig.push(symbol, at=0.05, kind="delta", markPriceIv="3.3")
            await rig.turn(1.0, lambda: rig.newest().iv[5] == 3.3)

    async def test_p15_a_gap_leaves_nothing_wrong(self) -> None:
        async with rigged(small=True) as rig:
            await rig.settled()
            topic = f"tickers.{rig.symbols()[5]}"
            rig.venue.mute(topic)
            await rig.turn(4.0)
            rig.venue.heal()
            rig.venue._sequence = 5
            await rig.turn(2.0)
            truth = rig.venue.exchange.books["BTC"].chain
            np.testing.assert_allclose(rig.newest().iv, truth.iv, rtol=1e-12)
            assert rig.rejected() == {}

    async def test_p16_twice_and_out_of_order(self) -> None:
        async with rigged(small=True) as rig:
            await rig.settled()
            rig.venue.duplicate()
            rig.venue.shuffle()
            await rig.turn(20.0)
            instants = [chain.as_of for chain in rig.chains[BTC]]
            assert instants == sorted(instants)
            assert rig.is_live()
            assert rig.rejected() == {}
            assert rig.venue.connects == 1
            rig.venue.heal()
            await rig.turn(2.0)
            truth = rig.venue.exchange.books["BTC"].chain
            assert rig.newest().spot == truth.spot
            np.testing.assert_allclose(rig.newest().iv, truth.iv, rtol=1e-12)

    async def test_p17_an_old_snapshot_after_a_reconnect(self) -> None:
        async with rigged(small=True) as rig:
            await rig.settled()
            rig.venue.replay()
            rig.venue.fail(10016, "Server error", 1000)
            replayed_at = rig.clock.now()
            await rig.turn(9.0)
            await rig.venue.drop()
            await rig.turn(5.0, lambda: rig.venue.connects == 2)
            await rig.turn(3.0)
            # The venue speaks, but of the past.
            assert rig.status().state is State.DEGRADED
            assert re.fullmatch(r"tickers 1\d s old", rig.status().detail)
            assert rig.newest().as_of_seconds <= replayed_at + 1.0
            rig.venue.heal()
            await back(rig, 15.0)

    async def test_p17_one_old_snapshot_among_new_ones(self) -> None:
        async with rigged(small=True) as rig:
            await rig.settled()
            symbol = rig.symbols()[5]
            before = rig.newest().as_of
            rig.push(symbol, at=-300.0, markPriceIv="3.3", openInterest="1")
            await rig.turn(2.0)
            assert not (rig.newest().iv == 3.3).any()
            assert rig.newest().as_of > before
            assert rig.is_live()

    async def test_p18_messages_of_no_known_sort(self) -> None:
        async with rigged(small=True) as rig:
            await rig.settled()
            for number in range(30):
                rig.venue.say(b'{"event":"brand new","number":%d}' % number)
                rig.push(rig.symbols()[5], kind="rumour", markPriceIv="3.3")
            await rig.counted("unknown message", 30)
            await rig.counted("unknown type", 30)
            await rig.turn(2.0)
            assert rig.is_live()
            assert rig.venue.connects == 1
            assert not (rig.newest().iv == 3.3).any()

    @pytest.mark.parametrize("renamed", [b"markPriceIv", b"indexPrice", b"data", b"topic"])
    async def test_p18_renamed_fields_never_become_zeros(self, renamed: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
        async with rigged(small=True) as rig:
            await rig.settled()
            true = rig.venue.damaged
            monkeypatch.setattr(rig.venue, "damaged", lambda body: true(body).replace(b'"%b"' % renamed, b'"renamed"'))
            await rig.turn(25.0)
            assert rig.rejected()
            assert not rig.is_live()
            for chain in rig.chains[BTC]:
                sane(chain)
            monkeypatch.undo()
            await rig.turn(35.0, rig.is_live)

    @pytest.mark.parametrize(
        "text",
        ['"N/A"', '"NaN"', '"1e999"', '"-1.5"', '"0"', '""', "null", "true", '{"value":"1"}', '"' + "9" * 400 + '"'],
    )
    async def test_p19_d1_d2_numbers_that_are_none(self, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
        number = re.compile(rb'(?<=[a-z4]":)"-?\d[\d.]*"')
        async with rigged(small=True) as rig:
            await rig.settled()
            true = rig.venue.damaged
            monkeypatch.setattr(rig.venue, "damaged", lambda body: number.sub(text.encode(), true(body)))
            await rig.turn(20.0)
            assert rig.rejected()
            assert not rig.is_live()
            for chain in rig.chains[BTC]:
                sane(chain)
            monkeypatch.undo()
            await back(rig, 35.0)

    async def test_p19_numbers_that_are_numbers(self, monkeypatch: pytest.MonkeyPatch) -> None:
        number = re.compile(rb'(?<=[a-z4]":)"(-?\d[\d.]*)"')
        async with rigged(small=True) as rig:
            await rig.settled()
            true = rig.venue.damaged
            monkeypatch.setattr(rig.venue, "damaged", lambda body: number.sub(rb"\1", true(body)))
            await rig.turn(12.0)
            assert rig.rejected() == {}
            assert rig.is_live()
            assert len({chain.spot for chain in rig.chains[BTC][-5:]}) == 5

    async def test_p25_a_flood_over_all_coins(self) -> None:
        """10,000 messages a second over 2,000 topics and more: the newest win, the rest is counted, nothing grows."""
        coins = (BTC, ETH, SOL, XRP)
        async with rigged(*coins) as rig:
            await rig.live(*coins)
            await rig.turn(3.0)
            topics = rig.topics()
            assert len(topics) > 2000
            before = {line: (line.stream.stats.messages, line.conflated) for coin in coins for line in rig.lines(coin)}
            chains = {coin: len(rig.chains[coin]) for coin in coins}
            rig.venue.flood(10_000.0)
            await rig.turn(1.0)
            tracemalloc.start()
            began, conflated = tracemalloc.get_traced_memory()[0], 0
            await rig.turn(2.0)
            for coin in coins:
                rig.chains[coin] = rig.chains[coin][-2:]
            grown = tracemalloc.get_traced_memory()[0] - began
            tracemalloc.stop()
            heard = sum(line.stream.stats.messages - messages for line, (messages, _) in before.items())
            conflated = sum(line.conflated - earlier for line, (_, earlier) in before.items())
            assert 28_000 < heard <= 32_000
            assert 0.5 * heard < conflated < heard
            assert grown < 20 * 2**20
            for coin in coins:
                assert rig.is_live(coin)
                assert len(rig.chains[coin]) - chains[coin] <= 4
                assert rig.clock.now() - rig.newest(coin).as_of_seconds <= 1.25
            assert rig.topics() == topics


class TestOwn:
    async def test_data_before_the_acknowledgement(self) -> None:
        async with rigged(small=True, started=False) as rig:
            rig.venue.data_first = True
            rig.start()
            await rig.settled()
            assert rig.status().connections[0].state == "live"
            assert rig.rejected() == {}
            assert rig.venue.connects == 1

    async def test_a_topic_of_a_whole_coin_is_never_asked_for(self) -> None:
        async with rigged(small=True) as rig:
            await rig.settled()
            assert "tickers.BTC" not in {topic for topics in rig.venue.subscribed for topic in topics}

    async def test_p28_maintenance(self) -> None:
        async with rigged(small=True) as rig:
            await rig.settled()
            rig.venue.maintenance(True)
            await rig.turn(STATUS_EVERY + 1.0, lambda: rig.status().detail == "venue maintenance")
            connects = rig.venue.connects
            await rig.turn(90.0)
            assert (rig.status().state, rig.status().detail) == (State.DEGRADED, "venue maintenance")
            assert rig.venue.connects == connects <= 2
            sane(rig.newest())
            rig.venue.heal()
            await back(rig, 35.0)

    async def test_maintenance_that_cuts_every_connection(self) -> None:
        async with rigged(small=True) as rig:
            await rig.settled()
            rig.venue.maintenance(True)
            await rig.turn(STATUS_EVERY + 1.0, lambda: rig.status().detail == "venue maintenance")
            await rig.venue.drop(1012, "service restart")
            await rig.turn(20.0)
            assert (rig.status().state, rig.status().detail) == (State.DEGRADED, "venue maintenance")
            rig.venue.heal()
            await back(rig, 35.0)

    async def test_a_ban_is_obeyed_for_ten_minutes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert BANNED_SECONDS == 600.0
        for module in ("bybit", "bybit_rest"):
            monkeypatch.setattr(f"gextui.sources.{module}.BANNED_SECONDS", 200.0)
        async with rigged(small=True) as rig:
            await rig.settled()
            rig.venue.ban()
            rig.source.refresh(BTC)
            await eventually(lambda: "HTTP 403" in rig.status().connections[-1].detail, "the ban")
            asked = len(rig.venue.asked)
            await rig.turn(60.0)
            await rig.venue.drop()
            await rig.turn(60.0)
            assert len(rig.venue.asked) == asked, "no call, and no new connection"
            assert not rig.is_live()
            rig.venue.heal()
            await rig.turn(90.0, lambda: len(rig.venue.asked) > asked)
            assert rig.clock.seconds() - 1000.0 >= 200.0
            await back(rig, 15.0)

    async def test_too_many_visits(self) -> None:
        async with rigged(small=True) as rig:
            await rig.settled()
            rig.venue.fail(10006, "Too many visits!")
            asked = len(rig.venue.asked)
            rig.source.refresh(BTC)
            await eventually(lambda: "limits us" in rig.status().connections[-1].detail, "the limit")
            assert rig.status().connections[-1].detail == "Bybit limits us: Too many visits! (10006)"
            limited_at = rig.venue.asked[asked][0]
            await rig.turn(12.0, lambda: len(rig.venue.asked) > asked + 1)
            assert 6.75 <= rig.venue.asked[asked + 1][0] - limited_at <= 8.0, "as the venue says in a header"
            assert rig.is_live()

    async def test_a_region_that_is_not_served(self) -> None:
        async with rigged(small=True, started=False) as rig:
            rig.venue.fail(10009, "The region is restricted", 1000)
            rig.start()
            await rig.turn(3.0)
            words = "Bybit does not serve this region: The region is restricted (10009)"
            assert rig.status().state is State.BACKOFF
            assert rig.status().detail == words
            asked = len(rig.venue.asked)
            await rig.turn(60.0)
            assert len(rig.venue.asked) == asked

    async def test_a_server_error_leaves_the_streams_alone(self) -> None:
        async with rigged(small=True) as rig:
            await rig.settled()
            rig.venue.fail(10016, "Server error", 1000)
            await rig.turn(25.0)
            assert rig.is_live()
            assert rig.status().connections[-1].detail == "Bybit answered Server error (10016)"
            await rig.turn(20.0)
            assert rig.status().state is State.DEGRADED
            assert re.fullmatch(r"not polled for \d\d s: Bybit answered Server error .*", rig.status().detail)
            sane(rig.newest())

    async def test_errors_of_the_venue_are_drawn_as_plain_text(self) -> None:
        """P27."""
        async with rigged(small=True) as rig:
            await rig.settled()
            rig.venue.fail(10016, "[red]\x1b]52;c;AAAA\x07" + "x" * 10_000)
            rig.source.refresh(BTC)
            await eventually(lambda: bool(rig.status().connections[-1].detail), "the error")
            assert "\x1b" not in rig.status().connections[-1].detail
            assert len(rig.status().connections[-1].detail) <= 256

    async def test_whole_requests_that_fail(self) -> None:
        async with rigged(small=True, started=False) as rig:
            rig.venue._limits = replace(rig.venue._limits, args=SMALL)
            rig.start()
            await rig.turn(5.0)
            connection = rig.status().connections[0]
            assert connection.state == "degraded"
            assert connection.detail.startswith("not subscribed: publicTrade.BTC, tickers.BTC-")
            assert rig.venue.connects == 1
            assert rig.status().state is not State.LIVE
            assert rig.chains[BTC], "polls go on"


# Two venues.


@asynccontextmanager
async def both_venues(*chains: OptionChain, bybit: tuple[OptionChain, ...] = ()) -> AsyncIterator[dict[str, SourceRig]]:
    """The same market at Deribit and at Bybit (or another one there), each read by its source."""
    clock = FakeClock(now=NOON.timestamp())
    tickers = [chain.ticker for chain in chains]
    async with (
        DeribitVenue(RecordedMarket(*chains), clock=clock, limits=UNLIMITED) as deribit,
        BybitVenue(RecordedMarket(*(bybit or chains)), clock=clock) as other,
    ):
        rigs = {
            "deribit": SourceRig(
                DeribitSource(tickers, rest_url=deribit.rest_url, ws_url=deribit.ws_url, clock=clock), clock
            ),
            "bybit": SourceRig(BybitSource(tickers, rest_url=other.rest_url, ws_url=other.ws_url, clock=clock), clock),
        }
        for rig in rigs.values():
            rig.start()
        try:
            for rig in rigs.values():
                await rig.live(*tickers)
                await rig.turn(2.0)
            yield rigs
        finally:
            for rig in rigs.values():
                await rig.stop()


def chain_of(ticker: Ticker) -> OptionChain:
    return SimulatedMarket(5, NOON, [ticker]).chain(ticker)


@pytest.mark.parametrize("ticker", [BTC, SOL])
async def test_d16_venues_with_other_units_give_the_same_exposure(ticker: Ticker) -> None:
    """Inverse BTC quoted in coins, linear SOL in contracts of ten coins, and Bybit's of one coin quoted in USD."""
    async with both_venues(chain_of(ticker)) as rigs:
        newest = {name: rig.newest(ticker) for name, rig in rigs.items()}
    there, here = newest["deribit"], newest["bybit"]
    assert (there.source, here.source) == ("deribit", "bybit")
    assert there.open_interest.tolist() == here.open_interest.tolist()
    boards = {name: build_board(chain, None) for name, chain in newest.items()}
    gex = {name: board.totals.net_gex for name, board in boards.items()}
    assert gex["bybit"] == pytest.approx(gex["deribit"], rel=5e-4)
    mids = {name: 0.5 * (chain.bid + chain.ask) for name, chain in newest.items()}
    near = np.abs(there.strike / there.spot - 1.0) < 0.05
    both = near & np.isfinite(mids["deribit"]) & np.isfinite(mids["bybit"])
    assert both.sum() > 20
    np.testing.assert_allclose(mids["bybit"][both], mids["deribit"][both], atol=0.0012 * there.spot)


async def test_p26_two_venues_disagree_and_are_told_apart() -> None:
    """Each chain and status names its venue, and no change is computed from one to the other."""
    chain = chain_of(BTC)
    dearer = replace(chain, spot=chain.spot * 1.05, forwards=chain.forwards * 1.05)
    async with both_venues(chain, bybit=(dearer,)) as rigs:
        there, here = (rigs[name].newest() for name in ("deribit", "bybit"))
        assert [rig.status().name for rig in rigs.values()] == ["deribit", "bybit"]
    assert (there.source, here.source) == ("deribit", "bybit")
    assert here.spot / there.spot == pytest.approx(1.05, rel=1e-6)
    past = Past(windows={5: replace(there, as_of=here.as_of - timedelta(minutes=5))})
    board = build_board(here, past)
    [change] = [change for change in board.changes if change.minutes == 5]
    assert change.state is ChangeState.SOURCE
    assert len(change.strikes) == len(change.flow) == 0
