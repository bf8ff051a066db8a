"""Tastytrade and dxLink fail in every way that a simulated one can, and the source gives the market's numbers again."""

from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import pytest

from gextui.market.chain import OptionChain
from gextui.simulator.dxlink_session import Habits
from gextui.simulator.http_venue import RecordedMarket
from gextui.simulator.tastytrade_rows import streamer_symbols
from gextui.sources.source import SourceState
from tests.support.tastytrade import SPX, SPY, THURSDAY, Rig, rigged
from tests.support.tradier import new_york

State = SourceState
TEN_AT_NIGHT = new_york("2026-11-19", "22:00")


def faults(rig: Rig) -> dict[str, int]:
    """What was rejected, by reason."""
    return {reason: count for reason, count in rig.counted().items() if count}


def asked_of(rig: Rig, what: str) -> int:
    """How often the venue was asked for that."""
    return sum(count for path, count in rig.venue.calls.items() if what in path)


def reordered(kind: str, asked: Sequence[str]) -> Sequence[str]:
    return [*reversed(asked)]


def with_unknown(kind: str, asked: Sequence[str]) -> Sequence[str]:
    return ["mystery", *asked, "another"]


class TestTokens:
    async def test_p9_a_quote_token_that_ends_in_the_middle_is_replaced_once_for_all_tickers(self) -> None:
        async with rigged(SPX, SPY) as rig:
            await rig.read(SPX, SPY)
            await rig.turn(10.0)
            before = rig.carried()
            rig.venue.feed.expire_tokens()
            await rig.turn(2.0, lambda: rig.venue.connects == 2)
            await rig.recovers()
            assert rig.carried() == before
            assert (asked_of(rig, "api-quote-tokens"), asked_of(rig, "oauth/token"), rig.venue.connects) == (2, 1, 2)

    async def test_p9_access_that_ends_in_the_middle_is_renewed_once_for_all_tickers(self) -> None:
        async with rigged(SPX, SPY) as rig:
            await rig.read(SPX, SPY)
            rig.venue.expire_access()
            rig.source.refresh(SPX)
            rig.source.refresh(SPY)
            rig.venue.feed.expire_tokens()
            await rig.turn(2.0, lambda: asked_of(rig, "api-quote-tokens") >= 2)
            await rig.recovers()
            assert asked_of(rig, "oauth/token") == 2
            assert asked_of(rig, "nested") == 6  # each was asked for once more with the new access

    async def test_a_stream_that_takes_no_token_is_given_up_until_somebody_asks(self) -> None:
        async with rigged(started=False) as rig:
            rig.venue.feed.refusing = True
            rig.start()
            await rig.turn(300.0, lambda: rig.said()[0] is State.DISABLED)
            assert "dxLink does not accept Tastytrade's quote tokens" in rig.said()[1]
            await rig.turn(60.0)
            assert rig.venue.connects == 3
            rig.venue.heal()
            rig.source.refresh(SPY)
            await rig.recovers(20.0)


class TestMessages:
    async def test_p11_however_the_feed_says_it(self) -> None:
        habits = [
            Habits(arrange=reordered),
            Habits(arrange=with_unknown),
            Habits(arrange=with_unknown, config_by_type=True),
            Habits(repeats_config=True, layout="many"),
            Habits(arrange=reordered, layout="listed"),
            Habits(data_format="FULL"),
            Habits(),
        ]
        async with rigged(started=False) as rig:
            # The first data come before anybody has said what is in them.
            rig.venue.feed.habits = Habits(arrange=reordered, config_late=True)
            rig.start()
            await rig.read()
            await rig.agrees()
            for each in habits:
                rig.venue.feed.habits = each
                await rig.turn(3.0)
                await rig.agrees()
            assert (rig.venue.connects, faults(rig)) == (1, {})

    async def test_p11_a_wrong_number_of_values_is_counted_and_the_feed_is_set_up_anew(self) -> None:
        async with rigged() as rig:
            await rig.read()
            before = rig.newest(SPY)
            rig.venue.feed.habits.miscounts = True
            await rig.turn(4.0)
            assert faults(rig).keys() == {"schema"}
            assert 2 <= rig.venue.feed.heard["FEED_SETUP"] <= 6  # once for each frame that made no sense
            np.testing.assert_array_equal(rig.newest(SPY).iv, before.iv)
            rig.venue.heal()
            await rig.turn(1.0)
            rig.venue.freeze()
            await rig.turn(4.0)
            truth = rig.venue.market.chain(SPY)
            priced = ~np.isnan(truth.iv)
            np.testing.assert_array_equal(rig.newest(SPY).iv[priced], truth.iv[priced])
            assert rig.venue.connects == 1

    async def test_p11_a_field_that_is_not_sent_is_missing_and_never_zero(self) -> None:
        async with rigged(started=False) as rig:
            rig.venue.feed.habits.arrange = lambda kind, asked: [name for name in asked if name != "openInterest"]
            rig.start()
            await rig.turn(60.0)
            assert not rig.chains[SPY]
            assert rig.said() == (State.DEGRADED, "Tastytrade gives no open interest yet")

    async def test_what_never_answers_is_missing_and_the_rest_is_shown(self) -> None:
        async with rigged(started=False) as rig:
            truth = rig.venue.market.chain(SPY)
            silent = list(range(0, len(truth), 10))
            rig.venue.mute(*[name for row, name in enumerate(streamer_symbols(truth)) if row in silent])
            rig.start()
            await rig.turn(60.0, lambda: rig.chains[SPY])
            chain = rig.newest(SPY)
            assert np.flatnonzero(np.isnan(chain.open_interest)).tolist() == silent
            assert chain.notes == (
                f"No open interest came of {len(silent)} of {len(truth)} contracts: it is missing, not zero.",
            )
            assert rig.said()[0] is State.DEGRADED


class TestChannels:
    @pytest.mark.parametrize("how", ["ERROR", "CHANNEL_CLOSED"])
    async def test_p12_the_channel_alone_that_fails_is_opened_anew(self, how: str) -> None:
        async with rigged(SPX, SPY) as rig:
            await rig.read(SPX, SPY)
            await rig.turn(10.0)
            (session,) = rig.venue.feed.sessions
            before = {number: set(channel.subscriptions) for number, channel in session.channels.items()}
            first, other = before
            if how == "ERROR":
                session.fail(first, "BAD_ACTION", "No.")
            else:
                session.close_channel(first)
            await rig.turn(2.0, lambda: first not in session.channels and len(session.channels) == 2)
            await rig.turn(5.0)
            after = {number: set(channel.subscriptions) for number, channel in session.channels.items()}
            assert after.pop(other) == before[other]
            assert after == {max(after): before[first]}
            await rig.recovers()
            assert rig.venue.connects == 1

    async def test_p12_an_error_of_the_connection_is_not_fatal_but_for_a_timeout(self) -> None:
        async with rigged() as rig:
            await rig.read()
            for error, connects in (("BAD_ACTION", 1), ("UNKNOWN", 1), ("TIMEOUT", 2)):
                rig.venue.feed.sessions[0].fail(0, error, "\x1b[31mNo.")
                await rig.turn(3.0)
                await rig.recovers()
                assert rig.venue.connects == connects
            assert faults(rig) == {f"error {error}": 1 for error in ("BAD_ACTION", "UNKNOWN", "TIMEOUT")}

    async def test_p12_a_channel_that_always_breaks_is_no_tight_loop(self) -> None:
        async with rigged() as rig:
            await rig.read()
            opened = rig.venue.feed.heard["CHANNEL_REQUEST"]
            for _ in range(80):
                rig.venue.feed.close_channels()
                await rig.turn(0.5)
            assert rig.venue.feed.heard["CHANNEL_REQUEST"] - opened <= 6
            assert rig.said() == (State.DEGRADED, "the venue closed the channel")
            assert rig.venue.connects == 1
            await rig.recovers(15.0)


def a_whole_index() -> OptionChain:
    """5,500 contracts on SPX, which are 22,000 subscriptions."""
    days = [THURSDAY.replace(hour=16) + timedelta(days=7 * week) for week in range(1, 12)]
    expiry, strike, is_call = (
        column.ravel()
        for column in np.meshgrid(
            [day.timestamp() for day in days], 5000.0 + 5.0 * np.arange(250), [True, False], indexing="ij"
        )
    )
    return OptionChain.from_rows(
        ticker=SPX,
        source="recorded",
        as_of=THURSDAY,
        spot=5600.0,
        root=["SPXW"] * len(strike),
        expiry=expiry,
        strike=strike,
        is_call=is_call,
        iv=np.full(len(strike), 0.2),
        open_interest=np.arange(1.0, len(strike) + 1.0),
        volume=np.full(len(strike), 5.0),
        bid=np.full(len(strike), 1.0),
        ask=np.full(len(strike), 1.1),
        multiplier=np.full(len(strike), 100.0),
    )


class TestConnection:
    async def test_p13_a_whole_index_in_small_frames_and_within_a_minute(self) -> None:
        truth = a_whole_index()
        async with rigged(SPX, market=RecordedMarket(truth)) as rig:
            await rig.turn(60.0, lambda: rig.chains[SPX])
            np.testing.assert_array_equal(rig.newest(SPX).open_interest, truth.open_interest)
            assert len({item for items in rig.venue.feed.subscribed for item in items}) == 4 * len(truth) + 4
            assert len(rig.carried()) <= 10_000
            assert (rig.venue.feed.longest < 10_000, rig.venue.connects) == (True, 1)

    async def test_n26_a_frame_that_is_too_big_is_no_tight_loop(self) -> None:
        async with rigged(started=False) as rig:
            rig.venue.feed.largest_frame = 2000
            rig.start()
            await rig.turn(60.0)
            assert 2 <= rig.venue.connects <= 12
            assert "1009" in rig.said()[1]
            rig.venue.heal()
            await rig.recovers(60.0)

    async def test_at_night_it_keeps_the_connection_alive_and_hears_that_it_is(self) -> None:
        async with rigged(start=TEN_AT_NIGHT) as rig:
            await rig.read()
            rig.step = 1.0
            await rig.turn(90.0)
            assert (rig.venue.connects, rig.said()[0]) == (1, State.CLOSED)
            assert rig.venue.feed.heard["KEEPALIVE"] >= 3
            # Now the venue says nothing at all.
            rig.venue.feed.keeps_alive = False
            await rig.turn(100.0, lambda: rig.venue.connects == 2)


class TestRest:
    @pytest.mark.parametrize(("status", "words"), [(429, "limits us"), (502, "HTTP 502"), (500, "HTTP 500")])
    async def test_n8_n10_refusals_are_waited_out(self, status: int, words: str) -> None:
        async with rigged(started=False) as rig:
            rig.venue.answer_with(status, b"", {"Content-Type": "text/plain"})
            rig.start()
            await rig.turn(30.0)
            assert rig.said()[0] is State.BACKOFF
            assert words in rig.said()[1]
            assert rig.venue.network.accepted <= 16  # the listing and the stream each ask with pauses that grow
            rig.venue.heal()
            await rig.recovers(90.0)

    async def test_p10_a_revoked_account_is_asked_about_once_and_what_is_known_is_kept(self) -> None:
        async with rigged() as rig:
            await rig.read()
            rig.venue.refresh_token = "another"
            rig.venue.expire_access()
            rig.venue.feed.expire_tokens()
            await rig.turn(30.0, lambda: rig.said()[0] is State.DISABLED)
            refused, rig.step = rig.venue.refused, 2.0
            await rig.turn(300.0)
            assert rig.venue.refused == refused <= 4
            assert "refuses the client secret and refresh token (invalid_grant)" in rig.said()[1]
            assert rig.chains[SPY]

    async def test_d6_an_adjusted_root_is_left_out_and_counted(self) -> None:
        async with rigged(started=False) as rig:
            rig.venue.adjusted = True
            rig.start()
            await rig.read()
            await rig.agrees()
            assert not any("SPY1" in symbol for _, symbol in rig.carried())

    async def test_a_side_that_is_not_listed_is_not_there(self) -> None:
        async with rigged(started=False) as rig:
            rig.venue.alter = lambda strike: {key: text for key, text in strike.items() if not key.startswith("put")}
            rig.start()
            await rig.read()
            chain, truth = rig.newest(SPY), rig.venue.market.chain(SPY)
            assert chain.is_call.all()
            assert len(chain) == np.count_nonzero(truth.is_call)
