"""Which tickers run live, and from which sources."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gextui.config import Secrets, Settings, TickerChoice
from gextui.live import route_for
from gextui.market.ticker import KNOWN_TICKERS
from gextui.route import Route
from tests.cli import run
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
    settings.write_text(settings.read_text() + NOBODY.format("cboe"))
    done = run("--config", settings, "BTC", "XRPP", environment=cached)
    assert (done.returncode, done.stdout) == (69, "")
    assert done.stderr == (
        "gextui: nobody who can be asked (Cboe cannot be asked: 127.0.0.1 refuses the connection) lists options on "
        "XRPP; did you mean XRP?\n"
    )


def test_venues_that_cannot_be_asked_are_named(tmp_path: Path, cached: dict[str, str]) -> None:
    path = tmp_path / "config.toml"
    path.write_text(NOBODY.format("deribit") + NOBODY.format("cboe"))
    done = run("--config", path, "DOGE", environment=cached)
    assert done.returncode == 69
    assert done.stderr == (
        "gextui: DOGE is unknown here, and Deribit cannot be asked: 127.0.0.1 refuses the connection; "
        "Cboe cannot be asked: 127.0.0.1 refuses the connection\n"
    )


class TestRoutes:
    def test_coins_come_from_deribit_and_the_rest_from_those_that_need_no_account(self) -> None:
        assert route_for(Settings(), KNOWN_TICKERS["ETH"]) == Route(("deribit",))
        assert route_for(Settings(), KNOWN_TICKERS["SPX"]) == Route(("cboe", "yahoo"))

    def test_tradier_comes_first_where_there_is_a_token(self) -> None:
        settings = Settings(secrets=Secrets(tradier_token_file="~/token"))
        assert route_for(settings, KNOWN_TICKERS["SPX"]) == Route(("tradier", "cboe", "yahoo"))

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
