"""config.toml: strict, its errors name the key, and the example shows every default."""

import json
import math
import re
import stat
import tomllib
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gextui import config
from gextui.config import ConfigError, Settings, Table, load_settings, parse_settings, plain_tickers
from gextui.live_sources import holdings_of
from gextui.market.coin import CoinRatio, RatioSource


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_settings(text.encode(), "config.toml")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def keys_of(table: type[Table], where: str = "") -> set[str]:
    """Every key of a table, dotted; a free table such as [keys] by its own name."""
    found: set[str] = set()
    for field in msgspec.structs.fields(table):
        if isinstance(field.type, type) and issubclass(field.type, Table):
            found |= keys_of(field.type, f"{where}{field.name}.")
        else:
            found.add(f"{where}{field.name}")
    return found


def keys_in(tables: dict[str, object], where: str = "") -> set[str]:
    found: set[str] = set()
    for key, value in tables.items():
        found |= keys_in(value, f"{where}{key}.") if isinstance(value, dict) and value else {f"{where}{key}"}
    return found


class TestExample:
    def test_it_says_exactly_the_defaults(self) -> None:
        assert parse_settings(config.example().encode(), "example") == Settings()

    def test_it_shows_every_key_and_no_other(self) -> None:
        assert keys_in(tomllib.loads(config.example())) == keys_of(Settings)

    def test_the_one_at_the_top_of_the_repository_is_the_one_in_the_package(self) -> None:
        top = Path(__file__).resolve().parents[1] / "config.example.toml"
        assert top.read_text() == config.example()

    def test_written_for_its_owner_alone_and_never_over_another(self, tmp_path: Path) -> None:
        path = tmp_path / "deep" / "config.toml"
        config.write_example(path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert load_settings(path) == Settings()
        path.write_text("[general]\n")
        with pytest.raises(FileExistsError):
            config.write_example(path)
        assert path.read_text() == "[general]\n"


class TestFile:
    def test_none_means_the_defaults(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
        assert load_settings() == Settings()

    def test_empty_means_the_defaults(self, tmp_path: Path) -> None:
        (tmp_path / "empty.toml").touch()
        assert load_settings(tmp_path / "empty.toml") == Settings()

    def test_the_named_one_must_exist(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match=r"nowhere\.toml does not exist"):
            load_settings(tmp_path / "nowhere.toml")

    def test_a_folder_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="Is a directory"):
            load_settings(tmp_path)

    def test_not_utf8(self) -> None:
        with pytest.raises(ConfigError, match=r"not UTF-8 text \(line 2\)"):
            parse_settings(b"[general]\n# \xff\n", "config.toml")

    def test_syntax_error_names_line_and_column(self) -> None:
        assert "(at line 2, column 7)" in refusal("[general]\nmouse true\n")

    def test_a_key_given_twice(self) -> None:
        assert "line 3" in refusal("[general]\nmouse = true\nmouse = false\n")

    def test_relative_xdg_folders_are_ignored(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("XDG_CONFIG_HOME", "here")
        monkeypatch.setenv("XDG_DATA_HOME", "here")
        assert config.config_path().is_absolute()
        assert config.database_path(Settings()).is_absolute()


class TestKeys:
    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("[general]\ntickrs = []", "general.tickrs is not a key; did you mean general.tickers?"),
            ("[sources.deribt]\n", "sources.deribt is not a key; did you mean sources.deribit?"),
            ("[sources.deribit]\nrest_ulr = ''", "did you mean sources.deribit.rest_url?"),
            ("tickers = []", "written [tickers.BTC]; the list of tickers belongs under [general]"),
            ("[storage]\nzzz = 1", "accepted are path, levels_days, chains_hours, chains_days, max_gb"),
            ("general = 1", "general must be a table, written [general]"),
        ],
    )
    def test_an_unknown_one_names_the_nearest(self, text: str, said: str) -> None:
        assert said in refusal(text)

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("[rates]\nusd = 'ten'", "rates.usd must be a number from -0.05 to 0.5, not 'ten'"),
            ("[rates]\nusd = nan", "rates.usd must be a number from -0.05 to 0.5, not nan"),
            ("[rates]\nusd = 4.5", "rates.usd must be a number from -0.05 to 0.5, not 4.5"),
            ("[rates]\nusd = true", "rates.usd must be a number"),
            ("[storage]\nlevels_days = 0", "storage.levels_days must be a whole number from 1 to 36500, not 0"),
            ("[storage]\nlevels_days = -5", "not -5"),
            ("[storage]\nlevels_days = 1.5", "not 1.5"),
            ("[storage]\nmax_gb = inf", "storage.max_gb must be a number from 0.1 to 10000, not inf"),
            ("[general]\nmouse = 1", "general.mouse must be true or false, not 1"),
            ("[general]\ntickers = 'BTC'", "general.tickers must be a list of texts"),
            ("[general]\ntickers = ['[red]']", "general.tickers: '[RED]' is not a ticker"),
            ("[keys]\nquit = 1", "keys must be a table of texts"),
        ],
    )
    def test_a_wrong_value_names_the_field_and_what_is_accepted(self, text: str, said: str) -> None:
        assert said in refusal(text)

    @given(
        st.one_of(
            st.floats().filter(lambda number: not -0.05 <= number <= 0.5),
            st.text(max_size=10),
            st.booleans(),
            st.lists(st.integers(), max_size=2),
        )
    )
    def test_every_rate_outside_its_range_is_refused(self, value: object) -> None:
        with pytest.raises(ConfigError, match=r"rates\.usd must be a number from -0\.05 to 0\.5"):
            parse_settings(f"[rates]\nusd = {toml(value)}\n".encode(), "config.toml")

    def test_what_is_said_is_kept(self) -> None:
        settings = parse_settings(
            b"[general]\ntickers = ['eth', 'BTC', 'ETH']\n[rates]\nusd = 0.03\n[keys]\nquit = 'q,Q'\n", "config.toml"
        )
        assert settings.general.tickers == ("ETH", "BTC")
        assert settings.rates.usd == 0.03
        assert settings.keys == {"quit": "q,Q"}
        assert settings.storage == Settings().storage


def toml(value: object) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return {math.inf: "inf", -math.inf: "-inf"}.get(value, "nan")
    return msgspec.json.encode(value).decode().replace("\\/", "/").replace("\x7f", "")


class TestAddresses:
    @pytest.mark.parametrize(
        "url",
        [
            "https://www.example.com/api/v2",
            "https://10.1.2.3:8443",
            "http://127.0.0.1:8080/x",
            "http://localhost:1",
            "http://[::1]:99/x",
        ],
    )
    def test_accepted(self, url: str) -> None:
        read = parse_settings(f'[sources.deribit]\nrest_url = "{url}"\n'.encode(), "config.toml")
        assert read.sources.deribit.rest_url == url

    @pytest.mark.parametrize(
        ("url", "reason"),
        [
            ("http://example.com", "must start with https://"),
            ("http://127.0.0.1.example.com", "must start with https://"),
            ("http://localhost.example.com", "must start with https://"),
            ("file:///etc/passwd", "starts with https://"),
            ("ftp://example.com", "starts with https://"),
            ("wss://example.com", "starts with https://"),
            ("https://user:password@example.com", "user name or password"),
            ("https://127.0.0.1@example.com", "user name or password"),
            ("https://169.254.169.254/latest", "must not point to 169.254.169.254"),
            ("https://[fd00:ec2::254]/", "must not point to fd00:ec2::254"),
            ("https://[::ffff:169.254.169.254]/", "must not point to ::ffff:169.254.169.254"),
            ("http://0.0.0.0", "must not point to 0.0.0.0"),
            ("https://2852039166/", "plain letters"),
            ("https://0xa9fea9fe/", "plain letters"),
            ("https://dеribit.com", "no letters outside ASCII"),  # a Cyrillic е
            ("https://xn--dribit-m1d.com", "plain letters"),
            ("https://example.com:port", "not an address"),
            ("https://[broken", "not an address"),
            ("https://", "starts with https://"),
            ("https://example.com/?key=1", "no query"),
            ("https://example.com/ x", "plain address"),
            ("", "starts with https://"),
        ],
    )
    def test_refused_with_the_reason(self, url: str, reason: str) -> None:
        said = refusal(f'[sources.deribit]\nrest_url = "{url}"\n')
        assert said.startswith("config.toml: sources.deribit.rest_url must") or "is not an address" in said
        assert reason in said

    def test_a_password_is_not_repeated(self) -> None:
        assert "hunter2" not in refusal('[sources.deribit]\nrest_url = "https://me:hunter2@example.com"\n')

    def test_streams_need_wss(self) -> None:
        assert "starts with wss://" in refusal('[sources.deribit]\nws_url = "https://example.com"\n')
        assert parse_settings(b'[sources.deribit]\nws_url = "ws://127.0.0.1:1/x"\n', "config.toml")

    def test_each_of_a_list_is_checked(self) -> None:
        assert "sources.binance.fallback_rest_urls must start with https://" in refusal(
            '[sources.binance]\nfallback_rest_urls = ["https://a.com", "http://b.com"]\n'
        )


class TestTickers:
    def test_capitals_once_in_order(self) -> None:
        assert plain_tickers(["spx", "BTC", " btc ", "^GSPC", "BRK.B"]) == ("SPX", "BTC", "^GSPC", "BRK.B")

    @pytest.mark.parametrize("symbol", ["", "[/red]", "x" * 33, "a;b", "\x1b[2J"])
    def test_refused(self, symbol: str) -> None:
        with pytest.raises(ValueError, match="is not a ticker") as caught:
            plain_tickers([symbol])
        assert "\x1b" not in str(caught.value)

    def test_too_many(self) -> None:
        with pytest.raises(ValueError, match="5,000 tickers are too many; up to 50"):
            plain_tickers(f"T{number}" for number in range(5000))


def test_the_database_is_where_the_settings_say(tmp_path: Path) -> None:
    settings = parse_settings(f'[storage]\npath = "{tmp_path}/mine.db"\n'.encode(), "config.toml")
    assert config.database_path(settings) == tmp_path / "mine.db"
    at_home = parse_settings(b'[storage]\npath = "~/mine.db"\n', "config.toml")
    assert config.database_path(at_home) == Path.home() / "mine.db"


class TestCombining:
    def test_venues_are_summed(self) -> None:
        text = b'[tickers.BTC]\nsources = ["deribit", "bybit"]\ncombine = true\n'
        choice = parse_settings(text, "config.toml").tickers["BTC"]
        assert (choice.sources, choice.combine) == (("deribit", "bybit"), True)

    @pytest.mark.parametrize(
        ("symbol", "sources", "words"),
        [
            ("BTC", ["deribit"], "tickers.BTC.combine needs two sources or more"),
            ("SPX", ["cboe", "tradier"], "tickers.SPX.combine cannot sum cboe and tradier: they tell of the same"),
        ],
    )
    def test_what_is_no_sum_of_venues_is_refused(self, symbol: str, sources: list[str], words: str) -> None:
        assert words in refusal(f"[tickers.{symbol}]\nsources = {json.dumps(sources)}\ncombine = true\n")


class TestCoinEtfs:
    def test_holdings_of_a_day(self) -> None:
        text = b"[tickers.ibit]\ncoins_per_share = 0.00056745\nholdings_on = 2026-11-19\n"
        choice = parse_settings(text, "config.toml").tickers["IBIT"]
        assert (choice.coins_per_share, choice.holdings_on) == (0.00056745, date(2026, 11, 19))
        [ratio] = holdings_of(parse_settings(text, "config.toml")).values()
        assert ratio == CoinRatio(0.00056745, RatioSource.HOLDINGS, datetime(2026, 11, 19, 21, 0, tzinfo=UTC))
        undated = parse_settings(b"[tickers.ETHA]\ncoins_per_share = 0.0094\n", "config.toml")
        assert holdings_of(undated) == {"ETHA": CoinRatio(0.0094, RatioSource.HOLDINGS)}
        assert holdings_of(parse_settings(b"", "config.toml")) == {}

    @pytest.mark.parametrize(
        ("line", "words"),
        [
            ("coins_per_share = -0.1", "tickers.IBIT.coins_per_share must be a number from 0.0 to 1000.0, not -0.1"),
            ('holdings_on = "yesterday"', "tickers.IBIT.holdings_on must be a date, like 2026-11-20, not 'yesterday'"),
        ],
    )
    def test_what_is_refused(self, line: str, words: str) -> None:
        with pytest.raises(ConfigError, match=re.escape(words)):
            parse_settings(f"[tickers.IBIT]\n{line}\n".encode(), "config.toml")

    def test_a_ticker_that_holds_no_coin_has_no_coins_a_share(self) -> None:
        with pytest.raises(ConfigError, match="coins_per_share is for an ETF that holds a coin"):
            parse_settings(b"[tickers.SPY]\ncoins_per_share = 0.1\n", "config.toml")

    def test_it_may_join_the_sum_of_its_own_coin(self) -> None:
        text = '[tickers.BTC]\nsources = ["deribit", "IBIT"]\n'
        joined = parse_settings(f"{text}combine = true\n".encode(), "config.toml").tickers["BTC"]
        assert joined.sources == ("deribit", "IBIT")
        for refused in (text, text.replace("BTC", "ETH") + "combine = true\n"):
            with pytest.raises(ConfigError, match="IBIT only joins the sum of the coin that it holds"):
                parse_settings(refused.encode(), "config.toml")
