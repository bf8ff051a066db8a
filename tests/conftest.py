"""What every test may ask for."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support.idle import hasten

# How long a busy machine takes, for one example or to build tables for the first, says nothing of a test.
settings.register_profile("gextui", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("gextui")
hasten()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """A process more than there are cores: while one waits for a terminal or a socket the others work."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores + 1


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference figures and recorded data beside the repository; the test skips where it is absent."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not (folder / "quant").is_dir():
        pytest.skip("the folder of recorded data (../shared) is not here")
    return folder
