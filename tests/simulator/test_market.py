"""The laws of the simulated market."""

from dataclasses import fields
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from gextui.exposure.board import build_board
from gextui.market.calendar import years_to_expiry
from gextui.market.chain import OptionChain
from gextui.market.ticker import KNOWN_TICKERS, Ticker
from gextui.pricing.smile import ForwardFrom, fit_smile
from gextui.simulator.listing import UNDERLYINGS
from gextui.simulator.market import SimulatedMarket

START = datetime(2026, 11, 20, 7, 40, tzinfo=UTC)
BTC, ETH, SPX, SPY, IBIT = (KNOWN_TICKERS[symbol] for symbol in ("BTC", "ETH", "SPX", "SPY", "IBIT"))
EVERY = [underlying.ticker for underlying in UNDERLYINGS.values()]


def a_market(seed: int = 7, start: datetime = START, *tickers: Ticker) -> SimulatedMarket:
    return SimulatedMarket(seed, start, tickers or None)


def columns(chain: OptionChain) -> list[object]:
    values = [getattr(chain, field.name) for field in fields(chain)]
    return [
        value.tobytes() if isinstance(value, np.ndarray) else value for value in values if not hasattr(value, "keys")
    ]


def rows_of(chain: OptionChain) -> dict[tuple[str, float, float, bool], float]:
    """Open interest by contract."""
    roots = [chain.roots[index] for index in chain.root]
    keys = zip(roots, chain.expiries[chain.expiry], chain.strike, chain.is_call.tolist(), strict=True)
    return dict(zip(keys, chain.open_interest.tolist(), strict=True))


class TestDeterminism:
    @pytest.mark.parametrize("ticker", EVERY, ids=lambda ticker: ticker.symbol)
    def test_the_same_seed_gives_the_same_chain(self, ticker: Ticker) -> None:
        one, other = a_market(), a_market()
        for market in (one, other):
            market.step(1800.0)
        assert columns(one.chain(ticker)) == columns(other.chain(ticker))

    def test_another_seed_gives_another(self) -> None:
        assert columns(a_market(7).chain(BTC)) != columns(a_market(8).chain(BTC))

    def test_how_steps_are_cut_does_not_matter(self) -> None:
        whole, cut = a_market(), a_market()
        whole.step(1260.0)
        for seconds in (0.25, 0.25, 0.5, 1.0, 58.0, 600.0, 600.0):
            cut.step(seconds)
        assert cut.now == whole.now == START + timedelta(seconds=1260)
        assert columns(cut.chain(BTC)) == columns(whole.chain(BTC))

    def test_who_else_is_simulated_does_not_matter(self) -> None:
        alone, among = a_market(7, START, SPX), a_market()
        alone.step(60.0)
        among.step(60.0)
        assert columns(alone.chain(SPX)) == columns(among.chain(SPX))

    def test_reading_a_chain_changes_nothing(self) -> None:
        read, unread = a_market(), a_market()
        before = columns(read.chain(BTC))
        read.step(100.0)
        unread.step(100.0)
        assert columns(read.chain(BTC)) == columns(unread.chain(BTC)) != before

    def test_it_is_the_same_on_every_machine(self) -> None:
        market = a_market()
        chain = market.chain(BTC)
        assert (len(chain), f"{chain.spot:.2f}", f"{np.nansum(chain.open_interest):.1f}") == (
            784,
            "99131.05",
            "444224.7",
        )
        market.step(600.0)
        chain = market.chain(SPX)
        assert (len(chain), f"{chain.spot:.2f}", f"{np.nansum(chain.volume):.0f}") == (1000, "6610.21", "55966")


class TestChains:
    @pytest.fixture(params=EVERY, ids=lambda ticker: ticker.symbol)
    def chain(self, request: pytest.FixtureRequest) -> OptionChain:
        market = a_market(7, START, request.param)
        market.step(600.0)
        return market.chain(request.param)

    def test_it_is_what_a_source_would_build(self, chain: OptionChain) -> None:
        rebuilt = OptionChain.from_rows(
            ticker=chain.ticker,
            source=chain.source,
            as_of=chain.as_of,
            spot=chain.spot,
            rate=chain.rate,
            root=[chain.roots[index] for index in chain.root],
            expiry=chain.expiries[chain.expiry],
            strike=chain.strike,
            is_call=chain.is_call,
            iv=chain.iv,
            open_interest=chain.open_interest,
            volume=chain.volume,
            bid=chain.bid,
            ask=chain.ask,
            multiplier=chain.multiplier,
            forwards=dict(zip(chain.expiries.tolist(), chain.forwards.tolist(), strict=True)),
            previous_close=chain.previous_close,
            simulated=True,
        )
        assert columns(chain) == columns(rebuilt)
        assert chain.simulated
        assert 500 <= len(chain) <= 1200

    def test_numbers_are_believable(self, chain: OptionChain) -> None:
        assert chain.open_interest.min() >= 0
        assert chain.volume.min() >= 0
        assert chain.volume.sum() < 0.5 * chain.open_interest.sum()
        given = chain.iv[np.isfinite(chain.iv)]
        assert len(given) > 0.8 * len(chain)
        assert given.min() > 0.03
        assert given.max() < 0.9 * chain.ticker.highest_iv
        two_sided = np.isfinite(chain.bid)
        assert two_sided.mean() > 0.5
        assert np.all(chain.bid[two_sided] < chain.ask[two_sided])
        assert np.all(chain.ask > 0)

    def test_open_interest_is_in_lots_and_crowds_at_round_strikes(self, chain: OptionChain) -> None:
        underlying = UNDERLYINGS[chain.ticker.symbol]
        lots = chain.open_interest / underlying.lot
        assert np.allclose(lots, np.round(lots), atol=1e-6)
        steps = np.round(chain.strike / underlying.strike_step)
        is_round = (steps % 10 == 0) & (np.abs(chain.strike / chain.spot - 1) < 0.1)
        is_odd = (steps % 10 != 0) & (np.abs(chain.strike / chain.spot - 1) < 0.1)
        assert chain.open_interest[is_round].mean() > 1.5 * chain.open_interest[is_odd].mean()

    def test_calls_and_puts_agree_on_the_forward_within_their_spreads(self, chain: OptionChain) -> None:
        underlying = UNDERLYINGS[chain.ticker.symbol]
        years = years_to_expiry(chain.as_of_seconds, chain.expiries)
        forwards = chain.spot * np.exp(underlying.carry * years)
        calls, puts = np.flatnonzero(chain.is_call), np.flatnonzero(~chain.is_call)
        order = np.lexsort((chain.root[puts], chain.strike[puts], chain.expiry[puts]))
        same = np.lexsort((chain.root[calls], chain.strike[calls], chain.expiry[calls]))
        calls, puts = calls[same], puts[order]
        assert np.array_equal(chain.strike[calls], chain.strike[puts])
        quoted = np.isfinite(chain.bid[calls]) & np.isfinite(chain.bid[puts])
        calls, puts = calls[quoted], puts[quoted]
        assert len(calls) > 100
        discount = np.exp(-chain.rate * years[chain.expiry[calls]])
        parity = discount * (forwards[chain.expiry[calls]] - chain.strike[calls])
        highest = chain.ask[calls] - chain.bid[puts]
        lowest = chain.bid[calls] - chain.ask[puts]
        slack = 1e-6 * chain.spot
        assert np.all(lowest - slack <= parity)
        assert np.all(parity <= highest + slack)

    def test_forwards_are_the_venues_or_follow_from_parity(self, chain: OptionChain) -> None:
        underlying = UNDERLYINGS[chain.ticker.symbol]
        years = years_to_expiry(chain.as_of_seconds, chain.expiries)
        smile = fit_smile(chain)
        assert np.allclose(smile.forward, chain.spot * np.exp(underlying.carry * years), rtol=5e-4)
        wanted = ForwardFrom.SOURCE if underlying.gives_forward else ForwardFrom.PARITY
        assert np.all(smile.forward_from == wanted)

    def test_a_board_of_it_is_whole(self, chain: OptionChain) -> None:
        board = build_board(chain)
        assert [words for words in board.warnings if "until it settles" not in words] == []
        assert board.coverage is not None
        assert board.coverage > 0.99
        totals = board.totals
        for value in (totals.net_gex, totals.gross_gex, totals.net_dex, totals.net_vanna, totals.net_charm):
            assert value is not None
            assert np.isfinite(value)
        levels = board.levels
        assert levels.call_wall is not None
        assert levels.put_wall is not None
        assert levels.max_pain is not None
        assert levels.zero_gamma.price is not None

    def test_its_columns_cannot_be_changed_through_it(self, chain: OptionChain) -> None:
        with pytest.raises(ValueError, match="read-only"):
            chain.open_interest[0] = 1.0


class TestTime:
    def test_an_expiry_leaves_at_its_instant_and_a_new_one_is_listed_empty(self) -> None:
        market = a_market(7, datetime(2026, 11, 20, 7, 59, 50, tzinfo=UTC), BTC)
        eight = datetime(2026, 11, 20, 8, tzinfo=UTC).timestamp()
        market.step(9.0)
        before = market.chain(BTC)
        assert before.expiries[0] == eight
        assert before.open_interest[before.expiry == 0].sum() > 0
        market.step(1.0)
        after = market.chain(BTC)
        assert after.as_of_seconds == eight
        assert after.expiries.min() > eight
        new = {datetime.fromtimestamp(instant, UTC).date() for instant in set(after.expiries) - set(before.expiries)}
        assert new == {date(2026, 11, 24), date(2026, 12, 18)}
        was, now = rows_of(before), rows_of(after)
        assert {key for key in was if key not in now} == {key for key in was if key[1] == eight}
        assert all(now[key] == 0 for key in now if key[1] not in before.expiries)
        assert build_board(after).dropped == {}

    def test_the_index_loses_its_am_series_at_the_open_and_the_others_at_the_close(self) -> None:
        market = a_market(7, datetime(2026, 11, 20, 14, 29, 59, tzinfo=UTC), SPX)
        roots = [{key[0] for key in rows_of(market.chain(SPX)) if key[1] < market.now.timestamp() + 86400}]
        for seconds in (1, 6.5 * 3600):
            market.step(seconds)
            roots.append({key[0] for key in rows_of(market.chain(SPX)) if key[1] < market.now.timestamp() + 86400})
        assert roots == [{"SPX", "SPXW"}, {"SPXW"}, set()]

    def test_volume_grows_and_open_interest_moves_through_the_day(self) -> None:
        market = a_market(7, START, BTC)
        first = market.chain(BTC)
        market.step(600.0)
        second = market.chain(BTC)
        assert np.all(second.volume >= first.volume)
        assert second.volume.sum() > first.volume.sum()
        change = second.open_interest - first.open_interest
        assert change.min() < 0 < change.max()
        assert np.all(np.abs(change) <= second.volume - first.volume + 1e-6)

    def test_shares_open_interest_is_counted_overnight(self) -> None:
        market = a_market(7, datetime(2026, 11, 20, 4, 50, tzinfo=UTC), SPY)
        first = market.chain(SPY)
        market.step(540.0)
        assert np.array_equal(market.chain(SPY).open_interest, first.open_interest)
        market.step(60.0)
        counted = rows_of(market.chain(SPY))
        assert any(counted[key] != value for key, value in rows_of(first).items())
        assert market.chain(SPY).volume.sum() == 0

    def test_the_previous_close_is_the_spot_at_midnight(self) -> None:
        market = a_market(7, datetime(2026, 11, 20, 23, 59, 0, tzinfo=UTC), BTC)
        market.step(60.0)
        midnight = market.chain(BTC)
        assert midnight.previous_close == midnight.spot
        market.step(60.0)
        assert market.chain(BTC).previous_close == midnight.spot

    def test_spot_moves_as_much_as_its_options_say_and_stays_in_reach(self) -> None:
        market = a_market(7, START, BTC)
        spots = []
        for _ in range(8 * 60):
            market.step(60.0)
            spots.append(market.chain(BTC).spot)
        realised = np.std(np.diff(np.log(spots))) * np.sqrt(365 * 24 * 60)
        assert 0.35 < realised < 0.6
        market.leap(20 * 86400)
        market.step(3600.0)
        assert 0.5 < market.chain(BTC).spot / UNDERLYINGS["BTC"].spot < 2.0

    def test_coins_move_together_and_so_do_the_index_and_its_fund(self) -> None:
        market = a_market()
        paths: dict[Ticker, list[float]] = {ticker: [] for ticker in (BTC, ETH, SPX, SPY)}
        for _ in range(120):
            market.step(60.0)
            for ticker, path in paths.items():
                path.append(market.chain(ticker).spot)
        returns = {ticker: np.diff(np.log(path)) for ticker, path in paths.items()}
        assert np.corrcoef(returns[BTC], returns[ETH])[0, 1] > 0.5
        assert np.corrcoef(returns[SPX], returns[SPY])[0, 1] > 0.9

    def test_the_smile_breathes(self) -> None:
        market = a_market(7, START, SPX)
        at_money = []
        for _ in range(30):
            market.step(600.0)
            at_money.append(fit_smile(market.chain(SPX)).atm_iv[-1])
        assert 0.005 < np.std(at_money) < 0.05

    def test_a_leap_passes_days_at_once(self) -> None:
        market = a_market()
        first = {ticker: rows_of(market.chain(ticker)) for ticker in EVERY}
        market.leap(3 * 86400)
        assert market.now == START + timedelta(days=3)
        for ticker in EVERY:
            chain = market.chain(ticker)
            assert chain.expiries.min() > chain.as_of_seconds
            assert chain.open_interest.min() >= 0
            common = set(first[ticker]) & set(rows_of(chain))
            assert any(rows_of(chain)[key] != first[ticker][key] for key in common)
            assert build_board(chain).warnings == ()


class TestRefusals:
    def test_a_naive_start(self) -> None:
        with pytest.raises(ValueError, match="time zone"):
            SimulatedMarket(7, datetime(2026, 11, 20))  # noqa: DTZ001

    def test_an_underlying_nobody_simulates(self) -> None:
        with pytest.raises(ValueError, match="NDX is not simulated; there are BTC, ETH"):
            a_market(7, START, KNOWN_TICKERS["NDX"])

    def test_a_chain_of_what_was_not_chosen(self) -> None:
        with pytest.raises(KeyError):
            a_market(7, START, BTC).chain(ETH)


class TestCoinEtf:
    """IBIT holds BTC."""

    def test_its_price_is_the_coins_at_every_instant(self) -> None:
        market = a_market()
        market.step(1.0)
        for seconds, leaps in ((1, False), (599, False), (200_000, True), (60, False)):
            if leaps:
                market.leap(seconds)
            else:
                market.step(seconds)
            assert market.chain(IBIT).spot == pytest.approx(0.000567 * market.chain(BTC).spot, abs=0.0051)
            assert market.chain(IBIT).as_of == market.chain(BTC).as_of

    def test_its_previous_close_is_what_the_coin_was_at_new_yorks_midnight(self) -> None:
        midnight = datetime(2026, 11, 20, 5, tzinfo=UTC)
        market = a_market(7, midnight - timedelta(seconds=30))
        market.step(30.0)
        then = market.chain(BTC).spot
        market.step(3600.0)
        assert market.chain(IBIT).previous_close == pytest.approx(0.000567 * then, abs=0.0051)

    def test_it_needs_nobody_to_ask_for_the_coin(self) -> None:
        alone, among = a_market(7, START, IBIT), a_market()
        for market in (alone, among):
            market.step(300.0)
        assert alone.tickers == (IBIT,)
        assert columns(alone.chain(IBIT)) == columns(among.chain(IBIT))
