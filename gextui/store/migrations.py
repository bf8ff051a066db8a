"""How databases made by older versions become the newest schema, one step a version."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

STEPS: Sequence[str] = ()
"""SQL that leads from version 1 to 2, from 2 to 3, and so on; schema.sql is always where the last one ends."""


_SCHEMA = Path(__file__).with_name("schema.sql").read_text("utf-8")


def newest_version() -> int:
    """The schema version this program writes."""
    return 1 + len(STEPS)


def create(connection: sqlite3.Connection) -> None:
    """Give an empty database the newest schema."""
    connection.executescript(_SCHEMA)


def migrate(connection: sqlite3.Connection) -> None:
    """Take every step that the database lacks; each is one transaction, so a crash leaves a whole version behind.

    Raises:
        sqlite3.Error: a step failed; the database is at the version before it.
    """
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    for step in STEPS[version - 1 :]:
        version += 1
        try:
            connection.executescript(f"BEGIN IMMEDIATE;\n{step}\nPRAGMA user_version = {version};\nCOMMIT;")
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
