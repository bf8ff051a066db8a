"""The network faults of the catalogue, by their ids, against the live Deribit source over real sockets.

Seconds are those of the clock that a test turns, unless it says otherwise.
"""

import asyncio
import os
import socket
import threading
import zlib
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from websockets.asyncio.server import ServerConnection, serve

from gextui.market.ticker import Kind, Ticker
from gextui.simulator.deribit_limits import PUBLISHED, Limits
from gextui.sources.source import SourceState
from tests.support import bybit
from tests.support.deribit import Rig, rigged
from tests.support.proxy import a_door
from tests.support.rig import BTC, ETH, SOL
from tests.support.waiting import eventually

State = SourceState


def kept(rig: Rig, chains: int) -> None:
    """The last chain is still the newest, and whole."""
    assert len(rig.chains[BTC]) >= chains
    assert np.nansum(rig.newest().open_interest) > 0


async def back(rig: Rig, within: float) -> None:
    """Live again within so many seconds, subscribed to as much as before."""
    await rig.turn(within, rig.is_live)
    await rig.turn(3.0)
    have, want = rig.status().connections[0].subscribed or (0, 1)
    assert have == want > 10


async def test_n1_refused_at_start() -> None:
    async with a_door() as door, rigged(door=door) as rig:
        await rig.turn(4.0, lambda: rig.status().state is State.BACKOFF)
        status = rig.status()
        assert "127.0.0.1 refuses the connection; next try in " in status.detail
        assert status.connections[0].next_try_in is not None
        assert status.connections[1].state == "backoff"
        assert rig.chains[BTC] == []
        await door.open(rig.venue.rest_url)
        await rig.turn(5.0, rig.is_live)


async def test_n2_reset_mid_stream() -> None:
    async with rigged() as rig:
        await rig.live()
        await rig.turn(3.0)
        before = rig.venue.sessions[0].channels
        rig.venue.reset()
        passed = await rig.turn(2.0, lambda: rig.venue.connects == 2)
        assert passed <= 1.25
        await rig.turn(1.0, rig.is_live)
        await rig.turn(1.0)
        assert rig.venue.sessions[-1].channels == before


async def test_n3_black_hole() -> None:
    async with rigged() as rig:
        await rig.live()
        await rig.turn(3.0)
        chains = len(rig.chains[BTC])
        rig.venue.hole()
        await rig.turn(12.0, lambda: rig.lost)
        assert rig.lost == {"127.0.0.1 answers no ping": 1}
        assert not rig.is_live()
        kept(rig, chains)
        await back(rig, 5.0)


async def test_n4_half_open_towards_us(monkeypatch: pytest.MonkeyPatch) -> None:
    async with rigged() as rig:
        await rig.live()
        for wire in rig.venue.sockets:
            monkeypatch.setattr(wire, "send_data", wire.protocol.data_to_send)  # and lose what it returns
        await rig.turn(12.0, lambda: rig.lost)
        await back(rig, 5.0)


async def test_n5_p14_ponging_and_beating_but_silent() -> None:
    async with rigged() as rig:
        await rig.live()
        await rig.turn(3.0)
        rig.venue.mute()
        began, subscribes = rig.clock.seconds(), len(rig.venue.subscribed)
        await rig.turn(12.0, lambda: len(rig.venue.subscribed) > subscribes)
        assert rig.clock.seconds() - began >= 9.0
        assert rig.venue.connects == 1
        assert rig.status().state is State.DEGRADED
        assert rig.status().detail.startswith(("mark prices ", "index "))
        await rig.turn(14.0, lambda: rig.venue.connects == 2)
        assert rig.lost == {"connected, but no data": 1}
        kept(rig, 3)
        rig.venue.heal()
        await back(rig, 5.0)


async def test_n6_one_channel_of_many_is_silent() -> None:
    async with rigged(BTC, ETH) as rig:
        await rig.live(BTC, ETH)
        await rig.turn(3.0)
        rig.venue.mute("markprice.options.eth_usd")
        subscribes = len(rig.venue.subscribed)
        await rig.turn(15.0, lambda: rig.status(ETH).state is State.DEGRADED)
        assert rig.status(ETH).detail.startswith("mark prices 1")
        await rig.turn(15.0, lambda: ("markprice.options.eth_usd",) in rig.venue.subscribed[subscribes:])
        assert rig.status(BTC).state is State.LIVE
        assert rig.venue.connects == 1
        rig.venue.heal()
        await rig.turn(3.0, lambda: rig.is_live(ETH))


async def test_n6_acked_and_never_any_data() -> None:
    async with rigged(BTC, ETH, started=False) as rig:
        rig.venue.mute("deribit_price_index.eth_usd")
        rig.start()
        await rig.turn(15.0, lambda: rig.status(ETH).state is State.DEGRADED)
        assert rig.status(ETH).detail == "no index yet"
        assert rig.status(BTC).state is State.LIVE


async def test_n7_accepted_and_never_upgraded() -> None:
    async with rigged(started=False) as rig:
        rig.venue.hole(new=True)
        rig.start()
        await eventually(lambda: len(rig.venue.network.open) == 2, "the connections")
        await rig.turn(6.0, lambda: rig.status().state is State.BACKOFF)
        assert rig.status().detail.startswith("127.0.0.1 did not answer the handshake within 5 s; next try in ")


@pytest.mark.parametrize("status", [502, 503, 520])
async def test_n8_an_error_status(status: int) -> None:
    async with rigged() as rig:
        await rig.live()
        rig.venue.answer_with(status, b"<html>bad</html>")
        await rig.venue.drop()
        await rig.turn(45.0)
        assert rig.status().state is State.BACKOFF
        assert f"HTTP {status}" in rig.status().detail
        assert rig.status().connections[1].detail == f"127.0.0.1 answered HTTP {status}"
        kept(rig, 1)
        rig.venue.heal()
        await back(rig, 35.0)


async def test_n9_retry_after_is_obeyed() -> None:
    async with rigged() as rig:
        await rig.live()
        await rig.turn(3.0)
        rig.venue.limit("7")
        await rig.turn(12.0, lambda: rig.venue.asked_since(1003.0))
        [limited_at] = rig.venue.asked_since(1003.0)
        await eventually(lambda: "limits us" in rig.status().connections[1].detail, "the limit")
        assert rig.status().connections[1].detail == "127.0.0.1 limits us (HTTP 429): asking again in 7 s"
        rig.venue.heal()
        await rig.turn(12.0, lambda: len(rig.venue.asked_since(limited_at)) >= 1)
        again = rig.venue.asked_since(limited_at)
        assert 6.5 <= again[0] - limited_at <= 7.75
        assert len([at for at in again if at - limited_at <= 8.0]) <= 2
        assert rig.is_live()


@pytest.mark.parametrize(("header", "least"), [(None, 5.0), ("rubbish", 5.0), ("1000000000", 600.0)])
async def test_n10_retry_after_in_every_form(header: str | None, least: float) -> None:
    async with rigged() as rig:
        await rig.live()
        await rig.turn(3.0)
        rig.venue.limit(header)
        rig.source.refresh(BTC)
        await eventually(lambda: "limits us" in rig.status().connections[1].detail, "the limit")
        asked = len(rig.venue.asked)
        await rig.turn(min(least - 1.0, 60.0))
        assert len(rig.venue.asked) == asked


async def test_n11_a_ban_page() -> None:
    async with rigged() as rig:
        await rig.live()
        await rig.turn(3.0)
        rig.venue.answer_with(403, b"<html>You are banned. error 1015</html>")
        rig.source.refresh(BTC)
        await eventually(lambda: "refuses us (HTTP 403)" in rig.status().connections[1].detail, "the ban")
        asked = len(rig.venue.asked)
        await rig.turn(58.0)
        assert len(rig.venue.asked) == asked
        assert "schema" not in rig.rejected()
        rig.venue.heal()
        await rig.turn(15.0, lambda: len(rig.venue.asked) > asked)
        await back(rig, 10.0)


async def test_n12_a_storm_of_disconnects() -> None:
    async with rigged() as rig:
        await rig.live()
        await rig.turn(2.0)
        began, before = rig.clock.seconds(), rig.venue.connects
        while rig.clock.seconds() - began < 60.0:
            connects = rig.venue.connects
            rig.venue.reset()
            await rig.turn(31.0, lambda connects=connects: rig.venue.connects > connects)  # type: ignore[misc]
            await rig.turn(0.25)
        assert rig.venue.connects - before <= 3 + 12 * (rig.clock.seconds() - began) / 60.0
        assert len(rig.venue.network.open) <= 3


async def test_n13_fifty_tickers_stay_within_the_venues_connections() -> None:
    tickers = [BTC, ETH, SOL] + [Ticker(f"COIN{n}", "", Kind.COIN, "deribit") for n in range(47)]
    async with rigged(*tickers, market=(BTC, ETH, SOL), limits=PUBLISHED) as rig:
        await rig.live(BTC, ETH, SOL)
        rig.venue.reset()
        await rig.turn(5.0, lambda: all(map(rig.is_live, (BTC, ETH, SOL))))
        await rig.turn(30.0)
        assert rig.venue.network.most_open <= 6
        assert rig.status(tickers[-1]).state is State.DISABLED
        assert all(rig.is_live(ticker) for ticker in (BTC, ETH, SOL))


def reach_by_name(rig: Rig) -> None:
    """Have the stream resolve a name from now on."""
    rig.source._stream.url = rig.source._stream.url.replace("127.0.0.1", "localhost")
    rig.source._stream._host = "localhost"


async def test_n14_a_name_that_does_not_resolve(monkeypatch: pytest.MonkeyPatch) -> None:
    async with rigged() as rig:
        await rig.live()

        def fail(*_: Any, **__: Any) -> Any:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", fail)
        reach_by_name(rig)
        await rig.venue.drop()
        await rig.turn(5.0, lambda: "cannot resolve host" in rig.status().detail)
        assert "cannot resolve host localhost; check the network; next try in " in rig.status().detail
        threads = threading.active_count()
        await rig.turn(60.0)
        assert threading.active_count() <= threads
        monkeypatch.undo()
        await back(rig, 5.0)


async def test_n15_a_name_server_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    """In threads of their own: no other feed waits for them, and they are never many."""
    answer = threading.Event()
    true = socket.getaddrinfo

    def hang(host: Any, *rest: Any, **named: Any) -> Any:
        assert answer.wait(60.0)
        return true(host, *rest, **named)

    async with rigged() as rig, bybit.rigged(small=True) as other:
        await rig.live()
        await other.live()
        threads = threading.active_count()
        monkeypatch.setattr(socket, "getaddrinfo", hang)
        try:
            reach_by_name(rig)
            await rig.venue.drop()
            await rig.turn(6.0, lambda: "localhost did not answer the handshake within 5 s" in rig.lost)
            for _ in range(30):
                await rig.turn(1.0)
                await other.turn(1.0)
                assert other.is_live()
            assert threading.active_count() <= threads + (os.cpu_count() or 1) + 4, "as many as asyncio has at most"
        finally:
            answer.set()
        monkeypatch.undo()
        await rig.turn(35.0, rig.is_live)


async def test_n16_a_name_that_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    async with rigged(started=False) as rig, rigged(started=False) as other:
        leads_to = urlsplit(rig.venue.ws_url).port
        asked = 0

        async def resolve(*_: Any, **__: Any) -> Any:
            nonlocal asked
            asked += 1
            return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", leads_to))]

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)
        reach_by_name(rig)
        rig.start()
        await rig.live()
        assert asked == 1
        # The venue fails over: its name now leads elsewhere, and the old address is still there.
        leads_to = urlsplit(other.venue.ws_url).port
        await rig.venue.drop()
        await rig.turn(5.0, lambda: other.venue.connects == 1)
        assert asked == 2
        assert rig.venue.connects == 1


async def test_n21_a_login_page() -> None:
    async with rigged() as rig:
        await rig.live()
        await rig.turn(3.0)
        rig.venue.answer_with(200, b"<html>Welcome to the hotel</html>")
        rig.source.refresh(BTC)
        await eventually(lambda: "login page" in rig.status().connections[1].detail, "the page")
        assert "unexpected content (text/html)" in rig.status().connections[1].detail
        await rig.venue.drop()
        await rig.turn(3.0, lambda: "HTTP 200" in rig.status().detail)
        kept(rig, 1)


async def test_n22_redirects_are_refused() -> None:
    async with rigged() as rig, rigged(started=False) as elsewhere:
        await rig.live()
        await rig.turn(3.0)
        rig.venue.answer_with(302, b"", {"Location": elsewhere.venue.rest_url})
        rig.source.refresh(BTC)
        await eventually(lambda: "redirects elsewhere" in rig.status().connections[1].detail, "the refusal")
        await rig.venue.drop()
        await rig.turn(3.0, lambda: "HTTP 302" in rig.status().detail)
        assert elsewhere.venue.asked == []


async def test_n23_a_body_that_drips() -> None:
    """The total is by the machine's own clock: half a second here."""
    async with rigged() as rig:
        await rig.settled()
        assert rig.source._running is not None
        client = rig.source._running[0]._http
        client._total_seconds = 0.5
        rig.venue.slow(100.0)
        rig.source.refresh(BTC)
        await eventually(lambda: bool(rig.status().connections[1].detail), "the end of patience")
        assert rig.status().connections[1].detail == "127.0.0.1 did not answer in full within 0.5 s"
        kept(rig, 1)
        rig.venue.heal()
        rig.venue.reset()
        client._total_seconds = 10.0
        await rig.turn(12.0, lambda: rig.status().connections[1].detail == "" and rig.is_live())


@pytest.mark.parametrize("kind", ["truncated", "empty", "nested", "utf8", "html", "null", "list", "nan"])
async def test_n24_p4_p5_a_body_that_cannot_be_read(kind: str) -> None:
    async with rigged() as rig:
        await rig.live()
        await rig.turn(3.0)
        rig.venue.malform(kind)
        rig.venue.mute()
        rig.source.refresh(BTC)
        await eventually(lambda: bool(rig.status().connections[1].detail), "the failure")
        assert rig.status().connections[1].detail.startswith("Deribit's answer cannot be read")
        kept(rig, 1)
        rig.venue.heal()
        await rig.turn(12.0, lambda: rig.status().connections[1].detail == "" and rig.is_live())


async def test_n26_a_frame_that_is_too_large() -> None:
    async with rigged() as rig:
        await rig.live()
        connects = rig.venue.connects
        rig.venue.say(b'"' + b"x" * (17 * 1024 * 1024) + b'"')
        await eventually(lambda: bool(rig.lost), "the loss")
        [reason] = rig.lost
        assert reason.startswith("closed by us: 1009")
        await back(rig, 5.0)
        assert rig.venue.connects == connects + 1


async def test_n27_a_frame_that_inflates_too_far() -> None:
    """No compression is asked for, so none of a server's messages is ever inflated."""
    bomb = zlib.compress(bytes(50 << 20), wbits=-15)
    negotiated: list[object] = []

    async def explode(connection: ServerConnection) -> None:
        negotiated.append(list(connection.protocol.extensions))
        await connection.recv()
        connection.transport.write(bytes([0xC1, 126]) + len(bomb).to_bytes(2, "big") + bomb)
        await connection.wait_closed()

    assert len(bomb) < 65_536
    async with rigged(started=False) as rig, serve(explode, "127.0.0.1", 0, compression="deflate") as server:
        rig.source._stream.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        rig.start()
        await rig.turn(5.0, lambda: rig.lost)
        [reason] = rig.lost
        assert reason.startswith("closed by us: 1002")
        assert negotiated[0] == []


async def test_n29_three_seconds_of_latency_are_no_reason_to_reconnect(monkeypatch: pytest.MonkeyPatch) -> None:
    async with rigged() as rig:
        await rig.live()
        await rig.turn(2.0)
        true = rig.venue._notify
        late: list[tuple[float, Any]] = []

        def delayed(*args: Any) -> None:
            late.append((rig.clock.seconds() + 3.0, args))

        monkeypatch.setattr(rig.venue, "_notify", delayed)
        for _ in range(60):
            await rig.turn(1.0)
            for _, args in [each for each in late if each[0] <= rig.clock.seconds()]:
                true(*args)
            late = [each for each in late if each[0] > rig.clock.seconds()]
        assert rig.is_live()
        assert rig.venue.connects == 1
        assert 2.0 <= rig.clock.now() - rig.newest().as_of_seconds <= 5.0


@pytest.mark.parametrize("code", [1001, 1012, 1000])
async def test_n30_the_venue_goes_away_and_comes_back(code: int) -> None:
    async with rigged() as rig:
        await rig.live()
        await rig.turn(3.0)
        await rig.venue.drop(code, "restarting")
        passed = await rig.turn(2.0, lambda: rig.venue.connects == 2 and rig.is_live())
        assert passed <= 2.0
        assert rig.lost == {f"closed by the venue: {code} restarting": 1}


async def test_n31_k12_suspend_and_wake() -> None:
    async with rigged() as rig:
        await rig.live()
        await rig.turn(3.0)
        # The machine sleeps for two hours: all stands still here, the venue goes on.
        rig.clock.suspend(7200.0)
        assert not rig.is_live()
        await rig.turn(2.0, lambda: rig.venue.connects == 2)
        assert rig.lost == {"the machine slept": 1}
        await back(rig, 5.0)


async def test_n32_old_connections_stall_and_new_ones_do_not() -> None:
    async with rigged(BTC, ETH, SOL, limits=Limits()) as rig:
        await rig.live(BTC, ETH, SOL)
        rig.venue.hole()
        began = rig.clock.seconds()
        await rig.turn(17.0, lambda: rig.venue.connects == 2 and all(map(rig.is_live, (BTC, ETH, SOL))))
        assert rig.clock.seconds() - began >= 5.0
