"""Recorded bodies of Yahoo's, served over loopback to the live source: it reads what the reader of files reads."""

import json
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gextui.exposure.board import build_board
from gextui.market.calendar import NEW_YORK
from gextui.market.chain import OptionChain
from gextui.market.ticker import Kind, Ticker, ticker_for
from gextui.simulator.http_venue import RecordedMarket
from gextui.simulator.yahoo_rows import days_of
from gextui.sources.files import read_chains
from gextui.sources.source import SourceState
from gextui.sources.yahoo import decode_options
from gextui.sources.yahoo_book import RECHECK_EVERY
from tests.support.yahoo import RATE, rigged

State = SourceState
IN_SESSION = datetime(2026, 7, 10, 11, 0, tzinfo=NEW_YORK)


def sample(shared: Path, name: str) -> dict[str, Any]:
    recording = json.loads((shared / f"wire/samples/yahoo/options-{name}.json").read_text())
    body: dict[str, Any] = recording["response"]["bodyJson"]
    return body


def merged(shared: Path, name: str) -> OptionChain:
    (chain,) = read_chains(shared / f"data/yahoo/merged/{name}.json")
    return chain


def same(chain: OptionChain, offline: OptionChain) -> None:
    """Both hold the same contracts with the same numbers; a blank volume and none at all are one to Yahoo."""
    assert chain.roots == offline.roots
    assert chain.spot == offline.spot
    for column in (
        "expiries",
        "root",
        "expiry",
        "strike",
        "is_call",
        "iv",
        "open_interest",
        "bid",
        "ask",
        "multiplier",
    ):
        np.testing.assert_array_equal(getattr(chain, column), getattr(offline, column), err_msg=column)
    np.testing.assert_array_equal(np.nan_to_num(chain.volume), np.nan_to_num(offline.volume))


@pytest.mark.parametrize("name", ["QQQ_2026-07-09_good", "QQQ_2026-07-12", "SPX_2026-07-12", "IBIT_2026-07-12"])
async def test_a_good_chain(shared: Path, name: str) -> None:
    offline = merged(shared, name)
    async with rigged(offline.ticker, market=RecordedMarket(offline), start=offline.as_of) as rig:
        await rig.whole(offline.ticker, within=120.0)
        chain = rig.newest(offline.ticker)
    same(chain, offline)
    assert not any("reset" in note for note in chain.notes if "just listed" not in note)
    as_read = replace(offline, as_of=chain.as_of, rate=RATE)
    ours, theirs = build_board(chain), build_board(as_read)
    assert not ours.wiped
    assert ours.totals.net_gex == theirs.totals.net_gex
    assert ours.levels == theirs.levels
    assert ours.coverage == theirs.coverage


async def test_a_broken_chain_is_refused(shared: Path) -> None:
    broken = merged(shared, "QQQ_2026-07-10_BROKEN_OI_IV")
    assert build_board(broken).wiped
    async with rigged(broken.ticker, market=RecordedMarket(broken), start=broken.as_of) as rig:
        await rig.turn(60.0, lambda: rig.asked == len(broken.expiries))
        await rig.turn(5.0)
        assert rig.chains[broken.ticker] == []
        assert (rig.status().state, rig.status().detail) == (
            State.DEGRADED,
            "Yahoo has reset its quotes and implied volatilities, as it does overnight",
        )


async def test_a_broken_chain_after_a_good_one_changes_nothing(shared: Path) -> None:
    good, broken = merged(shared, "QQQ_2026-07-09_good"), merged(shared, "QQQ_2026-07-10_BROKEN_OI_IV")
    ticker = good.ticker
    async with rigged(ticker, market=RecordedMarket(good), start=good.as_of) as rig:
        await rig.whole(ticker)
        before = rig.newest(ticker)
        rig.venue.market = RecordedMarket(broken)
        await rig.leap((broken.as_of - good.as_of).total_seconds())
        rig.source.refresh(ticker)
        await rig.turn(60.0, lambda: rig.asked == 2 * len(good.expiries))
        await rig.turn(5.0)
        chain = rig.newest(ticker)
    assert chain is not before
    same(chain, before)
    assert len(chain.notes) == 2
    assert all(
        "12 expiries (2026-07-10 to 2026-08-14) are as read at 2026-07-10 02:56 UTC" in note for note in chain.notes
    )
    assert not build_board(chain).wiped


@pytest.mark.parametrize("name", ["QQQ", "AAPL", "SPOT"])
async def test_bodies_of_before_the_open_are_refused(shared: Path, name: str) -> None:
    body = sample(shared, name)
    quote = body["optionChain"]["result"][0]["quote"]
    ticker = ticker_for(name, {"ETF": Kind.ETF}.get(quote["quoteType"], Kind.STOCK))
    [offline] = decode_options(json.dumps(body).encode())
    assert build_board(offline.chain("file")).wiped
    start = datetime.fromtimestamp(quote["preMarketTime"] + 60, NEW_YORK)
    async with rigged(ticker, market=RecordedMarket(offline.chain("file")), start=start, started=False) as rig:
        nearest = days_of(offline.chain("file"))[0]
        rig.venue.bodies = {(name, None): json.dumps(body).encode(), (name, nearest): json.dumps(body).encode()}
        rig.start()
        await rig.turn(60.0, lambda: rig.asked >= 2)
        await rig.turn(40.0)
        assert rig.chains[ticker] == []
        assert rig.status().state is State.DEGRADED
        assert rig.status().detail.startswith("Yahoo has reset")
        assert rig.rejected(ticker)["reset"] == 1


async def test_a_body_of_a_session_is_read_as_offline(shared: Path) -> None:
    """The recorded body with the quotes, IVs and open interest that a session has; the rest is as it was sent."""
    body = sample(shared, "AAPL")
    result = body["optionChain"]["result"][0]
    result["expirationDates"] = result["expirationDates"][:1]
    for number, contract in enumerate(result["options"][0]["calls"] + result["options"][0]["puts"]):
        contract |= {"bid": 1.0 + number, "ask": 1.5 + number, "openInterest": 1000 + number}
        contract["impliedVolatility"] = 0.2 + number / 1000.0
    data = json.dumps(body).encode()
    [capture] = decode_options(data)
    offline = capture.chain("file", rate=RATE)
    ticker = ticker_for("AAPL")
    start = offline.as_of + timedelta(seconds=60)
    async with rigged(ticker, market=RecordedMarket(offline), start=start, started=False) as rig:
        rig.venue.bodies = {("AAPL", None): data}
        rig.start()
        await rig.turn(10.0, lambda: rig.chains[ticker])
        chain = rig.newest(ticker)
    same(chain, offline)
    assert chain.as_of == offline.as_of
    assert chain.previous_close == offline.previous_close == 245.83
    np.testing.assert_array_equal(chain.volume, offline.volume)


@pytest.mark.parametrize(
    ("name", "ticker"),
    [
        ("BTC-USD", Ticker("BTC-USD", "Bitcoin", Kind.STOCK, "yahoo")),
        ("ADH", Ticker("ADH", "A fund", Kind.STOCK, "yahoo")),
        ("_caret_VXAPL", Ticker("VXAPL", "An index", Kind.INDEX, "yahoo")),
    ],
)
async def test_symbols_without_options(shared: Path, name: str, ticker: Ticker) -> None:
    body = json.dumps(sample(shared, name)).encode()
    symbol = name.replace("_caret_", "^")
    good = merged(shared, "ETHA_2026-07-12")
    async with rigged(ticker, market=RecordedMarket(good), start=IN_SESSION, started=False) as rig:
        rig.venue.bodies = {(symbol, None): body}
        rig.start()
        await rig.turn(10.0, lambda: rig.status().state is State.DISABLED)
        assert rig.status().detail == f"Yahoo lists no options on {ticker.symbol}"
        await rig.turn(60.0)
        assert rig.asked == 1


async def test_a_listing_of_the_past_points_to_the_clock(shared: Path) -> None:
    body = json.dumps(sample(shared, "QQQ")).encode()
    good = merged(shared, "ETHA_2026-07-12")
    ticker = ticker_for("QQQ")
    start = datetime(2030, 1, 7, 11, 0, tzinfo=NEW_YORK)
    async with rigged(ticker, market=RecordedMarket(good), start=start, started=False) as rig:
        rig.venue.bodies = {("QQQ", None): body}
        rig.start()
        await rig.turn(10.0, lambda: rig.status().detail)
        words = "all that Yahoo lists of QQQ has expired; is this machine's clock right?"
        assert (rig.status().state, rig.status().detail) == (State.BACKOFF, words)


async def test_an_expiry_that_is_over_has_no_contracts(shared: Path) -> None:
    body = sample(shared, "AAPL-expire-2022-03-01")
    good = merged(shared, "ETHA_2026-07-12")
    ticker = ticker_for("AAPL")
    start = datetime(2025, 2, 24, 4, 25, tzinfo=NEW_YORK)
    async with rigged(ticker, market=RecordedMarket(good), start=start, started=False) as rig:
        days = [date.fromisoformat("2025-02-28"), date.fromisoformat("2025-03-07")]
        for day in (None, *days):
            rig.venue.bodies["AAPL", day] = json.dumps(body).encode()
        rig.start()
        await rig.turn(60.0, lambda: rig.asked > 20)
        assert rig.chains[ticker] == []
        count = rig.asked
        await rig.leap(RECHECK_EVERY / 2)
        # What has none is asked for again as seldom as any other.
        assert [path for _, path in rig.venue.asked].count("AAPL") - count <= 20 * 15
