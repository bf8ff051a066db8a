"""What changed: the board against past chains of the same ticker."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

import numpy as np

from gextui.exposure.book import Book, ByStrike, price_book, summed
from gextui.exposure.filters import Filters, selected_expiries
from gextui.market.chain import Booleans, Floats, OptionChain
from gextui.pricing.smile import fit_smile

WINDOWS = (1, 5, 10, 15, 30)
"""Minutes over which changes are shown."""


def _nothing() -> Floats:
    return np.empty(0)


class ChangeState(StrEnum):
    """Whether two instants can be compared."""

    OK = "ok"
    GAP = "gap"
    """Nothing was recorded near the earlier instant, or recording stopped in between."""
    EXPIRY = "expiry"
    """Contracts expired in between: they are left out of the comparison and counted beside it."""
    SOURCE = "source"
    """The source differs: not a change of the market."""


@dataclass(frozen=True, slots=True)
class Past:
    """What a board is compared with."""

    windows: Mapping[int, OptionChain] = field(default_factory=dict)
    """The chain recorded so many minutes before, by minutes; absent where nothing was recorded (a gap)."""
    yesterday: OptionChain | None = None
    """The last chain of the previous trading day: its open interest makes the weight ``active``, its spot the change on
    the day where the source gives no previous close."""


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """Net GEX now less net GEX ``minutes`` ago, by strike, USD per 1 %."""

    minutes: int
    state: ChangeState
    since: datetime | None = None
    """The earlier chain's instant; None for a gap."""
    strikes: Floats = field(default_factory=_nothing)
    """Ascending; empty unless comparable."""
    net_gex: Floats = field(default_factory=_nothing)
    """Change by strike; expired contracts are left out of it."""
    total: float | None = None
    """Sum of it."""
    expired_gex: float = 0.0
    """Net GEX that left with contracts that expired in between."""

    @property
    def largest(self) -> tuple[float, float] | None:
        """Strike and amount of the largest change by size; None when nothing changed or it cannot be compared."""
        if not len(self.strikes):
            return None
        at = int(np.abs(self.net_gex).argmax())
        amount = float(self.net_gex[at])
        return (float(self.strikes[at]), amount) if amount else None


def find_changes(chain: OptionChain, by_strike: ByStrike, past: Past, filters: Filters) -> tuple[Change, ...]:
    """The change over each window; a window that is not in ``past`` is a gap."""
    return tuple(
        _change(minutes, chain, by_strike, past.windows.get(minutes), past.yesterday, filters) for minutes in WINDOWS
    )


def _change(
    minutes: int,
    chain: OptionChain,
    by_strike: ByStrike,
    earlier: OptionChain | None,
    yesterday: OptionChain | None,
    filters: Filters,
) -> Change:
    if earlier is None:
        return Change(minutes, ChangeState.GAP)
    if earlier.source != chain.source:
        return Change(minutes, ChangeState.SOURCE, earlier.as_of)
    # The same expiries on both sides, or a filter like "front" would compare two different books.
    before = price_book(earlier, fit_smile(earlier), replace(filters, expiry="all", max_dte=None), yesterday)
    kept = _rows(earlier, before, np.isin(earlier.expiries, chain.expiries[selected_expiries(chain, filters)]))
    expired = (earlier.expiries <= chain.as_of_seconds) & selected_expiries(earlier, filters)
    strikes = np.union1d(by_strike.strike, earlier.strike[kept])
    difference = _at_strikes(strikes, by_strike.strike, by_strike.net_gex)
    difference = difference - _at_strikes(strikes, earlier.strike[kept], before.gex[kept])
    left = float(before.gex[_rows(earlier, before, expired)].sum())
    return Change(
        minutes=minutes,
        state=ChangeState.EXPIRY if expired.any() else ChangeState.OK,
        since=earlier.as_of,
        strikes=strikes,
        net_gex=difference,
        total=float(difference.sum()),
        expired_gex=left,
    )


def _rows(chain: OptionChain, book: Book, expiries: Booleans) -> Booleans:
    rows: Booleans = book.used & expiries[chain.expiry]
    return rows


def _at_strikes(strikes: Floats, strike: Floats, gex: Floats) -> Floats:
    return summed(np.searchsorted(strikes, strike), gex, len(strikes))
