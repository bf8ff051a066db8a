"""The catalogue's faults, by their ids, against the live Tradier source over real sockets.

Seconds are those of the clock that a test turns.
"""

import base64
import logging
from datetime import timedelta
from urllib.parse import quote

import numpy as np
import pytest

from gextui.log import PlainFormatter
from gextui.simulator.tradier import TOKEN
from gextui.sources.source import SourceState
from gextui.sources.tradier_rest import REFUSED
from tests.support.http_server import plain, serving
from tests.support.proxy import a_door
from tests.support.rig import FewExpiries
from tests.support.tradier import SPX, SPY, THURSDAY, Rig, rigged

State = SourceState
TODAY, FRIDAY = "2026-11-19", "2026-11-20"
REPLIES = [
    (500, b"Invalid Access Token TOKEN"),
    (400, b"Invalid parameter, authorization: Bearer TOKEN"),
    (401, b'{"fault":{"faultstring":"Invalid Access Token TOKEN"}}'),
    (403, b"<html>TOKEN</html>"),
    (429, b"TOKEN: Quota Violation"),
    (302, b"TOKEN"),
    (200, b'{"options": "TOKEN", "clock": "TOKEN", "quotes": "TOKEN"'),
]


def few() -> FewExpiries:
    """Two expiries of SPY, today's and tomorrow's."""
    return FewExpiries(3, THURSDAY, [SPY])


def shown(rig: Rig) -> str:
    """Everything that a screen could say of the source."""
    return repr([rig.status(ticker) for ticker in rig.source.tickers]) + repr(rig.chains)


class TestToken:
    async def test_p10_a_refused_token_is_tried_three_times_and_then_no_more(self) -> None:
        async with rigged(SPY, SPX, started=False) as rig:
            rig.venue.token = "another"
            rig.start()
            await rig.turn(4000.0)
            assert (rig.venue.refused, rig.venue.calls.total()) == (3, 3)
            for ticker in (SPY, SPX):
                assert rig.said(ticker) == (State.DISABLED, REFUSED)
            assert "GEXTUI_TRADIER_TOKEN" in REFUSED
            assert [each.state for each in rig.status().connections] == ["disabled", "disabled"]
            assert all(each.next_try_in is None for each in rig.status().connections)
            # Somebody who asks gets one try more, and all is well once the venue takes the token again.
            rig.source.refresh(SPY)
            await rig.turn(60.0)
            assert rig.venue.refused == 4
            rig.venue.token = TOKEN
            rig.source.refresh(SPY)
            await rig.turn(60.0, lambda: rig.rounds(SPY) and rig.rounds(SPX))
            assert rig.said()[0] is State.LIVE

    async def test_p10_revoked_in_the_middle_what_is_known_is_kept(self) -> None:
        async with rigged(market=few()) as rig:
            await rig.read()
            rig.venue.token = "another"
            await rig.turn(1300.0)
            assert rig.said() == (State.DISABLED, REFUSED)
            assert (rig.rounds(), rig.venue.refused) == (1, 3)

    @pytest.mark.parametrize(("status", "body"), REPLIES, ids=[str(status) for status, _ in REPLIES])
    async def test_x3_a_token_that_is_echoed_reaches_no_screen_and_no_log(
        self, status: int, body: bytes, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        async with rigged(market=few()) as rig:
            await rig.read()
            headers = {"Content-Type": "application/json", "Location": f"/{TOKEN}"}
            rig.venue.answer_with(status, body.replace(b"TOKEN", TOKEN.encode()), headers)
            await rig.turn(700.0)
            assert rig.said()[0] is not State.LIVE
            said = shown(rig)
        logged = "\n".join(map(PlainFormatter("%(message)s").format, caplog.records))
        encoded = base64.b64encode(TOKEN.encode()).decode().rstrip("=")
        for form in (TOKEN, quote(TOKEN, safe=""), encoded, TOKEN[:12]):
            assert form not in said
            assert form not in logged

    async def test_n22_goes_to_the_configured_host_alone(self) -> None:
        async with serving(plain()) as elsewhere, rigged(market=few(), started=False) as rig:
            rig.venue.answer_with(302, b"", {"Location": f"{elsewhere.url}/v1/markets/clock"})
            rig.start()
            await rig.turn(60.0, lambda: rig.said()[0] is State.BACKOFF)
            assert "127.0.0.1 redirects elsewhere (HTTP 302); not followed; next try in " in rig.said()[1]
            assert elsewhere.heads == []


class TestShapes:
    async def test_p20_one_contract_is_a_chain(self) -> None:
        async with rigged(market=few(), started=False) as rig:
            rig.venue.alone = True
            rig.start()
            await rig.read()
            assert len(rig.newest(SPY)) == 2
            assert len(np.unique(rig.newest(SPY).expiry)) == 2

    async def test_p20_an_expiry_without_a_chain_is_told_and_costs_no_other(self) -> None:
        async with rigged(market=few(), started=False) as rig:
            rig.venue.empty = {FRIDAY}
            rig.start()
            await rig.read()
            words = f"no chain of {FRIDAY}, not in these numbers: it is listed, but holds no contract"
            assert rig.said() == (State.DEGRADED, f"Tradier gave {words}")
            assert rig.newest(SPY).notes == (f"Tradier gave {words}",)
            assert len(rig.newest(SPY).expiries) == 1
            assert not rig.newest(SPY).partial
            assert rig.status().connections[1].state == "degraded"
            assert rig.status().connections[1].subscribed == (1, 2)
            # Twice in a round, and not again before the next.
            assert rig.venue.calls["options/chains"] == 3
            rig.venue.heal()
            await rig.turn(700.0, lambda: rig.rounds() == 2)
            assert rig.said()[0] is State.LIVE
            assert (len(rig.newest(SPY).expiries), rig.newest(SPY).notes) == (2, ())

    async def test_p20_nothing_listed_at_all(self) -> None:
        async with rigged(SPX, SPY, market=few()) as rig:
            await rig.read(SPY)
            assert rig.said(SPX) == (State.DISABLED, "Tradier lists no options on SPX")

    async def test_d6_adjusted_contracts_are_counted_and_minis_have_their_own_multiplier(self) -> None:
        async with rigged(market=few(), started=False) as rig:
            document = {"open_interest": 10, "bid": 1.0, "ask": 1.1, "greeks": {"mid_iv": 0.2}}
            adjusted = {"symbol": "SPY1261120C00600000", "contract_size": 100}
            mini = {"symbol": "SPY261120C00601500", "contract_size": 10}
            rig.venue.added = [document | adjusted, document | mini]
            rig.start()
            await rig.read()
            chain = rig.newest(SPY)
        assert dict(chain.dropped) == {"adjusted": 2, "duplicate": 1}
        assert chain.total == len(chain) + 3
        assert chain.multiplier[chain.strike == 601.5].tolist() == [10.0]
        assert set(chain.multiplier[chain.strike != 601.5]) == {100.0}

    @pytest.mark.parametrize("kind", ["truncated", "trailing", "empty", "null", "list", "html", "nested", "types"])
    async def test_p4_p19_bodies_that_cannot_be_read(self, kind: str) -> None:
        async with rigged(market=few()) as rig:
            await rig.read()
            rig.venue.malform(kind)
            await rig.turn(700.0)
            assert rig.said()[0] is State.DEGRADED
            assert rig.rounds() == 1
            rig.venue.heal()
            await rig.turn(35.0, lambda: rig.rounds() == 2)

    @pytest.mark.parametrize("kind", ["words", "nan", "infinite", "huge", "negative", "zero", "strings"])
    async def test_d1_d2_numbers_that_are_none(self, kind: str) -> None:
        async with rigged(market=few()) as rig:
            await rig.read()
            rig.venue.malform(kind)
            await rig.turn(700.0)
            for chain in rig.chains[SPY]:
                for column in (chain.iv, chain.open_interest, chain.volume, chain.bid, chain.ask):
                    assert np.isfinite(column[~np.isnan(column)]).all()
                assert 100.0 < chain.spot < 10_000.0
                assert chain.total == len(chain) + sum(chain.dropped.values())


class TestFailingExpiries:
    async def test_one_that_fails_leaves_the_others_usable_and_keeps_what_was_known(self) -> None:
        async with rigged(market=few()) as rig:
            await rig.read()
            before = rig.newest(SPY)
            rig.venue.failing = {TODAY: 502}
            await rig.turn(700.0, lambda: rig.rounds() == 2)
            chain = rig.newest(SPY)
            words = f"no chain of {TODAY}, 1 kept as read at 10:00 New York: 127.0.0.1 answered HTTP 502"
            assert rig.said() == (State.DEGRADED, f"Tradier gave {words}")
            assert len(chain) == len(before)
            assert not chain.partial
            first, last = chain.expiry == 0, chain.expiry == 1
            np.testing.assert_array_equal(chain.bid[first], before.bid[first])
            assert not np.array_equal(chain.bid[last], before.bid[last])

    async def test_many_that_fail_in_a_row_do_not_keep_a_round_from_its_end(self) -> None:
        async with rigged(SPY, started=False) as rig:
            days = [f"2026-11-{day}" for day in (19, 20, 23, 24, 25)]
            rig.venue.failing = dict.fromkeys(days, 500)
            rig.start()
            await rig.turn(120.0, lambda: rig.rounds())
            state, detail = rig.said()
            assert state is State.DEGRADED
            assert detail.startswith("Tradier gave no chain of 2026-11-19 and 4 more, not in these numbers: ")
            chain = rig.newest(SPY)
            assert chain.partial  # shown, but neither recorded nor compared
            assert len(chain.expiries) == rig.status().connections[1].subscribed[0] > 5  # type: ignore[index]

    async def test_n8_a_venue_that_fails_is_asked_less_and_less(self) -> None:
        async with rigged(market=few()) as rig:
            await rig.read()
            rig.venue.answer_with(502, b"Bad Gateway", {"Content-Type": "text/html"})
            await rig.turn(600.0)
            now = rig.clock.seconds()
            await rig.turn(500.0)
            assert rig.said()[0] is State.DEGRADED
            assert "127.0.0.1 answered HTTP 502; next try in " in rig.said()[1]
            # The heartbeat and the round, each every half a minute.
            assert len(rig.venue.asked_since(now)) <= 50
            await rig.turn(200.0)
            assert rig.said()[0] is State.BACKOFF
            rig.venue.heal()
            await rig.turn(35.0, lambda: rig.rounds() == 2)
            assert rig.said()[0] is State.LIVE

    async def test_an_interrupted_round_is_gone_on_with(self) -> None:
        async with rigged(SPY) as rig:
            await rig.turn(30.0, lambda: rig.venue.calls["options/chains"] == 6)
            rig.venue.fail_next(504, 3)
            await rig.turn(60.0, lambda: rig.rounds())
            listed = len(rig.newest(SPY).expiries)
            assert rig.venue.calls["options/chains"] == listed + 3
            assert rig.venue.calls["quotes"] == 2


class TestQuota:
    async def test_p23_the_quota_is_never_spent(self) -> None:
        async with rigged(SPX, SPY, quota=20) as rig:
            await rig.turn(300.0, lambda: rig.rounds(SPX) and rig.rounds(SPY))
            assert rig.venue.calls.total() > 30
            at = [seconds for seconds, _ in rig.venue.asked]
            for begin in at:
                assert sum(begin <= seconds < begin + 60.0 for seconds in at) <= 20
            assert not any("limits us" in rig.said(ticker)[1] for ticker in (SPX, SPY))

    async def test_n9_over_the_quota_nothing_is_asked_until_the_window_ends(self) -> None:
        async with rigged(market=few()) as rig:
            await rig.read()
            ends = rig.clock.now() + 40.0
            headers = {
                "X-Ratelimit-Allowed": "120",
                "X-Ratelimit-Available": "0",
                "X-Ratelimit-Expiry": str(int(ends * 1000)),
            }
            rig.venue.answer_with(429, b"Quota Violation", headers)
            rig.source.refresh(SPY)
            await rig.turn(10.0)
            now = rig.clock.seconds()
            await rig.turn(25.0)
            assert rig.venue.asked_since(now) == []
            assert "limits us (HTTP 429)" in rig.said()[1]
            rig.venue.heal()
            await rig.turn(10.0, lambda: rig.rounds() == 2)

    @pytest.mark.parametrize("expiry", ["", "soon", "-5", "1e999", "99999999999999999999"])
    async def test_n10_headers_that_cannot_be_read(self, expiry: str) -> None:
        async with rigged(market=few()) as rig:
            await rig.read()
            headers = {
                "X-Ratelimit-Allowed": "120",
                "X-Ratelimit-Available": "0",
                "X-Ratelimit-Expiry": expiry,
                "Retry-After": "7",
            }
            rig.venue.answer_with(429, b"", headers)
            rig.source.refresh(SPY)
            await rig.turn(2.0)
            rig.venue.heal()
            await rig.turn(12.0, lambda: rig.rounds() == 2)


class TestNetwork:
    async def test_n1_refused_at_start_and_well_again(self) -> None:
        async with a_door() as door, rigged(market=few(), door=door) as rig:
            await rig.turn(20.0, lambda: rig.said()[0] is State.BACKOFF)
            assert rig.said()[1].startswith("127.0.0.1 refuses the connection; next try in ")
            assert rig.rounds() == 0
            await door.open(rig.venue.rest_url)
            await rig.turn(35.0, lambda: rig.rounds())
            assert rig.said()[0] is State.LIVE

    async def test_n2_a_reset_in_the_middle_of_a_round(self) -> None:
        async with rigged(SPY) as rig:
            await rig.turn(30.0, lambda: rig.venue.calls["options/chains"] == 4)
            rig.venue.reset()
            await rig.turn(60.0, lambda: rig.rounds())
            assert rig.said()[0] is State.LIVE


async def test_d17_times_of_the_future_and_of_1970() -> None:
    async with rigged(market=few(), started=False) as rig:
        later = int((THURSDAY + timedelta(hours=1)).timestamp() * 1000)
        rig.venue.alter = lambda row: row | {"bid_date": later, "ask_date": 12_345, "trade_date": later}
        rig.start()
        await rig.read()
        assert abs(rig.newest(SPY).as_of.timestamp() - rig.clock.now()) < 5.0
