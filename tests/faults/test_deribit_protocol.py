"""The protocol faults of the catalogue, by their ids, against the live Deribit source.

Seconds are those of the clock that a test turns, unless it says otherwise.
"""

import asyncio
import json
import re
import tracemalloc
from collections.abc import AsyncGenerator, Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from gextui.exposure.board import build_board
from gextui.market.chain import OptionChain
from gextui.sources.source import SourceState
from tests.support.deribit import rigged
from tests.support.rig import BTC, ETH, sane
from tests.support.waiting import eventually

State = SourceState
FRAMES = (b"", b"{", b"null", b"[]", b"{} trailing", b'{"id":', b'{"id":' + b"[" * 100_000, b"9" * 9000)
INDEX = "deribit_price_index.btc_usd"
MARKS = "markprice.options.btc_usd"


async def test_p1_invalid_utf8() -> None:
    async with rigged() as rig:
        await rig.settled()
        rig.venue.say(b'{"jsonrpc":"2.0","method":"\xff\xfe"}')
        await eventually(lambda: bool(rig.lost), "the loss")
        assert rig.lost == {"closed by us: 1007 invalid UTF-8": 1}
        await rig.turn(2.0, rig.is_live)


async def test_p2_reserved_bits() -> None:
    async with rigged() as rig:
        await rig.settled()
        rig.venue.sockets[0].transport.write(b"\xf3\x02{}")
        await eventually(lambda: bool(rig.lost), "the loss")
        [reason] = rig.lost
        assert reason.startswith("closed by us: 1002")
        await rig.turn(2.0, rig.is_live)


async def test_p3_a_frame_that_never_ends() -> None:
    async with rigged() as rig:
        await rig.settled()
        rig.venue.sockets[0].transport.write(b"\x81\x7e\xff\xff" + b"x" * 100)
        # Whatever the venue says now is taken for the rest of the frame, its pongs too.
        rig.venue.mute()
        await rig.turn(12.0, lambda: rig.lost)
        assert rig.lost == {"127.0.0.1 answers no ping": 1}


@pytest.mark.parametrize("frame", FRAMES, ids=range(len(FRAMES)))
async def test_p4_p5_unreadable_frames_are_counted(frame: bytes) -> None:
    async with rigged() as rig:
        await rig.settled()
        for _ in range(5):
            rig.venue.say(frame)
        await eventually(lambda: sum(rig.rejected().values()) == 5, "the rejects")
        assert set(rig.rejected()) <= {"json", "schema"}
        await rig.turn(2.0)
        assert rig.is_live()
        assert rig.venue.connects == 1


async def test_p4_too_many_of_them_end_the_connection() -> None:
    async with rigged() as rig:
        await rig.settled()
        for _ in range(25):
            rig.venue.say(b"rubbish")
        await eventually(lambda: bool(rig.lost), "the loss")
        assert rig.lost == {"more than 20 unreadable messages in a minute": 1}
        await rig.turn(5.0, rig.is_live)


async def test_p5_keys_that_come_twice() -> None:
    async with rigged() as rig:
        await rig.settled()
        now = int(rig.clock.now() * 1000) + 100
        rig.venue.say(
            b'{"jsonrpc":"2.0","method":"subscription","params":{"channel":"deribit_price_index.btc_usd",'
            b'"data":{"price":1,"price":98765.5,"timestamp":%d}}}' % now
        )
        await rig.turn(1.0, lambda: any(chain.spot == 98765.5 for chain in rig.chains[BTC]))


async def test_p6_too_many_requests() -> None:
    async with rigged(started=False) as rig:
        rig.venue.too_many(4)
        rig.start()
        await rig.turn(30.0, rig.is_live)
        await rig.turn(8.0)
        have, want = rig.status().connections[0].subscribed or (0, 1)
        assert have == want
        # Whoever is told to stop stops: within the budget nothing more is asked for.
        assert len(rig.venue.subscribed) <= 5


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (13009, f"not subscribed to {MARKS}: no (13009)"),
        (10028, "the venue limits subscriptions; next try in 5 s"),  # and it closes the session
        (11050, "venue maintenance"),
    ],
)
async def test_p6_a_refused_subscription_is_named_and_tried_again(
    code: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with rigged(started=False) as rig:
        true = rig.venue._reply

        def refuse(method: str, params: Any, session: Any) -> Any:
            reply = true(method, params, session)
            if method == "public/subscribe" and session is not None:
                session.channels.clear()
                del reply["result"]
                reply["error"] = {"code": code, "message": "no"}
            return reply

        monkeypatch.setattr(rig.venue, "_reply", refuse)
        rig.start()
        await rig.turn(8.0, lambda: rig.chains[BTC] and rig.status().detail == words)
        assert rig.status().state is State.DEGRADED
        monkeypatch.undo()
        await rig.turn(30.0, rig.is_live)


async def test_p7_left_out_of_the_answer() -> None:
    async with rigged(BTC, ETH, started=False) as rig:
        missing = (MARKS, "deribit_volatility_index.eth_usd")
        rig.venue.refuse(*missing)
        rig.start()
        await rig.turn(8.0, lambda: len(rig.source._stream.missing) == 2)
        await rig.turn(3.0)
        stream = rig.status().connections[0]
        have, want = stream.subscribed or (0, 0)
        assert want - have == 2
        assert stream.detail == "not subscribed: markprice.options.btc_usd, deribit_volatility_index.eth_usd"
        assert rig.status(BTC).detail == f"not subscribed to {MARKS}: the venue left it out"
        assert rig.status(ETH).state is State.LIVE
        rig.venue.refuse()
        await rig.turn(30.0, lambda: rig.is_live(BTC) and not rig.source._stream.missing)
        assert rig.venue.connects == 1


async def test_p8_heartbeats_are_answered() -> None:
    async with rigged() as rig:
        await rig.settled()
        await rig.turn(70.0)
        assert rig.venue.calls["public/test"] == 2
        assert rig.venue.connects == 1
        assert rig.venue.sessions[0].alive


async def test_p15_marks_before_the_summary_make_no_chain() -> None:
    async with rigged(started=False) as rig:
        rig.venue.answer_with(503)
        rig.start()
        await rig.turn(2.0)
        book = rig.source._books[BTC]
        book.relist(rig.venue.exchange.books["BTC"].names, rig.clock.now())
        rig.venue.heal()
        rig.venue.malform("truncated")
        await rig.turn(5.0)
        assert rig.chains[BTC] == []
        rig.venue.heal()
        await rig.turn(20.0, rig.is_live)
        sane(rig.chains[BTC][0])


async def test_p16_twice_and_out_of_order() -> None:
    async with rigged() as rig:
        await rig.settled()
        rig.venue.duplicate()
        rig.venue.shuffle()
        await rig.turn(30.0)
        instants = [chain.as_of for chain in rig.chains[BTC]]
        assert instants == sorted(instants)
        assert rig.is_live()
        assert rig.rejected() == {}
        rig.venue.heal()
        await rig.turn(2.0)
        truth = rig.venue.exchange.books["BTC"]
        assert rig.newest().spot == truth.index_price
        np.testing.assert_allclose(rig.newest().iv, truth.chain.iv, rtol=1e-12)


async def test_p17_an_old_snapshot_after_a_reconnect() -> None:
    async with rigged() as rig:
        await rig.settled()
        rig.venue.freeze()
        await rig.turn(9.0)
        newest = rig.newest().as_of
        await rig.venue.drop()
        await rig.turn(5.0, lambda: rig.venue.connects == 2)
        await rig.turn(3.0)
        # The venue speaks, but of the past.
        assert rig.status().connections[0].last_message_age is not None
        assert rig.status().state is State.DEGRADED
        assert " s old" in rig.status().detail
        assert rig.newest().as_of - newest <= timedelta(seconds=1)
        rig.venue.heal()
        await rig.turn(5.0, rig.is_live)


async def test_p18_messages_and_channels_of_no_known_sort() -> None:
    async with rigged() as rig:
        await rig.settled()
        for _ in range(30):
            rig.venue.say(b'{"jsonrpc":"2.0","method":"brand_new","params":{"type":"x"}}')
            rig.notify("brand.new.channel", {"a": 1})
        await rig.counted("unknown message", 30)
        await rig.counted("unknown channel", 30)
        rig.notify("instrument.state.option.BTC", {"state": "pondering", "instrument_name": "BTC-1JAN30-1-C"})
        await rig.turn(2.0)
        assert rig.is_live()
        assert rig.venue.connects == 1


async def test_p18_renamed_fields_never_become_zeros(monkeypatch: pytest.MonkeyPatch) -> None:
    async with rigged() as rig:
        await rig.settled()
        true = rig.venue.damaged
        monkeypatch.setattr(
            rig.venue,
            "damaged",
            lambda body: true(body).replace(b'"iv"', b'"sigma"').replace(b'"open_interest"', b'"interest"'),
        )
        await rig.turn(25.0)
        assert rig.rejected()["iv: missing"] > 100
        assert not rig.is_live()
        assert rig.status().detail in (
            "Deribit gives no open interest; the last is kept",
            *(f"mark prices {seconds} s old" for seconds in range(10, 40)),
        )
        for chain in rig.chains[BTC]:
            sane(chain)
        monkeypatch.undo()
        await rig.turn(15.0, rig.is_live)


@pytest.mark.parametrize("kind", ["types", "words", "nan", "infinite", "huge", "negative", "zero", "strings"])
async def test_p19_d1_d2_numbers_that_are_none(kind: str) -> None:
    async with rigged() as rig:
        await rig.settled()
        rig.venue.malform(kind)
        await rig.turn(8.0)
        if kind == "strings":
            assert rig.is_live()
            assert rig.rejected() == {}
            assert len({chain.spot for chain in rig.chains[BTC][-5:]}) == 5
        else:
            assert rig.rejected() or rig.status().connections[1].detail
        await rig.turn(20.0)
        for chain in rig.chains[BTC]:
            sane(chain)
        if kind != "strings":
            assert not rig.is_live()
        rig.venue.heal()
        await rig.turn(35.0, rig.is_live)
        await rig.turn(12.0)
        sane(rig.newest())
        assert len(rig.newest()) > 500


async def test_p24_a_consumer_that_stalls_sees_the_newest_first() -> None:
    async with rigged(started=False) as rig:
        chains = rig.source.chains()
        assert isinstance(chains, AsyncGenerator)
        first = await anext(chains)
        rig.venue.mute(INDEX)
        tracemalloc.start()
        # Nobody takes a chain for ten seconds of 2,000 messages each.
        for second in range(10):
            for message in range(2000):
                at = int(rig.clock.now() * 1000) + message // 2
                rig.notify(INDEX, {"price": 90_000.0 + 2000 * second + message, "timestamp": at})
            await rig.quiesce()
            await rig.turn(1.0)
        grown = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        began = rig.clock.seconds()
        task = asyncio.create_task(anext(chains))
        await rig.turn(2.0, task.done)
        assert rig.clock.seconds() - began <= 1.25
        second_chain: OptionChain = task.result()
        assert first.as_of < second_chain.as_of
        # Of messages of the same instant the first counts.
        assert second_chain.spot == 90_000.0 + 2000 * 9 + 1998
        assert grown < 20 * 1024 * 1024
        await chains.aclose()


async def test_p25_a_flood() -> None:
    """20,000 messages a second: read as they come, the newest shown, the rest counted, and every ping answered."""
    async with rigged() as rig:
        await rig.settled()
        rig.venue.mute(INDEX)
        before, chains = rig.status().connections[0], len(rig.chains[BTC])
        pace, price = 20_000, 90_000.0
        for quarter in range(8 * 4):
            now = int(rig.clock.now() * 1000)
            for message in range(pace // 4):
                price = 90_000.0 + quarter + message / pace
                rig.notify(INDEX, {"price": price, "timestamp": now + message * 250 // (pace // 4)})
            await rig.quiesce()
            await rig.turn(0.25)
        after = rig.status().connections[0]
        sent = 8 * pace
        assert after.messages - before.messages >= sent
        # All but those that a chain was made of.
        assert after.conflated - before.conflated >= sent - 2 * 9
        assert 7 <= len(rig.chains[BTC]) - chains <= 9
        assert rig.clock.now() - rig.newest().as_of_seconds <= 1.25
        assert rig.is_live()
        rig.notify(INDEX, {"price": price + 1.0, "timestamp": int(rig.clock.now() * 1000)})
        await rig.turn(1.25, lambda: rig.newest().spot == price + 1.0)
        assert rig.venue.connects == 1, "no ping was late"


async def test_p28_maintenance() -> None:
    async with rigged() as rig:
        await rig.settled()
        rig.venue.maintenance(True)
        rig.venue.mute()
        await rig.turn(60.0)
        assert (rig.status().state, rig.status().detail) == (State.DEGRADED, "venue maintenance")
        assert rig.venue.connects == 1
        assert rig.status().connections[1].detail == "venue maintenance"
        sane(rig.newest())
        rig.venue.heal()
        await rig.turn(35.0, rig.is_live)


async def test_p28_one_index_locked() -> None:
    async with rigged(BTC, ETH) as rig:
        await rig.live(BTC, ETH)
        await rig.turn(2.0)
        rig.venue.lock("eth_usd", True)
        await rig.turn(1.0)
        assert rig.status(ETH).detail == "the venue has locked eth_usd"
        assert rig.is_live(BTC)
        rig.venue.lock("eth_usd", False)
        await rig.turn(2.0, lambda: rig.is_live(ETH))


def _altered(rig: Any, alter: Callable[[list[Any]], list[Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the venue's book summaries altered from now on."""
    true = rig.venue.damaged

    def damaged(body: bytes) -> bytes:
        body = true(body)
        if b'"result":[{' not in body or b'"mark_iv"' not in body:
            return bytes(body)
        answer = json.loads(body)
        answer["result"] = alter(answer["result"])
        return json.dumps(answer, separators=(",", ":")).encode()

    monkeypatch.setattr(rig.venue, "damaged", damaged)


async def test_d2_bad_open_interest_never_replaces_good(monkeypatch: pytest.MonkeyPatch) -> None:
    async with rigged() as rig:
        await rig.settled()
        before = rig.newest()

        def negative(rows: list[Any]) -> list[Any]:
            return [row | {"open_interest": -5.0} if at % 10 == 0 else row for at, row in enumerate(rows)]

        _altered(rig, negative, monkeypatch)
        await rig.turn(15.0, lambda: rig.status().state is State.DEGRADED)
        words = rig.status().detail
        assert words.startswith("open interest of "), words
        assert words.endswith(f" of {len(before):,} contracts is not told of late; the last is kept")
        np.testing.assert_array_equal(np.isnan(rig.newest().open_interest), np.isnan(before.open_interest))
        assert rig.newest().dropped.get("bad_number", 0) == 0
        monkeypatch.undo()
        await rig.turn(15.0, rig.is_live)


async def test_p18_rows_left_out_are_named_at_a_start_and_later(monkeypatch: pytest.MonkeyPatch) -> None:
    async with rigged(started=False) as rig:

        def a_part(rows: list[Any]) -> list[Any]:
            return [row for row in rows if "-25DEC26-" not in row["instrument_name"]]

        _altered(rig, a_part, monkeypatch)
        rig.start()
        await rig.turn(40.0, lambda: rig.chains[BTC])
        blank = int(np.isnan(rig.newest().open_interest).sum())
        assert blank > 50
        [words] = (words for words in build_board(rig.newest()).warnings if "open interest" in words)
        assert words.startswith(f"partial: {blank:,} of {len(rig.newest()):,} contracts have no open interest")
        monkeypatch.undo()
        await rig.turn(15.0, lambda: not np.isnan(rig.newest().open_interest).any())
        assert rig.is_live()
        _altered(rig, a_part, monkeypatch)
        await rig.turn(60.0, lambda: rig.status().state is State.DEGRADED)
        assert re.fullmatch(r"open interest of \d+ of 840 contracts is not told of late; .*", rig.status().detail)
        assert not np.isnan(rig.newest().open_interest).any()
