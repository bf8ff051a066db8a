"""Text from outside: cleaned where it enters, drawn as plain text ever after."""

import re
import unicodedata

SYMBOL_LIMIT = 32
TEXT_LIMIT = 256
REPLACEMENT = "�"

# C0, DEL and C1 controls; surrogates; zero-width, bidirectional and tag characters: whatever a terminal acts on
# or a reader cannot see.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e0fff]"
)
_SYMBOL = re.compile(r"[A-Za-z0-9._:/^$ -]{1,32}")


def clean_text(text: str, limit: int = TEXT_LIMIT) -> str:
    """One line of text safe to draw: control and invisible characters become U+FFFD, NFC, at most ``limit`` long."""
    safe = _UNSAFE.sub(REPLACEMENT, text[: limit * 4])
    safe = unicodedata.normalize("NFC", safe)
    return safe if len(safe) <= limit else safe[: limit - 1] + "…"


def clean_symbol(symbol: str) -> str:
    """A ticker, root or instrument name safe to draw; what is not a plain symbol is kept, cleaned, for showing."""
    return clean_text(symbol.strip(), SYMBOL_LIMIT)


def is_symbol(symbol: str) -> bool:
    """Whether ``symbol`` is one that any market could list."""
    return _SYMBOL.fullmatch(symbol) is not None
