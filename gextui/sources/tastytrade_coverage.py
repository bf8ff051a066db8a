"""Which contracts of a ticker are subscribed to when: those that matter always, the others in turn, all once at first.

The venue bears about ten thousand subscriptions, an index has thirty thousand contracts with four types of event each.
So a contract is swept: subscribed to until it has answered, or for so long that it will not, and let go again.
"""

import numpy as np

from gextui.market.chain import Booleans, Floats, Integers
from gextui.sources.dxlink import Item

KINDS = ("Summary", "Greeks", "Quote", "Trade")
"""The types of event of a contract, in the order of the columns here."""
SUMMARY, GREEKS, QUOTE, TRADE = range(4)
ROTATE_EVERY = 300.0
"""Seconds between two sweeps of a contract that is not kept live."""
SUM_EVERY = 1800.0
"""Likewise of the open interest of one that is: the night's count may come late."""
GIVEN_UP = 8.0
"""Seconds after which what has not answered will not; a venue is silent about what it does not know."""
NO_MORE = 3.0
"""Seconds after which a contract that told its open interest has no more to tell: many never traded."""
MOST_TRIES = 3
"""Of a contract that does not tell its open interest."""
_SWEEPING = 0.2
"""The share of the subscriptions that is kept for those in turn."""
_LIVE_KINDS = np.array([False, True, True, True])
"""Open interest is counted once a night, so nobody listens for it all day."""


class Coverage:
    """The subscriptions of N contracts, which are rows. Times are by the clock's seconds; an instant by the venue's."""

    def __init__(self, symbols: list[str]) -> None:
        """Nothing is subscribed to; ``symbols`` are the stream's names, the most urgent first."""
        rows = len(symbols)
        self.symbols = symbols
        self.answered: Booleans = np.zeros((rows, len(KINDS)), dtype=np.bool_)
        """Which types of each have told anything since they were last subscribed to."""
        self.summed_at: Floats = np.full(rows, -np.inf)
        """When each last told its open interest, by the venue's clock."""
        self.live: Booleans = np.zeros(rows, dtype=np.bool_)
        """Which are kept live."""
        self._gone: Booleans = np.zeros(rows, dtype=np.bool_)
        self._subscribed: Booleans = np.zeros((rows, len(KINDS)), dtype=np.bool_)
        self._asked_at: Floats = np.full(rows, np.inf)
        """Since when each is being swept; infinite while it is not."""
        self._swept_at: Floats = np.full(rows, -np.inf)
        self._tries: Integers = np.zeros(rows, dtype=np.int64)

    def __len__(self) -> int:
        return len(self.symbols)

    def start_over(self) -> None:
        """The channel is another, or gone: nothing is subscribed to, and what was being swept is still to be."""
        self._subscribed[:] = False
        self.answered[:] = False
        self._asked_at[:] = np.inf

    def inherit(self, before: "Coverage", came_from: Integers) -> None:
        """Know what was known of the rows before, each from the row that it was, or -1 for a new one; (N,)."""
        rows = np.flatnonzero(came_from >= 0)
        for column in ("summed_at", "live", "_swept_at", "_tries"):
            getattr(self, column)[rows] = getattr(before, column)[came_from[rows]]

    def drop(self, gone: Booleans) -> None:
        """These have expired; (N,)."""
        self._gone = gone
        self.live &= ~gone
        self._asked_at[gone] = np.inf

    def hear(self, rows: Integers, kind: int) -> Booleans:
        """These rows told something; which of them had before, since they were subscribed to: that is no old news."""
        before: Booleans = self.answered[rows, kind]
        self.answered[rows, kind] = True
        return before

    # How things stand.

    @property
    def read(self) -> int:
        """How many contracts have been swept, and have told their open interest or will not."""
        told = np.isfinite(self.summed_at) | (self._tries >= MOST_TRIES)
        return int(np.count_nonzero(((self._tries > 0) & told) | self._gone))

    @property
    def is_whole(self) -> bool:
        """Whether all have."""
        return self.read == len(self)

    @property
    def items(self) -> int:
        """How many subscriptions there are."""
        return int(np.count_nonzero(self._subscribed))

    def sweep_all(self) -> None:
        """Let every contract be swept once more."""
        self._swept_at[:] = -np.inf

    # What is to be done.

    def fits(self, room: int) -> bool:
        """Whether all can be live at once."""
        return len(self) * int(np.count_nonzero(_LIVE_KINDS)) <= room - self._reserve(room)

    def choose(self, weights: Floats, room: int, now: float) -> None:
        """Keep those live that weigh most, as many as there is room for beside the sweep; (N,)."""
        most = int((room - self._reserve(room)) // np.count_nonzero(_LIVE_KINDS))
        chosen: Booleans = np.zeros(len(self), dtype=np.bool_)
        if most >= len(self):
            chosen[:] = True
        elif most > 0:
            heaviest = np.argpartition(-weights, most)[:most]
            chosen[heaviest[weights[heaviest] > 0]] = True
        self._swept_at[self.live & ~chosen] = now  # what it told last is of now
        self.live = chosen

    def step(
        self, now: float, *, room: int, most: int, counted_at: float, rotating: bool
    ) -> tuple[list[Item], list[Item]]:
        """What is to be subscribed to and unsubscribed from now.

        Args:
            now: The clock's seconds.
            room: How many subscriptions there may be.
            most: How many may change at once.
            counted_at: When open interest was last counted anew, by the venue's clock.
            rotating: Whether what was swept long ago is to be swept again.
        """
        self._end(now)
        begun = np.isfinite(self._asked_at)
        wanted = np.outer(self.live, _LIVE_KINDS) | begun[:, np.newaxis]
        self._begin(now, room, most, counted_at, rotating, wanted)
        changes = np.argwhere(self._subscribed & ~wanted)[:most]
        remove = self._named(changes)
        self._subscribed[changes[:, 0], changes[:, 1]] = False
        self.answered[changes[:, 0], changes[:, 1]] = False
        changes = np.argwhere(wanted & ~self._subscribed)[: max(0, min(most - len(remove), room - self.items))]
        add = self._named(changes)
        self._subscribed[changes[:, 0], changes[:, 1]] = True
        return add, remove

    def _begin(self, now: float, room: int, most: int, counted_at: float, rotating: bool, wanted: Booleans) -> None:
        """Begin to sweep what is due, as far as there is room; ``wanted`` is told."""
        uncounted = self.summed_at < counted_at
        due = np.isneginf(self._swept_at) | (~np.isfinite(self.summed_at) & (self._tries < MOST_TRIES))
        waited = now - self._swept_at
        due |= (waited >= ROTATE_EVERY) & uncounted
        if rotating:
            due |= waited >= np.where(self.live, SUM_EVERY, ROTATE_EVERY)
        # One that is asked once more is let go first, or the venue would not hear of it.
        leaving = (self._subscribed & ~wanted).any(axis=1)
        due &= np.isinf(self._asked_at) & ~self._gone & ~leaving
        free = min(room - int(np.count_nonzero(wanted)), most) // len(KINDS)
        if free <= 0 or not due.any():
            return
        rows = np.flatnonzero(due)
        # Those that never were come first; of equals the most urgent, as they are listed.
        order = np.argsort(self._swept_at[rows], kind="stable")
        chosen = rows[order[:free]]
        self._asked_at[chosen] = now
        wanted[chosen] = True

    def _end(self, now: float) -> None:
        """End the sweep of what has answered, or will not."""
        waited = now - self._asked_at  # minus infinity where nothing waits
        done = self.answered.all(axis=1) | (self.answered[:, SUMMARY] & (waited > NO_MORE)) | (waited > GIVEN_UP)
        done &= waited >= 0.0
        self._swept_at[done] = now
        self._tries[done] += 1
        self._asked_at[done] = np.inf

    def _reserve(self, room: int) -> int:
        """The subscriptions that are kept for the sweep; none where all contracts can be live."""
        live = len(self) * int(np.count_nonzero(_LIVE_KINDS))
        return min(int(_SWEEPING * room), max(0, len(self) * len(KINDS) - live))

    def _named(self, changes: Integers) -> list[Item]:
        return [(KINDS[kind], self.symbols[row]) for row, kind in changes.tolist()]


def shared(room: int, needs: list[int]) -> list[int]:
    """Room for each of these needs: what one does not need is the others', and else all get the same."""
    given = [0] * len(needs)
    left = room
    for place, at in enumerate(sorted(range(len(needs)), key=needs.__getitem__)):
        given[at] = min(needs[at], left // (len(needs) - place))
        left -= given[at]
    return given
