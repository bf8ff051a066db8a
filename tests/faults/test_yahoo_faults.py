"""The faults of the catalogue, by their ids, against the live Yahoo source over real sockets.

Seconds are those of the clock that a test turns, unless it says otherwise.
"""

import logging
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from gextui.exposure.board import build_board
from gextui.log import PlainFormatter
from gextui.market.chain import OptionChain
from gextui.simulator.altered import rows_of
from gextui.simulator.http_venue import RecordedMarket
from gextui.simulator.yahoo_rows import days_of
from gextui.sources.curl import can_impersonate
from gextui.sources.source import SourceState
from gextui.sources.yahoo_book import RECHECK_EVERY
from tests.support.proxy import a_door
from tests.support.yahoo import SPX, SPY, TEN, Rig, at, rigged, still

State = SourceState


def sane(chain: OptionChain) -> None:
    """SPY's chain holds no number that a market could not have, and none has become zero."""
    for column in (chain.iv, chain.open_interest, chain.volume, chain.bid, chain.ask):
        assert np.isfinite(column[~np.isnan(column)]).all()
        assert (column[~np.isnan(column)] >= 0).all()
    assert np.nansum(chain.open_interest) > 10_000.0
    assert 500.0 < chain.spot < 800.0


def said(rig: Rig) -> str:
    return rig.status().detail


class TestAccess:
    @pytest.mark.parametrize("before", [0, 1, 2], ids=["cookie", "crumb", "options"])
    async def test_p21_too_many_requests_with_status_200(self, before: int) -> None:
        async with rigged(started=False) as rig:
            answered = rig.venue.answer
            count = 0

            def answer(asked: Any) -> Any:
                nonlocal count
                count += 1
                if count > before:
                    rig.venue.excuse(1)
                return answered(asked)

            rig.venue.answer = answer  # type: ignore[method-assign]
            rig.start()
            await rig.turn(10.0, lambda: count == before + 1)
            await rig.turn(1.0)
            assert rig.status().state is State.BACKOFF
            assert said(rig) == "127.0.0.1 limits us (HTTP 200): asking again in 60 s"
            limited_at, crumbs = rig.clock.seconds(), len(rig.venue.crumbs)
            assert crumbs == (1 if before == 2 else 0)
            await rig.turn(58.0)
            assert count == before + 1
            rig.venue.answer = answered  # type: ignore[method-assign]
            await rig.turn(30.0, lambda: rig.chains[SPY])
            assert rig.clock.seconds() - limited_at >= 59.0
            sane(rig.newest())
            # Nothing that came with the refusal was taken for a crumb.
            assert rig.venue.calls["getcrumb"] == (2 if before == 1 else 1)

    async def test_p21_the_pause_doubles(self) -> None:
        async with rigged(started=False) as rig:
            rig.venue.excuse(3)
            rig.start()
            await rig.turn(900.0, lambda: rig.chains[SPY])
            asked = [moment for moment, _ in rig.venue.asked[:4]]
        pauses = np.diff(asked)
        assert pauses == pytest.approx([60.0, 120.0, 240.0], abs=31.0)
        assert (pauses >= [60.0, 120.0, 240.0]).all()

    @pytest.mark.parametrize(("header", "seconds"), [(None, 60.0), ("7", 60.0), ("120", 120.0), ("soon", 60.0)])
    async def test_n9_n10_status_429(self, header: str | None, seconds: float) -> None:
        async with rigged(started=False) as rig:
            rig.venue.limit(header)
            rig.start()
            await rig.turn(5.0, lambda: rig.venue.asked)
            await rig.turn(1.0)
            assert said(rig) == f"127.0.0.1 limits us (HTTP 429): asking again in {seconds:.0f} s"
            assert rig.status().connections[0].next_try_in == pytest.approx(seconds, abs=2.0)
            await rig.turn(seconds - 3.0)
            assert len(rig.venue.asked) == 1
            rig.venue.heal()
            await rig.turn(60.0, lambda: rig.chains[SPY])

    async def test_p21_a_crumb_that_is_no_longer_good_is_renewed_by_one_for_all(self) -> None:
        async with rigged(SPY, SPX) as rig:
            await rig.whole(SPY)
            await rig.whole(SPX)
            assert rig.venue.calls["getcrumb"] == 1
            rig.venue.forget_crumbs()
            asked = rig.asked
            await rig.leap(RECHECK_EVERY)
            await rig.turn(60.0)
            count = len(rig.newest(SPY).expiries) + len(days_of(rig.newest(SPX)))
            assert rig.venue.calls["getcrumb"] == rig.venue.calls["cookie"] == 2
            assert count < rig.asked - asked <= count + 2
            assert rig.status(SPY).state is rig.status(SPX).state is State.DELAYED

    async def test_p21_a_crumb_that_is_never_good_is_not_asked_for_again_and_again(self) -> None:
        async with rigged(started=False) as rig:
            rig.venue.refuse_crumbs(100)
            rig.start()
            await rig.turn(20.0, lambda: rig.asked == 2)
            await rig.turn(50.0)
            assert (rig.asked, rig.venue.calls["getcrumb"]) == (2, 2)
            assert rig.status().state is State.BACKOFF
            assert said(rig) == "Yahoo refuses the crumb that it has just given; asking again in 60 s"
            rig.venue.heal()
            await rig.turn(60.0, lambda: rig.chains[SPY])

    async def test_no_cookie_or_no_crumb(self) -> None:
        async with rigged(started=False) as rig:
            rig.venue.give_no_cookie()
            rig.start()
            await rig.turn(5.0, lambda: said(rig))
            assert said(rig) == "Yahoo gave no cookie (HTTP 404), and gives no data without"
            rig.venue.heal()
            rig.venue.give_no_crumb()
            await rig.turn(60.0, lambda: "crumb" in said(rig))
            assert said(rig) == "Yahoo gave no crumb (HTTP 200), without which it gives no option chains"
            assert rig.asked == 0
            rig.venue.heal()
            await rig.turn(60.0, lambda: rig.chains[SPY])

    @pytest.mark.parametrize("how", ["redirect", "page"])
    async def test_n22_consent_is_named_and_left_to_people(self, how: str) -> None:
        async with rigged() as rig:
            await rig.whole()
            rig.venue.ask_consent(how)
            asked, chains = len(rig.venue.asked), len(rig.chains[SPY])
            await rig.leap(RECHECK_EVERY + 60.0)
            assert rig.status().state is State.DEGRADED
            assert said(rig).startswith("Yahoo asks for consent to its cookies before it gives data here")
            assert said(rig).endswith("read another source")
            await rig.leap(600.0)
            assert len(rig.venue.asked) == asked + 1
            assert len(rig.chains[SPY]) == chains
            rig.venue.heal()
            await rig.leap(600.0)
            assert len(rig.chains[SPY]) > chains

    async def test_n22_consent_at_the_very_first_request(self) -> None:
        async with rigged(started=False) as rig:
            rig.venue.ask_consent("redirect")
            rig.start()
            await rig.turn(5.0, lambda: said(rig))
            assert rig.status().state is State.BACKOFF
            assert said(rig).startswith("Yahoo asks for consent")
            assert len(rig.venue.asked) == 1

    async def test_x3_cookie_and_crumb_are_in_no_log_and_no_status(self) -> None:
        lines: list[str] = []

        class Kept(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                lines.append(PlainFormatter().format(record))

        root, kept = logging.getLogger(), Kept()
        level = root.level
        root.addHandler(kept)
        root.setLevel(logging.INFO)
        try:
            async with rigged() as rig:
                await rig.whole()
                rig.venue.forget_crumbs()
                rig.venue.malform("truncated")
                await rig.leap(RECHECK_EVERY + 60.0)
                crumbs = rig.venue.crumbs
                [(rest, _)] = [running for running in [rig.source._running] if running is not None]
                lines += [repr(rig.status()), repr(vars(rest)), repr(rest._pass)]
        finally:
            root.removeHandler(kept)
            root.setLevel(level)
        text = "\n".join(lines)
        assert can_impersonate() or "crumb=***" in text
        for secret in (crumbs[0], crumbs[0].replace("/", "%2F"), "AQABB0"):
            assert secret not in text


class TestNetwork:
    async def test_n1_refused_at_start(self) -> None:
        async with a_door() as door, rigged(door=door) as rig:
            await rig.turn(10.0, lambda: rig.status().state is State.BACKOFF)
            assert said(rig) == "127.0.0.1 refuses the connection"
            polls = rig.status().connections[0]
            assert (polls.name, polls.state) == ("SPY polls", "backoff")
            await rig.turn(10.0, lambda: rig.status().connections[0].next_try_in)
            await door.open(rig.venue.rest_url)
            await rig.turn(40.0, lambda: rig.chains[SPY])

    @pytest.mark.parametrize("status", [500, 502, 503])
    async def test_n8_statuses_are_named_and_the_chain_is_kept(self, status: int) -> None:
        async with rigged() as rig:
            await rig.whole()
            held = rig.newest()
            rig.venue.answer_with(status, b"oops", {"Content-Type": "text/plain"})
            await rig.leap(RECHECK_EVERY + 60.0)
            assert rig.status().state is State.DEGRADED
            assert said(rig) == f"127.0.0.1 answered HTTP {status}"
            assert rig.newest() is held
            rig.venue.heal()
            await rig.turn(120.0, lambda: rig.status().state is State.DELAYED and rig.newest() is not held)

    async def test_n11_a_ban_page(self) -> None:
        async with rigged(started=False) as rig:
            rig.venue.answer_with(403, b"<html>error 1015</html>")
            rig.start()
            await rig.turn(5.0, lambda: said(rig))
            assert "refuses us (HTTP 403)" in said(rig)
            await rig.turn(55.0)
            assert len(rig.venue.asked) == 1

    async def test_n21_a_login_page(self) -> None:
        async with rigged() as rig:
            await rig.whole()
            held = rig.newest()
            rig.venue.answer_with(200, b"<html><body>Please log in</body></html>")
            await rig.leap(RECHECK_EVERY + 30.0)
            assert (rig.status().state, said(rig)) == (
                State.DEGRADED,
                "Yahoo answered with a web page instead of data",
            )
            assert rig.newest() is held

    @pytest.mark.parametrize(
        "kind",
        ["truncated", "empty", "null", "list", "trailing", "nested", "html", "utf8", "types", "huge", "infinite"],
    )
    async def test_n24_p4_p5_d1_bodies_that_cannot_be_read_cost_nothing_that_was(self, kind: str) -> None:
        async with rigged() as rig:
            await rig.whole()
            held = rig.newest()
            rig.venue.malform(kind)
            await rig.leap(RECHECK_EVERY + 240.0)
            for chain in rig.chains[SPY]:
                sane(chain)
            assert rig.newest() is held
            assert rig.rejected() or said(rig)
            rig.venue.heal()
            await rig.leap(RECHECK_EVERY + 120.0)
            await rig.turn(60.0, lambda: rig.status().state is State.DELAYED)
            assert rig.newest() is not held
            assert len(rig.newest()) == len(held)

    async def test_one_expiry_that_cannot_be_read_holds_up_no_other(self) -> None:
        async with rigged(started=False) as rig:
            bad = days_of(rig.venue.market.chain(SPY))[3]
            rig.venue.bodies["SPY", bad] = b'{"optionChain":'
            rig.start()
            count = len(rig.venue.market.chain(SPY).expiries)
            await rig.turn(180.0, lambda: rig.chains[SPY] and len(rig.newest().expiries) == count - 1)
            assert rig.newest().notes == (f"Not read yet: 1 of {count} expiries ({bad}).",)
            await rig.turn(60.0)
            # It is asked for once a minute.
            assert rig.asked <= count + 6
            del rig.venue.bodies["SPY", bad]
            await rig.turn(120.0, lambda: rig.newest().notes == ())


class TestNumbers:
    @pytest.mark.parametrize("kind", ["strings", "words", "nan", "negative", "zero"])
    async def test_p19_d1_d2_numbers_that_are_none(self, kind: str) -> None:
        async with rigged(started=False) as rig:
            rig.venue.malform(kind)
            rig.start()
            await rig.turn(45.0)
            if kind == "strings":
                await rig.whole()
                sane(rig.newest())
                return
            assert rig.chains[SPY] == []
            assert rig.status().state in (State.BACKOFF, State.DEGRADED, State.DISABLED)
            assert said(rig)

    @pytest.mark.parametrize("value", [None, "gone"])
    @pytest.mark.parametrize(
        "field", ["volume", "impliedVolatility", "openInterest", "bid", "ask", "lastTradeDate", "contractSize"]
    )
    async def test_p18_d1_fields_that_are_missing_or_null_never_become_zeros(
        self, field: str, value: str | None
    ) -> None:
        async with rigged(started=False) as rig:

            def altered(document: dict[str, Any]) -> dict[str, Any]:
                for expiry in document["options"]:
                    for contract in (*expiry["calls"], *expiry["puts"]):
                        if value is None:
                            contract[field] = None
                        else:
                            contract.pop(field, None)
                return document

            rig.venue.alter = altered
            rig.start()
            await rig.turn(45.0)
            if field == "openInterest":
                assert rig.chains[SPY] == []
                assert (rig.status().state, said(rig)) == (
                    State.DEGRADED,
                    "the source gives no open interest: no levels",
                )
                return
            chain = rig.newest()
            sane(chain)
            column = {"impliedVolatility": "iv"}.get(field, field)
            if column in ("volume", "iv", "bid", "ask"):
                assert np.isnan(getattr(chain, column)).all()
            board = build_board(chain)
            assert not board.wiped
            assert board.totals.net_gex is not None

    @pytest.mark.parametrize("price", [0, None, "N/A", -5, True])
    async def test_d3_no_price_of_the_underlying(self, price: Any) -> None:
        async with rigged() as rig:
            await rig.whole()
            held = rig.newest()

            def altered(document: dict[str, Any]) -> dict[str, Any]:
                document["quote"]["regularMarketPrice"] = price
                return document

            rig.venue.alter = altered
            await rig.leap(RECHECK_EVERY + 120.0)
            assert rig.newest() is held
            assert rig.rejected()["no price"] >= 1

    async def test_d5_gamma_is_computed_from_the_volatilities(self) -> None:
        async with rigged() as rig:
            await rig.whole()
            chain, truth = rig.newest(), rig.venue.market.chain(SPY)
        ours = build_board(chain)
        theirs = build_board(replace(truth, as_of=chain.as_of, rate=chain.rate))
        assert ours.totals.net_gex == theirs.totals.net_gex
        assert ours.totals.gross_gex is not None
        assert ours.totals.gross_gex > 1e8
        assert ours.levels == theirs.levels

    async def test_d6_adjusted_contracts_are_left_out_and_roots_kept_apart(self) -> None:
        async with rigged(SPX, started=False) as rig:
            truth = rig.venue.market.chain(SPX)

            def altered(document: dict[str, Any]) -> dict[str, Any]:
                calls = document["options"][0]["calls"]
                calls.append({**calls[0], "contractSymbol": calls[0]["contractSymbol"].replace("SPXW", "SPX1")})
                return document

            rig.venue.alter = altered
            rig.start()
            await rig.whole(SPX)
            chain = rig.newest(SPX)
        assert chain.roots == ("SPX", "SPXW")
        assert len(chain) == len(truth)
        assert chain.dropped["adjusted"] >= 5

    @pytest.mark.parametrize("time", [12_345, None, "soon", (TEN.timestamp() + 3600), TEN.timestamp() * 1000])
    async def test_d17_times_in_the_future_and_none_at_all(self, time: Any) -> None:
        async with rigged(started=False) as rig:

            def altered(document: dict[str, Any]) -> dict[str, Any]:
                document["quote"]["regularMarketTime"] = time
                return document

            rig.venue.alter = altered
            rig.start()
            await rig.whole()
            assert all(
                TEN <= chain.as_of <= TEN + timedelta(seconds=60) and chain.as_of_seconds <= rig.clock.now()
                for chain in rig.chains[SPY]
            )

    async def test_d7_crossed_quotes_solve_nothing(self) -> None:
        async with rigged(started=False) as rig:

            def altered(document: dict[str, Any]) -> dict[str, Any]:
                for expiry in document["options"]:
                    for contract in (*expiry["calls"], *expiry["puts"]):
                        contract["bid"], contract["ask"] = contract["ask"], contract["bid"]
                        contract["impliedVolatility"] = 0
                return document

            rig.venue.alter = altered
            rig.start()
            await rig.turn(45.0)
            assert rig.chains[SPY] == []
            assert said(rig).startswith("the source has wiped the implied volatilities")

    @pytest.mark.parametrize("body", [b'{"optionChain":{"result":[],"error":null}}', b'{"finance":{"result":null}}'])
    async def test_p20_an_empty_result_keeps_what_there_was(self, body: bytes) -> None:
        async with rigged() as rig:
            await rig.whole()
            held = rig.newest()
            for day in days_of(held):
                rig.venue.bodies["SPY", day] = body
            await rig.leap(RECHECK_EVERY + 240.0)
            assert rig.newest() is held
            assert rig.rejected()
            rig.venue.bodies.clear()
            await rig.leap(RECHECK_EVERY)
            assert len(rig.newest()) == len(held)
            assert rig.newest() is not held


class TestReset:
    """What Yahoo resets overnight."""

    async def test_d4_at_the_start_nothing_is_shown_until_it_is_good(self) -> None:
        async with rigged(start=at(2.0), started=False) as rig:
            rig.venue.wipe()
            rig.start()
            await rig.turn(60.0)
            assert rig.chains[SPY] == []
            assert (rig.status().state, said(rig)) == (
                State.DEGRADED,
                "Yahoo has reset its quotes and implied volatilities, as it does overnight",
            )
            count = rig.asked
            await rig.leap(RECHECK_EVERY)
            await rig.turn(60.0)
            assert rig.asked == 2 * count
            rig.venue.heal()
            await rig.leap(RECHECK_EVERY)
            await rig.whole()
            sane(rig.newest())
            assert rig.newest().notes == ()

    async def test_d4_open_interest_alone_at_the_start(self) -> None:
        async with rigged(start=at(2.0), started=False) as rig:
            rig.venue.wipe(quotes=False)
            rig.start()
            await rig.turn(60.0)
            assert rig.chains[SPY] == []
            assert rig.status().state is State.DEGRADED
            assert said(rig) == "no open interest yet: every contract's is 0, so there are no levels"

    @pytest.mark.parametrize("interest", [False, True])
    @pytest.mark.parametrize("quotes", [False, True])
    async def test_what_was_good_is_kept_and_its_age_is_told(self, interest: bool, quotes: bool) -> None:
        async with rigged(start=at(16.6, 19)) as rig:
            await rig.whole()
            held = rig.newest()
            market = RecordedMarket(replace(rig.venue.market.chain(SPY), volume=held.volume * 2))
            rig.venue.market = market
            rig.venue.wipe(interest=interest, quotes=quotes)
            await rig.leap(11.7 * 3600.0)  # past four
            chain = rig.newest()
        assert chain is not held
        living = rows_of(held, held.expiries[held.expiry] > at(4.3).timestamp())
        for column in ("strike", "is_call", "open_interest", "iv", "bid", "ask"):
            np.testing.assert_array_equal(getattr(chain, column), getattr(living, column), err_msg=column)
        np.testing.assert_array_equal(chain.volume, living.volume * 2)
        count = len(chain.expiries)
        days = days_of(chain)
        expected = []
        since = f"({days[0]} to {days[-1]}) are as read at 2026-11-19 21:36 UTC: Yahoo has reset them since."
        if quotes:
            expected.append(f"Quotes and implied volatilities of {count} expiries {since}")
        if interest:
            expected.append(f"Open interest of {count} expiries {since}")
        assert chain.notes == tuple(expected)
        assert not build_board(chain).wiped

    async def test_new_open_interest_is_taken_while_quotes_are_reset(self) -> None:
        async with rigged(start=at(16.6, 19)) as rig:
            await rig.whole()
            held = rig.newest()
            new = replace(rig.venue.market.chain(SPY), open_interest=np.round(held.open_interest * 1.2))
            rig.venue.market = RecordedMarket(new)
            rig.venue.wipe(interest=False)
            await rig.leap(11.7 * 3600.0)
            chain = rig.newest()
        np.testing.assert_array_equal(chain.open_interest, new.open_interest)
        np.testing.assert_array_equal(chain.iv, held.iv)
        [note] = chain.notes
        assert note.startswith("Quotes and implied volatilities of")

    async def test_some_expiries_alone(self) -> None:
        async with rigged(started=False) as rig:
            whole = rig.venue.market.chain(SPY)
            days = days_of(whole)
            reset = days[2:4]
            rig.venue.wipe(lambda day: day in reset)
            rig.start()
            await rig.turn(60.0, lambda: rig.chains[SPY] and len(rig.newest().expiries) == len(days) - 2)
            chain = rig.newest()
            assert days_of(chain) == [day for day in days if day not in reset]
            assert chain.notes == (
                f"Left out, because Yahoo has reset their quotes: 2 expiries ({reset[0]} to {reset[1]}).",
            )
            assert rig.status().state is State.DEGRADED
            left = f"{len(days) - 2} of {len(days)} expiries can be used"
            assert said(rig) == f"{left}; Yahoo has reset the others, or they cannot be read"
            rig.venue.heal()
            await rig.leap(RECHECK_EVERY)
            await rig.turn(120.0, lambda: rig.newest().notes == ())

    async def test_an_expiry_without_any_open_interest_is_told(self) -> None:
        async with rigged(started=False) as rig:
            new = days_of(rig.venue.market.chain(SPY))[4]
            rig.venue.wipe(lambda day: day == new, quotes=False)
            rig.start()
            await rig.whole()
            assert rig.newest().notes == (
                f"Yahoo gives no open interest for 1 expiries ({new}): just listed, or reset.",
            )

    @pytest.mark.parametrize("share", [0.5, 0.0])
    async def test_open_interest_that_has_halved_must_convince(self, share: float) -> None:
        async with rigged() as rig:
            await rig.whole()
            held = rig.newest()
            rig.venue.market = RecordedMarket(
                replace(rig.venue.market.chain(SPY), open_interest=np.floor(held.open_interest * share))
            )

            def seen() -> float:
                return float(np.nansum(rig.newest().open_interest))

            before = seen()
            for _ in range(2):
                await rig.leap(RECHECK_EVERY)
                await rig.turn(60.0)
                assert seen() == before
            await rig.leap(RECHECK_EVERY)
            await rig.turn(60.0)
            # Three readings of a day's session agree: it is true. None at all is never.
            assert (seen() < 0.6 * before) == (share > 0)


class TestTime:
    async def test_k6_a_half_day(self) -> None:
        half_day = date(2026, 11, 27)
        start = datetime(2026, 11, 27, 17, 57, tzinfo=UTC)
        async with rigged(start=start) as rig:
            await rig.whole()
            assert rig.newest().expiries[0] == start.timestamp() + 180.0
            await rig.turn(260.0, lambda: days_of(rig.newest())[0] > half_day)
            assert rig.clock.now() - start.timestamp() <= 191.0
            assert rig.status().state is State.CLOSED
            for chain in rig.chains[SPY]:
                board = build_board(chain)
                assert board.totals.net_gex is not None
                assert np.isfinite(board.totals.net_gex)

    async def test_k8_a_weekend_is_quiet(self) -> None:
        saturday = datetime(2026, 11, 21, 15, 0, tzinfo=UTC)
        async with rigged(start=saturday, market=still(SPY, start=saturday)) as rig:
            await rig.whole()
            asked, chains = rig.asked, len(rig.chains[SPY])
            await rig.leap(12 * 3600.0)
            assert (rig.asked, len(rig.chains[SPY])) == (asked, chains)
            assert (rig.status().state, said(rig)) == (State.CLOSED, "market closed, as of 16:00 New York Fri")

    async def test_n31_the_machine_slept(self) -> None:
        async with rigged() as rig:
            await rig.whole()
            asked, chains = rig.asked, len(rig.chains[SPY])
            rig.clock.suspend(7200.0)
            await rig.turn(60.0, lambda: rig.asked >= 2 * asked)
            assert len(rig.chains[SPY]) > chains
            assert rig.newest().as_of_seconds <= rig.clock.now()
