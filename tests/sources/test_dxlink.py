"""dxLink's frames and the protocol on one connection, without a socket; captured frames where they are there."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from gextui.secrets import Secret
from gextui.sources.dxlink import (
    CHARACTERS_A_FRAME,
    ITEMS_A_FRAME,
    Events,
    Fields,
    UntoldFieldsError,
    auth,
    close_channel,
    decode_frame,
    open_channel,
    setup,
    subscriptions,
)
from gextui.sources.dxlink_session import TOKEN_REFUSED, DxLinkSession
from gextui.sources.session import Reading, RejectedError
from tests.support.clock import FakeClock

FIELDS = {"Quote": ("eventSymbol", "bidPrice", "askPrice"), "Trade": ("eventSymbol", "price")}


def raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(value).encode())


def frame(kind: str, channel: int = 1, **rest: object) -> bytes:
    return json.dumps({"type": kind, "channel": channel, **rest}).encode()


def told(fields: dict[str, list[str]], *wanted: str) -> Fields:
    found = Fields(wanted or fields)
    found.learn(raw(fields))
    return found


class TestFrames:
    def test_captured_frames_are_what_we_send(self, shared: Path) -> None:
        path = shared / "wire" / "samples" / "dxlink" / "frames_real_and_documented.jsonl"
        if not path.exists():
            pytest.skip("the captured frames (../shared/wire/samples/dxlink) are not here")
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        sent = [line["frame"] for line in lines if line["dir"] == "client"]
        ours = [json.loads(each) for each in (setup(), auth("<redacted>"), open_channel(1), close_channel(1))]
        assert all(each in sent for each in ours)
        come = [line["frame"] for line in lines if line["dir"] != "client"]
        assert {decode_frame(json.dumps(each).encode()).type for each in come} >= {"SETUP", "FEED_DATA", "ERROR"}

    def test_captured_data_hold_what_they_say(self, shared: Path) -> None:
        path = shared / "wire" / "samples" / "dxlink" / "frames_real_and_documented.jsonl"
        if not path.exists():
            pytest.skip("the captured frames (../shared/wire/samples/dxlink) are not here")
        fields = told(
            {
                "Trade": ["eventSymbol", "price", "size", "time"],
                "Quote": ["eventSymbol", "bidPrice", "askPrice", "bidSize", "askSize"],
                "Summary": ["eventSymbol", "openInterest"],
            },
            "Trade",
            "Quote",
            "Summary",
            "Greeks",
        )
        found: dict[str, dict[str, dict[str, float]]] = {}
        for line in path.read_text().splitlines():
            message = json.loads(line)["frame"]
            # The documentation's example has other fields than those captured.
            if message["type"] == "FEED_DATA" and "asyncapi" not in json.loads(line)["_src"]:
                for events in fields.read(raw(message["data"])):
                    for place, symbol in enumerate(events.symbols):
                        numbers = {name: events.numbers(name) for name in events.columns if name != "eventType"}
                        found.setdefault(events.type, {})[str(symbol)] = {
                            name: column[place] for name, column in numbers.items() if column is not None
                        }
        assert found["Trade"]["SPX"]["price"] == 5931.91
        assert np.isnan(found["Trade"]["SPX"]["size"])
        assert np.isnan(found["Trade"]["./ESU25P900:XCME"]["price"])
        assert found["Summary"][".AAPL250620C200"]["openInterest"] == 34905
        assert found["Summary"]["SPY"]["openInterest"] == 0
        assert (found["Quote"]["PLTR"]["bidPrice"], found["Quote"]["PLTR"]["askPrice"]) == (124.05, 124.07)
        # Two objects of the FULL format.
        assert found["Quote"][".SPXW240417C1400"]["askPrice"] == 3639.7
        assert found["Greeks"][".SPLG230616C23"]["volatility"] == 0.396983376650804

    @pytest.mark.parametrize("length", [8, 60])
    def test_p13_subscriptions_are_cut_into_frames_that_the_venue_takes(self, length: int) -> None:
        symbols = [f".{'X' * (length - 6)}{number:05}" for number in range(1000)]
        add = [("Greeks", symbol) for symbol in symbols]
        remove = [("Quote", symbol) for symbol in symbols[:300]]
        frames = subscriptions(3, add, remove, reset=True)
        assert max(map(len, frames)) <= CHARACTERS_A_FRAME + 100
        messages = [json.loads(each) for each in frames]
        assert all(len(each.get("add", [])) + len(each.get("remove", [])) <= ITEMS_A_FRAME for each in messages)
        assert [each.get("reset", False) for each in messages] == [True] + [False] * (len(messages) - 1)
        assert {each["channel"] for each in messages} == {3}
        for what, items in (("add", add), ("remove", remove)):
            sent = [(item["type"], item["symbol"]) for each in messages for item in each.get(what, [])]
            assert sent == items
        assert subscriptions(3, [], []) == []

    def test_what_is_no_message_is_rejected(self) -> None:
        deep = b'{"type":"FEED_DATA","data":' + b"[" * 9999
        for bad, reason in ((b"{", "json"), (b"", "json"), (b"[]", "schema"), (b"null", "schema"), (deep, "json")):
            with pytest.raises(RejectedError, match=reason):
                decode_frame(bad)


class TestFields:
    def test_p11_values_are_read_in_the_order_that_the_venue_names(self) -> None:
        fields = told({"Quote": ["askPrice", "eventSymbol", "bidPrice"]})
        [events] = fields.read(raw(["Quote", [2.0, "A", 1.0, 4, "B", "NaN"]]))
        assert list(events.symbols) == ["A", "B"]
        assert events.numbers("askPrice").tolist() == [2.0, 4.0]  # type: ignore[union-attr]
        assert np.array_equal(events.numbers("bidPrice"), [1.0, np.nan], equal_nan=True)  # type: ignore[arg-type]

    def test_p11_a_later_configuration_of_one_type_leaves_the_others(self) -> None:
        fields = told({"Quote": ["eventSymbol", "bidPrice"], "Trade": ["eventSymbol", "price"]})
        fields.learn(raw({"Quote": ["bidPrice", "eventSymbol"]}))
        quote, trade = fields.read(raw(["Quote", [1.0, "A"], "Trade", ["A", 2.0]]))
        assert (quote.symbols, trade.symbols) == (["A"], ["A"])
        assert quote.numbers("askPrice") is None

    def test_missing_is_missing_however_it_is_written(self) -> None:
        values = ["NaN", "Infinity", "-Infinity", None, 0, "1.5", "rubbish", True]
        found = Events("Trade", [], {"price": values}).numbers("price")
        assert found is not None
        assert np.isnan(found[:4]).all()
        assert found[4:6].tolist() == [0.0, 1.5]
        assert np.isinf(found[6:]).all()

    def test_the_old_layout_brings_its_own_fields(self) -> None:
        fields = Fields(["Quote"])
        [events] = fields.read(raw([["Quote", ["eventSymbol", "askPrice"]], ["A", 2.0]]))
        assert events.numbers("askPrice").tolist() == [2.0]  # type: ignore[union-attr]

    @pytest.mark.parametrize(
        "data",
        [
            ["Quote", ["A", 1.0, "B"]],
            ["Quote"],
            ["Quote", "A"],
            [7, ["A", 1.0]],
            {"Quote": []},
            "Quote",
            [{"eventSymbol": "A"}],
        ],
    )
    def test_what_is_no_whole_event_is_rejected(self, data: object) -> None:
        with pytest.raises(RejectedError, match="schema"):
            list(told({"Quote": ["eventSymbol", "bidPrice"]}).read(raw(data)))

    def test_nothing_is_guessed_before_the_fields_are_told(self) -> None:
        with pytest.raises(UntoldFieldsError):
            list(Fields(["Quote"]).read(raw(["Quote", ["A", 1.0, 2.0]])))
        [events] = Fields(["Quote"]).read(raw(["Candle", ["A", 1.0, 2.0]]))
        assert (events.type, list(events.symbols)) == ("Candle", [])


class Heard:
    """Remembers what a session told it."""

    def __init__(self) -> None:
        self.rejected: Counter[str] = Counter()
        self.accepted: list[bool] = []
        self.channels: list[tuple[str, int | None]] = []
        self.events: list[tuple[str, str, list[object]]] = []

    def authorized(self, accepted: bool) -> None:
        self.accepted.append(accepted)

    def opened(self, name: str, channel: int) -> None:
        self.channels.append((name, channel))

    def closed(self, name: str) -> None:
        self.channels.append((name, None))

    def hear(self, name: str, events: Events) -> bool:
        self.events.append((name, events.type, list(events.symbols)))
        return True


def begun(*names: str) -> tuple[DxLinkSession, Heard]:
    """A session whose channels are open: 1, 3 ... in the names' order."""
    heard = Heard()
    session = DxLinkSession(Secret("quote-token-canary"), FIELDS, 1.0, heard, clock=FakeClock())
    session.subscribe(names)
    for number, name in enumerate(names):
        reading = session.read(frame("CHANNEL_OPENED", 2 * number + 1, service="FEED"))
        assert isinstance(reading, Reading)
        assert reading.accepted == (name,)
    return session, heard


def said(reading: object) -> list[dict[str, Any]]:
    assert isinstance(reading, Reading)
    return [json.loads(each) for each in reading.replies]


CONFIG = frame("FEED_CONFIG", eventFields={kind: list(names) for kind, names in FIELDS.items()})
QUOTES = frame("FEED_DATA", data=["Quote", ["A", 1.0, 2.0, "B", 3.0, 4.0]])


class TestSession:
    def test_the_handshake(self) -> None:
        heard = Heard()
        session = DxLinkSession(Secret("quote-token-canary"), FIELDS, 1.0, heard, clock=FakeClock())
        greeting = [json.loads(each) for each in session.greet()]
        assert [each["type"] for each in greeting] == ["SETUP", "AUTH"]
        assert greeting[1]["token"] == "quote-token-canary"
        assert not session.ready
        assert session.read(frame("SETUP", 0, version="0.1", keepaliveTimeout=60)) is None
        # The venue greets with this; it is no failure.
        assert session.read(frame("AUTH_STATE", 0, state="UNAUTHORIZED")) is None
        assert session.read(frame("AUTH_STATE", 0, state="AUTHORIZED", userId="x")) == Reading(ready=True)
        assert heard.accepted == [True]

    def test_p9_a_second_refusal_asks_for_another_token(self) -> None:
        for first in ("UNAUTHORIZED", "AUTHORIZED"):
            heard = Heard()
            session = DxLinkSession(Secret("quote-token-canary"), FIELDS, 1.0, heard, clock=FakeClock())
            session.read(frame("AUTH_STATE", 0, state=first))
            assert session.read(frame("AUTH_STATE", 0, state="UNAUTHORIZED")) == Reading(leave=TOKEN_REFUSED)
            assert heard.accepted[-1] is False

    def test_channels_are_odd_and_numbered_anew(self) -> None:
        session, heard = begun("SPX", "SPY")
        [cancel, request] = [json.loads(each) for each in session.subscribe(["SPX"])]
        assert (cancel["type"], cancel["channel"]) == ("CHANNEL_CANCEL", 1)
        assert (request["type"], request["channel"]) == ("CHANNEL_REQUEST", 5)
        assert heard.channels == [("SPX", 1), ("SPY", 3), ("SPX", None)]
        # What was under way on the old channel is nobody's.
        assert session.read(CONFIG) is None
        assert session.read(QUOTES) is None
        assert session.read(frame("CHANNEL_CLOSED", 1)) is None
        assert heard.events == []

    def test_an_opened_channel_is_set_up(self) -> None:
        session, _ = begun()
        session.subscribe(["SPX"])
        [feed] = said(session.read(frame("CHANNEL_OPENED", 1)))
        assert feed["type"] == "FEED_SETUP"
        assert (feed["acceptAggregationPeriod"], feed["acceptDataFormat"]) == (1.0, "COMPACT")
        assert feed["acceptEventFields"] == {kind: list(names) for kind, names in FIELDS.items()}

    def test_data_are_told_of_by_subject(self) -> None:
        session, heard = begun("SPX")
        session.read(CONFIG)
        assert session.read(QUOTES) == "SPX"
        assert heard.events == [("SPX", "Quote", ["A", "B"])]

    def test_p11_data_that_come_before_their_fields_wait_for_them(self) -> None:
        session, heard = begun("SPX")
        assert session.read(QUOTES) is None
        assert heard.events == []
        assert session.read(CONFIG) == Reading(data=("SPX",))
        assert heard.events == [("SPX", "Quote", ["A", "B"])]

    def test_p11_a_wrong_multiple_is_counted_and_the_feed_set_up_once_more(self) -> None:
        session, heard = begun("SPX")
        session.read(CONFIG)
        broken = frame("FEED_DATA", data=["Quote", ["A", 1.0, 2.0, "B"]])
        assert [each["type"] for each in said(session.read(broken))] == ["FEED_SETUP"]
        assert session.read(broken) is None  # it was asked for already
        assert heard.rejected["schema"] == 2
        session.read(frame("FEED_CONFIG", eventFields={"Quote": ["bidPrice", "eventSymbol"]}))
        assert session.read(frame("FEED_DATA", data=["Quote", [1.0, "A"]])) == "SPX"
        assert [each["type"] for each in said(session.read(broken[:-3] + b",7]]}"))] == ["FEED_SETUP"]

    def test_a_channel_that_never_makes_sense_is_opened_anew(self) -> None:
        session, _ = begun("SPX", "SPY")
        session.read(CONFIG)
        readings = [session.read(frame("FEED_DATA", data=["Quote", ["A"]])) for _ in range(21)]
        last = readings[-1]
        assert isinstance(last, Reading)
        assert list(last.refused) == ["SPX"]

    def test_p11_what_is_unknown_is_counted_and_ignored(self) -> None:
        session, heard = begun("SPX")
        session.read(CONFIG)
        assert session.read(frame("SOMETHING", 1)) is None
        assert session.read(frame("AUTH_STATE", 0, state="PERHAPS")) is None
        assert session.read(frame("FEED_DATA", data=["Candle", ["A", 1.0], "Quote", ["A", 1.0, 2.0]])) == "SPX"
        assert heard.rejected == {"unknown message": 2, "unknown type": 1}

    @pytest.mark.parametrize("kind", ["ERROR", "CHANNEL_CLOSED"])
    def test_p12_what_breaks_one_channel_reopens_that_one(self, kind: str) -> None:
        session, heard = begun("SPX", "SPY")
        session.read(CONFIG)
        session.read(QUOTES)
        reading = session.read(frame(kind, 1, error="BAD_ACTION", message="no\x1b[2J"))
        assert isinstance(reading, Reading)
        assert reading.again == ("SPX",)
        cancelled = [each["type"] for each in said(reading)]
        assert cancelled == ([] if kind == "CHANNEL_CLOSED" else ["CHANNEL_CANCEL"])
        assert (reading.leave, reading.disabled) == (None, None)
        assert heard.channels[-1] == ("SPX", None)
        # One that has never worked is not asked for at once.
        reading = session.read(frame(kind, 3, error="BAD_ACTION", message="no\x1b[2J"))
        assert isinstance(reading, Reading)
        assert list(reading.refused) == ["SPY"]
        assert "\x1b" not in reading.refused["SPY"]

    def test_errors_of_the_connection(self) -> None:
        session, heard = begun("SPX")
        assert session.read(frame("ERROR", 0, error="INVALID_MESSAGE", message="not JSON")) is None
        leaving = session.read(frame("ERROR", 0, error="TIMEOUT", message="60 seconds ago"))
        assert leaving == Reading(leave="dxLink says TIMEOUT: 60 seconds ago")
        assert session.read(frame("ERROR", 0, error="UNAUTHORIZED")) == Reading(leave=TOKEN_REFUSED)
        assert heard.rejected == {"error INVALID_MESSAGE": 1, "error TIMEOUT": 1, "error UNAUTHORIZED": 1}
