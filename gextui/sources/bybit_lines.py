"""One coin's topics over as many connections as they need, and those of them that never speak."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gextui.market.text import clean_text
from gextui.sources.bybit_messages import canonical
from gextui.sources.bybit_session import CHARACTERS_A_CONNECTION, TOPICS_A_CONNECTION
from gextui.sources.session import Channel
from gextui.sources.source import ConnectionStatus
from gextui.sources.stream import Stream, StreamState

FIRST_DATA = 10.0
"""Seconds after its subscription within which a topic must have spoken."""
TICKERS = "tickers."
_NAMED = 3


@dataclass(eq=False)
class Line:
    """One connection."""

    topics: list[str] = field(default_factory=list)
    conflated: int = 0
    """Messages that a later one replaced before a chain was made of them."""
    silent: tuple[str, ...] = ()
    """Topics that were subscribed long enough ago and have never spoken."""
    asked_again: set[str] = field(default_factory=set)
    """Topics that were, on the connection that has this number."""
    connection: int = 0

    def __post_init__(self) -> None:
        self.stream: Stream
        self.task: asyncio.Task[Any]


class Lines:
    """The connections of one coin. A topic stays where it is for as long as it is wanted."""

    def __init__(
        self,
        make: Callable[[Line], Stream],
        start: Callable[[Stream], asyncio.Task[Any]],
        end: Callable[[asyncio.Task[Any]], None],
    ) -> None:
        """Prepare to ``make`` the stream of a new line, ``start`` it, and ``end`` it when it has no topics left."""
        self.lines: tuple[Line, ...] = ()
        self._make = make
        self._start = start
        self._end = end
        self._written: dict[str, str] = {}
        """How a symbol is asked for that was silent as it is listed."""

    def want(self, symbols: Iterable[str], others: Iterable[str]) -> None:
        """Carry the tickers of exactly these symbols from now on, and the other topics."""
        wanted = [*others, *(TICKERS + self._written.get(symbol, symbol) for symbol in symbols)]
        lines = list(self.lines)
        for index, topics in enumerate(placed([line.topics for line in lines], wanted)):
            if index == len(lines):
                line = Line()
                line.stream = self._make(line)
                line.task = self._start(line.stream)
                lines.append(line)
            line = lines[index]
            if line.topics != topics:
                line.topics = topics
                line.stream.want(Channel(topic) for topic in topics)
        for line in lines:
            if not line.topics:
                self._end(line.task)
        self.lines = tuple(line for line in lines if line.topics)

    def attend(self) -> bool:
        """Look for topics that never spoke, and ask once more for each; whether any is to be written otherwise.

        A topic of the wrong form of a symbol is accepted and stays silent: the other form is tried.
        """
        rewritten = False
        for line in self.lines:
            if line.connection != line.stream.stats.connects:
                line.connection = line.stream.stats.connects
                line.asked_again.clear()
            unheard = [topic for topic in line.stream.unheard(FIRST_DATA) if topic.startswith(TICKERS)]
            again = [topic for topic in unheard if topic not in line.asked_again]
            line.asked_again.update(again)
            silent = (topic for topic in line.topics if topic in line.asked_again)
            line.silent = tuple(topic for topic in silent if line.stream.age(topic) is None)
            for topic in again:
                symbol = topic.removeprefix(TICKERS)
                if canonical(symbol) != symbol:
                    self._written[symbol] = canonical(symbol)
                    rewritten = True
            line.stream.ask_again(topic for topic in again if topic.removeprefix(TICKERS) not in self._written)
        return rewritten

    @property
    def subscribed(self) -> tuple[int, int]:
        """How many of the wanted topics are subscribed, and how many are wanted."""
        counts = [line.stream.subscribed for line in self.lines]
        return sum(have for have, _ in counts), sum(want for _, want in counts)

    @property
    def without_data(self) -> int:
        """How many topics are refused, or silent."""
        return sum(len(line.stream.missing) + len(line.silent) for line in self.lines)

    @property
    def lost(self) -> list[Stream]:
        """The connections that wait to be made anew."""
        return [line.stream for line in self.lines if line.stream.state is StreamState.BACKOFF]

    def statuses(self, name: str, rejected: Counter[str]) -> list[ConnectionStatus]:
        """How each connection fares; what was ``rejected`` of the coin's messages is told with the first."""
        statuses = []
        for number, line in enumerate(self.lines, start=1):
            status = line.stream.status(f"{name} stream {number}")
            counted = Counter(status.rejected) + (rejected if number == 1 else Counter())
            said = [status.detail, f"no data yet from {_named(line.silent)}" if line.silent else ""]
            statuses.append(
                replace(
                    status,
                    detail="; ".join(filter(None, said)),
                    rejected=dict(counted),
                    conflated=line.conflated,
                )
            )
        return statuses


def placed(lines: Sequence[Sequence[str]], wanted: Sequence[str]) -> list[list[str]]:
    """Where each wanted topic goes: where it is, or else to the first line with room, or to new ones at the end.

    No line has more than `TOPICS_A_CONNECTION` topics, or more than `CHARACTERS_A_CONNECTION` in all of them.
    """
    left = dict.fromkeys(wanted)
    kept = [[topic for topic in topics if topic in left] for topics in lines]
    for topics in kept:
        for topic in topics:
            del left[topic]
    sizes = [sum(map(len, topics)) for topics in kept]
    index = 0
    for topic in left:
        while index < len(kept) and (
            len(kept[index]) >= TOPICS_A_CONNECTION or sizes[index] + len(topic) > CHARACTERS_A_CONNECTION
        ):
            index += 1
        if index == len(kept):
            kept.append([])
            sizes.append(0)
        kept[index].append(topic)
        sizes[index] += len(topic)
    return kept


def _named(topics: Sequence[str]) -> str:
    first = ", ".join(clean_text(topic.removeprefix(TICKERS), 64) for topic in topics[:_NAMED])
    return first if len(topics) <= _NAMED else f"{first} and {len(topics) - _NAMED} more"
