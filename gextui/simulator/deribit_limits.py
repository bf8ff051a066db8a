"""How much a simulated Deribit lets one address do."""

from dataclasses import dataclass

from gextui.simulator.meter import Meter
from gextui.sources.pacing import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the venue meters; None is not metered. Pairs are calls at once, and calls a second."""

    connections: int | None = 32
    """REST and WebSocket, of one address."""
    channels_a_call: int | None = 500
    subscribing: tuple[float, float] | None = (10.0, 10.0 / 3.0)
    """A subscribe or unsubscribe costs 3000 credits of 30,000, of which 10,000 come back a second."""
    listing: tuple[float, float] | None = (50.0, 1.0)
    """`get_instruments`."""
    calling: tuple[float, float] | None = (100.0, 20.0)
    """Anything else costs 500 credits of 50,000, of which 10,000 come back a second."""


PUBLISHED = Limits()
"""What the venue and its clients' makers say."""
UNLIMITED = Limits(connections=None, channels_a_call=None, subscribing=None, listing=None, calling=None)


class Meters:
    """What has been spent of the limits."""

    def __init__(self, limits: Limits, clock: Clock) -> None:
        def meter(pair: tuple[float, float] | None) -> Meter | None:
            return None if pair is None else Meter(clock, *pair)

        subscribing, listing = meter(limits.subscribing), meter(limits.listing)
        self._others = meter(limits.calling)
        self._own = {
            "public/subscribe": subscribing,
            "public/unsubscribe": subscribing,
            "public/get_instruments": listing,
        }

    def spend(self, method: str) -> bool:
        """Take what a call costs; False where there is not as much left."""
        meter = self._own.get(method, self._others)
        return meter is None or meter.spend()
