"""Board: everything a screen shows of one ticker at one instant."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

import numpy as np

from gextui.exposure.book import Book, ByExpiry, ByStrike, Totals, price_book, sum_book
from gextui.exposure.change import Change, Past, find_changes, is_broken, lies_before_a_break
from gextui.exposure.curve import GammaCurve
from gextui.exposure.filters import EVERYTHING, Filters, Weight, selected_expiries
from gextui.exposure.levels import Levels, find_levels
from gextui.exposure.parts import PartOfBook, split_book
from gextui.exposure.quality import doubts, refused
from gextui.exposure.regime import Regime, find_regime
from gextui.exposure.zero_gamma import find_zero_gamma
from gextui.market.chain import OptionChain
from gextui.market.coin import PriceAxis
from gextui.market.ticker import Ticker
from gextui.pricing.smile import Smile, fit_smile


@dataclass(frozen=True, slots=True, eq=False)
class Board:
    """One reading, frozen: handing it across threads is a reference swap."""

    chain: OptionChain
    filters: Filters
    smile: Smile
    book: Book
    by_strike: ByStrike
    by_expiry: ByExpiry
    totals: Totals
    parts: tuple[PartOfBook, ...]
    """The book by venue, where several make the chain."""
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
    """Share of open interest priced with an IV of its own strike; None without open interest or when wiped."""
    interpolated: float | None
    """Share of open interest priced with an interpolated IV."""
    warnings: tuple[str, ...]
    """Plain sentences on why not to trust it, the gravest first."""
    wiped: bool
    """Whether the source (every one of them) had wiped the chain: nothing is computed from it."""
    axis: PriceAxis = PriceAxis.SHARE
    """For a coin ETF, whether its prices are a share's or, see `coin_axis`, the coin's."""

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

    @property
    def unit(self) -> str:
        """What `spot` is the price of one of: the ticker's symbol, on the coin's axis the coin's."""
        coin = self.ticker.coin
        return self.ticker.symbol if self.axis is PriceAxis.SHARE or coin is None else coin

    @property
    def scale(self) -> float:
        """What a price of this board is multiplied by to be the ticker's own; 1 but on the coin's axis."""
        ratio = self.chain.coin_ratio
        return 1.0 if self.axis is PriceAxis.SHARE or ratio is None else ratio.coins_per_share


def build_board(chain: OptionChain, past: Past | None = None, filters: Filters = EVERYTHING) -> Board:
    """Compute a board: smile, greeks, exposures, curve, levels, regime, changes. Pure.

    A chain whose open interest or IVs its source has wiped gives a board with a warning and no numbers.
    """
    smile = fit_smile(chain)
    past = None if past is None else _unbroken(past, chain)
    before = None if past is None else past.yesterday
    # What another source said yesterday is no open interest to compare with; its price is.
    yesterday = before if before is not None and before.source == chain.source else None
    if yesterday is not None and lies_before_a_break(yesterday, chain):
        yesterday = None
    past = None if past is None else replace(past, yesterday=yesterday)
    wiped, reasons = refused(chain, smile)
    if reasons:
        # The IVs go with the rest: a source that wipes serves placeholders that look like an IV of 0.4 %.
        wiped_expiries = np.bincount(chain.expiry[wiped], minlength=len(chain.expiries)) > 0
        smile = replace(smile, atm_iv=np.where(wiped_expiries, np.nan, smile.atm_iv))
    all_wiped = bool(reasons) and bool(wiped.all())
    book = price_book(chain, smile, filters, yesterday, refused=wiped)
    by_strike, by_expiry, totals = sum_book(chain, smile, book, filters)
    curve, zero_gamma, other_rules = find_zero_gamma(chain, smile, book, filters, by_strike)
    levels = find_levels(chain, smile, book, by_strike, filters, zero_gamma, other_rules)
    parts = split_book(chain, book, by_strike, filters)
    coverage, interpolated = (None, None) if all_wiped else _coverage(chain, book, filters)
    change, broken = _spot_change(chain, before)
    grave = reasons if all_wiped else (*reasons, *_unreadable(book, filters, yesterday))
    dropped = Counter(chain.dropped) + Counter(book.excluded)
    # While an ETF is shut nobody trades it: its implied book has no change of GEX.
    compared = past if chain.implied_from is None else None
    return Board(
        chain=chain,
        filters=filters,
        smile=smile,
        book=book,
        by_strike=by_strike,
        by_expiry=by_expiry,
        totals=totals,
        parts=parts,
        curve=curve,
        levels=levels,
        regime=find_regime(totals, zero_gamma, chain.spot, filters.sign),
        changes=() if compared is None else find_changes(chain, book, by_strike, compared, filters),
        spot_change=change,
        used=int(np.count_nonzero(book.used)),
        dropped=MappingProxyType(dict(dropped)),
        coverage=coverage,
        interpolated=interpolated,
        warnings=(*grave, *broken, *doubts(chain, smile, book, coverage, parts)),
        wiped=all_wiped,
    )


def _coverage(chain: OptionChain, book: Book, filters: Filters) -> tuple[float | None, float | None]:
    """Shares of the selected open interest priced by an IV of its own strike, and by an interpolated one."""
    selected = selected_expiries(chain, filters)[chain.expiry] & np.isfinite(chain.open_interest)
    whole = float(chain.open_interest[selected].sum())
    if not whole:
        return None, None
    priced = selected & np.isfinite(book.iv) & ~book.refused
    own = float(chain.open_interest[priced & book.own_iv].sum()) / whole
    return own, float(chain.open_interest[priced & ~book.own_iv].sum()) / whole


def _unreadable(book: Book, filters: Filters, yesterday: OptionChain | None) -> tuple[str, ...]:
    if book.used.any():
        return ()
    if filters.weight is Weight.ACTIVE and yesterday is None:
        return ("yesterday's open interest is not known, so nothing can be weighed by what is new",)
    return ("no contract passes the filter and can be priced",)


def _unbroken(past: Past, chain: OptionChain) -> Past:
    """The past without the windows that cannot be compared with the chain; yesterday's price is still to be told."""
    ticker, windows = chain.ticker, past.windows.items()
    return replace(past, windows={at: then for at, then in windows if not is_broken(ticker, then.spot, chain.spot)})


def _spot_change(chain: OptionChain, yesterday: OptionChain | None) -> tuple[float | None, tuple[str, ...]]:
    """The change on the day, and a sentence where the history breaks; none across a close that was not adjusted."""
    close = chain.previous_close
    if close is None and yesterday is not None:
        close = yesterday.spot
    if not close:
        return None, ()
    change = None if is_broken(chain.ticker, close, chain.spot) else chain.spot / close - 1.0
    broken = yesterday is not None and lies_before_a_break(yesterday, chain)
    if change is not None and not broken:
        return change, ()
    then = close if yesterday is None or not broken else yesterday.spot
    words = (
        f"the history breaks here: {chain.ticker.symbol} is at {chain.spot:,.2f} after a close of {then:,.2f}; "
        "a split or another symbol lies between, and nothing is compared across it"
    )
    return change, (words,)
