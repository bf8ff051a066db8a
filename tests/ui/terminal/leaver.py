"""``python -m tests.ui.terminal.leaver HOW FILE GRACE``: an app that busily paints, and writes FILE when it is flushed.

HOW: ``quick`` flushes at once, ``hangs`` writes FILE and then never returns. ``q`` leaves.
"""

import sys
import threading
from pathlib import Path

from gextui.ui.terminal.signals import leaving_on_signals
from tests.ui.terminal.apps import Grid, Numbers


class Busy(Grid):
    """Changes everything twenty times a second and says when it is up."""

    async def action_quit(self) -> None:
        self.leave()

    def on_mount(self) -> None:
        self.set_interval(0.05, lambda: self.query_one(Numbers).change(1.0))


def main(how: str, file: str, grace: str) -> None:
    """Run until something ends it."""

    def flush() -> None:
        Path(file).write_text("flushed", encoding="utf-8")
        if how == "hangs":
            threading.Event().wait()

    app = Busy()
    with leaving_on_signals(flush, grace=float(grace)) as app.leaving:
        app.run(mouse=False)
    sys.exit(app.return_code)


if __name__ == "__main__":
    main(*sys.argv[1:])
