"""What time it is at a venue, whatever the machine's own clock says."""

import math

from gextui.sources.pacing import Clock
from gextui.sources.rows import Scalar, instant

_SLOWEST = 15.0
"""Seconds: no answer is under way for longer, so what seems to be has another clock."""
_KEPT = 300.0
"""Seconds for which the quickest answer's word holds against slower ones'."""


class VenueTime:
    """The venue's clock as its answers tell it, carried on by a clock of ours that nobody sets."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ahead: float | None = None
        """Of `Clock.seconds`."""
        self._told_at = 0.0

    def heard(self, sent: Scalar) -> None:
        """Take the time at which an answer was sent; one that was long under way does not turn the clock back."""
        at, now = instant(sent), self._clock.seconds()
        if not math.isfinite(at):
            return
        late = 0.0 if self._ahead is None else self._ahead - (at - now)
        if not 0.0 < late <= _SLOWEST or now - self._told_at > _KEPT:
            self._ahead, self._told_at = at - now, now

    def now(self) -> float:
        """The venue's time, epoch seconds; ours before its first answer."""
        return self._clock.now() if self._ahead is None else self._clock.seconds() + self._ahead

    @property
    def ahead(self) -> float:
        """Seconds by which the venue's clock is ahead of the machine's."""
        return self.now() - self._clock.now()
