"""The JSON contract and the CSV: every documented key, its meaning, and null for what is missing."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gextui.exposure.board import Board, build_board
from gextui.exposure.change import WINDOWS, Past
from gextui.exposure.coin_terms import implied_chain
from gextui.exposure.filters import Filters, Sign, Weight
from gextui.market.chain import Halt
from gextui.market.coin import CoinRatio, RatioSource
from gextui.market.combined import combine
from gextui.market.ticker import ticker_for
from gextui.report.document import encode, instant
from gextui.report.rows import COLUMNS, csv_text
from tests.exposure.chains import COIN, Contract, chain_of, random_chain

DISTANCE = {"distance_pct": "number", "distance_sigmas": "number"}
WALL = {"price": "number", "gex": "number", "share": "number", **DISTANCE}
MOVE = {"move": "number", "low": "number", "high": "number", "expiry": "text", "method": "text"}
PER_STRIKE = (
    "call_gex put_gex net_gex net_dex net_vanna net_charm call_open_interest put_open_interest call_volume put_volume"
)
TOTALS = (
    "net_gex call_gex put_gex gross_gex net_dex net_vanna net_charm call_open_interest put_open_interest call_volume "
    "put_volume put_call_open_interest put_call_volume"
)
LEVELS: dict[str, Any] = {
    "call_wall": WALL,
    "put_wall": WALL,
    "call_walls": [WALL],
    "put_walls": [WALL],
    "absolute_gamma": WALL,
    "zero_gamma": {
        "price": "number",
        "all": ["number"],
        "band": ["number"],
        "side": "text",
        "missing_from_band": "number",
        **DISTANCE,
    },
    "other_rules": [{"name": "text", "price": "number", **DISTANCE}],
    "max_pain": {"price": "number", "expiry": "text", **DISTANCE},
    "expected_move": MOVE,
    "one_sigma": MOVE,
    "daily_sigma": "number",
    "iv_30d": "number",
}
COIN_TERMS = {
    "coin": "text",
    "reason": "text",
    "coins_per_share": "number",
    "ratio_source": "text",
    "ratio_as_of": "text",
    "spot": "number",
    "levels": LEVELS,
}
SHAPE: dict[str, Any] = {
    "schema": "number",
    "ticker": "text",
    "source": "text",
    "simulated": "truth",
    "as_of": "text",
    "delay": "number",
    "implied": "truth",
    "implied_from": "text",
    "halted_since": "text",
    "spot": "number",
    "spot_change_pct": "number",
    "contracts": {"total": "number", "used": "number", "dropped": "object"},
    "coverage": "number",
    "interpolated": "number",
    "wiped": "truth",
    "warnings": ["text"],
    "filters": {"expiry": "text", "weight": "text", "sign": "text", "strike_range": "number", "max_dte": "number"},
    "units": {"gex": "text", "dex": "text", "vanna": "text", "charm": "text"},
    "totals": dict.fromkeys(TOTALS.split(), "number"),
    "levels": LEVELS,
    "coin_terms": "object",
    "regime": {"state": "text", "reason": "text", "net_of_gross": "number"},
    "changes": [
        {
            "minutes": "number",
            "state": "text",
            "since": "text",
            "net_gex": "number",
            "expired_gex": "number",
            "largest": "object",
        }
    ],
    "by_strike": [{"strike": "number", **dict.fromkeys(PER_STRIKE.split(), "number")}],
    "by_expiry": [
        {
            "expiry": "text",
            "roots": "text",
            "forward": "number",
            "atm_iv": "number",
            "risk_reversal_25d": "number",
            "butterfly_25d": "number",
            "open_interest": "number",
            **dict.fromkeys(PER_STRIKE.split(), "number"),
        }
    ],
}
KINDS: dict[str, type | tuple[type, ...]] = {"number": (int, float), "text": str, "truth": bool, "object": dict}


def departures(value: Any, shape: Any, where: str = "$") -> Iterator[str]:
    """Where a decoded document differs from its shape."""
    if isinstance(shape, dict):
        if not isinstance(value, dict) or list(value) != list(shape):
            yield f"{where} has {list(value) if isinstance(value, dict) else value}"
            return
        for key, inner in shape.items():
            yield from departures(value[key], inner, f"{where}.{key}")
    elif isinstance(shape, list):
        for at, item in enumerate(value or []):
            yield from departures(item, shape[0], f"{where}[{at}]")
    elif value is not None and not isinstance(value, KINDS[shape]):
        yield f"{where} is {value!r}, no {shape}"


def decoded(board: Board) -> dict[str, Any]:
    """The document as a program reads it; NaN and Infinity are not JSON and fail here."""
    found: dict[str, Any] = json.loads(encode([board]), parse_constant=lambda name: pytest.fail(f"{name} in JSON"))
    return found


def wiped_board() -> Board:
    """Sixty contracts whose source has reset every open interest."""
    chain = random_chain(3, strikes=30, expiries=1)
    return build_board(replace(chain, open_interest=np.zeros(len(chain))))


def two_venues_board(*, wiped: bool = False) -> Board:
    """Deribit's book and, stale, Bybit's."""
    deribit, bybit = (replace(random_chain(seed), source=source) for seed, source in ((1, "deribit"), (2, "bybit")))
    if wiped:
        bybit = replace(bybit, open_interest=np.zeros(len(bybit)))
    return build_board(combine(COIN, [deribit, bybit], stale={"bybit": "no data for 42 s"}))


PART = {
    "name": "text",
    "as_of": "text",
    "delay": "number",
    "spot": "number",
    "stale": "truth",
    "detail": "text",
    "contracts": {"listed": "number", "used": "number"},
    "net_gex": "number",
    "share": "number",
}
SPLIT = dict.fromkeys(["call_gex", "put_gex", "net_gex", "call_open_interest", "put_open_interest"], "number")
TWO_VENUES = SHAPE | {
    "units": SHAPE["units"] | {"open_interest": "text", "volume": "text"},
    "levels": SHAPE["levels"] | dict.fromkeys(("expected_move", "one_sigma"), MOVE | {"venue": "text"}),
    "by_strike": [SHAPE["by_strike"][0] | {"parts": {"deribit": SPLIT, "bybit": SPLIT}}],
    "parts": [PART],
}


class TestCombined:
    def test_the_split_is_there_and_adds_up(self) -> None:
        board = two_venues_board()
        found = decoded(board)
        assert list(departures(found, TWO_VENUES)) == []
        assert found["source"] == "deribit+bybit"
        assert found["units"]["open_interest"] == "coins"
        assert [(part["name"], part["stale"], part["detail"]) for part in found["parts"]] == [
            ("deribit", False, ""),
            ("bybit", True, "no data for 42 s"),
        ]
        assert sum(part["share"] for part in found["parts"]) == pytest.approx(1.0)
        assert sum(part["net_gex"] for part in found["parts"]) == pytest.approx(found["totals"]["net_gex"])
        for row in found["by_strike"]:
            for name in SPLIT:
                assert sum(own[name] for own in row["parts"].values()) == pytest.approx(row[name], abs=1e-6)

    def test_a_venue_that_was_not_used_has_no_numbers(self) -> None:
        found = decoded(two_venues_board(wiped=True))
        assert list(departures(found, TWO_VENUES)) == []
        assert found["parts"][1]["net_gex"] is None
        assert {row["parts"]["bybit"]["net_gex"] for row in found["by_strike"]} == {None}

    def test_the_csv_is_of_the_sum(self) -> None:
        rows = list(csv.DictReader(io.StringIO(csv_text([two_venues_board()]))))
        assert set(rows[0]) == set(COLUMNS)


class TestContract:
    @pytest.mark.parametrize("seed", [1, 2, 3])
    def test_every_documented_key_with_its_kind(self, seed: int) -> None:
        chain = random_chain(seed)
        past = Past({5: chain_of_minutes_ago(seed, 5)}, None)
        assert list(departures(decoded(build_board(chain, past)), SHAPE)) == []

    def test_a_coin_etf_is_told_in_its_coin_too(self) -> None:
        session = datetime(2026, 3, 2, 20, 59, tzinfo=UTC)
        ratio = CoinRatio(0.0008, RatioSource.SPOTS, session)
        chain = replace(random_chain(10), ticker=ticker_for("IBIT"), as_of=session, coin_ratio=ratio)
        found = decoded(build_board(chain))
        terms = found["coin_terms"]
        assert list(departures(terms, COIN_TERMS)) == []
        assert (terms["coin"], terms["coins_per_share"], terms["ratio_source"]) == ("BTC", 0.0008, "spots")
        assert (terms["ratio_as_of"], terms["spot"], terms["reason"]) == ("2026-03-02T20:59:00Z", 125_000.0, None)
        share, coin = found["levels"], terms["levels"]
        for name in ("call_wall", "put_wall", "absolute_gamma", "max_pain"):
            assert coin[name]["price"] == pytest.approx(share[name]["price"] / 0.0008)
            assert coin[name]["distance_pct"] == pytest.approx(share[name]["distance_pct"], abs=1e-9)
        assert coin["expected_move"]["high"] == pytest.approx(share["expected_move"]["high"] / 0.0008)
        assert (found["implied"], found["implied_from"]) == (False, None)

    def test_an_implied_reading_says_so(self) -> None:
        session = datetime(2026, 3, 6, 20, 59, tzinfo=UTC)
        ratio = CoinRatio(0.0008, RatioSource.SPOTS, session)
        chain = replace(random_chain(10), ticker=ticker_for("IBIT"), as_of=session, coin_ratio=ratio)
        board = build_board(implied_chain(chain, 130_000.0, datetime(2026, 3, 8, 12, tzinfo=UTC)))
        found = decoded(board)
        assert (found["implied"], found["implied_from"]) == (True, "2026-03-06T20:59:00Z")
        assert (found["as_of"], found["spot"]) == ("2026-03-08T12:00:00Z", pytest.approx(104.0))
        assert found["coin_terms"]["spot"] == pytest.approx(130_000.0)
        assert found["spot_change_pct"] == pytest.approx(4.0)

    def test_a_halt_is_told(self) -> None:
        halt = Halt(datetime(2026, 3, 2, 16, 32, tzinfo=UTC), stated=False)
        assert decoded(build_board(replace(random_chain(10), halt=halt)))["halted_since"] == "2026-03-02T16:32:00Z"
        assert decoded(build_board(random_chain(10)))["halted_since"] is None

    def test_a_coin_etf_without_a_ratio_says_why(self) -> None:
        chain = replace(random_chain(10), ticker=ticker_for("IBIT"))
        terms = decoded(build_board(chain))["coin_terms"]
        reason = (
            "no price of BTC is known within a minute of 2026-03-02 10:00 New York; "
            "set coins_per_share under [tickers.IBIT], or wait until it trades on"
        )
        nothing = dict.fromkeys(("coins_per_share", "ratio_source", "ratio_as_of", "spot", "levels"))
        assert terms == {"coin": "BTC", "reason": reason} | nothing
        assert decoded(build_board(random_chain(10)))["coin_terms"] is None

    def test_the_numbers_are_the_boards(self) -> None:
        board = build_board(random_chain(7))
        found = decoded(board)
        levels = board.levels
        assert levels.call_wall is not None
        assert levels.max_pain is not None
        assert levels.expected_move is not None
        assert found["schema"] == 1
        assert found["as_of"] == "2026-03-02T15:00:00Z"
        assert found["totals"]["net_gex"] == board.totals.net_gex
        assert found["totals"]["put_gex"] < 0 < found["totals"]["call_gex"]
        assert found["levels"]["call_wall"]["price"] == levels.call_wall.price
        assert found["levels"]["call_wall"]["distance_pct"] == pytest.approx(levels.call_wall.price - 100.0)
        assert found["levels"]["zero_gamma"]["all"] == list(levels.zero_gamma.roots)
        assert found["levels"]["max_pain"]["expiry"] == instant(levels.max_pain.expiry)
        assert found["levels"]["expected_move"]["low"] == pytest.approx(100.0 - levels.expected_move.move)
        assert [row["strike"] for row in found["by_strike"]] == board.by_strike.strike.tolist()
        assert sum(row["net_gex"] for row in found["by_strike"]) == pytest.approx(board.totals.net_gex)
        assert sum(row["net_gex"] for row in found["by_expiry"]) == pytest.approx(board.totals.net_gex)
        for row in found["by_expiry"]:
            assert row["open_interest"] == row["call_open_interest"] + row["put_open_interest"]
            assert row["expiry"].endswith("Z")

    @settings(max_examples=25, deadline=None)
    @given(
        seed=st.integers(0, 50),
        expiry=st.sampled_from(["all", "front", "7d", "90d", "0dte", "week", "monthly"]),
        weight=st.sampled_from(Weight),
        sign=st.sampled_from(Sign),
        strike_range=st.sampled_from([None, 0.001, 5.0, 50.0]),
    )
    def test_contracts_add_up_and_filters_are_named(
        self, seed: int, expiry: str, weight: Weight, sign: Sign, strike_range: float | None
    ) -> None:
        filters = Filters(expiry=expiry, weight=weight, sign=sign, strike_range=strike_range)
        found = decoded(build_board(random_chain(seed, strikes=9, expiries=3), None, filters))
        contracts = found["contracts"]
        assert contracts["total"] == contracts["used"] + sum(contracts["dropped"].values())
        assert found["filters"] == {
            "expiry": expiry,
            "weight": weight.value,
            "sign": sign.value,
            "strike_range": strike_range,
            "max_dte": None,
        }
        assert list(departures(found, SHAPE)) == []

    def test_rows_that_the_source_dropped_count(self) -> None:
        chain = replace(random_chain(1), dropped={"bad_strike": 3, "duplicate": 2}, total=len(random_chain(1)) + 5)
        contracts = decoded(build_board(chain))["contracts"]
        assert contracts["dropped"]["bad_strike"] == 3
        assert contracts["total"] == contracts["used"] + sum(contracts["dropped"].values())

    def test_a_wiped_chain_gives_nulls_and_says_so(self) -> None:
        found = decoded(wiped_board())
        assert list(departures(found, SHAPE)) == []
        assert found["wiped"] is True
        assert "open interest" in found["warnings"][0]
        assert found["regime"]["state"] == "undetermined"
        assert found["totals"]["net_gex"] is None
        levels = found["levels"]
        assert [levels[name]["price"] for name in ("call_wall", "put_wall", "zero_gamma", "max_pain")] == [None] * 4
        assert levels["expected_move"] == dict.fromkeys(MOVE)
        assert {row["net_gex"] for row in found["by_strike"]} == {None}
        assert {row["call_gex"] for row in found["by_expiry"]} == {None}

    def test_what_the_source_never_gave_is_null_and_not_zero(self) -> None:
        contracts = [Contract(strike, right, open_interest=10) for strike in (90, 100, 110) for right in "CP"]
        totals = decoded(build_board(chain_of(contracts)))["totals"]
        assert totals["call_open_interest"] == 30
        assert totals["call_volume"] is None
        assert totals["put_call_volume"] is None

    def test_changes_name_gaps(self) -> None:
        changes = decoded(build_board(random_chain(1), Past({5: chain_of_minutes_ago(1, 5)}, None)))["changes"]
        assert [change["minutes"] for change in changes] == list(WINDOWS)
        assert [change["state"] for change in changes] == ["gap", "ok", "gap", "gap", "gap"]
        assert changes[0]["net_gex"] is None
        assert changes[1]["since"] == "2026-03-02T14:55:00Z"

    def test_one_is_a_document_and_several_are_a_list(self) -> None:
        board = build_board(random_chain(1))
        assert isinstance(json.loads(encode([board])), dict)
        assert [found["ticker"] for found in json.loads(encode([board, board]))] == ["BTC", "BTC"]
        assert encode([board]).endswith("}\n")
        assert encode([board]).count("\n") == 1


def chain_of_minutes_ago(seed: int, minutes: int) -> Any:
    chain = random_chain(seed)
    return replace(chain, as_of=datetime(2026, 3, 2, 15, tzinfo=UTC).replace(hour=14, minute=60 - minutes))


class TestInstant:
    @pytest.mark.parametrize(
        ("at", "text"),
        [
            (1694721600.0, "2023-09-14T20:00:00Z"),
            (datetime(2023, 9, 14, 20, 31, tzinfo=UTC), "2023-09-14T20:31:00Z"),
            (datetime.fromisoformat("2023-09-14T16:31:00.5-04:00"), "2023-09-14T20:31:00.500000Z"),
        ],
    )
    def test_utc_with_a_z(self, at: datetime | float, text: str) -> None:
        assert instant(at) == text


class TestCsv:
    def test_one_row_a_strike_with_the_boards_numbers(self) -> None:
        board = build_board(random_chain(2))
        rows = list(csv.DictReader(io.StringIO(csv_text([board]))))
        assert list(rows[0]) == list(COLUMNS)
        assert [float(row["strike"]) for row in rows] == board.by_strike.strike.tolist()
        assert [float(row["net_gex"]) for row in rows] == board.by_strike.net_gex.tolist()
        assert {row["as_of"] for row in rows} == {"2026-03-02T15:00:00Z"}

    def test_several_boards_share_one_header(self) -> None:
        board = build_board(random_chain(2))
        lines = csv_text([board, board]).splitlines()
        assert len(lines) == 1 + 2 * len(board.by_strike.strike)
        assert sum(row.startswith("ticker,") for row in lines) == 1

    def test_a_wiped_chain_has_blanks(self) -> None:
        rows = list(csv.DictReader(io.StringIO(csv_text([wiped_board()]))))
        assert {row["net_gex"] for row in rows} == {""}
        assert rows[0]["strike"]

    @given(st.sampled_from("=+-@|"), st.text("=\",'-A1 ", max_size=8))
    def test_no_text_cell_is_a_formula(self, first: str, rest: str) -> None:
        board = build_board(chain_of([Contract(100, "C", open_interest=1)], source=first + rest))
        cells = next(iter(csv.reader(io.StringIO(csv_text([board]).partition("\n")[2]))))
        assert cells[1] == f"'{first}{rest}"

    def test_negative_numbers_stay_numbers(self) -> None:
        board = build_board(chain_of([Contract(100, "P", open_interest=1)]))
        row = next(csv.DictReader(io.StringIO(csv_text([board]))))
        assert float(row["put_gex"]) < 0
        assert not row["put_gex"].startswith("'")
