"""The ledger works on changes; it must say what a join of all listings and all shards says."""

import json
import tempfile
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
from hypothesis import example, given, settings
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
from par_core.store.ledger.listed import catch_up_listings, change_listing, follow_missing
from par_core.store.ledger.opening import build_ledger, remove_ledgers
from par_core.store.ledger.pending import failed_in, pending_in, undescribed_shards
from par_core.store.listings import forget_in_listings, listed_entries, save_listing
from par_core.store.schemas import IMAGES, PEOPLE, UNREADABLE_TIME, descriptions_schema
from par_core.store.suppression import load_suppression_list, save_suppression_list
from tests.full_join import file_counts, image_states, known_images, missing_files

Index = dict[str, tuple[str, str, tuple[str, ...], str]]  # uri, state, uris and shard of each image
IN_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # no disk is waited for
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
    of whom the first of content 4 could not be described. The time of capture of content 3 cannot be read.
    """
    images, people = [], {}
    for uri, content in files:
        identity = image_id(bytes([content]))
        status = Status.DAMAGED if content == 0 else Status.NO_PEOPLE if content == 1 else Status.OK
        read = content > 0
        images.append(
            {"uri": uri, "size": content, "version": "v", "attempt": attempt, "status": status.value}
            | {"message": UNREADABLE_TIME if content == 3 else "", "image_id": identity if read else None}
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


def commit(ledger: Ledger) -> Index:
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


def assert_like_the_full_join(ledger: Ledger, index: Index) -> None:
    counted, joined = accounting(ledger, 0), file_counts(ledger.store, SEGMENT)
    assert {name: value for name, value in asdict(counted).items() if name in joined} == joined
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


def assert_like_one_that_is_built(ledger: Ledger) -> None:
    other = ledger.path.with_name("built.db")
    build_ledger(ledger.store, SEGMENT, DESCRIBE, other)
    assert list(differences(ledger, other)) == []


def assert_counted_after_a_kill(store: Store) -> None:
    """A ledger for a new index that a kill leaves uncounted is counted by the next that opens it."""
    remove_ledgers(store)
    with open_ledger(store, SEGMENT, DESCRIBE, new_index=True) as ledger:
        assert ledger.value("SELECT count(*) FROM counters") == 0
        assert accounting(ledger, 0) == recounted(ledger, 0)
    with opened(store, []) as ledger:
        read = "SELECT DISTINCT image_id FROM files WHERE kind = 1 ORDER BY 1"
        assert list(ledger.rows("SELECT image_id FROM dirty ORDER BY 1")) == list(ledger.rows(read))
        assert accounting(ledger, 0) == recounted(ledger, 0)
        assert_like_one_that_is_built(ledger)


SOURCES = ["/a", "/b", "/"]
ACTIONS = st.one_of(
    st.tuples(
        st.just("relist"),
        st.sampled_from(SOURCES),
        st.dictionaries(st.sampled_from(NAMES), st.integers(0, 5), max_size=8),
        st.booleans(),
    ),
    st.tuples(st.just("remove"), st.sampled_from(SOURCES)),
    st.tuples(st.just("mask"), st.sampled_from(NAMES)),
    st.tuples(st.just("finish"), st.integers(1, 4), st.booleans()),
    st.tuples(st.just("miss"), st.sets(st.sampled_from(["/a", "/b", "/"]))),
    st.tuples(st.just("describe")),
    st.tuples(st.just("retry")),
    st.tuples(st.just("halve"), st.integers(0, 5), st.booleans()),
)


class Archive:
    """A ledger, and what happens to its store: each method but ``do`` is an action, and returns the shards
    that it changed.
    """

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.store = ledger, ledger.store
        self._shards = self._moment = 0

    def do(self, action: str, *values: Any) -> None:
        changed = getattr(self, action)(*values)
        follow_missing(self.ledger)
        for shards in changed:
            record_shards(self.ledger, shards, DESCRIBE)

    def relist(self, source: str, files: dict[str, int], same_moment: bool) -> Iterable[list[str]]:
        self._moment += not same_moment
        inside = [(uri, content) for uri, content in files.items() if uri.startswith(source)]
        list_files(self.ledger, source, inside, f"2026-11-{self._moment + 1:02d}")
        return ()

    def remove(self, source: str) -> Iterable[list[str]]:
        self.store.listing_path(digest_of(source)).unlink(missing_ok=True)
        catch_up_listings(self.ledger)
        return ()

    def mask(self, uri: str) -> Iterable[list[str]]:
        """Forget a name in the listings, as an erasure does."""
        save_suppression_list(self.store, load_suppression_list(self.store).with_place(uri))
        forget_in_listings(self.store)
        catch_up_listings(self.ledger)
        return ()

    def miss(self, sources: set[str]) -> Iterable[list[str]]:
        missing = json.dumps([digest_of(source) for source in sources])
        write_atomic(self.store.root / "listings" / "missing.json", missing.encode())
        return ()

    def finish(self, most: int, described: bool) -> Iterable[list[str]]:
        todo = sorted(set(pending_in(self.ledger, self._sources()).to_pylist()))[:most]
        if todo:
            listed = self._listed()
            shard = self._next_shard()
            write_shard(self.store, shard, [(uri, listed[uri]) for uri in todo], described=described)
            yield [shard]

    def describe(self) -> Iterable[list[str]]:
        shards = self._undescribed()
        for shard in shards:
            describe_shard(self.store, shard)
        yield shards

    def retry(self) -> Iterable[list[str]]:
        for row in failed_in(self.ledger, self._sources()).to_pylist()[:1]:
            shard, file = self._next_shard(), (row["uri"], self._listed()[row["uri"]])
            write_shard(self.store, shard, [file], attempt=row["attempt"] + 1)
            yield [shard]

    def halve(self, which: int, at_once: bool) -> Iterable[list[str]]:
        """Replace a shard by its halves, which are recorded together with it or later."""
        for shard in self._undescribed()[which : which + 1]:
            whole = self.store.shard("segment", SEGMENT, shard)
            rows = whole.read("images").to_pylist()
            halves = []
            for bit in (0, 1):
                halves.append(self._next_shard())
                files = [(row["uri"], row["size"]) for row in rows if row["size"] % 2 == bit]
                write_shard(self.store, halves[-1], files, attempt=rows[0]["attempt"], described=False)
            whole.remove()
            yield from [[shard, *halves]] if at_once else [[shard], halves]

    def _sources(self) -> list[str]:
        return [digest for (digest,) in self.ledger.rows("SELECT digest FROM sources")]

    def _listed(self) -> dict[str, int]:
        return {row["uri"]: row["size"] for row in listed_entries(self.store).to_pylist()}

    def _undescribed(self) -> list[str]:
        return [shard for shard, _ in undescribed_shards(self.ledger)]

    def _next_shard(self) -> str:
        self._shards += 1
        return f"{self._shards:016x}"


A, B = {"/a/a.jpg": 3}, {"/a/a.jpg": 4}


@settings(max_examples=25)
@example([("relist", "/a", A, False), ("relist", "/", A, False), ("mask", "/a/a.jpg"), ("remove", "/")])
@example([("relist", "/a", A, False), ("relist", "/", A, False), ("mask", "/a/a.jpg"), ("remove", "/a")])
@example([("relist", "/", A, False), ("mask", "/a/a.jpg"), ("relist", "/a", A, False), ("remove", "/a")])
@example(
    [("relist", "/", A, False), ("mask", "/a/a.jpg"), ("relist", "/a", A, False), ("relist", "/", {}, False)]
)
@example(
    [("relist", "/", A, False), ("relist", "/a", B, True), ("finish", 1, True), ("relist", "/", B, False)]
)
@example([("relist", "/a", A, False), ("relist", "/", B, True), ("finish", 1, True), ("remove", "/a")])
@example(
    [
        ("relist", "/a", {"/a/a.jpg": 3, "/a/b.jpg": 4}, False),
        ("finish", 2, False),
        ("halve", 0, False),
        ("describe",),
    ]
)
@given(actions=st.lists(ACTIONS, min_size=2, max_size=12))
def test_changes_add_up_to_what_a_join_of_everything_says(actions: list[tuple[Any, ...]]) -> None:
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as folder:
        store = Store.create(Path(folder) / "s")
        index: Index = {}
        with opened(store, []) as ledger:
            ledger.execute("PRAGMA synchronous = OFF")
            archive = Archive(ledger)
            for action in actions:
                archive.do(*action)
                index |= commit(ledger)
                assert_like_the_full_join(ledger, index)
            assert_like_one_that_is_built(ledger)
        assert_counted_after_a_kill(store)
