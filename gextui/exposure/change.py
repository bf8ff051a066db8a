"""What changed: the board against past chains of the same ticker."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum

import numpy as np

from gextui.exposure.book import Book, ByStrike, match_rows, price_book, summed
from gextui.exposure.filters import Filters, selected_expiries
from gextui.market.calendar import NEW_YORK, previous_trading_day
from gextui.market.chain import Floats, OptionChain
from gextui.market.ticker import Kind, Session, Ticker
from gextui.pricing.smile import fit_smile

WINDOWS = (1, 5, 10, 15, 30)
"""Minutes over which changes are shown."""
LARGEST_DAY = 0.6
"""What a share keeps of its price on a day at the least, or its inverse at the most; splits begin at a half."""
SPLIT = 0.15
"""A share whose venue says that it closed yesterday further than this fraction from its last price was split: the
smallest splits are five for four."""
_NEAR_ENOUGH = timedelta(seconds=30)
"""How much older than a window a chain may always be."""


def _nothing() -> Floats:
    return np.empty(0)


class ChangeState(StrEnum):
    """Whether two instants can be compared."""

    OK = "ok"
    GAP = "gap"
    """Nothing was recorded near the earlier instant, recording stopped in between, or the chain is not whole yet."""
    EXPIRY = "expiry"
    """Contracts expired in between: they are left out of the comparison and counted beside it."""
    SOURCE = "source"
    """The source differs, or one of the venues that make the chain: not a change of the market."""


@dataclass(frozen=True, slots=True)
class Past:
    """What a board is compared with."""

    windows: Mapping[int, OptionChain] = field(default_factory=dict)
    """The chain recorded so many minutes before, by minutes; absent where nothing was recorded (a gap)."""
    yesterday: OptionChain | None = None
    """The last chain of the previous trading day: its open interest makes the weight ``active``, its spot the change on
    the day where the source gives no previous close."""


class Cause(StrEnum):
    """What moved a strike's GEX."""

    FLOW = "flow"
    """Contracts were opened, closed or traded: the weight changed."""
    REPRICING = "repricing"
    """Spot, IV and time changed what the same contracts are worth in gamma."""


def is_broken(ticker: Ticker, before: float, price: float) -> bool:
    """Whether no day's trading makes one price of a share the other: a split or another symbol lies between.

    Indices are not split (VIX has doubled within a day), and neither are coins.
    """
    if ticker.kind not in (Kind.ETF, Kind.STOCK):
        return False
    return not LARGEST_DAY <= price / before <= 1.0 / LARGEST_DAY


def lies_before_a_break(before: OptionChain, chain: OptionChain) -> bool:
    """Whether a split or another symbol lies between two chains.

    Smaller splits than `is_broken` can tell show in what a venue says, the day after, that the day before closed at.
    """
    if is_broken(chain.ticker, before.spot, chain.spot):
        return True
    close, (first, last) = chain.previous_close, yesterday_span(chain.ticker, chain.as_of)
    if close is None or chain.ticker.kind not in (Kind.ETF, Kind.STOCK) or not first <= before.as_of <= last:
        return False
    return abs(before.spot / close - 1.0) > SPLIT


def window_span(at: datetime, minutes: int) -> tuple[datetime, datetime]:
    """Earliest and latest instant of the chain that stands for ``minutes`` before ``at``; the newest of them does."""
    latest = at - timedelta(minutes=minutes)
    return latest - max(_NEAR_ENOUGH, timedelta(minutes=minutes) / 4), latest


def yesterday_span(ticker: Ticker, at: datetime) -> tuple[datetime, datetime]:
    """Earliest and latest instant of yesterday's last chain; the newest of them is it.

    A market that never closes is compared with a day before, and a daily file may be a little early; New York's with
    the end of its previous trading day.
    """
    if ticker.session is Session.UTC:
        return at - timedelta(hours=36), at - timedelta(hours=23, minutes=30)
    midnight = at.astimezone(NEW_YORK).replace(hour=0, minute=0, second=0, microsecond=0)
    first = datetime.combine(previous_trading_day(midnight.date()), time(), NEW_YORK)
    return first.astimezone(UTC), midnight.astimezone(UTC) - timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """Net GEX now less net GEX ``minutes`` ago, by strike, USD per 1 %."""

    minutes: int
    state: ChangeState
    since: datetime | None = None
    """The earlier chain's instant; None for a gap."""
    strikes: Floats = field(default_factory=_nothing)
    """Ascending; empty unless comparable."""
    flow: Floats = field(default_factory=_nothing)
    """By strike, what a changed weight did at the mean of both prices."""
    repricing: Floats = field(default_factory=_nothing)
    """By strike, what changed prices did at the mean of both weights."""
    expired_gex: float = 0.0
    """Net GEX that left with contracts that expired in between; in neither of the two."""

    @property
    def net_gex(self) -> Floats:
        """The whole change by strike: flow and repricing, nothing left over."""
        return self.flow + self.repricing

    @property
    def total(self) -> float | None:
        """The whole change over all strikes; None where it cannot be compared."""
        comparable = self.state in (ChangeState.OK, ChangeState.EXPIRY)
        return float(self.net_gex.sum()) if comparable else None

    @property
    def largest(self) -> tuple[float, float] | None:
        """Strike and amount of the largest change by size; None when nothing changed or it cannot be compared."""
        at = self._largest_at()
        return None if at is None else (float(self.strikes[at]), float(self.net_gex[at]))

    @property
    def cause(self) -> Cause | None:
        """What moved the largest change most."""
        at = self._largest_at()
        if at is None:
            return None
        return Cause.FLOW if abs(self.flow[at]) > abs(self.repricing[at]) else Cause.REPRICING

    def _largest_at(self) -> int | None:
        net = self.net_gex
        return int(np.abs(net).argmax()) if net.any() else None


def find_changes(
    chain: OptionChain, book: Book, by_strike: ByStrike, past: Past, filters: Filters
) -> tuple[Change, ...]:
    """The change over each window; a window that is not in ``past`` is a gap."""
    return tuple(
        _change(minutes, chain, book, by_strike, past.windows.get(minutes), past.yesterday, filters)
        for minutes in WINDOWS
    )


def _change(
    minutes: int,
    chain: OptionChain,
    book: Book,
    by_strike: ByStrike,
    earlier: OptionChain | None,
    yesterday: OptionChain | None,
    filters: Filters,
) -> Change:
    if earlier is None or chain.partial:
        return Change(minutes, ChangeState.GAP)
    if earlier.source != chain.source:
        return Change(minutes, ChangeState.SOURCE, earlier.as_of)
    # The same expiries on both sides, or a filter like "front" would compare two different books.
    before = price_book(earlier, fit_smile(earlier), replace(filters, expiry="all", max_dte=None), yesterday)
    kept = np.isin(earlier.expiries, chain.expiries[selected_expiries(chain, filters)])[earlier.expiry] & before.used
    expired = (earlier.expiries <= chain.as_of_seconds) & selected_expiries(earlier, filters)
    strikes = np.union1d(by_strike.strike, earlier.strike[kept])
    flow, repricing = np.zeros(len(strikes)), np.zeros(len(strikes))

    now = np.flatnonzero(book.used)
    then = match_rows(chain, earlier)[now]
    paired = then >= 0
    paired[paired] &= kept[then[paired]]
    rows, old = now[paired], then[paired]
    weight, weight_then = book.weight[rows], before.weight[old]
    unit, unit_then = _a_contract(book.gex[rows], weight), _a_contract(before.gex[old], weight_then)
    # A contract that counted for nothing has no GEX to take its price from: the other instant's stands in.
    unit, unit_then = np.where(weight == 0, unit_then, unit), np.where(weight_then == 0, unit, unit_then)
    at = np.searchsorted(strikes, chain.strike[rows])
    flow += summed(at, 0.5 * (weight - weight_then) * (unit + unit_then), len(strikes))
    repricing += summed(at, 0.5 * (weight + weight_then) * (unit - unit_then), len(strikes))

    # What is only in one of the two was listed or delisted in between: all flow.
    new = now[~paired]
    flow += summed(np.searchsorted(strikes, chain.strike[new]), book.gex[new], len(strikes))
    kept[old] = False
    gone = np.flatnonzero(kept)
    flow -= summed(np.searchsorted(strikes, earlier.strike[gone]), before.gex[gone], len(strikes))
    return Change(
        minutes=minutes,
        state=ChangeState.EXPIRY if expired.any() else ChangeState.OK,
        since=earlier.as_of,
        strikes=strikes,
        flow=flow,
        repricing=repricing,
        expired_gex=float(before.gex[before.used & expired[earlier.expiry]].sum()),
    )


def _a_contract(gex: Floats, weight: Floats) -> Floats:
    """GEX of one contract; 0 where none counted."""
    return np.divide(gex, weight, out=np.zeros(len(gex)), where=weight != 0)
