"""Take the copies of a person out of a folder of made pictures."""

import json
from collections.abc import Callable
from pathlib import Path

from par_core.atomic import write_atomic
from par_core.errors import BadConfigError
from par_core.made.folder import MadeFolder, count_pictures, write_manifest, write_table
from par_core.made.plan import MakingPlan
from par_core.made.rows import MadePerson, table_of

__all__ = ["erase_copies", "source_is_gone"]

IsGone = Callable[[str, str], bool]


def erase_copies(folder: Path, is_gone: IsGone) -> int:
    """Erase every picture that holds pixels of somebody who is gone, with maps, rows, and the names in the
    plan. A killed erasure is finished by the same call.

    Args:
        folder: A finished folder.
        is_gone: Tells from the id of a source image and its file, relative to the folder of its data set.

    Returns:
        How many people of made pictures were erased.

    Raises:
        BadConfigError: The folder is not finished.
        StoreError: It is damaged.
    """
    made, plan = MadeFolder.open(folder), MakingPlan.open(folder)
    going = {person.scene_picture or person.picture for person in made.people if _is_gone(person, is_gone)}
    # a scene goes with everybody in it
    erased = [person for person in made.people if (person.scene_picture or person.picture) in going]
    for person in erased:
        for name in files_of(person):
            (folder / name).unlink(missing_ok=True)
    left = [person for person in made.people if (person.scene_picture or person.picture) not in going]
    gone = {source.id for source in plan.sources if is_gone(source.id, source.file)}
    if erased:
        write_table(folder, table_of(left))
    if gone:
        content = json.loads((folder / "plan.json").read_bytes())
        content["sources"] = [each for each in content["sources"] if each[0] not in gone]
        write_atomic(folder / "plan.json", (json.dumps(content, indent=1) + "\n").encode())
    if erased or gone:
        counts = {"people": len(left), "pictures": count_pictures(left)}
        counts["erased"] = made.manifest["erased"] + len(erased)
        write_manifest(folder, made.manifest | counts)
    return len(erased)


def files_of(person: MadePerson) -> list[str]:
    """All files of a row, relative to the folder."""
    names = [person.picture, person.map, person.scene_picture]
    if person.scene_picture is not None:
        names.append(f"masks/{Path(person.scene_picture).stem}.png")
    return [name for name in names if name is not None]


def source_is_gone(root: Path) -> IsGone:
    """Whether a source is no longer in the folder of its data set.

    Raises:
        BadConfigError: The folder itself is not there, as when a disk is not mounted.
    """
    if not root.is_dir():
        raise BadConfigError(f"the folder of the sources, {root}, is not there; nothing was erased")
    return lambda _, file: bool(file) and not (root / file).exists()


def _is_gone(person: MadePerson, is_gone: IsGone) -> bool:
    return any(is_gone(image, file) for image, file in zip(person.sources, person.files, strict=True))
