"""A market's listing as a test changed it: expiries settled before their time, strikes that nobody holds yet."""

from dataclasses import replace
from typing import Any

import numpy as np

from gextui.market.chain import Booleans, OptionChain

_COLUMNS = ("root", "expiry", "strike", "is_call", "iv", "open_interest", "volume", "bid", "ask", "multiplier")


class Alterations:
    """What was changed of chains of one root each."""

    def __init__(self) -> None:
        self._settled: set[tuple[str, float]] = set()
        self._added: list[tuple[str, float, float]] = []

    def settle_next(self, chain: OptionChain) -> None:
        """Let the nearest living expiry of the chain's root expire, before its time."""
        self._settled.add((chain.roots[0], _nearest_expiry(chain)))

    def list_strike(self, chain: OptionChain) -> None:
        """List a strike beyond the highest of the nearest expiry of the chain's root."""
        first = _nearest_expiry(chain)
        strikes = np.unique(chain.strike[chain.expiries[chain.expiry] == first])
        self._added.append((chain.roots[0], first, round(float(2.0 * strikes[-1] - strikes[-2]), 6)))

    def applied(self, chain: OptionChain) -> OptionChain:
        """The chain with all that."""
        root, instants = chain.roots[0], chain.expiries[chain.expiry]
        if early := [expiry for settled, expiry in self._settled if settled == root]:
            chain = rows_of(chain, ~np.isin(instants, early))
        for added, expiry, strike in self._added:
            if added == root and expiry in chain.expiries[chain.expiry]:
                chain = _with_strike(chain, expiry, strike)
        return chain


def rows_of(chain: OptionChain, chosen: Booleans) -> OptionChain:
    """The chain of some of its rows."""
    return replace(chain, **{name: getattr(chain, name)[chosen] for name in _COLUMNS})


def _nearest_expiry(chain: OptionChain) -> float:
    return float(chain.expiries[chain.expiry].min())


def _with_strike(chain: OptionChain, expiry: float, strike: float) -> OptionChain:
    """The chain with a call and a put more, which nobody holds or quotes yet."""
    instants = chain.expiries[chain.expiry]
    nearest = np.argmin(np.where(instants == expiry, np.abs(chain.strike - strike), np.inf))

    def column(values: Any, value: float) -> Any:
        return np.append(values, [value, value])

    return OptionChain.from_rows(
        ticker=chain.ticker,
        source=chain.source,
        as_of=chain.as_of,
        spot=chain.spot,
        root=chain.roots * (len(chain) + 2),
        expiry=column(instants, expiry),
        strike=column(chain.strike, strike),
        is_call=np.append(chain.is_call, [True, False]),
        iv=column(chain.iv, float(chain.iv[nearest])),
        open_interest=column(chain.open_interest, 0.0),
        volume=column(chain.volume, 0.0),
        bid=column(chain.bid, np.nan),
        ask=column(chain.ask, np.nan),
        multiplier=column(chain.multiplier, 1.0),
        forwards=dict(zip(chain.expiries.tolist(), chain.forwards.tolist(), strict=True)),
        simulated=chain.simulated,
    )
