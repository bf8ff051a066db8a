"""What a simulated Deribit says when nothing is wrong."""

from datetime import UTC, datetime

import numpy as np
import pytest

from gextui.market.ticker import KNOWN_TICKERS
from gextui.pricing.black import black76
from gextui.sources.deribit_messages import decode_book_summary
from gextui.sources.symbols import parse_names
from tests.simulator.talking import SIX, START, connected, get, open_venue, result

DAY = 86_400_000
NOW = int(START.timestamp() * 1000)


class TestNumbers:
    async def test_the_book_summary_is_the_markets_chain(self) -> None:
        async with open_venue() as (venue, _):
            body = (await get(venue, "get_book_summary_by_currency", currency="BTC", kind="option")).content
            (capture,) = decode_book_summary(body)
            read, real = capture.chain("deribit"), venue.market.chain(KNOWN_TICKERS["BTC"])
            assert read.as_of == START
            assert read.spot == real.spot
            for column in ("strike", "is_call", "open_interest", "volume", "expiry", "expiries"):
                assert np.array_equal(getattr(read, column), getattr(real, column)), column
            assert np.allclose(read.iv, real.iv, atol=1e-12)
            assert np.allclose(read.forwards, real.forwards, atol=0.005)
            # Quotes are in ten-thousandths of a coin, which is what they were made of.
            assert np.allclose(read.bid, real.bid, rtol=1e-6, equal_nan=True)
            assert np.allclose(read.ask, real.ask, rtol=1e-6, equal_nan=True)

    async def test_every_row_of_the_summary_reprices_from_its_own_forward_and_volatility(self) -> None:
        async with open_venue("BTC", "XRP") as (venue, _):
            for currency, coins in (("BTC", True), ("USDC", False)):
                rows = await result(venue, "get_book_summary_by_currency", currency=currency, kind="option")
                named = parse_names([row["instrument_name"] for row in rows])
                forward = np.array([row["underlying_price"] for row in rows])
                years = (named.expiry - np.array([row["creation_timestamp"] for row in rows]) / 1000) / (365 * 86400)
                sigma = np.array([row["mark_iv"] for row in rows]) / 100
                value = black76(forward, named.strike, years, sigma, named.is_call).value
                mark = np.array([row["mark_price"] for row in rows])
                assert np.allclose(mark, value / forward if coins else value, atol=1e-8)

    async def test_volatility_is_percent_in_rows_and_a_fraction_in_mark_prices(self) -> None:
        async with open_venue() as (venue, _), connected(venue) as client:
            rows = await result(venue, "get_book_summary_by_currency", currency="BTC", kind="option")
            await client.subscribe("markprice.options.btc_usd")
            marks = {row["instrument_name"]: row for row in await client.next()}
            assert len(marks) == len(rows)
            for row in rows:
                mark = marks[row["instrument_name"]]
                assert mark["iv"] == pytest.approx(row["mark_iv"] / 100, abs=1e-9)
                assert mark["mark_price"] == round(row["mark_price"], 4)

    async def test_no_quote_is_null_in_rows_and_zero_in_tickers(self) -> None:
        async with open_venue() as (venue, _):
            rows = await result(venue, "get_book_summary_by_currency", currency="BTC", kind="option")
            without = next(row for row in rows if row["bid_price"] is None)
            assert without["mid_price"] is None
            ticker = await result(venue, "ticker", instrument_name=without["instrument_name"])
            assert (ticker["best_bid_price"], ticker["best_bid_amount"], ticker["bid_iv"]) == (0.0, 0.0, 0.0)
            assert ticker["best_ask_price"] == without["ask_price"]
            quiet = next(row for row in rows if row["volume"] == 0.0)
            assert (quiet["high"], quiet["low"], quiet["price_change"]) == (None, None, None)

    async def test_a_tickers_greeks_are_blacks_rounded_to_five_decimals(self) -> None:
        async with open_venue() as (venue, _):
            ticker = await result(venue, "ticker", instrument_name="BTC-25DEC26-100000-P")
            years = (datetime(2026, 12, 25, 8, tzinfo=UTC) - START).total_seconds() / (365 * 86400)
            greeks = black76(ticker["underlying_price"], 100_000.0, years, ticker["mark_iv"] / 100, False)
            assert ticker["greeks"]["delta"] == round(float(greeks.delta), 5)
            assert ticker["greeks"]["gamma"] == round(float(greeks.gamma), 5)
            assert ticker["greeks"]["vega"] == round(float(greeks.vega) / 100, 5)
            assert ticker["greeks"]["theta"] == round(float(greeks.theta) / 365, 5)
            assert ticker["bid_iv"] < ticker["mark_iv"] < ticker["ask_iv"]

    async def test_linear_options_share_one_list_and_have_decimal_strikes(self) -> None:
        async with open_venue("BTC", "SOL", "XRP") as (venue, _):
            rows = await result(venue, "get_instruments", currency="USDC", kind="option")
            names = [row["instrument_name"] for row in rows]
            assert {name.partition("-")[0] for name in names} == {"SOL_USDC", "XRP_USDC"}
            contracts = parse_names(names)
            assert contracts.strike.tolist() == [row["strike"] for row in rows]
            assert (contracts.expiry * 1000).tolist() == [row["expiration_timestamp"] for row in rows]
            assert any("d" in name for name in names if name.startswith("XRP"))
            sizes = {row["base_currency"]: row["contract_size"] for row in rows}
            assert sizes == {"SOL": 10, "XRP": 1000}
            every = await result(venue, "get_instruments", currency="any", kind="option")
            assert {row["base_currency"] for row in every} == {"BTC", "SOL", "XRP"}

    async def test_rows_come_in_no_order(self) -> None:
        async with open_venue() as (venue, _):
            once, again = [
                [row["instrument_name"] for row in await result(venue, "get_instruments", currency="BTC")]
                for _ in range(2)
            ]
            assert once != again
            assert sorted(once) == sorted(again)


class TestOtherMethods:
    async def test_index_expirations_time_and_status(self) -> None:
        async with open_venue("BTC", "SOL") as (venue, _):
            spot = venue.market.chain(KNOWN_TICKERS["SOL"]).spot
            assert await result(venue, "get_index_price", index_name="sol_usdc") == {
                "index_price": spot,
                "estimated_delivery_price": spot,
            }
            days = ["20NOV26", "21NOV26", "22NOV26", "23NOV26", "27NOV26", "4DEC26", "11DEC26", "25DEC26", "29JAN27"]
            days += ["26MAR27", "25JUN27", "24SEP27"]
            assert await result(venue, "get_expirations", currency="BTC", kind="option") == {"btc": {"option": days}}
            assert await result(venue, "get_expirations", currency="any", kind="any") == {
                "option": days,
                "future": [*days, "PERPETUAL"],
            }
            assert await result(venue, "get_time") == NOW
            assert await result(venue, "status") == {"locked": "false"}
            assert await result(venue, "test") == {"version": "1.2.26"}
            assert venue.calls["public/get_expirations"] == 2

    async def test_rest_answers_carry_times_and_testnet_but_no_id(self) -> None:
        async with open_venue() as (venue, _):
            answer = (await get(venue, "test")).json()
            assert answer == {
                "jsonrpc": "2.0",
                "result": {"version": "1.2.26"},
                "usIn": NOW * 1000,
                "usOut": NOW * 1000,
                "usDiff": 0,
                "testnet": True,
            }

    async def test_candles_reach_back_before_the_start_and_go_on_with_the_market(self) -> None:
        async with open_venue() as (venue, clock):
            await clock.advance(600.0)
            spot = venue.market.chain(KNOWN_TICKERS["BTC"]).spot
            asked: dict[str, str | int]
            asked = {"instrument_name": "BTC-PERPETUAL", "start_timestamp": NOW - DAY, "end_timestamp": NOW + DAY}
            chart = await result(venue, "get_tradingview_chart_data", resolution="1", **asked)
            assert chart["status"] == "ok"
            assert np.array_equal(chart["ticks"], np.arange(NOW - DAY, NOW + 600_001, 60_000))
            low, high = np.array(chart["low"]), np.array(chart["high"])
            for column in ("open", "close"):
                assert np.all((low <= np.array(chart[column])) & (np.array(chart[column]) <= high))
            assert chart["close"][-1] == spot
            hours = await result(venue, "get_tradingview_chart_data", resolution="60", **asked)
            assert [hours["ticks"][0], hours["ticks"][-1]] == [NOW - DAY + 1_200_000, NOW - 2_400_000]
            assert hours["close"][-1] == spot
            assert await result(
                venue, "get_tradingview_chart_data", resolution="1D", **asked | {"end_timestamp": 0}
            ) == {
                "status": "no_data",
                **{column: [] for column in ("ticks", "open", "high", "low", "close", "volume", "cost")},
            }

    async def test_the_volatility_index_has_a_history_in_pages(self) -> None:
        async with open_venue() as (venue, _), connected(venue) as client:
            await client.subscribe("deribit_volatility_index.btc_usd")
            current = (await client.next())["volatility"]
            asked: dict[str, str | int] = {"currency": "BTC", "resolution": "3600", "start_timestamp": NOW - 60 * DAY}
            page = await result(venue, "get_volatility_index_data", end_timestamp=NOW, **asked)
            assert len(page["data"]) == 1000
            assert page["data"][-1][4] == current
            older = await result(venue, "get_volatility_index_data", end_timestamp=page["continuation"], **asked)
            assert older["continuation"] is None
            at = [row[0] for row in older["data"] + page["data"]]
            assert np.all(np.diff(at) == 3_600_000)
            assert len(at) == 60 * 24

    async def test_historical_volatility_is_hourly_and_its_first_row_comes_twice(self) -> None:
        async with open_venue() as (venue, _):
            rows = await result(venue, "get_historical_volatility", currency="BTC")
            assert rows[0] == rows[1]
            assert np.all(np.diff([row[0] for row in rows[1:]]) == 3_600_000)
            assert NOW - 2 * 3_600_000 < rows[-1][0] <= NOW
            assert all(25 < value < 90 for _, value in rows)

    async def test_trades_are_what_volume_grew_by(self) -> None:
        async with open_venue() as (venue, clock), connected(venue) as client:
            await client.subscribe("trades.option.BTC.100ms")
            before = venue.exchange.books["BTC"].volume.sum()
            await clock.advance(120.0)
            told = [trade for trades in (await client.everything())["trades.option.BTC.100ms"] for trade in trades]
            newest = await result(venue, "get_last_trades_by_currency", currency="BTC", kind="option", count=1000)
            assert newest["trades"] == told[::-1]
            assert not newest["has_more"]
            grown = venue.exchange.books["BTC"].volume.sum() - before
            assert sum(trade["amount"] for trade in told) == pytest.approx(grown)
            assert len({trade["trade_id"] for trade in told}) == len(told) > 5
            assert (await result(venue, "get_last_trades_by_currency", currency="BTC", count=2))["has_more"]


class TestErrors:
    @pytest.mark.parametrize(
        ("method", "params", "code", "parameter"),
        [
            ("get_instruments", {"currency": "XXX"}, -32602, "currency"),
            ("get_instruments", {"currency": "BTC", "kind": "opt"}, -32602, "kind"),
            ("get_index_price", {"index_name": "BTC_USD"}, -32602, "index_name"),
            ("get_volatility_index_data", {"currency": "SOL"}, -32602, "currency"),
            ("get_tradingview_chart_data", {"instrument_name": "BTC-PERPETUAL"}, -32602, "resolution"),
            ("ticker", {"instrument_name": "BTC-25DEC26-100000-p"}, 13020, None),
            ("get_nothing", {}, -32601, None),
            ("subscribe", {"channels": "[]"}, -32601, None),
        ],
    )
    async def test_over_rest(self, method: str, params: dict[str, str], code: int, parameter: str | None) -> None:
        async with open_venue("BTC", "SOL") as (venue, _):
            response = await get(venue, method, **params)
            assert response.status_code == 400
            error = response.json()["error"]
            assert error["code"] == code
            assert error.get("data", {}).get("param") == parameter

    async def test_other_paths_are_not_found(self) -> None:
        async with open_venue() as (venue, _):
            assert (await get(venue, "../../other")).status_code == 404

    async def test_over_the_socket(self) -> None:
        async with open_venue() as (venue, _), connected(venue) as client:
            raw = (await client.call("subscribe", channels=["platform_state", "ticker.BTC-25DEC26-100000-C.raw"]))[
                "error"
            ]
            assert (raw["code"], raw["message"]) == (13778, "raw_subscriptions_not_available_for_unauthorized")
            large = (await client.call("subscribe", channels=[f"ticker.X{n}.agg2" for n in range(501)]))["error"]
            assert large == {"code": -32600, "message": "request entity too large"}
            assert (await client.call("subscribe", channels="platform_state"))["error"]["data"] == {
                "reason": "value must be a list",
                "param": "channels",
            }
            assert (await client.call("set_heartbeat", interval=9))["error"]["data"] == {
                "reason": "value must be >= 10",
                "param": "interval",
            }
            await client.socket.send("{")
            assert (await client.read())["error"]["code"] == -32700
            assert venue.sessions[0].channels == set()


class TestChannels:
    async def test_unknown_channels_are_dropped_in_silence_and_the_rest_comes_in_another_order(self) -> None:
        async with open_venue() as (venue, _), connected(venue) as client:
            accepted = await client.subscribe(*SIX, "deribit_price_index.sol_usdc", "nonsense", "platform_state")
            assert sorted(accepted) == sorted(SIX)
            assert accepted != SIX
            assert venue.subscribed == [(*SIX, "deribit_price_index.sol_usdc", "nonsense", "platform_state")]

    async def test_each_channel_tells_its_state_at_once(self) -> None:
        async with open_venue() as (venue, _), connected(venue) as client:
            book = venue.exchange.books["BTC"]
            await client.subscribe(*SIX, "ticker.BTC-25DEC26-100000-C.agg2")
            assert len(await client.next("markprice.options.btc_usd")) == len(book.names)
            assert await client.next("deribit_price_index.btc_usd") == {
                "timestamp": NOW,
                "price": book.index_price,
                "index_name": "btc_usd",
            }
            assert await client.next("deribit_volatility_index.btc_usd") == {
                "timestamp": NOW,
                "volatility": book.volatility_index,
                "index_name": "btc_usd",
            }
            assert await client.next("platform_state") == {"maintenance": False}
            ticker = await client.next("ticker.BTC-25DEC26-100000-C.agg2")
            assert ticker == await result(venue, "ticker", instrument_name="BTC-25DEC26-100000-C")
            assert ticker == await client.next("ticker.BTC-25DEC26-100000-C.agg2")

    async def test_mark_prices_after_the_snapshot_are_those_that_changed(self) -> None:
        async with open_venue() as (venue, clock), connected(venue) as client:
            await client.subscribe("markprice.options.btc_usd")
            kept = {row["instrument_name"]: row for row in await client.next()}
            for second in range(1, 6):
                await clock.advance(1.0)
                changed = await client.next()
                assert 0 < len(changed) <= len(kept)
                for row in changed:
                    assert row["timestamp"] == NOW + 1000 * second
                    before = kept[row["instrument_name"]]
                    assert (before["iv"], before["mark_price"]) != (row["iv"], row["mark_price"])
                    kept[row["instrument_name"]] = row
                whole = {row["instrument_name"]: row for row in venue.exchange.books["BTC"].mark_prices()}
                assert {name: (row["iv"], row["mark_price"]) for name, row in kept.items()} == {
                    name: (row["iv"], row["mark_price"]) for name, row in whole.items()
                }
            venue.freeze()
            await clock.advance(1.0)
            assert await client.next() == []

    async def test_tickers_come_each_second_or_aggregated_each_other(self) -> None:
        async with open_venue() as (venue, clock), connected(venue) as client:
            fast, slow = (f"ticker.BTC-25DEC26-100000-C.{pace}" for pace in ("100ms", "agg2"))
            await client.subscribe(fast, slow)
            await clock.advance(6.0)
            said = await client.everything()
            assert (len(said[fast]), len(said[slow])) == (2 + 6, 2 + 3)

    async def test_what_is_unsubscribed_says_no_more(self) -> None:
        async with open_venue() as (venue, clock), connected(venue) as client:
            await client.subscribe(*SIX)
            assert (await client.call("unsubscribe", channels=[*SIX[1:], "other"]))["result"] == sorted(SIX[1:])[::-1]
            await client.everything()
            await clock.advance(1.0)
            assert set(await client.everything()) == {"markprice.options.btc_usd"}
            assert (await client.call("unsubscribe_all"))["result"] == "ok"
            await clock.advance(1.0)
            assert await client.everything() == {}

    async def test_string_ids_are_echoed(self) -> None:
        async with open_venue() as (venue, _), connected(venue) as client:
            await client.socket.send('{"jsonrpc":"2.0","id":"mine","method":"public/test"}')
            assert (await client.read())["id"] == "mine"


class TestExpiry:
    async def test_at_eight_contracts_close_expire_and_vanish_and_new_days_are_listed(self) -> None:
        async with open_venue(start=START.replace(minute=59, second=58)) as (venue, clock), connected(venue) as client:
            rows = await result(venue, "get_instruments", currency="BTC", kind="option")
            dying = {row["instrument_name"] for row in rows if "20NOV26" in row["instrument_name"]}
            watched = f"ticker.{min(dying)}.100ms"
            await client.subscribe("markprice.options.btc_usd", "instrument.state.option.BTC", watched)
            await clock.advance(1.0)
            await client.everything()
            await clock.advance(1.0)
            said = await client.everything()
            (marks,), (ticker,) = said["markprice.options.btc_usd"], said[watched]
            assert not dying & {row["instrument_name"] for row in marks}
            assert (ticker["state"], ticker["estimated_delivery_price"]) == ("closed", "expired")
            assert set(ticker["greeks"].values()) == {0.0}
            assert ticker["timestamp"] == NOW + 20 * 60_000
            states = said["instrument.state.option.BTC"]
            assert {state["instrument_name"] for state in states if state["state"] == "closed"} == dying
            new = {state["instrument_name"] for state in states if state["state"] == "open"}
            assert {name.split("-")[1] for name in new} == {"24NOV26", "18DEC26"}
            rows = await result(venue, "get_instruments", currency="BTC", kind="option")
            shut = [row for row in rows if row["instrument_name"] in dying]
            assert len(shut) == len(dying)
            assert {(row["state"], row["is_active"]) for row in shut} == {("closed", False)}
            assert {row["creation_timestamp"] for row in rows if row["instrument_name"] in new} == {NOW + 20 * 60_000}
            summary = await result(venue, "get_book_summary_by_currency", currency="BTC", kind="option")
            assert {row["estimated_delivery_price"] for row in summary if row["instrument_name"] in dying} == {
                "expired"
            }
            expired = await result(venue, "get_instruments", currency="BTC", kind="option", expired="true")
            assert {row["instrument_name"] for row in expired} == dying
            await clock.advance(10.0)
            for method in ("get_instruments", "get_book_summary_by_currency"):
                rows = await result(venue, method, currency="BTC", kind="option")
                assert not dying & {row["instrument_name"] for row in rows}
            assert (await get(venue, "ticker", instrument_name=min(dying))).json()["error"]["code"] == 13020

    async def test_a_test_can_have_it_early_and_list_a_strike(self) -> None:
        async with open_venue() as (venue, clock), connected(venue) as client:
            await client.subscribe("instrument.state.option.BTC")
            before = set(venue.exchange.books["BTC"].names)
            venue.expire_next()
            venue.list_new()
            after = set(venue.exchange.books["BTC"].names)
            assert {name.split("-")[1] for name in before - after} == {"20NOV26"}
            new = after - before
            assert len(new) == 2
            assert {name.split("-")[1] for name in new} == {"21NOV26"}
            states = (await client.everything())["instrument.state.option.BTC"]
            assert {state["instrument_name"] for state in states if state["state"] == "open"} == new
            assert {state["instrument_name"] for state in states if state["state"] == "closed"} == before - after
            await clock.advance(2.0)
            assert set(venue.exchange.books["BTC"].names) == after
            ticker = await result(venue, "ticker", instrument_name=min(new))
            assert (ticker["open_interest"], ticker["best_bid_price"], ticker["best_ask_price"]) == (0.0, 0.0, 0.0)
