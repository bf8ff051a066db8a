"""The report of recorded chains: its contract holds on what venues really send."""

import json
from pathlib import Path
from typing import Any

import pytest
from click import unstyle

from gextui.exposure.board import Board, build_board
from gextui.report.document import encode
from gextui.report.page import WIDTH, line, page
from gextui.sources.files import read_chains
from tests.report.test_document import SHAPE, departures

RECORDED = (
    "data/cboe/csv/spx_quotedata_2023-09-04_1456EDT.csv",
    "data/deribit/snapshots/deribit_options_snapshot_20260327T094709Z.csv",
    "data/deribit/daily/2026-08-07.csv",
    "data/yahoo/eod/2026-08-14/SPY.csv.gz",
    "data/yahoo/merged/QQQ_2026-07-10_BROKEN_OI_IV.json",
    "wire/samples/cboe/options_AAPL_2026-07-25T034438Z.json",
)


@pytest.fixture(params=RECORDED, ids=[Path(name).name for name in RECORDED])
def boards(shared: Path, request: pytest.FixtureRequest) -> list[Board]:
    path = shared / str(request.param)
    if not path.exists():
        pytest.skip(f"{path.name} is not here")
    return [build_board(chain) for chain in read_chains(path, us_rate=0.04)]


def test_the_contract_holds(boards: list[Board]) -> None:
    decoded: Any = json.loads(encode(boards), parse_constant=lambda name: pytest.fail(f"{name} in JSON"))
    for found in decoded if isinstance(decoded, list) else [decoded]:
        assert list(departures(found, SHAPE)) == []
        contracts, zero = found["contracts"], found["levels"]["zero_gamma"]
        assert contracts["total"] == contracts["used"] + sum(contracts["dropped"].values())
        assert found["coverage"] is None or 0 <= found["coverage"] <= 1
        if zero["price"] is not None:
            assert zero["band"][0] <= zero["price"] <= zero["band"][1]
            assert zero["price"] in zero["all"]


def test_the_page_fits(boards: list[Board]) -> None:
    for board in boards:
        assert max(map(len, unstyle(page(board)).splitlines())) <= WIDTH
        assert len(line(board)) <= 121


def test_the_wiped_chain_is_flagged(shared: Path) -> None:
    path = shared / "data/yahoo/merged/QQQ_2026-07-10_BROKEN_OI_IV.json"
    [board] = [build_board(chain) for chain in read_chains(path)]
    found = json.loads(encode([board]))
    assert found["wiped"]
    assert found["levels"]["zero_gamma"]["price"] is None
    assert found["totals"]["net_gex"] is None
