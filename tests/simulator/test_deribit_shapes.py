"""Each kind of message a simulated Deribit sends has the keys and types of a captured one."""

import json
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.simulator.talking import connected, get, open_venue, result

Row = dict[str, Any]


@pytest.fixture
def samples(shared: Path) -> Path:
    """The captured messages."""
    folder = shared / "wire" / "samples" / "deribit"
    if not folder.is_dir():
        pytest.skip("the captures are not here")
    return folder


def load(path: Path) -> Any:
    return json.loads(path.read_text())


def type_of(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    return {int: "number", float: "number", str: "text", dict: "object", list: "array"}[type(value)]


def shape(rows: Iterable[Row], above: str = "") -> dict[str, set[str]]:
    """Of each key, nested ones too, which JSON types were seen."""
    seen: dict[str, set[str]] = {}
    for row in rows:
        for key, value in row.items():
            seen.setdefault(above + key, set()).add(type_of(value))
            if isinstance(value, dict):
                for inner, types in shape([value], f"{above}{key}.").items():
                    seen.setdefault(inner, set()).update(types)
    return seen


def assert_alike(served: Iterable[Row], captured: Iterable[Row], *, without: Collection[str] = ()) -> None:
    """The same keys but for those ``without``, and no type that the capture does not show."""
    ours, theirs = shape(served), shape(captured)
    assert set(ours) ^ set(theirs) == set(without)
    for key in set(ours) & set(theirs):
        # A capture of a quiet contract shows nulls alone where a busy one has numbers.
        assert ours[key] <= theirs[key] | ({"number"} if theirs[key] == {"null"} else set()), key


async def test_book_summary(samples: Path) -> None:
    captured = load(samples / "quantdash_book_summary_BTC_option_2026-09-08_52rows.json")
    async with open_venue("BTC", "ETH") as (venue, clock):
        await clock.advance(60.0)
        for currency in ("BTC", "ETH"):
            served = (await get(venue, "get_book_summary_by_currency", currency=currency, kind="option")).json()
            assert_alike([served], [captured])
            assert_alike(served["result"], captured["result"])


async def test_linear_book_summary(samples: Path) -> None:
    captured = load(samples / "quantdash_book_summary_BTC_option_2026-09-08_52rows.json")["result"]
    async with open_venue("SOL", "XRP") as (venue, _):
        served = await result(venue, "get_book_summary_by_currency", currency="USDC", kind="option")
        assert_alike(served, captured, without=["volume_notional"])


async def test_instruments(samples: Path) -> None:
    async with open_venue("BTC", "XRP") as (venue, _):
        served = await result(venue, "get_instruments", currency="BTC", kind="option")
        testnet = load(samples / "fastmm_get_instruments_BTC_option_testnet_2026-09-14_3rows.json")["result"]
        assert_alike(served, testnet)
        # What may differ between the two kinds of book is what differs between the two captures.
        for key in ("instrument_type", "quote_currency", "counter_currency", "settlement_currency", "price_index"):
            assert {row[key] for row in served} == {row[key] for row in testnet}, key
        served = await result(venue, "get_instruments", currency="USDC", kind="option")
        linear = load(samples / "openbb_instruments_XRP_USDC_option_16rows_result.json")
        assert_alike(served, linear)
        for key in ("instrument_type", "quote_currency", "counter_currency", "settlement_currency", "price_index"):
            assert {row[key] for row in served} == {row[key] for row in linear}, key
        for key in ("contract_size", "min_trade_amount", "tick_size", "product_group", "lot_size"):
            assert {row[key] for row in served} == {row[key] for row in linear}, key


async def test_ticker(samples: Path) -> None:
    captured = load(samples / "openbb_option_tickers_2026-09-20.json")
    inverse = [row for name, row in captured.items() if name.startswith("BTC-")]
    inverse.append(load(samples / "fastmm_ticker_option_prod_2026-09-30.json")["params"]["data"])
    linear = [row for name, row in captured.items() if name.startswith("XRP_")]
    stream = (samples / "fastmm_raw_option_stream_testnet_2026-09-13_22frames.jsonl").read_text().splitlines()
    frames = [json.loads(line)["params"] for line in stream]
    inverse += [frame["data"] for frame in frames if frame["channel"].startswith("ticker.")]
    async with open_venue("BTC", "XRP") as (venue, clock), connected(venue) as client:
        await clock.advance(60.0)
        for root, rows in (("BTC", inverse), ("XRP_USDC", linear)):
            book = venue.exchange.books[root]
            served = [book.ticker(row) for row in range(len(book.names))]
            assert_alike(served, rows)
        book = venue.exchange.books["BTC"]
        name = book.names[int(book.volume.argmax())]
        await client.subscribe(f"ticker.{name}.100ms")
        assert_alike([await client.read()], [load(samples / "fastmm_ticker_option_prod_2026-09-30.json")])


async def test_the_closed_ticker(samples: Path) -> None:
    captured = load(samples / "tardis_deribit_ws_messages.json")
    (closed,) = (
        message["params"]["data"]
        for message in captured
        if isinstance(message["params"]["data"], dict) and message["params"]["data"].get("state") == "closed"
    )
    async with open_venue() as (venue, _):
        book = venue.exchange.books["BTC"]
        name = book.names[int(np.where(book.expiry == book.expiry[0], book.volume, -1.0).argmax())]
        venue.expire_next()
        served = await result(venue, "ticker", instrument_name=name)
        # The capture is of 2020.
        assert_alike([served], [closed], without=["settlement_price", "stats.volume_usd"])
        for key in ("state", "estimated_delivery_price", "greeks", "ask_iv", "open_interest", "mark_price"):
            assert served[key] == closed[key]


async def test_mark_prices(samples: Path) -> None:
    captured = load(samples / "vike_markprice_options_btc_usd_2026-07-26_2rows.json")
    async with open_venue() as (venue, _), connected(venue) as client:
        await client.subscribe("markprice.options.btc_usd")
        served = await client.read()
        assert_alike([served], [captured])
        assert_alike(served["params"]["data"], captured["params"]["data"])


async def test_volatility_index(samples: Path) -> None:
    async with open_venue() as (venue, _), connected(venue) as client:
        await client.subscribe("deribit_volatility_index.btc_usd")
        assert_alike([await client.read()], [load(samples / "nautilus_ws_volatility_index.json")])
        captured = load(samples / "openbb_volatility_index_data_BTC_43200_result.json")
        asked = {"currency": "BTC", "resolution": "43200", "start_timestamp": captured["data"][0][0]}
        served = await result(venue, "get_volatility_index_data", end_timestamp=captured["data"][-1][0], **asked)
        assert_alike([served], [captured])
        assert [row[0] for row in served["data"]] == [row[0] for row in captured["data"]]
        assert all(list(map(type_of, row)) == ["number"] * 5 for row in served["data"])


async def test_trades(samples: Path) -> None:
    captured = load(samples / "openbb_last_trades_by_currency_BTC_option_result.json")
    async with open_venue() as (venue, clock), connected(venue) as client:
        await client.subscribe("trades.option.BTC.100ms")
        await clock.advance(60.0)
        assert_alike(await client.next(), captured["trades"])
        served = await result(venue, "get_last_trades_by_currency", currency="BTC", kind="option", count=5)
        assert_alike([served], [captured])
        assert_alike(served["trades"], captured["trades"])
        assert all(trade["starbase_match_id"] > 2**53 for trade in served["trades"])


@pytest.mark.parametrize(
    ("method", "params", "sample"),
    [
        ("get_index_price", {"index_name": "btc_usd"}, "openbb_index_price_result.json"),
        ("status", {}, "openbb_status_result.json"),
        (
            "get_tradingview_chart_data",
            {
                "instrument_name": "BTC-PERPETUAL",
                "resolution": "1",
                "start_timestamp": 1766483460000,
                "end_timestamp": 1766483700000,
            },
            "nautilus_http_get_tradingview_chart_data.json",
        ),
        ("get_expirations", {"currency": "any", "kind": "any"}, "nautilus_http_get_expirations_any.json"),
        ("get_expirations", {"currency": "BTC", "kind": "option"}, "nautilus_http_get_expirations_btc_option.json"),
        ("test", {}, "nautilus_http_test.json"),
    ],
)
async def test_small_answers(samples: Path, method: str, params: dict[str, str], sample: str) -> None:
    async with open_venue() as (venue, _):
        served = await result(venue, method, **params)
        captured = load(samples / sample)
        captured = captured.get("result", captured)
        assert_alike([served], [captured])
        if method == "get_tradingview_chart_data":
            assert served["ticks"] == captured["ticks"]
            assert {len(column) for key, column in served.items() if key != "status"} == {5}


async def test_historical_volatility(samples: Path) -> None:
    async with open_venue() as (venue, _):
        served = await result(venue, "get_historical_volatility", currency="BTC")
        captured = load(samples / "openbb_historical_volatility_result.json")
        assert [list(map(type, row)) for row in served] == [[int, float]] * len(served)
        assert [list(map(type, row)) for row in captured] == [[int, float]] * len(captured)
        assert (served[0] == served[1]) == (captured[0] == captured[1])


async def test_answers_on_the_socket(samples: Path) -> None:
    async with open_venue() as (venue, clock), connected(venue) as client:

        async def answered(sample: str, method: str, **params: object) -> None:
            captured, served = load(samples / sample), await client.call(method, **params)
            assert_alike([served | {"id": captured["id"]}], [captured])
            assert served.get("error", {}).get("code") == captured.get("error", {}).get("code")
            assert served.get("error", {}).get("data") == captured.get("error", {}).get("data")

        await answered("fastmm_set_heartbeat_ok.json", "set_heartbeat", interval=10)
        await answered("fastmm_test_ok.json", "test")
        await answered("fastmm_heartbeat_interval_too_small.json", "set_heartbeat", interval=5)
        await answered("fastmm_rpc_invalid_params.json", "get_instruments", currency="BTC", kind="x")
        await answered("fastmm_subscribe_ok.json", "subscribe", channels=["platform_state"])
        await answered("cryptofeed_issue768_raw_unauthorized_error.json", "subscribe", channels=["ticker.X.raw"])
        await client.next("platform_state")
        await clock.advance(10.0)
        beats = [await client.read(), await client.read()]
        assert beats[1] == load(samples / "nautilus_ws_test_request.json")
        assert beats[0]["params"] == {"type": "heartbeat"}
