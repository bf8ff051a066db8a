"""The documents are true: their commands, options, links, keys and examples exist."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec
import pytest

from gextui.cli import commands
from gextui.config import Settings, Sources
from gextui.console import Exit
from gextui.exposure.explain import EXPLAINED
from gextui.secrets import SecretName
from gextui.sources.files import read_chains
from gextui.ui.widgets.chain_columns import COLUMNS
from tests.report.test_document import SHAPE

ROOT = Path(__file__).resolve().parents[1]
DOCS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
EVERYWHERE = pytest.mark.parametrize("path", DOCS, ids=[path.name for path in DOCS])


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def all_commands(group: click.Group, name: str = "gextui") -> Iterator[tuple[str, click.Command]]:
    yield name, group
    for word, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from all_commands(command, f"{name} {word}")
        else:
            yield f"{name} {word}", command


@EVERYWHERE
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text()):
        assert target.startswith("https://") or (path.parent / target).exists(), target


@EVERYWHERE
def test_commands_exist(path: Path) -> None:
    known = {name for name, _ in all_commands(commands)}
    code = re.findall(r"^```.*?^```|`[^`\n]+`", path.read_text(), re.MULTILINE | re.DOTALL)
    for word in re.findall(r"\bgextui ([a-z]+)\b", "\n".join(code)):
        assert f"gextui {word}" in known, word


@EVERYWHERE
def test_options_exist(path: Path) -> None:
    known = {
        option for _, command in all_commands(commands) for parameter in command.params for option in parameter.opts
    }
    for option in re.findall(r"(?<![\w-])--[a-z][a-z-]+", path.read_text()):
        assert option in known | {"--help"}, option


def test_every_command_is_in_the_readme() -> None:
    readme = text_of("README.md")
    for name, command in commands.commands.items():
        assert command.hidden or f"gextui {name}" in readme, name


def test_every_option_is_in_the_quick_start() -> None:
    guide = text_of("docs/quick-start.md")
    for name in ("demo", "open", "snapshot", "levels"):
        for parameter in commands.commands[name].params:
            if isinstance(parameter, click.Option) and parameter.name != "seed":
                assert parameter.opts[-1] in guide, f"{name} {parameter.opts}"


def test_every_exit_code_is_in_the_quick_start() -> None:
    table = text_of("docs/quick-start.md").partition("| code |")[2]
    assert [code for code in Exit if str(code.value) not in table] == []


def test_the_two_commands_come_first_and_are_targets() -> None:
    makefile = text_of("Makefile")
    named = re.findall(r"^make (\w+)", text_of("README.md"), re.MULTILINE)
    assert named == ["demo", "test"]
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in named)


def test_every_key_of_the_document_is_described() -> None:
    described = text_of("docs/json.md")

    def names(shape: object) -> Iterator[str]:
        if isinstance(shape, dict):
            for key, inner in shape.items():
                yield key
                yield from names(inner)
        elif isinstance(shape, list):
            yield from names(shape[0])

    for key in set(names(SHAPE)):
        whole = key if f"`{key}`" in described else key.replace("call_", "").replace("put_", "")
        assert f"`{whole}`" in described, key


def test_every_explained_number_is_described() -> None:
    described = text_of("docs/levels.md")
    assert [name for name in EXPLAINED if f"`{name}`" not in described] == []


def test_every_table_source_and_credential_is_described() -> None:
    described = text_of("docs/configuration.md")
    for field in msgspec.structs.fields(Settings):
        assert f"`[{field.name}" in described, field.name
    for field in msgspec.structs.fields(Sources):
        assert f"`{field.name}`" in described, field.name
    for name in SecretName:
        assert name.variable in described


def test_the_example_of_our_own_csv_is_read(tmp_path: Path) -> None:
    example = re.search(r"```\n(ticker,as_of,.*?)```", text_of("docs/sources.md"), re.DOTALL)
    assert example is not None
    path = tmp_path / "example.csv"
    path.write_text(example[1])
    chains = {chain.ticker.symbol: chain for chain in read_chains(path)}
    assert sorted(chains) == ["BTC", "SPX"]
    assert chains["SPX"].multiplier.tolist() == [100.0]
    assert chains["BTC"].iv.tolist() == [0.453]
    assert all(not chain.dropped for chain in chains.values())


def test_every_column_of_the_option_chain_is_described() -> None:
    described = text_of("docs/levels.md").partition("## One contract")[2]
    assert [column.heading for column in COLUMNS.values() if column.heading not in described] == []
