"""One ticker at Cboe: what its files have brought, and what is said of that."""

import asyncio
import math
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gextui.market.calendar import NEW_YORK, MarketState, market_state, new_york, opening
from gextui.market.chain import OptionChain
from gextui.market.option_hours import quotes_until
from gextui.market.ticker import Kind, Ticker
from gextui.sources.cboe_hours import EVERY, Phase, phase_of
from gextui.sources.pacing import Backoff
from gextui.sources.polling import in_seconds
from gextui.sources.source import ConnectionStatus, SourceState
from gextui.sources.stream import StreamState
from gextui.sources.trouble import Trouble

OVERDUE = 1200.0
"""Seconds after which a file is no longer current while the market is open."""
_DENIALS = 2
"""So many refusals in a row of a ticker that never worked, and it is not known."""
_LOST_AFTER = 3 * EVERY
"""Seconds without an answer after which a ticker is not current."""
_CLOCK_OFF = 30.0
"""Seconds by which the machine's clock may differ from the venue's."""


@dataclass(eq=False)
class Lane:
    """One ticker. Instants are by `Clock.seconds`, save those that are a `datetime`: they are the venue's."""

    ticker: Ticker
    trouble: Trouble
    backoff: Backoff
    known: set[str]
    """Symbols that the venue ever gave: the source's."""
    polling: asyncio.Task[Any] | None = None
    """While it is asked for."""
    chain: OptionChain | None = None
    """The newest good one."""
    unsaid: bool = False
    """Whether that, or that it is still the newest, is to be said."""
    stamp: datetime | None = None
    """When the newest file was made."""
    counted_at: datetime | None = None
    """When a file first had another night's open interest."""
    denials: int = 0
    """Refusals in a row."""
    blocked: bool = False
    heard_at: float | None = None
    """When the venue last sent a file, whatever could be done with it."""
    answered_at: float | None = None
    """When it last sent one that could be used."""
    answers: int = 0
    due: float = 0.0
    """When it is asked for next."""
    kept_at: float = -math.inf
    """When its file was last kept on disk."""
    hurried: asyncio.Event = field(default_factory=asyncio.Event)
    rejected: Counter[str] = field(default_factory=Counter)

    @property
    def is_known(self) -> bool:
        """Whether the venue ever gave it: then a refusal is a block."""
        return self.ticker.symbol in self.known

    @property
    def seems_unknown(self) -> bool:
        """Whether the venue seems not to know the ticker."""
        return self.denials >= _DENIALS and not self.is_known

    @property
    def denied(self) -> str:
        """What a refusal means that may mean two things."""
        return f"Cboe does not know {self.ticker.symbol}, or blocks us (HTTP 403)"

    def is_overdue(self, now: datetime) -> bool:
        """Whether the venue has stopped making the file anew while the market is open."""
        if self.stamp is None or market_state(self.ticker.session, now) is not MarketState.OPEN:
            return False
        since = max(self.stamp, opening(now.astimezone(NEW_YORK).date()))
        return (now - since).total_seconds() > OVERDUE

    def judge(self, now: datetime, seconds: float, *, next_try: float, clock_off: float) -> tuple[SourceState, str]:
        """The state and the words for it, gravest first.

        Args:
            now: The venue's time.
            seconds: The clock's.
            next_try: Seconds until it is asked for again.
            clock_off: Seconds by which the venue's clock is ahead of the machine's.
        """
        trouble, chain, symbol = self.trouble.sentence, self.chain, self.ticker.symbol
        if self.ticker.kind is Kind.COIN:
            return SourceState.DISABLED, f"Cboe has no options on coins such as {symbol}"
        if self.seems_unknown:
            return SourceState.DISABLED, self.denied
        again = f"{trouble}; next try in {in_seconds(next_try)}"
        if chain is None:
            return (SourceState.BACKOFF, again) if trouble else (SourceState.CONNECTING, "")
        phase = phase_of(self.ticker, now)
        night = phase is Phase.NIGHT and (now - chain.as_of).total_seconds() <= OVERDUE
        if phase is not Phase.REGULAR and not night:
            counted = (
                "" if self.counted_at is None else f"; open interest is new since {new_york(self.counted_at, now)}"
            )
            shut = f"market closed, as of {new_york(quotes_until(self.ticker, chain.as_of), now)}{counted}"
            return SourceState.CLOSED, f"{shut}; {again}" if trouble else shut
        if trouble:
            silent = self.heard_at is None or seconds - self.heard_at > _LOST_AFTER
            return (SourceState.BACKOFF if silent or self.blocked else SourceState.DEGRADED), again
        if self.is_overdue(now):
            since = new_york(self.stamp or now, now)
            return SourceState.DEGRADED, f"Cboe has not made its file anew since {since}"
        if abs(clock_off) > _CLOCK_OFF:
            return SourceState.DEGRADED, f"this machine's clock is off by {in_seconds(abs(clock_off))}"
        late = f"delayed {chain.delay / 60:.0f} min, as of {new_york(chain.as_of, now)}"
        return SourceState.DELAYED, f"night session, {late}" if night else late

    def polls(self, seconds: float, next_try: float) -> ConnectionStatus:
        """How asking for it fares."""
        trouble, answered = self.trouble.sentence, self.answered_at
        going = StreamState.LIVE if self.answers else StreamState.CONNECTING
        state = StreamState.DISABLED if self.seems_unknown else StreamState.BACKOFF if trouble else going
        return ConnectionStatus(
            name=f"{self.ticker.symbol} polls",
            state=str(state),
            detail=trouble,
            last_message_age=None if answered is None else max(0.0, seconds - answered),
            messages=self.answers,
            rejected=dict(self.rejected.copy()),
            next_try_in=next_try if trouble else None,
        )
