"""Which tickers run live, and from which sources."""

import json
import signal
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from gextui.config import Secrets, Settings, TickerChoice
from gextui.desk import Desk
from gextui.live import LiveCatalogue, _may_come, route_for
from gextui.market.ticker import KNOWN_TICKERS
from gextui.route import Route
from gextui.store.codec import microseconds
from tests.cli import run
from tests.support.desk import BTC, FedSource, chain_at, until, until_shown
from tests.support.desk import running as running_desk
from tests.support.recording import readings, recording, rows
from tests.support.venue import RunningVenue, running_venue


@pytest.fixture(scope="module")
def venue() -> Iterator[RunningVenue]:
    with running_venue("BTC", "SOL") as running:
        yield running


@pytest.fixture
def settings(venue: RunningVenue, tmp_path: Path) -> Path:
    return venue.write_settings(tmp_path)


@pytest.fixture
def cached(tmp_path: Path) -> dict[str, str]:
    """A cache folder of the test's own."""
    return {"XDG_CACHE_HOME": str(tmp_path / "cache")}


NOBODY = '[sources.{}]\nrest_url = "http://127.0.0.1:9"\n'


def test_an_unknown_ticker_is_said_to_be_one(settings: Path, cached: dict[str, str]) -> None:
    settings.write_text(settings.read_text() + NOBODY.format("bybit") + NOBODY.format("cboe"))
    done = run("--config", settings, "BTC", "XRPP", environment=cached)
    assert (done.returncode, done.stdout) == (69, "")
    assert done.stderr == (
        "gextui: nobody who can be asked (Bybit cannot be asked: 127.0.0.1 refuses the connection; "
        "Cboe cannot be asked: 127.0.0.1 refuses the connection) lists options on XRPP; did you mean XRP?\n"
    )


def test_venues_that_cannot_be_asked_are_named(tmp_path: Path, cached: dict[str, str]) -> None:
    path = tmp_path / "config.toml"
    path.write_text("".join(map(NOBODY.format, ("deribit", "bybit", "cboe"))))
    done = run("--config", path, "DOGE", environment=cached)
    assert done.returncode == 69
    assert done.stderr == (
        "gextui: DOGE is unknown here, and Deribit cannot be asked: 127.0.0.1 refuses the connection; "
        "Bybit cannot be asked: 127.0.0.1 refuses the connection; "
        "Cboe cannot be asked: 127.0.0.1 refuses the connection\n"
    )


class TestRoutes:
    def test_coins_come_from_deribit_and_the_rest_from_those_that_need_no_account(self) -> None:
        assert route_for(Settings(), KNOWN_TICKERS["ETH"]) == Route(("deribit",))
        assert route_for(Settings(), KNOWN_TICKERS["SPX"]) == Route(("cboe", "yahoo"))

    def test_tradier_comes_first_where_there_is_a_token(self) -> None:
        settings = Settings(secrets=Secrets(tradier_token_file="~/token"))
        assert route_for(settings, KNOWN_TICKERS["SPX"]) == Route(("tradier", "cboe", "yahoo"))

    def test_tastytrade_comes_before_all_where_there_are_both_of_its_credentials(self) -> None:
        half = Secrets(tastytrade_refresh_token_file="~/token")
        assert route_for(Settings(secrets=half), KNOWN_TICKERS["SPX"]) == Route(("cboe", "yahoo"))
        both = Secrets(
            tradier_token_file="~/token",
            tastytrade_client_secret_file="~/secret",
            tastytrade_refresh_token_file="~/token",
        )
        order = ("tastytrade", "tradier", "cboe", "yahoo")
        assert route_for(Settings(secrets=both), KNOWN_TICKERS["SPX"]) == Route(order)
        assert list(LiveCatalogue(Settings(secrets=both)).sources_of(KNOWN_TICKERS["SPY"])) == list(order)
        assert list(LiveCatalogue(Settings(secrets=half)).sources_of(KNOWN_TICKERS["SPY"])) == ["cboe", "yahoo"]

    def test_the_settings_have_the_last_word(self) -> None:
        settings = Settings(tickers={"BTC": TickerChoice(("deribit", "bybit"), combine=True)})
        assert route_for(settings, KNOWN_TICKERS["BTC"]) == Route(("deribit", "bybit"), combine=True)


@pytest.mark.parametrize("symbols", [(), ("BTC", "SPX"), ("avax",)])
def test_what_is_known_here_asks_nobody(symbols: tuple[str, ...], tmp_path: Path, cached: dict[str, str]) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[sources.deribit]\nrest_url = "http://127.0.0.1:9"\n')
    done = run("--config", path, *symbols, environment=cached)
    assert done.returncode == 64
    assert "the dashboard needs a terminal" in done.stderr


class TestSnapshot:
    def test_one_reading_a_ticker_in_the_order_they_are_named(self, settings: Path, cached: dict[str, str]) -> None:
        done = run("--config", settings, "snapshot", "SOL", "BTC", "--json", "--expiry", "front", environment=cached)
        assert (done.returncode, done.stderr) == (0, "")
        documents = json.loads(done.stdout)
        assert [document["ticker"] for document in documents] == ["SOL", "BTC"]
        for document in documents:
            assert document["source"] == "deribit"
            assert document["simulated"] is True
            assert document["filters"]["expiry"] == "front"
            assert len(document["by_expiry"]) == 1
            assert document["totals"]["gross_gex"] > 0

    def test_nothing_is_recorded(self, settings: Path, cached: dict[str, str]) -> None:
        assert run("--config", settings, "snapshot", "BTC", "--line", environment=cached).returncode == 0
        assert not list(settings.parent.glob("gextui.*"))

    def test_what_its_source_says_is_wrong_is_a_warning(
        self, venue: RunningVenue, settings: Path, cached: dict[str, str]
    ) -> None:
        venue.do(lambda deribit: deribit.refuse("markprice.options.btc_usd"))
        done = run("--config", settings, "snapshot", "BTC", "--json", environment=cached)
        venue.do(lambda deribit: deribit.refuse())
        assert json.loads(done.stdout)["warnings"] == [
            "deribit degraded: not subscribed to markprice.options.btc_usd: the venue left it out"
        ]

    def test_it_is_of_now_though_a_reading_of_a_moment_ago_is_recorded(
        self, settings: Path, cached: dict[str, str]
    ) -> None:
        with recording(settings, "BTC") as recorder:
            recorder.until_it_says("deribit live")
            until(lambda: readings(settings.parent / "gextui.db", "BTC") > 0)
            assert recorder.end(signal.SIGTERM) == 0
        [(newest,)] = rows(settings.parent / "gextui.db", "SELECT max(ts) FROM level")
        done = run("--config", settings, "snapshot", "BTC", "--json", environment=cached)
        assert done.returncode == 0
        assert microseconds(datetime.fromisoformat(json.loads(done.stdout)["as_of"])) > newest

    @pytest.mark.parametrize("combine", [False, True], ids=["in order", "combined"])
    def test_what_another_source_gives_is_waited_for(
        self, settings: Path, cached: dict[str, str], combine: bool
    ) -> None:
        settings.write_text(
            settings.read_text()
            + NOBODY.format("bybit")
            + 'ws_url = "ws://127.0.0.1:9"\n'
            + f'[tickers.BTC]\nsources = ["bybit", "deribit"]\ncombine = {str(combine).lower()}\n'
        )
        done = run("--config", settings, "snapshot", "BTC", "--json", environment=cached)
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        assert found["source"] == "deribit"
        substitution = [words for words in found["warnings"] if words.startswith("deribit instead of bybit: 127.0.0.1")]
        assert bool(substitution) is not combine

    def test_a_venue_that_cannot_be_reached(self, tmp_path: Path, cached: dict[str, str]) -> None:
        path = tmp_path / "config.toml"
        path.write_text(
            '[sources.deribit]\nrest_url = "http://127.0.0.1:9"\nws_url = "ws://127.0.0.1:9"\n'
            f'[storage]\npath = "{tmp_path / "gextui.db"}"\n'
        )
        done = run("--config", path, "snapshot", "BTC", environment=cached)
        assert (done.returncode, done.stdout) == (69, "")
        assert done.stderr == "gextui: BTC: 127.0.0.1 refuses the connection\n"


class TestCredentials:
    def test_one_that_others_can_read_is_refused(self, tmp_path: Path) -> None:
        token = tmp_path / "token"
        token.write_text("secret-token")
        token.chmod(0o644)
        path = tmp_path / "config.toml"
        path.write_text(f'[secrets]\ntradier_token_file = "{token}"\n')
        done = run("--config", path, "snapshot", "SPX")
        assert (done.returncode, done.stdout) == (77, "")
        assert done.stderr == f"gextui: {token} can be read by others; run: chmod 600 {token}\n"

    def test_one_that_is_not_to_be_had(self, tmp_path: Path) -> None:
        path = tmp_path / "config.toml"
        path.write_text('[secrets]\ntradier_token_command = ["false"]\n')
        done = run("--config", path, "record", "SPX")
        assert (done.returncode, done.stdout) == (78, "")
        assert done.stderr.startswith("gextui: tradier_token_command failed with exit code 1")


def test_a_reading_waits_for_the_whole_of_a_chain() -> None:
    source = FedSource()
    with running_desk(Desk([source])) as desk:
        source.feed(replace(chain_at(0, 100.0), partial=True))
        until_shown(desk, 100.0)
        assert _may_come(desk, BTC, Route(("fed",)), 1.0)
        source.feed(chain_at(1, 101.0))
        until_shown(desk, 101.0)
        assert not _may_come(desk, BTC, Route(("fed",)), 1.0)
