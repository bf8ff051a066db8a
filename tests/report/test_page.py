"""The page, the line and the explanation that people read."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from click import unstyle
from hypothesis import given, settings
from hypothesis import strategies as st

from gextui.exposure.board import Board, build_board
from gextui.exposure.coin_terms import implied_chain
from gextui.exposure.explain import EXPLAINED, explain
from gextui.exposure.filters import Filters, Sign, Weight
from gextui.market.chain import Halt
from gextui.market.coin import CoinRatio, RatioSource
from gextui.market.ticker import ticker_for
from gextui.report.explained import explained
from gextui.report.page import WIDTH, line, page
from gextui.ui.coin_words import on_other_axis
from tests.exposure.chains import Contract, chain_of, random_chain
from tests.report.test_document import two_venues_board, wiped_board


def text(board: Board) -> str:
    return unstyle(page(board))


def small_board() -> Board:
    """Three strikes whose numbers can be followed by hand."""
    held = {(90, "P"): 30.0, (100, "C"): 10.0, (100, "P"): 10.0, (110, "C"): 20.0}
    contracts = [
        Contract(strike, right, iv=0.5, open_interest=open_interest, volume=1.0)
        for (strike, right), open_interest in held.items()
    ]
    return build_board(chain_of(contracts, spot=101.0, source="file:hand"))


GOLDEN = """\
BTC  101.00                                                  02 MAR 26 15:00 UTC
file:hand · 4 of 4 contracts · coverage 100.0%
all expiries · by open interest · dealers long calls, short puts
! 1 of 1 expiries have no forward of their own: spot grown at 0.00%, dividends
  unknown

γ- NEGATIVE  dealers are short gamma: hedging drives moves; net is -6.1% of
             gross

Levels                   price from spot  daily
Call wall                  110     +8.9%  +3.4σ  +46, 64% of the calls
Zero gamma              103.35     +2.3%  +0.9σ  103.35 – 103.35
Put wall                    90    -10.9%  -4.2σ  -55, 69% of the puts
Max pain                   100     -1.0%  -0.4σ  08APR
Exp. move               ±15.97    ±15.8%  08APR  1 sigma, 85.03 – 116.97
Abs. gamma                  90    -10.9%  -4.2σ  +55, 36% of both sides

Zero gamma by other tools' rules
strike sign change      100.92     -0.1%   0.0σ
cumulative sum               –         –      –
volume-weighted          98.26     -2.7%  -1.0σ
front expiry            103.35     +2.3%  +0.9σ
without front                –         –      –

Totals
Net GEX          -9.31  USD per 1% move (calls +71, puts -80)
Net DEX           +131  USD
Net vanna          +20  USD of delta per vol point
Net charm          -14  USD of delta per day
Contracts         1.33  put/call (30 calls, 40 puts)
Volume            1.00  put/call (2 calls, 2 puts)

GEX by strike: the 3 that weigh most, USD per 1% move
        110                │████████████           +46  CALL WALL
     101.00 ───────────────────────────────             SPOT
        100         ███████│███████                  0  MAX PAIN
         90 ███████████████│                       -55  PUT WALL

Expiries                   forward      IV    net GEX   contracts  put/call
08APR26   BTC               101.00   50.0%      -9.31          70      1.33
"""


class TestPage:
    def test_golden(self) -> None:
        assert text(small_board()) == GOLDEN

    @settings(max_examples=30, deadline=None)
    @given(
        seed=st.integers(0, 100),
        scale=st.sampled_from([1e-6, 1.0, 1e9]),
        filters=st.builds(
            Filters,
            expiry=st.sampled_from(["all", "front", "30d", "2026-03-20,2026-04-17"]),
            weight=st.sampled_from(Weight),
            sign=st.sampled_from(Sign),
            strike_range=st.sampled_from([None, 10.0]),
            max_dte=st.sampled_from([None, 7.0]),
        ),
    )
    def test_it_fits_eighty_columns_whatever_is_read(self, seed: int, scale: float, filters: Filters) -> None:
        chain = random_chain(seed, strikes=9, expiries=3)
        board = build_board(replace(chain, open_interest=chain.open_interest * scale), None, filters)
        assert max(map(len, text(board).splitlines())) <= WIDTH

    def test_a_wiped_chain_says_so_and_shows_dashes(self) -> None:
        found = text(wiped_board())
        assert "! no open interest yet" in found
        assert "γ? UNDETERMINED" in found
        assert re.search(r"^Call wall +– +– +–$", found, re.MULTILINE)
        assert "+0" not in found

    def test_spot_stands_between_its_strikes(self) -> None:
        ladder = text(build_board(random_chain(4))).partition("GEX by strike")[2].partition("Expiries")[0]
        rows = [row.split() for row in ladder.splitlines()[1:] if row.strip()]
        prices = [float(row[0].replace(",", "")) for row in rows]
        assert prices == sorted(prices, reverse=True)
        assert [row[-1] for row in rows if "SPOT" in row] == ["SPOT"]

    def test_a_long_warning_is_wrapped(self) -> None:
        chain = replace(random_chain(1), notes=("the source " + "could not say " * 20 + "anything",))
        found = text(build_board(chain))
        assert "! the source could not say" in found
        assert "anything" in found
        assert max(map(len, found.splitlines())) <= WIDTH

    def test_levels_at_one_strike_share_its_row(self) -> None:
        contracts = [Contract(100, right, iv=0.5, open_interest=10) for right in "CP"]
        found = text(build_board(chain_of(contracts, spot=101.0)))
        assert "CW·PW·MP" in found

    def test_simulated_is_on_the_first_line(self) -> None:
        board = build_board(replace(random_chain(1), simulated=True))
        assert "SIMULATED" in text(board).splitlines()[0]
        assert "SIMULATED" in line(board)

    def test_the_other_conventions_shade_bars_of_unusual_sign(self) -> None:
        usual = text(build_board(random_chain(1)))
        short = text(build_board(random_chain(1), None, Filters(sign=Sign.DEALER_SHORT_BOTH)))
        assert "▒" not in usual
        assert "▒" in short
        assert "dealers short both" in short


class TestLine:
    def test_golden(self) -> None:
        assert line(small_board()) == "BTC 101.00 γ- -9.31/1% CW 110 ZG 103.35 PW 90 MP 100 EM ±15.97 !\n"

    def test_warnings_are_marked(self) -> None:
        assert line(wiped_board()) == "BTC 100.00 γ? –/1% CW – ZG – PW – MP – EM – !\n"


class TestExplained:
    @pytest.mark.parametrize("name", EXPLAINED)
    def test_formula_inputs_and_contracts_within_eighty_columns(self, name: str) -> None:
        board = build_board(random_chain(5))
        explanation = explain(board, name)
        lines = [unstyle(row) for row in explained(explanation)]
        assert max(map(len, lines)) <= WIDTH
        assert lines[0].startswith(explanation.title)
        assert lines[1].startswith("  = ")
        assert all(any(row.startswith(f"  {item.name}") for row in lines) for item in explanation.inputs)
        assert all(any(contract.name in row for row in lines) for contract in explanation.contracts)

    def test_shares_are_of_the_whole(self) -> None:
        board = small_board()
        rows = [unstyle(row) for row in explained(explain(board, "put_wall"))]
        assert "100.0%" in rows[-1]

    def test_nothing_to_explain(self) -> None:
        board = build_board(
            replace(random_chain(1), iv=np.full(len(random_chain(1)), np.nan), bid=np.full(310, np.nan))
        )
        assert [unstyle(row) for row in explained(explain(board, "call_wall"))][-1] == "  No contract weighs in it."


def etf_board(*, ratio: CoinRatio | None) -> Board:
    """A share at 60, its call wall at 66 and its put wall at 55."""
    held = {(55, "P"): 900.0, (60, "C"): 500.0, (60, "P"): 400.0, (66, "C"): 900.0}
    contracts = [
        Contract(strike, right, iv=0.5, open_interest=open_interest) for (strike, right), open_interest in held.items()
    ]
    chain = chain_of(contracts, spot=60.0, ticker=ticker_for("IBIT"), source="file:hand")
    return build_board(replace(chain, coin_ratio=ratio))


def test_a_coin_etf_has_its_levels_in_the_coin() -> None:
    ratio = CoinRatio(0.0006, RatioSource.SPOTS, datetime(2026, 3, 2, 14, 45, tzinfo=UTC))
    board = etf_board(ratio=ratio)
    lines = text(board).splitlines()
    at = lines.index("Levels in BTC")
    assert lines[at : at + 5] == [
        "Levels in BTC",
        "0.0006 BTC a share, spots 09:45 New York, 15 min old",
        "Spot                   100,000",
        "Call wall              110,000",
        f"{'Zero gamma':<18}{on_other_axis(board, board.levels.zero_gamma.price or 0.0):>12}",
    ]
    assert all(len(line) <= WIDTH for line in lines)


def test_a_coin_etf_without_a_ratio_says_why() -> None:
    words = " ".join(text(etf_board(ratio=None)).split())
    assert "No BTC terms: no price of BTC is known within a minute of 2026-03-02 10:00 New York; set" in words
    assert "BTC terms" not in text(small_board())


def test_an_implied_reading_is_marked() -> None:
    ratio = CoinRatio(0.0006, RatioSource.SPOTS, datetime(2026, 3, 2, 14, 45, tzinfo=UTC))
    board = build_board(implied_chain(etf_board(ratio=ratio).chain, 101_000.0, datetime(2026, 3, 3, 1, tzinfo=UTC)))
    assert text(board).splitlines()[0].startswith("IBIT  60.60  +1.00%  IMPLIED")
    assert " IMPLIED " in line(board)


def test_a_halt_is_marked() -> None:
    chain = small_board().chain
    for stated, mark in ((True, "HALTED"), (False, "HALTED?")):
        board = build_board(replace(chain, halt=Halt(chain.as_of, stated)))
        assert text(board).splitlines()[0].split()[2] == mark
        assert f" {mark} !" in line(board)


def test_of_a_closed_market_it_says_of_when_the_quotes_are() -> None:
    saturday = datetime(2026, 11, 28, 22, 50, tzinfo=UTC)
    chain = chain_of([Contract(100.0, "C", open_interest=5.0)], ticker=ticker_for("SPY"), as_of=saturday)
    assert "\ntest · market closed, as of 13:15 New York Fri · 1 of 1" in text(build_board(replace(chain, delay=900.0)))
    friday = datetime(2026, 11, 27, 16, 0, tzinfo=UTC)
    chain = chain_of([Contract(100.0, "C", open_interest=5.0)], ticker=ticker_for("SPY"), as_of=friday)
    assert "\ntest · 15 min late · 1 of 1" in text(build_board(replace(chain, delay=900.0)))


def test_two_venues_are_named_with_their_shares() -> None:
    board = two_venues_board()
    shown = text(board)
    first, second = (f"{part.share:.1%} of gross" for part in board.parts)
    assert f"deribit {first} · bybit {second} stale\n" in shown
    assert "! bybit is stale (no data for 42 s): " in shown
    assert re.search(r"^Exp\. move .*, (deribit|bybit)$", shown, re.M)
    assert re.search(r"^Coins +\d", shown, re.M)
    assert re.search(r"net GEX +coins", shown)
    assert max(map(len, shown.splitlines())) <= WIDTH


def test_a_contract_of_a_venue_is_named_in_full() -> None:
    lines = unstyle("\n".join(explained(explain(two_venues_board(), "net_gex")))).splitlines()
    assert any(re.match(r"  (deribit|bybit) BTC \d\d[A-Z]{3}\d\d [\d.]+ [CP] +[+-]", line) for line in lines)
    assert max(map(len, lines)) <= WIDTH
