"""Tasks that should go on for ever."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Self


class Workers:
    """Tasks that should go on for ever; an asynchronous context manager that ends them all."""

    def __init__(self, ended: asyncio.Event) -> None:
        """Set ``ended`` whenever one ends, which it should not."""
        self._ended = ended
        self._tasks: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def start(self, job: Coroutine[Any, Any, object]) -> asyncio.Task[Any]:
        """Let it run."""
        task = asyncio.create_task(job)
        self._tasks.add(task)
        task.add_done_callback(lambda _: self._ended.set())
        return task

    def end(self, task: asyncio.Task[Any]) -> None:
        """Let one run no longer."""
        self._tasks.discard(task)
        task.cancel()

    def check(self) -> None:
        """Raise what one of them has raised."""
        for task in self._tasks:
            if task.done():
                task.result()
