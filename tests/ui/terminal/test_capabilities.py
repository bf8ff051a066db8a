"""What the environment tells of a terminal."""

import subprocess
import sys

import pytest

from gextui.ui.terminal.capabilities import ColourDepth, detect, prepare

UTF8 = {"LANG": "de_DE.UTF-8"}


@pytest.mark.parametrize(
    ("environment", "depth", "source"),
    [
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, ColourDepth.TRUECOLOUR, "COLORTERM"),
        ({"TERM": "xterm", "COLORTERM": "24bit"}, ColourDepth.TRUECOLOUR, "COLORTERM"),
        ({"TERM": "xterm-256color"}, ColourDepth.EIGHT_BIT, "TERM"),
        ({"TERM": "tmux-256color"}, ColourDepth.EIGHT_BIT, "TERM"),
        ({"TERM": "xterm-kitty"}, ColourDepth.TRUECOLOUR, "TERM"),
        ({"TERM": "alacritty"}, ColourDepth.TRUECOLOUR, "TERM"),
        ({"TERM": "xterm-direct"}, ColourDepth.TRUECOLOUR, "TERM"),
        ({"TERM": "xterm"}, ColourDepth.SIXTEEN, "TERM"),
        ({"TERM": "linux"}, ColourDepth.SIXTEEN, "TERM"),
        ({"TERM": "screen"}, ColourDepth.SIXTEEN, "TERM"),
        ({"TERM": "vt100"}, ColourDepth.NONE, "TERM"),
        ({"TERM": "xterm-mono"}, ColourDepth.NONE, "TERM"),
        ({"TERM": "dumb", "COLORTERM": "truecolor"}, ColourDepth.NONE, "TERM"),
        ({}, ColourDepth.NONE, "TERM"),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor", "NO_COLOR": "1"}, ColourDepth.NONE, "NO_COLOR"),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, ColourDepth.EIGHT_BIT, "TERM"),
        (
            {"TERM": "xterm-256color", "COLORTERM": "truecolor", "TEXTUAL_COLOR_SYSTEM": "standard"},
            ColourDepth.SIXTEEN,
            "TEXTUAL_COLOR_SYSTEM",
        ),
        ({"TERM": "xterm-256color", "TEXTUAL_COLOR_SYSTEM": "nonsense"}, ColourDepth.EIGHT_BIT, "TERM"),
    ],
)
def test_colour_depth(environment: dict[str, str], depth: ColourDepth, source: str) -> None:
    capabilities = detect(environment)
    assert (capabilities.colours, capabilities.colours_from) == (depth, source)


@pytest.mark.parametrize(
    ("environment", "unicode"),
    [
        ({"LANG": "en_US.UTF-8"}, True),
        ({"LANG": "en_US.utf8"}, True),
        ({"LC_CTYPE": "UTF-8"}, True),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "C"}, False),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, True),
        ({"LANG": "en_US.ISO-8859-1"}, False),
        ({"LANG": "en_US.UTF-8", "LC_ALL": ""}, True),
        ({}, False),
    ],
)
def test_unicode_comes_from_the_locale_and_ascii_from_its_lack(environment: dict[str, str], unicode: bool) -> None:
    capabilities = detect(environment)
    assert (capabilities.unicode, capabilities.ascii) == (unicode, not unicode)
    assert detect(environment, ascii_only=True).ascii
    assert not detect(environment, ascii_only=False).ascii


def test_tmux_and_ssh_bring_the_own_palette() -> None:
    rich = {"TERM": "xterm-256color", "COLORTERM": "truecolor", **UTF8}
    assert not detect(rich).own_palette
    assert detect({**rich, "TMUX": "/tmp/tmux,1,0"}).own_palette
    assert detect({**rich, "SSH_CONNECTION": "1.2.3.4 5 6.7.8.9 22"}).own_palette
    assert detect({"TERM": "xterm", **UTF8}).own_palette
    assert detect({**rich, "NO_COLOR": "1"}).own_palette


@pytest.mark.parametrize(
    ("version", "synchronised"), [("3.7", False), ("3.7a", False), ("3.7c", False), ("3.7d", True), ("3.6a", True)]
)
def test_tmux_that_redraws_all_is_not_asked_to_synchronise(version: str, synchronised: bool) -> None:
    environment = {"TMUX": "/tmp/tmux,1,0", "TERM_PROGRAM": "tmux", "TERM_PROGRAM_VERSION": version}
    capabilities = detect(environment)
    assert (capabilities.tmux_version, capabilities.synchronised_updates) == (version, synchronised)


def test_the_version_of_another_program_is_not_tmux_s() -> None:
    environment = {"TMUX": "/tmp/tmux,1,0", "TERM_PROGRAM": "iTerm.app", "TERM_PROGRAM_VERSION": "3.7"}
    assert detect(environment).synchronised_updates
    assert detect({**environment, "TMUX": ""}).tmux_version == ""


@pytest.mark.parametrize("term", ["", "dumb", "unknown"])
def test_a_terminal_that_moves_no_cursor_is_not_usable(term: str) -> None:
    assert not detect({"TERM": term}).usable
    assert detect({"TERM": "vt100"}).usable


def test_textual_is_prepared_and_what_the_user_has_set_stays() -> None:
    environment = {"TERM": "alacritty", "ESCDELAY": "50", "NO_COLOR": ""}
    prepare(environment, detect(environment))
    assert environment == {
        "TERM": "alacritty",
        "TEXTUAL_COLOR_SYSTEM": "truecolor",
        "ESCDELAY": "50",
        "TEXTUAL_ANIMATIONS": "none",
        "TEXTUAL_FPS": "15",
    }


def test_a_colour_system_textual_would_fail_on_is_replaced() -> None:
    environment = {"TERM": "xterm", "TEXTUAL_COLOR_SYSTEM": "nonsense"}
    prepare(environment, detect(environment))
    assert environment["TEXTUAL_COLOR_SYSTEM"] == "standard"


def test_it_can_be_imported_before_textual() -> None:
    program = "import sys, gextui.ui.terminal.capabilities; sys.exit('textual' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)
