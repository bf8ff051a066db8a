"""A board's implied volatilities by expiry, and how each of their numbers is made."""

import numpy as np

from gextui.exposure.board import Board
from gextui.exposure.book import DAYS_A_YEAR, lead_expiries
from gextui.exposure.explain import HEAVIEST, Explanation, HeavyContract, Input, contract_name, instant_words
from gextui.exposure.filters import selected_expiries
from gextui.exposure.volatility import CONSTANT_DAYS, FEWEST_DAYS, Rank, Skew, find_skew, iv_30d, smile_of
from gextui.market.chain import Integers


def leads_of(board: Board) -> Integers:
    """The chain's expiry (its index) that stands for each row of the board's `ByExpiry`."""
    listed = np.flatnonzero(np.isin(board.chain.expiries, board.by_expiry.expiry))
    return lead_expiries(board.chain, board.smile, listed)


def skew_by_expiry(board: Board) -> Skew:
    """The skew of each row of the board's `ByExpiry`."""
    return find_skew(board.chain, board.smile, leads_of(board).tolist())


def explain_smile(board: Board, expiry: int, strike: float) -> Explanation:
    """Explain the clean IV of a strike of one of the chain's expiries (its index)."""
    smile = smile_of(board.chain, board.smile, expiry)
    at = int(np.abs(smile.strike - strike).argmin())
    own = "the strike's own" if smile.own[at] else "interpolated in log-moneyness"
    return _explained(
        "Clean IV",
        smile.clean_iv[at] * 100.0,
        "one a strike and expiry: the out-of-the-money side's IV (call where K >= F, put below), else the other's, "
        "else solved from its mid quote, else interpolated along the smile",
        Input("strike", float(smile.strike[at]), "USD"),
        *_expiry_inputs(board, expiry),
        Input("the call's IV", smile.call_iv[at] * 100.0, "%"),
        Input("the put's IV", smile.put_iv[at] * 100.0, "%"),
        Input("which is", own),
    )


def explain_skew(board: Board, expiry: int) -> Explanation:
    """Explain the 25-delta risk reversal of one of the chain's expiries (its index), with the butterfly beside it."""
    skew = find_skew(board.chain, board.smile, [expiry])
    return _explained(
        "Risk reversal",
        float(skew.risk_reversal[0]) * 100.0,
        "25-delta call IV less 25-delta put IV, deltas of the forward, N(d1); each linear in delta between the "
        "out-of-the-money strikes around it; the butterfly is their mean less the IV at the money",
        *_expiry_inputs(board, expiry),
        Input("25-delta call", float(skew.call_iv[0]) * 100.0, "%"),
        Input("25-delta put", float(skew.put_iv[0]) * 100.0, "%"),
        Input("butterfly", float(skew.butterfly[0]) * 100.0, "vol points"),
        unit="vol points",
    )


def explain_rank(board: Board, rank: Rank) -> Explanation:
    """Explain where the volatility of 30 days stands among the days on record."""
    leads = leads_of(board).tolist()
    near = [f"{board.smile.years[at] * DAYS_A_YEAR:.1f} days: {board.smile.atm_iv[at]:.1%}" for at in leads]
    now = iv_30d(board.chain, board.smile)
    return _explained(
        "IV rank",
        None if rank.rank is None else rank.rank * 100.0,
        "(IV - lowest) / (highest - lowest) over the days on record, at most a year, today's included; the percentile "
        f"is the share of days strictly below; neither below {FEWEST_DAYS} days. IV is the one at the money of "
        f"{CONSTANT_DAYS:.0f} days, total variance linear in time between expiries",
        Input("IV of 30 days", None if now is None else now * 100.0, "%"),
        Input("percentile", None if rank.percentile is None else rank.percentile * 100.0, "%"),
        Input("lowest", None if rank.low is None else rank.low * 100.0, "%"),
        Input("highest", None if rank.high is None else rank.high * 100.0, "%"),
        Input("days on record", float(rank.days)),
        Input("index", board.chain.volatility_index, "vol points"),
        Input("at the money", "; ".join(near) or "none"),
    )


def explain_put_call(board: Board, strike: float) -> Explanation:
    """Explain the ratio of put to call open interest of a strike: what each side holds, and which contracts."""
    by_strike, chain = board.by_strike, board.chain
    at = by_strike.strike == strike
    names = ("put_open_interest", "call_open_interest", "put_volume", "call_volume")
    puts, calls, puts_traded, calls_traded = (float(getattr(by_strike, name)[at].sum()) for name in names)
    selected = selected_expiries(chain, board.filters)[chain.expiry]
    held = np.flatnonzero(selected & (chain.strike == strike) & (chain.open_interest > 0))
    held = held[np.argsort(-chain.open_interest[held], kind="stable")]
    amounts = chain.open_interest[held]
    shares = amounts / amounts.sum()
    heaviest = list(zip(held.tolist(), amounts.tolist(), shares.tolist(), strict=True))[:HEAVIEST]
    heavy = tuple(HeavyContract(contract_name(board, row), amount, share) for row, amount, share in heaviest)
    return Explanation(
        title="Put/call",
        value=puts / calls if calls else None,
        unit="puts a call, open interest",
        formula="open interest of the strike's puts over that of its calls, over the selected expiries",
        inputs=(
            Input("strike", strike, "USD"),
            Input("puts held", puts, board.chain.counted_in),
            Input("calls held", calls, board.chain.counted_in),
            Input("puts traded today", puts_traded, board.chain.counted_in),
            Input("calls traded today", calls_traded, board.chain.counted_in),
        ),
        contracts=heavy,
        amount_unit=board.chain.counted_in,
        heaviest_share=sum(contract.share for contract in heavy),
    )


def _expiry_inputs(board: Board, expiry: int) -> list[Input]:
    smile = board.smile
    return [
        Input("expiry", instant_words(float(board.chain.expiries[expiry]))),
        Input("forward", float(smile.forward[expiry]), "USD"),
        Input("T", float(smile.years[expiry]) * DAYS_A_YEAR, "days"),
        Input("IV at the money", float(smile.atm_iv[expiry]) * 100.0, "%"),
    ]


def _explained(title: str, value: float | None, formula: str, *inputs: Input, unit: str = "%") -> Explanation:
    return Explanation(
        title=title,
        value=None if value is None else float(value),
        unit=unit,
        formula=formula,
        inputs=inputs,
        contracts=(),
        amount_unit="",
        heaviest_share=0.0,
    )
