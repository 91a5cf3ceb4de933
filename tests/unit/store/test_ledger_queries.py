"""Queries of a night find the rows of what changed, and go through no table of what is there."""

import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from par_core.stages.run import Run
from par_core.store.layout import Store
from par_core.store.ledger import database
from par_core.store.ledger.changed_images import changed_shards
from tests.indexing import FAKE, index
from tests.pictures import archive, save, scene

# names and aliases of tables with a row for each file or failure
_GROWING = re.compile(r"SCAN (f|files|g|also_listed|a|person_failures)\b(?! USING INDEX files_)")


def test_a_night_goes_through_no_table_that_grows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photos = archive(tmp_path / "photos", [("red",), ("green", "blue"), ()])
    more = archive(tmp_path / "more", [("yellow",)])
    for _ in range(2):
        index(tmp_path / "s", [photos])
    statements: set[str] = set()
    connect = sqlite3.connect

    def traced(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection = connect(*arguments, **options)
        connection.set_trace_callback(statements.add)
        return connection

    with monkeypatch.context() as patch:
        patch.setattr(database.sqlite3, "connect", traced)
        index(tmp_path / "s", [more])
        save(photos / "new.png", scene("blue", seed=99))
        (photos / "0001.png").unlink()
        index(tmp_path / "s", [photos])
    store = Store.open(tmp_path / "s")
    scans = []
    with database.Ledger.open(store, Run.of(store, FAKE).ids.segment) as ledger:
        assert list(changed_shards(ledger)) == []  # makes the table that its queries read
        for statement in statements:
            if statement.lstrip().startswith(("SELECT", "WITH", "INSERT", "UPDATE", "DELETE")):
                plan = [row[3] for row in ledger.rows(f"EXPLAIN QUERY PLAN {statement}")]
                scans += [(step, statement) for step in plan if _GROWING.search(step)]
    assert len(statements) > 50
    assert scans == []
