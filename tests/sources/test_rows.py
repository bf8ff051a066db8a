"""Numbers and instants as sources write them; rows checked and counted."""

import math
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gextui.market.ticker import Kind, ticker_for
from gextui.sources.rows import Capture, Rows, before_change, by_underlying, decode_json, instant, number, numbers
from gextui.sources.source import BadInputError
from gextui.sources.symbols import parse_names

AS_OF = datetime(2026, 11, 19, 21, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1.5, 1.5),
        (3, 3.0),
        ("1.5", 1.5),
        (" 3.7191e-4 ", 3.7191e-4),
        ("1,234.5", 1234.5),
        ("-1,234,567", -1234567.0),
        ("inf", math.inf),
        ("∞", math.inf),
        ("12,34", math.inf),
        ("abc", math.inf),
        (10**400, math.inf),
        (True, math.inf),
        ([], math.inf),
        ("1e999", math.inf),
    ],
)
def test_numbers(value: object, expected: float) -> None:
    assert number(value) == expected


@pytest.mark.parametrize("value", [None, "", " ", "-", "–", "NaN", "nan", "N/A", "null", "None", math.nan])
def test_missing_numbers(value: object) -> None:
    assert math.isnan(number(value))


@given(st.lists(st.one_of(st.none(), st.floats(), st.integers(), st.text(), st.booleans()), max_size=20))
def test_a_column_is_its_numbers(values: list[object]) -> None:
    assert np.array_equal(numbers(values), np.array([number(value) for value in values], dtype=float), equal_nan=True)


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-19T14:30:00Z",
        "2026-11-19 14:30:00",
        "2026-11-19 14:30:00 UTC",
        "2026-11-19T09:30:00-05:00",
        "2026-11-19T14:30:00.000000+00:00",
        1795098600,
        1795098600000,
        "1795098600000",
        1795098600000000,
        1795098600000000000,
    ],
)
def test_instants(value: object) -> None:
    assert instant(value) == 1795098600.0


@pytest.mark.parametrize(
    "value", ["2026-11-19", "14:30:00", "", None, 0, -5, 1e300, math.inf, "1970-01-01T00:00:00Z", "20261119", True, "x"]
)
def test_what_is_no_instant(value: object) -> None:
    assert math.isnan(instant(value))


@given(st.one_of(st.text(), st.floats(), st.integers(), st.none()))
def test_no_value_breaks_the_reading(value: object) -> None:
    assert isinstance(number(value), float)
    assert isinstance(instant(value), float)


def test_price_before_the_change() -> None:
    assert before_change(100.25, 0.75) == 99.5
    assert before_change(None, 0.75) is None
    assert before_change(100.25, None) is None
    assert before_change(100.25, 100.25) is None


def test_python_s_nan_and_infinity_are_let_in() -> None:
    assert decode_json(b'{"a": NaN, "b": -Infinity, "c": 1e999, "d": 1.5}', dict[str, float | str | None]) == {
        "a": None,
        "b": "-Infinity",
        "c": "1e999",
        "d": 1.5,
    }


@pytest.mark.parametrize("data", [b"", b"{", b'{"a": 1', b"nonsense", b"[" * 100_000, b'{"a": "\\ud800"}', b'"\xff"'])
def test_broken_json_is_bad_input(data: bytes) -> None:
    with pytest.raises(BadInputError):
        decode_json(data, dict[str, float | str | None])


def capture(names: list[object], **columns: Any) -> Capture:
    given: dict[str, Any] = dict.fromkeys(("iv", "open_interest", "volume", "bid", "ask"), [1.0] * len(names))
    rows = Rows.read(parse_names(names), **(given | columns))
    return Capture(ticker=ticker_for("SPX"), rows=rows, as_of=AS_OF, spot=6700.0)


@pytest.mark.parametrize("field", ["iv", "open_interest", "volume", "bid", "ask", "multiplier"])
@pytest.mark.parametrize("value", [-0.01, math.inf, -math.inf, 1e300, "abc", True])
def test_a_number_that_cannot_be_drops_its_row_alone(field: str, value: object) -> None:
    names: list[object] = ["SPX261120C06700000", "SPX261120P06700000"]
    chain = capture(names, **{field: [value, 1.0]}).chain("test")
    assert len(chain) == 1
    assert not chain.is_call[0]
    assert chain.total == 2
    assert chain.dropped == {"bad_number": 1}


@pytest.mark.parametrize("field", ["iv", "open_interest", "volume", "bid", "ask"])
def test_a_missing_number_is_nan_and_drops_nothing(field: str) -> None:
    chain = capture(["SPX261120C06700000", "SPX261120P06700000"], **{field: [None, 1.0]}).chain("test")
    assert np.isnan(getattr(chain, field)).tolist() == [True, False]
    assert chain.dropped == {}


def test_zero_is_no_quote_but_is_open_interest() -> None:
    names: list[object] = ["SPX261120C06700000"]
    chain = capture(names, bid=[0.0], ask=[0.0], open_interest=[0.0], volume=[0], iv=[0.0]).chain("test")
    assert np.isnan([chain.bid[0], chain.ask[0]]).all()
    assert (chain.open_interest[0], chain.volume[0], chain.iv[0]) == (0.0, 0.0, 0.0)


def test_each_reason_is_counted() -> None:
    names: list[object] = [
        "SPX261120C06700000", "SPX261120C06700000", "SPX261120C00000000", "SPX1261120C06700000", "noise", None,
    ]  # fmt: skip
    chain = capture(names).chain("test")
    assert dict(chain.dropped) == {"bad_strike": 1, "adjusted": 1, "bad_symbol": 2, "duplicate": 1}
    assert chain.total == 6
    assert len(chain) == 1


def coins(forward: list[object], spot: float | None = 91500.0) -> Capture:
    names = ["BTC-25DEC26-90000-C", "BTC-25DEC26-90000-P", "BTC_USDC-25DEC26-90000-P", "BTC-26MAR27-90000-P"]
    number_of = len(names)
    columns = dict.fromkeys(("iv", "open_interest", "volume"), [1.0] * number_of)
    read = Rows.read(parse_names(names), bid=[0.01] * number_of, ask=[0.02] * number_of, forward=forward, **columns)
    rows = replace(read, in_coins=np.array([True, True, False, True]))
    return Capture(ticker=ticker_for("BTC", Kind.COIN), rows=rows, as_of=AS_OF, spot=spot)


def test_coin_quotes_are_converted_at_the_row_s_own_forward() -> None:
    chain = coins([92000.0, 92001.0, 92002.0, None]).chain("test")
    keys = zip(chain.root.tolist(), chain.expiry.tolist(), chain.is_call.tolist(), strict=True)
    bids = dict(zip(keys, chain.bid.tolist(), strict=True))
    assert chain.roots == ("BTC", "BTC_USDC")
    assert bids[0, 0, True] == pytest.approx(920.0)
    assert bids[0, 0, False] == pytest.approx(920.01)
    assert bids[1, 0, False] == 0.01
    assert bids[0, 1, False] == pytest.approx(915.0), "at spot, where the row has no forward"


def test_one_forward_an_expiry_is_the_median_of_its_rows() -> None:
    chain = coins([92000.0, 92001.0, 92003.0, 93000.0]).chain("test")
    assert chain.forwards.tolist() == [92001.0, 93000.0]
    assert np.isnan(coins([92000.0, 92001.0, 92003.0, None]).chain("test").forwards[1])
    assert coins([92000.0, math.inf, 0.0, -3.0]).chain("test").forwards[0] == 92000.0


def test_front_living_forward_stands_for_a_missing_spot_and_says_so() -> None:
    late = replace(coins([92000.0, 92001.0, 92003.0, 93000.0], spot=None), as_of=datetime(2026, 12, 26, tzinfo=UTC))
    assert late.chain("test").spot == 93000.0
    early = coins([92000.0, 92001.0, 92003.0, 93000.0], spot=None).chain("test")
    assert early.spot == 92001.0
    assert early.notes == (
        "The source gives no spot price: the forward of the front expiry, 2026-12-25, stands for it.",
    )


def test_what_is_lacking_altogether_is_noted() -> None:
    names: list[object] = ["SPX261120C06700000"]
    assert capture(names, iv=[None]).chain("test").notes == ("The source gives no implied volatilities.",)
    assert capture(names, open_interest=[None]).chain("test").notes == ("The source gives no open interest.",)
    assert coins([None] * 4).chain("test").notes == (
        "The source gives no forward prices: quotes in coins are converted at spot.",
    )


def test_no_instant_or_price_asks_for_one() -> None:
    lacking = replace(capture(["SPX261120C06700000"]), as_of=None)
    with pytest.raises(BadInputError, match=r"does not say when it was taken: give --as-of, e\.g\."):
        lacking.chain("test")
    with pytest.raises(BadInputError, match="give --as-of and --spot, e"):
        replace(lacking, spot=None).chain("test")
    with pytest.raises(BadInputError, match="gives no price of SPX: give --spot"):
        replace(lacking, as_of=AS_OF, spot=None).chain("test")


def test_rows_are_shared_out_by_underlying() -> None:
    contracts = parse_names(["ETH-25DEC26-3000-C", "BTC-25DEC26-90000-C", "BTC-25DEC26-90000-P", "BTC-CS-x", "noise"])
    assert [(symbol, mine.tolist()) for symbol, mine in by_underlying(contracts)] == [
        ("BTC", [False, True, True, True, True]),
        ("ETH", [True, False, False, False, False]),
    ]
    with pytest.raises(BadInputError, match=r"holds no option rows that can be read \(1 bad_symbol\)"):
        by_underlying(parse_names(["noise"]))
