"""What coins cost now: Deribit's index, and Yahoo's price where Deribit has none to give."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from gextui.sources.deribit_rest import DeribitRest
from gextui.sources.failure import Failure, FetchError
from gextui.sources.pacing import Clock
from gextui.sources.yahoo_quotes import YahooQuotes

_FRESH = 60.0
"""Seconds: an older price of Yahoo's is none of now."""


@asynccontextmanager
async def coin_index(
    deribit_url: str, yahoo_url: str, clock: Clock
) -> AsyncIterator[Callable[[str], Awaitable[tuple[float, float]]]]:
    """Give a function that asks for a coin (``BTC``): when it cost what, epoch seconds and USD.

    It raises FetchError where neither has a price of now. Yahoo is asked only where Deribit fails.
    """
    async with AsyncExitStack() as stack:
        deribit = await stack.enter_async_context(DeribitRest(deribit_url, clock=clock, answered=lambda _: None))
        yahoo: YahooQuotes | None = None

        async def ask(coin: str) -> tuple[float, float]:
            nonlocal yahoo
            try:
                price = await deribit.index_price(f"{coin.lower()}_usd")
                if price is None:
                    raise FetchError(Failure.CONTENT, f"Deribit gives no price of {coin}")
            except FetchError as error:
                if yahoo is None:
                    yahoo = await stack.enter_async_context(YahooQuotes(yahoo_url, clock=clock))
                try:
                    quote = await yahoo.quote(f"{coin}-USD")
                except FetchError:
                    raise error from None
                if clock.now() - quote.at.timestamp() > _FRESH:
                    raise error from None
                return quote.at.timestamp(), quote.price
            return clock.now(), price

        yield ask
