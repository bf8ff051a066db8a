"""The quick way of a contract's message into a book gives what the careful one gives, for either venue."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gextui.market.chain import OptionChain
from gextui.sources.bybit import _hear as hear_bybit
from gextui.sources.bybit_book import Book as BybitBook
from gextui.sources.bybit_lines import Line
from gextui.sources.bybit_messages import Data, Ticking, decode_push, decode_ticking
from gextui.sources.bybit_session import BybitSession
from gextui.sources.deribit import DeribitSource
from gextui.sources.deribit_book import Book as DeribitBook
from gextui.sources.deribit_messages import Quote, Tick, decode_tick
from gextui.sources.deribit_session import DeribitSession
from tests.support.rig import BTC, NOON

NOW = NOON.timestamp()
MS = int(NOW * 1000)
STRIKES = ("27NOV26-90000-C", "27NOV26-90000-P", "27NOV26-100000-C", "25DEC26-100000-C")
LISTED = tuple(f"BTC-{strike}" for strike in STRIKES)
COLUMNS = ("iv", "open_interest", "volume", "bid", "ask", "forwards")

GOOD = {"iv": 0.5, "open_interest": 7.0, "volume": 1.0, "bid": 5.0, "ask": 6.0, "forward": 95_100.0, "index": 95_000.0}
IN_BYBIT = {
    "iv": "markPriceIv",
    "open_interest": "openInterest",
    "volume": "volume24h",
    "bid": "bidPrice",
    "ask": "askPrice",
    "forward": "underlyingPrice",
    "index": "indexPrice",
}
IN_DERIBIT = {
    "iv": "mark_iv",
    "open_interest": "open_interest",
    "bid": "best_bid_price",
    "ask": "best_ask_price",
    "forward": "underlying_price",
    "index": "index_price",
}

# Messages as they should be, a few numbers of which are others, or none.
odd = st.sampled_from([0.0, 1e-12, 0.25, 2.0, 40.0, 1e5, 1e6, -1.0, 1e300, "N/A", "", "2.5", None, True])
ticks = st.builds(
    lambda changed, rest: GOOD | changed | rest,
    st.dictionaries(st.sampled_from(sorted(GOOD)), odd, max_size=2),
    st.fixed_dictionaries(
        {
            "contract": st.integers(0, len(STRIKES)),
            "at": st.one_of(st.integers(0, 99), st.integers(0, 99), st.sampled_from([-7_200_000, 3_600_000, -100])),
            "chain": st.booleans(),
            "twice": st.booleans(),
        }
    ),
)


def contract(tick: dict[str, Any]) -> str:
    return f"BTC-{[*STRIKES, '28MAR25-1-C'][tick['contract']]}"


def bybit_frame(tick: dict[str, Any]) -> bytes:
    symbol = f"{contract(tick)}-USDT"
    data = {name: str(tick[ours]) if isinstance(tick[ours], float) else tick[ours] for ours, name in IN_BYBIT.items()}
    topic = {"topic": f"tickers.{symbol}", "ts": MS + tick["at"], "type": "snapshot"}
    return json.dumps(topic | {"data": data | {"symbol": symbol}}).encode()


def deribit_frame(tick: dict[str, Any]) -> bytes:
    name = contract(tick)
    data = {theirs: tick[ours] for ours, theirs in IN_DERIBIT.items()} | {"stats": {"volume": tick["volume"]}}
    data |= {"instrument_name": name, "timestamp": MS + tick["at"], "state": "open"}
    params = {"channel": f"ticker.{name}.agg2", "data": data}
    return json.dumps({"jsonrpc": "2.0", "method": "subscription", "params": params}).encode()


def assert_same(one: OptionChain | None, other: OptionChain | None) -> None:
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        assert (one.spot, one.as_of) == (other.spot, other.as_of)
        for column in COLUMNS:
            np.testing.assert_allclose(getattr(one, column), getattr(other, column), rtol=1e-12, err_msg=column)


def as_bybit_reads(book: BybitBook, *, quick: bool) -> Callable[[bytes], object]:
    def read(frame: bytes) -> object:
        ticking = decode_ticking(frame) if quick else None
        if ticking is not None:
            new = book.hear(ticking.data.symbol, ticking.data, ticking.ts)
            if new is not None:
                return new
        push = decode_push(frame)
        assert isinstance(push.data, Data)
        return book.take(str(push.topic).partition(".")[2], push.data, push.ts, NOW)

    return read


def as_deribit_reads(book: DeribitBook, *, quick: bool) -> Callable[[bytes], object]:
    def read(frame: bytes) -> object:
        ticking = decode_tick(frame) if quick else None
        if ticking is not None and book.hear(ticking[1].name, ticking[1], ticking[1].at) is not None:
            return True
        data = json.dumps(json.loads(frame)["params"]["data"]).encode()
        return book.take_quote(msgspec.json.decode(data, type=Quote), NOW)

    return read


@given(st.lists(ticks, max_size=25, unique_by=lambda tick: tick["at"]))
def test_of_bybits_messages(messages: Sequence[dict[str, Any]]) -> None:
    books = [BybitBook(BTC), BybitBook(BTC)]
    readers = [as_bybit_reads(book, quick=quick) for book, quick in zip(books, (True, False), strict=True)]
    for book in books:
        book.relist_symbols([f"{name}-USDT" for name in LISTED], NOW)
    _follow([{**GOOD, "contract": 0, "at": -10, "chain": True, "twice": False}, *messages], bybit_frame, books, readers)
    assert +books[0].rejected == +books[1].rejected
    assert books[0].conflated == books[1].conflated
    assert books[0].heard_at == books[1].heard_at


@given(st.lists(ticks, max_size=25, unique_by=lambda tick: tick["at"]))
def test_of_deribits_messages(messages: Sequence[dict[str, Any]]) -> None:
    books = [DeribitBook(BTC), DeribitBook(BTC)]
    readers = [as_deribit_reads(book, quick=quick) for book, quick in zip(books, (True, False), strict=True)]
    for book in books:
        book.relist(LISTED, NOW)
    _follow(
        [{**GOOD, "contract": 0, "at": -10, "chain": True, "twice": False}, *messages], deribit_frame, books, readers
    )
    assert +books[0].rejected == +books[1].rejected
    assert books[0].conflated == books[1].conflated


def _follow(
    messages: Sequence[dict[str, Any]],
    frame: Callable[[dict[str, Any]], bytes],
    books: Sequence[BybitBook] | Sequence[DeribitBook],
    readers: Sequence[Callable[[bytes], object]],
) -> None:
    for message in messages:
        said = frame(message)
        for _ in range(1 + message["twice"]):
            one, other = (read(said) for read in readers)
            assert one == other, message
            assert books[0].changed == books[1].changed
        if message["chain"]:
            assert_same(*(book.chain(NOW, simulated=False) for book in books))
    assert_same(*(book.chain(NOW, simulated=False) for book in books))


def test_bybits_go_the_quick_way_once_their_topic_has_spoken() -> None:
    heard: list[Ticking] = []
    taken: list[str] = []

    def hear(ticking: Ticking) -> bool:
        heard.append(ticking)
        return ticking.ts > MS

    def take(topic: str, push: object) -> bool:
        taken.append(topic)
        return True

    session = BybitSession(hear, take, Counter())
    topic = f"tickers.{LISTED[0]}-USDT"
    said = [bybit_frame({**GOOD, "contract": 0, "at": at}) for at in (0, 1, -1)]
    assert [session.read(frame) for frame in said] == [topic, topic, None]
    assert taken == [topic]
    assert [ticking.ts - MS for ticking in heard] == [1, -1]
    # Not as it should be: the careful way.
    assert session.read(bybit_frame({**GOOD, "contract": 0, "at": 2, "iv": -0.5})) == topic
    assert taken == [topic, topic]


def test_deribits_go_the_quick_way() -> None:
    heard: list[Tick] = []

    def hear(channel: str, tick: Tick) -> bool:
        heard.append(tick)
        return tick.at > MS

    session = DeribitSession(hear, lambda channel, data: True, lambda frame: None)
    for at in (1, 0):
        assert session.read(deribit_frame({**GOOD, "contract": 0, "at": at})) == f"ticker.{LISTED[0]}.agg2"
    assert [(tick.name, tick.iv, tick.volume) for tick in heard] == [(LISTED[0], 0.5, 1.0)] * 2


def test_a_name_and_a_topic_that_differ_are_looked_at_closely() -> None:
    """A contract's numbers never stand for another's."""
    source = DeribitSource([BTC], rest_url="http://127.0.0.1:1", ws_url="ws://127.0.0.1:1")
    [deribit] = source._books.values()
    deribit.relist(LISTED, NOW)
    bybit, line = BybitBook(BTC), Line()
    bybit.relist_symbols([f"{name}-USDT" for name in LISTED], NOW)
    for book in (deribit, bybit):
        book._look_at(NOW)
    tick = {**GOOD, "contract": 0, "at": 0}
    ticked, ticking = decode_tick(deribit_frame(tick)), decode_ticking(bybit_frame(tick))
    assert ticked is not None
    assert ticking is not None
    assert source._hear(*ticked)
    assert not source._hear(f"ticker.{LISTED[1]}.agg2", ticked[1])
    assert hear_bybit(bybit, line, ticking)
    assert hear_bybit(bybit, line, Ticking(f"tickers.{LISTED[1]}-USDT", MS + 1, "snapshot", ticking.data)) is None
