"""The simulated Cboe serves what Cboe serves: names, headers, quirks of the evening; and it fails as it is told to."""

import gzip
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from gextui.market.ticker import KNOWN_TICKERS
from gextui.simulator.cboe import CboeVenue
from gextui.simulator.http_venue import RecordedMarket
from gextui.simulator.market import SimulatedMarket
from gextui.sources.cboe import decode_delayed_quotes
from tests.support.cboe import IN_SESSION, SPX, SPY, new_york
from tests.support.clock import FakeClock

BTC = KNOWN_TICKERS["BTC"]


@pytest.fixture
async def venue() -> AsyncIterator[CboeVenue]:
    market = SimulatedMarket(5, IN_SESSION, [SPX, SPY, BTC])
    still = RecordedMarket(*(market.chain(ticker) for ticker in market.tickers))
    async with CboeVenue(still, clock=FakeClock(IN_SESSION.timestamp())) as venue:
        yield venue


async def ask(venue: CboeVenue, name: str, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient() as client:
        return await client.get(f"{venue.rest_url}/options/{name}.json", headers=headers)


async def document(venue: CboeVenue, name: str) -> Any:
    answer = await ask(venue, name)
    assert answer.status_code == 200
    return answer.json()


def shape(value: Any) -> Any:
    """The keys of a document and the kinds of what they hold."""
    if isinstance(value, dict):
        return {key: shape(held) for key, held in value.items()}
    if isinstance(value, list):
        return [shape(value[0])]
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


async def test_a_file_has_the_shape_of_a_captured_one(venue: CboeVenue, shared: Path) -> None:
    captured = json.loads((shared / "wire/samples/cboe/options_AAPL_2026-07-25T034438Z.json").read_text())
    made = await document(venue, "SPY")
    assert made.pop("simulated") is True
    captured["data"]["options"] = [row for row in captured["data"]["options"] if row["last_trade_time"]]
    made["data"]["options"] = [row for row in made["data"]["options"] if row["last_trade_time"]]
    assert shape(made) == shape(captured)
    assert made["timestamp"] == "2026-11-19 16:00:00", "UTC"
    assert made["data"]["last_trade_time"] == "2026-11-19T10:45:00", "New York, a quarter of an hour late"


async def test_names_of_indices_and_what_is_not_there(venue: CboeVenue) -> None:
    spx = await document(venue, "_SPX")
    assert (spx["symbol"], spx["data"]["symbol"], spx["data"]["security_type"]) == ("_SPX", "^SPX", "index")
    assert {row["option"][:-15] for row in spx["data"]["options"]} == {"SPX", "SPXW"}
    for name in ("SPX", "_SPY", "BTC", "NOBODY"):
        answer = await ask(venue, name)
        assert (answer.status_code, answer.headers["content-type"]) == (403, "application/xml")
    assert venue.calls["NOBODY"] == 1


async def test_numbers_are_rounded_as_the_venue_rounds_them(venue: CboeVenue) -> None:
    rows = (await document(venue, "_SPX"))["data"]["options"]
    assert all(isinstance(row[key], float) for row in rows for key in ("bid", "iv", "open_interest", "volume"))
    assert all(round(row["gamma"], 4) == row["gamma"] for row in rows)
    assert len({row["gamma"] for row in rows}) < 150
    assert any(row["iv"] == 0.0 for row in rows), "0 stands for none"
    calls = [row for row in rows if row["option"][-9] == "C" and row["iv"]]
    assert all(0.0 <= row["delta"] <= 1.0 and row["rho"] >= 0.0 for row in calls)


async def test_a_tag_and_gzip(venue: CboeVenue) -> None:
    answer = await ask(venue, "SPY")
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["cache-control"] == "max-age=0, s-maxage=5"
    tag = answer.headers["etag"]
    assert tag.startswith('W/"')
    again = await ask(venue, "SPY", **{"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    assert venue.unchanged == 1
    other = await ask(venue, "SPY", **{"Accept-Encoding": "identity"})
    assert "content-encoding" not in other.headers
    assert other.content == answer.content


async def test_files_are_made_anew_each_minute_and_quotes_are_late() -> None:
    clock = FakeClock(IN_SESSION.timestamp())
    async with CboeVenue(SimulatedMarket(5, IN_SESSION, [SPY]), clock=clock) as venue:
        truth = [venue.market.chain(SPY).spot]
        first = (await document(venue, "SPY"))["data"]["current_price"]
        assert first == truth[0], "before so much has passed, the first"
        for minute in range(1, 18):
            await clock.advance(60.0)
            truth.append(venue.market.chain(SPY).spot)
            made = await document(venue, "SPY")
            assert made["timestamp"] == f"2026-11-19 16:{minute:02d}:00"
            assert made["data"]["current_price"] == truth[max(0, minute - 15)]
        assert len(set(truth)) > 10


async def test_what_expired_stays_until_tomorrow_and_the_index_stands_still() -> None:
    start = new_york("2026-11-20 15:40")
    clock = FakeClock(start.timestamp())
    async with CboeVenue(SimulatedMarket(5, start, [SPX]), clock=clock, delay=0.0) as venue:

        async def at(text: str) -> Any:
            await clock.advance(new_york(text).timestamp() - clock.now())
            return await document(venue, "_SPX")

        open_file = await at("2026-11-20 15:50")
        today = {row["option"] for row in open_file["data"]["options"] if row["option"].startswith("SPXW261120")}
        assert len(today) > 20
        later = await at("2026-11-20 16:30")
        assert today <= {row["option"] for row in later["data"]["options"]}
        assert later["data"]["last_trade_time"] == "2026-11-20T16:14:00"
        closed = later["data"]["current_price"]
        assert closed != venue.market.chain(SPX).spot
        assert (await at("2026-11-20 17:30"))["data"]["prev_day_close"] != closed
        evening = await at("2026-11-20 20:46")
        assert (evening["data"]["current_price"], evening["data"]["prev_day_close"]) == (closed, closed), (
            "it has rolled"
        )
        assert evening["data"]["price_change"] == later["data"]["price_change"]
        assert evening["data"]["options"] == (await at("2026-11-20 21:00"))["data"]["options"], "a Friday night"
        assert evening["timestamp"].startswith("2026-11-21"), "the day in UTC"


async def test_recorded_bodies_are_served_as_they_are(venue: CboeVenue) -> None:
    venue.recorded["_SPX"] = b'{"recorded":1}'
    assert await document(venue, "_SPX") == {"recorded": 1}


async def test_recorded_chains_are_served_too(shared: Path) -> None:
    body = gzip.decompress((shared / "wire/samples/cboe/_SPX_derived_from_csv_2023-09-04.json.gz").read_bytes())
    chain = decode_delayed_quotes(body).chain("recorded", rate=0.05)
    async with CboeVenue(RecordedMarket(chain), clock=FakeClock()) as venue:
        answer = await ask(venue, "_SPX")
    again = decode_delayed_quotes(answer.content).chain("recorded")
    assert (len(again), again.spot, again.as_of) == (len(chain), chain.spot, chain.as_of)
    for name in ("expiries", "root", "strike", "is_call", "open_interest", "volume", "bid", "ask", "iv"):
        np.testing.assert_array_equal(getattr(again, name), getattr(chain, name), err_msg=name)


async def test_faults(venue: CboeVenue) -> None:
    clock = venue.clock
    whole = len((await document(venue, "SPY"))["data"]["options"])

    async def next_file() -> Any:
        for book in venue._books.values():
            book.file = None
        return await document(venue, "SPY")

    venue.wipe("open_interest", "iv")
    assert {(row["open_interest"], row["iv"]) for row in (await next_file())["data"]["options"]} == {(0.0, 0.0)}
    venue.heal()
    venue.halve()
    assert len((await next_file())["data"]["options"]) == whole // 2
    venue.heal()
    venue.adjusted = venue.without_dates = True
    made = await next_file()
    assert {row["option"][:-15] for row in made["data"]["options"]} == {"SPY", "SPY1"}
    assert made["timestamp"] == "16:00:00"
    venue.cut_short()
    with pytest.raises(json.JSONDecodeError):
        (await ask(venue, "SPY")).json()
    venue.heal()
    venue.ban()
    banned = await ask(venue, "SPY")
    assert (banned.status_code, banned.headers["content-type"]) == (403, "text/html")
    venue.redirect("http://127.0.0.1:1/")
    assert (await ask(venue, "SPY")).headers["location"] == "http://127.0.0.1:1/"
    venue.heal()
    venue.stall()
    before = (await ask(venue, "SPY")).headers["etag"]
    assert clock.now() == IN_SESSION.timestamp()
    assert (await ask(venue, "SPY")).headers["etag"] == before
    assert datetime.fromtimestamp(venue.now(), UTC) == IN_SESSION
