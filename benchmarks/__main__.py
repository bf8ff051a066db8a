"""Run what gextui claims about speed: every module of this package that defines ``run() -> dict[str, float]``."""

import json
import pkgutil
from collections.abc import Callable
from importlib import import_module

import click

import benchmarks

Run = Callable[[], dict[str, float]]


def runners(only: str | None = None) -> dict[str, Run]:
    """The benchmarks by name, or the one that is called ``only``; no other is imported then."""
    names = [module.name for module in pkgutil.iter_modules(benchmarks.__path__) if module.name != "__main__"]
    modules = {name: import_module(f"benchmarks.{name}") for name in names if only in (None, name)}
    return {name: module.run for name, module in modules.items() if hasattr(module, "run")}


@click.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
def main(name: str | None, as_json: bool) -> None:
    """Run the benchmark NAME, or all of them."""
    chosen = runners(name)
    if not chosen:
        raise click.UsageError(f"no benchmark is called {name!r}: there are {', '.join(runners())}")
    results = {key: run() for key, run in chosen.items()}
    if as_json:
        click.echo(json.dumps(results if name is None else results[name], indent=2))
        return
    for key, figures in results.items():
        width = max(map(len, figures))
        click.echo("\n".join([key, *(f"  {figure:<{width}}  {value:10.3g}" for figure, value in figures.items())]))


if __name__ == "__main__":
    main()
