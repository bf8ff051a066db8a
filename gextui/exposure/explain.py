"""Explaining a number: its formula, what went into it, and the contracts that weigh most."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from gextui.exposure.board import Board
from gextui.exposure.book import summed
from gextui.exposure.curve import Bumps
from gextui.exposure.levels import Wall
from gextui.market.chain import Booleans, Floats, Integers
from gextui.market.coin import PriceAxis

HEAVIEST = 10
EXPOSURE, PRICE = "USD per 1%", "USD"
"""The units of an explained number."""


@dataclass(frozen=True, slots=True)
class Input:
    """One number that went into the explained one."""

    name: str
    value: float | str | None
    unit: str = ""


@dataclass(frozen=True, slots=True)
class HeavyContract:
    """One of the contracts that weigh most."""

    name: str
    """Root, expiry day, strike and right: ``SPXW 15SEP23 4500 C``."""
    amount: float
    share: float
    """Part of the whole, by absolute amount, a fraction."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a number is what it is."""

    title: str
    value: float | None
    unit: str
    """Of the value: ``USD`` for a price, ``USD per 1%`` for an exposure."""
    formula: str
    inputs: tuple[Input, ...]
    contracts: tuple[HeavyContract, ...]
    amount_unit: str
    """Unit of the contracts' amounts."""
    heaviest_share: float
    """Part of the whole that the listed contracts make up together, a fraction."""


def explain(board: Board, name: str) -> Explanation:
    """Explain a level or total by name, one of `EXPLAINED`.

    Raises:
        ValueError: nothing has that name; the message lists the names.
    """
    explained = EXPLAINED.get(name)
    if explained is None:
        raise ValueError(f"nothing is called {name!r}; there are {', '.join(EXPLAINED)}")
    return explained(board)


def explain_strike(board: Board, strike: float, expiry: float | None = None) -> Explanation:
    """Explain the net GEX of one strike, of all expiries or of one (an instant, epoch seconds UTC)."""
    rows = board.chain.strike == strike
    inputs = [Input("strike", strike, "USD")]
    of = "strike"
    title = f"GEX at {_plain(board, strike)}"
    if expiry is not None:
        rows &= board.chain.expiries[board.chain.expiry] == expiry
        inputs.append(Input("expiry", instant_words(expiry)))
        of, title = "strike and expiry", f"{title}, {_day(expiry)}"
    return _sum_of(board, title, rows, of, inputs)


def explain_expiry(board: Board, expiry: float) -> Explanation:
    """Explain the net GEX of one expiry (its instant, epoch seconds UTC), summed over strikes."""
    rows = board.chain.expiries[board.chain.expiry] == expiry
    return _sum_of(board, f"GEX of {_day(expiry)}", rows, "expiry", _expiry_inputs(board, expiry))


def _expiry_inputs(board: Board, expiry: float) -> list[Input]:
    """The instant, and each venue's forward and IV then."""
    entries = np.flatnonzero(board.chain.expiries == expiry).tolist()
    inputs = [Input("expiry", instant_words(expiry))]
    for at in entries:
        of = f" {board.chain.parts[board.chain.part[at]].name}" if board.chain.parts else ""
        inputs.append(Input(f"forward{of}", float(board.smile.forward[at]), "USD"))
        inputs.append(Input(f"IV at the money{of}", float(board.smile.atm_iv[at]) * 100.0, "%"))
    return [*inputs, Input("T", float(board.smile.years[entries[0]]) * 365.0, "days")]


def _sum_of(board: Board, title: str, rows: Booleans, of: str, inputs: list[Input]) -> Explanation:
    gex = board.book.gex[rows & np.isfinite(board.book.gex)]
    return _gex_of(
        board,
        title,
        rows,
        f"sum over the {of}'s contracts of sign * gamma_F * F^2 * 0.01 * contracts * multiplier",
        float(gex.sum()) if len(gex) else None,
        EXPOSURE,
        inputs,
    )


def _zero_gamma(board: Board) -> Explanation:
    zero = board.levels.zero_gamma
    at = zero.price if zero.price is not None else board.spot
    rows = np.flatnonzero(board.book.used)
    expiry = board.chain.expiry[rows]
    bumps = Bumps.of(
        board.smile.forward[expiry],
        board.chain.strike[rows],
        board.smile.years[expiry],
        board.book.iv[rows],
        board.chain.rates[expiry],
    )
    y = np.log(at / board.spot)
    sign = np.where(board.chain.is_call, board.filters.sign.of_call, board.filters.sign.of_put)
    held = (sign * board.book.weight * board.chain.multiplier)[rows]
    gex = held * bumps.height * np.exp(y - 0.5 * (bumps.inverse_width * y + bumps.offset) ** 2)
    inputs = [
        Input("spot", board.spot, "USD"),
        Input("all roots", ", ".join(f"{root:,.2f}" for root in zero.roots) or "none within 25 %"),
        Input("band", "none" if zero.band is None else f"{zero.band[0]:,.2f} to {zero.band[1]:,.2f}"),
        Input("gamma long of it", float(gex[gex > 0].sum()), EXPOSURE),
        Input("gamma short of it", float(gex[gex < 0].sum()), EXPOSURE),
        *_common_inputs(board),
    ]
    if zero.side is not None:
        inputs.insert(1, Input("book", f"{zero.side.value} gamma throughout"))
    return _explanation(
        board,
        "Zero gamma",
        zero.price,
        PRICE,
        "the spot S where sum sign * contracts * multiplier * e^(-rT) phi(d1) F / (IV sqrt T) * 0.01 = 0, each "
        "strike keeping its IV and every forward moving with spot",
        inputs,
        rows,
        gex,
    )


def _wall(
    title: str,
    walls: Callable[[Board], tuple[Wall, ...]],
    side: Callable[[Board], Booleans],
    rule: str,
    whole: str = "its side",
) -> "_Rule":
    def explained(board: Board) -> Explanation:
        ranked = walls(board)
        price = ranked[0].price if ranked else None
        inputs = [
            Input(f"rank {rank}", f"{_plain(board, wall.price)}: {wall.share:.1%} of {whole}")
            for rank, wall in enumerate(ranked, start=1)
        ]
        rows = side(board) & (board.chain.strike == price)
        return _gex_of(board, title, rows, rule, price, PRICE, inputs)

    return explained


def _max_pain(board: Board) -> Explanation:
    pain = board.levels.max_pain
    rows = np.empty(0, dtype=np.int64)
    paid = np.empty(0)
    inputs: list[Input] = []
    if pain is not None:
        chain = board.chain
        held = np.isfinite(chain.open_interest) & ~board.book.refused & (chain.expiries == pain.expiry)[chain.expiry]
        rows = np.flatnonzero(held)
        value = np.where(chain.is_call, pain.price - chain.strike, chain.strike - pain.price)[rows]
        paid = np.maximum(value, 0.0) * chain.open_interest[rows] * chain.multiplier[rows]
        inputs = [Input("expiry", instant_words(pain.expiry)), Input("paid to holders there", float(paid.sum()), "USD")]
    return _explanation(
        board,
        "Max pain",
        None if pain is None else pain.price,
        PRICE,
        "the listed strike s with the least sum of open interest * multiplier * (max(0, s - K) for calls, "
        "max(0, K - s) for puts), one expiry",
        inputs,
        rows,
        paid,
        amount_unit="USD paid there",
    )


def _expected_move(board: Board) -> Explanation:
    move = board.levels.expected_move
    inputs: list[Input] = []
    if move is not None:
        one_sigma = board.levels.one_sigma
        inputs = [
            Input("method", " ".join((move.method.value.replace("_", " "), *filter(None, (move.venue,))))),
            *_expiry_inputs(board, move.expiry),
            Input("one sigma", None if one_sigma is None else one_sigma.move, "USD"),
        ]
    return _explanation(
        board,
        "Expected move",
        None if move is None else move.move,
        PRICE,
        "straddle at the forward, from mid quotes of the two strikes around it; without quotes F * IV * sqrt(T)",
        inputs,
        np.empty(0, dtype=np.int64),
        np.empty(0),
    )


def _net_gex(board: Board) -> Explanation:
    return _gex_of(
        board,
        "Net GEX",
        board.book.used,
        "sum of sign * e^(-rT) phi(d1) F / (IV sqrt T) * 0.01 * contracts * multiplier",
        board.totals.net_gex,
        EXPOSURE,
        [
            Input("calls", board.totals.call_gex, EXPOSURE),
            Input("puts", board.totals.put_gex, EXPOSURE),
            Input("gross", board.totals.gross_gex, EXPOSURE),
        ],
    )


def _gex_of(
    board: Board, title: str, rows: Booleans, formula: str, value: float | None, unit: str, inputs: list[Input]
) -> Explanation:
    used = np.flatnonzero(rows & board.book.used)
    inputs = [*inputs, *_by_part(board, used), *_common_inputs(board)]
    return _explanation(board, title, value, unit, formula, inputs, used, board.book.gex[used])


def _by_part(board: Board, rows: Integers) -> list[Input]:
    """The rows' net GEX by venue, where several make the chain."""
    parts = board.chain.parts
    part = board.chain.part[board.chain.expiry[rows]]
    sums = summed(part, board.book.gex[rows], len(parts)) if parts else ()
    return [
        Input(f"{part.name}, stale" if part.stale else part.name, float(net), EXPOSURE)
        for part, net in zip(parts, sums, strict=True)
    ]


def _common_inputs(board: Board) -> list[Input]:
    blank = board.dropped.get("no_open_interest")
    return [
        Input("spot", board.spot, "USD"),
        Input("contracts used", float(board.used)),
        *([Input("contracts without open interest", float(blank))] if blank else []),
        Input("weight", board.filters.weight.value.replace("_", " ")),
        Input("sign", board.filters.sign.value.replace("_", " ")),
        Input("rate", board.chain.rate * 100.0, "%"),
        Input("coverage", None if board.coverage is None else board.coverage * 100.0, "%"),
    ]


def _explanation(
    board: Board,
    title: str,
    value: float | None,
    unit: str,
    formula: str,
    inputs: list[Input],
    rows: Integers,
    amounts: Floats,
    amount_unit: str = EXPOSURE,
) -> Explanation:
    size = np.abs(amounts)
    whole = float(size.sum())
    order = [at for at in np.argsort(-size, kind="stable")[:HEAVIEST].tolist() if size[at] > 0]
    contracts = tuple(
        HeavyContract(contract_name(board, int(rows[at])), float(amounts[at]), float(size[at]) / whole) for at in order
    )
    unique = {item.name: item for item in inputs}
    return Explanation(
        title=title,
        value=value,
        unit=unit,
        formula=formula,
        inputs=tuple(unique.values()),
        contracts=contracts,
        amount_unit=amount_unit,
        heaviest_share=sum(contract.share for contract in contracts),
    )


def contract_name(board: Board, row: int) -> str:
    """A contract as traders write it, after its venue where there are several: ``SPXW 15SEP23 4500 C``."""
    chain = board.chain
    right = "C" if chain.is_call[row] else "P"
    day = _day(float(chain.expiries[chain.expiry[row]]))
    strike = float(chain.strike[row]) * board.scale
    name = f"{chain.roots[chain.root[row]]} {day} {strike:.10g} {right}".upper()
    return f"{chain.parts[chain.part[chain.expiry[row]]].name} {name}" if chain.parts else name


def _plain(board: Board, strike: float) -> str:
    """A listed strike in full; in a coin's price it has no last digit."""
    return f"{strike:,.10g}" if board.axis is PriceAxis.SHARE else f"{strike:,.{0 if strike >= 10_000 else 2}f}"


def _day(instant: float) -> str:
    return f"{datetime.fromtimestamp(instant, UTC):%d%b%y}".upper()


def instant_words(seconds: float) -> str:
    """An instant, epoch seconds, as an input reads."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"


_Rule = Callable[[Board], Explanation]

EXPLAINED: dict[str, _Rule] = {
    "zero_gamma": _zero_gamma,
    "call_wall": _wall(
        "Call wall",
        lambda board: board.levels.call_walls,
        lambda board: board.chain.is_call,
        "the strike with the largest sum of call GEX over expiries",
    ),
    "put_wall": _wall(
        "Put wall",
        lambda board: board.levels.put_walls,
        lambda board: ~board.chain.is_call,
        "the strike with the most negative sum of put GEX over expiries",
    ),
    "absolute_gamma": _wall(
        "Absolute gamma",
        lambda board: (board.levels.absolute_gamma,) if board.levels.absolute_gamma is not None else (),
        lambda board: np.ones(len(board.chain), dtype=np.bool_),
        "the strike with the largest |call GEX| + |put GEX|",
        "gross",
    ),
    "max_pain": _max_pain,
    "expected_move": _expected_move,
    "net_gex": _net_gex,
}
"""What can be explained, by name."""
