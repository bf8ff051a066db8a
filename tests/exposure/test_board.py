"""A board against an independent slow reading, and the laws that no implementation may break."""

import dataclasses
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gextui.exposure.board import Board, build_board
from gextui.exposure.change import Past
from gextui.exposure.explain import Input, explain
from gextui.exposure.filters import Filters, Sign, Weight
from gextui.exposure.regime import State
from gextui.market.chain import Booleans, Floats, Integers, OptionChain
from gextui.market.combined import combine
from gextui.market.ticker import KNOWN_TICKERS
from tests.exposure.chains import Contract, chain_of, random_chain
from tests.exposure.reference import read

SPY = KNOWN_TICKERS["SPY"]


def scaled(chain: OptionChain, **columns: Any) -> OptionChain:
    return dataclasses.replace(chain, **columns)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("rate", [0.0, 0.04])
def test_agrees_with_the_slow_reading(seed: int, rate: float) -> None:
    chain = random_chain(seed, rate=rate)
    board, slow = build_board(chain), read(chain)
    assert board.totals.net_gex == pytest.approx(slow.net, abs=1e-10 * slow.gross)
    assert board.totals.call_gex == pytest.approx(slow.call, rel=1e-10)
    assert board.totals.put_gex == pytest.approx(slow.put, rel=1e-10)
    assert board.totals.gross_gex == pytest.approx(slow.gross, rel=1e-10)
    assert board.coverage == pytest.approx(slow.coverage, rel=1e-12)
    assert board.smile.forward.tolist() == pytest.approx(list(slow.forwards.values()), rel=1e-12)
    assert board.levels.call_wall is not None
    assert board.levels.put_wall is not None
    assert board.levels.call_wall.price == slow.call_wall
    assert board.levels.put_wall.price == slow.put_wall
    assert list(board.levels.zero_gamma.roots) == pytest.approx(slow.roots, rel=1e-6)


def test_one_contract_by_hand() -> None:
    # F = S = K = 100, T = 0.25, sigma = 0.2, r = 0: phi(0.05) = 0.39844391409476404
    board = build_board(chain_of([Contract(100.0, "C", years=0.25, open_interest=10.0)], multiplier=100.0, carry=0.0))
    expected = 0.39844391409476404 / (100.0 * 0.1) * 100.0**2 * 0.01 * 10.0 * 100.0
    assert board.totals.net_gex == pytest.approx(expected, rel=1e-12)
    assert board.totals.put_gex == 0.0
    # N(0.05) = 0.5199388058383725
    assert board.totals.net_dex == pytest.approx(0.5199388058383725 * 100.0 * 10.0 * 100.0, rel=1e-12)


def test_doubling_open_interest_doubles_every_exposure() -> None:
    chain = random_chain(1)
    once, twice = build_board(chain), build_board(scaled(chain, open_interest=chain.open_interest * 2))
    for name in ("net_gex", "call_gex", "put_gex", "gross_gex", "net_dex", "net_vanna", "net_charm"):
        assert getattr(twice.totals, name) == pytest.approx(2 * getattr(once.totals, name), rel=1e-12), name
    assert twice.levels.zero_gamma.roots == pytest.approx(once.levels.zero_gamma.roots, rel=1e-9)
    assert [wall.price for wall in twice.levels.call_walls] == [wall.price for wall in once.levels.call_walls]
    assert twice.levels.max_pain == once.levels.max_pain


def test_doubling_the_multiplier_doubles_gex() -> None:
    chain = random_chain(2)
    once, twice = build_board(chain), build_board(scaled(chain, multiplier=chain.multiplier * 2))
    assert once.totals.net_gex is not None
    assert twice.totals.net_gex == pytest.approx(2 * once.totals.net_gex, rel=1e-12)
    assert twice.totals.call_open_interest == once.totals.call_open_interest


def rows_of(chain: OptionChain, order: Integers) -> OptionChain:
    return OptionChain.from_rows(
        ticker=chain.ticker,
        source=chain.source,
        as_of=chain.as_of,
        spot=chain.spot,
        rate=chain.rate,
        root=[chain.roots[i] for i in chain.root[order]],
        expiry=chain.expiries[chain.expiry][order],
        strike=chain.strike[order],
        is_call=chain.is_call[order],
        iv=chain.iv[order],
        open_interest=chain.open_interest[order],
        volume=chain.volume[order],
        bid=chain.bid[order],
        ask=chain.ask[order],
        multiplier=chain.multiplier[order],
    )


def test_the_order_of_rows_changes_nothing() -> None:
    chain = random_chain(3)
    shuffled = rows_of(chain, np.random.default_rng(0).permutation(len(chain)))
    assert build_board(shuffled).totals == build_board(chain).totals


def test_expiries_add_up() -> None:
    chain = random_chain(4)
    whole = build_board(chain)
    days = ",".join(
        sorted({str(np.datetime64(int(instant), "s").astype("datetime64[D]")) for instant in chain.expiries})
    )
    assert build_board(chain, filters=Filters(expiry=days)).totals == whole.totals
    assert whole.totals.net_gex == pytest.approx(float(whole.by_expiry.net_gex.sum()), rel=1e-12)
    assert whole.totals.net_gex == pytest.approx(float(whole.by_strike.net_gex.sum()), rel=1e-12)
    assert whole.totals.net_gex == pytest.approx(float(np.nansum(whole.by_expiry.strike_gex)), rel=1e-12)
    front = build_board(chain, filters=Filters(expiry="front"))
    assert front.totals.net_gex == pytest.approx(float(whole.by_expiry.net_gex[0]), rel=1e-12)


def test_conventions_only_turn_signs() -> None:
    chain = random_chain(5)
    default = build_board(chain)
    customer = build_board(chain, filters=Filters(sign=Sign.CUSTOMER))
    short = build_board(chain, filters=Filters(sign=Sign.DEALER_SHORT_BOTH))
    assert default.totals.net_gex is not None
    assert customer.totals.net_gex == pytest.approx(-default.totals.net_gex, rel=1e-12)
    assert default.totals.gross_gex is not None
    assert short.totals.net_gex == pytest.approx(-default.totals.gross_gex, rel=1e-12)
    assert customer.totals.net_dex == default.totals.net_dex
    assert customer.levels.zero_gamma.roots == pytest.approx(default.levels.zero_gamma.roots, rel=1e-9)
    assert short.levels.zero_gamma.price is None
    assert short.levels.zero_gamma.side is not None
    assert short.levels.zero_gamma.side.value == "short"
    assert [wall.price for wall in customer.levels.call_walls] == [wall.price for wall in default.levels.call_walls]
    # The other side of the same book: what hedging does does not depend on whose gamma is shown.
    assert {default.regime.state, customer.regime.state} == {State.POSITIVE, State.NEGATIVE}
    effect = default.regime.reason.partition(": ")[2]
    assert effect in ("hedging damps moves", "hedging drives moves")
    assert customer.regime.reason.partition(": ")[2] == effect
    assert customer.regime.reason.startswith("customers are ")


def test_contracts_are_all_accounted_for() -> None:
    chain = chain_of(
        [
            Contract(100.0, "C", open_interest=1.0),
            Contract(105.0, "C"),
            Contract(100.0, "C", years=-0.01, open_interest=1.0),
            Contract(100.0, "P", years=0.5, iv=float("nan"), open_interest=1.0),
            Contract(300.0, "C", open_interest=1.0),
        ],
        total=7,
    )
    chain = dataclasses.replace(chain, dropped={"bad_strike": 2})
    board = build_board(chain, filters=Filters(strike_range=50.0))
    assert board.dropped == {"bad_strike": 2, "expired": 1, "no_iv": 1, "no_open_interest": 1, "filtered": 1}
    assert board.used == 1
    assert board.used + sum(board.dropped.values()) == chain.total


def test_volume_weighs_by_volume_and_missing_is_not_zero() -> None:
    chain = random_chain(6)
    by_volume = build_board(chain, filters=Filters(weight=Weight.VOLUME))
    as_if = build_board(dataclasses.replace(chain, open_interest=chain.volume))
    assert by_volume.totals.net_gex == pytest.approx(as_if.totals.net_gex, rel=1e-12)
    blind = build_board(dataclasses.replace(chain, volume=np.full(len(chain), np.nan)), filters=by_volume.filters)
    assert blind.totals.net_gex is None
    assert blind.totals.call_volume is None
    assert blind.totals.put_call_volume is None
    assert blind.dropped["no_volume"] == len(chain)


def test_active_counts_what_was_opened_since_yesterday() -> None:
    before = chain_of([Contract(100.0, "C", open_interest=10.0), Contract(95.0, "P", open_interest=50.0)], carry=0.0)
    now = chain_of(
        [
            Contract(100.0, "C", open_interest=30.0),
            Contract(95.0, "P", open_interest=20.0),
            Contract(110.0, "C", open_interest=5.0),
        ],
        carry=0.0,
    )
    active = Filters(weight=Weight.ACTIVE)
    board = build_board(now, Past(yesterday=before), active)
    weights = dict(zip(now.strike.tolist(), board.book.weight.tolist(), strict=True))
    assert weights == {95.0: 0.0, 100.0: 20.0, 110.0: 5.0}
    elsewhere = build_board(now, Past(yesterday=replace(before, source="another")), active)
    assert (elsewhere.used, elsewhere.spot_change) == (0, board.spot_change)
    unknown = build_board(now, filters=active)
    assert unknown.totals.net_gex is None
    assert unknown.levels.call_wall is None
    assert "yesterday" in unknown.warnings[0]


def test_spx_and_spxw_are_two_contracts() -> None:
    both = chain_of(
        [
            Contract(100.0, "C", root="SPX", open_interest=10.0),
            Contract(100.0, "C", root="SPXW", open_interest=30.0),
        ],
        carry=0.0,
    )
    assert len(both) == 2
    board = build_board(both)
    assert board.by_strike.call_open_interest.tolist() == [40.0]
    assert board.by_expiry.roots == ("SPX+SPXW",)


def test_a_wiped_chain_gives_no_numbers() -> None:
    chain = random_chain(7)
    for columns, word in (
        ({"open_interest": np.zeros(len(chain))}, "no open interest yet"),
        ({"open_interest": np.where(np.arange(len(chain)) % 90 == 0, 3.0, 0.0)}, "wiped open interest"),
        ({"iv": np.full(len(chain), 1e-5), "bid": np.zeros(len(chain))}, "wiped the implied volatilities"),
        ({"iv": 1e-5 + (1.0 - 1e-5) / 2.0 ** (np.arange(len(chain)) % 6)}, "wiped the implied volatilities"),
    ):
        board = build_board(scaled(chain, **columns))
        assert board.wiped
        assert word in board.warnings[0]
        assert board.used == 0
        assert board.totals.net_gex is None
        assert board.levels.call_walls == ()
        assert board.levels.put_wall is None
        assert board.levels.zero_gamma.price is None
        assert board.levels.max_pain is None
        assert board.levels.expected_move is None
        assert board.levels.daily_sigma is None
        assert np.isnan(board.by_expiry.atm_iv).all()
        assert board.regime.state is State.UNDETERMINED
        assert board.used + sum(board.dropped.values()) == chain.total


def blank(chain: OptionChain, rows: Booleans) -> OptionChain:
    return scaled(chain, open_interest=np.where(rows, np.nan, chain.open_interest))


def test_open_interest_that_is_missing_is_told() -> None:
    chain = random_chain(7)
    whole = build_board(chain)
    assert whole.levels.call_wall is not None
    at_the_wall = chain.strike == whole.levels.call_wall.price
    count = int(at_the_wall.sum())
    board = build_board(blank(chain, at_the_wall))
    words = f"partial: {count} of {len(chain)} contracts have no open interest"
    assert [warning for warning in board.warnings if warning.startswith(words)]
    assert board.dropped["no_open_interest"] == count
    explained = explain(board, "net_gex").inputs
    assert Input("contracts without open interest", count) in explained
    # An open interest of 0 is told.
    nothing = np.where(at_the_wall, 0.0, chain.open_interest)
    assert build_board(scaled(chain, open_interest=nothing)).warnings == whole.warnings
    # So is one that is missing in a whole chain, in other words.
    gone = build_board(blank(chain, np.ones(len(chain), dtype=np.bool_))).warnings
    assert gone[0] == "the source gives no open interest: no levels"
    assert not [warning for warning in gone if "contracts have no open interest" in warning]


def test_us_vendors_leave_blank_what_nobody_holds() -> None:
    chain = replace(random_chain(7), ticker=KNOWN_TICKERS["SPY"])
    rows = np.arange(len(chain))
    few, many = (build_board(blank(chain, rows < share * len(chain))).warnings for share in (0.015, 0.03))
    assert few == build_board(chain).warnings
    assert len(many) == len(few) + 1


def test_of_several_venues_the_one_without_open_interest_is_named() -> None:
    chain = random_chain(7)
    part = replace(blank(chain, np.arange(len(chain)) == 3), source="bybit")
    warnings = build_board(combine(chain.ticker, [replace(chain, source="deribit"), part])).warnings
    assert [warning.partition(" of ")[0] for warning in warnings if "no open interest" in warning] == [
        "bybit: partial: 1"
    ]
    etf = replace(part, source="yahoo", ticker=KNOWN_TICKERS["IBIT"])
    warnings = build_board(combine(chain.ticker, [replace(chain, source="deribit"), etf])).warnings
    assert not [warning for warning in warnings if "no open interest" in warning]


def test_numbers_that_no_market_has_are_told() -> None:
    chain = random_chain(7)
    bad = replace(chain, total=chain.total + 9, dropped={"bad_number": 9})
    (warning,) = set(build_board(bad).warnings) - set(build_board(chain).warnings)
    assert warning.startswith(f"partial: 9 of {chain.total + 9} contracts are left out since a number of theirs")


@pytest.mark.parametrize("iv", [0.125, 0.25, 0.5, 1.0 / 3.0])
def test_a_flat_smile_is_no_wiped_one(iv: float) -> None:
    chain = random_chain(7)
    assert not build_board(scaled(chain, iv=np.full(len(chain), iv))).wiped


@pytest.mark.parametrize("calls", [True, False])
def test_a_side_that_holds_next_to_nothing_is_wiped(calls: bool) -> None:
    chain = replace(random_chain(7), ticker=SPY)
    for left, is_wiped in ((0.01, True), (0.03, False)):
        board = build_board(scaled(chain, open_interest=one_side(chain, calls, left)))
        assert board.wiped is is_wiped
        side = "calls" if calls else "puts"
        words = f"the source has wiped the open interest of {side}: no levels; read it again during market hours"
        assert (words in board.warnings) is is_wiped
    assert not build_board(scaled(random_chain(7), open_interest=one_side(chain, calls, 0.0))).wiped, "a coin's may be"


def one_side(chain: OptionChain, calls: bool, left: float) -> Floats:
    """Open interest of which one side has kept that fraction of the other's."""
    mine, others = (np.nansum(chain.open_interest[chain.is_call == side]) for side in (calls, not calls))
    return np.where(chain.is_call == calls, left * others / mine, 1.0) * chain.open_interest


def test_expiries_that_trade_and_hold_nothing_are_told() -> None:
    chain = replace(random_chain(7), ticker=SPY)
    front = chain.expiry == 0
    interest = np.where(front, 0.0, chain.open_interest)
    for traded, told in ((0.04, False), (0.06, True)):
        others = np.nansum(chain.volume[~front])
        volume = np.where(front, traded / (1.0 - traded) * others / front.sum(), chain.volume)
        board = build_board(scaled(chain, open_interest=interest, volume=volume))
        assert (
            any(words.startswith("partial: 1 of 5 expiries trade and have no open") for words in board.warnings) is told
        )


@pytest.mark.parametrize(("minutes", "words"), [(2.0, "up to 2.9 times too high"), (59.0, "1.1 times"), (61.0, "")])
def test_late_quotes_of_an_expiry_with_little_time_left(minutes: float, words: str) -> None:
    rows = [
        Contract(strike, right, years=minutes / 525_600.0, iv=0.2, open_interest=9.0)
        for strike in (99.0, 100.0, 101.0)
        for right in "CP"
    ]
    warnings = build_board(replace(chain_of(rows), delay=900.0)).warnings
    told = [warning for warning in warnings if warning.startswith(f"the nearest expiry has {minutes:.0f} min left and")]
    assert bool(told) is bool(words)
    assert all(words in warning for warning in told)
    assert not any("min left" in warning for warning in build_board(chain_of(rows)).warnings)


def test_the_last_day_of_an_expiry_trades_many_times_what_is_open() -> None:
    chain = random_chain(7)
    for times, is_wiped in ((14.0, False), (100.0, True)):
        volume = np.full(len(chain), times * np.nansum(chain.open_interest) / len(chain))
        assert build_board(scaled(chain, volume=volume)).wiped == is_wiped


def test_regime_is_undetermined_inside_the_band_and_when_balanced() -> None:
    # Two IVs a strike that disagree widen the band until it holds spot.
    rows = [
        Contract(100.0, "C", iv=0.2, open_interest=100.0),
        Contract(100.0, "P", iv=0.35, open_interest=130.0),
        Contract(104.0, "C", iv=0.2, open_interest=100.0),
        Contract(96.0, "P", iv=0.2, open_interest=80.0),
    ]
    board = build_board(chain_of(rows, carry=0.0))
    band = board.levels.zero_gamma.band
    assert band is not None
    assert band[0] < band[1]
    balanced = build_board(
        chain_of([Contract(100.0, "C", open_interest=100.0), Contract(100.0, "P", open_interest=99.5)], carry=0.0)
    )
    assert balanced.regime.state is State.UNDETERMINED
    assert balanced.regime.reason == "net GEX is below 1 % of gross"
    alone = build_board(chain_of([Contract(100.0, "C", open_interest=100.0)], carry=0.0))
    assert alone.regime.state is State.POSITIVE
    assert alone.regime.net_of_gross == 1.0


def test_nothing_is_ever_infinite() -> None:
    rows = [
        Contract(strike, right, years=years, iv=iv, open_interest=1e9)
        for strike in (1e-6, 50.0, 100.0, 1e9)
        for right in "CP"
        for years in (1e-9, 1e-5, 1.0, 30.0)
        for iv in (1e-3, 9.9)
    ]
    board = build_board(chain_of(rows, carry=0.0))
    for name in ("net_gex", "gross_gex", "net_dex", "net_vanna", "net_charm"):
        assert math.isfinite(getattr(board.totals, name)), name
    assert np.isfinite(board.curve.gex).all()


@pytest.mark.parametrize("contracts", [[], [Contract(100.0, "C", years=-1.0, open_interest=1.0)]])
def test_a_chain_without_living_contracts_is_empty_not_an_error(contracts: list[Contract]) -> None:
    board: Board = build_board(chain_of(contracts))
    assert board.used == 0
    assert board.totals.net_gex is None
    assert board.levels.expected_move is None
    assert len(board.by_strike.strike) == 0
    assert board.warnings == ("no contract passes the filter and can be priced",)
