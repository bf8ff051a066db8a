"""The command line: what each command prints, and how it ends."""

import contextlib
import csv
import io
import json
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from gextui import __version__
from gextui.cli import commands
from gextui.console import Exit, Instant, Number
from gextui.exposure.explain import EXPLAINED
from gextui.exposure.filters import Sign, Weight
from tests.cli import run, write_chain


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_chain(tmp_path_factory.mktemp("chains") / "btc.csv")


@pytest.fixture(autouse=True)
def _nobodys_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "nobody"))


def invoke(*arguments: str | Path) -> Result:
    """Run in this process."""
    return CliRunner().invoke(commands, [str(argument) for argument in arguments])


def sentence(result: Result) -> str:
    """What a command that failed said: one line, no traceback, nothing on standard output."""
    assert result.stdout == ""
    assert result.stderr.startswith("gextui: ")
    assert result.stderr.count("\n") == 1
    assert "Traceback" not in result.stderr
    return result.stderr.removeprefix("gextui: ").rstrip("\n")


class TestSnapshot:
    def test_json(self, chain: Path) -> None:
        result = invoke("snapshot", "--file", chain, "--json")
        assert (result.exit_code, result.stderr) == (0, "")
        found = json.loads(result.stdout)
        assert (found["schema"], found["ticker"], found["as_of"]) == (1, "BTC", "2026-03-02T15:00:00Z")
        assert found["source"] == "file:gextui-csv"
        assert found["contracts"]["total"] == 310

    def test_several_tickers_are_a_list_in_the_order_asked(self, chain: Path, tmp_path: Path) -> None:
        other = write_chain(tmp_path / "eth.csv", ticker="ETH", seed=2)
        both = ("--file", chain, "--file", other, "--json")
        assert [found["ticker"] for found in json.loads(invoke("snapshot", *both).stdout)] == ["BTC", "ETH"]
        asked = json.loads(invoke("snapshot", "eth", "btc", *both).stdout)
        assert [found["ticker"] for found in asked] == ["ETH", "BTC"]
        assert json.loads(invoke("snapshot", "eth", *both).stdout)["ticker"] == "ETH"

    def test_the_newest_of_several_instants_compared_with_the_others(self, tmp_path: Path) -> None:
        history = write_chain(tmp_path / "history.csv", minutes=(0, 5, 10))
        found = json.loads(invoke("snapshot", "--file", history, "--json").stdout)
        assert found["as_of"] == "2026-03-02T15:10:00Z"
        states = {change["minutes"]: change["state"] for change in found["changes"]}
        assert states == {1: "gap", 5: "ok", 10: "ok", 15: "gap", 30: "gap"}

    def test_csv(self, chain: Path) -> None:
        rows = list(csv.DictReader(io.StringIO(invoke("snapshot", "--file", chain, "--csv").stdout)))
        assert len(rows) == 31
        assert rows[0]["strike"] == "70.0"

    def test_line(self, chain: Path) -> None:
        line = invoke("snapshot", "--file", chain, "--line").stdout
        assert line.startswith("BTC 100.00 γ")
        assert line.count("\n") == 1

    def test_page_in_colour_only_for_a_terminal(self, chain: Path) -> None:
        page = invoke("snapshot", "--file", chain).stdout
        assert page.startswith("BTC  100.00")
        assert "\x1b" not in page

    def test_filters(self, chain: Path) -> None:
        chosen = ["--expiry=front", "--strike-range=10", "--weight=volume", "--sign=customer", "--max-dte=365"]
        found = json.loads(invoke("snapshot", "--file", chain, "--json", *chosen).stdout)
        assert found["filters"] == {
            "expiry": "front",
            "weight": "volume",
            "sign": "customer",
            "strike_range": 10.0,
            "max_dte": 365.0,
        }
        assert len(found["by_expiry"]) == 1
        assert all(90 <= row["strike"] <= 110 for row in found["by_strike"])
        assert found["totals"]["call_gex"] < 0 < found["totals"]["put_gex"]

    def test_instant_spot_and_rate_override_the_file(self, chain: Path) -> None:
        options = ["--as-of", "2026-03-02T10:30:00-05:00", "--spot", "101", "--rate", "0.04"]
        found = json.loads(invoke("snapshot", "--file", chain, "--json", *options).stdout)
        assert (found["as_of"], found["spot"]) == ("2026-03-02T15:30:00Z", 101.0)

    def test_a_wiped_chain_is_printed_with_nulls_and_told_on_standard_error(self, tmp_path: Path) -> None:
        wiped = write_chain(tmp_path / "wiped.csv", open_interest=0)
        result = invoke("snapshot", "--file", wiped, "--json")
        assert result.exit_code == 0
        assert json.loads(result.stdout)["levels"]["call_wall"]["price"] is None
        assert result.stderr.startswith("gextui: BTC: no open interest yet")


class TestLevels:
    def test_they_are_listed(self, chain: Path) -> None:
        found = invoke("levels", "--file", chain).stdout
        assert all(name in found for name in ("Call wall", "Put wall", "Zero gamma", "Max pain", "Exp. move"))

    @pytest.mark.parametrize("name", EXPLAINED)
    def test_each_is_explained(self, chain: Path, name: str) -> None:
        result = invoke("levels", "--file", chain, "--explain", name)
        assert result.exit_code == 0
        assert "  = " in result.stdout

    def test_what_is_no_level_names_those_that_are(self, chain: Path) -> None:
        result = invoke("levels", "--file", chain, "--explain", "nonsense")
        assert result.exit_code == 64
        assert all(name in sentence(result) for name in EXPLAINED)


class TestUsage:
    """Everything that is typed wrong ends with 64 and says what is accepted."""

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            ("--weight gamma", "'open_interest', 'volume', 'active'"),
            ("--sign both", "'dealer_long_calls', 'dealer_short_both', 'customer'"),
            (
                "--expiry tomorrow",
                "0dte, week, monthly, a number of days like 7d, or dates like 2026-11-20",
            ),
            ("--expiry 2026-02-30", "is not all, front, 0dte"),
            ("--strike-range 0", "'0' is not a percentage from 1e-06 to 1000"),
            ("--strike-range nan", "'nan' is not a percentage"),
            ("--max-dte -1", "'-1' is not a number of days"),
            ("--spot 0", "'0' is not a price"),
            ("--spot inf", "'inf' is not a price"),
            ("--rate 4.3", "'4.3' is not a fraction from -0.05 to 0.5"),
            ("--as-of yesterday", "'yesterday' is not an instant like 2026-11-20T14:30:00Z"),
            ("--as-of 2026-03-02", "'2026-03-02' is not an instant"),
            ("--nonsense", "No such option '--nonsense'"),
            ("'[red]'", "is not a ticker"),
        ],
    )
    def test_snapshot(self, chain: Path, arguments: str, said: str) -> None:
        result = invoke("snapshot", "--file", chain, *(word.strip("'") for word in arguments.split()))
        assert result.exit_code == 64
        assert said in sentence(result)

    @pytest.mark.parametrize("word", ["snapsht", "dem", "doctr", "levls"])
    def test_a_mistyped_command_is_not_a_ticker(self, word: str) -> None:
        result = invoke(word)
        assert result.exit_code == 64
        assert "did you mean `gextui" in sentence(result)

    def test_the_hint_names_no_hidden_command(self) -> None:
        assert sentence(invoke("--nonsense")).endswith("(try `gextui --help`)")

    def test_a_command_after_its_options(self) -> None:
        result = invoke("--mouse", "snapshot")
        assert result.exit_code == 64
        assert "comes first" in sentence(result)

    def test_no_option_takes_a_credential(self) -> None:
        for option in ("--token", "--tradier-token=canary", "--api-key"):
            result = invoke("snapshot", option, "canary")
            assert result.exit_code == 64
            assert "no option takes a credential" in sentence(result)
            assert "canary" not in sentence(result)

    def test_the_accepted_words_are_those_of_the_filters(self) -> None:
        choices = {
            option.name: list(option.type.choices)
            for option in commands.commands["snapshot"].params
            if isinstance(option.type, click.Choice)
        }
        assert choices == {"weight": [weight.value for weight in Weight], "sign": [sign.value for sign in Sign]}


class TestEnds:
    """Exit codes as scripts see them, from a process of its own."""

    @pytest.mark.parametrize("command", [(), ("record",)])
    def test_what_nobody_lists_is_refused_by_name(self, command: tuple[str, ...], tmp_path: Path) -> None:
        settings = tmp_path / "config.toml"
        settings.write_text(
            "".join(f'[sources.{name}]\nrest_url = "http://127.0.0.1:9"\n' for name in ("deribit", "bybit", "cboe"))
        )
        cache = {"XDG_CACHE_HOME": str(tmp_path)}
        done = run("--config", settings, *command, "BTC", "SPX", "DOGEE", environment=cache)
        assert (done.returncode, done.stdout) == (69, "")
        assert done.stderr.startswith("gextui: DOGEE is unknown here, and Deribit cannot be asked")

    def test_without_a_terminal(self) -> None:
        done = run()
        assert (done.returncode, done.stdout) == (64, "")
        assert done.stderr.splitlines() == [
            "gextui: the dashboard needs a terminal; `gextui record` and `gextui snapshot` need none",
        ]

    def test_what_a_live_reading_cannot_be_told(self) -> None:
        done = run("snapshot", "BTC", "--spot", "100")
        assert (done.returncode, done.stdout) == (64, "")
        assert "name one with --file FILE" in done.stderr

    def test_no_such_file(self, tmp_path: Path) -> None:
        done = run("snapshot", "--file", tmp_path / "none.csv")
        assert done.returncode == 66
        assert "none.csv does not exist" in done.stderr

    @pytest.mark.parametrize("content", [b"", b"{", b"hello,world\n1,2\n", b"\x1f\x8bnonsense", b'{"data": []}'])
    def test_bad_input(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "bad"
        path.write_bytes(content)
        done = run("snapshot", "--file", path, "--json")
        assert (done.returncode, done.stdout) == (65, "")
        assert done.stderr.startswith("gextui: bad ")
        assert done.stderr.count("\n") == 1

    def test_a_ticker_that_the_file_lacks(self, chain: Path) -> None:
        done = run("snapshot", "SPX", "--file", chain)
        assert done.returncode == 65
        assert "BTC" in done.stderr

    def test_a_folder(self, tmp_path: Path) -> None:
        done = run("snapshot", "--file", tmp_path)
        assert done.returncode == 65
        assert "is a folder" in done.stderr

    @pytest.mark.skipif(os.getuid() == 0, reason="root may read everything")
    def test_a_file_that_may_not_be_read(self, chain: Path, tmp_path: Path) -> None:
        path = tmp_path / "mine.csv"
        path.write_bytes(chain.read_bytes())
        path.chmod(0)
        assert run("snapshot", "--file", path).returncode == 77

    @pytest.mark.parametrize("arguments", [("snapshot",), ("config", "check"), ("BTC",)])
    def test_bad_configuration(self, chain: Path, tmp_path: Path, arguments: tuple[str, ...]) -> None:
        (tmp_path / "config.toml").write_text("[general]\ntickrs = []\n")
        done = run(*arguments, "--config", tmp_path / "config.toml")
        assert done.returncode == 78
        assert "did you mean general.tickers?" in done.stderr

    def test_usage(self) -> None:
        assert run("snapshot", "--weight", "x").returncode == 64
        assert run("snapsht").returncode == 64

    def test_a_bug_is_one_sentence_and_a_traceback_only_on_request(self, chain: Path) -> None:
        program = (
            "import gextui.exposure.board as board, gextui.cli as cli\n"
            "def broken(*_): raise ZeroDivisionError('deep inside')\n"
            "board.build_board = broken\n"
            "cli.main()"
        )
        arguments = [sys.executable, "-c", program, "snapshot", "--file", str(chain)]
        quiet = subprocess.run(arguments, capture_output=True, text=True, check=False)
        assert quiet.returncode == 70
        assert quiet.stderr.count("\n") == 1
        assert "this is a bug in gextui (ZeroDivisionError: deep inside)" in quiet.stderr
        loud = subprocess.run([*arguments, "--debug"], capture_output=True, text=True, check=False)
        assert loud.returncode == 70
        assert "Traceback" in loud.stderr

    def test_a_secret_in_an_error_is_not_shown(self, chain: Path) -> None:
        program = (
            "import gextui.exposure.board as board, gextui.cli as cli, gextui.secrets as secrets\n"
            "def broken(*_): raise ValueError(secrets.Secret('canary-1234').reveal())\n"
            "board.build_board = broken\n"
            "cli.main()"
        )
        done = subprocess.run(
            [sys.executable, "-c", program, "snapshot", "--debug", "--file", str(chain)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 70
        assert "canary-1234" not in done.stderr
        assert "***" in done.stderr

    def test_a_reader_that_stops_reading(self, chain: Path) -> None:
        command = f'"{sys.executable}" -c "from gextui.cli import main; main()" snapshot --csv --file "{chain}"'
        script = f"set -o pipefail; {command} | sleep 0; echo ${{PIPESTATUS[0]}}"
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
        assert done.stderr == ""
        assert done.stdout == "141\n"

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
    def test_a_full_disk(self, chain: Path) -> None:
        command = f'"{sys.executable}" -c "from gextui.cli import main; main()" snapshot --csv --file "{chain}"'
        done = subprocess.run(["sh", "-c", f"{command} > /dev/full"], capture_output=True, text=True, check=False)
        assert done.returncode == 74
        assert done.stderr == "gextui: no space left on device\n"

    def test_plain_text_where_the_encoding_is_ascii(self, chain: Path) -> None:
        done = run("snapshot", "--file", chain, environment={"PYTHONIOENCODING": "ascii"})
        assert done.returncode == 0
        assert done.stdout.isascii()
        assert "#####" in done.stdout

    def test_version_and_help(self) -> None:
        assert run("--version").stdout == f"gextui {__version__}\n"
        helped = run("--help")
        assert helped.returncode == 0
        assert all(name in helped.stdout for name in commands.commands if name != "live")


class TestConfig:
    def test_path(self, tmp_path: Path) -> None:
        assert invoke("config", "path").stdout == f"{tmp_path}/nobody/gextui/config.toml\n"
        assert invoke("config", "path", "--config", "x.toml").stdout == "x.toml\n"

    def test_init_then_check(self, tmp_path: Path) -> None:
        path = tmp_path / "nobody" / "gextui" / "config.toml"
        assert "not there" in invoke("config", "check").stdout
        assert invoke("config", "init").stdout == f"{path}\n"
        assert path.stat().st_mode & 0o777 == 0o600
        assert invoke("config", "check").stdout == f"{path}: all is well\n"

    def test_init_never_overwrites(self, tmp_path: Path) -> None:
        path = tmp_path / "config.toml"
        path.write_text("# mine\n")
        result = invoke("config", "init", "--config", path)
        assert result.exit_code == 73
        assert "exists already" in sentence(result)
        assert path.read_text() == "# mine\n"


class TestDoctor:
    def test_what_works(self) -> None:
        result = invoke("doctor")
        assert result.exit_code == 0
        lines = result.stdout.splitlines()
        assert all(line.split()[0] in ("ok", "warn", "fail") for line in lines)
        subjects = {line[5:17].strip() for line in lines}
        assert subjects >= {
            "Python",
            "SQLite",
            "Time zones",
            "Clock",
            "Locale",
            "Terminal",
            "Config",
            "Database",
            "Disk",
        }

    def test_a_credential_is_found_and_never_shown(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GEXTUI_TRADIER_TOKEN", "canary-5678")
        result = invoke("doctor")
        assert "tradier_token: from GEXTUI_TRADIER_TOKEN" in result.stdout
        assert "canary" not in result.output

    def test_half_an_account_is_said_to_be_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GEXTUI_TASTYTRADE_REFRESH_TOKEN", "canary-5678")
        result = invoke("doctor")
        assert "warn Tastytrade   its tastytrade_client_secret is missing" in result.stdout
        assert "canary" not in result.output
        monkeypatch.setenv("GEXTUI_TASTYTRADE_CLIENT_SECRET", "canary-9")
        assert "warn Tastytrade" not in invoke("doctor").stdout

    def test_bad_configuration_is_the_exit_code(self, tmp_path: Path) -> None:
        (tmp_path / "config.toml").write_text("nonsense")
        result = invoke("doctor", "--config", tmp_path / "config.toml")
        assert result.exit_code == 78
        assert "fail Config" in result.stdout

    def test_a_secret_file_that_others_can_read(self, tmp_path: Path) -> None:
        token = tmp_path / "token"
        token.write_text("canary")
        token.chmod(0o644)
        (tmp_path / "config.toml").write_text(f'[secrets]\ntradier_token_file = "{token}"\n')
        result = invoke("doctor", "--config", tmp_path / "config.toml")
        assert result.exit_code == 77
        assert f"run: chmod 600 {token}" in result.stdout


class TestParsing:
    @given(st.floats(1e-6, 1000))
    def test_a_number_in_range_is_itself(self, number: float) -> None:
        assert Number(1e-6, 1000, "a percentage").convert(str(number), None, None) == number

    @given(st.one_of(st.text(max_size=12), st.floats().map(str)))
    def test_no_other_number_comes_through(self, text: str) -> None:
        with contextlib.suppress(click.UsageError):
            assert 1e-6 <= Number(1e-6, 1000, "a percentage").convert(text, None, None) <= 1000

    @given(st.datetimes(timezones=st.timezones()))
    def test_an_instant_with_a_zone_is_itself(self, at: datetime) -> None:
        assert Instant().convert(at.isoformat(), None, None) == datetime.fromisoformat(at.isoformat())

    def test_an_instant_without_a_zone_is_utc(self) -> None:
        assert Instant().convert("2026-11-20 14:30", None, None).isoformat() == "2026-11-20T14:30:00+00:00"

    @given(st.lists(st.text("abcABC[]-/= \x1b\n", max_size=8), max_size=4))
    def test_no_arguments_end_in_a_traceback(self, arguments: list[str]) -> None:
        result = CliRunner().invoke(commands, arguments)
        assert result.exit_code in tuple(Exit)
        assert "Traceback" not in result.output
        assert "\x1b" not in result.output
