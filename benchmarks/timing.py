"""Timing: medians of works that take turns, so that a busy machine is busy for all of them."""

from collections.abc import Callable, Mapping
from statistics import median
from time import perf_counter

Work = Callable[[], object]


def medians(works: Mapping[str, Work], rounds: int) -> dict[str, float]:
    """Seconds a call, by name: the median over ``rounds``, in each of which every work runs once; one more warms up."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(rounds + 1):
        for name, work in works.items():
            start = perf_counter()
            work()
            elapsed = perf_counter() - start
            if turn:
                seconds[name].append(elapsed)
    return {name: median(measured) for name, measured in seconds.items()}
