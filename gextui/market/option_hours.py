"""When a ticker's options trade, which is not when its market does."""

from datetime import date, datetime

from gextui.market.calendar import (
    NEW_YORK,
    closing_time,
    index_options_close,
    index_options_stopped,
    index_options_trade,
    is_trading_day,
    opening,
    previous_trading_day,
)
from gextui.market.ticker import Kind, Session, Ticker

_AT_NIGHT = frozenset({"SPX", "XSP", "VIX", "RUT"})
"""Indices whose options have Cboe's night and curb sessions (its rule 5.1; RUT since February 2026)."""
_LATE = frozenset({"SPY", "QQQ", "IWM", "DIA"})
"""ETFs whose options trade as long in regular hours as those on indices."""


def options_trade(ticker: Ticker, at: datetime) -> bool:
    """Whether the ticker's options trade at the aware instant ``at``, in whatever session."""
    if ticker.session is Session.UTC or (ticker.symbol in _AT_NIGHT and index_options_trade(at)):
        return True
    day = at.astimezone(NEW_YORK).date()
    return is_trading_day(day) and opening(day) <= at < options_close(ticker, day)


def options_close(ticker: Ticker, day: date) -> datetime:
    """When the ticker's options stop trading in regular hours on the trading day ``day``."""
    if ticker.kind is Kind.INDEX or ticker.symbol in _LATE:
        return index_options_close(day)
    return datetime.combine(day, closing_time(day), NEW_YORK)


def quotes_until(ticker: Ticker, at: datetime) -> datetime:
    """The last instant up to ``at`` at which the ticker's options traded: of when the quotes are that are seen then."""
    if ticker.symbol in _AT_NIGHT:
        return at if index_options_trade(at) else index_options_stopped(at)
    return regular_until(ticker, at)


def regular_until(ticker: Ticker, at: datetime) -> datetime:
    """The last instant up to ``at`` in the regular hours of the ticker's options; an index is computed until then."""
    if ticker.session is Session.UTC:
        return at
    day = at.astimezone(NEW_YORK).date()
    if not is_trading_day(day) or at < opening(day):
        day = previous_trading_day(day)
    return min(at, options_close(ticker, day))
