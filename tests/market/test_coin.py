from datetime import UTC, datetime, timedelta

import pytest

from gextui.market.coin import CoinRatio, RatioSource

AT = datetime(2026, 11, 20, 20, 59, tzinfo=UTC)


def test_coins_over_shares() -> None:
    # Coins of the fund's page of 2025, and a round number of shares.
    ratio = CoinRatio.from_holdings(573_135.9859, 1_010_000_000, AT)
    assert ratio == CoinRatio(0.0005674613721782178, RatioSource.HOLDINGS, AT)
    assert ratio.in_coin(60.0) == pytest.approx(60 * 1_010_000_000 / 573_135.9859, rel=1e-15)


def test_both_prices_at_one_instant() -> None:
    ratio = CoinRatio.from_spots(51.0, 85_000.0, AT)
    assert (ratio.coins_per_share, ratio.source) == (0.0006, RatioSource.SPOTS)
    assert ratio.in_coin(60.0) == pytest.approx(100_000.0, rel=1e-15)
    assert ratio.in_share(100_000.0) == pytest.approx(60.0, rel=1e-15)


def test_age() -> None:
    assert CoinRatio(0.0006, RatioSource.SPOTS, AT).age(AT + timedelta(days=2)) == 172_800.0
    assert CoinRatio(0.0006, RatioSource.SPOTS, AT).age(AT - timedelta(seconds=1)) == 0.0
    assert CoinRatio(0.0006, RatioSource.HOLDINGS).age(AT) is None


@pytest.mark.parametrize(
    ("share", "coin"), [(0.0, 85_000.0), (51.0, 0.0), (51.0, -1.0), (float("nan"), 85_000.0), (51.0, float("nan"))]
)
def test_what_is_no_price_gives_no_ratio(share: float, coin: float) -> None:
    with pytest.raises(ValueError, match="positive"):
        CoinRatio.from_spots(share, coin, AT)


def test_a_fund_without_shares_gives_none() -> None:
    with pytest.raises(ValueError, match="positive number of shares"):
        CoinRatio.from_holdings(573_135.9859, 0.0)


def test_an_instant_has_a_time_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        CoinRatio(0.0006, RatioSource.SPOTS, datetime(2026, 11, 20))  # noqa: DTZ001
