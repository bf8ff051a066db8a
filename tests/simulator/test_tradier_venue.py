"""The simulated Tradier speaks as Tradier does: shapes, statuses, headers; and it fails as it is told to."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from gextui.market.ticker import KNOWN_TICKERS
from gextui.simulator.http_venue import RecordedMarket
from gextui.simulator.market import SimulatedMarket
from gextui.simulator.tradier import TOKEN, TradierVenue
from tests.support.clock import FakeClock
from tests.support.tradier import new_york

SPX, SPY = KNOWN_TICKERS["SPX"], KNOWN_TICKERS["SPY"]
THURSDAY = new_york("2026-11-19", "10:00")


@pytest.fixture
async def venue() -> AsyncIterator[TradierVenue]:
    market = SimulatedMarket(5, THURSDAY, [SPX, SPY])
    still = RecordedMarket(market.chain(SPX), market.chain(SPY))
    async with TradierVenue(still, clock=FakeClock(THURSDAY.timestamp())) as venue:
        yield venue


async def ask(venue: TradierVenue, path: str, token: str = TOKEN, accept: str = "application/json") -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}", "Accept": accept}
    async with httpx.AsyncClient(headers=headers) as client:
        return await client.get(f"{venue.rest_url}/markets/{path}")


async def document(venue: TradierVenue, path: str) -> Any:
    answer = await ask(venue, path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json;charset=UTF-8"
    return answer.json()


async def test_a_chain_has_the_fields_of_a_captured_one(venue: TradierVenue) -> None:
    listed = (await document(venue, "options/expirations?symbol=SPX&includeAllRoots=true"))["expirations"]["date"]
    assert listed[:2] == ["2026-11-19", "2026-11-20"]
    path = "options/chains?symbol=SPX&expiration=2026-11-20"
    rows = (await document(venue, f"{path}&greeks=true"))["options"]["option"]
    assert {row["root_symbol"] for row in rows} == {"SPX", "SPXW"}
    assert {row["expiration_date"] for row in rows} == {"2026-11-20"}
    row = next(row for row in rows if row["symbol"] == "SPXW261120C06500000")
    assert row["description"] == "SPXW Nov 20 2026 $6500.00 Call"
    assert (row["strike"], row["contract_size"], row["option_type"]) == (6500.0, 100, "call")
    assert row["bid_date"] == int(THURSDAY.timestamp() * 1000)
    assert row["greeks"]["updated_at"] == "2026-11-19 15:00:06"
    assert any(row["greeks"] is None for row in rows)
    assert "greeks" not in (await document(venue, path))["options"]["option"][0]


async def test_collections_of_one_and_of_none(venue: TradierVenue) -> None:
    assert await document(venue, "options/expirations?symbol=NOPE") == {"expirations": None}
    assert await document(venue, "options/chains?symbol=SPY&expiration=2026-11-21&greeks=true") == {"options": None}
    venue.alone = True
    one = await document(venue, "options/chains?symbol=SPY&expiration=2026-11-20&greeks=true")
    assert one["options"]["option"]["underlying"] == "SPY"
    assert (await document(venue, "quotes?symbols=SPY"))["quotes"]["quote"]["symbol"] == "SPY"
    both = (await document(venue, "quotes?symbols=SPY,SPX,NOPE"))["quotes"]
    assert [quote["symbol"] for quote in both["quote"]] == ["SPY", "SPX"]
    assert both["unmatched_symbols"] == {"symbol": "NOPE"}
    assert await document(venue, "quotes?symbols=NOPE") == {"quotes": {"unmatched_symbols": {"symbol": "NOPE"}}}


@pytest.mark.parametrize(
    ("now", "state", "change", "following"),
    [
        ("2026-11-19 10:00", "open", "16:00", "postmarket"),
        ("2026-11-19 09:00", "premarket", "09:30", "open"),
        ("2026-11-27 12:00", "open", "13:00", "postmarket"),
        ("2026-11-21 12:00", "closed", "04:00", "premarket"),
    ],
)
async def test_the_clock(venue: TradierVenue, now: str, state: str, change: str, following: str) -> None:
    venue.skew(datetime.fromisoformat(now).replace(tzinfo=THURSDAY.tzinfo).timestamp() - THURSDAY.timestamp())
    clock = (await document(venue, "clock"))["clock"]
    assert (clock["date"], clock["state"]) == (now[:10], state)
    assert (clock["next_change"], clock["next_state"]) == (change, following)


async def test_the_calendar(venue: TradierVenue) -> None:
    month = (await document(venue, "calendar?month=11&year=2026"))["calendar"]
    days = {day["date"]: day for day in month["days"]["day"]}
    assert len(days) == 30
    assert days["2026-11-26"]["status"] == days["2026-11-28"]["status"] == "closed"
    assert "open" not in days["2026-11-26"]
    assert days["2026-11-27"]["open"] == {"start": "09:30", "end": "13:00"}
    assert days["2026-11-25"]["open"]["end"] == "16:00"


async def test_refusals(venue: TradierVenue) -> None:
    answer = await ask(venue, "clock", token="wrong")
    assert (answer.status_code, answer.text) == (401, "Invalid Access Token")
    assert answer.headers["content-type"] == "text/plain"
    venue.echo = True
    assert (await ask(venue, "clock", token="wrong")).text == "Invalid Access Token: wrong"
    assert venue.refused == 2
    answer = await ask(venue, "options/chains?symbol=SPX&expiration=soon")
    assert (answer.status_code, answer.text[:30]) == (400, "Invalid parameter, expiration:")
    assert (await ask(venue, "nothing")).status_code == 404
    assert (await ask(venue, "clock", accept="*/*")).headers["content-type"] == "application/xml"
    venue.failing = {"2026-11-20": 504}
    assert (await ask(venue, "options/chains?symbol=SPX&expiration=2026-11-20")).status_code == 504
    venue.fail_next(502)
    assert [(await ask(venue, "clock")).status_code for _ in range(2)] == [502, 200]


async def test_the_quota_of_a_minute(venue: TradierVenue) -> None:
    venue.quota = 2
    answers = [await ask(venue, "clock") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["x-ratelimit-available"] for answer in answers] == ["1", "0", "0"]
    assert answers[0].headers["x-ratelimit-allowed"] == "2"
    ends = int(answers[0].headers["x-ratelimit-expiry"]) / 1000
    assert ends == THURSDAY.timestamp() + 60.0
    assert datetime.fromtimestamp(ends, UTC).minute == 1
    venue.skew(60.0)
    assert (await ask(venue, "clock")).status_code == 200


async def test_heal_ends_every_fault(venue: TradierVenue) -> None:
    venue.echo = venue.alone = venue.closed_today = True
    venue.failing, venue.empty, venue.added = {"2026-11-20": 500}, {"2026-11-19"}, [{}]
    venue.fail_next(500, 5)
    venue.heal()
    assert (await document(venue, "clock"))["clock"]["state"] == "open"
    for day in ("2026-11-19", "2026-11-20"):
        rows = (await document(venue, f"options/chains?symbol=SPX&expiration={day}&greeks=true"))["options"]["option"]
        assert len(rows) > 10
        assert {} not in rows
