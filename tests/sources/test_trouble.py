"""Failures become sentences; the log is told once a minute."""

import asyncio
import logging

import pytest

from gextui.sources.source import BadInputError
from gextui.sources.trouble import Trouble, settled
from tests.support.clock import FakeClock


async def _raise(error: BaseException) -> None:
    raise error


class TestSettled:
    async def test_a_result_is_itself(self) -> None:
        assert await settled(asyncio.sleep(0, result=7)) == 7

    @pytest.mark.parametrize("error", [KeyError("x"), OSError("y"), asyncio.CancelledError()])
    async def test_an_error_is_a_value(self, error: BaseException) -> None:
        assert type(await settled(_raise(error))) is type(error)

    async def test_being_cancelled_still_raises(self) -> None:
        waiting = asyncio.create_task(settled(asyncio.Event().wait()))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (None, "venue ended"),
        (TimeoutError(), "venue did not answer in time"),
        (TimeoutError("no answer in 5 s"), "no answer in 5 s"),
        (ConnectionRefusedError("refused"), "refused"),
        (BadInputError("the file is empty"), "the file is empty"),
        (ZeroDivisionError("secret"), "venue failed on an unexpected ZeroDivisionError; the log has the details"),
        (asyncio.CancelledError(), "venue failed on an unexpected CancelledError; the log has the details"),
    ],
)
def test_what_the_screen_says(error: BaseException | None, sentence: str) -> None:
    trouble = Trouble("venue", FakeClock())
    trouble.report(error)
    assert trouble.sentence == sentence
    trouble.clear()
    assert trouble.sentence == ""


async def test_the_log_hears_of_the_same_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    clock = FakeClock()
    trouble = Trouble("venue", clock)
    for _ in range(100):
        trouble.report(OSError("gone"))
    assert [record.getMessage() for record in caplog.records] == ["venue: gone"]
    trouble.report(KeyError("other"))
    assert caplog.records[-1].levelno == logging.ERROR
    assert caplog.records[-1].exc_info is not None
    await clock.advance(60.0)
    trouble.report(KeyError("other"))
    assert len(caplog.records) == 3
