"""The rules of the house: what may import what, what a program may say, what no file may hold."""

import ast
import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "gextui"
MODULES = sorted(PACKAGE.rglob("*.py"))


@cache
def nodes() -> list[tuple[str, list[ast.AST]]]:
    """What each module holds."""
    return [
        (str(path.relative_to(ROOT)), list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))) for path in MODULES
    ]


def imported_by(statement: str) -> set[str]:
    """Every module that a fresh interpreter holds after ``statement``."""
    program = f"import sys, json\n{statement}\nsys.stderr.write(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(json.loads(done.stderr.splitlines()[-1]))


class TestImports:
    @pytest.mark.parametrize(
        ("statement", "never"),
        [
            ("import gextui.cli", "numpy msgspec textual rich httpx websockets aiosqlite platformdirs asyncio"),
            ("from gextui.cli import commands\ntry: commands.main(['--help'])\nexcept SystemExit: pass",
             "numpy msgspec textual rich httpx websockets aiosqlite platformdirs asyncio"),
            ("import gextui.exposure.board", "textual rich httpx websockets aiosqlite sqlite3 asyncio scipy holidays"),
            ("import gextui.report.document, gextui.report.rows, gextui.report.page",
             "textual httpx websockets aiosqlite scipy plotext"),
            ("import gextui.sources.files", "textual httpx websockets aiosqlite scipy"),
            ("import gextui.config, gextui.secrets", "numpy textual httpx aiosqlite asyncio"),
            ("import gextui.desk", "textual httpx websockets aiosqlite scipy plotext holidays"),
            ("import gextui.live", "numpy textual httpx websockets aiosqlite asyncio"),
            ("import gextui.sources.bybit, gextui.sources.deribit", "textual rich pygments scipy holidays"),
            ("import gextui.recorder, gextui.following", "textual rich httpx websockets scipy plotext holidays"),
        ],
    )  # fmt: skip
    def test_what_is_heavy_waits_until_it_is_used(self, statement: str, never: str) -> None:
        assert imported_by(statement) & set(never.split()) == set()

    def test_they_point_one_way(self) -> None:
        linter = Path(sys.executable).with_name("lint-imports")
        done = subprocess.run([linter, "--no-cache"], capture_output=True, text=True, cwd=ROOT, check=False)
        assert done.returncode == 0, done.stdout

    def test_no_scipy_in_the_product(self) -> None:
        for name, held in nodes():
            for node in held:
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                assert not any(module.split(".")[0] in ("scipy", "pandas") for module in names), name


class TestSource:
    def test_nothing_is_printed(self) -> None:
        """Standard output is data and belongs to the command line's `give`; the dashboard owns the terminal."""
        for name, held in nodes():
            calls = [node.func for node in held if isinstance(node, ast.Call)]
            assert not any(isinstance(call, ast.Name) and call.id == "print" for call in calls), name

    def test_what_is_caught_blindly_is_raised_again(self) -> None:
        for name, held in nodes():
            for node in held:
                if isinstance(node, ast.ExceptHandler):
                    caught = ast.unparse(node.type) if node.type else "BaseException"
                    raised = ast.unparse(node.body[-1]) == "raise"
                    assert raised or caught not in ("Exception", "BaseException"), f"{name}:{node.lineno}"

    def test_missing_is_never_made_zero(self) -> None:
        for name, held in nodes():
            for node in held:
                if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or):
                    assert ast.unparse(node.values[-1]) not in ("0", "0.0"), f"{name}:{node.lineno}"

    def test_no_credential_is_an_option(self) -> None:
        """What stands on a command line is read by every user of the machine."""
        text = (PACKAGE / "cli.py").read_text()
        options = re.findall(r'"--([a-z-]+)"', text)
        assert not [name for name in options if re.search("token|secret|password|key$", name)]


TRACKED = subprocess.run(["git", "ls-files", "-z"], capture_output=True, text=True, cwd=ROOT, check=False).stdout
FORBIDDEN = re.compile(
    "|".join(
        [*(re.escape(f"{folder}/") for folder in (ROOT, ROOT.parent / "shared", Path.home())), "/home/(?!me/)[a-z]+/"]
    )
)


@pytest.mark.skipif(not TRACKED, reason="not a git work tree")
def test_no_file_names_the_machine_it_was_made_on() -> None:
    for name in TRACKED.split("\0"):
        path = ROOT / name
        if path.is_file() and not path.is_symlink():
            text = path.read_bytes().decode("utf-8", "replace")
            found = FORBIDDEN.search(text)
            assert found is None, f"{name}: {found[0] if found else ''}"


@pytest.mark.skipif(not TRACKED, reason="not a git work tree")
def test_no_recorded_market_data_is_in_the_repository() -> None:
    """Captures belong to the venues; the figures of a reference may be here, a capture may not."""
    large = [name for name in TRACKED.split("\0") if (ROOT / name).is_file() and (ROOT / name).stat().st_size > 1 << 20]
    assert large == []
