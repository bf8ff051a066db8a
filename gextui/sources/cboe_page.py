"""The CSV that Cboe's quote page offers for download: calls left, puts right, a localised date above."""

import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone

import numpy as np

from gextui.market.ticker import Kind, ticker_for
from gextui.sources.cboe import DELAY
from gextui.sources.rows import Capture, Rows, before_change, by_underlying, positive
from gextui.sources.source import BadInputError
from gextui.sources.symbols import parse_names

COLUMNS = 22
"""Names repeat, calls' then puts', so everything is read by position."""
_STRIKE = 11
_CALLS = {"name": 1, "bid": 4, "ask": 5, "volume": 6, "iv": 7, "open_interest": 10}
_PUTS = {field: column + _STRIKE for field, column in _CALLS.items()}

_TIME = re.compile(r"(?<!\d)(\d{1,2}):(\d{2})(?::(\d{2}))?(?!\d)", re.ASCII)
_AFTERNOON = re.compile(r"\bp\.?\s?m\b|下午|晚上|午後|오후", re.IGNORECASE)
_MORNING = re.compile(r"\ba\.?\s?m\b|上午|凌晨|午前|오전", re.IGNORECASE)
_OFFSET = re.compile(r"\b(?:GMT|UTC)(?:\s*([+\-−])(\d{1,2})(?::?(\d{2}))?)?(?!\d)")
_ZONES = {
    "EDT": -4, "EST": -5, "CDT": -5, "CST": -6, "MDT": -6, "MST": -7, "PDT": -7, "PST": -8, "AKDT": -8, "AKST": -9,
    "HST": -10, "WET": 0, "WEST": 1, "BST": 1, "CET": 1, "CEST": 2, "MEZ": 1, "MESZ": 2, "EET": 2, "EEST": 3, "JST": 9,
}  # fmt: skip
"""Hours east of Greenwich of the names that browsers write and that mean one zone only."""
_YEAR_FIRST = re.compile(r"(\d{4})\s*[-/.年년]\s*(\d{1,2})\s*[-/.月월]\s*(\d{1,2})")
_MONTHS = {
    prefix: month
    for month, prefixes in enumerate(
        ("jan ene gen", "feb fev", "mar maa mrt", "apr abr avr", "may mai mei mag maj", "jun juin giu",
         "jul juil lug", "aug ago aou", "sep set", "oct okt out ott", "nov", "dec dez dic"), start=1,
    )
    for prefix in prefixes.split()
}  # fmt: skip
"""How the months begin in English, Spanish, French, German, Portuguese, Italian, Dutch and the Nordic languages."""


def is_quote_page(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the table has the page's shape: calls and puts side by side under a few lines of heading."""
    return any(len(row) >= COLUMNS and {"Calls", "Puts"} <= {cell.strip() for cell in row} for row in rows[:8])


def decode_quote_page(rows: Sequence[Sequence[str]]) -> Capture:
    """Decode the page's rows, heading included. IVs are fractions; the date is read in several languages.

    Raises:
        BadInputError: it is cut short, or holds no options.
    """
    header = next(index for index, row in enumerate(rows) if len(row) >= COLUMNS)
    heading = [row for row in rows[:header] if any(row)]
    body = [row for row in rows[header + 1 :] if any(row)]
    if body and len(body[-1]) < COLUMNS:
        raise BadInputError("is cut short, its last row is not whole: get it again")
    listed = [
        (row, side) for side in (_CALLS, _PUTS) for row in body if len(row) >= COLUMNS and row[side["name"]].strip()
    ]

    def column(field: str) -> list[str]:
        return [row[side[field]] for row, side in listed]

    contracts = parse_names(column("name"))
    symbol = max(by_underlying(contracts), key=lambda group: np.count_nonzero(group[1]))[0]
    name = heading[0] if heading else []
    spot = positive(_after_label(name[-2])) if len(name) > 1 else None
    return Capture(
        ticker=ticker_for(symbol, Kind.INDEX if name and "index" in name[0].lower() else Kind.STOCK),
        rows=Rows.read(
            contracts,
            iv=column("iv"),
            open_interest=column("open_interest"),
            volume=column("volume"),
            bid=column("bid"),
            ask=column("ask"),
        ),
        as_of=next((at for row in heading[1:] if (at := _heading_instant(row)) is not None), None),
        spot=spot,
        previous_close=before_change(spot, _after_label(name[-1]) if name else None),
        delay=DELAY,
    )


def _after_label(cell: str) -> str:
    return cell.rpartition(":")[2]


def _heading_instant(row: Sequence[str]) -> datetime | None:
    """The instant in a heading's first cell, or in its first two where an unquoted date has a comma."""
    found = localised_instant(row[0])
    return localised_instant(",".join(row[:2])) if found is None else found


def localised_instant(text: str) -> datetime | None:
    """The instant in a date as browsers write it, e.g. ``Date: 23 de marzo de 2022, 10:11 GMT-4``.

    None where the language, the order of day and month, or the time zone leaves any doubt.
    """
    clock, zone = _TIME.search(text), _zone(text)
    if clock is None or zone is None:
        return None
    hour, minute, second = int(clock[1]), int(clock[2]), int(clock[3]) if clock[3] else 0
    if _AFTERNOON.search(text):
        hour = hour % 12 + 12
    elif _MORNING.search(text):
        hour %= 12
    day = _date(_OFFSET.sub(" ", _TIME.sub(" ", text)))
    if day is None:
        return None
    try:
        return datetime(*day, hour, minute, second, tzinfo=zone).astimezone(UTC)
    except ValueError:
        return None


def _zone(text: str) -> timezone | None:
    if found := _OFFSET.search(text):
        sign, hours, minutes = found[1], int(found[2] or "0"), int(found[3] or "0")
        offset = timedelta(hours=hours, minutes=minutes)
        return timezone(offset if sign == "+" else -offset) if offset < timedelta(hours=24) else None
    names = [word for word in re.findall(r"[A-Z]{2,4}", text) if word in _ZONES]
    return timezone(timedelta(hours=_ZONES[names[0]])) if names else None


def _date(text: str) -> tuple[int, int, int] | None:
    if found := _YEAR_FIRST.search(text):
        return int(found[1]), int(found[2]), int(found[3])
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    words = re.findall(r"[a-z]+", plain.lower())
    months = {_MONTHS[prefix] for word in words for prefix in (word[:4], word[:3]) if prefix in _MONTHS}
    years, days = re.findall(r"\b\d{4}\b", plain, re.ASCII), re.findall(r"\b\d{1,2}\b", plain, re.ASCII)
    if len(months) != 1 or len(years) != 1 or len(days) != 1:
        return None
    return int(years[0]), months.pop(), int(days[0])
