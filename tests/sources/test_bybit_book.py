"""Bybit's messages: recorded traffic, hostile traffic, and what a session, a book and its connections make of them."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gextui.market.chain import OptionChain
from gextui.market.ticker import KNOWN_TICKERS, Kind, Ticker
from gextui.sources.book import EARLY
from gextui.sources.bybit_book import Book
from gextui.sources.bybit_lines import placed
from gextui.sources.bybit_messages import Answer, Data, Instrument, Listing, Push, Trade, canonical, decode_push
from gextui.sources.bybit_messages import Ticker as Row
from gextui.sources.bybit_session import (
    CHARACTERS_A_CONNECTION,
    TOPICS_A_CONNECTION,
    TOPICS_A_REQUEST,
    BybitSession,
)
from gextui.sources.decoding import Items, decode
from gextui.sources.rows import LARGEST
from gextui.sources.session import Reading, RejectedError
from tests.support.rig import BTC, NOON

NOW = NOON.timestamp()
MS = int(NOW * 1000)
CALL = "BTC-27NOV26-90000-C-USDT"
NAMES = (CALL, "BTC-27NOV26-90000-P-USDT", "BTC-27NOV26-100000-C-USDT", "BTC-25DEC26-100000-C-USDT")


def data(**changed: Any) -> Data:
    numbers: dict[str, Any] = {
        "mark_price_iv": 0.5,
        "open_interest": 10.0,
        "volume24h": 1.0,
        "bid_price": 900.0,
        "ask_price": 950.0,
        "underlying_price": 95_100.0,
        "index_price": 95_000.0,
    }
    return Data(**(numbers | changed))


def filled(names: Sequence[str] = NAMES) -> Book:
    book = Book(BTC)
    book.relist_symbols(names, NOW)
    for name in names:
        assert book.take(name, data(), MS, NOW)
    return book


def chain_of(book: Book, now: float = NOW) -> OptionChain:
    chain = book.chain(now, simulated=False)
    assert chain is not None
    return chain


def frame(symbol: str = CALL, **changed: Any) -> bytes:
    """A push as the venue sends it."""
    ticker = {
        "symbol": symbol,
        "bidPrice": "900",
        "askPrice": "950",
        "markPriceIv": "0.5",
        "indexPrice": "95000",
        "underlyingPrice": "95100",
        "openInterest": "10",
        "volume24h": "1",
    } | changed
    return json.dumps({"topic": f"tickers.{symbol}", "ts": MS, "type": "snapshot", "data": ticker}).encode()


@pytest.fixture
def samples(shared: Path) -> Path:
    folder = shared / "wire" / "samples" / "bybit"
    if not folder.is_dir():
        pytest.skip("the captures are not here")
    return folder


class TestRecorded:
    def test_a_push_of_2026(self, samples: Path) -> None:
        push = decode_push((samples / "oggregator_ws_ticker_option_USDT_live_2026-03-20.json").read_bytes())
        assert push == Push(
            topic="tickers.BTC-21MAR26-70000-C-USDT",
            ts=1773966121157,
            type="snapshot",
            data=Data(
                symbol="BTC-21MAR26-70000-C-USDT",
                mark_price_iv=0.5421,
                open_interest=18.93,
                volume24h=50.26,
                bid_price=940.0,
                ask_price=960.0,
                underlying_price=70098.25055849,
                index_price=70089.5343409,
            ),
        )

    def test_pushes_of_2023_make_chains(self, samples: Path) -> None:
        messages = json.loads((samples / "tardis_bybit_options_ws_messages_2023.json").read_text())
        messages.append(json.loads((samples / "nautilus_ws_ticker_option.json").read_text()))
        chains: dict[str, OptionChain] = {}
        trades = 0
        for message in messages:
            if message["topic"].startswith("orderbook"):
                continue
            push = decode_push(json.dumps(message).encode())
            assert push.topic is not None
            if isinstance(push.data, list):
                [trade] = push.data
                assert trade == Trade(
                    1680652922081, "BTC-28APR23-29500-C", 0.01, "0404c393-8419-5bac-95c3-5fea28404754"
                )
                trades += 1
                continue
            assert isinstance(push.data, Data)
            assert push.ts is not None
            symbol = push.topic.removeprefix("tickers.")
            ticker = KNOWN_TICKERS[symbol.partition("-")[0]]
            book = Book(ticker)
            at = push.ts / 1000
            book.relist_symbols([symbol], at)
            assert book.take(symbol, push.data, push.ts, at)
            chains[ticker.symbol] = chain_of(book, at)
        assert trades == 1
        assert set(chains) == {"BTC", "ETH", "SOL"}
        # Legacy symbols are settled in USDC and have no suffix; a quote of "0" is none.
        assert chains["BTC"].roots == ("BTC",)
        assert (chains["BTC"].iv[0], chains["BTC"].open_interest[0], chains["BTC"].ask[0]) == (0.4896, 49.85, 10.0)
        assert np.isnan(chains["BTC"].bid[0])
        assert np.isnan(chains["ETH"].ask[0])
        assert (chains["SOL"].strike[0], chains["SOL"].iv[0], chains["SOL"].forwards[0]) == (24.0, 1.4674, 20.93)

    def test_rest_answers(self, samples: Path) -> None:
        for name in ("docs_tickers_option_rest.json", "docs_instruments_info_option.json"):
            answer = decode(msgspec.Raw((samples / name).read_bytes()), Answer)
            assert answer.ret_code == 0
            assert decode(answer.result, Listing).cursor in ("", None)
        body = (samples / "oggregator_rest_ticker_option_USDT_row.json").read_bytes()
        [row], bad = Items(Row).decode(msgspec.Raw(b"[" + body + b"]"))
        assert (row.symbol, bad) == ("BTC-21MAR26-70000-C-USDT", 0)
        assert (row.mark_iv, row.bid1_price, row.volume24h) == ("0.5397", "930", "50.26")
        for name in ("option.json", "option_symbol_id.json"):
            body = (samples / f"nautilus_http_get_instruments_{name}").read_bytes()
            listing = decode(decode(msgspec.Raw(body), Answer).result, Listing)
            [instrument], _ = Items(Instrument).decode(listing.rows)
            assert instrument.status == "Trading"
            assert not listing.cursor

    def test_a_whole_chain_by_rest(self, samples: Path) -> None:
        row = (samples / "oggregator_rest_ticker_option_USDT_row.json").read_bytes()
        rows, _ = Items(Row).decode(msgspec.Raw(b"[" + row + b"]"))
        book = Book(BTC)
        at = 1773966121.0
        assert book.take_tickers(rows, at, at)
        chain = chain_of(book, at)
        assert chain.roots == ("BTC-USDT",)
        assert (chain.spot, chain.forwards[0]) == (70055.65003535, 70064.65572325)
        assert (chain.iv[0], chain.open_interest[0], chain.volume[0], chain.bid[0], chain.ask[0]) == (
            0.5397,
            18.93,
            50.26,
            930.0,
            940.0,
        )
        assert chain.multiplier[0] == 1.0

    def test_an_acknowledgement(self, samples: Path) -> None:
        topic = "orderbook.100.BTC-6JAN23-18000-C"
        reading = Spoken(topic).reads((samples / "docs_ws_option_subscribe_response.json").read_bytes())
        assert reading == Reading(accepted=(topic,))

    def test_pongs_and_errors(self, samples: Path) -> None:
        spoken = Spoken("a")
        assert spoken.reads((samples / "docs_ws_option_pong.json").read_bytes()) is None
        assert spoken.reads((samples / "docs_ws_linear_pong.json").read_bytes()) is None
        assert not spoken.rejected
        error = spoken.reads((samples / "fastmm_spot_subscribe_error.json").read_bytes())
        assert error == Reading(refused={"a": "Invalid symbol :[orderbook.50.NOSUCHSYM]"})
        for name in ("nautilus_ws_subscription_failure.json", "nautilus_ws_subscription_ack.json"):
            Spoken("a").reads((samples / name).read_bytes())

    def test_streams_of_other_products_are_never_taken_for_options(self, samples: Path) -> None:
        spoken, book = Spoken(), filled()
        before = chain_of(book)
        for line in (samples / "cryptofeed_linear_spot_ws_session_2026-08-09.jsonl").read_text().splitlines():
            said = str(json.loads(line).get("data", "")).encode()
            assert refused(lambda said=said: spoken.reads(said)) in ("", "json", "schema")  # type: ignore[misc]
        assert len(spoken.pushes) > 50
        for topic, push in spoken.pushes:
            if isinstance(push.data, Data):
                book.take(topic.partition(".")[2], push.data, push.ts, NOW)
        assert chain_of(book).iv.tolist() == before.iv.tolist()
        assert len(book) == len(NAMES)


class TestSymbols:
    @pytest.mark.parametrize(
        ("symbol", "form"),
        [
            ("BTCUSDT-27MAR26-70000-P", "BTC-27MAR26-70000-P-USDT"),
            ("XRPUSDT-7MAR26-1.25-C", "XRP-7MAR26-1.25-C-USDT"),
            ("BTC-27MAR26-70000-P-USDT", "BTC-27MAR26-70000-P-USDT"),
            ("BTC-6JAN23-17500-C", "BTC-6JAN23-17500-C"),
            ("BTCUSDT", "BTCUSDT"),
            ("", ""),
        ],
    )
    def test_the_form_whose_topic_speaks(self, symbol: str, form: str) -> None:
        assert canonical(symbol) == form == canonical(form)


class Spoken:
    """A session that has subscribed to some topics, and what it made of what it read."""

    def __init__(self, *topics: str) -> None:
        self.pushes: list[tuple[str, Push]] = []
        self.rejected: Counter[str] = Counter()
        self.session = BybitSession(lambda _: None, self._take, self.rejected)
        self.session.greet()
        if topics:
            self.session.subscribe(topics)

    def _take(self, topic: str, push: Push) -> bool:
        self.pushes.append((topic, push))
        return True

    def reads(self, frame: bytes | dict[str, Any]) -> str | Reading | None:
        return self.session.read(frame if isinstance(frame, bytes) else json.dumps(frame).encode())

    def answer(self, done: Sequence[str] = (), failed: Sequence[str] = ()) -> str | Reading | None:
        data = {"successTopics": list(done), "failTopics": list(failed)}
        return self.reads({"success": True, "conn_id": "x", "data": data, "type": "COMMAND_RESP"})


class TestSession:
    def test_greets_with_a_ping_and_splits_subscriptions(self) -> None:
        session = Spoken().session
        assert [json.loads(frame) for frame in session.greet()] == [{"req_id": "ping", "op": "ping"}]
        requests = [json.loads(frame) for frame in session.subscribe([f"t{n}" for n in range(250)])]
        assert [len(request["args"]) for request in requests] == [TOPICS_A_REQUEST, TOPICS_A_REQUEST, 50]
        assert [request["req_id"] for request in requests] == ["1", "2", "3"]
        assert {request["op"] for request in requests} == {"subscribe"}

    def test_answers_name_topics_and_not_requests(self) -> None:
        spoken = Spoken("a", "b")
        assert spoken.answer(["a"], ["b"]) == Reading(accepted=("a",), refused={"b": "the venue refuses the topic"})
        assert spoken.answer(["never asked"]) == Reading()

    def test_the_answer_to_an_unsubscribe_is_no_subscription(self) -> None:
        spoken = Spoken("a")
        # The answers come in the order of the requests, though they look alike.
        spoken.session.unsubscribe(["a"])
        spoken.session.subscribe(["a"])
        assert spoken.answer(["a"]) == Reading(accepted=("a",))
        assert spoken.answer(["a"]) == Reading()
        assert spoken.answer(["a"]) == Reading(accepted=("a",))

    def test_what_is_subscribed_is_left_before_it_is_asked_for_again(self) -> None:
        spoken = Spoken("a", "b")
        spoken.answer(["a"], ["b"])
        requests = [json.loads(request) for request in spoken.session.subscribe(["a", "b"])]
        assert [(request["op"], request["args"]) for request in requests] == [
            ("unsubscribe", ["a"]),
            ("subscribe", ["a", "b"]),
        ]

    def test_a_request_that_fails_as_a_whole(self) -> None:
        spoken = Spoken("a", "b")
        spoken.session.subscribe(["c"])
        words = {"success": False, "ret_msg": "args size: over limit", "conn_id": "x", "op": "subscribe"}
        assert spoken.reads(words | {"req_id": "2"}) == Reading(refused={"c": "args size: over limit"})
        assert spoken.reads(words) == Reading(refused=dict.fromkeys(("a", "b"), "args size: over limit"))
        assert spoken.reads(words) == Reading()

    def test_a_change_without_its_snapshot_is_dropped_and_the_whole_asked_for_once(self) -> None:
        spoken = Spoken("tickers.X")
        delta = {"topic": "tickers.X", "ts": MS, "type": "delta", "data": {"bidPrice": "1"}}
        assert spoken.reads(delta) == Reading(again=("tickers.X",))
        assert spoken.reads(delta) is None
        assert spoken.pushes == []
        assert spoken.reads(delta | {"type": "snapshot"}) == "tickers.X"
        assert spoken.reads(delta) == "tickers.X"
        assert spoken.rejected == {"change before its snapshot": 2}
        spoken.session.unsubscribe(["tickers.X"])
        assert spoken.reads(delta) == Reading(again=("tickers.X",))

    def test_what_it_does_not_know_is_counted_and_no_error(self) -> None:
        spoken = Spoken()
        assert spoken.reads({"topic": "tickers.X", "ts": MS, "type": "rumour", "data": {}}) is None
        assert spoken.reads({"event": "hello"}) is None
        assert spoken.rejected == {"unknown type": 1, "unknown message": 1}


_scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(
        ["", "0", "-0", "-1.5", "N/A", "-", "nan", "NaN", "Infinity", "1e999", "9" * 400, "1,234.5", " 1 "]
    ),
    st.text(max_size=5),
    st.lists(st.integers(), max_size=2),
)
_KEYS = ("bidPrice", "askPrice", "markPriceIv", "indexPrice", "underlyingPrice", "openInterest", "volume24h", "symbol")


_FIELDS = ("topic", "ts", "type", "data", "op", "success", "ret_msg", "req_id", "args", "successTopics", "failTopics")


def refused(read: Callable[[], object]) -> str:
    """Why what is read is rejected; empty where it is not."""
    try:
        read()
    except RejectedError as rejected:
        return str(rejected)
    return ""


class TestHostile:
    @given(st.dictionaries(st.sampled_from(_KEYS), _scalars, max_size=8))
    def test_no_number_of_a_push_makes_a_chain_that_no_market_could_have(self, changed: dict[str, Any]) -> None:
        book = filled()
        try:
            push = decode_push(frame(**changed))
        except RejectedError:
            return
        assert isinstance(push.data, Data)
        book.take(CALL, push.data, MS + 100, NOW + 0.1)
        chain = chain_of(book, NOW + 0.1)
        assert len(chain) == len(NAMES)
        assert 0 < chain.spot <= LARGEST
        for column in (chain.iv, chain.open_interest, chain.volume, chain.forwards):
            assert ((column >= 0) & (column <= LARGEST)).all(), "what cannot be read is as it was"

    @given(st.binary(max_size=64))
    def test_no_bytes_break_the_session(self, junk: bytes) -> None:
        for body in (junk, b'{"topic":"tickers.X","data":' + junk + b"}", frame()[:-1] + junk):
            assert refused(lambda body=body: Spoken().reads(body)) in ("", "json", "schema")  # type: ignore[misc]

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=8),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_FIELDS), inner, max_size=6),
            max_leaves=12,
        )
    )
    def test_no_message_breaks_the_session(self, message: Any) -> None:
        assert refused(lambda: Spoken("a").reads(json.dumps(message).encode())) in ("", "json", "schema")

    @pytest.mark.parametrize(
        ("text", "iv"),
        [("0.61", 0.61), (0.61, 0.61), ("6.1e-1", 0.61), ("0,061.5", 61.5), ("N/A", 0.5), ("", 0.5), (None, 0.5)],
    )
    def test_numbers_are_read_where_nothing_is_lost(self, text: Any, iv: float) -> None:
        book = filled()
        push = decode_push(frame(markPriceIv=text))
        assert isinstance(push.data, Data)
        assert book.take(CALL, push.data, MS + 100, NOW + 0.1) == (iv != 0.5)
        assert chain_of(book, NOW + 0.1).iv[0] == iv
        assert dict(+book.rejected) == ({"iv: missing": 1} if iv == 0.5 and text != "N/A" else {}) or text == "N/A"

    @pytest.mark.parametrize(
        ("field", "value", "why"),
        [
            ("mark_price_iv", -0.1, "iv: range"),
            ("mark_price_iv", float("inf"), "iv: type"),
            ("open_interest", None, "open_interest: missing"),
            ("open_interest", 1e19, "open_interest: range"),
            ("volume24h", -1.0, "volume: range"),
            ("bid_price", float("inf"), "bid: type"),
            ("underlying_price", 0.0, "forward: range"),
        ],
    )
    def test_what_no_market_could_have_is_counted_and_the_rest_taken(
        self, field: str, value: float | None, why: str
    ) -> None:
        book = filled()
        before = chain_of(book)
        changed = {"mark_price_iv": 0.6, "open_interest": 11.0, "bid_price": 901.0} | {field: value}
        book.take(CALL, data(**changed), MS + 100, NOW + 0.1)
        assert dict(+book.rejected) == {why: 1}
        chain = chain_of(book, NOW + 0.1)
        same = {"mark_price_iv": "iv", "open_interest": "open_interest", "bid_price": "bid", "volume24h": "volume"}
        for name, column in same.items():
            moved = getattr(chain, column)[0] != getattr(before, column)[0]
            assert moved == (name != field and name != "volume24h"), name

    @pytest.mark.parametrize("index", [None, 0.0, -5.0, float("nan"), 1e19])
    def test_a_push_without_an_index_is_not_believed(self, index: float | None) -> None:
        book = filled()
        before = chain_of(book)
        assert not book.take(CALL, data(index_price=index, open_interest=0.0, mark_price_iv=0.9), MS + 100, NOW + 0.1)
        after = chain_of(book, NOW + 0.1)
        assert (after.spot, after.iv[0], after.open_interest[0]) == (before.spot, before.iv[0], before.open_interest[0])
        assert sum(book.rejected.values()) == 1


class TestBook:
    def test_the_newest_event_wins_whatever_the_order(self) -> None:
        book = filled()
        for offset in (300, 100, 200, 300):
            book.take(CALL, data(open_interest=float(offset)), MS + offset, NOW + 0.4)
        chain = chain_of(book, NOW + 0.4)
        assert chain.open_interest[0] == 300.0
        assert chain.as_of_seconds == pytest.approx(NOW + 0.3)
        assert dict(+book.rejected) == {}

    def test_late_pushes_say_nothing_new_and_equal_ones_do(self) -> None:
        book = filled()
        assert not book.take(CALL, data(), MS - 1, NOW)
        assert book.take(CALL, data(open_interest=77.0), MS, NOW)
        assert chain_of(book).open_interest[0] == 10.0

    @pytest.mark.parametrize(
        ("sent", "at", "why"),
        [
            (MS + 3_600_000, NOW + 1, "early"),
            (12_345, None, "time"),
            (None, None, "time"),
            (int((NOW + 1) * 1e6), NOW + 1, None),
            (int(NOW + 1), NOW + 1, None),
            (MS + int(EARLY * 1000), NOW + EARLY, None),
        ],
    )
    def test_event_times(self, sent: int | None, at: float | None, why: str | None) -> None:
        book = filled()
        assert book.take(CALL, data(open_interest=77.0), sent, NOW + 1) == (at is not None)
        assert chain_of(book, NOW + 10).open_interest[0] == (10.0 if at is None else 77.0)
        assert dict(+book.rejected) == ({} if why is None else {why: 1})
        if at is not None:
            assert book.heard_at == pytest.approx(at)

    def test_symbols_are_one_however_they_are_written(self) -> None:
        book = Book(BTC)
        assert book.relist_symbols(["BTCUSDT-27NOV26-90000-C", "BTC-27NOV26-90000-P-USDT", "ETH-27NOV26-1-C-USDT"], NOW)
        assert book.symbols() == ["BTCUSDT-27NOV26-90000-C", "BTC-27NOV26-90000-P-USDT"]
        assert book.take(CALL, data(), MS, NOW)
        assert book.take("BTCUSDT-27NOV26-90000-P", data(), MS, NOW)
        assert len(chain_of(book)) == 2
        assert not book.relist_symbols(["BTCUSDT-27NOV26-90000-C", "BTC-27NOV26-90000-P-USDT"], NOW)
        assert book.relist_symbols([CALL, "BTC-27NOV26-90000-P-USDT"], NOW)
        assert book.symbols() == [CALL, "BTC-27NOV26-90000-P-USDT"]

    def test_what_settles_in_another_coin_is_kept_apart(self) -> None:
        """D16: the same strike thrice, each in coins; never summed into one row."""
        book = filled(["BTC-27NOV26-90000-C", "BTC-27NOV26-90000-C-USDC", CALL])
        chain = chain_of(book)
        assert chain.roots == ("BTC", "BTC-USDC", "BTC-USDT")
        assert len(chain) == 3
        assert chain.open_interest.tolist() == [10.0] * 3
        assert set(chain.multiplier) == {1.0}
        assert chain.bid.tolist() == [900.0] * 3

    def test_a_whole_chain_tells_of_what_came_and_went(self) -> None:
        book = filled()

        def rows(*names: str) -> list[Row]:
            return [
                Row(symbol=name, mark_iv="0.4", open_interest="5", underlying_price="95100", index_price="95000")
                for name in names
            ]

        told = []
        for second, names in enumerate((NAMES, (*NAMES, "BTC-27NOV26-95000-C-USDT"), NAMES), start=1):
            book.unconfirmed = False
            assert book.take_tickers(rows(*names), NOW + second, NOW + second)
            told.append((book.unconfirmed, len(book)))
        assert told == [(False, 4), (True, 5), (True, 5)]

    def test_pushes_between_two_chains_are_conflated(self) -> None:
        book = filled()
        chain_of(book)
        assert book.conflated == 0
        for offset in range(1, 6):
            book.take(CALL, data(), MS + offset, NOW)
        assert book.conflated == 4
        chain_of(book)
        book.take(CALL, data(), MS + 10, NOW)
        assert book.conflated == 4

    def test_trades_stand_for_a_volume_that_is_not_told_once_each_and_for_a_day(self) -> None:
        book = Book(BTC)
        book.relist_symbols(NAMES, NOW)
        for name in NAMES:
            book.take(name, data(volume24h=None), MS, NOW)
        trade = Trade(MS, CALL, 0.25, "one")
        for _ in range(3):
            book.take_trades([trade], NOW)
        book.take_trades([Trade(MS + 1, CALL, 0.5, "two"), Trade(MS, "BTC-1JAN30-1-C-USDT", 9.0, "three")], NOW)
        book.take_trades(
            [Trade(None, CALL, 9.0, "four"), Trade(MS, CALL, -9.0, "five"), Trade(MS, None, 1.0, "s")], NOW
        )
        chain = chain_of(book)
        assert chain.volume[0] == 0.75
        assert np.isnan(chain.volume[1:]).all()
        assert chain.notes == ("Where Bybit tells no volume it is of the trades since 12:00 UTC.",)
        # A row keeps its trades when others come and go, and a day later they are forgotten.
        book.relist_symbols([*NAMES[:2], "BTC-27NOV26-95000-C-USDT"], NOW)
        assert chain_of(book).volume[0] == 0.75
        book.take_trades([Trade(MS + 86_400_000, CALL, 0.1, "six")], NOW + 86_400)
        assert chain_of(book, NOW + 86_400).volume[0] == 0.1
        # What the ticker tells counts alone.
        book.take(CALL, data(volume24h=3.0), MS + 86_400_100, NOW + 86_400)
        chain = chain_of(book, NOW + 86_400)
        assert (chain.volume[0], chain.notes) == (3.0, ())

    def test_a_change_leaves_the_rest_as_it_was(self) -> None:
        book = filled()
        changed = Data(mark_price_iv=0.7)
        assert book.take(CALL, changed, MS + 100, NOW + 0.1, whole=False)
        chain = chain_of(book, NOW + 0.1)
        assert (chain.iv[0], chain.open_interest[0], chain.spot) == (0.7, 10.0, 95_000.0)
        assert dict(+book.rejected) == {}


_topics = st.lists(st.text(alphabet="ABC-", min_size=1, max_size=60), max_size=60, unique=True)


class TestPlaces:
    @settings(max_examples=60)
    @given(st.lists(_topics, max_size=6))
    def test_topics_stay_and_lines_keep_their_limits(self, steps: list[list[str]]) -> None:
        lines: list[list[str]] = []
        for wanted in steps:
            before = {topic: number for number, topics in enumerate(lines) for topic in topics}
            lines = placed(lines, wanted)
            where = {topic: number for number, topics in enumerate(lines) for topic in topics}
            assert sorted(where) == sorted(wanted)
            assert sum(map(len, lines)) == len(wanted)
            assert all(where[topic] == number for topic, number in before.items() if topic in where)

    def test_lines_are_as_few_as_the_limits_allow(self) -> None:
        topics = [f"tickers.BTC-27NOV26-{strike}-C-USDT" for strike in range(10_000, 12_200)]
        lines = placed([], topics)
        assert [len(line) for line in lines] == [TOPICS_A_CONNECTION] * 4 + [200]
        assert max(sum(map(len, line)) for line in lines) <= CHARACTERS_A_CONNECTION
        assert [topic for line in lines for topic in line] == topics
        freed = placed(lines, topics[250:])
        assert [len(line) for line in freed] == [250, 500, 500, 500, 200]
        assert len(placed(freed, [*topics[250:], *(f"tickers.NEW-{n}" for n in range(250))])[0]) == 500
        long = placed([], [f"{'x' * 100}{n}" for n in range(500)])
        assert max(sum(map(len, line)) for line in long) <= CHARACTERS_A_CONNECTION
        assert len(long) == 3


def test_a_coin_that_is_no_coin_of_ours() -> None:
    book = Book(Ticker("DOGE", "Dogecoin", Kind.COIN, "bybit"))
    book.relist_symbols(["DOGE-27NOV26-0.0704-C-USDT", *NAMES], NOW)
    assert book.symbols() == ["DOGE-27NOV26-0.0704-C-USDT"]
    assert book.take("DOGE-27NOV26-0.0704-C-USDT", data(index_price=0.08, underlying_price=0.081), MS, NOW)
    chain = chain_of(book)
    assert (chain.strike[0], chain.spot, chain.forwards[0]) == (0.0704, 0.08, 0.081)
