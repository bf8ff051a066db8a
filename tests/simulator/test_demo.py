"""The demo: the real Deribit source reads the simulated venue, and the past fits what it reads."""

from datetime import UTC, datetime, timedelta

from gextui.desk import Desk
from gextui.exposure.change import ChangeState
from gextui.market.ticker import KNOWN_TICKERS, Kind
from gextui.simulator.demo import BEFORE_THE_EXPIRY, Demo
from gextui.sources.source import SourceState
from tests.support.desk import running, until

START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def test_coins_come_through_the_venue_and_the_rest_off_the_same_market() -> None:
    demo = Demo(3, start=START)
    with running(Desk(demo.sources, demo.open_history, routes=demo.routes)) as desk:
        until(lambda: all(_live(desk, ticker.symbol) for ticker in demo.routes))
        for ticker in demo.routes:
            view = desk.view(ticker)
            assert view is not None
            chain = view.board.chain
            assert chain.simulated
            assert chain.source == ("deribit" if ticker.kind is Kind.COIN else "simulator")
            assert timedelta(0) <= chain.as_of - START < timedelta(minutes=1)
            # The half hour before the start was recorded under the same source: it can be compared at once.
            assert [change.state for change in view.board.changes] == [ChangeState.OK] * 5
        btc = desk.health(KNOWN_TICKERS["BTC"]).status
        assert btc.state is SourceState.LIVE
        assert {connection.name for connection in btc.connections} >= {"stream", "BTC polls"}


def _live(desk: Desk, symbol: str) -> bool:
    """Whether a chain of the running market is shown, not one of its past."""
    view = desk.view(KNOWN_TICKERS[symbol])
    return view is not None and view.board.as_of >= START


def test_the_same_seed_is_the_same_market() -> None:
    first, second = (_spots(Demo(5, start=START)) for _ in range(2))
    assert first == second
    assert first != _spots(Demo(6, start=START))


def _spots(demo: Demo) -> list[float]:
    market, _ = demo.market.made()
    return [market.chain(ticker).spot for ticker in demo.routes]


def test_the_first_expiry_comes_within_minutes() -> None:
    market, _ = Demo(1).market.made()
    assert (market.now + BEFORE_THE_EXPIRY).timetz().isoformat() == "08:00:00+00:00"
