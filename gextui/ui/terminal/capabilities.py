"""What the terminal can do, as far as the environment tells. Imports no Textual: `prepare` has to run before that."""

import re
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from enum import IntEnum

_DUMB = ("", "dumb", "unknown")
_TRUECOLOUR = re.compile(r"-direct$|^(xterm-)?(kitty|ghostty)|^(alacritty|contour|foot|wezterm)|^iterm")
"""Terminals that show 24-bit colours, by the TERM they set: ssh forwards TERM but not COLORTERM."""
_MONOCHROME = re.compile(r"^vt\d|-m(ono)?$")
_TMUX_REDRAWS_WHOLE_PANE = re.compile(r"3\.7[a-c]?$")
"""tmux releases that redraw a whole pane at each end of a synchronised update (tmux issue 5612)."""


class ColourDepth(IntEnum):
    """How many colours the terminal shows."""

    NONE = 0
    SIXTEEN = 16
    EIGHT_BIT = 256
    TRUECOLOUR = 1 << 24


_TEXTUAL_NAMES = {
    "standard": ColourDepth.SIXTEEN,
    "256": ColourDepth.EIGHT_BIT,
    "truecolor": ColourDepth.TRUECOLOUR,
}


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the terminal can do and what it is reached through."""

    colours: ColourDepth
    colours_from: str
    """The environment variable that says so."""
    unicode: bool
    """Whether the locale says UTF-8."""
    ascii: bool
    """Whether to draw with ASCII alone."""
    usable: bool
    """Whether TERM names something that moves a cursor."""
    tmux: bool
    tmux_version: str
    """Such as ``3.4``; empty outside tmux and in versions that do not tell."""
    ssh: bool

    @property
    def own_palette(self) -> bool:
        """Whether to draw in the terminal's own colours: with few colours, and where each one costs bytes on a line."""
        return self.colours <= ColourDepth.SIXTEEN or self.tmux or self.ssh

    @property
    def synchronised_updates(self) -> bool:
        """Whether a terminal that offers synchronised updates (mode 2026) may be asked for them."""
        return not _TMUX_REDRAWS_WHOLE_PANE.match(self.tmux_version)


def detect(environment: Mapping[str, str], *, ascii_only: bool | None = None) -> Capabilities:
    """What the environment tells of the terminal; ``ascii_only`` None: ASCII unless the locale says UTF-8."""
    colours, colours_from = _colours(environment)
    unicode = _is_utf8(environment)
    tmux = bool(environment.get("TMUX"))
    in_tmux_itself = tmux and environment.get("TERM_PROGRAM") == "tmux"
    return Capabilities(
        colours=colours,
        colours_from=colours_from,
        unicode=unicode,
        ascii=not unicode if ascii_only is None else ascii_only,
        usable=environment.get("TERM", "").lower() not in _DUMB,
        tmux=tmux,
        tmux_version=environment.get("TERM_PROGRAM_VERSION", "") if in_tmux_itself else "",
        ssh=bool(environment.get("SSH_CONNECTION") or environment.get("SSH_TTY")),
    )


def prepare(environment: MutableMapping[str, str], capabilities: Capabilities) -> None:
    """Set what Textual reads when it is imported; what the user has set stays, unless Textual would fail on it."""
    names = {depth: name for name, depth in _TEXTUAL_NAMES.items()}
    environment["TEXTUAL_COLOR_SYSTEM"] = names.get(capabilities.colours, "standard")
    if environment.get("NO_COLOR") == "":
        # By no-color.org an empty one means nothing; Textual takes its presence.
        del environment["NO_COLOR"]
    # tmux sends a bare escape, so waiting long for the rest of a sequence only delays the key.
    environment.setdefault("ESCDELAY", "25")
    environment.setdefault("TEXTUAL_ANIMATIONS", "none")
    # Data comes at 1-4 Hz; a held key is painted fifteen times a second, and each press is as quick as at sixty.
    environment.setdefault("TEXTUAL_FPS", "15")


def _colours(environment: Mapping[str, str]) -> tuple[ColourDepth, str]:
    term = environment.get("TERM", "").lower()
    if environment.get("NO_COLOR"):
        return ColourDepth.NONE, "NO_COLOR"
    if asked := _TEXTUAL_NAMES.get(environment.get("TEXTUAL_COLOR_SYSTEM", "")):
        return asked, "TEXTUAL_COLOR_SYSTEM"
    if term in _DUMB or _MONOCHROME.search(term):
        return ColourDepth.NONE, "TERM"
    if environment.get("COLORTERM", "").strip().lower() in ("truecolor", "24bit"):
        return ColourDepth.TRUECOLOUR, "COLORTERM"
    if _TRUECOLOUR.search(term):
        return ColourDepth.TRUECOLOUR, "TERM"
    return (ColourDepth.EIGHT_BIT if "256color" in term else ColourDepth.SIXTEEN), "TERM"


def _is_utf8(environment: Mapping[str, str]) -> bool:
    """By POSIX the first of these that is set and not empty counts."""
    for name in ("LC_ALL", "LC_CTYPE", "LANG"):
        if value := environment.get(name):
            return re.search(r"utf-?8", value, re.IGNORECASE) is not None
    return False
