"""The live sources, as the settings say; each is imported and made when it is first needed."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime, time
from functools import partial
from typing import TYPE_CHECKING

from gextui.coin_etfs import Ask, CoinEtfs
from gextui.config import Settings, cache_path, database_path
from gextui.etf_source import EtfSource
from gextui.market.calendar import NEW_YORK
from gextui.market.coin import CoinRatio, RatioSource
from gextui.market.ticker import ticker_for
from gextui.route import RECORDER
from gextui.secrets import Secret, SecretName
from gextui.sources.pacing import Clock, SystemClock
from gextui.sources.source import Source

if TYPE_CHECKING:
    from gextui.sources.treasury import TreasuryRate


class LiveSources:
    """Makes the sources, each when it is first needed; call it with `RECORDER` or one of `gextui.config.SOURCES`."""

    def __init__(self, settings: Settings) -> None:
        """Prepare to make sources as the settings say; credentials are had now, because that may take a while.

        Raises:
            SecretError: a credential is configured and cannot be had.
        """
        self._settings = settings
        self._tradier_token = _credential(settings, SecretName.TRADIER_TOKEN)
        self._client_secret = _credential(settings, SecretName.TASTYTRADE_CLIENT_SECRET)
        self._refresh_token = _credential(settings, SecretName.TASTYTRADE_REFRESH_TOKEN)
        self._cache = cache_path()
        self._clock = clock = SystemClock()
        urls = settings.sources
        index = partial(_coin_index, urls.deribit.rest_url, urls.yahoo.rest_url, clock)
        self.etfs = CoinEtfs(clock, holdings=holdings_of(settings), index=index)
        """What is known of coin ETFs."""
        self._rate: TreasuryRate | None = None
        self._rate_wanted = asyncio.Event()

    def __call__(self, name: str) -> Source:
        """The source of that name, of no tickers yet.

        Raises:
            ValueError: there is none.
        """
        make: Mapping[str, Callable[[], Source]] = {
            "deribit": self._deribit,
            "bybit": self._bybit,
            "cboe": self._cboe,
            "yahoo": self._yahoo,
            "tradier": self._tradier,
            "tastytrade": self._tastytrade,
            RECORDER: self._recorder,
        }
        if ticker_for(name).coin is not None:
            return EtfSource(ticker_for(name), self.etfs, self._clock)
        if name not in make:
            raise ValueError(f"no source is called {name}")
        return make[name]()

    def _deribit(self) -> Source:
        from gextui.sources.deribit import DeribitSource

        urls = self._settings.sources.deribit
        return DeribitSource((), rest_url=urls.rest_url, ws_url=urls.ws_url, cache_dir=self._cache)

    def _bybit(self) -> Source:
        from gextui.sources.bybit import BybitSource

        urls = self._settings.sources.bybit
        return BybitSource((), rest_url=urls.rest_url, ws_url=urls.ws_url, cache_dir=self._cache)

    def _cboe(self) -> Source:
        from gextui.sources.cboe_live import CboeSource

        cboe = self._settings.sources.cboe
        return CboeSource((), rest_url=cboe.rest_url, rate=self._us_rate, cache_dir=self._cache)

    def _tradier(self) -> Source:
        from gextui.sources.tradier_live import TradierSource

        tradier = self._settings.sources.tradier
        return TradierSource(
            (),
            rest_url=tradier.rest_url,
            token=self._tradier_token,
            rate=self._us_rate,
            every=60.0 * tradier.every_minutes,
            cache_dir=self._cache,
        )

    def _tastytrade(self) -> Source:
        from gextui.sources.tastytrade_live import TastytradeSource

        return TastytradeSource(
            (),
            rest_url=self._settings.sources.tastytrade.rest_url,
            client_secret=self._client_secret,
            refresh_token=self._refresh_token,
            rate=self._us_rate,
            cache_dir=self._cache,
        )

    def _yahoo(self) -> Source:
        from gextui.sources.yahoo_live import YahooSource

        yahoo = self._settings.sources.yahoo
        return YahooSource(
            (), rest_url=yahoo.rest_url, cookie_url=yahoo.cookie_url, rate=self._us_rate, cache_dir=self._cache
        )

    def _recorder(self) -> Source:
        from gextui.following import FollowingSource

        return FollowingSource(database_path(self._settings), ())

    def _us_rate(self) -> float:
        """The interest rate of US tickers; asking for it once has it kept current from then on."""
        if self._rate is None:
            self._rate_wanted.set()
            return self._settings.rates.usd
        return self._rate()

    async def keep(self) -> None:
        """Keep the interest rate current, from when a source of US tickers needs it; never ends."""
        await self._rate_wanted.wait()
        from gextui.sources.treasury import TreasuryRate
        from gextui.sources.yahoo_quotes import YahooQuotes

        async with YahooQuotes(self._settings.sources.yahoo.rest_url) as quotes:
            self._rate = TreasuryRate(quotes, fallback=self._settings.rates.usd)
            await self._rate.keep()


def _credential(settings: Settings, name: SecretName) -> Secret | None:
    found = settings.secrets.find(name)
    return None if found is None else found[0]


def holdings_of(settings: Settings) -> dict[str, CoinRatio]:
    """The ratios that the settings give, by symbol; a fund counts its coins at the end of a day."""
    return {
        symbol: CoinRatio(
            choice.coins_per_share,
            RatioSource.HOLDINGS,
            None if choice.holdings_on is None else datetime.combine(choice.holdings_on, time(16), NEW_YORK),
        )
        for symbol, choice in settings.tickers.items()
        if choice.coins_per_share
    }


def _coin_index(deribit_url: str, yahoo_url: str, clock: Clock) -> AbstractAsyncContextManager[Ask]:
    from gextui.sources.coin_index import coin_index

    return coin_index(deribit_url, yahoo_url, clock)
