"""The live Deribit source against a simulated Deribit: its chains are the venue's market, and its calls are few."""

import asyncio
import threading
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from gextui.choice import stale_after
from gextui.market.chain import OptionChain
from gextui.market.ticker import Kind, Ticker
from gextui.simulator.deribit_limits import PUBLISHED
from gextui.sources import deribit_currency
from gextui.sources.deribit import DeribitSource
from gextui.sources.deribit_currency import POLL_EVERY, coins_of, listed_coins
from gextui.sources.instruments import InstrumentCache
from gextui.sources.source import Refreshable, SourceState
from tests.support.deribit import Rig, rigged
from tests.support.rig import BTC, ETH, NOON, SOL, XRP, files_in, still_market

DOGE = Ticker("DOGE", "Dogecoin", Kind.COIN, "deribit")
SETTLED_AT_EIGHT = datetime(2026, 11, 21, 7, 59, 50, tzinfo=UTC)


class TestChains:
    @pytest.mark.parametrize("ticker", [BTC, ETH, SOL, XRP], ids=lambda ticker: ticker.symbol)
    async def test_are_the_venues_market(self, ticker: Ticker) -> None:
        market = still_market(ticker)
        async with rigged(ticker, market=market) as rig:
            await rig.live(ticker)
            await rig.turn(3.0)
            chain, truth = rig.newest(ticker), market.chain(ticker)
        assert (chain.ticker, chain.source, chain.rate) == (ticker, "deribit", 0.0)
        assert chain.roots == truth.roots
        assert chain.total == len(chain) == len(truth)
        assert dict(chain.dropped) == {}
        for column in ("expiries", "strike", "is_call", "open_interest", "volume"):
            np.testing.assert_array_equal(getattr(chain, column), getattr(truth, column), err_msg=column)
        np.testing.assert_allclose(chain.iv, truth.iv, rtol=1e-12)
        decimals = 2 if truth.spot > 10.0 else 4
        assert chain.spot == round(truth.spot, decimals)
        np.testing.assert_allclose(chain.forwards, np.round(truth.forwards, decimals), rtol=1e-12)
        unit = chain.forwards[chain.expiry] if ticker in (BTC, ETH) else np.ones(len(chain))
        for quote, true_quote in ((chain.bid, truth.bid), (chain.ask, truth.ask)):
            in_venues_unit = np.round(true_quote / np.round(truth.forwards, decimals)[truth.expiry], 4)
            expected = in_venues_unit * unit if ticker in (BTC, ETH) else np.round(true_quote, 4)
            np.testing.assert_allclose(quote, np.where(expected > 0, expected, np.nan), rtol=1e-12)

    async def test_have_decimal_strikes(self) -> None:
        async with rigged(XRP) as rig:
            await rig.live(XRP)
            strikes = rig.newest(XRP).strike
        assert (strikes % 0.05 != 0).any()
        assert strikes.max() < 10.0

    async def test_follow_the_market_between_two_summaries(self) -> None:
        seen: dict[float, tuple[float, OptionChain]] = {}
        async with rigged(BTC) as rig:

            def look() -> bool:
                book = rig.venue.exchange.books["BTC"]
                seen[book.timestamp / 1000] = book.index_price, book.chain
                return False

            await rig.live()
            calls = rig.venue.calls["public/get_book_summary_by_currency"]
            with pytest.raises(AssertionError):
                await rig.turn(POLL_EVERY - 3.0, look)
            assert rig.venue.calls["public/get_book_summary_by_currency"] <= calls + 1
            known = [chain for chain in rig.chains[BTC] if chain.as_of_seconds in seen]
        assert len(known) >= 5
        spots = set()
        for chain in known:
            spot, truth = seen[chain.as_of_seconds]
            spots.add(spot)
            assert chain.spot == spot
            np.testing.assert_allclose(chain.iv, truth.iv, rtol=1e-12)
            # The forwards are those of the last quotes at the money, moved with the index.
            np.testing.assert_allclose(chain.forwards, truth.forwards, rtol=2e-6)
        assert len(spots) >= 5

    async def test_come_at_most_once_an_interval_and_only_when_something_changed(self) -> None:
        async with rigged(BTC) as rig:
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
            # The summary may still come once.
            assert len(rig.chains[BTC]) - before <= 1

    async def test_carry_dvol_and_yesterdays_price(self) -> None:
        async with rigged(BTC, SOL, start=NOON + timedelta(minutes=4, seconds=30)) as rig:
            await rig.live(BTC, SOL)
            await rig.turn(3.0)
            chain, book = rig.newest(), rig.venue.exchange.books["BTC"]
            assert chain.volatility_index == pytest.approx(book.volatility_index, abs=0.3)
            assert rig.newest(SOL).volatility_index is None
            then = int((chain.as_of_seconds - 86400) // 300 * 300 * 1000)
            candles = rig.venue.exchange.chart("BTC", then, then, 300)
            assert chain.previous_close == candles["open"][candles["ticks"].index(then)]
            # It moves on with the day, without another call.
            calls = rig.venue.calls["public/get_tradingview_chart_data"]
            await rig.turn(40.0)
            assert rig.newest().previous_close != chain.previous_close
            assert rig.venue.calls["public/get_tradingview_chart_data"] == calls == 2

    async def test_know_the_index_where_neither_the_stream_nor_a_summary_tells_it(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with rigged(started=False) as rig:
            true = rig.venue.exchange.summaries
            monkeypatch.setattr(
                rig.venue.exchange,
                "summaries",
                lambda currency: [row | {"estimated_delivery_price": "expired"} for row in true(currency)],
            )
            rig.venue.mute("deribit_price_index.btc_usd")
            rig.start()
            await rig.turn(5.0, lambda: rig.chains[BTC])
            assert rig.venue.calls["public/get_index_price"] == 1
            assert rig.newest().spot == pytest.approx(rig.venue.exchange.books["BTC"].index_price, rel=1e-3)

    async def test_are_marked_as_simulated_on_loopback(self) -> None:
        async with rigged() as rig:
            await rig.live()
            assert rig.newest().simulated
            assert rig.newest().notes == ()


class TestPlan:
    async def test_asks_little_of_the_venue(self) -> None:
        async with rigged(BTC, ETH, SOL, XRP, limits=PUBLISHED) as rig:
            await rig.live(BTC, ETH, SOL, XRP)
            await rig.turn(60.0)
            calls = rig.venue.calls
            assert calls["public/get_instruments"] == 3
            assert calls["public/get_tradingview_chart_data"] == 4
            assert 18 <= calls["public/get_book_summary_by_currency"] <= 21
            assert calls["public/subscribe"] + calls["public/unsubscribe"] <= 20
            assert calls["public/ticker"] == 0
            assert rig.venue.network.most_open <= 5
            assert rig.venue.connects == 1
            assert rig.rejected() == {}

    async def test_polls_are_spread_over_the_interval(self) -> None:
        async with rigged(BTC, ETH, SOL) as rig:
            await rig.live(BTC, ETH, SOL)
            await rig.turn(15.0)
            now = rig.clock.seconds()
            await rig.turn(10.0)
            at = rig.venue.asked_since(now, "get_book_summary_by_currency")
        assert len(at) == 3
        assert min(np.diff(sorted(at))) >= 2.0

    async def test_subscribes_within_the_limits(self) -> None:
        async with rigged(BTC, ETH, SOL, XRP, limits=PUBLISHED) as rig:
            await rig.live(BTC, ETH, SOL, XRP)
            await rig.turn(5.0)
            assert all(len(channels) <= 200 for channels in rig.venue.subscribed)
            asked = {channel for channels in rig.venue.subscribed for channel in channels}
            have, want = rig.status().connections[0].subscribed or (0, 0)
            assert have == want
        assert {
            "markprice.options.btc_usd",
            "deribit_price_index.eth_usd",
            "deribit_volatility_index.btc_usd",
            "markprice.options.sol_usdc",
            "deribit_price_index.xrp_usdc",
            "instrument.state.option.USDC",
            "platform_state",
        } <= asked
        assert "deribit_volatility_index.sol_usdc" not in asked
        tickers = [channel for channel in asked if channel.startswith("ticker.BTC-")]
        assert all(channel.endswith("-C.agg2") for channel in tickers)
        assert len({channel.split("-")[1] for channel in tickers}) == len(rig.newest().expiries)

    async def test_the_call_at_the_money_of_each_expiry_is_listened_to(self) -> None:
        async with rigged(BTC, market=still_market(BTC)) as rig:
            await rig.live()
            await rig.turn(3.0)
            chain = rig.newest()
            for index, forward in enumerate(chain.forwards.tolist()):
                strikes = chain.strike[(chain.expiry == index) & chain.is_call]
                nearest = strikes[np.abs(strikes - forward).argmin()]
                day = f"{datetime.fromtimestamp(chain.expiries[index], UTC):%d%b%y}".upper().lstrip("0")
                asked = rig.venue.subscribed[-1]
                assert f"ticker.BTC-{day}-{nearest:g}-C.agg2" in asked

    async def test_refresh_asks_at_once(self) -> None:
        async with rigged(BTC, ETH) as rig:
            await rig.live(BTC, ETH)
            assert isinstance(rig.source, Refreshable)
            await rig.turn(3.0)
            calls = rig.venue.calls["public/get_book_summary_by_currency"]
            rig.source.refresh(BTC)
            await rig.calls("get_book_summary_by_currency", calls + 1)

    async def test_instruments_are_kept_for_a_day(self, tmp_path: Path) -> None:
        async with rigged(cache_dir=tmp_path) as rig:
            await rig.live()
            await rig.turn(2.0)
            assert rig.venue.calls["public/get_instruments"] == 1
            held = len(rig.newest())
            [kept] = files_in(tmp_path)
            assert kept.stat().st_mode & 0o077 == 0
            # The same venue again: what was kept is enough. Instruments are read again within the hour.
            again = DeribitSource(
                [BTC], rest_url=rig.venue.rest_url, ws_url=rig.venue.ws_url, clock=rig.clock, cache_dir=tmp_path
            )
            second = Rig(again, rig.clock, rig.venue)
            second.start()
            await second.live()
            assert len(second.newest()) == held
            assert rig.venue.calls["public/get_instruments"] == 1
            await second.stop()
        # At another address it is another venue.
        async with rigged(cache_dir=tmp_path) as rig:
            await rig.live()
            await rig.turn(2.0)
            assert rig.venue.calls["public/get_instruments"] == 1
            assert len(files_in(tmp_path)) == 2

    async def test_a_part_of_the_book_is_no_chain(self, tmp_path: Path) -> None:
        """What was kept lists every contract, the stream tells of few, and the summary is late."""
        async with rigged(cache_dir=tmp_path, started=False) as rig:
            names = rig.venue.exchange.books["BTC"].names
            kept = InstrumentCache(tmp_path, f"deribit {rig.venue.rest_url}")
            await kept.write("BTC", names, rig.clock.now())
            rig.venue.lag(4.0)
            rig.start()
            await rig.turn(3.5)
            for name in names[:9]:
                data = rig.venue.exchange.ticker(name)
                rig.notify(f"ticker.{name}.agg2", data)
            await rig.turn(0.25)
            assert rig.chains[BTC] == []
            assert rig.status().state is SourceState.CONNECTING
            await rig.turn(5.0, lambda: rig.chains[BTC])
            for chain in rig.chains[BTC]:
                assert len(chain) == len(names)
                assert not np.isnan(chain.open_interest).any()

    async def test_instruments_are_read_again_every_hour(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert deribit_currency.RELIST_EVERY == 3600.0
        monkeypatch.setattr(deribit_currency, "RELIST_EVERY", 30.0)
        async with rigged(market=still_market(BTC)) as rig:
            await rig.live()
            await rig.turn(25.0)
            assert rig.venue.calls["public/get_instruments"] == 1
            await rig.turn(20.0, lambda: rig.venue.calls["public/get_instruments"] == 2)


class TestListing:
    async def test_k5_eight_o_clock_passes_without_a_restart_or_a_zero(self) -> None:
        async with rigged(start=SETTLED_AT_EIGHT) as rig:
            await rig.live()
            eight = datetime(2026, 11, 21, 8, tzinfo=UTC)
            before = rig.newest()
            assert before.expiries[0] == eight.timestamp()
            gone = f"ticker.BTC-{eight.day}NOV26-"
            session = rig.venue.sessions[0]
            assert any(channel.startswith(gone) for channel in session.channels)

            await rig.turn(60.0, lambda: rig.newest().expiries[0] != eight.timestamp())
            assert rig.clock.now() - eight.timestamp() <= 1.25
            left_at = rig.clock.now()
            await rig.turn(10.0, lambda: not any(channel.startswith(gone) for channel in session.channels))
            assert rig.clock.now() - left_at <= 10.0

            new = rig.venue.exchange.books["BTC"].chain.expiries
            assert new[-1] > before.expiries[-1] or len(new) >= len(before.expiries)
            await rig.turn(60.0, lambda: set(rig.newest().expiries) == set(new))
            assert rig.clock.now() - eight.timestamp() <= 60.0
            assert rig.venue.connects == 1
            assert rig.is_live()
            for chain in rig.chains[BTC]:
                assert len(chain) > 500
                assert np.nansum(chain.open_interest) > 100_000.0
                assert (chain.expiries > chain.as_of_seconds - 1.25).all()
                assert dict(chain.dropped) == {}

    async def test_a_new_strike_appears_within_a_minute(self) -> None:
        async with rigged() as rig:
            await rig.live()
            held, interest = len(rig.newest()), np.nansum(rig.newest().open_interest)
            rig.venue.list_new("BTC")
            passed = await rig.turn(60.0, lambda: len(rig.newest()) == held + 2)
            assert passed <= POLL_EVERY + 2.0
            assert np.nansum(rig.newest().open_interest) == pytest.approx(interest, rel=0.01)
            assert rig.venue.connects == 1

    async def test_an_expiry_before_its_time_leaves_with_the_next_listing(self) -> None:
        async with rigged() as rig:
            await rig.live()
            front = rig.newest().expiries[0]
            rig.venue.expire_next("BTC")
            await rig.turn(2 * POLL_EVERY + 2.0, lambda: front not in rig.newest().expiries)
            assert rig.is_live()

    async def test_a_coin_that_is_not_listed_is_told_so(self) -> None:
        async with rigged(DOGE, BTC, market=(BTC, SOL, XRP)) as rig:
            await rig.live(BTC)
            await rig.turn(5.0)
            status = rig.status(DOGE)
            assert status.state is SourceState.DISABLED
            assert status.detail == "Deribit lists no options on DOGE; it lists BTC, ETH, SOL, XRP"
            await rig.turn(15.0)
            assert rig.venue.sessions[0].channels.isdisjoint({"markprice.options.doge_usdc"})
            assert rig.status(BTC).state is SourceState.LIVE
            assert rig.chains[DOGE] == []

    async def test_what_is_listed_is_asked_for_once_a_day(self, tmp_path: Path) -> None:
        async with rigged(BTC, SOL, XRP, started=False) as rig:
            for _ in range(2):
                coins = await listed_coins(rig.venue.rest_url, cache_dir=tmp_path, clock=rig.clock)
                assert coins == ["BTC", "ETH", "SOL", "XRP"]
            assert rig.venue.calls["public/get_instruments"] == 1

    def test_coins_are_named_by_what_settles_where_we_read_it(self) -> None:
        assert coins_of(["XRP_USDC-21SEP26-1d25-C", "BTC_USDC-21SEP26-70000-C"]) == ["BTC", "ETH", "XRP"]


class TestStatus:
    async def test_is_soon_stale_where_neither_stream_nor_polls_come(self) -> None:
        async with rigged() as rig:
            await rig.settled()
            rig.venue.answer_with(500)
            rig.venue.reset()
            lost_at = rig.clock.seconds()

            def is_stale() -> bool:
                return rig.clock.now() - rig.newest().as_of_seconds > stale_after(rig.status().interval)

            await rig.turn(16.0, is_stale)
            assert rig.clock.seconds() - lost_at >= 8.0

    async def test_is_connecting_until_the_stream_speaks(self) -> None:
        async with rigged(started=False) as rig:
            assert rig.status().state is SourceState.CONNECTING
            rig.start()
            rig.venue.mute()
            await rig.turn(8.0)
            assert rig.chains[BTC]
            assert rig.status().state is SourceState.CONNECTING
            await rig.turn(4.0)
            assert (rig.status().state, rig.status().detail) == (SourceState.DEGRADED, "no mark prices yet")

    async def test_tells_of_each_connection(self) -> None:
        async with rigged(BTC, SOL) as rig:
            await rig.live(BTC, SOL)
            await rig.turn(20.0)
            stream, polls = rig.status(SOL).connections
        assert (stream.name, stream.state, stream.reconnects, stream.next_try_in) == ("stream", "live", 0, None)
        assert stream.subscribed is not None
        assert stream.subscribed[0] == stream.subscribed[1] > 30
        assert stream.last_message_age is not None
        assert stream.last_message_age <= 1.0
        assert stream.messages > 100
        assert (polls.name, polls.state, polls.detail) == ("USDC polls", "live", "")
        assert polls.last_message_age is not None
        assert polls.last_message_age <= POLL_EVERY
        assert polls.messages in (3, 4)

    async def test_is_read_from_another_thread_while_frames_arrive(self) -> None:
        states: Counter[SourceState] = Counter()
        stop = threading.Event()
        failures: list[BaseException] = []

        async with rigged(BTC, SOL, XRP) as rig:
            rig.venue.refuse("deribit_price_index.xrp_usdc")

            def read() -> None:
                try:
                    while not stop.wait(0.0005):
                        states[rig.source.status(XRP).state] += 1
                except RuntimeError as error:
                    failures.append(error)

            reader = threading.Thread(target=read)
            reader.start()
            try:
                await rig.turn(12.0)
            finally:
                stop.set()
                await asyncio.to_thread(reader.join)
        assert failures == []
        assert states.total() > 50
        assert states[SourceState.LIVE] == 0

    async def test_polls_alone_are_not_live(self) -> None:
        async with rigged() as rig:
            await rig.live()
            await rig.venue.drop()
            rig.venue.hole(new=False)
            rig.venue.ws_path = "/elsewhere"
            await rig.turn(30.0)
            status = rig.status()
            assert status.state in (SourceState.DEGRADED, SourceState.CONNECTING)
            assert status.interval == POLL_EVERY
            before = len(rig.chains[BTC])
            await rig.turn(30.0)
            assert 2 <= len(rig.chains[BTC]) - before <= 4

    def test_an_address_in_plain_text_is_refused(self) -> None:
        with pytest.raises(ValueError, match="must start with"):
            DeribitSource([BTC], rest_url="https://example.com", ws_url="ws://example.com")


async def test_the_test_network_is_not_taken_for_the_market() -> None:
    async with rigged() as rig:
        rig.source._loopback = False
        await rig.live()
        assert not rig.newest().simulated
        assert rig.newest().notes == ("This is Deribit's test network, not the market.",)


async def test_a_chain_is_whole_and_immutable() -> None:
    async with rigged() as rig:
        await rig.live()
        await rig.turn(3.0)
        first, last = rig.chains[BTC][0], rig.newest()
        assert first is not last
        assert not first.iv.flags.writeable
        assert replace(last).as_of - first.as_of <= timedelta(seconds=6)
