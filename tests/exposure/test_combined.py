"""One book over several venues, against the sum of their separate books and an independent slow reading."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from gextui.exposure.board import Board, build_board
from gextui.exposure.book import lead_expiries, match_rows
from gextui.exposure.change import ChangeState, Past
from gextui.exposure.contracts import explain_contract, unit_of
from gextui.exposure.explain import contract_name, explain, explain_expiry, explain_strike
from gextui.exposure.filters import Filters, Weight
from gextui.exposure.levels import MoveMethod
from gextui.market.chain import OptionChain
from gextui.market.combined import combine, on_coin_axis
from gextui.market.ticker import KNOWN_TICKERS
from gextui.sources.files import read_chains
from tests.exposure.chains import COIN, Contract, chain_of, random_chain
from tests.exposure.reference import Reading, read, roots_of
from tests.exposure.test_board import rows_of

IBIT = KNOWN_TICKERS["IBIT"]
TOTALS = ("net_gex", "call_gex", "put_gex", "gross_gex", "net_dex", "net_vanna", "net_charm")
EXPOSURES = ("call_gex", "put_gex", "net_gex", "net_dex", "net_vanna", "net_charm")
HOLDINGS = ("call_open_interest", "put_open_interest", "call_volume", "put_volume")


def named(chain: OptionChain, source: str, **columns: object) -> OptionChain:
    return dataclasses.replace(chain, source=source, **columns)  # type: ignore[arg-type]


def venues(seed: int) -> list[OptionChain]:
    """Three venues of different size, spot, contract and rate; the first two share the front expiry."""
    first, second, third = (random_chain(10 * seed + n, rate=rate) for n, rate in enumerate((0.0, 0.0, 0.045)))
    instants = second.expiries.copy()
    instants[0] = first.expiries[0]
    second = named(second, "bybit", expiries=np.sort(instants), spot=100.3, multiplier=np.full(len(second), 0.1))
    third = named(third, "okx", spot=99.9, multiplier=np.full(len(third), 0.01))
    return [named(first, "deribit"), second, third]


def slowly(chains: list[OptionChain]) -> list[Reading]:
    return [read(chain, points=2) for chain in chains]


def by_strike(board: Board, name: str) -> dict[float, float]:
    return dict(zip(board.by_strike.strike.tolist(), getattr(board.by_strike, name).tolist(), strict=True))


def assert_is_the_sum(whole: Board, separate: list[Board]) -> None:
    gross = whole.totals.gross_gex
    assert gross is not None
    for name in TOTALS:
        parts = [getattr(board.totals, name) for board in separate]
        assert getattr(whole.totals, name) == pytest.approx(sum(parts), rel=1e-12, abs=1e-12 * gross), name
    for name in EXPOSURES:
        expected: dict[float, float] = {}
        for board in separate:
            for strike, value in by_strike(board, name).items():
                expected[strike] = expected.get(strike, 0.0) + value
        assert by_strike(whole, name) == pytest.approx(expected, rel=1e-9, abs=1e-12 * gross), name
    for name in HOLDINGS:
        units = [getattr(board.by_strike, name).sum() * board.chain.multiplier[0] for board in separate]
        assert getattr(whole.by_strike, name).sum() == pytest.approx(sum(units), rel=1e-12), name


@pytest.mark.parametrize("seed", range(4))
def test_the_combined_board_is_the_sum_of_the_separate_ones(seed: int) -> None:
    chains = venues(seed)
    whole, separate = build_board(combine(COIN, chains)), [build_board(chain) for chain in chains]
    assert_is_the_sum(whole, separate)
    slow = slowly(chains)
    gross = sum(reading.gross for reading in slow)
    assert whole.totals.net_gex == pytest.approx(sum(reading.net for reading in slow), abs=1e-10 * gross)
    assert whole.totals.gross_gex == pytest.approx(gross, rel=1e-10)
    calls: dict[float, float] = {}
    for reading in slow:
        for strike, gex in reading.call_by_strike.items():
            calls[strike] = calls.get(strike, 0.0) + gex
    assert whole.levels.call_wall is not None
    assert whole.levels.call_wall.price == max(calls, key=lambda strike: calls[strike])


@pytest.mark.parametrize("seed", range(4))
def test_the_curve_is_the_sum_on_one_axis_and_its_root_is_found_independently(seed: int) -> None:
    chains = venues(seed)
    board, slow = build_board(combine(COIN, chains)), slowly(chains)
    for spot, gex in list(zip(board.curve.spot.tolist(), board.curve.gex.tolist(), strict=True))[::10]:
        # Every venue's forwards move by the same percentage, from its own spot.
        moved = sum(reading.repriced(float(np.log(spot / board.spot))) for reading in slow)
        assert gex == pytest.approx(moved, abs=1e-10 * sum(reading.gross for reading in slow))
    assert list(board.levels.zero_gamma.roots) == pytest.approx(roots_of(slow, board.spot, 301), rel=1e-6)


def test_doubling_one_venue_adds_its_book_once_more() -> None:
    chains = venues(5)
    doubled = named(chains[1], "bybit", open_interest=2 * chains[1].open_interest)
    once = build_board(combine(COIN, chains))
    twice = build_board(combine(COIN, [chains[0], doubled, chains[2]]))
    assert once.totals.net_gex is not None
    own = build_board(chains[1]).totals.net_gex
    assert own is not None
    assert twice.totals.net_gex == pytest.approx(once.totals.net_gex + own, rel=1e-10)
    assert twice.parts[1].net_gex == pytest.approx(2 * own, rel=1e-10)


def test_the_order_of_the_venues_changes_no_sum() -> None:
    chains = [named(chain, chain.source, spot=100.0) for chain in venues(6)]
    one, other = build_board(combine(COIN, chains)), build_board(combine(COIN, chains[::-1]))
    for name in TOTALS:
        assert getattr(one.totals, name) == pytest.approx(getattr(other.totals, name), rel=1e-12), name
    assert one.levels.zero_gamma.roots == pytest.approx(other.levels.zero_gamma.roots, rel=1e-9)
    assert one.levels.max_pain == other.levels.max_pain
    assert [part.net_gex for part in one.parts] == pytest.approx([part.net_gex for part in reversed(other.parts)])


def split(chain: OptionChain, share: float) -> list[OptionChain]:
    """The same contracts at two venues, each with a share of the open interest."""
    return [
        named(chain, source, open_interest=chain.open_interest * part)
        for source, part in (("deribit", share), ("bybit", 1.0 - share))
    ]


def test_a_chain_split_over_two_venues_is_the_whole() -> None:
    chain = random_chain(7)
    whole, parts = build_board(chain), build_board(combine(COIN, split(chain, 0.25)))
    for name in TOTALS:
        assert getattr(parts.totals, name) == pytest.approx(getattr(whole.totals, name), rel=1e-12), name
    assert parts.levels.zero_gamma.roots == pytest.approx(whole.levels.zero_gamma.roots, rel=1e-9)
    assert parts.levels.max_pain == whole.levels.max_pain
    assert parts.levels.daily_sigma == whole.levels.daily_sigma
    assert [wall.price for wall in parts.levels.call_walls] == [wall.price for wall in whole.levels.call_walls]
    assert parts.by_expiry.expiry.tolist() == whole.by_expiry.expiry.tolist()
    assert parts.by_expiry.roots == whole.by_expiry.roots
    assert parts.by_expiry.net_gex.tolist() == pytest.approx(whole.by_expiry.net_gex.tolist(), rel=1e-12)
    assert np.nansum(parts.by_expiry.strike_gex) == pytest.approx(np.nansum(whole.by_expiry.strike_gex), rel=1e-10)
    assert parts.coverage == pytest.approx(whole.coverage, rel=1e-12)
    assert [part.share for part in parts.parts] == pytest.approx([0.25, 0.75])


def test_the_parts_add_up_to_the_whole_strike_by_strike() -> None:
    board = build_board(combine(COIN, venues(8)), filters=Filters(expiry="30d", strike_range=20.0))
    for name in (*EXPOSURES, *HOLDINGS):
        parts = sum(getattr(part.by_strike, name) for part in board.parts)
        assert parts == pytest.approx(getattr(board.by_strike, name), rel=1e-9, abs=1e-6), name
    assert sum(part.share or 0.0 for part in board.parts) == pytest.approx(1.0)
    assert sum(part.used for part in board.parts) == board.used
    assert sum(part.contracts for part in board.parts) == len(board.chain)
    assert build_board(random_chain(8)).parts == ()


@pytest.mark.parametrize("expiry", ["front", "0dte", "2026-03-03", "7d"])
def test_filters_choose_instants_of_every_venue(expiry: str) -> None:
    rows = [Contract(100, "C", years=years, open_interest=5) for years in (8 / 24 / 365, 1 / 365, 5 / 365)]
    chains = [chain_of(rows, source="deribit", carry=0.0), chain_of(rows[1:], source="bybit", carry=0.0)]
    board = build_board(combine(COIN, chains), filters=Filters(expiry=expiry))
    used = [(board.chain.parts[board.chain.part[at]].name, at) for at in board.chain.expiry[board.book.used].tolist()]
    assert (
        used
        == {
            "front": [("deribit", 0)],
            "0dte": [("deribit", 0)],
            "2026-03-03": [("deribit", 1), ("bybit", 2)],
            "7d": [("deribit", 0), ("deribit", 1), ("bybit", 2), ("deribit", 3), ("bybit", 4)],
        }[expiry]
    )
    assert len(board.by_expiry.expiry) == len({board.chain.expiries[at] for _, at in used})


FRONT = [
    Contract(95, "P", years=0.02, iv=0.5, open_interest=100, bid=1.0, ask=1.2),
    Contract(100, "C", years=0.02, iv=0.5, open_interest=100, bid=2.5, ask=2.7),
]


def test_max_pain_is_of_the_sum_and_the_move_of_the_leading_venue() -> None:
    deribit = chain_of(FRONT, source="deribit", carry=0.0)
    heavy = [dataclasses.replace(row, iv=0.6, open_interest=5000, bid=row.bid + 1, ask=row.ask + 1) for row in FRONT]
    heavy.append(Contract(110, "P", years=0.02, iv=0.6, open_interest=90_000))
    bybit = chain_of(heavy, source="bybit", carry=0.0)
    board = build_board(combine(COIN, [deribit, bybit]))
    assert board.levels.max_pain is not None
    assert board.levels.max_pain.price == 110.0
    alone = build_board(deribit).levels
    move = board.levels.expected_move
    assert move is not None
    assert alone.expected_move is not None
    assert (move.move, move.method, move.venue) == (alone.expected_move.move, MoveMethod.STRADDLE, "deribit")
    assert board.levels.daily_sigma == alone.daily_sigma
    assert board.by_expiry.atm_iv.tolist() == build_board(deribit).by_expiry.atm_iv.tolist()
    # A stale venue does not lead, and one without quotes leaves the straddle to the next.
    stale = build_board(combine(COIN, [deribit, bybit], stale={"deribit": "no data for 42 s"}))
    assert stale.levels.expected_move is not None
    assert stale.levels.expected_move.venue == "bybit"
    unquoted = named(deribit, "deribit", bid=np.full(2, np.nan), ask=np.full(2, np.nan))
    other = build_board(combine(COIN, [unquoted, bybit])).levels.expected_move
    assert other is not None
    assert (other.method, other.venue) == (MoveMethod.STRADDLE, "bybit")
    last = build_board(combine(COIN, [unquoted, bybit], stale={"bybit": "is down"})).levels.expected_move
    assert last is not None
    assert (last.method, last.venue) == (MoveMethod.ONE_SIGMA, "deribit")


def test_one_venue_stands_for_each_instant() -> None:
    deribit, bybit = (chain_of(FRONT, source=source, carry=0.0) for source in ("deribit", "bybit"))
    blind = named(deribit, "deribit", iv=np.full(2, np.nan), bid=np.full(2, np.nan))
    for chains, stale, lead in (
        ([deribit, bybit], {}, 0),
        ([deribit, bybit], {"deribit": ""}, 1),
        ([deribit, bybit], {"deribit": "", "bybit": ""}, 0),
        ([blind, bybit], {"bybit": ""}, 1),
    ):
        board = build_board(combine(COIN, chains, stale=stale))
        assert lead_expiries(board.chain, board.smile, np.arange(2)).tolist() == [lead]
    assert lead_expiries(board.chain, board.smile, np.arange(0)).tolist() == []


def test_a_stale_venue_is_in_the_sum_and_named_with_its_share() -> None:
    chains = split(random_chain(9), 0.69)
    fresh = build_board(combine(COIN, chains))
    board = build_board(combine(COIN, chains, stale={"bybit": "no data for 42 s"}))
    assert board.totals == fresh.totals
    assert board.warnings[0] == "bybit is stale (no data for 42 s): 31.0% of gross GEX is shown as stale"
    assert fresh.warnings == ()


@pytest.mark.parametrize(("spot", "flagged"), [(100.9, False), (101.5, True), (95.0, True)])
def test_venues_that_differ_on_spot_are_flagged(spot: float, flagged: bool) -> None:
    chains = [named(random_chain(9), "deribit"), named(random_chain(9), "bybit", spot=spot)]
    warnings = build_board(combine(COIN, chains)).warnings
    assert any(warning.startswith("sources differ") for warning in warnings) is flagged
    if spot == 101.5:
        assert warnings[0] == (
            "sources differ: bybit's spot 101.50 is 1.5% above deribit's 100.00; one of them is of another time, "
            "or wrong"
        )


def test_a_wiped_venue_is_left_out_and_said_so() -> None:
    good, bad = split(random_chain(11), 0.5)
    chain = combine(COIN, [good, named(bad, "bybit", open_interest=np.zeros(len(bad)))])
    board = build_board(chain)
    assert board.warnings[0].startswith("bybit: no open interest yet")
    assert not board.wiped
    assert board.totals.net_gex == pytest.approx(build_board(good).totals.net_gex, rel=1e-12)
    assert board.dropped["wiped"] == len(bad)
    assert (board.parts[1].used, board.parts[1].net_gex, board.parts[1].share) == (0, None, 0.0)
    # Nor does it name the front expiry, where it alone lists one.
    earlier = named(bad, "bybit", expiries=bad.expiries - 3600.0, open_interest=np.zeros(len(bad)))
    levels = build_board(combine(COIN, [good, earlier])).levels
    assert levels.max_pain == build_board(good).levels.max_pain
    assert levels.expected_move is not None
    assert levels.expected_move.venue == "deribit"
    both = build_board(
        combine(COIN, [named(each, each.source, open_interest=np.zeros(len(each))) for each in (good, bad)])
    )
    assert both.wiped
    assert both.totals.net_gex is None
    assert len(both.warnings) == 2


def test_the_same_contract_of_two_venues_is_two() -> None:
    one, two = split(random_chain(12), 0.5)
    chain, other = combine(COIN, [one, two]), combine(COIN, [one, rows_of(two, np.arange(10, len(two)))])
    assert match_rows(chain, chain).tolist() == list(range(len(chain)))
    matched = match_rows(chain, other)
    part = chain.part[chain.expiry]
    assert np.array_equal(other.part[other.expiry[matched]][matched >= 0], part[matched >= 0])
    assert np.array_equal(matched < 0, (part == 1) & (np.cumsum(part) <= 10))
    assert np.array_equal(other.open_interest[matched[matched >= 0]], chain.open_interest[matched >= 0])


def test_a_venue_more_is_another_source_and_no_flow() -> None:
    one, two = split(random_chain(13), 0.5)
    change = build_board(combine(COIN, [one, two]), Past(windows={1: one})).changes[0]
    assert (change.state, change.total) == (ChangeState.SOURCE, None)
    same = build_board(combine(COIN, [one, two]), Past(windows={1: combine(COIN, [one, two])})).changes[0]
    assert (same.state, same.total) == (ChangeState.OK, 0.0)


def test_a_change_at_one_venue_is_told_by_strike() -> None:
    one, two = split(random_chain(14), 0.5)
    opened = two.open_interest.copy()
    opened[40] += 1000.0
    later = combine(COIN, [one, named(two, "bybit", open_interest=opened)])
    change = build_board(later, Past(windows={1: combine(COIN, [one, two])})).changes[0]
    assert change.largest is not None
    assert change.largest[0] == two.strike[40]
    assert np.count_nonzero(change.flow) == 1
    assert not change.repricing.any()


def test_new_since_yesterday_is_known_where_the_same_venues_were_read() -> None:
    rows = [Contract(100, "C", open_interest=30)]
    deribit, bybit = chain_of(rows, source="deribit"), chain_of(rows, source="bybit", multiplier=0.1)
    before = chain_of([Contract(100, "C", open_interest=10)], source="deribit")
    active = Filters(weight=Weight.ACTIVE)
    # Bybit was not read yesterday: what it holds is not new, nobody knows.
    board = build_board(combine(COIN, [deribit, bybit]), Past(yesterday=before), active)
    assert (board.used, board.dropped["no_yesterday"]) == (0, 2)
    then = combine(COIN, [before, chain_of([Contract(100, "C", open_interest=20)], source="bybit", multiplier=0.1)])
    known = build_board(combine(COIN, [deribit, bybit]), Past(yesterday=then), active)
    assert known.book.weight.tolist() == pytest.approx([20.0, 1.0])


def test_an_explanation_names_the_venues() -> None:
    deribit, bybit = (
        chain_of(FRONT, source="deribit", carry=0.0),
        chain_of(FRONT, source="bybit", spot=100.1, carry=0.0),
    )
    board = build_board(combine(COIN, [deribit, bybit], stale={"bybit": ""}))
    explained = explain_strike(board, 100.0)
    assert {contract.name for contract in explained.contracts} == {
        "deribit BTC 09MAR26 100 C",
        "bybit BTC 09MAR26 100 C",
    }
    by_name = {given.name: given.value for given in explained.inputs}
    assert by_name["deribit"] == pytest.approx(build_board(deribit).by_strike.net_gex[1])
    assert by_name["bybit, stale"] == pytest.approx(build_board(bybit).by_strike.net_gex[1])
    assert explained.value == pytest.approx(by_name["deribit"] + by_name["bybit, stale"])  # type: ignore[operator]
    inputs = {given.name: given.value for given in explain_expiry(board, float(board.chain.expiries[0])).inputs}
    assert (inputs["forward deribit"], inputs["forward bybit"]) == (100.0, 100.1)
    assert "straddle deribit" in [given.value for given in explain(board, "expected_move").inputs]
    net = explain(board, "net_gex")
    assert net.value == pytest.approx(sum(contract.amount for contract in net.contracts))


def test_a_contract_of_a_combined_book_is_counted_in_coins() -> None:
    good, bad = split(random_chain(11), 0.5)
    board = build_board(combine(COIN, [good, named(bad, "bybit", open_interest=np.zeros(len(bad)))]))
    assert unit_of(board, "open_interest") == "coins"
    assert unit_of(build_board(good), "open_interest") == "contracts"
    of_bybit = int(np.flatnonzero(board.chain.part[board.chain.expiry] == 1)[0])
    explained = explain_contract(board, of_bybit, "clean_iv")
    assert {given.name: given.value for given in explained.inputs}["contract"] == contract_name(board, of_bybit)
    # The IVs of the venue that wiped are as little believed as its open interest.
    assert explained.value is not None
    assert np.isnan(explained.value)
    assert np.isfinite(explain_contract(board, of_bybit - 1, "clean_iv").value or np.nan)


def etf_chain() -> OptionChain:
    """An ETF of a coin at 100,000: a share is a two-thousandth."""
    shares = random_chain(15, rate=0.045)
    return dataclasses.replace(
        shares,
        ticker=IBIT,
        source="cboe",
        spot=50.0,
        strike=shares.strike / 2,
        bid=shares.bid / 2,
        ask=shares.ask / 2,
        multiplier=np.full(len(shares), 100.0),
    )


def test_an_etf_on_the_coins_axis_has_the_same_book() -> None:
    shares = etf_chain()
    one, other = build_board(shares), build_board(on_coin_axis(shares, 0.0005))
    for name in TOTALS:
        assert getattr(other.totals, name) == pytest.approx(getattr(one.totals, name), rel=1e-10), name
    assert other.by_strike.net_gex.tolist() == pytest.approx(one.by_strike.net_gex.tolist(), rel=1e-9)
    assert [root * 0.0005 for root in other.levels.zero_gamma.roots] == pytest.approx(one.levels.zero_gamma.roots)
    coin = named(
        random_chain(16), "deribit", strike=random_chain(16).strike * 1000, spot=100_000.0,
        bid=random_chain(16).bid * 1000, ask=random_chain(16).ask * 1000,
    )  # fmt: skip
    joined = build_board(combine(COIN, [coin, on_coin_axis(shares, 0.0005)]))
    for name in TOTALS:
        apart = getattr(build_board(coin).totals, name) + getattr(one.totals, name)
        assert getattr(joined.totals, name) == pytest.approx(apart, rel=1e-10), name


def okx(shared: Path, tmp_path: Path, day: str) -> OptionChain:
    """OKX's recorded chain; a contract there is a hundredth of a coin, which its file does not say."""
    lines = (shared / f"data/okx/daily/{day}.csv").read_text().splitlines()
    path = tmp_path / "okx.csv"
    path.write_text("\n".join([f"{lines[0]},multiplier", *(f"{line},0.01" for line in lines[1:])]))
    (chain,) = (chain for chain in read_chains(path) if chain.ticker.symbol == "BTC")
    return named(chain, "okx")


def test_two_recorded_venues_are_the_sum_of_both(shared: Path, tmp_path: Path) -> None:
    snapshot = shared / "data/deribit/snapshots/deribit_options_snapshot_20260817T035801Z.csv"
    (deribit,) = (named(chain, "deribit") for chain in read_chains(snapshot) if chain.ticker.symbol == "BTC")
    # Two hours lie between the captures: both are read as of the later one.
    other = named(okx(shared, tmp_path, "2026-08-17"), "okx", as_of=deribit.as_of)
    chains = [deribit, other]
    board = build_board(combine(COIN, chains))
    assert_is_the_sum(board, [build_board(chain) for chain in chains])
    slow = slowly(chains)
    gross = sum(reading.gross for reading in slow)
    assert board.totals.net_gex == pytest.approx(sum(reading.net for reading in slow), abs=1e-8 * gross)
    nearest = min(roots_of(slow, board.spot, 121), key=lambda root: abs(root - board.spot))
    assert board.levels.zero_gamma.price == pytest.approx(nearest, rel=1e-6)
    # OKX's contracts counted as coins would be a hundred times as many.
    assert other.multiplier[0] == 0.01
    held = [float(np.nansum(chain.open_interest * chain.multiplier)) for chain in chains]
    assert board.totals.call_open_interest is not None
    assert board.totals.put_open_interest is not None
    assert board.totals.call_open_interest + board.totals.put_open_interest == pytest.approx(sum(held), rel=1e-9)
    assert len(board.by_expiry.expiry) < len(board.chain.expiries)
