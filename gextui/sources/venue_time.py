"""What time it is at a venue, whatever the machine's own clock says."""

import math

from gextui.sources.pacing import Clock
from gextui.sources.rows import Scalar, instant


class VenueTime:
    """The venue's clock as its answers tell it, carried on by a clock of ours that nobody sets."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ahead: float | None = None
        """Of `Clock.seconds`."""

    def heard(self, sent: Scalar) -> None:
        """Take the time at which an answer was sent."""
        at = instant(sent)
        if math.isfinite(at):
            self._ahead = at - self._clock.seconds()

    def now(self) -> float:
        """The venue's time, epoch seconds; ours before its first answer."""
        return self._clock.now() if self._ahead is None else self._clock.seconds() + self._ahead

    @property
    def ahead(self) -> float:
        """Seconds by which the venue's clock is ahead of the machine's."""
        return self.now() - self._clock.now()
