"""A simulated market that has lived for a while, and what was recorded of it, in memory."""

from collections.abc import Callable
from datetime import datetime, timedelta

from gextui.exposure.board import Board
from gextui.market.calendar import NEW_YORK, is_trading_day, previous_trading_day
from gextui.market.chain import OptionChain
from gextui.market.ticker import Session
from gextui.simulator.market import SimulatedMarket
from gextui.sources.recorded import RecordedHistory

LEAD = timedelta(minutes=31)
"""How much of the past is there from the first screen on; a little more than the longest window of change."""
_KEEP_EVERY = timedelta(seconds=20)
_KEEP_ALL_FOR = timedelta(hours=1)

Recorded = Callable[[OptionChain], OptionChain | None]
"""The chain as whoever recorded the past would have seen it; None where they would not."""


class SimulatedHistory(RecordedHistory):
    """A history that goes on, thinned, for as long as the market runs."""

    async def record(self, board: Board) -> None:
        """Remember the chain, unless one was remembered a moment ago."""
        last = await self.latest(board.ticker)
        if last is None or board.as_of - last.as_of >= _KEEP_EVERY:
            self.add(board.chain)
            self.thin(board.ticker, board.as_of - _KEEP_ALL_FOR)


def market_with_past(
    seed: int, start: datetime, recorded: Recorded = lambda chain: chain
) -> tuple[SimulatedMarket, SimulatedHistory]:
    """A market at ``start``, and its past: New York's trading day before, a day before, and the last half hour.

    Args:
        seed: What happens.
        start: An aware instant.
        recorded: How its chains were recorded.
    """
    start = start.replace(microsecond=0)
    today = start.astimezone(NEW_YORK).date()
    days = (today - previous_trading_day(today)).days
    market = SimulatedMarket(seed, start - timedelta(days=days) - LEAD)
    history = SimulatedHistory(())

    def record() -> None:
        trades = is_trading_day(market.now.astimezone(NEW_YORK).date())
        for ticker in market.tickers:
            if (trades or ticker.session is Session.UTC) and (kept := recorded(market.chain(ticker))) is not None:
                history.add(kept)

    record()
    if days > 1:
        market.leap((days - 1) * 86400)
        record()
    market.leap(86400)
    while market.now < start:
        record()
        market.step(min(_KEEP_EVERY, start - market.now).total_seconds())
    return market, history
