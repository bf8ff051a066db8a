"""OptionChain: sorted, keyed, frozen."""

from dataclasses import FrozenInstanceError
from datetime import UTC, datetime, timedelta, timezone
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gextui.market.chain import OptionChain
from gextui.market.ticker import KNOWN_TICKERS, Kind, Session, ticker_for

AS_OF = datetime(2026, 11, 19, 21, 30, tzinfo=UTC)
Key = tuple[str, float, float, bool]


def chain_of(keys: list[Key], **changes: Any) -> OptionChain:
    """A chain whose open interest numbers its rows as they were given."""
    root, expiry, strike, is_call = zip(*keys, strict=True) if keys else ((), (), (), ())
    ones = [1.0] * len(keys)
    columns: dict[str, Any] = dict.fromkeys(("iv", "volume", "bid", "ask", "multiplier"), ones)
    columns |= {"root": root, "expiry": expiry, "strike": strike, "is_call": is_call}
    columns |= {"ticker": ticker_for("SPX"), "source": "test", "as_of": AS_OF, "spot": 6700.0}
    return OptionChain.from_rows(**(columns | {"open_interest": np.arange(float(len(keys)))} | changes))


def keys_of(chain: OptionChain) -> list[Key]:
    return [
        (chain.roots[root], float(chain.expiries[expiry]), float(strike), bool(is_call))
        for root, expiry, strike, is_call in zip(chain.root, chain.expiry, chain.strike, chain.is_call, strict=True)
    ]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["SPX", "SPXW"]),
            st.sampled_from([1e9, 2e9]),
            st.sampled_from([1.0, 2.5, 3.0]),
            st.booleans(),
        ),
        max_size=40,
    )
)
def test_rows_are_sorted_and_of_one_contract_the_last_stays(keys: list[Key]) -> None:
    chain = chain_of(keys)
    assert keys_of(chain) == sorted(set(keys), key=lambda key: (key[1], key[2], not key[3], key[0]))
    last = {key: float(position) for position, key in enumerate(keys)}
    assert [last[key] for key in keys_of(chain)] == chain.open_interest.tolist()
    assert chain.dropped.get("duplicate", 0) == len(keys) - len(set(keys))
    assert chain.total == len(keys)


def test_forwards_go_to_their_expiries() -> None:
    chain = chain_of([("SPX", 2e9, 1.0, True), ("SPX", 1e9, 1.0, True)], forwards={2e9: 6710.0, 3e9: 1.0})
    assert chain.expiries.tolist() == [1e9, 2e9]
    assert chain.forwards.tolist() == pytest.approx([np.nan, 6710.0], nan_ok=True)


def test_times_are_kept_in_utc() -> None:
    chain = chain_of([], as_of=AS_OF.astimezone(timezone(timedelta(hours=-5))))
    assert (chain.as_of, chain.as_of.tzinfo) == (AS_OF, UTC)
    assert chain.as_of_seconds == AS_OF.timestamp()


@pytest.mark.parametrize("spot", [0.0, -1.0, float("nan"), float("inf")])
def test_a_chain_has_a_spot(spot: float) -> None:
    with pytest.raises(ValueError, match="spot must be a positive number"):
        chain_of([], spot=spot)


def test_a_chain_has_a_zone() -> None:
    with pytest.raises(ValueError, match="as_of needs a time zone"):
        chain_of([], as_of=AS_OF.replace(tzinfo=None))


def test_a_chain_cannot_be_changed() -> None:
    chain = chain_of([("SPX", 1e9, 1.0, True)], dropped={"adjusted": 1})
    with pytest.raises(FrozenInstanceError):
        delattr(chain, "spot")
    with pytest.raises(ValueError, match="read-only"):
        chain.iv[0] = 1.0
    assert isinstance(chain.dropped, MappingProxyType)


def test_tickers() -> None:
    assert ticker_for(" spx ") is KNOWN_TICKERS["SPX"]
    assert ticker_for("AVAX", Kind.COIN).session is Session.UTC
    assert (ticker_for("QNT", Kind.COIN).highest_iv, ticker_for("MSFT").highest_iv) == (10.0, 5.0)
    assert ticker_for("IBIT").coin == "BTC"
    assert ticker_for("a\x1b[2J").symbol == "A�[2J"
    assert all(symbol == ticker.symbol for symbol, ticker in KNOWN_TICKERS.items())


class TestWithoutExpired:
    @staticmethod
    def chain() -> OptionChain:
        """Two contracts of each of three expiries, 100, 200 and 300 s ahead, and one that has expired."""
        now = datetime(2026, 11, 20, 20, 58, tzinfo=UTC)
        instants = [now.timestamp() + ahead for ahead in (-100, 100, 100, 200, 200, 300, 300)]
        count = len(instants)
        return OptionChain.from_rows(
            ticker=KNOWN_TICKERS["SPX"],
            source="test",
            as_of=now,
            spot=100.0,
            root=["SPXW"] * count,
            expiry=instants,
            strike=[100.0] * count,
            is_call=[True, *[True, False] * 3],
            iv=[0.2] * count,
            open_interest=[float(row) for row in range(count)],
            volume=[1.0] * count,
            bid=[1.0] * count,
            ask=[1.1] * count,
            multiplier=[100.0] * count,
            forwards={instants[3]: 101.0},
            dropped={"bad_symbol": 2},
            total=count + 2,
        )

    @pytest.mark.parametrize("later", [-5.0, 0.0, 99.0])
    def test_nothing_has_since(self, later: float) -> None:
        chain = self.chain()
        assert chain.without_expired(chain.as_of_seconds + later) is chain

    def test_what_has_is_left_out_and_counted(self) -> None:
        chain = self.chain()
        left = chain.without_expired(chain.as_of_seconds + 100.0)
        assert left.expiries.tolist() == chain.expiries[2:].tolist()
        assert left.open_interest.tolist() == [3.0, 4.0, 5.0, 6.0]
        assert left.expiry.tolist() == [0, 0, 1, 1]
        assert left.forwards[0] == 101.0
        assert (left.total, dict(left.dropped)) == (chain.total, {"bad_symbol": 2, "expired": 3})
        assert len(chain) == 7

    def test_everything(self) -> None:
        chain = self.chain()
        left = chain.without_expired(chain.as_of_seconds + 1000.0)
        assert (len(left), len(left.expiries), dict(left.dropped)) == (0, 0, {"bad_symbol": 2, "expired": 7})
