"""Damaged and hostile files: a sentence, or a clean chain; never a traceback, never an escape sequence."""

import gzip
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gextui.market.chain import OptionChain
from gextui.sources.files import read_chains
from gextui.sources.source import BadInputError
from tests.sources import bodies

many = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202f\u2066-\u2069\ud800-\udfff]")


def sound(chain: OptionChain) -> None:
    """Assert what every consumer of a chain relies on."""
    assert len(chain) <= chain.total
    assert len(chain) + sum(chain.dropped.values()) == chain.total
    assert 0 < chain.spot < 1e19
    assert np.isfinite(chain.expiries).all()
    for strictly_positive in (chain.strike, chain.multiplier):
        assert ((strictly_positive > 0) & (strictly_positive < 1e19)).all()
    for column in (chain.iv, chain.open_interest, chain.volume):
        assert (np.isnan(column) | ((column >= 0) & (column < 1e19))).all()
    for column in (chain.bid, chain.ask, chain.forwards):
        assert (np.isnan(column) | ((column > 0) & np.isfinite(column))).all()
    texts = [chain.ticker.symbol, chain.ticker.name, chain.source, *chain.roots, *chain.notes, *chain.dropped]
    assert not any(_UNSAFE.search(text) for text in texts)


def survives(folder: Path, data: bytes) -> bool:
    """Read ``data``; whether that gave chains, all of them sound. Anything but a sentence is a failure."""
    path = folder / "chain"
    path.write_bytes(data)
    for spot in (None, 6700.0):
        try:
            chains = read_chains(path, spot=spot)
        except BadInputError as error:
            sentence = str(error)
        else:
            assert chains
            for chain in chains:
                sound(chain)
            return True
        assert len(sentence) <= 1024
        assert not _UNSAFE.search(sentence)
    return False


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("kind", bodies.EVERY_BODY)
def test_a_file_cut_anywhere(tmp_path: Path, kind: str, pack: Any) -> None:
    data = pack(bodies.EVERY_BODY[kind])
    for end in range(0, len(data), max(1, len(data) // 97)):
        read = survives(tmp_path, data[:end])
        if pack is gzip.compress or data.startswith(b"{"):
            assert not read, f"cut at {end}"


@pytest.mark.parametrize("kind", bodies.EVERY_BODY)
def test_bytes_flipped_anywhere(tmp_path: Path, kind: str) -> None:
    chance = random.Random(20261120)
    for _ in range(80):
        data = bytearray(bodies.EVERY_BODY[kind])
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        survives(tmp_path, bytes(data))


@given(data=st.binary(max_size=300))
@many
def test_noise(tmp_path: Path, data: bytes) -> None:
    survives(tmp_path, data)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
ODD_VALUES = st.one_of(
    st.floats(),
    st.integers(-(10**25), 10**25),
    st.sampled_from(["", "-", "NaN", "Infinity", "-1", "1e999", "1,234.5", "N/A", "abc", "\x1b[2J", "[red]x[/red]"]),
    st.text(max_size=12),
    st.none(),
    st.booleans(),
    st.just([]),
    st.just({}),
)


def places(document: Any) -> Iterator[tuple[Any, Any]]:
    """Every container and key of a JSON document."""
    inside = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in list(inside):
        yield document, key
        if isinstance(value, dict | list):
            yield from places(value)


JSON_KINDS = sorted(kind for kind, body in bodies.EVERY_BODY.items() if body.startswith(b"{"))


@given(kind=st.sampled_from(JSON_KINDS), value=ODD_VALUES | JSON, where=st.integers(0, 10**6), gone=st.booleans())
@many
def test_any_json_value_may_be_odd_or_gone(tmp_path: Path, kind: str, value: Any, where: int, gone: bool) -> None:
    document = json.loads(bodies.EVERY_BODY[kind])
    chosen = list(places(document))
    container, key = chosen[where % len(chosen)]
    if gone:
        del container[key]
    else:
        container[key] = value
    survives(tmp_path, json.dumps(document).encode("utf-8", "surrogatepass"))


TABLES = sorted(set(bodies.EVERY_BODY) - set(JSON_KINDS))


@given(kind=st.sampled_from(TABLES), value=st.text(max_size=20) | st.floats().map(str), where=st.integers(0, 10**6))
@many
def test_any_cell_may_be_odd(tmp_path: Path, kind: str, value: str, where: int) -> None:
    lines = bodies.EVERY_BODY[kind].decode().split("\n")
    cells = [(line, cell) for line, text in enumerate(lines) for cell in range(len(text.split(",")))]
    line, cell = cells[where % len(cells)]
    row = lines[line].split(",")
    row[cell] = value
    lines[line] = ",".join(row)
    survives(tmp_path, "\n".join(lines).encode("utf-8", "surrogatepass"))


@given(value=JSON)
@many
def test_any_json_document(tmp_path: Path, value: Any) -> None:
    survives(tmp_path, json.dumps(value).encode("utf-8", "surrogatepass"))


PAYLOADS = (
    "[red]SPY[/red]", "SPY[/]", "[/SPY", "[@click=app.quit]SPY[/]", "[$nosuch]SPY", "\x1b]0;title\x07",
    "\x1b]52;c;aGk=\x07", "\x1b[2J", "\x1b]8;;http://x\x1b\\x\x1b]8;;\x1b\\", "\x1bP+q\x1b\\", "\x9b2J", "\x07",
    "SPY\u202eYPS", "SPY\u2066\u200b\U000e0041", "\ud83d", "=HYPERLINK(1)",
)  # fmt: skip
TEXT_FIELDS = (
    ("cboe", "^SPX"),
    ("cboe", '"_SPX"'),
    ("cboe", "SPXW261120C"),
    ("cboe", "2026-11-19 21:30:00"),
    ("deribit", "BTC-25DEC26-90000-C"),
    ("deribit", "BTC-"),
    ("bybit", "-USDT"),
    ("bybit", "BTC-"),
    ("yahoo", '"IBIT"'),
    ("yahoo", "IBIT2611"),
    ("yahoo", "ETF"),
    ("tradier", "SPXW2611"),
    ("normalised", '"SPY"'),
    ("own", "SPX,2026"),
    ("own", ",SPXW,"),
    ("own", ",PM,"),
    ("quote_page", "Standard & Poors 500 Index"),
    ("quote_page", "November"),
    ("quote_page", "SPX261120C"),
    ("deribit_snapshot", "ETH-"),
    ("yahoo_eod", "IWM2611"),
)


@pytest.mark.parametrize("payload", PAYLOADS, ids=repr)
@pytest.mark.parametrize(("kind", "field"), TEXT_FIELDS)
def test_markup_and_escapes_come_out_as_plain_text(tmp_path: Path, kind: str, field: str, payload: str) -> None:
    body = bodies.EVERY_BODY[kind].decode()
    assert field in body
    is_json = body.startswith("{")
    quoted = json.dumps(payload)[1:-1] if is_json else payload
    kept = ('"' if field.startswith('"') else "", '"' if field.endswith('"') else "")
    hostile = body.replace(field, f"{kept[0]}{quoted}{field.strip(chr(34))}{kept[1]}")
    survives(tmp_path, hostile.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize(
    "error",
    [
        {"finance": {"result": None, "error": {"description": "\x1b]0;owned\x07[red]"}}},
        {"retCode": 1, "retMsg": "\x1b]0;owned\x07[red]", "result": {}},
        {"jsonrpc": "2.0", "error": {"message": "\x1b]0;owned\x07[red]"}},
    ],
)
def test_a_venue_s_error_text_is_cleaned(tmp_path: Path, error: bodies.Fields) -> None:
    path = tmp_path / "chain"
    path.write_bytes(bodies.text(error))
    with pytest.raises(BadInputError, match=r"�\]0;owned�\[red\]$"):
        read_chains(path)
