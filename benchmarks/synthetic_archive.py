"""The rows of an archive that does not exist: uris, pictures and people, each a hash of seed and number."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Final

import numpy as np
import pyarrow as pa
from synthetic_format import DESCRIBED, ENTRIES, IMAGES, PEOPLE

from par_core.ids import person_id
from par_core.people.masks import encode_mask_in_box, mask_area

__all__ = ["SOURCE", "Archive"]

SOURCE: Final = "/archive"
CAMERAS: Final = 200
PER_DAY: Final = 100  # pictures of a camera
SIZES: Final = ((1920, 1080), (1280, 720), (640, 480))  # width and height of the pictures
FORMS: Final = 256  # boxes with masks, for each size and place in the picture
PLACES: Final = 5  # a picture is cut into so many strips with at most one person each; the last is too small
PEOPLE_SHARES: Final = (0.08, 0.20, 0.38, 0.26, 0.08)  # of pictures with 0, 1, ... 4 people: 2.06 on average
CLUSTERS: Final = 500  # kinds of people
NOISES: Final = 4096
SPREAD: Final = 0.6  # length of the noise around the middle of a kind, which has length 1
COLOURS: Final = ("black", "blue", "grey", "white", "red", "brown", "green", "beige", "pink", "yellow")
FAILURES: Final = ("damaged", "truncated", "empty", "permission")  # the first two have bytes, and so an id
FIRST_DAY: Final = np.datetime64("2026-01-01", "ms")


@dataclass(frozen=True)
class Archive:
    """An archive.

    Attributes:
        images: Number of its files.
        vector_size: Floats of an embedding.
        seed: Seed of everything.
    """

    images: int
    vector_size: int
    seed: int

    SEGMENTER: ClassVar[str] = "fake-segmenter-1"
    ATTRIBUTES: ClassVar[tuple[str, ...]] = ("bright", "tall")

    def entries(self, numbers: np.ndarray) -> pa.Table:
        """Return the files with some numbers (n,), in 0 to ``images`` - 1, as rows of ENTRIES. The files are
        in the order of their uris.
        """
        taken_at, uris = self._places(numbers)
        columns = {
            "uri": pa.array(uris, pa.string()),
            "size": pa.array(200_000 + self._hash("size", numbers) % 3_000_000).cast(pa.int64()),
            "version": pa.array(taken_at.astype("datetime64[ns]").astype(np.int64)).cast(pa.string()),
            "status": pa.array(["ok"] * len(numbers)),
            "message": pa.array([""] * len(numbers)),
        }
        return pa.table(columns, schema=ENTRIES)

    def rows(self, numbers: np.ndarray, shard_size: int) -> tuple[pa.Table, pa.Table, pa.Table]:
        """Return what segment and describe would have written for some files.

        Args:
            numbers: Consecutive numbers of files, the first one the first of its shard.
            shard_size: Files in a shard; a shard holds the people of a picture once.

        Returns:
            Rows of IMAGES in the order of the files; rows of PEOPLE and of DESCRIBED, the same people in
            both, by shard and then in the order in which the stages write them. Both tables of people have
            another column ``file``, the place of the picture among ``numbers``.
        """
        images, contents = self._image_rows(numbers)
        read = np.flatnonzero(np.isin(np.asarray(images["status"]), ["ok", "no_people"]))
        shards = read // shard_size
        first = np.unique(np.stack([shards, contents[read]]), axis=1, return_index=True)[1]
        people, described = self._people_rows(read[first], contents, np.asarray(images["image_id"]))
        place = pa.array(np.asarray(people["file"]) // shard_size)
        people, described = (table.append_column("shard", place) for table in (people, described))
        by = [("shard", "ascending"), ("image_id", "ascending")]
        people = people.sort_by([*by, ("score", "descending"), ("person_id", "ascending")])
        described = described.sort_by([*by, ("person_id", "ascending")])
        return images, people.drop_columns(["shard"]), described.drop_columns(["shard"])

    def _image_rows(self, numbers: np.ndarray) -> tuple[pa.Table, np.ndarray]:
        contents = self._contents(numbers)
        failed = (numbers % 4 == 3) & (self._hash("failed", numbers) % 1000 < 20)
        kind = np.where(failed, self._hash("failure", numbers) % len(FAILURES), len(FAILURES)).astype(int)
        n_people, too_small = self._n_people(contents)
        status = np.where(n_people > 0, "ok", "no_people").astype(object)
        status[failed] = np.array(FAILURES, object)[kind[failed]]
        messages = np.where(failed, "made so for the benchmark", "")
        identities = np.array(self._image_ids(contents), object)
        identities[failed & (kind >= 2)] = None
        sizes = np.array(SIZES)[self._hash("dimensions", contents) % len(SIZES)]
        taken_at = self._places(contents)[0].astype("datetime64[us]")
        dated = self._hash("dated", contents) % 10 > 0
        entries = self.entries(numbers)
        columns = {
            "uri": entries["uri"],
            "size": entries["size"],
            "version": entries["version"],
            "attempt": pa.array(np.ones(len(numbers), np.int32)),
            "status": pa.array(status, pa.string()),
            "message": pa.array(messages, pa.string()),
            "image_id": pa.array(identities, pa.string()),
            "width": pa.array(sizes[:, 0].astype(np.int32), mask=failed),
            "height": pa.array(sizes[:, 1].astype(np.int32), mask=failed),
            "format": pa.array(np.full(len(numbers), "JPEG", object), pa.string(), mask=failed),
            "captured_at": pa.array(taken_at, pa.timestamp("us"), mask=failed | ~dated),
            "n_people": pa.array(np.where(failed, 0, n_people).astype(np.int32)),
            "n_too_small": pa.array(np.where(failed, 0, too_small).astype(np.int32)),
        }
        return pa.table(columns, schema=IMAGES), contents

    def _people_rows(
        self, files: np.ndarray, contents: np.ndarray, image_ids: np.ndarray
    ) -> tuple[pa.Table, pa.Table]:
        n_people, too_small = self._n_people(contents[files])
        places = np.arange(PLACES)
        there = (places < n_people[:, None]) | ((places == PLACES - 1) & (too_small[:, None] > 0))
        row, place = np.nonzero(there)
        file = files[row]
        content = contents[file]
        key = content * PLACES + place
        size = (self._hash("dimensions", content) % len(SIZES)).astype(int)
        form = (size * PLACES + place) * FORMS + (self._hash("form", key) % FORMS).astype(int)
        boxes, counts, areas = self._forms
        identities = image_ids[file]
        ids = [
            person_id(identity, box, self.SEGMENTER)
            for identity, box in zip(identities, boxes[form].tolist(), strict=True)
        ]
        small = place == PLACES - 1
        status = np.where(small, "too_small", "ok").astype(object)
        names = {
            "person_id": pa.array(ids, pa.string()),
            "image_id": pa.array(identities, pa.string()),
        }
        dimensions = np.array(SIZES, np.int32)[size]
        people = {
            **names,
            "status": pa.array(status, pa.string()),
            "score": pa.array((0.5 + 0.5 * self._uniform("score", key)).astype(np.float32)),
            **{name: pa.array(boxes[form, i]) for i, name in enumerate(("x1", "y1", "x2", "y2"))},
            "mask_height": pa.array(dimensions[:, 1]),
            "mask_width": pa.array(dimensions[:, 0]),
            "mask_counts": counts.take(pa.array(form)),
            "mask_area": pa.array(areas[form]),
        }
        status[~small & (self._hash("not finite", key) % 1000 == 0)] = "not_finite"
        left_out = status != "ok"
        described: dict[str, pa.Array] = {**names, "status": pa.array(status, pa.string())}
        for name in ("upper_color", "lower_color"):
            colours = np.array(COLOURS, object)[self._hash(name, key) % len(COLOURS)]
            described[name] = pa.array(colours, pa.string(), mask=left_out)
            described[f"{name}_share"] = self._numbers(f"{name}_share", key, left_out)
        area = (boxes[form, 2] - boxes[form, 0]) * (boxes[form, 3] - boxes[form, 1])
        described["megapixels"] = pa.array((area / 1e6).astype(np.float32), mask=left_out)
        for name in ("glvn", *self.ATTRIBUTES):
            described[name] = self._numbers(name, key, left_out)
        described["thumbnail"] = pa.nulls(len(key), pa.binary())
        described["vector"] = self._vectors(key, left_out)
        kind = pa.list_(pa.float32(), self.vector_size)
        schema = DESCRIBED.append(pa.field("vector", kind))
        place_of = pa.array(file)
        tables = (
            pa.table(people, schema=PEOPLE),
            pa.table([described[name] for name in schema.names], schema=schema),
        )
        return tables[0].append_column("file", place_of), tables[1].append_column("file", place_of)

    def _places(self, numbers: np.ndarray) -> tuple[np.ndarray, list[str]]:
        """Times, datetime64[ms], and uris of files."""
        a_camera = -(-self.images // CAMERAS)
        camera, turn = numbers // a_camera, numbers % a_camera
        step = 86_400_000 // PER_DAY
        within = turn % PER_DAY * step + (self._hash("time", numbers) % step).astype(np.int64)
        taken_at = FIRST_DAY + (turn // PER_DAY * 86_400_000 + within).astype("timedelta64[ms]")
        names = np.datetime_as_string(taken_at, unit="ms").tolist()  # 2026-11-03T14:22:31.007
        uris = [
            f"{SOURCE}/cam-{number:03d}/{name[:10]}/{name[11:].replace(':', '-').replace('.', '-')}.jpg"
            for number, name in zip(camera.tolist(), names, strict=True)
        ]
        return taken_at, uris

    def _contents(self, numbers: np.ndarray) -> np.ndarray:
        """Number of the file that has the same bytes first. Only the first of four files is ever copied."""
        before = numbers // 4 * 4
        near = (numbers % 4 == 1) & (self._hash("near", numbers) % 1000 < 40)
        far = (numbers % 4 == 2) & (self._hash("far", numbers) % 1000 < 40)
        anywhere = (self._hash("which", numbers) % (numbers // 4 + 1).astype(np.uint64)).astype(np.int64) * 4
        return np.where(near, before, np.where(far, anywhere, numbers))

    def _n_people(self, contents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        edges = np.cumsum(PEOPLE_SHARES)[:-1]
        n_people = np.searchsorted(edges, self._uniform("people", contents), side="right")
        return n_people, (self._hash("too small", contents) % 10 == 0).astype(int)

    def _image_ids(self, contents: np.ndarray) -> list[str]:
        return [
            hashlib.sha256(b"%d/%d" % (self.seed, content)).hexdigest()[:32] for content in contents.tolist()
        ]

    @cached_property
    def _forms(self) -> tuple[np.ndarray, pa.Array, np.ndarray]:
        """Boxes (forms, 4), float32, with the run-length code and the area of an ellipse in each."""
        rng = np.random.default_rng(self.seed)
        boxes, masks = [], []
        for width, height in SIZES:
            strip = width // PLACES
            for place in range(PLACES):
                lowest, highest = (12, 31) if place == PLACES - 1 else (40, int(0.6 * height))
                for tall in rng.integers(lowest, highest, FORMS).tolist():
                    wide = max(4, int(0.4 * tall))
                    left = place * strip + int(rng.integers(0, strip // 2))
                    top = int(rng.integers(0, height - tall))
                    y, x = np.ogrid[-1 : 1 : tall * 1j, -1 : 1 : wide * 1j]
                    mask = encode_mask_in_box((x**2 + y**2 <= 1), left, top, height, width)
                    boxes.append((left, top, left + wide, top + tall))
                    masks.append(mask)
        counts = pa.array([mask.counts.decode("ascii") for mask in masks], pa.string())
        return np.array(boxes, np.float32), counts, np.array([mask_area(mask) for mask in masks], np.int64)

    @cached_property
    def _kinds(self) -> tuple[np.ndarray, np.ndarray]:
        """Middles of the kinds of people (kinds, d) and noises (noises, d), float32."""
        rng = np.random.default_rng(self.seed + 1)
        middles = rng.standard_normal((CLUSTERS, self.vector_size)).astype(np.float32)
        noises = rng.standard_normal((NOISES, self.vector_size)).astype(np.float32)
        middles /= np.linalg.norm(middles, axis=1, keepdims=True)
        return middles, noises * np.float32(SPREAD / np.sqrt(2 * self.vector_size))

    def _vectors(self, key: np.ndarray, left_out: np.ndarray) -> pa.Array:
        middles, noises = self._kinds
        vectors = middles[self._hash("kind", key) % CLUSTERS]
        vectors = vectors + noises[self._hash("noise", key) % NOISES]
        vectors += noises[self._hash("more noise", key) % NOISES]
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return pa.FixedSizeListArray.from_arrays(
            pa.array(vectors.ravel()), self.vector_size, mask=pa.array(left_out)
        )

    def _numbers(self, name: str, key: np.ndarray, left_out: np.ndarray) -> pa.Array:
        return pa.array(self._uniform(name, key).astype(np.float32), mask=left_out)

    def _uniform(self, name: str, numbers: np.ndarray) -> np.ndarray:
        """Numbers in [0, 1), float64, of the same shape."""
        return (self._hash(name, numbers) >> np.uint64(11)) * 2.0**-53

    def _hash(self, name: str, numbers: np.ndarray) -> np.ndarray:
        """Hashes of numbers, uint64, of the same shape: SplitMix64 (Steele, Lea and Flood, "Fast splittable
        pseudorandom number generators", OOPSLA 2014), salted with seed and name.
        """
        salt = hashlib.sha256(f"{self.seed}/{name}".encode()).digest()[:8]
        mixed = numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.frombuffer(salt, np.uint64)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return mixed ^ (mixed >> np.uint64(31))
