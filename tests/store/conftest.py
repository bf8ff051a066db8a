"""A store in a folder of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from gextui.store.store import Store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database of the test lies."""
    return tmp_path / "gextui.db"


@pytest_asyncio.fixture
async def store(path: Path) -> AsyncIterator[Store]:
    """An open, empty store."""
    store = await Store.open(path)
    yield store
    await store.close()
