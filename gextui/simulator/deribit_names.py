"""How Deribit names its options, and what all options of one root have in common."""

import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from gextui.sources.symbols import MONTHS

_TICKS = {"BTC": 0.0001, "ETH": 0.0001, "SOL": 0.05}
_OTHER_TICK = 0.0005
_CONTRACT_SIZES = {"SOL": 10, "XRP": 1000}
_LEAST_TRADES = {"BTC": 0.1, "SOL": 10, "XRP": 1000}


@dataclass(frozen=True, slots=True)
class Series:
    """What all options of one root have in common."""

    root: str
    """``BTC``, or ``SOL_USDC`` for what is quoted in that coin."""

    @property
    def base(self) -> str:
        """The coin."""
        return self.root.partition("_")[0]

    @property
    def inverse(self) -> bool:
        """Whether prices are in the coin itself."""
        return self.base == self.root

    @property
    def currency(self) -> str:
        """What prices are in, and what the book is asked for by: ``BTC``, or ``USDC`` for all that is quoted in it."""
        return self.base if self.inverse else self.root.partition("_")[2]

    @property
    def index(self) -> str:
        """The price index: ``btc_usd``, ``sol_usdc``."""
        return f"{self.base}_usd".lower() if self.inverse else self.root.lower()

    @property
    def tick(self) -> float:
        """The finest price step."""
        return _TICKS.get(self.base, _OTHER_TICK)

    @property
    def least_trade(self) -> float:
        """In coins."""
        return _LEAST_TRADES.get(self.base, 1)

    @property
    def contract_size(self) -> float:
        """Coins a contract, which open interest and volume are not counted in."""
        return _CONTRACT_SIZES.get(self.base, 1.0)


@lru_cache(maxsize=256)
def day_name(expiry: float) -> str:
    """``25SEP26``, without a leading zero."""
    day = datetime.fromtimestamp(expiry, UTC)
    return f"{day.day}{MONTHS[day.month - 1]}{day:%y}"


def instrument_name(root: str, expiry: float, strike: float, is_call: bool) -> str:
    """``BTC-25SEP26-105000-C``; a decimal strike is written ``1d25``."""
    return f"{root}-{day_name(expiry)}-{f'{strike:.10g}'.replace('.', 'd')}-{'C' if is_call else 'P'}"


@lru_cache(maxsize=256)
def underlying_index(root: str, expiry: float) -> str:
    """The future that an expiry is priced from; a synthetic one where only options expire."""
    name = f"{root}-{day_name(expiry)}"
    return name if settlement_period(expiry) != "day" else f"SYN.{name}"


def settlement_period(expiry: float) -> str:
    """What an expiry is: of a ``day``, ``week`` or ``month``."""
    day = datetime.fromtimestamp(expiry, UTC)
    if day.weekday() != 4:
        return "day"
    return "week" if (day + timedelta(days=7)).month == day.month else "month"


@lru_cache(maxsize=64)
def currency_uuid(currency: str) -> str:
    """The identifier the venue gives a currency beside its name; invented here."""
    digits = f"{zlib.crc32(currency.encode()):08x}" * 4
    return "-".join((digits[:8], digits[8:12], f"5{digits[13:16]}", f"8{digits[17:20]}", digits[20:32]))
