"""What New York's market does at an instant, in words."""

from datetime import datetime
from typing import NamedTuple

from gextui.market.calendar import (
    NEW_YORK,
    MarketState,
    closes_early,
    closing_time,
    holiday,
    market_state,
    new_york,
    next_opening,
)
from gextui.market.chain import Halt, OptionChain
from gextui.market.option_hours import options_trade, quotes_until
from gextui.market.ticker import Session
from gextui.ui import format as fmt


class MarketWords(NamedTuple):
    """What the market does: nothing is said of one that never closes."""

    short: str = ""
    """``open``, ``half day``, ``pre-market``, ``after hours``, ``closed``, ``holiday``."""
    full: str = ""
    """``open, closes in 2h13m``, ``closed, opens Mon 09:30 NY``, ``Thanksgiving Day, opens Fri 09:30 NY``."""
    trades: bool = True


_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def market_words(session: Session, at: float) -> MarketWords:
    """What the market does at an instant, epoch seconds."""
    if session is Session.UTC:
        return MarketWords()
    now = datetime.fromtimestamp(at, NEW_YORK)
    today = now.date()
    match market_state(session, now):
        case MarketState.OPEN:
            short = "half day" if closes_early(today) else "open"
            closes = datetime.combine(today, closing_time(today), NEW_YORK)
            return MarketWords(short, f"{short}, closes in {fmt.until(closes.timestamp(), at)}")
        case MarketState.PRE:
            left = fmt.until(next_opening(now).timestamp(), at)
            return MarketWords("pre-market", f"pre-market, opens in {left}", trades=False)
        case MarketState.POST:
            return MarketWords("after hours", f"after hours, {_opens(now)}", trades=False)
    name = holiday(today)
    return MarketWords("holiday" if name else "closed", f"{name or 'closed'}, {_opens(now)}", trades=False)


def halt_word(halt: Halt) -> str:
    """``HALTED``; with a question mark where no venue says so."""
    return "HALTED" if halt.stated else "HALTED?"


def closed_words(chain: OptionChain) -> str:
    """``market closed, as of 13:15 New York Fri``; empty where options traded when the chain's prices were made."""
    if chain.implied_from is not None or options_trade(chain.ticker, chain.quoted_at):
        return ""
    return f"market closed, {quotes_words(chain, chain.as_of)}"


def quotes_words(chain: OptionChain, now: datetime) -> str:
    """Of when the quotes are that were last seen: ``as of 13:15 New York Fri``."""
    return f"as of {new_york(quotes_until(chain.ticker, chain.quoted_at), now)}"


def _opens(now: datetime) -> str:
    """``opens 09:30 NY``, ``opens Mon 09:30 NY``."""
    opens = next_opening(now)
    day = "" if opens.date() == now.date() else f"{_WEEKDAYS[opens.weekday()]} "
    return f"opens {day}{opens:%H:%M} NY"
