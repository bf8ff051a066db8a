"""The faults of data and time of the catalogue, by their ids, against the live Deribit source.

Seconds are those of the clock that a test turns, unless it says otherwise.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from gextui.exposure.board import build_board
from gextui.simulator.deribit_limits import PUBLISHED
from gextui.sources.doubt import Doubts
from gextui.sources.source import SourceState
from tests.support.deribit import rigged
from tests.support.rig import BTC, ETH, NOON, sane

State = SourceState
FRAMES = (b"", b"{", b"null", b"[]", b"{} trailing", b'{"id":', b'{"id":' + b"[" * 100_000, b"9" * 9000)
INDEX = "deribit_price_index.btc_usd"
MARKS = "markprice.options.btc_usd"


class TestValues:
    @pytest.mark.parametrize("price", [0, 0.0, None, "NaN", -5, "", [], True, 1e300])
    async def test_d3_a_spot_that_is_none_is_not_taken(self, price: Any) -> None:
        async with rigged() as rig:
            await rig.settled()
            rig.notify(INDEX, {"price": price, "timestamp": int(rig.clock.now() * 1000) + 100})
            await rig.turn(2.0)
            sane(rig.newest())
            assert rig.rejected()

    async def test_d3_a_jump_by_ten_is_doubted(self) -> None:
        async with rigged() as rig:
            await rig.settled()
            doubts = Doubts()
            for chain in rig.chains[BTC]:
                assert doubts.about(chain) == ""
            spot = rig.newest().spot
            rig.notify(INDEX, {"price": spot * 10, "timestamp": int(rig.clock.now() * 1000) + 100})
            before = len(rig.chains[BTC])
            await rig.turn(5.0, lambda: len(rig.chains[BTC]) >= before + 3)
            doubted = [chain for chain in rig.chains[BTC][before:] if doubts.about(chain)]
            assert all(chain.spot == spot * 10 for chain in doubted)
            assert len(doubted) <= 2

    async def test_d4_no_open_interest_at_all(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async with rigged(started=False) as rig:
            true = rig.venue.exchange.summaries

            def nothing(currency: str) -> Any:
                return [row | {"open_interest": 0.0} for row in true(currency)]

            monkeypatch.setattr(rig.venue.exchange, "summaries", nothing)
            rig.start()
            await rig.turn(5.0)
            assert rig.chains[BTC] == []
            assert (rig.status().state, rig.status().detail) == (State.DEGRADED, "Deribit gives no open interest yet")
            monkeypatch.undo()
            await rig.turn(15.0, rig.is_live)
            answers: list[Callable[[str], Any]] = [nothing, lambda currency: []]
            for answer in answers:
                monkeypatch.setattr(rig.venue.exchange, "summaries", answer)
                await rig.turn(12.0, lambda: not rig.is_live())
                assert rig.status().detail == "Deribit gives no open interest; the last is kept"
                sane(rig.newest())
                monkeypatch.undo()
                await rig.turn(15.0, rig.is_live)

    async def test_d9_expired_contracts_still_in_the_answers(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async with rigged() as rig:
            await rig.settled()
            true = rig.venue.exchange.summaries

            def with_expired(currency: str) -> Any:
                rows = true(currency)
                return [*rows, *(row | {"instrument_name": "BTC-20NOV26-90000-C"} for row in rows[:1])]

            monkeypatch.setattr(rig.venue.exchange, "summaries", with_expired)
            held = len(rig.newest())
            await rig.turn(25.0)
            assert len(rig.newest()) == held
            assert rig.newest().expiries[0] > rig.clock.now()

    async def test_d10_the_last_minute_of_an_expiry(self) -> None:
        eight = datetime(2026, 11, 21, 8, tzinfo=UTC)
        async with rigged(start=eight - timedelta(seconds=63)) as rig:
            await rig.live()
            for left in (60.0, 30.0, 1.0):
                await rig.turn(eight.timestamp() - left - rig.clock.now())
                chain = rig.newest()
                assert chain.expiries[0] == eight.timestamp()
                board = build_board(chain, None)
                assert board.totals.net_gex is not None
                assert np.isfinite(board.totals.net_gex)
            await rig.turn(2.25)
            assert rig.newest().expiries[0] > eight.timestamp()
            board = build_board(rig.newest(), None)
            assert board.totals.net_gex is not None
            assert np.isfinite(board.totals.net_gex)

    @pytest.mark.parametrize("size", [2**53 + 1, 2**63, 10**18, 1e17])
    async def test_d12_huge_numbers(self, size: float) -> None:
        async with rigged() as rig:
            await rig.settled()
            [channel] = [name for name in rig.venue.sessions[0].channels if name.startswith("ticker.BTC-27NOV26")]
            quote = dict(rig.venue.exchange.ticker(channel.split(".")[1]) or {})
            rig.notify(channel, quote | {"open_interest": size, "timestamp": int(rig.clock.now() * 1000) + 400})
            await rig.turn(2.0, lambda: np.nanmax(rig.newest().open_interest) >= 1e15 or rig.rejected())
            board = build_board(rig.newest(), None)
            assert board.totals.net_gex is not None
            assert np.isfinite(board.totals.net_gex)

    @pytest.mark.parametrize("unit", [1, 1e3, 1e6, 1e9])
    async def test_d17_event_times_in_any_unit(self, unit: float) -> None:
        async with rigged() as rig:
            await rig.settled()
            at = rig.clock.now() + 0.05
            rig.notify(INDEX, {"price": 91_234.5, "timestamp": int(at * unit) if unit > 1 else at})
            await rig.turn(1.5, lambda: any(chain.spot == 91_234.5 for chain in rig.chains[BTC]))
            assert rig.rejected() == {}

    async def test_d17_an_hour_ahead_and_1970(self) -> None:
        async with rigged() as rig:
            await rig.settled()
            rig.notify(INDEX, {"price": 91_000.0, "timestamp": int((rig.clock.now() + 3600) * 1000)})
            await rig.counted("early")
            rig.notify(INDEX, {"price": 1.0, "timestamp": 12_345})
            await rig.counted("time")
            await rig.turn(2.0)
            assert rig.newest().as_of_seconds <= rig.clock.now() + 0.01
            assert all(chain.spot > 50_000 for chain in rig.chains[BTC])
            assert rig.is_live()


class TestTime:
    @pytest.mark.parametrize("step", [3600.0, -3600.0])
    async def test_k1_the_wall_clock_is_set(self, step: float) -> None:
        async with rigged(start=datetime(2026, 11, 21, 7, 30, tzinfo=UTC)) as rig:
            await rig.settled()
            held, instant = len(rig.newest()), rig.newest().as_of
            rig.clock.step_wall(step)
            await rig.turn(5.0)
            assert len(rig.newest()) == held
            assert timedelta(seconds=4) <= rig.newest().as_of - instant <= timedelta(seconds=6)
            assert rig.venue.connects == 1
            assert (rig.status().state, rig.status().detail) == (
                State.DEGRADED,
                "this machine's clock is off by 3600 s",
            )
            rig.clock.step_wall(-step)
            assert rig.is_live()

    @pytest.mark.parametrize("skew", [90.0, -90.0])
    async def test_k2_a_clock_that_is_off(self, skew: float) -> None:
        eight = datetime(2026, 11, 21, 8, tzinfo=UTC)
        async with rigged(start=eight - timedelta(seconds=60), started=False) as rig:
            rig.venue.skew(skew)
            rig.venue.tick()
            rig.start()
            await rig.turn(10.0, lambda: rig.chains[BTC])
            await rig.turn(2.0)
            assert (rig.status().state, rig.status().detail) == (State.DEGRADED, "this machine's clock is off by 90 s")
            # The venue's time rules: what expires does so by its clock.
            assert (rig.newest().expiries[0] == eight.timestamp()) == (skew < 0)
            assert abs(rig.newest().as_of_seconds - rig.clock.now() - skew) <= 2.0
            assert "early" not in rig.rejected()

    async def test_k11_our_own_loop_was_blocked(self) -> None:
        async with rigged() as rig:
            await rig.settled()
            for _ in range(3):
                rig.clock._move(rig.clock.seconds() + 5.0)
                await rig.turn(1.0)
            assert rig.venue.connects == 1
            assert rig.is_live()

    async def test_k12_old_messages_in_the_queue(self) -> None:
        async with rigged() as rig:
            await rig.settled()
            spot = rig.newest().spot
            for age in range(300, 20, -10):
                rig.notify(INDEX, {"price": 50_001.0, "timestamp": int((rig.clock.now() - age) * 1000)})
            await rig.turn(1.0)
            assert all(chain.spot != 50_001.0 for chain in rig.chains[BTC])
            rig.venue.mute()
            for second in range(12):
                rig.notify(INDEX, {"price": spot, "timestamp": int((rig.clock.now() - 100 + second) * 1000)})
                await rig.turn(1.0)
            assert rig.status().state is State.DEGRADED


async def test_credits_are_respected_from_start_to_end() -> None:
    async with rigged(BTC, ETH, limits=PUBLISHED, start=NOON) as rig:
        await rig.live(BTC, ETH)
        await rig.turn(30.0)
        for _ in range(20):
            rig.source.refresh(BTC)
            rig.source.refresh(ETH)
            await rig.turn(0.25)
        await rig.turn(5.0)
        assert "limits us" not in rig.status().connections[1].detail
        assert rig.venue.connects == 1
        assert rig.venue.network.most_open <= 4
