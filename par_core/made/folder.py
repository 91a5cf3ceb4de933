"""A finished folder of made pictures: finishing it, reading it, and who may be trained on it."""

import json
import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from par_core.atomic import write_atomic
from par_core.datasets.merged_labels import LabelledPerson
from par_core.errors import BadConfigError, StoreError
from par_core.ids import image_id
from par_core.made.marking import SOURCE_TYPE
from par_core.made.plan import MANIFEST, MakingPlan, Tally
from par_core.made.rows import MADE_PEOPLE, MadePerson, people_of
from par_core.version import __version__

__all__ = ["MADE", "MadeFolder", "as_labelled", "finish", "ids_of"]

#: ``source`` of a labelled person who was made.
MADE: Final = "made"
PEOPLE: Final = "people.parquet"
_README: Final = f"""\
The pictures in this folder are made, not taken ({{kind}}, PAR {__version__}).

Nobody looked like this. Each picture is marked as made in its own metadata (XMP: DigitalSourceType,
{SOURCE_TYPE}).
They are for training only. PAR never validates or tests on them, and never trains on a picture whose source
person is not in the training part. people.parquet names the sources; when a person is erased, erase the
copies too: par forget --made DIR, or par generate prune DIR.
"""


@dataclass(frozen=True, slots=True)
class MadeFolder:
    """A finished folder.

    Attributes:
        folder: Where it is.
        manifest: Content of ``manifest.json``.
        people: Everybody in it.
        learned_from: Ids of the images of everybody whom the network that made the pictures has learned from;
            nobody where no network made them.
    """

    folder: Path
    manifest: dict[str, Any]
    people: tuple[MadePerson, ...]
    learned_from: frozenset[str] = frozenset()

    @classmethod
    def open(cls, folder: Path) -> "MadeFolder":
        """Read a folder.

        Raises:
            BadConfigError: It is not finished, or no such folder.
            StoreError: It is damaged; names the file.
        """
        plan = MakingPlan.open(folder)
        if not plan.finished:
            raise BadConfigError(f"{folder} is not finished; run its par generate command again")
        try:
            manifest = json.loads((folder / MANIFEST).read_bytes())
            people = people_of(pq.read_table(folder / PEOPLE, partitioning=None))
        except (OSError, ValueError, TypeError, pa.ArrowException) as error:
            raise StoreError(f"{folder} is damaged ({error!r}); remove it and make it again") from error
        for person in people:
            for name in (person.picture, person.map, person.scene_picture):
                if name is not None and (Path(name).is_absolute() or ".." in Path(name).parts):
                    raise StoreError(f"{folder / PEOPLE} names {name!r}, which lies outside of the folder")
        return cls(folder, manifest, tuple(people), plan.learned_from)

    def allowed(self, ids: Collection[str]) -> list[MadePerson]:
        """The people who may be trained on: everybody whose pixels are in the picture is among the training
        people, and so is everybody whom the network has learned from.

        Args:
            ids: Ids of the images of the training people.
        """
        known = set(ids)
        if not self.learned_from <= known:
            return []
        return [person for person in self.people if set(person.sources) <= known]


def as_labelled(
    folder: Path, people: Sequence[MadePerson], attributes: Sequence[str], weight: float = 1.0
) -> list[LabelledPerson]:
    """Made people as training reads them.

    Args:
        folder: Their folder.
        people: Some of its people.
        attributes: Names of the labels that are wanted; those that the folder does not know are NaN.
        weight: Weight of every label, in [0, 1].
    """
    return [
        LabelledPerson(
            MADE,
            folder / person.picture,
            folder / person.map if person.map else None,
            person.labels_in(tuple(attributes)),
            (weight,) * len(attributes),
            tuple(sorted(person.colours.items())),
        )
        for person in people
    ]


def ids_of(pictures: Sequence[Path]) -> frozenset[str]:
    """Ids of the images in some files."""
    return frozenset(image_id(picture.read_bytes()) for picture in pictures)


def finish(plan: MakingPlan, command: str) -> dict[str, Any]:
    """Put the shards together; the manifest comes last. A finished folder is left as it is.

    Args:
        plan: A plan whose shards are all finished.
        command: What made it, for the manifest.

    Returns:
        The manifest.

    Raises:
        StoreError: A shard is missing or damaged.
    """
    if not plan.finished:
        tables, tally = [MADE_PEOPLE.empty_table()], Tally(0, 0, {})
        for shard in plan.shards:
            try:
                table = pq.read_table(plan.file(shard), partitioning=None)
            except (OSError, pa.ArrowException) as error:
                raise StoreError(f"{plan.file(shard)} cannot be read ({error}); run it again") from error
            tally += Tally(**json.loads(table.schema.metadata[b"par.tally"]))
            tables.append(table.replace_schema_metadata(MADE_PEOPLE.metadata))
        everybody = pa.concat_tables(tables)
        write_table(plan.folder, everybody)
        write_atomic(plan.folder / "README.txt", _README.format(kind=plan.kind).encode())
        manifest = {
            "kind": plan.kind,
            "command": command,
            "seed": plan.seed,
            "settings": dict(plan.settings),
            "dataset": plan.dataset,
            "sources": len(plan.sources),
            "source_digest": plan.digest,
            "par": __version__,
            "digital_source_type": SOURCE_TYPE,
            "people": len(everybody),
            "pictures": count_pictures(people_of(everybody)),
            "tried": tally.tried,
            "kept": tally.kept,
            "refused": dict(tally.refused),
            "erased": 0,
        }
        write_manifest(plan.folder, manifest)
    shutil.rmtree(plan.folder / "shards", ignore_errors=True)
    return dict(json.loads((plan.folder / MANIFEST).read_bytes()))


def count_pictures(people: Sequence[MadePerson]) -> int:
    """How many pictures show some people; those of one scene are in one picture."""
    return len({person.scene_picture or person.picture for person in people})


def write_table(folder: Path, people: pa.Table) -> None:
    """Write ``people.parquet`` in one step."""
    sink = pa.BufferOutputStream()
    pq.write_table(people, sink, compression="zstd")
    write_atomic(folder / PEOPLE, sink.getvalue().to_pybytes())


def write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """Write ``manifest.json`` in one step."""
    write_atomic(folder / MANIFEST, (json.dumps(manifest, indent=1) + "\n").encode())
