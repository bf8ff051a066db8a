"""Sources: every source and connection, how it fares, and what is recorded; fresh while it is open."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar, NamedTuple

from rich.cells import cell_len
from textual.binding import BindingType

from gextui.desk import Health
from gextui.market.text import clean_symbol, clean_text
from gextui.sources.source import ConnectionStatus, SourceStatus
from gextui.ui import format as fmt
from gextui.ui.actions import bindings
from gextui.ui.scene import RECORDING_WELL, Standing, no_data_words, state_words
from gextui.ui.screens.dialog import Lines, Reading
from gextui.ui.screens.pages import Page, entry, heading
from gextui.ui.widgets.lines import Line

_ANEW_EVERY = 1.0
_BETWEEN = " · "
_FAST = 100.0
"""Seconds below which an interval is said in seconds."""

_CONNECTIONS = {
    "live": ("●", "call"),
    "degraded": ("●", "warning"),
    "backoff": ("○", "warning"),
    "disabled": ("○", "warning"),
}
_OTHER = ("○", "label")
"""On its way: connecting, authenticating, subscribing."""


class _Row(NamedTuple):
    name: str
    style: str
    state: str
    """What ``text`` begins with; the rest of it is quieter."""
    text: str


class Sources(Reading):
    """The panel of sources.

    Args:
        ask: How each ticker's data stands, now.
        now: The clock.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings({"sources": "close"})]

    def __init__(self, ask: Callable[[], Sequence[Standing]], now: Callable[[], datetime]) -> None:
        self._ask = ask
        self._now = now
        self._page = sources_page(ask(), now())
        super().__init__("Sources", lambda width: self._page(width))

    def on_mount(self) -> None:
        """Stay fresh."""
        self.set_interval(_ANEW_EVERY, self.renew)

    def renew(self) -> None:
        """Say how things stand now; only the lines that differ are painted."""
        self._page = sources_page(self._ask(), self._now())
        page = self.query_one(Lines)
        if len(self._page(page.size.width)) != len(page.lines):
            page.refresh(layout=True)
        page.redraw()


def sources_page(standings: Sequence[Standing], now: datetime) -> Page:
    """Source by source, its tickers and its connections; then what is recorded."""
    by_source: dict[str, list[Standing]] = {}
    for standing in standings:
        by_source.setdefault(standing.health.status.name, []).append(standing)
    chapters = {
        f"{clean_text(name)}, {_cadence(own[0].health.status)}": [
            *(_ticker(standing, now) for standing in own),
            *map(_connection, _connections(own)),
        ]
        for name, own in by_source.items()
    }
    chapters["Database"] = _database([standing.health for standing in standings])
    longest = max((cell_len(row.name) for rows in chapters.values() for row in rows), default=0)

    def make(width: int) -> list[Line]:
        column = 2 + min(longest, max(width // 5, 9))
        lines: list[Line] = []
        for title, rows in chapters.items():
            lines += heading(title, width)
            for row in rows:
                lines += entry(row.name, row.text, width, column, row.style, row.state)
        return lines[1:]

    return make


def _cadence(status: SourceStatus) -> str:
    if not status.interval:
        return "recorded"
    return f"every {status.interval:g} s" if status.interval < _FAST else f"every {fmt.age(status.interval)}"


def _connections(standings: Sequence[Standing]) -> Iterable[ConnectionStatus]:
    """Each connection once: it may carry several tickers."""
    return {each.name: each for one in standings for each in one.health.status.connections}.values()


def _ticker(standing: Standing, now: datetime) -> _Row:
    """``BTC  ● live · last reading 0.4 s ago``, and below it why where it is not well."""
    health = standing.health
    sign, words, style = state_words(health.status, standing.delay)
    if health.age is None:
        age = "no reading yet"
    elif health.stale:
        sign, style = "●", "warning"
        age = no_data_words(now - timedelta(seconds=health.age), health.age)
    else:
        age = f"last reading {fmt.age(health.age)} ago"
    detail = health.status.detail
    for mark in (", ", "; "):  # what the state says already
        detail = detail.removeprefix(f"{words}{mark}")
    return _row(clean_symbol(standing.ticker.symbol), style, f"{sign} {words}", [age], [detail])


def _connection(connection: ConnectionStatus) -> _Row:
    """``stream  ○ subscribing 498/500``; below it ages and counts, and rejects by reason."""
    sign, style = _CONNECTIONS.get(connection.state, _OTHER)
    state = f"{sign} {clean_text(connection.state)}"
    if connection.subscribed is not None:
        state += " {:,}/{:,}".format(*connection.subscribed)
    age = connection.last_message_age
    counts = [
        "no message yet" if age is None else f"last message {fmt.age(age)} ago",
        _counted(connection.messages, "message"),
        _counted(connection.reconnects, "reconnect"),
    ]
    if connection.conflated:
        counts.append(f"{connection.conflated:,} conflated")
    wait = "" if connection.next_try_in is None else f"next try in {connection.next_try_in:.0f} s"
    more = [_BETWEEN.join(counts), _rejects(connection.rejected)]
    return _row(f"  {clean_text(connection.name)}", style, state, [wait, connection.detail], more)


def _rejects(rejected: Mapping[str, int]) -> str:
    """``12 rejected: 7 bad json, 5 unknown channel``, the most frequent first."""
    if not rejected:
        return ""
    by_count = sorted(rejected.items(), key=lambda item: (-item[1], item[0]))
    reasons = ", ".join(f"{count:,} {reason.replace('_', ' ')}" for reason, count in by_count)
    return f"{sum(rejected.values()):,} rejected: {reasons}"


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}" + ("" if number == 1 else "s")


def _database(healths: Sequence[Health]) -> list[_Row]:
    rows = []
    for recording in dict.fromkeys(health.recording for health in healths):
        style = "label" if recording in RECORDING_WELL else "warning"
        rows.append(_row("state", style, clean_text(recording)))
    notices = filter(None, dict.fromkeys(health.notice for health in healths))
    return [*rows, *(_row("notice", "warning", clean_text(notice)) for notice in notices)]


def _row(name: str, style: str, state: str, beside: Sequence[str] = (), below: Sequence[str] = ()) -> _Row:
    """A row of facts: those beside the state, then a line for each of those below; empty ones are left out."""
    first = _BETWEEN.join([state, *(clean_text(fact) for fact in beside if fact)])
    return _Row(name, style, state, "\n".join([first, *(clean_text(fact) for fact in below if fact)]))
