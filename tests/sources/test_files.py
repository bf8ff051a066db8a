"""Files told apart by content, and what the user gives beside them."""

import gzip
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gextui.sources import files
from gextui.sources.files import read_chains
from gextui.sources.source import BadInputError
from tests.sources import bodies

AS_OF = datetime(2026, 11, 20, 12, tzinfo=UTC)


def saved(folder: Path, data: bytes, name: str = "chain") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


EXPECTED = {
    "cboe": ("file:cboe-json", ["SPX"], [2]),
    "deribit": ("file:deribit-json", ["BTC", "ETH"], [1, 1]),
    "bybit": ("file:bybit-json", ["BTC"], [2]),
    "yahoo": ("file:yahoo-json", ["IBIT"], [2]),
    "tradier": ("file:tradier-json", ["SPX"], [2]),
    "normalised": ("file:quotes-json", ["SPY"], [2]),
    "own": ("file:gextui-csv", ["BTC", "SPX"], [1, 2]),
    "quote_page": ("file:cboe-csv", ["SPX"], [4]),
    "deribit_snapshot": ("file:collector-csv", ["BTC", "ETH"], [2, 1]),
    "yahoo_eod": ("file:collector-csv", ["IWM"], [2]),
}


@pytest.mark.parametrize("dress", ["plain", "gzip", "byte order mark", "utf-16", "blank lines around"])
@pytest.mark.parametrize("kind", bodies.EVERY_BODY)
def test_every_format_is_known_by_its_content(tmp_path: Path, kind: str, dress: str) -> None:
    data = bodies.EVERY_BODY[kind]
    dressed = {
        "plain": data,
        "gzip": gzip.compress(data),
        "byte order mark": b"\xef\xbb\xbf" + data,
        "utf-16": data.decode().encode("utf-16"),
        "blank lines around": b"\n\r\n" + data + b"\n\n",
    }[dress]
    chains = read_chains(saved(tmp_path, dressed), spot=6700.0 if kind == "tradier" else None)
    source, symbols, rows = EXPECTED[kind]
    assert {chain.source for chain in chains} == {source}
    assert [chain.ticker.symbol for chain in chains] == symbols
    assert [len(chain) for chain in chains] == rows
    assert all(chain.total == len(chain) for chain in chains)


def test_rates(tmp_path: Path) -> None:
    path = saved(tmp_path, bodies.EVERY_BODY["own"])
    assert [chain.rate for chain in read_chains(path)] == [0.0, 0.0]
    assert [chain.rate for chain in read_chains(path, us_rate=0.042)] == [0.0, 0.042]
    assert [chain.rate for chain in read_chains(path, us_rate=0.042, rate=0.01)] == [0.01, 0.01]


def test_as_of_overrides_the_file_s(tmp_path: Path) -> None:
    path = saved(tmp_path, bodies.EVERY_BODY["yahoo_eod"])
    (chain,) = read_chains(path, as_of=AS_OF)
    assert chain.as_of == AS_OF
    assert chain.notes == (), "the note on a guessed instant goes with the guess"


def test_spot_overrides_the_file_s(tmp_path: Path) -> None:
    (chain,) = read_chains(saved(tmp_path, bodies.EVERY_BODY["cboe"]), spot=6655.5)
    assert chain.spot == 6655.5


@pytest.mark.parametrize("spot", [0.0, -1.0, float("nan"), float("inf")])
def test_spot_must_be_a_price(tmp_path: Path, spot: float) -> None:
    with pytest.raises(BadInputError, match="give a price above 0"):
        read_chains(saved(tmp_path, bodies.EVERY_BODY["cboe"]), spot=spot)


def test_one_spot_is_not_put_on_two_tickers(tmp_path: Path) -> None:
    path = saved(tmp_path, bodies.EVERY_BODY["deribit_snapshot"])
    with pytest.raises(BadInputError, match="holds BTC and ETH, and --spot is the price of one: name one ticker"):
        read_chains(path, spot=90000.0)
    (chain,) = read_chains(path, spot=90000.0, tickers=["BTC"])
    assert (chain.ticker.symbol, chain.spot) == ("BTC", 90000.0)


def test_only_the_tickers_named(tmp_path: Path) -> None:
    path = saved(tmp_path, bodies.EVERY_BODY["own"])
    assert [chain.ticker.symbol for chain in read_chains(path, tickers=["SPX", "NDX"])] == ["SPX"]
    with pytest.raises(BadInputError, match="chain holds BTC and SPX, not NDX: name a ticker it holds"):
        read_chains(path, tickers=["NDX"])


def test_of_several_instants_as_of_picks_the_newest_not_after_it(tmp_path: Path) -> None:
    rows = "".join(f"2026-11-19T0{hour}:00:00,BTC-25DEC26-90000-P,{hour},40\n" for hour in (3, 1, 2))
    path = saved(tmp_path, f"date,instrument_name,open_interest,mark_iv\n{rows}".encode())
    chains = read_chains(path, spot=91500.0)
    assert [(chain.as_of.hour, chain.open_interest[0]) for chain in chains] == [(1, 1.0), (2, 2.0), (3, 3.0)]
    at = datetime(2026, 11, 19, 2, 30, tzinfo=UTC)
    (chain,) = read_chains(path, spot=91500.0, as_of=at)
    assert (chain.as_of, chain.open_interest[0]) == (at, 2.0)
    with pytest.raises(BadInputError, match="begins at 2026-11-19T01:00Z, after --as-of: give a later instant"):
        read_chains(path, spot=91500.0, as_of=datetime(2026, 11, 19, tzinfo=UTC))


def test_capture_time_of_a_meta_json_beside_the_file(tmp_path: Path) -> None:
    path = saved(tmp_path, gzip.compress(bodies.EVERY_BODY["yahoo_eod"]), "IWM.csv.gz")
    newest_trade = datetime(2026, 11, 19, 15, 57, 56, tzinfo=UTC)
    assert read_chains(path)[0].as_of == newest_trade
    for useless in (b"", b"[]", b'{"utc": 5', b'{"utc": "soon"}', b"[" * 60_000):
        saved(tmp_path, useless, "meta.json")
        assert read_chains(path)[0].as_of == newest_trade
    saved(tmp_path, b'{"utc": "2026-11-19T16:13:33.049692+00:00", "session": "2026-11-18"}', "meta.json")
    assert read_chains(path)[0].as_of == datetime(2026, 11, 19, 16, 13, 33, 49692, tzinfo=UTC)


def test_python_s_nan_literals_cost_no_more_than_their_cell(tmp_path: Path) -> None:
    body = bodies.text(bodies.cboe([
        bodies.cboe_option("SPX261120C06700000", iv=float("nan")),
        bodies.cboe_option("SPX261120P06700000", open_interest=float("inf")),
    ]))  # fmt: skip
    assert b"NaN" in body
    (chain,) = read_chains(saved(tmp_path, body))
    assert (len(chain), dict(chain.dropped)) == (1, {"bad_number": 1})


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "chain is empty: give a recorded option chain"),
        (b" \n\t ", "chain is empty: give a recorded option chain"),
        (gzip.compress(b"", mtime=0), "chain is empty: give a recorded option chain"),
        (b"<!DOCTYPE html><html></html>", "chain is not a recorded option chain: expected JSON of Cboe"),
        (b"Too Many Requests\r\n", "chain is not a recorded option chain: expected JSON of Cboe"),
        (b"timestamp,open,high,low,close\n1,2,3,4,5\n", "chain is not a recorded option chain: expected JSON of Cboe"),
        (b'{"candles": []}', "chain is not a recorded option chain: expected JSON of Cboe"),
        (b"[]", "chain is not a recorded option chain: expected JSON of Cboe"),
        (b'{"data": {"options": [', "chain is cut short or not valid JSON"),
        (b"\x1f\x8b\x08\x00broken", "chain is a gzip file cut short or damaged: get it again"),
        (gzip.compress(b"x" * 10_000, mtime=0)[:-20], "chain is a gzip file cut short or damaged: get it again"),
        (bodies.OWN_HEADER.encode(), "chain holds no option rows that can be read"),
        (b"instrument_name,mark_iv\nnoise,1\n", r"chain holds no option rows that can be read \(1 bad_symbol\)"),
        (
            b"instrument_name,mark_iv,index_price,timestamp\nBTC-25DEC26-90000-C,-1,91500,1795168800123\n",
            r"chain holds no option row that can be used \(1 bad_number\)",
        ),
        (b"instrument_name,mark_iv,index_price\nBTC-25DEC26-90000-C,1,91500\n", "give --as-of"),
        (b"instrument_name,mark_iv,timestamp\nBTC-25DEC26-90000-C,1,1795168800123\n", "give --spot"),
        (b'instrument_name,mark_iv\n"' + b"x" * 200_000, "chain is no readable CSV"),
    ],
)
def test_what_cannot_be_read_is_told_in_one_sentence(tmp_path: Path, data: bytes, message: str) -> None:
    with pytest.raises(BadInputError, match=f"^{message}|^chain .*{message}") as caught:
        read_chains(saved(tmp_path, data))
    assert "\n" not in str(caught.value)


def test_a_file_s_name_is_cleaned(tmp_path: Path) -> None:
    with pytest.raises(BadInputError) as caught:
        read_chains(saved(tmp_path, b"", "a\x1b]0;owned\x07b\u202e.csv"))
    assert str(caught.value) == "a�]0;owned�b�.csv is empty: give a recorded option chain"


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="is a folder: give a file"):
        read_chains(tmp_path)


def test_a_missing_file_and_a_forbidden_one_stay_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_chains(tmp_path / "none")
    path = saved(tmp_path, b"{}")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    with pytest.raises(PermissionError):
        read_chains(path)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pack: Callable[[bytes], bytes]) -> None:
    monkeypatch.setattr(files, "LARGEST_FILE", 2**20)
    with pytest.raises(BadInputError, match="is larger than 1 MB"):
        read_chains(saved(tmp_path, pack(b" " * (2**20 + 1))))


def test_reading_a_coin_s_chain_imports_nothing_heavy(tmp_path: Path) -> None:
    path = saved(tmp_path, bodies.EVERY_BODY["deribit"])
    code = (
        "import sys; from pathlib import Path; from gextui.sources.files import read_chains; "
        f"read_chains(Path({str(path)!r})); "
        "sys.exit(', '.join({'holidays', 'httpx', 'pandas', 'scipy', 'textual'} & set(sys.modules)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
