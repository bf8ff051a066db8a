"""What the screen remembers between runs, in one small JSON file."""

import contextlib
import os
import tempfile
from dataclasses import replace
from datetime import date
from pathlib import Path

import msgspec

from gextui.exposure.filters import Filters, parse_expiry
from gextui.market.coin import PriceAxis
from gextui.ui.format import Unit
from gextui.ui.watchlist import Listed

_LARGEST = 1 << 20
"""Bytes; a file beyond is none of ours."""


class State(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the user left off."""

    ticker: str = ""
    view: str = "gex"
    unit: Unit = Unit.PERCENT_MOVE
    theme: str = ""
    """Chosen in the dashboard; empty follows config and terminal."""
    filters: dict[str, Filters] = msgspec.field(default_factory=dict)
    """By ticker symbol, where the user chose any."""
    zoom: dict[str, int] = msgspec.field(default_factory=dict)
    """By view."""
    columns: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    """By view, where the user chose any."""
    axis: PriceAxis = PriceAxis.SHARE
    """Of coin ETFs."""
    watchlist: tuple[Listed, ...] | None = None
    """What is watched, in order; None until the user changes it, and the config's tickers are."""


def load_state(path: Path | None) -> tuple[State, str]:
    """What was saved, and a plain sentence where it cannot be read; the defaults then, and where nothing was saved."""
    if path is None:
        return State(), ""
    try:
        with path.open("rb") as stream:
            data = stream.read(_LARGEST + 1)
    except FileNotFoundError:
        return State(), ""
    except OSError as error:
        return State(), f"where you left off cannot be read: {error.strerror}"
    try:
        if len(data) > _LARGEST:
            raise msgspec.DecodeError("too large")
        return msgspec.json.decode(data, type=State), ""
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError):
        return State(), f"where you left off cannot be read: {path.name} is damaged; starting afresh"


def save_state(path: Path, state: State) -> None:
    """Replace the file in one step, readable by its owner alone.

    Raises:
        OSError: it cannot be written; the old one is left as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(msgspec.json.encode(state))
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise


def without_past_dates(filters: Filters, today: date) -> Filters:
    """The same filters; expiry dates that have passed since they were chosen give way to all expiries."""
    wanted = parse_expiry(filters.expiry)
    if not isinstance(wanted, frozenset):
        return filters
    ahead = sorted(day.isoformat() for day in wanted if day >= today)
    return replace(filters, expiry=",".join(ahead) or "all")
