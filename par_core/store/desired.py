"""The rows that the index should hold, computed from Parquet alone."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from par_core.errors import StoreError
from par_core.ids import digest_of
from par_core.status import Status
from par_core.store.layout import Store
from par_core.store.ledger import image_states, known_images
from par_core.store.listings import listed_entries
from par_core.store.schemas import index_schema
from par_core.store.shards import Manifest, ShardFolder

__all__ = ["DescribedWith", "DesiredShard", "described_with", "desired_rows"]


@dataclass(frozen=True, slots=True)
class DescribedWith:
    """Models of the shards of a description, as their manifests say.

    Attributes:
        attributes: Names of the attribute columns.
        thresholds: Probability from which each attribute counts as present.
        embedding_size: Length of the vectors.
        embedding: Fingerprint of the joint image and text model.
    """

    attributes: tuple[str, ...]
    thresholds: tuple[float, ...]
    embedding_size: int
    embedding: str

    @property
    def schema(self) -> pa.Schema:
        """The schema of the index."""
        return index_schema(self.attributes, self.embedding_size)


@dataclass(frozen=True, slots=True)
class DesiredShard:
    """The rows that one shard contributes to the index.

    Attributes:
        digests: ``row_digest`` by ``person_id``; changes when anything of the row does.
    """

    digests: dict[str, str]
    _segmented: ShardFolder
    _described: ShardFolder
    _states: pa.Table

    def rows(self, person_ids: set[str], schema: pa.Schema) -> pa.Table:
        """Return the rows of some people, with vectors, in the schema of the index."""
        described = self._described.read("people")
        described = described.filter(
            pc.is_in(described["person_id"], value_set=pa.array(sorted(person_ids), pa.string()))
        )
        people = _matching(self._segmented.read("people"), "person_id", described["person_id"])
        images = _matching(self._states, "image_id", described["image_id"])
        columns = {name: described[name] for name in described.schema.names if name in schema.names}
        columns |= {name: people[name] for name in ("x1", "y1", "x2", "y2", "score")}
        columns |= {name: images[name] for name in ("uri", "uris", "source_state", "captured_at")}
        columns |= {"image_width": images["width"], "image_height": images["height"]}
        columns["height_px"] = pc.subtract(people["y2"], people["y1"])
        columns["shard"] = pa.array([self._described.shard_id] * len(described), pa.string())
        columns["row_digest"] = pa.array(
            [self.digests[identity] for identity in described["person_id"].to_pylist()], pa.string()
        )
        return pa.table([columns[name].cast(schema.field(name).type) for name in schema.names], schema=schema)


def described_with(store: Store, describe_config: str) -> DescribedWith | None:
    """Return the models of the shards of a description, or None if there is no shard.

    Raises:
        StoreError: Two shards disagree.
    """
    summaries: set[DescribedWith] = set()
    for _, manifest in store.complete_shards("describe", describe_config):
        info = manifest.info
        summaries.add(
            DescribedWith(
                tuple(info["attributes"]),
                tuple(info["thresholds"]),
                info["embedding_size"],
                info["embedding"],
            )
        )
    if len(summaries) > 1:
        raise StoreError(
            f"shards under describe/{describe_config} were made with different models; delete that folder and"
            " run par index again"
        )
    return summaries.pop() if summaries else None


def desired_rows(
    store: Store,
    segment_config: str,
    describe_config: str,
    *,
    among: Collection[str] | None = None,
    images: pa.Array | None = None,
) -> Iterator[DesiredShard]:
    """Yield the rows that the index should hold, shard by shard: every usable person of every image, once.

    Args:
        store: The store.
        segment_config: Id of the segmentation.
        describe_config: Id of the description.
        among: Ids of the shards to look at, which hold every row of the wanted images; None takes all.
        images: Ids of the images whose people are wanted; None takes all.
    """
    described = {
        folder.shard_id: (folder, manifest) for folder, manifest in _complete(store, describe_config, among)
    }
    states = image_states(known_images(store, segment_config, described.keys()), listed_entries(store))
    states = states if images is None else states.filter(pc.is_in(states["image_id"], value_set=images))
    for shard_id, (folder, manifest) in described.items():
        shard_states = states.filter(pc.equal(states["shard"], shard_id))
        if not len(shard_states):
            continue
        by_image = {
            row["image_id"]: row
            for row in shard_states.select(["image_id", "uri", "uris", "source_state"]).to_pylist()
        }
        people = folder.read("people", ["person_id", "image_id", "status"]).to_pylist()
        content = manifest.files["people.parquet"]
        digests = {
            person["person_id"]: digest_of(content, shard_id, *_place(by_image[person["image_id"]]))
            for person in people
            if person["status"] == Status.OK and person["image_id"] in by_image
        }
        yield DesiredShard(digests, store.shard("segment", segment_config, shard_id), folder, shard_states)


def _complete(
    store: Store, describe_config: str, among: Collection[str] | None
) -> Iterator[tuple[ShardFolder, Manifest]]:
    if among is None:
        yield from store.complete_shards("describe", describe_config)
        return
    for shard_id in sorted(among):
        folder = store.shard("describe", describe_config, shard_id)
        manifest = folder.manifest()
        if manifest is not None:
            yield folder, manifest


def _place(image: dict[str, object]) -> list[str]:
    uris = image["uris"]
    assert isinstance(uris, list)
    return [str(image["uri"]), str(image["source_state"]), *uris]


def _matching(table: pa.Table, key: str, wanted: pa.ChunkedArray) -> pa.Table:
    """Return the rows of a table in the order of the wanted keys; the table must hold all of them."""
    return table.take(pc.index_in(wanted, value_set=table[key].combine_chunks()))
