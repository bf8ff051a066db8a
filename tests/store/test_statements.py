"""What no statement of the store may do."""

import re
from pathlib import Path

import gextui.store

FOLDER = Path(gextui.store.__file__).parent
SOURCES = {file.name: file.read_text("utf-8") for file in FOLDER.iterdir() if file.suffix in {".py", ".sql"}}


def found(pattern: str) -> dict[str, list[str]]:
    matches = {name: re.findall(pattern, text) for name, text in SOURCES.items()}
    return {name: hits for name, hits in matches.items() if hits}


def test_every_transaction_that_writes_begins_immediate() -> None:
    assert found(r"\bBEGIN\b(?! IMMEDIATE\b)[^\n]*") == {}
    assert set(found(r"\bBEGIN IMMEDIATE\b")) == {"database.py", "migrations.py", "schema.sql"}


def test_no_connection_begins_transactions_of_its_own() -> None:
    opened = found(r"sqlite3\.connect\([^\n]*\)")
    assert set(opened) == {"database.py", "opening.py"}
    assert all("isolation_level=None" in call for calls in opened.values() for call in calls)


def test_only_one_place_sets_connections_up() -> None:
    assert set(found(r"PRAGMA (?:synchronous|journal_mode|busy_timeout|foreign_keys|trusted_schema)")) == {
        "database.py"
    }


def test_every_table_is_strict() -> None:
    tables = re.findall(r"CREATE TABLE \w+ \(.*?\n\)(.*?);", SOURCES["schema.sql"], re.DOTALL)
    assert len(tables) == 8
    assert all("STRICT" in options for options in tables)


def test_nothing_is_pickled_or_evaluated() -> None:
    assert found(r"\b(?:pickle|eval|exec|marshal|load_extension)\b\W") == {}
