"""The dashboard as the command line starts it, on a pty of its own."""

import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from gextui.market.ticker import Kind
from gextui.ui.state import State, load_state, save_state
from gextui.ui.watchlist import Listed
from tests.cli import write_chain
from tests.support.venue import running_venue
from tests.ui.terminal.pty_harness import Terminal

MAIN = "from gextui.cli import main; main()"


def terminal(
    home: Path, *arguments: str | Path, program: str = MAIN, size: tuple[int, int] = (120, 36), **environment: str
) -> Terminal:
    """``gextui`` with these arguments on a terminal, in an empty home."""
    command: Sequence[str] = [sys.executable, "-c", program, *map(str, arguments)]
    folders = {f"XDG_{name}_HOME": str(home / name.lower()) for name in ("CONFIG", "DATA", "STATE", "CACHE")}
    return Terminal(command, *size, environment={**folders, **environment})


def test_demo_says_simulated_and_keeps_nothing_but_where_one_left_off(tmp_path: Path) -> None:
    with terminal(tmp_path, "demo") as shown:
        shown.wait_for("SIMULATED")
        shown.wait_for("Call wall")
        shown.send("2")
        shown.wait_for("ETH")
        shown.send("q")
        shown.settle()
        assert shown.exit_code() == 0
    assert [path.name for path in tmp_path.rglob("*") if path.is_file() and path.stat().st_size] == ["demo.json"]


def test_the_list_that_was_edited_is_there_the_next_time(tmp_path: Path) -> None:
    with terminal(tmp_path, "demo") as shown:
        shown.wait_for("Call wall")
        assert "1 BTC   2 ETH" in shown.text
        shown.send("X")
        shown.wait_for("1 ETH   2 SOL")
        shown.send("q")
        shown.settle()
        assert shown.exit_code() == 0
    saved = json.loads((tmp_path / "state" / "gextui" / "demo.json").read_text())
    assert [entry["symbol"] for entry in saved["watchlist"] if not entry["on"]] == ["BTC"]
    with terminal(tmp_path, "demo") as shown:
        shown.wait_for("1 ETH   2 SOL")
        shown.send("M")
        shown.wait_for("Watchlist")
        shown.wait_for("off")


def test_tickers_that_are_named_win_for_one_run(tmp_path: Path) -> None:
    state = tmp_path / "state" / "gextui" / "state.json"
    kept = (Listed("SOL", Kind.COIN, sources=("bybit", "deribit")), Listed("BTC", Kind.COIN, on=False))
    save_state(state, State(watchlist=kept))
    with running_venue("BTC", "ETH", "SOL") as venue:
        settings = venue.write_settings(tmp_path)
        with terminal(tmp_path, "--config", settings, "ETH", "BTC") as shown:
            shown.wait_for("1 ETH   2 BTC")
            shown.send("X")
            shown.wait_for("ETH is off: neither read nor recorded, for this run")
            shown.send("q")
            shown.settle()
            assert shown.exit_code() == 0
        assert load_state(state)[0].watchlist == kept
        with terminal(tmp_path, "--config", settings) as shown:
            shown.wait_for("1 SOL")
            assert "ETH" not in shown.text
            shown.send("M")
            shown.wait_for("bybit, then deribit")


def test_ascii_and_a_seed(tmp_path: Path) -> None:
    with terminal(tmp_path, "demo", "--seed", "7", "--ascii") as shown:
        shown.wait_for("Call wall")
        shown.wait_for("##")
        assert "█" not in shown.text


def test_open_shows_the_newest_reading_and_steps_back(tmp_path: Path) -> None:
    history = write_chain(tmp_path / "history.csv", minutes=(0, 30))
    with terminal(tmp_path, "open", history) as shown:
        shown.wait_for("15:30")
        shown.wait_for("recorded")
        shown.send(",")
        shown.wait_for("15:00")
        shown.wait_for("REPLAY")
        shown.send("q")
        shown.settle()
        assert shown.exit_code() == 0


def test_keys_and_theme_come_from_the_settings(tmp_path: Path) -> None:
    chain = write_chain(tmp_path / "chain.csv")
    settings = tmp_path / "config.toml"
    settings.write_text('[general]\nascii = true\n[keys]\nquit = "x"\nview_heatmap = "X"\n')
    with terminal(tmp_path, "open", chain, "--config", settings) as shown:
        shown.wait_for("Call wall")
        shown.wait_for("##")
        shown.send("x")
        shown.settle()
        assert shown.exit_code() == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_a_signal_ends_it_and_restores_the_terminal(tmp_path: Path, number: signal.Signals, code: int) -> None:
    with terminal(tmp_path, "demo") as shown:
        shown.wait_for("Call wall")
        shown.signal(number)
        shown.settle(0.5)
        assert shown.exit_code(3.0) == code
        assert b"\x1b[?1049l" in shown.output
        assert b"\x1b[?25h" in shown.output


def test_a_terminal_that_can_draw_nothing(tmp_path: Path) -> None:
    with terminal(tmp_path, "demo", TERM="dumb") as shown:
        shown.wait_for("TERM names no terminal")
        assert shown.exit_code() == 69


def test_a_theme_that_is_not_there(tmp_path: Path) -> None:
    with terminal(tmp_path, "demo", "--theme", "neon") as shown:
        shown.wait_for("no theme is called neon; there are ")
        assert shown.exit_code() == 64


def test_a_bug_in_the_screen_is_one_sentence_with_nothing_of_what_was_about(tmp_path: Path) -> None:
    program = (
        "import gextui.ui.watch as watch, gextui.cli as cli\n"
        "def pull(self):\n"
        "    token = 'canary-2468'\n"
        "    raise ZeroDivisionError('deep inside')\n"
        "watch.Watch.pull = pull\n"
        "cli.main()"
    )
    with terminal(tmp_path, "demo", program=program) as shown:
        shown.wait_for("this is a bug")
        shown.settle()
        assert shown.exit_code() == 70
        text = " ".join(shown.text.split())
        assert "this is a bug in gextui (ZeroDivisionError: deep inside)" in text
        assert b"canary" not in shown.output
        assert b"Traceback" not in shown.output


def test_where_one_left_off_is_remembered_apart_from_the_demo(tmp_path: Path) -> None:
    chain = write_chain(tmp_path / "chain.csv")
    with terminal(tmp_path, "open", chain) as shown:
        shown.wait_for("Call wall")
        shown.send("p")
        shown.settle()
        shown.send("q")
        shown.settle()
        assert shown.exit_code() == 0
    saved = json.loads((tmp_path / "state" / "gextui" / "state.json").read_text())
    assert saved["view"] == "profile"
