"""Copying text to the clipboard of the machine the user sits at, also over ssh and inside tmux."""

import asyncio
import base64
import contextlib
import os
from collections.abc import Callable, Mapping

TIME_LIMIT = 2.0
"""Seconds that tmux may take."""


async def copy(text: str, write: Callable[[str], None], environment: Mapping[str, str] = os.environ) -> str:
    """Copy ``text``; the way it went, ``tmux`` or ``terminal``.

    By default tmux drops the sequence by which a program hands text to the terminal, but passes on what it is given
    itself. Whether the terminal then takes the text cannot be known.

    Args:
        text: What to copy.
        write: Writes to the terminal (the driver's ``write``).
        environment: Where ``TMUX`` tells whether this is inside tmux.
    """
    content = text.encode("utf-8", "replace")
    if environment.get("TMUX") and await _load_tmux_buffer(content, environment):
        return "tmux"
    # OSC 52 (xterm's control sequences, "manipulate selection data").
    write(f"\x1b]52;c;{base64.b64encode(content).decode()}\x07")
    return "terminal"


async def _load_tmux_buffer(content: bytes, environment: Mapping[str, str]) -> bool:
    """Hand ``content`` to tmux (3.2 or newer), which keeps it and gives it to the terminal (-w); whether it did."""
    try:
        tmux = await asyncio.create_subprocess_exec(
            *("tmux", "load-buffer", "-w", "-"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env=dict(environment),
        )
    except OSError:
        return False
    try:
        async with asyncio.timeout(TIME_LIMIT):
            await tmux.communicate(content)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            tmux.kill()
        await tmux.wait()
    return tmux.returncode == 0
