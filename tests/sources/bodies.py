"""Small made-up bodies in each venue's own shape."""

import json
from collections.abc import Iterable
from typing import Any

Fields = dict[str, Any]


def cboe_option(option: str, **fields: Any) -> Fields:
    return {
        "option": option, "bid": 1.0, "bid_size": 5.0, "ask": 1.5, "ask_size": 5.0, "iv": 0.2, "open_interest": 10.0,
        "volume": 2.0, "delta": 0.5, "gamma": 0.01, "last_trade_price": 1.2, "last_trade_time": "2026-11-19T15:59:58",
    } | fields  # fmt: skip


def cboe(options: Iterable[Fields], symbol: str = "^SPX", **fields: Any) -> Fields:
    data = {
        "options": list(options), "symbol": symbol, "security_type": "index", "current_price": 6700.0,
        "price_change": -12.5, "close": 6700.0, "last_trade_time": "2026-11-19T16:14:59",
    } | fields.pop("data", {})  # fmt: skip
    return {"timestamp": "2026-11-19 21:30:00", "data": data, "symbol": "_SPX"} | fields


def deribit_row(instrument_name: str, **fields: Any) -> Fields:
    return {
        "instrument_name": instrument_name, "mark_iv": 40.5, "open_interest": 12.5, "volume": 1.5, "bid_price": 0.01,
        "ask_price": 0.0125, "mark_price": 0.011, "underlying_price": 92000.0, "underlying_index": "BTC-25DEC26",
        "estimated_delivery_price": 91500.0, "creation_timestamp": 1795168800123, "base_currency": "BTC",
    } | fields  # fmt: skip


def deribit(rows: Iterable[Fields]) -> Fields:
    return {"jsonrpc": "2.0", "result": list(rows), "usIn": 1795168800500000, "usOut": 1795168800500100}


def bybit_row(symbol: str, **fields: str) -> Fields:
    return {
        "symbol": symbol, "bid1Price": "930", "bid1Iv": "0.53", "ask1Price": "940", "markIv": "0.5397",
        "indexPrice": "91500.5", "underlyingPrice": "92000.25", "openInterest": "18.93", "volume24h": "50.26",
    } | fields  # fmt: skip


def bybit(rows: Iterable[Fields]) -> Fields:
    return {
        "retCode": 0,
        "retMsg": "OK",
        "result": {"category": "option", "list": list(rows)},
        "retExtInfo": {},
        "time": 1795168800123,
    }


def yahoo_option(symbol: str, **fields: Any) -> Fields:
    return {
        "contractSymbol": symbol, "strike": 60, "currency": "USD", "lastPrice": 2.5, "volume": 7, "openInterest": 30,
        "bid": 2.4, "ask": 2.6, "contractSize": "REGULAR", "expiration": 1795132800, "lastTradeDate": 1795121990,
        "impliedVolatility": 0.6123, "inTheMoney": False,
    } | fields  # fmt: skip


def yahoo_result(calls: Iterable[Fields], puts: Iterable[Fields], **quote: Any) -> Fields:
    return {
        "underlyingSymbol": "IBIT",
        "expirationDates": [1795132800],
        "strikes": [60],
        "hasMiniOptions": False,
        "quote": {
            "quoteType": "ETF",
            "regularMarketPrice": 61.25,
            "regularMarketPreviousClose": 60.5,
            "regularMarketTime": 1795122000,
        }
        | quote,
        "options": [{"expirationDate": 1795132800, "hasMiniOptions": False, "calls": list(calls), "puts": list(puts)}],
    }


def yahoo(*results: Fields) -> Fields:
    return {"optionChain": {"result": list(results), "error": None}}


def tradier_option(symbol: str, **fields: Any) -> Fields:
    return {
        "symbol": symbol, "type": "option", "bid": 4.1, "ask": 4.3, "underlying": "SPX", "strike": 6700.0,
        "volume": 3, "open_interest": 44, "contract_size": 100, "bid_date": 1795122000000, "ask_date": 1795122001000,
        "trade_date": 0, "greeks": {"mid_iv": 0.18, "smv_vol": 0.175}, "root_symbol": "SPXW",
    } | fields  # fmt: skip


def tradier(option: Any) -> Fields:
    return {"options": {"option": option}}


def normalised(quotes: Iterable[Fields], **fields: Any) -> Fields:
    return {
        "symbol": "SPY",
        "updated": "2026-11-19T10:30:00.5-05:00",
        "underlyingPrice": 670.5,
        "quotes": list(quotes),
    } | fields


def normalised_quote(symbol: str, **fields: Any) -> Fields:
    return {
        "symbol": symbol, "side": "call", "strike": 670.0, "bid": 2.0, "ask": 2.2, "volume": 5.0, "openInterest": 9.0,
        "iv": 0.15,
    } | fields  # fmt: skip


OWN_HEADER = (
    "ticker,as_of,spot,root,expiry,settlement,strike,right,iv,open_interest,volume,bid,ask,multiplier,forward\n"
)
OWN = OWN_HEADER + (
    "SPX,2026-11-19T21:30:00Z,6700.5,SPXW,2026-11-20,PM,6700,C,0.15,100,7,20.5,21.5,100,6702.25\n"
    "SPX,2026-11-19T21:30:00Z,6700.5,SPX,2026-11-20,AM,6700,C,0.14,200,,19.5,20.5,100,6702\n"
    "BTC,2026-11-19T21:30:00Z,91500,BTC,2026-11-20T08:00:00Z,,90000,P,,12.5,0,,310,1,91510\n"
)
QUOTE_PAGE = (
    "\n"
    "Standard & Poors 500 Index,Last: 6700.25,Change:  -12.5\n"
    '"Date: November 19, 2026 at 4:30 PM EST",Bid: 6690.1,Ask: 6710.2,Size: 1*1,"Volume: 1,234"\n'
    "Expiration Date,Calls,Last Sale,Net,Bid,Ask,Volume,IV,Delta,Gamma,Open Interest,Strike,"
    "Puts,Last Sale,Net,Bid,Ask,Volume,IV,Delta,Gamma,Open Interest\n"
    "Fri Nov 20 2026,SPX261120C06700000,0,0,20.5,21.5,3,0.151,0.5,0.002,100,6700.00,"
    "SPX261120P06700000,0,0,18.5,19.5,4,0.152,-0.5,0.002,200\n"
    "Fri Nov 20 2026,SPXW261120C06700000,0,0,20.6,21.6,5,0.153,0.5,0.002,300,6700.00,"
    "SPXW261120P06700000,0,0,0,0.05,6,0,-0.5,0.002,0\n"
)
DERIBIT_SNAPSHOT = (
    "timestamp,instrument_name,underlying,option_type,strike,expiry_datetime,bid_price,ask_price,futures_price,"
    "implied_volatility,open_interest,volume,currency,index_price\n"
    "2026-11-19T03:59:07.25+00:00,BTC-25DEC26-90000-C,92000.5,call,90000.0,2026-12-25T08:00:00+00:00,0.05,0.0525,"
    "92000.5,0.4,510.8,1.5,BTC,91500.5\n"
    "2026-11-19T03:59:07.25+00:00,BTC-25DEC26-90000-P,92000.5,put,90000.0,2026-12-25T08:00:00+00:00,,0.03,"
    "92000.5,0.41,0.0,0.0,BTC,91500.5\n"
    "2026-11-19T03:59:07.25+00:00,ETH-25DEC26-3000-P,3010.25,put,3000.0,2026-12-25T08:00:00+00:00,0.05,0.06,"
    "3010.25,0.61,33.0,0.0,ETH,3000.25\n"
)
YAHOO_EOD = (
    "contractSymbol,expiry,type,strike,lastPrice,bid,ask,volume,openInterest,impliedVolatility,inTheMoney,"
    "lastTradeDate,spot,session\n"
    "IWM261120C00255000,2026-11-20,C,255.0,44.06,47.9,48.13,,2,1.47265888671875,True,2026-11-18 17:16:12+00:00,"
    "302.75,2026-11-18\n"
    "IWM261120P00255000,2026-11-20,P,255.0,0.01,0.0,0.01,12.0,,0.00001,False,2026-11-19 15:57:56+00:00,"
    "302.75,2026-11-18\n"
)


def text(document: Any) -> bytes:
    return json.dumps(document).encode()


EVERY_BODY: dict[str, bytes] = {
    "cboe": text(cboe([cboe_option("SPXW261120C06700000"), cboe_option("SPX261120P06700000")])),
    "deribit": text(deribit([deribit_row("BTC-25DEC26-90000-C"), deribit_row("ETH-25DEC26-3000-P")])),
    "bybit": text(bybit([bybit_row("BTC-25DEC26-90000-C-USDT"), bybit_row("BTC-25DEC26-90000-P-USDT")])),
    "yahoo": text(yahoo(yahoo_result([yahoo_option("IBIT261120C00060000")], [yahoo_option("IBIT261120P00060000")]))),
    "tradier": text(tradier([tradier_option("SPXW261120C06700000"), tradier_option("SPX261120P06700000")])),
    "normalised": text(normalised([normalised_quote("SPY261120C00670000"), normalised_quote("SPY261120P00670000")])),
    "own": OWN.encode(),
    "quote_page": QUOTE_PAGE.encode(),
    "deribit_snapshot": DERIBIT_SNAPSHOT.encode(),
    "yahoo_eod": YAHOO_EOD.encode(),
}
"""A good file of each format; Tradier's needs ``--spot``."""
