"""Secrets: where a credential is looked for, and a type that never shows it."""

import base64
import json
import os
import signal
import stat
import subprocess
import threading
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from urllib.parse import quote

COMMAND_SECONDS = 10.0
LONGEST = 8192
"""Bytes; a longer answer is no credential."""
HIDDEN = "***"

_shown_nowhere: set[str] = set()


class SecretName(StrEnum):
    """Every credential gextui can use; the value names its keys under ``[secrets]``."""

    TRADIER_TOKEN = "tradier_token"
    TASTYTRADE_CLIENT_SECRET = "tastytrade_client_secret"
    TASTYTRADE_REFRESH_TOKEN = "tastytrade_refresh_token"
    ANTHROPIC_API_KEY = "anthropic_api_key"

    @property
    def variable(self) -> str:
        """Its environment variable."""
        return f"GEXTUI_{self.value.upper()}"


class SecretError(Exception):
    """A credential is configured but cannot be had. The message is one plain sentence and holds nothing of it."""


class UnsafeSecretFileError(SecretError):
    """The file that holds a credential can be read by others."""


class Secret:
    """A credential. `reveal` alone gives its text; repr, str, format, copies and pickles give ``***``."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text
        if text != HIDDEN:
            _shown_nowhere.add(text)

    def reveal(self) -> str:
        """The text itself, for the request that needs it and nothing else."""
        return self._text

    def expire(self) -> None:
        """It is worth nothing any more: no text need be searched for it."""
        _shown_nowhere.discard(self._text)

    def __repr__(self) -> str:
        return HIDDEN

    def __format__(self, spec: str) -> str:
        return format(HIDDEN, spec)

    def __reduce__(self) -> tuple[type["Secret"], tuple[str]]:
        return Secret, (HIDDEN,)


def redact(text: str) -> str:
    """``text`` with every secret read so far replaced: as it is, URL-encoded, base64 and as JSON writes it."""
    for secret in sorted(_shown_nowhere, key=len, reverse=True):  # one may begin with another
        encoded = base64.b64encode(secret.encode()).decode()
        for form in (secret, quote(secret, safe=""), encoded, encoded.rstrip("="), json.dumps(secret)[1:-1]):
            text = text.replace(form, HIDDEN)
    return text


def is_configured(
    name: SecretName, *, command: Sequence[str] = (), file: str = "", environ: Mapping[str, str] = os.environ
) -> bool:
    """Whether anything says where the credential is; only `find_secret` can tell whether it can be had there."""
    folder = environ.get("CREDENTIALS_DIRECTORY")
    given = folder is not None and (Path(folder) / name.value).is_file()
    return given or bool(environ.get(name.variable) or command or file)


def find_secret(
    name: SecretName,
    *,
    command: Sequence[str] = (),
    file: str = "",
    environ: Mapping[str, str] = os.environ,
) -> tuple[Secret, str] | None:
    """The credential and where it was found; None where nobody gave one.

    Looked for in systemd's credentials folder, the environment, the command's output, the file; the first wins.

    Raises:
        SecretError: the command or file that should give it does not.
    """
    folder = environ.get("CREDENTIALS_DIRECTORY")
    if folder and (path := Path(folder) / name.value).is_file():
        return _secret(_read(path), str(path)), "systemd credential"
    if text := environ.get(name.variable):
        return _secret(text, name.variable), name.variable
    if command:
        return _secret(_output(name, command), f"{name}_command"), f"{name}_command"
    if file:
        path = Path(file).expanduser()
        _refuse_if_shared(path)
        return _secret(_read(path), str(path)), f"{name}_file"
    return None


def _secret(text: str, where: str) -> Secret:
    text = text.strip()
    if not text:
        raise SecretError(f"{where} gives nothing; put the credential there or remove it")
    if not (text.isascii() and text.isprintable()):
        raise SecretError(f"{where} gives something that is no credential: more than one line, or unprintable text")
    return Secret(text)


def _read(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return stream.read(LONGEST).decode("utf-8", "replace")
    except OSError as error:
        raise SecretError(f"{path} cannot be read ({error.strerror}); it should hold a credential") from None


def _refuse_if_shared(path: Path) -> None:
    """A file of secrets is a regular file of this user alone, reached through no link to somebody else's."""
    try:
        status = path.stat()
    except OSError as error:
        raise SecretError(f"{path} cannot be read ({error.strerror}); it should hold a credential") from None
    if not stat.S_ISREG(status.st_mode):
        raise SecretError(f"{path} is not a file; it should hold a credential")
    if status.st_uid != os.getuid():
        raise UnsafeSecretFileError(f"{path} belongs to another user; run: chown {os.getuid()} {path}")
    if status.st_mode & 0o077:
        raise UnsafeSecretFileError(f"{path} can be read by others; run: chmod 600 {path}")


def _output(name: SecretName, command: Sequence[str]) -> str:
    """What the command prints: no shell, no terminal, none of our own secrets in its environment, bounded."""
    ours = {secret.variable for secret in SecretName}
    environment = {key: value for key, value in os.environ.items() if key not in ours}
    late = threading.Event()
    try:
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
        )
    except OSError as error:
        raise SecretError(f"{name}_command cannot be run: {error.strerror}") from None

    def stop() -> None:
        late.set()
        os.killpg(process.pid, signal.SIGKILL)

    timer = threading.Timer(COMMAND_SECONDS, stop)
    timer.start()
    with process:
        assert process.stdout is not None
        output = process.stdout.read(LONGEST + 1)
        too_long = len(output) > LONGEST
        if too_long:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        timer.cancel()
    if late.is_set():
        raise SecretError(f"{name}_command did not finish in {COMMAND_SECONDS:g} seconds")
    if too_long:
        raise SecretError(f"{name}_command prints more than {LONGEST} bytes; it should print the credential alone")
    if process.returncode != 0:
        raise SecretError(f"{name}_command failed with exit code {process.returncode}; run it by hand to see why")
    return output.decode("utf-8", "replace")
