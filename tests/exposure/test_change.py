"""Changes: against a minute and more ago, and when they cannot be told."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gextui.exposure.board import build_board
from gextui.exposure.change import WINDOWS, Cause, ChangeState, Past
from gextui.exposure.filters import Filters
from tests.exposure.chains import NOW, YEAR, Contract, chain_of

MINUTE = 60 / YEAR
ROWS = [
    Contract(95, "P", open_interest=100),
    Contract(100, "C", open_interest=100),
    Contract(105, "C", open_interest=50),
]


def test_windows_without_a_past_are_gaps() -> None:
    board = build_board(chain_of(ROWS), Past())
    assert [(change.minutes, change.state, change.largest) for change in board.changes] == [
        (minutes, ChangeState.GAP, None) for minutes in WINDOWS
    ]
    assert build_board(chain_of(ROWS)).changes == ()


def test_the_largest_change_is_by_strike_and_signed() -> None:
    earlier = chain_of(ROWS, carry=0.0)
    now = chain_of([replace(ROWS[0], open_interest=160.0), *ROWS[1:]], carry=0.0)
    board = build_board(now, Past(windows={5: earlier}))
    change = next(change for change in board.changes if change.minutes == 5)
    assert change.state is ChangeState.OK
    assert change.largest is not None
    strike, amount = change.largest
    assert strike == 95.0
    before = build_board(earlier)
    assert amount == pytest.approx(0.6 * float(before.by_strike.put_gex[0]))
    assert board.totals.net_gex is not None
    assert before.totals.net_gex is not None
    assert change.total == pytest.approx(board.totals.net_gex - before.totals.net_gex)


def test_flow_and_repricing_add_up_to_the_change() -> None:
    earlier = chain_of(ROWS, carry=0.0)
    rows = [
        replace(ROWS[0], open_interest=160.0, iv=0.25),
        replace(ROWS[1], iv=0.22),
        replace(ROWS[2], open_interest=10.0),
        Contract(110, "C", open_interest=70),
    ]
    change = build_board(chain_of(rows, spot=101.0, carry=0.0), Past(windows={1: earlier})).changes[0]
    now, then = build_board(chain_of(rows, spot=101.0, carry=0.0)), build_board(earlier)
    before = dict(zip(then.by_strike.strike.tolist(), then.by_strike.net_gex.tolist(), strict=True))
    expected = [
        net - before.get(strike, 0.0)
        for strike, net in zip(now.by_strike.strike.tolist(), now.by_strike.net_gex.tolist(), strict=True)
    ]
    assert change.net_gex == pytest.approx(expected, rel=1e-9)
    # 100 kept its contracts, so all of its change is repricing; 110 was just listed, so all of its is flow.
    assert change.flow[1] == 0.0
    assert change.repricing[3] == 0.0
    assert change.flow[3] == pytest.approx(expected[3])


def test_the_cause_is_what_moved_the_largest_change_most() -> None:
    earlier = chain_of(ROWS, carry=0.0)
    bought = chain_of([replace(ROWS[0], open_interest=160.0), *ROWS[1:]], carry=0.0)
    assert build_board(bought, Past(windows={1: earlier})).changes[0].cause is Cause.FLOW
    calmer = chain_of([replace(row, iv=0.15) for row in ROWS], carry=0.0)
    change = build_board(calmer, Past(windows={1: earlier})).changes[0]
    assert change.cause is Cause.REPRICING
    assert not change.flow.any()


def test_contracts_that_were_opened_from_nothing_are_flow() -> None:
    earlier = chain_of([replace(ROWS[0], open_interest=0.0), *ROWS[1:]], carry=0.0)
    now = chain_of([replace(ROWS[0], open_interest=10.0), *ROWS[1:]], carry=0.0)
    change = build_board(now, Past(windows={1: earlier})).changes[0]
    assert change.flow[0] == pytest.approx(float(build_board(now).by_strike.net_gex[0]))
    assert not change.repricing.any()


def test_nothing_changed_is_no_largest() -> None:
    chain = chain_of(ROWS)
    change = build_board(chain, Past(windows={1: chain})).changes[0]
    assert (change.state, change.total, change.largest) == (ChangeState.OK, 0.0, None)


def test_an_expiry_in_between_is_named_and_counted_apart() -> None:
    dying = Contract(100, "C", years=2 * MINUTE, open_interest=500)
    earlier = chain_of([dying, *ROWS], carry=0.0)
    later = NOW + timedelta(minutes=5)
    now = chain_of([replace(row, years=row.years - 5 * MINUTE) for row in ROWS], carry=0.0, as_of=later)
    change = build_board(now, Past(windows={5: earlier})).changes[1]
    assert change.state is ChangeState.EXPIRY
    assert change.expired_gex == pytest.approx(float(build_board(earlier).by_expiry.net_gex[0]))
    # The contracts that lived on barely moved: the expired strike's gamma is not called a change.
    assert change.total is not None
    assert abs(change.total) < 1e-3 * change.expired_gex


def test_another_source_is_not_a_change_of_the_market() -> None:
    change = build_board(chain_of(ROWS), Past(windows={1: chain_of(ROWS, source="elsewhere")})).changes[0]
    assert (change.state, change.total, change.largest) == (ChangeState.SOURCE, None, None)


def test_a_chain_that_is_not_whole_yet_is_compared_with_nothing() -> None:
    whole = chain_of(ROWS)
    part = replace(whole, partial=True)
    assert build_board(whole, Past(windows={1: whole})).changes[0].state is ChangeState.OK
    change = build_board(part, Past(windows={1: whole})).changes[0]
    assert (change.state, change.total) == (ChangeState.GAP, None)


def test_front_compares_the_same_expiry() -> None:
    far = [replace(row, years=0.5) for row in ROWS]
    earlier = chain_of([Contract(100, "C", years=2 * MINUTE, open_interest=500), *ROWS, *far], carry=0.0)
    now = chain_of(
        [replace(row, years=row.years - 5 * MINUTE) for row in [*ROWS, *far]],
        carry=0.0,
        as_of=NOW + timedelta(minutes=5),
    )
    change = build_board(now, Past(windows={5: earlier}), Filters(expiry="front")).changes[1]
    before = build_board(earlier)
    assert change.total is not None
    assert abs(change.total) < 1e-3 * abs(float(before.by_expiry.net_gex[1]))
    assert change.expired_gex > 0


def test_the_day_is_measured_from_the_previous_close_else_from_yesterday() -> None:
    chain = chain_of(ROWS)
    assert build_board(chain).spot_change is None
    assert build_board(chain, Past(yesterday=chain_of(ROWS, spot=80.0))).spot_change == pytest.approx(0.25)
    assert build_board(replace(chain, previous_close=50.0)).spot_change == pytest.approx(1.0)
