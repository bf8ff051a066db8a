"""The demo: the real sources read simulated venues of one market on loopback, and its past is as they would tell it."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

from gextui.coin_etfs import CoinEtfs
from gextui.market.calendar import NEW_YORK, closing_time, is_trading_day, last_close, previous_trading_day
from gextui.market.chain import OptionChain
from gextui.market.coin import CoinRatio, RatioSource
from gextui.market.ticker import Kind, Ticker, UnknownTickerError
from gextui.route import Route
from gextui.secrets import Secret
from gextui.simulator.bybit import BybitVenue
from gextui.simulator.cboe import CboeVenue
from gextui.simulator.deribit import DeribitVenue
from gextui.simulator.history import SimulatedHistory, market_with_past
from gextui.simulator.listing import UNDERLYINGS
from gextui.simulator.market import SimulatedMarket
from gextui.simulator.tastytrade import CLIENT_SECRET, REFRESH_TOKEN, SimulatedTastytrade
from gextui.sources.bybit import BybitSource
from gextui.sources.cboe_live import CboeSource
from gextui.sources.deribit import DeribitSource
from gextui.sources.pacing import SystemClock
from gextui.sources.source import Source, SourceState, SourceStatus
from gextui.sources.tastytrade_live import TastytradeSource

BEFORE_THE_CLOSE = timedelta(minutes=3)
"""How soon after the first screen New York closes, and the day's options on shares expire."""
_RATE = 0.04
"""The interest rate of the simulated shares."""
_STREAMED = frozenset({"SPY"})
"""Shares that are read second by second; the others wait for Cboe's files."""
_REBUILT = timedelta(minutes=1)
"""Cboe's files may be so old: what is recorded of shares ends so long before the first screen."""


class Demo:
    """Sources of one simulated market, and its past; what they give goes into one desk.

    It is also what there is to watch, see `gextui.ui.watchlist.Catalogue`.
    """

    shifts = False
    remark = ""

    def __init__(self, seed: int, *, start: datetime | None = None) -> None:
        """Prepare a market; it is made in the core thread, and its time is as fast as any: the real sources measure it.

        Args:
            seed: What happens.
            start: The simulated instant of the first screen; `BEFORE_THE_CLOSE` of the newest trading day where None.
        """
        self._seed = seed
        self._start = start or newest_close(datetime.now(UTC)) - BEFORE_THE_CLOSE
        self._made: tuple[SimulatedMarket, SimulatedHistory] | None = None
        self._mover = _Mover()
        self.sources: tuple[Source, ...] = (
            _Served(DeribitSource.name, self._deribit),
            _Served(BybitSource.name, self._bybit),
            _Served(CboeSource.name, self._cboe),
            _Served(TastytradeSource.name, self._tastytrade),
        )
        self.etfs = CoinEtfs(_MarketClock(self), holdings=self._holdings())
        """What is known of coin ETFs."""
        self.known = tuple(known.ticker for known in UNDERLYINGS.values())
        """In the market's own order."""

    def sources_of(self, ticker: Ticker) -> tuple[str, ...]:
        """The sources that can give the ticker, the usual one first."""
        if ticker.kind is Kind.COIN:
            return DeribitSource.name, BybitSource.name
        names = CboeSource.name, TastytradeSource.name
        return names[::-1] if ticker.symbol in _STREAMED else names

    def route(self, ticker: Ticker, chosen: Route | None = None) -> Route:
        """Whose chains the ticker gets, where the user has chosen this."""
        names = self.sources_of(ticker)
        return Route(names[:1]) if chosen is None or not set(chosen.sources) <= set(names) else chosen

    def fixed(self, ticker: Ticker) -> str:
        """Why its sources cannot be chosen; empty where they can."""
        del ticker
        return ""

    async def find(self, symbol: str) -> Ticker:
        """The simulated ticker of that name.

        Raises:
            UnknownTickerError: there is none.
        """
        by_symbol = {ticker.symbol: ticker for ticker in self.known}
        if symbol not in by_symbol:
            raise UnknownTickerError(f"the demo's market has no {symbol}; it has {', '.join(by_symbol)}")
        return by_symbol[symbol]

    async def open_history(self) -> SimulatedHistory:
        """The market's own past, in memory."""
        return self.made()[1]

    def made(self) -> tuple[SimulatedMarket, SimulatedHistory]:
        """The market and its past, made when first asked for."""
        if self._made is None:
            self._made = market_with_past(self._seed, self._start, self._recorded)
        return self._made

    def _recorded(self, chain: OptionChain) -> OptionChain | None:
        """The chain as the demo's own sources would have recorded it, so that now and then can be compared."""
        source = self.sources_of(chain.ticker)[0]
        if source == CboeSource.name and chain.as_of > self._start - _REBUILT:
            return None
        return replace(chain, source=source, coin_ratio=self._holdings().get(chain.ticker.symbol))

    def _holdings(self) -> dict[str, CoinRatio]:
        """What the funds said at the last close before: the simulated prices hold to it."""
        counted = last_close(self._start)
        return {
            symbol: CoinRatio(known.coins_per_share, RatioSource.HOLDINGS, counted)
            for symbol, known in UNDERLYINGS.items()
            if known.coins_per_share is not None
        }

    def _market_for(self, venue: str) -> "_Shared":
        return _Shared(self.made()[0], venue, self._mover)

    def _deribit(self, tickers: Sequence[Ticker]) -> "_Opening":
        venue = DeribitVenue(self._market_for(DeribitSource.name))

        def source() -> DeribitSource:
            return DeribitSource(tickers, rest_url=venue.rest_url, ws_url=venue.ws_url, clock=venue.clock)

        return venue, source

    def _bybit(self, tickers: Sequence[Ticker]) -> "_Opening":
        venue = BybitVenue(self._market_for(BybitSource.name))

        def source() -> BybitSource:
            return BybitSource(tickers, rest_url=venue.rest_url, ws_url=venue.ws_url, clock=venue.clock)

        return venue, source

    def _cboe(self, tickers: Sequence[Ticker]) -> "_Opening":
        venue = CboeVenue(self._market_for(CboeSource.name), delay=0.0)

        def source() -> CboeSource:
            return CboeSource(tickers, rest_url=venue.rest_url, rate=lambda: _RATE, clock=venue.clock)

        return venue, source

    def _tastytrade(self, tickers: Sequence[Ticker]) -> "_Opening":
        venue = SimulatedTastytrade(self._market_for(TastytradeSource.name))

        def source() -> TastytradeSource:
            return TastytradeSource(
                tickers,
                rest_url=venue.rest_url,
                client_secret=Secret(CLIENT_SECRET),
                refresh_token=Secret(REFRESH_TOKEN),
                rate=lambda: _RATE,
                clock=venue.clock,
            )

        return venue, source


class _MarketClock(SystemClock):
    """The machine's, but that it is now whatever the simulated market says."""

    def __init__(self, demo: Demo) -> None:
        self._demo = demo

    def now(self) -> float:
        return self._demo.made()[0].now.timestamp()


def newest_close(now: datetime) -> datetime:
    """When New York closes on the newest trading day, be it still to come."""
    today: date = now.astimezone(NEW_YORK).date()
    day = today if is_trading_day(today) else previous_trading_day(today)
    return datetime.combine(day, closing_time(day), NEW_YORK).astimezone(UTC)


@dataclass(slots=True)
class _Mover:
    """Which venue moves the market: the first that is open, whichever the user watches."""

    venue: str = ""


@dataclass(frozen=True, slots=True)
class _Shared:
    """The market as one of its venues sees it. Implements `gextui.simulator.http_venue.Market`."""

    market: SimulatedMarket
    venue: str
    mover: _Mover

    @property
    def now(self) -> datetime:
        return self.market.now

    @property
    def tickers(self) -> tuple[Ticker, ...]:
        return self.market.tickers

    def step(self, seconds: float) -> None:
        """Let time pass, unless another venue does."""
        self.mover.venue = self.mover.venue or self.venue
        if self.mover.venue == self.venue:
            self.market.step(seconds)

    def chain(self, ticker: Ticker) -> OptionChain:
        return self.market.chain(ticker)


class _LiveSource(Source, Protocol):
    """What every live venue's source can do."""

    def carry(self, tickers: Sequence[Ticker]) -> None: ...

    def refresh(self, ticker: Ticker) -> None: ...


_Opening = tuple[AbstractAsyncContextManager[object], Callable[[], _LiveSource]]
"""A venue that is still to be opened, and how to make its source once it is."""


class _Served:
    """A live source and its venue, which opens when the source is first read."""

    def __init__(self, name: str, prepare: Callable[[Sequence[Ticker]], _Opening]) -> None:
        self.name = name
        self.tickers: tuple[Ticker, ...] = ()
        self._prepare = prepare
        self._source: _LiveSource | None = None

    def status(self, ticker: Ticker) -> SourceStatus:
        """As the real source says it."""
        if self._source is None:
            return SourceStatus(self.name, SourceState.CONNECTING, 1.0)
        return self._source.status(ticker)

    def carry(self, tickers: Sequence[Ticker]) -> None:
        """Give these tickers from now on."""
        self.tickers = tuple(tickers)
        if self._source is not None:
            self._source.carry(tickers)

    def refresh(self, ticker: Ticker) -> None:
        """Ask the venue now."""
        if self._source is not None:
            self._source.refresh(ticker)

    async def chains(self) -> AsyncIterator[OptionChain]:
        """Open the venue and read it."""
        venue, make = self._prepare(self.tickers)
        async with venue:
            self._source = source = make()
            source.carry(self.tickers)
            async for chain in source.chains():
                yield chain
