"""Cboe's delayed files over HTTP: one at a time, and none that has not changed."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Self
from urllib.parse import quote

from gextui import __version__
from gextui.market.ticker import Kind, Ticker
from gextui.sources.http import Fetched, HttpClient
from gextui.sources.pacing import Clock, Limiter

BETWEEN_REQUESTS = 2.0
"""Seconds between two requests, whatever they are for."""
SLOWEST = 32 * 1024.0
"""Bytes a second: the largest file is 2 MB as it is sent, and a slow line should get it too."""
_INDICES = frozenset({"SPX", "NDX", "RUT", "VIX", "XSP", "DJX", "OEX", "XEO", "XND", "MRUT"})
"""Those that are named as such even where nobody told us that they are indices."""


class CboeRest:
    """An asynchronous context manager around one HTTP client."""

    def __init__(self, rest_url: str, *, clock: Clock) -> None:
        """Prepare to ask ``rest_url``.

        Raises:
            ValueError: the address is not one that may be asked.
        """
        self.limiter = Limiter(clock, rate=1.0 / BETWEEN_REQUESTS, burst=1)
        """Closed while the venue wants to be left alone."""
        self._http = HttpClient(
            rest_url,
            self.limiter,
            headers={"user-agent": f"Mozilla/5.0 (compatible; gextui/{__version__})", "accept": "application/json"},
            clock=clock,
            slowest=SLOWEST,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()

    async def options(self, ticker: Ticker, *, known: bool, if_changed: bool, etag: str = "") -> Fetched:
        """The file of a ticker's options.

        Args:
            ticker: Whose.
            known: Whether the venue ever gave it: then a 403 is a block, otherwise it may not know the ticker.
            if_changed: Whether one that has not changed since the last need not be sent.
            etag: Likewise one that has not changed since an earlier program had it under this tag.

        Raises:
            FetchError: there is no usable answer.
        """
        path = f"/options/{quote(symbol_of(ticker), safe='')}.json"
        headers = {"if-none-match": etag} if etag else None
        return await self._http.get(path, if_changed=if_changed, may_be_unknown=not known, headers=headers)


def symbol_of(ticker: Ticker) -> str:
    """The name that Cboe gives the ticker's files: ``_SPX``, ``SPY``."""
    is_index = ticker.kind is Kind.INDEX or ticker.symbol in _INDICES
    return f"_{ticker.symbol}" if is_index else ticker.symbol


def sent_at(fetched: Fetched) -> datetime | None:
    """When the venue sent an answer; None where it does not say so."""
    try:
        at = parsedate_to_datetime(fetched.headers.get("date", ""))
    except (ValueError, TypeError, IndexError):
        return None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
