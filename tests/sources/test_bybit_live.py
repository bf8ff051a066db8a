"""The live Bybit source against a simulated Bybit: its chains are the venue's market, its requests few."""

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gextui.choice import stale_after
from gextui.market.chain import OptionChain
from gextui.market.ticker import Kind, Ticker
from gextui.simulator.bybit import PUBLISHED
from gextui.simulator.bybit_exchange import Query
from gextui.simulator.bybit_rows import Row, display_name
from gextui.sources.bybit import POLL_EVERY, RELIST_EVERY, BybitSource
from gextui.sources.bybit_lines import FIRST_DATA
from gextui.sources.bybit_session import CHARACTERS_A_CONNECTION, TOPICS_A_CONNECTION, TOPICS_A_REQUEST
from gextui.sources.instruments import InstrumentCache
from gextui.sources.source import Refreshable, SourceState
from tests.support.bybit import Rig, rigged
from tests.support.rig import BTC, ETH, SOL, XRP, files_in, still_market
from tests.support.waiting import eventually

DOGE = Ticker("DOGE", "Dogecoin", Kind.COIN, "bybit")
SETTLED_AT_EIGHT = datetime(2026, 11, 21, 7, 59, 50, tzinfo=UTC)
TICKERS, INSTRUMENTS = "v5/market/tickers", "v5/market/instruments-info"


def assert_is_market(chain: OptionChain, truth: OptionChain, tick: float) -> None:
    assert (chain.source, chain.rate, chain.roots) == ("bybit", 0.0, (f"{chain.ticker.symbol}-USDT",))
    assert chain.total == len(chain) == len(truth)
    assert dict(chain.dropped) == {}
    for column in ("expiries", "strike", "is_call", "open_interest", "volume"):
        np.testing.assert_array_equal(getattr(chain, column), getattr(truth, column), err_msg=column)
    np.testing.assert_allclose(chain.iv, truth.iv, rtol=1e-12)
    np.testing.assert_allclose(chain.forwards, truth.forwards, atol=1e-8)
    assert chain.spot == truth.spot
    assert set(chain.multiplier) == {1.0}
    bid, ask = np.floor(truth.bid / tick + 1e-9) * tick, np.ceil(truth.ask / tick - 1e-9) * tick
    np.testing.assert_allclose(chain.bid, np.where(bid > 0, bid, np.nan), atol=1e-8)
    np.testing.assert_allclose(chain.ask, np.where(ask > 0, ask, np.nan), atol=1e-8)


class TestChains:
    @pytest.mark.parametrize(("ticker", "tick"), [(BTC, 5.0), (ETH, 0.1), (SOL, 0.01), (XRP, 0.0001)])
    async def test_are_the_venues_market(self, ticker: Ticker, tick: float) -> None:
        market = still_market(ticker)
        async with rigged(ticker, market=market) as rig:
            await rig.live(ticker)
            await rig.turn(3.0)
            assert_is_market(rig.newest(ticker), market.chain(ticker), tick)
            assert rig.newest(ticker).simulated
            assert rig.newest(ticker).notes == ()

    async def test_are_of_the_streams_alone_where_polls_end(self) -> None:
        market = still_market(BTC)
        async with rigged(market=market) as rig:
            await rig.live()
            book = rig.source._coins[BTC].book
            for column in book._columns.values():
                column[:] = np.nan
            book._columns["quoted_at"][:] = book._columns["iv_at"][:] = -np.inf
            rig.venue.fail(10016, "Server error", 1000)
            await rig.turn(3.0)
            assert_is_market(rig.newest(), market.chain(BTC), 5.0)

    async def test_follow_the_market_every_second(self) -> None:
        seen: dict[float, OptionChain] = {}
        async with rigged() as rig:

            def look() -> bool:
                book = rig.venue.exchange.books["BTC"]
                seen[book.timestamp / 1000] = book.chain
                return False

            await rig.live()
            with pytest.raises(AssertionError):
                await rig.turn(8.0, look)
            known = [chain for chain in rig.chains[BTC] if chain.as_of_seconds in seen]
        assert len(known) >= 7
        for chain in known:
            truth = seen[chain.as_of_seconds]
            assert chain.spot == truth.spot
            np.testing.assert_allclose(chain.iv, truth.iv, rtol=1e-12)
            np.testing.assert_allclose(chain.forwards, truth.forwards, atol=1e-8)
            np.testing.assert_array_equal(chain.open_interest, truth.open_interest)
        assert len({chain.spot for chain in known}) >= 7

    async def test_come_at_most_once_an_interval_and_only_when_something_changed(self) -> None:
        async with rigged(small=True) as rig:
            await rig.live()
            before = len(rig.chains[BTC])
            await rig.turn(20.0)
            assert 18 <= len(rig.chains[BTC]) - before <= 20
            instants = [chain.as_of for chain in rig.chains[BTC]]
            assert instants == sorted(instants)
            rig.venue.mute()
            await rig.turn(1.5)
            before = len(rig.chains[BTC])
            await rig.turn(5.0)
            # The whole chain may still come once.
            assert len(rig.chains[BTC]) - before <= 1

    async def test_carry_what_the_coin_cost_a_day_ago(self) -> None:
        async with rigged(small=True) as rig:
            await rig.live()
            await rig.turn(3.0)
            row = rig.venue.exchange._perpetual("BTCUSDT")
            assert rig.newest().previous_close == pytest.approx(float(row["prevPrice24h"]), rel=5e-3)
            assert rig.newest().previous_close != rig.newest().spot

    async def test_take_the_days_volume_from_trades_where_tickers_lack_it(self) -> None:
        async with rigged(started=False) as rig:
            rig.venue.exchange.lacking = {"volume24h"}
            rig.start()
            await rig.live()
            first = rig.newest()
            assert np.isnan(first.volume).all(), "missing is not zero"
            before = rig.venue.exchange.books["BTC"]
            await rig.turn(45.0)
            after, chain = rig.venue.exchange.books["BTC"], rig.newest()
            traded = np.round(after.volume - before.volume, 4)
            assert (traded > 0).sum() > 3
            np.testing.assert_allclose(chain.volume, np.where(traded > 0, traded, np.nan))
            (note,) = chain.notes
            assert note == "Where Bybit tells no volume it is of the trades since 12:00 UTC."


class TestPlan:
    async def test_keeps_within_what_is_published(self) -> None:
        async with rigged(BTC, ETH, SOL, XRP) as rig:
            await rig.live(BTC, ETH, SOL, XRP)
            await rig.turn(5.0)
            listed = {f"tickers.{symbol}" for ticker in (BTC, ETH, SOL, XRP) for symbol in rig.symbols(ticker)}
            assert len(listed) > 2000
            trades = {f"publicTrade.{ticker.symbol}" for ticker in (BTC, ETH, SOL, XRP)}
            assert rig.topics() == listed | trades
            assert max(map(len, rig.venue.subscribed)) <= TOPICS_A_REQUEST
            for session in rig.venue.sessions:
                assert len(session.topics) <= TOPICS_A_CONNECTION
                assert sum(map(len, session.topics)) <= CHARACTERS_A_CONNECTION
            needed = sum(-(-(len(rig.symbols(ticker)) + 1) // TOPICS_A_CONNECTION) for ticker in (BTC, ETH, SOL, XRP))
            assert len(rig.venue.sessions) == needed == rig.venue.connects
            # No topic is carried twice.
            assert sum(len(session.topics) for session in rig.venue.sessions) == len(listed | trades)

    async def test_pings_in_json_as_often_as_it_must(self) -> None:
        async with rigged(small=True) as rig:
            await rig.settled()
            connects, pings = rig.venue.connects, rig.venue.pings
            assert pings == connects == 1
            await rig.turn(120.0)
            assert rig.venue.connects == 1
            assert rig.venue.pings - pings == 6

    async def test_pages_are_followed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("gextui.sources.bybit_rest._PAGE", 100)
        async with rigged() as rig:
            await rig.live()
            await rig.turn(3.0)
            pages = -(-len(rig.symbols()) // 100)
            assert rig.venue.calls[INSTRUMENTS] == pages > 5
            assert sorted(rig.source._coins[BTC].book.symbols()) == sorted(rig.symbols())

    async def test_polls_and_listings_are_spread_and_few(self) -> None:
        async with rigged(BTC, SOL, small=True) as rig:
            await rig.live(BTC, SOL)
            await rig.turn(5.0)
            before = rig.venue.calls.copy()
            await rig.turn(60.0)
            calls = rig.venue.calls - before
            assert calls[TICKERS] == 12
            assert calls[INSTRUMENTS] == 0
            assert calls["v5/system/status"] == 4

    async def test_refresh_asks_at_once(self) -> None:
        async with rigged(small=True) as rig:
            await rig.settled()
            assert isinstance(rig.source, Refreshable)
            calls = rig.venue.calls[TICKERS]
            rig.source.refresh(BTC)
            await rig.turn(0.5, lambda: rig.venue.calls[TICKERS] == calls + 1)

    async def test_instruments_are_kept_for_a_day(self, tmp_path: Path) -> None:
        async with rigged(small=True, cache_dir=tmp_path) as rig:
            await rig.settled()
            [kept] = files_in(tmp_path)
            assert kept.stat().st_mode & 0o077 == 0
            rig.venue.fail(10016, "Server error", 1000)
            again = BybitSource(
                [BTC], rest_url=rig.venue.rest_url, ws_url=rig.venue.ws_url, clock=rig.clock, cache_dir=tmp_path
            )
            second = Rig(again, rig.clock, rig.venue)
            second.start()
            # What was kept is enough to subscribe, and what is subscribed enough for a chain.
            await second.turn(10.0, lambda: second.chains[BTC])
            await second.turn(3.0)
            assert len(second.newest()) == len(rig.newest())
            await second.stop()

    async def test_a_part_of_the_book_is_no_chain(self, tmp_path: Path) -> None:
        """What was kept lists every contract, pushes come of a few of them, and the whole chain is late."""
        async with rigged(cache_dir=tmp_path, started=False) as rig:
            symbols = rig.symbols()
            await InstrumentCache(tmp_path, f"bybit {rig.venue.rest_url}").write("BTC", symbols, rig.clock.now())
            for symbol in symbols[::5]:
                rig.venue.mute(f"tickers.{symbol}")
            rig.venue.lag(4.0)
            rig.start()
            await rig.turn(3.5, lambda: len(rig.topics()) == len(symbols) + 1)
            assert rig.chains[BTC] == []
            assert rig.status().state is SourceState.CONNECTING
            await rig.turn(5.0, lambda: rig.chains[BTC])
            for chain in rig.chains[BTC]:
                assert len(chain) == len(symbols)
                assert not np.isnan(chain.open_interest).any()

    async def test_a_part_of_the_book_is_no_chain_where_polls_fail(self, tmp_path: Path) -> None:
        async with rigged(cache_dir=tmp_path, started=False) as rig:
            symbols = rig.symbols()
            await InstrumentCache(tmp_path, f"bybit {rig.venue.rest_url}").write("BTC", symbols, rig.clock.now())
            for symbol in symbols[::5]:
                rig.venue.mute(f"tickers.{symbol}")
            rig.venue.fail(10016, "Server error", 1000)
            rig.start()
            await rig.turn(15.0)
            assert rig.chains[BTC] == []
            assert rig.status().state is SourceState.BACKOFF
            rig.venue.muted.clear()
            # The streams tell of all that is listed: that is a chain, whose listing nobody has confirmed.
            await rig.turn(5.0, lambda: rig.chains[BTC])
            assert not np.isnan(rig.newest().open_interest).any()
            assert rig.status().state is SourceState.DEGRADED
            assert rig.status().detail.startswith("not polled yet: ")

    async def test_nearly_all_of_the_book_is_a_chain_where_no_more_comes(self, tmp_path: Path) -> None:
        async with rigged(cache_dir=tmp_path, started=False) as rig:
            symbols = rig.symbols()
            await InstrumentCache(tmp_path, f"bybit {rig.venue.rest_url}").write("BTC", symbols, rig.clock.now())
            for symbol in symbols[:3]:
                rig.venue.mute(f"tickers.{symbol}")
            rig.venue.fail(10016, "Server error", 1000)
            rig.start()
            assert await rig.turn(8.0, lambda: rig.chains[BTC]) >= 2.0
            assert np.count_nonzero(np.isnan(rig.newest().open_interest)) == 3

    async def test_trades_are_subscribed_to_once_a_coin(self) -> None:
        async with rigged(small=True) as rig:
            await rig.settled()
            asked = [topic for topics in rig.venue.subscribed for topic in topics if topic.startswith("publicTrade")]
            assert asked == ["publicTrade.BTC"]


class TestListing:
    async def test_eight_o_clock_passes_without_a_restart_or_a_zero(self) -> None:
        async with rigged(start=SETTLED_AT_EIGHT) as rig:
            await rig.live()
            eight = datetime(2026, 11, 21, 8, tzinfo=UTC)
            before = rig.newest()
            assert before.expiries[0] == eight.timestamp()
            gone = "tickers.BTC-21NOV26-"
            assert any(topic.startswith(gone) for topic in rig.topics())
            await rig.turn(60.0, lambda: rig.newest().expiries[0] != eight.timestamp())
            assert rig.clock.now() - eight.timestamp() <= 1.25
            await rig.turn(10.0, lambda: not any(topic.startswith(gone) for topic in rig.topics()))
            new = rig.venue.exchange.books["BTC"].chain.expiries
            await rig.turn(60.0, lambda: set(rig.newest().expiries) == set(new))
            assert rig.clock.now() - eight.timestamp() <= 60.0
            await rig.turn(5.0, lambda: rig.topics() == {"publicTrade.BTC", *(f"tickers.{s}" for s in rig.symbols())})
            assert rig.venue.connects == 2
            assert rig.is_live()
            for chain in rig.chains[BTC]:
                assert len(chain) > 500
                assert np.nansum(chain.open_interest) > 100_000.0
                assert (chain.expiries > chain.as_of_seconds - 1.25).all()

    async def test_a_new_strike_appears_with_the_next_poll_and_moves_no_topic(self) -> None:
        async with rigged() as rig:
            await rig.settled()
            held = len(rig.newest())
            places = {topic: number for number, line in enumerate(rig.lines()) for topic in line.topics}
            rig.venue.list_new("BTC")
            passed = await rig.turn(60.0, lambda: len(rig.newest()) == held + 2)
            assert passed <= POLL_EVERY + 2.0
            await rig.turn(3.0)
            assert rig.topics() == {"publicTrade.BTC", *(f"tickers.{symbol}" for symbol in rig.symbols())}
            now = {topic: number for number, line in enumerate(rig.lines()) for topic in line.topics}
            assert all(now[topic] == number for topic, number in places.items())
            assert rig.venue.connects == 2

    async def test_an_expiry_before_its_time_leaves_with_the_next_poll(self) -> None:
        async with rigged(small=True) as rig:
            await rig.settled()
            front = rig.newest().expiries[0]
            rig.venue.expire_next("BTC")
            await rig.turn(2 * POLL_EVERY, lambda: front not in rig.newest().expiries)
            await rig.turn(3.0)
            assert rig.topics() == {"publicTrade.BTC", *(f"tickers.{symbol}" for symbol in rig.symbols())}
            assert rig.is_live()

    async def test_instruments_are_read_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert RELIST_EVERY == 600.0
        monkeypatch.setattr("gextui.sources.bybit.RELIST_EVERY", 30.0)
        async with rigged(small=True) as rig:
            await rig.settled()
            assert rig.venue.calls[INSTRUMENTS] == 1
            await rig.turn(40.0, lambda: rig.venue.calls[INSTRUMENTS] == 2)

    async def test_what_does_not_trade_yet_is_looked_up_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async with rigged(small=True, started=False) as rig:
            early, true = rig.symbols()[3], rig.venue.exchange._listed

            def listed(coin: str) -> Iterator[dict[str, Any]]:
                yield from (row | ({"status": "PreLaunch"} if row["symbol"] == early else {}) for row in true(coin))

            monkeypatch.setattr(rig.venue.exchange, "_listed", listed)
            rig.start()
            await rig.settled()
            held = len(rig.symbols()) - 1
            assert rig.venue.calls[INSTRUMENTS] == 1
            told = len(rig.chains[BTC])
            await rig.turn(4 * POLL_EVERY)
            assert rig.venue.calls[INSTRUMENTS] == 1
            assert {len(chain) for chain in rig.chains[BTC][told:]} == {held}
            assert f"tickers.{early}" not in rig.topics()
            # Another listing is looked up, and has it once it trades.
            monkeypatch.undo()
            rig.venue.list_new("BTC")
            await rig.turn(2 * POLL_EVERY, lambda: len(rig.newest()) == held + 3)
            assert rig.venue.calls[INSTRUMENTS] == 2

    async def test_what_is_listed_and_never_told_of_is_looked_up_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async with rigged(small=True, started=False) as rig:
            exchange, gone = rig.venue.exchange, rig.symbols()[3]
            tickers = exchange.methods["v5/market/tickers"]

            def without(query: Query) -> Row:
                answer = tickers(query)
                return answer | {"list": [row for row in answer["list"] if row["symbol"] != gone]}

            monkeypatch.setitem(exchange.methods, "v5/market/tickers", without)
            rig.start()
            await rig.settled()
            await rig.turn(4 * POLL_EVERY)
            assert rig.venue.calls[INSTRUMENTS] <= 2

    async def test_symbols_that_were_kept_under_other_names_count_for_nothing(self, tmp_path: Path) -> None:
        async with rigged(small=True, cache_dir=tmp_path, started=False) as rig:
            symbols = rig.symbols()
            kept = InstrumentCache(tmp_path, f"bybit {rig.venue.rest_url}")
            await kept.write("BTC", [symbol.removesuffix("-USDT") for symbol in symbols], rig.clock.now())
            rig.start()
            await rig.settled()
            for chain in rig.chains[BTC]:
                assert chain.total == len(symbols)
                assert not np.isnan(chain.open_interest).any()

    async def test_a_coin_that_is_not_listed_is_told_so(self) -> None:
        async with rigged(DOGE, BTC, market=(BTC,)) as rig:
            await rig.live(BTC)
            await rig.turn(5.0)
            status = rig.status(DOGE)
            assert (status.state, status.detail) == (SourceState.DISABLED, "Bybit lists no options on DOGE")
            assert rig.status(BTC).state is SourceState.LIVE
            assert rig.chains[DOGE] == []
            assert len(rig.venue.sessions) == 2


class TestSilentTopics:
    async def test_one_is_asked_for_again_named_and_left(self) -> None:
        """N6."""
        async with rigged(small=True, started=False) as rig:
            symbol = rig.symbols()[7]
            topic = f"tickers.{symbol}"
            rig.venue.mute(topic)
            rig.start()
            await rig.live()
            await rig.turn(FIRST_DATA + 3.0, lambda: rig.status().connections[0].detail)
            assert rig.status().connections[0].detail == f"no data yet from {symbol}"
            assert rig.is_live()
            await rig.turn(2.0)
            assert [topics for topics in rig.venue.subscribed if topic in topics][1:] == [(topic,)]
            # Once is enough: the rest of the chain, and its state, are as they were, and polls tell of the contract.
            await rig.turn(40.0)
            assert sum(topic in topics for topics in rig.venue.subscribed) == 2
            assert rig.is_live()
            assert rig.venue.connects == 1
            assert not np.isnan(rig.newest().iv).any()
            rig.venue.heal()
            await rig.turn(2.0)
            assert rig.status().connections[0].detail == ""

    async def test_the_wrong_form_of_symbols_is_tried_in_the_right_one(self) -> None:
        async with rigged(small=True, started=False) as rig:
            rig.venue.exchange.names_as_displayed = True
            rig.start()
            await rig.turn(6.0)
            wrong = f"tickers.{display_name(rig.symbols()[0])}"
            assert wrong in rig.topics()
            await rig.turn(FIRST_DATA + 20.0, rig.is_live)
            await rig.turn(12.0)
            assert rig.topics() == {"publicTrade.BTC", *(f"tickers.{symbol}" for symbol in rig.symbols())}
            assert rig.newest().roots == ("BTC-USDT",)
            assert len(rig.newest()) == len(rig.symbols())
            # It stays so over another listing and another connection.
            await rig.venue.drop()
            await rig.turn(15.0, rig.is_live)
            await rig.turn(3.0)
            assert wrong not in rig.topics()

    async def test_many_of_them_degrade_the_chain(self) -> None:
        async with rigged(started=False) as rig:
            few = [f"tickers.{symbol}" for symbol in rig.symbols()[:60]]
            for topic in few:
                rig.venue.mute(topic)
            rig.start()
            await rig.turn(20.0)
            total = len(rig.symbols()) + 1
            assert (rig.status().state, rig.status().detail) == (
                SourceState.DEGRADED,
                f"no data from 60 of {total} contracts",
            )
            assert " and 57 more" in rig.status().connections[0].detail

    async def test_a_refused_topic_is_named_and_asked_for_again(self) -> None:
        async with rigged(started=False) as rig:
            topic = f"tickers.{rig.symbols()[3]}"
            rig.venue.refuse(topic)
            rig.start()
            await rig.live()
            await rig.turn(3.0)
            connection = rig.status().connections[0]
            assert (connection.state, connection.detail) == ("degraded", f"not subscribed: {topic}")
            assert connection.subscribed == (499, 500)
            assert rig.is_live()
            rig.venue.heal()
            await rig.turn(12.0, lambda: topic in rig.topics())
            assert rig.status().connections[0].state == "live"


class TestStatus:
    async def test_is_connecting_until_tickers_come(self) -> None:
        async with rigged(small=True, started=False) as rig:
            assert rig.status().state is SourceState.CONNECTING
            rig.venue.mute()
            rig.start()
            await rig.turn(8.0)
            assert rig.chains[BTC], "the whole chain was polled"
            assert rig.status().state is SourceState.CONNECTING
            await rig.turn(4.0, lambda: rig.status().state is SourceState.DEGRADED)

    async def test_tells_of_each_connection(self) -> None:
        async with rigged(BTC, SOL) as rig:
            await rig.live(BTC, SOL)
            await rig.turn(20.0)
            first, second, polls = rig.status(BTC).connections
            assert (first.name, second.name, polls.name) == ("BTC stream 1", "BTC stream 2", "BTC polls")
            assert (first.state, first.subscribed, first.reconnects) == ("live", (500, 500), 0)
            assert second.subscribed == (len(rig.symbols()) - 499,) * 2
            assert first.last_message_age is not None
            assert first.last_message_age <= 1.0
            assert polls.messages in (3, 4)
            assert [each.name for each in rig.status(SOL).connections][-1] == "SOL polls"

    async def test_conflated_messages_are_counted(self) -> None:
        async with rigged() as rig:
            await rig.settled()
            before = rig.status().connections[0]
            rig.venue.flood(5000.0)
            await rig.turn(4.0)
            after = rig.status().connections[0]
            messages, conflated = after.messages - before.messages, after.conflated - before.conflated
            # 500 topics of 841 carry six tenths of it; of each topic one message a second was made part of a chain.
            assert 11_000 < messages < 12_500
            assert messages - 5 * 500 <= conflated <= messages - 3 * 500
            assert rig.is_live()

    async def test_is_read_from_another_thread_while_frames_arrive(self) -> None:
        states: Counter[SourceState] = Counter()
        stop = threading.Event()
        failures: list[BaseException] = []
        async with rigged(small=True) as rig:
            rig.venue.refuse(f"tickers.{rig.symbols()[0]}")

            def read() -> None:
                try:
                    while not stop.is_set():
                        states[rig.source.status(BTC).state] += 1
                except RuntimeError as error:
                    failures.append(error)

            reader = threading.Thread(target=read)
            reader.start()
            try:
                await rig.turn(6.0)
                rig.venue.list_new()
                await rig.turn(12.0)
            finally:
                stop.set()
                await asyncio.to_thread(reader.join)
        assert failures == []
        assert states.total() > 100

    async def test_polls_alone_are_not_live(self) -> None:
        async with rigged(small=True) as rig:
            await rig.settled()
            rig.venue.ws_path = "/elsewhere"
            await rig.venue.drop()
            await rig.turn(30.0)
            status = rig.status()
            assert status.state is SourceState.DEGRADED
            assert status.detail.startswith(
                "no stream, read every 10 s: 127.0.0.1 answered the handshake with HTTP 404"
            )
            assert status.interval == POLL_EVERY
            before = len(rig.chains[BTC])
            await rig.turn(30.0)
            assert 2 <= len(rig.chains[BTC]) - before <= 4

    async def test_says_that_the_price_is_missing(self) -> None:
        async with rigged(small=True, started=False) as rig:
            rig.venue.exchange.lacking = {"indexPrice"}
            rig.start()
            await rig.turn(15.0)
            assert rig.chains[BTC] == []
            status = rig.status()
            assert (status.state, status.detail) == (SourceState.DEGRADED, "Bybit's tickers give no price of BTC")
            rig.venue.heal()
            await rig.live()

    async def test_is_live_where_every_push_is_newer_than_the_poll(self) -> None:
        async with rigged(small=True, started=False) as rig:
            await rig.turn(0.75)
            # Between what a poll tells and its arrival the market has moved once, and every topic has spoken.
            rig.venue.lag(1.5)
            rig.start()
            await rig.live()
            book, told = rig.source._coins[BTC].book, rig.venue.calls[TICKERS]
            first = book.summed_at
            await rig.turn(2 * POLL_EVERY)
            assert rig.venue.calls[TICKERS] > told
            assert rig.is_live()
            assert rig.clock.now() - book.summed_at <= POLL_EVERY + 3.0
            assert book.summed_at > first

    async def test_is_soon_stale_where_neither_streams_nor_polls_come(self) -> None:
        async with rigged(small=True) as rig:
            await rig.settled()
            rig.venue.answer_with(500)
            rig.venue.reset()
            lost_at = rig.clock.seconds()

            def is_stale() -> bool:
                return rig.clock.now() - rig.newest().as_of_seconds > stale_after(rig.status().interval)

            await rig.turn(16.0, is_stale)
            assert rig.clock.seconds() - lost_at >= 8.0
            assert rig.status().interval < POLL_EVERY

    def test_an_address_in_plain_text_is_refused(self) -> None:
        with pytest.raises(ValueError, match="must start with"):
            BybitSource([BTC], rest_url="https://example.com", ws_url="ws://example.com")

    async def test_the_test_network_is_not_taken_for_the_market(self) -> None:
        async with rigged(small=True) as rig:
            rig.source._testnet, rig.source._loopback = True, False
            await rig.live()
            assert not rig.newest().simulated
            assert rig.newest().notes == ("This is Bybit's test network, not the market.",)


async def test_it_can_run_again() -> None:
    async with rigged(small=True) as rig:
        await rig.settled()
        await rig.stop()
        rig.running = None
        rig.chains.clear()
        await eventually(lambda: not rig.venue.sessions, "the end of the connections")
        rig.start()
        await rig.turn(10.0, lambda: rig.is_live() and rig.chains[BTC])
        assert len(rig.venue.sessions) == 1


async def test_a_chain_is_whole_and_immutable() -> None:
    async with rigged(limits=replace(PUBLISHED, visits=None)) as rig:
        await rig.settled()
        assert rig.chains[BTC][0] is not rig.newest()
        assert not rig.chains[BTC][0].iv.flags.writeable
