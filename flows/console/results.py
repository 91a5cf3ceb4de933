"""People of a picture, and failed files, as plain lines, for a terminal or a pipe."""

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from par_core.query.one_picture import PersonInPicture
from par_core.store.layout import Store
from par_core.store.ledger import Ledger
from par_core.store.ledger.pending import failed_files as failed_uris
from par_core.store.status_file import StatusReport

__all__ = [
    "description_lines",
    "failed_files",
]


def description_lines(
    people: Sequence[PersonInPicture], ranked: Sequence[Sequence[tuple[str, float]]]
) -> Iterator[str]:
    """Yield the people of a picture, each with the prompts, most likely first."""
    if not people:
        yield "Nobody was found in this picture."
    for number, (person, prompts) in enumerate(zip(people, ranked, strict=True), 1):
        x1, y1, x2, y2 = person.box
        yield f"person {number}: box {x1:.0f}, {y1:.0f}, {x2:.0f}, {y2:.0f}; score {person.score:.2f}"
        yield from (f"  {probability:6.1%}  {text}" for text, probability in prompts)


def failed_files(store: Store, report: StatusReport) -> list[dict[str, Any]]:
    """Return uri, status, message and attempt of every listed file that failed."""
    if report.commit is None:
        return []
    uris: dict[str, list[str]] = {}
    config = report.commit.segment_config
    with Ledger.read(store, config) as ledger:
        for uri, shard in failed_uris(ledger) if ledger else ():
            uris.setdefault(shard, []).append(uri)
    rows: list[dict[str, Any]] = []
    for shard, failed in uris.items():
        images = store.shard("segment", config, shard).read("images", ["uri", "status", "message", "attempt"])
        rows += images.filter(pc.is_in(images["uri"], value_set=pa.array(failed, pa.string()))).to_pylist()
    return sorted(rows, key=lambda row: str(row["uri"]))
