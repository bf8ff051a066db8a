"""Run what gextui claims about speed: every module of this package that defines a ``run``, which returns figures."""

import inspect
import json
import pkgutil
from collections.abc import Callable
from functools import partial
from importlib import import_module

import click

import benchmarks

Run = Callable[..., dict[str, float]]


def runners(only: str | None = None) -> dict[str, Run]:
    """The benchmarks by name, or the one that is called ``only``; no other is imported then."""
    names = [module.name for module in pkgutil.iter_modules(benchmarks.__path__) if module.name != "__main__"]
    modules = {name: import_module(f"benchmarks.{name}") for name in names if only in (None, name)}
    return {name: module.run for name, module in modules.items() if hasattr(module, "run")}


@click.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
@click.option("--seconds", type=click.FloatRange(1.0), help="How long, for a benchmark that can take longer.")
def main(name: str | None, as_json: bool, seconds: float | None) -> None:
    """Run the benchmark NAME, or all of them."""
    chosen = runners(name)
    if not chosen:
        raise click.UsageError(f"no benchmark is called {name!r}: there are {', '.join(runners())}")
    if seconds is not None:
        chosen = {key: _lasting(key, run, seconds) for key, run in chosen.items()}
    results = {key: run() for key, run in chosen.items()}
    if as_json:
        click.echo(json.dumps(results if name is None else results[name], indent=2))
        return
    for key, figures in results.items():
        width = max(map(len, figures))
        click.echo("\n".join([key, *(f"  {figure:<{width}}  {value:10.3g}" for figure, value in figures.items())]))


def _lasting(name: str, run: Run, seconds: float) -> Run:
    """The benchmark, of so many seconds."""
    if "seconds" not in inspect.signature(run).parameters:
        raise click.UsageError(f"the benchmark {name} takes as long as it takes: leave out --seconds")
    return partial(run, seconds)


if __name__ == "__main__":
    main()
