import pytest

from benchmarks import timing


def test_works_take_turns_and_the_first_round_only_warms_up(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    now = 0.0

    def work(name: str, seconds: list[float]) -> timing.Work:
        left = iter(seconds)

        def run() -> None:
            nonlocal now
            calls.append(name)
            now += next(left)

        return run

    monkeypatch.setattr(timing, "perf_counter", lambda: now)
    measured = timing.medians(
        {"one": work("one", [99.0, 1.0, 3.0, 2.0]), "two": work("two", [99.0, 5.0, 5.0, 80.0])}, rounds=3
    )
    assert calls == ["one", "two"] * 4
    assert measured == {"one": 2.0, "two": 5.0}
