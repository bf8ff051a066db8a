"""A simulated Deribit: JSON-RPC over REST and WebSocket, channels, heartbeats, limits, and its own ways to fail."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from gextui.simulator.deribit_exchange import VOLATILITY_INDICES, Exchange
from gextui.simulator.deribit_limits import PUBLISHED, Limits, Meters
from gextui.simulator.deribit_methods import CURRENCIES, DeribitError, channels, integer, invalid, methods
from gextui.simulator.deribit_rows import Row
from gextui.simulator.faults import Wire
from gextui.simulator.http_venue import Answer, Asked, Market
from gextui.simulator.venue import Venue
from gextui.sources.pacing import Clock

TOO_MANY_REQUESTS = 10028

_SHORTEST_HEARTBEAT = 10


class _Request(msgspec.Struct):
    method: str
    id: int | str | None = None
    params: dict[str, Any] | None = None


class Session:
    """One client on a WebSocket."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.channels: set[str] = set()
        self.greeted_next: list[str] = []
        """Channels just subscribed, whose state is to be told after the answer."""
        self.alive = True
        """Whether the last test request was answered."""
        self.heartbeat: asyncio.Task[None] | None = None


class DeribitVenue(Venue):
    """Deribit on loopback. Everything it serves is simulated, and it says ``"testnet": true``.

    Attributes:
        exchange: What it lists and quotes.
        calls: How often each method was called, over REST and WebSocket.
        subscribed: The channels of each subscribe, in order.
        sessions: The open ones.
        in_maintenance: Whether every call but a test fails with 11051.
        refused: Channels that a subscribe silently leaves out.
        error_text: The message of every error from now on; None for the venue's own.
    """

    rest_path = "/api/v2"
    ws_path = "/ws/api/v2"

    def __init__(
        self,
        market: Market,
        *,
        clock: Clock | None = None,
        speed: float = 1.0,
        limits: Limits = PUBLISHED,
        seed: int = 7,
    ) -> None:
        """Serve ``market``, whose time starts when this is made and runs ``speed`` times as fast as the clock."""
        super().__init__(market, clock=clock, speed=speed)
        self.most_connections = limits.connections
        self.exchange = Exchange(market, seed)
        self.calls: Counter[str] = Counter()
        self.subscribed: list[tuple[str, ...]] = []
        self.sessions: list[Session] = []
        self.in_maintenance = False
        self.refused: set[str] = set()
        self.error_text: str | None = None
        self._limits = limits
        self._meters = Meters(limits, self.clock)
        self._too_many = 0
        self._ticks = 0
        self._methods: dict[str, Callable[[Row], Any]] = {
            **methods(self.exchange),
            "public/get_time": lambda _: int(self.now() * 1000),
            "public/status": lambda _: {"locked": "true" if self.in_maintenance else "false"},
            "public/test": lambda _: {"version": "1.2.26"},
        }
        self._session_methods: dict[str, Callable[[Session, Row], Any]] = {
            "public/set_heartbeat": self._set_heartbeat,
            "public/disable_heartbeat": self._disable_heartbeat,
            "public/subscribe": self._subscribe,
            "public/unsubscribe": self._unsubscribe,
            "public/unsubscribe_all": self._unsubscribe_all,
        }
        self._refresh()

    # JSON-RPC.

    def answer(self, asked: Asked) -> Answer:
        """A method over REST, with its parameters in the query."""
        reply = self._reply(asked.path, dict(asked.query), None)
        code = reply["error"]["code"] if "error" in reply else None
        status = 200 if code is None else 429 if code == TOO_MANY_REQUESTS else 400
        return Answer(msgspec.json.encode(reply), status)

    async def converse(self, wire: Wire) -> None:
        """Methods over a WebSocket, and the notifications they ask for."""
        session = Session(wire)
        self.sessions.append(session)
        try:
            async for text in wire:
                try:
                    request = msgspec.json.decode(text, type=_Request)
                except msgspec.DecodeError:
                    wire.push(b'{"jsonrpc":"2.0","error":{"code":-32700,"message":"Parse error"}}')
                    continue
                params = {} if request.params is None else request.params
                reply = self._reply(request.method, params, session)
                wire.push(msgspec.json.encode({"jsonrpc": "2.0", "id": request.id} | reply))
                if "error" in reply and reply["error"]["code"] == TOO_MANY_REQUESTS:
                    await wire.close(1008, "too_many_requests")
                for channel in session.greeted_next:
                    for data in self._state(channel):
                        self._notify(channel, data, [session])
                session.greeted_next = []
        finally:
            self.sessions.remove(session)
            if session.heartbeat is not None:
                session.heartbeat.cancel()

    def _reply(self, method: str, params: Row, session: Session | None) -> Row:
        arrived = int(self.now() * 1e6)
        self.calls[method] += 1
        reply: Row = {"jsonrpc": "2.0"}
        try:
            reply["result"] = self._call(method, params, session)
        except DeribitError as error:
            reply["error"] = {"code": error.code, "message": str(error) if self.error_text is None else self.error_text}
            if error.data is not None:
                reply["error"]["data"] = error.data
        left = int(self.now() * 1e6)
        return reply | {"usIn": arrived, "usOut": left, "usDiff": left - arrived, "testnet": True}

    def _call(self, method: str, params: Row, session: Session | None) -> Any:
        if method.startswith("private/"):
            raise DeribitError(13009, "unauthorized")
        if self._too_many > 0 or not self._meters.spend(method):
            self._too_many = max(self._too_many - 1, 0)
            raise DeribitError(TOO_MANY_REQUESTS, "too_many_requests")
        if self.in_maintenance and method not in ("public/test", "public/status"):
            raise DeribitError(11051, "system_maintenance")
        if method in self._methods:
            if session is not None and method == "public/test":
                session.alive = True
            return self._methods[method](params)
        if session is not None and method in self._session_methods:
            return self._session_methods[method](session, params)
        raise DeribitError(-32601, "Method not found")

    # Sessions.

    def _set_heartbeat(self, session: Session, params: Row) -> str:
        interval = integer(params, "interval")
        if interval < _SHORTEST_HEARTBEAT:
            raise invalid("interval", f"value must be >= {_SHORTEST_HEARTBEAT}")
        self._disable_heartbeat(session, params)
        session.alive = True
        session.heartbeat = asyncio.create_task(self._beat(session, interval))
        return "ok"

    def _disable_heartbeat(self, session: Session, _: Row) -> str:
        if session.heartbeat is not None:
            session.heartbeat.cancel()
        return "ok"

    def _subscribe(self, session: Session, params: Row) -> list[str]:
        asked = channels(params)
        self.subscribed.append(tuple(asked))
        if self._limits.channels_a_call is not None and len(asked) > self._limits.channels_a_call:
            raise DeribitError(-32600, "request entity too large")
        if any(name.endswith(".raw") for name in asked):
            raise DeribitError(13778, "raw_subscriptions_not_available_for_unauthorized")
        accepted = [name for name in asked if name not in self.refused and self._exists(name)]
        session.channels.update(accepted)
        session.greeted_next = accepted
        return sorted(set(accepted), reverse=True)

    def _unsubscribe(self, session: Session, params: Row) -> list[str]:
        left = [name for name in channels(params) if name in session.channels]
        session.channels.difference_update(left)
        return sorted(left, reverse=True)

    def _unsubscribe_all(self, session: Session, _: Row) -> str:
        session.channels.clear()
        return "ok"

    # Notifications.

    def publish(self) -> None:
        """Send every subscriber what changed."""
        self._refresh()
        self._ticks += 1
        wanted = {channel for session in self.sessions for channel in session.channels}
        for channel in sorted(wanted):
            for data in self._news(channel):
                self._notify(channel, data)

    def _refresh(self) -> None:
        self.exchange.refresh(self._ticked_at, int((self._ticked_at + self._skew) * 1000))

    def _notify(self, channel: str, data: Any, to: Iterable[Session] | None = None) -> None:
        params = {"channel": channel, "data": data}
        message = msgspec.json.encode({"jsonrpc": "2.0", "method": "subscription", "params": params})
        sessions = (session for session in self.sessions if channel in session.channels) if to is None else to
        self.tell(channel, message, [session.wire for session in sessions], first=to is not None)

    def _exists(self, channel: str) -> bool:
        match channel.split("."):
            case ["markprice", "options", index] | ["deribit_price_index", index]:
                return self.exchange.by_index(index) is not None
            case ["deribit_volatility_index", index]:
                return index in VOLATILITY_INDICES and self.exchange.by_index(index) is not None
            case ["ticker", name, "100ms" | "agg2"]:
                return self.exchange.ticker(name) is not None
            case ["trades", "option", currency, "100ms"] | ["instrument", "state", "option", currency]:
                return currency in CURRENCIES
            case ["platform_state"]:
                return True
        return False

    def _state(self, channel: str) -> list[Any]:
        """What a new subscriber is told at once."""
        match channel.split("."):
            case ["markprice", "options", index] if (book := self.exchange.by_index(index)) is not None:
                return [book.mark_prices()]
            case ["ticker", *_]:
                # The venue is known to send it twice.
                return self._steady(channel) * 2
            case ["trades", "option", currency, _]:
                trades = self.exchange.last_trades(currency, 1)["trades"]
                return [trades] if trades else []
            case ["platform_state"]:
                return [{"maintenance": self.in_maintenance}]
        return self._steady(channel)

    def _news(self, channel: str) -> list[Any]:
        """What subscribers are told after a step of the market."""
        match channel.split("."):
            case ["markprice", "options", index] if (book := self.exchange.by_index(index)) is not None:
                before = self.exchange.previous.get(book.series.root)
                return [book.mark_prices(None if before is None else book.changed_since(before))]
            case ["ticker", _, "agg2"] if self._ticks % 2:
                return []
        return self._steady(channel) + [data for at, data in self.exchange.events if at == channel]

    def _steady(self, channel: str) -> list[Any]:
        """What a channel that always has a value says."""
        match channel.split("."):
            case ["deribit_price_index", index] if (book := self.exchange.by_index(index)) is not None:
                return [{"timestamp": book.timestamp, "price": book.index_price, "index_name": index}]
            case ["deribit_volatility_index", index] if (book := self.exchange.by_index(index)) is not None:
                return [{"timestamp": book.timestamp, "volatility": book.volatility_index, "index_name": index}]
            case ["ticker", name, _] if (ticker := self.exchange.ticker(name)) is not None:
                return [ticker]
        return []

    async def _beat(self, session: Session, interval: int) -> None:
        while True:
            await self.clock.sleep(interval)
            if session.wire.held:
                continue
            if not session.alive:
                await session.wire.close(1000, "heartbeat")
                return
            session.alive = False
            for kind in ("heartbeat", "test_request"):
                message = {"jsonrpc": "2.0", "method": "heartbeat", "params": {"type": kind}}
                session.wire.push(msgspec.json.encode(message))

    # Faults of this venue's own.

    def too_many(self, calls: int = 1) -> None:
        """Refuse the next so many calls with 10028; over a WebSocket the session is closed as well."""
        self._too_many = calls

    def maintenance(self, on: bool) -> None:
        """Announce maintenance on ``platform_state`` and refuse every call but a test with 11051, or end that."""
        self.in_maintenance = on
        self._notify("platform_state", {"maintenance": on})

    def lock(self, index: str, on: bool) -> None:
        """Announce on ``platform_state`` that an index is locked, or no longer."""
        self._notify("platform_state", {"price_index": index, "locked": on})

    def refuse(self, *channels: str) -> None:
        """Leave these channels out of whatever is subscribed from now on; none for none."""
        self.refused = set(channels)

    def expire_next(self, root: str = "BTC") -> None:
        """Let the nearest expiry of a root (``BTC``, ``SOL_USDC``) expire now, before its time."""
        self.exchange.settle_next(root)
        self.publish()

    def list_new(self, root: str = "BTC") -> None:
        """List a strike more in the nearest expiry of a root."""
        self.exchange.list_strike(root)
        self.publish()

    def freeze_index(self) -> None:
        """Let index prices stay where they are while options go on, until `heal`."""
        self.exchange.index_frozen = True

    def heal(self) -> None:
        """End every fault; connections in a hole stay there."""
        super().heal()
        self._too_many = 0
        if self.in_maintenance:
            self.maintenance(False)
        self.refused = set()
        self.exchange.index_frozen = False
        self.error_text = None
