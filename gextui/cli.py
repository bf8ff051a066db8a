"""The command line: each command a thin function. What is heavy is imported where it is used."""

import gc
import os
from collections.abc import Container, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from gextui import __version__
from gextui.console import Commands, Exit, Instant, Number, Stop, give, options, read_settings, tell
from gextui.housekeeping import configuration, database, doctor
from gextui.readings import live_tickers, read_boards, read_files

if TYPE_CHECKING:
    from datetime import datetime

    from gextui.config import Settings
    from gextui.desk import Desk
    from gextui.exposure.board import Board
    from gextui.ui.watchlist import Editable, Watchlist

DISPLAY = options(
    click.option("--theme", metavar="NAME", help="A theme's name."),
    click.option("--ascii", "ascii_only", is_flag=True, help="Draw with plain ASCII."),
    click.option("--mouse", is_flag=True, help="React to the mouse (the terminal's own selection stops working)."),
    click.option("--plain-display", is_flag=True, help="Write whole frames instead of only the cells that changed."),
)
INPUT = options(
    click.option("--as-of", type=Instant(), help="The chain's instant, where the file lacks or misstates it."),
    click.option("--spot", type=Number(1e-9, 1e12, "a price"), help="Price of the underlying, likewise."),
    click.option("--rate", type=Number(-0.05, 0.5, "a fraction"), help="Interest rate a year, e.g. 0.043."),
)
FILTERS = options(
    click.option(
        "--expiry",
        default="all",
        metavar="WHICH",
        help="all, front, 0dte, week, monthly, 7d (days), or dates 2026-11-20,2026-11-27.",
    ),
    click.option("--max-dte", type=Number(1e-6, 36500, "a number of days"), help="Only expiries within so many days."),
    click.option(
        "--strike-range", metavar="PCT", type=Number(1e-6, 1000, "a percentage"), help="Only strikes so near spot."
    ),
    click.option(
        "--weight",
        type=click.Choice(["open_interest", "volume", "active"]),
        default="open_interest",
        show_default=True,
        help="What counts at a strike; active is open interest new since yesterday.",
    ),
    click.option(
        "--sign",
        type=click.Choice(["dealer_long_calls", "dealer_short_both", "customer"]),
        default="dealer_long_calls",
        show_default=True,
        help="Who is assumed to hold what.",
    ),
)
FILE = click.option(
    "--file", "files", metavar="FILE", multiple=True, type=click.Path(path_type=Path), help="A recorded chain."
)


@click.group(cls=Commands, subcommand_metavar="[TICKER ... | COMMAND ...]", context_settings={"max_content_width": 100})
@click.version_option(__version__, prog_name="gextui", message="%(prog)s %(version)s")
@click.option(
    "--config", metavar="FILE", type=click.Path(path_type=Path), help="Read this config.toml instead of the user's."
)
@click.option("--debug", is_flag=True, help="Show where a bug happened.")
@click.pass_context
def commands(ctx: click.Context, config: Path | None, debug: bool) -> None:
    """Options gamma exposure in the terminal: where dealers' hedging pushes or holds the price.

    With tickers, or with nothing, gextui shows them live.
    """
    ctx.obj = config


for command in (doctor, configuration, database):
    commands.add_command(command)


@commands.command(hidden=True)
@click.argument("tickers", nargs=-1, metavar="[TICKER ...]")
@DISPLAY
@click.pass_obj
def live(config: Path | None, /, tickers: tuple[str, ...], **display: Any) -> int:
    """Show tickers live."""
    from gextui.live import LiveCatalogue, live_desk
    from gextui.ui.watchlist import Editable, Watchlist

    settings = read_settings(config)
    watchlist = (None if tickers else kept_watchlist("state.json")) or Watchlist.of(live_tickers(settings, tickers))
    check_terminal()
    catalogue = LiveCatalogue(settings)
    desk = live_desk(settings, watchlist.routes(catalogue))
    return show(desk, settings, "state.json", Editable(watchlist, catalogue, kept=not tickers), **display)


@commands.command()
@click.argument("tickers", nargs=-1, metavar="[TICKER ...]")
@click.pass_obj
def record(config: Path | None, /, tickers: tuple[str, ...]) -> None:
    """Record tickers to the database, without a screen, until Ctrl-C or SIGTERM.

    One process records at a time; a dashboard beside it shows what that records.
    """
    from gextui.config import database_path
    from gextui.live import retention_of, routes_of
    from gextui.live_sources import LiveSources
    from gextui.recorder import Recorder
    from gextui.store.database import StoreError

    settings = read_settings(config)
    routes = routes_of(settings, live_tickers(settings, tickers))
    try:
        Recorder(routes, LiveSources(settings), database_path(settings), retention_of(settings.storage)).run()
    except StoreError as error:
        raise Stop(Exit(error.exit_code), str(error)) from None


@commands.command()
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=1, show_default=True, help="Which market.")
@DISPLAY
@click.pass_obj
def demo(config: Path | None, /, seed: int, **display: Any) -> int:
    """The dashboard on a simulated market: no account, no network, nothing kept."""
    from gextui.desk import Desk
    from gextui.simulator.demo import Demo
    from gextui.ui.watchlist import Editable, Watchlist

    settings = read_settings(config)
    check_terminal()
    simulated = Demo(seed)
    among = {ticker.symbol for ticker in simulated.known}
    watchlist = kept_watchlist("demo.json", among) or Watchlist.of(simulated.known)
    routes = watchlist.routes(simulated)
    desk = Desk(simulated.sources, simulated.open_history, routes=routes, etfs=simulated.etfs)
    return show(desk, settings, "demo.json", Editable(watchlist, simulated), **display)


@commands.command("open")
@click.argument("files", nargs=-1, required=True, metavar="FILE ...", type=click.Path(path_type=Path))
@INPUT
@DISPLAY
@click.pass_obj
def open_files(
    config: Path | None,
    /,
    files: tuple[Path, ...],
    as_of: "datetime | None",
    spot: float | None,
    rate: float | None,
    **display: Any,
) -> int:
    """The dashboard on recorded chains; several of one ticker are a history to step through."""
    from gextui.desk import Desk
    from gextui.sources.recorded import RecordedHistory, RecordedSource

    settings = read_settings(config)
    chains = read_files(settings, files, (), as_of, spot, rate)
    check_terminal()

    async def history() -> RecordedHistory:
        return RecordedHistory(chains)

    return show(Desk([RecordedSource(chains)], history, record=False), settings, "state.json", **display)


@commands.command()
@click.argument("tickers", nargs=-1, metavar="[TICKER ...]")
@FILE
@INPUT
@FILTERS
@click.option("--json", "form", flag_value="json", help="One JSON document a ticker, a list for several.")
@click.option("--csv", "form", flag_value="csv", help="One row a strike.")
@click.option("--line", "form", flag_value="line", help="One line a ticker, for a status bar.")
@click.pass_obj
def snapshot(config: Path | None, /, tickers: tuple[str, ...], form: str | None, **reading: Any) -> None:
    """Print one reading: a page for people, or --json, --csv, --line.

    Live, unless FILE is given; what another process records is read from there. Where FILE
    holds several instants of a ticker the newest is printed, and the older ones are its past.
    """
    boards = read_boards(config, tickers, **reading)
    if form == "json":
        from gextui.report.document import encode

        give(encode(boards))
    elif form == "csv":
        from gextui.report.rows import csv_text

        give(csv_text(boards))
    else:
        from gextui.report.page import line, page

        give("".join(map(line, boards)) if form == "line" else "\n".join(map(page, boards)))
    if form is not None:
        tell_what_is_wiped(boards)


@commands.command()
@click.argument("tickers", nargs=-1, metavar="[TICKER ...]")
@FILE
@INPUT
@FILTERS
@click.option("--explain", metavar="NAME", help="A level or total: call_wall, put_wall, zero_gamma, max_pain ...")
@click.pass_obj
def levels(config: Path | None, /, tickers: tuple[str, ...], explain: str | None, **reading: Any) -> None:
    """Print the levels, or --explain one: its formula, its inputs and the contracts that weigh most."""
    from gextui.report.page import level_lines, title

    boards = read_boards(config, tickers, **reading)
    for board in boards:
        lines = [title(board), *(level_lines(board) if explain is None else explanation_lines(board, explain))]
        give("\n".join(lines) + "\n")
    tell_what_is_wiped(boards)


def check_terminal() -> None:
    """The dashboard needs a terminal that it can draw on."""
    import os
    import sys

    from gextui.ui.terminal.capabilities import detect

    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise Stop(Exit.USAGE, "the dashboard needs a terminal; `gextui record` and `gextui snapshot` need none")
    if not detect(os.environ).usable:
        raise Stop(Exit.UNAVAILABLE, "TERM names no terminal that can be drawn on; set it, e.g. TERM=xterm-256color")


def show(
    desk: "Desk",
    settings: "Settings",
    state: str,
    editable: "Editable | None" = None,
    *,
    theme: str | None,
    ascii_only: bool,
    mouse: bool,
    plain_display: bool,
) -> int:
    """Run the dashboard on a desk until the user leaves it; the exit code.

    Args:
        desk: Not yet started.
        settings: The user's.
        state: The name of the file that remembers where the user left off.
        editable: The list of the desk's tickers, where the user may change it.
        theme: See ``--help``, as for the rest; the settings hold what is not given.
        ascii_only: Likewise.
        mouse: Likewise.
        plain_display: Likewise.
    """
    import os

    from gextui.config import state_path
    from gextui.log import start_log
    from gextui.ui.terminal.capabilities import detect, prepare
    from gextui.ui.terminal.signals import leaving_on_signals

    general = settings.general
    ascii_only = ascii_only or general.ascii
    capabilities = detect(os.environ, ascii_only=ascii_only or None)
    prepare(os.environ, capabilities)
    # Textual reads the environment when it is imported.
    from gextui.ui.app import GextuiApp
    from gextui.ui.themes import THEMES

    if theme is not None and theme not in THEMES:
        raise Stop(Exit.USAGE, f"no theme is called {theme}; there are {', '.join(THEMES)}")
    app = GextuiApp(
        desk,
        state_path=state_path() / state,
        keymap=settings.keys,
        theme=theme or general.theme or None,
        capabilities=capabilities,
        ascii_only=ascii_only,
        delta_display=not (plain_display or general.plain_display),
        editable=editable,
    )
    if trouble := start_log(state_path() / "gextui.log"):
        tell(trouble)

    def flush() -> None:
        app.remember()
        desk.stop()

    with leaving_on_signals(flush) as app.leaving:
        desk.start()
        try:
            app.run(mouse=mouse or general.mouse)
        finally:
            desk.stop()
    if app.crash is not None:
        raise app.crash
    return Exit.BUG if app.return_code else Exit.OK


def kept_watchlist(state: str, among: "Container[str] | None" = None) -> "Watchlist | None":
    """The watchlist as it was edited in the dashboard, only of these symbols; None where it never was."""
    from gextui.config import state_path
    from gextui.ui.state import load_state
    from gextui.ui.watchlist import Watchlist

    kept = load_state(state_path() / state)[0].watchlist
    return None if kept is None else Watchlist.restored(kept, among)


def explanation_lines(board: "Board", name: str) -> Iterator[str]:
    """The explanation of a level, or a usage error that lists what can be explained."""
    from gextui.exposure.explain import explain
    from gextui.report.explained import explained

    try:
        return explained(explain(board, name))
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def tell_what_is_wiped(boards: "Iterable[Board]") -> None:
    """Say on standard error which readings hold no numbers; the exit code stays 0, the data says it too."""
    for board in boards:
        if not board.used:
            tell(f"{board.ticker.symbol}: {board.warnings[0] if board.warnings else 'nothing could be computed'}")


def main() -> NoReturn:
    """Run the command line."""
    # Nothing made while modules load is garbage, and looking for it costs a seventh of the start. What runs for long
    # turns the collector on again once it is up.
    gc.disable()
    # A second thread of numpy's would gain nothing, and take memory.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    commands.main()
