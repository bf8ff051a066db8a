"""Recorded chains: opened files as a source, and as the history one steps through. Nothing is written."""

import asyncio
from bisect import bisect_left, bisect_right
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime

import numpy as np

from gextui.exposure.board import Board, build_board
from gextui.exposure.change import Past, window_span, yesterday_span
from gextui.exposure.series import LEVELS, Series, level_values
from gextui.market.chain import OptionChain
from gextui.market.ticker import Ticker
from gextui.route import Recorded
from gextui.sources.source import SourceState, SourceStatus


class RecordedSource:
    """A source that gives each ticker's newest recorded chain once."""

    def __init__(self, chains: Sequence[OptionChain]) -> None:
        self._newest: dict[Ticker, OptionChain] = {}
        for chain in chains:
            newest = self._newest.get(chain.ticker)
            if newest is None or chain.as_of >= newest.as_of:
                self._newest[chain.ticker] = chain
        self.tickers = tuple(self._newest)
        self.name = ", ".join(dict.fromkeys(chain.source for chain in self._newest.values()))

    def status(self, ticker: Ticker) -> SourceStatus:
        """A replay of that ticker's file."""
        return SourceStatus(self._newest[ticker].source, SourceState.REPLAY, interval=0.0)

    async def chains(self) -> AsyncIterator[OptionChain]:
        """Yield the newest chain of each ticker, then wait for ever."""
        for chain in self._newest.values():
            yield chain
        await asyncio.Event().wait()


class RecordedHistory:
    """The opened files as a history, in memory."""

    recording = "not recorded"
    notice = ""

    def __init__(self, chains: Iterable[OptionChain]) -> None:
        self._chains: dict[Ticker, list[OptionChain]] = {}
        self._levels: dict[tuple[Ticker, datetime], tuple[float | int | None, ...]] = {}
        for chain in chains:
            self.add(chain)

    def add(self, chain: OptionChain) -> None:
        """Take in one more chain; it replaces one of the same ticker and instant."""
        kept = self._chains.setdefault(chain.ticker, [])
        index = bisect_left(kept, chain.as_of, key=_instant)
        if index < len(kept) and kept[index].as_of == chain.as_of:
            kept[index] = chain
        else:
            kept.insert(index, chain)

    def thin(self, ticker: Ticker, before: datetime) -> None:
        """Of the chains older than ``before`` keep one an hour, the last."""
        kept = self._chains[ticker]
        old = kept[: bisect_left(kept, before, key=_instant)]
        last_of_hour = {chain.as_of_seconds // 3600: chain for chain in old}
        kept[: len(old)] = last_of_hour.values()

    async def announce(self, recorded: Mapping[Ticker, Recorded]) -> None:
        """Nobody else reads it."""

    async def record(self, board: Board) -> None:
        """Nothing: what came from a file is not recorded again."""

    async def past(self, ticker: Ticker, at: datetime, minutes: Sequence[int]) -> Past:
        """The chain of each window, where one was recorded near enough, and the last one of the trading day before."""
        spans = {window: window_span(at, window) for window in minutes}
        found = {window: self._newest_in(ticker, *span) for window, span in spans.items()}
        windows = {window: chain for window, chain in found.items() if chain is not None}
        return Past(windows, self._newest_in(ticker, *yesterday_span(ticker, at)))

    async def step(self, ticker: Ticker, at: datetime, steps: int) -> OptionChain | None:
        """The chain so many instants before (negative) or after ``at``; None beyond either end."""
        kept = self._chains.get(ticker, [])
        if steps < 0:
            index = bisect_left(kept, at, key=_instant) + steps
        else:
            index = bisect_right(kept, at, key=_instant) + steps - 1
        return kept[index] if 0 <= index < len(kept) else None

    async def latest(self, ticker: Ticker) -> OptionChain | None:
        """The newest chain of the ticker."""
        kept = self._chains.get(ticker)
        return kept[-1] if kept else None

    async def range(self, ticker: Ticker, start: datetime, end: datetime, *, at_most: int) -> Series:
        """The levels from ``start`` to ``end``; where there are more, those of the last chain of each stretch."""
        kept = [chain for chain in self._chains.get(ticker, []) if start <= chain.as_of <= end]
        if len(kept) > at_most:
            stretch = (end - start) / at_most
            kept = list({min((chain.as_of - start) // stretch, at_most - 1): chain for chain in kept}.values())
        rows = []
        for chain in kept:
            rows.append([np.nan if value is None else float(value) for value in self._levels_of(chain)])
            await asyncio.sleep(0)
        table = np.array(rows, dtype=np.float64).reshape(len(rows), len(LEVELS)).T
        times = np.array([chain.as_of_seconds for chain in kept])
        return Series(times, dict(zip(LEVELS, table, strict=True)), ())

    def _levels_of(self, chain: OptionChain) -> tuple[float | int | None, ...]:
        key = (chain.ticker, chain.as_of)
        if key not in self._levels:
            self._levels[key] = level_values(build_board(chain))
        return self._levels[key]

    async def close(self) -> None:
        """Nothing is open."""

    def _newest_in(self, ticker: Ticker, earliest: datetime, latest: datetime) -> OptionChain | None:
        kept = self._chains.get(ticker, [])
        index = bisect_right(kept, latest, key=_instant) - 1
        return kept[index] if index >= 0 and kept[index].as_of >= earliest else None


def _instant(chain: OptionChain) -> datetime:
    return chain.as_of
