"""Broken networks and broken data, by the catalogue's ids, against the live Tastytrade source over real sockets.

Seconds are those of the clock that a test turns.
"""

import json
import logging
from itertools import pairwise

import numpy as np
import pytest

from gextui.simulator.faults import MALFORMED
from gextui.simulator.tastytrade import CLIENT_SECRET, REFRESH_TOKEN
from gextui.sources.dxlink import KEEP_ALIVE
from gextui.sources.source import SourceState
from tests.support.tastytrade import FIRST_CHAIN, SPX, SPY, Rig, rigged

State = SourceState
LOST = (State.BACKOFF, State.CONNECTING)


async def settled(rig: Rig) -> set[tuple[str, str]]:
    """Return once every ticker has a chain and its subscriptions stand still; what they are."""
    await rig.read(*rig.source.tickers)
    await rig.turn(10.0)
    return rig.carried()


class TestNetwork:
    async def test_n1_n8_a_venue_that_is_down_is_tried_again_and_says_why(self) -> None:
        async with rigged(started=False) as rig:
            rig.venue.answer_with(502)
            rig.start()
            await rig.turn(20.0)
            state, words = rig.said()
            assert state is State.BACKOFF
            assert words.startswith("127.0.0.1 answered HTTP 502; next try in")
            rig.venue.heal()
            await rig.turn(35.0 + FIRST_CHAIN, lambda: rig.chains[SPY])

    @pytest.mark.parametrize("how", ["reset", "drop"])
    async def test_n2_n30_a_lost_connection_is_replaced_with_all_it_carried(self, how: str) -> None:
        async with rigged(SPY, SPX) as rig:
            before = await settled(rig)
            last = rig.newest(SPY)
            if how == "reset":
                rig.venue.reset()
            else:
                await rig.venue.drop(1012, "restart")
            await rig.turn(2.0, lambda: rig.venue.connects == 2)
            assert rig.newest(SPY) is last  # and nobody takes it away
            await rig.turn(10.0, lambda: rig.carried() == before)
            assert rig.said() == (State.LIVE, "")
            # The token is still good: nothing but the connection is made anew.
            assert rig.venue.calls["api-quote-tokens"] == rig.venue.calls["oauth/token"] == 1
            assert not np.isnan(rig.newest(SPY).open_interest).any()

    async def test_a_connection_lost_in_the_first_sweep_shows_no_part_of_the_chain(self) -> None:
        async with rigged(room=100) as rig:
            await rig.turn(FIRST_CHAIN, lambda: "of 108 contracts read" in rig.said()[1])
            rig.venue.reset()
            await rig.turn(60.0, lambda: rig.chains[SPY])
            for chain in rig.chains[SPY]:
                assert not chain.partial
                assert not np.isnan(chain.open_interest).any()
            assert rig.venue.connects == 2

    async def test_n3_a_black_hole_is_noticed(self) -> None:
        async with rigged() as rig:
            await settled(rig)
            rig.venue.hole()
            await rig.turn(12.0, lambda: rig.said()[0] in LOST)
            await rig.turn(10.0, lambda: rig.said()[0] is State.LIVE)

    async def test_n5_a_silent_feed_is_asked_again_once_and_then_left(self) -> None:
        async with rigged() as rig:
            await settled(rig)
            rig.venue.mute()
            for channel in (channel for each in rig.venue.feed.sessions for channel in each.channels.values()):
                rig.venue.mute(channel._name)
            rig.venue.muted |= {"SPY", *rig.source._lanes[SPY].book.coverage.symbols}
            await rig.turn(20.0, lambda: rig.said()[0] is State.DEGRADED)
            assert rig.said()[1].startswith("nothing of SPY for")
            await rig.turn(20.0, lambda: rig.venue.connects == 2)
            assert rig.venue.feed.heard["CHANNEL_REQUEST"] >= 2
            rig.venue.heal()
            await rig.turn(60.0, lambda: rig.said()[0] is State.LIVE)

    async def test_n6_a_ticker_that_is_silent_among_others_costs_those_nothing(self) -> None:
        async with rigged(SPY, SPX) as rig:
            await settled(rig)
            rig.venue.muted |= {"SPY", *rig.source._lanes[SPY].book.coverage.symbols}
            await rig.turn(40.0, lambda: rig.said(SPY)[0] is State.DEGRADED)
            await rig.turn(30.0)
            assert rig.said(SPX)[0] is State.LIVE
            assert rig.venue.connects == 1
            rig.venue.heal()
            await rig.turn(40.0, lambda: rig.said(SPY)[0] is State.LIVE)

    async def test_n9_a_limit_is_kept_to_the_second(self) -> None:
        async with rigged(started=False) as rig:
            rig.venue.limit("7")
            rig.start()
            await rig.turn(1.0)
            calls = rig.venue.calls.total()
            rig.venue.heal()
            await rig.turn(5.5)
            assert rig.venue.calls.total() == calls
            await rig.turn(FIRST_CHAIN, lambda: rig.chains[SPY])

    async def test_n12_a_venue_that_accepts_and_drops_is_not_stormed(self) -> None:
        async with rigged(started=False) as rig:
            rig.venue.drop_each_after(2)
            rig.start()
            await rig.turn(60.0)
            assert rig.venue.connects <= 15

    async def test_the_connection_is_kept_alive_through_a_quiet_market(self) -> None:
        async with rigged() as rig:
            await settled(rig)
            rig.venue.feed.halt(SPY)
            rig.step = 1.0
            before = rig.venue.feed.heard["KEEPALIVE"]
            await rig.turn(130.0)
            assert rig.venue.feed.heard["KEEPALIVE"] - before >= 6
            assert rig.venue.connects == 1
            assert json.loads(KEEP_ALIVE) == {"type": "KEEPALIVE", "channel": 0}


class TestTokens:
    async def test_p10_an_account_revoked_under_way_takes_nothing_of_what_still_comes(self) -> None:
        async with rigged() as rig:
            await settled(rig)
            rig.venue.client_secret = "another"
            rig.venue.expire_access()
            rig.source.refresh(SPY)
            await rig.turn(10.0)
            state, words = rig.said()
            assert state is State.DEGRADED
            assert "(invalid_grant)" in words
            await rig.renewed()
            # Once the stream is lost nothing comes any more.
            rig.venue.feed.expire_tokens()
            await rig.turn(10.0, lambda: rig.said()[0] is State.DISABLED)
            assert rig.venue.calls["oauth/token"] == 2

    async def test_x3_no_credential_is_in_what_is_shown_or_logged(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        async with rigged(started=False) as rig:
            rig.venue.echo = True
            rig.venue.client_secret = "another"
            rig.start()
            await rig.turn(10.0)
            rig.venue.client_secret = CLIENT_SECRET
            rig.source.refresh(SPY)
            await settled(rig)
            rig.venue.feed.expire_tokens()
            await rig.turn(5.0)
            shown = repr(rig.status()) + repr(rig.chains) + repr(vars(rig.source))
        ours = [record.getMessage() for record in caplog.records if record.name != "gextui.simulator"]
        for secret in (CLIENT_SECRET, REFRESH_TOKEN, "simulated-quote-token", "simulated-access-token"):
            assert secret not in shown
            assert not [line for line in ours if secret in line]


class TestProtocol:
    async def test_p11_fields_that_change_places_under_way_change_no_number(self) -> None:
        async with rigged() as rig:
            await settled(rig)
            rig.venue.feed.habits.arrange = lambda kind, asked: [*asked[1:], asked[0]]
            await rig.turn(5.0)
            rig.venue.freeze()
            await rig.turn(5.0)
            chain, true = rig.newest(SPY), rig.venue.market.chain(SPY)
            np.testing.assert_allclose(chain.iv, true.iv, rtol=1e-12)
            assert rig.counted() == {}

    @pytest.mark.parametrize("kind", sorted(MALFORMED))
    async def test_p4_p5_damaged_frames_are_counted_and_never_a_number(self, kind: str) -> None:
        async with rigged() as rig:
            await settled(rig)
            before = rig.newest(SPY)
            rig.venue.malform(kind)
            await rig.turn(10.0)
            rig.venue.heal()
            await rig.turn(40.0, lambda: rig.said()[0] is State.LIVE)
            chain = await rig.renewed()
            assert sum(rig.counted().values()) > 0 or rig.venue.connects > 1
            assert np.array_equal(chain.open_interest, before.open_interest)

    async def test_p16_duplicates_and_swapped_messages_change_nothing(self) -> None:
        async with rigged() as rig:
            await settled(rig)
            rig.venue.duplicate()
            rig.venue.shuffle()
            await rig.turn(10.0)
            chains = rig.chains[SPY]
            assert all(after.as_of >= before.as_of for before, after in pairwise(chains))
            rig.venue.heal()
            await rig.turn(5.0)
            assert rig.said() == (State.LIVE, "")


class TestData:
    @pytest.mark.parametrize("value", ["NaN", -1.0, "rubbish"])
    async def test_d1_d2_what_is_no_number_is_missing_and_takes_nothing_away(self, value: object) -> None:
        async with rigged() as rig:
            await settled(rig)
            before = rig.newest(SPY)
            names = ("volatility", "openInterest", "dayVolume", "bidPrice", "price")
            rig.venue.feed.habits.instead = dict.fromkeys(names, value)
            rig.source.refresh(SPY)
            await rig.turn(15.0)
            chain = rig.newest(SPY)
            assert chain.as_of > before.as_of
            assert np.array_equal(chain.open_interest, before.open_interest)
            for name in ("iv", "volume"):
                assert np.isfinite(getattr(chain, name)[np.isfinite(getattr(before, name))]).all()
            assert not (chain.bid <= 0.0).any()
            words = "open interest of 108 of 108 contracts is not told of late; the last is kept"
            assert rig.said() == (State.DEGRADED, words)
            rig.venue.heal()
            rig.source.refresh(SPY)
            await rig.turn(15.0)
            assert rig.said() == (State.LIVE, "")

    async def test_a_listing_that_has_gone_costs_nothing_of_what_is_known(self) -> None:
        async with rigged() as rig:
            await settled(rig)
            rig.venue.failing["SPY"] = 404
            rig.source.refresh(SPY)
            await rig.turn(5.0)
            state, words = rig.said()
            assert state is State.DEGRADED
            assert words.startswith("Tastytrade lists no options on SPY any more; those it had are kept; next try in")
            assert (await rig.renewed()).total == 108
            rig.venue.heal()
            await rig.turn(40.0, lambda: rig.said() == (State.LIVE, ""))
