"""One chain from several venues' chains of the same underlying, and an ETF's chain in terms of the coin that it holds.

Everything in a combined chain is in units of the underlying: a contract is one coin whatever it is at its venue, so
open interest and volume can be added up. Each venue keeps its own spot, forwards, IVs and interest rate.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from gextui.market.chain import Floats, OptionChain, Part, plain_strikes
from gextui.market.ticker import Ticker

_NONE: Mapping[str, str] = MappingProxyType({})


def combine(ticker: Ticker, chains: Sequence[OptionChain], *, stale: Mapping[str, str] = _NONE) -> OptionChain:
    """The sum of the venues' chains: a part each, in the order given.

    Spot, rate, delay and previous close are the first part's that is not stale; the instant is the newest.

    Args:
        ticker: What the chain is of.
        chains: One a venue, of one underlying on one axis of prices.
        stale: Why a source gives nothing new, by its name. One of them without a chain is named in the notes.

    Raises:
        ValueError: there is no chain, one is combined already, or two have the same name.
    """
    names = [_name(ticker, chain) for chain in chains]
    if not chains or len(set(names)) < len(names) or any(chain.parts for chain in chains):
        raise ValueError(f"cannot combine {', '.join(names) or 'nothing'}: one chain a venue is needed")
    parts = tuple(
        Part(
            name=name,
            as_of=chain.as_of,
            spot=chain.spot,
            rate=chain.rate,
            delay=chain.delay,
            stale=chain.source in stale,
            detail=stale.get(chain.source, ""),
        )
        for name, chain in zip(names, chains, strict=True)
    )
    lead = next((chain for chain, part in zip(chains, parts, strict=True) if not part.stale), chains[0])
    absent = stale.keys() - {chain.source for chain in chains}

    instants = np.concatenate([chain.expiries for chain in chains])
    owner = np.repeat(np.arange(len(chains)), [len(chain.expiries) for chain in chains])
    order = np.lexsort((owner, instants))
    rank = np.argsort(order)
    firsts = np.searchsorted(owner, np.arange(len(chains)))
    expiry = np.concatenate([rank[first + chain.expiry] for first, chain in zip(firsts, chains, strict=True)])
    # An expiry's rows come from one chain, which has them in order.
    rows = np.argsort(expiry, kind="stable")
    roots, root = np.unique(
        np.concatenate([np.array(chain.roots, dtype=np.str_)[chain.root] for chain in chains]), return_inverse=True
    )

    def column(values: Sequence[Floats]) -> Floats:
        return np.concatenate(values)[rows]

    return OptionChain(
        ticker=ticker,
        source="+".join(names),
        as_of=max(chain.as_of for chain in chains),
        spot=lead.spot,
        rate=lead.rate,
        parts=parts,
        roots=tuple(str(name) for name in roots),
        expiries=instants[order],
        part=owner[order],
        forwards=np.concatenate([chain.forwards for chain in chains])[order],
        root=root.astype(np.int64)[rows],
        expiry=expiry[rows],
        strike=column([chain.strike for chain in chains]),
        is_call=np.concatenate([chain.is_call for chain in chains])[rows],
        iv=column([_believed(chain, ticker) for chain in chains]),
        open_interest=column([chain.open_interest * chain.multiplier for chain in chains]),
        volume=column([chain.volume * chain.multiplier for chain in chains]),
        bid=column([chain.bid for chain in chains]),
        ask=column([chain.ask for chain in chains]),
        multiplier=np.ones(len(rows)),
        total=sum(chain.total for chain in chains),
        dropped=sum((Counter(chain.dropped) for chain in chains), Counter()),
        notes=(
            *(f"{name} is not in the sum: {stale[name]}" for name in sorted(absent)),
            *(f"{name}: {note}" for name, chain in zip(names, chains, strict=True) for note in chain.notes),
        ),
        previous_close=lead.previous_close,
        volatility_index=next((index for chain in chains if (index := chain.volatility_index) is not None), None),
        delay=lead.delay,
        simulated=any(chain.simulated for chain in chains),
        partial=any(chain.partial for chain in chains),
    )


def on_coin_axis(chain: OptionChain, coins_per_share: float, coin_spot: float | None = None) -> OptionChain:
    """A coin ETF's chain in terms of its coin: prices divided by the coins a share holds, contracts so many coins more.

    Exposures in USD stay what they were. The ratio is best one that rests for a day: the strikes move with it.

    Args:
        chain: Of the ETF.
        coins_per_share: How many coins stand behind one share.
        coin_spot: The coin's own price; without it what the ETF's implies. Forwards are not moved to it.

    Raises:
        ValueError: the ratio is no positive number.
    """
    if not 0 < coins_per_share < np.inf:
        raise ValueError(f"the coins a share must be a positive number, not {coins_per_share}")
    close = chain.previous_close
    return replace(
        chain,
        spot=chain.spot / coins_per_share if coin_spot is None else coin_spot,
        previous_close=None if close is None else close / coins_per_share,
        forwards=chain.forwards / coins_per_share,
        strike=plain_strikes(chain.strike / coins_per_share),
        bid=chain.bid / coins_per_share,
        ask=chain.ask / coins_per_share,
        multiplier=chain.multiplier * coins_per_share,
    )


def _name(ticker: Ticker, chain: OptionChain) -> str:
    """What a part is called: its source, and its own ticker where that is another's (an ETF's)."""
    own = chain.ticker.symbol
    return chain.source if own == ticker.symbol else f"{chain.source} {own}"


def _believed(chain: OptionChain, ticker: Ticker) -> Floats:
    """The IVs; what is too high to be believed of the chain's own ticker must not be believed of the sum's."""
    if chain.ticker.highest_iv >= ticker.highest_iv:
        return chain.iv
    return np.where(chain.iv <= chain.ticker.highest_iv, chain.iv, np.nan)
