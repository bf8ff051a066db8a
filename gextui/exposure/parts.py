"""Who holds what of the sum: a combined book's venues beside one another."""

from dataclasses import dataclass

import numpy as np

from gextui.exposure.book import Book, ByStrike, sum_cells, sums_over
from gextui.exposure.filters import Filters, selected_expiries, selected_strikes
from gextui.market.chain import OptionChain, Part


@dataclass(frozen=True, slots=True, eq=False)
class PartOfBook:
    """One venue's share of the book."""

    part: Part
    contracts: int
    """Rows it gave that are in the chain."""
    used: int
    """Those in the numbers."""
    net_gex: float | None
    """None where nothing of it was used."""
    share: float | None
    """Of the whole book's gross GEX, a fraction; None where that is 0."""
    by_strike: ByStrike
    """Over the strikes of the board's own `ByStrike`; the parts add up to it."""


def split_book(chain: OptionChain, book: Book, by_strike: ByStrike, filters: Filters) -> tuple[PartOfBook, ...]:
    """The parts of a combined chain's book, in their order; none where one source makes the chain."""
    if not chain.parts:
        return ()
    shown = np.flatnonzero(selected_expiries(chain, filters)[chain.expiry] & selected_strikes(chain, filters))
    part = chain.part[chain.expiry]
    strikes, count = by_strike.strike, len(chain.parts)
    cell = (part[shown] * len(strikes) + np.searchsorted(strikes, chain.strike[shown])) * 2 + chain.is_call[shown]
    tables = sum_cells(chain, book, shown, cell, (count, len(strikes), 2))
    gross = np.bincount(part[book.used], np.abs(book.gex[book.used]), count)
    used = np.bincount(part[book.used], minlength=count).tolist()
    listed = np.bincount(part, minlength=count).tolist()
    whole = float(gross.sum())
    found = []
    for at, own in enumerate(chain.parts):
        sums = ByStrike(
            strike=strikes, **sums_over({name: table[at : at + 1] for name, table in tables.items()}, axis=0)
        )
        found.append(
            PartOfBook(
                part=own,
                contracts=listed[at],
                used=used[at],
                net_gex=float(sums.net_gex.sum()) if used[at] else None,
                share=float(gross[at]) / whole if whole else None,
                by_strike=sums,
            )
        )
    return tuple(found)
