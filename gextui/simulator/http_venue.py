"""What every simulated venue shares: an HTTP server on loopback, its market and clock, and broken networks."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import formatdate
from http import HTTPStatus
from typing import Protocol, Self
from urllib.parse import parse_qsl, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from gextui.market.chain import OptionChain
from gextui.market.ticker import Ticker
from gextui.simulator.faults import MALFORMED, Network, Wire
from gextui.sources.pacing import Clock, SystemClock, ended_within

_TICK = 1.0
"""Seconds between the market's steps."""
_STATUSES = frozenset(HTTPStatus)
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
class Asked:
    """A request."""

    path: str
    """What follows the REST address."""
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Names in any case."""
    method: str = "GET"
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer."""

    body: bytes
    status: int = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})


class HttpVenue(ABC):
    """A venue on 127.0.0.1 that answers requests, an asynchronous context manager.

    Attributes:
        clock: Where its time is; give it to a client that shall live in the venue's time.
        malformed: The kind of damage (see `MALFORMED`) done to every body; None for none.
    """

    rest_path: str
    most_connections: int | None = None

    def __init__(self, market: Market, *, clock: Clock | None = None, speed: float = 1.0) -> None:
        self.market = market
        self.clock = SimulatedClock(clock or SystemClock(), market.now.timestamp(), speed)
        self.network = Network(self.clock)
        self.malformed: str | None = None
        self._skew = 0.0
        self._canned: Answer | None = None
        self._lag = 0.0
        self._leaving = asyncio.Event()
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
        self._leaving.set()
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
    def _port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    def now(self) -> float:
        """What the venue says the time is, epoch seconds."""
        return self.clock.now() + self._skew

    # What a venue does.

    @abstractmethod
    def answer(self, asked: Asked) -> Answer:
        """Answer a request."""

    # Time.

    def tick(self) -> None:
        """Bring the market to this instant."""
        now = self.clock.now()
        if not self._frozen:
            self.market.step(now - self._ticked_at)
            self._ticked_at = now

    async def _run(self) -> None:
        while True:
            await self.clock.sleep(_TICK)
            self.tick()

    # Connections.

    def _process_request(self, wire: ServerConnection, request: Request) -> Response | Awaitable[Response] | None:
        assert isinstance(wire, Wire)
        parts = urlsplit(request.path)
        if self.most_connections is not None and len(self.network.open) > self.most_connections:
            answer = Answer(b"too many connections", HTTPStatus.TOO_MANY_REQUESTS, {"Content-Type": "text/plain"})
        elif self._canned is not None:
            answer = self._canned
        elif self._upgrades(parts.path):
            return None
        elif parts.path.startswith(f"{self.rest_path}/"):
            path = parts.path.removeprefix(f"{self.rest_path}/")
            asked = Asked(path, dict(parse_qsl(parts.query)), request.headers, wire.method, wire.body)
            answer = self.answer(asked)
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
        phrase = HTTPStatus(answer.status).phrase if answer.status in _STATUSES else "Unknown"
        response = Response(answer.status, phrase, headers, body)
        return self._late(response) if self._lag else response

    async def _late(self, response: Response) -> Response:
        await ended_within(self.clock, self._lag, self._leaving.wait())
        return response

    def _upgrades(self, path: str) -> bool:
        """Whether a WebSocket is served at that path."""
        return False

    async def _serve(self, wire: ServerConnection) -> None:
        """Serve a WebSocket."""
        await wire.close()

    def damaged(self, body: bytes) -> bytes:
        """The body, damaged if `malformed` says so."""
        return body if self.malformed is None else MALFORMED[self.malformed](body)

    # Faults that tests switch.

    def reset(self) -> None:
        """Break every connection with a TCP RST."""
        for wire in list(self.network.open):
            wire.reset()

    def hole(self, *, new: bool = False) -> None:
        """Go deaf and dumb on every connection, TCP open; on ``new`` ones too, until `heal`."""
        for wire in self.network.open:
            wire.held = True
        self.network.swallows = new

    def slow(self, bytes_a_second: float) -> None:
        """Write no faster than this to any connection, until `heal`."""
        self.network.bytes_a_second = bytes_a_second

    def malform(self, kind: str) -> None:
        """Damage every body in one of the ways of `MALFORMED`, until `heal`. KeyError for another."""
        MALFORMED[kind]
        self.malformed = kind

    def answer_with(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        """Answer every request and handshake so, until `heal`."""
        self._canned = Answer(body, status, headers or {"Content-Type": "text/html"})

    def limit(self, retry_after: str | None = None) -> None:
        """Answer every request and handshake with HTTP 429 and this Retry-After, if any; until `heal`."""
        waiting = {} if retry_after is None else {"Retry-After": retry_after}
        self.answer_with(429, b"", {"Content-Type": "text/plain", **waiting})

    def lag(self, seconds: float) -> None:
        """Have every answer arrive so much later, as true as when it was asked for; until `heal`."""
        self._lag = seconds

    def skew(self, seconds: float) -> None:
        """Have the venue's clock ahead by so much."""
        self._skew = seconds

    def freeze(self) -> None:
        """Let the market stand still while the clock goes on, until `heal`."""
        self._frozen = True

    def heal(self) -> None:
        """End every fault; connections in a hole stay there."""
        self.network.swallows = False
        self.network.bytes_a_second = None
        self.malformed = None
        self._canned = None
        self._lag = self._skew = 0.0
        self._frozen = False
