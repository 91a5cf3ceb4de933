"""What the models saw of a data set, shard by shard: planned here, carried out anywhere, read back for
scoring.

    DIR/observed/KEY/plan.json        pictures in their order, and the settings of each variant
    DIR/observed/KEY/00000.parquet    the first 64 pictures, and so on: complete or not there

KEY is a digest of the pictures' names, sizes and times, of the models' fingerprints and of the settings that
decide the answer. So a run that was stopped finds its own work, and two configurations never mix. A variant
is one of several settings that are tried on the same pictures.
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
from par_core.config import RunConfig, config_of
from par_core.datasets.folders import name_of
from par_core.errors import BadConfigError, BadInputError, StoreError
from par_core.ids import digest_of
from par_core.models.profiles import fingerprints
from par_core.predictions.tables import ObservedPeople, outlines_in, people_in
from par_core.types import PersonInstances

__all__ = ["SHARD", "CarryOut", "Kind", "Observation", "Observer"]

SHARD: Final = 64  # pictures: the unit of work, of retry and of resumption
_TABLES: Final = 2  # raised when the tables of observations change
_PLAN: Final = "plan.json"

Kind = Literal["people", "outlines"]
"""``people``: the largest person of each picture, described. ``outlines``: everybody in each picture,
outlined.
"""


@dataclass(frozen=True, slots=True)
class Observation:
    """Pictures that the models look at.

    Attributes:
        folder: Of the plan and the shards.
        kind: What is looked for.
        pictures: n files, in the order of the rows.
        settings: Of each variant.
    """

    folder: Path
    kind: Kind
    pictures: tuple[Path, ...]
    settings: tuple[RunConfig, ...]

    @classmethod
    def plan(
        cls, parent: Path, kind: Kind, pictures: Sequence[Path], settings: Sequence[RunConfig]
    ) -> "Observation":
        """Write the plan; what an earlier run of the same plan has finished stays.

        Args:
            parent: Folder of all observations.
            kind: What is looked for.
            pictures: In the order that is wanted back.
            settings: One or more variants; of ``people`` they may differ in how people are cut out, of
                ``outlines`` in who counts as a person.

        Raises:
            BadConfigError: There are no pictures.
            BadInputError: A picture is not there; names it.
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
    def open(cls, folder: Path) -> "Observation":
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
        """The pictures of one shard."""
        return self.pictures[shard * SHARD : (shard + 1) * SHARD]

    def file(self, shard: int) -> Path:
        """Where a shard is written."""
        return self.folder / f"{shard:05d}.parquet"

    def missing(self) -> list[int]:
        """The shards that are not finished."""
        return [shard for shard in self.shards if not self.file(shard).exists()]

    def write(self, shard: int, table: pa.Table) -> None:
        """Finish a shard: its file is complete, or not there.

        Raises:
            BadInputError: It has not one row a picture and variant.
        """
        wanted = len(self.pictures_of(shard)) * len(self.settings)
        if len(table) != wanted:
            raise BadInputError(f"shard {shard}: {wanted} rows went in, {len(table)} came out")
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="zstd")
        write_atomic(self.file(shard), sink.getvalue().to_pybytes())

    def read(self) -> list[pa.Table]:
        """What was seen: one table a variant, rows in the order of the pictures.

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


CarryOut = Callable[[Observation], None]
"""Finishes what is missing of an observation: in this process, or as tasks on workers. It must not change the
answer.
"""


@dataclass(frozen=True, slots=True)
class Observer:
    """Looks at pictures once, and remembers.

    Attributes:
        folder: Where observations, and pictures that are cut out for them, are kept.
        carry_out: How the work is done.
    """

    folder: Path
    carry_out: CarryOut

    def people(self, pictures: Sequence[Path], settings: Sequence[RunConfig]) -> list[ObservedPeople]:
        """The largest person of each picture, by every variant.

        Raises:
            BadInputError: A picture cannot be read.
        """
        return [people_in(table) for table in self._tables("people", pictures, settings)]

    def outlines(
        self, pictures: Sequence[Path], settings: Sequence[RunConfig]
    ) -> list[list[PersonInstances]]:
        """Everybody in each picture, by every variant; nothing where there is no picture.

        Raises:
            BadInputError: A picture cannot be read.
        """
        return (
            [outlines_in(table) for table in self._tables("outlines", pictures, settings)]
            if pictures
            else [[] for _ in settings]
        )

    def _tables(self, kind: Kind, pictures: Sequence[Path], settings: Sequence[RunConfig]) -> list[pa.Table]:
        observation = Observation.plan(self.folder / "observed", kind, pictures, settings)
        self.carry_out(observation)
        return observation.read()


def _key(kind: Kind, pictures: Sequence[Path], settings: Sequence[RunConfig]) -> str:
    parts: list[str] = [f"{kind}/{_TABLES}", str(SHARD)]
    for picture in pictures:
        try:
            found = picture.stat()
        except OSError as error:
            raise BadInputError(f"{picture}: {error}") from error
        parts += [name_of(picture), str(found.st_size), str(found.st_mtime_ns)]
    for config in settings:
        prints = fingerprints(config)
        seen_by = [prints.segmenter, config.segment.digest(), config.archive.digest()]
        parts += (
            seen_by if kind == "outlines" else [*seen_by, prints.describer, config.describe.cutout.digest()]
        )
    return digest_of(*parts)
