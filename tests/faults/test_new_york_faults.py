"""The faults of data and time of the catalogue, by their ids, that come with US options and New York's clock."""

import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from gextui.exposure.board import build_board
from gextui.exposure.change import WINDOWS, ChangeState, Past
from gextui.exposure.filters import EVERYTHING, Filters, Weight
from gextui.market.calendar import expiry_instant
from gextui.market.chain import OptionChain
from gextui.market.ticker import KNOWN_TICKERS, Session
from gextui.pricing.smile import fit_smile
from gextui.simulator.market import SimulatedMarket
from gextui.sources.doubt import losses
from gextui.store.store import Store
from tests.exposure.chains import YEAR, Contract, chain_of
from tests.sources import bodies
from tests.support.tradier import new_york

SPX, SPY, VIX, BTC = (KNOWN_TICKERS[symbol] for symbol in ("SPX", "SPY", "VIX", "BTC"))
THURSDAY = new_york("2026-11-19", "10:00")


def settling(day: str, at: str, as_of: datetime) -> float:
    return (new_york(day, at) - as_of).total_seconds() / YEAR


class TestRoots:
    def test_d6_two_roots_of_one_strike_and_day_are_two_contracts(self) -> None:
        rows = [
            Contract(6700.0, right, years=settling("2026-11-20", at, THURSDAY), open_interest=held, root=root)
            for root, at, held in (("SPX", "09:30", 10.0), ("SPXW", "16:00", 30.0))
            for right in "CP"
        ]
        board = build_board(chain_of(rows, spot=6700.0, ticker=SPX, as_of=THURSDAY, multiplier=100.0))
        assert len(board.chain) == 4
        assert dict(board.dropped).get("duplicate", 0) == 0
        assert board.by_expiry.roots == ("SPX", "SPXW")
        assert board.by_expiry.call_open_interest.tolist() == [10.0, 30.0]
        assert board.by_strike.strike.tolist() == [6700.0]
        assert board.by_strike.call_open_interest.tolist() == [40.0]

    def test_d6_a_mini_weighs_what_its_own_multiplier_says(self) -> None:
        rows = [
            Contract(100.0, "C", years=0.1, open_interest=10.0),
            Contract(101.0, "C", years=0.1, open_interest=100.0),
        ]
        chain = chain_of(rows, spot=100.5, ticker=SPY, as_of=THURSDAY)
        chain = replace(chain, multiplier=np.array([100.0, 10.0]))
        book = build_board(chain).book
        np.testing.assert_allclose(book.gex[0] / book.gamma[0], book.gex[1] / book.gamma[1])


class TestQuotes:
    @pytest.mark.parametrize(
        ("bid", "ask"), [(5.0, 4.0), (0.0, 4.0), (4.0, 0.0), (0.0, 0.0), (np.nan, 4.0), (4.0, np.nan)]
    )
    def test_d7_no_volatility_is_solved_from_quotes_that_are_none(self, bid: float, ask: float) -> None:
        rows = [Contract(strike, "C", years=0.1, iv=np.nan, bid=bid, ask=ask) for strike in (100.0, 105.0)]
        smile = fit_smile(chain_of(rows, spot=99.0, ticker=SPY))
        assert np.isnan(smile.node_iv).all()
        assert not smile.node_own.any()

    def test_d7_a_locked_quote_is_a_price(self) -> None:
        locked = [Contract(100.0, "C", years=0.1, iv=np.nan, bid=2.0, ask=2.0)]
        assert fit_smile(chain_of(locked, spot=99.0, ticker=SPY)).node_own.all()


class TestLastMinutes:
    @pytest.mark.parametrize("left", [3600.0, 60.0, 30.0, 1.0, 0.5])
    def test_d10_greeks_of_today_are_finite_to_the_end(self, left: float) -> None:
        rows = [
            Contract(strike, right, years=left / YEAR, iv=0.15, open_interest=100.0, root="SPXW")
            for strike in (6690.0, 6695.0, 6700.0, 6705.0)
            for right in "CP"
        ]
        as_of = new_york("2026-11-20", "16:00") - timedelta(seconds=left)
        board = build_board(chain_of(rows, spot=6700.0, ticker=SPX, as_of=as_of, multiplier=100.0))
        for column in (board.book.gex, board.book.dex, board.book.vanna, board.book.charm):
            assert np.isfinite(column).all()
        # Never priced with less than a minute, so that one strike cannot dominate without bound.
        minute = build_board(replace(board.chain, as_of=board.chain.as_of, expiries=board.chain.expiries + 60.0 - left))
        if left < 60.0:
            assert board.totals.gross_gex == pytest.approx(minute.totals.gross_gex)

    @pytest.mark.parametrize("past", [0.0, 1.0])
    def test_d10_after_its_instant_nothing_is_left(self, past: float) -> None:
        rows = [Contract(6700.0, right, years=-past / YEAR, open_interest=100.0) for right in "CP"]
        board = build_board(chain_of(rows, spot=6700.0, ticker=SPX, as_of=new_york("2026-11-20", "16:00")))
        assert (board.used, board.dropped["expired"], board.totals.net_gex) == (0, 2, None)


def shares(spot: float, as_of: datetime, *, source: str = "tradier", scale: float = 1.0) -> OptionChain:
    rows = [
        Contract(strike * scale, right, years=0.1, iv=0.2, open_interest=10.0, root="SPY")
        for strike in np.arange(500.0, 560.0).tolist()
        for right in "CP"
    ]
    return chain_of(rows, spot=spot, ticker=SPY, as_of=as_of, source=source)


class TestBreaks:
    """D15: a split, or another company under the same symbol."""

    BEFORE, NOW = new_york("2026-11-18", "16:00"), new_york("2026-11-19", "09:31")

    @pytest.mark.parametrize(("spot", "scale"), [(53.0, 0.1), (265.0, 0.5), (5300.0, 10.0)])
    def test_d15_there_is_no_change_across_it_and_a_sentence_says_why(self, spot: float, scale: float) -> None:
        yesterday = shares(530.0, self.BEFORE)
        today = shares(spot, self.NOW, scale=scale)
        board = build_board(today, Past({1: yesterday}, yesterday))
        assert board.spot_change is None
        assert board.warnings[0] == (
            f"the history breaks here: SPY is at {spot:,.2f} after a close of 530.00; a split or another symbol lies "
            "between, and nothing is compared across it"
        )
        assert {change.state for change in board.changes} == {ChangeState.GAP}
        assert len(board.changes) == len(WINDOWS)
        # Its contracts are other ones: none of them is new since yesterday.
        by_new = build_board(today, Past({}, yesterday), Filters(weight=Weight.ACTIVE))
        assert by_new.used == 0
        assert any("yesterday's open interest is not known" in words for words in by_new.warnings)

    def test_d15_a_close_that_the_source_did_not_adjust(self) -> None:
        board = build_board(replace(shares(53.0, self.NOW, scale=0.1), previous_close=530.0))
        assert board.spot_change is None
        assert "after a close of 530.00" in board.warnings[0]

    def test_d15_a_small_split_shows_in_the_close_that_the_source_did_adjust(self) -> None:
        yesterday = shares(530.0, self.BEFORE)
        today = replace(shares(355.0, self.NOW, scale=2 / 3), previous_close=530.0 / 1.5)
        board = build_board(today, Past({}, yesterday), Filters(weight=Weight.ACTIVE))
        assert board.spot_change == pytest.approx(355.0 * 1.5 / 530.0 - 1.0)
        assert board.used == 0, "none of its contracts is new since yesterday"
        assert any("breaks here: SPY is at 355.00 after a close of 530.00; a split" in said for said in board.warnings)
        assert losses(yesterday, today) == ""
        crash = replace(today, previous_close=530.0)
        assert not any("breaks" in words for words in build_board(crash, Past({}, yesterday)).warnings)

    @pytest.mark.parametrize("spot", [530.0 * 0.61, 530.0 * 1.6])
    def test_a_day_that_trading_can_make_is_told(self, spot: float) -> None:
        board = build_board(shares(spot, self.NOW), Past({}, shares(530.0, self.BEFORE)))
        assert board.spot_change == pytest.approx(spot / 530.0 - 1.0)
        assert not any("breaks" in words for words in board.warnings)

    @pytest.mark.parametrize("ticker", [VIX, BTC], ids=lambda ticker: ticker.symbol)
    def test_an_index_that_doubles_is_not_split(self, ticker: object) -> None:
        chain = replace(shares(37.0, self.NOW), ticker=ticker, previous_close=17.0)  # type: ignore[arg-type]
        assert build_board(chain).spot_change == pytest.approx(37.0 / 17.0 - 1.0)

    def test_d15_what_is_listed_after_it_is_believed(self) -> None:
        before = shares(530.0, self.BEFORE)
        few = replace(shares(5300.0, self.NOW, scale=10.0), open_interest=np.full(120, 0.1))
        assert losses(before, few) == ""
        assert losses(before, replace(few, spot=530.0)) == "tradier lists only 0 of 120 contracts"


def test_an_expiry_that_the_source_says_it_could_not_read_has_not_been_wiped() -> None:
    before = SimulatedMarket(1, THURSDAY, [SPY]).chain(SPY)
    gone = int(np.bincount(before.expiry, weights=before.open_interest)[1:].argmax()) + 1
    kept = before.expiry != gone
    columns = ("root", "expiry", "strike", "is_call", "iv", "open_interest", "volume", "bid", "ask", "multiplier")
    later = replace(
        before, as_of=before.as_of + timedelta(hours=1), **{name: getattr(before, name)[kept] for name in columns}
    )
    day = datetime.fromtimestamp(before.expiries[gone], UTC).date()
    assert losses(before, later) == f"simulator has wiped the open interest of {day}"
    assert losses(before, replace(later, partial=True)) == ""


class TestClocks:
    @pytest.mark.parametrize(
        ("day", "utc"),
        [
            ("2026-10-30", 20),
            ("2026-11-02", 21),
            ("2027-03-12", 21),
            ("2027-03-15", 20),
        ],
    )
    def test_k3_the_close_is_at_four_on_either_side_of_the_clocks_change(self, day: str, utc: int) -> None:
        instant = expiry_instant(datetime.fromisoformat(day).date(), Session.NEW_YORK)
        assert datetime.fromtimestamp(instant, UTC) == datetime.fromisoformat(day).replace(hour=utc, tzinfo=UTC)

    def test_k4_the_users_own_zone_changes_no_number(self, tmp_path: Path) -> None:
        file = tmp_path / "chain.csv"
        file.write_text(bodies.OWN)
        said = {
            zone: subprocess.run(
                [
                    sys.executable,
                    "-c",
                    "from gextui.cli import main; main()",
                    "snapshot",
                    "--json",
                    "--file",
                    str(file),
                ],
                capture_output=True,
                check=True,
                env=os.environ | {"TZ": zone},
            ).stdout
            for zone in ("UTC", "Asia/Kolkata", "Pacific/Kiritimati", "Europe/London")
        }
        assert len(said["UTC"]) > 500
        assert len(set(said.values())) == 1

    def test_k9_without_time_zones_there_is_a_sentence(self, tmp_path: Path) -> None:
        file = tmp_path / "chain.csv"
        file.write_text(bodies.OWN)
        program = "import sys; sys.modules['tzdata'] = None; from gextui.cli import main; main()"
        ended = subprocess.run(
            [sys.executable, "-c", program, "levels", "--file", str(file)],
            capture_output=True,
            check=False,
            env=os.environ | {"PYTHONTZPATH": ""},
        )
        assert ended.returncode == 69
        assert ended.stderr == b"gextui: New York's time zone is not known here: install the package tzdata\n"
        assert ended.stdout == b""

    def test_k9_the_packaged_ones_do_where_the_system_has_none(self, tmp_path: Path) -> None:
        file = tmp_path / "chain.csv"
        file.write_text(bodies.OWN)
        command = [sys.executable, "-c", "from gextui.cli import main; main()", "levels", "--file", str(file)]
        ended = subprocess.run(command, capture_output=True, check=False, env=os.environ | {"PYTHONTZPATH": ""})
        assert ended.returncode == 0, ended.stderr

    async def test_k8_a_chain_that_is_read_again_while_the_market_is_closed_is_one_row(self, tmp_path: Path) -> None:
        chain = SimulatedMarket(1, new_york("2026-11-20", "15:50"), [SPY]).chain(SPY)
        store = await Store.open(tmp_path / "gextui.db", tickers=[SPY])
        try:
            for _ in range(3):
                await store.record(build_board(chain, None, EVERYTHING))
            day = timedelta(days=1)
            series = await store.range(SPY, chain.as_of - day, chain.as_of + day, at_most=100)
        finally:
            await store.close()
        assert len(series.times) == 1
