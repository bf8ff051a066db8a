"""Keys: how they are named in config, in Textual and on screen."""

import re

UNBOUND = "unbound"
"""A key that no keyboard has, for an action whose keys all went to others."""

_NAMES = {
    "?": "question_mark",
    "[": "left_square_bracket",
    "]": "right_square_bracket",
    "/": "slash",
    "+": "plus",
    "-": "minus",
    "=": "equals_sign",
    ",": "comma",
    ".": "full_stop",
    ":": "colon",
    ";": "semicolon",
    "<": "less_than_sign",
    ">": "greater_than_sign",
    "!": "exclamation_mark",
    "*": "asterisk",
    "#": "number_sign",
    "$": "dollar_sign",
    "%": "percent_sign",
    "&": "ampersand",
    "(": "left_parenthesis",
    ")": "right_parenthesis",
    "@": "at",
    "\\": "backslash",
    "^": "circumflex_accent",
    "_": "underscore",
    "`": "grave_accent",
    "{": "left_curly_bracket",
    "|": "vertical_line",
    "}": "right_curly_bracket",
    "~": "tilde",
    "'": "apostrophe",
    '"': "quotation_mark",
}
_SHOWN = {name: character for character, name in _NAMES.items()} | {
    "space": "Space",
    "enter": "Enter",
    "escape": "Esc",
    "tab": "Tab",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "home": "Home",
    "end": "End",
    "backspace": "Backspace",
    "delete": "Del",
}
_KEY = re.compile(r"((ctrl|alt|shift|super|meta)\+)*([A-Za-z0-9]|[a-z][a-z0-9_]+)")


def key_name(key: str) -> str:
    """Textual's name of a key given as a character or by that name."""
    return _NAMES.get(key, key)


def shown_key(name: str) -> str:
    """A key as a user reads it: ``?``, ``Space``, ``↓``, ``ctrl+r``."""
    return _SHOWN.get(name, name)


def parse_keys(text: str) -> tuple[str, ...]:
    """Key names out of ``[keys]``: separated by spaces or commas; a comma alone is the comma key.

    Raises:
        ValueError: one of them is no key; the message says which.
    """
    keys: list[str] = []
    for word in text.split():
        keys += [word] if word == "," else [part for part in word.split(",") if part]
    names = tuple(key_name(key) for key in keys)
    for name in names:
        if _KEY.fullmatch(name) is None:
            raise ValueError(f"{name!r} is no key; give a character, or a name like space, f5, pageup or ctrl+r")
    return names
