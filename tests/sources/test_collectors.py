"""CSV tables with a row a contract."""

import csv
from datetime import UTC, datetime

import numpy as np
import pytest

from gextui.market.ticker import Kind
from gextui.sources.collectors import decode_table, is_chain_table, is_own_table
from gextui.sources.rows import Capture
from gextui.sources.source import BadInputError
from tests.sources import bodies

TAKEN = datetime(2026, 11, 19, 16, 13, 33, tzinfo=UTC)


def decode(text: str, taken: datetime | None = None) -> list[Capture]:
    return decode_table(list(csv.reader(text.splitlines())), taken)


def test_gextui_s_own_table() -> None:
    btc, spx = (capture.chain("test") for capture in decode(bodies.OWN))
    assert (btc.ticker.symbol, btc.ticker.kind, btc.spot) == ("BTC", Kind.COIN, 91500.0)
    assert (spx.ticker.symbol, spx.ticker.kind, spx.spot) == ("SPX", Kind.INDEX, 6700.5)
    assert btc.as_of == spx.as_of == datetime(2026, 11, 19, 21, 30, tzinfo=UTC)
    assert btc.expiries.tolist() == [1795161600.0]
    assert spx.expiries.tolist() == [1795185000.0, 1795208400.0]
    assert spx.roots == ("SPX", "SPXW")
    assert spx.forwards.tolist() == [6702.0, 6702.25]
    assert spx.iv.tolist() == [0.14, 0.15]
    assert spx.open_interest.tolist() == [200.0, 100.0]
    assert spx.volume.tolist() == pytest.approx([np.nan, 7.0], nan_ok=True)
    assert spx.multiplier.tolist() == [100.0, 100.0]
    assert (btc.multiplier[0], btc.ask[0], btc.open_interest[0]) == (1.0, 310.0, 12.5), "its quotes are in USD"
    assert np.isnan([btc.iv[0], btc.bid[0]]).all()


def test_own_table_takes_iv_as_a_fraction_whatever_its_size() -> None:
    row = "SPX,2026-11-19T21:30:00Z,6700,SPXW,2026-11-20,PM,9900,C,6.5,1,,,,100,\n"
    (capture,) = decode(bodies.OWN_HEADER + row)
    assert capture.rows.iv.tolist() == [6.5]


@pytest.mark.parametrize(
    ("expiry", "settlement", "root", "expected"),
    [
        ("2026-11-20", "PM", "SPX", "2026-11-20 21:00"),
        ("2026-11-20", "AM", "SPXW", "2026-11-20 14:30"),
        ("2026-11-20", "", "SPX", "2026-11-20 14:30"),
        ("2026-11-20", "", "SPXW", "2026-11-20 21:00"),
        ("2026-11-20", "", "", "2026-11-20 14:30"),
        ("2026-11-27", "PM", "SPXW", "2026-11-27 18:00"),
        ("2026-11-20T00:00:00", "PM", "SPXW", "2026-11-20 21:00"),
        ("2026-11-20 00:00:00.000000-05:00", "PM", "SPXW", "2026-11-20 21:00"),
        ("1795132800", "PM", "SPXW", "2026-11-20 21:00"),
        ("2026-11-20T21:00:00Z", "", "SPXW", "2026-11-20 21:00"),
        ("2026-11-20T16:00:00-05:00", "", "SPXW", "2026-11-20 21:00"),
        ("1795208400000", "", "SPXW", "2026-11-20 21:00"),
    ],
)
def test_own_table_s_expiries(expiry: str, settlement: str, root: str, expected: str) -> None:
    row = f"SPX,2026-11-19T21:30:00Z,6700,{root},{expiry},{settlement},6700,C,0.2,1,,,,100,\n"
    (capture,) = decode(bodies.OWN_HEADER + row)
    assert datetime.fromtimestamp(capture.rows.contracts.expiry[0], UTC).strftime("%Y-%m-%d %H:%M") == expected


def test_a_coin_s_expiry_date_is_at_its_own_hour() -> None:
    (capture,) = decode(bodies.OWN_HEADER + "ETH,2026-11-19T21:30:00Z,3000,,2026-11-20,,3000,C,0.2,1,,,,,\n")
    assert capture.ticker.kind is Kind.COIN
    assert capture.rows.contracts.expiry.tolist() == [1795161600.0]
    assert capture.rows.multiplier.tolist() == [1.0]


def test_an_unknown_ticker_that_expires_at_eight_is_a_coin() -> None:
    row = "DOGE,2026-11-19T21:30:00Z,0.2,DOGE_USDC,2026-11-20T08:00:00Z,,0.2,C,0.9,1,,,,,\n"
    (capture,) = decode(bodies.OWN_HEADER + row)
    assert (capture.ticker.symbol, capture.ticker.kind) == ("DOGE", Kind.COIN)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("SPX,2026-11-19T21:30:00Z,6700,SPXW,soon,PM,6700,C,0.2,1,,,,100,", "bad_expiry"),
        ("SPX,2026-11-19T21:30:00Z,6700,SPXW,2026-11-20,PM,6700,X,0.2,1,,,,100,", "bad_right"),
        ("SPX,2026-11-19T21:30:00Z,6700,SPXW,2026-11-20,PM,-1,C,0.2,1,,,,100,", "bad_strike"),
        ("SPX,2026-11-19T21:30:00Z,6700,SPXW,2026-11-20,PM,,C,0.2,1,,,,100,", "bad_strike"),
        ("SPX,2026-11-19T21:30:00Z,6700,SPXW,2026-11-20,PM,6700,C,-0.2,1,,,,100,", "bad_number"),
        ("SPX,2026-11-19T21:30:00Z,6700,SPXW,2026-11-20,PM,6700,C,0.2,1,,,,0,", "bad_number"),
        ("SPX,never,6700,SPXW,2026-11-20,PM,6700,P,0.2,1,,,,100,", "bad_time"),
        ("SPX,2026-11-19T21:30:00Z,6700,SPX1,2026-11-20,PM,6700,C,0.2,1,,,,100,", "adjusted"),
        (",2026-11-19T21:30:00Z,6700,,2026-11-20,PM,6700,C,0.2,1,,,,100,", "bad_symbol"),
        ("SPX,2026-11-19T21:30:00Z,6700", "bad_row"),
    ],
)
def test_rows_that_cannot_be_used_are_counted(row: str, reason: str) -> None:
    good = "SPX,2026-11-19T21:30:00Z,6700,SPXW,2026-11-20,PM,6700,C,0.2,1,,,,100,"
    (capture,) = decode(f"{bodies.OWN_HEADER}{row}\n{good}\n")
    chain = capture.chain("test")
    assert dict(chain.dropped) == {reason: 1}
    assert (len(chain), chain.total) == (1, 2)


def test_own_table_of_several_instants() -> None:
    rows = [
        f"SPX,2026-11-19T21:30:{second:02d}Z,67{second:02d},SPXW,2026-11-20,PM,67{second:02d},C,0.2,1,,,,100,"
        for second in (20, 0, 10)
    ]
    captures = decode(bodies.OWN_HEADER + "\n".join(rows))
    assert [capture.as_of.second for capture in captures if capture.as_of] == [0, 10, 20]
    assert [capture.spot for capture in captures] == [6700.0, 6710.0, 6720.0]


def test_deribit_snapshot_table() -> None:
    btc, eth = (capture.chain("test") for capture in decode(bodies.DERIBIT_SNAPSHOT))
    assert btc.as_of == eth.as_of == datetime(2026, 11, 19, 3, 59, 7, 250000, tzinfo=UTC)
    assert (btc.spot, btc.forwards.tolist(), eth.spot, eth.forwards.tolist()) == (
        91500.5,
        [92000.5],
        3000.25,
        [3010.25],
    )
    assert btc.iv.tolist() == [0.4, 0.41], "a fraction in this collector's table"
    assert btc.bid.tolist() == pytest.approx([4600.025, np.nan], nan_ok=True)
    assert btc.ask.tolist() == pytest.approx([4830.02625, 2760.015])
    assert btc.open_interest.tolist() == [510.8, 0.0]
    assert btc.multiplier.tolist() == [1.0, 1.0]
    assert btc.notes == ()


def test_deribit_daily_table_in_percent_without_an_index() -> None:
    text = (
        "snapshot_utc,exchange,underlying,instrument,expiry,strike,type,bid,ask,mark_iv,open_interest,volume_24h,"
        "underlying_price\n"
        "2026-11-19 03:52:47,deribit,BTC,BTC-20NOV26-90000-P,2026-11-20,90000,put,0.0017,0.0019,86.53,44.7,43.7,91510\n"
        "2026-11-19 03:52:47,deribit,BTC,BTC-19NOV26-90000-P,2026-11-19,90000,put,0.0017,0.0019,2.5,1,1,91490.5\n"
        "2026-11-19 03:52:47,deribit,BTC,BTC-18NOV26-90000-P,2026-11-18,90000,put,0.0017,0.0019,40,0,0,90000\n"
        "2026-11-19 03:52:47,deribit,BTC,BTC-CS-20NOV26-90000_95000,2026-11-20,90000,call,0.1,0.2,40,1,1,90000\n"
    )
    (capture,) = decode(text)
    chain = capture.chain("test")
    assert chain.as_of == datetime(2026, 11, 19, 3, 52, 47, tzinfo=UTC)
    assert chain.iv.tolist() == pytest.approx([0.40, 0.025, 0.8653])
    assert chain.spot == 91490.5, "the front living expiry's forward"
    assert "2026-11-19" in chain.notes[0]
    assert chain.volume.tolist() == [0.0, 1.0, 43.7]
    assert dict(chain.dropped) == {"combo": 1}


def test_bybit_tables_are_quoted_in_dollars() -> None:
    header = "timestamp,exchange,symbol,markIv,openInterest,bid1Price,ask1Price,underlyingPrice,indexPrice\n"
    rows = (
        "1795168800123,Bybit,BTC-25DEC26-90000-C,0.5397,18.93,930,940,92000.25,91500.5\n"
        "1795168800123,Bybit,BTC-25DEC26-90000-P-USDT,0.5397,18.93,930,940,92000.25,91500.5\n"
    )
    (capture,) = decode(header + rows)
    chain = capture.chain("test")
    assert (chain.spot, chain.bid.tolist(), chain.iv.tolist()) == (91500.5, [930.0, 930.0], [0.5397, 0.5397])


def test_web_export_reads_open_as_open_interest_and_needs_time_and_price() -> None:
    text = (
        "Instrument,Volume,Open,ExtValue,Rho,Theta,Vega,Gamma,NDelta,Δ|Delta,Last,Size,IV Bid,Bid,Mark,Ask,IV Ask,"
        "Size\n"
        "BTC-20NOV26-90000-C,-,0.1,,1.8,-0.1,0.1,-,,0.9,0.21,10.4,-,0.187,0.206,0.2085,251.49,0.2\n"
        "BTC-20NOV26-90000-P,2.2,986.7,,-0.1,-0.1,0.1,-,,-0.1,0.1,-,-,-,-,0.0001,157.94,26.8\n"
    )
    assert is_chain_table(list(csv.reader(text.splitlines())))
    (capture,) = decode(text)
    assert (capture.as_of, capture.spot) == (None, None)
    assert capture.rows.open_interest.tolist() == [0.1, 986.7]
    assert capture.rows.volume.tolist() == pytest.approx([np.nan, 2.2], nan_ok=True)
    assert capture.rows.ask.tolist() == [0.2085, 0.0001]
    assert np.isnan(capture.rows.iv).all()


def test_yahoo_table_takes_its_time_from_beside_it_or_its_newest_trade() -> None:
    (capture,) = decode(bodies.YAHOO_EOD, TAKEN)
    assert (capture.ticker.symbol, capture.ticker.kind, capture.spot, capture.as_of) == ("IWM", Kind.ETF, 302.75, TAKEN)
    assert capture.notes == ("The file does not say when it was taken: the time is from meta.json beside it.",)
    (capture,) = decode(bodies.YAHOO_EOD)
    assert capture.as_of == datetime(2026, 11, 19, 15, 57, 56, tzinfo=UTC)
    assert "newest trade" in capture.notes[0]
    chain = capture.chain("test")
    assert chain.open_interest.tolist() == pytest.approx([2.0, np.nan], nan_ok=True)
    assert chain.iv.tolist() == [1.47265888671875, 1e-5]


def test_a_share_s_underlying_price_is_its_spot_not_a_forward() -> None:
    text = "contractSymbol,impliedVolatility,underlying_price,timestamp\nIWM261120C00255000,0.3,302.5,1795122000\n"
    (capture,) = decode(text)
    assert capture.spot == 302.5
    assert np.isnan(capture.rows.forward).all()


OKX = "snapshot_utc,exchange,instrument,bid,ask,mark_iv,open_interest,underlying_price{}\n" + (
    "2026-11-19 03:52:47,okx,BTC-USD-261225-90000-C,0.0285,0.0295,0.397,3520,91500{}\n"
)


def test_okx_open_interest_of_unknown_size_is_refused() -> None:
    with pytest.raises(BadInputError, match=r"OKX options.*add a column 'multiplier'"):
        decode(OKX.format("", ""))


def test_okx_with_a_multiplier() -> None:
    (capture,) = decode(OKX.format(",multiplier", ",0.01"))
    chain = capture.chain("test")
    assert (chain.spot, chain.iv[0], chain.multiplier[0], chain.bid[0]) == (91500.0, 0.397, 0.01, 0.0285 * 91500.0)
    assert np.isnan(chain.forwards).all(), "what it calls the underlying's price is the index"


HOURLY = "date,instrument_name,open_interest,mark_iv\n"


def hourly(*stamps: str, names: tuple[str, ...] = ("BTC-25DEC26-90000-C", "BTC-25DEC26-90000-P")) -> list[Capture]:
    return decode(HOURLY + "".join(f"{stamp},{name},1,40\n" for stamp in stamps for name in names))


def test_a_table_of_several_instants_is_a_history() -> None:
    captures = hourly("2026-11-19T02:00:00.000000", "2026-11-19T01:00:00.000000")
    assert [capture.as_of for capture in captures] == [
        datetime(2026, 11, 19, 1, tzinfo=UTC),
        datetime(2026, 11, 19, 2, tzinfo=UTC),
    ]
    assert [len(capture.rows) for capture in captures] == [2, 2]


def test_rows_stamped_one_by_one_are_one_capture_until_a_contract_comes_again() -> None:
    stamped = [
        ("2026-11-19T01:00:00.100", "BTC-25DEC26-90000-C"),
        ("2026-11-19T01:00:00.200", "BTC-25DEC26-90000-P"),
        ("2026-11-19T01:00:05.100", "BTC-25DEC26-90000-C"),
        ("2026-11-19T01:00:05.300", "BTC-25DEC26-90000-P"),
        ("2026-11-19T01:07:00.000", "BTC-25DEC26-95000-P"),
    ]
    captures = decode(HOURLY + "".join(f"{stamp},{name},1,40\n" for stamp, name in stamped))
    assert [len(capture.rows) for capture in captures] == [2, 2, 1]
    assert [capture.as_of.isoformat()[14:23] for capture in captures if capture.as_of] == [
        "00:00.200", "00:05.300", "07:00+00:",
    ]  # fmt: skip


def test_columns_are_found_by_name_in_any_order_and_case() -> None:
    text = "Open Interest;Mark IV;INSTRUMENT NAME\n3;40.5;BTC-25DEC26-90000-C\n"
    rows = list(csv.reader(text.splitlines(), delimiter=";"))
    (capture,) = decode_table(rows)
    assert (capture.rows.open_interest[0], capture.rows.iv[0]) == (3.0, 0.405)


def test_a_symbol_column_may_hold_the_ticker() -> None:
    text = "symbol,expiration,strike,type,iv,oi,spot,as_of\nSPY,2026-11-20,670,put,0.2,5,671,2026-11-19T15:00:00Z\n"
    (capture,) = decode(text)
    assert (capture.ticker.symbol, capture.rows.contracts.strike[0]) == ("SPY", 670.0)
    assert not capture.rows.contracts.is_call[0]


@pytest.mark.parametrize(
    ("name", "values", "unit"),
    [
        ("mark_iv", ("86.53", "31.4", "0.0"), 0.01),
        ("mark_iv", ("0.397", "0.41", "1.2"), 1.0),
        ("impliedVolatility", ("0.00001", "0.00001", "0.2"), 1.0),
        ("implied_volatility", ("6.1", "5.6", "0.4"), 0.01),
        ("iv", ("4.9", "3.5", "3.4"), 1.0),
    ],
)
def test_percent_and_fraction_are_told_by_name_and_values(name: str, values: tuple[str, ...], unit: float) -> None:
    rows = "".join(f"SPY261120C00{670 + n}000,{value}\n" for n, value in enumerate(values))
    (capture,) = decode(f"contractSymbol,{name}\n{rows}")
    assert capture.rows.iv.tolist() == pytest.approx([float(value) * unit for value in values])


@pytest.mark.parametrize(
    "header",
    [
        "timestamp,open,high,low,close,volume",
        "snapshot_file,coin,instrument_name,candle_open",
        "timestamp,currency,snapshot_file",
        "a",
        "",
    ],
)
def test_what_is_no_chain(header: str) -> None:
    assert not is_chain_table([header.split(",")])
    assert not is_own_table([header.split(",")])


def test_a_table_cut_short_is_refused() -> None:
    with pytest.raises(BadInputError, match="cut short"):
        decode(bodies.OWN[:-40])


def test_rows_may_all_leave_out_their_last_columns() -> None:
    row = "SPX,2026-11-19T21:30:00Z,6700,SPXW,2026-11-20,PM,6700,{},0.2,1\n"
    (capture,) = decode(bodies.OWN_HEADER + row.format("C") + row.format("P"))
    chain = capture.chain("test")
    assert (len(chain), dict(chain.dropped), chain.multiplier.tolist()) == (2, {}, [100.0, 100.0])
