"""Coins behind a share: what a price of a coin ETF is in the coin that the fund holds."""

import math
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Self


class PriceAxis(StrEnum):
    """What the prices of a coin ETF's book are of."""

    SHARE = "share"
    COIN = "coin"


class RatioSource(StrEnum):
    """What tells how many coins a share stands for."""

    HOLDINGS = "holdings"
    """The fund's own books: coins held over shares outstanding."""
    SPOTS = "spots"
    """Both prices at one instant while the share traded; a premium of the fund is in it."""


@dataclass(frozen=True, slots=True)
class CoinRatio:
    """How many coins one share of a coin ETF stands for, and how that is known.

    Raises:
        ValueError: it is not a positive finite number.
    """

    coins_per_share: float
    source: RatioSource
    as_of: datetime | None = None
    """When it was so, aware; None where that is not known."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.coins_per_share) and self.coins_per_share > 0):
            raise ValueError(f"a share stands for a positive number of coins, not {self.coins_per_share:g}")
        if self.as_of is not None and self.as_of.tzinfo is None:
            raise ValueError("as_of needs a time zone")

    @classmethod
    def from_holdings(cls, coins: float, shares: float, as_of: datetime | None = None) -> Self:
        """From the coins that a fund holds and its shares outstanding.

        Raises:
            ValueError: there are no coins or no shares.
        """
        if not shares > 0:
            raise ValueError(f"a fund has a positive number of shares, not {shares:g}")
        return cls(coins / shares, RatioSource.HOLDINGS, as_of)

    @classmethod
    def from_spots(cls, share: float, coin: float, as_of: datetime) -> Self:
        """From the prices of the share and of the coin at the same instant.

        Raises:
            ValueError: one of them is no price.
        """
        if not coin > 0:
            raise ValueError(f"a coin has a positive price, not {coin:g}")
        return cls(share / coin, RatioSource.SPOTS, as_of)

    def in_coin(self, price: float) -> float:
        """The coin's price at which the share would be at ``price``."""
        return price / self.coins_per_share

    def in_share(self, price: float) -> float:
        """The share's price were the coin at ``price``."""
        return price * self.coins_per_share

    def age(self, now: datetime) -> float | None:
        """Seconds since it was so; None where that is not known."""
        return None if self.as_of is None else max(0.0, (now - self.as_of).total_seconds())
