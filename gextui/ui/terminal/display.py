"""The delta display: an app that writes only the cells that changed, and no frame while the line is still busy.

Stock Textual rewrites every dirty region in full, and a terminal that reads slowly stops its event loop once thirty
writes are queued. Here each update is painted into a shadow of the screen; the difference to what the terminal shows
is written when the line is free, else the shadow waits and the newest state is written later.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import re
import select
from collections.abc import Callable, Sequence
from typing import Any, Final

from rich.color import ColorSystem
from rich.console import COLOR_SYSTEMS, RenderableType
from textual import events
from textual.app import App, ReturnType
from textual.filter import LineFilter
from textual.geometry import Size
from textual.screen import Screen

from gextui.ui.terminal.capabilities import Capabilities, detect
from gextui.ui.terminal.filters import AsciiOnly, WithoutColour
from gextui.ui.terminal.shadow import Shadow
from gextui.ui.terminal.signals import Leaving

try:
    from textual._ansi_sequences import SYNC_END, SYNC_START
    from textual._compositor import ChopsUpdate, LayoutUpdate
    from textual.drivers._writer_thread import MAX_QUEUED_WRITES, WriterThread
except ImportError as error:
    _MISSING = str(error)
else:
    _MISSING = ""

TERMINAL_GONE: Final = 129
"""Exit code when the terminal has been closed: that of a program ended by SIGHUP."""
_LOOK_AGAIN = 0.05
"""Seconds until a busy line is looked at again."""
_SYNCHRONISE_FROM = 1024
"""Characters from which a frame is worth a synchronised update: some terminals repaint everything at each."""
_SURPRISES = (AttributeError, LookupError, TypeError, ValueError)
"""What would be raised by a Textual whose inside is not as we know it."""


class DeltaApp(App[ReturnType]):
    """A Textual app on the delta display; derive from it instead of ``App``.

    Args:
        capabilities: What the terminal can do; by default what the environment says.
        plain_display: Whether to leave painting to stock Textual.
        options: What ``App`` takes.
    """

    def __init__(
        self, capabilities: Capabilities | None = None, *, plain_display: bool = False, **options: Any
    ) -> None:
        super().__init__(**options)
        self.capabilities = detect(os.environ) if capabilities is None else capabilities
        self.plain_display_reason = "asked for" if plain_display else unsupported()
        """Why painting is left to stock Textual; empty while the delta display paints."""
        self.frames_written = 0
        self.frames_dropped = 0
        self._terminal_filters: list[LineFilter] = []
        if not self.capabilities.colours:
            self._terminal_filters.append(WithoutColour())
        if self.capabilities.ascii:
            self._terminal_filters.append(AsciiOnly())
        self._shadow = Shadow()
        self.leaving: Leaving | None = None
        """What `leave` leaves through; set by whoever runs the app."""
        self._line: _Line | None = None
        self._cursor_shown = (0, 0)
        self._next_look: asyncio.TimerHandle | None = None

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's filters, after those for a terminal without colour or Unicode."""
        return [*self._terminal_filters, *super().get_line_filters()]

    def repaint(self) -> None:
        """Write the whole screen again, whatever the terminal shows now."""
        if self._find_line() is None:
            self.refresh()
        else:
            self._shadow.forget()
            self._bring_up_to_date()

    def action_repaint(self) -> None:
        """Write the whole screen again, should something else have written to the terminal."""
        self.repaint()

    def leave(self, return_code: int = 0) -> None:
        """Quit; through `leaving`, if that is set, since Textual's own way out waits for a terminal that hangs."""
        if self.leaving is None:
            self.exit(return_code=return_code)
        else:
            self.leaving.leave(return_code)

    def on_resize(self, event: events.Resize) -> None:
        """The terminal has moved its cells. A new size brings a whole screen; after SIGCONT it is often the same."""
        if self._shadow.size == event.size:
            self.repaint()

    def on_app_focus(self) -> None:
        """Something may have drawn over the screen while it was out of sight."""
        self.repaint()

    def on_ready(self) -> None:
        """Once the screen is up, there is time to look whether this is a Textual we know."""
        self.call_after_refresh(self._check_version)

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        line = None if self._batch_count else self._find_line()
        if line is not None and isinstance(renderable, LayoutUpdate | ChopsUpdate):
            try:
                self._paint_shadow(screen, renderable)
            except _SURPRISES as error:
                self._give_up(f"{type(error).__name__}: {error}")
            else:
                self._bring_up_to_date(new_frame=True)
                self.post_display_hook()
                return
        super()._display(screen, renderable)

    def _find_line(self) -> _Line | None:
        """The way to the terminal; None where painting is stock Textual's or there is no screen to paint."""
        driver = self._driver
        if self.plain_display_reason or not self._running or self._closed or driver is None:
            return None
        writer = getattr(driver, "_writer_thread", None)
        if driver.is_headless or driver.is_inline or driver.is_web or not isinstance(writer, WriterThread):
            return None
        if self._line is None or self._line.writer is not writer:
            # The first, or the app comes back from being suspended.
            self._line = _Line(writer, self._line)
            self._shadow.forget()
        return self._line

    def _paint_shadow(self, screen: Screen[Any], update: LayoutUpdate | ChopsUpdate) -> None:
        colours = COLOR_SYSTEMS.get(self.console.color_system or "", ColorSystem.TRUECOLOR)
        if isinstance(update, ChopsUpdate):
            if self._shadow.size == (update.chop_ends[0][-1], len(update.chops)):
                self._shadow.paint_spans(update.chops, update.chop_ends, update.spans, colours)
                return
            update = screen._compositor.render_full_update()
        self._shadow.paint_screen(update.strips, update.region.width, colours)

    def _bring_up_to_date(self, *, new_frame: bool = False) -> None:
        """Write the difference if the line is free, else look again in a moment."""
        if self._next_look is not None:
            self._next_look.cancel()
            self._next_look = None
        line = self._find_line()
        if line is None:
            return
        if line.gone:
            self.leave(TERMINAL_GONE)
        elif line.busy:
            self.frames_dropped += new_frame
            self._next_look = asyncio.get_running_loop().call_later(_LOOK_AGAIN, self._bring_up_to_date)
        else:
            try:
                self._write(self._shadow.take_difference(), line)
            except _SURPRISES as error:
                self._give_up(f"{type(error).__name__}: {error}")

    def _write(self, frame: str, line: _Line) -> None:
        # The cursor is hidden; an input method opens its window where a field has put it.
        cursor = Size(*self._shadow.size).clamp_offset(self.cursor_position)
        if cursor and (frame or cursor != self._cursor_shown):
            frame += f"\x1b[{cursor.y + 1};{cursor.x + 1}H"
        self._cursor_shown = cursor
        if not frame:
            return
        if len(frame) >= _SYNCHRONISE_FROM and self._sync_available and self.capabilities.synchronised_updates:
            frame = f"{SYNC_START}{frame}{SYNC_END}"
        self.frames_written += 1
        line.writer.write(frame)

    def _give_up(self, reason: str) -> None:
        """Leave painting to stock Textual from here on, beginning with the whole screen."""
        self.plain_display_reason = reason
        self.log.error("delta display off:", reason)
        if self._line is not None:
            self._line.limit()
        self.refresh()

    def _check_version(self) -> None:
        from textual import __version__

        version = tuple(map(int, re.findall(r"\d+", __version__)[:3]))
        if not self.plain_display_reason and not (8, 2, 8) <= version < (9,):
            self._give_up(f"made for Textual from 8.2.8 to below 9, not for {__version__}")


class _Line:
    """The way to the terminal: Textual's writer thread and the file it writes to."""

    def __init__(self, writer: WriterThread, earlier: _Line | None = None) -> None:
        self.writer = writer
        self._file = writer.fileno()
        self._was_terminal: bool = os.isatty(self._file) if earlier is None else earlier._was_terminal
        # Frames are held back here, so the queue stays short; without a limit nothing else that is written to it, such
        # as a bell, can stop the event loop either.
        writer._queue.maxsize = 0

    @property
    def busy(self) -> bool:
        """Whether something written earlier is still on its way."""
        if self.writer._queue.qsize() or not self.writer.is_alive():
            return True
        return not select.select([], [self._file], [], 0)[1]

    @property
    def gone(self) -> bool:
        """Whether the terminal has been closed."""
        return self._was_terminal and not os.isatty(self._file)

    def limit(self) -> None:
        """Give the queue the limit that stock Textual needs."""
        self.writer._queue.maxsize = MAX_QUEUED_WRITES


def unsupported() -> str:
    """Why this Textual cannot carry the delta display; empty if it can."""
    if _MISSING:
        return _MISSING
    expected: dict[Callable[..., Any], list[str]] = {
        App._display: ["self", "screen", "renderable"],
        LayoutUpdate.__init__: ["self", "strips", "region"],
        ChopsUpdate.__init__: ["self", "chops", "spans", "chop_ends"],
        WriterThread.__init__: ["self", "file"],
    }
    for function, parameters in expected.items():
        if list(inspect.signature(function).parameters) != parameters:
            return f"{function.__qualname__} of this Textual takes other arguments"
    return ""
