"""One program that reads an export of PAR, run by ``consumers.py`` in an environment of its own:

    python consumers_child.py CONSUMER EXPORT OUT

Readers of COCO write to OUT, by name of the picture, the masks that the program made, in the order of the
file; readers of Parquet print what they see. Everything else that the parent should know is printed as JSON.
"""

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Masks = dict[str, list[np.ndarray]]


def described(export: Path) -> list[dict[str, Any]]:
    """Pictures that the file lists."""
    return json.loads((export / "labels.json").read_text())["images"]


def supervision(export: Path, facts: dict[str, Any]) -> Masks:
    import supervision as sv

    data = sv.DetectionDataset.from_coco(str(export / "data"), str(export / "labels.json"), force_masks=True)
    facts["objects"] = sum(len(found) for _, _, found in data)
    return {Path(name).name: list(found.mask) for name, _, found in data}


def fiftyone(export: Path, facts: dict[str, Any]) -> Masks:
    import fiftyone as voxels

    data = voxels.Dataset.from_dir(
        dataset_dir=str(export),
        dataset_type=voxels.types.COCODetectionDataset,
        label_types="segmentations",
        include_id=True,
    )
    masks: Masks = {}
    facts["objects"], facts["fields"] = 0, sorted(data.get_field_schema())
    [field] = data.get_field_schema(embedded_doc_type=voxels.Detections)
    for sample in data:
        sample.compute_metadata()
        size = (sample.metadata.width, sample.metadata.height)
        found = sample[field].detections if sample[field] else []
        facts["objects"] += len(found)
        if found:
            facts["attributes"] = sorted(found[0].to_dict().keys())
        masks[Path(sample.filepath).name] = [
            each.to_segmentation(frame_size=size).mask.astype(bool) for each in found
        ]
    return masks


def datumaro(export: Path, facts: dict[str, Any]) -> Masks:
    from datumaro import Dataset
    from datumaro.components.annotation import AnnotationType

    folder = export.parent / "datumaro"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "annotations").mkdir(parents=True)
    shutil.copytree(export / "data", folder / "images" / "default")
    shutil.copy(export / "labels.json", folder / "annotations" / "instances_default.json")
    masks: Masks = {}
    names, people = {Path(each["file_name"]).stem: each for each in described(export)}, set()
    facts["objects"], facts["boxes"] = 0, 0
    for item in Dataset.import_from(str(folder), "coco"):
        picture, parts = names[item.id], dict[int, np.ndarray]()
        for each in item.annotations:
            facts["objects"] += 1
            people.add((item.id, each.group))
            if each.type == AnnotationType.bbox:
                facts["boxes"] += 1
            elif each.type == AnnotationType.mask:
                parts[each.group] = parts.get(each.group, False) | each.image.astype(bool)
            else:
                part = filled([each.points], picture)
                parts[each.group] = parts.get(each.group, False) | part
        masks[picture["file_name"]] = [parts[group] for group in sorted(parts)]
    facts["groups"] = len(people)
    return masks


def filled(polygons: list[list[float]], picture: dict[str, Any]) -> np.ndarray:
    """Polygons filled as datumaro does where it needs masks."""
    from pycocotools import mask as coco

    codes = coco.frPyObjects(
        [list(map(float, each)) for each in polygons], picture["height"], picture["width"]
    )
    return coco.decode(coco.merge(codes)).astype(bool)


def ultralytics(export: Path, facts: dict[str, Any]) -> Masks:
    from ultralytics.data.converter import convert_coco
    from ultralytics.data.utils import polygon2mask

    labels, out = export.parent / "ultralytics-json", export.parent / "ultralytics"
    for folder in (labels, out):
        shutil.rmtree(folder, ignore_errors=True)
    labels.mkdir()
    shutil.copy(export / "labels.json", labels / "instances_labels.json")
    convert_coco(str(labels), str(out), use_segments=True, cls91to80=False)
    masks: Masks = {}
    facts["objects"] = 0
    for each in described(export):
        size, rows = (each["height"], each["width"]), []
        file = out / "labels" / "labels" / Path(each["file_name"]).with_suffix(".txt")
        for line in file.read_text().splitlines():
            points = np.array(line.split()[1:], float).reshape(-1, 2) * (size[1], size[0])
            rows.append(polygon2mask(size, [points.ravel()]).astype(bool))
        facts["objects"] += len(rows)
        masks[each["file_name"]] = rows
    return masks


def torchvision(export: Path, facts: dict[str, Any]) -> Masks:
    from torchvision.datasets import CocoDetection, wrap_dataset_for_transforms_v2

    data = wrap_dataset_for_transforms_v2(
        CocoDetection(str(export / "data"), str(export / "labels.json")), target_keys=("masks", "image_id")
    )
    names = {each["id"]: each["file_name"] for each in described(export)}
    masks = {
        names[target["image_id"]]: [mask.numpy().astype(bool) for mask in target["masks"]]
        for _, target in data
    }
    facts["objects"] = sum(map(len, masks.values()))
    return masks


def duckdb(export: Path, facts: dict[str, Any]) -> None:
    import duckdb

    file = str(export / "people.parquet")
    size = facts["vector_size"]
    column = "SELECT typeof(vector) FROM read_parquet(?) LIMIT 1"
    facts["rows"] = duckdb.execute("SELECT count(*) FROM read_parquet(?)", [file]).fetchone()[0]
    facts["vector"] = duckdb.execute(column, [file]).fetchone()[0]
    cosine = (
        "SELECT array_cosine_similarity({0}, {0}) FROM (SELECT vector AS plain, vector::FLOAT[{1}] AS fixed"
        " FROM read_parquet(?)) LIMIT 1"
    )
    for name in ("plain", "fixed"):
        try:
            answer = duckdb.execute(cosine.format(name, size), [file]).fetchone()[0]
            facts[f"array_cosine_similarity_{name}"] = round(answer, 4)
        except duckdb.Error as error:
            facts[f"array_cosine_similarity_{name}"] = str(error).splitlines()[0][:160]
    facts["captured_at"] = duckdb.execute(column.replace("vector", "captured_at"), [file]).fetchone()[0]


def polars(export: Path, facts: dict[str, Any]) -> None:
    import polars as pl

    people = pl.read_parquet(export / "people.parquet")
    facts["rows"], facts["vector"] = len(people), str(people.schema["vector"])
    facts["captured_at"] = str(people.schema["captured_at"])
    facts["numpy"] = list(people["vector"].to_numpy().shape)


def pandas(export: Path, facts: dict[str, Any]) -> None:
    import pandas as pd

    people = pd.read_parquet(export / "people.parquet")
    facts["rows"], facts["vector"] = len(people), str(people["vector"].dtype)
    facts["captured_at"] = str(people["captured_at"].dtype)
    facts["numpy"] = list(np.stack(people["vector"]).shape)


def datasets(export: Path, facts: dict[str, Any]) -> None:
    from datasets import Dataset

    people = Dataset.from_parquet(str(export / "people.parquet"), cache_dir=str(export.parent / "hf"))
    facts["rows"], facts["vector"] = len(people), str(people.features["vector"])
    facts["captured_at"] = str(people.features["captured_at"])
    facts["numpy"] = list(people.with_format("numpy")[:]["vector"].shape)


READERS: dict[str, Callable[[Path, dict[str, Any]], Masks | None]] = {
    reader.__name__: reader
    for reader in (
        supervision,
        fiftyone,
        datumaro,
        ultralytics,
        torchvision,
        duckdb,
        polars,
        pandas,
        datasets,
    )
}


def main() -> None:
    """Read, and tell."""
    name, export, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    facts: dict[str, Any] = {"vector_size": int(os.environ.get("PAR_VECTOR_SIZE", "0"))}
    masks = READERS[name](export, facts)
    if masks is not None:
        packed = {key: np.stack(value) for key, value in masks.items() if value}
        np.savez_compressed(out, **packed)
    print("FACTS", json.dumps(facts, default=str))


if __name__ == "__main__":
    main()
