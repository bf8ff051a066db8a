"""gextui's own CSV, written and read back."""

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gextui.market.calendar import NEW_YORK
from gextui.market.chain import OptionChain
from gextui.market.combined import combine
from gextui.market.ticker import Kind, ticker_for
from gextui.sources.export import COLUMNS, HEADING, csv_rows, plain_cell
from gextui.sources.files import read_chains
from tests.sources import bodies

_ARRAYS = (
    "expiries", "forwards", "root", "expiry", "strike", "is_call", "iv", "open_interest", "volume", "bid", "ask",
    "multiplier",
)  # fmt: skip


def round_trip(folder: Path, chains: list[OptionChain]) -> list[OptionChain]:
    path = folder / "own.csv"
    path.write_text(HEADING + "".join(map(csv_rows, chains)), encoding="utf-8")
    return read_chains(path)


def assert_same(read: OptionChain, written: OptionChain) -> None:
    assert (read.ticker, read.as_of, read.spot, read.roots) == (
        written.ticker,
        written.as_of,
        written.spot,
        written.roots,
    )
    for name in _ARRAYS:
        assert np.array_equal(getattr(read, name), getattr(written, name), equal_nan=name not in ("root", "is_call"))


@pytest.mark.parametrize("kind", bodies.EVERY_BODY)
def test_every_source_s_chain_reads_back_as_it_was(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "chain"
    path.write_bytes(bodies.EVERY_BODY[kind])
    written = read_chains(path, spot=6700.0 if kind == "tradier" else None)
    read = round_trip(tmp_path, written)
    assert len(read) == len(written)
    for one, other in zip(read, written, strict=True):
        assert_same(one, other)
        assert one.source == "file:gextui-csv"


def test_what_is_written() -> None:
    chain = OptionChain.from_rows(
        ticker=ticker_for("SPX"),
        source="test",
        as_of=datetime(2026, 11, 19, 16, 30, tzinfo=NEW_YORK),
        spot=6700.5,
        root=["SPXW", "SPX"],
        expiry=[1795208400.0, 1795185000.0],
        strike=[6700.0, 6712.5],
        is_call=[True, False],
        iv=[0.15, np.nan],
        open_interest=[12.0, 0.0],
        volume=[np.nan, 3.0],
        bid=[np.nan, 1e-7],
        ask=[21.5, 0.1 + 0.2],
        multiplier=[100.0, 100.0],
        forwards={1795208400.0: 6702.25},
    )
    assert (HEADING + csv_rows(chain)).split("\n") == [
        "ticker,as_of,spot,root,expiry,settlement,strike,right,iv,open_interest,volume,bid,ask,multiplier,forward,venue",
        "SPX,2026-11-19T21:30:00Z,6700.5,SPX,2026-11-20T14:30:00Z,AM,6712.5,P,,0.0,3.0,1e-07,0.30000000000000004,100.0,,",
        "SPX,2026-11-19T21:30:00Z,6700.5,SPXW,2026-11-20T21:00:00Z,PM,6700.0,C,0.15,12.0,,,21.5,100.0,6702.25,",
        "",
    ]


def test_a_combined_chain_reads_back_venue_by_venue(tmp_path: Path) -> None:
    path = tmp_path / "chain"
    path.write_bytes(bodies.EVERY_BODY["bybit"])
    first, *_ = read_chains(path)
    other = replace(first, source="okx", spot=first.spot * 1.001, forwards=first.forwards * 1.001, iv=first.iv * 1.1)
    written = combine(first.ticker, [replace(first, source="deribit"), other])
    (read,) = round_trip(tmp_path, [written])
    assert_same(read, written)
    assert read.source == "file:gextui-csv"
    assert read.part.tolist() == written.part.tolist()
    assert [(part.name, part.spot) for part in read.parts] == [("deribit", first.spot), ("okx", other.spot)]
    as_of = read_chains(tmp_path / "own.csv", as_of=datetime(2026, 11, 19, 12, tzinfo=UTC))
    assert [[part.name for part in chain.parts] for chain in as_of] == [["deribit", "okx"]]


@pytest.mark.parametrize("text", ["=HYPERLINK(1)", "+1", "-1", "@SUM(1)", "\tx", "\rx"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert plain_cell(text) == f"'{text}"
    assert plain_cell(f"SPX{text}") == f"SPX{text}"


def test_a_ticker_that_looks_like_a_formula_is_written_as_text() -> None:
    chain = OptionChain.from_rows(
        ticker=ticker_for("=CMD|X"),
        source="test",
        as_of=datetime(2026, 11, 19, tzinfo=UTC),
        spot=1.0,
        root=["@X"],
        expiry=[1795208400.0],
        strike=[1.0],
        is_call=[True],
        iv=[0.1],
        open_interest=[1.0],
        volume=[1.0],
        bid=[1.0],
        ask=[1.0],
        multiplier=[100.0],
    )
    [row] = csv.reader(io.StringIO(csv_rows(chain)))
    assert dict(zip(COLUMNS, row, strict=True))["ticker"] == "'=CMD|X"
    assert dict(zip(COLUMNS, row, strict=True))["root"] == "'@X"


number = st.floats(1e-6, 1e12) | st.just(float("nan"))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["BTC", "BTC_USDC"]),
            st.sampled_from([1795161600.0, 1798185600.0]),
            st.floats(1e-6, 1e9),
            st.booleans(),
            *[number] * 5,
        ),
        min_size=1,
        max_size=12,
        unique_by=lambda row: row[:4],
    )
)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_chain_reads_back_to_the_last_bit(
    tmp_path: Path, rows: list[tuple[str, float, float, bool, float, float, float, float, float]]
) -> None:
    root, expiry, strike, is_call, iv, open_interest, volume, bid, ask = zip(*rows, strict=True)
    chain = OptionChain.from_rows(
        ticker=ticker_for("BTC", Kind.COIN),
        source="test",
        as_of=datetime(2026, 11, 19, 21, 30, 0, 123456, tzinfo=UTC),
        spot=91500.1,
        root=root,
        expiry=expiry,
        strike=strike,
        is_call=is_call,
        iv=iv,
        open_interest=open_interest,
        volume=volume,
        bid=bid,
        ask=ask,
        multiplier=[1.0] * len(rows),
        forwards={1795161600.0: 91501.3},
    )
    (read,) = round_trip(tmp_path, [chain])
    assert_same(read, chain)
