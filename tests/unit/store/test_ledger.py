"""The ledger works on changes; it must say what a join of all listings and all shards says."""

import json
from dataclasses import asdict

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from par_core.archive import Entry, Listing
from par_core.atomic import write_atomic
from par_core.ids import digest_of, image_id, person_id
from par_core.status import Status
from par_core.store.layout import Store
from par_core.store.ledger import Ledger, open_ledger
from par_core.store.ledger.accounting import accounting, recounted
from par_core.store.ledger.changed_images import changed_shards, mark_indexed
from par_core.store.ledger.compare import differences
from par_core.store.ledger.finished import record_shards
from par_core.store.ledger.listed import change_listing, follow_missing
from par_core.store.ledger.opening import build_ledger
from par_core.store.ledger.pending import failed_in, pending_in
from par_core.store.listings import listed_entries, save_listing
from par_core.store.schemas import IMAGES, PEOPLE, descriptions_schema
from tests.full_join import file_counts, image_states, known_images, missing_files

SEGMENT, DESCRIBE = "0" * 16, "1" * 16
NAMES = [f"/a/{letter}.jpg" for letter in "abcdef"] + ["/b/x.jpg", "/b/y.jpg"]
DESCRIPTIONS = descriptions_schema(["hat"], 2)
MODELS = {
    "attributes": ["hat"],
    "thresholds": [0.5],
    "embedding_size": 2,
    "embedding": "e",
    "segment_config": SEGMENT,
}


def write_shard(
    store: Store, shard_id: str, files: list[tuple[str, int]], *, attempt: int = 1, described: bool = True
) -> None:
    """Write a finished shard: content 0 is damaged, 1 shows nobody, any other one that many people less one,
    of whom the first of content 4 could not be described.
    """
    images, people = [], {}
    for uri, content in files:
        identity = image_id(bytes([content]))
        status = Status.DAMAGED if content == 0 else Status.NO_PEOPLE if content == 1 else Status.OK
        read = content > 0
        images.append(
            {"uri": uri, "size": content, "version": "v", "attempt": attempt, "status": status.value}
            | {"message": "", "image_id": identity if read else None}
            | {"n_people": max(content - 1, 0), "n_too_small": int(content == 5)}
            | {"width": 9, "height": 9, "format": "JPEG"}
        )
        for number in range(content - 1 + (content == 5)):
            small = number == content - 1
            box = (float(number), 0.0, number + 1.0, 50.0)
            name = person_id(identity, box, "s")
            people[name] = (
                {"person_id": name, "image_id": identity, "score": 0.9, "mask_counts": "", "mask_area": 1}
                | dict(zip(("x1", "y1", "x2", "y2"), box, strict=True))
                | {"mask_height": 9, "mask_width": 9}
                | {"status": (Status.TOO_SMALL if small else Status.OK).value}
            )
    tables = {
        "images": (pa.Table.from_pylist(images, schema=IMAGES), IMAGES),
        "people": (pa.Table.from_pylist(list(people.values()), schema=PEOPLE), PEOPLE),
    }
    store.shard("segment", SEGMENT, shard_id).write(
        tables, {"images": len(images), "people": len(people)}, {"entries": len(images)}
    )
    if described:
        describe_shard(store, shard_id)


def describe_shard(store: Store, shard_id: str) -> None:
    segmented = store.shard("segment", SEGMENT, shard_id).read("people").to_pylist()
    four = image_id(bytes([4]))
    rows = []
    for row in segmented:
        failed = row["image_id"] == four and row["x1"] == 0
        status = Status.NOT_FINITE.value if failed else row["status"]
        described = {"vector": [1.0, 0.0], "hat": 0.5} if status == Status.OK else {}
        rows.append(
            {"person_id": row["person_id"], "image_id": row["image_id"], "status": status} | described
        )
    table = pa.Table.from_pylist(rows, schema=DESCRIPTIONS)
    counts = {item["values"]: item["counts"] for item in table["status"].value_counts().to_pylist()}
    store.shard("describe", DESCRIBE, shard_id).write(
        {"people": (table, DESCRIPTIONS)}, {**counts, "people": len(rows)}, MODELS
    )


def list_files(ledger: Ledger, source: str, files: list[tuple[str, int]], listed_at: str) -> int:
    entries = tuple(Entry(uri, content, "v") for uri, content in sorted(files))
    saved = save_listing(ledger.store, Listing(source, entries), listed_at)
    return change_listing(ledger, saved.file, saved.now, saved.before)


def opened(store: Store, shards: list[str] | None = None):  # type: ignore[no-untyped-def]
    return open_ledger(store, SEGMENT, DESCRIBE, shards)


def commit(ledger: Ledger) -> dict[str, tuple[str, str, tuple[str, ...], str]]:
    """Mark everything as indexed that should be; return what the index would hold by image."""
    held = {}
    for shard in changed_shards(ledger):
        people = ledger.store.shard("describe", DESCRIBE, shard.shard_id).read("people").to_pylist()
        done = {}
        for image in shard.images:
            mine = [row for row in people if row["image_id"] == image.image_id and row["status"] == "ok"]
            done[image.image_id] = (image.digest, len(mine))
            held[image.image_id] = (image.uri, image.source_state, image.uris, shard.shard_id)
        mark_indexed(ledger, done, [])
    return held


def assert_like_the_full_join(
    ledger: Ledger, index: dict[str, tuple[str, str, tuple[str, ...], str]]
) -> None:
    counted = accounting(ledger, 0)
    assert {
        name: value for name, value in asdict(counted).items() if name in file_counts(ledger.store, SEGMENT)
    } == (file_counts(ledger.store, SEGMENT))
    assert counted == recounted(ledger, 0)
    described = {folder.shard_id for folder, _ in ledger.store.complete_shards("describe", DESCRIBE)}
    listed, missing = listed_entries(ledger.store), missing_files(ledger.store)
    shards = {
        row["image_id"]: row["shard"]
        for row in image_states(known_images(ledger.store, SEGMENT, described), listed).to_pylist()
    }
    expected = {
        row["image_id"]: (row["uri"], row["source_state"], tuple(row["uris"]), shards[row["image_id"]])
        for row in image_states(known_images(ledger.store, SEGMENT), listed, missing).to_pylist()
        if row["image_id"] in shards
    }
    assert index == expected
    other = ledger.path.with_name("built.db")
    with Ledger.open(ledger.store, SEGMENT, other) as built:
        build_ledger(built, DESCRIBE)
    assert list(differences(ledger, other)) == []
    other.unlink()


ACTIONS = st.one_of(
    st.tuples(
        st.just("list"),
        st.sampled_from(["/a", "/b", "/"]),
        st.dictionaries(st.sampled_from(NAMES), st.integers(0, 5), max_size=8),
    ),
    st.tuples(st.just("finish"), st.integers(1, 4), st.booleans()),
    st.tuples(st.just("miss"), st.sets(st.sampled_from(["/a", "/b", "/"]))),
    st.tuples(st.just("describe")),
    st.tuples(st.just("retry")),
    st.tuples(st.just("halve"), st.integers(0, 5)),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actions=st.lists(ACTIONS, min_size=2, max_size=12))
def test_changes_add_up_to_what_a_join_of_everything_says(
    tmp_path_factory: pytest.TempPathFactory, actions: list[tuple]
) -> None:
    store = Store.create(tmp_path_factory.mktemp("ledger") / "s")
    index: dict[str, tuple[str, str, tuple[str, ...], str]] = {}
    number = 0
    with opened(store, []) as ledger:
        for step, (kind, *values) in enumerate(actions):
            sources = [digest for (digest,) in ledger.rows("SELECT digest FROM sources")]
            done: list[str] = []
            if kind == "list":
                source, files = values
                inside = [(uri, content) for uri, content in files.items() if uri.startswith(source)]
                list_files(ledger, source, inside, f"2026-11-{step + 1:02d}")
            elif kind == "finish":
                most, described = values
                listed = {row["uri"]: row["size"] for row in listed_entries(store).to_pylist()}
                todo = sorted(set(pending_in(ledger, sources).to_pylist()))[:most]
                if todo:
                    number += 1
                    done = [f"{number:016x}"]
                    write_shard(store, done[0], [(uri, listed[uri]) for uri in todo], described=described)
            elif kind == "miss":
                missing = [digest_of(source) for source in values[0]]
                write_atomic(store.root / "listings" / "missing.json", json.dumps(missing).encode())
            elif kind == "describe":
                done = [
                    shard.hex() for (shard,) in ledger.rows("SELECT shard FROM shards WHERE described = 0")
                ]
                for shard in done:
                    describe_shard(store, shard)
            elif kind == "retry":
                listed = {row["uri"]: row["size"] for row in listed_entries(store).to_pylist()}
                failed = failed_in(ledger, sources).to_pylist()[:1]
                for row in failed:
                    number += 1
                    done = [f"{number:016x}"]
                    write_shard(
                        store, done[0], [(row["uri"], listed[row["uri"]])], attempt=row["attempt"] + 1
                    )
            elif kind == "halve":
                shards = [s.hex() for (s,) in ledger.rows("SELECT shard FROM shards WHERE described = 0")]
                for shard in shards[values[0] : values[0] + 1]:
                    whole = store.shard("segment", SEGMENT, shard)
                    rows = whole.read("images").to_pylist()
                    halves = [f"{number + 1:016x}", f"{number + 2:016x}"]
                    number += 2
                    groups = [[r for r in rows if r["size"] % 2 == bit] for bit in (0, 1)]
                    for half, group in zip(halves, groups, strict=True):
                        write_shard(
                            store,
                            half,
                            [(r["uri"], r["size"]) for r in group],
                            attempt=rows[0]["attempt"],
                            described=False,
                        )
                    whole.remove()
                    done = [shard, *halves]
            follow_missing(ledger)
            record_shards(ledger, done, DESCRIBE)
            index |= commit(ledger)
            assert_like_the_full_join(ledger, index)
