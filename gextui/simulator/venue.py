"""What simulated venues share that push over a WebSocket beside their REST methods."""

import asyncio
from abc import abstractmethod
from collections.abc import Iterable, Sequence

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from gextui.simulator.faults import Wire
from gextui.simulator.http_venue import HttpVenue, Market
from gextui.sources.pacing import Clock

_MOST_UNREAD = 16 * 1024 * 1024
"""Bytes a client may leave unread before it is cut off."""


class Venue(HttpVenue):
    """A venue on 127.0.0.1, an asynchronous context manager: one port for REST and the WebSocket.

    Attributes:
        connects: WebSocket connections opened so far.
        malformed: The kind of damage (see `MALFORMED`) done to every body and notification; None for none.
        muted: Channels that say nothing; ``*`` is all of them.
        doubled: Whether each notification comes twice.
        shuffled: Whether of two notifications of a channel the later comes first.
    """

    ws_path: str

    def __init__(self, market: Market, *, clock: Clock | None = None, speed: float = 1.0) -> None:
        super().__init__(market, clock=clock, speed=speed)
        self.connects = 0
        self.muted: set[str] = set()
        self.doubled = self.shuffled = False
        self._held_back: dict[str, bytes] = {}

    @property
    def ws_url(self) -> str:
        """Where its WebSocket is."""
        return f"ws://127.0.0.1:{self._port}{self.ws_path}"

    # What a venue does.

    @abstractmethod
    async def converse(self, wire: Wire) -> None:
        """Serve one WebSocket until it ends."""

    @abstractmethod
    def publish(self) -> None:
        """Tell subscribers what has changed; called after each step of the market."""

    def tick(self) -> None:
        """Bring the market to this instant and publish."""
        super().tick()
        self.publish()
        for wire in list(self.network.open):
            if wire.unsent > _MOST_UNREAD:
                wire.transport.abort()

    # Connections.

    def _upgrades(self, path: str) -> bool:
        return path == self.ws_path

    async def _serve(self, wire: ServerConnection) -> None:
        assert isinstance(wire, Wire)
        self.connects += 1
        try:
            await self.converse(wire)
        except ConnectionClosed:
            return

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

    def mute(self, *channels: str) -> None:
        """Say nothing on these channels, or on any, while pings and calls are answered; until `heal`."""
        self.muted.update(channels or ("*",))

    def duplicate(self) -> None:
        """Send every notification twice, until `heal`."""
        self.doubled = True

    def shuffle(self) -> None:
        """Swap every two notifications of a channel, until `heal`."""
        self.shuffled = True

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

    def heal(self) -> None:
        """End every fault; connections in a hole stay there."""
        super().heal()
        self.network.messages_each = None
        self.muted.clear()
        self.doubled = self.shuffled = False
        self._held_back.clear()
