"""The directory: which ticker a name means, asked of those who list options where nobody here knows it."""

import asyncio
import difflib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from gextui.config import Sources
from gextui.market.text import is_symbol
from gextui.market.ticker import KNOWN_TICKERS, Kind, Ticker, UnknownTickerError, ticker_for
from gextui.sources.bybit_rest import BybitRest
from gextui.sources.deribit_currency import listed_coins
from gextui.sources.failure import Failure, FetchError
from gextui.sources.http import HttpClient
from gextui.sources.pacing import Limiter, SystemClock

_MOST_SUGGESTED = 3
_ASKED = ("Deribit", "Bybit", "Cboe")


class Directory:
    """Looks names up; answers are remembered."""

    def __init__(self, sources: Sources, *, cache_dir: Path | None = None) -> None:
        """Prepare to ask where the settings say these sources are."""
        self._sources = sources
        self._cache_dir = cache_dir
        self._found = dict(KNOWN_TICKERS)
        self._coins: list[str] = []

    def known(self, symbol: str) -> Ticker | None:
        """The ticker of that name, if it can be told without asking anybody."""
        return self._found.get(symbol.strip().upper())

    @property
    def tickers(self) -> list[Ticker]:
        """Every ticker that can be told so."""
        return list(self._found.values())

    async def find(self, symbol: str) -> Ticker:
        """The ticker of that name: one known here, else a coin that Deribit or Bybit lists, else a share of Cboe's.

        Raises:
            UnknownTickerError: see there.
        """
        symbol = symbol.strip().upper()
        if (known := self.known(symbol)) is not None:
            return known
        if not is_symbol(symbol):
            raise UnknownTickerError("a ticker is letters, digits and . _ : / ^ $ -, up to 32 of them")
        questions = (self._at_deribit(symbol), self._at_bybit(symbol), self._at_cboe(symbol))
        answers = await asyncio.gather(*questions, return_exceptions=True)
        for found in answers:
            if isinstance(found, Ticker):
                self._found[symbol] = found
                return found
        for failed in answers:
            if isinstance(failed, BaseException) and not isinstance(failed, FetchError):
                raise failed
        near = suggestions(symbol, [*self._found, *self._coins])
        hint = f"; did you mean {', '.join(near)}?" if near else ""
        raise UnknownTickerError(f"{_why_not(symbol, answers)}{hint}", near)

    async def _at_deribit(self, symbol: str) -> Ticker | None:
        self._coins = await listed_coins(self._sources.deribit.rest_url, cache_dir=self._cache_dir)
        return ticker_for(symbol, Kind.COIN) if symbol in self._coins else None

    async def _at_bybit(self, symbol: str) -> Ticker | None:
        bybit = BybitRest(self._sources.bybit.rest_url, clock=SystemClock(), answered=lambda _: None)
        async with bybit as rest:
            return replace(ticker_for(symbol, Kind.COIN), source="bybit") if await rest.lists(symbol) else None

    async def _at_cboe(self, symbol: str) -> Ticker | None:
        """Cboe's quote of the underlying alone is small; it refuses the names that it does not know."""
        limiter = Limiter(SystemClock(), rate=1.0, burst=1.0)
        async with HttpClient(self._sources.cboe.rest_url, limiter) as client:
            try:
                await client.get(f"/quotes/{symbol}.json")
            except FetchError as error:
                if error.failure is Failure.BLOCKED:
                    return None
                raise
        return ticker_for(symbol)


def _why_not(symbol: str, answers: Sequence[object]) -> str:
    unasked = [
        f"{name} cannot be asked: {answer}"
        for name, answer in zip(_ASKED, answers, strict=True)
        if isinstance(answer, FetchError)
    ]
    if len(unasked) == len(_ASKED):
        return f"{symbol} is unknown here, and {'; '.join(unasked)}"
    lists = f"nobody who can be asked ({'; '.join(unasked)}) lists" if unasked else "Deribit, Bybit and Cboe list no"
    return f"{lists} options on {symbol}"


def suggestions(symbol: str, names: Sequence[str]) -> list[str]:
    """The few of the names that are nearest to what was typed."""
    return difflib.get_close_matches(symbol.upper(), list(dict.fromkeys(names)), n=_MOST_SUGGESTED, cutoff=0.6)
