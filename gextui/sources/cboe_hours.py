"""When a ticker's delayed file changes, and how often it is worth asking for."""

from datetime import datetime, timedelta
from enum import StrEnum

from gextui.market.calendar import NEW_YORK, MarketState, market_state, next_opening
from gextui.market.option_hours import options_close, options_trade
from gextui.market.ticker import Kind, Ticker
from gextui.sources.cboe import DELAY

EVERY = 60.0
"""Seconds between two requests for a ticker, at the least, whatever happens."""
_DELAY = timedelta(seconds=DELAY)
_REBUILT = timedelta(minutes=1)
"""Files are made anew about once a minute."""


class Phase(StrEnum):
    """What a ticker's file is doing."""

    REGULAR = "regular"
    """Quotes move, and until a quarter of an hour after they have stopped, because they are late."""
    NIGHT = "night"
    """Options on an index trade while it stands still."""
    EXTENDED = "extended"
    """Shares trade before and after hours, their options do not."""
    SHUT = "shut"


_PACES = {Phase.REGULAR: EVERY, Phase.NIGHT: 120.0, Phase.EXTENDED: 300.0, Phase.SHUT: 900.0}


def phase_of(ticker: Ticker, now: datetime) -> Phase:
    """What the ticker's file does at the aware instant ``now``."""
    state, day = market_state(ticker.session, now), now.astimezone(NEW_YORK).date()
    if state is MarketState.OPEN:
        return Phase.REGULAR
    if state is MarketState.POST and now < options_close(ticker, day) + _DELAY + _REBUILT:
        return Phase.REGULAR
    if ticker.kind is Kind.INDEX:
        return Phase.NIGHT if options_trade(ticker, now - _DELAY) else Phase.SHUT
    return Phase.SHUT if state is MarketState.CLOSED else Phase.EXTENDED


def pace(ticker: Ticker, now: datetime) -> float:
    """Seconds after which the file is worth asking for again; never beyond the next opening."""
    seconds = _PACES[phase_of(ticker, now)]
    return max(EVERY, min(seconds, (next_opening(now) - now).total_seconds()))
