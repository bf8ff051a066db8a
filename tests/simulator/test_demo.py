"""The demo: the real sources read simulated venues, and the past fits what they read."""

from datetime import UTC, datetime, timedelta

import pytest

from gextui.desk import Desk
from gextui.exposure.change import ChangeState
from gextui.market.coin import CoinRatio, RatioSource
from gextui.market.ticker import KNOWN_TICKERS, Ticker, UnknownTickerError
from gextui.route import Route
from gextui.simulator.demo import BEFORE_THE_CLOSE, Demo, newest_close
from gextui.sources.source import SourceState
from tests.support.desk import running, until

START = datetime(2026, 11, 20, 19, 0, tzinfo=UTC)
"""A Friday, 14:00 in New York."""
BTC, IBIT = KNOWN_TICKERS["BTC"], KNOWN_TICKERS["IBIT"]


def usual(demo: Demo) -> dict[Ticker, Route]:
    """Whose chains each ticker gets unless the user chooses."""
    return {ticker: demo.route(ticker) for ticker in demo.known}


def test_everything_comes_through_the_venues_wire_formats() -> None:
    demo = Demo(3, start=START)
    with running(Desk(demo.sources, demo.open_history, routes=usual(demo))) as desk:
        until(lambda: all(_live(desk, ticker) for ticker in demo.known))
        for ticker in demo.known:
            view = desk.view(ticker)
            assert view is not None
            chain = view.board.chain
            assert chain.simulated
            assert chain.source == demo.sources_of(ticker)[0]
            assert abs(chain.as_of - START) <= timedelta(minutes=1)
            # The half hour before the start was recorded under the same source: it can be compared at once.
            states = [change.state for change in view.board.changes]
            assert states[2:] == [ChangeState.OK] * 3
        btc = desk.health(BTC).status
        assert btc.state is SourceState.LIVE
        assert {connection.name for connection in btc.connections} >= {"stream", "BTC polls"}


def test_a_coin_can_be_read_from_two_venues_at_once() -> None:
    demo = Demo(3, start=START)
    with running(Desk(demo.sources, demo.open_history, routes=usual(demo))) as desk:
        until(lambda: _live(desk, BTC))
        desk.choose({BTC: Route(("deribit", "bybit"), combine=True)})
        until(lambda: (view := desk.view(BTC)) is not None and len(view.board.chain.parts) == 2)
        view = desk.view(BTC)
        assert view is not None
        assert [part.name for part in view.board.chain.parts] == ["deribit", "bybit"]
        assert view.board.chain.simulated


def test_a_coin_etf_is_told_in_its_coin() -> None:
    demo = Demo(3, start=START)
    with running(Desk(demo.sources, demo.open_history, routes=usual(demo), etfs=demo.etfs)) as desk:
        until(lambda: _live(desk, IBIT) and _live(desk, BTC))
        share, coin = desk.view(IBIT), desk.view(BTC)
        assert share is not None
        assert coin is not None
        ratio = share.board.chain.coin_ratio
        assert ratio == CoinRatio(0.000567, RatioSource.HOLDINGS, datetime(2026, 11, 19, 21, tzinfo=UTC))
        assert ratio.in_coin(share.board.spot) == pytest.approx(coin.board.spot, rel=5e-3)
        # What was recorded before the first screen is told so too.
        desk.step(IBIT, -1)
        until(lambda: (view := desk.view(IBIT)) is not None and view.replay)
        past = desk.view(IBIT)
        assert past is not None
        assert past.board.chain.coin_ratio == ratio


@pytest.mark.parametrize(
    ("symbol", "source", "quiet"), [("SPY", "cboe", 60.0), ("BTC", "bybit", 5.0), ("BTC", "deribit", 5.0)]
)
def test_the_market_moves_whichever_venue_is_read(symbol: str, source: str, quiet: float) -> None:
    demo, ticker = Demo(3, start=START), KNOWN_TICKERS[symbol]
    with running(Desk(demo.sources, demo.open_history, routes={ticker: Route((source,))})) as desk:
        until(lambda: _live(desk, ticker))
        market, _ = demo.made()
        begun = market.now
        until(lambda: market.now > begun)
        assert market.now - begun < timedelta(seconds=quiet)


def test_the_first_venue_moves_the_market_and_the_others_look_on() -> None:
    demo = Demo(3, start=START)
    first, second = demo._market_for("cboe"), demo._market_for("deribit")
    begun = first.now
    first.step(5.0)
    second.step(5.0)
    demo._market_for("cboe").step(1.0)  # opened anew
    assert second.now - begun == timedelta(seconds=6)


async def test_it_knows_what_it_has_and_from_where() -> None:
    demo = Demo(3, start=START)
    assert await demo.find("SPX") is KNOWN_TICKERS["SPX"]
    with pytest.raises(UnknownTickerError, match=r"^the demo's market has no DOGE; it has BTC, ETH, "):
        await demo.find("DOGE")
    assert list(demo.sources_of(BTC)) == ["deribit", "bybit"]
    both = Route(("deribit", "bybit"), combine=True)
    assert demo.route(BTC, both) == both
    assert demo.route(KNOWN_TICKERS["SPX"], both) == Route(("cboe",))
    assert demo.route(KNOWN_TICKERS["SPY"]) == Route(("tastytrade",))


def _live(desk: Desk, ticker: Ticker) -> bool:
    """Whether a chain of the running market is shown, not one of its past."""
    state = desk.health(ticker).status.state
    return desk.view(ticker) is not None and state in (SourceState.LIVE, SourceState.DELAYED)


def test_the_same_seed_is_the_same_market() -> None:
    first, second = (_spots(Demo(5, start=START)) for _ in range(2))
    assert first == second
    assert first != _spots(Demo(6, start=START))


def _spots(demo: Demo) -> list[float]:
    market, _ = demo.made()
    return [market.chain(ticker).spot for ticker in demo.known]


def test_the_first_expiry_comes_within_minutes() -> None:
    market, _ = Demo(1).made()
    close = market.now + BEFORE_THE_CLOSE
    assert min(market.chain(KNOWN_TICKERS["SPY"]).expiries) == close.timestamp()


@pytest.mark.parametrize(
    ("now", "close"),
    [
        ("2026-11-28T17:00", "2026-11-27T18:00"),  # a Saturday: Friday's half day
        ("2026-11-20T09:00", "2026-11-20T21:00"),
        ("2026-11-26T20:00", "2026-11-25T21:00"),  # Thanksgiving
    ],
)
def test_it_starts_on_the_newest_trading_day(now: str, close: str) -> None:
    assert newest_close(datetime.fromisoformat(now).replace(tzinfo=UTC)) == datetime.fromisoformat(close).replace(
        tzinfo=UTC
    )
