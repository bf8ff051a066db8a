"""Themes: the colour of a call, a put, spot and every level, by name.

Style sheets say ``$call``, never a colour. ``ansi`` follows the terminal's own palette; it reads in 16 colours and, by
bold, dim and reverse alone, in none.
"""

from typing import Any

from textual.app import App
from textual.theme import Theme

_DARK = {
    "call": "#3fb950",
    "put": "#f85149",
    "spot": "#e3b341",
    "zero": "#bc8cff",
    "pain": "#58a6ff",
    "move": "#76c7d8",
    "heading": "#58a6ff",
    "value": "#e6edf3",
    "muted": "#8b949e",
    "muted-style": "none",
    "faint": "#4d5663",
    "faint-style": "none",
    "stale": "#6e7681",
    "stale-style": "none",
    "caution": "#e3b341",
    "frame": "#2d333b",
    "cursor": "#21303f",
    "cursor-style": "none",
    "chosen": "#c9d1d9",
    "chosen-text": "#0b0f14",
    "chosen-style": "bold",
}

_LIGHT = _DARK | {
    "call": "#117a37",
    "put": "#c4222c",
    "spot": "#8a5a00",
    "zero": "#7a3fd0",
    "pain": "#0a5fd0",
    "move": "#0b6b80",
    "heading": "#0a5fd0",
    "value": "#1c2128",
    "muted": "#57606a",
    "faint": "#a9b1ba",
    "stale": "#848d97",
    "caution": "#8a5a00",
    "frame": "#d0d7de",
    "cursor": "#dde7f3",
    "chosen": "#24292f",
    "chosen-text": "#ffffff",
}

_ANSI = {
    "ansi-background": "ansi_default",
    "ansi-foreground": "ansi_default",
    "call": "ansi_green",
    "put": "ansi_red",
    "spot": "ansi_yellow",
    "zero": "ansi_magenta",
    "pain": "ansi_blue",
    "move": "ansi_cyan",
    "heading": "ansi_blue",
    "value": "ansi_default",
    "muted": "ansi_default",
    "muted-style": "dim",
    "faint": "ansi_default",
    "faint-style": "dim",
    "stale": "ansi_default",
    "stale-style": "dim",
    "caution": "ansi_yellow",
    "frame": "ansi_bright_black",
    "cursor": "ansi_default",
    "cursor-style": "reverse",
    "chosen": "ansi_default",
    "chosen-text": "ansi_default",
    "chosen-style": "reverse",
}

THEMES: dict[str, Theme] = {
    theme.name: theme
    for theme in (
        Theme(
            name="dark",
            primary="#58a6ff",
            secondary="#8b949e",
            warning="#e3b341",
            error="#f85149",
            success="#3fb950",
            accent="#58a6ff",
            foreground="#e6edf3",
            background="#0b0f14",
            surface="#0b0f14",
            panel="#161c24",
            variables=_DARK,
        ),
        Theme(
            name="light",
            primary="#0a5fd0",
            secondary="#57606a",
            warning="#8a5a00",
            error="#c4222c",
            success="#117a37",
            accent="#0a5fd0",
            foreground="#1c2128",
            background="#fbfcfd",
            surface="#fbfcfd",
            panel="#eef1f4",
            dark=False,
            variables=_LIGHT,
        ),
        Theme(
            name="ansi",
            ansi=True,
            primary="ansi_blue",
            secondary="ansi_cyan",
            warning="ansi_yellow",
            error="ansi_red",
            success="ansi_green",
            accent="ansi_blue",
            foreground="ansi_default",
            background="ansi_default",
            surface="ansi_default",
            panel="ansi_default",
            boost="ansi_default",
            variables=_ANSI,
        ),
    )
}


class ThemedApp(App[None]):
    """An app that knows gextui's themes and their colour names; tests of one widget start from it too."""

    def __init__(self, *, theme: str = "dark", **options: Any) -> None:
        super().__init__(**options)
        for known in THEMES.values():
            self.register_theme(known)
        self.theme = theme

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """The colour names, for themes (Textual's own) that do not know them."""
        return _DARK
