import json

import pytest
from click.testing import CliRunner

from benchmarks import __main__ as cli


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(seconds: float = 7.0) -> dict[str, float]:
        return {"ratio": seconds}

    runners: dict[str, cli.Run] = {"fast": lambda: {"ratio": 2.5, "longer_ms": 0.125}, "slow": slow}

    def chosen(only: str | None = None) -> dict[str, cli.Run]:
        return {name: run for name, run in runners.items() if only in (None, name)}

    monkeypatch.setattr(cli, "runners", chosen)


def test_every_module_that_runs_is_a_benchmark() -> None:
    assert "engine" in cli.runners()
    assert "timing" not in cli.runners()
    assert list(cli.runners("engine")) == ["engine"]
    assert cli.runners("timing") == {}


@pytest.mark.usefixtures("known")
def test_one_benchmark_as_json_is_its_figures() -> None:
    result = CliRunner().invoke(cli.main, ["fast", "--json"])
    assert result.exit_code == 0
    assert json.loads(result.output) == {"ratio": 2.5, "longer_ms": 0.125}


@pytest.mark.usefixtures("known")
def test_all_of_them_as_json_are_by_name() -> None:
    result = CliRunner().invoke(cli.main, ["--json"])
    assert json.loads(result.output) == {"fast": {"ratio": 2.5, "longer_ms": 0.125}, "slow": {"ratio": 7.0}}


@pytest.mark.usefixtures("known")
def test_people_get_a_table() -> None:
    result = CliRunner().invoke(cli.main, [])
    assert result.output.splitlines() == [
        "fast",
        "  ratio             2.5",
        "  longer_ms       0.125",
        "slow",
        "  ratio           7",
    ]


@pytest.mark.usefixtures("known")
def test_an_unknown_name_is_told_what_there_is() -> None:
    result = CliRunner().invoke(cli.main, ["quick"])
    assert result.exit_code == 2
    assert "no benchmark is called 'quick': there are fast, slow" in result.output


@pytest.mark.usefixtures("known")
def test_one_that_can_may_take_longer() -> None:
    result = CliRunner().invoke(cli.main, ["slow", "--json", "--seconds", "600"])
    assert json.loads(result.output) == {"ratio": 600.0}
    result = CliRunner().invoke(cli.main, ["fast", "--seconds", "600"])
    assert result.exit_code == 2
    assert "the benchmark fast takes as long as it takes: leave out --seconds" in result.output
