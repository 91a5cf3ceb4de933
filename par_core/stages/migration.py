"""Stores of version 0.1: their ids also digest settings that are in no id now. Folders are renamed, and no
model sees an image again.

The new ids are computed from the manifests. They are written down before the first folder is renamed, so that
a kill leaves a store that the next run continues with.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from par_core.atomic import sync_folder, write_atomic
from par_core.config import CutoutConfig, SegmentConfig
from par_core.stages.names import describe_id, segment_id
from par_core.store.layout import Stage, Store
from par_core.store.renamed_ids import RenamedIds, load_renamed_ids, save_renamed_ids
from par_core.store.shards import ShardFolder

__all__ = ["migrate_ids"]


def migrate_ids(store: Store) -> None:
    """Give folders of ``segment/`` and ``describe/`` the ids that this version looks for, and the store its
    format, so that version 0.1.0 refuses it. Only for the writer that holds the store. Reads the folders'
    names and one manifest each.

    Where settings that are in no id made two folders, the one of the last commit becomes the current one. The
    other keeps its name, and nothing reads it.

    Raises:
        StoreError: A manifest, the record of the ids or that of the format is damaged.
    """
    store.raise_format()
    before = load_renamed_ids(store.root)
    found = _to_rename(store, before.renamed)
    if not found and before.finished:
        return
    renamed = {**before.renamed, **found}
    save_renamed_ids(store.root, RenamedIds(renamed, finished=False))
    for stage in ("segment", "describe"):
        folder = store.root / stage
        for earlier, current in renamed.items():
            if (folder / earlier).is_dir() and not (folder / current).exists():
                (folder / earlier).rename(folder / current)
        if folder.is_dir():
            sync_folder(folder)
    for path in store.commits():
        _rename_in(path, renamed)
    save_renamed_ids(store.root, RenamedIds(renamed))


def _to_rename(store: Store, renamed: Mapping[str, str]) -> dict[str, str]:
    """Return the new id of each folder that is to be renamed, by its name."""
    last_named = _last_named(store)
    segments = {
        folder.name: segment_id(
            SegmentConfig(min_score=settings["min_score"], min_side=settings["min_side"]), info["segmenter"]
        )
        for folder, info in _configurations(store, "segment")
        if "min_score" in (settings := info["settings"])
    }
    chosen = _chosen(store, "segment", segments, last_named)
    current = {**renamed, **chosen}
    descriptions = {
        folder.name: describe_id(
            current[info["segment_config"]],
            CutoutConfig(**info["settings"]["cutout"]),
            info["describer"],
        )
        for folder, info in _configurations(store, "describe")
        if info["segment_config"] in current
    }
    return {**chosen, **_chosen(store, "describe", descriptions, last_named)}


def _chosen(
    store: Store, stage: Stage, wanted: Mapping[str, str], last_named: Mapping[str, int]
) -> dict[str, str]:
    """Of the folders that want the same new id, choose that of the last commit; none if the id is taken."""
    best: dict[str, str] = {}
    for earlier in sorted(wanted, key=lambda name: (last_named.get(name, -1), name)):
        if wanted[earlier] != earlier and not (store.root / stage / wanted[earlier]).exists():
            best[wanted[earlier]] = earlier
    return {earlier: current for current, earlier in best.items()}


def _configurations(store: Store, stage: Stage) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Yield each folder of a stage with what the manifest of one of its shards records; of shards that were
    given up, only where there are no others.
    """
    folder = store.root / stage
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        infos = (manifest.info for shard in path.iterdir() if (manifest := ShardFolder(shard).manifest()))
        first = next((info for info in infos if info["settings"]), None)
        if first is not None:
            yield path, first


def _last_named(store: Store) -> dict[str, int]:
    """Return the number of the last commit that names an id, counted from 0."""
    return {
        value: number
        for number, path in enumerate(store.commits())
        for value in json.loads(path.read_bytes()).values()
        if isinstance(value, str)
    }


def _rename_in(path: Path, renamed: Mapping[str, str]) -> None:
    record = json.loads(path.read_bytes())
    changed = {
        name: renamed.get(value, value) if isinstance(value, str) else value for name, value in record.items()
    }
    if changed != record:
        write_atomic(path, json.dumps(changed, indent=1).encode())
