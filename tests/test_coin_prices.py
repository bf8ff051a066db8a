"""The memory of what coins cost."""

import pytest

from gextui.coin_prices import GRAIN, REMEMBERED, CoinPrices

T = 1_795_208_340.0


def test_the_price_of_an_instant_is_the_nearest_within_a_minute() -> None:
    prices = CoinPrices()
    for seconds, price in ((0.0, 100.0), (30.0, 101.0), (200.0, 102.0)):
        prices.tell("BTC", T + seconds, price)
    assert prices.at("BTC", T - 60.0) == 100.0
    assert prices.at("BTC", T - 60.1) is None
    assert prices.at("BTC", T + 14.0) == 100.0
    assert prices.at("BTC", T + 16.0) == 101.0
    assert prices.at("BTC", T + 90.0) == 101.0
    assert prices.at("BTC", T + 91.0) is None
    assert prices.at("BTC", T + 139.0) is None
    assert prices.at("BTC", T + 260.0) == 102.0
    assert prices.at("ETH", T) is None


def test_it_keeps_the_last_of_ten_seconds_and_a_day_of_them() -> None:
    prices = CoinPrices()
    start = T // GRAIN * GRAIN
    for second in range(int(REMEMBERED) + 1000):
        if second < 20 or second % 60 == 0:
            prices.tell("BTC", start + second, float(second))
    assert prices.at("BTC", start) is None
    assert prices.at("BTC", start + 960.0) == 960.0
    assert len(prices._prices["BTC"]) <= REMEMBERED / 60 + 2
    fresh = CoinPrices()
    for second in range(20):
        fresh.tell("BTC", start + second, float(second))
    assert [price for _, price in fresh._prices["BTC"].values()] == [9.0, 19.0]


def test_what_is_older_than_the_newest_is_passed_over() -> None:
    prices = CoinPrices()
    prices.tell("BTC", T + 100.0, 100.0)
    prices.tell("BTC", T, 1.0)
    assert prices.at("BTC", T) is None
    assert prices.at("BTC", T + 100.0) == 100.0
    assert (prices.age("BTC", T + 130.0), prices.age("ETH", T)) == (30.0, float("inf"))


def test_what_was_recorded_goes_before_what_is_told() -> None:
    prices = CoinPrices()
    prices.tell("BTC", T, 100.0)
    prices.recall("BTC", [(T - 900.0, 95.0), (T - 300.0, 98.0), (T + 5.0, 1.0)])
    found = [prices.at("BTC", T + seconds) for seconds in (-900.0, -300.0, 0.0, 5.0)]
    assert found == [95.0, 98.0, 100.0, 100.0]
    prices.recall("ETH", [(T, 3000.0)])
    assert prices.at("ETH", T) == pytest.approx(3000.0)
