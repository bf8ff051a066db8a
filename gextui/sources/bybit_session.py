"""Bybit's option protocol on one WebSocket: topics, acknowledgements and pings in JSON."""

import json
from collections import Counter
from collections.abc import Callable, Sequence

from gextui.sources.bybit_messages import Data, Push, Ticking, decode_push, decode_ticking
from gextui.sources.session import KeepAlive, Reading

TOPICS_A_REQUEST = 100
TOPICS_A_CONNECTION = 500
CHARACTERS_A_CONNECTION = 20_000
"""Of all its topics, a little below what the venue takes."""
PING = b'{"req_id":"ping","op":"ping"}'
KEEP_ALIVE = KeepAlive(PING, every=20.0)
"""The venue cuts whoever sends no such ping for 30 s, and heeds none of the protocol's."""
_FAILED = "the venue refuses the topic"


class BybitSession:
    """Implements `gextui.sources.session.Session`."""

    ready = True

    def __init__(
        self, hear: Callable[[Ticking], bool | None], take: Callable[[str, Push], bool], rejected: Counter[str]
    ) -> None:
        """Start a new connection's protocol.

        Args:
            hear: Takes a push in that is as it should be; whether it says anything new, None where it is to be taken.
            take: Takes one topic's push in; whether it says anything new. May raise `RejectedError`.
            rejected: Where what makes no sense is counted, by reason.
        """
        self._hear = hear
        self._take = take
        self._rejected = rejected
        self._last_id = 0
        self._asked: dict[str, Sequence[str]] = {}
        """Topics of each subscribe that was not answered, by its number."""
        self._answers: dict[str, list[bool]] = {}
        """For each topic, whether the answers still to come are to a subscribe."""
        self._names: dict[str, str] = {}
        """Each topic as it was asked for, so that only that text of it is kept."""
        self._held: set[str] = set()
        self._whole: dict[str, str] = {}
        """Topics that have sent a snapshot, likewise."""
        self._broken: set[str] = set()
        """Topics that were asked for once more, because they had not."""

    def greet(self) -> Sequence[bytes]:
        """Say at once that we are there."""
        return [PING]

    def subscribe(self, channels: Sequence[str]) -> Sequence[bytes]:
        """Requests of at most `TOPICS_A_REQUEST`; what is subscribed already is left first, or it would fail."""
        frames = list(self.unsubscribe([topic for topic in channels if topic in self._held]))
        self._names.update(zip(channels, channels, strict=True))
        for few in _chunks(channels):
            frames.append(self._request("subscribe", few))
            self._asked[str(self._last_id)] = few
        return frames

    def unsubscribe(self, channels: Sequence[str]) -> Sequence[bytes]:
        """Likewise."""
        for topic in channels:
            self._whole.pop(topic, None)
        return [self._request("unsubscribe", few) for few in _chunks(channels)]

    def read(self, frame: bytes) -> str | Reading | None:
        """Take one frame in; see `gextui.sources.session.Session`."""
        ticking = decode_ticking(frame)
        name = None if ticking is None else self._whole.get(ticking.topic)
        if ticking is not None and name is not None and (new := self._hear(ticking)) is not None:
            return name if new else None
        push = decode_push(frame)
        topic = push.topic
        if topic is None:
            return self._answer(push)
        if push.type == "delta":
            if topic not in self._whole:
                return self._break(topic)
        elif push.type != "snapshot" and push.type is not None:
            self._rejected["unknown type"] += 1
            return None
        elif topic not in self._whole:
            name = self._names.get(topic, topic)
            self._whole[name] = name
            self._broken.discard(topic)
        return self._whole.get(topic, topic) if self._take(topic, push) else None

    def _break(self, topic: str) -> Reading | None:
        """A change of what we never saw whole: dropped, and the whole is asked for, once."""
        self._rejected["change before its snapshot"] += 1
        if topic in self._broken:
            return None
        self._broken.add(topic)
        return Reading(again=(topic,))

    def _answer(self, message: Push) -> Reading | None:
        if isinstance(message.data, Data) and message.success is not None:
            return self._acknowledged(message.data.success_topics or (), message.data.fail_topics or ())
        if message.op == "subscribe" and message.success is False:
            return self._refused(message)
        if message.op not in ("pong", "ping"):
            self._rejected["unknown message"] += 1
        return None

    def _acknowledged(self, done: Sequence[str], failed: Sequence[str]) -> Reading:
        """An answer names its topics and not its request: those of one topic come in the order of its requests."""
        accepted = [self._names.get(topic, topic) for topic in done if self._is_subscribe(topic)]
        refused = [topic for topic in failed if self._is_subscribe(topic)]
        self._held.update(accepted)
        answered = {*done, *failed}
        self._asked = {number: topics for number, topics in self._asked.items() if not answered.issuperset(topics)}
        return Reading(accepted=tuple(accepted), refused=dict.fromkeys(refused, _FAILED))

    def _is_subscribe(self, topic: str) -> bool:
        """Whether the next answer about a topic is to a subscribe."""
        waiting = self._answers.pop(topic, [])
        if len(waiting) > 1:
            self._answers[topic] = waiting[1:]
        return bool(waiting) and waiting[0]

    def _refused(self, message: Push) -> Reading:
        """A request that failed as a whole: the one it names, or else the oldest."""
        number = message.req_id if message.req_id in self._asked else next(iter(self._asked), "")
        topics = [topic for topic in self._asked.pop(number, ()) if self._is_subscribe(topic)]
        reason = message.ret_msg if message.ret_msg else _FAILED
        return Reading(refused=dict.fromkeys(topics, reason))

    def _request(self, op: str, topics: Sequence[str]) -> bytes:
        self._last_id += 1
        subscribes = op == "subscribe"
        for topic in topics:
            self._answers.setdefault(topic, []).append(subscribes)
        if not subscribes:
            self._held.difference_update(topics)
        return json.dumps({"req_id": str(self._last_id), "op": op, "args": list(topics)}).encode()


def _chunks(topics: Sequence[str]) -> list[Sequence[str]]:
    return [topics[start : start + TOPICS_A_REQUEST] for start in range(0, len(topics), TOPICS_A_REQUEST)]
