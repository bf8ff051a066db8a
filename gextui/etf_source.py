"""A coin ETF's book as a part of its coin's, told in the coin: a source that reads what another one gives the ETF."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import numpy as np

from gextui.coin_etfs import CoinEtfs
from gextui.market.chain import OptionChain
from gextui.market.combined import on_coin_axis
from gextui.market.ticker import Ticker
from gextui.sources.pacing import Clock
from gextui.sources.source import SourceState, SourceStatus

LOOK_EVERY = 5.0
"""Seconds between looks at what is known of the ETF."""
_DIGITS = 3
_RESTS_WITHIN = 0.005
"""Strikes in the coin stay where they are until the ratio has moved by a larger fraction."""


class EtfSource:
    """Implements `Source` and `Adjustable` for the coin that an ETF holds. It asks nobody: the ETF must be watched."""

    def __init__(self, etf: Ticker, etfs: CoinEtfs, clock: Clock) -> None:
        """Prepare to tell of ``etf`` what ``etfs`` knows of it."""
        self.name = etf.symbol
        self.tickers: tuple[Ticker, ...] = ()
        self._etf = etf
        self._etfs = etfs
        self._clock = clock
        self._coins_per_share: float | None = None

    def carry(self, tickers: Sequence[Ticker]) -> None:
        """Give these tickers from now on; of any use is the coin alone."""
        self.tickers = tuple(tickers)

    def status(self, ticker: Ticker) -> SourceStatus:
        """Whether the ETF is watched and has been heard of."""
        interval = self._etfs.interval(self._etf)
        if ticker not in self.tickers or ticker.symbol != self._etf.coin:
            return SourceStatus(self.name, SourceState.DISABLED, LOOK_EVERY, f"{self.name} holds no {ticker.symbol}")
        if interval is None:
            detail = f"{self.name} is not watched; add it to the tickers"
            return SourceStatus(self.name, SourceState.DISABLED, LOOK_EVERY, detail)
        if self._coins_per_share is None:
            detail = f"how many {self._etf.coin} a share stands for is not known yet"
            return SourceStatus(self.name, SourceState.CONNECTING, interval, detail)
        return SourceStatus(self.name, SourceState.LIVE, interval)

    async def chains(self) -> AsyncIterator[OptionChain]:
        """Yield the ETF's book in the coin whenever it is another, and once more when the ETF was heard of again."""
        heard: float | None = None
        known: OptionChain | None = None
        while True:
            coin = next((ticker for ticker in self.tickers if ticker.symbol == self._etf.coin), None)
            newest, last = self._etfs.newest(self._etf), self._etfs.heard(self._etf)
            if coin is not None:
                chain = self._etfs.implied(self._etf) or newest
                if chain is not None and (chain.implied_from is not None or last != heard or known is not newest):
                    heard, known = last, newest
                    part = self._part(chain, coin)
                    if part is not None:
                        yield part
            await self._clock.sleep(LOOK_EVERY)

    def _part(self, chain: OptionChain, coin: Ticker) -> OptionChain | None:
        """The chain as one of the coin; None while nobody knows how many coins a share stands for."""
        if chain.coin_ratio is None:
            return None
        coins = self._rested(chain.coin_ratio.coins_per_share)
        told = on_coin_axis(chain, coins)
        # What is too high to be believed of the share must not be believed of the coin.
        iv = np.where(told.iv <= self._etf.highest_iv, told.iv, np.nan)
        return replace(told, ticker=coin, source=self.name, iv=iv, coin_ratio=None)

    def _rested(self, coins_per_share: float) -> float:
        """The ratio in few digits, held still: a strike that moves with every price is another strike each time."""
        resting = self._coins_per_share
        if resting is None or abs(coins_per_share / resting - 1.0) > _RESTS_WITHIN:
            self._coins_per_share = resting = float(f"{coins_per_share:.{_DIGITS}g}")
        return resting
