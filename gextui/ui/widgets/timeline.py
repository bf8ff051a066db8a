"""Time as an axis: spans, ticks in UTC, where a line over readings must break, and what is missing. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np

from gextui.exposure.series import Gap, Series
from gextui.market.chain import Booleans, Floats, Integers
from gextui.ui import format as fmt

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0
_STEPS = (
    *(minutes * _MINUTE for minutes in (1, 2, 5, 10, 15, 20, 30)),
    *(hours * _HOUR for hours in (1, 2, 3, 4, 6, 12)),
    *(days * _DAY for days in (1, 2, 3, 5, 7, 14, 30, 60, 90)),
)
_USUAL_INTERVALS = 3
"""A reading is late after so many of the usual intervals, and after a minute; the store counts gaps the same way."""


class Span(NamedTuple):
    """How much of the past is shown."""

    label: str
    time: timedelta

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.time.total_seconds()


SPANS = (
    Span("1 h", timedelta(hours=1)),
    Span("4 h", timedelta(hours=4)),
    Span("1 d", timedelta(days=1)),
    Span("7 d", timedelta(days=7)),
    Span("30 d", timedelta(days=30)),
)


def time_ticks(start: float, end: float, most: int) -> list[tuple[float, str]]:
    """At most ``most`` round instants (epoch seconds) with their labels: times of day, the date at midnight, UTC."""
    step = next((step for step in _STEPS if (end - start) / step <= max(most, 1)), _STEPS[-1])
    numbers = range(int(np.ceil(start / step)), int(end // step) + 1)
    return [(number * step, _tick_label(number * step)) for number in numbers][: max(most, 1)]


def _tick_label(instant: float) -> str:
    return f"{_at(instant):%H:%M}" if instant % _DAY else fmt.short_day(instant)


def _at(instant: float) -> datetime:
    return datetime.fromtimestamp(instant, UTC)


def unbroken(series: Series, values: Floats) -> list[Integers]:
    """The readings that a line may join, run by run: it ends at a gap and where ``values`` are missing."""
    known = np.flatnonzero(np.isfinite(values))
    if not len(known):
        return []
    joined = (np.diff(known) == 1) & ~_over_a_gap(series)[known[:-1]]
    return np.split(known, np.flatnonzero(~joined) + 1)


def _over_a_gap(series: Series) -> Booleans:
    """Whether a gap lies between a reading and the next; shape (T,), the last one False."""
    times = series.times
    over = np.zeros(len(times), dtype=np.bool_)
    for gap in series.gaps:
        first = int(np.searchsorted(times, gap.start, "right")) - 1
        over[max(first, 0) : int(np.searchsorted(times, gap.end, "left"))] = True
    over[-1:] = False
    return over


def by_column(series: Series, values: Floats, edges: Floats) -> Floats:
    """The last value at the end of each column of time; NaN in a gap, before the first reading and after the last.

    Args:
        series: The readings.
        values: One of its columns, shape (T,).
        edges: Where columns begin and end, epoch seconds, ascending, shape (C + 1,).
    """
    times, begin, end = series.times, edges[:-1], edges[1:]
    if not len(times):
        return np.full(len(begin), np.nan)
    last = np.searchsorted(times, end, "right") - 1
    unseen = (last < 0) | (begin > times[-1])
    for gap in series.gaps:
        unseen |= (begin >= gap.start) & (end <= gap.end)
    return np.where(unseen, np.nan, values[np.maximum(last, 0)])


class Missing(NamedTuple):
    """Something that is not there."""

    words: str
    short: str
    urgent: bool = True
    """Whether time itself is missing, not a level in some readings."""


def find_missing(series: Series, start: float, end: float, levels: Mapping[str, str]) -> list[Missing]:
    """What the axis from ``start`` to ``end`` shows no readings of, the gravest first; empty where nothing is missing.

    There must be a reading. ``levels`` are the columns to look into, with their names in words.
    """
    times = series.times
    late = max(_MINUTE, _USUAL_INTERVALS * float(np.median(np.diff(times)))) if len(times) > 1 else _MINUTE
    missing = []
    if end - times[-1] > late:
        since = f"since {_when(times[-1], end)} UTC"
        missing.append(Missing(f"nothing recorded {since}", f"nothing {since}"))
    if times[0] - start > late:
        since = f"since {_when(times[0], end)} UTC only"
        missing.append(Missing(f"recorded {since}", since))
    gaps = [gap for gap in series.gaps if gap.end > start and gap.start < end]
    if gaps:
        longest = max(gaps, key=lambda gap: gap.end - gap.start)
        number, count = ("gap", "1 gap") if len(gaps) == 1 else (f"{len(gaps)} gaps, the longest", f"{len(gaps)} gaps")
        missing.append(Missing(f"{number} {_from_to(longest, end)} ({longest.reason})", count))
    for column, words in levels.items():
        unknown = int(np.isnan(series.columns[column]).sum())
        if unknown:
            without = f"no {words} in {unknown}"
            missing.append(Missing(f"{without} of {len(times)} readings", without, urgent=False))
    return missing


def _from_to(gap: Gap, end: float) -> str:
    return f"{_when(gap.start, end)}–{_when(gap.end, gap.start)}"


def _when(instant: float, near: float) -> str:
    """The time of day, with the date where that is another than ``near``'s."""
    date = "" if _same_day(instant, near) else f"{fmt.short_day(instant)} "
    return f"{date}{_at(instant):%H:%M}"


def _same_day(one: float, other: float) -> bool:
    return one // _DAY == other // _DAY
