"""A simulated Deribit of six coins, or Bybit of four, that sends as many messages as it is told to.

``python -m benchmarks.venue deribit|bybit`` prints its two addresses and then obeys lines on standard input: ``flood``
(as fast as the clients take it), ``pace 10000`` (so many messages a second to each) or ``stop``. With ``raw`` at the
end an order is for the clients whose address ends in ``?raw``, which get nothing otherwise. Bybit has neither.
"""

import asyncio
import math
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from typing import Any, NoReturn, Protocol

import msgspec
import numpy as np

from gextui.market.chain import OptionChain
from gextui.market.ticker import KNOWN_TICKERS, Ticker
from gextui.simulator.bybit import BybitVenue, Session
from gextui.simulator.deribit import DeribitVenue
from gextui.simulator.deribit_limits import UNLIMITED
from gextui.simulator.faults import Wire
from gextui.simulator.market import SimulatedMarket

COINS = tuple(KNOWN_TICKERS[symbol] for symbol in ("BTC", "ETH", "SOL", "XRP"))
MADE_UP = {
    KNOWN_TICKERS["AVAX"]: KNOWN_TICKERS["SOL"],
    KNOWN_TICKERS["TRX"]: KNOWN_TICKERS["XRP"],
}
"""Coins whose options are those of another coin, to make six."""
SIX = (*COINS, *MADE_UP)
RAW = "?raw"
_TOGETHER = 100
"""Messages that are written at once."""
_AHEAD = 1 << 20
"""Bytes that may wait for the client."""
_AT = b"1000000000000"
"""Stands for a time in epoch milliseconds."""


class SixCoins:
    """Implements `gextui.simulator.venue.Market`."""

    tickers = SIX

    def __init__(self) -> None:
        self._market = SimulatedMarket(1, datetime.now(UTC), COINS)

    @property
    def now(self) -> datetime:
        """The market's instant."""
        return self._market.now

    def step(self, seconds: float) -> None:
        """Let time pass."""
        self._market.step(seconds)

    def chain(self, ticker: Ticker) -> OptionChain:
        """The ticker's chain now."""
        if ticker not in MADE_UP:
            return self._market.chain(ticker)
        return replace(self._market.chain(MADE_UP[ticker]), ticker=ticker, roots=(f"{ticker.symbol}_USDC",))


class Batch:
    """So many notifications as they go over the wire, all of one time, which can be set."""

    def __init__(self, messages: Sequence[bytes]) -> None:
        """Each message holds `_AT` where its time goes."""
        frames = [_frame(message) for message in messages]
        starts = np.cumsum([0, *map(len, frames[:-1])])
        where = [frame.index(_AT) for frame in frames]
        self._bytes = bytearray(b"".join(frames))
        self._digits = np.frombuffer(self._bytes, np.uint8)
        self._at = (starts + where)[:, None] + np.arange(len(_AT))

    def of(self, milliseconds: int) -> bytes:
        """The frames, as of that time."""
        self._digits[self._at] = np.frombuffer(str(milliseconds).encode(), np.uint8)
        return bytes(self._bytes)


def _frame(text: bytes) -> bytes:
    """A WebSocket text frame from a server."""
    assert 126 <= len(text) < 65536
    return bytes((0x81, 126)) + len(text).to_bytes(2, "big") + text


class Gate(Protocol):
    """What sends."""

    def obey(self, order: str) -> None:
        """Do as a line of standard input says."""
        ...

    async def run(self) -> NoReturn:
        """Send for ever."""
        ...


class DeribitGate:
    """``ticker`` notifications of all contracts in turn, whatever a client has subscribed to."""

    def __init__(self, venue: DeribitVenue) -> None:
        self._venue = venue
        names = [name for book in venue.exchange.books.values() for name in book.names]
        tickers = [ticker for name in names if (ticker := venue.exchange.ticker(name)) is not None]
        whole = len(tickers) // _TOGETHER * _TOGETHER
        messages = [*map(deribit_message, tickers)]
        self._batches = cycle([Batch(messages[start : start + _TOGETHER]) for start in range(0, whole, _TOGETHER)])
        self.obey("stop")

    def obey(self, order: str) -> None:
        """Do as a line of standard input says."""
        words = order.split()
        self._raw = words[-1] == "raw"
        self._rate = math.inf if words[0] == "flood" else float(words[1]) if words[0] == "pace" else 0.0
        self._since, self._sent = time.monotonic(), 0

    async def run(self) -> NoReturn:
        """Send for ever."""
        while True:
            clients = [wire for wire in self._venue.sockets if _is_raw(wire) == self._raw]
            if self._rate == math.inf:
                for wire in clients:
                    while wire.unsent < _AHEAD and not wire.transport.is_closing():
                        wire.transport.write(self._next())
                await asyncio.sleep(0.0)
                continue
            while self._sent + _TOGETHER <= (time.monotonic() - self._since) * self._rate:
                frames = self._next()
                self._sent += _TOGETHER
                for wire in clients:
                    wire.transport.write(frames)
            await asyncio.sleep(0.01)

    def _next(self) -> bytes:
        return next(self._batches).of(int(self._venue.now() * 1000))


def deribit_message(ticker: dict[str, Any]) -> bytes:
    """A ``ticker`` notification, to be given its time."""
    params = {"channel": f"ticker.{ticker['instrument_name']}.agg2", "data": ticker | {"timestamp": int(_AT)}}
    return msgspec.json.encode({"jsonrpc": "2.0", "method": "subscription", "params": params})


def _is_raw(wire: Wire) -> bool:
    return wire.request is not None and wire.request.path.endswith(RAW)


class Poured(BybitVenue):
    """Publishes nothing by itself while it is poured from."""

    pouring = False

    def publish(self) -> None:
        """Push what is new."""
        if self.pouring:
            self._refresh()
        else:
            super().publish()


class BybitGate:
    """Tickers of the topics that each connection has subscribed to, in turn, as the market stands."""

    def __init__(self, venue: Poured) -> None:
        self._venue = venue
        self._pouring: dict[Session, tuple[int, Iterator[_Part]]] = {}
        self.obey("stop")

    def obey(self, order: str) -> None:
        """Do as a line of standard input says."""
        words = order.split()
        self._rate = float(words[1]) if words[0] == "pace" else 0.0
        self._venue.pouring = self._rate > 0.0
        self._pouring.clear()

    async def run(self) -> NoReturn:
        """Send for ever."""
        due: dict[Session, float] = {}
        last = time.monotonic()
        while True:
            await asyncio.sleep(0.01)
            now = time.monotonic()
            passed, last = now - last, now
            sessions = [session for session in self._venue.sessions if session.topics] if self._rate else []
            topics = len({topic for session in sessions for topic in session.topics})
            due = {each: due.get(each, 0.0) + passed * self._rate * len(each.topics) / topics for each in sessions}
            for session in sessions:
                while due[session] >= _TOGETHER:
                    part = self._next(session)
                    due[session] -= len(part.symbols)
                    session.wire.transport.write(part.of(int(self._venue.now() * 1000)))

    def _next(self, session: Session) -> "_Part":
        count, parts = self._pouring.get(session, (0, cycle(())))
        if count != len(session.topics):
            symbols = [topic.removeprefix("tickers.") for topic in session.topics if topic.startswith("tickers.")]
            starts = range(0, len(symbols), _TOGETHER)
            parts = cycle([_Part(self._venue, symbols[start : start + _TOGETHER]) for start in starts])
            self._pouring[session] = len(session.topics), parts
        return next(parts)


class _Part:
    """Some of a connection's topics."""

    def __init__(self, venue: BybitVenue, symbols: Sequence[str]) -> None:
        self.symbols = symbols
        self._venue = venue
        self._step = -1

    def of(self, milliseconds: int) -> bytes:
        """Their messages, as of that time."""
        exchange = self._venue.exchange
        if self._step != exchange.steps:
            self._step = exchange.steps
            self._batch = Batch([bybit_message(symbol, exchange.pushed(symbol)) for symbol in self.symbols])
        return self._batch.of(milliseconds)


def bybit_message(symbol: str, data: dict[str, Any] | None) -> bytes:
    """A push of a ticker, to be given its time."""
    topic = f"tickers.{symbol}"
    push = {"id": f"{topic}-2480334983", "topic": topic, "ts": int(_AT), "type": "snapshot", "data": data}
    return msgspec.json.encode(push)


class VenueProcess:
    """A venue in a process of its own."""

    def __init__(self, name: str, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._name = name
        self._orders = process.stdin
        self.rest_url, self.ws_url = process.stdout.readline().split()

    def order(self, words: str) -> None:
        """Tell it what to send."""
        self._orders.write(f"{words}\n")
        self._orders.flush()

    def write_settings(self, folder: Path, symbols: Sequence[str]) -> str:
        """A config.toml that reads these coins from it alone; its path."""
        path = folder / "config.toml"
        sources = f'[sources.{self._name}]\nrest_url = "{self.rest_url}"\nws_url = "{self.ws_url}"\n'
        coins = "".join(f'[tickers.{symbol}]\nsources = ["{self._name}"]\n' for symbol in symbols)
        path.write_text(sources + coins, encoding="utf-8")
        return str(path)


@contextmanager
def running(name: str) -> Iterator[VenueProcess]:
    """A venue, ``deribit`` or ``bybit``, that waits for orders, until the block ends."""
    command = [sys.executable, "-m", "benchmarks.venue", name]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, text=True, **pipes) as process:  # type: ignore[call-overload]
        yield VenueProcess(name, process)


async def main(name: str) -> None:
    """Serve until standard input ends."""
    loop = asyncio.get_running_loop()
    venue: DeribitVenue | Poured
    if name == "deribit":
        venue = DeribitVenue(SixCoins(), limits=UNLIMITED)
    else:
        venue = Poured(SimulatedMarket(1, datetime.now(UTC), COINS))
    async with venue:
        # Making the market took a while; lags are measured by the machine's own clock.
        venue.skew(time.time() - venue.now())
        gate: Gate = DeribitGate(venue) if isinstance(venue, DeribitVenue) else BybitGate(venue)
        running = asyncio.create_task(gate.run())
        print(venue.rest_url, venue.ws_url, flush=True)
        while order := await loop.run_in_executor(None, sys.stdin.readline):
            gate.obey(order)
        running.cancel()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
