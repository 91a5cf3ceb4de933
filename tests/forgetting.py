"""What the tests of forgetting share: erasing from a store, and looking for traces."""

import json
from pathlib import Path

import pyarrow.parquet as pq
from typer.testing import CliRunner, Result

from flows.cli.main import app
from par_core.config import load_config
from par_core.forget import Request, find_subject, forget
from par_core.forget.forgetting import ForgetReport
from par_core.stages.check import verify_store
from par_core.stages.status import store_status
from par_core.store.lance import PeopleIndex
from par_core.store.layout import Store
from tests.indexing import content

GROUPS = [("red",), ("green", "blue"), (), ("yellow",), ("magenta", "cyan", "red")]
THUMBNAILS = load_config(profile="fake", describe={"thumbnails": True})


def newest(root: Path) -> PeopleIndex:
    people = PeopleIndex.open(Store.open(root).index_path)
    assert people is not None
    return people


def people_of(root: Path, name: str) -> list[dict]:
    return [row for row in content(root) if Path(row["uri"]).name == name]


def erase(root: Path, **what: str) -> ForgetReport:
    store = Store.open(root)
    values = {kind: [value] for kind, value in what.items()}
    return forget(
        store,
        find_subject(
            store, Request.of(values.get("source", []), values.get("image", []), values.get("person", []))
        ),
    )


def anywhere(root: Path, text: str) -> list[str]:
    """Files of a store that hold a text, also in the rows of Parquet files; independent of the product's
    search.
    """
    files = []
    for path in root.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            as_text = (
                repr(pq.read_table(path, partitioning=None).to_pylist()) if path.suffix == ".parquet" else ""
            )
            if text.encode() in data or json.dumps(text)[1:-1].encode() in data or text in as_text:
                files.append(str(path.relative_to(root)))
    return files


def assert_well(root: Path) -> None:
    assert verify_store(Store.open(root)).problems == ()
    assert store_status(Store.open(root)).accounting.holds


def par(*arguments: object, **options: str) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], **options)  # type: ignore[arg-type]
