"""Tastytrade's REST methods against a simulated Tastytrade: one login for all, and none too many."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from unittest.mock import patch

import numpy as np
import pytest

from gextui.secrets import Secret, redact
from gextui.simulator import tastytrade as simulated
from gextui.simulator.tastytrade import CLIENT_SECRET, REFRESH_TOKEN, SimulatedTastytrade
from gextui.sources import tastytrade_rest
from gextui.sources.failure import Failure, FetchError
from gextui.sources.tastytrade_rest import QUOTE_TOKEN_LASTS, TastytradeRest
from gextui.sources.venue_time import VenueTime
from tests.support.clock import FakeClock
from tests.support.http_server import plain, serving
from tests.support.rig import FewExpiries
from tests.support.tastytrade import SPY, THURSDAY


@asynccontextmanager
async def asking(
    secret: str = CLIENT_SECRET, url: str | None = None
) -> AsyncIterator[tuple[TastytradeRest, SimulatedTastytrade, FakeClock]]:
    clock = FakeClock(now=THURSDAY.timestamp())
    # No clock is turned here to let the limiter through.
    with patch.object(tastytrade_rest, "_CALLS", (1000.0, 1000.0)):
        async with (
            SimulatedTastytrade(FewExpiries(3, THURSDAY, [SPY]), clock=clock) as venue,
            TastytradeRest(
                url or venue.rest_url, Secret(secret), Secret(REFRESH_TOKEN), clock=clock, time=VenueTime(clock)
            ) as rest,
        ):
            yield rest, venue, clock


async def refused(call: Callable[[], object]) -> FetchError:
    with pytest.raises(FetchError) as caught:
        await call()  # type: ignore[misc]
    return caught.value


class TestAccess:
    async def test_p9_one_login_serves_all_who_ask_at_once(self) -> None:
        async with asking() as (rest, venue, _):
            await asyncio.gather(*(rest.listing("SPY", Counter()) for _ in range(3)), rest.quote_token())
            assert venue.calls["oauth/token"] == 1
            venue.expire_access()
            await asyncio.gather(*(rest.listing("SPY", Counter()) for _ in range(3)))
            assert venue.calls["oauth/token"] == 2
            assert rest.refused == ""

    async def test_it_is_renewed_when_less_than_a_minute_of_it_is_left(self) -> None:
        async with asking() as (rest, venue, clock):
            await rest.listing("SPY", Counter())
            await clock.advance(839.0)
            await rest.listing("SPY", Counter())
            assert venue.calls["oauth/token"] == 1
            await clock.advance(2.0)
            await rest.listing("SPY", Counter())
            assert venue.calls["oauth/token"] == 2
            assert venue.refused == 0

    async def test_n8_a_login_that_fails_is_not_tried_again_before_a_pause_that_doubles(self) -> None:
        """Whoever asks meanwhile hears what came of the last: each login sends the credentials."""
        attempts = []
        async with serving(plain("502 Bad Gateway")) as server, asking(url=server.url) as (rest, _, clock):
            for _ in range(300):
                said = len(server.heads)
                assert "HTTP 502" in str(await refused(rest.quote_token))
                if len(server.heads) > said:
                    attempts.append(clock.seconds())
                await clock.advance(0.5)
        pauses = np.diff(attempts)
        assert len(pauses) >= 5
        least = np.minimum(2.0 ** np.arange(len(pauses)), 60.0)
        assert (pauses >= least).all()
        assert (pauses <= 1.25 * least + 0.5).all()

    @pytest.mark.parametrize("lasts", [0, 30, None])
    async def test_access_that_says_nothing_good_of_its_life_is_used(self, lasts: int | None) -> None:
        async with asking() as (rest, venue, _):
            venue.expires_in = lasts
            await rest.listing("SPY", Counter())
            assert (venue.calls["oauth/token"], venue.calls["option-chains/SPY/nested"]) == (1, 1)

    async def test_a_renewed_refresh_token_is_used_from_then_on(self, caplog: pytest.LogCaptureFixture) -> None:
        async with asking() as (rest, venue, _):
            venue.rotates = True
            for number in range(1, 4):
                venue.expire_access()
                await rest.listing("SPY", Counter())
                assert venue.calls["oauth/token"] == number
            assert venue.refresh_token != REFRESH_TOKEN
            assert redact(venue.refresh_token) == "***"
            assert "make another grant before the next start" in caplog.messages[0]
            assert venue.refresh_token not in caplog.text

    async def test_expired_access_costs_one_more_try_and_no_more(self) -> None:
        async with asking() as (rest, venue, _):
            await rest.listing("SPY", Counter())
            venue.fail_next(401, "token_expired")
            assert len(await rest.listing("SPY", Counter()) or []) == 108
            assert (venue.calls["oauth/token"], venue.calls["option-chains/SPY/nested"]) == (2, 3)

    async def test_what_is_worth_nothing_any_more_need_not_be_hidden(self) -> None:
        async with asking() as (rest, venue, _):
            await rest.listing("SPY", Counter())
            assert redact("a-simulated-access-token-1") == "***"
            venue.expire_access()
            await rest.listing("SPY", Counter())
            assert redact("a-simulated-access-token-1 a-simulated-access-token-2") == "a-simulated-access-token-1 ***"


class TestRefusals:
    async def test_p10_a_revoked_token_is_tried_once(self) -> None:
        async with asking(secret="another-canary") as (rest, venue, clock):
            venue.echo = True
            error = await refused(rest.quote_token)
            assert str(error) == (
                "Tastytrade refuses the client secret and refresh token (invalid_grant); "
                "set valid ones and start again, or press r to try once more"
            )
            for _ in range(5):
                await clock.advance(3600.0)
                assert str(await refused(rest.quote_token)) == rest.refused == str(error)
            assert venue.calls == {"oauth/token": 1}
            # Somebody who asks gets one try more, and all is well once the venue takes them again.
            venue.client_secret = "another-canary"
            rest.try_once_more()
            assert (await rest.quote_token()).url == venue.ws_url
            assert (venue.calls["oauth/token"], rest.refused) == (2, "")

    @pytest.mark.parametrize(
        ("status", "body", "tries"),
        [
            ("400 Bad Request", b'{"error":"invalid_request"}', 3),
            ("400 Bad Request", b'{"error":{"code":"invalid_client"}}', 1),
            ("401 Unauthorized", b'{"error":"x"}', 1),
            ("403 Forbidden", b"{}", 1),
        ],
    )
    async def test_a_login_is_never_hammered(self, status: str, body: bytes, tries: int) -> None:
        async with serving(plain(status, body)) as server, asking(url=server.url) as (rest, _, clock):
            for _ in range(6):
                error = await refused(rest.quote_token)
                await clock.advance(100.0)
            assert len(server.heads) == tries
            assert error.status == 401
            assert rest.refused

    async def test_a_venue_in_trouble_is_no_refusal(self) -> None:
        async with asking() as (rest, venue, clock):
            for status in (502, 500, 503):
                venue.fail_next(status)
                assert (await refused(rest.quote_token)).status == status
                await clock.advance(10.0)
            venue.limit("30")
            assert (await refused(rest.quote_token)).failure is Failure.LIMITED
            venue.heal()
            await clock.advance(15.0)
            waiting = asyncio.create_task(rest.quote_token())
            await clock.advance(14.0)
            assert not waiting.done()
            await clock.advance(1.5)
            assert (await waiting).url == venue.ws_url
            assert rest.refused == ""

    async def test_access_that_is_never_good_is_given_up(self) -> None:
        async with asking() as (rest, venue, _):
            await rest.listing("SPY", Counter())
            venue.expire_access()
            with patch.object(simulated, "LIVES", 0):
                errors = [await refused(lambda: rest.listing("SPY", Counter())) for _ in range(4)]
            assert str(errors[0]) == "Tastytrade refuses the access that it has just given (HTTP 401)"
            assert rest.refused.startswith(str(errors[0]))
            # Two questions in each of three tries, and none in the fourth.
            assert venue.calls["option-chains/SPY/nested"] == 1 + 6

    async def test_who_is_no_customer_has_no_stream(self) -> None:
        async with asking() as (rest, venue, _):
            venue.customer = False
            errors = [str(await refused(rest.quote_token)) for _ in range(4)]
            assert errors[0] == "Tastytrade gives this login no stream (HTTP 404): only a customer has one"
            assert rest.refused.startswith(errors[0])
            assert venue.calls["api-quote-tokens"] == 3


class TestQuoteToken:
    async def test_it_is_kept_for_a_day_unless_the_stream_does_not_take_it(self) -> None:
        async with asking() as (rest, venue, clock):
            first = await rest.quote_token()
            assert (first.delayed, first.simulated) == (False, True)
            await clock.advance(QUOTE_TOKEN_LASTS - 10.0)
            assert await rest.quote_token() is first
            await clock.advance(20.0)
            second = await rest.quote_token()
            assert second is not first
            rest.quote_token_used(accepted=False)
            third = await rest.quote_token()
            assert third is not second
            rest.quote_token_used(accepted=True)
            assert venue.calls["api-quote-tokens"] == 3

    async def test_p10_a_stream_that_takes_none_is_asked_three_times(self) -> None:
        async with asking() as (rest, venue, _):
            for _ in range(3):
                await rest.quote_token()
                rest.quote_token_used(accepted=False)
            assert rest.refused.startswith("dxLink does not accept Tastytrade's quote tokens")
            await refused(rest.quote_token)
            assert venue.calls["api-quote-tokens"] == 3


async def test_x3_no_credential_is_ever_shown(caplog: pytest.LogCaptureFixture) -> None:
    canary = "canary-3f9"
    replies = [
        ("500 Internal Server Error", b"canary-3f9"),
        ("400 Bad Request", b'{"error":"invalid_grant","error_description":"canary-3f9"}'),
        ("403 Forbidden", b"<html>canary-3f9</html>"),
        ("302 Found", b"canary-3f9"),
        ("200 OK", b'{"access_token": 7, "you_sent": "canary-3f9"}'),
        ("200 OK", b'{"access_token": "canary-3f9"'),
    ]
    caplog.set_level(logging.DEBUG)
    for status, body in replies:
        async with serving(plain(status, body)) as server, asking(secret=canary, url=server.url) as (rest, _, _clock):
            error = await refused(rest.quote_token)
            for shown in (str(error), repr(error), rest.refused, repr(vars(rest))):
                assert canary not in shown
    assert canary not in caplog.text
