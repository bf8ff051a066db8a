"""Which tickers run live: those known here, and whatever coin Deribit lists."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gextui import live
from gextui.config import Deribit, Settings, Sources
from gextui.market.ticker import Kind, Ticker
from gextui.sources.deribit_currency import kept_instruments
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


def test_an_unknown_ticker_is_told_what_deribit_lists(settings: Path, cached: dict[str, str]) -> None:
    done = run("--config", settings, "BTC", "DOGE", environment=cached)
    assert (done.returncode, done.stdout) == (69, "")
    assert done.stderr == "gextui: no live source gives DOGE yet; Deribit lists options on BTC, ETH, SOL\n"


def test_a_venue_that_cannot_be_asked_is_named(tmp_path: Path, cached: dict[str, str]) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[sources.deribit]\nrest_url = "http://127.0.0.1:9"\n')
    done = run("--config", path, "DOGE", environment=cached)
    assert done.returncode == 69
    assert done.stderr == (
        "gextui: DOGE is unknown here, and Deribit cannot be asked what it lists: 127.0.0.1 refuses the connection\n"
    )


def test_a_coin_that_deribit_lists_is_one_whatever_is_known_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "http://127.0.0.1:9"
    names = ["DOGE_USDC-27NOV26-0d2-C", "SOL_USDC-27NOV26-140-C"]
    asyncio.run(kept_instruments(url, tmp_path).write("USDC", names, time.time()))
    monkeypatch.setattr(live, "cache_path", lambda: tmp_path)
    coins, listed = live.coins_among(Settings(sources=Sources(deribit=Deribit(rest_url=url))), ["DOGE", "SPCE"])
    assert coins == [Ticker("DOGE", "DOGE", Kind.COIN, "deribit")]
    assert listed == ["BTC", "DOGE", "ETH", "SOL"]


@pytest.mark.parametrize("symbols", [(), ("BTC", "ETH"), ("avax",)])
def test_coins_known_here_ask_nobody(symbols: tuple[str, ...], tmp_path: Path, cached: dict[str, str]) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[sources.deribit]\nrest_url = "http://127.0.0.1:9"\n')
    done = run("--config", path, *symbols, environment=cached)
    assert done.returncode == 64
    assert "the dashboard needs a terminal" in done.stderr
