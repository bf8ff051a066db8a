"""IVs that are not those of the options they stand beside: said, whatever the source."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from gextui.exposure.board import build_board
from gextui.market.chain import OptionChain
from gextui.market.ticker import KNOWN_TICKERS
from gextui.simulator.market import SimulatedMarket
from gextui.sources.files import read_chains

BTC, SPX = KNOWN_TICKERS["BTC"], KNOWN_TICKERS["SPX"]
CHAINS = {
    ticker.symbol: SimulatedMarket(3, datetime(2026, 11, 19, 16, tzinfo=UTC), [ticker]).chain(ticker)
    for ticker in (BTC, SPX)
}


def told(chain: OptionChain) -> list[str]:
    return [words for words in build_board(chain).warnings if "price options at" in words]


def multiplied(chain: OptionChain, times: float, expiries: slice) -> OptionChain:
    chosen = np.isin(chain.expiry, np.arange(len(chain.expiries))[expiries])
    return replace(chain, iv=np.where(chosen, times * chain.iv, chain.iv))


@pytest.mark.parametrize("symbol", CHAINS)
@pytest.mark.parametrize("times", [1.0 / 3.0, 0.7, 1.0, 1.4, 3.0])
def test_an_iv_far_from_what_its_quotes_imply(symbol: str, times: float) -> None:
    words = told(multiplied(CHAINS[symbol], times, slice(None)))
    assert bool(words) is not (0.5 < times < 2.0)
    for sentence in words:
        # Away from the money prices differ by more than volatilities.
        [priced_at] = re.findall(r" at (\S+) times", sentence)
        assert (float(priced_at) > 1.0) == (times > 1.0)


def test_the_expiries_are_named() -> None:
    [words] = told(multiplied(CHAINS["BTC"], 3.0, slice(2, 4)))
    days = [f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d}" for at in CHAINS["BTC"].expiries[2:4]]
    assert words.startswith(f"the implied volatilities of 2 expiries ({days[0]} to {days[1]}) price options at ")


def test_without_quotes_nothing_is_known() -> None:
    chain = CHAINS["SPX"]
    assert told(replace(multiplied(chain, 3.0, slice(None)), bid=np.full(len(chain), np.nan))) == []


def test_recorded_chains_agree_with_their_quotes(shared: Path) -> None:
    for path in sorted((shared / "data").glob("cboe/csv/*.csv")) + sorted(
        (shared / "data").glob("yahoo/merged/*.json")
    ):
        for chain in read_chains(path):
            assert told(chain) == [], path.name
