"""What a delayed file says after the one before it: frozen indices, evening rolls, wiped and half files, odd times."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gextui.exposure.board import build_board
from gextui.market.calendar import new_york
from gextui.market.chain import Halt, OptionChain
from gextui.market.ticker import KNOWN_TICKERS, Kind, Ticker
from gextui.simulator.cboe_rows import options
from gextui.simulator.market import SimulatedMarket
from gextui.sources.cboe_book import Reading, next_expiry, read_quotes, still_living
from gextui.sources.failure import Failure, FetchError
from gextui.sources.files import read_chains
from tests.support.cboe import IBIT, NDX, RATE, SPX, SPY
from tests.support.cboe import new_york as at_new_york

RUT, VIX = KNOWN_TICKERS["RUT"], KNOWN_TICKERS["VIX"]
EVENING = at_new_york("2026-11-18 20:52:50")
CLOSE = "2026-11-18T16:14:59"


def market_of(ticker: Ticker, at: datetime, seed: int = 3) -> OptionChain:
    """A made-up chain of SPX or SPY, under whatever ticker's name."""
    known = ticker if ticker in (SPX, SPY) else SPX
    return replace(SimulatedMarket(seed, at, [known]).chain(known), ticker=ticker)


def file_of(chain: OptionChain, stamp: datetime | str, **about: Any) -> bytes:
    """A file of that chain; ``about`` is what it says of the underlying."""
    symbol = chain.ticker.symbol
    index = chain.ticker.kind is Kind.INDEX
    data = {
        "symbol": f"^{symbol}" if index else symbol, "security_type": "index" if index else "stock",
        "current_price": chain.spot, "price_change": 5.0, "close": chain.spot, "last_trade_time": CLOSE,
        "options": options(chain),
    } | about  # fmt: skip
    timestamp = stamp if isinstance(stamp, str) else f"{stamp:%Y-%m-%d %H:%M:%S}"
    return json.dumps({"timestamp": timestamp, "data": data, "symbol": symbol}).encode()


def read(
    body: bytes,
    ticker: Ticker = SPX,
    before: OptionChain | None = None,
    *,
    sent: datetime | None = None,
    on_loopback: bool = False,
    trading: bool = False,
) -> Reading:
    return read_quotes(body, ticker, before, rate=RATE, sent=sent, on_loopback=on_loopback, trading=trading)


def refused(body: bytes, ticker: Ticker = SPX, before: OptionChain | None = None) -> str:
    with pytest.raises(FetchError) as caught:
        read(body, ticker, before)
    assert caught.value.failure is Failure.CONTENT
    return str(caught.value)


class TestFrozenIndex:
    def test_overnight_spot_is_what_options_imply(self) -> None:
        market = market_of(SPX, EVENING)
        chain = read(file_of(market, EVENING, current_price=6500.0)).chain
        assert chain.spot == pytest.approx(market.spot, rel=1e-4)
        assert chain.spot != 6500.0
        assert chain.previous_close == 6500.0, "overnight the change is measured from the close"
        (note,) = chain.notes
        assert note == (
            f"The index has stood still at 6,500.00 since 16:15 New York: spot {chain.spot:,.2f} is implied by the "
            "options of 2026-11-19 (put-call parity)."
        )

    def test_a_recorded_file_keeps_its_own_and_says_what_options_imply(self, tmp_path: Path) -> None:
        market = market_of(SPX, EVENING)
        path = tmp_path / "spx.json"
        path.write_bytes(file_of(market, EVENING, current_price=6500.0))
        [chain] = read_chains(path, rate=RATE)
        assert chain.spot == 6500.0
        implied = read(path.read_bytes()).chain.spot
        assert chain.notes == (
            "The index has stood still at 6,500.00 since 16:15 New York; the options of 2026-11-19 imply "
            f"{implied:,.2f}: --spot {implied:.2f} reads the file so.",
        )
        [told] = read_chains(path, spot=implied)
        assert (told.spot, told.notes) == (implied, ())

    def test_in_the_curb_session_the_change_is_still_todays(self) -> None:
        stamp = at_new_york("2026-11-18 16:50")
        market = market_of(SPX, stamp)
        chain = read(file_of(market, stamp, current_price=6500.0)).chain
        assert chain.spot == pytest.approx(market.spot, rel=1e-4)
        assert chain.previous_close == 6495.0

    @pytest.mark.parametrize(
        ("local", "traded", "implied"),
        [
            ("2026-11-18 19:00", CLOSE, True),  # the quotes are of the curb session's end, 17:00
            ("2026-11-21 12:00", "2026-11-20T16:14:59", True),
            ("2026-11-28 12:00", "2026-11-27T13:14:59", False),  # a half day has none
        ],
    )
    def test_after_the_last_session_spot_stays_what_its_quotes_imply(
        self, local: str, traded: str, implied: bool
    ) -> None:
        stamp = at_new_york(local)
        market = market_of(SPX, stamp)
        chain = read(file_of(market, stamp, current_price=6500.0, last_trade_time=traded)).chain
        assert chain.spot == (pytest.approx(market.spot, rel=5e-4) if implied else 6500.0)
        assert chain.previous_close == 6495.0, "the day is still that of the close"

    def test_what_waits_to_settle_is_priced_at_the_spot_of_now(self) -> None:
        """K7: on the third Friday's morning SPX trades no more, and its quotes are of Thursday's close."""
        night = at_new_york("2026-11-20 08:31")
        market = market_of(SPX, night)
        index = 1.002 * market.spot
        am = market.expiries == at_new_york("2026-11-20 09:30").timestamp()
        rows = am[market.expiry]
        dead = np.where(market.is_call, 1.0, -1.0) * (index - market.spot) * rows
        stood = replace(market, bid=np.maximum(market.bid + dead, 0.05), ask=np.maximum(market.ask + dead, 0.1))
        chain = read(file_of(stood, night, current_price=index, last_trade_time="2026-11-19T16:14:59")).chain
        assert am.sum() == 1
        assert chain.spot == pytest.approx(market.spot, rel=1e-4)
        board = build_board(chain)
        [forward] = board.smile.forward[am]
        assert forward == pytest.approx(chain.spot, rel=1e-5)
        assert np.isnan(chain.bid[rows]).all()
        assert "SPX of 20 Nov trades no more and counts until it settles at 09:30 New York" in board.warnings

    def test_it_is_kept_where_the_quotes_say_nothing(self) -> None:
        market = market_of(SPX, EVENING)
        market = replace(market, bid=np.full(len(market), np.nan))
        chain = read(file_of(market, EVENING, current_price=6500.0)).chain
        assert (chain.spot, chain.previous_close) == (6500.0, 6495.0)
        (note,) = chain.notes
        assert note.startswith("The index has stood still at 6,500.00 since 16:15 New York, and the options' quotes")
        assert note.endswith("it stands for spot.")

    @pytest.mark.parametrize(
        ("local", "traded"),
        [
            ("2026-11-19 11:00", "2026-11-19T10:44:59"),  # the index moves
            ("2026-11-19 16:20", "2026-11-19T16:05:00"),
        ],
    )
    def test_a_spot_that_moves_with_its_options_is_as_the_file_says(self, local: str, traded: str) -> None:
        stamp = at_new_york(local)
        chain = read(file_of(market_of(SPX, stamp), stamp, current_price=6500.0, last_trade_time=traded)).chain
        assert (chain.spot, chain.notes) == (6500.0, ())

    def test_an_index_that_stands_still_while_the_market_is_open_is_no_spot(self) -> None:
        stamp = at_new_york("2026-11-19 14:00")
        market = market_of(SPX, stamp)
        traded = {"last_trade_time": "2026-11-19T11:02:00", "current_price": 6500.0}
        chain = read(file_of(market, stamp, **traded)).chain
        assert chain.spot == pytest.approx(market.spot, rel=1e-4)
        assert "since 11:02 New York" in chain.notes[0]
        assert chain.previous_close == 6495.0

    def test_without_a_time_the_hour_decides(self) -> None:
        night, day = EVENING, at_new_york("2026-11-19 14:00")
        for stamp, stands in ((night, True), (day, False)):
            body = file_of(market_of(SPX, stamp), stamp, current_price=6500.0, last_trade_time=None)
            chain = read(body).chain
            assert bool(chain.notes) is stands
            assert (chain.spot != 6500.0) is stands

    def test_vix_has_no_price(self) -> None:
        vix = read(file_of(market_of(VIX, EVENING), EVENING, current_price=6500.0), VIX).chain
        assert (vix.spot, vix.notes) == (6500.0, ())
        other = read(file_of(market_of(RUT, EVENING), EVENING, current_price=6500.0), RUT).chain
        assert len(other.notes) == 1

    @pytest.mark.parametrize("local", ["2026-11-18 16:50", "2026-11-18 20:52", "2026-11-19 08:00"])
    def test_an_index_whose_options_have_no_night_stands_with_them(self, local: str) -> None:
        stamp = at_new_york(local)
        chain = read(file_of(market_of(NDX, stamp), stamp, current_price=6500.0), NDX).chain
        assert (chain.spot, chain.notes) == (6500.0, ())


class TestAfterHours:
    @pytest.mark.parametrize(
        ("ticker", "local", "outlived"),
        [
            (SPY, "2026-11-19 11:00", False),
            (SPY, "2026-11-19 16:29", False),  # of 16:14: its options trade a quarter of an hour longer
            (SPY, "2026-11-19 16:31", True),
            (IBIT, "2026-11-19 16:14", False),
            (IBIT, "2026-11-19 16:16", True),
            (SPY, "2026-11-20 06:19", True),
            (SPY, "2026-11-21 12:00", True),
            (IBIT, "2026-11-27 13:20", True),  # a half day
        ],
    )
    def test_quotes_belong_to_the_close(self, ticker: Ticker, local: str, outlived: bool) -> None:
        stamp = at_new_york(local)
        market = market_of(ticker, stamp)
        about = {"current_price": 1.0048 * market.spot, "close": market.spot, "last_trade_time": None}
        chain = read(file_of(market, stamp, **about), ticker).chain
        assert chain.spot == (market.spot if outlived else 1.0048 * market.spot)
        assert bool(chain.notes) is outlived

    @pytest.mark.parametrize("close", [None, 0.0, 600.0])
    def test_without_another_close_the_price_is_spot(self, close: float | None) -> None:
        chain = read(file_of(market_of(SPY, EVENING), EVENING, current_price=600.0, close=close), SPY).chain
        assert (chain.spot, chain.notes) == (600.0, ())

    @pytest.mark.parametrize("move", [-0.0197, -0.0048, 0.0228])
    def test_zero_gamma_does_not_move_with_the_price_of_the_share(self, move: float) -> None:
        market = market_of(SPY, EVENING)
        before = build_board(read(file_of(market, EVENING), SPY).chain)
        price = (1.0 + move) * market.spot
        board = build_board(read(file_of(market, EVENING, current_price=price), SPY).chain)
        assert board.spot == market.spot
        assert board.levels.zero_gamma == before.levels.zero_gamma
        assert board.totals == before.totals
        assert board.warnings == (
            f"spot is the close, of which the options are; after hours it went on to {price:,.2f}",
        )

    def test_a_close_that_options_contradict_is_doubted(self) -> None:
        market = market_of(SPY, EVENING)
        chain = read(file_of(market, EVENING, close=0.97 * market.spot), SPY).chain
        assert any(f"spot {0.97 * market.spot:,.2f} is -" in words for words in build_board(chain).warnings)


class TestAfterTheOneBefore:
    @pytest.fixture(scope="class")
    def good(self) -> OptionChain:
        return read(file_of(market_of(SPY, EVENING), EVENING), SPY).chain

    def later(self, seconds: float = 60.0, **changed: Any) -> bytes:
        """The same market's file, so much later."""
        market = replace(market_of(SPY, EVENING), **changed)
        return file_of(market, EVENING + timedelta(seconds=seconds))

    def test_only_the_time_differs(self, good: OptionChain) -> None:
        reading = read(self.later(3600.0), SPY, good)
        assert reading.chain is good
        assert reading.stamp == EVENING + timedelta(hours=1)
        assert not reading.counted_anew

    def test_while_the_market_is_open_a_later_time_is_news(self, good: OptionChain) -> None:
        chain = read(self.later(60.0), SPY, good, trading=True).chain
        assert chain is not good
        assert chain.as_of == EVENING + timedelta(seconds=60)
        assert read(self.later(0.0), SPY, good, trading=True).chain is good

    def test_a_close_of_the_quotes_is_news(self, good: OptionChain) -> None:
        body = file_of(market_of(SPY, EVENING), EVENING + timedelta(seconds=60), close=0.99 * good.spot)
        assert read(body, SPY, good).chain is not good

    def test_what_moves_is_news(self, good: OptionChain) -> None:
        market = market_of(SPY, EVENING)
        assert read(self.later(bid=market.bid - 0.01), SPY, good).chain is not good
        assert read(self.later(spot=market.spot + 0.01), SPY, good).chain is not good

    def test_the_evening_roll_of_open_interest_is_noticed(self, good: OptionChain) -> None:
        market = market_of(SPY, EVENING)
        reading = read(self.later(open_interest=market.open_interest + 7.0), SPY, good)
        assert reading.counted_anew
        assert np.nansum(reading.chain.open_interest) == np.nansum(good.open_interest) + 7.0 * len(good)
        some = market.open_interest.copy()
        some[:5] += 1.0
        assert not read(self.later(open_interest=some), SPY, good).counted_anew

    def test_a_wiped_file_is_refused_by_name(self, good: OptionChain) -> None:
        nothing = np.zeros(len(good))
        assert refused(self.later(open_interest=nothing), SPY, good).endswith(
            "contracts are left; the chain of 20:53 New York is kept"
        )
        assert "wiped implied volatilities" in refused(self.later(iv=nothing), SPY, good)

    def test_half_a_file_is_refused(self, good: OptionChain) -> None:
        document = json.loads(self.later())
        del document["data"]["options"][::2]
        assert "cboe lists only " in refused(json.dumps(document).encode(), SPY, good)

    def test_an_older_file_is_refused(self, good: OptionChain) -> None:
        words = refused(self.later(-60.0), SPY, good)
        assert words == "Cboe's file of SPY is of 20:52 New York, older than the one before it"

    @pytest.mark.parametrize(
        "body", [b"", b"null", b"[]", b"{}", b'{"data":{}}', b"<html>", b'{"data":{"options":[]}}']
    )
    def test_what_is_no_file_is_refused(self, body: bytes, good: OptionChain) -> None:
        assert refused(body, SPY, good).startswith("Cboe's file of SPY ")

    def test_a_file_of_nothing_or_of_somebody_else_is_refused(self, good: OptionChain) -> None:
        empty = json.loads(self.later())
        empty["data"]["options"] = []
        assert refused(json.dumps(empty).encode(), SPY, good) == (
            "Cboe's file of SPY lists no options that can be read"
        )
        assert refused(file_of(market_of(SPX, EVENING), EVENING), SPY, good) == (
            "Cboe's file of SPY is of SPX: is the address right?"
        )

    def test_only_on_loopback_it_may_be_simulated(self) -> None:
        document = json.loads(self.later()) | {"simulated": True}
        body = json.dumps(document).encode()
        assert read(body, SPY, on_loopback=True).chain.simulated
        assert not read(body, SPY).chain.simulated
        assert not read(self.later(), SPY, on_loopback=True).chain.simulated

    def test_adjusted_contracts_are_counted_and_left_out(self, good: OptionChain) -> None:
        document = json.loads(self.later())
        rows = document["data"]["options"]
        rows += [row | {"option": f"SPY1{row['option'][3:]}", "open_interest": 1e6} for row in rows[:3]]
        chain = read(json.dumps(document).encode(), SPY).chain
        assert dict(chain.dropped) == {"adjusted": 3}
        assert (len(chain), chain.total) == (len(good), len(good) + 3)
        assert chain.roots == ("SPY",)


class TestHalts:
    """D15: a share that trades no more though New York is open."""

    STAMP = at_new_york("2026-11-19 14:00")

    def test_d15_a_share_that_does_not_trade_nor_its_options(self) -> None:
        market = market_of(SPY, self.STAMP)
        quiet = replace(market, volume=np.zeros(len(market)))  # no option has a last trade
        chain = read(file_of(quiet, self.STAMP, last_trade_time="2026-11-19T11:32:10"), SPY).chain
        assert chain.halt == Halt(at_new_york("2026-11-19 11:32:10"), stated=False)
        assert chain.spot == market.spot
        assert build_board(chain).warnings[0] == (
            "SPY seems halted: neither it nor its options have traded since 11:32 New York though New York is open; "
            "quotes and levels are of before"
        )

    def test_d15_options_that_trade_on_deny_it(self) -> None:
        body = file_of(market_of(SPY, self.STAMP), self.STAMP, last_trade_time="2026-11-19T11:32:10")
        assert read(body, SPY).chain.halt is None

    def test_d15_a_halted_index_is_not_priced_by_options_that_stand_still_too(self) -> None:
        market = market_of(SPX, self.STAMP)
        quiet = replace(market, volume=np.zeros(len(market)))
        traded = {"last_trade_time": "2026-11-19T11:32:10", "current_price": 6500.0}
        chain = read(file_of(quiet, self.STAMP, **traded)).chain
        assert (chain.spot, chain.notes) == (6500.0, ())
        assert chain.halt == Halt(at_new_york("2026-11-19 11:32:10"), stated=False)


class TestTimes:
    def test_new_yorks_time_is_recognised_by_what_traded_later(self) -> None:
        """The page that embeds the document gives it; read as UTC it would be hours before its newest trade."""
        stamp = at_new_york("2026-11-19 11:00")
        market = market_of(SPX, stamp)
        body = file_of(market, "2026-11-19 11:00:00", last_trade_time="2026-11-19T10:44:59")
        chain = read(body).chain
        assert chain.as_of == stamp
        assert chain.notes == (
            "The file's timestamp is older than its newest trade: taken as New York's time, not UTC.",
        )

    def test_a_file_that_is_hours_old_is_not_mistaken_for_it(self) -> None:
        market = market_of(SPX, EVENING)
        body = file_of(market, "2026-11-19 16:00:00", last_trade_time="2026-11-19T10:44:59")
        assert read(body, sent=datetime(2026, 11, 19, 21, 0, tzinfo=UTC)).chain.as_of.hour == 16

    @pytest.mark.parametrize(
        ("sent", "as_of"),
        [
            ("2026-11-19T01:53:10", "2026-11-19T01:52:50"),
            ("2026-11-19T01:52:40", "2026-11-19T01:52:50"),
            ("2026-11-19T00:10:00", "2026-11-18T01:52:50"),
            ("2026-11-22T20:00:00", "2026-11-22T01:52:50"),
        ],
    )
    def test_a_time_alone_is_the_last_such_before_it_was_sent(self, sent: str, as_of: str) -> None:
        """In New York's evening the day in UTC has rolled forward."""
        body = file_of(market_of(SPY, EVENING), "01:52:50")
        chain = read(body, SPY, sent=datetime.fromisoformat(sent).replace(tzinfo=UTC)).chain
        assert chain.as_of == datetime.fromisoformat(as_of).replace(tzinfo=UTC)
        assert "has no date" in chain.notes[0]

    def test_a_time_in_the_future_is_not_believed(self) -> None:
        sent = EVENING - timedelta(hours=1)
        chain = read(file_of(market_of(SPY, EVENING), EVENING), SPY, sent=sent).chain
        assert chain.as_of == sent
        assert chain.notes == ("The file's timestamp, 20:53 New York, is in the future: taken as of when it was sent.",)


class TestExpiry:
    def test_what_expires_after_the_file_was_made_leaves(self) -> None:
        stamp = at_new_york("2026-11-20 15:59:40")
        chain = read(file_of(market_of(SPX, stamp), stamp, last_trade_time="2026-11-20T15:44:59")).chain
        four = at_new_york("2026-11-20 16:00").timestamp()
        assert next_expiry(chain, stamp.timestamp()) == four
        assert still_living(chain, four - 0.01) is chain
        after = still_living(chain, four)
        today = chain.expiries[chain.expiry] <= four
        assert len(after) == len(chain) - np.count_nonzero(today) < len(chain)
        assert dict(after.dropped) == {"expired": np.count_nonzero(today)}
        assert after.total == chain.total
        assert after.as_of == chain.as_of
        np.testing.assert_array_equal(after.expiries, chain.expiries[chain.expiries > four])
        np.testing.assert_array_equal(after.expiries[after.expiry], chain.expiries[chain.expiry][~today])
        np.testing.assert_array_equal(after.open_interest, chain.open_interest[~today])
        assert still_living(after, four) is after
        assert next_expiry(after, four) > four

    def test_what_had_expired_before_is_the_boards_to_count(self) -> None:
        stamp = at_new_york("2026-11-20 17:00")
        chain = read(file_of(market_of(SPX, at_new_york("2026-11-20 15:59")), stamp)).chain
        assert (chain.expiries <= chain.as_of_seconds).any()
        assert still_living(chain, stamp.timestamp() + 60.0) is chain

    def test_a_file_of_last_week_is_shown_as_it_was(self) -> None:
        chain = read(file_of(market_of(SPX, EVENING), EVENING)).chain
        days = (EVENING + timedelta(days=1)).timestamp(), (EVENING + timedelta(days=5)).timestamp()
        assert len(still_living(chain, days[0])) < len(chain)
        assert still_living(chain, days[1]) is chain


def test_instants_as_words() -> None:
    friday = at_new_york("2026-11-20 16:14:59")
    assert new_york(friday) == "16:15 New York"
    assert new_york(friday, friday) == "16:15 New York"
    assert new_york(friday, at_new_york("2026-11-22 10:00")) == "16:15 New York Fri"
    assert new_york(friday, at_new_york("2026-12-22 10:00")) == "16:15 New York on 2026-11-20"
