"""A flood of tickers: as many messages a second as are asked for, each of the time it is sent at."""

from collections.abc import Callable, Mapping
from itertools import cycle, islice
from typing import NoReturn

import msgspec

from gextui.simulator.bybit_exchange import Exchange
from gextui.simulator.faults import Wire
from gextui.sources.pacing import Clock

_EVERY = 0.02
"""Seconds between the parts of a flood."""

Listening = Mapping[str, list[Wire]]
"""Who listens to each topic."""


class Flood:
    """Pours over all topics in turn; a contract's data are encoded once a step of the market."""

    def __init__(
        self,
        exchange: Exchange,
        clock: Clock,
        *,
        now: Callable[[], float],
        listening: Callable[[], Listening],
        tell: Callable[[str, bytes, list[Wire]], None],
    ) -> None:
        """Prepare to ``tell`` those who are ``listening`` what the exchange says, at the venue's ``now``."""
        self._exchange = exchange
        self._clock = clock
        self._now = now
        self._listening = listening
        self._tell = tell
        self._step = -1
        self._encoded: dict[str, bytes] = {}

    async def pour(self, rate: float) -> NoReturn:
        """Send so many messages a second."""
        began, sent = self._clock.seconds(), 0
        topics: list[str] = []
        turn = cycle(topics)
        while True:
            await self._clock.sleep(_EVERY)
            wires = self._listening()
            tickers = [topic for topic in wires if topic.startswith("tickers.")]
            if topics != tickers:
                topics = tickers
                turn = cycle(topics)
            due = int((self._clock.seconds() - began) * rate) - sent
            sent += due
            for topic in islice(turn, due if topics else 0):
                if (message := self._message(topic)) is not None:
                    self._tell(topic, message, wires[topic])

    def _message(self, topic: str) -> bytes | None:
        if self._step != self._exchange.steps:
            self._step = self._exchange.steps
            self._encoded.clear()
        body = self._encoded.get(topic)
        if body is None:
            data = self._exchange.pushed(topic.partition(".")[2])
            body = self._encoded[topic] = b"" if data is None else msgspec.json.encode(data)
        if not body:
            return None
        now, name = int(self._now() * 1000), topic.encode()
        return b'{"topic":"%b","ts":%d,"type":"snapshot","id":"%b-%d-%d","data":%b}' % (name, now, name, now, now, body)
