"""The fence around work that may fail in ways nobody foresaw: the rest goes on, screen and log say what happened."""

import asyncio
import logging
from collections.abc import Awaitable
from typing import TypeVar

from gextui.market.text import clean_text
from gextui.sources.pacing import Clock

_logger = logging.getLogger(__name__)
_LOG_AGAIN_AFTER = 60.0
_T = TypeVar("_T")


async def settled(work: Awaitable[_T]) -> _T | BaseException:
    """What ``work`` returns or raises, as a value. Being cancelled oneself still raises."""
    [outcome] = await asyncio.gather(work, return_exceptions=True)
    return outcome


class Trouble:
    """What is wrong in one corner, as a sentence; the log hears of the same at most once a minute."""

    def __init__(self, name: str, clock: Clock) -> None:
        self.sentence = ""
        """For the screen; empty when all is well."""
        self._name = name
        self._clock = clock
        self._logged: tuple[str, float] | None = None

    def report(self, error: BaseException | None) -> None:
        """Tell of ``error``; None for work that should go on for ever and ended."""
        foreseen = error is None or isinstance(error, OSError) or type(error).__module__.startswith("gextui.")
        if error is None:
            self.sentence = f"{self._name} ended"
        elif isinstance(error, TimeoutError) and not str(error):
            self.sentence = f"{self._name} did not answer in time"
        elif foreseen:  # the messages of the house's own errors are plain sentences
            self.sentence = clean_text(str(error))
        else:
            self.sentence = f"{self._name} failed on an unexpected {type(error).__name__}; the log has the details"
        now = self._clock.seconds()
        if self._logged is None or self._logged[0] != self.sentence or now - self._logged[1] >= _LOG_AGAIN_AFTER:
            self._logged = self.sentence, now
            if foreseen:
                _logger.warning("%s: %s", self._name, self.sentence)
            else:
                _logger.error("%s: %s", self._name, self.sentence, exc_info=error)

    def clear(self) -> None:
        """All is well again."""
        self.sentence = ""
