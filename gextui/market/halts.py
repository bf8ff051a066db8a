"""Halts: whether an underlying has stopped trading while its market is open, concluded from when it last traded."""

from datetime import datetime, timedelta

from gextui.market.calendar import NEW_YORK, MarketState, market_state, opening
from gextui.market.chain import Halt
from gextui.market.ticker import Session, Ticker

QUIET_FOR = timedelta(minutes=10)
"""What is optioned trades every few seconds: longer without a trade and it is not merely quiet."""


def concluded_halt(ticker: Ticker, traded_at: datetime | None, at: datetime) -> Halt | None:
    """Whether the underlying seems halted at the aware instant ``at``.

    Args:
        ticker: Whose.
        traded_at: When it or any of its options last traded, aware; None where nobody says so. A halt stops both.
        at: Of when the source's quotes are.
    """
    if traded_at is None or ticker.session is Session.UTC or market_state(ticker.session, at) is not MarketState.OPEN:
        return None
    since = max(traded_at, opening(at.astimezone(NEW_YORK).date()))
    return Halt(since, stated=False) if at - since > QUIET_FOR else None
