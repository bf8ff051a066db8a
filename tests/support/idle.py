"""When an app that a pilot drives is at rest."""

import asyncio
from time import process_time

from textual import _wait, app, pilot, screen

_MOMENT = 0.002
"""Seconds."""
_FRAME = 0.02
"""Seconds within which timers come that belong to what is waited for: screens refresh and sizes settle by them."""


async def wait_for_idle(min_sleep: float = _MOMENT, max_sleep: float = 1.0) -> None:
    """Return once the loop has nothing to do, now or by a timer of this frame, and no thread works.

    Textual's own knows nothing of the loop: it sleeps a frame, and another while there is a little work in it.
    """
    loop = asyncio.get_running_loop()
    started = loop.time()
    at_rest = False
    while not at_rest and loop.time() < started + max_sleep:
        worked = process_time()
        await asyncio.sleep(_MOMENT)
        idle = process_time() - worked < _MOMENT / 5
        timers = loop._scheduled  # type: ignore[attr-defined]
        due = any(timer.when() < started + _FRAME for timer in timers if not timer.cancelled())
        at_rest = idle and not due and not loop._ready  # type: ignore[attr-defined]


def hasten() -> None:
    """Have every pilot wait so from now on, and screens refresh at once."""
    for module in (_wait, app, pilot):
        setattr(module, "wait_for_idle", wait_for_idle)  # noqa: B010
    screen.UPDATE_PERIOD = _MOMENT / 2  # type: ignore[misc]
