"""Numbers, distances, ages and dates as text. Pure; a missing value is an en dash."""

import math
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size

if TYPE_CHECKING:
    from gextui.exposure.board import Board
    from gextui.exposure.levels import Distance

DASH = "–"

_SCALES = ((1.0, "", 0), (1e3, "K", 1), (1e6, "M", 1), (1e9, "B", 2), (1e12, "T", 2))
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0

# One cell each, so that nothing moves when a terminal lacks the glyph.
_INSTEAD = {
    "-": "–—─━╌",
    "|": "│┃║▌",
    "+": "╭╮╰╯┌┐└┘├┤┬┴┼",
    "#": "●■█▰",
    ".": "○□▱·…",
    "~": "±",
    "g": "γΓ",
    "s": "σ",
    "d": "Δ",
    "x": "×",
    "^": "▲↑",
    "v": "▼↓",
    "<": "≤←",
    ">": "≥→",
}
_PLAIN = str.maketrans({glyph: instead for instead, glyphs in _INSTEAD.items() for glyph in glyphs})


class Unit(StrEnum):
    """How gamma exposure is expressed."""

    PERCENT_MOVE = "percent_move"
    """USD that dealers trade per 1 % move of spot."""
    POINT_MOVE = "point_move"
    """USD that they trade per 1 USD move of spot."""
    UNDERLYING = "underlying"
    """Units of the underlying (coins, shares) that they trade per 1 % move."""
    SHARE = "share"
    """Percent of the ticker's gross exposure."""

    def factor(self, board: "Board") -> float:
        """What a number in USD per 1 % is multiplied by; NaN where the unit has no meaning (no gross exposure)."""
        return self.factor_at(board.spot, board.totals.gross_gex)

    def factor_at(self, spot: float, gross_gex: float | None) -> float:
        """The same for a reading of which only so much is known."""
        if self is Unit.POINT_MOVE:
            return 100.0 / spot
        if self is Unit.UNDERLYING:
            return 1.0 / spot
        if self is Unit.SHARE:
            return 100.0 / gross_gex if gross_gex else math.nan
        return 1.0

    def label(self, symbol: str) -> str:
        """In words: ``USD per 1%``."""
        names = {"percent_move": "USD per 1%", "point_move": "USD per $1", "underlying": f"{symbol} per 1%"}
        return names.get(self, "% of gross")

    def suffix(self, symbol: str) -> str:
        """What follows a number: ``/1%``, `` BTC/1%``."""
        return {"percent_move": "/1%", "point_move": "/$1", "underlying": f" {symbol}/1%"}.get(self, "")

    def amount(self, gex: float | None, board: "Board") -> str:
        """A GEX in USD per 1 % as text in this unit, signed, without its suffix."""
        return DASH if gex is None else self.text(gex * self.factor(board))

    def text(self, value: float) -> str:
        """A number that is in this unit already, signed, without its suffix."""
        return percent(value / 100.0, 2) if self is Unit.SHARE else compact(value)


def missing(value: float | None) -> bool:
    """Whether there is no such number: None, NaN or infinite."""
    return value is None or not math.isfinite(value)


def price(value: float | None) -> str:
    """A quoted price: 98,412.5, 4,505.1, 512.34, 1.9613."""
    if value is None or missing(value):
        return DASH
    return f"{value:,.{_decimals(value, 1)}f}"


def level(value: float | None, near: float | None = None) -> str:
    """A computed level, as precise as one acts on it: 96,850, 4,472.1, 512.34; a distance as one ``near`` a price."""
    if value is None or missing(value):
        return DASH
    return f"{value:,.{_decimals(value if near is None else near, 0)}f}"


def _decimals(value: float, least: int) -> int:
    size = abs(value)
    if size >= 10_000:
        return least
    if size >= 1_000:
        return 1
    if size >= 10 or size == 0:
        return 2
    return 4 if size >= 0.01 else 6


def strike_decimals(strikes: "list[float] | tuple[float, ...]") -> int:
    """The fewest decimals that show every one of these strikes exactly, so that a column aligns.

    They are never more than a level's: a strike told in the price of a coin has no last digit.
    """
    most = max((_decimals(strike, 0) for strike in strikes), default=0)
    for decimals in range(most):
        if all(abs(round(strike, decimals) - strike) < 1e-9 for strike in strikes):
            return decimals
    return most


def strike(value: float | None, decimals: int | None = None) -> str:
    """A strike, exact: 110,000, 47.5; with ``decimals`` given, that many."""
    if value is None or missing(value):
        return DASH
    return f"{value:,.{strike_decimals([value]) if decimals is None else decimals}f}"


def compact(value: float | None, *, signed: bool = True) -> str:
    """An amount with its scale: +182.4M, -1.21B, +48.5K, +950; the sign is left out of zero and when not ``signed``.

    Decimals follow the scale alone, so that a number does not change width as its digits change.
    """
    if value is None or missing(value):
        return DASH
    size = abs(value)
    if size < 9.995 and size != int(size):
        return _signed(value, f"{size:.2f}", signed)
    text = ""
    for scale, letter, decimals in _SCALES:
        text = f"{size / scale:.{decimals}f}"
        if float(text) < 1e3:  # what is printed decides: 999,960 is 1.0M, not 1000.0K
            return _signed(value, text + letter, signed)
    return _signed(value, text + "T", signed)


def brief(value: float | None) -> str:
    """An amount in at most 5 cells, for a table of many: +182M, -1.2B, +9.5K, -42."""
    if value is None or missing(value):
        return DASH
    size = abs(value)
    scale, letter = next(((scale, letter) for scale, letter, _ in _SCALES[:0:-1] if size >= 0.9995 * scale), (1.0, ""))
    scaled = size / scale
    return _signed(value, f"{scaled:.1f}{letter}" if scaled < 9.95 else f"{scaled:.0f}{letter}", True)


def _signed(value: float, text: str, signed: bool) -> str:
    if not any(digit in "123456789" for digit in text):
        return text
    return ("-" if value < 0 else "+" if signed else "") + text


def quantity(value: float | None) -> str:
    """A number of whatever unit: a count or a price in full, an amount of money with its scale."""
    if value is None or missing(value) or abs(value) >= 1e7:
        return compact(value)
    return f"{value:,.0f}" if value == int(value) else level(value)


def count(value: float | None) -> str:
    """A number of contracts: 950, 12.3K, 1.2M."""
    return compact(value, signed=False)


def percent(fraction: float | None, decimals: int = 1, *, signed: bool = True) -> str:
    """A fraction as percent: +1.24%, -0.5%; a rounded zero carries no sign."""
    if fraction is None or missing(fraction):
        return DASH
    return _signed(fraction, f"{abs(fraction) * 100:.{decimals}f}%", signed)


def volatility(fraction: float | None) -> str:
    """An implied volatility: 45.3%."""
    return percent(fraction, 1, signed=False)


def vol_points(fraction: float | None) -> str:
    """A difference of implied volatilities in vol points: -10.3."""
    if fraction is None or missing(fraction):
        return DASH
    return _signed(fraction, f"{abs(fraction) * 100:.1f}", True)


def greek(value: float | None) -> str:
    """A greek of one contract in at most 7 cells: 0.0123, 13.63, -812.4, 6.6e-06."""
    if value is None or missing(value):
        return DASH
    size = abs(value)
    if size and size < 1e-3:
        return f"{value:.{0 if size < 1e-99 else 1}e}"
    return f"{value:,.{0 if size >= 1e3 else 1 if size >= 100 else 2 if size >= 1 else 4 if size else 0}f}"


def ratio(value: float | None) -> str:
    """A put/call ratio: 0.62."""
    return DASH if value is None or missing(value) else f"{value:.2f}"


def distance(value: "Distance | None") -> str:
    """How far a level is from spot, in percent: +11.8%."""
    return DASH if value is None else percent(value.percent / 100.0)


def sigmas(value: "Distance | None") -> str:
    """The same in one-day standard deviations: +2.1σ."""
    if value is None or value.sigmas is None or missing(value.sigmas):
        return DASH
    return _signed(value.sigmas, f"{abs(value.sigmas):.1f}σ", True)


def age(seconds: float | None) -> str:
    """How old: 0.8 s, 42 s, 3 min, 2 h, 5 d."""
    if seconds is None or missing(seconds):
        return DASH
    seconds = max(seconds, 0.0)
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    if seconds < 99.5 * _MINUTE:
        return f"{seconds / _MINUTE:.0f} min"
    if seconds < 48 * _HOUR:
        return f"{seconds / _HOUR:.0f} h"
    return f"{seconds / _DAY:.0f} d"


def until(instant: float, as_of: float) -> str:
    """Time left to an expiry: 12d, 36h, within the last day 5h12m, 45m; ``expired`` once it has passed."""
    seconds = instant - as_of
    if seconds <= 0:
        return "expired"
    if seconds > _DAY:
        return f"{seconds / _HOUR:.0f}h" if seconds < 2 * _DAY else f"{seconds / _DAY:.0f}d"
    hours, minutes = divmod(math.ceil(seconds / _MINUTE), 60)
    return f"{hours}h{minutes:02d}m" if hours else f"{minutes}m"


def countdown(instant: float, as_of: float) -> str:
    """The clock to an instant: 7d 17:27:50, 05:04:09; ``expired`` once it has passed."""
    seconds = math.ceil(instant - as_of)
    if seconds <= 0:
        return "expired"
    days, rest = divmod(seconds, int(_DAY))
    clock = f"{rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}"
    return f"{days}d {clock}" if days else clock


def day(instant: float) -> str:
    """The day of an expiry (epoch seconds), for a column: 28NOV26, always 7 cells.

    Every market here settles on the same day by UTC as by its own clock.
    """
    at = datetime.fromtimestamp(instant, UTC)
    return f"{at.day:02d}{_MONTHS[at.month - 1]}{at.year % 100:02d}"


def short_day(instant: float) -> str:
    """The day without its year: 28NOV."""
    return day(instant)[:5]


def moment(at: datetime, *, seconds: bool = False) -> str:
    """A full instant: 28 NOV 26 08:00 UTC."""
    at = at.astimezone(UTC)
    return f"{at.day:02d} {_MONTHS[at.month - 1]} {at.year % 100:02d} {clock(at, seconds=seconds)}"


def clock(at: datetime, *, seconds: bool = True) -> str:
    """The time of day: 14:32:10 UTC."""
    return f"{at.astimezone(UTC):{'%H:%M:%S' if seconds else '%H:%M'}} UTC"


def plain(text: str) -> str:
    """The same text, cell for cell, without the glyphs that a terminal may lack."""
    return text.translate(_PLAIN)


def left(text: str, width: int) -> str:
    """Cut or pad to ``width`` cells, text at the left; what is cut ends in an ellipsis."""
    return set_cell_size(text if cell_len(text) <= width else set_cell_size(text, width - 1) + "…", width)


def right(text: str, width: int) -> str:
    """Pad to ``width`` cells, text at the right; what does not fit is cut as in `left`."""
    return " " * (width - cell_len(text)) + text if cell_len(text) <= width else left(text, width)


def clip(words: str, width: int) -> str:
    """A sentence of at most ``width`` cells; what does not fit is cut at a word and ends in an ellipsis."""
    if cell_len(words) <= width:
        return words
    return left(words, max(width, 1)).rstrip("…").rpartition(" ")[0].rstrip(" ·,;:") + "…"
