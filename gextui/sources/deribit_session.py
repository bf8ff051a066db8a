"""Deribit's JSON-RPC on one WebSocket: subscriptions, heartbeats and what the platform says of itself."""

import json
from collections.abc import Callable, Sequence

import msgspec

from gextui.sources.decoding import decode, texts
from gextui.sources.deribit_messages import (
    MAINTENANCE,
    Error,
    Frame,
    PlatformState,
    Tick,
    decode_frame,
    decode_tick,
)
from gextui.sources.session import Reading, RejectedError

CHANNELS_A_CALL = 200
"""A larger call is refused as a whole."""
HEARTBEAT_SECONDS = 30
PLATFORM_STATE = "platform_state"
IN_MAINTENANCE = "venue maintenance"
_SILENTLY_LEFT_OUT = "the venue left it out"


class DeribitSession:
    """Implements `gextui.sources.session.Session`."""

    ready = True

    def __init__(
        self,
        hear: Callable[[str, Tick], bool],
        take: Callable[[str, msgspec.Raw], bool],
        answered: Callable[[Frame], None],
    ) -> None:
        """Start a new connection's protocol.

        Args:
            hear: Takes a ticker in that is as it should be; whether that was possible, or else it is to be taken.
            take: Takes one channel's data in; whether any of it could be used. May raise `RejectedError`.
            answered: Is told of every frame that is no notification.
        """
        self._hear = hear
        self._take = take
        self._answered = answered
        self._last_id = 0
        self._subscribing: dict[float, Sequence[str]] = {}
        self._refused_for_maintenance = False

    def greet(self) -> Sequence[bytes]:
        """Ask for heartbeats, without which the venue does not notice that we are gone."""
        return [self._call("public/set_heartbeat", interval=HEARTBEAT_SECONDS)]

    def subscribe(self, channels: Sequence[str]) -> Sequence[bytes]:
        """Calls of at most `CHANNELS_A_CALL` channels."""
        calls = []
        for few in _chunks(channels):
            calls.append(self._call("public/subscribe", channels=few))
            self._subscribing[self._last_id] = few
        return calls

    def unsubscribe(self, channels: Sequence[str]) -> Sequence[bytes]:
        """Likewise; the answers are of no interest."""
        return [self._call("public/unsubscribe", channels=few) for few in _chunks(channels)]

    def read(self, frame: bytes) -> str | Reading | None:
        """Take one frame in; see `gextui.sources.session.Session`."""
        ticking = decode_tick(frame)
        if ticking is not None and self._hear(*ticking):
            return ticking[0]
        message = decode_frame(frame)
        if message.params is not None and message.method == "subscription":
            channel = message.params.channel
            if not isinstance(channel, str):
                raise RejectedError("schema")
            used = self._take(channel, message.params.data)
            if channel == PLATFORM_STATE:
                return _maintenance(decode(message.params.data, PlatformState))
            return channel if used else None
        if message.params is not None and message.method == "heartbeat":
            return Reading(replies=(self._call("public/test"),)) if message.params.type == "test_request" else None
        self._answered(message)
        return self._answer(message)

    def _answer(self, message: Frame) -> Reading | None:
        asked = self._subscribing.pop(message.id, None) if isinstance(message.id, float) else None
        if message.error is not None:
            self._refused_for_maintenance = message.error.code in MAINTENANCE
            trouble = IN_MAINTENANCE if self._refused_for_maintenance else None
            return Reading(refused=dict.fromkeys(asked or (), error_words(message.error)), trouble=trouble)
        if asked is None:
            return None
        recovered, self._refused_for_maintenance = self._refused_for_maintenance, False
        accepted = set(texts(decode(message.result, list[str | float | bool | None])))
        return Reading(
            accepted=tuple(channel for channel in asked if channel in accepted),
            refused={channel: _SILENTLY_LEFT_OUT for channel in asked if channel not in accepted},
            trouble="" if recovered else None,
        )

    def _call(self, method: str, **params: object) -> bytes:
        self._last_id += 1
        return json.dumps({"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": params}).encode()


def _maintenance(state: PlatformState) -> Reading:
    if not isinstance(state.maintenance, bool):
        return Reading(data=(PLATFORM_STATE,))
    return Reading(data=(PLATFORM_STATE,), trouble=IN_MAINTENANCE if state.maintenance else "")


def error_words(error: Error) -> str:
    """The venue's own words for an error, with its code."""
    code = f" ({error.code:g})" if isinstance(error.code, float) else ""
    return f"{error.message}{code}" if isinstance(error.message, str) else f"an error without words{code}"


def _chunks(channels: Sequence[str]) -> list[Sequence[str]]:
    return [channels[start : start + CHANNELS_A_CALL] for start in range(0, len(channels), CHANNELS_A_CALL)]
