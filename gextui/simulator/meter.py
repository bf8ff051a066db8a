"""How a simulated venue meters what one address does."""

from gextui.sources.pacing import Clock


class Meter:
    """Credits that come back with time."""

    def __init__(self, clock: Clock, at_once: float, a_second: float) -> None:
        self._clock = clock
        self._most = self._left = at_once
        self._refill = a_second
        self._since = clock.seconds()

    def spend(self) -> bool:
        """Take one; False where there is none."""
        now = self._clock.seconds()
        self._left = min(self._most, self._left + (now - self._since) * self._refill)
        self._since = now
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True
