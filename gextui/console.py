"""What every command shares: exit codes, the end of a command, the two streams, the kinds of option."""

import math
import os
import re
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from enum import IntEnum
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar
from zoneinfo import ZoneInfoNotFoundError

import click

if TYPE_CHECKING:
    from gextui.config import Settings


_CREDENTIAL = re.compile("token|secret|password|key")


class Exit(IntEnum):
    """Exit codes, after sysexits."""

    OK = 0
    USAGE = 64
    BAD_INPUT = 65
    NO_INPUT = 66
    UNAVAILABLE = 69
    BUG = 70
    CANNOT_CREATE = 73
    INPUT_OUTPUT = 74
    LOCKED = 75
    PERMISSION = 77
    CONFIGURATION = 78
    INTERRUPTED = 130
    BROKEN_PIPE = 141


class Stop(click.ClickException):
    """The command ends here, with a code and one plain sentence."""

    def __init__(self, code: Exit, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class Ending:
    """Turns whatever ends a command into an exit code and one sentence on standard error; never a traceback."""

    def __init__(self, *, debug: bool) -> None:
        self._debug = debug

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None or isinstance(error, SystemExit):
            return
        from gextui.secrets import SecretError, UnsafeSecretFileError

        match error:
            case click.NoSuchOption() if _CREDENTIAL.search(error.option_name):
                hint = "every user of this machine can read a command line; see docs/configuration.md"
                self._end(Exit.USAGE, f"no option takes a credential ({error.option_name}): {hint}")
            case click.UsageError():
                # The live dashboard's own name is never typed.
                path = error.ctx.command_path.removesuffix(" live") if error.ctx else ""
                hint = f" (try `{path} --help`)" if path else ""
                self._end(Exit.USAGE, f"{error.format_message().rstrip('.')}{hint}")
            case Stop():
                self._end(error.code, error.format_message())
            case click.ClickException():
                self._end(Exit.USAGE, error.format_message())
            case click.Abort() | KeyboardInterrupt():
                self._end(Exit.INTERRUPTED, "")
            case UnsafeSecretFileError():
                self._end(Exit.PERMISSION, str(error))
            case SecretError():
                self._end(Exit.CONFIGURATION, str(error))
            case ZoneInfoNotFoundError():
                self._end(Exit.UNAVAILABLE, "New York's time zone is not known here: install the package tzdata")
            case PermissionError():
                self._end(Exit.PERMISSION, _of_file(error))
            case OSError():
                self._end(Exit.INPUT_OUTPUT, _of_file(error))
            case _:
                self._bug(error)

    def _end(self, code: int, sentence: str) -> NoReturn:
        if sentence:
            tell(sentence)
        sys.exit(code)

    def _bug(self, error: BaseException) -> NoReturn:
        from gextui.secrets import redact

        if self._debug:
            import traceback

            click.echo(redact("".join(traceback.format_exception(error))), err=True)
        detail = " ".join(f"{type(error).__name__}: {error}".split())
        self._end(Exit.BUG, redact(f"this is a bug in gextui ({detail}); run it again with --debug and report both"))


def _of_file(error: OSError) -> str:
    reason = (error.strerror or str(error)).lower()
    return f"{error.filename}: {reason}" if error.filename else reason


def tell(sentence: str) -> None:
    """Narrate on standard error; standard output is for data."""
    from gextui.market.text import clean_text

    click.echo(f"gextui: {clean_text(sentence, 1000)}", err=True)


def give(text: str) -> None:
    """Write data to standard output, in colour only where a terminal shows it and nobody asked for none."""
    if not (sys.stdout.encoding or "").lower().startswith("utf"):
        from gextui.ui.format import plain

        text = plain(text).encode("ascii", "replace").decode()
    colour = False if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" else None
    try:
        click.echo(text, nl=False, color=colour)
    except BrokenPipeError:
        # Whoever reads stopped reading, as `head` does; what is still buffered has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(Exit.BROKEN_PIPE)


def read_settings(config: Path | None) -> "Settings":
    """The settings, or the end with code 78."""
    from gextui.config import ConfigError, load_settings

    try:
        return load_settings(config)
    except ConfigError as error:
        raise Stop(Exit.CONFIGURATION, str(error)) from None


class Commands(click.Group):
    """Tickers may stand where a command's name would, and the options of every command anywhere."""

    def main(self, args: Sequence[str] | None = None, *positional: Any, **named: Any) -> NoReturn:
        """Run and exit with one of `Exit`."""
        # numpy starts a thread a core for linear algebra that is never used here: half of its time to import.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        arguments = list(sys.argv[1:] if args is None else args)
        with Ending(debug="--debug" in arguments):
            named |= {"prog_name": "gextui", "standalone_mode": False}
            code = super().main(arguments, **named)
            sys.exit(code if isinstance(code, int) else Exit.OK)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Move the options of every command to the front and put the name of the live dashboard before tickers."""
        everywhere: list[str] = []
        rest: list[str] = []
        given = iter(args)
        for argument in given:
            if argument == "--":
                rest += [argument, *given]
            elif argument == "--config":
                everywhere += [argument, *islice(given, 1)]
            elif argument in ("--debug", "--version") or argument.startswith("--config="):
                everywhere.append(argument)
            else:
                rest.append(argument)
        if not rest or rest[0] not in (*self.commands, "--help"):
            rest.insert(0, "live")
        return super().parse_args(ctx, everywhere + rest)


_F = TypeVar("_F", bound=Callable[..., Any])


def options(*several: Callable[[_F], _F]) -> Callable[[_F], _F]:
    """Several options as one decorator, listed in this order by ``--help``."""

    def decorate(function: _F) -> _F:
        for option in reversed(several):
            function = option(function)
        return function

    return decorate


class Number(click.ParamType[float]):
    """A finite number between two bounds."""

    name = "number"

    def __init__(self, low: float, high: float, what: str) -> None:
        self.low, self.high, self.what = low, high, what

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number; a usage error that names what is accepted otherwise."""
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not self.low <= number <= self.high:
            self.fail(f"{value!r} is not {self.what} from {self.low:g} to {self.high:g}", param, ctx)
        return number


class Instant(click.ParamType[datetime]):
    """An ISO 8601 date and time; UTC where it names no zone."""

    name = "instant"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The aware instant; a usage error that shows one otherwise."""
        try:
            instant = datetime.fromisoformat(value)
        except ValueError:
            instant = None
        # A date alone would be midnight, which is nobody's market hour.
        if instant is None or ":" not in value:
            self.fail(f"{value!r} is not an instant like 2026-11-20T14:30:00Z or 2026-11-20T09:30-05:00", param, ctx)
        return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
