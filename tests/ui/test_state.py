"""Where the user left off."""

from datetime import date
from pathlib import Path

import pytest

from gextui.exposure.filters import Filters, Sign, Weight
from gextui.market.coin import PriceAxis
from gextui.market.ticker import Kind
from gextui.ui.format import Unit
from gextui.ui.state import State, load_state, save_state, without_past_dates
from gextui.ui.watchlist import Listed

STATE = State(
    ticker="SPX",
    view="heatmap",
    unit=Unit.SHARE,
    theme="light",
    filters={"SPX": Filters("2026-11-20,2026-11-27", Weight.VOLUME, Sign.CUSTOMER, 5.0)},
    zoom={"gex": -2},
    watchlist=(
        Listed("SPX", Kind.INDEX),
        Listed("DOGE", Kind.COIN, on=False, sources=("deribit", "bybit"), combine=True),
    ),
    columns={"chain": ("iv", "theta")},
    axis=PriceAxis.COIN,
)


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "gextui" / "state.json"
    save_state(path, STATE)
    assert load_state(path) == (STATE, "")
    assert path.stat().st_mode & 0o777 == 0o600
    save_state(path, State())
    assert load_state(path) == (State(), "")
    assert [file.name for file in path.parent.iterdir()] == ["state.json"]


def test_nothing_saved_is_no_trouble(tmp_path: Path) -> None:
    assert load_state(None) == (State(), "")
    assert load_state(tmp_path / "state.json") == (State(), "")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b'{"ticker": 3}',
        b'{"unknown": 1}',
        b'{"unit": "furlong"}',
        b'{"filters": {"BTC": {"expiry": "someday"}}}',
        b'{"filters": {"BTC": {"strike_range": -1}}}',
        b'{"columns": {"chain": "iv"}}',
        b"\xff\xfe",
        b'"' + b"x" * (2 << 20) + b'"',
        b"[" * 100_000,
    ],
)
def test_a_broken_file_is_ignored_and_said(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(data)
    assert load_state(path) == (State(), "where you left off cannot be read: state.json is damaged; starting afresh")


def test_a_file_that_cannot_be_opened_is_said(tmp_path: Path) -> None:
    assert load_state(tmp_path) == (State(), "where you left off cannot be read: Is a directory")


def test_a_failed_save_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state.json"
    save_state(path, STATE)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        save_state(path, State())
    assert load_state(path) == (STATE, "")
    assert [file.name for file in tmp_path.iterdir()] == ["state.json"]


def test_a_file_of_an_older_version_is_loaded_and_has_no_list(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_text('{"ticker":"SPX","view":"heatmap","unit":"share","theme":"light","filters":{},"zoom":{"gex":-2}}')
    assert load_state(path) == (State("SPX", "heatmap", Unit.SHARE, "light", zoom={"gex": -2}), "")


@pytest.mark.parametrize(
    "entry",
    ['{"symbol":"BTC"}', '{"symbol":"BTC","kind":"bond"}', '{"symbol":7,"kind":"coin"}', '"BTC"'],
)
def test_a_list_that_is_none_is_damage(tmp_path: Path, entry: str) -> None:
    path = tmp_path / "state.json"
    path.write_text(f'{{"watchlist":[{entry}]}}')
    assert load_state(path) == (State(), "where you left off cannot be read: state.json is damaged; starting afresh")


def test_dates_that_have_passed_are_dropped() -> None:
    saved = Filters("2026-11-20,2026-11-27", Weight.VOLUME)
    assert without_past_dates(saved, date(2026, 11, 20)) == saved
    assert without_past_dates(saved, date(2026, 11, 21)) == Filters("2026-11-27", Weight.VOLUME)
    assert without_past_dates(saved, date(2026, 12, 1)) == Filters("all", Weight.VOLUME)
    assert without_past_dates(Filters("7d"), date(2026, 12, 1)) == Filters("7d")
