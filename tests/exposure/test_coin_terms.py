from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from gextui.exposure.board import build_board
from gextui.exposure.change import Past
from gextui.exposure.coin_terms import implied_chain, is_open, no_ratio, with_ratio
from gextui.exposure.levels import MoveMethod
from gextui.market.chain import OptionChain
from gextui.market.coin import CoinRatio, RatioSource
from gextui.market.ticker import ticker_for
from gextui.sources.files import read_chains
from tests.exposure.chains import Contract, chain_of, random_chain

IBIT = ticker_for("IBIT")
FRIDAY = datetime(2026, 11, 20, 20, 59, tzinfo=UTC)
"""15:59 New York."""
SUNDAY = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)
RATIO = CoinRatio(0.0006, RatioSource.SPOTS, FRIDAY)
DAY = 1.0 / 365.0


def etf_chain(*, as_of: datetime = FRIDAY, delay: float = 0.0, ratio: CoinRatio | None = None) -> OptionChain:
    """A share at 60 whose options expire in 1, 3 and 28 days."""
    contracts = [
        Contract(strike, right, years=days * DAY, iv=0.5 + 0.01 * days, open_interest=oi, bid=bid, ask=bid + 0.1)
        for days in (1, 3, 28)
        for strike, right, oi, bid in (
            *((55.0, "C", 100.0, 5.2), (55.0, "P", 900.0, 0.2)),
            *((60.0, "C", 500.0, 1.4), (60.0, "P", 400.0, 1.3)),
            *((65.0, "C", 800.0, 0.3), (65.0, "P", 50.0, 5.1)),
        )
    ]
    chain = chain_of(contracts, spot=60.0, rate=0.04, multiplier=100.0, ticker=IBIT, as_of=as_of)
    return replace(chain, delay=delay, coin_ratio=ratio)


class TestRatio:
    def test_of_both_prices_while_the_share_trades(self) -> None:
        chain = with_ratio(etf_chain(), 100_000.0)
        assert chain.coin_ratio == CoinRatio(0.0006, RatioSource.SPOTS, FRIDAY)
        assert no_ratio(chain) == ""

    def test_a_delayed_quote_is_of_its_own_instant(self) -> None:
        # Told at 16:10 when the market had closed; made at 15:55 when it had not.
        chain = with_ratio(etf_chain(as_of=FRIDAY + timedelta(minutes=11), delay=900.0), 100_000.0)
        assert chain.coin_ratio == CoinRatio(0.0006, RatioSource.SPOTS, FRIDAY - timedelta(minutes=4))

    def test_is_kept_while_the_share_does_not_trade(self) -> None:
        chain = with_ratio(etf_chain(as_of=SUNDAY), 90_000.0, kept=RATIO)
        assert chain.coin_ratio == RATIO

    def test_is_kept_where_the_coins_price_is_missing(self) -> None:
        assert with_ratio(etf_chain(), None, kept=RATIO).coin_ratio == RATIO

    def test_is_never_made_up(self) -> None:
        unknown = with_ratio(etf_chain(), None)
        assert unknown.coin_ratio is None
        assert no_ratio(unknown) == (
            "no price of BTC is known within a minute of 2026-11-20 15:59 New York; "
            "set coins_per_share under [tickers.IBIT], or wait until it trades on"
        )
        shut = with_ratio(etf_chain(as_of=SUNDAY), 90_000.0)
        assert shut.coin_ratio is None
        assert no_ratio(shut) == (
            "IBIT has not traded since 2026-11-20 16:00 New York, and how many BTC a share stood for before is not "
            "known; set coins_per_share under [tickers.IBIT], or wait until it trades"
        )

    def test_of_holdings_is_held_against_both_prices(self) -> None:
        holdings = CoinRatio(0.000597, RatioSource.HOLDINGS)
        near = with_ratio(etf_chain(), 100_000.0, kept=RATIO, holdings=holdings)
        assert (near.coin_ratio, near.notes) == (holdings, ())
        far = with_ratio(etf_chain(), 110_000.0, kept=RATIO, holdings=holdings)
        assert far.coin_ratio == holdings
        assert far.notes == (
            "by its holdings a share stands for 0.000597 BTC, by both prices for 0.000545455: one of them is wrong",
        )

    def test_other_tickers_have_none_and_need_no_reason(self) -> None:
        assert no_ratio(chain_of([Contract(100.0, "C")])) == ""


class TestImplied:
    def test_at_the_same_price_and_instant_nothing_changes(self) -> None:
        chain = replace(random_chain(10, rate=0.04), ticker=IBIT, coin_ratio=RATIO)
        assert chain.coin_ratio is not None
        before = build_board(chain)
        after = build_board(implied_chain(chain, chain.coin_ratio.in_coin(chain.spot), chain.as_of))
        assert after.spot == pytest.approx(before.spot, rel=1e-15)
        np.testing.assert_allclose(after.book.gex, before.book.gex, rtol=1e-12)
        np.testing.assert_allclose(after.book.charm, before.book.charm, rtol=1e-9)
        np.testing.assert_allclose(after.curve.gex, before.curve.gex, rtol=1e-9, atol=1e-9)
        assert after.coverage == before.coverage
        assert after.levels.zero_gamma.price == pytest.approx(before.levels.zero_gamma.price, rel=1e-9)
        assert after.levels.zero_gamma.band == pytest.approx(before.levels.zero_gamma.band, rel=1e-9)
        assert after.levels.call_walls == pytest.approx(before.levels.call_walls)
        assert after.regime == before.regime

    @pytest.mark.parametrize("move", [-0.12, -0.03, 0.04, 0.15])
    def test_at_another_price_it_is_where_the_gamma_curve_says(self, move: float) -> None:
        chain = replace(random_chain(11, rate=0.04), ticker=IBIT, coin_ratio=RATIO)
        before = build_board(chain)
        coin_spot = RATIO.in_coin(chain.spot) * (1.0 + move)
        after = build_board(implied_chain(chain, coin_spot, chain.as_of))
        assert after.spot == pytest.approx(chain.spot * (1.0 + move))
        expected = np.interp(after.spot, before.curve.spot, before.curve.gex)
        assert after.totals.net_gex == pytest.approx(expected, rel=2e-3, abs=1e-4 * np.abs(before.curve.gex).max())
        assert after.levels.zero_gamma.roots[:1] == pytest.approx(before.levels.zero_gamma.roots[:1], rel=1e-6)

    def test_over_a_weekend(self) -> None:
        session = etf_chain(ratio=RATIO)
        chain = implied_chain(session, 102_000.0, SUNDAY)
        assert chain.spot == pytest.approx(61.2)
        assert (chain.as_of, chain.delay) == (SUNDAY, 0.0)
        assert (chain.implied_from, chain.coin_ratio) == (FRIDAY, RATIO)
        assert (chain.source, chain.previous_close) == (session.source, 60.0)
        before, board = build_board(session), build_board(chain)
        # What expired on Saturday is gone, what lives has aged, and every forward kept its ratio to spot.
        assert board.by_expiry.expiry.tolist() == session.expiries[1:].tolist()
        assert board.smile.years[1] == pytest.approx(3 * DAY - (SUNDAY - FRIDAY).total_seconds() / (365 * 86400))
        np.testing.assert_allclose(chain.forwards / chain.spot, before.smile.forward / 60.0, rtol=1e-15)
        np.testing.assert_array_equal(board.book.iv, session.iv)
        assert board.spot_change == pytest.approx(0.02)
        assert np.isnan(chain.bid).all()
        assert np.isnan(chain.ask).all()
        assert board.levels.expected_move is not None
        assert board.levels.expected_move.method is MoveMethod.ONE_SIGMA
        assert board.warnings[0] == (
            "implied: repriced with BTC at 102,000.00; IBIT is shut, its quotes are of 2026-11-20 15:59 New York"
        )

    def test_a_spot_that_its_quotes_contradict_is_still_doubted(self) -> None:
        session = replace(etf_chain(ratio=RATIO), spot=61.4)
        (words,) = (words for words in build_board(session).warnings if "options imply" in words)
        assert words.startswith("spot 61.40 is +2.1")
        assert f"its last quotes: {words}" in build_board(implied_chain(session, 100_000.0, SUNDAY)).warnings
        true = build_board(implied_chain(etf_chain(ratio=RATIO), 100_000.0, SUNDAY))
        assert not any("options imply" in words for words in true.warnings)

    def test_a_strike_keeps_its_iv_when_spot_crosses_it(self) -> None:
        sides = [
            Contract(60.0, "C", iv=0.40, open_interest=100.0),
            Contract(60.0, "P", iv=0.50, open_interest=100.0),
            Contract(65.0, "C", iv=0.45, open_interest=100.0),
            Contract(65.0, "P", iv=0.55, open_interest=100.0),
        ]
        session = replace(chain_of(sides, spot=58.0, ticker=IBIT, as_of=FRIDAY), coin_ratio=RATIO)
        board = build_board(implied_chain(session, 62.0 / 0.0006, FRIDAY))
        # At 58 both strikes are priced by their calls; at 62 the put of 60 is the one out of the money.
        assert board.book.iv.tolist() == [0.40, 0.40, 0.45, 0.45]
        assert board.smile.leg_iv.tolist() == [0.40, 0.40, 0.45, 0.55]

    def test_open_interest_that_was_counted_overnight(self) -> None:
        session = etf_chain(ratio=RATIO)
        counted = np.full(len(session) - 1, 7.0)
        counted[0] = np.nan
        newest = OptionChain.from_rows(
            ticker=IBIT,
            source="test",
            as_of=SUNDAY,
            spot=63.0,
            root=["BTC"] * len(counted),
            expiry=session.expiries[session.expiry][1:],
            strike=session.strike[1:],
            is_call=session.is_call[1:],
            iv=session.iv[1:],
            open_interest=counted,
            volume=counted,
            bid=counted,
            ask=counted,
            multiplier=session.multiplier[1:],
        )
        chain = implied_chain(session, 100_000.0, SUNDAY, newest)
        # Prices are of the session; a contract that is no longer listed, or not counted, keeps what it had.
        assert chain.spot == pytest.approx(60.0)
        assert chain.open_interest.tolist() == [*session.open_interest[:2].tolist(), *[7.0] * (len(session) - 2)]

    def test_it_is_not_compared_with_what_was_quoted(self) -> None:
        session = etf_chain(ratio=RATIO)
        earlier = etf_chain(as_of=SUNDAY - timedelta(minutes=5), ratio=RATIO)
        board = build_board(implied_chain(session, 100_000.0, SUNDAY), Past({5: earlier}, session))
        assert board.changes == ()

    @pytest.mark.parametrize("coin_spot", [0.0, -1.0, float("nan"), float("inf")])
    def test_needs_a_price(self, coin_spot: float) -> None:
        with pytest.raises(ValueError, match="positive price"):
            implied_chain(etf_chain(ratio=RATIO), coin_spot, SUNDAY)

    def test_needs_a_ratio(self) -> None:
        with pytest.raises(ValueError, match="nobody knows"):
            implied_chain(etf_chain(), 100_000.0, SUNDAY)


@pytest.mark.parametrize(("symbol", "coin_spot"), [("IBIT", 64_000.0), ("ETHA", 1_800.0)])
def test_recorded_on_a_sunday(shared: Path, symbol: str, coin_spot: float) -> None:
    (chain,) = read_chains(shared / "data/yahoo/merged" / f"{symbol}_2026-07-12.json", rate=0.04)
    assert not is_open(chain)
    assert with_ratio(chain, coin_spot).coin_ratio is None
    ratio = CoinRatio.from_spots(chain.spot, coin_spot, datetime(2026, 7, 10, 19, 59, tzinfo=UTC))
    known = with_ratio(chain, coin_spot, kept=ratio)
    assert known.coin_ratio == ratio
    before = build_board(known)
    same = build_board(implied_chain(known, coin_spot, known.as_of))
    assert same.totals.net_gex == pytest.approx(before.totals.net_gex, rel=1e-9)
    assert same.levels.call_wall == pytest.approx(before.levels.call_wall)
    # Two percent up with the coin: where the whole repriced book says.
    higher = build_board(implied_chain(known, 1.02 * coin_spot, known.as_of))
    expected = np.interp(1.02 * chain.spot, before.curve.spot, before.curve.gex)
    assert higher.totals.net_gex == pytest.approx(expected, rel=5e-3)
