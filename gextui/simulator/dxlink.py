"""A simulated dxLink feed: the WebSocket of a simulated Tastytrade, its tokens, its events and its own ways to fail."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count
from typing import NoReturn

from gextui.market.calendar import MarketState, last_close, market_state
from gextui.market.chain import OptionChain
from gextui.market.option_hours import options_trade, quotes_until
from gextui.market.ticker import Kind, Ticker
from gextui.market.ticker import Session as Hours
from gextui.simulator.dxlink_events import Table
from gextui.simulator.dxlink_session import Habits, Item, OverError, Session
from gextui.simulator.faults import Wire
from gextui.simulator.tastytrade_rows import root_of
from gextui.simulator.venue import Venue

PATHS = {"api": "/realtime", "demo": "/delayed"}
"""Where the feed of each level is."""
TOKEN_LIVES = 86_400.0
"""Seconds for which a quote token is good."""
DELAY = 900.0
"""Seconds by which events of the demo level are late."""
_TOO_BIG = 1009


class DxLink:
    """The feed: an event at once for whatever is subscribed to, then whatever changes, while options trade.

    Attributes:
        level: ``api``, or ``demo``, whose events say that they are a quarter of an hour old.
        sessions: The open ones.
        heard: How many frames of each type came.
        subscribed: What each FEED_SUBSCRIPTION added, in order.
        longest: Characters of the longest frame that came.
        largest_frame: Characters of a frame that is too big.
        keepalive_timeout: Seconds after which a client that said nothing is cut off.
        keeps_alive: Whether it says KEEPALIVE.
        refusing: Whether it takes no quote token, however new.
        habits: How it says things.
    """

    def __init__(self, venue: Venue) -> None:
        self.level = "api"
        self.sessions: list[Session] = []
        self.heard: Counter[str] = Counter()
        self.subscribed: list[tuple[Item, ...]] = []
        self.longest = 0
        self._venue = venue
        self._tokens: dict[str, float] = {}
        """Until when each is good, epoch seconds."""
        self._numbers = count(1)
        self._step = 0
        self._tables: dict[tuple[str, Ticker], tuple[Table, int]] = {}
        """With the step in which each was last looked at."""
        self._chains: dict[Ticker, OptionChain] = {}
        """Of this step."""
        self._tickers: dict[str, Ticker] = {}
        """By root or symbol."""
        self._halted: dict[Ticker, str] = {}
        self._behave()

    def _behave(self) -> None:
        self.largest_frame = 64 * 1024
        self.keepalive_timeout = 60.0
        self.keeps_alive = True
        self.refusing = False
        self.habits = Habits()

    # Tokens.

    def issue(self) -> str:
        """A new quote token."""
        token = f"a-simulated-quote-token-{next(self._numbers)}"
        self._tokens[token] = self._venue.now() + TOKEN_LIVES
        return token

    def takes(self, token: str) -> bool:
        """Whether a quote token is good."""
        return not self.refusing and self._tokens.get(token, 0.0) > self._venue.now()

    # Connections.

    async def converse(self, wire: Wire) -> None:
        """Serve one client until it or the server ends it."""
        session = Session(self, wire, self._venue.connects)
        self.sessions.append(session)
        watching = [asyncio.create_task(watch(session)) for watch in (self._time_out, self._keep_alive)]
        try:
            async for text in wire:
                self.longest = max(self.longest, len(text))
                if len(text) > self.largest_frame:
                    raise OverError(_TOO_BIG, "the frame is too big")
                self._take(session, text)
        except OverError as over:
            await wire.close(over.code, str(over))
        finally:
            for task in watching:
                task.cancel()
            self.sessions.remove(session)

    def _take(self, session: Session, text: str | bytes) -> None:
        frame = session.take(text)
        if frame is not None:
            self.heard[frame.type] += 1
            if frame.add:
                self.subscribed.append(tuple((item.type, item.symbol) for item in frame.add))

    async def _time_out(self, session: Session) -> None:
        """Cut off a client that says nothing."""
        while (left := session.heard_at + self.keepalive_timeout - self.seconds()) > 0.0:
            await self._venue.clock.sleep(left)
        passed = f"{self.keepalive_timeout:.0f} seconds ago"
        session.fail(0, "TIMEOUT", f"The timeout has been reached. The message was last received {passed}.")
        await session.wire.close()

    async def _keep_alive(self, session: Session) -> NoReturn:
        """Say something often enough for the client."""
        while True:
            await self._venue.clock.sleep(0.5 * (session.client_timeout or self.keepalive_timeout))
            if self.keeps_alive:
                session.send(0, "KEEPALIVE")

    def publish(self) -> None:
        """Tell subscribers what has changed; called after each step of the market."""
        self._step += 1
        self._chains.clear()
        if not self.is_muted("*"):
            for session in self.sessions:
                session.publish()

    def tell(self, channel: str, message: bytes, wires: Sequence[Wire], *, first: bool = False) -> None:
        """Send data, as broken as the venue's faults say."""
        self._venue.tell(channel, message, wires, first=first)

    def is_muted(self, symbol: str) -> bool:
        """Whether nothing is said of a symbol."""
        return symbol in self._venue.muted

    def seconds(self) -> float:
        """The clock's."""
        return self._venue.clock.seconds()

    # What is true.

    def table(self, kind: str, symbol: str) -> Table | None:
        """The events of a type of the symbol's underlying; None where the venue does not know the symbol."""
        ticker = self._ticker(root_of(symbol))
        if ticker is None:
            return None
        table, seen = self._tables.get((kind, ticker), (None, -1))
        if table is None or (seen < self._step and (kind == "Profile" or self._moves(ticker))):
            table = Table(
                kind,
                self._chain(ticker),
                halted=self._halted.get(ticker),
                step=self._step,
                now=self._quoted_at(ticker),
                stands_since=self._stands_since(ticker) if kind in ("Quote", "Trade") else None,
                before=table,
            )
            self._tables[kind, ticker] = table, self._step
        return table if symbol in table.row_of else None

    def _ticker(self, root: str) -> Ticker | None:
        if not self._tickers:
            for ticker in self._venue.market.tickers:
                if ticker.session is Hours.NEW_YORK:
                    self._tickers |= dict.fromkeys((ticker.symbol, *self._chain(ticker).roots), ticker)
        return self._tickers.get(root)

    def _chain(self, ticker: Ticker) -> OptionChain:
        if ticker not in self._chains:
            self._chains[ticker] = self._venue.market.chain(ticker)
        return self._chains[ticker]

    def _moves(self, ticker: Ticker) -> bool:
        return ticker not in self._halted and options_trade(ticker, self._now())

    def is_halted(self, ticker: Ticker) -> bool:
        """Whether a ticker is halted."""
        return ticker in self._halted

    def _quoted_at(self, ticker: Ticker) -> int:
        """What events say is their time, epoch milliseconds."""
        now = self._now()
        return self._milliseconds(now if options_trade(ticker, now) else quotes_until(ticker, now))

    def _stands_since(self, ticker: Ticker) -> int | None:
        """When an index was last computed; None while it is, and for what is traded itself."""
        now = self._now()
        if ticker.kind is not Kind.INDEX or market_state(ticker.session, now) is MarketState.OPEN:
            return None
        return self._milliseconds(last_close(now))

    def _milliseconds(self, at: datetime) -> int:
        return int((at.timestamp() - (DELAY if self.level == "demo" else 0.0)) * 1000)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._venue.now(), UTC)

    # Faults of its own.

    def expire_tokens(self) -> None:
        """Take none of the quote tokens given so far any more, and say so to whoever is authorised by one."""
        self._tokens.clear()
        self.publish()

    def close_channels(self) -> None:
        """Close every channel, unasked."""
        for session in self.sessions:
            for number in list(session.channels):
                session.close_channel(number)

    def fail_channels(self, error: str, message: str) -> None:
        """Tell of an error on every channel, which carries on."""
        for session in self.sessions:
            for number in session.channels:
                session.fail(number, error, message)

    def halt(self, ticker: Ticker, reason: str = "T1") -> None:
        """Halt a ticker: its profile says so and why, and nothing else changes; until `resume` or `heal`."""
        self._halted[ticker] = reason
        self.publish()

    def resume(self, ticker: Ticker) -> None:
        """End a halt."""
        self._halted.pop(ticker, None)
        self.publish()

    def heal(self) -> None:
        """End every fault."""
        self._halted.clear()
        self._behave()
