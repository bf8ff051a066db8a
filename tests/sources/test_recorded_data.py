"""Every recorded file, against a few lines of csv or json that know nothing of the readers."""

import csv
import gzip
import json
import math
import statistics
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gextui.market.chain import OptionChain
from gextui.market.ticker import Kind
from gextui.sources.files import read_chains
from gextui.sources.source import BadInputError

Row = dict[str, str]


def csv_rows(path: Path) -> list[Row]:
    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()
    return list(csv.DictReader(text.splitlines()))


def by(rows: list[Row], key: Callable[[Row], str]) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return groups


def total(values: list[str]) -> float:
    return math.fsum(float(value) for value in values if value not in ("", "-"))


def nothing_dropped(chain: OptionChain, rows: int) -> None:
    assert (len(chain), chain.total, dict(chain.dropped)) == (rows, rows, {})


def of(chain: OptionChain, root: str, day: str, strike: float, right: str) -> int:
    """The index of one contract."""
    expires = np.array([str(datetime.fromtimestamp(at - 6 * 3600, UTC).date()) == day for at in chain.expiries])
    found = (
        expires[chain.expiry]
        & (chain.strike == strike)
        & (chain.is_call == (right == "C"))
        & (np.array(chain.roots)[chain.root] == root)
    )
    (index,) = np.flatnonzero(found)
    return int(index)


def coin_instant(name: str) -> float:
    day = datetime.strptime(name.split("-")[1], "%d%b%y").replace(tzinfo=UTC)
    return (day + timedelta(hours=8)).timestamp()


SNAPSHOTS = 32


def test_deribit_snapshots(shared: Path) -> None:
    paths = sorted((shared / "data/deribit/snapshots").glob("deribit_options_snapshot_*.csv"))
    assert len(paths) == SNAPSHOTS
    for path in paths:
        groups = by(csv_rows(path), lambda row: row["currency"])
        chains = read_chains(path)
        assert [chain.ticker.symbol for chain in chains] == sorted(groups) == ["BTC", "ETH"]
        for chain in chains:
            rows = groups[chain.ticker.symbol]
            nothing_dropped(chain, len(rows))
            assert chain.as_of == datetime.fromisoformat(rows[0]["timestamp"])
            assert chain.spot == statistics.median(float(row["index_price"]) for row in rows)
            forwards = by(rows, lambda row: str(coin_instant(row["instrument_name"])))
            assert chain.expiries.tolist() == sorted(float(expiry) for expiry in forwards)
            for expiry, forward in zip(chain.expiries.tolist(), chain.forwards.tolist(), strict=True):
                assert forward == statistics.median(float(row["futures_price"]) for row in forwards[str(expiry)])
            assert chain.open_interest.sum() == pytest.approx(total([row["open_interest"] for row in rows]))
            assert chain.volume.sum() == pytest.approx(total([row["volume"] for row in rows]))
            assert np.nansum(chain.iv) == pytest.approx(total([row["implied_volatility"] for row in rows]))
            assert np.count_nonzero(chain.is_call) == sum(row["option_type"] == "call" for row in rows)
            asks = [float(row["ask_price"]) * float(row["futures_price"]) for row in rows if row["ask_price"]]
            assert np.nansum(chain.ask) == pytest.approx(math.fsum(asks))
            assert (chain.multiplier == 1.0).all()


def test_deribit_quarterly_expiry_takes_a_third_of_the_open_interest(shared: Path) -> None:
    folder = shared / "data/deribit/snapshots"
    before, after = (
        read_chains(folder / f"deribit_options_snapshot_20260327T{time}Z.csv")[0].open_interest.sum()
        for time in ("045944", "094709")
    )
    assert before == pytest.approx(521_000, rel=2e-3)
    assert after == pytest.approx(336_000, rel=2e-3)


def test_deribit_daily(shared: Path) -> None:
    paths = sorted((shared / "data/deribit/daily").glob("*.csv"))
    assert len(paths) == 22
    for path in paths:
        groups = by(csv_rows(path), lambda row: row["underlying"])
        chains = read_chains(path)
        assert [chain.ticker.symbol for chain in chains] == ["BTC", "ETH"]
        for chain in chains:
            rows = groups[chain.ticker.symbol]
            nothing_dropped(chain, len(rows))
            assert chain.as_of == datetime.fromisoformat(rows[0]["snapshot_utc"]).replace(tzinfo=UTC)
            assert len(chain.expiries) == len({row["expiry"] for row in rows})
            assert chain.open_interest.sum() == pytest.approx(total([row["open_interest"] for row in rows]))
            assert np.nansum(chain.iv) * 100 == pytest.approx(total([row["mark_iv"] for row in rows]))
            front = min(row["expiry"] for row in rows)
            assert chain.spot == statistics.median(
                float(row["underlying_price"]) for row in rows if row["expiry"] == front
            )
            assert len(chain.notes) == 1
            assert front in chain.notes[0]


def test_deribit_hourly(shared: Path) -> None:
    path = shared / "data/deribit/hourly/full_data_sample.csv"
    with pytest.raises(BadInputError, match="gives no price of BTC: give --spot"):
        read_chains(path)
    hours = by(csv_rows(path), lambda row: row["date"])
    chains = read_chains(path, spot=89_500.0)
    assert len(chains) == len(hours) == 37
    for chain, hour in zip(chains, sorted(hours), strict=True):
        rows = hours[hour]
        nothing_dropped(chain, len(rows))
        assert chain.as_of == datetime.fromisoformat(hour).replace(tzinfo=UTC)
        assert chain.open_interest.sum() == pytest.approx(total([row["open_interest"] for row in rows]))
        assert np.nansum(chain.iv) * 100 == pytest.approx(total([row["mark_iv"] for row in rows]))
        assert np.isnan(chain.forwards).all()
        assert np.isnan(chain.bid).all()


def test_deribit_web_export(shared: Path) -> None:
    as_of = datetime(2026, 4, 30, 12, tzinfo=UTC)
    paths = sorted((shared / "data/deribit/web_export").glob("*.csv"))
    assert len(paths) == 3
    for path in paths:
        with pytest.raises(BadInputError, match="give --as-of and --spot"):
            read_chains(path)
        (chain,) = read_chains(path, as_of=as_of, spot=76_000.0)
        rows = csv_rows(path)
        nothing_dropped(chain, len(rows))
        assert len(chain.expiries) == 1
        assert np.nansum(chain.open_interest) == pytest.approx(total([row["Open"] for row in rows]))
        assert np.isnan(chain.open_interest).sum() == sum(row["Open"] == "-" for row in rows)
        assert np.nansum(chain.volume) == pytest.approx(total([row["Volume"] for row in rows]))
        assert np.nansum(chain.bid) == pytest.approx(total([row["Bid"] for row in rows]) * 76_000.0)
        assert np.isnan(chain.iv).all()
        assert len(chain.notes) == 2


def test_futures_candles_and_unsized_contracts_are_refused(shared: Path) -> None:
    data = shared / "data"
    others = [path for path in (data / "deribit/snapshots").glob("*.csv") if "options" not in path.name]
    others += (data / "bybit/klines").glob("*.csv")
    assert len(others) == 9
    for path in others:
        with pytest.raises(BadInputError, match=r"\.csv is not a recorded option chain"):
            read_chains(path)
    okx = sorted((data / "okx/daily").glob("*.csv"))
    assert len(okx) == 5
    for path in okx:
        with pytest.raises(BadInputError, match="add a column 'multiplier' with the coins a contract"):
            read_chains(path)


@pytest.mark.parametrize(
    ("name", "symbol", "kind", "as_of", "spot", "previous_close", "contracts", "days"),
    [
        ("spx_quotedata_2023-09-04_1456EDT", "SPX", Kind.INDEX, "2023-09-04T18:56Z", 4515.77, 4507.66, 19_158, None),
        ("spy_quotedata_2023-09-14_1631EDT", "SPY", Kind.ETF, "2023-09-14T20:31Z", 450.81, 446.96, 7_292, 31),
    ],
)
def test_cboe_quote_pages(
    shared: Path,
    name: str,
    symbol: str,
    kind: Kind,
    as_of: str,
    spot: float,
    previous_close: float,
    contracts: int,
    days: int | None,
) -> None:
    path = shared / f"data/cboe/csv/{name}.csv"
    (chain,) = read_chains(path, us_rate=0.05)
    rows = list(csv.reader(path.read_text().splitlines()[4:]))
    nothing_dropped(chain, contracts)
    assert contracts == 2 * len(rows)
    assert (chain.ticker.symbol, chain.ticker.kind, chain.spot, chain.rate) == (symbol, kind, spot, 0.05)
    assert chain.as_of == datetime.fromisoformat(as_of)
    assert chain.previous_close == previous_close
    assert len(chain.expiries) == len({row[1][:-9] for row in rows})
    assert days is None or len(chain.expiries) == days
    for column, position in ((chain.open_interest, 10), (chain.volume, 6), (chain.iv, 7)):
        expected = total([row[position] for row in rows]) + total([row[position + 11] for row in rows])
        assert column.sum() == pytest.approx(expected)
    no_iv = sum(float(row[7]) == 0 for row in rows)
    assert np.count_nonzero(chain.iv[chain.is_call] == 0) == no_iv
    assert np.isnan(chain.bid).sum() == sum(float(row[n]) == 0 for row in rows for n in (4, 15))


def test_cboe_spx_has_two_settlements_on_the_third_friday(shared: Path) -> None:
    (chain,) = read_chains(shared / "data/cboe/csv/spx_quotedata_2023-09-04_1456EDT.csv")
    assert chain.roots == ("SPX", "SPXW")
    assert np.count_nonzero(chain.iv[chain.is_call] == 0) == 1_103
    at = {
        root: {datetime.fromtimestamp(chain.expiries[n], UTC) for n in chain.expiry[chain.root == index]}
        for index, root in enumerate(chain.roots)
    }
    assert datetime(2023, 9, 15, 13, 30, tzinfo=UTC) in at["SPX"]
    assert datetime(2023, 9, 15, 20, tzinfo=UTC) in at["SPXW"]
    assert not at["SPX"] & at["SPXW"]


def test_cboe_json_made_of_the_csv_reads_the_same(shared: Path) -> None:
    (page,) = read_chains(shared / "data/cboe/csv/spx_quotedata_2023-09-04_1456EDT.csv")
    (document,) = read_chains(shared / "wire/samples/cboe/_SPX_derived_from_csv_2023-09-04.json.gz")
    assert (document.spot, document.as_of, document.previous_close) == (page.spot, page.as_of, page.previous_close)
    for name in ("expiries", "root", "expiry", "strike", "is_call", "iv", "open_interest", "volume", "bid", "ask"):
        assert np.array_equal(getattr(document, name), getattr(page, name), equal_nan=name in ("bid", "ask"))


def test_cboe_delayed_quotes(shared: Path) -> None:
    path = shared / "wire/samples/cboe/options_AAPL_2026-07-25T034438Z.json"
    (chain,) = read_chains(path)
    options = json.loads(path.read_text())["data"]["options"]
    nothing_dropped(chain, 3_576)
    assert len(options) == 3_576
    assert (chain.ticker.symbol, chain.spot) == ("AAPL", 333.02)
    assert chain.as_of == datetime(2026, 7, 25, 3, 44, 38, tzinfo=UTC)
    assert len(chain.expiries) == len({option["option"][:-9] for option in options})
    assert chain.open_interest.sum() == sum(option["open_interest"] for option in options)
    assert (chain.expiries <= chain.as_of_seconds).sum() == 1, "yesterday's expiry is still listed: the board drops it"
    one = of(chain, "AAPL", "2026-09-18", 335.0, "C")
    assert chain.iv[one] == 0.2812


@pytest.mark.parametrize(
    ("name", "as_of", "spot", "rows"),
    [
        ("SPX_excerpt_2024-11-21T015250Z", "2024-11-21T01:52:50Z", 5917.1099, 1),
        ("QQQ_excerpt_2023-05-22_time-only-timestamp", "2023-05-20T18:47:30Z", 336.51, 2),
    ],
)
def test_cboe_excerpts(shared: Path, name: str, as_of: str, spot: float, rows: int) -> None:
    (chain,) = read_chains(shared / f"wire/samples/cboe/{name}.json")
    nothing_dropped(chain, rows)
    assert (chain.as_of, chain.spot) == (datetime.fromisoformat(as_of), spot)
    assert len(chain.notes) == (2 if "time-only" in name else 0)


def test_yahoo_end_of_day(shared: Path) -> None:
    paths = sorted((shared / "data/yahoo/eod").glob("*/*.csv.gz"))
    assert len(paths) == 9
    for path in paths:
        (chain,) = read_chains(path, us_rate=0.04)
        rows = csv_rows(path)
        meta = json.loads((path.parent / "meta.json").read_text())
        symbol = path.name.partition(".")[0]
        nothing_dropped(chain, meta["tickers"][symbol]["contracts"])
        assert (chain.ticker.symbol, chain.ticker.kind) == (symbol, Kind.ETF)
        assert chain.as_of == datetime.fromisoformat(meta["utc"])
        assert chain.spot == float(rows[0]["spot"]) == meta["tickers"][symbol]["spot"]
        assert len(chain.expiries) == len({row["expiry"] for row in rows})
        assert np.nansum(chain.open_interest) == total([row["openInterest"] for row in rows])
        assert np.isnan(chain.volume).sum() == sum(not row["volume"] for row in rows)
        assert np.nansum(chain.iv) == pytest.approx(total([row["impliedVolatility"] for row in rows]))
        assert "meta.json" in chain.notes[0]


def test_yahoo_normalised(shared: Path) -> None:
    paths = sorted((shared / "data/yahoo/merged").glob("*.json"))
    assert len(paths) == 7
    for path in paths:
        document = json.loads(path.read_text())
        quotes = document["quotes"]
        (chain,) = read_chains(path)
        nothing_dropped(chain, len(quotes))
        assert (chain.ticker.symbol, chain.spot) == (document["symbol"], document["underlyingPrice"])
        assert chain.as_of == datetime.fromisoformat(document["updated"])
        assert len(chain.expiries) == len({quote["symbol"][:-9] for quote in quotes})
        assert np.nansum(chain.open_interest) == sum(quote["openInterest"] for quote in quotes if quote["openInterest"])
        assert np.isnan(chain.open_interest).sum() == sum(quote["openInterest"] is None for quote in quotes)
    (broken,) = read_chains(shared / "data/yahoo/merged/QQQ_2026-07-10_BROKEN_OI_IV.json")
    assert np.nansum(broken.open_interest) == 131


@pytest.mark.parametrize(
    ("name", "rows", "spot", "quoted", "no_iv", "open_interest"),
    [("QQQ", 180, 526.12, 0, 61, 0), ("AAPL", 102, 245.55, 1, 43, 0), ("SPOT", 179, 607.38, 4, 69, 10)],
)
def test_yahoo_options_before_the_open(
    shared: Path, tmp_path: Path, name: str, rows: int, spot: float, quoted: int, no_iv: int, open_interest: int
) -> None:
    chain, quote = yahoo_sample(shared, tmp_path, name)
    nothing_dropped(chain, rows)
    assert chain.spot == spot
    assert chain.as_of == datetime.fromtimestamp(quote["preMarketTime"], UTC)
    assert np.count_nonzero(~np.isnan(chain.bid)) == quoted
    assert np.nansum(chain.open_interest) == open_interest
    assert np.count_nonzero(chain.iv == 1.0000000000000003e-05) == no_iv


def yahoo_sample(shared: Path, folder: Path, name: str) -> tuple[OptionChain, dict[str, Any]]:
    recording = json.loads((shared / f"wire/samples/yahoo/options-{name}.json").read_text())
    body = recording["response"]["bodyJson"]
    path = folder / "chain.json"
    path.write_text(json.dumps(body))
    (chain,) = read_chains(path)
    return chain, body["optionChain"]["result"][0]["quote"]


@pytest.mark.parametrize("name", ["BTC-USD", "ADH", "_caret_VXAPL", "AAPL-expire-2022-03-01"])
def test_yahoo_symbols_without_options(shared: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInputError, match="holds no option rows: Yahoo had none"):
        yahoo_sample(shared, tmp_path, name)


def test_deribit_book_summary(shared: Path) -> None:
    path = shared / "wire/samples/deribit/quantdash_book_summary_BTC_option_2026-09-08_52rows.json"
    (chain,) = read_chains(path)
    rows = json.loads(path.read_text())["result"]
    nothing_dropped(chain, 52)
    assert chain.as_of.timestamp() == pytest.approx(max(row["creation_timestamp"] for row in rows) / 1000)
    assert chain.spot == statistics.median(row["estimated_delivery_price"] for row in rows) == 78494.25
    assert len(chain.expiries) == len({row["instrument_name"].split("-")[1] for row in rows})
    assert chain.open_interest.sum() == pytest.approx(math.fsum(row["open_interest"] for row in rows))
    assert chain.iv.sum() * 100 == pytest.approx(math.fsum(row["mark_iv"] for row in rows))
    bids = [row["bid_price"] * row["underlying_price"] for row in rows if row["bid_price"]]
    assert np.nansum(chain.bid) == pytest.approx(math.fsum(bids))


def test_deribit_combos_alone_are_no_chain(shared: Path) -> None:
    with pytest.raises(BadInputError, match=r"holds no option rows that can be read \(6 combo\)"):
        read_chains(shared / "wire/samples/deribit/nautilus_http_get_instruments_option_combo.json")


def test_bybit_tickers(shared: Path, tmp_path: Path) -> None:
    (chain,) = read_chains(shared / "wire/samples/bybit/docs_tickers_option_rest.json")
    nothing_dropped(chain, 1)
    assert (chain.spot, chain.forwards.tolist(), chain.iv.tolist()) == (16600.55, [16590.42], [0.7567])
    assert chain.as_of == datetime.fromtimestamp(1672376592.395, UTC)
    assert np.isnan(chain.bid[0])
    assert chain.ask[0] == 435.0
    row = (shared / "wire/samples/bybit/oggregator_rest_ticker_option_USDT_row.json").read_text()
    path = tmp_path / "chain.json"
    path.write_text(f"[{row}]")
    (chain,) = read_chains(path, as_of=datetime(2026, 3, 20, 12, tzinfo=UTC))
    assert (chain.roots, chain.open_interest[0], chain.iv[0], chain.bid[0]) == (("BTC-USDT",), 18.93, 0.5397, 930.0)


@pytest.mark.parametrize(
    ("name", "symbol", "rows", "day"),
    [
        ("chains_SPX_2026-02-09_excerpt_2026-02-06", "SPX", 13, "2026-02-06"),
        ("chains_PLTR_2026-06-18_excerpt_2024-06-28", "PLTR", 4, "2024-06-28"),
    ],
)
def test_tradier_chains(shared: Path, name: str, symbol: str, rows: int, day: str) -> None:
    path = shared / f"wire/samples/tradier/{name}.json"
    with pytest.raises(BadInputError, match=f"gives no price of {symbol}: give --spot"):
        read_chains(path)
    (chain,) = read_chains(path, spot=100.0)
    options = json.loads(path.read_text())["options"]["option"]
    nothing_dropped(chain, rows)
    assert len(options) == rows
    newest = max(max(option["bid_date"], option["ask_date"], option["trade_date"]) for option in options)
    assert chain.as_of == datetime.fromtimestamp(newest / 1000, UTC)
    assert chain.as_of.date() == date.fromisoformat(day)
    assert chain.open_interest.sum() == sum(option["open_interest"] for option in options)
    assert (chain.multiplier == 100.0).all()
    assert len(chain.expiries) == 1
