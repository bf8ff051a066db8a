"""Housekeeping commands: doctor, config, db."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from gextui.console import Exit, Instant, Stop, give, read_settings, tell

if TYPE_CHECKING:
    from datetime import datetime

    from gextui.store.store import Store

_T = TypeVar("_T")


@click.command()
@click.pass_obj
def doctor(config: Path | None, /) -> int:
    """Say what works here, and what to do about what does not."""
    from gextui.doctor import examine

    findings = list(examine(config))
    give("".join(f"{finding}\n" for finding in findings))
    return next((finding.code for finding in findings if finding.code), Exit.OK)


@click.group("config")
def configuration() -> None:
    """Where config.toml is, a first one, and whether it is right."""


@configuration.command("path")
@click.pass_obj
def config_path(config: Path | None, /) -> None:
    """Print where config.toml is looked for."""
    from gextui import config as settings

    give(f"{config or settings.config_path()}\n")


@configuration.command("init")
@click.pass_obj
def config_init(config: Path | None, /) -> None:
    """Write a config.toml that shows every key with its default; never over an existing one."""
    from gextui import config as settings

    path = config or settings.config_path()
    try:
        settings.write_example(path)
    except OSError as error:
        reason = "it exists already and is left as it is" if isinstance(error, FileExistsError) else error.strerror
        raise Stop(Exit.CANNOT_CREATE, f"{path} is not written: {reason}") from None
    give(f"{path}\n")


@configuration.command("check")
@click.pass_obj
def config_check(config: Path | None, /) -> None:
    """Read config.toml and say what is wrong with it."""
    from gextui import config as settings
    from gextui.ui.actions import read_keymap
    from gextui.ui.themes import THEMES

    read = read_settings(config)
    wrong = read_keymap(read.keys)[1]
    if read.general.theme and read.general.theme not in THEMES:
        wrong.append(f"general.theme: no theme is called {read.general.theme}; there are {', '.join(THEMES)}")
    if wrong:
        raise Stop(Exit.CONFIGURATION, "; ".join(wrong))
    path = config or settings.config_path()
    give(f"{path}: {'all is well' if path.exists() else 'not there, so every default holds'}\n")


@click.group("db")
def database() -> None:
    """The database of what was recorded: whether it is whole, a copy, CSV, and forgetting what is old."""


@database.command("check")
@click.pass_obj
def db_check(config: Path | None, /) -> int:
    """Check the file and every chain in it."""
    found = _with_store(config, lambda store: store.check(), read_only=True)
    give(f"{found.chains:,} chains, {found.damaged:,} damaged\n")
    for problem in found.problems:
        tell(problem)
    return Exit.BAD_INPUT if found.problems or found.damaged else Exit.OK


@database.command("backup")
@click.argument("target", type=click.Path(path_type=Path))
@click.pass_obj
def db_backup(config: Path | None, /, target: Path) -> None:
    """Write a copy to the new file TARGET; recording goes on meanwhile."""
    _with_store(config, lambda store: store.backup(target), read_only=True)
    give(f"{target}\n")


@database.command("export")
@click.argument("tickers", nargs=-1, required=True, metavar="TICKER ...")
@click.option("--since", type=Instant(), help="From this instant on, e.g. 2026-11-20T14:30:00Z.")
@click.option("--until", type=Instant(), help="Up to this instant.")
@click.pass_obj
def db_export(
    config: Path | None, /, tickers: tuple[str, ...], since: "datetime | None", until: "datetime | None"
) -> None:
    """Print the chains that were recorded as CSV, which `gextui open` and --file read."""
    from gextui.market.ticker import ticker_for
    from gextui.sources.export import HEADING, csv_rows

    async def export(store: "Store") -> bool:
        found = False
        for ticker in map(ticker_for, tickers):
            async for chain in store.recorded(ticker, since, until):
                give(csv_rows(chain) if found else HEADING + csv_rows(chain))
                found = True
        return found

    if not _with_store(config, export, read_only=True):
        raise Stop(Exit.NO_INPUT, f"nothing is recorded of {', '.join(tickers)} then")


@database.command("prune")
@click.pass_obj
def db_prune(config: Path | None, /) -> None:
    """Forget what is older than config.toml's [storage] says."""
    from datetime import UTC, datetime

    from gextui.live import retention_of

    retention = retention_of(read_settings(config).storage)
    gone = _with_store(config, lambda store: store.prune(retention, datetime.now(UTC)), read_only=False)
    give(f"{gone.chains:,} chains and {gone.levels:,} levels are gone\n")


def _with_store(config: Path | None, work: "Callable[[Store], Awaitable[_T]]", *, read_only: bool) -> _T:
    """What ``work`` answers on the user's database, which must be there."""
    import asyncio

    from gextui.config import database_path
    from gextui.store.database import StoreError
    from gextui.store.store import Store

    path = database_path(read_settings(config))

    async def run() -> _T:
        store = await Store.open(path, read_only=read_only)
        try:
            if store.refused is not None:
                raise store.refused
            if store.notice:  # e.g. that a damaged file was put aside
                tell(store.notice)
            return await work(store)
        finally:
            await store.close()

    if not path.exists():
        raise Stop(Exit.NO_INPUT, f"{path} does not exist: nothing has been recorded yet")
    try:
        return asyncio.run(run())
    except StoreError as error:
        raise Stop(Exit(error.exit_code), str(error)) from None
