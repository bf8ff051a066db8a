"""Contract names."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gextui.sources.symbols import parse_names, underlying_of


def read(name: object) -> tuple[str, str, str, float, str, bool, str]:
    contracts = parse_names([name])
    at = contracts.expiry[0]
    return (
        str(contracts.underlying[0]),
        str(contracts.root[0]),
        "" if at != at else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M"),
        float(contracts.strike[0]),
        "C" if contracts.is_call[0] else "P",
        bool(contracts.is_coin[0]),
        str(contracts.reason[0]),
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("SPXW261120C06700000", ("SPX", "SPXW", "2026-11-20 21:00", 6700.0, "C", False, "")),
        ("SPX261120C06700000", ("SPX", "SPX", "2026-11-20 14:30", 6700.0, "C", False, "")),
        ("SPXW  260318P05700500", ("SPX", "SPXW", "2026-03-18 20:00", 5700.5, "P", False, "")),
        ("SPY261127P00437500", ("SPY", "SPY", "2026-11-27 18:00", 437.5, "P", False, "")),
        ("NDXP261120C25000000", ("NDX", "NDXP", "2026-11-20 21:00", 25000.0, "C", False, "")),
        ("VIX261118C00020000", ("VIX", "VIX", "2026-11-18 14:30", 20.0, "C", False, "")),
        ("BRK.B261120C00500000", ("BRK.B", "BRK.B", "2026-11-20 21:00", 500.0, "C", False, "")),
        ("^SPXW261120C06700000", ("SPX", "SPXW", "2026-11-20 21:00", 6700.0, "C", False, "")),
        ("BTC-9SEP26-78000-P", ("BTC", "BTC", "2026-09-09 08:00", 78000.0, "P", True, "")),
        ("XRP_USDC-21SEP26-1d325-C", ("XRP", "XRP_USDC", "2026-09-21 08:00", 1.325, "C", True, "")),
        ("DOGE_USDC-4OCT24-0d0704-C", ("DOGE", "DOGE_USDC", "2024-10-04 08:00", 0.0704, "C", True, "")),
        ("BTC-21MAR26-70000-C-USDT", ("BTC", "BTC-USDT", "2026-03-21 08:00", 70000.0, "C", True, "")),
        ("XRP-21MAR26-0.55-P-USDT", ("XRP", "XRP-USDT", "2026-03-21 08:00", 0.55, "P", True, "")),
        ("BTC-USD-270326-90000-C", ("BTC", "BTC-USD", "2027-03-26 08:00", 90000.0, "C", True, "")),
    ],
)
def test_good_names(name: str, expected: tuple[object, ...]) -> None:
    assert read(name) == expected


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("AAPL1261120C00200000", "adjusted"),
        ("AAPL7261120C00200000", "adjusted"),
        ("BTC-CS-19MAY26-70000_75000", "combo"),
        ("BTC-STRD-29MAY26-77000", "combo"),
        ("SOL_USDC-PS-29MAY26-77_80", "combo"),
        ("BTC-PERPETUAL", "bad_symbol"),
        ("BTC-25DEC26", "bad_symbol"),
        ("BTC-31FEB26-70000-C", "bad_symbol"),
        ("BTC-25DIC26-70000-C", "bad_symbol"),
        ("XRP_USDC-21SEP26-1D325-C", "bad_symbol"),
        ("SPX261320C06700000", "bad_symbol"),
        ("SPX261120X06700000", "bad_symbol"),
        ("SPX261120C0670000", "bad_symbol"),
        ("261120C06700000", "bad_symbol"),
        ("SPX261120C٠٦٧٠٠٠٠٠", "bad_symbol"),
        ("", "bad_symbol"),
        ("C", "bad_symbol"),
        (None, "bad_symbol"),
        (7.5, "bad_symbol"),
        (True, "bad_symbol"),
    ],
)
def test_names_that_cannot_be_used_say_why(name: object, reason: str) -> None:
    assert read(name)[-1] == reason


def test_combos_are_known_to_be_a_coin_s() -> None:
    assert read("BTC-CS-19MAY26-70000_75000")[0] == "BTC"
    assert read("AAPL1261120C00200000")[0] == "AAPL"


def test_am_and_pm_roots_of_one_day_stay_apart() -> None:
    contracts = parse_names(["SPX261120C06700000", "SPXW261120C06700000"])
    assert contracts.root.tolist() == ["SPX", "SPXW"]
    assert contracts.underlying.tolist() == ["SPX", "SPX"]
    assert contracts.expiry[1] - contracts.expiry[0] == 6.5 * 3600


@pytest.mark.parametrize(
    ("root", "underlying"), [("SPXW", "SPX"), ("RUTW", "RUT"), ("SPY", "SPY"), ("BTC_USDC", "BTC"), ("BTC-USDT", "BTC")]
)
def test_underlyings_of_roots(root: str, underlying: str) -> None:
    assert underlying_of(root) == underlying


@given(
    st.from_regex(r"[A-Z]{1,5}", fullmatch=True),
    st.dates(min_value=datetime(2020, 1, 1, tzinfo=UTC).date(), max_value=datetime(2040, 1, 1, tzinfo=UTC).date()),
    st.booleans(),
    st.integers(1, 99_999_999),
)
def test_any_listed_contract_reads_back(root: str, day: datetime, is_call: bool, mils: int) -> None:
    _, read_root, _, strike, right, _, reason = read(f"{root}{day:%y%m%d}{'C' if is_call else 'P'}{mils:08d}")
    assert (read_root, right, reason) == (root, "C" if is_call else "P", "")
    assert strike == pytest.approx(mils / 1000, rel=1e-15)


@given(st.lists(st.one_of(st.text(), st.none(), st.floats(), st.booleans()), max_size=30))
def test_no_text_breaks_the_reading(names: list[object]) -> None:
    contracts = parse_names(names)
    assert len(contracts) == len(names)
    assert not any("\x1b" in text for text in (*contracts.root.tolist(), *contracts.underlying.tolist()))
