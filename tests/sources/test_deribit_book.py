"""Deribit's messages: recorded traffic, hostile traffic, and what a book makes of them."""

import contextlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gextui.market.ticker import KNOWN_TICKERS, Kind, Ticker
from gextui.sources.decoding import Items
from gextui.sources.deribit import DeribitSource
from gextui.sources.deribit_book import Book, market_of
from gextui.sources.deribit_messages import (
    Frame,
    IndexPrice,
    Instrument,
    Mark,
    Quote,
    Summary,
    Tick,
    VolatilityIndex,
    decode_book_summary,
    decode_frame,
)
from gextui.sources.deribit_session import CHANNELS_A_CALL, DeribitSession
from gextui.sources.session import Reading, RejectedError
from gextui.sources.symbols import parse_names
from tests.support.rig import BTC, NOON

XRP = KNOWN_TICKERS["XRP"]
NOW = NOON.timestamp()
MS = int(NOW * 1000)
NAMES = ("BTC-27NOV26-90000-C", "BTC-27NOV26-90000-P", "BTC-27NOV26-100000-C", "BTC-25DEC26-100000-C")


def summary(name: str, **changed: Any) -> Summary:
    plain = {
        "instrument_name": name,
        "mark_iv": 50.0,
        "open_interest": 10.0,
        "volume": 1.0,
        "bid_price": 0.01,
        "ask_price": 0.02,
        "underlying_price": 95_100.0,
        "estimated_delivery_price": 95_000.0,
        "creation_timestamp": MS,
    }
    return msgspec.convert(plain | changed, Summary)


def filled(ticker: Ticker = BTC, names: Sequence[str] = NAMES) -> Book:
    book = Book(ticker)
    book.relist(names, NOW)
    assert book.take_summary([summary(name) for name in names], NOW)
    return book


def iv_of(book: Book, name: str = NAMES[0], now: float = NOW) -> float:
    chain = book.chain(now, simulated=False)
    assert chain is not None
    contracts = parse_names([name])
    [row] = np.flatnonzero(
        (chain.strike == contracts.strike[0])
        & (chain.is_call == contracts.is_call[0])
        & (chain.expiries[chain.expiry] == contracts.expiry[0])
    )
    return float(chain.iv[row])


def mark(iv: Any, at: float = NOW, name: str = NAMES[0]) -> Mark:
    return Mark(name, iv, at * 1000)


def unheard(channel: str, tick: Tick) -> bool:
    """Have a closer look at every ticker."""
    return False


def spoken(*frames: bytes | dict[str, Any]) -> tuple[list[str | Reading | None], list[tuple[str, bytes]], list[Frame]]:
    """What a session makes of frames: its readings, the data it hands on, and the answers it tells of."""
    data: list[tuple[str, bytes]] = []
    answers: list[Frame] = []

    def take(channel: str, raw: msgspec.Raw) -> bool:
        data.append((channel, bytes(raw)))
        return True

    session = DeribitSession(unheard, take, answers.append)
    session.greet()
    session.subscribe(["a", "b"])
    readings = [session.read(frame if isinstance(frame, bytes) else json.dumps(frame).encode()) for frame in frames]
    return readings, data, answers


class TestSession:
    def test_greets_with_a_heartbeat_and_splits_subscriptions(self) -> None:
        session = DeribitSession(unheard, lambda channel, data: True, lambda frame: None)
        [greeting] = session.greet()
        assert json.loads(greeting) == {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "public/set_heartbeat",
            "params": {"interval": 30},
        }
        calls = [json.loads(call) for call in session.subscribe([str(number) for number in range(450)])]
        assert [len(call["params"]["channels"]) for call in calls] == [CHANNELS_A_CALL, CHANNELS_A_CALL, 50]
        assert [call["id"] for call in calls] == [2, 3, 4]
        [left] = [json.loads(call) for call in session.unsubscribe(["a"])]
        assert (left["method"], left["params"]) == ("public/unsubscribe", {"channels": ["a"]})

    def test_answers_a_test_request_at_once_and_no_other_heartbeat(self) -> None:
        beats = [{"jsonrpc": "2.0", "method": "heartbeat", "params": {"type": kind}} for kind in ("heartbeat", "other")]
        request = {"jsonrpc": "2.0", "method": "heartbeat", "params": {"type": "test_request"}}
        readings, _, _ = spoken(*beats, request)
        assert readings[:2] == [None, None]
        assert isinstance(readings[2], Reading)
        [reply] = readings[2].replies
        assert json.loads(reply)["method"] == "public/test"
        assert readings[2].data == ()

    def test_takes_acknowledgements_as_sets(self) -> None:
        [reading], _, [answer] = spoken({"jsonrpc": "2.0", "id": 2, "result": ["b", "never asked"], "usOut": 5})
        assert isinstance(reading, Reading)
        assert reading.accepted == ("b",)
        assert reading.refused == {"a": "the venue left it out"}
        assert answer.sent == 5

    @pytest.mark.parametrize(
        ("error", "words"),
        [
            ({"code": 10028, "message": "too_many_requests", "data": None}, "too_many_requests (10028)"),
            ({"code": 13009, "message": "unauthorized"}, "unauthorized (13009)"),
            ({"code": -32602, "message": "Invalid params", "data": {"reason": "x"}}, "Invalid params (-32602)"),
            ({"code": "what", "message": None}, "an error without words"),
            ({}, "an error without words"),
        ],
    )
    def test_says_why_a_subscription_was_refused(self, error: dict[str, Any], words: str) -> None:
        [reading], _, _ = spoken({"jsonrpc": "2.0", "id": 2, "error": error})
        assert reading == Reading(refused={"a": words, "b": words})

    def test_maintenance_is_trouble_until_it_is_over(self) -> None:
        def platform(**state: Any) -> dict[str, Any]:
            return {"method": "subscription", "params": {"channel": "platform_state", "data": state}}

        readings, _, _ = spoken(
            platform(maintenance=True),
            platform(maintenance=False),
            platform(price_index="btc_usd", locked=True),
            {"id": 2, "error": {"code": 11051, "message": "system_maintenance"}},
        )
        assert [reading.trouble for reading in readings if isinstance(reading, Reading)] == [
            "venue maintenance",
            "",
            None,
            "venue maintenance",
        ]

    def test_that_calls_work_again_ends_the_maintenance_they_were_refused_for(self) -> None:
        session = DeribitSession(unheard, lambda channel, data: True, lambda frame: None)
        session.subscribe(["a"])
        session.subscribe(["a"])
        refused = session.read(b'{"id":1,"error":{"code":11051}}')
        accepted = session.read(b'{"id":2,"result":["a"]}')
        assert isinstance(refused, Reading)
        assert isinstance(accepted, Reading)
        assert (refused.trouble, accepted.trouble) == ("venue maintenance", "")

    @pytest.mark.parametrize("frame", [b"", b"{", b"[" * 100_000, b'{"a":NaN}', b"{} x", b"\xff"])
    def test_what_is_not_json_is_rejected(self, frame: bytes) -> None:
        with pytest.raises(RejectedError, match=r"json|schema"):
            spoken(frame)

    @pytest.mark.parametrize(
        "frame",
        [
            b"null",
            b"[]",
            b"1",
            b'{"params":[]}',
            b'{"method":"subscription","params":{"channel":5,"data":1}}',
            b'{"id":2,"result":{"a":1}}',
        ],
    )
    def test_what_has_another_shape_is_rejected(self, frame: bytes) -> None:
        with pytest.raises(RejectedError, match="schema"):
            spoken(frame)


class TestRecorded:
    """Real captures; see INDEX_CRYPTO.md beside them."""

    @pytest.fixture
    def samples(self, shared: Path) -> Path:
        return shared / "wire" / "samples" / "deribit"

    def test_a_session_of_2021(self, samples: Path) -> None:
        lines = (samples / "cryptofeed_ws_session_2021-07-22.jsonl").read_bytes().splitlines()
        frames = [record["data"].encode() for record in map(json.loads, lines) if record["t"] == "recv"]
        readings, data, answers = spoken(*frames)
        assert len(data) == 135
        assert len(answers) == 1
        assert [reading for reading in readings if isinstance(reading, str)] == [channel for channel, _ in data]
        quotes = [json.loads(raw) for channel, raw in data if channel.startswith("ticker.BTC-")]
        book = Book(BTC)
        now = max(quote["timestamp"] for quote in quotes) / 1000
        book.relist({quote["instrument_name"] for quote in quotes}, now)
        for raw in (raw for channel, raw in data if channel.startswith("ticker.BTC-")):
            assert book.take_quote(msgspec.json.decode(raw, type=Quote), now)
        chain = book.chain(now, simulated=False)
        assert chain is None  # the index was not subscribed
        book.take_index(IndexPrice(32300.0, now * 1000), now)
        chain = book.chain(now, simulated=False)
        assert chain is not None
        newest = {quote["instrument_name"]: quote["open_interest"] for quote in quotes}
        assert chain.open_interest.sum() == pytest.approx(sum(newest.values()))
        assert +book.rejected == {}

    def test_the_option_stream_of_2026(self, samples: Path) -> None:
        lines = (samples / "fastmm_raw_option_stream_testnet_2026-09-13_22frames.jsonl").read_bytes().splitlines()
        _, data, _ = spoken(*lines)
        quotes = [msgspec.json.decode(raw, type=Quote) for channel, raw in data if channel.startswith("ticker.")]
        assert len(quotes) >= 10
        last = quotes[-1]
        assert isinstance(last.mark_iv, float)
        assert isinstance(last.stats, msgspec.Struct)

    def test_a_ticker_of_production(self, samples: Path) -> None:
        [frame] = (samples / "fastmm_ticker_option_prod_2026-09-30.json").read_bytes().splitlines()
        _, [(_, raw)], _ = spoken(frame)
        quote = msgspec.json.decode(raw, type=Quote)
        book = Book(BTC)
        now = 1790755217.219
        book.relist(["BTC-25DEC26-76000-C"], now)
        assert book.take_quote(quote, now)
        assert book.take_index(IndexPrice(83250.78, now * 1000), now)
        chain = book.chain(now, simulated=False)
        assert chain is not None
        assert chain.iv.tolist() == [0.3825]
        assert chain.open_interest.tolist() == [480.6]
        assert chain.forwards.tolist() == [84222.23]
        assert chain.bid.tolist() == pytest.approx([0.1255 * 84222.23])
        assert chain.volume.tolist() == [0.0]

    @pytest.mark.parametrize(
        ("file", "marks"),
        [
            ("docs_markprice_options_example.json", {"BTC-2JUN21-37000-P": 0.9, "BTC-1JUN21-37000-C": 0.9}),
            (
                "vike_markprice_options_btc_usd_2026-07-26_2rows.json",
                {"BTC-31JUL26-67000-C": 0.3706, "BTC-31JUL26-106000-P": 0.6527},
            ),
        ],
    )
    def test_mark_prices_are_fractions(self, samples: Path, file: str, marks: dict[str, float]) -> None:
        [reading], [(channel, raw)], _ = spoken((samples / file).read_bytes())
        assert reading == channel == "markprice.options.btc_usd"
        rows, unreadable = Items(Mark).decode(msgspec.Raw(raw))
        assert unreadable == 0
        read = {row.instrument_name: row.iv for row in rows}
        assert marks.items() <= read.items()

    def test_a_summary_makes_the_same_chain_live_and_from_a_file(self, samples: Path) -> None:
        data = (samples / "quantdash_book_summary_BTC_option_2026-09-08_52rows.json").read_bytes()
        [capture] = decode_book_summary(data)
        recorded = capture.chain("deribit")
        rows, _ = Items(Summary).decode(decode_frame(data).result)
        book = Book(BTC)
        assert book.relist([str(row.instrument_name) for row in rows], recorded.as_of_seconds)
        assert book.take_summary(rows, recorded.as_of_seconds)
        live = book.chain(recorded.as_of_seconds, simulated=False)
        assert live is not None
        assert len(live) == len(recorded) == 52
        assert (live.spot, live.as_of) == (recorded.spot, recorded.as_of)
        for column in ("expiries", "forwards", "strike", "is_call", "iv", "open_interest", "volume"):
            np.testing.assert_array_equal(getattr(live, column), getattr(recorded, column), err_msg=column)
        # Quotes in coins: a file's rows have their own forwards, a little apart; live there is one an expiry.
        np.testing.assert_allclose(live.bid, recorded.bid, rtol=1e-5)
        np.testing.assert_allclose(live.ask, recorded.ask, rtol=1e-5)

    def test_decimal_strikes_of_xrp(self, samples: Path) -> None:
        data = (samples / "openbb_instruments_XRP_USDC_option_16rows_result.json").read_bytes()
        rows, _ = Items(Instrument).decode(msgspec.Raw(data))
        names = [str(row.instrument_name) for row in rows]
        book = Book(XRP)
        assert book.relist(names, 1789804817.0)
        assert len(book) == 16
        assert 1.325 in parse_names(names).strike

    def test_errors_and_partial_answers(self, samples: Path) -> None:
        for file in (
            "cryptofeed_issue768_raw_unauthorized_error.json",
            "ccxt_issue6931_invalid_params_channels.json",
            "fastmm_heartbeat_interval_too_small.json",
            "fastmm_rpc_invalid_params.json",
            "nautilus_ws_error.json",
        ):
            frame = decode_frame((samples / file).read_bytes())
            assert frame.error is not None
            assert isinstance(frame.error.code, float)
            spoken((samples / file).read_bytes())
        session = DeribitSession(unheard, lambda channel, data: True, lambda frame: None)
        for _ in range(4):
            session.greet()
        session.subscribe(["book.BTC-PERPETUAL.none.10.100ms", "made.up"])
        reading = session.read((samples / "fastmm_subscribe_partial.json").read_bytes())
        assert isinstance(reading, Reading)
        assert reading.accepted == ("book.BTC-PERPETUAL.none.10.100ms",)
        assert list(reading.refused) == ["made.up"]

    def test_dvol(self, samples: Path) -> None:
        _, [(channel, raw)], _ = spoken((samples / "nautilus_ws_volatility_index.json").read_bytes())
        assert channel == "deribit_volatility_index.btc_usd"
        book = filled()
        update = msgspec.json.decode(raw, type=VolatilityIndex)
        assert book.take_volatility_index(update, 1619777946.1)
        assert book.volatility_index == 129.36


class TestBook:
    def test_holds_only_its_own_living_contracts(self) -> None:
        book = Book(XRP)
        names = ["XRP_USDC-27NOV26-1d25-C", "SOL_USDC-27NOV26-100-C", "XRP_USDC-20NOV26-1d25-C", "XRP_USDC-nonsense"]
        assert book.relist(names, NOW)
        assert len(book) == 1
        assert book.rejected["unknown"] == 1
        assert not book.relist(names, NOW)

    @pytest.mark.parametrize(
        ("symbol", "currency", "root", "index"),
        [("BTC", "BTC", "BTC", "btc_usd"), ("ETH", "ETH", "ETH", "eth_usd"), ("SOL", "USDC", "SOL_USDC", "sol_usdc")],
    )
    def test_knows_where_a_coin_is(self, symbol: str, currency: str, root: str, index: str) -> None:
        market = market_of(symbol)
        assert (market.currency, market.root, market.index) == (currency, root, index)

    def test_the_newest_event_wins_in_whatever_order(self) -> None:
        book = filled()
        assert book.take_marks([mark(0.6, NOW + 2), mark(0.7, NOW + 1)], NOW + 2)
        assert iv_of(book, now=NOW + 2) == 0.6
        assert book.take_marks([mark(0.8, NOW + 1.5)], NOW + 2)
        assert iv_of(book, now=NOW + 2) == 0.6
        assert book.take_marks([mark(0.9, NOW + 3), mark(0.65, NOW + 4)], NOW + 4)
        assert iv_of(book, now=NOW + 4) == 0.65

    def test_an_older_summary_takes_nothing_back(self) -> None:
        book = filled()
        book.take_marks([mark(0.6, NOW + 5)], NOW + 5)
        assert book.take_summary([summary(name, open_interest=11.0) for name in NAMES], NOW + 5)
        assert iv_of(book, now=NOW + 5) == 0.6
        assert not book.take_summary([summary(name, creation_timestamp=MS - 9000) for name in NAMES], NOW + 6)
        chain = book.chain(NOW + 6, simulated=False)
        assert chain is not None
        assert chain.open_interest.tolist() == [11.0] * 4

    def test_forwards_move_with_the_index(self) -> None:
        book = filled()
        book.take_index(IndexPrice(96_900.0, MS + 1000), NOW + 1)
        chain = book.chain(NOW + 1, simulated=False)
        assert chain is not None
        assert chain.forwards == pytest.approx([95_100.0 * 96_900.0 / 95_000.0] * 2)
        quote = Quote(NAMES[3], MS + 2000, "open", None, None, None, None, None, 97_500.0, 96_950.0)
        book.take_quote(quote, NOW + 2)
        chain = book.chain(NOW + 2, simulated=False)
        assert chain is not None
        assert chain.forwards[1] == pytest.approx(97_500.0 * 96_900.0 / 96_950.0)

    def test_the_strike_at_the_money_changes_only_when_another_is_clearly_nearer(self) -> None:
        names = [f"BTC-27NOV26-{strike}-C" for strike in (95_000, 95_500, 96_000)]
        book = Book(BTC)
        book.relist(names, NOW)

        def at(forward: float, seconds: int) -> list[str]:
            rows = [summary(name, underlying_price=forward, creation_timestamp=MS + 1000 * seconds) for name in names]
            book.take_summary(rows, NOW + seconds)
            return book.at_the_money()

        assert at(95_200.0, 0) == [names[0]]
        assert at(95_300.0, 1) == [names[0]]
        assert at(95_400.0, 2) == [names[1]]
        assert at(95_240.0, 3) == [names[1]]

    def test_a_closed_contracts_zeros_mean_nothing(self) -> None:
        book = filled()
        closed = Quote(NAMES[0], MS + 1000, "closed", None, 0.0, 0.0, 0.0, 0.0, 95_000.0, 95_000.0)
        assert book.take_quote(closed, NOW + 1)
        chain = book.chain(NOW + 1, simulated=False)
        assert chain is not None
        assert chain.open_interest.tolist() == [10.0] * 4
        assert (chain.iv > 0).all()

    def test_dvol_of_an_hour_ago_is_not_shown(self) -> None:
        book = filled()
        book.take_volatility_index(VolatilityIndex(50.0, MS), NOW)
        for later, expected in ((300.0, 50.0), (3600.0, None)):
            chain = book.chain(NOW + later, simulated=False)
            assert chain is not None
            assert chain.volatility_index == expected

    def test_yesterdays_price_slides_and_ends_with_the_candles(self) -> None:
        book = filled()
        begin = np.array([NOW - 86400.0 + 300.0 * candle for candle in range(-2, 14)])
        book.take_past(begin, np.arange(100.0, 116.0))
        for later, expected in ((0.0, 102.0), (299.0, 102.0), (300.0, 103.0), (7200.0 + 300.0, None), (-900.0, None)):
            book.take_index(IndexPrice(95_000.0, (NOW + later) * 1000), NOW + later)
            assert book._yesterday(NOW + later) == expected

    def test_no_chain_without_open_interest(self) -> None:
        book = Book(BTC)
        assert book.chain(NOW, simulated=False) is None
        book.relist(NAMES, NOW)
        book.take_index(IndexPrice(95_000.0, MS), NOW)
        book.take_marks([mark(0.6)], NOW)
        assert book.chain(NOW, simulated=False) is None
        assert not book.take_summary([summary(name, open_interest=0.0) for name in NAMES], NOW)
        assert book.without_interest
        assert book.chain(NOW, simulated=False) is None
        assert book.take_summary([summary(name) for name in NAMES], NOW)
        assert book.chain(NOW, simulated=False) is not None


SCALARS: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.floats(),
    st.integers(-(2**70), 2**70),
    st.sampled_from(["", "-", "N/A", "NaN", "Infinity", "-1", "0", "1e999", "1,234.5", "12", "expired", "9" * 400]),
    st.text(max_size=8),
)
TIMES: st.SearchStrategy[Any] = st.one_of(
    SCALARS, st.floats(NOW - 100, NOW + 100).flatmap(lambda at: st.sampled_from([at, at * 1e3, at * 1e6, at * 1e9]))
)


def believable_chain(book: Book, now: float) -> None:
    """Whatever came in, a chain holds numbers that a market could have, or none."""
    chain = book.chain(now, simulated=False)
    if chain is None:
        return
    assert 0 < chain.spot < 1e18
    assert (chain.expiries > now).all()
    for column in (chain.iv, chain.open_interest, chain.volume, chain.bid, chain.ask):
        known = column[~np.isnan(column)]
        assert np.isfinite(known).all()
        assert (known >= 0).all()
    assert (np.isnan(chain.forwards) | (chain.forwards > 0)).all()
    assert np.nansum(chain.open_interest) > 0
    assert chain.as_of_seconds <= now


class TestHostile:
    @given(
        rows=st.lists(
            st.fixed_dictionaries(
                {"name": st.one_of(st.sampled_from(NAMES), SCALARS), "iv": SCALARS, "at": TIMES, "price": SCALARS}
            ),
            max_size=8,
        )
    )
    @settings(max_examples=200, deadline=None)
    def test_no_number_gets_past_a_book(self, rows: list[dict[str, Any]]) -> None:
        book = filled()
        marks = [Mark(row["name"], row["iv"], row["at"]) for row in rows]
        book.take_marks(marks, NOW)
        for row in rows:
            book.take_index(IndexPrice(row["price"], row["at"]), NOW)
            book.take_volatility_index(VolatilityIndex(row["iv"], row["at"]), NOW)
            book.take_quote(
                Quote(row["name"], row["at"], "open", None, row["iv"], row["price"], *([row["price"]] * 4)), NOW
            )
        believable_chain(book, NOW)
        book.take_summary(
            [
                Summary(
                    instrument_name=row["name"],
                    mark_iv=row["iv"],
                    open_interest=row["price"],
                    volume=row["iv"],
                    bid_price=row["price"],
                    ask_price=row["iv"],
                    underlying_price=row["price"],
                    estimated_delivery_price=row["iv"],
                    creation_timestamp=row["at"],
                )
                for row in rows
            ],
            NOW,
        )
        believable_chain(book, NOW)
        assert all(count >= 0 for count in book.rejected.values())

    @given(data=st.data())
    @settings(max_examples=150, deadline=None)
    def test_no_frame_raises_but_is_counted(self, data: st.DataObject) -> None:
        source = DeribitSource([BTC], rest_url="http://127.0.0.1:1", ws_url="ws://127.0.0.1:1")
        book = source._books[BTC]
        book.relist(NAMES, source._time.now())
        session = source._new_session()
        plain = json.dumps(
            {
                "jsonrpc": "2.0",
                "method": "subscription",
                "params": {
                    "channel": data.draw(
                        st.sampled_from(
                            [
                                "markprice.options.btc_usd",
                                "deribit_price_index.btc_usd",
                                "deribit_volatility_index.btc_usd",
                                f"ticker.{NAMES[0]}.agg2",
                                "instrument.state.option.BTC",
                                "platform_state",
                                "unheard.of",
                            ]
                        )
                    ),
                    "data": data.draw(
                        st.recursive(
                            st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
                            lambda inner: st.one_of(
                                st.lists(inner, max_size=3),
                                st.dictionaries(
                                    st.sampled_from(["iv", "instrument_name", "timestamp", "price", "stats", "state"]),
                                    inner,
                                    max_size=3,
                                ),
                            ),
                            max_leaves=8,
                        )
                    ),
                },
            }
        ).encode()
        cut = data.draw(st.integers(0, len(plain)))
        noise = data.draw(st.binary(max_size=4))
        for frame in (plain, plain[:cut] + noise + plain[cut:], plain[:cut], noise):
            with contextlib.suppress(RejectedError):
                session.read(frame)
        believable_chain(book, source._time.now())

    def test_one_bad_record_costs_no_other(self) -> None:
        rows = b'[{"instrument_name":"%s","iv":0.6,"timestamp":%d},{"iv":[1]},7,{"iv":1e999}]' % (
            NAMES[0].encode(),
            MS + 1000,
        )
        marks, unreadable = Items(Mark).decode(msgspec.Raw(rows))
        assert (len(marks), unreadable) == (1, 3)

    def test_reasons_are_counted_apart(self) -> None:
        book = filled()
        book.take_marks([mark("N/A"), mark(-0.1), mark(True), mark("1,234.5"), mark(0.5, 0.0)], NOW)
        assert +book.rejected == {"iv: missing": 1, "iv: range": 1, "iv: type": 1, "time": 1}
        assert iv_of(book) == 0.5


def test_a_coin_of_another_kind_is_a_ticker_too() -> None:
    assert Book(Ticker("AVAX", "Avalanche", Kind.COIN, "deribit")).market.perpetual == "AVAX_USDC-PERPETUAL"
