"""The faults of the catalogue, by their ids, against the live Cboe source over real sockets.

Seconds are those of the clock that a test turns, unless it says otherwise.
"""

import asyncio
import json
import re
from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest

from gextui.choice import Channel
from gextui.market.chain import OptionChain
from gextui.simulator.http_venue import RecordedMarket
from gextui.simulator.market import SimulatedMarket
from gextui.sources.cboe_hours import EVERY
from gextui.sources.source import SourceState
from tests.support.cboe import IN_SESSION, SPX, SPY, Rig, new_york, rigged
from tests.support.http_server import plain, serving
from tests.support.proxy import a_door

State = SourceState
CALLS, THIS_WEEK = r"C\d{8}$", r"2611(19|20|23|24|25)[CP]\d{8}$"
"""Which contracts, by their names."""


def sane(chain: OptionChain) -> None:
    """SPY's chain holds no number that a market could not have, and none has become zero."""
    for column in (chain.iv, chain.open_interest, chain.volume, chain.bid, chain.ask):
        assert np.isfinite(column[~np.isnan(column)]).all()
        assert (column[~np.isnan(column)] >= 0).all()
    assert np.nansum(chain.open_interest) > 10_000.0
    assert np.count_nonzero(chain.iv > 0) > 100
    assert 500.0 < chain.spot < 800.0


async def kept_over(rig: Rig, seconds: float = 2 * EVERY) -> int:
    """So much later the last chain is still the newest, and whole; how often was asked meanwhile."""
    before, asked = rig.newest(SPY), len(rig.venue.asked)
    await rig.turn(seconds)
    assert rig.newest(SPY) is before
    sane(before)
    return len(rig.venue.asked) - asked


async def back(rig: Rig, within: float) -> None:
    """Delayed as ever within so many seconds, by a chain that is newer."""
    before = rig.newest(SPY)
    await rig.turn(within, lambda: rig.status(SPY).state is State.DELAYED and rig.newest(SPY) is not before)
    sane(rig.newest(SPY))


class TestNetwork:
    async def test_n1_refused_at_start(self) -> None:
        async with a_door() as door, rigged(door=door) as rig:
            await rig.turn(4.0, lambda: rig.status().state is State.BACKOFF)
            assert rig.status().detail.startswith("127.0.0.1 refuses the connection; next try in ")
            assert rig.chains[SPY] == []
            await door.open(rig.venue.rest_url)
            await rig.turn(30.0, lambda: rig.status().state is State.DELAYED)

    @pytest.mark.parametrize("status", [502, 503, 520])
    async def test_n8_a_status(self, status: int) -> None:
        async with rigged() as rig:
            await rig.first()
            rig.venue.answer_with(status)
            assert await kept_over(rig, 4 * EVERY) >= 3
            assert rig.status().detail.startswith(f"127.0.0.1 answered HTTP {status}; next try in ")
            assert rig.status().state is State.BACKOFF, "not one answer for three minutes"
            times = [at for at, _ in rig.venue.asked]
            assert min(later - earlier for earlier, later in pairwise(times)) >= EVERY, "it was served each time"
            rig.venue.heal()
            await back(rig, 80.0)

    async def test_n8_a_status_at_start(self) -> None:
        async with rigged(SPX, SPY, started=False) as rig:
            rig.venue.answer_with(500)
            rig.start()
            await rig.turn(90.0)
            assert rig.status().state is State.BACKOFF
            assert sorted(name for _, name in rig.venue.asked) == ["SPY.json"] * 2 + ["_SPX.json"] * 2
            rig.venue.heal()
            await rig.turn(80.0, lambda: rig.status(SPX).state is rig.status(SPY).state is State.DELAYED)

    @pytest.mark.parametrize(("retry_after", "seconds"), [("7", 7.0), ("120", 120.0), (None, 5.0)])
    async def test_n9_n10_429(self, retry_after: str | None, seconds: float) -> None:
        async with rigged() as rig:
            await rig.first()
            rig.venue.limit(retry_after)
            before = len(rig.venue.asked)
            await rig.turn(80.0, lambda: len(rig.venue.asked) == before + 1)
            assert "limits us (HTTP 429)" in rig.status().detail
            assert rig.status().state is State.DEGRADED
            rig.venue.heal()
            await rig.turn(seconds + 10.0, lambda: len(rig.venue.asked) == before + 2)
            limited, again = (at for at, _ in rig.venue.asked[-2:])
            assert seconds <= again - limited <= seconds + 5.0
            await rig.turn(10.0, lambda: rig.status().state is State.DELAYED)

    async def test_n11_a_ban_page(self) -> None:
        async with rigged() as rig:
            await rig.first()
            rig.venue.ban()
            asked = await kept_over(rig, 5 * EVERY)
            assert asked <= 5
            assert rig.status().state is State.BACKOFF
            assert rig.status().detail.startswith("Cboe blocks us (HTTP 403); next try in ")
            times = [at for at, _ in rig.venue.asked]
            assert min(later - earlier for earlier, later in pairwise(times)) >= 60.0
            rig.venue.heal()
            await back(rig, 80.0)

    async def test_n11_a_ban_keeps_everybody_away(self) -> None:
        async with rigged(SPX, SPY) as rig:
            await rig.first()
            rig.venue.ban()
            await rig.turn(90.0, lambda: len(rig.venue.asked) == 3)
            await rig.turn(58.0)
            assert len(rig.venue.asked) == 3

    async def test_n21_a_captive_portal(self) -> None:
        async with rigged() as rig:
            await rig.first()
            rig.venue.answer_with(200, b"<html>Please log in</html>")
            assert await kept_over(rig) <= 2
            assert "unexpected content (text/html); is a login page in between?" in rig.status().detail
            assert rig.status().state is State.DEGRADED
            rig.venue.heal()
            await back(rig, 80.0)

    async def test_n22_a_redirect(self) -> None:
        async with serving(plain()) as elsewhere, rigged() as rig:
            await rig.first()
            rig.venue.redirect(f"{elsewhere.url}/SPY.json")
            await kept_over(rig)
            assert "redirects elsewhere (HTTP 302); not followed" in rig.status().detail
            assert elsewhere.heads == []
            rig.venue.heal()
            await back(rig, 80.0)

    async def test_n23_a_body_that_drips(self) -> None:
        """The total is by the machine's own clock: half a second here."""
        async with rigged() as rig:
            await rig.first()
            assert rig.source._running is not None
            client = rig.source._running[0]._http
            client._total_seconds = 0.5
            rig.venue.slow(1.0)
            before = rig.newest(SPY)
            await rig.turn(80.0, lambda: len(rig.venue.asked) == 2)
            await asyncio.sleep(0.6)
            await rig.quiesce()
            assert rig.status().detail.startswith("127.0.0.1 did not answer in full within 0.5 s")
            assert rig.newest(SPY) is before
            rig.venue.heal()
            rig.venue.reset()
            await rig.turn(50.0)
            assert len(rig.venue.asked) == 2, "the next poll is on schedule"
            client._total_seconds = 10.0
            await back(rig, 40.0)

    async def test_n24_a_body_cut_short(self) -> None:
        async with rigged() as rig:
            await rig.first()
            rig.venue.cut_short()
            assert await kept_over(rig) <= 2, "in the next slot"
            assert "127.0.0.1 sent a body that was cut short" in rig.status().detail
            rig.venue.heal()
            await back(rig, 80.0)

    async def test_n25_a_body_that_is_too_large(self) -> None:
        async with rigged() as rig:
            await rig.first()
            rig.venue.recorded["SPY"] = b" " * (33 * 2**20)
            await kept_over(rig)
            assert "127.0.0.1 sent more than 32 MB; body dropped" in rig.status().detail


class TestDocuments:
    @pytest.mark.parametrize("kind", ["truncated", "trailing", "empty", "null", "list", "html", "nested"])
    async def test_p4_p5_what_is_no_document(self, kind: str) -> None:
        async with rigged() as rig:
            await rig.first()
            rig.venue.malform(kind)
            assert await kept_over(rig) <= 2
            assert rig.status().state is State.DEGRADED
            assert "Cboe's file of SPY " in rig.status().detail
            assert rig.rejected(SPY)["file"] >= 1
            rig.venue.heal()
            await back(rig, 80.0)

    @pytest.mark.parametrize("kind", ["types", "words", "nan", "infinite", "huge", "negative", "zero"])
    async def test_p18_p19_d1_d2_numbers_that_are_none(self, kind: str) -> None:
        async with rigged() as rig:
            await rig.first()
            rig.venue.malform(kind)
            await rig.turn(2 * EVERY)
            sane(rig.newest(SPY))
            rig.venue.heal()
            await back(rig, 80.0)

    async def test_p19_numbers_as_texts_are_numbers(self) -> None:
        async with rigged() as rig:
            rig.venue.malform("strings")
            await rig.first()
            sane(rig.newest(SPY))

    async def test_p1_texts_that_are_no_utf8(self) -> None:
        async with rigged() as rig:
            await rig.first()
            rig.venue.malform("utf8")
            await kept_over(rig)

    @pytest.mark.parametrize("column", ["open_interest", "iv"])
    async def test_d4_d5_a_wiped_file_replaces_nothing(self, column: str) -> None:
        async with rigged() as rig:
            await rig.first()
            rig.venue.wipe(column)
            await kept_over(rig, 6 * EVERY)
            assert rig.status().state is State.DEGRADED
            what = {"open_interest": "open interest", "iv": "implied volatilities"}[column]
            assert rig.status().detail.startswith(f"cboe has wiped {what}: ")
            assert "the chain of 11:00 New York is kept; next try in " in rig.status().detail
            rig.venue.heal()
            await back(rig, 80.0)

    async def test_d3_a_price_that_is_stuck_at_a_tenth(self) -> None:
        """Its options contradict it: what is read from it is not believed, however often it is repeated."""
        async with rigged() as rig:
            await rig.first()
            file = rig.venue._file("SPY")
            assert file is not None
            document = json.loads(file.body)
            document["data"]["current_price"] /= 10.0
            channel = Channel("cboe", asked_at=0.0)
            for minute in range(1, 8):
                document["timestamp"] = f"2026-11-19 16:0{minute}:00"
                rig.venue.recorded["SPY"] = json.dumps(document).encode()
                await rig.turn(1.2 * EVERY)
            assert rig.newest(SPY).spot < 100.0
            for chain in rig.chains[SPY]:
                channel.arrive(chain, rig.clock.seconds(), EVERY, rig.clock.now())
            assert channel.newest is rig.chains[SPY][0]
            assert channel.doubt.startswith("spot jumped -90% to 6")
            assert "its options imply 6" in channel.doubt
            rig.venue.recorded.clear()
            await rig.turn(80.0, lambda: rig.newest(SPY).spot > 600.0)
            assert channel.arrive(rig.newest(SPY), rig.clock.seconds(), EVERY, rig.clock.now()) is not None

    @pytest.mark.parametrize(
        ("which", "factor", "said"),
        [
            (CALLS, 0.3, "wiped the open interest of calls: "),
            (THIS_WEEK, 0.01, "wiped the open interest of 2026-11-"),
            (r"", 10.0, "multiplied the open interest of calls: "),
        ],
    )
    async def test_d4_a_part_that_is_wiped_or_multiplied(self, which: str, factor: float, said: str) -> None:
        """Open interest is counted overnight: within a day it does not change."""
        async with rigged() as rig:
            await rig.first()
            file = rig.venue._file("SPY")
            assert file is not None
            document = json.loads(file.body)
            for row in document["data"]["options"]:
                if re.search(which, row["option"]):
                    row["open_interest"] = float(int(row["open_interest"] * factor))
            document["timestamp"] = "2026-11-19 16:01:00"
            rig.venue.recorded["SPY"] = json.dumps(document).encode()
            await kept_over(rig, 5 * EVERY)
            assert rig.status().state is State.DEGRADED
            assert rig.status().detail.startswith(f"cboe has {said}")
            assert "the chain of 11:00 New York is kept; next try in " in rig.status().detail
            rig.venue.recorded.clear()
            await back(rig, 80.0)

    async def test_d4_wiped_in_the_evening(self) -> None:
        async with rigged(start=new_york("2026-11-19 16:20")) as rig:
            await rig.first()
            await rig.until(new_york("2026-11-19 16:40"))
            rig.venue.wipe("open_interest")
            kept = rig.newest(SPY)
            await rig.turn(660.0)
            assert rig.newest(SPY) is kept
            assert rig.spoken().startswith(
                "closed: market closed, as of 16:15 New York; cboe has wiped open interest: 0 of "
            )

    async def test_d4_wiped_from_the_first(self) -> None:
        """Then it is said by whoever reads the chain: there is nothing better."""
        async with rigged() as rig:
            rig.venue.wipe("open_interest")
            await rig.first()
            assert not rig.newest(SPY).open_interest.any()

    async def test_half_a_document(self) -> None:
        async with rigged() as rig:
            await rig.first()
            rig.venue.halve()
            await kept_over(rig)
            assert rig.status().detail.startswith("cboe lists only ")
            rig.venue.heal()
            await back(rig, 80.0)

    async def test_d6_adjusted_roots(self) -> None:
        async with rigged() as rig:
            rig.venue.adjusted = True
            await rig.first()
            chain = rig.newest(SPY)
            assert dict(chain.dropped) == {"adjusted": 4}
            assert chain.roots == ("SPY",)

    async def test_d6_two_roots_of_one_day_are_kept_apart(self) -> None:
        async with rigged(SPX) as rig:
            await rig.first()
            chain = rig.newest(SPX)
            settles = {new_york(f"2026-11-20 {clock}").timestamp() for clock in ("09:30", "16:00")}
            assert settles <= set(chain.expiries.tolist())
            roots = {
                float(chain.expiries[expiry]): {chain.roots[root] for root in chain.root[chain.expiry == expiry]}
                for expiry in np.unique(chain.expiry)
            }
            assert [roots[instant] for instant in sorted(settles)] == [{"SPX"}, {"SPXW"}]


class TestTimes:
    async def test_p22_a_file_that_is_no_longer_made_anew(self) -> None:
        async with rigged() as rig:
            await rig.first()
            rig.venue.stall()
            states = []
            for _ in range(30):
                await rig.turn(EVERY)
                states.append(rig.status().state)
            assert states == sorted(states, reverse=True), "delayed, then degraded, and it stays so"
            assert set(states) == {State.DELAYED, State.DEGRADED}
            assert rig.spoken() == "degraded: Cboe has not made its file anew since 11:00 New York"
            heard = len(rig.chains[SPY])
            await rig.turn(3 * EVERY)
            assert len(rig.chains[SPY]) == heard, "what is not current is no sign of life"
            rig.venue.heal()
            await back(rig, 80.0)

    @pytest.mark.parametrize(
        ("start", "said"),
        [
            ("2026-11-21 12:00", "closed: market closed, as of 16:15 New York Fri"),
            ("2026-11-23 09:35", "delayed: delayed 15 min, as of 18:00 New York Fri"),
            ("2026-11-23 10:05", "degraded: Cboe has not made its file anew since 18:00 New York Fri"),
        ],
    )
    async def test_p22_a_file_of_the_weekend(self, start: str, said: str) -> None:
        friday = new_york("2026-11-20 18:00")
        market = RecordedMarket(SimulatedMarket(1, friday, [SPY]).chain(SPY))
        async with rigged(market=market, start=friday) as earlier:
            await earlier.first()
            file = earlier.venue._file("SPY")
            assert file is not None
        now = new_york(start)
        market = RecordedMarket(SimulatedMarket(1, now, [SPY]).chain(SPY))
        async with rigged(market=market, start=now) as rig:
            rig.venue.recorded["SPY"] = file.body
            await rig.first()
            assert rig.spoken() == said
            assert rig.newest(SPY).as_of == friday

    async def test_k2_a_machines_clock_that_is_off(self) -> None:
        async with rigged() as rig:
            rig.venue.skew(90.0)
            await rig.first()
            assert rig.spoken() == "degraded: this machine's clock is off by 90 s"
            assert rig.source._now() - IN_SESSION >= timedelta(seconds=90)

    async def test_k6_an_expiry_by_the_venues_clock(self) -> None:
        """The machine's is two minutes slow: what expires leaves when it expires, not two minutes later."""
        four = new_york("2026-11-20 16:00")
        async with rigged(start=four - timedelta(minutes=5)) as rig:
            rig.venue.skew(120.0)
            await rig.first()
            await rig.until(four - timedelta(seconds=124))
            assert rig.newest(SPY).expiries.min() == four.timestamp()
            await rig.until(four - timedelta(seconds=117))
            assert rig.newest(SPY).expiries.min() > four.timestamp()
