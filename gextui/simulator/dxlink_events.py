"""The events of a simulated dxLink feed, made of a market's chains: what is true of each symbol, and since when."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gextui.market.calendar import NEW_YORK, years_to_expiry
from gextui.market.chain import Booleans, OptionChain
from gextui.market.ticker import Kind
from gextui.pricing.black import black76
from gextui.simulator.tastytrade_rows import streamer_symbols

Columns = dict[str, NDArray[Any]]
"""A field each, of the same length; numbers, or objects that go on the wire as they are."""

_FIELDS = {
    "Quote": "eventSymbol eventTime sequence timeNanoPart bidTime bidExchangeCode bidPrice bidSize "
    "askTime askExchangeCode askPrice askSize",
    "Trade": "eventSymbol eventTime time timeNanoPart sequence exchangeCode price size dayId dayVolume",
    "Summary": "eventSymbol eventTime dayId dayClosePrice prevDayId prevDayClosePrice prevDayClosePriceType "
    "openInterest",
    "Greeks": "eventSymbol eventTime eventFlags index time sequence price volatility delta gamma theta rho vega",
    "Profile": "eventSymbol eventTime description tradingStatus statusReason haltStartTime haltEndTime",
}
FIELDS = {kind: tuple(names.split()) for kind, names in _FIELDS.items()}
"""What events of each type hold; a field of which the market knows nothing is 0."""

_REAL = frozenset({"bidPrice", "bidSize", "askPrice", "askSize", "price", "size", "dayVolume"}) | {
    "dayClosePrice",
    "prevDayClosePrice",
    "volatility",
    "delta",
    "gamma",
    "theta",
    "rho",
    "vega",
}
"""Numbers that are no whole ones."""
_EPOCH = date(1970, 1, 1).toordinal()


class Table:
    """All events of a type of one underlying and of its options: a row a symbol.

    Attributes:
        row_of: Where each symbol is.
        step: In which step of the market each row last changed.
        silent: Rows of which there has never been an event, such as trades of what was never traded.
    """

    def __init__(
        self,
        kind: str,
        chain: OptionChain,
        *,
        halted: str | None,
        step: int,
        now: int,
        stands_since: int | None = None,
        before: "Table | None" = None,
    ) -> None:
        """The events of type ``kind`` at the instant ``now``, epoch milliseconds; KeyError for another type.

        Args:
            kind: One of `FIELDS`.
            chain: What is quoted.
            halted: Why the underlying does not trade; None where it does.
            step: Of the market, which only grows.
            now: What events say is their time.
            stands_since: When the underlying itself was last quoted, while its options still are; None while it is too.
            before: The same table a step earlier.
        """
        self.chain = chain
        self.symbols: list[str]
        self.row_of: dict[str, int]
        self._columns: Columns
        listed = _same_listing(chain, before)
        self.symbols = [*streamer_symbols(chain), chain.ticker.symbol] if listed is None else listed.symbols
        self.row_of = {name: row for row, name in enumerate(self.symbols)} if listed is None else listed.row_of
        told, self.silent = _MAKERS[kind](chain, halted)
        count = len(self.symbols)
        self.step, self._time = np.full(count, step), np.full(count, float(now))
        if stands_since is not None:
            self._time[-1] = stands_since
            if before is not None:
                for name, column in told.items():
                    column[-1] = before._columns[name][-1]
        if listed is not None:
            same = ~np.any([_differs(column, listed._columns[name]) for name, column in told.items()], axis=0)
            self.step[same], self._time[same] = listed.step[same], listed._time[same]
            self.silent &= listed.silent
        besides = {"eventSymbol": np.array(self.symbols, dtype=object), "time": self._time}
        self._columns = {name: (told | besides).get(name, np.zeros(count)) for name in FIELDS[kind]}

    def values(self, rows: Sequence[int], fields: Sequence[str], instead: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """The fields of these rows as they go on the wire, an event a row; what there is not is ``"NaN"``.

        Args:
            rows: Which.
            fields: Which, in this order.
            instead: What some fields hold whatever is true.
        """
        chosen = np.asarray(rows, dtype=np.int64)
        columns = []
        for name in fields:
            if name in instead or name not in self._columns:
                columns.append([instead.get(name, "NaN")] * len(rows))
            else:
                columns.append(_written(name, self._columns[name][chosen]))
        return list(zip(*columns, strict=True))


def _same_listing(chain: OptionChain, before: Table | None) -> Table | None:
    """The table before, where its rows are the same contracts."""
    if before is None:
        return None
    columns = ("root", "strike", "is_call")
    same = all(np.array_equal(getattr(chain, name), getattr(before.chain, name)) for name in columns)
    return before if same and np.array_equal(_expiries(chain), _expiries(before.chain)) else None


def _expiries(chain: OptionChain) -> NDArray[Any]:
    return chain.expiries[chain.expiry]


def _differs(now: NDArray[Any], before: NDArray[Any]) -> Booleans:
    if now.dtype == object:
        return np.asarray(now != before, dtype=np.bool_)
    differs: Booleans = (now != before) & ~(np.isnan(now) & np.isnan(before))
    return differs


def _written(name: str, column: NDArray[Any]) -> list[Any]:
    if column.dtype == object:
        written: list[Any] = column.tolist()
        return written
    real = name in _REAL
    return ["NaN" if value != value else value if real else int(value) for value in column.tolist()]


# What each type tells of: its columns, options first and the underlying last, and which rows are silent.

_Told = tuple[Columns, Booleans]


def _quote(chain: OptionChain, halted: str | None) -> _Told:
    del halted
    count, is_index = len(chain), chain.ticker.kind is Kind.INDEX
    half, size = (0.0, np.nan) if is_index else (0.005, 2.0)
    columns: Columns = {
        "bidExchangeCode": _words(count, "C"),
        # Nobody bids for what is worth nothing.
        "bidPrice": np.append(np.nan_to_num(chain.bid), round(chain.spot - half, 4)),
        "bidSize": np.append(np.where(np.isnan(chain.bid), 0.0, 10.0), size),
        "askExchangeCode": _words(count, "C"),
        "askPrice": np.append(chain.ask, round(chain.spot + half, 4)),
        "askSize": np.append(np.full(count, 12.0), size),
    }
    return columns, np.zeros(count + 1, dtype=np.bool_)


def _trade(chain: OptionChain, halted: str | None) -> _Told:
    del halted
    count, is_index = len(chain), chain.ticker.kind is Kind.INDEX
    traded = np.nan_to_num(chain.volume) > 0.0
    middle = np.round(0.5 * (np.nan_to_num(chain.bid) + chain.ask), 4)
    columns: Columns = {
        "exchangeCode": _words(count, "C"),
        "price": np.append(np.where(traded, middle, np.nan), chain.spot),
        "size": np.append(np.ones(count), np.nan if is_index else 100.0),
        "dayId": np.full(count + 1, float(_day_id(chain))),
        "dayVolume": np.append(chain.volume, np.nan),
    }
    return columns, np.append(~traded, False)


def _summary(chain: OptionChain, halted: str | None) -> _Told:
    del halted
    count = len(chain)
    close = np.nan if chain.previous_close is None else chain.previous_close
    columns: Columns = {
        "dayId": np.full(count + 1, float(_day_id(chain))),
        # It shows only once the day is over, and then trades tell as much.
        "dayClosePrice": np.full(count + 1, np.nan),
        "prevDayId": np.full(count + 1, float(_day_id(chain) - 1)),
        "prevDayClosePrice": np.append(np.full(count, np.nan), close),
        "prevDayClosePriceType": _words(count, "FINAL"),
        "openInterest": np.append(chain.open_interest, 0.0),
    }
    return columns, np.zeros(count + 1, dtype=np.bool_)


def _greeks(chain: OptionChain, halted: str | None) -> _Told:
    del halted
    years = years_to_expiry(chain.as_of_seconds, chain.expiries)[chain.expiry]
    forward = chain.forwards[chain.expiry]
    forward = np.where(np.isnan(forward), chain.spot * np.exp(chain.rate * years), forward)
    greeks = black76(forward, chain.strike, years, chain.iv, chain.is_call, chain.rate)
    growth = forward / chain.spot
    columns = {
        "price": greeks.value,
        "volatility": chain.iv,
        "delta": greeks.delta * growth,
        "gamma": greeks.gamma * growth**2,
        "theta": greeks.theta / 365.0,
        "rho": -0.01 * years * greeks.value,
        "vega": greeks.vega / 100.0,
    }
    silent = np.append(np.isnan(chain.iv), True)
    return {name: np.append(column, np.nan) for name, column in columns.items()}, silent


def _profile(chain: OptionChain, halted: str | None) -> _Told:
    count = len(chain)
    columns: Columns = {
        "description": _words(count, chain.ticker.name),
        "tradingStatus": _words(count, "ACTIVE" if halted is None else "HALTED"),
        "statusReason": _words(count, halted),
    }
    return columns, np.append(np.ones(count, dtype=np.bool_), False)


def _words(options: int, word: str | None) -> NDArray[Any]:
    return np.full(options + 1, word, dtype=object)


def _day_id(chain: OptionChain) -> int:
    return chain.as_of.astimezone(NEW_YORK).date().toordinal() - _EPOCH


_MAKERS: dict[str, Callable[[OptionChain, str | None], _Told]] = {
    "Quote": _quote,
    "Trade": _trade,
    "Summary": _summary,
    "Greeks": _greeks,
    "Profile": _profile,
}
