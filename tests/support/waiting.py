"""Waiting for what another task or a socket on loopback must bring about."""

import asyncio
from collections.abc import Callable

GIVE_UP_AFTER = 10.0


async def eventually(condition: Callable[[], bool], what: str = "the condition") -> None:
    """Return as soon as ``condition`` holds; a test that waits in vain fails and says for what."""
    loop = asyncio.get_running_loop()
    end = loop.time() + GIVE_UP_AFTER
    while not condition():
        assert loop.time() < end, f"waited {GIVE_UP_AFTER:g} s in vain for {what}"
        await asyncio.sleep(0.001)
