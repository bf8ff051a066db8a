"""A simulated Bybit v5: REST with cursors, the public option WebSocket, limits, and its own ways to fail."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from gextui.simulator.bybit_exchange import NO_SUCH_ROUTE, BybitError, Exchange, Query
from gextui.simulator.bybit_flood import Flood
from gextui.simulator.bybit_rows import Row
from gextui.simulator.faults import Wire
from gextui.simulator.http_venue import Answer, Asked, Market
from gextui.simulator.meter import Meter
from gextui.simulator.venue import Venue
from gextui.sources.pacing import Clock

TOO_MANY_VISITS = 10006
REGION_RESTRICTED = 10009
SERVER_ERROR = 10016


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the venue allows; None is not metered."""

    visits: tuple[float, float] | None = (600.0, 120.0)
    """REST calls of one address at once, and how many come back a second."""
    args: int = 2000
    """Topics of one connection."""
    args_characters: int = 21_000
    """Of all topics of one connection together: the strictest reading of what is published."""
    ping_within: float | None = 30.0
    """Seconds after which a connection that sent no ping is cut."""


PUBLISHED = Limits()
"""What the venue and its clients' makers say."""


class _Request(msgspec.Struct):
    op: str = ""
    req_id: str | None = None
    args: list[str] = []


class Session:
    """One client on the WebSocket."""

    def __init__(self, wire: Wire, number: int) -> None:
        self.wire = wire
        self.conn_id = f"aa01fbfffe80af37-00000001-{number:08x}-7147f432704fd28c-00e1c172"
        self.topics: dict[str, None] = {}
        """In the order they were asked for."""
        self.pinged_at = 0.0
        """By the clock's seconds."""


class BybitVenue(Venue):
    """Bybit on loopback. Everything it serves is simulated, and every REST answer says so in ``retExtInfo``.

    Attributes:
        exchange: What it lists and quotes.
        calls: How often each REST path was asked for.
        sessions: The open ones.
        subscribed: The arguments of each subscribe, in order.
        pings: How many JSON pings came.
        in_maintenance: Whether it says so, says nothing else and answers nothing else.
        refused: Topics that a subscribe names among those that failed.
        data_first: Whether a subscription's first data come before its answer.
        error_text: The words of every error; None for the venue's own.
    """

    rest_path = ""
    ws_path = "/v5/public/option"

    def __init__(
        self, market: Market, *, clock: Clock | None = None, speed: float = 1.0, limits: Limits = PUBLISHED
    ) -> None:
        """Serve ``market``, whose time starts when this is made and runs ``speed`` times as fast as the clock."""
        super().__init__(market, clock=clock, speed=speed)
        self.exchange = Exchange(market)
        self.calls: Counter[str] = Counter()
        self.sessions: list[Session] = []
        self.subscribed: list[tuple[str, ...]] = []
        self.pings = 0
        self.in_maintenance = False
        self.refused: set[str] = set()
        self.data_first = False
        self.error_text: str | None = None
        self._limits = limits
        self._visits = None if limits.visits is None else Meter(self.clock, *limits.visits)
        self._failing: list[BybitError] = []
        self._replayed: dict[str, bytes] | None = None
        self._sequence = 2_480_334_983
        self._flood: asyncio.Task[None] | None = None
        self._refresh()

    @property
    def ws_url(self) -> str:
        """Where its WebSockets are; a client adds the path of the one it wants."""
        return super().ws_url.removesuffix(self.ws_path)

    # REST.

    def answer(self, asked: Asked) -> Answer:
        """A GET, in the venue's envelope whatever comes of it."""
        self.calls[asked.path] += 1
        if self._visits is not None and not self._visits.spend():
            return Answer(b"access too frequent", 403, {"Content-Type": "text/plain"})
        try:
            result, code, words = self._result(asked.path, asked.query), 0, "OK"
        except BybitError as error:
            result, code = {}, error.code
            words = str(error) if self.error_text is None else self.error_text
        envelope = {
            "retCode": code,
            "retMsg": words,
            "result": result,
            "retExtInfo": {"simulated": True},
            "time": int(self.now() * 1000),
        }
        headers = {"Content-Type": "application/json"}
        if code == TOO_MANY_VISITS:
            headers["X-Bapi-Limit-Reset-Timestamp"] = str(int((self.now() + 7.0) * 1000))
        return Answer(msgspec.json.encode(envelope), 404 if code == NO_SUCH_ROUTE else 200, headers)

    def _result(self, path: str, query: Query) -> Row:
        if path == "v5/system/status":
            return {"list": [self._status()]}
        if self._failing:
            raise self._failing.pop(0)
        if self.in_maintenance:
            raise BybitError(SERVER_ERROR, "Server error")
        if path not in self.exchange.methods:
            raise BybitError(NO_SUCH_ROUTE, "Route not found")
        return self.exchange.methods[path](query)

    def _status(self) -> Row:
        begin = int(self.now() * 1000) - 60_000
        return {
            "id": "4d95b2a0-587f-11f0-bcc9-56f28c94d6ea",
            "title": "Options maintenance",
            "state": "ongoing" if self.in_maintenance else "completed",
            "begin": str(begin),
            "end": str(begin + 3_600_000),
            "href": "",
            "serviceTypes": [2, 3, 4, 5],
            "product": [3],
            "uidSuffix": [],
            "maintainType": 1,
            "env": 1,
        }

    # The WebSocket.

    async def converse(self, wire: Wire) -> None:
        """Subscriptions, pings, and what was subscribed to."""
        session = Session(wire, self.connects)
        session.pinged_at = self.clock.seconds()
        self.sessions.append(session)
        cutting = asyncio.create_task(self._cut(session))
        try:
            async for text in wire:
                try:
                    request = msgspec.json.decode(text, type=_Request)
                except msgspec.DecodeError:
                    self._reply(session, {"success": False, "ret_msg": "Params Error", "op": ""})
                    continue
                self._take(session, request)
        finally:
            cutting.cancel()
            self.sessions.remove(session)

    async def _cut(self, session: Session) -> None:
        """Break off without a word where no ping comes."""
        within = self._limits.ping_within
        while within is not None:
            left = session.pinged_at + within - self.clock.seconds()
            if left <= 0.0:
                session.wire.transport.abort()
                return
            await self.clock.sleep(left)

    def _take(self, session: Session, request: _Request) -> None:
        match request.op:
            case "ping":
                self.pings += 1
                session.pinged_at = self.clock.seconds()
                session.wire.push(msgspec.json.encode({"args": [str(int(self.now() * 1000))], "op": "pong"}))
            case "subscribe":
                self._subscribe(session, request.args)
            case "unsubscribe":
                left = [topic for topic in request.args if topic in session.topics]
                for topic in left:
                    del session.topics[topic]
                self._respond(session, left, [topic for topic in request.args if topic not in left])
            case _:
                self._reply(session, {"success": False, "ret_msg": "Params Error", "op": request.op})

    def _subscribe(self, session: Session, topics: Sequence[str]) -> None:
        self.subscribed.append(tuple(topics))
        held = [*session.topics, *topics]
        if len(held) > self._limits.args:
            words = f"args size: {len(held)}, over limit {self._limits.args}"
        elif (characters := sum(map(len, held))) > self._limits.args_characters:
            words = f"args length: {characters}, over limit {self._limits.args_characters}"
        else:
            words = ""
        if words:
            said = words if self.error_text is None else self.error_text
            self._reply(session, {"success": False, "ret_msg": said, "op": "subscribe"})
            return
        accepted = [topic for topic in topics if topic not in session.topics and self._exists(topic)]
        session.topics.update(dict.fromkeys(accepted))
        if not self.data_first:
            self._respond(session, accepted, [topic for topic in topics if topic not in accepted])
        for topic in accepted:
            if topic.startswith("tickers."):
                self._push(topic, [session.wire], first=True)
        if self.data_first:
            self._respond(session, accepted, [topic for topic in topics if topic not in accepted])

    def _exists(self, topic: str) -> bool:
        """Whether a topic is accepted; whether anything will ever be said of it is another matter."""
        if topic in self.refused:
            return False
        kind, _, subject = topic.partition(".")
        if kind == "publicTrade":
            return subject in self.exchange.books
        coin_alone = subject in self.exchange.books
        found = self.exchange.find(subject) is not None
        return kind == "tickers" and (found or coin_alone or self.exchange.is_displayed(subject))

    def _respond(self, session: Session, done: Sequence[str], failed: Sequence[str]) -> None:
        data = {"failTopics": list(failed), "successTopics": list(done)}
        self._reply(session, {"success": True, "data": data, "type": "COMMAND_RESP"})

    def _reply(self, session: Session, reply: Row) -> None:
        session.wire.push(msgspec.json.encode(reply | {"conn_id": session.conn_id}))

    # What it pushes.

    def publish(self) -> None:
        """Push the ticker of every topic that somebody listens to, and the trades."""
        self._refresh()
        if self.in_maintenance or self._flood is not None:
            return
        wires = self._listening()
        for topic, listeners in wires.items():
            self._push(topic, listeners)

    def _listening(self) -> dict[str, list[Wire]]:
        """Who listens to each topic."""
        wires: dict[str, list[Wire]] = {}
        for session in self.sessions:
            for topic in session.topics:
                wires.setdefault(topic, []).append(session.wire)
        return wires

    def _refresh(self) -> None:
        self.exchange.refresh(self._ticked_at, int((self._ticked_at + self._skew) * 1000))

    def _push(self, topic: str, wires: Sequence[Wire], *, first: bool = False) -> None:
        message = self._message(topic) if self._replayed is None else self._replayed.get(topic)
        if message is not None and not self.in_maintenance:
            self.tell(topic, message, wires, first=first)

    def _message(self, topic: str) -> bytes | None:
        """What a topic says now; None for nothing."""
        kind, _, subject = topic.partition(".")
        trades = kind == "publicTrade"
        data: Row | list[Row] | None = self.exchange.trades.get(subject) if trades else self.exchange.pushed(subject)
        if not data:
            return None
        self._sequence += 1
        now = int((self._ticked_at + self._skew) * 1000)
        return msgspec.json.encode(
            {"id": f"{topic}-{self._sequence}-{now}", "topic": topic, "ts": now, "type": "snapshot", "data": data}
        )

    # Faults of this venue's own.

    def fail(self, code: int, words: str, calls: int = 1) -> None:
        """Answer the next so many REST calls with this ``retCode``."""
        self._failing += [BybitError(code, words)] * calls

    def ban(self) -> None:
        """Answer every request and handshake with the HTTP 403 of an address that asked too often, until `heal`."""
        self.answer_with(403, b"access too frequent", {"Content-Type": "text/plain"})

    def maintenance(self, on: bool) -> None:
        """Say nothing and answer no call but the one for the system's status, which tells of it; or end that."""
        self.in_maintenance = on

    def refuse(self, *topics: str) -> None:
        """Let these topics fail in whatever is subscribed from now on; none for none."""
        self.refused = set(topics)

    def replay(self) -> None:
        """Say from now on what is true at this instant, times and all, until `heal`."""
        books = self.exchange.books.values()
        topics = [f"tickers.{symbol}" for book in books for symbol in book.symbols]
        self._replayed = {topic: message for topic in topics if (message := self._message(topic)) is not None}

    def expire_next(self, coin: str = "BTC") -> None:
        """Let the nearest expiry of a coin expire now, before its time."""
        self.exchange.settle_next(coin)
        self.publish()

    def list_new(self, coin: str = "BTC") -> None:
        """List a strike more in the nearest expiry of a coin."""
        self.exchange.list_strike(coin)
        self.publish()

    def flood(self, messages_a_second: float) -> None:
        """Push so many messages a second over all topics in turn, each of the time it is sent at; until `heal`."""
        self._stop_flood()
        flood = Flood(self.exchange, self.clock, now=self.now, listening=self._listening, tell=self.tell)
        self._flood = asyncio.create_task(flood.pour(messages_a_second))

    def _stop_flood(self) -> None:
        if self._flood is not None:
            self._flood.cancel()
            self._flood = None

    async def __aexit__(self, *error: object) -> None:
        self._stop_flood()
        await super().__aexit__(*error)

    def heal(self) -> None:
        """End every fault; connections in a hole stay there."""
        super().heal()
        self._stop_flood()
        self._failing.clear()
        self._replayed = None
        self.in_maintenance = self.data_first = False
        self.refused = set()
        self.error_text = None
        self.exchange.lacking = set()
        self.exchange.names_as_displayed = False
