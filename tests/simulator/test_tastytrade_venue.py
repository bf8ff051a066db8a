"""The simulated Tastytrade speaks REST as Tastytrade does: logins, envelopes, chains; and fails as it is told to."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gextui.market.ticker import KNOWN_TICKERS
from gextui.simulator.http_venue import RecordedMarket
from gextui.simulator.market import SimulatedMarket
from gextui.simulator.tastytrade import CLIENT_SECRET, REFRESH_TOKEN, SimulatedTastytrade
from tests.simulator.test_deribit_shapes import assert_alike
from tests.support.clock import FakeClock
from tests.support.tradier import new_york

SPX, SPY, BTC = (KNOWN_TICKERS[symbol] for symbol in ("SPX", "SPY", "BTC"))
THURSDAY = new_york("2026-11-19", "10:00")
GRANT = {"grant_type": "refresh_token", "client_secret": CLIENT_SECRET, "refresh_token": REFRESH_TOKEN}


@pytest.fixture
async def venue() -> AsyncIterator[SimulatedTastytrade]:
    market = SimulatedMarket(5, THURSDAY, [SPX, SPY, BTC])
    still = RecordedMarket(*map(market.chain, market.tickers))
    async with SimulatedTastytrade(still, clock=FakeClock(THURSDAY.timestamp())) as venue:
        yield venue


@pytest.fixture
def samples(shared: Path) -> Path:
    folder = shared / "wire" / "samples" / "tastytrade"
    if not folder.is_dir():
        pytest.skip("the captures are not here")
    return folder


def load(path: Path) -> Any:
    return json.loads(path.read_text())


async def ask(
    venue: SimulatedTastytrade, path: str, bearer: str = "", agent: str = "gextui/0.1", **sent: Any
) -> httpx.Response:
    headers = {"User-Agent": agent} | ({"Authorization": f"Bearer {bearer}"} if bearer else {})
    async with httpx.AsyncClient(headers=headers, trust_env=False) as client:
        return await client.request("POST" if sent else "GET", f"{venue.rest_url}/{path}", **sent)


async def log_in(venue: SimulatedTastytrade, **changed: str) -> httpx.Response:
    return await ask(venue, "oauth/token", json=GRANT | changed)


async def data(venue: SimulatedTastytrade, path: str) -> Any:
    bearer = (await log_in(venue)).json()["access_token"]
    answer = await ask(venue, path, bearer)
    assert answer.status_code == 200, answer.text
    assert answer.json()["context"] == f"/{path.partition('?')[0]}"
    return answer.json()["data"]


class TestLogin:
    async def test_by_json_and_by_form(self, venue: SimulatedTastytrade) -> None:
        first = await log_in(venue)
        assert first.json() == {
            "access_token": "a-simulated-access-token-1",
            "token_type": "Bearer",
            "expires_in": 900,
        }
        form = await ask(venue, "oauth/token", data=GRANT)
        assert form.json()["access_token"] == "a-simulated-access-token-2"
        for bearer in (first.json()["access_token"], form.json()["access_token"]):
            assert (await ask(venue, "api-quote-tokens", bearer)).status_code == 200

    @pytest.mark.parametrize(
        "changed", [{"refresh_token": "old"}, {"client_secret": "another"}, {"grant_type": "password"}]
    )
    async def test_refused(self, venue: SimulatedTastytrade, changed: dict[str, str]) -> None:
        answer = await log_in(venue, **changed)
        assert (answer.status_code, answer.json()["error"], venue.refused) == (400, "invalid_grant", 1)
        assert not any(secret in answer.text for secret in GRANT.values())
        venue.echo = True
        assert next(iter(changed.values())) in (await log_in(venue, **changed)).text

    async def test_a_body_that_cannot_be_read_is_refused(self, venue: SimulatedTastytrade) -> None:
        json_ = {"Content-Type": "application/json"}
        async with httpx.AsyncClient(headers=json_, trust_env=False) as client:
            answer = await client.post(f"{venue.rest_url}/oauth/token", content=b"{")
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
        assert (await ask(venue, "oauth/token")).status_code == 400

    async def test_life_as_it_is_said(self, venue: SimulatedTastytrade) -> None:
        venue.expires_in = 0
        assert (await log_in(venue)).json()["expires_in"] == 0
        venue.expires_in = None
        assert "expires_in" not in (await log_in(venue)).json()

    async def test_a_rotated_refresh_token_replaces_the_old_one(self, venue: SimulatedTastytrade) -> None:
        venue.rotates = True
        rotated = (await log_in(venue)).json()["refresh_token"]
        assert (await log_in(venue)).status_code == 400
        assert (await log_in(venue, refresh_token=rotated)).status_code == 200

    async def test_an_access_token_lives_a_quarter_of_an_hour(self, venue: SimulatedTastytrade) -> None:
        bearer = (await log_in(venue)).json()["access_token"]
        venue.skew(899.0)
        assert (await ask(venue, "api-quote-tokens", bearer)).status_code == 200
        venue.skew(900.0)
        old = await ask(venue, "api-quote-tokens", bearer)
        assert (old.status_code, old.json()["error"]["code"]) == (401, "token_expired")
        bearer = (await log_in(venue)).json()["access_token"]
        venue.expire_access()
        assert (await ask(venue, "api-quote-tokens", bearer)).json()["error"]["code"] == "token_expired"

    @pytest.mark.parametrize("agent", ["", "gextui", "Mozilla/5.0"])
    async def test_nobody_is_heard_without_a_name(self, venue: SimulatedTastytrade, agent: str) -> None:
        assert (await ask(venue, "oauth/token", agent=agent, json=GRANT)).status_code == 401

    async def test_nobody_is_heard_without_a_token(self, venue: SimulatedTastytrade) -> None:
        answer = await ask(venue, "option-chains/SPX/nested", "a-simulated-access-token-9")
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "token_invalid")
        assert (await ask(venue, "option-chains/SPX/nested")).status_code == 401


class TestChains:
    async def test_two_roots_of_spx(self, venue: SimulatedTastytrade, samples: Path) -> None:
        items = (await data(venue, "option-chains/SPX/nested"))["items"]
        captured = load(samples / "nested_option_chain_SPX_two_roots_handwritten.json")["data"]["items"]
        assert_alike(items, captured)
        assert_alike(items[0]["expirations"], captured[0]["expirations"])
        assert_alike(items[0]["expirations"][0]["strikes"], captured[0]["expirations"][0]["strikes"])
        assert [(item["root-symbol"], item["expirations"][0]["settlement-type"]) for item in items] == [
            ("SPX", "AM"),
            ("SPXW", "PM"),
        ]
        monthly, weekly = items[0]["expirations"][0], items[1]["expirations"][0]
        assert (monthly["expiration-date"], monthly["expiration-type"]) == ("2026-11-20", "Regular")
        assert (weekly["expiration-date"], weekly["days-to-expiration"]) == ("2026-11-19", 0)
        assert next(strike for strike in weekly["strikes"] if strike["strike-price"] == "6600.0") == {
            "strike-price": "6600.0",
            "call": "SPXW  261119C06600000",
            "call-streamer-symbol": ".SPXW261119C6600",
            "put": "SPXW  261119P06600000",
            "put-streamer-symbol": ".SPXW261119P6600",
        }

    async def test_one_root_of_spy(self, venue: SimulatedTastytrade, samples: Path) -> None:
        (item,) = (await data(venue, "option-chains/SPY/nested"))["items"]
        (captured,) = load(samples / "nested-option-chain.json")["items"]
        assert_alike([item], [captured])
        assert_alike(item["deliverables"], captured["deliverables"])
        assert_alike(item["expirations"], captured["expirations"])
        assert sum(len(expiration["strikes"]) for expiration in item["expirations"]) * 2 == len(venue.market.chain(SPY))

    async def test_what_a_careful_client_must_bear(self, venue: SimulatedTastytrade) -> None:
        venue.adjusted = True
        venue.alter = lambda strike: {key: text for key, text in strike.items() if not key.startswith("put")}
        standard, other = (await data(venue, "option-chains/SPY/nested"))["items"]
        assert (other["root-symbol"], other["option-chain-type"]) == ("SPY1", "Non-standard")
        strike, same = (item["expirations"][0]["strikes"][0] for item in (standard, other))
        assert set(strike) == {"strike-price", "call", "call-streamer-symbol"}
        assert same["call"] == f"SPY1  {strike['call'][6:]}"
        assert same["call-streamer-symbol"] == strike["call-streamer-symbol"].replace("SPY", "SPY1")

    @pytest.mark.parametrize("symbol", ["NOPE", "BTC", "%2FESZ6"])
    async def test_what_it_does_not_know(self, venue: SimulatedTastytrade, symbol: str) -> None:
        bearer = (await log_in(venue)).json()["access_token"]
        answer = await ask(venue, f"option-chains/{symbol}/nested", bearer)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "record_not_found")


class TestTheRest:
    async def test_quote_tokens(self, venue: SimulatedTastytrade, samples: Path) -> None:
        token = await data(venue, "api-quote-tokens")
        captured = load(samples / "api_quote_tokens_sandbox.json")["data"]
        assert_alike([token], [captured], without=["simulated"])
        assert token["simulated"] is True
        assert (token["level"], token["dxlink-url"]) == ("api", f"ws://127.0.0.1:{venue._port}/realtime")
        assert venue.feed.takes(token["token"])
        venue.feed.level = "demo"
        token = await data(venue, "api-quote-tokens")
        assert (token["level"], token["dxlink-url"]) == ("demo", f"ws://127.0.0.1:{venue._port}/delayed")
        venue.customer = False
        bearer = (await log_in(venue)).json()["access_token"]
        refused = (await ask(venue, "api-quote-tokens", bearer)).json()["error"]
        assert refused["code"] == "quote_streamer.customer_not_found_error"

    async def test_prices_but_not_in_the_sandbox(self, venue: SimulatedTastytrade) -> None:
        spx, spy = (await data(venue, "market-data/by-type?index=SPX&equity=SPY,NOPE"))["items"]
        assert (spx["symbol"], spx["instrument-type"], spy["symbol"]) == ("SPX", "Index", "SPY")
        assert spx["last"] == str(venue.market.chain(SPX).spot)
        assert spy["prev-close"] == str(venue.market.chain(SPY).previous_close)
        assert not spy["is-trading-halted"]
        venue.feed.level = "demo"
        bearer = (await log_in(venue)).json()["access_token"]
        assert (await ask(venue, "market-data/by-type?index=SPX", bearer)).status_code == 502

    async def test_the_session(self, venue: SimulatedTastytrade, samples: Path) -> None:
        path = "market-time/sessions/current?instrument-collections[]=Equity"
        (session,) = (await data(venue, path))["items"]
        assert_alike([session], [load(samples / "market-session-current.json")])
        assert (session["state"], session["open-at"]) == ("Open", "2026-11-19T14:30:00.000+00:00")
        assert session["next-session"]["session-date"] == "2026-11-20"
        venue.skew(9 * 3600.0)
        (session,) = (await data(venue, path))["items"]
        assert (session["state"], session["previous-session"]["session-date"]) == ("Extended", "2026-11-19")
        days = await data(venue, "market-time/equities/holidays")
        assert "2026-11-26" in days["market-holidays"]
        assert "2026-11-27" in days["market-half-days"]

    async def test_it_fails_as_it_is_told_to(self, venue: SimulatedTastytrade, samples: Path) -> None:
        bearer = (await log_in(venue)).json()["access_token"]
        venue.fail_next(403, "not_permitted", "User not permitted access")
        answer = await ask(venue, "api-quote-tokens", bearer)
        assert (answer.status_code, answer.json()) == (403, load(samples / "error_responses.json")[0])
        venue.failing = {"SPX": 502}
        assert (await ask(venue, "option-chains/SPX/nested", bearer)).status_code == 502
        assert (await ask(venue, "nothing", bearer)).status_code == 404
        venue.limit()
        answer = await ask(venue, "api-quote-tokens", bearer)
        assert answer.status_code == 429
        assert "retry-after" not in answer.headers
        venue.expires_in, venue.customer, venue.rotates, venue.adjusted = None, False, True, True
        venue.fail_next(500)
        venue.heal()
        assert len((await data(venue, "option-chains/SPX/nested"))["items"]) == 2
        assert (await log_in(venue)).json().keys() == {"access_token", "token_type", "expires_in"}
