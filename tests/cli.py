"""Running gextui as users and scripts do."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from tests.exposure.chains import NOW, random_chain

COLUMNS = "ticker,as_of,spot,root,expiry,settlement,strike,right,iv,open_interest,volume,bid,ask,multiplier,forward"


def run(
    *arguments: str | Path, environment: Mapping[str, str] | None = None, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run the program in a process of its own, as a script would: no terminal, no home of anybody's."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("GEXTUI_", "XDG_", "NO_COLOR"))}
    return subprocess.run(
        [sys.executable, "-c", "from gextui.cli import main; main()", *map(str, arguments)],
        capture_output=True,
        text=True,
        env=bare | {"PYTHONWARNINGS": "error"} | dict(environment or {}),
        input=stdin,
        timeout=60,
        check=False,
    )


def write_chain(
    path: Path, *, ticker: str = "BTC", seed: int = 1, minutes: Sequence[int] = (0,), open_interest: float | None = None
) -> Path:
    """A chain in gextui's own CSV: a believable one at ``NOW`` and so many minutes before or after it."""
    lines = [COLUMNS]
    for minute in minutes:
        chain = random_chain(seed)
        as_of = NOW + timedelta(minutes=minute)
        for row in range(len(chain)):
            expiry = NOW + timedelta(seconds=round(chain.expiries[chain.expiry[row]] - NOW.timestamp()))
            held = chain.open_interest[row] if open_interest is None else open_interest
            iv = chain.iv[row]
            lines.append(
                f"{ticker},{as_of:%Y-%m-%dT%H:%M:%SZ},{chain.spot},{ticker},{expiry:%Y-%m-%dT%H:%M:%SZ},,"
                f"{chain.strike[row]},{'C' if chain.is_call[row] else 'P'},{'' if iv != iv else iv},{held},"
                f"{chain.volume[row]},{chain.bid[row]},{chain.ask[row]},1,"
            )
    path.write_text("\n".join(lines) + "\n")
    return path
