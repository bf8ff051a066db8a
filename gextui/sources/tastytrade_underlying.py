"""What the stream tells of an underlying: its price in and out of hours, its last close, whether trading is halted."""

from dataclasses import dataclass
from datetime import UTC, datetime

from gextui.market.calendar import NEW_YORK, MarketState, market_state, opening
from gextui.market.chain import Halt
from gextui.market.option_hours import options_trade
from gextui.market.text import clean_text
from gextui.market.ticker import Kind, Ticker
from gextui.sources.dxlink import Events
from gextui.sources.rows import positive

WATCHED = ("Trade", "Quote", "Summary", "Profile")
"""The types of event that are subscribed to."""
HALTED = "HALTED"
_WIDEST = 0.02
"""The fraction of a share's price by which its quote may be wide and still say what it costs."""


@dataclass(slots=True)
class Underlying:
    """One underlying; times are epoch seconds."""

    last: float | None = None
    """Of regular hours: the trades after them are events of another type."""
    traded_at: float | None = None
    bid: float | None = None
    ask: float | None = None
    close: float | None = None
    """Today's, once it has closed."""
    previous_close: float | None = None
    halted_at: float | None = None
    """Since when trading is halted: its last trade, or when that was heard of; None while it is not."""
    why_halted: str = ""

    @property
    def mid(self) -> float | None:
        """The middle of its quote, where that is narrow enough to say what it costs."""
        if self.bid is None or self.ask is None or not 0.0 <= self.ask - self.bid <= _WIDEST * self.ask:
            return None
        return 0.5 * (self.bid + self.ask)

    def spot(self, ticker: Ticker, quoted_at: datetime) -> float | None:
        """What it costs where its options' quotes are of: after hours a share's price goes on, and they do not."""
        if ticker.kind is Kind.INDEX:
            return self.last or self.mid
        if options_trade(ticker, quoted_at):
            return self.mid or self.last
        if market_state(ticker.session, quoted_at) is MarketState.PRE:
            return self.last or self.previous_close  # the day has no close yet
        return self.close or self.last or self.previous_close

    def halt(self, ticker: Ticker, quoted_at: datetime) -> Halt | None:
        """That trading is halted while the market is open, by the venue's word."""
        if self.halted_at is None or market_state(ticker.session, quoted_at) is not MarketState.OPEN:
            return None
        since = datetime.fromtimestamp(self.halted_at, UTC)
        return Halt(max(since, opening(quoted_at.astimezone(NEW_YORK).date())), stated=True)

    def hear(self, events: Events, place: int, at: float | None, now: float) -> None:
        """Take the event at that place in, which was at that time where anybody says."""

        def price(field: str) -> float | None:
            values = events.numbers(field)
            return None if values is None else positive(float(values[place]))

        match events.type:
            case "Trade" if (last := price("price")) is not None:
                if at is None or self.traded_at is None or at >= self.traded_at:
                    self.last, self.traded_at = last, self.traded_at if at is None else at
            case "Quote":
                self.bid, self.ask = price("bidPrice"), price("askPrice")
            case "Summary":
                self.close = price("dayClosePrice")
                self.previous_close = price("prevDayClosePrice") or self.previous_close
            case "Profile" if (status := events.columns.get("tradingStatus")) is not None:
                if status[place] != HALTED:
                    self.halted_at, self.why_halted = None, ""
                elif self.halted_at is None:
                    why = events.columns.get("statusReason")
                    said = None if why is None else why[place]
                    self.halted_at = now if self.traded_at is None else self.traded_at
                    self.why_halted = clean_text(said, 80) if isinstance(said, str) and said != "NaN" else ""
