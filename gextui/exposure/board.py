"""Board: everything a screen shows of one ticker at one instant."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from gextui.exposure.book import Book, ByExpiry, ByStrike, Totals
from gextui.exposure.change import Change, Past
from gextui.exposure.curve import GammaCurve
from gextui.exposure.filters import EVERYTHING, Filters
from gextui.exposure.levels import Levels
from gextui.exposure.regime import Regime
from gextui.market.chain import OptionChain
from gextui.market.ticker import Ticker


@dataclass(frozen=True, slots=True, eq=False)
class Board:
    """One reading, frozen: handing it across threads is a reference swap."""

    chain: OptionChain
    filters: Filters
    book: Book
    by_strike: ByStrike
    by_expiry: ByExpiry
    totals: Totals
    curve: GammaCurve
    levels: Levels
    regime: Regime
    changes: tuple[Change, ...]
    """One for each of `change.WINDOWS`, when a past was given."""
    spot_change: float | None
    """On the day, a fraction; None when no earlier price is known."""
    used: int
    """Contracts in the numbers."""
    dropped: Mapping[str, int]
    """Contracts not in the numbers, by reason: ``expired``, ``no_iv``, ``no_open_interest``, ``filtered`` ..."""
    coverage: float | None
    """Share of open interest priced with an IV of its own strike; None when there is no open interest."""
    interpolated: float | None
    """Share of open interest priced with an interpolated IV."""
    warnings: tuple[str, ...]
    """Plain sentences on why not to trust it, the gravest first."""

    @property
    def ticker(self) -> Ticker:
        """What it is a reading of."""
        return self.chain.ticker

    @property
    def as_of(self) -> datetime:
        """The market's instant, UTC."""
        return self.chain.as_of

    @property
    def spot(self) -> float:
        """Price of the underlying, USD."""
        return self.chain.spot


def build_board(chain: OptionChain, past: Past | None = None, filters: Filters = EVERYTHING) -> Board:
    """Compute a board. Pure; a wiped chain gives a board with warnings and no levels."""
    raise NotImplementedError
