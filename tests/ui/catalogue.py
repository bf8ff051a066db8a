"""A catalogue of what there is to watch: no venue, no waiting unless a test wants it."""

import asyncio
from collections.abc import Sequence

from gextui.market.ticker import KNOWN_TICKERS, Kind, Ticker, UnknownTickerError, ticker_for
from gextui.route import Route
from gextui.ui.watchlist import Editable, Watchlist
from tests.ui.desk import MemoryDesk


class MemoryCatalogue:
    """Knows what gextui knows; a test says what else is listed, by whom it is recorded, and what it is asked."""

    def __init__(self, *listed: str) -> None:
        self.known: Sequence[Ticker] = tuple(KNOWN_TICKERS.values())
        self.listed = {symbol: ticker_for(symbol, Kind.COIN) for symbol in listed}
        self.asked: list[str] = []
        self.recorded: set[str] = set()
        """By another process."""
        self.remark = ""
        self.shifts = False
        self.answer = asyncio.Event()
        self.answer.set()

    def sources_of(self, ticker: Ticker) -> Sequence[str]:
        return ("deribit", "bybit") if ticker.kind is Kind.COIN else ("tradier", "cboe", "yahoo")

    def route(self, ticker: Ticker, chosen: Route | None) -> Route:
        if ticker.symbol in self.recorded:
            return Route(("recorder",))
        return chosen or Route((ticker.source,))

    def fixed(self, ticker: Ticker) -> str:
        return f"process 7 records {ticker.symbol}" if ticker.symbol in self.recorded else ""

    async def find(self, symbol: str) -> Ticker:
        self.asked.append(symbol)
        await self.answer.wait()
        known = KNOWN_TICKERS | self.listed
        if symbol not in known:
            near = [name for name in known if name[:2] == symbol[:2]]
            raise UnknownTickerError(f"Deribit, Bybit and Cboe list no options on {symbol}", near)
        return known[symbol]


def editable(
    desk: MemoryDesk, catalogue: MemoryCatalogue | None = None, *, off: Sequence[str] = (), kept: bool = True
) -> Editable:
    """The list of a desk's tickers, and of these that are off."""
    watchlist = Watchlist.of(desk.tickers)
    for symbol in off:
        watchlist = watchlist.added(ticker_for(symbol)).switched(symbol, on=False)
    return Editable(watchlist, catalogue or MemoryCatalogue(), kept)
