"""The book: every contract's greeks and exposures, and their sums by strike, by expiry and in total.

Formulas and units: GEX = sign * gamma_F * F^2 * 0.01 * contracts * multiplier, in USD of delta to trade per 1 % move
(gamma_S * S^2 = gamma_F * F^2, so every market uses each expiry's own forward); DEX = delta * F * contracts *
multiplier, USD, calls + and puts -; vanna and charm exposure = sign * greek * F * contracts * multiplier, USD of delta
per vol point and per day.
"""

from dataclasses import dataclass

import numpy as np

from gextui.exposure.filters import Filters, Weight, selected_expiries, selected_strikes
from gextui.market.chain import Booleans, Floats, Integers, OptionChain
from gextui.pricing.black import exposure_greeks
from gextui.pricing.smile import Smile

DAYS_A_YEAR = 365.0
ONE_PERCENT = 0.01
ONE_VOL_POINT = 0.01
_KEY = ("root", "expiry", "strike", "is_call")


@dataclass(frozen=True, slots=True, eq=False)
class Book:
    """One row a contract, aligned with the chain's rows (N). What was not used is NaN."""

    used: Booleans
    """Alive, inside the filter, priced and weighed."""
    own_iv: Booleans
    """Priced with an IV of its own strike (either side's), not an interpolated one."""
    iv: Floats
    """The clean IV that prices the contract, a fraction."""
    weight: Floats
    """Contracts that count: open interest, the day's volume, or those opened since yesterday."""
    delta: Floats
    """Units of the underlying a unit of option, forward delta."""
    gamma: Floats
    """Delta a USD move of the forward."""
    gex: Floats
    """Signed, USD per 1 % move."""
    dex: Floats
    """Delta times weight, calls + and puts -, whatever the sign convention; USD."""
    vanna: Floats
    """Signed, USD of delta per vol point."""
    charm: Floats
    """Signed, USD of delta per day; inside the last day, over what is left of the contract's life."""
    refused: Booleans
    """Of a part that its source has wiped."""
    excluded: dict[str, int]
    """Contracts not used, by reason."""


@dataclass(frozen=True, slots=True, eq=False)
class ByStrike:
    """Sums over the selected expiries and all roots, one row a listed strike (K), ascending."""

    strike: Floats
    call_gex: Floats
    put_gex: Floats
    """Negative under the default convention."""
    net_gex: Floats
    net_dex: Floats
    net_vanna: Floats
    net_charm: Floats
    call_open_interest: Floats
    """In contracts, like the other three; in coins where several venues make the chain."""
    put_open_interest: Floats
    call_volume: Floats
    put_volume: Floats


@dataclass(frozen=True, slots=True, eq=False)
class ByExpiry:
    """Sums over the selected strikes and all venues, one row a selected expiry instant (E'), ascending."""

    expiry: Floats
    """Instants, epoch seconds UTC."""
    roots: tuple[str, ...]
    """The roots that settle then, e.g. ``SPX`` or ``SPXW``, joined by ``+``."""
    forward: Floats
    """Of the expiry's leading venue where there are several, see `lead_expiries`; `atm_iv` too."""
    atm_iv: Floats
    """The clean smile at the forward, a fraction; NaN where there is none."""
    call_gex: Floats
    put_gex: Floats
    net_gex: Floats
    net_dex: Floats
    net_vanna: Floats
    net_charm: Floats
    call_open_interest: Floats
    put_open_interest: Floats
    call_volume: Floats
    put_volume: Floats
    strike_gex: Floats
    """Net GEX by strike and expiry, shape (K, E'), the heat map; NaN where no contract is listed."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over everything used; None where nothing was. Open interest and volume are in contracts, or in coins."""

    net_gex: float | None
    call_gex: float | None
    put_gex: float | None
    gross_gex: float | None
    """Sum of the absolute GEX of every contract; what net is measured against."""
    net_dex: float | None
    net_vanna: float | None
    net_charm: float | None
    call_open_interest: float | None
    put_open_interest: float | None
    call_volume: float | None
    put_volume: float | None
    put_call_open_interest: float | None
    """Put over call open interest."""
    put_call_volume: float | None


def contract_weights(chain: OptionChain, weight: Weight, yesterday: OptionChain | None) -> Floats:
    """How many contracts count in each row; NaN where that is not known; shape (N,)."""
    if weight is Weight.OPEN_INTEREST:
        return chain.open_interest
    if weight is Weight.VOLUME:
        return chain.volume
    if yesterday is None:
        return np.full(len(chain), np.nan)
    then = match_rows(chain, yesterday)
    # A contract that was not listed yesterday is all new; one whose open interest was not known then stays unknown.
    before = np.where(then >= 0, yesterday.open_interest[then] if len(yesterday) else 0.0, 0.0)
    opened: Floats = np.maximum(chain.open_interest - before, 0.0)
    return opened


def match_rows(chain: OptionChain, other: OptionChain) -> Integers:
    """The row of each contract in another chain of the same source, or sources; -1 where it is not listed; (N,)."""
    if _same_layout(chain, other):
        return np.arange(len(chain))
    rows = dict(zip(_contract_keys(other), range(len(other)), strict=True))
    return np.array([rows.get(key, -1) for key in _contract_keys(chain)], dtype=np.int64)


def _same_layout(chain: OptionChain, other: OptionChain) -> bool:
    return (
        chain.roots == other.roots
        and np.array_equal(chain.expiries, other.expiries)
        and np.array_equal(chain.part, other.part)
        and all(np.array_equal(getattr(chain, name), getattr(other, name)) for name in _KEY)
    )


def _contract_keys(chain: OptionChain) -> list[tuple[int, str, float, float, bool]]:
    parts = chain.part[chain.expiry]
    names = np.array(chain.roots, dtype=object)[chain.root]
    instants = chain.expiries[chain.expiry]
    columns = (column.tolist() for column in (parts, names, instants, chain.strike, chain.is_call))
    return list(zip(*columns, strict=True))


def lead_expiries(chain: OptionChain, smile: Smile, expiries: Integers) -> Integers:
    """Of those of the ``expiries`` (indices) that share an instant the one that stands for it; one an instant.

    It is the first venue's that is not stale, among those that have an IV at the money.
    """
    if not chain.parts:
        return expiries
    part = chain.part[expiries]
    stale = np.array([one.stale for one in chain.parts])[part]
    instant = chain.expiries[expiries]
    order = np.lexsort((part, stale, np.isnan(smile.atm_iv[expiries]), instant))
    first = np.append(True, np.diff(instant[order]) != 0)
    leads: Integers = expiries[order][first[: len(order)]]
    return leads


def price_book(
    chain: OptionChain,
    smile: Smile,
    filters: Filters,
    yesterday: OptionChain | None = None,
    refused: Booleans | None = None,
) -> Book:
    """Greeks and exposures of every contract that the filters select and that is not ``refused`` (wiped); (N,)."""
    if refused is None:
        refused = np.zeros(len(chain), dtype=np.bool_)
    iv = smile.iv
    weight = contract_weights(chain, filters.weight, yesterday)
    alive = smile.years[chain.expiry] > 0
    selected = alive & selected_expiries(chain, filters)[chain.expiry]
    selected &= selected_strikes(chain, filters)
    priced = np.isfinite(iv)
    weighed = np.isfinite(weight)
    used = selected & priced & weighed & ~refused
    rows = np.flatnonzero(used)
    at = chain.expiry[rows]
    years, forward = smile.years[at], smile.forward[at]
    is_call = chain.is_call[rows]
    strike = chain.strike[rows]
    greeks = exposure_greeks(forward, strike, years, iv[rows], is_call, chain.rates[at])
    units = weight[rows] * chain.multiplier[rows] * forward
    signed = np.where(is_call, filters.sign.of_call, filters.sign.of_put) * units
    in_the_money = np.where(is_call, forward > strike, forward < strike)
    # Inside the last day, a day's decay is what is left: delta goes to where the contract settles.
    at_settlement = np.where(forward == strike, 0.5, in_the_money) * np.where(is_call, 1.0, -1.0)
    last_day = years < 1.0 / DAYS_A_YEAR
    charm_a_day = np.where(last_day, at_settlement - greeks.delta, greeks.charm / DAYS_A_YEAR)

    def spread(values: Floats) -> Floats:
        column = np.full(len(chain), np.nan)
        column[rows] = values
        return column

    lacks_weight = "no_" + ("yesterday" if filters.weight is Weight.ACTIVE else filters.weight.value)
    excluded = {
        "expired": int(np.count_nonzero(~alive)),
        "filtered": int(np.count_nonzero(alive & ~selected)),
        "no_iv": int(np.count_nonzero(selected & ~priced)),
        lacks_weight: int(np.count_nonzero(selected & priced & ~weighed)),
        "wiped": int(np.count_nonzero(selected & priced & weighed & ~used)),
    }
    return Book(
        used=used,
        own_iv=smile.node_own[smile.node],
        iv=iv,
        weight=weight,
        delta=spread(greeks.delta),
        gamma=spread(greeks.gamma),
        gex=spread(signed * forward * greeks.gamma * ONE_PERCENT),
        dex=spread(units * greeks.delta),
        vanna=spread(signed * greeks.vanna * ONE_VOL_POINT),
        charm=spread(signed * charm_a_day),
        refused=refused,
        excluded=excluded,
    )


def sum_book(chain: OptionChain, smile: Smile, book: Book, filters: Filters) -> tuple[ByStrike, ByExpiry, Totals]:
    """Sum a book by strike, by expiry and in total, over the contracts that are alive and selected."""
    shown = np.flatnonzero(selected_expiries(chain, filters)[chain.expiry] & selected_strikes(chain, filters))
    strikes, strike_of = np.unique(chain.strike[shown], return_inverse=True)
    present = np.bincount(chain.expiry[shown], minlength=len(chain.expiries)) > 0
    listed = np.flatnonzero(present)
    instants, instant_of = np.unique(chain.expiries[listed], return_inverse=True)
    expiry_of = instant_of[(np.cumsum(present) - 1)[chain.expiry[shown]]]
    shape = (len(strikes), len(instants), 2)
    cell = (strike_of * shape[1] + expiry_of) * 2 + chain.is_call[shown]
    tables = sum_cells(chain, book, shown, cell, shape)
    holds = np.bincount(cell, minlength=int(np.prod(shape))).reshape(shape).sum(axis=2) > 0
    by_strike = ByStrike(strike=strikes, **sums_over(tables, axis=1))
    leads = lead_expiries(chain, smile, listed)
    by_expiry = ByExpiry(
        expiry=instants,
        roots=_roots_by_expiry(chain, shown, expiry_of, len(instants)),
        forward=smile.forward[leads],
        atm_iv=smile.atm_iv[leads],
        strike_gex=np.where(holds, tables["gex"].sum(axis=2), np.nan),
        **sums_over(tables, axis=0),
    )
    return by_strike, by_expiry, _totals(chain, book, shown, by_strike)


def sum_cells(
    chain: OptionChain, book: Book, rows: Integers, cell: Integers, shape: tuple[int, ...]
) -> dict[str, Floats]:
    """Each exposure and holding of the rows summed by cell, in tables whose last axis is puts, calls.

    Whatever is asked for is a sum over their axes.
    """

    def table(values: Floats) -> Floats:
        return summed(cell, np.nan_to_num(values[rows]), int(np.prod(shape))).reshape(shape)

    tables = {name: table(getattr(book, name)) for name in ("gex", "dex", "vanna", "charm")}
    return tables | {name: table(getattr(chain, name)) for name in ("open_interest", "volume")}


def summed(group: Integers, values: Floats, groups: int) -> Floats:
    """Sums of ``values`` by group index, shape (groups,)."""
    sums: Floats = np.bincount(group, weights=values, minlength=groups).astype(np.float64, copy=False)
    return sums


def sums_over(tables: dict[str, Floats], axis: int) -> dict[str, Floats]:
    """The tables of `sum_cells` summed over one axis, named as the fields of `ByStrike` and `ByExpiry`."""
    sums = {name: table.sum(axis=axis) for name, table in tables.items()}
    columns = {f"net_{name}": sums[name].sum(axis=1) for name in ("gex", "dex", "vanna", "charm")}
    for name in ("gex", "open_interest", "volume"):
        columns[f"put_{name}"], columns[f"call_{name}"] = sums[name][:, 0], sums[name][:, 1]
    return columns


def _totals(chain: OptionChain, book: Book, shown: Integers, by_strike: ByStrike) -> Totals:
    """Sums over all rows; the exposures are None when no contract was used."""
    anything_used = bool(book.used.any())

    def exposure(values: Floats) -> float | None:
        return float(values.sum()) if anything_used else None

    def contracts(values: Floats, given: Floats) -> float | None:
        return float(values.sum()) if np.isfinite(given[shown]).any() else None

    call_open_interest = contracts(by_strike.call_open_interest, chain.open_interest)
    put_open_interest = contracts(by_strike.put_open_interest, chain.open_interest)
    call_volume = contracts(by_strike.call_volume, chain.volume)
    put_volume = contracts(by_strike.put_volume, chain.volume)
    return Totals(
        net_gex=exposure(by_strike.net_gex),
        call_gex=exposure(by_strike.call_gex),
        put_gex=exposure(by_strike.put_gex),
        gross_gex=exposure(np.abs(book.gex[book.used])),
        net_dex=exposure(by_strike.net_dex),
        net_vanna=exposure(by_strike.net_vanna),
        net_charm=exposure(by_strike.net_charm),
        call_open_interest=call_open_interest,
        put_open_interest=put_open_interest,
        call_volume=call_volume,
        put_volume=put_volume,
        put_call_open_interest=_ratio(put_open_interest, call_open_interest),
        put_call_volume=_ratio(put_volume, call_volume),
    )


def _ratio(puts: float | None, calls: float | None) -> float | None:
    return puts / calls if puts is not None and calls else None


def _roots_by_expiry(chain: OptionChain, shown: Integers, expiry_of: Integers, expiries: int) -> tuple[str, ...]:
    present = np.unique(expiry_of * len(chain.roots) + chain.root[shown]) if len(shown) else np.empty(0, np.int64)
    names: list[list[str]] = [[] for _ in range(expiries)]
    for at in present.tolist():
        names[at // len(chain.roots)].append(chain.roots[at % len(chain.roots)])
    return tuple("+".join(parts) for parts in names)
