"""One ticker's book on Tastytrade: events in, a chain out, and what is missing said."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pytest

from gextui.market.chain import Halt, OptionChain
from gextui.market.ticker import KNOWN_TICKERS, Ticker
from gextui.sources.dxlink import Events
from gextui.sources.tastytrade import Listed, contracts_of
from gextui.sources.tastytrade_book import Book, last_count
from gextui.sources.tastytrade_coverage import MOST_TRIES
from tests.support.tradier import new_york

SPX, SPY, IBIT = (KNOWN_TICKERS[symbol] for symbol in ("SPX", "SPY", "IBIT"))
NOW = new_york("2026-11-19", "10:00").timestamp()
CALL, PUT, NEXT_CALL = ".SPY261119C660", ".SPY261119P660", ".SPY261120C660"
NAMES = {
    CALL: "SPY   261119C00660000",
    PUT: "SPY   261119P00660000",
    NEXT_CALL: "SPY   261120C00660000",
}
FIELDS = {
    "Greeks": ("eventSymbol", "time", "volatility"),
    "Trade": ("eventSymbol", "time", "price", "dayVolume"),
    "Quote": ("eventSymbol", "bidPrice", "askPrice"),
    "Summary": ("eventSymbol", "openInterest", "prevDayClosePrice", "dayClosePrice"),
    "Profile": ("eventSymbol", "tradingStatus", "statusReason"),
}


def events(kind: str, *rows: Sequence[object], fields: Sequence[str] | None = None) -> Events:
    names = FIELDS[kind] if fields is None else fields
    columns = {name: [row[place] for row in rows] for place, name in enumerate(names)}
    return Events(kind, [str(row[0]) for row in rows], columns)


@dataclass
class Told:
    """A book, and the time at which it is told things."""

    book: Book
    now: float = NOW

    def tell(self, kind: str, *rows: Sequence[object], fields: Sequence[str] | None = None) -> bool:
        return self.book.hear(events(kind, *rows, fields=fields), self.now)

    def swept(self) -> None:
        """Every contract was asked about, as often as that is done."""
        coverage = self.book.coverage
        coverage.start_over()
        for seconds in range(1000, 1100, 10):
            coverage.step(float(seconds), room=10_000, most=10_000, counted_at=-np.inf, rotating=False)
        assert coverage.is_whole
        assert MOST_TRIES < 10

    def chain(self) -> OptionChain | None:
        make = self.book.chain_of(self.now, simulated=False)
        return None if make is None else make(0.04)

    def made(self) -> OptionChain:
        chain = self.chain()
        assert chain is not None
        return chain


def opened(ticker: Ticker = SPY, names: dict[str, str] | None = None, now: float = NOW) -> Told:
    names = NAMES if names is None else names
    told = Told(Book(ticker), now)
    listed = [Listed(name, streamer, "", 100.0) for streamer, name in names.items()]
    told.book.hold(list(names), *contracts_of(ticker, listed), now)
    return told


def full(now: float = NOW) -> Told:
    """Everything is told of SPY."""
    told, ms = opened(now=now), int(now * 1000)
    told.tell("Summary", (CALL, 1520, "NaN", "NaN"), (PUT, 800, "NaN", "NaN"), (NEXT_CALL, 40, "NaN", "NaN"))
    told.tell("Greeks", (CALL, ms - 2000, 0.21), (PUT, ms - 1000, 0.22), (NEXT_CALL, ms - 3000, 0.18))
    told.tell("Trade", (CALL, ms - 60_000, 1.2, 350.0), (PUT, ms - 86_400_000, 0.8, 77.0))
    told.tell("Quote", (CALL, 1.1, 1.2), (PUT, 0.0, 0.05), (NEXT_CALL, "NaN", 2.0))
    told.tell("Trade", ("SPY", ms - 500, 660.2, 1e6))
    told.tell("Quote", ("SPY", 660.0, 660.5))
    told.tell("Summary", ("SPY", 0, 655.0, "NaN"))
    told.swept()
    return told


class TestChain:
    def test_every_number_is_where_it_belongs(self) -> None:
        chain = full().made()
        assert chain.source == "tastytrade"
        assert (chain.spot, chain.previous_close, chain.rate) == (660.25, 655.0, 0.04)
        assert chain.strike.tolist() == [660.0] * 3
        assert chain.is_call.tolist() == [True, False, True]
        assert chain.iv.tolist() == [0.21, 0.22, 0.18]
        assert chain.open_interest.tolist() == [1520.0, 800.0, 40.0]
        # The put last traded yesterday: none on this day. Of the other nobody knows.
        assert np.array_equal(chain.volume, [350.0, 0.0, np.nan], equal_nan=True)
        assert np.array_equal(chain.bid, [1.1, np.nan, np.nan], equal_nan=True)
        assert chain.ask.tolist() == [1.2, 0.05, 2.0]
        assert chain.multiplier.tolist() == [100.0] * 3
        assert [datetime.fromtimestamp(at, UTC) for at in chain.expiries.tolist()] == [
            new_york("2026-11-19", "16:00"),
            new_york("2026-11-20", "16:00"),
        ]
        assert chain.as_of == datetime.fromtimestamp(NOW - 0.5, UTC)
        assert (chain.partial, chain.halt, chain.delay, chain.total) == (False, None, 0.0, 3)

    def test_a_part_never_passes_for_the_whole(self) -> None:
        told = opened()
        told.tell("Summary", (CALL, 1520, None, None))
        told.tell("Trade", ("SPY", NOW * 1000, 660.2, 1e6))
        assert told.chain() is None
        told.swept()
        chain = told.made()
        # Two thirds told nothing: it is shown as the part that it is, and says so.
        assert chain.partial
        assert np.array_equal(chain.open_interest, [1520.0, np.nan, np.nan], equal_nan=True)
        assert "No open interest came of 2 of 3 contracts: it is missing, not zero." in chain.notes
        assert told.book.unsummed == 2

    def test_without_a_price_or_any_open_interest_there_is_no_chain(self) -> None:
        told = opened()
        told.swept()
        told.tell("Summary", (CALL, 1520, None, None))
        assert told.chain() is None
        told = opened()
        told.swept()
        told.tell("Trade", ("SPY", NOW * 1000, 660.2, 1e6))
        told.tell("Summary", (CALL, 0, None, None))
        assert told.chain() is None

    def test_delayed_events_make_a_delayed_chain(self) -> None:
        told = full()
        told.book.delay = 900.0
        told.now += 900.0
        chain = told.made()
        assert (chain.delay, chain.quoted_at) == (900.0, datetime.fromtimestamp(NOW - 0.5, UTC))

    def test_what_has_expired_leaves(self) -> None:
        told = full()
        told.now = new_york("2026-11-19", "16:00").timestamp()
        told.book.expire(told.now)
        told.tell("Summary", (NEXT_CALL, 5, None, None))
        assert told.made().open_interest.tolist() == [5.0]

    def test_another_listing_keeps_what_is_known(self) -> None:
        told = full()
        told.made()
        names = {".SPY261120P650": "SPY   261120P00650000", NEXT_CALL: NAMES[NEXT_CALL], PUT: NAMES[PUT]}
        listed = [Listed(name, streamer, "", 100.0) for streamer, name in names.items()]
        assert told.book.hold(list(names), *contracts_of(SPY, listed), NOW)
        assert not told.book.hold(list(names), *contracts_of(SPY, listed), NOW)
        chain = told.made()
        assert np.array_equal(chain.open_interest, [800.0, np.nan, 40.0], equal_nan=True)
        assert np.array_equal(chain.iv, [0.22, np.nan, 0.18], equal_nan=True)


class TestEvents:
    def test_missing_is_not_zero_and_what_was_known_stays(self) -> None:
        told = full()
        told.tell("Summary", (CALL, "NaN", None, None), (PUT, -1, None, None), (NEXT_CALL, "lots", None, None))
        told.tell("Greeks", (CALL, NOW * 1000, "NaN"), (PUT, NOW * 1000, -0.2), (NEXT_CALL, NOW * 1000, "Infinity"))
        told.tell("Trade", (CALL, NOW * 1000, 1.2, None))
        chain = told.made()
        assert chain.open_interest.tolist() == [1520.0, 800.0, 40.0]
        assert chain.iv.tolist() == [0.21, 0.22, 0.18]
        assert chain.volume[0] == 350.0
        assert told.book.rejected["open_interest: missing"] == 1
        assert told.book.rejected["open_interest: range"] == 1
        assert told.book.rejected["open_interest: type"] == 1
        assert told.book.rejected["iv: range"] == 1
        # All of it is as it last was, and that is said.
        words = "open interest of 3 of 3 contracts is not told of late; the last is kept"
        assert told.book.old_interest == words
        assert f"O{words[1:]}." in chain.notes
        told.tell("Summary", (CALL, 1, None, None), (PUT, 2, None, None), (NEXT_CALL, 3, None, None))
        told.book.assess(NOW)
        assert told.book.old_interest == ""

    def test_the_newest_event_wins_whatever_order_they_come_in(self) -> None:
        told = full()
        told.tell("Greeks", (CALL, (NOW - 1.0) * 1000, 0.3))
        told.tell("Greeks", (CALL, (NOW - 1.5) * 1000, 0.4), (PUT, (NOW - 86400) * 1000, 0.5))
        told.tell("Trade", ("SPY", (NOW - 30.0) * 1000, 500.0, 1.0))
        told.tell("Quote", ("SPY", "NaN", "NaN"))
        chain = told.made()
        assert chain.iv.tolist() == [0.3, 0.22, 0.18]
        assert chain.spot == 660.2

    def test_a_field_that_is_not_sent_takes_nothing_away(self) -> None:
        told = full()
        assert told.tell("Quote", (CALL, 1.15), fields=("eventSymbol", "askPrice"))
        assert told.tell("Greeks", (CALL, 7.0), fields=("eventSymbol", "rho"))
        chain = told.made()
        assert (chain.bid[0], chain.ask[0], chain.iv[0]) == (1.1, 1.15, 0.21)

    def test_what_has_no_time_is_taken_and_what_is_early_is_of_now(self) -> None:
        told = full()
        told.tell("Greeks", (CALL, 0, 0.3), (PUT, (NOW + 3600) * 1000, 0.4))
        chain = told.made()
        assert chain.iv.tolist() == [0.3, 0.4, 0.18]
        assert chain.as_of == datetime.fromtimestamp(NOW, UTC)
        assert told.book.rejected["early"] == 1

    def test_p17_the_first_quote_of_a_connection_makes_nothing_newer(self) -> None:
        told = full()
        told.now += 60.0
        told.book.coverage.start_over()
        told.tell("Quote", (CALL, 1.3, 1.4))
        assert told.made().as_of == datetime.fromtimestamp(NOW - 0.5, UTC)
        told.tell("Quote", (CALL, 1.3, 1.4))
        assert told.made().as_of == datetime.fromtimestamp(NOW - 0.5, UTC)
        told.tell("Quote", (CALL, 1.4, 1.5))
        assert told.made().as_of == datetime.fromtimestamp(NOW + 60.0, UTC)

    def test_events_of_others_are_counted(self) -> None:
        told = full()
        assert not told.tell("Quote", (".QQQ261119C600", 1.0, 2.0))
        assert told.book.rejected["unknown symbol"] == 1

    def test_what_a_later_event_replaces_before_a_chain_is_counted(self) -> None:
        told = full()
        told.made()
        before = told.book.conflated
        told.tell("Greeks", (CALL, NOW * 1000, 0.3))
        told.tell("Greeks", (CALL, NOW * 1000 + 1, 0.31))
        told.tell("Quote", (CALL, 1.0, 1.1))
        assert told.book.conflated == before + 2


class TestSpot:
    def test_after_hours_it_is_the_close_of_which_the_options_are(self) -> None:
        told = full()
        told.now = new_york("2026-11-19", "17:30").timestamp()
        told.tell("Quote", ("SPY", 670.0, 670.1))
        assert told.made().spot == 660.2
        told.tell("Summary", ("SPY", 0, 655.0, 661.0))
        assert told.made().spot == 661.0

    def test_before_the_open_it_is_the_last_of_the_day_before(self) -> None:
        told = full()
        told.now = new_york("2026-11-20", "08:00").timestamp()
        told.tell("Quote", ("SPY", 670.0, 670.1))
        assert told.made().spot == 660.2

    def test_a_wide_quote_says_nothing(self) -> None:
        told = full()
        told.tell("Quote", ("SPY", 600.0, 700.0))
        assert told.made().spot == 660.2

    def test_an_index_that_stands_still_at_night_is_implied_by_its_options(self) -> None:
        night = new_york("2026-11-20", "03:00").timestamp()
        strikes = [6500.0, 6510.0, 6520.0, 6530.0, 6540.0]
        names = {
            f".SPXW261120{side}{strike:.0f}": f"SPXW  261120{side}{int(strike * 1000):08}"
            for strike in strikes
            for side in "CP"
        }
        told = opened(SPX, names, night)
        ms = int(night * 1000)
        told.tell("Summary", *((name, 10, None, None) for name in names))
        told.tell("Greeks", *((name, ms, 0.15) for name in names))
        for strike in strikes:
            value = 6521.5 - strike  # the call less the put, without a rate
            call, put = max(value, 0.0) + 10.0, max(-value, 0.0) + 10.0
            told.tell("Quote", (f".SPXW261120C{strike:.0f}", call - 0.1, call + 0.1))
            told.tell("Quote", (f".SPXW261120P{strike:.0f}", put - 0.1, put + 0.1))
        told.tell("Trade", ("SPX", new_york("2026-11-19", "16:15").timestamp() * 1000, 6500.0, "NaN"))
        told.swept()
        make = told.book.chain_of(night, simulated=False)
        assert make is not None
        chain = make(0.0)
        assert chain.spot == pytest.approx(6521.5, abs=1e-9)
        assert chain.previous_close == 6500.0
        assert any("The index has stood still at 6,500.00 since 16:15 New York Thu" in note for note in chain.notes)


class TestHalt:
    def test_a_halt_is_since_the_last_trade(self) -> None:
        told = full()
        told.tell("Profile", ("SPY", "HALTED", "T1\x1b[2J"))
        assert told.made().halt == Halt(datetime.fromtimestamp(NOW - 0.5, UTC), stated=True)
        assert "\x1b" not in told.book.underlying.why_halted
        told.tell("Profile", ("SPY", "ACTIVE", ""))
        assert told.made().halt is None

    def test_or_since_it_was_heard_of(self) -> None:
        told = opened()
        told.tell("Profile", ("SPY", "HALTED", "NaN"))
        assert (told.book.underlying.halted_at, told.book.underlying.why_halted) == (NOW, "")
        told.tell("Profile", ("SPY", "UNDEFINED", "NaN"))
        assert told.book.underlying.halted_at is None

    def test_what_is_halted_stands_still_now(self) -> None:
        told = full()
        told.tell("Profile", ("SPY", "HALTED", "T1"))
        told.now += 300.0
        told.book.stand_still(told.now)
        assert told.made().as_of == datetime.fromtimestamp(NOW + 300.0, UTC)

    def test_a_closed_market_is_no_halt(self) -> None:
        told = full()
        told.tell("Profile", ("SPY", "HALTED", "T1"))
        told.now = new_york("2026-11-19", "16:30").timestamp()
        assert told.made().halt is None


class TestWeights:
    def test_what_is_held_near_spot_and_soon_weighs_most(self) -> None:
        names = NAMES | {".SPY261119C900": "SPY   261119C00900000"}
        told = opened(names=names)
        told.tell("Trade", ("SPY", NOW * 1000, 660.2, 1e6))
        # In the book's order: by expiry, then strike.
        call, put, far, later = told.book.weigh(NOW).tolist()
        assert call == put > later > far >= 0.0
        told.tell("Summary", (NEXT_CALL, 1e6, None, None))
        assert told.book.weigh(NOW)[3] > call


@pytest.mark.parametrize(
    ("at", "counted"),
    [
        (("2026-11-19", "10:00"), ("2026-11-19", "09:00")),
        (("2026-11-19", "08:59"), ("2026-11-18", "09:00")),
        (("2026-11-28", "12:00"), ("2026-11-27", "09:00")),
        (("2026-11-26", "12:00"), ("2026-11-25", "09:00")),
    ],
)
def test_open_interest_is_counted_anew_each_trading_day(at: tuple[str, str], counted: tuple[str, str]) -> None:
    assert last_count(new_york(*at).timestamp()) == new_york(*counted).timestamp()
