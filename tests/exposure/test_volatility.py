"""Smiles, skew at 25 delta, the volatility of 30 days, and its rank among the days on record."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from math import log, sqrt
from statistics import NormalDist
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from gextui.exposure.board import Board, build_board
from gextui.exposure.filters import EVERYTHING, Filters
from gextui.exposure.surface import explain_put_call, explain_rank, explain_skew, explain_smile, skew_by_expiry
from gextui.exposure.volatility import (
    constant_maturity,
    daily_closes,
    find_skew,
    iv_30d,
    rank_among,
    smile_of,
)
from gextui.market.combined import combine
from gextui.market.ticker import Session, ticker_for
from tests.exposure.chains import COIN, Contract, chain_of, random_chain

NAN = float("nan")
NORMAL = NormalDist()
T = 0.25


def strike_of(delta: float, iv: float, *, call: bool, forward: float = 100.0, years: float = T) -> float:
    """The strike whose option has this forward delta (of either sign), by the inverse of the normal distribution."""
    d1 = NORMAL.inv_cdf(delta if call else 1.0 - delta)
    return float(forward * np.exp(0.5 * iv * iv * years - d1 * iv * sqrt(years)))


def quoted(*rows: tuple[float, float, bool], forward: float = 100.0) -> Board:
    """One expiry of these strikes, IVs and sides."""
    contracts = [Contract(strike, "C" if call else "P", years=T, iv=iv, open_interest=1.0) for strike, iv, call in rows]
    instant = float(chain_of(contracts).expiries[0])
    return build_board(chain_of(contracts, spot=100.0, forwards={instant: forward}))


class TestSmile:
    def test_each_leg_keeps_its_own_iv_beside_the_clean_one(self) -> None:
        board = quoted((90.0, 0.50, False), (90.0, 0.40, True), (110.0, 0.30, True), (110.0, 0.35, False))
        smile = smile_of(board.chain, board.smile, 0)
        assert smile.strike.tolist() == [90.0, 110.0]
        assert smile.call_iv.tolist() == [0.40, 0.30]
        assert smile.put_iv.tolist() == [0.50, 0.35]
        assert smile.clean_iv.tolist() == [0.50, 0.30]
        assert smile.own.tolist() == [True, True]

    def test_a_strike_of_two_roots_is_one_point(self) -> None:
        rows = [Contract(100.0, right, iv=iv, root=root) for right, iv, root in (("C", NAN, "A"), ("C", 0.3, "B"))]
        board = build_board(chain_of([*rows, Contract(100.0, "C", iv=0.4, root="C"), Contract(105.0, "C", iv=0.2)]))
        smile = smile_of(board.chain, board.smile, 0)
        assert smile.strike.tolist() == [100.0, 105.0]
        assert smile.call_iv.tolist() == [0.3, 0.2]
        assert np.isnan(smile.put_iv).all()

    def test_an_interpolated_strike_is_not_its_own(self) -> None:
        board = quoted((90.0, 0.50, False), (100.0, NAN, True), (110.0, 0.30, True))
        smile = smile_of(board.chain, board.smile, 0)
        assert smile.own.tolist() == [True, False, True]
        assert np.isnan(smile.call_iv[1])
        assert 0.3 < smile.clean_iv[1] < 0.5

    def test_every_expiry_has_its_own(self) -> None:
        chain = random_chain(4)
        board = build_board(chain)
        points = [smile_of(chain, board.smile, at) for at in range(len(chain.expiries))]
        assert sum(len(point.strike) for point in points) == len(board.smile.node_iv)
        together = np.concatenate([point.clean_iv for point in points])
        assert np.array_equal(together, board.smile.node_iv)


class TestSkew:
    def test_strikes_at_exactly_25_delta_give_their_ivs(self) -> None:
        call, put = strike_of(0.25, 0.30, call=True), strike_of(0.25, 0.50, call=False)
        board = quoted(
            (put * 0.9, 0.55, False), (put, 0.50, False), (100.0, 0.40, True), (call, 0.30, True),
            (call * 1.1, 0.28, True),
        )  # fmt: skip
        skew = find_skew(board.chain, board.smile, [0])
        assert skew.call_iv[0] == pytest.approx(0.30, rel=1e-9)
        assert skew.put_iv[0] == pytest.approx(0.50, rel=1e-9)
        assert skew.risk_reversal[0] == pytest.approx(-0.20, rel=1e-9)
        assert skew.atm_iv[0] == pytest.approx(0.40, rel=1e-9)
        assert skew.butterfly[0] == pytest.approx(0.0, abs=1e-9)

    def test_between_strikes_the_iv_is_linear_in_delta(self) -> None:
        near, far = strike_of(0.30, 0.32, call=True), strike_of(0.10, 0.24, call=True)
        low, high = strike_of(0.20, 0.60, call=False), strike_of(0.40, 0.44, call=False)
        board = quoted((low, 0.60, False), (high, 0.44, False), (near, 0.32, True), (far, 0.24, True))
        skew = find_skew(board.chain, board.smile, [0])
        assert skew.call_iv[0] == pytest.approx(0.32 - 0.25 * 0.08, rel=1e-9)
        assert skew.put_iv[0] == pytest.approx(0.44 + 0.75 * 0.16, rel=1e-9)

    def test_only_out_of_the_money_strikes_count(self) -> None:
        # The call at 90 would be bracketed by nothing, were its in-the-money IV not passed over.
        call = strike_of(0.25, 0.30, call=True)
        board = quoted((90.0, 5.0, True), (100.0, 0.30, True), (call, 0.30, True), (call * 1.2, 0.30, True))
        assert find_skew(board.chain, board.smile, [0]).call_iv[0] == pytest.approx(0.30)

    @pytest.mark.parametrize("strikes", [(101.0, 102.0), (150.0, 160.0), ()], ids=["too near", "too far", "none"])
    def test_strikes_that_do_not_reach_25_delta_give_nothing(self, strikes: tuple[float, ...]) -> None:
        board = quoted((90.0, 0.4, False), *((strike, 0.30, True) for strike in strikes))
        skew = find_skew(board.chain, board.smile, [0])
        assert np.isnan(skew.call_iv[0])
        assert np.isnan(skew.risk_reversal[0])
        assert np.isnan(skew.butterfly[0])

    def test_a_strike_without_an_iv_of_its_own_is_passed_over(self) -> None:
        near, far = strike_of(0.30, 0.32, call=True), strike_of(0.10, 0.24, call=True)
        rows = [(near, 0.32, True), (far, 0.24, True), (0.5 * (near + far), NAN, True)]
        board = quoted(*rows)
        skew = find_skew(board.chain, board.smile, [0])
        assert skew.call_iv[0] == pytest.approx(0.32 - 0.25 * 0.08, rel=1e-9)

    def test_it_agrees_with_a_slow_reading_of_random_chains(self) -> None:
        compared = 0
        for seed in range(6):
            board = build_board(random_chain(seed))
            skew = skew_by_expiry(board)
            for at in range(len(board.chain.expiries)):
                for side, found in ((True, skew.call_iv[at]), (False, skew.put_iv[at])):
                    expected = _slowly(board, at, calls=side)
                    assert found == pytest.approx(expected, rel=1e-10, nan_ok=True)
                    compared += bool(np.isfinite(expected))
        assert compared > 40

    def test_a_wiped_chain_has_no_skew(self) -> None:
        rows = [
            Contract(70.0 + at, right, years=T, iv=0.004, open_interest=0.0) for at in range(60) for right in "CP"
        ]  # fmt: skip
        board = build_board(chain_of(rows, spot=100.0))
        assert board.wiped
        skew = skew_by_expiry(board)
        assert np.isnan(skew.risk_reversal).all()
        assert np.isnan(skew.atm_iv).all()

    def test_of_several_venues_the_leading_one_stands_for_an_expiry(self) -> None:
        calm, wild = quoted(*SMILE).chain, quoted(*((strike, 2 * iv, call) for strike, iv, call in SMILE)).chain
        named = [replace(chain, source=source) for chain, source in ((calm, "deribit"), (wild, "bybit"))]
        board = build_board(combine(COIN, named))
        assert skew_by_expiry(board).risk_reversal == pytest.approx(skew_by_expiry(build_board(calm)).risk_reversal)
        board = build_board(combine(COIN, named, stale={"deribit": "no data for 42 s"}))
        assert skew_by_expiry(board).atm_iv == pytest.approx(2 * skew_by_expiry(build_board(calm)).atm_iv)


SMILE = [
    *((strike, 0.5, False) for strike in (60.0, 70.0, 80.0, 90.0, 99.0)),
    *((strike, 0.4, True) for strike in (100.0, 101.0, 110.0, 120.0, 130.0, 140.0, 150.0)),
]


class TestThirtyDays:
    def test_variance_is_linear_in_time(self) -> None:
        years = np.array([20.0, 40.0]) / 365.0
        # 20 days at 50 % and 40 days at 40 %: halfway, (0.25 * 20 + 0.16 * 40) / 2 over 30 days.
        assert constant_maturity(years, np.array([0.5, 0.4])) == pytest.approx(sqrt((5.0 + 6.4) / 2 / 30))

    def test_an_expiry_of_30_days_is_it(self) -> None:
        years = np.array([7.0, 30.0, 60.0]) / 365.0
        assert constant_maturity(years, np.array([0.9, 0.42, 0.1])) == pytest.approx(0.42, rel=1e-14)

    @pytest.mark.parametrize(
        ("days", "iv"),
        [
            ([1.0, 29.0], [0.4, 0.4]), ([31.0, 60.0], [0.4, 0.4]), ([7.0, 60.0], [NAN, 0.4]),
            ([0.0, 60.0], [0.4, 0.4]), ([], []),
        ],
        ids=["all earlier", "all later", "missing", "expired", "none"],
    )  # fmt: skip
    def test_nothing_is_said_beyond_the_ends(self, days: list[float], iv: list[float]) -> None:
        assert constant_maturity(np.array(days) / 365.0, np.array(iv)) is None

    def test_it_is_a_level_of_every_board_whatever_its_filters(self) -> None:
        rows = [Contract(100.0, "C", years=days / 365, iv=iv) for days, iv in ((20.0, 0.5), (40.0, 0.4))]
        for filters in (EVERYTHING, Filters("front"), Filters(max_dte=10.0)):
            board = build_board(chain_of(rows, carry=0.0), filters=filters)
            assert board.levels.iv_30d == pytest.approx(sqrt((5.0 + 6.4) / 2 / 30), rel=1e-12)
            assert board.levels.iv_30d == iv_30d(board.chain, board.smile)


class TestRank:
    def test_rank_and_percentile_of_a_hand_made_year(self) -> None:
        before = [day / 64 for day in range(20, 41)]
        rank = rank_among(before, 35 / 64)
        assert (rank.days, rank.low, rank.high) == (22, 20 / 64, 40 / 64)
        assert rank.rank == 0.75
        assert rank.percentile == 15 / 22  # the one that is equal to it is not below it

    def test_a_new_extreme_is_the_end_of_the_range(self) -> None:
        before = [0.3 + 0.001 * day for day in range(40)]
        assert rank_among(before, 0.9).rank == 1.0
        lowest = rank_among(before, 0.1)
        assert (lowest.rank, lowest.percentile) == (0.0, 0.0)

    @pytest.mark.parametrize(
        ("before", "now"),
        [([0.3, 0.4] * 9, 0.35), ([0.4] * 40, 0.4), ([0.3, 0.4] * 20, None), ([], None)],
        ids=["too few", "all the same", "none today", "nothing"],
    )
    def test_without_enough_to_compare_with_there_is_none(self, before: list[float], now: float | None) -> None:
        rank = rank_among(before, now)
        assert (rank.rank, rank.percentile) == (None, None)
        assert rank.days == len(before) + (now is not None)

    def test_twenty_days_are_enough(self) -> None:
        assert rank_among([0.3 + 0.01 * day for day in range(19)], 0.35).rank is not None

    def test_a_day_ends_by_the_clock_of_its_market(self) -> None:
        start = datetime(2026, 11, 20, 12, tzinfo=UTC)
        hours = np.arange(0, 60, 6)
        times, values = np.array(start.timestamp() + hours * 3600.0), np.array(hours / 100.0)
        assert daily_closes(times, values, Session.UTC) == {
            date(2026, 11, 20): 0.06,
            date(2026, 11, 21): 0.30,
            date(2026, 11, 22): 0.54,
        }
        # In New York midnight comes five hours later, and the 21st and 22nd are a weekend.
        assert daily_closes(times, values, Session.NEW_YORK) == {date(2026, 11, 20): 0.12}

    def test_readings_without_a_value_close_no_day(self) -> None:
        noon = datetime(2026, 11, 18, 12, tzinfo=ZoneInfo("America/New_York"))
        times = np.array([(noon + timedelta(days=day, hours=hour)).timestamp() for day in (0, 1) for hour in (0, 3)])
        values = np.array([0.4, NAN, NAN, NAN])
        assert daily_closes(times, values, Session.NEW_YORK) == {date(2026, 11, 18): 0.4}
        assert daily_closes(np.empty(0), np.empty(0), Session.UTC) == {}


class TestExplained:
    def test_a_point_of_the_smile(self) -> None:
        board = quoted((90.0, 0.50, False), (90.0, 0.40, True), (100.0, NAN, True), (110.0, 0.30, True))
        point = explain_smile(board, 0, 91.0)
        inputs = {given.name: given.value for given in point.inputs}
        assert (point.value, point.unit) == (50.0, "%")
        assert (inputs["strike"], inputs["the put's IV"], inputs["the call's IV"]) == (90.0, 50.0, 40.0)
        assert inputs["which is"] == "the strike's own"
        between = {given.name: given.value for given in explain_smile(board, 0, 100.0).inputs}
        assert between["which is"] == "interpolated in log-moneyness"

    def test_the_skew_of_an_expiry(self) -> None:
        board = quoted(*SMILE)
        explained = explain_skew(board, 0)
        inputs = {given.name: given.value for given in explained.inputs}
        assert explained.value == pytest.approx(-10.0)
        assert inputs["25-delta call"] == pytest.approx(40.0)
        assert inputs["25-delta put"] == pytest.approx(50.0)

    def test_the_rank(self) -> None:
        board = build_board(chain_of([Contract(100.0, "C", years=30 / 365, iv=0.35)], carry=0.0))
        assert board.levels.iv_30d == pytest.approx(0.35)
        explained = explain_rank(board, rank_among([0.3 + 0.01 * day for day in range(30)], board.levels.iv_30d))
        assert explained.value == pytest.approx(100 * 0.05 / 0.29)
        few = explain_rank(board, rank_among([0.3], board.levels.iv_30d))
        assert few.value is None
        assert {given.name: given.value for given in few.inputs}["days on record"] == 2.0

    def test_put_call_of_a_strike(self) -> None:
        rows = [
            Contract(100.0, "P", years=0.1, iv=0.4, open_interest=30.0, volume=3.0),
            Contract(100.0, "P", years=0.2, iv=0.4, open_interest=10.0, volume=1.0),
            Contract(100.0, "C", years=0.1, iv=0.4, open_interest=20.0, volume=8.0),
            Contract(110.0, "P", years=0.1, iv=0.4, open_interest=5.0),
        ]
        board = build_board(chain_of(rows, spot=100.0))
        explained = explain_put_call(board, 100.0)
        assert explained.value == 2.0
        assert [(contract.amount, contract.share) for contract in explained.contracts] == [
            (30.0, 0.5), (20.0, pytest.approx(1 / 3)), (10.0, pytest.approx(1 / 6)),
        ]  # fmt: skip
        assert explain_put_call(board, 110.0).value is None


def _slowly(board: Board, at: int, *, calls: bool) -> float:
    """The IV at 25 delta by a walk outward from the money, from the chain's own rows."""
    chain, forward, years = board.chain, float(board.smile.forward[at]), float(board.smile.years[at])
    points: dict[float, float] = {}
    for row in range(len(chain)):
        strike = float(chain.strike[row])
        outside = strike >= forward if calls else strike < forward
        if chain.expiry[row] == at and outside and board.book.own_iv[row]:
            points[strike] = float(board.smile.iv[row])
    walk = sorted(points, reverse=not calls)
    last: tuple[float, float] | None = None
    for strike in walk:
        iv = points[strike]
        d1 = log(forward / strike) / (iv * sqrt(years)) + 0.5 * iv * sqrt(years)
        delta = NORMAL.cdf(d1) if calls else NORMAL.cdf(-d1)
        if last is not None and last[0] >= 0.25 > delta:
            return last[1] + (last[0] - 0.25) / (last[0] - delta) * (iv - last[1])
        last = delta, iv
    return NAN


def test_new_york_has_a_year_of_trading_days() -> None:
    noon = datetime(2026, 1, 1, 17, tzinfo=UTC)
    times = np.array([(noon + timedelta(days=day)).timestamp() for day in range(365)])
    assert len(daily_closes(times, np.full(365, 0.2), ticker_for("SPX").session)) == 251
