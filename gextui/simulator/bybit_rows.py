"""What a simulated Bybit says of one coin's options at one instant: numbers as decimal texts, "0" for none."""

import zlib
from collections.abc import Iterator
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from gextui.market.calendar import years_to_expiry
from gextui.market.chain import Floats, OptionChain
from gextui.pricing.black import black76
from gextui.pricing.implied import implied_volatility
from gextui.simulator.deribit_names import day_name

Row = dict[str, Any]
"""A JSON object."""

HIGHEST_IV = 5.0
"""What the venue says where no volatility explains an ask."""
_TICKS = {"BTC": "5", "ETH": "0.1", "SOL": "0.01"}
_OTHER_TICK = "0.0001"
_LEAST_ORDERS = {"BTC": "0.01", "ETH": "0.1", "SOL": "1"}
_OTHER_LEAST_ORDER = "100"
_PUSHED = {
    "bid1Price": "bidPrice",
    "bid1Size": "bidSize",
    "bid1Iv": "bidIv",
    "ask1Price": "askPrice",
    "ask1Size": "askSize",
    "ask1Iv": "askIv",
    "markIv": "markPriceIv",
}
"""What the WebSocket calls what REST calls otherwise."""


def symbol_name(coin: str, expiry: float, strike: float, is_call: bool, settled: str = "USDT") -> str:
    """``BTC-27MAR26-70000-P-USDT``; a decimal strike is written ``1.25``."""
    return f"{coin}-{day_name(expiry)}-{strike:.10g}-{'C' if is_call else 'P'}-{settled}"


def display_name(symbol: str) -> str:
    """``BTCUSDT-27MAR26-70000-P``, as people are shown it and as no topic is called."""
    coin, day, strike, right, settled = symbol.split("-")
    return f"{coin}{settled}-{day}-{strike}-{right}"


def settled_in(root: str) -> str:
    """What options of a market's root settle in here: USDT, but for a root that says otherwise (``BTC-USDC``)."""
    return root.partition("-")[2] or "USDT"


class Book:
    """One coin's chain as the venue shows it at one instant; columns of N rows in the chain's order.

    Attributes:
        coin: The base coin.
        symbols: Of the contracts.
        row_of: The row of each symbol.
        timestamp: Milliseconds.
        index_price: Of the underlying.
    """

    def __init__(self, chain: OptionChain, timestamp: int, before: "Book | None" = None) -> None:
        """Price the chain; the symbols of ``before`` are used again where the listing is the same."""
        self.chain = chain
        self.timestamp = timestamp
        self.coin = chain.ticker.symbol
        self.index_price = round(chain.spot, 8)
        self.expiry: Floats = chain.expiries[chain.expiry]
        self.symbols: list[str]
        self.row_of: dict[str, int]
        if before is not None and self._lists_the_same_as(before):
            self.symbols, self.row_of = before.symbols, before.row_of
        else:
            settled = [settled_in(root) for root in chain.roots]
            columns = zip(self.expiry.tolist(), chain.strike.tolist(), chain.is_call.tolist(), strict=True)
            self.symbols = [
                symbol_name(self.coin, *key, settled[root])
                for key, root in zip(columns, chain.root.tolist(), strict=True)
            ]
            self.row_of = {symbol: row for row, symbol in enumerate(self.symbols)}
        forwards: Floats = np.where(np.isfinite(chain.forwards), chain.forwards, chain.spot)
        self.forward = np.round(forwards, 8)[chain.expiry]
        self.tick = _TICKS.get(self.coin, _OTHER_TICK)

    def _lists_the_same_as(self, other: "Book") -> bool:
        return (
            np.array_equal(self.chain.strike, other.chain.strike)
            and np.array_equal(self.expiry, other.expiry)
            and np.array_equal(self.chain.root, other.chain.root)
        )

    @cached_property
    def bid(self) -> Floats:
        """On the grid of prices, NaN for none; (N,)."""
        tick = float(self.tick)
        bid = np.floor(self.chain.bid / tick + 1e-9) * tick
        return np.where(bid > 0.0, np.round(bid, 8), np.nan)

    @cached_property
    def ask(self) -> Floats:
        """Likewise; (N,)."""
        tick = float(self.tick)
        return np.round(np.ceil(self.chain.ask / tick - 1e-9) * tick, 8)

    @cached_property
    def open_interest(self) -> Floats:
        """In coins; (N,)."""
        return self.chain.open_interest * self.chain.multiplier

    @cached_property
    def volume(self) -> Floats:
        """The day's, in coins; (N,)."""
        return self.chain.volume * self.chain.multiplier

    @cached_property
    def _texts(self) -> list[Row]:
        """The rows of ``tickers``."""
        chain = self.chain
        years = years_to_expiry(chain.as_of_seconds, chain.expiries)[chain.expiry]
        greeks = black76(self.forward, chain.strike, years, chain.iv, chain.is_call)
        bid_iv, ask_iv = (
            implied_volatility(price, self.forward, chain.strike, years, chain.is_call)
            for price in (self.bid, self.ask)
        )
        capped = np.where(np.isfinite(self.ask), np.minimum(np.nan_to_num(ask_iv, nan=HIGHEST_IV), HIGHEST_IV), np.nan)
        traded = np.where(self.volume > 0.0, greeks.value, np.nan)
        index = _decimal(self.index_price)
        columns = {
            "bid1Price": (self.bid, 8),
            "bid1Size": (np.where(np.isfinite(self.bid), 10.0, 0.0), 2),
            "bid1Iv": (bid_iv, 4),
            "ask1Price": (self.ask, 8),
            "ask1Size": (np.where(np.isfinite(self.ask), 10.0, 0.0), 2),
            "ask1Iv": (capped, 4),
            "lastPrice": (traded, 4),
            "highPrice24h": (traded, 4),
            "lowPrice24h": (traded, 4),
            "markPrice": (greeks.value, 8),
            "markIv": (chain.iv, 4),
            "underlyingPrice": (self.forward, 8),
            "openInterest": (self.open_interest, 4),
            "turnover24h": (self.volume * self.index_price, 8),
            "volume24h": (self.volume, 4),
            "totalVolume": (self.volume, 0),
            "totalTurnover": (self.volume * self.index_price, 0),
            "delta": (greeks.delta, 8),
            "gamma": (greeks.gamma, 8),
            "vega": (greeks.vega / 100.0, 8),
            "theta": (greeks.theta / 365.0, 8),
        }
        texts = [[_decimal(value, digits) for value in column.tolist()] for column, digits in columns.values()]
        keys = ("symbol", *columns, "indexPrice", "predictedDeliveryPrice", "change24h")
        return [dict(zip(keys, (*row, index, "0", "0"), strict=True)) for row in zip(self.symbols, *texts, strict=True)]

    def tickers(self) -> list[Row]:
        """The rows that REST gives."""
        return self._texts

    def pushed(self, row: int) -> Row:
        """A row as the WebSocket gives it: under other names."""
        return dict(zip(self._pushed_keys, self._texts[row].values(), strict=True))

    @cached_property
    def _pushed_keys(self) -> list[str]:
        return [_PUSHED.get(key, key) for key in self._texts[0]]

    def instrument(self, row: int, launched: int) -> Row:
        """A row of ``instruments-info``, listed at that millisecond."""
        symbol = self.symbols[row]
        settled = symbol.rpartition("-")[2]
        return {
            "symbol": symbol,
            "status": "Trading",
            "baseCoin": self.coin,
            "quoteCoin": settled,
            "settleCoin": settled,
            "optionsType": "Call" if self.chain.is_call[row] else "Put",
            "launchTime": str(launched),
            "deliveryTime": str(int(self.expiry[row] * 1000)),
            "deliveryFeeRate": "0.00015",
            "priceFilter": {"minPrice": self.tick, "maxPrice": "1110000", "tickSize": self.tick},
            "lotSizeFilter": {
                "maxOrderQty": "500",
                "minOrderQty": _LEAST_ORDERS.get(self.coin, _OTHER_LEAST_ORDER),
                "qtyStep": _LEAST_ORDERS.get(self.coin, _OTHER_LEAST_ORDER),
            },
            "displayName": display_name(symbol),
        }

    def perpetual(self, day_ago: float) -> Row:
        """The row of the linear perpetual's ticker; what is told of it here is what it costs, and cost a day ago."""
        price = _decimal(self.index_price)
        return {
            "symbol": f"{self.coin}USDT",
            "lastPrice": price,
            "indexPrice": price,
            "markPrice": price,
            "prevPrice24h": _decimal(day_ago),
            "price24hPcnt": _decimal(self.index_price / day_ago - 1.0, 6),
        }

    def trades_since(self, before: "Book") -> Iterator[Row]:
        """One trade for each row whose volume has grown."""
        was = dict(zip(before.symbols, before.volume.tolist(), strict=True))
        for row, (symbol, volume) in enumerate(zip(self.symbols, self.volume.tolist(), strict=True)):
            size = round(volume - was.get(symbol, 0.0), 4)
            if size > 0.0:
                number = zlib.crc32(f"{symbol} {self.timestamp}".encode())
                yield {
                    "p": self._texts[row]["lastPrice"],
                    "v": _decimal(size),
                    "i": f"{number:08x}-0000-5000-8000-{self.timestamp:012x}",
                    "T": self.timestamp,
                    "BT": False,
                    "s": symbol,
                    "S": "Buy" if number % 2 else "Sell",
                }


@lru_cache(1 << 15)
def _decimal(value: float, digits: int = 8) -> str:
    """A number as the venue writes it: never in scientific notation, without trailing zeros, "0" for none."""
    if value != value:
        return "0"
    text = f"{value:.{digits}f}"
    if "." in text:
        text = text.rstrip("0").removesuffix(".")
    return "0" if text == "-0" else text
