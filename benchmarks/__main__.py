"""Run what gextui claims about speed: every module of this package that defines ``run() -> dict[str, float]``."""

import json
import pkgutil
from collections.abc import Callable
from importlib import import_module

import click

import benchmarks

Run = Callable[[], dict[str, float]]


def runners() -> dict[str, Run]:
    """The benchmarks by name."""
    modules = {module.name: import_module(f"benchmarks.{module.name}") for module in _modules()}
    return {name: module.run for name, module in modules.items() if hasattr(module, "run")}


def _modules() -> list[pkgutil.ModuleInfo]:
    return [module for module in pkgutil.iter_modules(benchmarks.__path__) if module.name != "__main__"]


@click.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
def main(name: str | None, as_json: bool) -> None:
    """Run the benchmark NAME, or all of them."""
    known = runners()
    if name is not None and name not in known:
        raise click.UsageError(f"no benchmark is called {name!r}: there are {', '.join(known)}")
    chosen = known if name is None else {name: known[name]}
    results = {key: run() for key, run in chosen.items()}
    if as_json:
        click.echo(json.dumps(results if name is None else results[name], indent=2))
        return
    for key, figures in results.items():
        width = max(map(len, figures))
        click.echo("\n".join([key, *(f"  {figure:<{width}}  {value:10.3g}" for figure, value in figures.items())]))


if __name__ == "__main__":
    main()
