"""The steps of an erasure. Each may be killed and is simply done again: it looks at what is still there, and
erases that.
"""

import json
import re
import secrets
import shutil
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from par_core.access import Access
from par_core.atomic import write_atomic
from par_core.errors import StoreError
from par_core.forget.byte_search import ByteSearch
from par_core.forget.concerned import described, shards_at
from par_core.forget.subject import Subject, without_image
from par_core.locks import locked
from par_core.status import Status
from par_core.store.lance import PeopleIndex
from par_core.store.layout import Store
from par_core.store.schemas import IMAGES, PEOPLE
from par_core.store.shards import REWRITING, Manifest, ShardFolder
from par_core.tags.change import erase_tags
from par_core.tags.files import read_tags
from par_core.tags.of_index import boxes_in
from par_core.tags.record import TaggedPerson

__all__ = ["erase_leftovers", "erase_named_in_text", "erase_rows"]

_REPLACED: Final = "forgotten"
_ANY_SEGMENTER: Final = ""  # of tags the segmentation is known, and not the model
_ID: Final = re.compile("[0-9a-f]{32}")


def erase_leftovers(store: Store) -> None:
    """Delete what a later run makes again or does not need: planned work, caches, logs, contact sheets of
    reviews, folders of incomplete shards, and half-written files.
    """
    for name in ("work", "cache"):
        shutil.rmtree(store.root / name, ignore_errors=True)
    for name in ("prefect-server.log", "workers.log"):
        (store.root / name).unlink(missing_ok=True)
    for sheet in store.reviews_path.glob("*.html"):  # holds pictures, and is made again with the next batch
        sheet.unlink()
    for folder in store.incomplete_shards():
        shutil.rmtree(folder)
    store.remove_partials(of_shards=True)


def erase_rows(store: Store, subject: Subject) -> None:
    """Rewrite every shard that holds something of the subject, without it.

    Descriptions go before the people whom they describe: a commit after a kill finds no described person
    without a segmentation.

    Raises:
        StoreError: A shard is damaged.
    """
    for name in sorted(subject.shards):
        segmented = next(shards_at(store, [name]), None)
        kept = None if segmented is None else _kept(segmented[0], subject)
        for folder, manifest, _ in described(store, [name]):
            _rewrite_described(folder, manifest, subject, None if kept is None else kept[0])
        if segmented is not None and kept is not None:
            _rewrite_segmented(*segmented, *kept)


def _kept(folder: ShardFolder, subject: Subject) -> tuple[pa.Table, pa.Table]:
    """Return the images and the people of a segmentation that stay."""
    images, people = folder.read("images"), folder.read("people")
    kept_images = images.filter(pc.invert(_going(images, subject)))
    staying = pc.and_(
        pc.is_in(people["image_id"], value_set=kept_images["image_id"].unique()),
        pc.invert(_is_in(people["person_id"], subject.person_ids)),
    )
    kept_people = people.filter(staying)
    return _recounted(kept_images, kept_people, subject), kept_people


def _rewrite_segmented(
    folder: ShardFolder, manifest: Manifest, kept_images: pa.Table, kept_people: pa.Table
) -> None:
    images = folder.read("images")
    if (
        kept_images.equals(images.select(kept_images.schema.names))
        and len(kept_people) == len(folder.read("people"))
        and not (folder.path / REWRITING).exists()
    ):
        return
    counts = {**_by_status(kept_images), "images": len(kept_images), "people": len(kept_people)}
    tables = {"images": (kept_images, IMAGES), "people": (kept_people, PEOPLE)}
    _rewrite(folder, manifest, tables, counts, {**manifest.info, "entries": len(kept_images)})


def _rewrite_described(
    folder: ShardFolder, manifest: Manifest, subject: Subject, kept_images: pa.Table | None
) -> None:
    people = folder.read("people")
    going = pc.or_(
        _is_in(people["person_id"], subject.person_ids), _is_in(people["image_id"], subject.image_ids)
    )
    if kept_images is not None:
        images = kept_images["image_id"].unique()
        going = pc.or_(going, pc.invert(pc.is_in(people["image_id"], value_set=images)))
    kept_people = people.filter(pc.invert(going))
    if len(kept_people) == len(people) and not (folder.path / REWRITING).exists():
        return
    counts = {**_by_status(kept_people), "people": len(kept_people)}
    _rewrite(folder, manifest, {"people": (kept_people, people.schema)}, counts, manifest.info)


def erase_named_in_text(store: Store, subject: Subject) -> int:
    """Replace ids and names in everything that is kept as JSON: the gate's report, reviews, saved searches,
    the audit log.

    In reviews and saved searches an id is replaced by a random one, because they expect ids: they treat that
    person as no longer in the index. Tags and notes go with their person.

    Returns:
        Number of changed files and lines of the audit log.
    """
    stands_for = {identity: secrets.token_hex(16) for identity in subject.traces.ids}
    changed = 0
    kept = [*store.reviews_path.rglob("*.json"), *store.searches_path.rglob("*.json")]
    for path in [store.root / "gate.json", *kept]:
        if path.is_file():
            # the lock that a review takes when it goes on, and a saved search when it runs
            with locked(path.with_suffix(".lock")) if path.parent != store.root else nullcontext():
                content = path.read_bytes()
                change = _replacing(content, subject, stands_for if path.parent != store.root else {})
                if change:
                    changed_content = json.dumps(_walked(json.loads(content), change)).encode()
                    write_atomic(path, changed_content, mode=path.stat().st_mode & 0o777)
                    changed += 1
    changed += _erase_in_tags(store, subject)
    log = Access(store.root).log
    change = _replacing(log.content(), subject, {})
    return changed + (log.rewrite(change) if change else 0)


def _erase_in_tags(store: Store, subject: Subject) -> int:
    """Erase tags and notes of the subject, also those under an id that an earlier segmentation gave, and its
    ids and names in the notes on other people. Returns the number of changed files.
    """
    people = read_tags(store.root).people
    if not people:
        return 0
    index = PeopleIndex.open(store.index_path)
    here = set(boxes_in(index, (person.person_id for person in people))) if index is not None else set()

    def goes(person: TaggedPerson) -> bool:
        if person.person_id in subject.person_ids or person.image_id in subject.image_ids:
            return True
        known = subject.suppression_list
        if person.person_id in here or not known.has_person_of(person.image_id):
            return known.has_image(person.image_id)
        return bool(known.forgotten_people(person.image_id, [(person.person_id, person.box)], _ANY_SEGMENTER))

    notes = json.dumps([person.note.text for person in people if person.note is not None], ensure_ascii=False)
    return erase_tags(store, goes, _replacing(notes.encode("utf-8", "surrogatepass"), subject, {}))


def _replacing(content: bytes, subject: Subject, stands_for: dict[str, str]) -> Callable[[str], str] | None:
    """Return a function that replaces the subject's ids and names in texts of some content; None if the
    content has none of them.
    """
    ids, names = (
        frozenset(subject.traces.ids),
        [*subject.traces.uris, *(name for name in subject.traces.uris_by_value if len(name) >= 8)],
    )
    forms = [json.dumps(name)[1:-1].encode() for name in names] + [
        name.encode("utf-8", "surrogateescape") for name in names
    ]
    present = sorted(
        {names[number % len(names)] for number in ByteSearch(forms).find(content)}, key=len, reverse=True
    )
    if not present and not any(
        match.group().decode() in ids for match in re.finditer(_ID.pattern.encode(), content)
    ):
        return None

    def change(text: str) -> str:
        for name in present:
            text = text.replace(name, _REPLACED)
        return _ID.sub(
            lambda match: stands_for.get(match.group(), _REPLACED) if match.group() in ids else match.group(),
            text,
        )

    return change


def _walked(content: Any, change: Callable[[str], str]) -> Any:
    if isinstance(content, str):
        return change(content)
    if isinstance(content, list):
        return [_walked(value, change) for value in content]
    if isinstance(content, dict):
        return {change(key): _walked(value, change) for key, value in content.items()}
    return content


def _going(images: pa.Table, subject: Subject) -> pa.ChunkedArray:
    going = pc.or_(_is_in(images["uri"], subject.uris), _is_in(images["image_id"], subject.image_ids))
    return pc.or_(going, without_image(images, subject.files))


def _is_in(column: pa.ChunkedArray, values: frozenset[str]) -> pa.ChunkedArray:
    return pc.is_in(column, value_set=pa.array(sorted(values), pa.string()))


def _recounted(images: pa.Table, people: pa.Table, subject: Subject) -> pa.Table:
    """Return images with their people counted again where a person was forgotten."""
    if not pc.any(_is_in(images["image_id"], subject.partly)).as_py():
        return images
    rows = images.to_pylist()
    for row in rows:
        if row["image_id"] in subject.partly and row["status"] in (Status.OK, Status.NO_PEOPLE):
            left = people.filter(pc.equal(people["image_id"], row["image_id"]))["status"].to_pylist()
            row["n_people"] = left.count(Status.OK) + left.count(Status.SECOND_CUT)
            row["n_too_small"] = left.count(Status.TOO_SMALL)
            row["status"] = (Status.OK if left.count(Status.OK) else Status.NO_PEOPLE).value
    return pa.Table.from_pylist(rows, schema=images.schema)


def _by_status(table: pa.Table) -> dict[str, int]:
    return {item["values"]: item["counts"] for item in table["status"].value_counts().to_pylist()}


def _rewrite(
    folder: ShardFolder,
    manifest: Manifest,
    tables: dict[str, tuple[pa.Table, pa.Schema]],
    counts: dict[str, int],
    info: Any,
) -> None:
    if not (folder.path / REWRITING).exists() and folder.wrong_files(manifest):
        raise StoreError(
            f"{folder.path} is damaged, so that no person can be erased from it; delete it and ask again"
        )
    with folder.rewriting():
        folder.rewrite(tables, counts, info)
