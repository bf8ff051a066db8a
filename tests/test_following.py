"""Following another process's database: what is new is yielded, what is old is not, and who records is said."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from gextui import following
from gextui.config import Deribit, Settings, Sources, Storage
from gextui.desk import Desk
from gextui.exposure.board import build_board
from gextui.following import FollowingSource, open_to_follow
from gextui.live import LiveCatalogue, live_desk, retention_of
from gextui.market.calendar import NEW_YORK
from gextui.market.chain import OptionChain
from gextui.market.ticker import Ticker
from gextui.route import Recorded, Route
from gextui.sources.source import Source, SourceState
from gextui.store.database import StoreError
from gextui.store.retention import Retention
from gextui.store.store import Store
from tests.store.market import BTC, NOON, SPY, after, board_at, chain_at
from tests.support.clock import FakeClock
from tests.support.desk import ETH, running, until
from tests.support.waiting import eventually


@pytest.fixture(autouse=True)
def _look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "LOOK_EVERY", 0.01)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "gextui.db"


def as_source(source: FollowingSource) -> Source:
    """Holds for mypy alone: it is what the desk asks for."""
    return source


@asynccontextmanager
async def recorder(path: Path, *tickers: Ticker) -> AsyncIterator[Store]:
    """A store that records, as another process would: locks of one process keep its own out too."""
    store = await Store.open(path, tickers=tickers or [BTC])
    yield store
    await store.close()


class Follower:
    """A source that is being read, and what it has yielded."""

    def __init__(self, path: Path, *tickers: Ticker, clock: FakeClock | None = None) -> None:
        self.source = FollowingSource(path, tickers or [BTC], clock=clock)
        self.chains: list[OptionChain] = []

    async def __aenter__(self) -> "Follower":
        self._task = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _read(self) -> None:
        async for chain in self.source.chains():
            self.chains.append(chain)

    @property
    def instants(self) -> list[datetime]:
        return [chain.as_of for chain in self.chains]

    async def looked(self) -> None:
        """Wait for the first look: what is recorded from then on is new."""
        await eventually(lambda: self.source.status(self.source.tickers[0]).detail != "", "a look")

    async def state(self, state: SourceState, ticker: Ticker = BTC) -> str:
        """Wait for this state; what is said of it."""
        await eventually(lambda: self.source.status(ticker).state is state, str(state))
        return self.source.status(ticker).detail


class TestChains:
    async def test_what_is_recorded_from_now_on(self, path: Path) -> None:
        async with recorder(path) as store:
            for second in range(3):
                await store.record(board_at(after(second)))
            async with Follower(path) as follower:
                await follower.state(SourceState.LIVE)
                assert follower.chains == []
                await store.record(board_at(after(10)))
                await eventually(lambda: len(follower.chains) == 1)
                await store.record(board_at(after(11)))
                await eventually(lambda: len(follower.chains) == 2)
            assert follower.instants == [after(10), after(11)]

    async def test_only_the_newest_of_several(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        clock = FakeClock()
        async with recorder(path) as store, Follower(path, clock=clock) as follower:
            await eventually(lambda: clock.next_wake is not None)
            for second in range(5):
                await store.record(board_at(after(second)))
            await clock.advance(0.01)
            await eventually(lambda: bool(follower.chains))
            assert follower.instants == [after(4)]

    async def test_each_ticker_by_itself(self, path: Path) -> None:
        newest = {(BTC, after(2)), (SPY, after(0))}
        async with recorder(path, BTC, SPY) as store, Follower(path, BTC, SPY) as follower:
            await follower.looked()
            await store.record(board_at(after(1)))
            await store.record(board_at(after(0), ticker=SPY, source="cboe"))
            await store.record(board_at(after(2)))
            await eventually(lambda: {(chain.ticker, chain.as_of) for chain in follower.chains} >= newest)

    async def test_a_ticker_that_the_recorder_names_differently(self, path: Path) -> None:
        async with recorder(path) as store, Follower(path) as follower:
            await follower.looked()
            await store.record(board_at(NOON, ticker=replace(BTC, name="bitcoin")))
            await eventually(lambda: bool(follower.chains))
            assert follower.chains[0].ticker == BTC

    async def test_nothing_of_tickers_that_nobody_asked_for(self, path: Path) -> None:
        async with recorder(path, BTC, SPY) as store, Follower(path) as follower:
            await follower.looked()
            await store.record(board_at(after(0), ticker=SPY, source="cboe"))
            await store.record(board_at(after(1)))
            await eventually(lambda: bool(follower.chains))
            assert [chain.ticker for chain in follower.chains] == [BTC]

    async def test_a_new_file_in_the_place_of_the_old_one_is_followed(self, path: Path) -> None:
        async with recorder(path) as store:
            await store.record(board_at(after(0)))
            async with Follower(path) as follower:
                await follower.state(SourceState.LIVE)
                for file in path.parent.glob("gextui.db*"):
                    file.rename(file.with_name(f"old-{file.name}"))
                async with recorder(path) as new:
                    await new.record(board_at(after(60)))
                    await eventually(lambda: follower.instants == [after(60)])

    async def test_a_recorder_that_has_just_started_is_given_time_to_make_the_file(self, path: Path) -> None:
        async with Follower(path) as follower, recorder(path) as store:
            await follower.looked()
            await store.record(board_at(NOON))
            await eventually(lambda: follower.instants == [NOON])

    async def test_where_there_is_no_file_that_is_said_in_the_end(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(following, "_WRITER_TAKES", 0.1)
        with pytest.raises(StoreError, match="nothing has been recorded yet"):
            await anext(FollowingSource(path, [BTC]).chains())

    async def test_it_writes_nothing_and_keeps_nobody_out(self, path: Path) -> None:
        async with recorder(path) as store:
            await store.record(board_at(NOON))
        before = {file.name: file.read_bytes() for file in path.parent.iterdir()}
        async with Follower(path) as follower:
            await follower.state(SourceState.DEGRADED)
            assert {file.name: file.read_bytes() for file in path.parent.iterdir() if file.name in before} == before
            async with recorder(path) as store:
                assert store.refused is None

    async def test_tickers_are_followed_and_let_go_while_it_runs(self, path: Path) -> None:
        async with recorder(path, BTC, SPY) as store, Follower(path) as follower:
            await follower.looked()
            await store.record(board_at(after(0), ticker=SPY, source="cboe"))
            follower.source.carry([SPY])
            assert follower.source.status(BTC).state is SourceState.DISABLED
            await eventually(lambda: follower.source.status(SPY).detail != "", "a look")
            await store.record(board_at(after(1)))
            await store.record(board_at(after(1), ticker=SPY, source="cboe"))
            await eventually(lambda: bool(follower.chains))
            assert [(chain.ticker, chain.as_of) for chain in follower.chains] == [(SPY, after(1))]


class TestStatus:
    async def test_who_records_is_named(self, path: Path) -> None:
        async with recorder(path) as store, Follower(path) as follower:
            before = follower.source.status(BTC)
            assert (before.state, before.name, before.detail) == (SourceState.CONNECTING, "recorder", "")
            await follower.looked()
            await store.record(board_at(NOON))
            detail = await follower.state(SourceState.LIVE)
            assert detail.startswith(f"recorded by process {os.getpid()} on ")
            status = follower.source.status(BTC)
            assert status.name == f"recorder {os.getpid()}"
            [connection] = status.connections
            await eventually(lambda: follower.source.status(BTC).connections[0].messages == 1)
            assert (connection.name, connection.state) == ("database", "live")

    async def test_a_recorder_that_ends_and_one_that_takes_over(self, path: Path) -> None:
        async with recorder(path) as store:
            await store.record(board_at(NOON))
            follower = Follower(path)
            await follower.__aenter__()
            await follower.state(SourceState.LIVE)
        detail = await follower.state(SourceState.DEGRADED)
        assert detail == "nobody records to gextui.db now; run `gextui record`, or gextui anew"
        async with recorder(path):
            await follower.state(SourceState.LIVE)
        await follower.__aexit__()

    async def test_a_ticker_that_is_not_recorded(self, path: Path) -> None:
        async with recorder(path, BTC), Follower(path, BTC, ETH) as follower:
            await follower.looked()
            detail = await follower.state(SourceState.DEGRADED, ETH)
            assert detail.endswith(" does not record ETH; run gextui anew to read it live")

    async def test_delayed_readings_and_closed_markets(self, path: Path) -> None:
        late = build_board(replace(chain_at(NOON, ticker=SPY, source="cboe"), delay=900.0))
        async with recorder(path, SPY) as store:
            await store.record(late)
            for local, state in (
                ("2026-11-20 08:00", SourceState.CLOSED),
                ("2026-11-20 10:00", SourceState.CLOSED),  # a source may take half an hour for its first reading
                ("2026-11-20 10:30", SourceState.DELAYED),
                ("2026-11-20 16:29", SourceState.DELAYED),  # quotes are those of 16:14
                ("2026-11-20 17:40", SourceState.CLOSED),  # its price goes on, its options do not
                ("2026-11-21 11:00", SourceState.CLOSED),
            ):
                at = datetime.fromisoformat(local).replace(tzinfo=NEW_YORK).timestamp()
                async with Follower(path, SPY, clock=FakeClock(at)) as follower:
                    await follower.state(state, SPY)

    async def test_the_interval_is_what_the_recorder_says(self, path: Path) -> None:
        """Between its first readings may lie a night, of which no interval tells."""
        async with recorder(path) as store:
            await store.record(board_at(after(0)))
            async with Follower(path) as follower:
                await follower.state(SourceState.LIVE)
                assert follower.source.status(BTC).interval == 60.0
                for told, interval in ((1800.0, 1800.0), (15.0, 15.0)):
                    await store.announce({BTC: Recorded("", told)})
                    await eventually(lambda interval=interval: follower.source.status(BTC).interval == interval)  # type: ignore[misc]


class TestDesk:
    def test_the_recorded_past_is_shown_at_once_with_its_age_and_new_readings_as_they_come(self, path: Path) -> None:
        clock = FakeClock(after(600).timestamp())

        async def fill(*seconds: int) -> None:
            store = await Store.open(path, tickers=[BTC])
            for second in seconds:
                await store.record(board_at(after(second)))
            await store.close()

        asyncio.run(fill(0, 1))
        source = FollowingSource(path, [BTC])

        async def history() -> Store:
            return await open_to_follow(path)

        with running(Desk([source], history, record=False, clock=clock)) as desk:
            until(lambda: desk.view(BTC) is not None)
            assert desk.health(BTC).age == 599.0
            assert desk.health(BTC).recording == "not recorded"
            asyncio.run(fill(590))
            until(lambda: (view := desk.view(BTC)) is not None and view.board.as_of == after(590))
            assert desk.health(BTC).age == 0.0
            desk.step(BTC, -1)
            until(lambda: (view := desk.view(BTC)) is not None and view.replay and view.board.as_of == after(1))


class TestLive:
    """Who reads what, where the settings and the lock are as they are."""

    @pytest.fixture
    def settings(self, path: Path) -> Settings:
        return Settings(storage=Storage(path=str(path)), sources=Sources())

    def desk(self, settings: Settings, *tickers: Ticker) -> Desk:
        catalogue = LiveCatalogue(settings)
        return live_desk(settings, {ticker: catalogue.route(ticker) for ticker in tickers})

    def sources(self, desk: Desk) -> dict[str, str]:
        return {ticker.symbol: desk.health(ticker).status.name for ticker in desk.tickers}

    def test_alone_it_reads_the_venue(self, settings: Settings) -> None:
        assert self.sources(self.desk(settings, ETH, BTC)) == {"ETH": "deribit", "BTC": "deribit"}

    async def test_what_is_recorded_elsewhere_is_followed_in_the_order_asked_for(
        self, settings: Settings, path: Path
    ) -> None:
        async with recorder(path, BTC):
            desk = self.desk(settings, BTC, ETH)
            assert list(self.sources(desk).items()) == [("BTC", "recorder"), ("ETH", "deribit")]
            assert self.sources(self.desk(settings, BTC)) == {"BTC": "recorder"}
        async with recorder(path, SPY):
            assert self.sources(self.desk(settings, BTC)) == {"BTC": "deribit"}

    async def test_beside_a_recorder_a_choice_of_sources_waits_until_that_has_ended(
        self, settings: Settings, path: Path
    ) -> None:
        chosen = Route(("bybit", "deribit"))
        async with recorder(path, BTC):
            catalogue = LiveCatalogue(settings)
            assert catalogue.route(BTC, chosen) == Route(("recorder",))
            assert catalogue.route(ETH, chosen) == chosen
            assert catalogue.fixed(BTC).endswith("records BTC, and decides from which sources")
            assert catalogue.fixed(ETH) == ""
            assert (catalogue.shifts, catalogue.remark) == (True, "")
        assert catalogue.route(BTC, chosen) == chosen
        assert catalogue.fixed(BTC) == ""
        assert catalogue.remark.startswith("nobody records now: tickers are read from the venues")
        async with recorder(path, BTC):
            assert catalogue.route(BTC) == Route(("recorder",))
            assert catalogue.remark == ""

    async def test_who_records_follows_nobody(self, settings: Settings, path: Path) -> None:
        catalogue = LiveCatalogue(settings)
        async with recorder(path, BTC):
            assert catalogue.route(BTC) == Route(("deribit",))
            assert (catalogue.shifts, catalogue.remark, catalogue.fixed(BTC)) == (False, "", "")

    async def test_what_the_recorder_doubts_is_doubted(self, settings: Settings, path: Path) -> None:
        async with recorder(path, BTC) as store:
            await store.record(board_at(after(0)))
            with running(self.desk(settings, BTC)) as desk:
                await eventually(lambda: desk.health(BTC).status.state is SourceState.LIVE)
                await store.announce({BTC: Recorded("deribit degraded: open interest is 61 s old", 1.0)})
                await eventually(lambda: desk.health(BTC).status.state is SourceState.DEGRADED)
                detail = desk.health(BTC).status.detail
                assert detail.startswith("deribit degraded: open interest is 61 s old (recorded by process ")
                await store.announce({BTC: Recorded("", 1.0)})
                await eventually(lambda: desk.health(BTC).status.state is SourceState.LIVE)

    async def test_a_ticker_is_followed_from_when_it_is_chosen_and_let_go_again(
        self, settings: Settings, path: Path
    ) -> None:
        async with recorder(path, BTC, SPY) as store:
            await store.record(board_at(after(0)))
            await store.record(board_at(after(0), ticker=SPY, source="cboe"))
            with running(self.desk(settings, BTC)) as desk:
                await eventually(lambda: desk.health(BTC).status.state is SourceState.LIVE)
                desk.choose({SPY: Route(("recorder",)), BTC: Route(("recorder",))})
                await eventually(lambda: (view := desk.view(SPY)) is not None and view.board.as_of == after(0))
                await store.record(board_at(after(10), ticker=SPY, source="cboe"))
                await eventually(lambda: (view := desk.view(SPY)) is not None and view.board.as_of == after(10))
                desk.choose({SPY: Route(("recorder",))})
                await store.record(board_at(after(20), ticker=SPY, source="cboe"))
                await eventually(lambda: (view := desk.view(SPY)) is not None and view.board.as_of == after(20))
                assert desk.tickers == (SPY,)
                assert desk.view(BTC) is None

    def test_the_database_remembers_as_long_as_the_settings_say(self) -> None:
        storage = Storage(levels_days=3, chains_hours=5, chains_days=7, max_gb=0.5)
        assert retention_of(storage) == Retention(levels_days=3, chains_hours=5, chains_days=7, max_gb=0.5)

    @pytest.mark.parametrize("elsewhere", [False, True])
    async def test_a_desk_that_records_says_what_and_how_long_and_one_that_follows_only_reads(
        self, path: Path, monkeypatch: pytest.MonkeyPatch, elsewhere: bool
    ) -> None:
        nowhere = Deribit(rest_url="http://127.0.0.1:9/api/v2", ws_url="ws://127.0.0.1:9/ws")
        settings = Settings(storage=Storage(path=str(path), levels_days=3), sources=Sources(deribit=nowhere))
        opened: list[dict[str, object]] = []

        async def note(path: Path, **options: object) -> Store:
            opened.append(options)
            raise StoreError("enough", os.EX_IOERR)

        async with AsyncExitStack() as stack:
            if elsewhere:
                await stack.enter_async_context(recorder(path, BTC))
            monkeypatch.setattr(Store, "open", note)
            with running(self.desk(settings, ETH, BTC)):
                await eventually(lambda: bool(opened))
        alone = {"tickers": [ETH, BTC], "retention": Retention(levels_days=3)}
        assert opened[0] == ({"read_only": True} if elsewhere else alone)
