"""Stores of any size without pixels: what indexing would have written for an archive that does not exist.

    python benchmarks/synthetic_store.py --images 1000000 --out build/store-1m

Writes listings, segmented and described shards with their manifests, and nothing else: index and ledger are
derived, and the build under test makes them (``par rebuild``, ``commit_store``). The format is that of
release 0.1 (``synthetic_format.py``), so that every build gets the same bytes; one with other ids of a
configuration gives them by ``--segment-id`` and ``--describe-id``.

The archive: 200 cameras, 100 pictures a camera and day, about two people a picture. Of 1,000 files 5 failed,
10 are copies of the file before, 10 are copies of a file anywhere before, and about 80 hold nobody; one
picture in ten has a person who is too small, and one person in 1,000 could not be described. Every property
of a picture is a hash of seed and number, so that a block of shards can be made by itself, in any order.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).parent))
from synthetic_archive import SOURCE, Archive
from synthetic_format import CREATED_BY, ENTRIES, by_status, write_folder

from par_core.ids import digest_of

__all__ = ["Ids", "default_ids", "write_store"]

_SHARDS_PER_BLOCK = 64
_LISTED_AT = "2026-11-01T00:00:00+00:00"


@dataclass(frozen=True, slots=True)
class Ids:
    """Names of the two folders of a configuration.

    Attributes:
        segment: Id of the segmentation.
        describe: Id of the description.
    """

    segment: str
    describe: str


def rules() -> dict[str, str]:
    """Return what manifests record of the rules for labels in the build that is imported; empty in builds
    before these rules. So people of the store count as labelled, and runs over it are measured without
    labelling all of them again.
    """
    try:
        from par_core.stages.provenance import RULES
    except ImportError:
        return {}
    return dict(RULES)


def default_ids() -> Ids:
    """Return the ids of the ``fake`` profile with default settings in the build that is imported."""
    from par_core.config import load_config
    from par_core.stages.names import config_ids

    try:
        from par_core.models.fingerprints import fingerprints
    except ImportError:  # builds up to 0.1, the base of the comparison among them
        from par_core.models.profiles import fingerprints  # type: ignore[attr-defined,no-redef]

    config = load_config(profile="fake")
    ids = config_ids(config, fingerprints(config))
    return Ids(ids.segment, ids.describe)


def write_store(out: Path, archive: Archive, ids: Ids, *, shard_size: int = 256, workers: int = 2) -> int:
    """Write a store into a folder that does not exist yet.

    Args:
        out: The folder.
        archive: The archive that the store holds.
        ids: Ids of the configuration.
        shard_size: Files in a shard.
        workers: Processes that write shards.

    Returns:
        Number of shards.

    Raises:
        FileExistsError: The folder exists.
    """
    out.mkdir(parents=True)
    (out / "store.json").write_text(json.dumps({"format": 1, "created_by": CREATED_BY}))
    _write_listing(out, archive)
    block = shard_size * _SHARDS_PER_BLOCK
    starts = range(0, archive.images, block)
    stops = [min(start + block, archive.images) for start in starts]
    parts = len(stops)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        counts = pool.map(
            _write_block, [out] * parts, [archive] * parts, [ids] * parts, starts, stops, [shard_size] * parts
        )
        return sum(counts)


def _write_listing(out: Path, archive: Archive) -> None:
    info = json.dumps({"source": SOURCE, "listed_at": _LISTED_AT, "skipped": {}}).encode()
    schema = ENTRIES.with_metadata({b"par.schema": b"entries/1", b"par.listing": info})
    folder = out / "listings"
    folder.mkdir()
    with pq.ParquetWriter(folder / f"{digest_of(SOURCE)}.parquet", schema, compression="zstd") as writer:
        for start in range(0, archive.images, 250_000):
            numbers = np.arange(start, min(start + 250_000, archive.images))
            writer.write_table(archive.entries(numbers).replace_schema_metadata(schema.metadata))


def _write_block(out: Path, archive: Archive, ids: Ids, start: int, stop: int, shard_size: int) -> int:
    numbers = np.arange(start, stop)
    bounds = np.arange(0, stop - start, shard_size)
    images, people, described = archive.rows(numbers, shard_size)
    image_of = np.asarray(people["file"]) // shard_size
    first = np.searchsorted(image_of, np.arange(len(bounds) + 1))
    people, described = people.drop_columns(["file"]), described.drop_columns(["file"])
    for shard, bound in enumerate(bounds):
        entries = images.slice(bound, shard_size)
        rows = slice(int(first[shard]), int(first[shard + 1]))
        _write_shard(
            out, archive, ids, entries, people.slice(rows.start, rows.stop - rows.start),
            described.slice(rows.start, rows.stop - rows.start),
        )  # fmt: skip
    return len(bounds)


def _write_shard(
    out: Path, archive: Archive, ids: Ids, images: pa.Table, people: pa.Table, described: pa.Table
) -> None:
    keys = zip(*(images[name].to_pylist() for name in ("uri", "size", "version", "attempt")), strict=True)
    shard_id = digest_of(*(f"{uri}\n{size}\n{version}\n{attempt}" for uri, size, version, attempt in keys))
    write_folder(
        out / "segment" / ids.segment / shard_id,
        {"images": images, "people": people},
        {**by_status(images), "images": len(images), "people": len(people)},
        {
            "entries": len(images),
            "segmenter": archive.SEGMENTER,
            "model": "synthetic",
            "seconds": 1.0,
            "settings": {"min_score": None, "min_side": None, "min_height_px": 32},
            **rules(),
        },
    )
    write_folder(
        out / "describe" / ids.describe / shard_id,
        {"people": described},
        {**by_status(described), "people": len(described)},
        {
            "segment_config": ids.segment,
            "describer": "fake-describer-1",
            "embedding": "fake-embedding-1",
            "attributes": list(archive.ATTRIBUTES),
            "thresholds": [0.5] * len(archive.ATTRIBUTES),
            "embedding_size": archive.vector_size,
            "model": "synthetic",
            "seconds": 1.0,
            "settings": {
                "cutout": {"background": "eliminate", "margin": 0.05, "dilate": 0.03},
                "thumbnails": False,
            },
            **rules(),
        },
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Write one store and print what it holds."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--shard-size", type=int, default=256)
    parser.add_argument("--vector-size", type=int, default=32, help="floats of an embedding")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--segment-id", help="folder of the segmentation; by default that of this build")
    parser.add_argument("--describe-id", help="folder of the description; by default that of this build")
    options = parser.parse_args(arguments)
    started = time.monotonic()
    ids = default_ids() if None in (options.segment_id, options.describe_id) else None
    ids = Ids(
        options.segment_id or (ids.segment if ids else ""),
        options.describe_id or (ids.describe if ids else ""),
    )
    archive = Archive(options.images, options.vector_size, options.seed)
    shards = write_store(options.out, archive, ids, shard_size=options.shard_size, workers=options.workers)
    print(f"{options.images} images, {shards} shards in {options.out}; {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
