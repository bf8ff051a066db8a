"""The watchlist: the tickers that a user watches, in order, switched on or off, and where each is to be read from."""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec
from msgspec import structs

from gextui.market.text import clean_symbol, is_symbol
from gextui.market.ticker import MOST_TICKERS, Kind, Ticker, ticker_for
from gextui.route import Route


class Listed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One ticker of the list."""

    symbol: str
    kind: Kind
    on: bool = True
    """Whether it is read."""
    sources: tuple[str, ...] = ()
    """Where the user has it read from, see `Route`; empty leaves that to the settings."""
    combine: bool = False

    @property
    def ticker(self) -> Ticker:
        """The ticker itself."""
        return ticker_for(self.symbol, self.kind)

    @property
    def chosen(self) -> Route | None:
        """The user's choice of sources; None where there is none."""
        return Route(self.sources, self.combine) if self.sources else None


class Catalogue(Protocol):
    """What there is to watch; what the screen asks in order to edit the list."""

    @property
    def known(self) -> Sequence[Ticker]:
        """The tickers that can be named without asking anybody."""
        ...

    def sources_of(self, ticker: Ticker) -> Sequence[str]:
        """The sources that can give the ticker, the best first."""
        ...

    def route(self, ticker: Ticker, chosen: Route | None) -> Route:
        """Whose chains the ticker gets, where the user has chosen this."""
        ...

    def fixed(self, ticker: Ticker) -> str:
        """Why its sources cannot be chosen, in a plain sentence; empty where they can."""
        ...

    @property
    def remark(self) -> str:
        """What is to be known of where tickers are read from, in a plain sentence; empty when all is well."""
        ...

    @property
    def shifts(self) -> bool:
        """Whether routes may become others by themselves."""
        ...

    async def find(self, symbol: str) -> Ticker:
        """The ticker that a name means; may ask venues, so it runs in the core thread.

        Raises:
            UnknownTickerError: none, or nobody can be asked.
        """
        ...


class ListError(Exception):
    """The list cannot be changed so; the message says why."""


@dataclass(frozen=True, slots=True)
class Watchlist:
    """The tickers, in the user's order; at least one is on. Every change gives a new list."""

    entries: tuple[Listed, ...]

    @classmethod
    def of(cls, tickers: Iterable[Ticker]) -> "Watchlist":
        """A list of these tickers, all on."""
        return cls(tuple(Listed(ticker.symbol, ticker.kind) for ticker in tickers))

    @classmethod
    def restored(cls, entries: Iterable[Listed], among: Container[str] | None = None) -> "Watchlist | None":
        """The list that was saved, without what can be none of it; None where nothing is left that is on.

        Args:
            entries: What was saved.
            among: The only symbols there are; any where None.
        """
        plain = (entry for entry in entries if is_symbol(entry.symbol) and entry.symbol == entry.ticker.symbol)
        by_symbol = {entry.symbol: entry for entry in plain if among is None or entry.symbol in among}
        kept = tuple(by_symbol.values())[:MOST_TICKERS]
        return cls(kept) if any(entry.on for entry in kept) else None

    @property
    def tickers(self) -> tuple[Ticker, ...]:
        """Those that are on."""
        return tuple(entry.ticker for entry in self.entries if entry.on)

    def get(self, symbol: str) -> Listed | None:
        """The entry of a symbol; None where it is not listed."""
        return next((entry for entry in self.entries if entry.symbol == symbol), None)

    def routes(self, catalogue: Catalogue) -> dict[Ticker, Route]:
        """Whose chains each ticker that is on gets."""
        return {entry.ticker: catalogue.route(entry.ticker, entry.chosen) for entry in self.entries if entry.on}

    def added(self, ticker: Ticker) -> "Watchlist":
        """With the ticker at the end, or switched on where it is.

        Raises:
            ListError: there are too many.
        """
        if self.get(ticker.symbol) is not None:
            return self._with(ticker.symbol, on=True)
        if len(self.entries) >= MOST_TICKERS:
            raise ListError(f"the list is full: up to {MOST_TICKERS} tickers are watched at once")
        listed = Listed(ticker.symbol, ticker.kind)
        if ticker != listed.ticker:  # found where tickers of its kind are not looked for
            listed = structs.replace(listed, sources=(ticker.source,))
        return Watchlist((*self.entries, listed))

    def without(self, symbol: str) -> "Watchlist":
        """Without the ticker.

        Raises:
            ListError: it is the last one that is on.
        """
        self._check_not_last(symbol)
        return Watchlist(tuple(entry for entry in self.entries if entry.symbol != symbol))

    def moved(self, symbol: str, steps: int) -> "Watchlist":
        """With the ticker so many places further on, or back; as far as the list goes."""
        entries = [entry for entry in self.entries if entry.symbol != symbol]
        entries.insert(max(0, self._place(symbol) + steps), self.entries[self._place(symbol)])
        return Watchlist(tuple(entries))

    def moved_past(self, symbol: str, direction: int) -> "Watchlist":
        """With the ticker beyond the next one that is on, to the right (1) or to the left (-1)."""
        at = self._place(symbol)
        beyond = self.entries[at + 1 :] if direction > 0 else self.entries[:at][::-1]
        steps = next((number for number, entry in enumerate(beyond, 1) if entry.on), 0)
        return self.moved(symbol, direction * steps)

    def switched(self, symbol: str, *, on: bool) -> "Watchlist":
        """With the ticker on or off.

        Raises:
            ListError: it is the last one that is on.
        """
        if not on:
            self._check_not_last(symbol)
        return self._with(symbol, on=on)

    def routed(self, symbol: str, route: Route | None) -> "Watchlist":
        """With the ticker read from these sources; None leaves that to the settings."""
        sources, combine = ((), False) if route is None else (route.sources, route.combine)
        return self._with(symbol, sources=sources, combine=combine)

    def _place(self, symbol: str) -> int:
        return [entry.symbol for entry in self.entries].index(symbol)

    def _with(self, symbol: str, **changes: Any) -> "Watchlist":
        return Watchlist(
            tuple(structs.replace(entry, **changes) if entry.symbol == symbol else entry for entry in self.entries)
        )

    def _check_not_last(self, symbol: str) -> None:
        if not any(entry.on for entry in self.entries if entry.symbol != symbol):
            raise ListError(f"{clean_symbol(symbol)} is the last ticker that is on; add or switch on another first")


@dataclass(frozen=True, slots=True)
class Editable:
    """A watchlist that the user may change."""

    watchlist: Watchlist
    """At the start."""
    catalogue: Catalogue
    kept: bool = True
    """Whether changes are for the next run too."""
