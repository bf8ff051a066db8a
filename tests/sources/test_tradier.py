"""Tradier's answers: as captured, as documented, and in every shape that its collections take."""

import json
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gextui.market.chain import Halt, OptionChain
from gextui.market.ticker import Ticker, ticker_for
from gextui.sources.source import BadInputError
from gextui.sources.tradier import (
    Option,
    Quote,
    TradingDay,
    decode_calendar,
    decode_chain,
    decode_clock,
    decode_expirations,
    decode_quotes,
    local_time,
    read_day,
)
from gextui.sources.tradier_book import Book
from tests.sources import bodies
from tests.sources.bodies import text
from tests.support.clock import FakeClock


@pytest.fixture
def samples(shared: Path) -> Path:
    folder = shared / "wire" / "samples" / "tradier"
    if not folder.is_dir():
        pytest.skip("the captured answers (../shared/wire/samples/tradier) are not here")
    return folder


def chain_of(ticker: Ticker, days: dict[date, list[Option]], quote: Quote, now: datetime) -> OptionChain | None:
    book = Book(ticker, FakeClock(now.timestamp()), 600.0)
    book.relist(list(days), now.timestamp())
    book.begin(now.timestamp())
    book.price(quote, now.timestamp())
    for day, options in days.items():
        book.take(day, options, now.timestamp())
    return book.chain_of()(0.04, now.timestamp())


class TestCaptured:
    def test_expirations(self, samples: Path) -> None:
        days = decode_expirations((samples / "expirations_PLTR_2024-06-28.json").read_bytes())
        assert (len(days), days[0], days[-1]) == (19, date(2024, 6, 28), date(2026, 12, 18))

    def test_a_quote_that_is_no_list(self, samples: Path) -> None:
        quotes = decode_quotes((samples / "quotes_PLTR_single_object_2024-06-28.json").read_bytes())
        assert list(quotes) == ["PLTR"]
        assert (quotes["PLTR"].price, quotes["PLTR"].prevclose) == (25.5, 25.22)

    def test_a_chain_makes_a_chain_with_its_quote(self, samples: Path) -> None:
        options = decode_chain((samples / "chains_PLTR_2026-06-18_excerpt_2024-06-28.json").read_bytes())
        quote = decode_quotes((samples / "quotes_PLTR_single_object_2024-06-28.json").read_bytes())["PLTR"]
        now = datetime(2024, 6, 28, 16, 6, 2, tzinfo=UTC)
        chain = chain_of(ticker_for("PLTR"), {date(2026, 6, 18): options}, quote, now)
        assert chain is not None
        assert (chain.source, chain.spot, chain.previous_close, chain.rate) == ("tradier", 25.5, 25.22, 0.04)
        assert len(chain) == chain.total == len(options)
        # The quote's trade is the newest of all times.
        assert chain.as_of == datetime.fromtimestamp(1719589861.696, UTC)
        put = int(np.flatnonzero((chain.strike == 13.0) & ~chain.is_call)[0])
        assert (chain.iv[put], chain.open_interest[put], chain.ask[put]) == (0.590685, 10.0, 1.41)
        assert np.isnan(chain.bid[put])
        # 2026-06-18 is a Thursday, because the third Friday is a holiday: settled at its close.
        assert chain.expiries.tolist() == [datetime(2026, 6, 18, 20, tzinfo=UTC).timestamp()]

    def test_an_evening_chain_of_the_index(self, samples: Path) -> None:
        options = decode_chain((samples / "chains_SPX_2026-02-09_excerpt_2026-02-06.json").read_bytes())
        now = datetime(2026, 2, 7, 1, 0, tzinfo=UTC)
        spx = ticker_for("SPX")
        chain = chain_of(spx, {date(2026, 2, 9): options}, Quote(symbol="SPX", last=6932.3), now)
        assert chain is not None
        assert (len(chain), chain.roots) == (13, ("SPXW",))
        assert chain.as_of == datetime(2026, 2, 6, 21, 59, 59, tzinfo=UTC)
        # The mid price of 2800 is explained by no volatility: the smoothed one stands for it.
        assert chain.iv[0] == pytest.approx(0.16893713718435555)

    def test_clock_and_calendar(self, samples: Path) -> None:
        documented = json.loads((samples / "documented_small_payloads.json").read_bytes())
        clock = decode_clock(text(documented["clock"]))
        assert (clock.date, clock.state, clock.next_change) == ("2019-05-06", "open", "16:00")
        hours = (time(9, 30), time(16))
        assert decode_calendar(text(documented["calendar"])) == [TradingDay(date(2019, 4, 1), hours)]
        empty = documented["shape-from-clients"]
        assert decode_expirations(text(empty["expirations_empty"])) == []
        assert decode_chain(text(empty["chain_empty"])) == []
        [nothing] = decode_chain(text(empty["chain_one_contract"]))
        assert nothing == Option()
        with pytest.raises(BadInputError, match="holds no chain"):
            decode_chain(text(empty["errors"]))


@pytest.mark.parametrize(("minutes", "halted"), [(9, False), (11, True)])
def test_d15_a_share_without_a_trade_in_ten_minutes_seems_halted(minutes: int, halted: bool) -> None:
    now = datetime(2026, 11, 19, 16, 32, tzinfo=UTC)
    at = now - timedelta(minutes=minutes)
    quote = Quote(symbol="SPY", last=670.0, trade_date=at.timestamp() * 1000.0, bid_date=now.timestamp() * 1000.0)
    for traded_before, seen in ((True, halted), (False, False)):
        option = Option(
            symbol="SPY261120C00670000",
            trade_date=(at if traded_before else now).timestamp() * 1000.0,
            ask_date=now.timestamp() * 1000.0,
        )
        chain = chain_of(ticker_for("SPY"), {date(2026, 11, 20): [option]}, quote, now)
        assert chain is not None
        assert chain.halt == (Halt(at, stated=False) if seen else None), "what its options do says so too"


NOTHING: list[Any] = [None, "null", [], {}]


class TestShapes:
    """P20: a collection of one is its member, one of none is null, or the text "null"."""

    @pytest.mark.parametrize("nothing", NOTHING, ids=str)
    def test_nothing(self, nothing: Any) -> None:
        for outer in (nothing if nothing != [] else None,):
            assert decode_chain(text({"options": outer})) == []
            assert decode_expirations(text({"expirations": outer})) == []
            assert decode_quotes(text({"quotes": outer})) == {}
            assert decode_calendar(text({"calendar": outer})) == []
        inner = nothing if nothing != {} else None
        assert decode_chain(text({"options": {"option": inner}})) == []
        assert decode_expirations(text({"expirations": {"date": inner}})) == []
        assert decode_quotes(text({"quotes": {"quote": inner}})) == {}
        assert decode_calendar(text({"calendar": {"days": {"day": inner}}})) == []

    def test_one(self) -> None:
        row = bodies.tradier_option("SPXW261120C06700000")
        assert decode_chain(text(bodies.tradier(row))) == decode_chain(text(bodies.tradier([row])))
        assert decode_expirations(text({"expirations": {"date": "2026-11-20"}})) == [date(2026, 11, 20)]
        day = {"date": "2026-11-20", "status": "closed"}
        assert decode_calendar(text({"calendar": {"days": {"day": day}}})) == [TradingDay(date(2026, 11, 20), None)]

    def test_expirations_with_their_strikes(self) -> None:
        listed = [{"date": "2026-11-27", "contract_size": 100}, {"date": "2026-11-20"}, {"date": 5}, "x"]
        for each in (listed, listed[1]):
            days = decode_expirations(text({"expirations": {"expiration": each}}))
            assert days[0] == date(2026, 11, 20)

    def test_unmatched_symbols_have_no_quote(self) -> None:
        unmatched = {"unmatched_symbols": {"symbol": "NOPE"}}
        assert decode_quotes(text({"quotes": unmatched})) == {}
        quote = {"quote": {"symbol": "SPY", "last": 600.0}}
        assert list(decode_quotes(text({"quotes": unmatched | quote}))) == ["SPY"]

    def test_what_is_no_contract_among_contracts_is_counted(self) -> None:
        row = bodies.tradier_option("SPXW261120C06700000")
        options = decode_chain(text(bodies.tradier([row, None, "x", 5, row | {"greeks": "null"}])))
        assert [option.symbol is None for option in options] == [False, True, True, True, False]
        now = datetime(2026, 11, 19, 16, tzinfo=UTC)
        chain = chain_of(ticker_for("SPX"), {date(2026, 11, 20): options}, Quote(last=6700.0), now)
        assert chain is not None
        assert (len(chain), chain.total) == (1, 5)
        assert dict(chain.dropped) == {"bad_symbol": 3, "duplicate": 1}

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b"5", b"null", b"{}", b'{"options":5', b"\xff", b"[" * 10**5])
    def test_no_answer_at_all(self, body: bytes) -> None:
        for decoded in (decode_chain, decode_expirations, decode_quotes, decode_clock, decode_calendar):
            with pytest.raises(BadInputError):
                decoded(body)

    def test_days_and_times_that_are_none(self) -> None:
        assert [read_day(each) for each in ("2026-02-30", 5.0, None, "", "x")] == [None] * 5
        assert [local_time(each) for each in ("25:00", 16.0, None, "", "16:00+01:00")] == [None] * 5
        days = [
            {"date": "2026-11-27", "status": "open", "open": {"start": "09:30", "end": "13:00"}},
            {"date": "2026-11-28", "status": "open"},
            {"date": "2026-11-29", "status": "open", "open": {"start": "16:00", "end": "09:30"}},
            {"date": "soon", "status": "closed"},
            {"date": "2026-11-30", "status": "maybe", "open": {"start": "09:30", "end": "16:00"}},
        ]
        read = decode_calendar(text({"calendar": {"days": {"day": days}}}))
        assert read == [TradingDay(date(2026, 11, 27), (time(9, 30), time(13)))]


class TestPrice:
    def test_is_the_last_else_the_middle(self) -> None:
        assert Quote(last=5.0, bid=1.0, ask=2.0).price == 5.0
        assert Quote(bid=1.0, ask=2.0).price == 1.5
        for none in (Quote(), Quote(last=0.0), Quote(last="NaN"), Quote(bid=1.0), Quote(bid=2.0, ask=1.0)):
            assert none.price is None


class TestBook:
    NOW = datetime(2026, 11, 19, 15, tzinfo=UTC)
    QUOTE = Quote(symbol="SPX", last=6700.0, prevclose=6690.0)

    def test_without_a_contract_or_a_price_there_is_no_chain(self) -> None:
        spx, day = ticker_for("SPX"), date(2026, 11, 20)
        options = decode_chain(text(bodies.tradier(bodies.tradier_option("SPXW261120C06700000"))))
        assert chain_of(spx, {}, self.QUOTE, self.NOW) is None
        assert chain_of(spx, {day: options}, Quote(), self.NOW) is None
        assert chain_of(spx, {day: options}, self.QUOTE, self.NOW) is not None

    def test_quotes_of_the_future_are_of_now(self) -> None:
        late = int((self.NOW.timestamp() + 3600) * 1000)
        options = decode_chain(text(bodies.tradier(bodies.tradier_option("SPXW261120C06700000", ask_date=late))))
        chain = chain_of(ticker_for("SPX"), {date(2026, 11, 20): options}, self.QUOTE, self.NOW)
        assert chain is not None
        assert chain.as_of == self.NOW

    def test_without_any_time_it_is_of_now(self) -> None:
        row = bodies.tradier_option("SPXW261120C06700000", ask_date=0, bid_date=0)
        chain = chain_of(ticker_for("SPX"), {date(2026, 11, 20): decode_chain(text(bodies.tradier(row)))},
                         self.QUOTE, self.NOW)  # fmt: skip
        assert chain is not None
        assert chain.as_of == self.NOW

    def test_a_dot_is_a_slash_to_the_venue(self) -> None:
        assert Book(ticker_for("BRK.B"), FakeClock(), 600.0).symbol == "BRK/B"
