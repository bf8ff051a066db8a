"""Each venue's JSON, decoded."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from gextui.market.chain import OptionChain
from gextui.market.ticker import Kind
from gextui.sources.bybit_messages import decode_tickers
from gextui.sources.cboe import decode_delayed_quotes
from gextui.sources.deribit_messages import decode_book_summary
from gextui.sources.source import BadInputError
from gextui.sources.tradier import decode_chains
from gextui.sources.yahoo import decode_normalised, decode_options
from tests.sources import bodies
from tests.sources.bodies import text


def cboe(*options: bodies.Fields, **fields: Any) -> OptionChain:
    return decode_delayed_quotes(text(bodies.cboe(options, **fields))).chain("test", rate=0.04)


def test_cboe_delayed_quotes() -> None:
    chain = cboe(
        bodies.cboe_option("SPXW261120C06700000", bid=20.5, ask=21.5, iv=0.151, open_interest=1532.0, volume=7),
        bodies.cboe_option("SPX261120P06700000", bid=0.0, ask=0.05, iv=0.0, open_interest=0.0, volume=0.0),
        bodies.cboe_option("SPX1261120P06700000"),
    )
    assert (chain.ticker.symbol, chain.ticker.kind, chain.spot, chain.rate) == ("SPX", Kind.INDEX, 6700.0, 0.04)
    assert chain.as_of == datetime(2026, 11, 19, 21, 30, tzinfo=UTC)
    assert chain.previous_close == 6712.5
    assert chain.delay == 900.0
    assert chain.roots == ("SPX", "SPXW")
    assert chain.expiries.tolist() == [1795185000.0, 1795208400.0], "AM settlement first, 6.5 hours before PM"
    assert chain.is_call.tolist() == [False, True]
    assert chain.iv.tolist() == [0.0, 0.151]
    assert chain.open_interest.tolist() == [0.0, 1532.0]
    assert np.isnan(chain.bid[0])
    assert chain.ask.tolist() == [0.05, 21.5]
    assert chain.multiplier.tolist() == [100.0, 100.0]
    assert np.isnan(chain.forwards).all()
    assert (chain.total, dict(chain.dropped)) == (3, {"adjusted": 1})


def test_cboe_kind_of_an_unknown_symbol() -> None:
    stock = cboe(bodies.cboe_option("F261120C00012000"), data={"symbol": "F", "security_type": "stock"})
    index = cboe(bodies.cboe_option("OEX261120C03000000"), data={"symbol": "^OEX", "security_type": "index"})
    assert (stock.ticker.symbol, stock.ticker.kind) == ("F", Kind.STOCK)
    assert (index.ticker.symbol, index.ticker.kind) == ("OEX", Kind.INDEX)


def test_cboe_symbol_of_the_outer_document_serves_where_the_inner_is_missing() -> None:
    assert cboe(bodies.cboe_option("SPX261120C06700000"), data={"symbol": None}).ticker.symbol == "SPX"


def test_cboe_close_serves_where_there_is_no_current_price() -> None:
    chain = cboe(bodies.cboe_option("SPX261120C06700000"), data={"current_price": None, "close": 6699.0})
    assert chain.spot == 6699.0


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        # Newest trade: 15:59:59 New York, 20:59:59 UTC, on 2026-11-19.
        ("21:15:02", datetime(2026, 11, 19, 21, 15, 2, tzinfo=UTC)),
        ("01:52:50", datetime(2026, 11, 20, 1, 52, 50, tzinfo=UTC)),
    ],
)
def test_cboe_time_without_a_date_is_the_first_after_the_newest_trade(stamp: str, expected: datetime) -> None:
    option = bodies.cboe_option("SPY261120C00670000", last_trade_time="2026-11-19T15:59:59")
    older = bodies.cboe_option("SPY261120P00670000", last_trade_time="2026-11-18T15:59:59")
    never = bodies.cboe_option("SPY261120P00680000", last_trade_time=None)
    chain = cboe(older, option, never, timestamp=stamp, data={"symbol": "SPY", "last_trade_time": None})
    assert chain.as_of == expected
    assert chain.notes[0].startswith(f"The file's timestamp has no date: taken as {expected:%Y-%m-%d}")


@pytest.mark.parametrize("stamp", [None, "", "yesterday", "25:61:00", 12])
def test_cboe_without_an_instant_has_none(stamp: object) -> None:
    body = bodies.cboe([bodies.cboe_option("SPX261120C06700000")], timestamp=stamp)
    assert decode_delayed_quotes(text(body)).as_of is None


def test_cboe_sentinels_and_nulls() -> None:
    chain = cboe(
        bodies.cboe_option("SPX261120C06700000", iv=None),
        bodies.cboe_option("SPX261120C06710000", iv=-999),
        bodies.cboe_option("SPX261120C06720000", open_interest="1,532"),
    )
    assert np.isnan(chain.iv[0])
    assert chain.open_interest.tolist() == [10.0, 1532.0]
    assert dict(chain.dropped) == {"bad_number": 1}


@pytest.mark.parametrize("body", [{"data": {}}, {"data": []}, {"data": {"options": {}}}, {"data": {"options": []}}])
def test_what_is_no_cboe_document(body: object) -> None:
    with pytest.raises(BadInputError):
        decode_delayed_quotes(text(body))


def test_deribit_book_summary() -> None:
    rows = [
        bodies.deribit_row("BTC-25DEC26-90000-C", underlying_price=92000.0),
        bodies.deribit_row("BTC-25DEC26-90000-P", underlying_price=92000.5, bid_price=None, ask_price=0.02, mark_iv=41),
        bodies.deribit_row("BTC-20NOV26-91000-P", underlying_price=91510.0, estimated_delivery_price="expired"),
        bodies.deribit_row("BTC-CS-25DEC26-70000_75000", mark_iv=-74.2),
        bodies.deribit_row("BTC-25DEC26-80000-P", open_interest=-1.0),
        bodies.deribit_row("ETH-25DEC26-3000-P", underlying_price=3010.0, estimated_delivery_price=3000.5),
    ]
    captures = decode_book_summary(text(bodies.deribit(rows)))
    btc, eth = (capture.chain("test") for capture in captures)
    assert (btc.ticker.symbol, btc.ticker.kind, eth.ticker.symbol) == ("BTC", Kind.COIN, "ETH")
    assert btc.as_of == datetime(2026, 11, 20, 10, 0, 0, 123000, tzinfo=UTC)
    assert (btc.spot, eth.spot) == (91500.0, 3000.5)
    assert btc.expiries.tolist() == [1795161600.0, 1798185600.0]
    assert btc.forwards.tolist() == [91510.0, 92000.25], "an expired contract is kept, the board drops it"
    assert btc.iv.tolist() == [0.405, 0.405, 0.41]
    assert btc.bid[1:].tolist() == pytest.approx([920.0, np.nan], nan_ok=True)
    assert btc.ask[1:].tolist() == pytest.approx([1150.0, 1840.01])
    assert btc.multiplier.tolist() == [1.0] * 3
    assert (btc.total, dict(btc.dropped)) == (5, {"combo": 1, "bad_number": 1})
    assert (eth.total, dict(eth.dropped)) == (1, {})
    assert decode_book_summary(text(rows))[0].as_of == btc.as_of, "the bare list reads the same"


def test_deribit_linear_options_are_quoted_in_dollars_and_counted_in_coins() -> None:
    rows = [bodies.deribit_row("XRP_USDC-25DEC26-1d25-C", bid_price=0.05, underlying_price=1.3, contract_size=1000)]
    chain = decode_book_summary(text(rows))[0].chain("test")
    assert (chain.ticker.symbol, chain.roots, chain.strike.tolist()) == ("XRP", ("XRP_USDC",), [1.25])
    assert (chain.bid[0], chain.open_interest[0], chain.multiplier[0]) == (0.05, 12.5, 1.0)


def test_deribit_error_is_told() -> None:
    with pytest.raises(BadInputError, match="holds an error of Deribit's instead of a chain: Invalid params"):
        decode_book_summary(text({"jsonrpc": "2.0", "error": {"code": -32602, "message": "Invalid params"}}))


def test_bybit_tickers() -> None:
    rows = [
        bodies.bybit_row("BTC-25DEC26-90000-C-USDT"),
        bodies.bybit_row("BTC-25DEC26-90000-P-USDT", bid1Price="0", markIv="", underlyingPrice="92001.25"),
        bodies.bybit_row("BTC-25DEC26-90000-P"),
        bodies.bybit_row("BTC-25DEC26-95000-P-USDT", openInterest="-3"),
    ]
    (chain,) = (capture.chain("test") for capture in decode_tickers(text(bodies.bybit(rows))))
    assert (chain.ticker.symbol, chain.ticker.kind, chain.spot) == ("BTC", Kind.COIN, 91500.5)
    assert chain.as_of == datetime(2026, 11, 20, 10, 0, 0, 123000, tzinfo=UTC)
    assert chain.roots == ("BTC", "BTC-USDT")
    assert chain.forwards.tolist() == [92000.25]
    assert chain.iv.tolist() == pytest.approx([0.5397, 0.5397, np.nan], nan_ok=True)
    assert chain.bid.tolist() == pytest.approx([930.0, 930.0, np.nan], nan_ok=True)
    assert chain.open_interest.tolist() == [18.93] * 3
    assert chain.volume.tolist() == [50.26] * 3
    assert chain.multiplier.tolist() == [1.0] * 3
    assert (chain.total, dict(chain.dropped)) == (4, {"bad_number": 1})
    bare = decode_tickers(text(rows))[0]
    assert (bare.as_of, bare.spot) == (None, 91500.5), "the bare list says not when"


def test_bybit_error_is_told() -> None:
    with pytest.raises(BadInputError, match="holds an error of Bybit's instead of a chain: Too many visits!"):
        decode_tickers(text({"retCode": 10006, "retMsg": "Too many visits!", "result": {}, "time": 1795168800123}))


def test_yahoo_options_of_several_expiries() -> None:
    first = bodies.yahoo_result([bodies.yahoo_option("IBIT261120C00060000")], [])
    put = bodies.yahoo_option("IBIT261127P00060000", bid=0, ask=0, impliedVolatility=1.0000000000000003e-05)
    del put["openInterest"], put["volume"]
    second = bodies.yahoo_result([], [put], preMarketTime=1795122500, exchangeDataDelayedBy=15)
    for body in (bodies.yahoo(first, second), [bodies.yahoo(first), bodies.yahoo(second)]):
        (capture,) = decode_options(text(body))
        chain = capture.chain("test")
        assert (chain.ticker.symbol, chain.ticker.kind, chain.spot) == ("IBIT", Kind.ETF, 61.25)
        assert chain.as_of == datetime.fromtimestamp(1795122500, UTC), "the newest time it names"
        assert (chain.previous_close, chain.delay) == (60.5, 900.0)
        assert len(chain.expiries) == 2
        assert chain.iv.tolist() == [0.6123, 1.0000000000000003e-05]
        assert chain.open_interest.tolist() == pytest.approx([30.0, np.nan], nan_ok=True)
        assert chain.volume.tolist() == pytest.approx([7.0, np.nan], nan_ok=True)
        assert chain.bid.tolist() == pytest.approx([2.4, np.nan], nan_ok=True)
        assert chain.multiplier.tolist() == [100.0, 100.0]


def test_yahoo_formatted_numbers() -> None:
    option = bodies.yahoo_option(
        "IBIT261120C00060000", openInterest={"raw": 31, "fmt": "31"}, bid={}, impliedVolatility={"raw": 0.5}
    )
    result = bodies.yahoo_result([option], [], regularMarketPrice={"raw": 61.5, "fmt": "61.50"})
    chain = decode_options(text(bodies.yahoo(result)))[0].chain("test")
    assert (chain.open_interest[0], chain.iv[0], chain.spot) == (31.0, 0.5, 61.5)
    assert np.isnan(chain.bid[0])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            {"finance": {"result": None, "error": {"code": "Unauthorized", "description": "Invalid Crumb"}}},
            "holds an error of Yahoo's instead of a chain: Invalid Crumb",
        ),
        ({"optionChain": {"result": [], "error": None}}, "holds no option rows"),
        ({"optionChain": {"result": [{"underlyingSymbol": "ADH", "options": []}]}}, "holds no option rows"),
        ({"optionChain": {"result": [{"options": []}]}}, "names no underlying"),
    ],
)
def test_yahoo_without_options(body: object, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        decode_options(text(body))


def test_normalised_quotes() -> None:
    body = bodies.normalised([
        bodies.normalised_quote("SPY261120C00670000"),
        bodies.normalised_quote("SPY261120P00670000", openInterest=None, volume=None, iv=1e-5),
    ])  # fmt: skip
    chain = decode_normalised(text(body)).chain("test")
    assert (chain.ticker.symbol, chain.spot) == ("SPY", 670.5)
    assert chain.as_of == datetime(2026, 11, 19, 15, 30, 0, 500000, tzinfo=UTC)
    assert chain.open_interest.tolist() == pytest.approx([9.0, np.nan], nan_ok=True)
    assert chain.iv.tolist() == [0.15, 1e-5]


def test_tradier_chains() -> None:
    rows = [
        bodies.tradier_option("SPXW261120C06700000"),
        bodies.tradier_option("SPXW261120P06700000", greeks={"mid_iv": 10.0, "smv_vol": 0.16}, bid=0.0),
        bodies.tradier_option("SPX261120P06700000", greeks={"mid_iv": 0.0, "smv_vol": 0.17}, contract_size=10),
        bodies.tradier_option("SPX261120P06800000", greeks=None, ask_date=1795122009000),
    ]
    (capture,) = decode_chains(text(bodies.tradier(rows)))
    assert capture.spot is None
    assert capture.as_of == datetime.fromtimestamp(1795122009, UTC)
    with pytest.raises(BadInputError, match="gives no price of SPX: give --spot"):
        capture.chain("test")
    (captured,) = decode_chains(text([bodies.tradier(rows[:2]), bodies.tradier(rows[2:])]))
    assert len(captured.rows) == 4
    assert captured.rows.iv.tolist() == pytest.approx([0.18, 0.16, 0.17, np.nan], nan_ok=True)
    assert captured.rows.multiplier.tolist() == [100.0, 100.0, 10.0, 100.0]
    assert captured.rows.open_interest.tolist() == [44.0] * 4


def test_tradier_collections_of_one_and_of_none() -> None:
    (capture,) = decode_chains(text(bodies.tradier(bodies.tradier_option("SPXW261120C06700000"))))
    assert len(capture.rows) == 1
    empty: list[Any] = [{"options": None}, {"options": "null"}, bodies.tradier(None), bodies.tradier("null"), []]
    for body in empty:
        with pytest.raises(BadInputError, match="holds no option rows that can be read"):
            decode_chains(text(body))
