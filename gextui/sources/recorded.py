"""Recorded chains: opened files as a source, and as the history one steps through. Nothing is written."""

import asyncio
from bisect import bisect_left, bisect_right
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime, timedelta

from gextui.exposure.board import Board
from gextui.exposure.change import Past
from gextui.exposure.filters import expiry_date
from gextui.market.calendar import NEW_YORK, previous_trading_day
from gextui.market.chain import OptionChain
from gextui.market.ticker import Session, Ticker
from gextui.sources.source import SourceState, SourceStatus

_SHORTEST_GAP = timedelta(seconds=30)


def by_instant(chains: Iterable[OptionChain]) -> dict[Ticker, list[OptionChain]]:
    """Each ticker's chains, oldest first, tickers as they come; of two of one instant the later given stays."""
    kept: dict[Ticker, dict[datetime, OptionChain]] = {}
    for chain in chains:
        kept.setdefault(chain.ticker, {})[chain.as_of] = chain
    return {ticker: [at[instant] for instant in sorted(at)] for ticker, at in kept.items()}


class RecordedSource:
    """A source that gives each ticker's newest recorded chain once."""

    def __init__(self, chains: Sequence[OptionChain]) -> None:
        self._newest = {ticker: of_ticker[-1] for ticker, of_ticker in by_instant(chains).items()}
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

    def __init__(self, chains: Iterable[OptionChain]) -> None:
        self._chains = by_instant(chains)
        self._instants = {ticker: [chain.as_of for chain in kept] for ticker, kept in self._chains.items()}

    async def record(self, board: Board) -> None:
        """Nothing: what came from a file is not recorded again."""

    async def past(self, ticker: Ticker, at: datetime, minutes: Sequence[int]) -> Past:
        """The chain of each window, where one was recorded near enough, and the last one of the trading day before."""
        windows = {}
        for window in minutes:
            target = at - timedelta(minutes=window)
            chain = self._last_until(ticker, target)
            if chain is not None and target - chain.as_of <= max(_SHORTEST_GAP, timedelta(minutes=window) / 4):
                windows[window] = chain
        return Past(windows, self._yesterday(ticker, at))

    async def step(self, ticker: Ticker, at: datetime, steps: int) -> OptionChain | None:
        """The chain so many instants before (negative) or after ``at``; None beyond either end."""
        instants = self._instants.get(ticker, [])
        index = bisect_left(instants, at) + steps if steps < 0 else bisect_right(instants, at) + steps - 1
        return self._chains[ticker][index] if 0 <= index < len(instants) else None

    async def latest(self, ticker: Ticker) -> OptionChain | None:
        """The newest chain of the ticker."""
        return self._chains[ticker][-1] if ticker in self._chains else None

    async def close(self) -> None:
        """Nothing is open."""

    def _last_until(self, ticker: Ticker, at: datetime) -> OptionChain | None:
        index = bisect_right(self._instants.get(ticker, []), at) - 1
        return self._chains[ticker][index] if index >= 0 else None

    def _yesterday(self, ticker: Ticker, at: datetime) -> OptionChain | None:
        coin = ticker.session is Session.UTC
        midnight = at.astimezone(UTC if coin else NEW_YORK).replace(hour=0, minute=0, second=0, microsecond=0)
        today = midnight.date()
        before = today - timedelta(days=1) if coin else previous_trading_day(today)
        chain = self._last_until(ticker, midnight - timedelta(microseconds=1))
        return chain if chain is not None and expiry_date(chain.as_of_seconds, ticker.session) >= before else None
