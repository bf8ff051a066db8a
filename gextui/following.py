"""Following: the readings that another process records, as a source. No venue is asked."""

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gextui.market.chain import OptionChain
from gextui.market.option_hours import options_trade
from gextui.market.ticker import Ticker
from gextui.route import RECORDER
from gextui.sources.pacing import Clock, SystemClock, ended_within
from gextui.sources.source import ConnectionStatus, SourceState, SourceStatus
from gextui.store.database import StoreError
from gextui.store.lock import Holder, holder_of
from gextui.store.opening import identity_of
from gextui.store.store import Store

LOOK_EVERY = 0.5
"""Seconds between looks into the database: a look at the index a ticker, and a chain where there is a newer one."""
_INTERVAL = 60.0
"""Seconds between readings where nobody says how often a source is read."""
_FIRST_WITHIN = timedelta(minutes=30)
"""How long after options begin to trade a source may take for its first reading."""
_WRITER_TAKES = 2.0
"""Seconds that a recorder which has just started may take to make the file."""


async def open_to_follow(path: Path) -> Store:
    """The database, only to be read, so that whoever records to it may start again at any time.

    Raises:
        StoreError: there is nothing to be had.
    """
    clock = asyncio.get_running_loop().time
    until = clock() + _WRITER_TAKES
    while True:
        try:
            return await Store.open(path, read_only=True)
        except StoreError as error:
            if error.exit_code != os.EX_NOINPUT or clock() >= until:
                raise
        await asyncio.sleep(0.05)


class FollowingSource:
    """Implements `Source` and `Adjustable`: the newest readings of a database to which another process records.

    What was recorded before is the history's to show, with its true age; this yields what comes after.
    """

    def __init__(self, path: Path, tickers: Sequence[Ticker], *, clock: Clock | None = None) -> None:
        """Prepare to follow ``tickers`` in the database at ``path``."""
        self.name = RECORDER
        self._path = path
        self._clock = SystemClock() if clock is None else clock
        self._followed: dict[Ticker, _Followed] = {}
        self._chosen = asyncio.Event()
        self.carry(tickers)
        self._holder: Holder | None = None
        self._unread = ""

    def carry(self, tickers: Sequence[Ticker]) -> None:
        """Follow these tickers from now on; see `Adjustable`."""
        self.tickers = tuple(tickers)
        self._followed = {ticker: self._followed.get(ticker) or _Followed() for ticker in self.tickers}
        # At once, as the history is: what is recorded between its look and ours would be shown by neither.
        self._chosen.set()

    async def chains(self) -> AsyncIterator[OptionChain]:
        """Yield each ticker's newest reading as it is recorded; see `Source`."""
        while True:
            store = await open_to_follow(self._path)
            try:
                async with aclosing(self._read(store)) as chains:
                    async for chain in chains:
                        yield chain
            finally:
                await store.close()

    async def _read(self, store: Store) -> AsyncGenerator[OptionChain, None]:
        """Yield what is new for as long as the file is the one that was opened."""
        opened = identity_of(self._path)
        while identity_of(self._path) == opened:
            self._chosen.clear()
            self._holder = holder_of(self._path)
            now = datetime.fromtimestamp(self._clock.now(), UTC)
            for ticker, followed in tuple(self._followed.items()):
                if not followed.looked:
                    followed.newest, followed.looked = await store.latest(ticker), True
                before = followed.newest
                chain = await store.latest(ticker, after=None if before is None else before.as_of)
                if chain is not None:
                    followed.newest = chain
                    followed.readings += 1
                    followed.heard_at = self._clock.seconds()
                    # Another version may have another name for it.
                    yield chain if chain.ticker == ticker else replace(chain, ticker=ticker)
                followed.closed = followed.newest is not None and not _is_awaited(ticker, followed.newest, now)
            self._unread = store.notice
            await ended_within(self._clock, LOOK_EVERY, self._chosen.wait())

    def status(self, ticker: Ticker) -> SourceStatus:
        """Who records the ticker, and whether anybody does; see `Source`."""
        followed, holder = self._followed.get(ticker), self._holder
        if followed is None:
            return SourceStatus(self.name, SourceState.DISABLED, LOOK_EVERY, "not followed")
        state, detail = self._judge(ticker, followed, holder)
        name = self.name if holder is None or holder.process is None else f"{self.name} {holder.process}"
        connection = ConnectionStatus(
            name="database",
            state=str(state),
            detail=detail,
            last_message_age=None if followed.heard_at is None else self._clock.seconds() - followed.heard_at,
            messages=followed.readings,
        )
        told = None if holder is None else holder.recorded.get(ticker.symbol)
        interval = max(LOOK_EVERY, (told and told.interval) or _INTERVAL)
        return SourceStatus(name, state, interval, detail, (connection,))

    def _judge(self, ticker: Ticker, followed: "_Followed", holder: Holder | None) -> tuple[SourceState, str]:
        if not followed.looked:
            return SourceState.CONNECTING, ""
        if self._unread:
            return SourceState.DEGRADED, self._unread
        if holder is None:
            return SourceState.DEGRADED, f"nobody records to {self._path.name} now; run `gextui record`, or gextui anew"
        if ticker.symbol not in holder.recorded:
            return SourceState.DEGRADED, f"{holder} does not record {ticker.symbol}; run gextui anew to read it live"
        recorded = f"recorded by {holder}"
        if followed.newest is None:
            return SourceState.CONNECTING, recorded
        if doubt := holder.recorded[ticker.symbol].doubt:
            return SourceState.DEGRADED, f"{doubt} ({recorded})"
        if followed.closed:
            return SourceState.CLOSED, recorded
        return (SourceState.DELAYED if followed.newest.delay else SourceState.LIVE), recorded


def _is_awaited(ticker: Ticker, newest: OptionChain, now: datetime) -> bool:
    """Whether there should be newer readings: options trade, and have for longer than a source may take."""
    quoted_at = now - timedelta(seconds=newest.delay)
    before = quoted_at - _FIRST_WITHIN
    just_opened = not options_trade(ticker, before) and newest.quoted_at <= before
    return options_trade(ticker, quoted_at) and not just_opened


@dataclass(slots=True, eq=False)
class _Followed:
    """One ticker."""

    newest: OptionChain | None = None
    readings: int = 0
    heard_at: float | None = None
    """By `Clock.seconds`."""
    closed: bool = False
    """Whether nothing newer is awaited, as its options do not trade."""
    looked: bool = False
    """Whether what is recorded already is known."""
