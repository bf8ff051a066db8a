"""What every simulated venue shares: a server on loopback, its market and clock, its counts, and broken networks."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import formatdate
from http import HTTPStatus
from typing import Protocol, Self
from urllib.parse import parse_qsl, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from gextui.market.chain import OptionChain
from gextui.market.ticker import Ticker
from gextui.simulator.faults import MALFORMED, Network, Wire
from gextui.sources.pacing import Clock, SystemClock

_TICK = 1.0
"""Seconds between the market's steps."""
_MOST_UNREAD = 16 * 1024 * 1024
"""Bytes a client may leave unread before it is cut off."""
_logger = logging.getLogger("gextui.simulator")
_logger.addHandler(logging.NullHandler())


class Market(Protocol):
    """What a venue trades: a `SimulatedMarket` or a `RecordedMarket`."""

    @property
    def now(self) -> datetime:
        """The market's instant."""
        ...

    @property
    def tickers(self) -> tuple[Ticker, ...]:
        """Whatever is traded there."""
        ...

    def step(self, seconds: float) -> None:
        """Let time pass."""
        ...

    def chain(self, ticker: Ticker) -> OptionChain:
        """The ticker's chain now."""
        ...


class RecordedMarket:
    """Recorded chains, one a ticker, that stand still."""

    def __init__(self, *chains: OptionChain) -> None:
        """Serve these chains as of the newest one's instant."""
        self._chains = {chain.ticker: chain for chain in chains}
        self.now = max(chain.as_of for chain in chains)
        self.tickers = tuple(self._chains)

    def step(self, seconds: float) -> None:
        """Nothing moves."""

    def chain(self, ticker: Ticker) -> OptionChain:
        """The ticker's chain."""
        return self._chains[ticker]


class SimulatedClock:
    """A clock whose wall time starts where a market does and runs ``speed`` times as fast; its seconds are real."""

    def __init__(self, clock: Clock, start: float, speed: float) -> None:
        self._clock = clock
        self._start = start
        self._speed = speed
        self._began = clock.seconds()

    def now(self) -> float:
        """Simulated wall clock, epoch seconds UTC."""
        return self._start + (self._clock.seconds() - self._began) * self._speed

    def seconds(self) -> float:
        """The real clock's seconds."""
        return self._clock.seconds()

    def slept(self) -> float:
        """Seconds that the machine itself has slept, in all."""
        return self._clock.slept()

    async def sleep(self, seconds: float) -> None:
        """Wait so many real seconds."""
        await self._clock.sleep(seconds)


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer."""

    body: bytes
    status: int = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})


class Venue(ABC):
    """A venue on 127.0.0.1, an asynchronous context manager: one port for REST and the WebSocket.

    Attributes:
        clock: Where its time is; give it to a client that shall live in the venue's time.
        connects: WebSocket connections opened so far.
        malformed: The kind of damage (see `MALFORMED`) done to every body and notification; None for none.
        muted: Channels that say nothing; ``*`` is all of them.
        doubled: Whether each notification comes twice.
        shuffled: Whether of two notifications of a channel the later comes first.
    """

    rest_path: str
    ws_path: str
    most_connections: int | None = None

    def __init__(self, market: Market, *, clock: Clock | None = None, speed: float = 1.0) -> None:
        self.market = market
        self.clock = SimulatedClock(clock or SystemClock(), market.now.timestamp(), speed)
        self.network = Network(self.clock)
        self.connects = 0
        self.malformed: str | None = None
        self.muted: set[str] = set()
        self.doubled = self.shuffled = False
        self._held_back: dict[str, bytes] = {}
        self._skew = 0.0
        self._canned: Answer | None = None
        self._frozen = False
        self._ticked_at = self.clock.now()
        self._server: Server | None = None
        self._running: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        class _Wire(Wire):
            network = self.network

        self._server = await serve(
            self._serve,
            "127.0.0.1",
            0,
            create_connection=_Wire,
            process_request=self._process_request,
            compression=None,
            open_timeout=None,
            ping_interval=None,
            close_timeout=2.0,
            server_header=None,
            logger=_logger,
        )
        self._running = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        assert self._running is not None
        self._server.close()
        for wire in list(self.network.open):
            wire.transport.abort()
        await self._server.wait_closed()
        self._running.cancel()
        with suppress(asyncio.CancelledError):
            await self._running

    @property
    def rest_url(self) -> str:
        """Where its REST methods are."""
        return f"http://127.0.0.1:{self._port}{self.rest_path}"

    @property
    def ws_url(self) -> str:
        """Where its WebSocket is."""
        return f"ws://127.0.0.1:{self._port}{self.ws_path}"

    @property
    def _port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    def now(self) -> float:
        """What the venue says the time is, epoch seconds."""
        return self.clock.now() + self._skew

    # What a venue does.

    @abstractmethod
    def answer(self, path: str, query: dict[str, str]) -> Answer:
        """Answer a GET of ``path``, which follows the REST address."""

    @abstractmethod
    async def converse(self, wire: Wire) -> None:
        """Serve one WebSocket until it ends."""

    @abstractmethod
    def publish(self) -> None:
        """Tell subscribers what has changed; called after each step of the market."""

    # Time.

    def tick(self) -> None:
        """Bring the market to this instant and publish."""
        now = self.clock.now()
        if not self._frozen:
            self.market.step(now - self._ticked_at)
            self._ticked_at = now
        self.publish()
        for wire in list(self.network.open):
            if wire.unsent > _MOST_UNREAD:
                wire.transport.abort()

    async def _run(self) -> None:
        while True:
            await self.clock.sleep(_TICK)
            self.tick()

    # Connections.

    def _process_request(self, wire: ServerConnection, request: Request) -> Response | None:
        parts = urlsplit(request.path)
        if self.most_connections is not None and len(self.network.open) > self.most_connections:
            answer = Answer(b"too many connections", HTTPStatus.TOO_MANY_REQUESTS, {"Content-Type": "text/plain"})
        elif self._canned is not None:
            answer = self._canned
        elif parts.path == self.ws_path:
            return None
        elif parts.path.startswith(f"{self.rest_path}/"):
            answer = self.answer(parts.path.removeprefix(f"{self.rest_path}/"), dict(parse_qsl(parts.query)))
        else:
            answer = Answer(b"not found", HTTPStatus.NOT_FOUND, {"Content-Type": "text/plain"})
        body = self.damaged(answer.body)
        headers = Headers(
            {
                "Date": formatdate(self.now(), usegmt=True),
                "Connection": "close",
                "Content-Length": str(len(body)),
                **answer.headers,
            }
        )
        return Response(answer.status, HTTPStatus(answer.status).phrase, headers, body)

    async def _serve(self, wire: ServerConnection) -> None:
        assert isinstance(wire, Wire)
        self.connects += 1
        try:
            await self.converse(wire)
        except ConnectionClosed:
            return

    def damaged(self, body: bytes) -> bytes:
        """The body, damaged if `malformed` says so."""
        return body if self.malformed is None else MALFORMED[self.malformed](body)

    @property
    def sockets(self) -> Sequence[Wire]:
        """The open WebSockets."""
        if self._server is None:
            return ()
        return [wire for wire in self._server.connections if isinstance(wire, Wire)]

    def tell(self, channel: str, message: bytes, wires: Iterable[Wire], *, first: bool = False) -> None:
        """Send one notification, as broken as the faults say; the ``first`` of a subscription is in order."""
        if not self.muted.isdisjoint((channel, "*")):
            return
        message = self.damaged(message)
        messages = [message, message] if self.doubled else [message]
        if self.shuffled and not first:
            if (earlier := self._held_back.pop(channel, None)) is None:
                self._held_back[channel] = message
                return
            messages.append(earlier)
        for wire in wires:
            for each in messages:
                wire.push(each)

    # Faults that tests switch.

    async def drop(self, code: int = 1001, reason: str = "") -> None:
        """Close every WebSocket with a close frame."""
        await asyncio.gather(*(wire.close(code, reason) for wire in self.sockets))

    def reset(self) -> None:
        """Break every connection with a TCP RST."""
        for wire in list(self.network.open):
            wire.reset()

    def hole(self, *, new: bool = False) -> None:
        """Go deaf and dumb on every connection, TCP open; on ``new`` ones too, until `heal`."""
        for wire in self.network.open:
            wire.held = True
        self.network.swallows = new

    def mute(self, channel: str = "*") -> None:
        """Say nothing on a channel, or on any, while pings and calls are answered; until `heal`."""
        self.muted.add(channel)

    def duplicate(self) -> None:
        """Send every notification twice, until `heal`."""
        self.doubled = True

    def shuffle(self) -> None:
        """Swap every two notifications of a channel, until `heal`."""
        self.shuffled = True

    def slow(self, bytes_a_second: float) -> None:
        """Write no faster than this to any connection, until `heal`."""
        self.network.bytes_a_second = bytes_a_second

    def malform(self, kind: str) -> None:
        """Damage every body and notification in one of the ways of `MALFORMED`, until `heal`. KeyError for another."""
        MALFORMED[kind]
        self.malformed = kind

    def say(self, message: bytes) -> None:
        """Send these bytes as a text frame to every WebSocket."""
        for wire in self.sockets:
            wire.push(message)

    def say_raw(self, data: bytes) -> None:
        """Write these bytes past the protocol to every WebSocket's connection."""
        for wire in self.sockets:
            wire.transport.write(data)

    def drop_each_after(self, messages: int) -> None:
        """Close each connection once it was sent so many messages, answers included, until `heal`."""
        self.network.messages_each = messages

    def answer_with(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        """Answer every request and handshake so, until `heal`."""
        self._canned = Answer(body, status, headers or {"Content-Type": "text/html"})

    def limit(self, retry_after: str | None = None) -> None:
        """Answer every request and handshake with HTTP 429 and this Retry-After, if any; until `heal`."""
        self.answer_with(429, b"", {} if retry_after is None else {"Retry-After": retry_after})

    def skew(self, seconds: float) -> None:
        """Have the venue's clock ahead by so much."""
        self._skew = seconds

    def freeze(self) -> None:
        """Let the market stand still while the clock goes on, until `heal`."""
        self._frozen = True

    def heal(self) -> None:
        """End every fault; connections in a hole stay there."""
        self.network.swallows = False
        self.network.messages_each = None
        self.network.bytes_a_second = None
        self.muted.clear()
        self.doubled = self.shuffled = False
        self._held_back.clear()
        self.malformed = None
        self._canned = None
        self._skew = 0.0
        self._frozen = False
