"""What coins cost, now and over the last day, so that a delayed quote finds the price of its instant."""

from bisect import bisect_left
from collections.abc import Iterable

from gextui.exposure.coin_terms import NEAR_ENOUGH

GRAIN = 10.0
"""Seconds: of what is told within one stretch of so many, the last is kept."""
REMEMBERED = 86400.0
"""Seconds."""


class CoinPrices:
    """Prices of coins by the instants they were made; instants are epoch seconds. Runs in one thread."""

    def __init__(self) -> None:
        self._prices: dict[str, dict[int, tuple[float, float]]] = {}
        """By coin and stretch: instant and price; in order of time."""

    def tell(self, coin: str, at: float, price: float) -> None:
        """The coin cost ``price`` at that instant; what comes after something newer is passed over."""
        known = self._prices.setdefault(coin, {})
        newest = next(reversed(known.values()), None)
        if newest is not None and at < newest[0]:
            return
        known[int(at // GRAIN)] = at, price
        oldest = next(iter(known))
        while known[oldest][0] < at - REMEMBERED:
            del known[oldest]
            oldest = next(iter(known))

    def recall(self, coin: str, told: Iterable[tuple[float, float]]) -> None:
        """Take in instants and prices, ascending, that were recorded before anything was told."""
        since = list(self._prices.pop(coin, {}).values())
        first = since[0][0] if since else float("inf")
        for at, price in (*((at, price) for at, price in told if at < first), *since):
            self.tell(coin, at, price)

    def age(self, coin: str, now: float) -> float:
        """Seconds since the newest price was made; infinite where there is none."""
        newest = next(reversed(self._prices.get(coin, {}).values()), None)
        return float("inf") if newest is None else now - newest[0]

    def at(self, coin: str, instant: float) -> float | None:
        """The price told for the instant nearest this one; None where none is within `NEAR_ENOUGH`."""
        known = list(self._prices.get(coin, {}).values())
        after = bisect_left(known, (instant, 0.0))
        near = known[max(after - 1, 0) : after + 1]
        nearest = min(near, key=lambda told: abs(told[0] - instant), default=None)
        return None if nearest is None or abs(nearest[0] - instant) > NEAR_ENOUGH else nearest[1]
