"""Coin ETFs: how many coins a share stands for, and what the book is worth while the ETF is shut."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import NoReturn

from gextui.coin_prices import CoinPrices
from gextui.exposure.coin_terms import NEAR_ENOUGH, implied_chain, is_open, with_ratio
from gextui.market.calendar import MarketState, last_close, market_state, opening
from gextui.market.chain import OptionChain
from gextui.market.coin import CoinRatio
from gextui.market.ticker import Kind, Ticker, ticker_for
from gextui.sources.pacing import Clock, SystemClock
from gextui.sources.trouble import settled

_USUAL_INTERVAL = 60.0
"""Seconds between chains of an ETF that nothing was heard of yet."""
ASK_EVERY = 15.0
"""Seconds: a coin that nobody told a price of for so long is asked for."""

Ask = Callable[[str], Awaitable[tuple[float, float]]]
"""When a coin (``BTC``) cost what, just now: epoch seconds and USD; raises FetchError where nobody knows."""
Index = Callable[[], AbstractAsyncContextManager[Ask]]
"""Opens the way to ask."""

Recorded = Callable[[Ticker, datetime], Awaitable[OptionChain | None]]
"""The newest chain recorded up to an instant."""

_NONE: Mapping[str, CoinRatio] = MappingProxyType({})


class CoinEtfs:
    """What is known of every coin ETF that is watched. Runs in the core thread."""

    def __init__(self, clock: Clock, *, holdings: Mapping[str, CoinRatio] = _NONE, index: Index | None = None) -> None:
        """Know of nothing yet.

        Args:
            clock: Tells what is fresh.
            holdings: By an ETF's symbol, the ratio to use whatever both prices say.
            index: Who is asked for coins that are not watched themselves; nobody where None.
        """
        self.prices = CoinPrices()
        self._clock = clock
        self._holdings = holdings
        self._index = index
        self._etfs: dict[Ticker, _Etf] = {}
        self.watched = asyncio.Event()
        """Set while there is any."""

    def carry(self, tickers: Iterable[Ticker]) -> None:
        """Look after the coin ETFs among these tickers from now on."""
        self._etfs = {
            ticker: self._etfs.get(ticker) or _Etf(self._holdings.get(ticker.symbol))
            for ticker in tickers
            if ticker.coin is not None
        }
        if self._etfs:
            self.watched.set()
        else:
            self.watched.clear()

    @property
    def coins(self) -> tuple[str, ...]:
        """What the ETFs hold, each once."""
        return tuple(dict.fromkeys(ticker.coin for ticker in self._etfs if ticker.coin is not None))

    def hear(self, ticker: Ticker, interval: float) -> None:
        """An ETF's source has told something, be it only that there is nothing newer; usual after so many seconds."""
        etf = self._etfs.get(ticker)
        if etf is not None:
            etf.heard, etf.interval = self._clock.seconds(), interval

    def newest(self, ticker: Ticker) -> OptionChain | None:
        """An ETF's newest chain."""
        etf = self._etfs.get(ticker)
        return None if etf is None else etf.newest

    def heard(self, ticker: Ticker) -> float | None:
        """When its source last told something, by `Clock.seconds`."""
        etf = self._etfs.get(ticker)
        return None if etf is None else etf.heard

    def interval(self, ticker: Ticker) -> float | None:
        """Seconds between what its source tells; None where the ETF is not watched. May be asked from any thread."""
        etf = self._etfs.get(ticker)
        return None if etf is None else etf.interval

    def take(self, chain: OptionChain) -> OptionChain:
        """A chain as it is to be shown and recorded: a coin's tells its price, an ETF's is given its ratio."""
        ticker = chain.ticker
        if ticker.kind is Kind.COIN and (told := _price_of(chain)) is not None:
            self.prices.tell(ticker.symbol, *told)
        etf = self._etfs.get(ticker)
        if etf is None or ticker.coin is None:
            return chain
        if chain.coin_ratio is None:
            price = self.prices.at(ticker.coin, chain.quoted_at.timestamp())
            chain = with_ratio(chain, price, kept=etf.kept, holdings=etf.holdings)
        etf.keep(chain)
        return chain

    def recall(self, newest: OptionChain, session: OptionChain | None) -> None:
        """Take in an ETF's newest recorded chain, and the last of its last session, before any other comes."""
        etf = self._etfs.get(newest.ticker)
        if etf is not None and etf.newest is None:
            etf.session = session
            etf.keep(newest)

    async def completed(self, chain: OptionChain, recorded: Recorded) -> OptionChain | None:
        """An ETF's newest chain with the ratio that was not known when it came; None where there is no more to say.

        What the coin cost then may have been recorded, though nobody told it here.
        """
        etf, coin = self._etfs.get(chain.ticker), chain.ticker.coin
        if etf is None or coin is None or chain.coin_ratio is not None:
            return None
        if etf.looked_up is not chain:
            etf.looked_up = chain
            then = await recorded(ticker_for(coin, Kind.COIN), chain.quoted_at)
            if then is not None:
                self.prices.recall(coin, [(then.quoted_at.timestamp(), then.spot)])
        told = self.take(chain)
        return None if told.coin_ratio is None else told

    def implied(self, ticker: Ticker) -> OptionChain | None:
        """The book of a shut ETF at the coin's price now.

        None while it trades, where the coin's price is not fresh, and where no chain of its last session is known:
        what is older has missed a day's trading.
        """
        etf = self._etfs.get(ticker)
        if etf is None or etf.newest is None or ticker.coin is None:
            return None
        now = datetime.fromtimestamp(self._clock.now(), UTC)
        # What a delayed source tells after the close is still of before it.
        told = now - timedelta(seconds=etf.newest.delay)
        session = etf.newest if etf.session is None else etf.session
        if market_state(ticker.session, told) is MarketState.OPEN or session.quoted_at < _opened(told):
            return None
        price, ratio = self.prices.at(ticker.coin, self._clock.now()), etf.holdings or etf.kept
        if price is None or ratio is None:
            return None
        counted = None if etf.newest.partial else etf.newest
        return implied_chain(replace(session, coin_ratio=ratio), price, now, counted)

    async def keep(self) -> NoReturn:
        """Ask for the prices of coins that nobody tells, for ever."""
        from gextui.sources.polling import Poll  # heavy, and of no use where everybody tells

        await self.watched.wait()
        if self._index is None:
            await asyncio.Event().wait()
        else:
            async with self._index() as ask:
                await Poll("coin prices", self._clock, ASK_EVERY).keep(lambda: self._ask_all(ask))
        raise AssertionError("it was to be for ever")

    async def _ask_all(self, ask: Ask) -> None:
        untold = [coin for coin in self.coins if self.prices.age(coin, self._clock.now()) >= ASK_EVERY]
        failures = []
        for coin in untold:
            told = await settled(ask(coin))
            if isinstance(told, BaseException):
                failures.append(told)
            else:
                self.prices.tell(coin, *told)
        if failures:
            raise failures[0]


def told_in_coins(chains: Sequence[OptionChain], holdings: Mapping[str, CoinRatio] = _NONE) -> list[OptionChain]:
    """Recorded chains in their order, coin ETFs with the ratio that the coins' own chains among them tell."""
    etfs = CoinEtfs(SystemClock(), holdings=holdings)
    etfs.carry({chain.ticker for chain in chains})
    told = list(chains)
    # A coin's price tells the ratio of a moment before it too.
    for at in sorted(range(len(chains)), key=lambda at: _learnt(chains[at])):
        told[at] = etfs.take(chains[at])
    return told


def _price_of(chain: OptionChain) -> tuple[float, float] | None:
    """When the coin cost what by its own venues; an ETF in its book says only what it was told itself."""
    if not chain.parts:
        return chain.quoted_at.timestamp(), chain.spot
    venues = (part for part in chain.parts if not part.stale and ticker_for(part.name).coin is None)
    return next(((part.as_of.timestamp() - part.delay, part.spot) for part in venues), None)


def _learnt(chain: OptionChain) -> float:
    return chain.quoted_at.timestamp() - (NEAR_ENOUGH if chain.ticker.kind is Kind.COIN else 0.0)


def _opened(shut: datetime) -> datetime:
    """When the last session before an instant at which New York is shut began."""
    return opening(last_close(shut).date())


@dataclass(slots=True)
class _Etf:
    """One ETF."""

    holdings: CoinRatio | None
    """What is configured."""
    kept: CoinRatio | None = None
    """The newest that was known."""
    session: OptionChain | None = None
    """The newest chain whose prices are of one instant: while the ETF traded."""
    newest: OptionChain | None = None
    heard: float | None = None
    interval: float = _USUAL_INTERVAL
    looked_up: OptionChain | None = None
    """The last chain whose instant the coin's recorded price was looked up for."""

    def keep(self, chain: OptionChain) -> None:
        """Take in a chain."""
        self.newest = chain
        if is_open(chain) and not chain.partial:
            self.session = chain
        if chain.coin_ratio is not None:
            self.kept = chain.coin_ratio
