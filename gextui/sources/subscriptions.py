"""What a connection was asked for, what it has accepted, and how long each channel has been silent."""

from collections.abc import Iterable, Mapping

from gextui.market.text import clean_text
from gextui.sources.pacing import Clock
from gextui.sources.session import Channel

SILENT_AFTER = 10.0
"""Seconds without a message before any channel counts as silent; or three of its cadences, if that is longer."""
CADENCES = 3.0
ANSWER_WITHIN = 10.0
"""Seconds for a subscription to be answered before it is sent again."""
RETRY_REFUSED = 10.0
"""Seconds before a channel that the venue refused or left out is asked for again."""


class Subscriptions:
    """The channels that are wanted, over every connection; all else is of the present one."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.wanted: dict[str, Channel] = {}
        self.start_over()

    def start_over(self) -> None:
        """There is a new connection: nothing has been asked for."""
        self._asked_since: float | None = None
        self._asked: dict[str, float] = {}
        self._accepted: dict[str, float] = {}
        self._refused: dict[str, tuple[str, float]] = {}
        self._heard: dict[str, float] = {}

    # What happens.

    def want(self, channels: Iterable[Channel]) -> None:
        """Carry exactly these channels from now on."""
        self.wanted = {channel.name: channel for channel in channels}

    def ask(self, names: Iterable[str]) -> None:
        """These were asked for just now."""
        now = self._clock.seconds()
        if self._asked_since is None:
            self._asked_since = now
        self._asked.update(dict.fromkeys(names, now))

    def ask_again(self, names: Iterable[str]) -> None:
        """These are to be asked for once more."""
        for name in names:
            self._accepted.pop(name, None)
            self._asked.pop(name, None)

    def take(self, accepted: Iterable[str], refused: Mapping[str, str]) -> None:
        """The venue has answered."""
        now = self._clock.seconds()
        for name in accepted:
            self._accepted[name] = now
            self._asked.pop(name, None)
            self._refused.pop(name, None)
        for name, reason in refused.items():
            self._refused[name] = (clean_text(reason), now)
            self._asked.pop(name, None)

    def hear(self, names: Iterable[str], now: float) -> None:
        """Data of these channels came."""
        self._heard.update(dict.fromkeys(names, now))

    def drop_unwanted(self) -> list[str]:
        """The channels to unsubscribe from."""
        unwanted = [name for name in self._accepted if name not in self.wanted]
        for name in unwanted:
            del self._accepted[name]
        return unwanted

    # How things stand.

    @property
    def counts(self) -> tuple[int, int]:
        """How many of the wanted channels are subscribed, and how many are wanted."""
        return sum(name in self._accepted for name in self.wanted), len(self.wanted)

    @property
    def missing(self) -> dict[str, str]:
        """Wanted channels that the venue refused or left out, and why; may be asked from any thread."""
        return {name: reason for name, (reason, _) in self._refused.copy().items() if name in self.wanted}

    @property
    def due(self) -> list[str]:
        """What is to be asked for now."""
        now = self._clock.seconds()
        return [
            name
            for name in self.wanted
            if name not in self._accepted
            and now - self._asked.get(name, -ANSWER_WITHIN) >= ANSWER_WITHIN
            and now - self._refused.get(name, ("", -RETRY_REFUSED))[1] >= RETRY_REFUSED
        ]

    def still_asked(self, names: Iterable[str]) -> list[str]:
        """Those of the channels that have been asked for and not been answered."""
        return [name for name in names if name in self._asked]

    def age(self, name: str) -> float | None:
        """Seconds since the channel's last data; None before the first."""
        heard = self._heard.get(name)
        return None if heard is None else self._clock.seconds() - heard

    @property
    def speaking(self) -> list[str]:
        """The wanted channels that have a cadence."""
        return [name for name, channel in self.wanted.items() if channel.cadence is not None]

    def silent(self) -> list[str]:
        """Subscribed channels that have said nothing for longer than they should."""
        now = self._clock.seconds()
        return [
            name
            for name, since in self._accepted.items()
            if (channel := self.wanted.get(name)) is not None
            and channel.cadence is not None
            and now - max(self._heard.get(name, since), since) > longest_silence(channel.cadence)
        ]

    def unheard(self, seconds: float) -> list[str]:
        """Channels that were subscribed longer ago than that and have never said anything; of any cadence, or none."""
        now = self._clock.seconds()
        return [
            name
            for name, since in self._accepted.items()
            if name not in self._heard and name in self.wanted and now - since > seconds
        ]

    @property
    def quiet_for(self) -> float:
        """Seconds since any channel spoke, or since the first was asked for; 0 where nothing was."""
        if self._asked_since is None or not self.wanted:
            return 0.0
        return self._clock.seconds() - max(self._heard.values(), default=self._asked_since)


def longest_silence(cadence: float) -> float:
    """Seconds after which what speaks that often counts as silent."""
    return max(SILENT_AFTER, CADENCES * cadence)
