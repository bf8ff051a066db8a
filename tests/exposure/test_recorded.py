"""Real recorded chains against the independent slow reading, and the broken ones among them."""

from pathlib import Path

import pytest

from gextui.exposure.board import build_board
from gextui.market.chain import OptionChain
from gextui.sources.files import read_chains
from tests.exposure.reference import read

FILES = (
    "deribit/snapshots/deribit_options_snapshot_20260817T035801Z.csv",
    "deribit/snapshots/deribit_options_snapshot_20260327T094709Z.csv",
    "deribit/daily/2026-08-21.csv",
    "yahoo/merged/ETHA_2026-07-12.json",
    "yahoo/eod/2026-08-13/IWM.csv.gz",
)


def chains(shared: Path, name: str) -> list[OptionChain]:
    return read_chains(shared / "data" / name, rate=0.0)


@pytest.mark.parametrize("name", FILES)
def test_agrees_with_the_slow_reading(shared: Path, name: str) -> None:
    for chain in chains(shared, name):
        board, slow = build_board(chain), read(chain, points=181)
        assert board.totals.net_gex == pytest.approx(slow.net, abs=1e-8 * slow.gross)
        assert board.totals.call_gex == pytest.approx(slow.call, rel=1e-8)
        assert board.totals.put_gex == pytest.approx(slow.put, rel=1e-8)
        assert board.levels.call_wall is not None
        assert board.levels.put_wall is not None
        assert (board.levels.call_wall.price, board.levels.put_wall.price) == (slow.call_wall, slow.put_wall)
        nearest = min(slow.roots, key=lambda root: abs(root - chain.spot), default=None)
        assert board.levels.zero_gamma.price == pytest.approx(nearest, rel=1e-6)


@pytest.mark.parametrize(
    "name", ["cboe/csv/spx_quotedata_2023-09-04_1456EDT.csv", "cboe/csv/spy_quotedata_2023-09-14_1631EDT.csv"]
)
def test_totals_and_walls_of_whole_us_chains(shared: Path, name: str) -> None:
    (chain,) = chains(shared, name)
    board, slow = build_board(chain), read(chain, points=2)
    assert board.totals.net_gex == pytest.approx(slow.net, abs=1e-8 * slow.gross)
    assert board.levels.call_wall is not None
    assert board.levels.put_wall is not None
    assert (board.levels.call_wall.price, board.levels.put_wall.price) == (slow.call_wall, slow.put_wall)


def test_the_broken_capture_is_flagged_and_the_good_one_is_not(shared: Path) -> None:
    (broken,) = map(build_board, chains(shared, "yahoo/merged/QQQ_2026-07-10_BROKEN_OI_IV.json"))
    assert broken.wiped
    assert "the source has wiped open interest" in broken.warnings[0]
    assert (broken.levels.call_wall, broken.levels.zero_gamma.price, broken.coverage) == (None, None, None)
    (good,) = map(build_board, chains(shared, "yahoo/merged/QQQ_2026-07-09_good.json"))
    assert not good.wiped
    assert good.levels.call_wall is not None


@pytest.mark.parametrize("name", [*FILES, "yahoo/merged/SPX_2026-07-12.json", "yahoo/merged/QQQ_2026-07-09_good.json"])
def test_healthy_chains_lack_no_open_interest(shared: Path, name: str) -> None:
    for chain in chains(shared, name):
        assert not [warning for warning in build_board(chain).warnings if "what is held there" in warning]


def test_a_spot_of_another_time_than_the_quotes_is_doubted(shared: Path) -> None:
    # The collector wrote the previous close beside quotes taken in the next session.
    (board,) = map(build_board, chains(shared, "yahoo/eod/2026-08-12/SPY.csv.gz"))
    assert any("the nearest options imply" in warning for warning in board.warnings)
    (board,) = map(build_board, chains(shared, "cboe/csv/spy_quotedata_2023-09-14_1631EDT.csv"))
    assert not board.warnings
