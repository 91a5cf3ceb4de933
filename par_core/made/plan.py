"""The plan of a folder of made pictures: what is made from which sources, cut into shards.

    DIR/plan.json               what is made, from what, with which settings
    DIR/pictures, maps, masks   the pictures, and maps of the same names
    DIR/shards/00000.parquet    the people of one finished shard
    DIR/people.parquet          everybody, once all shards are finished
    DIR/README.txt              says that the pictures are made
    DIR/manifest.json           written last: a folder without it is not finished

A shard depends on the plan and on its sources alone, so that a stopped run goes on to the same bytes.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from par_core.atomic import sync_files, write_atomic
from par_core.errors import BadConfigError, StoreError
from par_core.ids import digest_of, image_id
from par_core.made.rows import MadePerson, table_of

__all__ = ["MANIFEST", "SHARD", "MakingPlan", "Source", "Tally", "sources_of"]

SHARD: Final = 32  # sources, or pictures where several sources make one
MANIFEST: Final = "manifest.json"
_PLAN: Final = "plan.json"
_FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class Source:
    """A picture that others are made from.

    Attributes:
        id: Id of the image, as a store has it.
        file: Its file, relative to the folder of the data set.
    """

    id: str
    file: str


@dataclass(frozen=True, slots=True)
class Tally:
    """How often something was tried, how often it was kept, and why it was not, by reason."""

    tried: int
    kept: int
    refused: Mapping[str, int]

    def __add__(self, other: "Tally") -> "Tally":
        reasons = sorted({*self.refused, *other.refused})
        refused = {name: self.refused.get(name, 0) + other.refused.get(name, 0) for name in reasons}
        return Tally(self.tried + other.tried, self.kept + other.kept, refused)


@dataclass(frozen=True, slots=True)
class MakingPlan:
    """What is made, and where.

    Attributes:
        folder: The folder of the made pictures.
        kind: How pictures are made.
        settings: Settings of that kind, as JSON can hold them.
        dataset: Name of the data set of the sources.
        root: Its folder.
        seed: Seed of everything random.
        sources: Pictures that others are made from.
        items: How many things the shards divide: as many as sources, or pictures.
    """

    folder: Path
    kind: str
    settings: Mapping[str, Any]
    dataset: str
    root: Path
    seed: int
    sources: tuple[Source, ...]
    items: int

    def write(self) -> None:
        """Write the plan; a run of the same plan goes on.

        Raises:
            BadConfigError: The folder holds another plan; names what differs.
        """
        file = self.folder / _PLAN
        if file.exists():
            before, now = json.loads(file.read_bytes()), self._content()
            differs = [name for name in now if before.get(name) != now[name]]
            if differs:
                raise BadConfigError(
                    f"{self.folder} holds pictures of another run ({', '.join(differs)} differ); give another"
                    " folder, or remove this one"
                )
            return
        write_atomic(file, (json.dumps(self._content(), indent=1) + "\n").encode())

    @classmethod
    def open(cls, folder: Path) -> "MakingPlan":
        """Read a plan.

        Raises:
            BadConfigError: The folder holds none.
            StoreError: It is damaged.
        """
        file = folder / _PLAN
        if not file.is_file():
            raise BadConfigError(f"{folder} holds no made pictures: there is no {_PLAN}; see par generate")
        try:
            content = json.loads(file.read_bytes())
            sources = tuple(Source(*each) for each in content["sources"])
            names = ("kind", "settings", "dataset", "seed", "items")
            return cls(
                folder, **{name: content[name] for name in names}, root=Path(content["root"]), sources=sources
            )
        except (ValueError, KeyError, TypeError) as error:
            raise StoreError(f"{file} is damaged ({error!r}); remove the folder and make it again") from error

    def _content(self) -> dict[str, Any]:
        content = asdict(self) | {"root": str(self.root), "format": _FORMAT}
        content["sources"] = [[each.id, each.file] for each in self.sources]
        content.pop("folder")
        return json.loads(json.dumps(content))

    @property
    def digest(self) -> str:
        """Digest of the sources' ids."""
        return digest_of(*(source.id for source in self.sources))

    @property
    def learned_from(self) -> frozenset[str]:
        """Ids of the people whom the network that makes the pictures has learned from: all sources; nobody
        where no network makes them.
        """
        return frozenset(each.id for each in self.sources) if "network" in self.settings else frozenset()

    @property
    def finished(self) -> bool:
        """Whether the manifest is there."""
        return (self.folder / MANIFEST).exists()

    @property
    def shards(self) -> range:
        """Numbers of the shards."""
        return range(-(-self.items // SHARD))

    def items_of(self, shard: int) -> range:
        """Numbers of the items of one shard."""
        return range(shard * SHARD, min((shard + 1) * SHARD, self.items))

    def file(self, shard: int) -> Path:
        """Return the file of a shard."""
        return self.folder / "shards" / f"{shard:05d}.parquet"

    def missing(self) -> list[int]:
        """Return the numbers of the shards that are not finished."""
        return [] if self.finished else [shard for shard in self.shards if not self.file(shard).exists()]

    def rng(self, *of: str | int) -> np.random.Generator:
        """Return the random numbers of one picture: they depend on the seed and on what it is made of, not on
        the order of the work.
        """
        return np.random.default_rng([self.seed, int(digest_of(self.kind, *map(str, of)), 16)])

    def finish_shard(
        self, shard: int, people: Sequence[MadePerson], files: Mapping[str, bytes], tally: Tally
    ) -> None:
        """Write the pictures and maps of a shard, then its people: the pictures are complete where these are.

        Args:
            shard: Its number.
            people: Its rows.
            files: Contents by name, relative to the folder.
            tally: What was tried for them.
        """
        for name, content in files.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_bytes(content)
        sync_files(self.folder / name for name in files)
        table = table_of(list(people))
        metadata = {**(table.schema.metadata or {}), b"par.tally": json.dumps(asdict(tally)).encode()}
        sink = pa.BufferOutputStream()
        pq.write_table(table.replace_schema_metadata(metadata), sink, compression="zstd")
        write_atomic(self.file(shard), sink.getvalue().to_pybytes())


def sources_of(root: Path, pictures: Sequence[Path]) -> tuple[Source, ...]:
    """Name pictures by the bytes of their files.

    Raises:
        BadConfigError: One lies outside of the folder.
    """
    sources = []
    for picture in pictures:
        if not picture.is_relative_to(root):
            raise BadConfigError(f"{picture} does not lie in {root}")
        sources.append(Source(image_id(picture.read_bytes()), picture.relative_to(root).as_posix()))
    return tuple(sources)
