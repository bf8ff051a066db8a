"""Coin terms: a coin ETF's book told in the coin it holds, and repriced at the coin's price while the ETF is shut."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from gextui.exposure.against_quotes import stale_spot
from gextui.exposure.book import match_rows
from gextui.market.calendar import NEW_YORK, MarketState, market_state
from gextui.market.chain import Floats, OptionChain
from gextui.market.coin import CoinRatio
from gextui.market.option_hours import quotes_until
from gextui.pricing.smile import fit_smile

NEAR_ENOUGH = 60.0
"""Seconds: a price of the coin this near the share's stands for the same instant."""
DISAGREEMENT = 0.01
"""A fund's holdings and both prices differ by its premium, which is less than this fraction."""


def is_open(chain: OptionChain) -> bool:
    """Whether the market traded when this chain's prices were made."""
    return market_state(chain.ticker.session, chain.quoted_at) is MarketState.OPEN


def with_ratio(
    chain: OptionChain,
    coin_spot: float | None,
    *,
    kept: CoinRatio | None = None,
    holdings: CoinRatio | None = None,
) -> OptionChain:
    """The chain of a coin ETF with the number of coins that a share stands for.

    Args:
        chain: As its source gave it.
        coin_spot: The coin's price at the chain's `quoted_at`, which for a delayed source is not now; None where none
            is known within `NEAR_ENOUGH`.
        kept: What was known before. It stands while the share does not trade, and where the coin's price is missing.
        holdings: From the fund's books. It stands whatever both prices say, but is held against them.
    """
    spots = None
    if coin_spot is not None and is_open(chain):
        spots = CoinRatio.from_spots(chain.spot, coin_spot, chain.quoted_at)
    notes = chain.notes
    if holdings is not None and spots is not None:
        apart = spots.coins_per_share / holdings.coins_per_share - 1.0
        if abs(apart) > DISAGREEMENT:
            notes = (
                f"by its holdings a share stands for {holdings.coins_per_share:.6g} {chain.ticker.coin}, by both "
                f"prices for {spots.coins_per_share:.6g}: one of them is wrong",
                *notes,
            )
    ratio = holdings or spots or kept
    return chain if ratio is None else replace(chain, coin_ratio=ratio, notes=notes)


def no_ratio(chain: OptionChain) -> str:
    """Why a coin ETF's chain has no coin terms, and what helps; empty where it has, and for any other ticker."""
    coin = chain.ticker.coin
    if coin is None or chain.coin_ratio is not None:
        return ""
    when = _new_york(quotes_until(chain.ticker, chain.quoted_at))
    symbol = chain.ticker.symbol
    helps = f"set coins_per_share under [tickers.{symbol}], or wait until it trades"
    if is_open(chain):
        return f"no price of {coin} is known within a minute of {when}; {helps} on"
    return f"{symbol} has not traded since {when}, and how many {coin} a share stood for before is not known; {helps}"


def implied_chain(
    session: OptionChain, coin_spot: float, at: datetime, newest: OptionChain | None = None
) -> OptionChain:
    """What ``session`` would be at the instant ``at`` with the coin at ``coin_spot``: a chain that nobody quoted.

    Spot is the coin's price in shares; every forward keeps its ratio to spot; every strike keeps its IV; time has
    passed, so what has expired meanwhile is expired. Quotes are of another price, so there are none, and a change of
    spot is measured from the session's, which is doubted where they contradict it.

    Args:
        session: The last chain whose prices are of one instant, while the ETF traded; it has a `coin_ratio`.
        coin_spot: USD.
        at: Aware.
        newest: A later chain of the same ETF, for the open interest that is counted overnight.

    Raises:
        ValueError: ``session`` has no ratio, or ``coin_spot`` is no price.
    """
    ratio = session.coin_ratio
    if ratio is None:
        raise ValueError(f"nobody knows how many coins a share of {session.ticker.symbol} stands for")
    spot = ratio.in_share(coin_spot)
    if not (np.isfinite(spot) and spot > 0):
        raise ValueError(f"a coin has a positive price, not {coin_spot:g}")
    smile = fit_smile(session)
    forwards = smile.forward * (spot / session.spot)
    # A strike keeps the IV of the side that was out of the money, though it may be the other side that is now.
    crossed = (session.strike >= smile.forward[session.expiry]) != (session.strike >= forwards[session.expiry])
    known = np.where(smile.node_own[smile.node], smile.iv, np.nan)
    nothing = np.full(len(session), np.nan)
    front = np.flatnonzero(smile.years > 0)[:1]
    doubts = (stale_spot(session, smile, int(at)) for at in front)
    quoted = quotes_until(session.ticker, session.quoted_at)
    note = (
        f"implied: repriced with {session.ticker.coin} at {coin_spot:,.2f}; {session.ticker.symbol} is shut, "
        f"its quotes are of {_new_york(quoted)}"
    )
    return replace(
        session,
        as_of=at.astimezone(UTC),
        spot=spot,
        forwards=forwards,
        iv=np.where(np.isfinite(smile.leg_iv) & ~crossed, smile.leg_iv, known),
        open_interest=session.open_interest if newest is None else _open_interest(session, newest),
        bid=nothing,
        ask=nothing,
        notes=(note, *(f"its last quotes: {words}" for words in doubts if words), *session.notes),
        previous_close=session.spot,
        delay=0.0,
        halt=None,
        implied_from=quoted.astimezone(UTC),
    )


def _open_interest(session: OptionChain, newest: OptionChain) -> Floats:
    """The newest count of every contract of ``session``; its own where the other has none."""
    rows = match_rows(session, newest)
    counted = np.where(rows >= 0, newest.open_interest[rows] if len(newest) else np.nan, np.nan)
    return np.where(np.isfinite(counted), counted, session.open_interest)


def _new_york(at: datetime) -> str:
    return f"{at.astimezone(NEW_YORK):%Y-%m-%d %H:%M} New York"
