"""Cache of the predictions on a data set, shard by shard: planned here, computed anywhere, read back for
scoring.

    DIR/observed/KEY/plan.json        pictures in their order, and the settings of each variant
    DIR/observed/KEY/00000.parquet    the first 64 pictures, and so on: complete or not there

KEY is a digest of the pictures' names, sizes and times, of the models' fingerprints and of the settings that
decide the predictions. So a run that was stopped finds its own work, and two configurations never mix. A
variant is one of several settings that are tried on the same pictures.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from par_core.atomic import write_atomic
from par_core.attributes import out_of_frame
from par_core.attributes.colours import NAMING
from par_core.config import RunConfig, config_of
from par_core.datasets.folders import name_of
from par_core.errors import BadConfigError, BadInputError, StoreError
from par_core.ids import digest_of
from par_core.models.fingerprints import fingerprints
from par_core.predictions.tables import PredictedPeople, outlines_in, people_in
from par_core.types import PersonInstances

__all__ = ["SHARD", "Compute", "Kind", "PredictionCache", "PredictionJob"]

SHARD: Final = 64  # pictures: the unit of work, of retry and of resumption
_TABLES: Final = 2  # raised when the tables of predictions change
_PLAN: Final = "plan.json"

Kind = Literal["people", "outlines"]
"""``people``: the largest person of each picture, described. ``outlines``: everybody in each picture,
outlined.
"""


@dataclass(frozen=True, slots=True)
class PredictionJob:
    """Pictures on which the models are run.

    Attributes:
        folder: Folder of the plan and the shards.
        kind: What the models predict.
        pictures: n files, in the order of the rows.
        settings: Configuration of each variant.
    """

    folder: Path
    kind: Kind
    pictures: tuple[Path, ...]
    settings: tuple[RunConfig, ...]

    @classmethod
    def plan(
        cls, parent: Path, kind: Kind, pictures: Sequence[Path], settings: Sequence[RunConfig]
    ) -> "PredictionJob":
        """Write the plan; what an earlier run of the same plan has finished stays.

        Args:
            parent: Folder of all prediction jobs.
            kind: What the models predict.
            pictures: Files, in the order of the rows.
            settings: One or more variants; for ``people`` they may differ in how people are cut out, for
                ``outlines`` in who counts as a person.

        Raises:
            BadConfigError: There are no pictures.
            BadInputError: A picture does not exist; names it.
            WeightsError: Weights are missing.
        """
        if not pictures:
            raise BadConfigError("there is no picture to look at")
        planned = cls(
            parent / _key(kind, pictures, settings),
            kind,
            tuple(picture.absolute() for picture in pictures),
            tuple(settings),
        )
        content = {
            "kind": kind,
            "pictures": [str(picture) for picture in planned.pictures],
            "settings": [config.model_dump(mode="json") for config in settings],
        }
        write_atomic(planned.folder / _PLAN, json.dumps(content).encode())
        return planned

    @classmethod
    def open(cls, folder: Path) -> "PredictionJob":
        """Read a plan.

        Raises:
            StoreError: There is none, or it is damaged.
        """
        try:
            content = json.loads((folder / _PLAN).read_bytes())
            return cls(
                folder,
                content["kind"],
                tuple(map(Path, content["pictures"])),
                tuple(map(config_of, content["settings"])),
            )
        except (OSError, ValueError, KeyError) as error:
            raise StoreError(
                f"the plan in {folder} cannot be read ({error!r}); every worker must see this folder under"
                " this path"
            ) from error

    @property
    def shards(self) -> range:
        """Numbers of the shards."""
        return range(-(-len(self.pictures) // SHARD))

    def pictures_of(self, shard: int) -> tuple[Path, ...]:
        """Pictures of one shard."""
        return self.pictures[shard * SHARD : (shard + 1) * SHARD]

    def file(self, shard: int) -> Path:
        """Return the file of a shard."""
        return self.folder / f"{shard:05d}.parquet"

    def missing(self) -> list[int]:
        """Return the numbers of the shards that are not finished."""
        return [shard for shard in self.shards if not self.file(shard).exists()]

    def write(self, shard: int, table: pa.Table) -> None:
        """Write the file of a shard at once: it is complete, or does not exist.

        Raises:
            BadInputError: The table does not have one row a picture and variant.
        """
        expected = len(self.pictures_of(shard)) * len(self.settings)
        if len(table) != expected:
            raise BadInputError(f"shard {shard}: {expected} rows went in, {len(table)} came out")
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="zstd")
        write_atomic(self.file(shard), sink.getvalue().to_pybytes())

    def read(self) -> list[pa.Table]:
        """Return the predictions: one table a variant, rows in the order of the pictures.

        Raises:
            StoreError: A shard is missing or damaged; names it.
        """
        tables = []
        for shard in self.shards:
            try:
                tables.append(pq.read_table(self.file(shard), memory_map=False, partitioning=None))
            except (OSError, pa.ArrowException) as error:
                raise StoreError(
                    f"{self.file(shard)} cannot be read ({error}); delete it and run the same command again"
                ) from error
        whole = pa.concat_tables(tables)
        return [whole.filter(pc.equal(whole["variant"], number)) for number in range(len(self.settings))]


Compute = Callable[[PredictionJob], None]
"""Function that computes the missing shards of a job: in this process, or as tasks on workers. It must not
change the predictions.
"""


@dataclass(frozen=True, slots=True)
class PredictionCache:
    """Predictions of the models, computed once for the same pictures and settings and read back afterwards.

    Attributes:
        folder: Folder of the predictions, and of pictures that are cut out for them.
        compute: Computes what is missing.
    """

    folder: Path
    compute: Compute

    def people(self, pictures: Sequence[Path], settings: Sequence[RunConfig]) -> list[PredictedPeople]:
        """Return the largest person of each picture, one entry a variant.

        Raises:
            BadInputError: A picture cannot be read.
        """
        return [people_in(table) for table in self._tables("people", pictures, settings)]

    def outlines(
        self, pictures: Sequence[Path], settings: Sequence[RunConfig]
    ) -> list[list[PersonInstances]]:
        """Return the outlines of everybody in each picture, one list a variant; empty without pictures.

        Raises:
            BadInputError: A picture cannot be read.
        """
        return (
            [outlines_in(table) for table in self._tables("outlines", pictures, settings)]
            if pictures
            else [[] for _ in settings]
        )

    def _tables(self, kind: Kind, pictures: Sequence[Path], settings: Sequence[RunConfig]) -> list[pa.Table]:
        job = PredictionJob.plan(self.folder / "observed", kind, pictures, settings)
        self.compute(job)
        return job.read()


def _key(kind: Kind, pictures: Sequence[Path], settings: Sequence[RunConfig]) -> str:
    parts: list[str] = [f"{kind}/{_TABLES}", str(SHARD)]
    for picture in pictures:
        try:
            stat = picture.stat()
        except OSError as error:
            raise BadInputError(f"{picture}: {error}") from error
        parts += [name_of(picture), str(stat.st_size), str(stat.st_mtime_ns)]
    for config in settings:
        prints = fingerprints(config)
        used = [prints.segmenter, config.segment.digest(), config.archive.digest()]
        if kind == "people":
            used += [prints.describer, config.describe.cutout.digest(), NAMING, out_of_frame.RULE]
        parts += used
    return digest_of(*parts)
