"""Several venues' chains as one, and an ETF's chain in terms of its coin."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from gextui.market.chain import OptionChain, plain_strikes
from gextui.market.combined import combine, on_coin_axis
from gextui.market.ticker import KNOWN_TICKERS
from tests.exposure.chains import COIN, NOW, Contract, chain_of

YEAR = 365.0 * 86400.0
IBIT = KNOWN_TICKERS["IBIT"]
DERIBIT = chain_of(
    [
        Contract(95, "P", open_interest=10, volume=4, iv=0.3),
        Contract(105, "C", open_interest=20, volume=5),
        Contract(100, "C", years=0.2, open_interest=30),
    ],
    forwards={NOW.timestamp() + 0.1 * YEAR: 100.5},
    source="deribit",
)
BYBIT = replace(
    chain_of(
        [
            Contract(95, "P", open_interest=7, volume=2, iv=0.4, root="BTC-USDT"),
            Contract(110, "C", years=0.3, open_interest=8, root="BTC-USDT"),
        ],
        spot=100.4,
        forwards={NOW.timestamp() + 0.1 * YEAR: 100.9},
        multiplier=0.1,
        source="bybit",
    ),
    as_of=NOW + timedelta(seconds=1),
)


def rows(chain: OptionChain) -> list[tuple[object, ...]]:
    """Part, expiry instant, strike, right, IV, open interest, volume and units of each row."""
    part = [each.name for each in chain.parts] or [chain.source]
    return [
        (
            part[chain.part[expiry]],
            chain.roots[chain.root[at]],
            float(chain.expiries[expiry]),
            float(chain.strike[at]),
            bool(chain.is_call[at]),
            float(chain.iv[at]),
            float(chain.open_interest[at]),
            float(chain.multiplier[at]),
        )
        for at, expiry in enumerate(chain.expiry.tolist())
    ]


def test_every_row_is_there_once_under_its_venue_in_coins() -> None:
    chain = combine(COIN, [DERIBIT, BYBIT])
    front, far = NOW.timestamp() + 0.1 * YEAR, NOW.timestamp() + 0.3 * YEAR
    assert rows(chain) == [
        ("deribit", "BTC", front, 95.0, False, 0.3, 10.0, 1.0),
        ("deribit", "BTC", front, 105.0, True, 0.2, 20.0, 1.0),
        ("bybit", "BTC-USDT", front, 95.0, False, 0.4, pytest.approx(0.7), 1.0),
        ("deribit", "BTC", NOW.timestamp() + 0.2 * YEAR, 100.0, True, 0.2, 30.0, 1.0),
        ("bybit", "BTC-USDT", far, 110.0, True, 0.2, pytest.approx(0.8), 1.0),
    ]
    assert chain.expiries.tolist() == [front, front, NOW.timestamp() + 0.2 * YEAR, far]
    assert chain.part.tolist() == [0, 1, 0, 1]
    assert chain.spots.tolist() == [100.0, 100.4, 100.0, 100.4]
    assert np.array_equal(chain.forwards, [100.5, 100.9, np.nan, np.nan], equal_nan=True)
    assert chain.volume.tolist()[:3] == pytest.approx([4.0, 5.0, 0.2])


def test_it_says_where_it_is_from() -> None:
    chain = combine(COIN, [replace(DERIBIT, notes=("a thing",), dropped={"bad": 2}), BYBIT])
    assert (chain.source, chain.ticker, chain.spot, chain.as_of) == ("deribit+bybit", COIN, 100.0, BYBIT.as_of)
    assert [(part.name, part.as_of, part.spot, part.stale) for part in chain.parts] == [
        ("deribit", DERIBIT.as_of, 100.0, False),
        ("bybit", BYBIT.as_of, 100.4, False),
    ]
    assert (chain.total, dict(chain.dropped), chain.notes) == (5, {"bad": 2}, ("deribit: a thing",))
    assert not chain.simulated
    assert combine(COIN, [DERIBIT, replace(BYBIT, simulated=True)]).simulated
    assert combine(COIN, [DERIBIT, replace(BYBIT, partial=True)]).partial
    assert not chain.partial


def test_the_first_part_that_is_not_stale_leads() -> None:
    first = replace(DERIBIT, previous_close=90.0, volatility_index=45.0)
    second = replace(BYBIT, previous_close=91.0, delay=3.0)
    fresh = combine(COIN, [first, second])
    assert (fresh.spot, fresh.previous_close, fresh.delay, fresh.volatility_index) == (100.0, 90.0, 0.0, 45.0)
    stale = combine(COIN, [first, second], stale={"deribit": "no data for 42 s", "okx": "is down"})
    assert (stale.spot, stale.previous_close, stale.delay) == (100.4, 91.0, 3.0)
    assert [(part.stale, part.detail) for part in stale.parts] == [(True, "no data for 42 s"), (False, "")]
    assert stale.notes == ("okx is not in the sum: is down",)
    assert stale.source == fresh.source
    both = combine(COIN, [first, second], stale={"deribit": "", "bybit": ""})
    assert both.spot == 100.0


def test_a_venue_without_contracts_is_a_part_all_the_same() -> None:
    chain = combine(COIN, [DERIBIT, chain_of([], source="bybit")])
    assert len(chain) == len(DERIBIT)
    assert [part.name for part in chain.parts] == ["deribit", "bybit"]
    nothing = combine(COIN, [chain_of([], source="bybit")])
    assert (len(nothing), len(nothing.expiries)) == (0, 0)


@pytest.mark.parametrize("chains", [[], [DERIBIT, DERIBIT], [combine(COIN, [DERIBIT, BYBIT])]])
def test_what_is_no_chain_a_venue_is_refused(chains: list[OptionChain]) -> None:
    with pytest.raises(ValueError, match="one chain a venue"):
        combine(COIN, chains)


def etf(iv: float = 0.5) -> OptionChain:
    return replace(
        chain_of(
            [Contract(50, "C", open_interest=100, bid=2.0, ask=2.2, iv=iv, root="IBIT")],
            spot=50.0,
            multiplier=100.0,
            rate=0.04,
            carry=0.04,
            ticker=IBIT,
            source="cboe",
        ),
        previous_close=49.0,
    )


def test_an_etf_on_the_coins_axis_is_worth_the_same() -> None:
    shares, coins = etf(), on_coin_axis(etf(), 0.0005)
    assert (coins.spot, coins.previous_close, coins.rate) == (100_000.0, 98_000.0, 0.04)
    assert coins.strike.tolist() == [100_000.0]
    assert coins.multiplier.tolist() == pytest.approx([0.05])
    assert coins.forwards.tolist() == pytest.approx((shares.forwards / 0.0005).tolist())
    assert (coins.bid * coins.multiplier).tolist() == pytest.approx((shares.bid * shares.multiplier).tolist())
    assert (coins.ask * coins.multiplier).tolist() == pytest.approx((shares.ask * shares.multiplier).tolist())
    assert (coins.ticker, coins.open_interest.tolist()) == (IBIT, [100.0])
    assert on_coin_axis(etf(), 0.0005, 101_000.0).spot == 101_000.0
    for ratio in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match="coins a share"):
            on_coin_axis(etf(), ratio)


def test_an_etf_in_the_coins_book_keeps_its_name_rate_and_limits() -> None:
    chain = combine(COIN, [DERIBIT, on_coin_axis(etf(), 0.5)])
    assert [part.name for part in chain.parts] == ["deribit", "cboe IBIT"]
    assert chain.rate == 0.0
    assert chain.rates.tolist() == [0.04 if part else 0.0 for part in chain.part.tolist()]
    # 600 % is believed of a coin, not of an ETF, whatever book it is in.
    wild = combine(COIN, [DERIBIT, on_coin_axis(etf(iv=6.0), 0.5)])
    assert np.isnan(wild.iv[chain.part[chain.expiry] == 1]).all()


def test_strikes_made_by_arithmetic_have_one_key() -> None:
    noisy = chain_of([Contract(0.1 + 0.2, "C", open_interest=1), Contract(0.3, "P", open_interest=2)], spot=0.3)
    assert noisy.strike.tolist() == [0.3, 0.3]
    twice = chain_of([Contract(0.1 + 0.2, "C", open_interest=1), Contract(0.3, "C", open_interest=2)], spot=0.3)
    assert (len(twice), dict(twice.dropped), twice.open_interest.tolist()) == (1, {"duplicate": 1}, [2.0])
    plain = np.array([1e-9, 0.05, 2.5, 97_000.0, 1_250_000.5, 1e18])
    assert plain_strikes(plain).tolist() == plain.tolist()
