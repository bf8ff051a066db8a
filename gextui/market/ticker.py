"""Tickers: what a trader names when asking for a dashboard."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from gextui.market.text import clean_symbol

MOST_TICKERS = 50
"""So many are watched at once."""


class UnknownTickerError(Exception):
    """Nobody lists options on it, or nobody can be asked. The message is one plain sentence with near names."""

    def __init__(self, message: str, near: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.near = tuple(near)
        """Symbols that may have been meant."""


class Kind(StrEnum):
    """What sort of thing is traded; it decides session, settlement and which IVs are believable."""

    COIN = "coin"
    INDEX = "index"
    ETF = "etf"
    STOCK = "stock"


class Session(StrEnum):
    """The clock a ticker's expiries and trading days follow."""

    UTC = "utc"
    NEW_YORK = "new_york"


@dataclass(frozen=True, slots=True)
class Ticker:
    """One underlying."""

    symbol: str
    """As traders write it: BTC, SPX, IBIT."""
    name: str
    kind: Kind
    source: str
    """The source read when none is configured."""
    coin: str | None = None
    """For a coin ETF, the coin it holds: IBIT holds BTC."""

    @property
    def session(self) -> Session:
        """Coins settle on UTC time and never close; everything else follows New York."""
        return Session.UTC if self.kind is Kind.COIN else Session.NEW_YORK

    @property
    def highest_iv(self) -> float:
        """The largest implied volatility, as a fraction, that is believed (1000 % for coins, else 500 %)."""
        return 10.0 if self.kind is Kind.COIN else 5.0


KNOWN_TICKERS: dict[str, Ticker] = {
    ticker.symbol: ticker
    for ticker in (
        Ticker("BTC", "Bitcoin", Kind.COIN, "deribit"),
        Ticker("ETH", "Ether", Kind.COIN, "deribit"),
        Ticker("SOL", "Solana", Kind.COIN, "deribit"),
        Ticker("XRP", "XRP", Kind.COIN, "deribit"),
        Ticker("AVAX", "Avalanche", Kind.COIN, "deribit"),
        Ticker("HYPE", "Hyperliquid", Kind.COIN, "deribit"),
        Ticker("TRX", "TRON", Kind.COIN, "deribit"),
        Ticker("SPX", "S&P 500 index", Kind.INDEX, "cboe"),
        Ticker("NDX", "Nasdaq-100 index", Kind.INDEX, "cboe"),
        Ticker("RUT", "Russell 2000 index", Kind.INDEX, "cboe"),
        Ticker("VIX", "Cboe volatility index", Kind.INDEX, "cboe"),
        Ticker("XSP", "Mini S&P 500 index", Kind.INDEX, "cboe"),
        Ticker("SPY", "SPDR S&P 500 ETF", Kind.ETF, "cboe"),
        Ticker("QQQ", "Invesco QQQ ETF", Kind.ETF, "cboe"),
        Ticker("IWM", "iShares Russell 2000 ETF", Kind.ETF, "cboe"),
        Ticker("DIA", "SPDR Dow Jones ETF", Kind.ETF, "cboe"),
        Ticker("IBIT", "iShares Bitcoin Trust", Kind.ETF, "cboe", coin="BTC"),
        Ticker("ETHA", "iShares Ethereum Trust", Kind.ETF, "cboe", coin="ETH"),
    )
}


def ticker_for(symbol: str, kind: Kind = Kind.STOCK) -> Ticker:
    """The known ticker of that symbol, or a new one of ``kind``; the symbol is cleaned."""
    symbol = clean_symbol(symbol).upper()
    known = KNOWN_TICKERS.get(symbol)
    if known is not None:
        return known
    return Ticker(symbol, symbol, kind, "deribit" if kind is Kind.COIN else "cboe")
