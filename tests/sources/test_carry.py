"""What the live venue sources carry is changed while they run, and those that stay notice nothing."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import pytest

from gextui.market.ticker import Kind, Ticker
from gextui.sources.source import SourceState
from tests.support import bybit, deribit
from tests.support.rig import BTC, ETH, NOON, SOL, XRP, FewExpiries

ALL = (BTC, ETH, SOL, XRP)
Rig = bybit.Rig | deribit.Rig
Rigged = Callable[..., AbstractAsyncContextManager[Rig]]


@pytest.fixture(params=[deribit.rigged, bybit.rigged], ids=["deribit", "bybit"])
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    """A venue of four coins, and a source of BTC and SOL that does not run yet."""
    rigged: Rigged = request.param
    async with rigged(BTC, SOL, market=FewExpiries(3, NOON, ALL), started=False) as rig:
        yield rig


def topics(rig: Rig) -> set[str]:
    """What is subscribed to, on any connection."""
    if isinstance(rig, bybit.Rig):
        return rig.topics()
    return {channel for session in rig.venue.sessions for channel in session.channels}


def of(rig: Rig, coin: str) -> set[str]:
    """Of that, what concerns a coin; not what concerns a whole venue or currency."""
    return {topic for topic in topics(rig) if coin in topic.upper() and not topic.startswith("instrument.state")}


async def settled(rig: Rig, *coins: str) -> None:
    """Return once these coins are live and everything is subscribed."""
    await rig.live(*(ticker for ticker in ALL if ticker.symbol in coins))
    await rig.turn(3.0)


async def test_a_coin_is_added(rig: Rig) -> None:
    rig.start()
    await settled(rig, "BTC", "SOL")
    before, chains = {coin: of(rig, coin) for coin in ("BTC", "SOL")}, len(rig.chains[BTC])
    sessions, asked, polls = list(rig.venue.sessions), len(rig.venue.subscribed), len(rig.venue.asked)
    rig.source.carry([ETH, BTC, SOL, XRP])
    assert rig.source.tickers == (ETH, BTC, SOL, XRP)
    assert rig.status(XRP).state is SourceState.CONNECTING
    await rig.turn(5.0, lambda: rig.is_live(ETH) and rig.is_live(XRP))
    await rig.turn(3.0)
    assert rig.chains[ETH]
    assert rig.chains[XRP]
    assert rig.venue.sessions[: len(sessions)] == sessions, "no connection was made anew"
    again = {topic for request in rig.venue.subscribed[asked:] for topic in request}
    assert not again & (before["BTC"] | before["SOL"])
    assert of(rig, "BTC") >= {topic for topic in before["BTC"] if not topic.startswith("ticker.")}
    assert len(rig.chains[BTC]) - chains >= 3
    assert len([name for _, name in rig.venue.asked[polls:] if name != "ws"]) <= 14


async def test_a_coin_is_let_go(rig: Rig) -> None:
    rig.start()
    await settled(rig, "BTC", "SOL")
    kept, asked = rig.venue.connects, len(rig.venue.subscribed)
    rig.source.carry([SOL])
    assert (rig.status(BTC).state, rig.status(BTC).detail) == (SourceState.DISABLED, "BTC is not read here")
    assert rig.status(BTC).connections == ()
    rig.source.refresh(BTC)
    chains = len(rig.chains[BTC])
    assert rig.is_live(SOL)
    await rig.turn(3.0)
    assert len(rig.chains[BTC]) == chains
    assert of(rig, "BTC") == set()
    assert of(rig, "SOL")
    polled = rig.venue.calls.copy()
    await rig.turn(20.0)
    assert rig.is_live(SOL)
    assert rig.venue.connects == kept
    assert not any("BTC" in topic for request in rig.venue.subscribed[asked:] for topic in request)
    summaries = "public/get_book_summary_by_currency", "v5/market/tickers"
    assert sum(rig.venue.calls[name] - polled[name] for name in summaries) <= 2, "one coin is polled, not two"


async def test_without_a_coin_it_idles(rig: Rig) -> None:
    rig.source.carry([])
    rig.start()
    await rig.turn(30.0)
    assert rig.venue.asked == []
    rig.source.carry([BTC])
    await settled(rig, "BTC")
    rig.source.carry([])
    await rig.turn(1.0)
    assert rig.venue.sessions == []
    asked, chains = len(rig.venue.asked), len(rig.chains[BTC])
    await rig.turn(60.0)
    assert len(rig.venue.asked) == asked
    assert len(rig.chains[BTC]) == chains
    rig.source.carry([ETH, BTC])
    await settled(rig, "BTC", "ETH")
    assert len(rig.chains[BTC]) > chains


async def test_before_it_runs(rig: Rig) -> None:
    rig.source.carry([ETH])
    assert rig.status(ETH).state is SourceState.CONNECTING
    assert rig.status(SOL).state is SourceState.DISABLED
    rig.start()
    await settled(rig, "ETH")
    assert set(rig.chains) == {ETH}


async def test_let_go_and_back_at_once(rig: Rig) -> None:
    rig.start()
    await settled(rig, "BTC", "SOL")
    rig.source.carry([SOL])
    rig.source.carry([])
    rig.source.carry([BTC, SOL])
    assert not rig.is_live(BTC), "nothing is known of it yet"
    chains = len(rig.chains[BTC])
    await rig.turn(15.0, lambda: rig.is_live(BTC) and rig.is_live(SOL))
    await rig.turn(3.0)
    assert len(rig.chains[BTC]) > chains
    assert of(rig, "BTC")
    assert of(rig, "SOL")


async def test_what_the_venue_does_not_list_is_told_so_at_once_where_that_is_known(rig: Rig) -> None:
    nothing = Ticker("ZZZ", "", Kind.COIN, "deribit")
    rig.start()
    await settled(rig, "BTC", "SOL")
    rig.source.carry([BTC, SOL, nothing])
    await rig.turn(3.0, lambda: rig.status(nothing).state is SourceState.DISABLED)
    assert "lists no options on ZZZ" in rig.status(nothing).detail
    assert rig.is_live(BTC)
